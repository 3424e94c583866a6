use ruleatlas_core::clip;
use ruleatlas_model::{Diagnostic, Level, Node, Span};
use ruleatlas_yaml::Node as Yaml;

/// Diagnostics one rule may give before the rest is left out.
const MAX_DIAGNOSTICS: usize = 200;

/// How many bytes of the rule's text a message or an opaque part may repeat.
const MAX_TEXT: usize = 4 << 10;

/// Where in the file something stands: a byte range, and the one-based line it begins on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub start: usize,
    pub end: usize,
    pub line: u32,
}

impl Place {
    pub(crate) fn of(node: &Yaml<'_>) -> Self {
        Self { start: node.start, end: node.end, line: node.line }
    }

    /// From the start of an entry's key to the end of its value.
    pub(crate) fn of_entry(key: &Yaml<'_>, value: &Yaml<'_>) -> Self {
        Self { start: key.start, end: value.end.max(key.end), line: key.line }
    }
}

/// The text that readers see, and what is said about it.
pub(crate) struct Report<'q> {
    text: &'q str,
    base: usize,
    diagnostics: Vec<Diagnostic>,
    muted: bool,
}

impl<'q> Report<'q> {
    /// `base` is the offset in the file at which `text` begins.
    pub(crate) fn new(text: &'q str, base: usize) -> Self {
        Self { text, base, diagnostics: Vec::new(), muted: false }
    }

    pub(crate) fn finish(self) -> Vec<Diagnostic> {
        self.diagnostics
    }

    /// Whether nothing is to be said: a selection that is read a second time has said it all.
    pub(crate) fn mute(&mut self, muted: bool) {
        self.muted = muted;
    }

    pub(crate) fn span(&self, place: Place) -> Span {
        Span::new(place.start, place.end).relative_to(self.base)
    }

    pub(crate) fn error(&mut self, code: &'static str, message: impl Into<String>, place: Place) {
        self.say(Diagnostic::error(code, message), place);
    }

    pub(crate) fn warning(&mut self, code: &'static str, message: impl Into<String>, place: Place) {
        self.say(Diagnostic::warning(code, message), place);
    }

    /// An error, and the opaque node that stands for the broken part; `code` is both the diagnostic's and the reason.
    pub(crate) fn broken(&mut self, code: &'static str, message: impl Into<String>, place: Place) -> Node {
        self.error(code, message, place);
        self.opaque(code, place)
    }

    pub(crate) fn opaque(&self, reason: &'static str, place: Place) -> Node {
        let span = self.span(place);
        Node::opaque(clip(span.of(self.text).unwrap_or_default(), MAX_TEXT), reason, span)
    }

    fn say(&mut self, diagnostic: Diagnostic, place: Place) {
        let diagnostic = diagnostic.on_line(place.line);
        // A log source, say, stands outside of a text that is just the detection.
        let is_inside = place.start >= self.base && place.end.saturating_sub(self.base) <= self.text.len();
        let diagnostic = if is_inside { diagnostic.at(self.span(place)) } else { diagnostic };
        self.push(diagnostic);
    }

    /// Adds what was not said before.
    pub(crate) fn push_once(&mut self, diagnostic: Diagnostic) {
        if !self.diagnostics.contains(&diagnostic) {
            self.push(diagnostic);
        }
    }

    /// Adds what is said of the rule as a whole, whatever is read a second time.
    pub(crate) fn push_unmuted(&mut self, diagnostic: Diagnostic) {
        let muted = std::mem::replace(&mut self.muted, false);
        self.push(diagnostic);
        self.muted = muted;
    }

    pub(crate) fn push(&mut self, mut diagnostic: Diagnostic) {
        if diagnostic.message.len() > MAX_TEXT {
            diagnostic.message = clip(&diagnostic.message, MAX_TEXT);
        }
        let is_error = diagnostic.level == Level::Error;
        let room = self.diagnostics.len() < MAX_DIAGNOSTICS
            || (is_error && !self.diagnostics.iter().any(|earlier| earlier.level == Level::Error));
        if !self.muted && room {
            self.diagnostics.push(diagnostic);
        }
    }
}
