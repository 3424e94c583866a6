//! Comparisons: two values and an operator in, a condition out.

use std::rc::Rc;

use ruleatlas_model::{Missing, Modifier, Modifiers, Node, Op, Predicate, Span};
use rustc_hash::FxHashSet;

use super::Lowering;
use super::condition::{Side, same};
use super::value::{Const, Field, Value};
use crate::ast::{Comparison, LiteralKind, Relation};

/// What a value is compared with.
pub(super) enum Right<'v, 'a> {
    /// One value, and the place of its text.
    Value(&'v Value<'a>, Span),
    /// A list.
    Set(&'v Set),
}

/// The items of a list.
#[derive(Clone, Debug, Default)]
pub(super) struct Set {
    /// The constants.
    pub constants: Vec<Const>,
    /// Lists that are known by name only.
    pub names: Vec<Rc<str>>,
    /// Fields.
    pub fields: Vec<Field>,
    /// Texts of what is computed.
    pub computed: Vec<String>,
    /// Those that [`Set::computed`] has.
    pub seen: FxHashSet<String>,
    /// Sub-queries that are steps of their own.
    pub rows: Vec<String>,
    /// Why an item is not known.
    pub unknown: Option<Rc<str>>,
}

/// The texts of constants.
pub(super) fn values_of(constants: &[Const]) -> Vec<String> {
    constants.iter().map(|constant| constant.text.to_string()).collect()
}

fn op_of(relation: Relation) -> Op {
    match relation {
        Relation::Equal => Op::Eq,
        Relation::In => Op::In,
        Relation::Less => Op::Lt,
        Relation::LessEqual => Op::Lte,
        Relation::Greater => Op::Gt,
        Relation::GreaterEqual => Op::Gte,
        Relation::Has | Relation::HasPrefix | Relation::HasSuffix | Relation::HasAny | Relation::HasAll => Op::Match,
        Relation::Contains => Op::Contains,
        Relation::StartsWith => Op::StartsWith,
        Relation::EndsWith => Op::EndsWith,
        Relation::Regex => Op::RegexMatch,
    }
}

fn is_order(relation: Relation) -> bool {
    matches!(relation, Relation::Less | Relation::LessEqual | Relation::Greater | Relation::GreaterEqual)
}

/// The relation with its sides changed, where there is one.
fn flipped(relation: Relation) -> Option<Relation> {
    Some(match relation {
        Relation::Equal => Relation::Equal,
        Relation::Less => Relation::Greater,
        Relation::LessEqual => Relation::GreaterEqual,
        Relation::Greater => Relation::Less,
        Relation::GreaterEqual => Relation::LessEqual,
        _ => return None,
    })
}

impl<'a> Lowering<'a, '_> {
    /// The condition that a comparison is; `None` where it says nothing of the event.
    pub(super) fn relate(
        &mut self,
        comparison: Comparison,
        left: &Value<'a>,
        written: Span,
        right: &Right<'_, 'a>,
        span: Span,
        side: Side,
    ) -> Option<Node> {
        match left {
            Value::Cases(arms, rest) => {
                return self.spread(&arms.clone(), &rest.clone(), &mut |this, value| {
                    this.relate(comparison, value, written, right, span, side)
                });
            }
            Value::Either(values) => {
                let nodes: Vec<_> = values
                    .iter()
                    .filter_map(|value| self.relate(comparison, value, written, right, span, side))
                    .collect();
                return alternatives(nodes, comparison.negated);
            }
            Value::First(values) => {
                return self.first(values, comparison.negated, span, side, &mut |this, value| {
                    this.relate(comparison, value, written, right, span, side)
                });
            }
            Value::Outer(outer) => {
                // `== ""` and `== dynamic(null)` ask whether the other table has a row, as `isempty` does.
                if let (Relation::Equal, Right::Value(Value::Const(constant), _)) = (comparison.operator, right)
                    && (constant.text.is_empty() || constant.kind == LiteralKind::Null)
                {
                    return self.presence(left, written, !comparison.negated, span, side);
                }
                return self.relate(comparison, &outer.value, written, right, span, side);
            }
            Value::Unknown(name) => return Some(self.undefined(name, span)),
            Value::Time(_) if !matches!(right, Right::Value(Value::Cut(_), _)) => {
                return match right {
                    // `ago(1d) > FirstSeen`, where `FirstSeen` is computed.
                    Right::Value(Value::Computed, _) if matches!(left, Value::Time(false)) => {
                        Some(self.leaf_computed(comparison, written, right, span))
                    }
                    _ => None,
                };
            }
            _ => {}
        }
        match right {
            Right::Value(value, place) => self.relate_value(comparison, left, written, (value, *place), span, side),
            Right::Set(set) => self.relate_set(comparison, left, written, set, span, side),
        }
    }

