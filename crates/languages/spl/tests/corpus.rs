//! Real searches, when the environment variable `RULEATLAS_CORPORA` says where a folder of them is.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use ruleatlas_core::{Context, Frontend, LookupTable, MacroDefinition, Query, cases::describe};
use ruleatlas_model::{Level, ParseStatus};
use ruleatlas_spl::Spl;

#[derive(Default)]
struct Content {
    macros: HashMap<(String, usize), (Vec<String>, String)>,
    lookups: HashMap<String, LookupTable>,
}

impl Context for Content {
    fn macro_definition(&self, name: &str, arguments: usize) -> Option<MacroDefinition<'_>> {
        let (parameters, definition) = self.macros.get(&(name.to_owned(), arguments))?;
        Some(MacroDefinition { parameters, definition })
    }

    fn lookup(&self, name: &str) -> Option<&LookupTable> {
        self.lookups.get(name)
    }
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "yml") {
            found.push(path);
        }
    }
    found.sort();
}

/// The scalars and lists of scalars at the top of a file.
fn read(path: &Path) -> HashMap<String, Vec<String>> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let mut repaired = String::new();
    let Ok(parsed) = ruleatlas_yaml::parse_lenient(&text, &mut repaired) else { return HashMap::new() };
    let mut values = HashMap::new();
    if let Some(document) = parsed.documents.first() {
        for key in ["name", "definition", "arguments", "filename", "match_type", "case_sensitive_match", "search"] {
            values.insert(key.to_owned(), document.texts_of(key).into_iter().map(str::to_owned).collect());
        }
    }
    values
}

fn content(corpus: &Path) -> Content {
    let mut content = Content::default();
    let mut found = Vec::new();
    files(&corpus.join("macros"), &mut found);
    for path in &found {
        let values = read(path);
        let one = |key: &str| values.get(key).and_then(|list| list.first()).cloned().unwrap_or_default();
        let arguments = values.get("arguments").cloned().unwrap_or_default();
        content.macros.insert((one("name"), arguments.len()), (arguments, one("definition")));
    }
    found.clear();
    files(&corpus.join("lookups"), &mut found);
    for path in &found {
        let values = read(path);
        let one = |key: &str| values.get(key).and_then(|list| list.first()).cloned().unwrap_or_default();
        let Ok(mut reader) =
            csv::ReaderBuilder::new().flexible(true).from_path(corpus.join("lookups").join(one("filename")))
        else {
            continue;
        };
        let Ok(columns) = reader.headers().cloned() else { continue };
        let table = LookupTable {
            columns: columns.iter().map(str::to_owned).collect(),
            rows: reader.records().flatten().map(|row| row.iter().map(str::to_owned).collect()).collect(),
            case_insensitive: one("case_sensitive_match") == "false",
            wildcard_columns: one("match_type")
                .split("WILDCARD(")
                .skip(1)
                .filter_map(|part| part.split(')').next())
                .map(|column| column.trim().to_owned())
                .collect(),
            default_match: Some(one("default_match")).filter(|text| !text.is_empty() && !one("min_matches").is_empty()),
        };
        content.lookups.insert(one("name"), table);
    }
    content
}

#[test]
fn baselines_and_deprecated_searches_do_not_fail() {
    let Some(corpora) = std::env::var_os("RULEATLAS_CORPORA") else {
        println!("skipped: RULEATLAS_CORPORA is not set");
        return;
    };
    let corpus = Path::new(&corpora).join("splunk");
    let content = content(&corpus);
    let mut found = Vec::new();
    files(&corpus.join("baselines"), &mut found);
    files(&corpus.join("detections").join("deprecated"), &mut found);
    assert!(!found.is_empty());
    for path in &found {
        let Some(search) = read(path).remove("search").and_then(|mut list| list.pop()) else { continue };
        let parsed = Spl.parse(&Query::new(&search), &content);
        assert_ne!(parsed.status(), ParseStatus::Failed, "{}", path.display());
        if parsed.status() == ParseStatus::Partial {
            let codes: Vec<_> = parsed.diagnostics.iter().filter(|found| found.level != Level::Note).collect();
            println!(
                "{}: {}",
                path.display(),
                codes.iter().map(|found| found.code.as_ref()).collect::<Vec<_>>().join(", ")
            );
        }
    }
}

#[test]
fn real_searches_are_read_in_full() {
    let Some(corpora) = std::env::var_os("RULEATLAS_CORPORA") else {
        println!("skipped: RULEATLAS_CORPORA is not set");
        return;
    };
    let corpus = Path::new(&corpora).join("splunk");
    let content = content(&corpus);
    let mut found = Vec::new();
    files(&corpus.join("detections"), &mut found);
    let searches: Vec<(String, String)> = found
        .iter()
        .filter(|path| !path.components().any(|part| part.as_os_str() == "deprecated"))
        .filter_map(|path| {
            let search = read(path).remove("search")?.pop()?;
            Some((path.file_stem()?.to_string_lossy().into_owned(), search))
        })
        .collect();
    let parsed: Vec<_> = searches.iter().map(|(_, search)| Spl.parse(&Query::new(search), &content)).collect();
    let mut slowest: Vec<_> = searches
        .iter()
        .map(|(name, search)| {
            let start = Instant::now();
            let _ = Spl.parse(&Query::new(search), &content);
            (start.elapsed(), name)
        })
        .collect();
    let elapsed: Duration = slowest.iter().map(|(elapsed, _)| *elapsed).sum();
    slowest.sort();
    println!("slowest: {:?}", slowest.iter().rev().take(6).collect::<Vec<_>>());
    let mut reasons: BTreeMap<(String, String), Vec<&str>> = BTreeMap::new();
    let (mut statuses, mut predicates) = (BTreeMap::<&str, usize>::new(), 0);
    let mut dump = String::new();
    for ((name, search), parsed) in searches.iter().zip(&parsed) {
        *statuses.entry(parsed.status().name()).or_default() += 1;
        predicates += parsed.conditions.iter().map(|condition| condition.root.predicates().count()).sum::<usize>();
        let mut said: Vec<(String, String)> = Vec::new();
        for opaque in parsed.conditions.iter().flat_map(|condition| condition.root.opaques()) {
            said.push(("opaque".to_owned(), opaque.reason.clone()));
        }
        for diagnostic in parsed.diagnostics.iter().filter(|found| found.level != Level::Note) {
            said.push((format!("{:?}", diagnostic.level).to_lowercase(), diagnostic.code.to_string()));
        }
        said.sort();
        said.dedup();
        for reason in said {
            reasons.entry(reason).or_default().push(name);
        }
        for predicate in parsed.conditions.iter().flat_map(|condition| condition.root.predicates()) {
            assert!(predicate.span.of(search).is_some(), "{name}: {predicate:?}");
        }
        let _ = write!(dump, "=== {name}\n{search}\n---\n{}\n", describe(parsed));
    }
    if let Some(path) = std::env::var_os("RULEATLAS_DUMP") {
        fs::write(path, dump).unwrap();
    }
    println!("{} searches, {predicates} predicates, {statuses:?}, {elapsed:?} on one core", searches.len());
    for ((kind, reason), names) in &reasons {
        println!("{kind} ({reason}): {} {:?}", names.len(), &names[..names.len().min(6)]);
    }
    assert!(parsed.iter().all(|parsed| parsed.status() != ParseStatus::Failed));
    let full = statuses.get("full").copied().unwrap_or_default();
    assert!(full * 100 >= searches.len() * 99, "{full} of {} are full", searches.len());
}
