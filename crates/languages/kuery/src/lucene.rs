//! The grammar of Lucene's query strings, as its classic query parser and Elasticsearch's `query_string` take it.
//!
//! `AND`, `OR` and `NOT` are no boolean tree there: each makes the clauses beside it required, optional or
//! prohibited. Optional clauses beside a required one only score, so they are no part of the condition.

use std::sync::Arc;

use ruleatlas_syntax::{Parsed, Piece, Span, SyntaxError, TokenKind};

use crate::{
    ast::{Leaf, LuceneQuery, Order, Tree, Value},
    error::ErrorKind,
    scan::{Scanner, is_space},
};

/// Bytes within which a range is closed.
const MAX_RANGE: usize = 1024;

/// The words of the language, `or` being taken for one.
pub(crate) const WORDS: &[&str] = &["AND", "OR", "NOT", "or"];

/// The characters that are no part of a term unless a backslash stands before them.
pub(crate) const SPECIAL: &str = "\\():^[]\"{}~*?&|";

/// The characters that no term begins with.
pub(crate) const SPECIAL_AT_START: &str = "+-!/<>";

/// Reads a query string. A part that does not follow the grammar is [`Tree::Broken`], and the parts around it count.
#[must_use]
pub fn parse(text: &str) -> Parsed<LuceneQuery, ErrorKind> {
    let (tree, scanner) = scan(text);
    Parsed { tree: LuceneQuery(tree), errors: scanner.errors }
}

/// The tree of a query, and the scanner with the tokens and errors.
pub(crate) fn scan(text: &str) -> (Tree, Scanner<'_>) {
    let mut parser = Parser { scanner: Scanner::new(text) };
    let mut parts = Vec::new();
    parser.scanner.skip_space();
    while parser.scanner.at < text.len() {
        parts.push(parser.query(&Arc::from("")));
        let start = parser.scanner.at;
        if parser.scanner.bump().is_some() {
            parts.push(parser.scanner.broken(ErrorKind::UnexpectedBracket, Span::new(start, start + 1)));
            parser.scanner.skip_space();
        }
    }
    (Tree::all(parts), parser.scanner)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Occur {
    Must,
    Should,
    MustNot,
}

struct Parser<'a> {
    scanner: Scanner<'a>,
}

impl<'a> Parser<'a> {
    /// Clauses up to a closing parenthesis or the end.
    fn query(&mut self, field: &Arc<str>) -> Tree {
        let mut clauses: Vec<(Occur, Tree)> = Vec::new();
        loop {
            let conjunction = self.conjunction();
            let is_and = conjunction.is_some_and(|(word, _)| word == "AND");
            if is_and
                && let Some((occur, _)) = clauses.last_mut()
                && *occur == Occur::Should
            {
                *occur = Occur::Must;
            }
            if matches!(self.scanner.peek(), None | Some(')')) {
                if let Some((_, span)) = conjunction {
                    let occur = if is_and { Occur::Must } else { Occur::Should };
                    clauses.push((occur, self.scanner.broken(ErrorKind::MissingClause, span)));
                }
                break;
            }
            let occur = match self.modifier() {
                Some(occur) => occur,
                None if is_and => Occur::Must,
                None => Occur::Should,
            };
            let clause = self.clause(field);
            clauses.push((occur, clause));
        }
        self.boolean(clauses, !field.is_empty())
    }

    /// What Lucene's boolean query of these clauses means.
    fn boolean(&mut self, clauses: Vec<(Occur, Tree)>, list: bool) -> Tree {
        let has_must = clauses.iter().any(|(occur, _)| *occur == Occur::Must);
        let (mut all, mut any) = (Vec::new(), Vec::new());
        let mut scoring = false;
        for (occur, tree) in clauses {
            match occur {
                Occur::Must => all.push(tree),
                Occur::MustNot => all.push(Tree::Not(Box::new(tree))),
                Occur::Should if has_must => scoring = true,
                Occur::Should => any.push(tree),
            }
        }
        if scoring {
            let message = "A clause that is optional beside required ones changes only the score; it is left out.";
            let place = Span::new(self.scanner.at, self.scanner.at);
            self.scanner.errors.push(SyntaxError::new(ErrorKind::OptionalClause, place, message));
        }
        if !any.is_empty() {
            all.insert(0, Tree::any(any, list));
        }
        Tree::all(all)
    }

