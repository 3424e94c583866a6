//! Tokens to queries: steps, sequences and pipes. Expressions are in [`crate::expression`].

use std::borrow::Cow;

use ruleatlas_syntax::{Parsed, Span, SyntaxError};

use crate::{
    ast::{Event, Expr, ExprKind, Pipe, Query, Shape, Step},
    error::ErrorKind,
    lexer::{DIAGNOSTIC_LIMIT, Kind, Token, tokenize},
    literal::unquote,
};

/// How deep parentheses, calls and related events may nest.
const DEPTH_LIMIT: u32 = 128;

/// Reads a query. A part that is no EQL becomes a [`ExprKind::Broken`] expression and an error; there is no tree when not
/// even an event category is there.
#[must_use]
pub fn parse(text: &str) -> Parsed<Option<Query<'_>>, ErrorKind> {
    let mut errors = Vec::new();
    let tokens = tokenize(text, false, &mut errors);
    let mut parser = Parser { text, tokens, at: 0, depth: 0, arithmetic: 0, errors };
    let tree = parser.query();
    Parsed { tree, errors: parser.errors }
}

pub(crate) struct Parser<'a> {
    pub text: &'a str,
    tokens: Vec<Token>,
    at: usize,
    depth: u32,
    /// How many arithmetic operators were read.
    pub arithmetic: usize,
    errors: Vec<SyntaxError<ErrorKind>>,
}

impl<'a> Parser<'a> {
    pub fn peek(&self) -> Kind {
        self.token(0).kind
    }

    pub fn token(&self, ahead: usize) -> Token {
        let end = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
        self.tokens.get(self.at + ahead).copied().unwrap_or(Token { kind: Kind::End, start: end, end })
    }

