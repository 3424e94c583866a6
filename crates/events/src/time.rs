//! Points in time as logs write them.

use jiff::{Timestamp, civil::DateTime, fmt::strtime, tz::TimeZone};
use serde_json::Value;

/// Dates and times that people read, as `strftime` describes them. Where day and month are two numbers, the month comes
/// first: so write Windows, Splunk and the portals of Azure in English.
const WRITTEN: [&str; 9] = [
    "%m/%d/%Y %I:%M:%S%.f %p",
    "%m/%d/%Y, %I:%M:%S%.f %p",
    "%m/%d/%Y %H:%M:%S%.f",
    "%d/%b/%Y:%H:%M:%S%.f %z",
    "%b %d, %Y @ %H:%M:%S%.f",
    "%a %b %d %H:%M:%S %Y",
    "%a, %d %b %Y %H:%M:%S %z",
    "%a, %d %b %Y %H:%M:%S",
    "%Y-%m-%d %H:%M:%S%.f %z",
];

/// Bytes of a text that is read as a time.
const MAX_LENGTH: usize = 64;

/// A point in time: RFC 3339, with a blank for the `T` or without an offset (then UTC), `/Date(…)/`, one of [`WRITTEN`],
/// or a number. What is not after 1970 is a clock that was not set.
pub(crate) fn time(value: &Value) -> Option<Timestamp> {
    let read = match value {
        Value::Number(number) => epoch(number.as_f64()?),
        Value::String(text) if text.len() <= MAX_LENGTH => of_text(text.trim()),
        _ => None,
    };
    read.filter(|time| *time > Timestamp::UNIX_EPOCH)
}

fn of_text(text: &str) -> Option<Timestamp> {
    if let Some(date) = text.strip_prefix("/Date(").and_then(|rest| rest.strip_suffix(")/")) {
        // An offset behind the milliseconds is for showing: they count from 1970 in UTC.
        let end = date.rfind(['+', '-']).filter(|at| *at > 0).unwrap_or(date.len());
        return epoch(date.get(..end)?.parse().ok()?);
    }
    // The Linux audit log puts the event's serial number behind the time.
    let number = text.split_once(':').filter(|(time, _)| time.contains('.')).map_or(text, |(time, _)| time);
    if let Ok(number) = number.parse::<f64>() {
        return epoch(number);
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
    }
    let bare = text.strip_suffix("UTC").or_else(|| text.strip_suffix("GMT")).unwrap_or(text).trim_end();
    if let Ok(civil) = bare.trim_end_matches('Z').parse::<DateTime>() {
        return in_utc(civil);
    }
    WRITTEN.iter().find_map(|format| {
        let parsed = strtime::parse(format, text).or_else(|_| strtime::parse(format, bare)).ok()?;
        parsed.to_timestamp().ok().or_else(|| in_utc(parsed.to_datetime().ok()?))
    })
}

fn in_utc(civil: DateTime) -> Option<Timestamp> {
    civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// Seconds, milliseconds, microseconds or nanoseconds since 1970, or Windows' hundreds of nanoseconds since 1601:
/// whichever lies in the years from 1970 on to 2286.
fn epoch(number: f64) -> Option<Timestamp> {
    const YEAR_2286: f64 = 1e10;
    /// 1970 and 2286 as Windows counts.
    const WINDOWS: std::ops::Range<f64> = 1.164_447_36e17..2.164_447_36e17;
    let micros = match number {
        number if !(0.0..YEAR_2286 * 1e9).contains(&number) => return None,
        number if number < YEAR_2286 => number * 1e6,
        number if number < YEAR_2286 * 1e3 => number * 1e3,
        number if number < YEAR_2286 * 1e6 => number,
        number if WINDOWS.contains(&number) => (number - WINDOWS.start) / 10.0,
        // Fewer nanoseconds are of a time before there were such logs.
        number if number >= 5e17 => number / 1e3,
        _ => return None,
    };
    Timestamp::from_microsecond(micros.round() as i64).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::time;

    #[test]
    fn times_are_read_as_logs_write_them() {
        let moment = "2020-10-22T10:33:11Z";
        for value in [
            json!("2020-10-22T10:33:11Z"),
            json!("2020-10-22T10:33:11.000000000Z"),
            json!("2020-10-22 10:33:11"),
            json!("2020-10-22T10:33:11"),
            json!("2020-10-22 10:33:11Z"),
            json!("2020-10-22T12:33:11+02:00"),
            json!("2020-10-22T12:33:11.000000+0200"),
            json!("2020-10-22 12:33:11 +0200"),
            json!("2020-10-22 10:33:11 UTC"),
            json!("2020-10-22 10:33:11,000"),
            json!("20201022T103311Z"),
            json!("10/22/2020 10:33:11 AM"),
            json!("10/22/2020, 10:33:11.000 AM"),
            json!("10/22/2020 10:33:11"),
            json!("22/Oct/2020:12:33:11 +0200"),
            json!("Oct 22, 2020 @ 10:33:11.000"),
            json!("Thu Oct 22 10:33:11 2020"),
            json!("Thu Oct 22 10:33:11 2020 UTC"),
            json!("Thu, 22 Oct 2020 10:33:11 +0000"),
            json!("Thu, 22 Oct 2020 10:33:11 GMT"),
            json!("/Date(1603362791000)/"),
            json!("/Date(1603362791000+0200)/"),
            json!(1_603_362_791),
            json!(1_603_362_791.0),
            json!(1_603_362_791_000_i64),
            json!(1_603_362_791_000_000_i64),
            json!(1_603_362_791_000_000_000_i64),
            json!(132_478_363_910_000_000_i64),
            json!("1603362791"),
            json!("1603362791.000:348501"),
            json!("132478363910000000"),
        ] {
            assert_eq!(time(&value).map(|time| time.to_string()).as_deref(), Some(moment), "{value}");
        }
        assert_eq!(
            time(&json!("1603362791.123456")).map(|time| time.to_string()).as_deref(),
            Some("2020-10-22T10:33:11.123456Z")
        );
    }

    #[test]
    fn what_is_no_time_is_none() {
        let long = "1".repeat(10_000);
        for value in [
            json!(null),
            json!("yesterday"),
            json!(-1),
            json!(0),
            json!(1e300),
            json!("NaN"),
            json!("inf"),
            json!({}),
            json!(""),
            json!("1601-01-01T00:00:00Z"),
            json!("0001-01-01T00:00:00Z"),
            json!("2023-10-10T17:08:65"),
            json!("13/32/2020 10:33:11"),
            json!("/Date()/"),
            json!("/Date(é)/"),
            json!("2020-10-22T10:33:11+99:99"),
            json!(long),
        ] {
            assert_eq!(time(&value), None, "{value}");
        }
    }
}
