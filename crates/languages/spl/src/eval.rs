//! The expressions of `eval` and `where`: a Pratt parser over the expanded text.
//!
//! `AND` binds tighter than `OR`, `OR` tighter than `XOR` ("Boolean expressions with logical operators"); operators may
//! be written in any case; a text in double quotes is a literal, a name in single quotes or without quotes is a field.

use ruleatlas_syntax::Span;

use crate::{
    ast::{CompareOp, Expr, ExprKind},
    error::ErrorKind,
    lexer::{bracket_end, quoted_end},
    parser::Parser,
    search::{unescape, unquoted},
};

/// How deep an expression may be, a chain of operators counted link by link.
const MAX_DEPTH: usize = 300;
/// How long a template of `foreach` (`<<FIELD>>`) may be.
const MAX_TEMPLATE: usize = 256;

/// Reads one expression from `start..end`; what is left over becomes a part that is not understood.
pub(crate) fn parse(parser: &mut Parser<'_>, start: usize, end: usize) -> Expr {
    let mut reader = Reader::new(parser, start, end);
    let expr = reader.expression(0);
    reader.finish(expr, end)
}

/// Reads `name = expression, …`.
pub(crate) fn parse_assignments(parser: &mut Parser<'_>, start: usize, end: usize) -> Vec<(String, Expr)> {
    let mut reader = Reader::new(parser, start, end);
    let mut assignments = Vec::new();
    while reader.token.kind != Lexeme::End {
        let token = reader.token;
        match token.kind {
            Lexeme::Comma => {
                reader.advance();
                continue;
            }
            Lexeme::Name | Lexeme::Single | Lexeme::Text => {}
            _ if reader.bare_target().is_some() => {}
            _ => {
                let rest = reader.rest(ErrorKind::MissingAssignment);
                assignments.push((String::new(), rest));
                break;
            }
        }
        let name = match reader.bare_target() {
            Some((name, end)) => {
                reader.token = Lexed { kind: Lexeme::Name, end, ..token };
                name
            }
            None => reader.name(token),
        };
        reader.advance();
        if reader.slice(reader.token) != "=" {
            let rest = reader.rest(ErrorKind::MissingAssignment);
            assignments.push((name, rest));
            break;
        }
        reader.advance();
        let expr = reader.expression(0);
        if !matches!(reader.token.kind, Lexeme::Comma | Lexeme::End) {
            let rest = reader.finish(expr, end);
            assignments.push((name, rest));
            break;
        }
        assignments.push((name, expr));
    }
    assignments
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lexeme {
    Name,
    Single,
    Text,
    Number,
    Operator,
    Open,
    Close,
    Comma,
    Sub,
    Macro,
    Unknown,
    End,
}

#[derive(Clone, Copy, Debug)]
struct Lexed {
    kind: Lexeme,
    start: usize,
    end: usize,
}

struct Reader<'r, 's> {
    parser: &'r mut Parser<'s>,
    token: Lexed,
    limit: usize,
    last_end: usize,
}

impl<'r, 's> Reader<'r, 's> {
    fn new(parser: &'r mut Parser<'s>, start: usize, end: usize) -> Self {
        let token = Lexed { kind: Lexeme::End, start, end: start };
        let mut reader = Self { parser, token, limit: end, last_end: start };
        reader.advance();
        reader
    }

    fn slice(&self, token: Lexed) -> &'s str {
        self.parser.source.slice(token.start, token.end)
    }

    fn span(&self, start: usize, end: usize) -> Span {
        self.parser.source.span(start, end)
    }

    fn advance(&mut self) {
        self.last_end = self.token.end;
        self.token = self.lex(self.token.end);
    }

    fn lex(&self, from: usize) -> Lexed {
        let text = self.parser.source.text();
        let bytes = text.as_bytes();
        let limit = self.limit;
        let start = (from..limit).find(|at| !bytes[*at].is_ascii_whitespace()).unwrap_or(limit);
        if start >= limit {
            return Lexed { kind: Lexeme::End, start: limit, end: limit };
        }
        let next = bytes.get(start + 1).copied().filter(|_| start + 1 < limit);
        let find = |byte: u8| bytes[start + 1..limit].iter().position(|found| *found == byte).map(|at| start + at + 2);
        let (kind, end) = match bytes[start] {
            b'"' => (Lexeme::Text, quoted_end(bytes, start, limit)),
            b'\'' => find(b'\'').map_or((Lexeme::Unknown, limit), |end| (Lexeme::Single, end)),
            b'`' => (Lexeme::Macro, find(b'`').unwrap_or(limit)),
            b'(' => (Lexeme::Open, start + 1),
            b')' => (Lexeme::Close, start + 1),
            b',' => (Lexeme::Comma, start + 1),
            b'[' => (Lexeme::Sub, bracket_end(self.parser.source, start, limit)),
            b'=' => (Lexeme::Operator, start + 1 + usize::from(next == Some(b'='))),
            b'!' if next == Some(b'=') => (Lexeme::Operator, start + 2),
            b'<' if next == Some(b'<') && text[start..limit].starts_with("<<") => {
                let near = &bytes[start..limit.min(start + MAX_TEMPLATE)];
                let end = near.windows(2).position(|two| two == b">>").map_or(start + 1, |length| start + length + 2);
                (if end > start + 1 { Lexeme::Name } else { Lexeme::Operator }, end)
            }
            b'<' => (Lexeme::Operator, start + 1 + usize::from(matches!(next, Some(b'=' | b'>')))),
            b'>' => (Lexeme::Operator, start + 1 + usize::from(next == Some(b'='))),
            b'+' | b'-' | b'*' | b'/' | b'%' => (Lexeme::Operator, start + 1),
            b'.' if !next.is_some_and(|byte| byte.is_ascii_digit()) => (Lexeme::Operator, start + 1),
            b'0'..=b'9' | b'.' => number(bytes, start, limit),
            byte if is_name(byte) => (Lexeme::Name, name_end(bytes, start, limit)),
            _ => (Lexeme::Unknown, (start + 1..=limit).find(|at| text.is_char_boundary(*at)).unwrap_or(limit)),
        };
        Lexed { kind, start, end }
    }

    fn name(&self, token: Lexed) -> String {
        let text = self.slice(token);
        match token.kind {
            Lexeme::Single => unescape(unquoted(text, '\'')),
            Lexeme::Text => unescape(unquoted(text, '"')),
            _ => text.to_owned(),
        }
    }

    /// The name before a `=` that is no name of an expression (`-time`, `src-ip`), and where it ends: on the left side
    /// of an assignment it needs no quotes.
    fn bare_target(&self) -> Option<(String, usize)> {
        let rest = self.parser.source.slice(self.token.start, self.limit);
        let (name, behind) = rest.split_once('=')?;
        let name = name.trim_end();
        let is_part = |character: char| {
            !character.is_whitespace()
                && !matches!(character, '"' | '\'' | '(' | ')' | ',' | '[' | ']' | '`' | '!' | '<' | '>')
        };
        let is_whole = !name.is_empty() && name.chars().all(is_part) && !behind.starts_with('=');
        is_whole.then(|| (name.to_owned(), self.token.start + name.len()))
    }

    fn opaque(&self, start: usize, end: usize, kind: ErrorKind) -> Expr {
        let text = self.parser.source.slice(start, end).trim().to_owned();
        Expr::new(ExprKind::Opaque { text, kind }, self.span(start, end))
    }

    /// All that is left, not understood.
    fn rest(&mut self, kind: ErrorKind) -> Expr {
        let start = self.token.start;
        self.token = Lexed { kind: Lexeme::End, start: self.limit, end: self.limit };
        self.opaque(start, self.limit, kind)
    }

    /// An expression that stands too deep, up to where it ends: the parentheses around it are still closed.
    fn skip_nested(&mut self) -> Expr {
        let start = self.token.start;
        let mut depth = 0_usize;
        loop {
            match self.token.kind {
                Lexeme::End => break,
                Lexeme::Close | Lexeme::Comma if depth == 0 => break,
                Lexeme::Open => depth += 1,
                Lexeme::Close => depth -= 1,
                _ => {}
            }
            self.advance();
        }
        self.opaque(start, self.last_end.max(start), ErrorKind::TooDeep)
    }

    fn finish(&mut self, expr: Expr, end: usize) -> Expr {
        if self.token.kind == Lexeme::End {
            return expr;
        }
        let span = expr.span;
        let rest = self.opaque(self.token.start, end, ErrorKind::UnexpectedText);
        let span = span.to(rest.span);
        Expr::new(ExprKind::And(vec![expr, rest]), span)
    }

    fn word(&self) -> Option<&'s str> {
        (self.token.kind == Lexeme::Name).then(|| self.slice(self.token))
    }

    fn is_word(&self, word: &str) -> bool {
        self.word().is_some_and(|found| found.eq_ignore_ascii_case(word))
    }

    /// The operator that comes next and how tight it binds.
    fn operator(&self) -> Option<(&'static str, u8)> {
        const WORDS: [(&str, u8); 6] = [("XOR", 1), ("OR", 2), ("AND", 3), ("LIKE", 5), ("IN", 5), ("NOT", 5)];
        const SIGNS: [(&str, u8); 14] = [
            ("=", 5),
            ("==", 5),
            ("!=", 5),
            ("<>", 5),
            ("<", 5),
            ("<=", 5),
            (">", 5),
            (">=", 5),
            ("+", 6),
            ("-", 6),
            (".", 6),
            ("*", 7),
            ("/", 7),
            ("%", 7),
        ];
        let text = self.slice(self.token);
        match self.token.kind {
            Lexeme::Name => WORDS.iter().find(|(word, _)| text.eq_ignore_ascii_case(word)).copied(),
            Lexeme::Operator => SIGNS.iter().find(|(sign, _)| text == *sign).copied(),
            _ => None,
        }
    }

    fn expression(&mut self, tightness: u8) -> Expr {
        if !self.parser.enter() {
            return self.skip_nested();
        }
        let mut left = self.operand();
        while let Some((operator, binds)) = self.operator().filter(|(_, binds)| *binds >= tightness.max(1)) {
            if left.depth > MAX_DEPTH {
                left = self.rest(ErrorKind::LongExpression);
                break;
            }
            self.advance();
            left = self.infix(left, operator, binds);
        }
        self.parser.leave();
        left
    }

    fn infix(&mut self, left: Expr, operator: &'static str, binds: u8) -> Expr {
        let start = left.span;
        if operator == "NOT" {
            // `field NOT IN (…)`, `field NOT LIKE "…"`.
            let inner = match self.operator() {
                Some((operator @ ("IN" | "LIKE"), binds)) => {
                    self.advance();
                    self.infix(left, operator, binds)
                }
                _ => return self.rest(ErrorKind::UnexpectedText),
            };
            let span = inner.span;
            return Expr::new(ExprKind::Not(Box::new(inner)), span);
        }
        if operator == "IN" {
            let values = self.arguments();
            let span = start.to(self.span(self.last_end.saturating_sub(1), self.last_end));
            return Expr::new(ExprKind::In(Box::new(left), values), span);
        }
        let right = self.expression(binds + 1);
        let span = start.to(right.span);
        let compare = |op, left, right| ExprKind::Compare(op, Box::new(left), Box::new(right));
        let kind = match operator {
            "AND" | "OR" => return joined(left, right, operator == "AND", span),
            "XOR" => ExprKind::Xor(Box::new(left), Box::new(right)),
            "LIKE" => ExprKind::Call("like".to_owned(), vec![left, right]),
            "=" | "==" => compare(CompareOp::Eq, left, right),
            "!=" | "<>" => compare(CompareOp::Ne, left, right),
            "<" => compare(CompareOp::Lt, left, right),
            "<=" => compare(CompareOp::Lte, left, right),
            ">" => compare(CompareOp::Gt, left, right),
            ">=" => compare(CompareOp::Gte, left, right),
            sign => ExprKind::Binary(sign, Box::new(left), Box::new(right)),
        };
        Expr::new(kind, span)
    }

    fn operand(&mut self) -> Expr {
        let token = self.token;
        let span = self.span(token.start, token.end);
        match token.kind {
            Lexeme::Text => {
                self.advance();
                Expr::new(ExprKind::Text(self.name(token)), span)
            }
            Lexeme::Number => {
                self.advance();
                Expr::new(ExprKind::Number(self.slice(token).to_owned()), span)
            }
            Lexeme::Single => {
                self.advance();
                Expr::new(ExprKind::Field(self.name(token)), span)
            }
            // Splunk takes `!` for `NOT`, though its reference does not list it.
            Lexeme::Name | Lexeme::Unknown if self.is_word("NOT") || self.slice(token) == "!" => {
                self.advance();
                let inner = self.expression(4);
                let whole = span.to(inner.span);
                Expr::new(ExprKind::Not(Box::new(inner)), whole)
            }
            Lexeme::Name => self.name_or_call(token, span),
            Lexeme::Open => {
                self.advance();
                let inner = self.expression(0);
                if self.token.kind == Lexeme::Close {
                    self.advance();
                    // A conjunction in parentheses stays one of its own.
                    return inner;
                }
                let rest = self.rest(ErrorKind::UnbalancedParenthesis);
                let span = span.to(rest.span);
                Expr::new(ExprKind::And(vec![inner, rest]), span)
            }
            Lexeme::Operator if matches!(self.slice(token), "-" | "+") => {
                self.advance();
                let inner = self.expression(8);
                let whole = span.to(inner.span);
                match inner.kind {
                    ExprKind::Number(number) if self.slice(token) == "-" => {
                        let number = number.strip_prefix('-').map_or_else(|| format!("-{number}"), str::to_owned);
                        Expr::new(ExprKind::Number(number), whole)
                    }
                    _ if self.slice(token) == "+" => inner,
                    _ => Expr::new(ExprKind::Minus(Box::new(inner)), whole),
                }
            }
            Lexeme::Sub => {
                self.advance();
                let pipeline = self.parser.bracket(token.start, token.end);
                Expr::new(ExprKind::Sub(Box::new(pipeline)), span)
            }
            Lexeme::Macro => {
                self.advance();
                self.opaque(token.start, token.end, self.parser.source.unresolved(token.start))
            }
            Lexeme::End => self.opaque(token.start, token.end, ErrorKind::MissingExpression),
            Lexeme::Close | Lexeme::Comma => self.opaque(token.start, token.end, ErrorKind::MissingExpression),
            Lexeme::Operator | Lexeme::Unknown => self.rest(ErrorKind::UnexpectedCharacter),
        }
    }

    fn name_or_call(&mut self, token: Lexed, span: Span) -> Expr {
        self.advance();
        if self.token.kind != Lexeme::Open {
            return Expr::new(ExprKind::Field(self.slice(token).to_owned()), span);
        }
        let name = self.slice(token);
        if name.eq_ignore_ascii_case("searchmatch")
            && let text = self.lex(self.token.end)
            && text.kind == Lexeme::Text
            && self.lex(text.end).kind == Lexeme::Close
        {
            let search = self.parser.quoted_search(text.start, text.end);
            let written = self.name(text);
            self.token = self.lex(text.end);
            self.advance();
            let kind = search.map_or_else(
                || ExprKind::Call("true".to_owned(), Vec::new()),
                |search| ExprKind::Search { text: written, search: Box::new(search) },
            );
            return Expr::new(kind, self.span(token.start, self.last_end));
        }
        let arguments = self.arguments();
        let span = self.span(token.start, self.last_end);
        // `a.lower(b)` joins `a` and `lower(b)`.
        let (before, name) = match name.rsplit_once('.') {
            Some((before, name)) if !before.is_empty() => (Some(before), name),
            _ => (None, name),
        };
        let call = Expr::new(ExprKind::Call(name.to_ascii_lowercase(), arguments), span);
        match before {
            Some(before) => {
                let left = Expr::new(ExprKind::Field(before.to_owned()), span);
                Expr::new(ExprKind::Binary(".", Box::new(left), Box::new(call)), span)
            }
            None => call,
        }
    }

    /// The list `( … , … )` that comes next.
    fn arguments(&mut self) -> Vec<Expr> {
        let mut arguments = Vec::new();
        if self.token.kind != Lexeme::Open {
            arguments.push(self.rest(ErrorKind::MissingList));
            return arguments;
        }
        self.advance();
        loop {
            match self.token.kind {
                Lexeme::Close => {
                    self.advance();
                    return arguments;
                }
                Lexeme::Comma => self.advance(),
                Lexeme::End => {
                    arguments.push(self.rest(ErrorKind::UnbalancedParenthesis));
                    return arguments;
                }
                _ => {
                    let before = self.token.start;
                    arguments.push(self.expression(0));
                    let ended = matches!(self.token.kind, Lexeme::Close | Lexeme::Comma | Lexeme::End);
                    if !ended || self.token.start == before && self.token.kind == Lexeme::End {
                        arguments.push(self.rest(ErrorKind::UnexpectedText));
                        return arguments;
                    }
                }
            }
        }
    }
}

