//! Reading and parsing all Sigma rules, against the events of the YAML library alone for the same files.

use std::{hint::black_box, path::Path, path::PathBuf};

use criterion::Criterion;
use rayon::prelude::*;
use ruleatlas_benches::{corpus, ratio};
use ruleatlas_catalog::frontend;
use ruleatlas_core::Query;
use ruleatlas_model::Vendor;
use ruleatlas_sources::{SourceFile, SourceKind, SourceSpec, format_of, read_files};

/// The allocator of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Every file read, every rule's metadata taken, every detection made into conditions.
fn rules(spec: &SourceSpec) -> usize {
    let files = read_files(spec).expect("the corpus can be read");
    let format = format_of(spec.kind.vendor().expect("a kind with rules"), |_, _| false);
    let context = format.context(&files);
    let parse = |file: &SourceFile| {
        let mut predicates = 0;
        black_box(format.read(file, &mut |draft| {
            let query = Query { text: &draft.rule.query, tree: draft.tree, sources: &draft.sources };
            let parsed = frontend(draft.rule.language).parse(&query, context.as_ref());
            let conditions = parsed.conditions.into_iter();
            predicates += conditions.map(|condition| condition.root.predicates().count()).sum::<usize>();
        }));
        predicates
    };
    files.par_iter().map(parse).sum()
}

/// Every file read, every event of the YAML library taken.
fn events(files: &[PathBuf]) -> usize {
    let events = |file: &PathBuf| {
        let text = std::fs::read_to_string(file).expect("UTF-8");
        granit_parser::Parser::new_from_str(&text).map(black_box).count()
    };
    files.par_iter().map(events).sum()
}

fn yaml_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            yaml_files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "yml") {
            found.push(path);
        }
    }
}

fn main() {
    let Some(spec) = corpus(SourceKind::Rules(Vendor::Sigma)) else { return };
    let mut files = Vec::new();
    yaml_files(&spec.path, &mut files);
    let mut criterion = Criterion::default().configure_from_args().sample_size(20);
    criterion.bench_function("sigma: YAML library alone", |bencher| bencher.iter(|| events(&files)));
    criterion.bench_function("sigma: read and parsed", |bencher| bencher.iter(|| rules(&spec)));
    criterion.final_summary();
    ratio(
        "reading and parsing Sigma / YAML library alone, all threads",
        1.5,
        31,
        || {
            black_box(rules(&spec));
        },
        || {
            black_box(events(&files));
        },
    );
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    ratio(
        "reading and parsing Sigma / YAML library alone, one thread",
        1.5,
        31,
        || {
            black_box(one.install(|| rules(&spec)));
        },
        || {
            black_box(one.install(|| events(&files)));
        },
    );
}
