//! What changed between two catalogs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail anywhere")]

mod support;

use serde_json::{Value, json};
use support::{Place, rule};

const TAGS: &[&str] = &["attack.t1059.001"];

/// Rules by their ids, with the detections that they have before and after; `None` where there is no rule.
const RULES: [(&str, Option<&str>, Option<&str>); 9] = [
    ("added", None, Some("s:\n  Image|endswith: '\\a.exe'\ncondition: s")),
    ("removed", Some("s:\n  Image|endswith: '\\a.exe'\ncondition: s"), None),
    (
        // The same in another order, another case, with comments and another layout.
        "reworded",
        Some("s:\n  Image|endswith: '\\a.exe'\n  CommandLine|contains:\n    - x\n    - y\ncondition: s"),
        Some("t:\n  CommandLine|contains: [Y, X]  # both\n  Image|endswith: '\\A.EXE'\ncondition: t"),
    ),
    (
        // Two selections instead of one.
        "regrouped",
        Some("s:\n  Image|endswith: '\\a.exe'\n  CommandLine|contains: x\ncondition: s"),
        Some("s:\n  Image|endswith: '\\a.exe'\nt:\n  CommandLine|contains: x\ncondition: s and t"),
    ),
    (
        "widened",
        Some("s:\n  Image|endswith: '\\a.exe'\ncondition: s"),
        Some("s:\n  Image|endswith:\n    - '\\a.exe'\n    - '\\b.exe'\ncondition: s"),
    ),
    (
        "excluding",
        Some("s:\n  Image|endswith: '\\a.exe'\ncondition: s"),
        Some("s:\n  Image|endswith: '\\a.exe'\nf:\n  ParentImage|endswith: '\\setup.exe'\ncondition: s and not f"),
    ),
    (
        // The same comparisons, of which one is enough now.
        "combined",
        Some("s:\n  Image|endswith: '\\a.exe'\n  CommandLine|contains: x\ncondition: s"),
        Some("s:\n  Image|endswith: '\\a.exe'\nt:\n  CommandLine|contains: x\ncondition: s or t"),
    ),
    ("same", Some("s:\n  Image: a\ncondition: s"), Some("s:\n  Image: a\ncondition: s")),
    ("described", Some("s:\n  Image: b\ncondition: s"), Some("s:\n  Image: b\ncondition: s")),
];

fn place() -> Place {
    let place = Place::with(&[]);
    for (catalog, pick) in [("old.db", 0), ("new.db", 1)] {
        for (id, before, after) in RULES {
            let path = format!("{catalog}.rules/{id}.yml");
            let status = if id == "described" && pick == 1 { "stable" } else { "test" };
            if let Some(detection) = [before, after][pick] {
                place.write(&path, rule(id, TAGS, status, detection));
            }
        }
        let source = format!("sigma={catalog}.rules");
        place.plain(&["build", "--db", catalog, "--source", &source, "--source", "attack=attack"]).ends(0);
    }
    place
}

fn changes(place: &Place, more: &[&str]) -> Value {
    place.plain(&[&["diff", "old.db", "new.db", "--json"], more].concat()).ends(0).json()
}

fn ids(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|rule| rule["id"].as_str().unwrap()).collect()
}

fn changed<'a>(changes: &'a Value, id: &str) -> &'a Value {
    let is_asked = |rule: &&Value| rule["id"] == format!("sigma/{id}");
    changes["changed"].as_array().unwrap().iter().find(is_asked).unwrap()
}

