//! The expressions of ES|QL.
//!
//! From loose to tight: `or`, `and`, `not`, comparisons with `in`, `like` and `is null`, `+ -`, `* / %`, a sign, a
//! cast. Source: the parser grammar of ES|QL in Elasticsearch.

use std::rc::Rc;

use ruleatlas_model::Span;

use crate::{
    ast::{Comparison, Constant, Expr, Kind, Link},
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
                self.warn("dangling connective", "Nothing follows this connective; it is left out.", span);
                break;
            }
            children.push(operand(self));
        }
        if children.len() == 1 {
            return children.remove(0);
        }
        Expr::new(kind(children), self.since(start))
    }

    fn not(&mut self) -> Link {
        let start = self.here();
        if self.eat_word("not") {
            let child = self.deeper(Self::not);
            return Expr::new(Kind::Not(child), self.since(start));
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
                    self.warn("`=` for `==`", "`=` makes a name; here it is taken for the comparison `==`.", span);
                }
                self.advance();
                let right = self.sum();
                return Expr::new(Kind::Compare { op, left, right }, self.since(start));
            }
        }
        if self.eat(":") {
            let right = self.sum();
            let kind = Kind::Call { name: Rc::from("match"), arguments: vec![left, right] };
            return Expr::new(kind, self.since(start));
        }
        if self.eat_word("is") {
            let negated = self.eat_word("not");
            if !self.eat_word("null") {
                return self.broken("`null` is missing");
            }
            return Expr::new(Kind::IsNull { subject: left, negated }, self.since(start));
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
                return self.broken("a list is missing");
            }
            if self.is_word("from") {
                let query = self.nested().unwrap_or_default();
                self.close(")");
                return Expr::new(Kind::InQuery { subject: left, query, negated }, self.since(start));
            }
            let list = self.list(")");
            return Expr::new(Kind::In { subject: left, list, negated }, self.since(start));
        }
        let regex = self.is_word("rlike");
        if regex || self.is_word("like") {
            self.advance();
            let patterns = if self.eat("(") { self.list(")") } else { vec![self.primary()] };
            return Expr::new(Kind::Like { subject: left, patterns, regex, negated }, self.since(start));
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
            left = Expr::new(Kind::Call { name: Rc::from(*sign), arguments }, self.since(start));
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
        let operand = self.deeper(Self::signed);
        match operand.constant() {
            Some(Constant::Number(number)) if minus => {
                let number = Constant::Number(Rc::from(format!("-{number}")));
                Expr::new(Kind::Constant(number), self.since(start))
            }
            Some(_) => operand,
            None if minus => Expr::new(Kind::Call { name: Rc::from("-"), arguments: vec![operand] }, self.since(start)),
            None => operand,
        }
    }

    fn cast(&mut self) -> Link {
        let start = self.here();
        let mut operand = self.primary();
        while self.eat("::") {
            self.advance();
            if operand.constant().is_none() {
                operand = Expr::new(Kind::Call { name: Rc::from("::"), arguments: vec![operand] }, self.since(start));
            }
        }
        operand
    }

    pub fn primary(&mut self) -> Link {
        let Some(lexeme) = self.peek() else { return self.broken("an expression is missing") };
        let (start, text) = (self.here(), self.peek_text());
        match lexeme.kind {
            Lex::Text { closed } => {
                self.advance();
                if !closed {
                    self.error("unclosed quote", "The text has no closing quote.", lexeme.span());
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
                    return self.constant(Constant::Duration, start);
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
                let (span, reason) = (self.since(rest), "a connective is missing");
                self.error(reason, "The rest of the parenthesis cannot be read.", span);
                Expr::new(Kind::All(vec![inner, Expr::new(Kind::Broken(reason), span)]), self.since(start))
            }
            _ if self.eat("[") => {
                let list = self.list("]");
                Expr::new(Kind::List(list), self.since(start))
            }
            Lex::Sign if text == "*" => {
                self.advance();
                Expr::new(Kind::Name(Rc::from("*")), self.since(start))
            }
            _ => self.broken("an expression is missing"),
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
            "and" | "or" | "by" | "in" | "like" | "rlike" | "is" => return self.broken("an expression is missing"),
            _ => {}
        }
        self.advance();
        if !self.eat("(") {
            return Expr::new(Kind::Name(Rc::from(unquote_name(text))), self.since(start));
        }
        let arguments = self.list(")");
        Expr::new(Kind::Call { name: Rc::from(word), arguments }, self.since(start))
    }

    /// Expressions up to the closing bracket, options in braces left out.
    fn list(&mut self, close: &str) -> Vec<Link> {
        let mut items = Vec::new();
        while self.peek().is_some() && self.peek_text() != close && self.peek_text() != "|" {
            let before = self.here();
            if self.peek_text() == "{" {
                items.push(self.options());
            } else {
                items.push(self.expression());
                // `first(x by y)`.
                if self.eat_word("by") {
                    self.expression();
                }
            }
            if !self.eat(",") && self.peek_text() != close && self.peek_text() != "|" && self.peek().is_some() {
                items.push(self.broken("a comma is missing"));
                if self.here() == before {
                    self.advance();
                }
            }
        }
        self.close(close);
        items
    }

    /// `{ "name": value, … }`, as a call named `{}` of the names.
    fn options(&mut self) -> Link {
        let start = self.here();
        let mut names = Vec::new();
        let mut depth = 0_u32;
        while let Some(lexeme) = self.peek() {
            match self.peek_text() {
                "{" => depth += 1,
                "}" => depth = depth.saturating_sub(1),
                text if depth == 1 && matches!(lexeme.kind, Lex::Text { .. }) && self.peek_second() == ":" => {
                    let name = Constant::Text(Rc::from(unquote_text(text).0));
                    names.push(Expr::new(Kind::Constant(name), lexeme.span()));
                }
                _ => {}
            }
            self.advance();
            if depth == 0 {
                break;
            }
        }
        Expr::new(Kind::Call { name: Rc::from("{}"), arguments: names }, self.since(start))
    }

    fn constant(&self, constant: Constant, start: usize) -> Link {
        Expr::new(Kind::Constant(constant), self.since(start))
    }

    /// Steps over what cannot be read, up to a place where an operand may end.
    fn broken(&mut self, reason: &'static str) -> Link {
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
        self.error(reason, format!("The expression cannot be read here: {reason}."), span);
        Expr::new(Kind::Broken(reason), span)
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
        self.error("nested too deeply", "The query is nested too deeply to be read.", span);
        Expr::new(Kind::Broken("nested too deeply"), span)
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
