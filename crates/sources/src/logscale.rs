//! Queries for CrowdStrike's LogScale: YAML files with a query under `cql`, as the community's query hub has them, and
//! files that hold a query and nothing else.
//!
//! A query that neither detects nor hunts shows what there is; it is listed and not counted.

use std::borrow::Cow;

use ruleatlas_model::{DataSource, Diagnostic, Kind, Language, Rule, SourceKind, Vendor};
use ruleatlas_yaml::Node;

use crate::{Draft, Format, Outcome, SourceFile, attack::TagPlace, metadata};

/// The format of LogScale's queries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogscaleRules;

/// The keys that the fields of [`Rule`] hold; all others are kept by their own names.
const KNOWN_KEYS: [&str; 7] = ["name", "description", "author", "mitre_ids", "tags", "cql", "references"];

impl Format for LogscaleRules {
    fn extensions(&self) -> &'static [&'static str] {
        &["yml", "yaml"]
    }

    fn read(&self, file: &SourceFile, sink: &mut dyn FnMut(Draft<'_>)) -> Outcome {
        let Some(text) = file.text() else { return no_rule("no text") };
        match file.extension().as_str() {
            "yml" | "yaml" => {}
            "cql" | "lql" | "logscale" if text.trim().is_empty() => return no_rule("no query in it"),
            "cql" | "lql" | "logscale" => {
                sink(bare(&file.path, text));
                return Outcome::Rules;
            }
            "csv" => return no_rule("a table that queries look up"),
            _ => return no_rule("a kind of file that holds no queries"),
        }
        let parsed = match ruleatlas_yaml::parse(text) {
            Ok(parsed) => parsed,
            Err(error) => return Outcome::Unreadable(error.message, Some(error.line)),
        };
        let mut warnings = metadata::warnings(&parsed);
        let mut count = 0_usize;
        for document in &parsed.documents {
            let Some(query) = document.text_of("cql").filter(|query| !query.trim().is_empty()) else { continue };
            sink(draft(document, query, &file.path, count, std::mem::take(&mut warnings)));
            count += 1;
        }
        match count {
            0 => no_rule("no `cql` in it"),
            _ => Outcome::Rules,
        }
    }
}

fn no_rule(reason: &'static str) -> Outcome {
    Outcome::NotARule(Cow::Borrowed(reason))
}

/// What a query is for, as its tags say.
fn kind(tags: &[String]) -> Kind {
    let has = |word: &str| tags.iter().any(|tag| tag.eq_ignore_ascii_case(word));
    match () {
        () if has("detection") => Kind::Rule,
        () if has("hunting") => Kind::Hunting,
        () if has("monitoring") => Kind::Insight,
        () => Kind::Hunting,
    }
}

fn draft<'d>(document: &Node<'_>, query: &str, path: &str, place: usize, warnings: Vec<Diagnostic>) -> Draft<'d> {
    let mut rule = Rule::blank(Vendor::Logscale, Language::Logscale, path);
    rule.line = document.line;
    rule.query = query.to_owned();
    rule.diagnostics = warnings;
    rule.id = id(path, place);
    document.text_of("name").unwrap_or_default().trim().clone_into(&mut rule.title);
    document.text_of("description").unwrap_or_default().trim().clone_into(&mut rule.description);
    rule.authors = metadata::people(document.text_of("author").unwrap_or_default());
    rule.references = metadata::texts(document, "references");
    rule.tags = metadata::texts(document, "tags");
    rule.kind = kind(&rule.tags);
    let techniques = metadata::texts(document, "mitre_ids");
    rule.tags.extend(techniques);
    rule.extra = metadata::rest(document, &KNOWN_KEYS);
    let tags = ["mitre_ids", "tags"].into_iter().filter_map(|key| {
        let place = if key == "tags" { TagPlace::Any } else { TagPlace::Attack };
        document.get(key).map(|tags| metadata::attack_tags(tags, place))
    });
    let sources = metadata::texts(document, "log_sources");
    let sources = sources.into_iter().map(|name| DataSource::new(SourceKind::Category, name)).collect();
    Draft { rule, tags: tags.flatten().collect(), tree: None, sources }
}

