//! Canonical fields, and what each vocabulary calls them.

use std::{fmt, str::FromStr};

use ruleatlas_model::{DataSource, SourceKind, Vendor};
use rustc_hash::FxHashMap;

use crate::{
    log_source::LogSources,
    members::Members,
    read::{Entry, Source, Value, list},
    scope::{Pattern, Placename},
};

/// What a field's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldType {
    /// A short text that is compared whole, such as a name, an id, a hash.
    Keyword,
    /// A path of a file, a program or a registry key: its last part is compared on its own (operator `basename`).
    Path,
    /// A longer text, such as a command line.
    Text,
    /// An IP address.
    Ip,
    /// A port.
    Port,
    /// A whole number.
    Integer,
    /// True or false.
    Boolean,
    /// A point in time.
    Time,
}

impl FieldType {
    /// The names in data, in order.
    pub const NAMES: [(&'static str, Self); 8] = [
        ("keyword", Self::Keyword),
        ("path", Self::Path),
        ("text", Self::Text),
        ("ip", Self::Ip),
        ("port", Self::Port),
        ("integer", Self::Integer),
        ("boolean", Self::Boolean),
        ("time", Self::Time),
    ];

    /// The name in data.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }
}

impl fmt::Display for FieldType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for FieldType {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind).ok_or(())
    }
}

/// How much of a field's value an alias holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// All of it.
    Whole,
    /// The last part of a path only.
    Name,
}

/// A canonical field.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its place in the order of the tables: a number for the field while the program runs.
    pub index: u32,
    /// The name, by which it is counted.
    pub name: String,
    /// What it holds, in one line.
    pub description: String,
    /// What its values are.
    pub field_type: FieldType,
    /// Whether it holds an object, whose members are fields by their paths (`requestParameters.roleName`) though no table
    /// lists them.
    pub members: bool,
    /// What the vocabularies call it.
    pub aliases: Vec<Alias>,
}

/// What a vocabulary calls a field.
#[derive(Clone, Debug)]
pub struct Alias {
    /// The vocabulary's index in [`crate::Taxonomy::vocabularies`].
    pub vocabulary: usize,
    /// The name, as the vocabulary writes it.
    pub name: String,
    /// How much of the value it holds.
    pub part: Part,
    /// The data sources where it holds, as the table writes them; everywhere in its vocabulary when empty.
    pub sources: Vec<String>,
    patterns: Vec<Pattern>,
}

/// A set of field names: a product's, a schema's, a log's.
#[derive(Clone, Debug)]
pub struct Vocabulary {
    /// The name in data, which is the key of its aliases in the field tables (`ecs`).
    pub name: String,
    /// The name on pages (`ECS (Elastic)`).
    pub title: String,
    scope: Vec<Pattern>,
}

/// A field as a rule names it.
#[derive(Clone, Copy, Debug)]
pub struct FieldUse<'a> {
    /// The canonical field.
    pub field: &'a Field,
    /// How much of its value the rule's name holds.
    pub part: Part,
}

/// In which vocabularies a vendor's rules are read.
#[derive(Clone, Debug, Default)]
struct Reading {
    /// By vocabulary, its place in the order in which they are asked.
    rank: Vec<Option<usize>>,
    prefixes: Vec<Prefix>,
    /// The vocabularies whose names may be written with underscores between their words: Splunk's rendering of
    /// `LogonType` is `Logon_Type`.
    underscored: Vec<Option<usize>>,
    /// Whether names are written as Splunk writes them: in a step that reads a data model, `Processes.process_name` is
    /// `process_name` of its dataset; `a{}.b` is `a.b` of a list.
    dataset_prefix: bool,
}

