//! RA06: rules of the catalog that check the same.

use ruleatlas_catalog::RuleId;
use ruleatlas_logic::{Proof, Relation, Sample, compare, holds_all};
use ruleatlas_views::{Comparable, RuleReads};

use super::{Corpus, clipped};
use crate::{
    code,
    draft::Draft,
    finding::{Finding, Witness},
};

/// Rules of one relation that are named.
const MAX_NAMED: usize = 3;
/// Least similarity of rules that overlap.
const MIN_OVERLAPPING: f64 = 0.6;

pub(crate) fn already_there(draft: &Draft<'_>, corpus: &Corpus<'_, '_>, findings: &mut Vec<Finding>) {
    let Some(statement) = draft.only_statement().filter(|statement| statement.is_comparable()) else { return };
    let sources = draft.entry.rule.conditions.first().map_or(&[][..], |condition| condition.sources.as_slice());
    let own = Comparable { statement, sources, reads: RuleReads::from(&draft.entry.rule) };
    let index = &corpus.atlas.index;
    let mut named: [usize; 4] = [0; 4];
    for (rule, similarity) in corpus.neighbors.by_indicators().iter().copied() {
        let Some(head) = index.head(rule).filter(|head| own.reads.shares_events(&RuleReads::from(*head))) else {
            continue;
        };
        let Some(known) = corpus.known.rule(corpus.atlas, rule) else { continue };
        if !own.chooses_like(&Comparable::new(&known, head)) {
            continue;
        }
        let other = &known.statement;
        let forward = holds_all(statement, other);
        let is_related = forward.is_found() || holds_all(other, statement).is_found();
        // To look for events is dear: only where it is worth it.
        if !is_related && (similarity < MIN_OVERLAPPING || named[3] >= MAX_NAMED || forward == Proof::TooLarge) {
            continue;
        }
        let found = compare(statement, other);
        let (at, code, says, help) = match found.relation {
            Relation::Same => (0, code::SAME, "checks the same as", "keep one of the two, or say why both are needed"),
            Relation::Narrower => {
                (1, code::NARROWER, "selects only what is selected by", "see whether the other rule already does")
            }
            Relation::Wider => {
                (2, code::WIDER, "selects all that is selected by", "see what the other rule asks for besides")
            }
            Relation::Overlapping => {
                (3, code::OVERLAPPING, "looks for much of what is looked for by", "see what the other rule has besides")
            }
            Relation::Disjoint | Relation::Undecided(_) => continue,
        };
        if named[at] >= MAX_NAMED {
            continue;
        }
        named[at] += 1;
        let message = format!("the rule {says} {} ({})", head.id, clipped(&head.title));
        let mut finding = draft.finding_of_rule(code, message, help.to_owned());
        finding.evidence.rules = corpus.ids([rule as RuleId].into_iter());
        if found.relation == Relation::Same {
            finding.evidence.derivation =
                "each condition follows from the other, over canonical fields and apart from the choice of data"
                    .to_owned();
        }
        let here = |event: Sample| Witness { event, draft: true, other: Some(false) };
        let there = |event: Sample| Witness { event, draft: false, other: Some(true) };
        finding.evidence.witness = found.only_here.map(here).or(found.only_there.map(there));
        findings.push(finding);
    }
}
