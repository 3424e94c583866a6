//! Falco's rules files: lists in YAML of rules, macros and lists, and of changes to those of files loaded before.
//!
//! A rule's query is its condition as Falco loads it: with what is appended to it, and its exceptions behind it. A rule is
//! known by its name. Macros and lists are the file's own before those of other files, since the rules files of a
//! repository repeat them; but files of local changes are loaded last, and what they say holds for all
//! ([docs/decisions/falco-files.md](https://github.com/ruleatlas/ruleatlas/blob/main/docs/decisions/falco-files.md)).

mod change;
mod library;

use std::borrow::Cow;

use ruleatlas_core::{Context, NoContext};
use ruleatlas_model::{DataSource, Diagnostic, Language, Rule, Severity, SourceKind, Status, Vendor};
use ruleatlas_yaml::Node;

use crate::{Draft, Format, Outcome, RawTag, SourceFile, TagPlace, ids::Ids, metadata};
use change::Effective;

/// The format of Falco's rules.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FalcoRules;

/// The keys that the fields of [`Rule`] hold; all others are kept by their own names.
const KNOWN_KEYS: [&str; 7] = ["rule", "desc", "condition", "priority", "tags", "exceptions", "source"];

/// What else an item of a rules file can be.
const OTHER_ITEMS: [&str; 4] = ["macro", "list", "required_engine_version", "required_plugin_versions"];

impl Format for FalcoRules {
    fn extensions(&self) -> &'static [&'static str] {
        &["yaml", "yml"]
    }

    fn context<'a>(&self, files: &'a [SourceFile]) -> Box<dyn Context + 'a> {
        Box::new(library::Library::of(files))
    }

    fn read(&self, file: &SourceFile, sink: &mut dyn FnMut(Draft<'_>)) -> Outcome {
        self.read_in(file, &NoContext, sink)
    }

    fn read_in(&self, file: &SourceFile, context: &dyn Context, sink: &mut dyn FnMut(Draft<'_>)) -> Outcome {
        let Some(text) = file.text() else { return Outcome::NotARule(Cow::Borrowed("no text")) };
        if !is_rules_file(file) {
            return Outcome::NotARule(Cow::Borrowed("no YAML file"));
        }
        let parsed = match ruleatlas_yaml::parse(text) {
            Ok(parsed) => parsed,
            Err(error) => return Outcome::Unreadable(error.message, Some(error.line)),
        };
        let mut warnings = metadata::warnings(&parsed);
        let items: Vec<&Node<'_>> = items(&parsed.documents).collect();
        let mut ids = Ids::default();
        let mut is_other = false;
        let mut is_change = false;
        for (at, item) in items.iter().enumerate() {
            let Some(name) = item.text_of("rule") else {
                is_other |= OTHER_ITEMS.iter().any(|key| item.get(key).is_some());
                continue;
            };
            if is_change_of_rule(item) {
                is_change = true;
                continue;
            }
            let mut effective = Effective::of(item);
            let own = items.iter().skip(at + 1).filter(|later| later.text_of("rule") == Some(name));
            for later in own {
                // A later rule of that name takes the place of this one, and is read by itself.
                if !is_change_of_rule(later) {
                    break;
                }
                effective.change(later);
            }
            library::changes(context, name, |change| effective.change(change));
            let mut draft = draft(item, name.trim(), &effective, &file.path);
            draft.rule.diagnostics.append(&mut warnings);
            ids.tell_apart(&mut draft.rule);
            sink(draft);
        }
        let reason = match () {
            () if !ids.is_empty() => return Outcome::Rules,
            () if is_change => "changes of rules of other files",
            () if is_other => "macros and lists",
            () => "no rule in it",
        };
        Outcome::NotARule(Cow::Borrowed(reason))
    }
}

fn is_rules_file(file: &SourceFile) -> bool {
    matches!(file.extension().as_str(), "yaml" | "yml")
}

/// The items of a file's lists.
fn items<'d, 'a>(documents: &'d [Node<'a>]) -> impl Iterator<Item = &'d Node<'a>> {
    documents.iter().filter_map(Node::items).flatten().filter(|item| item.entries().is_some())
}

