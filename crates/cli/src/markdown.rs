//! Markdown from text that anybody may have written: nothing of it becomes a link, an image, a heading or HTML unless
//! it is meant to.

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use ruleatlas_model::Reference;
use ruleatlas_views::{AttackPieceKind, attack_pieces};

use crate::output::plain;

/// Text within a line, as it is read and no more.
pub fn text(text: &str) -> String {
    // Tabs and line ends are spaces before they are characters that a terminal must not see.
    let text = plain(&text.replace(['\r', '\t', '\n'], " "));
    let text = text.trim();
    let mut escaped = String::with_capacity(text.len());
    let mut is_space = false;
    for (at, c) in text.char_indices() {
        if c.is_whitespace() {
            if !is_space {
                escaped.push(' ');
            }
            is_space = true;
            continue;
        }
        is_space = false;
        let behind = &text[at + c.len_utf8()..];
        let is_mark = match c {
            // Within a word it is a letter; an ampersand alone begins no entity.
            '_' => !(escaped.ends_with(char::is_alphanumeric) && behind.starts_with(char::is_alphanumeric)),
            '&' => is_entity(behind),
            c => matches!(c, '\\' | '`' | '*' | '[' | ']' | '<' | '>' | '|' | '#' | '~' | '!' | '$'),
        };
        if is_mark {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// Whether what stands behind an ampersand makes it an entity.
fn is_entity(behind: &str) -> bool {
    let name = behind.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '#');
    name.len() < behind.len() && name.starts_with(';')
}

/// A link where the address is one of the web, else the text alone.
pub fn link(label: &str, address: Option<&str>) -> String {
    match address.and_then(web) {
        Some(address) => format!("[{}]({address})", text(label)),
        None => text(label),
    }
}

/// An address of the web with what would end a link percent-encoded.
fn web(address: &str) -> Option<String> {
    if !(address.starts_with("https://") || address.starts_with("http://")) {
        return None;
    }
    /// What would end a link.
    const ENDS_LINK: &AsciiSet = &CONTROLS.add(b' ').add(b'(').add(b')').add(b'<').add(b'>').add(b'\\');
    Some(utf8_percent_encode(address, ENDS_LINK).to_string())
}

/// ATT&CK's Markdown within a line: its links, code and citations, and nothing else.
pub fn attack(description: &str, references: &[Reference]) -> String {
    let mut written = String::with_capacity(description.len());
    for piece in attack_pieces(description, references) {
        match piece.kind {
            AttackPieceKind::Text => push(&mut written, piece.written),
            AttackPieceKind::Code(code) => written.push_str(&code_span(code)),
            AttackPieceKind::Link { label, address } => written.push_str(&link(label, Some(address))),
            AttackPieceKind::Citation(name) => {
                let known = references.iter().find(|reference| reference.name == name);
                let _ = write!(written, "({})", link(name, known.map(|reference| &*reference.url)));
            }
        }
    }
    written.trim().to_owned()
}

/// Adds plain text, keeping the spaces at its ends.
fn push(written: &mut String, part: &str) {
    if part.starts_with(char::is_whitespace) {
        written.push(' ');
    }
    let escaped = text(part);
    written.push_str(&escaped);
    if !escaped.is_empty() && part.ends_with(char::is_whitespace) {
        written.push(' ');
    }
}

/// Code between as many backticks as it needs.
pub fn code_span(code: &str) -> String {
    let code = plain(code).replace('\n', " ");
    let longest = code.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if code.starts_with('`') || code.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{code}{pad}{fence}")
}

/// Paragraphs as a quotation.
pub fn quotation(description: &str, references: &[Reference]) -> String {
    let mut quoted = String::new();
    let lines = description.lines().map(str::trim).filter(|line| !line.is_empty());
    for (at, line) in lines.enumerate() {
        quoted.push_str(if at == 0 { "> " } else { ">\n> " });
        // A list stays one; what else begins a line in Markdown does not.
        let (mark, line) = match line.strip_prefix("* ").or_else(|| line.strip_prefix("- ")) {
            Some(item) => ("- ", item),
            None => ("", line),
        };
        quoted.push_str(mark);
        let written = attack(line, references);
        if mark.is_empty() && written.starts_with(['+', '-', '=']) {
            quoted.push('\\');
        }
        quoted.push_str(&written);
        quoted.push('\n');
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        for (written, expected) in [
            ("a *b* _c_ `d`", r"a \*b\* \_c\_ \`d\`"),
            ("[x](javascript:alert(1))", r"\[x\](javascript:alert(1))"),
            ("![x](https://a)", r"\!\[x\](https://a)"),
            ("<img src=x>", r"\<img src=x\>"),
            ("ATT&CK &lt; a_b _c_", r"ATT&CK \&lt; a_b \_c\_"),
            ("a\n# b\r\n| c", r"a \# b \| c"),
            ("\u{1b}[31m\u{202e}x", "\u{fffd}\\[31m\u{fffd}x"),
        ] {
            assert_eq!(text(written), expected);
        }
    }

    #[test]
    fn links_lead_to_the_web_only() {
        assert_eq!(link("a]b", Some("https://x/(y) z")), r"[a\]b](https://x/%28y%29%20z)");
        assert_eq!(link("a", Some("javascript:x")), "a");
        assert_eq!(link("a", None), "a");
    }

    #[test]
    fn attack_s_own_markdown_is_kept_and_no_other() {
        let references = [Reference { name: "A (2020)".into(), url: "https://a/b".into() }];
        let text = "Use [cmd](https://x/S0106) or <code>who`ami</code>.(Citation: A (2020)) <b>*x*</b> [y](z) (see)";
        assert_eq!(
            attack(text, &references),
            r"Use [cmd](https://x/S0106) or ``who`ami``.([A (2020)](https://a/b)) \<b\>\*x\*\</b\> \[y\](z) (see)"
        );
        assert_eq!(quotation("a\n\n- b\n# c", &[]), "> a\n>\n> - b\n>\n> \\# c\n");
    }
}
