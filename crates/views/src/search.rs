use ruleatlas_catalog::{Facet, Filters, IndicatorRow, Scope};
use ruleatlas_model::Role;
use ruleatlas_store::EventHead;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Atlas, Error, RuleItem};

/// Events that are compared with a text.
const MOST_EVENTS: usize = 2_000;

/// What a text finds.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SearchView {
    /// The text.
    pub text: String,
    /// The kinds of things found, the one with the best hit first: `techniques`, `fields`, `events`, `indicators`,
    /// `rules`.
    pub order: Vec<&'static str>,
    /// Techniques whose id or name has the text.
    pub techniques: Vec<Hit>,
    /// Fields that some vendor calls so.
    pub fields: Vec<Hit>,
    /// Events whose provider, id or title has the text.
    pub events: Vec<Hit>,
    /// Indicators and exclusions whose value has the text: those that are the text first, then those with the widest
    /// reach.
    pub indicators: Vec<IndicatorRow>,
    /// Rules whose id, title or description has the words.
    pub rules: Vec<RuleItem>,
}

/// Something found by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Hit {
    /// The id.
    pub id: String,
    /// The name or title.
    pub name: String,
    /// Rules that have it, for a technique with its sub-techniques.
    pub rules: u64,
}

/// How well something fits a text: the better, the larger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// It has the words somewhere.
    Somewhere,
    /// Its name has the text inside.
    Inside,
    /// Its name begins with the text.
    Begins,
    /// Its name is the text.
    Is,
}

