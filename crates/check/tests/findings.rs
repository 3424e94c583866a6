//! What is said of drafts.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail anywhere, in its helpers too")]

use std::sync::OnceLock;

use proptest::prelude::*;
use ruleatlas_catalog::RuleFiles;
use ruleatlas_check::{Checker, Config, Finding, MeasuredHits};
use ruleatlas_logic::Statement;
use ruleatlas_model::{EventRef, Language, Level};
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

#[test]
fn a_step_of_several_is_not_the_whole_rule() {
    let (atlas, _folder) = support::catalog();
    for query in [
        "sequence by host.id [any where true] [process where process.name == \"a.exe\"]",
        "sequence by host.id [process where process.name == \"a.exe\"] [process where process.name == \"b.exe\"]",
        "sequence by host.id [process where process.name == \"a.exe\"] ![process where process.name == \"a.exe\"]",
    ] {
        let found = check(&atlas, "draft.eql", query, None);
        let wrong =
            ["RA0101", "RA0201", "RA0202", "RA0203", "RA0209", "RA0301", "RA0601", "RA0602", "RA0603", "RA0604"];
        assert!(!codes(&found).iter().any(|code| wrong.contains(code)), "{query}: {:?}", codes(&found));
    }
    let contradicts = "sequence by host.id [process where process.name == \"a.exe\" and process.name == \"b.exe\"] \
                       [process where process.name == \"c.exe\"]";
    let found = check(&atlas, "draft.eql", contradicts, None);
    assert!(codes(&found).contains(&"RA0203") && !codes(&found).contains(&"RA0201"), "{:?}", codes(&found));
    let join = "DeviceProcessEvents | where FileName =~ \"a.exe\"\n\
                | join kind=inner (DeviceNetworkEvents | where InitiatingProcessFileName =~ \"b.exe\") on DeviceId";
    let found = check(&atlas, "draft.kql", join, None);
    assert!(!codes(&found).iter().any(|code| code.starts_with("RA02") || code.starts_with("RA06")), "{found:?}");
}

#[test]
fn what_stands_around_a_file_is_part_of_it() {
    let (atlas, _folder) = support::catalog();
    let shells = "name: shells\ndefinition: (process_name=\"cmd.exe\")\n";
    let around = [SourceFile::from_bytes("lab/macros/shells.yml", shells.as_bytes().to_vec())];
    let detection = "name: Draft\nid: 7c9bd2b1-0000-4000-8000-000000000001\ntype: TTP\nstatus: production\ndata_source: \
                     [Sysmon EventID 1]\nsearch: '`shells` process_name=\"powershell.exe\"'\ntags: {}\n";
    let file = SourceFile::from_bytes("lab/detections/draft.yml", detection.as_bytes().to_vec());
    let checker = Checker::new(&atlas, Config::default());
    let alone = checker.check(&file, None);
    assert!(!codes(&alone).contains(&"RA0201"), "{alone:?}");
    let among = checker.check_among(&RuleFiles::among(&around), &file, None);
    assert!(codes(&among).contains(&"RA0201"), "{among:?}");
}

#[test]
fn measured_hits_order_what_is_recommended() {
    let excluding = |number: u32, parent: &str| {
        support::sigma(
            number,
            "attack.t1059.001",
            &format!(
                "  selection:\n    Image|endswith: '\\powershell.exe'\n    CommandLine|contains: ' -enc '\n  filter:\n    \
                 ParentImage: '{parent}'\n  condition: selection and not filter\n"
            ),
        )
    };
    let (often, rare) = ("C:\\Program Files\\Often\\often.exe", "C:\\Program Files\\Rare\\rare.exe");
    // By likeness alone, what more rules exclude comes first.
    let mut rules = vec![excluding(1, rare), excluding(2, rare), excluding(3, rare), excluding(4, often)];
    // What all rules have in common says nothing.
    rules.extend((5..9).map(|at| {
        support::sigma(at, "", &format!("  selection:\n    CommandLine|contains: w{at}\n  condition: selection\n"))
    }));
    let (atlas, _folder) = support::of(rules);
    let text = draft(
        "  selection:\n    Image|endswith: '\\powershell.exe'\n    CommandLine|contains: ' -enc '\n  condition: selection\n",
    );
    let file = SourceFile::from_bytes("draft.yml", text.into_bytes());
    let recommended = |checker: Checker<'_>| {
        let found = checker.check(&file, None);
        let missing = found
            .iter()
            .find(|finding| finding.code == "RA0401")
            .unwrap_or_else(|| panic!("no recommendation: {found:?}"));
        let lines = missing.evidence.indicators.iter();
        let lines: Vec<_> = lines.map(|it| (it.indicator.value.to_lowercase(), it.removed)).collect();
        (lines, found.into_iter().find(|finding| finding.code == "RA0302"))
    };
    let (lines, measured) = recommended(Checker::new(&atlas, Config::default()));
    assert_eq!(lines.first().map(|(value, removed)| (value.as_str(), *removed)), Some((&*rare.to_lowercase(), None)));
    assert!(measured.is_none());
    let mut hits = MeasuredHits::default();
    let start = EventRef { provider: "Sysmon".to_owned(), event_id: "1".to_owned() };
    let event = |command: &str, parent: &str| {
        let json = serde_json::json!({
            "Image": "C:\\Windows\\System32\\powershell.exe", "CommandLine": command, "ParentImage": parent,
        });
        json.as_object().unwrap().clone()
    };
    for (record, command, parent) in [
        (1, "powershell -enc AAAA", often),
        (2, "powershell -enc AAAA", often),
        (3, "powershell -enc AAAA", "C:\\Windows\\explorer.exe"),
        (4, "powershell -file a.ps1", often),
    ] {
        hits.add_hit("sigma/other", ("log.evtx".to_owned(), record), start.clone(), &event(command, parent));
        hits.add_hit("sigma/second", ("log.evtx".to_owned(), record), start.clone(), &event(command, parent));
    }
    let (lines, measured) = recommended(Checker::new(&atlas, Config::default()).with_hits(hits));
    assert_eq!(lines[0], (often.to_lowercase(), Some(2)));
    assert_eq!(lines[1], (rare.to_lowercase(), Some(0)));
    let measured = measured.expect("what was measured");
    assert_eq!((measured.evidence.count, measured.evidence.of), (Some(3), Some(4)));
    assert_eq!(measured.evidence.rules, ["sigma/other", "sigma/second"]);
}

#[test]
fn hits_of_the_rule_itself_are_counted_as_the_hunt_found_them() {
    let (atlas, _folder) = support::catalog();
    let mut hits = MeasuredHits::default();
    hits.add_rule("sigma/00000000-0000-4000-8000-000000000099", 1_000, 12);
    let text = draft("  selection:\n    Unmapped|contains: x\n  condition: selection\n");
    let file = SourceFile::from_bytes("draft.yml", text.into_bytes());
    let found = Checker::new(&atlas, Config::default()).with_hits(hits).check(&file, None);
    let measured = found.iter().find(|finding| finding.code == "RA0302").expect("what was measured");
    assert!(measured.message.contains("12 of the 1000"), "{}", measured.message);
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
