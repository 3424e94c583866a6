//! Anvilogic's detections: YAML with a search of Splunk or a query of Snowflake.
//!
//! The searches begin with macros that stand for data sets (`get_endpoint_data_sysmon`); each is a data source, as an index
//! is. Macros of Anvilogic's own platform that write results or add to them change no condition.

use std::borrow::Cow;

use ruleatlas_core::{Context, MacroDefinition};
use ruleatlas_model::{DataSource, Diagnostic, Kind, Language, Rule, SourceKind, Vendor};
use ruleatlas_yaml::Node;
use rustc_hash::FxHashMap;

use crate::{Draft, Format, Outcome, RawTag, SourceFile, TagPlace, ids::Ids, metadata, unique::unique_by};

/// The format of Anvilogic's detections.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AnvilogicRules;

/// The keys that the fields of [`Rule`] hold; all others are kept by their own names.
const KNOWN_KEYS: [&str; 7] = ["id", "title", "description", "logic", "references", "techniques", "technique_id"];

/// Macros of the platform that pass everything on.
const OUTPUTS: [&str; 3] = ["hec_collect", "add_fields_eoi", "add_enrichment_rule"];

impl Format for AnvilogicRules {
    fn extensions(&self) -> &'static [&'static str] {
        &["yml", "yaml"]
    }

    fn context<'a>(&self, files: &'a [SourceFile]) -> Box<dyn Context + 'a> {
        Box::new(Macros::of(files))
    }

    fn read(&self, file: &SourceFile, sink: &mut dyn FnMut(Draft<'_>)) -> Outcome {
        let Some(text) = file.text() else { return no_rule("no text") };
        if !is_yaml(file) {
            return no_rule("no YAML file");
        }
        let parsed = match ruleatlas_yaml::parse(text) {
            Ok(parsed) => parsed,
            Err(error) => return Outcome::Unreadable(error.message, Some(error.line)),
        };
        let mut warnings = metadata::warnings(&parsed);
        let mut ids = Ids::default();
        for document in &parsed.documents {
            if document.get("logic").is_none() || document.get("logic_format").is_none() {
                continue;
            }
            let mut draft = draft(document, &file.path);
            draft.rule.diagnostics.append(&mut warnings);
            ids.tell_apart(&mut draft.rule);
            sink(draft);
        }
        if ids.is_empty() { no_rule("neither `logic` nor `logic_format` in it") } else { Outcome::Rules }
    }
}

fn no_rule(reason: &'static str) -> Outcome {
    Outcome::NotARule(Cow::Borrowed(reason))
}

fn is_yaml(file: &SourceFile) -> bool {
    matches!(file.extension().as_str(), "yml" | "yaml")
}

fn draft<'d>(document: &Node<'_>, path: &str) -> Draft<'d> {
    let format = document.text_of("logic_format").unwrap_or_default().trim().to_ascii_lowercase();
    let language = if format == "snowflake" { Language::Snowflake } else { Language::Spl };
    let mut rule = Rule::blank(Vendor::Anvilogic, language, path);
    let text = |key: &str| document.text_of(key).unwrap_or_default().trim().to_owned();
    rule.line = document.line;
    rule.title = text("title");
    rule.description = text("description");
    rule.query = document.text_of("logic").unwrap_or_default().to_owned();
    rule.kind = Kind::Rule;
    rule.references = metadata::texts(document, "references");
    if !matches!(format.as_str(), "splunk" | "snowflake") {
        let message = format!("`logic_format`: `{format}` is neither Splunk nor Snowflake; it is read as Splunk's");
        rule.diagnostics.push(Diagnostic::warning("unknown word", message).on_line(rule.line));
    }
    rule.id = match document.text_of("id").map(str::trim).filter(|id| !id.is_empty()) {
        Some(id) => format!("{}/{id}", Vendor::Anvilogic),
        None => {
            let message = "the rule has no `id`; its path stands for it";
            rule.diagnostics.push(Diagnostic::warning("no id", message).on_line(rule.line));
            format!("{}/{path}", Vendor::Anvilogic)
        }
    };
    rule.tags = metadata::texts(document, "data_category");
    let mut tags: Vec<RawTag> =
        document.get("technique_id").map_or_else(Vec::new, |ids| metadata::attack_tags(ids, TagPlace::Technique));
    // `tactic:technique:sub-technique`, in words.
    for words in document.texts_of("techniques") {
        if let Some(tactic) = words.split(':').next().map(str::trim).filter(|tactic| !tactic.is_empty()) {
            tags.push(RawTag::new(tactic, TagPlace::Tactic, rule.line));
        }
    }
    rule.extra = metadata::rest(document, &KNOWN_KEYS);
    let techniques = metadata::texts(document, "techniques");
    if !techniques.is_empty() {
        rule.extra.insert("techniques", &techniques);
    }
    // A query of Snowflake names its table; a search says by its macros what it reads.
    let sources =
        metadata::texts(document, "data_category").into_iter().map(|name| DataSource::new(SourceKind::LogType, name));
    let sources = if language == Language::Snowflake { Vec::new() } else { sources.collect() };
    Draft { rule, tags: unique_by(tags, |tag| tag.text.clone()), tree: None, sources }
}

