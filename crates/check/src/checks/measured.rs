//! RA03 and RA04 with measured hits: what of the logs a draft selects.

use super::Corpus;
use crate::{
    code,
    draft::Draft,
    finding::Finding,
    hits::{MeasuredHits, Selected},
};

/// Rules that are named.
const MAX_NAMED: usize = 5;

pub(crate) fn measured(draft: &Draft<'_>, corpus: &Corpus<'_, '_>, findings: &mut Vec<Finding>) {
    let Some(hits) = corpus.hits else { return };
    let selected = corpus.selected(draft);
    let (count, of, message) = match (hits.of_rule(&draft.entry.rule.id), selected) {
        (Some((asked, count)), _) if count > 0 => {
            (count, asked, format!("the rule hit {count} of the {asked} events of the logs that it was asked about"))
        }
        (None, Some(selected)) if !selected.events.is_empty() => of_others(hits, selected),
        _ => return,
    };
    let help = "see whether these are what the rule is for, and exclude what is harmless".to_owned();
    let mut finding = draft.finding_of_rule(code::MEASURED, message, help);
    finding.evidence.count = Some(count);
    finding.evidence.of = Some(of);
    finding.evidence.rules =
        selected.iter().flat_map(|it| &it.rules).take(MAX_NAMED).map(|id| (*id).to_owned()).collect();
    findings.push(finding);
}

fn of_others(hits: &MeasuredHits, selected: &Selected<'_>) -> (u64, u64, String) {
    let (count, of) = (selected.events.len() as u64, selected.of);
    let first = if hits.is_cut() { "first " } else { "" };
    let message = format!("the rule selects {count} of the {first}{of} events of its log source that other rules hit");
    (count, of, message)
}
