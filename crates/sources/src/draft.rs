use std::borrow::Cow;

use ruleatlas_core::{Context, NoContext};
use ruleatlas_model::{DataSource, Rule};
use ruleatlas_yaml::Node;

use crate::{SourceFile, attack::TagPlace};

/// How one vendor lays out its rules.
pub trait Format: Sync {
    /// The endings of files that may hold its rules, in lower case. They decide which formats a file is tried with that
    /// belongs to no source.
    fn extensions(&self) -> &'static [&'static str];

    /// Whether a file says by itself that its rules are of this format, so that no other is tried.
    fn claims(&self, _file: &SourceFile) -> bool {
        false
    }

    /// Whether its files may hold text in Windows-1252 besides Unicode.
    fn has_windows_text(&self) -> bool {
        false
    }

    /// Whether a file of it may be a package that holds others.
    fn has_packages(&self) -> bool {
        false
    }

    /// What the source's queries may ask for: macros, lists, modules. Made once, from all files of the source.
    fn context<'a>(&self, _files: &'a [SourceFile]) -> Box<dyn Context + 'a> {
        Box::new(NoContext)
    }

    /// Hands every rule of a file to `sink`, in order, and says what became of the file.
    fn read(&self, file: &SourceFile, sink: &mut dyn FnMut(Draft<'_>)) -> Outcome;

    /// [`read`](Self::read) for a format whose rules lie in more than one file: `context` is what
    /// [`context`](Self::context) gave.
    fn read_in(&self, file: &SourceFile, _context: &dyn Context, sink: &mut dyn FnMut(Draft<'_>)) -> Outcome {
        self.read(file, sink)
    }
}

/// A rule before its query is parsed.
#[derive(Clone, Debug)]
pub struct Draft<'a> {
    /// Everything that stands beside the query, and the query's text. What follows from the query or from the
    /// knowledge of names is still empty: `conditions` holds only what the format has beside the query and every step
    /// is subject to (Kibana's filters).
    pub rule: Rule,
    /// The tags that may name techniques and tactics.
    pub tags: Vec<RawTag>,
    /// The YAML that the query is written in, and the offset in the file where the query's text begins.
    pub tree: Option<(&'a Node<'a>, usize)>,
    /// What the rule's metadata says it reads.
    pub sources: Vec<DataSource>,
}

/// A tag of a rule, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawTag {
    /// As written.
    pub text: String,
    /// Where it stands, and by that what it can mean.
    pub place: TagPlace,
    /// Whether it stands in running text rather than in metadata.
    pub inferred: bool,
    /// The one-based line in the file.
    pub line: u32,
}

impl RawTag {
    /// A tag in metadata.
    #[must_use]
    pub fn new(text: impl Into<String>, place: TagPlace, line: u32) -> Self {
        Self { text: text.into(), place, inferred: false, line }
    }

    /// A technique that running text names.
    #[must_use]
    pub fn inferred(text: impl Into<String>, line: u32) -> Self {
        Self { text: text.into(), place: TagPlace::Any, inferred: true, line }
    }
}

/// What became of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It holds rules.
    Rules,
    /// It holds none: why, as a phrase that groups alike files.
    NotARule(Cow<'static, str>),
    /// It should hold rules and cannot be read: why, and the one-based line.
    Unreadable(String, Option<u32>),
}