    pub fn previous(&self) -> Token {
        self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).copied().unwrap_or_else(|| self.token(0))
    }

    pub fn text_of(&self, token: Token) -> &'a str {
        token.text(self.text)
    }

    /// The next token, which is left behind; at the end it stays.
    pub fn bump(&mut self) -> Token {
        let token = self.token(0);
        if token.kind != Kind::End {
            self.at += 1;
        }
        token
    }

    pub fn eat(&mut self, kind: Kind) -> bool {
        let found = self.peek() == kind;
        if found {
            self.bump();
        }
        found
    }

    /// Whether the token `ahead` is this keyword. Keywords are lower case; one in capitals is taken for what it was
    /// meant, and said in a warning, only by [`Parser::eat_word`].
    pub fn is_word(&self, ahead: usize, word: &str) -> bool {
        let token = self.token(ahead);
        token.kind == Kind::Word && self.text_of(token).eq_ignore_ascii_case(word)
    }

    pub fn eat_word(&mut self, word: &str) -> bool {
        if !self.is_word(0, word) {
            return false;
        }
        let token = self.bump();
        if self.text_of(token) != word {
            let message = format!("Keywords of EQL are lower case: write `{word}`.");
            self.say(SyntaxError::new(ErrorKind::UpperCaseKeyword, token.span(), message));
        }
        true
    }

    pub fn say(&mut self, error: SyntaxError<ErrorKind>) {
        if self.errors.len() < DIAGNOSTIC_LIMIT {
            self.errors.push(error);
        }
    }

    /// Says what was expected at the next token.
    pub fn expected(&mut self, what: &str) {
        let token = self.token(0);
        let message = match token.kind {
            Kind::End => format!("The query ends where {what} should stand."),
            _ => {
                let found: String = self.text_of(token).chars().take(40).collect();
                format!("`{found}` stands where {what} should.")
            }
        };
        self.say(SyntaxError::new(ErrorKind::UnexpectedText, token.span(), message));
    }

    /// Runs `parse` one level deeper; beyond the limit the nested part is skipped.
    pub fn deeper(&mut self, parse: impl FnOnce(&mut Self) -> Expr<'a>) -> Expr<'a> {
        if self.depth >= DEPTH_LIMIT {
            let span = self.token(0).span();
            let message = format!("More than {DEPTH_LIMIT} levels of nesting are not read.");
            self.say(SyntaxError::new(ErrorKind::TooDeep, span, message));
            return self.skip();
        }
        self.depth += 1;
        let expression = parse(self);
        self.depth -= 1;
        expression
    }

    /// A part that is no EQL.
    pub fn broken(&self, span: Span) -> Expr<'a> {
        Expr { kind: ExprKind::Broken(span.of(self.text).unwrap_or_default()), span }
    }

    /// Skips to where an expression can end, over balanced brackets.
    pub fn skip(&mut self) -> Expr<'a> {
        let start = self.token(0).start;
        let mut open = 0_usize;
        loop {
            match self.peek() {
                Kind::End => break,
                Kind::LeftParen | Kind::LeftBracket => open += 1,
                Kind::RightParen | Kind::RightBracket | Kind::Comma | Kind::Pipe if open == 0 => break,
                Kind::Word if open == 0 && (self.is_word(0, "and") || self.is_word(0, "or")) => break,
                Kind::RightParen | Kind::RightBracket => open -= 1,
                _ => {}
            }
            self.bump();
        }
        let end = self.previous().end.max(start);
        self.broken(Span { start, end })
    }

    fn query(&mut self) -> Option<Query<'a>> {
        let (shape, keys, maxspan) = self.shape();
        let mut steps = Vec::new();
        if shape == Shape::Event {
            let event = self.event()?;
            steps.push(Step::new(event));
        } else {
            self.steps(&mut steps);
        }
        let mut pipes = Vec::new();
        loop {
            match self.peek() {
                Kind::End => break,
                Kind::Pipe => {
                    self.bump();
                    pipes.extend(self.pipe());
                }
                _ => {
                    self.expected("the end of the query");
                    let rest = self.skip_to(&[Kind::Pipe]);
                    if let [step] = steps.as_mut_slice()
                        && shape == Shape::Event
                    {
                        append(&mut step.event.condition, rest);
                    }
                }
            }
        }
        (!steps.is_empty()).then_some(Query { shape, keys, maxspan, steps, pipes })
    }

    /// `sequence`, `sample` and `join` are words of the language only where steps follow.
    fn shape(&mut self) -> (Shape, Vec<Expr<'a>>, Option<&'a str>) {
        let shapes = [("sequence", Shape::Sequence), ("sample", Shape::Sample), ("join", Shape::Join)];
        for (word, shape) in shapes {
            let steps_follow = matches!(self.token(1).kind, Kind::LeftBracket | Kind::Bang)
                || self.is_word(1, "by")
                || self.is_word(1, "with");
            if self.is_word(0, word) && steps_follow {
                self.eat_word(word);
                let (keys, maxspan) = self.keys_and_span();
                return (shape, keys, maxspan);
            }
        }
        (Shape::Event, Vec::new(), None)
    }

    /// `by keys` and `with maxspan=…`, in either order.
    fn keys_and_span(&mut self) -> (Vec<Expr<'a>>, Option<&'a str>) {
        let (mut keys, mut maxspan) = (Vec::new(), None);
        loop {
            if self.by(&mut keys) {
                continue;
            }
            match self.with() {
                Some(("maxspan", value)) => maxspan = Some(value),
                Some(_) => {}
                None => return (keys, maxspan),
            }
        }
    }

    /// `by a, b`: what the steps share; no predicate.
    fn by(&mut self, keys: &mut Vec<Expr<'a>>) -> bool {
        let found = self.eat_word("by");
        if found {
            keys.push(self.operand());
            while self.eat(Kind::Comma) {
                keys.push(self.operand());
            }
        }
        found
    }

    /// `with name=value`: the name and the value with its unit.
    fn with(&mut self) -> Option<(&'a str, &'a str)> {
        if !self.eat_word("with") {
            return None;
        }
        let name = self.token(0);
        if name.kind != Kind::Word {
            self.expected("`maxspan` or `runs`");
            return Some(("", ""));
        }
        self.bump();
        if !self.eat(Kind::Assign) {
            self.eat(Kind::Eq);
        }
        let value = self.token(0);
        let is_value = value.kind == Kind::Number;
        let mut end = value.end;
        if is_value {
            self.bump();
            let unit = self.token(0);
            if unit.kind == Kind::Word && (unit.start == value.end || !self.continues_query()) {
                end = unit.end;
                self.bump();
            }
        } else {
            self.expected("a number");
        }
        let known = ["maxspan", "runs"].into_iter().find(|known| self.text_of(name).eq_ignore_ascii_case(known));
        if known.is_none() {
            let message = format!("`with {}` is not known.", self.text_of(name));
            self.say(SyntaxError::new(ErrorKind::UnexpectedText, name.span(), message));
        }
        Some((
            known.unwrap_or_default(),
            if is_value { self.text.get(value.start as usize..end as usize).unwrap_or_default() } else { "" },
        ))
    }

    fn continues_query(&self) -> bool {
        ["by", "with", "until", "as", "fork"].into_iter().any(|word| self.is_word(0, word))
    }

    fn steps(&mut self, steps: &mut Vec<Step<'a>>) {
        loop {
            let until = self.is_word(0, "until");
            if until {
                self.eat_word("until");
            }
            let missing = self.peek() == Kind::Bang && self.token(1).kind == Kind::LeftBracket;
            if missing {
                self.bump();
            }
            if self.peek() != Kind::LeftBracket {
                if until || steps.is_empty() {
                    self.expected("`[`");
                }
                if matches!(self.peek(), Kind::Pipe | Kind::End) {
                    return;
                }
                if !until && !steps.is_empty() {
                    self.expected("a step in `[…]`");
                }
                // What stands between two steps is said, and the step behind it is read.
                self.skip_to(&[Kind::Pipe, Kind::LeftBracket]);
                continue;
            }
            let event = self.bracketed_event();
            let mut step = Step { missing, until, ..Step::new(event) };
            loop {
                if self.by(&mut step.keys) {
                    continue;
                }
                if let Some((name, value)) = self.with() {
                    if name == "runs" {
                        step.runs = Some(value);
                    }
                    continue;
                }
                if self.is_word(0, "as") && self.token(1).kind == Kind::Word {
                    self.eat_word("as");
                    let name = self.bump();
                    step.name = Some(self.text_of(name));
                    continue;
                }
                // The older `[…] fork` and `[…] fork=true` say how a sequence branches, not what it looks for.
                if !self.eat_word("fork") {
                    break;
                }
                let mut value = "";
                if self.eat(Kind::Assign) || self.eat(Kind::Eq) {
                    let token = self.bump();
                    value = self.text_of(token);
                }
                step.fork = Some(value);
            }
            steps.push(step);
        }
    }

    /// `[category where condition]`; what is none has no category and a broken condition.
    pub fn bracketed_event(&mut self) -> Event<'a> {
        self.bump();
        let start = self.token(0).start;
        let event = self.event();
        let closed = self.peek() == Kind::RightBracket;
        if !closed && event.is_some() {
            self.expected("`]`");
        }
        let rest = self.skip_to(&[Kind::RightBracket]);
        self.eat(Kind::RightBracket);
        match event {
            Some(event) if closed => event,
            Some(mut event) => {
                append(&mut event.condition, rest);
                event
            }
            None => {
                let span = Span { start, end: rest.span.end.max(start) };
                Event { category: Cow::Borrowed(""), condition: self.broken(span) }
            }
        }
    }

    fn event(&mut self) -> Option<Event<'a>> {
        let category = match self.peek() {
            Kind::Word | Kind::Backticked if self.is_word(1, "where") => {
                let token = self.bump();
                Cow::Borrowed(self.text_of(token).trim_matches('`'))
            }
            Kind::String(quote) => {
                let token = self.bump();
                unquote(self.text_of(token), quote).0
            }
            _ => {
                self.expected("an event category and `where`");
                return None;
            }
        };
        if !self.eat_word("where") {
            self.expected("`where`");
        }
        let condition = self.expression();
        Some(Event { category, condition })
    }

    fn pipe(&mut self) -> Option<Pipe<'a>> {
        let name = self.token(0);
        if name.kind != Kind::Word {
            self.expected("a pipe's name");
            self.skip_to(&[Kind::Pipe]);
            return None;
        }
        self.bump();
        let mut arguments = Vec::new();
        if !matches!(self.peek(), Kind::Pipe | Kind::End) {
            arguments.push(self.expression());
            while self.eat(Kind::Comma) {
                arguments.push(self.expression());
            }
        }
        if !matches!(self.peek(), Kind::Pipe | Kind::End) {
            self.expected("the end of the pipe");
            arguments.push(self.skip_to(&[Kind::Pipe]));
        }
        let span = Span { start: name.start, end: self.previous().end };
        Some(Pipe { name: self.text_of(name), arguments, span })
    }

    /// Skips to one of `stops` outside brackets.
    fn skip_to(&mut self, stops: &[Kind]) -> Expr<'a> {
        let start = self.token(0).start;
        let mut open = 0_usize;
        loop {
            let kind = self.peek();
            if kind == Kind::End || (open == 0 && stops.contains(&kind)) {
                break;
            }
            match kind {
                Kind::LeftBracket => open += 1,
                Kind::RightBracket => open = open.saturating_sub(1),
                _ => {}
            }
            self.bump();
        }
        self.broken(Span { start, end: self.previous().end.max(start) })
    }
}

/// Keeps a part that was not understood beside what was.
fn append<'a>(condition: &mut Expr<'a>, rest: Expr<'a>) {
    let span = condition.span.to(rest.span);
    let understood = std::mem::replace(condition, Expr { kind: ExprKind::Broken(""), span });
    condition.kind = ExprKind::And(vec![understood, rest]);
}
