//! The syntax tree of a query.

use ruleatlas_syntax::Span;

/// Steps that events go through, one after the other.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Pipeline {
    /// The steps in order.
    pub steps: Vec<Step>,
    /// Where they stand.
    pub span: Span,
}

/// A step of a pipeline.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Step {
    /// What it does.
    pub kind: StepKind,
    /// Where it stands.
    pub span: Span,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum StepKind {
    /// Keeps events, or calls a function of any kind.
    Filter(Filter),
    /// `field := value`.
    Assign(String, Expr),
    /// `case { …; … }`: an event goes through the first clause that keeps it.
    Case(Vec<Pipeline>),
    /// `field match { pattern => …; … }`: the same by the value of one field.
    Match {
        /// The field.
        field: String,
        /// What its value must be, and the steps for it.
        arms: Vec<(Filter, Pipeline)>,
    },
    /// `[f(), g()]`: several aggregates at once.
    Stats(Vec<Expr>),
    /// `{ … }`: steps within this one.
    Group(Pipeline),
    /// What could not be read, as written.
    Broken(String),
}

/// A condition on an event.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Filter {
    /// What it asks.
    pub kind: FilterKind,
    /// Where it stands.
    pub span: Span,
}

/// What a filter asks.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum FilterKind {
    /// All of these hold.
    And(Vec<Filter>),
    /// Any of these holds.
    Or(Vec<Filter>),
    /// It does not hold.
    Not(Box<Filter>),
    /// A comparison of a field.
    Compare {
        /// The field.
        field: String,
        /// The operator.
        op: CompareOp,
        /// What it is compared with.
        value: Pattern,
    },
    /// A text that is searched for in all fields.
    Free(Pattern),
    /// A function.
    Call(Call),
    /// `field =~ function(…)`.
    Apply(String, Call),
    /// A saved query (`$name(…)`).
    Saved(Call),
    /// `field <=> query.field`: the fields of two queries that are correlated.
    Link(String, String),
    /// `true` or `false`.
    Bool(bool),
    /// What could not be read, as written.
    Broken(String),
}

/// Operators of a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum CompareOp {
    /// `=`.
    Equal,
    /// `!=`.
    NotEqual,
    /// `<`.
    Less,
    /// `<=`.
    LessEqual,
    /// `>`.
    Greater,
    /// `>=`.
    GreaterEqual,
    /// `like`: the field has the text inside.
    Like,
}

/// What a field is compared with.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Pattern {
    /// What it is.
    pub kind: PatternKind,
    /// Where it stands.
    pub span: Span,
}

/// The kinds of patterns.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum PatternKind {
    /// A text in which `*` stands for anything.
    Text(String),
    /// A regular expression and its flags.
    Regex(String, String),
    /// A value that is filled in from outside (`?name`, `?{name=default}`).
    Parameter(Parameter),
}

/// A value that is filled in from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// What it is where nobody fills it in, as written.
    pub default: Option<String>,
}

/// A function and its arguments.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Call {
    /// The name with its namespace (`array:contains`).
    pub name: String,
    /// The arguments.
    pub arguments: Vec<Argument>,
    /// Where it stands.
    pub span: Span,
}

/// An argument of a function.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Argument {
    /// Its name; empty where the function says which it is by its place.
    pub name: String,
    /// Its value.
    pub value: Expr,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands.
    pub span: Span,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum ExprKind {
    /// A word: a field's name where a value is computed, and a text where a function takes one.
    Word(String),
    /// A text in quotes.
    Text(String),
    /// A number as written.
    Number(String),
    /// A regular expression and its flags.
    Regex(String, String),
    /// A value that is filled in from outside.
    Parameter(Parameter),
    /// `[a, b]`.
    List(Vec<Expr>),
    /// `{ … }`.
    Pipeline(Pipeline),
    /// A function.
    Call(Call),
    /// Two values and an operator between them, several of one precedence from left to right.
    Chain(Box<Expr>, Vec<(Op, Expr)>),
    /// `-x`.
    Negative(Box<Expr>),
    /// `!x`.
    Not(Box<Expr>),
    /// What could not be read, as written.
    Broken(String),
}

/// Operators of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum Op {
    /// `or`
    Or,
    /// `and`
    And,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `like`
    Like,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Remainder,
}

impl Call {
    /// The argument of this name, or, where it has none, the unnamed one at this place.
    #[must_use]
    pub fn argument(&self, name: &str, place: usize) -> Option<&Expr> {
        let named = self.arguments.iter().find(|argument| argument.name.eq_ignore_ascii_case(name));
        let unnamed = || self.arguments.iter().filter(|argument| argument.name.is_empty()).nth(place);
        named.or_else(unnamed).map(|argument| &argument.value)
    }

    /// The argument of this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Expr> {
        self.argument(name, usize::MAX)
    }
}

impl Expr {
    /// The items of a list; a value that is none is its own only item.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        match &self.kind {
            ExprKind::List(items) => items,
            _ => std::slice::from_ref(self),
        }
    }
}
