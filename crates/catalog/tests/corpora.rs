//! A catalog of the real rules: no tag is lost silently, and nearly every field is known.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail anywhere, in its helpers too"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use ruleatlas_model::{ParseStatus, Rule, Vendor};
use ruleatlas_sources::SourceKind;

use support::{corpus, is_of_event, mapped};

const RULES: [SourceKind; 11] = [
    SourceKind::Rules(Vendor::Sigma),
    SourceKind::Rules(Vendor::Elastic),
    SourceKind::Rules(Vendor::Splunk),
    SourceKind::Rules(Vendor::Kusto),
    SourceKind::Rules(Vendor::Panther),
    SourceKind::Rules(Vendor::Falco),
    SourceKind::Rules(Vendor::Sublime),
    SourceKind::Rules(Vendor::Logscale),
    SourceKind::Rules(Vendor::Wazuh),
    SourceKind::Rules(Vendor::YaraL),
    SourceKind::Rules(Vendor::Anvilogic),
];

/// The technique id that a tag carries, if it is of that form: `attack.t1685.001`, `T1078`.
fn technique_id(tag: &str) -> Option<String> {
    let tag = tag.trim().to_ascii_uppercase();
    let id = tag.strip_prefix("ATTACK.").unwrap_or(&tag);
    let digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    let (base, sub) = id.split_once('.').map_or((id, None), |(base, sub)| (base, Some(sub)));
    let is_id = base.strip_prefix('T').is_some_and(|number| digits(number, 4)) && sub.is_none_or(|sub| digits(sub, 3));
    is_id.then(|| id.to_owned())
}

/// The tactic that a tag of Sigma's names; `g0016`, `s0154`, `ds0005` are groups, software and data sources.
fn tactic(tag: &str) -> Option<String> {
    let name = tag.trim().to_ascii_lowercase().strip_prefix("attack.")?.replace(['_', ' '], "-");
    let number = name.trim_start_matches(|letter: char| letter.is_ascii_lowercase());
    let is_object = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    (!is_object).then_some(name)
}

fn is_told(rule: &Rule, what: &str) -> bool {
    let what = what.to_lowercase();
    rule.diagnostics.iter().any(|diagnostic| diagnostic.message.to_lowercase().contains(&what))
}

#[test]
fn no_tag_of_any_corpus_leads_to_nothing_without_a_diagnostic() {
    let kinds: Vec<SourceKind> = RULES.into_iter().chain([SourceKind::Attack]).collect();
    let Some(catalog) = corpus(&kinds) else { return };
    assert!(!catalog.attack.techniques.is_empty(), "no ATT&CK among the corpora");
    let mut lost = Vec::new();
    let mut resolutions: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for entry in &catalog.entries {
        let rule = &entry.rule;
        for tag in &rule.technique_tags {
            *resolutions.entry((rule.vendor.name(), resolution(tag.resolution))).or_default() += 1;
            for id in &tag.techniques {
                assert!(catalog.attack.techniques.contains_key(id), "{}: {id} is not of the loaded version", rule.id);
            }
            if tag.techniques.is_empty() && !is_told(rule, &tag.tag) {
                lost.push(format!("{}: {}", rule.id, tag.tag));
            }
        }
        // What the front of the file says, read here once more: nothing may have fallen out on the way.
        for raw in &rule.tags {
            if let Some(id) = technique_id(raw) {
                let is_kept = rule.technique_tags.iter().any(|tag| technique_id(&tag.tag).as_ref() == Some(&id));
                if !is_kept && !is_told(rule, raw.trim()) {
                    lost.push(format!("{}: {raw}", rule.id));
                }
            } else if let Some(name) = tactic(raw) {
                let known: BTreeSet<&str> =
                    catalog.attack.resolve_tactic(&name).iter().map(|tactic| tactic.short_name.as_str()).collect();
                let is_kept = !known.is_empty() && known.iter().all(|name| rule.tactics.iter().any(|own| own == name));
                if !is_kept && !is_told(rule, raw.trim()) {
                    lost.push(format!("{}: {raw}", rule.id));
                }
            }
        }
    }
    println!("{} rules; tags by vendor and way: {resolutions:?}", catalog.entries.len());
    assert!(lost.is_empty(), "{} tags are lost:\n{}", lost.len(), lost.join("\n"));
    assert!(resolutions.keys().any(|(_, way)| *way == "crosswalk"), "no tag of another version: {resolutions:?}");
}

