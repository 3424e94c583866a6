//! How alike rules are: by what they look for, exclude and read, each weighted by its rarity.
//!
//! What rules look for counts as a whole, and by the words of the value: vendors compare other parts of one text, in other
//! ways, in other fields of the same event.

use roaring::RoaringBitmap;
use ruleatlas_catalog::{Entry, Facet, Index, IndicatorId, RuleId};
use ruleatlas_model::{Indicator, Op, Role};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::Atlas;

/// Rules visited through what they share with a profile, the rarest first, so that what is left out says least.
const MAX_VISITS: u64 = 60_000;
/// What more rules than this share finds none of them; it counts for those that are found by something else.
const MAX_SHARED: u64 = 3_000;
/// Rules that are compared in full, besides twice as many as are asked for.
const MIN_COMPARED: usize = 48;

/// What of a rule counts when it is compared with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aspect {
    /// What it looks for, and the words in it.
    Indicators,
    /// What it looks for, excludes and reads, and its techniques.
    Everything,
}

const ASPECTS: [Aspect; 2] = [Aspect::Indicators, Aspect::Everything];

/// Something that a rule may have in common with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Trait {
    Looks(IndicatorId),
    Excludes(IndicatorId),
    /// A place in [`Similarity::words`].
    Word(u32),
    /// A place in [`Similarity::named`].
    Named(u32),
}

impl Trait {
    fn counts_for(self, aspect: Aspect) -> bool {
        match self {
            Self::Looks(_) => true,
            Self::Word(_) => aspect == Aspect::Indicators,
            Self::Excludes(_) | Self::Named(_) => aspect == Aspect::Everything,
        }
    }
}

/// How much an exclusion says, besides its rarity.
const EXCLUSION_FACTOR: f64 = 1.5;

/// How much a word of what a rule looks for says, besides its rarity.
const WORD_FACTOR: f64 = 0.6;
/// Letters and digits of the shortest word, and of the longest.
const WORD_LENGTHS: std::ops::RangeInclusive<usize> = 3..=64;
/// Words of one value that count.
const MAX_WORDS: usize = 32;

/// What a trait that has a name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Technique,
    /// A technique with its sub-techniques.
    Family,
    LogSource,
}

impl Kind {
    /// How much it says, besides its rarity.
    fn factor(self) -> f64 {
        match self {
            Self::Technique => 1.0,
            Self::Family | Self::LogSource => 0.5,
        }
    }
}

/// Rules that have something in common, and how much it says of two of them.
#[derive(Debug)]
struct Named {
    rules: RoaringBitmap,
    square: f64,
}

/// Compares rules. Two are as alike as the cosine of the angle between their weights: an indicator weighs the logarithm
/// of one and the corpus over its reach, so that one that two rules of 12,000 share weighs six times what one in every
/// third rule does.
#[derive(Debug)]
pub struct Similarity {
    /// The squared weight of each indicator, as one that is looked for and as one that is excluded.
    looking: Vec<f64>,
    excluding: Vec<f64>,
    /// The squared weight of what no rule has.
    unknown: f64,
    words: Vec<Named>,
    word_texts: Vec<String>,
    by_word: FxHashMap<String, u32>,
    /// The words of each indicator.
    words_of: Vec<Box<[u32]>>,
    named: Vec<Named>,
    by_name: FxHashMap<(Kind, String), u32>,
    /// The squared length of each rule's weights, by aspect.
    lengths: [Vec<f64>; 2],
}

/// What is known of a rule for comparing it.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    traits: Vec<Trait>,
    /// Indicators that no rule of the catalog has: looked for, and excluded.
    unknown: [u32; 2],
    /// Words that no rule of the catalog has.
    unknown_words: u32,
    platforms: Vec<String>,
}

impl Profile {
    fn new(mut traits: Vec<Trait>, platforms: &[String]) -> Self {
        traits.sort_unstable();
        traits.dedup();
        Self { traits, unknown: [0, 0], unknown_words: 0, platforms: platforms.to_vec() }
    }

    /// The indicators that it excludes.
    pub fn exclusions(&self) -> impl Iterator<Item = IndicatorId> {
        self.traits.iter().filter_map(|own| if let Trait::Excludes(id) = own { Some(*id) } else { None })
    }

    /// Whether a rule watches a platform that this one watches, as far as both say so.
    #[must_use]
    pub fn shares_platform(&self, index: &Index, rule: RuleId) -> bool {
        let Some(head) = index.head(rule) else { return false };
        head.platforms.is_empty()
            || self.platforms.is_empty()
            || head.platforms.iter().any(|platform| self.platforms.contains(platform))
    }
}

