use ruleatlas_catalog::{Loaded, build};
use ruleatlas_model::Vendor;
use ruleatlas_sources::SourceKind;
use ruleatlas_store::{WriteOptions, write};
use ruleatlas_views::Atlas;
use tempfile::TempDir;

use crate::corpus;

/// The files of the four largest vendors and of ATT&CK; `None` where they are not there, which is said.
pub fn read_corpora() -> Option<Vec<Loaded>> {
    let vendors = [Vendor::Sigma, Vendor::Elastic, Vendor::Splunk, Vendor::Kusto].map(SourceKind::Rules);
    let specs = vendors.into_iter().chain([SourceKind::Attack]).map(corpus).collect::<Option<Vec<_>>>()?;
    Some(Loaded::read(&specs, &|_, _, _, _| {}).expect("the corpora can be read"))
}

/// The catalog of these files, open, and the folder that it is in.
pub fn open_catalog(sources: Vec<Loaded>) -> (Atlas, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("catalog.db");
    let catalog = build(sources, &|_, _, _, _| {}).expect("the catalog can be built");
    write(&path, &catalog, WriteOptions::default()).expect("the catalog can be written");
    (Atlas::open(&path).expect("the catalog can be read"), folder)
}
