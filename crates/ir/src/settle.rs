//! Branches of choices (`if`, `case`, `coalesce`) that the other conditions of a step rule out.
//!
//! `Operation=A | eval x=case(Operation=="B", f, true(), g) | where x="1"` never reads `f`: without this the search would
//! look for `Operation="B"`. A field is taken to have one value.

use std::cell::Cell;

use ruleatlas_model::{Missing, Node, Op, Predicate};

use crate::engine::Conjunct;
use crate::fold::{Passing, passes};

/// How many conditions of a step are held against its branches.
const MAX_FACTS: usize = 64;
/// How many pairs of values are compared for a step; what is beyond stays as it is.
const MAX_PAIRS: usize = 100_000;

/// A comparison that an event of the step meets, or fails where `inverted`.
#[derive(Clone, Copy)]
struct Fact<'a> {
    predicate: &'a Predicate,
    inverted: bool,
}

/// Alternatives of which an event of the step meets one.
type Known<'a> = Vec<Fact<'a>>;

/// Takes out of the conjuncts that came of a choice what the others decide.
pub(crate) fn rule_out_branches(conjuncts: &mut [Conjunct]) {
    if !conjuncts.iter().any(|conjunct| conjunct.is_choice) {
        return;
    }
    let others: Vec<Node> =
        conjuncts.iter().filter(|conjunct| !conjunct.is_choice).map(|conjunct| conjunct.node.clone()).collect();
    let mut known = Vec::new();
    others.iter().for_each(|node| gather(node, &mut known));
    let settler = Settler { pairs: Cell::new(MAX_PAIRS) };
    for conjunct in conjuncts.iter_mut().filter(|conjunct| conjunct.is_choice) {
        conjunct.node = settler.settle(&conjunct.node, &known);
    }
}

/// What a condition says by itself.
fn gather<'a>(node: &'a Node, into: &mut Vec<Known<'a>>) {
    if into.len() >= MAX_FACTS {
        return;
    }
    match node {
        Node::All(children) => children.iter().for_each(|child| gather(child, into)),
        Node::Any(children) => {
            let facts: Option<Known<'a>> = children.iter().map(fact).collect();
            into.extend(facts.filter(|facts| !facts.is_empty()));
        }
        other => into.extend(fact(other).map(|fact| vec![fact])),
    }
}

/// What decides other conditions first: a value that must be, then one that must not be, then all else.
fn strength(node: &Node) -> u8 {
    match node {
        Node::Predicate(predicate) if !predicate.negated => 0,
        node if fact(node).is_some() => 1,
        _ => 2,
    }
}

/// The conjuncts of conjuncts, side by side.
fn flatten<'n>(children: &'n [Node], into: &mut Vec<&'n Node>) {
    for child in children {
        match child {
            Node::All(inner) => flatten(inner, into),
            other => into.push(other),
        }
    }
}

fn fact(node: &Node) -> Option<Fact<'_>> {
    match node {
        Node::Predicate(predicate) => Some(Fact { predicate, inverted: false }),
        Node::Not(inner) => match &**inner {
            Node::Predicate(predicate) => Some(Fact { predicate, inverted: true }),
            _ => None,
        },
        _ => None,
    }
}

struct Settler {
    /// Pairs of values that may still be compared.
    pairs: Cell<usize>,
}

