//! One file a command, or a group of them.

use std::path::Path;

use ruleatlas_views::Atlas;

use crate::paths;

pub mod align;
pub mod build;
pub mod command_line;
pub mod controls;
pub mod coverage;
pub mod doctor;
pub mod event;
pub mod export;
pub mod field;
pub mod hunt;
pub mod indicator;
pub mod logs;
pub mod matching;
pub mod parse;
pub mod playbook;
pub mod rule;
pub mod search;
pub mod serve;
pub mod site;
pub mod sync;
pub mod technique;

/// Opens the catalog that a command names.
fn atlas(db: Option<&Path>) -> anyhow::Result<Atlas> {
    Ok(Atlas::open(&paths::catalog(db)?)?)
}
