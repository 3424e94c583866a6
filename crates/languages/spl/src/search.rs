//! The language of the `search` command, of `where` in `tstats`, and of `searchmatch`.
//!
//! `OR` binds tighter than `AND`, written or implied ("Boolean expressions with logical operators", Search Manual);
//! operators are in capitals; `*` is the only wildcard and cannot be escaped; a comparison's right side is always text.

use ruleatlas_syntax::{Piece, Span};

use crate::{
    ast::{CompareOp, Directive, Search, SearchValue},
    error::ErrorKind,
    lexer::{Kind, Token, tokens},
    parser::Parser,
};

/// Reads `start..end` of the expanded text; `None` where nothing stands there.
pub(crate) fn parse(parser: &mut Parser<'_>, start: usize, end: usize) -> Option<Search> {
    let tokens = tokens(parser.source, start, end);
    parse_tokens(parser, &tokens)
}

/// Reads tokens; `None` where there are none.
pub(crate) fn parse_tokens(parser: &mut Parser<'_>, tokens: &[Token]) -> Option<Search> {
    let mut reader = Reader { parser, tokens, at: 0 };
    let mut all = Vec::new();
    while reader.at < tokens.len() {
        all.extend(reader.conjunction());
        // A parenthesis that nothing opened ends a conjunction early.
        if let Some(token) = reader.next() {
            all.push(reader.opaque(token, ErrorKind::UnbalancedParenthesis));
        }
    }
    one_or(all, Search::And)
}

fn one_or(mut items: Vec<Search>, many: fn(Vec<Search>) -> Search) -> Option<Search> {
    match items.len() {
        0 => None,
        1 => items.pop(),
        _ => Some(many(items)),
    }
}

struct Reader<'r, 's> {
    parser: &'r mut Parser<'s>,
    tokens: &'r [Token],
    at: usize,
}

