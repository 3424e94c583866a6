use std::ops::Range;

use ruleatlas_syntax::{Span, Token, TokenKind};

/// The colours of a detection's text, line by line: this is no YAML reader, and a line that is none gets no colour.
#[must_use]
pub fn tokens(text: &str) -> Vec<Token> {
    let mut painter = Painter { text, tokens: Vec::new(), condition: None, block: None };
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        painter.line(at, line.trim_end_matches(['\n', '\r']));
        at += line.len();
    }
    painter.tokens
}

struct Painter<'t> {
    text: &'t str,
    tokens: Vec<Token>,
    /// The indentation of the `condition` key whose lines these are.
    condition: Option<usize>,
    /// The indentation of the key whose block of text these lines are.
    block: Option<usize>,
}

impl Painter<'_> {
    fn line(&mut self, start: usize, line: &str) {
        let end = start + line.len();
        let indentation = line.len() - line.trim_start().len();
        let mut at = start + indentation;
        if at == end {
            return;
        }
        if self.block.is_some_and(|key| indentation > key) {
            if self.condition.is_some() {
                self.condition_words(at..end);
            } else {
                self.push(at..end, TokenKind::String);
            }
            return;
        }
        self.block = None;
        if self.condition.is_some_and(|key| indentation <= key) {
            self.condition = None;
        }
        while let Some(rest) = self.text[at..end].strip_prefix("- ") {
            self.push(at..at + 1, TokenKind::Operator);
            at = end - rest.trim_start().len();
        }
        if self.condition.is_none()
            && let Some(colon) = key_end(&self.text[at..end])
        {
            let key = at..at + colon;
            let name = self.text[key.clone()].trim_matches(['"', '\'']);
            if name == "condition" {
                self.condition = Some(indentation);
            }
            self.key(key.clone());
            self.push(key.end..key.end + 1, TokenKind::Operator);
            at = end - self.text[key.end + 1..end].trim_start().len();
            if matches!(self.text[at..end].bytes().next(), Some(b'|' | b'>')) {
                self.block = Some(indentation);
                self.push(at..at + 1, TokenKind::Operator);
                return;
            }
        }
        self.value(at..end);
    }

    /// A field and its modifiers.
    fn key(&mut self, range: Range<usize>) {
        let mut at = range.start;
        for (nth, part) in self.text[range].split('|').enumerate() {
            if nth > 0 {
                self.push(at - 1..at, TokenKind::Operator);
            }
            self.push(at..at + part.len(), if nth == 0 { TokenKind::Field } else { TokenKind::Function });
            at += part.len() + 1;
        }
    }

    fn value(&mut self, range: Range<usize>) {
        let text = &self.text[range.clone()];
        let scalar = range.start..range.start + scalar_end(text);
        let comment = self.text[scalar.end..range.end].find('#').map(|at| scalar.end + at..range.end);
        let word = self.text[scalar.clone()].trim_end();
        let scalar = scalar.start..scalar.start + word.len();
        if self.condition.is_some() {
            self.condition_words(scalar);
        } else if matches!(word, "null" | "~" | "true" | "false") || word.parse::<f64>().is_ok() {
            self.push(scalar, TokenKind::Number);
        } else {
            self.push(scalar, TokenKind::String);
        }
        if let Some(comment) = comment {
            self.push(comment, TokenKind::Comment);
        }
    }

    fn condition_words(&mut self, range: Range<usize>) {
        let mut at = range.start;
        for word in self.text[range].split_inclusive(|character: char| {
            character.is_whitespace() || matches!(character, '(' | ')' | '|' | '\'' | '"')
        }) {
            let name = word.trim_end_matches(|character: char| {
                character.is_whitespace() || matches!(character, '(' | ')' | '|' | '\'' | '"')
            });
            let kind = match name.to_ascii_lowercase().as_str() {
                "and" | "or" | "not" | "of" | "them" | "all" | "any" | "1" | "near" | "by" => TokenKind::Keyword,
                _ => TokenKind::Macro,
            };
            self.push(at..at + name.len(), kind);
            if word[name.len()..].starts_with(['(', ')', '|']) {
                self.push(at + name.len()..at + name.len() + 1, TokenKind::Operator);
            }
            at += word.len();
        }
    }

    fn push(&mut self, range: Range<usize>, kind: TokenKind) {
        if range.start < range.end {
            self.tokens.push(Token { span: Span::new(range.start, range.end), kind });
        }
    }
}

