//! Calls: of the available modules, of what Python and Panther bring along, of methods.

use std::rc::Rc;

use ruleatlas_core::BUDGET;
use ruleatlas_model::{Node, Op, Span};

use crate::{
    follow::{Arguments, Follow, Frame},
    syntax::{Argument, Comparison, Expr, Kind, Shape, Text},
    value::{Absent, Case, Field, Holds, Item, Value},
};

/// Functions whose meaning is known here, by the name they are imported by. Their modules are not asked.
const KNOWN: [&str; 17] = [
    "panther_base_helpers.deep_get",
    "panther_base_helpers.deep_walk",
    "panther_base_helpers.pattern_match",
    "panther_base_helpers.pattern_match_list",
    "panther_base_helpers.is_ip_in_network",
    "panther_base_helpers.listify",
    "panther_base_helpers.get_val_from_list",
    "panther_base.deep_get",
    "panther_base.deep_walk",
    "panther_base.pattern_match",
    "panther_base.pattern_match_list",
    "fnmatch.fnmatch",
    "fnmatch.fnmatchcase",
    "json.loads",
    "ipaddress.ip_address",
    "ipaddress.ip_network",
    "ast.literal_eval",
];

pub(crate) fn is_known(name: &str) -> bool {
    KNOWN.contains(&name)
}

/// Networks that Python calls private: the IANA registries of special-purpose addresses, without those that are
/// reachable from everywhere.
const PRIVATE: [&str; 22] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/29",
    "192.0.0.170/31",
    "192.0.2.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "240.0.0.0/4",
    "255.255.255.255/32",
    "::1/128",
    "::/128",
    "100::/64",
    "2001:2::/48",
    "2001:db8::/32",
    "2001:10::/28",
    "fc00::/7",
    "fe80::/10",
];

