//! The expressions of ES|QL.
//!
//! From loose to tight: `or`, `and`, `not`, comparisons with `in`, `like` and `is null`, `+ -`, `* / %`, a sign, a
//! cast. Source: the parser grammar of ES|QL in Elasticsearch.

use std::rc::Rc;

use ruleatlas_syntax::{ErrorKind as _, Span};

use crate::{
    ast::{Comparison, Constant, Expr, Kind, Link},
    error::ErrorKind,
    lexer::{Lex, unquote_name, unquote_text},
    parser::Parser,
};

/// The units of time spans, singular, and their short forms.
const UNITS: &[&str] = &[
    "millisecond",
    "ms",
    "second",
    "sec",
    "s",
    "minute",
    "min",
    "m",
    "hour",
    "h",
    "day",
    "d",
    "week",
    "w",
    "month",
    "mo",
    "quarter",
    "q",
    "year",
    "yr",
    "y",
];

impl Parser<'_> {
    pub fn expression(&mut self) -> Link {
        self.deeper(Self::or)
    }

    fn or(&mut self) -> Link {
        self.chain("or", Self::and, Kind::Any)
    }

    fn and(&mut self) -> Link {
        self.chain("and", Self::not, Kind::All)
    }

    fn chain(&mut self, word: &str, operand: fn(&mut Self) -> Link, kind: fn(Vec<Link>) -> Kind) -> Link {
        let start = self.here();
        let mut children = vec![operand(self)];
        while self.is_word(word) {
            let span = self.peek().map_or_else(Span::default, |lexeme| lexeme.span());
            self.advance();
            if self.peek().is_none() || matches!(self.peek_text(), ")" | "|") {
                self.error(ErrorKind::DanglingConnective, "Nothing follows this connective; it is left out.", span);
                break;
            }
            children.push(operand(self));
        }
        if children.len() == 1 {
            return children.remove(0);
        }
        self.expr(kind(children), start)
    }

    fn not(&mut self) -> Link {
        let start = self.here();
        if self.eat_word("not") {
            let child = self.deeper(Self::not);
            return self.expr(Kind::Not(child), start);
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Link {
        let start = self.here();
        let left = self.sum();
        let comparisons = [
            ("==", Comparison::Eq),
            ("=~", Comparison::EqCaseless),
            ("!=", Comparison::Ne),
            ("<=", Comparison::Lte),
            (">=", Comparison::Gte),
            ("<", Comparison::Lt),
            (">", Comparison::Gt),
            ("=", Comparison::Eq),
        ];
        for (sign, op) in comparisons {
            if self.peek_text() == sign {
                if sign == "=" {
                    let span = self.peek().map_or_else(Span::default, |lexeme| lexeme.span());
                    self.error(
                        ErrorKind::AssignmentSign,
                        "`=` makes a name; here it is taken for the comparison `==`.",
                        span,
                    );
                }
                self.advance();
                let right = self.sum();
                return self.expr(Kind::Compare { op, left, right }, start);
            }
        }
        if self.eat(":") {
            let right = self.sum();
            let kind = Kind::Call { name: Rc::from("match"), arguments: vec![left, right] };
            return self.expr(kind, start);
        }
        if self.eat_word("is") {
            let negated = self.eat_word("not");
            if !self.eat_word("null") {
                return self.broken(ErrorKind::MissingNull);
            }
            return self.expr(Kind::IsNull { subject: left, negated }, start);
        }
        let negated = self.is_word("not") && {
            let next = self.peek_second().to_ascii_lowercase();
            matches!(next.as_str(), "in" | "like" | "rlike")
        };
        if negated {
            self.advance();
        }
        if self.eat_word("in") {
            if !self.eat("(") {
                return self.broken(ErrorKind::MissingList);
            }
            if self.is_word("from") {
                let query = self.nested().unwrap_or_default();
                self.close(")");
                return self.expr(Kind::InQuery { subject: left, query, negated }, start);
            }
            let list = self.list(")");
            return self.expr(Kind::In { subject: left, list, negated }, start);
        }
        let regex = self.is_word("rlike");
        if regex || self.is_word("like") {
            self.advance();
            let patterns = if self.eat("(") { self.list(")") } else { vec![self.primary()] };
            return self.expr(Kind::Like { subject: left, patterns, regex, negated }, start);
        }
        left
    }

    fn sum(&mut self) -> Link {
        self.arithmetic(&["+", "-"], Self::product)
    }

    fn product(&mut self) -> Link {
        self.arithmetic(&["*", "/", "%"], Self::signed)
    }

    fn arithmetic(&mut self, signs: &[&str], operand: fn(&mut Self) -> Link) -> Link {
        let start = self.here();
        let mut left = operand(self);
        while let Some(sign) = signs.iter().find(|sign| self.peek_text() == **sign) {
            self.advance();
            let arguments = vec![left, operand(self)];
            left = self.expr(Kind::Call { name: Rc::from(*sign), arguments }, start);
        }
        left
    }

    fn signed(&mut self) -> Link {
        let start = self.here();
        let minus = self.peek_text() == "-";
        if !minus && self.peek_text() != "+" {
            return self.cast();
        }
        self.advance();
        let mut operand = self.deeper(Self::signed);
        if !minus {
            return operand;
        }
        // A number's sign is a part of it, before a cast as well.
        let number = match &mut operand.kind {
            Kind::Constant(Constant::Number(number)) => Some(number),
            Kind::Cast { operand, .. } => match &mut operand.kind {
                Kind::Constant(Constant::Number(number)) => Some(number),
                _ => None,
            },
            _ => None,
        };
        if let Some(number) = number {
            *number = number.strip_prefix('-').map_or_else(|| Rc::from(format!("-{number}")), Rc::from);
            operand.span = self.since(start);
            return operand;
        }
        self.expr(Kind::Call { name: Rc::from("-"), arguments: vec![operand] }, start)
    }

    fn cast(&mut self) -> Link {
        let start = self.here();
        let mut operand = self.primary();
        while self.eat("::") {
            let to = Rc::from(self.peek_text().to_ascii_lowercase());
            self.advance();
            operand = self.expr(Kind::Cast { operand, to }, start);
        }
        operand
    }

    pub fn primary(&mut self) -> Link {
        let Some(lexeme) = self.peek() else { return self.broken(ErrorKind::MissingExpression) };
        let (start, text) = (self.here(), self.peek_text());
        match lexeme.kind {
            Lex::Text { closed } => {
                self.advance();
                if !closed {
                    self.error(ErrorKind::UnclosedQuote, "The text has no closing quote.", lexeme.span());
                }
                self.constant(Constant::Text(Rc::from(unquote_text(text).0)), start)
            }
            Lex::Number => {
                self.advance();
                let unit = self.peek_text().to_ascii_lowercase();
                let is_unit = UNITS.contains(&unit.as_str())
                    || unit.strip_suffix('s').is_some_and(|unit| unit.len() > 2 && UNITS.contains(&unit));
                if is_unit {
                    self.advance();
                    return self.constant(Constant::Duration(self.text_since(start)), start);
                }
                self.constant(Constant::Number(Rc::from(text)), start)
            }
            Lex::Parameter => {
                self.advance();
                self.constant(Constant::Parameter(Rc::from(text)), start)
            }
            Lex::Name => self.name_or_call(text, start),
            _ if self.eat("(") => {
                let inner = self.expression();
                if self.peek_text() == ")" || self.peek().is_none() || self.peek_text() == "|" {
                    self.close(")");
                    return inner;
                }
                // The rest up to the closing bracket is not understood; what stands before it counts.
                let rest = self.here();
                self.skip_to_close();
                let (span, kind) = (self.since(rest), ErrorKind::MissingConnective);
                self.error(kind, "The rest of the parenthesis cannot be read.", span);
                let rest = Expr::new(Kind::broken(&self.text_since(rest), kind), span);
                self.expr(Kind::All(vec![inner, rest]), start)
            }
            _ if self.eat("[") => {
                let list = self.list("]");
                self.expr(Kind::List(list), start)
            }
            Lex::Sign if text == "*" => {
                self.advance();
                self.expr(Kind::Name(Rc::from("*")), start)
            }
            _ => self.broken(ErrorKind::MissingExpression),
        }
    }

    fn name_or_call(&mut self, text: &str, start: usize) -> Link {
        let word = text.to_ascii_lowercase();
        match word.as_str() {
            "true" | "false" => {
                self.advance();
                return self.constant(Constant::Boolean(word == "true"), start);
            }
            "null" => {
                self.advance();
                return self.constant(Constant::Null, start);
            }
            // A connective here has no operand before it; it is left for who called.
            "and" | "or" | "by" | "in" | "like" | "rlike" | "is" => return self.broken(ErrorKind::MissingExpression),
            _ => {}
        }
        self.advance();
        if !self.eat("(") {
            return self.expr(Kind::Name(Rc::from(unquote_name(text))), start);
        }
        let arguments = self.list(")");
        self.expr(Kind::Call { name: Rc::from(word), arguments }, start)
    }

    /// Expressions up to the closing bracket, options in braces left out.
    fn list(&mut self, close: &str) -> Vec<Link> {
        let mut items = Vec::new();
        while self.peek().is_some() && self.peek_text() != close && self.peek_text() != "|" {
            let before = self.here();
            if self.peek_text() == "{" {
                items.push(self.options());
            } else {
                let value = self.expression();
                // `first(x by y)`.
                items.push(if self.eat_word("by") {
                    let key = self.expression();
                    self.expr(Kind::By { value, key }, before)
                } else {
                    value
                });
            }
            if !self.eat(",") && self.peek_text() != close && self.peek_text() != "|" && self.peek().is_some() {
                items.push(self.broken(ErrorKind::MissingComma));
                if self.here() == before {
                    self.advance();
                }
            }
        }
        self.close(close);
        items
    }

    /// `{ "name": value, … }`.
    fn options(&mut self) -> Link {
        let start = self.here();
        let mut names = Vec::new();
        let mut depth = 0_u32;
        while let Some(lexeme) = self.peek() {
            match self.peek_text() {
                "{" => depth += 1,
                "}" => depth = depth.saturating_sub(1),
                text if depth == 1 && matches!(lexeme.kind, Lex::Text { .. }) && self.peek_second() == ":" => {
                    names.push(Rc::from(unquote_text(text).0));
                }
                _ => {}
            }
            self.advance();
            if depth == 0 {
                break;
            }
        }
        self.expr(Kind::Options { text: self.text_since(start), names }, start)
    }

    fn constant(&mut self, constant: Constant, start: usize) -> Link {
        self.expr(Kind::Constant(constant), start)
    }

    /// Steps over what cannot be read, up to a place where an operand may end.
    fn broken(&mut self, kind: ErrorKind) -> Link {
        let start = self.here();
        let mut depth = 0_u32;
        if matches!(self.peek_text(), "]" | "}") {
            self.advance();
        }
        while let Some(lexeme) = self.peek() {
            let text = self.peek_text();
            let is_connective = lexeme.kind == Lex::Name && ["and", "or", "by"].iter().any(|word| self.is_word(word));
            if text == "|" || depth == 0 && (matches!(text, ")" | "]" | "," | "}") || is_connective) {
                break;
            }
            match text {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth -= 1,
                _ => {}
            }
            self.advance();
        }
        let span = self.since(start);
        self.error(kind, format!("The expression cannot be read here: {}.", kind.title()), span);
        Expr::new(Kind::broken(&self.text_since(start), kind), span)
    }

    /// Steps over an expression that stands too deep, up to where it ends: the brackets around it are still closed.
    fn skip_nested(&mut self) -> Link {
        let start = self.here();
        let mut depth = 0_usize;
        while self.peek().is_some() {
            match self.peek_text() {
                ")" | "]" | "}" | "," | "|" if depth == 0 => break,
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth -= 1,
                _ => {}
            }
            self.advance();
        }
        let span = self.since(start);
        self.error(ErrorKind::TooDeep, "The query is nested too deeply to be read.", span);
        Expr::new(Kind::broken(&self.text_since(start), ErrorKind::TooDeep), span)
    }

    fn deeper(&mut self, read: fn(&mut Self) -> Link) -> Link {
        if self.depth >= crate::DEPTH_LIMIT {
            return self.skip_nested();
        }
        self.depth += 1;
        let expr = read(self);
        self.depth -= 1;
        expr
    }
}
