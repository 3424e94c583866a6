//! Queries and files of every shape in three sizes: twice the text is to take less than 2.3 times as long.
//!
//! The shapes are those of the catalog's test of the same name, which counts work, nodes and bytes rather than time. The sizes
//! here are larger. Those whose parts are multiplied grow faster up to what a rule may cost; they are marked.

#[path = "../crates/catalog/tests/cost/families.rs"]
mod families;

use std::time::{Duration, Instant};

use ruleatlas_catalog::{Loaded, build, frontend};
use ruleatlas_core::{NoContext, Query};
use ruleatlas_sources::{SourceFile, SourceSpec};

use families::{FILES, Files, MULTIPLIED, QUERIES, Queries};

/// The allocator of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How much longer twice the text may take.
const BOUND: f64 = 2.3;
/// How many times larger the sizes are than those of the test.
const SCALE: usize = 16;
/// Shorter times say nothing.
const SHORTEST: Duration = Duration::from_millis(5);
/// The shortest of so many rounds counts.
const ROUNDS: usize = 3;

fn query(queries: &Queries, size: usize) -> (usize, Duration) {
    let text = (queries.text)(size);
    let frontend = frontend(queries.language);
    let round = || {
        let start = Instant::now();
        std::hint::black_box(frontend.parse(&Query::new(&text), &NoContext));
        start.elapsed()
    };
    (text.len(), (0..ROUNDS).map(|_| round()).min().unwrap_or_default())
}

fn built(files: &Files, size: usize) -> (usize, Duration) {
    let made = (files.files)(size);
    let length = made.iter().map(|(_, text)| text.len()).sum();
    let read = made.into_iter().map(|(path, text)| SourceFile::from_bytes(path, text.into_bytes())).collect();
    let loaded = Loaded { spec: SourceSpec::new(files.kind, "source"), files: read };
    let round = || {
        let sources = vec![loaded.clone()];
        let start = Instant::now();
        std::hint::black_box(build(sources, &|_, _, _, _| {})).ok();
        start.elapsed()
    };
    (length, (0..ROUNDS).map(|_| round()).min().unwrap_or_default())
}

fn say(name: &str, measured: [(usize, Duration); 3]) {
    let mut note = "";
    for pair in measured.windows(2) {
        let [(less, before), (more, after)] = pair else { continue };
        let text = *more as f64 / *less as f64;
        let ratio = after.as_secs_f64() / before.as_secs_f64().max(1e-9);
        if *after > SHORTEST && ratio > BOUND * (text / 2.0).max(1.0) {
            note = if MULTIPLIED.contains(&name) { " (multiplied)" } else { " MORE THAN THE BOUND" };
        }
    }
    let shown: Vec<String> =
        measured.iter().map(|(bytes, time)| format!("{bytes} B {:.1} ms", time.as_secs_f64() * 1e3)).collect();
    println!("{name}: {}{note}", shown.join(", "));
}

fn main() {
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    for queries in QUERIES {
        let name = format!("{} {}", queries.language, queries.name);
        if name.contains(&wanted) {
            say(&name, [1, 2, 4].map(|times| query(queries, times * SCALE * queries.size)));
        }
    }
    for files in FILES {
        let name = format!("{} {}", files.kind.name(), files.name);
        if name.contains(&wanted) {
            say(&name, [1, 2, 4].map(|times| built(files, times * SCALE * files.size)));
        }
    }
}
