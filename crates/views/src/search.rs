use ruleatlas_catalog::{Facet, Filters, IndicatorRow, Scope};
use ruleatlas_model::Role;
use ruleatlas_taxonomy::KnownEvent;
use serde::Serialize;

use crate::{Atlas, Error, RuleItem};

/// What a text finds.
#[derive(Clone, Debug, Serialize)]
pub struct SearchView {
    /// The text.
    pub text: String,
    /// Techniques whose id or name has the text.
    pub techniques: Vec<Hit>,
    /// Fields that some vendor calls so.
    pub fields: Vec<Hit>,
    /// Events whose provider, id or title has the text.
    pub events: Vec<Hit>,
    /// Indicators and exclusions whose value has the text, those with the widest reach first.
    pub indicators: Vec<IndicatorRow>,
    /// Rules whose id, title or description has the words.
    pub rules: Vec<RuleItem>,
}

/// Something found by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hit {
    /// The id.
    pub id: String,
    /// The name or title.
    pub name: String,
    /// Rules that have it, for a technique with its sub-techniques.
    pub rules: u64,
}

impl Atlas {
    /// Searches techniques, fields, events, values and rules; at most `limit` of each.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn search(&self, text: &str, limit: usize) -> Result<SearchView, Error> {
        let text = text.trim();
        let wanted = text.to_lowercase();
        let mut view = SearchView {
            text: text.to_owned(),
            techniques: Vec::new(),
            fields: Vec::new(),
            events: Vec::new(),
            indicators: Vec::new(),
            rules: Vec::new(),
        };
        if wanted.is_empty() {
            return Ok(view);
        }
        let has = |name: &str| name.to_lowercase().contains(&wanted);
        let (resolved, _) = self.attack.resolve(text);
        let by_id = resolved.iter().filter_map(|id| self.attack.techniques.get(id));
        let by_name = self.attack.techniques.values().filter(|technique| has(&technique.id) || has(&technique.name));
        let techniques = by_id.chain(by_name).map(|technique| (technique.id.clone(), technique.name.as_str()));
        view.techniques = hits(techniques, limit, |id| {
            Scope::technique(&self.index, &self.attack, id, true, &Filters::default()).rules.len()
        });
        let fields =
            self.taxonomy.find_fields(text).into_iter().chain(self.taxonomy.fields().filter(|field| has(&field.name)));
        let fields = fields.map(|field| (field.name.clone(), field.description.as_str()));
        view.fields = hits(fields, limit, |name| self.having(Facet::Field, &name.to_lowercase()));
        let events = self.taxonomy.events_iter().map(|event| (name_of(event), event.title.as_str()));
        let events = events.filter(|(name, title)| has(name) || has(title));
        view.events = hits(events, limit, |name| {
            let known = self.taxonomy.events_iter().find(|event| name_of(event) == name);
            known.map_or(0, |KnownEvent { event, .. }| {
                self.having(Facet::Event, &format!("{}/{}", event.provider, event.event_id))
            })
        });
        view.indicators = self.values_with(&wanted, limit);
        let rules = match self.find_rule(text) {
            Some(rule) => vec![rule],
            None => self.store().search_rules(text, limit)?,
        };
        view.rules = RuleItem::list(&self.index, rules);
        Ok(view)
    }

    /// How many counted rules have a value of a facet.
    fn having(&self, facet: Facet, value: &str) -> u64 {
        Scope::facet(&self.index, facet, value, &Filters::default()).rules.len()
    }

    fn values_with(&self, wanted: &str, limit: usize) -> Vec<IndicatorRow> {
        let all = self.index.counted();
        let mut found: Vec<IndicatorRow> = self
            .index
            .indicators()
            .filter(|(_, indicator)| indicator.value.to_lowercase().contains(wanted))
            .filter_map(|(id, _)| {
                let looked_for = self.index.row(id, Role::Indicator, all)?;
                if looked_for.reach > 0 { Some(looked_for) } else { self.index.row(id, Role::Exclusion, all) }
            })
            .collect();
        found.sort_by(|a, b| b.reach.cmp(&a.reach).then_with(|| a.indicator.cmp(&b.indicator)));
        found.truncate(limit);
        found
    }
}

/// An event as people write it.
fn name_of(event: &KnownEvent) -> String {
    format!("{} {}", event.event.provider, event.event.event_id)
}

fn hits<'a>(found: impl Iterator<Item = (String, &'a str)>, limit: usize, rules: impl Fn(&str) -> u64) -> Vec<Hit> {
    let mut hits: Vec<Hit> = Vec::new();
    for (id, name) in found {
        if hits.len() >= limit {
            break;
        }
        if !hits.iter().any(|hit| hit.id == id) {
            hits.push(Hit { rules: rules(&id), id, name: name.to_owned() });
        }
    }
    hits
}
