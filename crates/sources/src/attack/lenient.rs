//! A bundle of which something is not as it should be: every object is read on its own, and every field of it that can be.

use std::{borrow::Cow, collections::BTreeMap};

use ruleatlas_model::Diagnostic;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::stix::{Object, Text};

/// Faults that are named one by one.
const SHOWN: usize = 3;

/// A bundle's type and objects.
pub(super) type Bundle<'a> = (Option<Text<'a>>, Option<Vec<Object<'a>>>);

/// What was left out of a bundle.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<String>);

impl Faults {
    /// A diagnostic a fault; of many the first, and their number.
    pub(super) fn report(self, path: &str) -> Vec<Diagnostic> {
        let total = self.0.len();
        let diagnostic = |message| Diagnostic::warning("part of a STIX bundle left out", message);
        let mut said: Vec<Diagnostic> =
            self.0.into_iter().take(SHOWN).map(|fault| diagnostic(format!("{path}: {fault}"))).collect();
        if total > SHOWN {
            said.push(diagnostic(format!("{path}: {} more such fields and objects are left out", total - SHOWN)));
        }
        said
    }
}

/// A bundle with its objects still unread.
#[derive(Deserialize)]
struct RawBundle<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow, default)]
    objects: Option<Vec<&'a RawValue>>,
}

/// Reads what can be read of a bundle.
///
/// # Errors
/// It is not JSON, or no object with a list of objects.
pub(super) fn read(json: &str) -> Result<(Bundle<'_>, Faults), serde_json::Error> {
    let bundle: RawBundle<'_> = serde_json::from_str(json)?;
    let mut faults = Faults::default();
    let kind = bundle.kind.and_then(|kind| serde_json::from_str(kind.get()).ok());
    let objects = bundle.objects.map(|objects| {
        let read = objects.into_iter().enumerate().filter_map(|(at, raw)| object(at, raw.get(), &mut faults));
        read.collect()
    });
    Ok(((kind, objects), faults))
}

/// An object, without the fields that are not as they should be; `None` where it has no type.
fn object<'a>(at: usize, json: &'a str, faults: &mut Faults) -> Option<Object<'a>> {
    if let Ok(object) = serde_json::from_str(json) {
        return Some(object);
    }
    let name = format!("object {}", at + 1);
    let fields: BTreeMap<Cow<'a, str>, &'a RawValue> = match serde_json::from_str(json) {
        Ok(fields) => fields,
        Err(error) => {
            faults.0.push(format!("{name} is left out: {error}"));
            return None;
        }
    };
    let text = |field: &str| fields.get(field).and_then(|raw| serde_json::from_str::<Text<'a>>(raw.get()).ok());
    let Some(kind) = text("type") else {
        faults.0.push(format!("{name} is left out: it has no `type`"));
        return None;
    };
    let id = text("id").unwrap_or_default();
    let mut fields = Fields { name: if id.is_empty() { name } else { id.to_string() }, fields, faults };
    Some(Object {
        kind,
        id,
        name: fields.read("name"),
        description: fields.read("description"),
        modified: fields.read("modified"),
        revoked: fields.read("revoked"),
        x_mitre_deprecated: fields.read("x_mitre_deprecated"),
        external_references: fields.read_list("external_references"),
        kill_chain_phases: fields.read_list("kill_chain_phases"),
        x_mitre_platforms: fields.read_list("x_mitre_platforms"),
        x_mitre_domains: fields.read_list("x_mitre_domains"),
        x_mitre_shortname: fields.read("x_mitre_shortname"),
        x_mitre_version: fields.read("x_mitre_version"),
        tactic_refs: fields.read_list("tactic_refs"),
        aliases: fields.read_list("aliases"),
        x_mitre_aliases: fields.read_list("x_mitre_aliases"),
        relationship_type: fields.read("relationship_type"),
        source_ref: fields.read("source_ref"),
        target_ref: fields.read("target_ref"),
        x_mitre_analytic_refs: fields.read_list("x_mitre_analytic_refs"),
        x_mitre_log_source_references: fields.read_list("x_mitre_log_source_references"),
    })
}

/// The fields of an object, and where it is said that one is left out.
struct Fields<'a, 'f> {
    name: String,
    fields: BTreeMap<Cow<'a, str>, &'a RawValue>,
    faults: &'f mut Faults,
}

impl<'a> Fields<'a, '_> {
    fn value<T: Deserialize<'a>>(&mut self, field: &str, json: &'a str) -> Option<T> {
        match serde_json::from_str(json) {
            Ok(value) => Some(value),
            Err(error) => {
                self.faults.0.push(format!("`{field}` of {} is left out: {error}", self.name));
                None
            }
        }
    }

    fn read<T: Deserialize<'a>>(&mut self, field: &str) -> Option<T> {
        let json = self.fields.get(field)?.get();
        self.value::<Option<T>>(field, json)?
    }

    /// A list without the members that are not as they should be.
    fn read_list<T: Deserialize<'a>>(&mut self, field: &str) -> Option<Vec<T>> {
        let list: Vec<&'a RawValue> = self.read(field)?;
        Some(list.into_iter().filter_map(|member| self.value(field, member.get())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(json: &str) -> (Vec<String>, Vec<Diagnostic>) {
        let ((_, objects), faults) = read(json).unwrap();
        let names = objects.unwrap_or_default().iter().map(|object| object.name().to_owned()).collect();
        (names, faults.report("a.json"))
    }

    #[test]
    fn one_field_that_is_odd_costs_that_field() {
        for odd in [
            "\"x_mitre_version\": 1e300",
            "\"x_mitre_version\": 1e400",
            "\"x_mitre_platforms\": \"Windows\"",
            "\"x_mitre_platforms\": [\"Linux\", 7]",
            "\"revoked\": \"no\"",
            "\"description\": {\"text\": []}",
            "\"external_references\": [{\"source_name\": 1}]",
            "\"kill_chain_phases\": {}",
        ] {
            let json = format!(
                "{{\"type\": \"bundle\", \"objects\": [{{\"type\": \"attack-pattern\", \"id\": \"a--1\", \"name\": \"One\", {odd}}}, \
                 {{\"type\": \"attack-pattern\", \"name\": \"Two\"}}]}}"
            );
            let (names, said) = said(&json);
            assert_eq!(names, ["One", "Two"], "{odd}");
            assert_eq!(said.len(), 1, "{odd}: {said:?}");
            let field = odd.split('"').nth(1).unwrap();
            assert!(said[0].message.starts_with(&format!("a.json: `{field}` of a--1 is left out: ")), "{said:?}");
        }
    }

    #[test]
    fn what_is_no_object_costs_that_object() {
        let odd = ["7", "null", "[]", "{}", "{\"type\": 1}", "{\"type\": \"tool\", \"name\": 1e999}"].join(", ");
        let (names, said) = said(&format!("{{\"objects\": [{odd}, {{\"type\": \"tool\", \"name\": \"Two\"}}]}}"));
        assert_eq!(names, ["", "Two"]);
        assert_eq!(said.len(), SHOWN + 1);
        assert!(said[SHOWN].message.contains("3 more"), "{said:?}");
    }

    #[test]
    fn what_is_not_json_is_no_bundle() {
        for json in ["", "{\"objects\": [{\"type\"", "7", "{\"objects\": 1}"] {
            assert!(read(json).is_err(), "{json}");
        }
    }
}
