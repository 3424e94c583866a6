//! Terraform: resources that deploy scheduled and near-real-time rules of Sentinel, custom detections of Defender, and
//! saved searches.

use ruleatlas_core::BUDGET;
use ruleatlas_model::Diagnostic;
use ruleatlas_yaml::{Node, Style, Value};

use super::{
    File, hcl, no_rule,
    object::{self, Object},
};
use crate::{Draft, Outcome};

pub(super) fn read(file: File<'_>, sink: &mut dyn FnMut(Draft<'_>)) -> Outcome {
    let (blocks, error) = hcl::blocks(file.text);
    let values = hcl::values(&blocks);
    let mut computed = 0_usize;
    let mut found: Vec<(String, bool, Node<'static>)> = Vec::new();
    for block in blocks.iter().filter(|block| block.kind == "resource") {
        let [kind, name] = block.labels.as_slice() else { continue };
        let tree = hcl::resolved(&block.body, &values, 0);
        // `azapi_resource` says in `type` what it is, and in `body` what the API is sent.
        let api = object::get(&tree, "type").and_then(Node::text).unwrap_or_default().to_ascii_lowercase();
        let is_rule = kind.contains("alert_rule") || kind.contains("detection_rule") || api.contains("alertrules@");
        let is_hunt = kind.contains("saved_search") || api.contains("savedsearches@");
        if !is_rule && !is_hunt {
            continue;
        }
        let tree = match object::get(&tree, "body").filter(|body| body.entries().is_some()) {
            Some(body) => Node { line: tree.line, ..body.clone() },
            None => tree,
        };
        match Object::resource(&tree, is_hunt, Some(String::new())).query() {
            Some(query) if !is_computed(query) => found.push((format!("{kind}.{name}"), is_hunt, tree)),
            Some(_) => computed += 1,
            None => {}
        }
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
    for (place, (address, is_hunt, tree)) in found.into_iter().enumerate() {
        let object = Object::resource(&tree, is_hunt, Some(address));
        object::draft(file, &object, (place, count), std::mem::take(&mut said), sink);
    }
    match (count, computed) {
        (0, 0) => no_rule("Terraform without a rule"),
        (0, _) => no_rule("Terraform whose rules have their query in another file or compute it"),
        _ => Outcome::Rules,
    }
}

/// Whether an expression stands where the query should: `file("a.kql")`, `each.value.query`.
fn is_computed(query: &Node<'_>) -> bool {
    let text = query.text().unwrap_or_default().trim();
    let is_one_template =
        text.starts_with("${") && text.ends_with('}') && !text.contains('\n') && text.matches("${").count() == 1;
    matches!(query.value, Value::Scalar(_, Style::Plain)) || is_one_template
}
