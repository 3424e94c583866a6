//! How often the checks are right, over the public corpora: the page `docs/check-precision.md` is made from what this
//! measures, and from the counts of findings that were read by hand.
//!
//! Measuring takes minutes, so it is done only where `UPDATE_CHECK_PRECISION=1` asks for the page, or `CHECK_SAMPLE=FILE`
//! for thirty findings of each code to be read. `RULEATLAS_CORPORA` names the folder of the corpora; the catalog of them is
//! kept where `RULEATLAS_DB` names a file, and read from there the next time.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail anywhere, in its helpers too")]

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
};

use rayon::prelude::*;
use ruleatlas_catalog::{Loaded, build};
use ruleatlas_check::{CODES, Checker, Config, Finding, Trial};
use ruleatlas_model::Vendor;
use ruleatlas_sources::{SourceKind, SourceSpec};
use ruleatlas_store::{WriteOptions, write};
use ruleatlas_views::Atlas;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/check-precision.md");
const READ: &str = include_str!("../data/read_by_hand.csv");
/// Trials of hidden exclusions.
const TRIALS: usize = 2_000;
const SEED: u64 = 19;
/// Recommendations among which a hidden exclusion counts as found.
const FIRST: usize = 5;
/// Findings of a code that are read.
const SAMPLE: usize = 30;

/// The catalog, and the folder that keeps it.
fn catalog() -> Option<(Atlas, Option<tempfile::TempDir>)> {
    let kept = std::env::var_os("RULEATLAS_DB").map(PathBuf::from);
    if let Some(db) = kept.as_deref().filter(|db| db.exists()) {
        return Some((Atlas::open(db).unwrap(), None));
    }
    let corpora = PathBuf::from(std::env::var_os("RULEATLAS_CORPORA").filter(|folder| !folder.is_empty())?);
    let kinds = [
        SourceKind::Rules(Vendor::Sigma),
        SourceKind::Rules(Vendor::Elastic),
        SourceKind::Rules(Vendor::Splunk),
        SourceKind::Rules(Vendor::Kusto),
        SourceKind::Rules(Vendor::Panther),
        SourceKind::Attack,
    ];
    let specs: Vec<SourceSpec> = kinds.iter().map(|kind| SourceSpec::new(*kind, corpora.join(kind.name()))).collect();
    let catalog = build(Loaded::read(&specs, &|_, _, _, _| {}).unwrap(), &|_, _, _, _| {}).unwrap();
    let folder = kept.is_none().then(|| tempfile::tempdir().unwrap());
    let db = kept.unwrap_or_else(|| folder.as_ref().unwrap().path().join("catalog.db"));
    write(&db, &catalog, WriteOptions::default()).unwrap();
    Some((Atlas::open(&db).unwrap(), folder))
}

fn hits(trials: &[Trial]) -> usize {
    trials.iter().filter(|trial| trial.place.is_some_and(|place| place < FIRST)).count()
}

#[allow(clippy::cast_precision_loss)]
fn rate(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}

#[test]
fn what_others_exclude_is_found_again_and_the_page_is_what_is_measured() {
    let (update, sample) = (std::env::var_os("UPDATE_CHECK_PRECISION"), std::env::var_os("CHECK_SAMPLE"));
    if update.is_none() && sample.is_none() {
        println!("neither UPDATE_CHECK_PRECISION nor CHECK_SAMPLE is set: nothing is measured");
        return;
    }
    let Some((atlas, _folder)) = catalog() else {
        println!("neither RULEATLAS_CORPORA nor RULEATLAS_DB is set: nothing is measured");
        return;
    };
    let checker = Checker::new(&atlas, Config::default());
    let trials = checker.hide_one_trials(SEED, TRIALS, false);
    let any = checker.hide_one_trials(SEED, TRIALS, true);
    assert_eq!(trials, checker.hide_one_trials(SEED, TRIALS, false), "the same seed draws the same");
    let found = rate(hits(&trials), trials.len());
    println!("hidden exclusions found again: {found:.3} of {}", trials.len());
    assert!(found >= 0.5, "{found}");
    let rules = u32::try_from(atlas.index.heads().len()).unwrap();
    let done = AtomicUsize::new(0);
    let findings: Vec<Vec<Finding>> = (0..rules)
        .into_par_iter()
        .map(|rule| {
            let count = done.fetch_add(1, Ordering::Relaxed) + 1;
            if count.is_multiple_of(1_000) {
                println!("{count} of {rules} rules");
            }
            if atlas.index.counted().contains(rule) { checker.check_rule(rule).unwrap_or_default() } else { Vec::new() }
        })
        .collect();
    if let Some(path) = sample {
        fs::write(path, samples(&findings)).unwrap();
    }
    if update.is_some() {
        fs::write(PAGE, page(&trials, &any, &findings, atlas.index.counted().len())).unwrap();
    }
}

