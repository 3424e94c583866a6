//! Tokens to tree. A part that does not follow the grammar is [`ExprKind::Broken`], and reading goes on behind it.

use ruleatlas_model::{Diagnostic, Span};

use crate::{
    ast::{CompareOp, Expr, ExprKind, Grouping, ListItems, Meta, Quantifier, Rule},
    lexer::{Kind, MAX_DIAGNOSTICS, Token, tokenize, unquoted},
};

/// Nesting beyond this is not read.
const MAX_DEPTH: u32 = 100;
/// The names of a rule's sections.
pub(crate) const SECTIONS: [&str; 6] = ["meta", "events", "match", "outcome", "condition", "options"];

/// The rules of a text, and what is wrong with it.
#[must_use]
pub fn parse(text: &str) -> (Vec<Rule>, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    let tokens = tokenize(text, false, &mut diagnostics);
    let mut parser = Parser { text, tokens, at: 0, depth: 0, diagnostics };
    let mut rules = Vec::new();
    while parser.kind() != Kind::End {
        if parser.is_word("rule") && parser.kind_at(1) == Kind::Word {
            rules.push(parser.rule());
        } else {
            parser.at += 1;
        }
    }
    (rules, parser.diagnostics)
}

struct Parser<'t> {
    text: &'t str,
    tokens: Vec<Token>,
    at: usize,
    depth: u32,
    diagnostics: Vec<Diagnostic>,
}

impl<'t> Parser<'t> {
    fn token(&self) -> Token {
        let end = self.text.len();
        self.tokens.get(self.at).copied().unwrap_or(Token { kind: Kind::End, start: end, end })
    }

    fn kind(&self) -> Kind {
        self.token().kind
    }

    fn kind_at(&self, ahead: usize) -> Kind {
        self.tokens.get(self.at + ahead).map_or(Kind::End, |token| token.kind)
    }

