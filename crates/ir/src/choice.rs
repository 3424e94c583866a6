//! Conditions on a value that is one of several.

use ruleatlas_core::BUDGET;
use ruleatlas_model::{Missing, Node, Span};

use crate::condition::{Presence, Side};
use crate::engine::Engine;
use crate::value::{Cases, Value};

impl<'p> Engine<'p, '_> {
    /// A condition on a value that is one of several: each with the condition that gives it, and those before it that
    /// give another value not met.
    pub fn spread(
        &mut self,
        cases: &Cases<'p>,
        on: &mut dyn FnMut(&mut Self, &Value<'p>) -> Option<Node>,
    ) -> Option<Node> {
        if !self.enter() {
            return Some(Node::opaque("", BUDGET, Span::default()));
        }
        let mut alternatives = Vec::new();
        // Conditions that come first and give another value.
        let mut elsewhere: Vec<Node> = Vec::new();
        let mut says_something = false;
        let arms = cases.arms.iter().map(|(condition, value)| (Some(condition), value));
        for (condition, value) in arms.chain([(None, &cases.otherwise)]) {
            let result = on(self, value);
            says_something |= result.is_some();
            let result = result.unwrap_or_else(Node::always);
            let holds = result.as_constant();
            let condition = condition.and_then(|condition| self.resolved_again(condition));
            if holds != Some(false) {
                let mut parts: Vec<Node> = condition.iter().cloned().collect();
                parts.push(result);
                parts.push(Node::any(self.copied(&elsewhere)).not());
                alternatives.push(Node::all(parts));
            }
            if holds != Some(true) {
                elsewhere.extend(condition);
            }
        }
        self.leave();
        if !says_something {
            return None;
        }
        let node = Node::any(alternatives);
        let fits = self.has_room(std::slice::from_ref(&node));
        Some(if fits { node } else { Node::opaque("", BUDGET, Span::default()) })
    }

    /// A condition on the first of some values that is not missing: each is asked where those before it are missing.
    ///
    /// `on` gives the condition as written, its negation included.
    pub fn first(
        &mut self,
        values: &[Value<'p>],
        negated: bool,
        span: Span,
        on: &mut dyn FnMut(&mut Self, &Value<'p>) -> Option<Node>,
    ) -> Option<Node> {
        let mut alternatives = Vec::new();
        let mut missing: Vec<Node> = Vec::new();
        for (at, value) in values.iter().enumerate() {
            let is_last = at + 1 == values.len();
            let mut node = on(self, value)?;
            if !is_last {
                // Without a value it is the next one's turn.
                let rule = if negated { Missing::Holds } else { Missing::Fails };
                node.for_each_predicate_mut(&mut |predicate| {
                    if !predicate.op.is_presence() {
                        predicate.missing = rule;
                    }
                });
            }
            let node = if negated { node.not() } else { node };
            match node.as_constant() {
                Some(false) => {}
                // The constant that stands for a missing value passes: that it is missing is what is asked for.
                Some(true) => alternatives.push(Node::all(self.copied(&missing))),
                None => {
                    let mut parts = self.copied(&missing);
                    for part in &mut parts {
                        part.for_each_predicate_mut(&mut |predicate| predicate.guard = true);
                    }
                    parts.push(node);
                    alternatives.push(Node::all(parts));
                }
            }
            if !is_last {
                let side = Side { alternative: true, ..Side::default() };
                let asked = Presence { present: false, empty_is_null: false, span, side };
                missing.extend(self.presence(value, span, asked));
            }
        }
        let node = Node::any(alternatives);
        Some(if negated { node.not() } else { node })
    }
}
