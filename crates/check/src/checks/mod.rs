//! The checks, a file a family.

mod broken;
mod dead;
mod exclusions;
mod gap;
mod known;
mod measured;
mod missing;
mod noisy;
mod regex_cost;
mod technique;

use std::cell::OnceCell;

use ruleatlas_catalog::RuleId;
use ruleatlas_model::Indicator;
use ruleatlas_views::{Atlas, Statements, snippet_in};

use crate::{
    Suggestion,
    draft::Draft,
    hits::{MeasuredHits, Selected},
    neighbors::Neighbors,
};

pub(crate) use broken::broken;
pub(crate) use dead::dead;
pub(crate) use exclusions::unsafe_exclusions;
pub(crate) use gap::gaps;
pub(crate) use known::already_there;
pub(crate) use measured::measured;
pub(crate) use missing::{missing_exclusions, recommended, suggested_exclusions};
pub(crate) use noisy::noisy;
pub(crate) use technique::techniques;

/// Rules that are named as examples.
const MAX_EXAMPLES: usize = 5;

/// What a draft is held against.
pub(crate) struct Corpus<'c, 'a> {
    pub atlas: &'a Atlas,
    pub neighbors: Neighbors<'c>,
    pub known: &'c Statements,
    pub hits: Option<&'c MeasuredHits>,
    pub selected: OnceCell<Option<Selected<'c>>>,
}

impl<'c> Corpus<'c, '_> {
    /// The events of logs that a draft selects; none where there are no logs, or that cannot be known.
    pub fn selected(&self, draft: &Draft<'_>) -> Option<&Selected<'c>> {
        self.selected.get_or_init(|| self.hits?.selected(draft)).as_ref()
    }

    pub fn ids(&self, rules: impl Iterator<Item = RuleId>) -> Vec<String> {
        let heads = rules.take(MAX_EXAMPLES).filter_map(|rule| self.atlas.index.head(rule));
        heads.map(|head| head.id.clone()).collect()
    }

    pub fn suggestion(
        &self,
        draft: &Draft<'_>,
        indicator: &Indicator,
        rules: u64,
        of: u64,
        examples: impl Iterator<Item = RuleId>,
    ) -> Suggestion {
        let rule = &draft.entry.rule;
        // Of several steps it is not known which of them it would be of.
        let sources = match rule.conditions.as_slice() {
            [only] => only.sources.as_slice(),
            _ => &[],
        };
        let line = snippet_in(self.atlas.taxonomy, indicator, rule.language, sources);
        Suggestion {
            indicator: indicator.clone(),
            rules,
            of,
            removed: None,
            line: line.map(|snippet| snippet.text).unwrap_or_default(),
            examples: self.ids(examples),
        }
    }
}

/// An indicator as a reader says it.
pub(crate) fn phrase(indicator: &Indicator) -> String {
    let value = clipped(&indicator.value);
    match indicator.value.is_empty() {
        true => format!("`{} {}`", indicator.field, indicator.op),
        false => format!("`{} {} {value}`", indicator.field, indicator.op),
    }
}

/// The head of a text.
pub(crate) fn clipped(text: &str) -> String {
    const MAX_SHOWN: usize = 80;
    match text.char_indices().nth(MAX_SHOWN) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}
