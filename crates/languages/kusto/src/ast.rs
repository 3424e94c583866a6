//! The syntax tree: what a query says, with nothing resolved and every place kept.
//!
//! Names follow Microsoft's
//! [reference of tabular operators](https://learn.microsoft.com/kusto/query/tabular-expression-statements).

use std::borrow::Cow;

use ruleatlas_syntax::Span;

/// A whole text: its statements in order.
///
/// It prints as a query. Parts of which the tree does not hold all (the types of columns, hints, the order of `sort`) print
/// as they stand in `text`, and without one as far as the tree goes.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Script<'a> {
    /// The text that was read, into which all places point; empty for a tree that was made by hand or put together.
    pub text: &'a str,
    /// The statements.
    pub statements: Vec<Statement<'a>>,
    /// What could not be read, by place.
    pub faults: Vec<Fault>,
}

impl Script<'_> {
    /// Whether the text is a query: a tabular statement stands in it, and nothing in it is unreadable.
    #[must_use]
    pub fn is_query(&self) -> bool {
        self.has_pipeline() && self.is_clean()
    }

    /// Whether a tabular statement stands in it; a name or a constant alone is none.
    #[must_use]
    pub fn has_pipeline(&self) -> bool {
        self.statements.iter().any(|statement| match statement {
            Statement::Query(expr) => !matches!(
                expr.kind,
                ExprKind::Name(_) | ExprKind::Literal(_) | ExprKind::Member(..) | ExprKind::Arithmetic(..)
            ),
            _ => false,
        })
    }

    /// Whether every statement was read.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        !self.statements.iter().any(|statement| match statement {
            Statement::Broken(_) => true,
            Statement::Query(expr) => has_text_before_pipe(expr),
            _ => false,
        })
    }
}

/// Whether text was passed over between the stages of a pipeline.
fn has_text_before_pipe(expr: &Expr<'_>) -> bool {
    let mut expr = expr;
    while let ExprKind::Pipeline(pipeline) = &expr.kind {
        let is_such =
            |stage: &Stage<'_>| matches!(&stage.operator, Operator::Broken(fault) if fault.code == TEXT_BEFORE_PIPE);
        if pipeline.stages.iter().any(is_such) {
            return true;
        }
        expr = &pipeline.source;
    }
    false
}

/// The code of a fault: text stands between a table or a stage and the next pipe.
pub const TEXT_BEFORE_PIPE: &str = "text before a pipe";

/// Something that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Fault {
    /// Where.
    pub span: Span,
    /// A short phrase that groups alike cases (`unexpected token`).
    pub code: &'static str,
    /// What was expected or is wrong, in one sentence.
    pub message: String,
    /// Whether the text was understood all the same.
    pub recovered: bool,
}

/// A statement.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum Statement<'a> {
    /// `let name = …`.
    Let(Let<'a>),
    /// A tabular expression: what the query returns.
    Query(Expr<'a>),
    /// `declare query_parameters(…)`: names with defaults.
    Parameters(Vec<Parameter<'a>>),
    /// `set`, `alias`, `restrict`, `declare pattern`: nothing that filters.
    Other(Span),
    /// Not understood.
    Broken(Fault),
}

/// A `let` statement.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Let<'a> {
    /// The name.
    pub name: Cow<'a, str>,
    /// What it is bound to.
    pub value: LetValue<'a>,
    /// The whole statement.
    pub span: Span,
}

/// What a name is bound to.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum LetValue<'a> {
    /// A scalar or tabular expression; which of the two is known only when names are resolved.
    Expr(Expr<'a>),
    /// A function; a `view` is one without parameters.
    Function(Function<'a>),
}

/// A function: `(a:string, T:(x:long)) { … }`.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Function<'a> {
    /// The parameters.
    pub parameters: Vec<Parameter<'a>>,
    /// The statements of the body; the last query is the result.
    pub body: Vec<Statement<'a>>,
}

/// A parameter of a function or query.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Parameter<'a> {
    /// The name.
    pub name: Cow<'a, str>,
    /// Whether it takes a table.
    pub tabular: bool,
    /// Its type as written (`string`, `(a:long)`); empty where none is.
    pub type_name: &'a str,
    /// The value where the caller gives none.
    pub default: Option<Expr<'a>>,
}

/// A source and the stages it runs through.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Pipeline<'a> {
    /// The source: a table's name, a call, a `union`, …
    pub source: Expr<'a>,
    /// The stages.
    pub stages: Vec<Stage<'a>>,
    /// The whole.
    pub span: Span,
}

/// One segment between pipes.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Stage<'a> {
    /// What it does.
    pub operator: Operator<'a>,
    /// Its place, the pipe not included.
    pub span: Span,
}

/// How the rows of two tables meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[allow(missing_docs)]
pub enum JoinKind {
    InnerUnique,
    Inner,
    LeftOuter,
    RightOuter,
    FullOuter,
    LeftSemi,
    RightSemi,
    LeftAnti,
    RightAnti,
}

