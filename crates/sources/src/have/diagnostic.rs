//! Diagnostic settings of Azure and Entra ID: which categories of logs are sent somewhere.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Error, MAX_ROWS};

/// The categories of logs that a setting turns on, and those that it names and leaves off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiagnosticSettings {
    /// The categories that are on, in order.
    pub enabled: BTreeSet<String>,
    /// Those that are off in every setting.
    pub disabled: BTreeSet<String>,
}

/// How deep settings may stand in what a command writes.
const MAX_DEPTH: usize = 8;

/// Whether JSON is meant for diagnostic settings: somewhere near its top there are logs with categories.
pub(super) fn is_one(value: &Value) -> bool {
    let mut settings = DiagnosticSettings::default();
    collect(value, 0, &mut settings).is_ok() && (!settings.enabled.is_empty() || !settings.disabled.is_empty())
}

pub(super) fn read(value: &Value) -> Result<DiagnosticSettings, Error> {
    let mut settings = DiagnosticSettings::default();
    collect(value, 0, &mut settings)?;
    settings.disabled.retain(|category| !settings.enabled.contains(category));
    Ok(settings)
}

fn collect(value: &Value, depth: usize, settings: &mut DiagnosticSettings) -> Result<(), Error> {
    if depth > MAX_DEPTH || settings.enabled.len() + settings.disabled.len() > MAX_ROWS {
        return Err(Error::TooLarge);
    }
    match value {
        Value::Array(list) => list.iter().try_for_each(|item| collect(item, depth + 1, settings)),
        Value::Object(object) => {
            for log in object.get("logs").and_then(Value::as_array).into_iter().flatten() {
                let group = log.get("categoryGroup").and_then(Value::as_str).filter(|name| !name.is_empty());
                let category = log.get("category").and_then(Value::as_str).filter(|name| !name.is_empty()).or(group);
                let Some(category) = category else { continue };
                let is_on = log.get("enabled").and_then(Value::as_bool).unwrap_or(false);
                let list = if is_on { &mut settings.enabled } else { &mut settings.disabled };
                list.insert(category.to_owned());
            }
            let inside = ["value", "properties"].into_iter().filter_map(|key| object.get(key));
            inside.into_iter().try_for_each(|inner| collect(inner, depth + 1, settings))
        }
        _ => Ok(()),
    }
}
