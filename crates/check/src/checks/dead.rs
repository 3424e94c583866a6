//! RA02: what can never or always hold, or has no effect.

use ruleatlas_catalog::PredicateRow;
use ruleatlas_evaluate::Verdict;
use ruleatlas_logic::{Check, Sample, Statement};
use ruleatlas_model::{Condition, EventRef, Op, Predicate, Role, Vendor};
use ruleatlas_taxonomy::{FieldType, Part, Taxonomy};
use rustc_hash::FxHashSet;

use super::{Corpus, clipped};
use crate::{
    code,
    draft::Draft,
    finding::{Finding, Witness},
};

/// Exclusions of one condition that are looked at.
const MAX_EXCLUSIONS: usize = 50;
/// Values without effect that are named of one comparison.
const MAX_COVERED: usize = 3;

/// Whether the whole condition never or always holds.
pub(crate) fn dead(draft: &Draft<'_>, corpus: &Corpus<'_, '_>, findings: &mut Vec<Finding>) -> bool {
    let mut is_dead = false;
    for (statement, condition) in draft.statements.iter().zip(&draft.entry.rule.conditions) {
        is_dead |= never_or_always(draft, statement, condition, findings);
        let is_joined = draft.entry.rule.conditions.len() > 1;
        let mut said_of: FxHashSet<(u32, u32)> = FxHashSet::default();
        for (part, other) in statement.dead_parts() {
            // What several steps share is meant for all of them together, and after a join a name may be of either side.
            let is_of_steps = is_joined && part.predicate.stage != other.predicate.stage
                || is_shared(draft, part.predicate)
                || is_shared(draft, other.predicate);
            if is_of_steps || !said_of.insert((part.predicate.span.start, part.predicate.span.end)) {
                continue;
            }
            let message = format!("{} never holds here, as {} has to hold too", said(part), said(other));
            let help = "remove it, or correct one of the two".to_owned();
            let mut finding = draft.finding(code::DEAD_ALTERNATIVE, part.predicate.span, message, help);
            finding.evidence.derivation = derivation(part, other);
            findings.push(finding);
        }
        covered(draft, statement, findings);
        idle(draft, statement, findings);
        names_and_paths(draft, corpus, condition, findings);
        case(draft, statement, findings);
        not_carried(draft, corpus, condition, findings);
    }
    is_dead
}

/// Whether a comparison of the query is in several steps.
fn is_shared(draft: &Draft<'_>, predicate: &Predicate) -> bool {
    let steps = draft.entry.rule.conditions.iter();
    steps.filter(|step| step.root.predicates().any(|other| other.span == predicate.span)).take(2).count() > 1
}

fn never_or_always(
    draft: &Draft<'_>,
    statement: &Statement,
    condition: &Condition,
    findings: &mut Vec<Finding>,
) -> bool {
    if statement.checks().next().is_none() {
        return false;
    }
    // Of several steps one may be an alternative of another, or must not happen at all.
    let is_whole = draft.entry.rule.conditions.len() == 1 && !condition.absent;
    let (code, what) =
        if is_whole { (code::NEVER_HOLDS, "condition") } else { (code::DEAD_ALTERNATIVE, "condition of a step") };
    let is_of_one_step =
        |(one, other): &(Check<'_>, Check<'_>)| is_whole || one.predicate.stage == other.predicate.stage;
    if let Some((one, other)) = statement.contradiction().filter(is_of_one_step) {
        let message = format!("the {what} never holds: {} and {} exclude each other", said(one), said(other));
        let help = "make them alternatives, or correct one of the two".to_owned();
        let mut finding = draft.finding(code, other.predicate.span, message, help);
        finding.evidence.derivation = derivation(one, other);
        findings.push(finding);
        return is_whole;
    }
    if is_whole && statement.never_holds().is_found() {
        let message = format!("the {what} never holds: each of its alternatives contradicts itself");
        let mut finding = draft.finding_of_rule(code, message, "correct the condition".to_owned());
        finding.evidence.derivation =
            "every way through the alternatives has two checks that exclude each other".to_owned();
        findings.push(finding);
        return is_whole;
    }
    let nothing = Sample::default();
    if is_whole && statement.always_holds().is_found() && statement.evaluate(&nothing) == Verdict::Holds {
        let message = "the condition holds for every event".to_owned();
        let help = "ask for something that only the wanted events have".to_owned();
        let mut finding = draft.finding_of_rule(code::ALWAYS_HOLDS, message, help);
        finding.evidence.witness = Some(Witness { event: nothing, draft: true, other: None });
        findings.push(finding);
        return true;
    }
    false
}

