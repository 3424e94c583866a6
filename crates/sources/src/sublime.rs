//! Sublime Security's rules: YAML files with a `source` in its Message Query Language. Detection rules are counted;
//! insights, which show what a message holds, and exclusions, which narrow the rules, are not.

use std::borrow::Cow;

use ruleatlas_model::{DataSource, Diagnostic, Kind, Language, Rule, Severity, SourceKind, Vendor};
use ruleatlas_yaml::Node;

use crate::{Draft, Format, Outcome, SourceFile, attack::TagPlace, metadata};

/// The format of Sublime's rules.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SublimeRules;

/// The keys that the fields of [`Rule`] hold; all others are kept by their own names.
const KNOWN_KEYS: [&str; 10] =
    ["id", "name", "description", "type", "severity", "source", "authors", "references", "false_positives", "tags"];

/// Lists of words that sort a rule, none of which is a technique of ATT&CK.
const SORTED_BY: [&str; 3] = ["attack_types", "tactics_and_techniques", "detection_methods"];

impl Format for SublimeRules {
    fn extensions(&self) -> &'static [&'static str] {
        &["yml", "yaml"]
    }

    fn claims(&self, file: &SourceFile) -> bool {
        let text = file.text().filter(|_| matches!(file.extension().as_str(), "yml" | "yaml")).unwrap_or_default();
        let has = |key: &str| text.lines().any(|line| line.strip_prefix(key).is_some_and(|rest| rest.starts_with(':')));
        // Its query is under a key that no other format has one under; `type` is `rule`, `query`, `exclusion`, …
        has("source") && has("type") && !["query", "search", "detection", "sourcetype"].into_iter().any(has)
    }

    fn read(&self, file: &SourceFile, sink: &mut dyn FnMut(Draft<'_>)) -> Outcome {
        let Some(text) = file.text() else { return Outcome::NotARule(Cow::Borrowed("no text")) };
        if !matches!(file.extension().as_str(), "yml" | "yaml") {
            return Outcome::NotARule(Cow::Borrowed("no YAML file"));
        }
        let parsed = match ruleatlas_yaml::parse(text) {
            Ok(parsed) => parsed,
            Err(error) => return Outcome::Unreadable(error.message, Some(error.line)),
        };
        let mut warnings = metadata::warnings(&parsed);
        let mut count = 0_usize;
        for document in &parsed.documents {
            let Some(source) = document.text_of("source").filter(|_| is_rule(document)) else { continue };
            sink(draft(document, source, &file.path, count, std::mem::take(&mut warnings)));
            count += 1;
        }
        match count {
            0 => Outcome::NotARule(Cow::Borrowed("no source in it")),
            _ => Outcome::Rules,
        }
    }
}

/// Whether a document is a rule: `source` alone is a key of many files.
fn is_rule(document: &Node<'_>) -> bool {
    let has = |key: &str| document.text_of(key).is_some();
    has("name") && (has("type") || has("severity") || document.get("attack_types").is_some())
}

/// What a file's `type` says that the text is.
fn kind(document: &Node<'_>, path: &str, diagnostics: &mut Vec<Diagnostic>) -> Kind {
    let Some(node) = document.get("type") else { return Kind::Rule };
    match node.text_or_null().unwrap_or_default().trim() {
        "rule" | "triage_rule" | "" if path.split('/').any(|folder| folder == "discovery-rules") => Kind::Hunting,
        "rule" | "triage_rule" | "" => Kind::Rule,
        "exclusion" => Kind::Filter,
        "query" => Kind::Insight,
        other => {
            let message = format!("`type`: `{other}` is none of rule, triage_rule, exclusion and query");
            diagnostics.push(Diagnostic::warning("unknown word", message).on_line(node.line));
            Kind::Rule
        }
    }
}

