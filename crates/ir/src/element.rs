//! Conditions on one element of an array.

use ruleatlas_model::{Node, Op};

/// What a condition on one element of an array says when it is read as a condition on all values of the array's fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sense {
    /// The same as "an element satisfies it".
    Exact,
    /// Less: it holds wherever an element satisfies it.
    Necessary,
    /// More: where it holds, every element satisfies it.
    OfAll,
    /// Neither.
    Unclear,
}

fn sense(node: &Node) -> Sense {
    match node {
        Node::Predicate(predicate) if predicate.negated || predicate.op == Op::IsNull => Sense::OfAll,
        Node::Predicate(predicate) if predicate.op == Op::FieldRef => Sense::Necessary,
        Node::Predicate(_) => Sense::Exact,
        Node::Not(inner) => match sense(inner) {
            Sense::Exact | Sense::Necessary => Sense::OfAll,
            _ => Sense::Unclear,
        },
        Node::All(parts) | Node::Any(parts) if parts.is_empty() => Sense::Unclear,
        Node::All(parts) | Node::Any(parts) => {
            // Asked once: searches in each other would double it each time.
            let senses: Vec<Sense> = parts.iter().map(sense).collect();
            let are = |wanted: &[Sense]| senses.iter().all(|sense| wanted.contains(sense));
            match node {
                Node::Any(_) if are(&[Sense::Exact]) => Sense::Exact,
                _ if are(&[Sense::Exact, Sense::Necessary]) => Sense::Necessary,
                _ if are(&[Sense::OfAll]) => Sense::OfAll,
                _ => Sense::Unclear,
            }
        }
        Node::Opaque(_) => Sense::Unclear,
    }
}

/// The condition that some element of an array satisfies `node`, whose predicates compare the fields of all elements.
///
/// Several comparisons could be satisfied by different elements, and a negated one asks all of them. So `joint`, the
/// whole search as something computed, stands with them wherever they do not decide: they are kept, and no event is
/// said to match that may not.
pub(crate) fn exists(node: Node, joint: &Node) -> Node {
    let parts = match node {
        Node::Any(parts) if !parts.is_empty() => return Node::any(parts.into_iter().map(|part| exists(part, joint))),
        // An array without elements has none that satisfies what always holds.
        Node::All(parts) if parts.is_empty() => vec![joint.clone()],
        Node::All(parts) => parts,
        node => vec![node],
    };
    let mut conjuncts = Vec::with_capacity(parts.len() + 1);
    let mut exact = 0;
    let mut is_joint = false;
    for part in parts {
        match sense(&part) {
            Sense::Exact => {
                exact += 1;
                conjuncts.push(part);
            }
            Sense::Necessary => {
                is_joint = true;
                conjuncts.push(part);
            }
            Sense::OfAll => conjuncts.push(Node::any([part, joint.clone()])),
            Sense::Unclear => {
                is_joint = true;
                conjuncts.push(Node::any([part, joint.clone()]));
            }
        }
    }
    if is_joint || exact != 1 {
        conjuncts.push(joint.clone());
    }
    Node::all(conjuncts)
}
