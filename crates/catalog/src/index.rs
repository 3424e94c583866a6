use std::{collections::BTreeMap, sync::OnceLock};

use roaring::RoaringBitmap;
use ruleatlas_model::{
    EventLink, EventRef, Indicator, Kind, Language, Modifiers, ParseStatus, Role, Severity, Status, TechniqueTag,
    Vendor, fold_case, is_counted,
};
use ruleatlas_taxonomy::Taxonomy;
use rustc_hash::FxHashMap;
use serde::Serialize;

use crate::{Catalog, Facet, index_builder::units};

/// A rule's place in the catalog, in the order of ids.
pub type RuleId = u32;
/// An indicator's place in the catalog.
pub type IndicatorId = u32;

/// What lists and filters need of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Head {
    /// The id.
    pub id: String,
    /// The title.
    pub title: String,
    /// Who publishes it.
    pub vendor: Vendor,
    /// The source's name.
    pub source: String,
    /// The path inside the source.
    pub path: String,
    /// What kind of text it is.
    pub kind: Kind,
    /// The query's language.
    pub language: Language,
    /// How mature it is.
    pub status: Option<Status>,
    /// How grave a hit is.
    pub severity: Option<Severity>,
    /// First written.
    pub date: Option<String>,
    /// Last changed.
    pub modified: Option<String>,
    /// How much of the query was understood.
    pub parse: ParseStatus,
    /// The rule that this is a variant of.
    pub variant_of: Option<String>,
    /// Techniques, with the way to them.
    pub technique_tags: Vec<TechniqueTag>,
    /// Tactics.
    pub tactics: Vec<String>,
    /// Platforms.
    pub platforms: Vec<String>,
    /// Domains.
    pub domains: Vec<String>,
    /// Log sources.
    pub log_sources: Vec<String>,
    /// Events.
    pub events: Vec<EventLink>,
}

impl Head {
    /// Whether the rule is counted without being asked for.
    #[must_use]
    pub fn is_counted(&self) -> bool {
        is_counted(self.kind, self.status)
    }

    /// The day it was last changed, or written where no change is said: `YYYY-MM-DD`.
    #[must_use]
    pub fn changed(&self) -> Option<&str> {
        self.modified.as_deref().or(self.date.as_deref())
    }

    /// The techniques, each once, in order.
    #[must_use]
    pub fn techniques(&self) -> Vec<&str> {
        TechniqueTag::ids(&self.technique_tags)
    }
}

