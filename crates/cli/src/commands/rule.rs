use std::{fmt::Write as _, path::Path, process::ExitCode};

use ruleatlas_catalog::{PredicateRow, UnitTest};
use ruleatlas_model::{Extra, Resolution, RuleLookup, TechniqueTag};
use ruleatlas_views::{Atlas, RuleView, SimilarRule, metadata_entries};

use super::atlas;
use crate::{
    args::Rule,
    lists::{operator, shown_field, shown_value, value_of, wrapped},
    output::{self, plain},
    table::{self, Column, heading, table, title},
};

pub fn run(options: &Rule, db: Option<&Path>) -> anyhow::Result<ExitCode> {
    let atlas = atlas(db)?;
    let view = atlas.rule(&options.id)?;
    if options.json {
        output::json(&view.json())?;
    } else {
        output::text(&text(&view, &atlas))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn text(view: &RuleView, atlas: &Atlas) -> String {
    let rule = &view.entry.rule;
    let mut text = title(&rule.title);
    let word = |word: Option<String>| word.unwrap_or_else(|| "not said".to_owned());
    let _ = writeln!(
        text,
        "{} · {} {} · severity {} · status {}",
        plain(&rule.id),
        rule.vendor,
        rule.kind.name().replace('_', " "),
        word(rule.severity.map(|s| s.to_string())),
        word(rule.status.map(|s| s.to_string()))
    );
    let _ = writeln!(text, "{} in {}, line {}", plain(&rule.path), plain(&rule.source), rule.line);
    if let Some(upstream) = &view.upstream {
        let _ = writeln!(text, "{}", plain(upstream));
    }
    if !rule.description.is_empty() {
        let _ = writeln!(text, "\n{}", wrapped(&rule.description));
    }
    text.push('\n');
    text.push_str(&facts(view, atlas));
    let _ = writeln!(text, "\n{}\n", plain(&rule.query).trim_end());
    let _ = writeln!(text, "parse: {}", rule.parse);
    for diagnostic in &rule.diagnostics {
        let line = diagnostic.line.map(|line| format!("line {line}: ")).unwrap_or_default();
        let _ = writeln!(text, "{line}{}", plain(&diagnostic.message));
    }
    text.push_str(&heading("Predicates", view.entry.predicates.len(), view.entry.predicates.len(), "predicates"));
    text.push_str(&predicates(&view.entry.predicates));
    let folded = &view.entry.indicators;
    text.push_str(&heading("Indicators and exclusions", folded.len(), folded.len(), "as counted"));
    let columns = [
        Column::Left("Role"),
        Column::Left("Field"),
        Column::Left("Op"),
        Column::Long("Value"),
        Column::Right("Reach"),
    ];
    text.push_str(&table(
        &columns,
        folded.iter().zip(&view.reach).map(|(row, reach)| {
            let indicator = &row.indicator;
            let field = shown_field(&indicator.field);
            vec![row.role.to_string(), field, operator(indicator), value_of(indicator), reach.to_string()]
        }),
    ));
    text.push_str(&similar(&view.similar));
    text.push_str(&tests(&view.unit_tests));
    text.push_str(&besides(&rule.extra));
    text
}

/// Rules that look for the same.
fn similar(rules: &[SimilarRule]) -> String {
    if rules.is_empty() {
        return String::new();
    }
    let mut text = heading("Similar rules", rules.len(), rules.len(), "by what both look for");
    let columns = [
        Column::Id("Id"),
        Column::Long("Rule"),
        Column::Right("Alike"),
        Column::Left("This rule is"),
        Column::List("Shared"),
    ];
    text.push_str(&table(
        &columns,
        rules.iter().map(|other| {
            let shared = other.shared.iter().map(|shared| value_of(&shared.indicator));
            let alike = format!("{:.0} %", other.similarity * 100.0);
            let relation = other.relation.name().to_owned();
            vec![other.rule.short_id.clone(), other.rule.title.clone(), alike, relation, table::list(shared)]
        }),
    ));
    text
}

/// The rule's own unit tests, and what its condition says of them.
fn tests(tests: &[UnitTest]) -> String {
    if tests.is_empty() {
        return String::new();
    }
    let word = |fires: bool| if fires { "fires" } else { "does not fire" }.to_owned();
    let mut text = heading("Its own tests", tests.len(), tests.len(), "of its authors");
    let columns = [Column::Long("Test"), Column::Left("Expected"), Column::Left("Condition")];
    text.push_str(&table(
        &columns,
        tests.iter().map(|test| {
            let found = test.found.map_or_else(|| "cannot be known".to_owned(), word);
            vec![test.name.clone(), word(test.expected), found]
        }),
    ));
    text
}

/// What the metadata holds besides, under its own names.
fn besides(extra: &Extra) -> String {
    let told = metadata_entries(extra);
    if told.is_empty() {
        return String::new();
    }
    let mut text = heading("What else it says", told.len(), told.len(), "as its format names them");
    for told in &told {
        if told.is_short() {
            let _ = writeln!(text, "{}: {}", plain(&told.name), plain(&told.lines[0]));
        } else {
            let _ = writeln!(text, "{}:", plain(&told.name));
            for line in told.lines.iter().flat_map(|line| line.lines()) {
                let _ = writeln!(text, "    {}", plain(line).trim_end());
            }
        }
    }
    text
}

/// What is known beside the query, a line a fact.
fn facts(view: &RuleView, atlas: &Atlas) -> String {
    let rule = &view.entry.rule;
    let mut text = String::new();
    let mut fact = |name: &str, value: String| {
        if !value.is_empty() {
            let _ = writeln!(text, "{name:<15} {}", plain(&value).replace('\n', " "));
        }
    };
    fact("tactics", rule.tactics.join(", "));
    for tag in &rule.technique_tags {
        fact("technique", technique(tag, atlas));
    }
    fact("log source", rule.log_sources.join(", "));
    fact("platforms", rule.platforms.join(", "));
    fact("domains", rule.domains.join(", "));
    for link in &rule.events {
        let title = atlas.taxonomy.event_title(&link.event).map(|title| format!(" {title}")).unwrap_or_default();
        let how = if link.explicit { "written" } else { "implied" };
        fact("event", format!("{} {}{title} ({how}: {})", link.event.provider, link.event.event_id, link.why));
    }
    for false_positive in &rule.false_positives {
        fact("false positive", false_positive.clone());
    }
    for reference in &rule.references {
        fact("reference", reference.clone());
    }
    for lookup in rule.lookups() {
        fact("lookup", self::lookup(&lookup));
    }
    fact("authors", rule.authors.join(", "));
    fact("licence", rule.license.clone().unwrap_or_default());
    let dates = [("written", &rule.date), ("changed", &rule.modified)];
    let dates = dates.iter().filter_map(|(what, date)| Some(format!("{what} {}", date.as_ref()?)));
    for other in &view.variants {
        fact("variant", format!("{} {}", other.short_id, other.title));
    }
    fact("variant of", rule.variant_of.clone().unwrap_or_default());
    fact("dates", dates.collect::<Vec<_>>().join(", "));
    text
}

/// A lookup that the search asks for: its name, its columns, its first rows.
fn lookup(lookup: &RuleLookup) -> String {
    let RuleLookup { name, table } = lookup;
    let Some(table) = table else { return format!("{name} (its table is not in the source)") };
    let list = |texts: &[String]| texts.iter().map(|text| text.trim()).collect::<Vec<_>>().join(", ");
    let first: Vec<String> = table.rows.iter().take(5).map(|row| list(row)).collect();
    let more = if table.row_count > first.len() as u64 { "; …" } else { "" };
    let rows = if first.is_empty() { String::new() } else { format!(": {}{more}", first.join("; ")) };
    format!("{name} ({} rows of {}){rows}", table.row_count, list(&table.columns))
}

/// Where a tag leads, and how it got there where that says something.
fn technique(tag: &TechniqueTag, atlas: &Atlas) -> String {
    let named = |id: &String| match atlas.attack.techniques.get(id) {
        Some(technique) => format!("{id} {}", technique.name),
        None => id.clone(),
    };
    let names: Vec<String> = tag.techniques.iter().map(named).collect();
    let inferred = if tag.inferred { ", named in the text" } else { "" };
    let way = match tag.resolution {
        Resolution::Direct => String::new(),
        Resolution::RevokedBy => format!(" ← {} (revoked by ATT&CK)", tag.tag),
        Resolution::Crosswalk => format!(" ← {} (crosswalk of ATT&CK versions)", tag.tag),
        Resolution::Deprecated => " (deprecated in ATT&CK)".to_owned(),
        Resolution::AsWritten => " (as written; no ATT&CK is loaded)".to_owned(),
        Resolution::Unknown => format!("none: no ATT&CK version has {}", tag.tag),
    };
    format!("{}{way}{inferred}", names.join(", "))
}

/// Predicates as a table. The columns that say nothing here are left out.
fn predicates(rows: &[PredicateRow]) -> String {
    let has_steps = rows.iter().any(|row| row.step > 0 || row.stage.is_some());
    let is_renamed = rows.iter().any(|row| !row.raw_field.is_empty() && (!row.mapped || row.field != row.raw_field));
    let mut columns: Vec<Column> = Vec::new();
    columns.extend(has_steps.then_some(Column::Left("Step")));
    columns.extend([Column::Left("Role"), Column::Left("Field")]);
    columns.extend(is_renamed.then_some(Column::Left("As written")));
    columns.extend([Column::Left("Op"), Column::List("Values")]);
    table(
        &columns,
        rows.iter().map(|row| {
            let step = row.stage.map_or(row.step.to_string(), |stage| format!("{}.{stage}", row.step));
            let role = row.group.map_or(row.role.to_string(), |group| format!("{} #{group}", row.role));
            let field = if row.mapped { shown_field(&row.field) } else { "—".to_owned() };
            let not = if row.negated { "not " } else { "" };
            let modifier = row.modifiers.text().map(|text| format!(" |{text}")).unwrap_or_default();
            let mut cells = Vec::new();
            cells.extend(has_steps.then_some(step));
            cells.extend([role, field]);
            cells.extend(is_renamed.then(|| row.raw_field.clone()));
            cells.push(format!("{not}{}{modifier}", row.op));
            cells.push(table::list(row.values.iter().map(|value| shown_value(value))));
            cells
        }),
    )
}
