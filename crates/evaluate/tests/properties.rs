//! What holds for every condition and every event.

#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

use base64::{Engine as _, engine::general_purpose::STANDARD};
use proptest::prelude::*;
use ruleatlas_core::{Pattern, Piece, normal_form};
use ruleatlas_evaluate::{
    Carried, Compiled, CompiledRule, Event, KnownField, Outcome, RuleSetBuilder, Verdict, evaluate, evaluate_normal,
    evaluate_rule, verdict_str,
};
use ruleatlas_model::{Condition, Missing, Modifier, Node, Op, Predicate, Span};
use serde_json::{Value, json};

fn field() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "a.b", "A.a", "b{}.a", "b[0]", "", "c"]).prop_map(str::to_owned)
}

fn literal() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["", "a", "A", "1", "0x1", "true", "a*b", "?", "10.0.0.0/8", "(?=a)", "^a$", "b", "-a"])
        .prop_map(str::to_owned)
}

fn predicate() -> impl Strategy<Value = Predicate> {
    let modifier =
        prop::sample::select(vec!["", "windash", "base64", "utf16le|base64offset", "expand", "contains", "fuzzy"]);
    let missing = prop::sample::select(vec![Missing::Fails, Missing::Holds, Missing::Null]);
    let op = prop::sample::select(Op::ALL.to_vec());
    let flags = (any::<bool>(), any::<bool>(), prop::bool::weighted(0.05), prop::bool::weighted(0.1));
    (field(), op, prop::collection::vec(literal(), 0..3), flags, prop::option::weighted(0.2, modifier), missing)
        .prop_map(|(field, op, values, (negated, case_sensitive, computed, cut_out), modifier, missing)| {
            let mut predicate = Predicate::new(field, op, values);
            predicate.modifiers = modifier.unwrap_or_default().parse().unwrap();
            predicate.derived_from = cut_out.then(|| "b".to_owned());
            Predicate { negated, case_sensitive, computed, missing, ..predicate }
        })
}

fn tree() -> impl Strategy<Value = Node> {
    let opaque = (0_usize..4).prop_map(|at| Node::opaque("`m`", "macro is not defined", Span::new(at, at + 3)));
    let leaf = prop_oneof![6 => predicate().prop_map(Node::from), 1 => opaque];
    leaf.prop_recursive(5, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Node::All),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Node::Any),
            inner.prop_map(|node| Node::Not(Box::new(node))),
        ]
    })
}

