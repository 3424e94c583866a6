//! The table-driven tests of all front ends: text files of `query → predicates → events`.
//!
//! A file holds cases like this one:
//!
//! ```text
//! === a process with an exclusion
//! process where process.name == "cmd.exe" and not user.id == "S-1-5-18"
//! --- predicates
//! step 0 [event_category process]
//! 0 indicator process.name eq "cmd.exe"
//! 0 exclusion user.id eq "S-1-5-18"
//! --- events
//! holds {"process": {"name": "CMD.EXE"}}
//! fails {"process.name": "cmd.exe", "user.id": "S-1-5-18"}
//! ```
//!
//! The events say `holds`, `fails` or `unknown` and are written by hand, as the language's documentation has it. The
//! predicates are what [`describe`] prints; with `UPDATE_CASES=1` in the environment the file's are written anew, to
//! be read in the diff.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use ruleatlas_model::{Condition, Level, ParseStatus};

use crate::{Context, Frontend, Parsed, Query, roles};

/// Parses any text, and checks that everything that is said of it lies in it: predicates, opaque parts, diagnostics, and
/// tokens, which follow one another.
///
/// # Panics
/// Something does not: this is a property test's body.
#[allow(clippy::panic)]
pub fn places(frontend: &dyn Frontend, text: &str, context: &dyn Context) -> Parsed {
    let parsed = frontend.parse(&Query::new(text), context);
    for placed in roles(&parsed.conditions) {
        assert!(placed.predicate.span.of(text).is_some(), "{:?} in {text:?}", placed.predicate);
    }
    for condition in &parsed.conditions {
        for predicate in condition.root.predicates() {
            assert!(predicate.span.of(text).is_some(), "{predicate:?} in {text:?}");
        }
        for opaque in condition.root.opaques() {
            assert!(opaque.span.of(text).is_some(), "{opaque:?} in {text:?}");
        }
    }
    for diagnostic in &parsed.diagnostics {
        assert!(diagnostic.span.is_none_or(|span| span.of(text).is_some()), "{diagnostic:?} in {text:?}");
    }
    let mut end = 0;
    for token in frontend.tokens(text) {
        assert!(token.span.start >= end, "{token:?} overlaps in {text:?}");
        assert!(token.span.of(text).is_some_and(|token| !token.is_empty()), "{token:?} in {text:?}");
        end = token.span.end;
    }
    parsed
}

/// Parses every query of a corpus, and checks that each is understood in full, but for those that are named `broken`.
///
/// The environment's `SHOW` prints those whose names have it.
///
/// # Panics
/// A query is not: this is a test's body.
#[allow(clippy::panic)]
pub fn all_full(frontend: &dyn Frontend, queries: &[(String, String)], broken: &[&str]) {
    let shown = std::env::var("SHOW").ok();
    let mut faults = 0;
    for (name, query) in queries {
        let parsed = frontend.parse(&Query::new(query), &crate::NoContext);
        let is_fault = parsed.status() != ParseStatus::Full && !broken.contains(&name.as_str());
        faults += usize::from(is_fault);
        if is_fault || shown.as_ref().is_some_and(|shown| name.contains(shown)) {
            println!("== {name}: {}\n{query}\n--\n{}", parsed.status(), describe(&parsed));
        }
        for diagnostic in &parsed.diagnostics {
            println!("{name}: {} {:?}", diagnostic.code, diagnostic.span.and_then(|span| span.of(query)));
        }
    }
    println!("{} queries of {}", queries.len(), frontend.language());
    assert_eq!(faults, 0, "queries that are not understood in full");
}

/// The files below a folder whose names end so, with their texts, ordered by path; none where there is no folder.
pub fn files(folder: &Path, ending: &str) -> Vec<(PathBuf, String)> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|extension| extension == ending) {
            found.extend(fs::read_to_string(&path).ok().map(|text| (path, text)));
        }
    }
    found
}

/// Says whether the first step's condition `holds`, `fails` or is `unknown` for an event; `ruleatlas-evaluate` gives it.
pub type Judge<'a> = &'a dyn Fn(&[Condition], &serde_json::Value) -> &'static str;

