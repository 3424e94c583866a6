//! What a search says, before anything is made of it. All spans point into the author's text; those of a tree that was
//! made by hand may be [`Span::default`].

use ruleatlas_syntax::{ErrorKind as _, Piece, Span};

use crate::error::ErrorKind;

/// Commands joined by pipes.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Pipeline {
    /// The commands, in order.
    pub segments: Vec<Segment>,
    /// Where it stands.
    pub span: Span,
}

/// One command of a pipeline.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Segment {
    /// What it does, as far as filters and names are concerned.
    pub command: Command,
    /// Its place among the commands that the author wrote, from 0.
    pub stage: u32,
    /// Where it stands.
    pub span: Span,
    /// As written, macros expanded, where that says more than `command`: what is printed then.
    pub text: Option<String>,
}

impl Segment {
    /// A command without a place in a text.
    #[must_use]
    pub fn new(command: Command) -> Self {
        Self { command, stage: 0, span: Span::default(), text: None }
    }

    /// A command that is written so; `text` must be a whole command without a pipe (`stats count by host`).
    #[must_use]
    pub fn verbatim(text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), ..Self::new(Command::Neutral) }
    }
}

/// A command, as far as filters and names are concerned. `search`, `where`, `regex`, `eval` and `rename` are all that their
/// text says; of the others the segment keeps the text.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum Command {
    /// `search`, written or implied.
    Search(Search),
    /// `where`.
    Where(Expr),
    /// `regex`.
    Regex {
        /// The field; `_raw` where none is written.
        field: String,
        /// Whether what matches is left out (`!=`).
        negated: bool,
        /// The regular expression, escapes of its quotes resolved.
        pattern: String,
        /// Where its arguments stand.
        span: Span,
    },
    /// `eval`, and what is written like it.
    Eval(Vec<(String, Expr)>),
    /// `rename`.
    Rename(Vec<(String, String)>),
    /// `stats`, `tstats`, `top`, …
    Aggregate(Aggregate),
    /// `tstats` and `mstats`, which also choose the data.
    Generate {
        /// Whether the results are added to those before.
        append: bool,
        /// The data models with their datasets.
        models: Vec<String>,
        /// The condition.
        filter: Option<Search>,
        /// What is computed.
        aggregate: Aggregate,
        /// The command's name.
        name: String,
    },
    /// `from` and `datamodel`.
    Dataset {
        /// What is read.
        name: DatasetName,
        /// The condition.
        filter: Option<Search>,
    },
    /// Names cut out of a field (`rex`, `spath`, `iplocation`, …).
    Extract {
        /// The field; none for the event itself.
        from: Option<String>,
        /// The names.
        names: Vec<String>,
    },
    /// `spath` with a path: the name is what stands there in the text of `input`, or of the event.
    Alias {
        /// The name.
        name: String,
        /// The field whose text has the path.
        input: Option<String>,
        /// The path.
        path: String,
    },
    /// Names that the command computes.
    Compute(Vec<String>),
    /// `mvexpand`: a result for each value of the field.
    Expand(String),
    /// `foreach`: names that its template makes of the fields of a pattern.
    Foreach {
        /// The pattern, blanks between its parts.
        fields: String,
        /// The names.
        names: Vec<String>,
    },
    /// `lookup`.
    Lookup(LookupCall),
    /// `inputlookup`.
    InputLookup {
        /// The lookup's name.
        name: String,
        /// The condition on its rows.
        filter: Option<Search>,
        /// Whether the rows are added to the results before.
        append: bool,
    },
    /// Searches of their own beside or after this one.
    Beside {
        /// The command's name, for a join with its type.
        label: String,
        /// The keys of a join.
        join: Option<Vec<String>>,
        /// The searches.
        pipelines: Vec<Pipeline>,
    },
    /// `transaction`: the fields that its events share, and the conditions of its first and last event.
    Transaction {
        /// The fields.
        fields: Vec<String>,
        /// The conditions, each with what it is of.
        conditions: Vec<(&'static str, Bound)>,
    },
    /// `fields` and `table`: these names stay, where they are said without wildcards.
    Fields(Vec<String>),
    /// Keeps, orders, formats or stores results; filters by nothing.
    Neutral,
    /// What is not understood.
    Opaque {
        /// As written.
        text: String,
        /// Why.
        kind: ErrorKind,
    },
}