impl Settler {
    /// The condition with what is known put in.
    fn settle(&self, node: &Node, known: &[Known<'_>]) -> Node {
        match node {
            Node::Predicate(predicate) => match self.decided(predicate, known) {
                Some(holds) => Node::constant(holds),
                None => node.clone(),
            },
            Node::Not(inner) => self.settle(inner, known).not(),
            Node::Any(children) => Node::any(children.iter().map(|child| self.settle(child, known))),
            Node::All(children) => {
                let mut flat = Vec::new();
                flatten(children, &mut flat);
                let children = flat;
                let plain: Vec<Option<Fact<'_>>> = children.iter().map(|child| fact(child)).collect();
                Node::all(children.iter().enumerate().map(|(at, child)| {
                    // A condition is decided by those that say more, so that two do not take each other out.
                    let rank = (strength(child), at);
                    let beside = plain.iter().enumerate().filter_map(|(other, fact)| {
                        let fact = (*fact)?;
                        ((strength(children.get(other)?), other) < rank).then(|| vec![fact])
                    });
                    let facts: Vec<Known<'_>> = known.iter().cloned().chain(beside).take(MAX_FACTS).collect();
                    self.settle(child, &facts)
                }))
            }
            Node::Opaque(_) => node.clone(),
        }
    }

    /// Whether a comparison holds for all events, or for none, of which this much is known.
    fn decided(&self, predicate: &Predicate, known: &[Known<'_>]) -> Option<bool> {
        known.iter().find_map(|alternatives| {
            let (first, rest) = alternatives.split_first()?;
            let holds = self.implied(*first, predicate)?;
            rest.iter().all(|fact| self.implied(*fact, predicate) == Some(holds)).then_some(holds)
        })
    }

    /// What a comparison is for every event of a fact.
    fn implied(&self, fact: Fact<'_>, asked: &Predicate) -> Option<bool> {
        let given = fact.predicate;
        let is_plain = |predicate: &Predicate| !predicate.computed && predicate.modifiers.is_empty();
        if given.raw_field != asked.raw_field
            || given.raw_field.is_empty()
            || given.derived_from != asked.derived_from
            || !is_plain(given)
            || !is_plain(asked)
        {
            return None;
        }
        // Whether the field is there, as far as the fact says.
        let present = match (given.op, fact.inverted) {
            (Op::IsNull, inverted) => Some(inverted),
            (Op::IsNotNull, inverted) => Some(!inverted),
            (_, inverted) => {
                (given.missing == Missing::Null || (given.missing == Missing::Holds) == inverted).then_some(true)
            }
        };
        match asked.op {
            Op::IsNull => return present.map(|present| present == asked.negated),
            Op::IsNotNull => return present.map(|present| present != asked.negated),
            _ => {}
        }
        if present == Some(false) {
            return Some(asked.missing == Missing::Holds);
        }
        if given.op.is_presence() {
            return None;
        }
        self.pairs.set(self.pairs.get().checked_sub(given.values.len().max(1) * asked.values.len().max(1))?);
        let matches = matched(given, fact.inverted != given.negated, asked)?;
        match (matches != asked.negated, present) {
            (holds, Some(true)) => Some(holds),
            // A field that may be missing decides where that leads to the same.
            (holds, _) => ((asked.missing == Missing::Holds) == holds).then_some(holds),
        }
    }
}

/// Whether a value that `given` matches, or does not match where `negative`, is matched by `asked`, their own negations
/// left out.
fn matched(given: &Predicate, negative: bool, asked: &Predicate) -> Option<bool> {
    let holds = |predicate: &Predicate, cased: bool, value: &str| {
        passes(&Passing { op: predicate.op, values: &predicate.values, cased }, value)
    };
    if negative {
        // None of these values: nothing that has to be one of them.
        let strict = given.case_sensitive && !asked.case_sensitive;
        let excluded = given.op.is_whole()
            && asked.op.is_whole()
            && !strict
            && asked.values.iter().all(|value| holds(given, given.case_sensitive, value) == Some(true));
        return excluded.then_some(false);
    }
    if given.op.is_whole() {
        let mut found = None;
        for value in &given.values {
            let holds = match holds(asked, false, value)? {
                false => false,
                true if !asked.case_sensitive => true,
                // The value may be in any case, or is this text.
                true if given.case_sensitive => holds(asked, true, value)?,
                true => return None,
            };
            if found.is_some_and(|found| found != holds) {
                return None;
            }
            found = Some(holds);
        }
        return found;
    }
    let disjoint = asked.op.is_whole()
        && !asked.values.is_empty()
        && asked.values.iter().all(|value| holds(given, false, value) == Some(false));
    disjoint.then_some(false)
}
