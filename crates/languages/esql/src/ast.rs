//! Queries, commands and expressions.
//!
//! A tree that is built by hand needs no places: [`Expr::of`] and [`Stage::new`] leave them out. Texts are shared within
//! a tree (`Rc`), which stays in its thread.

use std::rc::Rc;

#[cfg(feature = "conditions")]
use ruleatlas_syntax::ErrorKind as _;
use ruleatlas_syntax::Span;

use crate::error::ErrorKind;

/// Higher trees are broken: a chain of operators is as high as it is long.
const HEIGHT_LIMIT: u16 = 200;

/// A query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Query {
    /// What stands before it (`set name = value`), without semicolons.
    pub settings: Vec<Rc<str>>,
    /// Its stages, in order.
    pub stages: Vec<Stage>,
}

/// An expression.
pub type Link = Box<Expr>;

/// An expression and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Expr {
    /// What it is.
    pub kind: Kind,
    /// Where it stands.
    pub span: Span,
    #[cfg_attr(feature = "serde", serde(skip))]
    height: u16,
}

/// What an expression is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum Kind {
    /// A name, its parts joined by dots, without backticks; `*` stands for all.
    Name(Rc<str>),
    /// A constant.
    Constant(Constant),
    /// `[1, 2]`.
    List(Vec<Link>),
    /// A function's call; arithmetic is one with the operator for a name, and so is the operator `:`, as `match`.
    Call {
        /// The name, in lower case.
        name: Rc<str>,
        /// The arguments.
        arguments: Vec<Link>,
    },
    /// `{ "name": value, … }` among arguments.
    Options {
        /// As written, with its braces.
        text: Rc<str>,
        /// The names.
        names: Vec<Rc<str>>,
    },
    /// `value by key` among arguments.
    By {
        /// The argument.
        value: Link,
        /// By what it is chosen.
        key: Link,
    },
    /// `value::type`.
    Cast {
        /// The value.
        operand: Link,
        /// The type.
        to: Rc<str>,
    },
    /// `not x`.
    Not(Link),
    /// `x and y and …`.
    All(Vec<Link>),
    /// `x or y or …`.
    Any(Vec<Link>),
    /// `x == y` and its kin.
    Compare {
        /// The operator.
        op: Comparison,
        /// Left of it.
        left: Link,
        /// Right of it.
        right: Link,
    },
    /// `x in (…)`.
    In {
        /// Left of it.
        subject: Link,
        /// The values.
        list: Vec<Link>,
        /// Whether `not` stands before the operator.
        negated: bool,
    },
    /// `x like "…"`, `x rlike (…)`.
    Like {
        /// Left of it.
        subject: Link,
        /// The patterns; one where no list is written.
        patterns: Vec<Link>,
        /// Whether they are regular expressions (`rlike`).
        regex: bool,
        /// Whether `not` stands before the operator.
        negated: bool,
    },
    /// `in (from …)`: the values that another query finds.
    InQuery {
        /// Left of it.
        subject: Link,
        /// The query's stages.
        query: Vec<Stage>,
        /// Whether `not` stands before the operator.
        negated: bool,
    },
    /// `x is null`, `x is not null`.
    IsNull {
        /// What is tested.
        subject: Link,
        /// Whether `not` stands in it.
        negated: bool,
    },
    /// A definition of which only the name is written.
    Missing,
    /// What could not be read.
    Broken {
        /// As written.
        text: Rc<str>,
        /// Why.
        kind: ErrorKind,
    },
}

/// A constant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum Constant {
    /// A text, its escapes resolved.
    Text(Rc<str>),
    /// A number, as written.
    Number(Rc<str>),
    /// `true` or `false`.
    Boolean(bool),
    /// `null`.
    Null,
    /// A time span (`7 days`), as written.
    Duration(Rc<str>),
    /// A value that is filled in from outside (`?name`), as written.
    Parameter(Rc<str>),
}

/// The comparison operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum Comparison {
    /// `==`
    Eq,
    /// `=~`: without case.
    EqCaseless,
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
            Self::EqCaseless => "=~",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Lte => "<=",
            Self::Gt => ">",
            Self::Gte => ">=",
        }
    }
}

