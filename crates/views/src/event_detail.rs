//! What an event's page shows besides the counts: a sample, what turns the event on, which analytics name it, what is related.

use ruleatlas_model::{Dictionary, EventDescription, EventField, EventRef, EventSample, SampleKind};
use ruleatlas_store::NamingAnalytic;
use ruleatlas_taxonomy::telemetry::{components_of, events_of_component};
use rustc_hash::{FxHashMap, FxHashSet};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::{Atlas, Error};

/// Members of a sample that are listed.
const MAX_MEMBERS: usize = 400;
/// Characters of a member's value.
const MAX_VALUE: usize = 300;
/// Related events that are listed.
const MAX_RELATED: usize = 40;

/// An event as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SampleView {
    /// The event as JSON, one member a line.
    pub json: String,
    /// How it came about.
    pub kind: SampleKind,
    /// Where it comes from, with the licence.
    pub source: String,
    /// Its members that hold no other, by their paths, in the order of the event; at most 400.
    pub members: Vec<SampleMember>,
}

/// A member of a sample.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SampleMember {
    /// The path, as the event has it.
    pub name: String,
    /// The canonical field that it is; `None` where the table of fields does not know it.
    pub canonical: Option<String>,
    /// The type of its value.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The value, cut where it is long.
    pub value: String,
}

/// Lines that turn an event on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct EnableView {
    /// What is set.
    pub title: &'static str,
    /// What the lines are written in (`cmd`, `XML`).
    pub syntax: &'static str,
    /// The lines, as they can be pasted; words in capitals are one's own.
    pub text: String,
    /// What somebody should know before.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// An analytic of ATT&CK that names the event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AnalyticItem {
    /// `AN0110`.
    pub analytic: String,
    /// The technique that it detects.
    pub technique: String,
    /// The technique's name.
    pub name: String,
    /// The data component that it names the event for; empty where the bundles do not hold it.
    pub component: String,
    /// ATT&CK's page.
    pub url: String,
}

/// An event that shows the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RelatedEvent {
    /// The provider's short name.
    pub provider: String,
    /// The id.
    pub event_id: String,
    /// The title.
    pub title: String,
    /// Rules that read it.
    pub rules: u64,
    /// The data component of ATT&CK that both show.
    pub component: String,
}

/// What a value is called.
fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

