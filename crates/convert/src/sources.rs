//! Which data sources a log source is in each language: the taxonomy's tables, asked the other way round.

use std::sync::OnceLock;

use ruleatlas_model::{DataSource, SourceKind};
use ruleatlas_taxonomy::data_files;
use rustc_hash::FxHashMap;
use serde::Deserialize;

/// One way in which data sources name a log source.
#[derive(Clone, Debug)]
pub(crate) struct Selector {
    /// Kinds of names, each with its alternatives as the table spells them.
    constraints: Vec<(SourceKind, Vec<String>)>,
    platforms: Vec<String>,
}

#[derive(Deserialize)]
struct File {
    log_source: Vec<LogSource>,
}

#[derive(Deserialize)]
struct LogSource {
    name: String,
    #[serde(default)]
    platforms: Vec<String>,
    #[serde(default)]
    when: Vec<toml::Table>,
}

/// The selectors of each log source, in the order of the tables.
fn table() -> &'static FxHashMap<String, Vec<Selector>> {
    static READ: OnceLock<FxHashMap<String, Vec<Selector>>> = OnceLock::new();
    READ.get_or_init(|| {
        let mut table: FxHashMap<String, Vec<Selector>> = FxHashMap::default();
        for file in data_files() {
            if file.name.ends_with("log_sources.toml") {
                let read: Result<File, _> = toml::from_str(file.text);
                for source in read.map(|read| read.log_source).unwrap_or_default() {
                    let selectors = source.when.iter().map(|when| selector(when, &source.platforms));
                    table.entry(source.name.clone()).or_default().extend(selectors);
                }
            } else if file.name.contains("/sources/") {
                let mut reader = csv::Reader::from_reader(file.text.as_bytes());
                for row in reader.records().flatten() {
                    let cell = |at: usize| row.get(at).unwrap_or_default().to_owned();
                    let Some(kind) = kind(&cell(0)) else { continue };
                    let is_certain = |name: &&str| !name.is_empty() && !name.starts_with('?');
                    let platforms = cell(3).split('|').filter(is_certain).map(str::to_owned).collect();
                    let selector = Selector { constraints: vec![(kind, vec![cell(1)])], platforms };
                    table.entry(cell(2)).or_default().push(selector);
                }
            }
        }
        table
    })
}

fn kind(name: &str) -> Option<SourceKind> {
    serde_json::from_value(serde_json::Value::String(name.to_owned())).ok()
}

fn selector(when: &toml::Table, shared: &[String]) -> Selector {
    let texts = |value: &toml::Value| -> Vec<String> {
        match value {
            toml::Value::String(text) => vec![text.clone()],
            toml::Value::Array(list) => list.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect(),
            _ => Vec::new(),
        }
    };
    let constraints = when.iter().filter_map(|(key, value)| Some((kind(key)?, texts(value))));
    let platforms = when.get("platforms").map_or_else(|| shared.to_vec(), texts);
    let mut constraints: Vec<(SourceKind, Vec<String>)> = constraints.collect();
    constraints.retain(|(kind, _)| *kind != SourceKind::Platform);
    Selector { constraints, platforms }
}

impl Selector {
    /// The first alternative of each kind, where all kinds are of these.
    fn names(&self, kinds: &[SourceKind], is_fit: &dyn Fn(&str) -> bool) -> Option<Vec<DataSource>> {
        let name = |(kind, names): &(SourceKind, Vec<String>)| {
            let found = kinds.contains(kind).then(|| names.iter().find(|name| is_fit(name)))??;
            Some(DataSource::new(*kind, found.as_str()))
        };
        (!self.constraints.is_empty()).then(|| self.constraints.iter().map(name).collect())?
    }
}

/// The data sources of these kinds that a log source is, those of the platforms first.
pub(crate) fn data_sources(
    log_source: &str,
    platforms: &[String],
    kinds: &[SourceKind],
    is_fit: &dyn Fn(&str) -> bool,
) -> Vec<Vec<DataSource>> {
    let selectors = table().get(log_source).map_or(&[][..], Vec::as_slice);
    let mut found: Vec<(bool, Vec<DataSource>)> = selectors
        .iter()
        .filter_map(|selector| {
            let is_of = platforms.is_empty() || selector.platforms.iter().any(|platform| platforms.contains(platform));
            Some((!is_of, selector.names(kinds, is_fit)?))
        })
        .collect();
    found.sort_by_key(|(is_other, _)| *is_other);
    found.into_iter().map(|(_, sources)| sources).collect()
}

/// Whether a name is one data source's, rather than a pattern.
pub(crate) fn is_exact(name: &str) -> bool {
    !name.contains('*')
}
