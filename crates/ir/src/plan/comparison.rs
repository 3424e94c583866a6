//! Comparisons and constants.

use std::rc::Rc;

use ruleatlas_model::Modifier;

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The operator without its negation.
    pub relation: Relation,
    /// Whether the operator itself is negated.
    pub negated: bool,
    /// Whether letters of different case are different.
    pub case: CaseRule,
    /// What it is where the field is missing.
    pub missing: MissingRule,
    /// What a predicate says of the match (`fuzzy`).
    pub modifier: Option<Modifier>,
    /// Whether texts that are no numbers have an order.
    pub text_order: bool,
    /// Whether it chooses the data that is read, where it compares a field that says which data it is.
    pub chooses: bool,
}

impl Comparison {
    /// A comparison that is not negated, by the rules of its language.
    #[must_use]
    pub fn new(relation: Relation, case: CaseRule, missing: MissingRule) -> Self {
        Self { relation, negated: false, case, missing, modifier: None, text_order: false, chooses: false }
    }

    /// The same with its operator negated or not.
    #[must_use]
    pub fn negated(self, negated: bool) -> Self {
        Self { negated, ..self }
    }
}

/// The operators of comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Relation {
    Equal,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Contains,
    StartsWith,
    EndsWith,
    /// A term or phrase of a text.
    Term,
    /// The start of a term.
    TermPrefix,
    /// The end of a term.
    TermSuffix,
    /// A regular expression, somewhere in the value.
    Regex,
    /// A regular expression for the whole value.
    WholeRegex,
    /// A pattern for the whole value.
    Pattern(PatternSyntax),
    /// An address in a network.
    Cidr,
    /// A value that stands in the list of this name.
    InList,
}

impl Relation {
    /// Whether it asks for an order.
    #[must_use]
    pub fn is_order(self) -> bool {
        matches!(self, Self::Less | Self::LessEqual | Self::Greater | Self::GreaterEqual)
    }

    /// Whether it asks for a value that is the same, or that a pattern describes.
    #[must_use]
    pub fn is_equality(self) -> bool {
        matches!(self, Self::Equal | Self::Pattern(_))
    }

    /// The relation with its sides exchanged, where there is one.
    #[must_use]
    pub fn flipped(self) -> Option<Self> {
        Some(match self {
            Self::Equal => Self::Equal,
            Self::Less => Self::Greater,
            Self::LessEqual => Self::GreaterEqual,
            Self::Greater => Self::Less,
            Self::GreaterEqual => Self::LessEqual,
            _ => return None,
        })
    }
}

/// How wildcards are written in a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatternSyntax {
    /// `*` and `?`, with this escape.
    Stars(Option<char>),
    /// `%` and `_`, with this escape.
    Percent(Option<char>),
    /// `*` alone, which nothing escapes.
    Star,
}

/// Whether a comparison of texts tells letters of different case apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaseRule {
    /// It does.
    Exact,
    /// It does, and predicates on a field say so of numbers and orders too.
    ExactField,
    /// It does, and predicates say so where a value has letters.
    Letters,
    /// It does not.
    Ignore,
}

/// What a comparison is for an event without the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingRule {
    /// It does not hold, negated or not.
    Fails,
    /// It is null, which stays null under `not` and selects nothing.
    Null,
    /// As with an empty text: a negated comparison holds. An order is null.
    EmptyText,
    /// As with a value that nothing matches: a negated comparison holds. An order and a comparison of two fields are
    /// null.
    NoMatch,
}

/// A constant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Const {
    /// Its text, escapes resolved.
    pub text: Rc<str>,
    /// Its type.
    pub kind: ConstKind,
}

/// The types of constants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConstKind {
    /// Text.
    Text,
    /// A number.
    Number,
    /// `true` or `false`.
    Bool,
    /// A point in time or a duration.
    Time,
    /// Null.
    Null,
    /// A value that is filled in from outside; the text is its name.
    Parameter,
}

impl Const {
    /// A constant.
    #[must_use]
    pub fn new(text: impl Into<Rc<str>>, kind: ConstKind) -> Self {
        Self { text: text.into(), kind }
    }

    /// A truth value.
    #[must_use]
    pub fn bool(value: bool) -> Self {
        Self::new(if value { "true" } else { "false" }, ConstKind::Bool)
    }

    /// The null.
    #[must_use]
    pub fn null() -> Self {
        Self::new("", ConstKind::Null)
    }
}
