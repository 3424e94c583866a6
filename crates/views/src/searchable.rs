//! What a static site's search is made of: everything that a text may find, in the order of the live search.

use ruleatlas_catalog::{Facet, RuleId};
use ruleatlas_model::{Indicator, Role};

use crate::{Atlas, Error, Hit};

/// A field with what anybody calls it.
#[derive(Clone, Debug)]
pub struct SearchableField<'a> {
    /// Its name, what it holds, and its rules.
    pub hit: Hit,
    /// What it is called, in lower case, its own name first.
    pub names: &'a [String],
}

/// A value that rules check.
#[derive(Clone, Copy, Debug)]
pub struct SearchableValue<'a> {
    /// What is checked.
    pub indicator: &'a Indicator,
    /// The value as it is searched: in lower case, a path's last part with its separator.
    pub text: &'a str,
    /// Counted rules that look for it, or where none does, that exclude it.
    pub reach: u64,
    /// The role that is counted.
    pub role: Role,
}

impl Atlas {
    /// All techniques by id, with their rules.
    #[must_use]
    pub fn searchable_techniques(&self) -> Vec<Hit> {
        let hit =
            |(id, name): (&String, &String)| Hit { id: id.clone(), name: name.clone(), rules: self.rules_under(id) };
        self.attack.techniques.iter().map(|(id, technique)| hit((id, &technique.name))).collect()
    }

    /// The fields that rules filter, those that most do first.
    #[must_use]
    pub fn searchable_fields(&self) -> Vec<SearchableField<'_>> {
        let fields = self.field_index().iter();
        // A field that the tables know and no rule filters has no page among the static ones.
        fields
            .filter(|field| self.index.set(Facet::Field, &field.name.to_lowercase()).is_some())
            .map(|field| SearchableField {
                hit: Hit { id: field.name.clone(), name: field.description.to_owned(), rules: field.rules },
                names: &field.names,
            })
            .collect()
    }

    /// The events that rules or ATT&CK's analytics read, with provider and id apart.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn searchable_events(&self) -> Result<Vec<(String, String, Hit)>, Error> {
        let heads = self.store().read_events()?;
        Ok(heads
            .into_iter()
            .map(|head| {
                let hit = self.event_hit(&head);
                (head.event.provider, head.event.event_id, hit)
            })
            .collect())
    }

    /// All rules with a title; of those that fit a text equally well the first is found first.
    #[must_use]
    pub fn searchable_rules(&self) -> &[RuleId] {
        self.title_index().rules()
    }

    /// The values that at least `least` counted rules look for, or exclude where none looks for them; those with the
    /// widest reach first.
    #[must_use]
    pub fn searchable_values(&self, least: u64) -> Vec<SearchableValue<'_>> {
        let search_index = self.search_index();
        let mut values: Vec<SearchableValue<'_>> = self
            .index
            .indicators()
            .filter_map(|(id, indicator)| {
                let (looking, excluding) =
                    (search_index.reach(id, Role::Indicator), search_index.reach(id, Role::Exclusion));
                let (reach, role) = if looking > 0 { (looking, Role::Indicator) } else { (excluding, Role::Exclusion) };
                let reach = u64::from(reach);
                (reach >= least).then(|| SearchableValue { indicator, text: search_index.value(id), reach, role })
            })
            .collect();
        values.sort_by_key(|value| std::cmp::Reverse(value.reach));
        values
    }

    /// The counted rules that have an indicator in a role, by vendor and id.
    pub fn rules_checking<'a>(&'a self, value: &SearchableValue<'_>) -> impl Iterator<Item = RuleId> + 'a {
        let id = self.index.find_indicator(value.indicator);
        let rules = id.and_then(|id| self.index.rules_with(id, value.role));
        rules.into_iter().flatten().filter(|rule| self.index.counted().contains(*rule))
    }
}
