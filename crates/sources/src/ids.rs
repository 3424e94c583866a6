use ruleatlas_model::Rule;
use rustc_hash::FxHashSet;

/// The ids of the rules of a file so far.
#[derive(Debug, Default)]
pub(crate) struct Ids(FxHashSet<String>);

impl Ids {
    /// Gives the later of two rules with one id its number in the file.
    pub fn tell_apart(&mut self, rule: &mut Rule) {
        let mut number = self.0.len();
        let mut id = rule.id.clone();
        while !self.0.insert(id.clone()) {
            id = format!("{}#{number}", rule.id);
            number += 1;
        }
        rule.id = id;
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
