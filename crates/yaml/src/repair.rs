use crate::{Error, Parsed, parse};

/// Lines that one file may need mended.
const MAX_REPAIRS: usize = 64;

/// Reads all documents of a text that may continue a quoted scalar at the first column.
///
/// Older readers take such a line; the standard wants it indented. One space is put before each: the values stay the
/// same, since the folding of a quoted scalar drops it. `mended` gets the text with those spaces, which the places of
/// the nodes then belong to; it stays empty where nothing had to be mended.
///
/// # Errors
/// As [`parse`]; the lines are those of `text`.
pub fn parse_mended<'a>(text: &'a str, mended: &'a mut String) -> Result<Parsed<'a>, Error> {
    let mut fault = match parse(text) {
        Err(error) if error.unindented_scalar => error.line,
        parsed => return parsed,
    };
    text.clone_into(mended);
    for _ in 1..MAX_REPAIRS {
        mended.insert(line_start(mended, fault), ' ');
        match parse(mended) {
            Err(error) if error.unindented_scalar => fault = error.line,
            _ => break,
        }
    }
    parse(mended)
}

fn line_start(text: &str, line: u32) -> usize {
    let Some(before) = (line as usize).checked_sub(2) else { return 0 };
    text.match_indices('\n').nth(before).map_or(0, |(at, _)| at + 1)
}
