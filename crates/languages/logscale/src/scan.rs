//! The words of the language: white space and comments, names, texts, regular expressions. What a word is depends on
//! where it stands: `a*b` is a pattern in a filter and a product where a value is computed.

use ruleatlas_syntax::{Span, Token, TokenKind};

/// A text and a place in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scanner<'a> {
    pub text: &'a str,
    pub at: usize,
}

impl<'a> Scanner<'a> {
    pub fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Steps over white space and comments.
    pub fn space(&mut self) {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start();
            self.at += rest.len() - trimmed.len();
            match comment(trimmed) {
                0 => return,
                length => self.at += length,
            }
        }
    }

    pub fn eat(&mut self, sign: &str) -> bool {
        let found = self.rest().starts_with(sign);
        if found {
            self.at += sign.len();
        }
        found
    }

    /// Steps over a word in any case that ends there.
    pub fn eat_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        if found {
            self.at += word.len();
        }
        found
    }

    pub fn is_word(&self, word: &str) -> bool {
        let rest = self.rest();
        let head = rest.get(..word.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(word))
            && !rest.get(word.len()..).unwrap_or_default().starts_with(is_bare)
    }

    /// A word of a filter: a field's name or a pattern without quotes.
    pub fn bare(&mut self) -> &'a str {
        let rest = self.rest();
        let mut end = 0;
        let mut characters = rest.char_indices().peekable();
        while let Some((at, character)) = characters.next() {
            let next = characters.peek().map(|(_, next)| *next);
            let belongs = match character {
                // `:=` gives a name; `//` begins a comment.
                ':' => next != Some('='),
                '/' => at > 0 && next != Some('/'),
                // `=~` and `<=>` are operators, a place in an array is not.
                '[' => at > 0 && is_place(rest.get(at..).unwrap_or_default()),
                ']' => {
                    rest.get(..at).is_some_and(|head| head.rfind('[').is_some_and(|open| !head[open..].contains(']')))
                }
                other => is_bare(other),
            };
            if !belongs {
                break;
            }
            end = at + character.len_utf8();
        }
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    /// A name where a value is computed: `-`, `*` and `/` are operators there.
    pub fn name(&mut self) -> &'a str {
        let rest = self.rest();
        let mut end = 0;
        for (at, character) in rest.char_indices() {
            let tail = rest.get(at..).unwrap_or_default();
            let belongs = match character {
                ':' => tail.get(1..).is_some_and(|next| next.starts_with(|c: char| c.is_alphanumeric())),
                '[' => at > 0 && is_place(tail),
                ']' => {
                    rest.get(..at).is_some_and(|head| head.rfind('[').is_some_and(|open| !head[open..].contains(']')))
                }
                other => other.is_alphanumeric() || matches!(other, '_' | '.' | '#' | '@' | '$' | '\\'),
            };
            if !belongs {
                break;
            }
            end = at + character.len_utf8();
        }
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    /// A text in quotes, its escapes resolved, and whether it has a closing quote. The scanner stands at the opening one.
    pub fn quoted(&mut self) -> (String, bool) {
        let rest = self.rest();
        let mut content = String::new();
        let mut characters = rest.char_indices().skip(1);
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => {
                    self.at += at + 1;
                    return (content, true);
                }
                '\\' => match characters.next() {
                    Some((_, 'n')) => content.push('\n'),
                    Some((_, 't')) => content.push('\t'),
                    Some((_, 'r')) => content.push('\r'),
                    Some((_, plain @ ('"' | '\\'))) => content.push(plain),
                    Some((_, other)) => {
                        content.push('\\');
                        content.push(other);
                    }
                    None => content.push('\\'),
                },
                other => content.push(other),
            }
        }
        self.at = self.text.len();
        (content, false)
    }

    /// A regular expression and its flags, and whether it has its closing slash. The scanner stands at the opening one.
    pub fn regex(&mut self) -> (String, String, bool) {
        let rest = self.rest();
        let mut content = String::new();
        let mut characters = rest.char_indices().skip(1);
        while let Some((at, character)) = characters.next() {
            match character {
                '/' => {
                    let tail = rest.get(at + 1..).unwrap_or_default();
                    let flags = tail.len() - tail.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
                    self.at += at + 1 + flags;
                    return (content, tail.get(..flags).unwrap_or_default().to_owned(), true);
                }
                '\\' => match characters.next() {
                    // The slash is escaped for the query, not for the expression.
                    Some((_, '/')) => content.push('/'),
                    Some((_, other)) => {
                        content.push('\\');
                        content.push(other);
                    }
                    None => content.push('\\'),
                },
                '\n' => {
                    self.at += at;
                    return (content, String::new(), false);
                }
                other => content.push(other),
            }
        }
        self.at = self.text.len();
        (content, String::new(), false)
    }
}

