//! Elastic's real corpus: everything parses, nearly every field has a canonical name, and vendors meet.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use ruleatlas_catalog::Ledger;
use ruleatlas_model::{FaultKind, Indicator, Modifiers, Vendor};
use ruleatlas_sources::SourceKind;

use support::{corpus, corpus_in, is_of_event, mapped};

#[test]
fn no_query_fails_and_all_but_a_few_are_understood_as_a_whole() {
    let Some(catalog) = corpus(&[SourceKind::Rules(Vendor::Elastic)]) else { return };
    let ledger = Ledger::of(&catalog);
    let row = &ledger.sources[0];
    println!("{:#?}", row.parse);
    for fault in ledger.faults.iter().filter(|fault| fault.parse != FaultKind::NoQuery) {
        println!("{} {}:{:?}: {}", fault.parse, fault.path, fault.line, fault.reason);
    }
    let of = |status: &str| row.parse.values().filter_map(|statuses| statuses.get(status)).sum::<u64>();
    assert_eq!((row.unreadable, of("failed")), (0, 0));
    assert!(of("partial") <= 2, "{} partial", of("partial"));
    assert!(of("full") >= 2200);
}

#[test]
fn every_behaviour_rule_of_the_endpoint_is_understood_as_a_whole() {
    let Some(catalog) = corpus_in(&[(SourceKind::Rules(Vendor::Elastic), "elastic-endpoint")]) else { return };
    let ledger = Ledger::of(&catalog);
    assert!(ledger.faults.is_empty() && catalog.entries.len() > 200, "{:?}", ledger.faults);
    for entry in &catalog.entries {
        let rule = &entry.rule;
        // A few name a tactic alone.
        let is_tagged = !rule.technique_tags.is_empty() || !rule.tactics.is_empty();
        assert!(is_tagged && !rule.platforms.is_empty(), "{}", rule.path);
    }
    let silent = catalog.entries.iter().filter(|entry| entry.rule.events.is_empty()).count();
    println!("{silent} of {} rules without an event", catalog.entries.len());
    assert!(silent * 20 <= catalog.entries.len(), "{silent}");
}

#[test]
fn nineteen_of_twenty_predicates_name_a_field_that_is_known() {
    let Some(catalog) = corpus(&[SourceKind::Rules(Vendor::Elastic)]) else { return };
    let names: BTreeSet<&str> = catalog.entries.iter().map(|entry| entry.rule.language.name()).collect();
    let of_language = |name: &str| {
        let entries = catalog.entries.iter().filter(|entry| entry.rule.language.name() == name);
        mapped(name, entries.flat_map(|entry| &entry.predicates).filter(|row| is_of_event(row)))
    };
    // A language without predicates has nothing to name.
    let counts = names.into_iter().map(|name| (name, of_language(name))).filter(|(_, (_, all))| *all > 0);
    let languages: BTreeMap<&str, (usize, usize)> = counts.collect();
    let (mapped, all) = languages.values().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    println!("{mapped} of {all} predicates");
    assert!(all > 15_000 && mapped * 100 >= all * 95, "{mapped} of {all} mapped");
    for (language, (mapped, all)) in &languages {
        assert!(mapped * 100 >= all * 95, "{language}: {mapped} of {all} mapped");
    }
}

#[test]
fn a_host_rule_says_what_it_reads() {
    let Some(catalog) = corpus(&[SourceKind::Rules(Vendor::Elastic)]) else { return };
    let (mut silent, mut all) = (Vec::new(), 0);
    for entry in &catalog.entries {
        let is_query = !entry.rule.query.is_empty();
        all += usize::from(is_query);
        if is_query && entry.rule.log_sources.is_empty() {
            silent.push(entry.rule.path.as_str());
        }
    }
    println!("{} of {all} rules without a log source: {silent:#?}", silent.len());
    assert!(silent.len() * 100 <= all, "{} of {all}", silent.len());
}

#[test]
fn one_check_of_two_vendors_is_one_indicator() {
    let Some(catalog) = corpus(&[SourceKind::Rules(Vendor::Elastic), SourceKind::Rules(Vendor::Sigma)]) else { return };
    for (field, op, value) in [
        ("Image", "basename", "rundll32.exe"),
        ("ParentImage", "basename", "w3wp.exe"),
        ("OriginalFileName", "eq", "powershell.exe"),
        ("dest_port", "eq", "445"),
        ("eventName", "eq", "consolelogin"),
        ("TargetImage", "basename", "lsass.exe"),
    ] {
        let op = op.parse().expect("an operator");
        let wanted = Indicator { field: field.to_owned(), op, value: value.to_owned(), modifiers: Modifiers::NONE };
        let reach = |vendor: Vendor| {
            let rules = catalog.entries.iter().filter(|entry| entry.rule.vendor == vendor);
            rules.filter(|entry| entry.indicators.iter().any(|row| row.indicator == wanted)).count()
        };
        let (elastic, sigma) = (reach(Vendor::Elastic), reach(Vendor::Sigma));
        println!("{field} {value}: elastic {elastic}, sigma {sigma}");
        assert!(elastic > 0 && sigma > 0, "{field} {value}: elastic {elastic}, sigma {sigma}");
    }
}