/// A file that holds a query and nothing else.
fn bare<'d>(path: &str, text: &str) -> Draft<'d> {
    let mut rule = Rule::blank(Vendor::Logscale, Language::Logscale, path);
    rule.kind = Kind::Hunting;
    rule.id = id(path, 0);
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem).clone_into(&mut rule.title);
    text.clone_into(&mut rule.query);
    Draft { rule, tags: Vec::new(), tree: None, sources: Vec::new() }
}

/// No query carries an id: its path is one.
fn id(path: &str, place: usize) -> String {
    let number = if place == 0 { String::new() } else { format!("#{place}") };
    format!("{}/{path}{number}", Vendor::Logscale)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str, text: &str) -> (Vec<Draft<'static>>, Outcome) {
        let file = SourceFile::from_bytes(path, text.as_bytes().to_vec());
        let mut drafts = Vec::new();
        let outcome = LogscaleRules.read(&file, &mut |draft| {
            drafts.push(Draft { rule: draft.rule, tags: draft.tags, tree: None, sources: draft.sources });
        });
        (drafts, outcome)
    }

    #[test]
    fn every_key_has_its_place() {
        let text = "name: Shadow copies\nmitre_ids:\n  - T1490\n  - T1070.004\ndescription: Two words.\nauthor: A B, C\n\
                    log_sources: [Endpoint]\ncs_required_modules: [Insight]\ntags: [Detection]\ncql: |\n  \
                    #event_simpleName=ProcessRollup2\n  | a=1\nexplanation: why\n";
        let (drafts, outcome) = read("queries/a.yml", text);
        assert_eq!((outcome, drafts.len()), (Outcome::Rules, 1));
        let Draft { rule, tags, sources, .. } = &drafts[0];
        assert_eq!((rule.id.as_str(), rule.title.as_str()), ("logscale/queries/a.yml", "Shadow copies"));
        assert_eq!(rule.query, "#event_simpleName=ProcessRollup2\n| a=1\n");
        assert_eq!((rule.kind, rule.authors.len()), (Kind::Rule, 2));
        assert_eq!(tags.iter().map(|tag| tag.text.as_str()).collect::<Vec<_>>(), ["T1490", "T1070.004", "Detection"]);
        assert_eq!(sources, &[DataSource::new(SourceKind::Category, "Endpoint")]);
        assert!(rule.extra.has("explanation") && rule.extra.has("cs_required_modules"));
    }

    #[test]
    fn a_query_that_neither_detects_nor_hunts_is_not_counted() {
        for (tags, kind) in [
            ("[Detection, Monitoring]", Kind::Rule),
            ("[Hunting]", Kind::Hunting),
            ("[Monitoring]", Kind::Insight),
            ("[]", Kind::Hunting),
        ] {
            let (drafts, _) = read("a.yml", &format!("name: A\ntags: {tags}\ncql: a=1\n"));
            assert_eq!(drafts[0].rule.kind, kind, "{tags}");
        }
    }

    #[test]
    fn files_of_a_query_alone_are_read_and_others_are_said() {
        let (drafts, outcome) = read("hunts/odd shells.cql", "#event_simpleName=ProcessRollup2 | count()\n");
        assert_eq!((drafts[0].rule.title.as_str(), outcome), ("odd shells", Outcome::Rules));
        for (path, text) in
            [("a.yml", "name: A\n"), ("a.yml", "cql: ''\n"), ("a.csv", "a,b\n"), ("a.cql", " \n"), ("a.md", "# A\n")]
        {
            let (drafts, outcome) = read(path, text);
            assert!(drafts.is_empty() && matches!(outcome, Outcome::NotARule(_)), "{path}: {outcome:?}");
        }
        assert!(matches!(read("a.yml", "cql: [").1, Outcome::Unreadable(..)));
    }
}
