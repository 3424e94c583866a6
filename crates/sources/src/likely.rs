//! Whether a file of which no rule was read looks like one that holds a query.

use crate::{Content, SourceFile};

/// Endings of files that hold a bare query.
const QUERIES: [&str; 13] =
    ["eql", "esql", "kql", "klq", "kusto", "csl", "func", "spl", "kuery", "lucene", "cql", "lql", "mql"];

/// Endings of files in which some format writes rules.
const RULES: [&str; 11] = ["yml", "yaml", "toml", "json", "jsonl", "ndjson", "py", "md", "tf", "bicep", "workbook"];

/// Keys of metadata under which a format writes a query, in lower case.
const KEYS: [&str; 6] = ["detection", "query", "search", "searchqueries", "inlinefilters", "cql"];

/// Languages by which a fenced block of Markdown is marked as a query.
const FENCES: [&str; 7] = ["kql", "kusto", "spl", "eql", "esql", "sigma", "lucene"];

/// Whether a file looks like one that holds a query, by its name and its text. Meant for files of which no rule was read,
/// whatever format their source has: what looks so and was not read deserves a second look.
#[must_use]
pub fn looks_like_query(file: &SourceFile) -> bool {
    let extension = file.extension();
    let extension = extension.as_str();
    match &file.content {
        Content::Skipped(_) => false,
        Content::Unreadable(..) => QUERIES.contains(&extension) || RULES.contains(&extension),
        Content::Text(text) if QUERIES.contains(&extension) => !text.trim().is_empty(),
        Content::Text(text) => match extension {
            "yml" | "yaml" => text.lines().any(|line| has_key(line, ':')),
            "tf" | "bicep" => text.lines().any(|line| has_key(line, '=') || has_key(line, ':')),
            "toml" => text.lines().any(|line| has_key(line, '=')),
            "json" | "jsonl" | "ndjson" | "workbook" => {
                text.match_indices('"').any(|(at, _)| has_json_key(&text[at + 1..]))
            }
            "py" => text.lines().any(|line| line.starts_with("def rule(")),
            "md" => text.lines().any(is_fence),
            _ => false,
        },
    }
}

/// Whether a line gives a value to one of the keys, at most one level deep.
fn has_key(line: &str, separator: char) -> bool {
    let name = line.trim_start_matches([' ', '-']);
    let is_outer = line.len() - name.len() <= 4;
    let Some((name, _)) = name.split_once(separator) else { return false };
    is_outer && is_query_key(name.trim().trim_matches(['"', '\'']))
}

/// Whether a text begins with the rest of a JSON key that is one of the keys.
fn has_json_key(rest: &str) -> bool {
    let Some((name, rest)) = rest.split_once('"') else { return false };
    is_query_key(name) && rest.trim_start().starts_with(':')
}

fn is_query_key(name: &str) -> bool {
    KEYS.iter().any(|key| name.eq_ignore_ascii_case(key))
}

fn is_fence(line: &str) -> bool {
    let language = line.trim_start().strip_prefix("```").map(str::trim);
    language.is_some_and(|language| FENCES.iter().any(|fence| language.eq_ignore_ascii_case(fence)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looks(path: &str, text: &[u8]) -> bool {
        looks_like_query(&SourceFile::from_bytes(path, text.to_vec()))
    }

    #[test]
    fn files_with_queries_look_so() {
        for (path, text) in [
            ("a.kql", "T | where a == 1"),
            ("a.YML", "title: a\ndetection:\n  s: {a: 1}\n"),
            ("a.yaml", "kind: Scheduled\nQuery: |\n  T\n"),
            ("a.toml", "[rule]\nquery = '''\nprocess where true\n'''\n"),
            ("a.json", "{\"properties\": {\"query\" : \"T\"}}"),
            ("a.py", "import re\ndef rule(event):\n    return True\n"),
            ("a.md", "# Hunt\n```KQL\nT\n```\n"),
        ] {
            assert!(looks(path, text.as_bytes()), "{path}");
        }
        let text = "title: a\ndetection:\n  s: {a: 1}\n";
        let wide: Vec<u8> = [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        assert!(looks("a.yml", &wide), "UTF-16");
    }

    #[test]
    fn other_files_do_not() {
        for (path, text) in [
            ("empty.kql", " \n"),
            ("a.yml", "version: 2\njobs:\n  deep:\n    deeper:\n      query: 1\n"),
            ("a.toml", "[package]\nname = 'query'\n"),
            ("a.json", "{\"note\": \"query\", \"list\": [\"search\"]}"),
            ("a.py", "def helper(event):\n    return rule(event)\n"),
            ("README.md", "How to write a query:\n```sh\nls\n```\n"),
            ("a.txt", "query: yes"),
            ("LICENSE", "detection: none"),
        ] {
            assert!(!looks(path, text.as_bytes()), "{path}");
        }
        assert!(!looks("a.png", b"\x89PNG\xff"));
    }
}
