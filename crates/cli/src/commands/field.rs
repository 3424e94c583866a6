use std::{fmt::Write as _, path::Path, process::ExitCode};

use ruleatlas_views::FieldView;

use super::atlas;
use crate::{
    args::Field,
    lists::{counted, events, how, indicators, shown_field, wrapped},
    output,
    table::{SHOWN, heading, title},
};

pub fn run(options: &Field, db: Option<&Path>) -> anyhow::Result<ExitCode> {
    let views = atlas(db)?.field(&options.name)?;
    let limit = options.limit.unwrap_or(if options.json { usize::MAX } else { SHOWN });
    if options.json {
        let limited = views.into_iter().map(|mut view| {
            view.events.truncate(limit);
            view.indicators.truncate(limit);
            view.exclusions.truncate(limit);
            view
        });
        output::json(&limited.collect::<Vec<_>>())?;
    } else {
        output::text(&views.iter().map(|view| text(view, limit)).collect::<Vec<_>>().join("\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn text(view: &FieldView, limit: usize) -> String {
    let mut text = title(&shown_field(&view.field));
    match (&view.description, &view.kind) {
        (Some(description), Some(kind)) => {
            let _ = writeln!(text, "{description} ({kind})");
        }
        _ => text.push_str("a name that the table of fields does not know\n"),
    }
    let filtered = counted(view.filtered.rules, "rule filters it", "rules filter it");
    let ops = how(&view.filtered.how).join(", ");
    let _ = writeln!(text, "{filtered}{}{ops}", if ops.is_empty() { "" } else { ": " });
    // All of them: a name that is left out is the one that somebody looks for.
    for (vocabulary, names) in &view.names {
        let _ = writeln!(text, "\n{vocabulary}\n{}", wrapped(&names.join(", ")));
    }
    if !view.events.is_empty() {
        let shown = view.events.len().min(limit);
        text.push_str(&heading("Events that carry it", shown, view.events_distinct, "events"));
        text.push_str(&events(&view.events[..shown]));
    }
    for (title, rows) in [("Top indicator values", &view.indicators), ("Exclusions", &view.exclusions)] {
        if !rows.is_empty() {
            let shown = rows.len().min(limit);
            text.push_str(&heading(title, shown, rows.len(), "values"));
            text.push_str(&indicators(&rows[..shown], "Reach"));
        }
    }
    text
}
