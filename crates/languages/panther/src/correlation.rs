//! Correlation rules: steps that are other rules, by id.

use ruleatlas_core::{Context, Frontend};
use ruleatlas_model::{Condition, Diagnostic, Level};
use ruleatlas_yaml::Node as Yaml;

use crate::{
    PantherYaml, Python,
    yaml::{Report, at},
};

/// Steps that are read.
const MAX_STEPS: usize = 64;

/// The members of a correlation's groups and sequences, with the word for what they are in.
pub(crate) fn steps<'y, 'a>(detection: &'y Yaml<'a>) -> Vec<(&'static str, &'y Yaml<'a>)> {
    let mut found = Vec::new();
    for part in detection.items_or_self() {
        for kind in ["Group", "Sequence"] {
            let word = if kind == "Group" { "group" } else { "sequence" };
            found.extend(part.get(kind).into_iter().flat_map(Yaml::items_or_self).map(|step| (word, step)));
        }
    }
    found.truncate(MAX_STEPS);
    found
}

/// The conditions of the rules that the steps name. Their predicates stand at the reference.
pub(crate) fn lower(
    report: &mut Report<'_>,
    steps: &[(&'static str, &Yaml<'_>)],
    context: &dyn Context,
) -> Vec<Condition> {
    let mut conditions = Vec::new();
    for (word, step) in steps {
        let absent = step.get("Absence").and_then(Yaml::as_bool) == Some(true);
        let label = match step.text_of("ID") {
            Some(id) => format!("{word} step {id}"),
            None => format!("{word} step {}", conditions.len() + 1),
        };
        for mut condition in referenced(report, step, context) {
            condition.absent = absent;
            condition.label.clone_from(&label);
            conditions.push(condition);
        }
    }
    conditions
}

fn referenced(report: &mut Report<'_>, step: &Yaml<'_>, context: &dyn Context) -> Vec<Condition> {
    let broken = |report: &mut Report<'_>, code, message: String, node: &Yaml<'_>| {
        vec![Condition::new(report.broken(code, message, node))]
    };
    let Some(reference) = step.get("RuleID").or_else(|| step.get("Rule")) else {
        return broken(report, "step without a rule", "A step names its rule by `RuleID`.".to_owned(), step);
    };
    let id = reference.text().unwrap_or_default();
    let Some(found) = context.rule(id) else {
        return broken(report, "rule is not available", format!("No rule of the source has the id `{id}`."), reference);
    };
    // A rule whose text is YAML is one that says what it is; a correlation of correlations is not followed.
    let is_yaml = found.query.text.starts_with("AnalysisType:") || found.query.text.contains("\nAnalysisType:");
    let parsed = if is_yaml {
        PantherYaml.parse(&found.query, &ruleatlas_core::NoContext)
    } else {
        Python.parse(&found.query, context)
    };
    let place = report.span(reference);
    let worst = parsed.diagnostics.iter().filter(|said| said.level == Level::Error).take(4);
    let said: Vec<Diagnostic> = worst
        .map(|said| {
            Diagnostic { message: format!("{id}: {}", said.message), ..said.clone() }.at(place).on_line(reference.line)
        })
        .collect();
    report.diagnostics.extend(said);
    let mut conditions = parsed.conditions;
    for condition in &mut conditions {
        at(&mut condition.root, place);
    }
    if conditions.is_empty() {
        return broken(report, "rule is not understood", format!("The rule `{id}` gave no condition."), reference);
    }
    conditions
}
