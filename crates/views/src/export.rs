use ruleatlas_catalog::{Entry, PredicateRow};
use ruleatlas_model::{
    Diagnostic, EventRef, FoldedOp, Kind, Language, Modifiers, ParseStatus, Role, Severity, Status, Vendor,
};
use serde::Serialize;
use utoipa::ToSchema;

/// A line of `export rules`.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ExportRow<'a> {
    /// The id.
    pub id: &'a str,
    /// Who publishes it.
    pub vendor: Vendor,
    /// The source's name.
    pub source: &'a str,
    /// The path inside the source.
    pub path: &'a str,
    /// The title.
    pub title: &'a str,
    /// What kind of text it is; filters, policies, baselines and insights are outside every count.
    pub kind: Kind,
    /// The query's language.
    pub language: Language,
    /// How mature it is.
    pub status: Option<Status>,
    /// How grave a hit is.
    pub severity: Option<Severity>,
    /// Platforms.
    pub platforms: &'a [String],
    /// Domains.
    pub domains: &'a [String],
    /// Techniques of the loaded ATT&CK version.
    pub techniques: Vec<&'a str>,
    /// Tactics' short names.
    pub tactics: &'a [String],
    /// Log sources.
    pub log_sources: &'a [String],
    /// Events, each once.
    pub events: Vec<&'a EventRef>,
    /// How much of the query was understood.
    pub parse: ParseStatus,
    /// What is wrong with it.
    pub diagnostics: &'a [Diagnostic],
    /// The rule that this is a variant of.
    pub variant_of: Option<&'a str>,
    /// The predicates as written.
    pub predicates: &'a [PredicateRow],
    /// The indicators as counted.
    pub indicators: Vec<ExportIndicator<'a>>,
}

/// An indicator of an exported rule.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ExportIndicator<'a> {
    /// `indicator` or `exclusion`.
    pub role: Role,
    /// The canonical field, or the raw one.
    pub field: &'a str,
    /// The folded operator.
    #[schema(value_type = String)]
    pub op: FoldedOp,
    /// The value as most rules spell it.
    pub value: &'a str,
    /// What transforms value or match.
    #[serde(rename = "modifier", skip_serializing_if = "Modifiers::is_empty")]
    #[schema(value_type = Option<String>)]
    pub modifiers: &'a Modifiers,
}

/// A rule as `export rules` writes it.
#[must_use]
pub fn export_rule(entry: &Entry) -> ExportRow<'_> {
    let rule = &entry.rule;
    let mut events: Vec<&EventRef> = rule.events.iter().map(|link| &link.event).collect();
    events.sort_unstable();
    events.dedup();
    ExportRow {
        id: &rule.id,
        vendor: rule.vendor,
        source: &rule.source,
        path: &rule.path,
        title: &rule.title,
        kind: rule.kind,
        language: rule.language,
        status: rule.status,
        severity: rule.severity,
        platforms: &rule.platforms,
        domains: &rule.domains,
        techniques: rule.techniques(),
        tactics: &rule.tactics,
        log_sources: &rule.log_sources,
        events,
        parse: rule.parse,
        diagnostics: &rule.diagnostics,
        variant_of: rule.variant_of.as_deref(),
        predicates: &entry.predicates,
        indicators: entry
            .indicators
            .iter()
            .map(|folded| ExportIndicator {
                role: folded.role,
                field: &folded.indicator.field,
                op: folded.indicator.op,
                value: &folded.indicator.value,
                modifiers: &folded.indicator.modifiers,
            })
            .collect(),
    }
}
