//! What a backtracking engine pays for a regular expression: found by counting the steps of one.

use regex_syntax::hir::{Hir, HirKind};

/// Steps after which a text counts as too expensive.
const MAX_STEPS: u64 = 200_000;
/// Lengths at which texts are tried.
const SHORT: usize = 8;
const LONG: usize = 16;
/// How much more twice the length costs where the cost is exponential: a cubic one pays eight times.
const EXPONENTIAL: u64 = 64;
/// Repetitions within repetitions that are tried.
const MAX_TRIED: usize = 8;

/// What two texts of one form cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cost {
    /// Characters and steps.
    pub short: (usize, u64),
    /// Characters and steps; counting ends at a limit.
    pub long: (usize, u64),
    /// The longer text.
    pub text: String,
}

/// A text for which a backtracking engine takes exponentially many steps, if one is found.
pub(super) fn exponential(pattern: &str) -> Option<Cost> {
    let hir = regex_syntax::ParserBuilder::new().nest_limit(60).build().parse(pattern).ok()?;
    let mut nested = Vec::new();
    find_nested(&hir, &mut Vec::new(), &mut nested);
    nested.iter().take(MAX_TRIED).find_map(|(prefix, unit)| {
        let text = |length: usize| {
            let pumped: String = unit.chars().cycle().take(length).collect();
            // What follows fits no pattern.
            format!("{prefix}{pumped}\u{1}")
        };
        let (short, long) = (text(SHORT), text(LONG));
        let (short_steps, long_steps) = (steps(&hir, &short), steps(&hir, &long));
        (short_steps > SHORT as u64 && long_steps / short_steps.max(1) >= EXPONENTIAL).then(|| Cost {
            short: (short.chars().count(), short_steps),
            long: (long.chars().count(), long_steps),
            text: long,
        })
    })
}

/// Unbounded repetitions that hold another one, with a text that leads there and one that they match.
fn find_nested(hir: &Hir, before: &mut Vec<String>, found: &mut Vec<(String, String)>) {
    match hir.kind() {
        HirKind::Repetition(repetition) => {
            if repetition.max.is_none()
                && has_repetition(&repetition.sub)
                && let Some(unit) = example(&repetition.sub).filter(|unit| !unit.is_empty())
            {
                found.push((before.concat(), unit));
            }
            find_nested(&repetition.sub, before, found);
        }
        HirKind::Capture(capture) => find_nested(&capture.sub, before, found),
        HirKind::Concat(parts) => {
            let length = before.len();
            for part in parts {
                find_nested(part, before, found);
                before.push(example(part).unwrap_or_default());
            }
            before.truncate(length);
        }
        HirKind::Alternation(parts) => parts.iter().for_each(|part| find_nested(part, before, found)),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => {}
    }
}

fn has_repetition(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Repetition(repetition) => repetition.max != Some(1) || has_repetition(&repetition.sub),
        HirKind::Capture(capture) => has_repetition(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().any(has_repetition),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => false,
    }
}

/// A short text that an expression matches, letters before other characters.
fn example(hir: &Hir) -> Option<String> {
    Some(match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => String::new(),
        HirKind::Literal(literal) => String::from_utf8_lossy(&literal.0).into_owned(),
        HirKind::Class(class) => {
            let is_in = |character: char| match class {
                regex_syntax::hir::Class::Unicode(class) => {
                    class.iter().any(|range| (range.start()..=range.end()).contains(&character))
                }
                regex_syntax::hir::Class::Bytes(class) => u8::try_from(character)
                    .is_ok_and(|byte| class.iter().any(|range| (range.start()..=range.end()).contains(&byte))),
            };
            let likely = ('a'..='z').chain('0'..='9').chain('A'..='Z').chain(' '..='~').find(|it| is_in(*it));
            let first = match class {
                regex_syntax::hir::Class::Unicode(class) => class.iter().next().map(|range| range.start()),
                regex_syntax::hir::Class::Bytes(class) => class.iter().next().map(|range| char::from(range.start())),
            };
            likely.or(first)?.to_string()
        }
        HirKind::Repetition(repetition) => {
            // What may be left out is left out, what may be repeated is there.
            let times = if repetition.max == Some(1) { repetition.min } else { repetition.min.max(1) };
            example(&repetition.sub)?.repeat(times.min(8) as usize)
        }
        HirKind::Capture(capture) => example(&capture.sub)?,
        HirKind::Concat(parts) => parts.iter().map(example).collect::<Option<String>>()?,
        HirKind::Alternation(parts) => example(parts.first()?)?,
    })
}

