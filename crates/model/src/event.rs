use serde::{Deserialize, Serialize};

/// An event's identity: its provider and its id. 1 of Sysmon is not 1 of another provider.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct EventRef {
    /// The short name practitioners use (`Sysmon`, `Security-Auditing`, `PowerShell`).
    pub provider: String,
    /// The id in the provider's own words (`1`, `ConsoleLogin`).
    pub event_id: String,
}

/// That a rule reads an event, and how that is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct EventLink {
    /// The event.
    #[serde(flatten)]
    pub event: EventRef,
    /// `true` when the rule writes the event id itself, `false` when its log source implies the event.
    pub explicit: bool,
    /// Why: the predicate or log source that says so.
    pub why: String,
}
