//! Plans of queries, and the engine that resolves them to conditions.
//!
//! A pipeline language says what an event must be in many stages: names are made and renamed, values are chosen, many
//! rows become one, tables are joined. A front end turns its syntax tree into a [`Plan`], which says this in terms that
//! all such languages share; [`resolve`] follows every name back to the fields of the events, and gives one
//! [`Condition`](ruleatlas_model::Condition) a step. What a language means is thus in two places only: its table of
//! functions and operators, which its front end has, and the engine here.
//!
//! # A worked example
//! The query reads a table, gives a name to a choice, filters by it, counts, and filters by the count:
//!
//! ```text
//! events
//! | eval kind = case(a == "x", "bad", "good")
//! | where kind == "bad" and not b == "y"
//! | stats n = count(*) by u
//! | where n > 5
//! ```
//!
//! ```
//! use std::rc::Rc;
//!
//! use ruleatlas_core::Budget;
//! use ruleatlas_ir::plan::*;
//! use ruleatlas_ir::{Plan, Semantics, resolve};
//! use ruleatlas_model::{DataSource, SourceKind, Span};
//!
//! let at = Span::default();
//! let name = |name: &str| Expr::new(ExprKind::Name(Rc::from(name)), at);
//! let text = |text: &str| Expr::text(text, at);
//! let number = |text: &str| Expr::new(ExprKind::Const(Const::new(text, ConstKind::Number)), at);
//! let compare = |relation, left, right| {
//!     // With case, and null where the field is missing.
//!     let comparison = Comparison::new(relation, CaseRule::Exact, MissingRule::Null);
//!     Expr::new(ExprKind::Compare(comparison, Box::new(left), Operand::One(Box::new(right))), at)
//! };
//!
//! let kind = Expr::new(
//!     ExprKind::Case {
//!         arms: vec![(compare(Relation::Equal, name("a"), text("x")), text("bad"))],
//!         otherwise: Some(Box::new(text("good"))),
//!     },
//!     at,
//! );
//! let not = Expr::new(ExprKind::Not(Box::new(compare(Relation::Equal, name("b"), text("y")))), at);
//! let first = Expr::new(ExprKind::All(vec![compare(Relation::Equal, name("kind"), text("bad")), not]), at);
//! let count = Output { name: Rc::from("n"), kind: Aggregate::Compute(Vec::new()), condition: None };
//! let key = Column { name: Rc::from("u"), value: name("u") };
//! let operations = [
//!     Operation::Extend(vec![Column { name: Rc::from("kind"), value: kind }]),
//!     Operation::Filter(first),
//!     Operation::Aggregate { outputs: vec![count], keys: vec![key], keeps_rows: false },
//!     Operation::Filter(compare(Relation::Greater, name("n"), number("5"))),
//! ];
//! let stages = operations.into_iter().zip(1..).map(|(operation, index)| Stage { operation, index, span: at });
//! let source = Expr::new(ExprKind::Tables(vec![DataSource::new(SourceKind::Table, "events")]), at);
//! let query = Query { definitions: Vec::new(), source, stages: stages.collect() };
//! let rows = Expr::new(ExprKind::Query(Box::new(query)), at);
//! let plan = Plan { shared: Vec::new(), steps: vec![Step { label: Rc::from(""), absent: false, rows }] };
//!
//! let semantics = Semantics {
//!     missing: MissingRule::Null,
//!     names_in_any_case: false,
//!     is_event_time: |name| name == "time",
//!     has_stages: true,
//!     sub_query: "sub-query",
//!     computed_by_name: false,
//!     scripts: None,
//! };
//! let parsed = resolve(&plan, "", &semantics, &mut Budget::default());
//! let said: Vec<_> = ruleatlas_core::roles(&parsed.conditions)
//!     .iter()
//!     .map(|found| format!("{} {} {} {:?}", found.role, found.predicate.raw_field, found.counted_op, found.predicate.values))
//!     .collect();
//! assert_eq!(said, [
//!     "indicator a eq [\"x\"]",
//!     "exclusion b eq [\"y\"]",
//!     "computed n gt [\"5\"]",
//! ]);
//! ```
//!
//! # How a plan is resolved
//! **Steps.** Each [`Step`](plan::Step) of the plan is a step of the rule. So is the other table of a join, a leg of a
//! union that filters, and a query that a condition compares with; one that must give no row (an anti-join,
//! `not in (…)`, `not exists (…)`) is marked absent. A leg that reads and asks for the same as one before it is dropped.
//!
//! **Names.** At each place of a pipeline a name stands for a value: a field of the events (of this step, or of one that was
//! joined), a constant or list of them, one of several values with the condition that gives each, the first of several
//! that is not missing, the values of many events, a column of a list, a condition, a time, something computed, or
//! something that is not known. A name that no stage made is a field of the table. What is cut out of a text has a name
//! of its own, and says which field it came from.
//!
//! **Filters.** A filter is split into the conditions that must all hold, and each goes to the step whose events it is about,
//! where it is about those of one alone. A comparison of a choice becomes the conditions that give a value as asked, and
//! a case takes a null condition for false. A comparison of the first value that is there asks each value where those
//! before it are missing; that they are missing is a guard, unless it is itself what is asked for. What compares many
//! events' values is computed, and what `mv-expand` gives back of a collection is one event's value again. A condition
//! that never holds is kept with the others.
//!
//! **Time.** What compares the event's time, or a time that is counted from now, is the rule's window and no predicate. In an
//! alternative it is left out, with a note.
//!
//! **Missing fields and case.** Every [`Comparison`](plan::Comparison) states both, by the rules of its language:
//! [`MissingRule`](plan::MissingRule), [`CaseRule`](plan::CaseRule).
//!
//! **Filters that choose the data.** Where the language has them ([`Searches`]), a comparison of a field that says which data
//! an event is of adds a source to the step and is no condition; what stands as an alternative to it is left out, with a note.
//! Names may be patterns there: a name that no stage made by itself is looked for among patterns of computed names, columns of
//! lists and renames with wildcards, the last first.
//!
//! **Lists.** A column of a list ([`ListRows`](plan::ListRows)) is compared by the rows that pass: the values that find them must be
//! theirs. A list whose rows are not known is known by its name.
//!
//! **Choices that are ruled out.** Where a field has one value, what other filters of the step say takes branches out of a
//! choice.
//!
//! **Scripts.** Where names stand for tables, lists and functions of the query ([`Scripts`]), a front end resolves them to
//! expressions that are read once ([`Plan::shared`](plan::Plan::shared)) or have values given to their names
//! ([`ExprKind::Let`](plan::ExprKind::Let)). A table may hold no events ([`Listing`](plan::Listing)): comparisons with its columns
//! are with its values, or with the list of its name. A join by keys ([`KeyJoin`](plan::KeyJoin)) knows which step's events a column
//! is of; that a column of an outer join is missing says that its step is absent.
//!
//! **Letters.** A value that was brought to one case has no letters of the other: a comparison that tells cases apart is false
//! for a text that has some, and a diagnostic says so.
//!
//! **Not understood.** An opaque expression makes the comparison that it stands in opaque, and nothing around it.
//!
//! **Budget.** Reading an expression is a unit of work, a node or 32 bytes of text that are made or copied one of nodes, and
//! expressions, tables and cases in each other are levels of one depth. What does not fit is opaque.

mod aggregate;
mod apply;
mod beside;
mod changed;
mod choice;
mod columns;
mod compare;
mod condition;
mod element;
mod engine;
mod fold;
mod graph;
mod keyed;
mod letters;
mod looked;
mod open;
pub mod plan;
mod resolve;
mod rows;
mod semantics;
mod settle;
mod special;
mod tables;
mod value;

pub use engine::{Surroundings, resolve, resolve_in};
pub use plan::Plan;
pub use semantics::{Scripts, Searches, Semantics};
