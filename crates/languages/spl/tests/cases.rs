//! The cases of `cases/*.txt`, with a handful of macros, event types and lookups around them.

use std::path::Path;

use ruleatlas_core::{Context, LookupTable, MacroDefinition, cases};
use ruleatlas_spl::Spl;

const EVENT_TYPES: [(&str, &str); 5] = [
    ("failed", "sourcetype=lab_auth result=failed NOT user=probe"),
    ("only_source", "sourcetype=lab_auth"),
    ("remote", "eventtype=failed source_ip=10.0.0.0/8 `admins`"),
    ("ring_a", "a=1 eventtype=ring_b"),
    ("ring_b", "eventtype=ring_a"),
];

const TAGS: [(&str, &str, &str); 3] =
    [("logon", "eventtype", "failed"), ("kiosk", "host", "k*"), ("lab", "host", "lab 1")];

struct Around {
    macros: Vec<(&'static str, Vec<String>, &'static str)>,
    lookups: Vec<(&'static str, LookupTable)>,
}

impl Around {
    fn new() -> Self {
        let none = Vec::new;
        let one = |name: &str| vec![name.to_owned()];
        let table = |columns: &[&str], rows: &[&[&str]], wildcards: &[&str]| LookupTable {
            columns: columns.iter().map(|&text| text.to_owned()).collect(),
            rows: rows.iter().map(|row| row.iter().map(|&text| text.to_owned()).collect()).collect(),
            case_insensitive: true,
            wildcard_columns: wildcards.iter().map(|&text| text.to_owned()).collect(),
            default_match: None,
        };
        Self {
            macros: vec![
                ("win_sec", none(), "sourcetype=WinEvent OR source=\"Xml:Security\""),
                ("shells", none(), "(Processes.process_name=bash OR Processes.process_name=zsh)"),
                ("quick", none(), "summariesonly=true allow_old_summaries=true"),
                ("ctime", one("field"), "convert timeformat=\"%F\" ctime($field$)"),
                ("only_user", one("who"), "search user=\"$who$\""),
                ("two", vec!["a".to_owned(), "b".to_owned()], "f=$a$ g=$b$"),
                ("outer", none(), "`inner` level=high"),
                ("inner", none(), "kind=alert"),
                ("loop_a", none(), "x=1 `loop_b`"),
                ("loop_b", none(), "`loop_a`"),
                ("known_filter", none(), "search *"),
                ("tuned_filter", none(), "search NOT host=lab*"),
                ("steps", none(), "eval u=lower(user) | search u=root"),
                ("window", none(), "\"-70m@m\""),
                ("admins", none(), "user IN (alice, bob)"),
            ],
            lookups: vec![
                (
                    "tools",
                    table(&["tool", "bad"], &[&["mimi.exe", "true"], &["rub.exe", "true"], &["ok.exe", "no"]], &[]),
                ),
                (
                    "domains",
                    table(&["pattern", " dyn"], &[&["*.dyn.example", " True"], &["free*", "True"]], &["pattern"]),
                ),
                ("empty", table(&["tool", "bad"], &[], &[])),
                (
                    "roles",
                    LookupTable {
                        default_match: Some("false".to_owned()),
                        ..table(&["role", "high"], &[&["owner", "true"], &["reader", "false"]], &[])
                    },
                ),
                ("pairs", table(&["name", "path", "seen"], &[&["a.exe", "c:\\a", "1"], &["b.exe", "c:\\b", "1"]], &[])),
            ],
        }
    }
}

impl Context for Around {
    fn macro_definition(&self, name: &str, arguments: usize) -> Option<MacroDefinition<'_>> {
        let found = self.macros.iter().find(|(known, parameters, _)| *known == name && parameters.len() == arguments);
        found.map(|(_, parameters, definition)| MacroDefinition { parameters, definition })
    }

    fn event_type(&self, name: &str) -> Option<&str> {
        let found = EVENT_TYPES.iter().find(|(known, _)| *known == name);
        found.map(|(_, search)| *search)
    }

    fn tagged(&self, tag: &str) -> Vec<(&str, &str)> {
        let found = TAGS.iter().filter(|(known, ..)| *known == tag);
        found.map(|(_, field, value)| (*field, *value)).collect()
    }

    fn lookup(&self, name: &str) -> Option<&LookupTable> {
        self.lookups.iter().find(|(known, _)| *known == name).map(|(_, table)| table)
    }
}

fn run(file: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases").join(file);
    cases::run(&Spl, &Around::new(), &ruleatlas_evaluate::verdict_str, path);
}

#[test]
fn searches() {
    run("search.txt");
}

#[test]
fn expressions() {
    run("where.txt");
}

#[test]
fn names() {
    run("names.txt");
}

#[test]
fn aggregates() {
    run("aggregates.txt");
}

#[test]
fn macros() {
    run("macros.txt");
}

#[test]
fn steps() {
    run("steps.txt");
}

#[test]
fn lookups() {
    run("lookups.txt");
}

#[test]
fn faults() {
    run("faults.txt");
}
