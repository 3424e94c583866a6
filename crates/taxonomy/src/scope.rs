//! Where a name holds: patterns over the names of data sources.

use ruleatlas_model::{DataSource, SourceKind};
use serde::{
    Deserialize,
    de::{IntoDeserializer, value},
};

/// A name of a data source, in lower case, and what kind of name it is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Placename<'a> {
    Source(&'a DataSource),
    LogSource(&'a str),
}

/// A pattern over names of data sources: `kind:name`, or `name` of any kind; `*` at the end stands for anything.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Pattern {
    kind: Kind,
    /// In lower case, without the `*`.
    pub name: String,
    pub open: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Any,
    Source(SourceKind),
    /// A log source of this taxonomy.
    LogSource,
}

impl Pattern {
    /// Reads `kind:name` or `name`. A colon behind a word that is no kind belongs to the name.
    pub fn read(text: &str) -> Self {
        let (kind, name) = match text.split_once(':') {
            Some(("log_source", name)) => (Kind::LogSource, name),
            Some((kind, name)) if source_kind(kind).is_some() => {
                (source_kind(kind).map_or(Kind::Any, Kind::Source), name)
            }
            _ => (Kind::Any, text),
        };
        Self::new(kind, name)
    }

    pub fn of_kind(kind: SourceKind, name: &str) -> Self {
        Self::new(Kind::Source(kind), name)
    }

    fn new(kind: Kind, name: &str) -> Self {
        let open = name.ends_with('*');
        Self { kind, name: name.trim_end_matches('*').to_lowercase(), open }
    }

    /// Whether the pattern asks for names of this kind alone.
    pub fn is_of(&self, kind: SourceKind) -> bool {
        self.kind == Kind::Source(kind)
    }

    /// The data source that the pattern names, if it names one alone.
    pub fn source(&self) -> Option<DataSource> {
        match self.kind {
            Kind::Source(kind) if !self.open => Some(DataSource::new(kind, self.name.as_str())),
            _ => None,
        }
    }

    /// The log source that the pattern names, if it names one by kind.
    pub fn log_source(&self) -> Option<&str> {
        (self.kind == Kind::LogSource && !self.open).then_some(self.name.as_str())
    }

    pub fn matches(&self, place: Placename<'_>) -> bool {
        let name = match (self.kind, place) {
            (Kind::Any, Placename::Source(source)) => &source.name,
            (Kind::Source(kind), Placename::Source(source)) if kind == source.kind => &source.name,
            (Kind::Any | Kind::LogSource, Placename::LogSource(name)) => name,
            _ => return false,
        };
        let stars = |name: &str| name.starts_with('*') || name.ends_with('*');
        if let Placename::Source(source) = place
            && takes_patterns(source.kind)
            && stars(name)
        {
            return self.covers_starred(name);
        }
        if self.open { starts_with(name, &self.name) } else { same(name, &self.name) }
    }

    /// Whether the pattern is meant by a search's own pattern (`*WinEventLog:Security`, `cisco:asa*`): a row that knows
    /// the beginning of a name knows all names that begin so, and an exact row is among those that the search covers.
    fn covers_starred(&self, name: &str) -> bool {
        let literal = name.trim_matches('*').to_lowercase();
        if literal.len() < 4 {
            return false;
        }
        if self.open && (literal.starts_with(&self.name) || name.starts_with('*') && literal.contains(&self.name)) {
            return true;
        }
        match (name.starts_with('*'), name.ends_with('*') || self.open) {
            (true, true) => self.name.contains(&literal),
            (true, false) => self.name.ends_with(&literal),
            (false, _) => self.name.starts_with(&literal),
        }
    }

    /// How much a match with a data source says. Of rows that a search's own pattern covers, one that is the same pattern says
    /// most (`cisco:*`), and no other more than another; a row that knows only a beginning of the pattern says least.
    pub fn weight_at(&self, source: &DataSource) -> usize {
        let is_starred = source.name.starts_with('*') || source.name.ends_with('*');
        if !is_starred || !takes_patterns(source.kind) {
            return self.weight();
        }
        let literal = source.name.trim_matches('*').to_lowercase();
        match () {
            () if self.open && self.name == literal => 5000,
            () if self.name.contains(&literal) => 4000,
            () => self.name.len().min(999),
        }
    }

    /// How narrow the pattern is: the higher, the more it says. A product or platform says least, an exact name more than an open one.
    pub fn weight(&self) -> usize {
        let is_broad = matches!(self.kind, Kind::Source(SourceKind::Product | SourceKind::Platform));
        let breadth = if is_broad { 0 } else { 2000 };
        breadth + if self.open { 0 } else { 1000 } + self.name.len().min(999)
    }
}

/// Whether a query may write a pattern where it names a data source of this kind.
pub(crate) fn takes_patterns(kind: SourceKind) -> bool {
    matches!(kind, SourceKind::Source | SourceKind::SourceType | SourceKind::Table)
}

pub(crate) fn source_kind(name: &str) -> Option<SourceKind> {
    let name: value::StrDeserializer<'_, value::Error> = name.into_deserializer();
    SourceKind::deserialize(name).ok()
}

/// Whether `name` is `lower` without regard to case; `lower` is in lower case.
pub(crate) fn same(name: &str, lower: &str) -> bool {
    if name.is_ascii() { name.eq_ignore_ascii_case(lower) } else { name.to_lowercase() == lower }
}

fn starts_with(name: &str, lower: &str) -> bool {
    match name.as_bytes().get(..lower.len()) {
        Some(head) if lower.is_ascii() => head.eq_ignore_ascii_case(lower.as_bytes()),
        Some(_) => name.to_lowercase().starts_with(lower),
        None => false,
    }
}
