//! What each operator, modifier and missing field means, a line a case.

#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

use ruleatlas_evaluate::{Event, Verdict, evaluate};
use ruleatlas_model::{Missing, Node, Op, Predicate};
use serde_json::{Value, json};

/// Collects every line that is not as expected, so that one run shows all.
#[derive(Default)]
struct Faults(Vec<String>);

impl Faults {
    fn check(&mut self, predicate: &Predicate, event: &Value, expected: &str) {
        let found = evaluate(&Node::from(predicate.clone()), &Event::new(event));
        if found.as_str() != expected {
            let Predicate { raw_field, values, modifiers, .. } = predicate;
            let op = predicate.written_op();
            self.0.push(format!("{raw_field} {op} {values:?} {modifiers:?} on {event}: {found}, not {expected}"));
        }
    }
}

impl Drop for Faults {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert!(self.0.is_empty(), "\n{}", self.0.join("\n"));
        }
    }
}

fn cased(mut predicate: Predicate) -> Predicate {
    predicate.case_sensitive = true;
    predicate
}

fn modified(field: &str, op: Op, value: &str, modifier: &str) -> Predicate {
    let mut predicate = Predicate::new(field, op, [value]);
    predicate.modifiers = modifier.parse().unwrap();
    predicate
}

#[test]
fn operators_compare_a_value_with_a_literal() {
    let mut faults = Faults::default();
    #[rustfmt::skip]
    let table = [
        (Op::Eq, "svchost.exe", json!("SVCHOST.exe"), "holds"),
        (Op::Eq, "ΟΔΟΣ", json!("οδοσ"), "holds"),
        (Op::Eq, "svchost.exe", json!("svchost.exe "), "fails"),
        (Op::Eq, "", json!(""), "holds"),
        (Op::Eq, "4688", json!(4688), "holds"),
        (Op::Eq, "4688", json!("4688"), "holds"),
        (Op::Eq, "4688.0", json!(4688), "holds"),
        (Op::Eq, "0x1410", json!(5136), "holds"),
        (Op::Eq, "5136", json!("0x1410"), "holds"),
        (Op::Eq, "0X1410", json!("0x1410"), "holds"),
        (Op::Eq, "1.1", json!("1.10"), "fails"),
        (Op::Eq, "7", json!("007"), "fails"),
        (Op::Eq, "18446744073709551615", json!(u64::MAX), "holds"),
        (Op::Eq, "18446744073709551614", json!(u64::MAX), "fails"),
        (Op::Eq, "True", json!(true), "holds"),
        (Op::Eq, "false", json!(true), "fails"),
        (Op::Eq, "1", json!(true), "fails"),
        (Op::Eq, "nan", json!(0), "fails"),
        (Op::Contains, "SHADOW", json!("vssadmin delete shadows"), "holds"),
        (Op::Contains, "shadow copy", json!("vssadmin delete shadows"), "fails"),
        (Op::Contains, "88", json!(4688), "holds"),
        (Op::StartsWith, "C:\\users\\", json!("c:\\Users\\Public\\a.exe"), "holds"),
        (Op::StartsWith, "users", json!("c:\\Users"), "fails"),
        (Op::EndsWith, "\\CMD.EXE", json!("C:\\Windows\\System32\\cmd.exe"), "holds"),
        (Op::EndsWith, "cmd", json!("cmd.exe"), "fails"),
        (Op::Wildcard, "*\\temp\\*.ex?", json!("C:\\Temp\\deep\\er.exe"), "holds"),
        (Op::Wildcard, "*\\temp\\*.ex?", json!("C:\\Temp\\deep\\er.ex"), "fails"),
        (Op::Wildcard, "a[*]b*", json!("a*bc"), "holds"),
        (Op::Wildcard, "a[*]b*", json!("axbc"), "fails"),
        (Op::Wildcard, "what[?]*x", json!("what? x"), "holds"),
        (Op::Wildcard, "İ?*", json!("İx"), "holds"),
        (Op::Eq, "ΣΑΣ", json!("σας"), "holds"),
        (Op::In, "σας", json!("ΣΑΣ"), "holds"),
        (Op::Eq, "İ", json!("i\u{307}"), "holds"),
        (Op::Eq, "ı", json!("I"), "fails"),
        (Op::Contains, "STRASSE", json!("x:\\Straße\\y"), "holds"),
        (Op::StartsWith, "ﬁle", json!("FILES"), "holds"),
        (Op::EndsWith, "ς", json!("ΟΔΟΣ"), "holds"),
        (Op::Match, "ΑΣ", json!("πας ΑΣ x"), "holds"),
        (Op::Wildcard, "*STRASSE?x", json!("a straße\\X"), "holds"),
        (Op::Wildcard, "x?y", json!("XßY"), "holds"),
        (Op::Wildcard, "x??y", json!("XßY"), "fails"),
        (Op::Wildcard, "x?*y", json!("XßY"), "holds"),
        (Op::Wildcard, "ΣΑ?", json!("σας"), "holds"),
        (Op::RegexMatch, "(^|\\\\)WHOAMI\\.exe$", json!("C:\\whoami.exe"), "holds"),
        (Op::RegexMatch, "whoami", json!("who am i"), "fails"),
        (Op::RegexMatch, "x(?=y)", json!("xy"), "unknown"),
        (Op::RegexMatch, "(a)\\1", json!("aa"), "unknown"),
        (Op::RegexMatch, "(", json!("("), "unknown"),
        (Op::RegexMatch, "\\w{1000}{1000}", json!("a"), "unknown"),
        (Op::CidrMatch, "10.0.0.0/8", json!("10.200.3.4"), "holds"),
        (Op::CidrMatch, "10.1.2.3/8", json!("10.200.3.4"), "holds"),
        (Op::CidrMatch, "10.0.0.0/8", json!("11.0.0.1"), "fails"),
        (Op::CidrMatch, "10.0.0.0/8", json!("::ffff:10.0.0.1"), "holds"),
        (Op::CidrMatch, "192.168.1.1", json!("192.168.1.1"), "holds"),
        (Op::CidrMatch, "192.168.1.1", json!("192.168.1.2"), "fails"),
        (Op::CidrMatch, "0.0.0.0/0", json!("8.8.8.8"), "holds"),
        (Op::CidrMatch, "0.0.0.0/0", json!("2001:db8::1"), "fails"),
        (Op::CidrMatch, "::/0", json!("2001:db8::1"), "holds"),
        (Op::CidrMatch, "fe80::/10", json!("FE80::1%eth0"), "holds"),
        (Op::CidrMatch, "2001:db8::/32", json!("2001:db9::"), "fails"),
        (Op::CidrMatch, "10.0.0.0/8", json!("localhost"), "fails"),
        (Op::CidrMatch, "10.0.0.0/33", json!("10.0.0.1"), "unknown"),
        (Op::CidrMatch, "10.*", json!("10.0.0.1"), "unknown"),
        (Op::Lt, "9", json!(10), "fails"),
        (Op::Lt, "9", json!("10"), "fails"),
        (Op::Gt, "9", json!("10"), "holds"),
        (Op::Gte, "1024", json!(1024), "holds"),
        (Op::Gt, "0x400", json!("1025"), "holds"),
        (Op::Lte, "1.5", json!(1.5), "holds"),
        (Op::Lt, "2024-06-01", json!("2024-05-31T23:59:59Z"), "holds"),
        (Op::Gte, "b", json!("Abc"), "fails"),
        (Op::Gt, "5", json!("abc"), "fails"),
        (Op::Lt, "5", json!("-"), "fails"),
        (Op::Lt, "5", json!("1,000"), "fails"),
        (Op::Lte, "5", json!(""), "fails"),
        (Op::Gte, "5", json!("5 MB"), "fails"),
        (Op::Lt, "5", json!([4, "abc"]), "holds"),
        (Op::Match, "mimikatz", json!("run Mimikatz.exe now"), "holds"),
        (Op::Match, "katz", json!("run mimikatz.exe now"), "fails"),
        (Op::Match, "net user", json!("cmd /c net user x"), "holds"),
        (Op::Match, "net use", json!("cmd /c net user x"), "fails"),
        (Op::Match, "net use", json!("net user; net use z:"), "holds"),
        (Op::Match, "-enc", json!("powershell-enc x"), "holds"),
        (Op::Match, "", json!("x"), "holds"),
        (Op::Match, "mimi*.exe", json!("run mimikatz.exe now"), "holds"),
        (Op::InList, "admins", json!("ada"), "unknown"),
        (Op::IsNull, "", json!(""), "fails"),
        (Op::IsNotNull, "", json!(""), "holds"),
    ];
    for (op, value, json, expected) in table {
        faults.check(&Predicate::new("f", op, [value]), &json!({ "f": json }), expected);
    }
}

