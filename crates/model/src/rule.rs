use serde::{Deserialize, Serialize};

use crate::{Condition, Diagnostic, EventLink, Extra, Language, Level, Node, Vendor, named::named};

named! {
    /// How much of a rule's query was understood.
    ParseStatus {
        /// All of it.
        Full = "full",
        /// Some of it; the rest stands as opaque parts and diagnostics.
        Partial = "partial",
        /// None of it.
        Failed = "failed",
        /// There is no query (a machine-learning job).
        NoQuery = "no_query",
    }
}

named! {
    /// How far a rule or a file falls short of being understood.
    FaultKind {
        /// Nothing of the query was understood.
        Failed = "failed",
        /// There is no query.
        NoQuery = "no_query",
        /// Some of the query was understood.
        Partial = "partial",
        /// A file, or what a catalog holds of a rule, cannot be read.
        Unreadable = "unreadable",
    }
}

impl FaultKind {
    /// What a rule of this status falls short in; `None` for one that is understood in full.
    #[must_use]
    pub fn of(status: ParseStatus) -> Option<Self> {
        match status {
            ParseStatus::Full => None,
            ParseStatus::Partial => Some(Self::Partial),
            ParseStatus::Failed => Some(Self::Failed),
            ParseStatus::NoQuery => Some(Self::NoQuery),
        }
    }
}

named! {
    /// What was found in a file.
    FileOutcome {
        /// Rules.
        Rules = "rules",
        /// No rule.
        NotARule = "not_a_rule",
        /// Nothing that can be read.
        Unreadable = "unreadable",
    }
}

named! {
    /// How grave the author calls a hit.
    Severity {
        /// For information.
        Informational = "informational",
        /// Low.
        Low = "low",
        /// Medium.
        Medium = "medium",
        /// High.
        High = "high",
        /// Critical.
        Critical = "critical",
    }
}

named! {
    /// How mature the author calls the rule.
    Status {
        /// Stable or in production.
        Stable = "stable",
        /// In test.
        Test = "test",
        /// An experiment, or in development.
        Experimental = "experimental",
        /// Given up by its author: in the catalog, outside every count unless asked for.
        Deprecated = "deprecated",
        /// Not supported by the common tools: in the catalog, outside every count unless asked for.
        Unsupported = "unsupported",
    }
}

impl Status {
    /// Whether rules of this status are counted without being asked for.
    #[must_use]
    pub fn is_counted(self) -> bool {
        !matches!(self, Self::Deprecated | Self::Unsupported)
    }
}

named! {
    /// What kind of text the rule is.
    Kind {
        /// A detection rule.
        Rule = "rule",
        /// A rule over the hits of others.
        Correlation = "correlation",
        /// A building block for other rules.
        BuildingBlock = "building_block",
        /// A hunting query.
        Hunting = "hunting",
        /// An addition to other rules that narrows them: no rule of its own, outside every count.
        Filter = "filter",
        /// A posture check: outside every count unless asked for.
        Policy = "policy",
        /// A query that learns what is normal: listed, outside every count.
        Baseline = "baseline",
        /// A query that shows what an event holds, next to hits of others: listed, outside every count.
        Insight = "insight",
        /// A step on the way to other rules that raises no alert itself: listed, outside every count.
        Grouping = "grouping",
    }
}

impl Kind {
    /// Whether texts of this kind are counted as rules.
    #[must_use]
    pub fn is_counted(self) -> bool {
        !matches!(self, Self::Filter | Self::Policy | Self::Baseline | Self::Insight | Self::Grouping)
    }
}

named! {
    /// How a tag reached a technique of the loaded ATT&CK version.
    Resolution {
        /// The loaded version knows the id.
        Direct = "direct",
        /// The loaded version revoked the id and names its successor.
        RevokedBy = "revoked-by",
        /// The loaded version does not know the id; the crosswalk table names its counterpart.
        Crosswalk = "crosswalk",
        /// The loaded version calls it deprecated and names no successor.
        Deprecated = "deprecated",
        /// No version is loaded; the id stands as written.
        AsWritten = "as-written",
        /// Nobody knows the id.
        Unknown = "unknown",
    }
}

/// A technique as a rule is tagged with it, and as the catalog knows it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct TechniqueTag {
    /// The tag as written (`attack.t1685`).
    pub tag: String,
    /// The technique ids of the loaded version that it leads to; empty when nobody knows it.
    pub techniques: Vec<String>,
    /// How it got there.
    pub resolution: Resolution,
    /// Whether the id stands in the text of a page or comment, rather than in metadata.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inferred: bool,
}

