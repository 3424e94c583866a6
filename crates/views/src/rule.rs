use ruleatlas_catalog::{Entry, PredicateRow, RuleId, UnitTest, brings_unit_tests, unit_tests};
use ruleatlas_model::{Condition, Extra, Indicator, Rule, Vendor};
use rustc_hash::FxHashMap;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Atlas, Error, ExportRow, HitItem, RecordedRule, RuleInLogs, RuleItem, SimilarRule, export_rule, nearest,
    recorded_rule,
};

/// Similar rules of a rule.
const SIMILAR: usize = 10;
/// Hits of a rule beside it.
const HITS: u32 = 10;

/// A beginning of an id that is shorter than the first group of a UUID is none.
pub(crate) const MIN_ID_PREFIX: usize = 8;

/// A rule with everything that is known of it.
#[derive(Clone, Debug)]
pub struct RuleView {
    /// Its place in the catalog.
    pub number: RuleId,
    /// The rule with its predicates and indicators.
    pub entry: Entry,
    /// The address of the rule upstream, where the source's is known.
    pub upstream: Option<String>,
    /// For each of the entry's indicators how many counted rules of the catalog have it in the same role.
    pub reach: Vec<u64>,
    /// For each of the entry's predicates the least and the greatest reach of what its values are counted as; `None`
    /// where nothing of it is counted.
    pub predicate_reach: Vec<Option<(u64, u64)>>,
    /// Rules that look for the same, the most alike first.
    pub similar: Vec<SimilarRule>,
    /// The rule's own unit tests, with what its condition says of each.
    pub unit_tests: Vec<UnitTest>,
    /// The rules that are variants of this one.
    pub variants: Vec<RuleItem>,
    /// What hunts found of it, where a file of hits is open.
    pub in_logs: Option<RuleInLogs>,
    /// Its first hits in them.
    pub hits: Vec<HitItem>,
    /// How many hits of it are saved.
    pub hits_saved: u64,
}

/// A rule's JSON: what `export rules` has, and what stands beside the query.
#[derive(Serialize, ToSchema)]
pub struct RuleJson<'a> {
    #[serde(flatten)]
    exported: ExportRow<'a>,
    description: &'a str,
    line: u32,
    query: &'a str,
    authors: &'a [String],
    license: Option<&'a str>,
    upstream: Option<&'a str>,
    date: Option<&'a str>,
    modified: Option<&'a str>,
    references: &'a [String],
    false_positives: &'a [String],
    tags: &'a [String],
    technique_tags: &'a [ruleatlas_model::TechniqueTag],
    event_links: &'a [ruleatlas_model::EventLink],
    /// A condition a step. Its `nodes` are a list in prefix order: `{"all": n}`, `{"any": n}` and `{"not": 1}` are followed
    /// by so many children, `{"predicate": …}` and `{"opaque": …}` have none.
    #[schema(value_type = Vec<utoipa::openapi::Object>)]
    conditions: &'a [Condition],
    #[schema(value_type = utoipa::openapi::Object)]
    extra: &'a Extra,
    reach: Vec<Reach<'a>>,
    similar: &'a [SimilarRule],
    #[serde(skip_serializing_if = "<[UnitTest]>::is_empty")]
    unit_tests: &'a [UnitTest],
    #[serde(skip_serializing_if = "<[RuleItem]>::is_empty")]
    variants: &'a [RuleItem],
    /// What hunts found of it; left out where no file of hits is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    in_logs: Option<&'a RuleInLogs>,
    /// What was counted of it on public recordings; `null` where it was asked about none of their events.
    on_recordings: Option<RecordedRule>,
}

#[derive(Serialize, ToSchema)]
struct Reach<'a> {
    role: ruleatlas_model::Role,
    #[serde(flatten)]
    indicator: &'a Indicator,
    reach: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    grouped: bool,
}

impl RuleView {
    /// The rule as JSON.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        let rule: &Rule = &self.entry.rule;
        let reach = self.entry.indicators.iter().zip(&self.reach).map(|(folded, reach)| Reach {
            role: folded.role,
            indicator: &folded.indicator,
            reach: *reach,
            grouped: folded.grouped,
        });
        let json = RuleJson {
            exported: export_rule(&self.entry),
            description: &rule.description,
            line: rule.line,
            query: &rule.query,
            authors: &rule.authors,
            license: rule.license.as_deref(),
            upstream: self.upstream.as_deref(),
            date: rule.date.as_deref(),
            modified: rule.modified.as_deref(),
            references: &rule.references,
            false_positives: &rule.false_positives,
            tags: &rule.tags,
            technique_tags: &rule.technique_tags,
            event_links: &rule.events,
            conditions: &rule.conditions,
            extra: &rule.extra,
            reach: reach.collect(),
            similar: &self.similar,
            unit_tests: &self.unit_tests,
            variants: &self.variants,
            in_logs: self.in_logs.as_ref(),
            on_recordings: recorded_rule(&rule.id),
        };
        serde_json::to_value(json).unwrap_or_default()
    }
}

