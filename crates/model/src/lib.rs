//! The nouns of detection rules: rule, condition, predicate, indicator, technique.
//!
//! Plain types without I/O. Every other crate speaks them; this one knows no other.
//!
//! ```
//! use ruleatlas_model::{Node, Op, Predicate};
//!
//! let check = Predicate::new("Image", Op::EndsWith, ["\\cmd.exe"]);
//! let condition = Node::all([Node::from(check)]);
//! assert_eq!(condition.predicates().count(), 1);
//! ```
//!
//! It does not parse, count or print; the case of texts is folded here, as all that compare them share it.

mod analytic;
mod attack;
mod condition;
mod control;
mod diagnostic;
mod dictionary;
mod event;
mod extra;
mod flat;
mod fold;
mod indicator;
mod language;
mod lookup;
mod modifier;
mod named;
mod op;
mod predicate;
mod role;
mod rule;
mod rule_test;
mod vendor;

pub use analytic::{Analytic, LogSourceReference};
pub use attack::{Attack, AttackDomain, Mitigation, MitigationRef, Redirect, Reference, Tactic, Technique};
pub use condition::{Condition, DataSource, Node, Opaque, SourceKind};
pub use control::{Basis, Control, ControlKind, ControlLink, ControlSource, Threat, ThreatKind};
pub use diagnostic::Diagnostic;
pub use dictionary::{Dictionary, EventCategory, EventDescription, EventEntry, EventField, EventSample, SampleKind};
pub use event::{EventLink, EventRef};
pub use extra::{Extra, MAX_EXTRA_DEPTH};
pub use flat::{Excess, MAX_CONDITION_DEPTH, MAX_CONDITION_NODES};
pub use fold::fold_case;
pub use indicator::{FoldedOp, Indicator};
pub use language::{Language, LanguageInfo};
pub use lookup::{RuleLookup, RuleTable};
pub use modifier::{Modifier, Modifiers};
pub use op::{Op, UnknownOp, WrittenOp};
pub use predicate::{Missing, Predicate};
pub use role::Role;
pub use rule::{
    FaultKind, FileOutcome, Kind, ParseStatus, Resolution, Rule, Severity, Status, TechniqueTag, is_counted,
};
pub use rule_test::RuleTest;
pub use ruleatlas_syntax::{Level, Span};
pub use vendor::{Terms, Vendor, VendorInfo, VendorSet};