/// A tabular operator.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum Operator<'a> {
    /// `where`, `filter`.
    Where(Expr<'a>),
    /// `extend`.
    Extend(Vec<Named<'a>>),
    /// `project`.
    Project(Vec<Named<'a>>),
    /// `distinct`.
    Distinct(Vec<Named<'a>>),
    /// `project-rename`.
    ProjectRename(Vec<Named<'a>>),
    /// `project-away`, `project-keep`, `project-reorder` with their name.
    Arrange(&'a str),
    /// `summarize`.
    Summarize {
        /// The aggregates.
        aggregates: Vec<Named<'a>>,
        /// The groups.
        by: Vec<Named<'a>>,
    },
    /// `make-series`.
    MakeSeries {
        /// The series.
        aggregates: Vec<Named<'a>>,
        /// The axis.
        on: Option<Expr<'a>>,
        /// The groups.
        by: Vec<Named<'a>>,
    },
    /// `join` and `lookup`.
    Join {
        /// How.
        kind: JoinKind,
        /// Whether it is `lookup`.
        lookup: bool,
        /// The other table.
        right: Box<Expr<'a>>,
        /// The keys: names, or `$left.a == $right.b`.
        on: Vec<Expr<'a>>,
    },
    /// `union` behind a pipe.
    Union(Vec<Expr<'a>>),
    /// `mv-expand`.
    MvExpand(Vec<Named<'a>>),
    /// `mv-apply` with the stages it runs on every element.
    MvApply {
        /// The arrays.
        items: Vec<Named<'a>>,
        /// The stages.
        body: Vec<Stage<'a>>,
    },
    /// `parse`, `parse-where`.
    Parse {
        /// The text that is taken apart.
        subject: Expr<'a>,
        /// The pattern.
        pattern: Vec<ParsePiece<'a>>,
        /// Whether `kind=regex`.
        regex: bool,
        /// Whether rows that do not match are dropped (`parse-where`).
        filters: bool,
    },
    /// `parse-kv`: the text and the columns made of it.
    ParseKv(Expr<'a>, Vec<Cow<'a, str>>),
    /// `evaluate` with a plug-in's call and the columns it is declared to give.
    Evaluate(Expr<'a>, Option<Vec<Cow<'a, str>>>),
    /// `invoke` with a function's call.
    Invoke(Expr<'a>),
    /// `search` behind a pipe.
    Search(Search<'a>),
    /// `as`.
    As(Cow<'a, str>),
    /// `count`: one row with one column.
    Count,
    /// `partition` with the stages of its sub-query, or a whole sub-query.
    Partition(Vec<Stage<'a>>),
    /// `fork`, `facet`: branches.
    Fork(Vec<Vec<Stage<'a>>>),
    /// `scan`: the conditions of its steps and the columns it declares.
    Scan {
        /// The conditions, each with the step's name.
        steps: Vec<(Cow<'a, str>, Expr<'a>)>,
        /// The declared columns.
        columns: Vec<Cow<'a, str>>,
    },
    /// `make-graph` with the tables of its nodes; the rows are the edges.
    MakeGraph(Vec<Expr<'a>>),
    /// `graph-match`, `graph-shortest-paths`.
    GraphMatch {
        /// The variables of the pattern.
        variables: Vec<GraphVariable<'a>>,
        /// What they must meet.
        condition: Option<Expr<'a>>,
        /// The columns of the result.
        project: Vec<Named<'a>>,
    },
    /// An operator that was understood up to something that was not: the code of the fault, and the place of the rest.
    Partial(Box<Operator<'a>>, &'static str, Span),
    /// An operator that neither filters nor makes names: `sort`, `take`, `render`, `serialize`, …
    Neutral(&'a str),
    /// Not understood.
    Broken(Fault),
}

/// A variable of a graph's pattern.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct GraphVariable<'a> {
    /// The name.
    pub name: Cow<'a, str>,
    /// Whether it stands for edges; otherwise for a node.
    pub is_edge: bool,
}

/// `search` or `find`: a condition over any column of some tables.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Search<'a> {
    /// The tables, all of them when empty.
    pub tables: Vec<Expr<'a>>,
    /// The condition.
    pub condition: Option<Box<Expr<'a>>>,
    /// Whether `kind=case_sensitive`.
    pub case_sensitive: bool,
}

/// A piece of a `parse` pattern.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum ParsePiece<'a> {
    /// `*`.
    Star,
    /// A literal text.
    Text(String),
    /// A column to make.
    Column(Cow<'a, str>),
}

/// An expression that may have a name: `a = tolower(b)`, `(a, b) = f(c)`.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Named<'a> {
    /// The names, empty when none is written.
    pub names: Vec<Cow<'a, str>>,
    /// The expression.
    pub value: Expr<'a>,
}

/// An expression with its place.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Expr<'a> {
    /// What it is.
    pub kind: ExprKind<'a>,
    /// Its place.
    pub span: Span,
    /// How many levels stand below it, 0 for a leaf; bounded by the parser.
    pub height: u16,
}

/// What an expression is.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum ExprKind<'a> {
    /// A column, variable or table.
    Name(Cow<'a, str>),
    /// A literal.
    Literal(Literal<'a>),
    /// `dynamic(…)`.
    Dynamic(Json<'a>),
    /// `a.b`.
    Member(Box<Expr<'a>>, Cow<'a, str>),
    /// `a[b]`.
    Index(Box<Expr<'a>>, Box<Expr<'a>>),
    /// `f(…)`.
    Call(Cow<'a, str>, Vec<Argument<'a>>),
    /// `a and b and c`.
    And(Vec<Expr<'a>>),
    /// `a or b or c`.
    Or(Vec<Expr<'a>>),
    /// `-a`.
    Negative(Box<Expr<'a>>),
    /// A comparison.
    Compare(Comparison, Box<Expr<'a>>, Box<Expr<'a>>),
    /// A comparison with a list: `in (…)`, `has_any (…)`.
    CompareList(Comparison, Box<Expr<'a>>, Vec<Expr<'a>>),
    /// `a between (b .. c)`, negated or not.
    Between {
        /// What is compared.
        value: Box<Expr<'a>>,
        /// The lower bound.
        low: Box<Expr<'a>>,
        /// The upper bound.
        high: Box<Expr<'a>>,
        /// Whether `!between`.
        negated: bool,
    },
    /// Arithmetic: `+ - * / %`.
    Arithmetic(char, Box<Expr<'a>>, Box<Expr<'a>>),
    /// `*`.
    Star,
    /// A source with stages.
    Pipeline(Box<Pipeline<'a>>),
    /// `union A, B`.
    Union(Vec<Expr<'a>>),
    /// `search …`, `find …`.
    Search(Search<'a>),
    /// `print a = 1, …`.
    Print(Vec<Named<'a>>),
    /// `range x from … to … step …`.
    Range(Cow<'a, str>),
    /// `datatable (a:string, …) [ … ]`.
    Datatable {
        /// The columns.
        columns: Vec<Cow<'a, str>>,
        /// The cells, row by row.
        cells: Vec<Expr<'a>>,
    },
    /// `externaldata (a:string, …) [ "address" ] with (…)`.
    ExternalData {
        /// The columns.
        columns: Vec<Cow<'a, str>>,
        /// The addresses.
        addresses: Vec<Expr<'a>>,
    },
    /// Not understood; the reason is the code of a fault.
    Broken(&'static str),
}

/// An argument of a call.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Argument<'a> {
    /// The name where one is written (`starttime=`).
    pub name: Option<Cow<'a, str>>,
    /// The value.
    pub value: Expr<'a>,
}

/// How two values are compared, and whether the operator itself is negated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Comparison {
    /// The operator without its negation.
    pub operator: Relation,
    /// `!=`, `!has`, …
    pub negated: bool,
    /// Whether letters of different case are different.
    pub case_sensitive: bool,
}

/// The operators of comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[allow(missing_docs)]
pub enum Relation {
    Equal,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Has,
    HasPrefix,
    HasSuffix,
    HasAny,
    HasAll,
    Contains,
    StartsWith,
    EndsWith,
    Regex,
    In,
}

/// A literal.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Literal<'a> {
    /// Its type.
    pub kind: LiteralKind,
    /// A string's text with escapes resolved, any other literal as written; what stands in the parentheses of a typed
    /// literal (`datetime(…)`, `int(…)`).
    pub text: Cow<'a, str>,
}

/// The types of literals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum LiteralKind {
    /// Text.
    String,
    /// A number.
    Number,
    /// `true`, `false`.
    Bool,
    /// A duration.
    Timespan,
    /// A point in time.
    Datetime,
    /// A GUID.
    Guid,
    /// `null`, `int(null)`.
    Null,
}

/// A dynamic literal.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum Json<'a> {
    /// A scalar.
    Scalar(Literal<'a>),
    /// A list.
    Array(Vec<Json<'a>>),
    /// A property bag.
    Bag(Vec<(Cow<'a, str>, Json<'a>)>),
}

impl<'a> Expr<'a> {
    /// The name, where the expression is nothing but one.
    #[must_use]
    pub fn as_name(&self) -> Option<&str> {
        match &self.kind {
            ExprKind::Name(name) => Some(name),
            _ => None,
        }
    }

    /// The text, where the expression is a string literal.
    #[must_use]
    pub fn as_string(&self) -> Option<&str> {
        match &self.kind {
            ExprKind::Literal(literal) if literal.kind == LiteralKind::String => Some(&literal.text),
            _ => None,
        }
    }
}
