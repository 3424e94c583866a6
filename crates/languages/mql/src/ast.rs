//! The syntax tree of a message query.

use ruleatlas_syntax::Span;

/// An expression and its place.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands in the text.
    pub span: Span,
}

impl Expr {
    /// An expression at a place.
    #[must_use]
    pub fn new(kind: ExprKind, span: Span) -> Self {
        Self { kind, span }
    }

    /// An expression without a place in a text.
    #[must_use]
    pub fn of(kind: ExprKind) -> Self {
        Self::new(kind, Span::default())
    }

    /// The expressions that this one is made of, in the order of the text.
    pub fn children(&self) -> impl DoubleEndedIterator<Item = &Self> {
        let mut children = Vec::new();
        match &self.kind {
            ExprKind::Path(base, steps) => {
                children.push(&**base);
                children.extend(steps.iter().filter_map(|step| match step {
                    PathStep::Index(index) => Some(index),
                    PathStep::Member(_) => None,
                }));
            }
            ExprKind::Array(items) | ExprKind::And(items) | ExprKind::Or(items) => children.extend(items),
            ExprKind::Call { arguments: items, .. } | ExprKind::Of { conditions: items, .. } => children.extend(items),
            ExprKind::Not(inner) | ExprKind::Negative(inner) | ExprKind::IsNull { subject: inner, .. } => {
                children.push(&**inner);
            }
            ExprKind::Compare(first, rest) => {
                children.push(&**first);
                children.extend(rest.iter().map(|(_, operand)| operand));
            }
            ExprKind::Arithmetic(first, rest) => {
                children.push(&**first);
                children.extend(rest.iter().map(|(_, operand)| operand));
            }
            ExprKind::In { subject, list, .. } => children.extend([&**subject, &**list]),
            ExprKind::Name(_)
            | ExprKind::Element(_)
            | ExprKind::List(_)
            | ExprKind::Text(_)
            | ExprKind::Number(_)
            | ExprKind::Bool(_)
            | ExprKind::Null
            | ExprKind::Broken(_) => {}
        }
        children.into_iter()
    }

    /// This expression and all that it is made of, each before its own parts, in the order of the text.
    pub fn walk(&self) -> impl Iterator<Item = &Self> {
        let mut waiting = vec![self];
        std::iter::from_fn(move || {
            let expr = waiting.pop()?;
            waiting.extend(expr.children().rev());
            Some(expr)
        })
    }
}

/// What an expression is.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum ExprKind {
    /// A name at the root of the message (`sender`).
    Name(String),
    /// The element that a lambda is about: one dot for the innermost lambda, one more for each around it.
    Element(u32),
    /// Parts of a value (`sender.email.domain`, `headers.hops[0]`).
    Path(Box<Expr>, Vec<PathStep>),
    /// A list that is kept outside the query, without its `$`.
    List(String),
    /// A text, its escapes resolved.
    Text(String),
    /// A number as written.
    Number(String),
    /// `true` or `false`.
    Bool(bool),
    /// `null`.
    Null,
    /// `[a, b]`.
    Array(Vec<Expr>),
    /// A function and its arguments (`strings.icontains(…)`).
    Call {
        /// The name with its namespace.
        name: String,
        /// The arguments in order.
        arguments: Vec<Expr>,
    },
    /// All of these hold.
    And(Vec<Expr>),
    /// Any of these holds.
    Or(Vec<Expr>),
    /// It does not hold.
    Not(Box<Expr>),
    /// `a < b < c`: each neighbour is compared with the next.
    Compare(Box<Expr>, Vec<(CompareOp, Expr)>),
    /// Whether a value is one of a list.
    In {
        /// The value.
        subject: Box<Expr>,
        /// The list: a parenthesised one is an array.
        list: Box<Expr>,
        /// `not in`.
        negated: bool,
        /// `in~`: letters of different case are the same.
        any_case: bool,
    },
    /// Whether a value is missing.
    IsNull {
        /// The value.
        subject: Box<Expr>,
        /// `is not null`.
        negated: bool,
    },
    /// At least so many of the conditions hold.
    Of {
        /// How many.
        count: Count,
        /// The conditions.
        conditions: Vec<Expr>,
    },
    /// Terms of one precedence, from left to right.
    Arithmetic(Box<Expr>, Vec<(ArithmeticOp, Expr)>),
    /// The number with its sign changed.
    Negative(Box<Expr>),
    /// What could not be read, as written.
    Broken(String),
}

/// A step from a value to one of its parts.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum PathStep {
    /// The member of this name.
    Member(String),
    /// The element or entry at an index.
    Index(Expr),
}

/// How many conditions have to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum Count {
    /// At least so many.
    AtLeast(u32),
    /// Any: one.
    Any,
    /// Every one.
    All,
}

/// Operators of comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum CompareOp {
    /// `==`.
    Equal,
    /// `!=`.
    NotEqual,
    /// `=~`: equal without regard to case.
    EqualAnyCase,
    /// `!~`: not equal without regard to case.
    NotEqualAnyCase,
    /// `<`.
    Less,
    /// `<=`.
    LessEqual,
    /// `>`.
    Greater,
    /// `>=`.
    GreaterEqual,
}

impl CompareOp {
    /// As it is written.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::EqualAnyCase => "=~",
            Self::NotEqualAnyCase => "!~",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
        }
    }

    /// The operator with its sides exchanged.
    #[must_use]
    pub fn flipped(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessEqual => Self::GreaterEqual,
            Self::Greater => Self::Less,
            Self::GreaterEqual => Self::LessEqual,
            same => same,
        }
    }
}

/// Operators of arithmetic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum ArithmeticOp {
    /// `+`.
    Add,
    /// `-`.
    Subtract,
    /// `*`.
    Multiply,
    /// `/`.
    Divide,
    /// `%`.
    Remainder,
}

impl ArithmeticOp {
    /// As it is written.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
        }
    }
}
