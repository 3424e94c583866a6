//! The tree of a rule, as written: placeholders and lists stand by their names.

use ruleatlas_model::Span;

/// A rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// The pairs of its `meta` section, in order.
    pub meta: Vec<Meta>,
    /// The statements of its `events` section, which must all hold.
    pub events: Vec<Expr>,
    /// Its `match` section.
    pub grouping: Option<Grouping>,
    /// The variables of its `outcome` section, by name without the dollar sign.
    pub outcome: Vec<(String, Expr)>,
    /// Its `condition` section.
    pub condition: Option<Expr>,
    /// Where it stands.
    pub span: Span,
}

/// A pair of the `meta` section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta {
    /// The key.
    pub key: String,
    /// The text.
    pub value: String,
    /// Where the pair stands.
    pub span: Span,
}

/// What events have in common, and within which time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grouping {
    /// The placeholders, by name without the dollar sign.
    pub variables: Vec<String>,
    /// The time behind `over`, as written (`5m`).
    pub window: String,
    /// Where the section's content stands.
    pub span: Span,
}

/// An expression and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands.
    pub span: Span,
}

/// What an expression is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExprKind {
    /// At least one operand holds.
    Or(Vec<Expr>),
    /// Every operand holds.
    And(Vec<Expr>),
    /// The operand does not hold.
    Not(Box<Expr>),
    /// Two values.
    Compare {
        /// How they are compared.
        op: CompareOp,
        /// The left value.
        left: Box<Expr>,
        /// The right value.
        right: Box<Expr>,
        /// Whether texts compare without case.
        nocase: bool,
    },
    /// A value and a list.
    In {
        /// The value.
        value: Box<Expr>,
        /// The list's name without the percent sign, with a column behind a dot.
        list: String,
        /// What the list's items are.
        items: ListItems,
        /// Whether texts compare without case.
        nocase: bool,
    },
    /// A function (`re.regex`).
    Call {
        /// Its name.
        name: String,
        /// Its arguments.
        arguments: Vec<Expr>,
        /// Whether texts compare without case.
        nocase: bool,
    },
    /// A field of an event: `principal.ip` of `$e`.
    Field {
        /// The event's variable without the dollar sign.
        variable: String,
        /// The path; a key in brackets is a part of it (`additional.fields.CallTrace`).
        path: String,
        /// Whether `any` or `all` stands before it.
        quantifier: Option<Quantifier>,
    },
    /// A variable of its own: an event, a placeholder, an outcome.
    Variable(String),
    /// The number of different events or values of a variable (`#e`).
    Count(String),
    /// A text.
    String(String),
    /// A regular expression between slashes.
    Regex(String),
    /// A number, or `true` and `false`, as written.
    Literal(String),
    /// A calculation.
    Calculation(Vec<Expr>),
    /// A part that does not follow the grammar.
    Broken(&'static str),
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompareOp {
    /// `=`
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

/// What the items of a reference list are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListItems {
    /// Texts.
    Texts,
    /// Regular expressions.
    Regexes,
    /// Networks.
    Networks,
}

/// Which values of a repeated field are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantifier {
    /// One of them.
    Any,
    /// Each of them.
    All,
}

impl Rule {
    /// The text of a key of the `meta` section; keys compare without case.
    #[must_use]
    pub fn meta(&self, key: &str) -> Option<&str> {
        self.meta.iter().find(|meta| meta.key.eq_ignore_ascii_case(key)).map(|meta| meta.value.trim())
    }
}
