//! What is said of drafts.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail anywhere, in its helpers too")]

use std::sync::OnceLock;

use proptest::prelude::*;
use ruleatlas_check::{Checker, Config, Finding};
use ruleatlas_logic::Statement;
use ruleatlas_model::{Language, Level};
use ruleatlas_sources::SourceFile;
use ruleatlas_views::Atlas;

mod support;

/// One catalog for many cases.
static CATALOG: OnceLock<(Atlas, tempfile::TempDir)> = OnceLock::new();

fn check(atlas: &Atlas, name: &str, text: &str, language: Option<Language>) -> Vec<Finding> {
    Checker::new(atlas, Config::default()).check(&SourceFile::from_bytes(name, text.as_bytes().to_vec()), language)
}

fn codes(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.code).collect()
}

fn draft(detection: &str) -> String {
    support::sigma(99, "attack.t1059.001", detection).1
}

#[test]
fn a_rule_of_another_vendor_that_checks_the_same_is_there_already() {
    let (atlas, _folder) = support::catalog();
    let same = "process where process.name : \"powershell.exe\" and process.command_line : \"* -enc *\"";
    let narrower = format!("{same} and process.parent.name : \"winword.exe\"");
    let wider = "process where process.name : (\"powershell.exe\", \"pwsh.exe\", \"cmd.exe\") and \
                 process.command_line : \"* -enc *\"";
    let of = |query: &str, code: &str| {
        let found = check(&atlas, "draft.eql", query, None);
        let found = found.into_iter().find(|finding| finding.code == code);
        found.unwrap_or_else(|| panic!("{code} of {query}"))
    };
    let found = of(same, "RA0601");
    assert_eq!(found.evidence.rules, ["sigma/00000000-0000-4000-8000-000000000001"]);
    assert!(!found.evidence.derivation.is_empty() && found.evidence.witness.is_none());
    let witness = of(&narrower, "RA0602").evidence.witness.unwrap();
    assert_eq!((witness.draft, witness.other), (false, Some(true)));
    let witness = of(wider, "RA0603").evidence.witness.unwrap();
    assert_eq!((witness.draft, witness.other), (true, Some(false)));
}

#[test]
fn a_rule_that_is_in_the_catalog_is_not_held_against_itself() {
    let (atlas, _folder) = support::catalog();
    let (path, text) = support::sigma(
        3,
        "attack.t1003.001",
        "  selection:\n    Image|endswith: '\\procdump.exe'\n    CommandLine|contains: lsass\n  condition: selection\n",
    );
    let found = check(&atlas, &path, &text, None);
    assert!(!codes(&found).iter().any(|code| code.starts_with("RA06")), "{found:?}");
}

#[test]
fn an_unsafe_exclusion_has_events_before_and_after() {
    let (atlas, _folder) = support::catalog();
    for (filter, code) in [
        ("CommandLine|contains: update", "RA0501"),
        ("ParentImage|endswith: '\\updater.exe'", "RA0502"),
        ("ParentImage|startswith: 'C:\\ProgramData\\Agent\\'", "RA0503"),
        ("ParentImage|startswith: 'C:\\Users\\'", "RA0503"),
        ("ParentImage: 'C:\\\\*\\updater.exe'", "RA0504"),
        ("OriginalFileName: updater.exe", "RA0505"),
    ] {
        let text = draft(&format!(
            "  selection:\n    CommandLine|contains: sekurlsa\n  filter:\n    {filter}\n  condition: selection and not filter\n"
        ));
        let found = check(&atlas, "draft.yml", &text, None);
        let finding = found.iter().find(|finding| finding.code == code);
        let finding = finding.unwrap_or_else(|| panic!("{filter}: {:?}", codes(&found)));
        let bypass = finding.evidence.bypass.as_ref().unwrap();
        let entry =
            ruleatlas_catalog::rules_of_file(&SourceFile::from_bytes("d.yml", text.into_bytes()), None).unwrap();
        let rule = &entry[0].rule;
        let statement = Statement::new(rule.vendor, &rule.conditions[0], atlas.taxonomy);
        let says = |sample| statement.evaluate(sample).as_str();
        assert_eq!((says(&bypass.before), says(&bypass.after)), ("holds", "fails"), "{filter}: {bypass:?}");
        assert_eq!(&finding.line, &12, "{filter}");
    }
}

#[test]
fn an_exclusion_that_is_not_the_attackers_to_choose_is_safe() {
    let (atlas, _folder) = support::catalog();
    for filter in [
        "ParentImage: 'C:\\Program Files\\Agent\\updater.exe'",
        "ParentImage|startswith: 'C:\\Windows\\System32\\'",
        "User|contains: 'SYSTEM'",
        "ParentImage|endswith: '\\updater.exe'\n    User: 'NT AUTHORITY\\SYSTEM'",
    ] {
        let text = draft(&format!(
            "  selection:\n    CommandLine|contains: sekurlsa\n  filter:\n    {filter}\n  condition: selection and not filter\n"
        ));
        let found = check(&atlas, "draft.yml", &text, None);
        assert!(!codes(&found).iter().any(|code| code.starts_with("RA05")), "{filter}: {:?}", codes(&found));
    }
}

