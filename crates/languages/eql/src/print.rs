//! Trees to text: reading the text gives the same tree.

use std::fmt;

use ruleatlas_syntax::{Parts, print, quote_with};

use crate::ast::{Arithmetic, Event, Expr, ExprKind, Literal, Lookup, Pipe, Query, Shape, Step};

impl fmt::Display for Query<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(f, Node::Query(self), expand)
    }
}

impl fmt::Display for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(f, Node::Event(self), expand)
    }
}

impl fmt::Display for Expr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(f, Node::Expr(self, Level::Or), expand)
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
    /// Its sign is read before it.
    Signed,
    Primary,
}

#[derive(Clone, Copy)]
enum Node<'a> {
    Query(&'a Query<'a>),
    Step(&'a Step<'a>),
    Pipe(&'a Pipe<'a>),
    Event(&'a Event<'a>),
    /// An expression, in parentheses where it binds looser than this.
    Expr(&'a Expr<'a>, Level),
}

fn expand<'a>(node: Node<'a>, parts: &mut Parts<'a, Node<'a>>) {
    match node {
        Node::Query(query) => expand_query(query, parts),
        Node::Step(step) => expand_step(step, parts),
        Node::Pipe(pipe) => {
            parts.text("| ");
            parts.text(pipe.name);
            if !pipe.arguments.is_empty() {
                parts.text(" ");
                parts.list(arguments(&pipe.arguments), ", ");
            }
        }
        Node::Event(event) => {
            let is_plain = is_word(&event.category);
            parts.text(if is_plain { event.category.to_string() } else { quote(&event.category) });
            parts.text(" where ");
            parts.node(Node::Expr(&event.condition, Level::Or));
        }
        Node::Expr(expr, least) => {
            let is_grouped = level(expr) < least;
            if is_grouped {
                parts.text("(");
            }
            expand_expr(expr, parts);
            if is_grouped {
                parts.text(")");
            }
        }
    }
}

fn expand_query<'a>(query: &'a Query<'a>, parts: &mut Parts<'a, Node<'a>>) {
    let shape = match query.shape {
        Shape::Event => {
            parts.list(query.steps.iter().map(|step| Node::Event(&step.event)), " ");
            for pipe in &query.pipes {
                parts.text(" ");
                parts.node(Node::Pipe(pipe));
            }
            return;
        }
        Shape::Sequence => "sequence",
        Shape::Sample => "sample",
        Shape::Join => "join",
    };
    parts.text(shape);
    by(&query.keys, parts);
    if let Some(span) = query.maxspan {
        parts.text(" with maxspan=");
        parts.text(span);
    }
    for step in &query.steps {
        parts.text("\n");
        parts.node(Node::Step(step));
    }
    for pipe in &query.pipes {
        parts.text("\n");
        parts.node(Node::Pipe(pipe));
    }
}

fn expand_step<'a>(step: &'a Step<'a>, parts: &mut Parts<'a, Node<'a>>) {
    parts.text(if step.until { "until " } else { "  " });
    parts.text(if step.missing { "![" } else { "[" });
    parts.node(Node::Event(&step.event));
    parts.text("]");
    by(&step.keys, parts);
    if let Some(runs) = step.runs {
        parts.text(" with runs=");
        parts.text(runs);
    }
    match step.fork {
        None => {}
        Some("") => parts.text(" fork"),
        Some(value) => parts.text(format!(" fork={value}")),
    }
    if let Some(name) = step.name {
        parts.text(" as ");
        parts.text(name);
    }
}

fn by<'a>(keys: &'a [Expr<'a>], parts: &mut Parts<'a, Node<'a>>) {
    if !keys.is_empty() {
        parts.text(" by ");
        parts.list(keys.iter().map(|key| Node::Expr(key, Level::Sum)), ", ");
    }
}

