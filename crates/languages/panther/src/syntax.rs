//! A Python module as far as it is looked at: the parser's tree without what symbolic evaluation never asks for.

use std::sync::Arc;

use ruleatlas_model::Span;

/// A name or a text of the module.
pub(crate) type Text = Arc<str>;

#[derive(Clone, Debug)]
pub(crate) struct Expr {
    pub kind: Kind,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    None,
    Bool(bool),
    /// A number as it is spelled.
    Number(Text),
    Text(Text),
    /// The pieces of an f-string.
    Joined(Vec<Expr>),
    Name(Text),
    Attribute(Box<Expr>, Text),
    Subscript(Box<Expr>, Box<Expr>),
    Slice(Option<Box<Expr>>, Option<Box<Expr>>),
    Call(Box<Expr>, Vec<Argument>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    Negative(Box<Expr>),
    Binary(Binary, Box<Expr>, Box<Expr>),
    Compare(Box<Expr>, Vec<(Comparison, Expr)>),
    /// Test, value if it holds, value if not.
    If(Box<Expr>, Box<Expr>, Box<Expr>),
    Sequence(Shape, Vec<Expr>),
    /// Key and value; without a key a dictionary that is unpacked.
    Dict(Vec<(Option<Expr>, Expr)>),
    Each(Box<Comprehension>),
    Lambda(Arc<Function>),
    Named(Text, Box<Expr>),
    Starred(Box<Expr>),
    /// Something that is not looked into.
    Other,
}

/// The kinds of sequences that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    List,
    Tuple,
    Set,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    And,
    Or,
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Is,
    IsNot,
    In,
    NotIn,
}

#[derive(Clone, Debug)]
pub(crate) struct Argument {
    /// The keyword; `**` for an unpacked dictionary.
    pub name: Option<Text>,
    pub value: Expr,
}

#[derive(Clone, Debug)]
pub(crate) struct Comprehension {
    /// The key of a dictionary's entry.
    pub key: Option<Expr>,
    pub element: Expr,
    pub loops: Vec<(Expr, Expr, Vec<Expr>)>,
}

#[derive(Debug)]
pub(crate) struct Function {
    pub name: Text,
    pub parameters: Vec<Parameter>,
    /// The name that takes further positional arguments.
    pub rest: Option<Text>,
    /// The name that takes further keywords.
    pub keywords: Option<Text>,
    pub body: Vec<Stmt>,
    pub span: Span,
    /// Whether a call does more than run the body: decorated, asynchronous, a generator.
    pub special: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    pub name: Text,
    pub default: Option<Expr>,
}

#[derive(Clone, Debug)]
pub(crate) struct Stmt {
    pub kind: StmtKind,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub(crate) enum StmtKind {
    Return(Option<Expr>),
    /// Targets that all get the value.
    Assign(Vec<Expr>, Expr),
    Augment(Expr, Binary, Expr),
    If(Expr, Vec<Stmt>, Vec<Stmt>),
    For(Expr, Expr, Vec<Stmt>, Vec<Stmt>),
    While(Expr, Vec<Stmt>),
    Try(Box<Try>),
    With(Vec<Stmt>),
    Match(Expr, Vec<Case>),
    Function(Arc<Function>),
    /// A class that is not looked into.
    Class(Text),
    /// Local name and module.
    Import(Vec<(Text, Text)>),
    /// Module, and local names with the names there.
    ImportFrom(Text, Vec<(Text, Text)>),
    Global(Vec<Text>),
    Expr(Expr),
    /// The exception's class, by the last part of its name; nothing for one that is raised again.
    Raise(Option<Text>),
    Assert(Expr),
    Break,
    Continue,
    Pass,
}

#[derive(Clone, Debug)]
pub(crate) struct Try {
    pub body: Vec<Stmt>,
    pub handlers: Vec<Handler>,
    /// What runs where nothing was raised.
    pub otherwise: Vec<Stmt>,
    /// What runs in any case.
    pub last: Vec<Stmt>,
}

/// An `except` clause.
#[derive(Clone, Debug)]
pub(crate) struct Handler {
    /// The classes that it catches, each by the last part of its name; `None` for all.
    pub classes: Option<Vec<Text>>,
    pub name: Option<Text>,
    pub body: Vec<Stmt>,
}

#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub pattern: Pattern,
    pub guard: Option<Expr>,
    pub body: Vec<Stmt>,
}

#[derive(Clone, Debug)]
pub(crate) enum Pattern {
    /// Whatever it is, bound to a name.
    Any(Option<Text>),
    Value(Expr),
    Or(Vec<Pattern>),
    Other,
}

impl Comparison {
    /// The same comparison with its sides changed.
    pub(crate) fn turned(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessEqual => Self::GreaterEqual,
            Self::Greater => Self::Less,
            Self::GreaterEqual => Self::LessEqual,
            other => other,
        }
    }
}
