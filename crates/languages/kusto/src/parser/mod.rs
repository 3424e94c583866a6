//! Tokens in, syntax tree out; by recursive descent, with recovery at pipes and statements.
//!
//! The parser never fails as a whole: a stage or statement it cannot read becomes [`Operator::Broken`] or
//! [`Statement::Broken`], and reading goes on behind it. How deep a tree can be is bounded.

mod expr;
mod graph;
mod recovery;
mod source;
mod stage;

use std::borrow::Cow;

use ruleatlas_syntax::Span;

use crate::ast::{
    Expr, ExprKind, Fault, Function, Let, LetValue, Operator, Parameter, Pipeline, Script, Stage, Statement,
    TEXT_BEFORE_PIPE,
};
use crate::lexer::{Kind, Symbol, Token, decode_string, lex};

/// What may be set behind an operator's name, besides hints (`kind=inner`).
pub(crate) const SETTINGS: &[&str] = &[
    "kind",
    "isfuzzy",
    "withsource",
    "with_source",
    "hint",
    "bagexpansion",
    "with_itemindex",
    "datascope",
    "flags",
    "with_match_id",
    "with_step_name",
];

/// How many constructs may stand within each other while reading.
const MAX_DEPTH: u32 = 160;
/// How high an expression's tree may be.
const MAX_HEIGHT: u16 = 128;

/// Reads a whole text.
///
/// ```
/// let script = ruleatlas_kusto::parser::parse("SigninLogs | where ResultType == 50126");
/// assert_eq!(script.statements.len(), 1);
/// assert!(script.faults.is_empty());
/// ```
#[must_use]
pub fn parse(text: &str) -> Script<'_> {
    let mut tokens = lex(text);
    tokens.retain(|token| token.kind != Kind::Comment);
    let closing = recovery::closing_brackets(&tokens);
    let function_heads = function_heads(&tokens);
    let rereads = 2 * tokens.len() + 256;
    let mut parser = Parser {
        text,
        tokens,
        closing,
        function_heads,
        at: 0,
        depth: 0,
        brackets: 0,
        tallest: 0,
        in_condition: false,
        in_search: false,
        recovers: false,
        furthest: 0,
        rereads,
        failed_let: None,
        faults: Vec::new(),
    };
    let statements = parser.statements(false);
    Script { text, statements, faults: parser.faults }
}

/// By token, whether it is the `(` of `( … ) {` with neither a pipe nor a semicolon between. Found for all at once: a text
/// of open parentheses would be gone through once for each.
fn function_heads(tokens: &[Token]) -> Vec<bool> {
    let mut heads = vec![false; tokens.len()];
    let mut open = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        match token.kind {
            Kind::Symbol(Symbol::OpenParen) => open.push(at),
            Kind::Symbol(Symbol::CloseParen) => {
                let next = tokens.get(at + 1).map(|token| token.kind);
                if let Some(head) = open.pop().and_then(|at| heads.get_mut(at)) {
                    *head = next == Some(Kind::Symbol(Symbol::OpenBrace));
                }
            }
            Kind::Symbol(Symbol::Pipe | Symbol::Semicolon) => open.clear(),
            _ => {}
        }
    }
    heads
}

type Parse<T> = Result<T, Fault>;

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    /// By the token of an opening bracket, that of the one that closes it; 0 where none does.
    closing: Vec<usize>,
    /// By token, whether it opens the parameters of a function.
    function_heads: Vec<bool>,
    at: usize,
    depth: u32,
    /// Parentheses and square brackets that are open around this place, within the innermost braces.
    brackets: u32,
    /// The highest expression made since the last reset; gives a pipeline's height.
    tallest: u16,
    /// Whether this is the condition of a `where`, in which `=` can only mean `==`.
    in_condition: bool,
    /// Whether this is the condition of a `search`, in which `:` is `has`.
    in_search: bool,
    /// Whether a part of a condition that cannot be read leaves the parts around it.
    recovers: bool,
    /// The furthest token that was read before something failed.
    furthest: usize,
    /// How many tokens may be read again behind failures; without a bound the number doubles with every level of
    /// brackets that are not closed.
    rereads: usize,
    /// The name of the `let` that could not be read.
    failed_let: Option<Cow<'a, str>>,
    faults: Vec<Fault>,
}

impl<'a> Parser<'a> {
    fn token(&self) -> Token {
        self.ahead(0)
    }

