//! What the query languages share: the [`Frontend`] trait, wildcard folding, negation push-down and roles.
//!
//! A front end turns the text of a query into one [`Condition`] a step. It never fails as a whole: what it cannot
//! understand becomes an opaque node with its place, and a diagnostic.
//!
//! ```
//! use ruleatlas_core::{fold_wildcards, roles};
//! use ruleatlas_model::{Condition, Node, Op, Predicate, Role};
//!
//! // `*\cmd.exe` means "ends with".
//! assert_eq!(fold_wildcards("*\\cmd.exe", None).op, Op::EndsWith);
//!
//! // `a and not b`: b is an exclusion.
//! let a = Node::from(Predicate::new("a", Op::Eq, ["1"]));
//! let b = Node::from(Predicate::new("b", Op::Eq, ["2"]));
//! let steps = [Condition::new(Node::all([a, b.not()]))];
//! let found: Vec<Role> = roles(&steps).iter().map(|placed| placed.role).collect();
//! assert_eq!(found, [Role::Indicator, Role::Exclusion]);
//! ```
//!
//! It knows no language, no file, no vendor's rule format and no canonical field.

mod budget;
#[cfg(feature = "cases")]
pub mod cases;
mod frontend;
mod normal;
#[cfg(feature = "cases")]
pub mod printing;
mod wildcard;

pub use budget::{BUDGET, Budget, FileBudget, Limits, Resource, clip};
pub use frontend::{
    Context, DataModel, DataModelMapping, Frontend, LookupTable, MacroDefinition, NoContext, Parsed, Query, Referenced,
};
pub use normal::{Literal, RoledPredicate, normal_form, roles};
pub use wildcard::{Folded, Pattern, fold_pieces, fold_wildcards, matches_wildcards, write_pattern};

pub use ruleatlas_model::Condition;
pub use ruleatlas_syntax::{Piece, Token, TokenKind, read_pieces};
