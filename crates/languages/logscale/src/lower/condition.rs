//! Filters as conditions.

use std::rc::Rc;

use ruleatlas_core::BUDGET;
use ruleatlas_ir::plan::{
    CaseRule, Comparison, Const, ConstKind, Expr as Planned, ExprKind as PlannedKind, MissingRule, Operand,
    PatternSyntax, Relation,
};
use ruleatlas_model::{Modifier, Span};

use super::{BYTES_PER_WORK, Lowering, MAX_NAME, name_of, size};
use crate::ast::{CompareOp, Expr, ExprKind, Filter, FilterKind, Pattern, PatternKind};
use crate::function::{Function, function};

/// The escape of patterns as they are handed on: `*` is written `%`, everything else stands for itself.
const ESCAPE: char = '\\';

/// A pattern of the language in which nothing but `*` stands for something else.
fn percent(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '*' => pattern.push('%'),
            '%' | '_' | ESCAPE => pattern.extend([ESCAPE, character]),
            other => pattern.push(other),
        }
    }
    pattern
}

/// A comparison by the rules of the language: one of a missing field fails.
pub(super) fn comparison(relation: Relation, any_case: bool) -> Comparison {
    let case = if any_case { CaseRule::Ignore } else { CaseRule::Exact };
    Comparison::new(relation, case, MissingRule::Fails)
}

/// A comparison that a missing field satisfies.
pub(super) fn different(relation: Relation, any_case: bool) -> Comparison {
    Comparison { negated: true, missing: MissingRule::NoMatch, ..comparison(relation, any_case) }
}

