//! Text to tree, after the grammar of Falco's filters. A part that does not follow it is [`Expr::Broken`], and reading goes
//! on at the next `and`, `or` or closing parenthesis.

use ruleatlas_syntax::{ErrorKind as _, Span, TokenKind};

use crate::{
    ast::{Check, Expr, Literal, Operand, Operator, Right, Transformer},
    error::ErrorKind,
    lexer::{Lexer, MAX_ERRORS, starts_keyword},
};

/// Nesting beyond this is not read.
const MAX_DEPTH: u32 = 100;
/// Transformers around each other that are read.
const MAX_TRANSFORMERS: usize = 16;

/// The tree of a condition, and the lexer with its tokens and errors.
pub(crate) fn parse(text: &str) -> (Expr, Lexer<'_>) {
    let mut parser = Parser { lexer: Lexer::new(text), depth: 0 };
    let mut parts = Vec::new();
    parser.lexer.skip_blanks();
    while !parser.lexer.is_at_end() {
        parts.push(parser.or());
        parser.lexer.skip_blanks();
        let start = parser.lexer.at;
        if parser.lexer.eat(")") {
            parts.push(parser.broken(ErrorKind::UnexpectedParenthesis, start));
            parser.lexer.skip_blanks();
            let _ = parser.lexer.keyword("and") || parser.lexer.keyword("or");
        }
        // A text of faults is no condition, and need not be read to its end.
        if parser.lexer.errors.len() >= MAX_ERRORS && !parser.lexer.is_at_end() {
            let start = parser.lexer.at;
            parser.lexer.at = text.len();
            parts.push(parser.broken(ErrorKind::TooManyErrors, start));
        }
    }
    if parts.is_empty() {
        parts.push(parser.broken(ErrorKind::EmptyCondition, 0));
    }
    (joined(parts, Expr::And), parser.lexer)
}

fn joined(mut parts: Vec<Expr>, join: fn(Vec<Expr>) -> Expr) -> Expr {
    match (parts.pop(), parts.is_empty()) {
        (Some(only), true) => only,
        (last, _) => {
            parts.extend(last);
            join(parts)
        }
    }
}

struct Parser<'t> {
    lexer: Lexer<'t>,
    depth: u32,
}