#[test]
fn formatting_is_no_change_and_logic_is() {
    let place = place();
    let found = changes(&place, &[]);
    assert_eq!(ids(&found["added"]), ["sigma/added"]);
    assert_eq!(ids(&found["removed"]), ["sigma/removed"]);
    assert_eq!(ids(&found["changed"]), ["sigma/combined", "sigma/excluding", "sigma/widened"]);
    assert_eq!(ids(&found["described"]), ["sigma/described"]);
    assert_eq!(
        found["vendors"],
        json!([{"vendor": "sigma", "added": 1, "removed": 1, "changed": 3, "reworded": 2, "same": 4}])
    );
    assert_eq!(found["described"][0]["described"], json!([{"name": "status", "before": "test", "now": "stable"}]));

    let widened = changed(&found, "widened");
    assert_eq!(widened["relation"], "wider");
    let [predicate] = &widened["predicates"].as_array().unwrap()[..] else { panic!("{widened}") };
    assert_eq!([&predicate["change"], &predicate["field"]], ["widened", "Image"]);
    assert_eq!(predicate["values_added"], json!(["\\b.exe"]));
    assert_eq!([&predicate["values_dropped"], &predicate["values_kept"]], [&json!([]), &json!(1)]);
    assert!(widened["only_now"].to_string().contains("b.exe"), "{widened}");
    assert_eq!(widened["only_before"], Value::Null);

    let excluding = changed(&found, "excluding");
    assert_eq!(excluding["relation"], "narrower");
    assert_eq!([&excluding["predicates"][0]["change"], &excluding["predicates"][0]["role"]], ["added", "exclusion"]);
    assert!(excluding["only_before"].to_string().contains("setup.exe"), "{excluding}");

    assert_eq!(changed(&found, "combined")["relation"], "wider");

    // The other way round.
    let back = place.plain(&["diff", "new.db", "old.db", "--json"]).ends(0).json();
    assert_eq!(ids(&back["added"]), ["sigma/removed"]);
    assert_eq!(changed(&back, "widened")["predicates"][0]["change"], "narrowed");
    assert_eq!(changed(&back, "excluding")["predicates"][0]["change"], "dropped");
    // And none to itself.
    let none = place.plain(&["diff", "new.db", "new.db", "--json"]).ends(0).json();
    assert_eq!([&none["added"], &none["removed"], &none["changed"], &none["described"]], [&json!([]); 4]);
}

#[test]
fn a_rule_with_another_id_and_the_same_title_is_the_same_rule() {
    let place = Place::with(&[]);
    let text = rule("one", TAGS, "test", "s:\n  Image: a\ncondition: s");
    place.write("before/a.yml", &text);
    place.write("after/a.yml", text.replace("id: one", "id: two"));
    for (catalog, folder) in [("old.db", "sigma=before"), ("new.db", "sigma=after")] {
        place.plain(&["build", "--db", catalog, "--source", folder, "--source", "attack=attack"]).ends(0);
    }
    let found = changes(&place, &[]);
    assert_eq!([&found["added"], &found["removed"], &found["changed"]], [&json!([]); 3]);
}

#[test]
fn rules_are_chosen_by_vendor_and_technique() {
    let place = place();
    assert_eq!(ids(&changes(&place, &["--technique", "t1059"])["added"]), ["sigma/added"]);
    assert_eq!(changes(&place, &["--technique", "T1071"])["added"], json!([]));
    assert_eq!(changes(&place, &["--vendor", "elastic"])["changed"], json!([]));
    assert_eq!(ids(&changes(&place, &["--limit", "1"])["changed"]), ["sigma/combined"]);
}

#[test]
fn the_terminal_says_what_changed() {
    let place = place();
    place.plain(&["diff", "old.db", "new.db"]).ends(0).says(&[]);
    let said = place.plain(&["diff", "old.db", "new.db"]).ends(0);
    for part in [
        "widened  indicator Image ends_with: + \\b.exe (1 value is as before)",
        "selects more events",
        "status: test → stable",
    ] {
        assert!(said.out.contains(part), "{part}: {}", said.out);
    }
}

#[test]
fn what_is_no_catalog_is_refused() {
    let place = place();
    place.write("text.db", "text");
    for call in [&["diff", "old.db", "none.db"][..], &["diff", "text.db", "new.db"]] {
        let said = place.plain(call).ends(1);
        assert!(said.err.contains(if call[1] == "text.db" { "text.db" } else { "none.db" }), "{}", said.err);
    }
    place.plain(&["diff", "old.db"]).ends(2);
    place.run(&["diff", "old.db", "new.db"]).ends(2);
}
