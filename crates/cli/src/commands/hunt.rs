use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs::File,
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use anyhow::Context as _;
use ruleatlas_catalog::rules_of_file;
use ruleatlas_events::Reader;
use ruleatlas_hits::{Facts, HitsWriter, Redaction, RedactionMode};
use ruleatlas_hunt::{FileCount, Hit, Hunter, Options, Report, RuleCount, RunItem, RunOptions, Tally};
use ruleatlas_model::{AttackDomain, Rule};
use ruleatlas_sources::SourceFile;
use ruleatlas_store::Store;
use ruleatlas_views::{Cells, CsvText, Layer, LayerTechnique};

use super::parse;
use crate::{
    args::{Hunt, HuntOrder, RedactWith},
    lists::counted,
    log_summary::{self, FileCounts},
    output::{self, WrongCall, plain},
    paths,
    progress::Records,
    signals::Interrupt,
    table::{Column, SHOWN, heading, list, table, title},
};

/// The exit status of a run that the user ended.
const INTERRUPTED: u8 = 130;

pub fn run(options: &Hunt, db: Option<&Path>) -> anyhow::Result<ExitCode> {
    let shape = log_summary::shape(options.shape.as_deref())?;
    let mut redacted = redaction(options)?;
    let mut chosen = rules(options, db)?;
    anyhow::ensure!(
        !chosen.rules.is_empty(),
        "no rule is left to run: see `--rule`, `--technique`, `--vendor` and `--severity`"
    );
    let hunter =
        Hunter::new(std::mem::take(&mut chosen.rules), Options { any_source: options.any_source, raw: options.raw });
    let mut lines = match &options.jsonl {
        Some(path) => Some((path, BufWriter::new(create(path)?))),
        None => None,
    };
    let mut saved = options.save.as_deref().map(HitsWriter::create).transpose()?;
    let interrupt = Interrupt::begin();
    let stop = interrupt.flag();
    let listed = log_summary::list(&options.logs)?;
    let names = listed.names();
    let mut counts = FileCounts::default();
    let mut failed: Option<anyhow::Error> = None;
    let has_failed = AtomicBool::new(false);
    let is_stopped = || stop.load(Ordering::Relaxed) || has_failed.load(Ordering::Relaxed);
    let tally = {
        let bytes = Arc::new(AtomicU64::new(0));
        let mut progress = Records::begin(Arc::clone(&bytes), listed.bytes);
        let reader = Reader::counting(bytes);
        let threads =
            options.threads.or_else(|| std::thread::available_parallelism().ok().map(usize::from)).unwrap_or(1);
        let run_options = RunOptions {
            threads,
            shape,
            without_events: options.no_events,
            // The report is made of counts.
            without_hits: lines.is_none() && saved.is_none(),
        };
        ruleatlas_hunt::run(&hunter, run_options, |sink| listed.parts(&reader, &is_stopped, sink), &mut |item| {
            match item {
                RunItem::Hit(hit) => {
                    failed =
                        write_hit(hit, &mut redacted, lines.as_mut(), saved.as_mut().filter(|_| !options.no_events))
                            .err();
                    has_failed.store(failed.is_some(), Ordering::Relaxed);
                    failed.is_none()
                }
                RunItem::Problem(problem) => {
                    counts.add_problem(&problem);
                    true
                }
                RunItem::Examined(records) => {
                    progress.add(records);
                    true
                }
            }
        })
        .context("a temporary file cannot be used")?
    };
    if let Some(error) = failed {
        return Err(error);
    }
    if let Some((path, mut out)) = lines {
        out.flush().with_context(|| format!("{} cannot be written", path.display()))?;
    }
    let mut report = hunter.report(&tally);
    // Of a run that ended early it is not known what is in the files behind.
    add_files_without_events(&mut report, &mut counts, if interrupt.was_sent() { Vec::new() } else { names });
    redacted.report(&mut report);
    let problems = counts.problems;
    if let Some(writer) = saved {
        let facts = Facts {
            catalog: chosen.fingerprint,
            attack_version: chosen.attack_version.clone(),
            data_set: options.data_set.clone().unwrap_or_else(|| data_set(options)),
            redacted: redacted.fields(),
            counts_only: options.no_events,
        };
        writer.finish(&report, &facts)?;
    }
    if let Some(path) = &options.csv {
        write_csv(path, &report)?;
    }
    if let Some(path) = &options.layer {
        write_layer(path, &report, &chosen.attack_version)?;
    }
    if options.json {
        output::json(&report)?;
    } else {
        output::text(&text(&report, &hunter, options, problems))?;
    }
    if interrupt.was_sent() {
        output::say(format_args!("ended early: what was found until then is written"));
        return Ok(ExitCode::from(INTERRUPTED));
    }
    Ok(ExitCode::from(u8::from(tally_is_empty(&tally))))
}

