//! Lines of `Provider,EventID`. `#` begins a comment, a header may stand first, `*` is every event of the provider, `1-5`
//! are the five ids from 1 to 5.

use super::{Error, MAX_ROWS, number, quoted};

/// An event of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The provider, or a Windows channel, as written.
    pub provider: String,
    /// The id, or `*`.
    pub event_id: String,
    /// The one-based line.
    pub line: u32,
}

/// How many ids a range may have.
const MAX_RANGE: u32 = 1000;

/// The ids of `1-5`; an error where such a range falls or is too long, nothing where the text is none.
fn range(id: &str) -> Option<Result<std::ops::RangeInclusive<u32>, ()>> {
    let (first, last) = id.split_once(['-', '–'])?;
    let number = |text: &str| text.trim().parse::<u32>().ok();
    let (first, last) = (number(first)?, number(last)?);
    let is_sound = first <= last && last - first < MAX_RANGE;
    Some(if is_sound { Ok(first..=last) } else { Err(()) })
}

pub(super) fn read(text: &str) -> Result<Vec<Listed>, Error> {
    let mut listed = Vec::new();
    // A line by itself: no provider's name goes on in the next one, and an error has to name its line.
    for (at, text) in (1..).zip(text.lines()) {
        if text.trim_start().starts_with('#') || text.trim().is_empty() {
            continue;
        }
        let line = number(at);
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let row = reader.records().next().and_then(Result::ok).unwrap_or_default();
        let (provider, id) = (row.get(0).unwrap_or_default(), row.get(1).unwrap_or_default());
        if provider.is_empty() && id.is_empty() {
            continue;
        }
        if listed.is_empty() && provider.eq_ignore_ascii_case("provider") {
            continue;
        }
        if provider.is_empty() || id.is_empty() {
            let reason = format!("{} is no line of `Provider,EventID`", quoted(row.iter().next().unwrap_or_default()));
            return Err(Error::Line { line, reason });
        }
        if listed.len() >= MAX_ROWS {
            return Err(Error::TooLarge);
        }
        let ids = match range(id) {
            Some(Ok(ids)) => ids.map(|id| id.to_string()).collect(),
            Some(Err(())) => {
                let reason = format!("{} is no range: it must rise, and hold {MAX_RANGE} ids at most", quoted(id));
                return Err(Error::Line { line, reason });
            }
            None => vec![id.to_owned()],
        };
        listed.extend(ids.into_iter().map(|event_id| Listed { provider: provider.to_owned(), event_id, line }));
    }
    if listed.is_empty() { Err(Error::Empty) } else { Ok(listed) }
}