impl Follow<'_> {
    pub(crate) fn call_expr(&mut self, function: &Expr, list: &[Argument], frame: &mut Frame, span: Span) -> Value {
        if let Kind::Attribute(inner, name) = &function.kind {
            let target = self.expr(inner, frame);
            let arguments = self.arguments(list, frame);
            return self.method(&target, name, arguments, span);
        }
        let target = self.expr(function, frame);
        let arguments = self.arguments(list, frame);
        self.call(&target, arguments, span)
    }

    pub(crate) fn call(&mut self, target: &Value, arguments: Arguments, span: Span) -> Value {
        self.spend(1);
        if self.is_spent() {
            return self.unknown(BUDGET, span);
        }
        match target {
            Value::Function(closure) => self.call_function(closure, arguments, span),
            Value::Name(name) => {
                let value = self.outside(name, arguments, span);
                self.throw_unknown(&value);
                value
            }
            Value::Method(method) => self.method(&method.0, &method.1, arguments, span),
            Value::Unknown(unknown) => self.unknown(unknown.reason, span),
            Value::Either(either) => {
                let copy = Arguments { positional: arguments.positional.clone(), named: arguments.named.clone() };
                let not = either.condition.clone().not();
                let then = self.guarded(&either.condition, |this| this.call(&either.then, copy, span));
                let otherwise = self.guarded(&not, |this| this.call(&either.otherwise, arguments, span));
                Value::either(either.condition.clone(), then, otherwise)
            }
            Value::None => {
                self.throw("TypeError", Node::always());
                self.raised(span)
            }
            _ => self.unknown("call of something that is no function", span),
        }
    }

    pub(crate) fn attribute(&mut self, value: &Value, name: &Text, span: Span) -> Value {
        match value {
            Value::Name(module) => self.member(module, name, span),
            Value::Address(inner) => match &**name {
                "is_private" => {
                    let networks: Vec<String> = PRIVATE.iter().map(|text| (*text).to_owned()).collect();
                    Value::test(self.in_networks(&inner.clone(), &networks, span))
                }
                "is_global" => {
                    let networks: Vec<String> = PRIVATE.iter().map(|text| (*text).to_owned()).collect();
                    Value::test(self.in_networks(&inner.clone(), &networks, span).not())
                }
                "is_loopback" => {
                    let networks = ["127.0.0.0/8".to_owned(), "::1/128".to_owned()];
                    Value::test(self.in_networks(&inner.clone(), &networks, span))
                }
                "is_link_local" => {
                    let networks = ["169.254.0.0/16".to_owned(), "fe80::/10".to_owned()];
                    Value::test(self.in_networks(&inner.clone(), &networks, span))
                }
                _ => self.unknown("property of an address", span),
            },
            Value::None => {
                self.throw("AttributeError", Node::always());
                self.raised(span)
            }
            Value::Unknown(unknown) => self.unknown(unknown.reason, span),
            Value::Regex(regex) if &**name == "pattern" => Value::Text(regex.pattern.clone()),
            _ => Value::Method(Rc::new((value.clone(), name.clone()))),
        }
    }

    /// A function of Python or of a package, or one whose module is not available.
    fn outside(&mut self, name: &Text, arguments: Arguments, span: Span) -> Value {
        let first = arguments.positional.first().cloned();
        let second = arguments.positional.get(1).cloned();
        let short = name.rsplit_once('.').map_or(&**name, |(_, last)| last);
        match (&**name, &first) {
            ("bool", Some(value)) => Value::test(self.truth(value, span)),
            ("bool", None) => Value::Bool(false),
            ("any", Some(value)) => self.any(value, span),
            ("all", Some(value)) => self.all(value, span),
            ("len", Some(value)) => {
                self.throw_none("TypeError", value, span);
                self.length(value, span)
            }
            ("str", Some(value)) => self.as_text(value),
            ("str", None) => Value::text(""),
            ("int" | "float", Some(value)) => self.as_number_value(value, name, second.as_ref(), span),
            ("set" | "list" | "tuple" | "frozenset" | "sorted" | "reversed" | "iter", Some(value)) => {
                self.as_list(name, value, span)
            }
            ("set" | "frozenset", None) => Value::list(Shape::Set, []),
            ("list", None) => Value::list(Shape::List, []),
            ("tuple", None) => Value::list(Shape::Tuple, []),
            ("dict", None) => Value::Dict(Rc::new(
                arguments.named.into_iter().map(|(key, value)| (Value::Text(key), value)).collect(),
            )),
            ("dict", Some(value @ (Value::Dict(_) | Value::Field(_) | Value::Event | Value::Keyed(_)))) => {
                value.clone()
            }
            ("isinstance", Some(value)) => self.is_instance(value, second.as_ref(), span),
            ("hasattr", Some(Value::Event)) => Value::Bool(
                matches!(&second, Some(Value::Text(name)) if matches!(&**name, "get" | "deep_get" | "deep_walk" | "udm")),
            ),
            ("next", Some(value)) => self.first_of(value, second, span),
            ("min" | "max" | "sum" | "abs" | "round" | "ord" | "hash", Some(Value::Unknown(unknown))) => {
                self.unknown(unknown.reason, span)
            }
            ("min" | "max" | "sum" | "abs" | "round" | "ord" | "hash", _) => Value::Computed(self.text_at(span).into()),
            ("range", _) => self.range(&arguments, span),
            ("enumerate", Some(Value::List(_, items))) => {
                let pairs = items.iter().enumerate().map(|(at, item)| Item {
                    value: Value::list(Shape::Tuple, [Value::Number(at.to_string().into()), item.value.clone()]),
                    ..item.clone()
                });
                Value::List(Shape::List, Rc::new(pairs.collect()))
            }
            ("enumerate", Some(value)) => match self.items(value, span) {
                Some(items) => {
                    let at = Value::Computed(self.text_at(span).into());
                    let pairs = items
                        .into_iter()
                        .map(|item| Item { value: Value::list(Shape::Tuple, [at.clone(), item.value]), ..item });
                    Value::List(Shape::List, Rc::new(pairs.collect()))
                }
                None => self.unknown("loop over something that is not known", span),
            },
            ("filter", Some(function)) => self.filtered(function, second.as_ref(), span),
            ("map", Some(function)) => match second.and_then(|value| self.items(&value, span)) {
                Some(items) => {
                    let mapped = items.into_iter().map(|item| {
                        let arguments = Arguments { positional: vec![item.value.clone()], named: Vec::new() };
                        Item { value: self.call(function, arguments, span), ..item }
                    });
                    let mapped: Vec<Item> = mapped.collect();
                    Value::List(Shape::List, Rc::new(mapped))
                }
                None => self.unknown("loop over something that is not known", span),
            },
            ("print" | "panther_base_helpers.dbprint", _) => Value::None,
            _ => self.library(name, short, &arguments, span),
        }
    }

    /// `int(…)` and `float(…)`.
    fn as_number_value(&mut self, value: &Value, name: &str, base: Option<&Value>, span: Span) -> Value {
        if self.tries > 0 && base.is_some() {
            let part = Node::opaque(self.text_at(span), "number of another base", self.place(span));
            self.throw("ValueError", part);
        } else {
            self.throw_no_number(value, name == "float", span);
        }
        match value {
            Value::Text(text) if crate::value::number_of(text).is_some() => Value::Number(text.clone()),
            Value::Field(field) => {
                Value::field(Field { holds: Holds::Number, absent: as_number(&field.absent), ..(**field).clone() })
            }
            Value::Either(either) => {
                let not = either.condition.clone().not();
                let then = self.guarded(&either.condition, |this| this.as_number_value(&either.then, name, base, span));
                let otherwise = self.guarded(&not, |this| this.as_number_value(&either.otherwise, name, base, span));
                Value::either(either.condition.clone(), then, otherwise)
            }
            other => other.clone(),
        }
    }

    fn as_text(&mut self, value: &Value) -> Value {
        match value {
            Value::Number(number) => Value::Text(number.clone()),
            Value::Bool(value) => Value::text(if *value { "True" } else { "False" }),
            Value::None => Value::text("None"),
            Value::Field(field) => {
                let absent = match &field.absent {
                    Absent::Is(default) => Absent::Is(self.as_text(&default.clone())),
                    Absent::Raises => Absent::Raises,
                };
                Value::field(Field { holds: Holds::Text, absent, ..(**field).clone() })
            }
            other => other.clone(),
        }
    }

    fn as_list(&mut self, name: &str, value: &Value, span: Span) -> Value {
        self.throw_none("TypeError", value, span);
        let shape = match name {
            "set" | "frozenset" => Shape::Set,
            "tuple" => Shape::Tuple,
            _ => Shape::List,
        };
        match value {
            Value::List(_, items) => Value::List(shape, items.clone()),
            Value::Field(field) => {
                // What is made a list was one, or is a text whose letters nobody wants.
                Value::field(Field { holds: Holds::List, ..(**field).clone() })
            }
            Value::Dict(_) | Value::Keyed(_) | Value::Either(_) => match self.items(value, span) {
                Some(items) => Value::List(shape, Rc::new(items)),
                None => self.unknown("loop over something that is not known", span),
            },
            other => other.clone(),
        }
    }

    /// `any(…)`.
    fn any(&mut self, value: &Value, span: Span) -> Value {
        let Some(items) = self.items(value, span) else {
            return self.followed_reason(value, span);
        };
        self.note_empty(items.is_empty(), span);
        let mut some = Vec::with_capacity(items.len());
        for item in &items {
            let test = self.truth(&item.value, span);
            let node = self.exists(item, test, span);
            if node.as_constant() == Some(true) {
                return Value::Bool(true);
            }
            some.push(node);
        }
        Value::test(Node::any(some))
    }

    /// `all(…)`: of a list in the event, that no element is otherwise.
    fn all(&mut self, value: &Value, span: Span) -> Value {
        let Some(items) = self.items(value, span) else {
            return self.followed_reason(value, span);
        };
        self.note_empty(items.is_empty(), span);
        let mut every = Vec::with_capacity(items.len());
        for item in &items {
            let test = self.truth(&item.value, span);
            if item.over.is_some() {
                self.note("every element of a list is asked for", span);
                let list = item.over.clone();
                let missing = match &list {
                    Some(list) => self.missing(&list.path, span),
                    None => Node::never(),
                };
                every.push(Node::any([missing, item.guard.clone().not(), test]));
                continue;
            }
            every.push(Node::any([item.guard.clone().not(), test]));
        }
        Value::test(Node::all(every))
    }

    pub(crate) fn followed_reason(&mut self, value: &Value, span: Span) -> Value {
        match value {
            Value::Unknown(unknown) => self.unknown(unknown.reason, span),
            _ => self.unknown("loop over something that is not known", span),
        }
    }

    /// A length: known, or a comparison of something computed.
    fn length(&mut self, value: &Value, span: Span) -> Value {
        match value {
            Value::Text(text) => Value::Number(text.chars().count().to_string().into()),
            Value::List(_, items)
                if items.iter().all(|item| item.guard.as_constant() == Some(true) && item.over.is_none()) =>
            {
                Value::Number(items.len().to_string().into())
            }
            Value::Dict(entries) => Value::Number(entries.len().to_string().into()),
            Value::Unknown(unknown) => self.unknown(unknown.reason, span),
            // `len(x) > 0` asks whether there is anything: told apart from a length that matters by the comparison.
            Value::List(..) | Value::Field(_) | Value::Test(_) | Value::Split(_) => {
                Value::Length(Rc::new((value.clone(), self.text_at(span).into())))
            }
            _ => Value::Computed(self.text_at(span).into()),
        }
    }

    /// A length compared with a number.
    pub(crate) fn compare_length(
        &mut self,
        length: &(Value, Text),
        op: Comparison,
        number: &Value,
        span: Span,
    ) -> Node {
        let (value, text) = length;
        let bound = match number {
            Value::Number(number) => crate::value::number_of(number),
            _ => None,
        };
        let zero = |bound: f64| bound.abs() < f64::EPSILON;
        let one = |bound: f64| (bound - 1.0).abs() < f64::EPSILON;
        let wanted = match (op, bound) {
            (Comparison::Greater | Comparison::NotEqual, Some(bound)) if zero(bound) => Some(true),
            (Comparison::GreaterEqual, Some(bound)) if one(bound) => Some(true),
            (Comparison::Equal | Comparison::LessEqual, Some(bound)) if zero(bound) => Some(false),
            (Comparison::Less, Some(bound)) if one(bound) => Some(false),
            _ => None,
        };
        if let Some(wanted) = wanted {
            let some = self.truth(value, span);
            return if wanted { some } else { some.not() };
        }
        if let Value::List(_, items) = value
            && items.iter().all(|item| item.over.is_none())
            && let Some(bound) = bound
            && items.len() <= 12
        {
            return self.count(items, op, bound);
        }
        let folded = match op {
            Comparison::Less => Op::Lt,
            Comparison::LessEqual => Op::Lte,
            Comparison::Greater => Op::Gt,
            Comparison::GreaterEqual => Op::Gte,
            _ => Op::Eq,
        };
        let node = self.computed(&text.clone(), folded, number.clone(), span);
        if matches!(op, Comparison::NotEqual | Comparison::IsNot) { crate::nodes::negated(node) } else { node }
    }

    /// How many of a few conditions hold, compared with a number: written out.
    fn count(&mut self, items: &[Item], op: Comparison, bound: f64) -> Node {
        let within = |count: usize| {
            #[allow(clippy::cast_precision_loss)]
            let count = count as f64;
            match op {
                Comparison::Less => count < bound,
                Comparison::LessEqual => count <= bound,
                Comparison::Greater => count > bound,
                Comparison::GreaterEqual => count >= bound,
                Comparison::NotEqual => (count - bound).abs() > f64::EPSILON,
                _ => (count - bound).abs() < f64::EPSILON,
            }
        };
        // From the last condition on: what holds if so many of those before do.
        let mut rows: Vec<Node> = (0..=items.len()).map(|count| Node::constant(within(count))).collect();
        for (at, item) in items.iter().enumerate().rev() {
            let mut next = Vec::with_capacity(at + 1);
            for count in 0..=at {
                let (more, same) = (rows[count + 1].clone(), rows[count].clone());
                next.push(self.chosen(item.guard.clone(), more, same));
            }
            rows = next;
        }
        rows.into_iter().next().unwrap_or_else(Node::never)
    }

    fn is_instance(&mut self, value: &Value, kind: Option<&Value>, span: Span) -> Value {
        let wanted: Vec<Text> = match kind {
            Some(Value::Name(name)) => vec![name.clone()],
            Some(Value::List(_, items)) => items
                .iter()
                .filter_map(|item| if let Value::Name(name) = &item.value { Some(name.clone()) } else { None })
                .collect(),
            _ => Vec::new(),
        };
        let has = |names: &[&str]| {
            wanted.iter().any(|name| names.contains(&name.rsplit_once('.').map_or(&**name, |(_, last)| last)))
        };
        let known = match value {
            Value::Text(_) | Value::Joined(_) => Some(has(&["str", "Hashable"])),
            Value::None => Some(has(&["NoneType"])),
            Value::Bool(_) | Value::Test(_) => Some(has(&["bool", "int"])),
            Value::Number(_) => Some(has(&["int", "float"])),
            Value::List(..) | Value::Split(_) => Some(has(&["list", "tuple", "set", "Sequence", "Iterable"])),
            Value::Dict(_) | Value::Event | Value::Keyed(_) => Some(has(&["dict", "Mapping", "PantherEvent"])),
            _ => None,
        };
        if wanted.iter().any(|name| name.ends_with("MagicMock")) {
            return Value::Bool(false);
        }
        match (known, value) {
            (Some(known), _) => Value::Bool(known),
            (None, Value::Field(field)) => {
                // The type of what the event holds is not known: what is there is taken to be of the type asked for.
                self.note("type of a field is taken to be the one asked for", span);
                Value::test(self.present(&field.path, span))
            }
            (None, Value::Unknown(unknown)) => self.unknown(unknown.reason, span),
            (None, Value::Either(either)) => {
                let then = self.is_instance(&either.then, kind, span);
                let otherwise = self.is_instance(&either.otherwise, kind, span);
                Value::either(either.condition.clone(), then, otherwise)
            }
            _ => self.unknown("type is not known", span),
        }
    }

    /// `next(iterator, default)`.
    fn first_of(&mut self, value: &Value, default: Option<Value>, span: Span) -> Value {
        let Some(items) = self.items(value, span) else { return self.followed_reason(value, span) };
        let mut found = match default {
            Some(default) => default,
            None => {
                let some: Vec<Node> = items.iter().map(|item| self.exists(item, Node::always(), span)).collect();
                self.throw("StopIteration", Node::any(some).not());
                self.unknown("iterator is empty", span)
            }
        };
        for item in items.iter().rev() {
            let there = self.exists(item, Node::always(), span);
            found = Value::either(there, item.value.clone(), found);
        }
        found
    }

    fn range(&mut self, arguments: &Arguments, span: Span) -> Value {
        let numbers: Option<Vec<i64>> = arguments
            .positional
            .iter()
            .map(|value| if let Value::Number(number) = value { number.parse().ok() } else { None })
            .collect();
        let bounds = match numbers.as_deref() {
            Some([to]) => Some((0, *to)),
            Some([from, to]) => Some((*from, *to)),
            _ => None,
        };
        match bounds {
            Some((from, to)) if to.saturating_sub(from) <= 256 => {
                Value::list(Shape::List, (from..to).map(|number| Value::Number(number.to_string().into())))
            }
            _ => self.unknown("loop over something that is not known", span),
        }
    }

    fn filtered(&mut self, function: &Value, list: Option<&Value>, span: Span) -> Value {
        let Some(items) = list.and_then(|list| self.items(list, span)) else {
            return self.unknown("loop over something that is not known", span);
        };
        let mut kept = Vec::with_capacity(items.len());
        for item in items {
            let value = match function {
                Value::None => item.value.clone(),
                function => {
                    let arguments = Arguments { positional: vec![item.value.clone()], named: Vec::new() };
                    self.call(function, arguments, span)
                }
            };
            let test = self.truth(&value, span);
            let guard = Node::all([item.guard, test]);
            if guard.as_constant() != Some(false) {
                kept.push(Item { guard, value: item.value, over: item.over });
            }
        }
        Value::List(Shape::List, Rc::new(kept))
    }
}

fn as_number(absent: &Absent) -> Absent {
    match absent {
        Absent::Is(Value::Text(text)) if crate::value::number_of(text).is_some() => {
            Absent::Is(Value::Number(text.clone()))
        }
        Absent::Is(Value::None) => Absent::Raises,
        other => other.clone(),
    }
}

/// The text of a field with another rule of case.
pub(crate) fn recased(field: &Field, case: Case) -> Field {
    let absent = match &field.absent {
        Absent::Is(Value::Text(text)) => Absent::Is(Value::Text(match case {
            Case::Upper => text.to_uppercase().into(),
            Case::Lower => text.to_lowercase().into(),
            Case::Exact => text.clone(),
        })),
        Absent::Is(Value::None) => Absent::Raises,
        other => other.clone(),
    };
    Field { case, holds: Holds::Text, absent, ..field.clone() }
}
