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
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Fails => "fails",
            Self::Unknown(_) => "unknown",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())?;
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
    /// Why a comparison is unknown whose field the telemetry never carries; the text is the field.
    pub const BLIND: &'static str = "telemetry does not carry the field";

    pub(crate) fn new(why: impl Into<String>, text: impl Into<String>, span: Span) -> Self {
        Self { why: why.into(), text: text.into(), span }
    }
}

/// A reason of a [`RuleSet`](crate::RuleSet), as it stands there: the same texts at the same place are the same reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReasonRef<'s> {
    /// As [`Reason::why`].
    pub why: &'s str,
    /// As [`Reason::text`].
    pub text: &'s str,
    /// As [`Reason::span`].
    pub span: Span,
}

impl<'s> From<&'s Reason> for ReasonRef<'s> {
    fn from(reason: &'s Reason) -> Self {
        Self { why: &reason.why, text: &reason.text, span: reason.span }
    }
}

impl From<ReasonRef<'_>> for Reason {
    fn from(reason: ReasonRef<'_>) -> Self {
        Self::new(reason.why, reason.text, reason.span)
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

/// Why a literal of a predicate cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnknownReason {
    UnknownList,
    Placeholder,
    PatternCannotBeEncoded,
    ModifierDoesNotApply,
    EncodedValueIsNoText,
    TooManyEncodings,
    ValueIsNoNetwork,
    OperatorTakesNoLiteral,
    RegexTooLarge,
    RegexLooksAround,
    RegexRefersBack,
    RegexUnreadable,
}

impl UnknownReason {
    /// The short phrase that groups alike cases.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::UnknownList => "list is not known",
            Self::Placeholder => "placeholder is filled in from outside",
            Self::PatternCannotBeEncoded => "pattern cannot be encoded",
            Self::ModifierDoesNotApply => "modifier does not go with the operator",
            Self::EncodedValueIsNoText => "encoded value is no text",
            Self::TooManyEncodings => "value has too many encodings",
            Self::ValueIsNoNetwork => "value is no network",
            Self::OperatorTakesNoLiteral => "operator takes no literal",
            Self::RegexTooLarge => "regular expression is too large",
            Self::RegexLooksAround => "regular expression looks around",
            Self::RegexRefersBack => "regular expression refers back",
            Self::RegexUnreadable => "regular expression cannot be read",
        }
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

/// Whether a part of a condition is what its place in the condition wants: that it holds, or under an odd number of `not`s
/// that it fails. A null is neither, whatever an unknown part beside it turns out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Selection {
    Holds,
    Fails,
    Unknown,
}

impl Selection {
    /// Whether a comparison is as wanted.
    pub(crate) fn of(truth: Truth, wanted: bool) -> Self {
        match truth {
            Truth::Unknown => Self::Unknown,
            Truth::Holds if wanted => Self::Holds,
            Truth::Fails if !wanted => Self::Holds,
            _ => Self::Fails,
        }
    }

    /// What of the parts decides by itself, and what it is where none does: every part must be as wanted, or one.
    pub(crate) fn of_many(every: bool) -> (Self, Self) {
        if every { (Self::Fails, Self::Holds) } else { (Self::Holds, Self::Fails) }
    }
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
