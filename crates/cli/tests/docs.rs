//! The documentation is complete: every link to a file resolves, the book has every page, and the reference of commands says
//! what `--help` says.

#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod support;

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use pulldown_cmark::{Event, Parser, Tag};
use support::Place;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// The Markdown files in a folder and below.
fn pages(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() && !name.starts_with('.') && name != "target" && name != "node_modules" {
            pages(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            into.push(path);
        }
    }
}

/// The files that a page links to, without fragments.
fn linked(page: &Path) -> Vec<String> {
    let text = fs::read_to_string(page).unwrap();
    Parser::new(&text)
        .filter_map(|event| match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => Some(dest_url.to_string()),
            _ => None,
        })
        .filter(|address| {
            !address.contains("://") && !address.starts_with(['#', '/']) && !address.starts_with("mailto:")
        })
        .map(|address| address.split('#').next().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn every_link_to_a_file_resolves() {
    let root = repository();
    let mut all = Vec::new();
    pages(&root.join("docs"), &mut all);
    all.extend(
        fs::read_dir(&root)
            .unwrap()
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "md")),
    );
    let mut broken = Vec::new();
    let mut links = 0;
    for page in &all {
        for link in linked(page) {
            links += 1;
            if !page.parent().unwrap().join(&link).exists() {
                broken.push(format!("{}: {link}", page.strip_prefix(&root).unwrap().display()));
            }
        }
    }
    assert!(links > 50, "{links} links");
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn the_book_has_every_page_of_the_documentation() {
    let docs = repository().join("docs");
    let listed: Vec<PathBuf> = linked(&docs.join("SUMMARY.md")).iter().map(|link| docs.join(link)).collect();
    let mut all = Vec::new();
    pages(&docs, &mut all);
    let missing: Vec<&PathBuf> = all
        .iter()
        .filter(|page| {
            !page.starts_with(docs.join("decisions")) && **page != docs.join("SUMMARY.md") && !listed.contains(page)
        })
        .collect();
    assert!(missing.is_empty(), "docs/SUMMARY.md lacks {missing:#?}");
}

#[test]
fn the_reference_of_commands_says_what_help_says() {
    let place = Place::with(&[]);
    let overview = place.run(&["--help"]).ends(0).out;
    let commands = overview.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = commands.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let mut page =
        "# Commands\n\nThis page is made from the definition of the command line; `--help` says the same.\n".to_owned();
    write!(page, "\n```text\n{}\n```\n", overview.trim_end()).unwrap();
    for name in names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help") {
        let help = place.run(&[name, "--help"]).ends(0).out;
        write!(page, "\n## {name}\n\n```text\n{}\n```\n", help.trim_end()).unwrap();
    }
    let page: String = page.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    let path = repository().join("docs/commands.md");
    if std::env::var_os("UPDATE_COMMANDS").is_some() {
        fs::write(&path, page).unwrap();
    } else {
        assert_eq!(fs::read_to_string(&path).unwrap_or_default(), page, "run this test with UPDATE_COMMANDS=1");
    }
}
