//! Trees to text: reading the text gives the same tree.

use std::fmt;

use ruleatlas_syntax::{Parts, Piece, print};

use crate::{
    ast::{Aggregate, Command, Expr, ExprKind, Pipeline, Search, SearchValue, Segment},
    commands::is_generating,
};

impl fmt::Display for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(f, Item::Pipeline(self, false), expand)
    }
}

impl fmt::Display for Search {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(f, Item::Search(self, Around::Nothing), expand)
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(f, Item::Expr(self, 0), expand)
    }
}

/// What stands around a condition of `search`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Around {
    Nothing,
    All,
    Any,
    Not,
}

#[derive(Clone, Copy)]
enum Item<'a> {
    /// Commands, and whether they are a sub-search.
    Pipeline(&'a Pipeline, bool),
    Command(&'a Command),
    Search(&'a Search, Around),
    /// An expression, in parentheses where it binds looser than this.
    Expr(&'a Expr, u8),
}

fn expand<'a>(item: Item<'a>, parts: &mut Parts<'a, Item<'a>>) {
    match item {
        Item::Pipeline(pipeline, is_sub) => {
            for (at, segment) in pipeline.segments.iter().enumerate() {
                let begins = begin(segment, is_sub);
                parts.text(match (at, begins) {
                    (0, Begin::Implied) => "",
                    (0, Begin::Word) => "search ",
                    (0, Begin::Pipe) => "| ",
                    (_, Begin::Pipe) if is_sub => " | ",
                    (_, Begin::Pipe) => "\n| ",
                    (_, _) if is_sub => " | search ",
                    (_, _) => "\n| search ",
                });
                match &segment.text {
                    Some(text) => parts.text(&**text),
                    None => parts.node(Item::Command(&segment.command)),
                }
            }
        }
        Item::Command(command) => expand_command(command, parts),
        Item::Search(search, around) => expand_search(search, around, parts),
        Item::Expr(expr, least) => {
            let is_grouped = level(&expr.kind) < least;
            if is_grouped {
                parts.text("(");
            }
            expand_expr(&expr.kind, parts);
            if is_grouped {
                parts.text(")");
            }
        }
    }
}

/// How a command begins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Begin {
    /// A search whose word is left out.
    Implied,
    /// A search with its word.
    Word,
    /// Any other command, behind a pipe.
    Pipe,
}

fn begin(segment: &Segment, is_sub: bool) -> Begin {
    let Command::Search(search) = &segment.command else { return Begin::Pipe };
    if segment.text.is_some() {
        return Begin::Pipe;
    }
    if is_sub || begins_with_command(search) { Begin::Word } else { Begin::Implied }
}

/// Whether the first word of a condition would be taken for a command.
fn begins_with_command(search: &Search) -> bool {
    let mut search = search;
    loop {
        search = match search {
            Search::And(children) | Search::Or(children) => match children.first() {
                Some(first) => first,
                None => return true,
            },
            Search::Term { value } => {
                return value.directive.is_none() && is_generating(&value.text().to_ascii_lowercase());
            }
            Search::Opaque { text, .. } => return is_generating(first_word(text)),
            _ => return false,
        };
    }
}

fn first_word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

fn expand_command<'a>(command: &'a Command, parts: &mut Parts<'a, Item<'a>>) {
    match command {
        Command::Search(search) => parts.node(Item::Search(search, Around::Nothing)),
        Command::Where(expr) => {
            parts.text("where ");
            parts.node(Item::Expr(expr, 0));
        }
        Command::Regex { field, negated, pattern, .. } => {
            let operator = if *negated { "!=" } else { "=" };
            parts.text(format!("regex {}{operator}{}", name(field), quote_pattern(pattern)));
        }
        Command::Eval(assignments) => {
            parts.text("eval ");
            for (at, (name, expr)) in assignments.iter().enumerate() {
                if at > 0 {
                    parts.text(", ");
                }
                parts.text(format!("{} = ", field(name)));
                parts.node(Item::Expr(expr, 0));
            }
        }
        Command::Rename(pairs) => {
            let pairs: Vec<String> = pairs.iter().map(|(old, new)| format!("{} as {}", name(old), name(new))).collect();
            parts.text(format!("rename {}", pairs.join(", ")));
        }
        Command::Aggregate(aggregate) => parts.text(write_aggregate(aggregate)),
        Command::Fields(names) => {
            let names: Vec<String> = names.iter().map(|field| name(field)).collect();
            parts.text(format!("fields {}", names.join(", ")));
        }
        Command::Expand(field) => parts.text(format!("mvexpand {}", name(field))),
        Command::Opaque { text, .. } => parts.text(&**text),
        // Of these only the text says what they do.
        _ => parts.text("noop"),
    }
}

