//! Which comparisons of a rule were added, dropped, widened or narrowed.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use ruleatlas_catalog::PredicateRow;
use ruleatlas_model::{Op, Role, fold_case};
use serde::Serialize;
use utoipa::ToSchema;

/// What happened to a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PredicateChangeKind {
    /// The rule did not have it.
    Added,
    /// The rule does not have it any more.
    Dropped,
    /// It has more values.
    Widened,
    /// It has fewer values.
    Narrowed,
    /// It has other values.
    Replaced,
}

impl PredicateChangeKind {
    /// The name in data.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Dropped => "dropped",
            Self::Widened => "widened",
            Self::Narrowed => "narrowed",
            Self::Replaced => "replaced",
        }
    }
}

/// A comparison that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PredicateChange {
    /// What happened to it.
    pub change: PredicateChangeKind,
    /// What the comparison does in the rule.
    pub role: Role,
    /// The canonical field, or the name as written where it is not known.
    pub field: String,
    /// The operator in its positive form.
    #[schema(value_type = String)]
    pub op: Op,
    /// Whether the comparison is negative where the role does not say so.
    pub negated: bool,
    /// Values that it had and has not; of a dropped comparison all.
    pub values_dropped: Vec<String>,
    /// Values that it has and had not; of an added comparison all.
    pub values_added: Vec<String>,
    /// How many values it had and still has.
    pub values_kept: usize,
}

/// A comparison without its place and its values.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    step: u32,
    role: Role,
    field: String,
    op: Op,
    negated: bool,
    case_sensitive: bool,
    modifiers: String,
}

/// The values of a comparison, ordered, each once.
type Values = Vec<String>;

/// The comparisons of the old and the new rule that compare one thing in one way.
#[derive(Default)]
struct Pairs {
    old: BTreeSet<Values>,
    new: BTreeSet<Values>,
}

/// How the comparisons of a rule differ, in the order of steps, roles, fields and operators. Their order in the query, the
/// case of values that compare without case, and what is written twice make no difference.
#[must_use]
pub fn predicate_changes(old: &[PredicateRow], new: &[PredicateRow]) -> Vec<PredicateChange> {
    let mut pairs: BTreeMap<Key, Pairs> = BTreeMap::new();
    for row in old {
        pairs.entry(Key::of(row)).or_default().old.insert(values(row));
    }
    for row in new {
        pairs.entry(Key::of(row)).or_default().new.insert(values(row));
    }
    let mut changes = Vec::new();
    for (key, pairs) in pairs {
        let mut only_new: Vec<&Values> = pairs.new.difference(&pairs.old).collect();
        for old in pairs.old.difference(&pairs.new) {
            // The one that shares the most values is what became of this one.
            let candidates = only_new.iter().take(MAX_CANDIDATES).enumerate();
            let shared = candidates.map(|(at, new)| (count_common(old, new), Reverse(at))).max();
            changes.push(match shared {
                Some((shared, Reverse(at))) if shared > 0 => key.change(Some(old), Some(only_new.remove(at))),
                _ => key.change(Some(old), None),
            });
        }
        changes.extend(only_new.into_iter().map(|new| key.change(None, Some(new))));
    }
    changes
}

/// Comparisons among which the counterpart of one is looked for.
const MAX_CANDIDATES: usize = 64;

fn values(row: &PredicateRow) -> Values {
    let folded = |value: &String| match row.case_sensitive {
        true => value.clone(),
        false => fold_case(value).into_owned(),
    };
    let mut values: Values = row.values.iter().map(folded).collect();
    values.sort_unstable();
    values.dedup();
    values
}

/// How many values two ordered lists share.
fn count_common(one: &[String], other: &[String]) -> usize {
    one.iter().filter(|value| other.binary_search(value).is_ok()).count()
}

impl Key {
    fn of(row: &PredicateRow) -> Self {
        Self {
            step: row.step,
            role: row.role,
            field: row.field.clone(),
            // A list of one value and the value mean the same.
            op: if row.op == Op::In { Op::Eq } else { row.op },
            negated: row.negated,
            case_sensitive: row.case_sensitive,
            modifiers: row.modifiers.to_string(),
        }
    }

