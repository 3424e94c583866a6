//! How many events a rule asks for, and what they share.

use crate::ast::Rule;

/// How many events a rule wants before it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frequency {
    /// How many, as written: it may be a variable.
    pub number: String,
    /// Within how many seconds, as written.
    pub window: String,
    /// The fields that have the same value in all of them.
    pub same: Vec<String>,
    /// The fields that have different values.
    pub different: Vec<String>,
}

/// Seconds that Wazuh looks back where a rule does not say how far.
const DEFAULT_WINDOW: &str = "360";

/// What a rule asks of the number of events; `None` where it asks for one.
#[must_use]
pub fn frequency(rule: &Rule) -> Option<Frequency> {
    let number = rule.element.attribute("frequency")?.trim().to_owned();
    let window = rule.element.attribute("timeframe").map_or(DEFAULT_WINDOW, str::trim).to_owned();
    let mut found = Frequency { number, window, same: Vec::new(), different: Vec::new() };
    for option in &rule.element.children {
        let (name, is_same) = match option.name.strip_prefix("same_").or(option.name.strip_prefix("not_different_")) {
            Some(name) => (name, true),
            None => match option.name.strip_prefix("different_").or(option.name.strip_prefix("not_same_")) {
                Some(name) => (name, false),
                None => continue,
            },
        };
        let list = if is_same { &mut found.same } else { &mut found.different };
        if name == "field" {
            list.extend(option.text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned));
        } else {
            list.push(field_of(name).to_owned());
        }
    }
    Some(found)
}

/// The field that `same_…` and `different_…` mean.
fn field_of(name: &str) -> &str {
    match name {
        "source_ip" => "srcip",
        "src_port" => "srcport",
        "dst_port" => "dstport",
        "agent" => "agent.id",
        other => other,
    }
}

impl Frequency {
    /// The count in words: `event_count by srcip, different url`.
    #[must_use]
    pub fn expression(&self) -> String {
        let mut text = "event_count".to_owned();
        if !self.same.is_empty() {
            text.push_str(" by ");
            text.push_str(&self.same.join(", "));
        }
        for field in &self.different {
            text.push_str(", different ");
            text.push_str(field);
        }
        text
    }
}
