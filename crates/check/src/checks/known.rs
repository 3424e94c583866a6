//! RA06: rules of the catalog that check the same.

use ruleatlas_catalog::{Head, RuleId};
use ruleatlas_logic::{Proof, Relation, Sample, Statement, compare, holds_all};
use ruleatlas_model::{DataSource, EventLink, SourceKind};

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
    let index = &corpus.atlas.index;
    let mut named: [usize; 4] = [0; 4];
    for (rule, similarity) in corpus.neighbors.by_indicators().iter().copied() {
        let Some(head) = index.head(rule).filter(|head| reads_the_same(draft, head)) else { continue };
        let Some(known) = corpus.known.rule(corpus.atlas, rule) else { continue };
        let other = &known.statement;
        let own_events = draft.entry.rule.events.as_slice();
        if !shares_tables(draft, &known.sources)
            || !shares_choice(statement, other)
            || !chooses_events(statement, other, &head.events)
            || !chooses_events(other, statement, own_events)
        {
            continue;
        }
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

/// Whether the draft reads one of a rule's tables, as far as both name some.
fn shares_tables(draft: &Draft<'_>, sources: &[DataSource]) -> bool {
    let is_table = |source: &&DataSource| source.kind == SourceKind::Table;
    let own = || draft.entry.rule.conditions.iter().flat_map(|step| &step.sources).filter(is_table);
    let mut tables = sources.iter().filter(is_table).peekable();
    tables.peek().is_none()
        || own().next().is_none()
        || tables.any(|table| own().any(|own| own.name.eq_ignore_ascii_case(&table.name)))
}

/// Fields that name a product's data; vendors write one or the other.
const DATA: [&str; 4] = ["event.dataset", "event.module", "event.provider", "Channel"];

/// Whether two statements name their data by one field, as far as both name it.
fn shares_choice(one: &Statement, other: &Statement) -> bool {
    let named = |statement: &Statement| -> Vec<&'static str> {
        DATA.into_iter().filter(|field| statement.checks().any(|check| check.field == *field)).collect()
    };
    let (one, other) = (named(one), named(other));
    one.is_empty() || other.is_empty() || one.iter().any(|field| other.contains(field))
}

/// Whether the ids of events that a statement asks for are those that a rule without ids reads, which then go without
/// saying.
fn chooses_events(statement: &Statement, other: &Statement, events: &[EventLink]) -> bool {
    let ids = |statement: &Statement| statement.checks().any(|check| check.field == "EventID");
    if !ids(statement) || ids(other) {
        return true;
    }
    let is_asked_for = |link: &EventLink| {
        statement
            .checks()
            .filter(|check| check.field == "EventID" && !check.is_negative)
            .any(|check| check.predicate.values.contains(&link.event.event_id))
    };
    !events.is_empty() && events.iter().all(is_asked_for)
}

/// Whether a rule reads events that the draft reads.
fn reads_the_same(draft: &Draft<'_>, head: &Head) -> bool {
    let rule = &draft.entry.rule;
    let shares_platform = rule.platforms.is_empty()
        || head.platforms.is_empty()
        || rule.platforms.iter().any(|platform| head.platforms.contains(platform));
    if !shares_platform {
        return false;
    }
    let shares_source = rule.log_sources.iter().any(|name| head.log_sources.contains(name));
    let shares_event = || rule.events.iter().any(|link| head.events.iter().any(|other| other.event == link.event));
    // Of a bare query nothing may be known.
    shares_source || shares_event() || (rule.log_sources.is_empty() && rule.events.is_empty())
}