    /// `AND`, `&&`, `OR`, `||`.
    fn conjunction(&mut self) -> Option<(&'static str, Span)> {
        self.scanner.skip_space();
        let start = self.scanner.at;
        let found = if self.word("AND") || self.scanner.eat("&&") {
            "AND"
        } else if self.word("OR") || self.scanner.eat("||") {
            "OR"
        } else if self.is_word("or") {
            // A plain term by the grammar; nobody looks for the word, and the default operator is the same.
            self.word("or");
            let span = Span::new(start, self.scanner.at);
            self.scanner.error(
                ErrorKind::LowerCaseOperator,
                "Operators are written in capitals; `or` is taken for `OR`.",
                span,
            );
            "OR"
        } else {
            return None;
        };
        let span = Span::new(start, self.scanner.at);
        self.scanner.skip_space();
        Some((found, span))
    }

    /// `+`, `-`, `!`, `NOT`.
    fn modifier(&mut self) -> Option<Occur> {
        let occur = if self.scanner.eat("+") {
            Occur::Must
        } else if self.scanner.eat("-") || self.scanner.eat("!") || self.word("NOT") {
            Occur::MustNot
        } else {
            return None;
        };
        self.scanner.skip_space();
        Some(occur)
    }

    fn is_word(&self, word: &str) -> bool {
        let rest = self.scanner.rest();
        rest.starts_with(word)
            && rest[word.len()..].chars().next().is_none_or(|next| is_space(next) || "()[]{}\"".contains(next))
    }

