//! The rules of a source by number and by group, its variables, and its lists.

use ruleatlas_core::{Context, LookupTable, MacroDefinition, Query, Referenced};
use rustc_hash::FxHashMap;

use crate::SourceFile;

/// Bytes of rules that are kept with the values of their variables in them.
const MAX_BYTES: usize = 256 << 20;
/// Rows of a list that are read.
const MAX_ROWS: usize = 100_000;

/// What the rules of a source may ask for.
#[derive(Debug, Default)]
pub(super) struct Library {
    rules: FxHashMap<String, Found>,
    /// The numbers of the rules of a group, in order.
    groups: FxHashMap<String, Vec<String>>,
    /// The variables of a file, by its path.
    variables: FxHashMap<String, FxHashMap<String, String>>,
    /// Lists by the ends of their paths.
    lists: FxHashMap<String, LookupTable>,
}

#[derive(Debug)]
struct Found {
    id: String,
    title: String,
    /// The rule's element, with the values of the variables in it.
    text: String,
}

impl Library {
    pub fn of(files: &[SourceFile]) -> Self {
        let mut library = Self::default();
        let mut left = MAX_BYTES;
        for file in files {
            let Some(text) = file.text() else { continue };
            if is_list(file) {
                library.lists.insert(list_key(&file.path).to_owned(), table(text));
            } else if file.extension() == "xml" {
                library.add(file, text, &mut left);
            }
        }
        for members in library.groups.values_mut() {
            members.sort_unstable();
            members.dedup();
        }
        library
    }

    fn add(&mut self, file: &SourceFile, text: &str, left: &mut usize) {
        let (document, _) = ruleatlas_wazuh::parse(text);
        let variables: FxHashMap<String, String> = document.variables.into_iter().collect();
        for rule in &document.rules {
            let id = rule.id().to_owned();
            let Some(slice) = rule.element.span.of(text).filter(|_| !id.is_empty()) else { continue };
            // A rule that another takes the place of is asked for no more.
            if self.rules.contains_key(&id) && !rule.element.says_yes("overwrite") {
                continue;
            }
            for group in rule.all_groups() {
                self.groups.entry(group).or_default().push(id.clone());
            }
            let text = match variables.is_empty() {
                true => slice.to_owned(),
                false => ruleatlas_wazuh::substitute(slice, &|name| variables.get(name).map(String::as_str)),
            };
            let Some(rest) = left.checked_sub(text.len()) else { continue };
            *left = rest;
            let title = rule.element.all("description").map(|element| element.text.trim().to_owned()).next();
            self.rules.insert(id.clone(), Found { id, title: title.unwrap_or_default(), text });
        }
        self.variables.insert(file.path.clone(), variables);
    }

    fn rule(&self, id: &str) -> Option<Referenced<'_>> {
        let found = self.rules.get(id)?;
        Some(Referenced { id: &found.id, title: &found.title, query: Query::new(&found.text) })
    }

    fn of_group(&self, group: &str) -> Vec<(&str, &str)> {
        self.groups.get(group).into_iter().flatten().map(|id| ("rule.id", id.as_str())).collect()
    }

    fn list(&self, name: &str) -> Option<&LookupTable> {
        self.lists.get(list_key(name))
    }
}

/// Whether a file holds a list that rules look up: it lies in a folder of that name.
pub(super) fn is_list(file: &SourceFile) -> bool {
    file.path.split('/').rev().skip(1).any(|folder| folder == "lists")
        && matches!(file.extension().as_str(), "" | "cdb" | "txt")
}

/// A list's path behind the folder `lists`, without an ending: rules name it by the place where Wazuh keeps it.
fn list_key(path: &str) -> &str {
    let path = path.trim();
    let behind = path.rfind("lists/").map_or(path, |at| path.get(at + "lists/".len()..).unwrap_or(path));
    behind.strip_suffix(".cdb").unwrap_or(behind)
}

/// The keys and values of a list: a pair a line, with a colon between them. A key with colons in it stands in quotes.
fn table(text: &str) -> LookupTable {
    let rows =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).take(MAX_ROWS).map(
            |line| {
                let quoted = line.strip_prefix('"').and_then(|rest| rest.split_once('"'));
                let (key, value) = match quoted {
                    Some((key, rest)) => (key, rest.trim_start_matches(':')),
                    None => line.split_once(':').unwrap_or((line, "")),
                };
                vec![key.trim().to_owned(), value.trim().trim_matches('"').to_owned()]
            },
        );
    LookupTable { columns: vec!["key".to_owned(), "value".to_owned()], rows: rows.collect(), ..LookupTable::default() }
}

/// What the rules of one file see.
struct OfFile<'l> {
    library: &'l Library,
    variables: Option<&'l FxHashMap<String, String>>,
}

impl Context for OfFile<'_> {
    fn macro_definition(&self, name: &str, arguments: usize) -> Option<MacroDefinition<'_>> {
        let definition = self.variables?.get(name).filter(|_| arguments == 0)?;
        Some(MacroDefinition { parameters: &[], definition })
    }

    fn tagged(&self, tag: &str) -> Vec<(&str, &str)> {
        self.library.of_group(tag)
    }

    fn lookup(&self, name: &str) -> Option<&LookupTable> {
        self.library.list(name)
    }

    fn rule(&self, reference: &str) -> Option<Referenced<'_>> {
        self.library.rule(reference)
    }
}

impl Context for Library {
    fn tagged(&self, tag: &str) -> Vec<(&str, &str)> {
        self.of_group(tag)
    }

    fn lookup(&self, name: &str) -> Option<&LookupTable> {
        self.list(name)
    }

    fn rule(&self, reference: &str) -> Option<Referenced<'_>> {
        Self::rule(self, reference)
    }

    fn of_file(&self, path: &str) -> Option<Box<dyn Context + '_>> {
        Some(Box::new(OfFile { library: self, variables: self.variables.get(path) }))
    }
}
