//! Technique ids as people write them: `T1059.1`, `TT1482`, `t1059_001`, `T1059001`, an address, an id amid words.

use std::ops::Range;

/// Something in a text that is meant as an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Where it stands.
    pub at: Range<usize>,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// The technique that can be read, in canonical spelling.
    Technique(String),
    /// `TA0011`, in upper case.
    Tactic(String),
    /// Looks like a technique's id, but which one it means cannot be told.
    Unreadable,
    /// An id of MITRE ATLAS (`AML.T0051`), which ATT&CK does not hold.
    Atlas,
}

/// A technique's id in its canonical spelling, with or without the tactic that it is reported under
/// (`T1059`, `T1059.001`, `TA0002:T1059`). In a tag marked with `attack.` the case is free, as Sigma writes it.
pub(super) fn is_canonical(text: &str, is_marked: bool) -> bool {
    let id = match text.split_once(':') {
        Some((tactic, id)) if is_tactic_id(tactic.trim()) => id.trim(),
        _ => text,
    };
    let digits = match id.as_bytes() {
        [b'T', digits @ ..] => digits,
        [b't', digits @ ..] if is_marked => digits,
        _ => return false,
    };
    match digits.split_at_checked(4) {
        Some((technique, [])) => technique.iter().all(u8::is_ascii_digit),
        Some((technique, [b'.', sub @ ..])) => sub.len() == 3 && technique.iter().chain(sub).all(u8::is_ascii_digit),
        _ => false,
    }
}

/// `TA0011`.
pub(super) fn is_tactic_id(text: &str) -> bool {
    text.len() == 6
        && text.get(..2).is_some_and(|letters| letters.eq_ignore_ascii_case("TA"))
        && text.bytes().skip(2).all(|byte| byte.is_ascii_digit())
}

/// Everything in a text that is meant as the id of a technique or tactic, in order.
pub(super) fn scan(text: &str) -> Vec<Found> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if !byte.is_ascii_alphanumeric() {
            at += 1;
            continue;
        }
        // A word begins here.
        let (length, what) = match id_at(bytes, at) {
            Some((length, what)) => (length, Some(what)),
            None => (run(bytes, at, u8::is_ascii_alphanumeric), None),
        };
        found.extend(what.map(|what| Found { at: at..at + length, what }));
        at += length.max(1);
    }
    found
}

/// The technique of a number that lost its `T` (`1059`, `1059.001`).
pub(super) fn bare_number(text: &str) -> Option<String> {
    let (technique, sub) = match text.split_once('.') {
        Some((technique, sub)) => (technique, Some(sub)),
        None => (text, None),
    };
    let all_digits = |text: &str, length: usize| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(technique, 4) {
        return None;
    }
    match sub {
        None => Some(format!("T{technique}")),
        // A shorter fraction may have lost zeros on either side.
        Some(sub) if all_digits(sub, 3) => Some(format!("T{technique}.{sub}")),
        Some(_) => None,
    }
}

/// How many bytes from `at` are of a kind.
fn run(bytes: &[u8], at: usize, is_of: fn(&u8) -> bool) -> usize {
    bytes.get(at..).unwrap_or_default().iter().take_while(|byte| is_of(byte)).count()
}

/// The id that the word at `at` is, with its length in bytes.
fn id_at(bytes: &[u8], at: usize) -> Option<(usize, What)> {
    let letters = run(bytes, at, |byte| matches!(byte, b'T' | b't'));
    if letters == 0 || letters > 3 {
        return None;
    }
    let after = at + letters;
    if letters == 1 && matches!(bytes.get(after), Some(b'A' | b'a')) {
        let word = bytes.get(at..at + run(bytes, at, u8::is_ascii_alphanumeric))?;
        let word = std::str::from_utf8(word).ok().filter(|word| is_tactic_id(word))?;
        return Some((word.len(), What::Tactic(word.to_ascii_uppercase())));
    }
    let gap = usize::from(matches!(bytes.get(after), Some(b' ' | b'-' | b'_')));
    let begin = after + gap;
    let length = run(bytes, begin, u8::is_ascii_digit);
    // `T-1` and `t 12` are words like any other.
    if length == 0 || (gap > 0 && length < 4) {
        return None;
    }
    let word_end = begin + run(bytes, begin, u8::is_ascii_alphanumeric);
    let is_atlas = bytes.get(..at).is_some_and(|head| head.ends_with(b"AML.") || head.ends_with(b"aml."));
    let digits = std::str::from_utf8(bytes.get(begin..begin + length)?).ok()?;
    if word_end != begin + length {
        // `T1059x`; but a word such as `t3` or `T2Rule` is none.
        return (length >= 3).then_some((with_parts(bytes, word_end) - at, What::Unreadable));
    }
    let (technique, own_sub) = match length {
        4 => (digits, None),
        7 => (digits.get(..4)?, digits.get(4..)),
        _ => return Some((with_parts(bytes, word_end) - at, What::Unreadable)),
    };
    let (end, sub) = match own_sub {
        Some(sub) => (word_end, Some(sub.to_owned())),
        None => sub_technique(bytes, word_end),
    };
    if is_atlas {
        return Some((end - at, What::Atlas));
    }
    let id = match sub {
        Some(sub) => format!("T{technique}.{sub}"),
        None => format!("T{technique}"),
    };
    Some((end - at, What::Technique(id)))
}

