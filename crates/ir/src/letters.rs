//! The case of letters.

use std::rc::Rc;

/// What was done to the letters of a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Letters {
    /// Nothing.
    #[default]
    AsWritten,
    /// They were brought to one case, so that no comparison tells cases apart.
    AnyCase,
    /// They were brought to lower case.
    Lower,
    /// They were brought to upper case.
    Upper,
}

impl Letters {
    /// Whether no comparison tells cases apart.
    pub fn is_any_case(self) -> bool {
        self != Self::AsWritten
    }

    /// Whether a value with such letters can have this text in it.
    pub fn allow(self, text: &str) -> bool {
        match self {
            Self::AsWritten | Self::AnyCase => true,
            Self::Lower => !text.bytes().any(|byte| byte.is_ascii_uppercase()),
            Self::Upper => !text.bytes().any(|byte| byte.is_ascii_lowercase()),
        }
    }

    /// A text with such letters.
    pub fn of(self, text: &Rc<str>) -> Rc<str> {
        match self {
            Self::AsWritten | Self::AnyCase => Rc::clone(text),
            Self::Lower => text.to_lowercase().into(),
            Self::Upper => text.to_uppercase().into(),
        }
    }
}
