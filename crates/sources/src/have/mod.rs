//! What telemetry somebody has, as files say it: a Sysmon configuration, the audit policy of Windows, rules of Linux audit,
//! event selectors of CloudTrail, diagnostic settings of Azure and Entra ID, a DeTT&CT data source administration, or a plain
//! list of events.
//!
//! [`read`] tells which of them a file is by what is in it, and reads it whole or not at all. It does not know which events
//! a setting turns on: a taxonomy says that.
//!
//! ```
//! use ruleatlas_sources::have::{self, TelemetryConfig};
//!
//! let given = have::read(b"Provider,EventID\nSysmon,1\nSecurity-Auditing,4688\n")?;
//! assert!(matches!(given, TelemetryConfig::List(events) if events.len() == 2));
//! assert!(have::read(b"").is_err());
//! # Ok::<(), have::Error>(())
//! ```

mod audit_rules;
mod auditpol;
mod cloudtrail;
mod dettect;
mod diagnostic;
mod list;
mod sysmon;

pub use audit_rules::AuditRules;
pub use auditpol::Subcategory;
pub use cloudtrail::{FieldSelector, TrailCategory, TrailSelector, TrailSelectors};
pub use dettect::Component;
pub use diagnostic::DiagnosticSettings;
pub use list::Listed;
pub use sysmon::{Filter, OnMatch, SysmonConfig};

/// Larger files are none of these.
pub const MAX_BYTES: usize = 8 * 1024 * 1024;
/// How many rows a file may have.
const MAX_ROWS: usize = 100_000;

/// What a file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TelemetryConfig {
    /// A configuration of Sysmon.
    Sysmon(SysmonConfig),
    /// The output of `auditpol /get /category:* /r`.
    AuditPolicy(Vec<Subcategory>),
    /// A data source administration of DeTT&CT.
    DataSources(Vec<Component>),
    /// Rules of Linux audit.
    AuditRules(AuditRules),
    /// Event selectors of CloudTrail.
    CloudTrail(TrailSelectors),
    /// Diagnostic settings of Azure or Entra ID.
    Diagnostic(DiagnosticSettings),
    /// A list of events.
    List(Vec<Listed>),
}

/// Why a file says nothing that can be used. Every message says where and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is nothing in it.
    #[error(
        "there is nothing in it; give a Sysmon configuration, the output of `auditpol /get /category:* /r`, rules of Linux audit, event selectors of CloudTrail, diagnostic settings of Entra ID, a DeTT&CT data source administration, or lines of `Provider,EventID`"
    )]
    Empty,
    /// It is too large.
    #[error("larger than {} MiB: none of the kinds of file that are read here", MAX_BYTES / 1024 / 1024)]
    TooLarge,
    /// It is no text.
    #[error("no text: save it as UTF-8 or UTF-16")]
    NotText,
    /// It is no whole XML.
    #[error("line {line}: no well-formed XML: {reason}")]
    Xml {
        /// The one-based line.
        line: u32,
        /// What is wrong.
        reason: String,
    },
    /// It declares a document type, as files that expand without end do.
    #[error("line {0}: a document type declaration; entities are not expanded, take it out")]
    DocumentType(u32),
    /// It is nested too deeply.
    #[error("line {0}: elements are nested too deeply")]
    TooDeep(u32),
    /// It is XML of something else.
    #[error("line {line}: the outermost element is `{found}`, and that of a Sysmon configuration is `Sysmon`")]
    NotSysmon {
        /// The one-based line.
        line: u32,
        /// The element.
        found: String,
    },
    /// Its schema version is not known.
    #[error("line {line}: a Sysmon configuration of schema version {found}; versions 2 to 4 are read")]
    Schema {
        /// The one-based line.
        line: u32,
        /// The version as written; `none` where there is none.
        found: String,
    },
    /// It is JSON that says nothing of the kind.
    #[error("{reason}")]
    Json {
        /// What is wrong.
        reason: String,
    },
    /// A line is not of the form that its file has.
    #[error("line {line}: {reason}")]
    Line {
        /// The one-based line.
        line: u32,
        /// What is wrong.
        reason: String,
    },
}

/// Reads a file.
///
/// # Errors
/// It is none of the kinds that are read, or not a whole one.
pub fn read(bytes: &[u8]) -> Result<TelemetryConfig, Error> {
    if bytes.len() > MAX_BYTES {
        return Err(Error::TooLarge);
    }
    // A console writes in a code page of its own, and what matters in an audit policy is ASCII but for the settings.
    let decode = if auditpol::is_audit_policy(bytes) { crate::decode::decode_windows } else { crate::decode };
    let text = decode(bytes.to_vec()).map_err(|_| Error::NotText)?.text;
    if text.contains('\0') {
        return Err(Error::NotText);
    }
    let text = text.trim_start_matches('\u{feff}');
    let start = text.trim_start();
    if start.is_empty() {
        return Err(Error::Empty);
    }
    if start.starts_with('<') {
        return sysmon::read(text).map(TelemetryConfig::Sysmon);
    }
    if start.starts_with(['{', '[']) {
        return json(start);
    }
    if audit_rules::is_one(start) {
        return audit_rules::read(text).map(TelemetryConfig::AuditRules);
    }
    let mut lines = start.lines().take(200);
    if lines.any(|line| line.starts_with("data_sources:") || line.starts_with("file_type:")) {
        return dettect::read(text).map(TelemetryConfig::DataSources);
    }
    if auditpol::is_one(start) {
        return auditpol::read(text).map(TelemetryConfig::AuditPolicy);
    }
    list::read(text).map(TelemetryConfig::List)
}

/// Reads JSON: what the command line of a cloud writes of its settings.
fn json(text: &str) -> Result<TelemetryConfig, Error> {
    let value: serde_json::Value =
        serde_json::from_str(text).map_err(|error| Error::Json { reason: format!("no JSON: {error}") })?;
    if cloudtrail::is_one(&value) {
        return cloudtrail::read(&value).map(TelemetryConfig::CloudTrail);
    }
    if diagnostic::is_one(&value) {
        return diagnostic::read(&value).map(TelemetryConfig::Diagnostic);
    }
    let reason = "JSON without `EventSelectors` or `AdvancedEventSelectors` (of `aws cloudtrail get-event-selectors`) and \
                  without `logs` that have a `category` (of diagnostic settings)";
    Err(Error::Json { reason: reason.to_owned() })
}

/// A line's number.
fn number(at: u64) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// A name as an error quotes it.
fn quoted(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_control()).take(80).collect();
    format!("`{text}`")
}
