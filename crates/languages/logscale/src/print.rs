//! Trees to text: reading the text gives the same tree.

use std::fmt;

use ruleatlas_syntax::{Parts, print, quote};

use crate::{
    ast::{
        Argument, Call, CompareOp, Expr, ExprKind, Filter, FilterKind, Op, Parameter, Pattern, PatternKind, Pipeline,
        Step, StepKind,
    },
    scan::{KEYWORDS, Scanner},
};

impl fmt::Display for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(f, Item::Pipeline(self, "\n| "), expand)
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(f, Item::Filter(self, Around::Nothing), expand)
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(f, Item::Expr(self, Level::Or), expand)
    }
}

/// What stands around a filter.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Around {
    Nothing,
    Chain,
    /// `not`, or the arrow of an arm.
    Single,
}

/// How tightly a value binds, from loose to tight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Or,
    And,
    Comparison,
    Sum,
    Product,
    Signed,
    Operand,
}

#[derive(Clone, Copy)]
enum Item<'a> {
    /// Steps, and what stands between two of them.
    Pipeline(&'a Pipeline, &'static str),
    Step(&'a Step),
    Filter(&'a Filter, Around),
    Call(&'a Call),
    Argument(&'a Argument),
    /// A value, in parentheses where it binds looser than this.
    Expr(&'a Expr, Level),
}

fn expand<'a>(item: Item<'a>, parts: &mut Parts<'a, Item<'a>>) {
    match item {
        Item::Pipeline(pipeline, between) => parts.list(pipeline.steps.iter().map(Item::Step), between),
        Item::Step(step) => expand_step(&step.kind, parts),
        Item::Filter(filter, around) => expand_filter(&filter.kind, around, parts),
        Item::Call(call) => {
            parts.text(format!("{}(", call.name));
            parts.list(call.arguments.iter().map(Item::Argument), ", ");
            parts.text(")");
        }
        Item::Argument(argument) => {
            if !argument.name.is_empty() {
                parts.text(format!("{}=", argument.name));
            }
            parts.node(Item::Expr(&argument.value, Level::Or));
        }
        Item::Expr(expr, least) => {
            parts.parenthesized(level(&expr.kind) < least, |parts| expand_expr(&expr.kind, parts));
        }
    }
}

fn expand_step<'a>(kind: &'a StepKind, parts: &mut Parts<'a, Item<'a>>) {
    match kind {
        StepKind::Filter(filter) => parts.node(Item::Filter(filter, Around::Nothing)),
        StepKind::Assign(field, value) => {
            parts.text(format!("{} := ", write_field(field)));
            parts.node(Item::Expr(value, Level::Or));
        }
        StepKind::Case(clauses) => {
            parts.text("case { ");
            parts.list(clauses.iter().map(|clause| Item::Pipeline(clause, " | ")), "; ");
            parts.text(" }");
        }
        StepKind::Match { field, arms } => {
            parts.text(format!("{} match {{ ", write_field(field)));
            for (at, (guard, steps)) in arms.iter().enumerate() {
                if at > 0 {
                    parts.text("; ");
                }
                parts.node(Item::Filter(guard, Around::Single));
                parts.text(" => ");
                parts.node(Item::Pipeline(steps, " | "));
            }
            parts.text(" }");
        }
        StepKind::Stats(items) => list(items, parts),
        StepKind::Group(inner) => {
            parts.text("{ ");
            parts.node(Item::Pipeline(inner, " | "));
            parts.text(" }");
        }
        StepKind::Broken(text) => parts.text(&**text),
    }
}

fn expand_filter<'a>(kind: &'a FilterKind, around: Around, parts: &mut Parts<'a, Item<'a>>) {
    // `or` binds closer than `and`; the parentheses around it are for the reader.
    let is_grouped = match kind {
        FilterKind::And(_) | FilterKind::Or(_) => around != Around::Nothing,
        FilterKind::Not(_) => around == Around::Single,
        _ => false,
    };
    if is_grouped {
        parts.text("(");
    }
    match kind {
        FilterKind::And(items) => parts.list(items.iter().map(|item| Item::Filter(item, Around::Chain)), " and "),
        FilterKind::Or(items) => parts.list(items.iter().map(|item| Item::Filter(item, Around::Chain)), " or "),
        FilterKind::Not(inner) => {
            parts.text("not ");
            parts.node(Item::Filter(inner, Around::Single));
        }
        FilterKind::Compare { field, op, value } => {
            let sign = match op {
                CompareOp::Equal => "=",
                CompareOp::NotEqual => "!=",
                CompareOp::Less => "<",
                CompareOp::LessEqual => "<=",
                CompareOp::Greater => ">",
                CompareOp::GreaterEqual => ">=",
                CompareOp::Like => " like ",
            };
            parts.text(format!("{}{sign}{}", write_field(field), write_pattern(value)));
        }
        FilterKind::Free(pattern) => parts.text(write_pattern(pattern)),
        FilterKind::Call(call) | FilterKind::Saved(call) => parts.node(Item::Call(call)),
        FilterKind::Apply(field, call) => {
            parts.text(format!("{} =~ ", write_field(field)));
            parts.node(Item::Call(call));
        }
        FilterKind::Link(left, right) => parts.text(format!("{} <=> {}", write_field(left), write_field(right))),
        FilterKind::Bool(value) => parts.text(if *value { "true" } else { "false" }),
        FilterKind::Broken(text) => parts.text(&**text),
    }
    if is_grouped {
        parts.text(")");
    }
}

fn list<'a>(items: &'a [Expr], parts: &mut Parts<'a, Item<'a>>) {
    parts.text("[");
    parts.list(items.iter().map(|item| Item::Expr(item, Level::Or)), ", ");
    parts.text("]");
}

