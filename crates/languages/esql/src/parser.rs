//! The commands of ES|QL.
//!
//! Source: the reference of ES|QL's commands. What a command cannot make sense of is stepped over up to the next
//! pipe, so that the stages around it still count.

use std::rc::Rc;

use ruleatlas_syntax::{Parsed, Span, SyntaxError};

use crate::{
    ast::{Command, Definition, Effect, Expr, Kind, Link, Query, Source, Stage},
    cut,
    error::ErrorKind,
    lexer::{Lex, Lexeme, lex, unquote_name, unquote_text},
};

/// Reads a query. What cannot be read is a broken expression or command, and the stages around it count.
#[must_use]
pub fn parse(text: &str) -> Parsed<Query, ErrorKind> {
    let lexemes = lex(text).into_iter().filter(|lexeme| lexeme.kind != Lex::Comment).collect();
    let mut parser = Parser { text, lexemes, at: 0, depth: 0, errors: Vec::new() };
    // `set name = value;` before the query.
    let mut settings = Vec::new();
    while parser.is_word("set") {
        let start = parser.here();
        while parser.peek().is_some() && parser.peek_text() != ";" {
            parser.advance();
        }
        settings.push(parser.text_since(start));
        parser.eat(";");
    }
    let mut stages = parser.pipeline(0);
    while parser.peek().is_some() {
        // A closing bracket too many; the rest of its stage is not read.
        let start = parser.here();
        parser.advance();
        parser.skip_to_pipe();
        let (span, kind) = (parser.since(start), ErrorKind::UnexpectedBracket);
        parser.error(kind, "Nothing is open that could be closed here.", span);
        let index = stages.last().map_or(0, |stage: &Stage| stage.index);
        stages.push(Stage { command: Command::Broken { text: parser.text_since(start), kind }, span, index });
        if parser.eat("|") {
            stages.extend(parser.pipeline(index + 1));
        }
    }
    Parsed { tree: Query { settings, stages }, errors: parser.errors }
}

pub(crate) struct Parser<'a> {
    pub text: &'a str,
    pub lexemes: Vec<Lexeme>,
    pub at: usize,
    pub depth: u32,
    errors: Vec<SyntaxError<ErrorKind>>,
}

impl<'a> Parser<'a> {
    fn pipeline(&mut self, first: u32) -> Vec<Stage> {
        let mut stages = Vec::new();
        for index in first.. {
            let start = self.here();
            if self.peek().is_some() && self.peek_text() != ")" && self.peek_text() != "|" {
                let command = self.command();
                self.finish_command();
                stages.push(Stage { command, span: self.since(start), index });
            } else if self.peek_text() == "|" {
                let span = Span::new(start, start);
                self.error(ErrorKind::EmptyStage, "There is no command before this pipe.", span);
            }
            if !self.eat("|") {
                break;
            }
        }
        stages
    }

    /// Steps over what a command left before the next pipe.
    fn finish_command(&mut self) {
        let start = self.here();
        self.skip_to_pipe();
        if self.here() > start && self.since(start).of(self.text).is_some_and(|text| !text.trim().is_empty()) {
            let span = self.since(start);
            self.error(ErrorKind::UnexpectedText, "The rest of the command cannot be read.", span);
        }
    }

    /// Steps over tokens up to the next pipe of this pipeline or its closing bracket.
    pub fn skip_to_pipe(&mut self) {
        let mut depth = 0_u32;
        while self.peek().is_some() {
            match self.peek_text() {
                "|" if depth == 0 => return,
                ")" if depth == 0 => return,
                "(" | "[" => depth += 1,
                ")" | "]" => depth = depth.saturating_sub(1),
                _ => {}
            }
            self.advance();
        }
    }

    /// Steps over tokens up to and with the bracket that closes the one before, or up to the pipe.
    pub fn skip_to_close(&mut self) {
        let mut depth = 1_u32;
        while depth > 0 && self.peek().is_some() {
            match self.peek_text() {
                "|" if depth == 1 => return,
                "(" => depth += 1,
                ")" => depth -= 1,
                _ => {}
            }
            self.advance();
        }
    }

