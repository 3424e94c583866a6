//! The grammar of the Kibana Query Language, after the grammar file that Kibana ships.
//!
//! Kibana refuses a query with an error; here the broken part becomes a [`Tree::Broken`] and reading goes on at the
//! next `and` or `or`.

use std::sync::Arc;

use ruleatlas_syntax::{Parsed, Piece, Span, TokenKind};

use crate::{
    ast::{KueryQuery, Leaf, Order, Tree, Value},
    error::ErrorKind,
    scan::{Scanner, is_space},
};

/// The words between and before clauses.
pub(crate) const CONNECTIVES: &[&str] = &["and", "or", "not"];

/// The characters that a backslash takes their meaning from, in a value without quotes.
pub(crate) const SPECIAL: &str = "\\():<>\"*{}";

/// Reads a query. A part that does not follow the grammar is [`Tree::Broken`], and the parts around it count.
#[must_use]
pub fn parse(text: &str) -> Parsed<KueryQuery, ErrorKind> {
    let (tree, scanner) = scan(text);
    Parsed { tree: KueryQuery(tree), errors: scanner.errors }
}

/// The tree of a query, and the scanner with the tokens and errors.
pub(crate) fn scan(text: &str) -> (Tree, Scanner<'_>) {
    let mut parser = Parser { scanner: Scanner::new(text), path: String::new() };
    parser.scanner.skip_space();
    let mut parts = Vec::new();
    while parser.scanner.at < text.len() {
        parts.push(parser.or(None));
        parser.scanner.skip_space();
        let start = parser.scanner.at;
        if parser.scanner.bump().is_some() {
            parts.push(parser.scanner.broken(ErrorKind::UnexpectedBracket, Span::new(start, start + 1)));
            parser.scanner.skip_space();
            let _ = parser.keyword("and") || parser.keyword("or");
        }
    }
    (Tree::all(parts), parser.scanner)
}

struct Parser<'a> {
    scanner: Scanner<'a>,
    /// The nested field around this place, with its final dot.
    path: String,
}

/// A quoted or bare literal.
struct Literal {
    pieces: Vec<Piece>,
    quoted: bool,
    span: Span,
}

impl Literal {
    /// The text, wildcards written as `*`.
    fn text(&self) -> String {
        let character = |piece: &Piece| if let Piece::Char(character) = piece { *character } else { '*' };
        self.pieces.iter().map(character).collect()
    }
}

