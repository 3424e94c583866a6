//! Queries that stand on a page among its text, without a fence around them.

use super::{File, object::is_piped};

/// The operators that a line of a query begins with, behind its pipe.
const OPERATORS: [&str; 42] = [
    "as",
    "consume",
    "count",
    "distinct",
    "evaluate",
    "extend",
    "facet",
    "filter",
    "find",
    "fork",
    "getschema",
    "invoke",
    "join",
    "limit",
    "lookup",
    "make-graph",
    "make-series",
    "mv-apply",
    "mv-expand",
    "mvexpand",
    "order",
    "parse",
    "parse-kv",
    "parse-where",
    "partition",
    "project",
    "project-away",
    "project-keep",
    "project-rename",
    "project-reorder",
    "reduce",
    "render",
    "sample",
    "scan",
    "search",
    "serialize",
    "sort",
    "summarize",
    "take",
    "top",
    "union",
    "where",
];

/// More lines of prose before a query are not tried away.
const MAX_LEAD: usize = 20;
/// A section with more queries is a collection; the rest is passed over.
const MAX_QUERIES: usize = 64;

/// A line without the marks of preformatted text in HTML around it.
fn untagged(line: &str) -> &str {
    let mut rest = line;
    for tag in ["<pre", "<code"] {
        let behind = rest.trim_start().strip_prefix(tag).and_then(|behind| behind.split_once('>'));
        rest = behind.map_or(rest, |(_, behind)| behind);
    }
    let end = ["</code>", "</pre>"].into_iter().filter_map(|tag| rest.find(tag)).min();
    rest.get(..end.unwrap_or(rest.len())).unwrap_or(rest)
}

/// The queries in a text, each with the zero-based line it begins on.
pub(super) fn queries(file: File<'_>, text: &str) -> Vec<(usize, String)> {
    let lines: Vec<&str> = text.lines().map(untagged).collect();
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(first) = (from..lines.len()).find(|at| lines.get(*at).is_some_and(|line| is_pipe(line))) {
        if found.len() >= MAX_QUERIES {
            break;
        }
        let end = end_of(&lines, first);
        let start = start_of(&lines, from, first);
        // What stands right above a query may be a word about it.
        let query = (start..=first).rev().take(MAX_LEAD).filter_map(|start| {
            let query = joined(lines.get(start..end)?);
            is_piped(file, &query).then_some((start, query))
        });
        // The longest that is a query: comments and `let` statements belong to it.
        if let Some(query) = query.last() {
            found.push(query);
        }
        from = end;
    }
    found
}

/// Whether a line goes on with a query. Rows of tables begin with a bar too.
fn is_pipe(line: &str) -> bool {
    let Some(rest) = line.trim().strip_prefix('|') else { return false };
    let rest = rest.trim_start();
    let end = rest.find(|other: char| !other.is_ascii_alphanumeric() && other != '-').unwrap_or(rest.len());
    let word = rest.get(..end).unwrap_or_default();
    let is_operator = OPERATORS.iter().any(|operator| operator.eq_ignore_ascii_case(word));
    is_operator && !rest.ends_with('|')
}

fn is_blank(lines: &[&str], at: usize) -> bool {
    lines.get(at).is_none_or(|line| line.trim().is_empty())
}

/// Where the lines around a line end, blank ones between two pipes among them.
fn end_of(lines: &[&str], first: usize) -> usize {
    let mut end = first + 1;
    while end < lines.len() {
        if !is_blank(lines, end) {
            end += 1;
            continue;
        }
        let next = (end..lines.len()).find(|at| !is_blank(lines, *at));
        match next.filter(|at| lines.get(*at).is_some_and(|line| is_pipe(line))) {
            Some(next) => end = next + 1,
            None => break,
        }
    }
    end
}

/// Where the paragraph of a line begins, with the statements and comments before it.
fn start_of(lines: &[&str], from: usize, first: usize) -> usize {
    let belongs = |line: &str| line.ends_with(';') || line.starts_with("let ") || line.starts_with("//");
    let mut start = first;
    while start > from {
        if !is_blank(lines, start - 1) {
            start -= 1;
            continue;
        }
        let above = (from..start).rev().find(|at| !is_blank(lines, *at));
        match above.filter(|at| lines.get(*at).is_some_and(|line| belongs(line.trim()))) {
            Some(above) => start = above,
            None => break,
        }
    }
    start
}

/// Lines as one text, without the indentation that they share.
fn joined(lines: &[&str]) -> String {
    let indent = |line: &&str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let common = lines.iter().filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or(0);
    let mut text = String::new();
    for line in lines {
        text.push_str(line.get(common..).unwrap_or_default());
        text.push('\n');
    }
    text
}
