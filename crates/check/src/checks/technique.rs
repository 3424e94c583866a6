//! RA07: techniques of rules that look for the same.

use ruleatlas_catalog::RuleId;
use ruleatlas_views::technique_family as family;
use rustc_hash::FxHashMap;

use super::Corpus;
use crate::{code, draft::Draft, finding::Finding};

/// Least similarity of rules that are asked.
const MIN_SIMILARITY: f64 = 0.35;
/// Rules that have to agree.
const MIN_RULES: usize = 3;
/// The share of similarity that has to agree on a technique.
const MIN_SHARE: f64 = 0.75;
/// The share above which a draft's own technique is at odds with the others'.
const MIN_AT_ODDS: f64 = 0.8;

pub(crate) fn techniques(draft: &Draft<'_>, corpus: &Corpus<'_, '_>, findings: &mut Vec<Finding>) {
    let index = &corpus.atlas.index;
    let alike = corpus.neighbors.by_indicators();
    let alike = alike.get(..alike.partition_point(|(_, similarity)| *similarity >= MIN_SIMILARITY)).unwrap_or_default();
    let mut asked = 0.0;
    let mut by_family: FxHashMap<&str, (f64, Vec<RuleId>)> = FxHashMap::default();
    let mut by_technique: FxHashMap<&str, f64> = FxHashMap::default();
    for (rule, similarity) in alike {
        let Some(head) = index.head(*rule) else { continue };
        let mut families = Vec::new();
        for technique in head.techniques() {
            *by_technique.entry(technique).or_default() += similarity;
            if !families.contains(&family(technique)) {
                families.push(family(technique));
            }
        }
        if families.is_empty() {
            continue;
        }
        asked += similarity;
        for family in families {
            let entry = by_family.entry(family).or_default();
            entry.0 += similarity;
            entry.1.push(*rule);
        }
    }
    let mut ranked: Vec<(&str, f64, Vec<RuleId>)> =
        by_family.into_iter().map(|(family, (weight, rules))| (family, weight, rules)).collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(b.0)));
    let Some((best, weight, rules)) = ranked.first() else { return };
    let share = weight / asked;
    // Those without a technique do not agree either.
    if rules.len() < MIN_RULES || share < MIN_SHARE || rules.len() * 2 < alike.len() {
        return;
    }
    let mut detailed: Vec<(&str, f64)> = by_technique.into_iter().filter(|(id, _)| family(id) == *best).collect();
    detailed.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(b.0)));
    let Some((technique, _)) = detailed.first() else { return };
    let name = corpus.atlas.attack.techniques.get(*technique).map(|known| known.name.as_str()).unwrap_or_default();
    let own = draft.entry.rule.techniques();
    let asked_rules = alike.len();
    let (code, message, help) = match own.as_slice() {
        [] => (
            code::TECHNIQUE_SUGGESTED,
            format!("{} of {asked_rules} rules that look for the same are tagged {technique} ({name})", rules.len()),
            format!("tag the rule with {technique}, if that is what it detects"),
        ),
        tagged
            if share >= MIN_AT_ODDS
                && tagged.iter().all(|id| ranked.iter().all(|(other, ..)| *other != family(id))) =>
        {
            (
                code::TECHNIQUE_AT_ODDS,
                format!(
                    "the rule is tagged {}, and {} of {asked_rules} rules that look for the same {technique} ({name})",
                    tagged.join(", "),
                    rules.len()
                ),
                format!("see whether {technique} fits better"),
            )
        }
        _ => return,
    };
    let mut finding = draft.finding_of_rule(code, message, help);
    finding.evidence.count = Some(rules.len() as u64);
    finding.evidence.of = Some(asked_rules as u64);
    finding.evidence.rules = corpus.ids(rules.iter().copied());
    findings.push(finding);
}
