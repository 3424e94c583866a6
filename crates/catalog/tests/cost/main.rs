//! What reading costs is bounded by how much there is to read: of twice as much text comes about twice the work.
//!
//! Nothing here looks at a clock. What is counted is the same on every machine: units of work and nodes of the
//! [`Budget`], allocations and their bytes. `RULEATLAS_COST=1 cargo test -p ruleatlas-catalog --test cost -- --nocapture`
//! prints them, with the times.

#![allow(
    clippy::cast_precision_loss,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail anywhere, in its helpers too"
)]

mod families;

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use allocation_counter::measure;
use ruleatlas_catalog::{Entry, Loaded, build, frontend, is_query};
use ruleatlas_core::{BUDGET, Budget, Context, FileBudget, Limits, LookupTable, MacroDefinition, Query};
use ruleatlas_model::{Diagnostic, Language, Level, ParseStatus, Rule, Vendor};
use ruleatlas_sources::{SourceFile, SourceKind, SourceSpec, format_of, read_files};
use ruleatlas_taxonomy::Taxonomy;

use families::{FILES, Files, MULTIPLIED, QUERIES, Queries};

/// How much more may come of twice the text.
const GROWTH: f64 = 2.3;
/// What is allocated whatever the text is: less than this does not count, in allocations and in bytes.
const FLOOR: [f64; 5] = [1_000.0, 1_000.0, 3_000.0, 300_000.0, 300_000.0];
const COUNTED: [&str; 5] = ["work", "nodes", "allocations", "bytes", "most bytes"];

/// What is around the queries.
struct Around {
    macros: HashMap<String, (Vec<String>, String)>,
    lookup: LookupTable,
    modules: HashMap<&'static str, String>,
}

impl Around {
    fn new() -> Self {
        let mut macros = HashMap::new();
        macros.insert("small".to_owned(), (Vec::new(), "a=1 b=2".to_owned()));
        let terms: Vec<String> = (0..1_000).map(|at| format!("a=v{at}")).collect();
        macros.insert("large".to_owned(), (Vec::new(), terms.join(" OR ")));
        for at in 0..100 {
            let (plain, argued) = if at == 0 {
                ("a=1".to_owned(), "a=\"$x$\"".to_owned())
            } else {
                let one = at - 1;
                (format!("`d{one}` OR `d{one}`"), format!("`e{one}(\"$x$$x$\")`"))
            };
            macros.insert(format!("d{at}"), (Vec::new(), plain));
            macros.insert(format!("e{at}"), (vec!["x".to_owned()], argued));
        }
        let lookup = LookupTable {
            columns: vec!["key".to_owned(), "flag".to_owned()],
            rows: (0..5_000).map(|at| vec![format!("v{at}"), "yes".to_owned()]).collect(),
            ..LookupTable::default()
        };
        let modules = HashMap::from([
            ("cycle_a", "from cycle_b import help_0\n".to_owned()),
            ("cycle_b", "from cycle_a import help_0\n".to_owned()),
        ]);
        Self { macros, lookup, modules }
    }
}

impl Context for Around {
    fn macro_definition(&self, name: &str, arguments: usize) -> Option<MacroDefinition<'_>> {
        let (parameters, definition) = self.macros.get(name).filter(|(parameters, _)| parameters.len() == arguments)?;
        Some(MacroDefinition { parameters, definition })
    }

    fn lookup(&self, name: &str) -> Option<&LookupTable> {
        (name == "list").then_some(&self.lookup)
    }

    fn module(&self, name: &str) -> Option<&str> {
        self.modules.get(name).map(String::as_str)
    }
}

/// What one text cost.
#[derive(Clone, Copy, Debug)]
struct Cost {
    bytes_of_text: usize,
    counted: [f64; 5],
    time: Duration,
}

/// Reads a query and makes an entry of it.
fn cost_of(queries: &Queries, size: usize, around: &Around) -> Cost {
    let text = (queries.text)(size);
    let frontend = frontend(queries.language);
    let mut budget = Budget::default();
    let start = Instant::now();
    let allocated = measure(|| {
        let parsed = frontend.parse_within(&Query::new(&text), around, &mut budget);
        let mut rule = Rule::blank(queries.language.info().vendor, queries.language, "rule");
        rule.parse = parsed.status();
        rule.conditions = parsed.conditions;
        rule.diagnostics = parsed.diagnostics;
        let _ = Entry::new(rule, Taxonomy::builtin());
    });
    let (work, nodes) = budget.spent();
    let counted = [
        work as f64,
        nodes as f64,
        allocated.count_total as f64,
        allocated.bytes_total as f64,
        allocated.bytes_max as f64,
    ];
    Cost { bytes_of_text: text.len(), counted, time: start.elapsed() }
}

