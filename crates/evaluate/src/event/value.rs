//! A value of an event's field.

use std::{borrow::Cow, sync::OnceLock};

use ruleatlas_model::fold_case;
use serde_json::Value;

use super::{Event, Next};
use crate::scalar::Scalar;

/// Whether a text is worth being read as JSON: an object, a list, or a string that holds one of these. Identifiers in
/// braces and quoted paths, which Windows' logs are full of, are neither.
pub(super) fn may_be_json(text: &str) -> bool {
    fn second(rest: &str) -> Option<char> {
        rest.trim_start().chars().next()
    }
    let text = text.trim_start();
    match text.chars().next() {
        Some('{') => matches!(second(&text[1..]), Some('"' | '}')),
        Some('[') => matches!(second(&text[1..]), Some('"' | '{' | '[' | ']' | '-' | '0'..='9' | 't' | 'f' | 'n')),
        Some('"') => match second(&text[1..]) {
            Some('{' | '[') => true,
            Some('\\') => text[1..].trim_start()[1..].starts_with('"'),
            _ => false,
        },
        _ => false,
    }
}

/// One value of a field.
#[derive(Debug)]
pub(crate) struct FieldValue<'e> {
    pub(super) name: Box<str>,
    /// The folded name with the indexes of arrays, for an element of one.
    pub(super) place: Option<Box<str>>,
    pub(super) json: Cow<'e, Value>,
    /// Whether all below it was looked into: so deep it is safe to print.
    pub(super) whole: bool,
    /// The place of the next value of the same name.
    pub(super) next: Option<Next>,
    folded: OnceLock<Option<Box<str>>>,
    json_text: OnceLock<Box<str>>,
    /// The fields of the JSON that a text holds.
    inner: OnceLock<Option<Box<Event<'static>>>>,
}

impl<'e> FieldValue<'e> {
    pub(super) fn new(name: Box<str>, place: Option<Box<str>>, json: Cow<'e, Value>) -> Self {
        Self {
            name,
            place,
            json,
            whole: true,
            next: None,
            folded: OnceLock::new(),
            json_text: OnceLock::new(),
            inner: OnceLock::new(),
        }
    }
}

impl FieldValue<'_> {
    /// Whether it is how a log writes that there is no value.
    pub(crate) fn is_none_mark(&self) -> bool {
        matches!(&*self.json, Value::String(text) if matches!(text.as_str(), "" | "-"))
    }

    /// The fields of the JSON that the text holds, read once.
    pub(super) fn inner(&self) -> Option<&Event<'static>> {
        let Value::String(text) = &*self.json else { return None };
        if !may_be_json(text) {
            return None;
        }
        self.inner.get_or_init(|| Event::of_text(text).map(Box::new)).as_deref()
    }

    /// The value as text, in lower case unless case counts.
    pub(crate) fn text(&self, case_sensitive: bool) -> &str {
        let text = match &*self.json {
            Value::String(text) => text.as_str(),
            _ => self.json_text.get_or_init(|| match &*self.json {
                Value::Object(_) if !self.whole => Box::default(),
                other => other.to_string().into(),
            }),
        };
        if case_sensitive {
            return text;
        }
        let folded = self.folded.get_or_init(|| match fold_case(text) {
            Cow::Borrowed(_) => None,
            Cow::Owned(folded) => Some(folded.into()),
        });
        folded.as_deref().unwrap_or(text)
    }

    /// The value as a number or boolean, where the event says that it is one.
    pub(crate) fn scalar(&self) -> Option<Scalar> {
        Scalar::of(&self.json)
    }

    /// Whether it is JSON: any value but a text that cannot be read as such. An element of a list is what was read.
    pub(crate) fn is_json(&self) -> bool {
        match &*self.json {
            Value::String(text) if self.place.is_none() => {
                serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok()
            }
            _ => true,
        }
    }

    /// Whether it is neither empty nor zero nor false.
    pub(crate) fn is_truthy(&self) -> bool {
        match &*self.json {
            Value::Null => false,
            Value::Bool(value) => *value,
            Value::Number(number) => number.as_f64() != Some(0.0),
            Value::String(text) => !text.is_empty(),
            Value::Array(items) => !items.is_empty(),
            Value::Object(fields) => !fields.is_empty(),
        }
    }

    /// Whether `folded`, a name with indexes, leads here; an array that it gives no index for gives any element.
    pub(super) fn stands_at(&self, folded: &str) -> bool {
        let mut wanted = folded.chars().peekable();
        let place = fold_case(self.place.as_deref().unwrap_or(&self.name));
        let mut place = place.chars();
        let mut at_start = true;
        while let Some(character) = place.next() {
            match wanted.peek() {
                Some(next) if *next == character => {
                    wanted.next();
                    at_start = false;
                }
                _ if character == '[' => {
                    let _ = place.by_ref().find(|next| *next == ']');
                }
                // The place begins with an index where the whole of a text is an array.
                _ if character == '.' && at_start => {}
                _ => return false,
            }
        }
        wanted.next().is_none()
    }
}
