use std::{collections::BTreeMap, path::Path, process::ExitCode, time::Instant};

use ruleatlas_catalog::{Catalog, Ledger, Loaded, SourceInfo, Stage, build, fingerprint};
use ruleatlas_model::{FaultKind, ParseStatus};
use ruleatlas_store::{Store, WriteOptions};

use super::sync;
use crate::{
    args::Build,
    demo, losses,
    output::{self, WrongCall},
    paths,
    progress::Report,
    signals,
};

pub fn run(options: &Build, db: Option<&Path>) -> anyhow::Result<ExitCode> {
    let _watch = signals::Watch::begin();
    let report = Report::new();
    let progress = |stage, source: &str, done, total| report.tell(stage, source, done, total);
    let sources = if options.demo {
        demo::sources()
    } else {
        let specs = if options.sources.is_empty() { sync::fetched()? } else { options.sources.clone() };
        if specs.is_empty() {
            let help = "no source is named and none was fetched; give --source KIND=PATH, or run `ruleatlas sync`";
            return Err(WrongCall(help.to_owned()).into());
        }
        Loaded::read(&specs, &progress)?
    };
    let made = make(sources, db, &report, options.accept_loss)?;
    if options.strict {
        made.check()?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What a strict build fails for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Made {
    /// Rules that are not `full`, and files that cannot be read.
    pub not_full: u64,
    /// Sources that give nothing.
    pub empty: usize,
}

impl Made {
    /// What a strict build fails for. The catalog is written all the same.
    ///
    /// # Errors
    /// Something was not understood, or a source gives nothing.
    pub fn check(self) -> anyhow::Result<()> {
        let counted = |count: u64, one: &str, several: &str| match count {
            0 => None,
            1 => Some(format!("1 {one}")),
            count => Some(format!("{count} {several}")),
        };
        let faults = [
            counted(
                self.not_full,
                "rule or file is not understood as a whole",
                "rules and files are not understood as a whole",
            ),
            counted(self.empty as u64, "source gives nothing", "sources give nothing"),
        ];
        let faults: Vec<String> = faults.into_iter().flatten().collect();
        if faults.is_empty() {
            return Ok(());
        }
        anyhow::bail!("strict: {}; the catalog is written, and `ruleatlas doctor` names them", faults.join(", "))
    }
}

/// Builds and writes the catalog unless the one that is there was built from the same, and says what came of it. A source
/// that gives nothing, or less than half of what the catalog has from it, is an error unless the loss is accepted.
pub fn make(sources: Vec<Loaded>, db: Option<&Path>, report: &Report, accept_loss: bool) -> anyhow::Result<Made> {
    let begun = Instant::now();
    let path = paths::catalog(db)?;
    // Before the work is done in vain.
    ruleatlas_store::check_place(&path)?;
    let progress = |stage, source: &str, done, total| report.tell(stage, source, done, total);
    if Store::fingerprint(&path).is_some_and(|known| known == fingerprint(&sources)) {
        let store = Store::open(&path)?;
        let not_full = u64::from(store.count_not_understood()?);
        let is_empty = |source: &&SourceInfo| source.items == 0;
        let empty = store.sources()?.iter().filter(is_empty).map(losses::say_empty).count();
        output::say(format_args!("{}: nothing changed", path.display()));
        return Ok(Made { not_full, empty });
    }
    let catalog = build(sources, &progress)?;
    let not_full = summary(&catalog);
    let empty = losses::say_unread(&catalog);
    losses::check(&path, &catalog.sources, accept_loss)?;
    progress(Stage::Write, "", 0, 1);
    ruleatlas_store::write(&path, &catalog, WriteOptions::default())?;
    let took = begun.elapsed().as_secs_f64();
    output::say(format_args!("{}: {} rules, {took:.2} s", path.display(), catalog.entries.len()));
    // Taking millions of small texts apart is a tenth of a build, and the process ends or reads the file anew.
    std::mem::forget(catalog);
    Ok(Made { not_full, empty })
}

/// Faults of a source with one reason that are said one by one.
const SHOWN: usize = 5;

/// Says what was read, and what was not understood, by vendor and reason.
fn summary(catalog: &Catalog) -> u64 {
    for diagnostic in &catalog.diagnostics {
        output::say(format_args!("{}", diagnostic.message));
    }
    for source in &catalog.controls.sources {
        let title = source.source.title();
        let mapped = source.mapped;
        output::say(format_args!("{}: {title}: {} read, {mapped} mapped to a technique", source.name, source.total));
    }
    let ledger = Ledger::of(catalog);
    let mut not_full: BTreeMap<(&str, FaultKind), u64> = BTreeMap::new();
    let mut alike: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for fault in &ledger.faults {
        *not_full.entry((&fault.source, fault.parse)).or_default() += 1;
        if matches!(fault.parse, FaultKind::Failed | FaultKind::Unreadable) {
            let count = alike.entry((&fault.source, &fault.phrase)).or_default();
            *count += 1;
            if *count > SHOWN {
                continue;
            }
            let line = fault.line.map(|line| format!(":{line}")).unwrap_or_default();
            output::say(format_args!("{}/{}{line}: {}: {}", fault.source, fault.path, fault.parse, fault.reason));
        }
    }
    for ((source, phrase), count) in alike.into_iter().filter(|(_, count)| *count > SHOWN) {
        output::say(format_args!("{source}: {} more: {phrase}", count - SHOWN));
    }
    let mut told: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for contradiction in &ledger.contradictions {
        let count = told.entry((&contradiction.source, &contradiction.phrase)).or_default();
        *count += 1;
        if *count <= SHOWN {
            output::say(format_args!("{}: {}", contradiction.place(), contradiction.message));
        }
    }
    for ((source, phrase), count) in told.into_iter().filter(|(_, count)| *count > SHOWN) {
        output::say(format_args!("{source}: {} more: {phrase}; `ruleatlas doctor` shows all", count - SHOWN));
    }
    for source in &ledger.sources {
        let full: u64 = source.parse.values().filter_map(|statuses| statuses.get(ParseStatus::Full.name())).sum();
        if source.rules > 0 {
            output::say(format_args!(
                "{}: {} files, {} rules, {full} parsed full",
                source.source, source.files, source.rules
            ));
        }
    }
    for ((source, parse), count) in &not_full {
        output::say(format_args!("{source}: {count} {parse}; `ruleatlas doctor` says why"));
    }
    ledger.faults.iter().filter(|fault| fault.parse != FaultKind::NoQuery).count() as u64
}
