//! Conditions without some of their parts.

use ruleatlas_core::{Literal, normal_form};
use ruleatlas_model::{Node, Op, Predicate};

/// The condition without its exclusions: what the rule looks for before anything is taken out. It holds wherever the condition
/// itself holds. With it come the parts that were left out, as they stand there: each fails where it excludes. `None` where there
/// is no exclusion.
pub(crate) fn without_exclusions(root: &Node) -> Option<(Node, Vec<Node>)> {
    let mut dropped = Vec::new();
    let kept = keep(&normal_form(root), false, &mut dropped);
    (!dropped.is_empty()).then_some((kept, dropped))
}

/// As `ruleatlas_core::roles` gives the role: a negative comparison with no alternative of the author's above it.
fn keep(literal: &Literal<'_>, in_authors_any: bool, dropped: &mut Vec<Node>) -> Node {
    match literal {
        Literal::All(children) => Node::all(children.iter().map(|child| keep(child, in_authors_any, dropped))),
        Literal::Any { children, flipped: true } if !in_authors_any && children.iter().all(is_negative) => {
            dropped.push(whole(literal));
            Node::always()
        }
        Literal::Any { children, flipped } => {
            Node::any(children.iter().map(|child| keep(child, in_authors_any || !flipped, dropped)))
        }
        Literal::Predicate { predicate, inverted } => {
            if !in_authors_any && is_exclusion(predicate, *inverted) {
                dropped.push(whole(literal));
                return Node::always();
            }
            leaf((*predicate).clone().into(), *inverted)
        }
        Literal::Opaque { opaque, inverted } => leaf(Node::Opaque(Box::new((*opaque).clone())), *inverted),
    }
}

fn whole(literal: &Literal<'_>) -> Node {
    match literal {
        Literal::All(children) => Node::all(children.iter().map(whole)),
        Literal::Any { children, .. } => Node::any(children.iter().map(whole)),
        Literal::Predicate { predicate, inverted } => leaf((*predicate).clone().into(), *inverted),
        Literal::Opaque { opaque, inverted } => leaf(Node::Opaque(Box::new((*opaque).clone())), *inverted),
    }
}

fn leaf(node: Node, inverted: bool) -> Node {
    if inverted { Node::Not(Box::new(node)) } else { node }
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
    let mut dropped = false;
    let kept = strip(root, &mut dropped);
    dropped.then_some(kept)
}

fn strip(node: &Node, dropped: &mut bool) -> Node {
    match node {
        Node::All(children) => Node::all(children.iter().map(|child| strip(child, dropped))),
        Node::Predicate(predicate) if predicate.computed => {
            *dropped = true;
            Node::always()
        }
        Node::Not(child) if is_computed(child) => {
            *dropped = true;
            Node::always()
        }
        Node::Any(children) if !children.is_empty() && children.iter().all(is_computed) => {
            *dropped = true;
            Node::always()
        }
        other => other.clone(),
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
    use ruleatlas_model::{Node, Op, Predicate};

    use super::{without_computed, without_exclusions};

    fn eq(field: &str) -> Node {
        Predicate::new(field, Op::Eq, ["x"]).into()
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
            (any(&[eq("a"), not(eq("b"))]), None),
            (all(&[eq("a"), eq("b")]), None),
            (not(not(eq("a"))), None),
        ];
        for (root, expected) in cases {
            assert_eq!(without_exclusions(&root).map(|(kept, _)| kept), expected, "{root:?}");
        }
        let root = all(&[eq("a"), not(all(&[eq("b"), eq("c")])), not(eq("d"))]);
        let dropped = without_exclusions(&root).map(|(_, dropped)| dropped);
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