impl Parser<'_> {
    fn or(&mut self) -> Expr {
        let mut operands = vec![self.and()];
        while self.lexer.keyword("or") {
            operands.push(self.and());
        }
        joined(operands, Expr::Or)
    }

    fn and(&mut self) -> Expr {
        let mut operands = vec![self.not()];
        loop {
            if self.lexer.keyword("and") {
                operands.push(self.not());
                continue;
            }
            self.lexer.skip_blanks();
            let rest = self.lexer.rest();
            if rest.is_empty() || rest.starts_with(')') || starts_keyword(rest, "or") {
                return joined(operands, Expr::And);
            }
            operands.push(self.skip(ErrorKind::MissingConnective, self.lexer.at));
        }
    }

    fn not(&mut self) -> Expr {
        let mut is_negated = false;
        while self.lexer.keyword("not") {
            is_negated = !is_negated;
        }
        let operand = self.operand();
        if is_negated { Expr::Not(Box::new(operand)) } else { operand }
    }

    fn operand(&mut self) -> Expr {
        self.lexer.skip_blanks();
        let start = self.lexer.at;
        if self.lexer.eat("(") {
            if self.depth >= MAX_DEPTH {
                self.lexer.at = self.lexer.text.len();
                return self.broken(ErrorKind::TooDeep, start);
            }
            self.depth += 1;
            let inner = self.or();
            self.depth -= 1;
            self.lexer.skip_blanks();
            if !self.lexer.eat(")") {
                let span = Span::new(start, self.lexer.at);
                self.lexer.error(ErrorKind::UnclosedParenthesis, "a closing parenthesis is missing", span);
            }
            return inner;
        }
        if let Some(left) = self.field_or_transformer() {
            return match left {
                Ok(left) => self.check(left, start),
                Err(kind) => self.skip(kind, start),
            };
        }
        if is_connective(self.lexer.rest()) {
            return self.broken(ErrorKind::MissingComparison, start);
        }
        let name = self.lexer.word();
        if name.is_empty() {
            return self.skip(ErrorKind::MissingOperand, start);
        }
        self.lexer.take(name.len(), TokenKind::Macro);
        Expr::Macro { name: name.to_owned(), span: Span::new(start, self.lexer.at) }
    }

    /// A field, or transformers around one; `None` where neither comes next.
    fn field_or_transformer(&mut self) -> Option<Result<Operand, ErrorKind>> {
        let start = self.lexer.at;
        let mut transformers = Vec::new();
        while let Some(transformer) = self.transformer() {
            if transformers.len() >= MAX_TRANSFORMERS {
                return Some(Err(ErrorKind::TooDeep));
            }
            transformers.push(transformer);
            self.lexer.skip_blanks();
        }
        let Some(name) = self.lexer.field_name() else {
            return (!transformers.is_empty()).then_some(Err(ErrorKind::MissingField));
        };
        let mut field = name.to_owned();
        let field_start = self.lexer.at;
        self.lexer.at += name.len();
        if self.lexer.rest().starts_with('[') {
            self.lexer.at += 1;
            let argument = match self.lexer.rest().starts_with(['"', '\'']) {
                true => {
                    let tokens = self.lexer.tokens.len();
                    let argument = self.lexer.quoted().unwrap_or_default();
                    self.lexer.tokens.truncate(tokens);
                    argument
                }
                false => {
                    let rest = self.lexer.rest();
                    let is_end = |c: char| matches!(c, '[' | ']' | '"' | '\'') || c.is_whitespace();
                    let argument = rest.get(..rest.find(is_end).unwrap_or(rest.len())).unwrap_or_default();
                    self.lexer.at += argument.len();
                    argument.to_owned()
                }
            };
            if argument.is_empty() || !self.lexer.rest().starts_with(']') {
                self.lexer.token(field_start, TokenKind::Field);
                return Some(Err(ErrorKind::UnclosedArgument));
            }
            self.lexer.at += 1;
            field = format!("{name}[{argument}]");
        }
        self.lexer.token(field_start, TokenKind::Field);
        for _ in &transformers {
            self.lexer.skip_blanks();
            if !self.lexer.eat(")") {
                return Some(Err(ErrorKind::UnclosedTransformer));
            }
        }
        Some(Ok(Operand { transformers, field, span: Span::new(start, self.lexer.at) }))
    }

    /// The name of a transformer with its opening parenthesis, stepped over.
    fn transformer(&mut self) -> Option<Transformer> {
        let word = self.lexer.word();
        let found = Transformer::of(word)?;
        if !self.lexer.rest().get(word.len()..)?.starts_with('(') {
            return None;
        }
        self.lexer.take(word.len(), TokenKind::Function);
        self.lexer.eat("(");
        Some(found)
    }

    fn check(&mut self, left: Operand, start: usize) -> Expr {
        self.lexer.skip_blanks();
        let Some(operator) = self.operator() else { return self.skip(ErrorKind::MissingOperator, start) };
        self.lexer.skip_blanks();
        let right = match operator {
            Operator::Exists => Some(Right::Nothing),
            _ => self.right(operator),
        };
        let Some(right) = right else { return self.skip(ErrorKind::MissingValue, start) };
        let span = Span::new(start, self.lexer.at);
        Expr::Check(Box::new(Check { left, operator, right, span }))
    }

    fn operator(&mut self) -> Option<Operator> {
        let signs = ["==", "!=", "<=", ">=", "=", "<", ">"];
        if let Some(sign) = signs.into_iter().find(|sign| self.lexer.eat(sign)) {
            return Operator::of(if sign == "==" { "=" } else { sign });
        }
        let word = self.lexer.word();
        let found = Operator::of(word)?;
        self.lexer.take(word.len(), TokenKind::Operator);
        Some(found)
    }

    fn right(&mut self, operator: Operator) -> Option<Right> {
        if operator.takes_list() && self.lexer.rest().starts_with('(') {
            return self.list();
        }
        let start = self.lexer.at;
        let tokens = self.lexer.tokens.len();
        if self.transformer().is_some() {
            self.lexer.at = start;
            self.lexer.tokens.truncate(tokens);
            return self.field_or_transformer()?.ok().map(Right::Field);
        }
        self.literal().map(Right::Value)
    }

    fn list(&mut self) -> Option<Right> {
        self.lexer.eat("(");
        let mut items = Vec::new();
        loop {
            self.lexer.skip_blanks();
            if self.lexer.eat(")") {
                return Some(Right::List(items));
            }
            items.push(self.literal()?);
            self.lexer.skip_blanks();
            if !self.lexer.eat(",") && !self.lexer.rest().starts_with(')') {
                return None;
            }
        }
    }

    fn literal(&mut self) -> Option<Literal> {
        let start = self.lexer.at;
        let (text, quoted) = match self.lexer.quoted() {
            Some(text) => (text, true),
            None => (self.lexer.bare()?.to_owned(), false),
        };
        Some(Literal { text, quoted, span: Span::new(start, self.lexer.at) })
    }

    /// The part from `start` to where reading can go on, broken.
    fn skip(&mut self, kind: ErrorKind, start: usize) -> Expr {
        let mut depth = 0_usize;
        loop {
            let before = self.lexer.at;
            self.lexer.skip_blanks();
            let rest = self.lexer.rest();
            let Some(next) = rest.chars().next() else { break };
            let is_word =
                before < self.lexer.at || self.lexer.text.get(..before).is_none_or(|text| text.ends_with(')'));
            match next {
                ')' if depth == 0 => break,
                ')' => depth -= 1,
                '(' => depth += 1,
                _ if depth == 0 && is_word && is_connective(rest) => break,
                _ => {}
            }
            if self.lexer.quoted().is_none() {
                let word = self.lexer.word().len();
                self.lexer.at += word.max(next.len_utf8());
            }
        }
        // What is broken has no colours.
        let kept = self.lexer.tokens.iter().rposition(|token| (token.span.end as usize) <= start);
        self.lexer.tokens.truncate(kept.map_or(0, |last| last + 1));
        self.broken(kind, start)
    }

    fn broken(&mut self, kind: ErrorKind, start: usize) -> Expr {
        let text = self.lexer.text.get(start..self.lexer.at).unwrap_or_default();
        let span = Span::new(start, start + text.trim_end().len());
        self.lexer.error(kind, format!("the condition cannot be read here: {}", kind.title()), span);
        Expr::Broken { text: text.trim_end().to_owned(), kind, span }
    }
}

/// Whether `and` or `or` comes next.
fn is_connective(text: &str) -> bool {
    starts_keyword(text, "and") || starts_keyword(text, "or")
}
