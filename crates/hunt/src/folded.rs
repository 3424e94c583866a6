//! Indicators and exclusions of rules, counted in the events in which they hold.
//!
//! A predicate gives one for each of its values, and most never hold: which indicators a predicate gives is found out when it
//! first holds.

use std::sync::{Mutex, OnceLock, PoisonError};

use ruleatlas_evaluate::{ConditionId, RuleSet};
use ruleatlas_model::Indicator;
use ruleatlas_taxonomy::{FieldUse, Folded, Part, Taxonomy};
use rustc_hash::FxHashMap;

/// A predicate that gives indicators or exclusions, one a value.
#[derive(Debug)]
pub(crate) struct FoldedList {
    /// The comparison with all values, in positive form.
    pub condition: ConditionId,
    pub is_exclusion: bool,
    /// The number of the field and how much of its value is compared, where the table knows it.
    used: Option<(u32, Part)>,
    /// The number of the indicator of each value, once they are known.
    numbers: OnceLock<Box<[u32]>>,
}

impl FoldedList {
    pub fn new(condition: ConditionId, is_exclusion: bool, used: Option<(u32, Part)>) -> Self {
        Self { condition, is_exclusion, used, numbers: OnceLock::new() }
    }

    /// The numbers of its indicators, in the order of the values.
    pub fn numbers(&self, set: &RuleSet, indicators: &Indicators) -> &[u32] {
        self.numbers.get_or_init(|| {
            let used = self
                .used
                .and_then(|(field, part)| Some(FieldUse { field: Taxonomy::builtin().field_at(field)?, part }));
            let folded = set.predicate(self.condition).map(|predicate| FieldUse::fold(used, predicate));
            indicators.number(folded.into_iter().flatten())
        })
    }
}

/// Indicators by number, in the order in which they first held.
#[derive(Debug, Default)]
pub(crate) struct Indicators(Mutex<Numbered>);

#[derive(Debug, Default)]
struct Numbered {
    all: Vec<Indicator>,
    numbers: FxHashMap<Indicator, u32>,
}

impl Indicators {
    fn number(&self, folded: impl Iterator<Item = Folded>) -> Box<[u32]> {
        let mut numbered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Numbered { all, numbers } = &mut *numbered;
        let number = |folded: Folded| {
            *numbers.entry(folded.indicator).or_insert_with_key(|indicator| {
                all.push(indicator.clone());
                u32::try_from(all.len() - 1).unwrap_or(u32::MAX)
            })
        };
        folded.map(number).collect()
    }

    /// The indicator with a number.
    pub fn get(&self, number: u32) -> Option<Indicator> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).all.get(number as usize).cloned()
    }
}
