use std::{
    fmt::Write as _,
    fs::File,
    io::{BufWriter, Write as _},
    path::Path,
    process::ExitCode,
};

use anyhow::Context as _;
use ruleatlas_events::{Kinds, SortedEvents, WriteEventsError};
use ruleatlas_taxonomy::Taxonomy;

use crate::{
    args::Logs,
    lists::counted,
    log_summary::{self, Summary},
    output::{self, WrongCall, plain},
    table::{Column, SHOWN, heading, table, title},
};

pub fn run(options: &Logs) -> anyhow::Result<ExitCode> {
    let shape = log_summary::shape(options.shape.as_deref())?;
    let mut lines = match &options.jsonl {
        Some(path) => Some((path, BufWriter::new(create(path)?))),
        None => None,
    };
    let mut table = match &options.parquet {
        // Said before hours are spent on reading.
        Some(_) if !SortedEvents::writes_parquet() => {
            return Err(WrongCall(WriteEventsError::Unsupported.to_string()).into());
        }
        Some(path) => Some((path, create(path)?, SortedEvents::default())),
        None => None,
    };
    let kinds = Kinds::default();
    let summary = log_summary::summary(&options.logs, shape, |event, file, record| {
        if lines.is_none() && table.is_none() {
            return Ok(());
        }
        let event = kinds.canonical_event(event, file, record);
        if let Some((path, out)) = &mut lines {
            let written = serde_json::to_writer(&mut *out, &event).map_err(std::io::Error::from);
            written.and_then(|()| out.write_all(b"\n")).with_context(|| cannot_be_written(path))?;
        }
        match &mut table {
            Some((path, _, sorted)) => sorted.push(event).with_context(|| cannot_be_written(path)),
            None => Ok(()),
        }
    })?;
    if let Some((path, mut out)) = lines {
        out.flush().with_context(|| cannot_be_written(path))?;
    }
    if let Some((path, file, sorted)) = table {
        sorted.write_parquet(file).with_context(|| cannot_be_written(path))?;
    }
    if options.json {
        output::json(&summary)?;
    } else {
        output::text(&text(&summary, options.limit.unwrap_or(SHOWN)))?;
    }
    Ok(ExitCode::from(u8::from(summary.records == 0)))
}

fn cannot_be_written(path: &Path) -> String {
    format!("{} cannot be written", path.display())
}

fn create(path: &Path) -> anyhow::Result<File> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    // Events are not for everybody who has an account on the machine.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).with_context(|| cannot_be_written(path))
}

fn text(summary: &Summary, limit: usize) -> String {
    let mut text = title("What is in these logs");
    let _ = writeln!(text, "{}", counted(summary.records, "record", "records"));
    let unknown: u64 = summary.unknown.iter().map(|row| row.records).sum();
    if unknown > 0 {
        let _ = writeln!(text, "{} of unknown shape", counted(unknown, "record", "records"));
    }
    if summary.problems > 0 {
        let _ = writeln!(text, "{} could not be read", counted(summary.problems, "place", "places"));
    }
    let first = summary.events.iter().filter_map(|kind| kind.first.as_deref()).min();
    let last = summary.events.iter().filter_map(|kind| kind.last.as_deref()).max();
    if let (Some(first), Some(last)) = (first, last) {
        let _ = writeln!(text, "from {first} to {last}");
    }
    let hosts: Vec<&str> = summary.hosts.iter().take(10).map(String::as_str).collect();
    if !hosts.is_empty() {
        let more = if summary.hosts.len() > hosts.len() { ", …" } else { "" };
        let count = counted(summary.hosts.len() as u64, "host", "hosts");
        let _ = writeln!(text, "{count}: {}{more}", plain(&hosts.join(", ")));
    }
    if !summary.shapes.is_empty() {
        text.push_str(&heading("Shapes", summary.shapes.len(), summary.shapes.len(), "shapes"));
        let rows = summary.shapes.iter().map(|(name, events)| vec![name.clone(), events.to_string()]);
        text.push_str(&table(&[Column::Left("Shape"), Column::Right("Events")], rows));
    }
    let shown = summary.events.len().min(limit);
    if shown > 0 {
        text.push_str(&heading("Events", shown, summary.events.len(), "kinds"));
        let columns = [
            Column::Left("Provider"),
            Column::Long("Id"),
            Column::Text("Title"),
            Column::Right("Events"),
            Column::Left("First"),
            Column::Left("Last"),
        ];
        let rows = summary.events.iter().take(limit).map(|kind| {
            let known = Taxonomy::builtin().known_event(&ruleatlas_model::EventRef {
                provider: kind.provider.clone(),
                event_id: kind.event_id.clone(),
            });
            let seconds =
                |time: &Option<String>| time.as_deref().unwrap_or_default().chars().take(19).collect::<String>();
            vec![
                kind.provider.clone(),
                kind.event_id.clone(),
                known.map(|event| event.title.clone()).unwrap_or_default(),
                kind.records.to_string(),
                seconds(&kind.first),
                seconds(&kind.last),
            ]
        });
        text.push_str(&table(&columns, rows));
    }
    let shown = summary.fields.len().min(limit);
    if shown > 0 {
        text.push_str(&heading("Fields", shown, summary.fields.len(), "fields"));
        let rows = summary.fields.iter().take(limit).map(|row| vec![row.field.clone(), row.records.to_string()]);
        text.push_str(&table(&[Column::Long("Field"), Column::Right("Events")], rows));
    }
    let shown = summary.unknown.len().min(limit);
    if shown > 0 {
        text.push_str(&heading("Unknown shapes", shown, summary.unknown.len(), "kinds"));
        let rows = summary.unknown.iter().take(limit).map(|row| vec![row.keys.join(", "), row.records.to_string()]);
        text.push_str(&table(&[Column::Text("First keys"), Column::Right("Records")], rows));
        text.push_str("`--shape NAME` reads them by a shape; see `ruleatlas logs --help`\n");
    }
    text
}
