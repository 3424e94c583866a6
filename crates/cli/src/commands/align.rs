use std::{fmt::Write as _, fs, path::Path, process::ExitCode};

use anyhow::Context as _;
use ruleatlas_model::ThreatKind;
use ruleatlas_views::{AlignRequest, AlignRow, AlignView, AlignmentStatus, ReadLayer};

use super::{atlas, coverage::telemetry};
use crate::{
    args::Align,
    lists::counted,
    markdown,
    output::{self, WrongCall, plain},
    table::{self, Column, heading, table, title},
};

pub fn run(options: &Align, db: Option<&Path>) -> anyhow::Result<ExitCode> {
    let named = [
        (ThreatKind::Group, &options.groups),
        (ThreatKind::Software, &options.software),
        (ThreatKind::Campaign, &options.campaigns),
    ];
    let threats: Vec<(ThreatKind, String)> =
        named.into_iter().flat_map(|(kind, names)| names.iter().map(move |name| (kind, name.clone()))).collect();
    if threats.is_empty() && options.layers.is_empty() {
        let help = "say who threatens: --group, --software, --campaign or --layer, each as often as needed";
        return Err(WrongCall(help.to_owned()).into());
    }
    let layers = options.layers.iter().map(|path| read_layers(path)).collect::<anyhow::Result<Vec<_>>>()?.concat();
    let atlas = atlas(db)?;
    let have = options.telemetry.as_deref().map(|path| telemetry(&atlas, path)).transpose()?;
    let mut view = atlas.align(&AlignRequest { threats, layers, have })?;
    if let Some(path) = &options.out_layer {
        write_layer(&view, path)?;
    }
    let distinct = view.techniques.len();
    view.techniques.truncate(options.limit.unwrap_or(usize::MAX));
    if options.json {
        output::json(&view)?;
    } else if options.markdown {
        output::text(&report(&view))?;
    } else {
        output::text(&text(&view, distinct))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn read_layers(path: &Path) -> anyhow::Result<Vec<ReadLayer>> {
    let bytes = fs::read(path).with_context(|| path.display().to_string())?;
    let mut layers = ReadLayer::from_bytes(&bytes).map_err(|why| anyhow::anyhow!("{}: {why}", path.display()))?;
    for layer in layers.iter_mut().filter(|layer| layer.name.trim().is_empty()) {
        layer.name = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    }
    Ok(layers)
}

/// The layer of the matrix that most of the techniques are of; a layer holds one matrix.
fn write_layer(view: &AlignView, path: &Path) -> anyhow::Result<()> {
    let domains = view.domains();
    let Some((domain, count)) = domains.first().copied() else {
        anyhow::bail!("there is no technique to write to {}", path.display());
    };
    let text = serde_json::to_string_pretty(&view.layer(domain))? + "\n";
    fs::write(path, text).with_context(|| path.display().to_string())?;
    output::say(format_args!("{}: {count} techniques of the {} matrix", path.display(), domain.name()));
    for (other, count) in domains.iter().skip(1) {
        output::say(format_args!(
            "{count} techniques of the {} matrix are not in it: a layer holds one matrix",
            other.name()
        ));
    }
    Ok(())
}

fn text(view: &AlignView, distinct: usize) -> String {
    let mut text = title("Threat alignment");
    let _ = writeln!(text, "{}", plain(&summary(view)));
    for note in &view.notes {
        let _ = writeln!(text, "note: {}", plain(note));
    }
    text.push_str(&heading("Threats", view.threats.len(), view.threats.len(), "threats"));
    let columns = [Column::Left("Id"), Column::Left("Kind"), Column::Text("Name"), Column::Right("Techniques")];
    text.push_str(&table(
        &columns,
        view.threats.iter().map(|threat| {
            vec![threat.id.clone(), threat.kind.to_owned(), threat.name.clone(), threat.techniques.to_string()]
        }),
    ));
    text.push_str(&heading("Techniques, gaps first", view.techniques.len(), distinct, "techniques"));
    let columns = [
        Column::Left("Technique"),
        Column::Text("Name"),
        Column::Right("Used by"),
        Column::List("Who"),
        Column::Right("Detections"),
        Column::Right("Tests"),
        Column::Right("Policies"),
        Column::Left("Stands"),
    ];
    text.push_str(&table(
        &columns,
        view.techniques.iter().map(|row| {
            let counts = [row.detections, row.tests, row.policies].map(|count| count.to_string());
            let mut cells = vec![
                row.row.technique.clone(),
                row.row.name.clone(),
                row.used_by.len().to_string(),
                table::list(&row.used_by),
            ];
            cells.extend(counts);
            cells.push(row.stance.title().to_owned());
            cells
        }),
    ));
    text
}

fn summary(view: &AlignView) -> String {
    let all: u64 = view.stances.values().sum();
    let parts: Vec<String> = AlignmentStatus::ALL
        .iter()
        .map(|stance| format!("{} {}", view.stances.get(stance.name()).copied().unwrap_or_default(), stance.title()))
        .collect();
    let fed = if view.only_fed { "; rules that the given telemetry cannot feed are left out" } else { "" };
    format!("{} in ATT&CK {}: {}{fed}", counted(all, "technique", "techniques"), view.attack_version, parts.join(", "))
}

fn report(view: &AlignView) -> String {
    let mut out = String::from("# Threat alignment\n\n");
    let _ = writeln!(out, "{}.\n", markdown::text(&summary(view)));
    out.push_str("## Threats\n\n");
    for threat in &view.threats {
        let label =
            if threat.id == threat.name { threat.name.clone() } else { format!("{} {}", threat.id, threat.name) };
        let name = markdown::link(&label, Some(&threat.url));
        let _ = write!(out, "- {name} ({}): {}", threat.kind, counted(threat.techniques, "technique", "techniques"));
        if !threat.campaigns.is_empty() {
            let _ = write!(
                out,
                "; its campaigns count only when they are named: {}",
                markdown::text(&threat.campaigns.join(", "))
            );
        }
        out.push('\n');
    }
    if !view.notes.is_empty() {
        out.push_str("\n## Notes\n\n");
        for note in &view.notes {
            let _ = writeln!(out, "- {}", markdown::text(note));
        }
    }
    let (covered, gaps): (Vec<&AlignRow>, Vec<&AlignRow>) =
        view.techniques.iter().partition(|row| row.stance == AlignmentStatus::Covered);
    for (name, rows) in [("Gaps", gaps), ("Detected and tested", covered)] {
        let _ = writeln!(out, "\n## {name}: {}\n", counted(rows.len() as u64, "technique", "techniques"));
        if rows.is_empty() {
            out.push_str("None.\n");
            continue;
        }
        out.push_str(
            "| technique | name | used by | detections | tests | policies | stands |\n|---|---|---|--:|--:|--:|---|\n",
        );
        for row in rows {
            let id = &row.row.technique;
            let page = format!("https://attack.mitre.org/techniques/{}/", id.replace('.', "/"));
            let _ = writeln!(
                out,
                "| {} | {} | {}: {} | {} | {} | {} | {} |",
                markdown::link(id, Some(&page)),
                markdown::text(&row.row.name),
                row.used_by.len(),
                markdown::text(&row.used_by.join(", ")),
                row.detections,
                row.tests,
                row.policies,
                row.stance.title()
            );
        }
    }
    let loaded: Vec<&str> = view.columns.iter().filter(|column| column.loaded).map(|column| column.title).collect();
    let missing: Vec<&str> = view.columns.iter().filter(|column| !column.loaded).map(|column| column.title).collect();
    let _ = writeln!(
        out,
        "\n---\n\nCounted: {}. Sub-techniques count with their technique.",
        markdown::text(&loaded.join(", "))
    );
    if !missing.is_empty() {
        let _ = writeln!(out, "Not loaded: {}.", markdown::text(&missing.join(", ")));
    }
    out
}
