use std::{cmp::Reverse, collections::BTreeSet, sync::OnceLock};

use memchr::memmem;
use ruleatlas_catalog::{Facet, Index, IndicatorId, RuleId};
use ruleatlas_model::{Role, fold_case};
use ruleatlas_store::EventHead;
use ruleatlas_taxonomy::Taxonomy;

use crate::{Error, match_rank::has_words};

/// What stands between two values of the text; a value that holds it is cut there.
const BORDER: char = '\0';

/// What a search needs at once, made at the first one: every value in lower case in one text, with how common each is,
/// and what every event, rule and field is called.
#[derive(Debug, Default)]
pub(crate) struct SearchIndex {
    values: OnceLock<Values>,
    events: OnceLock<Events>,
    titles: OnceLock<Titles>,
    fields: OnceLock<Vec<KnownField>>,
}

/// Many texts as one, in lower case, so that all of them are searched in one go.
#[derive(Debug)]
struct Texts {
    text: String,
    /// Where each text begins, and the end.
    starts: Vec<u32>,
}

#[derive(Debug)]
pub(crate) struct Values {
    /// The values in the order of the indicators; one that is a path's last part has a separator before it.
    texts: Texts,
    /// Counted rules that look for each, and that exclude each.
    looking: Vec<u32>,
    excluding: Vec<u32>,
}

/// The events of the dictionaries and of the rules, those that rules read first.
#[derive(Debug)]
pub(crate) struct Events {
    texts: Texts,
    heads: Vec<EventHead>,
}

/// The titles of all rules, of rules that fit a text equally well the one to be shown first before the others.
#[derive(Debug)]
pub(crate) struct Titles {
    texts: Texts,
    rules: Vec<RuleId>,
}

/// A field that a table or a rule names.
#[derive(Debug)]
pub(crate) struct KnownField {
    pub(crate) name: String,
    /// Empty for one that no table has.
    pub(crate) description: &'static str,
    /// What it is called by anybody, in lower case, its own name first.
    pub(crate) names: Vec<String>,
    /// Counted rules that filter it.
    pub(crate) rules: u64,
}

impl SearchIndex {
    pub(crate) fn titles(&self, index: &Index) -> &Titles {
        self.titles.get_or_init(|| Titles::new(index))
    }

    /// The fields, those that most rules filter first.
    pub(crate) fn fields(&self, index: &Index, taxonomy: &'static Taxonomy) -> &[KnownField] {
        self.fields.get_or_init(|| known_fields(index, taxonomy))
    }

    pub(crate) fn values(&self, index: &Index) -> &Values {
        self.values.get_or_init(|| Values::new(index))
    }

    /// # Errors
    /// The catalog cannot be read.
    pub(crate) fn events(&self, read: impl FnOnce() -> Result<Vec<EventHead>, Error>) -> Result<&Events, Error> {
        if let Some(events) = self.events.get() {
            return Ok(events);
        }
        let heads = read()?;
        Ok(self.events.get_or_init(|| Events::new(heads)))
    }
}

impl Default for Texts {
    fn default() -> Self {
        Self { text: String::new(), starts: vec![0] }
    }
}

impl Texts {
    /// Adds a text of several parts.
    fn push<'a>(&mut self, parts: impl IntoIterator<Item = &'a str>) {
        for part in parts {
            self.text.extend(fold_case(part).chars().filter(|it| *it != BORDER));
        }
        self.text.push(BORDER);
        self.starts.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
    }

    fn get(&self, at: usize) -> &str {
        let range = self.starts.get(at).zip(self.starts.get(at + 1));
        range.and_then(|(start, end)| self.text.get(*start as usize..(*end as usize).saturating_sub(1))).unwrap_or("")
    }

    /// The texts that have `wanted`, in order.
    fn scan<'a>(&'a self, wanted: &'a str) -> impl Iterator<Item = usize> + 'a {
        let finder = memmem::Finder::new(wanted.as_bytes());
        let text = self.text.as_bytes();
        let mut from = 0;
        std::iter::from_fn(move || {
            if wanted.is_empty() || wanted.contains(BORDER) {
                return None;
            }
            let at = from + finder.find(text.get(from..)?)?;
            // The last text that begins at or before the place.
            let found = self.starts.partition_point(|start| *start as usize <= at).checked_sub(1)?;
            from = self.starts.get(found + 1).map_or(text.len(), |next| *next as usize);
            Some(found)
        })
    }
}

