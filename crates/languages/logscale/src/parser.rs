//! Text to a tree. In a filter `or` binds closer than `and`, which may be left out; where a value is computed, from
//! loose to tight: `or`, `and`, comparisons, `+ -`, `* / %`, a sign.
//! Source: the grammar of the query language in LogScale's documentation.

mod filter;
mod value;

use ruleatlas_syntax::{Parsed, Span, SyntaxError};

use crate::{
    ast::{Filter, Pipeline, Step, StepKind},
    error::ErrorKind,
    scan::Scanner,
};

/// Queries nested deeper than this are not read.
const MAX_DEPTH: u32 = 100;
/// More errors than these are no help to a reader.
const MAX_ERRORS: usize = 100;

/// The tree of a query, and what is wrong with its text.
///
/// What cannot be read is a broken part at its place; the rest is read all the same.
///
/// ```
/// let parsed = ruleatlas_logscale::parse("#event_simpleName=DnsRequest | DomainName=*.zip | count()");
/// assert_eq!(parsed.tree.steps.len(), 3);
/// assert!(parsed.errors.is_empty());
/// ```
#[must_use]
pub fn parse(text: &str) -> Parsed<Pipeline, ErrorKind> {
    let mut parser = Parser { scanner: Scanner { text, at: 0 }, depth: 0, errors: Vec::new() };
    let mut pipeline = parser.pipeline();
    parser.scanner.space();
    while parser.scanner.peek().is_some() {
        // A bracket that closes nothing.
        let start = parser.scanner.at;
        parser.step_over();
        let span = parser.since(start);
        parser.error(ErrorKind::UnexpectedBracket, "This bracket closes nothing.", span);
        pipeline.steps.push(Step { kind: StepKind::Broken(parser.text_of(span)), span });
        pipeline.steps.extend(parser.pipeline().steps);
        parser.scanner.space();
    }
    pipeline.span = Span::new(0, text.len());
    if pipeline.steps.is_empty() {
        parser.error(ErrorKind::EmptyQuery, "There is no step.", Span::new(0, text.len()));
    }
    Parsed { tree: pipeline, errors: parser.errors }
}

struct Parser<'a> {
    scanner: Scanner<'a>,
    depth: u32,
    errors: Vec<SyntaxError<ErrorKind>>,
}

