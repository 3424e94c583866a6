//! The macros and lists of a source's files, and what its files change of each other's rules.

use ruleatlas_core::{Context, LookupTable, MacroDefinition};
use ruleatlas_yaml::Node;
use rustc_hash::FxHashMap;

use super::{is_change, is_change_of_rule, is_rules_file, items};
use crate::SourceFile;

/// Bytes that macros and lists may come to, all files together, by what is appended to them and by lists in lists.
const MAX_BYTES: usize = 64 << 20;

/// What the rules of a source may ask for.
#[derive(Debug, Default)]
pub(super) struct Library {
    /// What holds for files that have nothing of the name themselves.
    shared: Names,
    /// What a file has itself, by its path.
    own: FxHashMap<String, Names>,
    /// The items that change a rule of another file, by its name.
    changes: FxHashMap<String, String>,
}

#[derive(Debug, Default)]
struct Names {
    macros: FxHashMap<String, String>,
    lists: FxHashMap<String, LookupTable>,
}

/// A file's items that define or change a macro or a list.
struct Loaded {
    path: String,
    /// Whether the file is one of local changes, which is loaded after all others.
    is_local: bool,
    items: Vec<Item>,
}

struct Item {
    kind: Kind,
    name: String,
    how: How,
    /// A macro's condition alone, or a list's items.
    texts: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Kind {
    Macro,
    List,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Define,
    Append,
    Replace,
}

type Key<'i> = (Kind, &'i str);

/// What names stand for, with what is appended to them.
type Found<'i> = FxHashMap<Key<'i>, Vec<&'i [String]>>;

impl Library {
    pub fn of(files: &[SourceFile]) -> Self {
        let mut library = Self::default();
        let mut loaded: Vec<Loaded> = Vec::new();
        let mut left = MAX_BYTES;
        for file in files.iter().filter(|file| is_rules_file(file)) {
            let Some(text) = file.text() else { continue };
            let Ok(parsed) = ruleatlas_yaml::parse(text) else { continue };
            let is_local = is_local(&file.path);
            let mut found = Vec::new();
            for node in items(&parsed.documents) {
                if let Some(name) = node.text_of("rule") {
                    if is_local && is_change_of_rule(node) {
                        library.note_change(name, node, text, &mut left);
                    }
                } else {
                    found.extend(Item::of(node));
                }
            }
            loaded.push(Loaded { path: file.path.clone(), is_local, items: found });
        }
        loaded.sort_by(|a, b| (a.is_local, &a.path).cmp(&(b.is_local, &b.path)));
        let mut local: FxHashMap<Key<'_>, Vec<&Item>> = FxHashMap::default();
        for item in loaded.iter().filter(|file| file.is_local).flat_map(|file| &file.items) {
            local.entry(item.key()).or_default().push(item);
        }
        let mut shared = Found::default();
        for item in loaded.iter().flat_map(|file| &file.items) {
            item.apply(&mut shared, true, &mut left);
        }
        library.shared = resolved(&shared, &Found::default(), &mut left);
        for file in &loaded {
            let mut own = Found::default();
            for item in &file.items {
                item.apply(&mut own, false, &mut left);
            }
            if !file.is_local {
                let mut keys: Vec<Key<'_>> = own.keys().copied().collect();
                keys.sort_unstable();
                for item in keys.iter().filter_map(|key| local.get(key)).flatten() {
                    item.apply(&mut own, false, &mut left);
                }
            }
            library.own.insert(file.path.clone(), resolved(&own, &shared, &mut left));
        }
        library
    }

    fn note_change(&mut self, name: &str, node: &Node<'_>, text: &str, left: &mut usize) {
        let Some(slice) = text.get(node.start..node.end) else { return };
        let Some(rest) = left.checked_sub(slice.len()) else { return };
        *left = rest;
        // The item's later lines keep their distance from its first.
        let line_start = text.get(..node.start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
        let indent = " ".repeat((node.start - line_start).min(200));
        let known = self.changes.entry(name.to_owned()).or_default();
        known.push_str("---\n");
        known.push_str(&indent);
        known.push_str(slice.trim_end());
        known.push('\n');
    }
}

/// Hands what other files change of a rule to `apply`, in the order in which they are loaded.
pub(super) fn changes(context: &dyn Context, name: &str, mut apply: impl FnMut(&Node<'_>)) {
    let Some(text) = context.module(name) else { return };
    let Ok(parsed) = ruleatlas_yaml::parse(text) else { return };
    parsed.documents.iter().for_each(&mut apply);
}

impl Item {
    fn of(node: &Node<'_>) -> Option<Self> {
        let (kind, key) =
            [(Kind::Macro, "macro"), (Kind::List, "list")].into_iter().find(|(_, key)| node.get(key).is_some())?;
        let body = if kind == Kind::Macro { "condition" } else { "items" };
        let is_replaced =
            node.get("override").and_then(|how| how.text_of(body)).is_some_and(|how| how.trim() == "replace");
        let how = match (is_change(node), is_replaced) {
            (false, _) => How::Define,
            (true, true) => How::Replace,
            (true, false) => How::Append,
        };
        let texts = match kind {
            Kind::Macro => vec![node.text_of(body).unwrap_or_default().to_owned()],
            Kind::List => {
                let items = node.get(body).map_or(&[][..], Node::items_or_self).iter().filter_map(Node::text);
                items.map(str::to_owned).collect()
            }
        };
        Some(Self { kind, name: node.text_of(key)?.trim().to_owned(), how, texts })
    }

    fn key(&self) -> Key<'_> {
        (self.kind, &self.name)
    }

    /// Takes the item over; a change of what is not defined only where `defines` says so.
    fn apply<'i>(&'i self, found: &mut Found<'i>, defines: bool, left: &mut usize) {
        match self.how {
            How::Define => {
                found.insert(self.key(), vec![&self.texts]);
            }
            _ if !defines && !found.contains_key(&self.key()) => {}
            How::Replace => {
                found.insert(self.key(), vec![&self.texts]);
            }
            How::Append => {
                if let Some(rest) = left.checked_sub(size_of::<&[String]>()) {
                    *left = rest;
                    found.entry(self.key()).or_default().push(&self.texts);
                }
            }
        }
    }
}

