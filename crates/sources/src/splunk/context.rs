//! What searches ask for: macros, event types, tags, and the tables behind lookups, of security content and of apps.

use std::collections::BTreeMap;

use ruleatlas_core::{Context, LookupTable, MacroDefinition};
use ruleatlas_yaml::Node;
use rustc_hash::FxHashMap;

use super::{
    app::Place,
    conf::{Conf, Layers, is_true},
    json,
};
use crate::SourceFile;

/// Larger tables are not read: nobody wrote them as a list for a detection.
const MAX_TABLE_BYTES: usize = 8 * 1024 * 1024;

/// Cells of all tables of a source. Tables behind those are known by their names.
const MAX_CELLS: usize = 8_000_000;

/// The macros, event types and lookups of a source.
#[derive(Debug, Default)]
pub(super) struct Content<'a> {
    /// Cells of the tables so far.
    cells: usize,
    /// By name; several take different numbers of arguments, or stand in different apps.
    macros: FxHashMap<String, Vec<Macro>>,
    /// The searches of event types, with the folders of their apps.
    event_types: FxHashMap<String, Vec<(String, String)>>,
    /// By the tag in lower case: what has it, in each app.
    tags: FxHashMap<String, Vec<Tagged>>,
    tables: Vec<LookupTable>,
    /// Tables by the lookup's name and by the file's, with the folder of the app; none for security content.
    by_name: FxHashMap<String, Vec<(Option<String>, usize)>>,
    /// The texts that other files of the source are read with, by path: `savedsearches.conf` of the other layer, and
    /// what describes sample searches.
    texts: FxHashMap<&'a str, &'a str>,
}

#[derive(Debug)]
struct Macro {
    app: Option<String>,
    parameters: Vec<String>,
    definition: String,
}

/// A value of a field that has a tag.
#[derive(Debug)]
struct Tagged {
    app: String,
    field: String,
    value: String,
}

/// Configuration files of one name, by their apps: `local` first, then `default`.
type ByApp<'a> = BTreeMap<&'a str, Vec<Conf>>;

impl<'a> Content<'a> {
    /// Reads the files in folders called `macros` and `lookups`, and the configuration of apps.
    pub fn of(files: &'a [SourceFile]) -> Self {
        let mut content = Self::default();
        let mut tables: FxHashMap<&str, &str> = FxHashMap::default();
        let mut macros = ByApp::new();
        let mut event_types = ByApp::new();
        let mut tags = ByApp::new();
        let mut lookups = ByApp::new();
        for file in files {
            let Some(text) = file.text() else { continue };
            let place = Place::of(&file.path);
            if place.folder == "lookups" && file.extension() == "csv" {
                tables.insert(place.name, text);
                content.texts.insert(&file.path, text);
            }
            if json::is_showcase(&file.path) {
                content.texts.entry(json::SHOWCASE).or_insert(text);
            }
            match place.name {
                "savedsearches.conf" => {
                    content.texts.insert(&file.path, text);
                }
                "macros.conf" => add_layer(&mut macros, place, text),
                "eventtypes.conf" => add_layer(&mut event_types, place, text),
                "tags.conf" => add_layer(&mut tags, place, text),
                "transforms.conf" => add_layer(&mut lookups, place, text),
                _ => {}
            }
        }
        for file in files {
            let (folder, Some(text)) = (folder(file), file.text()) else { continue };
            if !matches!(folder, "macros" | "lookups") || !matches!(file.extension().as_str(), "yml" | "yaml") {
                continue;
            }
            let mut repaired = String::new();
            let Ok(parsed) = ruleatlas_yaml::parse_lenient(text, &mut repaired) else { continue };
            for document in &parsed.documents {
                match folder {
                    "macros" => content.add_macro(document),
                    _ => content.add_lookup(document, &file.path, &tables),
                }
            }
        }
        for (app, layers) in &macros {
            content.add_macros(app, &Layers::new(layers.iter().collect()));
        }
        for (app, layers) in &event_types {
            content.add_event_types(app, &Layers::new(layers.iter().collect()));
        }
        for (app, layers) in &tags {
            content.add_tags(app, &Layers::new(layers.iter().collect()));
        }
        for (app, layers) in &lookups {
            content.add_lookups(app, &Layers::new(layers.iter().collect()), &tables);
        }
        // A table that no lookup describes is asked for by its file's name.
        for file in files.iter().filter(|file| file.extension() == "csv") {
            let place = Place::of(&file.path);
            let (Some(text), "lookups") = (file.text(), place.folder) else { continue };
            let is_known = content
                .by_name
                .get(place.name)
                .is_some_and(|known| known.iter().any(|(app, _)| app.as_deref().is_none_or(|app| app == place.app)));
            if !is_known && let Some(table) = content.read_table(text) {
                content.add_table(Some(place.app), &[place.name], table);
            }
        }
        content
    }

