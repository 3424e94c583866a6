//! Conditions without some of their parts.

use ruleatlas_core::{Literal, normal_form};
use ruleatlas_model::{Node, Op, Predicate};

/// The condition without its exclusions: what the rule looks for before anything is taken out. It holds wherever the condition
/// itself holds. With it come the parts that were left out, as they stand there: each fails where it excludes. `None` where there
/// is no exclusion.
pub(crate) fn without_exclusions(root: &Node) -> Option<(Literal<'_>, Vec<Literal<'_>>)> {
    let mut dropped = Vec::new();
    let kept = keep(normal_form(root), false, &mut dropped);
    (!dropped.is_empty()).then_some((kept, dropped))
}

/// As `ruleatlas_core::roles` gives the role: a negative comparison with no alternative of the author's above it.
fn keep<'n>(literal: Literal<'n>, in_authors_any: bool, dropped: &mut Vec<Literal<'n>>) -> Literal<'n> {
    match literal {
        Literal::All(children) => {
            let mut kept = Vec::new();
            for child in children {
                match keep(child, in_authors_any, dropped) {
                    Literal::All(nothing) if nothing.is_empty() => {}
                    child => kept.push(child),
                }
            }
            if kept.len() == 1 { kept.remove(0) } else { Literal::All(kept) }
        }
        // Without one of its alternatives nothing is left of it that could fail.
        Literal::Any { ref children, flipped: true } if !in_authors_any && children.iter().any(is_negative) => {
            dropped.push(literal);
            Literal::All(Vec::new())
        }
        Literal::Any { children, flipped } => {
            let children = children.into_iter().map(|child| keep(child, in_authors_any || !flipped, dropped)).collect();
            Literal::Any { children, flipped }
        }
        Literal::Predicate { predicate, inverted } if !in_authors_any && is_exclusion(predicate, inverted) => {
            dropped.push(literal);
            Literal::All(Vec::new())
        }
        leaf => leaf,
    }
}

/// The predicates of a part.
pub(crate) fn predicates<'n>(part: &Literal<'n>, each: &mut dyn FnMut(&'n Predicate)) {
    match part {
        Literal::All(children) | Literal::Any { children, .. } => {
            children.iter().for_each(|child| predicates(child, each));
        }
        Literal::Predicate { predicate, .. } => each(predicate),
        Literal::Opaque { .. } => {}
    }
}

fn is_negative(literal: &Literal<'_>) -> bool {
    match literal {
        Literal::Predicate { predicate, inverted } => is_exclusion(predicate, *inverted),
        _ => false,
    }
}

fn is_exclusion(predicate: &Predicate, inverted: bool) -> bool {
    // A test for presence is what it demands, however it is negated.
    inverted != predicate.negated && !predicate.op.is_presence() && !predicate.computed && !predicate.guard
}

/// The condition without the conjuncts that compare something computed, such as a count over several events; `None` where
/// there is none.
pub(crate) fn without_computed(root: &Node) -> Option<Node> {
    has_computed(root).then(|| strip(root))
}

fn strip(node: &Node) -> Node {
    match node {
        Node::All(children) => Node::all(children.iter().map(strip)),
        other if is_left_out(other) => Node::always(),
        other => other.clone(),
    }
}

/// Whether a conjunct compares something computed.
pub(crate) fn has_computed(node: &Node) -> bool {
    match node {
        Node::All(children) => children.iter().any(has_computed),
        other => is_left_out(other),
    }
}

fn is_left_out(node: &Node) -> bool {
    match node {
        Node::Predicate(predicate) => predicate.computed,
        Node::Not(child) => is_computed(child),
        Node::Any(children) => !children.is_empty() && children.iter().all(is_computed),
        Node::All(_) | Node::Opaque(_) => false,
    }
}

