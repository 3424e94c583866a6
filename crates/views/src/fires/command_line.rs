//! A command line as the events that it would be recorded as.

use ruleatlas_emulate::{EmulatedEvent, emulate_command_line};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::CommandPlatform;

/// The process of a command line.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct CommandEvent {
    /// The platform.
    pub platform: CommandPlatform,
    /// The values of the event that decide, by the names that the record has.
    #[schema(value_type = utoipa::openapi::Object)]
    pub fields: Map<String, Value>,
    /// Which of them are inferred: the command line does not say them.
    pub inferred: Vec<&'static str>,
}

/// The process of a command line, and the records of everything that the command line says: commands inside it, hosts,
/// files and registry values. `None` where it names no program.
pub(super) fn command_events(text: &str, platform: CommandPlatform) -> Option<(CommandEvent, Vec<Value>)> {
    let events = emulate_command_line(text, platform).events;
    let EmulatedEvent { fields, inferred, .. } = events.first()?.clone();
    let records = events.into_iter().map(|event| event.record).collect();
    Some((CommandEvent { platform, fields, inferred }, records))
}
