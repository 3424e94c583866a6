use std::{fmt::Write as _, path::Path, process::ExitCode};

use ruleatlas_catalog::Guide;
use ruleatlas_model::{AttackDomain, Reference};
use ruleatlas_views::{AttackEvents, AttackPieceKind, TechniqueView, attack_pieces};

use super::atlas;
use crate::{
    args::Technique,
    lists::{counted, fields, gravest_first, indicators, rules_of, vendors, wrapped},
    output::{self, plain},
    table::{Column, SHOWN, heading, table, title},
};

pub fn run(options: &Technique, db: Option<&Path>) -> anyhow::Result<ExitCode> {
    let atlas = atlas(db)?;
    let filters = options.filters.filters(atlas.taxonomy)?;
    let mut view = atlas.technique(&options.technique, !options.no_subtechniques, &filters)?;
    options.orders.iter().for_each(|order| order.apply(&mut view.guide, &mut view.rule_list));
    let limit = options.limit.or((!options.json).then_some(SHOWN));
    if let Some(limit) = limit {
        view.guide = view.guide.limited(limit);
    }
    if options.json {
        view.rule_list.truncate(options.limit.unwrap_or(usize::MAX));
        output::json(&view)?;
    } else {
        output::text(&text(&view, options.limit.unwrap_or(usize::MAX)))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn text(view: &TechniqueView, rule_limit: usize) -> String {
    let mut text = title(&format!("{} {}", view.technique, view.name));
    if let Some(asked) = &view.asked {
        let _ = writeln!(text, "{} leads to {} in the loaded ATT&CK version", plain(asked), view.technique);
    }
    if view.deprecated {
        text.push_str("ATT&CK calls it deprecated\n");
    }
    let matrix = match view.domain {
        AttackDomain::Enterprise => String::new(),
        other => format!("matrix {}", other.name()),
    };
    let facts = [matrix, view.tactics.join(", "), view.platforms.join(", ")];
    let facts: Vec<&str> = facts.iter().map(String::as_str).filter(|fact| !fact.is_empty()).collect();
    let _ = writeln!(text, "{}", wrapped(&facts.join(" · ")));
    let sub_techniques = view.sub_techniques.len() as u64;
    let scope = match (sub_techniques, view.with_sub_techniques) {
        (0, _) => String::new(),
        (count, true) => format!(" (with {})", counted(count, "sub-technique", "sub-techniques")),
        (count, false) => format!(" (without {})", counted(count, "sub-technique", "sub-techniques")),
    };
    let _ = writeln!(text, "{}{scope}", vendors(&view.guide.rules.by_vendor, view.guide.rules.total));
    if let Some(first) = view.description.split("\n\n").next().filter(|first| !first.is_empty()) {
        let _ = writeln!(text, "\n{}", wrapped(&without_marks(first, &view.references)));
    }
    if view.guide.rules.total == 0 {
        text.push_str("\nNo rule of the catalog that the filters let through is tagged with it.\n");
        return text;
    }
    text.push_str(&guide(&view.guide));
    text.push_str(&named_by_attack(&view.attack_events));
    let family = |id: &str| id == view.technique || view.sub_techniques.iter().any(|(other, _)| other == id);
    text.push_str(&heading("Rules", view.rule_list.len().min(rule_limit), view.rule_list.len(), "rules"));
    text.push_str(&rules_of(gravest_first(&view.rule_list).into_iter().take(rule_limit), family));
    text
}

/// The events that ATT&CK names and the rules here do not read, or read besides.
fn named_by_attack(view: &AttackEvents) -> String {
    let named = view.named_and_read.len() + view.named_unread.len();
    if named == 0 {
        return String::new();
    }
    let mut text = heading("Events ATT&CK names", named, named, "events");
    let columns = [
        Column::Left("Provider"),
        Column::Long("Id"),
        Column::Text("Title"),
        Column::Right("Rules"),
        Column::Right("Analytics"),
    ];
    let both = view.named_and_read.iter().chain(&view.named_unread);
    text.push_str(&table(
        &columns,
        both.map(|row| {
            let counts = [row.rules, row.analytics].map(|count| count.to_string());
            [vec![row.provider.clone(), row.event_id.clone(), row.title.clone()], counts.to_vec()].concat()
        }),
    ));
    let _ = writeln!(
        text,
        "{} that rules here read it does not name",
        counted(view.read_unnamed.len() as u64, "event", "events")
    );
    text
}

/// ATT&CK's Markdown without links, citations and the tags of code.
fn without_marks(text: &str, references: &[Reference]) -> String {
    let mut plain = String::with_capacity(text.len());
    for piece in attack_pieces(text, references) {
        match piece.kind {
            AttackPieceKind::Text => plain.push_str(piece.written),
            AttackPieceKind::Code(code) => {
                let _ = write!(plain, "`{code}`");
            }
            AttackPieceKind::Link { label, .. } => plain.push_str(label),
            AttackPieceKind::Citation(_) => {}
        }
    }
    plain
}

pub fn guide(guide: &Guide) -> String {
    let mut text = heading("Events covered", guide.events.len(), guide.events_distinct, "events");
    let columns = [
        Column::Left("Provider"),
        Column::Long("Id"),
        Column::Text("Title"),
        Column::Right("Rules"),
        Column::Right("Written"),
        Column::Right("Implied"),
    ];
    text.push_str(&table(
        &columns,
        guide.events.iter().map(|row| {
            let counts = [row.rules, row.explicit, row.implied].map(|count| count.to_string());
            [vec![row.provider.clone(), row.event_id.clone(), row.title.clone()], counts.to_vec()].concat()
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

#[cfg(test)]
mod tests {
    use super::without_marks;

    #[test]
    fn links_citations_and_tags_of_code_are_left_out() {
        let text = "Use [cmd](https://x/S0106) (Citation: A 2020) or <code>whoami</code> (see a < b).";
        assert_eq!(without_marks(text, &[]), "Use cmd  or `whoami` (see a < b).");
    }
}