#[test]
fn case_counts_where_the_language_says_so() {
    let mut faults = Faults::default();
    for (op, value, text, expected) in [
        (Op::Eq, "Admin", "admin", "fails"),
        (Op::In, "Admin", "Admin", "holds"),
        (Op::Contains, "min", "ADMIN", "fails"),
        (Op::StartsWith, "Ad", "ADMIN", "fails"),
        (Op::EndsWith, "IN", "ADMIN", "holds"),
        (Op::Wildcard, "A*n", "ADMIN", "fails"),
        (Op::Match, "ADMIN", "the ADMIN", "holds"),
        (Op::Match, "admin", "the ADMIN", "fails"),
        (Op::RegexMatch, "^[^A-Z]+$", "ADMIN", "fails"),
        (Op::RegexMatch, "(?i)admin", "ADMIN", "holds"),
        (Op::Lt, "a", "B", "holds"),
    ] {
        faults.check(&cased(Predicate::new("f", op, [value])), &json!({ "f": text }), expected);
    }
    faults.check(&cased(Predicate::new("f", Op::Eq, ["True"])), &json!({ "f": true }), "holds");
    faults.check(&Predicate::new("f", Op::RegexMatch, ["[^A-Z]"]), &json!({ "f": "ADMIN" }), "fails");
}