/// Builds a catalog of files, on one thread.
fn cost_of_files(files: &Files, size: usize) -> Cost {
    let made = (files.files)(size);
    let bytes_of_text = made.iter().map(|(_, text)| text.len()).sum();
    let read: Vec<SourceFile> =
        made.into_iter().map(|(path, text)| SourceFile::from_bytes(path, text.into_bytes())).collect();
    let loaded = Loaded { spec: SourceSpec::new(files.kind, "source"), files: read };
    let start = Instant::now();
    let allocated = measure(|| drop(build(vec![loaded], &|_, _, _, _| {})));
    let counted = [0.0, 0.0, allocated.count_total as f64, allocated.bytes_total as f64, allocated.bytes_max as f64];
    Cost { bytes_of_text, counted, time: start.elapsed() }
}

/// The most that anything of these sizes may allocate, and have at one time, in bytes.
const CEILING: (f64, f64) = (1.5e9, 256e6);

/// What is more than any rule may cost, of whatever family it is.
fn excesses(name: &str, costs: &[Cost]) -> Vec<String> {
    let limits = Limits::RULE;
    // What was spent last may go beyond what was left.
    let most = [limits.work * 2, limits.nodes * 2];
    let is_over = |cost: &Cost| {
        cost.counted[0] > most[0] as f64
            || cost.counted[1] > most[1] as f64
            || cost.counted[3] > CEILING.0
            || cost.counted[4] > CEILING.1
    };
    costs.iter().filter(|cost| is_over(cost)).map(|cost| format!("{name}: {cost:?}")).collect()
}

/// What grew more than the text did.
fn faults(name: &str, costs: &[Cost]) -> Vec<String> {
    let mut faults = Vec::new();
    for pair in costs.windows(2) {
        let [less, more] = pair else { continue };
        let text = more.bytes_of_text as f64 / less.bytes_of_text as f64;
        // A family whose text does not double with its size is held against how much it grew.
        let allowed = GROWTH * (text / 2.0).max(1.0);
        for (at, what) in COUNTED.iter().enumerate() {
            let floor = FLOOR[at];
            let ratio = (more.counted[at] + floor) / (less.counted[at] + floor);
            if ratio > allowed {
                faults.push(format!("{name}: {what} grew {ratio:.2} times: {less:?} {more:?}"));
            }
        }
    }
    faults
}

fn print(name: &str, costs: &[Cost]) {
    if std::env::var_os("RULEATLAS_COST").is_none() {
        return;
    }
    let at =
        |which: usize| costs.iter().map(|cost| format!("{:.0}", cost.counted[which])).collect::<Vec<_>>().join(" ");
    let times: Vec<String> = costs.iter().map(|cost| format!("{:.1}", cost.time.as_secs_f64() * 1e3)).collect();
    let growth = costs[2].time.as_secs_f64() / costs[1].time.as_secs_f64();
    println!(
        "{name}: text {} | ms {} (x{growth:.2}) | work {} | nodes {} | allocations {} | bytes {} | most {}",
        costs.iter().map(|cost| cost.bytes_of_text.to_string()).collect::<Vec<_>>().join(" "),
        times.join(" "),
        at(0),
        at(1),
        at(2),
        at(3),
        at(4)
    );
}

/// How many times larger than written the sizes are to be, for a look at the times.
fn scale() -> usize {
    std::env::var("RULEATLAS_SCALE").ok().and_then(|scale| scale.parse().ok()).unwrap_or(1)
}

/// Whether a family is asked for: all are, unless the environment names a part of their names.
fn is_asked_for(name: &str) -> bool {
    std::env::var("RULEATLAS_FAMILY").map_or(true, |part| name.contains(&part))
}

fn on_a_large_stack(run: impl FnOnce() + Send + 'static) {
    // The program's own threads are what bounds of depth are for; here only growth is looked at.
    std::thread::Builder::new().stack_size(16 << 20).spawn(run).unwrap().join().unwrap();
}

