//! The names of what is computed.

use std::fmt;

use crate::ast::{Expr, ExprKind};

/// An expression as a name: what the conditions call what is computed.
pub(crate) struct Named<'a>(pub &'a Expr);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, items: &[Expr], between: &str| {
            for (at, item) in items.iter().enumerate() {
                write!(f, "{}{}", if at > 0 { between } else { "" }, Named(item))?;
            }
            Ok(())
        };
        match &self.0.kind {
            ExprKind::Text(text) => write!(f, "\"{text}\""),
            ExprKind::Number(text) | ExprKind::Field(text) => f.write_str(text),
            ExprKind::Call(name, arguments) => {
                write!(f, "{name}(")?;
                list(f, arguments, ", ")?;
                f.write_str(")")
            }
            ExprKind::Compare(op, left, right) => write!(f, "{} {} {}", Named(left), op.symbol(), Named(right)),
            ExprKind::In(field, values) => {
                write!(f, "{} IN (", Named(field))?;
                list(f, values, ", ")?;
                f.write_str(")")
            }
            ExprKind::And(items) => list(f, items, " AND "),
            ExprKind::Or(items) => {
                f.write_str("(")?;
                list(f, items, " OR ")?;
                f.write_str(")")
            }
            ExprKind::Xor(left, right) => write!(f, "({} XOR {})", Named(left), Named(right)),
            ExprKind::Not(inner) => write!(f, "NOT ({})", Named(inner)),
            ExprKind::Binary(op @ ("*" | "/" | "%" | "."), left, right) => {
                write!(f, "{}{op}{}", Named(left), Named(right))
            }
            ExprKind::Binary(op, left, right) => write!(f, "({} {op} {})", Named(left), Named(right)),
            ExprKind::Minus(inner) => write!(f, "-{}", Named(inner)),
            ExprKind::Search { .. } => f.write_str("searchmatch(…)"),
            ExprKind::Sub(_) => f.write_str("[…]"),
            ExprKind::Opaque { text, .. } => f.write_str(text),
        }
    }
}
