//! What telemetry is collected, from what a file says of settings.

use std::collections::{BTreeMap, BTreeSet};

use ruleatlas_model::EventRef;
use ruleatlas_sources::have::{
    Component, Error as FileError, Filter, Listed, OnMatch, Subcategory, SysmonConfig, TelemetryConfig,
};
use ruleatlas_taxonomy::telemetry::{
    Outcome, audit_policy, events_of_component, platforms_of_systems, providers_of_product, sysmon_config,
};
use serde::Serialize;

use crate::{Atlas, cloud_telemetry::collected_by_audit_rules, nearest};

/// The kinds of files that say what is collected: the name in data, and what it is.
pub const HAVE_KINDS: [(&str, &str); 7] = [
    ("sysmon_configuration", "a configuration of Sysmon, XML of schema version 2 to 4"),
    ("audit_policy", "the output of `auditpol /get /category:* /r`, or of `auditpol /backup`"),
    ("audit_rules", "rules of Linux audit, as in `/etc/audit/rules.d` or the output of `auditctl -l`"),
    ("cloudtrail_event_selectors", "the output of `aws cloudtrail get-event-selectors`, basic or advanced"),
    ("diagnostic_settings", "diagnostic settings of Entra ID or Azure, JSON with `logs` and their categories"),
    ("data_source_administration", "a data source administration of DeTT&CT, YAML"),
    ("list", "lines of `Provider,EventID`; `*` is every event of the provider, `#` begins a comment"),
];

/// The events that are collected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct CollectedTelemetry {
    /// What kind of file says so.
    pub kind: &'static str,
    /// The events, and what says that they are collected.
    #[serde(skip)]
    pub events: BTreeMap<EventRef, String>,
    /// What somebody should know who relies on the answer.
    pub notes: Vec<String>,
}

/// Why a file gives no events.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TelemetryError {
    /// It cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// It names what nobody knows.
    #[error("{}", .0.join("\n"))]
    Unknown(Vec<String>),
    /// Everything in it is turned off.
    #[error("nothing in it collects an event: {0}")]
    Nothing(String),
    /// The catalog cannot be read.
    #[error("{0}")]
    Catalog(String),
}

/// Unknown names that are told of at once.
const TOLD: usize = 20;

impl CollectedTelemetry {
    /// Events that are known to be collected.
    pub fn of(events: impl IntoIterator<Item = EventRef>) -> Self {
        let events = events.into_iter().map(|event| (event, "listed".to_owned())).collect();
        Self { kind: "list", events, notes: Vec::new() }
    }

    /// Events that logs hold.
    pub fn seen_in_logs(events: impl IntoIterator<Item = EventRef>) -> Self {
        let events = events.into_iter().map(|event| (event, "seen in the logs".to_owned())).collect();
        Self {
            kind: "logs",
            events,
            notes: vec!["an event that the logs do not hold may be collected all the same".to_owned()],
        }
    }

    pub(crate) fn add(&mut self, provider: &str, id: &str, how: &str) {
        let event = EventRef { provider: provider.to_owned(), event_id: id.to_owned() };
        self.events.entry(event).or_insert_with(|| how.to_owned());
    }
}

impl Atlas {
    /// The events that a file's settings collect.
    ///
    /// # Errors
    /// It cannot be read, names events or settings that nobody knows, or collects nothing.
    pub fn have(&self, bytes: &[u8]) -> Result<CollectedTelemetry, TelemetryError> {
        let have = match ruleatlas_sources::have::read(bytes)? {
            TelemetryConfig::Sysmon(config) => of_sysmon(&config)?,
            TelemetryConfig::AuditPolicy(lines) => of_audit_policy(&lines),
            TelemetryConfig::DataSources(components) => self.of_components(&components),
            TelemetryConfig::AuditRules(rules) => collected_by_audit_rules(&rules),
            TelemetryConfig::CloudTrail(trail) => self.collected_by_trail(&trail)?,
            TelemetryConfig::Diagnostic(settings) => self.collected_by_diagnostics(&settings)?,
            TelemetryConfig::List(listed) => self.collected_from_list(&listed)?,
        };
        if have.events.is_empty() {
            return Err(TelemetryError::Nothing(have.notes.join("; ")));
        }
        Ok(have)
    }

