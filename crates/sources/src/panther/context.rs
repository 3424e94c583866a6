//! What a checkout has around its rules: modules by import name and by path, rules by id, data models by log type.

use ruleatlas_core::{Context, DataModel, DataModelMapping, Query, Referenced};
use ruleatlas_model::{DataSource, SourceKind};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::{SourceFile, files::sibling_path};

pub(super) struct Checkout<'a> {
    /// Python files by path, and by the name that imports them.
    modules: FxHashMap<&'a str, &'a str>,
    /// The paths of the modules that rules name.
    named: FxHashSet<String>,
    rules: FxHashMap<String, Base<'a>>,
    /// Data models, and which of them is that of a log type.
    models: Vec<DataModel>,
    model_of: FxHashMap<String, usize>,
}

struct Base<'a> {
    id: String,
    title: String,
    text: &'a str,
    sources: Vec<DataSource>,
}

impl<'a> Checkout<'a> {
    pub fn of(files: &'a [SourceFile]) -> Self {
        let mut modules = FxHashMap::default();
        let python = || files.iter().filter(|file| file.extension() == "py");
        // Where two files have one name, helpers are meant by it.
        for helpers in [false, true] {
            for file in python().filter(|file| file.path.contains("global_helpers/") == helpers) {
                let Some(text) = file.text() else { continue };
                modules.insert(file.path.as_str(), text);
                let name = file.path.rsplit('/').next().unwrap_or(&file.path);
                modules.insert(name.strip_suffix(".py").unwrap_or(name), text);
            }
        }
        let mut checkout = Self {
            modules,
            named: FxHashSet::default(),
            rules: FxHashMap::default(),
            models: Vec::new(),
            model_of: FxHashMap::default(),
        };
        let yaml = || files.iter().filter(|file| matches!(file.extension().as_str(), "yml" | "yaml"));
        for file in yaml() {
            let Some(text) = file.text() else { continue };
            checkout.named.extend(top_level(text, "Filename").map(|name| sibling_path(&file.path, name)));
            match top_level(text, "AnalysisType") {
                Some("datamodel") => checkout.model(&file.path, text),
                Some("rule" | "scheduled_rule") => checkout.keep_rule(file, text, "RuleID"),
                Some("scheduled_query" | "saved_query") => checkout.keep_rule(file, text, "QueryName"),
                _ => {}
            }
        }
        checkout
    }

    fn keep_rule(&mut self, file: &SourceFile, yaml: &'a str, id_key: &str) {
        let Some(id) = top_level(yaml, id_key) else { return };
        let module =
            top_level(yaml, "Filename").map(|name| self.modules.get(sibling_path(&file.path, name).as_str()).copied());
        let text = match module {
            Some(Some(module)) => module,
            Some(None) => return,
            None => yaml,
        };
        let title = top_level(yaml, "DisplayName").unwrap_or(id);
        let base = Base { id: id.to_owned(), title: title.to_owned(), text, sources: log_types(yaml) };
        self.rules.insert(id.to_owned(), base);
    }

    fn model(&mut self, path: &str, text: &str) {
        let Ok(parsed) = ruleatlas_yaml::parse(text) else { return };
        for document in &parsed.documents {
            let module = document.text_of("Filename").map(|name| sibling_path(path, name)).unwrap_or_default();
            let mapping = |mapping: &ruleatlas_yaml::Node<'_>| {
                let text = |key: &str| mapping.text_of(key).unwrap_or_default().to_owned();
                DataModelMapping { name: text("Name"), path: text("Path"), method: text("Method") }
            };
            let mappings = document.get("Mappings").map_or(&[][..], |list| list.items_or_self()).iter().map(mapping);
            let model = DataModel { mappings: mappings.collect(), module };
            for log_type in document.texts_of("LogTypes") {
                self.model_of.insert(log_type.to_owned(), self.models.len());
            }
            self.models.push(model);
        }
    }
}

/// The value of a key of the file's first mapping, by the line it stands on: enough to find what a reference means,
/// and a thirtieth of the cost of reading the file.
pub(super) fn top_level<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    text.lines().find_map(|line| {
        let value = line.strip_prefix(key)?.strip_prefix(':')?.trim();
        let value = value.split_once(" #").map_or(value, |(value, _)| value.trim_end());
        Some(value.trim_matches(['"', '\'']))
    })
}

/// The log types of a rule, by the lines under their key.
fn log_types(text: &str) -> Vec<DataSource> {
    let mut lines = text.lines().skip_while(|line| !line.starts_with("LogTypes:"));
    let inline = lines.next().and_then(|line| line.split_once('[')?.1.split_once(']'));
    let inline = inline.into_iter().flat_map(|(names, _)| names.split(','));
    let block = lines.map_while(|line| line.trim_start().strip_prefix("- "));
    inline
        .chain(block)
        .map(|name| name.split(" #").next().unwrap_or(name).trim().trim_matches(['"', '\'']))
        .map(|name| DataSource::new(SourceKind::LogType, name))
        .collect()
}

impl Context for Checkout<'_> {
    fn module(&self, name: &str) -> Option<&str> {
        self.modules.get(name).copied()
    }

    fn is_part(&self, path: &str) -> bool {
        self.named.contains(path)
    }

    fn data_model(&self, log_type: &str) -> Option<&DataModel> {
        self.models.get(*self.model_of.get(log_type)?)
    }

    fn rule(&self, reference: &str) -> Option<Referenced<'_>> {
        let base = self.rules.get(reference)?;
        let query = Query { sources: &base.sources, ..Query::new(base.text) };
        Some(Referenced { id: &base.id, title: &base.title, query })
    }
}
