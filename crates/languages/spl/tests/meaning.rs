//! Random conditions of both languages hold for just the events that the documentation says they hold for.

use proptest::prelude::*;
use ruleatlas_core::{Frontend, NoContext, Query};
use ruleatlas_evaluate::verdict_str;
use ruleatlas_spl::Spl;
use serde_json::{Map, Value};

#[derive(Clone, Debug)]
enum Tree {
    Is { field: char, value: u8, negated: bool },
    Not(Box<Tree>),
    And(Vec<Tree>),
    Or(Vec<Tree>),
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = (prop::sample::select(vec!['a', 'b', 'c']), 0_u8..3, any::<bool>())
        .prop_map(|(field, value, negated)| Tree::Is { field, value, negated });
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|inner| Tree::Not(Box::new(inner))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Tree::And),
            prop::collection::vec(inner, 2..4).prop_map(Tree::Or),
        ]
    })
}

/// Fields with values from 0 to 2, some of them missing.
fn event() -> impl Strategy<Value = [Option<u8>; 3]> {
    prop::array::uniform3(prop::option::of(0_u8..3))
}

/// Whether the tree holds, null where that is not known.
fn holds(tree: &Tree, event: &[Option<u8>; 3], null: bool) -> Option<bool> {
    match tree {
        Tree::Is { field, value, negated } => match event[usize::from(*field as u8 - b'a')] {
            Some(found) => Some((found == *value) != *negated),
            None if null => None,
            None => Some(false),
        },
        Tree::Not(inner) => holds(inner, event, null).map(|holds| !holds),
        Tree::And(items) => join(items, event, null, false),
        Tree::Or(items) => join(items, event, null, true),
    }
}

fn join(items: &[Tree], event: &[Option<u8>; 3], null: bool, decisive: bool) -> Option<bool> {
    let all: Vec<_> = items.iter().map(|item| holds(item, event, null)).collect();
    if all.contains(&Some(decisive)) {
        Some(decisive)
    } else if all.contains(&None) {
        None
    } else {
        Some(!decisive)
    }
}

/// The text with as few parentheses as `or_is_tighter` needs.
fn write(tree: &Tree, or_is_tighter: bool, outer: u8, text: &mut String) {
    let (binds, between) = match tree {
        Tree::Is { .. } => (9, ""),
        Tree::Not(_) => (3, ""),
        Tree::And(_) => (if or_is_tighter { 1 } else { 2 }, if or_is_tighter { " " } else { " AND " }),
        Tree::Or(_) => (if or_is_tighter { 2 } else { 1 }, " OR "),
    };
    let parentheses = binds < outer;
    if parentheses {
        text.push('(');
    }
    match tree {
        Tree::Is { field, value, negated } => {
            text.push_str(&format!("{field}{}{value}", if *negated { "!=" } else { "=" }));
        }
        Tree::Not(inner) => {
            text.push_str("NOT ");
            write(inner, or_is_tighter, 4, text);
        }
        Tree::And(items) | Tree::Or(items) => {
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    text.push_str(between);
                }
                write(item, or_is_tighter, binds + 1, text);
            }
        }
    }
    if parentheses {
        text.push(')');
    }
}

fn json(event: &[Option<u8>; 3]) -> Value {
    let fields = ["a", "b", "c"].into_iter().zip(event);
    let present = fields.filter_map(|(name, value)| Some((name.to_owned(), Value::from(value.as_ref()?.to_string()))));
    Value::Object(present.collect::<Map<_, _>>())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_search_means_what_the_manual_says(tree in tree(), event in event()) {
        let mut text = String::new();
        write(&tree, true, 0, &mut text);
        let expected = if holds(&tree, &event, false) == Some(true) { "holds" } else { "fails" };
        let parsed = Spl.parse(&Query::new(&text), &NoContext);
        prop_assert_eq!(verdict_str(&parsed.conditions, &json(&event)), expected, "{}", text);
    }

    #[test]
    fn an_expression_means_what_the_manual_says(tree in tree(), event in event()) {
        let mut text = "* | where ".to_owned();
        write(&tree, false, 0, &mut text);
        let expected = if holds(&tree, &event, true) == Some(true) { "holds" } else { "fails" };
        let parsed = Spl.parse(&Query::new(&text), &NoContext);
        prop_assert_eq!(verdict_str(&parsed.conditions, &json(&event)), expected, "{}", text);
    }

    #[test]
    fn a_condition_behind_a_name_takes_null_for_false(tree in tree(), event in event(), flipped in any::<bool>()) {
        let mut text = "* | eval hit=if(".to_owned();
        write(&tree, false, 0, &mut text);
        text.push_str(&format!(", \"yes\", \"no\") | search hit={}", if flipped { "no" } else { "yes" }));
        let expected = if (holds(&tree, &event, true) == Some(true)) != flipped { "holds" } else { "fails" };
        let parsed = Spl.parse(&Query::new(&text), &NoContext);
        prop_assert_eq!(verdict_str(&parsed.conditions, &json(&event)), expected, "{}", text);
    }
}
