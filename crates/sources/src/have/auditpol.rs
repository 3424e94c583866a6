//! The output of `auditpol /get /category:* /r`, and of `auditpol /backup`: CSV, a row a subcategory.

use super::{Error, MAX_ROWS, number, quoted};

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

/// Whether bytes in any code page hold a subcategory's GUID: all of them end alike.
pub(super) fn is_audit_policy(bytes: &[u8]) -> bool {
    const END: &[u8] = b"-69ae-11d9-bed3-505054503030";
    bytes.windows(END.len()).any(|part| part.eq_ignore_ascii_case(END))
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
    // Machine Name,Policy Target,Subcategory,Subcategory GUID,Inclusion Setting,Exclusion Setting[,Setting Value]
    let mut value_column = None;
    let mut rows: Vec<(u32, csv::StringRecord, usize)> = Vec::new();
    // A line by itself, so that an error names its line: no cell goes on in the next one.
    for (at, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let line_number = number(at);
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(line.as_bytes());
        let row = match reader.records().next() {
            Some(Ok(row)) => row,
            Some(Err(error)) => return Err(Error::Line { line: line_number, reason: format!("no CSV: {error}") }),
            None => continue,
        };
        match row.iter().position(|cell| guid(cell).is_some()) {
            Some(at) if rows.len() < MAX_ROWS => rows.push((line_number, row, at)),
            Some(_) => return Err(Error::TooLarge),
            // Behind the exclusion setting there is the value: the heads of the columns are translated, their order is not.
            None => value_column = value_column.or((row.len() == 7).then_some(6)),
        }
    }
    let targets = Targets::of(&rows);
    rows.retain(|(_, row, at)| targets.is_machine(target(row, *at)));
    let inferred = Settings::infer(rows.iter().filter_map(|(_, row, at)| row.get(at + 1)));
    let mut found = Vec::new();
    for (line, row, at) in &rows {
        let cell = |at: usize| row.get(at).unwrap_or_default();
        let name = at.checked_sub(1).map_or("", cell);
        let (success, failure) = match value_column.map(cell) {
            Some("0") => (false, false),
            Some("1") => (true, false),
            Some("2") => (false, true),
            Some("3") => (true, true),
            _ => setting(cell(at + 1)).or_else(|| inferred.get(cell(at + 1))).ok_or_else(|| {
                let reason = format!(
                    "the setting {} of {} is not known in any language that is read; use `auditpol /backup`, whose \
                     settings are numbers",
                    quoted(cell(at + 1)),
                    quoted(name)
                );
                Error::Line { line: *line, reason }
            })?,
        };
        let guid = guid(cell(*at)).unwrap_or_default();
        found.push(Subcategory { name: name.to_owned(), guid, success, failure, line: *line });
    }
    if found.is_empty() { Err(Error::Empty) } else { Ok(found) }
}

/// The policy target of a row: the machine, or an account whose own policy adds to the machine's.
fn target(row: &csv::StringRecord, guid: usize) -> &str {
    guid.checked_sub(2).and_then(|at| row.get(at)).unwrap_or_default()
}

/// Which policy targets are the machine.
struct Targets {
    /// The only target of the file, which then is the machine's whatever it is called.
    only: Option<String>,
}

impl Targets {
    /// What Windows calls the machine's own policy, in its languages.
    const MACHINE: [&'static str; 16] = [
        "",
        "system",
        "système",
        "sistema",
        "システム",
        "系统",
        "系統",
        "시스템",
        "система",
        "systeem",
        "systém",
        "sistem",
        "järjestelmä",
        "rendszer",
        "σύστημα",
        "النظام",
    ];

    fn of(rows: &[(u32, csv::StringRecord, usize)]) -> Self {
        let mut targets: Vec<&str> = rows.iter().map(|(_, row, at)| target(row, *at)).collect();
        targets.sort_unstable();
        targets.dedup();
        let only = match targets.as_slice() {
            [only] if !is_account(only) => Some((*only).to_owned()),
            _ => None,
        };
        Self { only }
    }

    fn is_machine(&self, target: &str) -> bool {
        if self.only.as_deref() == Some(target) {
            return true;
        }
        let target = target.to_lowercase();
        // A console's code page may have lost what is no ASCII letter.
        Self::MACHINE.iter().any(|name| *name == target || (name.len() > 5 && letters(name) == letters(&target)))
    }
}

/// Whether a policy target is written as accounts are: `LAB\bob`, `bob@lab.example`, a SID.
fn is_account(target: &str) -> bool {
    target.contains(['\\', '@']) || target.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("S-1-"))
}

/// A text's ASCII letters in lower case: what no code page changes.
fn letters(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_lowercase()).collect()
}

/// The settings in the languages of Windows, from `audit_settings.csv`: success and failure, success, failure, neither.
fn setting(text: &str) -> Option<(bool, bool)> {
    const OUTCOMES: [(bool, bool); 4] = [(true, true), (true, false), (false, true), (false, false)];
    if text.is_empty() {
        return Some((false, false));
    }
    let lower = text.to_lowercase();
    let rows = || include_str!("../../data/audit_settings.csv").lines().skip(1);
    let columns = |row: &'static str| row.split(',').skip(1);
    let exact = rows().find_map(|row| columns(row).position(|known| known.to_lowercase() == lower));
    // Of a Latin script enough letters are left where a console's code page has lost some.
    let skeleton = letters(text);
    let by_letters = || {
        let is_alike = |known: &str| skeleton.len() > 3 && letters(known) == skeleton;
        rows().find_map(|row| columns(row).position(is_alike))
    };
    exact.or_else(by_letters).and_then(|column| OUTCOMES.get(column).copied())
}

/// The settings of a language that no table has, from how they are made up: the one that means both names success first
/// and failure behind it.
#[derive(Default)]
struct Settings {
    both: String,
    success: String,
    failure: String,
}

impl Settings {
    fn infer<'a>(settings: impl Iterator<Item = &'a str>) -> Self {
        let mut all: Vec<String> = settings.filter(|text| !text.is_empty()).map(str::to_lowercase).collect();
        all.sort_unstable();
        all.dedup();
        // Windows has four.
        if all.len() > 4 {
            return Self::default();
        }
        for both in &all {
            let parts: Vec<&String> = all.iter().filter(|part| *part != both && both.contains(part.as_str())).collect();
            if let [one, other] = parts.as_slice() {
                let (one, other) = match both.find(one.as_str()) <= both.find(other.as_str()) {
                    true => (one, other),
                    false => (other, one),
                };
                return Self { both: both.clone(), success: (*one).clone(), failure: (*other).clone() };
            }
        }
        Self::default()
    }

    fn get(&self, text: &str) -> Option<(bool, bool)> {
        let text = text.to_lowercase();
        match () {
            () if self.both.is_empty() => None,
            () if text == self.both => Some((true, true)),
            () if text == self.success => Some((true, false)),
            () if text == self.failure => Some((false, true)),
            () => Some((false, false)),
        }
    }
}
