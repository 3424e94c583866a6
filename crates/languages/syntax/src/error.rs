use std::{error, fmt};

use crate::Span;

/// How severe an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Level {
    /// Worth knowing; nothing is lost.
    Note,
    /// Something is odd or forbidden, and was understood all the same.
    Warning,
    /// Something could not be understood.
    Error,
}

/// What is known of a kind of error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ErrorInfo {
    /// The code (`EQL003`). It is never given to another kind.
    pub code: &'static str,
    /// How severe it is.
    pub level: Level,
    /// A short phrase for it.
    pub title: &'static str,
    /// The code and the phrase, for lists of errors (`EQL003 comment is not closed`).
    pub label: &'static str,
    /// A text that has the error.
    pub example: &'static str,
    /// What to do, in one sentence.
    pub remedy: &'static str,
}

/// The kinds of errors of a language; [`error_kinds!`](crate::error_kinds) implements it.
pub trait ErrorKind: Copy + fmt::Debug + 'static {
    /// Every kind, in the order of their codes.
    fn all() -> &'static [Self];

    /// What is known of the kind.
    fn info(self) -> &'static ErrorInfo;

    /// The code.
    fn code(self) -> &'static str {
        self.info().code
    }

    /// A short phrase.
    fn title(self) -> &'static str {
        self.info().title
    }
}

/// What is wrong with a text, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError<K> {
    /// What kind of error it is.
    pub kind: K,
    /// Where.
    pub span: Span,
    /// What is wrong here and what to do, in one or two sentences.
    pub message: String,
}

impl<K> SyntaxError<K> {
    /// An error.
    pub fn new(kind: K, span: Span, message: impl Into<String>) -> Self {
        Self { kind, span, message: message.into() }
    }
}

impl<K: ErrorKind> fmt::Display for SyntaxError<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}: {}", self.kind.code(), self.span.start, self.message)
    }
}

impl<K: ErrorKind> error::Error for SyntaxError<K> {}

#[cfg(feature = "serde")]
impl<K: ErrorKind> serde::Serialize for SyntaxError<K> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let info = self.kind.info();
        let mut fields = serializer.serialize_struct("SyntaxError", 5)?;
        fields.serialize_field("code", info.code)?;
        fields.serialize_field("level", &info.level)?;
        fields.serialize_field("title", info.title)?;
        fields.serialize_field("message", &self.message)?;
        fields.serialize_field("span", &self.span)?;
        fields.end()
    }
}

/// Declares the kinds of errors of a language as one table: the variant, its code, how severe it is, a phrase, a text that
/// has the error, and what to do about it.
///
/// The crate that declares them has a feature `serde`, which adds the dependency of this name.
#[macro_export]
macro_rules! error_kinds {
    (
        $(#[$meta:meta])*
        $visibility:vis enum $name:ident {
            $($variant:ident = $code:literal, $level:ident, $title:literal, example: $example:expr, remedy: $remedy:literal;)+
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "serde", derive(::serde::Serialize, ::serde::Deserialize))]
        #[non_exhaustive]
        $visibility enum $name {
            $(
                #[doc = concat!("`", $code, "`: ", $title, ". ", $remedy)]
                $variant,
            )+
        }

        impl $crate::ErrorKind for $name {
            fn all() -> &'static [Self] {
                &[$(Self::$variant),+]
            }

            fn info(self) -> &'static $crate::ErrorInfo {
                match self {
                    $(Self::$variant => &$crate::ErrorInfo {
                        code: $code,
                        level: $crate::Level::$level,
                        title: $title,
                        label: concat!($code, " ", $title),
                        example: $example,
                        remedy: $remedy,
                    },)+
                }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str($crate::ErrorKind::title(*self))
            }
        }
    };
}
