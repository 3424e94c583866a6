//! The tree of an EQL query, close to the text: every expression knows where it stands.

use std::borrow::Cow;

use ruleatlas_model::Span;

/// A whole query.
#[derive(Clone, Debug, PartialEq)]
pub struct Query<'a> {
    /// How the steps belong together.
    pub shape: Shape,
    /// What all steps share: `sequence by a, b`.
    pub keys: Vec<Expr<'a>>,
    /// How long it may take from the first to the last event, as written: `with maxspan=1m`.
    pub maxspan: Option<&'a str>,
    /// The steps, in order; one for an event query. The `until` step of a sequence or join is the last.
    pub steps: Vec<Step<'a>>,
    /// The pipes behind the query, in order.
    pub pipes: Vec<Pipe<'a>>,
}

/// How the steps of a query belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One event.
    Event,
    /// Events one after another.
    Sequence,
    /// Events that share keys, in any order.
    Sample,
    /// The same, in the older language.
    Join,
}

/// One event of a query and what is asked of its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Step<'a> {
    /// What the event is.
    pub event: Event<'a>,
    /// Whether it must not happen: `![…]`.
    pub missing: bool,
    /// Whether it ends the sequence: `until […]`.
    pub until: bool,
    /// How often it must happen, as written: `with runs=3`.
    pub runs: Option<&'a str>,
    /// What the event shares with those of the other steps, in their order: `[…] by a, b`.
    pub keys: Vec<Expr<'a>>,
    /// The name by which later steps refer to this one's fields: `[…] as event0`.
    pub name: Option<&'a str>,
}

/// `category where condition`.
#[derive(Clone, Debug, PartialEq)]
pub struct Event<'a> {
    /// The event category, quotes taken off; `any` for all.
    pub category: Cow<'a, str>,
    /// The condition.
    pub condition: Expr<'a>,
}

/// `| name arguments`.
#[derive(Clone, Debug, PartialEq)]
pub struct Pipe<'a> {
    /// The pipe's name, as written.
    pub name: &'a str,
    /// What it is given.
    pub arguments: Vec<Expr<'a>>,
    /// From the name to the end of the arguments.
    pub span: Span,
}

/// An expression and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr<'a> {
    /// What it is.
    pub kind: ExprKind<'a>,
    /// Where it stands; parentheses around it are outside.
    pub span: Span,
}

/// What an expression is.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind<'a> {
    /// A constant.
    Literal(Literal<'a>),
    /// A field: its path in dots, without `?` and backticks, array indexes as `[0]`.
    Field(Cow<'a, str>),
    /// A function call.
    Call {
        /// The name as written, without `~`.
        name: &'a str,
        /// Whether `~` stands behind the name.
        insensitive: bool,
        /// The arguments.
        arguments: Vec<Expr<'a>>,
    },
    /// `not x`.
    Not(Box<Expr<'a>>),
    /// `x and y and …`.
    And(Vec<Expr<'a>>),
    /// `x or y or …`.
    Or(Vec<Expr<'a>>),
    /// `x == y` and its kin.
    Compare {
        /// The operator.
        op: Comparison,
        /// Left of it.
        left: Box<Expr<'a>>,
        /// Right of it.
        right: Box<Expr<'a>>,
    },
    /// `x in (…)`, `x : y`, `x like (…)`, `x regex y`.
    Lookup {
        /// The operator.
        op: Lookup,
        /// Whether letters compare without case.
        insensitive: bool,
        /// Whether `not` stands before the operator.
        negated: bool,
        /// Left of it.
        subject: Box<Expr<'a>>,
        /// The alternatives; one where no list is written.
        values: Vec<Expr<'a>>,
    },
    /// `x + y` and its kin.
    Arithmetic {
        /// The operator.
        op: Arithmetic,
        /// Left of it.
        left: Box<Expr<'a>>,
        /// Right of it.
        right: Box<Expr<'a>>,
    },
    /// `-x`.
    Negative(Box<Expr<'a>>),
    /// `descendant of […]`, `child of […]`, `event of […]`.
    Lineage {
        /// The relation's name.
        relation: &'a str,
        /// The related event.
        event: Box<Event<'a>>,
    },
    /// A part that is no EQL.
    Broken,
}

/// A constant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Literal<'a> {
    /// A string, its escapes resolved.
    Text(Cow<'a, str>),
    /// A number, as written.
    Number(Cow<'a, str>),
    /// `true` or `false`.
    Bool(bool),
    /// `null`.
    Null,
}

/// The comparison operators that take one value each side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Lte,
    /// `>`
    Gt,
    /// `>=`
    Gte,
}

impl Comparison {
    /// The operator that says the same with the sides exchanged.
    #[must_use]
    pub fn flipped(self) -> Self {
        match self {
            Self::Eq | Self::Ne => self,
            Self::Lt => Self::Gt,
            Self::Lte => Self::Gte,
            Self::Gt => Self::Lt,
            Self::Gte => Self::Lte,
        }
    }
}

/// The operators that take a value or a list of alternatives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// `in`, `in~`
    In,
    /// `:`
    Colon,
    /// `like`, `like~`
    Like,
    /// `regex`, `regex~`
    Regex,
}

/// The operators of arithmetic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Modulo,
}