impl<'s> Reader<'_, 's> {
    fn peek(&self, ahead: usize) -> Option<Token> {
        self.tokens.get(self.at + ahead).copied()
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.peek(0)?;
        self.at += 1;
        Some(token)
    }

    fn text(&self, token: Token) -> &'s str {
        self.parser.source.slice(token.start, token.end)
    }

    fn is_word(&self, ahead: usize, word: &str) -> bool {
        self.peek(ahead).is_some_and(|token| token.kind == Kind::Word && self.text(token) == word)
    }

    fn is(&self, ahead: usize, kind: Kind) -> bool {
        self.peek(ahead).is_some_and(|token| token.kind == kind)
    }

    fn opaque(&self, token: Token, kind: ErrorKind) -> Search {
        let span = self.parser.source.span(token.start, token.end);
        Search::Opaque { text: self.text(token).to_owned(), kind, span }
    }

    /// Everything up to the end or a closing parenthesis.
    fn conjunction(&mut self) -> Option<Search> {
        let mut all = Vec::new();
        while let Some(token) = self.peek(0) {
            match token.kind {
                Kind::Close => break,
                Kind::Comma => self.at += 1,
                _ if self.is_word(0, "AND") => self.at += 1,
                _ => all.extend(self.disjunction()),
            }
        }
        one_or(all, Search::And)
    }

    fn disjunction(&mut self) -> Option<Search> {
        let mut any: Vec<Search> = self.negation().into_iter().collect();
        while self.is_word(0, "OR") {
            self.at += 1;
            any.extend(self.negation());
        }
        one_or(any, Search::Or)
    }

    fn negation(&mut self) -> Option<Search> {
        let mut negated = false;
        while self.is_word(0, "NOT") {
            self.at += 1;
            negated = !negated;
        }
        let inner = self.term()?;
        Some(if negated { Search::Not(Box::new(inner)) } else { inner })
    }

    fn term(&mut self) -> Option<Search> {
        let token = self.peek(0)?;
        match token.kind {
            Kind::Open => self.group(token),
            Kind::Close | Kind::Comma => None,
            _ if self.is_word(0, "OR") || self.is_word(0, "AND") => None,
            Kind::Operator => {
                self.at += 1;
                Some(self.opaque(token, ErrorKind::MissingField))
            }
            Kind::Macro => {
                self.at += 1;
                Some(self.opaque(token, self.parser.source.unresolved(token.start)))
            }
            Kind::Sub => {
                self.at += 1;
                Some(Search::Sub(Box::new(self.parser.bracket(token.start, token.end))))
            }
            Kind::Word | Kind::Quoted | Kind::Single => self.comparison_or_term(token),
        }
    }

    fn group(&mut self, open: Token) -> Option<Search> {
        self.at += 1;
        if !self.parser.enter() {
            return Some(self.skip_group(open));
        }
        let inner = self.conjunction();
        self.parser.leave();
        if self.is(0, Kind::Close) {
            self.at += 1;
            return inner;
        }
        let unclosed = self.opaque(open, ErrorKind::UnbalancedParenthesis);
        one_or(inner.into_iter().chain([unclosed]).collect(), Search::And)
    }

    /// A parenthesis that stands too deep, up to the one that closes it: what stands around it is still read.
    fn skip_group(&mut self, open: Token) -> Search {
        let (mut depth, mut end) = (1_usize, open.end);
        while depth > 0
            && let Some(token) = self.next()
        {
            end = token.end;
            match token.kind {
                Kind::Open => depth += 1,
                Kind::Close => depth -= 1,
                _ => {}
            }
        }
        self.opaque(Token { end, ..open }, ErrorKind::TooDeep)
    }

    fn comparison_or_term(&mut self, token: Token) -> Option<Search> {
        let word = self.text(token);
        if token.kind == Kind::Word && matches!(word, "TERM" | "CASE") && self.is(1, Kind::Open) {
            return Some(Search::Term { value: self.value()? });
        }
        if self.is(1, Kind::Operator) {
            self.at += 2;
            return Some(self.comparison(token));
        }
        let is_list = |ahead: usize| {
            self.peek(ahead).is_some_and(|next| next.kind == Kind::Word && self.text(next).eq_ignore_ascii_case("in"))
                && self.is(ahead + 1, Kind::Open)
        };
        if is_list(1) {
            self.at += 3;
            return Some(self.list(token, false));
        }
        if self.is_word(1, "NOT") && is_list(2) {
            self.at += 4;
            return Some(Search::Not(Box::new(self.list(token, false))));
        }
        if token.kind == Kind::Word
            && let Some((field, value)) = word.split_once("::")
            && matches!(field, "index" | "sourcetype" | "source" | "host" | "eventtype")
        {
            self.at += 1;
            let start = token.end - value.len();
            let values = vec![self.plain_value(Token { start, ..token })];
            let span = self.parser.source.span(token.start, token.end);
            return Some(Search::Compare { field: field.to_owned(), op: CompareOp::Eq, values, span });
        }
        Some(Search::Term { value: self.value()? })
    }

    fn field(&self, token: Token) -> String {
        let text = self.text(token);
        match token.kind {
            Kind::Quoted => plain(&pieces(unquoted(text, '"'))),
            Kind::Single => unquoted(text, '\'').to_owned(),
            _ => text.to_owned(),
        }
    }

    fn comparison(&mut self, field: Token) -> Search {
        let operator = self.tokens[self.at - 1];
        let op = match self.text(operator) {
            "!=" => CompareOp::Ne,
            "<" => CompareOp::Lt,
            "<=" => CompareOp::Lte,
            ">" => CompareOp::Gt,
            ">=" => CompareOp::Gte,
            _ => CompareOp::Eq,
        };
        if self.is(0, Kind::Open) && matches!(op, CompareOp::Eq | CompareOp::Ne) {
            self.at += 1;
            let list = self.list(field, true);
            return if op == CompareOp::Ne { Search::Not(Box::new(list)) } else { list };
        }
        if let Some(token) = self.peek(0).filter(|token| matches!(token.kind, Kind::Macro | Kind::Sub)) {
            self.at += 1;
            let kind = match token.kind {
                Kind::Macro => self.parser.source.unresolved(token.start),
                _ => ErrorKind::ComparedSearch,
            };
            return self.opaque(Token { end: token.end, ..field }, kind);
        }
        match self.value() {
            Some(value) => {
                let end = self.tokens[self.at - 1].end;
                let span = self.parser.source.span(field.start, end);
                Search::Compare { field: self.field(field), op, values: vec![value], span }
            }
            None => self.opaque(Token { end: operator.end, ..field }, ErrorKind::MissingValue),
        }
    }

    /// The values of `field IN (…)` or `field=(a OR b)`, behind the opening parenthesis.
    fn list(&mut self, field: Token, alternatives: bool) -> Search {
        let mut values = Vec::new();
        let mut end = field.end;
        let mut faulty = None;
        while let Some(token) = self.peek(0) {
            end = token.end;
            match token.kind {
                Kind::Close => {
                    self.at += 1;
                    break;
                }
                Kind::Comma => self.at += 1,
                _ if alternatives && self.is_word(0, "OR") => self.at += 1,
                Kind::Macro => {
                    self.at += 1;
                    faulty = Some(self.parser.source.unresolved(token.start));
                }
                Kind::Open | Kind::Sub | Kind::Operator => {
                    self.at += 1;
                    faulty = Some(ErrorKind::NotOnlyValues);
                }
                _ => values.extend(self.value()),
            }
        }
        if let Some(kind) = faulty {
            return self.opaque(Token { end, ..field }, kind);
        }
        let span = self.parser.source.span(field.start, end);
        Search::Compare { field: self.field(field), op: CompareOp::Eq, values, span }
    }

    /// A value: a word or phrase, several that touch each other, or `CASE(…)`, `TERM(…)`.
    fn value(&mut self) -> Option<SearchValue> {
        let first = self.next()?;
        let word = self.text(first);
        if first.kind == Kind::Word && matches!(word, "TERM" | "CASE" | "PREFIX") && self.is(0, Kind::Open) {
            self.at += 1;
            let start = self.peek(0).map_or(first.end, |token| token.start);
            let mut end = start;
            while let Some(token) = self.next() {
                if token.kind == Kind::Close {
                    break;
                }
                end = token.end;
            }
            let last = self.tokens[self.at - 1];
            let text = self.parser.source.slice(start, end);
            let pieces = pieces(unquoted(text, '"'));
            let span = self.parser.source.span(first.start, last.end);
            return Some(SearchValue { pieces, directive: Directive::of(word), span });
        }
        if !matches!(first.kind, Kind::Word | Kind::Quoted | Kind::Single) {
            self.at -= 1;
            return None;
        }
        let mut value = self.plain_value(first);
        let mut last = first;
        while let Some(token) = self.peek(0)
            && token.start == last.end
            && matches!(token.kind, Kind::Word | Kind::Quoted)
            && !self.is(1, Kind::Operator)
        {
            self.at += 1;
            value.pieces.extend(self.plain_value(token).pieces);
            last = token;
        }
        value.span = self.parser.source.span(first.start, last.end);
        Some(value)
    }

    fn plain_value(&self, token: Token) -> SearchValue {
        let text = self.text(token);
        let text = if token.kind == Kind::Quoted { unquoted(text, '"') } else { text };
        let span: Span = self.parser.source.span(token.start, token.end);
        SearchValue { pieces: pieces(text), directive: None, span }
    }
}

/// A text without the quotes around it.
pub(crate) fn unquoted(text: &str, quote: char) -> &str {
    let inner = text.strip_prefix(quote).unwrap_or(text);
    if inner.len() < text.len() { inner.strip_suffix(quote).unwrap_or(inner) } else { text }
}

/// Resolves `\"`, `\\` and `\|`; a backslash before anything else stands for itself.
pub(crate) fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(character) = chars.next() {
        match character {
            '\\' => plain.push(chars.next_if(|next| matches!(next, '\\' | '"' | '|')).unwrap_or('\\')),
            _ => plain.push(character),
        }
    }
    plain
}

fn pieces(text: &str) -> Vec<Piece> {
    unescape(text)
        .chars()
        .map(|character| if character == '*' { Piece::Many } else { Piece::Char(character) })
        .collect()
}

fn plain(pieces: &[Piece]) -> String {
    pieces.iter().map(|piece| if let Piece::Char(character) = piece { *character } else { '*' }).collect()
}