fn arguments<'a>(arguments: &'a [Expr<'a>]) -> impl Iterator<Item = Node<'a>> {
    arguments.iter().map(|argument| Node::Expr(argument, Level::Or))
}

fn expand_expr<'a>(expr: &'a Expr<'a>, parts: &mut Parts<'a, Node<'a>>) {
    match &expr.kind {
        ExprKind::Literal(Literal::Text(text)) => parts.text(quote(text)),
        ExprKind::Literal(Literal::Number(number)) => parts.text(&**number),
        ExprKind::Literal(Literal::Bool(value)) => parts.text(if *value { "true" } else { "false" }),
        ExprKind::Literal(Literal::Null) => parts.text("null"),
        ExprKind::Field { path, optional } => {
            if *optional {
                parts.text("?");
            }
            parts.text(write_path(path));
        }
        ExprKind::Call { name, insensitive, arguments: given } => {
            parts.text(*name);
            parts.text(if *insensitive { "~(" } else { "(" });
            parts.list(arguments(given), ", ");
            parts.text(")");
        }
        ExprKind::Not(inner) => {
            parts.text("not ");
            parts.node(Node::Expr(inner, Level::Comparison));
        }
        ExprKind::And(children) => parts.list(children.iter().map(|child| Node::Expr(child, Level::Not)), " and "),
        ExprKind::Or(children) => parts.list(children.iter().map(|child| Node::Expr(child, Level::And)), " or "),
        ExprKind::Compare { op, left, right } => {
            parts.node(Node::Expr(left, Level::Sum));
            parts.text(format!(" {} ", op.as_str()));
            parts.node(Node::Expr(right, Level::Sum));
        }
        ExprKind::Lookup { op, insensitive, negated, subject, values } => {
            parts.node(Node::Expr(subject, Level::Sum));
            let word = match op {
                Lookup::Colon if *negated => " !: ",
                Lookup::Colon => " : ",
                Lookup::In => "in",
                Lookup::Like => "like",
                Lookup::Regex => "regex",
            };
            if *op == Lookup::Colon {
                parts.text(word);
            } else {
                let (not, tilde) = (if *negated { " not" } else { "" }, if *insensitive { "~" } else { "" });
                parts.text(format!("{not} {word}{tilde} "));
            }
            match values.as_slice() {
                // What begins with a parenthesis would be taken for a list.
                [value] if *op != Lookup::In && level(value) >= Level::Signed => {
                    parts.node(Node::Expr(value, Level::Signed));
                }
                values => {
                    parts.text("(");
                    parts.list(arguments(values), ", ");
                    parts.text(")");
                }
            }
        }
        ExprKind::Arithmetic { op, left, right } => {
            // A chain is read from the left.
            let (left_level, right_level) = match op {
                Arithmetic::Add | Arithmetic::Subtract => (Level::Sum, Level::Product),
                Arithmetic::Multiply | Arithmetic::Divide | Arithmetic::Modulo => (Level::Product, Level::Signed),
            };
            parts.node(Node::Expr(left, left_level));
            parts.text(format!(" {} ", op.as_str()));
            parts.node(Node::Expr(right, right_level));
        }
        ExprKind::Negative(inner) => {
            parts.text("-");
            parts.node(Node::Expr(inner, Level::Primary));
        }
        ExprKind::Lineage { relation, event } => {
            parts.text(*relation);
            parts.text(" of [");
            parts.node(Node::Event(event));
            parts.text("]");
        }
        ExprKind::Broken(text) => parts.text(*text),
    }
}

fn level(expr: &Expr<'_>) -> Level {
    match &expr.kind {
        ExprKind::Or(_) => Level::Or,
        ExprKind::And(_) => Level::And,
        ExprKind::Not(_) => Level::Not,
        ExprKind::Compare { .. } | ExprKind::Lookup { .. } => Level::Comparison,
        ExprKind::Arithmetic { op: Arithmetic::Add | Arithmetic::Subtract, .. } => Level::Sum,
        ExprKind::Arithmetic { .. } => Level::Product,
        ExprKind::Negative(_) => Level::Signed,
        ExprKind::Literal(Literal::Number(number)) if number.starts_with('-') => Level::Signed,
        ExprKind::Literal(_)
        | ExprKind::Field { .. }
        | ExprKind::Call { .. }
        | ExprKind::Lineage { .. }
        | ExprKind::Broken(_) => Level::Primary,
    }
}

/// Words that are no fields where one may stand.
const RESERVED: &[&str] = &[
    "and",
    "or",
    "not",
    "in",
    "like",
    "regex",
    "where",
    "by",
    "true",
    "false",
    "null",
    "child",
    "descendant",
    "event",
];

fn is_word(text: &str) -> bool {
    let is_first = |first: char| first.is_ascii_alphabetic() || matches!(first, '_' | '@' | '$');
    text.starts_with(is_first) && text.chars().all(|character| is_first(character) || character.is_ascii_digit())
}

/// A path, its parts in backticks where they are no words.
fn write_path(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    let is_single = !path.contains('.');
    for (at, part) in path.split('.').enumerate() {
        if at > 0 {
            text.push('.');
        }
        let name =
            part.find('[').and_then(|bracket| part.get(..bracket)).filter(|name| is_indexes(&part[name.len()..]));
        let name = name.unwrap_or(part);
        let is_number = at > 0 && !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
        let is_reserved = (is_single || at == 0) && RESERVED.iter().any(|word| word.eq_ignore_ascii_case(name));
        if (is_word(name) && !is_reserved) || is_number {
            text.push_str(name);
        } else {
            text.push('`');
            text.push_str(&name.replace('`', "``"));
            text.push('`');
        }
        text.push_str(&part[name.len()..]);
    }
    text
}

/// Whether the text is `[0]` or several of these.
fn is_indexes(text: &str) -> bool {
    !text.is_empty()
        && text.split_inclusive(']').all(|index| {
            let digits = index.strip_prefix('[').and_then(|index| index.strip_suffix(']'));
            digits.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
        })
}

fn quote(text: &str) -> String {
    quote_with(text, |character| character.is_control().then(|| format!("\\u{{{:02x}}}", u32::from(character))))
}
