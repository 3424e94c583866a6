//! Trees to text: reading the text gives the same tree.

use std::fmt;

use ruleatlas_syntax::{Parts, print, quote};

use crate::{
    ast::{Check, Expr, Literal, Operand, Operator, Right},
    lexer::is_blank,
};

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(f, (self, Level::Or), expand)
    }
}

/// How tightly an expression binds, from loose to tight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Or,
    And,
    Not,
    Primary,
}

fn expand<'a>((expr, least): (&'a Expr, Level), parts: &mut Parts<'a, (&'a Expr, Level)>) {
    let own = match expr {
        Expr::Or(_) => Level::Or,
        Expr::And(_) => Level::And,
        Expr::Not(_) => Level::Not,
        Expr::Check(_) | Expr::Macro { .. } | Expr::Broken { .. } => Level::Primary,
    };
    parts.parenthesized(own < least, |parts| match expr {
        Expr::Or(children) => parts.list(children.iter().map(|child| (child, Level::And)), " or "),
        Expr::And(children) => parts.list(children.iter().map(|child| (child, Level::Not)), " and "),
        Expr::Not(inner) => {
            parts.text("not ");
            // Two of them would be none.
            parts.node((inner, Level::Primary));
        }
        Expr::Check(check) => parts.text(write_check(check)),
        Expr::Macro { name, .. } => parts.text(&**name),
        Expr::Broken { text, .. } => parts.text(&**text),
    });
}

fn write_check(check: &Check) -> String {
    let left = write_operand(&check.left);
    let operator = check.operator.name();
    match &check.right {
        Right::Nothing => format!("{left} {operator}"),
        Right::Value(value) => format!("{left} {operator} {}", write_literal(value)),
        Right::Field(field) => format!("{left} {operator} {}", write_operand(field)),
        Right::List(items) => {
            let items: Vec<String> = items.iter().map(write_literal).collect();
            format!("{left} {operator} ({})", items.join(", "))
        }
    }
}

fn write_operand(operand: &Operand) -> String {
    let mut text: String = operand.transformers.iter().map(|transformer| format!("{}(", transformer.name())).collect();
    match operand.field.split_once('[').and_then(|(name, rest)| Some((name, rest.strip_suffix(']')?))) {
        Some((name, argument))
            if argument.contains(|c: char| matches!(c, '[' | ']' | '"' | '\'') || c.is_whitespace()) =>
        {
            text.push_str(&format!("{name}[{}]", quote(argument)));
        }
        _ => text.push_str(&operand.field),
    }
    text.push_str(&")".repeat(operand.transformers.len()));
    text
}

/// A value as it is, or in quotes where it stood in them or has to.
fn write_literal(literal: &Literal) -> String {
    let ends = |c: char| is_blank(c) || matches!(c, '(' | ')' | '"' | '\'' | '=' | ',');
    let is_bare = !literal.quoted && !literal.text.is_empty() && !literal.text.contains(ends);
    if is_bare { literal.text.clone() } else { quote(&literal.text) }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
