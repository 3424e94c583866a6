//! Rules as objects: YAML documents, JSON of templates and APIs, resources of Terraform and Bicep. Whatever they are
//! written in, they are read from one kind of tree and by the same keys, in any case.

use std::borrow::Cow;

use ruleatlas_model::{DataSource, Diagnostic, Kind, ParseStatus, Severity, SourceKind, Status, Vendor};
use ruleatlas_yaml::{Node, Value};

use super::{File, comments, inferred_tags};
use crate::{Draft, RawTag, attack::TagPlace, metadata};

/// Deeper parts of a file are not looked into.
const DEPTH_LIMIT: u32 = 64;

/// The keys of a rule, and the names they go by in its formats.
const TITLE: [&str; 5] = ["displayname", "rulename", "name", "title", "alerttitle"];
const DESCRIPTION: [&str; 2] = ["description", "alertdescription"];
const QUERY: [&str; 5] = ["query", "querytext", "kql", "kqlquery", "huntingquery"];
const SEVERITY: [&str; 2] = ["severity", "alertseverity"];
const TACTICS: [&str; 1] = ["tactics"];
const TECHNIQUES: [&str; 4] = ["relevanttechniques", "techniques", "subtechniques", "mitretechniques"];
/// Defender's category of an alert, which is a tactic or another word.
const CATEGORIES: [&str; 2] = ["category", "alertcategory"];
const ID: [&str; 3] = ["id", "guid", "ruleid"];
/// Objects whose keys are the rule's too.
const INNER: [&str; 4] = ["properties", "querycondition", "detectionaction", "alerttemplate"];

/// An object that holds a rule, outermost layer first: what formats put in `properties`, `queryCondition` and
/// `detectionAction.alertTemplate` are keys of the rule too.
pub(super) struct Object<'n, 'a> {
    layers: Vec<&'n Node<'a>>,
    /// Whether its kind says that it runs by itself.
    is_rule: bool,
    /// Whether a query of it is a hunter's.
    is_hunt: bool,
    /// Whether its id is an expression around the rule's, as templates compute them.
    is_template: bool,
    /// Whether it stands alone in its file's document, where any object with a query is a rule.
    is_document: bool,
    /// What the file calls it, where that tells it from the others and is no id.
    address: Option<String>,
    /// The expression that stands where the query should.
    elsewhere: Option<String>,
    /// The one-based line that it begins on.
    pub line: u32,
}

/// A key without what its spellings differ in.
pub(super) fn plain(key: &str) -> Cow<'_, str> {
    if key.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return Cow::Borrowed(key);
    }
    let letters = key.chars().filter(|character| !matches!(character, '_' | '-' | ' '));
    Cow::Owned(letters.flat_map(char::to_lowercase).collect())
}

/// The value of a key in any case.
pub(super) fn get<'n, 'a>(node: &'n Node<'a>, name: &str) -> Option<&'n Node<'a>> {
    entry(node, name).map(|(_, value)| value)
}

fn entry<'n, 'a>(node: &'n Node<'a>, name: &str) -> Option<(&'n Node<'a>, &'n Node<'a>)> {
    let is_named = |(key, _): &&(Node<'_>, Node<'_>)| key.text().is_some_and(|key| plain(key) == name);
    node.entries()?.iter().find(is_named).map(|(key, value)| (key, value))
}

impl<'n, 'a> Object<'n, 'a> {
    fn of(node: &'n Node<'a>) -> Self {
        let mut layers = vec![node];
        let mut at = 0;
        while let Some(layer) = layers.get(at).copied() {
            layers
                .extend(INNER.into_iter().filter_map(|name| get(layer, name)).filter(|node| node.entries().is_some()));
            at += 1;
            if at > 8 {
                break;
            }
        }
        let kind = get(node, "type").and_then(Node::text).unwrap_or_default().to_ascii_lowercase();
        let own_kind = get(node, "kind").and_then(Node::text).unwrap_or_default().to_ascii_lowercase();
        let is_alert_rule = kind.contains("alertrule") || kind.contains("detectionrule");
        let is_custom =
            layers.iter().any(|layer| get(layer, "querycondition").is_some() || get(layer, "querytext").is_some());
        let runs = ["scheduled", "nrt", "customdetection"].contains(&own_kind.as_str());
        Self {
            is_rule: is_alert_rule || is_custom || runs,
            is_hunt: kind.contains("savedsearches"),
            is_template: is_alert_rule || kind.contains("savedsearches"),
            is_document: false,
            address: None,
            elsewhere: None,
            line: node.line,
            layers,
        }
    }