#[test]
fn a_query_twice_as_long_costs_about_twice_as_much() {
    on_a_large_stack(|| {
        let around = Around::new();
        let mut found = Vec::new();
        let _ = Taxonomy::builtin();
        for queries in QUERIES {
            let name = format!("{} {}", queries.language, queries.name);
            if !is_asked_for(&name) {
                continue;
            }
            // What is made once a process is made before.
            cost_of(queries, 4, &around);
            let costs: Vec<Cost> =
                [1, 2, 4].map(|times| cost_of(queries, times * queries.size * scale(), &around)).to_vec();
            print(&name, &costs);
            found.extend(excesses(&name, &costs));
            if !MULTIPLIED.contains(&name.as_str()) {
                found.extend(faults(&name, &costs));
            }
        }
        assert!(found.is_empty(), "{}", found.join("\n"));
    });
}

#[test]
fn a_file_twice_as_long_costs_about_twice_as_much() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).stack_size(16 << 20).build().unwrap();
    pool.install(|| {
        let mut found = Vec::new();
        let _ = Taxonomy::builtin();
        for files in FILES {
            let name = format!("{} {}", files.kind.name(), files.name);
            if !is_asked_for(&name) {
                continue;
            }
            cost_of_files(files, 4);
            let costs: Vec<Cost> = [1, 2, 4].map(|times| cost_of_files(files, times * files.size * scale())).to_vec();
            print(&name, &costs);
            found.extend(excesses(&name, &costs));
            if !MULTIPLIED.contains(&name.as_str()) {
                found.extend(faults(&name, &costs));
            }
        }
        assert!(found.is_empty(), "{}", found.join("\n"));
    });
}

/// Of a family that is multiplied, at a size beyond every limit: the query says what ran out, and is not read as a whole.
#[test]
fn what_is_too_much_is_said() {
    on_a_large_stack(|| {
        let around = Around::new();
        for (language, name, size) in [
            (Language::Sigma, "values beyond any budget", 210_000),
            (Language::Sigma, "selections named by many patterns", 1_000),
            (Language::Esql, "cases that double", 40),
            (Language::Spl, "a lookup's rows", 400),
            (Language::Kusto, "values of a list", 260_000),
            (Language::Kusto, "functions that double", 24),
            (Language::Kusto, "a dynamic list used often", 700),
            (Language::Python, "helpers that call themselves", 100),
            (Language::PantherYaml, "sql common tables", 2_000),
            (Language::Eql, "values of a list", 210_000),
            (Language::Kuery, "values of a field", 210_000),
        ] {
            let queries = QUERIES.iter().find(|queries| queries.language == language && queries.name == name).unwrap();
            let text = (queries.text)(size);
            let start = Instant::now();
            let parsed = frontend(language).parse(&Query::new(&text), &around);
            if std::env::var_os("RULEATLAS_COST").is_some() {
                println!("{language} {name}, {size}: {:?}", start.elapsed());
            }
            let said = |diagnostic: &&Diagnostic| diagnostic.code == BUDGET && diagnostic.level == Level::Error;
            let said = parsed.diagnostics.iter().filter(said).count();
            let first = parsed.diagnostics.get(..4).unwrap_or(&parsed.diagnostics);
            assert_eq!(said, 1, "{language} {name}: {first:?}");
            assert_ne!(parsed.status(), ParseStatus::Full, "{language} {name}");
            assert!(
                parsed.conditions.iter().any(|condition| condition.root.opaques().next().is_some()),
                "{language} {name}"
            );
        }
    });
}

/// Rules that stand for much more than their file holds: each is cheap enough, and all of them together are bounded.
#[test]
fn the_rules_of_a_file_are_not_read_without_end() {
    for (kind, name, size) in [
        (SourceKind::Rules(Vendor::Sigma), "correlations on correlations of a file", 600),
        (SourceKind::Rules(Vendor::Panther), "rules of a file of one module", 400),
    ] {
        let files = FILES.iter().find(|files| files.kind == kind && files.name == name).unwrap();
        let read = (files.files)(size).into_iter();
        let read = read.map(|(path, text)| SourceFile::from_bytes(path, text.into_bytes())).collect();
        let loaded = Loaded { spec: SourceSpec::new(kind, "source"), files: read };
        let catalog = build(vec![loaded], &|_, _, _, _| {}).unwrap();
        let is_of_file = |said: &&Diagnostic| said.code == BUDGET && said.message.contains("the rules of this file");
        let cut: Vec<&Rule> = catalog
            .entries
            .iter()
            .map(|entry| &entry.rule)
            .filter(|rule| rule.diagnostics.iter().any(|said| is_of_file(&said)))
            .collect();
        assert!(!cut.is_empty(), "{name}");
        assert!(cut.iter().all(|rule| rule.parse != ParseStatus::Full), "{name}");
        let nodes: usize =
            catalog.entries.iter().flat_map(|entry| &entry.rule.conditions).map(|step| step.root.walk().count()).sum();
        assert!(nodes < 2_500_000, "{name}: {nodes}");
    }
}

