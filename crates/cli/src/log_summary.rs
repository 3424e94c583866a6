//! What is in log files: kinds of events, shapes, hosts, fields.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use ruleatlas_events::{Event, Part, Problem, ReadItem, Reader, Record, Shape, Shapes};
use ruleatlas_taxonomy::Taxonomy;
use serde::Serialize;
use serde_json::Value;

use crate::output::{self, WrongCall};

/// Names that are counted of each kind; what is beyond counts as `…`, so that no log takes more memory.
const MAX_NAMES: usize = 50_000;
/// Keys that describe a record of unknown shape.
const UNKNOWN_KEYS: usize = 5;
/// Levels of fields that are counted.
const MAX_FIELD_DEPTH: usize = 6;
/// Problems of a run that are written one by one.
const SHOWN_PROBLEMS: u64 = 20;

/// What is in log files.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// Records.
    pub records: u64,
    /// Records whose shape is unknown, by their first keys.
    pub unknown: Vec<UnknownRecords>,
    /// Events by shape.
    pub shapes: BTreeMap<String, u64>,
    /// Events by provider and id, the most first.
    pub events: Vec<EventKind>,
    /// The hosts, by name.
    pub hosts: Vec<String>,
    /// Fields by the number of events that have them, the most first.
    pub fields: Vec<FieldCount>,
    /// Places that could not be read.
    pub problems: u64,
}

/// Records of no known shape.
#[derive(Debug, Serialize)]
pub struct UnknownRecords {
    /// Their first keys.
    pub keys: Vec<String>,
    /// How many.
    pub records: u64,
}

/// Events of one kind.
#[derive(Debug, Serialize)]
pub struct EventKind {
    /// The provider, as the taxonomy calls it.
    pub provider: String,
    /// The id.
    pub event_id: String,
    /// How many.
    pub records: u64,
    /// The time of the first, in RFC 3339.
    pub first: Option<String>,
    /// The time of the last.
    pub last: Option<String>,
}

/// A field, named as the records name it.
#[derive(Debug, Serialize)]
pub struct FieldCount {
    /// The name.
    pub field: String,
    /// Events that have it.
    pub records: u64,
}

/// Counts with a bound on the number of names.
#[derive(Default)]
struct Counts<K: Ord>(BTreeMap<K, u64>);

impl<K: Ord> Counts<K> {
    fn add(&mut self, key: K, beyond: impl FnOnce() -> K) {
        let key = if self.0.len() < MAX_NAMES || self.0.contains_key(&key) { key } else { beyond() };
        *self.0.entry(key).or_default() += 1;
    }
}

type Span = (u64, Option<jiff::Timestamp>, Option<jiff::Timestamp>);

/// Gathers a [`Summary`].
#[derive(Default)]
pub struct Counter {
    records: u64,
    problems: u64,
    unknown: Counts<Vec<String>>,
    shapes: BTreeMap<String, u64>,
    kinds: BTreeMap<(String, String), Span>,
    hosts: Counts<String>,
    fields: Counts<String>,
}

impl Counter {
    /// Counts an event.
    pub fn add(&mut self, event: &Event) {
        let beyond = || "…".to_owned();
        let Some(shape) = &event.shape else {
            let keys = event.fields.keys().take(UNKNOWN_KEYS).cloned().collect();
            self.unknown.add(keys, || vec![beyond()]);
            return;
        };
        *self.shapes.entry(shape.clone()).or_default() += 1;
        let provider = event.provider.as_deref().map(|name| Taxonomy::builtin().provider_name(name));
        let kind = (provider.unwrap_or_default(), event.event_id.clone().unwrap_or_default());
        let kind =
            if self.kinds.len() < MAX_NAMES || self.kinds.contains_key(&kind) { kind } else { (beyond(), beyond()) };
        let (count, first, last) = self.kinds.entry(kind).or_default();
        *count += 1;
        if let Some(time) = event.time {
            *first = Some(first.map_or(time, |first| first.min(time)));
            *last = Some(last.map_or(time, |last| last.max(time)));
        }
        if let Some(host) = &event.host {
            self.hosts.add(host.clone(), beyond);
        }
        for (name, value) in &event.fields {
            self.add_field(name, value, MAX_FIELD_DEPTH);
        }
    }

    fn add_field(&mut self, name: &str, value: &Value, depth: usize) {
        match value {
            Value::Object(fields) if depth > 0 && !fields.is_empty() => {
                for (key, value) in fields {
                    self.add_field(&format!("{name}.{key}"), value, depth - 1);
                }
            }
            Value::Null => {}
            _ => self.fields.add(name.to_owned(), || "…".to_owned()),
        }
    }