    /// A resource that deploys a rule, or a saved search. `address` names it within its file.
    pub fn resource(node: &'n Node<'a>, is_hunt: bool, address: Option<String>) -> Self {
        let is_template = address.is_none();
        Self { is_rule: !is_hunt, is_hunt, is_template, address, ..Self::of(node) }
    }

    /// The same, where the query is an expression that is not known.
    pub fn with_query_elsewhere(self, written: Option<String>) -> Self {
        Self { elsewhere: written, ..self }
    }

    /// What its line can be found by in a text that has no places.
    pub fn words(&self) -> impl Iterator<Item = &'n str> {
        [self.text(&ID), self.text(&TITLE), self.text(&QUERY)].into_iter().filter(|text| !text.is_empty())
    }

    /// The first of some keys, in their order, that a layer has with a value.
    fn first(&self, names: &[&str]) -> Option<&'n Node<'a>> {
        names
            .iter()
            .find_map(|name| self.layers.iter().find_map(|layer| get(layer, name).filter(|node| !node.is_null())))
    }

    fn text(&self, names: &[&str]) -> &'n str {
        let texts =
            names.iter().flat_map(|name| self.layers.iter().filter_map(move |layer| get(layer, name)?.text_or_null()));
        texts.map(str::trim).find(|text| !text.is_empty()).unwrap_or_default()
    }

    /// The query's text as written; `None` where there is none.
    pub fn query(&self) -> Option<&'n Node<'a>> {
        let queries = QUERY.iter().flat_map(|name| self.layers.iter().filter_map(move |layer| get(layer, name)));
        let mut queries = queries;
        queries.find(|node| node.text_or_null().is_some_and(|text| !text.trim().is_empty()))
    }

    /// Whether something of it says that it runs by itself or was written to detect.
    fn is_marked(&self) -> bool {
        self.is_rule || self.is_hunt || self.first(&["queryfrequency", "severity", "tactics", "techniques"]).is_some()
    }
}

/// The objects under a node that hold a rule: what a template deploys, an API lists, a file of settings names.
pub(super) fn rules<'n, 'a>(file: File<'_>, root: &'n Node<'a>) -> Vec<Object<'n, 'a>> {
    let mut found = Vec::new();
    search(file, root, 0, &mut found);
    found
}

/// A document that is a rule as a whole: any with a query.
pub(super) fn document<'n, 'a>(node: &'n Node<'a>) -> Option<Object<'n, 'a>> {
    node.entries()?;
    let object = Object { is_document: true, ..Object::of(node) };
    object.query().is_some().then_some(object)
}

fn search<'n, 'a>(file: File<'_>, node: &'n Node<'a>, depth: u32, found: &mut Vec<Object<'n, 'a>>) {
    if depth > DEPTH_LIMIT {
        return;
    }
    match &node.value {
        Value::Sequence(items) => items.iter().for_each(|item| search(file, item, depth + 1, found)),
        Value::Mapping(entries) => {
            // A tile of a workbook shows; what it holds is read as that.
            if get(node, "version").and_then(Node::text).is_some_and(|version| version.starts_with("KqlItem")) {
                return;
            }
            let object = Object::of(node);
            let is_named = || !object.text(&TITLE).is_empty();
            let is_rule = object.query().and_then(Node::text).is_some_and(|query| {
                object.is_rule || object.is_hunt || (is_named() && (object.is_marked() || is_piped(file, query)))
            });
            if is_rule {
                found.push(object);
            } else {
                entries.iter().for_each(|(_, value)| search(file, value, depth + 1, found));
            }
        }
        Value::Scalar(..) => {}
    }
}

/// Whether a text is a query beyond doubt: it is read as one and has a pipe.
pub(super) fn is_piped(file: File<'_>, text: &str) -> bool {
    text.contains('|') && file.is_query(text)
}

