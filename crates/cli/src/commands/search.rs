use std::{path::Path, process::ExitCode};

use ruleatlas_views::SearchView;

use super::atlas;
use crate::{
    args::Search,
    lists::{indicators, rules, shown_field},
    output::{self, plain},
    table::{Column, heading, table},
};

pub fn run(options: &Search, db: Option<&Path>) -> anyhow::Result<ExitCode> {
    let view = atlas(db)?.search(&options.text.join(" "), options.limit)?;
    if options.json {
        output::json(&view)?;
    } else {
        output::text(&text(&view))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn text(view: &SearchView) -> String {
    let mut text = String::new();
    for (title, what, hits) in [
        ("Techniques", "Name", &view.techniques),
        ("Fields", "What it holds", &view.fields),
        ("Events", "Title", &view.events),
    ] {
        if !hits.is_empty() {
            text.push_str(&heading(title, hits.len(), hits.len(), "shown"));
            let columns = [Column::Left("Id"), Column::Text(what), Column::Right("Rules")];
            let rows = hits.iter().map(|hit| vec![shown_field(&hit.id), hit.name.clone(), hit.rules.to_string()]);
            text.push_str(&table(&columns, rows));
        }
    }
    if !view.indicators.is_empty() {
        text.push_str(&heading("Values", view.indicators.len(), view.indicators.len(), "shown"));
        text.push_str(&indicators(&view.indicators, "Reach"));
    }
    if !view.rules.is_empty() {
        text.push_str(&heading("Rules", view.rules.len(), view.rules.len(), "shown"));
        text.push_str(&rules(&view.rules));
    }
    if text.is_empty() {
        text = format!("nothing has `{}` in its name, value or text; try a part of it\n", plain(&view.text));
    }
    text
}
