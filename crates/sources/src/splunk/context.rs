//! What searches ask for: macros, and the tables behind lookups.

use ruleatlas_core::{Context, LookupTable, MacroDefinition};
use ruleatlas_yaml::Node;
use rustc_hash::FxHashMap;

use crate::SourceFile;

/// Larger tables are not read: nobody wrote them as a list for a detection.
const MAX_TABLE_BYTES: usize = 8 * 1024 * 1024;

/// Cells of all tables of a source. Tables behind those are known by their names.
const MAX_CELLS: usize = 8_000_000;

/// The macros and lookups of a source.
#[derive(Debug, Default)]
pub(super) struct Content {
    /// Cells of the tables so far.
    cells: usize,
    /// By name; several take different numbers of arguments.
    macros: FxHashMap<String, Vec<Macro>>,
    tables: Vec<LookupTable>,
    /// Tables by the lookup's name and by the file's.
    by_name: FxHashMap<String, usize>,
}

#[derive(Debug)]
struct Macro {
    parameters: Vec<String>,
    definition: String,
}

impl Content {
    /// Reads the files in folders called `macros` and `lookups`.
    pub fn of(files: &[SourceFile]) -> Self {
        let mut content = Self::default();
        let mut tables: FxHashMap<&str, &str> = FxHashMap::default();
        for file in files {
            if let ("lookups", "csv", Some(text)) = (folder(file), file.extension().as_str(), file.text()) {
                tables.insert(file_name(&file.path), text);
            }
        }
        for file in files {
            let (folder, Some(text)) = (folder(file), file.text()) else { continue };
            if !matches!(folder, "macros" | "lookups") || !matches!(file.extension().as_str(), "yml" | "yaml") {
                continue;
            }
            let mut mended = String::new();
            let Ok(parsed) = ruleatlas_yaml::parse_mended(text, &mut mended) else { continue };
            for document in &parsed.documents {
                match folder {
                    "macros" => content.add_macro(document),
                    _ => content.add_lookup(document, &file.path, &tables),
                }
            }
        }
        // A table that no lookup describes is asked for by its file's name.
        for (name, text) in tables {
            if !content.by_name.contains_key(name)
                && let Some(table) = content.read_table(text)
            {
                content.by_name.insert(name.to_owned(), content.tables.len());
                content.tables.push(table);
            }
        }
        content
    }

    fn add_macro(&mut self, document: &Node<'_>) {
        let (Some(name), Some(definition)) = (document.text_of("name"), document.text_of("definition")) else { return };
        let parameters = document.texts_of("arguments").into_iter().map(str::to_owned).collect();
        let of_name = self.macros.entry(name.trim().to_owned()).or_default();
        of_name.push(Macro { parameters, definition: definition.to_owned() });
    }

    fn add_lookup(&mut self, document: &Node<'_>, path: &str, tables: &FxHashMap<&str, &str>) {
        let Some(name) = document.text_of("name").map(str::trim) else { return };
        // Newer files leave the table's name out: it is that of the file beside.
        let beside = file_name(path).rsplit_once('.').map(|(stem, _)| format!("{stem}.csv")).unwrap_or_default();
        let file = document.text_of("filename").map_or(beside, |file| file.trim().to_owned());
        let Some(mut table) = tables.get(file.as_str()).and_then(|text| self.read_table(text)) else { return };
        let is_cased = document.text_of("case_sensitive_match").is_none_or(|word| !word.eq_ignore_ascii_case("false"));
        table.case_insensitive = !is_cased;
        // Without a least number of matches the default stands for nothing.
        let least = document.text_of("min_matches").and_then(|number| number.trim().parse().ok()).unwrap_or(0_u32);
        let default = document.text_of("default_match").map(str::trim).filter(|_| least > 0);
        table.default_match = default.filter(|text| !text.is_empty()).map(str::to_owned);
        for kinds in document.texts_of("match_type") {
            let patterns = kinds.split("WILDCARD(").skip(1).filter_map(|rest| rest.split(')').next());
            table.wildcard_columns.extend(patterns.map(|column| column.trim().to_owned()));
        }
        let at = self.tables.len();
        self.tables.push(table);
        self.by_name.insert(name.to_owned(), at);
        self.by_name.entry(file).or_insert(at);
    }
}

impl Content {
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
}

impl Context for Content {
    fn macro_definition(&self, name: &str, arguments: usize) -> Option<MacroDefinition<'_>> {
        let found = self.macros.get(name)?.iter().find(|found| found.parameters.len() == arguments)?;
        Some(MacroDefinition { parameters: &found.parameters, definition: &found.definition })
    }

    fn lookup(&self, name: &str) -> Option<&LookupTable> {
        self.tables.get(*self.by_name.get(name)?)
    }
}

fn folder(file: &SourceFile) -> &str {
    file.path.rsplit('/').nth(1).unwrap_or_default()
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}
