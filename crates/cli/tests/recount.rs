//! The counts of a technique against a naive recount of the exported rules.
//!
//! Nothing of the program's own counting is used here: a rule is a JSON object of `export rules`, a count is a walk
//! over all of them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail anywhere, in its helpers too"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use ruleatlas_taxonomy::{FieldType, Taxonomy};
use serde_json::{Value, json};
use support::{Place, corpora, source};

/// Field, operator, value, modifier: what makes two indicators one.
type Key = (String, String, String, Option<String>);

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn key(row: &Value) -> Key {
    let modifier = row["modifier"].as_str().map(str::to_owned);
    (text(row, "field").to_lowercase(), text(row, "op").to_owned(), text(row, "value").to_lowercase(), modifier)
}

fn is_counted(rule: &Value) -> bool {
    !matches!(text(rule, "status"), "deprecated" | "unsupported")
        && !matches!(text(rule, "kind"), "filter" | "policy" | "baseline" | "insight" | "grouping")
}

fn is_tagged(rule: &Value, technique: &str, with_sub_techniques: bool) -> bool {
    let below = format!("{technique}.");
    list(rule, "techniques")
        .iter()
        .filter_map(Value::as_str)
        .any(|id| id == technique || (with_sub_techniques && id.starts_with(&below)))
}

/// The rules as they count: a variant with all that it says belongs to the rule that it is one of.
fn units(rules: &[Value]) -> Vec<Value> {
    let is_variant = |rule: &Value| !rule["variant_of"].is_null();
    let mut units: Vec<Value> = rules.iter().filter(|rule| !is_variant(rule)).cloned().collect();
    let places: BTreeMap<String, usize> =
        units.iter().enumerate().map(|(place, rule)| (text(rule, "id").to_owned(), place)).collect();
    for variant in rules.iter().filter(|rule| is_variant(rule)) {
        let unit = &mut units[places[text(variant, "variant_of")]];
        for key in ["techniques", "indicators", "predicates", "events"] {
            let more = list(variant, key).to_vec();
            unit[key].as_array_mut().unwrap().extend(more);
        }
    }
    units
}

/// The indicators of a rule in a role, each once.
fn keys(rule: &Value, role: &str) -> BTreeSet<Key> {
    list(rule, "indicators").iter().filter(|row| text(row, "role") == role).map(key).collect()
}

/// Rules by indicator.
fn count<'a>(rules: impl IntoIterator<Item = &'a Value>, role: &str) -> BTreeMap<Key, Vec<&'a Value>> {
    let mut counts: BTreeMap<Key, Vec<&Value>> = BTreeMap::new();
    for rule in rules {
        for key in keys(rule, role) {
            counts.entry(key).or_default().push(rule);
        }
    }
    counts
}

fn by_vendor(rules: &[&Value]) -> Value {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for rule in rules {
        *counts.entry(text(rule, "vendor")).or_default() += 1;
    }
    json!(counts)
}

/// The rows of a table of indicators against the rules here and in the whole catalog.
fn check_indicators(rows: &[Value], here: &[&Value], all: &[&Value], role: &str) {
    let (here, everywhere) = (count(here.iter().copied(), role), count(all.iter().copied(), role));
    let found: BTreeMap<Key, &Value> = rows.iter().map(|row| (key(row), row)).collect();
    assert_eq!(found.len(), rows.len(), "each {role} once");
    assert_eq!(found.keys().collect::<Vec<_>>(), here.keys().collect::<Vec<_>>(), "{role}s");
    for (key, rules) in &here {
        let row = found[key];
        assert_eq!(row["rules"], rules.len(), "rules here: {row}");
        assert_eq!(row["reach"], everywhere[key].len(), "reach: {row}");
        assert_eq!(row["reach_by_vendor"], by_vendor(&everywhere[key]), "{row}");
    }
    let order = |row: &Value| {
        let number = |key: &str| std::cmp::Reverse(row[key].as_u64());
        let word = |key: &str| text(row, key).to_owned();
        (number("rules"), number("reach"), word("field"), word("op"), word("value"))
    };
    assert!(rows.is_sorted_by_key(order), "{role}s are ordered by rules, reach, field, op and value");
}

