//! The command line: arguments, progress, exit status.

// These panic where the stream cannot be written; `output` writes.
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod args;
mod commands;
mod demo;
mod lists;
mod log_summary;
mod losses;
mod markdown;
mod output;
mod paths;
mod progress;
mod signals;
mod standard_input;
mod table;

use std::process::ExitCode;

use clap::Parser;

use crate::{
    args::{Arguments, Command},
    commands::{
        align, build, check, command_line, controls, convert, coverage, diff, doctor, event, export, field, hits, hunt,
        indicator, logs, matching, parse, playbook, rule, search, serve, similar, site, sync, technique, test,
    },
};

/// A build makes millions of small texts on all threads; the system's allocator takes a quarter of its time for them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    signals::fail_large_writes();
    match run(arguments) {
        Ok(code) => code,
        // A reader that has seen enough (`| head`) is no failure.
        Err(error) if output::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::say(format_args!("ruleatlas: {error:#}"));
            if signals::was_file_too_large() {
                output::say(format_args!(
                    "a file reached the largest size that this system allows; `ulimit -f` shows it"
                ));
            }
            ExitCode::from(if error.is::<output::WrongCall>() { 2 } else { 1 })
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let db = arguments.db;
    match arguments.command {
        None => serve::first_run(db.as_deref()),
        Some(Command::Build(options)) => build::run(&options, db.as_deref()),
        Some(Command::Sync(options)) => sync::run(&options, db.as_deref()),
        Some(Command::Serve(options)) => serve::run(&options, db.as_deref()),
        Some(Command::Site(options)) => site::run(&options, db.as_deref()),
        Some(Command::Technique(options)) => technique::run(&options, db.as_deref()),
        Some(Command::Playbook(options)) => playbook::run(&options, db.as_deref()),
        Some(Command::Controls(options)) => controls::run(&options, db.as_deref()),
        Some(Command::Align(options)) => align::run(&options, db.as_deref()),
        Some(Command::Rule(options)) => rule::run(&options, db.as_deref()),
        Some(Command::Indicator(options)) => indicator::run(&options, db.as_deref()),
        Some(Command::Field(options)) => field::run(&options, db.as_deref()),
        Some(Command::Event(options)) => event::run(&options, db.as_deref()),
        Some(Command::Coverage(options)) => coverage::run(&options, db.as_deref()),
        Some(Command::Search(options)) => search::run(&options, db.as_deref()),
        Some(Command::Export(options)) => export::run(&options, db.as_deref()),
        Some(Command::Test(options)) => test::run(&options, db.as_deref()),
        Some(Command::Diff(options)) => diff::run(&options, db.as_deref()),
        Some(Command::Doctor(options)) => doctor::run(&options, db.as_deref()),
        Some(Command::Match(options)) => matching::run(&options, db.as_deref()),
        Some(Command::Hunt(options)) => hunt::run(&options, db.as_deref()),
        Some(Command::Hits(options)) => hits::run(&options),
        Some(Command::Check(options)) => check::run(&options, db.as_deref()),
        Some(Command::Similar(options)) => similar::run(&options, db.as_deref()),
        Some(Command::Convert(options)) => convert::run(&options, db.as_deref()),
        Some(Command::Logs(options)) => logs::run(&options),
        Some(Command::Parse(options)) => parse::run(&options),
        Some(Command::Completions(options)) => command_line::completions(&options),
        Some(Command::Man(options)) => command_line::man(&options),
    }
}
