//! Pipelines: which command a segment is, and what of it matters to filters and names.

use ruleatlas_core::{Budget, Context};
use ruleatlas_model::{Diagnostic, Span};

use crate::{
    aggregate,
    ast::{Command, Pipeline, Search, Segment},
    commands, eval,
    expand::{MAX_EXPANDED, expand},
    lexer::{Kind, Token, split_pipes, tokens},
    search,
    source::{Origin, Source},
};

/// How deep sub-searches, parentheses and expressions together may stand in each other.
const MAX_DEPTH: usize = 128;
/// How many commands a query may have, those of sub-searches included.
const MAX_COMMANDS: usize = 4_000;

/// Bytes of expanded text that are read for a unit of work.
const BYTES_PER_WORK: usize = 16;

/// Reads a whole query.
pub(crate) fn parse(
    text: &str,
    context: &dyn Context,
    diagnostics: &mut Vec<Diagnostic>,
    budget: &mut Budget,
) -> Pipeline {
    let mut bounds = Bounds::default();
    let pipeline = parse_text(text, Origin::Verbatim(0), context, diagnostics, &mut bounds);
    bounds.spend(budget);
    pipeline
}

/// Reads a condition that stands for the part `span` of the author's text, in the language of `search`.
pub(crate) fn parse_condition(
    text: &str,
    span: Span,
    context: &dyn Context,
    diagnostics: &mut Vec<Diagnostic>,
    budget: &mut Budget,
) -> Option<Search> {
    let mut bounds = Bounds::default();
    let source = expand(text, Origin::Fixed(span), context, diagnostics, &mut bounds.room);
    budget.work(text.len() / BYTES_PER_WORK);
    bounds.spend(budget);
    let mut parser = Parser { source: &source, context, diagnostics, bounds: &mut bounds };
    search::parse(&mut parser, 0, source.text().len())
}

/// What is used up of the bounds on a query.
struct Bounds {
    depth: usize,
    commands: usize,
    /// Bytes that macros may still add.
    room: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { depth: 0, commands: 0, room: MAX_EXPANDED }
    }
}

impl Bounds {
    /// Spends what reading the texts of macros costs.
    fn spend(&self, budget: &mut Budget) {
        budget.work((MAX_EXPANDED - self.room) / BYTES_PER_WORK);
    }
}

fn parse_text(
    text: &str,
    origin: Origin,
    context: &dyn Context,
    diagnostics: &mut Vec<Diagnostic>,
    bounds: &mut Bounds,
) -> Pipeline {
    let source = expand(text, origin, context, diagnostics, &mut bounds.room);
    let mut parser = Parser { source: &source, context, diagnostics, bounds };
    parser.pipeline(0, source.text().len(), true)
}

/// Reads one expanded text.
pub(crate) struct Parser<'s> {
    pub(crate) source: &'s Source,
    context: &'s dyn Context,
    pub(crate) diagnostics: &'s mut Vec<Diagnostic>,
    bounds: &'s mut Bounds,
}

/// A command's name and where its arguments are.
#[derive(Clone, Copy)]
pub(crate) struct Call<'s> {
    pub name: &'s str,
    pub start: usize,
    pub end: usize,
    /// Where the command itself begins.
    pub from: usize,
}