/// A comparison as a reader says it.
pub(super) fn said(check: Check<'_>) -> String {
    let values = match check.predicate.values.as_slice() {
        [] => String::new(),
        [only] => format!(" {}", clipped(only)),
        [first, rest @ ..] => format!(" {} (or {} more)", clipped(first), rest.len()),
    };
    let not = if check.is_negative { "not " } else { "" };
    let field = if check.field.is_empty() { "keyword" } else { check.field };
    format!("`{not}{field} {}{values}`", check.predicate.op)
}

fn derivation(one: Check<'_>, other: Check<'_>) -> String {
    let why = match (one.is_negative, other.is_negative) {
        (false, false) => "no value satisfies both",
        (true, true) => "no event satisfies both",
        _ => "every value that satisfies the one is excluded by the other",
    };
    format!("{} and {}: {why}", said(one), said(other))
}

fn idle(draft: &Draft<'_>, statement: &Statement, findings: &mut Vec<Finding>) {
    // A guard against an empty value is written to be sure, and is none.
    let is_guard = |check: &Check<'_>| check.predicate.guard || check.predicate.values.iter().all(String::is_empty);
    for exclusion in statement.exclusions().into_iter().take(MAX_EXCLUSIONS) {
        if exclusion.checks.iter().any(is_guard) {
            continue;
        }
        let Some(first) = exclusion.checks.first().filter(|_| statement.is_idle(&exclusion)) else { continue };
        let parts: Vec<String> =
            exclusion.checks.iter().take(3).map(|check| said(Check { is_negative: false, ..*check })).collect();
        let message = format!("the exclusion of {} takes nothing away", parts.join(" and "));
        let help = "remove it, or correct what it is meant to exclude".to_owned();
        let mut finding = draft.finding(code::IDLE_EXCLUSION, first.predicate.span, message, help);
        finding.evidence.derivation = "the rest of the condition already rules out what it is of".to_owned();
        findings.push(finding);
    }
}

fn covered(draft: &Draft<'_>, statement: &Statement, findings: &mut Vec<Finding>) {
    let mut last = None;
    let mut named = 0;
    for (check, at, other) in statement.covered_values() {
        named = if last == Some(check.predicate.span) { named + 1 } else { 0 };
        last = Some(check.predicate.span);
        let values = &check.predicate.values;
        let (Some(value), Some(other)) = (values.get(at), values.get(other)) else { continue };
        if named >= MAX_COVERED {
            continue;
        }
        let is_twice = value == other;
        let (message, help) = match is_twice {
            true => (format!("`{}` stands twice in the list", clipped(value)), "remove one of the two"),
            false => (
                format!("`{}` matches nothing that `{}` does not match", clipped(value), clipped(other)),
                "remove the longer value, or make the shorter one stricter",
            ),
        };
        let mut finding = draft.finding(code::COVERED_VALUE, check.predicate.span, message, help.to_owned());
        if is_twice {
            findings.push(finding);
            continue;
        }
        finding.evidence.derivation = format!(
            "every `{} {}` text is `{} {}`",
            check.predicate.op,
            clipped(value),
            check.predicate.op,
            clipped(other)
        );
        findings.push(finding);
    }
}

fn names_and_paths(draft: &Draft<'_>, corpus: &Corpus<'_, '_>, condition: &Condition, findings: &mut Vec<Finding>) {
    let rule = &draft.entry.rule;
    let reader = corpus.atlas.taxonomy.reader(rule.vendor, &condition.sources);
    for predicate in condition.root.predicates() {
        let Some(used) = reader.field_of(predicate) else { continue };
        if used.field.field_type != FieldType::Path || !predicate.modifiers.is_empty() {
            continue;
        }
        // A relative path may be what a program was started as.
        let has_folder = |value: &str| {
            !value.starts_with('.')
                && (value.trim_start_matches(['\\', '/']).contains(['\\', '/']) || value.starts_with('\\'))
        };
        let is_whole = matches!(predicate.op, Op::Eq | Op::In);
        let all = |holds: &dyn Fn(&str) -> bool| {
            !predicate.values.is_empty() && predicate.values.iter().all(|value| holds(value))
        };
        if used.part == Part::Name && is_whole && all(&|value| has_folder(value)) {
            let value = predicate.values.first().map(String::as_str).unwrap_or_default();
            let message = format!("`{}` holds a bare name, and `{}` has a folder", predicate.raw_field, clipped(value));
            let help = "compare the bare name, or the field of whole paths".to_owned();
            findings.push(draft.finding(code::PATH_IN_NAME, predicate.span, message, help));
        }
        let is_name =
            |value: &str| !value.is_empty() && !value.contains(['\\', '/', ':', '%', '*', '$']) && has_extension(value);
        let is_carried = rule.events.iter().any(|link| {
            let fields = corpus.atlas.taxonomy.fields_of(&link.event);
            fields.is_some_and(|fields| fields.contains(used.field.name.as_str()))
        });
        if used.part == Part::Whole
            && is_whole
            && is_carried
            && all(&is_name)
            && holds_paths(&used.field.name)
            && used.field.name == predicate.raw_field
        {
            let value = predicate.values.first().map(String::as_str).unwrap_or_default();
            let message =
                format!("`{}` holds a whole path, and `{}` is a bare name", predicate.raw_field, clipped(value));
            let help = format!("compare the end of the path: `\\{}`", clipped(value));
            findings.push(draft.finding(code::NAME_IN_PATH, predicate.span, message, help));
        }
    }
}

