//! One draft, and a repository of rules, held against a catalog that is open.

use std::time::Instant;

use rayon::prelude::*;
use ruleatlas_benches::{open_catalog, ratio, read_corpora};
use ruleatlas_catalog::RuleFiles;
use ruleatlas_check::{Checker, Config};
use ruleatlas_model::Vendor;
use ruleatlas_sources::{SourceFile, SourceKind};

/// The allocator of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Milliseconds for the first draft, all that is made once with it.
const FIRST: f64 = 50.0;
/// Seconds for a repository of 4,000 rules on two cores.
const REPOSITORY: f64 = 20.0;
const RULES: usize = 4_000;
/// How many times as long as reading it a draft may take to be checked, alone and among others.
const ALONE: f64 = 30.0;
const TOGETHER: f64 = 10.0;
/// Drafts that are checked alone.
const DRAFTS: usize = 40;
const ROUNDS: usize = 7;

fn main() {
    let Some(sources) = read_corpora() else { return };
    let files: Vec<SourceFile> = sources
        .iter()
        .filter(|source| source.spec.kind == SourceKind::Rules(Vendor::Sigma))
        .flat_map(|source| &source.files)
        .filter(|file| file.path.ends_with(".yml"))
        .take(RULES)
        .cloned()
        .collect();
    let (atlas, _folder) = open_catalog(sources);
    let reader = RuleFiles::among(&[]);
    let read = |file: &SourceFile| reader.tagged_entries(file, None, &atlas.attack).map_or(0, |rules| rules.len());
    // Each draft by a checker of its own, as the site and an editor check it.
    let drafts: Vec<&SourceFile> = files.iter().step_by(files.len().div_ceil(DRAFTS).max(1)).collect();
    let check_alone = |file: &&SourceFile| Checker::new(&atlas, Config::default()).check(file, None).len();
    let one_each = || {
        std::hint::black_box(drafts.iter().map(check_alone).sum::<usize>());
    };
    let read_each = || {
        std::hint::black_box(drafts.iter().map(|file| read(file)).sum::<usize>());
    };
    ratio("one draft, a new checker each / reading it", ALONE, ROUNDS, one_each, read_each);
    let begun = Instant::now();
    one_each();
    println!("one draft: {:.1} ms (bound {FIRST})", begun.elapsed().as_secs_f64() * 1e3 / drafts.len().max(1) as f64);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("threads");
    let check_all = || {
        let checker = Checker::new(&atlas, Config::default());
        let check = |file: &SourceFile| checker.check_among(&reader, file, None).len();
        std::hint::black_box(pool.install(|| files.par_iter().map(check).sum::<usize>()));
    };
    let read_all = || {
        std::hint::black_box(pool.install(|| files.par_iter().map(read).sum::<usize>()));
    };
    ratio("a repository of rules / reading it, two threads", TOGETHER, ROUNDS, check_all, read_all);
    let begun = Instant::now();
    check_all();
    println!("{} files on two threads: {:.1} s (bound {REPOSITORY})", files.len(), begun.elapsed().as_secs_f64());
}
