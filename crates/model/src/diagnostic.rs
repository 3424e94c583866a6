use std::borrow::Cow;

use ruleatlas_syntax::{ErrorKind, Level, Span, SyntaxError};
use serde::{Deserialize, Serialize};

/// What is wrong with a rule or a file, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Diagnostic {
    /// How grave it is.
    pub level: Level,
    /// What groups alike cases, and is counted by the parse ledger: a short phrase (`unknown modifier`), before which an error
    /// of syntax has its stable code (`EQL001 unexpected text`).
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub code: Cow<'static, str>,
    /// What failed and what to do, in one sentence.
    pub message: String,
    /// Where in the query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<[u32; 2]>))]
    pub span: Option<Span>,
    /// The one-based line in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
}

impl Diagnostic {
    /// The code of a rule whose id another rule has as well.
    pub const DUPLICATE_ID: &'static str = "duplicate id";

    /// The code of a file that has a key twice in one mapping.
    pub const DUPLICATE_KEY: &'static str = "duplicate key";

    /// Whether it says that a file contradicts another or itself: that is said in full wherever the catalog is summed up,
    /// as nothing else shows it.
    #[must_use]
    pub fn is_contradiction(&self) -> bool {
        [Self::DUPLICATE_ID, Self::DUPLICATE_KEY].contains(&self.code.as_ref())
    }

    /// Something could not be understood.
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Level::Error, code, message)
    }

    /// Something is odd, and was understood all the same.
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Level::Warning, code, message)
    }

    /// Worth knowing.
    pub fn note(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Level::Note, code, message)
    }

    fn new(level: Level, code: &'static str, message: impl Into<String>) -> Self {
        Self { level, code: Cow::Borrowed(code), message: message.into(), span: None, line: None }
    }

    /// With its place in the query.
    #[must_use]
    pub fn at(mut self, span: Span) -> Self {
        self.span = Some(span);
        self
    }

    /// With its one-based line in the file.
    #[must_use]
    pub fn on_line(mut self, line: u32) -> Self {
        self.line = Some(line);
        self
    }
}

impl<K: ErrorKind> From<SyntaxError<K>> for Diagnostic {
    fn from(error: SyntaxError<K>) -> Self {
        let info = error.kind.info();
        Self::new(info.level, info.label, error.message).at(error.span)
    }
}
