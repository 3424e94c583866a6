use std::{cmp::Reverse, collections::BTreeMap};

use roaring::RoaringBitmap;
use ruleatlas_model::{Indicator, Role, Vendor, VendorSet};
use ruleatlas_taxonomy::Taxonomy;
use rustc_hash::FxHashMap;
use serde::Serialize;

use crate::{Facet, Index, IndicatorId, RuleId, Scope, distinct::Distinctiveness};

/// Rows from which on it is worth to know the order of all indicators.
const MIN_ROWS_FOR_FULL_ORDER: usize = 4_000;
/// Rules that are quicker looked at one by one than as sets.
const MAX_RULES_TO_SCAN: u64 = 16;
/// Values shown as samples of a field.
const SAMPLES: usize = 5;

/// What the rules of a scope read, filter, look for and exclude.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Guide {
    /// How many rules.
    pub rules: RuleCount,
    /// The events that at least one rule reads.
    pub events: Vec<EventRow>,
    /// How many events there are, before any limit.
    pub events_distinct: usize,
    /// The fields filtered most.
    pub fields: Vec<FieldRow>,
    /// How many fields there are, before any limit.
    pub fields_distinct: usize,
    /// The indicators.
    pub indicators: Vec<IndicatorRow>,
    /// How many there are, before any limit.
    pub indicators_distinct: usize,
    /// The exclusions.
    pub exclusions: Vec<IndicatorRow>,
    /// How many there are, before any limit.
    pub exclusions_distinct: usize,
    /// How the vendors share the indicators, the largest group first.
    pub shared: Vec<SharedRow>,
    /// The rules, by vendor and then in the order of ids.
    #[serde(skip)]
    pub members: Vec<RuleId>,
}

/// A number of rules and how it is made up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RuleCount {
    /// All of them.
    pub total: u64,
    /// By vendor, those that have any.
    pub by_vendor: BTreeMap<&'static str, u64>,
}

/// An event that rules of a scope read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct EventRow {
    /// The provider's short name.
    pub provider: String,
    /// The id.
    pub event_id: String,
    /// The title; where no dictionary knows the event `Event ID N`, or the id where it is a name itself.
    pub title: String,
    /// Rules that read it, written or implied.
    pub rules: u64,
    /// Rules that write the event's id themselves.
    pub explicit: u64,
    /// Rules whose log source implies it.
    pub implied: u64,
}

/// The indicators that rules of just these vendors look for in a scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SharedRow {
    /// The vendors, in their own order.
    pub vendors: Vec<Vendor>,
    /// How many indicators.
    pub indicators: u64,
}

/// A field that rules of a scope filter.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct FieldRow {
    /// The canonical name, or the raw one.
    pub field: String,
    /// Rules that filter it.
    pub rules: u64,
    /// Rules by operator as authors wrote it.
    pub how: BTreeMap<&'static str, u64>,
    /// Rules of the whole catalog that filter it.
    pub reach: u64,
    /// How much more often it is filtered here than in the whole catalog.
    #[serde(flatten)]
    pub distinctiveness: Distinctiveness,
    /// The values checked most, most first.
    pub samples: Vec<String>,
}

/// An indicator in some role.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct IndicatorRow {
    /// Its place in the catalog.
    #[serde(skip)]
    pub id: IndicatorId,
    /// What is checked.
    #[serde(flatten)]
    pub indicator: Indicator,
    /// Rules of the scope that have it.
    pub rules: u64,
    /// Rules of the whole catalog that have it in the same role: its corpus reach.
    pub reach: u64,
    /// Reach by vendor.
    pub reach_by_vendor: BTreeMap<&'static str, u64>,
    /// How much more often it is checked here than in the whole catalog.
    #[serde(flatten)]
    pub distinctiveness: Distinctiveness,
    /// Rules of the scope in which it excludes only together with others of its group.
    #[serde(skip_serializing_if = "is_zero")]
    pub grouped: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// The part of each table whose rows are made: rows are large, and counting them costs little.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Where it begins.
    pub offset: usize,
    /// How many rows it has at most.
    pub limit: usize,
}

impl Part {
    /// Every row.
    pub const ALL: Self = Self { offset: 0, limit: usize::MAX };

