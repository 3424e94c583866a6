//! Builds the whole catalog in parallel, indexes it, and answers any scope with its guide.
//!
//! [`build`] reads sources, lets the front ends parse every query, asks the taxonomy what names mean, and gives a
//! [`Catalog`]: every rule with its predicates and indicators, and a ledger of every file. An [`Index`] over it answers
//! a [`Scope`] (a technique, an event, a field, filters) with a [`Guide`]: what is filtered most, what is looked for,
//! what is excluded, and how common each check is in the whole corpus.
//!
//! It knows no SQL, no HTTP and no terminal.

mod analysis;
mod build;
mod controls;
mod day;
mod distinct;
mod duplicates;
mod entry;
mod events;
mod facet;
mod frontends;
mod guide;
mod index;
mod index_builder;
mod ledger;
mod lookups;
mod rule_file;
mod scope;
mod spelling;
mod tags;
mod unit_tests;

pub use analysis::{ANALYSIS_VERSION, DEMO_DIGEST, fingerprint};
pub use build::{BuildError, Catalog, Loaded, Progress, SourceInfo, Stage, build};
pub use controls::{ControlSourceInfo, Controls};
pub use day::Day;
pub use distinct::Distinctiveness;
pub use entry::{Entry, FoldedRow, PredicateRow};
pub use events::{EventCatalog, NamedByAttack};
pub use facet::Facet;
pub use frontends::{frontend, is_query};
pub use guide::{EventRow, FieldRow, Guide, IndicatorRow, Part, RuleCount, SharedRow};
pub use index::{Head, Index, IndexData, IndicatorId, RuleId};
pub use ledger::{
    FileRecord, Ledger, LedgerContradiction, LedgerDisagreement, LedgerFault, LedgerRecognition, LedgerSource,
    LedgerTests, UNKNOWN_SOURCE, UnreadQuery,
};
pub use rule_file::{RuleFileError, RuleFiles, rules_of_file};
pub use ruleatlas_core::{Token, TokenKind};
pub use scope::{Filters, Scope};
pub use unit_tests::{UnitTest, brings_unit_tests, unit_tests};
