//! What changed between two catalogs: rules that were added or removed, and rules that ask for something else.

mod predicate;

use std::collections::BTreeMap;

use ruleatlas_catalog::{Head, RuleId};
use ruleatlas_logic::{Relation, Statement, compare};
use ruleatlas_model::{Condition, DataSource, Node, Role, Span, Vendor, fold_case};
use ruleatlas_store::TextDigest;
use ruleatlas_taxonomy::Taxonomy;
use rustc_hash::{FxHashMap, FxHashSet};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

pub use self::predicate::{PredicateChange, PredicateChangeKind, predicate_changes};
use crate::{Atlas, Error, RuleItem};

/// What changed from one catalog to another.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Changes {
    /// What keeps the answer from being about rules alone, as sentences.
    pub notes: Vec<String>,
    /// Counts by vendor, of vendors with rules in one of the catalogs.
    pub vendors: Vec<VendorChanges>,
    /// Rules that only the new catalog has.
    pub added: Vec<RuleItem>,
    /// Rules that only the old catalog has.
    pub removed: Vec<RuleItem>,
    /// Rules whose logic is another.
    pub changed: Vec<RuleChange>,
    /// Rules of which only what is said about them changed.
    pub described: Vec<RuleChange>,
}

/// How many rules of a vendor changed.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct VendorChanges {
    /// The vendor.
    pub vendor: Vendor,
    /// Rules that only the new catalog has.
    pub added: usize,
    /// Rules that only the old catalog has.
    pub removed: usize,
    /// Rules whose logic is another.
    pub changed: usize,
    /// Rules whose query is written in another way and means the same.
    pub reworded: usize,
    /// Rules with the same logic, those that are reworded or described in another way among them.
    pub same: usize,
}

/// A rule that both catalogs have and that is not the same in them.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RuleChange {
    /// The rule, as the new catalog has it.
    #[serde(flatten)]
    pub rule: RuleItem,
    /// Its id in the old catalog, where that is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_before: Option<String>,
    /// Whether the query is written in another way. Without that, what the query refers to has changed (a macro, a list), or
    /// how the program reads it.
    pub query_changed: bool,
    /// How the events that the new rule selects relate to those of the old one: `same`, `narrower`, `wider`, `overlapping`,
    /// `disjoint` or `undecided`; null for rules of several steps, and where the logic is the same.
    pub relation: Option<&'static str>,
    /// An event that only the old rule selects.
    pub only_before: Option<Value>,
    /// An event that only the new rule selects.
    pub only_now: Option<Value>,
    /// The comparisons that are not as they were.
    pub predicates: Vec<PredicateChange>,
    /// Changes of the conditions that no comparison shows, as phrases: other log sources, another number of steps, other
    /// places of `and`, `or` and `not`.
    pub structure: Vec<&'static str>,
    /// What is said about the rule in another way.
    pub described: Vec<DescriptionChange>,
}

impl RuleChange {
    /// The exclusions that were added, or have more values.
    pub fn exclusions_added(&self) -> impl Iterator<Item = &PredicateChange> {
        self.predicates.iter().filter(|change| change.role == Role::Exclusion && !change.values_added.is_empty())
    }
}

/// A value of a rule's description that changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DescriptionChange {
    /// What it says: `title`, `severity`, `status`, `techniques`.
    pub name: &'static str,
    /// The value that it had.
    pub before: String,
    /// The value that it has.
    pub now: String,
}

/// Which rules are compared.
#[derive(Clone, Debug, Default)]
pub struct ChangesRequest {
    /// The vendors; none for all.
    pub vendors: Vec<Vendor>,
    /// A technique that rules have in one of the catalogs, or one above theirs.
    pub technique: Option<String>,
}

