use ruleatlas_core::{Context, Parsed, Query};
use ruleatlas_model::{Condition, DataSource, Diagnostic, SourceKind};
use ruleatlas_yaml::Node as Yaml;

use crate::{
    correlation::{self, Chain, Library},
    documents::merge_actions,
    lower,
    report::{Place, Report},
};

/// Keys by which a whole rule is told from a bare detection.
const RULE_KEYS: [&str; 8] = ["title", "id", "name", "logsource", "status", "level", "tags", "author"];

/// Reads a query: the document at hand, or all documents of the text.
pub(crate) fn parse(query: &Query<'_>, context: &dyn Context, chain: &mut Chain) -> Parsed {
    if let Some((document, base)) = query.tree {
        let library = Library { documents: &[], text: query.text, context };
        let mut report = Report::new(query.text, base);
        let conditions = rule(&mut report, document, query.sources, &library, chain);
        return Parsed { conditions, diagnostics: report.finish() };
    }
    let yaml = match ruleatlas_yaml::parse(query.text) {
        Ok(yaml) => yaml,
        Err(error) => {
            let diagnostic = Diagnostic::error("not YAML", error.message).on_line(error.line);
            return Parsed { conditions: Vec::new(), diagnostics: vec![diagnostic] };
        }
    };
    let mut report = Report::new(query.text, 0);
    for warning in yaml.warnings {
        report.push(Diagnostic::warning(Diagnostic::DUPLICATE_KEY, warning.message).on_line(warning.line));
    }
    let documents = match merge_actions(yaml.documents) {
        Ok(documents) => documents,
        Err(error) => {
            report.push(Diagnostic::error("too large", error.to_string()));
            return Parsed { conditions: Vec::new(), diagnostics: report.finish() };
        }
    };
    if documents.is_empty() {
        report.push(Diagnostic::error("no rule", "the text holds no rule"));
    }
    let library = Library { documents: &documents, text: query.text, context };
    let outermost = correlation::outermost(&documents);
    let mut conditions = Vec::new();
    for document in &outermost {
        let steps = rule(&mut report, document, query.sources, &library, chain);
        let title = document.text_of("title").unwrap_or_default();
        conditions.extend(steps.into_iter().map(|mut step| {
            if step.label.is_empty() && outermost.len() > 1 {
                title.clone_into(&mut step.label);
            }
            step
        }));
    }
    Parsed { conditions, diagnostics: report.finish() }
}

/// The steps of one document.
pub(crate) fn rule(
    report: &mut Report<'_>,
    document: &Yaml<'_>,
    sources: &[DataSource],
    library: &Library<'_, '_>,
    chain: &mut Chain,
) -> Vec<Condition> {
    // A bare detection may call its selections `filter` or `correlation`.
    let is_detection = document.get("detection").is_none()
        && (document.get("condition").is_some() || RULE_KEYS.iter().all(|key| document.get(key).is_none()));
    let special = |key| document.entry(key).filter(|_| document.get("condition").is_none());
    if let Some(entry) = special("correlation") {
        return correlation::lower(report, document, entry, library, chain);
    }
    let root = if document.entries().is_none() {
        report.broken("wrong type", "a rule must be a mapping", Place::of(document))
    } else if let Some(entry) = special("filter") {
        filter_rules(report, entry);
        lower::detection(report, entry, &["condition", "rules"])
    } else if let Some(entry) = document.entry("detection") {
        lower::detection(report, entry, detection_keys(entry.1))
    } else if is_detection {
        lower::detection(report, (document, document), detection_keys(document))
    } else {
        report.broken("missing detection", "a rule needs a detection", Place::of(document))
    };
    let mut condition = Condition::new(root);
    condition.sources = log_source(report, document).unwrap_or_else(|| sources.to_vec());
    vec![condition]
}

/// The keys of a detection that are no selections; `timeframe` is version 1's time window.
fn detection_keys(detection: &Yaml<'_>) -> &'static [&'static str] {
    match detection.get("timeframe") {
        Some(timeframe) if timeframe.text().is_none() => &["condition"],
        _ => &["condition", "timeframe"],
    }
}

fn filter_rules(report: &mut Report<'_>, filter: (&Yaml<'_>, &Yaml<'_>)) {
    match filter.1.get("rules") {
        Some(rules) if rules.items_or_self().iter().all(|rule| rule.text_or_null().is_some()) => {}
        Some(rules) => report.warning("wrong type", "a filter's `rules` are ids or names of rules", Place::of(rules)),
        None => report.warning("missing rules", "a filter needs `rules` that it is added to", Place::of(filter.0)),
    }
}

/// The document's log source; `None` where it names none.
fn log_source(report: &mut Report<'_>, document: &Yaml<'_>) -> Option<Vec<DataSource>> {
    let (key, source) = document.entry("logsource")?;
    if source.entries().is_none() {
        report.warning("wrong type", "a log source is a mapping", Place::of_entry(key, source));
        return None;
    }
    let kinds =
        [("product", SourceKind::Product), ("category", SourceKind::Category), ("service", SourceKind::Service)];
    let mut sources = Vec::with_capacity(2);
    for (name, kind) in kinds {
        match source.get(name) {
            Some(value) if value.is_null() => {}
            Some(value) => match value.text() {
                Some(text) => sources.push(DataSource::new(kind, text)),
                None => {
                    report.warning("wrong type", format!("a log source's {name} must be text"), Place::of(value));
                }
            },
            None => {}
        }
    }
    if sources.is_empty() {
        report.warning("empty log source", "a log source names a product, category or service", Place::of(key));
        return None;
    }
    Some(sources)
}