impl Parser<'_> {
    /// From a place to where the parser stands, without the white space before that.
    fn since(&self, start: usize) -> Span {
        let text = self.scanner.text.get(start..self.scanner.at).unwrap_or_default();
        Span::new(start, start + text.trim_end().len())
    }

    fn error(&mut self, kind: ErrorKind, message: impl Into<String>, span: Span) {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(SyntaxError::new(kind, span, message));
        }
    }

    fn text_of(&self, span: Span) -> String {
        span.of(self.scanner.text).unwrap_or_default().to_owned()
    }

    fn step_over(&mut self) {
        if let Some(character) = self.scanner.peek() {
            self.scanner.at += character.len_utf8();
        }
    }

    /// Whether nothing more belongs to the pipeline.
    fn is_end(&self) -> bool {
        matches!(self.scanner.peek(), None | Some('}' | ')' | ']' | ';'))
    }

    fn pipeline(&mut self) -> Pipeline {
        self.scanner.space();
        let start = self.scanner.at;
        let mut steps = Vec::new();
        loop {
            self.scanner.space();
            while self.scanner.eat("|") {
                self.scanner.space();
            }
            if self.is_end() {
                break;
            }
            let before = self.scanner.at;
            steps.push(self.step());
            self.scanner.space();
            if !self.is_end() && self.scanner.peek() != Some('|') {
                let start = self.scanner.at;
                self.skip();
                if self.scanner.at == before {
                    self.step_over();
                }
                let span = self.since(start);
                self.error(ErrorKind::MissingPipe, "The step cannot be read from here on.", span);
                steps.push(Step { kind: StepKind::Broken(self.text_of(span)), span });
            }
        }
        Pipeline { steps, span: self.since(start) }
    }

    /// Steps over what cannot be read, up to where the pipeline around it goes on.
    fn skip(&mut self) {
        let mut depth = 0_usize;
        while let Some(character) = self.scanner.peek() {
            match character {
                '"' => {
                    self.scanner.quoted();
                    continue;
                }
                '|' | ';' | ')' | ']' | '}' | ',' if depth == 0 => return,
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => depth -= 1,
                _ => {}
            }
            self.step_over();
        }
    }

    /// Goes one level deeper where that is allowed.
    fn enter(&mut self) -> bool {
        let enters = self.depth < MAX_DEPTH;
        self.depth += u32::from(enters);
        enters
    }

    fn too_deep(&mut self) -> Span {
        let start = self.scanner.at;
        self.skip();
        let span = self.since(start);
        self.error(ErrorKind::TooDeep, "The query is nested too deeply to be read.", span);
        span
    }

    fn step(&mut self) -> Step {
        let start = self.scanner.at;
        if !self.enter() {
            let span = self.too_deep();
            return Step { kind: StepKind::Broken(self.text_of(span)), span };
        }
        let kind = self.step_kind();
        self.depth -= 1;
        Step { kind, span: self.since(start) }
    }

    fn step_kind(&mut self) -> StepKind {
        let start = self.scanner;
        if self.scanner.eat_word("case") {
            self.scanner.space();
            if self.scanner.eat("{") {
                return StepKind::Case(self.clauses());
            }
            self.scanner = start;
        }
        if self.scanner.eat("[") {
            return StepKind::Stats(self.list());
        }
        if self.scanner.eat("{") {
            let inner = self.pipeline();
            self.close("}");
            return StepKind::Group(inner);
        }
        if let Some(field) = self.field() {
            self.scanner.space();
            if self.scanner.eat(":=") {
                return StepKind::Assign(field, self.value());
            }
            if self.scanner.eat_word("match") {
                self.scanner.space();
                if self.scanner.eat("{") {
                    return StepKind::Match { field, arms: self.arms() };
                }
            }
        }
        self.scanner = start;
        StepKind::Filter(self.and())
    }

    /// A field's name, quoted or not.
    fn field(&mut self) -> Option<String> {
        if self.scanner.peek() == Some('"') {
            let (name, closed) = self.scanner.quoted();
            return closed.then_some(name);
        }
        let name = self.scanner.bare();
        (!name.is_empty()).then(|| name.to_owned())
    }

    /// The clauses of a case, up to its closing brace.
    fn clauses(&mut self) -> Vec<Pipeline> {
        let mut clauses = Vec::new();
        loop {
            self.scanner.space();
            if self.scanner.eat(";") {
                continue;
            }
            if self.scanner.peek().is_none_or(|next| next == '}') {
                break;
            }
            let before = self.scanner.at;
            clauses.push(self.pipeline());
            self.scanner.space();
            if matches!(self.scanner.peek(), Some(')' | ']')) || self.scanner.at == before {
                let span = Span::new(self.scanner.at, self.scanner.at);
                self.error(ErrorKind::UnexpectedBracket, "This bracket closes nothing.", span);
                self.step_over();
            }
        }
        self.close("}");
        clauses
    }

    /// The arms of a match, up to its closing brace.
    fn arms(&mut self) -> Vec<(Filter, Pipeline)> {
        let mut arms = Vec::new();
        loop {
            self.scanner.space();
            if self.scanner.eat(";") {
                continue;
            }
            if self.scanner.peek().is_none_or(|next| next == '}') {
                break;
            }
            let before = self.scanner.at;
            let guard = self.primary();
            self.scanner.space();
            if !self.scanner.eat("=>") {
                let span = self.since(before);
                self.error(ErrorKind::MissingArrow, "An arm of a match has `=>` behind its value.", span);
                self.skip();
            }
            let steps = self.pipeline();
            arms.push((guard, steps));
            self.scanner.space();
            if matches!(self.scanner.peek(), Some(')' | ']')) || self.scanner.at == before {
                self.step_over();
            }
        }
        self.close("}");
        arms
    }

    fn close(&mut self, bracket: &str) {
        self.scanner.space();
        if !self.scanner.eat(bracket) {
            let span = Span::new(self.scanner.at, self.scanner.at);
            self.error(ErrorKind::UnclosedBracket, format!("`{bracket}` is missing."), span);
        }
    }
}