/// Lists the files in which no event was read, and says what the counts of the files still have to say.
fn add_files_without_events(report: &mut Report, counts: &mut FileCounts, names: Vec<String>) {
    for row in &report.files {
        counts.add_records(&row.file, row.read);
    }
    let known: BTreeSet<String> = report.files.iter().map(|row| row.file.clone()).collect();
    for file in counts.finish(names) {
        if !known.contains(&file) {
            report.files.push(FileCount { file, read: 0, asked: 0, problems: 0 });
        }
    }
    report.files.sort_by(|one, other| one.file.cmp(&other.file));
}

fn tally_is_empty(tally: &Tally) -> bool {
    tally.read == 0
}

/// The rules of a run.
struct Chosen {
    rules: Vec<Rule>,
    attack_version: String,
    /// The catalog's fingerprint; empty without a catalog.
    fingerprint: String,
}

/// The rules that a call names: of the catalog, without any named all that count, and of files.
fn rules(options: &Hunt, db: Option<&Path>) -> anyhow::Result<Chosen> {
    let (paths, ids): (Vec<&String>, Vec<&String>) = options.rules.iter().partition(|rule| Path::new(rule).exists());
    let mut chosen = Chosen { rules: Vec::new(), attack_version: String::new(), fingerprint: String::new() };
    for path in &paths {
        add_files(Path::new(path), &mut chosen.rules)?;
    }
    let is_of = |rule: &Rule| {
        let has_technique = |wanted: &String| {
            let below = format!("{}.", wanted.to_uppercase());
            rule.techniques().iter().any(|id| id.eq_ignore_ascii_case(wanted) || id.starts_with(&below))
        };
        (options.techniques.is_empty() || options.techniques.iter().any(has_technique))
            && (options.vendors.is_empty() || options.vendors.contains(&rule.vendor))
            && options.severity.is_none_or(|least| rule.severity.is_some_and(|severity| severity >= least))
    };
    if options.rules.is_empty() || !ids.is_empty() {
        let store = Store::open(&paths::catalog(db)?)?;
        chosen.attack_version = store.meta("attack_version")?.unwrap_or_default();
        chosen.fingerprint = store.meta("fingerprint")?.unwrap_or_default();
        let named: BTreeSet<&str> = ids.iter().map(|id| id.as_str()).collect();
        let keep = |rule: &Rule| if named.is_empty() { is_of(rule) } else { named.contains(rule.id.as_str()) };
        let found = store.runnable_rules(!named.is_empty(), &keep)?;
        for (id, why) in &found.damaged {
            output::say(format_args!("{id}: cannot be read from the catalog and is not run: {why}"));
        }
        let known: BTreeSet<&str> = found.rules.iter().map(|rule| rule.id.as_str()).collect();
        if let Some(unknown) = named.iter().find(|id| !known.contains(*id)) {
            return Err(
                WrongCall(format!("there is no rule or file `{unknown}`; `ruleatlas search` finds rules")).into()
            );
        }
        chosen.rules.extend(found.rules);
    }
    chosen.rules.retain(is_of);
    chosen.rules.sort_by(|one, other| one.id.cmp(&other.id));
    chosen.rules.dedup_by(|one, other| one.id == other.id && one.path == other.path);
    Ok(chosen)
}