impl TechniqueTag {
    /// The ids of the techniques that tags lead to, each once, in order.
    #[must_use]
    pub fn ids(tags: &[Self]) -> Vec<&str> {
        let mut ids: Vec<&str> = tags.iter().flat_map(|tag| tag.techniques.iter().map(String::as_str)).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}

/// Whether a rule of this kind and status is counted without being asked for.
#[must_use]
pub fn is_counted(kind: Kind, status: Option<Status>) -> bool {
    kind.is_counted() && status.is_none_or(Status::is_counted)
}

/// A detection rule of any vendor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// `vendor/` and the id that the rule carries, or its path and place in the source.
    pub id: String,
    /// Who publishes it.
    pub vendor: Vendor,
    /// The source's name (`SigmaHQ`).
    pub source: String,
    /// The path inside the source, with `/`.
    pub path: String,
    /// The one-based line in that file where the rule begins.
    pub line: u32,
    /// What kind of text it is.
    pub kind: Kind,
    /// The title.
    pub title: String,
    /// The author's description.
    pub description: String,
    /// The query's language.
    pub language: Language,
    /// The query as written.
    pub query: String,
    /// How mature it is.
    pub status: Option<Status>,
    /// How grave a hit is.
    pub severity: Option<Severity>,
    /// The authors, as credited.
    pub authors: Vec<String>,
    /// The licence, as an identifier or a name.
    pub license: Option<String>,
    /// First written, `YYYY-MM-DD`.
    pub date: Option<String>,
    /// Last changed, `YYYY-MM-DD`.
    pub modified: Option<String>,
    /// Links, as written.
    pub references: Vec<String>,
    /// Known false positives, as written.
    pub false_positives: Vec<String>,
    /// Tags, as written.
    pub tags: Vec<String>,
    /// The techniques, with the way to them.
    pub technique_tags: Vec<TechniqueTag>,
    /// The tactics that the rule names, by short name of the loaded ATT&CK version.
    pub tactics: Vec<String>,
    /// The platforms it watches.
    pub platforms: Vec<String>,
    /// The domains it watches (`endpoint`, `network`, `cloud`, …).
    pub domains: Vec<String>,
    /// The log sources, by the names of the taxonomy.
    pub log_sources: Vec<String>,
    /// The events it reads.
    pub events: Vec<EventLink>,
    /// How much of the query was understood.
    pub parse: ParseStatus,
    /// What is wrong with it.
    pub diagnostics: Vec<Diagnostic>,
    /// The rule that this is a variant of, which counts for both.
    pub variant_of: Option<String>,
    /// The conditions, one a step.
    pub conditions: Vec<Condition>,
    /// What the vendor's format holds besides, by its own names.
    pub extra: Extra,
}

impl Rule {
    /// A rule of which nothing but its place is known.
    #[must_use]
    pub fn blank(vendor: Vendor, language: Language, path: &str) -> Self {
        Self {
            id: String::new(),
            vendor,
            source: String::new(),
            path: path.to_owned(),
            line: 1,
            kind: Kind::Rule,
            title: String::new(),
            description: String::new(),
            language,
            query: String::new(),
            status: None,
            severity: None,
            authors: Vec::new(),
            license: None,
            date: None,
            modified: None,
            references: Vec::new(),
            false_positives: Vec::new(),
            tags: Vec::new(),
            technique_tags: Vec::new(),
            tactics: Vec::new(),
            platforms: Vec::new(),
            domains: Vec::new(),
            log_sources: Vec::new(),
            events: Vec::new(),
            parse: ParseStatus::NoQuery,
            diagnostics: Vec::new(),
            variant_of: None,
            conditions: Vec::new(),
            extra: Extra::default(),
        }
    }

    /// Whether the rule is counted without being asked for. A variant counts together with the rule it is one of.
    #[must_use]
    pub fn is_counted(&self) -> bool {
        is_counted(self.kind, self.status)
    }

    /// The ids of its techniques, each once, in order.
    #[must_use]
    pub fn techniques(&self) -> Vec<&str> {
        TechniqueTag::ids(&self.technique_tags)
    }
}

impl ParseStatus {
    /// The status of a query that gave `conditions` and `diagnostics`: `failed` when nothing came of it, `partial`
    /// when a part is opaque or an error was said, `full` otherwise.
    #[must_use]
    pub fn of(conditions: &[Condition], diagnostics: &[Diagnostic]) -> Self {
        let has_error = diagnostics.iter().any(|diagnostic| diagnostic.level == Level::Error);
        let nodes = || conditions.iter().flat_map(|condition| condition.root.walk());
        let understood = nodes().any(|node| matches!(node, Node::Predicate(_)));
        let has_opaque = nodes().any(|node| matches!(node, Node::Opaque(_)));
        match (understood, has_error || has_opaque) {
            (_, false) if !conditions.is_empty() => Self::Full,
            (true, true) => Self::Partial,
            (false, true) if has_opaque && !has_error => Self::Partial,
            _ => Self::Failed,
        }
    }
}
