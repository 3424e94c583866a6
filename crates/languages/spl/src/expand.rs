//! Macros and comments: from the author's text to the text that is parsed.
//!
//! Splunk puts a macro's definition in the place of its call before it parses anything; macros inside double quotes
//! are not expanded ("Use search macros in searches", Knowledge Manager Manual). A comment stands between triple back
//! ticks.

use ruleatlas_core::Context;
use ruleatlas_model::{Diagnostic, Span};

use crate::{
    lexer::is_escape,
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
    context: &dyn Context,
    diagnostics: &mut Vec<Diagnostic>,
    room: &mut usize,
) -> Source {
    let mut expander = Expander {
        context,
        diagnostics,
        source: Source::default(),
        stack: Vec::new(),
        quoted: false,
        budget: 0,
        calls: 0,
    };
    expander.budget = text.len() + *room;
    expander.walk(text, origin);
    if expander.quoted {
        let message = "a text in double quotes is not closed; it is read to the end";
        let at = origin.span(text.len(), text.len());
        expander.diagnostics.push(Diagnostic::error("unbalanced quote", message).at(at));
    }
    *room = room.saturating_sub(expander.source.text().len().saturating_sub(text.len()));
    expander.source
}

struct Expander<'a> {
    context: &'a dyn Context,
    diagnostics: &'a mut Vec<Diagnostic>,
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
        let reason = if self.stack.contains(&key) {
            "macro calls itself"
        } else if self.stack.len() >= MAX_DEPTH {
            "macros are nested too deeply"
        } else if self.source.text().len() > self.budget || self.calls >= MAX_CALLS {
            "macro expansion is too large"
        } else if let Some(text) = self.definition(name, &arguments) {
            if text.len() + self.source.text().len() > self.budget {
                "macro expansion is too large"
            } else {
                self.calls += 1;
                self.stack.push(key);
                self.walk(&text, Origin::Fixed(span));
                self.stack.pop();
                return;
            }
        } else if name.ends_with("_filter") && arguments.is_empty() {
            // By convention: a stub that passes everything on until its user fills it.
            return;
        } else {
            "macro is not defined"
        };
        let message = format!("the macro `{name}` with {} arguments: {reason}", arguments.len());
        self.diagnostics.push(Diagnostic::warning(reason, message).at(span));
        self.source.push_unresolved(call, Origin::Fixed(span), reason);
    }

    /// A macro's text with its arguments in place; empty for a stub that passes everything on.
    fn definition(&self, name: &str, arguments: &[String]) -> Option<String> {
        if let Some(found) = self.context.macro_definition(name, arguments.len()) {
            let definition = found.definition.trim();
            if matches!(definition, "search *" | "*") {
                return Some(String::new());
            }
            return Some(substitute(definition, found.parameters, arguments, self.budget));
        }
        match (name, arguments) {
            // Comes with Splunk.
            ("comment", [_]) => Some(String::new()),
            // Comes with Splunk's Common Information Model add-on.
            ("drop_dm_object_name", [object]) => Some(format!("rename \"{object}.*\" as *")),
            _ => None,
        }
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

/// Puts arguments in the places of `$parameter$`.
fn substitute(definition: &str, parameters: &[String], arguments: &[String], limit: usize) -> String {
    let mut text = String::with_capacity(definition.len());
    let mut rest = definition;
    while let Some(at) = rest.find('$') {
        let (before, after) = rest.split_at(at);
        text.push_str(before);
        let named = after[1..].find('$').map(|length| &after[1..=length]);
        let argument = named.and_then(|name| {
            let place = parameters.iter().position(|parameter| parameter == name)?;
            arguments.get(place).map(|argument| (name, argument))
        });
        match argument {
            Some((name, argument)) if text.len() <= limit => {
                text.push_str(argument);
                rest = &after[name.len() + 2..];
            }
            _ => {
                text.push('$');
                rest = &after[1..];
            }
        }
    }
    text.push_str(rest);
    text
}
