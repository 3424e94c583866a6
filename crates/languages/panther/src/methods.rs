//! Methods of the event, of what it holds, and of what a module spells out.

use std::rc::Rc;

use ruleatlas_core::BUDGET;
use ruleatlas_model::{Modifiers, Op, Span};

use crate::{
    calls::recased,
    expr::joined,
    follow::{Arguments, Follow, default_of, key_of},
    syntax::{Shape, Text},
    value::{Absent, Case, Field, Holds, Item, Value},
};

impl Follow<'_> {
    pub(crate) fn method(&mut self, target: &Value, name: &Text, arguments: Arguments, span: Span) -> Value {
        self.spend(1);
        if self.is_spent() {
            return self.unknown(BUDGET, span);
        }
        self.throw_none("AttributeError", target, span);
        match target {
            Value::Either(either) => {
                let copy = Arguments { positional: arguments.positional.clone(), named: arguments.named.clone() };
                let not = either.condition.clone().not();
                let then = self.guarded(&either.condition, |this| this.method(&either.then, name, copy, span));
                let otherwise = self.guarded(&not, |this| this.method(&either.otherwise, name, arguments, span));
                self.spend_nodes(&either.condition);
                Value::either(either.condition.clone(), then, otherwise)
            }
            Value::Name(module) => {
                let function = self.member(module, name, span);
                self.call(&function, arguments, span)
            }
            Value::Event => self.event_method(name, &arguments, span),
            Value::Field(field) => self.field_method(field, name, &arguments, span),
            Value::Text(text) => self.text_method(text, name, &arguments, span),
            Value::List(shape, items) => self.list_method(*shape, items, name, &arguments, span),
            Value::Dict(_) | Value::Keyed(_) => self.dict_method(target, name, &arguments, span),
            Value::Regex(regex) => match arguments.positional.first() {
                Some(text) if matches!(&**name, "search" | "match" | "fullmatch" | "findall" | "finditer") => {
                    Value::test(self.matches(regex, name, text, span))
                }
                _ => self.unknown("regular expression is used otherwise", span),
            },
            Value::Unknown(unknown) => self.unknown(unknown.reason, span),
            Value::None => self.raised(span),
            Value::Test(_) => Value::Computed(self.text_at(span).into()),
            Value::Joined(_) | Value::Computed(_) | Value::Split(_) | Value::Number(_) | Value::Length(_) => {
                match &**name {
                    "lower" | "upper" | "strip" if matches!(target, Value::Joined(_)) => {
                        self.cased_pieces(target, name, span)
                    }
                    "startswith" | "endswith" => self.edge_method(target, name, &arguments, span),
                    _ => Value::Computed(self.text_at(span).into()),
                }
            }
            Value::Address(_) | Value::Network(_) => self.unknown("property of an address", span),
            Value::Function(_) | Value::Method(_) | Value::Bool(_) => self.unknown("method is not known", span),
        }
    }

    fn cased_pieces(&mut self, target: &Value, name: &Text, span: Span) -> Value {
        let Value::Joined(pieces) = target else { return target.clone() };
        let pieces: Vec<Value> =
            pieces.iter().map(|piece| self.method(piece, name, Arguments::default(), span)).collect();
        joined(pieces)
    }

    fn event_method(&mut self, name: &str, arguments: &Arguments, span: Span) -> Value {
        let first = arguments.positional.first();
        match (name, first) {
            ("get", Some(key)) => {
                let absent = default_of(arguments.get(1, "default"));
                self.get(&Value::Event, std::slice::from_ref(key), absent, span)
            }
            ("deep_get", Some(_)) => {
                let absent = default_of(arguments.get(usize::MAX, "default"));
                self.get(&Value::Event, &arguments.positional, absent, span)
            }
            ("deep_walk", Some(_)) => self.walk(&Value::Event, &arguments.positional, arguments, span),
            ("udm", Some(key)) => match key_of(key) {
                Some(key) => {
                    let absent = default_of(arguments.get(1, "default"));
                    Value::field(Field::new(format!("udm:{key}"), absent))
                }
                None => self.unknown("key is not known", span),
            },
            ("to_dict" | "copy", _) => Value::Event,
            ("event_time_epoch" | "udm_path", _) => Value::Computed(self.text_at(span).into()),
            ("lookup" | "get_enrichment", _) => self.unknown("enrichment is looked up", span),
            _ => self.unknown("event is looked at as a whole", span),
        }
    }

    fn field_method(&mut self, field: &Rc<Field>, name: &str, arguments: &Arguments, span: Span) -> Value {
        let target = Value::Field(field.clone());
        let first = arguments.positional.first();
        match (name, first) {
            ("get", Some(key)) => {
                let absent = default_of(arguments.get(1, "default"));
                self.get(&target, std::slice::from_ref(key), absent, span)
            }
            ("deep_get", Some(_)) => {
                let absent = default_of(arguments.get(usize::MAX, "default"));
                self.get(&target, &arguments.positional, absent, span)
            }
            ("deep_walk", Some(_)) => self.walk(&target, &arguments.positional, arguments, span),
            ("lower" | "casefold", _) => Value::field(recased(field, Case::Lower)),
            ("upper", _) => Value::field(recased(field, Case::Upper)),
            ("strip" | "lstrip" | "rstrip", Some(_)) => Value::Computed(self.text_at(span).into()),
            ("strip" | "lstrip" | "rstrip", None) if field.part.is_some() => Value::Computed(self.text_at(span).into()),
            ("strip" | "lstrip" | "rstrip" | "copy" | "decode" | "encode" | "title" | "to_dict", _) => target,
            ("startswith" | "endswith", Some(_)) => self.edge_method(&target, name, arguments, span),
            ("split" | "rsplit", Some(Value::Text(separator))) if field.part.is_none() && !separator.is_empty() => {
                Value::Split(Rc::new(((**field).clone(), separator.clone())))
            }
            ("items", _) => {
                let key = self.unknown("key of a mapping in the event", span);
                let value = Value::field(Field { each: true, ..field.below("*", Absent::Raises) });
                let pair = Value::list(Shape::Tuple, [key, value]);
                let list = Rc::new((**field).clone());
                let item = Item { guard: ruleatlas_model::Node::always(), value: pair, over: Some(list) };
                Value::List(Shape::List, Rc::new(vec![item]))
            }
            ("keys" | "values", _) => self.unknown("key of a mapping in the event", span),
            ("issubset" | "issuperset" | "isdisjoint" | "intersection" | "difference", Some(_)) => {
                self.set_method(&target, name, arguments, span)
            }
            ("isdigit" | "isnumeric" | "isdecimal", _) => {
                let regex = crate::value::Regex {
                    pattern: Text::from("^[0-9]+$"),
                    ignore_case: false,
                    modifiers: Modifiers::NONE,
                };
                Value::test(self.matches(&regex, "search", &target, span))
            }
            (
                "format" | "replace" | "count" | "find" | "index" | "join" | "partition" | "rpartition" | "splitlines"
                | "removeprefix" | "removesuffix" | "split",
                _,
            ) => Value::Computed(self.text_at(span).into()),
            _ => self.unknown("method is not known", span),
        }
    }

    fn edge_method(&mut self, target: &Value, name: &str, arguments: &Arguments, span: Span) -> Value {
        let op = if name == "startswith" { Op::StartsWith } else { Op::EndsWith };
        match arguments.positional.first() {
            Some(argument) => Value::test(self.edge(target, op, argument, span)),
            None => self.unknown("argument is missing", span),
        }
    }

    fn text_method(&mut self, text: &Text, name: &str, arguments: &Arguments, span: Span) -> Value {
        let first = arguments.positional.first();
        let changed = |text: String| Value::Text(text.into());
        match (name, first) {
            ("lower" | "casefold", _) => changed(text.to_lowercase()),
            ("upper", _) => changed(text.to_uppercase()),
            ("strip", None) => changed(text.trim().to_owned()),
            ("lstrip", None) => changed(text.trim_start().to_owned()),
            ("rstrip", None) => changed(text.trim_end().to_owned()),
            ("strip" | "lstrip" | "rstrip", Some(Value::Text(set))) => {
                let in_set = |character: char| set.contains(character);
                changed(match name {
                    "strip" => text.trim_matches(in_set).to_owned(),
                    "lstrip" => text.trim_start_matches(in_set).to_owned(),
                    _ => text.trim_end_matches(in_set).to_owned(),
                })
            }
            ("replace", Some(Value::Text(from))) => match arguments.positional.get(1) {
                Some(Value::Text(to)) if !from.is_empty() && text.len() < 4096 && to.len() < 64 => {
                    changed(text.replace(&**from, to))
                }
                _ => Value::Computed(self.text_at(span).into()),
            },
            ("split", None) => Value::list(Shape::List, text.split_whitespace().take(4096).map(Value::text)),
            ("split", Some(Value::Text(separator))) if !separator.is_empty() => {
                Value::list(Shape::List, text.split(&**separator).take(4096).map(Value::text))
            }
            ("join", Some(list)) => match list {
                Value::List(_, items) if list.is_constant() => {
                    let parts: Option<Vec<String>> = items.iter().map(|item| item.value.literal()).collect();
                    match parts {
                        Some(parts) if parts.len() * text.len() < 1 << 16 => changed(parts.join(text)),
                        _ => Value::Computed(self.text_at(span).into()),
                    }
                }
                Value::List(_, items) if text.is_empty() => {
                    joined(items.iter().map(|item| item.value.clone()).collect())
                }
                Value::Unknown(unknown) => self.unknown(unknown.reason, span),
                // A list of the event in one text: what is in the text is in one of its elements, but for the seams.
                Value::Field(field) => Value::field(Field { holds: Holds::Text, ..(**field).clone() }),
                _ => Value::Computed(self.text_at(span).into()),
            },
            ("startswith" | "endswith", Some(_)) => self.edge_method(&Value::Text(text.clone()), name, arguments, span),
            ("format", _) => {
                let mut pieces = Vec::new();
                let mut arguments = arguments.positional.iter();
                let mut rest = &**text;
                while let Some((before, behind)) = rest.split_once("{}") {
                    pieces.push(Value::text(before));
                    pieces.extend(arguments.next().cloned());
                    rest = behind;
                }
                if rest.contains('{') {
                    return Value::Computed(self.text_at(span).into());
                }
                pieces.push(Value::text(rest));
                joined(pieces)
            }
            ("get" | "deep_get", _) => default_value(arguments),
            ("encode" | "decode" | "title", _) => Value::Text(text.clone()),
            ("isdigit" | "isnumeric" | "isdecimal", _) => {
                Value::Bool(!text.is_empty() && text.chars().all(|character| character.is_ascii_digit()))
            }
            _ => Value::Computed(self.text_at(span).into()),
        }
    }

    fn list_method(
        &mut self,
        shape: Shape,
        items: &Rc<Vec<Item>>,
        name: &str,
        arguments: &Arguments,
        span: Span,
    ) -> Value {
        let target = Value::List(shape, items.clone());
        match name {
            "copy" | "keys" => target,
            "union" => {
                let mut all = (**items).clone();
                for more in &arguments.positional {
                    match self.items(more, span) {
                        Some(more) => all.extend(more),
                        None => return self.unknown("list is extended by something that is not known", span),
                    }
                }
                self.list(shape, all, span)
            }
            "issubset" | "issuperset" | "isdisjoint" | "intersection" | "difference" => {
                self.set_method(&target, name, arguments, span)
            }
            "count" | "index" | "pop" => Value::Computed(self.text_at(span).into()),
            _ => self.unknown("method is not known", span),
        }
    }

    fn set_method(&mut self, target: &Value, name: &str, arguments: &Arguments, span: Span) -> Value {
        let Some(other) = arguments.positional.first() else { return self.unknown("argument is missing", span) };
        match name {
            "intersection" => self.common_elements(target, other, span),
            "difference" => self.without(target, other, span),
            "isdisjoint" => {
                let both = self.common_elements(target, other, span);
                let some = self.truth(&both, span);
                Value::test(some.not())
            }
            _ => {
                let (part, whole) = if name == "issubset" { (target, other) } else { (other, target) };
                let rest = self.without(part, whole, span);
                self.note("every element of a list is asked for", span);
                let some = self.truth(&rest, span);
                Value::test(some.not())
            }
        }
    }

    fn dict_method(&mut self, target: &Value, name: &str, arguments: &Arguments, span: Span) -> Value {
        match (name, target) {
            ("get", _) => match arguments.positional.first() {
                Some(key) => {
                    let absent = default_of(arguments.get(1, "default"));
                    self.get(target, std::slice::from_ref(key), absent, span)
                }
                None => self.unknown("argument is missing", span),
            },
            ("deep_get", _) => {
                let absent = default_of(arguments.get(usize::MAX, "default"));
                self.get(target, &arguments.positional, absent, span)
            }
            ("keys", Value::Dict(entries)) => Value::list(Shape::List, entries.iter().map(|(key, _)| key.clone())),
            ("values", Value::Dict(entries)) => {
                Value::list(Shape::List, entries.iter().map(|(_, value)| value.clone()))
            }
            ("items", Value::Dict(entries)) => Value::list(
                Shape::List,
                entries.iter().map(|(key, value)| Value::list(Shape::Tuple, [key.clone(), value.clone()])),
            ),
            ("keys" | "values" | "items", Value::Keyed(entry)) => {
                let value = match name {
                    "keys" => entry.0.clone(),
                    "values" => entry.1.clone(),
                    _ => Value::list(Shape::Tuple, [entry.0.clone(), entry.1.clone()]),
                };
                Value::list(Shape::List, [value])
            }
            ("copy", _) => target.clone(),
            _ => self.unknown("method is not known", span),
        }
    }
}

fn default_value(arguments: &Arguments) -> Value {
    arguments.get(1, "default").cloned().unwrap_or(Value::None)
}
