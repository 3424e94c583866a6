//! The whole build, of Sigma and ATT&CK and of everything: cold, with nothing changed, and how much memory it takes.

use std::{
    borrow::Cow,
    fs::File,
    hint::black_box,
    path::{Path, PathBuf},
    process::Command,
};

use criterion::{BatchSize, Criterion};
use ruleatlas_benches::{corpus, ratio, ratio_after};
use ruleatlas_catalog::{Loaded, build, fingerprint};
use ruleatlas_model::Vendor;
use ruleatlas_sources::{SourceKind, SourceSpec};
use ruleatlas_store::{Store, WriteOptions, write};
use serde::Deserialize;

/// The allocator of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// In a child process: the case to build, and the catalog to build it into; it says how much memory it took.
const CHILD: &str = "RULEATLAS_BENCH_BUILD";
const CATALOG: &str = "RULEATLAS_BENCH_CATALOG";

/// What the program's `build` does.
fn cold(specs: &[SourceSpec], catalog: &Path) {
    let sources = Loaded::read(specs, &|_, _, _, _| {}).expect("the corpora can be read");
    if Store::fingerprint(catalog).is_some_and(|known| known == fingerprint(&sources)) {
        return;
    }
    let built = build(sources, &|_, _, _, _| {}).expect("the catalog can be built");
    write(catalog, &built, WriteOptions::default()).expect("the catalog can be written");
    std::mem::forget(built);
}

/// As much of STIX as a catalog of techniques needs, typed.
#[derive(Deserialize)]
struct Bundle<'a> {
    #[serde(borrow)]
    objects: Vec<Object<'a>>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "what is read counts")]
struct Object<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    id: Cow<'a, str>,
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    description: Option<Cow<'a, str>>,
    #[serde(default)]
    revoked: Option<bool>,
    #[serde(borrow, default)]
    source_ref: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    target_ref: Option<Cow<'a, str>>,
    #[serde(default)]
    external_references: Vec<ExternalReference>,
    #[serde(default)]
    x_mitre_platforms: Vec<String>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "what is read counts")]
struct ExternalReference {
    source_name: Option<String>,
    external_id: Option<String>,
    url: Option<String>,
}

/// `cat` of every file, and the bundles parsed.
fn cat_and_json(files: &[PathBuf], bundles: &[PathBuf]) {
    for chunk in files.chunks(2_000) {
        let null = File::options().write(true).open("/dev/null").expect("/dev/null");
        let status = Command::new("cat").args(chunk).stdout(null).status().expect("cat");
        assert!(status.success());
    }
    for bundle in bundles {
        let bytes = std::fs::read(bundle).expect("a bundle");
        let bundle: Bundle<'_> = serde_json::from_slice(&bytes).expect("STIX");
        black_box(bundle.objects.len());
    }
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

/// The most memory this process has taken, in kB, where the system says it.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.split_whitespace().next()?.parse().ok()
}

/// A build to measure, its bound of memory in MB, and the STIX bundles that the other side parses.
struct Case {
    name: &'static str,
    kinds: &'static [SourceKind],
    bundles: &'static [Bundles],
    memory: u64,
}

/// Bundles by the endings of their files' names, and what they are called together.
struct Bundles(&'static str, &'static [&'static str]);

const CASES: [Case; 2] = [
    Case {
        name: "Sigma and ATT&CK",
        kinds: &[SourceKind::Rules(Vendor::Sigma), SourceKind::Attack],
        bundles: &[Bundles("all bundles", &[".json"])],
        memory: 400,
    },
    // ATT&CK publishes as one file what the corpus has in two, and a build reads both.
    Case {
        name: "everything",
        kinds: &SourceKind::ALL,
        bundles: &[
            Bundles("the enterprise bundle", &["enterprise-attack.json", "enterprise-attack-groups.json"]),
            Bundles("its part without groups", &["enterprise-attack.json"]),
        ],
        memory: 600,
    },
];

fn main() {
    for case in &CASES {
        let Some(specs) = case.kinds.iter().map(|kind| corpus(*kind)).collect::<Option<Vec<_>>>() else { return };
        match std::env::var(CHILD) {
            Ok(name) if name == case.name => {
                let catalog = std::env::var_os(CATALOG).expect("the catalog to build");
                cold(&specs, Path::new(&catalog));
                let peak = peak().unwrap_or_default() / 1000;
                println!("{name}: peak memory of a build: {peak} MB (bound {})", case.memory);
                return;
            }
            Ok(_) => {}
            Err(_) => {
                let folder = tempfile::tempdir().expect("a folder");
                measure(case, &specs, &folder.path().join("catalog.db"));
            }
        }
    }
}

fn measure(case: &Case, specs: &[SourceSpec], catalog: &Path) {
    // In a process of its own, as the program's is: what one build leaves behind would be in the way of the next.
    let built = || {
        let program = std::env::current_exe().expect("this program");
        let child =
            Command::new(program).env(CHILD, case.name).env(CATALOG, catalog).output().expect("a child process");
        assert!(child.status.success());
        String::from_utf8_lossy(&child.stdout).into_owned()
    };
    print!("{}", built());

    let mut all = Vec::new();
    for spec in specs {
        files(&spec.path, &mut all);
    }
    let attack = specs.iter().find(|spec| spec.kind == SourceKind::Attack).expect("every case has ATT&CK");
    let others: Vec<_> = case
        .bundles
        .iter()
        .map(|Bundles(called, endings)| {
            let is_bundle = |file: &&PathBuf| {
                let name = file.to_string_lossy();
                file.starts_with(&attack.path) && endings.iter().any(|ending| name.ends_with(ending))
            };
            let bundles: Vec<PathBuf> = all.iter().filter(is_bundle).cloned().collect();
            let all = &all;
            (called, move || cat_and_json(all, &bundles))
        })
        .collect();
    let nothing_there = || {
        let _ = std::fs::remove_file(catalog);
    };
    let build = || {
        black_box(built());
    };
    let name = |what: &str| format!("{}: {what}", case.name);
    let mut criterion = Criterion::default().configure_from_args().sample_size(10);
    for (called, others) in &others {
        criterion.bench_function(&name(&format!("cat, and serde_json of {called}")), |bencher| bencher.iter(others));
    }
    criterion.bench_function(&name("build, cold"), |bencher| {
        bencher.iter_batched(nothing_there, |()| build(), BatchSize::PerIteration);
    });
    criterion.bench_function(&name("build, nothing changed"), |bencher| bencher.iter(build));
    criterion.final_summary();

    for (called, others) in &others {
        let name = name(&format!("cold build / cat, and serde_json of {called}"));
        ratio_after(&name, 3.0, 15, nothing_there, build, others);
    }
    let anew = || {
        nothing_there();
        build();
    };
    build();
    ratio(&name("build with nothing changed / cold build"), 0.25, 15, build, anew);
}
