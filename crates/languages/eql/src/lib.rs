//! Elastic's Event Query Language (EQL): parser, tree, printer, and the conditions of a query.
//!
//! The syntax alone is [`parse`], which needs none of the other crates (`default-features = false`). Every text gives what
//! can be read of it, and what is wrong with it; a tree prints as a query.
//!
//! ```
//! let parsed = ruleatlas_eql::parse("process where process.name   in (\"cmd.exe\") and (not ?user.id == \"S-1-5-18\")");
//! assert!(parsed.errors.is_empty());
//! let query = parsed.tree.expect("an event query");
//! assert_eq!(query.to_string(), "process where process.name in (\"cmd.exe\") and not ?user.id == \"S-1-5-18\"");
//! ```
//!
//! The feature `conditions`, which is on unless it is switched off, goes on to what a query asks of an event:
//!
//! ```
//! # #[cfg(feature = "conditions")] {
//! use ruleatlas_core::{Frontend, NoContext, Query, roles};
//! use ruleatlas_eql::Eql;
//! use ruleatlas_model::{ParseStatus, Role};
//!
//! let query = r#"
//!     sequence by process.entity_id with maxspan=1m
//!       [process where process.name : ("certutil*", "bitsadmin.exe") and not user.id == "S-1-5-18"]
//!       [network where not cidrMatch(destination.ip, "10.0.0.0/8")]
//! "#;
//! let parsed = Eql.parse(&Query::new(query), &NoContext);
//! assert_eq!(parsed.status(), ParseStatus::Full);
//! assert_eq!(parsed.conditions.len(), 2);
//! let roles: Vec<Role> = roles(&parsed.conditions).iter().map(|placed| placed.role).collect();
//! assert_eq!(roles, [Role::Indicator, Role::Indicator, Role::Exclusion, Role::Exclusion]);
//! # }
//! ```
//!
//! Read are event queries, `sequence`, `sample` and `join`, with pipes, as the EQL syntax and function references of
//! Elasticsearch 7.9 to 9 have them, and what the older language of Endgame has besides: `descendant of […]`, single
//! quotes, `?"…"`, array functions and the pipes `filter`, `unique`, `count`, `sort`. Where both mean different
//! things by the same words, Elasticsearch is followed: `==`, `in` and `like` compare with case.
//!
//! What a query becomes:
//! - One condition a step. The event category is a source and no predicate; keys (`by`), `maxspan`, `runs` and pipes
//!   that order or cut are no predicates either. `runs` is in the step's label.
//! - A missing event `![…]` and the `until` event, which ends a sequence, are steps that are absent: an event that
//!   satisfies the `until` step spoils the match, as one that satisfies `![…]` does.
//! - `descendant of […]` is a step behind the one that asks for it, absent under `not`. As one alternative of an `or`
//!   it also leaves a computed condition behind, its text, as it decides there.
//! - `[…] as event0` names a step for those behind it. A comparison of `event0.file.name` with a constant is asked of
//!   that step; one with a field of the later step is a `field_ref` with the modifier `step`.
//! - `arraySearch(f, x, …)`, which the endpoint calls `_arraysearch`, compares the fields of `f`. Where several
//!   comparisons, or negated ones, must go for one element together, the whole call stands beside them as computed.
//! - `:`, `like` and `wildcard()` know `*` and `?` and no escape for them. A list of patterns is taken apart by what
//!   the patterns mean: `f : ("*.tmp", "a.exe", "b.exe")` is `f ends_with .tmp` or `f in (a.exe, b.exe)`.
//! - A regular expression of EQL matches the whole value, as Lucene's do. Its text stays the author's, and the
//!   modifier `anchored` says that it has to be matched as `^(?:…)$`. Operators that only Lucene has (`~`, `&`, `@`, `#`,
//!   `<1-9>`, `"…"`) are not translated.
//! - Constants on the left are brought to the right; arithmetic over constants is done. `string(f)` and `number(f)`
//!   are `f`. A test of `f` against another field is a `field_ref`, with `startswith`, `endswith` or `contains` as its
//!   modifier for the functions of these names. What else is computed keeps its text as `raw_field`, and as the
//!   comparison `eq true` where a whole condition is computed.
//! - A restriction of `@timestamp` that the whole step is subject to is no predicate.
//!
//! A missing field, as Elasticsearch's translation to its query DSL has it: a comparison with a missing field does not
//! hold. `!=`, `not in` and a `not` before an equality, a pattern, a list, `cidrMatch` or the like become `must_not`,
//! and so hold without the field. `not` before an order (`not a > 5`) is turned into the opposite order (`a <= 5`),
//! which fails without the field. A comparison of something computed or converted runs as a script, where null stays
//! null under `not`. The last two are `Missing::Null`. A field marked optional (`?f`) is
//! taken to be known to the index; where it is not, Elasticsearch compares null instead.
//!
//! It knows no files, no rules, no canonical fields, and does not run queries: keys and time spans of a sequence are
//! read and left aside.

pub mod ast;
mod colour;
mod error;
mod expression;
#[cfg(feature = "conditions")]
mod frontend;
mod lexer;
mod literal;
#[cfg(feature = "conditions")]
mod lower;
mod parser;
mod print;

pub use colour::tokens;
pub use error::ErrorKind;
#[cfg(feature = "conditions")]
pub use frontend::Eql;
pub use parser::parse;
