//! Decides how two conditions relate, and finds the events that tell them apart.
//!
//! A [`Statement`] is a rule's condition over canonical fields: rules of different vendors, that name a field in
//! different ways, become comparable. [`compare`] says whether one holds wherever the other does:
//!
//! ```
//! use ruleatlas_logic::{Relation, Statement, compare};
//! use ruleatlas_model::{Condition, Node, Op, Predicate, Vendor};
//! use ruleatlas_taxonomy::Taxonomy;
//!
//! let sigma = Condition::new(Node::from(Predicate::new("Image", Op::EndsWith, ["\\cmd.exe"])));
//! let elastic = Condition::new(Node::from(Predicate::new("process.name", Op::In, ["cmd.exe", "powershell.exe"])));
//! let taxonomy = Taxonomy::builtin();
//! let one = Statement::new(Vendor::Sigma, &sigma, taxonomy);
//! let other = Statement::new(Vendor::Elastic, &elastic, taxonomy);
//!
//! let found = compare(&one, &other);
//! assert_eq!(found.relation, Relation::Narrower);
//! // An event that the other selects and this one does not, as the evaluator confirms.
//! let event = found.only_there.ok_or("no witness")?;
//! assert!(event.to_json().to_string().contains("powershell.exe"));
//! # Ok::<(), &str>(())
//! ```
//!
//! An implication is claimed where it is proven, a difference where the evaluator confirms an event that shows it; all
//! else is [`Relation::Undecided`]. Proofs are about values of ASCII text, and take a field to hold one value unless
//! `data/fields.toml` says otherwise, and a path to have a folder before its name. The work is bounded and counted, not
//! timed. Rules of several steps are not compared.

mod boundary;
mod claim;
mod compare;
mod decide;
mod language;
mod pattern;
mod record;
mod sample;
mod source;
mod statement;
mod witness;

pub use boundary::{Boundaries, SlotEvent, SlotId, SlotUse, boundary_events};
pub use claim::Claim;
pub use compare::{Comparison, Relation, Undecided, compare, holds_all};
pub use decide::Proof;
pub use pattern::last_part;
pub use record::Record;
pub use sample::Sample;
pub use source::selects_events;
pub use statement::{Check, Exclusion, Statement};