    fn command(&mut self) -> Command {
        let word = self.peek_text().to_ascii_lowercase();
        let start = self.here();
        self.advance();
        match word.as_str() {
            "from" => self.from(Source::From),
            "ts" => self.from(Source::TimeSeries),
            "metrics" => self.from(Source::Metrics),
            "row" => Command::Row(self.definitions()),
            "eval" => Command::Eval(self.definitions()),
            "where" => {
                let condition = self.expression();
                let rest = self.here();
                self.skip_to_pipe();
                if self.here() == rest {
                    return Command::Where(condition);
                }
                let span = self.since(rest);
                let kind = ErrorKind::MissingConnective;
                self.error(kind, "The rest of the condition cannot be read.", span);
                let rest = Expr::new(Kind::broken(&self.text_since(rest), kind), span);
                Command::Where(self.expr(Kind::All(vec![condition, rest]), start))
            }
            "stats" => self.stats(false),
            "inlinestats" => self.stats(true),
            "inline" if self.eat_word("stats") => self.stats(true),
            "rename" => self.rename(),
            "dissect" | "grok" => self.cut(&word, start),
            "enrich" => self.enrich(start),
            "lookup" if self.eat_word("join") => self.lookup(start),
            "join" => self.lookup(start),
            "completion" | "rerank" => {
                let name = if self.peek_second() == "=" { self.name() } else { Rc::from("completion") };
                self.skip_to_pipe();
                self.other(start, Effect::Compute(vec![name]))
            }
            "change_point" => {
                self.skip_to_pipe();
                self.other(start, Effect::Compute(vec![Rc::from("type"), Rc::from("pvalue")]))
            }
            "fork" => self.fork(),
            "uri_parts" | "registered_domain" | "user_agent" | "ip_location" => self.parts(start),
            "mv_expand" => {
                let name = self.name();
                self.skip_to_pipe();
                Command::Expand(name)
            }
            "keep" | "drop" | "sort" | "limit" | "sample" | "show" | "fuse" | "project" | "dedup" | "dense_vector"
            | "highlight" | "mmr" | "metrics_info" | "ts_info" | "ts_collapse" | "topk" | "bottomk" | "limitk" => {
                self.skip_to_pipe();
                self.other(start, Effect::Neutral)
            }
            _ => {
                self.skip_to_pipe();
                let kind = ErrorKind::UnknownCommand;
                let span = self.since(start);
                self.error(kind, format!("`{word}` is no command of ES|QL that is known here."), span);
                Command::Broken { text: self.text_since(start), kind }
            }
        }
    }

    /// A command that is kept as its text.
    fn other(&self, start: usize, effect: Effect) -> Command {
        Command::Other { text: self.text_since(start), effect }
    }

    fn from(&mut self, source: Source) -> Command {
        let (mut patterns, mut pipelines, mut metadata) = (Vec::new(), Vec::new(), Vec::new());
        while let Some(lexeme) = self.peek() {
            let text = self.peek_text();
            match lexeme.kind {
                Lex::Source => patterns.push(Rc::from(text)),
                Lex::Text { .. } => patterns.push(Rc::from(unquote_text(text).0)),
                Lex::Name if self.is_word("metadata") => {
                    self.advance();
                    while self.peek().is_some_and(|next| next.kind == Lex::Name)
                        || matches!(self.peek_text(), "," | "[" | "]")
                    {
                        if self.peek().is_some_and(|next| next.kind == Lex::Name) {
                            metadata.push(self.name());
                        } else {
                            self.advance();
                        }
                    }
                    self.skip_to_pipe();
                    break;
                }
                _ if text == "(" => {
                    self.advance();
                    pipelines.extend(self.nested());
                    self.close(")");
                    continue;
                }
                // A name is read here behind a pipeline in parentheses.
                Lex::Name => patterns.push(Rc::from(text)),
                _ if text == "|" || text == ")" => break,
                _ => {}
            }
            self.advance();
        }
        Command::From { source, patterns, pipelines, metadata }
    }

