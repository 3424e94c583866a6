use crate::{Error, Parsed, parse};

/// Lines that one file may need repaired.
const MAX_REPAIRS: usize = 64;

/// A text whose quoted scalars go on at the first column, with a space before each such line.
///
/// The standard wants those lines indented, while PyYAML and other readers take them. The values stay the same, since
/// the folding of a quoted scalar drops the space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repaired {
    /// The text that can be read.
    pub text: String,
    /// Where in it the spaces stand, in order.
    pub inserted: Vec<usize>,
}

impl Repaired {
    /// The repaired text, where `error` is of this kind and the text has no other fault.
    #[must_use]
    pub fn of(text: &str, error: &Error) -> Option<Self> {
        let mut repaired = Self { text: text.to_owned(), inserted: Vec::new() };
        let mut fault = error.unindented_scalar.then_some(error.line)?;
        for _ in 1..MAX_REPAIRS {
            let at = line_start(&repaired.text, fault);
            repaired.text.insert(at, ' ');
            // Faults are found from the start on.
            repaired.inserted.push(at);
            match parse(&repaired.text) {
                Ok(_) => return Some(repaired),
                Err(error) if error.unindented_scalar => fault = error.line,
                Err(_) => return None,
            }
        }
        None
    }

    /// The place in the author's text of a place in the repaired one.
    #[must_use]
    pub fn place(&self, at: usize) -> usize {
        at - self.inserted.partition_point(|inserted| *inserted < at)
    }
}

/// Reads all documents of a text that may continue a quoted scalar at the first column; see [`Repaired`].
///
/// `repaired` gets the repaired text, which the places of the nodes then belong to; it stays empty where nothing had to be
/// repaired.
///
/// # Errors
/// As [`parse`]; the lines are those of `text`.
pub fn parse_lenient<'a>(text: &'a str, repaired: &'a mut String) -> Result<Parsed<'a>, Error> {
    let error = match parse(text) {
        Err(error) if error.unindented_scalar => error,
        parsed => return parsed,
    };
    match Repaired::of(text, &error) {
        Some(found) => {
            *repaired = found.text;
            parse(repaired)
        }
        None => Err(error),
    }
}

fn line_start(text: &str, line: u32) -> usize {
    let Some(before) = (line as usize).checked_sub(2) else { return 0 };
    text.match_indices('\n').nth(before).map_or(0, |(at, _)| at + 1)
}
