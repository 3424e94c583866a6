//! One function a page; what they share stands in [`layout`] and [`parts`].

mod about;
mod align;
mod attack;
mod bar;
mod check;
mod controls;
mod conversion;
mod coverage;
mod event;
mod event_detail;
mod events;
mod facts;
mod field;
mod filters;
mod fires;
mod guide;
mod home;
mod hunts;
mod in_logs;
mod indicator;
mod layout;
mod ledger;
mod listing;
mod matrix;
mod missing;
mod parts;
mod platform;
mod playbook;
mod query;
mod rule;
mod scope;
mod search;
mod shared;
mod table;
mod tactic;
mod technique;
mod vendor;
mod years;

pub(crate) use about::{about, notices};
pub(crate) use align::{align, threats};
pub(crate) use check::{check_form, checked};
pub(crate) use controls::{Listed, controls};
pub(crate) use conversion::conversion;
pub(crate) use coverage::{coverage, coverage_form};
pub(crate) use event::event;
pub(crate) use events::{events, provider, provider_address};
pub(crate) use field::field;
pub(crate) use fires::{fires, fires_failed, fires_form};
pub(crate) use home::home;
pub(crate) use hunts::{advice, hit, hunt, hunts, rule_hits};
pub(crate) use indicator::indicator;
pub(crate) use ledger::ledger;
pub(crate) use listing::{List, fields as field_list, rules as rule_list, static_search};
pub(crate) use matrix::matrix;
pub(crate) use missing::{failed, missing};
pub(crate) use parts::{
    conversion_address, event_address, field_address, log_source_address, platform_address, rule_address,
    similar_address, tactic_address, technique_address, vendor_address,
};
pub(crate) use platform::{platform, platforms};
pub(crate) use rule::{rule, rule_part};
pub(crate) use scope::{scope, scope_part};
pub(crate) use search::{best_hit, search};
pub(crate) use tactic::tactic;
pub(crate) use technique::technique;
pub(crate) use vendor::{log_source, vendor};
