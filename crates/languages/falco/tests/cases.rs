//! Conditions, the predicates they give, and what they say of events.

use ruleatlas_core::{Context, LookupTable, MacroDefinition, cases};
use ruleatlas_falco::Falco;

/// The macros and lists that the cases name.
struct Around {
    shells: LookupTable,
    editors: LookupTable,
    nothing: LookupTable,
    networks: LookupTable,
}

fn list(items: &[&str]) -> LookupTable {
    let rows = items.iter().map(|item| vec![(*item).to_owned()]).collect();
    LookupTable { columns: vec!["item".to_owned()], rows, ..LookupTable::default() }
}

impl Context for Around {
    fn macro_definition(&self, name: &str, arguments: usize) -> Option<MacroDefinition<'_>> {
        let definition = match (name, arguments) {
            ("started", 0) => "(evt.type in (execve, execveat))",
            ("never_true", 0) => "(evt.num=0)",
            ("shell_started", 0) => "started and proc.name in (shells)",
            ("loop_a", 0) => "proc.name = a or loop_b",
            ("loop_b", 0) => "loop_a",
            ("broken", 0) => "proc.name =",
            _ => return None,
        };
        Some(MacroDefinition { parameters: &[], definition })
    }

    fn lookup(&self, name: &str) -> Option<&LookupTable> {
        Some(match name {
            "shells" => &self.shells,
            "editors" => &self.editors,
            "nothing" => &self.nothing,
            "office_networks" => &self.networks,
            _ => return None,
        })
    }
}

#[test]
fn conditions() {
    let around = Around {
        shells: list(&["bash", "zsh"]),
        editors: list(&["vi"]),
        nothing: list(&[]),
        networks: list(&["10.0.0.0/8", "192.0.2.7"]),
    };
    cases::run(&Falco, &around, &ruleatlas_evaluate::verdict_str, "cases/falco.txt");
}
