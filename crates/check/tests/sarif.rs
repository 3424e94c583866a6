//! The SARIF log is one of the schema's types.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail anywhere, in its helpers too")]

use ruleatlas_check::{CODES, Checker, Config, sarif};
use ruleatlas_sources::SourceFile;
use serde_sarif::sarif::Sarif;

mod support;

#[test]
fn the_log_is_of_the_types_of_the_schema() {
    let (atlas, _folder) = support::catalog();
    let text = support::sigma(
        7,
        "",
        "  selection:\n    CommandLine|contains: sekurlsa\n  filter:\n    CommandLine|contains: update\n  condition: selection and not filter\n",
    );
    let checker = Checker::new(&atlas, Config::default());
    let findings = checker.check(&SourceFile::from_bytes("rules/a b.yml", text.1.into_bytes()), None);
    assert!(!findings.is_empty());
    // Its types are made from the schema, and refuse what the schema does not have.
    let log: Sarif = serde_json::from_str(&sarif(&findings)).unwrap();
    let run = &log.runs[0];
    let results = run.results.as_ref().unwrap();
    assert_eq!(results.len(), findings.len());
    let rules = run.tool.driver.rules.as_ref().unwrap();
    assert_eq!(rules.len(), CODES.len());
    for (result, finding) in results.iter().zip(&findings) {
        let index = usize::try_from(result.rule_index.unwrap()).unwrap();
        assert_eq!(rules[index].id, finding.code);
        assert_eq!(result.rule_id.as_deref(), Some(finding.code));
        let place = result.locations.as_ref().unwrap()[0].physical_location.as_ref().unwrap();
        assert_eq!(place.artifact_location.as_ref().unwrap().uri.as_deref(), Some("rules/a%20b.yml"));
        assert_eq!(place.region.as_ref().unwrap().start_line, Some(i64::from(finding.line)));
    }
}