/// The rows of the table of fields.
fn check_fields(view: &Value, here: &[&Value]) {
    let mut counts: BTreeMap<String, (u64, BTreeMap<&str, u64>)> = BTreeMap::new();
    for rule in here {
        let mut seen = BTreeSet::new();
        for predicate in list(rule, "predicates") {
            let written = text(predicate, "written_op");
            let counts_here = match text(predicate, "role") {
                "indicator" => true,
                "exclusion" => matches!(written, "ne" | "not_in"),
                _ => false,
            };
            if counts_here {
                let op = text(predicate, "op");
                let op = if matches!(op, "is_null" | "is_not_null") { op } else { written };
                seen.insert((text(predicate, "field").to_lowercase(), op));
            }
        }
        for field in seen.iter().map(|(field, _)| field).collect::<BTreeSet<_>>() {
            counts.entry(field.clone()).or_default().0 += 1;
        }
        for (field, op) in seen {
            *counts.entry(field).or_default().1.entry(op).or_default() += 1;
        }
    }
    let rows = list(view, "fields");
    assert_eq!(view["fields_distinct"], counts.len());
    assert_eq!(rows.len(), counts.len(), "each field once");
    for row in rows {
        let (rules, how) = &counts[&text(row, "field").to_lowercase()];
        assert_eq!((&row["rules"], &row["how"]), (&json!(rules), &json!(how)), "{row}");
        let of_field = |rows: &'static str| {
            list(view, rows)
                .iter()
                .filter(|other| text(other, "field").eq_ignore_ascii_case(text(row, "field")))
                .filter(|other| !matches!(text(other, "op"), "is_null" | "is_not_null"))
                .map(|other| other["value"].clone())
        };
        let mut samples: Vec<Value> = Vec::new();
        for value in of_field("indicators").chain(of_field("exclusions")) {
            if samples.len() < 5 && !samples.contains(&value) {
                samples.push(value);
            }
        }
        assert_eq!(row["samples"], json!(samples), "{row}");
    }
    assert!(rows.is_sorted_by_key(|row| (std::cmp::Reverse(row["rules"].as_u64()), text(row, "field").to_owned())));
}

fn check_events(view: &Value, here: &[&Value]) {
    let mut counts: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for rule in here {
        let events = list(rule, "events").iter();
        for event in events.map(|event| (text(event, "provider"), text(event, "event_id"))).collect::<BTreeSet<_>>() {
            *counts.entry(event).or_default() += 1;
        }
    }
    let rows = list(view, "events");
    let found: BTreeMap<(&str, &str), u64> = rows
        .iter()
        .map(|row| ((text(row, "provider"), text(row, "event_id")), row["rules"].as_u64().unwrap()))
        .collect();
    assert_eq!(found, counts);
    assert_eq!(rows.len(), counts.len(), "each event once");
}

fn check_technique(place: &Place, rules: &[Value], technique: &str, with_sub_techniques: bool) -> usize {
    let mut call = vec!["technique", technique];
    if !with_sub_techniques {
        call.push("--no-subtechniques");
    }
    let view = place.json(&call);
    let all: Vec<&Value> = rules.iter().filter(|rule| is_counted(rule)).collect();
    let here: Vec<&Value> =
        all.iter().copied().filter(|rule| is_tagged(rule, technique, with_sub_techniques)).collect();
    assert_eq!(view["rules"], json!({"total": here.len(), "by_vendor": by_vendor(&here)}), "{technique}");
    let mut listed: Vec<&str> = list(&view, "rule_list").iter().map(|rule| text(rule, "id")).collect();
    let vendors = |ids: &[&str]| ids.chunk_by(|a, b| a.split('/').next() == b.split('/').next()).count();
    assert_eq!(
        vendors(&listed),
        by_vendor(&here).as_object().unwrap().len(),
        "the rules of a vendor stand together: {listed:?}"
    );
    listed.sort_unstable();
    assert_eq!(listed, here.iter().map(|rule| text(rule, "id")).collect::<Vec<_>>());
    check_events(&view, &here);
    check_indicators(list(&view, "indicators"), &here, &all, "indicator");
    check_indicators(list(&view, "exclusions"), &here, &all, "exclusion");
    assert_eq!(view["indicators_distinct"], list(&view, "indicators").len());
    assert_eq!(view["exclusions_distinct"], list(&view, "exclusions").len());
    check_fields(&view, &here);
    here.len()
}

