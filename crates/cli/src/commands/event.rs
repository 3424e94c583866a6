use std::{fmt::Write as _, path::Path, process::ExitCode};

use ruleatlas_model::EventDescription;
use ruleatlas_views::EventView;

use super::{atlas, technique::guide};
use crate::{
    args::Event,
    lists::{counted, gravest_first, rules_of, vendors, wrapped},
    output::{self, plain},
    table::{Column, SHOWN, heading, table, title},
};

pub fn run(options: &Event, db: Option<&Path>) -> anyhow::Result<ExitCode> {
    let atlas = atlas(db)?;
    let mut view = atlas.event(&options.provider, &options.id, &options.filters.filters(atlas.taxonomy)?)?;
    if let Some(limit) = options.limit.or((!options.json).then_some(SHOWN)) {
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

fn text(view: &EventView, rule_limit: usize) -> String {
    let mut text = title(&format!("{} {}  {}", view.provider, view.event_id, view.title));
    let facts = &view.facts;
    let mut fact = |name: &str, told: &Option<EventDescription>| {
        if let Some(told) = told {
            let _ = writeln!(text, "{name}: {} [{}]", wrapped(&told.text), told.by);
        }
    };
    fact("Channel", &facts.channel);
    fact("Message", &facts.message);
    fact("Level", &facts.level);
    fact("Task", &facts.task);
    fact("Opcode", &facts.opcode);
    for keyword in &facts.keywords {
        fact("Keyword", &Some(keyword.clone()));
    }
    for audit in &facts.audit {
        fact("Turned on by", &Some(audit.clone()));
    }
    for category in &facts.categories {
        let name = wrapped(&category.name);
        let described = category.description.as_ref().map(|text| format!(": {}", wrapped(text))).unwrap_or_default();
        let _ = writeln!(text, "Category: {name}{described} [{}]", category.by);
    }
    let mut fact = |name: &str, told: &Option<EventDescription>| {
        if let Some(told) = told {
            let _ = writeln!(text, "{name}: {} [{}]", wrapped(&told.text), told.by);
        }
    };
    fact("Volume", &facts.volume);
    if !facts.versions.is_empty() {
        let _ = writeln!(text, "Versions: {}", plain(&facts.versions.join(", ")));
    }
    if !view.is_known {
        text.push_str("no dictionary of the catalog knows it; `build --source events=DIR` reads some\n");
    }
    let _ = writeln!(text, "{}", vendors(&view.guide.rules.by_vendor, view.guide.rules.total));
    let _ = writeln!(
        text,
        "{} its id, {} by their log source",
        counted(view.explicit, "rule writes", "rules write"),
        view.implied
    );
    if let Some(description) = &facts.description {
        let _ = writeln!(text, "\n{}", wrapped(&description.text));
    }
    if !view.event_fields.is_empty() {
        let unused = view.event_fields.iter().filter(|row| row.rules == 0).count();
        text.push_str(&heading("Fields", view.event_fields.len(), view.event_fields.len(), "fields"));
        let _ = writeln!(text, "{unused} of them no rule over this event filters on");
        let columns = [
            Column::Left("Field"),
            Column::Left("Type"),
            Column::Right("Rules"),
            Column::Left("Known as"),
            Column::Text("Description"),
        ];
        text.push_str(&table(
            &columns,
            view.event_fields.iter().map(|row| {
                let description = row.field.description.as_ref().map(|told| told.text.clone());
                let canonical = row.canonical.clone().filter(|name| *name != row.field.name);
                vec![
                    row.field.name.clone(),
                    row.field.kind.clone().unwrap_or_default(),
                    row.rules.to_string(),
                    canonical.unwrap_or_default(),
                    description.unwrap_or_default(),
                ]
            }),
        ));
    }
    if let Some(example) = &facts.example {
        let _ = writeln!(text, "\nExample [{}]\n{}", example.by, plain(&example.text));
    }
    if let Some(sample) = &view.sample {
        let _ = writeln!(
            text,
            "\nSample event [{}, {}]\n{}",
            wrapped(&sample.source),
            sample.kind.title(),
            plain(&sample.json)
        );
    }
    for line in &view.enable {
        let _ = writeln!(text, "\n{} [{}]", line.title, line.syntax);
        if !line.note.is_empty() {
            let _ = writeln!(text, "{}", wrapped(&line.note));
        }
        let _ = writeln!(text, "{}", plain(&line.text));
    }
    if view.guide.rules.total > 0 {
        let shown = view.techniques.len().min(SHOWN);
        text.push_str(&heading("Techniques seen through it", shown, view.techniques.len(), "techniques"));
        let columns = [Column::Left("Technique"), Column::Text("Name"), Column::Right("Rules")];
        text.push_str(&table(
            &columns,
            view.techniques[..shown]
                .iter()
                .map(|row| vec![row.technique.clone(), row.name.clone(), row.rules.total.to_string()]),
        ));
        text.push_str(&guide(&view.guide));
        text.push_str(&heading("Rules", view.rule_list.len().min(rule_limit), view.rule_list.len(), "rules"));
        text.push_str(&rules_of(gravest_first(&view.rule_list).into_iter().take(rule_limit), |_| true));
    }
    if !view.data_components.is_empty() {
        let _ = writeln!(text, "\nData components: {}", wrapped(&view.data_components.join(", ")));
    }
    if !view.attack_techniques.is_empty() {
        let ids: Vec<&str> = view.attack_techniques.iter().map(|(id, _)| id.as_str()).collect();
        let _ = writeln!(text, "\nATT&CK's analytics read it for {}", wrapped(&ids.join(", ")));
    }
    let credits = view.dictionaries.iter().map(|credit| format!("{} ({})", credit.title, credit.license));
    let _ = writeln!(text, "\nFrom: {}", wrapped(&credits.collect::<Vec<_>>().join(", ")));
    text
}
