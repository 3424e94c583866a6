//! Rows as CSV (RFC 4180), safe to open in a spreadsheet.

use std::borrow::Cow;

/// What happens to a cell that a spreadsheet would run as a formula.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cells {
    /// It gets an apostrophe in front, which spreadsheets take for "this is text".
    #[default]
    Guarded,
    /// It stays what it is.
    Raw,
}

/// CSV text as it grows: rows end with CRLF, cells are quoted where they must be.
#[derive(Debug)]
pub struct CsvText {
    writer: csv::Writer<Vec<u8>>,
    cells: Cells,
}

impl CsvText {
    /// Text with a header.
    #[must_use]
    pub fn new<T: AsRef<[u8]>>(header: impl IntoIterator<Item = T>, cells: Cells) -> Self {
        let writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).flexible(true).from_writer(Vec::new());
        let mut text = Self { writer, cells };
        text.write(header);
        text
    }

    /// Adds a row.
    pub fn row<'a>(&mut self, cells: impl IntoIterator<Item = &'a str>) {
        let guarded: Vec<Cow<'_, str>> = match self.cells {
            Cells::Guarded => cells.into_iter().map(guarded).collect(),
            Cells::Raw => cells.into_iter().map(Cow::Borrowed).collect(),
        };
        self.write(guarded.iter().map(|cell| cell.as_bytes()));
    }

    fn write<T: AsRef<[u8]>>(&mut self, cells: impl IntoIterator<Item = T>) {
        // Writing to memory cannot fail, and rows may have any length.
        let _ = self.writer.write_record(cells);
    }

    /// The text.
    #[must_use]
    pub fn finish(self) -> String {
        self.writer.into_inner().ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

/// A cell that no spreadsheet runs: one that begins like a formula gets an apostrophe in front. A number is no formula.
fn guarded(cell: &str) -> Cow<'_, str> {
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if is_formula && !is_number(cell) { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
}

/// Whether a cell is a number in digits; `+inf` and `-nan` parse as floating point, and a spreadsheet takes them for names.
fn is_number(cell: &str) -> bool {
    cell.contains(|character: char| character.is_ascii_digit()) && cell.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::{Cells, CsvText};

    fn of(cells: Cells, row: &[&str]) -> String {
        let mut text = CsvText::new(["a", "b"], cells);
        text.row(row.iter().copied());
        text.finish()
    }

    #[test]
    fn a_cell_that_begins_like_a_formula_is_text() {
        for cell in ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "-", "-EncodedCommand", "+inf", "-NaN", "-infinity"] {
            assert_eq!(of(Cells::Guarded, &[cell, "x"]), format!("a,b\r\n'{cell},x\r\n"), "{cell}");
            assert_eq!(of(Cells::Raw, &[cell, "x"]), format!("a,b\r\n{cell},x\r\n"), "{cell}");
        }
        for cell in ["-1.5", "+3", "a=b", "'", "5"] {
            assert_eq!(of(Cells::Guarded, &[cell, "x"]), format!("a,b\r\n{cell},x\r\n"), "{cell}");
        }
    }

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        assert_eq!(of(Cells::Guarded, &["a\"b", "c,d"]), "a,b\r\n\"a\"\"b\",\"c,d\"\r\n");
        assert_eq!(
            of(Cells::Guarded, &["=HYPERLINK(\"x\")", "line\nline"]),
            "a,b\r\n\"'=HYPERLINK(\"\"x\"\")\",\"line\nline\"\r\n"
        );
        assert_eq!(of(Cells::Guarded, &[]), "a,b\r\n\"\"\r\n");
    }
}
