//! What keeps a rule from holding on an event: the fewest comparisons that would have to come out otherwise.

use ruleatlas_core::{Literal, normal_form, roles};
use ruleatlas_evaluate::{Compiled, Event, Verdict};
use ruleatlas_model::{Node, Op, Predicate, Rule, Span};
use ruleatlas_taxonomy::{Reader, StepPart, Taxonomy};
use serde_json::Value;

use crate::{Hunter, base, engine::KindPlan, rule::known_field, select::is_asked};

/// Comparisons of a rule that are looked at; of a rule with more nothing is said.
const MAX_COMPARISONS: usize = 4_000;

/// What keeps a step of a rule from holding on an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Miss {
    /// The step, from 0.
    pub step: usize,
    /// The comparisons that would have to come out otherwise, as few as there can be; none where the step holds.
    pub failing: Vec<FailedComparison>,
}

/// A comparison that keeps a rule from holding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedComparison {
    /// The canonical field, or the raw one where the taxonomy does not know it; a part that was not understood has its text.
    pub field: String,
    /// The comparison; `None` for a part that was not understood.
    pub op: Option<Op>,
    /// Its literals.
    pub values: Vec<String>,
    /// Whether the rule demands that it does not hold: an exclusion does.
    pub negated: bool,
    /// Where it stands in the query.
    pub span: Span,
    /// Whether the event has no value of the field.
    pub missing: bool,
    /// Why it cannot be known, where that is so.
    pub unknown: Option<String>,
    /// Other comparisons of which one would do as well.
    pub alternatives: usize,
}

/// An event with what is needed to ask rules about it.
struct Asked<'e> {
    plan: &'e KindPlan,
    record: Event<'e>,
}

impl Hunter {
    /// For each rule the least that keeps one of its steps from holding on one of the events, and the place of that event;
    /// `None` where it is asked about none of them, needs several events, or has too many comparisons.
    #[must_use]
    pub fn explain(&self, rules: &[Rule], events: &[ruleatlas_events::Event]) -> Vec<Option<(usize, Miss)>> {
        let fields: Vec<Value> = events.iter().map(|event| Value::Object(event.fields.clone())).collect();
        let plans: Vec<_> = events.iter().map(|event| self.plan(&self.kinds.of(event))).collect();
        let asked: Vec<Asked<'_>> = events
            .iter()
            .zip(&fields)
            .zip(&plans)
            .map(|((event, fields), plan)| Asked { plan, record: self.event(plan, event.host.as_deref(), fields) })
            .collect();
        rules.iter().map(|rule| self.explain_rule(rule, &asked)).collect()
    }

    fn explain_rule(&self, rule: &Rule, asked: &[Asked<'_>]) -> Option<(usize, Miss)> {
        let taxonomy = Taxonomy::builtin();
        let parts = StepPart::of_steps(&rule.conditions);
        if parts.iter().filter(|part| **part == StepPart::Needed).count() > 1 {
            return None;
        }
        let placed = roles(&rule.conditions);
        let mut best: Option<(usize, Miss)> = None;
        for (step, condition) in rule.conditions.iter().enumerate() {
            if parts.get(step) == Some(&StepPart::Spare) || condition.absent {
                continue;
            }
            let in_step: Vec<_> = placed.iter().filter(|placed| placed.step as usize == step).collect();
            let reads = taxonomy.step_reads(rule.vendor, condition, &in_step);
            let is_read = |asked: &Asked<'_>| {
                self.options.any_source || self.options.raw || is_asked(&reads, &rule.platforms, &asked.plan.kind)
            };
            let reader = taxonomy.reader(rule.vendor, &condition.sources);
            // What is computed over several events is not decided here, and makes a hit a candidate.
            let plain = base::without_computed(&condition.root);
            let root = plain.as_ref().unwrap_or(&condition.root);
            let Some(tree) = Tree::new(root, &reader, self.options.raw) else { continue };
            for (place, asked) in asked.iter().enumerate().filter(|(_, asked)| is_read(asked)) {
                let failing = tree.failing(&asked.record);
                if best.as_ref().is_none_or(|(_, known)| failing.len() < known.failing.len()) {
                    best = Some((place, Miss { step, failing }));
                }
            }
        }
        best
    }
}

/// A condition in negation normal form, its comparisons made ready.
enum Tree {
    All(Vec<Tree>),
    Any(Vec<Tree>),
    Leaf(Box<Leaf>),
}