impl<'t> Lowering<'t, '_> {
    /// A condition of the plan.
    pub fn condition(&mut self, filter: &'t Filter) -> Planned {
        if !self.enter() {
            return Planned::opaque(BUDGET, filter.span);
        }
        let planned = self.condition_of(filter);
        self.budget.leave();
        planned
    }

    fn condition_of(&mut self, filter: &'t Filter) -> Planned {
        let span = filter.span;
        let kind = match &filter.kind {
            FilterKind::And(parts) => PlannedKind::All(parts.iter().map(|part| self.condition(part)).collect()),
            FilterKind::Or(parts) => PlannedKind::Any(parts.iter().map(|part| self.condition(part)).collect()),
            FilterKind::Not(inner) => PlannedKind::Not(Box::new(self.condition(inner))),
            FilterKind::Compare { field, op, value } => return self.compare(field, *op, value, span),
            FilterKind::Free(pattern) => return self.free(pattern, span),
            FilterKind::Call(call) => match function(&call.name.to_ascii_lowercase()) {
                Function::Filter => return self.call_condition(call, None),
                Function::Unknown => PlannedKind::Opaque(Rc::from("unknown function")),
                // What shows or computes keeps every event.
                Function::Show | Function::Value => PlannedKind::Const(Const::bool(true)),
                Function::Aggregate | Function::Table => PlannedKind::Opaque(Rc::from("function within a filter")),
            },
            FilterKind::Apply(field, call) => match function(&call.name.to_ascii_lowercase()) {
                Function::Filter => return self.call_condition(call, Some(field)),
                _ => PlannedKind::Opaque(Rc::from("unknown function")),
            },
            FilterKind::Saved(_) => PlannedKind::Opaque(Rc::from("saved query is not available")),
            // The key of a correlation.
            FilterKind::Link(..) => PlannedKind::Const(Const::bool(true)),
            FilterKind::Bool(value) => PlannedKind::Const(Const::bool(*value)),
            FilterKind::Broken(_) => PlannedKind::Opaque(Rc::from("syntax error")),
        };
        Planned::new(kind, span)
    }

    /// A field, or what a clause calls so.
    pub fn field(&mut self, name: &str, span: Span) -> Planned {
        let name = super::plain_name(name);
        if name.len() > MAX_NAME {
            return Planned::opaque("name is too long", span);
        }
        let known = self.local.iter().rev().find_map(|names| names.get(name)).cloned();
        match known {
            Some(known) if self.budget.work(size(&known)) => Planned { span, ..known },
            Some(_) => Planned::opaque(BUDGET, span),
            None => Planned::new(PlannedKind::Name(name_of(name)), span),
        }
    }

    pub fn compare(&mut self, field: &str, op: CompareOp, value: &Pattern, span: Span) -> Planned {
        let left = self.field(field, span);
        self.compared(left, op, value, span)
    }

    /// A value compared with a pattern.
    pub fn compared(&mut self, left: Planned, op: CompareOp, value: &Pattern, span: Span) -> Planned {
        let is_different = op == CompareOp::NotEqual;
        let order = match op {
            CompareOp::Less => Some(Relation::Less),
            CompareOp::LessEqual => Some(Relation::LessEqual),
            CompareOp::Greater => Some(Relation::Greater),
            CompareOp::GreaterEqual => Some(Relation::GreaterEqual),
            CompareOp::Equal | CompareOp::NotEqual | CompareOp::Like => None,
        };
        let (relation, any_case, right, modifier) = match &value.kind {
            PatternKind::Parameter(parameter) => {
                let relation = order.unwrap_or(match op {
                    CompareOp::Like => Relation::Contains,
                    _ => Relation::Equal,
                });
                (relation, false, Const::new(parameter.name.as_str(), ConstKind::Parameter), None)
            }
            PatternKind::Regex(regex, flags) => {
                let (any_case, modifier) = flags_of(flags);
                (Relation::Regex, any_case, self.text(regex), modifier)
            }
            PatternKind::Text(text) => match (order, op) {
                (Some(order), _) => (order, true, constant(text), None),
                (None, CompareOp::Equal | CompareOp::NotEqual)
                    if !text.is_empty() && text.chars().all(|c| c == '*') =>
                {
                    return presence(left, !is_different, span);
                }
                (None, CompareOp::Like) if !text.contains('*') => (Relation::Contains, false, self.text(text), None),
                (None, _) if text.contains('*') => {
                    let pattern = self.text(&percent(text));
                    (Relation::Pattern(PatternSyntax::Percent(Some(ESCAPE))), false, pattern, None)
                }
                (None, _) => (Relation::Equal, false, self.constant(text), None),
            },
        };
        let rule = if is_different { different(relation, any_case) } else { comparison(relation, any_case) };
        let rule = Comparison { modifier, ..rule };
        let right = Operand::One(Box::new(Planned::new(PlannedKind::Const(right), value.span)));
        Planned::new(PlannedKind::Compare(rule, Box::new(left), right), span)
    }

    /// A constant whose text is paid for: a clause may be read many times.
    pub fn text(&mut self, text: &str) -> Const {
        if self.budget.work(text.len() / BYTES_PER_WORK) {
            Const::new(text, ConstKind::Text)
        } else {
            Const::new(BUDGET, ConstKind::Parameter)
        }
    }

    pub fn constant(&mut self, text: &str) -> Const {
        match constant(text) {
            Const { kind: ConstKind::Text, .. } => self.text(text),
            number => number,
        }
    }

    /// A text that is searched for in all fields: the values may have it anywhere.
    fn free(&mut self, pattern: &Pattern, span: Span) -> Planned {
        let any = || Box::new(Planned::new(PlannedKind::OwnPath(Rc::from("")), span));
        let (relation, any_case, value, modifier) = match &pattern.kind {
            PatternKind::Text(text) if text.chars().all(|c| c == '*') => {
                return Planned::new(PlannedKind::Const(Const::bool(true)), span);
            }
            PatternKind::Text(text) => {
                let inner = text.trim_matches('*');
                if inner.contains('*') {
                    let pattern = self.text(&percent(&format!("*{inner}*")));
                    (Relation::Pattern(PatternSyntax::Percent(Some(ESCAPE))), false, pattern, None)
                } else {
                    (Relation::Contains, false, self.text(inner), None)
                }
            }
            PatternKind::Regex(regex, flags) => {
                let (any_case, modifier) = flags_of(flags);
                (Relation::Regex, any_case, self.text(regex), modifier)
            }
            PatternKind::Parameter(parameter) => {
                (Relation::Contains, false, Const::new(parameter.name.as_str(), ConstKind::Parameter), None)
            }
        };
        let rule = Comparison { modifier, ..comparison(relation, any_case) };
        let right = Operand::One(Box::new(Planned::new(PlannedKind::Const(value), span)));
        Planned::new(PlannedKind::Compare(rule, any(), right), span)
    }

    /// A value that is one of some patterns.
    pub fn one_of(&mut self, left: Planned, values: &'t [Expr], any_case: bool, span: Span) -> Planned {
        let texts: Vec<(&'t Expr, Option<&'t str>)> = values.iter().map(|value| (value, text_of(value))).collect();
        let has_stars = texts.iter().any(|(_, text)| text.is_some_and(|text| text.contains('*')));
        let mut constants = Vec::with_capacity(texts.len());
        let mut any_value = false;
        for (value, text) in texts {
            let constant = match (&value.kind, text) {
                (ExprKind::Parameter(parameter), _) => Const::new(parameter.name.as_str(), ConstKind::Parameter),
                (_, Some(text)) if !text.is_empty() && text.chars().all(|c| c == '*') => {
                    any_value = true;
                    continue;
                }
                (_, Some(text)) if has_stars => self.text(&percent(text)),
                (_, Some(text)) => self.constant(text),
                _ => return Planned::opaque("value is not read", span),
            };
            constants.push(Planned::new(PlannedKind::Const(constant), value.span));
        }
        let mut parts = Vec::new();
        if any_value {
            parts.push(presence(left.clone(), true, span));
        }
        if !constants.is_empty() {
            let relation =
                if has_stars { Relation::Pattern(PatternSyntax::Percent(Some(ESCAPE))) } else { Relation::Equal };
            let rule = comparison(relation, any_case);
            parts.push(Planned::new(PlannedKind::Compare(rule, Box::new(left), Operand::AnyOf(constants)), span));
        }
        match parts.len() {
            0 => Planned::new(PlannedKind::Const(Const::bool(false)), span),
            1 => parts.remove(0),
            _ => Planned::new(PlannedKind::Any(parts), span),
        }
    }

    /// The fields that the regular expressions of a filter have named groups for, with the groups' names.
    pub fn groups(&mut self, filter: &'t Filter) -> Vec<(String, Vec<Rc<str>>)> {
        match &filter.kind {
            FilterKind::Compare { field, value: Pattern { kind: PatternKind::Regex(regex, _), .. }, op } => {
                let names = if *op == CompareOp::Equal { group_names(regex) } else { Vec::new() };
                if names.is_empty() { Vec::new() } else { vec![(field.clone(), names)] }
            }
            FilterKind::Call(call) if call.name.eq_ignore_ascii_case("regex") => {
                let (regex, field) =
                    (call.argument("regex", 0).and_then(text_of), call.argument("field", 1).and_then(text_of));
                let names = regex.map(group_names).unwrap_or_default();
                if names.is_empty() { Vec::new() } else { vec![(field.unwrap_or_default().to_owned(), names)] }
            }
            FilterKind::Apply(field, call) if call.name.eq_ignore_ascii_case("regex") => {
                let names = call.argument("regex", 0).and_then(text_of).map(group_names).unwrap_or_default();
                if names.is_empty() { Vec::new() } else { vec![(field.clone(), names)] }
            }
            FilterKind::And(parts) => parts.iter().flat_map(|part| self.groups(part)).collect(),
            _ => Vec::new(),
        }
    }
}

