//! No text makes the front ends panic, hang or answer with a place outside the text.

use std::time::Instant;

use proptest::prelude::*;
use ruleatlas_core::{BUDGET, Budget, Context, Frontend, Limits, NoContext, Parsed, Query, cases};
use ruleatlas_panther::{PantherYaml, Python, unified};

const PIECES: &[&str] = &[
    "def rule(event):\n",
    "def policy(r):\n",
    "    return ",
    "    if ",
    ":\n        ",
    "    for x in ",
    "    while ",
    "    try:\n",
    "    match ",
    "        case _:\n",
    "global G\n",
    "lambda x: ",
    "event",
    "event.get(",
    "\"a\"",
    "'b'",
    ".deep_get(",
    ".lower()",
    ".split(\"/\")[-1]",
    ".startswith((",
    "any(",
    "all(",
    "len(",
    "re.search(",
    "f\"{x}\"",
    " in ",
    " not in ",
    " == ",
    " is None",
    " and ",
    " or ",
    "not ",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ".",
    ":=",
    "=",
    "x",
    "G",
    "rule(event)",
    "1",
    "0x1f",
    "None",
    "True",
    "\n",
    "    ",
    "#",
    "\\",
    "\"\"\"",
    "é",
    "😀",
    "\u{feff}",
    "break\n",
    "continue\n",
    "import re\n",
    "from a import *\n",
    "yield ",
    "await ",
    "*",
    "**",
    "-",
    "~",
    "@",
    ";",
    "{x: x for x in y}",
];

const YAML_PIECES: &[&str] = &[
    "Detection:\n",
    "  - ",
    "Query: |\n",
    "    ",
    "Key: a\n",
    "DeepKey: [a, b]\n",
    "Condition: Equals\n",
    "Value: 1\n",
    "Values:\n",
    "All:\n",
    "OnlyOne:\n",
    "None:\n",
    "Group:\n",
    "RuleID: x\n",
    "SELECT * FROM t WHERE ",
    "a:b.c = 'x'",
    " AND ",
    " OR ",
    "NOT ",
    "IN (1, 2)",
    "LIKE '%x%'",
    "(",
    ")",
    "{{ m('t') }}",
    "{% x %}",
    "p_occurs_since(1d)",
    "--",
    "/*",
    "\n",
    "é",
    "'",
    "\"",
];

/// A checkout in which every module is the same text, and which every rule refers to.
struct Mirror(String);

impl Context for Mirror {
    fn module(&self, _name: &str) -> Option<&str> {
        Some(&self.0)
    }
}

fn check(frontend: &dyn Frontend, text: &str) -> Parsed {
    cases::places(frontend, text, &Mirror(text.to_owned()));
    cases::places(frontend, text, &NoContext)
}

const MODULE: &str = r#"import re
from helpers import known, *

NAMES = {"a": 1, "b": [2, 3]}
PATTERN = re.compile("x+", re.I)


def inner(event, key="k", *rest, **more):
    for item in event.get("items", []) or []:
        if item.get(key) != "v" and not PATTERN.search(item.get("w", "")):
            continue
        return NAMES.get(item.get("n"), 0) > 1
    return None


def rule(event):
    if (x := event.deep_get("a", "b", default="")) and x.lower().split("/")[-1] in [n.lower() for n in NAMES]:
        return inner(event)
    return all([len(event.get("l", [])) > 0, f"{x}-{event.get('y')}" == "z", known(event)]) or not inner(event, key="q")
"#;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_text_has_an_answer(text in any::<String>()) {
        check(&Python, &text);
        check(&PantherYaml, &text);
        check(&PantherYaml, &format!("Query: |\n  {}", text.replace('\n', " ")));
    }

    #[test]
    fn any_order_of_words_has_an_answer(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..60)) {
        check(&Python, &pieces.concat());
        check(&Python, &format!("def rule(event):\n    return {}\n", pieces.concat().replace('\n', " ")));
    }

    #[test]
    fn any_order_of_yaml_has_an_answer(pieces in prop::collection::vec(prop::sample::select(YAML_PIECES), 0..40)) {
        check(&PantherYaml, &pieces.concat());
        check(&PantherYaml, &format!("Query: |\n  SELECT a AS b FROM t WHERE {}", pieces.concat().replace('\n', " ")));
    }

    #[test]
    fn a_damaged_module_has_an_answer(at in any::<prop::sample::Index>(), piece in prop::sample::select(PIECES), cut in 0..12usize) {
        let at = at.index(MODULE.len());
        let (before, after) = MODULE.split_at(at);
        check(&Python, &format!("{before}{piece}{}", after.get(cut..).unwrap_or_default()));
    }
}

