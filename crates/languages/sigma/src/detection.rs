use std::collections::HashMap;

use ruleatlas_core::{BUDGET, Budget, matches_wildcards};
use ruleatlas_model::Node;
use ruleatlas_yaml::{Node as Yaml, Value};

use crate::{
    modifiers::Modifiers,
    report::{Place, Report},
};

/// Bytes of a value that count as much as a value.
const BYTES_PER_NODE: usize = 64;
/// How many selections are searched one by one.
const MAX_SELECTIONS_TO_SCAN: usize = 32;

/// The named selections of a detection, written out as a condition asks for them.
pub(crate) struct Detections<'r, 'q, 'y> {
    pub report: &'r mut Report<'q>,
    selections: Vec<Selection<'y>>,
    /// The selections by name, where there are many.
    places: HashMap<&'y str, usize>,
    budget: &'r mut Budget,
}

struct Selection<'y> {
    name: &'y str,
    key: &'y Yaml<'y>,
    value: &'y Yaml<'y>,
    used: bool,
}

impl<'r, 'q, 'y> Detections<'r, 'q, 'y> {
    /// The entries of the mapping but those that are `reserved`.
    ///
    /// A selection that a condition names again and again is written out every time, as long as `budget` has room.
    pub(crate) fn new(
        report: &'r mut Report<'q>,
        mapping: &'y [(Yaml<'y>, Yaml<'y>)],
        reserved: &[&str],
        budget: &'r mut Budget,
    ) -> Self {
        let mut selections = Vec::with_capacity(mapping.len());
        for (key, value) in mapping {
            match key.text() {
                Some(name) if reserved.contains(&name) => {}
                Some(name) => selections.push(Selection { name, key, value, used: false }),
                None => report.error("wrong type", "a selection's name must be text", Place::of(key)),
            }
        }
        let mut places = HashMap::new();
        if selections.len() > MAX_SELECTIONS_TO_SCAN {
            places.extend(selections.iter().enumerate().map(|(at, selection)| (selection.name, at)));
        }
        Self { report, selections, places, budget }
    }

    /// Spends what a value of so many bytes costs; `false` when nothing is left.
    pub(crate) fn spend(&mut self, bytes: usize) -> bool {
        !self.budget.is_spent() && self.budget.nodes(1 + bytes / BYTES_PER_NODE)
    }

    /// What stands for a part, and all behind it, that is not written out because nothing is left to spend; `None`
    /// where something is.
    pub(crate) fn beyond_budget(&mut self, place: Place) -> Option<Node> {
        if !self.budget.is_spent() {
            return None;
        }
        if let Some(diagnostic) = self.budget.report() {
            self.report.push_unmuted(diagnostic.on_line(place.line));
        }
        Some(self.report.opaque(BUDGET, place))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.selections.is_empty()
    }

