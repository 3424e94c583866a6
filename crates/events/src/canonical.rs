//! What a record says by canonical field: values as the record has them, and the same in other words.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::{Map, Value};

use crate::{
    CanonicalEvent, Event, EventKind, Kinds, Meaning,
    arguments::{split_posix, split_windows},
    kind::NAME_ONLY,
    knowledge::{FieldNumber, Knowledge, Pairs},
};

/// Levels of a record that are looked into for names.
const MAX_DEPTH: usize = 64;
/// Arguments that are joined to a command line.
const MAX_ARGUMENTS: usize = 1000;

/// A value of a canonical field.
#[derive(Clone, Debug, PartialEq)]
pub struct CanonicalValue<'v> {
    /// The field, and whether it is the last part of a path only.
    pub field: Meaning,
    /// The value.
    pub value: Cow<'v, Value>,
    /// The place of the value in the record that it is or was made from; `None` for what the kind of event says.
    pub source: Option<usize>,
    /// Whether it is the value that stands at that place.
    pub is_own: bool,
}

/// Which canonical values are of use: making others costs time.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// All.
    All,
    /// Those of these fields.
    Only(FxHashSet<Meaning>),
}

impl Wanted {
    fn has(&self, field: FieldNumber, name_only: bool) -> bool {
        match self {
            Self::All => true,
            Self::Only(fields) => fields.contains(&Meaning { field, name_only }),
        }
    }
}

impl Kinds {
    /// The canonical values of a record whose values are `raw`, each with its full name and in the order of the record; a place
    /// is the number in that order. Values of names come first, then what follows from them, then the facts of the kind.
    #[must_use]
    pub fn canonical<'v, 'n>(
        &self,
        kind: &'v EventKind,
        host: Option<&str>,
        raw: impl Iterator<Item = (&'n str, &'v Value)>,
        wanted: &Wanted,
    ) -> Vec<CanonicalValue<'v>> {
        let mut maker = Maker { known: self.knowledge(), kind, wanted, found: Vec::with_capacity(48) };
        let mut names = kind.known_names();
        for (place, (name, value)) in raw.enumerate() {
            if !matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_)) || name.is_empty() {
                continue;
            }
            let known = names.get(name).map(Arc::clone);
            let meanings = match known {
                Some(meanings) => meanings,
                None => {
                    // Whoever writes needs the lock for itself.
                    drop(names);
                    let meanings = self.meanings(kind, name);
                    names = kind.known_names();
                    meanings
                }
            };
            for meaning in meanings.iter() {
                maker.found.push(CanonicalValue {
                    field: *meaning,
                    value: Cow::Borrowed(value),
                    source: Some(place),
                    is_own: true,
                });
            }
        }
        drop(names);
        for field in host.iter().flat_map(|_| &self.knowledge().host) {
            if wanted.has(*field, false) && !maker.has(*field, false) {
                maker.add(*field, false, host.unwrap_or_default(), None);
            }
        }
        maker.derive();
        maker.found
    }

    /// The canonical fields of an event, as data: a value a field, a list where the record has several. Of a path, all of it,
    /// where the record has it. What only the kind of event says is left out.
    #[must_use]
    pub fn canonical_object(&self, kind: &EventKind, fields: &Value) -> Map<String, Value> {
        let mut by_name: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for (field, values) in self.own_values(kind, &flatten(fields)).0 {
            let all = values.iter().any(|value| !value.field.name_only);
            let values = values.into_iter().filter(|value| !(all && value.field.name_only));
            add_values(&mut by_name, self.field_name(field), values.map(|value| value.value));
        }
        as_object(by_name)
    }

    /// The values that the record itself has, by canonical field, and the places of those that have none.
    fn own_values<'v>(&self, kind: &'v EventKind, raw: &'v [(String, &'v Value)]) -> (ByField<'v>, Vec<usize>) {
        let values = raw.iter().map(|(name, value)| (name.as_str(), *value));
        let mut by_field = ByField::default();
        let mut is_open = vec![true; raw.len()];
        for value in self.canonical(kind, None, values, &Wanted::Only(FxHashSet::default())) {
            if value.is_own {
                if let Some(open) = value.source.and_then(|at| is_open.get_mut(at)) {
                    *open = false;
                }
                by_field.entry(value.field.field).or_default().push(value);
            }
        }
        let open = is_open.into_iter().enumerate().filter_map(|(at, is_open)| is_open.then_some(at));
        (by_field, open.collect())
    }

    /// An event by canonical field, with everything that has none. `file` and `record` say where it stands.
    #[must_use]
    pub fn canonical_event(&self, event: &Event, file: &str, record: u64) -> CanonicalEvent {
        let kind = self.of(event);
        let mut by_name: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        let mut unmapped: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        let raw: Vec<(String, &Value)> =
            event.fields.iter().flat_map(|(name, value)| flatten_as(name, value)).collect();
        let (own, open) = self.own_values(&kind, &raw);
        for (field, values) in own {
            for value in values {
                let mut name = self.field_name(field);
                if value.field.name_only {
                    name.push_str(NAME_ONLY);
                }
                add_values(&mut by_name, name, std::iter::once(value.value));
            }
        }
        for (name, value) in open.into_iter().filter_map(|at| raw.get(at)) {
            // A rule that names a canonical field is asked about a name of this spelling as well, whatever it means.
            let is_canonical = !self.look_up_canonical(name).is_empty();
            let to = if is_canonical { &mut by_name } else { &mut unmapped };
            add_values(to, name.clone(), std::iter::once(Cow::Borrowed(*value)));
        }
        let header = self.knowledge().header;
        let said = [
            (Some(header.event_id), &event.event_id),
            (Some(header.provider), &event.provider),
            (Some(header.channel), &event.channel),
            (self.knowledge().host.first().copied(), &event.host),
        ];
        for (field, value) in said {
            if let (Some(field), Some(value)) = (field, value) {
                by_name.entry(self.field_name(field)).or_insert_with(|| vec![value.as_str().into()]);
            }
        }
        let platform = match kind.platforms.as_slice() {
            [only] => only.clone(),
            _ => String::new(),
        };
        CanonicalEvent {
            time: event.time,
            provider: kind.provider.clone(),
            event_id: kind.event_id.clone(),
            log_channel: kind.channel.clone(),
            host: event.host.clone().unwrap_or_default(),
            platform,
            shape: event.shape.clone().unwrap_or_default(),
            file: file.to_owned(),
            record,
            fields: as_object(by_name),
            unmapped: as_object(unmapped),
        }
    }
}