impl Expr {
    /// An expression; one of more than 200 levels is [`Kind::Broken`].
    #[must_use]
    pub fn new(kind: Kind, span: Span) -> Link {
        let tallest = kind.children().map(|child| child.height).max().unwrap_or(0);
        if tallest >= HEIGHT_LIMIT {
            let kind = Kind::Broken { text: Rc::from(""), kind: ErrorKind::TooDeep };
            return Box::new(Self { kind, span, height: 0 });
        }
        Box::new(Self { kind, span, height: tallest + 1 })
    }

    /// An expression without a place in a text.
    #[must_use]
    pub fn of(kind: Kind) -> Link {
        Self::new(kind, Span::default())
    }

    /// A name.
    #[must_use]
    pub fn name(name: &str) -> Link {
        Self::of(Kind::Name(Rc::from(name)))
    }

    /// A text.
    #[must_use]
    pub fn text(text: &str) -> Link {
        Self::of(Kind::Constant(Constant::Text(Rc::from(text))))
    }

    /// The constant, where it is one.
    #[must_use]
    pub fn constant(&self) -> Option<&Constant> {
        if let Kind::Constant(constant) = &self.kind { Some(constant) } else { None }
    }
}

impl Kind {
    /// The expressions that it is made of; those of a sub-query are not among them.
    pub fn children(&self) -> Box<dyn DoubleEndedIterator<Item = &Link> + '_> {
        match self {
            Self::Name(_) | Self::Constant(_) | Self::Options { .. } | Self::Missing | Self::Broken { .. } => {
                Box::new(std::iter::empty())
            }
            Self::List(children) | Self::All(children) | Self::Any(children) => Box::new(children.iter()),
            Self::Call { arguments, .. } => Box::new(arguments.iter()),
            Self::Not(child) | Self::Cast { operand: child, .. } => Box::new(std::iter::once(child)),
            Self::Compare { left, right, .. } | Self::By { value: left, key: right } => {
                Box::new([left, right].into_iter())
            }
            Self::In { subject, list, .. } | Self::Like { subject, patterns: list, .. } => {
                Box::new(std::iter::once(subject).chain(list))
            }
            Self::IsNull { subject, .. } | Self::InQuery { subject, .. } => Box::new(std::iter::once(subject)),
        }
    }
}

/// A stage of the pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Stage {
    /// What it does.
    pub command: Command,
    /// Where it stands.
    pub span: Span,
    /// Which pipe segment it is, from 0; of no consequence for printing.
    pub index: u32,
}

impl Stage {
    /// A stage without a place in a text.
    #[must_use]
    pub fn new(command: Command) -> Self {
        Self { command, span: Span::default(), index: 0 }
    }
}

/// A value that gets a name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Definition {
    /// Its name; without one the text of the expression is its name.
    pub name: Option<Rc<str>>,
    /// The value.
    pub value: Link,
    /// `where …` behind an aggregation.
    pub filter: Option<Link>,
}

/// The commands that a query begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum Source {
    /// `from`
    From,
    /// `ts`
    TimeSeries,
    /// `metrics`
    Metrics,
}

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum Command {
    /// `from` and its kin.
    From {
        /// The command's word.
        source: Source,
        /// Index patterns.
        patterns: Vec<Rc<str>>,
        /// Pipelines in parentheses among them.
        pipelines: Vec<Vec<Stage>>,
        /// The names behind `metadata`.
        metadata: Vec<Rc<str>>,
    },
    /// `row`.
    Row(Vec<Definition>),
    /// `eval`.
    Eval(Vec<Definition>),
    /// `where`.
    Where(Link),
    /// `stats`.
    Stats {
        /// The aggregates.
        aggregates: Vec<Definition>,
        /// The groups.
        by: Vec<Definition>,
        /// Whether it is `inline stats`.
        inline: bool,
    },
    /// `rename`: pairs of old and new name.
    Rename(Vec<(Rc<str>, Rc<str>)>),
    /// `mv_expand`: the name is one of its values from here on.
    Expand(Rc<str>),
    /// `fork`: branches that each go on from here.
    Fork(Vec<Vec<Stage>>),
    /// Any other command, kept as its text.
    Other {
        /// As written.
        text: Rc<str>,
        /// What it does to names.
        effect: Effect,
    },
    /// What is not known or could not be read.
    Broken {
        /// As written.
        text: Rc<str>,
        /// Why.
        kind: ErrorKind,
    },
}