    fn read_table(&mut self, text: &str) -> Option<LookupTable> {
        if text.len() > MAX_TABLE_BYTES {
            return None;
        }
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
        let columns: Vec<String> = reader.headers().ok()?.iter().map(|name| name.trim().to_owned()).collect();
        let mut rows = Vec::new();
        for record in reader.records().filter_map(Result::ok) {
            // Rows are made as long as the head is.
            self.cells += columns.len().max(record.len()).max(1);
            if self.cells > MAX_CELLS {
                return None;
            }
            let mut row: Vec<String> = record.iter().map(str::to_owned).collect();
            row.resize(columns.len(), String::new());
            rows.push(row);
        }
        Some(LookupTable { columns, rows, ..LookupTable::default() })
    }

    fn add_table(&mut self, app: Option<&str>, names: &[&str], table: LookupTable) {
        let at = self.tables.len();
        self.tables.push(table);
        for name in names {
            self.by_name.entry((*name).to_owned()).or_default().push((app.map(str::to_owned), at));
        }
    }

    fn add_macro(&mut self, document: &Node<'_>) {
        let (Some(name), Some(definition)) = (document.text_of("name"), document.text_of("definition")) else { return };
        let parameters = document.texts_of("arguments").into_iter().map(str::to_owned).collect();
        let of_name = self.macros.entry(name.trim().to_owned()).or_default();
        of_name.push(Macro { app: None, parameters, definition: definition.to_owned() });
    }

    /// The macros of an app: `[name]`, or `[name(2)]` with `args`. One that computes its text is none that can be put in
    /// the place of its call.
    fn add_macros(&mut self, app: &str, layers: &Layers<'_>) {
        for stanza in layers.names() {
            let get = |key: &str| layers.get(stanza, key).map(|(_, setting)| setting.value.as_str());
            let Some(definition) = get("definition").filter(|_| !get("iseval").is_some_and(is_true)) else { continue };
            let (name, count) = match stanza.strip_suffix(')').and_then(|head| head.rsplit_once('(')) {
                Some((name, count)) => match count.trim().parse::<usize>() {
                    Ok(count) => (name.trim(), count),
                    Err(_) => continue,
                },
                None => (stanza, 0),
            };
            let arguments = get("args").unwrap_or_default().split(',').map(str::trim);
            let parameters: Vec<String> = arguments.filter(|name| !name.is_empty()).map(str::to_owned).collect();
            if parameters.len() == count {
                let found = Macro { app: Some(app.to_owned()), parameters, definition: definition.to_owned() };
                self.macros.entry(name.to_owned()).or_default().push(found);
            }
        }
    }

    /// The event types of an app that are in use.
    fn add_event_types(&mut self, app: &str, layers: &Layers<'_>) {
        for stanza in layers.names() {
            let get = |key: &str| layers.get(stanza, key).map(|(_, setting)| setting.value.as_str());
            let Some(search) = get("search").filter(|_| !get("disabled").is_some_and(is_true)) else { continue };
            self.event_types.entry(stanza.to_owned()).or_default().push((app.to_owned(), search.to_owned()));
        }
    }