    fn collected_from_list(&self, listed: &[Listed]) -> Result<CollectedTelemetry, TelemetryError> {
        let broken = |error: ruleatlas_store::Error| TelemetryError::Catalog(error.to_string());
        let mut have = CollectedTelemetry { kind: "list", ..CollectedTelemetry::default() };
        let mut unknown: Vec<String> = Vec::new();
        let mut without_entry: BTreeSet<String> = BTreeSet::new();
        let store = self.store();
        let providers: Vec<String> = store.providers().map_err(broken)?.into_iter().map(|(name, _)| name).collect();
        for row in listed {
            let provider = self.taxonomy.provider_name(&row.provider);
            let known = providers.iter().find(|name| name.eq_ignore_ascii_case(&provider));
            if let (Some(known), "*") = (known, row.event_id.as_str()) {
                for head in store.events_of_provider(known).map_err(broken)? {
                    have.add(&head.event.provider, &head.event.event_id, "listed with all of its provider");
                }
                continue;
            }
            let event = EventRef { provider, event_id: row.event_id.clone() };
            if let Some(entry) = store.event(&event).map_err(broken)? {
                have.add(&entry.event.provider, &entry.event.event_id, "listed");
                continue;
            }
            let of_channel = store.events_in_channel(&row.provider, &row.event_id).map_err(broken)?;
            for head in &of_channel {
                have.add(&head.event.provider, &head.event.event_id, "listed by its channel");
            }
            match known {
                _ if !of_channel.is_empty() => {}
                Some(known) => {
                    without_entry.insert(format!("{known} {}", row.event_id));
                    have.add(known, &row.event_id, "listed");
                }
                None => {
                    let near = nearest(&event.provider, providers.iter().map(String::as_str), 3);
                    let hint =
                        if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(", ")) };
                    let name: String = row.provider.chars().filter(|c| !c.is_control()).take(80).collect();
                    unknown.push(format!("line {}: nobody knows the provider or channel `{name}`{hint}", row.line));
                }
            }
        }
        if !without_entry.is_empty() {
            let names: Vec<&str> = without_entry.iter().take(TOLD).map(String::as_str).collect();
            let more = without_entry.len().saturating_sub(TOLD);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            have.notes
                .push(format!("no dictionary and no rule knows {}{more}: counted as collected", names.join(", ")));
        }
        if unknown.is_empty() { Ok(have) } else { Err(TelemetryError::Unknown(shortened(unknown))) }
    }
}

fn shortened(mut messages: Vec<String>) -> Vec<String> {
    let more = messages.len().saturating_sub(TOLD);
    messages.truncate(TOLD);
    if more > 0 {
        messages.push(format!("and {more} more"));
    }
    messages
}

/// What the filters of an event type do together, by Sysmon's rules: an event is written when an include filter matches
/// it, or there is none, and no exclude filter does. So an include filter without a condition writes nothing, whatever is
/// excluded beside it, and an exclude filter without a condition writes everything.
fn effect(filters: &[&Filter]) -> (bool, String) {
    let of = |on_match| filters.iter().filter(move |filter| filter.on_match == on_match);
    let conditions = |on_match| of(on_match).map(|filter| filter.conditions).sum::<usize>();
    let relation = |on_match| {
        let all_fields = of(on_match).any(|filter| filter.all_fields && filter.conditions > 1);
        if all_fields { "all fields of" } else { "one of" }
    };
    let excluded = match conditions(OnMatch::Exclude) {
        0 => String::new(),
        count => format!(" what matches {} {count} exclude conditions", relation(OnMatch::Exclude)),
    };
    match (of(OnMatch::Include).count(), conditions(OnMatch::Include)) {
        (0, _) if excluded.is_empty() => (true, "all".to_owned()),
        (0, _) => (true, format!("all but{excluded}")),
        (_, 0) => (false, "nothing is included: the include filter has no conditions".to_owned()),
        (_, count) => {
            let but = if excluded.is_empty() { "" } else { ", but" };
            (
                true,
                format!("only what matches {} {count} include conditions{but}{excluded}", relation(OnMatch::Include)),
            )
        }
    }
}

fn of_sysmon(config: &SysmonConfig) -> Result<CollectedTelemetry, TelemetryError> {
    let mut have = CollectedTelemetry { kind: "sysmon_configuration", ..CollectedTelemetry::default() };
    have.notes.push(format!("Sysmon configuration of schema version {}", config.schema));
    let elements: Vec<&str> = sysmon_config().iter().map(|row| row.element).filter(|name| !name.is_empty()).collect();
    let is_known = |name: &str| elements.iter().any(|element| element.eq_ignore_ascii_case(name));
    let unknown = config.filters.iter().filter(|filter| !is_known(&filter.element)).map(|filter| {
        let near = nearest(&filter.element, elements.iter().copied(), 2);
        let hint = if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(", ")) };
        let name: String = filter.element.chars().take(80).collect();
        format!("line {}: Sysmon has no event type `{name}`{hint}", filter.line)
    });
    let unknown: Vec<String> = unknown.collect();
    if !unknown.is_empty() {
        return Err(TelemetryError::Unknown(shortened(unknown)));
    }
    for row in sysmon_config() {
        let is_this = |filter: &&Filter| filter.element.eq_ignore_ascii_case(row.element);
        let filters: Vec<&Filter> = config.filters.iter().filter(is_this).collect();
        let (is_on, how) = match filters.as_slice() {
            [] if row.element.is_empty() => (true, "always on".to_owned()),
            [] => (row.by_default, "not in the configuration, on by default".to_owned()),
            filters => effect(filters),
        };
        if is_on {
            for id in &row.event_ids {
                have.add("Sysmon", id, &how);
            }
        }
        if !filters.is_empty() {
            have.notes.push(format!("{}: {}{how}", row.element, if is_on { "" } else { "off, " }));
        }
    }
    Ok(have)
}