impl<'s> Parser<'s> {
    pub(crate) fn text(&self, token: Token) -> &'s str {
        self.source.slice(token.start, token.end)
    }

    pub(crate) fn tokens(&self, call: &Call<'_>) -> Vec<Token> {
        tokens(self.source, call.start, call.end)
    }

    /// The pipeline in `[ … ]`.
    pub(crate) fn bracket(&mut self, start: usize, end: usize) -> Pipeline {
        let closed = end > start + 1 && self.source.slice(end - 1, end) == "]";
        if !closed {
            let span = self.source.span(start, end);
            self.diagnostics.push(Diagnostic::error("unbalanced bracket", "a sub-search is not closed").at(span));
        }
        self.nested(start, |parser| parser.pipeline(start + 1, if closed { end - 1 } else { end }, false))
    }

    /// The pipeline in a text in quotes.
    pub(crate) fn quoted(&mut self, token: Token) -> Pipeline {
        let text = search::unescape(search::unquoted(self.text(token), '"'));
        let span = self.source.span(token.start, token.end);
        self.nested(token.start, |parser| {
            parse_text(&text, Origin::Fixed(span), parser.context, parser.diagnostics, parser.bounds)
        })
    }

    /// The condition in a text in quotes, in the language of `search`.
    pub(crate) fn quoted_search(&mut self, start: usize, end: usize) -> Option<Search> {
        let text = search::unescape(search::unquoted(self.source.slice(start, end), '"'));
        let origin = Origin::Fixed(self.source.span(start, end));
        let source = expand(&text, origin, self.context, self.diagnostics, &mut self.bounds.room);
        let mut parser =
            Parser { source: &source, context: self.context, diagnostics: self.diagnostics, bounds: self.bounds };
        search::parse(&mut parser, 0, source.text().len())
    }

    fn nested(&mut self, start: usize, read: impl FnOnce(&mut Self) -> Pipeline) -> Pipeline {
        if !self.enter() {
            let span = self.source.span(start, start + 1);
            self.diagnostics.push(Diagnostic::error("nested too deeply", "a sub-search stands too deep").at(span));
            return Pipeline { segments: Vec::new(), span };
        }
        let pipeline = read(self);
        self.leave();
        pipeline
    }

    /// Goes one level deeper; not where that is too deep.
    pub(crate) fn enter(&mut self) -> bool {
        let fits = self.bounds.depth < MAX_DEPTH;
        self.bounds.depth += usize::from(fits);
        fits
    }

    pub(crate) fn leave(&mut self) {
        self.bounds.depth = self.bounds.depth.saturating_sub(1);
    }

    /// The commands of `start..end`; a search is implied where the first is not known, in a whole query.
    fn pipeline(&mut self, start: usize, end: usize, whole: bool) -> Pipeline {
        let source = self.source;
        let mut segments = Vec::new();
        let mut stage = 0;
        let mut seen_any = false;
        for (at, (from, to)) in split_pipes(source, start, end).into_iter().enumerate() {
            // Pipes of a macro's text make no stage of their own.
            if seen_any && from > 0 && source.is_written(from - 1) {
                stage += 1;
            }
            let text = source.slice(from, to);
            if text.trim().is_empty() {
                continue;
            }
            seen_any = true;
            let from = from + (text.len() - text.trim_start().len());
            let to = from + text.trim().len();
            let span = source.span(from, to);
            self.bounds.commands += 1;
            if self.bounds.commands > MAX_COMMANDS {
                let span = source.span(from, end);
                self.diagnostics.push(Diagnostic::error("too many commands", "the rest is not read").at(span));
                break;
            }
            let command = self.command(from, to, whole && at == 0);
            segments.push(Segment { command, stage, span });
        }
        let span = source.span(start, end);
        Pipeline { segments, span }
    }

    fn command(&mut self, from: usize, to: usize, implied: bool) -> Command {
        let text = self.source.slice(from, to);
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let length = text.bytes().position(|byte| !is_letter(byte)).unwrap_or(text.len());
        let name = &text[..length];
        let rest = text[length..].trim_start();
        let call = Call { name, start: from + length, end: to, from };
        let lower = name.to_ascii_lowercase();
        let is_longer_word = text[length..].starts_with(['.', '{', '-', '*', ':', '/', '\\']);
        let begins_comparison = rest.starts_with(['=', '<', '>']) || rest.starts_with("!=");
        if implied && (is_longer_word || begins_comparison || !commands::is_generating(&lower)) {
            let whole = Call { start: from, ..call };
            return self.search(&whole);
        }
        if name.is_empty() {
            let is_macro = text.starts_with('`');
            let reason = if is_macro { self.source.unresolved(from) } else { "command is not known" };
            return Command::Opaque { text: text.to_owned(), reason: reason.to_owned() };
        }
        match lower.as_str() {
            "search" => self.search(&call),
            "where" => Command::Where(eval::parse(self, call.start, call.end)),
            "eval" => Command::Eval(eval::parse_assignments(self, call.start, call.end)),
            "tstats" | "mstats" => aggregate::generate(self, &call),
            "stats" | "eventstats" | "streamstats" | "chart" | "timechart" | "top" | "rare" | "sistats" | "sitop"
            | "sirare" | "sichart" | "sitimechart" | "geostats" | "mvcombine" | "contingency" => {
                aggregate::parse(self, &call, &lower)
            }
            _ => commands::parse(self, &call, &lower),
        }
    }

    fn search(&mut self, call: &Call<'_>) -> Command {
        match search::parse(self, call.start, call.end) {
            Some(filter) => Command::Search(filter),
            None => Command::Neutral,
        }
    }

    pub(crate) fn span(&self, tokens: &[Token]) -> Span {
        match (tokens.first(), tokens.last()) {
            (Some(first), Some(last)) => self.source.span(first.start, last.end),
            _ => Span::default(),
        }
    }

    /// A name: a word, or what stands in quotes.
    pub(crate) fn name(&self, token: Token) -> String {
        let text = self.text(token);
        match token.kind {
            Kind::Quoted => search::unescape(search::unquoted(text, '"')),
            Kind::Single => search::unquoted(text, '\'').to_owned(),
            _ => text.to_owned(),
        }
    }
}
