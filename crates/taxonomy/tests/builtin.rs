//! The compiled-in tables are sound.

#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

use std::{collections::BTreeSet, fs, path::Path, time::Instant};

use ruleatlas_taxonomy::{Taxonomy, data_files};

#[test]
fn the_compiled_in_tables_load_without_a_fault() {
    let start = Instant::now();
    let taxonomy = Taxonomy::builtin();
    println!("loaded in {:?}", start.elapsed());
    let faults: Vec<String> = taxonomy.faults().iter().map(ToString::to_string).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(taxonomy.fields().count() > 300);
    assert!(taxonomy.log_sources().count() > 100);
    assert!(taxonomy.events_iter().count() > 500);
}

#[test]
fn every_data_file_is_compiled_in_and_listed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join("data")];
    let mut on_disk: BTreeSet<String> = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else {
                let parts = path.strip_prefix(root).unwrap().iter().map(|part| part.to_str().unwrap());
                on_disk.insert(parts.collect::<Vec<_>>().join("/"));
            }
        }
    }
    let listed: Vec<&str> = data_files().map(|file| file.name).collect();
    assert_eq!(listed.len(), on_disk.len(), "a file is listed twice or not at all: {listed:?}");
    assert_eq!(listed.into_iter().map(str::to_owned).collect::<BTreeSet<_>>(), on_disk);
}
