//! A file that holds a query, and perhaps a word about it in its first comment.

use ruleatlas_model::{Diagnostic, Kind};
use rustc_hash::FxHashSet;

use super::{File, comments, inferred_tags, no_rule};
use crate::{Draft, Outcome, heading};

/// A longer first comment describes; it is no title.
pub(super) const TITLE_LENGTH: usize = 90;

pub(super) fn read(file: File<'_>, sink: &mut dyn FnMut(Draft<'_>)) -> Outcome {
    if let Some(reason) = file.no_detection() {
        return no_rule(reason);
    }
    let has_pipe = file.text.lines().any(|line| line.trim_start().starts_with('|'));
    if !has_pipe && !file.is_query(file.text) {
        return no_rule("no query in it");
    }
    let mut rule = file.blank(kind(file));
    rule.id = file.id();
    file.text.clone_into(&mut rule.query);
    let leading = leading_comment(file.text);
    rule.title = title(&leading).unwrap_or(file.stem()).to_owned();
    rule.description = leading.join("\n").trim().to_owned();
    rule.references = addresses(&leading);
    let message = "a file with a query carries no id; its path stands for it";
    rule.diagnostics.push(Diagnostic::note("id from path", message).on_line(1));
    let tags = inferred_tags(&comments(file.text), 1);
    sink(Draft { rule, tags, tree: None, sources: Vec::new() });
    Outcome::Rules
}

/// What a query that says nothing of itself is: one that runs by itself where its folder is one of detections, else one
/// that a hunter runs.
pub(super) fn kind(file: File<'_>) -> Kind {
    let is_detection = ["detections", "detection", "analytics", "analytics rules", "analytic rules", "alerts"];
    if is_detection.into_iter().any(|name| file.is_in(name)) { Kind::Rule } else { Kind::Hunting }
}

/// The lines of the comment at the head of a text, without their marks.
fn leading_comment(text: &str) -> Vec<&str> {
    let lines = text.lines().map(str::trim).skip_while(|line| line.is_empty());
    let comments = lines.map_while(|line| match line.strip_prefix("//") {
        Some(comment) => Some(comment.trim_start_matches('/').trim()),
        None => line.is_empty().then_some(""),
    });
    comments.collect()
}

/// What a query's first comment calls it, where it does.
pub(super) fn named(query: &str) -> Option<&str> {
    title(&leading_comment(query))
}

/// The first comment where it is short enough for a title and names something. `Title:` and the like are cut off.
fn title<'a>(comments: &[&'a str]) -> Option<&'a str> {
    let first = comments.iter().find(|line| line.chars().any(char::is_alphanumeric))?;
    let first = first.trim_matches(|character: char| "#*-=".contains(character) || character.is_whitespace());
    let head = ["title:", "name:", "query name:", "rule name:", "query:"]
        .into_iter()
        .find(|head| first.get(..head.len()).is_some_and(|found| found.eq_ignore_ascii_case(head)));
    let title = head.and_then(|head| first.get(head.len()..)).unwrap_or(first).trim();
    let names = heading::is_title(title)
        && !title.contains("://")
        && !title.ends_with(':')
        && title.contains(' ')
        && !title.contains('|');
    (names && title.chars().count() <= TITLE_LENGTH).then_some(title)
}

/// The addresses in lines of text.
pub(super) fn addresses(lines: &[&str]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut seen = FxHashSet::default();
    for line in lines {
        for (at, _) in line.match_indices("http") {
            let rest = line.get(at..).unwrap_or_default();
            let is_address = rest.starts_with("http://") || rest.starts_with("https://");
            let end = rest.find(|character: char| character.is_whitespace() || "<>()[]\"'`|".contains(character));
            let address = rest.get(..end.unwrap_or(rest.len())).unwrap_or(rest).trim_end_matches([',', '.', ';']);
            if is_address && seen.insert(address) {
                found.push(address.to_owned());
            }
        }
    }
    found
}
