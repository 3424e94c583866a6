//! One draft, and a repository of rules, held against a catalog that is open.

use std::time::Instant;

use rayon::prelude::*;
use ruleatlas_benches::corpus;
use ruleatlas_catalog::{Loaded, build};
use ruleatlas_check::{Checker, Config};
use ruleatlas_model::Vendor;
use ruleatlas_sources::{SourceFile, SourceKind};
use ruleatlas_store::{WriteOptions, write};
use ruleatlas_views::Atlas;

/// The allocator of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Milliseconds for the first draft, all that is made once with it.
const FIRST: f64 = 50.0;
/// Seconds for a repository of 4,000 rules on two cores.
const REPOSITORY: f64 = 20.0;
const RULES: usize = 4_000;

fn main() {
    let kinds = [
        SourceKind::Rules(Vendor::Sigma),
        SourceKind::Rules(Vendor::Elastic),
        SourceKind::Rules(Vendor::Splunk),
        SourceKind::Rules(Vendor::Kusto),
        SourceKind::Attack,
    ];
    let Some(specs) = kinds.into_iter().map(corpus).collect::<Option<Vec<_>>>() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("catalog.db");
    let sources = Loaded::read(&specs, &|_, _, _, _| {}).expect("the corpora can be read");
    let files: Vec<SourceFile> = sources
        .iter()
        .filter(|source| source.spec.kind == SourceKind::Rules(Vendor::Sigma))
        .flat_map(|source| &source.files)
        .filter(|file| file.path.ends_with(".yml"))
        .take(RULES)
        .cloned()
        .collect();
    let catalog = build(sources, &|_, _, _, _| {}).expect("the catalog can be built");
    write(&path, &catalog, WriteOptions::default()).expect("the catalog can be written");
    drop(catalog);
    let atlas = Atlas::open(&path).expect("the catalog can be read");
    let mut times: Vec<f64> = files
        .iter()
        .step_by(files.len().div_ceil(40).max(1))
        .map(|file| {
            let begun = Instant::now();
            std::hint::black_box(Checker::new(&atlas, Config::default()).check(file, None));
            begun.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let of = |share: f64| times.get(((times.len() - 1) as f64 * share) as usize).copied().unwrap_or_default();
    println!("one draft, a new checker each: median {:.1} ms, worst {:.1} ms (bound {FIRST})", of(0.5), of(1.0));
    let checker = Checker::new(&atlas, Config::default());
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("threads");
    let begun = Instant::now();
    let findings: usize = pool.install(|| files.par_iter().map(|file| checker.check(file, None).len()).sum());
    let seconds = begun.elapsed().as_secs_f64();
    println!("{} files on two threads: {seconds:.1} s, {findings} findings (bound {REPOSITORY})", files.len());
}