/// The steps that a backtracking engine takes from the beginning of a text until it matches all of it or gives up.
fn steps(hir: &Hir, text: &str) -> u64 {
    let characters: Vec<char> = text.chars().collect();
    let mut engine = Engine { text: &characters, steps: 0, depth: 0 };
    let length = characters.len();
    // Only a match of the whole text counts, so that every way is tried.
    engine.matches(hir, 0, &mut |_, at| at == length);
    engine.steps
}

/// Levels of calls that the engine makes.
const MAX_DEPTH: u32 = 1_000;

struct Engine<'t> {
    text: &'t [char],
    steps: u64,
    depth: u32,
}

type Then<'f> = &'f mut dyn FnMut(&mut Engine<'_>, usize) -> bool;

impl Engine<'_> {
    fn matches(&mut self, hir: &Hir, at: usize, then: Then<'_>) -> bool {
        self.steps += 1;
        if self.steps > MAX_STEPS || self.depth > MAX_DEPTH {
            return false;
        }
        self.depth += 1;
        let found = match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => then(self, at),
            HirKind::Literal(literal) => {
                let expected = String::from_utf8_lossy(&literal.0);
                let mut end = at;
                let is_there = expected.chars().all(|character| {
                    end += 1;
                    self.text.get(end - 1) == Some(&character)
                });
                is_there && then(self, end)
            }
            HirKind::Class(class) => {
                let is_in = self.text.get(at).is_some_and(|character| match class {
                    regex_syntax::hir::Class::Unicode(class) => {
                        class.iter().any(|range| (range.start()..=range.end()).contains(character))
                    }
                    regex_syntax::hir::Class::Bytes(class) => u8::try_from(*character)
                        .is_ok_and(|byte| class.iter().any(|range| (range.start()..=range.end()).contains(&byte))),
                });
                is_in && then(self, at + 1)
            }
            HirKind::Capture(capture) => self.matches(&capture.sub, at, then),
            HirKind::Concat(parts) => self.all(parts, at, then),
            HirKind::Alternation(parts) => parts.iter().any(|part| self.matches(part, at, then)),
            HirKind::Repetition(repetition) => self.repeat(&repetition.sub, repetition.min, repetition.max, at, then),
        };
        self.depth -= 1;
        found
    }

    fn all(&mut self, parts: &[Hir], at: usize, then: Then<'_>) -> bool {
        match parts.split_first() {
            None => then(self, at),
            Some((first, rest)) => self.matches(first, at, &mut |engine, at| engine.all(rest, at, then)),
        }
    }

    fn repeat(&mut self, sub: &Hir, min: u32, max: Option<u32>, at: usize, then: Then<'_>) -> bool {
        self.steps += 1;
        if self.steps > MAX_STEPS || self.depth > MAX_DEPTH {
            return false;
        }
        let once_more = max != Some(0)
            && self.matches(sub, at, &mut |engine, next| {
                // A round that matches nothing ends the repetition.
                next > at && engine.repeat(sub, min.saturating_sub(1), max.map(|max| max - 1), next, then)
            });
        once_more || (min == 0 && then(self, at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repetition_within_a_repetition_is_exponential() {
        for pattern in ["^(\\w+\\s?)+$", "(a+)+b", "(?:a|a)*(?:b+c?)+$", "x(y*)*z", "([a-z]+)*!"] {
            let cost = exponential(pattern).unwrap_or_else(|| panic!("{pattern}"));
            assert!(cost.long.1 > cost.short.1 * EXPONENTIAL, "{pattern}: {cost:?}");
        }
    }

    #[test]
    fn what_has_one_way_to_match_is_not() {
        for pattern in
            ["^a+b+$", "(ab+)+c", "(?:\\d+\\.)+", ".*foo.*bar", "(\\\\[^\\\\]+)+", "\\w{2,5}", "(a{2})*", "("]
        {
            assert_eq!(exponential(pattern), None, "{pattern}");
        }
    }
}
