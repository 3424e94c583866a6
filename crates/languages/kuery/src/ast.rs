//! The tree that both languages are read into: fields and their values.
//!
//! Equality includes spans; [`Span::default`] will do for trees that were not read from a text.

use std::sync::Arc;

use ruleatlas_syntax::{Piece, Span};

use crate::error::ErrorKind;

/// A query of the Kibana Query Language; [`Display`](std::fmt::Display) writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct KueryQuery(pub Tree);

/// A Lucene query string; [`Display`](std::fmt::Display) writes it.
///
/// Lucene's clauses are required, optional or prohibited, whatever stands between them. The tree holds what they mean:
/// optional clauses beside required ones only score, and are not in it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LuceneQuery(pub Tree);

/// A query or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Tree {
    /// Every child holds; without children it holds always.
    All(Vec<Tree>),
    /// At least one child holds.
    Any {
        /// The alternatives.
        children: Vec<Tree>,
        /// Whether they stand in the parentheses of one field (`field:(a or b)`), which each of them then has.
        list: bool,
    },
    /// The child does not hold.
    Not(Box<Tree>),
    /// A field and a value.
    Leaf(Leaf),
    /// `field:{ … }` of the Kibana Query Language: one object of the nested field fulfils the query.
    Nested {
        /// The nested field; the fields in the query are relative to it.
        field: Arc<str>,
        /// What the object fulfils.
        query: Box<Tree>,
    },
    /// A part that does not follow the grammar.
    Broken {
        /// The text.
        text: Arc<str>,
        /// Why it was not understood.
        kind: ErrorKind,
        /// Where it stands.
        span: Span,
    },
}

/// A field and one value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Leaf {
    /// The field, `*` in it being a wildcard; empty where any field may have the value.
    pub field: Arc<str>,
    /// The value.
    pub value: Value,
    /// What stands behind a `~` of Lucene (`~2`), mostly nothing or a number: the value need only be similar, or a
    /// phrase's words near each other.
    pub approximate: Option<Arc<str>>,
    /// Where it stands; the first value behind a field begins with the field.
    pub span: Span,
}

/// What a field is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Value {
    /// A word, a phrase or a pattern.
    Term {
        /// Its characters and wildcards, escapes resolved.
        pieces: Vec<Piece>,
        /// Whether it stood in quotes.
        quoted: bool,
    },
    /// One bound (`> 5`).
    Compare {
        /// On which side of the bound.
        order: Order,
        /// The bound.
        value: String,
    },
    /// Two bounds of Lucene (`[1 TO 5}`), each with whether it is included; `None` is open.
    Interval {
        /// The lower bound.
        lower: Option<(String, bool)>,
        /// The upper bound.
        upper: Option<(String, bool)>,
    },
    /// A regular expression of Lucene, without its slashes.
    Regex(String),
    /// The field has a value (Lucene's `_exists_:field`).
    Exists,
}

/// The operators of order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Order {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Order {
    /// The operators, longer ones first.
    pub(crate) const ALL: [Self; 4] = [Self::LessOrEqual, Self::GreaterOrEqual, Self::Less, Self::Greater];

    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}

impl Leaf {
    /// A field and a value, without a place in a text.
    #[must_use]
    pub fn new(field: impl Into<Arc<str>>, value: Value) -> Self {
        Self { field: field.into(), value, approximate: None, span: Span::default() }
    }
}

impl Value {
    /// A text without wildcards, written without quotes where that is possible.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Term { pieces: text.chars().map(Piece::Char).collect(), quoted: false }
    }

    /// A text in quotes.
    #[must_use]
    pub fn phrase(text: &str) -> Self {
        Self::Term { pieces: text.chars().map(Piece::Char).collect(), quoted: true }
    }
}

impl Tree {
    /// The children under `All`; a single child is itself.
    #[must_use]
    pub fn all(mut children: Vec<Self>) -> Self {
        if children.len() == 1 { children.remove(0) } else { Self::All(children) }
    }

    /// The children under `Any`; a single child is itself.
    #[must_use]
    pub fn any(mut children: Vec<Self>, list: bool) -> Self {
        if children.len() == 1 { children.remove(0) } else { Self::Any { children, list } }
    }

    /// The nodes right below this one.
    pub fn children(&self) -> impl DoubleEndedIterator<Item = &Self> {
        let (one, many): (Option<&Self>, &[Self]) = match self {
            Self::All(children) | Self::Any { children, .. } => (None, children),
            Self::Not(child) => (Some(child), &[]),
            Self::Nested { query, .. } => (Some(query), &[]),
            Self::Leaf(_) | Self::Broken { .. } => (None, &[]),
        };
        one.into_iter().chain(many)
    }

    /// This node and all below it, each before its children, in the order of the text.
    pub fn walk(&self) -> impl Iterator<Item = &Self> {
        let mut waiting = vec![self];
        std::iter::from_fn(move || {
            let tree = waiting.pop()?;
            waiting.extend(tree.children().rev());
            Some(tree)
        })
    }

    /// The first leaf or broken part of the tree of `source`, to which the field before a list is added.
    pub(crate) fn begin_at(&mut self, start: u32, source: &str) {
        match self {
            Self::All(children) | Self::Any { children, .. } => {
                if let Some(first) = children.first_mut() {
                    first.begin_at(start, source);
                }
            }
            Self::Not(child) => child.begin_at(start, source),
            Self::Nested { query, .. } => query.begin_at(start, source),
            Self::Leaf(leaf) => leaf.span.start = start,
            Self::Broken { text, span, .. } => {
                span.start = start;
                *text = Arc::from(span.of(source).unwrap_or_default().trim());
            }
        }
    }
}
