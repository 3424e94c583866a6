use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A day of the calendar, `YYYY-MM-DD`. Days compare as they follow each other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(try_from = "String", into = "String")]
pub struct Day(String);

impl Day {
    /// The day as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Day {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_day = || {
            let digits = |range| text.get(range).filter(|part: &&str| part.bytes().all(|byte| byte.is_ascii_digit()));
            let (year, month, day): (u32, u32, u32) =
                (digits(0..4)?.parse().ok()?, digits(5..7)?.parse().ok()?, digits(8..10)?.parse().ok()?);
            let dashes = text.get(4..5)? == "-" && text.get(7..8)? == "-" && text.len() == 10;
            let leaps = (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400);
            let last = match month {
                4 | 6 | 9 | 11 => 30,
                2 => 28 + u32::from(leaps),
                _ => 31,
            };
            Some(dashes && (1..=12).contains(&month) && (1..=last).contains(&day))
        };
        if is_day() == Some(true) {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!("`{text}` is no day; one is written like 2026-01-31"))
        }
    }
}

impl TryFrom<String> for Day {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Day> for String {
    fn from(day: Day) -> Self {
        day.0
    }
}

#[cfg(test)]
mod tests {
    use super::Day;

    #[test]
    fn only_days_of_the_calendar_are_days() {
        for day in ["2026-01-31", "2024-02-29", "2000-02-29", "0001-12-01"] {
            assert_eq!(day.parse::<Day>().unwrap().as_str(), day);
        }
        for text in [
            "",
            "2026-1-1",
            "2026-02-29",
            "1900-02-29",
            "2026-13-01",
            "2026-00-10",
            "2026-04-31",
            "2026/01/01",
            "2026-01-01T00",
            "+026-01-01",
            "２026-01-01",
            "2026-01-0é",
        ] {
            assert!(text.parse::<Day>().is_err(), "{text}");
        }
        assert!("2025-12-31".parse::<Day>().unwrap() < "2026-01-01".parse().unwrap());
    }
}