fn event() -> impl Strategy<Value = Value> {
    let text = prop::sample::select(vec!["", "a", "A", "ab", "aXb", "1", "10.1.2.3", "/a", "YQ=="]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-2_i64..3).prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let key = prop::sample::select(vec!["a", "b", "A", "a.b", "c"]).prop_map(str::to_owned);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((key, inner), 0..4).prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Any JSON with any text in it.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![any::<String>().prop_map(Value::from), any::<f64>().prop_map(Value::from)];
    leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((".{0,3}", inner), 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn naive_wildcard(pieces: &[Piece], text: &[char]) -> bool {
    match (pieces.first(), text.first()) {
        (None, None) => true,
        (Some(Piece::Many), _) => (0..=text.len()).any(|skipped| naive_wildcard(&pieces[1..], &text[skipped..])),
        (Some(Piece::One), Some(_)) => naive_wildcard(&pieces[1..], &text[1..]),
        (Some(Piece::Char(wanted)), Some(found)) => wanted == found && naive_wildcard(&pieces[1..], &text[1..]),
        _ => false,
    }
}

fn naive_term(text: &[char], term: &[char]) -> bool {
    let inner = |at: usize| at > 0 && at < text.len() && text[at - 1].is_alphanumeric() && text[at].is_alphanumeric();
    (0..=text.len().saturating_sub(term.len()))
        .any(|at| text[at..].starts_with(term) && (term.is_empty() || !inner(at) && !inner(at + term.len())))
}

/// Whether a comparison can be null.
fn has_null(node: &Node) -> bool {
    node.predicates().any(|predicate| predicate.missing == Missing::Null)
}

/// The field that `c` means in the test of sets: the values of `a`.
const KNOWN: KnownField = KnownField { id: 7, name_only: false };

/// Telemetry that has `a` and nothing else.
#[derive(Debug)]
struct OnlyA;

impl Carried for OnlyA {
    fn carries(&self, _: KnownField) -> bool {
        false
    }

    fn carries_name(&self, folded: &str) -> bool {
        folded == "a"
    }
}

fn holds(predicate: Predicate, event: &Value) -> bool {
    evaluate(&predicate.into(), &Event::new(event)).as_str() == "holds"
}

fn cased(op: Op, value: &str) -> Predicate {
    Predicate { case_sensitive: true, ..Predicate::new("f", op, [value]) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_negation_normal_form_says_the_same(node in tree(), json in event()) {
        let event = Event::new(&json);
        prop_assert_eq!(evaluate(&node, &event), evaluate_normal(&normal_form(&node), &event));
    }

    #[test]
    fn a_set_of_conditions_says_what_each_says_alone(nodes in prop::collection::vec(tree(), 1..6), events in prop::collection::vec(event(), 1..4), blind in any::<bool>()) {
        let resolve = |name: &str| name.eq_ignore_ascii_case("c").then_some(KNOWN);
        let mut builder = RuleSetBuilder::default();
        let ids: Vec<_> = nodes.iter().map(|node| builder.add(node, &resolve)).collect();
        let set = builder.build();
        let carried: Option<&dyn Carried> = if blind { Some(&OnlyA) } else { None };
        let plan = set.plan(ids.iter().copied(), carried);
        let mut scratch = set.scratch();
        for json in &events {
            let mut event = Event::new(json);
            let places: Vec<usize> = event.raw_values().filter(|raw| raw.name == "a").map(|raw| raw.place).collect();
            for place in places {
                event.know(KNOWN, place);
            }
            if blind {
                event.set_carried(&OnlyA);
            }
            let candidates = set.candidates(&plan, &event, &mut scratch);
            for (node, id) in nodes.iter().zip(&ids) {
                let alone = Compiled::resolved(node, &resolve).evaluate(&event);
                let together = set.evaluate(*id, &event, &mut scratch);
                let expected = match alone {
                    Verdict::Holds => Outcome::Holds,
                    Verdict::Fails => Outcome::Fails,
                    // A null beside it decides in a set.
                    Verdict::Unknown(_) if together == Outcome::Fails && has_null(node) => Outcome::Fails,
                    Verdict::Unknown(_) => Outcome::Unknown,
                };
                prop_assert_eq!(together, expected, "{:?} of {}", node, json);
                prop_assert!(expected == Outcome::Fails || candidates.contains(id), "{:?} of {} is no candidate", node, json);
                if !has_null(node) {
                    prop_assert_eq!(set.verdict(*id, &event, &mut scratch), alone);
                }
            }
        }
    }

    #[test]
    fn gathering_constants_changes_nothing(children in prop::collection::vec(tree(), 0..4), json in event()) {
        let event = Event::new(&json);
        let (plain, gathered) = (Node::All(children.clone()), Node::all(children));
        prop_assert_eq!(evaluate(&plain, &event).as_str(), evaluate(&gathered, &event).as_str());
    }

    #[test]
    fn a_wildcard_matches_as_by_trying_everything(pattern in "[ab*?\\[\\]é]{0,8}", text in "[ab*?\\[\\]é]{0,8}") {
        let naive = naive_wildcard(Pattern::read(&pattern).pieces(), &text.chars().collect::<Vec<_>>());
        prop_assert_eq!(holds(cased(Op::Wildcard, &pattern), &json!({ "f": text })), naive);
    }

    #[test]
    fn a_term_is_found_as_by_trying_everything(term in "[aé -]{0,3}", text in "[aé -]{0,8}") {
        let naive = naive_term(&text.chars().collect::<Vec<_>>(), &term.chars().collect::<Vec<_>>());
        prop_assert_eq!(holds(cased(Op::Match, &term), &json!({ "f": text })), naive);
    }

    #[test]
    fn a_value_is_found_wherever_it_is_encoded(before in "[ -~]{0,4}", value in "[ -~é]{2,8}", behind in "[ -~]{0,4}") {
        let mut predicate = cased(Op::Contains, &value);
        predicate.modifiers = Modifier::Base64Offset.into();
        let found = holds(predicate, &json!({ "f": STANDARD.encode(before + &value + &behind) }));
        prop_assert!(found);
    }
}

proptest! {
    #[test]
    fn no_input_panics(
        field in any::<String>(),
        op in prop::sample::select(Op::ALL.to_vec()),
        values in prop::collection::vec(prop_oneof![any::<String>(), "[\\[\\](){}*?+^$|:a\\\\-]{0,12}"], 0..3),
        modifiers in prop::collection::vec(prop::sample::select(Modifier::ALL), 0..5),
        json in any_json(),
    ) {
        let mut predicate = Predicate::new(field, op, values);
        predicate.modifiers = modifiers.into_iter().collect();
        let keyword = Predicate { raw_field: String::new(), ..predicate.clone() };
        let conditions = [Condition::new(predicate.into()), Condition::new(keyword.into())];
        let event = Event::new(&json);
        prop_assert_eq!(evaluate_rule(&conditions, &event).as_str(), "unknown");
        prop_assert_eq!(CompiledRule::new(&conditions).each(&event)[0].as_str(), verdict_str(&conditions, &json));
    }
}

#[test]
fn deep_and_wide_events_are_looked_into_within_bounds() {
    let mut deep = json!("needle");
    for _ in 0..1000 {
        deep = Value::from_iter([("k", Value::Array(vec![deep]))]);
    }
    let wide = json!({ "n": vec!["needle"; 1000] });
    let wide = Value::from_iter([("n".repeat(100_000), wide), ("f".to_owned(), Value::from_iter([("g", deep)]))]);
    let event = Event::new(&wide);
    let word = |predicate: Predicate| Compiled::new(&predicate.into()).evaluate(&event).as_str();
    assert_eq!(word(Predicate::new("", Op::Eq, ["needle"])), "holds");
    assert_eq!(word(Predicate::new("f.g.k.k.k", Op::IsNotNull, [""; 0])), "holds");
    assert_eq!(word(Predicate::new("f.g.k.k.k", Op::Contains, ["needle"])), "fails");
}

#[test]
fn a_pattern_of_many_stars_is_quick() {
    let json = json!({ "f": "a".repeat(20_000) });
    let event = Event::new(&json);
    let pattern = "*a".repeat(30) + "b";
    assert_eq!(evaluate(&Predicate::new("f", Op::Wildcard, [pattern]).into(), &event).as_str(), "fails");
}

#[test]
fn one_event_does_not_decide_a_rule_of_several_steps() {
    let step = Condition::new(Predicate::new("f", Op::Eq, ["x"]).into());
    let absent = Condition { absent: true, ..step.clone() };
    let json = json!({ "f": "x" });
    let event = Event::new(&json);
    assert_eq!(evaluate_rule(std::slice::from_ref(&step), &event).to_string(), "holds");
    assert_eq!(evaluate_rule(&[step.clone(), step.clone()], &event).to_string(), "unknown: rule has 2 steps");
    assert_eq!(evaluate_rule(&[], &event).to_string(), "unknown: rule has no condition");
    assert_eq!(evaluate_rule(&[absent], &event).to_string(), "unknown: rule looks for the absence of events");
    assert_eq!(verdict_str(&[], &json), "unknown");
    assert_eq!(verdict_str(&[step.clone(), Condition::new(Node::never())], &json), "holds");
    let words: Vec<_> =
        CompiledRule::new(&[step, Condition::new(Node::never())]).each(&event).iter().map(|v| v.as_str()).collect();
    assert_eq!(words, ["holds", "fails"]);
}