impl Atlas {
    /// What changed from `old` to this catalog, of the rules that count in one of them.
    ///
    /// A rule is the same where its id is, or where the id is new and one rule of the vendor that is gone had its title.
    ///
    /// # Errors
    /// One of the catalogs cannot be read. A single rule that cannot be read is a note.
    pub fn changes_since(&self, old: &Self, request: &ChangesRequest) -> Result<Changes, Error> {
        let mut notes = Vec::new();
        let digests = [old.text_digests()?, self.text_digests()?];
        let pairs = Pairs::of(old, self, request);
        let mut counts: BTreeMap<Vendor, VendorChanges> = BTreeMap::new();
        let mut count = |vendor: Vendor, add: &dyn Fn(&mut VendorChanges)| {
            let blank = VendorChanges { vendor, added: 0, removed: 0, changed: 0, reworded: 0, same: 0 };
            add(counts.entry(vendor).or_insert(blank));
        };
        let (mut changed, mut described, mut read_differently) = (Vec::new(), Vec::new(), 0_usize);
        for (before, now) in pairs.both {
            let (Some(head_before), Some(head)) = (old.index.head(before), self.index.head(now)) else { continue };
            let digest = [digests[0].get(&head_before.id), digests[1].get(&head.id)];
            let has_same_texts = digest[0].is_some() && digest[0] == digest[1];
            let change = match has_same_texts {
                true => Ok(RuleChange::of(old, before, self, now)),
                false => old.rule_change(before, self, now, digest),
            };
            let change = match change {
                Ok(Some(change)) => change,
                Ok(None) => continue,
                Err(error) => {
                    notes.push(format!("{}: not compared: {error}", head.id));
                    continue;
                }
            };
            let is_logic = !change.predicates.is_empty() || !change.structure.is_empty();
            read_differently += usize::from(is_logic && !change.query_changed);
            count(head.vendor, &|row| {
                row.changed += usize::from(is_logic);
                row.same += usize::from(!is_logic);
                row.reworded += usize::from(!is_logic && change.query_changed);
            });
            if is_logic {
                changed.push(change);
            } else if !change.described.is_empty() {
                described.push(change);
            }
        }
        let items = |atlas: &Self, rules: &[RuleId]| -> Vec<RuleItem> {
            rules.iter().filter_map(|rule| RuleItem::of(&atlas.index, *rule)).collect()
        };
        let (added, removed) = (items(self, &pairs.added), items(old, &pairs.removed));
        added.iter().for_each(|rule| count(rule.vendor, &|row| row.added += 1));
        removed.iter().for_each(|rule| count(rule.vendor, &|row| row.removed += 1));
        for vendor in counts.keys() {
            let has_rules = |atlas: &Self| atlas.index.heads().iter().any(|head| head.vendor == *vendor);
            for (catalog, _) in [("old", old), ("new", self)].iter().filter(|(_, atlas)| !has_rules(atlas)) {
                notes.push(format!("the {catalog} catalog has no rules of {}", vendor.info().title));
            }
        }
        if read_differently > 0 {
            notes.push(format!(
                "of {read_differently} changed rules the query is the same: a macro, list or base rule that it uses has \
                 changed, or the catalogs were built by different versions of the program"
            ));
        }
        Ok(Changes { notes, vendors: counts.into_values().collect(), added, removed, changed, described })
    }

    fn text_digests(&self) -> Result<FxHashMap<String, TextDigest>, Error> {
        Ok(self.store().text_digests()?.into_iter().collect())
    }

    /// How a rule of this catalog and its successor in `new` differ; `None` where they do not.
    fn rule_change(
        &self,
        before: RuleId,
        new: &Self,
        now: RuleId,
        digest: [Option<&TextDigest>; 2],
    ) -> Result<Option<RuleChange>, Error> {
        let (Some(one), Some(other)) = (self.entry(before)?, new.entry(now)?) else { return Ok(None) };
        let Some(mut change) = RuleChange::of(self, before, new, now) else { return Ok(None) };
        change.query_changed = match digest {
            [Some(one), Some(other)] => one.query != other.query,
            _ => one.rule.query != other.rule.query,
        };
        change.predicates = predicate_changes(&one.predicates, &other.predicates);
        let (old_steps, new_steps) = (one.rule.conditions, other.rule.conditions);
        let has_same_sources = sources(&old_steps) == sources(&new_steps);
        if has_same_sources && logic_keys(&old_steps) == logic_keys(&new_steps) {
            return Ok(Some(change));
        }
        if let ([one], [other]) = (&old_steps[..], &new_steps[..]) {
            let vendor = change.rule.vendor;
            let statement = |condition| Statement::new(vendor, condition, Taxonomy::builtin());
            // How the new rule relates to the old one.
            let found = compare(&statement(other), &statement(one));
            change.relation = Some(found.relation.name());
            change.only_now = found.only_here.map(|event| event.to_json());
            change.only_before = found.only_there.map(|event| event.to_json());
            if found.relation == Relation::Same && has_same_sources {
                change.predicates.clear();
                return Ok(Some(change));
            }
        }
        change.structure = structure(&old_steps, &new_steps, change.predicates.is_empty());
        Ok(Some(change))
    }
}

impl RuleChange {
    fn of(old: &Atlas, before: RuleId, new: &Atlas, now: RuleId) -> Option<Self> {
        let (head_before, head) = (old.index.head(before)?, new.index.head(now)?);
        Some(Self {
            rule: RuleItem::of(&new.index, now)?,
            id_before: (head_before.id != head.id).then(|| head_before.id.clone()),
            query_changed: false,
            relation: None,
            only_before: None,
            only_now: None,
            predicates: Vec::new(),
            structure: Vec::new(),
            described: description_changes(head_before, head),
        })
    }
}

fn description_changes(before: &Head, now: &Head) -> Vec<DescriptionChange> {
    let values = |head: &Head| {
        let of_option = |name: Option<&'static str>| name.unwrap_or("none").to_owned();
        [
            ("title", head.title.clone()),
            ("severity", of_option(head.severity.map(|severity| severity.name()))),
            ("status", of_option(head.status.map(|status| status.name()))),
            ("techniques", head.techniques().join(", ")),
        ]
    };
    let both = values(before).into_iter().zip(values(now));
    let changed = both.filter(|(before, now)| before.1 != now.1);
    changed.map(|((name, before), (_, now))| DescriptionChange { name, before, now }).collect()
}