#[test]
fn values_are_alternatives() {
    let mut faults = Faults::default();
    let mut known = Predicate::new("f", Op::In, ["a", "b"]);
    faults.check(&known, &json!({ "f": "B" }), "holds");
    faults.check(&known, &json!({ "f": "c" }), "fails");
    known.negated = true;
    faults.check(&known, &json!({ "f": "c" }), "holds");
    faults.check(&known, &json!({ "f": ["c", "a"] }), "fails");
    faults.check(&Predicate::new("f", Op::Eq, [""; 0]), &json!({ "f": "c" }), "fails");
    let half_known = Predicate::new("f", Op::RegexMatch, ["^a", "(?=b)"]);
    faults.check(&half_known, &json!({ "f": "ab" }), "holds");
    faults.check(&half_known, &json!({ "f": "b" }), "unknown");
}

#[test]
fn a_missing_field_is_what_the_language_says() {
    let mut faults = Faults::default();
    for (missing, expected, under_not) in
        [(Missing::Fails, "fails", "holds"), (Missing::Holds, "holds", "fails"), (Missing::Null, "fails", "fails")]
    {
        for op in [Op::Eq, Op::Contains, Op::RegexMatch, Op::InList, Op::Lt, Op::FieldRef] {
            for negated in [false, true] {
                let mut predicate = Predicate::new("f", op, ["g"]);
                (predicate.negated, predicate.missing) = (negated, missing);
                for event in [json!({ "g": 1 }), json!({ "f": null, "g": 1 }), json!({ "f": [], "g": 1 })] {
                    faults.check(&predicate, &event, expected);
                    let not = Node::Not(Box::new(predicate.clone().into()));
                    assert_eq!(evaluate(&not, &Event::new(&event)).as_str(), under_not, "{predicate:?} {event}");
                }
            }
        }
        for (op, event, expected) in [
            (Op::IsNull, json!({}), "holds"),
            (Op::IsNull, json!({ "f": null }), "holds"),
            (Op::IsNull, json!({ "f": "" }), "fails"),
            (Op::IsNotNull, json!({ "f": { "g": 1 } }), "holds"),
            (Op::IsNotNull, json!({ "f": [null] }), "fails"),
        ] {
            let mut predicate = Predicate::new("f", op, [""; 0]);
            predicate.missing = missing;
            faults.check(&predicate, &event, expected);
            predicate.negated = true;
            faults.check(&predicate, &event, if expected == "holds" { "fails" } else { "holds" });
        }
    }
}