/// Adds the rules of a file, or of the files below a folder; a file without rules is said.
fn add_files(path: &Path, rules: &mut Vec<Rule>) -> anyhow::Result<()> {
    let mut files: Vec<PathBuf> = Vec::new();
    let mut waiting = vec![path.to_owned()];
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            let entries = std::fs::read_dir(&path).with_context(|| format!("{} cannot be read", path.display()))?;
            for entry in entries {
                let entry = entry.with_context(|| format!("{} cannot be read", path.display()))?;
                // A link could lead back to a folder above.
                if entry.file_type().is_ok_and(|kind| !kind.is_symlink()) {
                    waiting.push(entry.path());
                }
            }
        } else {
            files.push(path);
        }
    }
    files.sort();
    let is_single = path.is_file();
    for file in files {
        let name = file.display().to_string();
        let file = SourceFile::from_bytes(&name, parse::read_bytes(Some(&file))?.1);
        match rules_of_file(&file, None) {
            Ok(entries) => {
                for entry in entries {
                    for diagnostic in &entry.rule.diagnostics {
                        let line = diagnostic.line.map(|line| format!(":{line}")).unwrap_or_default();
                        output::say(format_args!("{name}{line}: {}", diagnostic.message));
                    }
                    rules.push(entry.rule);
                }
            }
            Err(error) if is_single => return Err(WrongCall(error.to_string()).into()),
            Err(error) => output::say(format_args!("{error}")),
        }
    }
    Ok(())
}

/// What takes the values of fields out of hits.
fn redaction(options: &Hunt) -> anyhow::Result<Redaction> {
    let taxonomy = ruleatlas_taxonomy::Taxonomy::builtin();
    let field = |name: &String| {
        let found = taxonomy.canonical_field(name).map(|field| field.name.clone());
        found.ok_or_else(|| WrongCall(format!("there is no canonical field `{name}`; `ruleatlas field` finds them")))
    };
    let fields: Vec<String> = options.redacted.iter().map(field).collect::<Result<_, _>>()?;
    let mode = match options.redact_with {
        RedactWith::Hash => RedactionMode::Hash,
        RedactWith::Cut => RedactionMode::Cut,
    };
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|error| anyhow::anyhow!("the system gives no random key: {error}"))?;
    Ok(Redaction::new(fields, mode, key))
}

/// What the logs are called.
fn data_set(options: &Hunt) -> String {
    if !options.redacted.is_empty() {
        // Names of files are taken out as well.
        return "logs".to_owned();
    }
    let name = |path: &PathBuf| match path.file_name() {
        _ if path.as_os_str() == "-" => "standard input".to_owned(),
        Some(name) => name.to_string_lossy().into_owned(),
        None => path.display().to_string(),
    };
    let first = options.logs.first().map(name).unwrap_or_default();
    match options.logs.len() {
        0 | 1 => first,
        several => format!("{first} and {} more", several - 1),
    }
}

fn create(path: &Path) -> anyhow::Result<File> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    // Hits are not for everybody who has an account on the machine.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).with_context(|| format!("{} cannot be written", path.display()))
}

fn write_hit(
    mut hit: Hit,
    redacted: &mut Redaction,
    lines: Option<&mut (&PathBuf, BufWriter<File>)>,
    saved: Option<&mut HitsWriter>,
) -> anyhow::Result<()> {
    redacted.hit(&mut hit);
    if let Some(writer) = saved {
        writer.add(&hit)?;
    }
    let Some((path, out)) = lines else { return Ok(()) };
    let written = serde_json::to_writer(&mut *out, &hit).map_err(std::io::Error::from);
    written.and_then(|()| out.write_all(b"\n")).with_context(|| format!("{} cannot be written", path.display()))
}

