//! One function a page; what they share stands in [`layout`] and [`parts`].

mod about;
mod bar;
mod facts;
mod field;
mod filters;
mod guide;
mod home;
mod indicator;
mod layout;
mod missing;
mod parts;
mod query;
mod rule;
mod scope;
mod search;
mod shared;
mod table;
mod technique;

pub(crate) use about::{about, notices};
pub(crate) use field::field;
pub(crate) use home::home;
pub(crate) use indicator::indicator;
pub(crate) use missing::{failed, missing};
pub(crate) use parts::rule_address;
pub(crate) use rule::{rule, rule_part};
pub(crate) use scope::{scope, scope_part};
pub(crate) use search::search;
pub(crate) use technique::technique;
