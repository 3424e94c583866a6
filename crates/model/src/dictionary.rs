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
    /// A user's own table of events.
    OwnTable,
    /// The operations of AWS's services, which CloudTrail records.
    AwsOperations,
    /// The operations of Azure's resource providers.
    AzureOperations,
    /// Azure Monitor's tables.
    AzureMonitorTables,
    /// The categories of Azure's resource logs.
    AzureResourceLogs,
    /// Defender's tables for advanced hunting.
    DefenderTables,
    /// Action types of Defender's `DeviceEvents`.
    DefenderActionTypes,
    /// Entra's audit activities.
    EntraAudit,
    /// Entra's risk detections.
    EntraRisk,
    /// Operations of the Microsoft 365 audit log.
    Microsoft365Audit,
    /// Record types of the Microsoft 365 audit log.
    Microsoft365RecordTypes,
    /// Microsoft 365's policies of anomalies.
    Microsoft365Alerts,
    /// Operations of Fabric and Power BI.
    FabricOperations,
    /// Operations of Power Apps.
    PowerAppsOperations,
    /// The methods of Google's services, which Cloud Audit Logs record.
    GcpMethods,
    /// Google Workspace's activity events.
    GoogleWorkspace,
    /// Requests to the API of Kubernetes.
    KubernetesApi,
    /// Actions of GitHub's audit log.
    GithubAudit,
    /// Okta's event types.
    OktaEvents,
    /// osquery's tables.
    Osquery,
    /// The system calls and other events that Falco sees.
    FalcoEvents,
    /// Zeek's logs.
    ZeekLogs,
    /// The events of Sysmon for Linux.
    SysmonForLinux,
    /// OpenCanary's log types.
    Opencanary,
    /// The event types of SentinelOne's Cloud Funnel.
    SentinelOne,
    /// Events of online services in the unit tests of Panther's rules.
    PantherTests,
    /// Events as samples, each with where it comes from.
    Samples,
}