/// The tables over the whole catalog, where rules here and reach are one.
fn check_exports(place: &Place, rules: &[Value]) {
    let all: Vec<&Value> = rules.iter().filter(|rule| is_counted(rule)).collect();
    let (indicators, exclusions) = (place.export("indicators"), place.export("exclusions"));
    check_indicators(&indicators, &all, &all, "indicator");
    check_indicators(&exclusions, &all, &all, "exclusion");
    let fields = place.export("fields");
    check_fields(
        &json!({"fields": fields, "fields_distinct": fields.len(), "indicators": indicators, "exclusions": exclusions}),
        &all,
    );
    check_events(&json!({"events": place.export("events")}), &all);
    for row in place.export("techniques") {
        let id = text(&row, "technique");
        let count = |with| all.iter().filter(|rule| is_tagged(rule, id, with)).count();
        assert_eq!(row["rules"], count(false), "{id}");
        assert_eq!(row["rules_with_subtechniques"], count(true), "{id}");
    }
}

/// The indicators that the predicates of a rule fold to, after the letter of the predicate model.
fn folded(rule: &Value, taxonomy: &Taxonomy) -> Vec<(String, Key)> {
    let mut rows = Vec::new();
    for predicate in list(rule, "predicates") {
        let (role, op, field) = (text(predicate, "role"), text(predicate, "op"), text(predicate, "field"));
        if !matches!(role, "indicator" | "exclusion") {
            continue;
        }
        let op = match op {
            "in" | "ne" | "not_in" => "eq",
            op => op,
        };
        let modifier = predicate["modifier"].as_str().map(str::to_owned);
        let is_path =
            taxonomy.find_fields(field).iter().any(|known| known.name == field && known.field_type == FieldType::Path);
        let mut add = |op: &str, value: &str| {
            let row = (role.to_owned(), (field.to_lowercase(), op.to_owned(), value.to_lowercase(), modifier.clone()));
            if !rows.contains(&row) {
                rows.push(row);
            }
        };
        if matches!(op, "is_null" | "is_not_null") {
            // An excluded presence outside of a group is the indicator of an absence, and the other way round. What
            // is exported does not say that a `not` stood before it: both are taken here.
            add("presence", "");
            continue;
        }
        for value in list(predicate, "values").iter().filter_map(Value::as_str) {
            let bare = value.strip_prefix('\\').or_else(|| value.strip_prefix('/')).unwrap_or_default();
            let is_name = !bare.is_empty() && !bare.contains('\\') && !bare.contains('/');
            if is_path && op == "ends_with" && is_name && predicate["modifier"].is_null() {
                add("basename", bare);
            } else {
                add(op, value);
            }
        }
    }
    rows
}

/// Sigma's rules only: which of another vendor's fields hold no more than the name of a path is not in the export.
fn check_folding(rules: &[Value]) {
    let taxonomy = Taxonomy::builtin();
    let rules: Vec<&Value> = rules.iter().filter(|rule| text(rule, "vendor") == "sigma").collect();
    let mut names_only = 0;
    for rule in &rules {
        let expected = folded(rule, taxonomy);
        let mut found: Vec<(String, Key)> = Vec::new();
        for row in list(rule, "indicators") {
            let mut key = key(row);
            if matches!(key.1.as_str(), "is_null" | "is_not_null") {
                "presence".clone_into(&mut key.1);
            }
            let row = (text(row, "role").to_owned(), key);
            if !found.contains(&row) {
                found.push(row);
            }
        }
        if expected != found {
            // Sigma has such fields where it takes another's log as it is.
            names_only += 1;
            let bare = |rows: &[(String, Key)]| -> Vec<(String, String, String)> {
                rows.iter().map(|(role, key)| (role.clone(), key.0.clone(), key.2.clone())).collect()
            };
            assert_eq!(bare(&expected), bare(&found), "{}", text(rule, "id"));
            let differ = expected.iter().zip(&found).filter(|(expected, found)| expected != found);
            for (expected, found) in differ {
                let plain = found.1.1.strip_prefix("basename_").or(found.1.1.strip_prefix("basename").map(|_| "eq"));
                assert_eq!(Some(expected.1.1.as_str()), plain, "{}: {found:?}", text(rule, "id"));
            }
        }
    }
    assert!(names_only * 20 <= rules.len(), "{names_only} of {} rules name only the last part of paths", rules.len());
}

