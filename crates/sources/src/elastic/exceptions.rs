//! The exceptions of a rule: items of the lists that its `exceptions_list` names. Kibana exports the items in the same
//! file, a line each. A rule does not fire where all entries of an item hold, so every item excludes.

use std::collections::BTreeMap;

use ruleatlas_model::{Diagnostic, Node, Op, Predicate, Span};

use super::{
    filters,
    table::{File, Table, Value},
};

/// How many entries of exceptions the rules of a file get together. A shared list stands with each of its rules.
const MAX_ENTRIES: usize = 100_000;
/// Deeper `nested` entries are opaque.
const DEPTH_LIMIT: u32 = 4;

/// The items of the exception lists of a file.
#[derive(Default)]
pub(super) struct Exceptions<'t, 'a> {
    by_list: BTreeMap<&'t str, Vec<&'t Value<'a>>>,
    used: usize,
}

/// Whether a table is an item of an exception list.
pub(super) fn is_item(table: Table<'_, '_>) -> bool {
    table.text("list_id").is_some() && table.get("entries").is_some()
}

impl<'t, 'a> Exceptions<'t, 'a> {
    /// Those among the records of a file.
    pub fn among(records: impl IntoIterator<Item = &'t Value<'a>>) -> Self {
        let mut exceptions = Self::default();
        for record in records {
            let Some(table) = record.table().filter(|table| is_item(*table)) else { continue };
            if let Some(list) = table.text("list_id") {
                exceptions.by_list.entry(list).or_default().push(record);
            }
        }
        exceptions
    }

    /// What the exceptions of a rule leave, all of it at `place`; nothing where it has none.
    pub fn of(
        &mut self,
        file: File<'_>,
        rule: Table<'_, '_>,
        place: Span,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Vec<Node> {
        let mut nodes = Vec::new();
        for list in rule.tables("exceptions_list") {
            let Some(name) = list.text("list_id") else { continue };
            let Some(items) = self.by_list.get(name) else {
                // The endpoint's list belongs to an installation, and no rule is published with it.
                let is_shared = list.text("type") == Some("endpoint");
                let said = if is_shared { Diagnostic::note } else { Diagnostic::warning };
                let message = format!(
                    "the items of the exception list `{name}` are not in the file, so what it excludes is missing; \
                     export the rule with its exceptions"
                );
                let line = file.line(rule.get("exceptions_list").map_or(0, |value| value.at));
                diagnostics.push(said("exception list not in the file", message).on_line(line));
                continue;
            };
            let mut reader = Reader { file, place, diagnostics: Vec::new() };
            for item in items {
                let entries = item.table().map(|table| table.items("entries")).unwrap_or_default();
                self.used += entries.len();
                if self.used > MAX_ENTRIES {
                    let reason = format!("more than {MAX_ENTRIES} entries of exceptions in a file");
                    nodes.push(Node::opaque(name, reason, place).not());
                    break;
                }
                let entries: Vec<Node> = entries.iter().map(|entry| reader.entry(entry, "", 0)).collect();
                if !entries.is_empty() {
                    nodes.push(Node::all(entries).not());
                }
            }
            diagnostics.extend(reader.diagnostics);
        }
        nodes
    }
}

struct Reader<'f> {
    file: File<'f>,
    place: Span,
    diagnostics: Vec<Diagnostic>,
}

impl Reader<'_> {
    /// An entry of an item: `field`, how it is compared, and whether `excluded` turns that round.
    fn entry(&mut self, entry: &Value<'_>, outer: &str, depth: u32) -> Node {
        let Some(table) = entry.table() else { return self.opaque(entry, "entry is no table") };
        let Some(field) = table.text("field") else { return self.opaque(entry, "entry without a field") };
        let field = if outer.is_empty() { field.to_owned() } else { format!("{outer}.{field}") };
        let values: Vec<String> = table.items("value").iter().filter_map(Value::scalar).collect();
        let predicate = |op: Op, values: Vec<String>| {
            let mut predicate = Predicate { span: self.place, ..Predicate::new(&*field, op, values) };
            predicate.case_sensitive = !op.is_presence() && op != Op::InList;
            predicate
        };
        let node: Node = match (table.text("type").unwrap_or_default(), values.as_slice()) {
            ("match", [_]) => predicate(Op::Eq, values).into(),
            ("match_any", [_]) => predicate(Op::Eq, values).into(),
            ("match_any", [_, ..]) => predicate(Op::In, values).into(),
            ("exists", _) => predicate(Op::IsNotNull, Vec::new()).into(),
            ("wildcard", [_, ..]) => {
                let mut alternatives = Vec::with_capacity(values.len());
                for value in &values {
                    let folded = filters::wildcard(self.file, value, entry, &mut self.diagnostics);
                    let values = if folded.op.is_presence() { Vec::new() } else { vec![folded.value] };
                    let mut predicate = Predicate { span: self.place, ..Predicate::new(&*field, folded.op, values) };
                    predicate.case_sensitive = !folded.op.is_presence();
                    alternatives.push(Node::from(predicate));
                }
                Node::any(alternatives)
            }
            ("list", _) => match table.table("list").and_then(|list| list.text("id")) {
                Some(list) => predicate(Op::InList, vec![list.to_owned()]).into(),
                None => self.opaque(entry, "value list without an id"),
            },
            ("nested", _) if depth < DEPTH_LIMIT => {
                let entries = table.items("entries").iter().map(|inner| self.entry(inner, &field, depth + 1));
                let entries: Vec<Node> = entries.collect();
                if entries.is_empty() { self.opaque(entry, "nested entry without entries") } else { Node::all(entries) }
            }
            _ => self.opaque(entry, "entry of a type that is not known"),
        };
        if table.text("operator") == Some("excluded") { node.not() } else { node }
    }

    fn opaque(&self, entry: &Value<'_>, reason: &'static str) -> Node {
        Node::opaque(entry.written(self.file), format!("exception: {reason}"), self.place)
    }
}
