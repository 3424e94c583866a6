//! A snippet, read by our own front end, is the indicator that it was made of.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use ruleatlas_catalog::frontend;
use ruleatlas_core::{NoContext, Query, roles};
use ruleatlas_model::{DataSource, Indicator, Language, Role, SourceKind, Vendor};
use ruleatlas_taxonomy::Taxonomy;
use ruleatlas_views::{Snippet, snippets};

fn indicator(field: &str, op: &str, value: &str, modifier: Option<&str>) -> Indicator {
    Indicator {
        field: field.to_owned(),
        op: op.parse().unwrap(),
        value: value.to_owned(),
        modifiers: modifier.unwrap_or_default().parse().unwrap(),
    }
}

/// A whole query around the snippet, as somebody would paste it.
fn around(snippet: &Snippet) -> (String, Vendor, Vec<DataSource>) {
    let text = &snippet.text;
    match snippet.language {
        Language::Sigma => {
            let vendor = Vendor::Sigma;
            (
                format!("detection:\n  selection:\n    {text}\n  condition: selection\nlogsource:\n  product: any\n"),
                vendor,
                vec![],
            )
        }
        Language::Eql => (format!("any where {text}"), Vendor::Elastic, vec![]),
        Language::Spl => match text.strip_prefix("| ") {
            Some(command) => (format!("search index=main | {command}"), Vendor::Splunk, vec![]),
            None => (format!("index=main {text}"), Vendor::Splunk, vec![]),
        },
        _ => {
            let table = snippet.table.as_deref().unwrap_or("T");
            (format!("{table}\n| where {text}"), Vendor::Kusto, vec![DataSource::new(SourceKind::Table, table)])
        }
    }
}

/// The indicators that a snippet's query has.
fn read_back(snippet: &Snippet) -> Vec<Indicator> {
    let (text, vendor, mut sources) = around(snippet);
    let parsed = frontend(snippet.language).parse(&Query::new(&text), &NoContext);
    let taxonomy = Taxonomy::builtin();
    if let Some(step) = parsed.conditions.first() {
        sources.extend(step.sources.iter().filter(|source| source.kind != SourceKind::Product).cloned());
    }
    let reader = taxonomy.reader(vendor, &sources);
    let placed = roles(&parsed.conditions);
    let indicators = placed.iter().filter(|placed| placed.role == Role::Indicator);
    indicators.flat_map(|placed| reader.fold(placed)).map(|folded| folded.indicator).collect()
}

/// The snippets of an indicator by language, each read back as the indicator itself.
fn checked(indicator: &Indicator) -> Vec<(&'static str, String)> {
    let found = snippets(Taxonomy::builtin(), indicator);
    for snippet in &found {
        let back = read_back(snippet);
        assert_eq!(back, std::slice::from_ref(indicator), "{}: {}", snippet.label, snippet.text);
    }
    found.into_iter().map(|snippet| (snippet.label, snippet.text)).collect()
}

#[test]
fn every_language_says_it_in_its_own_way() {
    let all = |field, op, value, modifier| {
        let texts = checked(&indicator(field, op, value, modifier));
        texts.into_iter().map(|(label, text)| format!("{label} {text}")).collect::<Vec<_>>()
    };
    assert_eq!(
        all("Image", "basename", "cmd.exe", None),
        [
            r"Sigma Image|endswith: '\cmd.exe'",
            r#"EQL process.name : "cmd.exe""#,
            r#"SPL process_name="cmd.exe""#,
            r#"KQL FileName =~ "cmd.exe""#
        ]
    );
    assert_eq!(
        all("CommandLine", "contains", r"c:\users\public\", None),
        [
            r"Sigma CommandLine|contains: 'c:\users\public\'",
            r#"EQL process.command_line : "*c:\\users\\public\\*""#,
            r#"SPL process="*c:\\users\\public\\*""#,
            r#"KQL ProcessCommandLine contains @"c:\users\public\""#
        ]
    );
    assert_eq!(
        all("CommandLine", "contains", "iex", Some("base64offset")),
        ["Sigma CommandLine|base64offset|contains: 'iex'"]
    );
    assert_eq!(all("dest_port", "eq", "4444", None).len(), 4);
    assert_eq!(all("dest_ip", "cidr_match", "10.0.0.0/8", None).len(), 4);
}

#[test]
fn every_operator_reads_back_as_itself() {
    let values = [
        "a",
        "it's",
        "say \"no\"",
        r"c:\a\b.exe",
        r"\\host\share",
        "50%",
        "a*b",
        "what?",
        "  padded ",
        "tab\there",
        "täst",
        "|pipe|",
        "{brace}",
        "$var",
        "#x",
        "- list",
        "key: value",
        "null",
        "true",
        "007",
        "12",
        "a/b",
        "[x]",
        "`tick`",
        "",
    ];
    let mut said = std::collections::BTreeMap::new();
    for op in ["eq", "contains", "starts_with", "ends_with", "match", "regex_match", "lt", "gte"] {
        for value in values {
            for field in ["CommandLine", "EventID", "QueryName", "ScriptBlockText", "some_raw_field"] {
                // A part of nothing is anything, and no language says it.
                if value.is_empty() && op != "eq" {
                    continue;
                }
                for (language, _) in checked(&indicator(field, op, value, None)) {
                    *said.entry((op, language)).or_insert(0) += 1;
                }
            }
        }
    }
    for op in ["is_null", "is_not_null"] {
        assert_eq!(checked(&indicator("Image", op, "", None)).len(), 4, "{op}");
    }
    for value in ["a*b", r"\temp\*.exe", "a?c", "x[*]*y"] {
        checked(&indicator("CommandLine", "wildcard", value, None));
    }
    for (op, language) in
        [("eq", "Sigma"), ("contains", "EQL"), ("starts_with", "SPL"), ("ends_with", "KQL"), ("match", "KQL")]
    {
        assert!(said.get(&(op, language)).is_some_and(|count| *count > 20), "{op} {language}: {said:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn any_value_reads_back_as_itself(
        value in r#"[a-z0-9 \\/*?"'`.:|{}\[\]%$#=(),-]{1,12}"#,
        op in prop::sample::select(vec!["eq", "contains", "starts_with", "ends_with"]),
        field in prop::sample::select(vec!["CommandLine", "QueryName", "Hashes"]),
    ) {
        checked(&indicator(field, op, &value, None));
    }
}

#[test]
fn the_indicators_of_the_real_corpora_read_back_as_themselves() {
    let Some(folder) = std::env::var_os("RULEATLAS_CATALOG") else {
        println!("skipped: RULEATLAS_CATALOG names no catalog");
        return;
    };
    let atlas = ruleatlas_views::Atlas::open(folder.as_ref()).unwrap();
    let (mut said, mut wrong) = (0_u32, Vec::new());
    for (_, shown) in atlas.index.indicators() {
        let mut wanted = shown.clone();
        wanted.value = wanted.value.to_lowercase();
        for snippet in snippets(Taxonomy::builtin(), shown) {
            said += 1;
            let back = read_back(&snippet);
            let is_same = back.iter().any(|back| {
                back.field.eq_ignore_ascii_case(&wanted.field) && back.op == wanted.op && back.value == wanted.value
            });
            if !is_same || back.len() != 1 {
                wrong.push(format!("{wanted:?}\n  {} {}\n  {back:?}", snippet.label, snippet.text));
            }
        }
    }
    println!("{said} snippets, {} read back otherwise", wrong.len());
    for line in wrong.iter().take(60) {
        println!("{line}");
    }
    assert!(wrong.len() * 1000 < said as usize);
}
