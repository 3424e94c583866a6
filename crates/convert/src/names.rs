//! What the target calls the fields of a rule.

use ruleatlas_model::{DataSource, Predicate, fold_case};
use ruleatlas_taxonomy::{Field, FieldType, Part, Reader, Taxonomy};
use rustc_hash::FxHashMap;

use crate::target::Target;

/// Which part of a path the target's name holds, against what the rule compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    None,
    /// The name holds the path, and the rule compares its last part.
    NameOfPath,
    /// The name holds the last part, and the rule compares the path.
    PathOfName,
}

/// A field as the target names it.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub name: String,
    pub cut: Cut,
    pub field_type: Option<FieldType>,
    /// What parts a path's name from its folder.
    pub separators: &'static [char],
}

impl Named {
    pub fn is_cut(&self) -> bool {
        self.cut != Cut::None
    }
}

/// What an event has under a name: a canonical field, or a field that only the rule names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Slot {
    /// By the number of the canonical field.
    Known(u32),
    /// By its name in lower case.
    Raw(String),
}

/// A name of the rule, and what it became.
#[derive(Clone, Debug)]
pub(crate) struct Use {
    /// As the rule writes it.
    pub from: String,
    pub to: String,
    pub slot: Slot,
    /// The canonical name.
    pub field: Option<String>,
    /// Whether the target's name holds the last part of a path.
    pub to_name: bool,
    /// Whether the target's vocabulary, or the user's table, has the name.
    pub is_mapped: bool,
}

/// Names for the fields of one rule.
pub(crate) struct Names<'a, 'r> {
    pub taxonomy: &'a Taxonomy,
    pub reader: &'a Reader<'r>,
    pub target: Target,
    /// What the query will read.
    pub sources: &'a [DataSource],
    /// The user's names, by the rule's name or the canonical one in lower case.
    pub own: &'a FxHashMap<String, String>,
    pub separators: &'static [char],
    /// Whether the query has to compare without regard to case, which some names of a field do.
    pub wants_caseless: bool,
    pub uses: Vec<Use>,
    known: FxHashMap<(String, bool), Result<Named, String>>,
}

impl<'a, 'r> Names<'a, 'r> {
    pub fn new(
        reader: &'a Reader<'r>,
        taxonomy: &'a Taxonomy,
        target: Target,
        sources: &'a [DataSource],
        own: &'a FxHashMap<String, String>,
        separators: &'static [char],
    ) -> Self {
        Self {
            taxonomy,
            reader,
            target,
            sources,
            own,
            separators,
            wants_caseless: false,
            uses: Vec::new(),
            known: FxHashMap::default(),
        }
    }

    /// Forgets what names were found, so that they count as used when they are asked for again.
    pub fn forget(&mut self) {
        self.known.clear();
    }

    /// The target's name for what a predicate compares.
    pub fn of(&mut self, predicate: &Predicate) -> Result<Named, String> {
        let has_case = predicate.values.iter().any(|value| value.chars().any(char::is_alphabetic));
        self.wants_caseless = self.target.has_caseless_names() && !predicate.case_sensitive && has_case;
        self.of_name(&predicate.raw_field)
    }

    /// The target's name for a name of the rule.
    pub fn of_name(&mut self, raw: &str) -> Result<Named, String> {
        let key = (raw.to_owned(), self.wants_caseless);
        if let Some(found) = self.known.get(&key) {
            return found.clone();
        }
        let found = self.find(raw);
        self.known.insert(key, found.clone());
        found
    }

