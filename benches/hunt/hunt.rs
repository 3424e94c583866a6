//! All Sigma rules over recorded Windows events: ours against the engine of rsigma, in speed and in what is found; and what
//! hunting costs besides.
//!
//! Both engines get the same flat records, the fields that the shape of the record gives, and compare names as the records
//! write them. Without an argument the time is measured; `differences FILE` writes, rule by rule, the events on which the two disagree, and `hunting` says what
//! hunting costs with the rules of a catalog.
//!
//! ```text
//! cargo bench -p ruleatlas-hunt-bench --features rsigma --bench hunt
//! cargo bench -p ruleatlas-hunt-bench --features rsigma --bench hunt -- differences out.jsonl [LOGS…]
//! RULEATLAS_DB=catalog.db cargo bench -p ruleatlas-hunt-bench --features rsigma --bench hunt -- hunting [LOGS…]
//! ```

#[path = "../src/measure.rs"]
mod measure;

use std::{
    collections::{BTreeMap, BTreeSet},
    hint::black_box,
    io::Write as _,
    path::{Path, PathBuf},
    time::Instant,
};

use measure::{corpus, ratio, within};
use ruleatlas_core::{Frontend as _, Query};
use ruleatlas_evaluate::{ConditionId, Event, Outcome, Plan, RuleSet, RuleSetBuilder, Scratch};
use ruleatlas_events::{Part, Reader, Shapes};
use ruleatlas_hunt::{Hunter, Options, RunItem, RunOptions};
use ruleatlas_model::{Rule, Vendor};
use ruleatlas_sources::{SourceKind, SourceSpec, format_of, read_files};
use ruleatlas_store::Store;
use serde_json::Value;

/// The allocator of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The rules of both engines, by the id of the rule.
struct Rules {
    ours: Ours,
    theirs: rsigma_eval::Engine,
    /// Ids of rules that only one of the two has, with the reason.
    only: Vec<(String, String)>,
}

/// Our engine, with names as the records write them and every rule asked about every event.
struct Ours {
    set: RuleSet,
    plan: Plan,
    /// By condition, the rule's id.
    ids: Vec<String>,
}

impl Ours {
    fn holding<'r>(&'r self, event: &Value, scratch: &mut Scratch) -> impl Iterator<Item = (&'r str, Outcome)> {
        let event = Event::new(event);
        let mut found = Vec::new();
        for condition in self.set.candidates(&self.plan, &event, scratch) {
            match self.set.evaluate(condition, &event, scratch) {
                Outcome::Fails => {}
                other => found.push((self.ids[condition.index()].as_str(), other)),
            }
        }
        found.into_iter()
    }

    fn hits(&self, event: &Value, scratch: &mut Scratch) -> usize {
        self.holding(event, scratch).filter(|(_, outcome)| *outcome == Outcome::Holds).count()
    }
}

