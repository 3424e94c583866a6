use ruleatlas_model::Op;
use ruleatlas_syntax::{Piece, read_pieces};

/// What a pattern with wildcards means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folded {
    /// The operator: `eq`, `contains`, `starts_with`, `ends_with`, `wildcard`, or `is_not_null` for a lone `*`.
    pub op: Op,
    /// The operator's value; empty for `is_not_null`.
    pub value: String,
}

/// Reads `*` and `?` in `text` as wildcards, a character behind `escape` as itself, and says what the pattern means.
///
/// Only `*`, `?` and the escape character can be escaped; before any other character the escape stands for itself.
#[must_use]
pub fn fold_wildcards(text: &str, escape: Option<char>) -> Folded {
    fold_pieces(&read_pieces(text, escape))
}

/// What a pattern means: `*foo*` is `contains foo`, `foo*` is `starts_with foo`, `*foo` is `ends_with foo`, no
/// wildcard is `eq`, a lone `*` is `is_not_null`, any other is `wildcard`.
///
/// In a `wildcard` value a literal `*` or `?` is written `[*]`, `[?]`, and a `[` that would be misread for the start
/// of one is written `[[]`.
#[must_use]
pub fn fold_pieces(pieces: &[Piece]) -> Folded {
    let stars_before = pieces.iter().take_while(|piece| **piece == Piece::Many).count();
    if stars_before == pieces.len() && stars_before > 0 {
        return Folded { op: Op::IsNotNull, value: String::new() };
    }
    let stars_after = pieces.iter().rev().take_while(|piece| **piece == Piece::Many).count();
    let middle = &pieces[stars_before..pieces.len() - stars_after];
    if middle.iter().all(|piece| matches!(piece, Piece::Char(_))) {
        let op = match (stars_before > 0, stars_after > 0) {
            (true, true) => Op::Contains,
            (true, false) => Op::EndsWith,
            (false, true) => Op::StartsWith,
            (false, false) => Op::Eq,
        };
        return Folded { op, value: plain(middle) };
    }
    Folded { op: Op::Wildcard, value: write_pattern(pieces) }
}

fn plain(pieces: &[Piece]) -> String {
    pieces.iter().filter_map(|piece| if let Piece::Char(character) = piece { Some(*character) } else { None }).collect()
}

/// The pattern as a `wildcard` value writes it; [`Pattern::read`] reads it back.
#[must_use]
pub fn write_pattern(pieces: &[Piece]) -> String {
    // Two runs of any characters are one; what a bracket must be told apart from is then what stands beside it.
    let mut pieces = pieces.to_vec();
    pieces.dedup_by(|piece, before| *piece == Piece::Many && *before == Piece::Many);
    let mut text = String::with_capacity(pieces.len());
    for (at, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Many => text.push('*'),
            Piece::One => text.push('?'),
            Piece::Char('*') => text.push_str("[*]"),
            Piece::Char('?') => text.push_str("[?]"),
            Piece::Char('[') => {
                let looks_escaped = matches!(pieces.get(at + 1), Some(Piece::Many | Piece::One))
                    && pieces.get(at + 2) == Some(&Piece::Char(']'));
                let looks_bracket =
                    pieces.get(at + 1) == Some(&Piece::Char('[')) && pieces.get(at + 2) == Some(&Piece::Char(']'));
                text.push_str(if looks_escaped || looks_bracket { "[[]" } else { "[" });
            }
            Piece::Char(character) => text.push(*character),
        }
    }
    text
}

/// Whether the whole of `text` is as `pattern` says, where `is_many` says which parts of the pattern stand for any run,
/// and `taken` how much of the text's rest another part takes; `None` where the rest does not begin so.
///
/// On a mismatch it goes back to the last run only, which is enough: the time is at most the product of the two lengths.
pub fn matches_wildcards<P, T>(
    pattern: &[P],
    text: &[T],
    is_many: impl Fn(&P) -> bool,
    taken: impl Fn(&P, &[T]) -> Option<usize>,
) -> bool {
    let (mut part, mut at) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        match pattern.get(part) {
            None if at >= text.len() => return true,
            None => {}
            Some(many) if is_many(many) => {
                part += 1;
                retry = Some((part, at));
                continue;
            }
            Some(other) => {
                if let Some(count) = text.get(at..).and_then(|rest| taken(other, rest)) {
                    part += 1;
                    at += count;
                    continue;
                }
            }
        }
        let Some((after_run, from)) = &mut retry else { return false };
        if *from >= text.len() {
            return false;
        }
        *from += 1;
        (part, at) = (*after_run, *from);
    }
}

/// A `wildcard` value as the predicate model writes it, ready for matching.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    pieces: Vec<Piece>,
}

impl Pattern {
    /// Reads a value as [`fold_pieces`] writes it.
    #[must_use]
    pub fn read(value: &str) -> Self {
        let mut pieces = Vec::with_capacity(value.len());
        let mut rest = value;
        while let Some(character) = rest.chars().next() {
            let (piece, length) = if rest.starts_with("[*]") || rest.starts_with("[?]") || rest.starts_with("[[]") {
                (Piece::Char(rest[1..].chars().next().unwrap_or('[')), 3)
            } else {
                match character {
                    '*' => (Piece::Many, 1),
                    '?' => (Piece::One, 1),
                    _ => (Piece::Char(character), character.len_utf8()),
                }
            };
            pieces.push(piece);
            rest = &rest[length..];
        }
        Self { pieces }
    }

    /// The pattern's characters and wildcards.
    #[must_use]
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }
}
