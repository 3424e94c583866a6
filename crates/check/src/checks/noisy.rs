//! RA03: alternatives with nothing distinctive in them.

use roaring::RoaringBitmap;
use ruleatlas_catalog::{Index, IndicatorId};
use ruleatlas_core::{Literal, normal_form};
use ruleatlas_model::{Indicator, Predicate, Role, Span};
use ruleatlas_taxonomy::Reader;
use rustc_hash::FxHashMap;

use super::{Corpus, phrase};
use crate::{code, draft::Draft, finding::Finding};

/// Rules that check the same from which on it is called common.
const MIN_RULES: u64 = 30;
/// Of those, the share that checks something besides.
const MIN_COMBINED: f64 = 0.9;
/// Combinations that are named.
const MAX_NAMED: usize = 5;

/// The alternative of a condition that most rules' conditions have in them.
struct Branch {
    /// The rules that have all of it.
    rules: RoaringBitmap,
    indicators: Vec<IndicatorId>,
    span: Span,
}

pub(crate) fn noisy(draft: &Draft<'_>, corpus: &Corpus<'_, '_>, findings: &mut Vec<Finding>) {
    if draft.only_statement().is_none() || draft.is_computed() {
        return;
    }
    let Some(condition) = draft.entry.rule.conditions.first() else { return };
    // What is excluded may be what tells the wanted events apart: a program that is not where it should be.
    if draft.entry.predicates.iter().any(|row| row.role == Role::Exclusion || row.negated) {
        return;
    }
    let index = &corpus.atlas.index;
    let reader = corpus.atlas.taxonomy.reader(draft.entry.rule.vendor, &condition.sources);
    let log_source = log_source_rules(draft, index);
    let walk = Walk { index, reader: &reader, log_source: &log_source };
    let Some(mut branch) = walk.branch(&normal_form(&condition.root)) else { return };
    branch.rules -= &draft.own;
    let count = branch.rules.len();
    if branch.indicators.is_empty() || count < MIN_RULES {
        return;
    }
    // Rules that have nothing else than this branch's checks.
    let is_alone = |rule: u32| {
        let mut uses = index.uses_of(rule).iter().filter(|(_, role, _)| *role == Role::Indicator);
        uses.all(|(id, ..)| branch.indicators.contains(id) || !is_distinctive(index, *id))
    };
    let alone = branch.rules.iter().filter(|rule| is_alone(*rule)).count() as u64;
    #[allow(clippy::cast_precision_loss)]
    if (count - alone) as f64 / (count as f64) < MIN_COMBINED {
        return;
    }
    let mut combined: FxHashMap<IndicatorId, u64> = FxHashMap::default();
    for rule in &branch.rules {
        let mut last = None;
        for (id, role, _) in index.uses_of(rule) {
            if *role == Role::Indicator && last != Some(*id) && !branch.indicators.contains(id) {
                *combined.entry(*id).or_default() += 1;
            }
            last = Some(*id);
        }
    }
    let mut combined: Vec<(IndicatorId, u64)> =
        combined.into_iter().filter(|(id, _)| is_distinctive(index, *id)).collect();
    combined.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    let checks: Vec<&Indicator> = branch.indicators.iter().filter_map(|id| index.indicator(*id)).collect();
    let named: Vec<String> = checks.iter().take(3).map(|indicator| phrase(indicator)).collect();
    let message = format!(
        "nothing distinctive in this alternative: {count} rules check {} too, and {} of them check something besides",
        named.join(" and "),
        count - alone
    );
    let help = match combined.first().and_then(|(id, _)| index.indicator(*id)) {
        Some(indicator) => {
            format!("combine it with what tells the wanted events apart, as rules do with {}", phrase(indicator))
        }
        None => "combine it with what tells the wanted events apart".to_owned(),
    };
    let mut finding = draft.finding(code::NOISY, branch.span, message, help);
    finding.evidence.count = Some(count - alone);
    finding.evidence.of = Some(count);
    finding.evidence.rules = corpus.ids(branch.rules.iter());
    finding.evidence.indicators = combined
        .iter()
        .take(MAX_NAMED)
        .filter_map(|(id, rules)| {
            let with = index.rules_with(*id, Role::Indicator)? & &branch.rules;
            Some(corpus.suggestion(draft, index.indicator(*id)?, *rules, count, with.iter()))
        })
        .collect();
    findings.push(finding);
}

/// Whether an indicator is more than the choice of data: most rules of a log source say such.
fn is_distinctive(index: &Index, id: IndicatorId) -> bool {
    const MAX_REACH: u64 = 1_000;
    index.rules_with(id, Role::Indicator).is_some_and(|rules| rules.len() <= MAX_REACH)
}

/// The counted rules that read one of the draft's log sources.
fn log_source_rules(draft: &Draft<'_>, index: &Index) -> RoaringBitmap {
    let sets = draft.entry.rule.log_sources.iter();
    let sets = sets.filter_map(|name| index.set(ruleatlas_catalog::Facet::LogSource, name));
    sets.fold(RoaringBitmap::new(), |all, set| all | set) & index.counted()
}

struct Walk<'w> {
    index: &'w Index,
    reader: &'w Reader<'w>,
    log_source: &'w RoaringBitmap,
}

impl Walk<'_> {
    /// The most common alternative; none where something that no rule has, or nobody understands, is in all.
    fn branch(&self, literal: &Literal<'_>) -> Option<Branch> {
        match literal {
            Literal::All(children) => {
                let mut all = Branch { rules: self.log_source.clone(), indicators: Vec::new(), span: Span::default() };
                for child in children {
                    let child = match child {
                        // What is excluded narrows by itself, and tells no rule from another.
                        Literal::Predicate { predicate, inverted } if predicate.negated != *inverted => continue,
                        Literal::Any { flipped: true, .. } => continue,
                        other => self.branch(other)?,
                    };
                    all.rules &= &child.rules;
                    if all.span == Span::default() || child.rules.len() < all.rules.len() {
                        all.span = child.span;
                    }
                    all.indicators.extend(child.indicators);
                }
                Some(all)
            }
            Literal::Any { children, .. } => {
                let branches = children.iter().filter_map(|child| self.branch(child));
                branches.max_by_key(|branch| branch.rules.len())
            }
            Literal::Predicate { predicate, inverted } => self.check(predicate, *inverted),
            Literal::Opaque { .. } => None,
        }
    }

    fn check(&self, predicate: &Predicate, inverted: bool) -> Option<Branch> {
        if predicate.negated != inverted || predicate.computed {
            return None;
        }
        let steps = [ruleatlas_model::Condition::new(predicate.clone().into())];
        let placed = ruleatlas_core::roles(&steps);
        let folded = self.reader.fold(placed.first()?);
        let of = |indicator: &Indicator| {
            let id = self.index.find_indicator(indicator)?;
            let rules = self.index.rules_with(id, Role::Indicator)? & self.log_source;
            Some(Branch { rules, indicators: vec![id], span: predicate.span })
        };
        folded.iter().filter_map(|folded| of(&folded.indicator)).max_by_key(|branch| branch.rules.len())
    }
}
