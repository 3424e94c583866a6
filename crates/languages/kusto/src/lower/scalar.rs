//! Expressions: what each stands for.

use std::rc::Rc;

use ruleatlas_model::{Node, Op};

use super::aggregate::is_default_name;
use super::condition::Side;
use super::scope::{Binding, ScopeRef};
use super::stage::{plain, text};
use super::value::{Arm, Const, Field, Rows, Value};
use super::{Lowering, Place, constant};
use crate::ast::{Argument, Expr, ExprKind, LiteralKind};

/// Functions that do not change what is compared: their first argument is looked through.
const TRANSPARENT: &[&str] = &[
    "tostring",
    "toguid",
    "toint",
    "tolong",
    "todouble",
    "toreal",
    "todecimal",
    "tobool",
    "toboolean",
    "todatetime",
    "totimespan",
    "todynamic",
    "toobject",
    "parse_json",
    "parsejson",
    "parse_xml",
    "dynamic_to_json",
    "materialize",
    "array_sort_asc",
    "array_sort_desc",
    "assert",
    "strip_edges",
    "make_string",
    "ensure_string",
];

/// Functions whose result is cut out of, or made of the text of, one argument.
const CUTTING: &[&str] = &[
    "split",
    "extract",
    "extract_all",
    "extractall",
    "extract_json",
    "extractjson",
    "parse_url",
    "parse_urlquery",
    "parse_path",
    "parse_user_agent",
    "parse_command_line",
    "parse_version",
    "parse_ipv4",
    "parse_ipv4_mask",
    "parse_ipv6",
    "parse_ipv6_mask",
    "parse_csv",
    "replace",
    "replace_string",
    "replace_strings",
    "replace_regex",
    "translate",
    "url_decode",
    "url_encode",
    "base64_decode_tostring",
    "base64_decodestring",
    "base64_decode_toarray",
    "base64_encode_tostring",
    "reverse",
    "geo_info_from_ip_address",
    "bag_keys",
    "array_slice",
    "strcat_array",
    "format_ipv4",
    "format_ipv4_mask",
    "zip",
    "gzip_decompress_from_base64_string",
    "bag_remove_keys",
    "set_difference",
    "set_intersect",
    "array_reverse",
    "punycode_to_string",
    "punycode_domain_to_string",
    "unicode_codepoints_from_string",
    "bag_set_key",
    "bag_zip",
    "treepath",
    "has_any_index",
];

/// Functions that give a time for a time.
const TIME_KEEPING: &[&str] = &[
    "bin",
    "bin_at",
    "floor",
    "startofday",
    "endofday",
    "startofweek",
    "endofweek",
    "startofmonth",
    "endofmonth",
    "startofyear",
    "endofyear",
    "datetime_utc_to_local",
    "datetime_local_to_utc",
    "datetime_add",
];

/// Why the result of a function that is not in the query is not known.
pub(super) const UNDEFINED: &str = "function is not defined";

/// Whether a column made by a function without a name keeps its argument's.
pub(super) fn keeps_name(function: &str) -> bool {
    TRANSPARENT.contains(&function) || TIME_KEEPING.contains(&function) || matches!(function, "tolower" | "toupper")
}

/// The columns that hold when an event happened or was taken in.
fn is_event_time(name: &str) -> bool {
    matches!(name, "TimeGenerated" | "Timestamp" | "TIMESTAMP" | "_TimeReceived")
}