fn write_aggregate(aggregate: &Aggregate) -> String {
    let output = |output: &crate::ast::Output| {
        if output.name == output.text {
            output.text.clone()
        } else {
            format!("{} as {}", output.text, name(&output.name))
        }
    };
    let outputs: Vec<String> = aggregate.outputs.iter().map(output).collect();
    let mut text = format!("{} {}", if aggregate.keeps { "eventstats" } else { "stats" }, outputs.join(", "));
    if !aggregate.by.is_empty() {
        let by: Vec<String> = aggregate.by.iter().map(|field| name(field)).collect();
        text.push_str(&format!(" by {}", by.join(", ")));
    }
    text
}

fn expand_search<'a>(search: &'a Search, around: Around, parts: &mut Parts<'a, Item<'a>>) {
    let mut grouped = |needed: bool, children: &'a [Search], inside: Around, between: &'static str| {
        if needed {
            parts.text("(");
        }
        parts.list(children.iter().map(|child| Item::Search(child, inside)), between);
        if needed {
            parts.text(")");
        }
    };
    match search {
        Search::And(children) => grouped(around != Around::Nothing, children, Around::All, " "),
        // It binds tighter than the blank of `AND`; the parentheses are for the reader.
        Search::Or(children) => grouped(around != Around::Nothing, children, Around::Any, " OR "),
        Search::Not(inner) => {
            if around == Around::Not {
                parts.text("(");
            }
            parts.text("NOT ");
            parts.node(Item::Search(inner, Around::Not));
            if around == Around::Not {
                parts.text(")");
            }
        }
        Search::Compare { field, op, values, .. } => match values.as_slice() {
            [value] => parts.text(format!("{}{}{}", name(field), op.symbol(), write_value(value))),
            values => {
                let values: Vec<String> = values.iter().map(write_value).collect();
                parts.text(format!("{} IN ({})", name(field), values.join(", ")));
            }
        },
        Search::Term { value } => parts.text(write_value(value)),
        Search::Sub(pipeline) => {
            parts.text("[");
            parts.node(Item::Pipeline(pipeline, true));
            parts.text("]");
        }
        Search::Opaque { text, .. } => parts.text(&**text),
    }
}

fn expand_expr<'a>(kind: &'a ExprKind, parts: &mut Parts<'a, Item<'a>>) {
    let mut binary = |left: &'a Expr, own: u8, operator: &str, right: &'a Expr| {
        parts.node(Item::Expr(left, own));
        parts.text(format!(" {operator} "));
        parts.node(Item::Expr(right, own + 1));
    };
    match kind {
        ExprKind::Compare(op, left, right) => binary(left, COMPARISON, op.symbol(), right),
        ExprKind::Xor(left, right) => binary(left, XOR, "XOR", right),
        ExprKind::Binary(sign, left, right) => binary(left, level(kind), sign, right),
        ExprKind::Text(text) => parts.text(quote(text)),
        ExprKind::Number(number) => parts.text(&**number),
        ExprKind::Field(name) => parts.text(field(name)),
        ExprKind::Call(name, arguments) => {
            parts.text(format!("{name}("));
            parts.list(arguments.iter().map(|argument| Item::Expr(argument, 0)), ", ");
            parts.text(")");
        }
        ExprKind::In(value, list) => {
            parts.node(Item::Expr(value, COMPARISON));
            parts.text(" IN (");
            parts.list(list.iter().map(|item| Item::Expr(item, 0)), ", ");
            parts.text(")");
        }
        // A chain in parentheses is no part of the chain around it, but at its beginning.
        ExprKind::And(items) => parts.list(items.iter().map(|item| Item::Expr(item, AND + 1)), " AND "),
        ExprKind::Or(items) => parts.list(items.iter().map(|item| Item::Expr(item, OR + 1)), " OR "),
        ExprKind::Not(inner) => {
            parts.text("NOT ");
            parts.node(Item::Expr(inner, NOT));
        }
        ExprKind::Minus(inner) => {
            parts.text("-");
            parts.node(Item::Expr(inner, PRIMARY));
        }
        ExprKind::Search { text, .. } => parts.text(format!("searchmatch({})", quote(text))),
        ExprKind::Sub(pipeline) => {
            parts.text("[");
            parts.node(Item::Pipeline(pipeline, true));
            parts.text("]");
        }
        ExprKind::Opaque { text, .. } => parts.text(&**text),
    }
}

