//! Events from a file: JSON objects one a line, one after the other over several lines, or in arrays.

use serde_json::Value;

/// A larger file is not read whole.
pub const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// What stands at a place of the file.
#[derive(Debug, PartialEq)]
pub struct Record {
    /// The one-based line on which it begins; of an element of an array, the line of the array.
    pub line: usize,
    /// The event, or why there is none.
    pub event: Result<Value, String>,
}

/// Every record of a text. What is no JSON object is said once a place, and reading goes on behind it.
pub fn read(text: &str) -> Vec<Record> {
    let mut records = Vec::new();
    let mut at = 0;
    let mut line = 1;
    while let Some(rest) = text.get(at..) {
        let blank = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '\u{feff}').len();
        line += newlines(&rest[..blank]);
        let rest = &rest[blank..];
        if rest.is_empty() {
            break;
        }
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        let length = match values.next() {
            Some(Ok(value)) => {
                let length = values.byte_offset();
                add(&mut records, line, value);
                length
            }
            Some(Err(error)) => {
                records.push(Record { line: line + error.line().saturating_sub(1), event: Err(reason(&error)) });
                skipped(rest, error.line())
            }
            None => rest.len(),
        };
        line += newlines(&rest[..length]);
        at += blank + length.max(1);
    }
    records
}

fn add(records: &mut Vec<Record>, line: usize, value: Value) {
    match value {
        Value::Object(_) => records.push(Record { line, event: Ok(value) }),
        Value::Array(items) => {
            for item in items {
                let event = if item.is_object() { Ok(item) } else { Err(not_an_object(&item)) };
                records.push(Record { line, event });
            }
        }
        other => records.push(Record { line, event: Err(not_an_object(&other)) }),
    }
}

fn not_an_object(value: &Value) -> String {
    let what = match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array in an array",
        Value::Object(_) => "an object",
    };
    format!("{what} is no event; an event is a JSON object")
}

/// The error without its place, which is counted from where the value begins.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let end = text.rfind(" at line ").unwrap_or(text.len());
    format!("not JSON: {}", &text[..end])
}

/// How much of a text is skipped after an error on its `line`: up to the next line that may begin a record.
fn skipped(rest: &str, line: usize) -> usize {
    let mut end = 0;
    for (number, text) in (1..).zip(rest.split_inclusive('\n')) {
        if number > line && text.starts_with(['{', '[']) {
            break;
        }
        end += text.len();
    }
    end
}

fn newlines(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::read;

    /// `line:event` or `line!reason` of each record.
    fn shown(text: &str) -> String {
        let records = read(text);
        let shown = records.iter().map(|record| match &record.event {
            Ok(event) => format!("{}:{event}", record.line),
            Err(reason) => format!("{}!{reason}", record.line),
        });
        shown.collect::<Vec<_>>().join(" | ")
    }

    #[test]
    fn lines_arrays_and_values_over_several_lines_are_records() {
        let cases = [
            ("{\"a\":1}\n\n{\"a\":2}\n", "1:{\"a\":1} | 3:{\"a\":2}"),
            ("\u{feff}{\"a\":1}\r\n{\"a\":2}", "1:{\"a\":1} | 2:{\"a\":2}"),
            ("{\n \"a\": 1\n}\n{\n \"a\": 2\n}\n", "1:{\"a\":1} | 4:{\"a\":2}"),
            ("[{\"a\":1}, {\"b\":2}]", "1:{\"a\":1} | 1:{\"b\":2}"),
            ("{\"a\":1} {\"a\":2}", "1:{\"a\":1} | 1:{\"a\":2}"),
            ("", ""),
            ("[]", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(shown(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_object_is_said_and_the_rest_is_read() {
        let cases = [
            ("5\n{\"a\":1}", "1!a number is no event; an event is a JSON object | 2:{\"a\":1}"),
            (
                "null\n\"x\"\ntrue",
                "1!null is no event; an event is a JSON object | 2!a text is no event; an event is a JSON object | 3!a boolean is no event; an event is a JSON object",
            ),
            (
                "[1, {\"a\":1}, [2]]",
                "1!a number is no event; an event is a JSON object | 1:{\"a\":1} | 1!an array in an array is no event; an event is a JSON object",
            ),
            ("{\"a\":1}\n{\"a\": oops}\n{\"a\":2}", "1:{\"a\":1} | 2!not JSON: expected value | 3:{\"a\":2}"),
            ("{\"a\":1}\nnonsense\n{\"a\":2}", "1:{\"a\":1} | 2!not JSON: expected ident | 3:{\"a\":2}"),
        ];
        for (text, expected) in cases {
            assert_eq!(shown(text), expected, "{text:?}");
        }
        let deep = format!("{}\n{{\"a\":1}}", "[".repeat(100_000));
        assert_eq!(read(&deep).len(), 2);
    }
}