    fn word(&self) -> &'t str {
        if self.kind() == Kind::Word { self.token().text(self.text) } else { "" }
    }

    fn is_word(&self, word: &str) -> bool {
        self.word().eq_ignore_ascii_case(word)
    }

    fn eat(&mut self, kind: Kind) -> bool {
        let found = self.kind() == kind;
        self.at += usize::from(found);
        found
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    /// The place from `start` to the end of the last token.
    fn since(&self, start: usize) -> Span {
        let end = self.at.checked_sub(1).and_then(|last| self.tokens.get(last)).map_or(start, |token| token.end);
        Span::new(start, end.max(start))
    }

    fn error(&mut self, code: &'static str, message: impl Into<String>, span: Span) {
        if self.diagnostics.len() < MAX_DIAGNOSTICS {
            self.diagnostics.push(Diagnostic::error(code, message).at(span));
        }
    }

    /// Whether a section of a rule begins here.
    fn at_section(&self) -> bool {
        self.kind_at(1) == Kind::Colon && SECTIONS.iter().any(|section| self.is_word(section))
    }

    fn at_end_of_section(&self) -> bool {
        matches!(self.kind(), Kind::End | Kind::CloseBrace) || self.at_section()
    }

    fn rule(&mut self) -> Rule {
        let start = self.token().start;
        self.at += 1;
        let mut rule = Rule { name: self.word().to_owned(), ..Rule::default() };
        self.at += 1;
        if !self.eat(Kind::OpenBrace) {
            let span = self.since(start);
            self.error("rule without a body", "a brace is missing behind the rule's name", span);
            rule.span = span;
            return rule;
        }
        loop {
            match self.kind() {
                Kind::CloseBrace => {
                    self.at += 1;
                    break;
                }
                Kind::End => {
                    let span = self.since(start);
                    self.error("unclosed rule", "the rule's closing brace is missing", span);
                    break;
                }
                // A rule begins before this one is closed.
                Kind::Word
                    if self.is_word("rule") && self.kind_at(1) == Kind::Word && self.kind_at(2) == Kind::OpenBrace =>
                {
                    let span = self.since(start);
                    self.error("unclosed rule", "the rule's closing brace is missing", span);
                    break;
                }
                _ if self.at_section() => {
                    let section = self.word().to_ascii_lowercase();
                    self.at += 2;
                    self.section(&section, &mut rule);
                }
                _ => {
                    let place = self.token().span();
                    self.error("unexpected text", "a section such as `events:` begins here or the rule ends", place);
                    self.at += 1;
                    while !self.at_end_of_section() {
                        self.at += 1;
                    }
                }
            }
        }
        rule.span = self.since(start);
        rule
    }

    fn section(&mut self, section: &str, rule: &mut Rule) {
        match section {
            "meta" => self.meta(&mut rule.meta),
            "events" => {
                while !self.at_end_of_section() {
                    rule.events.push(self.statement());
                }
            }
            "match" => rule.grouping = self.grouping(),
            "outcome" => self.outcome(&mut rule.outcome),
            "condition" => {
                let mut parts = Vec::new();
                while !self.at_end_of_section() {
                    parts.push(self.statement());
                }
                rule.condition = joined(parts, ExprKind::And);
            }
            _ => {
                while !self.at_end_of_section() {
                    self.at += 1;
                }
            }
        }
    }

    fn meta(&mut self, pairs: &mut Vec<Meta>) {
        while !self.at_end_of_section() {
            let start = self.token().start;
            let key = self.word().to_owned();
            self.at += 1;
            if key.is_empty() || !self.eat(Kind::Eq) {
                let span = self.since(start);
                self.error("invalid pair", "a pair such as `author = \"…\"` is wanted", span);
                continue;
            }
            let token = self.token();
            let value = match token.kind {
                Kind::Quoted => unquoted(token.text(self.text)),
                Kind::Raw => raw(token.text(self.text)).to_owned(),
                Kind::Number | Kind::Word => token.text(self.text).to_owned(),
                _ => {
                    let span = self.since(start);
                    self.error("invalid pair", "the pair's text is missing", span);
                    continue;
                }
            };
            self.at += 1;
            pairs.push(Meta { key, value, span: self.since(start) });
        }
    }

    fn grouping(&mut self) -> Option<Grouping> {
        let start = self.token().start;
        let mut variables = Vec::new();
        let mut window = String::new();
        while !self.at_end_of_section() {
            let token = self.token();
            match token.kind {
                Kind::Variable if window.is_empty() => variables.push(name(token.text(self.text)).to_owned()),
                Kind::Word if self.is_word("over") => {
                    self.at += 1;
                    let next = self.token();
                    if matches!(next.kind, Kind::Number | Kind::Word) && !self.at_end_of_section() {
                        next.text(self.text).clone_into(&mut window);
                        self.at += 1;
                    }
                    continue;
                }
                _ => {}
            }
            self.at += 1;
        }
        let span = self.since(start);
        (!variables.is_empty() || !window.is_empty()).then_some(Grouping { variables, window, span })
    }

    fn outcome(&mut self, outcome: &mut Vec<(String, Expr)>) {
        while !self.at_end_of_section() {
            let token = self.token();
            if token.kind == Kind::Variable && self.kind_at(1) == Kind::Eq {
                self.at += 2;
                let value = self.or();
                outcome.push((name(token.text(self.text)).to_owned(), value));
            } else {
                let broken = self.skip("an outcome variable is missing", token.start);
                drop(broken);
            }
        }
    }

    /// A line of the events or the condition. What cannot be read ends where the next statement can begin.
    fn statement(&mut self) -> Expr {
        let before = self.at;
        let expr = self.or();
        if self.at == before {
            return self.skip("an expression is missing", self.token().start);
        }
        // A comma or semicolon between statements says nothing.
        if matches!(self.kind(), Kind::Comma | Kind::Unknown | Kind::CloseParen | Kind::CloseBracket) {
            let start = self.token().start;
            if self.kind() != Kind::Comma {
                return join(expr, self.skip("unexpected text", start));
            }
            self.at += 1;
        }
        expr
    }

    fn or(&mut self) -> Expr {
        let start = self.token().start;
        let mut operands = vec![self.and()];
        while self.eat_word("or") {
            operands.push(self.and());
        }
        self.joined(operands, ExprKind::Or, start)
    }

    fn and(&mut self) -> Expr {
        let start = self.token().start;
        let mut operands = vec![self.not()];
        while self.eat_word("and") {
            operands.push(self.not());
        }
        self.joined(operands, ExprKind::And, start)
    }

    fn joined(&self, mut operands: Vec<Expr>, join: fn(Vec<Expr>) -> ExprKind, start: usize) -> Expr {
        if operands.len() == 1
            && let Some(only) = operands.pop()
        {
            return only;
        }
        Expr { kind: join(operands), span: self.since(start) }
    }

    fn not(&mut self) -> Expr {
        let start = self.token().start;
        let mut is_negated = false;
        while self.eat_word("not") || self.eat(Kind::Bang) {
            is_negated = !is_negated;
        }
        let operand = self.comparison();
        if !is_negated {
            return operand;
        }
        Expr { kind: ExprKind::Not(Box::new(operand)), span: self.since(start) }
    }

    fn comparison(&mut self) -> Expr {
        let start = self.token().start;
        let left = self.calculation();
        let op = match self.kind() {
            Kind::Eq => CompareOp::Eq,
            Kind::Ne => CompareOp::Ne,
            Kind::Lt => CompareOp::Lt,
            Kind::Lte => CompareOp::Lte,
            Kind::Gt => CompareOp::Gt,
            Kind::Gte => CompareOp::Gte,
            _ => return self.membership(left, start),
        };
        self.at += 1;
        let right = self.calculation();
        let nocase = self.eat_word("nocase");
        let kind = ExprKind::Compare { op, left: Box::new(left), right: Box::new(right), nocase };
        Expr { kind, span: self.since(start) }
    }

    /// A value `in` a list, or a value by itself.
    fn membership(&mut self, value: Expr, start: usize) -> Expr {
        let is_not = self.is_word("not")
            && self
                .tokens
                .get(self.at + 1)
                .is_some_and(|next| next.kind == Kind::Word && next.text(self.text).eq_ignore_ascii_case("in"));
        if !is_not && !self.is_word("in") {
            // Behind a call, as behind a comparison.
            if self.is_word("nocase") {
                self.at += 1;
                return with_nocase(value, self.since(start));
            }
            return value;
        }
        self.at += 1 + usize::from(is_not);
        let items = match () {
            () if self.eat_word("regex") => ListItems::Regexes,
            () if self.eat_word("cidr") => ListItems::Networks,
            () => ListItems::Texts,
        };
        let token = self.token();
        if token.kind != Kind::List {
            return self.skip("a list is missing", start);
        }
        self.at += 1;
        let mut list = name(token.text(self.text)).to_owned();
        while self.kind() == Kind::Dot && self.kind_at(1) == Kind::Word {
            self.at += 1;
            list.push('.');
            list.push_str(self.word());
            self.at += 1;
        }
        let nocase = self.eat_word("nocase");
        let kind = ExprKind::In { value: Box::new(value), list, items, nocase };
        let expr = Expr { kind, span: self.since(start) };
        if is_not { Expr { span: expr.span, kind: ExprKind::Not(Box::new(expr)) } } else { expr }
    }

    fn calculation(&mut self) -> Expr {
        let start = self.token().start;
        let mut operands = Vec::new();
        // A sign before a number.
        if self.kind() == Kind::Arithmetic && self.kind_at(1) == Kind::Number {
            self.at += 2;
            let span = self.since(start);
            let text = span.of(self.text).unwrap_or_default().to_owned();
            operands.push(Expr { kind: ExprKind::Literal(text), span });
        } else {
            operands.push(self.primary());
        }
        while self.kind() == Kind::Arithmetic {
            self.at += 1;
            operands.push(self.primary());
        }
        self.joined(operands, ExprKind::Calculation, start)
    }

    fn primary(&mut self) -> Expr {
        let token = self.token();
        let text = token.text(self.text);
        let kind = match token.kind {
            Kind::OpenParen => return self.parenthesis(),
            Kind::Variable => return self.variable(None, token.start),
            Kind::Count => ExprKind::Count(name(text).to_owned()),
            Kind::Quoted => ExprKind::String(unquoted(text)),
            Kind::Raw => ExprKind::String(raw(text).to_owned()),
            Kind::Regex => ExprKind::Regex(slashed(text)),
            Kind::Number => ExprKind::Literal(text.to_owned()),
            Kind::Word => {
                let quantifier = match () {
                    () if self.is_word("any") => Some(Quantifier::Any),
                    () if self.is_word("all") => Some(Quantifier::All),
                    () => None,
                };
                if quantifier.is_some() && self.kind_at(1) == Kind::Variable {
                    self.at += 1;
                    return self.variable(quantifier, token.start);
                }
                return self.named();
            }
            _ => return self.missing("a value is missing"),
        };
        self.at += 1;
        Expr { kind, span: token.span() }
    }

    /// Something that is missing here; nothing is stepped over.
    fn missing(&mut self, reason: &'static str) -> Expr {
        let at = self.token().start;
        let span = Span::new(at, at);
        self.error(reason, format!("the rule cannot be read here: {reason}"), self.token().span());
        Expr { kind: ExprKind::Broken(reason), span }
    }

    fn parenthesis(&mut self) -> Expr {
        let start = self.token().start;
        if self.depth >= MAX_DEPTH {
            return self.skip("nested too deeply", start);
        }
        self.at += 1;
        self.depth += 1;
        let mut parts = Vec::new();
        while !matches!(self.kind(), Kind::CloseParen) && !self.at_end_of_section() {
            let before = self.at;
            parts.push(self.or());
            if self.at == before {
                let place = self.token().start;
                self.at += 1;
                let span = self.since(place);
                parts.push(Expr { kind: ExprKind::Broken("unexpected text"), span });
            }
        }
        self.depth -= 1;
        if !self.eat(Kind::CloseParen) {
            let span = self.since(start);
            self.error("unclosed parenthesis", "a closing parenthesis is missing", span);
        }
        match joined(parts, ExprKind::And) {
            Some(inner) => Expr { span: self.since(start), ..inner },
            None => Expr { kind: ExprKind::Broken("empty parentheses"), span: self.since(start) },
        }
    }

    /// `$e`, `$e.principal.ip`, `$e.additional.fields["key"]`.
    fn variable(&mut self, quantifier: Option<Quantifier>, start: usize) -> Expr {
        let variable = name(self.token().text(self.text)).to_owned();
        self.at += 1;
        let mut path = String::new();
        loop {
            match (self.kind(), self.kind_at(1)) {
                (Kind::Dot, Kind::Word | Kind::Number) => {
                    self.at += 1;
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(self.token().text(self.text));
                    self.at += 1;
                }
                (Kind::OpenBracket, Kind::Quoted | Kind::Raw) if !path.is_empty() => {
                    self.at += 1;
                    let key = self.token();
                    let key_text = key.text(self.text);
                    path.push('.');
                    path.push_str(&if key.kind == Kind::Raw { raw(key_text).to_owned() } else { unquoted(key_text) });
                    self.at += 1;
                    self.close_bracket(start);
                }
                (Kind::OpenBracket, Kind::Number) if !path.is_empty() => {
                    self.at += 1;
                    path.push('[');
                    path.push_str(self.token().text(self.text));
                    path.push(']');
                    self.at += 1;
                    self.close_bracket(start);
                }
                _ => break,
            }
        }
        let span = self.since(start);
        if path.is_empty() {
            return Expr { kind: ExprKind::Variable(variable), span };
        }
        Expr { kind: ExprKind::Field { variable, path, quantifier }, span }
    }

    fn close_bracket(&mut self, start: usize) {
        if !self.eat(Kind::CloseBracket) {
            let span = self.since(start);
            self.error("unclosed bracket", "a closing bracket is missing", span);
        }
    }

    /// A function, or a word such as `true`.
    fn named(&mut self) -> Expr {
        let start = self.token().start;
        if ["and", "or", "not", "in", "nocase"].iter().any(|word| self.is_word(word)) {
            return self.missing("a value is missing");
        }
        let mut called = self.word().to_owned();
        self.at += 1;
        while self.kind() == Kind::Dot && self.kind_at(1) == Kind::Word {
            self.at += 1;
            called.push('.');
            called.push_str(self.word());
            self.at += 1;
        }
        if self.kind() != Kind::OpenParen {
            return Expr { kind: ExprKind::Literal(called), span: self.since(start) };
        }
        if self.depth >= MAX_DEPTH {
            return self.skip("nested too deeply", start);
        }
        self.at += 1;
        self.depth += 1;
        let mut arguments = Vec::new();
        while self.kind() != Kind::CloseParen && !self.at_end_of_section() {
            let before = self.at;
            arguments.push(self.or());
            if !self.eat(Kind::Comma) && self.kind() != Kind::CloseParen {
                // What stands between two arguments without a comma.
                self.at += usize::from(self.at == before);
            }
        }
        self.depth -= 1;
        if !self.eat(Kind::CloseParen) {
            let span = self.since(start);
            self.error("unclosed parenthesis", "a closing parenthesis is missing", span);
        }
        let call = Expr { kind: ExprKind::Call { name: called, arguments, nocase: false }, span: self.since(start) };
        if self.eat_word("nocase") { with_nocase(call, self.since(start)) } else { call }
    }

    /// The part from `start` to where reading can go on, broken.
    fn skip(&mut self, reason: &'static str, start: usize) -> Expr {
        let mut depth = 0_usize;
        let mut is_first = self.token().start == start;
        while !self.at_end_of_section() {
            match self.kind() {
                Kind::OpenParen => depth += 1,
                Kind::CloseParen if depth == 0 && !is_first => break,
                Kind::CloseParen => depth = depth.saturating_sub(1),
                Kind::Variable if depth == 0 && !is_first => break,
                Kind::Word if depth == 0 && !is_first && (self.is_word("and") || self.is_word("or")) => break,
                _ => {}
            }
            is_first = false;
            self.at += 1;
        }
        let span = self.since(start);
        self.error(reason, format!("the rule cannot be read here: {reason}"), span);
        Expr { kind: ExprKind::Broken(reason), span }
    }
}

