//! Trees to text: reading the text gives the same tree.

mod operator;
mod words;

use std::fmt;

use ruleatlas_syntax::{Parts, Span, print};

use crate::ast::{
    Argument, Expr, ExprKind, Function, Json, LetValue, Literal, LiteralKind, Named, Parameter, Relation, Script,
    Search, Stage, Statement,
};
use words::{name, pattern, quote};

impl fmt::Display for Script<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let printer = Printer { text: self.text };
        print(f, Item::Statements(&self.statements, ";\n"), |item, parts| printer.expand(item, parts))
    }
}

/// What the tree holds of it; what it does not hold (the types of columns, hints) is left out.
impl fmt::Display for Expr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(f, Item::Expr(self, Level::Pipe), |item, parts| Printer { text: "" }.expand(item, parts))
    }
}

/// How tightly an expression binds, from loose to tight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Pipe,
    /// `union`, `search` and what else only begins a pipeline.
    Source,
    Or,
    And,
    Equality,
    Relational,
    Additive,
    Multiplicative,
    /// The operators on texts.
    Text,
    Unary,
    Postfix,
}

#[derive(Clone, Copy)]
enum Item<'t> {
    /// Statements, and what stands between them.
    Statements(&'t [Statement<'t>], &'static str),
    Statement(&'t Statement<'t>),
    Stage(&'t Stage<'t>),
    /// Stages with pipes between them.
    Stages(&'t [Stage<'t>]),
    Named(&'t Named<'t>),
    Argument(&'t Argument<'t>, Level),
    /// An expression, in parentheses where it binds looser than this.
    Expr(&'t Expr<'t>, Level),
    /// A table of a union.
    Leg(&'t Expr<'t>),
    Json(&'t Json<'t>),
}

/// Prints with the text that the tree was read from.
#[derive(Clone, Copy)]
struct Printer<'t> {
    text: &'t str,
}

impl<'t> Printer<'t> {
    /// The text of a place; none for a tree that was not read from a text.
    fn written(self, span: Span) -> Option<&'t str> {
        span.of(self.text).filter(|text| !text.is_empty())
    }

    fn expand(self, item: Item<'t>, parts: &mut Parts<'t, Item<'t>>) {
        match item {
            Item::Statements(statements, between) => parts.list(statements.iter().map(Item::Statement), between),
            Item::Statement(statement) => self.statement(statement, parts),
            Item::Stages(stages) => parts.list(stages.iter().map(Item::Stage), " | "),
            Item::Stage(stage) => match self.written(stage.span).filter(|text| !operator::is_whole(stage, text)) {
                Some(text) => parts.text(text),
                None => operator::expand(&stage.operator, parts),
            },
            Item::Named(named) => {
                match named.names.as_slice() {
                    [] => {}
                    [only] => parts.text(format!("{} = ", name(only))),
                    names => {
                        parts.text(format!("({}) = ", names.iter().map(|one| name(one)).collect::<Vec<_>>().join(", ")))
                    }
                }
                parts.node(Item::Expr(&named.value, Level::Or));
            }
            Item::Argument(argument, least) => {
                if let Some(given) = &argument.name {
                    parts.text(format!("{given}="));
                }
                parts.node(Item::Expr(&argument.value, least));
            }
            Item::Leg(expr) => match &expr.kind {
                ExprKind::Name(table) => parts.text(pattern(table)),
                _ => parts.node(Item::Expr(expr, Level::Or)),
            },
            Item::Expr(expr, least) => {
                let is_grouped = level(expr) < least;
                if is_grouped {
                    parts.text("(");
                }
                match self.written(expr.span).map(without_parentheses).filter(|text| !is_whole(expr, text)) {
                    Some(text) => parts.text(text),
                    None => expand_expr(expr, parts),
                }
                if is_grouped {
                    parts.text(")");
                }
            }
            Item::Json(json) => expand_json(json, parts),
        }
    }

    fn statement(self, statement: &'t Statement<'t>, parts: &mut Parts<'t, Item<'t>>) {
        match statement {
            Statement::Let(binding) => {
                parts.text(format!("let {} = ", name(&binding.name)));
                match &binding.value {
                    LetValue::Expr(expr) => parts.node(Item::Expr(expr, Level::Pipe)),
                    LetValue::Function(function) => expand_function(function, parts),
                }
            }
            Statement::Query(expr) => parts.node(Item::Expr(expr, Level::Pipe)),
            Statement::Parameters(parameters) => {
                parts.text("declare query_parameters");
                expand_parameters(parameters, parts);
            }
            Statement::Other(span) => parts.text(self.written(*span).unwrap_or_default()),
            Statement::Broken(fault) => parts.text(self.written(fault.span).unwrap_or_default()),
        }
    }
}

