//! Tokens to a tree. From loose to tight: `or`, `and`, `not`, comparisons with `in` and `is null`, `+ -`, `* / %`, a
//! sign, parts of a value.

use ruleatlas_syntax::{ErrorKind as _, Parsed, Span, SyntaxError};

use crate::{
    ast::{ArithmeticOp, CompareOp, Count, Expr, ExprKind, PathStep},
    error::ErrorKind,
    lexer::{Kind, Token, tokenize, unquote},
};

/// Expressions nested deeper than this are not read.
const MAX_DEPTH: u32 = 100;
/// More errors than these are no help to a reader.
const MAX_ERRORS: usize = 100;

/// The tree of a source, and what is wrong with its text.
///
/// What cannot be read is [`ExprKind::Broken`] at its place; the rest is read all the same.
///
/// ```
/// use ruleatlas_mql::{ast::ExprKind, parse};
///
/// let parsed = parse("type.inbound and length(attachments) > 2");
/// assert!(matches!(&parsed.tree.kind, ExprKind::And(parts) if parts.len() == 2));
/// assert!(parsed.errors.is_empty());
/// ```
#[must_use]
pub fn parse(text: &str) -> Parsed<Expr, ErrorKind> {
    let tokens = tokenize(text).into_iter().filter(|token| token.kind != Kind::Comment).collect();
    let mut parser = Parser { text, tokens, at: 0, depth: 0, errors: Vec::new() };
    if parser.peek().is_none() {
        let span = Span::new(0, text.len());
        parser.error(ErrorKind::EmptyQuery, "There is no expression.", span);
        return Parsed { tree: parser.broken_at(span), errors: parser.errors };
    }
    let mut expression = parser.expression();
    if parser.peek().is_some() {
        // The rest stands beside what was read: it may be another demand.
        let start = parser.here();
        parser.at = parser.tokens.len();
        let span = parser.since(start);
        parser.error(ErrorKind::MissingConnective, "What stands from here on cannot be read.", span);
        let whole = Span::new(expression.span.start as usize, span.end as usize);
        expression = Expr::new(ExprKind::And(vec![expression, parser.broken_at(span)]), whole);
    }
    Parsed { tree: expression, errors: parser.errors }
}

struct Parser<'a> {
    text: &'a str,
    /// The tokens but for comments.
    tokens: Vec<Token>,
    at: usize,
    depth: u32,
    errors: Vec<SyntaxError<ErrorKind>>,
}