impl<'a> Lowering<'a, '_> {
    /// What an expression stands for.
    pub(super) fn scalar(&mut self, expr: &'a Expr<'a>, place: Place<'_, 'a>) -> Value<'a> {
        if !self.enter() {
            return Value::Computed;
        }
        let value = self.scalar_of(expr, place);
        self.leave();
        value
    }

    fn scalar_of(&mut self, expr: &'a Expr<'a>, place: Place<'_, 'a>) -> Value<'a> {
        match &expr.kind {
            ExprKind::Name(name) => self.name(name, place),
            ExprKind::Literal(literal) => Value::Const(Const::of(literal)),
            ExprKind::Dynamic(json) => Value::of_json(json),
            ExprKind::Star => Value::field(""),
            ExprKind::Broken(reason) => Value::Unknown(Rc::from(*reason)),
            ExprKind::Member(base, name) => {
                if matches!(base.as_name(), Some("$left" | "$right")) {
                    return self.name(name, place);
                }
                self.scalar(base, place).member(name)
            }
            ExprKind::Index(base, index) => {
                if matches!(base.as_name(), Some("$left" | "$right"))
                    && let Some(name) = index.as_string()
                {
                    return self.name(name, place);
                }
                let base = self.scalar(base, place);
                match self.scalar(index, place) {
                    Value::Const(key) if key.kind == LiteralKind::Number => base.element(&key.text),
                    Value::Const(key) => base.member(&key.text),
                    _ => base.origin().map_or(Value::Computed, Value::Cut),
                }
            }
            ExprKind::Negative(inner) => match self.scalar(inner, place) {
                Value::Const(number) => Value::Const(Const::new(&format!("-{}", number.text), number.kind)),
                _ => Value::Computed,
            },
            ExprKind::Arithmetic(sign, left, right) => {
                let (left, right) = (self.scalar(left, place), self.scalar(right, place));
                arithmetic(*sign, &left, &right)
            }
            ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::Compare(..)
            | ExprKind::CompareList(..)
            | ExprKind::Between { .. } => self.condition_value(expr, place),
            ExprKind::Call(name, arguments) => self.call(expr, name, arguments, place),
            ExprKind::Pipeline(_)
            | ExprKind::Union(_)
            | ExprKind::Search(_)
            | ExprKind::Print(_)
            | ExprKind::Range(_)
            | ExprKind::Datatable { .. }
            | ExprKind::ExternalData { .. } => self.sub_query(expr, place.scope),
        }
    }

    fn condition_value(&mut self, expr: &'a Expr<'a>, place: Place<'_, 'a>) -> Value<'a> {
        let side = Side { alternative: true, ..Side::default() };
        match self.resolved(|this| this.condition(expr, place, side)) {
            Some(resolved) => match resolved.node.as_constant() {
                Some(value) => Value::Const(Const::new(if value { "true" } else { "false" }, LiteralKind::Bool)),
                None => Value::Condition(Some(Rc::new(resolved))),
            },
            None => Value::Condition(None),
        }
    }

    /// A sub-query, called by the `let` that is being read.
    fn sub_query(&self, expr: &'a Expr<'a>, scope: ScopeRef) -> Value<'a> {
        let name = self.reading_let.clone();
        Value::Rows(Rows { expr, scope, name })
    }

    fn name(&mut self, name: &str, place: Place<'_, 'a>) -> Value<'a> {
        if let Some(value) = place.columns.known.get(name) {
            return value.clone();
        }
        match self.scopes.get(place.scope, name).cloned() {
            Some(Binding::Value(value)) => return value,
            Some(Binding::Expr(expr, inner)) => return self.bound(name, expr, inner),
            Some(Binding::Function(..) | Binding::Flow(_)) => return Value::Computed,
            None => {}
        }
        if is_event_time(name) {
            return Value::Time(true);
        }
        if let Some(list) = &place.columns.list {
            return if list.is_empty() { Value::Computed } else { Value::Named(list.clone()) };
        }
        if name.starts_with('{') || (!place.columns.open && is_default_name(name)) {
            return Value::Computed;
        }
        if let Some(value) = place.columns.unpacked(name, |name| self.seen.contains(name)) {
            return value;
        }
        if let Some(value) = place.columns.looked_up(name, |name| self.seen.contains(name)) {
            return value;
        }
        if place.columns.rest_is_computed {
            return Value::Computed;
        }
        if !self.seen.contains(name) {
            self.seen.insert(Rc::from(name));
        }
        plain(name)
    }

    /// What a `let` stands for where a value is wanted.
    fn bound(&mut self, name: &str, expr: &'a Expr<'a>, scope: ScopeRef) -> Value<'a> {
        let key = (std::ptr::from_ref(expr).cast(), scope);
        if let Some(value) = self.scalars.get(&key) {
            return value.clone();
        }
        self.naming.push(Rc::from(name));
        let outer = self.reading_let.replace(Rc::from(name));
        let value = if self.is_tabular_let(expr, scope) {
            self.sub_query(expr, scope)
        } else {
            let columns = super::value::Columns::default();
            match self.scalar(expr, Place { scope, columns: &columns }) {
                // Values to be filled in by the reader: the list has a name.
                Value::List(list) if list.is_empty() => Value::Named(Rc::from([Rc::from(name)])),
                value => value,
            }
        };
        self.naming.pop();
        self.reading_let = outer;
        self.scalars.insert(key, value.clone());
        value
    }

    fn call(
        &mut self,
        expr: &'a Expr<'a>,
        name: &'a str,
        arguments: &'a [Argument<'a>],
        place: Place<'_, 'a>,
    ) -> Value<'a> {
        if let Some(Binding::Function(function, defined)) = self.scopes.get(place.scope, name).cloned() {
            if self.is_tabular(expr, place.scope) {
                return self.sub_query(expr, place.scope);
            }
            let block = self.bind_arguments(function, defined, arguments, None, place);
            return match self.body(function, block) {
                Some((result, inner)) => self.scalar(result, Place { scope: inner, columns: place.columns }),
                None => Value::Computed,
            };
        }
        let first = arguments.first().map(|argument| &argument.value);
        match name {
            "now" | "ago" | "ingestion_time" => return Value::Time(name == "ingestion_time"),
            "iff" | "iif" | "if" | "case" => return self.cases(arguments, place),
            "coalesce" => {
                let values: Vec<_> = arguments.iter().map(|argument| self.scalar(&argument.value, place)).collect();
                return Value::first(values);
            }
            "column_ifexists" | "columnifexists" => {
                return match first.map(|first| self.scalar(first, place)) {
                    Some(Value::Const(column)) => self.name(&column.text, place),
                    _ => Value::Computed,
                };
            }
            "toscalar" => {
                return match first {
                    Some(first) if self.is_tabular_let(first, place.scope) => self.sub_query(first, place.scope),
                    Some(first) => self.scalar(first, place),
                    None => Value::Computed,
                };
            }
            "materialize" | "view" if first.is_some_and(|first| self.is_tabular(first, place.scope)) => {
                return first.map_or(Value::Computed, |first| self.sub_query(first, place.scope));
            }
            "_GetWatchlist" | "table" => return self.sub_query(expr, place.scope),
            _ if super::call::is_condition(name) => return self.condition_value(expr, place),
            _ => {}
        }
        let values: Vec<Value<'a>> = arguments.iter().map(|argument| self.scalar(&argument.value, place)).collect();
        self.called(name, values)
    }

    /// The result of a function of the language for what its arguments stand for.
    fn called(&mut self, name: &str, values: Vec<Value<'a>>) -> Value<'a> {
        if let Some(value) = constant::call(name, &values) {
            return value;
        }
        let first = values.first();
        if name == "pack_array" && !values.is_empty() && values.iter().all(|value| matches!(value, Value::Field(_))) {
            // `mv-expand` gives each of the fields.
            return Value::Collected(Rc::new(Value::either(values)));
        }
        if TRANSPARENT.contains(&name) {
            return values.into_iter().next().unwrap_or(Value::Computed);
        }
        if TIME_KEEPING.contains(&name) {
            let time = values.iter().find(|value| matches!(value, Value::Time(_)));
            return time.cloned().unwrap_or(Value::Computed);
        }
        match name {
            "tolower" | "toupper" => return first.map_or(Value::Computed, one_case),
            // What is trimmed stands first, or behind a pattern.
            "trim" | "trim_start" | "trim_end" => return values.into_iter().nth(1).unwrap_or(Value::Computed),
            "extractjson" | "extract_json" => {
                if let [Value::Const(path), source, ..] = values.as_slice()
                    && let Some(steps) = constant::json_path(&path.text)
                {
                    return steps.iter().fold(source.clone(), |value, step| match step {
                        constant::PathStep::Member(name) => value.member(name),
                        constant::PathStep::Element(index) => value.element(index),
                    });
                }
            }
            _ => {}
        }
        if let Some(unknown) = values.iter().find(|value| matches!(value, Value::Unknown(_))) {
            return unknown.clone();
        }
        if let Some(names) =
            values.iter().find_map(|value| if let Value::Named(names) = value { Some(names) } else { None })
        {
            return Value::Named(names.clone());
        }
        if CUTTING.contains(&name) {
            return values.iter().find_map(Value::origin).map_or(Value::Computed, Value::Cut);
        }
        if name == "strcat" && values.len() == 1 {
            return values.into_iter().next().unwrap_or(Value::Computed);
        }
        if super::call::is_scalar_function(name) { Value::Computed } else { Value::Unknown(Rc::from(UNDEFINED)) }
    }

    /// `iff(c, a, b)`, `case(c1, a, c2, b, …, rest)`.
    fn cases(&mut self, arguments: &'a [Argument<'a>], place: Place<'_, 'a>) -> Value<'a> {
        const MOST: usize = 64;
        let Some((rest, pairs)) = arguments.split_last() else { return Value::Computed };
        if pairs.len() % 2 != 0 || pairs.len() / 2 > MOST {
            return Value::Computed;
        }
        let mut arms = Vec::new();
        for pair in pairs.chunks_exact(2) {
            let [condition, value] = pair else { continue };
            let side = Side { alternative: true, ..Side::default() };
            let resolved = self.resolved(|this| this.condition(&condition.value, place, side));
            let value = self.scalar(&value.value, place);
            match resolved.as_ref().and_then(|resolved| resolved.node.as_constant()) {
                Some(true) if arms.is_empty() => return value,
                Some(false) => {}
                _ => arms.push((resolved.map(Rc::new), value)),
            }
        }
        let rest = self.scalar(&rest.value, place);
        if let Some(values) = replacing(&arms, &rest) {
            return Value::first(values);
        }
        // Whatever the conditions, the value is the same.
        if arms.iter().all(|(_, value)| value.is_same(&rest)) {
            return rest;
        }
        Value::Cases(arms.into(), Rc::new(rest))
    }
}

