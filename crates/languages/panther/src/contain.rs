//! What is in something, at an end of it, or fits a pattern.

use std::rc::Rc;

use ruleatlas_core::{BUDGET, fold_wildcards};
use ruleatlas_model::{Modifier, Modifiers, Node, Op, Span};

use crate::{
    follow::Follow,
    syntax::{Shape, Text},
    value::{Absent, Case, Field, Holds, Item, Regex, Value},
};

impl Follow<'_> {
    /// `left in right`.
    pub(crate) fn contained(&mut self, left: &Value, right: &Value, span: Span) -> Node {
        if let Value::Either(_) = right
            && let Some(node) =
                self.alternatives(&Value::None, right, |this, _, right| this.contained(left, right, span))
        {
            return node;
        }
        self.throw_none("TypeError", right, span);
        match right {
            Value::List(_, items) => self.in_items(left, items, span),
            Value::Dict(entries) => {
                let keys: Vec<Item> = entries.iter().map(|(key, _)| Item::plain(key.clone())).collect();
                self.in_items(left, &keys, span)
            }
            Value::Keyed(entry) => self.equal(&entry.0, left, span),
            Value::Event => match left {
                Value::Text(key) => self.present(key, span),
                _ => self.opaque("key is not known", span),
            },
            Value::Field(field) => self.in_field(left, field, span),
            Value::Split(split) => self.in_split(left, &split.0, &split.1, span),
            Value::Network(network) => self.in_networks(left, &[network.to_string()], span),
            Value::Text(text) => match left {
                Value::Text(part) => Node::constant(text.contains(&**part)),
                Value::Field(field) if field.is_plain() && text.chars().count() <= 64 => {
                    let text = self.text_at(span).to_owned();
                    let _ = field;
                    self.computed(&text, Op::Eq, Value::Bool(true), span)
                }
                Value::Either(_) => {
                    let right = right.clone();
                    self.alternatives(left, &Value::None, |this, left, _| this.contained(left, &right, span))
                        .unwrap_or_else(Node::never)
                }
                Value::Unknown(unknown) => self.opaque(unknown.reason, span),
                _ => self.opaque("comparison is not known", span),
            },
            Value::Name(name) => self.in_named(left, name, span),
            Value::Joined(pieces) => {
                // A text is in another if it is in one of its pieces; what lies across two is rare and not looked for.
                let pieces = pieces.clone();
                let some: Vec<Node> = pieces.iter().map(|piece| self.contained(left, piece, span)).collect();
                self.note("text is looked for in each piece of another", span);
                Node::any(some)
            }
            Value::Unknown(unknown) => self.opaque(unknown.reason, span),
            Value::None | Value::Bool(_) | Value::Number(_) => Node::never(),
            _ => self.opaque("comparison is not known", span),
        }
    }

    fn in_named(&mut self, left: &Value, name: &Text, span: Span) -> Node {
        match left {
            Value::Field(field) => {
                let field = field.clone();
                self.field_test(&field, Op::InList, vec![name.to_string()], Modifiers::NONE, span, |_, _| {
                    Some(Node::never())
                })
            }
            _ => self.opaque("list is not available", span),
        }
    }

    fn in_items(&mut self, left: &Value, items: &[Item], span: Span) -> Node {
        if items.is_empty()
            && let Value::Field(field) = left
        {
            // Nothing is in an empty list; that the rule asks for the field stays, as such a list is there to be filled.
            self.note(crate::follow::EMPTY_LIST, span);
            return self.predicate(&field.path, Op::In, span).into();
        }
        if let Value::Either(_) = left
            && let Some(node) = self.alternatives(left, &Value::None, |this, left, _| this.in_items(left, items, span))
        {
            return node;
        }
        // Literals go into one predicate, all else is compared by itself.
        let mut literals = Vec::new();
        let mut rest = Vec::new();
        for item in items {
            let plain = item.guard.as_constant() == Some(true) && item.over.is_none();
            match item.value.literal() {
                Some(literal) if plain => literals.push((literal, item.value.clone())),
                _ => rest.push(item),
            }
        }
        let mut any = Vec::new();
        match left {
            Value::Field(field) if !literals.is_empty() => {
                let texts: Vec<String> = literals.iter().map(|(text, _)| text.clone()).collect();
                any.push(match field.part.clone() {
                    Some(part) => self.part_in(field, &part, &texts, span),
                    None => self.field_test(field, Op::In, texts, Modifiers::NONE, span, |this, default| {
                        let some: Vec<Node> =
                            literals.iter().map(|(_, value)| this.equal(default, value, span)).collect();
                        Some(Node::any(some))
                    }),
                });
            }
            Value::Address(_) if rest.iter().any(|item| matches!(item.value, Value::Network(_))) => {}
            _ => {
                for (_, value) in &literals {
                    any.push(self.equal(left, value, span));
                    if any.last().and_then(Node::as_constant) == Some(true) {
                        return Node::always();
                    }
                }
            }
        }
        for item in rest {
            if self.is_spent() {
                any.push(self.opaque(BUDGET, span));
                break;
            }
            self.spend_nodes(&item.guard);
            let equal = self.equal(left, &item.value, span);
            any.push(self.exists(item, equal, span));
        }
        Node::any(any)
    }

    /// `left in field`: an element of a list, or a part of a text.
    fn in_field(&mut self, left: &Value, field: &Rc<Field>, span: Span) -> Node {
        let absent = |default: &Value| matches!(default, Value::None);
        match left {
            Value::Text(_) | Value::Number(_) | Value::Bool(_) => {
                let Some(literal) = left.literal() else { return Node::never() };
                if field.holds == Holds::Dict {
                    let below = Field { each: field.each, ..field.below(&literal, Absent::Is(Value::None)) };
                    return self.present(&below.path, span);
                }
                if let Some(part) = &field.part {
                    if !literal.contains(&*part.separator) {
                        let text = self.text_at(span).to_owned();
                        return self.computed(&text, Op::Eq, Value::Bool(true), span);
                    }
                    return Node::never();
                }
                let op = if field.holds == Holds::List { Op::Eq } else { Op::Contains };
                let left = left.clone();
                self.field_test(field, op, vec![literal], Modifiers::NONE, span, |this, default| {
                    if absent(default) { None } else { Some(this.contained(&left, default, span)) }
                })
            }
            Value::Field(other) => {
                if field.holds == Holds::List || field.each {
                    self.fields_equal(other, field, None, span)
                } else {
                    self.fields_equal(field, other, Some(Modifier::Contains), span)
                }
            }
            Value::Either(_) => {
                let right = Value::Field(field.clone());
                self.alternatives(left, &Value::None, |this, left, _| this.contained(left, &right, span))
                    .unwrap_or_else(Node::never)
            }
            Value::None => Node::never(),
            Value::Unknown(unknown) => self.opaque(unknown.reason, span),
            _ => {
                let text = self.text_at(span).to_owned();
                self.computed(&text, Op::Eq, Value::Bool(true), span)
            }
        }
    }

    /// An element of a text's parts: the whole text, or at an end or between two separators.
    fn in_split(&mut self, left: &Value, field: &Field, separator: &Text, span: Span) -> Node {
        let Value::Text(value) = left else { return self.opaque("comparison is not known", span) };
        if value.contains(&**separator) {
            return Node::never();
        }
        let mut any = Vec::new();
        for (op, text) in [
            (Op::Eq, value.to_string()),
            (Op::StartsWith, format!("{value}{separator}")),
            (Op::EndsWith, format!("{separator}{value}")),
            (Op::Contains, format!("{separator}{value}{separator}")),
        ] {
            any.push(self.field_test(field, op, vec![text], Modifiers::NONE, span, |_, _| Some(Node::never())));
        }
        Node::any(any)
    }

    /// Whether an address lies in one of the networks.
    pub(crate) fn in_networks(&mut self, left: &Value, networks: &[String], span: Span) -> Node {
        match left {
            Value::Address(inner) => {
                let inner = (**inner).clone();
                self.in_networks(&inner, networks, span)
            }
            Value::Field(field) => {
                let field = Field { absent: Absent::Raises, case: Case::Exact, part: None, ..(**field).clone() };
                self.field_test(&field, Op::CidrMatch, networks.to_vec(), Modifiers::NONE, span, |_, _| None)
            }
            Value::Either(_) => self
                .alternatives(left, &Value::None, |this, left, _| this.in_networks(left, networks, span))
                .unwrap_or_else(Node::never),
            Value::Unknown(unknown) => self.opaque(unknown.reason, span),
            _ => self.opaque("address is not known", span),
        }
    }

    /// A text at one end of another.
    pub(crate) fn edge(&mut self, value: &Value, op: Op, argument: &Value, span: Span) -> Node {
        match (value, argument) {
            (Value::Either(_), _) | (_, Value::Either(_)) => self
                .alternatives(value, argument, |this, value, argument| this.edge(value, op, argument, span))
                .unwrap_or_else(Node::never),
            (_, Value::List(Shape::Tuple, items)) => {
                let texts: Option<Vec<String>> = items
                    .iter()
                    .map(|item| if let Value::Text(text) = &item.value { Some(text.to_string()) } else { None })
                    .collect();
                match (value, texts) {
                    (Value::Field(field), Some(texts)) if field.part.is_none() => self.edges(field, op, texts, span),
                    _ => {
                        let some: Vec<Node> =
                            items.iter().map(|item| self.edge(value, op, &item.value, span)).collect();
                        Node::any(some)
                    }
                }
            }
            (Value::Text(text), Value::Text(part)) => {
                Node::constant(if op == Op::StartsWith { text.starts_with(&**part) } else { text.ends_with(&**part) })
            }
            (Value::Field(field), Value::Text(text)) => match &field.part {
                None => self.edges(field, op, vec![text.to_string()], span),
                Some(part) if (part.last == (op == Op::EndsWith)) && !text.contains(&*part.separator) => {
                    let whole = Field { part: None, ..(**field).clone() };
                    self.edges(&whole, op, vec![text.to_string()], span)
                }
                Some(_) => {
                    let text = self.text_at(span).to_owned();
                    self.computed(&text, Op::Eq, Value::Bool(true), span)
                }
            },
            (Value::Field(field), Value::Field(other)) => {
                let modifier = if op == Op::StartsWith { Modifier::StartsWith } else { Modifier::EndsWith };
                self.fields_equal(field, other, Some(modifier), span)
            }
            (Value::Unknown(unknown), _) | (_, Value::Unknown(unknown)) => self.opaque(unknown.reason, span),
            _ => {
                let text = self.text_at(span).to_owned();
                self.computed(&text, Op::Eq, Value::Bool(true), span)
            }
        }
    }

    fn edges(&mut self, field: &Field, op: Op, texts: Vec<String>, span: Span) -> Node {
        let known = texts.clone();
        self.field_test(field, op, texts, Modifiers::NONE, span, |_, default| {
            let Value::Text(default) = default else { return None };
            let edge = |text: &String| {
                if op == Op::StartsWith { default.starts_with(text.as_str()) } else { default.ends_with(text.as_str()) }
            };
            Some(Node::constant(known.iter().any(edge)))
        })
    }

    /// A regular expression anywhere in a text, at its start, or over the whole of it.
    pub(crate) fn matches(&mut self, regex: &Regex, how: &str, value: &Value, span: Span) -> Node {
        match value {
            Value::Field(field) if field.part.is_none() => {
                let mut modifiers = regex.modifiers.clone();
                let pattern = regex.pattern.to_string();
                match how {
                    "fullmatch" => modifiers.push(Modifier::Anchored),
                    "match" if !begins_at_start(&pattern, &modifiers) => modifiers.push(Modifier::AnchoredStart),
                    _ => {}
                }
                let mut field = (**field).clone();
                if regex.ignore_case {
                    field.case = Case::Lower;
                }
                let on_text = pattern.clone();
                self.field_test(&field, Op::RegexMatch, vec![pattern], modifiers, span, |_, default| match default {
                    // What an expression says of a default is known where the default is empty or a note for readers.
                    Value::Text(text) => {
                        Some(Node::constant(text.is_empty() && matches!(on_text.as_str(), ".*" | "^.*")))
                    }
                    _ => None,
                })
            }
            Value::Either(either) => {
                let not = either.condition.clone().not();
                let then = self.guarded(&either.condition, |this| this.matches(regex, how, &either.then, span));
                let otherwise = self.guarded(&not, |this| this.matches(regex, how, &either.otherwise, span));
                self.chosen(either.condition.clone(), then, otherwise)
            }
            Value::Unknown(unknown) => self.opaque(unknown.reason, span),
            Value::Text(text) if text.is_empty() => Node::never(),
            _ => self.opaque("regular expression on a computed text", span),
        }
    }

    /// `fnmatch`: `*`, `?`, and sets in brackets.
    pub(crate) fn globbed(&mut self, value: &Value, pattern: &Value, span: Span) -> Node {
        let (Value::Field(field), Value::Text(pattern)) = (value, pattern) else {
            return match (value, pattern) {
                (Value::Either(_), _) | (_, Value::Either(_)) => self
                    .alternatives(value, pattern, |this, value, pattern| this.globbed(value, pattern, span))
                    .unwrap_or_else(Node::never),
                (Value::Unknown(unknown), _) | (_, Value::Unknown(unknown)) => self.opaque(unknown.reason, span),
                _ => self.opaque("pattern is not known", span),
            };
        };
        if field.part.is_some() || pattern.contains('[') {
            return self.opaque("pattern with a set of characters", span);
        }
        let folded = fold_wildcards(pattern, None);
        if folded.op == Op::IsNotNull {
            return self.present(&field.path, span);
        }
        let (op, value) = (folded.op, folded.value.clone());
        self.field_test(field, op, vec![folded.value], Modifiers::NONE, span, |_, default| {
            let Value::Text(text) = default else { return None };
            Some(Node::constant(match op {
                Op::Eq => **text == *value,
                Op::Contains => text.contains(&value),
                Op::StartsWith => text.starts_with(&value),
                Op::EndsWith => text.ends_with(&value),
                _ => false,
            }))
        })
    }
}

/// Whether a regular expression says itself that it begins where the text does.
fn begins_at_start(pattern: &str, modifiers: &Modifiers) -> bool {
    let is_anchored =
        pattern.starts_with("\\A") || pattern.starts_with('^') && !modifiers.contains(Modifier::MultiLine);
    is_anchored && !pattern.contains('|')
}