#[test]
fn depth_is_bounded() {
    let wrap = |open: &str, close: &str, depth: usize| {
        format!("def rule(event):\n    return {}event.get(\"a\") == 1{}\n", open.repeat(depth), close.repeat(depth))
    };
    for (open, close) in [
        ("(", ")"),
        ("not (", ")"),
        ("[", "]"),
        ("bool(", ")"),
        ("not ", ""),
        ("-", ""),
        ("lambda: ", ""),
        ("1 if 1 else ", ""),
    ] {
        for depth in [50, 1_000, 50_000] {
            check(&Python, &wrap(open, close, depth));
        }
    }
    check(&Python, &wrap("", &" or x".repeat(50_000), 1));
    check(&Python, &wrap("", &".a".repeat(50_000), 1));
    check(&Python, &wrap("", &"()".repeat(50_000), 1));
    check(&Python, &wrap("", &" + 1".repeat(50_000), 1));
    let blocks: String = (0..2_000).map(|depth| format!("{}if event:\n", " ".repeat(depth))).collect();
    check(&Python, &blocks);
    let elifs = format!(
        "def rule(event):\n    if 0:\n        pass\n{}",
        "    elif event.get(\"a\") == 1:\n        return True\n".repeat(3_000)
    );
    check(&Python, &elifs);
    let nested = format!("Query: select * from t where {}a = 1{}", "(".repeat(5_000), ")".repeat(5_000));
    check(&PantherYaml, &nested);
    let ands = format!("Query: select * from t where a = 1{}", " and a = 1".repeat(20_000));
    check(&PantherYaml, &ands);
}

#[test]
fn time_and_memory_are_bounded() {
    let started = Instant::now();
    let doubling: String = (0..64).map(|at| format!("    if event.get(\"k{at}\"):\n        x = x + x\n")).collect();
    let branches: String = (0..200)
        .map(|at| format!("    if event.get(\"a{at}\"):\n        if event.get(\"b{at}\"):\n            return True\n"))
        .collect();
    let loops = "    for a in range(200):\n        for b in range(200):\n            for c in range(200):\n                if event.get(\"a\") == c:\n                    return True\n";
    let mutual = "def a(event):\n    return b(event) or b(event)\n\n\ndef b(event):\n    return a(event) and a(event)\n\n\ndef rule(event):\n    return a(event)\n";
    let list = format!("L = [{}]\n", "\"x\", ".repeat(100_000));
    for text in [
        format!("def rule(event):\n    x = [event.get(\"v\")]\n{doubling}    return \"1\" in x\n"),
        format!("def rule(event):\n    x = 1\n{doubling}    return x > 5\n"),
        format!("def rule(event):\n{branches}    return False\n"),
        format!("def rule(event):\n{loops}    return False\n"),
        mutual.to_owned(),
        format!("{list}def rule(event):\n    return event.get(\"a\") in L\n"),
        format!("{list}def rule(event):\n    return any(x in event.get(\"a\", \"\") for x in L)\n"),
        "\"".repeat(100_000),
        "(\n".repeat(100_000),
    ] {
        let begun = Instant::now();
        let parsed = check(&Python, &text);
        println!("{:?} for {:?}", begun.elapsed(), text.chars().take(50).collect::<String>());
        let nodes: usize = parsed.conditions.iter().map(|condition| condition.root.walk().count()).sum();
        assert!(nodes < 500_000, "{nodes} nodes");
    }
    assert!(started.elapsed().as_secs() < 60, "took {:?}", started.elapsed());
}

#[test]
fn methods_of_data_models_are_alternatives() {
    let module = "def kind(event):\n    if event.get(\"a\") == 1:\n        return \"one\"\n    return event.get(\"b\", \"none\")\n";
    let found = unified(module, "kind", &NoContext).unwrap();
    assert_eq!(found.len(), 3, "{found:?}");
    assert_eq!(unified(module, "other", &NoContext), None);
}

