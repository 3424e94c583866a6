//! Which events a step of a rule is asked about.

use ruleatlas_events::EventKind;
use ruleatlas_taxonomy::StepReads;

/// Whether a step is asked about the events of a kind. `platforms` are those that the rule watches, where its sources do not
/// say.
pub(crate) fn is_asked(reads: &StepReads<'_>, platforms: &[String], kind: &EventKind) -> bool {
    let is_watched = |platform: &String| match reads.platforms.is_empty() {
        true => platforms.contains(platform),
        false => reads.platforms.contains(&platform.as_str()),
    };
    let watches_all = reads.platforms.is_empty() && platforms.is_empty();
    let is_elsewhere = !watches_all && !kind.platforms.is_empty() && !kind.platforms.iter().any(is_watched);
    if is_elsewhere {
        return false;
    }
    if !reads.categories.is_empty() {
        // Of events that the tables know, those without a category are of none that a rule can name.
        let is_known = !kind.categories.is_empty() || !kind.events.is_empty();
        if is_known && !kind.categories.iter().any(|category| reads.categories.contains(category)) {
            return false;
        }
    }
    if reads.unknown {
        // A platform is known, or nothing at all.
        return watches_all || !kind.platforms.is_empty();
    }
    if reads.events.iter().any(|event| kind.same_activity.contains(event)) {
        return true;
    }
    if reads.only_events {
        return false;
    }
    let is_of = |name: &str| kind.log_sources.iter().any(|log_source| *log_source == name);
    let is_broadly_of = |name: &str| is_of(name) || kind.broad.iter().any(|log_source| *log_source == name);
    reads.activities.iter().any(|name| is_of(name))
        || reads.log_sources.iter().any(|name| is_broadly_of(name))
        || reads.providers.contains(&kind.provider)
        || reads.channels.iter().any(|channel| !kind.channel.is_empty() && channel.eq_ignore_ascii_case(&kind.channel))
        || (reads.whole_platform && !kind.platforms.is_empty())
}
