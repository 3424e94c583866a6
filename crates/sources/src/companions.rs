//! The files that a rule outside any source may ask for: the module that it names, helpers, macros, lookups.

use std::{
    fs,
    path::{Component, Path, PathBuf},
};

use crate::{SourceFile, files};

/// Folders in which repositories keep what several rules use.
const SHARED_FOLDERS: [&str; 4] = ["global_helpers", "data_models", "macros", "lookups"];
/// How many folders above a rule's own are searched for those.
const MAX_LEVELS: usize = 4;
/// How many files are read, and how many bytes of them.
const MAX_FILES: usize = 2_000;
const MAX_BYTES: usize = 64 << 20;

/// The files around a rule: those of its own folder; of an app's configuration also the other layer and the lookups;
/// and the shared folders of the nearest folder above it that has any. Their paths begin as `rule` does. Files that cannot
/// be read are left out: nothing may need them.
#[must_use]
pub fn companions(rule: &Path) -> Vec<SourceFile> {
    let own = rule.parent().unwrap_or(Path::new("")).to_path_buf();
    let mut folders = vec![own.clone()];
    if own.file_name().is_some_and(|name| name == "default" || name == "local") {
        let app = above(&own);
        folders.extend(["default", "local", "lookups"].map(|name| app.join(name)));
    }
    let mut level = own;
    for _ in 0..=MAX_LEVELS {
        let shared: Vec<PathBuf> =
            SHARED_FOLDERS.iter().map(|name| level.join(name)).filter(|path| path.is_dir()).collect();
        if !shared.is_empty() {
            folders.extend(shared);
            break;
        }
        level = above(&level);
    }
    folders.sort_unstable();
    folders.dedup();
    let mut found: Vec<SourceFile> = Vec::new();
    let mut bytes = 0;
    for path in folders.iter().flat_map(|folder| files_of(folder)) {
        if found.len() >= MAX_FILES || bytes >= MAX_BYTES {
            break;
        }
        if let Some(file) = files::read_single(&path) {
            bytes += file.text().map_or(0, str::len);
            found.push(file);
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// The folder above, also of one that is written without its parents.
fn above(folder: &Path) -> PathBuf {
    match (folder.components().next_back(), folder.parent()) {
        (Some(Component::Normal(_)), Some(parent)) => parent.to_path_buf(),
        _ => folder.join(".."),
    }
}

/// The files directly in a folder that rules may ask for, ordered by name.
fn files_of(folder: &Path) -> Vec<PathBuf> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let is_asked_for = |path: &PathBuf| {
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
        matches!(ending.as_deref(), Some("py" | "yml" | "yaml" | "conf" | "csv"))
    };
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_asked_for).collect();
    paths.sort_unstable();
    // What stands in the current folder is called by its name alone, as the rule is.
    paths.into_iter().map(|path| path.strip_prefix("./").map(Path::to_path_buf).unwrap_or(path)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_rule_has_its_folder_and_what_is_shared_above_it() {
        let root = tempfile::tempdir().unwrap();
        for path in [
            "global_helpers/help.py",
            "rules/aws/one.yml",
            "rules/aws/one.py",
            "rules/aws/note.txt",
            "rules/other.py",
            "app/default/savedsearches.conf",
            "app/local/macros.conf",
            "app/lookups/t.csv",
        ] {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        let names = |rule: &str| -> Vec<String> {
            let head = format!("{}/", root.path().display());
            let files = companions(&root.path().join(rule));
            files.iter().map(|file| file.path.strip_prefix(&head).unwrap().to_owned()).collect()
        };
        assert_eq!(names("rules/aws/one.yml"), ["global_helpers/help.py", "rules/aws/one.py", "rules/aws/one.yml"]);
        assert_eq!(
            names("app/default/savedsearches.conf"),
            ["app/default/savedsearches.conf", "app/local/macros.conf", "app/lookups/t.csv"]
        );
        assert!(names("nowhere/x.yml").iter().all(|name| name.starts_with("global_helpers/")));
    }
}
