//! The tree that both languages are read into: fields and their values, not yet predicates.

use std::rc::Rc;

use ruleatlas_core::Piece;
use ruleatlas_model::{Modifier, Op, Span};

/// A query.
#[derive(Debug)]
pub(crate) enum Tree {
    /// Every child holds.
    All(Vec<Tree>),
    /// At least one child holds.
    Any {
        /// The alternatives.
        children: Vec<Tree>,
        /// Whether they stand in the parentheses of one field (`field:(a or b)`).
        list: bool,
    },
    /// The child does not hold.
    Not(Box<Tree>),
    /// A field and a value.
    Leaf(Leaf),
    /// A part that does not follow the grammar.
    Broken {
        /// Where it stands.
        span: Span,
        /// Why it was not understood.
        reason: &'static str,
    },
}

/// A field and one value.
#[derive(Debug)]
pub(crate) struct Leaf {
    /// The field; empty where any field may have the value.
    pub field: Rc<str>,
    /// The value.
    pub value: Value,
    /// What changes the match (`fuzzy`, `proximity`).
    pub modifier: Option<Modifier>,
    /// Where it stands; the first value behind a field begins with the field.
    pub span: Span,
}

/// What a field is compared with.
#[derive(Debug)]
pub(crate) enum Value {
    /// A word, a phrase or a pattern.
    Term {
        /// Its characters and wildcards, escapes resolved.
        pieces: Vec<Piece>,
        /// Whether it stood in quotes.
        quoted: bool,
    },
    /// One bound (`> 5`).
    Compare {
        /// One of the four order operators.
        op: Op,
        /// The bound.
        value: String,
    },
    /// Two bounds, each with whether it is included; `None` is open.
    Interval {
        /// The lower bound.
        lower: Option<(String, bool)>,
        /// The upper bound.
        upper: Option<(String, bool)>,
    },
    /// A regular expression, without its slashes.
    Regex(String),
    /// The field has a value.
    Exists,
}

impl Tree {
    /// The children under `All`; a single child is itself.
    pub fn all(mut children: Vec<Self>) -> Self {
        if children.len() == 1 { children.remove(0) } else { Self::All(children) }
    }

    /// The children under `Any`; a single child is itself.
    pub fn any(mut children: Vec<Self>, list: bool) -> Self {
        if children.len() == 1 { children.remove(0) } else { Self::Any { children, list } }
    }

    /// The first leaf or broken part, to which the field before a list is added.
    pub fn begin_at(&mut self, start: u32) {
        match self {
            Self::All(children) | Self::Any { children, .. } => {
                if let Some(first) = children.first_mut() {
                    first.begin_at(start);
                }
            }
            Self::Not(child) => child.begin_at(start),
            Self::Leaf(leaf) => leaf.span.start = start,
            Self::Broken { span, .. } => span.start = start,
        }
    }
}
