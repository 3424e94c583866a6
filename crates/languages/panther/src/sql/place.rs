//! From lines and columns of a query to bytes of the YAML it stands in.

use ruleatlas_model::Span;
use ruleatlas_yaml::{Node as Yaml, Style, Value};
use sqlparser::tokenizer::{Location, Span as Lines};

/// Characters of a line between places whose bytes are known.
const STRIDE: usize = 64;

pub(super) struct Places {
    lines: Vec<Line>,
    whole: Span,
}

/// A line of the query.
struct Line {
    /// Where it begins in the rule's text, behind its indentation.
    start: usize,
    text: String,
    /// The byte of every 64th character: a line may be a megabyte long and asked for often.
    marks: Vec<usize>,
}

impl Line {
    fn new(start: usize, text: &str) -> Self {
        let marks = text.char_indices().step_by(STRIDE).map(|(at, _)| at).collect();
        Self { start, text: text.to_owned(), marks }
    }

    /// The byte in the line of a character, or one past the last.
    fn byte(&self, column: usize) -> Option<usize> {
        let mark = self.marks.get(column / STRIDE).copied().or((column == 0).then_some(0));
        let count = self.text.len();
        let Some(mark) = mark else {
            // The end of a line whose length is a multiple of the stride.
            let before = self.marks.get((column - 1) / STRIDE)?;
            let is_end = column.is_multiple_of(STRIDE) && self.text.get(*before..)?.chars().count() == STRIDE;
            return is_end.then_some(count);
        };
        let rest = self.text.get(mark..)?;
        rest.char_indices().map(|(at, _)| mark + at).chain([count]).nth(column % STRIDE)
    }
}

impl Places {
    /// `scalar` holds the query; its place in `around`, the rule's text, is `whole`.
    pub fn new(query: &str, around: &str, whole: Span, scalar: &Yaml<'_>) -> Self {
        let mut lines = Vec::new();
        let raw = whole.of(around).unwrap_or_default();
        if matches!(scalar.value, Value::Scalar(_, Style::Block)) && !raw.starts_with('>') {
            let mut at = whole.start as usize;
            let mut raw_lines = raw.split_inclusive('\n');
            // A scalar's place begins with its mark or with its text.
            if raw.starts_with('|') {
                at += raw_lines.next().map_or(0, str::len);
            }
            for line in query.split('\n') {
                let Some(raw_line) = raw_lines.next() else { break };
                let indent = raw_line.find(line.trim_end_matches('\r')).unwrap_or(0);
                lines.push(Line::new(at + indent, line));
                at += raw_line.len();
            }
        } else if raw.len() == query.len() {
            let mut at = whole.start as usize;
            for line in query.split('\n') {
                lines.push(Line::new(at, line));
                at += line.len() + 1;
            }
        }
        Self { lines, whole }
    }

    /// The place of the whole query, which stands for places that are not known.
    pub fn whole(&self) -> Span {
        self.whole
    }

    pub fn span(&self, lines: Lines) -> Span {
        match (self.offset(lines.start), self.offset(lines.end)) {
            (Some(start), Some(end)) if start < end => Span::new(start, end),
            _ => self.whole,
        }
    }

    fn offset(&self, location: Location) -> Option<usize> {
        let line = usize::try_from(location.line).ok()?.checked_sub(1)?;
        let column = usize::try_from(location.column).ok()?.checked_sub(1)?;
        let line = self.lines.get(line)?;
        Some(line.start + line.byte(column)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_byte_of_a_character_is_that_of_counting_them() {
        for length in [0, 1, 63, 64, 65, 127, 128, 129, 200] {
            let text: String = "aé日".chars().cycle().take(length).collect();
            let line = Line::new(5, &text);
            for column in 0..length + 3 {
                let counted = text.char_indices().map(|(at, _)| at).chain([text.len()]).nth(column);
                assert_eq!(line.byte(column), counted, "{length} {column}");
            }
        }
    }
}
