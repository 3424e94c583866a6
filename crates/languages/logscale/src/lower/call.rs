//! Functions that are conditions.

use std::rc::Rc;

use ruleatlas_ir::plan::{
    Const, ConstKind, Expr as Planned, ExprKind as PlannedKind, JoinKind, Lookup, Operand, Operation, Relation,
};
use ruleatlas_model::{Node, Op, Predicate, Span};

use super::condition::{comparison, text_of};
use super::{Flow, Lowering, name_of};
use crate::ast::{Call, Expr, ExprKind, Filter, Pattern, PatternKind};

/// What stands for a field where a function names none: the text of the event.
const RAW: &str = "@rawstring";

impl<'t> Lowering<'t, '_> {
    /// A function as a condition; `applied` is the field before `=~`.
    pub fn call_condition(&mut self, call: &'t Call, applied: Option<&'t str>) -> Planned {
        let span = call.span;
        // A field before the call takes the place of its first argument.
        let shift = usize::from(applied.is_none());
        let field = applied.or_else(|| call.argument("field", 0).and_then(text_of));
        match (call.name.to_ascii_lowercase().as_str(), field) {
            ("in", Some(field)) => {
                let left = self.field(field, span);
                let values = call.argument("values", shift).map(Expr::items).unwrap_or_default();
                self.one_of(left, values, is_true(call, "ignoreCase"), span)
            }
            ("cidr", Some(field)) => {
                let left = self.field(field, span);
                self.in_networks(left, field, call, shift)
            }
            ("wildcard", _) => {
                let field = applied.or_else(|| call.named("field").and_then(text_of)).unwrap_or(RAW);
                let Some(pattern) = call.argument("pattern", 0) else { return wrong(span) };
                let left = self.field(field, span);
                self.one_of(left, std::slice::from_ref(pattern), is_true(call, "ignoreCase"), span)
            }
            ("regex", _) => {
                let Some(regex) = call.argument("regex", 0) else { return wrong(span) };
                let field = applied.or_else(|| call.argument("field", 1).and_then(text_of)).unwrap_or(RAW);
                if call.named("strict").and_then(text_of) == Some("false") {
                    return Planned::new(PlannedKind::Const(Const::bool(true)), span);
                }
                let left = self.field(field, span);
                let flags = call.argument("flags", 2).and_then(text_of).unwrap_or_default();
                self.matches(left, regex, flags, span)
            }
            ("test", _) => match call.arguments.first() {
                Some(argument) => self.computed(&argument.value),
                None => wrong(span),
            },
            ("match" | "matchasarray", _) => {
                let fields = call.named("field").map(Expr::items).unwrap_or_default();
                let fields: Vec<&str> = fields.iter().filter_map(text_of).chain(applied).collect();
                let parts: Vec<Planned> = fields.into_iter().map(|field| self.in_file(field, call)).collect();
                if parts.is_empty() { wrong(span) } else { Planned::new(PlannedKind::All(parts), span) }
            }
            ("ioc:lookup", _) => {
                let Some(fields) = call.argument("field", 0) else { return wrong(span) };
                let kind = call.named("type").and_then(text_of).unwrap_or("any");
                let list = format!("ioc:{kind}");
                let parts =
                    fields.items().iter().filter_map(text_of).map(|field| in_list(field, &list, span)).collect();
                Planned::new(PlannedKind::Any(parts), span)
            }
            ("text:contains" | "text:startswith" | "text:endswith", _) => {
                let names = match call.name.to_ascii_lowercase().as_str() {
                    "text:contains" => ("substring", Relation::Contains),
                    "text:startswith" => ("prefix", Relation::StartsWith),
                    _ => ("suffix", Relation::EndsWith),
                };
                let (Some(text), Some(part)) = (call.argument("string", 0), call.argument(names.0, 1)) else {
                    return wrong(span);
                };
                let rule = comparison(names.1, is_true(call, "ignoreCase"));
                let (left, right) = (self.computed(text), self.computed(part));
                Planned::new(PlannedKind::Compare(rule, Box::new(left), Operand::One(Box::new(right))), span)
            }
            ("array:contains", _) => {
                let (Some(array), Some(value)) =
                    (call.argument("array", 0).and_then(text_of), call.argument("value", 1))
                else {
                    return wrong(span);
                };
                let left = self.field(array.trim_end_matches("[]"), span);
                self.one_of(left, std::slice::from_ref(value), false, span)
            }
            ("array:regex", _) => {
                let (Some(array), Some(regex)) =
                    (call.argument("array", 0).and_then(text_of), call.argument("regex", 1))
                else {
                    return wrong(span);
                };
                let left = self.field(array.trim_end_matches("[]"), span);
                let flags = call.named("flags").and_then(text_of).unwrap_or_default();
                self.matches(left, regex, flags, span)
            }
            ("dropevent", _) => Planned::new(PlannedKind::Const(Const::bool(false)), span),
            // Which events of a sample are kept, none of them says.
            ("sample", _) => Planned::new(PlannedKind::Const(Const::bool(true)), span),
            ("in" | "cidr", None) => wrong(span),
            _ => {
                let text = self.line(span);
                Planned::new(PlannedKind::Computed { of: Vec::new(), text: Some(text) }, span)
            }
        }
    }

    fn matches(&mut self, left: Planned, regex: &Expr, flags: &str, span: Span) -> Planned {
        let (text, own_flags) = match &regex.kind {
            ExprKind::Regex(text, own_flags) => (text.as_str(), own_flags.as_str()),
            _ => match text_of(regex) {
                Some(text) => (text, ""),
                None => return Planned::opaque("value is not read", span),
            },
        };
        let kind = PatternKind::Regex(text.to_owned(), format!("{own_flags}{flags}"));
        let pattern = Pattern { kind, span: regex.span };
        self.compared(left, crate::ast::CompareOp::Equal, &pattern, span)
    }

    fn in_networks(&mut self, left: Planned, field: &str, call: &'t Call, shift: usize) -> Planned {
        let span = call.span;
        if let Some(file) = call.named("file").and_then(text_of) {
            return in_list(field, file, span);
        }
        let networks = call.argument("subnet", shift).map(Expr::items).unwrap_or_default();
        let mut constants = Vec::with_capacity(networks.len());
        for network in networks {
            let constant = match (&network.kind, text_of(network)) {
                (ExprKind::Parameter(parameter), _) => Const::new(parameter.name.as_str(), ConstKind::Parameter),
                (_, Some(text)) => self.text(text),
                _ => return Planned::opaque("value is not read", span),
            };
            constants.push(Planned::new(PlannedKind::Const(constant), network.span));
        }
        if constants.is_empty() {
            return wrong(span);
        }
        let rule = comparison(Relation::Cidr, true);
        let found = Planned::new(PlannedKind::Compare(rule, Box::new(left), Operand::AnyOf(constants)), span);
        if is_true(call, "negate") { Planned::new(PlannedKind::Not(Box::new(found)), span) } else { found }
    }

    /// Whether a file has a row for a field's value; with `strict=false` it only adds columns.
    fn in_file(&mut self, field: &str, call: &'t Call) -> Planned {
        let span = call.span;
        if call.named("strict").and_then(text_of) == Some("false") {
            return Planned::new(PlannedKind::Const(Const::bool(true)), span);
        }
        match file_of(call) {
            Some(file) => {
                let left = self.field(field, span);
                match &left.kind {
                    PlannedKind::Name(name) => in_list(name, file, span),
                    // What a clause calls so is computed.
                    _ => {
                        let text = self.line(span);
                        Planned::new(PlannedKind::Computed { of: Vec::new(), text: Some(text) }, span)
                    }
                }
            }
            None => wrong(span),
        }
    }

    /// `match` as a step: a condition, and the columns that the table adds.
    pub fn match_step(&mut self, call: &'t Call, applied: Option<&'t str>, flow: &mut Flow) {
        let is_open = call.named("strict").and_then(text_of) == Some("false");
        let file = file_of(call);
        if let Some(table) = file.filter(|file| self.tables.contains(*file)) {
            return self.table_match(table, is_open, call, flow);
        }
        let condition = self.call_condition(call, applied);
        if !is_open {
            flow.push(Operation::Filter(condition));
        }
        let included: Vec<Rc<str>> = call
            .named("include")
            .map(Expr::items)
            .unwrap_or_default()
            .iter()
            .filter_map(text_of)
            .map(name_of)
            .collect();
        let key =
            applied.or_else(|| call.named("field").map(Expr::items).and_then(|items| items.first()).and_then(text_of));
        if let (Some(file), Some(key)) = (file, key)
            && !included.is_empty()
        {
            let key = self.field(key, call.span);
            flow.push(Operation::Lookup(Lookup {
                list: name_of(file),
                key: Some(key),
                names: Some(included),
                tables: Vec::new(),
                kind: JoinKind::Outer,
            }));
        }
    }
}

/// The file or table of a match.
fn file_of(call: &Call) -> Option<&str> {
    call.named("file").or_else(|| call.argument("table", 0)).and_then(text_of)
}

fn in_list(field: &str, list: &str, span: Span) -> Planned {
    let mut predicate = Predicate::new(super::plain_name(field), Op::InList, [list]);
    predicate.span = span;
    Planned::new(PlannedKind::Condition(Rc::new(Node::from(predicate))), span)
}

/// Whether an argument says `true`.
pub(super) fn is_true(call: &Call, name: &str) -> bool {
    call.named(name).and_then(text_of).is_some_and(|text| text.eq_ignore_ascii_case("true"))
}

fn wrong(span: Span) -> Planned {
    Planned::opaque("argument is missing", span)
}

/// Whether a filter is nothing but `*`.
pub(super) fn is_anything(filter: &Filter) -> bool {
    matches!(&filter.kind, crate::ast::FilterKind::Free(Pattern { kind: PatternKind::Text(text), .. }) if text.chars().all(|c| c == '*'))
}
