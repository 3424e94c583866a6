//! Tokens to expressions: `or` binds weakest, then `and`, `not`, comparisons, `+ -`, `* / %`, signs.

use std::borrow::Cow;

use ruleatlas_syntax::{Span, SyntaxError};

use crate::{
    ast::{Arithmetic, Comparison, Expr, ExprKind, Literal, Lookup},
    error::ErrorKind,
    lexer::{Kind, Token},
    literal::{backticked, unquote},
    parser::Parser,
};

/// How many arithmetic operators of a query are read; a term's tree is as deep as they are many.
const ARITHMETIC_LIMIT: usize = 256;

impl<'a> Parser<'a> {
    /// A condition, or an argument.
    pub fn expression(&mut self) -> Expr<'a> {
        self.deeper(|parser| {
            parser.list("or", ExprKind::Or, |parser| parser.list("and", ExprKind::And, Self::negation))
        })
    }

    /// One or more parts with `word` between them.
    fn list(
        &mut self,
        word: &str,
        kind: impl Fn(Vec<Expr<'a>>) -> ExprKind<'a>,
        part: impl Fn(&mut Self) -> Expr<'a>,
    ) -> Expr<'a> {
        let first = part(self);
        if !self.is_word(0, word) {
            return first;
        }
        let mut parts = vec![first];
        while self.eat_word(word) {
            parts.push(part(self));
        }
        let span = parts.iter().skip(1).fold(parts[0].span, |span, part| span.to(part.span));
        Expr { kind: kind(parts), span }
    }

    fn negation(&mut self) -> Expr<'a> {
        let start = self.token(0).start;
        let mut negated = false;
        while self.stands_for_not() {
            self.eat_word("not");
            negated = !negated;
        }
        let inner = self.comparison();
        if negated {
            let span = Span { start, end: inner.span.end.max(start) };
            Expr { kind: ExprKind::Not(Box::new(inner)), span }
        } else {
            inner
        }
    }

    fn stands_for_not(&self) -> bool {
        let token = self.token(0);
        // `Not` could be a field's name; before an operator it is one.
        self.is_word(0, "not")
            && (self.text_of(token) == "not"
                || matches!(
                    self.token(1).kind,
                    Kind::Word | Kind::LeftParen | Kind::Question | Kind::Backticked | Kind::String(_)
                ))
    }

    fn comparison(&mut self) -> Expr<'a> {
        let left = self.operand();
        let compared = if let Some(op) = self.comparison_operator() {
            self.bump();
            let right = self.operand();
            let span = left.span.to(right.span);
            Expr { kind: ExprKind::Compare { op, left: Box::new(left), right: Box::new(right) }, span }
        } else if let Some((op, insensitive, negated)) = self.lookup_operator() {
            self.lookup(left, op, insensitive, negated)
        } else if self.ends_condition() {
            return left;
        } else {
            // A field before text that is no operator is hardly asked to be true.
            self.expected("an operator");
            let rest = self.skip();
            return self.broken(left.span.to(rest.span));
        };
        if self.comparison_operator().is_some() || self.lookup_operator().is_some() {
            let span = self.previous().span();
            let message = "Comparisons cannot be chained; put `and` between two.";
            self.say(SyntaxError::new(ErrorKind::ChainedComparison, span, message));
            let rest = self.skip();
            return self.broken(compared.span.to(rest.span));
        }
        compared
    }

    fn ends_condition(&self) -> bool {
        matches!(self.peek(), Kind::RightParen | Kind::RightBracket | Kind::Comma | Kind::Pipe | Kind::End)
            || self.is_word(0, "and")
            || self.is_word(0, "or")
    }

    fn comparison_operator(&mut self) -> Option<Comparison> {
        Some(match self.peek() {
            Kind::Eq => Comparison::Eq,
            Kind::Ne => Comparison::Ne,
            Kind::Lt => Comparison::Lt,
            Kind::Lte => Comparison::Lte,
            Kind::Gt => Comparison::Gt,
            Kind::Gte => Comparison::Gte,
            Kind::Assign => {
                let span = self.token(0).span();
                let message = "`=` compares nothing in EQL; it is read as `==`.";
                self.say(SyntaxError::new(ErrorKind::AssignmentSign, span, message));
                Comparison::Eq
            }
            _ => return None,
        })
    }

    /// The lookup operator here, whether `~` makes it insensitive, whether `not` negates it; it is left behind.
    fn lookup_operator(&mut self) -> Option<(Lookup, bool, bool)> {
        match self.peek() {
            Kind::Colon => {
                self.bump();
                return Some((Lookup::Colon, true, false));
            }
            Kind::NotColon => {
                self.bump();
                return Some((Lookup::Colon, true, true));
            }
            Kind::Word => {}
            _ => return None,
        }
        let negated = self.is_word(0, "not");
        let ahead = usize::from(negated);
        if negated && self.token(ahead).kind == Kind::Colon {
            self.eat_word("not");
            self.bump();
            return Some((Lookup::Colon, true, true));
        }
        let words = [("in", Lookup::In), ("like", Lookup::Like), ("regex", Lookup::Regex)];
        let (word, op) = words.into_iter().find(|(word, _)| self.is_word(ahead, word))?;
        if negated {
            self.eat_word("not");
        }
        self.eat_word(word);
        Some((op, self.tilde(), negated))
    }

    /// Whether `~` stands right behind the previous token; it is left behind.
    fn tilde(&mut self) -> bool {
        self.peek() == Kind::Tilde && self.token(0).start == self.previous().end && self.eat(Kind::Tilde)
    }

    fn lookup(&mut self, subject: Expr<'a>, op: Lookup, insensitive: bool, negated: bool) -> Expr<'a> {
        let values = if self.eat(Kind::LeftParen) {
            let values = self.expressions();
            if let Some(rest) = self.close() {
                return self.broken(subject.span.to(rest.span));
            }
            values
        } else {
            if op == Lookup::In {
                self.expected("a list in parentheses");
            }
            vec![self.operand()]
        };
        let span = Span { start: subject.span.start, end: self.previous().end.max(subject.span.end) };
        Expr { kind: ExprKind::Lookup { op, insensitive, negated, subject: Box::new(subject), values }, span }
    }

    /// Expressions with commas between, up to a closing parenthesis; a last comma is let pass.
    fn expressions(&mut self) -> Vec<Expr<'a>> {
        let mut values = Vec::new();
        while !matches!(self.peek(), Kind::RightParen | Kind::End) {
            values.push(self.expression());
            if !self.eat(Kind::Comma) {
                break;
            }
        }
        values
    }

    /// Expects `)`; what stands before it is skipped, and given back.
    fn close(&mut self) -> Option<Expr<'a>> {
        if self.eat(Kind::RightParen) {
            return None;
        }
        self.expected("`)`");
        if matches!(self.peek(), Kind::RightBracket | Kind::Pipe | Kind::End) {
            return None;
        }
        let mut rest = self.skip();
        while matches!(self.peek(), Kind::Word | Kind::Comma) {
            // A connective or a comma behind what cannot be read is part of it.
            self.bump();
            let more = self.skip();
            rest.span = rest.span.to(more.span);
        }
        self.eat(Kind::RightParen);
        Some(rest)
    }

    /// A value that can be compared: arithmetic over primaries.
    pub fn operand(&mut self) -> Expr<'a> {
        self.arithmetic(
            |kind| match kind {
                Kind::Plus => Some(Arithmetic::Add),
                Kind::Minus => Some(Arithmetic::Subtract),
                _ => None,
            },
            |parser| {
                parser.arithmetic(
                    |kind| match kind {
                        Kind::Star => Some(Arithmetic::Multiply),
                        Kind::Slash => Some(Arithmetic::Divide),
                        Kind::Percent => Some(Arithmetic::Modulo),
                        _ => None,
                    },
                    Self::signed,
                )
            },
        )
    }

    fn arithmetic(
        &mut self,
        operator: impl Fn(Kind) -> Option<Arithmetic>,
        part: impl Fn(&mut Self) -> Expr<'a>,
    ) -> Expr<'a> {
        let mut left = part(self);
        while let Some(op) = operator(self.peek()) {
            self.arithmetic += 1;
            if self.arithmetic > ARITHMETIC_LIMIT {
                let message = format!("More than {ARITHMETIC_LIMIT} arithmetic operators are not read.");
                self.say(SyntaxError::new(ErrorKind::TooDeep, self.token(0).span(), message));
                let rest = self.skip();
                return self.broken(left.span.to(rest.span));
            }
            self.bump();
            let right = part(self);
            let span = left.span.to(right.span);
            left = Expr { kind: ExprKind::Arithmetic { op, left: Box::new(left), right: Box::new(right) }, span };
        }
        left
    }

    fn signed(&mut self) -> Expr<'a> {
        let start = self.token(0).start;
        let mut negative = false;
        loop {
            match self.peek() {
                Kind::Minus => negative = !negative,
                Kind::Plus => {}
                _ => break,
            }
            self.bump();
        }
        let inner = self.primary();
        if !negative {
            return inner;
        }
        let span = Span { start, end: inner.span.end.max(start) };
        let kind = match inner.kind {
            ExprKind::Literal(Literal::Number(digits)) => {
                let digits = match digits.strip_prefix('-') {
                    Some(digits) => digits.to_owned(),
                    None => format!("-{digits}"),
                };
                ExprKind::Literal(Literal::Number(Cow::Owned(digits)))
            }
            kind => ExprKind::Negative(Box::new(Expr { kind, span: inner.span })),
        };
        Expr { kind, span }
    }

    fn primary(&mut self) -> Expr<'a> {
        let token = self.token(0);
        match token.kind {
            Kind::String(quote) => {
                self.bump();
                let (content, unknown) = unquote(self.text_of(token), quote);
                if unknown {
                    let message = "A backslash before this character has no meaning; both are kept.";
                    self.say(SyntaxError::new(ErrorKind::UnknownEscape, token.span(), message));
                }
                literal(Literal::Text(content), token)
            }
            Kind::Number => {
                self.bump();
                literal(Literal::Number(Cow::Borrowed(self.text_of(token))), token)
            }
            Kind::LeftParen => {
                self.bump();
                let inner = self.expression();
                let Some(rest) = self.close() else { return inner };
                // What stands before the fault counts, beside what is not known.
                let span = inner.span.to(rest.span);
                Expr { kind: ExprKind::And(vec![inner, rest]), span }
            }
            Kind::Question => {
                self.bump();
                if matches!(self.peek(), Kind::Word | Kind::Backticked) {
                    self.path(token.start)
                } else {
                    self.expected("a field");
                    self.skip()
                }
            }
            Kind::Backticked => self.path(token.start),
            Kind::Word => self.word(token),
            _ => {
                self.expected("a value");
                self.skip()
            }
        }
    }

    fn word(&mut self, token: Token) -> Expr<'a> {
        let text = self.text_of(token);
        let next = self.token(1);
        let is_path = matches!(next.kind, Kind::Dot);
        if !is_path {
            for (word, value) in
                [("true", Literal::Bool(true)), ("false", Literal::Bool(false)), ("null", Literal::Null)]
            {
                if self.eat_word(word) {
                    return literal(value, token);
                }
            }
            let ahead = 1 + usize::from(next.kind == Kind::Tilde && next.start == token.end);
            if self.token(ahead).kind == Kind::LeftParen && !["and", "or", "not", "in"].contains(&text) {
                return self.call(token);
            }
            let is_relation = ["child", "descendant", "event"].contains(&text);
            if is_relation && self.is_word(1, "of") && self.token(2).kind == Kind::LeftBracket {
                return self.lineage(token);
            }
            if ["and", "or", "in", "like", "regex", "where", "by"].contains(&text) {
                self.expected("a value");
                return self.skip();
            }
        }
        self.path(token.start)
    }

    fn call(&mut self, name: Token) -> Expr<'a> {
        self.bump();
        let insensitive = self.tilde();
        self.bump();
        let arguments = self.expressions();
        let is_whole = self.close().is_none();
        let span = Span { start: name.start, end: self.previous().end };
        if !is_whole {
            return self.broken(span);
        }
        Expr { kind: ExprKind::Call { name: self.text_of(name), insensitive, arguments }, span }
    }

    fn lineage(&mut self, relation: Token) -> Expr<'a> {
        self.bump();
        self.bump();
        let event = Box::new(self.bracketed_event());
        let span = Span { start: relation.start, end: self.previous().end };
        Expr { kind: ExprKind::Lineage { relation: self.text_of(relation), event }, span }
    }

    /// A field's path; the token here is its first part.
    fn path(&mut self, start: u32) -> Expr<'a> {
        let first = self.bump();
        let mut path = self.segment(first);
        let mut end = first.end;
        // A path without backticks, indexes and spaces is a piece of the text.
        let mut plain = first.kind == Kind::Word;
        loop {
            let next = self.token(1);
            match self.peek() {
                Kind::Dot if matches!(next.kind, Kind::Word | Kind::Backticked | Kind::Number) => {
                    plain &= next.kind != Kind::Backticked && next.start == end + 1;
                    if plain {
                        path = self.slice(first.start, next.end);
                    } else {
                        let path = path.to_mut();
                        path.push('.');
                        path.push_str(&self.segment(next));
                    }
                    end = next.end;
                    self.bump();
                    self.bump();
                }
                Kind::LeftBracket if self.token(2).kind == Kind::RightBracket => {
                    let index = match next.kind {
                        Kind::Number => format!("[{}]", self.text_of(next)),
                        Kind::String(quote) => format!(".{}", unquote(self.text_of(next), quote).0),
                        _ => break,
                    };
                    plain = false;
                    path.to_mut().push_str(&index);
                    end = self.token(2).end;
                    for _ in 0..3 {
                        self.bump();
                    }
                }
                _ => break,
            }
        }
        // A `?` stands before the first part.
        let optional = start < first.start;
        Expr { kind: ExprKind::Field { path, optional }, span: Span { start, end } }
    }

    fn slice(&self, start: u32, end: u32) -> Cow<'a, str> {
        Cow::Borrowed(Span { start, end }.of(self.text).unwrap_or_default())
    }

    fn segment(&self, token: Token) -> Cow<'a, str> {
        match token.kind {
            Kind::Backticked => backticked(self.text_of(token)),
            _ => Cow::Borrowed(self.text_of(token)),
        }
    }
}

fn literal(value: Literal<'_>, token: Token) -> Expr<'_> {
    Expr { kind: ExprKind::Literal(value), span: token.span() }
}
