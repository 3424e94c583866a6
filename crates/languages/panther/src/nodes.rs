//! Conditions put together: choices, negations, and alternatives that one predicate can say.

use ruleatlas_model::{Missing, Node, Op, Predicate};

/// `then` where `condition` holds, `otherwise` where it does not.
pub(crate) fn choose(condition: Node, then: Node, otherwise: Node) -> Node {
    if let Some(value) = condition.as_constant() {
        return if value { then } else { otherwise };
    }
    if then == otherwise {
        return then;
    }
    match (then.as_constant(), otherwise.as_constant()) {
        (Some(true), _) => Node::any([condition, otherwise]),
        (Some(false), _) => Node::all([condition.not(), otherwise]),
        (_, Some(true)) => Node::any([condition.not(), then]),
        (_, Some(false)) => Node::all([condition, then]),
        (None, None) => Node::any([Node::all([condition.clone(), then]), Node::all([condition.not(), otherwise])]),
    }
}

/// The opposite of a comparison, as `!=` and `not in` write it: the operator itself is negated.
pub(crate) fn negated(node: Node) -> Node {
    match node {
        Node::Predicate(mut predicate) => {
            match predicate.op {
                Op::IsNull => predicate.op = Op::IsNotNull,
                Op::IsNotNull => predicate.op = Op::IsNull,
                _ => {
                    predicate.negated = !predicate.negated;
                    predicate.missing = match predicate.missing {
                        Missing::Fails => Missing::Holds,
                        Missing::Holds => Missing::Fails,
                        Missing::Null => Missing::Null,
                    };
                }
            }
            Node::Predicate(predicate)
        }
        other => other.not(),
    }
}

/// The tree as it is handed out: no node in one of its kind, nothing twice, and alternatives that differ in the value
/// only are one predicate with several.
pub(crate) fn tidy(node: Node) -> Node {
    match node {
        Node::All(children) => gather(children, true),
        Node::Any(children) => gather(children, false),
        Node::Not(child) => tidy(*child).not(),
        leaf => leaf,
    }
}

fn gather(children: Vec<Node>, all: bool) -> Node {
    let mut kept: Vec<Node> = Vec::with_capacity(children.len());
    let mut add = |child: Node| {
        // Long lists of alternatives come from one comprehension: their twin is near.
        let near = kept.len().saturating_sub(64);
        if kept[near..].contains(&child) {
            return;
        }
        if let (Some(Node::Predicate(last)), Node::Predicate(next)) = (kept.last_mut(), &child)
            && joins(last, next, all)
        {
            for value in &next.values {
                if !last.values.contains(value) {
                    last.values.push(value.clone());
                }
            }
            return;
        }
        kept.push(child);
    };
    for child in children {
        match tidy(child) {
            Node::All(inner) if all => inner.into_iter().for_each(&mut add),
            Node::Any(inner) if !all => inner.into_iter().for_each(&mut add),
            other => add(other),
        }
    }
    if all { Node::all(kept) } else { Node::any(kept) }
}

/// Whether two predicates are one comparison of a loop that was unrolled: `any(x in f for x in …)`, and
/// `all(x not in f for x in …)`.
fn joins(left: &Predicate, right: &Predicate, all: bool) -> bool {
    left.negated == all
        && right.negated == all
        && left.span == right.span
        && left.op == right.op
        && !left.op.is_presence()
        && left.raw_field == right.raw_field
        && left.case_sensitive == right.case_sensitive
        && left.modifiers == right.modifiers
        && left.missing == right.missing
        && !left.computed
        && !right.computed
}

/// Whether no event can meet a condition: what is in an empty list decides it.
pub(crate) fn never_holds(node: &Node) -> bool {
    fn decided(node: &Node) -> Option<bool> {
        match node {
            Node::All(children) => {
                let decided: Vec<_> = children.iter().map(decided).collect();
                if decided.contains(&Some(false)) {
                    return Some(false);
                }
                decided.iter().all(Option::is_some).then_some(true)
            }
            Node::Any(children) => {
                let decided: Vec<_> = children.iter().map(decided).collect();
                if decided.contains(&Some(true)) {
                    return Some(true);
                }
                decided.iter().all(Option::is_some).then_some(false)
            }
            Node::Not(child) => decided(child).map(|holds| !holds),
            Node::Predicate(predicate) => {
                (predicate.op == Op::In && predicate.values.is_empty()).then_some(predicate.negated)
            }
            Node::Opaque(_) => None,
        }
    }
    decided(node) == Some(false)
}

/// How large a tree is, counted up to a bound.
pub(crate) fn size(node: &Node, bound: usize) -> usize {
    node.walk().take(bound).count()
}
