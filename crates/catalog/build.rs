//! Gives the program's own text a hash, so that a catalog says which program built it: what another version understood
//! differently is built anew.

use std::{
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io,
    path::{Path, PathBuf},
};

fn main() -> io::Result<()> {
    let crates = Path::new("..");
    println!("cargo::rerun-if-changed={}", crates.display());
    let mut files = Vec::new();
    collect(crates, &mut files)?;
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        file.hash(&mut hasher);
        fs::read(&file)?.hash(&mut hasher);
    }
    println!("cargo::rustc-env=RULEATLAS_PROGRAM={:016x}", hasher.finish());
    Ok(())
}

/// The Rust and data files below a folder.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|ending| matches!(ending.to_str(), Some("rs" | "toml" | "csv" | "sql")))
        {
            files.push(path);
        }
    }
    Ok(())
}