impl Fit {
    /// How a name, in lower case, fits a text in lower case.
    fn of(name: &str, wanted: &str) -> Option<Self> {
        match name.find(wanted)? {
            0 if name.len() == wanted.len() => Some(Self::Is),
            0 => Some(Self::Begins),
            _ => Some(Self::Inside),
        }
    }
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
            order: Vec::new(),
            techniques: Vec::new(),
            fields: Vec::new(),
            events: Vec::new(),
            indicators: Vec::new(),
            rules: Vec::new(),
        };
        if wanted.is_empty() {
            return Ok(view);
        }
        let (techniques, technique_fit) = self.techniques_of(text, &wanted);
        view.techniques = hits(techniques, limit, |id| {
            Scope::technique(&self.index, &self.attack, id, true, &Filters::default()).rules.len()
        });
        let (fields, field_fit) = self.fields_of(text, &wanted);
        view.fields = hits(fields, limit, |name| self.having(Facet::Field, &name.to_lowercase()));
        let (events, event_fit) = self.events_of(&wanted, limit)?;
        view.events = events;
        let (indicators, value_fit) = self.values_of(&wanted, limit);
        view.indicators = indicators;
        let (rules, rule_fit) = self.rules_of(text, &wanted, limit)?;
        view.rules = rules;
        // What fits equally well is most likely meant in this order; a text that no name holds is a value.
        let is_code = wanted.contains(['\\', '/', '.', ':', '=', '%', '-']) && !wanted.contains(' ');
        let order = [
            ("techniques", technique_fit, 5),
            ("fields", field_fit, 4),
            ("events", event_fit, 3),
            ("indicators", value_fit, if is_code { 6 } else { 1 }),
            ("rules", rule_fit, 2),
        ];
        let mut order: Vec<_> = order.into_iter().filter_map(|(kind, fit, turn)| Some((fit?, turn, kind))).collect();
        order.sort_unstable_by(|a, b| b.cmp(a));
        view.order = order.into_iter().map(|(.., kind)| kind).collect();
        Ok(view)
    }

    /// Techniques, those that fit best first.
    fn techniques_of(&self, text: &str, wanted: &str) -> (Vec<(String, &str)>, Option<Fit>) {
        let (resolved, _) = self.attack.resolve(text);
        let mut found: Vec<(Fit, &str, &str)> = Vec::new();
        for technique in self.attack.techniques.values() {
            let of_name = Fit::of(&technique.name.to_lowercase(), wanted);
            let fit = match resolved.contains(&technique.id) {
                true => Some(Fit::Is),
                false => Fit::of(&technique.id.to_lowercase(), wanted).max(of_name),
            };
            found.extend(fit.map(|fit| (fit, technique.id.as_str(), technique.name.as_str())));
        }
        found.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
        let best = found.first().map(|(fit, ..)| *fit);
        (found.into_iter().map(|(_, id, name)| (id.to_owned(), name)).collect(), best)
    }

    fn fields_of(&self, text: &str, wanted: &str) -> (Vec<(String, &str)>, Option<Fit>) {
        let called = self.taxonomy.find_fields(text);
        let mut found: Vec<(Fit, &str, &str)> =
            called.iter().map(|field| (Fit::Is, field.name.as_str(), field.description.as_str())).collect();
        for field in self.taxonomy.fields() {
            let names = std::iter::once(&field.name).chain(field.aliases.iter().map(|alias| &alias.name));
            // A name of one or two letters is in half of all names.
            let fit = names.filter_map(|name| Fit::of(&name.to_lowercase(), wanted)).max();
            found.extend(fit.map(|fit| (fit, field.name.as_str(), field.description.as_str())));
        }
        // Fields that no vendor's table has.
        if called.is_empty() {
            let raw = self.index.data().fields.iter().filter(|field| field.eq_ignore_ascii_case(text));
            found.extend(raw.map(|field| (Fit::Is, field.as_str(), "")));
        }
        found.sort_by_key(|(fit, ..)| std::cmp::Reverse(*fit));
        let best = found.first().map(|(fit, ..)| *fit);
        (found.into_iter().map(|(_, name, description)| (name.to_owned(), description)).collect(), best)
    }

    /// Events that rules read, and where those are few the others that dictionaries know.
    fn events_of(&self, wanted: &str, limit: usize) -> Result<(Vec<Hit>, Option<Fit>), Error> {
        let mut found: Vec<(Fit, &EventHead)> = Vec::new();
        for head in self.quick_events()?.with(wanted).take(MOST_EVENTS) {
            let name = format!("{} {}", head.event.provider, head.event.event_id).to_lowercase();
            // Many events have the same bare id: it fits, and is none of them.
            let of_id = (head.event.event_id.to_lowercase() == wanted).then_some(Fit::Begins);
            let fit = Fit::of(&name, wanted).max(Fit::of(&head.title.to_lowercase(), wanted)).max(of_id);
            found.push((fit.unwrap_or(Fit::Somewhere), head));
        }
        found.sort_by_key(|(fit, _)| std::cmp::Reverse(*fit));
        let best = found.first().map(|(fit, _)| *fit);
        found.truncate(limit);
        let hit = |(_, head): (Fit, &EventHead)| Hit {
            id: format!("{} {}", head.event.provider, head.event.event_id),
            rules: self.having(Facet::Event, &crate::event::facet_of(&head.event)),
            name: if head.title.is_empty() {
                self.index.event_title(&head.event, self.taxonomy)
            } else {
                head.title.clone()
            },
        };
        Ok((found.into_iter().map(hit).collect(), best))
    }

    fn values_of(&self, wanted: &str, limit: usize) -> (Vec<IndicatorRow>, Option<Fit>) {
        let values = self.quick();
        let mut found: Vec<(Fit, u32, u32)> = values
            .values_with(wanted)
            .into_iter()
            .map(|id| {
                let value = values.value(id);
                // A path's last part stands there with its separator, which need not be asked for.
                let bare = value.strip_prefix('\\').unwrap_or(value);
                let fit = Fit::of(value, wanted).max(Fit::of(bare, wanted)).unwrap_or(Fit::Inside);
                let reach = values.reach(id, Role::Indicator);
                (fit, if reach > 0 { reach } else { values.reach(id, Role::Exclusion) }, id)
            })
            .collect();
        let best_first = |a: &(Fit, u32, u32), b: &(Fit, u32, u32)| {
            let is_it = |fit: Fit| fit == Fit::Is;
            (is_it(b.0), b.1, b.0).cmp(&(is_it(a.0), a.1, a.0)).then(a.2.cmp(&b.2))
        };
        if found.len() > limit {
            found.select_nth_unstable_by(limit, best_first);
            found.truncate(limit);
        }
        found.sort_unstable_by(best_first);
        let best = found.first().map(|(fit, ..)| *fit);
        let rows = found.into_iter().filter_map(|(.., id)| {
            let role = if values.reach(id, Role::Indicator) > 0 { Role::Indicator } else { Role::Exclusion };
            self.index.row(id, role, self.index.counted())
        });
        (rows.collect(), best)
    }

    fn rules_of(&self, text: &str, wanted: &str, limit: usize) -> Result<(Vec<RuleItem>, Option<Fit>), Error> {
        if let Some(rule) = self.find_rule(text) {
            return Ok((RuleItem::list(&self.index, [rule]), Some(Fit::Is)));
        }
        let rules = RuleItem::list(&self.index, self.store().search_rules(text, limit)?);
        let fit = |rule: &RuleItem| Fit::of(&rule.title.to_lowercase(), wanted).unwrap_or(Fit::Somewhere);
        let best = rules.iter().map(fit).max();
        Ok((rules, best))
    }

    /// How many counted rules have a value of a facet.
    fn having(&self, facet: Facet, value: &str) -> u64 {
        Scope::facet(&self.index, facet, value, &Filters::default()).rules.len()
    }
}

fn hits(found: Vec<(String, &str)>, limit: usize, rules: impl Fn(&str) -> u64) -> Vec<Hit> {
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
