//! Events and the records that logs would hold of them.

use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::{Platform, knowledge::Image};

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A process starts.
    Process,
    /// PowerShell runs a script.
    Script,
    /// A registry value is set.
    RegistryValue,
    /// A registry key or value is deleted.
    RegistryDeletion,
    /// A file is written.
    File,
    /// A file is deleted.
    FileDeletion,
    /// A host's name is looked up.
    Dns,
    /// A connection to a host.
    Network,
    /// A service is installed.
    Service,
    /// A task is scheduled.
    Task,
    /// An account is created, changed or put into a group.
    Account,
    /// A log is cleared.
    LogCleared,
}

impl EventKind {
    /// The name in data.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Script => "script",
            Self::RegistryValue => "registry_value",
            Self::RegistryDeletion => "registry_deletion",
            Self::File => "file",
            Self::FileDeletion => "file_deletion",
            Self::Dns => "dns",
            Self::Network => "network",
            Self::Service => "service",
            Self::Task => "task",
            Self::Account => "account",
            Self::LogCleared => "log_cleared",
        }
    }
}

/// An event that a log would record.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct EmulatedEvent {
    /// What it is about.
    pub kind: EventKind,
    /// The values that decide, by the names that the record has.
    #[schema(value_type = utoipa::openapi::Object)]
    pub fields: Map<String, Value>,
    /// The names of values that the text does not say, and that a default installation would have.
    pub inferred: Vec<&'static str>,
    /// The record of a log, with what says which log it is.
    #[serde(skip)]
    pub record: Value,
}

impl EmulatedEvent {
    /// A value, where it is a text.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name)?.as_str()
    }
}

/// A process that commands are started by.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    pub image: Image,
    pub command_line: String,
    pub id: u32,
}

impl Process {
    /// Whoever runs a command line that came without its parent.
    pub fn unknown(platform: Platform) -> Self {
        let image = Image { path: String::new(), ..Image::of("", platform) };
        Self { image, command_line: String::new(), id: 0 }
    }

    pub fn is_unknown(&self) -> bool {
        self.image.path.is_empty()
    }
}

/// Makes the events of one machine.
#[derive(Debug)]
pub(crate) struct Recorder {
    pub platform: Platform,
    pub events: Vec<EmulatedEvent>,
    next_process: u32,
}

/// Events that are kept.
pub(crate) const MAX_EVENTS: usize = 5_000;
const FIRST_PROCESS: u32 = 4200;
/// The day of all events: what rules compare is the time between them.
const DAY: &str = "2026-01-01";

impl Recorder {
    pub fn new(platform: Platform) -> Self {
        Self { platform, events: Vec::new(), next_process: FIRST_PROCESS }
    }

    /// Seconds pass between events, as they do in a test.
    fn time(&self) -> String {
        let second = u32::try_from(self.events.len()).unwrap_or_default();
        format!("{DAY} {:02}:{:02}:{:02}.000", 12 + second / 3600 % 12, second / 60 % 60, second % 60)
    }

    /// A process that `parent` starts.
    pub fn process(&mut self, image: Image, command_line: &str, arguments: &[String], parent: &Process) -> Process {
        let parent = Some(parent).filter(|parent| !parent.is_unknown());
        self.next_process += 4;
        let process = Process { image, command_line: command_line.to_owned(), id: self.next_process };
        match self.platform {
            Platform::Windows => self.windows_process(&process, parent),
            Platform::Linux | Platform::Macos => self.unix_process(&process, arguments, parent),
        }
        process
    }

    fn windows_process(&mut self, process: &Process, parent: Option<&Process>) {
        let mut inferred = Vec::new();
        let mut fields = json!({
            "Image": process.image.path, "CommandLine": process.command_line, "ProcessId": process.id.to_string(),
        });
        if let (Some(parent), Some(fields)) = (parent, fields.as_object_mut()) {
            fields.insert("ParentImage".to_owned(), parent.image.path.as_str().into());
            fields.insert("ParentCommandLine".to_owned(), parent.command_line.as_str().into());
            fields.insert("ParentProcessId".to_owned(), parent.id.to_string().into());
            inferred.extend(parent.image.is_inferred.then_some("ParentImage"));
        }
        if process.image.is_inferred {
            inferred.push("Image");
        }
        if let (Some(original), Some(fields)) = (&process.image.original, fields.as_object_mut()) {
            fields.insert("OriginalFileName".to_owned(), original.as_str().into());
            inferred.push("OriginalFileName");
        }
        self.sysmon(EventKind::Process, 1, fields, inferred);
    }

    fn unix_process(&mut self, process: &Process, arguments: &[String], parent: Option<&Process>) {
        let mut inferred = Vec::new();
        if process.image.is_inferred {
            inferred.push("process.executable");
        }
        let mut fields = json!({
            "process.executable": process.image.path,
            "process.name": process.image.name(),
            "process.command_line": process.command_line,
            "process.args": arguments,
            "process.args_count": arguments.len(),
            "process.entity_id": process.id.to_string(),
        });
        if let (Some(parent), Some(fields)) = (parent, fields.as_object_mut()) {
            fields.insert("process.parent.executable".to_owned(), parent.image.path.as_str().into());
            fields.insert("process.parent.name".to_owned(), parent.image.name().into());
            fields.insert("process.parent.command_line".to_owned(), parent.command_line.as_str().into());
            fields.insert("process.parent.entity_id".to_owned(), parent.id.to_string().into());
            inferred.extend(parent.image.is_inferred.then_some("process.parent.executable"));
        }
        let head = json!({
            "event.category": ["process"], "event.type": ["start"], "event.action": "exec", "event.dataset": "endpoint.events.process",
        });
        self.endpoint(EventKind::Process, head, fields, inferred);
    }

    /// An event that Elastic's endpoint records.
    pub fn endpoint(&mut self, kind: EventKind, head: Value, fields: Value, inferred: Vec<&'static str>) {
        let common = json!({
            "@timestamp": self.time().replace(' ', "T") + "Z", "event.kind": "event", "event.module": "endpoint",
            "host.os.type": self.platform.name(), "host.name": "HOST", "host.id": "host", "agent.type": "endpoint",
        });
        self.push(kind, [common, head], fields, inferred);
    }

    /// An event that Sysmon records.
    pub fn sysmon(&mut self, kind: EventKind, id: u32, fields: Value, inferred: Vec<&'static str>) {
        self.windows(kind, ("Microsoft-Windows-Sysmon", "Microsoft-Windows-Sysmon/Operational", id), fields, inferred);
    }

    /// An event of a Windows log: its provider, channel and id.
    pub fn windows(
        &mut self,
        kind: EventKind,
        (provider, channel, id): (&str, &str, u32),
        fields: Value,
        inferred: Vec<&'static str>,
    ) {
        let head = json!({
            "EventID": id, "SourceName": provider, "Channel": channel, "Hostname": "HOST", "UtcTime": self.time(),
        });
        self.push(kind, [head, Value::Null], fields, inferred);
    }

    fn push(&mut self, kind: EventKind, heads: [Value; 2], fields: Value, inferred: Vec<&'static str>) {
        let Value::Object(fields) = fields else { return };
        if self.events.len() >= MAX_EVENTS {
            return;
        }
        let mut record = fields.clone();
        for head in heads {
            if let Value::Object(head) = head {
                record.extend(head);
            }
        }
        self.events.push(EmulatedEvent { kind, fields, inferred, record: Value::Object(record) });
    }
}
