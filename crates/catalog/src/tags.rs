//! From the tags of a rule to techniques and tactics of the loaded ATT&CK version.

use ruleatlas_model::{Attack, Diagnostic, Resolution, Rule};
use ruleatlas_sources::{
    RawTag,
    attack::{Tag, read_tag},
};

/// Resolves the tags that name techniques and tactics; one that nobody knows is a diagnostic.
pub(crate) fn resolve(rule: &mut Rule, tags: &[RawTag], attack: &Attack) {
    for tag in tags {
        match read_tag(attack, &tag.text) {
            Some(Tag::Technique(mut technique)) => {
                technique.inferred = tag.inferred;
                if technique.resolution == Resolution::Unknown {
                    let message = format!("`{}` names a technique that no loaded version of ATT&CK knows", tag.text);
                    rule.diagnostics.push(Diagnostic::warning("unknown technique", message).on_line(tag.line));
                }
                if !rule.technique_tags.contains(&technique) {
                    rule.technique_tags.push(technique);
                }
            }
            Some(Tag::Tactic { tactics, .. }) if tactics.is_empty() => {
                let message = format!("`{}` names a tactic that no loaded version of ATT&CK knows", tag.text);
                rule.diagnostics.push(Diagnostic::warning("unknown tactic", message).on_line(tag.line));
            }
            Some(Tag::Tactic { tactics, .. }) => {
                for tactic in tactics {
                    if !rule.tactics.contains(&tactic) {
                        rule.tactics.push(tactic);
                    }
                }
            }
            None => {}
        }
    }
}
