//! RA08: what rules for the same technique list together with what the draft lists.

use roaring::RoaringBitmap;
use ruleatlas_catalog::{Facet, FoldedRow, IndicatorId};
use ruleatlas_logic::Claim;
use ruleatlas_model::{Indicator, Role};
use ruleatlas_views::technique_family;
use rustc_hash::FxHashMap;

use super::{Corpus, phrase};
use crate::{Suggestion, code, draft::Draft, finding::Finding};

/// Rules that have to list both.
const MIN_RULES: u64 = 5;
/// Of the rules that list what the draft lists, the share that lists the other too.
const MIN_SHARE: f64 = 0.5;
/// Values that make a list.
const MIN_LISTED: usize = 2;
/// Indicators that are named.
const MAX_NAMED: usize = 5;
/// Indicators of the draft that are looked at.
const MAX_OWN: usize = 60;
/// Checks of the draft that may cover what others list.
const MAX_CLAIMS: usize = 500;

pub(crate) fn gaps(draft: &Draft<'_>, corpus: &Corpus<'_, '_>, findings: &mut Vec<Finding>) {
    let index = &corpus.atlas.index;
    if draft.only_statement().is_none() {
        return;
    }
    let own = draft.entry.indicators.iter().filter(|own| own.role == Role::Indicator);
    // One value is no list, and what chooses the kind of events is none of the rule's own.
    let is_listed = |own: &&FoldedRow| {
        let alike = draft.entry.indicators.iter().filter(|other| {
            other.role == own.role
                && other.indicator.op == own.indicator.op
                && other.indicator.field == own.indicator.field
        });
        !own.indicator.field.starts_with("event.") && alike.take(MIN_LISTED).count() == MIN_LISTED
    };
    let listed: Vec<IndicatorId> =
        own.filter(is_listed).take(MAX_OWN).filter_map(|own| index.find_indicator(&own.indicator)).collect();
    let taxonomy = corpus.atlas.taxonomy;
    let own_claims: Vec<(&str, Claim)> = draft
        .entry
        .indicators
        .iter()
        .take(MAX_CLAIMS)
        .map(|own| (own.indicator.field.as_str(), Claim::of(&own.indicator, taxonomy)))
        .collect();
    for technique in draft.entry.rule.techniques() {
        let rules = comparable(draft, corpus, technique);
        if rules.len() < MIN_RULES {
            continue;
        }
        let mut found: FxHashMap<IndicatorId, (f64, Suggestion)> = FxHashMap::default();
        for (Pair { id, other }, count) in listed_together(&listed, &rules, corpus) {
            let Some(with) = index.rules_with(id, Role::Indicator).map(|with| with & &rules) else { continue };
            #[allow(clippy::cast_precision_loss)]
            let share = count as f64 / with.len() as f64;
            let is_better = found.get(&other).is_none_or(|(best, _)| share > *best);
            let Some(indicator) = index.indicator(other).filter(|_| share >= MIN_SHARE && is_better) else { continue };
            if is_covered(&own_claims, indicator, corpus) {
                continue;
            }
            let examples = index.rules_with(other, Role::Indicator).map(|rules| rules & &with).unwrap_or_default();
            let suggestion = corpus.suggestion(draft, indicator, count, with.len(), examples.iter());
            found.insert(other, (share, suggestion));
        }
        let mut named: Vec<(IndicatorId, f64, Suggestion)> =
            found.into_iter().map(|(id, (share, suggestion))| (id, share, suggestion)).collect();
        named.sort_by(|a, b| b.1.total_cmp(&a.1).then(b.2.rules.cmp(&a.2.rules)).then(a.0.cmp(&b.0)));
        named.truncate(MAX_NAMED);
        let Some((_, _, first)) = named.first() else { continue };
        let message = format!(
            "{} of {} rules for {technique} that list what this one lists also list {}",
            first.rules,
            first.of,
            phrase(&first.indicator)
        );
        let help = "see whether it belongs to the list".to_owned();
        let mut finding = draft.finding_of_rule(code::GAP, message, help);
        finding.evidence.count = Some(first.rules);
        finding.evidence.of = Some(first.of);
        finding.evidence.indicators = named.into_iter().map(|(.., suggestion)| suggestion).collect();
        findings.push(finding);
        return;
    }
}

/// The counted rules for a technique's family over one of the draft's log sources and platforms.
fn comparable(draft: &Draft<'_>, corpus: &Corpus<'_, '_>, technique: &str) -> RoaringBitmap {
    let index = &corpus.atlas.index;
    let union = |facet: Facet, names: &[String]| {
        names.iter().filter_map(|name| index.set(facet, name)).fold(RoaringBitmap::new(), |all, set| all | set)
    };
    let rule = &draft.entry.rule;
    let mut rules = union(Facet::LogSource, &rule.log_sources) & index.counted();
    if !rule.platforms.is_empty() {
        rules &= union(Facet::Platform, &rule.platforms);
    }
    rules &= corpus.neighbors.similarity.rules_of_family(technique_family(technique)).unwrap_or(&RoaringBitmap::new());
    rules - &draft.own
}

/// An indicator of the draft, and one of the same field and operator that it does not list.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Pair {
    id: IndicatorId,
    other: IndicatorId,
}

/// What rules list together with what the draft lists, with the number of rules that do; in order.
fn listed_together(listed: &[IndicatorId], rules: &RoaringBitmap, corpus: &Corpus<'_, '_>) -> Vec<(Pair, u64)> {
    let index = &corpus.atlas.index;
    let mut counts: FxHashMap<Pair, u64> = FxHashMap::default();
    for rule in rules {
        let mut looks: Vec<IndicatorId> =
            index.uses_of(rule).iter().filter(|(_, role, _)| *role == Role::Indicator).map(|(id, ..)| *id).collect();
        looks.dedup();
        for id in listed.iter().filter(|id| looks.binary_search(id).is_ok()) {
            let Some(own) = index.indicator(*id) else { continue };
            let is_alike = |other: &Indicator| {
                other.op == own.op && other.modifiers == own.modifiers && other.field.eq_ignore_ascii_case(&own.field)
            };
            for other in looks.iter().filter(|other| *other != id && index.indicator(**other).is_some_and(is_alike)) {
                *counts.entry(Pair { id: *id, other: *other }).or_default() += 1;
            }
        }
    }
    let mut counts: Vec<(Pair, u64)> = counts.into_iter().filter(|(_, count)| *count >= MIN_RULES).collect();
    counts.sort_unstable();
    counts
}

/// Whether a check of the draft covers it, or is covered by it.
fn is_covered(own: &[(&str, Claim)], indicator: &Indicator, corpus: &Corpus<'_, '_>) -> bool {
    let claim = Claim::of(indicator, corpus.atlas.taxonomy);
    own.iter().any(|(field, own)| {
        field.eq_ignore_ascii_case(&indicator.field) && (claim.is_within(own) || own.is_within(&claim))
    })
}