fn write_csv(path: &Path, report: &Report) -> anyhow::Result<()> {
    let header = [
        "id",
        "vendor",
        "title",
        "severity",
        "techniques",
        "asked",
        "hits",
        "candidates",
        "unknown",
        "first",
        "last",
        "hosts",
    ];
    let mut text = CsvText::new(header, Cells::Guarded);
    for rule in &report.rules {
        let numbers = [rule.asked, rule.hits, rule.candidates, rule.unknown].map(|number| number.to_string());
        let severity = rule.severity.map(|severity| severity.name()).unwrap_or_default();
        let (techniques, hosts) = (rule.techniques.join(" "), rule.hosts.join(" "));
        let time = |time: &'_ Option<String>| time.clone().unwrap_or_default();
        let (first, last) = (time(&rule.first), time(&rule.last));
        let [asked, hits, candidates, unknown] = &numbers;
        text.row([
            rule.id.as_str(),
            rule.vendor.name(),
            &rule.title,
            severity,
            &techniques,
            asked,
            hits,
            candidates,
            unknown,
            &first,
            &last,
            &hosts,
        ]);
    }
    let mut out = create(path)?;
    out.write_all(text.finish().as_bytes()).with_context(|| format!("{} cannot be written", path.display()))
}

/// By technique, the rules with hits.
fn by_technique(report: &Report) -> BTreeMap<&str, Vec<&RuleCount>> {
    let mut by_technique: BTreeMap<&str, Vec<&RuleCount>> = BTreeMap::new();
    for rule in report.rules.iter().filter(|rule| rule.hits > 0) {
        for technique in &rule.techniques {
            by_technique.entry(technique).or_default().push(rule);
        }
    }
    by_technique
}

fn write_layer(path: &Path, report: &Report, attack_version: &str) -> anyhow::Result<()> {
    let mut layer = Layer::new("Hits", AttackDomain::Enterprise, attack_version, "Rules with hits in the logs");
    for (technique, rules) in by_technique(report) {
        let mut row = LayerTechnique::new(technique, rules.len() as u64);
        let titles: Vec<String> = rules.iter().map(|rule| format!("{} ({})", rule.title, rule.hits)).collect();
        row.comment = titles.join("; ");
        layer.add(row);
    }
    let mut out = create(path)?;
    let mut json = serde_json::to_vec_pretty(&layer)?;
    json.push(b'\n');
    out.write_all(&json).with_context(|| format!("{} cannot be written", path.display()))
}

/// A time as a table shows it: to the second.
fn seconds(time: Option<&str>) -> String {
    time.unwrap_or_default().chars().take(19).collect()
}

