//! The rules that are most like one, and a rule in other languages, with a catalog that is open.

use std::time::{Duration, Instant};

use ruleatlas_benches::{open_catalog, read_corpora};
use ruleatlas_convert::{Options, Target, write as write_query};
use ruleatlas_model::Rule;

/// The allocator of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Milliseconds for the similar rules of one rule, their relations with them, and for a query that is written.
const SIMILAR: f64 = 5.0;
const WRITTEN: f64 = 1.0;
/// Rules that are asked for.
const RULES: usize = 400;
const LIMIT: usize = 10;

fn main() {
    let Some(sources) = read_corpora() else { return };
    let (atlas, _folder) = open_catalog(sources);
    atlas.prefetch();

    let heads = atlas.index.heads();
    let step = heads.len().div_ceil(RULES).max(1);
    let times: Vec<Duration> = heads
        .iter()
        .step_by(step)
        .map(|head| {
            let start = Instant::now();
            std::hint::black_box(atlas.similar_rules(&head.id, &[], LIMIT).expect("the rule is there").1.len());
            start.elapsed()
        })
        .collect();
    say("similar rules of one rule", times, SIMILAR);
    let entries =
        (0..).take(heads.len()).step_by(step).filter_map(|rule| atlas.entry(rule).expect("the rule can be read"));
    let rules: Vec<Rule> = entries.map(|entry| entry.rule).collect();
    for target in Target::ALL {
        let times = rules
            .iter()
            .map(|rule| {
                let start = Instant::now();
                let query = write_query(rule, target, &Options::default(), atlas.taxonomy);
                std::hint::black_box(query.map_or(0, |query| query.query().len()));
                start.elapsed()
            })
            .collect();
        say(&format!("a rule in {}", target.title()), times, WRITTEN);
    }
}

/// Says the mean, the median and the 99th of 100 beside a bound on the mean.
fn say(what: &str, mut times: Vec<Duration>, bound: f64) {
    times.sort_unstable();
    let millis = |time: Option<&Duration>| time.map_or(0.0, |time| time.as_secs_f64() * 1000.0);
    let count = u32::try_from(times.len().max(1)).unwrap_or(u32::MAX);
    let mean = millis(Some(&(times.iter().sum::<Duration>() / count)));
    let (median, late) = (millis(times.get(times.len() / 2)), millis(times.get(times.len() * 99 / 100)));
    let verdict = if mean < bound { "within" } else { "ABOVE" };
    println!("{what}: mean {mean:.3} ms ({verdict} {bound} ms), median {median:.3} ms, 99 of 100 {late:.3} ms");
}
