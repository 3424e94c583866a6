//! Rules, the predicates they give, and what they say of events.

use ruleatlas_core::{Context, LookupTable, cases};
use ruleatlas_yaral::YaraL;

/// The reference lists that the cases name.
struct Lists(Vec<(&'static str, LookupTable)>);

impl Context for Lists {
    fn lookup(&self, name: &str) -> Option<&LookupTable> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, table)| table)
    }
}

fn list(items: &[&str]) -> LookupTable {
    let rows = items.iter().map(|item| vec![(*item).to_owned()]).collect();
    LookupTable { columns: vec!["item".to_owned()], rows, ..LookupTable::default() }
}

#[test]
fn rules() {
    let lists = Lists(vec![
        ("known_hosts", list(&["alpha", "beta"])),
        ("networks", list(&["10.0.0.0/8"])),
        ("patterns", list(&["^ftp"])),
    ]);
    cases::run(&YaraL, &lists, &ruleatlas_evaluate::verdict_str, "cases/yaral.txt");
}