/// The conditions as texts that are equal where only formatting and the order of parts differ.
fn logic_keys(conditions: &[Condition]) -> Vec<String> {
    let key = |condition: &Condition| format!("{} {}", condition.absent, logic_key(&condition.root));
    conditions.iter().map(key).collect()
}

fn logic_key(node: &Node) -> String {
    let of_children = |name: &str, children: &[Node]| {
        let mut keys: Vec<String> = children.iter().map(logic_key).collect();
        keys.sort_unstable();
        format!("{name}({})", keys.join(","))
    };
    match node {
        Node::All(children) => of_children("all", children),
        Node::Any(children) => of_children("any", children),
        Node::Not(child) => of_children("not", std::slice::from_ref(child)),
        Node::Predicate(predicate) => {
            let mut predicate = predicate.as_ref().clone();
            predicate.span = Span::default();
            format!("{predicate:?}")
        }
        Node::Opaque(opaque) => format!("opaque({:?})", opaque.text.split_whitespace().collect::<Vec<_>>()),
    }
}

fn sources(steps: &[Condition]) -> Vec<&[DataSource]> {
    steps.iter().map(|step| step.sources.as_slice()).collect()
}

/// What differs apart from comparisons.
fn structure(old: &[Condition], new: &[Condition], same_predicates: bool) -> Vec<&'static str> {
    let mut phrases = Vec::new();
    if old.len() != new.len() {
        phrases.push("another number of steps");
    }
    if sources(old) != sources(new) {
        phrases.push("other log sources");
    }
    if phrases.is_empty() && same_predicates {
        phrases.push("the same comparisons in another combination");
    }
    phrases
}

/// Which rules of two catalogs belong together.
struct Pairs {
    both: Vec<(RuleId, RuleId)>,
    added: Vec<RuleId>,
    removed: Vec<RuleId>,
}

impl Pairs {
    fn of(old: &Atlas, new: &Atlas, request: &ChangesRequest) -> Self {
        let asked = |rule: Option<(&Atlas, RuleId)>| {
            rule.and_then(|(atlas, rule)| atlas.index.head(rule)).is_some_and(|head| request.takes(head))
        };
        let mut pairs = Self { both: Vec::new(), added: Vec::new(), removed: Vec::new() };
        for (now, head) in (0..).zip(new.index.heads()) {
            match old.index.rule(&head.id) {
                Some(before) => pairs.both.push((before, now)),
                None => pairs.added.push(now),
            }
        }
        let is_gone = |head: &Head| new.index.rule(&head.id).is_none();
        pairs.removed = (0..).zip(old.index.heads()).filter(|(_, head)| is_gone(head)).map(|(rule, _)| rule).collect();
        pairs.find_renamed(old, new);
        pairs.both.retain(|(before, now)| asked(Some((old, *before))) || asked(Some((new, *now))));
        pairs.added.retain(|rule| asked(Some((new, *rule))));
        pairs.removed.retain(|rule| asked(Some((old, *rule))));
        pairs
    }

    /// Takes rules of one vendor and title, of which one was removed and one added, for one rule with another id.
    fn find_renamed(&mut self, old: &Atlas, new: &Atlas) {
        let by_title = |atlas: &Atlas, rules: &[RuleId]| {
            let mut found: FxHashMap<(Vendor, String), Option<RuleId>> = FxHashMap::default();
            for rule in rules {
                let Some(head) = atlas.index.head(*rule) else { continue };
                let one = found.entry((head.vendor, fold_case(&head.title).into_owned()));
                one.and_modify(|rule| *rule = None).or_insert(Some(*rule));
            }
            found
        };
        let (removed, added) = (by_title(old, &self.removed), by_title(new, &self.added));
        let pair =
            |(title, rule): (&(Vendor, String), &Option<RuleId>)| Some((rule.to_owned()?, (*added.get(title)?)?));
        let mut renamed: Vec<(RuleId, RuleId)> = removed.iter().filter_map(pair).collect();
        renamed.sort_unstable_by_key(|(_, now)| *now);
        let gone: FxHashSet<RuleId> = renamed.iter().map(|(before, _)| *before).collect();
        let come: FxHashSet<RuleId> = renamed.iter().map(|(_, now)| *now).collect();
        self.removed.retain(|rule| !gone.contains(rule));
        self.added.retain(|rule| !come.contains(rule));
        self.both.extend(renamed);
        self.both.sort_unstable_by_key(|(_, now)| *now);
    }
}

impl ChangesRequest {
    /// Whether a rule counts and is of a vendor and technique that were asked for.
    fn takes(&self, head: &Head) -> bool {
        let is_at_or_below = |id: &str, technique: &str| {
            id.strip_prefix(technique).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let technique = self.technique.as_deref();
        head.is_counted()
            && (self.vendors.is_empty() || self.vendors.contains(&head.vendor))
            && technique.is_none_or(|wanted| head.techniques().iter().any(|id| is_at_or_below(id, wanted)))
    }
}
