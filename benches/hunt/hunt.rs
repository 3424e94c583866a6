//! All Sigma rules over recorded Windows events: ours against the engine of rsigma, in speed and in what is found.
//!
//! Both get the same flat records, the fields that the shape of the record gives. Without an argument the time is
//! measured; `differences FILE` writes, rule by rule, the events on which the two disagree.
//!
//! ```text
//! cargo bench -p ruleatlas-hunt-bench --features rsigma --bench hunt
//! cargo bench -p ruleatlas-hunt-bench --features rsigma --bench hunt -- differences out.jsonl [LOGS…]
//! ```

#[path = "../src/measure.rs"]
mod measure;

use std::{
    collections::{BTreeMap, BTreeSet},
    hint::black_box,
    io::Write as _,
    path::{Path, PathBuf},
};

use measure::{corpus, ratio, within};
use ruleatlas_core::{Frontend as _, Query};
use ruleatlas_evaluate::{CompiledRule, Event, Verdict};
use ruleatlas_events::{Reader, Shapes};
use ruleatlas_model::Vendor;
use ruleatlas_sources::{SourceKind, SourceSpec, format_of, read_files};
use serde_json::Value;

/// The allocator of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Every so many events of the recordings, so that the slower of the two takes seconds and not minutes.
const STRIDE: usize = 5;

/// The rules of both engines, by the id of the rule.
struct Rules {
    ours: Vec<(String, CompiledRule)>,
    theirs: rsigma_eval::Engine,
    /// Ids of rules that only one of the two has, with the reason.
    only: Vec<(String, String)>,
}

fn rules(spec: &SourceSpec) -> Rules {
    let files = read_files(spec).expect("the corpus can be read");
    let format = format_of(Vendor::Sigma, |_, _| false);
    let context = format.context(&files);
    let mut ours = Vec::new();
    let mut theirs = rsigma_eval::Engine::new();
    let mut only = Vec::new();
    for file in &files {
        let mut ids = Vec::new();
        format.read(file, &mut |draft| {
            let query = Query { text: &draft.rule.query, tree: draft.tree, sources: &draft.sources };
            let conditions = ruleatlas_sigma::Sigma.parse(&query, context.as_ref()).conditions;
            let id = draft.rule.id.rsplit('/').next().unwrap_or_default().to_owned();
            if !conditions.is_empty() {
                ids.push(id.clone());
                ours.push((id, CompiledRule::new(&conditions)));
            }
        });
        let text = std::fs::read_to_string(spec.path.join(&file.path)).unwrap_or_default();
        let collection = match rsigma_parser::parse_sigma_yaml(&text) {
            Ok(collection) => collection,
            Err(error) => {
                only.extend(ids.iter().map(|id| (id.clone(), error.to_string())));
                continue;
            }
        };
        only.extend(collection.errors.iter().map(|error| (file.path.clone(), error.to_string())));
        for (at, error) in theirs.add_rules(collection.rules.iter()) {
            let id = collection.rules.get(at).and_then(|rule| rule.id.clone()).unwrap_or_default();
            only.push((id, error.to_string()));
        }
    }
    Rules { ours, theirs, only }
}

/// Every record of the files as the flat object that its shape gives, with its place.
fn events(paths: &[PathBuf]) -> Vec<(String, Value)> {
    let reader = Reader::default();
    let mut events = Vec::new();
    for path in paths {
        for file in reader.files(path).expect("the recordings can be listed").into_iter().flatten() {
            reader.read_file(&file, &mut |item| {
                let Ok(record) = item else { return true };
                let place = format!("{}:{}", record.file.rsplit('/').next().unwrap_or_default(), record.number);
                Shapes::builtin().events(record.value, None, &mut |event| {
                    events.push((place.clone(), Value::Object(event.fields)));
                });
                true
            });
        }
    }
    events
}

fn our_hits(rules: &Rules, event: &Value) -> usize {
    let event = Event::new(event);
    rules.ours.iter().filter(|(_, rule)| matches!(rule.evaluate(&event), Verdict::Holds)).count()
}

fn their_hits(rules: &Rules, event: &Value) -> usize {
    rules.theirs.evaluate(&rsigma_eval::JsonEvent::borrow(event)).len()
}

