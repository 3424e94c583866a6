//! Terraform: resources that deploy scheduled and near-real-time rules of Sentinel, custom detections of Defender, and
//! saved searches.

use std::borrow::Cow;

use ruleatlas_core::{BUDGET, Context};
use ruleatlas_model::Diagnostic;
use ruleatlas_yaml::{Node, Style, Value};

use super::{
    File, elsewhere, hcl, no_rule,
    object::{self, Object},
};
use crate::{Draft, Outcome, files::sibling_path};

pub(super) fn read(file: File<'_>, context: &dyn Context, sink: &mut dyn FnMut(Draft<'_>)) -> Outcome {
    let (blocks, error) = hcl::blocks(file.text);
    let values = hcl::values(&blocks);
    let mut found: Vec<Found> = Vec::new();
    for block in &blocks {
        let (kind, name) = match (block.kind.as_str(), block.labels.as_slice()) {
            ("resource", [kind, name]) => (kind.as_str(), name),
            // A module of someone's own that is handed a query.
            ("module", [name]) => ("module", name),
            _ => continue,
        };
        let tree = hcl::resolved(&block.body, &values, 0);
        // `azapi_resource` says in `type` what it is, and in `body` what the API is sent.
        let api = object::get(&tree, "type").and_then(Node::text).unwrap_or_default().to_ascii_lowercase();
        let is_rule = kind.contains("alert_rule") || kind.contains("detection_rule") || api.contains("alertrules@");
        let is_given_query = || {
            let query = Object::resource(&tree, false, Some(String::new())).query().and_then(Node::text);
            query.is_some_and(|query| object::is_piped(file, query))
        };
        let is_rule = is_rule || kind == "module" && is_given_query();
        let is_hunt = kind.contains("saved_search") || api.contains("savedsearches@");
        if !is_rule && !is_hunt {
            continue;
        }
        let mut tree = match object::get(&tree, "body").filter(|body| body.entries().is_some()) {
            Some(body) => Node { line: tree.line, ..body.clone() },
            None => tree,
        };
        let Some(query) = Object::resource(&tree, is_hunt, Some(String::new())).query().cloned() else { continue };
        let mut elsewhere = None;
        if is_computed(&query) {
            let written = query.text().unwrap_or_default().trim();
            let text = elsewhere::path(written).and_then(|path| context.module(&sibling_path(file.path, path)));
            elsewhere = text.is_none().then(|| written.lines().next().unwrap_or_default().to_owned());
            put_query(&mut tree, &query, text.unwrap_or_default());
        }
        found.push(Found { address: format!("{kind}.{name}"), is_hunt, tree, elsewhere });
    }
    let mut said = Vec::new();
    if let Some(line) = error {
        let message = format!("the file cannot be read as Terraform from line {line} on");
        if found.is_empty() {
            return Outcome::Unreadable(message, Some(line));
        }
        said.push(Diagnostic::error("unreadable part", message).on_line(line));
    }
    if let Some(message) = values.fault() {
        said.push(Diagnostic::error(BUDGET, message));
    }
    let count = found.len();
    for (place, Found { address, is_hunt, tree, elsewhere }) in found.into_iter().enumerate() {
        let object = Object::resource(&tree, is_hunt, Some(address)).with_query_elsewhere(elsewhere);
        object::draft(file, &object, (place, count), std::mem::take(&mut said), sink);
    }
    if count == 0 { no_rule("Terraform without a rule") } else { Outcome::Rules }
}

/// A resource that deploys a rule or a saved search.
struct Found {
    address: String,
    is_hunt: bool,
    tree: Node<'static>,
    /// The expression that stands where the query should.
    elsewhere: Option<String>,
}

/// Puts a text in the place of the query.
fn put_query(node: &mut Node<'static>, query: &Node<'static>, text: &str) {
    if node == query {
        node.value = Value::Scalar(Cow::Owned(text.to_owned()), Style::Quoted);
        return;
    }
    match &mut node.value {
        Value::Scalar(..) => {}
        Value::Sequence(items) => items.iter_mut().for_each(|item| put_query(item, query, text)),
        Value::Mapping(entries) => entries.iter_mut().for_each(|(_, value)| put_query(value, query, text)),
    }
}

/// Whether an expression stands where the query should: `file("a.kql")`, `each.value.query`.
fn is_computed(query: &Node<'_>) -> bool {
    let text = query.text().unwrap_or_default().trim();
    let is_one_template =
        text.starts_with("${") && text.ends_with('}') && !text.contains('\n') && text.matches("${").count() == 1;
    matches!(query.value, Value::Scalar(_, Style::Plain)) || is_one_template
}
