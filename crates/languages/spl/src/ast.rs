//! What a search says, before anything is made of it. All spans point into the author's text.

use std::fmt;

use ruleatlas_core::Piece;
use ruleatlas_model::Span;

/// Commands joined by pipes.
#[derive(Debug, Default)]
pub(crate) struct Pipeline {
    pub segments: Vec<Segment>,
    pub span: Span,
}

/// One command of a pipeline.
#[derive(Debug)]
pub(crate) struct Segment {
    pub command: Command,
    /// Its place among the commands that the author wrote, from 0.
    pub stage: u32,
    pub span: Span,
}

/// A command, as far as filters and names are concerned.
#[derive(Debug)]
pub(crate) enum Command {
    /// `search`, written or implied.
    Search(Search),
    /// `where`.
    Where(Expr),
    /// `regex`.
    Regex { field: String, negated: bool, pattern: String, span: Span },
    /// `eval`, and what is written like it.
    Eval(Vec<(String, Expr)>),
    /// `rename`.
    Rename(Vec<(String, String)>),
    /// `stats`, `tstats`, `top`, …
    Aggregate(Aggregate),
    /// `tstats` and `mstats`, which also choose the data.
    Generate { append: bool, models: Vec<String>, filter: Option<Search>, aggregate: Aggregate, name: String },
    /// `from` and `datamodel`.
    Dataset { name: DatasetName, filter: Option<Search> },
    /// Names cut out of a field (`rex`, `spath`, `iplocation`, …).
    Extract { from: Option<String>, names: Vec<String> },
    /// `spath` with a path: the name is what stands there in the text of `input`, or of the event.
    Alias { name: String, input: Option<String>, path: String },
    /// Names that the command computes.
    Compute(Vec<String>),
    /// `mvexpand`: a result for each value of the field.
    Expand(String),
    /// `foreach`: names that its template makes of the fields of a pattern.
    Foreach { fields: String, names: Vec<String> },
    /// `lookup`.
    Lookup(LookupCall),
    /// `inputlookup`.
    InputLookup { name: String, filter: Option<Search>, append: bool },
    /// Searches of their own beside or after this one.
    Beside { label: String, join: Option<Vec<String>>, pipelines: Vec<Pipeline> },
    /// `transaction`: the fields that its events share, and the conditions of its first and last event.
    Transaction { fields: Vec<String>, conditions: Vec<(&'static str, Bound)> },
    /// `fields` and `table`: these names stay, where they are said without wildcards.
    Fields(Vec<String>),
    /// Keeps, orders, formats or stores results; filters by nothing.
    Neutral,
    /// What is not understood.
    Opaque { text: String, reason: String },
}

/// The condition of a transaction's first or last event.
#[derive(Debug)]
pub(crate) enum Bound {
    /// A search expression, in quotes or parentheses.
    Search(Search),
    /// `eval(…)`.
    Expr(Expr),
}

/// What `from` or `datamodel` reads.
#[derive(Debug)]
pub(crate) enum DatasetName {
    /// A data model with its dataset.
    Model(String),
    /// A saved search or another dataset.
    Other(String),
}

/// The results of an aggregation.
#[derive(Debug, Default)]
pub(crate) struct Aggregate {
    pub outputs: Vec<Output>,
    pub by: Vec<String>,
    /// Whether the other names stay (`eventstats`).
    pub keeps: bool,
}

/// One result of an aggregation.
#[derive(Debug)]
pub(crate) struct Output {
    pub name: String,
    pub function: String,
    /// The field it is made of; empty for a bare `count`.
    pub field: String,
    /// The text as written, without `as`.
    pub text: String,
}

/// `lookup NAME [column] [as field] … OUTPUT column [as name] …`
#[derive(Debug, Default)]
pub(crate) struct LookupCall {
    pub name: String,
    /// Columns and the fields they are compared with.
    pub inputs: Vec<(String, String)>,
    /// Columns and the names they get; `None` for all other columns.
    pub outputs: Option<Vec<(String, String)>>,
}

/// The language of `search`.
#[derive(Debug)]
pub(crate) enum Search {
    And(Vec<Search>),
    Or(Vec<Search>),
    Not(Box<Search>),
    Compare {
        field: String,
        op: CompareOp,
        values: Vec<SearchValue>,
        span: Span,
    },
    /// A bare term or phrase.
    Term {
        value: SearchValue,
    },
    Sub(Box<Pipeline>),
    Opaque {
        text: String,
        reason: String,
        span: Span,
    },
}

/// The comparisons of both languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CompareOp {
    Eq,
    Ne,
    Lt,
    Lte,
    Gt,
    Gte,
}

/// A value of the `search` language, escapes resolved.
#[derive(Debug)]
pub(crate) struct SearchValue {
    pub pieces: Vec<Piece>,
    /// Whether it is compared with case (`CASE(…)`).
    pub cased: bool,
    pub span: Span,
}

impl SearchValue {
    /// The text, wildcards written as `*`.
    pub(crate) fn text(&self) -> String {
        self.pieces.iter().map(|piece| if let Piece::Char(character) = piece { *character } else { '*' }).collect()
    }
}

/// An expression of `eval` and `where`.
#[derive(Debug)]
pub(crate) struct Expr {
    pub kind: ExprKind,
    pub span: Span,
    /// How deep expressions stand in each other here.
    pub depth: usize,
}

#[derive(Debug)]
pub(crate) enum ExprKind {
    Text(String),
    Number(String),
    Field(String),
    Call(String, Vec<Expr>),
    Compare(CompareOp, Box<Expr>, Box<Expr>),
    In(Box<Expr>, Vec<Expr>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Xor(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    /// Arithmetic and concatenation.
    Binary(&'static str, Box<Expr>, Box<Expr>),
    Minus(Box<Expr>),
    /// `searchmatch("…")`.
    Search(Box<Search>),
    Sub(Box<Pipeline>),
    Opaque {
        text: String,
        reason: String,
    },
}

impl Expr {
    pub(crate) fn new(kind: ExprKind, span: Span) -> Self {
        let mut expr = Self { kind, span, depth: 1 };
        expr.depth = 1 + expr.children().map(|child| child.depth).max().unwrap_or_default();
        expr
    }

    /// The expressions that this one is made of.
    pub(crate) fn children(&self) -> impl Iterator<Item = &Self> {
        let (few, many): ([Option<&Self>; 2], &[Self]) = match &self.kind {
            ExprKind::Call(_, items) | ExprKind::And(items) | ExprKind::Or(items) => ([None, None], items),
            ExprKind::In(field, items) => ([Some(field), None], items),
            ExprKind::Compare(_, left, right) | ExprKind::Xor(left, right) | ExprKind::Binary(_, left, right) => {
                ([Some(left), Some(right)], &[])
            }
            ExprKind::Not(inner) | ExprKind::Minus(inner) => ([Some(inner), None], &[]),
            ExprKind::Text(_)
            | ExprKind::Number(_)
            | ExprKind::Field(_)
            | ExprKind::Search(_)
            | ExprKind::Sub(_)
            | ExprKind::Opaque { .. } => ([None, None], &[]),
        };
        few.into_iter().flatten().chain(many)
    }

    /// Why a part of the expression is not understood, where one is not.
    pub(crate) fn not_understood(&self) -> Option<&str> {
        match &self.kind {
            ExprKind::Opaque { reason, .. } => Some(reason),
            _ => self.children().find_map(Self::not_understood),
        }
    }
}

impl CompareOp {
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::Eq => "=",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Lte => "<=",
            Self::Gt => ">",
            Self::Gte => ">=",
        }
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, items: &[Self], between: &str| {
            for (at, item) in items.iter().enumerate() {
                write!(f, "{}{item}", if at > 0 { between } else { "" })?;
            }
            Ok(())
        };
        match &self.kind {
            ExprKind::Text(text) => write!(f, "\"{text}\""),
            ExprKind::Number(text) | ExprKind::Field(text) => f.write_str(text),
            ExprKind::Call(name, arguments) => {
                write!(f, "{name}(")?;
                list(f, arguments, ", ")?;
                f.write_str(")")
            }
            ExprKind::Compare(op, left, right) => write!(f, "{left} {} {right}", op.symbol()),
            ExprKind::In(field, values) => {
                write!(f, "{field} IN (")?;
                list(f, values, ", ")?;
                f.write_str(")")
            }
            ExprKind::And(items) => list(f, items, " AND "),
            ExprKind::Or(items) => {
                f.write_str("(")?;
                list(f, items, " OR ")?;
                f.write_str(")")
            }
            ExprKind::Xor(left, right) => write!(f, "({left} XOR {right})"),
            ExprKind::Not(inner) => write!(f, "NOT ({inner})"),
            ExprKind::Binary(op @ ("*" | "/" | "%" | "."), left, right) => write!(f, "{left}{op}{right}"),
            ExprKind::Binary(op, left, right) => write!(f, "({left} {op} {right})"),
            ExprKind::Minus(inner) => write!(f, "-{inner}"),
            ExprKind::Search(_) => f.write_str("searchmatch(…)"),
            ExprKind::Sub(_) => f.write_str("[…]"),
            ExprKind::Opaque { text, .. } => f.write_str(text),
        }
    }
}