/// Whether a field of paths holds paths of files, rather than names as some logs write them.
fn holds_paths(field: &str) -> bool {
    matches!(field, "Image" | "ParentImage" | "SourceImage" | "TargetImage" | "ImageLoaded")
}

fn has_extension(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(stem, ending)| {
        !stem.is_empty() && (2..=4).contains(&ending.len()) && ending.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// Paths and command lines of Windows that are compared with case.
fn case(draft: &Draft<'_>, statement: &Statement, findings: &mut Vec<Finding>) {
    if draft.entry.rule.platforms != ["windows"] {
        return;
    }
    for check in statement.checks() {
        let predicate: &Predicate = check.predicate;
        let is_text = predicate.op != Op::RegexMatch && !predicate.op.is_presence();
        let is_of_windows = matches!(
            check.field,
            "Image" | "ParentImage" | "CommandLine" | "ParentCommandLine" | "TargetFilename" | "ImageLoaded"
        );
        let Some(value) = predicate.values.iter().find(|value| value.chars().any(char::is_alphabetic)) else {
            continue;
        };
        if !(predicate.case_sensitive && is_text && is_of_windows && !check.is_negative) {
            continue;
        }
        let message = format!("{} tells upper from lower case, and Windows does not", said(check));
        let help = "use the operator that compares without case".to_owned();
        let mut finding = draft.finding(code::CASED_PATH, predicate.span, message, help);
        finding.evidence.derivation = format!("`{}` is the same to Windows", clipped(&swapped(value)));
        findings.push(finding);
    }
}

fn swapped(value: &str) -> String {
    let swap = |character: char| {
        if character.is_uppercase() { character.to_ascii_lowercase() } else { character.to_ascii_uppercase() }
    };
    value.chars().map(swap).collect()
}

/// Fields that none of the events has, which the table has all fields of.
fn not_carried(draft: &Draft<'_>, corpus: &Corpus<'_, '_>, condition: &Condition, findings: &mut Vec<Finding>) {
    let rule = &draft.entry.rule;
    if rule.conditions.len() != 1 || rule.events.is_empty() {
        return;
    }
    let taxonomy = corpus.atlas.taxonomy;
    let events: Option<Vec<_>> = rule.events.iter().map(|link| taxonomy.fields_of(&link.event)).collect();
    let Some(events) = events else { return };
    let reader = taxonomy.reader(rule.vendor, &condition.sources);
    let asks_for_value = |row: &&PredicateRow| row.role == Role::Indicator && row.mapped && !row.op.is_presence();
    for row in draft.entry.predicates.iter().filter(asks_for_value) {
        let Some(used) = reader.resolve(&row.raw_field) else { continue };
        let name = used.field.name.as_str();
        // What a product calls in its own way may be filled from other fields of the event.
        if rule.vendor != Vendor::Sigma && !row.raw_field.contains("event_data.") {
            continue;
        }
        let is_carried = events.iter().any(|fields| fields.contains(name));
        // Fields of the event's head, and those that a product adds, are in no table of its fields.
        if is_carried || HEAD.contains(&name) || !is_telemetry(name, taxonomy) {
            continue;
        }
        let named: Vec<String> =
            rule.events.iter().take(3).map(|link| format!("{} {}", link.event.provider, link.event.event_id)).collect();
        let message = format!("`{}` is in no event that the rule reads ({})", row.raw_field, named.join(", "));
        let help = "read the event that has it, or another field".to_owned();
        let mut finding = draft.finding(code::FIELD_NOT_CARRIED, row.span, message, help);
        finding.evidence.derivation = format!("the tables of fields of {} have no `{name}`", named.join(", "));
        findings.push(finding);
    }
}

/// Fields that the head of every event of Windows has.
const HEAD: [&str; 2] = ["ProcessId", "ThreadId"];

/// Whether some event of Sysmon or of Windows has the field, so that not having it says something.
pub(super) fn is_telemetry(field: &str, taxonomy: &Taxonomy) -> bool {
    ["1", "3", "7", "8", "10", "11", "12", "13", "15", "17", "22"].iter().any(|id| {
        let event = EventRef { provider: "Sysmon".to_owned(), event_id: (*id).to_owned() };
        taxonomy.fields_of(&event).is_some_and(|fields| fields.contains(field))
    })
}
