//! Groups of comparisons of which one must hold for a condition to hold.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::{
    check::{Check, Needed},
    event::{Field, KnownField, Name},
    index::FieldKey,
    matcher::Need,
    ruleset::Shared,
};

/// Groups that are kept of a condition.
const MAX_GROUPS: usize = 3;
/// Texts that the comparisons of a group ask for; a larger one chooses badly.
const MAX_NEEDS: usize = 4_000;
/// Groups that are considered of one `All`.
const MAX_CONSIDERED: usize = 64;
/// Depth to which trees are followed.
const MAX_DEPTH: usize = 400;

/// Comparisons of which one must hold.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// The fields, each once.
    pub fields: Vec<u32>,
    pub cost: f64,
    /// What it asks for, by number in [`Grouping::atoms`].
    pub atoms: Vec<u32>,
    /// How many texts these ask for.
    needs: usize,
}

/// What a comparison asks for of its field.
#[derive(Debug)]
pub(crate) struct Atom {
    pub field: u32,
    /// One of these; any value where there is none.
    pub needs: Option<Vec<Need>>,
    cost: f64,
}

/// Finds the groups of conditions.
pub(crate) struct Grouping<'g> {
    checks: &'g [Check],
    common: &'g FxHashSet<KnownField>,
    pub atoms: Vec<Atom>,
    /// Atoms by comparison and what is wanted of it; `None` where it asks for nothing.
    known: FxHashMap<(u32, bool), Option<u32>>,
    /// Fields, in the order of their numbers.
    pub fields: Vec<FieldKey>,
    numbers: FxHashMap<FieldKey, u32>,
    /// Known fields by the names that rules use for them, in lower case.
    pub by_rule_name: FxHashMap<String, (Name, Vec<u32>)>,
}

impl<'g> Grouping<'g> {
    pub fn new(checks: &'g [Check], common: &'g FxHashSet<KnownField>) -> Self {
        Self {
            checks,
            common,
            atoms: Vec::new(),
            known: FxHashMap::default(),
            fields: Vec::new(),
            numbers: FxHashMap::default(),
            by_rule_name: FxHashMap::default(),
        }
    }

    /// The best groups of a condition, the first on other fields than the others.
    pub fn groups(&mut self, tree: &Shared) -> Box<[Group]> {
        let mut all = self.all(tree, true, 0);
        all.sort_by(|one, other| one.cost.total_cmp(&other.cost));
        let mut kept: Vec<Group> = Vec::new();
        for group in all {
            if kept.len() < MAX_GROUPS && !kept.iter().any(|other| other.fields == group.fields) {
                kept.push(group);
            }
        }
        kept.into()
    }

    /// Groups of which each is necessary for the tree to hold, or to fail where `wanted` is false.
    fn all(&mut self, tree: &Shared, wanted: bool, depth: usize) -> Vec<Group> {
        if depth > MAX_DEPTH {
            return Vec::new();
        }
        match tree {
            Shared::Unknown(_) => Vec::new(),
            Shared::Not(child) => self.all(child, !wanted, depth + 1),
            Shared::Check(check) => self.of_check(*check, wanted).into_iter().collect(),
            Shared::All(children) | Shared::Any(children) => {
                if matches!(tree, Shared::All(_)) == wanted {
                    let mut groups = Vec::new();
                    for child in children {
                        groups.extend(self.all(child, wanted, depth + 1));
                        if groups.len() >= MAX_CONSIDERED {
                            break;
                        }
                    }
                    return groups;
                }
                let mut union = Group { fields: Vec::new(), cost: 0.0, atoms: Vec::new(), needs: 0 };
                for child in children {
                    let of_child = self.all(child, wanted, depth + 1);
                    let Some(best) = of_child.into_iter().min_by(|one, other| one.cost.total_cmp(&other.cost)) else {
                        return Vec::new();
                    };
                    union.cost += best.cost;
                    union.needs += best.needs;
                    union.atoms.extend(best.atoms);
                    union.fields.extend(best.fields);
                    if union.needs > MAX_NEEDS {
                        return Vec::new();
                    }
                }
                union.fields.sort_unstable();
                union.fields.dedup();
                vec![union]
            }
        }
    }

    fn of_check(&mut self, check: u32, wanted: bool) -> Option<Group> {
        let number = match self.known.get(&(check, wanted)) {
            Some(known) => *known,
            None => {
                let made = self.atom(check, wanted).map(|atom| {
                    self.atoms.push(atom);
                    u32::try_from(self.atoms.len() - 1).unwrap_or(u32::MAX)
                });
                self.known.insert((check, wanted), made);
                made
            }
        }?;
        let atom = self.atoms.get(number as usize)?;
        let needs = atom.needs.as_ref().map_or(1, Vec::len);
        Some(Group { fields: vec![atom.field], cost: atom.cost, atoms: vec![number], needs })
    }

    fn atom(&mut self, check: u32, wanted: bool) -> Option<Atom> {
        let checks = self.checks;
        let (field, needed) = checks.get(check as usize)?.needed(wanted)?;
        let is_common = matches!(field, Field::Known { field, .. } if self.common.contains(field));
        let needs = match needed {
            Needed::Value => None,
            Needed::OneOf(needs) => Some(needs),
        };
        if needs.as_ref().is_some_and(|needs| needs.len() > MAX_NEEDS) {
            return None;
        }
        let cost = |need: &Need| match need {
            Need::Inside(text) | Need::Whole(text) => 1.0 / (1.0 + text.len() as f64).powi(2),
            Need::Number(_) => 0.0,
        };
        let cost = needs.as_ref().map_or(1.0, |needs| needs.iter().map(cost).sum::<f64>().min(1.0));
        Some(Atom { field: self.field(field), needs, cost: cost + if is_common { 1.0 } else { 0.0 } })
    }

    fn field(&mut self, field: &Field) -> u32 {
        let key = match field {
            Field::Any => FieldKey::Any,
            Field::Known { field, .. } => FieldKey::Known(*field),
            Field::Named(name) => FieldKey::Named(name.folded().to_owned()),
        };
        let at = match self.numbers.get(&key) {
            Some(at) => *at,
            None => {
                let at = u32::try_from(self.fields.len()).unwrap_or(u32::MAX);
                self.numbers.insert(key.clone(), at);
                self.fields.push(key);
                at
            }
        };
        if let Field::Known { name, .. } = field {
            let known = self.by_rule_name.entry(name.folded().to_owned());
            let (_, places) = known.or_insert_with(|| (Name::new(name.folded()), Vec::new()));
            if !places.contains(&at) {
                places.push(at);
            }
        }
        at
    }
}