impl Parser<'_> {
    fn peek(&self) -> Option<Token> {
        self.tokens.get(self.at).copied()
    }

    fn text_at(&self, offset: usize) -> &str {
        self.tokens.get(self.at + offset).map_or("", |token| token.text(self.text))
    }

    fn is(&self, sign: &str) -> bool {
        self.peek().is_some_and(|token| token.kind == Kind::Sign && token.text(self.text) == sign)
    }

    fn is_word(&self, word: &str) -> bool {
        self.is_word_at(0, word)
    }

    fn is_word_at(&self, offset: usize, word: &str) -> bool {
        let token = self.tokens.get(self.at + offset);
        token.is_some_and(|token| token.kind == Kind::Word && token.text(self.text).eq_ignore_ascii_case(word))
    }

    fn eat(&mut self, sign: &str) -> bool {
        let found = self.is(sign);
        self.at += usize::from(found);
        found
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    /// Where the next token begins.
    fn here(&self) -> usize {
        self.peek().map_or(self.text.len(), |token| token.start)
    }

    /// From a place to the end of the last token that was read.
    fn since(&self, start: usize) -> Span {
        let end = self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).map_or(start, |token| token.end);
        Span::new(start, end.max(start))
    }

    fn error(&mut self, kind: ErrorKind, message: impl Into<String>, span: Span) {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(SyntaxError::new(kind, span, message));
        }
    }

    /// What could not be read.
    fn broken_at(&self, span: Span) -> Expr {
        Expr::new(ExprKind::Broken(span.of(self.text).unwrap_or_default().to_owned()), span)
    }

    fn expression(&mut self) -> Expr {
        self.deeper(Self::or)
    }

    fn deeper(&mut self, read: fn(&mut Self) -> Expr) -> Expr {
        if self.depth >= MAX_DEPTH {
            return self.broken(ErrorKind::TooDeep);
        }
        self.depth += 1;
        let expression = read(self);
        self.depth -= 1;
        expression
    }

    fn or(&mut self) -> Expr {
        self.chain("or", Self::and, ExprKind::Or)
    }

    fn and(&mut self) -> Expr {
        self.chain("and", Self::not, ExprKind::And)
    }

    fn chain(&mut self, word: &str, operand: fn(&mut Self) -> Expr, kind: fn(Vec<Expr>) -> ExprKind) -> Expr {
        let start = self.here();
        let mut parts = vec![operand(self)];
        while self.eat_word(word) {
            parts.push(operand(self));
        }
        match parts.len() {
            1 => parts.remove(0),
            _ => Expr::new(kind(parts), self.since(start)),
        }
    }

    fn not(&mut self) -> Expr {
        let start = self.here();
        if self.eat_word("not") {
            let inner = self.deeper(Self::not);
            return Expr::new(ExprKind::Not(Box::new(inner)), self.since(start));
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Expr {
        let start = self.here();
        let first = self.sum();
        let mut rest = Vec::new();
        while let Some(op) = self.compare_op() {
            rest.push((op, self.sum()));
        }
        let subject = match rest.is_empty() {
            true => first,
            false => Expr::new(ExprKind::Compare(Box::new(first), rest), self.since(start)),
        };
        let is_not_in = self.is_word("not") && self.is_word_at(1, "in");
        if is_not_in || self.is_word("in") {
            self.at += 1 + usize::from(is_not_in);
            let any_case = self.eat("~");
            let list = self.list_operand();
            let (subject, list) = (Box::new(subject), Box::new(list));
            return Expr::new(ExprKind::In { subject, list, negated: is_not_in, any_case }, self.since(start));
        }
        if self.eat_word("is") {
            let negated = self.eat_word("not");
            if !self.eat_word("null") {
                return self.broken(ErrorKind::MissingNull);
            }
            return Expr::new(ExprKind::IsNull { subject: Box::new(subject), negated }, self.since(start));
        }
        subject
    }

    fn compare_op(&mut self) -> Option<CompareOp> {
        let token = self.peek().filter(|token| token.kind == Kind::Sign)?;
        let op = match token.text(self.text) {
            "==" => CompareOp::Equal,
            "=" => {
                self.error(
                    ErrorKind::AssignmentSign,
                    "The language compares with `==`; `=` is read as that.",
                    token.span(),
                );
                CompareOp::Equal
            }
            "!=" => CompareOp::NotEqual,
            "=~" => CompareOp::EqualAnyCase,
            "!~" => CompareOp::NotEqualAnyCase,
            "<" => CompareOp::Less,
            "<=" => CompareOp::LessEqual,
            ">" => CompareOp::Greater,
            ">=" => CompareOp::GreaterEqual,
            _ => return None,
        };
        self.at += 1;
        Some(op)
    }

    /// What stands behind `in`: values in parentheses, a list, or an array.
    fn list_operand(&mut self) -> Expr {
        let start = self.here();
        if self.eat("(") {
            let items = self.items(")");
            return Expr::new(ExprKind::Array(items), self.since(start));
        }
        self.sum()
    }

    fn sum(&mut self) -> Expr {
        const OPS: &[(&str, ArithmeticOp)] = &[("+", ArithmeticOp::Add), ("-", ArithmeticOp::Subtract)];
        self.arithmetic(OPS, Self::product)
    }

    fn product(&mut self) -> Expr {
        const OPS: &[(&str, ArithmeticOp)] =
            &[("*", ArithmeticOp::Multiply), ("/", ArithmeticOp::Divide), ("%", ArithmeticOp::Remainder)];
        self.arithmetic(OPS, Self::signed)
    }

    fn arithmetic(&mut self, ops: &[(&str, ArithmeticOp)], operand: fn(&mut Self) -> Expr) -> Expr {
        let start = self.here();
        let first = operand(self);
        let mut rest = Vec::new();
        while let Some((_, op)) = ops.iter().find(|(sign, _)| self.is(sign)) {
            self.at += 1;
            rest.push((*op, operand(self)));
        }
        match rest.is_empty() {
            true => first,
            false => Expr::new(ExprKind::Arithmetic(Box::new(first), rest), self.since(start)),
        }
    }

    fn signed(&mut self) -> Expr {
        let start = self.here();
        if !self.eat("-") {
            return self.path();
        }
        let inner = self.deeper(Self::signed);
        let kind = match inner.kind {
            ExprKind::Number(number) => ExprKind::Number(match number.strip_prefix('-') {
                Some(positive) => positive.to_owned(),
                None => format!("-{number}"),
            }),
            _ => ExprKind::Negative(Box::new(inner)),
        };
        Expr::new(kind, self.since(start))
    }

    /// A value and the way to one of its parts; a name with a parenthesis behind it is a call, whose result may have
    /// parts as well.
    fn path(&mut self) -> Expr {
        let start = self.here();
        let mut base = self.primary();
        let mut steps: Vec<PathStep> = Vec::new();
        // An element and its first part are read as one; a path in parentheses stays one of its own.
        let is_element =
            matches!(&base.kind, ExprKind::Path(element, _) if matches!(element.kind, ExprKind::Element(_)));
        if is_element
            && base.span.start == Span::new(start, start).start
            && let ExprKind::Path(element, first) = base.kind
        {
            (base, steps) = (*element, first);
        }
        loop {
            if self.is("[") {
                self.at += 1;
                let index = self.expression();
                self.close("]");
                steps.push(PathStep::Index(index));
                continue;
            }
            let is_dot = self.peek().is_some_and(|token| token.kind == Kind::Dots && token.end - token.start == 1);
            let next = self.tokens.get(self.at + 1).copied().filter(|next| is_dot && next.kind == Kind::Word);
            if let Some(next) = next {
                self.at += 2;
                steps.push(PathStep::Member(next.text(self.text).to_owned()));
                continue;
            }
            if self.is("(") && is_name(&base, &steps) {
                self.at += 1;
                let arguments = self.items(")");
                let name = dotted(&base, &steps);
                base = Expr::new(ExprKind::Call { name, arguments }, self.since(start));
                steps.clear();
                continue;
            }
            break;
        }
        match steps.is_empty() {
            true => base,
            false => Expr::new(ExprKind::Path(Box::new(base), steps), self.since(start)),
        }
    }

    fn primary(&mut self) -> Expr {
        let Some(token) = self.peek() else { return self.broken(ErrorKind::MissingExpression) };
        let (start, text) = (token.start, token.text(self.text).to_owned());
        let kind = match token.kind {
            Kind::Text { closed } => {
                self.at += 1;
                if !closed {
                    self.error(ErrorKind::UnclosedQuote, "The text has no closing quote.", token.span());
                }
                let (content, is_odd) = unquote(&text);
                if is_odd {
                    let message = "The text has an escape that the language does not know; it is kept as written.";
                    self.error(ErrorKind::UnknownEscape, message, token.span());
                }
                ExprKind::Text(content)
            }
            Kind::Number => {
                self.at += 1;
                if self.is_word("of") && self.text_at(1) == "(" {
                    let count = Count::AtLeast(text.parse().unwrap_or(u32::MAX));
                    return self.of(count, start);
                }
                ExprKind::Number(text)
            }
            Kind::List => {
                self.at += 1;
                ExprKind::List(text.trim_start_matches('$').to_owned())
            }
            Kind::Dots => {
                self.at += 1;
                let element = ExprKind::Element(u32::try_from(text.len()).unwrap_or(u32::MAX));
                let is_part = self.peek().is_some_and(|next| next.kind == Kind::Word && next.start == token.end);
                if is_part && let Some(name) = self.peek() {
                    self.at += 1;
                    let member = PathStep::Member(name.text(self.text).to_owned());
                    let element = Box::new(Expr::new(element, token.span()));
                    return Expr::new(ExprKind::Path(element, vec![member]), self.since(start));
                }
                element
            }
            Kind::Word => return self.word(&text, start),
            Kind::Sign if text == "(" => {
                self.at += 1;
                let inner = self.expression();
                self.close(")");
                return inner;
            }
            Kind::Sign if text == "[" => {
                self.at += 1;
                ExprKind::Array(self.items("]"))
            }
            _ => return self.broken(ErrorKind::MissingExpression),
        };
        Expr::new(kind, self.since(start))
    }

    fn word(&mut self, word: &str, start: usize) -> Expr {
        let is_of = self.is_word_at(1, "of") && self.text_at(2) == "(";
        let kind = match word {
            "any" | "all" if is_of => {
                self.at += 1;
                return self.of(if word == "any" { Count::Any } else { Count::All }, start);
            }
            "true" | "false" => ExprKind::Bool(word == "true"),
            "null" => ExprKind::Null,
            "and" | "or" | "in" | "is" | "of" => return self.broken(ErrorKind::MissingExpression),
            _ => ExprKind::Name(word.to_owned()),
        };
        self.at += 1;
        Expr::new(kind, self.since(start))
    }

    /// `of (…)`.
    fn of(&mut self, count: Count, start: usize) -> Expr {
        self.at += 2;
        let conditions = self.items(")");
        Expr::new(ExprKind::Of { count, conditions }, self.since(start))
    }

    /// Expressions up to the closing bracket; a comma may stand before it.
    fn items(&mut self, close: &str) -> Vec<Expr> {
        let mut items = Vec::new();
        while self.peek().is_some() && !self.is(close) {
            let before = self.at;
            items.push(self.expression());
            if !self.eat(",") && self.peek().is_some() && !self.is(close) {
                items.push(self.broken(ErrorKind::MissingComma));
                self.eat(",");
                if self.at == before {
                    self.at += 1;
                }
            }
        }
        self.close(close);
        items
    }

    /// The closing bracket; what stands before it is stepped over.
    fn close(&mut self, close: &str) {
        if self.peek().is_some() && !self.is(close) {
            self.broken(ErrorKind::MissingConnective);
        }
        if !self.eat(close) {
            let end = self.here();
            self.error(ErrorKind::UnclosedBracket, format!("`{close}` is missing."), Span::new(end, end));
        }
    }

    /// Steps over what cannot be read, up to where the expression around it goes on.
    fn broken(&mut self, kind: ErrorKind) -> Expr {
        let start = self.here();
        let mut depth = 0_usize;
        while let Some(token) = self.peek() {
            let text = token.text(self.text);
            if depth == 0 {
                let is_connective = token.kind == Kind::Word && matches!(text, "and" | "or");
                if is_connective || token.kind == Kind::Sign && matches!(text, ")" | "]" | "," | "}") {
                    break;
                }
            }
            match text {
                "(" | "[" | "{" if token.kind == Kind::Sign => depth += 1,
                ")" | "]" | "}" if token.kind == Kind::Sign => depth -= 1,
                _ => {}
            }
            self.at += 1;
        }
        // A brace closes nothing.
        if self.is("}") {
            self.at += 1;
        }
        let span = if self.here() > start { self.since(start) } else { Span::new(start, start) };
        self.error(kind, format!("The expression cannot be read here: {}.", kind.title()), span);
        self.broken_at(span)
    }
}

/// Whether an expression is a name, so that a parenthesis behind it calls a function.
fn is_name(base: &Expr, steps: &[PathStep]) -> bool {
    matches!(base.kind, ExprKind::Name(_)) && steps.iter().all(|step| matches!(step, PathStep::Member(_)))
}

/// The name of a function with its namespace.
fn dotted(base: &Expr, steps: &[PathStep]) -> String {
    let mut name = if let ExprKind::Name(name) = &base.kind { name.clone() } else { String::new() };
    for step in steps {
        if let PathStep::Member(member) = step {
            name.push('.');
            name.push_str(member);
        }
    }
    name
}
