use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use ruleatlas_catalog::Loaded;
use ruleatlas_sources::{
    SourceSpec,
    sync::{Progress, Repository, revision, sync, table},
};

use super::build;
use crate::{
    args::Sync,
    output::{self, WrongCall},
    paths,
    progress::Report,
    signals,
};

pub fn run(options: &Sync, db: Option<&Path>) -> anyhow::Result<ExitCode> {
    let into = into(options.into.as_deref())?;
    let known = repositories(options.sources.as_deref(), options.only_own)?;
    let is_wanted = |repository: &&Repository| options.kinds.is_empty() || options.kinds.contains(&repository.kind);
    let wanted: Vec<Repository> = known.iter().filter(is_wanted).cloned().collect();
    if wanted.is_empty() {
        return Err(WrongCall(nothing_wanted(options, !known.is_empty())).into());
    }
    let reports = sync(&wanted, &into, &mut |progress| match progress {
        Progress::Started { source, index, of } => {
            output::say(format_args!("{} of {of}: {} from {}", index + 1, source.name, source.url));
        }
        Progress::Git { .. } => {}
        Progress::Finished(report) => output::say(format_args!("{report}")),
    });
    let failed = reports.iter().filter(|report| report.outcome.is_err()).count();
    let specs = specs(&known, &into);
    if specs.is_empty() {
        anyhow::bail!("no source could be fetched, and none was before; there is nothing to build");
    }
    let _watch = signals::Watch::begin();
    let report = Report::new();
    let sources = Loaded::read(&specs, &|stage, source, done, total| report.tell(stage, source, done, total))?;
    build::make(sources, db, &report, options.accept_loss)?;
    Ok(ExitCode::from(u8::from(failed > 0)))
}

/// Why no source is to be fetched, and what to do.
fn nothing_wanted(options: &Sync, has_others: bool) -> String {
    let file = match &options.sources {
        Some(path) => path.display().to_string(),
        None => paths::config().map(|folder| folder.join("sources.toml").display().to_string()).unwrap_or_default(),
    };
    let kinds: Vec<&str> = options.kinds.iter().map(|kind| kind.name()).collect();
    match (has_others, options.only_own) {
        (true, _) => format!(
            "no source of kind {} is in the table; name other kinds, or none to fetch all sources",
            kinds.join(", ")
        ),
        (false, true) => format!(
            "{file}: no source of your own is enabled there; add a `[[source]]`, or leave `--only-own` out to fetch those \
             that the program knows"
        ),
        (false, false) => format!("{file}: it disables every source; enable one with `enabled = true`"),
    }
}

/// The sources that a former `sync` fetched.
pub fn fetched() -> anyhow::Result<Vec<SourceSpec>> {
    Ok(specs(&repositories(None, false)?, &into(None)?))
}

fn specs(repositories: &[Repository], into: &Path) -> Vec<SourceSpec> {
    let spec = |repository: &Repository| {
        let origin = repository.origin(&revision(repository, into)?);
        let path = into.join(&repository.name);
        Some(SourceSpec { kind: repository.kind, name: repository.name.clone(), path, origin })
    };
    repositories.iter().filter_map(spec).collect()
}

fn into(named: Option<&Path>) -> anyhow::Result<PathBuf> {
    match named {
        Some(path) => Ok(path.to_owned()),
        None => Ok(paths::data()?.join("corpora")),
    }
}

/// The program's own table of sources, and the user's.
fn repositories(named: Option<&Path>, only_own: bool) -> anyhow::Result<Vec<Repository>> {
    let usual = paths::config()?.join("sources.toml");
    let file = match named {
        Some(path) => Some(path),
        None => usual.is_file().then_some(usual.as_path()),
    };
    let all = table(file)?;
    if !only_own {
        return Ok(all);
    }
    let built_in = table(None)?;
    Ok(all.into_iter().filter(|repository| !built_in.contains(repository)).collect())
}
