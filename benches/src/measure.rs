//! Corpora, and the ratio of two pieces of work on a machine that does other things besides.

#![allow(dead_code, reason = "each benchmark takes what it needs")]

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use ruleatlas_sources::{SourceKind, SourceSpec};

/// The source of a kind in the folder that `RULEATLAS_CORPORA` names; says so where there is none.
#[must_use]
pub fn corpus(kind: SourceKind) -> Option<SourceSpec> {
    let Some(corpora) = std::env::var_os("RULEATLAS_CORPORA").map(PathBuf::from) else {
        eprintln!("skipped: RULEATLAS_CORPORA names no folder of real rules");
        return None;
    };
    let path = corpora.join(kind.name());
    if !path.is_dir() {
        eprintln!("skipped: {} is not there", path.display());
        return None;
    }
    Some(SourceSpec::new(kind, path))
}

/// Prints how much longer `ours` takes than `theirs`, and the bound.
///
/// Both run by turns, so that a busy moment of the machine falls on both; the shortest time of each counts, which is
/// the one that others disturbed least. Beside it stand the median, and the processor time of all threads and child
/// processes: others disturb that least, and it does not know that threads work side by side.
pub fn ratio(name: &str, bound: f64, rounds: usize, ours: impl FnMut(), theirs: impl FnMut()) {
    ratio_after(name, bound, rounds, || {}, ours, theirs);
}

/// [`ratio`] of work before which something has to be made ready, which takes no time that counts.
pub fn ratio_after(
    name: &str,
    bound: f64,
    rounds: usize,
    mut ready: impl FnMut(),
    mut ours: impl FnMut(),
    mut theirs: impl FnMut(),
) {
    let (mut our_times, mut their_times) = (Vec::new(), Vec::new());
    let (mut our_work, mut their_work) = (0.0, 0.0);
    for _ in 0..rounds {
        ready();
        our_times.push(time(&mut ours, &mut our_work));
        their_times.push(time(&mut theirs, &mut their_work));
    }
    our_times.sort_unstable();
    their_times.sort_unstable();
    let shown =
        |ours: f64, theirs: f64| format!("{:.1} ms / {:.1} ms = {:.2}", ours * 1e3, theirs * 1e3, ours / theirs);
    let of = |at: usize| shown(our_times[at].as_secs_f64(), their_times[at].as_secs_f64());
    let work = shown(our_work / rounds as f64, their_work / rounds as f64);
    println!("{name} (bound {bound}): best {}; median {}; processor {work}", of(0), of(rounds / 2));
}

/// Prints how long `work` takes, and the bound in milliseconds: the shortest time, the median, and the processor time
/// of all threads.
pub fn within(name: &str, bound: f64, rounds: usize, mut work: impl FnMut()) {
    let mut processor = 0.0;
    let mut times: Vec<Duration> = (0..rounds).map(|_| time(&mut work, &mut processor)).collect();
    times.sort_unstable();
    let shown = |at: usize| times[at].as_secs_f64() * 1e3;
    let processor = processor / rounds as f64 * 1e3;
    println!(
        "{name} (bound {bound} ms): best {:.1} ms; median {:.1} ms; processor {processor:.1} ms",
        shown(0),
        shown(rounds / 2)
    );
}

fn time(work: &mut impl FnMut(), processor: &mut f64) -> Duration {
    let (begun, before) = (Instant::now(), processor_time());
    work();
    *processor += processor_time() - before;
    begun.elapsed()
}

/// Seconds of processor time of this process and the children it has waited for; 0 where the system does not say.
fn processor_time() -> f64 {
    /// What the kernel counts in.
    const TICKS: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let behind_the_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = behind_the_name.split_whitespace().skip(11).take(4).filter_map(|ticks| ticks.parse::<f64>().ok());
    ticks.sum::<f64>() / TICKS
}