    /// `prefix = expression`, with options behind it.
    fn parts(&mut self, start: usize) -> Command {
        let is_named = self.peek().is_some_and(|lexeme| lexeme.kind == Lex::Name) && self.peek_second() == "=";
        if !is_named {
            self.skip_to_pipe();
            let (span, kind) = (self.since(start), ErrorKind::MissingPrefix);
            self.error(kind, "The command gives its columns the prefix that stands before `=`.", span);
            return Command::Broken { text: self.text_since(start), kind };
        }
        let prefix = self.name();
        self.advance();
        let source = self.expression();
        if self.eat_word("with") {
            self.skip_to_pipe();
        }
        self.other(start, Effect::Parts { prefix, source })
    }

    pub fn nested(&mut self) -> Option<Vec<Stage>> {
        if self.depth >= crate::DEPTH_LIMIT {
            self.at = self.lexemes.len();
            let span = Span::new(self.text.len(), self.text.len());
            self.error(ErrorKind::TooDeep, "The query is nested too deeply to be read.", span);
            return None;
        }
        self.depth += 1;
        let stages = self.pipeline(0);
        self.depth -= 1;
        Some(stages)
    }

    fn fork(&mut self) -> Command {
        let mut branches = Vec::new();
        while self.eat("(") {
            branches.extend(self.nested());
            self.close(")");
        }
        Command::Fork(branches)
    }

    /// `name = expression, expression, …`
    fn definitions(&mut self) -> Vec<Definition> {
        let mut definitions = Vec::new();
        loop {
            let named = self.peek().is_some_and(|lexeme| lexeme.kind == Lex::Name) && self.peek_second() == "=";
            let name = named.then(|| self.name());
            if named {
                self.advance();
            }
            let value = if named && (self.is_word("by") || matches!(self.peek_text(), "" | "|" | ",")) {
                let span = Span::new(self.here(), self.here());
                self.error(
                    ErrorKind::MissingDefinition,
                    "The name is given no value; it is taken for something computed.",
                    span,
                );
                Expr::new(Kind::Missing, span)
            } else {
                self.expression()
            };
            let filter = self.eat_word("where").then(|| self.expression());
            definitions.push(Definition { name, value, filter });
            if !self.eat(",") {
                return definitions;
            }
        }
    }

    fn stats(&mut self, inline: bool) -> Command {
        let aggregates = if self.is_word("by") { Vec::new() } else { self.definitions() };
        let by = if self.eat_word("by") { self.definitions() } else { Vec::new() };
        Command::Stats { aggregates, by, inline }
    }

    /// `old as new` or `new = old`.
    fn rename(&mut self) -> Command {
        let mut pairs = Vec::new();
        while self.peek().is_some_and(|lexeme| lexeme.kind == Lex::Name) {
            let first = self.name();
            if self.eat_word("as") {
                pairs.push((first, self.name()));
            } else if self.eat("=") {
                pairs.push((self.name(), first));
            }
            if !self.eat(",") {
                break;
            }
        }
        Command::Rename(pairs)
    }

    /// `dissect source "pattern"`, `grok source "pattern"[, "pattern"]`.
    fn cut(&mut self, word: &str, start: usize) -> Command {
        let source = self.primary();
        let mut names = Vec::new();
        while let Some(lexeme) = self.peek() {
            if let Lex::Text { .. } = lexeme.kind {
                let pattern = unquote_text(self.peek_text()).0;
                names.extend(if word == "grok" { cut::grok(&pattern) } else { cut::dissect(&pattern) });
                self.advance();
            } else if self.peek_text() != "," {
                break;
            } else {
                self.advance();
            }
        }
        // `append_separator = ","`.
        self.skip_to_pipe();
        self.other(start, Effect::Cut { source, names })
    }

