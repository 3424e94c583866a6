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

use std::{
    cell::OnceCell,
    sync::{Arc, Mutex, PoisonError},
};

use ruleatlas_catalog::RuleId;
use ruleatlas_logic::Statement;
use ruleatlas_model::{DataSource, Indicator, ParseStatus};
use ruleatlas_views::{Atlas, snippets};
use rustc_hash::FxHashMap;

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
pub(crate) use missing::{missing_exclusions, recommended};
pub(crate) use noisy::noisy;
pub(crate) use technique::techniques;

/// Rules of the catalog whose statements are kept.
const MAX_KEPT: usize = 8_192;
/// Rules that are named as examples.
const MAX_EXAMPLES: usize = 5;

/// What a draft is held against.
pub(crate) struct Corpus<'c, 'a> {
    pub atlas: &'a Atlas,
    pub neighbors: Neighbors<'c>,
    pub known: &'c Known,
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
        let language = draft.entry.rule.language;
        let line = snippets(self.atlas.taxonomy, indicator).into_iter().find(|snippet| snippet.language == language);
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

/// What a rule of the catalog says and reads.
#[derive(Debug)]
pub(crate) struct KnownRule {
    pub statement: Statement,
    pub sources: Vec<DataSource>,
}

/// What the catalog's rules say, made when it is first asked for.
#[derive(Debug, Default)]
pub(crate) struct Known {
    kept: Mutex<FxHashMap<RuleId, Option<Arc<KnownRule>>>>,
}

impl Known {
    /// What a rule says, where it has one step that has to happen and all of it is understood.
    pub fn rule(&self, atlas: &Atlas, rule: RuleId) -> Option<Arc<KnownRule>> {
        let head = atlas.index.head(rule).filter(|head| head.parse == ParseStatus::Full)?;
        if let Some(found) = self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(&rule) {
            return found.clone();
        }
        let statement = match atlas.conditions(rule).ok()?.as_slice() {
            [condition] if !condition.absent => {
                let statement = Statement::new(head.vendor, condition, atlas.taxonomy);
                Some(Arc::new(KnownRule { statement, sources: condition.sources.clone() }))
            }
            _ => None,
        };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.insert(rule, statement.clone());
        statement
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