/// The technique of a sub-technique.
#[must_use]
pub fn technique_family(technique: &str) -> &str {
    technique.split_once('.').map_or(technique, |(family, _)| family)
}

impl Similarity {
    fn new(index: &Index) -> Self {
        let corpus = index.counted().len();
        let square = |rules: u64, factor: f64| (weight(corpus, rules) * factor).powi(2);
        let reach = |id, role| index.rules_with(id, role).map_or(0, |rules| rules.intersection_len(index.counted()));
        let mut similarity = Self {
            looking: index.indicators().map(|(id, _)| square(reach(id, Role::Indicator), 1.0)).collect(),
            excluding: index.indicators().map(|(id, _)| square(reach(id, Role::Exclusion), EXCLUSION_FACTOR)).collect(),
            unknown: square(1, 1.0),
            words: Vec::new(),
            word_texts: Vec::new(),
            by_word: FxHashMap::default(),
            words_of: Vec::new(),
            named: Vec::new(),
            by_name: FxHashMap::default(),
            lengths: Default::default(),
        };
        similarity.add_words(index);
        let mut sets: Vec<(Kind, String, RoaringBitmap)> = Vec::new();
        let mut families: FxHashMap<&str, RoaringBitmap> = FxHashMap::default();
        for (technique, rules) in index.values(Facet::Technique) {
            sets.push((Kind::Technique, technique.to_owned(), rules.clone()));
            *families.entry(technique_family(technique)).or_default() |= rules;
        }
        sets.extend(families.into_iter().map(|(family, rules)| (Kind::Family, family.to_owned(), rules)));
        let log_sources = index.values(Facet::LogSource);
        sets.extend(log_sources.map(|(name, rules)| (Kind::LogSource, name.to_owned(), rules.clone())));
        for (at, (kind, name, rules)) in (0..).zip(sets) {
            let square = square(rules.intersection_len(index.counted()), kind.factor());
            similarity.named.push(Named { rules, square });
            similarity.by_name.insert((kind, name), at);
        }
        let rules = u32::try_from(index.heads().len()).unwrap_or(u32::MAX);
        let profiles: Vec<Profile> = (0..rules).map(|rule| similarity.profile(index, rule)).collect();
        similarity.lengths =
            ASPECTS.map(|aspect| profiles.iter().map(|profile| similarity.length(profile, aspect)).collect());
        similarity
    }

    /// Notes the words of all that rules look for, and which rules have them.
    fn add_words(&mut self, index: &Index) {
        for (id, indicator) in index.indicators() {
            let rules = index.rules_with(id, Role::Indicator);
            let mut own: Vec<u32> = Vec::new();
            for word in rules.is_some().then(|| words(indicator)).into_iter().flatten() {
                let at = match self.by_word.get(&word) {
                    Some(at) => *at,
                    None => {
                        let at = u32::try_from(self.words.len()).unwrap_or(u32::MAX);
                        self.words.push(Named { rules: RoaringBitmap::new(), square: 0.0 });
                        self.word_texts.push(word.clone());
                        self.by_word.insert(word, at);
                        at
                    }
                };
                own.push(at);
            }
            for at in &own {
                if let (Some(word), Some(rules)) = (self.words.get_mut(*at as usize), rules) {
                    word.rules |= rules;
                }
            }
            self.words_of.push(own.into());
        }
        let corpus = index.counted().len();
        for word in &mut self.words {
            word.square = (weight(corpus, word.rules.intersection_len(index.counted())) * WORD_FACTOR).powi(2);
        }
    }

    /// What a rule of the catalog has, its variants' with it.
    #[must_use]
    pub fn profile(&self, index: &Index, rule: RuleId) -> Profile {
        let mut traits: Vec<Trait> = Vec::new();
        for (id, role, _) in index.uses_of(rule) {
            match role {
                Role::Exclusion => traits.push(Trait::Excludes(*id)),
                _ => self.add_looked_for(&mut traits, *id),
            }
        }
        let Some(head) = index.head(rule) else { return Profile::default() };
        self.add_named(&mut traits, &head.techniques(), &head.log_sources);
        Profile::new(traits, &head.platforms)
    }

    /// What a rule has that need not be in the catalog.
    #[must_use]
    pub fn profile_of(&self, index: &Index, entry: &Entry) -> Profile {
        let mut traits = Vec::new();
        let mut unknown = [0, 0];
        let mut unknown_words: FxHashSet<String> = FxHashSet::default();
        for folded in &entry.indicators {
            let is_excluded = folded.role == Role::Exclusion;
            match index.find_indicator(&folded.indicator) {
                Some(id) if is_excluded => traits.push(Trait::Excludes(id)),
                Some(id) => self.add_looked_for(&mut traits, id),
                None => {
                    unknown[usize::from(is_excluded)] += 1;
                    for word in (!is_excluded).then(|| words(&folded.indicator)).into_iter().flatten() {
                        match self.by_word.get(&word) {
                            Some(at) => traits.push(Trait::Word(*at)),
                            None => {
                                unknown_words.insert(word);
                            }
                        }
                    }
                }
            }
        }
        self.add_named(&mut traits, &entry.rule.techniques(), &entry.rule.log_sources);
        let unknown_words = u32::try_from(unknown_words.len()).unwrap_or(u32::MAX);
        Profile { unknown, unknown_words, ..Profile::new(traits, &entry.rule.platforms) }
    }