/// What an index is made from, whether just built or read from a file.
#[derive(Clone, Debug, Default)]
pub struct IndexData {
    /// The rules, ordered by id.
    pub heads: Vec<Head>,
    /// The names of fields, canonical or raw.
    pub fields: Vec<String>,
    /// The indicators, with the field's place in `fields` and the value as most rules spell it.
    pub indicators: Vec<(u32, Indicator)>,
    /// Which rule has which indicator: rule, indicator, role, grouped. Ordered.
    pub uses: Vec<(RuleId, IndicatorId, Role, bool)>,
    /// Which rule filters which field how: rule, field, the operator as written. Ordered.
    pub field_uses: Vec<(RuleId, u32, &'static str)>,
}

/// The catalog's rules as sets, for answering scopes.
#[derive(Debug)]
pub struct Index {
    pub(crate) data: IndexData,
    /// The variants of rules that have any; they count as the rule that they are variants of.
    variants: FxHashMap<RuleId, Vec<RuleId>>,
    pub(crate) counted: RoaringBitmap,
    sets: FxHashMap<Facet, BTreeMap<String, RoaringBitmap>>,
    /// For each indicator the rules that have it, by role.
    pub(crate) looking: Vec<RoaringBitmap>,
    pub(crate) excluding: Vec<RoaringBitmap>,
    /// Where each unit's rows begin in `unit_uses` and `unit_field_uses`.
    pub(crate) unit_uses: Rows<(IndicatorId, Role, bool)>,
    pub(crate) unit_field_uses: Rows<(u32, &'static str)>,
    by_id: FxHashMap<String, RuleId>,
    by_indicator: FxHashMap<(String, String, String, Modifiers), IndicatorId>,
    pub(crate) vendors: Vec<(Vendor, RoaringBitmap)>,
    /// Titles of the events that rules read, where the dictionaries of the catalog have one.
    titles: FxHashMap<EventRef, String>,
    /// The place of each indicator in their order, once a large scope has asked for it.
    places: OnceLock<Vec<u32>>,
}

/// Rows gathered by the rule they belong to.
#[derive(Debug)]
pub(crate) struct Rows<T> {
    starts: Vec<u32>,
    rows: Vec<T>,
}

impl<T: Ord + Copy> Rows<T> {
    fn gather(count: usize, mut rows: Vec<(RuleId, T)>) -> Self {
        rows.sort_unstable();
        rows.dedup();
        let mut starts = vec![0_u32; count + 1];
        for (rule, _) in &rows {
            starts[*rule as usize + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        Self { starts, rows: rows.into_iter().map(|(_, row)| row).collect() }
    }

    pub(crate) fn of(&self, rule: RuleId) -> &[T] {
        let start = self.starts[rule as usize] as usize;
        let end = self.starts[rule as usize + 1] as usize;
        &self.rows[start..end]
    }
}

impl Index {
    /// Gathers the rules into sets. Rows that name a rule, field or indicator that is not there are left out.
    #[must_use]
    pub fn new(data: IndexData) -> Self {
        let count = data.heads.len();
        let by_id: FxHashMap<String, RuleId> =
            (0..).zip(&data.heads).map(|(rule, head)| (head.id.clone(), rule)).collect();
        let unit = units(data.heads.iter().map(|head| (head.id.as_str(), head.variant_of.as_deref())));
        let mut variants: FxHashMap<RuleId, Vec<RuleId>> = FxHashMap::default();
        for (rule, unit) in (0..).zip(&unit).filter(|(rule, unit)| rule != *unit) {
            variants.entry(*unit).or_default().push(rule);
        }
        let mut sets: FxHashMap<Facet, BTreeMap<String, RoaringBitmap>> = FxHashMap::default();
        let mut counted = RoaringBitmap::new();
        for (head, unit) in data.heads.iter().zip(&unit) {
            if head.is_counted() {
                counted.insert(*unit);
            }
            for_each_facet(head, |facet, value| {
                let values = sets.entry(facet).or_default();
                match values.get_mut(value) {
                    Some(set) => {
                        set.insert(*unit);
                    }
                    None => {
                        values.insert(value.to_owned(), RoaringBitmap::from_iter([*unit]));
                    }
                }
            });
        }
        let mut looking = vec![RoaringBitmap::new(); data.indicators.len()];
        let mut excluding = looking.clone();
        let mut unit_uses = Vec::with_capacity(data.uses.len());
        for (rule, indicator, role, grouped) in &data.uses {
            let Some(unit) = unit.get(*rule as usize) else { continue };
            let sets = if *role == Role::Indicator { &mut looking } else { &mut excluding };
            let Some(set) = sets.get_mut(*indicator as usize) else { continue };
            set.insert(*unit);
            unit_uses.push((*unit, (*indicator, *role, *grouped)));
        }
        let mut unit_field_uses = Vec::with_capacity(data.field_uses.len());
        let field_sets = sets.entry(Facet::Field).or_default();
        for (rule, field, op) in &data.field_uses {
            let (Some(unit), Some(name)) = (unit.get(*rule as usize), data.fields.get(*field as usize)) else {
                continue;
            };
            unit_field_uses.push((*unit, (*field, *op)));
            field_sets.entry(name.to_lowercase()).or_default().insert(*unit);
        }
        let by_indicator = (0..).zip(&data.indicators).map(|(id, (_, indicator))| (key(indicator), id)).collect();
        let vendors = Vendor::ALL
            .iter()
            .filter_map(|vendor| Some((*vendor, sets.get(&Facet::Vendor)?.get(vendor.name())?.clone())))
            .collect();
        Self {
            unit_uses: Rows::gather(count, unit_uses),
            unit_field_uses: Rows::gather(count, unit_field_uses),
            data,
            variants,
            counted,
            sets,
            looking,
            excluding,
            by_id,
            by_indicator,
            vendors,
            titles: FxHashMap::default(),
            places: OnceLock::new(),
        }
    }

    /// The place of each indicator in their order: comparing places is much quicker than comparing texts.
    pub(crate) fn places(&self) -> &[u32] {
        self.places.get_or_init(|| {
            let indicators = &self.data.indicators;
            let mut order: Vec<u32> = (0..).take(indicators.len()).collect();
            order.sort_by(|a, b| indicators[*a as usize].1.cmp(&indicators[*b as usize].1));
            let mut places = vec![0; order.len()];
            (0..).zip(order).for_each(|(place, id)| places[id as usize] = place);
            places
        })
    }

    /// The same with titles of events from the catalog's dictionaries, which go before those of the taxonomy.
    #[must_use]
    pub fn with_titles(mut self, titles: impl IntoIterator<Item = (EventRef, String)>) -> Self {
        self.titles = titles.into_iter().collect();
        self
    }

    /// The title of an event; where no dictionary knows it `Event ID N`, or the id where it is a name itself, as audit
    /// logs name events.
    #[must_use]
    pub fn event_title(&self, event: &EventRef, taxonomy: &Taxonomy) -> String {
        match self.titles.get(event).map(String::as_str).or_else(|| taxonomy.event_title(event)) {
            Some(title) => title.to_owned(),
            None if event.event_id.bytes().all(|byte| byte.is_ascii_digit()) => format!("Event ID {}", event.event_id),
            None => event.event_id.clone(),
        }
    }

    /// The index of a catalog just built.
    #[must_use]
    pub fn of(catalog: &Catalog) -> Self {
        Self::new(IndexData::of(&catalog.entries))
    }

    /// All rules, ordered by id.
    #[must_use]
    pub fn heads(&self) -> &[Head] {
        &self.data.heads
    }

    /// What is known of a rule without opening it.
    #[must_use]
    pub fn head(&self, rule: RuleId) -> Option<&Head> {
        self.data.heads.get(rule as usize)
    }

    /// The rule of an id.
    #[must_use]
    pub fn rule(&self, id: &str) -> Option<RuleId> {
        self.by_id.get(id).copied()
    }

    /// The rules that have a value of a facet; fields are looked up in lower case.
    #[must_use]
    pub fn set(&self, facet: Facet, value: &str) -> Option<&RoaringBitmap> {
        self.sets.get(&facet)?.get(value)
    }

    /// The values of a facet with their rules, in order.
    pub fn values(&self, facet: Facet) -> impl Iterator<Item = (&str, &RoaringBitmap)> {
        self.sets.get(&facet).into_iter().flatten().map(|(value, set)| (value.as_str(), set))
    }

    /// The rules that are counted without being asked for.
    #[must_use]
    pub fn counted(&self) -> &RoaringBitmap {
        &self.counted
    }

    /// The indicators, the field's name in each as it is shown.
    pub fn indicators(&self) -> impl Iterator<Item = (IndicatorId, &Indicator)> {
        (0..).zip(self.data.indicators.iter().map(|(_, indicator)| indicator))
    }

    /// An indicator's place; field and value compare without case.
    #[must_use]
    pub fn find_indicator(&self, indicator: &Indicator) -> Option<IndicatorId> {
        self.by_indicator.get(&key(indicator)).copied()
    }

    /// The indicator at a place.
    #[must_use]
    pub fn indicator(&self, id: IndicatorId) -> Option<&Indicator> {
        self.data.indicators.get(id as usize).map(|(_, indicator)| indicator)
    }

    /// The rules that have an indicator in a role, whether counted or not.
    #[must_use]
    pub fn rules_with(&self, id: IndicatorId, role: Role) -> Option<&RoaringBitmap> {
        let sets = if role == Role::Exclusion { &self.excluding } else { &self.looking };
        sets.get(id as usize)
    }

    /// The indicators of a rule.
    #[must_use]
    pub fn uses_of(&self, rule: RuleId) -> &[(IndicatorId, Role, bool)] {
        if (rule as usize) < self.data.heads.len() { self.unit_uses.of(rule) } else { &[] }
    }

    /// The fields that a rule filters, by their place in [`IndexData::fields`], and the operators as written.
    #[must_use]
    pub fn filters_of(&self, rule: RuleId) -> &[(u32, &'static str)] {
        if (rule as usize) < self.data.heads.len() { self.unit_field_uses.of(rule) } else { &[] }
    }

    /// The variants of a rule, in order.
    #[must_use]
    pub fn variants(&self, rule: RuleId) -> &[RuleId] {
        self.variants.get(&rule).map_or(&[], Vec::as_slice)
    }
}

fn key(indicator: &Indicator) -> (String, String, String, Modifiers) {
    (
        indicator.field.to_lowercase(),
        indicator.op.to_string(),
        fold_case(&indicator.value).into_owned(),
        indicator.modifiers.clone(),
    )
}

fn for_each_facet(head: &Head, mut add: impl FnMut(Facet, &str)) {
    add(Facet::Vendor, head.vendor.name());
    add(Facet::Source, &head.source);
    add(Facet::Kind, head.kind.name());
    add(Facet::Language, head.language.name());
    add(Facet::Parse, head.parse.name());
    if let Some(severity) = head.severity {
        add(Facet::Severity, severity.name());
    }
    if let Some(status) = head.status {
        add(Facet::Status, status.name());
    }
    for technique in head.techniques() {
        add(Facet::Technique, technique);
    }
    let lists = [
        (Facet::Tactic, &head.tactics),
        (Facet::Platform, &head.platforms),
        (Facet::Domain, &head.domains),
        (Facet::LogSource, &head.log_sources),
    ];
    for (facet, values) in lists {
        for value in values {
            add(facet, value);
        }
    }
    for link in &head.events {
        add(Facet::Event, &format!("{}/{}", link.event.provider, link.event.event_id));
    }
}

impl Index {
    /// The rows the index was made from.
    #[must_use]
    pub fn data(&self) -> &IndexData {
        &self.data
    }
}

impl IndexData {
    /// The rows of `uses` that are a rule's own, without those of its variants.
    #[must_use]
    pub fn uses_of_rule(&self, rule: RuleId) -> &[(RuleId, IndicatorId, Role, bool)] {
        let start = self.uses.partition_point(|row| row.0 < rule);
        let end = self.uses.partition_point(|row| row.0 <= rule);
        &self.uses[start..end]
    }
}
