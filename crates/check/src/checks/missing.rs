//! RA04: what rules like this one exclude.

use ruleatlas_catalog::{Facet, IndicatorId, RuleId};
use ruleatlas_logic::{Claim, Statement};

use super::{Corpus, phrase};
use crate::{Suggestion, code, draft::Draft, finding::Finding};

/// Exclusions that are recommended.
const MAX_RECOMMENDED: usize = 5;
/// Exclusions that are looked at for them.
const MAX_TRIED: usize = 40;

pub(crate) fn missing_exclusions(draft: &Draft<'_>, corpus: &Corpus<'_, '_>, findings: &mut Vec<Finding>) {
    let of = corpus.neighbors.of(&corpus.profile, crate::Aspect::Everything, &draft.own, MAX_COMPARED).len() as u64;
    let index = &corpus.atlas.index;
    let recommended: Vec<Suggestion> = recommended(draft, corpus)
        .into_iter()
        .filter_map(|(id, rules)| {
            Some(corpus.suggestion(draft, index.indicator(id)?, rules.len() as u64, of, rules.iter().copied()))
        })
        .collect();
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

/// The exclusions that are recommended, the best first, each with the rules that have it.
pub(crate) fn recommended(draft: &Draft<'_>, corpus: &Corpus<'_, '_>) -> Vec<(IndicatorId, Vec<RuleId>)> {
    let index = &corpus.atlas.index;
    let mut recommended = Vec::new();
    if draft.entry.indicators.is_empty() {
        return recommended;
    }
    // Of a rule of several steps it is not known which of them an exclusion would be of.
    let statement = draft.only_statement();
    for (id, _, rules) in corpus.neighbors.exclusions(&corpus.profile, &draft.own).into_iter().take(MAX_TRIED) {
        let Some(indicator) = index.indicator(id) else { continue };
        if recommended.len() >= MAX_RECOMMENDED {
            break;
        }
        let claim = Claim::of(indicator, corpus.atlas.taxonomy);
        // An exclusion of everything the rule is for, or of nothing that it selects, is no help.
        let is_idle =
            |statement: &Statement| statement.rules_out(&claim).is_found() || statement.entails(&claim).is_found();
        if !statement.is_some_and(is_idle) && is_of_log_source(draft, corpus, &indicator.field) {
            recommended.push((id, rules));
        }
    }
    recommended
}

/// Rules that are called similar.
const MAX_COMPARED: usize = 120;

/// Rules over a log source that have to use a field for it to be one of the log source's.
const MIN_USERS: u64 = 3;

/// Whether rules over the same log source use the field.
fn is_of_log_source(draft: &Draft<'_>, corpus: &Corpus<'_, '_>, field: &str) -> bool {
    let index = &corpus.atlas.index;
    let log_sources = &draft.entry.rule.log_sources;
    let own = || draft.entry.predicates.iter().any(|row| row.field.eq_ignore_ascii_case(field));
    let Some(users) = index.set(Facet::Field, &field.to_lowercase()) else { return own() };
    let mut sets = log_sources.iter().filter_map(|name| index.set(Facet::LogSource, name));
    log_sources.is_empty() || sets.any(|set| set.intersection_len(users) >= MIN_USERS) || own()
}
