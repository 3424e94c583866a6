//! How many of the events that rules read are described: `docs/event-coverage.md`.

#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod support;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::Path,
};

use ruleatlas_catalog::Catalog;
use ruleatlas_model::{EventEntry, Vendor, is_counted};
use ruleatlas_sources::SourceKind;

/// Providers, and the share of the events that rules read which has to have a title, in percent.
const BOUNDS: [(&str, u64); 8] = [
    ("CloudTrail", 94),
    ("Okta", 98),
    ("GitHub", 94),
    ("GCP Audit", 85),
    ("Entra Audit", 79),
    ("Microsoft 365", 76),
    ("Azure Activity", 59),
    ("Defender", 60),
];
/// Further providers of the page.
const OTHERS: [&str; 5] = ["Google Workspace", "Kubernetes audit", "Entra Risk", "Security-Auditing", "Sysmon"];
/// Events that most rules read, of which samples are counted.
const MOST_READ: usize = 500;
/// The share of them that has to have a sample, in percent.
const SAMPLES: u64 = 35;
/// Names that are listed of a provider.
const MAX_NAMES: usize = 120;

const MARKS: (&str, &str) = ("<!-- shares -->\n", "<!-- end of the shares -->\n");

/// The events that counted rules read, those that most read first, each with the number of rules.
fn read(catalog: &Catalog) -> Vec<(&EventEntry, usize)> {
    let mut rules: BTreeMap<(String, String), usize> = BTreeMap::new();
    for entry in catalog.entries.iter().filter(|entry| is_counted(entry.rule.kind, entry.rule.status)) {
        let key = |event: &ruleatlas_model::EventRef| (event.provider.to_lowercase(), event.event_id.to_lowercase());
        let events: BTreeSet<_> = entry.rule.events.iter().map(|link| key(&link.event)).collect();
        events.into_iter().for_each(|event| *rules.entry(event).or_default() += 1);
    }
    let of = |entry: &EventEntry| {
        let key = (entry.event.provider.to_lowercase(), entry.event.event_id.to_lowercase());
        rules.get(&key).copied().unwrap_or_default()
    };
    let entries = catalog.events.entries.iter().map(|entry| (entry, of(entry)));
    let mut read: Vec<_> = entries.filter(|(_, rules)| *rules > 0).collect();
    read.sort_by_key(|(entry, rules)| (Reverse(*rules), entry.event.clone()));
    read
}

#[test]
fn the_events_that_rules_read_are_described() {
    let rules = Vendor::ALL.iter().map(|vendor| SourceKind::Rules(*vendor));
    let kinds: Vec<SourceKind> = rules.chain([SourceKind::Events]).collect();
    let Some(catalog) = support::corpus(&kinds) else { return };
    let read = read(&catalog);
    let mut text =
        String::from("| provider | events read | with a title | % | with a sample |\n|---|---:|---:|---:|---:|\n");
    let mut missing = String::new();
    let mut short = Vec::new();
    for provider in BOUNDS.iter().map(|(provider, _)| *provider).chain(OTHERS) {
        let own: Vec<&EventEntry> =
            read.iter().map(|(entry, _)| *entry).filter(|entry| entry.event.provider == provider).collect();
        let titled = own.iter().filter(|entry| entry.title.is_some()).count();
        let samples = own.iter().filter(|entry| entry.sample.is_some()).count();
        let share = titled as u64 * 1000 / (own.len() as u64).max(1);
        let _ = writeln!(text, "| {provider} | {} | {titled} | {}.{} | {samples} |", own.len(), share / 10, share % 10);
        if let Some((_, bound)) = BOUNDS.iter().find(|(name, bound)| *name == provider && share < bound * 10) {
            short.push(format!("{provider}: {share} of 1000 have a title, at least {bound} % must"));
        }
        let names: Vec<String> = own
            .iter()
            .filter(|entry| entry.title.is_none())
            .map(|entry| {
                let name: String =
                    entry.event.event_id.chars().filter(|c| !matches!(c, '`' | '|' | '\n')).take(80).collect();
                format!("`{}`", name.trim())
            })
            .collect();
        if !names.is_empty() {
            let more = names.len().saturating_sub(MAX_NAMES);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let shown = &names[..names.len().min(MAX_NAMES)];
            let _ = writeln!(missing, "\n**{provider}**: {}{more}", shown.join(", "));
        }
    }
    let most = &read[..read.len().min(MOST_READ)];
    let samples = most.iter().filter(|(entry, _)| entry.sample.is_some()).count() as u64;
    let _ = writeln!(
        text,
        "\nOf the {} events that most rules read {samples} have a sample.\n\n## Events without a title\n{missing}",
        most.len()
    );
    if samples * 100 < SAMPLES * most.len() as u64 {
        short.push(format!("{samples} of {} events that most rules read have a sample", most.len()));
    }
    assert!(short.is_empty(), "{}", short.join("\n"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/event-coverage.md");
    let page = fs::read_to_string(&path).unwrap();
    let (head, rest) = page.split_once(MARKS.0).unwrap();
    let (held, tail) = rest.split_once(MARKS.1).unwrap();
    if std::env::var_os("UPDATE_EVENT_COVERAGE").is_some() {
        fs::write(&path, format!("{head}{}{text}{}{tail}", MARKS.0, MARKS.1)).unwrap();
    } else {
        assert_eq!(held, text, "UPDATE_EVENT_COVERAGE=1 makes docs/event-coverage.md anew");
    }
}