type ByField<'v> = FxHashMap<FieldNumber, Vec<CanonicalValue<'v>>>;

/// Adds what is not there yet.
fn add_values<'v>(
    by_name: &mut BTreeMap<String, Vec<Value>>,
    name: String,
    values: impl Iterator<Item = Cow<'v, Value>>,
) {
    let known = by_name.entry(name).or_default();
    for value in values {
        if !known.contains(&value) {
            known.push(value.into_owned());
        }
    }
}

/// A value a name, a list where there are several.
fn as_object(by_name: BTreeMap<String, Vec<Value>>) -> Map<String, Value> {
    let one = |mut values: Vec<Value>| if values.len() == 1 { values.remove(0) } else { Value::Array(values) };
    by_name.into_iter().map(|(name, values)| (name, one(values))).collect()
}

/// The values of a record with their full names: keys joined by dots, the elements of a list under the list's name.
#[must_use]
pub fn flatten(fields: &Value) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    add_flat(fields, String::new(), 0, &mut found);
    found
}

/// The same of a value below a name.
fn flatten_as<'v>(name: &str, value: &'v Value) -> Vec<(String, &'v Value)> {
    let mut found = Vec::new();
    add_flat(value, name.to_owned(), 1, &mut found);
    found
}

fn add_flat<'v>(value: &'v Value, name: String, depth: usize, found: &mut Vec<(String, &'v Value)>) {
    match value {
        Value::Null => {}
        Value::Array(_) | Value::Object(_) if depth == MAX_DEPTH => {}
        Value::Array(items) => items.iter().for_each(|item| add_flat(item, name.clone(), depth + 1, found)),
        Value::Object(fields) => {
            for (key, value) in fields {
                let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                add_flat(value, name, depth + 1, found);
            }
        }
        _ => found.push((name, value)),
    }
}