    /// The summary of what was counted.
    pub fn finish(self) -> Summary {
        let mut unknown: Vec<UnknownRecords> =
            self.unknown.0.into_iter().map(|(keys, records)| UnknownRecords { keys, records }).collect();
        unknown.sort_by(|a, b| b.records.cmp(&a.records).then_with(|| a.keys.cmp(&b.keys)));
        let time = |time: Option<jiff::Timestamp>| time.map(|time| time.to_string());
        let mut events: Vec<EventKind> = self
            .kinds
            .into_iter()
            .map(|((provider, event_id), (records, first, last))| EventKind {
                provider,
                event_id,
                records,
                first: time(first),
                last: time(last),
            })
            .collect();
        events.sort_by(|a, b| {
            let name = |kind: &EventKind| (kind.provider.clone(), kind.event_id.clone());
            b.records.cmp(&a.records).then_with(|| name(a).cmp(&name(b)))
        });
        let mut fields: Vec<FieldCount> =
            self.fields.0.into_iter().map(|(field, records)| FieldCount { field, records }).collect();
        fields.sort_by(|a, b| b.records.cmp(&a.records).then_with(|| a.field.cmp(&b.field)));
        Summary {
            records: self.records,
            unknown,
            shapes: self.shapes,
            events,
            hosts: self.hosts.0.into_keys().collect(),
            fields,
            problems: self.problems,
        }
    }
}

/// The shape that a call names.
pub fn shape(name: Option<&str>) -> anyhow::Result<Option<&'static Shape>> {
    let Some(name) = name else { return Ok(None) };
    let shapes = Shapes::builtin();
    let found = shapes.named(name).ok_or_else(|| {
        let names: Vec<&str> = shapes.all().iter().map(|shape| shape.name.as_str()).collect();
        WrongCall(format!("there is no shape `{name}`; the shapes are {}", names.join(", ")))
    })?;
    Ok(Some(found))
}

/// Files whose names were looked up, so that one that is wrong is said before hours are spent on the others.
pub struct Listed {
    /// `None` is standard input.
    files: Vec<Option<Result<PathBuf, Problem>>>,
    /// The bytes of all files; `None` where standard input is among them.
    pub bytes: Option<u64>,
}

/// The files of the names, and those below the folders; `-` is standard input.
pub fn list(logs: &[PathBuf]) -> anyhow::Result<Listed> {
    let mut files = Vec::new();
    for path in logs {
        if path == Path::new("-") {
            files.push(None);
            continue;
        }
        let found = Reader::default().files(path).with_context(|| format!("{} cannot be read", path.display()))?;
        files.extend(found.into_iter().map(Some));
    }
    let size = |file: &Option<Result<PathBuf, Problem>>| match file {
        None => None,
        Some(Ok(path)) => Some(path.metadata().map(|data| data.len()).unwrap_or_default()),
        Some(Err(_)) => Some(0),
    };
    let bytes = files.iter().map(size).sum();
    Ok(Listed { files, bytes })
}

impl Listed {
    /// Hands every part of the files to `take` until that answers `false`.
    pub fn parts(self, reader: &Reader, take: &mut dyn FnMut(Part) -> bool) {
        for file in self.files {
            let goes_on = match file {
                None => reader.read_stream_parts("standard input", std::io::stdin().lock(), take),
                Some(Ok(file)) => reader.read_file_parts(&file, take),
                Some(Err(problem)) => take(Part::Item(Err(problem))),
            };
            if !goes_on {
                break;
            }
        }
    }
}

/// Reads every record of the files and folders; `-` is standard input. Problems are written to standard error and counted.
pub fn records(logs: &[PathBuf], mut each: impl FnMut(Record) -> anyhow::Result<()>) -> anyhow::Result<u64> {
    let (reader, mut problems, mut failed) = (Reader::default(), Problems::default(), None);
    let mut take = |item: ReadItem| match item {
        Ok(record) => {
            failed = each(record).err();
            failed.is_none()
        }
        Err(problem) => {
            problems.say(&problem);
            true
        }
    };
    for file in list(logs)?.files {
        let goes_on = match file {
            None => reader.read_stream("standard input", std::io::stdin().lock(), &mut take),
            Some(Ok(file)) => reader.read_file(&file, &mut take),
            Some(Err(problem)) => take(Err(problem)),
        };
        if !goes_on {
            break;
        }
    }
    match failed {
        Some(error) => Err(error),
        None => Ok(problems.count),
    }
}

/// What could not be read.
#[derive(Debug, Default)]
pub struct Problems {
    /// How many places.
    pub count: u64,
}

impl Problems {
    /// Counts a problem, and writes it to standard error if it is one of the first.
    pub fn say(&mut self, problem: &Problem) {
        self.count += 1;
        if self.count <= SHOWN_PROBLEMS {
            output::say(format_args!("{problem}"));
        } else if self.count == SHOWN_PROBLEMS + 1 {
            output::say(format_args!("more such places are counted and not listed"));
        }
    }
}

/// Counts what is in files and folders; `each` gets every event with its file and its record's number there.
pub fn summary(
    logs: &[PathBuf],
    shape: Option<&Shape>,
    mut each: impl FnMut(&Event, &str, u64) -> anyhow::Result<()>,
) -> anyhow::Result<Summary> {
    let mut counter = Counter::default();
    let problems = records(logs, |record| {
        counter.records += 1;
        let mut wrong = Ok(());
        Shapes::builtin().events(record.value, shape, &mut |event| {
            counter.add(&event);
            if wrong.is_ok() {
                wrong = each(&event, &record.file, record.number);
            }
        });
        wrong
    })?;
    counter.problems = problems;
    Ok(counter.finish())
}