#[test]
fn the_demo_corpus_recounted() {
    let place = Place::new();
    place.run(&["build", "--demo"]).ends(0);
    let rules = place.export("rules");
    let units = units(&rules);
    let mut counted = 0;
    for technique in place.export("techniques") {
        for with_sub_techniques in [true, false] {
            counted += check_technique(&place, &units, text(&technique, "technique"), with_sub_techniques);
        }
    }
    assert!(counted > 20, "{counted}");
    check_exports(&place, &units);
    check_folding(&rules);
}

/// Rules whose checks repeat each other in every way: other spellings, roles, statuses, techniques.
#[test]
fn our_rules_recounted() {
    let place = Place::with(&[]);
    let mut state = 1_u32;
    let mut one_of = |choices: &[&str]| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        choices[(state >> 16) as usize % choices.len()].to_owned()
    };
    for number in 0..150 {
        let tag = one_of(&["attack.t1059", "attack.t1059.001", "attack.t1059.003", "attack.t1105", "attack.t1685"]);
        let status = one_of(&["stable", "test", "test", "experimental", "deprecated", "unsupported"]);
        let mut check = || {
            let field =
                one_of(&["Image|endswith", "Image", "image|contains", "User", "CommandLine|contains", "Own", "own"]);
            let values = [
                one_of(&["'\\cmd.exe'", "'\\CMD.exe'", "cmd.exe", "'*\\sh'"]),
                one_of(&["a", "A", "null", "'*'", "b*c"]),
            ];
            format!("{field}: [{}]", values.join(", "))
        };
        let (first, second, third, fourth) = (check(), check(), check(), check());
        let condition =
            one_of(&["one and not two", "one and not three", "one or two", "not one and not (two and three)"]);
        let detection = format!(
            "one:\n  {first}\ntwo:\n  {second}\nthree:\n  {third}\n  Extra|re: x\nfour:\n  {fourth}\ncondition: {condition} and four"
        );
        let folder = one_of(&["", "", "", "deprecated/"]);
        place.write(
            &format!("sigma/{folder}{number}.yml"),
            support::rule(&format!("r{number}"), &[&tag], &status, &detection),
        );
    }
    place.build().ends(0);
    let rules = place.export("rules");
    let units = units(&rules);
    assert_eq!(rules.len(), 150);
    assert!(rules.iter().filter(|rule| is_counted(rule)).count() < 120);
    for technique in ["T1059", "T1059.001", "T1059.003", "T1105", "T1562", "T1562.001"] {
        for with_sub_techniques in [true, false] {
            check_technique(&place, &units, technique, with_sub_techniques);
        }
    }
    check_exports(&place, &units);
    check_folding(&rules);
}

#[test]
fn the_real_corpora_recounted() {
    let Some(corpora) = corpora() else { return };
    let place = Place::new();
    let sources: Vec<String> = support::rule_corpora(&corpora).iter().map(|(kind, path)| source(kind, path)).collect();
    let mut call = vec!["build"];
    call.extend(sources.iter().flat_map(|source| ["--source", source.as_str()]));
    place.run(&call).ends(0);
    let rules = place.export("rules");
    let units = units(&rules);
    for technique in ["T1071", "T1059", "T1003.001", "T1562", "T1562.001", "T1070", "T1218", "T1095", "T1078"] {
        check_technique(&place, &units, technique, true);
        check_technique(&place, &units, technique, false);
    }
    check_exports(&place, &units);
    check_folding(&rules);
}
