use crate::Span;

/// A piece of query text that has a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Token {
    /// Where it stands.
    pub span: Span,
    /// What it is.
    pub kind: TokenKind,
}

/// The kinds of tokens that are told apart by colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum TokenKind {
    /// A word of the language (`and`, `where`).
    Keyword,
    /// A pipeline command (`stats`, `extend`).
    Command,
    /// A function's name.
    Function,
    /// A field's name.
    Field,
    /// A text literal.
    String,
    /// A number, boolean, null or time span.
    Number,
    /// An operator or punctuation.
    Operator,
    /// A comment.
    Comment,
    /// A macro or other name from outside the query.
    Macro,
}