/// Several parts as one; `None` for none.
fn joined(mut parts: Vec<Expr>, join: fn(Vec<Expr>) -> ExprKind) -> Option<Expr> {
    if parts.len() < 2 {
        return parts.pop();
    }
    let span = parts.first()?.span.to(parts.last()?.span);
    Some(Expr { kind: join(parts), span })
}

fn join(first: Expr, second: Expr) -> Expr {
    let span = first.span.to(second.span);
    Expr { kind: ExprKind::And(vec![first, second]), span }
}

/// A call or comparison that `nocase` stands behind.
fn with_nocase(expr: Expr, span: Span) -> Expr {
    let kind = match expr.kind {
        ExprKind::Call { name, arguments, .. } => ExprKind::Call { name, arguments, nocase: true },
        ExprKind::Compare { op, left, right, .. } => ExprKind::Compare { op, left, right, nocase: true },
        other => other,
    };
    Expr { kind, span }
}

/// A name without the sign before it.
fn name(text: &str) -> &str {
    text.get(1..).unwrap_or_default()
}

/// What a text in backticks says.
fn raw(text: &str) -> &str {
    let inner = text.get(1..).unwrap_or_default();
    inner.strip_suffix('`').unwrap_or(inner)
}

/// What a regular expression between slashes says: an escaped slash is a slash.
fn slashed(text: &str) -> String {
    let inner = text.get(1..).unwrap_or_default();
    inner.strip_suffix('/').unwrap_or(inner).replace("\\/", "/")
}