/// The macros that the searches of a source call.
struct Macros(FxHashMap<(String, usize), Macro>);

struct Macro {
    parameters: Vec<String>,
    definition: String,
}

/// Bytes of a macro's name.
const MAX_NAME: usize = 100;
/// Data sets that a source may name.
const MAX_SETS: usize = 10_000;

impl Macros {
    fn of(files: &[SourceFile]) -> Self {
        let plain = |definition: &str| Macro { parameters: Vec::new(), definition: definition.to_owned() };
        let mut macros: FxHashMap<(String, usize), Macro> = FxHashMap::default();
        for name in OUTPUTS {
            macros.insert((name.to_owned(), 0), plain("search *"));
        }
        let group = "| bin _time span=$minutes$m | stats values(*) as * by _time, $field$";
        let grouping =
            Macro { parameters: vec!["field".to_owned(), "minutes".to_owned()], definition: group.to_owned() };
        macros.insert(("group_events".to_owned(), 2), grouping);
        // Comes with the app URL Toolbox.
        let entropy = "lookup ut_shannon_lookup word as $word$";
        let entropy = Macro { parameters: vec!["word".to_owned()], definition: entropy.to_owned() };
        macros.insert(("ut_shannon".to_owned(), 1), entropy);
        for text in files.iter().filter(|file| is_yaml(file)).filter_map(SourceFile::text) {
            for name in text.split('`').filter(|name| is_data_set(name)) {
                if macros.len() < MAX_SETS {
                    macros.entry((name.to_owned(), 0)).or_insert_with(|| plain(&format!("index=\"{name}\"")));
                }
            }
        }
        Self(macros)
    }
}

/// Whether a macro stands for a data set.
fn is_data_set(name: &str) -> bool {
    name.len() <= MAX_NAME
        && name.strip_prefix("get_").is_some_and(|rest| {
            !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        })
}

impl Context for Macros {
    fn macro_definition(&self, name: &str, arguments: usize) -> Option<MacroDefinition<'_>> {
        let found = self.0.get(&(name.to_owned(), arguments))?;
        Some(MacroDefinition { parameters: &found.parameters, definition: &found.definition })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A rule, its tags and its data sources.
    type Read = (Rule, Vec<String>, Vec<DataSource>);

    fn read(text: &str) -> (Vec<Read>, Outcome) {
        let mut found = Vec::new();
        let file = SourceFile::from_bytes("detections/a.yml", text.as_bytes().to_vec());
        let outcome = AnvilogicRules.read(&file, &mut |draft| {
            found.push((draft.rule, draft.tags.into_iter().map(|tag| tag.text).collect(), draft.sources));
        });
        (found, outcome)
    }

    #[test]
    fn a_detection_has_its_metadata() {
        let text = "id: '1.2'\ntitle: A\ndescription: B\nlogic_format: Splunk\nlogic: '`get_web_data` a=1'\ntechniques:\n- execution:x:y\n\
                    technique_id:\n- T1059.001\ndata_category:\n- Windows Sysmon\nreferences: null\n";
        let (rules, outcome) = read(text);
        assert_eq!(outcome, Outcome::Rules);
        let (rule, tags, sources) = &rules[0];
        assert_eq!(
            (rule.id.as_str(), rule.language, rule.query.as_str()),
            ("anvilogic/1.2", Language::Spl, "`get_web_data` a=1")
        );
        assert_eq!(tags, &["T1059.001", "execution"]);
        assert_eq!(sources, &[DataSource::new(SourceKind::LogType, "Windows Sysmon")]);
        let (rules, _) = read("id: '3'\ntitle: A\nlogic_format: snowflake\nlogic: select * from t where a = 1\n");
        assert_eq!(rules[0].0.language, Language::Snowflake);
        assert_eq!(read("a: b").1, Outcome::NotARule(Cow::Borrowed("neither `logic` nor `logic_format` in it")));
        assert!(matches!(read("a: [").1, Outcome::Unreadable(..)));
    }

    #[test]
    fn macros_of_data_sets_are_indexes() {
        let text = "logic: '`get_endpoint_data` `get_endpoint_data_edr` a=1 | table b `group_events(\"host\", 5)`'";
        let files = [SourceFile::from_bytes("a.yml", text.as_bytes().to_vec())];
        let macros = Macros::of(&files);
        let text = |name, arguments| macros.macro_definition(name, arguments).map(|found| found.definition.to_owned());
        assert_eq!(text("get_endpoint_data_edr", 0).as_deref(), Some("index=\"get_endpoint_data_edr\""));
        assert_eq!(text("hec_collect", 0).as_deref(), Some("search *"));
        assert!(text("group_events", 2).is_some() && text("get_web_data", 0).is_none());
    }
}
