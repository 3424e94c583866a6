use std::{collections::BTreeMap, fmt::Write as _, path::Path, process::ExitCode};

use ruleatlas_catalog::Ledger;
use ruleatlas_model::FaultKind;
use ruleatlas_views::WithoutEvent;
use serde::Serialize;

use super::atlas;
use crate::{
    args::Doctor,
    lists::counted,
    output, paths,
    table::{Column, heading, table},
};

pub fn run(options: &Doctor, db: Option<&Path>) -> anyhow::Result<ExitCode> {
    let atlas = atlas(db)?;
    let ledger = atlas.ledger()?;
    let without_event = atlas.without_event()?;
    // In the ledger like any other fault; the catalog is damaged all the same.
    let damaged = ledger.count_damaged();
    if options.json {
        output::json(&Answer { ledger, without_event: &without_event })?;
    } else if options.markdown {
        output::text(&markdown(ledger))?;
    } else {
        let limit = options.limit.unwrap_or(usize::MAX);
        output::text(&(text(ledger, limit) + &silent(&without_event, limit)))?;
    }
    if damaged > 0 {
        output::say(format_args!(
            "warning: {}: {} cannot be read, which the list of faults names; `ruleatlas build` makes the catalog anew",
            paths::catalog(db)?.display(),
            counted(damaged as u64, "rule or row", "rules or rows"),
        ));
    }
    Ok(ExitCode::from(u8::from(damaged > 0)))
}

/// The ledger, and the rules whose telemetry has no name.
#[derive(Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    ledger: &'a Ledger,
    without_event: &'a WithoutEvent,
}

/// The rules that watch Windows and lead to no event.
fn silent(view: &WithoutEvent, limit: usize) -> String {
    let count = view.rules.len();
    let mut text = heading("Windows rules without an event", count.min(limit), count, "rules");
    let share = if view.windows_rules == 0 { 0.0 } else { count as f64 * 100.0 / view.windows_rules as f64 };
    let _ = writeln!(
        text,
        "{count} of {} counted rules of Windows or of no known platform ({}), {share:.1} %",
        view.windows_rules, view.without_platform
    );
    let columns = [Column::Id("Id"), Column::Text("Title"), Column::Text("Why")];
    text.push_str(&table(
        &columns,
        view.rules.iter().take(limit).map(|rule| vec![rule.id.clone(), rule.title.clone(), rule.reason.clone()]),
    ));
    text
}

fn text(ledger: &Ledger, limit: usize) -> String {
    let mut text = String::new();
    for source in &ledger.sources {
        text.push_str(&heading(&source.source, source.files as usize, source.files as usize, "files"));
        let _ = writeln!(
            text,
            "{} with rules + {} without + {} unreadable = {} files",
            source.with_rules, source.not_a_rule, source.unreadable, source.files
        );
        for (reason, count) in &source.reasons {
            let _ = writeln!(text, "  {count} {}", output::plain(reason));
        }
        for (language, statuses) in &source.parse {
            let parts: Vec<String> = statuses.iter().map(|(status, count)| format!("{count} {status}")).collect();
            let total: u64 = statuses.values().sum();
            let _ = writeln!(text, "{language}: {} = {total} rules", parts.join(" + "));
        }
        if source.not_counted > 0 {
            let _ = writeln!(
                text,
                "{} of the {} rules are outside the counts (deprecated, unsupported, filters, policies, baselines, insights)",
                source.not_counted, source.rules
            );
        }
        for (phrase, count) in &source.diagnostics {
            let _ = writeln!(text, "  {count} rules: {phrase}");
        }
        if source.unread_queries > 0 {
            let _ = writeln!(text, "{} of the files without rules look like queries", source.unread_queries);
        }
    }
    text.push_str(&recognition(ledger));
    text.push_str(&heading(
        "Not understood as a whole",
        ledger.faults.len().min(limit),
        ledger.faults.len(),
        "rules and files",
    ));
    let columns = [Column::Left("Parse"), Column::Path("File"), Column::Right("Line"), Column::Text("Why")];
    text.push_str(&table(
        &columns,
        ledger.faults.iter().take(limit).map(|fault| {
            let line = fault.line.map(|line| line.to_string()).unwrap_or_default();
            vec![fault.parse.to_string(), format!("{}/{}", fault.source, fault.path), line, fault.reason.clone()]
        }),
    ));
    text.push_str(&unread_queries(ledger, limit));
    text.push_str(&contradictions(ledger, limit));
    text.push_str(&unit_tests(ledger, limit));
    text
}

/// Files that look like queries and of which no rule was read; empty where there is none.
fn unread_queries(ledger: &Ledger, limit: usize) -> String {
    let all = ledger.unread_queries.len();
    if all == 0 {
        return String::new();
    }
    let columns = [Column::Path("File"), Column::Text("Why")];
    let rows = ledger.unread_queries.iter().take(limit);
    heading("Files that look like queries and were not read", all.min(limit), all, "files")
        + &table(&columns, rows.map(|file| vec![format!("{}/{}", file.source, file.path), file.reason.clone()]))
}

/// Ids that two rules have, and keys that a file has twice; empty where there is none.
fn contradictions(ledger: &Ledger, limit: usize) -> String {
    let all = ledger.contradictions.len();
    if all == 0 {
        return String::new();
    }
    let columns = [Column::Path("File"), Column::Right("Line"), Column::Text("What")];
    let rows = ledger.contradictions.iter().take(limit).map(|one| {
        let line = one.line.map(|line| line.to_string()).unwrap_or_default();
        vec![format!("{}/{}", one.source, one.path), line, one.message.clone()]
    });
    heading("Duplicate ids and keys", all.min(limit), all, "rules") + &table(&columns, rows)
}

