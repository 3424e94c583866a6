use std::{collections::BTreeMap, fmt::Write as _, path::Path, process::ExitCode};

use ruleatlas_catalog::{FieldRow, Guide, IndicatorRow, PredicateRow};
use ruleatlas_model::Vendor;
use ruleatlas_views::{Atlas, FieldView, IndicatorView, RuleItem, RuleView, SearchView, TechniqueView};

use crate::{
    args::{Field, Indicator, Rule, Search, Technique},
    output::{self, plain},
    paths,
    table::{Column, SHOWN, heading, role, table, title},
};

/// Opens the catalog that a command names.
pub fn atlas(db: Option<&Path>) -> anyhow::Result<Atlas> {
    Ok(Atlas::open(&paths::catalog(db)?)?)
}

pub fn technique(options: &Technique, db: Option<&Path>) -> anyhow::Result<ExitCode> {
    let atlas = atlas(db)?;
    let mut view = atlas.technique(&options.technique, !options.no_subtechniques, &options.filters.filters())?;
    let limit = options.limit.or((!options.json).then_some(SHOWN));
    if let Some(limit) = limit {
        view.guide = view.guide.limited(limit);
    }
    if options.json {
        output::json(&view)?;
    } else {
        output::text(&technique_text(&view, options.limit.unwrap_or(usize::MAX)))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn technique_text(view: &TechniqueView, rule_limit: usize) -> String {
    let mut text = title(&format!("{} {}", view.technique, view.name));
    if let Some(asked) = &view.asked {
        let _ = writeln!(text, "{} leads to {} in the loaded ATT&CK version", plain(asked), view.technique);
    }
    let _ = writeln!(text, "{} · {}", view.tactics.join(", "), view.platforms.join(", "));
    let _ = writeln!(text, "{}", vendors(&view.guide.rules.by_vendor, view.guide.rules.total));
    if let Some(first) = view.description.split("\n\n").next().filter(|first| !first.is_empty()) {
        let _ = writeln!(text, "\n{}", wrapped(&without_marks(first), 100));
    }
    text.push_str(&guide(&view.guide));
    text.push_str(&heading("Rules", view.rule_list.len().min(rule_limit), view.rule_list.len(), "rules"));
    text.push_str(&rules(&view.rule_list, rule_limit));
    text
}

/// ATT&CK's Markdown without links and citation marks.
fn without_marks(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['[', '(']) {
        let (before, after) = rest.split_at(at);
        plain.push_str(before);
        if let Some(cited) = after.strip_prefix("(Citation:") {
            rest = cited.split_once(')').map_or("", |(_, rest)| rest);
        } else if let Some((label, behind)) = after.strip_prefix('[').and_then(|link| link.split_once("](")) {
            plain.push_str(label);
            rest = behind.split_once(')').map_or("", |(_, rest)| rest);
        } else {
            plain.push_str(&after[..1]);
            rest = &after[1..];
        }
    }
    plain.push_str(rest);
    plain
}

fn wrapped(text: &str, width: usize) -> String {
    let mut lines = vec![String::new()];
    for word in plain(text).split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() || line.chars().count() + word.chars().count() < width => {
                if !line.is_empty() {
                    line.push(' ');
                }
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}

fn vendors(by_vendor: &BTreeMap<&'static str, u64>, total: u64) -> String {
    let parts: Vec<String> = by_vendor.iter().map(|(vendor, count)| format!("{vendor} {count}")).collect();
    if parts.is_empty() { format!("{total} rules") } else { format!("{total} rules: {}", parts.join(", ")) }
}

fn guide(guide: &Guide) -> String {
    let mut text = heading("Events covered", guide.events.len(), guide.events.len(), "events");
    let columns = [
        Column::Left("Provider"),
        Column::Left("Id"),
        Column::Long("Title"),
        Column::Right("Rules"),
        Column::Right("written"),
        Column::Right("implied"),
    ];
    text.push_str(&table(
        &columns,
        guide.events.iter().map(|row| {
            let title = row.title.clone().unwrap_or_default();
            let counts = [row.rules, row.explicit, row.implied].map(|count| count.to_string());
            [vec![row.provider.clone(), row.event_id.clone(), title], counts.to_vec()].concat()
        }),
    ));
    text.push_str(&heading("Fields filtered most", guide.fields.len(), guide.fields_distinct, "fields"));
    text.push_str(&fields(&guide.fields));
    text.push_str(&heading("Top indicator values", guide.indicators.len(), guide.indicators_distinct, "indicators"));
    text.push_str(&indicators(&guide.indicators, "Reach"));
    text.push_str(&heading("Exclusions", guide.exclusions.len(), guide.exclusions_distinct, "exclusions"));
    text.push_str(&indicators(&guide.exclusions, "Excluded by"));
    text
}

fn fields(rows: &[FieldRow]) -> String {
    let columns = [Column::Left("Field"), Column::Right("Rules"), Column::List("How"), Column::List("Samples")];
    table(
        &columns,
        rows.iter().map(|row| {
            let samples: Vec<&str> = row.samples.iter().map(String::as_str).collect();
            vec![shown_field(&row.field), row.rules.to_string(), how(&row.how), samples.join("  ")]
        }),
    )
}

/// The operators, the most used first.
fn how(counts: &BTreeMap<&'static str, u64>) -> String {
    let mut ops: Vec<(&&str, &u64)> = counts.iter().collect();
    ops.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    ops.into_iter().map(|(op, count)| format!("{op} {count}")).collect::<Vec<_>>().join("  ")
}

/// A bare term has no field.
fn shown_field(field: &str) -> String {
    if field.is_empty() { "keyword".to_owned() } else { field.to_owned() }
}

fn indicators(rows: &[IndicatorRow], reach: &'static str) -> String {
    let columns = [
        Column::Left("Field"),
        Column::Left("Op"),
        Column::Long("Value"),
        Column::Right("Rules"),
        Column::Right(reach),
        Column::Left("By vendor"),
    ];
    table(
        &columns,
        rows.iter().map(|row| {
            let by_vendor: Vec<String> =
                row.reach_by_vendor.iter().map(|(vendor, count)| format!("{} {count}", letter(vendor))).collect();
            vec![
                shown_field(&row.indicator.field),
                operator(row),
                row.indicator.value.clone(),
                row.rules.to_string(),
                row.reach.to_string(),
                by_vendor.join(" "),
            ]
        }),
    )
}

fn operator(row: &IndicatorRow) -> String {
    match &row.indicator.modifier {
        Some(modifier) => format!("{} |{modifier}", row.indicator.op),
        None => row.indicator.op.to_string(),
    }
}

/// The letter that stands for a vendor beside its colour.
fn letter(vendor: &str) -> char {
    match vendor.parse() {
        Ok(Vendor::Sigma) => 'S',
        Ok(Vendor::Elastic) => 'E',
        Ok(Vendor::Splunk) => 'P',
        Ok(Vendor::Kusto) => 'K',
        Ok(Vendor::Panther) => 'N',
        Err(_) => '?',
    }
}

fn rules(items: &[RuleItem], limit: usize) -> String {
    let columns = [Column::Left("Severity"), Column::Left("Techniques"), Column::Long("Title"), Column::Left("Id")];
    table(
        &columns,
        items.iter().take(limit).map(|item| {
            let mut techniques: Vec<&str> =
                item.techniques.iter().flat_map(|tag| tag.techniques.iter().map(String::as_str)).collect();
            techniques.dedup();
            let severity = item.severity.map(|severity| severity.to_string()).unwrap_or_default();
            vec![severity, techniques.join(" "), item.title.clone(), item.id.clone()]
        }),
    )
}

pub fn rule(options: &Rule, db: Option<&Path>) -> anyhow::Result<ExitCode> {
    let view = atlas(db)?.rule(&options.id)?;
    if options.json {
        output::json(&view.json())?;
    } else {
        output::text(&rule_text(&view))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn rule_text(view: &RuleView) -> String {
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
    if !rule.authors.is_empty() {
        let _ = writeln!(text, "by {}", plain(&rule.authors.join(", ")));
    }
    if let Some(license) = &rule.license {
        let _ = writeln!(text, "licence {}", plain(license));
    }
    if let Some(upstream) = &view.upstream {
        let _ = writeln!(text, "{}", plain(upstream));
    }
    if !rule.description.is_empty() {
        let _ = writeln!(text, "\n{}", wrapped(&rule.description, 100));
    }
    for tag in &rule.technique_tags {
        let to = if tag.techniques.is_empty() { "nothing".to_owned() } else { tag.techniques.join(", ") };
        let _ = writeln!(text, "technique {} → {to} ({})", plain(&tag.tag), tag.resolution);
    }
    for link in &rule.events {
        let how = if link.explicit { "written" } else { "implied" };
        let _ = writeln!(text, "event {} {} ({how}: {})", link.event.provider, link.event.event_id, plain(&link.why));
    }
    let _ = writeln!(text, "\n{}\n", plain(&rule.query).trim_end());
    let _ = writeln!(text, "parse: {}", rule.parse);
    for diagnostic in &rule.diagnostics {
        let line = diagnostic.line.map(|line| format!("line {line}: ")).unwrap_or_default();
        let _ = writeln!(text, "{line}{}", plain(&diagnostic.message));
    }
    text.push_str(&heading("Predicates", view.entry.predicates.len(), view.entry.predicates.len(), "predicates"));
    text.push_str(&predicates(&view.entry.predicates));
    let shown: Vec<(&str, u64, &ruleatlas_catalog::FoldedRow)> =
        view.entry.indicators.iter().zip(&view.reach).map(|(row, reach)| (row.role.name(), *reach, row)).collect();
    text.push_str(&heading("Indicators and exclusions", shown.len(), shown.len(), "as counted"));
    let columns = [
        Column::Left("Role"),
        Column::Left("Field"),
        Column::Left("Op"),
        Column::Long("Value"),
        Column::Right("Reach"),
    ];
    text.push_str(&table(
        &columns,
        shown.iter().map(|(role, reach, row)| {
            let indicator = &row.indicator;
            let op = indicator
                .modifier
                .as_ref()
                .map_or(indicator.op.to_string(), |modifier| format!("{} |{modifier}", indicator.op));
            vec![(*role).to_owned(), shown_field(&indicator.field), op, indicator.value.clone(), reach.to_string()]
        }),
    ));
    text
}

/// Predicates as a table.
pub fn predicates(rows: &[PredicateRow]) -> String {
    let columns = [
        Column::Left("Step"),
        Column::Left("Role"),
        Column::Left("Field"),
        Column::Left("As written"),
        Column::Left("Op"),
        Column::List("Values"),
    ];
    table(
        &columns,
        rows.iter().map(|row| {
            let step = row.stage.map_or(row.step.to_string(), |stage| format!("{}.{stage}", row.step));
            let role = row.group.map_or(row.role.to_string(), |group| format!("{} #{group}", row.role));
            let field = if row.mapped { shown_field(&row.field) } else { String::new() };
            let not = if row.negated && !matches!(row.op, "ne" | "not_in") { "not " } else { "" };
            let modifier = row.modifier.as_ref().map(|modifier| format!(" |{modifier}")).unwrap_or_default();
            vec![step, role, field, row.raw_field.clone(), format!("{not}{}{modifier}", row.op), row.values.join("  ")]
        }),
    )
}

pub fn indicator(options: &Indicator, db: Option<&Path>) -> anyhow::Result<ExitCode> {
    let view = atlas(db)?.indicator(&options.field, options.op, &options.value)?;
    if options.json {
        output::json(&view)?;
    } else {
        output::text(&indicator_text(&view))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn indicator_text(view: &IndicatorView) -> String {
    let indicator = &view.looked_for.indicator;
    let mut text = title(&format!("{} {} {}", shown_field(&indicator.field), indicator.op, indicator.value));
    let _ = writeln!(
        text,
        "{} reach {}",
        role("indicator"),
        vendors(&view.looked_for.reach_by_vendor, view.looked_for.reach)
    );
    let _ = writeln!(text, "{} by {}", role("exclusion"), vendors(&view.excluded.reach_by_vendor, view.excluded.reach));
    for (title, list) in [("Rules that look for it", &view.rule_list), ("Rules that exclude it", &view.excluding_rules)]
    {
        if !list.is_empty() {
            text.push_str(&heading(title, list.len(), list.len(), "rules"));
            text.push_str(&rules(list, usize::MAX));
        }
    }
    text
}

pub fn field(options: &Field, db: Option<&Path>) -> anyhow::Result<ExitCode> {
    let mut views = atlas(db)?.field(&options.name)?;
    if let Some(limit) = options.limit.or((!options.json).then_some(SHOWN)) {
        for view in &mut views {
            view.indicators.truncate(limit);
            view.exclusions.truncate(limit);
        }
    }
    if options.json {
        output::json(&views)?;
    } else {
        output::text(&views.iter().map(field_text).collect::<Vec<_>>().join("\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn field_text(view: &FieldView) -> String {
    let mut text = title(&shown_field(&view.field));
    match (&view.description, &view.kind) {
        (Some(description), Some(kind)) => {
            let _ = writeln!(text, "{description} ({kind})");
        }
        _ => text.push_str("a name that the table of fields does not know\n"),
    }
    for (vocabulary, names) in &view.names {
        let _ = writeln!(text, "  {vocabulary}: {}", names.join(", "));
    }
    let _ = writeln!(text, "{} rules filter it: {}", view.filtered.rules, how(&view.filtered.how));
    text.push_str(&heading("Top indicator values", view.indicators.len(), view.indicators.len(), "shown"));
    text.push_str(&indicators(&view.indicators, "Reach"));
    text.push_str(&heading("Exclusions", view.exclusions.len(), view.exclusions.len(), "shown"));
    text.push_str(&indicators(&view.exclusions, "Excluded by"));
    text
}

pub fn search(options: &Search, db: Option<&Path>) -> anyhow::Result<ExitCode> {
    let view = atlas(db)?.search(&options.text.join(" "), options.limit)?;
    if options.json {
        output::json(&view)?;
    } else {
        output::text(&search_text(&view))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn search_text(view: &SearchView) -> String {
    let mut text = String::new();
    for (title, hits) in [("Techniques", &view.techniques), ("Fields", &view.fields), ("Events", &view.events)] {
        if !hits.is_empty() {
            text.push_str(&heading(title, hits.len(), hits.len(), "shown"));
            let columns = [Column::Left("Name"), Column::Long("")];
            text.push_str(&table(&columns, hits.iter().map(|hit| vec![shown_field(&hit.id), hit.name.clone()])));
        }
    }
    if !view.indicators.is_empty() {
        text.push_str(&heading("Values", view.indicators.len(), view.indicators.len(), "shown"));
        text.push_str(&indicators(&view.indicators, "Reach"));
    }
    if !view.rules.is_empty() {
        text.push_str(&heading("Rules", view.rules.len(), view.rules.len(), "shown"));
        text.push_str(&rules(&view.rules, usize::MAX));
    }
    if text.is_empty() {
        text = format!("nothing has `{}` in its name, value or text; try a part of it\n", plain(&view.text));
    }
    text
}
