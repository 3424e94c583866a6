//! The tree of an EQL query, close to the text: every expression knows where it stands.
//!
//! Equality includes spans; [`Span::default`] will do for trees that were not read from a text.

use std::borrow::Cow;

use ruleatlas_syntax::Span;

/// A whole query.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
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
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
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
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
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
    /// How the sequence branches, in the older language: what stands behind `fork=`, empty where nothing does.
    pub fork: Option<&'a str>,
    /// The name by which later steps refer to this one's fields: `[…] as event0`.
    pub name: Option<&'a str>,
}

/// `category where condition`.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Event<'a> {
    /// The event category, quotes taken off; `any` for all.
    pub category: Cow<'a, str>,
    /// The condition.
    pub condition: Expr<'a>,
}

/// `| name arguments`.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
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
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Expr<'a> {
    /// What it is.
    pub kind: ExprKind<'a>,
    /// Where it stands; parentheses around it are outside.
    pub span: Span,
}

impl<'a> Query<'a> {
    /// The query for one event, without pipes.
    #[must_use]
    pub fn of_event(category: impl Into<Cow<'a, str>>, condition: Expr<'a>) -> Self {
        let event = Event { category: category.into(), condition };
        Self { shape: Shape::Event, keys: Vec::new(), maxspan: None, steps: vec![Step::new(event)], pipes: Vec::new() }
    }

    /// Every expression of the query, each before those it is made of, in the order of the text.
    pub fn walk(&self) -> impl Iterator<Item = &Expr<'a>> {
        let steps = self.steps.iter().flat_map(|step| std::iter::once(&step.event.condition).chain(&step.keys));
        let pipes = self.pipes.iter().flat_map(|pipe| &pipe.arguments);
        self.keys.iter().chain(steps).chain(pipes).flat_map(Expr::walk)
    }
}

impl<'a> Step<'a> {
    /// An event that must happen, of which nothing more is asked.
    #[must_use]
    pub fn new(event: Event<'a>) -> Self {
        Self { event, missing: false, until: false, runs: None, keys: Vec::new(), fork: None, name: None }
    }
}

impl<'a> Expr<'a> {
    /// An expression without a place in a text.
    #[must_use]
    pub fn new(kind: ExprKind<'a>) -> Self {
        Self { kind, span: Span::default() }
    }

    /// A field that the index knows.
    #[must_use]
    pub fn field(path: impl Into<Cow<'a, str>>) -> Self {
        Self::new(ExprKind::Field { path: path.into(), optional: false })
    }

    /// A text.
    #[must_use]
    pub fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::new(ExprKind::Literal(Literal::Text(text.into())))
    }

    /// The expressions that this one is made of; for a related event, its condition.
    pub fn children(&self) -> impl DoubleEndedIterator<Item = &Self> {
        let (few, many): ([Option<&Self>; 2], &[Self]) = match &self.kind {
            ExprKind::Literal(_) | ExprKind::Field { .. } | ExprKind::Broken(_) => ([None, None], &[]),
            ExprKind::Call { arguments, .. } => ([None, None], arguments),
            ExprKind::And(parts) | ExprKind::Or(parts) => ([None, None], parts),
            ExprKind::Not(inner) | ExprKind::Negative(inner) => ([Some(inner), None], &[]),
            ExprKind::Compare { left, right, .. } | ExprKind::Arithmetic { left, right, .. } => {
                ([Some(left), Some(right)], &[])
            }
            ExprKind::Lookup { subject, values, .. } => ([Some(subject), None], values),
            ExprKind::Lineage { event, .. } => ([Some(&event.condition), None], &[]),
        };
        few.into_iter().flatten().chain(many)
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
pub enum ExprKind<'a> {
    /// A constant.
    Literal(Literal<'a>),
    /// A field.
    Field {
        /// Its path in dots, without backticks, array indexes as `[0]`.
        path: Cow<'a, str>,
        /// Whether a `?` stands before it: the index need not know it.
        optional: bool,
    },
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
    /// A part that is no EQL, as written.
    Broken(&'a str),
}

/// A constant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
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
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
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
    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Lte => "<=",
            Self::Gt => ">",
            Self::Gte => ">=",
        }
    }

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
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
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
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
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

impl Arithmetic {
    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
        }
    }
}
