//! Trees to text: reading the text gives the same tree.

use std::fmt;

use ruleatlas_syntax::{Parts, print, quote};

use crate::{
    ast::{Command, Constant, Definition, Expr, Kind, Link, Query, Source, Stage},
    lexer::{KEYWORDS, is_name_body},
};

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for setting in &self.settings {
            writeln!(f, "{setting};")?;
        }
        print(f, Item::Stages(&self.stages, "\n| "), expand)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(f, Item::Stages(std::slice::from_ref(self), ""), expand)
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(f, Item::Expr(self, Level::Or), expand)
    }
}

/// How tightly an expression binds, from loose to tight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Or,
    And,
    Not,
    Comparison,
    Sum,
    Product,
    Signed,
    Cast,
    Primary,
}

#[derive(Clone, Copy)]
enum Item<'a> {
    /// Stages, and what stands between two of them.
    Stages(&'a [Stage], &'static str),
    Command(&'a Command),
    Definition(&'a Definition),
    /// An expression, in parentheses where it binds looser than this.
    Expr(&'a Expr, Level),
}

fn expand<'a>(item: Item<'a>, parts: &mut Parts<'a, Item<'a>>) {
    match item {
        Item::Stages(stages, between) => parts.list(stages.iter().map(|stage| Item::Command(&stage.command)), between),
        Item::Command(command) => expand_command(command, parts),
        Item::Definition(definition) => {
            if let Some(name) = &definition.name {
                parts.text(write_name(name));
                parts.text(" = ");
            }
            parts.node(Item::Expr(&definition.value, Level::Or));
            if let Some(filter) = &definition.filter {
                parts.text(" where ");
                parts.node(Item::Expr(filter, Level::Or));
            }
        }
        Item::Expr(expr, least) => {
            parts.parenthesized(level(&expr.kind) < least, |parts| expand_expr(&expr.kind, parts));
        }
    }
}

fn expand_command<'a>(command: &'a Command, parts: &mut Parts<'a, Item<'a>>) {
    match command {
        Command::From { source, patterns, pipelines, metadata } => {
            parts.text(match source {
                Source::From => "from ",
                Source::TimeSeries => "ts ",
                Source::Metrics => "metrics ",
            });
            let patterns: Vec<String> = patterns.iter().map(|pattern| write_pattern(pattern)).collect();
            parts.text(patterns.join(", "));
            for (at, pipeline) in pipelines.iter().enumerate() {
                parts.text(if patterns.is_empty() && at == 0 { "(" } else { ", (" });
                parts.node(Item::Stages(pipeline, " | "));
                parts.text(")");
            }
            if !metadata.is_empty() {
                let names: Vec<String> = metadata.iter().map(|name| write_name(name)).collect();
                parts.text(format!(" metadata {}", names.join(", ")));
            }
        }
        Command::Row(definitions) => expand_definitions("row ", definitions, parts),
        Command::Eval(definitions) => expand_definitions("eval ", definitions, parts),
        Command::Where(condition) => {
            parts.text("where ");
            parts.node(Item::Expr(condition, Level::Or));
        }
        Command::Stats { aggregates, by, inline } => {
            expand_definitions(if *inline { "inline stats " } else { "stats " }, aggregates, parts);
            if !by.is_empty() {
                expand_definitions(if aggregates.is_empty() { "by " } else { " by " }, by, parts);
            }
        }
        Command::Rename(pairs) => {
            let pairs: Vec<String> =
                pairs.iter().map(|(old, new)| format!("{} as {}", write_name(old), write_name(new))).collect();
            parts.text(format!("rename {}", pairs.join(", ")));
        }
        Command::Expand(name) => parts.text(format!("mv_expand {}", write_name(name))),
        Command::Fork(branches) => {
            parts.text("fork");
            for branch in branches {
                parts.text(" (");
                parts.node(Item::Stages(branch, " | "));
                parts.text(")");
            }
        }
        Command::Other { text, .. } | Command::Broken { text, .. } => parts.text(&**text),
    }
}

fn expand_definitions<'a>(word: &'static str, definitions: &'a [Definition], parts: &mut Parts<'a, Item<'a>>) {
    parts.text(word);
    parts.list(definitions.iter().map(Item::Definition), ", ");
}

