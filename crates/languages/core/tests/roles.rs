//! Section 3 of the predicate model, sentence by sentence.

use ruleatlas_core::roles;
use ruleatlas_model::{Condition, Node, Op, Predicate};

fn eq(field: &str) -> Node {
    Predicate::new(field, Op::Eq, ["1"]).into()
}

fn ne(field: &str) -> Node {
    let mut predicate = Predicate::new(field, Op::Eq, ["1"]);
    predicate.negated = true;
    predicate.into()
}

fn presence(field: &str, op: Op) -> Node {
    Predicate::new(field, op, Vec::<String>::new()).into()
}

fn not(node: Node) -> Node {
    Node::Not(Box::new(node))
}

fn all<const N: usize>(children: [Node; N]) -> Node {
    Node::All(children.into())
}

fn any<const N: usize>(children: [Node; N]) -> Node {
    Node::Any(children.into())
}

/// `field=role[#group]`, in order, `not` where the role does not say that it is negative; the positive operator behind it
/// where it is not the author's.
fn described(root: Node) -> String {
    let steps = [Condition::new(root)];
    let placed = roles(&steps);
    let words = placed.iter().map(|placed| {
        let group = placed.group.map(|group| format!("#{group}")).unwrap_or_default();
        let counted =
            if placed.counted_op == placed.predicate.op { String::new() } else { format!(" as {}", placed.counted_op) };
        let not = if placed.shows_negation() { "not " } else { "" };
        format!("{}={not}{}{group}{counted}", placed.predicate.raw_field, placed.role)
    });
    words.collect::<Vec<_>>().join(", ")
}

fn guard(field: &str) -> Node {
    Predicate { guard: true, ..Predicate::new(field, Op::IsNull, Vec::<String>::new()) }.into()
}

#[test]
fn a_guard_is_counted_nowhere() {
    let chosen = any([eq("a"), all([guard("a"), eq("b")])]);
    assert_eq!(described(chosen.clone()), "a=indicator, a=nested, b=indicator");
    // What the guard stands beside is excluded by itself, and no group.
    assert_eq!(
        described(all([eq("x"), not(chosen)])),
        "x=indicator, a=exclusion, a=nested as is_not_null, b=exclusion"
    );
    let two = not(all([guard("a"), eq("b"), eq("c")]));
    assert_eq!(described(two), "a=not nested, b=exclusion#0, c=exclusion#0");
}

#[test]
fn roles_follow_the_negation_normal_form() {
    let cases: Vec<(&str, Node, &str)> = vec![
        ("a conjunct", all([eq("a"), eq("b")]), "a=indicator, b=indicator"),
        ("an alternative is looked for", any([eq("a"), eq("b")]), "a=indicator, b=indicator"),
        ("a negated conjunct is excluded", all([eq("a"), not(eq("b"))]), "a=indicator, b=exclusion"),
        ("an operator's own negation counts as a not", all([eq("a"), ne("b")]), "a=indicator, b=exclusion"),
        ("not (a != 1) is the indicator a = 1", not(ne("a")), "a=indicator"),
        ("not not x is x", not(not(eq("a"))), "a=indicator"),
        (
            "not (a or b) makes two exclusions",
            all([eq("x"), not(any([eq("a"), eq("b")]))]),
            "x=indicator, a=exclusion, b=exclusion",
        ),
        (
            "not (a and b) makes two exclusions of one group",
            all([eq("x"), not(all([eq("a"), eq("b")]))]),
            "x=indicator, a=exclusion#0, b=exclusion#0",
        ),
        (
            "each flipped alternative is a group of its own",
            all([not(all([eq("a"), eq("b")])), not(all([eq("c"), eq("d")]))]),
            "a=exclusion#0, b=exclusion#0, c=exclusion#1, d=exclusion#1",
        ),
        (
            "a flipped alternative inside another is of the outer group",
            not(all([eq("a"), any([eq("b"), all([eq("c"), eq("d")])])])),
            "a=exclusion#0, b=exclusion#0, c=exclusion#0, d=exclusion#0",
        ),
        ("a node with one child is its child", not(all([eq("a")])), "a=exclusion"),
        ("a negation inside an alternative is nested", any([eq("a"), not(eq("b"))]), "a=indicator, b=not nested"),
        (
            "an exclusion inside an alternative is nested",
            any([all([eq("a"), not(eq("b"))]), eq("c")]),
            "a=indicator, b=not nested, c=indicator",
        ),
        (
            "a group inside an alternative is nested",
            any([not(all([eq("a"), eq("b")])), eq("c")]),
            "a=not nested, b=not nested, c=indicator",
        ),
        (
            "an exception to an exclusion is nested",
            all([eq("x"), not(all([eq("a"), not(eq("b"))]))]),
            "x=indicator, a=exclusion#0, b=nested",
        ),
        (
            "alternatives that are an exception are nested",
            not(all([eq("a"), not(any([eq("b"), eq("c")]))])),
            "a=exclusion#0, b=nested, c=nested",
        ),
        ("not (f is null) is looked for as present", not(presence("f", Op::IsNull)), "f=indicator as is_not_null"),
        ("not (f is present) is looked for as missing", not(presence("f", Op::IsNotNull)), "f=indicator as is_null"),
        (
            "also inside an alternative",
            any([eq("a"), not(presence("f", Op::IsNull))]),
            "a=indicator, f=indicator as is_not_null",
        ),
        ("but not in a group", not(all([eq("a"), presence("f", Op::IsNull)])), "a=exclusion#0, f=exclusion#0"),
    ];
    for (what, root, expected) in cases {
        assert_eq!(described(root), expected, "{what}");
    }
}

#[test]
fn a_computed_comparison_is_computed_wherever_it_stands() {
    let mut count = Predicate::new("count", Op::Gt, ["5"]);
    count.computed = true;
    assert_eq!(described(all([eq("a"), not(count.into())])), "a=indicator, count=not computed");
}

#[test]
fn the_predicates_of_an_absent_step_are_nested() {
    let mut absent = Condition::new(all([eq("b"), not(eq("c"))]));
    absent.absent = true;
    let steps = [Condition::new(eq("a")), absent];
    let found: Vec<String> = roles(&steps).iter().map(|placed| format!("{}:{}", placed.step, placed.role)).collect();
    assert_eq!(found, ["0:indicator", "1:nested", "1:nested"]);
}

#[test]
fn groups_are_numbered_through_all_steps() {
    let group = || Condition::new(not(all([eq("a"), eq("b")])));
    let steps = [group(), group()];
    let groups: Vec<Option<u32>> = roles(&steps).iter().map(|placed| placed.group).collect();
    assert_eq!(groups, [Some(0), Some(0), Some(1), Some(1)]);
}

#[test]
fn a_part_that_the_query_uses_twice_is_there_once_a_role() {
    let part = eq("a");
    assert_eq!(described(any([part.clone(), part.clone()])), "a=indicator");
    assert_eq!(described(all([part.clone(), not(part)])), "a=indicator, a=exclusion");
}
