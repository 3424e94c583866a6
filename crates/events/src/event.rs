use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

/// What a shape makes of a record.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Event {
    /// The shape's name; `None` where no shape fits, and the fields are the record itself.
    pub shape: Option<String>,
    /// Whose names the fields have, as the taxonomy calls the vocabulary.
    pub vocabulary: Option<String>,
    /// Who wrote it, as the record says (`Microsoft-Windows-Sysmon`).
    pub provider: Option<String>,
    /// The event's id or name at its provider.
    pub event_id: Option<String>,
    /// The channel or service.
    pub channel: Option<String>,
    /// When it happened.
    pub time: Option<Timestamp>,
    /// On which host.
    pub host: Option<String>,
    /// The platform of the host, where the record says it in so many words.
    pub platform: Option<String>,
    /// The event's own fields, named and nested as the record has them.
    pub fields: Map<String, Value>,
}
