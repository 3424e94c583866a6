//! From the tags of a rule to techniques and tactics of the loaded ATT&CK version.

use ruleatlas_core::BUDGET;
use ruleatlas_model::{Attack, Diagnostic, Rule};
use ruleatlas_sources::{RawTag, attack::read_tag};

/// Tags of a rule that are read.
const MAX_TAGS: usize = 1_000;

/// Resolves the tags that name techniques and tactics; one that nobody knows is a diagnostic on its line.
pub(crate) fn resolve(rule: &mut Rule, tags: &[RawTag], attack: &Attack) {
    if let Some(first) = tags.get(MAX_TAGS) {
        let message = format!("the rule has {} tags; the first {MAX_TAGS} are read", tags.len());
        rule.diagnostics.push(Diagnostic::warning(BUDGET, message).on_line(first.line));
    }
    for tag in tags.iter().take(MAX_TAGS) {
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

#[cfg(test)]
mod tests {
    use ruleatlas_model::{Language, Vendor};
    use ruleatlas_sources::TagPlace;

    use super::*;

    #[test]
    fn of_more_tags_than_are_read_the_rule_says_how_many_there_are() {
        let tags: Vec<RawTag> =
            (0..MAX_TAGS + 7).map(|at| RawTag::new(format!("T{}", 1_000 + at), TagPlace::Technique, 3)).collect();
        let mut rule = Rule::blank(Vendor::Splunk, Language::Spl, "r.yml");
        resolve(&mut rule, &tags, &Attack::default());
        assert_eq!(rule.technique_tags.len(), MAX_TAGS);
        let said: Vec<_> = rule.diagnostics.iter().filter(|said| said.code == BUDGET).collect();
        assert_eq!(said.len(), 1);
        assert_eq!(
            (said[0].message.as_str(), said[0].line),
            ("the rule has 1007 tags; the first 1000 are read", Some(3))
        );
    }
}
