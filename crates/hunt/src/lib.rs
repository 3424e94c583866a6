//! Runs rules of every vendor on the events of logs, and counts.
//!
//! A [`Hunter`] holds the rules, ready to run. It is shared by any number of threads, each of which has a [`Worker`]: that
//! examines events one by one, hands every hit to the caller, and counts. The counts of several workers are added up, and
//! their sum does not depend on who saw which event.
//!
//! Which rules are asked of an event is decided by what the event means ([`EventKind`](ruleatlas_events::EventKind)), not by
//! the product that wrote it; names are compared through canonical fields. What a rule says of an event is decided by the
//! crate `evaluate`.
//!
//! ```
//! use ruleatlas_events::{Reader, Shapes};
//! use ruleatlas_hunt::{Hunter, Options, Place};
//! use ruleatlas_model::{Condition, DataSource, Language, Node, Op, ParseStatus, Predicate, Rule, SourceKind, Vendor};
//!
//! let shell = Node::from(Predicate::new("process.name", Op::Eq, ["probe.exe"]));
//! let sources = vec![DataSource::new(SourceKind::EventCategory, "process")];
//! let mut rule = Rule::blank(Vendor::Elastic, Language::Eql, "a.toml");
//! (rule.id, rule.parse) = ("elastic/a".to_owned(), ParseStatus::Full);
//! rule.conditions = vec![Condition { sources, ..Condition::new(shell) }];
//! let hunter = Hunter::new(vec![rule], Options::default());
//!
//! let log = br#"{"EventID": 1, "SourceName": "Microsoft-Windows-Sysmon", "Image": "C:\\Tools\\probe.exe"}"#;
//! let mut worker = hunter.worker();
//! let mut hits = Vec::new();
//! Reader::default().read_bytes("log.json", log, &mut |item| {
//!     if let Ok(record) = item {
//!         let place = Place { file: &record.file, record: record.number };
//!         Shapes::builtin().events(record.value, None, &mut |event| worker.examine(event, place, &mut |found| hits.push(found)));
//!     }
//!     true
//! });
//! assert_eq!(hits.len(), 1);
//! ```

mod base;
mod decide;
mod engine;
mod explain;
mod folded;
mod hit;
mod report;
mod rule;
mod run;
mod select;
mod sorted;
mod stateful;
mod tally;
mod worker;

pub use engine::{Hunter, Options, Place};
pub use explain::{FailedComparison, Miss};
pub use hit::{EventPlace, Found, Hit, Matched};
pub use report::{
    CountedEvents, FileCount, IndicatorCount, KindCount, NotRun, Report, RuleCount, UnknownCount, UnknownReason,
};
pub use rule::Runs;
pub use run::{RunItem, RunOptions, run};
pub use sorted::StepHit;
pub use tally::Tally;
pub use worker::Worker;