    /// The tags of an app: `[field=value]`, the value percent-encoded, with `tag = enabled` for each of its tags.
    fn add_tags(&mut self, app: &str, layers: &Layers<'_>) {
        for stanza in layers.names() {
            let Some((field, value)) = stanza.split_once('=') else { continue };
            let (field, value) = (field.trim(), percent_decoded(value.trim()));
            for (tag, _, setting) in layers.all(stanza) {
                if is_true(&setting.value) && !value.is_empty() {
                    let tagged = Tagged { app: app.to_owned(), field: field.to_owned(), value: value.clone() };
                    self.tags.entry(tag.to_lowercase()).or_default().push(tagged);
                }
            }
        }
    }

    fn add_lookup(&mut self, document: &Node<'_>, path: &str, tables: &FxHashMap<&str, &str>) {
        let Some(name) = document.text_of("name").map(str::trim) else { return };
        // Newer files leave the table's name out: it is that of the file beside.
        let beside = file_name(path).rsplit_once('.').map(|(stem, _)| format!("{stem}.csv")).unwrap_or_default();
        let file = document.text_of("filename").map_or(beside, |file| file.trim().to_owned());
        let Some(table) = tables.get(file.as_str()).and_then(|text| self.read_table(text)) else { return };
        let kinds = document.texts_of("match_type");
        let get = |key: &str| document.text_of(key);
        let table = matched(table, kinds, get);
        let is_first = !self.by_name.contains_key(&file);
        let names = [name, file.as_str()];
        self.add_table(None, if is_first { &names } else { &names[..1] }, table);
    }

    /// The lookups of an app, whose tables stand in its own folder, else in another app's.
    fn add_lookups(&mut self, app: &str, layers: &Layers<'_>, tables: &FxHashMap<&str, &str>) {
        for stanza in layers.names() {
            let get = |key: &str| layers.get(stanza, key).map(|(_, setting)| setting.value.as_str());
            let Some(file) = get("filename") else { continue };
            let own =
                [app, "lookups", file].iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join("/");
            let text = self.texts.get(own.as_str()).or_else(|| tables.get(file)).copied();
            let Some(table) = text.and_then(|text| self.read_table(text)) else { continue };
            let table = matched(table, get("match_type").into_iter().collect(), get);
            self.add_table(Some(app), &[stanza], table);
        }
    }

    /// The macro that a search of an app means: the app's own, else that of security content, else any app's.
    fn macro_in(&self, app: Option<&str>, name: &str, arguments: usize) -> Option<MacroDefinition<'_>> {
        let fit = || self.macros.get(name).into_iter().flatten().filter(|found| found.parameters.len() == arguments);
        let own = app.and_then(|app| fit().find(|found| found.app.as_deref() == Some(app)));
        let found = own.or_else(|| fit().find(|found| found.app.is_none())).or_else(|| fit().next())?;
        Some(MacroDefinition { parameters: &found.parameters, definition: &found.definition })
    }

    /// The search of the event type that a search of an app means: the app's own, else any app's.
    fn event_type_in(&self, app: Option<&str>, name: &str) -> Option<&str> {
        let known = self.event_types.get(name)?;
        let own = app.and_then(|app| known.iter().find(|(owner, _)| owner == app));
        own.or_else(|| known.first()).map(|(_, search)| search.as_str())
    }

    /// What has a tag for a search of an app: what the app itself tags, else what any app does.
    fn tagged_in(&self, app: Option<&str>, tag: &str) -> Vec<(&str, &str)> {
        let known = self.tags.get(&tag.to_lowercase()).map(Vec::as_slice).unwrap_or_default();
        let has_own = known.iter().any(|tagged| app == Some(tagged.app.as_str()));
        let visible = known.iter().filter(|tagged| !has_own || app == Some(tagged.app.as_str()));
        visible.map(|tagged| (tagged.field.as_str(), tagged.value.as_str())).collect()
    }

    fn table_in(&self, app: Option<&str>, name: &str) -> Option<&LookupTable> {
        let known = self.by_name.get(name)?;
        let own = app.and_then(|app| known.iter().find(|(owner, _)| owner.as_deref() == Some(app)));
        let found = own.or_else(|| known.iter().find(|(owner, _)| owner.is_none())).or_else(|| known.first());
        found.and_then(|(_, at)| self.tables.get(*at))
    }
}

