use std::fmt;

use ruleatlas_model::Span;

/// What a condition says of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The event is selected.
    Holds,
    /// The event is not selected.
    Fails,
    /// What could not be known decides; the reasons stand in the order of the query, each once.
    Unknown(Vec<Reason>),
}

impl Verdict {
    /// `holds`, `fails` or `unknown`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Fails => "fails",
            Self::Unknown(_) => "unknown",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())?;
        if let Self::Unknown(reasons) = self {
            for (at, reason) in reasons.iter().enumerate() {
                write!(f, "{} {reason}", if at == 0 { ":" } else { ";" })?;
            }
        }
        Ok(())
    }
}

/// Why something cannot be known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reason {
    /// A short phrase that groups alike cases (`list is not known`).
    pub why: String,
    /// The part it is about: an opaque part's text, a list's name, a regular expression.
    pub text: String,
    /// Where the part stands in the query.
    pub span: Span,
}

impl Reason {
    pub(crate) fn new(why: impl Into<String>, text: impl Into<String>, span: Span) -> Self {
        Self { why: why.into(), text: text.into(), span }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)?;
        if !self.text.is_empty() {
            write!(f, " ({})", self.text)?;
        }
        Ok(())
    }
}

/// The four values inside a tree: Kleene's three, and SQL's null beside them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Truth {
    Fails,
    Null,
    Unknown,
    Holds,
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::Holds } else { Self::Fails }
    }
}

impl std::ops::Not for Truth {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::Holds => Self::Fails,
            Self::Fails => Self::Holds,
            Self::Null | Self::Unknown => self,
        }
    }
}