/// The share of a part in a whole.
fn percent(part: u64, whole: u64) -> String {
    let share = if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 };
    format!("{share:.1} %")
}

/// A part of a whole as a number and its share.
fn share(part: u64, whole: u64) -> String {
    format!("{part} ({})", percent(part, whole))
}

/// Of how many rules of each vendor it is known what they read.
fn recognition(ledger: &Ledger) -> String {
    let mut text = heading("Source recognised", ledger.recognition.len(), ledger.recognition.len(), "vendors");
    let columns = [
        Column::Left("Vendor"),
        Column::Right("Rules"),
        Column::Right("Log source"),
        Column::Right("Platform"),
        Column::Right("Event"),
        Column::Right("Unknown source"),
        Column::Right("Mapped fields"),
    ];
    text.push_str(&table(
        &columns,
        ledger.recognition.iter().map(|row| {
            vec![
                row.vendor.to_owned(),
                row.rules.to_string(),
                percent(row.with_log_source, row.rules),
                percent(row.with_platform, row.rules),
                percent(row.with_event, row.rules),
                row.unknown_source.to_string(),
                percent(row.mapped_fields, row.fields),
            ]
        }),
    ));
    text
}

/// What conditions say of the unit tests that rules bring along; empty where no rule brings any.
fn unit_tests(ledger: &Ledger, limit: usize) -> String {
    let mut text = String::new();
    if ledger.unit_tests.is_empty() {
        return text;
    }
    let all = ledger.disagreements.len();
    text.push_str(&heading("Unit tests of rules that the parsed rule contradicts", all.min(limit), all, "tests"));
    for row in &ledger.unit_tests {
        let _ = writeln!(
            text,
            "{}, {}: {} agree + {} differ + {} cannot be known + {} apart = {} tests of {} rules",
            row.source, row.parse, row.agree, row.differ, row.unknown, row.apart, row.tests, row.rules
        );
    }
    if all == 0 {
        return text;
    }
    let columns = [
        Column::Left("Parse"),
        Column::Path("File"),
        Column::Text("Test"),
        Column::Left("Expected"),
        Column::Text("Found"),
    ];
    text.push_str(&table(
        &columns,
        ledger.disagreements.iter().take(limit).map(|one| {
            let word = |fires: bool| if fires { "fires" } else { "does not" }.to_owned();
            let found = one.found.map_or_else(|| format!("cannot be known: {}", one.reason), word);
            let path = format!("{}/{}", one.source, one.path);
            vec![one.parse.to_string(), path, one.test.clone(), word(one.expected), found]
        }),
    ));
    text
}

/// The ledger's numbers as Markdown, as `docs/parse-coverage.md` keeps them.
fn markdown(ledger: &Ledger) -> String {
    let mut text = String::from("| source | files | with rules | without | unreadable |\n|---|--:|--:|--:|--:|\n");
    for row in &ledger.sources {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            row.source, row.files, row.with_rules, row.not_a_rule, row.unreadable
        );
    }
    text.push_str(
        "\n| source | language | rules | full | partial | failed | no query |\n|---|---|--:|--:|--:|--:|--:|\n",
    );
    for row in &ledger.sources {
        for (language, statuses) in &row.parse {
            let of = |status: &str| statuses.get(status).copied().unwrap_or_default();
            let total: u64 = statuses.values().sum();
            let counts =
                [of("full"), of("partial"), of("failed"), of("no_query")].map(|count| count.to_string()).join(" | ");
            let _ = writeln!(text, "| {} | {language} | {total} | {counts} |", row.source);
        }
    }
    if !ledger.recognition.is_empty() {
        text.push_str(
            "\n| source recognised | rules | log source | platform | event | unknown source | compared fields | mapped |\n|---|--:|--:|--:|--:|--:|--:|--:|\n",
        );
        for row in &ledger.recognition {
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {} | {} |",
                row.vendor,
                row.rules,
                share(row.with_log_source, row.rules),
                share(row.with_platform, row.rules),
                share(row.with_event, row.rules),
                row.unknown_source,
                row.fields,
                share(row.mapped_fields, row.fields),
            );
        }
    }
    let mut reasons: BTreeMap<(&str, FaultKind, &str), u64> = BTreeMap::new();
    for fault in &ledger.faults {
        *reasons.entry((&fault.source, fault.parse, &fault.phrase)).or_default() += 1;
    }
    if !reasons.is_empty() {
        text.push_str("\n| source | parse | why | rules and files |\n|---|---|---|--:|\n");
        for ((source, parse, phrase), count) in reasons {
            let _ = writeln!(
                text,
                "| {source} | {} | {} | {count} |",
                parse.name().replace('_', " "),
                phrase.replace('|', "\\|")
            );
        }
    }
    if !ledger.unit_tests.is_empty() {
        text.push_str(
            "\n| source | parse | rules with unit tests | tests | agree | differ | cannot be known | apart |\n|---|---|--:|--:|--:|--:|--:|--:|\n",
        );
        for row in &ledger.unit_tests {
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {} | {} |",
                row.source, row.parse, row.rules, row.tests, row.agree, row.differ, row.unknown, row.apart
            );
        }
    }
    text
}