/// A choice of one among several copies each of them: nested, it comes to more with every level.
#[test]
fn choices_in_choices_stay_within_the_budget() {
    for (levels, beside) in [(62, 1), (62, 6), (20, 3)] {
        let leaf = "{Key: a, Condition: Equals, Value: 1}";
        let list = (0..levels)
            .fold(leaf.to_owned(), |inner, _| format!("{{OnlyOne: [{}, {inner}]}}", vec![leaf; beside].join(", ")));
        for text in [format!("Detection: [{list}]\n"), format!("Detection: [{leaf}]\nInlineFilters: [{list}]\n")] {
            let mut budget = Budget::new(Limits::RULE);
            let parsed = PantherYaml.read(&Query::new(&text), &NoContext, &mut budget);
            let nodes: usize = parsed.conditions.iter().map(|condition| condition.root.walk().count()).sum();
            assert!(nodes as u64 <= 4 * Limits::RULE.nodes, "{nodes} nodes of {levels} levels");
            assert!(parsed.diagnostics.iter().any(|said| said.code == BUDGET), "{:?}", parsed.diagnostics);
        }
    }
    let few = "Detection:\n  - OnlyOne:\n    - OnlyOne: [{Key: a, Condition: Exists}, {Key: b, Condition: Exists}]\n    - {Key: c, Condition: Exists}\n";
    assert!(check(&PantherYaml, few).diagnostics.is_empty());
}

/// A test that has a name is copied wherever the name is read: what reads itself twice comes to more with every line.
#[test]
fn named_tests_stay_within_the_budget() {
    let lines: [fn(usize, usize) -> String; 8] = [
        |at, last| format!("    a{at} = a{last} and a{last}\n"),
        |at, last| format!("    a{at} = a{last} and event.get(\"y{at}\") == 1 and a{last}\n"),
        |at, last| format!("    a{at} = a{last} == a{last}\n"),
        |at, last| format!("    a{at} = event.get(\"q{at}\") if a{last} else a{last}\n"),
        |at, last| format!("    a{at} = any([a{last}, a{last}])\n"),
        |at, last| format!("    a{at} = (not a{last}) or a{last}\n"),
        |at, last| format!("    a{at} = a{last}\n    if a{last}:\n        a{at} = not a{last}\n"),
        |at, last| format!("    a{at} = (a{last} == True) & (a{last} != None)\n"),
    ];
    for line in lines {
        for count in [14, 62, 300] {
            let body: String = (1..count).map(|at| line(at, at - 1)).collect();
            let text = format!("def rule(event):\n    a0 = event.get(\"x\") == 1\n{body}    return a{}\n", count - 1);
            let mut budget = Budget::new(Limits::RULE);
            let parsed = Python.read(&Query::new(&text), &NoContext, &mut budget);
            let nodes: usize = parsed.conditions.iter().map(|condition| condition.root.walk().count()).sum();
            assert!(nodes as u64 <= 2 * Limits::RULE.nodes, "{nodes} nodes of {count} lines of {}", line(1, 0));
            let is_said =
                parsed.diagnostics.iter().any(|said| said.code == BUDGET || said.code == "too many alternatives");
            assert!(is_said || count == 14, "{count} lines of {}: {:?}", line(1, 0), parsed.diagnostics);
        }
    }
}

/// Lists that hold each other come to more with every line, and comparing two of them visits every part.
#[test]
fn lists_that_hold_each_other_stay_within_the_budget() {
    let lines: [fn(&str, usize, usize) -> String; 4] = [
        |name, at, last| format!("    {name}{at} = ({name}{last}, {name}{last})\n"),
        |name, at, last| format!("    {name}{at} = [{name}{last}] + [{name}{last}]\n"),
        |name, at, last| format!("    {name}{at} = {{\"k\": {name}{last}, \"l\": {name}{last}}}\n"),
        |name, at, last| format!("    {name}{at} = [{name}{last}, [{name}{last}, {name}{last}]]\n"),
    ];
    for line in lines {
        let body: String = (1..40).map(|at| format!("{}{}", line("a", at, at - 1), line("b", at, at - 1))).collect();
        let text = format!(
            "def rule(event):\n    a0 = [event.get(\"x\")]\n    b0 = [event.get(\"x\")]\n{body}    if event.get(\"q\"):\n        \
             z = a39\n    else:\n        z = b39\n    return z == event.get(\"w\") or a39 == b39\n"
        );
        let parsed = Python.parse(&Query::new(&text), &NoContext);
        // It ends at all, and says that the comparison is not decided.
        let is_opaque = parsed.conditions.iter().any(|step| step.root.opaques().next().is_some());
        assert!(is_opaque, "{}: {:?}", line("a", 1, 0), parsed.diagnostics);
    }
}
