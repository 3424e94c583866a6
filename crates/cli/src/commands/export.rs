use std::{collections::BTreeMap, path::Path, process::ExitCode};

use ruleatlas_catalog::{EventRow, Filters, Guide, IndicatorRow, Scope};
use ruleatlas_views::{Atlas, Cells, CsvText, Error, FieldExport, export_rule};
use serde::Serialize;

use super::atlas;
use crate::{
    args::{Export, ExportKind, Format},
    output::{self, JsonLines, WrongCall},
};

/// A technique with its number of rules.
#[derive(Serialize)]
struct TechniqueRow<'a> {
    technique: &'a str,
    name: &'a str,
    domain: &'static str,
    tactics: &'a [String],
    rules: u64,
    rules_with_subtechniques: u64,
}

pub fn run(options: &Export, db: Option<&Path>) -> anyhow::Result<ExitCode> {
    let atlas = atlas(db)?;
    let cells = if options.raw { Cells::Raw } else { Cells::Guarded };
    match (options.what, options.format) {
        (ExportKind::Rules, Format::Csv) => {
            Err(WrongCall("rules are exported as JSON lines only; use --format jsonl".to_owned()).into())
        }
        (ExportKind::Rules, Format::Jsonl) => rules(&atlas),
        (what, Format::Jsonl) => tables(&atlas, what, None).map(|()| ExitCode::SUCCESS),
        (what, Format::Csv) => tables(&atlas, what, Some(cells)).map(|()| ExitCode::SUCCESS),
    }
}

/// Every rule but those that cannot be read, each of which is told.
fn rules(atlas: &Atlas) -> anyhow::Result<ExitCode> {
    let mut out = JsonLines::new();
    let mut unreadable = 0_u32;
    for (rule, _) in (0_u32..).zip(atlas.index.heads()) {
        match atlas.entry(rule) {
            Ok(Some(entry)) => out.line(&export_rule(&entry))?,
            Ok(None) => {}
            Err(error @ Error::Store(ruleatlas_store::Error::Rule { .. })) => {
                unreadable += 1;
                output::say(format_args!("ruleatlas: {error}"));
            }
            Err(error) => return Err(error.into()),
        }
    }
    out.finish()?;
    Ok(ExitCode::from(u8::from(unreadable > 0)))
}

fn tables(atlas: &Atlas, what: ExportKind, csv: Option<Cells>) -> anyhow::Result<()> {
    let all = Scope::all(&atlas.index, &Filters::default());
    if matches!(what, ExportKind::Techniques) {
        let rows: Vec<TechniqueRow<'_>> = atlas
            .attack
            .techniques
            .values()
            .map(|technique| {
                let count = |with_sub_techniques| {
                    Scope::technique(
                        &atlas.index,
                        &atlas.attack,
                        &technique.id,
                        with_sub_techniques,
                        &Filters::default(),
                    )
                    .rules
                    .len()
                };
                TechniqueRow {
                    technique: &technique.id,
                    name: &technique.name,
                    domain: technique.domain.name(),
                    tactics: &technique.tactics,
                    rules: count(false),
                    rules_with_subtechniques: count(true),
                }
            })
            .collect();
        let columns = ["technique", "name", "domain", "tactics", "rules", "rules_with_subtechniques"];
        return write(&rows, csv, &columns, |row| {
            let tactics = row.tactics.join(" ");
            let counts = [row.rules, row.rules_with_subtechniques].map(|count| count.to_string());
            [vec![row.technique.to_owned(), row.name.to_owned(), row.domain.to_owned(), tactics], counts.to_vec()]
                .concat()
        });
    }
    let guide = Guide::of(&atlas.index, atlas.taxonomy, &all);
    match what {
        ExportKind::Events => {
            let columns = ["provider", "event_id", "title", "rules", "explicit", "implied"];
            write(&guide.events, csv, &columns, |row: &EventRow| {
                let counts = [row.rules, row.explicit, row.implied].map(|count| count.to_string());
                [vec![row.provider.clone(), row.event_id.clone(), row.title.clone()], counts.to_vec()].concat()
            })
        }
        ExportKind::Fields => fields(&atlas.field_table()?, csv),
        ExportKind::Exclusions => indicators(&guide.exclusions, csv),
        _ => indicators(&guide.indicators, csv),
    }
}

/// The schemas whose names have a column of their own; the names of the others stand in one.
const SCHEMAS: [&str; 5] = ["ocsf", "ecs", "udm", "asim", "cim"];

fn fields(rows: &[FieldExport], csv: Option<Cells>) -> anyhow::Result<()> {
    let columns = ["field", "rules", "how", "samples", "type", "description"];
    let columns = [&columns[..], &SCHEMAS, &["other_names", "written", "events", "providers"]].concat();
    write(rows, csv, &columns, |export| {
        let row = &export.row;
        let counts = |counts: &BTreeMap<String, u64>| -> String {
            counts.iter().map(|(name, count)| format!("{name}={count}")).collect::<Vec<_>>().join("\n")
        };
        let how: Vec<String> = row.how.iter().map(|(op, count)| format!("{op}={count}")).collect();
        let mut cells = vec![row.field.clone(), row.rules.to_string(), how.join(" "), row.samples.join("\n")];
        cells.push(export.kind.unwrap_or_default().to_owned());
        cells.push(export.description.unwrap_or_default().to_owned());
        let names = |vocabulary: &str| -> Vec<&str> {
            let mut names: Vec<&str> = export.names.get(vocabulary).into_iter().flatten().map(|it| it.name).collect();
            names.dedup();
            names
        };
        cells.extend(SCHEMAS.map(|schema| names(schema).join("\n")));
        let others = export.names.keys().filter(|name| !SCHEMAS.contains(*name));
        let others =
            others.flat_map(|vocabulary| names(vocabulary).into_iter().map(move |name| format!("{vocabulary}={name}")));
        cells.push(others.collect::<Vec<_>>().join("\n"));
        cells.push(counts(&export.written));
        cells.push(export.events.values().sum::<u64>().to_string());
        cells.push(counts(&export.events));
        cells
    })
}

fn indicators(rows: &[IndicatorRow], csv: Option<Cells>) -> anyhow::Result<()> {
    let columns = ["field", "op", "value", "modifier", "rules", "reach"];
    write(rows, csv, &columns, |row| {
        let indicator = &row.indicator;
        let modifier = indicator.modifiers.to_string();
        let counts = [row.rules, row.reach].map(|count| count.to_string());
        [vec![indicator.field.clone(), indicator.op.to_string(), indicator.value.clone(), modifier], counts.to_vec()]
            .concat()
    })
}

/// Writes rows as CSV, or as JSON lines where `csv` is `None`.
fn write<T: Serialize>(
    rows: &[T],
    csv: Option<Cells>,
    columns: &[&str],
    record: impl Fn(&T) -> Vec<String>,
) -> anyhow::Result<()> {
    let Some(cells) = csv else {
        let mut out = JsonLines::new();
        for row in rows {
            out.line(row)?;
        }
        return out.finish();
    };
    let mut text = CsvText::new(columns, cells);
    for row in rows {
        text.row(record(row).iter().map(String::as_str));
    }
    output::data(&text.finish())
}
