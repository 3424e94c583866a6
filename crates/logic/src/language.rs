//! Patterns as automata: whether every text of one is a text of another, and a text of several at once.

use std::collections::VecDeque;

use regex_automata::{
    Anchored, Input, MatchKind,
    dfa::{Automaton, StartKind, dense},
    nfa::thompson,
    util::{primitives::StateID, syntax},
};
use rustc_hash::{FxHashMap, FxHashSet};

/// Bytes that an automaton may take, and that making it may.
const MAX_AUTOMATON: usize = 1 << 20;
/// Bytes of the automaton's own source.
const MAX_PROGRAM: usize = 1 << 17;
/// States that are visited of two automata at once.
const MAX_VISITED: usize = 4_000;
/// Characters of a text that is looked for.
const MAX_TEXT: usize = 512;

/// The automaton of all texts that a pattern matches, from their beginning to their end.
#[derive(Debug)]
pub(crate) struct Language {
    automaton: dense::DFA<Vec<u32>>,
}

impl Language {
    /// Of a pattern in the syntax of the `regex` crate that describes the whole text; `None` where it is too large or
    /// needs more than ASCII.
    pub fn new(pattern: &str) -> Option<Self> {
        let automaton = dense::Builder::new()
            .configure(
                dense::Config::new()
                    .start_kind(StartKind::Anchored)
                    .match_kind(MatchKind::All)
                    .accelerate(false)
                    .dfa_size_limit(Some(MAX_AUTOMATON))
                    .determinize_size_limit(Some(MAX_AUTOMATON)),
            )
            .thompson(thompson::Config::new().nfa_size_limit(Some(MAX_PROGRAM)).utf8(false))
            .syntax(syntax::Config::new().unicode(false).utf8(false).nest_limit(100))
            .build(&format!("\\A(?:{pattern})\\z"))
            .ok()?;
        let language = Self { automaton };
        // A set that only has other texts looks empty, and would be a part of every set.
        (text_of(&[&language], &[]) != Ok(None)).then_some(language)
    }

    fn start(&self) -> Option<StateID> {
        self.automaton.start_state_forward(&Input::new("").anchored(Anchored::Yes)).ok()
    }

    fn accepts(&self, state: StateID) -> bool {
        self.automaton.is_match_state(self.automaton.next_eoi_state(state))
    }

    fn is_dead(&self, state: StateID) -> bool {
        self.automaton.is_dead_state(state) || self.automaton.is_quit_state(state)
    }
}

/// A text that all of `wanted` match and none of `unwanted`, one of the shortest; `Ok(None)` where there is none.
///
/// # Errors
/// The automata have too many states together.
pub(crate) fn text_of(wanted: &[&Language], unwanted: &[&Language]) -> Result<Option<String>, TooLarge> {
    let all: Vec<&Language> = wanted.iter().chain(unwanted).copied().collect();
    let starts: Option<Vec<StateID>> = all.iter().map(|language| language.start()).collect();
    let start = starts.ok_or(TooLarge)?;
    let is_found = |states: &[StateID]| {
        all.iter()
            .zip(states)
            .enumerate()
            .all(|(at, (language, state))| language.accepts(*state) == (at < wanted.len()))
    };
    let is_hopeless = |states: &[StateID]| wanted.iter().zip(states).any(|(language, state)| language.is_dead(*state));
    let alphabet = alphabet(&all);
    let mut seen: FxHashSet<Vec<StateID>> = FxHashSet::default();
    // The states in the order of their visit, each with the byte that led to it and the place of the one before.
    let mut visited: Vec<(Vec<StateID>, u8, usize)> = vec![(start.clone(), 0, usize::MAX)];
    let mut queue = VecDeque::from([0]);
    seen.insert(start);
    while let Some(at) = queue.pop_front() {
        let Some((states, ..)) = visited.get(at) else { break };
        let states = states.clone();
        if is_found(&states) {
            return Ok(Some(spell(&visited, at)));
        }
        if is_hopeless(&states) {
            continue;
        }
        for byte in &alphabet {
            let next: Vec<StateID> =
                all.iter().zip(&states).map(|(language, state)| language.automaton.next_state(*state, *byte)).collect();
            if seen.insert(next.clone()) {
                if visited.len() >= MAX_VISITED {
                    return Err(TooLarge);
                }
                queue.push_back(visited.len());
                visited.push((next, *byte, at));
            }
        }
    }
    Ok(None)
}

/// The automata have too many states together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLarge;

fn spell(visited: &[(Vec<StateID>, u8, usize)], from: usize) -> String {
    let mut bytes = Vec::new();
    let mut at = from;
    while let Some((_, byte, before)) = visited.get(at)
        && *before != usize::MAX
        && bytes.len() < MAX_TEXT
    {
        bytes.push(*byte);
        at = *before;
    }
    bytes.reverse();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// One ASCII character for each set of characters that none of the automata tells apart, letters and digits first.
fn alphabet(languages: &[&Language]) -> Vec<u8> {
    let preference = |byte: &u8| match byte {
        b'a'..=b'z' => 0,
        b'0'..=b'9' => 1,
        b'!'..=b'~' => 2,
        b' ' => 3,
        _ => 4,
    };
    let mut bytes: Vec<u8> = (0..128).collect();
    bytes.sort_by_key(|byte| (preference(byte), *byte));
    let mut classes: FxHashMap<Vec<u8>, u8> = FxHashMap::default();
    let mut kept = Vec::new();
    for byte in bytes {
        let class = languages.iter().map(|language| language.automaton.byte_classes().get(byte)).collect();
        classes.entry(class).or_insert_with(|| {
            kept.push(byte);
            byte
        });
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn language(pattern: &str) -> Language {
        Language::new(pattern).unwrap_or_else(|| panic!("{pattern}"))
    }

    #[test]
    fn a_text_of_one_and_not_the_other_is_found_or_there_is_none() {
        for (wanted, unwanted, expected) in [
            ("(?s:.*)foo(?s:.*)", "(?s:.*)oo(?s:.*)", None),
            ("(?s:.*)oo(?s:.*)", "(?s:.*)foo(?s:.*)", Some("oo")),
            ("(?i:ab)", "ab", Some("aB")),
            ("a{2,4}", "a{3}", Some("aa")),
        ] {
            let found = text_of(&[&language(wanted)], &[&language(unwanted)]).unwrap();
            assert_eq!(found.as_deref(), expected, "{wanted} without {unwanted}");
        }
    }

    #[test]
    fn what_is_too_large_is_no_automaton() {
        assert!(Language::new("(?:a|b)*a(?:a|b){30}").is_none());
        assert!(Language::new("\\p{Greek}").is_none());
        assert!(Language::new("(").is_none());
    }
}
