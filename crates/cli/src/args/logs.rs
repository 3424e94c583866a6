//! Arguments of the commands that read logs, and what was found in them.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use ruleatlas_model::{Language, Severity, Vendor};

#[derive(Debug, Args)]
pub struct Match {
    /// A rule's id in the catalog, or a file with rules or a query.
    #[arg(value_name = "ID|FILE")]
    pub rule: String,
    /// Events, in any format that `logs` reads; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    pub event: PathBuf,
    /// Read every event by this shape, as `evtx`, `winlogbeat` or `flat_windows`.
    #[arg(long, value_name = "NAME")]
    pub shape: Option<String>,
    /// The language of the file, where its ending does not say it.
    #[arg(long, value_name = "LANGUAGE", value_parser = Language::by_name)]
    pub language: Option<Language>,
    /// Write JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum HuntOrder {
    /// A row a rule.
    Rule,
    /// A row a technique.
    Technique,
}

/// What becomes of a value that is taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RedactWith {
    /// A keyed hash stands for it.
    Hash,
    /// It is left out.
    Cut,
}

/// Files of hits that `hunt --save` wrote.
#[derive(Debug, Args)]
pub struct Hits {
    #[command(subcommand)]
    pub command: HitsCommand,
}

#[derive(Debug, Subcommand)]
pub enum HitsCommand {
    /// Put the data sets of several files into one.
    Merge(HitsMerge),
    /// Take old hits out of a file; counts stay.
    Prune(HitsPrune),
}

#[derive(Debug, Args)]
pub struct HitsMerge {
    /// Files of hits of the same catalog.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// The file to write.
    #[arg(short, long, value_name = "FILE")]
    pub out: PathBuf,
}

#[derive(Debug, Args)]
pub struct HitsPrune {
    /// A file of hits, which is written anew.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Keep hits of events of so many days before now. Hits without a time are not kept.
    #[arg(long, value_name = "DAYS")]
    pub keep_days: u32,
}

#[derive(Debug, Args)]
pub struct Hunt {
    /// Files and folders: EVTX, JSON in any layout, CSV, XML, Linux audit logs, each also in gzip, zstd or zip; `-` is
    /// standard input.
    #[arg(value_name = "LOGS", required = true)]
    pub logs: Vec<PathBuf>,
    /// Only this rule of the catalog, or the rules of this file or folder; may be given several times.
    #[arg(long = "rule", value_name = "ID|FILE")]
    pub rules: Vec<String>,
    /// Only rules of this technique or its sub-techniques; may be given several times.
    #[arg(long = "technique", value_name = "T")]
    pub techniques: Vec<String>,
    /// Only rules of this vendor; may be given several times.
    #[arg(long = "vendor", value_name = "V")]
    pub vendors: Vec<Vendor>,
    /// Only rules of this severity or above.
    #[arg(long, value_name = "LEVEL")]
    pub severity: Option<Severity>,
    /// Read every record by this shape, as `evtx`, `winlogbeat` or `flat_windows`.
    #[arg(long, value_name = "NAME")]
    pub shape: Option<String>,
    /// Ask every rule about every event, whatever the rule reads.
    #[arg(long)]
    pub any_source: bool,
    /// Compare names as the records write them: no canonical fields, and every rule is asked about every event.
    #[arg(long)]
    pub raw: bool,
    /// What a row of the table is.
    #[arg(long, value_name = "WHAT", default_value = "rule")]
    pub by: HuntOrder,
    /// Write every hit to this file, one JSON object a line.
    #[arg(long, value_name = "FILE")]
    pub jsonl: Option<PathBuf>,
    /// Write the counts of every rule that was asked to this file.
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// Write the techniques with hits as a layer of the ATT&CK Navigator.
    #[arg(long, value_name = "FILE")]
    pub layer: Option<PathBuf>,
    /// Save hits and counts as an SQLite file.
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
    /// What the logs are called in the saved file; by default the name of the first file or folder.
    #[arg(long, value_name = "NAME", requires = "save")]
    pub data_set: Option<String>,
    /// Take the values of these canonical fields out of everything that is written, wherever they stand in a hit; several are
    /// separated by commas. Files are no longer named.
    #[arg(long = "redact", value_name = "FIELD", value_delimiter = ',')]
    pub redacted: Vec<String>,
    /// What becomes of such a value: `hash` writes a hash with a key that is kept nowhere, so that equal values stay equal;
    /// `cut` leaves it out.
    #[arg(long, value_name = "HOW", default_value = "hash", requires = "redacted")]
    pub redact_with: RedactWith,
    /// Leave the events out of hits; `--save` then writes counts only, no hit and no name of a host.
    #[arg(long)]
    pub no_events: bool,
    /// Threads that evaluate; by default one for each processor.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// At most this many rows of a table.
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Write JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Logs {
    /// Files and folders: EVTX, JSON in any layout, CSV, XML, Linux audit logs, each also in gzip, zstd or zip; `-` is
    /// standard input.
    #[arg(value_name = "LOGS", required = true)]
    pub logs: Vec<PathBuf>,
    /// Read every record by this shape, as `evtx`, `winlogbeat` or `flat_windows`.
    #[arg(long, value_name = "NAME")]
    pub shape: Option<String>,
    /// Write the events by canonical field to this file, one JSON object a line, in the order of the logs.
    #[arg(long, value_name = "FILE")]
    pub jsonl: Option<PathBuf>,
    /// Write the events by canonical field to this file as a Parquet table, in the order of provider, event id and time.
    #[arg(long, value_name = "FILE")]
    pub parquet: Option<PathBuf>,
    /// At most this many rows of a table.
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Write JSON.
    #[arg(long)]
    pub json: bool,
}
