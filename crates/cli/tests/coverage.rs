//! `docs/parse-coverage.md` says what the parse ledger says of the public corpora.

#![allow(clippy::unwrap_used)]

mod support;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Mutex,
};

use assert_cmd::Command;

/// Between these lines stands what `doctor --markdown` prints, of the corpora and of a checkout of Panther's rules.
const MARKS: [(&str, &str); 2] =
    [("<!-- ledger -->\n", "<!-- end of the ledger -->\n"), ("<!-- panther -->\n", "<!-- end of panther -->\n")];

#[test]
fn the_page_of_the_parse_coverage_is_true() {
    let Some(corpora) = folder("RULEATLAS_CORPORA") else { return };
    let sources = support::rule_corpora(&corpora);
    holds(MARKS[0], sources.iter().map(|(kind, path)| (*kind, path.as_path())));
}

#[test]
fn the_page_is_true_of_panthers_modules() {
    let Some(checkout) = folder("RULEATLAS_PANTHER") else { return };
    holds(MARKS[1], [("panther", checkout.as_path())].into_iter());
}

fn folder(variable: &str) -> Option<PathBuf> {
    let folder = std::env::var_os(variable).map(PathBuf::from);
    if folder.is_none() {
        println!("left out: {variable} names no folder with public rules");
    }
    folder
}

/// Two tests read and, where asked, write one page.
static PAGE: Mutex<()> = Mutex::new(());

fn holds<'a>((begin, end): (&str, &str), sources: impl Iterator<Item = (&'static str, &'a Path)>) {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("catalog.db");
    let ruleatlas = || {
        let mut command = Command::cargo_bin("ruleatlas").unwrap();
        command.arg("--db").arg(&db);
        command
    };
    let mut build = ruleatlas();
    build.arg("build");
    for (kind, path) in sources {
        build.arg("--source").arg(format!("{kind}={}", path.display()));
    }
    build.assert().success();
    let output = ruleatlas().args(["doctor", "--markdown"]).output().unwrap();
    assert!(output.status.success());
    let found = String::from_utf8(output.stdout).unwrap();
    let _alone = PAGE.lock().unwrap();
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/parse-coverage.md");
    let text = fs::read_to_string(&page).unwrap();
    let (head, rest) = text.split_once(begin).unwrap();
    let (written, tail) = rest.split_once(end).unwrap();
    if std::env::var_os("UPDATE_COVERAGE").is_some() {
        fs::write(&page, format!("{head}{begin}{found}{end}{tail}")).unwrap();
    } else {
        assert_eq!(written, found, "run this test with UPDATE_COVERAGE=1 and read the difference");
    }
}
