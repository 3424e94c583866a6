//! Panther's detections in, conditions out: Python modules read and never run, YAML match expressions, SQL.
//!
//! ```
//! use ruleatlas_core::{Frontend, NoContext, Query, roles};
//! use ruleatlas_model::{ParseStatus, Role};
//! use ruleatlas_panther::Python;
//!
//! let module = r#"
//! ROBOTS = {"ci-bot", "backup"}
//!
//!
//! def rule(event):
//!     if event.get("action") != "repo.destroy":
//!         return False
//!     return event.deep_get("actor", "name", default="") not in ROBOTS
//! "#;
//! let parsed = Python.parse(&Query::new(module), &NoContext);
//! assert_eq!(parsed.status(), ParseStatus::Full);
//! let roles: Vec<(&str, Role)> =
//!     roles(&parsed.conditions).iter().map(|placed| (placed.predicate.raw_field.as_str(), placed.role)).collect();
//! assert_eq!(roles, [("action", Role::Indicator), ("actor.name", Role::Exclusion)]);
//! ```
//!
//! A module's `rule(event)` (or `policy(resource)`, whose violation is the condition) is followed symbolically: every
//! expression is a value as far as it is known without an event, both ways of a choice are taken, functions of the
//! module and of the modules that the context has are followed into, loops over constants are unrolled. What the
//! function returns is the condition. Steps, depth and size are bounded.
//!
//! What is made of what:
//! - `event.get("a", "x")`, `event["a"]["b"]`, `deep_get`, `deep_walk` and `json.loads` of a place are paths in dots;
//!   `event.udm("user")` is `udm:user`. A missing place is its default: so `!=` holds without the field, and what
//!   raises an exception there is null.
//! - A bare place is true in Python's sense, which is `is_not_null` with the modifier `truthy`: there, and neither
//!   empty nor zero nor false. With a boolean default it is `eq true`.
//! - `.lower()` before a comparison takes its case away. `.split("/")[-1] == "x"` is the end `/x` or the whole `x`.
//! - An element of a list in the event is any element; that several checks mean the same element is not kept, and a
//!   note says so. A check of every element is read as one of any, with a note too.
//! - A test of type (`isinstance`) of a place is taken for one of presence, with a note.
//! - An exception that is not caught ends the rule without an alert. In a `try`, what an expression raises is a condition
//!   on the event (a missing place, a text that is no number or address, an element that is not there), and a handler
//!   that catches its class, `else` and `finally` are followed. Such conditions decide and are counted nowhere. What
//!   cannot be said of an event (what a function that is not available raises) is opaque where the handler makes a
//!   difference. That a text is JSON is `is_not_null` with the modifier `json`.
//! - Nothing is in an empty list, and the field that is looked for in one is kept; a condition that no event can meet is
//!   kept too, with a warning.
//! - `re.match` is `re.search` with the modifier `anchored_start`, `re.fullmatch` with `anchored`; the expression stays as
//!   it is written.
//! - Lengths, arithmetic, slices and times are computed: kept, counted nowhere, and not to be decided, which is why a
//!   rule that has them is not understood in full. What is not followed at all (classes, state between events,
//!   functions that are not available) is an opaque part with its text.
//! - Names of another module stand at the place in the rule's module that led there.
//!
//! A module of an SDK has no such function: its rule is a class, or a call with filters ([`sdk_rules`]). The class's
//! `rule` is followed with what it inherits in the module, and the filters beside it.
//!
//! [`PantherYaml`] reads match expressions with their combinators and list comprehensions, the steps of correlation
//! rules by id, and the filters of a query's SQL (Snowflake's): a step for each table that is read, joined or asked by
//! a sub-query, names made on the way followed back, the time window left out.
//!
//! It knows no files and no canonical fields, and it runs nothing.

mod attempt;
mod calls;
mod compare;
mod contain;
mod correlation;
mod exec;
mod expr;
mod flow;
mod follow;
mod library;
mod methods;
mod module;
mod nodes;
mod operators;
mod python;
mod rule;
mod sdk;
mod simple;
mod snowflake;
mod sql;
mod syntax;
mod value;
mod yaml;

pub use rule::{Python, Unified, unified};
pub use sdk::{SdkModule, SdkRule, sdk_rules};
pub use snowflake::Snowflake;
pub use yaml::PantherYaml;
