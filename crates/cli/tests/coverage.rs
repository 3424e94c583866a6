//! `docs/parse-coverage.md` says what the parse ledger says of the public corpora.

use std::{fs, path::Path};

use assert_cmd::Command;

/// Behind this line stands what `doctor --markdown` prints.
const MARK: &str = "<!-- ledger -->\n";
const KINDS: [&str; 6] = ["sigma", "elastic", "splunk", "kusto", "panther", "attack"];

#[test]
fn the_page_of_the_parse_coverage_is_true() {
    let Some(corpora) = std::env::var_os("RULEATLAS_CORPORA") else {
        println!("left out: RULEATLAS_CORPORA names no folder with the public corpora");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("catalog.db");
    let ruleatlas = || {
        let mut command = Command::cargo_bin("ruleatlas").unwrap();
        command.arg("--db").arg(&db);
        command
    };
    let mut build = ruleatlas();
    build.arg("build");
    for kind in KINDS {
        let path = Path::new(&corpora).join(kind);
        if path.is_dir() {
            build.arg("--source").arg(format!("{kind}={}", path.display()));
        }
    }
    build.assert().success();
    let output = ruleatlas().args(["doctor", "--markdown"]).output().unwrap();
    assert!(output.status.success());
    let found = String::from_utf8(output.stdout).unwrap();
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/parse-coverage.md");
    let text = fs::read_to_string(&page).unwrap();
    let (head, written) = text.split_once(MARK).unwrap();
    if std::env::var_os("UPDATE_COVERAGE").is_some() {
        fs::write(&page, format!("{head}{MARK}{found}")).unwrap();
    } else {
        assert_eq!(written, found, "run this test with UPDATE_COVERAGE=1 and read the difference");
    }
}