#[test]
fn null_is_beaten_by_unknown_and_by_what_decides() {
    let mut null = Predicate::new("missing", Op::Eq, ["x"]);
    null.missing = Missing::Null;
    let null = Node::from(null);
    let holds = Node::from(Predicate::new("f", Op::Eq, ["x"]));
    let fails = Node::from(Predicate::new("f", Op::Eq, ["y"]));
    let unknown = Node::opaque("`m`", "macro is not defined", ruleatlas_model::Span::new(3, 6));
    let json = json!({ "f": "x" });
    let event = Event::new(&json);
    let word = |node: Node| evaluate(&node, &event).as_str();
    let all = |nodes: &[&Node]| Node::All(nodes.iter().map(|node| (*node).clone()).collect());
    let any = |nodes: &[&Node]| Node::Any(nodes.iter().map(|node| (*node).clone()).collect());
    let not = |node: Node| Node::Not(Box::new(node));
    assert_eq!(word(all(&[&null, &unknown])), "unknown");
    assert_eq!(word(all(&[&unknown, &null])), "unknown");
    assert_eq!(word(any(&[&unknown, &null])), "unknown");
    assert_eq!(word(all(&[&unknown, &null, &fails])), "fails");
    assert_eq!(word(not(all(&[&unknown, &null, &fails]))), "holds");
    assert_eq!(word(not(all(&[&null, &holds]))), "fails");
    assert_eq!(word(any(&[&null, &unknown])), "unknown");
    assert_eq!(word(any(&[&null, &unknown, &holds])), "holds");
    assert_eq!(word(not(any(&[&null, &fails]))), "fails");
    assert_eq!(word(any(&[])), "fails");
    assert_eq!(word(all(&[])), "holds");

    let Verdict::Unknown(reasons) = evaluate(&all(&[&unknown, &holds, &unknown]), &event) else { panic!("known") };
    assert_eq!(reasons.len(), 1);
    assert_eq!(reasons[0].to_string(), "macro is not defined (`m`)");
    assert_eq!(reasons[0].span, ruleatlas_model::Span::new(3, 6));
}

#[test]
fn a_field_is_found_by_its_exact_name() {
    let mut faults = Faults::default();
    #[rustfmt::skip]
    let table = [
        ("process.name", json!({ "process": { "name": "v" } }), "holds"),
        ("process.name", json!({ "process.name": "v" }), "holds"),
        ("PROCESS.Name", json!({ "process": { "name": "v" } }), "holds"),
        ("Image", json!({ "image": "v", "IMAGE": "w" }), "holds"),
        ("image", json!({ "IMAGE": "v", "image": "w" }), "fails"),
        ("Image", json!({ "Event": { "EventData": { "Image": "v" } } }), "fails"),
        ("name", json!({ "process": { "name": "v" } }), "fails"),
        ("process", json!({ "process": { "name": "v" } }), "fails"),
        ("a.b.c", json!({ "a": { "b.c": "v" } }), "holds"),
        ("a.b.c", json!({ "a.b": { "c": "v" } }), "holds"),
        ("a.b.c", json!({ "a": { "b": { "c": "v" } } }), "holds"),
        ("f", json!({ "f": ["u", "v"] }), "holds"),
        ("f", json!({ "f": [["u"], [["v"]]] }), "holds"),
        ("a.items.name", json!({ "a": { "items": [{ "name": "u" }, { "name": ["x", "v"] }] } }), "holds"),
        ("a.items{}.name", json!({ "a": { "items": [{ "name": "u" }, { "name": "v" }] } }), "holds"),
        ("a.items[].name{}", json!({ "a": { "items": [{ "name": "u" }, { "name": ["x", "v"] }] } }), "holds"),
        ("a.items[1].name", json!({ "a": { "items": [{ "name": "u" }, { "name": "v" }] } }), "holds"),
        ("a.items[0].name", json!({ "a": { "items": [{ "name": "u" }, { "name": "v" }] } }), "fails"),
        ("a.items[1].name[0]", json!({ "a": { "items": [{ "name": "u" }, { "name": ["v", "x"] }] } }), "holds"),
        ("a.items[1].name[1]", json!({ "a": { "items": [{ "name": "u" }, { "name": ["v", "x"] }] } }), "fails"),
        ("A.Items[1].Name", json!({ "a": { "items": [{ "name": "u" }, { "name": "v" }] } }), "holds"),
        ("a[0]", json!({ "a[0]": "v" }), "holds"),
        ("a[", json!({ "a[": "v" }), "holds"),
        ("a{x}", json!({ "a{x}": "v" }), "holds"),
        ("", json!({ "a": { "b": ["x", { "c": "v" }] } }), "holds"),
        ("", json!({ "v": { "v": "x" } }), "fails"),
        ("", json!({}), "fails"),
        ("", json!("v"), "holds"),
    ];
    for (field, event, expected) in table {
        faults.check(&Predicate::new(field, Op::Eq, ["v"]), &event, expected);
    }
    // An object is its JSON to who asks for its text, and a keyword finds what is in it once.
    let event = json!({ "f": { "k": "vssadmin delete" } });
    faults.check(&Predicate::new("f", Op::Contains, ["\"k\":\"vssadmin"]), &event, "holds");
    faults.check(&Predicate::new("", Op::Match, ["\"k\""]), &event, "fails");
    faults.check(&Predicate::new("", Op::Match, ["MIN del"]), &event, "holds");
    faults.check(&Predicate::new("", Op::Match, ["vss?dmin*del"]), &event, "holds");
    faults.check(&Predicate::new("", Op::Match, ["vss[?]dmin"]), &event, "fails");
}

