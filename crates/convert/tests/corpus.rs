//! Rules of the public corpora in every other language, each read back and evaluated. `docs/conversion.md` is made from it
//! with `UPDATE_CONVERSION=1`, over all rules; otherwise one of `CONVERT_STEP` rules is converted. `RULEATLAS_CORPORA` names
//! the folder of the corpora, `CONVERT_SHOW` a number of refusals of each kind that are printed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail anywhere, in its helpers too")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::PathBuf,
    sync::Mutex,
};

use rayon::prelude::*;
use ruleatlas_catalog::{Entry, Loaded, build};
use ruleatlas_convert::{Options, RefusalKind, Target, prove, undecidable, write};
use ruleatlas_model::{Language, Vendor};
use ruleatlas_sources::{SourceKind, SourceSpec};
use ruleatlas_taxonomy::Taxonomy;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/conversion.md");
/// Of how many rules one is converted where the page is not made.
const STEP: usize = 40;
/// The part of stateless rules that is to be converted.
const LEAST: f64 = 0.9;

/// The languages of a vendor whose rules are converted.
const SOURCES: [(&str, Vendor, &[Language]); 4] = [
    ("Sigma", Vendor::Sigma, &[Language::Sigma]),
    ("Elastic", Vendor::Elastic, &[Language::Eql, Language::Kuery, Language::Lucene, Language::Esql]),
    ("Splunk", Vendor::Splunk, &[Language::Spl]),
    ("Kusto", Vendor::Kusto, &[Language::Kusto]),
];

#[derive(Clone, Debug, Default)]
struct Row {
    rules: usize,
    converted: usize,
    without_selected: usize,
    refused: BTreeMap<RefusalKind, usize>,
}

fn entries() -> Option<Vec<Entry>> {
    let corpora = PathBuf::from(std::env::var_os("RULEATLAS_CORPORA").filter(|folder| !folder.is_empty())?);
    let kinds = SOURCES.map(|(_, vendor, _)| SourceKind::Rules(vendor));
    let specs: Vec<SourceSpec> =
        kinds.into_iter().map(|kind| SourceSpec::new(kind, corpora.join(kind.name()))).collect();
    Some(build(Loaded::read(&specs, &|_, _, _, _| {}).unwrap(), &|_, _, _, _| {}).unwrap().entries)
}

/// Ids of rules by the vendor, the target's place and why they are refused.
type Examples<'a> = BTreeMap<(&'a str, usize, RefusalKind), Vec<String>>;

#[test]
fn rules_of_the_corpora_mean_the_same_in_other_languages() {
    let Some(entries) = entries() else {
        println!("left out: RULEATLAS_CORPORA names no folder with public rules");
        return;
    };
    let updates = std::env::var_os("UPDATE_CONVERSION").is_some();
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<usize>().ok());
    let shown = number("CONVERT_SHOW").unwrap_or(0);
    let step = number("CONVERT_STEP").unwrap_or(if updates { 1 } else { STEP });
    let examples: Mutex<Examples> = Mutex::new(BTreeMap::new());
    let mut table: BTreeMap<(usize, usize), Row> = BTreeMap::new();
    let mut counts: Vec<Count> = Vec::new();
    for (at, (name, vendor, languages)) in SOURCES.iter().enumerate() {
        let own: Vec<&Entry> = entries
            .iter()
            .filter(|entry| entry.rule.vendor == *vendor && languages.contains(&entry.rule.language))
            .filter(|entry| entry.rule.is_counted() && entry.rule.variant_of.is_none())
            .collect();
        let mut left_out: BTreeMap<RefusalKind, usize> = BTreeMap::new();
        let mut stateless: Vec<&Entry> = Vec::new();
        for entry in &own {
            match undecidable(&entry.rule) {
                Some(why) => *left_out.entry(why).or_default() += 1,
                None => stateless.push(entry),
            }
        }
        counts.push((own.len(), stateless.len(), left_out));
        for (place, target) in Target::ALL.into_iter().enumerate() {
            if languages.contains(&target.language()) && languages.len() == 1 {
                continue;
            }
            let row = stateless
                .par_iter()
                .step_by(step)
                .filter(|entry| entry.rule.language != target.language())
                .map(|entry| {
                    let mut row = Row { rules: 1, ..Row::default() };
                    let taxonomy = Taxonomy::builtin();
                    let written = write(&entry.rule, target, &Options::default(), taxonomy);
                    let found = written.and_then(|written| {
                        let proven = prove(&entry.rule, &written, taxonomy);
                        proven.map_err(|mut refusals| {
                            refusals[0].why.push('\n');
                            refusals[0].why.push_str(written.query());
                            refusals
                        })
                    });
                    match found {
                        Ok(conversion) => {
                            row.converted = 1;
                            row.without_selected = usize::from(conversion.proof.selected == 0);
                            assert!(conversion.proof.events > 0);
                        }
                        Err(refusals) => {
                            let first = refusals
                                .iter()
                                .find(|found| matches!(found.kind, RefusalKind::Unequal | RefusalKind::NotReadBack))
                                .or(refusals.first())
                                .unwrap();
                            *row.refused.entry(first.kind).or_default() += 1;
                            if shown > 0 {
                                let mut examples = examples.lock().unwrap();
                                let list = examples.entry((name, place, first.kind)).or_default();
                                if list.len() < shown {
                                    list.push(format!("{}: {}", entry.rule.id, first.why));
                                }
                            }
                        }
                    }
                    row
                })
                .reduce(Row::default, |mut one, other| {
                    one.rules += other.rules;
                    one.converted += other.converted;
                    one.without_selected += other.without_selected;
                    for (kind, count) in other.refused {
                        *one.refused.entry(kind).or_default() += count;
                    }
                    one
                });
            println!("{name} -> {}: {row:?} {:.3}", target.language(), rate(row.converted, row.rules));
            table.insert((at, place), row);
        }
    }
    for ((name, target, kind), list) in examples.lock().unwrap().iter() {
        println!("== {name} -> {:?} {kind:?}", Target::ALL[*target]);
        for one in list {
            println!("   {one}");
        }
    }
    let count = |kind: RefusalKind| table.values().filter_map(|row| row.refused.get(&kind)).sum::<usize>();
    if updates {
        fs::write(PAGE, page(&table, &counts, step)).unwrap();
    }
    assert_eq!(count(RefusalKind::Unequal), 0, "queries that say something else; CONVERT_SHOW=3 prints some");
    assert_eq!(count(RefusalKind::NotReadBack), 0, "queries that are not read back; CONVERT_SHOW=3 prints some");
    for ((source, target), row) in &table {
        let (name, ..) = SOURCES[*source];
        let target = Target::ALL[*target];
        // Kuery compares with case, and has neither regular expressions nor a wildcard for one character.
        let is_aim = (name == "Sigma" && target != Target::Kuery) || target == Target::Sigma;
        let share = rate(row.converted, row.rules);
        assert!(!is_aim || row.rules < 50 || share >= LEAST, "{name} to {}: {share:.3}", target.title());
    }
}