    /// The items that are in the part.
    pub fn of<T>(self, items: impl IntoIterator<Item = T>) -> impl Iterator<Item = T> {
        items.into_iter().skip(self.offset).take(self.limit)
    }
}

impl Guide {
    /// Counts a scope.
    #[must_use]
    pub fn of(index: &Index, taxonomy: &Taxonomy, scope: &Scope) -> Self {
        Self::of_part(index, taxonomy, scope, Part::ALL)
    }

    /// Counts a scope, and makes a part of the rows of each table.
    #[must_use]
    pub fn of_part(index: &Index, taxonomy: &Taxonomy, scope: &Scope, part: Part) -> Self {
        let rules = &scope.rules;
        // Beside the number the vendors, a bit each.
        let mut looking: FxHashMap<IndicatorId, (u64, VendorSet)> = FxHashMap::default();
        let mut excluding: FxHashMap<IndicatorId, (u64, u64)> = FxHashMap::default();
        let mut how: FxHashMap<u32, (u64, BTreeMap<&'static str, u64>)> = FxHashMap::default();
        for rule in rules {
            let vendor = index.head(rule).map(|head| head.vendor);
            let mut last = None;
            for (id, role, grouped) in index.uses_of(rule) {
                // The rows are ordered, and a variant may add the same use grouped and alone: one rule, one count.
                if last == Some((*id, *role)) {
                    continue;
                }
                last = Some((*id, *role));
                if *role == Role::Exclusion {
                    let counts = excluding.entry(*id).or_default();
                    counts.0 += 1;
                    counts.1 += u64::from(*grouped);
                } else {
                    let counts = looking.entry(*id).or_default();
                    counts.0 += 1;
                    if let Some(vendor) = vendor {
                        counts.1.insert(vendor);
                    }
                }
            }
            let mut last = None;
            for (field, op) in index.unit_field_uses.of(rule) {
                let entry = how.entry(*field).or_default();
                entry.0 += u64::from(last != Some(*field));
                *entry.1.entry(*op).or_default() += 1;
                last = Some(*field);
            }
        }
        let indicators = index.ordered(looking.iter().map(|(id, counts)| (*id, counts.0, 0)), Role::Indicator, rules);
        let exclusions =
            index.ordered(excluding.iter().map(|(id, counts)| (*id, counts.0, counts.1)), Role::Exclusion, rules);
        let fields = field_rows(index, rules, how, &indicators, &exclusions);
        let events = event_rows(index, taxonomy, rules);
        let rows = |counts: &[Counted], role| index.made(part.of(counts.iter().copied()), role, rules);
        let mut members: Vec<RuleId> = rules.iter().collect();
        members.sort_by_key(|rule| (index.head(*rule).map(|head| head.vendor), *rule));
        Self {
            rules: index.count(rules),
            events_distinct: events.len(),
            events: part.of(events).collect(),
            fields_distinct: fields.len(),
            fields: part.of(fields).collect(),
            indicators_distinct: indicators.len(),
            indicators: rows(&indicators, Role::Indicator),
            exclusions_distinct: exclusions.len(),
            exclusions: rows(&exclusions, Role::Exclusion),
            shared: shared_rows(looking.values().map(|(_, vendors)| *vendors)),
            members,
        }
    }

    /// The same with at most `limit` rows a table; the distinct numbers stay.
    #[must_use]
    pub fn limited(mut self, limit: usize) -> Self {
        self.events.truncate(limit);
        self.fields.truncate(limit);
        self.indicators.truncate(limit);
        self.exclusions.truncate(limit);
        self
    }
}

/// An indicator of a scope: how many of its rules have it, and of all.
#[derive(Clone, Copy, Debug)]
struct Counted {
    here: Reverse<u64>,
    reach: Reverse<u64>,
    id: IndicatorId,
    grouped: u64,
}

impl Index {
    /// How many rules a set holds, by vendor.
    #[must_use]
    pub fn count(&self, rules: &RoaringBitmap) -> RuleCount {
        let by_vendor = self
            .vendors
            .iter()
            .map(|(vendor, set)| (vendor.name(), set.intersection_len(rules)))
            .filter(|(_, count)| *count > 0)
            .collect();
        RuleCount { total: rules.len(), by_vendor }
    }

