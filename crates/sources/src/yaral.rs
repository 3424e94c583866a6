//! Rules of Google SecOps: files of YARA-L 2, and the reference lists that they look up.
//!
//! A rule is known by the `rule_id` of its metadata, or by its name. What a folder calls deprecated is listed, and not
//! counted.

use std::borrow::Cow;

use ruleatlas_core::{Context, LookupTable, NoContext};
use ruleatlas_model::{DataSource, Diagnostic, Kind, Language, Rule, Severity, SourceKind, Status, Vendor};
use ruleatlas_yaral::ast;
use rustc_hash::FxHashMap;
use serde_json::json;

use crate::{Draft, Format, Outcome, RawTag, SourceFile, TagPlace, ids::Ids, metadata};

/// The format of YARA-L rules.
#[derive(Clone, Copy, Debug)]
pub(crate) struct YaraLRules;

/// The keys that the fields of [`Rule`] hold; all others are kept by their own names.
const KNOWN_KEYS: [&str; 12] = [
    "author",
    "description",
    "rule_id",
    "rule_name",
    "reference",
    "references",
    "false_positives",
    "severity",
    "license",
    "created",
    "tags",
    "technique",
];

/// Keys whose texts name techniques or tactics.
const ATTACK_KEYS: [(&str, TagPlace); 8] = [
    ("technique", TagPlace::Attack),
    ("mitre_attack_technique_id", TagPlace::Technique),
    ("mitre_technique_id", TagPlace::Technique),
    ("mitre_ttp", TagPlace::Attack),
    ("mitre", TagPlace::Any),
    ("tactic", TagPlace::Attack),
    ("mitre_attack_tactic", TagPlace::Tactic),
    ("mitre_tactic", TagPlace::Tactic),
];

/// Items of a list that are read.
const MAX_ITEMS: usize = 100_000;

