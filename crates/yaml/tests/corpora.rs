//! Real files against a second opinion, where the environment variable `RULEATLAS_CORPORA` names a folder that has them.

#![allow(clippy::expect_used, clippy::panic)]

use std::{fs, path::Path};

use ruleatlas_yaml::{Node, Value, parse_lenient};
use serde::Deserialize as _;
use yaml_serde::Value as Theirs;

/// How many files of each kind of corpus are read: the first in order of name of each folder.
const FILES_PER_FOLDER: usize = 12;

#[test]
fn real_files_mean_what_another_reader_says() {
    let Some(corpora) = std::env::var_os("RULEATLAS_CORPORA") else {
        println!("skipped: RULEATLAS_CORPORA is not set");
        return;
    };
    let mut count = 0;
    let mut unreadable = 0;
    let mut folders = vec!["sigma", "splunk", "kusto", "panther"]
        .into_iter()
        .map(|name| Path::new(&corpora).join(name))
        .collect::<Vec<_>>();
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.sort();
        folders.extend(paths.iter().filter(|path| path.is_dir()).cloned());
        let is_yaml = |path: &&std::path::PathBuf| {
            path.extension().is_some_and(|extension| extension == "yml" || extension == "yaml")
        };
        for path in paths.iter().filter(is_yaml).take(FILES_PER_FOLDER) {
            let Ok(text) = fs::read_to_string(path) else { continue };
            let mut repaired = String::new();
            let Ok(ours) = parse_lenient(&text, &mut repaired) else {
                unreadable += 1;
                println!("{}: no YAML for us", path.display());
                continue;
            };
            let theirs: Result<Vec<Theirs>, _> =
                yaml_serde::Deserializer::from_str(&text).map(Theirs::deserialize).collect();
            let Ok(theirs) = theirs else { continue };
            let theirs: Vec<_> = theirs.into_iter().filter(|tree| !tree.is_null()).collect();
            assert_eq!(ours.documents.len(), theirs.len(), "{}", path.display());
            for (ours, mut theirs) in ours.documents.iter().zip(theirs) {
                let _ = theirs.apply_merge();
                compare(ours, &theirs, path);
            }
            count += 1;
        }
    }
    println!("{count} files agree, {unreadable} are no YAML");
    assert!(count > 500, "only {count} files");
    assert!(unreadable < 5);
}

fn compare(ours: &Node<'_>, theirs: &Theirs, path: &Path) {
    let fail = || -> ! { panic!("{}:{}: {ours:?}\n{theirs:?}", path.display(), ours.line) };
    match (&ours.value, theirs) {
        (_, Theirs::Tagged(tagged)) => compare(ours, &tagged.value, path),
        (Value::Sequence(items), Theirs::Sequence(others)) => {
            if items.len() != others.len() {
                fail();
            }
            items.iter().zip(others).for_each(|(item, other)| compare(item, other, path));
        }
        (Value::Mapping(entries), Theirs::Mapping(others)) => {
            if entries.len() != others.len() {
                fail();
            }
            for ((key, value), (other_key, other)) in entries.iter().zip(others.iter()) {
                compare(key, other_key, path);
                compare(value, other, path);
            }
        }
        (Value::Scalar(text, _), Theirs::String(other)) => {
            // A block that ends with the file, without a line break: they give none, YAML 1.2's readers one.
            if text != other && text.strip_suffix('\n') != Some(other) {
                fail();
            }
        }
        (Value::Scalar(..), Theirs::Null) => {
            if !ours.is_null() {
                fail();
            }
        }
        (Value::Scalar(..), Theirs::Bool(other)) => {
            if ours.as_bool() != Some(*other) {
                fail();
            }
        }
        (Value::Scalar(text, _), Theirs::Number(_)) => {
            if !(ours.is_plain() && text.contains(|character: char| character.is_ascii_digit() || character == '.')) {
                fail();
            }
        }
        _ => fail(),
    }
}
