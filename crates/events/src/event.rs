use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use serde::Serialize;
use serde_json::{Map, Value};

/// What a shape makes of a record.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Event {
    /// The shape's name; `None` where no shape fits, and the fields are the record itself.
    pub shape: Option<String>,
    /// Whose names the fields have, as the taxonomy calls the vocabulary.
    pub vocabulary: Option<String>,
    /// Who wrote it, as the record says (`Microsoft-Windows-Sysmon`).
    pub provider: Option<String>,
    /// The event's id or name at its provider.
    pub event_id: Option<String>,
    /// The channel or service.
    pub channel: Option<String>,
    /// When it happened.
    pub time: Option<Timestamp>,
    /// On which host.
    pub host: Option<String>,
    /// The event's own fields, named and nested as the record has them.
    pub fields: Map<String, Value>,
}

/// A point in time as logs write it: RFC 3339, with a blank for the `T` or without an offset (then UTC), `/Date(…)/`, or a
/// number of seconds, milliseconds or microseconds since 1970.
pub(crate) fn time(value: &Value) -> Option<Timestamp> {
    match value {
        Value::Number(number) => epoch(number.as_f64()?),
        Value::String(text) => {
            let text = text.trim();
            let date = text.strip_prefix("/Date(").and_then(|rest| rest.strip_suffix(")/"));
            if let Some(number) = date.unwrap_or(text).parse::<f64>().ok().filter(|number| number.is_finite()) {
                return epoch(number);
            }
            text.parse::<Timestamp>().ok().or_else(|| {
                let civil: DateTime = text.trim_end_matches(" UTC").parse().ok()?;
                civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
            })
        }
        _ => None,
    }
}

/// Seconds, milliseconds or microseconds: whichever lies between the years 1970 and 2286.
fn epoch(number: f64) -> Option<Timestamp> {
    const YEAR_2286: f64 = 1e10;
    let micros = match number {
        number if !(0.0..YEAR_2286 * 1e6).contains(&number) => return None,
        number if number < YEAR_2286 => number * 1e6,
        number if number < YEAR_2286 * 1e3 => number * 1e3,
        number => number,
    };
    Timestamp::from_microsecond(micros as i64).ok()
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
            json!("2020-10-22T12:33:11+02:00"),
            json!("2020-10-22 10:33:11 UTC"),
            json!("/Date(1603362791000)/"),
            json!(1_603_362_791),
            json!(1_603_362_791.0),
            json!(1_603_362_791_000_i64),
            json!(1_603_362_791_000_000_i64),
            json!("1603362791"),
        ] {
            assert_eq!(time(&value).map(|time| time.to_string()).as_deref(), Some(moment), "{value}");
        }
        for value in [json!(null), json!("yesterday"), json!(-1), json!(1e300), json!("NaN"), json!({})] {
            assert_eq!(time(&value), None, "{value}");
        }
    }
}
