use ruleatlas_model::Rule;
use rustc_hash::{FxHashMap, FxHashSet};

/// The ids of the rules of a file so far.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    ids: FxHashSet<String>,
    /// The numbers from which those of one id go on.
    next: FxHashMap<String, usize>,
}

impl Ids {
    /// Gives the later of two rules with one id its number in the file.
    pub fn tell_apart(&mut self, rule: &mut Rule) {
        if self.ids.insert(rule.id.clone()) {
            return;
        }
        let place = self.ids.len();
        let next = self.next.entry(rule.id.clone()).or_default();
        let mut number = place.max(*next);
        let mut id = format!("{}#{number}", rule.id);
        // Other rules may have such ids of their own.
        while !self.ids.insert(id.clone()) {
            number += 1;
            id = format!("{}#{number}", rule.id);
        }
        *next = number + 1;
        rule.id = id;
    }

    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}
