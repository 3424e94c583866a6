//! Panther's detections in, conditions out: Python modules read and never run, YAML match expressions, SQL.

mod calls;
mod compare;
mod exec;
mod expr;
mod flow;
mod follow;
mod methods;
mod module;
mod nodes;
mod python;
mod rule;
mod syntax;
mod value;

pub use rule::Python;
