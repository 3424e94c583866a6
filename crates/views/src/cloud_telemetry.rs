//! What is collected by the settings of clouds and of Linux audit.

use ruleatlas_model::EventRef;
use ruleatlas_sources::have::{AuditRules, DiagnosticSettings, TrailCategory, TrailSelector, TrailSelectors};
use ruleatlas_taxonomy::telemetry::{
    AUDITD_ALWAYS, auditd_rules, cloudtrail_data, cloudtrail_data_type, events_of_diagnostic_category,
};

use crate::{Atlas, CollectedTelemetry, TelemetryError};

/// Names in a note.
const TOLD: usize = 20;

/// The services that an event belongs to, and whether it reads or writes, as the dictionary's categories say
/// (`iam.amazonaws.com; write`).
struct Call {
    event: EventRef,
    sources: Vec<String>,
    /// `true` or `false` as `readOnly` would be, of every service that has the call; empty where that is unknown.
    read_only: Vec<&'static str>,
}

impl Call {
    fn of(event: EventRef, categories: &[String]) -> Self {
        let (mut sources, mut read_only) = (Vec::new(), Vec::new());
        for category in categories {
            let (source, kind) = category.split_once(';').unwrap_or((category, ""));
            sources.push(source.trim().to_owned());
            match kind.trim() {
                "read" => read_only.push("true"),
                "write" => read_only.push("false"),
                _ => {}
            }
        }
        Self { event, sources, read_only }
    }

    /// Whether a selector takes the event, and whether that depends on something besides (a resource).
    fn is_taken(&self, selector: &TrailSelector) -> Option<bool> {
        let data = cloudtrail_data_type(&self.event.event_id);
        let is_of_category = match selector.category {
            TrailCategory::Management => data.is_none(),
            TrailCategory::Data => data.is_some(),
            TrailCategory::Other(_) => false,
        };
        let mut is_whole = true;
        for condition in &selector.conditions {
            let fits = |values: &mut dyn Iterator<Item = &str>| {
                let mut values = values.peekable();
                // An unknown call may fit.
                values.peek().is_none() || values.any(|value| condition.fits(value))
            };
            let is_met = match condition.field.as_str() {
                "eventName" => condition.fits(&self.event.event_id),
                "eventSource" => fits(&mut self.sources.iter().map(String::as_str)),
                "readOnly" => fits(&mut self.read_only.iter().copied()),
                "resources.type" => fits(&mut data.into_iter()),
                _ => {
                    is_whole = false;
                    true
                }
            };
            if !is_met {
                return None;
            }
        }
        is_of_category.then_some(is_whole)
    }
}

impl Atlas {
    pub(crate) fn collected_by_trail(&self, trail: &TrailSelectors) -> Result<CollectedTelemetry, TelemetryError> {
        let broken = |error: ruleatlas_store::Error| TelemetryError::Catalog(error.to_string());
        let mut have = CollectedTelemetry { kind: "cloudtrail_event_selectors", ..CollectedTelemetry::default() };
        let calls = self.store().categories_of_provider("CloudTrail").map_err(broken)?;
        for (event, categories) in calls {
            let call = Call::of(event, &categories);
            let taken: Vec<bool> = trail.selectors.iter().filter_map(|selector| call.is_taken(selector)).collect();
            if taken.is_empty() {
                continue;
            }
            let how = match (cloudtrail_data_type(&call.event.event_id), taken.contains(&true)) {
                (None, true) => "a management event".to_owned(),
                (Some(kind), true) => format!("a data event of {kind}"),
                (None, false) => "a management event, where the other conditions of the selector fit".to_owned(),
                (Some(kind), false) => format!("a data event of {kind}, of some resources only"),
            };
            have.add(&call.event.provider, &call.event.event_id, &how);
        }
        let is_known = |kind: &str| cloudtrail_data().iter().any(|(known, _)| *known == kind);
        let kinds = trail.selectors.iter().flat_map(|selector| &selector.conditions);
        let kinds =
            kinds.filter(|condition| condition.field == "resources.type").flat_map(|condition| &condition.equals);
        let mut unknown: Vec<&str> = kinds.map(String::as_str).filter(|kind| !is_known(kind)).collect();
        unknown.sort_unstable();
        unknown.dedup();
        have.note_names("it is unknown which events are data events of", &unknown);
        for selector in &trail.selectors {
            if let TrailCategory::Other(name) = &selector.category {
                have.note_names("nothing is known of events of the category", &[name]);
            }
        }
        have.notes.push("what is a data event is known for the common types of resources only".to_owned());
        Ok(have)
    }

    pub(crate) fn collected_by_diagnostics(
        &self,
        settings: &DiagnosticSettings,
    ) -> Result<CollectedTelemetry, TelemetryError> {
        let broken = |error: ruleatlas_store::Error| TelemetryError::Catalog(error.to_string());
        let mut have = CollectedTelemetry { kind: "diagnostic_settings", ..CollectedTelemetry::default() };
        let mut unknown: Vec<&str> = Vec::new();
        for category in &settings.enabled {
            let events = events_of_diagnostic_category(category);
            if events.is_empty() {
                unknown.push(category);
            }
            for (provider, id) in events {
                let how = format!("category {category}");
                match id {
                    "*" => {
                        for head in self.store().events_of_provider(provider).map_err(broken)? {
                            have.add(&head.event.provider, &head.event.event_id, &how);
                        }
                    }
                    id => have.add(provider, id, &how),
                }
            }
        }
        have.note_names("it is unknown which events these categories hold:", &unknown);
        let off: Vec<&str> = settings.disabled.iter().map(String::as_str).collect();
        have.note_names("off:", &off);
        Ok(have)
    }
}

/// The record types that rules of Linux audit write.
pub(crate) fn collected_by_audit_rules(rules: &AuditRules) -> CollectedTelemetry {
    let mut have = CollectedTelemetry { kind: "audit_rules", ..CollectedTelemetry::default() };
    if rules.is_off {
        have.notes.push("`-e 0` turns auditing off".to_owned());
        return have;
    }
    let has = |call: &str| rules.system_calls.contains(call) || rules.system_calls.contains("all");
    let has_rule = !rules.system_calls.is_empty() || !rules.watches.is_empty();
    for [record_type, calls] in auditd_rules() {
        let how = match *record_type {
            _ if rules.excluded.contains(*record_type) => continue,
            _ if *calls == AUDITD_ALWAYS => "written without a rule".to_owned(),
            // Every rule that applies writes these.
            "SYSCALL" | "PROCTITLE" if has_rule => "any rule".to_owned(),
            "PATH" | "CWD" if !rules.watches.is_empty() => "a watch".to_owned(),
            _ => match calls.split(' ').find(|call| has(call)) {
                Some(call) => format!("a rule on {call}"),
                None => continue,
            },
        };
        have.add("auditd", record_type, &how);
    }
    have.notes.push(
        "a rule may be narrower than its system calls say: filters on paths, users and keys are not followed"
            .to_owned(),
    );
    have
}

impl CollectedTelemetry {
    /// Adds a note that lists names, where there are any.
    fn note_names(&mut self, what: &str, names: &[&str]) {
        if names.is_empty() {
            return;
        }
        let plain = |name: &&str| -> String { name.chars().filter(|c| !c.is_control()).take(80).collect() };
        let shown: Vec<String> = names.iter().take(TOLD).map(plain).collect();
        let more = names.len().saturating_sub(TOLD);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        self.notes.push(format!("{what} {}{more}", shown.join(", ")));
    }
}
