//! From the tree of fields and values to predicates.

use std::{borrow::Cow, collections::HashMap};

use ruleatlas_core::{Folded, Piece, fold_pieces};
use ruleatlas_model::{Diagnostic, Missing, Modifier, Modifiers, Node, Op, Predicate};
use ruleatlas_syntax::ErrorKind as _;

use crate::{
    ast::{Leaf, Order, Tree, Value},
    fields,
    scan::is_space,
};

/// The condition of a tree; `None` where it restricts nothing but the time.
pub(crate) fn lower(tree: &Tree, diagnostics: &mut Vec<Diagnostic>) -> Option<Node> {
    lower_within(tree, "", diagnostics)
}

/// The same within nested fields: `path` ends with a dot where there is one.
fn lower_within(tree: &Tree, path: &str, diagnostics: &mut Vec<Diagnostic>) -> Option<Node> {
    match tree {
        Tree::All(children) => {
            let nodes: Vec<Node> = children.iter().filter_map(|child| lower_within(child, path, diagnostics)).collect();
            (!nodes.is_empty() || children.is_empty()).then(|| Node::all(nodes))
        }
        Tree::Any { children, list } => {
            let nodes: Vec<Node> = children.iter().filter_map(|child| lower_within(child, path, diagnostics)).collect();
            if nodes.len() < children.len() && !nodes.is_empty() {
                diagnostics.push(Diagnostic::note(
                    "time window in an alternative",
                    "A restriction of time is one of several alternatives; it is left out of the condition.",
                ));
            }
            (!nodes.is_empty()).then(|| Node::any(if *list { merge(nodes) } else { nodes }))
        }
        Tree::Not(child) => lower_within(child, path, diagnostics).map(Node::not),
        Tree::Leaf(leaf) => lower_leaf(leaf, path),
        Tree::Nested { field, query } => lower_within(query, &format!("{path}{field}."), diagnostics),
        Tree::Broken { text, kind, span } => Some(Node::opaque(&**text, kind.title(), *span)),
    }
}

/// Alternatives in the parentheses of one field that are compared in the same way become one predicate.
fn merge(nodes: Vec<Node>) -> Vec<Node> {
    let mut merged: Vec<Node> = Vec::with_capacity(nodes.len());
    let mut places: HashMap<(String, Op, Modifiers), usize> = HashMap::new();
    for node in nodes {
        let Node::Predicate(predicate) = node else {
            merged.push(node);
            continue;
        };
        let op = if predicate.op == Op::In { Op::Eq } else { predicate.op };
        if !matches!(
            op,
            Op::Eq
                | Op::Contains
                | Op::StartsWith
                | Op::EndsWith
                | Op::Wildcard
                | Op::Match
                | Op::RegexMatch
                | Op::CidrMatch
        ) {
            merged.push(Node::Predicate(predicate));
            continue;
        }
        let key = (predicate.raw_field.clone(), op, predicate.modifiers.clone());
        let place = *places.entry(key).or_insert(merged.len());
        match merged.get_mut(place) {
            Some(Node::Predicate(first)) => {
                if op == Op::Eq {
                    first.op = Op::In;
                }
                first.values.extend(predicate.values);
                first.span = first.span.to(predicate.span);
            }
            _ => merged.push(Node::Predicate(predicate)),
        }
    }
    merged
}

fn lower_leaf(leaf: &Leaf, path: &str) -> Option<Node> {
    let field = match &*leaf.field {
        "" => Cow::Borrowed(""),
        "*" if path.is_empty() => Cow::Borrowed(""),
        field if path.is_empty() => Cow::Borrowed(field),
        field => Cow::Owned(format!("{path}{field}")),
    };
    let field = &*field;
    match &leaf.value {
        Value::Compare { .. } | Value::Interval { .. } if fields::is_time(field) => None,
        Value::Compare { order: side, value } => Some(order(leaf, field, op_of(*side), value).into()),
        Value::Interval { lower: None, upper: None } | Value::Exists => Some(presence(leaf, field)),
        Value::Interval { lower, upper } => {
            let bound = |bound: &Option<(String, bool)>, with: Op, without: Op| {
                let (value, included) = bound.as_ref()?;
                Some(Node::from(order(leaf, field, if *included { with } else { without }, value)))
            };
            let bounds = [bound(lower, Op::Gte, Op::Gt), bound(upper, Op::Lte, Op::Lt)];
            Some(Node::all(bounds.into_iter().flatten()))
        }
        Value::Regex(pattern) => Some(compare(leaf, field, Op::RegexMatch, vec![pattern.clone()]).into()),
        Value::Term { pieces, .. } if pieces.iter().all(|piece| *piece == Piece::Many) && !pieces.is_empty() => {
            Some(presence(leaf, field))
        }
        Value::Term { pieces, quoted } if field.is_empty() || fields::is_text(field) => {
            Some(text_match(leaf, field, pieces, *quoted))
        }
        Value::Term { pieces, quoted } => Some(whole_value(leaf, field, pieces, *quoted)),
    }
}

