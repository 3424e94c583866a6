//! A file that holds a search and nothing else, and perhaps a word about it in its first comment.

use ruleatlas_model::{Diagnostic, Kind, Language, Rule, Vendor};

use super::{inferred_tag, no_rule};
use crate::{Draft, Outcome, RawTag, SourceFile, attack::technique_ids_in, unique::unique_by};

pub(super) fn read(file: &SourceFile, text: &str, sink: &mut dyn FnMut(Draft<'_>)) -> Outcome {
    if text.trim().is_empty() {
        return no_rule("nothing in it");
    }
    let mut rule = blank(&file.path, 1);
    let name = file.path.rsplit('/').next().unwrap_or_default();
    name.rsplit_once('.').map_or(name, |(stem, _)| stem).clone_into(&mut rule.title);
    rule.description = comments(text).join("\n");
    text.clone_into(&mut rule.query);
    let tags = comment_tags(text, 1);
    sink(Draft { rule, tags, tree: None, sources: Vec::new() });
    Outcome::Rules
}

/// A search that carries no name of its own.
pub(super) fn blank(path: &str, line: u32) -> Rule {
    let mut rule = Rule::blank(Vendor::Splunk, Language::Spl, path);
    rule.kind = Kind::Hunting;
    rule.id = format!("{}/{path}", Vendor::Splunk);
    rule.line = line;
    let message = "a search in a file carries no id; its path stands for it";
    rule.diagnostics.push(Diagnostic::note("id from path", message).on_line(line));
    rule
}

/// The comments of a search, without their marks: texts between triple back ticks.
pub(super) fn comments(text: &str) -> Vec<&str> {
    text.split("```").skip(1).step_by(2).map(str::trim).filter(|comment| !comment.is_empty()).collect()
}

/// The techniques that the comments of a search name; `line` is its first line.
pub(super) fn comment_tags(text: &str, line: u32) -> Vec<RawTag> {
    let ids = comments(text).into_iter().flat_map(technique_ids_in);
    unique_by(ids.map(|id| inferred_tag(id, line)), |tag| tag.text.clone())
}
