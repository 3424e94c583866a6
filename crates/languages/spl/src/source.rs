//! The text that is parsed, after macros are expanded and comments are gone, and the way back from it to the text that
//! the author wrote.

use std::cell::RefCell;

use ruleatlas_syntax::Span;
use rustc_hash::FxHashMap;

use crate::error::ErrorKind;

/// Expanded text that knows where each of its bytes comes from.
#[derive(Debug, Default)]
pub(crate) struct Source {
    text: String,
    chunks: Vec<Chunk>,
    unresolved: Vec<Unresolved>,
    /// Where brackets end that were looked for, by where they begin.
    bracket_ends: RefCell<FxHashMap<usize, usize>>,
}

#[derive(Clone, Copy, Debug)]
struct Chunk {
    /// Where the chunk begins in the expanded text.
    start: usize,
    origin: Origin,
    /// Whether the author wrote it in this pipeline, rather than a macro.
    written: bool,
}

/// Where a piece of text comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Origin {
    /// The author's text from this byte on.
    Verbatim(usize),
    /// All of it stands for this part of the author's text (a macro call, a search in quotes).
    Fixed(Span),
}

/// A macro call that stayed in the text, between back ticks.
#[derive(Debug)]
struct Unresolved {
    start: usize,
    kind: ErrorKind,
}

impl Origin {
    /// The part of the author's text under bytes `start..end` of a text of this origin.
    pub(crate) fn span(self, start: usize, end: usize) -> Span {
        match self {
            Self::Verbatim(base) => Span::new(base + start, base + end),
            Self::Fixed(span) => span,
        }
    }

    /// The origin of what begins `offset` bytes later.
    pub(crate) fn at(self, offset: usize) -> Self {
        match self {
            Self::Verbatim(base) => Self::Verbatim(base + offset),
            Self::Fixed(span) => Self::Fixed(span),
        }
    }
}

impl Source {
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The text between two positions; empty where they do not fit.
    pub(crate) fn slice(&self, start: usize, end: usize) -> &str {
        self.text.get(start..end).unwrap_or_default()
    }

    /// The end of the bracket that begins at `start`, where it was found before; `usize::MAX` for one that does not end.
    pub(crate) fn known_bracket_end(&self, start: usize) -> Option<usize> {
        self.bracket_ends.borrow().get(&start).copied()
    }

    /// Remembers the end of a bracket. All of the text must be there.
    pub(crate) fn keep_bracket_end(&self, start: usize, end: usize) {
        self.bracket_ends.borrow_mut().insert(start, end);
    }

    /// Adds text.
    pub(crate) fn push(&mut self, text: &str, origin: Origin, written: bool) {
        if !text.is_empty() {
            self.chunks.push(Chunk { start: self.text.len(), origin, written });
            self.text.push_str(text);
        }
    }

    /// Adds a macro call that could not be expanded.
    pub(crate) fn push_unresolved(&mut self, call: &str, origin: Origin, kind: ErrorKind) {
        self.unresolved.push(Unresolved { start: self.text.len(), kind });
        self.push(call, origin, true);
    }

    /// Why the macro call at `start` stayed in the text.
    pub(crate) fn unresolved(&self, start: usize) -> ErrorKind {
        match self.unresolved.binary_search_by_key(&start, |call| call.start) {
            Ok(at) => self.unresolved[at].kind,
            Err(_) => ErrorKind::StrayBackTick,
        }
    }

    fn chunk(&self, position: usize) -> Option<&Chunk> {
        let after = self.chunks.partition_point(|chunk| chunk.start <= position);
        self.chunks.get(after.checked_sub(1)?)
    }

    /// Whether the author wrote the byte at `position` in this pipeline, rather than a macro.
    pub(crate) fn is_written(&self, position: usize) -> bool {
        self.chunk(position).is_some_and(|chunk| chunk.written)
    }

    /// The part of the author's text that bytes `start..end` of the expanded text come from.
    pub(crate) fn span(&self, start: usize, end: usize) -> Span {
        let last = end.saturating_sub(1).max(start);
        let place = |position: usize| {
            self.chunk(position).map_or_else(Span::default, |chunk| {
                chunk.origin.span(position - chunk.start, position + 1 - chunk.start)
            })
        };
        if start >= end {
            let at = place(start);
            return Span { start: at.start, end: at.start };
        }
        place(start).to(place(last))
    }
}
