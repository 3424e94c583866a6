//! Macros and comments: from the author's text to the text that is parsed.
//!
//! Splunk puts a macro's definition in the place of its call before it parses anything; macros inside double quotes
//! are not expanded ("Use search macros in searches", Knowledge Manager Manual). A comment stands between triple back
//! ticks.

use ruleatlas_syntax::Span;

use crate::{
    error::ErrorKind,
    lexer::is_escape,
    macros::{Macros, unresolved},
    parser::Error,
    source::{Origin, Source},
};

/// How deep macros may call each other.
const MAX_DEPTH: usize = 32;
/// How many bytes a query may grow by its macros, all its texts in quotes included.
pub(crate) const MAX_EXPANDED: usize = 1 << 20;
/// How many macro calls a query may come to.
const MAX_CALLS: usize = 10_000;
/// How long a macro call may be.
const MAX_CALL: usize = 1 << 14;

/// Expands the macros of `text` and takes its comments out. What it grows by is taken from `room`.
pub(crate) fn expand(
    text: &str,
    origin: Origin,
    macros: &dyn Macros,
    errors: &mut Vec<Error>,
    room: &mut usize,
) -> Source {
    let mut expander =
        Expander { macros, errors, source: Source::default(), stack: Vec::new(), quoted: false, budget: 0, calls: 0 };
    expander.budget = text.len() + *room;
    expander.walk(text, origin);
    if expander.quoted {
        let message = "a text in double quotes is not closed; it is read to the end";
        let at = origin.span(text.len(), text.len());
        expander.errors.push(Error::new(ErrorKind::UnclosedQuote, at, message));
    }
    *room = room.saturating_sub(expander.source.text().len().saturating_sub(text.len()));
    expander.source
}

struct Expander<'a> {
    macros: &'a dyn Macros,
    errors: &'a mut Vec<Error>,
    source: Source,
    /// The macros whose definitions are being expanded.
    stack: Vec<(String, usize)>,
    quoted: bool,
    /// How many bytes the text may come to.
    budget: usize,
    calls: usize,
}

impl Expander<'_> {
    fn walk(&mut self, text: &str, origin: Origin) {
        let bytes = text.as_bytes();
        let mut plain = 0;
        let mut at = 0;
        while at < bytes.len() {
            match bytes[at] {
                b'\\' if is_escape(bytes, at) => at += 2,
                b'"' => {
                    self.quoted = !self.quoted;
                    at += 1;
                }
                b'`' if !self.quoted => {
                    let end = if text[at..].starts_with("```") {
                        text[at + 3..].find("```").map(|length| at + 3 + length + 3)
                    } else {
                        call_end(text, at)
                    };
                    let Some(end) = end else {
                        at += 1;
                        continue;
                    };
                    self.emit(&text[plain..at], origin.at(plain));
                    if text[at..].starts_with("```") {
                        self.emit(" ", Origin::Fixed(origin.span(at, end)));
                    } else {
                        self.call(&text[at..end], origin.span(at, end));
                    }
                    at = end;
                    plain = end;
                }
                _ => at += 1,
            }
        }
        self.emit(text.get(plain..).unwrap_or_default(), origin.at(plain));
    }

    fn emit(&mut self, text: &str, origin: Origin) {
        let written = self.stack.is_empty();
        self.source.push(text, origin, written);
    }

    fn call(&mut self, call: &str, span: Span) {
        let inner = call.trim_matches('`').trim();
        let (name, arguments) = split_call(inner);
        let key = (name.to_owned(), arguments.len());
        let kind = if self.stack.contains(&key) {
            ErrorKind::RecursiveMacro
        } else if self.stack.len() >= MAX_DEPTH {
            ErrorKind::DeepMacro
        } else if self.source.text().len() > self.budget || self.calls >= MAX_CALLS {
            ErrorKind::LargeMacro
        } else if let Some(text) = self.macros.expand(name, &arguments, self.budget) {
            if text.len() + self.source.text().len() > self.budget {
                ErrorKind::LargeMacro
            } else {
                self.calls += 1;
                self.stack.push(key);
                self.walk(&text, Origin::Fixed(span));
                self.stack.pop();
                return;
            }
        } else {
            ErrorKind::UndefinedMacro
        };
        self.errors.push(unresolved(name, arguments.len(), kind, span));
        self.source.push_unresolved(call, Origin::Fixed(span), kind);
    }
}

/// The end of the macro call that begins with the back tick at `start`.
fn call_end(text: &str, start: usize) -> Option<usize> {
    let mut quoted = false;
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(start + 1).take(MAX_CALL) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => quoted = !quoted,
            b'`' if !quoted => return Some(at + 1),
            _ => {}
        }
    }
    text.bytes().enumerate().skip(start + 1).take(MAX_CALL).find(|(_, byte)| *byte == b'`').map(|(at, _)| at + 1)
}

/// `name(a, "b, c")` as the name and the arguments, quotes taken off.
fn split_call(call: &str) -> (&str, Vec<String>) {
    let Some((name, rest)) = call.split_once('(') else { return (call, Vec::new()) };
    let rest = rest.trim_end();
    let inner = rest.strip_suffix(')').unwrap_or(rest);
    if inner.trim().is_empty() {
        return (name.trim(), Vec::new());
    }
    let mut arguments = vec![String::new()];
    let (mut quoted, mut depth) = (false, 0_usize);
    let mut chars = inner.chars();
    while let Some(character) = chars.next() {
        match character {
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth = depth.saturating_sub(1),
            ',' if !quoted && depth == 0 => {
                arguments.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = arguments.last_mut() {
            last.push(character);
            if character == '\\' {
                last.extend(chars.next());
            }
        }
    }
    (name.trim(), arguments.iter().map(|argument| unquote(argument.trim())).collect())
}

fn unquote(argument: &str) -> String {
    match argument.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) if !inner.is_empty() => inner.replace("\\\"", "\""),
        _ => argument.to_owned(),
    }
}
