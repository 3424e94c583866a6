//! The comparisons of a condition, and what decides them for one value.

use std::sync::{Arc, OnceLock};

use ruleatlas_core::Literal as Normal;
use ruleatlas_evaluate::{Compiled, Event, Verdict};
use ruleatlas_model::{Missing, Op, Predicate, Span, fold_case};
use ruleatlas_taxonomy::{Field, FieldType, Part, Reader};
use rustc_hash::FxHashSet;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    decide::Literal,
    pattern::{Pattern, Shape, last_part},
    record::Record,
};

/// A comparison of a condition, with the field it is about.
#[derive(Debug)]
pub(crate) struct Source {
    /// The canonical field in lower case.
    pub field: Arc<str>,
    /// The canonical field.
    pub name: Arc<str>,
    pub field_type: Option<FieldType>,
    /// Whether one event may hold several values of the field.
    pub holds_several: bool,
    /// Whether the taxonomy knows the field.
    pub is_known: bool,
    /// Whether it sees only the last part of the field's path.
    pub sees_name: bool,
    pub patterns: Vec<Pattern>,
    /// Whether it asks for a value in one of the patterns, rather than for none.
    pub is_positive: bool,
    pub holds_if_missing: bool,
    /// The comparison; none for what was not understood.
    pub predicate: Option<Predicate>,
    pub is_inverted: bool,
    /// The values, where all are whole texts that compare without case.
    exact: Option<FxHashSet<String>>,
    compiled: OnceLock<Compiled>,
}

impl Source {
    pub fn new(predicate: &Predicate, is_inverted: bool, reader: &Reader<'_>) -> Self {
        let known = reader.field_of(predicate);
        let name: Arc<str> = match &known {
            Some(used) => used.field.name.as_str().into(),
            None => predicate.raw_field.as_str().into(),
        };
        let field: Arc<str> = name.to_lowercase().into();
        let field_type = known.as_ref().map(|used| used.field.field_type);
        let is_field = known.is_some();
        let sees_name = known.is_some_and(|used| used.part == Part::Name);
        let mut patterns = Pattern::of(predicate, field_type == Some(FieldType::Path), sees_name);
        let asks_for_value = predicate.op != Op::IsNull;
        let is_positive = asks_for_value != (predicate.negated != is_inverted);
        let is_presence = predicate.op.is_presence();
        let holds_if_missing = match predicate.missing {
            _ if is_presence => !is_positive,
            Missing::Fails => is_inverted,
            Missing::Holds => !is_inverted,
            Missing::Null => false,
        };
        // What cannot be compared is null there, and neither in the set nor outside of it.
        if predicate.missing == Missing::Null
            && !is_positive
            && patterns.iter().any(|pattern| matches!(pattern.shape, Shape::Order(..)))
        {
            patterns =
                predicate.values.iter().map(|value| Pattern::opaque(&format!("{} {value}", predicate.op))).collect();
        }
        let is_exact = |pattern: &Pattern| matches!(pattern.shape, Shape::Exact) && pattern.folded;
        let same_part = |pattern: &Pattern| patterns.first().is_some_and(|first| first.is_name == pattern.is_name);
        let exact = (patterns.len() > 4 && patterns.iter().all(|pattern| is_exact(pattern) && same_part(pattern)))
            .then(|| patterns.iter().map(|pattern| pattern.text.clone()).collect());
        Self {
            holds_several: fields().several.contains(&*field) || !is_field,
            is_known: is_field || (predicate.raw_field.is_empty() && !predicate.computed),
            field,
            name,
            field_type,
            sees_name,
            patterns,
            is_positive,
            holds_if_missing,
            predicate: Some(predicate.clone()),
            is_inverted,
            exact,
            compiled: OnceLock::new(),
        }
    }

    /// A positive comparison of a canonical field, by its canonical name; of the last part of its path where `sees_name`.
    pub fn canonical(predicate: Predicate, field: Option<&Field>, sees_name: bool) -> Self {
        let field_type = field.map(|field| field.field_type);
        let name: Arc<str> = field.map_or(predicate.raw_field.as_str(), |field| field.name.as_str()).into();
        let lower: Arc<str> = name.to_lowercase().into();
        Self {
            holds_several: fields().several.contains(&*lower) || field.is_none(),
            is_known: field.is_some(),
            field: lower,
            name,
            field_type,
            sees_name,
            patterns: Pattern::of(&predicate, field_type == Some(FieldType::Path), sees_name),
            is_positive: predicate.op != Op::IsNull,
            holds_if_missing: predicate.op == Op::IsNull,
            predicate: Some(predicate),
            is_inverted: false,
            exact: None,
            compiled: OnceLock::new(),
        }
    }

    /// A part that was not understood. Two with the same text are the same.
    pub fn opaque(text: &str, is_inverted: bool) -> Self {
        Self {
            field: "".into(),
            name: "".into(),
            field_type: None,
            holds_several: true,
            is_known: false,
            sees_name: false,
            patterns: vec![Pattern::opaque(text)],
            is_positive: !is_inverted,
            holds_if_missing: false,
            predicate: None,
            is_inverted,
            exact: None,
            compiled: OnceLock::new(),
        }
    }

    fn compiled(&self) -> Option<&Compiled> {
        let predicate = self.predicate.as_ref()?;
        Some(
            self.compiled
                .get_or_init(|| Compiled::of_normal(&Normal::Predicate { predicate, inverted: self.is_inverted })),
        )
    }