fn add_layer<'a>(confs: &mut ByApp<'a>, place: Place<'a>, text: &str) {
    let layers = confs.entry(place.app).or_default();
    let at = if place.folder == "local" { 0 } else { layers.len() };
    layers.insert(at, Conf::read(text));
}

/// How a lookup finds the rows of its table.
fn matched<'s>(mut table: LookupTable, kinds: Vec<&str>, get: impl Fn(&str) -> Option<&'s str>) -> LookupTable {
    let is_uncased = |word: &str| ["false", "f", "0", "no"].iter().any(|no| word.trim().eq_ignore_ascii_case(no));
    table.case_insensitive = get("case_sensitive_match").is_some_and(is_uncased);
    // Without a least number of matches the default stands for nothing.
    let least = get("min_matches").and_then(|number| number.trim().parse().ok()).unwrap_or(0_u32);
    let default = get("default_match").map(str::trim).filter(|_| least > 0);
    table.default_match = default.filter(|text| !text.is_empty()).map(str::to_owned);
    for kinds in kinds {
        let patterns = kinds.split("WILDCARD(").skip(1).filter_map(|rest| rest.split(')').next());
        table.wildcard_columns.extend(patterns.map(|column| column.trim().to_owned()));
    }
    table
}

/// The context of the files of one app.
struct OfApp<'c> {
    content: &'c Content<'c>,
    app: String,
}

impl Context for OfApp<'_> {
    fn macro_definition(&self, name: &str, arguments: usize) -> Option<MacroDefinition<'_>> {
        self.content.macro_in(Some(&self.app), name, arguments)
    }

    fn event_type(&self, name: &str) -> Option<&str> {
        self.content.event_type_in(Some(&self.app), name)
    }

    fn tagged(&self, tag: &str) -> Vec<(&str, &str)> {
        self.content.tagged_in(Some(&self.app), tag)
    }

    fn lookup(&self, name: &str) -> Option<&LookupTable> {
        self.content.table_in(Some(&self.app), name)
    }

    fn module(&self, name: &str) -> Option<&str> {
        self.content.module(name)
    }
}

impl Context for Content<'_> {
    fn macro_definition(&self, name: &str, arguments: usize) -> Option<MacroDefinition<'_>> {
        self.macro_in(None, name, arguments)
    }

    fn event_type(&self, name: &str) -> Option<&str> {
        self.event_type_in(None, name)
    }

    fn tagged(&self, tag: &str) -> Vec<(&str, &str)> {
        self.tagged_in(None, tag)
    }

    fn lookup(&self, name: &str) -> Option<&LookupTable> {
        self.table_in(None, name)
    }

    /// The text of another file of the source, by its path.
    fn module(&self, name: &str) -> Option<&str> {
        self.texts.get(name).copied()
    }

    fn of_file(&self, path: &str) -> Option<Box<dyn Context + '_>> {
        Some(Box::new(OfApp { content: self, app: Place::of(path).app.to_owned() }))
    }
}

/// A text without its percent-encoding; `%` without two hexadecimal digits behind it stands for itself.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let digits = behind.get(..2).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = behind.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn folder(file: &SourceFile) -> &str {
    file.path.rsplit('/').nth(1).unwrap_or_default()
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}