/// The head of a name that says which vocabularies the rest is from.
#[derive(Clone, Debug)]
struct Prefix {
    lower: String,
    rank: Vec<Option<usize>>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Fields {
    pub all: Vec<Field>,
    pub vocabularies: Vec<Vocabulary>,
    readings: FxHashMap<Vendor, Reading>,
    /// Field and alias by the alias's name in lower case.
    by_alias: FxHashMap<String, Vec<(u32, u32)>>,
    by_name: FxHashMap<String, u32>,
    pub members: Members,
}

/// The data sources of a step, and the log sources that they are, found when first asked for.
pub(crate) struct Place<'a> {
    sources: &'a [DataSource],
    table: &'a LogSources,
    log_sources: std::cell::OnceCell<Vec<&'a str>>,
}

impl<'a> Place<'a> {
    pub fn new(sources: &'a [DataSource], table: &'a LogSources) -> Self {
        Self { sources, table, log_sources: std::cell::OnceCell::new() }
    }

    /// The weight of the narrowest pattern that matches here.
    fn weigh(&self, patterns: &[Pattern]) -> Option<usize> {
        let named = |pattern: &&Pattern| self.sources.iter().any(|source| pattern.matches(Placename::Source(source)));
        let by_source = patterns.iter().filter(named).map(Pattern::weight).max();
        by_source.or_else(|| {
            let log_sources = self.log_sources.get_or_init(|| {
                let selected = self.table.select(self.sources);
                let places: Vec<usize> = self.table.selected(&selected).map(|found| found.log_source).collect();
                places.into_iter().map(|place| self.table.all[place].name.as_str()).collect()
            });
            let is_here =
                |pattern: &&Pattern| log_sources.iter().any(|name| pattern.matches(Placename::LogSource(name)));
            patterns.iter().filter(is_here).map(Pattern::weight).max()
        })
    }
}

impl Fields {
    pub fn load_vocabularies(&mut self, source: &Source<'_>) {
        let Some(tree) = source.tree() else { return };
        source.only(&tree, &["vocabulary", "vendor"]);
        for entry in source.tables(&tree, "vocabulary") {
            source.only(entry.table, &["name", "title", "in"]);
            let scope = entry.texts("in").into_iter().map(|(text, _)| Pattern::read(text)).collect();
            let (name, title) = (entry.text("name").to_owned(), entry.text("title").to_owned());
            if matches!(name.as_str(), "name" | "description" | "type" | "members") || self.vocabulary(&name).is_some()
            {
                source.fault(entry.at, format!("a vocabulary cannot be called `{name}`, or is called so already"));
            }
            self.vocabularies.push(Vocabulary { name, title, scope });
        }
        for entry in source.tables(&tree, "vendor") {
            source.only(entry.table, &["name", "vocabularies", "prefixes", "dataset_prefix", "underscored"]);
            let name = entry.text("name");
            let Ok(vendor) = name.parse() else {
                source.fault(entry.at, format!("`{name}` is no vendor"));
                continue;
            };
            let prefixes = entry.table.get("prefixes").map(list).unwrap_or_default();
            let prefixes = prefixes.iter().filter_map(|value| source.table(value)).map(|prefix| {
                source.only(prefix.table, &["strip", "vocabularies"]);
                Prefix { lower: prefix.text("strip").to_lowercase(), rank: self.ranks(&prefix, "vocabularies") }
            });
            let reading = Reading {
                rank: self.ranks(&entry, "vocabularies"),
                underscored: self.ranks(&entry, "underscored"),
                prefixes: prefixes.collect(),
                dataset_prefix: entry
                    .table
                    .get("dataset_prefix")
                    .is_some_and(|value| value.get_ref().as_bool() == Some(true)),
            };
            self.readings.insert(vendor, reading);
        }
        for vendor in Vendor::ALL {
            let names_of = vendor.info().names_of;
            if !self.readings.contains_key(&names_of) {
                source.fault(0, format!("the vendor `{names_of}` reads no vocabulary"));
            } else if names_of != *vendor && self.readings.contains_key(vendor) {
                source.fault(
                    0,
                    format!("the vendor `{vendor}` uses the names of `{names_of}` and has an entry of its own"),
                );
            }
        }
    }

    fn vocabulary(&self, name: &str) -> Option<usize> {
        self.vocabularies.iter().position(|vocabulary| vocabulary.name == name)
    }

