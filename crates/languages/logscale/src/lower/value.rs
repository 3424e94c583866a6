//! Values that fields are given.

use std::rc::Rc;

use ruleatlas_core::BUDGET;
use ruleatlas_ir::plan::{
    Column, Const, ConstKind, Expr as Planned, ExprKind as PlannedKind, Operand, Operation, Relation, Wrapper,
};

use super::condition::{comparison, constant, different, flags_of, text_of};
use super::{Flow, Lowering, name_of, size};
use crate::ast::{Call, Expr, ExprKind, Op};
use crate::function::{Function, default_name, function};

impl<'t> Lowering<'t, '_> {
    /// What `field := value` gives the field.
    pub fn assigned(&mut self, field: &str, value: &'t Expr) -> Planned {
        match &value.kind {
            ExprKind::Call(call) => self.called(call, Some(field)),
            _ => self.computed(value),
        }
    }

    /// A computed value: words are fields.
    pub fn computed(&mut self, value: &'t Expr) -> Planned {
        if !self.enter() {
            return Planned::opaque(BUDGET, value.span);
        }
        let planned = self.computed_of(value);
        self.budget.leave();
        planned
    }

    fn computed_of(&mut self, value: &'t Expr) -> Planned {
        let span = value.span;
        let kind = match &value.kind {
            ExprKind::Word(word) if matches!(word.as_str(), "true" | "false") => {
                PlannedKind::Const(Const::bool(word == "true"))
            }
            ExprKind::Word(word) => return self.field(word, span),
            ExprKind::Text(text) => PlannedKind::Const(self.constant(text)),
            ExprKind::Number(number) => PlannedKind::Const(constant(number)),
            ExprKind::Regex(text, _) => PlannedKind::Const(self.text(text)),
            ExprKind::Parameter(parameter) => {
                PlannedKind::Const(Const::new(parameter.name.as_str(), ConstKind::Parameter))
            }
            ExprKind::List(items) => PlannedKind::List(items.iter().map(|item| self.computed(item)).collect()),
            ExprKind::Pipeline(_) => PlannedKind::Opaque(Rc::from("query where a value is meant")),
            ExprKind::Call(call) => return self.called(call, None),
            ExprKind::Chain(first, rest) => return self.chain(first, rest, value),
            ExprKind::Negative(inner) => {
                let of = vec![self.computed(inner)];
                PlannedKind::Computed { of, text: Some(self.line(span)) }
            }
            ExprKind::Not(inner) => PlannedKind::Not(Box::new(self.computed(inner))),
            ExprKind::Broken(_) => PlannedKind::Opaque(Rc::from("syntax error")),
        };
        Planned::new(kind, span)
    }

    /// Values with operators of one precedence between them.
    fn chain(&mut self, first: &'t Expr, rest: &'t [(Op, Expr)], whole: &'t Expr) -> Planned {
        let span = whole.span;
        let Some((op, second)) = rest.first() else { return self.computed(first) };
        match op {
            Op::Or | Op::And => {
                let parts = std::iter::once(first).chain(rest.iter().map(|(_, part)| part));
                let parts = parts.map(|part| self.computed(part)).collect();
                let kind = if *op == Op::Or { PlannedKind::Any(parts) } else { PlannedKind::All(parts) };
                Planned::new(kind, span)
            }
            _ if rest.len() == 1 && relation(*op).is_some() => {
                let (left, right) = (self.computed(first), self.computed(second));
                let (relation, is_different) = relation(*op).unwrap_or((Relation::Equal, false));
                let (relation, any_case) = match &second.kind {
                    ExprKind::Regex(_, flags) => (Relation::Regex, flags_of(flags).0),
                    _ => (relation, relation.is_order()),
                };
                let rule = if is_different { different(relation, any_case) } else { comparison(relation, any_case) };
                Planned::new(PlannedKind::Compare(rule, Box::new(left), Operand::One(Box::new(right))), span)
            }
            Op::Add | Op::Subtract if rest.len() == 1 => {
                let (left, right) = (self.computed(first), self.computed(second));
                Planned::new(PlannedKind::Moved(Box::new(left), Box::new(right)), span)
            }
            _ => {
                let parts = std::iter::once(first).chain(rest.iter().map(|(_, part)| part));
                let of = parts.map(|part| self.computed(part)).collect();
                Planned::new(PlannedKind::Computed { of, text: Some(self.line(span)) }, span)
            }
        }
    }

    /// What a function gives; `target` is the field that it is given to.
    pub fn called(&mut self, call: &'t Call, target: Option<&str>) -> Planned {
        let span = call.span;
        let name = call.name.to_ascii_lowercase();
        let subject = |name: &str| call.argument(name, 0);
        let kind = match name.as_str() {
            "lower" | "lowercase" | "upper" => match subject("field").and_then(text_of).or(target) {
                Some(field) => PlannedKind::Wrap(Wrapper::AnyCase, Box::new(self.field(field, span))),
                None => PlannedKind::Opaque(Rc::from("argument is missing")),
            },
            "rename" | "getfield" => match subject(if name == "rename" { "field" } else { "source" }).and_then(text_of)
            {
                Some(field) => return self.field(field, span),
                None => PlannedKind::Opaque(Rc::from("argument is missing")),
            },
            "now" | "start" | "end" => PlannedKind::Now,
            "coalesce" => {
                let items: Vec<&Expr> = call.arguments.iter().flat_map(|argument| argument.value.items()).collect();
                PlannedKind::First(items.into_iter().map(|item| self.computed(item)).collect())
            }
            "if" => return self.choice(call),
            "splitstring" | "base64decode" | "urldecode" | "text:substring" => {
                match subject("field").or_else(|| subject("string")).and_then(text_of).or(target) {
                    Some(field) => PlannedKind::Wrap(Wrapper::Cut, Box::new(self.field(field, span))),
                    None => PlannedKind::Opaque(Rc::from("argument is missing")),
                }
            }
            "default" => match call.argument("value", 0) {
                Some(value) => {
                    let value = self.literal(value);
                    let field = call.named("field").and_then(text_of).or(target).unwrap_or_default();
                    PlannedKind::First(vec![self.field(field, span), value])
                }
                None => PlannedKind::Opaque(Rc::from("argument is missing")),
            },
            _ => match function(&name) {
                Function::Filter => return self.call_condition(call, None),
                Function::Unknown => PlannedKind::Opaque(Rc::from("unknown function")),
                _ => {
                    let mut of = Vec::new();
                    for argument in &call.arguments {
                        let is_field = matches!(argument.name.as_str(), "" | "field" | "fields");
                        for item in argument.value.items().iter().filter(|_| is_field) {
                            if let ExprKind::Word(word) = &item.kind {
                                of.push(self.field(word, item.span));
                            }
                        }
                    }
                    PlannedKind::Computed { of, text: Some(self.line(span)) }
                }
            },
        };
        Planned::new(kind, span)
    }

    /// A value that stands as it is: words are texts.
    pub fn literal(&mut self, value: &'t Expr) -> Planned {
        match text_of(value) {
            Some(text) => Planned::new(PlannedKind::Const(self.constant(text)), value.span),
            None => self.computed(value),
        }
    }

    /// `if(condition, then=…, else=…)`.
    fn choice(&mut self, call: &'t Call) -> Planned {
        let span = call.span;
        let (Some(condition), Some(then)) = (call.argument("condition", 0), call.argument("then", 1)) else {
            return Planned::opaque("argument is missing", span);
        };
        let condition = self.computed(condition);
        let then = self.computed(then);
        let otherwise = call.argument("else", 2).map(|value| Box::new(self.computed(value)));
        Planned::new(PlannedKind::Case { arms: vec![(condition, then)], otherwise }, span)
    }

    /// A function that gives fields new values, as a step.
    pub fn value_step(&mut self, name: &str, call: &'t Call, applied: Option<&'t str>, flow: &mut Flow) {
        for (target, value) in self.given(name, call, applied) {
            flow.push(Operation::Extend(vec![Column { name: target, value }]));
        }
    }

    /// The names that a function gives values to, and these.
    pub fn given(&mut self, name: &str, call: &'t Call, applied: Option<&'t str>) -> Vec<(Rc<str>, Planned)> {
        let span = call.span;
        match name {
            "rename" => {
                let pairs = renames(call);
                pairs.into_iter().map(|(old, new)| (name_of(new), self.field(old, span))).collect()
            }
            "default" => {
                let Some(value) = call.named("value") else { return Vec::new() };
                let fields = call.named("field").map(Expr::items).unwrap_or_default();
                let value = self.literal(value);
                let mut given = Vec::new();
                for field in fields.iter().filter_map(text_of).chain(applied) {
                    if self.budget.work(size(&value)) {
                        let first = PlannedKind::First(vec![self.field(field, span), value.clone()]);
                        given.push((name_of(field), Planned::new(first, span)));
                    }
                }
                given
            }
            "setfield" => match (call.argument("target", 0).and_then(text_of), call.argument("value", 1)) {
                (Some(target), Some(value)) => vec![(name_of(target), self.computed(value))],
                _ => Vec::new(),
            },
            "eval" => {
                let named = call.arguments.iter().filter(|argument| !argument.name.is_empty());
                named.map(|argument| (name_of(&argument.name), self.computed(&argument.value))).collect()
            }
            "lowercase" => {
                let fields = call.argument("field", 0).map(Expr::items).unwrap_or_default();
                let mut given = Vec::new();
                for field in fields.iter().filter_map(text_of).chain(applied) {
                    let inner = Box::new(self.field(field, span));
                    given.push((name_of(field), Planned::new(PlannedKind::Wrap(Wrapper::AnyCase, inner), span)));
                }
                given
            }
            _ => {
                let value = self.called(call, applied);
                // What rounds a field in its place gives it a new value.
                let in_place = matches!(name, "round" | "formatduration" | "replace" | "urldecode" | "unit:convert");
                let field = call.argument("field", 0).and_then(text_of).or(applied);
                let target = call.named("as").and_then(text_of).or(field.filter(|_| in_place));
                let target = target.map_or_else(|| default_name(name), str::to_owned);
                vec![(name_of(&target), value)]
            }
        }
    }
}

/// The texts of a list of two.
fn pair(list: &Expr) -> Option<(&str, &str)> {
    match list.items() {
        [old, new] => text_of(old).zip(text_of(new)),
        _ => None,
    }
}

/// Pairs of old and new name.
pub(super) fn renames(call: &Call) -> Vec<(&str, &str)> {
    if let (Some(old), Some(new)) = (call.argument("field", 0), call.argument("as", 1)) {
        return text_of(old).zip(text_of(new)).into_iter().collect();
    }
    let lists = call.argument("field", 0).map(Expr::items).unwrap_or_default();
    lists.iter().filter_map(pair).collect()
}

fn relation(op: Op) -> Option<(Relation, bool)> {
    Some(match op {
        Op::Equal => (Relation::Equal, false),
        Op::NotEqual => (Relation::Equal, true),
        Op::Less => (Relation::Less, false),
        Op::LessEqual => (Relation::LessEqual, false),
        Op::Greater => (Relation::Greater, false),
        Op::GreaterEqual => (Relation::GreaterEqual, false),
        Op::Like => (Relation::Contains, false),
        Op::Or | Op::And | Op::Add | Op::Subtract | Op::Multiply | Op::Divide | Op::Remainder => return None,
    })
}