/// The condition of a transaction's first or last event.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum Bound {
    /// A search expression, in quotes or parentheses.
    Search(Search),
    /// `eval(…)`.
    Expr(Expr),
}

/// What `from` or `datamodel` reads.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum DatasetName {
    /// A data model with its dataset.
    Model(String),
    /// A saved search or another dataset.
    Other(String),
}

/// The results of an aggregation.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Aggregate {
    /// The results.
    pub outputs: Vec<Output>,
    /// The fields of the groups.
    pub by: Vec<String>,
    /// Whether the other names stay (`eventstats`).
    pub keeps: bool,
}

/// One result of an aggregation.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Output {
    /// Its name.
    pub name: String,
    /// The function, in lower case; `eval` where its argument is an expression.
    pub function: String,
    /// The field it is made of; empty for a bare `count`.
    pub field: String,
    /// The text as written, without `as`.
    pub text: String,
}

/// `lookup NAME [column] [as field] … OUTPUT column [as name] …`
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct LookupCall {
    /// The lookup's name.
    pub name: String,
    /// Columns and the fields they are compared with.
    pub inputs: Vec<(String, String)>,
    /// Columns and the names they get; `None` for all other columns.
    pub outputs: Option<Vec<(String, String)>>,
}

/// The language of `search`.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum Search {
    /// All hold: a blank or `AND` stands between them.
    And(Vec<Search>),
    /// One of them holds.
    Or(Vec<Search>),
    /// It does not hold.
    Not(Box<Search>),
    /// A comparison of a field.
    Compare {
        /// The field.
        field: String,
        /// The operator; `=` for a list.
        op: CompareOp,
        /// The values, of which any will do.
        values: Vec<SearchValue>,
        /// Where it stands.
        span: Span,
    },
    /// A bare term or phrase.
    Term {
        /// The term.
        value: SearchValue,
    },
    /// A sub-search.
    Sub(Box<Pipeline>),
    /// What is not understood.
    Opaque {
        /// As written.
        text: String,
        /// Why.
        kind: ErrorKind,
        /// Where it stands.
        span: Span,
    },
}

/// The comparisons of both languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
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

/// A value of the `search` language, escapes resolved.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct SearchValue {
    /// Its characters and wildcards.
    pub pieces: Vec<Piece>,
    /// What stands around it, if anything does.
    pub directive: Option<Directive>,
    /// Where it stands.
    pub span: Span,
}

/// What may stand around a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum Directive {
    /// `CASE(…)`: with case.
    Case,
    /// `TERM(…)`: one term, whatever breakers are in it.
    Term,
    /// `PREFIX(…)`: the beginning of a term.
    Prefix,
}

impl Directive {
    /// The directive of a word.
    pub(crate) fn of(word: &str) -> Option<Self> {
        match word {
            "CASE" => Some(Self::Case),
            "TERM" => Some(Self::Term),
            "PREFIX" => Some(Self::Prefix),
            _ => None,
        }
    }

    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Case => "CASE",
            Self::Term => "TERM",
            Self::Prefix => "PREFIX",
        }
    }
}

impl SearchValue {
    /// A value without wildcards and without a place in a text.
    #[must_use]
    pub fn plain(text: &str) -> Self {
        Self { pieces: text.chars().map(Piece::Char).collect(), directive: None, span: Span::default() }
    }

    /// Whether it is compared with case.
    #[must_use]
    pub fn is_cased(&self) -> bool {
        self.directive == Some(Directive::Case)
    }

    /// The text, wildcards written as `*`.
    pub fn text(&self) -> String {
        self.pieces.iter().map(|piece| if let Piece::Char(character) = piece { *character } else { '*' }).collect()
    }
}

/// An expression of `eval` and `where`.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands.
    pub span: Span,
    /// How deep expressions stand in each other here.
    pub depth: usize,
}

/// What an expression is.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum ExprKind {
    /// A text, escapes resolved.
    Text(String),
    /// A number, as written.
    Number(String),
    /// A field.
    Field(String),
    /// A function's call, its name in lower case.
    Call(String, Vec<Expr>),
    /// A comparison.
    Compare(CompareOp, Box<Expr>, Box<Expr>),
    /// `x IN (…)`.
    In(Box<Expr>, Vec<Expr>),
    /// All hold.
    And(Vec<Expr>),
    /// One of them holds.
    Or(Vec<Expr>),
    /// One holds and the other does not.
    Xor(Box<Expr>, Box<Expr>),
    /// It does not hold.
    Not(Box<Expr>),
    /// Arithmetic and concatenation.
    Binary(&'static str, Box<Expr>, Box<Expr>),
    /// `-x`.
    Minus(Box<Expr>),
    /// `searchmatch("…")`.
    Search {
        /// The text in quotes.
        text: String,
        /// What it says.
        search: Box<Search>,
    },
    /// A sub-search.
    Sub(Box<Pipeline>),
    /// What is not understood.
    Opaque {
        /// As written.
        text: String,
        /// Why.
        kind: ErrorKind,
    },
}