#[test]
fn a_condition_that_never_holds_has_a_derivation_and_a_place() {
    let (atlas, _folder) = support::catalog();
    let text = draft(
        "  one:\n    Image|endswith: '\\cmd.exe'\n  other:\n    Image|endswith: '\\powershell.exe'\n  condition: one and other\n",
    );
    let found = check(&atlas, "draft.yml", &text, None);
    let finding = found.iter().find(|finding| finding.code == "RA0201").unwrap();
    assert_eq!((finding.level, finding.line), (Level::Error, 12));
    assert!(finding.evidence.derivation.contains("cmd.exe"), "{finding:?}");
    assert!(text[finding.span[0]..finding.span[1]].contains("\\powershell.exe"), "{finding:?}");
    // Alternatives are no contradiction.
    let found = check(&atlas, "draft.yml", &text.replace("one and other", "one or other"), None);
    assert!(!codes(&found).contains(&"RA0201"));
}

#[test]
fn a_comment_and_a_configuration_silence_with_a_reason() {
    let (atlas, _folder) = support::catalog();
    let filter = "  selection:\n    CommandLine|contains: sekurlsa\n  filter:\n    CommandLine|contains: update\n  \
                  condition: selection and not filter\n";
    let text = draft(filter);
    assert!(codes(&check(&atlas, "draft.yml", &text, None)).contains(&"RA0501"));
    let commented = format!("# ruleatlas: ignore RA0501 the agent is signed\n{text}");
    assert!(!codes(&check(&atlas, "draft.yml", &commented, None)).contains(&"RA0501"));
    let without_reason = format!("# ruleatlas: ignore RA0501\n{text}");
    let found = check(&atlas, "draft.yml", &without_reason, None);
    assert!(codes(&found).contains(&"RA0501") && codes(&found).contains(&"RA0110"));
    let config = Config::read("[[ignore]]\ncode = \"RA05\"\nreason = \"lab\"\n[level]\nRA0601 = \"off\"\n").unwrap();
    let file = SourceFile::from_bytes("draft.yml", text.into_bytes());
    assert!(!codes(&Checker::new(&atlas, config).check(&file, None)).contains(&"RA0501"));
}

#[test]
fn what_cannot_be_read_is_a_finding() {
    let (atlas, _folder) = support::catalog();
    for (name, text, language) in [
        ("empty.yml", "", None),
        ("half.yml", "title: x\ndetection:\n  selection:\n    Image|endswith: '\\cmd", None),
        ("binary.yml", "\u{0}\u{1}\u{2}", None),
        ("rule.txt", "process where true", None),
        ("half.kql", "DeviceProcessEvents | where FileName == (\"", None),
    ] {
        let found = check(&atlas, name, text, language);
        assert!(codes(&found).contains(&"RA0101"), "{name}: {found:?}");
    }
    let found = check(&atlas, "a.eql", "DeviceProcessEvents | where FileName =~ 'cmd.exe' | project FileName", None);
    assert!(found.iter().any(|finding| finding.help.contains("--language kusto")), "{found:?}");
}

#[test]
fn many_rules_in_one_file_are_all_checked() {
    let (atlas, _folder) = support::catalog();
    let rule = |at: u32| {
        support::sigma(
            1000 + at,
            "",
            &format!("  selection:\n    CommandLine|contains: w{at}\n  condition: selection\n  unused:\n    A: b\n"),
        )
        .1
    };
    let text: Vec<String> = (0..300).map(rule).collect();
    let found = check(&atlas, "many.yml", &text.join("---\n"), None);
    assert_eq!(found.iter().filter(|finding| finding.code == "RA0102").count(), 300);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics(text in "(title|detection|:|\n|  |Image|'|\\|contains|re: |\\(a\\+\\)\\+|condition|not|and|[a-z*\\\\]){0,40}", which in 0..8_usize) {
        let (atlas, _folder) = CATALOG.get_or_init(support::catalog);
        let language = [
            None,
            Some(Language::Sigma),
            Some(Language::Eql),
            Some(Language::Kuery),
            Some(Language::Esql),
            Some(Language::Spl),
            Some(Language::Kusto),
            Some(Language::Python),
        ][which];
        for finding in check(atlas, "draft.yml", &text, language) {
            prop_assert!(finding.span[0] <= finding.span[1] && finding.span[1] <= text.len() + 1, "{:?}", finding);
            prop_assert!(finding.line >= 1 && finding.column >= 1);
        }
    }
}
