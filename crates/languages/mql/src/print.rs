//! Trees to text: reading the text gives the same tree.

use std::fmt;

use ruleatlas_syntax::{Parts, print, quote_with};

use crate::ast::{ArithmeticOp, Count, Expr, ExprKind, PathStep};

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
    /// `in` and `is null`, before which comparisons may stand.
    Membership,
    Comparison,
    Sum,
    Product,
    Signed,
    Path,
    Primary,
}

/// An expression, in parentheses where it binds looser than the level.
type Item<'a> = (&'a Expr, Level);

fn expand<'a>((expr, least): Item<'a>, parts: &mut Parts<'a, Item<'a>>) {
    parts.parenthesized(level(&expr.kind) < least, |parts| expand_kind(&expr.kind, parts));
}

fn expand_kind<'a>(kind: &'a ExprKind, parts: &mut Parts<'a, Item<'a>>) {
    let list = |items: &'a [Expr], least: Level| items.iter().map(move |item| (item, least));
    match kind {
        ExprKind::Name(name) => parts.text(&**name),
        ExprKind::Element(dots) => parts.text(".".repeat(*dots as usize)),
        ExprKind::Path(base, steps) => {
            parts.node((base, Level::Primary));
            for (at, step) in steps.iter().enumerate() {
                match step {
                    // The dots of an element are those of its first part.
                    PathStep::Member(name) if at == 0 && matches!(base.kind, ExprKind::Element(_)) => {
                        parts.text(&**name)
                    }
                    PathStep::Member(name) => parts.text(format!(".{name}")),
                    PathStep::Index(index) => {
                        parts.text("[");
                        parts.node((index, Level::Or));
                        parts.text("]");
                    }
                }
            }
        }
        ExprKind::List(name) => parts.text(format!("${name}")),
        ExprKind::Text(text) => parts.text(quote(text)),
        ExprKind::Number(number) => parts.text(&**number),
        ExprKind::Bool(value) => parts.text(if *value { "true" } else { "false" }),
        ExprKind::Null => parts.text("null"),
        ExprKind::Array(items) => {
            parts.text("[");
            parts.list(list(items, Level::Or), ", ");
            parts.text("]");
        }
        ExprKind::Call { name, arguments } => {
            parts.text(format!("{name}("));
            parts.list(list(arguments, Level::Or), ", ");
            parts.text(")");
        }
        ExprKind::And(items) => parts.list(list(items, Level::Not), " and "),
        ExprKind::Or(items) => parts.list(list(items, Level::And), " or "),
        ExprKind::Not(inner) => {
            parts.text("not ");
            parts.node((inner, Level::Not));
        }
        ExprKind::Compare(first, rest) => {
            parts.node((first, Level::Sum));
            for (op, operand) in rest {
                parts.text(format!(" {} ", op.sign()));
                parts.node((operand, Level::Sum));
            }
        }
        ExprKind::In { subject, list: values, negated, any_case } => {
            parts.node((subject, Level::Comparison));
            parts.text(if *negated { " not in" } else { " in" });
            parts.text(if *any_case { "~ " } else { " " });
            match &values.kind {
                ExprKind::Array(items) => {
                    parts.text("(");
                    parts.list(list(items, Level::Or), ", ");
                    parts.text(")");
                }
                _ => parts.node((values, Level::Sum)),
            }
        }
        ExprKind::IsNull { subject, negated } => {
            parts.node((subject, Level::Comparison));
            parts.text(if *negated { " is not null" } else { " is null" });
        }
        ExprKind::Of { count, conditions } => {
            parts.text(match count {
                Count::AtLeast(count) => format!("{count} of ("),
                Count::Any => "any of (".to_owned(),
                Count::All => "all of (".to_owned(),
            });
            parts.list(list(conditions, Level::Or), ", ");
            parts.text(")");
        }
        ExprKind::Arithmetic(first, rest) => {
            let tighter = if level(kind) == Level::Sum { Level::Product } else { Level::Signed };
            parts.node((first, tighter));
            for (op, operand) in rest {
                parts.text(format!(" {} ", op.sign()));
                parts.node((operand, tighter));
            }
        }
        ExprKind::Negative(inner) => {
            parts.text("-");
            parts.node((inner, Level::Signed));
        }
        ExprKind::Broken(text) => parts.text(&**text),
    }
}

fn level(kind: &ExprKind) -> Level {
    match kind {
        ExprKind::Or(_) => Level::Or,
        ExprKind::And(_) => Level::And,
        ExprKind::Not(_) => Level::Not,
        ExprKind::In { .. } | ExprKind::IsNull { .. } => Level::Membership,
        ExprKind::Compare(..) => Level::Comparison,
        ExprKind::Arithmetic(_, rest) => match rest.first() {
            Some((ArithmeticOp::Add | ArithmeticOp::Subtract, _)) => Level::Sum,
            _ => Level::Product,
        },
        ExprKind::Negative(_) => Level::Signed,
        ExprKind::Number(number) if number.starts_with('-') => Level::Signed,
        // A dot behind it would be its own.
        ExprKind::Path(..) | ExprKind::Number(_) => Level::Path,
        _ => Level::Primary,
    }
}

fn quote(text: &str) -> String {
    quote_with(text, |character| character.is_control().then(|| format!("\\u{{{:x}}}", u32::from(character))))
}