    fn ranks(&self, entry: &Entry<'_, '_>, key: &str) -> Vec<Option<usize>> {
        let mut ranks = vec![None; self.vocabularies.len()];
        for (rank, (name, at)) in entry.texts(key).into_iter().enumerate() {
            match self.vocabulary(name) {
                Some(index) => ranks[index] = Some(rank),
                None => entry.source.fault(at, format!("`{name}` is no vocabulary")),
            }
        }
        ranks
    }

    pub fn load_fields(&mut self, source: &Source<'_>) {
        let Some(tree) = source.tree() else { return };
        source.only(&tree, &["field"]);
        for entry in source.tables(&tree, "field") {
            let kind = entry.text("type");
            let field_type = kind.parse().unwrap_or_else(|()| {
                source.fault(entry.at, format!("`{kind}` is no type of field"));
                FieldType::Keyword
            });
            let name = entry.text("name").to_owned();
            let index = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
            if self.by_name.insert(name.to_lowercase(), index).is_some() {
                source.fault(entry.at, format!("the field `{name}` stands here a second time"));
            }
            let description = entry.text("description").to_owned();
            let members = entry.flag("members");
            self.all.push(Field { index, name, description, field_type, members, aliases: Vec::new() });
            for (key, value) in entry.table {
                let name = key.get_ref().as_ref();
                if matches!(name, "name" | "description" | "type" | "members") {
                    continue;
                }
                let Some(vocabulary) = self.vocabulary(name) else {
                    source.fault(key.span().start, format!("`{name}` is no vocabulary"));
                    continue;
                };
                for value in list(value) {
                    self.read_alias(source, vocabulary, value);
                }
            }
        }
    }

