//! Pipelines: which command a segment is, and what of it matters to filters and names.

use std::collections::HashSet;

use ruleatlas_syntax::{Parsed, Span, SyntaxError};

use crate::{
    aggregate,
    ast::{Command, Expr, ExprKind, Node, Pipeline, Search, Segment},
    commands,
    error::ErrorKind,
    eval,
    expand::{MAX_EXPANDED, expand},
    lexer::{Kind, Token, split_pipes, tokens},
    macros::{Macros, NoMacros},
    search,
    source::{Origin, Source},
};

/// How deep sub-searches, parentheses and expressions together may stand in each other.
const MAX_DEPTH: usize = 128;
/// How many commands a query may have, those of sub-searches included.
const MAX_COMMANDS: usize = 4_000;

/// Bytes of expanded text that are read for a unit of work.
const BYTES_PER_WORK: usize = 16;

/// What is wrong with a search.
pub(crate) type Error = SyntaxError<ErrorKind>;

/// Reads a search. Macro calls stay as they are written; what is not understood stands in the tree, with an error.
#[must_use]
pub fn parse(text: &str) -> Parsed<Pipeline, ErrorKind> {
    parse_with(text, &NoMacros)
}

/// Reads a search, and puts the definitions of `macros` in the places of their calls.
#[must_use]
pub fn parse_with(text: &str, macros: &dyn Macros) -> Parsed<Pipeline, ErrorKind> {
    let mut errors = Vec::new();
    let (tree, _) = read(text, macros, &mut errors);
    let said: HashSet<Span> = errors.iter().map(|error| error.span).collect();
    for node in tree.walk() {
        let (text, kind, span) = match node {
            Node::Segment(Segment { command: Command::Opaque { text, kind }, span, .. })
            | Node::Search(Search::Opaque { text, kind, span })
            | Node::Expr(Expr { kind: ExprKind::Opaque { text, kind }, span, .. }) => (text, *kind, *span),
            _ => continue,
        };
        if !said.contains(&span) {
            errors.push(Error::new(kind, span, format!("`{text}` is not understood: {kind}.")));
        }
    }
    Parsed { tree, errors }
}

/// The tree of a whole search, and what the work of reading the texts of macros was.
pub(crate) fn read(text: &str, macros: &dyn Macros, errors: &mut Vec<Error>) -> (Pipeline, usize) {
    let mut bounds = Bounds::default();
    let pipeline = parse_text(text, Origin::Verbatim(0), macros, errors, &mut bounds);
    (pipeline, bounds.work())
}

/// Reads a condition that stands for the part `span` of the author's text, in the language of `search`; with the work that
/// it was.
#[cfg(feature = "conditions")]
pub(crate) fn read_condition(
    text: &str,
    span: Span,
    macros: &dyn Macros,
    errors: &mut Vec<Error>,
) -> (Option<Search>, usize) {
    let mut bounds = Bounds::default();
    let source = expand(text, Origin::Fixed(span), macros, errors, &mut bounds.room);
    let mut parser = Parser { source: &source, macros, errors, bounds: &mut bounds };
    let search = search::parse(&mut parser, 0, source.text().len());
    (search, text.len() / BYTES_PER_WORK + bounds.work())
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
    /// What reading the texts of macros costs.
    fn work(&self) -> usize {
        (MAX_EXPANDED - self.room) / BYTES_PER_WORK
    }
}

fn parse_text(
    text: &str,
    origin: Origin,
    macros: &dyn Macros,
    errors: &mut Vec<Error>,
    bounds: &mut Bounds,
) -> Pipeline {
    let source = expand(text, origin, macros, errors, &mut bounds.room);
    let mut parser = Parser { source: &source, macros, errors, bounds };
    parser.pipeline(0, source.text().len(), true)
}

/// Reads one expanded text.
pub(crate) struct Parser<'s> {
    pub(crate) source: &'s Source,
    macros: &'s dyn Macros,
    pub(crate) errors: &'s mut Vec<Error>,
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
            self.errors.push(Error::new(ErrorKind::UnclosedBracket, span, "a sub-search is not closed"));
        }
        self.nested(start, |parser| parser.pipeline(start + 1, if closed { end - 1 } else { end }, false))
    }

    /// The pipeline in a text in quotes.
    pub(crate) fn quoted(&mut self, token: Token) -> Pipeline {
        let text = search::unescape(search::unquoted(self.text(token), '"'));
        let span = self.source.span(token.start, token.end);
        self.nested(token.start, |parser| {
            parse_text(&text, Origin::Fixed(span), parser.macros, parser.errors, parser.bounds)
        })
    }

    /// The condition in a text in quotes, in the language of `search`.
    pub(crate) fn quoted_search(&mut self, start: usize, end: usize) -> Option<Search> {
        let text = search::unescape(search::unquoted(self.source.slice(start, end), '"'));
        let origin = Origin::Fixed(self.source.span(start, end));
        let source = expand(&text, origin, self.macros, self.errors, &mut self.bounds.room);
        let mut parser = Parser { source: &source, macros: self.macros, errors: self.errors, bounds: self.bounds };
        search::parse(&mut parser, 0, source.text().len())
    }

    fn nested(&mut self, start: usize, read: impl FnOnce(&mut Self) -> Pipeline) -> Pipeline {
        if !self.enter() {
            let span = self.source.span(start, start + 1);
            self.errors.push(Error::new(ErrorKind::TooDeep, span, "a sub-search stands too deep"));
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
                self.errors.push(Error::new(ErrorKind::TooManyCommands, span, "the rest is not read"));
                break;
            }
            let command = self.command(from, to, whole && at == 0);
            let text = (!is_whole(&command, text)).then(|| source.slice(from, to).to_owned());
            segments.push(Segment { command, stage, span, text });
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
            let kind = if is_macro { self.source.unresolved(from) } else { ErrorKind::UnknownCommand };
            return Command::Opaque { text: text.to_owned(), kind };
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

/// Whether the tree holds all that a command's text says.
fn is_whole(command: &Command, text: &str) -> bool {
    let is_named = |name: &str| {
        let first = text.trim_start().get(..name.len()).unwrap_or_default();
        first.eq_ignore_ascii_case(name)
    };
    match command {
        // `metasearch` searches too, and `fillnull` and `addinfo` define names.
        Command::Search(_) => !is_named("metasearch"),
        Command::Eval(_) => is_named("eval"),
        Command::Where(_) | Command::Regex { .. } | Command::Rename(_) | Command::Opaque { .. } => true,
        _ => false,
    }
}
