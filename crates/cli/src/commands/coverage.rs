use std::{fmt::Write as _, fs, path::Path, process::ExitCode};

use anyhow::Context as _;
use ruleatlas_model::EventRef;
use ruleatlas_views::{Atlas, CollectedTelemetry, CoverageView, TelemetryError};

use super::atlas;
use crate::{
    args::Coverage,
    lists::counted,
    log_summary,
    output::{self, WrongCall, plain},
    table::{self, Column, SHOWN, heading, table, title},
};

pub fn run(options: &Coverage, db: Option<&Path>) -> anyhow::Result<ExitCode> {
    let atlas = atlas(db)?;
    let have = telemetry(&atlas, &options.telemetry)?;
    let view = atlas.coverage(have, &options.filters.filters(atlas.taxonomy)?)?;
    if let Some(path) = &options.layer {
        let mut layer = serde_json::to_vec_pretty(&view.layer(&atlas.attack.version))?;
        layer.push(b'\n');
        if path.is_dir() {
            return Err(WrongCall(format!("{} is a folder; the layer needs a file's name", path.display())).into());
        }
        fs::write(path, layer).with_context(|| format!("{} cannot be written", path.display()))?;
        output::say(format_args!("{}: ATT&CK Navigator layer", path.display()));
    }
    if options.json {
        output::json(&view)?;
    } else {
        output::text(&text(&view, options.limit.unwrap_or(SHOWN)))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The events that a file's settings collect, or that a folder of logs has.
pub fn telemetry(atlas: &Atlas, path: &Path) -> anyhow::Result<CollectedTelemetry> {
    if path.is_dir() {
        let summary = log_summary::summary(&[path.to_owned()], None, |_, _, _| Ok(()))?;
        let seen = summary.events.iter().filter(|kind| !kind.provider.is_empty() && !kind.event_id.is_empty());
        let events = seen.map(|kind| EventRef { provider: kind.provider.clone(), event_id: kind.event_id.clone() });
        let have = CollectedTelemetry::seen_in_logs(events);
        anyhow::ensure!(!have.events.is_empty(), "{}: no event of a known shape in it", path.display());
        return Ok(have);
    }
    let bytes = fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    atlas.have(&bytes).map_err(|error| match error {
        TelemetryError::Catalog(message) => anyhow::anyhow!(message),
        error => anyhow::anyhow!("{}: {error}", path.display()),
    })
}

fn text(view: &CoverageView, limit: usize) -> String {
    let mut text = title("What your telemetry lets you detect");
    for note in &view.have.notes {
        let _ = writeln!(text, "{}", plain(note));
    }
    let rules = view.rules;
    let _ = writeln!(
        text,
        "{} collected\n{} of {} can fire, {} cannot, {} not known",
        counted(view.collected.len() as u64, "event", "events"),
        rules.fires,
        counted(rules.total, "rule", "rules"),
        rules.cannot,
        rules.unknown,
    );
    let next = &view.next_best;
    text.push_str(&heading("Next best events", next.len().min(limit), next.len(), "events"));
    let columns = [
        Column::Left("Provider"),
        Column::Long("Id"),
        Column::Text("Title"),
        Column::Right("New techniques"),
        Column::Right("New rules"),
        Column::List("Such as"),
    ];
    text.push_str(&table(
        &columns,
        next.iter().take(limit).map(|row| {
            vec![
                row.provider.clone(),
                row.event_id.clone(),
                row.title.clone(),
                row.techniques.to_string(),
                row.rules.to_string(),
                table::list(&row.technique_ids),
            ]
        }),
    ));
    let with_rules: Vec<_> = view.techniques.iter().filter(|row| row.rules.total > 0).collect();
    text.push_str(&heading("Techniques", with_rules.len(), with_rules.len(), "techniques with rules"));
    let columns = [
        Column::Left("Technique"),
        Column::Text("Name"),
        Column::Right("Rules"),
        Column::Right("Fire"),
        Column::Right("Cannot"),
        Column::Right("Not known"),
        Column::List("Missing"),
    ];
    text.push_str(&table(
        &columns,
        with_rules.iter().map(|row| {
            let missing =
                row.missing.iter().map(|event| format!("{} {} ({})", event.provider, event.event_id, event.rules));
            let counts = [row.rules.total, row.rules.fires, row.rules.cannot, row.rules.unknown];
            let mut cells = vec![row.technique.clone(), row.name.clone()];
            cells.extend(counts.map(|count| count.to_string()));
            cells.push(table::list(missing));
            cells
        }),
    ));
    text
}