fn rules(spec: &SourceSpec) -> Rules {
    let files = read_files(spec).expect("the corpus can be read");
    let format = format_of(Vendor::Sigma, |_, _| false);
    let context = format.context(&files);
    let mut builder = RuleSetBuilder::default();
    let mut added: Vec<(ConditionId, String)> = Vec::new();
    let mut parsed = Vec::new();
    let mut only = Vec::new();
    for file in &files {
        let mut ids = Vec::new();
        format.read(file, &mut |draft| {
            let query = Query { text: &draft.rule.query, tree: draft.tree, sources: &draft.sources };
            let conditions = ruleatlas_sigma::Sigma.parse(&query, context.as_ref()).conditions;
            let id = draft.rule.id.rsplit('/').next().unwrap_or_default().to_owned();
            // A rule over several events is decided by none alone.
            if let [only] = conditions.as_slice() {
                ids.push(id.clone());
                added.push((builder.add(&only.root, &|_| None), id));
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
        parsed.extend(collection.rules);
    }
    let mut theirs = rsigma_eval::Engine::new();
    // Together: its index is made anew with every call.
    for (at, error) in theirs.add_rules(parsed.iter()) {
        only.push((parsed.get(at).and_then(|rule| rule.id.clone()).unwrap_or_default(), error.to_string()));
    }
    let set = builder.build();
    let plan = set.plan(added.iter().map(|(condition, _)| *condition), None);
    let mut ids = vec![String::new(); set.len()];
    for (condition, id) in added {
        ids[condition.index()] = id;
    }
    Rules { ours: Ours { set, plan, ids }, theirs, only }
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

fn their_hits(rules: &Rules, event: &Value) -> usize {
    rules.theirs.evaluate(&rsigma_eval::JsonEvent::borrow(event)).len()
}

fn speed(rules: &Rules, events: &[(String, Value)]) {
    const ROUNDS: usize = 5;
    let events: Vec<&Value> = events.iter().map(|(_, event)| event).collect();
    let lines: Vec<String> = events.iter().map(|event| event.to_string()).collect();
    println!("{} rules, {} comparisons, {} events", rules.ours.ids.len(), rules.ours.set.checks(), events.len());
    let mut scratch = rules.ours.set.scratch();
    ratio(
        "events that are read already",
        1.0 / 3.0,
        ROUNDS,
        || {
            black_box(events.iter().map(|event| rules.ours.hits(event, &mut scratch)).sum::<usize>());
        },
        || {
            black_box(events.iter().map(|event| their_hits(rules, event)).sum::<usize>());
        },
    );
    let read = |line: &String| serde_json::from_str::<Value>(line).expect("JSON");
    let mut scratch = rules.ours.set.scratch();
    ratio(
        "events as lines of JSON",
        1.0 / 3.0,
        ROUNDS,
        || {
            black_box(lines.iter().map(|line| rules.ours.hits(&read(line), &mut scratch)).sum::<usize>());
        },
        || {
            black_box(lines.iter().map(|line| their_hits(rules, &read(line))).sum::<usize>());
        },
    );
}

/// Every file below the paths.
fn files(paths: &[PathBuf]) -> Vec<PathBuf> {
    let list = |path: &PathBuf| Reader::default().files(path).expect("the recordings can be listed");
    paths.iter().flat_map(list).flatten().collect()
}

/// What comes before an engine sees an event: a file's records, and their shapes.
fn stages(logs: &Path) {
    for folder in ["evtx-jsonl", "evtx-raw-sample"] {
        let files = files(&[logs.join(folder)]);
        let read = |each: &mut dyn FnMut(Value)| {
            for file in &files {
                Reader::default().read_file(file, &mut |item| {
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

/// Hunts in the files, as the program does; the number of hits.
fn hunt(hunter: &Hunter, files: &[PathBuf], threads: usize) -> u64 {
    let mut hits = 0;
    let options = RunOptions { threads, ..RunOptions::default() };
    let read = |sink: &mut dyn FnMut(Part) -> bool| {
        files.iter().all(|file| Reader::default().read_file_parts(file, sink));
    };
    let tally = ruleatlas_hunt::run(hunter, options, read, &mut |item| {
        hits += u64::from(matches!(item, RunItem::Hit(_)));
        true
    });
    black_box(tally.expect("the hunt is done"));
    hits
}

/// Hunting with the rules of a catalog: what loading costs, other vendors' rules, more rules, more threads.
fn hunting(logs: &[PathBuf]) {
    const ROUNDS: usize = 5;
    let Some(path) = std::env::var_os("RULEATLAS_DB").map(PathBuf::from) else {
        eprintln!("skipped: RULEATLAS_DB names no catalog");
        return;
    };
    let load = || {
        Store::open(&path).and_then(|store| store.runnable_rules(false, &|_| true)).expect("the catalog is read").rules
    };
    within("rules from the catalog, made ready", 500.0, ROUNDS, || {
        black_box(Hunter::new(load(), Options::default()));
    });
    within("  read alone", f64::INFINITY, ROUNDS, || drop(black_box(load())));
    let hunter = |keep: &dyn Fn(usize, &Rule) -> bool| {
        let rules = load().into_iter().enumerate().filter(|(at, rule)| keep(*at, rule)).map(|(_, rule)| rule).collect();
        Hunter::new(rules, Options::default())
    };
    let (all, sigma) = (hunter(&|_, _| true), hunter(&|_, rule| rule.vendor == Vendor::Sigma));
    let half = hunter(&|at, _| at % 2 == 0);
    let files = files(logs);
    for (name, hunter) in [("all vendors", &all), ("Sigma", &sigma), ("every second rule", &half)] {
        let (rules, checks) = hunter.size();
        println!("{name}: {rules} rules, {checks} comparisons, {} hits", hunt(hunter, &files, 1));
    }
    ratio("all vendors against Sigma", 2.0, ROUNDS, || _ = hunt(&all, &files, 1), || _ = hunt(&sigma, &files, 1));
    ratio("all rules against every second", 1.3, ROUNDS, || _ = hunt(&all, &files, 1), || _ = hunt(&half, &files, 1));
    ratio("two threads against one", 1.0 / 1.8, ROUNDS, || _ = hunt(&all, &files, 2), || _ = hunt(&all, &files, 1));
    for threads in [1, 2] {
        let begun = Instant::now();
        hunt(&all, &files, threads);
        println!("{threads} threads: {:.2} s", begun.elapsed().as_secs_f64());
    }
    println!("most memory: {} MiB", most_memory() / 1024);
}

/// The most memory that this process had, in KiB; 0 where the system does not say.
fn most_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().split(' ').next().and_then(|number| number.parse().ok()).unwrap_or_default()
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
    let known: BTreeMap<&str, &str> = rules.ours.ids.iter().map(|id| (id.as_str(), id.as_str())).collect();
    let mut scratch = rules.ours.set.scratch();
    let mut not_in_ours: BTreeSet<String> = BTreeSet::new();
    for (place, fields) in events {
        let mut theirs: BTreeSet<String> = rules
            .theirs
            .evaluate(&rsigma_eval::JsonEvent::borrow(fields))
            .into_iter()
            .filter_map(|result| result.header.rule_id)
            .collect();
        for (id, outcome) in rules.ours.holding(fields, &mut scratch) {
            let is_theirs = theirs.remove(id);
            let difference = found.entry(id).or_default();
            match (outcome, is_theirs) {
                (Outcome::Holds, true) => difference.both += 1,
                (Outcome::Holds, false) => difference.only_ours.push(place.clone()),
                (_, true) => {
                    difference.unknown += 1;
                    difference.only_theirs.push(place.clone());
                }
                (_, false) => difference.unknown += 1,
            }
        }
        for id in theirs {
            match known.get(id.as_str()) {
                Some(id) => found.entry(id).or_default().only_theirs.push(place.clone()),
                None => _ = not_in_ours.insert(id),
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
    for id in &not_in_ours {
        writeln!(file, "{}", serde_json::json!({"not_in_ours": id}))?;
    }
    println!("{} events: {hits} hits of both; {differing} rules differ; see {}", events.len(), out.display());
    file.flush()
}

fn main() {
    let Some(spec) = corpus(SourceKind::Rules(Vendor::Sigma)) else { return };
    let logs = spec.path.parent().map(|corpora| corpora.join("logs/evtx-jsonl")).unwrap_or_default();
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let paths = |rest: &[String]| match rest {
        [] => vec![logs.clone()],
        rest => rest.iter().map(PathBuf::from).collect(),
    };
    match arguments.split_first() {
        Some((mode, rest)) if mode == "differences" => {
            let (out, rest) = rest.split_first().expect("a file to write the differences to");
            differences(&rules(&spec), &events(&paths(rest)), Path::new(out)).expect("the differences can be written");
        }
        Some((mode, rest)) if mode == "hunting" => hunting(&paths(rest)),
        _ => {
            stages(logs.parent().unwrap_or(&logs));
            speed(&rules(&spec), &events(&paths(&arguments)));
        }
    }
}