/// Of every code thirty findings, evenly over the catalog.
fn samples(findings: &[Vec<Finding>]) -> String {
    let mut by_code: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in findings.iter().flatten() {
        by_code.entry(finding.code).or_default().push(finding);
    }
    let mut text = String::new();
    for (code, findings) in by_code {
        let step = findings.len().div_ceil(SAMPLE).max(1);
        for finding in findings.iter().step_by(step) {
            let line = serde_json::to_string(finding).unwrap();
            let _ = writeln!(text, "{code}\t{line}");
        }
    }
    text
}

fn page(trials: &[Trial], any: &[Trial], findings: &[Vec<Finding>], counted: u64) -> String {
    let mut page = String::from(
        "# How often the checks are right\n\nThis page is made by `UPDATE_CHECK_PRECISION=1 cargo test -p ruleatlas-check --test precision` over the \
         public corpora that `ruleatlas sync` fetches.\n\n## Missing exclusions\n\nOne exclusion of a rule is hidden, the rule's indicators, other exclusions, techniques and log sources are \
         compared with all other rules, and the trial is a hit when the hidden exclusion is among the first five that are recommended. \
         Variants of the rule are left out. Rules are drawn without replacement, then one of the exclusions that at least one other rule \
         has: one that no other rule has cannot be learned from other rules. The second row draws from all exclusions.\n\n",
    );
    let _ = writeln!(page, "| trials | seed | hits | hit rate at {FIRST} |\n|---|---|---|---|");
    for (name, trials) in [("exclusions that another rule has", trials), ("all exclusions", any)] {
        let _ = writeln!(
            page,
            "| {} of {name} | {SEED} | {} | {:.2} |",
            trials.len(),
            hits(trials),
            rate(hits(trials), trials.len())
        );
    }
    let mut by_vendor: BTreeMap<&str, Vec<Trial>> = BTreeMap::new();
    for trial in trials {
        by_vendor.entry(trial.vendor.name()).or_default().push(trial.clone());
    }
    let _ = writeln!(page, "\n| vendor | trials | hit rate at {FIRST} |\n|---|---|---|");
    for (vendor, trials) in &by_vendor {
        let _ = writeln!(page, "| {vendor} | {} | {:.2} |", trials.len(), rate(hits(trials), trials.len()));
    }
    let _ = write!(
        page,
        "\n## Findings by code\n\nEvery one of the {counted} counted rules is checked against the rest. *Read* is how many findings, evenly over the catalog, \
         were read by hand, each with the part of its query that it is about, and *right* how many of those were; findings that later changes took away are not among them. `crates/check/data/read_by_hand.csv` has the counts with a note. A code below 0.8 is a note. The counts are of public rules; no text of theirs stands here.\n\n\
         | code | title | level | findings | rules | read | right | precision | what was wrong |\n|---|---|---|---|---|---|---|---|---|\n"
    );
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for of_rule in findings {
        let mut codes: Vec<&str> = of_rule.iter().map(|finding| finding.code).collect();
        codes.iter().for_each(|code| counts.entry(code).or_default().0 += 1);
        codes.sort_unstable();
        codes.dedup();
        codes.iter().for_each(|code| counts.entry(code).or_default().1 += 1);
    }
    let read = read_by_hand();
    for code in CODES {
        let (found, rules) = counts.get(code.code).copied().unwrap_or_default();
        let level = ruleatlas_check::level_name(code.level);
        let _ = match read.get(code.code) {
            Some((read, right, note)) => writeln!(
                page,
                "| {} | {} | {level} | {found} | {rules} | {read} | {right} | {:.2} | {note} |",
                code.code,
                code.title,
                rate(*right, *read)
            ),
            None => writeln!(page, "| {} | {} | {level} | {found} | {rules} | | | | |", code.code, code.title),
        };
    }
    page
}

/// By code: how many findings were read, how many were right, and what was wrong with the others.
fn read_by_hand() -> BTreeMap<&'static str, (usize, usize, &'static str)> {
    READ.lines()
        .skip(1)
        .map(|line| {
            let mut columns = line.splitn(4, ',');
            let mut next = || columns.next().unwrap_or_else(|| panic!("{line}: four columns"));
            let (code, read, right) = (next(), next().parse().unwrap(), next().parse().unwrap());
            (code, (read, right, next()))
        })
        .collect()
}

#[test]
fn no_code_is_louder_than_it_is_right() {
    for (code, (read, right, _)) in read_by_hand() {
        let known = CODES.iter().find(|known| known.code == code).unwrap_or_else(|| panic!("there is no code {code}"));
        assert!(right <= read && read > 0, "{code}");
        if rate(right, read) < 0.8 {
            assert_eq!(ruleatlas_check::level_name(known.level), "note", "{code}");
        }
    }
}