    fn find(&mut self, raw: &str) -> Result<Named, String> {
        let plain = |name: String, field_type| Named { name, cut: Cut::None, field_type, separators: self.separators };
        if raw.is_empty() {
            return Ok(plain(String::new(), None));
        }
        let used = self.reader.resolve(raw);
        let field = used.map(|used| used.field);
        let part = used.map_or(Part::Whole, |used| used.part);
        let from_name = part == Part::Name;
        let slot = field.map_or_else(|| Slot::Raw(fold_case(raw).into_owned()), |field| Slot::Known(field.index));
        let chosen = |to: &str, to_name: bool, is_mapped: bool| Use {
            from: raw.to_owned(),
            to: to.to_owned(),
            slot: slot.clone(),
            field: field.map(|field| field.name.clone()),
            to_name,
            is_mapped,
        };
        let field_type = field.map(|field| field.field_type);
        let own = self.own.get(&fold_case(raw).into_owned());
        let own = own.or_else(|| self.own.get(&fold_case(&field?.name).into_owned()));
        if let Some(name) = own {
            self.uses.push(chosen(name, from_name, true));
            return Ok(plain(name.clone(), field_type));
        }
        if let Some(field) = field {
            let whole = self.name_of(field, Part::Whole, raw);
            let name = if field.field_type == FieldType::Path { self.name_of(field, Part::Name, raw) } else { None };
            let (found, cut, to_name) = match (from_name, whole, name) {
                (false, Some(whole), _) => (Some(whole), Cut::None, false),
                (true, _, Some(name)) => (Some(name), Cut::None, true),
                (true, Some(whole), None) => (Some(whole), Cut::NameOfPath, false),
                (false, None, Some(name)) => (Some(name), Cut::PathOfName, true),
                (_, None, None) => (None, Cut::None, from_name),
            };
            if let Some(found) = found {
                self.uses.push(chosen(&found, to_name, true));
                return Ok(Named { name: found, cut, field_type: Some(field.field_type), separators: self.separators });
            }
        }
        // The target has no name for it: a language whose fields are whatever the data has takes the rule's.
        let vendor = self.target.vendor();
        let canonical = field.map(|field| field.name.as_str());
        let is_free = |name: &str| self.taxonomy.resolve(vendor, name, self.sources).is_none();
        let takes_any = self.target.takes_any_name(self.sources);
        let free = takes_any.then(|| [Some(raw), canonical].into_iter().flatten().find(|name| is_free(name))).flatten();
        match free {
            Some(name) => {
                let name = name.to_owned();
                self.uses.push(chosen(&name, from_name, false));
                Ok(plain(name, field_type))
            }
            None => {
                let what = canonical.map_or_else(String::new, |name| format!(" (`{name}`)"));
                Err(format!("the field `{raw}`{what} has no name in {}; name it with `--fields`", self.target.title()))
            }
        }
    }

    /// What the target's vocabularies call a field, best first.
    fn name_of(&self, field: &Field, part: Part, raw: &str) -> Option<String> {
        let vendor = self.target.vendor();
        let is_meant = |name: &str| {
            let found = self.taxonomy.resolve(vendor, name, self.sources);
            found.is_some_and(|found| found.field.index == field.index && found.part == part)
        };
        let vocabularies = self.target.vocabularies();
        let rank = |vocabulary: usize| {
            let name = self.taxonomy.vocabularies().get(vocabulary).map(|vocabulary| vocabulary.name.as_str());
            vocabularies.iter().position(|known| Some(*known) == name).unwrap_or(vocabularies.len())
        };
        let mut aliases: Vec<_> = field.aliases.iter().filter(|alias| alias.part == part).collect();
        aliases.sort_by_key(|alias| rank(alias.vocabulary));
        let prefixes = self.target.prefixes();
        let spelled = |name: &str| -> Option<String> {
            std::iter::once(name.to_owned())
                .chain(prefixes.iter().map(|prefix| format!("{prefix}{name}")))
                .find(|name| is_meant(name))
        };
        let is_caseless = |name: &str| name.ends_with(".caseless");
        if self.wants_caseless {
            let caseless = aliases.iter().find(|alias| is_caseless(&alias.name) && is_meant(&alias.name));
            if let Some(alias) = caseless {
                return Some(alias.name.clone());
            }
        }
        // A text that is taken apart into words is compared in another way.
        let is_plain = |name: &str| !is_caseless(name) && !name.ends_with(".text");
        aliases
            .iter()
            .filter(|alias| is_plain(&alias.name))
            .find_map(|alias| spelled(&alias.name))
            .or_else(|| (part == Part::Whole).then(|| spelled(&field.name)).flatten())
            .or_else(|| spelled(raw))
    }
}