/// Whether an item changes one of that name, and does not define it.
fn is_change(item: &Node<'_>) -> bool {
    item.get("append").and_then(Node::as_bool) == Some(true) || item.get("override").is_some()
}

/// The same of a rule, that may also be turned on or off by its name alone.
fn is_change_of_rule(item: &Node<'_>) -> bool {
    let keys = item.entries().map_or(0, <[_]>::len);
    is_change(item) || (keys == 2 && item.get("enabled").is_some())
}

fn draft<'d>(item: &Node<'_>, name: &str, effective: &Effective<'_>, path: &str) -> Draft<'d> {
    let mut rule = Rule::blank(Vendor::Falco, Language::Falco, path);
    rule.id = format!("{}/{name}", Vendor::Falco);
    rule.line = item.line;
    name.clone_into(&mut rule.title);
    effective.description.trim().clone_into(&mut rule.description);
    rule.query = effective.query();
    rule.tags.clone_from(&effective.tags);
    rule.diagnostics.clone_from(&effective.diagnostics);
    if rule.query.trim().is_empty() {
        let message = "the rule has no `condition`".to_owned();
        rule.diagnostics.push(Diagnostic::error("missing condition", message).on_line(item.line));
    }
    rule.severity = effective.priority.as_deref().and_then(severity);
    if let Some(priority) = effective.priority.as_deref().filter(|_| rule.severity.is_none()) {
        let message = format!("`priority`: `{priority}` is none of Falco's");
        rule.diagnostics.push(Diagnostic::warning("unknown word", message).on_line(item.line));
    }
    rule.status = effective.tags.iter().find_map(|tag| status(tag));
    rule.extra = metadata::rest(item, &KNOWN_KEYS);
    rule.extra.insert("source", effective.source());
    if let Some(priority) = &effective.priority {
        rule.extra.insert("priority", priority.trim());
    }
    if !effective.output.is_empty() {
        rule.extra.insert("output", effective.output.trim());
    }
    if let Some(enabled) = effective.enabled {
        rule.extra.insert("enabled", &enabled);
    }
    let tags = effective.tags.iter().map(|tag| raw_tag(tag, item.line)).collect();
    let sources = vec![DataSource::new(SourceKind::LogType, format!("falco:{}", effective.source()))];
    Draft { rule, tags, tree: None, sources }
}

/// A tag that may name a technique, or a tactic behind `mitre_`.
fn raw_tag(tag: &str, line: u32) -> RawTag {
    match tag.get(..6).filter(|head| head.eq_ignore_ascii_case("mitre_")).and_then(|_| tag.get(6..)) {
        Some(technique) if technique.starts_with(['T', 't']) && technique.bytes().any(|byte| byte.is_ascii_digit()) => {
            RawTag::new(technique, TagPlace::Technique, line)
        }
        Some(tactic) => RawTag::new(tactic, TagPlace::Tactic, line),
        None => RawTag::new(tag, TagPlace::Any, line),
    }
}

/// What a priority means.
fn severity(priority: &str) -> Option<Severity> {
    let priority = priority.trim().to_ascii_lowercase();
    Some(match priority.as_str() {
        "emergency" | "alert" | "critical" => Severity::Critical,
        "error" => Severity::High,
        "warning" => Severity::Medium,
        "notice" => Severity::Low,
        "info" | "informational" | "debug" => Severity::Informational,
        _ => return None,
    })
}

/// How mature a rule is, by the tag that says so.
fn status(tag: &str) -> Option<Status> {
    Some(match tag {
        "maturity_stable" => Status::Stable,
        "maturity_incubating" => Status::Test,
        "maturity_sandbox" => Status::Experimental,
        "maturity_deprecated" => Status::Deprecated,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