fn expand_function<'t>(function: &'t Function<'t>, parts: &mut Parts<'t, Item<'t>>) {
    expand_parameters(&function.parameters, parts);
    parts.text(" { ");
    parts.node(Item::Statements(&function.body, "; "));
    parts.text(" }");
}

fn expand_parameters<'t>(parameters: &'t [Parameter<'t>], parts: &mut Parts<'t, Item<'t>>) {
    parts.text("(");
    for (at, parameter) in parameters.iter().enumerate() {
        if at > 0 {
            parts.text(", ");
        }
        parts.text(name(&parameter.name));
        match parameter.type_name {
            "" if parameter.tabular => parts.text(":(*)"),
            "" => {}
            given => parts.text(format!(":{given}")),
        }
        if let Some(default) = &parameter.default {
            parts.text(" = ");
            parts.node(Item::Expr(default, Level::Or));
        }
    }
    parts.text(")");
}

/// The text of an expression, whose place is with the parentheses around it; what the tree does not hold begins with none.
fn without_parentheses(text: &str) -> &str {
    let mut text = text;
    while let Some(inner) = text.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')) {
        text = inner.trim();
    }
    text
}

/// Whether the tree holds all that an expression's own text says; its parts are asked by themselves.
fn is_whole(expr: &Expr<'_>, text: &str) -> bool {
    match &expr.kind {
        ExprKind::Range(_)
        | ExprKind::Datatable { .. }
        | ExprKind::ExternalData { .. }
        | ExprKind::Search(_)
        | ExprKind::Broken(_) => false,
        // The type of a null, and of a number in parentheses.
        ExprKind::Literal(literal) => {
            literal.kind != LiteralKind::Null && !(text.ends_with(')') && literal.kind != LiteralKind::String)
        }
        ExprKind::Union(_) => !operator::has_settings(text),
        // A database or cluster before the function.
        ExprKind::Call(name, _) => text.starts_with(&**name),
        _ => true,
    }
}

fn expand_expr<'t>(expr: &'t Expr<'t>, parts: &mut Parts<'t, Item<'t>>) {
    let own = level(expr);
    match &expr.kind {
        ExprKind::Name(text) => parts.text(if text.contains('*') { pattern(text) } else { name(text) }),
        ExprKind::Literal(literal) => parts.text(write_literal(literal)),
        ExprKind::Dynamic(json) => {
            parts.text("dynamic(");
            parts.node(Item::Json(json));
            parts.text(")");
        }
        ExprKind::Member(base, member) => {
            parts.node(Item::Expr(base, Level::Postfix));
            parts.text(".");
            parts.text(name(member));
        }
        ExprKind::Index(base, index) => {
            parts.node(Item::Expr(base, Level::Postfix));
            parts.text("[");
            parts.node(Item::Expr(index, Level::Or));
            parts.text("]");
        }
        ExprKind::Call(function, arguments) => {
            parts.text(format!("{function}("));
            // A union would take the arguments behind it for its tables.
            let least = if arguments.len() == 1 { Level::Pipe } else { Level::Or };
            parts.list(arguments.iter().map(|argument| Item::Argument(argument, least)), ", ");
            parts.text(")");
        }
        ExprKind::And(items) => parts.list(items.iter().map(|item| Item::Expr(item, Level::Equality)), " and "),
        ExprKind::Or(items) => parts.list(items.iter().map(|item| Item::Expr(item, Level::And)), " or "),
        ExprKind::Negative(inner) => {
            parts.text("-");
            parts.node(Item::Expr(inner, Level::Unary));
        }
        ExprKind::Compare(comparison, left, right) => {
            parts.node(Item::Expr(left, own));
            parts.text(format!(" {} ", words::operator(*comparison)));
            parts.node(Item::Expr(right, tighter(own)));
        }
        ExprKind::CompareList(comparison, value, list) => {
            parts.node(Item::Expr(value, Level::Equality));
            parts.text(format!(" {} (", words::operator(*comparison)));
            let least = if list.len() == 1 { Level::Pipe } else { Level::Or };
            parts.list(list.iter().map(|item| Item::Expr(item, least)), ", ");
            parts.text(")");
        }
        ExprKind::Between { value, low, high, negated } => {
            parts.node(Item::Expr(value, Level::Equality));
            parts.text(if *negated { " !between (" } else { " between (" });
            parts.node(Item::Expr(low, Level::Or));
            parts.text(" .. ");
            parts.node(Item::Expr(high, Level::Or));
            parts.text(")");
        }
        ExprKind::Arithmetic(sign, left, right) => {
            parts.node(Item::Expr(left, own));
            parts.text(format!(" {sign} "));
            parts.node(Item::Expr(right, tighter(own)));
        }
        ExprKind::Star => parts.text("*"),
        ExprKind::Pipeline(pipeline) => {
            parts.node(Item::Expr(&pipeline.source, Level::Source));
            for stage in &pipeline.stages {
                parts.text("\n| ");
                parts.node(Item::Stage(stage));
            }
        }
        ExprKind::Union(legs) => {
            parts.text("union ");
            parts.list(legs.iter().map(Item::Leg), ", ");
        }
        ExprKind::Search(search) => expand_search(search, parts),
        ExprKind::Print(values) => {
            parts.text("print ");
            parts.list(values.iter().map(Item::Named), ", ");
        }
        ExprKind::Range(column) => parts.text(format!("range {} from 0 to 0 step 1", name(column))),
        ExprKind::Datatable { columns, cells } => {
            parts.text(format!("datatable({}) [", words::schema(columns)));
            parts.list(cells.iter().map(|cell| Item::Expr(cell, Level::Or)), ", ");
            parts.text("]");
        }
        ExprKind::ExternalData { columns, addresses } => {
            parts.text(format!("externaldata({}) [", words::schema(columns)));
            parts.list(addresses.iter().map(|address| Item::Expr(address, Level::Or)), ", ");
            parts.text("]");
        }
        ExprKind::Broken(_) => {}
    }
}