/// A budget that real rules meet would hide what they say.
#[test]
fn no_rule_of_the_public_corpora_comes_near_a_limit() {
    let Some(corpora) = std::env::var_os("RULEATLAS_CORPORA").map(std::path::PathBuf::from) else {
        eprintln!("skipped: RULEATLAS_CORPORA names no folder of real rules");
        return;
    };
    let limits = Limits::RULE;
    for vendor in Vendor::ALL {
        let spec = SourceSpec::new(SourceKind::Rules(*vendor), corpora.join(vendor.name()));
        let Ok(files) = read_files(&spec) else { continue };
        let format = format_of(*vendor, is_query);
        let context = format.context(&files);
        let (mut work, mut nodes) = ((0, String::new()), (0, String::new()));
        for file in &files {
            let mut of_file = FileBudget::for_size(file.text().map_or(0, str::len));
            format.read_in(file, context.as_ref(), &mut |draft| {
                let rule = &draft.rule;
                if rule.query.is_empty() {
                    return;
                }
                let frontend = frontend(rule.language);
                let query = Query { text: &rule.query, tree: draft.tree, sources: &draft.sources };
                let mut budget = of_file.budget_of(&rule.query);
                let parsed = frontend.parse_within(&query, context.as_ref(), &mut budget);
                of_file.spend(&budget);
                let said = parsed.diagnostics.iter().any(|diagnostic| diagnostic.code == BUDGET);
                assert!(!said, "{}: {:?}", rule.id, budget.exhausted());
                let spent = budget.spent();
                work = std::mem::take(&mut work).max((spent.0, rule.id.clone()));
                nodes = std::mem::take(&mut nodes).max((spent.1, rule.id.clone()));
            });
        }
        println!("{}: most work {work:?} of {}, most nodes {nodes:?} of {}", vendor.name(), limits.work, limits.nodes);
        assert!(work.0 < limits.work / 4 && nodes.0 < limits.nodes / 4, "{work:?} {nodes:?}");
    }
}

#[test]
fn a_file_of_more_rules_than_are_read_says_how_many_are_left_out() {
    let text: String =
        (0..20_003).map(|at| format!("---\nid: r{at}\ndetection: {{s: {{A: 1}}, condition: s}}\n")).collect();
    let files = vec![SourceFile::from_bytes("r.yml", text.into_bytes())];
    let catalog =
        build(vec![Loaded { spec: SourceSpec::new(SourceKind::Rules(Vendor::Sigma), "s"), files }], &|_, _, _, _| {})
            .unwrap();
    assert_eq!(catalog.entries.len(), 20_000);
    let mut said = catalog.entries.iter().flat_map(|entry| &entry.rule.diagnostics).filter(|said| said.code == BUDGET);
    assert!(said.next().is_some_and(|said| said.message.starts_with("the file holds 3 more rules")));
    assert!(said.next().is_none());
}

#[test]
fn filters_beside_a_sequence_are_not_copied_without_end() {
    let steps: String = (0..2_000).map(|at| format!("[process where a == {at}] ")).collect();
    let filters: String =
        (0..500).map(|at| format!("[[rule.filters]]\n[rule.filters.query.match_phrase]\na = \"v{at}\"\n")).collect();
    let text = format!(
        "[rule]\nname = \"r\"\nrule_id = \"r\"\ntype = \"eql\"\nlanguage = \"eql\"\nquery = \"sequence by x {}\"\n{filters}",
        steps.trim()
    );
    let files = vec![SourceFile::from_bytes("rules/r.toml", text.into_bytes())];
    let catalog =
        build(vec![Loaded { spec: SourceSpec::new(SourceKind::Rules(Vendor::Elastic), "e"), files }], &|_, _, _, _| {})
            .unwrap();
    let rule = &catalog.entries[0].rule;
    assert_eq!(rule.conditions.len(), 2_000);
    assert_eq!(rule.parse, ParseStatus::Partial);
    let nodes: usize = rule.conditions.iter().map(|step| step.root.walk().count()).sum();
    assert!(nodes < 210_000, "{nodes}");
    assert!(rule.diagnostics.iter().any(|said| said.code == BUDGET), "{:?}", rule.diagnostics);
}
