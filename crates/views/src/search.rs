use ruleatlas_catalog::IndicatorRow;
use ruleatlas_model::Role;
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
        let techniques = by_id.chain(by_name).map(|technique| (&technique.id, &technique.name));
        view.techniques = hits(techniques, limit);
        let fields =
            self.taxonomy.find_fields(text).into_iter().chain(self.taxonomy.fields().filter(|field| has(&field.name)));
        view.fields = hits(fields.map(|field| (&field.name, &field.description)), limit);
        let events = self
            .taxonomy
            .events_iter()
            .map(|event| (format!("{} {}", event.event.provider, event.event.event_id), event.title.clone()));
        let events: Vec<(String, String)> = events.filter(|(id, title)| has(id) || has(title)).collect();
        view.events = hits(events.iter().map(|(id, title)| (id, title)), limit);
        view.indicators = self.values_with(&wanted, limit);
        let rules = match self.find_rule(text) {
            Some(rule) => vec![rule],
            None => self.store.search_rules(text, limit)?,
        };
        view.rules = RuleItem::list(&self.index, rules);
        Ok(view)
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

fn hits<'a>(found: impl Iterator<Item = (&'a String, &'a String)>, limit: usize) -> Vec<Hit> {
    let mut hits: Vec<Hit> = Vec::new();
    for (id, name) in found {
        if hits.len() >= limit {
            break;
        }
        if !hits.iter().any(|hit| hit.id == *id) {
            hits.push(Hit { id: id.clone(), name: name.clone() });
        }
    }
    hits
}
