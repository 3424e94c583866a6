//! Values that are taken out of hits before these are written.

use std::collections::HashSet;

use ruleatlas_hunt::{Hit, Report};
use serde_json::Value;

/// The canonical field of the host's name.
const HOST: &str = "Computer";
/// Texts shorter than this stand inside others by chance, and are not looked for there.
const MIN_INSIDE: usize = 3;
/// Values that are remembered to find them among the values of indicators.
const MAX_VALUES: usize = 1_000_000;
/// Characters of what stands for a value.
const TOKEN: usize = 16;

/// What becomes of a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RedactionMode {
    /// A keyed hash stands for it: equal values stay equal, and nobody without the key can tell which they were.
    #[default]
    Hash,
    /// It is left out.
    Cut,
}

/// Takes the values of canonical fields out of hits and reports.
#[derive(Debug)]
pub struct Redaction {
    fields: HashSet<String>,
    mode: RedactionMode,
    key: [u8; 32],
    /// The values that were taken out of hits, in lower case.
    seen: HashSet<String>,
}

impl Redaction {
    /// Of these canonical fields. The key decides which hash stands for a value; one that is kept nowhere cannot be guessed from.
    #[must_use]
    pub fn new(fields: impl IntoIterator<Item = String>, mode: RedactionMode, key: [u8; 32]) -> Self {
        Self { fields: fields.into_iter().collect(), mode, key, seen: HashSet::new() }
    }

    /// The fields, in order.
    #[must_use]
    pub fn fields(&self) -> Vec<String> {
        let mut fields: Vec<String> = self.fields.iter().cloned().collect();
        fields.sort_unstable();
        fields
    }

    fn takes(&self, field: &str) -> bool {
        // Behind a dot stand members of an object, and the last part of a path.
        self.fields.contains(field) || field.match_indices('.').any(|(at, _)| self.fields.contains(&field[..at]))
    }

    /// What stands for a text.
    fn token(&self, text: &str) -> String {
        match self.mode {
            RedactionMode::Cut => "…".to_owned(),
            RedactionMode::Hash => self.hash(text),
        }
    }

    fn hash(&self, text: &str) -> String {
        let hash = blake3::keyed_hash(&self.key, text.to_lowercase().as_bytes()).to_hex();
        format!("#{}", hash.get(..TOKEN).unwrap_or_default())
    }

    /// What stands for a file: names of files often hold names of hosts and users, of other events too.
    fn file(&self, name: &str) -> String {
        format!("file {}", self.hash(name))
    }

    /// Takes the values out of a hit, wherever they stand in it; its file is no longer named.
    pub fn hit(&mut self, hit: &mut Hit) {
        if self.fields.is_empty() {
            return;
        }
        let mut values: Vec<String> = Vec::new();
        for (field, value) in &hit.event {
            if self.takes(field) {
                texts(value, &mut values);
            }
        }
        if self.takes(HOST) {
            values.extend(hit.host.clone());
        }
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        values.dedup();
        let room = MAX_VALUES.saturating_sub(self.seen.len());
        self.seen.extend(values.iter().take(room).map(|value| value.to_lowercase()));
        let fields = std::mem::take(&mut hit.event);
        for (field, value) in fields {
            let is_taken = self.takes(&field);
            if is_taken && self.mode == RedactionMode::Cut {
                continue;
            }
            let value = self.value(value, is_taken, &values);
            hit.event.insert(field, value);
        }
        hit.host = match hit.host.take() {
            Some(_) if self.takes(HOST) && self.mode == RedactionMode::Cut => None,
            Some(host) if self.takes(HOST) => Some(self.token(&host)),
            host => host.map(|host| self.without(&host, &values)),
        };
        hit.file = self.file(&hit.file);
        for place in &mut hit.events {
            place.file = self.file(&place.file);
        }
        let is_value = |text: &str| values.iter().any(|value| value.eq_ignore_ascii_case(text));
        hit.matched.retain(|matched| !self.takes(&matched.field) && !is_value(&matched.value));
    }

