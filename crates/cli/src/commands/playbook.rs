use std::{fmt::Write as _, fs, path::Path, process::ExitCode};

use anyhow::Context as _;
use ruleatlas_model::{Basis, ControlKind, Reference};
use ruleatlas_views::{ControlGroup, ControlItem, PlaybookView};

use super::atlas;
use crate::{
    args::Playbook,
    lists::counted,
    markdown::{attack, link, quotation, text},
    output,
};

pub fn run(options: &Playbook, db: Option<&Path>) -> anyhow::Result<ExitCode> {
    let atlas = atlas(db)?;
    if let (true, Some(folder)) = (options.all, &options.out) {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        let techniques = atlas.attack.techniques.values().filter(|technique| !technique.deprecated);
        let mut written = 0;
        for technique in techniques {
            let view = atlas.playbook(&technique.id, true)?;
            let file = folder.join(format!("{}.md", safe(&technique.id)));
            fs::write(&file, markdown(&view)).with_context(|| file.display().to_string())?;
            written += 1;
        }
        output::say(format_args!("{}: {}", folder.display(), counted(written, "playbook", "playbooks")));
        return Ok(ExitCode::SUCCESS);
    }
    let view = atlas.playbook(options.technique.as_deref().unwrap_or_default(), true)?;
    let written = if options.json { serde_json::to_string_pretty(&view)? + "\n" } else { markdown(&view) };
    match &options.out {
        Some(file) => {
            fs::write(file, written).with_context(|| file.display().to_string())?;
            output::say(format_args!("{}: the playbook of {}", file.display(), view.row.technique));
        }
        None => output::text(&written)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// An id as a file's name: a bundle may say anything.
fn safe(id: &str) -> String {
    id.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') { c } else { '_' }).collect()
}

fn markdown(view: &PlaybookView) -> String {
    let row = &view.row;
    let mut out = format!("# {} {}\n\n", text(&row.technique), text(&row.name));
    if let Some(asked) = &view.asked {
        let _ = writeln!(out, "{} leads here in ATT&CK {}.\n", text(asked), text(&view.attack_version));
    }
    head(&mut out, view);
    if !view.description.trim().is_empty() {
        let _ = writeln!(out, "\n{}", quotation(&view.description, &view.references));
    }
    let parts = [
        (ControlKind::Policy, "Policy / Process Controls"),
        (ControlKind::Detection, "Technical Controls (Detection Rules)"),
        (ControlKind::Test, "Offensive Security Tests"),
    ];
    for (kind, name) in parts {
        let _ = writeln!(out, "## {name}\n");
        for group in view.of_kind(kind) {
            self::group(&mut out, group, view);
        }
    }
    out.push_str(
        "---\n\n*Official*: the source maps it itself. *Derived*: it follows from what the source says, and how stands beside \
         it. Counts are with sub-techniques. Tests change the systems that they run on: read them before.\n",
    );
    out
}

fn head(out: &mut String, view: &PlaybookView) {
    let row = &view.row;
    let version =
        if view.attack_version.is_empty() { String::new() } else { format!(" {}", text(&view.attack_version)) };
    let _ = writeln!(
        out,
        "- ATT&CK{version}: {}, {} matrix{}",
        link(&row.technique, Some(&view.url)),
        row.domain.name(),
        if view.deprecated { ", deprecated" } else { "" }
    );
    let tactics: Vec<String> = view
        .tactic_list
        .iter()
        .map(|tactic| format!("{} ({})", link(&tactic.name, Some(&tactic.url)), text(&tactic.id)))
        .collect();
    if !tactics.is_empty() {
        let _ = writeln!(out, "- {}: {}", if tactics.len() == 1 { "Tactic" } else { "Tactics" }, tactics.join(", "));
    }
    if !row.platforms.is_empty() {
        let _ = writeln!(out, "- Platforms: {}", text(&row.platforms.join(", ")));
    }
    let named = |(id, name): &(String, String)| format!("{} {}", text(id), text(name));
    if let Some(parent) = &view.parent {
        let _ = writeln!(out, "- Sub-technique of {}", named(parent));
    }
    if !view.sub_techniques.is_empty() {
        let _ =
            writeln!(out, "- Sub-techniques: {}", view.sub_techniques.iter().map(named).collect::<Vec<_>>().join(", "));
    }
    let score = |kind| format!("{} of {}", row.score(kind), view.of_kind(kind).count());
    let _ = writeln!(
        out,
        "- Sources that have any: policy {}, detection {}, test {}. It {} be validated (needs a detection and a test).",
        score(ControlKind::Policy),
        score(ControlKind::Detection),
        score(ControlKind::Test),
        if row.validated { "can" } else { "cannot" }
    );
}

fn group(out: &mut String, group: &ControlGroup, view: &PlaybookView) {
    let column = &group.column;
    let _ = writeln!(out, "### {}\n", text(column.title));
    if let Some(empty) = &group.empty
        && !column.loaded
    {
        let _ = writeln!(out, "{}\n", text(&empty.sentence()));
        return;
    }
    let version = column.version.as_deref().map_or_else(|| "no version stated".to_owned(), text);
    let license = column.license.as_deref().map(|license| format!(" · licence {}", text(license))).unwrap_or_default();
    let _ = writeln!(
        out,
        "Version: {version}{license} · {} mapped to ATT&CK in all · **{}** here\n",
        counted(column.mapped, "resource", "resources"),
        group.here
    );
    if let Some(empty) = &group.empty {
        let _ = writeln!(out, "{}\n", text(&empty.sentence()));
    }
    for item in &group.items {
        self::item(out, item, view);
    }
    if !group.items.is_empty() {
        out.push('\n');
    }
    let listed_above =
        group.items.iter().filter(|item| Some(&item.technique) == view.parent.as_ref().map(|it| &it.0)).count();
    if let Some((parent, _)) = &view.parent
        && group.above > 0
        && listed_above == 0
    {
        let (rules, are) = (counted(group.above, "rule", "rules"), if group.above == 1 { "is" } else { "are" });
        let _ = writeln!(out, "Derived: {rules} more {are} tagged with {}, the technique above, only.\n", text(parent));
    }
}

fn item(out: &mut String, item: &ControlItem, view: &PlaybookView) {
    let own_name = ["M", "D3", "CAR-"].iter().any(|mark| item.id.starts_with(mark)) && !item.id.contains('#');
    let label = if own_name { format!("{} {}", item.id, item.name) } else { item.name.clone() };
    let _ = write!(out, "- {}", link(&label, item.url.as_deref()));
    if item.url.is_none() {
        let _ = write!(out, " ({})", text(&item.id));
    }
    let mut facts: Vec<String> = Vec::new();
    facts.extend(item.tactic.as_deref().map(text));
    facts.extend(item.severity.map(|severity| severity.to_string()));
    facts.extend((!item.platforms.is_empty()).then(|| text(&item.platforms.join(", "))));
    facts.extend(item.executor.as_deref().map(text));
    facts.extend(item.elevated.then(|| "needs an administrator’s rights".to_owned()));
    let mapped = std::iter::once(&item.technique).filter(|id| **id != view.row.technique).chain(&item.also);
    let mapped: Vec<&str> = mapped.map(String::as_str).collect();
    if !mapped.is_empty() {
        let also = if item.technique == view.row.technique { "also " } else { "" };
        facts.push(format!("{also}{}", text(&mapped.join(", "))));
    }
    facts.push(match item.basis {
        Basis::Official => "official".to_owned(),
        Basis::Derived => "derived".to_owned(),
    });
    let _ = write!(out, " — {}", facts.join(" · "));
    if !item.how.is_empty() {
        let how: Vec<String> = item.how.iter().map(|how| text(how)).collect();
        let _ = write!(out, ": {}", how.join("; "));
    }
    out.push('\n');
    if !item.description.is_empty() {
        let references: &[Reference] = &view.references;
        let words = item.description.split("\n\n").next().unwrap_or_default();
        let _ = writeln!(out, "  {}", attack(&words.replace('\n', " "), references));
    }
}
