//! Functions of packages and of Panther's base helpers, whose meaning is known here.

use std::rc::Rc;

use ruleatlas_model::{Modifier, Modifiers, Node, Span};

use crate::{
    follow::{Arguments, Follow, default_of},
    syntax::{Shape, Text},
    value::{Absent, Field, Holds, Item, Regex, Value},
};

impl Follow<'_> {
    /// Functions of packages that rules import.
    pub(crate) fn library(&mut self, name: &Text, short: &str, arguments: &Arguments, span: Span) -> Value {
        let first = arguments.positional.first();
        let second = arguments.positional.get(1);
        let from_base =
            ["panther_base_helpers.", "panther_base.", "panther_core."].iter().any(|module| name.starts_with(module));
        match (&**name, first, second) {
            ("re.compile", Some(pattern), _) => self.regex(pattern, second.or_else(|| arguments.get(9, "flags")), span),
            ("re.search" | "re.match" | "re.fullmatch" | "re.findall" | "re.finditer", Some(pattern), Some(text)) => {
                let flags = arguments.get(2, "flags");
                self.throw_none("TypeError", text, span);
                match self.regex(pattern, flags, span) {
                    Value::Regex(regex) => Value::test(self.matches(&regex, short, text, span)),
                    other => other,
                }
            }
            ("re.escape", Some(Value::Text(text)), _) => Value::Text(escaped(text).into()),
            ("re.sub" | "re.split", ..) => Value::Computed(self.text_at(span).into()),
            (
                "json.loads" | "ast.literal_eval" | "json.dumps" | "copy.deepcopy" | "copy.copy" | "html.unescape",
                Some(value),
                _,
            ) => {
                if matches!(&**name, "json.loads" | "ast.literal_eval") {
                    self.throw_no_json(value, span);
                }
                match value {
                    Value::Text(_) => self.unknown("text is decoded", span),
                    other => other.clone(),
                }
            }
            ("fnmatch.fnmatch" | "fnmatch.fnmatchcase", Some(text), Some(pattern)) => {
                Value::test(self.globbed(text, pattern, span))
            }
            ("ipaddress.ip_address" | "ipaddress.IPv4Address" | "ipaddress.IPv6Address", Some(value), _) => {
                self.throw_no_address(value, span);
                Value::Address(Rc::new(value.clone()))
            }
            (
                "ipaddress.ip_network" | "ipaddress.IPv4Network" | "ipaddress.IPv6Network",
                Some(Value::Text(text)),
                _,
            ) => Value::Network(text.clone()),
            ("functools.partial", ..) => self.unknown("function is called with some of its arguments", span),
            _ if from_base => match (short, first) {
                ("deep_get", Some(value)) => {
                    let absent = default_of(arguments.get(usize::MAX, "default"));
                    self.get(value, &arguments.positional[1..], absent, span)
                }
                ("deep_walk", Some(value)) => self.walk(value, &arguments.positional[1..], arguments, span),
                ("pattern_match", Some(text)) => match second {
                    Some(pattern) => Value::test(self.globbed(text, pattern, span)),
                    None => self.unknown("argument is missing", span),
                },
                ("pattern_match_list", Some(text)) => {
                    let Some(items) = second.and_then(|list| self.items(list, span)) else {
                        return self.unknown("list is not available", span);
                    };
                    let some: Vec<Node> = items
                        .iter()
                        .map(|item| {
                            let node = self.globbed(text, &item.value, span);
                            self.exists(item, node, span)
                        })
                        .collect();
                    Value::test(Node::any(some))
                }
                ("is_ip_in_network", Some(text)) => {
                    let list = second.and_then(|list| self.items(list, span)).unwrap_or_default();
                    let networks: Vec<String> = list.iter().filter_map(|item| item.value.literal()).collect();
                    Value::test(self.in_networks(&text.clone(), &networks, span))
                }
                ("listify", Some(value)) => value.clone(),
                ("get_val_from_list", Some(value)) => self.value_from_list(value, arguments, span),
                _ => self.unknown("function is not available", span),
            },
            _ if name.contains("caching.") => self.unknown("state is kept between events", span),
            _ if name.starts_with("datetime") || name.starts_with("time.") || name.starts_with("dateutil") => {
                self.unknown("time is computed", span)
            }
            _ if name.starts_with("base64.") || name.starts_with("urllib.") => self.unknown("text is decoded", span),
            _ => self.unknown("function is not available", span),
        }
    }

    /// `get_val_from_list(list, wanted, key, value)`: what the elements hold that have that value under that key.
    fn value_from_list(&mut self, value: &Value, arguments: &Arguments, span: Span) -> Value {
        let wanted = arguments.get(1, "return_field_key").cloned().unwrap_or(Value::None);
        let key = arguments.get(2, "field_cmp_key").cloned().unwrap_or(Value::None);
        let equals = arguments.get(3, "field_cmp_val").cloned().unwrap_or(Value::None);
        let Some(items) = self.items(value, span) else { return self.followed_reason(value, span) };
        let mut found = Vec::new();
        for item in items {
            let own = self.get(&item.value, std::slice::from_ref(&key), Absent::Is(Value::None), span);
            let test = self.equal(&own, &equals, span);
            let value = self.get(&item.value, std::slice::from_ref(&wanted), Absent::Is(Value::None), span);
            found.push(Item { guard: Node::all([item.guard, test]), value, over: item.over });
        }
        Value::List(Shape::Set, Rc::new(found))
    }

    /// `deep_walk`: a path through lists.
    pub(crate) fn walk(&mut self, value: &Value, keys: &[Value], arguments: &Arguments, span: Span) -> Value {
        let absent = default_of(arguments.get(usize::MAX, "default"));
        let one = matches!(arguments.get(usize::MAX, "return_val"), Some(Value::Text(text)) if matches!(&**text, "first" | "last"));
        match self.get(value, keys, absent, span) {
            Value::Field(field) => {
                let holds = match (field.holds, one) {
                    (Holds::Unknown, false) => Holds::Unknown,
                    (holds, _) => holds,
                };
                Value::field(Field { each: !one, holds, ..(*field).clone() })
            }
            other => other,
        }
    }

    /// A regular expression and its flags.
    fn regex(&mut self, pattern: &Value, flags: Option<&Value>, span: Span) -> Value {
        let mut modifiers = Modifiers::NONE;
        let (pattern, mut ignore_case) = match pattern {
            Value::Text(pattern) => (pattern.clone(), false),
            Value::Regex(regex) => {
                modifiers.clone_from(&regex.modifiers);
                (regex.pattern.clone(), regex.ignore_case)
            }
            Value::Unknown(unknown) => return self.unknown(unknown.reason, span),
            _ => return self.unknown("regular expression is not known", span),
        };
        let mut named = Vec::new();
        flag_names(flags, &mut named);
        for name in named {
            match name.rsplit_once('.').map_or(&*name, |(_, last)| last) {
                "IGNORECASE" | "I" => ignore_case = true,
                "MULTILINE" | "M" => modifiers.push(Modifier::MultiLine),
                "DOTALL" | "S" => modifiers.push(Modifier::DotAll),
                _ => {}
            }
        }
        // Flags at the start of the expression stay in it.
        let inline = pattern.strip_prefix("(?").and_then(|rest| rest.split_once(')')).map_or("", |(flags, _)| flags);
        ignore_case |= inline.contains('i') && inline.bytes().all(|byte| byte.is_ascii_lowercase());
        Value::Regex(Rc::new(Regex { pattern, ignore_case, modifiers }))
    }
}

fn flag_names(flags: Option<&Value>, into: &mut Vec<Text>) {
    match flags {
        Some(Value::Name(name)) => into.push(name.clone()),
        // `re.I | re.M` is kept by its text.
        Some(Value::Computed(text)) => into.extend(text.split('|').map(|name| Text::from(name.trim()))),
        _ => {}
    }
}

pub(crate) fn escaped(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for character in text.chars() {
        if !character.is_alphanumeric() && character != '_' {
            written.push('\\');
        }
        written.push(character);
    }
    written
}