/// `field:*`; any field at all is in every event.
fn presence(leaf: &Leaf, field: &str) -> Node {
    if field.is_empty() { Node::always() } else { compare(leaf, field, Op::IsNotNull, Vec::new()).into() }
}

fn op_of(order: Order) -> Op {
    match order {
        Order::Less => Op::Lt,
        Order::LessOrEqual => Op::Lte,
        Order::Greater => Op::Gt,
        Order::GreaterOrEqual => Op::Gte,
    }
}

fn order(leaf: &Leaf, field: &str, op: Op, value: &str) -> Predicate {
    let mut predicate = compare(leaf, field, op, vec![value.to_owned()]);
    predicate.case_sensitive = false;
    predicate
}

/// A comparison of a `keyword` field. "The value must be an exact match, including punctuation and case" is how the
/// guide to the Kibana Query Language has it; its wildcards become a `query_string` or `wildcard` query, whose
/// `case_insensitive` is off unless it is asked for.
fn compare(leaf: &Leaf, field: &str, op: Op, values: Vec<String>) -> Predicate {
    let is_text = field.is_empty() || fields::is_text(field);
    let mut predicate = Predicate::new(field, op, values);
    predicate.case_sensitive =
        !op.is_presence() && op != Op::CidrMatch && (op == Op::RegexMatch || !is_text) && !fields::is_caseless(field);
    // Lucene matches a regular expression with the whole value, or with a whole term of a text.
    let modifier = if op == Op::RegexMatch && !is_text { Some(Modifier::Anchored) } else { approximate(leaf) };
    predicate.modifiers = modifier.into();
    predicate.missing = Missing::Fails;
    predicate.span = leaf.span;
    predicate
}

/// What Lucene's `~` means behind the value.
fn approximate(leaf: &Leaf) -> Option<Modifier> {
    let is_phrase = matches!(leaf.value, Value::Term { quoted: true, .. });
    leaf.approximate.as_ref().map(|_| if is_phrase { Modifier::Proximity } else { Modifier::Fuzzy })
}

/// A value or pattern that the whole of a field's value is compared with.
fn whole_value(leaf: &Leaf, field: &str, pieces: &[Piece], quoted: bool) -> Node {
    let Folded { op, value } = fold_pieces(pieces);
    if op == Op::Eq && leaf.approximate.is_none() {
        if fields::is_network(field, &value) {
            return compare(leaf, field, Op::CidrMatch, vec![value]).into();
        }
        // `status:400 401 404` are three values: no number has spaces.
        let words: Vec<&str> = value.split(is_space).filter(|word| !word.is_empty()).collect();
        if !quoted && words.len() > 1 && words.iter().all(|word| word.bytes().all(|byte| byte.is_ascii_digit())) {
            return compare(leaf, field, Op::In, words.into_iter().map(str::to_owned).collect()).into();
        }
    }
    compare(leaf, field, op, vec![value]).into()
}

/// A term or phrase looked for in analysed text. A quoted phrase is one value; without quotes every word is a term
/// of its own and any of them will do, as the `match` query has it.
fn text_match(leaf: &Leaf, field: &str, pieces: &[Piece], quoted: bool) -> Node {
    let plain = |pieces: &[Piece]| fold_pieces(pieces).value;
    if quoted {
        return compare(leaf, field, Op::Match, vec![plain(pieces)]).into();
    }
    let mut terms = Vec::new();
    let mut patterns = Vec::new();
    for word in pieces.split(|piece| matches!(piece, Piece::Char(character) if is_space(*character))) {
        if word.is_empty() {
            continue;
        }
        let Folded { op, value } = fold_pieces(word);
        match op {
            Op::IsNotNull => patterns.push(presence(leaf, field)),
            Op::Eq => terms.push(value),
            _ => patterns.push(text_pattern(leaf, field, op, value)),
        }
    }
    let terms = (!terms.is_empty()).then(|| compare(leaf, field, Op::Match, terms).into());
    Node::any(terms.into_iter().chain(patterns))
}

/// A pattern that one term of the text matches: outer wildcards fall away, as the text goes on around the term.
fn text_pattern(leaf: &Leaf, field: &str, op: Op, value: String) -> Node {
    let (op, value, modifier) = match op {
        Op::StartsWith => (Op::Match, value, Some(Modifier::Prefix)),
        Op::EndsWith => (Op::Match, value, Some(Modifier::Suffix)),
        Op::Contains if field.is_empty() => (Op::Match, value, None),
        Op::Contains => (Op::Contains, value, None),
        _ => (Op::Wildcard, format!("*{}*", value.trim_matches('*')), None),
    };
    let mut predicate = compare(leaf, field, op, vec![value]);
    if let Some(modifier) = modifier {
        predicate.modifiers = modifier.into();
    }
    predicate.into()
}