impl Titles {
    fn new(index: &Index) -> Self {
        let mut heads: Vec<_> = (0..).zip(index.heads()).filter(|(_, head)| !head.title.is_empty()).collect();
        // A title that says little besides the text is the one that is meant.
        heads.sort_by_cached_key(|(rule, head)| {
            (!head.is_counted(), head.title.chars().count(), head.title.to_lowercase(), *rule)
        });
        let mut titles = Self { texts: Texts::default(), rules: Vec::with_capacity(heads.len()) };
        for (rule, head) in heads {
            titles.texts.push([head.title.as_str()]);
            titles.rules.push(rule);
        }
        titles
    }

    /// All rules with a title, in their order.
    pub(crate) fn rules(&self) -> &[RuleId] {
        &self.rules
    }

    /// The rules whose title has all these words, the last one as a beginning, with the title in lower case.
    pub(crate) fn with<'a>(&'a self, words: &'a [&str]) -> impl Iterator<Item = (RuleId, &'a str)> + 'a {
        let longest = words.iter().max_by_key(|word| word.len()).copied().unwrap_or_default();
        let found = self.texts.scan(longest).map(|at| (at, self.texts.get(at)));
        found.filter(|(_, title)| has_words(title, words)).filter_map(|(at, title)| Some((*self.rules.get(at)?, title)))
    }
}

fn known_fields(index: &Index, taxonomy: &'static Taxonomy) -> Vec<KnownField> {
    let rules = |name: &str| {
        index.set(Facet::Field, &name.to_lowercase()).map_or(0, |rules| rules.intersection_len(index.counted()))
    };
    let mut seen = BTreeSet::new();
    let mut fields = Vec::new();
    for field in taxonomy.fields() {
        let mut names = vec![field.name.to_lowercase()];
        for alias in field.aliases.iter().map(|alias| alias.name.to_lowercase()) {
            if !names.contains(&alias) {
                names.push(alias);
            }
        }
        seen.insert(field.name.to_lowercase());
        let (name, description) = (field.name.clone(), field.description.as_str());
        fields.push(KnownField { rules: rules(&name), name, description, names });
    }
    for name in index.data().fields.iter().filter(|name| !name.is_empty()) {
        let lower = name.to_lowercase();
        if seen.insert(lower.clone()) {
            fields.push(KnownField { name: name.clone(), description: "", rules: rules(name), names: vec![lower] });
        }
    }
    fields.sort_by(|a, b| (Reverse(a.rules), &a.name).cmp(&(Reverse(b.rules), &b.name)));
    fields
}

impl Events {
    fn new(heads: Vec<EventHead>) -> Self {
        let mut texts = Texts::default();
        for head in &heads {
            let EventHead { event, title, channel, .. } = head;
            texts.push([event.provider.as_str(), " ", &event.event_id, " ", title, " ", channel]);
        }
        Self { texts, heads }
    }

    /// The events whose provider, id, title or channel has `wanted`, which is in lower case.
    pub(crate) fn with<'a>(&'a self, wanted: &'a str) -> impl Iterator<Item = &'a EventHead> + 'a {
        self.texts.scan(wanted).filter_map(|at| self.heads.get(at))
    }
}

impl Values {
    fn new(index: &Index) -> Self {
        let mut values = Self { texts: Texts::default(), looking: Vec::new(), excluding: Vec::new() };
        for (id, indicator) in index.indicators() {
            values.texts.push([if indicator.op.basename { "\\" } else { "" }, &indicator.value]);
            let reach = |role| {
                let rules = index.rules_with(id, role).map_or(0, |rules| rules.intersection_len(index.counted()));
                u32::try_from(rules).unwrap_or(u32::MAX)
            };
            values.looking.push(reach(Role::Indicator));
            values.excluding.push(reach(Role::Exclusion));
        }
        values
    }

    /// How many counted rules have an indicator in a role.
    pub(crate) fn reach(&self, id: IndicatorId, role: Role) -> u32 {
        let counts = if role == Role::Exclusion { &self.excluding } else { &self.looking };
        counts.get(id as usize).copied().unwrap_or_default()
    }

    /// A value as it is searched.
    pub(crate) fn value(&self, id: IndicatorId) -> &str {
        self.texts.get(id as usize)
    }

    /// The indicators whose value has `wanted`, which is in lower case; a separator at its start also finds a path's last
    /// part.
    pub(crate) fn values_with(&self, wanted: &str) -> Vec<IndicatorId> {
        let mut found = self.scan(wanted);
        if let Some(name) = wanted.strip_prefix('/').filter(|name| !name.is_empty()) {
            let turned = format!("\\{name}");
            found.extend(self.scan(&turned).into_iter().filter(|id| self.value(*id).starts_with(&turned)));
            found.sort_unstable();
            found.dedup();
        }
        found
    }

    fn scan(&self, wanted: &str) -> Vec<IndicatorId> {
        self.texts.scan(wanted).filter_map(|at| u32::try_from(at).ok()).collect()
    }
}