/// Runs every case of a file.
///
/// # Panics
/// A case is not as the file says, or the file is no cases file: this is a test's body.
#[allow(clippy::panic)]
pub fn run(frontend: &dyn Frontend, context: &dyn Context, judge: Judge<'_>, path: impl AsRef<Path>) {
    let path = path.as_ref();
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let update = std::env::var_os("UPDATE_CASES").is_some();
    let (head, cases) = read(&text);
    assert!(!cases.is_empty(), "{}: no case", path.display());
    let mut written = head.to_owned();
    let mut faults = String::new();
    for case in &cases {
        let parsed = frontend.parse(&Query::new(case.query), context);
        let found = describe(&parsed);
        if found.trim() != case.predicates.trim() && !update {
            let _ = write!(faults, "\n=== {}\nexpected:\n{}\nfound:\n{found}", case.name, case.predicates.trim());
        }
        for line in case.events.lines().filter(|line| !line.trim().is_empty()) {
            let (expected, event) = line.split_once(' ').unwrap_or_else(|| panic!("{}: {line}", case.name));
            let event = serde_json::from_str(event).unwrap_or_else(|error| panic!("{}: {line}: {error}", case.name));
            let found = judge(&parsed.conditions, &event);
            if found != expected {
                let _ = write!(faults, "\n=== {}\n{line}\nfound: {found}\n", case.name);
            }
        }
        let _ = write!(written, "=== {}\n{}--- predicates\n{}", case.name, case.query, found);
        if !case.events.is_empty() {
            let _ = write!(written, "--- events\n{}", case.events);
        }
        written.push('\n');
    }
    if update {
        fs::write(path, format!("{}\n", written.trim_end()))
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
    assert!(faults.is_empty(), "{}:{faults}", path.display());
}

/// The queries of a cases file, with their names; what they mean is not looked at.
///
/// # Panics
/// The file cannot be read: this is for tests.
#[allow(clippy::panic)]
#[must_use]
pub fn queries(path: impl AsRef<Path>) -> Vec<(String, String)> {
    let path = path.as_ref();
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let (_, cases) = read(&text);
    cases.into_iter().map(|case| (case.name.to_owned(), case.query.trim_end().to_owned())).collect()
}

struct Case<'a> {
    name: &'a str,
    query: &'a str,
    predicates: &'a str,
    events: String,
}

fn read(text: &str) -> (&str, Vec<Case<'_>>) {
    let first = if text.starts_with("=== ") { Some(0) } else { text.find("\n=== ").map(|at| at + 1) };
    let Some(first) = first else { return (text, Vec::new()) };
    let (head, body) = text.split_at(first);
    let body = body.strip_prefix("=== ").unwrap_or(body);
    let cases = body.split("\n=== ").map(|case| {
        let (name, rest) = case.split_once('\n').unwrap_or((case, ""));
        let (query, rest) = rest.split_once("--- predicates").unwrap_or((rest, ""));
        let (predicates, events) = rest.split_once("--- events").unwrap_or((rest, ""));
        let events = events.trim();
        let events = if events.is_empty() { String::new() } else { format!("{events}\n") };
        Case { name, query, predicates, events }
    });
    (head, cases.collect())
}

/// What a front end made of a query, a line a fact:
/// `step N [absent] [kind name]… label`, then its predicates as `step[.stage] role[#group] field op [flags] values`,
/// its opaque parts, and at the end the diagnostics.
#[must_use]
pub fn describe(parsed: &Parsed) -> String {
    let mut text = String::new();
    let placed = roles(&parsed.conditions);
    for (step, condition) in parsed.conditions.iter().enumerate() {
        let shown = condition.absent
            || !condition.label.is_empty()
            || !condition.sources.is_empty()
            || parsed.conditions.len() > 1;
        if shown {
            let _ = write!(text, "step {step}");
            if condition.absent {
                text.push_str(" absent");
            }
            for source in &condition.sources {
                let kind = serde_json::to_value(source.kind).unwrap_or_default();
                let _ = write!(text, " [{} {}]", kind.as_str().unwrap_or_default(), source.name);
            }
            if !condition.label.is_empty() {
                let _ = write!(text, " {}", condition.label);
            }
            text.push('\n');
        }
        for placed in placed.iter().filter(|placed| placed.step as usize == step) {
            let predicate = placed.predicate;
            let _ = write!(text, "{step}");
            if let Some(stage) = predicate.stage {
                let _ = write!(text, ".{stage}");
            }
            let _ = write!(text, " {}", placed.role);
            if let Some(group) = placed.group {
                let _ = write!(text, "#{group}");
            }
            let field = if predicate.raw_field.is_empty() { "-" } else { &predicate.raw_field };
            let _ = write!(text, " {field} ");
            if predicate.negated && predicate.written_op() == predicate.op.into() {
                text.push('!');
            }
            text.push_str(predicate.written_op().name());
            if predicate.case_sensitive {
                text.push_str(" cased");
            }
            for modifier in predicate.modifiers.iter() {
                let _ = write!(text, " |{modifier}");
            }
            if let Some(origin) = &predicate.derived_from {
                let _ = write!(text, " from={origin}");
            }
            for value in &predicate.values {
                let _ = write!(text, " {}", serde_json::Value::from(value.as_str()));
            }
            text.push('\n');
        }
        for opaque in condition.root.opaques() {
            let _ =
                writeln!(text, "{step} opaque ({}) {}", opaque.reason, serde_json::Value::from(opaque.text.as_str()));
        }
    }
    for diagnostic in &parsed.diagnostics {
        let level = match diagnostic.level {
            Level::Note => "note",
            Level::Warning => "warning",
            Level::Error => "error",
        };
        let _ = writeln!(text, "{level} ({}) {}", diagnostic.code, diagnostic.message);
    }
    text
}
