//! Rules over several events, decided from what single events say of their steps.

use std::io;

use jiff::Timestamp;
use ruleatlas_evaluate::{Machine, Match, Observation};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::{EventPlace, Hit, Hunter, Tally, sorted::Observations};

/// Matches of one rule that are kept.
const MAX_MATCHES: usize = 100_000;

/// Runs the machines of all rules over the sorted observations and hands on their hits, in the order of time and the rules.
pub(crate) fn decide(
    hunter: &Hunter,
    sorter: &mut Observations,
    end: Option<Timestamp>,
    tally: &mut Tally,
    each: &mut dyn FnMut(Hit) -> bool,
) -> io::Result<()> {
    if sorter.is_empty() {
        return Ok(());
    }
    let mut machines: FxHashMap<u32, Machine> = FxHashMap::default();
    let mut matches: Vec<(u32, Match)> = Vec::new();
    let mut counts: FxHashMap<u32, usize> = FxHashMap::default();
    let mut keep = |rule: u32, found: Vec<Match>, matches: &mut Vec<(u32, Match)>| {
        let count = counts.entry(rule).or_default();
        for found in found {
            *count += 1;
            if *count <= MAX_MATCHES {
                matches.push((rule, found));
            }
        }
    };
    sorter.each(|place, seen| {
        let Some(stateful) = hunter.rules.get(seen.rule as usize).and_then(|rule| rule.stateful.as_ref()) else {
            return;
        };
        let machine = machines.entry(seen.rule).or_insert_with(|| stateful.machine());
        let observation = Observation {
            time: seen.time,
            step: seen.step,
            key: seen.key.clone(),
            value: seen.value.clone(),
            event: place,
        };
        keep(seen.rule, machine.observe(&observation), &mut matches);
    })?;
    let end = end.map_or(i64::MAX, Timestamp::as_microsecond);
    let mut rules: Vec<u32> = machines.keys().copied().collect();
    rules.sort_unstable();
    for rule in rules {
        if let Some(machine) = machines.get_mut(&rule) {
            keep(rule, machine.finish(end), &mut matches);
            if machine.dropped() > 0 {
                let why = "more keys or events at a time than are kept".to_owned();
                *tally.rules.entry(rule).or_default().why.entry(why).or_default() += machine.dropped();
            }
        }
    }
    matches.sort_by(|one, other| (one.1.time, one.0, &one.1.events).cmp(&(other.1.time, other.0, &other.1.events)));
    let needed: FxHashSet<u64> = matches.iter().flat_map(|(_, found)| found.events.iter().copied()).collect();
    let last: FxHashSet<u64> = matches.iter().filter_map(|(_, found)| found.events.last().copied()).collect();
    let mut places: FxHashMap<u64, EventPlace> = FxHashMap::default();
    let mut hits: FxHashMap<u64, Hit> = FxHashMap::default();
    sorter.each(|place, seen| {
        if needed.contains(&place) {
            places.insert(place, EventPlace { file: seen.hit.file.clone(), record: seen.hit.record });
        }
        if last.contains(&place) {
            hits.insert(place, seen.hit.clone());
        }
    })?;
    for (rule, found) in matches {
        let Some(mut hit) = found.events.last().and_then(|event| hits.get(event)).cloned() else { continue };
        hit.events = found.events.iter().filter_map(|event| places.get(event)).cloned().collect();
        hit.count = Some(found.count);
        let tally = tally.rules.entry(rule).or_default();
        tally.hits += 1;
        tally.add_time(Timestamp::from_microsecond(found.time).ok());
        tally.add_host(hit.host.as_deref());
        if !each(hit) {
            break;
        }
    }
    Ok(())
}
