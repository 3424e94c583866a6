//! The text of what is computed: calls by their names, their arguments with the names of lambdas resolved.

use std::rc::Rc;

use super::Lowering;
use super::value::Scope;
use crate::ast::{Expr, ExprKind, PathStep};

/// How long the text of something computed may be, in characters.
const MAX_TEXT: usize = 400;
/// Bytes of text that are a unit of work.
const BYTES_PER_WORK: usize = 8;

/// A text on one line, cut short where it is long.
pub(super) fn line(text: &str) -> Rc<str> {
    let end = text.char_indices().nth(MAX_TEXT).map_or(text.len(), |(at, _)| at);
    let words: Vec<&str> = text.get(..end).unwrap_or_default().split_whitespace().collect();
    words.join(" ").into()
}

impl<'t> Lowering<'t, '_> {
    /// The text of an expression.
    pub fn text_of(&mut self, expression: &'t Expr, scope: &Scope<'t>) -> Rc<str> {
        let mut text = String::new();
        self.write(expression, scope, &mut text);
        // Where it does not fit, nothing of the query is kept.
        self.budget.work(text.len() / BYTES_PER_WORK);
        line(&text)
    }

    fn write(&mut self, expression: &'t Expr, scope: &Scope<'t>, to: &mut String) {
        // A character has at most four bytes; what is longer is cut anyway.
        if to.len() > 4 * MAX_TEXT || !self.enter() {
            return;
        }
        self.write_in(expression, scope, to);
        self.budget.leave();
    }

    fn write_in(&mut self, expression: &'t Expr, scope: &Scope<'t>, to: &mut String) {
        match &expression.kind {
            ExprKind::Name(name) => to.push_str(name),
            ExprKind::Element(dots) => match self.element(*dots, scope) {
                Some(value) => {
                    let text = self.label(&value);
                    to.push_str(&text);
                }
                None => to.push_str(&".".repeat(*dots as usize % 8)),
            },
            ExprKind::Path(base, steps) => {
                self.write(base, scope, to);
                self.write_steps(steps, scope, to);
            }
            ExprKind::List(name) => {
                to.push('$');
                to.push_str(name);
            }
            ExprKind::Text(text) => {
                let shown: String = text.chars().take(MAX_TEXT).collect();
                to.push_str(&format!("{shown:?}"));
            }
            ExprKind::Number(number) => to.push_str(number),
            ExprKind::Bool(value) => to.push_str(if *value { "true" } else { "false" }),
            ExprKind::Null => to.push_str("null"),
            ExprKind::Array(items) => {
                to.push('[');
                self.write_list(items, ", ", scope, to);
                to.push(']');
            }
            ExprKind::Call { name, arguments } => {
                to.push_str(name);
                to.push('(');
                // A lambda's own element is named by its dots.
                let is_lambda = matches!(name.as_str(), "any" | "all" | "filter" | "map" | "distinct");
                match arguments.as_slice() {
                    [array, lambda] if is_lambda => {
                        self.write(array, scope, to);
                        to.push_str(", ");
                        to.push_str(&line(lambda.span.of(self.text).unwrap_or_default()));
                    }
                    _ => self.write_list(arguments, ", ", scope, to),
                }
                to.push(')');
            }
            ExprKind::Negative(inner) => {
                to.push('-');
                self.write(inner, scope, to);
            }
            ExprKind::Arithmetic(first, rest) => {
                self.write(first, scope, to);
                for (op, part) in rest {
                    to.push_str(&format!(" {} ", op.sign()));
                    self.write(part, scope, to);
                }
            }
            ExprKind::Compare(first, rest) => {
                self.write(first, scope, to);
                for (op, part) in rest {
                    to.push_str(&format!(" {} ", op.sign()));
                    self.write(part, scope, to);
                }
            }
            ExprKind::And(parts) => self.write_list(parts, " and ", scope, to),
            ExprKind::Or(parts) => self.write_list(parts, " or ", scope, to),
            ExprKind::Not(inner) => {
                to.push_str("not ");
                self.write(inner, scope, to);
            }
            ExprKind::In { .. } | ExprKind::IsNull { .. } | ExprKind::Of { .. } | ExprKind::Broken(_) => {
                to.push_str(&line(expression.span.of(self.text).unwrap_or_default()));
            }
        }
    }

    fn write_list(&mut self, items: &'t [Expr], separator: &str, scope: &Scope<'t>, to: &mut String) {
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                to.push_str(separator);
            }
            self.write(item, scope, to);
        }
    }

    fn write_steps(&mut self, steps: &'t [PathStep], scope: &Scope<'t>, to: &mut String) {
        for step in steps {
            match step {
                PathStep::Member(name) => {
                    to.push('.');
                    to.push_str(name);
                }
                PathStep::Index(Expr { kind: ExprKind::Text(key), .. }) => {
                    to.push('.');
                    to.push_str(key);
                }
                PathStep::Index(index) => {
                    to.push('[');
                    self.write(index, scope, to);
                    to.push(']');
                }
            }
        }
    }

    /// The text of parts of a value.
    pub fn steps_text(&mut self, steps: &'t [PathStep], scope: &Scope<'t>) -> String {
        let mut text = String::new();
        self.write_steps(steps, scope, &mut text);
        text
    }
}
