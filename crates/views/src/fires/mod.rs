//! Which rules fire on events that somebody has.

mod command_line;
mod near;

use std::collections::{BTreeMap, BTreeSet};

use ruleatlas_events::{Event, Part, Problem, ReadItem, Reader, Record, Shape, Shapes, key_values};
use ruleatlas_hunt::{Hunter, Options, Report, RuleCount, RunItem, RunOptions};
use ruleatlas_model::{Severity, Vendor};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Atlas, Error, nearest};

pub use command_line::CommandEvent;
pub use near::{FailedCheck, NearRule};
pub use ruleatlas_emulate::Platform as CommandPlatform;

/// Bytes of what is asked about.
pub const MAX_FIRES_BYTES: usize = 256 << 10;
/// Events that are asked about at once.
pub const MAX_FIRES_EVENTS: u64 = 500;
/// Bytes of one value: a longer one costs every rule that looks into it.
const MAX_VALUE_BYTES: usize = 64 << 10;
/// Kinds of events at once: for each it is found out which rules read it.
const MAX_KINDS: usize = 32;
/// Kinds that are met until those that were met are forgotten.
const MAX_KEPT_KINDS: usize = 256;
/// Events that a rule's answer names.
const MAX_NAMED_EVENTS: usize = 20;
/// Rules of which it cannot be known that are listed.
const MAX_UNDECIDED: usize = 100;
/// Problems that are listed.
const MAX_PROBLEMS: usize = 20;

/// What rules are asked about.
#[derive(Clone, Copy, Debug)]
pub enum FiresInput<'a> {
    /// Events of any shape, in any format that is text.
    Events {
        /// The text.
        text: &'a [u8],
        /// The shape of all records; without it each is recognised by itself.
        shape: Option<&'a str>,
    },
    /// A command line.
    CommandLine {
        /// The text.
        text: &'a str,
        /// Where it runs.
        platform: CommandPlatform,
    },
}

/// Which rules fire.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FiresView {
    /// The event that a command line was made into.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<CommandEvent>,
    /// Numbers of events.
    pub events: FiresEvents,
    /// The kinds of events, the most first.
    pub kinds: Vec<FiresKind>,
    /// What could not be read; the first twenty.
    pub problems: Vec<FiresProblem>,
    /// Rules that were asked about one of the events.
    pub asked: u64,
    /// Rules that fire, by vendor.
    pub by_vendor: BTreeMap<&'static str, u64>,
    /// The rules that fire, the most severe first.
    pub fires: Vec<FiringRule>,
    /// Rules whose conditions on single events hold, where something decides that is not evaluated here.
    pub candidates: Vec<FiringRule>,
    /// Rules of which it cannot be known whether they fire; the first hundred.
    pub undecided: Vec<UndecidedRule>,
    /// How many they are.
    pub undecided_total: u64,
    /// The closest rules that do not fire.
    pub near: Vec<NearRule>,
}

/// Numbers of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct FiresEvents {
    /// Read.
    pub read: u64,
    /// That a rule was asked about.
    pub asked: u64,
    /// Of a shape that is not known.
    pub unknown_shape: u64,
}

/// A kind of events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FiresKind {
    /// The provider, as the taxonomy calls it; empty where none is said.
    pub provider: String,
    /// The event's id.
    pub event_id: String,
    /// Events read.
    pub events: u64,
    /// Rules that are asked about them.
    pub rules: u64,
}

/// What could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FiresProblem {
    /// The one-based line.
    pub line: Option<u64>,
    /// What is wrong.
    pub message: String,
}

/// A rule that fires.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct FiringRule {
    /// The rule's id.
    pub id: String,
    /// Who publishes it.
    pub vendor: Vendor,
    /// Its title.
    pub title: String,
    /// How severe its author calls a hit.
    pub severity: Option<Severity>,
    /// Its techniques.
    pub techniques: Vec<String>,
    /// How often it fires.
    pub hits: u64,
    /// On which events, by their numbers from 1; the first twenty. Of a rule over several events, all of a hit.
    pub events: Vec<u64>,
    /// What of the rule held in these events.
    pub matched: Vec<FiringCheck>,
    /// Of a candidate, what decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Whether nothing is known of what the rule reads.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub source_unknown: bool,
}

/// An indicator that held.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
pub struct FiringCheck {
    /// The canonical field.
    pub field: String,
    /// The folded operator.
    pub op: String,
    /// The folded value.
    pub value: String,
}