/// The members of a value that hold no other, by their paths: those of the first object of a list stand for all.
fn members(prefix: &str, value: &Value, found: &mut Vec<(String, &'static str, String)>) {
    if found.len() >= MAX_MEMBERS {
        return;
    }
    match value {
        Value::Object(object) if !object.is_empty() => {
            for (name, value) in object {
                let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                members(&path, value, found);
            }
        }
        Value::Array(list) if list.first().is_some_and(Value::is_object) => {
            list.iter().take(1).for_each(|first| members(prefix, first, found));
        }
        _ if prefix.is_empty() => {}
        Value::String(text) => found.push((prefix.to_owned(), kind_of(value), text.chars().take(MAX_VALUE).collect())),
        Value::Array(list) => {
            let texts: Vec<String> = list.iter().take(20).map(plain).collect();
            found.push((prefix.to_owned(), kind_of(value), texts.join(", ").chars().take(MAX_VALUE).collect()));
        }
        other => found.push((prefix.to_owned(), kind_of(value), other.to_string())),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A sample for readers; `None` where its text is damaged. `canonical` gives the canonical field that a member is.
pub(crate) fn sample(sample: EventSample, canonical: impl Fn(&str) -> Option<String>) -> Option<SampleView> {
    let value: Value = serde_json::from_str(&sample.json).ok()?;
    let mut found = Vec::new();
    members("", &value, &mut found);
    let members = found
        .into_iter()
        .map(|(name, kind, value)| SampleMember { canonical: canonical(&name), name, kind, value })
        .collect();
    let json = serde_json::to_string_pretty(&value).unwrap_or(sample.json);
    Some(SampleView { json, kind: sample.kind, source: sample.source, members })
}

/// Adds to an event's fields what its sample shows: types and examples where dictionaries have none, and the members that
/// no dictionary names.
pub(crate) fn complete_fields(fields: &mut Vec<EventField>, sample: &SampleView) {
    let mut places: FxHashMap<String, usize> = FxHashMap::default();
    for (at, field) in fields.iter().enumerate() {
        places.entry(field.name.to_lowercase()).or_insert(at);
    }
    let by = Dictionary::Samples;
    for member in &sample.members {
        let example = || {
            let is_empty = member.value.is_empty() || member.kind == "null";
            (!is_empty).then(|| EventDescription { text: member.value.clone(), by })
        };
        match places.get(&member.name.to_lowercase()).and_then(|at| fields.get_mut(*at)) {
            Some(field) => {
                field.kind = field.kind.take().or_else(|| Some(member.kind.to_owned()));
                field.sample = field.sample.take().or_else(example);
            }
            None => {
                places.insert(member.name.to_lowercase(), fields.len());
                let (name, kind) = (member.name.clone(), Some(member.kind.to_owned()));
                fields.push(EventField { name, kind, description: None, sample: example(), by });
            }
        }
    }
}

impl Atlas {
    /// The analytics that name an event.
    pub(crate) fn analytic_items(&self, analytics: &[NamingAnalytic]) -> Vec<AnalyticItem> {
        let item = |row: &NamingAnalytic| {
            let name = self.attack.techniques.get(&row.technique)?.name.clone();
            let NamingAnalytic { technique, analytic, component, url } = row.clone();
            Some(AnalyticItem { analytic, technique, name, component, url })
        };
        analytics.iter().filter_map(item).collect()
    }

    /// The data components that an event shows, by the table and by the analytics that name it, each once.
    pub(crate) fn data_components(event: &EventRef, analytics: &[NamingAnalytic]) -> Vec<String> {
        let of_table = components_of(event).into_iter().map(str::to_owned);
        let of_attack = analytics.iter().map(|row| row.component.clone()).filter(|name| !name.is_empty());
        let mut components: Vec<String> = of_table.chain(of_attack).collect();
        components.sort_unstable();
        components.dedup();
        components
    }

    /// The events of other kinds that show a data component which this one shows, those that most rules read first.
    pub(crate) fn related_events(&self, event: &EventRef) -> Result<Vec<RelatedEvent>, Error> {
        let mut seen: FxHashSet<EventRef> = FxHashSet::default();
        let mut related: Vec<RelatedEvent> = Vec::new();
        for component in components_of(event) {
            for other in events_of_component(component) {
                if other == *event || !seen.insert(other.clone()) {
                    continue;
                }
                let rules = self.rules_reading(&other);
                let title = self.index.event_title(&other, self.taxonomy);
                let EventRef { provider, event_id } = other;
                related.push(RelatedEvent { provider, event_id, title, rules, component: component.to_owned() });
            }
        }
        related.sort_by_key(|row| std::cmp::Reverse(row.rules));
        related.truncate(MAX_RELATED);
        Ok(related)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(json: &str) -> SampleView {
        let (kind, source) = (SampleKind::Log, "a test".to_owned());
        sample(EventSample { json: json.to_owned(), kind, source }, |name| (name == "a.b").then(|| "AB".to_owned()))
            .unwrap()
    }

    #[test]
    fn a_sample_is_taken_apart_by_the_paths_of_its_members() {
        let view = view(r#"{"z":1,"a":{"b":"x","c":[{"d":true},{"d":false}],"e":["p",2],"f":{}},"n":null}"#);
        let members: Vec<_> = view.members.iter().map(|it| (it.name.as_str(), it.kind, it.value.as_str())).collect();
        let mut expected = [
            ("z", "number", "1"),
            ("a.b", "string", "x"),
            ("a.c.d", "boolean", "true"),
            ("a.e", "list", "p, 2"),
            ("a.f", "object", "{}"),
            ("n", "null", "null"),
        ];
        // Which order objects keep is decided by the other crates of a build.
        let sorted = |list: &[(&str, &str, &str)]| {
            let mut list: Vec<String> = list.iter().map(|row| format!("{row:?}")).collect();
            list.sort();
            list
        };
        assert_eq!(sorted(&members), sorted(&mut expected));
        let known = view.members.iter().find(|it| it.name == "a.b").unwrap();
        assert_eq!(known.canonical.as_deref(), Some("AB"));
        assert!(view.json.contains("\n"), "{}", view.json);
    }

    #[test]
    fn a_sample_fills_in_what_no_dictionary_says_of_fields() {
        let by = Dictionary::OwnTable;
        let field = |name: &str, kind: Option<&str>| EventField {
            name: name.to_owned(),
            kind: kind.map(str::to_owned),
            description: None,
            sample: None,
            by,
        };
        let mut fields = vec![field("A.B", None), field("z", Some("integer"))];
        complete_fields(&mut fields, &view(r#"{"a":{"b":"x"},"z":1,"new":"","big":"y"}"#));
        let row = |name: &str| fields.iter().find(|field| field.name == name).unwrap();
        assert_eq!(
            (row("A.B").kind.as_deref(), row("A.B").sample.as_ref().unwrap().text.as_str()),
            (Some("string"), "x")
        );
        assert_eq!(row("z").kind.as_deref(), Some("integer"));
        assert_eq!((row("new").sample.as_ref(), row("big").by), (None, Dictionary::Samples));
        assert_eq!(fields.len(), 4);
    }
}
