//! Expressions that read no field, worked out while reading.

use std::borrow::Cow;

use ruleatlas_ir::plan::{Const, ConstKind, Expr as Planned, ExprKind as PlannedKind};
use ruleatlas_model::Span;

use crate::ast::{Arithmetic, Expr, ExprKind, Literal};

/// The value of an expression that reads no field.
pub(super) fn constant<'e>(expression: &'e Expr<'_>) -> Option<Literal<'e>> {
    match &expression.kind {
        ExprKind::Literal(literal) => Some(match literal {
            Literal::Text(text) => Literal::Text(Cow::Borrowed(text)),
            Literal::Number(digits) => Literal::Number(Cow::Borrowed(digits)),
            Literal::Bool(value) => Literal::Bool(*value),
            Literal::Null => Literal::Null,
        }),
        ExprKind::Negative(inner) => match constant(inner)? {
            Literal::Number(digits) => Some(Literal::Number(match digits.strip_prefix('-') {
                Some(positive) => Cow::Owned(positive.to_owned()),
                None => Cow::Owned(format!("-{digits}")),
            })),
            _ => None,
        },
        ExprKind::Arithmetic { op, left, right } => match (constant(left)?, constant(right)?) {
            (Literal::Number(left), Literal::Number(right)) => {
                calculate(*op, &left, &right).map(|value| Literal::Number(Cow::Owned(value)))
            }
            _ => None,
        },
        ExprKind::Call { name, arguments, .. } => constant_call(name, arguments),
        _ => None,
    }
}

/// Whole numbers stay whole, and their quotient is rounded towards zero, as the language has it.
fn calculate(op: Arithmetic, left: &str, right: &str) -> Option<String> {
    if let (Ok(left), Ok(right)) = (left.parse::<i64>(), right.parse::<i64>()) {
        let value = match op {
            Arithmetic::Add => left.checked_add(right),
            Arithmetic::Subtract => left.checked_sub(right),
            Arithmetic::Multiply => left.checked_mul(right),
            Arithmetic::Divide => left.checked_div(right),
            Arithmetic::Modulo => left.checked_rem(right),
        };
        return value.map(|value| value.to_string());
    }
    let (left, right) = (left.parse::<f64>().ok()?, right.parse::<f64>().ok()?);
    let value = match op {
        Arithmetic::Add => left + right,
        Arithmetic::Subtract => left - right,
        Arithmetic::Multiply => left * right,
        Arithmetic::Divide => left / right,
        Arithmetic::Modulo => left % right,
    };
    value.is_finite().then(|| value.to_string())
}

fn constant_call<'e>(name: &str, arguments: &'e [Expr<'_>]) -> Option<Literal<'e>> {
    match name.to_ascii_lowercase().as_str() {
        "string" | "concat" => {
            let mut text = String::new();
            for argument in arguments {
                text.push_str(&spelling(&constant(argument)?)?);
            }
            Some(Literal::Text(Cow::Owned(text)))
        }
        "number" => {
            let [argument, base @ ..] = arguments else { return None };
            let Literal::Text(text) = constant(argument)? else { return None };
            let text = text.trim();
            let hexadecimal = match base.first().map(constant) {
                Some(Some(Literal::Number(base))) if base == "16" => true,
                Some(Some(Literal::Number(base))) if base == "10" => false,
                Some(Some(Literal::Null)) | None => text.starts_with("0x"),
                _ => return None,
            };
            let value = if hexadecimal {
                i64::from_str_radix(text.strip_prefix("0x").unwrap_or(text), 16).ok()?.to_string()
            } else {
                text.parse::<f64>().ok()?;
                text.strip_prefix('+').unwrap_or(text).to_owned()
            };
            Some(Literal::Number(Cow::Owned(value)))
        }
        _ => None,
    }
}

/// A constant as a value of a predicate; `None` for null.
pub(super) fn spelling(literal: &Literal<'_>) -> Option<String> {
    match literal {
        Literal::Text(text) | Literal::Number(text) => Some(text.as_ref().to_owned()),
        Literal::Bool(value) => Some(value.to_string()),
        Literal::Null => None,
    }
}

/// A constant of a plan; `None` for null.
pub(super) fn planned(literal: &Literal<'_>, span: Span) -> Option<Planned> {
    let kind = match literal {
        Literal::Text(_) => ConstKind::Text,
        Literal::Number(_) => ConstKind::Number,
        Literal::Bool(_) => ConstKind::Bool,
        Literal::Null => return None,
    };
    Some(Planned::new(PlannedKind::Const(Const::new(spelling(literal)?, kind)), span))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_over_constants_is_done() {
        assert_eq!(calculate(Arithmetic::Multiply, "60", "60").as_deref(), Some("3600"));
        assert_eq!(calculate(Arithmetic::Divide, "4", "3").as_deref(), Some("1"));
        assert_eq!(calculate(Arithmetic::Divide, "4.0", "8").as_deref(), Some("0.5"));
        assert_eq!(calculate(Arithmetic::Divide, "4", "0"), None);
        assert_eq!(calculate(Arithmetic::Add, "9223372036854775807", "1"), None);
    }
}