    fn ahead(&self, count: usize) -> Token {
        let last = self.tokens.len().saturating_sub(1);
        let end = Token { kind: Kind::End, span: Span::new(self.text.len(), self.text.len()), on_new_line: true };
        self.tokens.get((self.at + count).min(last)).copied().unwrap_or(end)
    }

    fn word_of(&self, token: Token) -> &'a str {
        if token.kind == Kind::Name { token.text(self.text) } else { "" }
    }

    /// The word that stands here; empty when no name does.
    fn word(&self) -> &'a str {
        self.word_of(self.token())
    }

    fn is(&self, symbol: Symbol) -> bool {
        self.token().kind == Kind::Symbol(symbol)
    }

    fn is_ahead(&self, count: usize, symbol: Symbol) -> bool {
        self.ahead(count).kind == Kind::Symbol(symbol)
    }

    fn step(&mut self) -> Token {
        let token = self.token();
        if self.at + 1 < self.tokens.len() {
            self.at += 1;
        }
        token
    }

    fn eat(&mut self, symbol: Symbol) -> bool {
        let found = self.is(symbol);
        if found {
            self.step();
        }
        found
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let found = self.word() == word;
        if found {
            self.step();
        }
        found
    }

    fn expect(&mut self, symbol: Symbol, what: &'static str) -> Parse<Token> {
        if self.is(symbol) { Ok(self.step()) } else { Err(self.unexpected(what)) }
    }

    /// Opens a bracket that [`Parser::close`] must close.
    fn open(&mut self, symbol: Symbol, what: &'static str) -> Parse<Token> {
        let token = self.expect(symbol, what)?;
        self.brackets += 1;
        Ok(token)
    }

    fn close(&mut self, symbol: Symbol, what: &'static str) -> Parse<Token> {
        let token = self.expect(symbol, what)?;
        self.brackets = self.brackets.saturating_sub(1);
        Ok(token)
    }

    /// The end of the token before this one.
    fn end_before(&self) -> u32 {
        self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).map_or(0, |token| token.span.end)
    }

    fn span_from(&self, start: u32) -> Span {
        Span { start, end: self.end_before().max(start) }
    }

    fn unexpected(&self, what: &'static str) -> Fault {
        let token = self.token();
        let (code, found) = match token.kind {
            Kind::End => ("text ends too early", "the end".to_owned()),
            Kind::OpenString => ("string is not closed", "a string that is not closed".to_owned()),
            _ => ("unexpected token", format!("`{}`", token.text(self.text))),
        };
        Fault { span: token.span, code, message: format!("expected {what}, found {found}"), recovered: false }
    }

    fn recovered(&mut self, span: Span, code: &'static str, message: &str) {
        self.faults.push(Fault { span, code, message: message.to_owned(), recovered: true });
    }

    /// Runs `read` one level deeper.
    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Parse<T>) -> Parse<T> {
        if self.depth >= MAX_DEPTH {
            let span = self.token().span;
            return Err(too_deep(span));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    fn expr_of(&mut self, kind: ExprKind<'a>, span: Span, below: u16) -> Parse<Expr<'a>> {
        let height = below + 1;
        if height > MAX_HEIGHT {
            return Err(too_deep(span));
        }
        self.tallest = self.tallest.max(height);
        Ok(Expr { kind, span, height })
    }

    fn leaf(&mut self, kind: ExprKind<'a>, span: Span) -> Expr<'a> {
        self.tallest = self.tallest.max(1);
        Expr { kind, span, height: 0 }
    }

    /// A name, plain or as `['a name']`.
    fn name(&mut self, what: &'static str) -> Parse<Cow<'a, str>> {
        let token = self.token();
        if token.kind == Kind::Name {
            self.step();
            return Ok(Cow::Borrowed(token.text(self.text)));
        }
        if self.is_bracketed_name() {
            let name = self.ahead(1);
            self.at += 3;
            return Ok(decode_string(name.text(self.text)));
        }
        // A word that the lexer took for a typed literal's name cannot stand here otherwise.
        Err(self.unexpected(what))
    }

    fn is_bracketed_name(&self) -> bool {
        self.is(Symbol::OpenBracket) && self.ahead(1).kind == Kind::String && self.is_ahead(2, Symbol::CloseBracket)
    }

    /// Whether a statement seems to begin here, on a line of its own behind one that is complete.
    fn at_statement(&self) -> bool {
        let token = self.token();
        if !token.on_new_line || self.brackets > 0 || token.kind != Kind::Name || self.awaits_operand() {
            return false;
        }
        let next = self.ahead(1);
        match token.text(self.text) {
            "let" | "set" | "declare" => next.kind == Kind::Name,
            "union" | "search" | "find" | "print" | "datatable" | "externaldata" => true,
            "and" | "or" | "in" | "has" | "contains" | "on" | "by" | "to" | "with" => false,
            _ => match next.kind {
                Kind::Symbol(Symbol::Pipe | Symbol::Semicolon | Symbol::OpenParen) | Kind::End => true,
                Kind::Name => next.on_new_line && self.word_of(next) == "let",
                _ => false,
            },
        }
    }

    /// Whether the token before this one asks for something behind it.
    fn awaits_operand(&self) -> bool {
        let Some(before) = self.at.checked_sub(1).and_then(|at| self.tokens.get(at)) else { return false };
        match before.kind {
            Kind::Symbol(symbol) => !matches!(
                symbol,
                Symbol::CloseParen
                    | Symbol::CloseBracket
                    | Symbol::CloseBrace
                    | Symbol::Star
                    | Symbol::Semicolon
                    | Symbol::Dot
                    | Symbol::Colon
            ),
            Kind::Name => {
                matches!(
                    self.word_of(*before),
                    "by" | "on" | "and" | "or" | "in" | "with" | "let" | "reorder" | "away" | "keep"
                )
            }
            _ => false,
        }
    }

    /// Statements up to the end, or to the brace that closes a function.
    fn statements(&mut self, in_braces: bool) -> Vec<Statement<'a>> {
        let mut statements = Vec::new();
        loop {
            while self.eat(Symbol::Semicolon) {}
            if self.token().kind == Kind::End || (in_braces && self.is(Symbol::CloseBrace)) {
                return statements;
            }
            let start = self.token();
            self.failed_let = None;
            let mut statement = self.statement();
            while let Ok(Statement::Query(source)) = statement {
                let skipped = match self.is_statement_end(in_braces) || self.at_statement() {
                    true => None,
                    false => self.skip_to_pipe(),
                };
                let Some(skipped) = skipped else {
                    statement = Ok(Statement::Query(source));
                    break;
                };
                statement = self.pipeline(source).map(|mut expr| {
                    match (&mut expr.kind, skipped.operator) {
                        (ExprKind::Pipeline(pipeline), operator) => {
                            pipeline.stages.insert(0, Stage { operator, ..skipped });
                        }
                        // Nothing stands behind the pipe.
                        (_, Operator::Broken(fault)) => self.faults.push(fault),
                        _ => {}
                    }
                    Statement::Query(expr)
                });
            }
            let complete = match &statement {
                Ok(_) => self.is_statement_end(in_braces),
                Err(_) => false,
            };
            if !complete {
                if statement.is_ok() && self.at_statement() {
                    let span = self.token().span;
                    self.recovered(span, "semicolon is missing", "a statement begins here without `;` before it");
                } else {
                    let fault = match &statement {
                        Err(fault) => fault.clone(),
                        Ok(_) => self.unexpected("`;` or `|`"),
                    };
                    self.skip_statement(in_braces);
                    // A lone word before something unreadable is prose, and no table.
                    if statement.as_ref().is_ok_and(|statement| !is_substantial(statement)) || statement.is_err() {
                        let span = self.span_from(start.span.start);
                        if let Some(name) = self.failed_let.take() {
                            // What the name stands for is not known.
                            let value = LetValue::Expr(self.leaf(ExprKind::Broken(fault.code), span));
                            statements.push(Statement::Let(Let { name, value, span }));
                        }
                        statement = Ok(Statement::Broken(Fault { span, ..fault }));
                    } else {
                        statements.extend(statement);
                        statement = Ok(Statement::Broken(fault));
                    }
                }
            }
            statements.extend(statement);
        }
    }

    /// Steps over what cannot be read between a table or stage and the next pipe, where there is one: a stage that is not
    /// understood.
    fn skip_to_pipe(&mut self) -> Option<Stage<'a>> {
        let (at, brackets) = (self.at, self.brackets);
        let start = self.token().span.start;
        let fault = self.unexpected("`;` or `|`");
        self.skip_part(false, false);
        if self.is(Symbol::Pipe) {
            let span = self.span_from(start);
            let operator = Operator::Broken(Fault { code: TEXT_BEFORE_PIPE, ..fault });
            return Some(Stage { operator, span });
        }
        (self.at, self.brackets) = (at, brackets);
        None
    }

    fn is_statement_end(&self, in_braces: bool) -> bool {
        match self.token().kind {
            Kind::End | Kind::Symbol(Symbol::Semicolon) => true,
            Kind::Symbol(Symbol::CloseBrace) => in_braces,
            _ => false,
        }
    }

    /// Skips to where the next statement may begin.
    fn skip_statement(&mut self, in_braces: bool) {
        let mut open = 0_u32;
        self.brackets = 0;
        let first = self.at;
        loop {
            let token = self.token();
            match token.kind {
                Kind::End => return,
                Kind::Symbol(Symbol::Semicolon) if open == 0 || !in_braces => return,
                Kind::Symbol(Symbol::CloseBrace) if open == 0 && in_braces => return,
                Kind::Symbol(Symbol::OpenBrace) => open += 1,
                Kind::Symbol(Symbol::CloseBrace) => open = open.saturating_sub(1),
                _ if self.at > first && open == 0 && self.at_statement() => return,
                _ => {}
            }
            self.step();
        }
    }

    fn statement(&mut self) -> Parse<Statement<'a>> {
        let start = self.token();
        let next_is_name = self.ahead(1).kind == Kind::Name || self.is_ahead(1, Symbol::OpenBracket);
        match self.word() {
            "let" if next_is_name || self.is_ahead(2, Symbol::Assign) => self.let_statement(),
            "set" | "alias" | "restrict" if next_is_name => Ok(self.other_statement(start)),
            "declare" if next_is_name => {
                self.step();
                if !self.eat_word("query_parameters") {
                    return Ok(self.other_statement(start));
                }
                Ok(Statement::Parameters(self.parameters()?))
            }
            _ if self.is(Symbol::Pipe) => {
                self.recovered(start.span, "table is missing", "the pipeline begins without a table");
                let source = self.leaf(ExprKind::Name(Cow::Borrowed("")), start.span);
                Ok(Statement::Query(self.pipeline(source)?))
            }
            _ => Ok(Statement::Query(self.pipe_expr()?)),
        }
    }

    fn other_statement(&mut self, start: Token) -> Statement<'a> {
        self.step();
        while !matches!(self.token().kind, Kind::End | Kind::Symbol(Symbol::Semicolon)) && !self.at_statement() {
            self.step();
        }
        Statement::Other(self.span_from(start.span.start))
    }

    fn let_statement(&mut self) -> Parse<Statement<'a>> {
        let start = self.step().span.start;
        let name = match self.token().kind {
            Kind::Datetime | Kind::Timespan | Kind::Guid => return Err(self.unexpected("a name")),
            _ => self.name("a name")?,
        };
        self.expect(Symbol::Assign, "`=`")?;
        if self.is(Symbol::Semicolon) {
            // A value that the reader is to fill in.
            let span = self.token().span;
            self.recovered(span, "value is missing", "nothing stands behind the `=`");
            let blank = self.leaf(ExprKind::Name(Cow::Owned(format!("{{{name}}}"))), span);
            return Ok(Statement::Let(Let { name, value: LetValue::Expr(blank), span: self.span_from(start) }));
        }
        self.failed_let = Some(name.clone());
        let value = if self.at_function() {
            self.eat_word("view");
            let parameters = self.parameters()?;
            LetValue::Function(self.function_body(parameters)?)
        } else {
            LetValue::Expr(self.pipe_expr()?)
        };
        self.failed_let = None;
        Ok(Statement::Let(Let { name, value, span: self.span_from(start) }))
    }

    /// Whether `( … ) {` stands here.
    fn at_function(&self) -> bool {
        let first = usize::from(self.word() == "view");
        self.function_heads.get(self.at + first).copied().unwrap_or_default()
    }

    fn function_body(&mut self, parameters: Vec<Parameter<'a>>) -> Parse<Function<'a>> {
        self.expect(Symbol::OpenBrace, "`{`")?;
        let brackets = std::mem::take(&mut self.brackets);
        let body = self.deeper(|parser| Ok(parser.statements(true)));
        self.brackets = brackets;
        let body = body?;
        self.expect(Symbol::CloseBrace, "`}`")?;
        Ok(Function { parameters, body })
    }

    fn parameters(&mut self) -> Parse<Vec<Parameter<'a>>> {
        self.open(Symbol::OpenParen, "`(`")?;
        let mut parameters = Vec::new();
        while !self.is(Symbol::CloseParen) {
            let name = self.name("a parameter's name")?;
            let (mut tabular, mut type_name) = (false, "");
            if self.eat(Symbol::Colon) {
                let start = self.token().span.start;
                if self.is(Symbol::OpenParen) {
                    tabular = true;
                    self.skip_group()?;
                } else {
                    self.step();
                }
                type_name = self.span_from(start).of(self.text).unwrap_or_default();
            }
            let default = if self.eat(Symbol::Assign) { Some(self.expr()?) } else { None };
            parameters.push(Parameter { name, tabular, type_name, default });
            if !self.eat(Symbol::Comma) {
                break;
            }
        }
        self.close(Symbol::CloseParen, "`)`")?;
        Ok(parameters)
    }

    /// Skips what stands in the brackets that open here, and the brackets.
    fn skip_group(&mut self) -> Parse<()> {
        let mut open = 0_u32;
        loop {
            match self.token().kind {
                Kind::End => return Err(self.unexpected("a closing bracket")),
                Kind::Symbol(Symbol::OpenParen | Symbol::OpenBracket | Symbol::OpenBrace) => open += 1,
                Kind::Symbol(Symbol::CloseParen | Symbol::CloseBracket | Symbol::CloseBrace) => {
                    open = open.saturating_sub(1);
                }
                _ => {}
            }
            self.step();
            if open == 0 {
                return Ok(());
            }
        }
    }

    /// An expression, or a source with stages.
    fn pipe_expr(&mut self) -> Parse<Expr<'a>> {
        self.deeper(|parser| {
            let outer = std::mem::take(&mut parser.tallest);
            let result = parser.source().and_then(|source| parser.pipeline(source));
            parser.tallest = parser.tallest.max(outer);
            result
        })
    }

    /// Skips closing brackets that nothing opened, where a pipeline goes on behind them.
    fn skip_stray_brackets(&mut self) {
        while self.brackets == 0
            && matches!(self.token().kind, Kind::Symbol(Symbol::CloseParen | Symbol::CloseBracket))
            && matches!(
                self.ahead(1).kind,
                Kind::End | Kind::Symbol(Symbol::Pipe | Symbol::Semicolon | Symbol::CloseParen | Symbol::CloseBracket)
            )
        {
            let span = self.step().span;
            self.recovered(span, "bracket too many", "nothing opens this bracket");
        }
    }

    /// Whether a stage follows; its pipe is taken, or recovered where a line begins with an operator.
    fn eat_pipe(&mut self) -> bool {
        if !self.at_forgotten_pipe() {
            return self.eat(Symbol::Pipe);
        }
        let span = self.token().span;
        self.recovered(span, "pipe is missing", "a stage begins here without `|` before it");
        true
    }

    fn at_forgotten_pipe(&self) -> bool {
        self.token().on_new_line
            && matches!(self.word(), "where" | "extend" | "project" | "summarize" | "join")
            && matches!(self.ahead(1).kind, Kind::Name | Kind::Symbol(Symbol::OpenBracket))
    }

    /// The stages behind a source; the source itself where no pipe follows.
    fn pipeline(&mut self, source: Expr<'a>) -> Parse<Expr<'a>> {
        let mut stages = Vec::new();
        loop {
            self.skip_stray_brackets();
            if !self.eat_pipe() {
                break;
            }
            match self.token().kind {
                Kind::End
                | Kind::Symbol(Symbol::Semicolon | Symbol::CloseParen | Symbol::CloseBrace | Symbol::Pipe) => {
                    let span = self.token().span;
                    self.recovered(span, "stage is empty", "no operator stands behind the pipe");
                }
                _ => stages.push(self.stage()),
            }
        }
        if stages.is_empty() {
            return Ok(source);
        }
        let span = self.span_from(source.span.start);
        let below = self.tallest;
        self.expr_of(ExprKind::Pipeline(Box::new(Pipeline { source, stages, span })), span, below)
    }
}

fn too_deep(span: Span) -> Fault {
    Fault {
        span,
        code: "nested too deep",
        message: "the query is nested deeper than is read".to_owned(),
        recovered: false,
    }
}

/// Whether a statement is more than a word.
fn is_substantial(statement: &Statement<'_>) -> bool {
    match statement {
        Statement::Query(expr) => matches!(expr.kind, ExprKind::Pipeline(_) | ExprKind::Union(_) | ExprKind::Search(_)),
        _ => true,
    }
}