impl Atlas {
    /// A rule by its id, with or without the vendor before it, or by a beginning of its id that no other rule has.
    ///
    /// # Errors
    /// There is no such rule, or the catalog cannot be read.
    pub fn rule(&self, id: &str) -> Result<RuleView, Error> {
        let (number, entry) = self.known_entry(id)?;
        let reach = entry.indicators.iter().map(|folded| {
            let id = self.index.find_indicator(&folded.indicator)?;
            Some(self.index.rules_with(id, folded.role)?.intersection_len(self.index.counted()))
        });
        let reach: Vec<u64> = reach.map(Option::unwrap_or_default).collect();
        let upstream = self.upstream(&entry.rule);
        let is_tested = brings_unit_tests(entry.rule.vendor);
        let (hits, hits_saved) = self.hits_of_rule(&entry.rule.id, 0, HITS)?;
        Ok(RuleView {
            hits,
            hits_saved,
            number,
            upstream,
            predicate_reach: predicate_reach(&entry, &reach),
            similar: self.similar_of_rule(number, &entry, SIMILAR),
            unit_tests: if is_tested { unit_tests(&entry.rule) } else { Vec::new() },
            variants: RuleItem::list(&self.index, self.index.variants(number).iter().copied()),
            in_logs: self.rule_in_logs(&entry.rule.id),
            entry,
            reach,
        })
    }

    /// A rule by its id as [`rule`](Self::rule) takes it, with its place and no more than what the catalog holds of it.
    ///
    /// # Errors
    /// There is no such rule, or the catalog cannot be read.
    pub fn known_entry(&self, id: &str) -> Result<(RuleId, Entry), Error> {
        let Some(number) = self.find_rule(id).or_else(|| self.find_part(id)) else {
            return Err(self.store().unreadable_rule(id).map_or_else(|| self.no_rule(id), Error::Store));
        };
        Ok((number, self.entry(number)?.ok_or_else(|| self.no_rule(id))?))
    }

    pub(crate) fn no_rule(&self, id: &str) -> Error {
        let ids = self.index.heads().iter().map(|head| head.id.as_str());
        Error::NotFound { what: "rule", name: id.to_owned(), near: nearest(id, ids, 3) }
    }

    /// The place of a rule by its id, with or without the vendor before it.
    #[must_use]
    pub fn find_rule(&self, id: &str) -> Option<RuleId> {
        self.index.rule(id).or_else(|| {
            let vendors = Vendor::ALL.iter();
            vendors.filter_map(|vendor| self.index.rule(&format!("{vendor}/{id}"))).next()
        })
    }

    /// The one rule whose id begins like this, or ends like this where a table on a terminal cut its beginning (`…`).
    fn find_part(&self, part: &str) -> Option<RuleId> {
        let Some(ending) = part.strip_prefix('…') else { return self.find_beginning(part) };
        let long_enough = ending.len() >= MIN_ID_PREFIX;
        let found = self.index.heads().iter().zip(0..).filter(|(head, _)| long_enough && head.id.ends_with(ending));
        let mut found = found.map(|(_, number)| number);
        match (found.next(), found.next()) {
            (Some(only), None) => Some(only),
            _ => None,
        }
    }

    /// The one rule whose id begins like this, where the beginning is long enough to be meant as one.
    fn find_beginning(&self, beginning: &str) -> Option<RuleId> {
        if beginning.rsplit('/').next().is_none_or(|bare| bare.len() < MIN_ID_PREFIX) {
            return None;
        }
        let heads = self.index.heads();
        let vendors = Vendor::ALL.iter().map(|vendor| format!("{vendor}/"));
        let mut found = vendors.chain([String::new()]).flat_map(|vendor| {
            let wanted = format!("{vendor}{beginning}");
            // Ids are in order.
            let first = heads.partition_point(|head| head.id < wanted);
            let end = first + heads[first..].iter().take_while(|head| head.id.starts_with(&wanted)).take(2).count();
            first..end
        });
        match (found.next(), found.next()) {
            (Some(only), None) => u32::try_from(only).ok(),
            _ => None,
        }
    }

    /// Where the rule stands upstream, when the source's repository and commit are known.
    fn upstream(&self, rule: &Rule) -> Option<String> {
        self.sources.iter().find(|source| source.name == rule.source)?.origin.page(&rule.path)
    }
}

/// The least and the greatest reach of each predicate's values. A value is counted under its predicate's field and role,
/// maybe without the separator before it.
fn predicate_reach(entry: &Entry, reach: &[u64]) -> Vec<Option<(u64, u64)>> {
    let mut known: FxHashMap<(ruleatlas_model::Role, String, &str), u64> = FxHashMap::default();
    for (folded, reach) in entry.indicators.iter().zip(reach) {
        known.insert((folded.role, folded.indicator.field.to_lowercase(), folded.spelling.as_str()), *reach);
    }
    let of_row = |row: &PredicateRow| {
        let field = row.field.to_lowercase();
        let bare = |value: &str| value.trim_start_matches(['\\', '/']).to_owned();
        let find = |value: &str| known.get(&(row.role, field.clone(), value)).copied();
        let counts = row.values.iter().filter_map(|value| find(value).or_else(|| find(&bare(value))));
        let presence = row.values.is_empty().then(|| find("")).flatten();
        counts.chain(presence).fold(None, |range: Option<(u64, u64)>, count| {
            Some(range.map_or((count, count), |(least, most)| (least.min(count), most.max(count))))
        })
    };
    entry.predicates.iter().map(of_row).collect()
}