impl Parser<'_> {
    fn or(&mut self, field: Option<&Arc<str>>) -> Tree {
        let mut children = vec![self.and(field)];
        while self.keyword("or") {
            children.push(self.and(field));
        }
        Tree::any(children, field.is_some())
    }

    fn and(&mut self, field: Option<&Arc<str>>) -> Tree {
        let mut children = vec![self.operand(field)];
        loop {
            if self.keyword("and") {
                children.push(self.operand(field));
                continue;
            }
            self.scanner.skip_space();
            let rest = self.scanner.rest();
            if rest.is_empty() || rest.starts_with([')', '}']) || starts_keyword(rest, "or") {
                return Tree::all(children);
            }
            children.push(self.skip(ErrorKind::MissingConnective));
        }
    }

    fn operand(&mut self, field: Option<&Arc<str>>) -> Tree {
        self.scanner.skip_space();
        if self.keyword("not") {
            return Tree::Not(Box::new(self.deeper(|parser| parser.operand(field))));
        }
        if self.scanner.eat("(") {
            let inner = self.deeper(|parser| parser.or(field));
            self.scanner.close(")");
            return inner;
        }
        let Some(literal) = self.literal() else { return self.skip(ErrorKind::MissingValue) };
        self.scanner.skip_space();
        if let Some(field) = field {
            if !self.scanner.rest().starts_with([':', '<', '>']) {
                return leaf(field, literal);
            }
            self.scanner.at = literal.span.start as usize;
            self.scanner.tokens.pop();
            return self.skip(ErrorKind::FieldInList);
        }
        let order = Order::ALL.into_iter().find(|order| self.scanner.rest().starts_with(order.as_str()));
        if order.is_none() && !self.scanner.rest().starts_with(':') {
            return leaf(&Arc::from(""), literal);
        }
        self.scanner.last_is_field();
        let start = literal.span.start;
        let name = literal.text();
        if !Scanner::is_sane_field(self.path.len() + name.len()) {
            return self.skip(ErrorKind::LongField);
        }
        let mut tree = match order {
            Some(order) => self.bound(&name, order),
            None => self.values(&name),
        };
        tree.begin_at(start, self.scanner.text);
        tree
    }

    /// `> value`.
    fn bound(&mut self, name: &str, order: Order) -> Tree {
        self.scanner.eat(order.as_str());
        self.scanner.skip_space();
        let Some(literal) = self.literal() else { return self.skip(ErrorKind::MissingValue) };
        let literal = self.without_field(literal);
        let (value, span) = (Value::Compare { order, value: literal.text() }, literal.span);
        Tree::Leaf(Leaf { field: Arc::from(name), value, approximate: None, span })
    }

    /// `: value`, `: (a or b)`, `: { field: value }`.
    fn values(&mut self, name: &str) -> Tree {
        self.scanner.eat(":");
        self.scanner.skip_space();
        if self.scanner.eat("{") {
            let outer = self.path.len();
            self.path.push_str(name);
            self.path.push('.');
            let inner = self.deeper(|parser| parser.or(None));
            self.path.truncate(outer);
            self.scanner.close("}");
            return Tree::Nested { field: Arc::from(name), query: Box::new(inner) };
        }
        let field = Arc::from(name);
        if self.scanner.eat("(") {
            let inner = self.deeper(|parser| parser.or(Some(&field)));
            self.scanner.close(")");
            return inner;
        }
        match self.literal() {
            Some(literal) => leaf(&field, self.without_field(literal)),
            None => self.skip(ErrorKind::MissingValue),
        }
    }

    /// A value whose last word is the field of a next clause, as no connective stands between them: the value without it.
    fn without_field(&mut self, mut literal: Literal) -> Literal {
        let end = self.scanner.at;
        let is_next_field = self.scanner.rest().trim_start_matches(is_space).starts_with([':', '<', '>']);
        let text = literal.span.of(self.scanner.text).unwrap_or_default();
        let word = text.trim_end_matches(is_space).rsplit(is_space).next().unwrap_or_default();
        if literal.quoted || !is_next_field || word.len() == text.trim_end_matches(is_space).len() {
            return literal;
        }
        let is_blank = |piece: &Piece| matches!(piece, Piece::Char(character) if is_space(*character));
        let last = literal.pieces.iter().rposition(is_blank).unwrap_or_default();
        literal.pieces.truncate(last);
        while literal.pieces.last().is_some_and(is_blank) {
            literal.pieces.pop();
        }
        let start = literal.span.start as usize;
        let at = start + text.trim_end_matches(is_space).len() - word.len();
        self.scanner.at = at.min(end);
        let value = text.get(..at - start).unwrap_or_default().trim_end_matches(is_space);
        literal.span = Span::new(start, start + value.len());
        if let Some(token) = self.scanner.tokens.last_mut() {
            token.span = literal.span;
        }
        literal
    }

    fn deeper(&mut self, read: impl FnOnce(&mut Self) -> Tree) -> Tree {
        if let Some(broken) = self.scanner.too_deep() {
            return broken;
        }
        self.scanner.depth += 1;
        let tree = read(self);
        self.scanner.depth -= 1;
        tree
    }

    /// Steps over the rest of a broken operand, up to the next connective or closing bracket.
    fn skip(&mut self, kind: ErrorKind) -> Tree {
        let start = self.scanner.at;
        while let Some(character) = self.scanner.peek() {
            if matches!(character, ')' | '}') || self.at_connective() && self.scanner.at == start {
                break;
            }
            if character == '"' {
                let _ = self.literal();
                continue;
            }
            if is_space(character) {
                let before = self.scanner.at;
                self.scanner.skip_space();
                if self.at_connective() {
                    self.scanner.at = before;
                    break;
                }
                continue;
            }
            self.scanner.bump();
        }
        self.scanner.broken(kind, Span::new(start, self.scanner.at))
    }

    fn at_connective(&self) -> bool {
        let rest = self.scanner.rest();
        starts_keyword(rest, "and") || starts_keyword(rest, "or")
    }

    /// Steps over a connective if it comes next.
    fn keyword(&mut self, word: &str) -> bool {
        let before = self.scanner.at;
        self.scanner.skip_space();
        if starts_keyword(self.scanner.rest(), word) {
            self.scanner.take(word.len(), TokenKind::Keyword);
            return true;
        }
        self.scanner.at = before;
        false
    }

    fn literal(&mut self) -> Option<Literal> {
        let start = self.scanner.at;
        let literal = if self.scanner.peek() == Some('"') { self.quoted() } else { self.bare()? };
        let is_number =
            !literal.quoted && literal.pieces.iter().all(|piece| matches!(piece, Piece::Char('0'..='9' | '.' | '-')));
        self.scanner.token(start, if is_number { TokenKind::Number } else { TokenKind::String });
        Some(literal)
    }

    /// A phrase in quotes, in which wildcards are plain characters.
    fn quoted(&mut self) -> Literal {
        let start = self.scanner.at;
        self.scanner.bump();
        let mut pieces = Vec::new();
        loop {
            let Some(character) = self.scanner.bump() else {
                let span = Span::new(start, self.scanner.at);
                self.scanner.error(ErrorKind::UnclosedQuote, "The quoted value has no closing quote.", span);
                break;
            };
            pieces.push(Piece::Char(match character {
                '"' => break,
                '\\' => self.escape(|next| matches!(next, '\\' | '"')).unwrap_or('\\'),
                _ => character,
            }));
        }
        Literal { pieces, quoted: true, span: Span::new(start, self.scanner.at) }
    }

    /// A value without quotes: it reaches to the next connective or special character, and may hold spaces.
    fn bare(&mut self) -> Option<Literal> {
        let start = self.scanner.at;
        if self.at_connective() {
            return None;
        }
        let mut pieces = Vec::new();
        while let Some(character) = self.scanner.peek() {
            if is_space(character) {
                let rest = self.scanner.rest();
                let next = rest.trim_start_matches(is_space);
                let ends = CONNECTIVES.iter().any(|word| starts_keyword(next, word));
                if ends || next.is_empty() || next.starts_with(['(', ')', ':', '<', '>', '"', '{', '}']) {
                    break;
                }
                let spaces = &rest[..rest.len() - next.len()];
                pieces.extend(spaces.chars().map(Piece::Char));
                self.scanner.at += spaces.len();
                continue;
            }
            if matches!(character, '(' | ')' | ':' | '<' | '>' | '"' | '{' | '}') {
                break;
            }
            self.scanner.bump();
            pieces.push(match character {
                '*' => Piece::Many,
                '\\' => match self.escape(|next| SPECIAL.contains(next)) {
                    Some(escaped) => Piece::Char(escaped),
                    // `\and` is the word; other lone backslashes Kibana refuses.
                    None => match CONNECTIVES.iter().any(|word| starts_with_word(self.scanner.rest(), word)) {
                        true => continue,
                        false => {
                            let here = Span::new(self.scanner.at - 1, self.scanner.at);
                            let message = "A backslash that escapes nothing is taken as itself; write `\\\\`.";
                            self.scanner.error(ErrorKind::StrayBackslash, message, here);
                            Piece::Char('\\')
                        }
                    },
                },
                _ => Piece::Char(character),
            });
        }
        let span = Span::new(start, self.scanner.at);
        (!pieces.is_empty()).then_some(Literal { pieces, quoted: false, span })
    }

    /// The character that the text behind a backslash stands for, stepped over.
    fn escape(&mut self, is_special: impl Fn(char) -> bool) -> Option<char> {
        let before = self.scanner.at;
        let character = match self.scanner.bump()? {
            't' => Some('\t'),
            'r' => Some('\r'),
            'n' => Some('\n'),
            'u' => self.scanner.unicode_escape(),
            next if is_special(next) => Some(next),
            _ => None,
        };
        if character.is_none() {
            self.scanner.at = before;
        }
        character
    }
}

fn leaf(field: &Arc<str>, literal: Literal) -> Tree {
    let value = Value::Term { pieces: literal.pieces, quoted: literal.quoted };
    Tree::Leaf(Leaf { field: Arc::clone(field), value, approximate: None, span: literal.span })
}

fn starts_with_word(text: &str, word: &str) -> bool {
    text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}

/// Whether `text` begins with a connective. Kibana asks for a space behind it; a parenthesis is taken too, where the
/// author's meaning is plain.
fn starts_keyword(text: &str, word: &str) -> bool {
    starts_with_word(text, word) && text[word.len()..].chars().next().is_some_and(|next| is_space(next) || next == '(')
}
