//! Comparisons with letters that no value has, with times, with lists that are known by their names, and of two fields.

use std::rc::Rc;

use ruleatlas_core::clip;
use ruleatlas_model::{Diagnostic, Modifier, Node, Op, Span};

use crate::compare::{Subject, missing};
use crate::engine::Engine;
use crate::plan::{CaseRule, Comparison, Const, ConstKind, MissingRule, Relation};
use crate::value::{Field, Letters, Owner, Value};

/// How much of a constant a message says, in bytes.
const MAX_SAID: usize = 120;

impl<'p> Engine<'p, '_> {
    /// The comparison of a value whose letters were brought to one case, where that tells cases apart and a constant has
    /// letters of the other one: no value is such a text.
    pub fn in_other_letters(
        &mut self,
        subject: &Subject<'_>,
        comparison: Comparison,
        constants: &[Const],
        is_list: bool,
        span: Span,
    ) -> Option<Option<Node>> {
        let letters = match subject {
            Subject::Field(field) => field.letters,
            Subject::Computed(computed) => computed.letters,
        };
        let is_text = comparison.relation.is_equality()
            || matches!(
                comparison.relation,
                Relation::Contains
                    | Relation::StartsWith
                    | Relation::EndsWith
                    | Relation::Term
                    | Relation::TermPrefix
                    | Relation::TermSuffix
            );
        let is_possible = |constant: &Const| constant.kind != ConstKind::Text || letters.allow(&constant.text);
        if !is_text || comparison.case == CaseRule::Ignore || constants.iter().all(is_possible) {
            return None;
        }
        let (possible, others): (Vec<Const>, Vec<Const>) = constants.iter().cloned().partition(is_possible);
        if let Some(text) = others.first().map(|constant| clip(&constant.text, MAX_SAID)) {
            let (own, other) = if letters == Letters::Lower { ("lower", "upper") } else { ("upper", "lower") };
            let message = format!("`{text}` has {other}-case letters, and a value in {own} case has none");
            let found = Diagnostic::warning("letters of the other case", message).at(span);
            if self.diagnostics.last() != Some(&found) {
                self.diagnostics.push(found);
            }
        }
        if !possible.is_empty() {
            return Some(self.tested(subject, comparison, &possible, is_list, span));
        }
        if !comparison.negated {
            return Some(Some(Node::never()));
        }
        // Any value differs from it.
        Some(match (subject, comparison.missing) {
            (Subject::Field(field), MissingRule::Null | MissingRule::Fails) => {
                Some(self.predicate(field, Op::IsNotNull, Vec::new(), span).into())
            }
            (Subject::Computed(computed), MissingRule::Null | MissingRule::Fails) => {
                Some(self.computed(&Rc::clone(&computed.text), Op::IsNotNull, Vec::new(), span))
            }
            _ => Some(Node::always()),
        })
    }

    /// The comparison with something that is known by its text alone: in scripts that says nothing of letters.
    pub fn of_unknown_text(&self, comparison: Comparison) -> Comparison {
        match self.semantics.scripts {
            Some(_) => Comparison { case: CaseRule::Ignore, ..comparison },
            None => comparison,
        }
    }

    /// Whether the comparison of a time with this value is one of the value, in a script: `is_event` for the event's time.
    pub fn is_of_value(&self, is_event: bool, value: &Value<'p>) -> bool {
        self.semantics.scripts.is_some()
            && (matches!(value, Value::Cut(_)) || !is_event && matches!(value, Value::Computed(_)))
    }

    /// Whether the comparison of this value with a time is the rule's window.
    pub fn is_window(&self, left: &Value<'p>) -> bool {
        if self.semantics.scripts.is_some() {
            return matches!(left, Value::Field(_) | Value::Const(_) | Value::Time(_) | Value::Named(_));
        }
        !self.is_of_field(left)
    }

    /// A comparison of a field with lists that are known by their names.
    pub fn in_lists(&mut self, field: &Field, names: &[Rc<str>], negated: bool, span: Span) -> Option<Node> {
        let comparison = Comparison::new(Relation::InList, CaseRule::Ignore, self.semantics.missing);
        let names: Vec<Const> = names.iter().map(|name| Const::new(Rc::clone(name), ConstKind::Text)).collect();
        self.field_predicate(field, comparison.negated(negated), &names, true, span)
    }

    /// A comparison of two fields.
    pub fn field_reference(
        &mut self,
        left: &Field,
        right: &Field,
        comparison: Comparison,
        modifier: Option<Modifier>,
        span: Span,
    ) -> Node {
        let mut predicate = self.predicate(left, Op::FieldRef, vec![right.path.to_string()], span);
        self.owner = self.owner.and(Owner::One(right.step));
        predicate.negated = comparison.negated;
        predicate.case_sensitive =
            comparison.case != CaseRule::Ignore && !(left.letters.is_any_case() && right.letters.is_any_case());
        predicate.modifiers = modifier.into_iter().chain(comparison.modifier).collect();
        predicate.missing = missing(comparison, &[]);
        predicate.into()
    }
}

/// How a comparison of two fields says what is compared; nothing where it cannot be said.
pub(crate) fn reference_modifier(relation: Relation) -> Option<Option<Modifier>> {
    match relation {
        Relation::Equal => Some(None),
        Relation::StartsWith => Some(Some(Modifier::StartsWith)),
        Relation::EndsWith => Some(Some(Modifier::EndsWith)),
        Relation::Contains => Some(Some(Modifier::Contains)),
        _ => None,
    }
}
