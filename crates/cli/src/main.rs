//! The command line: arguments, progress, exit status.

mod args;
mod commands;
mod demo;
mod output;
mod paths;
mod progress;
mod table;

use std::process::ExitCode;

use clap::Parser;

use crate::{
    args::{Arguments, Command},
    commands::{build, doctor, export, look, matching, parse, serve, sync},
};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(code) => code,
        // A reader that has seen enough (`| head`) is no failure.
        Err(error) if output::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            anstream::eprintln!("ruleatlas: {error:#}");
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
        Some(Command::Technique(options)) => look::technique(&options, db.as_deref()),
        Some(Command::Rule(options)) => look::rule(&options, db.as_deref()),
        Some(Command::Indicator(options)) => look::indicator(&options, db.as_deref()),
        Some(Command::Field(options)) => look::field(&options, db.as_deref()),
        Some(Command::Search(options)) => look::search(&options, db.as_deref()),
        Some(Command::Export(options)) => export::run(&options, db.as_deref()),
        Some(Command::Doctor(options)) => doctor::run(&options, db.as_deref()),
        Some(Command::Match(options)) => matching::run(&options, db.as_deref()),
        Some(Command::Parse(options)) => parse::run(&options),
    }
}