    /// Where the comparison stands in its query, where that is known.
    pub fn place(&self) -> Option<Span> {
        self.predicate.as_ref().map(|predicate| predicate.span).filter(|span| span.end > span.start)
    }

    /// Whether two comparisons may be of different values: a pipeline expands a list anew at each stage, and counts
    /// events of several kinds together.
    pub fn may_see_another_value(&self, other: &Self) -> bool {
        let stage = |source: &Self| source.predicate.as_ref().and_then(|predicate| predicate.stage);
        let is_member = self.field.contains(['.', '[', '{']) && stage(self) != stage(other);
        is_member || (stage(self).is_some() && fields().selecting.contains(&*self.field))
    }

    /// Whether another comparison calls the field the same.
    pub fn has_name_of(&self, other: &Self) -> bool {
        match (&self.predicate, &other.predicate) {
            (Some(one), Some(other)) => one.raw_field.eq_ignore_ascii_case(&other.raw_field),
            (None, None) => true,
            _ => false,
        }
    }

    /// Whether it compares with values, rather than asking whether there is one.
    pub fn asks_for_text(&self) -> bool {
        self.predicate.as_ref().is_some_and(|predicate| !predicate.op.is_presence())
    }

    /// Sets the field as the comparison calls it.
    pub fn project(&self, value: &str, event: &mut Map<String, Value>) {
        if let Some(name) = self.name_in_event() {
            event.insert(name.to_owned(), self.seen(value));
        }
    }

    /// The same of an event whose field may have several values. What compares with any field has those of all.
    pub fn project_record(&self, record: &Record, event: &mut Map<String, Value>) {
        let Some(name) = self.name_in_event() else { return };
        let values: Vec<Value> = match name {
            KEYWORDS => record.all_values().map(|value| self.seen(value)).collect(),
            _ => record.values(&self.field).iter().map(|value| self.seen(value)).collect(),
        };
        if !values.is_empty() {
            event.insert(name.to_owned(), Value::Array(values));
        }
    }

    /// What the comparison calls the field; none of what was not understood.
    fn name_in_event(&self) -> Option<&str> {
        let predicate = self.predicate.as_ref()?;
        Some(if predicate.raw_field.is_empty() { KEYWORDS } else { predicate.raw_field.as_str() })
    }

    /// What the comparison sees of a value of the field.
    fn seen(&self, value: &str) -> Value {
        Value::String(if self.sees_name { last_part(value).unwrap_or(value) } else { value }.to_owned())
    }
}

/// The field that holds what is compared without a field's name.
const KEYWORDS: &str = "_raw";

impl Literal {
    /// Whether the field's value, or that it has none, is as the literal asks; the evaluator's answer.
    pub fn is_met_by(&self, value: Option<&str>) -> bool {
        let Some(compiled) = self.source.compiled() else { return false };
        let mut event = Map::new();
        if let Some(value) = value {
            self.source.project(value, &mut event);
        }
        let event = Value::Object(event);
        match compiled.evaluate(&Event::new(&event)) {
            Verdict::Holds => !self.complement,
            Verdict::Fails => self.complement,
            Verdict::Unknown(_) => false,
        }
    }

    /// Whether a set is one of the literal's, where they are so many whole texts that they are looked up.
    pub fn knows_exactly(&self, pattern: &Pattern) -> Option<bool> {
        let exact = self.source.exact.as_ref().filter(|_| self.only.is_none())?;
        let is_name = self.patterns().first().is_some_and(|first| first.is_name);
        match pattern.shape {
            Shape::Exact if pattern.is_name == is_name => Some(exact.contains(&*fold_case(&pattern.text))),
            // A path may end in one of the names.
            Shape::Exact | Shape::Suffix if is_name => None,
            _ => Some(false),
        }
    }
}

/// Whether a canonical field chooses which events a rule reads, as a log source does.
#[must_use]
pub fn selects_events(field: &str) -> bool {
    fields().selecting.contains(&field.to_lowercase())
}

/// What conditions are compared by cannot see of fields.
pub(crate) struct Fields {
    /// Fields that choose which events are read.
    pub selecting: FxHashSet<String>,
    several: FxHashSet<String>,
}

#[derive(Deserialize)]
struct FieldsFile {
    selecting: Vec<String>,
    several: Vec<String>,
}

pub(crate) fn fields() -> &'static Fields {
    static READ: OnceLock<Fields> = OnceLock::new();
    READ.get_or_init(|| {
        let read = toml::from_str(include_str!("../data/fields.toml"));
        let FieldsFile { selecting, several } =
            read.unwrap_or_else(|_| FieldsFile { selecting: Vec::new(), several: Vec::new() });
        let lower = |names: Vec<String>| names.iter().map(|name| name.to_lowercase()).collect();
        Fields { selecting: lower(selecting), several: lower(several) }
    })
}

#[cfg(test)]
mod tests {
    use ruleatlas_taxonomy::Taxonomy;

    use super::*;

    #[test]
    fn the_fields_of_the_table_are_canonical() {
        let read: FieldsFile = toml::from_str(include_str!("../data/fields.toml")).unwrap();
        let taxonomy = Taxonomy::builtin();
        for name in read.selecting.iter().chain(&read.several) {
            assert!(taxonomy.fields().any(|field| field.name == *name), "`{name}` is no canonical field");
        }
    }
}