    fn word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        if found {
            self.scanner.take(word.len(), TokenKind::Keyword);
        }
        found
    }

    /// `[field:] term`, `[field:] (query)`.
    fn clause(&mut self, outer: &Arc<str>) -> Tree {
        let start = self.scanner.at;
        let mut field = Arc::clone(outer);
        let mut named = false;
        if let Some(pieces) = self.term() {
            let before = self.scanner.at;
            self.scanner.skip_space();
            if self.scanner.peek() != Some(':') {
                self.scanner.at = before;
                return self.after_term(&field, pieces, start);
            }
            let name = plain(&pieces);
            self.scanner.last_is_field();
            self.scanner.eat(":");
            self.scanner.skip_space();
            if !Scanner::is_sane_field(name.len()) {
                let span = Span::new(start, self.scanner.at);
                return self.scanner.broken(ErrorKind::LongField, span);
            }
            field = Arc::from(name);
            named = true;
        }
        let mut tree = self.value(&field, start);
        if named {
            tree.begin_at(Span::new(start, start).start, self.scanner.text);
        }
        tree
    }

    /// What stands behind `field:`, or without a field anything but a plain term.
    fn value(&mut self, field: &Arc<str>, start: usize) -> Tree {
        let leaf = |value: Value, end: usize| {
            Tree::Leaf(Leaf { field: Arc::clone(field), value, approximate: None, span: Span::new(start, end) })
        };
        match self.scanner.peek() {
            Some('(') => {
                self.scanner.eat("(");
                let inner = match self.scanner.too_deep() {
                    Some(broken) => broken,
                    None => {
                        self.scanner.depth += 1;
                        let inner = self.query(field);
                        self.scanner.depth -= 1;
                        inner
                    }
                };
                self.scanner.close(")");
                self.suffix();
                inner
            }
            Some('"') => {
                let text = self.quoted();
                let mut tree = leaf(phrase(text), self.scanner.at);
                self.apply_suffix(&mut tree);
                tree
            }
            Some('[' | '{') => {
                let before = self.scanner.at;
                // A range that is not closed must not take the clauses behind it for its bounds.
                let is_closed = self.scanner.rest().bytes().take(MAX_RANGE).any(|byte| matches!(byte, b']' | b'}'));
                if !is_closed {
                    let broken = self.skip(ErrorKind::UnclosedRange);
                    self.skip_bound();
                    return broken;
                }
                let Some(value) = self.range() else {
                    return self.scanner.broken(ErrorKind::UnreadableRange, Span::new(before, self.scanner.at));
                };
                let tree = leaf(value, self.scanner.at);
                self.suffix();
                tree
            }
            Some('/') if self.scanner.rest()[1..].contains('/') => {
                let pattern = self.regex();
                let tree = leaf(Value::Regex(pattern), self.scanner.at);
                self.suffix();
                tree
            }
            Some('<' | '>') => {
                let order = Order::ALL.into_iter().find(|order| self.scanner.eat(order.as_str()));
                let order = order.unwrap_or(Order::Greater);
                self.scanner.skip_space();
                let value = match self.scanner.peek() {
                    Some('"') => Some(self.quoted()),
                    _ => self.term().map(|pieces| plain(&pieces)),
                };
                match value {
                    Some(value) => leaf(Value::Compare { order, value }, self.scanner.at),
                    None => self.skip(ErrorKind::MissingValue),
                }
            }
            _ => match self.term() {
                Some(pieces) if &**field == "_exists_" => {
                    self.scanner.last_is_field();
                    let span = Span::new(start, self.scanner.at);
                    Tree::Leaf(Leaf { field: Arc::from(plain(&pieces)), value: Value::Exists, approximate: None, span })
                }
                Some(pieces) => {
                    let mut tree = leaf(Value::Term { pieces, quoted: false }, self.scanner.at);
                    self.apply_suffix(&mut tree);
                    tree
                }
                None => self.skip(ErrorKind::MissingValue),
            },
        }
    }

    /// A plain term is read: with those that follow it without an operator it is one text, which the field analyses
    /// as a whole ("whitespace is not considered an operator", as Elasticsearch's reference has it).
    fn after_term(&mut self, field: &Arc<str>, mut pieces: Vec<Piece>, start: usize) -> Tree {
        let is_plain = |pieces: &[Piece]| pieces.iter().all(|piece| matches!(piece, Piece::Char(_)));
        let mut end = self.scanner.at;
        let joins = is_plain(&pieces);
        while joins && !matches!(self.scanner.peek(), Some('~' | '^')) {
            let (before, tokens) = (self.scanner.at, self.scanner.tokens.len());
            self.scanner.skip_space();
            let is_operator = WORDS.iter().any(|word| self.is_word(word));
            let next = if is_operator || self.scanner.rest().starts_with("||") { None } else { self.term() };
            let stop = self.scanner.rest().trim_start_matches(is_space);
            match next {
                Some(next) if is_plain(&next) && !stop.starts_with([':', '~', '^']) => {
                    pieces.push(Piece::Char(' '));
                    pieces.extend(next);
                    end = self.scanner.at;
                }
                _ => {
                    self.scanner.at = before;
                    self.scanner.tokens.truncate(tokens);
                    break;
                }
            }
        }
        let value = Value::Term { pieces, quoted: false };
        let mut tree =
            Tree::Leaf(Leaf { field: Arc::clone(field), value, approximate: None, span: Span::new(start, end) });
        self.apply_suffix(&mut tree);
        tree
    }

    /// `~`, `~2` and `^3` behind a term or phrase.
    fn apply_suffix(&mut self, tree: &mut Tree) {
        if let Some(amount) = self.suffix()
            && let Tree::Leaf(leaf) = tree
        {
            leaf.approximate = Some(Arc::from(amount));
            leaf.span.end = Span::new(0, self.scanner.at).end;
        }
    }

    /// Steps over `~2` and `^3`; what stands behind the `~`, where there is one.
    fn suffix(&mut self) -> Option<&'a str> {
        let mut approximate = None;
        loop {
            let is_tilde = self.scanner.peek() == Some('~');
            if !is_tilde && self.scanner.peek() != Some('^') {
                return approximate;
            }
            let rest = self.scanner.rest();
            let digits = rest[1..].find(|c: char| !c.is_ascii_digit() && c != '.');
            let length = digits.map_or(rest.len(), |digits| digits + 1);
            if is_tilde {
                approximate = rest.get(1..length);
            }
            self.scanner.take(length, TokenKind::Operator);
        }
    }

    /// `[a TO b]`, with `{` or `}` where a bound is left out; `None` for what is none.
    fn range(&mut self) -> Option<Value> {
        let with_lower = self.scanner.eat("[");
        if !with_lower {
            self.scanner.eat("{");
        }
        let lower = self.bound();
        self.scanner.skip_space();
        if !self.word("TO") {
            return None;
        }
        let upper = self.bound();
        self.scanner.skip_space();
        let with_upper = self.scanner.eat("]");
        if !with_upper && !self.scanner.eat("}") {
            return None;
        }
        let (lower, upper) = (lower.map(|value| (value, with_lower)), upper.map(|value| (value, with_upper)));
        Some(Value::Interval { lower, upper })
    }

    fn bound(&mut self) -> Option<String> {
        self.scanner.skip_space();
        if self.scanner.peek() == Some('"') {
            return Some(self.quoted());
        }
        let start = self.scanner.at;
        let rest = self.scanner.rest();
        let length = rest.find(|character| is_space(character) || matches!(character, ']' | '}')).unwrap_or(rest.len());
        self.scanner.at += length;
        self.scanner.token(start, TokenKind::Number);
        let value = &rest[..length];
        (value != "*" && !value.is_empty()).then(|| value.replace('\\', ""))
    }

    fn regex(&mut self) -> String {
        let start = self.scanner.at;
        self.scanner.bump();
        let mut pattern = String::new();
        while let Some(character) = self.scanner.bump() {
            match character {
                '/' => break,
                '\\' if self.scanner.peek() == Some('/') => pattern.extend(self.scanner.bump()),
                '\\' => {
                    pattern.push('\\');
                    pattern.extend(self.scanner.bump());
                }
                _ => pattern.push(character),
            }
        }
        self.scanner.token(start, TokenKind::String);
        pattern
    }

    fn quoted(&mut self) -> String {
        let start = self.scanner.at;
        self.scanner.bump();
        let mut text = String::new();
        loop {
            match self.scanner.bump() {
                None => {
                    let span = Span::new(start, self.scanner.at);
                    self.scanner.error(ErrorKind::UnclosedQuote, "The quoted value has no closing quote.", span);
                    break;
                }
                Some('"') => break,
                Some('\\') => text.extend(self.escape()),
                Some(character) => text.push(character),
            }
        }
        self.scanner.token(start, TokenKind::String);
        text
    }

    /// What the text behind a backslash stands for, stepped over.
    fn escape(&mut self) -> Option<char> {
        if self.scanner.peek() == Some('u') {
            self.scanner.bump();
            return self.scanner.unicode_escape().or(Some('u'));
        }
        self.scanner.bump()
    }

    /// A term, with wildcards; `None` where none begins here.
    fn term(&mut self) -> Option<Vec<Piece>> {
        let start = self.scanner.at;
        let mut pieces = Vec::new();
        while let Some(character) = self.scanner.peek() {
            let first = pieces.is_empty();
            let ends = is_space(character)
                || matches!(character, '(' | ')' | ':' | '^' | '[' | ']' | '"' | '{' | '}' | '~')
                || first && matches!(character, '+' | '-' | '!' | '/' | '<' | '>')
                || first && self.scanner.rest().starts_with("&&")
                || self.scanner.rest().starts_with("||");
            if ends {
                break;
            }
            self.scanner.bump();
            pieces.push(match character {
                '*' => Piece::Many,
                '?' => Piece::One,
                '\\' => match self.escape() {
                    Some(escaped) => Piece::Char(escaped),
                    None => Piece::Char('\\'),
                },
                _ => Piece::Char(character),
            });
        }
        if pieces.is_empty() {
            return None;
        }
        self.scanner.token(start, TokenKind::String);
        Some(pieces)
    }

    /// Steps over what no clause can begin with, up to the next space or closing parenthesis.
    fn skip(&mut self, kind: ErrorKind) -> Tree {
        let start = self.scanner.at;
        while let Some(character) = self.scanner.peek() {
            if is_space(character) || character == ')' {
                break;
            }
            self.scanner.bump();
        }
        self.scanner.broken(kind, Span::new(start, self.scanner.at))
    }
}

impl Parser<'_> {
    /// Passes over `TO` and what stands behind it: the rest of a range that cannot be read is no clause.
    fn skip_bound(&mut self) {
        let before = self.scanner.at;
        self.scanner.skip_space();
        if self.scanner.rest().strip_prefix("TO").is_none_or(|rest| rest.starts_with(char::is_alphanumeric)) {
            self.scanner.at = before;
            return;
        }
        self.scanner.eat("TO");
        self.scanner.skip_space();
        let is_end = |character: char| is_space(character) || character == ')';
        while self.scanner.peek().is_some_and(|character| !is_end(character)) {
            self.scanner.bump();
        }
    }
}

fn phrase(text: String) -> Value {
    Value::Term { pieces: text.chars().map(Piece::Char).collect(), quoted: true }
}

fn plain(pieces: &[Piece]) -> String {
    let character = |piece: &Piece| match piece {
        Piece::Char(character) => *character,
        Piece::Many => '*',
        Piece::One => '?',
    };
    pieces.iter().map(character).collect()
}