    /// `enrich policy [on field] [with new = field, …]`
    fn enrich(&mut self, start: usize) -> Command {
        let policy = Rc::from(self.peek_text());
        while self.peek().is_some() && self.peek_text() != "|" && !self.is_word("on") && !self.is_word("with") {
            self.advance();
        }
        let on = self.eat_word("on").then(|| self.name());
        let mut names = Vec::new();
        if self.eat_word("with") {
            while self.peek().is_some_and(|lexeme| lexeme.kind == Lex::Name) {
                names.push(self.name());
                if self.eat("=") {
                    self.advance();
                }
                if !self.eat(",") {
                    break;
                }
            }
        }
        self.other(start, Effect::Enrich { policy, on, names })
    }

    /// `lookup join index on field, …`; the index's fields are not known.
    fn lookup(&mut self, command: usize) -> Command {
        let start = self.here();
        while self.peek().is_some() && self.peek_text() != "|" && !self.is_word("on") {
            self.advance();
        }
        let index = Rc::from(self.since(start).of(self.text).unwrap_or_default().trim());
        let mut keys = Vec::new();
        while self.eat_word("on") || self.eat(",") {
            if self.peek().is_some_and(|lexeme| lexeme.kind == Lex::Name) {
                keys.push(self.name());
            }
        }
        // `on left == right and …`.
        self.skip_to_pipe();
        self.other(command, Effect::LookupJoin { index, keys })
    }

    fn name(&mut self) -> Rc<str> {
        let name = unquote_name(self.peek_text());
        self.advance();
        Rc::from(name)
    }

    pub fn peek(&self) -> Option<Lexeme> {
        self.lexemes.get(self.at).copied()
    }

    pub fn peek_text(&self) -> &'a str {
        self.lexemes.get(self.at).map_or("", |lexeme| lexeme.text(self.text))
    }

    pub fn peek_second(&self) -> &'a str {
        self.lexemes.get(self.at + 1).map_or("", |lexeme| lexeme.text(self.text))
    }

    pub fn advance(&mut self) {
        self.at = (self.at + 1).min(self.lexemes.len());
    }

    /// Where the next token begins.
    pub fn here(&self) -> usize {
        self.peek().map_or(self.text.len(), |lexeme| lexeme.start)
    }

    /// From `start` to the end of the last token.
    pub fn since(&self, start: usize) -> Span {
        let end = self.at.checked_sub(1).and_then(|last| self.lexemes.get(last)).map_or(start, |lexeme| lexeme.end);
        Span::new(start, end.max(start))
    }

    /// Steps over a sign if it comes next.
    pub fn eat(&mut self, sign: &str) -> bool {
        let found = self.peek().is_some_and(|lexeme| lexeme.kind == Lex::Sign) && self.peek_text() == sign;
        if found {
            self.advance();
        }
        found
    }

    pub fn is_word(&self, word: &str) -> bool {
        self.peek().is_some_and(|lexeme| lexeme.kind == Lex::Name) && self.peek_text().eq_ignore_ascii_case(word)
    }

    /// Steps over a word if it comes next.
    pub fn eat_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        if found {
            self.advance();
        }
        found
    }

    pub fn close(&mut self, bracket: &str) {
        if !self.eat(bracket) {
            let span = Span::new(self.here(), self.here());
            let is_same = self.errors.last().is_some_and(|last| last.kind == ErrorKind::UnclosedBracket);
            if !is_same {
                self.error(ErrorKind::UnclosedBracket, format!("A `{bracket}` is missing here."), span);
            }
        }
    }

    pub fn error(&mut self, kind: ErrorKind, message: impl Into<String>, span: Span) {
        self.errors.push(SyntaxError::new(kind, span, message));
    }

    /// The text from `start` to the end of the last token.
    pub fn text_since(&self, start: usize) -> Rc<str> {
        Rc::from(self.since(start).of(self.text).unwrap_or_default())
    }

    /// The expression from `start` to the end of the last token.
    pub fn expr(&mut self, kind: Kind, start: usize) -> Link {
        let span = self.since(start);
        let is_broken = matches!(kind, Kind::Broken { .. });
        let mut expr = Expr::new(kind, span);
        if let Kind::Broken { text, kind } = &mut expr.kind
            && !is_broken
        {
            *text = self.text_since(start);
            let kind = *kind;
            self.error(kind, "The expression is a chain of too many operators to be read.", span);
        }
        expr
    }
}