fn expand_expr<'a>(kind: &'a Kind, parts: &mut Parts<'a, Item<'a>>) {
    let list = |links: &'a [Link], least: Level| links.iter().map(move |link| Item::Expr(link, least));
    match kind {
        Kind::Name(name) => parts.text(if &**name == "*" { "*".to_owned() } else { write_name(name) }),
        Kind::Constant(constant) => match constant {
            Constant::Text(text) => parts.text(quote(text)),
            Constant::Number(text) | Constant::Duration(text) | Constant::Parameter(text) => parts.text(&**text),
            Constant::Boolean(value) => parts.text(if *value { "true" } else { "false" }),
            Constant::Null => parts.text("null"),
        },
        Kind::List(items) => {
            parts.text("[");
            parts.list(list(items, Level::Or), ", ");
            parts.text("]");
        }
        Kind::Call { name, arguments } => match (operator(name, arguments), arguments.as_slice()) {
            (Some((own, right)), [first, second]) => {
                let left = if own == Level::Comparison { Level::Sum } else { own };
                parts.node(Item::Expr(first, left));
                parts.text(if own == Level::Comparison { " : ".to_owned() } else { format!(" {name} ") });
                parts.node(Item::Expr(second, right));
            }
            (Some((own, _)), [only]) => {
                parts.text(&**name);
                parts.node(Item::Expr(only, own));
            }
            _ => {
                parts.text(&**name);
                parts.text("(");
                parts.list(list(arguments, Level::Or), ", ");
                parts.text(")");
            }
        },
        Kind::Options { text, .. } | Kind::Broken { text, .. } => parts.text(&**text),
        Kind::By { value, key } => {
            parts.node(Item::Expr(value, Level::Or));
            parts.text(" by ");
            parts.node(Item::Expr(key, Level::Or));
        }
        Kind::Cast { operand, to } => {
            parts.node(Item::Expr(operand, Level::Cast));
            parts.text("::");
            parts.text(&**to);
        }
        Kind::Not(inner) => {
            parts.text("not ");
            parts.node(Item::Expr(inner, Level::Not));
        }
        Kind::All(children) => parts.list(list(children, Level::Not), " and "),
        Kind::Any(children) => parts.list(list(children, Level::And), " or "),
        Kind::Compare { op, left, right } => {
            parts.node(Item::Expr(left, Level::Sum));
            parts.text(format!(" {} ", op.as_str()));
            parts.node(Item::Expr(right, Level::Sum));
        }
        Kind::In { subject, list: items, negated } => {
            parts.node(Item::Expr(subject, Level::Sum));
            parts.text(if *negated { " not in (" } else { " in (" });
            parts.list(list(items, Level::Or), ", ");
            parts.text(")");
        }
        Kind::InQuery { subject, query, negated } => {
            parts.node(Item::Expr(subject, Level::Sum));
            parts.text(if *negated { " not in (" } else { " in (" });
            parts.node(Item::Stages(query, " | "));
            parts.text(")");
        }
        Kind::Like { subject, patterns, regex, negated } => {
            parts.node(Item::Expr(subject, Level::Sum));
            let (not, word) = (if *negated { " not" } else { "" }, if *regex { "rlike" } else { "like" });
            parts.text(format!("{not} {word} "));
            match patterns.as_slice() {
                [pattern] if level(&pattern.kind) == Level::Primary => {
                    parts.node(Item::Expr(pattern, Level::Primary));
                }
                patterns => {
                    parts.text("(");
                    parts.list(list(patterns, Level::Or), ", ");
                    parts.text(")");
                }
            }
        }
        Kind::IsNull { subject, negated } => {
            parts.node(Item::Expr(subject, Level::Sum));
            parts.text(if *negated { " is not null" } else { " is null" });
        }
        Kind::Missing => {}
    }
}

/// For a call that is written with an operator: how tightly that binds, which its left or only operand must do too, and
/// how tightly the right one must.
fn operator(name: &str, arguments: &[Link]) -> Option<(Level, Level)> {
    match (name, arguments) {
        ("match", [_, right]) if !matches!(right.kind, Kind::Options { .. } | Kind::By { .. }) => {
            Some((Level::Comparison, Level::Sum))
        }
        ("+" | "-", [_, _]) => Some((Level::Sum, Level::Product)),
        ("*" | "/" | "%", [_, _]) => Some((Level::Product, Level::Signed)),
        ("-", [_]) => Some((Level::Signed, Level::Signed)),
        _ => None,
    }
}

fn level(kind: &Kind) -> Level {
    match kind {
        Kind::Any(_) => Level::Or,
        Kind::All(_) => Level::And,
        Kind::Not(_) => Level::Not,
        Kind::Compare { .. } | Kind::In { .. } | Kind::InQuery { .. } | Kind::Like { .. } | Kind::IsNull { .. } => {
            Level::Comparison
        }
        Kind::Call { name, arguments } => operator(name, arguments).map_or(Level::Primary, |(own, _)| own),
        Kind::Constant(Constant::Number(number)) if number.starts_with('-') => Level::Signed,
        Kind::Cast { .. } => Level::Cast,
        _ => Level::Primary,
    }
}

/// Words that are no names where an expression may stand.
const RESERVED: &[&str] = &["is", "rlike", "stats"];

fn write_name(name: &str) -> String {
    let is_single = !name.contains('.');
    let mut text = String::with_capacity(name.len());
    for (at, part) in name.split('.').enumerate() {
        if at > 0 {
            text.push('.');
        }
        let begins = |first: char| first.is_alphabetic() || matches!(first, '@' | '_') || at > 0 && is_name_body(first);
        let is_plain = part.starts_with(begins)
            && part.trim_start_matches('@').chars().all(is_name_body)
            && !part.ends_with('@')
            && !(is_single && KEYWORDS.iter().chain(RESERVED).any(|word| word.eq_ignore_ascii_case(part)));
        if is_plain {
            text.push_str(part);
        } else {
            text.push('`');
            text.push_str(&part.replace('`', "``"));
            text.push('`');
        }
    }
    text
}

fn write_pattern(pattern: &str) -> String {
    let is_plain = !pattern.is_empty()
        && !pattern.starts_with('/')
        && !pattern.eq_ignore_ascii_case("metadata")
        && !pattern.contains(|c: char| c.is_whitespace() || matches!(c, '|' | '(' | ')' | '[' | ']' | ',' | '"'));
    if is_plain { pattern.to_owned() } else { quote(pattern) }
}
