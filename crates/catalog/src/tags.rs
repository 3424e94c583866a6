//! From the tags of a rule to techniques and tactics of the loaded ATT&CK version.

use ruleatlas_model::{Attack, Rule};
use ruleatlas_sources::{RawTag, attack::read_tag};

/// Resolves the tags that name techniques and tactics; one that nobody knows is a diagnostic on its line.
pub(crate) fn resolve(rule: &mut Rule, tags: &[RawTag], attack: &Attack) {
    for tag in tags {
        let read = read_tag(attack, &tag.text, tag.place);
        rule.diagnostics.extend(read.diagnostics.into_iter().map(|diagnostic| diagnostic.on_line(tag.line)));
        for mut technique in read.techniques {
            technique.inferred = tag.inferred;
            if !rule.technique_tags.contains(&technique) {
                rule.technique_tags.push(technique);
            }
        }
        for tactic in read.tactics {
            if !rule.tactics.contains(&tactic) {
                rule.tactics.push(tactic);
            }
        }
    }
}
