//! Panther's rules against their own unit tests, where `RULEATLAS_PANTHER` names a checkout with modules.

#![allow(clippy::unwrap_used, clippy::cast_precision_loss)]

use std::{collections::BTreeMap, env};

use ruleatlas_catalog::{Entry, Loaded, build, unit_tests};
use ruleatlas_model::{Kind, Language, ParseStatus, Vendor};
use ruleatlas_sources::{SourceKind, SourceSpec};

fn entries(variable: &str, folder: &str) -> Option<Vec<Entry>> {
    let Some(path) = env::var_os(variable) else {
        println!("skipped: {variable} names no folder of rules");
        return None;
    };
    let path = std::path::Path::new(&path).join(folder);
    let loaded = Loaded::read(&[SourceSpec::new(SourceKind::Rules(Vendor::Panther), path)], &|_, _, _, _| {}).unwrap();
    Some(build(loaded, &|_, _, _, _| {}).unwrap().entries)
}

#[test]
fn conditions_say_what_the_rules_own_tests_say() {
    let Some(entries) = entries("RULEATLAS_PANTHER", "") else { return };
    let shown = env::var("RULEATLAS_SHOW").unwrap_or_default();
    let mut statuses: BTreeMap<(Kind, Language, ParseStatus), usize> = BTreeMap::new();
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    let (mut agree, mut differ, mut unknown, mut apart) = (0, 0, 0, 0);
    let (mut rules, mut full, mut failed) = (0, 0, 0);
    let (mut partial_agree, mut partial_differ) = (0, 0);
    for entry in &entries {
        let rule = &entry.rule;
        *statuses.entry((rule.kind, rule.language, rule.parse)).or_default() += 1;
        if rule.kind != Kind::Policy {
            rules += 1;
            full += usize::from(rule.parse == ParseStatus::Full);
            failed += usize::from(rule.parse == ParseStatus::Failed);
        }
        if rule.parse == ParseStatus::Failed {
            println!(
                "failed {} {} {:?}",
                rule.id,
                rule.path,
                rule.diagnostics.iter().map(|one| &one.message).collect::<Vec<_>>()
            );
        }
        if rule.parse == ParseStatus::Partial {
            let mut own: Vec<&str> =
                rule.conditions.iter().flat_map(|step| step.root.opaques()).map(|part| part.reason.as_str()).collect();
            own.sort_unstable();
            own.dedup();
            for reason in own {
                *reasons.entry(reason.to_owned()).or_default() += 1;
                println!("partial {} {}: {reason}", rule.id, rule.path);
            }
        }
        if !shown.is_empty() && (rule.path.contains(&shown) || rule.id.contains(&shown)) {
            println!("##### {}\n{}", rule.path, serde_json::to_string_pretty(&rule.conditions).unwrap());
        }
        for test in unit_tests(rule) {
            if test.apart {
                apart += 1;
                continue;
            }
            if rule.parse != ParseStatus::Full {
                match test.found {
                    Some(found) if found == test.expected => partial_agree += 1,
                    Some(_) => {
                        partial_differ += 1;
                        println!(
                            "partial-differs {} {} [{}] expected {} found {:?}",
                            rule.id, rule.path, test.name, test.expected, test.found
                        );
                    }
                    None => {}
                }
                continue;
            }
            match test.found {
                None => {
                    unknown += 1;
                    println!("unknown {} {} [{}]: {}", rule.id, rule.path, test.name, test.reason);
                }
                Some(_) if test.agrees() => agree += 1,
                Some(found) => {
                    differ += 1;
                    println!(
                        "differs {} {} [{}] expected {} found {found}",
                        rule.id, rule.path, test.name, test.expected
                    );
                }
            }
        }
    }
    for (key, count) in &statuses {
        println!("{key:?} {count}");
    }
    for (reason, count) in &reasons {
        println!("  {count} {reason}");
    }
    println!(
        "{rules} rules without policies, {full} full ({:.1} %), {failed} failed",
        full as f64 * 100.0 / rules as f64
    );
    let decided = agree + differ + unknown;
    println!(
        "full: {agree} of {decided} tests agree ({:.2} %), {differ} differ, {unknown} unknown, {apart} apart (mocked, or a data model's method is not followed); partial: {partial_agree} agree, {partial_differ} differ",
        f64::from(agree) * 100.0 / f64::from(decided)
    );
    assert!(f64::from(agree) >= f64::from(decided) * 0.97, "{agree} of {decided} tests agree");
    assert_eq!(unknown, 0, "tests of rules that are understood in full cannot be decided");
    assert!(full * 100 >= rules * 85, "{full} of {rules} rules are understood in full");
    assert_eq!(failed, 0);
}

