//! Every query of a vendor's rules made into conditions.

use std::{
    borrow::Cow,
    hint::black_box,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

use criterion::Criterion;
use rayon::prelude::*;
use ruleatlas_benches::{corpus, within};
use ruleatlas_catalog::{frontend, is_query};
use ruleatlas_core::{Context, Query};
use ruleatlas_model::{DataSource, Language, Vendor};
use ruleatlas_sources::{SourceFile, SourceKind, SourceSpec, format_of, read_files};

/// The allocator of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Milliseconds that all queries of a vendor may take.
const BOUND: f64 = 150.0;
/// Rules that the benchmark of our own modules has.
const OURS: usize = 1_000;

/// A query and what its rule says it reads.
struct Written {
    language: Language,
    text: String,
    sources: Vec<DataSource>,
}

fn queries(spec: &SourceSpec, files: &[SourceFile]) -> Vec<Written> {
    let format = format_of(spec.kind.vendor().expect("a kind with rules"), is_query);
    let context = format.context(files);
    let mut found = Vec::new();
    for file in files {
        format.read_in(file, context.as_ref(), &mut |draft| {
            let rule = draft.rule;
            if !rule.query.is_empty() {
                found.push(Written { language: rule.language, text: rule.query, sources: draft.sources });
            }
        });
    }
    found
}

fn parse(queries: &[Written], context: &dyn Context) -> usize {
    /// Modules that were read once are kept by their text: a number behind it makes each new.
    static ROUND: AtomicUsize = AtomicUsize::new(0);
    let round = ROUND.fetch_add(1, Ordering::Relaxed);
    let parse = |(at, written): (usize, &Written)| {
        let text = match written.language {
            Language::Python => Cow::Owned(format!("{}\n# {round} {at}\n", written.text)),
            _ => Cow::Borrowed(written.text.as_str()),
        };
        let query = Query { text: &text, tree: None, sources: &written.sources };
        let parsed = frontend(written.language).parse(&query, context);
        parsed.conditions.into_iter().map(|step| step.root.predicates().count()).sum::<usize>()
    };
    queries.par_iter().enumerate().map(parse).sum()
}

fn measure(criterion: &mut Criterion, name: &str, spec: &SourceSpec, at_least: usize) {
    let files = read_files(spec).expect("the rules can be read");
    let format = format_of(spec.kind.vendor().expect("a kind with rules"), is_query);
    let context = format.context(&files);
    let mut written = queries(spec, &files);
    while written.len() < at_least {
        written.extend(queries(spec, &files));
    }
    let bytes: usize = written.iter().map(|query| query.text.len()).sum();
    println!("{name}: {} queries of {:.1} MB", written.len(), bytes as f64 / 1e6);
    criterion.bench_function(name, |bencher| bencher.iter(|| parse(&written, context.as_ref())));
    within(&format!("{name}, all threads"), BOUND, 31, || {
        black_box(parse(&written, context.as_ref()));
    });
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    within(&format!("{name}, one thread"), BOUND, 31, || {
        black_box(one.install(|| parse(&written, context.as_ref())));
    });
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args().sample_size(10);
    for vendor in Vendor::ALL {
        if let Some(spec) = corpus(SourceKind::Rules(*vendor)) {
            measure(&mut criterion, vendor.name(), &spec, 0);
        }
    }
    // The public corpus holds no modules; ours are few, so they are read again and again.
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/cli/demo/panther");
    measure(
        &mut criterion,
        "panther, modules of ours",
        &SourceSpec::new(SourceKind::Rules(Vendor::Panther), demo),
        OURS,
    );
    match std::env::var_os("RULEATLAS_PANTHER") {
        Some(checkout) => {
            measure(
                &mut criterion,
                "panther, a checkout",
                &SourceSpec::new(SourceKind::Rules(Vendor::Panther), checkout),
                0,
            );
        }
        None => eprintln!("skipped: RULEATLAS_PANTHER names no checkout with modules"),
    }
    criterion.final_summary();
}
