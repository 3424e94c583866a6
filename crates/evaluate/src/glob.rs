use ruleatlas_core::{Pattern, Piece};

use crate::text::fold_char;

/// The characters that begin an option on Windows; one stands for any under Sigma's `windash`.
const DASHES: [char; 5] = ['-', '/', '\u{2013}', '\u{2014}', '\u{2015}'];

/// A pattern for a whole text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Glob {
    parts: Vec<Part>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Char(char),
    /// Any of [`DASHES`].
    Dash,
    One,
    Many,
}

impl Glob {
    /// The pattern that a `wildcard` value spells.
    pub(crate) fn read(value: &str) -> Self {
        let part = |piece: &Piece| match piece {
            Piece::Char(character) => Part::Char(*character),
            Piece::One => Part::One,
            Piece::Many => Part::Many,
        };
        Self { parts: Pattern::read(value).pieces().iter().map(part).collect() }
    }

    /// The pattern that is this text and nothing else.
    pub(crate) fn plain(text: &str) -> Self {
        Self { parts: text.chars().map(Part::Char).collect() }
    }

    /// The pattern's text, where it has no wildcard.
    pub(crate) fn as_plain(&self) -> Option<String> {
        self.parts.iter().map(|part| if let Part::Char(character) = part { Some(*character) } else { None }).collect()
    }

    /// The same with anything before and behind, as asked.
    pub(crate) fn open(mut self, before: bool, behind: bool) -> Self {
        if before {
            self.parts.insert(0, Part::Many);
        }
        if behind {
            self.parts.push(Part::Many);
        }
        self
    }

    /// The same in lower case.
    pub(crate) fn folded(mut self) -> Self {
        for part in &mut self.parts {
            if let Part::Char(character) = part {
                *character = fold_char(*character);
            }
        }
        self
    }

    /// The same with every dash that begins a word standing for any dash.
    pub(crate) fn with_any_dash(mut self) -> Self {
        let is_word = |part: Option<&Part>| matches!(part, Some(Part::Char(c)) if c.is_alphanumeric() || *c == '_');
        let begins = |at: usize| {
            let is_dash = matches!(self.parts.get(at), Some(Part::Char(c)) if DASHES.contains(c));
            is_dash && is_word(self.parts.get(at + 1)) && !(at > 0 && is_word(self.parts.get(at - 1)))
        };
        let dashes: Vec<usize> = (0..self.parts.len()).filter(|at| begins(*at)).collect();
        for at in dashes {
            self.parts[at] = Part::Dash;
        }
        self
    }

    /// Whether the whole of `text` is as the pattern says.
    ///
    /// On a mismatch it goes back to the last `*` only, which is enough: so the time is at most the product of the
    /// two lengths.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let mut part = 0;
        let mut rest = text.chars();
        let mut retry = None;
        loop {
            let before = rest.clone();
            match (self.parts.get(part), rest.next()) {
                (None, None) => return true,
                (Some(Part::Many), _) => {
                    part += 1;
                    retry = Some((part, before.clone()));
                    rest = before;
                }
                (Some(expected), Some(found)) if expected.accepts(found) => part += 1,
                _ => {
                    let Some((after_star, from)) = &mut retry else { return false };
                    if from.next().is_none() {
                        return false;
                    }
                    part = *after_star;
                    rest = from.clone();
                }
            }
        }
    }
}

impl Part {
    fn accepts(self, found: char) -> bool {
        match self {
            Self::Char(character) => character == found,
            Self::Dash => DASHES.contains(&found),
            Self::One => true,
            Self::Many => false,
        }
    }
}
