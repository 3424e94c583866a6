//! Panther's detections in, conditions out: Python modules read and never run, YAML match expressions, SQL.

mod calls;
mod compare;
mod correlation;
mod exec;
mod expr;
mod flow;
mod follow;
mod methods;
mod module;
mod nodes;
mod python;
mod rule;
mod simple;
mod sql;
mod syntax;
mod value;
mod yaml;

pub use rule::{Python, Unified, unified};
pub use yaml::PantherYaml;
