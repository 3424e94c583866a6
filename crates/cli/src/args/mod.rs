mod logs;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use ruleatlas_catalog::{Day, Filters};
use ruleatlas_model::{FoldedOp, Language, ParseStatus, Severity, Status, Vendor};
use ruleatlas_sources::{SourceKind, SourceSpec};
use ruleatlas_taxonomy::{Taxonomy, Term};
use ruleatlas_views::{CompassSort, Gap};

use crate::{
    commands::{diff::Diff, test::Test},
    output::WrongCall,
};

pub use self::logs::{Hits, HitsCommand, HitsMerge, HitsPrune, Hunt, HuntOrder, Logs, Match, RedactWith};

/// An atlas of the world's detection rules.
///
/// Reads public detection rules, parses every query into predicates, and answers for any technique, field or value: what
/// do others look for, what do they exclude, and how common is each check in the whole corpus. Without a command it
/// serves the catalog; where there is none yet, one of the demo corpus.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub struct Arguments {
    /// The catalog; by default in the user's data folder.
    #[arg(long, global = true, value_name = "FILE")]
    pub db: Option<PathBuf>,
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Build the catalog from folders of rules.
    Build(Build),
    /// Fetch or update the public corpora with git, then build.
    Sync(Sync),
    /// Serve the catalog as a web site.
    Serve(Serve),
    /// Write the whole site as files for any web host.
    Site(Site),
    /// What the rules of a technique read, filter, look for and exclude.
    Technique(Technique),
    /// The control playbook of a technique, Markdown: what to put in place, what detects it, how to test it.
    Playbook(Playbook),
    /// Every technique with its countermeasures, rules and tests by source, and what lacks.
    Controls(Controls),
    /// Where one stands against groups, software and campaigns.
    Align(Align),
    /// A rule with its predicates, indicators and exclusions.
    Rule(Rule),
    /// Who checks a value of a field.
    Indicator(Indicator),
    /// A field: what every vendor calls it, and how it is checked.
    Field(Field),
    /// An event: what it holds, what turns it on, and the rules that read it.
    Event(Event),
    /// What the telemetry you have lets you detect, and which event to collect next.
    Coverage(Coverage),
    /// Find techniques, rules, fields, values and events.
    Search(Search),
    /// Write the catalog's rows for other programs.
    Export(Export),
    /// Which rules a test, or a command line, would fire; nothing is run.
    Test(Test),
    /// What changed between two catalogs: rules added, removed, and with another logic.
    Diff(Diff),
    /// The parse ledger: every file and every rule accounted for.
    Doctor(Doctor),
    /// Does a rule's condition hold on these events?
    Match(Match),
    /// Run rules of every vendor on log files.
    Hunt(Hunt),
    /// Put files of hits together, or take old hits out of one.
    Hits(Hits),
    /// Hold draft rules against the catalog: what is broken, noisy, missing, unsafe or already there.
    Check(Check),
    /// The rules of every vendor that are most like a rule, and how each relates to it.
    Similar(Similar),
    /// Write a rule in another query language, and prove on events that it means the same.
    Convert(Convert),
    /// What is in log files: kinds of events, time span, hosts, shapes, fields.
    Logs(Logs),
    /// Show what a query or rule is parsed into.
    Parse(Parse),
    /// Write the completions of a shell to standard output.
    Completions(Completions),
    /// Write the manual page to standard output, or the pages of all commands to a folder.
    Man(Man),
}

