//! The real Kusto corpus: nearly everything parses, nearly every column has a canonical name, and variants count once.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use ruleatlas_catalog::Ledger;
use ruleatlas_model::{FaultKind, Indicator, Modifiers, Vendor};
use ruleatlas_sources::SourceKind;

use support::{corpus, is_of_event, mapped};

#[test]
fn nearly_every_query_is_understood_and_every_file_accounted_for() {
    let Some(catalog) = corpus(&[SourceKind::Rules(Vendor::Kusto)]) else { return };
    let ledger = Ledger::of(&catalog);
    let row = &ledger.sources[0];
    println!("{:#?}\n{:#?}", row.parse, row.reasons);
    for fault in ledger.faults.iter().filter(|fault| fault.parse != FaultKind::Partial) {
        println!("{} {}:{:?}: {}", fault.parse, fault.path, fault.line, fault.reason);
    }
    let of = |status: &str| row.parse.values().filter_map(|statuses| statuses.get(status)).sum::<u64>();
    assert_eq!(row.files, row.with_rules + row.not_a_rule + row.unreadable);
    assert_eq!(row.unreadable, 0);
    assert!(row.rules > 3_500, "{} rules", row.rules);
    assert!(of("full") * 100 >= row.rules * 95, "{} of {} full", of("full"), row.rules);
    assert!(of("failed") * 100 <= row.rules, "{} of {} failed", of("failed"), row.rules);
}

#[test]
fn nine_of_ten_predicates_name_a_column_that_is_known() {
    let Some(catalog) = corpus(&[SourceKind::Rules(Vendor::Kusto)]) else { return };
    let rows = catalog.entries.iter().flat_map(|entry| &entry.predicates);
    let (mapped, all) = mapped("Kusto", rows.filter(|row| is_of_event(row)));
    assert!(all > 13_000 && mapped * 100 >= all * 90, "{mapped} of {all} mapped");
}

#[test]
fn nine_of_ten_rules_say_what_they_read() {
    let Some(catalog) = corpus(&[SourceKind::Rules(Vendor::Kusto)]) else { return };
    let mut silent: BTreeMap<&str, usize> = BTreeMap::new();
    let mut count = 0;
    for entry in catalog.entries.iter().filter(|entry| entry.rule.log_sources.is_empty()) {
        count += 1;
        for source in entry.rule.conditions.iter().flat_map(|condition| &condition.sources) {
            *silent.entry(&source.name).or_default() += 1;
        }
    }
    let mut silent: Vec<_> = silent.into_iter().collect();
    silent.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
    println!(
        "{count} of {} rules without a log source; their tables: {:?}",
        catalog.entries.len(),
        &silent[..silent.len().min(40)]
    );
    assert!(count * 10 <= catalog.entries.len(), "{count} of {}", catalog.entries.len());
}

#[test]
fn a_variant_is_one_of_a_rule_on_its_page_that_is_none_itself() {
    let Some(catalog) = corpus(&[SourceKind::Rules(Vendor::Kusto)]) else { return };
    let firsts: BTreeSet<(&str, &str)> = catalog
        .entries
        .iter()
        .filter(|entry| entry.rule.variant_of.is_none())
        .map(|entry| (entry.rule.id.as_str(), entry.rule.path.as_str()))
        .collect();
    let variants = || catalog.entries.iter().filter_map(|entry| Some((entry, entry.rule.variant_of.as_deref()?)));
    println!("{} variants", variants().count());
    assert!(variants().count() > 300);
    for (entry, first) in variants() {
        assert!(firsts.contains(&(first, entry.rule.path.as_str())), "{}: {first}", entry.rule.id);
    }
}

#[test]
fn one_check_of_two_vendors_is_one_indicator() {
    let Some(catalog) = corpus(&[SourceKind::Rules(Vendor::Kusto), SourceKind::Rules(Vendor::Sigma)]) else { return };
    for (field, op, value) in [
        ("Image", "basename", "rundll32.exe"),
        ("ParentImage", "basename", "winword.exe"),
        ("dest_port", "eq", "445"),
        ("eventName", "eq", "consolelogin"),
        ("EventID", "eq", "4624"),
    ] {
        #[allow(clippy::expect_used)]
        let op = op.parse().expect("an operator");
        let wanted = Indicator { field: field.to_owned(), op, value: value.to_owned(), modifiers: Modifiers::NONE };
        let reach = |vendor: Vendor| {
            let rules = catalog.entries.iter().filter(|entry| entry.rule.vendor == vendor);
            rules.filter(|entry| entry.indicators.iter().any(|row| row.indicator == wanted)).count()
        };
        let (kusto, sigma) = (reach(Vendor::Kusto), reach(Vendor::Sigma));
        println!("{field} {value}: kusto {kusto}, sigma {sigma}");
        assert!(kusto > 0 && sigma > 0, "{field} {value}: kusto {kusto}, sigma {sigma}");
    }
}
