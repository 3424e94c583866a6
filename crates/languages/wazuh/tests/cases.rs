//! Rules, the predicates they give, and what they say of events.

use ruleatlas_core::{Context, LookupTable, MacroDefinition, Query, Referenced, cases};
use ruleatlas_wazuh::Wazuh;

/// The rules, lists and variables of other files.
struct Around {
    bad: LookupTable,
    keys: LookupTable,
}

fn list(rows: &[(&str, &str)]) -> LookupTable {
    LookupTable {
        columns: vec!["key".to_owned(), "value".to_owned()],
        rows: rows.iter().map(|(key, value)| vec![(*key).to_owned(), (*value).to_owned()]).collect(),
        ..LookupTable::default()
    }
}

impl Context for Around {
    fn rule(&self, id: &str) -> Option<Referenced<'_>> {
        let text = match id {
            "900" => "<rule id=\"900\" level=\"5\"><decoded_as>sshd</decoded_as><match>Failed</match></rule>",
            "901" => "<rule id=\"901\" level=\"5\"><match>^Invalid</match></rule>",
            _ => return None,
        };
        Some(Referenced { id: if id == "900" { "900" } else { "901" }, title: "", query: Query::new(text) })
    }

    fn tagged(&self, tag: &str) -> Vec<(&str, &str)> {
        if tag == "logons" { vec![("rule.id", "900"), ("rule.id", "901")] } else { Vec::new() }
    }

    fn macro_definition(&self, name: &str, _: usize) -> Option<MacroDefinition<'_>> {
        (name == "OTHER").then_some(MacroDefinition { parameters: &[], definition: "gamma" })
    }

    fn lookup(&self, name: &str) -> Option<&LookupTable> {
        match name {
            "etc/lists/bad" => Some(&self.bad),
            "etc/lists/keys" => Some(&self.keys),
            _ => None,
        }
    }
}

#[test]
fn rules() {
    let around = Around {
        bad: list(&[("192.0.2.1", ""), ("198.51.100.0/24", "x"), ("10.9.", "")]),
        keys: list(&[("k1", "write"), ("k2", "read")]),
    };
    cases::run(&Wazuh, &around, &ruleatlas_evaluate::verdict_str, "cases/wazuh.txt");
}
