//! Events made up from the comparisons of conditions, and confirmed by the evaluator.

use std::{collections::BTreeMap, sync::Arc};

use ruleatlas_evaluate::Verdict;
use ruleatlas_model::fold_case;
use ruleatlas_taxonomy::FieldType;

use crate::{
    decide::{Formula, Literal, Prover},
    language::{Language, text_of},
    pattern::{Pattern, Shape},
    sample::Sample,
    statement::Side,
};

/// Choices among alternatives that one search makes.
const MAX_STEPS: u32 = 3_000;
/// Events that one search makes up.
const MAX_EVENTS: u32 = 40;
/// Values that are tried for one field.
const MAX_VALUES: usize = 600;
/// Of two comparisons of one field with several values each, the pairs that are tried.
const MAX_COMBINED: usize = 64;

/// A search for an event that some sides select and another does not.
pub(crate) struct Search<'a> {
    holds: &'a [&'a Side<'a>],
    fails: Option<&'a Side<'a>>,
    steps: u32,
    events: u32,
    prover: Prover,
    /// Whether paths begin with `/`, as far as the sides show it.
    is_unix: bool,
    /// What else has to hold.
    claims: Vec<Formula>,
}

impl<'a> Search<'a> {
    pub fn new(holds: &'a [&'a Side<'a>], fails: Option<&'a Side<'a>>) -> Self {
        let is_unix = holds.iter().any(|side| side.statement.is_unix());
        let prover = Prover::default();
        Self { holds, fails, steps: MAX_STEPS, events: MAX_EVENTS, prover, is_unix, claims: Vec::new() }
    }

    /// The same for an event for which other things hold too.
    pub fn with(mut self, claims: impl Iterator<Item = Formula>) -> Self {
        self.claims.extend(claims);
        self
    }

    pub fn find(mut self) -> Option<Sample> {
        let mut todo = std::mem::take(&mut self.claims);
        for side in self.holds {
            side.formulas().iter().for_each(|formula| formula.add_to(&mut todo));
        }
        if let Some(side) = self.fails {
            // What is chosen last varies first.
            let broken: Arc<[Formula]> = side.formulas().iter().map(Formula::negated).collect();
            todo.insert(0, Formula::Any(broken));
        }
        // The end of the list is looked at first.
        self.choose(&mut Vec::new(), &todo)
    }

    /// Goes through the alternatives of `todo`, from its end.
    fn choose(&mut self, literals: &mut Vec<Literal>, todo: &[Formula]) -> Option<Sample> {
        self.steps = self.steps.checked_sub(1)?;
        let Some((next, rest)) = todo.split_last() else { return self.event(literals) };
        match next {
            Formula::Literal(literal) => {
                if literals.iter().any(|known| self.prover.exclude_each_other(known, literal)) {
                    return None;
                }
                literals.push(literal.clone());
                let found = self.choose(literals, rest);
                literals.pop();
                found
            }
            Formula::All(children) => {
                let todo: Vec<Formula> = rest.iter().chain(children.iter()).cloned().collect();
                self.choose(literals, &todo)
            }
            Formula::Any(cases) => {
                for case in cases.iter() {
                    let mut todo = rest.to_vec();
                    todo.push(case.clone());
                    if let Some(found) = self.choose(literals, &todo) {
                        return Some(found);
                    }
                    if self.steps == 0 || self.events == 0 {
                        return None;
                    }
                }
                None
            }
        }
    }

    fn event(&mut self, literals: &[Literal]) -> Option<Sample> {
        self.events = self.events.checked_sub(1)?;
        let mut by_field: BTreeMap<&str, Vec<&Literal>> = BTreeMap::new();
        for literal in literals {
            by_field.entry(literal.field()).or_default().push(literal);
        }
        let mut sample = Sample::default();
        for (field, literals) in by_field {
            if field.is_empty() && literals.iter().any(|literal| literal.source.predicate.is_none()) {
                continue;
            }
            if let Some(value) = value(&literals, self.is_unix)? {
                let name = literals.first().map_or(field, |literal| &literal.source.name);
                sample.set(name, value);
            }
        }
        let holds = |side: &&Side<'_>| side.evaluate(&sample) == Verdict::Holds;
        let is_found =
            self.holds.iter().all(holds) && self.fails.is_none_or(|side| side.evaluate(&sample) == Verdict::Fails);
        is_found.then_some(sample)
    }
}

