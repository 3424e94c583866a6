//! From lines and columns of a query to bytes of the YAML it stands in.

use ruleatlas_model::Span;
use ruleatlas_yaml::{Node as Yaml, Style, Value};
use sqlparser::tokenizer::{Location, Span as Lines};

pub(super) struct Places {
    /// Where each line of the query begins in the rule's text, and what of it is indentation.
    lines: Vec<(usize, String)>,
    whole: Span,
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
                lines.push((at + indent, line.to_owned()));
                at += raw_line.len();
            }
        } else if raw.len() == query.len() {
            let mut at = whole.start as usize;
            for line in query.split('\n') {
                lines.push((at, line.to_owned()));
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
        let (start, text) = self.lines.get(line)?;
        let within = text.char_indices().map(|(at, _)| at).chain([text.len()]).nth(column)?;
        Some(start + within)
    }
}