// How tightly operators bind, as `eval` has it.
const XOR: u8 = 1;
const OR: u8 = 2;
const AND: u8 = 3;
const NOT: u8 = 4;
const COMPARISON: u8 = 5;
const SUM: u8 = 6;
const PRODUCT: u8 = 7;
const SIGNED: u8 = 8;
const PRIMARY: u8 = 9;

fn level(kind: &ExprKind) -> u8 {
    match kind {
        ExprKind::Xor(..) => XOR,
        ExprKind::Or(_) => OR,
        ExprKind::And(_) => AND,
        ExprKind::Not(_) => NOT,
        ExprKind::Compare(..) | ExprKind::In(..) => COMPARISON,
        ExprKind::Binary("*" | "/" | "%", ..) => PRODUCT,
        ExprKind::Binary(..) => SUM,
        ExprKind::Minus(_) => SIGNED,
        ExprKind::Number(number) if number.starts_with('-') => SIGNED,
        _ => PRIMARY,
    }
}

/// Words that are no plain values or names of `search` and of commands' arguments.
const SEARCH_WORDS: &[&str] = &["AND", "OR", "NOT", "IN", "TERM", "CASE", "PREFIX", "AS", "BY"];

/// Words that are no names in an expression.
const EVAL_WORDS: &[&str] = &["AND", "OR", "NOT", "XOR", "LIKE", "IN"];

fn is_in(words: &[&str], text: &str) -> bool {
    words.iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// A name in `search` and in commands' arguments.
fn name(text: &str) -> String {
    let is_part =
        |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '.' | '*' | '{' | '}');
    let is_plain = !text.is_empty() && text.chars().all(is_part) && !is_in(SEARCH_WORDS, text);
    if is_plain { text.to_owned() } else { quote(text) }
}

/// A name in an expression.
fn field(text: &str) -> String {
    let is_part =
        |character: char| character.is_alphanumeric() || matches!(character, '_' | '{' | '}' | '$' | '@' | ':' | '#');
    let is_template = text.len() > 4 && text.starts_with("<<") && text.ends_with(">>");
    let is_plain = text.split('.').all(|part| !part.is_empty() && part.chars().all(is_part))
        && !text.starts_with(|first: char| first.is_ascii_digit())
        && !is_in(EVAL_WORDS, text);
    if is_plain || is_template { text.to_owned() } else { format!("'{}'", text.replace('\\', "\\\\")) }
}

fn write_value(value: &SearchValue) -> String {
    let mut text = String::with_capacity(value.pieces.len() + 2);
    for piece in &value.pieces {
        text.push(match piece {
            Piece::Char(character) => *character,
            Piece::Many => '*',
            Piece::One => '?',
        });
    }
    let is_part = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '.' | '*' | '-');
    let is_plain = !text.is_empty() && text.chars().all(is_part) && !is_in(SEARCH_WORDS, &text);
    let written = if is_plain { text } else { quote(&text) };
    match value.directive {
        Some(directive) => format!("{}({written})", directive.as_str()),
        None => written,
    }
}

fn quote(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('"');
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            literal.push('\\');
        }
        literal.push(character);
    }
    literal.push('"');
    literal
}

/// A regular expression, in which a backslash is doubled only where it would escape what follows.
fn quote_pattern(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('"');
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '"' => literal.push_str("\\\""),
            '\\' if matches!(rest.peek(), None | Some('\\' | '"' | '|')) => literal.push_str("\\\\"),
            _ => literal.push(character),
        }
    }
    literal.push('"');
    literal
}
