//! RA01: what does not parse, names what is not there, or cannot be evaluated.

use ruleatlas_catalog::Facet;
use ruleatlas_evaluate::is_malformed_regex;
use ruleatlas_model::{Language, Level, Op, Resolution, Role, Span};
use ruleatlas_views::{edit_distance, nearest};
use rustc_hash::FxHashSet;

use super::{Corpus, clipped, regex_cost};
use crate::{code, draft::Draft, finding::Finding};

/// Unknown fields of one rule that are named.
const MAX_UNKNOWN: usize = 8;
/// Names that an unknown field may be meant for.
const MAX_NEAR: usize = 3;

pub(crate) fn broken(draft: &Draft<'_>, corpus: &Corpus<'_, '_>, findings: &mut Vec<Finding>) {
    diagnostics(draft, findings);
    unknown_fields(draft, corpus, findings);
    expressions(draft, findings);
    techniques(draft, findings);
    for comment in &draft.comments {
        if let Some(fault) = comment.fault() {
            let help = "write `ruleatlas: ignore CODE reason`".to_owned();
            findings.push(draft.finding_at(code::IGNORE_WITHOUT_REASON, comment.place.clone(), fault, help));
        }
    }
}

fn diagnostics(draft: &Draft<'_>, findings: &mut Vec<Finding>) {
    for diagnostic in &draft.entry.rule.diagnostics {
        let (code, help) = match (diagnostic.code.as_ref(), diagnostic.level) {
            ("malformed technique", _) => (code::MALFORMED_TECHNIQUE, "write one id an entry, as `attack.t1059.001`"),
            ("unknown technique" | "unknown tactic", Level::Warning) => {
                (code::UNKNOWN_TECHNIQUE, "use an id of the loaded ATT&CK version")
            }
            ("unused selection", _) => (code::UNUSED_SELECTION, "use it in the condition, or remove it"),
            ("invalid regular expression", _) => (code::BAD_REGEX, "correct its brackets, escapes and quantifiers"),
            // Said of conditions, with a derivation.
            ("condition never holds", _) => continue,
            // A file alone has not what stands around it in its repository.
            (
                "module not found"
                | "SPL021 macro is not defined"
                | "function is not defined"
                | "rule is not available"
                | "no id"
                | "duplicate id",
                _,
            ) => continue,
            (_, Level::Error) => (code::NOT_UNDERSTOOD, "correct the syntax at this place"),
            (_, Level::Warning) => (code::ODD_SYNTAX, "write it as the language's documentation says"),
            (_, Level::Note) => continue,
        };
        let message = diagnostic.message.clone();
        findings.push(match (diagnostic.span, diagnostic.line) {
            (Some(span), _) => draft.finding(code, span, message, help.to_owned()),
            (None, Some(line)) => draft.finding_at(code, draft.text.line(line), message, help.to_owned()),
            (None, None) => draft.finding_of_rule(code, message, help.to_owned()),
        });
    }
}

fn unknown_fields(draft: &Draft<'_>, corpus: &Corpus<'_, '_>, findings: &mut Vec<Finding>) {
    if draft.entry.rule.log_sources.is_empty() {
        return;
    }
    let mut seen: FxHashSet<&str> = FxHashSet::default();
    let unknown = draft.entry.predicates.iter().filter(|row| {
        !row.mapped
            && row.role != Role::Computed
            && row.derived_from.is_none()
            && !row.raw_field.is_empty()
            && seen.insert(&row.raw_field)
    });
    let is_used = |field: &str| {
        let rules = corpus.atlas.index.set(Facet::Field, &field.to_lowercase());
        rules.is_some_and(|rules| rules.iter().any(|rule| !draft.own.contains(rule)))
    };
    // What no other name is like is more often a field of a log that the table does not know than a mistake.
    let is_name = |name: &str| name.chars().all(|it| it.is_alphanumeric() || matches!(it, '_' | '.' | '-' | '@' | ' '));
    for row in unknown.filter(|row| is_name(&row.raw_field) && !is_used(&row.raw_field)).take(MAX_UNKNOWN) {
        let mut near = nearest(&row.raw_field, corpus.atlas.taxonomy.field_names(), MAX_NEAR);
        near.retain(|name| is_misspelt(&row.raw_field, name));
        if near.is_empty() {
            continue;
        }
        let help = format!("check its spelling; known are `{}`", near.join("`, `"));
        let message = format!("no rule and no table of fields knows `{}`", clipped(&row.raw_field));
        findings.push(draft.finding(code::UNKNOWN_FIELD, row.span, message, help));
    }
}

/// Whether a name is another one but for a letter or two. Vendors write one name with other separators and in other case,
/// and a join numbers the names of its sides.
fn is_misspelt(name: &str, known: &str) -> bool {
    const MAX_LETTERS: usize = 2;
    let letters = |text: &str| -> String {
        text.chars().filter(|it| it.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let (name, known) = (letters(name), letters(known));
    let numbered = name.trim_end_matches(|it: char| it.is_ascii_digit());
    name.len() > 2 * MAX_LETTERS
        && numbered != known
        && name != known
        && edit_distance(&name, &known) <= MAX_LETTERS.min(name.len() / 4)
}

fn expressions(draft: &Draft<'_>, findings: &mut Vec<Finding>) {
    let rule = &draft.entry.rule;
    // Engines of the other languages are automata.
    let backtracks = matches!(rule.language, Language::Sigma | Language::Spl | Language::Python);
    let predicates = rule.conditions.iter().flat_map(|condition| condition.root.predicates());
    let mut seen: FxHashSet<(&str, Span)> = FxHashSet::default();
    for predicate in predicates.filter(|predicate| predicate.op == Op::RegexMatch) {
        for value in predicate.values.iter().filter(|value| seen.insert((value, predicate.span))) {
            if is_malformed_regex(value, &predicate.modifiers) {
                let message = format!("the regular expression `{}` does not compile", clipped(value));
                let help = "correct its brackets, escapes and quantifiers".to_owned();
                findings.push(draft.finding(code::BAD_REGEX, predicate.span, message, help));
                continue;
            }
            let Some(cost) = regex_cost::exponential(value).filter(|_| backtracks) else { continue };
            let message = format!(
                "the regular expression `{}` takes {} steps for a text of {} characters and {} for {}",
                clipped(value),
                cost.short.1,
                cost.short.0,
                cost.long.1,
                cost.long.0
            );
            let help = "let no two repetitions match the same characters".to_owned();
            let mut finding = draft.finding(code::SLOW_REGEX, predicate.span, message, help);
            finding.evidence.derivation = format!("text: {}", clipped(&cost.text));
            findings.push(finding);
        }
    }
}

fn techniques(draft: &Draft<'_>, findings: &mut Vec<Finding>) {
    for tag in draft.entry.rule.technique_tags.iter().filter(|tag| !tag.inferred) {
        let (message, help) = match tag.resolution {
            Resolution::RevokedBy => (
                format!("`{}` is revoked", clipped(&tag.tag)),
                format!("use {} in its place", tag.techniques.join(", ")),
            ),
            Resolution::Deprecated => (
                format!("`{}` is deprecated, and ATT&CK names no successor", clipped(&tag.tag)),
                "choose another technique".to_owned(),
            ),
            _ => continue,
        };
        findings.push(draft.finding_of_text(code::REVOKED_TECHNIQUE, &tag.tag, message, help));
    }
}
