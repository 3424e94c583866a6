use std::{
    io::{self, Write},
    path::Path,
    process::ExitCode,
};

use ruleatlas_catalog::{EventRow, FieldRow, Filters, Guide, IndicatorRow, Scope};
use ruleatlas_views::{Atlas, export_rule};
use serde::Serialize;

use super::atlas;
use crate::{
    args::{Export, ExportKind, Format},
    output::WrongCall,
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
    let out = io::BufWriter::new(io::stdout().lock());
    match (options.what, options.format) {
        (ExportKind::Rules, Format::Csv) => {
            Err(WrongCall("rules are exported as JSON lines only; use --format jsonl".to_owned()).into())
        }
        (ExportKind::Rules, Format::Jsonl) => rules(&atlas, out),
        (what, format) => tables(&atlas, what, format, out),
    }?;
    Ok(ExitCode::SUCCESS)
}

fn rules(atlas: &Atlas, mut out: impl Write) -> anyhow::Result<()> {
    for (rule, _) in (0_u32..).zip(atlas.index.heads()) {
        if let Some(entry) = atlas.entry(rule)? {
            line(&mut out, &export_rule(&entry))?;
        }
    }
    Ok(out.flush()?)
}

fn tables(atlas: &Atlas, what: ExportKind, format: Format, out: impl Write) -> anyhow::Result<()> {
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
        return write(
            &rows,
            format,
            &columns,
            |row| {
                let tactics = row.tactics.join(" ");
                let counts = [row.rules, row.rules_with_subtechniques].map(|count| count.to_string());
                [vec![row.technique.to_owned(), row.name.to_owned(), row.domain.to_owned(), tactics], counts.to_vec()]
                    .concat()
            },
            out,
        );
    }
    let guide = Guide::of(&atlas.index, atlas.taxonomy, &all);
    match what {
        ExportKind::Events => {
            let columns = ["provider", "event_id", "title", "rules", "explicit", "implied"];
            write(
                &guide.events,
                format,
                &columns,
                |row: &EventRow| {
                    let counts = [row.rules, row.explicit, row.implied].map(|count| count.to_string());
                    [vec![row.provider.clone(), row.event_id.clone(), row.title.clone()], counts.to_vec()].concat()
                },
                out,
            )
        }
        ExportKind::Fields => {
            let columns = ["field", "rules", "how", "samples"];
            write(
                &guide.fields,
                format,
                &columns,
                |row: &FieldRow| {
                    let how: Vec<String> = row.how.iter().map(|(op, count)| format!("{op}={count}")).collect();
                    vec![row.field.clone(), row.rules.to_string(), how.join(" "), row.samples.join("\n")]
                },
                out,
            )
        }
        ExportKind::Exclusions => indicators(&guide.exclusions, format, out),
        _ => indicators(&guide.indicators, format, out),
    }
}

fn indicators(rows: &[IndicatorRow], format: Format, out: impl Write) -> anyhow::Result<()> {
    let columns = ["field", "op", "value", "modifier", "rules", "reach"];
    write(
        rows,
        format,
        &columns,
        |row| {
            let indicator = &row.indicator;
            let modifier = indicator.modifier.clone().unwrap_or_default();
            let counts = [row.rules, row.reach].map(|count| count.to_string());
            [
                vec![indicator.field.clone(), indicator.op.to_string(), indicator.value.clone(), modifier],
                counts.to_vec(),
            ]
            .concat()
        },
        out,
    )
}

fn write<T: Serialize>(
    rows: &[T],
    format: Format,
    columns: &[&str],
    record: impl Fn(&T) -> Vec<String>,
    mut out: impl Write,
) -> anyhow::Result<()> {
    if format == Format::Jsonl {
        for row in rows {
            line(&mut out, row)?;
        }
        return Ok(out.flush()?);
    }
    let mut writer = csv::Writer::from_writer(out);
    let closed = |error: csv::Error| match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        kind => io::Error::other(format!("{kind:?}")),
    };
    writer.write_record(columns).map_err(closed)?;
    for row in rows {
        writer.write_record(record(row)).map_err(closed)?;
    }
    Ok(writer.flush()?)
}

fn line<T: Serialize>(out: &mut impl Write, row: &T) -> anyhow::Result<()> {
    serde_json::to_writer(&mut *out, row).map_err(io::Error::from)?;
    Ok(out.write_all(b"\n")?)
}
