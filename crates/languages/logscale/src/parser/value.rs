//! Calls with their arguments, and computed values.

use super::Parser;
use crate::{
    ast::{Argument, Call, Expr, ExprKind, FilterKind, Op, PatternKind},
    error::ErrorKind,
};

impl Parser<'_> {
    /// The arguments of a function, whose name was read.
    pub(super) fn call(&mut self, name: String, start: usize) -> Call {
        self.scanner.eat("(");
        let is_computing = matches!(
            name.to_ascii_lowercase().as_str(),
            "test" | "if" | "eval" | "coalesce" | "text:contains" | "text:startswith" | "text:endswith"
        );
        let mut arguments = Vec::new();
        loop {
            self.scanner.space();
            if self.scanner.eat(",") {
                continue;
            }
            if self.scanner.peek().is_none_or(|next| matches!(next, ')' | '}' | ']' | ';')) {
                break;
            }
            let before = self.scanner.at;
            arguments.push(self.argument(is_computing));
            self.scanner.space();
            if self.scanner.at == before || self.scanner.peek() == Some('|') {
                let start = self.scanner.at;
                self.step_over();
                self.skip();
                let span = self.since(start);
                self.error(ErrorKind::MissingComma, "The argument cannot be read from here on.", span);
            }
        }
        self.close(")");
        Call { name, arguments, span: self.since(start) }
    }

    pub(super) fn argument(&mut self, is_computing: bool) -> Argument {
        let start = self.scanner;
        let name = self.scanner.name().to_owned();
        self.scanner.space();
        let is_named = !name.is_empty()
            && (self.scanner.rest().starts_with('=')
                && !self.scanner.rest().starts_with("==")
                && !self.scanner.rest().starts_with("=~")
                || self.scanner.rest().starts_with(':') && !self.scanner.rest().starts_with(":="));
        if is_named {
            self.step_over();
            self.scanner.space();
            let is_computing = is_computing || name == "condition";
            return Argument { name, value: if is_computing { self.value() } else { self.item() } };
        }
        self.scanner = start;
        Argument { name: String::new(), value: if is_computing { self.value() } else { self.item() } }
    }

    /// An argument that is no computed value: a word, a text, a list, a pipeline, a function.
    pub(super) fn item(&mut self) -> Expr {
        self.scanner.space();
        let start = self.scanner.at;
        if !self.enter() {
            let span = self.too_deep();
            return Expr { kind: ExprKind::Broken(self.text_of(span)), span };
        }
        let kind = self.item_kind(start);
        self.depth -= 1;
        Expr { kind, span: self.since(start) }
    }

    pub(super) fn item_kind(&mut self, start: usize) -> ExprKind {
        match self.scanner.peek() {
            Some('[') => {
                self.scanner.eat("[");
                ExprKind::List(self.list())
            }
            Some('{') => {
                self.scanner.eat("{");
                let inner = self.pipeline();
                self.close("}");
                ExprKind::Pipeline(inner)
            }
            Some('(') => {
                self.scanner.eat("(");
                let inner = self.item();
                self.close(")");
                inner.kind
            }
            Some('"' | '/' | '?') => match self.pattern().kind {
                PatternKind::Text(text) => ExprKind::Text(text),
                PatternKind::Regex(regex, flags) => ExprKind::Regex(regex, flags),
                PatternKind::Parameter(name) => ExprKind::Parameter(name),
            },
            _ => {
                let word = self.scanner.bare().to_owned();
                if word.is_empty() {
                    let broken = self.broken_filter(ErrorKind::MissingArgument);
                    return match broken.kind {
                        FilterKind::Broken(text) => ExprKind::Broken(text),
                        _ => ExprKind::List(Vec::new()),
                    };
                }
                if self.scanner.rest().starts_with('(') {
                    return ExprKind::Call(self.call(word, start));
                }
                ExprKind::Word(word)
            }
        }
    }

    /// Items up to the closing bracket.
    pub(super) fn list(&mut self) -> Vec<Expr> {
        let mut items = Vec::new();
        loop {
            self.scanner.space();
            if self.scanner.eat(",") {
                continue;
            }
            if self.scanner.peek().is_none_or(|next| matches!(next, ']' | ')' | '}' | ';' | '|')) {
                break;
            }
            let before = self.scanner.at;
            items.push(self.item());
            if self.scanner.at == before {
                self.step_over();
            }
        }
        self.close("]");
        items
    }

    /// A computed value.
    pub(super) fn value(&mut self) -> Expr {
        self.scanner.space();
        let start = self.scanner.at;
        if !self.enter() {
            let span = self.too_deep();
            return Expr { kind: ExprKind::Broken(self.text_of(span)), span };
        }
        let value = self.chain(0);
        self.depth -= 1;
        Expr { span: self.since(start), ..value }
    }

    /// Values with the operators of one precedence between them.
    pub(super) fn chain(&mut self, level: usize) -> Expr {
        const LEVELS: [&[(&str, Op)]; 5] = [
            &[("or", Op::Or), ("||", Op::Or)],
            &[("and", Op::And), ("&&", Op::And)],
            &[
                ("==", Op::Equal),
                ("!=", Op::NotEqual),
                ("<=", Op::LessEqual),
                (">=", Op::GreaterEqual),
                ("<", Op::Less),
                (">", Op::Greater),
                ("like", Op::Like),
            ],
            &[("+", Op::Add), ("-", Op::Subtract)],
            &[("*", Op::Multiply), ("/", Op::Divide), ("%", Op::Remainder)],
        ];
        let Some(ops) = LEVELS.get(level) else { return self.signed() };
        self.scanner.space();
        let start = self.scanner.at;
        let first = self.chain(level + 1);
        let mut rest = Vec::new();
        loop {
            let before = self.scanner;
            self.scanner.space();
            let found = ops.iter().find(|(sign, _)| match sign.starts_with(char::is_alphabetic) {
                true => self.scanner.eat_word(sign),
                false => self.scanner.eat(sign),
            });
            let Some((_, op)) = found else {
                self.scanner = before;
                break;
            };
            rest.push((*op, self.chain(level + 1)));
        }
        match rest.is_empty() {
            true => first,
            false => Expr { kind: ExprKind::Chain(Box::new(first), rest), span: self.since(start) },
        }
    }

    pub(super) fn signed(&mut self) -> Expr {
        self.scanner.space();
        let start = self.scanner.at;
        let is_negative = self.scanner.eat("-");
        if !is_negative && !self.scanner.eat("!") {
            return self.operand();
        }
        if !self.enter() {
            let span = self.too_deep();
            return Expr { kind: ExprKind::Broken(self.text_of(span)), span };
        }
        let inner = self.signed();
        self.depth -= 1;
        let kind = match (is_negative, inner.kind) {
            (true, ExprKind::Number(number)) => {
                ExprKind::Number(number.strip_prefix('-').map_or_else(|| format!("-{number}"), str::to_owned))
            }
            (true, kind) => ExprKind::Negative(Box::new(Expr { kind, span: inner.span })),
            (false, kind) => ExprKind::Not(Box::new(Expr { kind, span: inner.span })),
        };
        Expr { kind, span: self.since(start) }
    }

    pub(super) fn operand(&mut self) -> Expr {
        self.scanner.space();
        let start = self.scanner.at;
        let kind = match self.scanner.peek() {
            Some('(') => {
                self.scanner.eat("(");
                let inner = self.value();
                self.close(")");
                inner.kind
            }
            Some('"' | '/' | '?' | '[' | '{') => self.item_kind(start),
            Some(first) if first.is_ascii_digit() => {
                let rest = self.scanner.rest();
                let number = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
                self.scanner.at += rest.len() - number.len();
                let end = self.scanner.at;
                // A word that begins with a digit, such as a span of time.
                let tail = self.scanner.name().len();
                let word = self.scanner.text.get(start..end + tail).unwrap_or_default().to_owned();
                if tail == 0 { ExprKind::Number(word) } else { ExprKind::Word(word) }
            }
            _ => {
                let name = self.scanner.name().to_owned();
                if name.is_empty() {
                    let broken = self.broken_filter(ErrorKind::MissingValue);
                    ExprKind::Broken(self.text_of(broken.span))
                } else if self.scanner.rest().starts_with('(') {
                    ExprKind::Call(self.call(name, start))
                } else {
                    ExprKind::Word(name)
                }
            }
        };
        Expr { kind, span: self.since(start) }
    }
}