struct Leaf {
    condition: Compiled,
    /// Whether the event has a value of the field.
    presence: Option<Compiled>,
    shown: FailedComparison,
}

impl Tree {
    /// `None` where there are more comparisons than are looked at.
    fn new(root: &Node, reader: &Reader<'_>, is_raw: bool) -> Option<Self> {
        let mut left = MAX_COMPARISONS;
        Self::of(&normal_form(root), reader, is_raw, &mut left)
    }

    fn of(literal: &Literal<'_>, reader: &Reader<'_>, is_raw: bool, left: &mut usize) -> Option<Self> {
        let mut children = |children: &[Literal<'_>]| -> Option<Vec<Self>> {
            children.iter().map(|child| Self::of(child, reader, is_raw, left)).collect()
        };
        match literal {
            Literal::All(parts) => return Some(Self::All(children(parts)?)),
            Literal::Any { children: parts, .. } => return Some(Self::Any(children(parts)?)),
            Literal::Predicate { .. } | Literal::Opaque { .. } => {}
        }
        *left = left.checked_sub(1)?;
        let resolve = |name: &str| if is_raw { None } else { known_field(reader, name) };
        let (node, inverted, shown, presence) = match literal {
            Literal::Predicate { predicate, inverted } => {
                let field = reader.field_of(predicate).map(|used| used.field.name.clone());
                let shown = FailedComparison {
                    field: field.unwrap_or_else(|| predicate.raw_field.clone()),
                    op: Some(predicate.op),
                    values: predicate.values.clone(),
                    negated: *inverted != predicate.negated,
                    span: predicate.span,
                    missing: false,
                    unknown: None,
                    alternatives: 0,
                };
                let is_plain = !predicate.op.is_presence() && !predicate.raw_field.is_empty();
                let presence = is_plain.then(|| Predicate {
                    derived_from: predicate.derived_from.clone(),
                    ..Predicate::new(&predicate.raw_field, Op::IsNotNull, [] as [&str; 0])
                });
                (Node::from((*predicate).clone()), *inverted, shown, presence)
            }
            Literal::Opaque { opaque, inverted } => {
                let shown = FailedComparison {
                    field: opaque.text.clone(),
                    op: None,
                    values: Vec::new(),
                    negated: *inverted,
                    span: opaque.span,
                    missing: false,
                    unknown: Some(opaque.reason.clone()),
                    alternatives: 0,
                };
                (Node::Opaque(Box::new((*opaque).clone())), *inverted, shown, None)
            }
            Literal::All(_) | Literal::Any { .. } => return None,
        };
        let node = if inverted { Node::Not(Box::new(node)) } else { node };
        let presence = presence.map(|presence| Compiled::resolved(&presence.into(), &resolve));
        Some(Self::Leaf(Box::new(Leaf { condition: Compiled::resolved(&node, &resolve), presence, shown })))
    }

    /// The fewest comparisons that would have to come out otherwise for it to hold.
    fn failing(&self, record: &Event<'_>) -> Vec<FailedComparison> {
        match self {
            Self::Leaf(leaf) => leaf.failing(record).into_iter().collect(),
            Self::All(children) => children.iter().flat_map(|child| child.failing(record)).collect(),
            Self::Any(children) => {
                let mut best: Option<Vec<FailedComparison>> = None;
                let mut equals = 0;
                for child in children {
                    let failing = child.failing(record);
                    match &best {
                        _ if failing.is_empty() => return failing,
                        Some(known) if known.len() == failing.len() => equals += 1,
                        Some(known) if known.len() < failing.len() => {}
                        _ => {
                            equals = 0;
                            best = Some(failing);
                        }
                    }
                }
                let mut best = best.unwrap_or_default();
                if let [only] = best.as_mut_slice() {
                    only.alternatives += equals;
                }
                best
            }
        }
    }
}

impl Leaf {
    fn failing(&self, record: &Event<'_>) -> Option<FailedComparison> {
        let unknown = match self.condition.evaluate(record) {
            Verdict::Holds => return None,
            Verdict::Fails => None,
            Verdict::Unknown(reasons) => reasons.first().map(ToString::to_string),
        };
        let presence = self.presence.as_ref().map(|presence| presence.evaluate(record));
        let missing = matches!(presence, Some(Verdict::Fails));
        Some(FailedComparison {
            missing,
            unknown: unknown.or_else(|| self.shown.unknown.clone()),
            ..self.shown.clone()
        })
    }
}