fn expand_expr<'a>(kind: &'a ExprKind, parts: &mut Parts<'a, Item<'a>>) {
    match kind {
        ExprKind::Word(word) | ExprKind::Number(word) | ExprKind::Broken(word) => parts.text(&**word),
        ExprKind::Text(text) => parts.text(quote(text)),
        ExprKind::Regex(regex, flags) => parts.text(write_regex(regex, flags)),
        ExprKind::Parameter(parameter) => parts.text(write_parameter(parameter)),
        ExprKind::List(items) => list(items, parts),
        ExprKind::Pipeline(pipeline) => {
            parts.text("{ ");
            parts.node(Item::Pipeline(pipeline, " | "));
            parts.text(" }");
        }
        ExprKind::Call(call) => parts.node(Item::Call(call)),
        ExprKind::Chain(first, rest) => {
            let tighter = match level(kind) {
                Level::Or => Level::And,
                Level::And => Level::Comparison,
                Level::Comparison => Level::Sum,
                Level::Sum => Level::Product,
                _ => Level::Signed,
            };
            parts.node(Item::Expr(first, tighter));
            for (op, value) in rest {
                parts.text(format!(" {} ", sign(*op)));
                parts.node(Item::Expr(value, tighter));
            }
        }
        ExprKind::Negative(inner) => {
            parts.text("-");
            parts.node(Item::Expr(inner, Level::Signed));
        }
        ExprKind::Not(inner) => {
            parts.text("!");
            parts.node(Item::Expr(inner, Level::Signed));
        }
    }
}

fn level(kind: &ExprKind) -> Level {
    match kind {
        ExprKind::Chain(_, rest) => match rest.first().map(|(op, _)| *op) {
            Some(Op::Or) => Level::Or,
            Some(Op::And) => Level::And,
            Some(Op::Add | Op::Subtract) => Level::Sum,
            Some(Op::Multiply | Op::Divide | Op::Remainder) => Level::Product,
            _ => Level::Comparison,
        },
        ExprKind::Negative(_) | ExprKind::Not(_) => Level::Signed,
        ExprKind::Number(number) if number.starts_with('-') => Level::Signed,
        _ => Level::Operand,
    }
}

fn sign(op: Op) -> &'static str {
    match op {
        Op::Or => "or",
        Op::And => "and",
        Op::Equal => "==",
        Op::NotEqual => "!=",
        Op::Less => "<",
        Op::LessEqual => "<=",
        Op::Greater => ">",
        Op::GreaterEqual => ">=",
        Op::Like => "like",
        Op::Add => "+",
        Op::Subtract => "-",
        Op::Multiply => "*",
        Op::Divide => "/",
        Op::Remainder => "%",
    }
}

/// Whether a word of a filter needs no quotes.
fn is_bare(text: &str) -> bool {
    let mut scanner = Scanner { text, at: 0 };
    scanner.bare().len() == text.len()
        && !text.is_empty()
        && !text.starts_with(['$', '?', '/'])
        && !text.ends_with(':')
        && !KEYWORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
}

fn write_field(name: &str) -> String {
    if is_bare(name) { name.to_owned() } else { quote(name) }
}

fn write_pattern(pattern: &Pattern) -> String {
    match &pattern.kind {
        PatternKind::Text(text) if is_bare(text) && !text.contains(['\\', '[', '/', ':']) => text.clone(),
        PatternKind::Text(text) => quote(text),
        PatternKind::Regex(regex, flags) => write_regex(regex, flags),
        PatternKind::Parameter(parameter) => write_parameter(parameter),
    }
}

fn write_parameter(parameter: &Parameter) -> String {
    if let Some(default) = &parameter.default {
        return format!("?{{{}={default}}}", write_field(&parameter.name));
    }
    let mut scanner = Scanner { text: &parameter.name, at: 0 };
    if scanner.name().len() == parameter.name.len() && !parameter.name.is_empty() {
        return format!("?{}", parameter.name);
    }
    format!("?{}", quote(&parameter.name))
}

fn write_regex(regex: &str, flags: &str) -> String {
    let mut text = String::from("/");
    let mut rest = regex.chars();
    while let Some(character) = rest.next() {
        match character {
            '\\' => {
                text.push('\\');
                // A backslash cannot stand at the end: it would escape the slash.
                text.push(rest.next().unwrap_or('\\'));
            }
            '/' => text.push_str("\\/"),
            _ => text.push(character),
        }
    }
    text.push('/');
    text.push_str(flags);
    text
}