/// A value of a field that is as all literals ask: `Some(None)` where it is best to have none.
fn value(literals: &[&Literal], is_unix: bool) -> Option<Option<String>> {
    let is_path = literals.iter().any(|literal| literal.source.field_type == Some(FieldType::Path));
    // A drive stands at the beginning of a path, or nowhere.
    let is_plausible = |value: &str| !is_path || !value.get(2..).is_some_and(|rest| rest.contains(":\\"));
    let is_good =
        |value: Option<&str>| value.is_none_or(is_plausible) && literals.iter().all(|literal| literal.is_met_by(value));
    let mut tried = 0;
    let mut found = None;
    let mut attempt = |value: String| {
        tried += 1;
        if tried <= MAX_VALUES && is_good(Some(&value)) {
            found = Some(value);
        }
        found.is_some() || tried >= MAX_VALUES
    };
    let (wanted, unwanted): (Vec<&Literal>, Vec<&Literal>) = literals.iter().partition(|literal| literal.is_positive());
    match wanted.as_slice() {
        [] => {
            let outside = unwanted.iter().flat_map(|literal| literal.patterns().iter().take(8)).flat_map(|pattern| {
                let sep = if is_path { separator(&[pattern]) } else { "" };
                pattern.outside().into_iter().map(move |text| {
                    if is_path && pattern.is_name { format!("{}{sep}{text}", root(sep)) } else { text }
                })
            });
            let plain = match (is_path, is_unix) {
                (true, true) => "/opt/ruleatlas/sample",
                (true, false) => "C:\\ruleatlas\\sample.exe",
                (false, _) => "sample",
            };
            let plain = plain.to_owned();
            // A path that is far off reads better than one that is nearly right.
            let first = is_path.then(|| plain.clone());
            let _ = first.into_iter().chain(outside).chain([plain, "0".to_owned()]).any(&mut attempt);
            if found.is_none() && is_good(None) {
                return Some(None);
            }
        }
        [only] => {
            let _ = only.patterns().iter().flat_map(|pattern| texts(&[pattern], is_path)).any(&mut attempt);
        }
        several => {
            let mut combined: Vec<Vec<&Pattern>> = vec![Vec::new()];
            for literal in several {
                combined = combined
                    .into_iter()
                    .flat_map(|list| {
                        literal.patterns().iter().map(move |pattern| {
                            let mut list = list.clone();
                            list.push(pattern);
                            list
                        })
                    })
                    .take(MAX_COMBINED)
                    .collect();
            }
            let _ = combined.iter().flat_map(|list| texts(list, is_path)).any(&mut attempt);
        }
    }
    if found.is_none() {
        found = by_automata(&wanted, &unwanted).filter(|value| is_good(Some(value)));
    }
    match found {
        Some(value) => Some(Some(value)),
        None => is_good(None).then_some(None),
    }
}

/// A value from the automata of the first set of each literal.
fn by_automata(wanted: &[&Literal], unwanted: &[&Literal]) -> Option<String> {
    let languages: Option<Vec<&Language>> =
        wanted.iter().map(|literal| literal.patterns().first()?.language()).collect();
    let without: Option<Vec<&Language>> =
        unwanted.iter().flat_map(|literal| literal.patterns()).take(8).map(Pattern::language).collect();
    text_of(&languages?, &without?).ok()?
}

fn root(separator: &str) -> &'static str {
    if separator == "/" { "/opt/ruleatlas" } else { "C:\\ruleatlas" }
}

