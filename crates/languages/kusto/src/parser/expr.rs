//! Scalar expressions, by precedence climbing.

use std::borrow::Cow;

use super::{Parse, Parser};
use crate::ast::{Argument, Comparison, Expr, ExprKind, Json, Literal, LiteralKind, Relation};
use crate::lexer::{Kind, Symbol, decode_string};

/// How tightly operators bind, loosest first.
/// Source: the order of operators in Microsoft's grammar (logical, equality, relational, additive, multiplicative,
/// string).
mod binding {
    pub const OR: u8 = 1;
    pub const AND: u8 = 2;
    pub const EQUALITY: u8 = 3;
    pub const RELATIONAL: u8 = 4;
    pub const ADDITIVE: u8 = 5;
    pub const MULTIPLICATIVE: u8 = 6;
    pub const STRING: u8 = 7;
}

#[derive(Clone, Copy)]
enum Infix {
    Or,
    And,
    Compare(Comparison),
    List(Comparison),
    Between { negated: bool },
    Arithmetic(char),
}

impl<'a> Parser<'a> {
    pub(super) fn expr(&mut self) -> Parse<Expr<'a>> {
        self.deeper(|parser| parser.binary(0))
    }

    /// The operator that stands here, how tightly it binds, and its number of tokens.
    fn infix(&self) -> Option<(Infix, u8, usize)> {
        let compare = |operator, negated, case_sensitive| Comparison { operator, negated, case_sensitive };
        let equality =
            |negated, cased| (Infix::Compare(compare(Relation::Equal, negated, cased)), binding::EQUALITY, 1);
        let order = |relation| (Infix::Compare(compare(relation, false, false)), binding::RELATIONAL, 1);
        match self.token().kind {
            Kind::Symbol(symbol) => Some(match symbol {
                Symbol::Equal => equality(false, true),
                Symbol::Colon if self.in_search => {
                    (Infix::Compare(compare(Relation::Has, false, false)), binding::STRING, 1)
                }
                Symbol::Assign if self.in_condition => equality(false, true),
                Symbol::NotEqual => equality(true, true),
                Symbol::EqualTilde => equality(false, false),
                Symbol::NotTilde => equality(true, false),
                Symbol::Less => order(Relation::Less),
                Symbol::LessEqual => order(Relation::LessEqual),
                Symbol::Greater => order(Relation::Greater),
                Symbol::GreaterEqual => order(Relation::GreaterEqual),
                Symbol::Plus => (Infix::Arithmetic('+'), binding::ADDITIVE, 1),
                Symbol::Minus => (Infix::Arithmetic('-'), binding::ADDITIVE, 1),
                Symbol::Star => (Infix::Arithmetic('*'), binding::MULTIPLICATIVE, 1),
                Symbol::Slash => (Infix::Arithmetic('/'), binding::MULTIPLICATIVE, 1),
                Symbol::Percent => (Infix::Arithmetic('%'), binding::MULTIPLICATIVE, 1),
                _ => return None,
            }),
            Kind::Name => {
                let word = self.word();
                let (negated, positive) = match word.strip_prefix('!') {
                    Some(positive) => (true, positive),
                    None => (false, word),
                };
                if positive.len() > "startswith_cs".len() {
                    return None;
                }
                let lower = lower_case(positive);
                let string =
                    |relation, cased| Some((Infix::Compare(compare(relation, negated, cased)), binding::STRING, 1));
                let list =
                    |relation, cased| Some((Infix::List(compare(relation, negated, cased)), binding::EQUALITY, 1));
                match &*lower {
                    "or" => Some((Infix::Or, binding::OR, 1)),
                    "and" => Some((Infix::And, binding::AND, 1)),
                    "in" => list(Relation::In, true),
                    "in~" => list(Relation::In, false),
                    "has_any" | "has_any~" => list(Relation::HasAny, false),
                    "has_all" => list(Relation::HasAll, false),
                    "between" => Some((Infix::Between { negated }, binding::EQUALITY, 1)),
                    "has" => string(Relation::Has, false),
                    "has_cs" | "hascs" => string(Relation::Has, true),
                    "hasprefix" => string(Relation::HasPrefix, false),
                    "hasprefix_cs" => string(Relation::HasPrefix, true),
                    "hassuffix" => string(Relation::HasSuffix, false),
                    "hassuffix_cs" => string(Relation::HasSuffix, true),
                    "contains" => string(Relation::Contains, false),
                    "contains_cs" | "containscs" => string(Relation::Contains, true),
                    "startswith" => string(Relation::StartsWith, false),
                    "startswith_cs" => string(Relation::StartsWith, true),
                    "endswith" => string(Relation::EndsWith, false),
                    "endswith_cs" => string(Relation::EndsWith, true),
                    "notcontains" => {
                        Some((Infix::Compare(compare(Relation::Contains, true, false)), binding::STRING, 1))
                    }
                    "notcontainscs" => {
                        Some((Infix::Compare(compare(Relation::Contains, true, true)), binding::STRING, 1))
                    }
                    "matches" if self.word_of(self.ahead(1)).eq_ignore_ascii_case("regex") => {
                        Some((Infix::Compare(compare(Relation::Regex, negated, true)), binding::STRING, 2))
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn binary(&mut self, loosest: u8) -> Parse<Expr<'a>> {
        let (first, brackets) = (self.at, self.brackets);
        // A part between connectives that cannot be read leaves the others.
        let is_part = self.recovers && loosest <= binding::AND;
        let mut left = match self.unary() {
            Err(fault) if is_part => self.broken(first, brackets, fault, false),
            read => read?,
        };
        while let Some((infix, power, length)) = self.infix() {
            if power <= loosest {
                break;
            }
            self.check_case();
            if self.is(Symbol::Assign) {
                let span = self.token().span;
                self.recovered(span, "comparison with one =", "`=` is read as `==`");
            }
            for _ in 0..length {
                self.step();
            }
            left = match self.deeper(|parser| parser.infix_rest(left, infix, power)) {
                Err(fault) if is_part => self.broken(first, brackets, fault, false),
                read => read?,
            };
        }
        Ok(left)
    }

    fn infix_rest(&mut self, left: Expr<'a>, infix: Infix, power: u8) -> Parse<Expr<'a>> {
        let start = left.span.start;
        match infix {
            Infix::Or | Infix::And => {
                let mut children = vec![left, self.binary(power)?];
                while self.infix().is_some_and(|(_, next, _)| next == power) {
                    self.check_case();
                    self.step();
                    children.push(self.binary(power)?);
                }
                let below = children.iter().map(|child| child.height).max().unwrap_or(0);
                let kind = if power == binding::OR { ExprKind::Or(children) } else { ExprKind::And(children) };
                self.expr_of(kind, self.span_from(start), below)
            }
            Infix::Compare(comparison) => {
                let right = self.binary(power)?;
                let below = left.height.max(right.height);
                self.expr_of(
                    ExprKind::Compare(comparison, Box::new(left), Box::new(right)),
                    self.span_from(start),
                    below,
                )
            }
            Infix::Arithmetic(sign) => {
                let right = self.binary(power)?;
                let below = left.height.max(right.height);
                self.expr_of(ExprKind::Arithmetic(sign, Box::new(left), Box::new(right)), self.span_from(start), below)
            }
            Infix::List(comparison) => {
                let items = if self.is(Symbol::OpenParen) { self.list()? } else { vec![self.binary(power)?] };
                let below = items.iter().map(|item| item.height).max().unwrap_or(0).max(left.height);
                self.expr_of(ExprKind::CompareList(comparison, Box::new(left), items), self.span_from(start), below)
            }
            Infix::Between { negated } => {
                self.open(Symbol::OpenParen, "`(`")?;
                let low = self.expr()?;
                self.expect(Symbol::DotDot, "`..`")?;
                let high = self.expr()?;
                self.close(Symbol::CloseParen, "`)`")?;
                let below = left.height.max(low.height).max(high.height);
                let (value, low, high) = (Box::new(left), Box::new(low), Box::new(high));
                self.expr_of(ExprKind::Between { value, low, high, negated }, self.span_from(start), below)
            }
        }
    }

    /// The language's words are of lower case; `AND` is understood, and said.
    fn check_case(&mut self) {
        if self.word().bytes().any(|byte| byte.is_ascii_uppercase()) {
            let span = self.token().span;
            self.recovered(span, "operator in upper case", "operators are written in lower case");
        }
    }

    /// What stands behind an item of a list: a comma before the next one, or the end.
    fn comma_or_end(&mut self) -> Parse<()> {
        if self.eat(Symbol::Comma) {
            if self.is(Symbol::CloseParen) {
                let span = self.token().span;
                self.recovered(span, "comma too many", "the list ends with a comma");
            }
        } else if !self.is(Symbol::CloseParen) {
            return Err(self.unexpected("`,` or `)`"));
        }
        Ok(())
    }

    /// `(a, b, …)`, each an expression or a sub-query.
    fn list(&mut self) -> Parse<Vec<Expr<'a>>> {
        self.open(Symbol::OpenParen, "`(`")?;
        let mut items = Vec::new();
        while !self.is(Symbol::CloseParen) {
            items.push(self.pipe_expr()?);
            self.comma_or_end()?;
        }
        self.close(Symbol::CloseParen, "`)`")?;
        Ok(items)
    }

    fn unary(&mut self) -> Parse<Expr<'a>> {
        let start = self.token().span.start;
        if self.is(Symbol::Minus) || self.is(Symbol::Plus) {
            let negative = self.step().kind == Kind::Symbol(Symbol::Minus);
            let inner = self.deeper(Self::unary)?;
            if !negative {
                return Ok(inner);
            }
            let below = inner.height;
            return self.expr_of(ExprKind::Negative(Box::new(inner)), self.span_from(start), below);
        }
        if self.word().eq_ignore_ascii_case("not")
            && !self.is_ahead(1, Symbol::OpenParen)
            && (self.ahead(1).kind == Kind::Name && self.infix_at(1).is_none())
        {
            let span = self.step().span;
            self.recovered(span, "not without parentheses", "`not` is a function: `not(…)`");
            let inner = self.deeper(|parser| parser.binary(binding::AND))?;
            let below = inner.height;
            let arguments = vec![Argument { name: None, value: inner }];
            return self.expr_of(ExprKind::Call(Cow::Borrowed("not"), arguments), self.span_from(start), below);
        }
        let mut left = self.primary()?;
        loop {
            if self.is(Symbol::Dot) {
                self.step();
                left = self.member(left)?;
            } else if self.is(Symbol::OpenBracket) && !self.token().on_new_line {
                self.open(Symbol::OpenBracket, "`[`")?;
                let index = self.expr()?;
                self.close(Symbol::CloseBracket, "`]`")?;
                let below = left.height.max(index.height);
                left = self.expr_of(ExprKind::Index(Box::new(left), Box::new(index)), self.span_from(start), below)?;
            } else {
                return Ok(left);
            }
        }
    }

    fn infix_at(&self, ahead: usize) -> Option<()> {
        let word = self.word_of(self.ahead(ahead));
        matches!(word, "and" | "or" | "in" | "has" | "contains" | "between" | "startswith" | "endswith").then_some(())
    }

    fn member(&mut self, base: Expr<'a>) -> Parse<Expr<'a>> {
        let start = base.span.start;
        if self.is(Symbol::OpenBracket) && !self.is_bracketed_name() {
            return Ok(base);
        }
        if self.is(Symbol::Star) {
            self.step();
            return Ok(base);
        }
        let name = match self.token().kind {
            // `$left.time(…)` and the like: the lexer's typed literals are names here.
            Kind::Number => Cow::Borrowed(self.step().text(self.text)),
            _ => self.name("a member's name")?,
        };
        if self.is(Symbol::OpenParen) {
            // `database("x").F(…)`: whose function it is does not matter.
            let arguments = self.arguments()?;
            let below = arguments.iter().map(|argument| argument.value.height).max().unwrap_or(0);
            return self.expr_of(ExprKind::Call(name, arguments), self.span_from(start), below);
        }
        let below = base.height;
        self.expr_of(ExprKind::Member(Box::new(base), name), self.span_from(start), below)
    }

    fn primary(&mut self) -> Parse<Expr<'a>> {
        let token = self.token();
        let span = token.span;
        match token.kind {
            Kind::String => Ok(self.strings()),
            Kind::Number => Ok(self.literal(LiteralKind::Number)),
            Kind::Timespan => Ok(self.literal(LiteralKind::Timespan)),
            Kind::Datetime => Ok(self.literal(LiteralKind::Datetime)),
            Kind::Guid => Ok(self.literal(LiteralKind::Guid)),
            Kind::Name => self.name_or_call(),
            Kind::Symbol(Symbol::Star) => {
                self.step();
                Ok(self.leaf(ExprKind::Star, span))
            }
            Kind::Symbol(Symbol::OpenParen) => {
                self.open(Symbol::OpenParen, "`(`")?;
                let first = self.at - 1;
                let mut inner = if self.recovers && self.closing.get(first) == Some(&0) {
                    // A condition in a parenthesis that is not closed ends at the pipe.
                    let inner = self.deeper(Self::source)?;
                    if is_boolean(&inner) { inner } else { self.pipeline(inner)? }
                } else {
                    self.pipe_expr()?
                };
                if self.is(Symbol::CloseParen) || !(self.recovers || matches!(inner.kind, ExprKind::Pipeline(_))) {
                    self.close(Symbol::CloseParen, "`)`")?;
                } else {
                    inner = self.close_broken(first, inner)?;
                }
                inner.span = self.span_from(span.start);
                Ok(inner)
            }
            Kind::Symbol(Symbol::OpenBracket) if self.is_bracketed_name() => {
                let name = self.name("a name")?;
                Ok(self.leaf(ExprKind::Name(name), self.span_from(span.start)))
            }
            Kind::Symbol(Symbol::OpenBrace) if self.ahead(1).kind == Kind::Name => {
                // `{TimeRange:start}`: a parameter of a workbook, put in before the query runs.
                while !self.is(Symbol::CloseBrace) && self.token().kind != Kind::End {
                    self.step();
                }
                self.expect(Symbol::CloseBrace, "`}`")?;
                let span = self.span_from(span.start);
                let text = span.of(self.text).unwrap_or_default();
                Ok(self.leaf(ExprKind::Name(Cow::Borrowed(text)), span))
            }
            _ => Err(self.unexpected("an expression")),
        }
    }

    /// What stands in parentheses that hold more than was read, or are not closed: what was read counts.
    fn close_broken(&mut self, first: usize, inner: Expr<'a>) -> Parse<Expr<'a>> {
        let fault = self.unexpected("`)`");
        let rest = self.token().span.start;
        self.brackets = self.brackets.saturating_sub(1);
        let code = fault.code;
        self.faults.push(fault);
        match self.closing.get(first).copied().filter(|closing| *closing > self.at) {
            Some(closing) => self.at = closing,
            None => self.skip_part(self.brackets > 0, true),
        }
        let span = self.span_from(rest);
        self.eat(Symbol::CloseParen);
        if span.start == span.end || matches!(inner.kind, ExprKind::Pipeline(_)) {
            return Ok(inner);
        }
        let (start, below) = (inner.span.start, inner.height);
        let rest = self.leaf(ExprKind::Broken(code), span);
        self.expr_of(ExprKind::And(vec![inner, rest]), self.span_from(start), below)
    }

    /// One string literal, or several that stand behind each other and are joined.
    fn strings(&mut self) -> Expr<'a> {
        let first = self.step();
        let mut text = decode_string(first.text(self.text));
        while self.token().kind == Kind::String {
            let next = self.step();
            text.to_mut().push_str(&decode_string(next.text(self.text)));
        }
        let span = self.span_from(first.span.start);
        self.leaf(ExprKind::Literal(Literal { kind: LiteralKind::String, text }), span)
    }

    fn literal(&mut self, kind: LiteralKind) -> Expr<'a> {
        let token = self.step();
        let written = token.text(self.text);
        let text = match written.split_once('(') {
            Some((_, inner)) => inner.strip_suffix(')').unwrap_or(inner).trim(),
            None => written,
        };
        let kind = if text.eq_ignore_ascii_case("null") { LiteralKind::Null } else { kind };
        self.leaf(ExprKind::Literal(Literal { kind, text: Cow::Borrowed(text) }), token.span)
    }

    fn name_or_call(&mut self) -> Parse<Expr<'a>> {
        let token = self.token();
        let name = token.text(self.text);
        let span = token.span;
        let called = self.is_ahead(1, Symbol::OpenParen);
        match name {
            "and" | "or" if !called => return Err(self.unexpected("an expression")),
            "true" | "false" | "True" | "False" | "TRUE" | "FALSE" if !called => {
                self.step();
                let text = if name.eq_ignore_ascii_case("true") { "true" } else { "false" };
                let literal = Literal { kind: LiteralKind::Bool, text: Cow::Borrowed(text) };
                return Ok(self.leaf(ExprKind::Literal(literal), span));
            }
            "null" if !called => {
                self.step();
                let literal = Literal { kind: LiteralKind::Null, text: Cow::Borrowed("null") };
                return Ok(self.leaf(ExprKind::Literal(literal), span));
            }
            "dynamic" if called => {
                self.step();
                self.open(Symbol::OpenParen, "`(`")?;
                let null = Json::Scalar(Literal { kind: LiteralKind::Null, text: Cow::Borrowed("null") });
                let json = if self.is(Symbol::CloseParen) { null } else { self.json()? };
                self.close(Symbol::CloseParen, "`)`")?;
                return Ok(self.leaf(ExprKind::Dynamic(json), self.span_from(span.start)));
            }
            "datatable" if called => return self.datatable(),
            "externaldata" | "external_data" if called => return self.external_data(),
            "int" | "long" | "real" | "double" | "decimal" | "bool" | "boolean" | "float" if called => {
                if let Some(literal) = self.typed_literal() {
                    return Ok(literal);
                }
            }
            _ => {}
        }
        self.step();
        if !called {
            return Ok(self.leaf(ExprKind::Name(Cow::Borrowed(name)), span));
        }
        let arguments = self.arguments()?;
        let below = arguments.iter().map(|argument| argument.value.height).max().unwrap_or(0);
        let name = if name.eq_ignore_ascii_case("not") { "not" } else { name };
        self.expr_of(ExprKind::Call(Cow::Borrowed(name), arguments), self.span_from(span.start), below)
    }

    /// `int(5)`, `bool(true)`, `long(null)`.
    fn typed_literal(&mut self) -> Option<Expr<'a>> {
        let start = self.token().span.start;
        let sign = usize::from(self.is_ahead(2, Symbol::Minus));
        let inner = self.ahead(2 + sign);
        if !self.is_ahead(3 + sign, Symbol::CloseParen) {
            return None;
        }
        let kind = match (inner.kind, inner.text(self.text)) {
            (Kind::Number, _) => LiteralKind::Number,
            (Kind::Name, "null") => LiteralKind::Null,
            (Kind::Name, "true" | "false") => LiteralKind::Bool,
            _ => return None,
        };
        let text = self.ahead(2).span.to(inner.span).of(self.text).unwrap_or_default();
        self.at += 4 + sign;
        Some(self.leaf(ExprKind::Literal(Literal { kind, text: Cow::Borrowed(text) }), self.span_from(start)))
    }

    pub(super) fn arguments(&mut self) -> Parse<Vec<Argument<'a>>> {
        self.open(Symbol::OpenParen, "`(`")?;
        let mut arguments = Vec::new();
        while !self.is(Symbol::CloseParen) {
            let named = self.token().kind == Kind::Name && self.is_ahead(1, Symbol::Assign);
            let name = if named {
                let name = self.name("a name")?;
                self.step();
                Some(name)
            } else {
                None
            };
            let in_condition = std::mem::take(&mut self.in_condition);
            let value = self.pipe_expr();
            self.in_condition = in_condition;
            arguments.push(Argument { name, value: value? });
            self.comma_or_end()?;
        }
        self.close(Symbol::CloseParen, "`)`")?;
        Ok(arguments)
    }

    fn json(&mut self) -> Parse<Json<'a>> {
        self.deeper(Self::json_value)
    }

    fn json_value(&mut self) -> Parse<Json<'a>> {
        if self.is(Symbol::OpenBracket) {
            self.open(Symbol::OpenBracket, "`[`")?;
            let mut items = Vec::new();
            while !self.is(Symbol::CloseBracket) {
                items.push(self.json()?);
                if !self.eat(Symbol::Comma) && !self.is(Symbol::CloseBracket) {
                    let fault = self.unexpected("`,` or `]`");
                    if self.token().kind != Kind::String {
                        return Err(fault);
                    }
                    self.recovered(fault.span, "comma is missing", "a comma is missing between two values");
                }
            }
            self.close(Symbol::CloseBracket, "`]`")?;
            return Ok(Json::Array(items));
        }
        if self.is(Symbol::OpenBrace) {
            self.step();
            let mut entries = Vec::new();
            while !self.is(Symbol::CloseBrace) {
                let key = self.token();
                let key = match key.kind {
                    Kind::String => decode_string(key.text(self.text)),
                    Kind::Name => Cow::Borrowed(key.text(self.text)),
                    _ => return Err(self.unexpected("a key")),
                };
                self.step();
                self.expect(Symbol::Colon, "`:`")?;
                entries.push((key, self.json()?));
                if !self.eat(Symbol::Comma) && !self.is(Symbol::CloseBrace) {
                    return Err(self.unexpected("`,` or `}`"));
                }
            }
            self.step();
            return Ok(Json::Bag(entries));
        }
        // A string alone: neighbours are values of their own here.
        let token = self.token();
        if token.kind == Kind::String {
            self.step();
            let text = decode_string(token.text(self.text));
            return Ok(Json::Scalar(Literal { kind: LiteralKind::String, text }));
        }
        let expr = self.unary()?;
        match expr.kind {
            ExprKind::Literal(literal) => Ok(Json::Scalar(literal)),
            ExprKind::Negative(_) => {
                let text = Cow::Borrowed(expr.span.of(self.text).unwrap_or_default());
                Ok(Json::Scalar(Literal { kind: LiteralKind::Number, text }))
            }
            ExprKind::Dynamic(json) => Ok(json),
            _ => Err(super::Fault {
                span: expr.span,
                code: "no constant",
                message: "a dynamic literal holds constants only".to_owned(),
                recovered: false,
            }),
        }
    }
}

/// Whether an expression can only be a condition.
fn is_boolean(expr: &Expr<'_>) -> bool {
    matches!(
        expr.kind,
        ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::Compare(..)
            | ExprKind::CompareList(..)
            | ExprKind::Between { .. }
            | ExprKind::Broken(_)
    )
}

/// A word in lower case, most often as it is.
fn lower_case(word: &str) -> Cow<'_, str> {
    if word.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(word.to_ascii_lowercase())
    } else {
        Cow::Borrowed(word)
    }
}
