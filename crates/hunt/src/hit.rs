//! What is found in events.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::sorted::StepHit;

/// A rule that holds on an event.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// The rule's id.
    pub rule: String,
    /// When it happened, in RFC 3339.
    pub time: Option<String>,
    /// On which host.
    pub host: Option<String>,
    /// In which file it stands.
    pub file: String,
    /// The record's number there.
    pub record: u64,
    /// Who wrote it, as the taxonomy calls it.
    pub provider: String,
    /// The event's id.
    pub event_id: String,
    /// Whether something that was not decided decides between hits and others.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub candidate: bool,
    /// Of a rule over several events, where they stand; the hit's own is the last of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<EventPlace>,
    /// Of a rule over several events, how many they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// The rule's indicators that held.
    pub matched: Vec<Matched>,
    /// The event's canonical fields.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub event: Map<String, Value>,
}

/// Where an event of a match stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventPlace {
    /// The file.
    pub file: String,
    /// The record's number there.
    pub record: u64,
}

/// What was found in an event.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "hits are the common case, and are handed over at once")]
pub enum Found {
    /// A rule holds.
    Hit(Hit),
    /// A step of a rule over several events holds.
    Step(Box<StepHit>),
}

/// An indicator that held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matched {
    /// The canonical field.
    pub field: String,
    /// The folded operator.
    pub op: String,
    /// The folded value.
    pub value: String,
}