/// The separator of paths: by those that the texts have, else by whether a name has an ending, as on Windows.
fn separator(patterns: &[&Pattern]) -> &'static str {
    let any = |character: char| patterns.iter().any(|pattern| pattern.text.contains(character));
    let is_unix = !any('\\') && (any('/') || !any('.'));
    if is_unix { "/" } else { "\\" }
}

/// Texts that are likely to be in all of the sets.
fn texts(patterns: &[&Pattern], is_path: bool) -> Vec<String> {
    let separator = separator(patterns);
    let (mut prefix, mut suffix) = (String::new(), String::new());
    let mut name: Option<String> = None;
    let mut middles: Vec<String> = Vec::new();
    for pattern in patterns {
        let Some(text) = pattern.sample() else { return Vec::new() };
        match (&pattern.shape, pattern.is_name) {
            (Shape::Exact, false) => return vec![text],
            (Shape::Prefix, false) if text.len() > prefix.len() => prefix = text,
            (Shape::Suffix, _) if text.len() > suffix.len() => suffix = text,
            (Shape::Prefix | Shape::Suffix, false) => {}
            (Shape::Network(_) | Shape::Order(..), _) => return vec![text],
            (Shape::Exact, true) => name = Some(text),
            (_, true) => {
                let known = name.get_or_insert_default();
                if !known.contains(&text) {
                    known.push_str(&text);
                }
            }
            (Shape::Anything | Shape::Filled, false) => {}
            _ => middles.push(text),
        }
    }
    middles.sort_by_key(|text| std::cmp::Reverse(text.len()));
    let mut kept: Vec<String> = Vec::new();
    for text in middles {
        let folded = fold_case(&text);
        let is_there = |other: &str| fold_case(other).contains(&*folded);
        if !is_there(&prefix) && !is_there(&suffix) && !kept.iter().any(|other| is_there(other)) {
            kept.push(text);
        }
    }
    let joined = |between: &str| kept.join(between);
    if let Some(name) = name {
        let mut path = if prefix.is_empty() { start_of(kept.first(), separator).to_owned() } else { prefix };
        for part in &kept {
            path = appended(&path, part);
        }
        if !path.ends_with(['\\', '/']) {
            path.push_str(separator);
        }
        return vec![format!("{path}{name}"), format!("{path}{name}{suffix}")];
    }
    if is_path && !(suffix.is_empty() && kept.is_empty()) {
        let parts: Vec<&String> = kept.iter().chain([&suffix]).filter(|part| !part.is_empty()).collect();
        let start = if prefix.is_empty() { start_of(parts.first().copied(), separator) } else { prefix.as_str() };
        let whole = parts.iter().fold(start.to_owned(), |path, part| appended(&path, part));
        return vec![
            whole,
            format!("{prefix}{}{suffix}", joined("")),
            format!("{prefix}{}{suffix}", joined(separator)),
            format!("{prefix}{separator}{}{separator}{suffix}", joined(separator)),
        ];
    }
    let filler = if prefix.is_empty() && suffix.is_empty() && kept.is_empty() { "x" } else { "" };
    vec![
        format!("{prefix}{}{suffix}{filler}", joined(" ")),
        format!("{prefix}x{}x{suffix}", joined("x")),
        format!("{prefix} {} {suffix}", joined(" ")),
        format!("{prefix}{}{suffix}", joined("")),
    ]
}

/// What a path begins with before a part of it.
fn start_of(part: Option<&String>, separator: &str) -> &'static str {
    match part {
        // A colon stands behind a drive.
        Some(part) if part.starts_with(':') => "C",
        Some(part) if part.as_bytes().get(1) == Some(&b':') => "",
        _ => root(separator),
    }
}

/// A path with a part behind it, one separator between the two where both have it.
fn appended(path: &str, part: &str) -> String {
    let is_shared = path.ends_with(['\\', '/']) && part.starts_with(['\\', '/']);
    let part = if is_shared { part.get(1..).unwrap_or_default() } else { part };
    format!("{path}{part}")
}
