use std::fmt;

/// One thing that is wrong with a data file, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The file's name, as given to [`crate::Taxonomy::load`].
    pub file: String,
    /// The one-based line.
    pub line: u32,
    /// What is wrong, in one sentence.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)
    }
}

/// Why a taxonomy did not load: everything that is wrong with its files, one fault a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Error {
    /// The faults, in the order of the files; never empty.
    pub faults: Vec<Fault>,
}