fn is_computed(node: &Node) -> bool {
    match node {
        Node::Predicate(predicate) => predicate.computed,
        Node::Not(child) => is_computed(child),
        Node::All(children) | Node::Any(children) => !children.is_empty() && children.iter().all(is_computed),
        Node::Opaque(_) => false,
    }
}

/// Whether a condition asks anything of an event.
pub(crate) fn has_predicate(root: &Node) -> bool {
    root.predicates().any(|predicate| !predicate.computed && predicate.op != Op::InList)
}

#[cfg(test)]
mod tests {
    use ruleatlas_core::Literal;
    use ruleatlas_model::{Node, Op, Predicate};

    use super::{without_computed, without_exclusions};

    fn present(field: &str) -> Node {
        Predicate::new(field, Op::IsNotNull, [] as [&str; 0]).into()
    }

    fn eq(field: &str) -> Node {
        Predicate::new(field, Op::Eq, ["x"]).into()
    }

    fn node(literal: &Literal<'_>) -> Node {
        let leaf = |node: Node, inverted: bool| if inverted { Node::Not(Box::new(node)) } else { node };
        match literal {
            Literal::All(children) => Node::All(children.iter().map(node).collect()),
            Literal::Any { children, .. } => Node::Any(children.iter().map(node).collect()),
            Literal::Predicate { predicate, inverted } => leaf((*predicate).clone().into(), *inverted),
            Literal::Opaque { opaque, inverted } => leaf(Node::Opaque(Box::new((*opaque).clone())), *inverted),
        }
    }

    #[test]
    fn exclusions_are_left_out_and_alternatives_stay() {
        let all = |nodes: &[Node]| Node::All(nodes.to_vec());
        let any = |nodes: &[Node]| Node::Any(nodes.to_vec());
        let not = |node: Node| Node::Not(Box::new(node));
        let cases = [
            (all(&[eq("a"), not(eq("b"))]), Some(eq("a"))),
            (all(&[eq("a"), not(all(&[eq("b"), eq("c")]))]), Some(eq("a"))),
            (all(&[eq("a"), not(any(&[eq("b"), eq("c")]))]), Some(eq("a"))),
            (all(&[eq("a"), any(&[eq("b"), eq("c")]), not(eq("d"))]), Some(all(&[eq("a"), any(&[eq("b"), eq("c")])]))),
            (not(eq("a")), Some(Node::always())),
            (all(&[eq("a"), not(all(&[eq("b"), present("c")]))]), Some(eq("a"))),
            (any(&[eq("a"), not(eq("b"))]), None),
            (all(&[eq("a"), eq("b")]), None),
            (not(not(eq("a"))), None),
        ];
        for (root, expected) in cases {
            assert_eq!(without_exclusions(&root).map(|(kept, _)| node(&kept)), expected, "{root:?}");
        }
        let root = all(&[eq("a"), not(all(&[present("b"), eq("c"), eq("d")]))]);
        let dropped = without_exclusions(&root).map(|(_, dropped)| dropped.iter().map(node).collect::<Vec<_>>());
        assert_eq!(dropped, Some(vec![any(&[not(present("b")), not(eq("c")), not(eq("d"))])]));
        let root = all(&[eq("a"), not(all(&[eq("b"), eq("c")])), not(eq("d"))]);
        let dropped = without_exclusions(&root).map(|(_, dropped)| dropped.iter().map(node).collect::<Vec<_>>());
        assert_eq!(dropped, Some(vec![any(&[not(eq("b")), not(eq("c"))]), not(eq("d"))]));
    }

    #[test]
    fn what_is_computed_is_left_out() {
        let count = Node::from(Predicate { computed: true, ..Predicate::new("count", Op::Gt, ["5"]) });
        let root = Node::All(vec![eq("a"), count.clone()]);
        assert_eq!(without_computed(&root), Some(eq("a")));
        assert_eq!(without_computed(&eq("a")), None);
        let mixed = Node::Any(vec![eq("a"), count]);
        assert_eq!(without_computed(&mixed), None);
    }
}
