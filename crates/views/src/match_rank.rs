//! How well a name fits a text that is searched.
//!
//! `assets/static.js` of the web crate ranks the same way over the files of a static site.

use ruleatlas_store::words;

/// How well something fits a text: the better, the larger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum MatchRank {
    /// It has the words somewhere.
    FullText,
    /// Its name has all the words.
    Words,
    /// Its name has the text inside.
    Substring,
    /// Its name begins with the text.
    Prefix,
    /// Its name is the text.
    Exact,
}

impl MatchRank {
    /// How a name, in lower case, fits a text in lower case.
    pub(crate) fn of(name: &str, wanted: &str) -> Option<Self> {
        match name.find(wanted)? {
            0 if name.len() == wanted.len() => Some(Self::Exact),
            0 => Some(Self::Prefix),
            _ => Some(Self::Substring),
        }
    }
}

/// Whether a name has all of some words, the last one at least as a word's beginning; all in lower case.
pub(crate) fn has_words(name: &str, wanted: &[&str]) -> bool {
    let Some((last, whole)) = wanted.split_last() else { return false };
    whole.iter().all(|word| words(name).any(|other| other == *word)) && words(name).any(|other| other.starts_with(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_may_go_on() {
        assert_eq!(words("a-b_c  Ä1!").collect::<Vec<_>>(), ["a", "b_c", "Ä1"]);
        let has = |name, wanted: &str| has_words(name, &words(wanted).collect::<Vec<_>>());
        assert!(has("suspicious finger.exe execution", "execution fing"));
        assert!(!has("suspicious finger.exe execution", "fing execution"));
        assert!(!has("suspicious finger.exe execution", "\\") && !has("", "a"));
    }
}