fn text(report: &Report, hunter: &Hunter, options: &Hunt, problems: u64) -> String {
    let limit = options.limit.unwrap_or(SHOWN);
    let mut text = title("What the rules find in these logs");
    let (rules, _) = hunter.size();
    let events = &report.events;
    let _ = writeln!(
        text,
        "{} read, {} of them asked about; {} run",
        counted(events.read, "event", "events"),
        events.asked,
        counted(rules as u64, "rule", "rules"),
    );
    if events.unknown_shape > 0 {
        let _ = writeln!(
            text,
            "{} of unknown shape: `ruleatlas logs` says which",
            counted(events.unknown_shape, "event", "events")
        );
    }
    if problems > 0 {
        let _ = writeln!(text, "{} could not be read", counted(problems, "place", "places"));
    }
    let hits: Vec<&RuleCount> = report.rules.iter().filter(|rule| rule.hits > 0).collect();
    match options.by {
        HuntOrder::Rule => {
            text.push_str(&heading("Rules with hits", hits.len().min(limit), hits.len(), "rules"));
            let columns = [
                Column::Left("Severity"),
                Column::Text("Rule"),
                Column::Left("Vendor"),
                Column::Right("Hits"),
                Column::Right("Hosts"),
                Column::Left("First"),
                Column::Left("Last"),
                Column::Id("Id"),
            ];
            text.push_str(&table(&columns, hits.iter().take(limit).map(|rule| row(rule))));
        }
        HuntOrder::Technique => {
            let techniques = by_technique(report);
            text.push_str(&heading(
                "Techniques with hits",
                techniques.len().min(limit),
                techniques.len(),
                "techniques",
            ));
            let columns = [
                Column::Left("Technique"),
                Column::Right("Rules"),
                Column::Right("Hits"),
                Column::Right("Hosts"),
                Column::Left("First"),
                Column::Left("Last"),
                Column::List("Such as"),
            ];
            let rows = techniques.iter().take(limit).map(|(technique, rules)| {
                let hosts: BTreeSet<&str> = rules.iter().flat_map(|rule| &rule.hosts).map(String::as_str).collect();
                vec![
                    (*technique).to_owned(),
                    rules.len().to_string(),
                    rules.iter().map(|rule| rule.hits).sum::<u64>().to_string(),
                    hosts.len().to_string(),
                    seconds(rules.iter().filter_map(|rule| rule.first.as_deref()).min()),
                    seconds(rules.iter().filter_map(|rule| rule.last.as_deref()).max()),
                    list(rules.iter().map(|rule| rule.title.as_str())),
                ]
            });
            text.push_str(&table(&columns, rows));
        }
    }
    let candidates: Vec<&RuleCount> = report.rules.iter().filter(|rule| rule.candidates > 0).collect();
    if !candidates.is_empty() {
        text.push_str(&heading("Candidates", candidates.len().min(limit), candidates.len(), "rules"));
        let why: BTreeMap<&str, &str> = report.not_run.iter().map(|row| (row.id.as_str(), row.why.as_str())).collect();
        let columns = [
            Column::Text("Rule"),
            Column::Left("Vendor"),
            Column::Right("Events"),
            Column::Text("Why"),
            Column::Id("Id"),
        ];
        let rows = candidates.iter().take(limit).map(|rule| {
            let why = why.get(rule.id.as_str()).copied().unwrap_or_default();
            let events = rule.candidates.to_string();
            vec![rule.title.clone(), rule.vendor.to_string(), events, why.to_owned(), rule.id.clone()]
        });
        text.push_str(&table(&columns, rows));
    }
    let unknown = report.unknown_reasons();
    if !unknown.is_empty() {
        text.push_str(&heading("What cannot be known", unknown.len().min(limit), unknown.len(), "reasons"));
        let columns = [
            Column::Text("Why"),
            Column::Right("Rules"),
            Column::Right("Evaluations"),
            Column::Text("Such as"),
            Column::Id("Id"),
        ];
        let rows = unknown.iter().take(limit).map(|row| {
            vec![
                row.why.to_owned(),
                row.rules.to_string(),
                row.evaluations.to_string(),
                row.example.title.clone(),
                row.example.id.clone(),
            ]
        });
        text.push_str(&table(&columns, rows));
    }
    let not_run = report.not_run.iter().filter(|row| !candidates.iter().any(|rule| rule.id == row.id)).count();
    if not_run > 0 {
        let mut by_reason: BTreeMap<&str, u64> = BTreeMap::new();
        for row in &report.not_run {
            *by_reason.entry(row.why.as_str()).or_default() += 1;
        }
        text.push_str(&heading("Not run, or as candidates only", by_reason.len(), by_reason.len(), "reasons"));
        let mut rows: Vec<(&str, u64)> = by_reason.into_iter().collect();
        rows.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(other.0)));
        let rows = rows.into_iter().map(|(why, count)| vec![count.to_string(), plain(why)]);
        text.push_str(&table(&[Column::Right("Rules"), Column::Text("Why")], rows));
    }
    text
}

fn row(rule: &RuleCount) -> Vec<String> {
    let mark = if rule.source_unknown { " (source unknown)" } else { "" };
    vec![
        rule.severity.map(|severity| severity.to_string()).unwrap_or_default(),
        format!("{}{mark}", rule.title),
        rule.vendor.to_string(),
        rule.hits.to_string(),
        rule.hosts.len().to_string(),
        seconds(rule.first.as_deref()),
        seconds(rule.last.as_deref()),
        rule.id.clone(),
    ]
}
