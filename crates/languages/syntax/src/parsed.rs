use crate::{ErrorKind, Level, SyntaxError};

/// What came of a text: a tree, whatever the text, and what is wrong with it.
///
/// A part that is not of the language stands in the tree as a node that says so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(bound = "T: serde::Serialize, K: ErrorKind"))]
pub struct Parsed<T, K> {
    /// The tree.
    pub tree: T,
    /// What is wrong or odd, in the order in which it was found.
    pub errors: Vec<SyntaxError<K>>,
}

impl<T, K: ErrorKind> Parsed<T, K> {
    /// Whether all of the text was understood: there may be warnings and notes, but no error.
    #[must_use]
    pub fn is_understood(&self) -> bool {
        self.errors.iter().all(|error| error.kind.info().level != Level::Error)
    }

    /// The tree of a text that was understood, or what is wrong with it; warnings and notes are left out.
    ///
    /// # Errors
    /// The errors of the text, if there is one of [`Level::Error`].
    pub fn into_result(self) -> Result<T, Vec<SyntaxError<K>>> {
        if self.is_understood() { Ok(self.tree) } else { Err(self.errors) }
    }

    /// The same with another tree.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Parsed<U, K> {
        Parsed { tree: change(self.tree), errors: self.errors }
    }
}