    fn read_alias<'a>(&mut self, source: &Source<'a>, vocabulary: usize, value: &Value<'a>) {
        let at = value.span().start;
        let Some(field) = self.all.last_mut() else { return };
        let mut alias =
            Alias { vocabulary, name: String::new(), part: Part::Whole, sources: Vec::new(), patterns: Vec::new() };
        if value.get_ref().is_table()
            && let Some(entry) = source.table(value)
        {
            source.only(entry.table, &["name", "part", "in"]);
            entry.text("name").clone_into(&mut alias.name);
            for (part, at) in entry.texts("part") {
                if part != "name" || field.field_type != FieldType::Path {
                    source.fault(at, "`part` can only be \"name\", and only of a field of type path".to_owned());
                }
                alias.part = Part::Name;
            }
            alias.sources = entry.names("in");
            alias.patterns = alias.sources.iter().map(|text| Pattern::read(text)).collect();
        } else if let Some((name, _)) = source.texts(value).first() {
            (*name).clone_into(&mut alias.name);
        }
        let lower = alias.name.to_lowercase();
        let place = (
            u32::try_from(self.all.len() - 1).unwrap_or(u32::MAX),
            u32::try_from(self.all.last().map_or(0, |field| field.aliases.len())).unwrap_or(u32::MAX),
        );
        if let Some(other) = self.contradicted(vocabulary, &lower, &alias.patterns) {
            let (here, there) = (&self.all[place.0 as usize].name, &self.all[other].name);
            let (name, of) = (&alias.name, &self.vocabularies[vocabulary].name);
            source.fault(
                at,
                match here == there {
                    true => format!("`{name}` ({of}) stands here a second time"),
                    false => format!("`{name}` ({of}) is `{here}` here and `{there}` elsewhere in the same scope"),
                },
            );
        }
        self.by_alias.entry(lower).or_default().push(place);
        if let Some(field) = self.all.last_mut() {
            field.aliases.push(alias);
        }
    }

    /// The field that has the same alias in one of the same scopes already.
    fn contradicted(&self, vocabulary: usize, lower: &str, patterns: &[Pattern]) -> Option<usize> {
        let places = self.by_alias.get(lower)?;
        let field_of = |&(field, alias): &(u32, u32)| {
            let other = self.all.get(field as usize)?.aliases.get(alias as usize)?;
            let overlaps = match (patterns, other.patterns.as_slice()) {
                ([], []) => true,
                (here, there) => here.iter().any(|pattern| there.contains(pattern)),
            };
            (other.vocabulary == vocabulary && overlaps).then_some(field as usize)
        };
        places.iter().find_map(field_of)
    }

    /// Patterns that name a log source by kind, for the check that it exists, each with who asks for it.
    pub fn named_log_sources(&self) -> impl Iterator<Item = (&str, &str)> {
        let of_fields = self.all.iter().flat_map(|field| {
            field.aliases.iter().flat_map(|alias| &alias.patterns).map(|pattern| (pattern, field.name.as_str()))
        });
        let of_vocabularies = self
            .vocabularies
            .iter()
            .flat_map(|vocabulary| vocabulary.scope.iter().map(|pattern| (pattern, vocabulary.name.as_str())));
        of_fields.chain(of_vocabularies).filter_map(|(pattern, who)| Some((pattern.log_source()?, who)))
    }

    pub fn named(&self, name: &str) -> Option<&Field> {
        self.by_name.get(&name.to_lowercase()).map(|index| &self.all[*index as usize])
    }

    /// The same, of members of objects too.
    pub fn named_or_member(&self, name: &str) -> Option<&Field> {
        self.named(name).or_else(|| {
            let lower = name.to_lowercase();
            lower.match_indices('.').rev().find_map(|(dot, _)| {
                let object = self.by_name.get(lower.get(..dot)?).filter(|at| self.all[**at as usize].members)?;
                self.members.find(&self.all, *object, lower.get(dot + 1..)?)
            })
        })
    }

    pub fn resolve(&self, vendor: Vendor, raw_field: &str, place: &Place<'_>) -> Option<FieldUse<'_>> {
        let reading = self.readings.get(&vendor.info().names_of)?;
        let lower = raw_field.to_lowercase();
        if let Some(found) = self.look_up(&lower, &reading.rank, place, false) {
            return Some(found);
        }
        if reading.dataset_prefix {
            // `a{}.b` is the member `b` of every object of the list `a`.
            let members = lower.replace("{}", "");
            if members != lower
                && let Some(found) = self.look_up(&members, &reading.rank, place, false)
            {
                return Some(found);
            }
            if place.sources.iter().any(|source| source.kind == SourceKind::DataModel) {
                // The dataset before the field, which may stand in another: `Risk.All_Risk.risk_object`.
                let mut name = members.as_str();
                while let Some((_, rest)) = name.split_once('.') {
                    if let Some(found) = self.look_up(rest, &reading.rank, place, false) {
                        return Some(found);
                    }
                    name = rest;
                }
            }
        }
        if lower.contains('_')
            && let Some(found) = self.look_up(&lower.replace('_', ""), &reading.underscored, place, false)
        {
            return Some(found);
        }
        let prefixed = reading.prefixes.iter().filter_map(|prefix| Some((lower.strip_prefix(&prefix.lower)?, prefix)));
        let found = prefixed.clone().find_map(|(rest, prefix)| self.look_up(rest, &prefix.rank, place, true));
        // A member of a list is called like the list's members: `TargetResources[0].type`.
        let found = found.or_else(|| self.look_up(&without_places(&lower)?, &reading.rank, place, false));
        let found = found.or_else(|| self.member(&lower, &reading.rank, place));
        found.or_else(|| prefixed.clone().find_map(|(rest, prefix)| self.member(rest, &prefix.rank, place)))
    }

    /// The member of an object that a name means: the longest head that is called like an object decides.
    fn member(&self, lower: &str, rank: &[Option<usize>], place: &Place<'_>) -> Option<FieldUse<'_>> {
        // Of a long path the object is one of the first names.
        const MAX_HEADS: usize = 8;
        let dots: Vec<usize> = lower.match_indices('.').map(|(at, _)| at).take(MAX_HEADS).collect();
        dots.into_iter().rev().find_map(|dot| {
            let (head, path) = (lower.get(..dot)?, lower.get(dot + 1..)?);
            let head = head.trim_end_matches("{}");
            let plain_head = without_places(head);
            let places = self.by_alias.get(plain_head.as_deref().unwrap_or(head))?;
            let fits = |&&(field, alias): &&(u32, u32)| {
                let field = &self.all[field as usize];
                field.members && self.weight(&field.aliases[alias as usize], rank, place, false).is_some()
            };
            let (object, _) = places.iter().find(fits)?;
            let field = self.members.find(&self.all, *object, path)?;
            Some(FieldUse { field, part: Part::Whole })
        })
    }

    /// How well an alias fits a place: whether it holds here only, how narrow its scope is, and its vocabulary's order.
    fn weight(
        &self,
        alias: &Alias,
        rank: &[Option<usize>],
        place: &Place<'_>,
        in_vocabulary: bool,
    ) -> Option<((u8, usize), std::cmp::Reverse<usize>)> {
        let order = rank[alias.vocabulary]?;
        let scope = &self.vocabularies[alias.vocabulary].scope;
        let weight = match (alias.patterns.as_slice(), scope.as_slice()) {
            ([], []) => (0, 0),
            ([], scope) => (1, if in_vocabulary { 0 } else { place.weigh(scope)? }),
            (own, _) => (2, place.weigh(own)?),
        };
        Some((weight, std::cmp::Reverse(order)))
    }

    /// The member of an object that a typed name means, whichever vocabulary it is from.
    fn object_of(&self, lower: &str) -> Option<FieldUse<'_>> {
        lower.match_indices('.').rev().find_map(|(dot, _)| {
            let (head, path) = (lower.get(..dot)?, lower.get(dot + 1..)?);
            let named = self.by_name.get(head).into_iter();
            let called = self.by_alias.get(head).into_iter().flatten().map(|(field, _)| field);
            let object = named.chain(called).find(|at| self.all[**at as usize].members)?;
            let field = self.members.find(&self.all, *object, path)?;
            Some(FieldUse { field, part: Part::Whole })
        })
    }

    /// Notes which listed fields are members of objects, when all fields are read.
    pub fn index_members(&mut self) {
        let mut objects: FxHashMap<String, u32> = FxHashMap::default();
        for (at, field) in (0_u32..).zip(&self.all).filter(|(_, field)| field.members) {
            for name in std::iter::once(&field.name).chain(field.aliases.iter().map(|alias| &alias.name)) {
                objects.entry(name.to_lowercase()).or_insert(at);
            }
        }
        for (at, field) in (0_u32..).zip(&self.all) {
            for name in std::iter::once(&field.name).chain(field.aliases.iter().map(|alias| &alias.name)) {
                let lower = name.to_lowercase();
                for (dot, _) in lower.match_indices('.') {
                    if let (Some(object), Some(path)) =
                        (lower.get(..dot).and_then(|head| objects.get(head)), lower.get(dot + 1..))
                    {
                        self.members.list(*object, path, at);
                    }
                }
            }
        }
    }

    /// The alias that fits best: one that holds here only before one of a vocabulary that holds here only, before one
    /// that holds everywhere; the narrower scope first; then the vendor's order of vocabularies. Where several that hold
    /// here only are of different fields, the one that holds everywhere, if there is one.
    fn look_up(
        &self,
        lower: &str,
        rank: &[Option<usize>],
        place: &Place<'_>,
        in_vocabulary: bool,
    ) -> Option<FieldUse<'_>> {
        let places = self.by_alias.get(lower)?;
        let fitting: Vec<_> = places
            .iter()
            .filter_map(|&(field, alias)| {
                let field = &self.all[field as usize];
                let alias = &field.aliases[alias as usize];
                let weight = self.weight(alias, rank, place, in_vocabulary)?;
                Some((weight, FieldUse { field, part: alias.part }))
            })
            .collect();
        let best = fitting.iter().max_by_key(|(weight, _)| *weight)?;
        // Where a step reads several logs that each mean another field by the name, it is the one that means any.
        let ((class, _), order) = best.0;
        let is_rival = |fit: &&(((u8, usize), std::cmp::Reverse<usize>), FieldUse<'_>)| {
            fit.0.0.0 == 2 && fit.0.1 == order && fit.1.field.name != best.1.field.name
        };
        if class == 2 && fitting.iter().any(|fit| is_rival(&fit)) {
            let broad = fitting.iter().filter(|((weight, other), _)| weight.0 < 2 && *other == order);
            if let Some((_, found)) = broad.max_by_key(|(weight, _)| *weight) {
                return Some(*found);
            }
        }
        Some(best.1)
    }

    /// The fields that any vocabulary, or this one, calls `name`; the one of that canonical name first.
    pub fn find(&self, name: &str) -> Vec<&Field> {
        let mut found: Vec<&Field> = Vec::new();
        for FieldUse { field, .. } in self.uses(name) {
            if !found.iter().any(|other| std::ptr::eq(*other, field)) {
                found.push(field);
            }
        }
        found
    }

    /// What a name stands for: the canonical field of that name first, then what any vendor calls so. A name that nobody
    /// uses as it is stands for what rules write so: with the dataset before it (`Processes.process_name`), or with marks and
    /// places of lists (`a{}.b`, `a[0].b`).
    pub fn uses(&self, name: &str) -> Vec<FieldUse<'_>> {
        const MAX_PREFIXES: usize = 3;
        let lower = name.to_lowercase();
        let mut found: Vec<(u32, Part)> =
            self.by_name.get(&lower).map(|index| (*index, Part::Whole)).into_iter().collect();
        let mut names = vec![lower.as_str()];
        for prefix in self.readings.values().flat_map(|reading| &reading.prefixes) {
            names.extend(lower.strip_prefix(&prefix.lower));
        }
        for name in names {
            for (field, alias) in self.by_alias.get(name).into_iter().flatten() {
                let part = self.all[*field as usize].aliases[*alias as usize].part;
                if !found.contains(&(*field, part)) {
                    found.push((*field, part));
                }
            }
        }
        if found.is_empty() {
            // A member of an object is its own field.
            if let Some(object) = self.object_of(&lower) {
                return vec![object];
            }
            let members = lower.replace("{}", "");
            let plain = without_places(&members).unwrap_or(members);
            let of_dataset = |reading: &&Reading| reading.dataset_prefix;
            // Behind the dataset, which may stand behind its model.
            let behind = plain.match_indices('.').filter_map(|(dot, _)| plain.get(dot + 1..)).take(MAX_PREFIXES);
            let any_rank = || Vendor::ALL.iter().filter_map(|vendor| self.readings.get(vendor));
            let candidates = any_rank()
                .map(|reading| (plain.as_str(), reading))
                .chain(behind.flat_map(|rest| any_rank().filter(of_dataset).map(move |reading| (rest, reading))));
            // The vocabulary that a vendor's rules use first decides first.
            let mut ranked: Vec<(usize, (u32, Part))> = Vec::new();
            for (name, reading) in candidates {
                for (field, alias) in self.by_alias.get(name).into_iter().flatten() {
                    let alias = &self.all[*field as usize].aliases[*alias as usize];
                    if let Some(rank) = reading.rank[alias.vocabulary] {
                        ranked.push((rank, (*field, alias.part)));
                    }
                }
            }
            ranked.sort_by_key(|(rank, _)| *rank);
            for (_, one) in ranked {
                if !found.contains(&one) {
                    found.push(one);
                }
            }
        }
        found.into_iter().map(|(index, part)| FieldUse { field: &self.all[index as usize], part }).collect()
    }
}

/// A path without the places in lists (`[0]`); `None` where it has none.
pub(crate) fn without_places(path: &str) -> Option<String> {
    let mut rest = path.split('[');
    let mut name = rest.next()?.to_owned();
    let mut is_shorter = false;
    for part in rest {
        match part.split_once(']') {
            Some((place, after)) if !place.is_empty() && place.bytes().all(|byte| byte.is_ascii_digit()) => {
                name.push_str(after);
                is_shorter = true;
            }
            _ => {
                name.push('[');
                name.push_str(part);
            }
        }
    }
    is_shorter.then_some(name)
}
