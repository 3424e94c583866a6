//! Records of the Linux audit log.

use serde_json::{Map, Value};

/// A line of the Linux audit log: `type=SYSCALL msg=audit(1364481363.243:24287): arch=c000003e exe="/bin/cat"`.
pub(crate) fn record(line: &str) -> Option<Value> {
    let start = line.find("type=").filter(|at| *at == 0 || line.starts_with("node=") || line[..*at].ends_with(' '))?;
    let (head, rest) = line.get(start..)?.split_once("msg=audit(")?;
    let (stamp, rest) = rest.split_once("):")?;
    let (seconds, serial) = stamp.split_once(':')?;
    let mut fields = Map::new();
    if let Some(node) = line.get(..start).and_then(|before| before.trim().strip_prefix("node=")) {
        fields.insert("node".to_owned(), node.into());
    }
    fields.insert("type".to_owned(), head.trim().strip_prefix("type=")?.into());
    fields.insert("msg".to_owned(), format!("audit({stamp})").into());
    fields.insert("audit_time".to_owned(), seconds.into());
    fields.insert("audit_serial".to_owned(), serial.into());
    for (name, value) in pairs(rest) {
        if !fields.contains_key(&name) {
            fields.insert(name, value.into());
        }
    }
    Some(Value::Object(fields))
}

/// The pairs `name=value` of an audit record. Values that the kernel writes in hex are texts.
fn pairs(text: &str) -> Vec<(String, String)> {
    // Enriched values follow behind a group separator, in upper case.
    let text = text.replace('\u{1d}', " ");
    let mut rest = text.trim_start();
    let mut pairs = Vec::new();
    while let Some((name, after)) = rest.split_once('=') {
        let name = name.rsplit(' ').next().unwrap_or_default().to_owned();
        let (value, next) = match after.chars().next() {
            Some(quote @ ('"' | '\'')) => match after[1..].split_once(quote) {
                Some((value, next)) => (value.to_owned(), next),
                None => (after[1..].to_owned(), ""),
            },
            _ => {
                let (value, next) = after.split_once(' ').unwrap_or((after, ""));
                (hex_text(&name, value).unwrap_or_else(|| value.to_owned()), next)
            }
        };
        // A quoted message holds pairs of its own (`msg='op=login acct="root"'`).
        if name == "msg" && value.contains('=') {
            pairs.extend(pairs_of_message(&value));
        } else {
            pairs.push((name, value));
        }
        rest = next.trim_start();
    }
    pairs
}

fn pairs_of_message(text: &str) -> Vec<(String, String)> {
    let words = text.split(' ').filter_map(|word| word.split_once('='));
    words.map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned())).collect()
}

/// The text of a value in hex, for the fields that hold texts.
fn hex_text(name: &str, value: &str) -> Option<String> {
    let is_argument = name.len() > 1 && name.starts_with('a') && name[1..].bytes().all(|byte| byte.is_ascii_digit());
    let holds_text =
        is_argument || matches!(name, "proctitle" | "cmd" | "name" | "exe" | "comm" | "cwd" | "data" | "acct");
    if !holds_text
        || value.len() < 2
        || !value.len().is_multiple_of(2)
        || !value.bytes().all(|byte| byte.is_ascii_hexdigit())
    {
        return None;
    }
    let bytes: Option<Vec<u8>> =
        (0..value.len()).step_by(2).map(|at| u8::from_str_radix(value.get(at..at + 2)?, 16).ok()).collect();
    let text = String::from_utf8(bytes?).ok()?;
    Some(text.replace('\0', " ").trim_end().to_owned())
}
