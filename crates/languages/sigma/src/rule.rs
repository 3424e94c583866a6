use ruleatlas_core::{BUDGET, Context, Parsed, Query};
use ruleatlas_model::{Condition, DataSource, Diagnostic, Node, SourceKind, Span};
use ruleatlas_yaml::{Node as Yaml, Repaired};

use crate::{
    correlation::{self, Chain, Library},
    documents::merge_actions,
    lower,
    report::{Place, Report},
};

/// Keys by which a whole rule is told from a bare detection.
const RULE_KEYS: [&str; 8] = ["title", "id", "name", "logsource", "status", "level", "tags", "author"];

/// Reads a query: the given document, or all documents of the text.
pub(crate) fn parse(query: &Query<'_>, context: &dyn Context, chain: &mut Chain<'_>) -> Parsed {
    if let Some((document, base)) = query.tree {
        let library = Library::new(&[], query.text, context);
        let mut report = Report::new(query.text, base);
        let conditions = rule(&mut report, document, query.sources, &library, chain);
        return Parsed { conditions, diagnostics: report.finish() };
    }
    let yaml = match ruleatlas_yaml::parse(query.text) {
        Ok(yaml) => yaml,
        Err(error) => {
            if let Some(repaired) = Repaired::of(query.text, &error) {
                let mut parsed = parse(&Query { text: &repaired.text, ..*query }, context, chain);
                put_back(&mut parsed, &repaired);
                return parsed;
            }
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
            report.push(Diagnostic::error(BUDGET, error.to_string()));
            return Parsed { conditions: Vec::new(), diagnostics: report.finish() };
        }
    };
    if documents.is_empty() {
        report.push(Diagnostic::error("no rule", "the text holds no rule"));
    }
    let library = Library::new(&documents, query.text, context);
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

/// Moves all that was said of a repaired text to its place in the author's.
fn put_back(parsed: &mut Parsed, repaired: &Repaired) {
    let moved = |span: &mut Span| {
        *span = Span::new(repaired.place(span.start as usize), repaired.place(span.end as usize));
    };
    fn each(node: &mut Node, moved: &impl Fn(&mut Span)) {
        match node {
            Node::All(children) | Node::Any(children) => children.iter_mut().for_each(|child| each(child, moved)),
            Node::Not(child) => each(child, moved),
            Node::Predicate(predicate) => moved(&mut predicate.span),
            Node::Opaque(opaque) => moved(&mut opaque.span),
        }
    }
    parsed.conditions.iter_mut().for_each(|condition| each(&mut condition.root, &moved));
    parsed.diagnostics.iter_mut().filter_map(|diagnostic| diagnostic.span.as_mut()).for_each(moved);
}

/// The steps of one document.
pub(crate) fn rule(
    report: &mut Report<'_>,
    document: &Yaml<'_>,
    sources: &[DataSource],
    library: &Library<'_, '_>,
    chain: &mut Chain<'_>,
) -> Vec<Condition> {
    // A bare detection may call its selections `filter` or `correlation`.
    let is_detection = document.get("detection").is_none()
        && (document.get("condition").is_some() || RULE_KEYS.iter().all(|key| document.get(key).is_none()));
    let special = |key: &'static str| document.entry(key).filter(|_| document.get("condition").is_none());
    // Next to a detection, what has none of the keys of a correlation or filter is an attribute of the author's own.
    let has_detection = document.get("detection").is_some();
    let attribute = |key: &'static str| {
        let own_keys = special_keys(key);
        special(key).filter(|(_, value)| has_detection && own_keys.iter().all(|key| value.get(key).is_none()))
    };
    for (key, value) in ["correlation", "filter"].into_iter().filter_map(attribute) {
        let name = key.text().unwrap_or_default();
        let what = if value.entries().is_none() { "is no mapping" } else { "has none of its keys" };
        let message = format!("`{name}` next to a detection {what}, so it is read as an attribute of your own");
        report.warning("custom attribute", message, Place::of_entry(key, value));
    }
    let special = |key: &'static str| special(key).filter(|_| attribute(key).is_none());
    if let Some(entry) = special("correlation") {
        return correlation::lower(report, document, entry, library, chain);
    }
    let root = if document.entries().is_none() {
        report.broken("wrong type", "a rule must be a mapping", Place::of(document))
    } else if let Some(entry) = special("filter") {
        filter_rules(report, entry);
        lower::detection(report, entry, &["condition", "rules"], chain.budget)
    } else if let Some(entry) = document.entry("detection") {
        lower::detection(report, entry, detection_keys(entry.1), chain.budget)
    } else if is_detection {
        lower::detection(report, (document, document), detection_keys(document), chain.budget)
    } else {
        report.broken("missing detection", "a rule needs a detection", Place::of(document))
    };
    let mut condition = Condition::new(root);
    condition.sources = log_source(report, document).unwrap_or_else(|| sources.to_vec());
    vec![condition]
}

/// The keys of which a correlation or filter has at least one.
fn special_keys(name: &str) -> &'static [&'static str] {
    match name {
        "correlation" => &["type", "rules"],
        _ => &["rules", "condition"],
    }
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