fn draft<'d>(document: &Node<'_>, source: &str, path: &str, place: usize, warnings: Vec<Diagnostic>) -> Draft<'d> {
    let mut rule = Rule::blank(Vendor::Sublime, Language::Mql, path);
    rule.line = document.line;
    rule.query = source.to_owned();
    rule.diagnostics = warnings;
    rule.kind = kind(document, path, &mut rule.diagnostics);
    rule.id = match document.text_of("id").map(str::trim).filter(|id| !id.is_empty()) {
        Some(id) => format!("{}/{id}", Vendor::Sublime),
        None => {
            let message = "the file has no `id`; its path stands for it";
            rule.diagnostics.push(Diagnostic::note("id from path", message).on_line(document.line));
            let number = if place == 0 { String::new() } else { format!("#{place}") };
            format!("{}/{path}{number}", Vendor::Sublime)
        }
    };
    document.text_of("name").unwrap_or_default().trim().clone_into(&mut rule.title);
    document.text_of("description").unwrap_or_default().trim().clone_into(&mut rule.description);
    rule.severity = metadata::word::<Severity>(document, "severity", &mut rule.diagnostics);
    rule.references = metadata::texts(document, "references");
    rule.false_positives = metadata::texts(document, "false_positives");
    rule.authors = authors(document);
    rule.tags = metadata::texts(document, "tags");
    for key in SORTED_BY {
        rule.tags.extend(metadata::texts(document, key));
    }
    rule.extra = metadata::rest(document, &KNOWN_KEYS);
    let tags = document.get("tags").map_or_else(Vec::new, |tags| metadata::attack_tags(tags, TagPlace::Any));
    let sources = vec![DataSource::new(SourceKind::Product, "sublime")];
    Draft { rule, tags, tree: None, sources }
}

/// The people whom `authors` credits: names, or mappings with one or with an account.
fn authors(document: &Node<'_>) -> Vec<String> {
    let Some(authors) = document.get("authors") else { return Vec::new() };
    let name = |author: &Node<'_>| {
        let name = ["name", "twitter", "github"].into_iter().find_map(|key| author.text_of(key));
        name.or_else(|| author.text_or_null()).map(|name| name.trim().to_owned())
    };
    authors.items_or_self().iter().filter_map(name).filter(|name| !name.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str, text: &str) -> (Vec<Rule>, Outcome) {
        let file = SourceFile::from_bytes(path, text.as_bytes().to_vec());
        let mut rules = Vec::new();
        let outcome = SublimeRules.read(&file, &mut |draft| rules.push(draft.rule));
        (rules, outcome)
    }

    #[test]
    fn every_key_has_its_place() {
        let text = "name: Reply from nowhere\nid: 0c5b\ntype: rule\nseverity: high\ndescription: |\n  Two\n  lines.\n\
                    authors:\n  - twitter: someone\n  - name: A B\n  - C D\nreferences: [https://a.test]\nsource: |\n  \
                    type.inbound\n  and a == 1\ntags: [x]\nattack_types: [Spam]\ndetection_methods: [Header analysis]\n\
                    maturity: new\n";
        let (rules, outcome) = read("detection-rules/a.yml", text);
        assert_eq!(outcome, Outcome::Rules);
        let [rule] = rules.as_slice() else { panic!("{rules:?}") };
        assert_eq!((rule.id.as_str(), rule.title.as_str()), ("sublime/0c5b", "Reply from nowhere"));
        assert_eq!(rule.query, "type.inbound\nand a == 1\n");
        assert_eq!((rule.kind, rule.severity), (Kind::Rule, Some(Severity::High)));
        assert_eq!(rule.authors, ["someone", "A B", "C D"]);
        assert_eq!(rule.tags, ["x", "Spam", "Header analysis"]);
        assert!(rule.extra.has("attack_types") && rule.extra.has("maturity"));
        assert!(rule.diagnostics.is_empty(), "{:?}", rule.diagnostics);
    }

    #[test]
    fn insights_and_exclusions_are_in_the_catalog_and_not_counted() {
        for (path, kind, counted) in [
            ("detection-rules/a.yml", "rule", Kind::Rule),
            ("discovery-rules/a.yml", "rule", Kind::Hunting),
            ("insights/a.yml", "query", Kind::Insight),
            ("exclusions/a.yml", "exclusion", Kind::Filter),
        ] {
            let (rules, _) = read(path, &format!("name: A\ntype: {kind}\nsource: a == 1\n"));
            assert_eq!(rules[0].kind, counted);
            assert_eq!(rules[0].id, format!("sublime/{path}"));
            assert_eq!(rules[0].is_counted(), matches!(counted, Kind::Rule | Kind::Hunting));
        }
        let (rules, _) = read("a.yml", "name: A\ntype: rul\nsource: a == 1\n");
        assert_eq!(rules[0].diagnostics[0].code, "unknown word");
    }

    #[test]
    fn what_is_no_rule_is_said() {
        for (path, text) in [
            ("a.yml", "name: A\ntype: rule\n"),
            ("a.yml", "source: a == 1\n"),
            ("a.yml", ""),
            ("LICENSE", "name: A\ntype: rule\nsource: a\n"),
        ] {
            let (rules, outcome) = read(path, text);
            assert!(rules.is_empty() && matches!(outcome, Outcome::NotARule(_)), "{path}: {outcome:?}");
        }
        assert!(matches!(read("a.yml", "name: [").1, Outcome::Unreadable(..)));
    }
}