/// What stands behind a dictionary: its name in data, its name on pages, the licence of its texts.
type DictionaryRow = (Dictionary, &'static str, &'static str, &'static str);

impl Dictionary {
    /// Every dictionary, in the order of the enumeration.
    const TABLE: [DictionaryRow; 40] = [
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
        (Self::OwnTable, "own-table", "a table of events of one’s own", "its owner’s"),
        (Self::AwsOperations, "aws-operations", "AWS API models and data sets of CloudTrail", "Apache-2.0, MIT"),
        (Self::AzureOperations, "azure-operations", "iam-dataset", "MIT"),
        (Self::AzureMonitorTables, "azure-monitor-tables", "Azure Monitor table reference", "CC-BY-4.0"),
        (Self::AzureResourceLogs, "azure-resource-logs", "Azure Monitor resource log reference", "CC-BY-4.0"),
        (Self::DefenderTables, "defender-tables", "Microsoft Defender XDR schema reference", "CC-BY-4.0"),
        (Self::DefenderActionTypes, "defender-action-types", "Google SecOps parser documentation", "CC-BY-4.0"),
        (Self::EntraAudit, "entra-audit", "Microsoft Entra audit activity reference", "CC-BY-4.0"),
        (Self::EntraRisk, "entra-risk", "Microsoft Graph risk detection reference", "CC-BY-4.0"),
        (Self::Microsoft365Audit, "microsoft365-audit", "Microsoft 365 audit log documentation", "CC-BY-4.0"),
        (
            Self::Microsoft365RecordTypes,
            "microsoft365-record-types",
            "Office 365 Management Activity API schema",
            "CC-BY-4.0",
        ),
        (Self::Microsoft365Alerts, "microsoft365-alerts", "Defender for Cloud Apps documentation", "CC-BY-4.0"),
        (Self::FabricOperations, "fabric-operations", "Microsoft Fabric operation list", "CC-BY-4.0"),
        (Self::PowerAppsOperations, "power-apps-operations", "Power Platform documentation", "CC-BY-4.0"),
        (Self::GcpMethods, "gcp-methods", "Google API definitions", "Apache-2.0, CC-BY-4.0"),
        (Self::GoogleWorkspace, "google-workspace", "Google Workspace reports documentation", "CC-BY-4.0, MIT"),
        (Self::KubernetesApi, "kubernetes-api", "Kubernetes API definition", "Apache-2.0"),
        (Self::GithubAudit, "github-audit", "GitHub documentation", "CC-BY-4.0"),
        (Self::OktaEvents, "okta-events", "Okta developer documentation", "Apache-2.0"),
        (Self::Osquery, "osquery", "osquery table specifications", "Apache-2.0"),
        (Self::FalcoEvents, "falco-events", "Falco libraries", "MIT, Apache-2.0"),
        (Self::ZeekLogs, "zeek-logs", "Zeek scripts and documentation", "BSD-3-Clause, CC-BY-4.0"),
        (Self::SysmonForLinux, "sysmon-for-linux", "Sysmon for Linux", "MIT"),
        (Self::Opencanary, "opencanary", "OpenCanary", "BSD-3-Clause"),
        (Self::SentinelOne, "sentinel-one", "Google SecOps parser documentation of SentinelOne", "CC-BY-4.0"),
        (Self::PantherTests, "panther-tests", "unit tests of panther-analysis", "Apache-2.0"),
        (Self::Samples, "samples", "sample events", "stated with each sample"),
    ];

    /// Every dictionary.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::TABLE.iter().map(|row| row.0)
    }

    /// Whether it describes events of Windows alone.
    #[must_use]
    pub fn is_of_windows(self) -> bool {
        matches!(
            self,
            Self::MicrosoftDocs
                | Self::ManifestMessages
                | Self::Plaso
                | Self::SysmonManifest
                | Self::EvtxMaps
                | Self::Hayabusa
                | Self::OtrfObserved
                | Self::EvtxObserved
                | Self::JscuNl
        )
    }

    fn row(self) -> (&'static str, &'static str, &'static str) {
        // In the order of the enumeration, as a test says.
        let row = Self::TABLE.get(self as usize);
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

/// One meaning of an event's name: several services of a cloud call an operation alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct EventCategory {
    /// The service or category, as the dictionary names it (`iam.amazonaws.com; write`).
    pub name: String,
    /// What the event means there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Who says it.
    pub by: Dictionary,
}

/// How a sample came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum SampleKind {
    /// Recorded.
    Log,
    /// From the unit test of a rule: its author may have invented values.
    Test,
    /// From documentation.
    Documentation,
}

impl SampleKind {
    /// What it is called on pages.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Log => "recorded",
            Self::Test => "from the unit test of a rule",
            Self::Documentation => "from documentation",
        }
    }
}

/// An event as it is written, as a sample.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct EventSample {
    /// The event, a JSON object.
    pub json: String,
    /// How it came about.
    pub kind: SampleKind,
    /// Where it comes from, with the licence.
    pub source: String,
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
    /// The services or categories that it belongs to, each with what it means there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<EventCategory>,
    /// An event of this kind as it is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<EventSample>,
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
            categories: Vec::new(),
            sample: None,
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
        let categories = self.categories.iter().map(|category| category.by);
        let sample = self.sample.iter().map(|_| Dictionary::Samples);
        let mut all: Vec<Dictionary> = told.chain(fields).chain(categories).chain(sample).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dictionary_has_its_row_and_its_name_in_data() {
        for (at, dictionary) in Dictionary::all().enumerate() {
            assert_eq!(dictionary as usize, at, "{dictionary}");
            assert!(!dictionary.title().is_empty() && !dictionary.license().is_empty(), "{dictionary}");
            assert_eq!(dictionary.name().parse(), Ok(dictionary));
            // The JSON of a catalog and of the API name it alike.
            assert_eq!(serde_json::to_value(dictionary).ok(), Some(dictionary.name().into()));
        }
        assert_eq!(Dictionary::all().count(), Dictionary::Samples as usize + 1);
    }
}