fn of_audit_policy(lines: &[Subcategory]) -> CollectedTelemetry {
    let mut have = CollectedTelemetry { kind: "audit_policy", ..CollectedTelemetry::default() };
    for line in lines {
        let of_it = || audit_policy().iter().filter(|row| row.guid == line.guid);
        if of_it().next().is_none() {
            have.notes.push(format!("line {}: subcategory {{{}}} is not known", line.line, line.guid));
        }
        for row in of_it().filter(|row| !row.event_id.is_empty()) {
            let is_on = match row.outcome {
                Outcome::Success => line.success,
                Outcome::Failure => line.failure,
                Outcome::Both => line.success || line.failure,
            };
            if is_on {
                have.add("Security-Auditing", row.event_id, &format!("audited: {}", row.subcategory));
            }
        }
    }
    // These write to the Security log whatever the policy says.
    for id in ["1100", "1102", "1104", "1105", "1108"] {
        have.add("Eventlog", id, "always on");
    }
    have.notes.push(
        "the audit policy says nothing of other logs, nor of the access lists that object access needs".to_owned(),
    );
    have
}

impl Atlas {
    fn of_components(&self, components: &[Component]) -> CollectedTelemetry {
        let mut have = CollectedTelemetry { kind: "data_source_administration", ..CollectedTelemetry::default() };
        let mut without_events: BTreeSet<&str> = BTreeSet::new();
        let mut assumed: BTreeSet<&str> = BTreeSet::new();
        let mut elsewhere: BTreeSet<&str> = BTreeSet::new();
        let mut usable = 0_u32;
        for component in components.iter().filter(|component| component.available) {
            usable += 1;
            let events = events_of_component(&component.name);
            if events.is_empty() {
                without_events.insert(&component.name);
                continue;
            }
            let providers: Vec<&str> =
                component.products.iter().flat_map(|product| providers_of_product(product)).collect();
            if providers.is_empty() {
                assumed.insert(&component.name);
            }
            let is_of_product =
                |event: &&EventRef| providers.is_empty() || providers.contains(&event.provider.as_str());
            let watched = platforms_of_systems(&component.platforms);
            let is_of_system = |event: &&EventRef| {
                let own = self.taxonomy.platforms_of_provider(&event.provider);
                watched.is_empty() || own.is_empty() || own.iter().any(|platform| watched.contains(platform))
            };
            let of_product: Vec<&EventRef> = events.iter().filter(is_of_product).collect();
            if !of_product.is_empty() && !of_product.iter().any(&is_of_system) {
                elsewhere.insert(&component.name);
            }
            for event in of_product.into_iter().filter(is_of_system) {
                have.add(&event.provider, &event.event_id, &format!("data component {}", component.name));
            }
        }
        let off = components.len() as u64 - u64::from(usable);
        if off > 0 {
            have.notes.push(format!("{off} entries are not available for analytics"));
        }
        for (names, what) in [
            (&without_events, "no event is known for the data components"),
            (&elsewhere, "no event on the platforms of the systems is known for the data components"),
            (&assumed, "no product is known by name, so every event counts as collected of"),
        ] {
            if !names.is_empty() {
                let names: Vec<String> = names.iter().take(TOLD).map(|name| name.chars().take(60).collect()).collect();
                have.notes.push(format!("{what} {}", names.join(", ")));
            }
        }
        have
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filters_of_an_event_type_work_together_as_sysmon_has_it() {
        use OnMatch::{Exclude, Include};
        let filter = |(on_match, conditions): &(OnMatch, usize)| Filter {
            element: "ProcessCreate".to_owned(),
            on_match: *on_match,
            conditions: *conditions,
            all_fields: false,
            line: 1,
        };
        let cases: [(&[(OnMatch, usize)], bool); 9] = [
            (&[(Include, 0)], false),
            (&[(Include, 2)], true),
            (&[(Exclude, 0)], true),
            (&[(Exclude, 2)], true),
            (&[(Include, 0), (Exclude, 2)], false),
            (&[(Exclude, 0), (Include, 0)], false),
            (&[(Include, 2), (Exclude, 2)], true),
            (&[(Include, 0), (Include, 1)], true),
            (&[(Exclude, 1), (Include, 0), (Include, 1)], true),
        ];
        for (filters, is_on) in cases {
            let filters: Vec<Filter> = filters.iter().map(filter).collect();
            let (found, how) = effect(&filters.iter().collect::<Vec<_>>());
            assert_eq!(found, is_on, "{how}");
        }
        let all = Filter { all_fields: true, ..filter(&(Include, 3)) };
        assert_eq!(effect(&[&all]).1, "only what matches all fields of 3 include conditions");
    }
}