/// The text of a word or a quoted value.
pub(super) fn text_of(value: &Expr) -> Option<&str> {
    match &value.kind {
        ExprKind::Word(text) | ExprKind::Text(text) | ExprKind::Number(text) => Some(text),
        _ => None,
    }
}

/// A constant, by what its text is.
pub(super) fn constant(text: &str) -> Const {
    let is_number =
        text.len() < 40 && text.starts_with(|c: char| c.is_ascii_digit() || c == '-') && text.parse::<f64>().is_ok();
    Const::new(text, if is_number { ConstKind::Number } else { ConstKind::Text })
}

/// Whether an expression has no regard to case, and what else its flags say.
pub(super) fn flags_of(flags: &str) -> (bool, Option<Modifier>) {
    let modifier = match (flags.contains('d'), flags.contains('m')) {
        (true, _) => Some(Modifier::DotAll),
        (_, true) => Some(Modifier::MultiLine),
        _ => None,
    };
    (flags.contains('i'), modifier)
}

/// The names of an expression's groups.
pub(super) fn group_names(regex: &str) -> Vec<Rc<str>> {
    const MAX_GROUPS: usize = 100;
    let mut names: Vec<Rc<str>> = Vec::new();
    for rest in regex.split("(?").skip(1) {
        let rest = rest.strip_prefix('P').unwrap_or(rest);
        let Some(rest) = rest.strip_prefix('<').filter(|rest| !rest.starts_with(['=', '!'])) else { continue };
        if let Some((name, _)) = rest.split_once('>')
            && !name.is_empty()
            && name.len() <= MAX_NAME
            && !names.iter().any(|known| **known == *name)
            && names.len() < MAX_GROUPS
        {
            names.push(Rc::from(name));
        }
    }
    names
}

/// Whether there is a value.
pub(super) fn presence(of: Planned, present: bool, span: Span) -> Planned {
    Planned::new(PlannedKind::Presence { of: Box::new(of), present, empty_is_null: false }, span)
}

#[cfg(test)]
mod tests {
    use super::{group_names, percent};

    #[test]
    fn nothing_but_a_star_is_a_wildcard() {
        assert_eq!(percent(r"*a?b%c_d\e*"), r"%a?b\%c\_d\\e%");
    }

    #[test]
    fn groups_have_names() {
        let names = group_names(r"^(?<a>\d+)(?:x)(?<=y)(?P<b_c>.)(?<a>z)(?<");
        assert_eq!(names.iter().map(|name| &**name).collect::<Vec<_>>(), ["a", "b_c"]);
    }
}
