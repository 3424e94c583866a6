//! The output of `auditpol /get /category:* /r`, and of `auditpol /backup`: CSV, a row a subcategory.

use super::{Error, number, quoted};

/// A subcategory of the audit policy, and what of it is audited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subcategory {
    /// The name, in the language of that Windows.
    pub name: String,
    /// The GUID in upper case, without braces: the same everywhere.
    pub guid: String,
    /// Whether success is audited.
    pub success: bool,
    /// Whether failure is audited.
    pub failure: bool,
    /// The one-based line.
    pub line: u32,
}

/// Whether a text looks like one.
pub(super) fn is_one(text: &str) -> bool {
    let head: Vec<&str> = text.lines().take(5).collect();
    head.iter().any(|line| line.contains("Subcategory GUID") || guid(line).is_some())
}

/// The GUID in a row.
fn guid(line: &str) -> Option<String> {
    line.split(',').find_map(|cell| {
        let inside = cell.trim().trim_matches('"').strip_prefix('{')?.strip_suffix('}')?;
        let is_guid = inside.len() == 36 && inside.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
        is_guid.then(|| inside.to_ascii_uppercase())
    })
}

pub(super) fn read(text: &str) -> Result<Vec<Subcategory>, Error> {
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    // Machine Name,Policy Target,Subcategory,Subcategory GUID,Inclusion Setting,Exclusion Setting[,Setting Value]
    let mut value_column = None;
    let mut found = Vec::new();
    for row in reader.records() {
        let row = row.map_err(|error| {
            let line = number(error.position().map_or(1, csv::Position::line));
            Error::Line { line, reason: format!("no CSV: {error}") }
        })?;
        let line = number(row.position().map_or(1, csv::Position::line));
        let at = row.iter().position(|cell| guid(cell).is_some());
        let Some(at) = at else {
            value_column = value_column.or_else(|| row.iter().position(|cell| cell == "Setting Value"));
            continue;
        };
        let cell = |at: usize| row.get(at).unwrap_or_default();
        let name = if at == 0 { "" } else { cell(at - 1) };
        let (success, failure) = match value_column.map(cell) {
            Some("0") => (false, false),
            Some("1") => (true, false),
            Some("2") => (false, true),
            Some("3") => (true, true),
            _ => setting(cell(at + 1)).ok_or_else(|| {
                let reason = format!(
                    "the setting {} of {} is none of `Success and Failure`, `Success`, `Failure`, `No Auditing`; on a \
                     Windows of another language use `auditpol /backup`, whose settings are numbers",
                    quoted(cell(at + 1)),
                    quoted(name)
                );
                Error::Line { line, reason }
            })?,
        };
        let guid = guid(cell(at)).unwrap_or_default();
        found.push(Subcategory { name: name.to_owned(), guid, success, failure, line });
    }
    if found.is_empty() { Err(Error::Empty) } else { Ok(found) }
}

fn setting(text: &str) -> Option<(bool, bool)> {
    let text = text.to_ascii_lowercase();
    match text.as_str() {
        "success and failure" | "success, failure" | "success & failure" => Some((true, true)),
        "success" => Some((true, false)),
        "failure" => Some((false, true)),
        "no auditing" | "" => Some((false, false)),
        _ => None,
    }
}
