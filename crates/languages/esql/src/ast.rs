//! Expressions and commands.

use std::rc::Rc;

use ruleatlas_model::Span;

/// Higher trees are broken: a chain of operators is as high as it is long.
const HEIGHT_LIMIT: u16 = 200;

/// An expression.
pub(crate) type Link = Box<Expr>;

#[derive(Debug)]
pub(crate) struct Expr {
    pub kind: Kind,
    pub span: Span,
    height: u16,
}

#[derive(Debug)]
pub(crate) enum Kind {
    /// A name as written, before it is looked up.
    Name(Rc<str>),
    Constant(Constant),
    /// `[1, 2]`.
    List(Vec<Link>),
    /// A function's call; arithmetic is one with the operator for a name, and a cast one named `::`.
    Call {
        name: Rc<str>,
        arguments: Vec<Link>,
    },
    Not(Link),
    All(Vec<Link>),
    Any(Vec<Link>),
    Compare {
        op: Comparison,
        left: Link,
        right: Link,
    },
    In {
        subject: Link,
        list: Vec<Link>,
        negated: bool,
    },
    Like {
        subject: Link,
        patterns: Vec<Link>,
        regex: bool,
        negated: bool,
    },
    /// `in (from …)`: the values that another query finds.
    InQuery {
        subject: Link,
        query: Vec<Stage>,
        negated: bool,
    },
    IsNull {
        subject: Link,
        negated: bool,
    },
    /// What could not be read, and why.
    Broken(&'static str),
}

#[derive(Debug)]
pub(crate) enum Constant {
    Text(Rc<str>),
    Number(Rc<str>),
    Boolean(bool),
    Null,
    /// A time span (`7 days`).
    Duration,
    /// A value that is filled in from outside (`?name`).
    Parameter(Rc<str>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Eq,
    /// `=~`: without case.
    EqCaseless,
    Ne,
    Lt,
    Lte,
    Gt,
    Gte,
}

impl Expr {
    /// An expression; too high a tree becomes a broken one.
    pub fn new(kind: Kind, span: Span) -> Link {
        let tallest = kind.children().map(|child| child.height).max().unwrap_or(0);
        if tallest >= HEIGHT_LIMIT {
            return Box::new(Self { kind: Kind::Broken("nested too deeply"), span, height: 0 });
        }
        Box::new(Self { kind, span, height: tallest + 1 })
    }

    pub fn constant(&self) -> Option<&Constant> {
        if let Kind::Constant(constant) = &self.kind { Some(constant) } else { None }
    }
}

impl Kind {
    pub fn children(&self) -> Box<dyn Iterator<Item = &Link> + '_> {
        match self {
            Self::Name(_) | Self::Constant(_) | Self::Broken(_) => Box::new(std::iter::empty()),
            Self::List(children) | Self::All(children) | Self::Any(children) => Box::new(children.iter()),
            Self::Call { arguments, .. } => Box::new(arguments.iter()),
            Self::Not(child) => Box::new(std::iter::once(child)),
            Self::Compare { left, right, .. } => Box::new([left, right].into_iter()),
            Self::In { subject, list, .. } | Self::Like { subject, patterns: list, .. } => {
                Box::new(std::iter::once(subject).chain(list))
            }
            Self::IsNull { subject, .. } | Self::InQuery { subject, .. } => Box::new(std::iter::once(subject)),
        }
    }
}

/// A stage of the pipeline.
#[derive(Debug)]
pub(crate) struct Stage {
    pub command: Command,
    pub span: Span,
    /// The how-manieth pipe segment it is, from 0.
    pub index: u32,
}

/// A name and what it is made of; without a name of its own the expression's text is its name.
#[derive(Debug)]
pub(crate) struct Definition {
    pub name: Rc<str>,
    pub value: Link,
    /// `where …` behind an aggregation.
    pub filter: Option<Link>,
}

#[derive(Debug)]
pub(crate) enum Command {
    /// Index patterns, and pipelines in parentheses among them.
    From {
        patterns: Vec<Rc<str>>,
        pipelines: Vec<Vec<Stage>>,
    },
    /// `row`, `eval`.
    Eval(Vec<Definition>),
    Where(Link),
    Stats {
        aggregates: Vec<Definition>,
        by: Vec<Definition>,
        inline: bool,
    },
    /// Pairs of old and new name.
    Rename(Vec<(Rc<str>, Rc<str>)>),
    /// `uri_parts prefix = source` and its kin: names behind the prefix are parts of the source.
    Parts {
        prefix: Rc<str>,
        source: Link,
    },
    /// `mv_expand`: the name is one of its values from here on.
    Expand(Rc<str>),
    /// `lookup join index on key`.
    LookupJoin {
        index: Rc<str>,
        keys: Vec<Rc<str>>,
    },
    /// `dissect`, `grok`: the names that are cut out of the source.
    Cut {
        source: Link,
        names: Vec<Rc<str>>,
    },
    /// Names that are added from elsewhere, by a lookup on a field.
    Enrich {
        policy: Rc<str>,
        on: Option<Rc<str>>,
        names: Vec<Rc<str>>,
    },
    /// Names that a model or a statistic fills.
    Compute(Vec<Rc<str>>),
    /// Branches that each go on from here.
    Fork(Vec<Vec<Stage>>),
    /// A command that selects by no field (`keep`, `sort`, `limit`).
    Neutral,
    /// What is not known or could not be read, and why.
    Broken(&'static str),
}

impl Constant {
    pub fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Number(text) | Self::Parameter(text) => text,
            Self::Boolean(true) => "true",
            Self::Boolean(false) => "false",
            Self::Null | Self::Duration => "",
        }
    }
}
