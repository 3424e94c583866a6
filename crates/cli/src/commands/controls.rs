use std::{fmt::Write as _, path::Path, process::ExitCode};

use ruleatlas_model::{AttackDomain, ControlKind};
use ruleatlas_views::{Cells, CompassFilters, CompassRow, CompassView, ControlColumn};

use super::atlas;
use crate::{
    args::{Controls, Matrix, YesNo},
    lists::counted,
    output,
    table::{self, Column, heading, table, title},
};

pub fn run(options: &Controls, db: Option<&Path>) -> anyhow::Result<ExitCode> {
    let filters = CompassFilters {
        gaps: options.gaps.clone(),
        tactics: options.tactics.clone(),
        platforms: options.platforms.clone(),
        domain: options.matrix.map(|matrix| match matrix {
            Matrix::Enterprise => AttackDomain::Enterprise,
            Matrix::Mobile => AttackDomain::Mobile,
            Matrix::Ics => AttackDomain::Ics,
        }),
        validated: options.validated.map(|answer| answer == YesNo::Yes),
        sort: options.sort.clone(),
        reversed: options.reverse,
    };
    let mut view = atlas(db)?.controls(&filters)?;
    let distinct = view.techniques.len();
    view.techniques.truncate(options.limit.unwrap_or(usize::MAX));
    if options.json {
        output::json(&view)?;
    } else if options.csv {
        let cells = if options.raw { Cells::Raw } else { Cells::Guarded };
        output::data(&view.csv(cells))?;
    } else {
        output::text(&text(&view, distinct))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn count(row: &CompassRow, column: &ControlColumn) -> Option<u64> {
    row.resources.get(column.source.name()).copied()
}

fn text(view: &CompassView, distinct: usize) -> String {
    let mut text = title("Controls, rules and tests of every technique");
    let _ = writeln!(
        text,
        "ATT&CK {}: {}, {} of them with a detection and a test",
        output::plain(&view.attack_version),
        counted(view.techniques_total, "technique", "techniques"),
        view.validated_total
    );
    for gap in &view.gaps {
        let _ = writeln!(text, "  {} {}  (--gap {})", gap.techniques, gap.gap.title(), gap.gap.name());
    }
    text.push_str(&heading("Sources", view.columns.len(), view.columns.len(), "sources"));
    let columns = [
        Column::Left("Source"),
        Column::Left("Kind"),
        Column::Right("Mapped"),
        Column::Right("Of"),
        Column::Text("Version"),
    ];
    text.push_str(&table(
        &columns,
        view.columns.iter().map(|column| {
            let version = match (&column.version, column.loaded) {
                (_, false) => "not loaded".to_owned(),
                (Some(version), true) => version.clone(),
                (None, true) => "not stated".to_owned(),
            };
            let counts = [column.mapped, column.total].map(|it| it.to_string());
            let mut cells = vec![column.title.to_owned(), column.kind.to_string()];
            cells.extend(counts);
            cells.push(version);
            cells
        }),
    ));
    text.push_str(&heading("Techniques", view.techniques.len(), distinct, "techniques"));
    let loaded: Vec<&ControlColumn> = view.columns.iter().filter(|column| column.loaded).collect();
    let mut columns = vec![Column::Left("Technique"), Column::Text("Name")];
    columns.extend(loaded.iter().map(|column| Column::Right(column.source.abbreviation())));
    columns.extend(["Pol", "Det", "Test"].map(Column::Right));
    columns.push(Column::Left("Valid"));
    columns.push(Column::List("Gaps"));
    text.push_str(&table(
        &columns,
        view.techniques.iter().map(|row| {
            let mut cells = vec![row.technique.clone(), row.name.clone()];
            let counts = loaded.iter().map(|column| count(row, column).unwrap_or_default());
            cells.extend(counts.map(|count| if count == 0 { "·".to_owned() } else { count.to_string() }));
            let kinds = [ControlKind::Policy, ControlKind::Detection, ControlKind::Test];
            cells.extend(kinds.map(|kind| row.score(kind).to_string()));
            cells.push(if row.validated { "yes" } else { "no" }.to_owned());
            cells.push(table::list(row.gaps.iter().map(|gap| gap.name())));
            cells
        }),
    ));
    text
}
