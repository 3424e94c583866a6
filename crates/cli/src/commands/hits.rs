//! Files of hits: put together, and pruned.

use std::process::ExitCode;

use ruleatlas_hits::{merge, prune};

use crate::{
    args::{Hits, HitsCommand, HitsMerge, HitsPrune},
    lists::counted,
    output,
};

pub fn run(options: &Hits) -> anyhow::Result<ExitCode> {
    match &options.command {
        HitsCommand::Merge(HitsMerge { files, out }) => {
            let merged = merge(files, out)?;
            output::say(format_args!(
                "{}: {} of {}: {}",
                out.display(),
                counted(merged.hits, "hit", "hits"),
                counted(merged.data_sets.len() as u64, "data set", "data sets"),
                merged.data_sets.join(", ")
            ));
        }
        HitsCommand::Prune(HitsPrune { file, keep_days }) => {
            let pruned = prune(file, *keep_days, jiff::Timestamp::now())?;
            output::say(format_args!(
                "{}: {} of {} taken out",
                file.display(),
                pruned.removed,
                counted(pruned.before, "hit", "hits")
            ));
        }
    }
    Ok(ExitCode::SUCCESS)
}