    /// The row of an indicator in a role, counted over the whole catalog and over `rules`.
    #[must_use]
    pub fn row(&self, id: IndicatorId, role: Role, rules: &RoaringBitmap) -> Option<IndicatorRow> {
        let here = self.rules_with(id, role)?.intersection_len(rules);
        self.rows([(id, here, 0)].into_iter(), role, rules).pop()
    }

    /// The indicators of a field in a role, over all counted rules; the field compares without case.
    #[must_use]
    pub fn rows_of_field(&self, field: &str, role: Role) -> Vec<IndicatorRow> {
        self.rows_of_field_in(field, role, &self.counted)
    }

    /// The same over `rules`.
    #[must_use]
    pub fn rows_of_field_in(&self, field: &str, role: Role, rules: &RoaringBitmap) -> Vec<IndicatorRow> {
        let mut counts: FxHashMap<IndicatorId, (u64, u64)> = FxHashMap::default();
        for rule in rules {
            let mut last = None;
            for (id, other, grouped) in self.uses_of(rule).iter().filter(|(_, other, _)| *other == role) {
                let is_of_field =
                    || self.indicator(*id).is_some_and(|indicator| indicator.field.eq_ignore_ascii_case(field));
                if last != Some((*id, *other)) && is_of_field() {
                    let count = counts.entry(*id).or_default();
                    count.0 += 1;
                    count.1 += u64::from(*grouped);
                }
                last = Some((*id, *other));
            }
        }
        self.rows(counts.iter().map(|(id, count)| (*id, count.0, count.1)), role, rules)
    }

    /// What a scope is held against: the counted rules. Deprecated rules in the scope were asked for, so they are there
    /// as well: a number here is never above that of the whole.
    fn corpus(&self, rules: &RoaringBitmap) -> RoaringBitmap {
        if rules.is_subset(&self.counted) { self.counted.clone() } else { &self.counted | rules }
    }

    fn rows(
        &self,
        counts: impl Iterator<Item = (IndicatorId, u64, u64)>,
        role: Role,
        rules: &RoaringBitmap,
    ) -> Vec<IndicatorRow> {
        self.made(self.ordered(counts, role, rules), role, rules)
    }

    /// Indicators in their order, without the rows that are made of them: those are large, and most of tens of thousands
    /// have equal numbers.
    fn ordered(
        &self,
        counts: impl Iterator<Item = (IndicatorId, u64, u64)>,
        role: Role,
        rules: &RoaringBitmap,
    ) -> Vec<Counted> {
        let corpus = self.corpus(rules);
        let mut counted: Vec<Counted> = counts
            .filter_map(|(id, here, grouped)| {
                let reach = self.rules_with(id, role)?.intersection_len(&corpus);
                Some(Counted { here: Reverse(here), reach: Reverse(reach), id, grouped })
            })
            .collect();
        if counted.len() < MIN_ROWS_FOR_FULL_ORDER {
            counted.sort_by(|a, b| {
                (a.here, a.reach).cmp(&(b.here, b.reach)).then_with(|| self.indicator(a.id).cmp(&self.indicator(b.id)))
            });
        } else {
            let places = self.places();
            counted.sort_unstable_by_key(|one| (one.here, one.reach, places.get(one.id as usize).copied()));
        }
        counted
    }

    fn made(&self, counted: impl IntoIterator<Item = Counted>, role: Role, rules: &RoaringBitmap) -> Vec<IndicatorRow> {
        let corpus = self.corpus(rules);
        counted
            .into_iter()
            .filter_map(|Counted { here: Reverse(here), id, grouped, .. }| {
                let RuleCount { total, by_vendor } = self.reach(self.rules_with(id, role)?, &corpus);
                let indicator = self.indicator(id)?.clone();
                let distinctiveness = Distinctiveness::of(here, rules.len(), total, corpus.len());
                let reach_by_vendor = by_vendor;
                Some(IndicatorRow {
                    id,
                    indicator,
                    rules: here,
                    reach: total,
                    reach_by_vendor,
                    distinctiveness,
                    grouped,
                })
            })
            .collect()
    }

