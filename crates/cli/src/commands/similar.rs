use std::{collections::BTreeMap, fmt::Write as _, path::Path, process::ExitCode};

use ruleatlas_catalog::{RuleFileError, RuleFiles};
use ruleatlas_sources::{SourceFile, companions};
use ruleatlas_views::{Atlas, RuleRelation, SharedIndicator, SimilarRule};

use super::{atlas, parse};
use crate::{
    args::Similar,
    lists::{shown_field, value_of},
    output::{self, WrongCall, plain},
    table::heading,
};

/// Indicators of a list that are shown.
const MAX_SHOWN: usize = 6;

pub fn run(options: &Similar, db: Option<&Path>) -> anyhow::Result<ExitCode> {
    let atlas = atlas(db)?;
    let (title, rules) = similar(options, &atlas)?;
    if options.json {
        output::json(&rules)?;
    } else {
        output::text(&text(&title, &rules))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What the rule is called, and the rules that are similar.
fn similar(options: &Similar, atlas: &Atlas) -> anyhow::Result<(String, Vec<SimilarRule>)> {
    let path = Path::new(&options.rule);
    if !path.is_file() {
        let (rule, rules) = atlas.similar_rules(&options.rule, &options.vendors, options.limit)?;
        return Ok((rule.title, rules));
    }
    let file = SourceFile::from_bytes(&options.rule, parse::read_bytes(Some(path))?.1);
    let entries = match RuleFiles::among(&companions(path)).tagged_entries(&file, options.language, &atlas.attack) {
        Ok(entries) => entries,
        Err(error @ RuleFileError::UnknownEnding { .. }) => return Err(WrongCall(error.to_string()).into()),
        Err(error) => return Err(error.into()),
    };
    let Some(draft) = entries.first() else { anyhow::bail!("{}: no rule in it", options.rule) };
    if entries.len() > 1 {
        output::say(format_args!(
            "{}: the first of {} rules is compared: {}",
            options.rule,
            entries.len(),
            plain(&draft.rule.id)
        ));
    }
    Ok((draft.rule.title.clone(), atlas.similar_to(draft, &options.vendors, options.limit)))
}

fn text(title: &str, rules: &[SimilarRule]) -> String {
    let named = if title.is_empty() { "the rule" } else { title };
    let mut text = heading("Similar rules", rules.len(), rules.len(), &format!("to {}", plain(named)));
    if rules.is_empty() {
        text.push_str("No other rule looks for what it looks for.\n");
    }
    for other in rules {
        let id = &other.rule.id;
        let _ = writeln!(text, "\n{}\n  {}", plain(id), plain(&other.rule.title));
        let _ = writeln!(text, "  {:.0} % alike · {}", other.similarity * 100.0, relation(other));
        let lists = [("shared", &other.shared), ("only here", &other.only_here), ("only there", &other.only_there)];
        for (what, list) in lists {
            if !list.is_empty() {
                let _ = writeln!(text, "  {what:<12}{}", plain(&indicators(list)));
            }
        }
        if !other.shared_words.is_empty() {
            let _ = writeln!(text, "  {:<12}{}", "words", plain(&other.shared_words.join(", ")));
        }
        let witness = &other.witness;
        let events = [
            ("selected by this rule alone", &witness.only_here),
            ("selected by the other rule alone", &witness.only_there),
            ("selected by both", &witness.both),
        ];
        for (what, event) in events {
            if let Some(event) = event {
                let _ = writeln!(text, "  {what}: {}", plain(&json(event)));
            }
        }
    }
    text
}

fn relation(other: &SimilarRule) -> String {
    let says = match other.relation {
        RuleRelation::Same => "both select the same events",
        RuleRelation::Narrower => "this rule selects only what the other selects",
        RuleRelation::Wider => "this rule selects all that the other selects, and more",
        RuleRelation::Overlapping => "each selects events that the other does not",
        RuleRelation::Disjoint => "no event is selected by both",
        RuleRelation::Undecided => other.why.unwrap_or_default(),
    };
    format!("{}: {says}", other.relation.name())
}

fn indicators(list: &[SharedIndicator]) -> String {
    let shown = |shared: &SharedIndicator| {
        let indicator = &shared.indicator;
        format!("{} {} {}", shown_field(&indicator.field), indicator.op, value_of(indicator))
    };
    let more = if list.len() > MAX_SHOWN { format!(", and {} more", list.len() - MAX_SHOWN) } else { String::new() };
    format!("{}{more}", list.iter().take(MAX_SHOWN).map(shown).collect::<Vec<_>>().join(", "))
}

fn json(event: &BTreeMap<String, String>) -> String {
    serde_json::to_string(event).unwrap_or_default()
}
