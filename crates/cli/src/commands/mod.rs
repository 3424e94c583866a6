//! One file a command, or a group of them.

use std::path::Path;

use ruleatlas_views::Atlas;

use crate::{output, paths};

pub mod align;
pub mod build;
pub mod check;
pub mod command_line;
pub mod controls;
pub mod convert;
pub mod coverage;
pub mod diff;
pub mod doctor;
pub mod event;
pub mod export;
pub mod field;
pub mod hits;
pub mod hunt;
pub mod indicator;
pub mod logs;
pub mod matching;
pub mod parse;
pub mod playbook;
pub mod rule;
pub mod search;
pub mod serve;
pub mod similar;
pub mod site;
pub mod sync;
pub mod technique;
pub mod test;

/// Opens the catalog that a command names.
fn atlas(db: Option<&Path>) -> anyhow::Result<Atlas> {
    open(&paths::catalog(db)?)
}

/// Opens a catalog, and says how much of it cannot be read.
fn open(path: &Path) -> anyhow::Result<Atlas> {
    let atlas = Atlas::open(path)?;
    let damaged = atlas.count_damaged();
    if damaged > 0 {
        output::say(format_args!(
            "warning: {}: {damaged} rows cannot be read and are left out; `ruleatlas doctor` names them, and `ruleatlas \
             build` makes the catalog anew",
            path.display()
        ));
    }
    Ok(atlas)
}
