//! Splunk searches (SPL): parser, tree, printer, and the conditions of a search.
//!
//! The syntax alone is [`parse`], which needs none of the other crates (`default-features = false`). Every text gives a
//! tree, and what is wrong with it; a tree prints as a search.
//!
//! ```
//! let parsed = ruleatlas_spl::parse("index=win (EventCode=1 OR EventCode=3)   NOT User=\"svc *\" | where len(Image)>9 | sort Image");
//! assert!(parsed.errors.is_empty());
//! let printed = "index=win (EventCode=1 OR EventCode=3) NOT User=\"svc *\"\n| where len(Image) > 9\n| sort Image";
//! assert_eq!(parsed.tree.to_string(), printed);
//! ```
//!
//! The feature `conditions`, which is on unless it is switched off, goes on to what a search asks of an event:
//!
//! ```
//! # #[cfg(feature = "conditions")] {
//! use ruleatlas_core::{Frontend, NoContext, Query};
//! use ruleatlas_model::Op;
//! use ruleatlas_spl::Spl;
//!
//! let query = r#"index=win EventCode=1 Image IN ("*\\cmd.exe", "*\\pwsh.exe") NOT User="svc-*" | where len(CommandLine) > 500"#;
//! let parsed = Spl.parse(&Query::new(query), &NoContext);
//! let [step] = parsed.conditions.as_slice() else { panic!() };
//! assert_eq!(step.sources[0].name, "win");
//! let ops: Vec<Op> = step.root.predicates().map(|predicate| predicate.op).collect();
//! assert_eq!(ops, [Op::Eq, Op::EndsWith, Op::StartsWith, Op::Gt]);
//! # }
//! ```
//!
//! A search is read in four phases: `expand` puts macros in their places and takes comments out, `parser` with `search`,
//! `eval`, `aggregate` and `commands` reads the commands, `lower` says as a plan what they mean, by the table in
//! `functions`, and `ruleatlas_ir` follows the plan's names and makes the conditions. What the [documentation](https://docs.splunk.com/Documentation/Splunk/latest/SearchReference) leaves to
//! the reader is decided like this:
//!
//! - **Precedence.** In `search`, `OR` binds tighter than `AND`, written or implied; in `where` and `eval` it is the
//!   other way round. Only words in capitals are operators of `search`; a `*` cannot be escaped there, a backslash
//!   before anything but `\`, `"` and `|` stands for itself, and `?` is a plain character.
//! - **Case and absence.** `search` compares without case, fails on a missing field, `!=` included, and its `NOT` holds
//!   there. `where` compares with case, and a missing field is null. A condition inside `if`, `case` or `coalesce`
//!   takes null for false.
//! - **Data.** `index`, `sourcetype`, `source`, `eventtype`, a data model and `nodename` are sources of the step; `host`
//!   and `tag` are fields, and so is `source` in the risk data model, where it names a rule. A comparison that is an
//!   alternative to a choice of data (`eventtype=a OR Channel=b`) is no condition for the events of that data, and is
//!   left out with a note.
//!   What the rule's metadata says it reads is a source of every step beside those that the search names.
//! - **Time.** A comparison of times (`_time`, `now()`, `relative_time`, the least or greatest of them) is the time window,
//!   and so is one of a lookup's output with a time. A field compared with a time is computed.
//! - **Names.** A name whose text was changed (`replace`, `urldecode`, `mvjoin`, `split`, `rex mode=sed`, a `foreach` over
//!   fields) keeps its own name with `derived_from`, like one that `rex` cuts out; without a name of its own the change
//!   is computed. After a rename with wildcards a name is the renamed field, unless it was in use before.
//! - **Stages** are counted by the pipes that the author wrote: what a macro expands to has the stage of its call, and
//!   the call is the span of all that comes of it. A conjunct that compares fields of a joined search alone belongs to
//!   that search's step, with the stage in the pipeline where it is written.
//! - **Aggregates.** What an aggregation gives (`count`, `values(x)`, `latest(x)`, the fields of a transaction's events) is
//!   asked of a group of events, so a filter on it is computed. The group's keys, under any name, stay fields, and the
//!   least and greatest time stay times. `mvexpand` of collected values gives
//!   single events' values back. `mvindex`, `mvdedup` and the like stand for the field, as any of its values may be meant.
//! - **Choices.** A branch of `if`, `case` or `coalesce` that another filter of the step contradicts is left out; a field
//!   is taken to have one value.
//! - **JSON.** A path in a field's text (`spath`, `json_extract`) is the path behind that field's name.
//! - **Functions** of `eval` that the documentation does not list are opaque.
//! - **Lookups.** A filter on a lookup's output is the values of the input's column in the rows that pass, when the
//!   context has the table (of up to 20,000 rows that give up to 10,000 values), and else `in_list` with the lookup's
//!   name. A value outside the table has the lookup's default, so an output that must be the default is the values of
//!   no row that says otherwise; without a known default that holds of `false` where no row says so.
//!   `[| inputlookup … | fields f]` is a list too.
//! - **Macros.** `drop_dm_object_name` is known without a context. A macro whose name ends in `_filter` and that
//!   nobody defines adds nothing: by convention it is empty until a user fills it. Any other that is not
//!   defined is opaque where it stands for a condition or a command, and a warning elsewhere.
//! - **Event types.** `eventtype=name` is the search that the context defines it by; without one it is a source.
//!
//! It does not run searches, and knows nothing of data models' fields, of saved searches' definitions, or of what
//! scripts behind lookups give.

mod aggregate;
pub mod ast;
mod colour;
mod commands;
mod error;
mod eval;
mod expand;
#[cfg(feature = "conditions")]
mod frontend;
#[cfg(feature = "conditions")]
mod functions;
mod lexer;
#[cfg(feature = "conditions")]
mod lower;
mod macros;
mod parser;
mod print;
mod search;
mod source;

pub use colour::tokens;
pub use error::ErrorKind;
#[cfg(feature = "conditions")]
pub use frontend::Spl;
pub use macros::{Macros, NoMacros, substitute};
pub use parser::{parse, parse_with};