/// Where the key of a `key: value` line ends; `None` for a line that has none.
fn key_end(line: &str) -> Option<usize> {
    let quoted = scalar_end(line);
    let from = if line.starts_with(['"', '\'']) { quoted } else { 0 };
    let rest = &line[from..];
    let colon = rest
        .match_indices(':')
        .map(|(at, _)| at)
        .find(|at| rest[at + 1..].chars().next().is_none_or(char::is_whitespace))?;
    let before = &rest[..colon];
    (!before.starts_with('#') && !before.contains(" #")).then_some(from + colon)
}

/// Where a value ends: behind its closing quote, or before a comment.
fn scalar_end(text: &str) -> usize {
    let Some(quote @ ('"' | '\'')) = text.chars().next() else {
        return if text.starts_with('#') { 0 } else { text.find(" #").unwrap_or(text.len()) };
    };
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if character == '\\' && quote == '"' {
            escaped = true;
        } else if character == quote {
            if quote == '\'' && text[at + 1..].starts_with('\'') {
                escaped = true;
                continue;
            }
            return at + 1;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::tokens;

    fn painted(text: &str) -> Vec<(String, String)> {
        let kind = |token: &ruleatlas_core::Token| format!("{:?}", token.kind);
        tokens(text).iter().map(|token| (kind(token), token.span.of(text).unwrap_or("!").to_owned())).collect()
    }

    #[test]
    fn keys_values_comments_and_conditions_have_colours() {
        let text = "selection: # all\n    Image|endswith:\n        - 'it''s # no' # yes\n        - 5\n    condition: (selection and not 1 of f_*) or x\n    T: \"a \\\" b\"\n";
        let expected = [
            ("Field", "selection"),
            ("Operator", ":"),
            ("Comment", "# all"),
            ("Field", "Image"),
            ("Operator", "|"),
            ("Function", "endswith"),
            ("Operator", ":"),
            ("Operator", "-"),
            ("String", "'it''s # no'"),
            ("Comment", "# yes"),
            ("Operator", "-"),
            ("Number", "5"),
            ("Field", "condition"),
            ("Operator", ":"),
            ("Operator", "("),
            ("Macro", "selection"),
            ("Keyword", "and"),
            ("Keyword", "not"),
            ("Keyword", "1"),
            ("Keyword", "of"),
            ("Macro", "f_*"),
            ("Operator", ")"),
            ("Keyword", "or"),
            ("Macro", "x"),
            ("Field", "T"),
            ("Operator", ":"),
            ("String", "\"a \\\" b\""),
        ];
        let expected: Vec<_> = expected.map(|(kind, text)| (kind.to_owned(), text.to_owned())).into();
        assert_eq!(painted(text), expected);
    }

    #[test]
    fn blocks_are_texts_and_conditions_go_on() {
        let text = "A: |\n  x: y\ncondition:\n  - a\n  - b and\n    c\nB: 1\n";
        let kinds: Vec<_> = painted(text).into_iter().map(|(kind, text)| format!("{kind} {text}")).collect();
        assert!(kinds.contains(&"String x: y".to_owned()), "{kinds:?}");
        assert!(kinds.contains(&"Keyword and".to_owned()) && kinds.contains(&"Macro c".to_owned()), "{kinds:?}");
        assert!(kinds.ends_with(&["Field B".to_owned(), "Operator :".to_owned(), "Number 1".to_owned()]), "{kinds:?}");
    }
}
