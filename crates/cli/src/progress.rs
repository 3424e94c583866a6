use std::{
    io::IsTerminal as _,
    sync::Mutex,
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

/// Progress through records whose number is not known before: how many, and how fast.
pub struct Records {
    begun: Instant,
    done: u64,
    last_shown: Instant,
    bar: Option<ProgressBar>,
}

impl Records {
    pub fn begin() -> Self {
        let begun = Instant::now();
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
            if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} records  {per_sec}  {elapsed}") {
                bar.set_style(style);
            }
            bar
        });
        Self { begun, done: 0, last_shown: begun, bar }
    }

    pub fn add(&mut self, records: usize) {
        self.done += records as u64;
        let elapsed = self.begun.elapsed();
        if elapsed < MIN_DURATION_SHOWN {
            return;
        }
        match &self.bar {
            Some(bar) => {
                if bar.is_hidden() {
                    bar.set_draw_target(ProgressDrawTarget::stderr());
                }
                bar.set_position(self.done);
            }
            None if self.last_shown.elapsed() >= LINE_EVERY => {
                self.last_shown = Instant::now();
                let per_second = self.done as f64 / elapsed.as_secs_f64();
                output::say(format_args!("{} records, {per_second:.0} a second", self.done));
            }
            None => {}
        }
    }
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