    fn value(&self, value: Value, is_taken: bool, values: &[String]) -> Value {
        match value {
            Value::Array(items) => items.into_iter().map(|item| self.value(item, is_taken, values)).collect(),
            Value::Object(fields) => {
                fields.into_iter().map(|(name, value)| (name, self.value(value, is_taken, values))).collect()
            }
            Value::Null => Value::Null,
            Value::String(text) if is_taken => self.token(&text).into(),
            other if is_taken => self.token(&other.to_string()).into(),
            Value::String(text) => self.without(&text, values).into(),
            other => other,
        }
    }

    /// A text without the values that stand in it, in any case.
    fn without(&self, text: &str, values: &[String]) -> String {
        let mut text = text.to_owned();
        for value in values.iter().filter(|value| value.len() >= MIN_INSIDE) {
            let Some(at) = find(&text, value) else { continue };
            let token = self.token(value);
            let mut cleaned = String::with_capacity(text.len());
            let mut rest = text.as_str();
            let mut next = Some(at);
            while let Some((start, end)) = next {
                cleaned.push_str(rest.get(..start).unwrap_or_default());
                cleaned.push_str(&token);
                rest = rest.get(end..).unwrap_or_default();
                next = find(rest, value);
            }
            cleaned.push_str(rest);
            text = cleaned;
        }
        text
    }

    /// Takes the values of all hits out of the report of them.
    pub fn report(&self, report: &mut Report) {
        if self.fields.is_empty() {
            return;
        }
        let is_value = |text: &str| self.seen.contains(&text.to_lowercase());
        report.indicators.retain(|row| !self.takes(&row.field) && !is_value(&row.value));
        report.exclusions.retain(|row| !self.takes(&row.field) && !is_value(&row.value));
        for rule in &mut report.rules {
            let hosts = std::mem::take(&mut rule.hosts).into_iter();
            let is_host = self.takes(HOST);
            rule.hosts = hosts.map(|host| if is_host || is_value(&host) { self.token(&host) } else { host }).collect();
            rule.hosts.sort_unstable();
            rule.hosts.dedup();
        }
        report.files.iter_mut().for_each(|row| row.file = self.file(&row.file));
        report.files.sort_by(|one, other| one.file.cmp(&other.file));
    }
}

/// The texts of a value.
fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(fields) => fields.values().for_each(|value| texts(value, found)),
        Value::String(text) => found.push(text.clone()),
        Value::Null => {}
        other => found.push(other.to_string()),
    }
}

/// Where a value stands in a text, in any case.
fn find(text: &str, value: &str) -> Option<(usize, usize)> {
    if text.is_ascii() && value.is_ascii() {
        let (text, value) = (text.as_bytes(), value.as_bytes());
        let at = text.windows(value.len().max(1)).position(|window| window.eq_ignore_ascii_case(value))?;
        return Some((at, at + value.len()));
    }
    // Case folding changes lengths: every beginning is compared by itself.
    let wanted: Vec<char> = value.chars().flat_map(char::to_lowercase).collect();
    text.char_indices().find_map(|(at, _)| {
        let mut wanted = wanted.iter().peekable();
        for (inner, character) in text.get(at..)?.char_indices() {
            if wanted.peek().is_none() {
                return Some((at, at + inner));
            }
            for lower in character.to_lowercase() {
                if wanted.next() != Some(&lower) {
                    return None;
                }
            }
        }
        wanted.peek().is_none().then_some((at, text.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn a_value_is_found_in_any_case() {
        for (text, value, found) in [
            ("on HOST1 now", "host1", Some((3, 8))),
            ("nothing", "host1", None),
            ("", "a", None),
            ("auf MÜLLER-PC", "müller-pc", Some((4, 14))),
            ("MÜLLER", "müller", Some((0, 7))),
            ("İstanbul x", "x", Some((10, 11))),
        ] {
            assert_eq!(find(text, value), found, "{text}");
        }
    }
}
