//! Filters: what selects events, with its patterns.

use ruleatlas_syntax::{ErrorKind as _, Span};

use super::Parser;
use crate::{
    ast::{Call, CompareOp, Filter, FilterKind, Parameter, Pattern, PatternKind},
    error::ErrorKind,
};

impl Parser<'_> {
    /// Whether a filter ends here.
    pub(super) fn ends_filter(&self) -> bool {
        self.is_end() || matches!(self.scanner.peek(), Some('|' | ','))
    }

    pub(super) fn and(&mut self) -> Filter {
        let start = self.scanner.at;
        let mut parts = vec![self.or()];
        loop {
            self.scanner.space();
            let has_word = self.scanner.eat_word("and");
            self.scanner.space();
            if self.ends_filter() || self.scanner.rest().starts_with("=>") {
                if has_word {
                    parts.push(self.broken_filter(ErrorKind::MissingExpression));
                }
                break;
            }
            let before = self.scanner.at;
            parts.push(self.or());
            if self.scanner.at == before {
                break;
            }
        }
        match parts.len() {
            1 => parts.remove(0),
            _ => Filter { kind: FilterKind::And(parts), span: self.since(start) },
        }
    }

    pub(super) fn or(&mut self) -> Filter {
        let start = self.scanner.at;
        let mut parts = vec![self.unary()];
        loop {
            let before = self.scanner;
            self.scanner.space();
            if !self.scanner.eat_word("or") {
                self.scanner = before;
                break;
            }
            self.scanner.space();
            parts.push(self.unary());
        }
        match parts.len() {
            1 => parts.remove(0),
            _ => Filter { kind: FilterKind::Or(parts), span: self.since(start) },
        }
    }

    pub(super) fn unary(&mut self) -> Filter {
        let start = self.scanner.at;
        let mut is_negated = false;
        loop {
            self.scanner.space();
            if self.scanner.eat_word("not") || self.scanner.rest().starts_with('!') && self.scanner.eat("!") {
                is_negated = !is_negated;
            } else {
                break;
            }
        }
        let inner = self.primary();
        match is_negated {
            true => Filter { kind: FilterKind::Not(Box::new(inner)), span: self.since(start) },
            false => inner,
        }
    }

    pub(super) fn primary(&mut self) -> Filter {
        self.scanner.space();
        let start = self.scanner.at;
        if !self.enter() {
            let span = self.too_deep();
            return Filter { kind: FilterKind::Broken(self.text_of(span)), span };
        }
        let kind = self.primary_kind(start);
        self.depth -= 1;
        Filter { kind, span: self.since(start) }
    }

    pub(super) fn primary_kind(&mut self, start: usize) -> FilterKind {
        match self.scanner.peek() {
            Some('(') => {
                self.scanner.eat("(");
                let inner = self.and();
                self.scanner.space();
                if !self.scanner.rest().starts_with(')') {
                    let broken = self.broken_filter(ErrorKind::MissingConnective);
                    self.close(")");
                    return FilterKind::And(vec![inner, broken]);
                }
                self.close(")");
                inner.kind
            }
            Some('/') => FilterKind::Free(self.pattern()),
            Some('?') => FilterKind::Free(self.pattern()),
            Some('$') => {
                let name = self.scanner.bare().to_owned();
                if !self.scanner.rest().starts_with('(') {
                    let arguments = Vec::new();
                    return FilterKind::Saved(Call { name, arguments, span: self.since(start) });
                }
                FilterKind::Saved(self.call(name, start))
            }
            Some('"') => {
                let before = self.scanner;
                let (name, closed) = self.scanner.quoted();
                let end = self.scanner;
                self.scanner.space();
                if closed && let Some(kind) = self.comparison(name) {
                    return kind;
                }
                self.scanner = if closed { before } else { end };
                if closed {
                    return FilterKind::Free(self.pattern());
                }
                let span = self.since(before.at);
                self.error(ErrorKind::UnclosedQuote, "The text has no closing quote.", span);
                FilterKind::Broken(self.text_of(span))
            }
            _ => {
                let word = self.scanner.bare().to_owned();
                if word.is_empty() {
                    return self.broken_filter(ErrorKind::MissingExpression).kind;
                }
                if self.scanner.rest().starts_with('(') {
                    return FilterKind::Call(self.call(word, start));
                }
                let end = self.scanner;
                self.scanner.space();
                if let Some(kind) = self.comparison(word.clone()) {
                    return kind;
                }
                self.scanner = end;
                match word.to_ascii_lowercase().as_str() {
                    "true" => FilterKind::Bool(true),
                    "false" => FilterKind::Bool(false),
                    _ => {
                        let span = Span::new(start, end.at);
                        FilterKind::Free(Pattern { kind: PatternKind::Text(word), span })
                    }
                }
            }
        }
    }

    /// An operator and what stands behind it; `None` where there is none.
    pub(super) fn comparison(&mut self, field: String) -> Option<FilterKind> {
        let start = self.scanner.at;
        if self.scanner.eat("=~") {
            self.scanner.space();
            let start = self.scanner.at;
            let name = self.scanner.name().to_owned();
            if !self.scanner.rest().starts_with('(') {
                return Some(self.broken_filter(ErrorKind::MissingFunction).kind);
            }
            return Some(FilterKind::Apply(field, self.call(name, start)));
        }
        if self.scanner.eat("<=>") {
            self.scanner.space();
            let other = self.field().unwrap_or_default();
            return Some(FilterKind::Link(field, other));
        }
        // An arm of a match.
        if self.scanner.rest().starts_with("=>") {
            return None;
        }
        let ops = [
            ("==", CompareOp::Equal),
            ("=", CompareOp::Equal),
            ("!=", CompareOp::NotEqual),
            ("<>", CompareOp::NotEqual),
            ("<=", CompareOp::LessEqual),
            (">=", CompareOp::GreaterEqual),
            ("<", CompareOp::Less),
            (">", CompareOp::Greater),
        ];
        let found = ops.into_iter().find(|(sign, _)| self.scanner.eat(sign));
        let op = match found {
            Some((sign, op)) => {
                if sign == "==" {
                    let span = self.since(start);
                    self.error(ErrorKind::DoubledSign, "A filter compares with `=`; `==` is read as that.", span);
                }
                op
            }
            None if self.scanner.eat_word("like") => CompareOp::Like,
            None => return None,
        };
        self.scanner.space();
        if self.ends_filter() || self.scanner.peek() == Some('(') {
            return Some(self.broken_filter(ErrorKind::MissingValue).kind);
        }
        let value = self.pattern();
        Some(FilterKind::Compare { field, op, value })
    }

    /// A text, a regular expression or a parameter.
    pub(super) fn pattern(&mut self) -> Pattern {
        let start = self.scanner.at;
        let kind = match self.scanner.peek() {
            Some('"') => {
                let (text, closed) = self.scanner.quoted();
                if !closed {
                    let span = self.since(start);
                    self.error(ErrorKind::UnclosedQuote, "The text has no closing quote.", span);
                }
                PatternKind::Text(text)
            }
            Some('/') => {
                let (regex, flags, closed) = self.scanner.regex();
                if !closed {
                    let span = self.since(start);
                    self.error(ErrorKind::UnclosedRegex, "The expression has no closing slash.", span);
                }
                PatternKind::Regex(regex, flags)
            }
            Some('?') => PatternKind::Parameter(self.parameter()),
            _ => PatternKind::Text(self.scanner.bare().to_owned()),
        };
        Pattern { kind, span: self.since(start) }
    }

    /// `?name`, `?"name"` or `?{name=default}`.
    pub(super) fn parameter(&mut self) -> Parameter {
        self.scanner.eat("?");
        if self.scanner.peek() == Some('"') {
            return Parameter { name: self.scanner.quoted().0, default: None };
        }
        if !self.scanner.eat("{") {
            return Parameter { name: self.scanner.name().to_owned(), default: None };
        }
        self.scanner.space();
        let name = self.field().unwrap_or_default();
        self.scanner.space();
        let has_default = self.scanner.eat("=");
        self.scanner.space();
        let start = self.scanner.at;
        self.skip();
        let default = has_default.then(|| self.text_of(self.since(start)));
        self.close("}");
        Parameter { name, default }
    }

    pub(super) fn broken_filter(&mut self, kind: ErrorKind) -> Filter {
        let start = self.scanner.at;
        self.skip();
        let span = self.since(start);
        self.error(kind, format!("The filter cannot be read here: {}.", kind.title()), span);
        Filter { kind: FilterKind::Broken(self.text_of(span)), span }
    }
}
