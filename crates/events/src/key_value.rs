//! Lines of `key=value`, as people paste them from a SIEM's search.

use serde_json::{Map, Value};

/// Pairs that a line must have at least: a single `=` stands in many texts.
const MIN_PAIRS: usize = 2;
/// Pairs of a line that are read.
const MAX_PAIRS: usize = 2_000;

/// The pairs of a line that holds nothing else, as a record: `EventID=1 Image="C:\a b.exe", User=ada`. A value without quotes goes
/// on to the next blank or comma before a name with `=`. `None` where the line holds something else, or fewer than two pairs.
#[must_use]
pub fn key_values(line: &str) -> Option<Value> {
    let mut fields = Map::new();
    let mut rest = line.trim();
    while !rest.is_empty() && fields.len() < MAX_PAIRS {
        let (name, behind) = name(rest)?;
        let (value, behind) = match behind.strip_prefix('"') {
            Some(inner) => quoted(inner)?,
            None => bare(behind),
        };
        fields.insert(name.to_owned(), Value::String(value));
        rest = behind.trim_start_matches([' ', '\t', ',', ';']);
    }
    (fields.len() >= MIN_PAIRS).then_some(Value::Object(fields))
}

/// A name with `=` behind it, and what follows.
fn name(text: &str) -> Option<(&str, &str)> {
    let (name, behind) = text.split_once('=')?;
    let is_plain = |character: char| character.is_alphanumeric() || "._-@:{}[]".contains(character);
    (!name.is_empty() && name.chars().all(is_plain)).then_some((name, behind))
}

/// A value to the closing quote; a backslash stands for itself but before a quote, as in paths.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' if characters.peek().is_some_and(|(_, next)| *next == '"') && !is_end(text, at + 2) => {
                characters.next();
                value.push('"');
            }
            '"' => return Some((value, text.get(at + 1..).unwrap_or_default())),
            _ => value.push(character),
        }
    }
    None
}

/// Whether a quote before this place ends a value: nothing or another pair follows, as behind `"C:\Users\"`.
fn is_end(text: &str, at: usize) -> bool {
    let behind = text.get(at..).unwrap_or_default();
    let next = behind.trim_start_matches([' ', '\t', ',', ';']);
    next.is_empty() || (next.len() < behind.len() && name(next).is_some())
}

/// A value without quotes: to the blank or comma before the next pair.
fn bare(text: &str) -> (String, &str) {
    let ends = text.match_indices([' ', '\t', ',', ';']).map(|(at, _)| at);
    for at in ends {
        let behind = text.get(at..).unwrap_or_default().trim_start_matches([' ', '\t', ',', ';']);
        if name(behind).is_some() {
            return (text.get(..at).unwrap_or_default().to_owned(), behind);
        }
    }
    (text.trim_end_matches([',', ';']).to_owned(), "")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::key_values;

    #[test]
    fn pairs_are_a_record() {
        for (line, expected) in [
            (
                r#"EventID=1 Image="C:\a b.exe", User=ada"#,
                json!({"EventID": "1", "Image": r"C:\a b.exe", "User": "ada"}),
            ),
            (r#"a="x \"y\" z" b="C:\Users\" c="#, json!({"a": "x \"y\" z", "b": r"C:\Users\", "c": ""})),
            ("CommandLine=cmd.exe /c dir host=h1", json!({"CommandLine": "cmd.exe /c dir", "host": "h1"})),
            ("a.b=1;c=2;", json!({"a.b": "1", "c": "2"})),
        ] {
            assert_eq!(key_values(line), Some(expected), "{line}");
        }
    }

    #[test]
    fn other_lines_are_none() {
        for line in ["", "a=b", "one line of text", "see a=b and c=d", "a=\"open b=c", "=x b=c", "<a b=c d=e>"] {
            assert_eq!(key_values(line), None, "{line}");
        }
    }
}
