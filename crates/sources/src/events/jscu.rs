//! The recommendations of JSCU-NL: which events to collect, and the group policy that turns each on.

use ruleatlas_model::Dictionary::JscuNl;
use serde_json::{Map, Value};

use super::{Read, Row, event, text::one_line, told};

pub(super) fn read(_: &str, text: &str, read: &mut Read) {
    match serde_json::from_str(text) {
        Ok(Value::Object(root)) => walk(&root, read, 0),
        Ok(_) => read.fault("no table of events"),
        Err(error) => read.fault(error),
    }
}

/// Categories hold categories hold ids.
fn walk(table: &Map<String, Value>, read: &mut Read, depth: usize) {
    for (key, value) in table {
        let Value::Object(inside) = value else { continue };
        let text = |name: &str| inside.get(name).and_then(Value::as_str).unwrap_or_default();
        if !text("provider").is_empty() {
            let mut row = Row::blank(event(text("provider"), key));
            row.channel = told(text("channel"), JscuNl);
            row.level = told(text("level"), JscuNl);
            row.title = told(&one_line(text("notes")), JscuNl).filter(|notes| notes.text.len() < 120);
            row.audit = told(&one_line(text("gpo")), JscuNl).into_iter().collect();
            read.rows.push(row);
        } else if depth < 16 {
            walk(inside, read, depth + 1);
        }
    }
}
