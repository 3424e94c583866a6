use serde::{Deserialize, Serialize};

/// One way to detect a technique, as ATT&CK has it from version 18 on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Analytic {
    /// `AN0110`.
    pub id: String,
    /// ATT&CK's page about it.
    pub url: String,
    /// The id of its detection strategy (`DET0039`).
    pub strategy: String,
    /// The strategy's name.
    pub strategy_name: String,
    /// ATT&CK's text, Markdown.
    pub description: String,
    /// ATT&CK's platforms.
    pub platforms: Vec<String>,
    /// What it reads.
    pub log_sources: Vec<LogSourceReference>,
}

/// A log that an analytic reads, in ATT&CK's words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct LogSourceReference {
    /// The data component (`Process Creation`); empty where the bundles do not hold it.
    pub component: String,
    /// The log (`WinEventLog:Security`).
    pub name: String,
    /// What of it (`EventCode=4688`), or what to look for in a sentence; empty where ATT&CK says nothing.
    pub channel: String,
}
