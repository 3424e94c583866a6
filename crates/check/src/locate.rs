//! Where a query's parts stand in their file.

use std::ops::Range;

use memchr::memmem;
use ruleatlas_model::Span;

/// Bytes of a file in which a query is looked for.
const MAX_SEARCHED: usize = 16 << 20;

/// A file's text with the beginnings of its lines.
#[derive(Debug)]
pub(crate) struct Text<'a> {
    pub text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Text<'a> {
    pub fn new(text: &'a str) -> Self {
        let starts = std::iter::once(0).chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1)).collect();
        Self { text, starts }
    }

    /// One-based line and column, in characters, of an offset.
    pub fn position(&self, offset: usize) -> (u32, u32) {
        let offset = self.text.floor_char_boundary(offset.min(self.text.len()));
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or_default();
        let column = self.text.get(start..offset).map_or(0, |before| before.chars().count()) + 1;
        (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
    }

    /// Where a one-based line begins.
    pub fn start_of(&self, line: u32) -> usize {
        self.starts.get((line as usize).saturating_sub(1)).copied().unwrap_or(self.text.len())
    }

    /// The text of a one-based line without the spaces around it.
    pub fn line(&self, line: u32) -> Range<usize> {
        let start = self.start_of(line);
        let rest = self.text.get(start..).unwrap_or_default();
        let content = rest.lines().next().unwrap_or_default();
        let first = start + (content.len() - content.trim_start().len());
        first..first + content.trim().len()
    }
}

/// Where a query stands in its file.
#[derive(Debug)]
pub(crate) enum Location {
    /// As written, from an offset on.
    At(usize),
    /// With other spaces: by the offset in the query, that of the same character in the file; ordered.
    Mapped(Vec<(u32, u32)>),
    /// It is not there.
    Nowhere,
}

/// How a file may write a character of the query.
#[derive(Clone, Copy)]
enum Quoting {
    None,
    /// `\\` for a backslash, `\n` for a line's end, and the like.
    Escapes,
    /// `''` for one quote.
    Doubled,
}

impl Location {
    /// Finds a query in the part of its file that is its rule's; files fold, indent and quote queries.
    pub fn of(query: &str, text: &Text<'_>, part: Range<usize>) -> Self {
        let from = part.start;
        let rest = text.text.get(part).unwrap_or_default();
        if query.trim().is_empty() || rest.len() > MAX_SEARCHED {
            return Self::Nowhere;
        }
        if let Some(at) = rest.find(query) {
            return Self::At(from + at);
        }
        let (wanted, places) = squeezed(query, 0, Quoting::None);
        for quoting in [Quoting::None, Quoting::Escapes, Quoting::Doubled] {
            let (squeezed, offsets) = squeezed(rest, from, quoting);
            let Some(at) = memmem::find(&squeezed, &wanted) else { continue };
            return Self::Mapped(places.iter().copied().zip(offsets.iter().skip(at).copied()).collect());
        }
        Self::Nowhere
    }

    /// The place of a span of the query in the file.
    pub fn place(&self, span: Span) -> Option<Range<usize>> {
        match self {
            Self::At(base) => Some(base + span.start as usize..base + (span.end.max(span.start)) as usize),
            Self::Mapped(places) => {
                let first = places.partition_point(|(offset, _)| *offset < span.start);
                let start = places.get(first)?.1;
                let last = places.partition_point(|(offset, _)| *offset < span.end.max(span.start + 1));
                let end = places.get(last.checked_sub(1)?)?.1 + 1;
                Some(start as usize..end.max(start + 1) as usize)
            }
            Self::Nowhere => None,
        }
    }
}

/// The bytes of a text that are no space, with their offsets.
fn squeezed(text: &str, base: usize, quoting: Quoting) -> (Vec<u8>, Vec<u32>) {
    let bytes = text.as_bytes();
    let mut kept = Vec::with_capacity(bytes.len());
    let mut offsets = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let next = bytes.get(at + 1).copied();
        let (written, length) = match (quoting, *byte, next) {
            (Quoting::Escapes, b'\\', Some(b'n' | b't' | b'r')) => (b' ', 2),
            (Quoting::Escapes, b'\\', Some(escaped @ (b'\\' | b'"' | b'/' | b'\''))) => (escaped, 2),
            (Quoting::Doubled, b'\'', Some(b'\'')) => (b'\'', 2),
            (_, byte, _) => (byte, 1),
        };
        if !written.is_ascii_whitespace() {
            kept.push(written);
            offsets.push(u32::try_from(base + at).unwrap_or(u32::MAX));
        }
        at += length;
    }
    (kept, offsets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_query_is_found_however_the_file_writes_it() {
        let query = "a where b == \"c\\d\"\nand e == 'f'";
        let part = query.find("e ==").unwrap();
        for file in [
            format!("title: x\nquery: |\n  {}\n", query.replace('\n', "\n  ")),
            format!("title: x\nquery: >\n  {}\n", query.replace('\n', " ")),
            format!("{{\"title\": \"x\", \"query\": {}}}", serde_json::to_string(query).unwrap()),
            format!("title: x\nquery: '{}'\n", query.replace('\'', "''").replace('\n', " ")),
        ] {
            let text = Text::new(&file);
            let place = Location::of(query, &text, 0..file.len()).place(Span::new(part, part + 4)).unwrap();
            assert_eq!(&file[place], "e ==", "{file}");
        }
        assert!(Location::of("other", &Text::new("title: x"), 0..8).place(Span::new(0, 1)).is_none());
    }

    #[test]
    fn positions_count_characters() {
        let text = Text::new("ä\näb");
        assert_eq!(text.position(3), (2, 1));
        assert_eq!(text.position(5), (2, 2));
        assert_eq!(text.position(4), (2, 1));
        assert_eq!(text.position(99), (2, 3));
        assert_eq!(&text.text[text.line(2)], "äb");
    }
}