/// What cases choose from that are written to replace empty values: `iff(isnotempty(a), a, b)`, `iff(isempty(a), b, a)`
/// and `case(isnotempty(a), a, isnotempty(b), b, c)` are `coalesce`.
fn replacing<'a>(arms: &[Arm<'a>], rest: &Value<'a>) -> Option<Vec<Value<'a>>> {
    let tests = |node: &Node, value: &Value<'a>| -> Option<bool> {
        let (node, inverted) = match node {
            Node::Not(inner) => (&**inner, true),
            node => (node, false),
        };
        let (Node::Predicate(predicate), Value::Field(field)) = (node, value) else { return None };
        let is_same = predicate.raw_field == *field.path && predicate.op.is_presence();
        is_same.then_some((predicate.op == Op::IsNotNull) != (inverted != predicate.negated))
    };
    if let [(Some(node), value)] = arms
        && tests(&node.node, rest) == Some(false)
    {
        return Some(vec![rest.clone(), value.clone()]);
    }
    let is_present = |(resolved, value): &Arm<'a>| {
        resolved.as_ref().is_some_and(|resolved| tests(&resolved.node, value) == Some(true))
    };
    let all = !arms.is_empty() && arms.iter().all(is_present);
    all.then(|| arms.iter().map(|(_, value)| value.clone()).chain([rest.clone()]).collect())
}

