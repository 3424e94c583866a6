//! Which queries of a page are variants of one detection. The rule and its reasons: docs/decisions/variants.md.

use rustc_hash::FxHashMap;

/// How alike two queries are at least that are the same for two products.
const ALIKE_ACROSS: f64 = 0.5;

/// How alike two queries are at least that look for the same values.
const ALIKE: f64 = 0.8;

/// A page with more queries is a collection; those behind are compared with none.
const MAX_QUERIES_COMPARED: usize = 64;

/// The product that a heading says a query is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Defender,
    Sentinel,
    Neither,
}

impl Side {
    pub fn of(heading: &str) -> Self {
        let heading = heading.to_lowercase();
        let names = |words: &[&str]| words.iter().any(|word| heading.contains(word));
        let defender = names(&["defender", "mde", "xdr", "advanced hunting", "m365"]);
        match (defender, names(&["sentinel", "log analytics"])) {
            (true, false) => Self::Defender,
            (false, true) => Self::Sentinel,
            _ => Self::Neither,
        }
    }
}

/// The queries of a page so far that are no variants.
#[derive(Default)]
pub(super) struct Variants {
    firsts: Vec<Known>,
}

struct Known {
    id: String,
    side: Side,
    query: Words,
    /// The sides of its variants.
    taken: Vec<Side>,
}

impl Variants {
    /// Takes a page's next query; the id of the one that it is a variant of.
    pub fn add(&mut self, id: &str, query: &str, side: Side) -> Option<String> {
        if self.firsts.len() >= MAX_QUERIES_COMPARED {
            return None;
        }
        let query = Words::of(query);
        let alike = |known: &Known| {
            let share = known.query.alike(&query);
            let across = known.side != side
                && known.side != Side::Neither
                && side != Side::Neither
                && !known.taken.contains(&side)
                && share >= ALIKE_ACROSS;
            (across || (share >= ALIKE && known.query.values == query.values)).then_some(share)
        };
        let best = self.firsts.iter_mut().filter_map(|known| Some((alike(known)?, known)));
        // Of equals the first.
        let best = best.reduce(|best, next| if next.0 > best.0 { next } else { best });
        match best {
            Some((_, known)) => {
                known.taken.push(side);
                Some(known.id.clone())
            }
            None => {
                self.firsts.push(Known { id: id.to_owned(), side, query, taken: Vec::new() });
                None
            }
        }
    }
}

/// What a query is made of, as far as two are compared.
struct Words {
    /// Its words and how often each stands there.
    counts: FxHashMap<String, usize>,
    total: usize,
    /// The texts and numbers in it, ordered.
    values: Vec<String>,
}

impl Words {
    fn of(query: &str) -> Self {
        let mut words = Self { counts: FxHashMap::default(), total: 0, values: Vec::new() };
        for line in query.lines() {
            let line = if line.trim_start().starts_with("//") { "" } else { line };
            let mut rest = line;
            while let Some(first) = rest.chars().next() {
                let end = match first {
                    '"' | '\'' => {
                        let inside = rest.get(1..).unwrap_or_default();
                        inside.find(first).map_or(rest.len(), |at| at + 2)
                    }
                    // A comment behind code: an address stands in quotes.
                    '/' if rest.starts_with("//") => break,
                    _ if is_word(first) => rest.find(|other| !is_word(other)).unwrap_or(rest.len()),
                    _ => first.len_utf8(),
                };
                let (word, after) = rest.split_at(end);
                rest = after;
                words.add(word, first);
            }
        }
        words.values.sort_unstable();
        words.values.dedup();
        words
    }

    fn add(&mut self, word: &str, first: char) {
        let is_text = matches!(first, '"' | '\'');
        if !is_text && !is_word(first) {
            return;
        }
        if is_text || word.bytes().all(|byte| byte.is_ascii_digit()) {
            self.values.push(word.trim_matches(['"', '\'']).to_lowercase());
        }
        // The time of an event goes by one name in Defender and by another in Sentinel.
        let word =
            if word.eq_ignore_ascii_case("Timestamp") { "timegenerated".to_owned() } else { word.to_lowercase() };
        *self.counts.entry(word).or_default() += 1;
        self.total += 1;
    }

    /// The share of words that the two have in common, between 0 and 1.
    fn alike(&self, other: &Self) -> f64 {
        let common: usize =
            self.counts.iter().map(|(word, count)| other.counts.get(word).map_or(0, |own| *own.min(count))).sum();
        let total = self.total + other.total;
        if total == 0 { 0.0 } else { 2.0 * as_float(common) / as_float(total) }
    }
}

fn as_float(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}