/// What a command that is kept as its text does to names.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum Effect {
    /// `uri_parts prefix = source` and its kin: names behind the prefix are parts of the source.
    Parts {
        /// The prefix.
        prefix: Rc<str>,
        /// The source.
        source: Link,
    },
    /// `lookup join index on key`.
    LookupJoin {
        /// The index.
        index: Rc<str>,
        /// The keys that are names.
        keys: Vec<Rc<str>>,
    },
    /// `dissect`, `grok`: the names that are cut out of the source.
    Cut {
        /// The source.
        source: Link,
        /// The names.
        names: Vec<Rc<str>>,
    },
    /// `enrich`: names that are added from elsewhere, by a lookup on a field.
    Enrich {
        /// The policy.
        policy: Rc<str>,
        /// The field.
        on: Option<Rc<str>>,
        /// The names.
        names: Vec<Rc<str>>,
    },
    /// Names that a model or a statistic fills (`completion`, `change_point`).
    Compute(Vec<Rc<str>>),
    /// None: it selects by no field (`keep`, `sort`, `limit`).
    Neutral,
}

impl Command {
    /// A command that is written so; `text` must be a whole command without a pipe (`keep a, b`).
    #[must_use]
    pub fn verbatim(text: &str) -> Self {
        Self::Other { text: Rc::from(text), effect: Effect::Neutral }
    }

    fn expressions(&self) -> Vec<&Expr> {
        fn all(definitions: &[Definition]) -> impl Iterator<Item = &Expr> {
            definitions.iter().flat_map(|found| std::iter::once(&*found.value).chain(found.filter.as_deref()))
        }
        match self {
            Self::Row(definitions) | Self::Eval(definitions) => all(definitions).collect(),
            Self::Where(condition) => vec![condition],
            Self::Stats { aggregates, by, .. } => all(aggregates).chain(all(by)).collect(),
            Self::Other { effect: Effect::Parts { source, .. } | Effect::Cut { source, .. }, .. } => vec![source],
            _ => Vec::new(),
        }
    }

    fn pipelines(&self) -> &[Vec<Stage>] {
        match self {
            Self::From { pipelines, .. } => pipelines,
            Self::Fork(branches) => branches,
            _ => &[],
        }
    }
}

/// A node of a query.
#[derive(Clone, Copy, Debug)]
pub enum Node<'a> {
    /// A stage.
    Stage(&'a Stage),
    /// An expression.
    Expr(&'a Expr),
}

impl Query {
    /// A query of these stages.
    #[must_use]
    pub fn new(mut stages: Vec<Stage>) -> Self {
        for (stage, index) in stages.iter_mut().zip(0..) {
            stage.index = index;
        }
        Self { settings: Vec::new(), stages }
    }

    /// Every stage and expression, sub-queries among them, each before what it is made of, in the order of the text.
    pub fn walk(&self) -> impl Iterator<Item = Node<'_>> {
        let mut waiting: Vec<Node<'_>> = self.stages.iter().rev().map(Node::Stage).collect();
        std::iter::from_fn(move || {
            let node = waiting.pop()?;
            match node {
                Node::Stage(stage) => {
                    waiting.extend(stage.command.pipelines().iter().flatten().rev().map(Node::Stage));
                    waiting.extend(stage.command.expressions().into_iter().rev().map(Node::Expr));
                }
                Node::Expr(expr) => {
                    if let Kind::InQuery { query, .. } = &expr.kind {
                        waiting.extend(query.iter().rev().map(Node::Stage));
                    }
                    waiting.extend(expr.kind.children().rev().map(|child| Node::Expr(child)));
                }
            }
            Some(node)
        })
    }
}

impl Constant {
    /// The text of a text, number or parameter; empty for what has none.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Text(text) | Self::Number(text) | Self::Parameter(text) => text,
            Self::Boolean(true) => "true",
            Self::Boolean(false) => "false",
            Self::Null | Self::Duration(_) => "",
        }
    }
}

impl Kind {
    /// A part that could not be read.
    pub(crate) fn broken(text: &str, kind: ErrorKind) -> Self {
        Self::Broken { text: Rc::from(text), kind }
    }

    /// Why it could not be read, where it could not.
    #[cfg(feature = "conditions")]
    pub(crate) fn fault(&self) -> Option<&'static str> {
        if let Self::Broken { kind, .. } = self { Some(kind.title()) } else { None }
    }
}
