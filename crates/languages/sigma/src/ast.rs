//! The tree of a detection: what its YAML says, with nothing resolved.
//!
//! Equality includes spans; [`Span::default`] will do for trees that were not read from a text.

use ruleatlas_syntax::Span;

/// A detection: selections, and a condition over their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Detection {
    /// The selections, in the order of the text.
    pub selections: Vec<NamedSelection>,
    /// The conditions, of which any must hold; mostly there is one.
    pub conditions: Vec<Condition>,
    /// The time window of version 1 (`timeframe: 5m`).
    pub timeframe: Option<String>,
}

/// A selection and its name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct NamedSelection {
    /// The name.
    pub name: String,
    /// The selection.
    pub selection: Selection,
    /// From the name to the end of the selection.
    pub span: Span,
}

/// What a selection asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Selection {
    /// A mapping: all of the items.
    All(Vec<Item>),
    /// A list: any of these.
    Any(Vec<Selection>),
    /// A keyword.
    Keyword(Scalar),
}

/// A field with a value, or values.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Item {
    /// The field; empty for keywords.
    pub field: String,
    /// The modifiers behind it, in their order (`contains`, `all`).
    pub modifiers: Vec<String>,
    /// The values.
    pub values: Vec<Scalar>,
    /// Whether the values are written as a list; one that stands alone need not be.
    pub is_list: bool,
    /// From the key to the end of the values.
    pub span: Span,
}

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Scalar {
    /// `null`, or nothing.
    Null,
    /// A number or boolean, as written without quotes.
    Bare(String),
    /// A text.
    Text(String),
}

/// A condition.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Condition {
    /// What must hold.
    pub expr: Expr,
    /// What stands behind a `|`: an aggregation of version 1.
    pub aggregation: Option<Aggregation>,
}

/// An aggregation of version 1 (`count() by host > 5`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Aggregation {
    /// As written, without the `|`.
    pub text: String,
    /// Where it stands in the condition's text.
    pub span: Span,
}

/// An expression of a condition; spans are of the condition's text.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Expr {
    /// One of them holds.
    Or(Vec<Expr>),
    /// All of them hold.
    And(Vec<Expr>),
    /// It does not hold.
    Not(Box<Expr>),
    /// A selection.
    Name {
        /// Its name.
        name: String,
        /// Where it stands.
        span: Span,
    },
    /// `1 of pattern`, `all of pattern`.
    Of {
        /// Whether all of them must hold, not any.
        all: bool,
        /// The pattern of names, `*` being a wildcard, or `them`.
        pattern: String,
        /// Where it stands.
        span: Span,
    },
    /// Not understood.
    Broken {
        /// As written.
        text: String,
        /// Where it stands.
        span: Span,
    },
}

impl Expr {
    /// A selection, without a place in a text.
    #[must_use]
    pub fn name(name: impl Into<String>) -> Self {
        Self::Name { name: name.into(), span: Span::default() }
    }

    /// The expressions right below this one.
    #[must_use]
    pub fn children(&self) -> &[Self] {
        match self {
            Self::Or(children) | Self::And(children) => children,
            Self::Not(inner) => std::slice::from_ref(inner),
            Self::Name { .. } | Self::Of { .. } | Self::Broken { .. } => &[],
        }
    }

    /// This expression and all below it, each before its children, in the order of the text.
    pub fn walk(&self) -> impl Iterator<Item = &Self> {
        let mut waiting = vec![self];
        std::iter::from_fn(move || {
            let expr = waiting.pop()?;
            waiting.extend(expr.children().iter().rev());
            Some(expr)
        })
    }
}

impl Item {
    /// A field with a single value, without a place in a text.
    #[must_use]
    pub fn new(field: impl Into<String>, modifiers: &[&str], value: Scalar) -> Self {
        let modifiers = modifiers.iter().map(|&modifier| modifier.to_owned()).collect();
        Self { field: field.into(), modifiers, values: vec![value], is_list: false, span: Span::default() }
    }
}

impl Scalar {
    /// A text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// Whether a text without quotes is a number or boolean.
    pub(crate) fn is_bare(text: &str) -> bool {
        let is_number = text.bytes().any(|byte| byte.is_ascii_digit()) && text.parse::<f64>().is_ok();
        is_number || text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false")
    }
}

impl Selection {
    /// This selection and those of its lists, each before those in it.
    pub fn walk(&self) -> impl Iterator<Item = &Self> {
        let mut waiting = vec![self];
        std::iter::from_fn(move || {
            let selection = waiting.pop()?;
            if let Self::Any(alternatives) = selection {
                waiting.extend(alternatives.iter().rev());
            }
            Some(selection)
        })
    }
}

impl Detection {
    /// Every item of every selection, in the order of the text.
    pub fn items(&self) -> impl Iterator<Item = &Item> {
        let selections = self.selections.iter().flat_map(|named| named.selection.walk());
        selections.flat_map(|selection| if let Selection::All(items) = selection { items.as_slice() } else { &[] })
    }
}