/// How long the comment is that a text begins with.
fn comment(text: &str) -> usize {
    if text.starts_with("//") {
        text.find(['\n', '\r']).unwrap_or(text.len())
    } else if text.starts_with("/*") {
        text.find("*/").map_or(text.len(), |end| end + 2)
    } else {
        0
    }
}

/// `[]` or `[12]`.
fn is_place(text: &str) -> bool {
    let inner = text.strip_prefix('[').unwrap_or_default();
    inner.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with(']')
}

fn is_bare(character: char) -> bool {
    !character.is_whitespace()
        && !matches!(character, '=' | '!' | '<' | '>' | '|' | '(' | ')' | '{' | '}' | '[' | ']' | ',' | ';' | '"')
}

/// Words of the language.
pub(crate) const KEYWORDS: &[&str] = &["and", "or", "not", "case", "match", "like", "true", "false"];

/// The text's tokens for colouring, in order and without overlap; gaps are plain.
#[must_use]
pub fn tokens(text: &str) -> Vec<Token> {
    let mut scanner = Scanner { text, at: 0 };
    let mut tokens: Vec<Token> = Vec::new();
    // Whether an operand stands before: a slash divides then.
    let mut is_operand = false;
    while let Some(first) = scanner.peek() {
        let start = scanner.at;
        if first.is_whitespace() {
            scanner.at += first.len_utf8();
            continue;
        }
        let length = comment(scanner.rest());
        let kind = if length > 0 {
            scanner.at += length;
            TokenKind::Comment
        } else if first == '"' {
            scanner.quoted();
            // A quoted name before an operator is a field.
            let mut behind = scanner;
            behind.space();
            let is_field = behind.rest().starts_with(":=")
                || behind.rest().starts_with("!=")
                || behind.rest().starts_with(['=', '<', '>']);
            is_operand = true;
            if is_field { TokenKind::Field } else { TokenKind::String }
        } else if first == '/' && !is_operand {
            scanner.regex();
            is_operand = true;
            TokenKind::String
        } else if is_bare(first) && first != '/' {
            let word = scanner.bare();
            if word.is_empty() {
                scanner.at += first.len_utf8();
                is_operand = false;
                TokenKind::Operator
            } else {
                is_operand = !KEYWORDS.iter().any(|keyword| keyword.eq_ignore_ascii_case(word));
                word_kind(word, scanner, tokens.last().and_then(|token| token.span.of(text)), is_operand)
            }
        } else {
            scanner.at += first.len_utf8();
            is_operand = matches!(first, ')' | ']' | '}');
            TokenKind::Operator
        };
        tokens.push(Token { span: Span::new(start, scanner.at), kind });
    }
    tokens
}

fn word_kind(word: &str, mut behind: Scanner<'_>, before: Option<&str>, is_operand: bool) -> TokenKind {
    if !is_operand {
        return TokenKind::Keyword;
    }
    if word.starts_with('?') || word.starts_with('$') {
        return TokenKind::Macro;
    }
    if behind.rest().starts_with('(') {
        return if matches!(before, None | Some("|")) { TokenKind::Command } else { TokenKind::Function };
    }
    if word.parse::<f64>().is_ok() {
        return TokenKind::Number;
    }
    behind.space();
    let is_value = matches!(before, Some("=" | "<" | ">" | "~"));
    if is_value { TokenKind::String } else { TokenKind::Field }
}

#[cfg(test)]
mod tests {
    use super::Scanner;

    #[test]
    fn words_end_where_they_should() {
        for (text, bare, name) in [
            ("a.b=c", "a.b", "a.b"),
            ("#event_simpleName = x", "#event_simpleName", "#event_simpleName"),
            ("host.ip[0]=1", "host.ip[0]", "host.ip[0]"),
            ("Commands[], x", "Commands[]", "Commands[]"),
            ("S-1-5-21-*|", "S-1-5-21-*", "S"),
            ("array:contains(", "array:contains", "array:contains"),
            ("a:=1", "a", "a"),
            ("docker/* |", "docker/*", "docker"),
            ("4705// why", "4705", "4705"),
            ("*http* x", "*http*", ""),
            ("Size/1024", "Size/1024", "Size"),
        ] {
            assert_eq!(Scanner { text, at: 0 }.bare(), bare, "{text}");
            assert_eq!(Scanner { text, at: 0 }.name(), name, "{text}");
        }
    }

    #[test]
    fn texts_and_expressions_are_unquoted() {
        let quoted = |text: &str| Scanner { text, at: 0 }.quoted();
        assert_eq!(quoted(r#""a\"b\\c\d\n" x"#), ("a\"b\\c\\d\n".to_owned(), true));
        assert_eq!(quoted("\"open"), ("open".to_owned(), false));
        let regex = |text: &str| Scanner { text, at: 0 }.regex();
        assert_eq!(regex(r"/a\/b\\c\./iF x"), (r"a/b\\c\.".to_owned(), "iF".to_owned(), true));
        assert_eq!(regex("/open\nx"), ("open".to_owned(), String::new(), false));
    }
}
