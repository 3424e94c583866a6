//! Untrusted text on its way to a page.

use std::{borrow::Cow, fmt::Write as _};

use maud::{Markup, PreEscaped, html};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, percent_decode_str, utf8_percent_encode};

/// Characters of a value that a page shows; of longer ones the middle is left out for good.
const MAX_VALUE_CHARS: usize = 2_000;
/// Characters of a line from which on authors wrap.
const WRAPPED: usize = 60;
/// Characters of a name.
pub(crate) const NAME: usize = 120;

/// Text with what a reader could not see, or what would reorder the text around it, made visible.
///
/// Line breaks and tabs stay; a line break of two characters is one.
pub(crate) fn visualize_control_chars(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unseen) {
        return Cow::Borrowed(text);
    }
    let mut visible = String::with_capacity(text.len() + 16);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\r' if characters.peek() == Some(&'\n') => {}
            '\n' | '\t' => visible.push(character),
            '\0'..='\u{1f}' => visible.extend(char::from_u32(u32::from(character) + 0x2400)),
            '\u{7f}' => visible.push('\u{2421}'),
            _ if is_unseen(character) => {
                let _ = write!(visible, "⟨U+{:04X}⟩", u32::from(character));
            }
            _ => visible.push(character),
        }
    }
    Cow::Owned(visible)
}

/// A text for an attribute that must hold it exactly: what cannot be seen stands as a character reference.
pub(crate) fn attr_escape(text: &str) -> PreEscaped<String> {
    let mut escaped = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            _ if is_unseen(character) => {
                let _ = write!(escaped, "&#x{:x};", u32::from(character));
            }
            _ => escaped.push(character),
        }
    }
    PreEscaped(escaped)
}

/// The same on one line.
pub(crate) fn visualize_line(text: &str) -> String {
    visualize_control_chars(text).replace('\n', "↵").replace('\t', "⇥")
}

fn is_unseen(character: char) -> bool {
    let reorders =
        matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}');
    let empty = matches!(character, '\u{200b}' | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{ad}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    (character.is_control() && !matches!(character, '\n' | '\t')) || reorders || empty
}

/// A title or name, at most `most` characters of it.
pub(crate) fn clipped(text: &str, most: usize) -> String {
    let line = visualize_line(take_chars(text, most + 1));
    if line.chars().count() <= most { line } else { line.chars().take(most.saturating_sub(1)).chain(['…']).collect() }
}

/// A text of several lines, at most `most` characters of it.
pub(crate) fn paragraph(text: &str, most: usize) -> Cow<'_, str> {
    visualize_control_chars(take_chars(text.trim(), most))
}

/// A text without the line breaks of an author who wrapped lines at a width: those in the middle of a sentence, or
/// before a word that would not have fitted on the line. Empty lines, lists, and lines that end early stay.
pub(crate) fn unwrapped(text: &str) -> String {
    let length = |text: &str| text.trim_end().chars().count();
    let width = text.lines().map(length).max().unwrap_or(0);
    let mut whole = String::with_capacity(text.len());
    let mut lines = text.split('\n').peekable();
    while let Some(line) = lines.next() {
        whole.push_str(line);
        let Some(next) = lines.peek() else { break };
        let word = next.split(' ').next().unwrap_or_default();
        let number = word.strip_suffix(['.', ')']).unwrap_or_default();
        let is_number = !number.is_empty() && number.chars().all(|digit| digit.is_ascii_digit());
        let goes_on = word.starts_with(|first: char| first.is_alphanumeric() || "\"'(`".contains(first)) && !is_number;
        let is_open = !line.trim_end().ends_with(['.', ':', ';', '!', '?']) && length(line) * 10 > width * 7;
        let is_full = length(line) + 1 + length(word) > width;
        whole.push(if width >= WRAPPED && goes_on && (is_open || is_full) { ' ' } else { '\n' });
    }
    whole
}

/// The first `most` characters.
pub(crate) fn take_chars(text: &str, most: usize) -> &str {
    text.char_indices().nth(most).map_or(text, |(at, _)| &text[..at])
}

/// The last `most` characters.
fn take_last_chars(text: &str, most: usize) -> &str {
    match most.checked_sub(1) {
        Some(before) => text.char_indices().rev().nth(before).map_or(text, |(at, _)| &text[at..]),
        None => "",
    }
}

/// A text without its middle when it has more than `most` characters: its head, its middle, its tail.
fn elide_middle(text: &str, most: usize) -> Option<(&str, &str, &str)> {
    text.char_indices().nth(most)?;
    let tail = take_last_chars(text, most * 2 / 5);
    let head = take_chars(text, most - most * 2 / 5 - 1);
    Some((head, text.get(head.len()..text.len() - tail.len())?, tail))
}

