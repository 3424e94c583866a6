//! Rules of Linux audit: a file of `/etc/audit/rules.d`, or what `auditctl -l` writes.

use std::collections::BTreeSet;

use super::{Error, MAX_ROWS, number, quoted};

/// What rules of Linux audit write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditRules {
    /// The system calls that a rule records; `all` is every one.
    pub system_calls: BTreeSet<String>,
    /// Files and folders that are watched.
    pub watches: BTreeSet<String>,
    /// Record types that are left out.
    pub excluded: BTreeSet<String>,
    /// Whether auditing is turned off (`-e 0`).
    pub is_off: bool,
}

/// The options that set something else than a rule, each with whether a value follows.
const SETTINGS: [(&str, bool); 14] = [
    ("-D", false),
    ("-b", true),
    ("-f", true),
    ("-r", true),
    ("-i", false),
    ("-c", false),
    ("--backlog_wait_time", true),
    ("--loginuid-immutable", false),
    ("--reset-lost", false),
    ("--reset_backlog_wait_time_actual", false),
    ("--signal", true),
    ("-q", true),
    ("-t", false),
    ("-v", false),
];

/// Whether a text is meant for audit rules: its first line that says something is an option of auditctl.
pub(super) fn is_one(text: &str) -> bool {
    let first = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    let word = first.and_then(|line| line.split_whitespace().next()).unwrap_or_default();
    let is_setting = SETTINGS.iter().any(|(option, _)| *option == word);
    is_setting || matches!(word, "-a" | "-A" | "-w" | "-W" | "-e" | "-d")
}

pub(super) fn read(text: &str) -> Result<AuditRules, Error> {
    let mut rules = AuditRules::default();
    for (line, text) in (1_u64..).zip(text.lines()) {
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        if rules.system_calls.len() + rules.watches.len() > MAX_ROWS {
            return Err(Error::TooLarge);
        }
        rules.line(text).map_err(|reason| Error::Line { line: number(line), reason })?;
    }
    Ok(rules)
}

impl AuditRules {
    fn line(&mut self, text: &str) -> Result<(), String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let after = |option: &str| -> Vec<&str> {
            let pairs = words.windows(2).filter(|pair| pair.first() == Some(&option));
            pairs.filter_map(|pair| pair.get(1).copied()).collect()
        };
        match words.first().copied().unwrap_or_default() {
            "-a" | "-A" => {
                let list = words.get(1).copied().unwrap_or_default();
                let has = |name: &str| list.split(',').any(|part| part == name);
                if has("exclude") {
                    let types = after("-F").into_iter().filter_map(|filter| filter.strip_prefix("msgtype="));
                    self.excluded.extend(types.map(str::to_ascii_uppercase));
                } else if has("always") && has("exit") {
                    let calls = after("-S");
                    let paths = after("-F")
                        .into_iter()
                        .filter_map(|filter| filter.strip_prefix("path=").or_else(|| filter.strip_prefix("dir=")));
                    self.watches.extend(paths.map(str::to_owned));
                    match calls.is_empty() {
                        // Without a call a rule records all of them.
                        true if self.watches.is_empty() => _ = self.system_calls.insert("all".to_owned()),
                        true => {}
                        false => {
                            self.system_calls.extend(calls.iter().flat_map(|call| call.split(',')).map(str::to_owned))
                        }
                    }
                } else if !has("never") && !has("always") {
                    return Err(format!(
                        "{} is no list and action of an audit rule, as in `always,exit`",
                        quoted(list)
                    ));
                }
                Ok(())
            }
            "-w" => match words.get(1) {
                Some(path) => {
                    self.watches.insert((*path).to_owned());
                    Ok(())
                }
                None => Err("`-w` names no file".to_owned()),
            },
            "-e" => {
                self.is_off = words.get(1) == Some(&"0");
                Ok(())
            }
            "-d" | "-W" => Ok(()),
            option if SETTINGS.iter().any(|(known, _)| *known == option) => Ok(()),
            option => Err(format!("{} is no option of audit rules", quoted(option))),
        }
    }
}
