use ruleatlas_catalog::{Facet, Filters, IndicatorRow, RuleId, Scope};
use ruleatlas_model::{Role, fold_case};
use ruleatlas_store::{EventHead, MAX_SEARCH_WORDS, words};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Atlas, Error, RuleItem, match_rank::MatchRank, search_index::KnownField};

/// Events that are compared with a text.
const MAX_EVENTS: usize = 2_000;
/// A value that fewer rules look for is not taken for what is meant, though it is the text.
const RARE: u32 = 3;
/// Nor one of fewer characters.
const SHORT: usize = 3;

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
    /// Fields that some vendor calls so, of equally near names those first that most rules filter.
    pub fields: Vec<Hit>,
    /// Events whose provider, id or title has the text.
    pub events: Vec<Hit>,
    /// Indicators and exclusions whose value has the text: those that are the text first, then those with the widest
    /// reach.
    pub indicators: Vec<IndicatorRow>,
    /// Rules whose title has the words, those first whose title is the text, begins with it or has it in one piece, of
    /// these the shortest titles; then rules whose id or description has the words.
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

impl Atlas {
    /// Searches techniques, fields, events, values and rules; at most `limit` of each.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn search(&self, text: &str, limit: usize) -> Result<SearchView, Error> {
        let text = text.trim();
        let wanted = fold_case(text).into_owned();
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
        view.techniques = hits(techniques, limit, |id| self.rules_under(id));
        let (fields, field_fit) = self.fields_of(text, &wanted, limit);
        view.fields = fields;
        let (events, event_fit) = self.events_of(&wanted, limit)?;
        view.events = events;
        let (indicators, value_fit) = self.values_of(&wanted, limit);
        view.indicators = indicators;
        let (rules, rule_fit) = self.rules_of(text, &wanted, limit)?;
        view.rules = rules;
        // What fits equally well is most likely meant in this order; a text that no name holds is a value. An id is one
        // however many rules look for it as a value.
        let is_code = is_code(&wanted);
        let is_id = !self.attack.resolve(text).0.is_empty();
        let order = [
            ("techniques", technique_fit, if is_id { 7 } else { 5 }),
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
    fn techniques_of(&self, text: &str, wanted: &str) -> (Vec<(String, &str)>, Option<MatchRank>) {
        let (resolved, _) = self.attack.resolve(text);
        let mut found: Vec<(MatchRank, &str, &str)> = Vec::new();
        for technique in self.attack.techniques.values() {
            let of_name = MatchRank::of(&fold_case(&technique.name), wanted);
            let fit = match resolved.contains(&technique.id) {
                true => Some(MatchRank::Exact),
                false => MatchRank::of(&fold_case(&technique.id), wanted).max(of_name),
            };
            found.extend(fit.map(|fit| (fit, technique.id.as_str(), technique.name.as_str())));
        }
        found.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
        let best = found.first().map(|(fit, ..)| *fit);
        (found.into_iter().map(|(_, id, name)| (id.to_owned(), name)).collect(), best)
    }

    fn fields_of(&self, text: &str, wanted: &str, limit: usize) -> (Vec<Hit>, Option<MatchRank>) {
        let called = self.taxonomy.find_fields(text);
        let fit = |field: &KnownField| {
            let of_names = field.names.iter().filter_map(|name| MatchRank::of(name, wanted)).max();
            // Names that only a vendor's prefix tells from the text.
            if called.iter().any(|known| known.name == field.name) { Some(MatchRank::Exact) } else { of_names }
        };
        let fields = self.field_index();
        let mut found: Vec<(MatchRank, bool, &KnownField)> = fields
            .iter()
            .filter_map(|field| Some((fit(field)?, field.names.first().is_some_and(|own| own == wanted), field)))
            .collect();
        found.sort_by_key(|(fit, is_own, _)| std::cmp::Reverse((*fit, *is_own)));
        let best = found.first().map(|(fit, ..)| *fit);
        let hit = |(.., field): (MatchRank, bool, &KnownField)| Hit {
            id: field.name.clone(),
            name: field.description.to_owned(),
            rules: field.rules,
        };
        (found.into_iter().take(limit).map(hit).collect(), best)
    }

    /// Events that rules read, and where those are few the others that dictionaries know.
    fn events_of(&self, wanted: &str, limit: usize) -> Result<(Vec<Hit>, Option<MatchRank>), Error> {
        let mut found: Vec<(MatchRank, &EventHead)> = Vec::new();
        for head in self.event_index()?.with(wanted).take(MAX_EVENTS) {
            let name = format!("{} {}", head.event.provider, head.event.event_id);
            // Many events have the same bare id: it fits, and is none of them.
            let of_id = (fold_case(&head.event.event_id) == wanted).then_some(MatchRank::Prefix);
            let fit =
                MatchRank::of(&fold_case(&name), wanted).max(MatchRank::of(&fold_case(&head.title), wanted)).max(of_id);
            found.push((fit.unwrap_or(MatchRank::FullText), head));
        }
        found.sort_by_key(|(fit, _)| std::cmp::Reverse(*fit));
        let best = found.first().map(|(fit, _)| *fit);
        found.truncate(limit);
        Ok((found.into_iter().map(|(_, head)| self.event_hit(head)).collect(), best))
    }

    pub(crate) fn event_hit(&self, head: &EventHead) -> Hit {
        let title = || self.index.event_title(&head.event, self.taxonomy);
        Hit {
            id: format!("{} {}", head.event.provider, head.event.event_id),
            rules: self.having(Facet::Event, &crate::event::facet_of(&head.event)),
            name: if head.title.is_empty() { title() } else { head.title.clone() },
        }
    }

    fn values_of(&self, wanted: &str, limit: usize) -> (Vec<IndicatorRow>, Option<MatchRank>) {
        let values = self.search_index();
        let mut found: Vec<(MatchRank, u32, u32)> = values
            .values_with(wanted)
            .into_iter()
            .map(|id| {
                let value = values.value(id);
                // A path's last part stands there with its separator, which need not be asked for.
                let bare = value.strip_prefix('\\').unwrap_or(value);
                let fit = MatchRank::of(value, wanted).max(MatchRank::of(bare, wanted)).unwrap_or(MatchRank::Substring);
                let reach = values.reach(id, Role::Indicator);
                (fit, if reach > 0 { reach } else { values.reach(id, Role::Exclusion) }, id)
            })
            .collect();
        let best_first = |a: &(MatchRank, u32, u32), b: &(MatchRank, u32, u32)| {
            let is_it = |fit: MatchRank| fit == MatchRank::Exact;
            (is_it(b.0), b.1, b.0).cmp(&(is_it(a.0), a.1, a.0)).then(a.2.cmp(&b.2))
        };
        if found.len() > limit {
            found.select_nth_unstable_by(limit, best_first);
            found.truncate(limit);
        }
        found.sort_unstable_by(best_first);
        let best = found.first().map(|(fit, reach, _)| {
            // What hardly a rule looks for, or any word may begin with, is not what everybody means by the text.
            let is_rare = !is_code(wanted) && (*reach < RARE || wanted.chars().count() < SHORT);
            if *fit == MatchRank::Exact && is_rare { MatchRank::Prefix } else { *fit }
        });
        let rows = found.into_iter().filter_map(|(.., id)| {
            let role = if values.reach(id, Role::Indicator) > 0 { Role::Indicator } else { Role::Exclusion };
            self.index.row(id, role, self.index.counted())
        });
        (rows.collect(), best)
    }

    fn rules_of(&self, text: &str, wanted: &str, limit: usize) -> Result<(Vec<RuleItem>, Option<MatchRank>), Error> {
        if let Some(rule) = self.find_rule(text) {
            return Ok((RuleItem::list(&self.index, [rule]), Some(MatchRank::Exact)));
        }
        let words: Vec<&str> = words(wanted).take(MAX_SEARCH_WORDS).collect();
        let mut found: Vec<(MatchRank, RuleId)> = self
            .title_index()
            .with(&words)
            .map(|(rule, title)| (MatchRank::of(title, wanted).unwrap_or(MatchRank::Words), rule))
            .collect();
        found.sort_by_key(|(fit, _)| std::cmp::Reverse(*fit));
        found.truncate(limit);
        if found.len() < limit {
            let titled = found.len();
            let others = self.store().search_rules(text, limit + titled)?;
            let is_new = |rule: &RuleId| !found.iter().any(|(_, known)| known == rule);
            let others: Vec<_> = others.into_iter().filter(is_new).map(|rule| (MatchRank::FullText, rule)).collect();
            found.extend(others);
            found.truncate(limit);
        }
        let best = found.first().map(|(fit, _)| *fit);
        Ok((RuleItem::list(&self.index, found.into_iter().map(|(_, rule)| rule)), best))
    }

    /// How many counted rules a technique has with its sub-techniques.
    pub(crate) fn rules_under(&self, technique: &str) -> u64 {
        Scope::technique(&self.index, &self.attack, technique, true, &Filters::default()).rules.len()
    }

    /// How many counted rules have a value of a facet.
    fn having(&self, facet: Facet, value: &str) -> u64 {
        Scope::facet(&self.index, facet, value, &Filters::default()).rules.len()
    }
}

/// Whether a text, in lower case, looks like a part of a path, address or command.
fn is_code(wanted: &str) -> bool {
    wanted.contains(['\\', '/', '.', ':', '=', '%', '-']) && !wanted.contains(' ')
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
