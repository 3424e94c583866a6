use std::borrow::Cow;

/// Lines that one file may need mended.
const MAX_REPAIRS: usize = 64;

/// The text as YAML 1.2 wants it, where it continues a quoted scalar at the first column.
///
/// Older readers take such a line; the standard wants it indented. One space is put before each: the values stay the
/// same, since the folding of a quoted scalar drops it. A text without that fault comes back as it is.
#[must_use]
pub fn repair(text: &str) -> Cow<'_, str> {
    let mut repaired = Cow::Borrowed(text);
    for _ in 0..MAX_REPAIRS {
        let line = match crate::parse(&repaired) {
            Err(error) if error.unindented_scalar => error.line,
            _ => break,
        };
        let start = line_start(&repaired, line);
        repaired.to_mut().insert(start, ' ');
    }
    repaired
}

fn line_start(text: &str, line: u32) -> usize {
    let Some(before) = (line as usize).checked_sub(2) else { return 0 };
    text.match_indices('\n').nth(before).map_or(0, |(at, _)| at + 1)
}
