//! The event selectors of a CloudTrail trail: what `aws cloudtrail get-event-selectors` writes.

use serde::Deserialize;
use serde_json::Value;

use super::{Error, MAX_ROWS};

/// Which events a trail writes: those that any of its selectors takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrailSelectors {
    /// The selectors.
    pub selectors: Vec<TrailSelector>,
}

/// A selector: an event must fit all of its conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrailSelector {
    /// What it selects from.
    pub category: TrailCategory,
    /// Its conditions but that on the category.
    pub conditions: Vec<FieldSelector>,
}

/// A category of events of CloudTrail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrailCategory {
    /// Management events.
    Management,
    /// Data events.
    Data,
    /// Another (`Insight`, `NetworkActivity`).
    Other(String),
}

/// A condition on a field of the event; of values that are asked for one must fit, of those that are refused none may.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct FieldSelector {
    /// The field (`eventName`, `resources.type`, `readOnly`).
    pub field: String,
    /// The field is one of these.
    #[serde(default)]
    pub equals: Vec<String>,
    /// It begins with one of these.
    #[serde(default)]
    pub starts_with: Vec<String>,
    /// It ends with one of these.
    #[serde(default)]
    pub ends_with: Vec<String>,
    /// It is none of these.
    #[serde(default)]
    pub not_equals: Vec<String>,
    /// It begins with none of these.
    #[serde(default)]
    pub not_starts_with: Vec<String>,
    /// It ends with none of these.
    #[serde(default)]
    pub not_ends_with: Vec<String>,
}

impl FieldSelector {
    fn of(field: &str) -> Self {
        Self { field: field.to_owned(), ..Self::default() }
    }

    /// Whether a value fits.
    #[must_use]
    pub fn fits(&self, value: &str) -> bool {
        let is = |list: &[String]| list.iter().any(|known| known == value);
        let starts = |list: &[String]| list.iter().any(|known| value.starts_with(known.as_str()));
        let ends = |list: &[String]| list.iter().any(|known| value.ends_with(known.as_str()));
        let asks = !self.equals.is_empty() || !self.starts_with.is_empty() || !self.ends_with.is_empty();
        let is_refused = is(&self.not_equals) || starts(&self.not_starts_with) || ends(&self.not_ends_with);
        !is_refused && (!asks || is(&self.equals) || starts(&self.starts_with) || ends(&self.ends_with))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Basic {
    #[serde(default)]
    read_write_type: Option<String>,
    #[serde(default = "yes")]
    include_management_events: bool,
    #[serde(default)]
    data_resources: Vec<DataResource>,
    #[serde(default)]
    exclude_management_event_sources: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DataResource {
    #[serde(rename = "Type")]
    kind: String,
    #[serde(default)]
    values: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Advanced {
    field_selectors: Vec<FieldSelector>,
}

fn yes() -> bool {
    true
}

/// Whether JSON is meant for event selectors.
pub(super) fn is_one(value: &Value) -> bool {
    let first = value.as_array().and_then(|list| list.first()).unwrap_or(value);
    ["EventSelectors", "AdvancedEventSelectors", "FieldSelectors", "IncludeManagementEvents", "DataResources"]
        .iter()
        .any(|key| first.get(key).is_some())
}

pub(super) fn read(value: &Value) -> Result<TrailSelectors, Error> {
    let mut selectors = Vec::new();
    let lists = [value.get("EventSelectors"), value.get("AdvancedEventSelectors")];
    let items: Vec<&Value> = match value {
        Value::Array(list) => list.iter().collect(),
        _ if lists.iter().all(Option::is_none) => vec![value],
        _ => lists.iter().flatten().filter_map(|list| list.as_array()).flatten().collect(),
    };
    if items.len() > MAX_ROWS {
        return Err(Error::TooLarge);
    }
    for item in items {
        if item.get("FieldSelectors").is_some() {
            let advanced: Advanced = parse(item)?;
            selectors.push(selector(advanced)?);
        } else {
            let basic: Basic = parse(item)?;
            selectors.extend(basic.selectors()?);
        }
    }
    Ok(TrailSelectors { selectors })
}

fn parse<T: for<'de> Deserialize<'de>>(value: &Value) -> Result<T, Error> {
    T::deserialize(value).map_err(|error| Error::Json { reason: format!("event selectors of CloudTrail: {error}") })
}

fn selector(advanced: Advanced) -> Result<TrailSelector, Error> {
    let (categories, conditions): (Vec<_>, Vec<_>) =
        advanced.field_selectors.into_iter().partition(|condition| condition.field == "eventCategory");
    let category = match categories.first().map(|condition| condition.equals.as_slice()) {
        Some([one]) if one == "Management" => TrailCategory::Management,
        Some([one]) if one == "Data" => TrailCategory::Data,
        Some([one]) => TrailCategory::Other(one.clone()),
        _ => {
            let reason =
                "event selectors of CloudTrail: a selector must say one `eventCategory` with `Equals`".to_owned();
            return Err(Error::Json { reason });
        }
    };
    Ok(TrailSelector { category, conditions })
}

impl Basic {
    /// The same as advanced selectors.
    fn selectors(self) -> Result<Vec<TrailSelector>, Error> {
        let read_only = match self.read_write_type.as_deref() {
            None | Some("All") => None,
            Some("ReadOnly") => Some("true"),
            Some("WriteOnly") => Some("false"),
            Some(other) => {
                let reason = format!("event selectors of CloudTrail: `ReadWriteType` is {}", super::quoted(other));
                return Err(Error::Json { reason });
            }
        };
        let read_only =
            read_only.map(|value| FieldSelector { equals: vec![value.to_owned()], ..FieldSelector::of("readOnly") });
        let mut selectors = Vec::new();
        if self.include_management_events {
            let mut conditions: Vec<FieldSelector> = read_only.iter().cloned().collect();
            if !self.exclude_management_event_sources.is_empty() {
                let not_equals = self.exclude_management_event_sources;
                conditions.push(FieldSelector { not_equals, ..FieldSelector::of("eventSource") });
            }
            selectors.push(TrailSelector { category: TrailCategory::Management, conditions });
        }
        for resource in self.data_resources {
            let mut conditions: Vec<FieldSelector> = read_only.iter().cloned().collect();
            conditions.push(FieldSelector { equals: vec![resource.kind], ..FieldSelector::of("resources.type") });
            // `arn:aws:s3` is every bucket.
            let is_all = resource.values.iter().any(|arn| arn.split(':').count() <= 3);
            if !is_all {
                conditions.push(FieldSelector { starts_with: resource.values, ..FieldSelector::of("resources.ARN") });
            }
            selectors.push(TrailSelector { category: TrailCategory::Data, conditions });
        }
        Ok(selectors)
    }
}
