//! RA04: what rules like this one exclude.

use ruleatlas_catalog::{Facet, IndicatorId, RuleId};
use ruleatlas_logic::{Claim, Statement};

use super::{Corpus, dead::is_telemetry, phrase};
use crate::{Suggestion, code, draft::Draft, finding::Finding, neighbors::Excluded};

/// Exclusions that are recommended.
const MAX_RECOMMENDED: usize = 5;
/// Least sum of the squared similarities of the rules that have it.
const MIN_SCORE: f64 = 0.01;
/// Exclusions that are looked at for them.
const MAX_TRIED: usize = 40;

pub(crate) fn missing_exclusions(draft: &Draft<'_>, corpus: &Corpus<'_, '_>, findings: &mut Vec<Finding>) {
    let recommended = suggested_exclusions(draft, corpus);
    let Some(first) = recommended.first() else { return };
    let more = match recommended.len() {
        1 => String::new(),
        several => format!(" and {} more", several - 1),
    };
    let message = format!("similar rules exclude {}{more}, and this one does not", phrase(&first.indicator));
    let help = "exclude those that your own events show to be harmless".to_owned();
    let mut finding = draft.finding_of_rule(code::MISSING_EXCLUSION, message, help);
    finding.evidence.indicators = recommended;
    findings.push(finding);
}

/// The exclusions that are recommended, as they are shown.
pub(crate) fn suggested_exclusions(draft: &Draft<'_>, corpus: &Corpus<'_, '_>) -> Vec<Suggestion> {
    let of = corpus.neighbors.by_everything().len() as u64;
    let index = &corpus.atlas.index;
    let suggested = |found: Recommended| {
        let (indicator, rules) = (index.indicator(found.indicator)?, &found.rules);
        let suggestion = corpus.suggestion(draft, indicator, rules.len() as u64, of, rules.iter().copied());
        Some(Suggestion { removed: found.removed, ..suggestion })
    };
    recommended(draft, corpus).into_iter().filter_map(suggested).collect()
}

/// An exclusion that is recommended.
pub(crate) struct Recommended {
    pub indicator: IndicatorId,
    /// The rules that have it.
    pub rules: Vec<RuleId>,
    /// Measured hits that it would have removed, where there are any.
    pub removed: Option<u64>,
}

/// The exclusions that are recommended, the best first: by the measured hits that they would have removed, then by how
/// alike the rules are that have them.
pub(crate) fn recommended(draft: &Draft<'_>, corpus: &Corpus<'_, '_>) -> Vec<Recommended> {
    let index = &corpus.atlas.index;
    let mut recommended = Vec::new();
    if draft.entry.indicators.is_empty() {
        return recommended;
    }
    // Of a rule of several steps it is not known which of them an exclusion would be of.
    let statement = draft.only_statement();
    let hits = corpus.selected(draft).filter(|selected| !selected.events.is_empty());
    for Excluded { indicator: id, score, rules } in corpus.neighbors.exclusions().into_iter().take(MAX_TRIED) {
        let Some(indicator) = index.indicator(id) else { continue };
        if hits.is_none() && recommended.len() >= MAX_RECOMMENDED {
            break;
        }
        if score < MIN_SCORE {
            break;
        }
        let claim = Claim::of(indicator, corpus.atlas.taxonomy);
        // Another column or a list is not to be had everywhere.
        if !claim.is_of_values() {
            continue;
        }
        // An exclusion of everything the rule is for, or of nothing that it selects, is no help.
        let is_idle =
            |statement: &Statement| statement.rules_out(&claim).is_found() || statement.entails(&claim).is_found();
        if !statement.is_some_and(is_idle) && is_of_log_source(draft, corpus, &indicator.field, &rules) {
            let removed = hits.map(|hits| hits.events.iter().filter(|event| claim.holds_for(event)).count() as u64);
            recommended.push(Recommended { indicator: id, rules, removed });
        }
    }
    // The order stays where as many hits go.
    recommended.sort_by_key(|found| std::cmp::Reverse(found.removed));
    recommended.truncate(MAX_RECOMMENDED);
    recommended
}

/// Rules over a log source that have to use a field for it to be one of the log source's.
const MIN_USERS: u64 = 3;

/// Whether rules over the same log source use the field, or one of those that exclude it reads that log source.
fn is_of_log_source(draft: &Draft<'_>, corpus: &Corpus<'_, '_>, field: &str, excluding: &[RuleId]) -> bool {
    let index = &corpus.atlas.index;
    let log_sources = &draft.entry.rule.log_sources;
    let is_own = || draft.entry.predicates.iter().any(|row| row.field.eq_ignore_ascii_case(field));
    let events: Option<Vec<_>> =
        draft.entry.rule.events.iter().map(|link| corpus.atlas.taxonomy.fields_of(&link.event)).collect();
    if let Some(tables) = events.filter(|tables| !tables.is_empty())
        && is_telemetry(field, corpus.atlas.taxonomy)
        && !tables.iter().any(|fields| fields.contains(field))
    {
        return is_own();
    }
    let sets = || log_sources.iter().filter_map(|name| index.set(Facet::LogSource, name));
    let is_used = || {
        let users = index.set(Facet::Field, &field.to_lowercase());
        users.is_some_and(|users| sets().any(|set| set.intersection_len(users) >= MIN_USERS))
    };
    log_sources.is_empty()
        || is_own()
        || is_used()
        || sets().any(|set| excluding.iter().any(|rule| set.contains(*rule)))
}
