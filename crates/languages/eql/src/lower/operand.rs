//! What stands on one side of a comparison: a constant, a field, something computed.

use std::borrow::Cow;

use ruleatlas_model::{Missing, Modifier, Op, Predicate, Span};

use super::{Lowering, function};
use crate::ast::{Arithmetic, Expr, ExprKind, Literal};

/// One side of a comparison.
pub(super) enum Operand<'e> {
    /// A constant, or arithmetic over constants.
    Constant(Literal<'e>),
    /// A field or something computed.
    Subject(Subject),
    /// A condition, used as a value.
    Boolean,
    /// A function nobody knows.
    Unknown(&'e str),
    /// A part that is no EQL.
    Broken,
}

/// What a predicate compares.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    /// The field's name, or the text of what is computed.
    pub raw: String,
    /// Whether it is computed.
    pub computed: bool,
    /// Whether the field itself is compared, and not its conversion to text or a number.
    pub exact: bool,
}

impl Lowering<'_> {
    pub(super) fn operand<'e>(&self, expression: &'e Expr<'_>) -> Operand<'e> {
        if let Some(constant) = constant(expression) {
            return Operand::Constant(constant);
        }
        match &expression.kind {
            ExprKind::Field(_) => {
                let raw = self.field_name(expression);
                let counted = self.aggregated && ["count", "percent", "total_hosts"].contains(&raw.as_str());
                Operand::Subject(Subject { raw, computed: counted, exact: true })
            }
            ExprKind::Call { name, arguments, .. } => match (function::kind(name), arguments.as_slice()) {
                (function::Kind::Conversion, [inner, ..]) => match self.operand(inner) {
                    // `string(f)` and `number(f)` compare the field, but a base beside it changes the value.
                    Operand::Subject(subject) if arguments.len() == 1 => {
                        Operand::Subject(Subject { exact: false, ..subject })
                    }
                    Operand::Unknown(name) => Operand::Unknown(name),
                    Operand::Broken => Operand::Broken,
                    _ => self.computed(expression),
                },
                (function::Kind::Value | function::Kind::Conversion, _) => {
                    for argument in arguments {
                        if let other @ (Operand::Unknown(_) | Operand::Broken) = self.operand(argument) {
                            return other;
                        }
                    }
                    self.computed(expression)
                }
                (function::Kind::Condition, _) => Operand::Boolean,
                (function::Kind::Unknown, _) => Operand::Unknown(name),
            },
            ExprKind::Arithmetic { left, right, .. } => match (self.operand(left), self.operand(right)) {
                (other @ (Operand::Unknown(_) | Operand::Broken), _)
                | (_, other @ (Operand::Unknown(_) | Operand::Broken)) => other,
                _ => self.computed(expression),
            },
            ExprKind::Negative(inner) => match self.operand(inner) {
                other @ (Operand::Unknown(_) | Operand::Broken) => other,
                _ => self.computed(expression),
            },
            ExprKind::Not(_)
            | ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::Compare { .. }
            | ExprKind::Lookup { .. }
            | ExprKind::Lineage { .. } => Operand::Boolean,
            ExprKind::Literal(_) | ExprKind::Broken => Operand::Broken,
        }
    }

    fn computed<'e>(&self, expression: &Expr<'_>) -> Operand<'e> {
        Operand::Subject(Subject { raw: self.text_of(expression.span), computed: true, exact: true })
    }

    /// A field's path, a variable of `arraySearch` replaced by the array it runs over.
    pub(super) fn field_name(&self, expression: &Expr<'_>) -> String {
        let ExprKind::Field(path) = &expression.kind else { return self.text_of(expression.span) };
        let path = self.own_path(path);
        for (variable, array) in self.variables.iter().rev() {
            match path.strip_prefix(variable.as_str()) {
                Some("") => return array.clone(),
                Some(rest) if rest.starts_with(['.', '[']) => return format!("{array}{rest}"),
                _ => {}
            }
        }
        path.to_owned()
    }

    /// A comparison of `subject`, with what it is for an event without the field.
    pub(super) fn predicate(
        &self,
        subject: &Subject,
        op: Op,
        values: Vec<String>,
        case_sensitive: bool,
        span: Span,
    ) -> Predicate {
        let mut predicate = Predicate::new(subject.raw.as_str(), op, values);
        predicate.case_sensitive = case_sensitive;
        // What one event says nothing of is computed, as far as it goes.
        let is_of_earlier_step = op != Op::FieldRef && self.is_of_earlier_step(&subject.raw);
        predicate.computed = subject.computed || is_of_earlier_step;
        predicate.stage = self.stage;
        predicate.span = span;
        predicate.missing = match op {
            Op::IsNull => Missing::Holds,
            Op::IsNotNull => Missing::Fails,
            _ if subject.computed || !subject.exact => Missing::Null,
            Op::Lt | Op::Lte | Op::Gt | Op::Gte | Op::FieldRef => Missing::Null,
            _ => Missing::Fails,
        };
        if op == Op::RegexMatch {
            predicate.modifiers = Modifier::Anchored.into();
        }
        predicate
    }
}

/// The predicate with its operator negated: what a missing field fails, it then satisfies.
pub(super) fn negate(mut predicate: Predicate) -> Predicate {
    predicate.negated = !predicate.negated;
    predicate.missing = match predicate.missing {
        Missing::Fails => Missing::Holds,
        Missing::Holds => Missing::Fails,
        Missing::Null => Missing::Null,
    };
    predicate
}

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