struct Maker<'v, 'w> {
    known: &'static Knowledge,
    kind: &'v EventKind,
    wanted: &'w Wanted,
    found: Vec<CanonicalValue<'v>>,
}

impl<'v> Maker<'v, '_> {
    fn derive(&mut self) {
        let own = self.found.len();
        for at in 0..own {
            self.spellings(at);
        }
        self.joined(own);
        self.arguments();
        self.pairs_from_parts();
        for at in 0..self.found.len() {
            self.parts_of_path(at);
        }
        self.whole_from_name();
        let has_other_channel = self.has_other_channel();
        for (field, value) in &self.kind.facts {
            let is_another = has_other_channel && *field == self.known.header.channel;
            if self.wanted.has(*field, false) && !is_another {
                let field = Meaning { field: *field, name_only: false };
                self.found.push(CanonicalValue { field, value: Cow::Borrowed(value), source: None, is_own: false });
            }
        }
    }

    /// Whether the event's own data has a channel that is not the one it was written to: the one that was cleared, say. A rule
    /// for such events means that.
    fn has_other_channel(&self) -> bool {
        let channel = self.known.header.channel;
        let mut own = self.found.iter().filter(|value| value.is_own && value.field.field == channel).peekable();
        let is_written_to = |value: &CanonicalValue<'_>| {
            value.value.as_str().is_some_and(|text| text.eq_ignore_ascii_case(&self.kind.channel))
        };
        own.peek().is_some() && !own.any(is_written_to)
    }

    fn add(&mut self, field: FieldNumber, name_only: bool, value: impl Into<Value>, source: Option<usize>) {
        let field = Meaning { field, name_only };
        self.found.push(CanonicalValue { field, value: Cow::Owned(value.into()), source, is_own: false });
    }

    fn text(&self, at: usize) -> Option<String> {
        self.found.get(at).and_then(|found| match &*found.value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        })
    }

    /// Other spellings of a value of its own field.
    fn spellings(&mut self, at: usize) {
        let known = self.known;
        let CanonicalValue { field: Meaning { field, name_only }, source, .. } = self.found[at];
        let has_spellings = !name_only
            && (known.equal.contains_key(&field)
                || known.integers.contains(&field)
                || known.roots.iter().any(|(fields, _)| fields.contains(&field))
                || known.numbers.iter().any(|(fields, ..)| fields.contains(&field))
                || known.pairs.iter().any(|pairs| pairs.field == field)
                || known.accounts.iter().any(|(account, _)| *account == field)
                || known.implied.contains_key(&field));
        if !has_spellings {
            return;
        }
        let Some(text) = self.text(at) else { return };
        let lower = text.to_lowercase();
        if self.wanted.has(field, false) {
            for other in known.equal.get(&field).and_then(|values| values.get(&lower)).into_iter().flatten() {
                self.add(field, false, other.as_str(), source);
            }
            if known.integers.contains(&field)
                && let Some(number) = integer(&text)
            {
                self.add(field, false, number, source);
                if !text.bytes().all(|byte| byte.is_ascii_digit()) {
                    self.add(field, false, number.to_string(), source);
                }
            }
            for (_, forms) in known.roots.iter().filter(|(fields, _)| fields.contains(&field)) {
                let begins = |form: &&String| {
                    lower
                        .strip_prefix(&form.to_lowercase())
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with('\\'))
                };
                // What is as long in lower case can be cut at the same place.
                if let Some(form) = forms.iter().find(begins)
                    && let Some(rest) = text.get(form.len()..)
                {
                    for other in forms.iter().filter(|other| *other != form) {
                        self.add(field, false, format!("{other}{rest}"), source);
                    }
                }
            }
            self.wrapped_numbers(field, &text, source);
        }
        for pairs in known.pairs.iter().filter(|pairs| pairs.field == field) {
            self.parts_of_pairs(pairs, &text, source);
        }
        for (account, domain) in known.accounts.iter().filter(|(account, _)| *account == field) {
            if let Some((before, name)) = text.split_once('\\').filter(|(_, name)| !name.is_empty()) {
                self.add(*account, false, name, source);
                if let Some(domain) = domain {
                    self.add(*domain, false, before, source);
                }
            }
        }
        for (value, to, implied) in known.implied.get(&field).into_iter().flatten() {
            if *value == lower {
                self.add(*to, false, implied.as_str(), source);
            }
        }
    }

    /// A number that its text wraps, bare; and a bare number as it is wrapped.
    fn wrapped_numbers(&mut self, field: FieldNumber, text: &str, source: Option<usize>) {
        for (_, pattern, end) in self.known.numbers.iter().filter(|(fields, ..)| fields.contains(&field)) {
            let digits = text.strip_prefix(pattern.as_str()).and_then(|rest| rest.strip_suffix(end.as_str()));
            let digits =
                digits.filter(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
            if let Some(number) = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok()) {
                if text != format!("0x{}", digits.unwrap_or_default()) {
                    self.add(field, false, format!("0x{}", digits.unwrap_or_default()), source);
                }
                self.add(field, false, number.to_string(), source);
                if end.is_empty() && number <= u64::from(u32::MAX) {
                    self.add(field, false, format!("DWORD (0x{number:08x})"), source);
                }
                return;
            }
        }
        let is_listed = self.known.numbers.iter().any(|(fields, ..)| fields.contains(&field));
        if is_listed
            && text.len() <= 10
            && text.bytes().all(|byte| byte.is_ascii_digit())
            && let Ok(number) = text.parse::<u32>()
        {
            self.add(field, false, format!("DWORD (0x{number:08x})"), source);
            self.add(field, false, format!("0x{number:08x}"), source);
        }
    }

    fn parts_of_pairs(&mut self, pairs: &'static Pairs, text: &str, source: Option<usize>) {
        for pair in text.split(',') {
            let Some((name, value)) = pair.split_once('=') else { continue };
            let part = pairs.parts.iter().find(|(known, _)| known.eq_ignore_ascii_case(name.trim()));
            if let Some((_, field)) = part {
                self.add(*field, false, value.trim(), source);
            }
        }
    }

    /// The list of pairs, where the record has its parts alone.
    fn pairs_from_parts(&mut self) {
        for pairs in &self.known.pairs {
            if !self.wanted.has(pairs.field, false) || self.has(pairs.field, false) {
                continue;
            }
            let mut all = Vec::new();
            let mut source = None;
            for (name, field) in &pairs.parts {
                let found = self.found.iter().find(|value| value.field.field == *field && value.is_own);
                if let Some(text) = found.and_then(|value| value.value.as_str()).filter(|text| !text.is_empty()) {
                    all.push(format!("{name}={text}"));
                    source = source.or(found.and_then(|value| value.source));
                }
            }
            if !all.is_empty() {
                self.add(pairs.field, false, all.join(","), source);
            }
        }
    }

    fn has(&self, field: FieldNumber, name_only: bool) -> bool {
        self.found.iter().any(|value| value.field == Meaning { field, name_only })
    }

    /// Values that two fields make together; only what the record itself has is joined.
    fn joined(&mut self, own: usize) {
        for row in &self.known.joined {
            if !self.wanted.has(row.field, false) && !self.wanted.has(row.field, true) {
                continue;
            }
            let texts: Vec<String> = row
                .parts
                .iter()
                .filter_map(|(field, name_only)| {
                    let wanted = Meaning { field: *field, name_only: *name_only };
                    let at = (0..own).find(|at| self.found[*at].field == wanted)?;
                    self.text(at).filter(|text| !text.is_empty() && text != "-")
                })
                .collect();
            if texts.len() == row.parts.len() && !texts.last().is_some_and(|last| last.contains(&row.separator)) {
                self.add(row.field, false, texts.join(&row.separator), None);
                let at = self.found.len() - 1;
                self.spellings(at);
            }
        }
    }

    fn arguments(&mut self) {
        let is_windows = self.kind.platforms.is_empty() || self.kind.platforms.iter().any(|name| name == "windows");
        for row in &self.known.arguments {
            let (wants, wants_count) = (self.wanted.has(row.field, false), self.wanted.has(row.count, false));
            let given: Vec<usize> =
                (0..self.found.len()).filter(|at| self.found[*at].field.field == row.field).collect();
            if given.is_empty() {
                let from = (0..self.found.len()).find(|at| self.found[*at].field.field == row.from);
                let Some(from) = from.filter(|_| wants || wants_count) else { continue };
                let (Some(line), source) = (self.text(from), self.found[from].source) else { continue };
                let arguments = if is_windows { split_windows(&line) } else { split_posix(&line) };
                if wants_count {
                    self.add(row.count, false, arguments.len(), source);
                }
                if wants {
                    for argument in arguments {
                        self.add(row.field, false, argument, source);
                    }
                }
                continue;
            }
            if !self.has(row.from, false) && self.wanted.has(row.from, false) {
                let texts: Vec<String> = given.iter().take(MAX_ARGUMENTS).filter_map(|at| self.text(*at)).collect();
                let source = self.found[given[0]].source;
                self.add(row.from, false, texts.join(" "), source);
            }
            if !self.has(row.count, false) && wants_count {
                self.add(row.count, false, given.len(), None);
            }
        }
    }

    /// The last part of a path, its extension, and what stands before it.
    fn parts_of_path(&mut self, at: usize) {
        let known = self.known;
        let CanonicalValue { field: Meaning { field, name_only }, source, .. } = self.found[at];
        if name_only || !known.paths.contains(&field) {
            return;
        }
        let parents: Vec<FieldNumber> = known
            .parents
            .iter()
            .filter(|(to, from)| *from == field && self.wanted.has(*to, false))
            .map(|(to, _)| *to)
            .collect();
        let extensions: Vec<FieldNumber> = known
            .extensions
            .iter()
            .filter(|(to, from)| *from == field && self.wanted.has(*to, false))
            .map(|(to, _)| *to)
            .collect();
        if !self.wanted.has(field, true) && parents.is_empty() && extensions.is_empty() {
            return;
        }
        let Some(text) = self.text(at) else { return };
        let trimmed = text.trim_end_matches(['\\', '/']);
        let (parent, name) = match trimmed.rfind(['\\', '/']) {
            Some(at) => (trimmed.get(..at), trimmed.get(at + 1..).unwrap_or_default()),
            None => (None, trimmed),
        };
        let has_own_name =
            self.found.iter().any(|value| value.is_own && value.field == Meaning { field, name_only: true });
        if self.wanted.has(field, true) && !has_own_name && !name.is_empty() {
            self.add(field, true, name, source);
        }
        for to in parents {
            if !self.found.iter().any(|value| value.is_own && value.field.field == to) {
                if let Some(parent) = parent {
                    self.add(to, false, parent, source);
                }
                self.add(to, false, trimmed, source);
            }
        }
        for to in extensions {
            if !self.has(to, false)
                && let Some((stem, extension)) = name.rsplit_once('.').filter(|(_, extension)| !extension.is_empty())
            {
                let _ = stem;
                self.add(to, false, extension, source);
            }
        }
    }

    /// A path of which the record has the last part only is known from its last separator on.
    fn whole_from_name(&mut self) {
        for at in 0..self.found.len() {
            let CanonicalValue { field: Meaning { field, name_only }, source, .. } = self.found[at];
            if !name_only || !self.wanted.has(field, false) || self.has(field, false) {
                continue;
            }
            if let Some(text) = self.text(at).filter(|text| !text.is_empty() && text != "-") {
                let is_windows =
                    self.kind.platforms.is_empty() || self.kind.platforms.iter().any(|name| name == "windows");
                self.add(field, false, format!("{}{text}", if is_windows { '\\' } else { '/' }), source);
            }
        }
    }
}

/// The number that a text spells, in decimal or behind `0x`.
fn integer(text: &str) -> Option<i64> {
    let text = text.trim();
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => i64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}