fn one_case<'a>(value: &Value<'a>) -> Value<'a> {
    match value {
        Value::Field(field) => Value::Field(Field { one_case: true, ..field.clone() }),
        Value::Either(values) => Value::either(values.iter().map(one_case)),
        Value::First(values) => Value::first(values.iter().map(one_case)),
        Value::Outer(outer) => outer.with(one_case(&outer.value)),
        Value::Cases(arms, rest) => Value::each(arms, rest, one_case),
        Value::Const(constant) => text(&constant.text.to_lowercase()),
        other => other.clone(),
    }
}

fn arithmetic<'a>(sign: char, left: &Value<'a>, right: &Value<'a>) -> Value<'a> {
    match (left, right) {
        (Value::Const(a), Value::Const(b)) => constant::arithmetic(sign, a, b).map_or(Value::Computed, Value::Const),
        (Value::Named(names), _) | (_, Value::Named(names)) => Value::Named(names.clone()),
        (Value::Unknown(name), _) | (_, Value::Unknown(name)) => Value::Unknown(name.clone()),
        // A time moved by a duration is a time; the distance of two times is none.
        (Value::Time(event), Value::Const(_) | Value::Computed) => Value::Time(*event),
        (Value::Const(_) | Value::Computed, Value::Time(event)) if sign == '+' => Value::Time(*event),
        _ => Value::Computed,
    }
}