/// A value in monospace. One of more than `most` characters loses its middle until it is focused; the whole is in the
/// page all the same, so that it can be copied.
pub(crate) fn value(text: &str, most: usize, link: Option<&str>) -> Markup {
    let whole = match elide_middle(text, MAX_VALUE_CHARS) {
        Some((head, middle, tail)) => {
            visualize_line(&format!("{head} … {} more characters … {tail}", middle.chars().count()))
        }
        None => visualize_line(text),
    };
    let parts = elide_middle(&whole, most);
    let inner = html! {
        @match parts {
            _ if text.is_empty() => span.faint { "\"\"" },
            Some((head, middle, tail)) => { (mark_outer_spaces(head, true, false)) i { (middle) } (mark_outer_spaces(tail, false, true)) },
            None => (mark_outer_spaces(&whole, true, true)),
        }
    };
    let (class, title) = if parts.is_some() { ("cut", Some(take_chars(&whole, 500))) } else { ("", None) };
    html! {
        @match (link, title) {
            (Some(link), _) => a.val.(class) href=(link) title=[title] { (inner) },
            (None, Some(_)) => code.val.(class) title=[title] tabindex="0" { (inner) },
            (None, None) => code.val { (inner) },
        }
    }
}

/// A value's text with white space at its ends marked, as it decides what matches.
fn mark_outer_spaces(text: &str, start: bool, end: bool) -> Markup {
    let inner = if start { text.trim_start_matches(' ') } else { text };
    let before = &text[..text.len() - inner.len()];
    let core = if end { inner.trim_end_matches(' ') } else { inner };
    let after = &inner[core.len()..];
    html! {
        @if !before.is_empty() { span.space { (before) } }
        (core)
        @if !after.is_empty() { span.space { (after) } }
    }
}

/// A number with its thousands apart.
pub(crate) fn number(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 rule`, `2 rules`.
pub(crate) fn counted(count: u64, thing: &str) -> String {
    format!("{} {thing}{}", number(count), if count == 1 { "" } else { "s" })
}

/// What is percent-encoded in a part of an address, and in several parts with their separators.
const NOT_PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const NOT_PLAIN_PATH: &AsciiSet = &NOT_PLAIN.remove(b'/');

/// A part of an address, percent-encoded.
pub(crate) fn encoded(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, NOT_PLAIN)
}

/// Parts of an address, percent-encoded but for the `/` between them.
pub(crate) fn encoded_path(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, NOT_PLAIN_PATH)
}

/// A part of an address without its percent-encoding, `+` being a space; what is not UTF-8 then is replaced.
pub(crate) fn decoded(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

/// A text as the address of a link: only `http` and `https`, and nothing that is no address.
pub(crate) fn web_address(text: &str) -> Option<&str> {
    let text = text.trim();
    let has = |scheme: &str| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    let is_web = has("http://") || has("https://");
    let is_plain = !text.chars().any(|character| character.is_whitespace() || is_unseen(character));
    (is_web && is_plain && text.len() <= 2_000).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_shown() {
        assert_eq!(visualize_control_chars("a\u{202e}b\u{0}\u{1b}"), "a⟨U+202E⟩b\u{2400}\u{241b}");
        assert_eq!(visualize_line("a\r\nb\tc\rd"), "a↵b⇥c␍d");
        assert_eq!(visualize_control_chars("a\r\nb"), "a\nb");
    }

    #[test]
    fn what_an_attribute_must_hold_is_written_without_what_cannot_be_seen() {
        assert_eq!(attr_escape("a\"<&>\u{202e}\u{0}é").0, "a&quot;&lt;&amp;&gt;&#x202e;&#x0;é");
    }

    #[test]
    fn a_long_value_keeps_its_ends() {
        let (head, middle, tail) = elide_middle("0123456789äöü", 10).unwrap();
        assert_eq!((head, middle, tail), ("01234", "56789"[..].get(0..4).unwrap(), "9äöü"));
        assert_eq!(elide_middle("0123456789", 10), None);
    }

    #[test]
    fn what_is_encoded_is_decoded_to_the_same() {
        let text = "a b+c%é/🦀\u{0}?&=#";
        assert_eq!(decoded(&encoded(text).to_string()), text);
        assert_eq!(decoded("a+b%2bc%zz%4"), "a b+c%zz%4");
        assert_eq!(decoded("%ff"), "\u{fffd}");
    }

    #[test]
    fn only_web_addresses_become_links() {
        assert!(web_address("https://example.org/a?b=c").is_some());
        for wrong in
            ["javascript:alert(1)", "data:text/html,x", "//example.org", "https://a b", "https://a\u{202e}b", ""]
        {
            assert_eq!(web_address(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn lines_wrapped_at_a_width_are_one_and_others_stay() {
        let wrapped = "It looks for programs whose names resemble those of businesses but\nwithout their signature, which users download in the belief\nthat \
                       they know them. That is all.\nMore is said elsewhere.";
        assert_eq!(
            unwrapped(wrapped),
            wrapped.replacen('\n', " ", 2),
            "a line that ends early and with a sentence stays"
        );
        for kept in ["short\nlines\nstay", "a\n\nb", ""] {
            assert_eq!(unwrapped(kept), kept);
        }
        let list = format!("{}:\n- one\n- two", "what it is ".repeat(8));
        assert_eq!(unwrapped(&list), list);
    }

    #[test]
    fn numbers_have_their_thousands_apart() {
        assert_eq!([0, 999, 1000, 1_234_567].map(number), ["0", "999", "1,000", "1,234,567"]);
    }
}
