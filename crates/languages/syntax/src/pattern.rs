/// A character or wildcard of a pattern whose escapes are resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Piece {
    /// This character.
    Char(char),
    /// Any run of characters.
    Many,
    /// Any one character.
    One,
}

/// The characters and wildcards of `text`: `*` and `?` are wildcards, and a character behind `escape` is itself.
///
/// Only `*`, `?` and the escape character can be escaped; before any other character the escape stands for itself.
#[must_use]
pub fn read_pieces(text: &str, escape: Option<char>) -> Vec<Piece> {
    let mut pieces = Vec::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(character) = chars.next() {
        pieces.push(match character {
            '*' => Piece::Many,
            '?' => Piece::One,
            _ if Some(character) == escape => {
                match chars.next_if(|next| matches!(next, '*' | '?') || Some(*next) == escape) {
                    Some(escaped) => Piece::Char(escaped),
                    None => Piece::Char(character),
                }
            }
            _ => Piece::Char(character),
        });
    }
    pieces
}
