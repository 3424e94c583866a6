//! A value compared with literals: followed through `coalesce`, `if`, `case` and lookups to the fields.

use std::rc::Rc;

use ruleatlas_model::{Missing, Node, Op};

use super::{Lowering, all, any, check::Check};
use crate::names::Value;

impl Lowering<'_> {
    /// The condition under which `value` passes; `None` where that is a matter of time or of the choice of data.
    pub(super) fn compare(&mut self, value: &Value, check: &Check) -> Option<Node> {
        if !self.spend(1 + check.values.len() / 8) {
            return Self::too_large("list", check.span);
        }
        match value {
            Value::Field { name, derived_from, step } => {
                self.touched.push(*step);
                let mut predicate = check.predicate(name);
                predicate.derived_from.clone_from(derived_from);
                Some(predicate.into())
            }
            Value::Literal(literal) => match check.holds(literal) {
                Some(holds) => Some(Node::constant(holds)),
                None => Some(computed(literal, check)),
            },
            Value::Null => Some(Node::constant(check.op == Op::IsNull && !check.negated)),
            Value::Folded(inner) => self.compare(inner, &Check { cased: false, ..check.clone() }),
            Value::Number(inner) => self.compare(inner, &Check { numeric: true, ..check.clone() }),
            Value::Any { values, ordered, .. } => self.compare_first(values, *ordered, check),
            Value::Case { branches, otherwise, .. } => self.compare_case(branches, otherwise, check),
            Value::Test(node) => self.compare_truth(node.as_ref(), check),
            Value::Computed(text) | Value::Changed { text, .. } => Some(computed(text, check)),
            Value::Grouped { text, step, .. } => {
                self.touched.push(*step);
                Some(computed(text, check))
            }
            Value::Time => None,
            Value::Lookup(column) => self.compare_lookup(column, check),
        }
    }

    /// `coalesce(a, b)`: the first that is not null passes. That those before a field are null decides, and is counted
    /// nowhere; before a literal it is what the search asks for.
    fn compare_first(&mut self, values: &[Rc<Value>], ordered: bool, check: &Check) -> Option<Node> {
        self.branched = true;
        // A null before the value that passes must not hide it.
        let positive = Check { missing: Missing::Fails, ..check.positive() };
        let is_null = Check { op: Op::IsNull, values: Vec::new(), cased: false, ..positive.clone() };
        if check.op == Op::IsNull {
            let nodes: Vec<_> = values.iter().map(|value| self.compare(value, &positive)).collect();
            let node = all(nodes);
            return if check.negated { node.map(Node::not) } else { node };
        }
        let mut alternatives = Vec::new();
        for (at, value) in values.iter().enumerate() {
            // Where all are null, so is what the last one says.
            let is_last = ordered && at + 1 == values.len() && !check.op.is_presence();
            let missing = match (is_last, check.negated) {
                (true, true) => Missing::Null,
                (true, false) => check.missing,
                _ => Missing::Fails,
            };
            let node = self.compare(value, &Check { missing, ..positive.clone() });
            let constant = node.as_ref().and_then(Node::as_constant);
            if at == 0 || !ordered || check.op == Op::IsNotNull || node.is_none() || constant == Some(false) {
                alternatives.push(node);
                continue;
            }
            let mut parts: Vec<_> = values[..at].iter().map(|value| self.compare(value, &is_null)).collect();
            if constant.is_none() {
                for part in parts.iter_mut().flatten() {
                    part.for_each_predicate_mut(&mut |predicate| predicate.guard = true);
                }
            }
            parts.push(node);
            alternatives.push(all(parts));
        }
        let node = any(alternatives);
        if check.negated { node.map(Node::not) } else { node }
    }

    /// `if` and `case`: the conditions that lead to a value that passes.
    fn compare_case(
        &mut self,
        branches: &[(Option<Node>, Rc<Value>)],
        otherwise: &Value,
        check: &Check,
    ) -> Option<Node> {
        self.branched = true;
        let mut rest = self.compare(otherwise, check);
        for (condition, value) in branches.iter().rev() {
            let passes = self.compare(value, check);
            let constant = passes.as_ref().map(Node::as_constant);
            let Some(condition) = condition else {
                // Whether the branch is taken is a matter of time: it is as if it were, where its value passes.
                if constant != Some(Some(false)) {
                    rest = passes.filter(|node| node.as_constant() != Some(true));
                }
                continue;
            };
            let size = condition.walk().count();
            if !self.spend(2 * size) {
                return Self::too_large("if or case", check.span);
            }
            let mut taken = condition.clone();
            fail_on_null(&mut taken, false);
            rest = match (constant, rest) {
                // Passing by time in the branch or behind it leaves nothing to say.
                (None, _) | (_, None) if constant != Some(Some(false)) => None,
                (_, None) => Some(taken.not()),
                (Some(Some(true)), Some(rest)) if rest.as_constant() == Some(false) => Some(taken),
                (Some(Some(true)), Some(rest)) => Some(Node::any([taken, rest])),
                (Some(Some(false)), Some(rest)) => Some(Node::all([taken.not(), rest])),
                (_, Some(rest)) => {
                    let here = Node::all([taken.clone(), passes.unwrap_or_else(Node::always)]);
                    if rest.as_constant() == Some(false) {
                        Some(here)
                    } else {
                        Some(Node::any([here, Node::all([taken.not(), rest])]))
                    }
                }
            };
        }
        rest
    }

    /// A truth value, compared with `true`, `false`, `1` or `0`.
    fn compare_truth(&mut self, node: Option<&Node>, check: &Check) -> Option<Node> {
        let node = node?;
        if !self.spend(node.walk().count()) {
            return Self::too_large("truth value", check.span);
        }
        if matches!(node, Node::Opaque(_)) {
            return Some(node.clone());
        }
        let loosely = Check { cased: false, ..check.positive() };
        let passes = |words: &[&str]| words.iter().any(|word| loosely.holds(word) == Some(true));
        let (on_true, on_false) = match check.op {
            Op::IsNull => (check.negated, check.negated),
            Op::IsNotNull => (!check.negated, !check.negated),
            _ => (passes(&["true", "1"]) != check.negated, passes(&["false", "0"]) != check.negated),
        };
        Some(match (on_true, on_false) {
            (true, true) => Node::always(),
            (true, false) => node.clone(),
            (false, true) => node.clone().not(),
            (false, false) => Node::never(),
        })
    }
}

/// A comparison of something computed.
pub(super) fn computed(text: &str, check: &Check) -> Node {
    let mut predicate = check.predicate(&clip(text));
    predicate.computed = true;
    predicate.into()
}

/// The text, cut where it is very long.
pub(super) fn clip(text: &str) -> String {
    const LONGEST: usize = 400;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// `if` and `case` take null for false: a comparison of a missing field must not make the condition hold, neither by
/// itself nor under an odd number of negations.
fn fail_on_null(node: &mut Node, inverted: bool) {
    match node {
        Node::All(children) | Node::Any(children) => {
            for child in children {
                fail_on_null(child, inverted);
            }
        }
        Node::Not(child) => fail_on_null(child, !inverted),
        Node::Predicate(predicate) if predicate.missing == Missing::Null => {
            predicate.missing = if inverted { Missing::Holds } else { Missing::Fails };
        }
        Node::Predicate(_) | Node::Opaque(_) => {}
    }
}
