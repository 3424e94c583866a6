use std::{fmt::Write as _, path::Path, process::ExitCode};

use clap::Args;
use ruleatlas_model::Vendor;
use ruleatlas_views::{CommandPlatform, EmulatedTest, FiringRule, TestEvent, TestsRequest, TestsView, WouldFire};

use super::atlas;
use crate::{
    lists::{counted, rules, shown_field},
    output::{self, WrongCall, plain},
    table::{self, Column, SHOWN, heading, table, title},
};

/// Characters of an event's value that a terminal shows.
const SHOWN_CHARACTERS: usize = 160;

#[derive(Debug, Args)]
pub struct Test {
    /// A technique, or the id of one test.
    #[arg(value_name = "TECHNIQUE|ID", required_unless_present = "command_line", conflicts_with = "command_line")]
    test: Option<String>,
    /// A command line instead of a test.
    #[arg(long, value_name = "TEXT")]
    command_line: Option<String>,
    /// Where the command line runs: windows, linux or macos.
    #[arg(long, value_name = "P", default_value = "windows", value_parser = platform)]
    platform: CommandPlatform,
    /// Only rules of this vendor; may be given several times.
    #[arg(long = "vendor", value_name = "V")]
    vendors: Vec<Vendor>,
    /// At most this many tests.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Write JSON.
    #[arg(long)]
    json: bool,
}

fn platform(name: &str) -> Result<CommandPlatform, String> {
    let names = CommandPlatform::ALL.map(CommandPlatform::name).join(", ");
    CommandPlatform::of(&name.to_ascii_lowercase()).ok_or_else(|| format!("one of {names}"))
}

pub fn run(options: &Test, db: Option<&Path>) -> anyhow::Result<ExitCode> {
    let atlas = atlas(db)?;
    let view = match (&options.command_line, &options.test) {
        (Some(text), _) => atlas.command_line_test(text, options.platform, &options.vendors)?,
        (None, test) => {
            let technique_or_id = test.clone().unwrap_or_default();
            let request = TestsRequest { technique_or_id, vendors: options.vendors.clone(), limit: options.limit };
            let view = atlas.tests(&request)?;
            if view.tests_total == 0 {
                let wanted = &request.technique_or_id;
                let message = format!(
                    "no test `{wanted}` or tests of such a technique with commands in the catalog; `ruleatlas playbook {wanted}` \
                     lists the tests of a technique, and `ruleatlas build --source atomic=FOLDER` adds some"
                );
                return Err(WrongCall(message).into());
            }
            view
        }
    };
    if options.json {
        output::json(&view)?;
    } else {
        output::text(&text(&view))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn text(view: &TestsView) -> String {
    let mut text = match (&view.technique, &view.tests[..]) {
        (Some(technique), tests) => title(&format!("{technique}: {}", counted(tests.len() as u64, "test", "tests"))),
        (None, [test]) => title(&test.name),
        _ => title("Command line"),
    };
    if view.technique.is_some() {
        let columns = [
            Column::Text("Test"),
            Column::Left("Runs"),
            Column::Right("Events"),
            Column::Right("Fires"),
            Column::Id("Id"),
        ];
        text.push_str(&heading(
            "Tests",
            view.tests.len(),
            usize::try_from(view.tests_total).unwrap_or(usize::MAX),
            "tests",
        ));
        let row = |test: &EmulatedTest| {
            let runs = format!("{} {}", test.platform.name(), test.executor.as_deref().unwrap_or("by hand"));
            vec![test.name.clone(), runs, test.events.len().to_string(), test.fires.len().to_string(), test.id.clone()]
        };
        text.push_str(&table(&columns, view.tests.iter().map(row)));
    } else {
        text.push_str(&heading("Events", view.events.len().min(SHOWN), view.events.len(), "events"));
        view.events.iter().take(SHOWN).for_each(|event| add_event(&mut text, event));
    }
    for note in view.tests.iter().flat_map(|test| &test.notes).take(SHOWN) {
        let _ = writeln!(text, "note: {}", plain(note));
    }
    text.push_str(&firing("Rules that fire", &view.fires, view.technique.is_some()));
    if !view.would_fire.is_empty() {
        let count = view.would_fire.len();
        text.push_str(&heading("Rules that would fire if", count.min(SHOWN), count, "rules"));
        let columns = [Column::Text("Title"), Column::List("Not decided"), Column::Id("Id")];
        let row = |rule: &WouldFire| {
            let checks = rule.undecided.iter().map(|check| {
                let not = if check.negated { "not " } else { "" };
                format!("{not}{} {} {}", shown_field(&check.field), check.op.unwrap_or("?"), check.values.join(", "))
            });
            vec![rule.title.clone(), table::list(checks), rule.id.clone()]
        };
        text.push_str(&table(&columns, view.would_fire.iter().take(SHOWN).map(row)));
    }
    if !view.not_fired.is_empty() {
        let count = view.not_fired.len();
        text.push_str(&heading("Rules of the technique that no test fires", count.min(SHOWN), count, "rules"));
        text.push_str(&rules(view.not_fired.iter().take(SHOWN)));
    }
    text
}

fn add_event(text: &mut String, event: &TestEvent) {
    let _ = writeln!(text, "{}", event.kind.name());
    for (name, value) in &event.fields {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let shown: String = plain(&value).chars().take(SHOWN_CHARACTERS).collect();
        let cut = if value.chars().count() > SHOWN_CHARACTERS { "…" } else { "" };
        let inferred = if event.inferred.contains(&name.as_str()) { "  (inferred)" } else { "" };
        let _ = writeln!(text, "  {}: {shown}{cut}{inferred}", plain(name));
    }
}

fn firing(name: &str, list: &[FiringRule], by_test: bool) -> String {
    let mut text = heading(name, list.len().min(SHOWN), list.len(), "rules");
    let columns = [
        Column::Left("Severity"),
        Column::Text("Title"),
        Column::List("Techniques"),
        Column::Right(if by_test { "Tests" } else { "Hits" }),
        Column::Id("Id"),
    ];
    let row = |rule: &FiringRule| {
        vec![
            rule.severity.map(|severity| severity.to_string()).unwrap_or_default(),
            rule.title.clone(),
            table::list(&rule.techniques),
            rule.hits.to_string(),
            rule.id.clone(),
        ]
    };
    text.push_str(&table(&columns, list.iter().take(SHOWN).map(row)));
    text
}