    /// The change from the values of the old comparison to those of the new one.
    fn change(&self, old: Option<&Values>, new: Option<&Values>) -> PredicateChange {
        let without = |values: Option<&Values>, others: Option<&Values>| -> Values {
            let is_other = |value: &&String| others.is_none_or(|others| others.binary_search(value).is_err());
            values.into_iter().flatten().filter(is_other).cloned().collect()
        };
        let (dropped, added) = (without(old, new), without(new, old));
        let change = match (old, new) {
            (_, None) => PredicateChangeKind::Dropped,
            (None, Some(_)) => PredicateChangeKind::Added,
            (Some(_), Some(_)) if dropped.is_empty() => PredicateChangeKind::Widened,
            (Some(_), Some(_)) if added.is_empty() => PredicateChangeKind::Narrowed,
            (Some(_), Some(_)) => PredicateChangeKind::Replaced,
        };
        PredicateChange {
            change,
            role: self.role,
            field: self.field.clone(),
            op: shown_op(self.op, new.or(old).map_or(0, Vec::len)),
            negated: self.negated,
            values_kept: old.map_or(0, |old| old.len() - dropped.len()),
            values_dropped: dropped,
            values_added: added,
        }
    }
}

fn shown_op(op: Op, values: usize) -> Op {
    if op == Op::Eq && values > 1 { Op::In } else { op }
}

#[cfg(test)]
mod tests {
    use ruleatlas_catalog::Entry;
    use ruleatlas_model::{Condition, Language, Node, Predicate, Rule, Vendor};
    use ruleatlas_taxonomy::Taxonomy;

    use super::*;

    fn rows(predicates: &[(&str, Op, &[&str])]) -> Vec<PredicateRow> {
        let node =
            |(field, op, values): &(&str, Op, &[&str])| Node::from(Predicate::new(*field, *op, values.iter().copied()));
        let mut rule = Rule::blank(Vendor::Sigma, Language::Sigma, "a.yml");
        rule.conditions = vec![Condition::new(Node::all(predicates.iter().map(node)))];
        Entry::new(rule, Taxonomy::builtin()).predicates
    }

    #[track_caller]
    fn check(old: &[(&str, Op, &[&str])], new: &[(&str, Op, &[&str])], wanted: &[(PredicateChangeKind, &str)]) {
        let found = predicate_changes(&rows(old), &rows(new));
        let found: Vec<_> = found.iter().map(|change| (change.change, change.field.as_str())).collect();
        assert_eq!(found, wanted);
    }

    #[test]
    fn comparisons_are_paired_by_the_values_that_they_share() {
        use PredicateChangeKind::{Added, Dropped, Narrowed, Replaced, Widened};
        let (contains, eq, within) = (Op::Contains, Op::Eq, Op::In);
        check(&[("Image", eq, &["a"])], &[("Image", within, &["A"])], &[]);
        check(&[("Image", eq, &["a"])], &[("Image", within, &["a", "b"])], &[(Widened, "Image")]);
        check(&[("Image", within, &["a", "b"])], &[("Image", eq, &["b"])], &[(Narrowed, "Image")]);
        check(&[("Image", within, &["a", "b"])], &[("Image", within, &["b", "c"])], &[(Replaced, "Image")]);
        check(&[("Image", eq, &["a"])], &[("Image", eq, &["b"])], &[(Dropped, "Image"), (Added, "Image")]);
        // Two comparisons of one field, of which one got a value.
        let old = [("CommandLine", contains, &["a"][..]), ("CommandLine", contains, &["b"])];
        let new = [("CommandLine", contains, &["b", "c"][..]), ("CommandLine", contains, &["a"])];
        check(&old, &new, &[(Widened, "CommandLine")]);
        check(&[("Image", Op::IsNotNull, &[])], &[], &[(Dropped, "Image")]);
        check(&[("Image", Op::IsNotNull, &[])], &[("Image", Op::IsNotNull, &[])], &[]);
    }
}
