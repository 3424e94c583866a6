//! A condition and an event in; holds, does not hold, or cannot be known out.
//!
//! ```
//! use ruleatlas_evaluate::{Event, Verdict, evaluate};
//! use ruleatlas_model::{Node, Op, Predicate};
//!
//! let shell = Node::from(Predicate::new("Image", Op::EndsWith, ["\\powershell.exe"]));
//! let listed = Node::from(Predicate::new("User", Op::InList, ["admins"]));
//! let condition = Node::all([shell, listed.not()]);
//!
//! let json = serde_json::json!({ "Image": "C:\\Windows\\notepad.exe", "User": "ada" });
//! assert_eq!(evaluate(&condition, &Event::new(&json)), Verdict::Fails);
//!
//! let json = serde_json::json!({ "Image": "C:\\PowerShell.exe", "User": "ada" });
//! let Verdict::Unknown(reasons) = evaluate(&condition, &Event::new(&json)) else { panic!() };
//! assert_eq!(reasons[0].why, "list is not known");
//! ```
//!
//! Inside, a comparison has one of four values: it holds, fails, is null (an SQL-like language's answer for a missing
//! field, which stays null under `not` and selects nothing) or is unknown. `All` fails if a child fails, else is
//! unknown, else null, else holds; `Any` is its mirror. So what cannot be known is said only where it decides. A [`RuleSet`]
//! knows more: a null beside something unknown selects nothing, whatever that turns out to be, and so does not hold.
//!
//! A comparison holds if any of the field's values compares with any of the literals; [`Event`] says what a field's
//! values are. For a missing field it is what [`Missing`](ruleatlas_model::Missing) says. Without case means Unicode
//! lower case, character by character. Numbers compare as numbers where the event says that its value is one, and in
//! `lt` to `gte` wherever both texts spell one; all else compares as text, but for an order of a number and a text that
//! is none: it does not hold, unless the predicate orders texts (`text_order`). A field that the event does not have is
//! looked for inside the texts that hold JSON. `match` on a field finds whole terms, runs
//! of letters and digits; without a field it finds the text in any value. In its literals `*`, `?` and `[*]` mean what
//! they mean in those of `wildcard`. Regular expressions are read by the `regex` crate.
//!
//! `is_null` and `is_not_null` with the modifier `truthy` take a value that is empty, zero or false for none, as a bare
//! field is tested in Python.
//!
//! What cannot be known: an opaque part, a list known by name, a comparison of something computed or with a field of another step, a placeholder, a
//! field cut out of another that the event itself does not have, a modifier that is not known, a regular expression
//! with look-around or back-references, and how the steps of a rule go together: a sequence is not decided here.
//! It knows no canonical fields: an event answers to the names that the rule asks for.

mod check;
mod compiled;
mod event;
mod glob;
mod groups;
mod index;
mod matcher;
mod modifier;
mod network;
mod pattern;
mod rule;
mod ruleset;
mod scalar;
mod stateful;
mod verdict;

pub use compiled::Compiled;
pub use event::{Carried, Event, FieldQuery, KnownField, RawValue, Resolve};
pub use glob::dash_alternatives;
pub use index::Plan;
pub use modifier::encoded_values;
pub use network::Network;
pub use pattern::{is_malformed_regex, regex_syntax};
pub use rule::CompiledRule;
pub use ruleset::{ConditionId, Outcome, RuleSet, RuleSetBuilder, Scratch};
pub use scalar::Scalar;
pub use stateful::{
    CountSpec, MAX_EVENTS, MAX_KEYS, Machine, Match, Measure, Observation, SHOWN_EVENTS, SequenceSpec, SequenceStep,
    TemporalSpec, Threshold,
};
pub use verdict::{Reason, ReasonRef, Verdict};

use ruleatlas_core::Literal;
use ruleatlas_model::{Condition, Node};

/// Whether a condition's tree holds for an event. For many events, [`Compiled`] does the work that is the same for all
/// once.
#[must_use]
pub fn evaluate(condition: &Node, event: &Event<'_>) -> Verdict {
    Compiled::new(condition).evaluate(event)
}

/// Whether a condition in negation normal form holds for an event: what [`evaluate`] says of the condition itself.
#[must_use]
pub fn evaluate_normal(literal: &Literal<'_>, event: &Event<'_>) -> Verdict {
    Compiled::of_normal(literal).evaluate(event)
}

/// Whether a rule selects an event; see [`CompiledRule::evaluate`].
#[must_use]
pub fn evaluate_rule(conditions: &[Condition], event: &Event<'_>) -> Verdict {
    CompiledRule::new(conditions).evaluate(event)
}

/// What the first step says of an event: `holds`, `fails` or `unknown`; a rule without a condition is
/// `unknown`.
#[must_use]
pub fn verdict_str(conditions: &[Condition], event: &serde_json::Value) -> &'static str {
    conditions.first().map_or("unknown", |first| evaluate(&first.root, &Event::new(event)).as_str())
}