fn expand_search<'t>(search: &'t Search<'t>, parts: &mut Parts<'t, Item<'t>>) {
    parts.text("search ");
    if search.case_sensitive {
        parts.text("kind=case_sensitive ");
    }
    if !search.tables.is_empty() {
        parts.text("in (");
        parts.list(search.tables.iter().map(Item::Leg), ", ");
        parts.text(") ");
    }
    if let Some(condition) = &search.condition {
        parts.node(Item::Expr(condition, Level::Or));
    }
}

fn level(expr: &Expr<'_>) -> Level {
    match &expr.kind {
        ExprKind::Pipeline(_) => Level::Pipe,
        ExprKind::Union(_) | ExprKind::Search(_) | ExprKind::Print(_) | ExprKind::Range(_) => Level::Source,
        ExprKind::Or(_) => Level::Or,
        ExprKind::And(_) => Level::And,
        ExprKind::CompareList(..) | ExprKind::Between { .. } => Level::Equality,
        ExprKind::Compare(comparison, ..) => match comparison.operator {
            Relation::Equal => Level::Equality,
            Relation::Less | Relation::LessEqual | Relation::Greater | Relation::GreaterEqual => Level::Relational,
            _ => Level::Text,
        },
        ExprKind::Arithmetic('+' | '-', ..) => Level::Additive,
        ExprKind::Arithmetic(..) => Level::Multiplicative,
        ExprKind::Negative(_) => Level::Unary,
        _ => Level::Postfix,
    }
}

/// What binds tighter than an operator, on its right side.
fn tighter(level: Level) -> Level {
    match level {
        Level::Equality => Level::Relational,
        Level::Relational => Level::Additive,
        Level::Additive => Level::Multiplicative,
        Level::Multiplicative => Level::Text,
        _ => Level::Unary,
    }
}

fn write_literal(literal: &Literal<'_>) -> String {
    let text = &literal.text;
    match literal.kind {
        LiteralKind::String => quote(text),
        LiteralKind::Number if text.starts_with('-') => format!("real({text})"),
        LiteralKind::Number | LiteralKind::Bool => text.to_string(),
        LiteralKind::Timespan if words::is_timespan(text) => text.to_string(),
        LiteralKind::Timespan => format!("time({text})"),
        LiteralKind::Datetime => format!("datetime({text})"),
        LiteralKind::Guid => format!("guid({text})"),
        LiteralKind::Null if text == "null" => "int(null)".to_owned(),
        LiteralKind::Null => format!("datetime({text})"),
    }
}

fn expand_json<'t>(json: &'t Json<'t>, parts: &mut Parts<'t, Item<'t>>) {
    match json {
        Json::Scalar(literal) => parts.text(match literal.kind {
            LiteralKind::Null if literal.text == "null" => "null".to_owned(),
            LiteralKind::Number => literal.text.to_string(),
            _ => write_literal(literal),
        }),
        Json::Array(items) => {
            parts.text("[");
            parts.list(items.iter().map(Item::Json), ", ");
            parts.text("]");
        }
        Json::Bag(entries) => {
            parts.text("{");
            for (at, (key, value)) in entries.iter().enumerate() {
                parts.text(format!("{}{}: ", if at > 0 { ", " } else { "" }, quote(key)));
                parts.node(Item::Json(value));
            }
            parts.text("}");
        }
    }
}
