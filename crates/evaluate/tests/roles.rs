//! Roles say what a condition asks of an event.

use proptest::prelude::*;
use ruleatlas_core::{RoledPredicate, roles};
use ruleatlas_evaluate::{Event, evaluate};
use ruleatlas_model::{Condition, Node, Op, Predicate, Role, Span};
use serde_json::Value;

fn predicate() -> impl Strategy<Value = Node> {
    let field = prop::sample::select(vec!["a", "b", "c"]);
    let op = prop::sample::select(vec![Op::Eq, Op::Eq, Op::Contains, Op::IsNull, Op::IsNotNull]);
    let value = prop::sample::select(vec!["", "1", "2"]);
    (field, op, value, any::<bool>(), prop::bool::weighted(0.05)).prop_map(|(field, op, value, negated, computed)| {
        let values = if op.is_presence() { vec![] } else { vec![value] };
        Predicate { negated, computed, ..Predicate::new(field, op, values) }.into()
    })
}

fn tree() -> impl Strategy<Value = Node> {
    let opaque = Just(Node::opaque("`m`", "macro is not defined", Span::new(0, 3)));
    let leaf = prop_oneof![9 => predicate(), 1 => opaque];
    let tree = leaf.prop_recursive(5, 30, 4, |inner| {
        prop_oneof![
            3 => prop::collection::vec(inner.clone(), 1..4).prop_map(Node::All),
            2 => prop::collection::vec(inner.clone(), 1..4).prop_map(Node::Any),
            2 => inner.prop_map(|node| Node::Not(Box::new(node))),
        ]
    });
    tree.prop_map(|mut tree| {
        let mut at = 0;
        tree.for_each_predicate_mut(&mut |predicate| {
            predicate.span = Span::new(at, at + 1);
            at += 1;
        });
        tree
    })
}

fn event() -> impl Strategy<Value = Value> {
    let value = prop::sample::select(vec!["", "1", "2", "12"]).prop_map(Value::from);
    let key = prop::sample::select(vec!["a", "b", "c"]).prop_map(str::to_owned);
    prop::collection::vec((key, value), 0..4).prop_map(|fields| Value::Object(fields.into_iter().collect()))
}

/// What an exclusion asks: that its predicate does not hold, its own negation taken off.
fn asks(placed: &RoledPredicate<'_>) -> Node {
    let node = Node::from(placed.predicate.clone());
    if placed.predicate.negated { node } else { Node::Not(Box::new(node)) }
}

/// The role of every predicate by the words of the predicate model: what stands above each is looked at from the
/// root, for every predicate anew.
fn by_the_model(root: &Node) -> Vec<(Span, Role)> {
    let mut found = Vec::new();
    let mut stack: Vec<Vec<&Node>> = vec![vec![root]];
    while let Some(path) = stack.pop() {
        let Some((last, above)) = path.split_last() else { continue };
        for child in last.children().iter().rev() {
            stack.push([path.as_slice(), &[child]].concat());
        }
        let Node::Predicate(predicate) = last else { continue };
        let nots_above = |at: usize| above[..at].iter().filter(|node| matches!(node, Node::Not(_))).count();
        let is_odd = |at: usize| nots_above(at) % 2 == 1;
        let has_several = |at: usize| above[at].children().len() > 1;
        let flipped_any = (0..above.len()).any(|at| matches!(above[at], Node::All(_)) && has_several(at) && is_odd(at));
        let authors_any =
            (0..above.len()).any(|at| matches!(above[at], Node::Any(_)) && has_several(at) && !is_odd(at));
        let is_negative = is_odd(above.len()) != predicate.negated;
        let is_turned_presence = is_negative && predicate.op.is_presence() && !flipped_any;
        let role = if predicate.computed {
            Role::Computed
        } else if (!is_negative || is_turned_presence) && !flipped_any {
            Role::Indicator
        } else if is_negative && !authors_any {
            Role::Exclusion
        } else {
            Role::Nested
        };
        found.push((predicate.span, role));
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn every_role_is_the_models(tree in tree()) {
        let conditions = [Condition::new(tree)];
        let found: Vec<(Span, Role)> =
            roles(&conditions).iter().map(|placed| (placed.predicate.span, placed.role)).collect();
        prop_assert_eq!(found, by_the_model(&conditions[0].root));
    }

    #[test]
    fn an_event_that_is_excluded_is_not_selected(tree in tree(), json in event()) {
        let conditions = [Condition::new(tree)];
        let event = Event::new(&json);
        let verdict = evaluate(&conditions[0].root, &event);
        for placed in roles(&conditions) {
            if placed.role == Role::Exclusion && placed.group.is_none() {
                let excludes = evaluate(&asks(&placed), &event).as_str() == "fails";
                prop_assert!(!(excludes && verdict.as_str() == "holds"), "{:?}", placed.predicate);
            }
        }
    }

    #[test]
    fn a_group_excludes_only_together(
        alone in predicate(),
        group in prop::collection::vec(predicate(), 2..4),
        json in event(),
    ) {
        // A negated operator in the group makes an exception to the exclusion, which is no part of the group.
        let group: Vec<Node> = group
            .into_iter()
            .map(|node| match node {
                Node::Predicate(predicate) => Predicate { negated: false, ..*predicate }.into(),
                other => other,
            })
            .collect();
        let mut tree = Node::All(vec![alone, Node::Not(Box::new(Node::All(group)))]);
        let mut at = 0;
        tree.for_each_predicate_mut(&mut |predicate| {
            predicate.computed = false;
            predicate.span = Span::new(at, at + 1);
            at += 1;
        });
        let conditions = [Condition::new(tree)];
        let event = Event::new(&json);
        let members: Vec<RoledPredicate<'_>> =
            roles(&conditions).into_iter().filter(|placed| placed.group == Some(0)).collect();
        prop_assert_eq!(members.len(), conditions[0].root.predicates().count() - 1);
        let verdicts: Vec<bool> =
            members.iter().map(|placed| evaluate(&asks(placed), &event).as_str() == "fails").collect();
        if verdicts.iter().all(|excludes| *excludes) {
            prop_assert_eq!(evaluate(&conditions[0].root, &event).as_str(), "fails");
        } else {
            let alone = conditions[0].root.children().first().map(|node| evaluate(node, &event).as_str());
            prop_assert_eq!(Some(evaluate(&conditions[0].root, &event).as_str()), alone);
        }
    }
}