/// Rules of a vendor, those that are stateless, and why others are not.
type Count = (usize, usize, BTreeMap<RefusalKind, usize>);

fn page(table: &BTreeMap<(usize, usize), Row>, counts: &[Count], step: usize) -> String {
    let mut page = String::from(
        "# Conversion\n\n\
         `ruleatlas convert ID --to LANGUAGE` writes a rule in another language. What is written is read back by our own front \
         end, and both are evaluated on at least a thousand events, as far as a rule gives as many: inside and just outside of \
         every comparison, without fields, in other case, with several values, and combinations of them. Where a verdict \
         differs, or the target cannot say a part, there is no query but the place and the reason \
         ([decision](decisions/conversion.md)).\n\n\
         This page is made by `UPDATE_CONVERSION=1 cargo test -p ruleatlas-convert --test corpus` over the public corpora that \
         `ruleatlas sync` fetches: every counted rule, without variants.\n\n\
         ## Which rules are converted\n\n\
         A rule is stateless where it is understood in full, has one step, and compares no count or other computed value and no \
         list that is not part of it: one event decides it.\n\n\
         | rules of | rules | no query, or nothing compared | not understood in full | several steps, a count or a computed value | list outside of the rule | stateless |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for ((name, ..), (rules, stateless, left_out)) in SOURCES.iter().zip(counts) {
        let of = |kind: RefusalKind| left_out.get(&kind).copied().unwrap_or(0);
        let _ = writeln!(
            page,
            "| {name} | {rules} | {} | {} | {} | {} | {stateless} |",
            of(RefusalKind::NoQuery),
            of(RefusalKind::NotUnderstood),
            of(RefusalKind::Stateful),
            of(RefusalKind::List)
        );
    }
    if step > 1 {
        let _ = write!(page, "\nOne of {step} of the stateless rules is converted here.\n");
    }
    page.push_str(
        "\n## Converted\n\nOf each stateless rule, whether it is converted. *Unequal* are queries that say something else than \
         the rule, *not read back* those that our front end does not read as they were written. *None selected* are \
         conversions whose proof has no event that both select.\n\n\
         | rules of | to | rules | converted | share | none selected | unequal | not read back |\n|---|---|---|---|---|---|---|---|\n",
    );
    for ((source, target), row) in table {
        let of = |kind: RefusalKind| row.refused.get(&kind).copied().unwrap_or(0);
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} | {:.1} % | {} | {} | {} |",
            SOURCES[*source].0,
            Target::ALL[*target].title(),
            row.rules,
            row.converted,
            rate(row.converted, row.rules) * 100.0,
            row.without_selected,
            of(RefusalKind::Unequal),
            of(RefusalKind::NotReadBack)
        );
    }
    let kinds: BTreeSet<RefusalKind> = table.values().flat_map(|row| row.refused.keys().copied()).collect();
    page.push_str("\n## Refused\n\nBy the first reason.\n\n| rules of | to |");
    for kind in &kinds {
        let _ = write!(page, " {} |", kind.title());
    }
    page.push_str("\n|---|---|");
    page.push_str(&"---|".repeat(kinds.len()));
    page.push('\n');
    for ((source, target), row) in table {
        let _ = write!(page, "| {} | {} |", SOURCES[*source].0, Target::ALL[*target].title());
        for kind in &kinds {
            let _ = write!(page, " {} |", row.refused.get(kind).copied().unwrap_or(0));
        }
        page.push('\n');
    }
    // A bar within a cell would end it.
    page.replace("ES|QL", "ES\\|QL")
}

#[allow(clippy::cast_precision_loss)]
fn rate(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}
