use std::{
    io::IsTerminal as _,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use ruleatlas_catalog::Stage;

use crate::output;

/// Work shorter than this shows no progress.
const MIN_DURATION_SHOWN: Duration = Duration::from_millis(500);
/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Progress on standard error: a bar on a terminal, now and then a line elsewhere.
pub struct Report {
    begun: Instant,
    bar: Option<ProgressBar>,
    last_line: Mutex<Instant>,
}

impl Report {
    pub fn new() -> Self {
        let begun = Instant::now();
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden());
            if let Ok(style) = ProgressStyle::with_template("{msg:24} {bar:30} {pos}/{len} files  {eta} left") {
                bar.set_style(style);
            }
            bar
        });
        Self { begun, bar, last_line: Mutex::new(begun) }
    }

    pub fn tell(&self, stage: Stage, source: &str, done: usize, total: usize) {
        let what = match stage {
            Stage::Read => format!("reading {source}"),
            Stage::Parse => format!("parsing {source}"),
            Stage::Count => "counting".to_owned(),
            Stage::Write => "writing the catalog".to_owned(),
        };
        self.step(what, done, total);
    }

    /// Shows how much of a piece of work is done.
    pub fn step(&self, what: String, done: usize, total: usize) {
        if self.begun.elapsed() < MIN_DURATION_SHOWN {
            return;
        }
        match &self.bar {
            Some(bar) => {
                if bar.is_hidden() {
                    bar.set_draw_target(ProgressDrawTarget::stderr());
                }
                bar.set_length(total as u64);
                bar.set_position(done as u64);
                bar.set_message(what);
            }
            None => {
                let Ok(mut last) = self.last_line.lock() else { return };
                if last.elapsed() >= LINE_EVERY {
                    *last = Instant::now();
                    output::say(format_args!("{what}: {done} of {total}"));
                }
            }
        }
    }
}

/// Progress through logs: how many records, how fast, and how long the rest takes, by the bytes of the files.
pub struct Records {
    begun: Instant,
    done: u64,
    /// Bytes that were read, and all bytes; `None` where these are not known.
    bytes: (Arc<AtomicU64>, Option<u64>),
    last_shown: Instant,
    bar: Option<ProgressBar>,
}

impl Records {
    pub fn begin(read: Arc<AtomicU64>, all: Option<u64>) -> Self {
        let begun = Instant::now();
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(all, ProgressDrawTarget::hidden());
            let template = match all {
                Some(_) => "{bar:30} {percent}%  {msg}  {eta} left",
                None => "{spinner} {msg}  {elapsed}",
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar
        });
        Self { begun, done: 0, bytes: (read, all), last_shown: begun, bar }
    }

    pub fn add(&mut self, records: usize) {
        self.done += records as u64;
        let elapsed = self.begun.elapsed();
        if elapsed < MIN_DURATION_SHOWN {
            return;
        }
        let per_second = self.done as f64 / elapsed.as_secs_f64();
        let message = format!("{} records, {per_second:.0} a second", self.done);
        let read = self.bytes.0.load(Ordering::Relaxed);
        match &self.bar {
            Some(bar) => {
                if bar.is_hidden() {
                    bar.set_draw_target(ProgressDrawTarget::stderr());
                }
                bar.set_message(message);
                match self.bytes.1 {
                    Some(_) => bar.set_position(read),
                    None => bar.tick(),
                }
            }
            None if self.last_shown.elapsed() >= LINE_EVERY => {
                self.last_shown = Instant::now();
                let left = self.bytes.1.and_then(|all| seconds_left(elapsed, read, all));
                let left = left.map(|seconds| format!(", {seconds} seconds left")).unwrap_or_default();
                output::say(format_args!("{message}{left}"));
            }
            None => {}
        }
    }
}

/// How long the rest takes if it goes on as before.
fn seconds_left(elapsed: Duration, done: u64, all: u64) -> Option<u64> {
    let rest = all.checked_sub(done).filter(|_| done > 0)?;
    Some((elapsed.as_secs_f64() * rest as f64 / done as f64).ceil() as u64)
}

impl Drop for Records {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::seconds_left;

    #[test]
    fn the_rest_takes_as_long_as_what_is_done_took_a_byte() {
        let ten = Duration::from_secs(10);
        assert_eq!(seconds_left(ten, 100, 300), Some(20));
        assert_eq!(seconds_left(ten, 300, 300), Some(0));
        assert_eq!((seconds_left(ten, 0, 300), seconds_left(ten, 301, 300)), (None, None));
    }
}