fn resolution(way: ruleatlas_model::Resolution) -> &'static str {
    way.name()
}

#[test]
fn tactics_of_another_version_are_those_of_the_loaded_one() {
    let Some(catalog) = corpus(&[SourceKind::Rules(Vendor::Sigma), SourceKind::Attack]) else { return };
    let loaded: BTreeSet<&str> = catalog.attack.tactics.iter().map(|tactic| tactic.short_name.as_str()).collect();
    let mut of_other_versions = 0;
    for Rule { id, tags, tactics, .. } in catalog.entries.iter().map(|entry| &entry.rule) {
        assert!(tactics.iter().all(|tactic| loaded.contains(tactic.as_str())), "{id}: {tactics:?}");
        if tags.iter().any(|tag| matches!(tag.as_str(), "attack.stealth" | "attack.defense-impairment")) {
            assert!(tactics.iter().any(|tactic| tactic == "defense-evasion"), "{id}: {tactics:?}");
            of_other_versions += 1;
        }
    }
    println!("{of_other_versions} rules name a tactic of another version");
    assert!(of_other_versions > 0);
}

#[test]
fn nearly_every_field_that_sigma_compares_is_known() {
    let Some(catalog) = corpus(&[SourceKind::Rules(Vendor::Sigma)]) else { return };
    let (mapped, total) = mapped("Sigma", catalog.entries.iter().flat_map(|entry| &entry.predicates));
    let lacking = total - mapped;
    assert!(lacking * 100 <= total * 5, "{lacking} of {total} predicates are not mapped");
}

#[test]
fn nearly_every_field_that_splunk_compares_is_known() {
    let Some(catalog) = corpus(&[SourceKind::Rules(Vendor::Splunk)]) else { return };
    let counted = catalog.entries.iter().filter(|entry| entry.rule.is_counted());
    let (mapped, total) = mapped("Splunk", counted.flat_map(|entry| &entry.predicates).filter(|row| is_of_event(row)));
    let lacking = total - mapped;
    assert!(lacking * 100 <= total * 5, "{lacking} of {total} predicates are not mapped");
}

#[test]
fn splunks_detections_parse_and_say_what_they_read() {
    let Some(catalog) = corpus(&[SourceKind::Rules(Vendor::Splunk)]) else { return };
    let counted: Vec<&Rule> =
        catalog.entries.iter().map(|entry| &entry.rule).filter(|rule| rule.is_counted()).collect();
    let not_full: Vec<&str> =
        counted.iter().filter(|rule| !matches!(rule.parse, ParseStatus::Full)).map(|rule| rule.path.as_str()).collect();
    let silent: Vec<&str> =
        counted.iter().filter(|rule| rule.log_sources.is_empty()).map(|rule| rule.path.as_str()).collect();
    println!("{} rules; not full: {not_full:?}; without a log source: {silent:?}", counted.len());
    assert!(counted.iter().all(|rule| rule.parse != ParseStatus::Failed));
    assert!(not_full.len() * 100 <= counted.len() && silent.len() * 100 <= counted.len());
    let unread: Vec<&str> = catalog
        .files
        .iter()
        .filter(|file| file.outcome == ruleatlas_model::FileOutcome::Unreadable)
        .map(|file| file.path.as_str())
        .collect();
    assert!(unread.is_empty(), "{unread:?}");
}