    /// Adds an indicator that is looked for, and its words. One that only others exclude has none yet.
    fn add_looked_for(&self, traits: &mut Vec<Trait>, id: IndicatorId) {
        traits.push(Trait::Looks(id));
        let words = self.words_of.get(id as usize).map_or(&[][..], |words| &**words);
        traits.extend(words.iter().map(|at| Trait::Word(*at)));
    }

    fn add_named(&self, traits: &mut Vec<Trait>, techniques: &[&str], log_sources: &[String]) {
        let named = |kind, name: &str| self.by_name.get(&(kind, name.to_owned())).map(|at| Trait::Named(*at));
        traits.extend(log_sources.iter().filter_map(|name| named(Kind::LogSource, name)));
        for technique in techniques {
            traits.extend(named(Kind::Technique, technique));
            traits.extend(named(Kind::Family, technique_family(technique)));
        }
    }

    /// The rules of a technique and its sub-techniques.
    #[must_use]
    pub fn rules_of_family(&self, technique: &str) -> Option<&RoaringBitmap> {
        let at = self.by_name.get(&(Kind::Family, technique.to_owned()))?;
        self.named.get(*at as usize).map(|named| &named.rules)
    }

    /// The words that what two rules look for has in common, the rarest first.
    #[must_use]
    pub fn shared_words(&self, one: &Profile, other: &Profile, limit: usize) -> Vec<&str> {
        let is_word = |own: &&Trait| matches!(own, Trait::Word(_)) && other.traits.binary_search(own).is_ok();
        let mut shared: Vec<(f64, &str)> = one
            .traits
            .iter()
            .filter(is_word)
            .filter_map(|own| {
                let Trait::Word(at) = own else { return None };
                Some((self.square(*own), self.word_texts.get(*at as usize)?.as_str()))
            })
            .collect();
        shared.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
        shared.into_iter().take(limit).map(|(_, word)| word).collect()
    }

    fn rules_of<'i>(&'i self, index: &'i Index, own: Trait) -> Option<&'i RoaringBitmap> {
        match own {
            Trait::Looks(id) => index.rules_with(id, Role::Indicator),
            Trait::Excludes(id) => index.rules_with(id, Role::Exclusion),
            Trait::Word(at) => self.words.get(at as usize).map(|word| &word.rules),
            Trait::Named(at) => self.named.get(at as usize).map(|named| &named.rules),
        }
    }

    fn square(&self, own: Trait) -> f64 {
        let square = match own {
            Trait::Looks(id) => self.looking.get(id as usize).copied(),
            Trait::Excludes(id) => self.excluding.get(id as usize).copied(),
            Trait::Word(at) => self.words.get(at as usize).map(|word| word.square),
            Trait::Named(at) => self.named.get(at as usize).map(|named| named.square),
        };
        square.unwrap_or_default()
    }

    /// The squared length of a profile's weights.
    fn length(&self, profile: &Profile, aspect: Aspect) -> f64 {
        let traits = profile.traits.iter().filter(|own| own.counts_for(aspect));
        let known: f64 = traits.map(|own| self.square(*own)).sum();
        let [looking, excluding] = profile.unknown.map(f64::from);
        let unknown = match aspect {
            Aspect::Indicators => looking + f64::from(profile.unknown_words) * WORD_FACTOR.powi(2),
            Aspect::Everything => looking + excluding * EXCLUSION_FACTOR.powi(2),
        };
        known + unknown * self.unknown
    }

