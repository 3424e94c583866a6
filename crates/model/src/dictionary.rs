use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::EventRef;

/// Who says something of an event: the dictionaries that are read, and the table that is compiled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Dictionary {
    /// The table of this program.
    Ruleatlas,
    /// Microsoft's pages on the events of security auditing.
    MicrosoftDocs,
    /// Message strings of newer Windows manifests, a table of `provider`, `event_id` and `message`.
    ManifestMessages,
    /// Message strings that plaso collected from Windows 7.
    Plaso,
    /// OSSEM's data dictionaries.
    Ossem,
    /// Sysmon's own manifest.
    SysmonManifest,
    /// EvtxECmd's maps.
    EvtxMaps,
    /// Hayabusa's table of titles.
    Hayabusa,
    /// Events seen in the data sets of OTRF.
    OtrfObserved,
    /// Events seen in collections of EVTX files.
    EvtxObserved,
    /// The recommendations of the Joint Sigint Cyber Unit.
    JscuNl,
    /// The record types of Linux audit.
    LinuxAudit,
    /// The event types of macOS Endpoint Security.
    MacosEsf,
}

impl Dictionary {
    /// Every dictionary, with its name in data, its name on pages, and the licence of its texts.
    const TABLE: [(Self, &'static str, &'static str, &'static str); 13] = [
        (Self::Ruleatlas, "ruleatlas", "Ruleatlas", "MIT OR Apache-2.0"),
        (Self::MicrosoftDocs, "microsoft-docs", "Microsoft security auditing documentation", "CC-BY-4.0"),
        (Self::ManifestMessages, "manifest-messages", "messages of Windows manifests", "quoted"),
        (Self::Plaso, "plaso", "plaso winevt-rc", "Apache-2.0"),
        (Self::Ossem, "ossem", "OSSEM data dictionaries", "MIT"),
        (Self::SysmonManifest, "sysmon-manifest", "Sysmon manifest", "MIT"),
        (Self::EvtxMaps, "evtx-maps", "EvtxECmd maps", "MIT"),
        (Self::Hayabusa, "hayabusa", "Hayabusa rules configuration", "DRL-1.1"),
        (Self::OtrfObserved, "otrf-observed", "events of the OTRF security datasets", "MIT"),
        (Self::EvtxObserved, "evtx-observed", "events of public EVTX collections", "facts"),
        (Self::JscuNl, "jscu-nl", "JSCU-NL logging essentials", "MIT"),
        (Self::LinuxAudit, "linux-audit", "Linux audit dictionaries", "CC-BY-4.0"),
        (Self::MacosEsf, "macos-esf", "Endpoint Security event types", "facts"),
    ];

    fn row(self) -> (&'static str, &'static str, &'static str) {
        let row = Self::TABLE.iter().find(|row| row.0 == self);
        row.map_or(("", "", ""), |(_, name, title, license)| (name, title, license))
    }

    /// The name in data.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// The name on pages.
    #[must_use]
    pub fn title(self) -> &'static str {
        self.row().1
    }

    /// The licence of its texts; `facts` where it has none to license, `quoted` where single strings are quoted.
    #[must_use]
    pub fn license(self) -> &'static str {
        self.row().2
    }
}

impl fmt::Display for Dictionary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Dictionary {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let row = Self::TABLE.iter().find(|row| row.1 == name);
        row.map(|row| row.0).ok_or_else(|| format!("`{name}` is no dictionary of events"))
    }
}

/// What a dictionary says, and which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct EventDescription {
    /// The text.
    pub text: String,
    /// Who says it.
    pub by: Dictionary,
}

/// A field of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct EventField {
    /// The name as the event has it.
    pub name: String,
    /// Its type, in the dictionary's words (`UnicodeString`, `integer`).
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// What it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<EventDescription>,
    /// A value as an example.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<EventDescription>,
    /// Who names it.
    pub by: Dictionary,
}

/// What the dictionaries together say of an event. What none of them says is `None` or empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct EventEntry {
    /// Provider and id.
    #[serde(flatten)]
    pub event: EventRef,
    /// The title practitioners know it by.
    pub title: Option<EventDescription>,
    /// The Windows channel, or the log, that it is written to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<EventDescription>,
    /// What it means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<EventDescription>,
    /// The message's template, the parameters named where their names are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<EventDescription>,
    /// The level (`Informational`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<EventDescription>,
    /// The task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<EventDescription>,
    /// The opcode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opcode: Option<EventDescription>,
    /// The keywords.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keywords: Vec<EventDescription>,
    /// The versions that are known, the lowest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<String>,
    /// The audit policy or setting that turns it on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audit: Vec<EventDescription>,
    /// How much of it is to be expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<EventDescription>,
    /// An event as an example.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub example: Option<EventDescription>,
    /// Its fields, of the newest version, in the order of the event.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<EventField>,
}

impl EventEntry {
    /// An event of which nothing but its identity is known.
    #[must_use]
    pub fn blank(event: EventRef) -> Self {
        Self {
            event,
            title: None,
            channel: None,
            description: None,
            message: None,
            level: None,
            task: None,
            opcode: None,
            keywords: Vec::new(),
            versions: Vec::new(),
            audit: Vec::new(),
            volume: None,
            example: None,
            fields: Vec::new(),
        }
    }

    /// The dictionaries that say something of it, each once.
    #[must_use]
    pub fn dictionaries(&self) -> Vec<Dictionary> {
        let single =
            [&self.title, &self.channel, &self.description, &self.message, &self.level, &self.task, &self.opcode];
        let single = single.into_iter().chain([&self.volume, &self.example]).flatten();
        let told = single.chain(&self.keywords).chain(&self.audit).map(|told| told.by);
        let fields = self.fields.iter().flat_map(|field| {
            let more = field.description.iter().chain(&field.sample).map(|told| told.by);
            std::iter::once(field.by).chain(more)
        });
        let mut all: Vec<Dictionary> = told.chain(fields).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}
