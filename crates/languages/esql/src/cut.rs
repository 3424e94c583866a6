//! The names that the patterns of `dissect` and `grok` cut out of a text.

use std::rc::Rc;

/// The keys of a dissect pattern: `%{name}`, with `+`, `/n`, `->` and the `*` and `&` of key pairs taken off; `%{}`
/// and `%{?name}` are stepped over. Source: the reference of Elasticsearch's dissect processor.
pub(crate) fn dissect(pattern: &str) -> Vec<Rc<str>> {
    let keys = references(pattern).filter(|key| !key.starts_with(['?', '*', '&']));
    let keys = keys.map(|key| {
        let key = key.trim_start_matches('+').trim_end_matches("->");
        key.split_once('/').map_or(key, |(key, _)| key)
    });
    distinct(keys)
}

/// The captures of a grok pattern: `%{SYNTAX:name}`, `%{SYNTAX:name:type}`, `(?<name>…)`.
/// Source: the reference of Elasticsearch's grok processor.
pub(crate) fn grok(pattern: &str) -> Vec<Rc<str>> {
    let captures = references(pattern).filter_map(|reference| reference.split(':').nth(1));
    let groups = pattern.split("(?<").skip(1).filter(|group| !group.starts_with(['=', '!']));
    distinct(captures.chain(groups.filter_map(|group| group.split_once('>').map(|(name, _)| name))))
}

fn references(pattern: &str) -> impl Iterator<Item = &str> {
    pattern.split("%{").skip(1).filter_map(|part| part.split_once('}').map(|(inner, _)| inner))
}

fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<Rc<str>> {
    let mut seen = std::collections::HashSet::new();
    names.map(str::trim).filter(|name| !name.is_empty() && seen.insert(*name)).map(Rc::from).collect()
}

#[cfg(test)]
mod tests {
    use super::{dissect, grok};

    #[test]
    fn names_are_found() {
        assert_eq!(dissect("%{a} %{?b}: %{+a/2} %{c->}|%{}"), ["a".into(), "c".into()]);
        assert_eq!(
            grok("%{IP:src.ip} %{WORD} (?<who>[a-z]+)(?<=x) %{INT:n:int}"),
            ["src.ip".into(), "n".into(), "who".into()]
        );
    }
}