    /// How many rules of a set are among others, by vendor.
    fn reach(&self, set: &RoaringBitmap, among: &RoaringBitmap) -> RuleCount {
        if set.len() > MAX_RULES_TO_SCAN {
            return self.count(&(set & among));
        }
        let mut count = RuleCount::default();
        for head in set.iter().filter(|rule| among.contains(*rule)).filter_map(|rule| self.head(rule)) {
            count.total += 1;
            *count.by_vendor.entry(head.vendor.name()).or_default() += 1;
        }
        count
    }
}

/// The numbers of indicators by the vendors that share them, from the vendors of each indicator.
fn shared_rows(indicators: impl Iterator<Item = VendorSet>) -> Vec<SharedRow> {
    let mut counts: BTreeMap<VendorSet, u64> = BTreeMap::new();
    for vendors in indicators {
        *counts.entry(vendors).or_default() += 1;
    }
    let row = |(vendors, indicators): (VendorSet, u64)| SharedRow { vendors: vendors.iter().collect(), indicators };
    let mut rows: Vec<SharedRow> = counts.into_iter().map(row).collect();
    rows.sort_by(|a, b| b.indicators.cmp(&a.indicators).then_with(|| a.vendors.cmp(&b.vendors)));
    rows
}

fn field_rows(
    index: &Index,
    scope: &RoaringBitmap,
    how: FxHashMap<u32, (u64, BTreeMap<&'static str, u64>)>,
    indicators: &[Counted],
    exclusions: &[Counted],
) -> Vec<FieldRow> {
    let mut samples: FxHashMap<u32, Vec<String>> = FxHashMap::default();
    // Values looked for come before values excluded; the rows are ordered by use already.
    for row in indicators.iter().chain(exclusions) {
        let Some((field, indicator)) = index.data.indicators.get(row.id as usize) else { continue };
        let values = samples.entry(*field).or_default();
        let value = &indicator.value;
        if values.len() < SAMPLES && !indicator.op.op.is_presence() && !values.contains(value) {
            values.push(value.clone());
        }
    }
    let corpus = index.corpus(scope);
    let mut rows: Vec<FieldRow> = how
        .into_iter()
        .map(|(field, (rules, how))| {
            let name = index.data.fields.get(field as usize).cloned().unwrap_or_default();
            let filtering = index.set(Facet::Field, &name.to_lowercase());
            let reach = filtering.map_or(rules, |set| set.intersection_len(&corpus));
            let distinctiveness = Distinctiveness::of(rules, scope.len(), reach, corpus.len());
            let samples = samples.remove(&field).unwrap_or_default();
            FieldRow { field: name, rules, how, reach, distinctiveness, samples }
        })
        .collect();
    rows.sort_by(|a, b| b.rules.cmp(&a.rules).then_with(|| a.field.cmp(&b.field)));
    rows
}

fn event_rows(index: &Index, taxonomy: &Taxonomy, rules: &RoaringBitmap) -> Vec<EventRow> {
    let mut counts: BTreeMap<&ruleatlas_model::EventRef, (u64, u64)> = BTreeMap::new();
    for rule in rules {
        // A rule reads what its variants read: they count as one.
        let heads = || std::iter::once(&rule).chain(index.variants(rule)).filter_map(|rule| index.head(*rule));
        let links = |explicit| heads().flat_map(|head| &head.events).filter(move |link| link.explicit == explicit);
        let mut seen: Vec<&ruleatlas_model::EventRef> = Vec::new();
        // A rule that writes an event's id counts as that, and not also as one whose log source implies it.
        for link in links(true).chain(links(false)) {
            if seen.contains(&&link.event) {
                continue;
            }
            seen.push(&link.event);
            let count = counts.entry(&link.event).or_default();
            if link.explicit { count.0 += 1 } else { count.1 += 1 }
        }
    }
    let mut rows: Vec<EventRow> = counts
        .into_iter()
        .map(|(event, (explicit, implied))| EventRow {
            provider: event.provider.clone(),
            event_id: event.event_id.clone(),
            title: index.event_title(event, taxonomy),
            rules: explicit + implied,
            explicit,
            implied,
        })
        .collect();
    rows.sort_by(|a, b| {
        let id = |row: &EventRow| {
            (row.provider.clone(), row.event_id.parse::<u64>().unwrap_or(u64::MAX), row.event_id.clone())
        };
        b.rules.cmp(&a.rules).then_with(|| id(a).cmp(&id(b)))
    });
    rows
}