/// Where a word ends with what is joined to it by dots: all of `T1.1` is shown as what cannot be read.
fn with_parts(bytes: &[u8], mut end: usize) -> usize {
    while bytes.get(end) == Some(&b'.') {
        match run(bytes, end + 1, u8::is_ascii_alphanumeric) {
            0 => break,
            length => end += 1 + length,
        }
    }
    end
}

/// The number of a sub-technique behind a technique's, with where it ends; the technique's own end where there is none.
fn sub_technique(bytes: &[u8], from: usize) -> (usize, Option<String>) {
    let blanks = |at: usize| run(bytes, at, |byte| matches!(byte, b' '));
    let mark_at = from + blanks(from);
    let Some(mark) = bytes.get(mark_at).filter(|mark| b"./_-:".contains(mark)) else { return (from, None) };
    let begin = mark_at + 1 + blanks(mark_at + 1);
    let length = run(bytes, begin, u8::is_ascii_digit);
    let end = begin + run(bytes, begin, u8::is_ascii_alphanumeric);
    if length == 0 {
        return (from, None);
    }
    // A dash or colon sets off other numbers too (`T1059 - 2021`), and so does a dot that ends a sentence.
    let is_loose = matches!(mark, b'-' | b':') || begin > from + 1;
    if is_loose && (length != 3 || end != begin + length) {
        return (from, None);
    }
    let digits = bytes.get(begin..begin + length).and_then(|digits| std::str::from_utf8(digits).ok()).unwrap_or("");
    let digits = digits.trim_start_matches('0');
    let is_readable = end == begin + length && (1..=3).contains(&digits.len());
    (end, is_readable.then(|| format!("{digits:0>3}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<String> {
        let name = |found: Found| match found.what {
            What::Technique(id) | What::Tactic(id) => id,
            What::Unreadable => format!("?{}", text.get(found.at).unwrap_or_default()),
            What::Atlas => "atlas".to_owned(),
        };
        scan(text).into_iter().map(name).collect()
    }

    #[test]
    fn ids_are_found_in_every_spelling() {
        for (text, expected) in [
            ("T1059", &["T1059"][..]),
            ("T1059.1", &["T1059.001"]),
            ("T1059.01", &["T1059.001"]),
            ("T1059.0001", &["T1059.001"]),
            ("T1059 .001", &["T1059.001"]),
            ("T1059. 001", &["T1059.001"]),
            ("T1059-001", &["T1059.001"]),
            ("T1059:001", &["T1059.001"]),
            ("t1059_001", &["T1059.001"]),
            ("T1059001", &["T1059.001"]),
            ("TT1482", &["T1482"]),
            ("T-1482", &["T1482"]),
            ("T1105, T1071", &["T1105", "T1071"]),
            ("T1105 T1071", &["T1105", "T1071"]),
            ("ta0002:t1059", &["TA0002", "T1059"]),
            ("https://attack.mitre.org/techniques/T1059/001/", &["T1059.001"]),
            ("T1059 - 2021", &["T1059"]),
            ("T1059. 2 of them", &["T1059"]),
            // The sub-technique cannot be told; the technique can.
            ("T1059.0x1", &["T1059"]),
            ("T1059.12345", &["T1059"]),
            ("T1059.000", &["T1059"]),
            ("T012", &["?T012"]),
            ("T1.1", &["?T1.1"]),
            ("T10591.001, T1059. T12.", &["?T10591.001", "T1059", "?T12"]),
            ("T10591", &["?T10591"]),
            ("T1059x", &["?T1059x"]),
            ("AML.T0051.000", &["atlas"]),
            ("the test, t 2, T-1, Tango", &[]),
            ("é T1059é", &["T1059"]),
            ("", &[]),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn a_number_alone_is_a_technique_only_where_nothing_is_lost() {
        let read = |text| bare_number(text);
        assert_eq!(read("1059").as_deref(), Some("T1059"));
        assert_eq!(read("1059.001").as_deref(), Some("T1059.001"));
        for text in ["1059.1", "105", "10590", "1059.", ".001", "1e59", ""] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