#[test]
fn a_field_compares_with_another_field() {
    let mut faults = Faults::default();
    let equal = Predicate::new("a", Op::FieldRef, ["b"]);
    faults.check(&equal, &json!({ "a": "X", "b": "x" }), "holds");
    faults.check(&equal, &json!({ "a": 1.0, "b": 1 }), "holds");
    faults.check(&equal, &json!({ "a": ["x", "y"], "b": ["z", "y"] }), "holds");
    faults.check(&equal, &json!({ "a": "x", "b": "y" }), "fails");
    faults.check(&equal, &json!({ "a": "x" }), "fails");
    faults.check(&equal, &json!({}), "fails");
    faults.check(&modified("a", Op::FieldRef, "b", "startswith"), &json!({ "a": "xyz", "b": "XY" }), "holds");
    faults.check(&modified("a", Op::FieldRef, "b", "endswith"), &json!({ "a": "xyz", "b": "XY" }), "fails");
    faults.check(&modified("a", Op::FieldRef, "b", "contains"), &json!({ "a": "xyz", "b": "y" }), "holds");
    let mut differs = equal.clone();
    (differs.negated, differs.missing) = (true, Missing::Holds);
    faults.check(&differs, &json!({ "a": "x", "b": "y" }), "holds");
    faults.check(&differs, &json!({ "a": "x" }), "holds");
    faults.check(&differs, &json!({ "b": "x" }), "holds");
    faults.check(&differs, &json!({}), "fails");
    differs.missing = Missing::Null;
    faults.check(&differs, &json!({ "a": "x" }), "fails");
    faults.check(&equal, &json!({ "a": vec!["x"; 2000], "b": vec!["y"; 2000] }), "unknown");
}