/// The names with what they stand for: macros as one text, lists with the items of the lists that they name, which may be
/// those of `others`.
fn resolved(found: &Found<'_>, others: &Found<'_>, left: &mut usize) -> Names {
    let mut names = Names::default();
    let mut keys: Vec<&Key<'_>> = found.keys().collect();
    keys.sort_unstable();
    for key @ (kind, name) in keys {
        let Some(texts) = found.get(key) else { continue };
        if *kind == Kind::Macro {
            let length: usize = texts.iter().flat_map(|texts| texts.iter()).map(|text| text.len() + 1).sum();
            let Some(rest) = left.checked_sub(length) else { continue };
            *left = rest;
            let texts: Vec<&str> = texts.iter().flat_map(|texts| texts.iter()).map(String::as_str).collect();
            names.macros.insert((*name).to_owned(), texts.join(" "));
            continue;
        }
        let mut lists = Lists { found, others, stack: vec![name], items: Vec::new(), left: &mut *left };
        if lists.add(texts) {
            let rows = lists.items.into_iter().map(|item| vec![item]).collect();
            let table = LookupTable { columns: vec!["item".to_owned()], rows, ..LookupTable::default() };
            names.lists.insert((*name).to_owned(), table);
        }
    }
    names
}

/// Lists within each other that are followed.
const MAX_DEPTH: usize = 32;

/// The items of a list so far.
struct Lists<'f, 'l> {
    found: &'f Found<'f>,
    others: &'f Found<'f>,
    /// The lists around this place.
    stack: Vec<&'f str>,
    items: Vec<String>,
    left: &'l mut usize,
}

impl<'f> Lists<'f, '_> {
    /// Adds items, and those of the lists among them; `false` where they are too many.
    fn add(&mut self, texts: &[&'f [String]]) -> bool {
        for text in texts.iter().flat_map(|texts| texts.iter()) {
            let Some(rest) = self.left.checked_sub(text.len() + size_of::<Vec<String>>()) else { return false };
            *self.left = rest;
            let key = (Kind::List, text.as_str());
            match self.found.get(&key).or_else(|| self.others.get(&key)) {
                Some(inner) if self.stack.len() < MAX_DEPTH && !self.stack.contains(&text.as_str()) => {
                    self.stack.push(text);
                    if !self.add(inner) {
                        return false;
                    }
                    self.stack.pop();
                }
                _ => self.items.push(ruleatlas_falco::list_item(text).to_owned()),
            }
        }
        true
    }
}

/// Whether a file is one of local changes: Falco loads `*.local.yaml` and the folder `rules.d` after its own rules.
fn is_local(path: &str) -> bool {
    let mut parts = path.rsplit('/');
    let name = parts.next().unwrap_or_default();
    name.contains(".local.") || name.contains("_local.") || parts.any(|folder| folder == "rules.d")
}

/// What the rules of one file see.
struct OfFile<'l> {
    library: &'l Library,
    own: Option<&'l Names>,
}

impl Context for OfFile<'_> {
    fn macro_definition(&self, name: &str, arguments: usize) -> Option<MacroDefinition<'_>> {
        let own = self.own.and_then(|own| own.macros.get(name));
        let definition = own.or_else(|| self.library.shared.macros.get(name)).filter(|_| arguments == 0)?;
        Some(MacroDefinition { parameters: &[], definition })
    }

    fn lookup(&self, name: &str) -> Option<&LookupTable> {
        self.own.and_then(|own| own.lists.get(name)).or_else(|| self.library.shared.lists.get(name))
    }

    fn module(&self, name: &str) -> Option<&str> {
        self.library.changes.get(name).map(String::as_str)
    }
}

impl Context for Library {
    fn macro_definition(&self, name: &str, arguments: usize) -> Option<MacroDefinition<'_>> {
        let definition = self.shared.macros.get(name).filter(|_| arguments == 0)?;
        Some(MacroDefinition { parameters: &[], definition })
    }

    fn lookup(&self, name: &str) -> Option<&LookupTable> {
        self.shared.lists.get(name)
    }

    fn module(&self, name: &str) -> Option<&str> {
        self.changes.get(name).map(String::as_str)
    }

    fn of_file(&self, path: &str) -> Option<Box<dyn Context + '_>> {
        Some(Box::new(OfFile { library: self, own: self.own.get(path) }))
    }
}