    /// The only selection, where there is just one.
    pub(crate) fn only(&self) -> Option<usize> {
        (self.selections.len() == 1).then_some(0)
    }

    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        if self.places.is_empty() {
            return self.selections.iter().position(|selection| selection.name == name);
        }
        self.places.get(name).copied()
    }

    /// The selection that is written nearly so, for an error message.
    pub(crate) fn nearly(&self, name: &str) -> Option<&'y str> {
        let is_near = |selection: &&Selection<'y>| {
            selection.name.eq_ignore_ascii_case(name) || (name.len() > 2 && selection.name.starts_with(name))
        };
        self.selections.iter().take(MAX_SELECTIONS_TO_SCAN).find(is_near).map(|selection| selection.name)
    }

    /// The selections that a pattern with `*` names; those that begin with `_` only where the pattern does.
    pub(crate) fn matching(&mut self, pattern: &str) -> Vec<usize> {
        let everything = pattern.eq_ignore_ascii_case("them");
        let with_hidden = pattern.starts_with('_');
        let mut found = Vec::new();
        for (at, selection) in self.selections.iter().enumerate() {
            let steps = selection.name.len().saturating_mul(pattern.len().min(selection.name.len()));
            if !self.budget.work(1 + steps / BYTES_PER_NODE) {
                break;
            }
            if (with_hidden || !selection.name.starts_with('_')) && (everything || glob(pattern, selection.name)) {
                found.push(at);
            }
        }
        found
    }

    /// Marks a selection that is named where it is not written out.
    pub(crate) fn mark_used(&mut self, at: usize) {
        if let Some(selection) = self.selections.get_mut(at) {
            selection.used = true;
        }
    }

    /// Writes a selection out.
    pub(crate) fn write(&mut self, at: usize) -> Node {
        let Some(selection) = self.selections.get_mut(at) else { return Node::never() };
        let (value, place) = (selection.value, Place::of_entry(selection.key, selection.value));
        let again = std::mem::replace(&mut selection.used, true);
        if let Some(node) = self.beyond_budget(place) {
            return node;
        }
        if again {
            self.report.mute(true);
        }
        let node = self.selection(value, place);
        if again {
            self.report.mute(false);
        }
        node
    }

    /// Warns of selections that no condition names, and says what is wrong inside them.
    pub(crate) fn finish(mut self) {
        for at in 0..self.selections.len() {
            let Some(selection) = self.selections.get(at).filter(|selection| !selection.used) else { continue };
            let message = format!("no condition names the selection `{}`", selection.name);
            let place = Place::of(selection.key);
            self.report.warning("unused selection", message, place);
            if self.budget.is_spent() {
                continue;
            }
            self.write(at);
        }
    }

    fn selection(&mut self, value: &Yaml<'_>, place: Place) -> Node {
        match &value.value {
            Value::Mapping(entries) if !entries.is_empty() => {
                if let [(key, value)] = entries.as_slice() {
                    return self.item(key, value);
                }
                let mut items = Vec::with_capacity(entries.len());
                for (key, value) in entries {
                    if let Some(node) = self.beyond_budget(Place::of_entry(key, value)) {
                        items.push(node);
                        break;
                    }
                    items.push(self.item(key, value));
                }
                Node::all(items)
            }
            Value::Sequence(items) if !items.is_empty() => {
                if items.iter().all(|item| item.text().is_some()) {
                    return self.keywords(&Modifiers::none(), items);
                }
                let mut alternatives = Vec::with_capacity(items.len());
                for item in items {
                    if let Some(node) = self.beyond_budget(Place::of(item)) {
                        alternatives.push(node);
                        break;
                    }
                    if item.items().is_some() {
                        let message =
                            "a list stands in a list; the specification knows lists of values and of mappings";
                        self.report.warning("nested list", message, Place::of(item));
                    }
                    alternatives.push(self.selection(item, Place::of(item)));
                }
                Node::any(alternatives)
            }
            Value::Scalar(..) if !value.is_null() => self.keywords(&Modifiers::none(), std::slice::from_ref(value)),
            _ => self.report.broken("empty selection", "a selection without content selects nothing", place),
        }
    }
}

/// Whether `name` is `pattern`, `*` standing for any run of characters.
fn glob(pattern: &str, name: &str) -> bool {
    let taken = |expected: &u8, rest: &[u8]| (rest.first() == Some(expected)).then_some(1);
    matches_wildcards(pattern.as_bytes(), name.as_bytes(), |byte| *byte == b'*', taken)
}

#[cfg(test)]
mod tests {
    use super::glob;

    #[test]
    fn patterns_of_names_take_stars_anywhere() {
        for (pattern, name, expected) in [
            ("selection_*", "selection_img", true),
            ("selection_*", "selection", false),
            ("*", "", true),
            ("*_img*", "selection_img", true),
            ("sel*_img", "selection_img_2", false),
            ("selection", "selection", true),
            ("a*b*c", "a-b-b-c", true),
        ] {
            assert_eq!(glob(pattern, name), expected, "{pattern} {name}");
        }
    }
}