/// A rule of which it cannot be known whether it fires.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct UndecidedRule {
    /// The rule's id.
    pub id: String,
    /// Who publishes it.
    pub vendor: Vendor,
    /// Its title.
    pub title: String,
    /// Events of which it cannot be known.
    pub events: u64,
    /// Why.
    pub why: Vec<String>,
}

/// Why rules cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum FiresError {
    /// It is no text.
    #[error(
        "this is no text in UTF-8 or UTF-16; paste events as text, or run `ruleatlas hunt FILE` on EVTX, Parquet and archives"
    )]
    NotText,
    /// It is too long.
    #[error(
        "this has more than {} KiB, or a value of more than {} KiB; `ruleatlas hunt FILE` takes any size",
        MAX_FIRES_BYTES >> 10,
        MAX_VALUE_BYTES >> 10
    )]
    TooLong,
    /// There are too many events.
    #[error("there are more than {MAX_FIRES_EVENTS} events; `ruleatlas hunt FILE` takes any number")]
    TooManyEvents,
    /// There are too many kinds of them.
    #[error("there are more than {MAX_KINDS} kinds of events; ask about fewer at once, or run `ruleatlas hunt FILE`")]
    TooManyKinds,
    /// There is nothing to ask about.
    #[error("there is no event in it{0}")]
    NoEvent(String),
    /// There is no such shape.
    #[error("there is no shape `{name}`{}", near.first().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
    NoShape {
        /// As asked for.
        name: String,
        /// Names that look like it.
        near: Vec<String>,
    },
    /// A temporary file cannot be used.
    #[error("a temporary file cannot be used: {0}")]
    Temporary(#[from] std::io::Error),
    /// The catalog cannot be read.
    #[error(transparent)]
    Catalog(#[from] Error),
}

/// The rules of a catalog, ready to be asked, and what was met since kinds were forgotten.
#[derive(Debug)]
pub(crate) struct Asking {
    hunter: Hunter,
    kinds: std::sync::atomic::AtomicUsize,
}

impl Atlas {
    /// The rules of the catalog, ready to be asked, made when they are first asked for.
    fn asking(&self) -> Result<&Asking, Error> {
        if let Some(asking) = self.asking.get() {
            return Ok(asking);
        }
        // Whoever comes meanwhile waits, and does not do the same.
        let _making = self.asking_made.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(asking) = self.asking.get() {
            return Ok(asking);
        }
        let rules = self.store().runnable_rules(false, &|_| true)?.rules;
        let hunter = Hunter::new(rules, Options::default());
        Ok(self.asking.get_or_init(|| Asking { hunter, kinds: 0.into() }))
    }

    /// Which rules fire on events, or on a command line.
    ///
    /// # Errors
    /// There is no event in it, or more than is answered at once; the catalog cannot be read.
    pub fn fires(&self, input: FiresInput<'_>) -> Result<FiresView, FiresError> {
        let (command, shape, items) = read(input)?;
        self.fires_on(command, shape, &items)
    }

    /// Which rules fire on records.
    pub(crate) fn fires_on(
        &self,
        command: Option<CommandEvent>,
        shape: Option<&'static Shape>,
        items: &[ReadItem],
    ) -> Result<FiresView, FiresError> {
        let (numbers, events) = examined(items, shape)?;
        let asking = self.asking()?;
        asking.count_kinds(&events)?;
        let hunter = &asking.hunter;
        let mut found: BTreeMap<String, Found> = BTreeMap::new();
        let parts = items.iter().cloned();
        let options = RunOptions { threads: 1, shape, without_events: true, without_hits: false };
        let tally = ruleatlas_hunt::run(
            hunter,
            options,
            |sink| {
                parts.map(Part::Item).all(sink);
            },
            &mut |item| {
                if let RunItem::Hit(hit) = item {
                    let of_rule = found.entry(hit.rule).or_default();
                    let own = hit.events.iter().map(|event| event.record);
                    let own = if hit.events.is_empty() { vec![hit.record] } else { own.collect() };
                    for event in own {
                        if of_rule.events.len() < MAX_NAMED_EVENTS {
                            of_rule.events.insert(event);
                        }
                    }
                    let matched = hit.matched.into_iter();
                    of_rule.matched.extend(matched.map(|row| FiringCheck {
                        field: row.field,
                        op: row.op,
                        value: row.value,
                    }));
                }
                true
            },
        )?;
        let report = hunter.report(&tally);
        let near = self.near_rules(hunter, &report, &numbers, &events)?;
        Ok(view(&report, found, command, problems(items), near))
    }
}

/// What was found of a rule.
#[derive(Debug, Default)]
struct Found {
    events: BTreeSet<u64>,
    matched: BTreeSet<FiringCheck>,
}

impl Asking {
    /// Counts the kinds of the events, and forgets what was met before where it is much.
    fn count_kinds(&self, events: &[Event]) -> Result<(), FiresError> {
        use std::sync::atomic::Ordering;
        let name = |event: &Event| {
            (event.shape.clone(), event.provider.clone(), event.event_id.clone(), event.channel.clone())
        };
        let kinds: BTreeSet<_> = events.iter().map(name).collect();
        if kinds.len() > MAX_KINDS {
            return Err(FiresError::TooManyKinds);
        }
        // A kind that is met again counts again: what is forgotten too early is only made anew.
        let met = self.kinds.fetch_add(kinds.len().max(1), Ordering::Relaxed) + kinds.len();
        if met > MAX_KEPT_KINDS {
            self.kinds.store(0, Ordering::Relaxed);
            self.hunter.forget_kinds();
        }
        Ok(())
    }
}

type Input = (Option<CommandEvent>, Option<&'static Shape>, Vec<ReadItem>);

/// The records of what is asked about.
fn read(input: FiresInput<'_>) -> Result<Input, FiresError> {
    let (command, shape, text) = match input {
        FiresInput::CommandLine { text, platform } => {
            let Some((command, records)) = command_line::command_events(text, platform) else {
                return Err(FiresError::NoEvent(": the command line is empty".to_owned()));
            };
            let lines: Vec<String> = records.iter().map(ToString::to_string).collect();
            (Some(command), None, lines.join("\n").into_bytes())
        }
        FiresInput::Events { text, shape } => {
            let known = |name: &str| {
                Shapes::builtin().named(name).ok_or_else(|| {
                    let near = nearest(name, Shapes::builtin().all().iter().map(|shape| shape.name.as_str()), 3);
                    FiresError::NoShape { name: name.to_owned(), near }
                })
            };
            if !is_text(text) {
                return Err(FiresError::NotText);
            }
            (None, shape.map(known).transpose()?, text.to_vec())
        }
    };
    if text.len() > MAX_FIRES_BYTES {
        return Err(FiresError::TooLong);
    }
    Ok((command, shape, records(&text)))
}

/// The records of a text: what its first characters say that it is, else a table with a header, else lines of pairs.
fn records(text: &[u8]) -> Vec<ReadItem> {
    let read = |name: &str| {
        let mut items = Vec::new();
        Reader::default().read_bytes(name, text, &mut |item| {
            items.push(item);
            items.len() as u64 <= MAX_FIRES_EVENTS
        });
        items
    };
    let has_record = |items: &Vec<ReadItem>| items.iter().any(Result::is_ok);
    let items = read("events");
    if has_record(&items) {
        return items;
    }
    let pairs = pairs(text);
    if has_record(&pairs) {
        return pairs;
    }
    // A table has columns, and a row.
    let is_table = |items: &Vec<ReadItem>| {
        items.iter().flatten().any(|record| record.value.as_object().is_some_and(|fields| fields.len() > 1))
    };
    ["events.csv", "events.tsv", "events.psv"].into_iter().map(read).find(is_table).unwrap_or(items)
}

/// The records of lines of pairs.
fn pairs(text: &[u8]) -> Vec<ReadItem> {
    let file: std::sync::Arc<str> = "events".into();
    let Ok(text) = std::str::from_utf8(text) else { return Vec::new() };
    let mut number = 0;
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    let record = |(line, text): (u64, &str)| {
        let (file, line) = (std::sync::Arc::clone(&file), Some(line));
        match key_values(text) {
            Some(value) => {
                number += 1;
                Ok(Record { file, number, line, value })
            }
            None => Err(Problem { file, line, message: "no pairs of `key=value`".to_owned() }),
        }
    };
    lines.map(record).take(MAX_FIRES_EVENTS as usize + 1).collect()
}

/// Whether bytes are text: archives, EVTX and Parquet are not, and could hold much more than their size.
fn is_text(bytes: &[u8]) -> bool {
    let is_utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    is_utf16 || std::str::from_utf8(bytes).is_ok_and(|text| !text.contains('\0') && !text.starts_with("PAR1"))
}

/// The events of records, each with the number of its record.
fn examined(items: &[ReadItem], shape: Option<&'static Shape>) -> Result<(Vec<u64>, Vec<Event>), FiresError> {
    let (mut numbers, mut events) = (Vec::new(), Vec::new());
    for record in items.iter().flatten() {
        Shapes::builtin().events(record.value.clone(), shape, &mut |event| {
            numbers.push(record.number);
            events.push(event);
        });
        if events.len() as u64 > MAX_FIRES_EVENTS {
            return Err(FiresError::TooManyEvents);
        }
    }
    let is_long = |event: &Event| event.fields.values().any(|value| longest(value) > MAX_VALUE_BYTES);
    if events.iter().any(is_long) {
        return Err(FiresError::TooLong);
    }
    if events.is_empty() {
        let first = items.iter().find_map(|item| item.as_ref().err());
        let why = first.map(|problem| {
            let line = problem.line.map(|line| format!("line {line}: ")).unwrap_or_default();
            format!(": {line}{}", problem.message)
        });
        return Err(FiresError::NoEvent(why.unwrap_or_default()));
    }
    Ok((numbers, events))
}

/// Bytes of the longest text in a value. What is read has a bounded depth.
fn longest(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::String(text) => text.len(),
        serde_json::Value::Array(items) => items.iter().map(longest).max().unwrap_or_default(),
        serde_json::Value::Object(fields) => fields.values().map(longest).max().unwrap_or_default(),
        _ => 0,
    }
}

fn problems(items: &[ReadItem]) -> Vec<FiresProblem> {
    let problems = items.iter().filter_map(|item| item.as_ref().err()).take(MAX_PROBLEMS);
    problems.map(|problem| FiresProblem { line: problem.line, message: problem.message.clone() }).collect()
}

fn view(
    report: &Report,
    mut found: BTreeMap<String, Found>,
    command: Option<CommandEvent>,
    problems: Vec<FiresProblem>,
    near: Vec<NearRule>,
) -> FiresView {
    let why: BTreeMap<&str, &str> = report.not_run.iter().map(|row| (row.id.as_str(), row.why.as_str())).collect();
    let mut firing = |rule: &RuleCount, hits: u64| {
        let Found { events, matched } = found.remove(&rule.id).unwrap_or_default();
        FiringRule {
            id: rule.id.clone(),
            vendor: rule.vendor,
            title: rule.title.clone(),
            severity: rule.severity,
            techniques: rule.techniques.clone(),
            hits,
            events: events.into_iter().collect(),
            matched: matched.into_iter().collect(),
            why: (rule.hits == 0).then(|| why.get(rule.id.as_str()).map(|why| (*why).to_owned())).flatten(),
            source_unknown: rule.source_unknown,
        }
    };
    let (mut fires, mut candidates, mut undecided) = (Vec::new(), Vec::new(), Vec::new());
    for rule in &report.rules {
        match rule {
            RuleCount { hits: 1.., .. } => fires.push(firing(rule, rule.hits)),
            RuleCount { candidates: 1.., .. } => candidates.push(firing(rule, rule.candidates)),
            RuleCount { unknown: 1.., .. } => undecided.push(rule),
            _ => {}
        }
    }
    // A rule that compares nothing holds on everything, which says nothing of the event.
    candidates.retain(|rule| !rule.matched.is_empty());
    let mut by_vendor: BTreeMap<&'static str, u64> = BTreeMap::new();
    for rule in &fires {
        *by_vendor.entry(rule.vendor.name()).or_default() += 1;
    }
    let undecided_total = undecided.len() as u64;
    let undecided = undecided.into_iter().take(MAX_UNDECIDED).map(|rule| UndecidedRule {
        id: rule.id.clone(),
        vendor: rule.vendor,
        title: rule.title.clone(),
        events: rule.unknown,
        why: rule.unknown_why.iter().map(|row| row.why.clone()).take(5).collect(),
    });
    FiresView {
        command,
        events: FiresEvents {
            read: report.events.read,
            asked: report.events.asked,
            unknown_shape: report.events.unknown_shape,
        },
        kinds: report
            .kinds
            .iter()
            .map(|kind| FiresKind {
                provider: kind.provider.clone(),
                event_id: kind.event_id.clone(),
                events: kind.read,
                rules: kind.rules,
            })
            .collect(),
        problems,
        asked: report.rules.iter().filter(|rule| rule.asked > 0).count() as u64,
        by_vendor,
        fires,
        candidates,
        undecided: undecided.collect(),
        undecided_total,
        near,
    }
}