    /// The rules that are most like a profile among those that `is_eligible` says, the most alike first, each with how
    /// alike it is, from 0 to 1.
    #[must_use]
    pub fn most_alike(
        &self,
        index: &Index,
        profile: &Profile,
        aspect: Aspect,
        limit: usize,
        is_eligible: impl Fn(RuleId) -> bool,
    ) -> Vec<(RuleId, f64)> {
        let traits = profile.traits.iter().filter(|own| own.counts_for(aspect));
        let mut traits: Vec<(u64, f64, &RoaringBitmap)> = traits
            .filter_map(|own| {
                let rules = self.rules_of(index, *own)?;
                Some((rules.len(), self.square(*own), rules))
            })
            .filter(|(_, square, _)| *square > 0.0)
            .collect();
        traits.sort_by_key(|(reach, ..)| *reach);
        let mut visits = 0;
        let is_common = |(reach, ..): &(u64, f64, &RoaringBitmap)| {
            visits += reach;
            *reach > MAX_SHARED || visits > MAX_VISITS
        };
        let (finding, common) = traits.split_at(traits.iter().position(is_common).unwrap_or(traits.len()));
        let mut shared = vec![0.0_f64; index.heads().len()];
        let mut met = Vec::new();
        for (_, square, rules) in finding {
            for rule in *rules {
                let Some(sum) = shared.get_mut(rule as usize) else { continue };
                if *sum == 0.0 {
                    met.push(rule);
                }
                *sum += square;
            }
        }
        let own_length = self.length(profile, aspect);
        let lengths = match aspect {
            Aspect::Indicators => &self.lengths[0],
            Aspect::Everything => &self.lengths[1],
        };
        let cosine = |rule: RuleId, square: f64| {
            let product = own_length * lengths.get(rule as usize).copied().unwrap_or_default();
            if product > 0.0 { (square / product.sqrt()).min(1.0) } else { 0.0 }
        };
        let most_alike = |a: &(RuleId, f64), b: &(RuleId, f64)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        let mut found: Vec<(RuleId, f64)> = met
            .into_iter()
            .filter(|rule| is_eligible(*rule))
            .map(|rule| (rule, cosine(rule, shared.get(rule as usize).copied().unwrap_or_default())))
            .collect();
        let compared = limit.saturating_mul(2).max(MIN_COMPARED);
        if found.len() > compared {
            found.select_nth_unstable_by(compared, most_alike);
            found.truncate(compared);
        }
        for (rule, similarity) in &mut found {
            let rest: f64 =
                common.iter().filter(|(.., rules)| rules.contains(*rule)).map(|(_, square, _)| square).sum();
            *similarity = cosine(*rule, shared.get(*rule as usize).copied().unwrap_or_default() + rest);
        }
        found.sort_by(most_alike);
        found.truncate(limit);
        found
    }
}

/// The words of what an indicator looks for, without case, each once: runs of letters, digits and low lines. What stands
/// behind a backslash in a regular expression is no part of one where it has a meaning of its own.
fn words(indicator: &Indicator) -> Vec<String> {
    let value = &indicator.value;
    let is_regex = indicator.op.op == Op::RegexMatch;
    let mut found: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut length = 0;
    let mut characters = value.chars().flat_map(char::to_lowercase).peekable();
    let mut end = |word: &mut String, length: &mut usize| {
        if WORD_LENGTHS.contains(length) && found.len() < MAX_WORDS && !found.contains(word) {
            found.push(std::mem::take(word));
        }
        word.clear();
        *length = 0;
    };
    while let Some(character) = characters.next() {
        if character.is_alphanumeric() || character == '_' {
            word.push(character);
            length += 1;
            continue;
        }
        end(&mut word, &mut length);
        if is_regex && character == '\\' {
            characters.next_if(|next| next.is_alphanumeric());
        }
    }
    end(&mut word, &mut length);
    found
}

/// The logarithm of one and the corpus over the reach: what all rules have says little, but something.
fn weight(corpus: u64, rules: u64) -> f64 {
    let float = |number: u64| f64::from(u32::try_from(number.max(1)).unwrap_or(u32::MAX));
    (float(corpus) / float(rules)).ln_1p()
}

impl Atlas {
    /// How the catalog's rules are compared; made when it is first asked for.
    #[must_use]
    pub fn similarity(&self) -> &Similarity {
        self.similarity.get_or_init(|| Similarity::new(&self.index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_what_vendors_share_of_a_value() {
        let of = |op: Op, value: &str| {
            words(&Indicator {
                field: "f".to_owned(),
                op: ruleatlas_model::FoldedOp::plain(op),
                value: value.to_owned(),
                modifiers: ruleatlas_model::Modifiers::NONE,
            })
        };
        assert_eq!(of(Op::Contains, " Set-NetFirewallProfile -x"), ["set", "netfirewallprofile"]);
        assert_eq!(of(Op::Eq, "SHA256=9AE7C4"), ["sha256", "9ae7c4"]);
        assert_eq!(of(Op::RegexMatch, "(?i)\\svssadmin\\.exe.*delete\\b"), ["vssadmin", "exe", "delete"]);
        assert_eq!(of(Op::IsNotNull, ""), Vec::<String>::new());
        assert_eq!(of(Op::Contains, &"abc ".repeat(100)), ["abc"]);
    }
}