#[derive(Debug, Args)]
pub struct Completions {
    /// The shell to write completions for.
    pub shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub struct Man {
    /// Write one page per command to this folder, which is created if needed.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Build {
    /// A folder of rules, as KIND=PATH; may be given several times. Without any, the corpora that `sync` fetched.
    #[arg(long = "source", value_name = "KIND=PATH")]
    pub sources: Vec<SourceSpec>,
    /// Build the embedded demo corpus.
    #[arg(long, conflicts_with = "sources")]
    pub demo: bool,
    /// Fail when a rule does not parse as a whole, or a source gives nothing.
    #[arg(long)]
    pub strict: bool,
    /// Replace the catalog even if a source gives nothing, or less than half of what the catalog has from it.
    #[arg(long)]
    pub accept_loss: bool,
}

#[derive(Debug, Args)]
pub struct Sync {
    /// Only sources of these kinds.
    #[arg(value_name = "KIND")]
    pub kinds: Vec<SourceKind>,
    /// A table of further sources; by default `sources.toml` in the user's configuration folder.
    #[arg(long, value_name = "FILE")]
    pub sources: Option<PathBuf>,
    /// Where the corpora are kept; by default the user's data folder.
    #[arg(long, value_name = "DIR")]
    pub into: Option<PathBuf>,
    /// Leave the program's own table of sources out.
    #[arg(long)]
    pub only_own: bool,
    /// Replace the catalog even if a source gives nothing, or less than half of what the catalog has from it.
    #[arg(long)]
    pub accept_loss: bool,
}

#[derive(Debug, Args)]
pub struct Serve {
    /// The address to listen on.
    #[arg(long, default_value = "127.0.0.1:7071", value_name = "HOST:PORT")]
    pub addr: std::net::SocketAddr,
    /// Let scripts of another site read the API: its origin, as `https://example.org`, or `*` for any.
    #[arg(long, value_name = "ORIGIN")]
    pub cors: Option<String>,
    /// Answer to this host name too, as behind a proxy; may be given several times. On a loopback address the server
    /// answers to loopback names and these only, elsewhere to every name unless this says which.
    #[arg(long = "allowed-host", value_name = "NAME")]
    pub allowed_hosts: Vec<String>,
    /// Show what `ruleatlas hunt LOGS --save FILE` found beside the catalog's own numbers. The file holds log data.
    #[arg(long, value_name = "FILE")]
    pub hits: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Site {
    /// The folder: a new one, an empty one, or one that an earlier run wrote.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Where the site will stand on its host, when not at the root.
    #[arg(long, value_name = "/PATH", default_value = "", hide_default_value = true)]
    pub base: String,
}

/// Which rules count.
#[derive(Clone, Debug, Args)]
pub struct FilterArgs {
    /// Only rules of this vendor.
    #[arg(long = "vendor", value_name = "V")]
    vendors: Vec<Vendor>,
    /// Only rules for this platform.
    #[arg(long = "platform", value_name = "P")]
    platforms: Vec<String>,
    /// Only rules for this domain.
    #[arg(long = "domain", value_name = "D")]
    domains: Vec<String>,
    /// Only rules of this severity.
    #[arg(long = "severity", value_name = "S")]
    severities: Vec<Severity>,
    /// Only rules of this status; `deprecated` and `unsupported` count only when named here.
    #[arg(long = "status", value_name = "S")]
    statuses: Vec<Status>,
    /// Only rules of this parse status.
    #[arg(long = "parse", value_name = "P")]
    parse: Vec<ParseStatus>,
    /// Only rules changed (or written, where no change is said) on this day or later, as YYYY-MM-DD.
    #[arg(long, value_name = "DAY")]
    since: Option<Day>,
    /// Only rules changed on this day or before.
    #[arg(long, value_name = "DAY")]
    until: Option<Day>,
}

impl FilterArgs {
    /// The filters, their platforms and domains of the taxonomy's closed lists.
    pub fn filters(&self, taxonomy: &Taxonomy) -> Result<Filters, WrongCall> {
        Ok(Filters {
            vendors: self.vendors.clone(),
            platforms: known("platform", &self.platforms, taxonomy.platforms())?,
            domains: known("domain", &self.domains, taxonomy.domains())?,
            severities: self.severities.clone(),
            statuses: self.statuses.clone(),
            parse: self.parse.clone(),
            since: self.since.clone(),
            until: self.until.clone(),
        })
    }
}

/// The names as the closed list spells them: one that is of none would only ever find nothing.
fn known(what: &str, names: &[String], terms: &[Term]) -> Result<Vec<String>, WrongCall> {
    let term = |name: &String| {
        let name = name.to_lowercase();
        if terms.iter().any(|term| term.name == name) {
            return Ok(name);
        }
        let all: Vec<&str> = terms.iter().map(|term| term.name.as_str()).collect();
        Err(WrongCall(format!("there is no {what} `{name}`; there are {}", all.join(", "))))
    };
    names.iter().map(term).collect()
}

#[derive(Debug, Args)]
pub struct Technique {
    /// An ATT&CK id of any version (`T1071`, `T1071.001`), or a technique's name.
    pub technique: String,
    /// Leave the rules of sub-techniques out.
    #[arg(long)]
    pub no_subtechniques: bool,
    #[command(flatten)]
    pub filters: FilterArgs,
    /// Order a table, as in `indicators.distinctiveness` (what is checked more often here than elsewhere comes first);
    /// `.reversed` behind it turns it round.
    #[arg(long = "sort", value_name = "TABLE.COLUMN")]
    pub orders: Vec<ruleatlas_views::Order>,
    /// At most this many rows a table.
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Write JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Playbook {
    /// An ATT&CK id of any version, or a technique's name.
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub technique: Option<String>,
    /// One playbook a technique, each in a file of its own (`T1071.md`).
    #[arg(long, requires = "out", conflicts_with = "json")]
    pub all: bool,
    /// Write to this file; with `--all` into this folder.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Write JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Controls {
    /// Only techniques with this gap: `no-rule`, `one-vendor`, `no-test` or `tested-only`; with several, those that have all.
    #[arg(long = "gap", value_name = "GAP")]
    pub gaps: Vec<Gap>,
    /// Only techniques of this tactic, by id or name.
    #[arg(long = "tactic", value_name = "TACTIC")]
    pub tactics: Vec<String>,
    /// Only techniques of this platform, as ATT&CK calls it.
    #[arg(long = "platform", value_name = "P")]
    pub platforms: Vec<String>,
    /// Only techniques of this matrix.
    #[arg(long, value_name = "MATRIX")]
    pub matrix: Option<Matrix>,
    /// Only techniques that can be validated (`yes`: detected and tested), or cannot (`no`).
    #[arg(long, value_name = "YES|NO")]
    pub validated: Option<YesNo>,
    /// By `name`, a source's short name, `policy`, `detection` or `test`; the most first. By matrix and id where it is
    /// not given.
    #[arg(long, value_name = "COLUMN")]
    pub sort: Option<CompassSort>,
    /// The other way round.
    #[arg(long)]
    pub reverse: bool,
    /// At most this many techniques.
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Write JSON.
    #[arg(long, conflicts_with = "csv")]
    pub json: bool,
    /// Write comma-separated values. A cell that begins with `=`, `+`, `-` or `@` and is not a number gets an apostrophe in
    /// front, so that no spreadsheet runs it.
    #[arg(long)]
    pub csv: bool,
    /// Leave such cells as they are.
    #[arg(long, requires = "csv")]
    pub raw: bool,
}

/// A matrix of ATT&CK.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Matrix {
    /// Enterprise.
    Enterprise,
    /// Mobile.
    Mobile,
    /// Industrial control systems.
    Ics,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum YesNo {
    /// Yes.
    Yes,
    /// No.
    No,
}

#[derive(Debug, Args)]
pub struct Align {
    /// A group that threatens, by id, name or alias.
    #[arg(long = "group", value_name = "G")]
    pub groups: Vec<String>,
    /// Software that threatens, by id, name or alias.
    #[arg(long = "software", value_name = "S")]
    pub software: Vec<String>,
    /// A campaign, by id, name or alias.
    #[arg(long = "campaign", value_name = "C")]
    pub campaigns: Vec<String>,
    /// A layer of the ATT&CK Navigator, format 4.x, as a threat of its own.
    #[arg(long = "layer", value_name = "FILE")]
    pub layers: Vec<PathBuf>,
    /// The telemetry that is collected, as `coverage` reads it; rules that it cannot feed do not count. `--have` is an alias.
    #[arg(long, alias = "have", value_name = "FILE|FOLDER")]
    pub telemetry: Option<PathBuf>,
    /// At most this many techniques.
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Write a layer of the ATT&CK Navigator to this file besides.
    #[arg(long, value_name = "FILE")]
    pub out_layer: Option<PathBuf>,
    /// Write JSON.
    #[arg(long, conflicts_with = "markdown")]
    pub json: bool,
    /// Write a report in Markdown.
    #[arg(long)]
    pub markdown: bool,
}

#[derive(Debug, Args)]
pub struct Rule {
    /// The rule's id, with or without `vendor/`.
    pub id: String,
    /// Write JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Indicator {
    /// The field, by any vendor's name.
    pub field: String,
    /// The operator (`eq`, `contains`, `ends_with`, `basename`, …).
    pub op: FoldedOp,
    /// The value; for `is_null` and `is_not_null` none.
    #[arg(default_value = "", hide_default_value = true, allow_hyphen_values = true)]
    pub value: String,
    /// Write JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Field {
    /// The field, by any vendor's name.
    pub name: String,
    /// At most this many rows a table.
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Write JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Event {
    /// The provider (`Sysmon`, `Microsoft-Windows-Sysmon`), or a Windows channel (`Security`).
    pub provider: String,
    /// The id (`1`, `ConsoleLogin`).
    pub id: String,
    #[command(flatten)]
    pub filters: FilterArgs,
    /// At most this many rows a table.
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Write JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Coverage {
    /// A Sysmon configuration, the output of `auditpol /get /category:* /r`, a DeTT&CT data source administration, lines of
    /// `Provider,EventID`, or a folder of logs, which says what was collected. `--have` is an alias.
    #[arg(long, alias = "have", value_name = "FILE|FOLDER")]
    pub telemetry: PathBuf,
    #[command(flatten)]
    pub filters: FilterArgs,
    /// Write a layer of the ATT&CK Navigator to this file.
    #[arg(long, value_name = "FILE")]
    pub layer: Option<PathBuf>,
    /// At most this many rows of the next best events.
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Write JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Search {
    /// What to look for; words that begin with a hyphen behind `--`.
    #[arg(required = true, num_args = 1..)]
    pub text: Vec<String>,
    /// At most this many rows of a kind.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub limit: usize,
    /// Write JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ExportKind {
    /// Every rule.
    Rules,
    /// Every technique, with its number of rules.
    Techniques,
    /// Every event that a rule reads.
    Events,
    /// Every field that a rule filters: its names at vendors and in OCSF, ECS, UDM, ASIM and CIM, the events that carry it,
    /// and how many rules write which name (CC0-1.0).
    Fields,
    /// Every indicator, with its corpus reach.
    Indicators,
    /// Every exclusion, with its corpus reach.
    Exclusions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One JSON object a line.
    Jsonl,
    /// Comma-separated values with a header.
    Csv,
}

#[derive(Debug, Args)]
pub struct Export {
    /// What to write.
    pub what: ExportKind,
    /// How to write it. In CSV a cell that begins with `=`, `+`, `-` or `@` and is not a number gets an apostrophe in front,
    /// so that no spreadsheet runs it.
    #[arg(long, default_value = "jsonl")]
    pub format: Format,
    /// Leave such cells as they are.
    #[arg(long)]
    pub raw: bool,
}

#[derive(Debug, Args)]
pub struct Doctor {
    /// Write JSON.
    #[arg(long)]
    pub json: bool,
    /// Write the numbers as Markdown.
    #[arg(long, conflicts_with = "json")]
    pub markdown: bool,
    /// At most this many faults.
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
}

#[derive(Debug, Args)]
pub struct Check {
    /// Rules or queries in any format that the catalog reads, or folders of them; `-` is standard input.
    #[arg(value_name = "FILE|FOLDER", required = true)]
    pub paths: Vec<PathBuf>,
    /// The language of the files, where their endings do not say it.
    #[arg(long, value_name = "LANGUAGE", value_parser = Language::by_name)]
    pub language: Option<Language>,
    /// How to write the findings.
    #[arg(long, default_value = "text")]
    pub format: CheckFormat,
    /// The same as `--format json`.
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
    /// The level from which on a finding makes the exit status 1.
    #[arg(long, value_name = "LEVEL", default_value = "error")]
    pub fail_on: FailOn,
    /// A configuration: codes to ignore, and their levels.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Hits that `ruleatlas hunt LOGS --save FILE` wrote: what drafts would have hit, and exclusions by what they remove.
    #[arg(long, value_name = "FILE")]
    pub hits: Option<PathBuf>,
}

/// How findings are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CheckFormat {
    /// For people, with the lines of the rule.
    Text,
    /// A JSON list.
    Json,
    /// SARIF 2.1.0, for code hosts.
    Sarif,
}

/// A level of findings, or that none counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Every finding.
    Note,
    /// Warnings and errors.
    Warning,
    /// Errors.
    Error,
    /// None.
    Never,
}

#[derive(Debug, Args)]
pub struct Similar {
    /// A rule's id in the catalog, or a file with a rule or a query.
    #[arg(value_name = "ID|FILE")]
    pub rule: String,
    /// Only rules of this vendor; may be given several times. Without it, rules of other vendors stand first, then half as
    /// many of the rule's own.
    #[arg(long = "vendor", value_name = "V")]
    pub vendors: Vec<Vendor>,
    /// The language of the file, where its ending does not say it.
    #[arg(long, value_name = "LANGUAGE", value_parser = Language::by_name)]
    pub language: Option<Language>,
    /// At most this many rules.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub limit: usize,
    /// Write JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Convert {
    /// A rule's id in the catalog, or a file with a rule or a query.
    #[arg(value_name = "ID|FILE")]
    pub rule: String,
    /// The language: `sigma`, `eql`, `kuery`, `esql`, `spl` or `kusto`.
    #[arg(long, value_name = "LANGUAGE", value_parser = Language::by_name)]
    pub to: Language,
    /// Names of fields in that language, a TOML file with a line a field: `CommandLine = "process.command_line"`. A field is
    /// given by the rule's own name or the canonical one.
    #[arg(long, value_name = "FILE")]
    pub fields: Option<PathBuf>,
    /// The language of the file, where its ending does not say it.
    #[arg(long, value_name = "LANGUAGE", value_parser = Language::by_name)]
    pub language: Option<Language>,
    /// Write to this file.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Write JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Parse {
    /// The query's language.
    #[arg(long, value_name = "LANGUAGE", value_parser = Language::by_name)]
    pub language: Language,
    /// A file with one query or rule; by default standard input.
    pub file: Option<PathBuf>,
}
