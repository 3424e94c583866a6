//! Conditions on a value that is one of several.

use ruleatlas_core::BUDGET;
use ruleatlas_model::{Missing, Node, Span};

use crate::condition::{Presence, Side};
use crate::engine::Engine;
use crate::value::{Cases, Value};

impl<'p> Engine<'p, '_> {
    /// Whether a choice says first which conditions must not hold, and of a negated comparison that the choice is not so.
    pub fn says_exceptions_first(&self) -> bool {
        self.searches.is_some()
    }

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
        self.is_choice = true;
        if self.says_exceptions_first() {
            let node = self.spread_in_turn(cases, on);
            self.leave();
            return node;
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
                let at = if self.semantics.scripts.is_some() { 0 } else { parts.len() };
                parts.insert(at, Node::any(self.copied(&elsewhere)).not());
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

    /// The same, each alternative within that none before it is met.
    fn spread_in_turn(
        &mut self,
        cases: &Cases<'p>,
        on: &mut dyn FnMut(&mut Self, &Value<'p>) -> Option<Node>,
    ) -> Option<Node> {
        let mut rest = on(self, &cases.otherwise);
        for (condition, value) in cases.arms.iter().rev() {
            let passes = on(self, value);
            let constant = passes.as_ref().map(Node::as_constant);
            let Some(taken) = self.resolved_again(condition) else {
                // Whether it is met is a matter of time or of the data: it is as if it were, where its value passes.
                if constant != Some(Some(false)) {
                    rest = passes.filter(|node| node.as_constant() != Some(true));
                }
                continue;
            };
            rest = match (constant, rest) {
                // What passes without a condition on the event leaves nothing to say.
                (None, _) => None,
                (Some(Some(false)), None) => Some(taken.not()),
                (Some(_), None) => None,
                (Some(Some(true)), Some(rest)) => Some(Node::any([taken, rest])),
                (Some(Some(false)), Some(rest)) => Some(Node::all([taken.not(), rest])),
                (Some(None), Some(rest)) => {
                    let passes = passes.unwrap_or_else(Node::always);
                    if rest.as_constant() == Some(false) {
                        Some(Node::all([taken, passes]))
                    } else {
                        let not_taken = self.resolved_again(condition).unwrap_or_else(Node::always).not();
                        Some(Node::any([Node::all([taken, passes]), Node::all([not_taken, rest])]))
                    }
                }
            };
        }
        rest
    }

    /// A condition on the first of some values that is not missing: each is asked where those before it are missing.
    ///
    /// `on` gives the condition as written, or without its negation where exceptions are said first; `fails` says that
    /// it fails without a value, negated or not.
    pub fn first(
        &mut self,
        values: &[Value<'p>],
        (negated, fails): (bool, bool),
        span: Span,
        on: &mut dyn FnMut(&mut Self, &Value<'p>) -> Option<Node>,
    ) -> Option<Node> {
        self.is_choice = true;
        let positive = self.says_exceptions_first();
        let mut alternatives = Vec::new();
        let mut missing: Vec<Node> = Vec::new();
        for (at, value) in values.iter().enumerate() {
            let is_last = at + 1 == values.len();
            let mut node = on(self, value)?;
            // Without a value it is the next one's turn; where the last has none, a comparison that fails without a value
            // must not hold for being negated.
            let rule = match (is_last, negated, positive) {
                (false, true, false) => Some(Missing::Holds),
                (false, ..) => Some(Missing::Fails),
                (true, true, true) if fails => Some(Missing::Null),
                (true, ..) => None,
            };
            if let Some(rule) = rule {
                node.for_each_predicate_mut(&mut |predicate| {
                    if !predicate.op.is_presence() {
                        predicate.missing = rule;
                    }
                });
            }
            let node = if negated && !positive { node.not() } else { node };
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
                // In scripts an empty text is a missing value.
                let empty_is_null = self.semantics.scripts.is_some();
                let asked = Presence { present: false, empty_is_null, span, side };
                missing.extend(self.presence(value, span, asked));
            }
        }
        let node = Node::any(alternatives);
        Some(if negated { node.not() } else { node })
    }
}