/// Hands over the rule of an object, without a query where that stands elsewhere. `place` tells it from the others of its file, of which there are `count`.
pub(super) fn draft(
    file: File<'_>,
    object: &Object<'_, '_>,
    (place, count): (usize, usize),
    diagnostics: Vec<Diagnostic>,
    sink: &mut dyn FnMut(Draft<'_>),
) {
    let query = object.query();
    let mut rule = file.blank(kind(object));
    rule.line = object.line;
    rule.diagnostics = diagnostics;
    if query.is_none() {
        rule.parse = ParseStatus::Failed;
        let written = object.elsewhere.as_deref().unwrap_or_default();
        let message = format!("the query is `{written}`, which is computed or not among the files");
        rule.diagnostics.push(Diagnostic::error("query elsewhere", message).on_line(rule.line));
    }
    object.text(&TITLE).clone_into(&mut rule.title);
    // Descriptions are often quoted a second time inside a block.
    unquoted(object.text(&DESCRIPTION)).clone_into(&mut rule.description);
    query.and_then(Node::text).unwrap_or_default().clone_into(&mut rule.query);
    if object.is_template || !object.is_document {
        rule.query = rule.query.trim().to_owned();
    }
    if let Some(severity) = object.first(&SEVERITY) {
        match severity.text().unwrap_or_default().trim().to_lowercase().parse::<Severity>() {
            Ok(severity) => rule.severity = Some(severity),
            Err(message) => {
                let message = format!("`severity`: {message}");
                rule.diagnostics.push(Diagnostic::warning("unknown word", message).on_line(severity.line));
            }
        }
    }
    let mut tags: Vec<RawTag> = Vec::new();
    let places = [(&TACTICS[..], TagPlace::Tactic), (&TECHNIQUES, TagPlace::Technique), (&CATEGORIES, TagPlace::Any)];
    for (names, place) in places {
        for (layer, name) in object.layers.iter().flat_map(|layer| names.iter().map(move |name| (layer, name))) {
            tags.extend(get(layer, name).map(|node| metadata::attack_tags(node, place)).into_iter().flatten());
        }
    }
    tags.extend(saved_tags(object));
    rule.tags = tags.iter().filter(|tag| tag.place != TagPlace::Any).map(|tag| tag.text.trim().to_owned()).collect();
    rule.extra = extra(object, &rule.title);
    if object.text(&["status"]).eq_ignore_ascii_case("deprecated") {
        rule.status = Some(Status::Deprecated);
    }
    if rule.title.is_empty() {
        file.stem().clone_into(&mut rule.title);
    }
    identify(file, object, &mut rule, (place, count));
    tags.extend(inferred_tags(&comments(&rule.query), query.map_or(rule.line, |query| query.line)));
    tags.extend(inferred_tags(&rule.description, rule.line));
    let sources = data_types(object);
    sink(Draft { rule, tags: distinct(tags), tree: None, sources });
}

/// What the tags of a saved search say: a list of names with values (`tactics`, `techniques`), each a list in one text.
fn saved_tags(object: &Object<'_, '_>) -> Vec<RawTag> {
    let mut tags = Vec::new();
    for item in object.layers.iter().filter_map(|layer| get(layer, "tags")).flat_map(Node::items_or_self) {
        let text = |name| get(item, name).and_then(Node::text_or_null);
        let (Some(name), Some(value)) = (text("name"), text("value")) else { continue };
        let place = match plain(name).as_ref() {
            "tactics" => TagPlace::Tactic,
            name if TECHNIQUES.contains(&name) => TagPlace::Technique,
            _ => continue,
        };
        let parts = value.split(',').map(str::trim).filter(|part| !part.is_empty());
        tags.extend(parts.map(|part| RawTag::new(part, place, item.line)));
    }
    tags
}

/// Gives the rule its id: its own; of an expression the GUID in it; else the file's path.
fn identify(file: File<'_>, object: &Object<'_, '_>, rule: &mut ruleatlas_model::Rule, (place, count): (usize, usize)) {
    let own = object.text(&ID);
    let of_resource = || ["name", "id"].into_iter().find_map(|name| guid(get(object.layers.first()?, name)?.text()?));
    let id = match object.is_template || object.address.is_some() {
        true => of_resource(),
        false => (!own.is_empty() && !own.starts_with('[')).then(|| own.to_owned()),
    };
    rule.id = match (&id, &object.address) {
        (Some(id), _) => format!("{}/{id}", Vendor::Kusto),
        (None, Some(address)) => format!("{}#{address}", file.id()),
        (None, None) if count > 1 && (place > 0 || !object.is_document) => format!("{}#{place}", file.id()),
        (None, None) => file.id(),
    };
    if id.is_none() {
        let diagnostic = match object.is_template || object.address.is_some() {
            true => Diagnostic::note("id from path", "the template computes the rule's id; its path stands for it"),
            false => Diagnostic::warning("no id", "the rule has no `id`; its path stands for it"),
        };
        rule.diagnostics.push(diagnostic.on_line(rule.line));
    }
}

/// The GUID in a name, which may be an expression around it.
fn guid(name: &str) -> Option<String> {
    let is_guid = |part: &&str| {
        part.len() == 36
            && part.bytes().enumerate().all(|(at, byte)| match at {
                8 | 13 | 18 | 23 => byte == b'-',
                _ => byte.is_ascii_hexdigit(),
            })
    };
    name.split(|character: char| !character.is_ascii_alphanumeric() && character != '-')
        .find(is_guid)
        .map(str::to_owned)
}

/// What the layers hold besides what the fields of a rule do, by its own names.
fn extra(object: &Object<'_, '_>, title: &str) -> ruleatlas_model::Extra {
    let own_id = object.text(&ID);
    let known = |key: &str, value: &Node<'_>| {
        let key = plain(key);
        let is_text = |text: &str| value.text().is_none_or(|own| own.trim() == text);
        [&QUERY[..], &DESCRIPTION, &SEVERITY, &TACTICS, &TECHNIQUES, &INNER].iter().any(|names| names.contains(&&*key))
            || (TITLE.contains(&&*key) && is_text(title))
            || (ID.contains(&&*key) && is_text(own_id))
    };
    // Of a template's resource only the properties are the rule's.
    let layers = object.layers.iter().skip(usize::from(object.is_template && object.layers.len() > 1));
    let mut extra = ruleatlas_model::Extra::default();
    for (key, value) in layers.flat_map(|layer| layer.entries().unwrap_or_default()) {
        let Some(key) = key.text().filter(|key| !known(key, value)) else { continue };
        if !value.is_null() || object.is_document {
            extra.insert(key, &metadata::Json(value));
        }
    }
    extra
}