#[test]
fn modifiers_transform_the_value() {
    let mut faults = Faults::default();
    // The encodings of `http://` and `cmd` are what `base64` and `iconv` print.
    #[rustfmt::skip]
    let table = [
        (Op::Contains, " -enc ", "windash", " /ENC x", "holds"),
        (Op::Contains, " /enc ", "windash", " \u{2013}enc x", "holds"),
        (Op::Contains, " -enc ", "windash", " \u{2015}enc x", "holds"),
        (Op::Contains, " -enc ", "windash", " +enc x", "fails"),
        (Op::Contains, " -no-exit", "windash", " /no-exit", "holds"),
        (Op::Contains, " -no-exit", "windash", " /no/exit", "fails"),
        (Op::Contains, "--dump", "windash", "-/dump", "holds"),
        (Op::Contains, "--dump", "windash", "//dump", "fails"),
        (Op::EndsWith, " -s", "windash", "sc /s", "holds"),
        (Op::EndsWith, " -s", "windash", "sc /s ", "fails"),
        (Op::StartsWith, "-s", "windash", "/s x", "holds"),
        (Op::Eq, "-s", "windash", "/S", "holds"),
        (Op::Eq, "-s", "windash", "/Sx", "fails"),
        (Op::Wildcard, "* -a * -b", "windash", "x /a \u{2014} -b", "holds"),
        (Op::Eq, "http://", "base64", "aHR0cDovLw==", "holds"),
        (Op::Contains, "http://", "base64offset", "xxaHR0cDovLyyy", "holds"),
        (Op::Contains, "http://", "base64offset", "IGh0dHA6Ly94", "holds"),
        (Op::Contains, "http://", "base64offset", "ICBodHRwOi8veA==", "holds"),
        (Op::Contains, "http://", "base64offset", "ICBodHRwOi8", "fails"),
        (Op::Contains, "http://", "base64offset", "aHR0cHM6Ly8=", "fails"),
        (Op::Eq, "cmd", "utf16le|base64", "YwBtAGQA", "holds"),
        (Op::Eq, "cmd", "utf16le|base64", "YwBtAGQA", "holds"),
        (Op::Eq, "cmd", "utf16be|base64", "AGMAbQBk", "holds"),
        (Op::Eq, "cmd", "utf16|base64", "//5jAG0AZAA=", "holds"),
        (Op::Contains, "cmd", "utf16le|base64offset", "eHhjAG0AZAAgAA==", "holds"),
        (Op::Contains, "cmd", "utf16le|base64offset", "eABjAG0AZAAgAA==", "holds"),
        (Op::Contains, "cmd", "utf16le|base64offset", "eHgAYwBtAGQ=", "fails"),
        (Op::Eq, "cmd", "utf16le", "c\0m\0d\0", "holds"),
        (Op::Eq, "cmd", "utf16", "cmd", "unknown"),
        (Op::Eq, "%admins%", "expand", "ada", "unknown"),
        (Op::Contains, "%admins%", "expand", "ada", "unknown"),
        (Op::Eq, "x", "fuzzy", "x", "unknown"),
        (Op::RegexMatch, "-x", "windash", "-x", "unknown"),
        (Op::RegexMatch, "^b$", "m", "a\nb\nc", "holds"),
        (Op::RegexMatch, "^a.b$", "s", "a\nb", "holds"),
        (Op::RegexMatch, "^a.b$", "m", "a\nb", "fails"),
        (Op::RegexMatch, "a|b.", "anchored", "bc", "holds"),
        (Op::RegexMatch, "a|b.", "anchored", "bcd", "fails"),
        (Op::RegexMatch, "a|b.", "m|anchored", "a\nbc", "fails"),
        (Op::RegexMatch, "a|b.", "anchored_start", "bcd", "holds"),
        (Op::RegexMatch, "a|b.", "anchored_start", "xbc", "fails"),
        (Op::RegexMatch, "a|b.", "m|anchored_start", "x\nbc", "fails"),
        (Op::Match, "mimi", "prefix", "run mimikatz", "holds"),
        (Op::Match, "katz", "prefix", "run mimikatz", "fails"),
        (Op::Match, "katz", "suffix", "run mimikatz now", "holds"),
        (Op::Match, "mimi", "suffix", "run mimikatz now", "fails"),
    ];
    for (op, value, modifier, text, expected) in table {
        faults.check(&modified("f", op, value, modifier), &json!({ "f": text }), expected);
    }
}

#[test]
fn what_is_computed_or_cut_out_is_unknown_unless_the_event_has_it() {
    let mut faults = Faults::default();
    let mut computed = Predicate::new("len(f)", Op::Gt, ["5"]);
    computed.computed = true;
    faults.check(&computed, &json!({ "f": "longer than five" }), "unknown");
    let mut cut_out = Predicate::new("host", Op::Eq, ["example.org"]);
    cut_out.derived_from = Some("url".to_owned());
    faults.check(&cut_out, &json!({ "url": "https://example.org" }), "unknown");
    faults.check(&cut_out, &json!({ "url": "https://example.org", "host": "example.org" }), "holds");
    faults.check(&cut_out, &json!({ "dns": "example.org" }), "fails");
}

/// A text that is no number is neither below nor above a number, and null where the language says so of a missing
/// field; SPL's `where` compares the texts.
#[test]
fn an_order_needs_two_numbers() {
    let mut faults = Faults::default();
    let less = Predicate::new("n", Op::Lt, ["5"]);
    let null = Predicate { missing: Missing::Null, ..less.clone() };
    let spl = Predicate { text_order: true, ..null.clone() };
    for text in ["abc", "-", "1,000", "", "NaN"] {
        let event = json!({ "n": text });
        faults.check(&less, &event, "fails");
        faults.check(&null, &event, "fails");
        let verdict = |predicate: &Predicate| {
            evaluate(&Node::from(predicate.clone()).not(), &Event::new(&event)).as_str().to_owned()
        };
        assert_eq!(verdict(&less), "holds", "not (n < 5) of {text:?}, where false");
        assert_eq!(verdict(&null), "fails", "not (n < 5) of {text:?}, where null");
    }
    faults.check(&spl, &json!({ "n": "-" }), "holds");
    faults.check(&spl, &json!({ "n": "abc" }), "fails");
    faults.check(&spl, &json!({ "n": "10" }), "fails");
}