impl Expr {
    /// An expression; [`Span::default`] will do for one that is not of a text.
    #[must_use]
    pub fn new(kind: ExprKind, span: Span) -> Self {
        let mut expr = Self { kind, span, depth: 1 };
        expr.depth = 1 + expr.children().map(|child| child.depth).max().unwrap_or_default();
        expr
    }

    /// The expressions that this one is made of.
    pub fn children(&self) -> impl Iterator<Item = &Self> {
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
            | ExprKind::Search { .. }
            | ExprKind::Sub(_)
            | ExprKind::Opaque { .. } => ([None, None], &[]),
        };
        few.into_iter().flatten().chain(many)
    }

    /// Why a part of the expression is not understood, where one is not.
    pub fn not_understood(&self) -> Option<&str> {
        match &self.kind {
            ExprKind::Opaque { kind, .. } => Some(kind.title()),
            _ => self.children().find_map(Self::not_understood),
        }
    }
}

impl CompareOp {
    /// As it is written.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
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

/// A node of a search.
#[derive(Clone, Copy, Debug)]
pub enum Node<'a> {
    /// A command.
    Segment(&'a Segment),
    /// A condition of the language of `search`.
    Search(&'a Search),
    /// An expression of `eval` and `where`.
    Expr(&'a Expr),
}

impl Pipeline {
    /// A pipeline of these commands, without a place in a text.
    #[must_use]
    pub fn new(segments: Vec<Segment>) -> Self {
        Self { segments, span: Span::default() }
    }

    /// Every command, condition and expression, those of sub-searches among them, each before what it is made of.
    pub fn walk(&self) -> impl Iterator<Item = Node<'_>> {
        let mut waiting: Vec<Node<'_>> = self.segments.iter().rev().map(Node::Segment).collect();
        std::iter::from_fn(move || {
            let node = waiting.pop()?;
            let at = waiting.len();
            match node {
                Node::Segment(segment) => segment.command.parts(&mut waiting),
                Node::Search(Search::And(parts) | Search::Or(parts)) => waiting.extend(parts.iter().map(Node::Search)),
                Node::Search(Search::Not(inner)) => waiting.push(Node::Search(inner)),
                Node::Search(Search::Sub(pipeline)) => waiting.extend(pipeline.segments.iter().map(Node::Segment)),
                Node::Search(_) => {}
                Node::Expr(expr) => {
                    waiting.extend(expr.children().map(Node::Expr));
                    match &expr.kind {
                        ExprKind::Search { search, .. } => waiting.push(Node::Search(search)),
                        ExprKind::Sub(pipeline) => waiting.extend(pipeline.segments.iter().map(Node::Segment)),
                        _ => {}
                    }
                }
            }
            waiting.get_mut(at..).unwrap_or_default().reverse();
            Some(node)
        })
    }
}

impl Command {
    fn parts<'a>(&'a self, into: &mut Vec<Node<'a>>) {
        match self {
            Self::Search(search) => into.push(Node::Search(search)),
            Self::Where(expr) => into.push(Node::Expr(expr)),
            Self::Eval(assignments) => into.extend(assignments.iter().map(|(_, expr)| Node::Expr(expr))),
            Self::Generate { filter, .. } | Self::Dataset { filter, .. } | Self::InputLookup { filter, .. } => {
                into.extend(filter.as_ref().map(Node::Search));
            }
            Self::Beside { pipelines, .. } => {
                into.extend(pipelines.iter().flat_map(|pipeline| &pipeline.segments).map(Node::Segment));
            }
            Self::Transaction { conditions, .. } => into.extend(conditions.iter().map(|(_, bound)| match bound {
                Bound::Search(search) => Node::Search(search),
                Bound::Expr(expr) => Node::Expr(expr),
            })),
            _ => {}
        }
    }
}