/// `left AND right` or `left OR right`; alternatives of one operator stand side by side.
fn joined(left: Expr, right: Expr, all: bool, span: Span) -> Expr {
    let depth = left.depth.max(1 + right.depth);
    match (left.kind, all) {
        (ExprKind::And(mut items), true) => {
            items.push(right);
            Expr { kind: ExprKind::And(items), span, depth }
        }
        (ExprKind::Or(mut items), false) => {
            items.push(right);
            Expr { kind: ExprKind::Or(items), span, depth }
        }
        (kind, all) => {
            let items = vec![Expr { kind, span: left.span, depth: left.depth }, right];
            Expr::new(if all { ExprKind::And(items) } else { ExprKind::Or(items) }, span)
        }
    }
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'{' | b'}' | b'$' | b'@' | b':' | b'#') || byte >= 0x80
}

/// The end of a name; a dot belongs to it where the name goes on behind it.
fn name_end(bytes: &[u8], start: usize, limit: usize) -> usize {
    let mut at = start;
    while at < limit {
        let goes_on = |at: usize| bytes[at + 1..limit].first().is_some_and(|byte| is_name(*byte));
        if !(is_name(bytes[at]) || bytes[at] == b'.' && goes_on(at)) {
            break;
        }
        at += 1;
    }
    at
}

fn number(bytes: &[u8], start: usize, limit: usize) -> (Lexeme, usize) {
    let mut at = start;
    while at < limit && (bytes[at].is_ascii_alphanumeric() || bytes[at] == b'.' || bytes[at] == b'_') {
        at += 1;
    }
    let is_number = bytes[start..at].iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
        || bytes[start..at].starts_with(b"0x")
        || is_scientific(&bytes[start..at]);
    (if is_number { Lexeme::Number } else { Lexeme::Name }, at)
}

fn is_scientific(digits: &[u8]) -> bool {
    digits.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E'))
        && digits.iter().filter(|byte| matches!(byte, b'e' | b'E')).count() == 1
}
