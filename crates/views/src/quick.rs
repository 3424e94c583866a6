use std::sync::OnceLock;

use memchr::memmem;
use ruleatlas_catalog::{Index, IndicatorId};
use ruleatlas_model::Role;

/// What stands between two values of the text; a value that holds it is cut there.
const BORDER: char = '\0';

/// What a search needs at once: every value in lower case in one text, and how common each is. Made at the first search.
#[derive(Debug, Default)]
pub(crate) struct Quick(OnceLock<Values>);

#[derive(Debug)]
pub(crate) struct Values {
    /// The values in the order of the indicators; one that is a path's last part has a separator before it.
    text: String,
    /// Where each value begins, and the end.
    starts: Vec<u32>,
    /// Counted rules that look for each, and that exclude each.
    looking: Vec<u32>,
    excluding: Vec<u32>,
}

impl Quick {
    pub(crate) fn get(&self, index: &Index) -> &Values {
        self.0.get_or_init(|| Values::new(index))
    }
}

impl Values {
    fn new(index: &Index) -> Self {
        let mut values = Self { text: String::new(), starts: vec![0], looking: Vec::new(), excluding: Vec::new() };
        for (id, indicator) in index.indicators() {
            if indicator.op.basename {
                values.text.push('\\');
            }
            values.text.extend(indicator.value.chars().flat_map(char::to_lowercase).filter(|it| *it != BORDER));
            values.text.push(BORDER);
            values.starts.push(u32::try_from(values.text.len()).unwrap_or(u32::MAX));
            let reach = |role| {
                let rules = index.rules_with(id, role).map_or(0, |rules| rules.intersection_len(index.counted()));
                u32::try_from(rules).unwrap_or(u32::MAX)
            };
            values.looking.push(reach(Role::Indicator));
            values.excluding.push(reach(Role::Exclusion));
        }
        values
    }

    /// How many counted rules have an indicator in a role.
    pub(crate) fn reach(&self, id: IndicatorId, role: Role) -> u32 {
        let counts = if role == Role::Exclusion { &self.excluding } else { &self.looking };
        counts.get(id as usize).copied().unwrap_or_default()
    }

    /// A value as it is searched.
    pub(crate) fn value(&self, id: IndicatorId) -> &str {
        let at = id as usize;
        let range = self.starts.get(at).zip(self.starts.get(at + 1));
        range.and_then(|(start, end)| self.text.get(*start as usize..(*end as usize).saturating_sub(1))).unwrap_or("")
    }

    /// The indicators whose value has `wanted`, which is in lower case; a separator at its start also finds a path's last
    /// part.
    pub(crate) fn values_with(&self, wanted: &str) -> Vec<IndicatorId> {
        let mut found = self.scan(wanted);
        if let Some(name) = wanted.strip_prefix('/').filter(|name| !name.is_empty()) {
            let turned = format!("\\{name}");
            found.extend(self.scan(&turned).into_iter().filter(|id| self.value(*id).starts_with(&turned)));
            found.sort_unstable();
            found.dedup();
        }
        found
    }

    fn scan(&self, wanted: &str) -> Vec<IndicatorId> {
        let mut found = Vec::new();
        if wanted.is_empty() || wanted.contains(BORDER) {
            return found;
        }
        let finder = memmem::Finder::new(wanted.as_bytes());
        let text = self.text.as_bytes();
        let mut from = 0;
        while let Some(at) = finder.find(&text[from..]) {
            let at = from + at;
            // The last value that begins at or before the place.
            let value = self.starts.partition_point(|start| *start as usize <= at) - 1;
            found.push(u32::try_from(value).unwrap_or(u32::MAX));
            from = self.starts.get(value + 1).map_or(text.len(), |next| *next as usize);
        }
        found
    }
}