fn speed(rules: &Rules, events: &[(String, Value)]) {
    let events: Vec<&Value> = events.iter().map(|(_, event)| event).step_by(STRIDE).collect();
    let lines: Vec<String> = events.iter().map(|event| event.to_string()).collect();
    println!("{} rules, {} events", rules.ours.len(), events.len());
    ratio(
        "events that are read already",
        1.0,
        3,
        || {
            black_box(events.iter().map(|event| our_hits(rules, event)).sum::<usize>());
        },
        || {
            black_box(events.iter().map(|event| their_hits(rules, event)).sum::<usize>());
        },
    );
    let read = |line: &String| serde_json::from_str::<Value>(line).expect("JSON");
    ratio(
        "events as lines of JSON",
        1.0,
        3,
        || {
            black_box(lines.iter().map(|line| our_hits(rules, &read(line))).sum::<usize>());
        },
        || {
            black_box(lines.iter().map(|line| their_hits(rules, &read(line))).sum::<usize>());
        },
    );
}

/// What comes before an engine sees an event: a file's records, and their shapes.
fn stages(logs: &Path) {
    let reader = Reader::default();
    for folder in ["evtx-jsonl", "evtx-raw-sample"] {
        let files: Vec<PathBuf> =
            reader.files(&logs.join(folder)).expect("the recordings can be listed").into_iter().flatten().collect();
        let read = |each: &mut dyn FnMut(Value)| {
            for file in &files {
                reader.read_file(file, &mut |item| {
                    if let Ok(record) = item {
                        each(record.value);
                    }
                    true
                });
            }
        };
        let mut records = 0_u64;
        read(&mut |_| records += 1);
        println!("{folder}: {records} records");
        within("  decoded", f64::INFINITY, 5, || read(&mut |record| drop(black_box(record))));
        within("  decoded and seen through", f64::INFINITY, 5, || {
            read(&mut |record| Shapes::builtin().events(record, None, &mut |event| drop(black_box(event))));
        });
    }
}

/// Events on which the engines disagree.
#[derive(Default)]
struct Difference {
    only_ours: Vec<String>,
    only_theirs: Vec<String>,
    unknown: u64,
    both: u64,
}

fn differences(rules: &Rules, events: &[(String, Value)], out: &Path) -> std::io::Result<()> {
    let missing: BTreeMap<&str, &str> = rules.only.iter().map(|(id, why)| (id.as_str(), why.as_str())).collect();
    let mut found: BTreeMap<&str, Difference> = BTreeMap::new();
    for (place, fields) in events {
        let event = Event::new(fields);
        let theirs: BTreeSet<String> = rules
            .theirs
            .evaluate(&rsigma_eval::JsonEvent::borrow(fields))
            .into_iter()
            .filter_map(|result| result.header.rule_id)
            .collect();
        for (id, rule) in &rules.ours {
            let verdict = rule.evaluate(&event);
            let (ours, theirs) = (matches!(verdict, Verdict::Holds), theirs.contains(id));
            if !ours && !theirs && !matches!(verdict, Verdict::Unknown(_)) {
                continue;
            }
            let difference = found.entry(id).or_default();
            difference.unknown += u64::from(matches!(verdict, Verdict::Unknown(_)));
            match (ours, theirs) {
                (true, true) => difference.both += 1,
                (true, false) => difference.only_ours.push(place.clone()),
                (false, true) => difference.only_theirs.push(place.clone()),
                (false, false) => {}
            }
        }
    }
    let mut file = std::io::BufWriter::new(std::fs::File::create(out)?);
    let (mut hits, mut differing) = (0, 0);
    for (id, difference) in &found {
        hits += difference.both;
        if difference.only_ours.is_empty() && difference.only_theirs.is_empty() && difference.unknown == 0 {
            continue;
        }
        differing += 1;
        let line = serde_json::json!({
            "rule": id, "both": difference.both, "only_ours": difference.only_ours, "only_theirs": difference.only_theirs,
            "unknown": difference.unknown, "not_in_theirs": missing.get(id),
        });
        writeln!(file, "{line}")?;
    }
    for (id, why) in &rules.only {
        writeln!(file, "{}", serde_json::json!({"not_in_theirs": id, "why": why}))?;
    }
    println!("{} events: {hits} hits of both; {differing} rules differ; see {}", events.len(), out.display());
    file.flush()
}

fn main() {
    let Some(spec) = corpus(SourceKind::Rules(Vendor::Sigma)) else { return };
    let logs = spec.path.parent().map(|corpora| corpora.join("logs/evtx-jsonl")).unwrap_or_default();
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let rules = rules(&spec);
    match arguments.split_first() {
        Some((mode, rest)) if mode == "differences" => {
            let (out, paths) = rest.split_first().expect("a file to write the differences to");
            let paths: Vec<PathBuf> =
                if paths.is_empty() { vec![logs] } else { paths.iter().map(PathBuf::from).collect() };
            differences(&rules, &events(&paths), Path::new(out)).expect("the differences can be written");
        }
        _ => {
            stages(logs.parent().unwrap_or(&logs));
            speed(&rules, &events(&[logs]));
        }
    }
}
