//! Which platform a rule watches, where what it reads may be of several: its values say.

use ruleatlas_core::roles;
use ruleatlas_model::{Condition, Op, Role};
use rustc_hash::FxHashSet;

use crate::{
    Taxonomy,
    log_source::LogSources,
    read::{Source, list},
};

/// What values look like on a platform: an `[[evidence]]` table.
#[derive(Clone, Debug)]
pub(crate) struct Evidence {
    platforms: Vec<String>,
    starts: Vec<String>,
    contains: Vec<String>,
    ends: Vec<String>,
}

impl Evidence {
    fn is_in(&self, value: &str) -> bool {
        self.starts.iter().any(|text| value.starts_with(text.as_str()))
            || self.contains.iter().any(|text| value.contains(text.as_str()))
            || self.ends.iter().any(|text| value.ends_with(text.as_str()))
    }
}

/// Reads `platforms.toml`.
pub(crate) fn load(source: &Source<'_>, log_sources: &LogSources) -> Vec<Evidence> {
    let Some(tree) = source.tree() else { return Vec::new() };
    source.only(&tree, &["evidence"]);
    let mut all = Vec::new();
    for value in tree.get("evidence").map(list).unwrap_or_default() {
        let Some(entry) = source.table(value) else { continue };
        source.only(entry.table, &["platforms", "starts", "contains", "ends"]);
        for (name, at) in entry.texts("platforms") {
            if log_sources.platform(name).is_none() {
                source.fault(at, format!("`{name}` is not of the closed list of platforms"));
            }
        }
        let lower = |key: &str| entry.names(key).iter().map(|text| text.to_lowercase()).collect();
        all.push(Evidence {
            platforms: entry.names("platforms"),
            starts: lower("starts"),
            contains: lower("contains"),
            ends: lower("ends"),
        });
    }
    all
}

impl Taxonomy {
    /// The platforms whose values a rule looks for.
    pub(crate) fn platforms_of_values(&self, conditions: &[Condition]) -> FxHashSet<&str> {
        let mut seen: FxHashSet<&str> = FxHashSet::default();
        for placed in roles(conditions) {
            let is_text = !matches!(placed.counted_op, Op::CidrMatch | Op::Lt | Op::Lte | Op::Gt | Op::Gte);
            if placed.role != Role::Indicator || !is_text {
                continue;
            }
            for value in &placed.predicate.values {
                let value = value.to_lowercase();
                // Where one platform alone looks like this, it says more than those that have it in common.
                let says: Vec<_> = self.evidence.iter().filter(|evidence| evidence.is_in(&value)).collect();
                let least = says.iter().map(|evidence| evidence.platforms.len()).min().unwrap_or_default();
                let narrow = says.iter().filter(|evidence| evidence.platforms.len() == least);
                seen.extend(narrow.flat_map(|evidence| &evidence.platforms).map(String::as_str));
            }
        }
        seen
    }
}
