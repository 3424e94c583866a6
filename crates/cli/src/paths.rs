use std::path::{Path, PathBuf};

use anyhow::Context as _;
use etcetera::BaseStrategy as _;

/// The catalog that a command uses.
pub fn catalog(named: Option<&Path>) -> anyhow::Result<PathBuf> {
    match named {
        Some(path) => Ok(path.to_owned()),
        None => Ok(data()?.join("catalog.db")),
    }
}

/// The user's data folder of this program.
pub fn data() -> anyhow::Result<PathBuf> {
    Ok(strategy()?.data_dir().join("ruleatlas"))
}

/// The user's configuration folder of this program.
pub fn config() -> anyhow::Result<PathBuf> {
    Ok(strategy()?.config_dir().join("ruleatlas"))
}

fn strategy() -> anyhow::Result<impl etcetera::BaseStrategy> {
    etcetera::choose_base_strategy().context("there is no home folder; name the catalog with --db FILE")
}