impl Format for YaraLRules {
    fn extensions(&self) -> &'static [&'static str] {
        &["yaral", "yl2"]
    }

    fn context<'a>(&self, files: &'a [SourceFile]) -> Box<dyn Context + 'a> {
        Box::new(Lists::of(files))
    }

    fn read(&self, file: &SourceFile, sink: &mut dyn FnMut(Draft<'_>)) -> Outcome {
        self.read_in(file, &NoContext, sink)
    }

    fn read_in(&self, file: &SourceFile, _context: &dyn Context, sink: &mut dyn FnMut(Draft<'_>)) -> Outcome {
        let Some(text) = file.text() else { return no_rule("no text") };
        match file.extension().as_str() {
            "yaral" | "yl2" => {}
            _ if is_list(file) => return no_rule("a reference list"),
            _ => return no_rule("no file of YARA-L"),
        }
        let (rules, faults) = ruleatlas_yaral::parse(text);
        if rules.is_empty() {
            return match faults.first() {
                Some(fault) => Outcome::Unreadable(fault.message.clone(), None),
                None => no_rule("no rule in it"),
            };
        }
        let mut ids = Ids::default();
        for rule in &rules {
            let Some(query) = rule.span.of(text) else { continue };
            let mut draft = draft(rule, query, text, &file.path);
            ids.tell_apart(&mut draft.rule);
            sink(draft);
        }
        Outcome::Rules
    }
}

fn no_rule(reason: &'static str) -> Outcome {
    Outcome::NotARule(Cow::Borrowed(reason))
}

fn draft<'d>(found: &ast::Rule, query: &str, text: &str, path: &str) -> Draft<'d> {
    let mut rule = Rule::blank(Vendor::YaraL, Language::YaraL, path);
    let before = text.get(..found.span.start as usize).unwrap_or_default();
    rule.line =
        u32::try_from(before.bytes().filter(|byte| *byte == b'\n').count()).unwrap_or(u32::MAX).saturating_add(1);
    query.clone_into(&mut rule.query);
    let meta = |key: &str| found.meta(key).filter(|value| !value.is_empty());
    rule.id = format!("{}/{}", Vendor::YaraL, meta("rule_id").unwrap_or(&found.name));
    meta("rule_name").unwrap_or(&found.name).clone_into(&mut rule.title);
    meta("description").unwrap_or_default().clone_into(&mut rule.description);
    rule.authors = metadata::people(meta("author").unwrap_or_default());
    rule.license = meta("license").map(str::to_owned);
    rule.date = meta("created").and_then(metadata::date);
    rule.kind =
        if meta("type").is_some_and(|kind| kind.eq_ignore_ascii_case("hunt")) { Kind::Hunting } else { Kind::Rule };
    rule.status = path
        .split('/')
        .rev()
        .skip(1)
        .any(|folder| folder == "_deprecated" || folder == "deprecated")
        .then_some(Status::Deprecated);
    for pair in &found.meta {
        match pair.key.to_ascii_lowercase().as_str() {
            "reference" | "references" => rule.references.extend(pair.value.split_whitespace().map(str::to_owned)),
            "false_positives" => rule.false_positives.push(pair.value.trim().to_owned()),
            "tags" => {
                rule.tags.extend(pair.value.split(',').map(|tag| tag.trim().to_owned()).filter(|tag| !tag.is_empty()))
            }
            key if KNOWN_KEYS.contains(&key) => {}
            _ => rule.extra.insert(pair.key.as_str(), pair.value.trim()),
        }
    }
    if let Some(word) = meta("severity") {
        rule.severity = severity(word);
        if rule.severity.is_none() {
            let message = format!("`severity`: `{word}` is none of Info, Low, Medium, High, Critical");
            rule.diagnostics.push(Diagnostic::warning("unknown word", message).on_line(rule.line));
        }
    }
    let tags = attack_tags(found, rule.line);
    if let Some(count) = ruleatlas_yaral::event_count(found) {
        let threshold = json!({ "field": count.fields, "value": count.number, "window": count.window });
        rule.extra.insert("threshold", &threshold);
    }
    Draft { sources: data_sources(found), rule, tags, tree: None }
}

fn severity(word: &str) -> Option<Severity> {
    Some(match word.trim().to_ascii_lowercase().as_str() {
        "info" | "informational" => Severity::Informational,
        "low" => Severity::Low,
        "medium" => Severity::Medium,
        "high" => Severity::High,
        "critical" => Severity::Critical,
        _ => return None,
    })
}

/// The techniques and tactics of the metadata. A link to a technique's page names it; what the outcome says counts where the
/// metadata names none.
fn attack_tags(found: &ast::Rule, line: u32) -> Vec<RawTag> {
    let mut tags: Vec<RawTag> = Vec::new();
    let mut add = |text: &str, place| {
        for part in text.split([',', ';']).map(str::trim).filter(|part| !part.is_empty()) {
            if !tags.iter().any(|known| known.text == part) {
                tags.push(RawTag::new(part, place, line));
            }
        }
    };
    for pair in &found.meta {
        let key = pair.key.to_ascii_lowercase();
        if let Some((_, place)) = ATTACK_KEYS.iter().find(|(known, _)| *known == key) {
            add(&pair.value, *place);
        } else if key == "mitre_attack_url" || key == "mitre_url" {
            for id in linked(&pair.value) {
                add(&id, TagPlace::Technique);
            }
        }
    }
    let names_technique = tags.iter().any(|tag| tag.place == TagPlace::Technique || is_technique(&tag.text));
    if !names_technique {
        for (name, value) in &found.outcome {
            if name == "mitre_attack_technique_id"
                && let ast::ExprKind::String(text) = &value.kind
            {
                tags.push(RawTag::new(text.trim(), TagPlace::Technique, line));
            }
        }
    }
    tags
}

fn is_technique(text: &str) -> bool {
    text.strip_prefix(['T', 't']).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// The techniques whose pages a text links to.
fn linked(text: &str) -> Vec<String> {
    let pages = text.match_indices("/techniques/").filter_map(|(at, mark)| text.get(at + mark.len()..));
    pages
        .map(|rest| {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '/').unwrap_or(rest.len());
            rest.get(..end).unwrap_or_default().trim_matches('/').replace('/', ".")
        })
        .filter(|id| is_technique(id))
        .collect()
}

/// What the metadata says that a rule reads. Rules that were translated from Sigma name Sigma's log sources.
fn data_sources(found: &ast::Rule) -> Vec<DataSource> {
    let kinds =
        [("product", SourceKind::Product), ("category", SourceKind::Category), ("service", SourceKind::Service)];
    let text = |key: &str| found.meta(key).filter(|value| !value.is_empty());
    let mut sources: Vec<DataSource> = kinds
        .into_iter()
        .filter_map(|(key, kind)| Some(DataSource::new(kind, text(key)?.to_ascii_lowercase())))
        .collect();
    for name in text("data_source").into_iter().flat_map(|names| names.split(',')) {
        let source = DataSource::new(SourceKind::LogType, name.trim());
        if !source.name.is_empty() && !sources.contains(&source) {
            sources.push(source);
        }
    }
    sources
}

/// Whether a file holds a reference list: it lies in a folder of that name, and has no ending or that of a text.
fn is_list(file: &SourceFile) -> bool {
    file.path.split('/').rev().skip(1).any(|folder| folder == "reference_lists")
        && matches!(file.extension().as_str(), "" | "txt")
}

/// The reference lists of a source, by name.
struct Lists(FxHashMap<String, LookupTable>);

impl Lists {
    fn of(files: &[SourceFile]) -> Self {
        let lists = files.iter().filter(|file| is_list(file)).filter_map(|file| {
            let name = file.path.rsplit('/').next()?;
            Some((name.strip_suffix(".txt").unwrap_or(name).to_owned(), list(file.text()?)))
        });
        Self(lists.collect())
    }
}

/// The items of a list: one a line, comments left out.
fn list(text: &str) -> LookupTable {
    let mut rows = Vec::new();
    let mut in_comment = false;
    for line in text.lines().map(str::trim) {
        if in_comment || line.starts_with("/*") {
            in_comment = !line.ends_with("*/");
            continue;
        }
        let item = line.split_once(" //").map_or(line, |(item, _)| item).trim();
        if !item.is_empty() && !item.starts_with("//") && rows.len() < MAX_ITEMS {
            rows.push(vec![item.to_owned()]);
        }
    }
    LookupTable { columns: vec!["item".to_owned()], rows, ..LookupTable::default() }
}

impl Context for Lists {
    fn lookup(&self, name: &str) -> Option<&LookupTable> {
        self.0.get(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A rule, its tags and its data sources.
    type Read = (Rule, Vec<String>, Vec<DataSource>);

    fn read(path: &str, text: &str) -> (Vec<Read>, Outcome) {
        let mut found = Vec::new();
        let file = SourceFile::from_bytes(path, text.as_bytes().to_vec());
        let outcome = YaraLRules.read(&file, &mut |draft| {
            found.push((draft.rule, draft.tags.into_iter().map(|tag| tag.text).collect(), draft.sources));
        });
        (found, outcome)
    }

    const RULE: &str = "// a comment
rule many_logons {
  meta:
    author = \"A, B\"
    description = \"Many logons.\"
    rule_id = \"mr_1\"
    rule_name = \"Many logons\"
    mitre_attack_url = \"https://attack.mitre.org/techniques/T1110/003/\"
    mitre_attack_tactic = \"Credential Access\"
    severity = \"High\"
    type = \"Hunt\"
    data_source = \"Okta, microsoft sysmon\"
    priority = \"Low\"
  events:
    $e.metadata.event_type = \"USER_LOGIN\"
    $e.principal.ip = $ip
  match:
    $ip over 10m
  outcome:
    $mitre_attack_technique_id = \"T1078\"
  condition:
    #e > 9
}
";

    #[test]
    fn a_rule_has_its_metadata() {
        let (rules, outcome) = read("rules/community/okta/a.yaral", RULE);
        assert_eq!(outcome, Outcome::Rules);
        let [(rule, tags, sources)] = rules.as_slice() else { panic!("{rules:?}") };
        assert_eq!((rule.id.as_str(), rule.title.as_str(), rule.line), ("yaral/mr_1", "Many logons", 2));
        assert_eq!((rule.severity, rule.kind, rule.status), (Some(Severity::High), Kind::Hunting, None));
        assert_eq!(rule.authors, ["A", "B"]);
        assert_eq!(tags, &["T1110.003", "Credential Access"]);
        assert_eq!(sources.iter().map(|source| source.name.as_str()).collect::<Vec<_>>(), ["Okta", "microsoft sysmon"]);
        let threshold = json!({ "field": ["principal.ip"], "value": 10, "window": "10m" });
        assert_eq!(rule.extra.get("threshold"), Some(threshold));
        assert_eq!(rule.extra.get("priority"), Some("Low".into()));
        assert!(rule.query.starts_with("rule many_logons") && rule.query.ends_with('}'));
    }

    #[test]
    fn a_folder_deprecates_and_translations_name_sigmas_sources() {
        let text = "rule a { meta: mitre = \"execution, t1059.001\" product = \"windows\" service = \"Sysmon\" events: $e.a.b = \"c\" condition: $e }";
        let (rules, _) = read("rules/_deprecated/a.yaral", text);
        let (rule, tags, sources) = &rules[0];
        assert_eq!((rule.id.as_str(), rule.status), ("yaral/a", Some(Status::Deprecated)));
        assert_eq!(tags, &["execution", "t1059.001"]);
        let expected =
            [DataSource::new(SourceKind::Product, "windows"), DataSource::new(SourceKind::Service, "sysmon")];
        assert_eq!(sources, &expected);
    }

    #[test]
    fn lists_are_read_without_comments() {
        let text = "/* one\n two */\n// three\nalpha\n\nbeta // four\n";
        let files = [SourceFile::from_bytes("rules/reference_lists/names", text.as_bytes().to_vec())];
        let lists = Lists::of(&files);
        let rows: Vec<&str> = lists.lookup("names").unwrap().rows.iter().map(|row| row[0].as_str()).collect();
        assert_eq!(rows, ["alpha", "beta"]);
        assert_eq!(YaraLRules.read(&files[0], &mut |_| ()), Outcome::NotARule(Cow::Borrowed("a reference list")));
    }

    #[test]
    fn what_is_no_rule_says_so() {
        assert_eq!(read("README.md", "rule a {}").1, Outcome::NotARule(Cow::Borrowed("no file of YARA-L")));
        assert_eq!(read("a.yaral", "// nothing").1, Outcome::NotARule(Cow::Borrowed("no rule in it")));
        assert!(matches!(read("a.yaral", "`").1, Outcome::Unreadable(..)));
    }
}