/// Without the modules, every rule is there all the same and says what it lacks.
#[test]
fn rules_without_their_modules_say_so() {
    let Some(entries) = entries("RULEATLAS_CORPORA", "panther") else { return };
    let mut lacking = 0;
    for entry in entries.iter().filter(|entry| entry.rule.language == Language::Python) {
        let rule = &entry.rule;
        assert_eq!(rule.parse, ParseStatus::Failed, "{}", rule.id);
        assert!(rule.diagnostics.iter().any(|said| said.code == "module not found"), "{}", rule.id);
        assert!(!rule.title.is_empty() && rule.severity.is_some(), "{}", rule.id);
        lacking += 1;
    }
    println!("{} rules, {lacking} of them without their module", entries.len());
    assert!(lacking > 900 && entries.len() > 1_000);
}

/// The share of predicates whose field the taxonomy knows, and the names it does not know.
#[test]
fn fields_are_known_to_the_taxonomy() {
    let Some(entries) = entries("RULEATLAS_PANTHER", "") else { return };
    let (mut known, mut all) = (0, 0);
    let mut unknown: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut sourceless: BTreeMap<String, usize> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.rule.kind != Kind::Policy) {
        for step in &entry.rule.conditions {
            if entry.rule.log_sources.is_empty() {
                for source in &step.sources {
                    *sourceless.entry(source.name.clone()).or_default() += 1;
                }
            }
        }
        for row in &entry.predicates {
            if row.role == ruleatlas_model::Role::Computed {
                continue;
            }
            all += 1;
            known += usize::from(row.mapped);
            if !row.mapped {
                let source = entry.rule.conditions.first().and_then(|step| step.sources.first());
                let source = source.map_or_else(String::new, |source| source.name.clone());
                *unknown.entry((source, row.raw_field.clone())).or_default() += 1;
            }
        }
    }
    let mut unknown: Vec<_> = unknown.into_iter().collect();
    unknown.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    for ((source, field), count) in unknown.iter().take(400) {
        println!("unmapped {count} {source} {field}");
    }
    for (source, count) in &sourceless {
        println!("sourceless {count} {source}");
    }
    println!("{known} of {all} predicates have a known field ({:.1} %)", known as f64 * 100.0 / all as f64);
    assert!(known * 100 >= all * 95, "{known} of {all}");
}

/// The demo's rules are ours, so all of it is understood and every unit test agrees.
#[test]
fn the_demo_says_what_its_tests_say() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../cli/demo/panther");
    let loaded = Loaded::read(&[SourceSpec::new(SourceKind::Rules(Vendor::Panther), path)], &|_, _, _, _| {}).unwrap();
    let entries = build(loaded, &|_, _, _, _| {}).unwrap().entries;
    assert_eq!(entries.len(), 12);
    for entry in &entries {
        let rule = &entry.rule;
        assert_eq!(rule.parse, ParseStatus::Full, "{} {:?}", rule.id, rule.diagnostics);
        assert!(rule.kind == Kind::Policy || !rule.log_sources.is_empty(), "{}", rule.id);
        for test in unit_tests(rule) {
            assert!(test.agrees(), "{} {test:?}", rule.id);
        }
    }
    let tests: usize = entries.iter().map(|entry| unit_tests(&entry.rule).len()).sum();
    assert_eq!(tests, 20);
    let correlation = entries.iter().find(|entry| entry.rule.kind == Kind::Correlation).unwrap();
    assert_eq!(correlation.rule.conditions.len(), 2);
}
