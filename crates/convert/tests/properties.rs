//! No condition, however odd, makes a conversion panic, and what comes out is proven or refused.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use ruleatlas_convert::{Options, Target, convert};
use ruleatlas_model::{Condition, Language, Missing, Modifier, Node, Op, ParseStatus, Predicate, Rule, Vendor};
use ruleatlas_taxonomy::Taxonomy;

fn predicate() -> impl Strategy<Value = Predicate> {
    let field = prop_oneof![
        Just("Image".to_owned()),
        Just("CommandLine".to_owned()),
        Just("EventID".to_owned()),
        Just(String::new()),
        "[a-z.{}\\[\\]|'`\" @*]{0,8}",
    ];
    let value = prop_oneof![
        Just("\\cmd.exe".to_owned()),
        Just("10.0.0.0/8".to_owned()),
        Just("5".to_owned()),
        "[a-zA-Z\\\\/*?\"'` .\n\t|()\\[\\]{}^$+&~#@<>-]{0,10}",
        ".{0,6}",
    ];
    let modifiers = prop_oneof![
        6 => Just(None),
        1 => Just(Some(Modifier::Windash)),
        1 => Just(Some(Modifier::Base64Offset)),
        1 => Just(Some(Modifier::Anchored)),
        1 => Just(Some(Modifier::Prefix)),
        1 => Just(Some(Modifier::Utf16Le)),
        1 => Just(Some(Modifier::MultiLine)),
        1 => Just(Some(Modifier::Expand)),
    ];
    let missing = prop_oneof![Just(Missing::Fails), Just(Missing::Holds), Just(Missing::Null)];
    (
        field,
        prop::sample::select(Op::ALL.to_vec()),
        prop::collection::vec(value, 0..4),
        modifiers,
        missing,
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(field, op, values, modifier, missing, negated, case_sensitive, empty_is_null)| Predicate {
            modifiers: modifier.into(),
            missing,
            negated,
            case_sensitive,
            empty_is_null,
            ..Predicate::new(field, op, values)
        })
}

fn node() -> impl Strategy<Value = Node> {
    predicate().prop_map(Node::from).prop_recursive(4, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Node::All),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Node::Any),
            inner.prop_map(|node| Node::Not(Box::new(node))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_condition_is_converted_or_refused(root in node(), target in prop::sample::select(Target::ALL.to_vec())) {
        let mut rule = Rule::blank(Vendor::Sigma, Language::Sigma, "rule.yml");
        rule.query = "a query".to_owned();
        rule.conditions = vec![Condition::new(root)];
        rule.parse = ParseStatus::Full;
        match convert(&rule, target, &Options::default(), Taxonomy::builtin()) {
            Ok(conversion) => prop_assert!(conversion.proof.events > 0 && !conversion.query.is_empty()),
            Err(refusals) => prop_assert!(!refusals.is_empty() && refusals.iter().all(|found| !found.why.is_empty())),
        }
    }
}
