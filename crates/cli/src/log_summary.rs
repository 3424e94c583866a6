//! What is in log files: kinds of events, shapes, hosts, fields.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;
use ruleatlas_events::{Event, Part, Problem, ReadItem, Reader, Record, Shape, Shapes};
use ruleatlas_taxonomy::Taxonomy;
use serde::Serialize;
use serde_json::Value;

use crate::{
    output::{self, WrongCall},
    standard_input::StandardInput,
};

/// Names that are counted of each kind; what is beyond counts as `…`, so that no log takes more memory.
const MAX_NAMES: usize = 50_000;
/// Keys that describe a record of unknown shape.
const UNKNOWN_KEYS: usize = 5;
/// Levels of fields that are counted.
const MAX_FIELD_DEPTH: usize = 6;
/// Problems of a file that are written one by one.
const SHOWN_PROBLEMS: u64 = 5;

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
    /// The files, by name.
    pub files: Vec<FileRecords>,
}

/// What a file gave.
#[derive(Debug, Serialize)]
pub struct FileRecords {
    /// The file, and the file inside of it where it is an archive.
    pub file: String,
    /// Records.
    pub records: u64,
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
    pub fn finish(self, read: FileCounts) -> Summary {
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
            problems: read.problems,
            files: read.rows(),
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

/// The name of standard input, as a file.
const STANDARD_INPUT: &str = "standard input";

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
    /// Hands every part of the files to `take` until `is_stopped` holds.
    pub fn parts(self, reader: &Reader, is_stopped: &dyn Fn() -> bool, take: &mut dyn FnMut(Part) -> bool) {
        let take = &mut |part| !is_stopped() && take(part);
        for file in self.files {
            let goes_on = match file {
                None => reader.read_stream_parts(STANDARD_INPUT, StandardInput::open(is_stopped), take),
                Some(Ok(file)) => reader.read_file_parts(&file, take),
                Some(Err(problem)) => take(Part::Item(Err(problem))),
            };
            if !goes_on {
                break;
            }
        }
    }
}

impl Listed {
    /// The names of the files, as records and problems have them.
    pub fn names(&self) -> Vec<String> {
        let name = |file: &Option<Result<PathBuf, Problem>>| match file {
            None => STANDARD_INPUT.to_owned(),
            Some(Ok(path)) => path.display().to_string(),
            Some(Err(problem)) => problem.file.to_string(),
        };
        self.files.iter().map(name).collect()
    }
}

/// Reads every record of the files and folders; `-` is standard input. Problems are written to standard error and counted.
pub fn records(logs: &[PathBuf], mut each: impl FnMut(Record) -> anyhow::Result<()>) -> anyhow::Result<FileCounts> {
    let (reader, mut counts, mut failed) = (Reader::default(), FileCounts::default(), None);
    let listed = list(logs)?;
    let names = listed.names();
    let mut take = |item: ReadItem| match item {
        Ok(record) => {
            counts.add_record(&record.file);
            failed = each(record).err();
            failed.is_none()
        }
        Err(problem) => {
            counts.add_problem(&problem);
            true
        }
    };
    for file in listed.files {
        let goes_on = match file {
            None => reader.read_stream(STANDARD_INPUT, std::io::stdin().lock(), &mut take),
            Some(Ok(file)) => reader.read_file(&file, &mut take),
            Some(Err(problem)) => take(Err(problem)),
        };
        if !goes_on {
            break;
        }
    }
    match failed {
        Some(error) => Err(error),
        None => {
            counts.finish(names);
            Ok(counts)
        }
    }
}

/// How many records files have, and how many places could not be read. Problems are written to standard error.
#[derive(Debug, Default)]
pub struct FileCounts {
    records: u64,
    /// How many places could not be read.
    pub problems: u64,
    /// By file, the records and the problems.
    files: BTreeMap<String, [u64; 2]>,
    /// The file of the last record: most are of the same as the one before.
    last: Option<(Arc<str>, u64)>,
}

impl FileCounts {
    fn of_file(&mut self, file: &str) -> &mut [u64; 2] {
        let is_kept = self.files.len() < MAX_NAMES || self.files.contains_key(file);
        self.files.entry(if is_kept { file } else { "…" }.to_owned()).or_default()
    }

    fn add_record(&mut self, file: &Arc<str>) {
        self.records += 1;
        match &mut self.last {
            Some((last, records)) if Arc::ptr_eq(last, file) => *records += 1,
            _ => {
                self.add_last();
                self.last = Some((Arc::clone(file), 1));
            }
        }
    }

    fn add_last(&mut self) {
        if let Some((file, records)) = self.last.take() {
            self.of_file(&file)[0] += records;
        }
    }

    /// Counts records or events that someone else has read.
    pub fn add_records(&mut self, file: &str, records: u64) {
        self.records += records;
        self.of_file(file)[0] += records;
    }

    /// Counts a problem, and writes it to standard error if it is one of the first of its file.
    pub fn add_problem(&mut self, problem: &Problem) {
        self.problems += 1;
        let of_file = self.of_file(&problem.file);
        of_file[1] += 1;
        if of_file[1] <= SHOWN_PROBLEMS {
            output::say(format_args!("{problem}"));
        }
    }

    /// Adds the files of which nothing came, and says what was not said yet: how many more problems a file has, and where
    /// there is no record at all, that files are empty. Returns the files that were added.
    pub fn finish(&mut self, names: Vec<String>) -> Vec<String> {
        self.add_last();
        for (file, [_, problems]) in &self.files {
            if *problems > SHOWN_PROBLEMS {
                output::say(format_args!("{file}: {} more places could not be read", problems - SHOWN_PROBLEMS));
            }
        }
        let mut added = Vec::new();
        for name in names {
            // What an archive holds has the archive's name in front.
            let inside = format!("{name}/");
            let is_known = self.files.contains_key(&name)
                || self.files.range(inside.clone()..).next().is_some_and(|(file, _)| file.starts_with(&inside));
            if is_known {
                continue;
            }
            if self.records == 0 {
                let is_empty = Path::new(&name).metadata().is_ok_and(|data| data.len() == 0);
                let what = if is_empty { "the file is empty" } else { "there is no record in it" };
                output::say(format_args!("{name}: {what}"));
            }
            self.of_file(&name);
            added.push(name);
        }
        added
    }

    /// What each file gave, by name.
    pub fn rows(self) -> Vec<FileRecords> {
        self.files.into_iter().map(|(file, [records, problems])| FileRecords { file, records, problems }).collect()
    }
}

/// Counts what is in files and folders; `each` gets every event with its file and its record's number there.
pub fn summary(
    logs: &[PathBuf],
    shape: Option<&Shape>,
    mut each: impl FnMut(&Event, &str, u64) -> anyhow::Result<()>,
) -> anyhow::Result<Summary> {
    let mut counter = Counter::default();
    let read = records(logs, |record| {
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
    Ok(counter.finish(read))
}
