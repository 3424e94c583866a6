//! JSON with rules: templates that deploy them (ARM), what an API or a portal exports (Graph's `detectionRules`,
//! Sentinel's analytics), Terraform in JSON, and workbooks, whose tiles show what queries find.

use ruleatlas_model::{Diagnostic, Kind};
use ruleatlas_yaml::{Node, Value};
use serde_json::Value as Json;

use super::{File, arm, comments, hcl, inferred_tags, no_rule, object};
use crate::{Draft, Outcome, bounds, tree};

/// Deeper groups of a workbook are not looked into.
const DEPTH_LIMIT: u32 = 64;
/// How many tiles of a workbook are read.
const MAX_TILES: usize = 2_000;
/// Bytes of a file that are searched in vain for the lines of its rules.
const MAX_SEARCHED: usize = 256 << 20;

pub(super) fn read(file: File<'_>, sink: &mut dyn FnMut(Draft<'_>)) -> Outcome {
    if !file.text.contains("query") && !["query", "kql"].iter().any(|word| contains_in_any_case(file.text, word)) {
        return no_rule("no query in it");
    }
    if let Err(fault) = bounds::json(file.text) {
        return Outcome::Unreadable(fault.message, Some(fault.line));
    }
    let (documents, error) = documents(file.text);
    let mut said = Vec::new();
    if let Some(error) = error {
        let line = u32::try_from(error.line()).unwrap_or(u32::MAX);
        if documents.is_empty() {
            return Outcome::Unreadable(error.to_string(), Some(line));
        }
        let message = format!("the file cannot be read from line {line} on: {error}");
        said.push(Diagnostic::error("unreadable part", message).on_line(line));
    }
    let documents = documents.into_iter().map(with_terraform_values).collect();
    let root = tree::node(Value::Sequence(documents), 1);
    let mut found = object::rules(file, &root);
    let count = found.len();
    let mut lines = Lines::of_text(file.text);
    for (place, object) in found.iter_mut().enumerate() {
        object.line = lines.of(object.words());
        object::draft(file, object, (place, count), std::mem::take(&mut said), sink);
    }
    let mut tiles = Vec::new();
    workbook(&root, 0, &mut Vec::new(), &mut tiles);
    let is_workbook = !tiles.is_empty();
    let tiles: Vec<Tile> =
        tiles.into_iter().filter(|tile| object::is_piped(file, &tile.query)).take(MAX_TILES).collect();
    hand_over(file, &tiles, sink);
    match (count + tiles.len(), is_workbook) {
        (0, true) => no_rule("a workbook without a query that is read"),
        (0, false) => no_rule("JSON without a rule"),
        _ => Outcome::Rules,
    }
}

/// The file's documents, one or one a line, up to what is no JSON.
fn documents(text: &str) -> (Vec<Node<'static>>, Option<serde_json::Error>) {
    let mut documents = Vec::new();
    for document in serde_json::Deserializer::from_str(text).into_iter::<Json>() {
        match document {
            Ok(mut document) => {
                arm::resolve(&mut document);
                documents.push(tree::of_json(document, 1));
            }
            Err(error) => return (documents, Some(error)),
        }
    }
    (documents, None)
}

/// Terraform in JSON with its variables and locals filled in.
fn with_terraform_values(document: Node<'static>) -> Node<'static> {
    if object::get(&document, "resource").is_none() {
        return document;
    }
    let block = |kind: &str, labels: Vec<String>, body: &Node<'static>| hcl::Block {
        kind: kind.to_owned(),
        labels,
        body: body.clone(),
    };
    let mut blocks: Vec<hcl::Block> = Vec::new();
    blocks.extend(object::get(&document, "locals").map(|body| block("locals", Vec::new(), body)));
    let variables = object::get(&document, "variable").and_then(Node::entries).unwrap_or_default();
    blocks.extend(
        variables.iter().filter_map(|(name, body)| Some(block("variable", vec![name.text()?.to_owned()], body))),
    );
    if blocks.is_empty() { document } else { hcl::resolved(&document, &hcl::values(&blocks), 0) }
}

