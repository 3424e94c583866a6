//! What is decided of small random conditions never contradicts what the evaluator says of all small events.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail anywhere, in its helpers too")]

use proptest::prelude::*;
use ruleatlas_evaluate::{Event, Verdict, evaluate};
use ruleatlas_logic::{Relation, Sample, Statement, compare};
use ruleatlas_model::{Condition, Missing, Node, Op, Predicate, Vendor};
use ruleatlas_taxonomy::Taxonomy;
use serde_json::{Value, json};

const TEXTS: [&str; 14] = ["", "a", "b", "A", " ", "ab", "ba", "aB", "a b", "aab", "bb", "abab", "b a", "xabx"];
const PATHS: [&str; 7] =
    ["C:\\a\\ab.exe", "C:\\ab\\b.exe", "C:\\a\\b\\AB.EXE", "/a/b", "/b/ab", "C:\\b\\a", "C:\\ab.exe\\b"];
const NUMBERS: [&str; 5] = ["1", "2", "3", "4", "10.0.0.1"];

/// The events: every combination of the values, and of fields that are missing.
fn events() -> Vec<(Sample, Value)> {
    let optional = |values: &[&'static str]| -> Vec<Option<&'static str>> {
        std::iter::once(None).chain(values.iter().copied().map(Some)).collect()
    };
    let mut events = Vec::new();
    for text in optional(&TEXTS) {
        for path in optional(&PATHS) {
            for number in optional(&NUMBERS) {
                let mut sample = Sample::default();
                let mut event = json!({});
                for (field, value) in [("CommandLine", text), ("Image", path), ("dest_port", number)] {
                    let Some(value) = value else { continue };
                    sample.set(field, value);
                    event[field] = json!(value);
                }
                if let Some(path) = path {
                    event["process.name"] = json!(path.rsplit(['\\', '/']).next());
                }
                events.push((sample, event));
            }
        }
    }
    events
}

fn part() -> impl Strategy<Value = String> {
    prop_oneof![Just("a"), Just("b"), Just("ab"), Just("A"), Just("a b"), Just("bb"), Just("")].prop_map(str::to_owned)
}

fn text_check() -> impl Strategy<Value = Predicate> {
    let op = prop_oneof![
        Just(Op::Eq),
        Just(Op::Contains),
        Just(Op::StartsWith),
        Just(Op::EndsWith),
        Just(Op::Match),
        Just(Op::IsNull),
        Just(Op::IsNotNull)
    ];
    let plain = (op, prop::collection::vec(part(), 1..3));
    let pattern = prop_oneof![Just("a*b"), Just("*a?"), Just("?"), Just("a*"), Just("b*a*")];
    let regex = prop_oneof![Just("^a"), Just("b$"), Just("^(a|b)+$"), Just("a.?b"), Just("a(?!b)"), Just("\\bb")];
    prop_oneof![
        4 => plain.prop_map(|(op, values)| {
            let values = if op.is_presence() { Vec::new() } else { values };
            Predicate::new("CommandLine", op, values)
        }),
        1 => pattern.prop_map(|value| Predicate::new("CommandLine", Op::Wildcard, [value])),
        1 => regex.prop_map(|value| Predicate::new("CommandLine", Op::RegexMatch, [value])),
    ]
}

fn path_check() -> impl Strategy<Value = Predicate> {
    let whole = prop_oneof![
        Just((Op::EndsWith, "\\ab.exe")),
        Just((Op::EndsWith, "b.exe")),
        Just((Op::EndsWith, "\\a\\ab.exe")),
        Just((Op::EndsWith, "/b")),
        Just((Op::Contains, "\\a\\")),
        Just((Op::StartsWith, "C:\\a")),
        Just((Op::Eq, "C:\\a\\ab.exe")),
        Just((Op::Wildcard, "C:\\*\\b.exe")),
    ];
    let name = prop_oneof![
        Just((Op::Eq, "ab.exe")),
        Just((Op::Eq, "b")),
        Just((Op::StartsWith, "a")),
        Just((Op::EndsWith, "exe")),
        Just((Op::Contains, "b.")),
        Just((Op::Wildcard, "?b*")),
    ];
    prop_oneof![
        whole.prop_map(|(op, value)| Predicate::new("Image", op, [value])),
        name.prop_map(|(op, value)| Predicate::new("process.name", op, [value])),
    ]
}

fn number_check() -> impl Strategy<Value = Predicate> {
    let op = prop_oneof![Just(Op::Lt), Just(Op::Lte), Just(Op::Gt), Just(Op::Gte), Just(Op::Eq)];
    prop_oneof![
        (op, 1..5_i32).prop_map(|(op, value)| Predicate::new("dest_port", op, [value.to_string()])),
        Just(Predicate::new("dest_port", Op::CidrMatch, ["10.0.0.0/8"])),
    ]
}

fn leaf() -> impl Strategy<Value = Node> {
    let missing = prop_oneof![Just(Missing::Fails), Just(Missing::Holds), Just(Missing::Null)];
    let check = prop_oneof![text_check(), path_check(), number_check()];
    (check, missing, prop::bool::weighted(0.2), prop::bool::weighted(0.2)).prop_map(
        |(check, missing, negated, case_sensitive)| Node::from(Predicate { missing, negated, case_sensitive, ..check }),
    )
}

fn condition() -> impl Strategy<Value = Node> {
    leaf().prop_recursive(3, 10, 3, |inner| {
        prop_oneof![
            3 => prop::collection::vec(inner.clone(), 1..4).prop_map(Node::All),
            2 => prop::collection::vec(inner.clone(), 1..4).prop_map(Node::Any),
            1 => inner.prop_map(|node| Node::Not(Box::new(node))),
        ]
    })
}

/// A second condition that has to do with the first: a part of it, it and more, or another.
fn pair() -> impl Strategy<Value = (Node, Node)> {
    (condition(), condition(), 0..4).prop_map(|(one, two, how)| {
        let other = match how {
            0 => Node::All(vec![one.clone(), two]),
            1 => Node::Any(vec![two, one.clone()]),
            2 => Node::Not(Box::new(Node::All(vec![one.clone(), two]))),
            _ => two,
        };
        (one, other)
    })
}

// `process.name` is Elastic's name for the end of `Image`, which Sigma has: both are read as one vendor's.
fn statement(node: &Node) -> Statement {
    Statement::new(Vendor::Elastic, &Condition::new(node.clone()), Taxonomy::builtin())
}

fn holds(node: &Node, event: &Value) -> bool {
    evaluate(node, &Event::new(event)) == Verdict::Holds
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn what_is_decided_is_so((one, two) in pair()) {
        let (here, there) = (statement(&one), statement(&two));
        let found = compare(&here, &there);
        let events = events();
        let (mut only_here, mut only_there, mut both) = (None, None, None);
        for (sample, event) in &events {
            match (holds(&one, event), holds(&two, event)) {
                (true, true) => both = Some(sample),
                (true, false) => only_here = Some(sample),
                (false, true) => only_there = Some(sample),
                (false, false) => {}
            }
        }
        match found.relation {
            Relation::Same => prop_assert!(only_here.is_none() && only_there.is_none(), "{only_here:?} {only_there:?}"),
            Relation::Narrower => prop_assert!(only_here.is_none(), "{only_here:?}"),
            Relation::Wider => prop_assert!(only_there.is_none(), "{only_there:?}"),
            Relation::Disjoint => prop_assert!(both.is_none(), "{both:?}"),
            Relation::Overlapping | Relation::Undecided(_) => {}
        }
        // A witness is one for the evaluator, under the names of the query.
        let says = |sample: &Sample| (holds(&one, &here.event(sample)), holds(&two, &there.event(sample)));
        for (sample, expected) in
            [(&found.only_here, (true, false)), (&found.only_there, (false, true)), (&found.both, (true, true))]
        {
            if let Some(sample) = sample {
                prop_assert_eq!(says(sample), expected, "{:?}", sample);
            }
        }
        // The other way round says the same, where it is decided.
        let mirrored = match found.relation {
            Relation::Narrower => Relation::Wider,
            Relation::Wider => Relation::Narrower,
            same => same,
        };
        let other_way = compare(&there, &here).relation;
        if ![mirrored, other_way].iter().any(|relation| matches!(relation, Relation::Undecided(_))) {
            prop_assert_eq!(other_way, mirrored);
        }
        if here.never_holds().is_found() {
            prop_assert!(both.is_none() && only_here.is_none());
        }
        if here.always_holds().is_found() {
            prop_assert!(events.iter().all(|(_, event)| holds(&one, event)));
        }
    }

    #[test]
    fn a_condition_is_the_same_as_itself_and_wider_than_it_and_more(one in condition(), two in leaf()) {
        let here = statement(&one);
        let relation = compare(&here, &here).relation;
        prop_assert!(matches!(relation, Relation::Same | Relation::Undecided(_)), "{relation:?}");
        let more = statement(&Node::All(vec![one, two]));
        let relation = compare(&more, &here).relation;
        prop_assert!(matches!(relation, Relation::Same | Relation::Narrower | Relation::Undecided(_)), "{relation:?}");
    }
}