    fn relate_value(
        &mut self,
        comparison: Comparison,
        left: &Value<'a>,
        written: Span,
        (right, place): (&Value<'a>, Span),
        span: Span,
        side: Side,
    ) -> Option<Node> {
        let both = Right::Value(right, place);
        match right {
            Value::Cases(arms, rest) => {
                return self.spread(&arms.clone(), &rest.clone(), &mut |this, value| {
                    this.relate(comparison, left, written, &Right::Value(value, place), span, side)
                });
            }
            Value::Either(values) if !matches!(left, Value::Condition(_)) => {
                if let (Value::Field(field), Some(constants), Some(relation)) =
                    (left, right.constants(), any_of(comparison.operator))
                {
                    let comparison = Comparison { operator: relation, ..comparison };
                    return Some(self.field_predicate(field, comparison, &constants, span));
                }
                let nodes: Vec<_> = values
                    .iter()
                    .filter_map(|value| self.relate(comparison, left, written, &Right::Value(value, place), span, side))
                    .collect();
                return alternatives(nodes, comparison.negated);
            }
            Value::First(values) => {
                return self.first(values, comparison.negated, span, side, &mut |this, value| {
                    this.relate(comparison, left, written, &Right::Value(value, place), span, side)
                });
            }
            Value::Outer(outer) => {
                return self.relate(comparison, left, written, &Right::Value(&outer.value, place), span, side);
            }
            Value::Unknown(name) => return Some(self.undefined(name, span)),
            Value::Time(_) => {
                let is_window = matches!(left, Value::Field(_) | Value::Const(_) | Value::Time(_) | Value::Named(_));
                return (!is_window).then(|| self.leaf_computed(comparison, written, &both, span));
            }
            _ => {}
        }
        match (left, right) {
            (Value::Condition(node), Value::Const(constant)) if comparison.operator == Relation::Equal => {
                let Some(truth) = truth_of(constant) else {
                    return Some(self.leaf_computed(comparison, written, &both, span));
                };
                let node = self.resolved_again(node.as_ref()?)?;
                Some(if truth == comparison.negated { node.not() } else { node })
            }
            (Value::Const(_), Value::Condition(_)) if comparison.operator == Relation::Equal => {
                self.relate_value(comparison, right, place, (left, written), span, side)
            }
            (Value::Const(a), Value::Const(b)) => match fold(comparison, a, b) {
                Some(holds) => Some(Node::constant(holds)),
                // Times are a window.
                None if [a, b].iter().any(|value| is_time(value)) => None,
                None => Some(self.leaf_computed(comparison, written, &both, span)),
            },
            (
                Value::Const(_),
                Value::Field(_) | Value::Cut(_) | Value::Computed | Value::Collected(_) | Value::Named(_),
            ) => match flipped(comparison.operator) {
                Some(operator) => {
                    let comparison = Comparison { operator, ..comparison };
                    self.relate_value(comparison, right, place, (left, written), span, side)
                }
                None => Some(self.leaf_computed(comparison, written, &both, span)),
            },
            (Value::Field(field), Value::Const(constant)) => {
                Some(self.field_predicate(field, comparison, std::slice::from_ref(constant), span))
            }
            (Value::Field(a), Value::Field(b)) if comparison.operator == Relation::Equal => {
                Some(self.field_ref(a, b, comparison.negated, comparison.case_sensitive, span))
            }
            (Value::Field(field), Value::Named(names)) if !is_order(comparison.operator) => {
                Some(self.in_list(field, names, comparison.negated, span))
            }
            _ => Some(self.leaf_computed(comparison, written, &both, span)),
        }
    }

    fn relate_set(
        &mut self,
        comparison: Comparison,
        left: &Value<'a>,
        written: Span,
        set: &Set,
        span: Span,
        side: Side,
    ) -> Option<Node> {
        if let Some(name) = &set.unknown {
            return Some(self.undefined(name, span));
        }
        if let Value::Rows(_) = left {
            return Some(self.leaf_computed(comparison, written, &Right::Set(set), span));
        }
        let mut parts = Vec::new();
        let equal = Comparison { operator: Relation::Equal, ..comparison };
        match left {
            Value::Field(field) => {
                if !set.constants.is_empty() {
                    parts.push(self.field_predicate(field, comparison, &set.constants, span));
                }
                if !set.names.is_empty() {
                    parts.push(self.in_list(field, &set.names, comparison.negated, span));
                }
                if comparison.operator == Relation::In {
                    let fields = set.fields.iter();
                    parts.extend(fields.map(|other| {
                        self.field_ref(field, other, comparison.negated, comparison.case_sensitive, span)
                    }));
                } else if !set.fields.is_empty() {
                    // One comparison that names all of them.
                    parts.push(self.leaf_computed(comparison, written, &Right::Set(set), span));
                }
                if !set.computed.is_empty() {
                    let op = op_of(comparison.operator);
                    parts.push(self.computed(written, op, comparison.negated, set.computed.clone(), span));
                }
            }
            Value::Const(constant) if comparison.operator == Relation::In => {
                let found = set.constants.iter().any(|other| same(constant, other, comparison.case_sensitive));
                if found {
                    return Some(Node::constant(!comparison.negated));
                }
                for field in &set.fields {
                    parts.push(self.field_predicate(field, equal, std::slice::from_ref(constant), span));
                }
                if !(set.names.is_empty() && set.computed.is_empty()) {
                    parts.push(self.leaf_computed(comparison, written, &Right::Set(set), span));
                }
                if parts.is_empty() && set.rows.is_empty() {
                    return Some(Node::constant(comparison.negated));
                }
            }
            Value::Condition(_) | Value::Time(_) => return None,
            _ if set.rows.is_empty() => return Some(self.leaf_computed(comparison, written, &Right::Set(set), span)),
            _ => {}
        }
        if !set.rows.is_empty() && side.alternative {
            let raw = match left {
                Value::Field(field) => {
                    self.about(field.step);
                    field.path.to_string()
                }
                _ => {
                    self.about(None);
                    self.snippet(written)
                }
            };
            let mut predicate = Predicate::new(raw, Op::InList, set.rows.clone());
            predicate.negated = comparison.negated;
            predicate.computed = true;
            predicate.span = span;
            parts.push(predicate.into());
        }
        alternatives(parts, comparison.negated)
    }

    fn leaf_computed(&mut self, comparison: Comparison, written: Span, right: &Right<'_, 'a>, span: Span) -> Node {
        let values = match right {
            Right::Value(Value::Const(constant), _) => vec![constant.text.to_string()],
            Right::Value(value, place) => match value.constants() {
                Some(constants) => values_of(&constants),
                None => vec![self.snippet(*place)],
            },
            Right::Set(set) => {
                let mut values = values_of(&set.constants);
                values.extend(set.names.iter().map(ToString::to_string));
                values.extend(set.fields.iter().map(|field| field.path.to_string()));
                values.extend(set.computed.iter().cloned());
                values.extend(set.rows.iter().cloned());
                values
            }
        };
        if comparison.operator == Relation::HasAll && values.len() > 1 {
            let each = values.into_iter().map(|value| self.computed(written, Op::Match, false, vec![value], span));
            let node = Node::all(each.collect::<Vec<_>>());
            return if comparison.negated { node.not() } else { node };
        }
        let mut node = self.computed(written, op_of(comparison.operator), comparison.negated, values, span);
        if let Node::Predicate(predicate) = &mut node {
            let is_text = matches!(right, Right::Value(Value::Const(Const { kind: LiteralKind::String, .. }), _));
            predicate.case_sensitive = comparison.case_sensitive && (is_text || matches!(right, Right::Set(_)));
        }
        node
    }
}

/// Any of some comparisons, or none of them where the operator is negated.
fn alternatives(nodes: Vec<Node>, negated: bool) -> Option<Node> {
    match nodes.len() {
        0 => None,
        _ if negated => Some(Node::all(nodes)),
        _ => Some(Node::any(nodes)),
    }
}

/// The operator that takes a list of alternatives for one that takes a single value.
fn any_of(relation: Relation) -> Option<Relation> {
    match relation {
        Relation::Equal => Some(Relation::In),
        Relation::Has => Some(Relation::HasAny),
        Relation::Contains | Relation::StartsWith | Relation::EndsWith | Relation::Regex => Some(relation),
        _ => None,
    }
}

fn truth_of(constant: &Const) -> Option<bool> {
    constant.as_bool().or_else(|| match &*constant.text {
        text if text.eq_ignore_ascii_case("true") => Some(true),
        text if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    })
}

impl Lowering<'_, '_> {
    /// A comparison of a field with constants, each an alternative; those of `has_all` are asked for one by one.
    fn field_predicate(&self, field: &Field, comparison: Comparison, constants: &[Const], span: Span) -> Node {
        self.about(field.step);
        if comparison.operator == Relation::HasAll {
            let each = Comparison { operator: Relation::Has, negated: false, ..comparison };
            let nodes = constants
                .iter()
                .map(|constant| self.field_predicate(field, each, std::slice::from_ref(constant), span));
            let node = Node::all(nodes);
            return if comparison.negated { node.not() } else { node };
        }
        let is_null = constants.iter().all(|constant| constant.kind == LiteralKind::Null);
        if is_null && comparison.operator == Relation::Equal {
            let op = if comparison.negated { Op::IsNotNull } else { Op::IsNull };
            let predicate = Predicate::new(&*field.path, op, [] as [&str; 0]);
            let derived_from = field.from.as_deref().map(str::to_owned);
            return Predicate { span, derived_from, ..predicate }.into();
        }
        let mut predicate = Predicate::new(&*field.path, op_of(comparison.operator), values_of(constants));
        let has_text = constants.iter().any(|constant| constant.kind == LiteralKind::String);
        let ignores_case = comparison.operator == Relation::Regex
            && constants.iter().all(|constant| constant.text.starts_with("(?i)"));
        predicate.case_sensitive = comparison.case_sensitive && has_text && !field.one_case && !ignores_case;
        predicate.modifiers = match comparison.operator {
            Relation::HasPrefix => Modifier::Prefix.into(),
            Relation::HasSuffix => Modifier::Suffix.into(),
            _ => Modifiers::NONE,
        };
        predicate.negated = comparison.negated;
        predicate.missing = missing(comparison, constants);
        predicate.derived_from = field.from.as_deref().map(str::to_owned);
        predicate.span = span;
        predicate.into()
    }
}

/// What a comparison is without a value: as with an empty text; null where an order is asked for.
fn missing(comparison: Comparison, constants: &[Const]) -> Missing {
    if is_order(comparison.operator) {
        return Missing::Null;
    }
    let takes_empty = comparison.operator != Relation::Regex
        && constants.iter().any(|constant| constant.kind == LiteralKind::String && constant.text.is_empty());
    if takes_empty == comparison.negated { Missing::Fails } else { Missing::Holds }
}

fn is_time(constant: &Const) -> bool {
    matches!(constant.kind, LiteralKind::Datetime | LiteralKind::Timespan)
}

/// A comparison of two constants; `None` where the text does not tell.
fn fold(comparison: Comparison, left: &Const, right: &Const) -> Option<bool> {
    let cased = comparison.case_sensitive;
    let (a, b) = if cased {
        (left.text.to_string(), right.text.to_string())
    } else {
        (left.text.to_lowercase(), right.text.to_lowercase())
    };
    // A text that spells a number is one behind `toint`, which is looked through.
    let read = |value: &Const| match value.kind {
        LiteralKind::Number | LiteralKind::String => value.text.trim().parse::<f64>().ok(),
        _ => None,
    };
    let number = || Some((read(left)?, read(right)?));
    let holds = match comparison.operator {
        Relation::Equal | Relation::In => same(left, right, cased),
        Relation::Less => number().map(|(a, b)| a < b)?,
        Relation::LessEqual => number().map(|(a, b)| a <= b)?,
        Relation::Greater => number().map(|(a, b)| a > b)?,
        Relation::GreaterEqual => number().map(|(a, b)| a >= b)?,
        Relation::Contains => a.contains(&b),
        Relation::StartsWith => a.starts_with(&b),
        Relation::EndsWith => a.ends_with(&b),
        Relation::Has | Relation::HasAny | Relation::HasAll => {
            let is_boundary = |character: Option<char>| character.is_none_or(|found| !found.is_alphanumeric());
            !b.is_empty()
                && a.match_indices(&b).any(|(at, found)| {
                    let before = a.get(..at).and_then(|text| text.chars().next_back());
                    let behind = a.get(at + found.len()..).and_then(|text| text.chars().next());
                    is_boundary(before) && is_boundary(behind)
                })
        }
        Relation::HasPrefix | Relation::HasSuffix | Relation::Regex => return None,
    };
    Some(holds != comparison.negated)
}