/// Each tag once; what metadata says comes first.
pub(super) fn distinct(tags: Vec<RawTag>) -> Vec<RawTag> {
    let mut seen = rustc_hash::FxHashSet::default();
    tags.into_iter().filter(|tag| seen.insert(tag.text.to_ascii_lowercase())).collect()
}

/// What Sentinel runs by itself has a frequency or a severity; what a hunter runs has neither.
fn kind(object: &Object<'_, '_>) -> Kind {
    let runs = object.is_rule || object.first(&["queryfrequency", "severity", "alertseverity"]).is_some();
    if runs && !object.is_hunt { Kind::Rule } else { Kind::Hunting }
}

fn unquoted(text: &str) -> &str {
    let inner = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    inner.or_else(|| text.strip_prefix('\'')).unwrap_or(text).trim()
}

/// The tables that the rule's connectors bring: `SecurityAlert (IPC)` is a part of the table `SecurityAlert`.
fn data_types(object: &Object<'_, '_>) -> Vec<DataSource> {
    let connectors = object.first(&["requireddataconnectors"]).map(Node::items_or_self).unwrap_or_default();
    let types = connectors.iter().filter_map(|connector| get(connector, "datatypes"));
    let names =
        types.chain(object.first(&["datasources"])).flat_map(Node::items_or_self).filter_map(Node::text_or_null);
    names
        .filter_map(|name| name.split_whitespace().next())
        .map(|name| DataSource::new(SourceKind::Table, name))
        .collect()
}
