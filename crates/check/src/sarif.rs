//! Findings as a log of the format SARIF 2.1.0 (OASIS), which code hosts show in pull requests.

use ruleatlas_model::Level;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    code::{CODES, Code},
    finding::Finding,
};

/// The log of one run.
#[derive(Debug, Serialize)]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run<'a>; 1],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'a> {
    tool: Tool,
    results: Vec<Outcome<'a>>,
    column_kind: &'static str,
}

#[derive(Debug, Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: &'static str,
    version: &'static str,
    information_uri: &'static str,
    rules: Vec<Descriptor>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    id: &'static str,
    name: String,
    short_description: Message<'static>,
    full_description: Message<'static>,
    default_configuration: Configuration,
    help_uri: String,
}

#[derive(Debug, Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Debug, Serialize)]
struct Message<'a> {
    text: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome<'a> {
    rule_id: &'a str,
    rule_index: usize,
    level: &'static str,
    message: OwnedMessage,
    locations: [Location; 1],
    properties: Value,
}

#[derive(Debug, Serialize)]
struct OwnedMessage {
    text: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: Physical,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Physical {
    artifact_location: Artifact,
    region: Region,
}

#[derive(Debug, Serialize)]
struct Artifact {
    uri: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: u32,
    start_column: u32,
    byte_offset: usize,
    byte_length: usize,
}

/// Findings as the text of a SARIF log.
#[must_use]
pub fn sarif(findings: &[Finding]) -> String {
    let log = Log {
        schema: "https://json.schemastore.org/sarif-2.1.0.json",
        version: "2.1.0",
        runs: [Run {
            tool: Tool {
                driver: Driver {
                    name: "ruleatlas",
                    version: env!("CARGO_PKG_VERSION"),
                    information_uri: env!("CARGO_PKG_REPOSITORY"),
                    rules: CODES.iter().map(descriptor).collect(),
                },
            },
            results: findings.iter().map(outcome).collect(),
            column_kind: "unicodeCodePoints",
        }],
    };
    serde_json::to_string_pretty(&log).unwrap_or_default()
}

fn descriptor(code: &Code) -> Descriptor {
    Descriptor {
        id: code.code,
        name: name(code.title),
        short_description: Message { text: code.title },
        full_description: Message { text: code.description },
        default_configuration: Configuration { level: crate::level_name(code.level) },
        help_uri: format!(
            "{}/blob/main/docs/checks.md#{}",
            env!("CARGO_PKG_REPOSITORY"),
            format!("{} {}", code.code, code.title).to_lowercase().replace(' ', "-")
        ),
    }
}

/// `Query is not understood` as `QueryIsNotUnderstood`.
fn name(title: &str) -> String {
    let upper = |word: &str| {
        let mut characters = word.chars().filter(|character| character.is_alphanumeric());
        characters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(characters).collect::<String>()
    };
    title.split(' ').map(upper).collect()
}

fn outcome(finding: &Finding) -> Outcome<'_> {
    Outcome {
        rule_id: finding.code,
        rule_index: CODES.iter().position(|code| code.code == finding.code).unwrap_or_default(),
        level: match finding.level {
            Level::Note => "note",
            Level::Warning => "warning",
            Level::Error => "error",
        },
        message: OwnedMessage { text: format!("{}; {}", finding.message, finding.help) },
        locations: [Location {
            physical_location: Physical {
                artifact_location: Artifact { uri: uri(&finding.file) },
                region: Region {
                    start_line: finding.line.max(1),
                    start_column: finding.column.max(1),
                    byte_offset: finding.span[0],
                    byte_length: finding.span[1].saturating_sub(finding.span[0]),
                },
            },
        }],
        properties: json!({ "rule": finding.rule, "evidence": finding.evidence }),
    }
}

/// A path as a relative reference: what a reference may not hold is written as its bytes.
fn uri(path: &str) -> String {
    let mut written = String::with_capacity(path.len());
    for byte in path.replace('\\', "/").bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                written.push(char::from(byte))
            }
            other => {
                written.push('%');
                written
                    .extend([other >> 4, other & 15].map(|digit| char::from(b"0123456789ABCDEF"[usize::from(digit)])));
            }
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_reference() {
        assert_eq!(uri("rules\\a b/ä#1.yml"), "rules/a%20b/%C3%A4%231.yml");
        assert_eq!(name("Query is not understood"), "QueryIsNotUnderstood");
    }
}