fn contains_in_any_case(text: &str, word: &str) -> bool {
    text.as_bytes().windows(word.len()).any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
}

/// Finds the lines of things that stand in a text in order.
struct Lines<'t> {
    text: &'t str,
    from: usize,
    /// The one-based line of `from`.
    line: u32,
    /// Bytes that may still be searched in vain: what is not found behind `from` is looked for to the end.
    left: usize,
}

impl<'t> Lines<'t> {
    fn of_text(text: &'t str) -> Self {
        Self { text, from: 0, line: 1, left: MAX_SEARCHED }
    }

    /// The line of the first of some texts that stands in the file as JSON writes it.
    fn of<'w>(&mut self, words: impl Iterator<Item = &'w str>) -> u32 {
        for words in words {
            let Ok(written) = serde_json::to_string(words) else { continue };
            let rest = self.text.get(self.from..).unwrap_or_default();
            if rest.len() > self.left {
                break;
            }
            match rest.find(&written) {
                Some(at) => {
                    let breaks = rest.get(..at).unwrap_or_default().matches('\n').count();
                    self.line = self.line.saturating_add(u32::try_from(breaks).unwrap_or(u32::MAX));
                    self.from += at;
                    break;
                }
                None => self.left -= rest.len(),
            }
        }
        self.line
    }
}

/// A query of a workbook.
struct Tile {
    /// The titles of the groups that it lies in and its own.
    title: Vec<String>,
    query: String,
}

/// The tiles of a workbook under a node: `items` of type 3 hold a query, those of type 12 further items. A template holds
/// the whole as a text.
fn workbook(node: &Node<'_>, depth: u32, path: &mut Vec<String>, tiles: &mut Vec<Tile>) {
    if depth > DEPTH_LIMIT || tiles.len() > MAX_TILES {
        return;
    }
    match &node.value {
        Value::Sequence(items) => items.iter().for_each(|item| workbook(item, depth + 1, path, tiles)),
        Value::Mapping(entries) => {
            let title = title(node);
            let length = path.len();
            path.extend(title);
            let version = object::get(node, "version").and_then(Node::text).unwrap_or_default();
            if version.starts_with("KqlItem")
                && let Some(query) = object::get(node, "query").and_then(Node::text_or_null)
            {
                tiles.push(Tile { title: path.clone(), query: query.to_owned() });
            }
            for (key, value) in entries {
                let is_serialized = key.text().is_some_and(|key| object::plain(key) == "serializeddata");
                match value.text().filter(|_| is_serialized) {
                    Some(text) => documents(text).0.iter().for_each(|inner| workbook(inner, depth + 1, path, tiles)),
                    None => workbook(value, depth + 1, path, tiles),
                }
            }
            path.truncate(length);
        }
        Value::Scalar(..) => {}
    }
}

/// What an object of a workbook calls itself.
fn title(node: &Node<'_>) -> Option<String> {
    let own = ["title", "displayname"].into_iter().find_map(|name| object::get(node, name)?.text_or_null());
    let own = own.map(str::trim).filter(|title| !title.is_empty() && !title.starts_with('['))?;
    Some(own.to_owned())
}

/// A workbook's queries show and do not detect: they are listed, outside every count.
fn hand_over(file: File<'_>, tiles: &[Tile], sink: &mut dyn FnMut(Draft<'_>)) {
    let mut lines = Lines::of_text(file.text);
    for (place, tile) in tiles.iter().enumerate() {
        let mut rule = file.blank(Kind::Baseline);
        rule.id = format!("{}#{place}", file.id());
        rule.line = lines.of(std::iter::once(tile.query.as_str()));
        rule.title = match tile.title.as_slice() {
            [] => format!("{} ({})", file.stem(), place + 1),
            title => format!("{} ({})", file.stem(), title.join(", ")),
        };
        tile.query.clone_into(&mut rule.query);
        let message = "a query of a workbook carries no id; its place stands for it";
        rule.diagnostics.push(Diagnostic::note("id from path", message).on_line(rule.line));
        let tags = inferred_tags(&comments(&rule.query), rule.line);
        sink(Draft { rule, tags, tree: None, sources: Vec::new() });
    }
}
