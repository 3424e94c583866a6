use std::borrow::Cow;

use ruleatlas_core::{Pattern, Piece, matches_wildcards, write_pattern};
use ruleatlas_model::fold_case;

/// The characters that begin an option on Windows; one stands for any under Sigma's `windash`.
const DASHES: [char; 5] = ['-', '/', '\u{2013}', '\u{2014}', '\u{2015}'];

/// The values with every dash that begins a word in each of the ways in which it may be written, as the modifier `windash`
/// has it; `None` where they would be more than `most` for one value. `is_pattern` is whether `*` and `?` are wildcards.
#[must_use]
pub fn dash_alternatives(values: &[String], is_pattern: bool, most: usize) -> Option<Vec<String>> {
    let mut written = Vec::new();
    for value in values {
        let glob = if is_pattern { Glob::read(value) } else { Glob::plain(value) };
        let mut alternatives: Vec<Vec<Piece>> = vec![Vec::new()];
        for part in glob.with_any_dash().parts {
            let pieces: &[Piece] = match part {
                Part::Char(character) => &[Piece::Char(character)],
                Part::One => &[Piece::One],
                Part::Many => &[Piece::Many],
                Part::Dash => &DASHES.map(Piece::Char),
            };
            if alternatives.len() * pieces.len() > most {
                return None;
            }
            alternatives = pieces
                .iter()
                .flat_map(|piece| alternatives.iter().map(|before| [before.as_slice(), &[*piece]].concat()))
                .collect();
        }
        let plain = |pieces: &Vec<Piece>| -> String {
            pieces.iter().filter_map(|piece| if let Piece::Char(c) = piece { Some(*c) } else { None }).collect()
        };
        written
            .extend(alternatives.iter().map(|pieces| if is_pattern { write_pattern(pieces) } else { plain(pieces) }));
    }
    Some(written)
}

/// A pattern for a whole text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Glob {
    parts: Vec<Part>,
    /// Whether texts compare without case; the pattern's own is folded then.
    folded: bool,
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
        Self { parts: Pattern::read(value).pieces().iter().map(part).collect(), folded: false }
    }

    /// The pattern that is this text and nothing else.
    pub(crate) fn plain(text: &str) -> Self {
        Self { parts: text.chars().map(Part::Char).collect(), folded: false }
    }

    /// The pattern's text, where it has no wildcard.
    pub(crate) fn as_plain(&self) -> Option<String> {
        self.parts.iter().map(|part| if let Part::Char(character) = part { Some(*character) } else { None }).collect()
    }

    /// The longest text without a wildcard in it.
    pub(crate) fn longest_text(&self) -> String {
        let mut longest = "";
        let text: String =
            self.parts.iter().map(|part| if let Part::Char(character) = part { *character } else { '\0' }).collect();
        for piece in text.split('\0') {
            if piece.len() > longest.len() {
                longest = piece;
            }
        }
        longest.to_owned()
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

    /// The same without case.
    pub(crate) fn folded(self) -> Self {
        let fold = |part: Part| match part {
            Part::Char(character) => {
                fold_case(character.encode_utf8(&mut [0; 4])).chars().map(Part::Char).collect::<Vec<_>>()
            }
            other => vec![other],
        };
        Self { parts: self.parts.into_iter().flat_map(fold).collect(), folded: true }
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
    pub(crate) fn matches(&self, text: &str) -> bool {
        if !self.folded || text.is_ascii() {
            let text = if self.folded { fold_case(text) } else { Cow::Borrowed(text) };
            return self.matches_in(&text.chars().map(|character| (character, true)).collect::<Vec<_>>());
        }
        // What one character folds to is several, of which the first says that a character begins there.
        let folded = text.chars().flat_map(|character| {
            let folded = fold_case(character.encode_utf8(&mut [0; 4])).into_owned();
            let characters: Vec<(char, bool)> = folded.chars().enumerate().map(|(at, part)| (part, at == 0)).collect();
            characters
        });
        self.matches_in(&folded.collect::<Vec<_>>())
    }

    /// Matches characters, each with whether it begins one of the text.
    fn matches_in(&self, text: &[(char, bool)]) -> bool {
        let taken = |part: &Part, rest: &[(char, bool)]| {
            let ((found, begins), behind) = rest.split_first()?;
            match part {
                Part::One => begins.then(|| 1 + behind.iter().take_while(|(_, begins)| !begins).count()),
                part => part.accepts(*found).then_some(1),
            }
        };
        matches_wildcards(&self.parts, text, |part| *part == Part::Many, taken)
    }
}

impl Part {
    fn accepts(self, found: char) -> bool {
        match self {
            Self::Char(character) => character == found,
            Self::Dash => DASHES.contains(&found),
            Self::One | Self::Many => false,
        }
    }
}