/// A path behind a text's name asks what the JSON in the text says.
#[test]
fn a_text_that_holds_json_is_looked_into() {
    let mut faults = Faults::default();
    let eq = |field: &str, value: &str| Predicate::new(field, Op::Eq, [value]);
    let inner = json!({ "PipeName": "\\probe", "Size": 5, "Null": null, "a.b": 1, "Deep": { "List": [{ "k": "x" }, { "k": "y" }] } });
    let event = json!({ "F": inner.to_string(), "Twice": json!(inner.to_string()).to_string(), "Plain": "probe" });
    #[rustfmt::skip]
    let table = [
        ("F.PipeName", "\\probe", "holds"),
        ("f.pipename", "\\PROBE", "holds"),
        ("F.PipeName", "other", "fails"),
        ("F.Size", "5", "holds"),
        ("F.a.b", "1", "holds"),
        ("F.Deep.List[1].k", "y", "holds"),
        ("F.Deep.List[0].k", "y", "fails"),
        ("F.Deep.List{}.k", "y", "holds"),
        ("F.Deep.List.k", "y", "holds"),
        ("F.Null", "x", "fails"),
        ("F.PipeName.x", "x", "fails"),
        ("Twice.PipeName", "\\probe", "holds"),
        ("Plain.PipeName", "probe", "fails"),
        ("F..PipeName", "\\probe", "fails"),
        ("F.", "x", "fails"),
    ];
    for (field, value, expected) in table {
        faults.check(&eq(field, value), &event, expected);
    }
    // JSON in a text in JSON in a text; an array that is the whole of a text.
    let list = json!([{ "name": "Role", "value": "Admin" }, { "name": "Other" }]).to_string();
    let event = json!({
        "Targets": json!([{ "modified": list, "id": 7 }]).to_string(),
        "Real": [{ "modified": list }],
        "Names": json!(["a", "b"]).to_string(),
        "broken": "{\"a\": ",
        "scalar": "\"a\"",
    });
    #[rustfmt::skip]
    let table = [
        ("Targets[0].modified[0].value", "Admin", "holds"),
        ("Targets[0].modified[1].value", "Admin", "fails"),
        ("Targets.modified.name", "Other", "holds"),
        ("Real[0].modified[0].name", "Role", "holds"),
        ("Real.modified[1].name", "Role", "fails"),
        ("Names[1]", "b", "holds"),
        ("Names[0]", "b", "fails"),
        ("broken.a", "1", "fails"),
        ("scalar.a", "a", "fails"),
    ];
    for (field, value, expected) in table {
        faults.check(&eq(field, value), &event, expected);
    }
    let absent = Predicate::new("broken.a", Op::IsNull, [""; 0]);
    faults.check(&absent, &event, "holds");
    // The event's own field counts where it has one.
    let event = json!({ "F": "{\"a\": 1}", "F.a": 2 });
    faults.check(&eq("F.a", "2"), &event, "holds");
    faults.check(&eq("F.a", "1"), &event, "fails");
}

#[test]
fn a_text_that_holds_json_is_read_within_bounds() {
    let mut faults = Faults::default();
    let path = |depth: usize| format!("F{}.a", ".b".repeat(depth));
    let nested = |depth: usize| format!("{}{{\"a\":1}}{}", "{\"b\":".repeat(depth), "}".repeat(depth));
    faults.check(&Predicate::new(path(10), Op::Eq, ["1"]), &json!({ "F": nested(10) }), "holds");
    faults.check(&Predicate::new(path(100), Op::Eq, ["1"]), &json!({ "F": nested(100) }), "fails");
    faults.check(&Predicate::new(path(100_000), Op::Eq, ["1"]), &json!({ "F": nested(100_000) }), "fails");
    let long = format!("{{\"a\":1,\"b\":\"{}\"}}", "x".repeat(1 << 21));
    faults.check(&Predicate::new("F.a", Op::Eq, ["1"]), &json!({ "F": long }), "fails");
    let mut wrapped = json!({ "a": 1 }).to_string();
    for _ in 0..12 {
        wrapped = json!({ "F": wrapped }).to_string();
    }
    let event = json!({ "F": wrapped });
    faults.check(&Predicate::new(format!("{}.a", ["F"; 13].join(".")), Op::Eq, ["1"]), &event, "holds");
    faults.check(&Predicate::new(["F"; 400].join("."), Op::Eq, ["1"]), &event, "fails");
}
