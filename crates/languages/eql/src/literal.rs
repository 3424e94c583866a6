//! What quoted text means: escapes resolved, quotes taken off.

use std::borrow::Cow;

use crate::lexer::Quote;

/// The content of a string token, and whether it holds an escape that the language does not know.
pub(crate) fn unquote(text: &str, quote: Quote) -> (Cow<'_, str>, bool) {
    match quote {
        Quote::Triple => (Cow::Borrowed(strip(text, "\"\"\"", "\"\"\"")), false),
        Quote::Marked => {
            let end = if text.starts_with("?'") { "'" } else { "\"" };
            (Cow::Borrowed(strip(text.get(1..).unwrap_or_default(), end, end)), false)
        }
        Quote::Escaped => {
            let end = if text.starts_with('\'') { "'" } else { "\"" };
            unescape(strip_escaped(text, end))
        }
    }
}

/// The content of a backtick token: two backticks are one.
pub(crate) fn backticked(text: &str) -> Cow<'_, str> {
    let inner = strip(text, "`", "`");
    if inner.contains("``") { Cow::Owned(inner.replace("``", "`")) } else { Cow::Borrowed(inner) }
}

fn strip<'a>(text: &'a str, open: &str, close: &str) -> &'a str {
    let inner = text.strip_prefix(open).unwrap_or(text);
    inner.strip_suffix(close).unwrap_or(inner)
}

/// Like [`strip`], for an unclosed string whose last quote is escaped.
fn strip_escaped<'a>(text: &'a str, quote: &str) -> &'a str {
    let inner = text.strip_prefix(quote).unwrap_or(text);
    let Some(body) = inner.strip_suffix(quote) else { return inner };
    let backslashes = body.bytes().rev().take_while(|byte| *byte == b'\\').count();
    if backslashes % 2 == 0 { body } else { inner }
}

fn unescape(text: &str) -> (Cow<'_, str>, bool) {
    let Some(first) = text.find('\\') else { return (Cow::Borrowed(text), false) };
    let mut unknown = false;
    let mut resolved = String::with_capacity(text.len());
    let (clean, mut rest) = text.split_at(first);
    resolved.push_str(clean);
    while let Some(after) = rest.strip_prefix('\\') {
        let mut chars = after.chars();
        let character = chars.next();
        rest = chars.as_str();
        match character {
            Some('b') => resolved.push('\u{8}'),
            Some('t') => resolved.push('\t'),
            Some('n') => resolved.push('\n'),
            Some('f') => resolved.push('\u{c}'),
            Some('r') => resolved.push('\r'),
            Some(same @ ('"' | '\'' | '\\')) => resolved.push(same),
            Some('u') => match unicode(rest) {
                Some((point, length)) => {
                    resolved.push(point);
                    rest = rest.get(length..).unwrap_or_default();
                }
                None => {
                    unknown = true;
                    resolved.push_str("\\u");
                }
            },
            other => {
                unknown = true;
                resolved.push('\\');
                resolved.extend(other);
            }
        }
        let next = rest.find('\\').unwrap_or(rest.len());
        let (plain, tail) = rest.split_at(next);
        resolved.push_str(plain);
        rest = tail;
    }
    (Cow::Owned(resolved), unknown)
}

/// `{200f}` at the start of `text`: two to eight hexadecimal digits. The character and how many bytes it took.
fn unicode(text: &str) -> Option<(char, usize)> {
    let inner = text.strip_prefix('{')?;
    let length = inner.bytes().take(9).position(|byte| byte == b'}')?;
    let digits = inner.get(..length)?;
    if !(2..=8).contains(&length) || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let point = char::from_u32(u32::from_str_radix(digits, 16).ok()?)?;
    Some((point, length + 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_resolved_and_unknown_ones_kept() {
        let plain = |text| unquote(text, Quote::Escaped);
        assert_eq!(plain(r#""a\\b\"c\t""#), (Cow::Borrowed("a\\b\"c\t"), false));
        assert_eq!(plain(r#""\u{202e}x\u{0000200F}""#), (Cow::Borrowed("\u{202e}x\u{200f}"), false));
        assert_eq!(plain(r#""\*\d""#), (Cow::Borrowed(r"\*\d"), true));
        assert_eq!(plain(r#""\u{zz}\u{d800}""#), (Cow::Borrowed(r"\u{zz}\u{d800}"), true));
        assert_eq!(plain("'it''"), (Cow::Borrowed("it'"), false));
    }

    #[test]
    fn raw_strings_keep_their_backslashes() {
        assert_eq!(unquote(r#""""C:\new\"quoted"""""#, Quote::Triple).0, r#"C:\new\"quoted""#);
        assert_eq!(unquote(r#"?"C:\new""#, Quote::Marked).0, r"C:\new");
    }

    #[test]
    fn doubled_backticks_are_one() {
        assert_eq!(backticked("`my``field`"), "my`field");
    }
}
