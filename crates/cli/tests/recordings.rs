//! Rules of every vendor on recordings of attacks, against a list that was made by reading both.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail anywhere, in its helpers too")]

mod support;

use std::collections::BTreeMap;

use serde::Deserialize;
use support::{Place, corpora, source};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Recordings {
    recording: Vec<Recording>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Recording {
    file: String,
    technique: String,
    #[allow(dead_code, reason = "says to readers what decides")]
    event: String,
    fires: Vec<String>,
    silent: Vec<String>,
}

#[test]
fn rules_fire_on_the_attacks_that_they_describe_and_on_no_others() {
    let Some(corpora) = corpora() else { return };
    let listed: Recordings = toml::from_str(include_str!("recordings.toml")).unwrap();
    assert!(listed.recording.len() >= 15);
    let place = Place::new();
    let sources: Vec<String> = ["attack", "sigma", "elastic", "splunk", "kusto"]
        .iter()
        .flat_map(|kind| ["--source".to_owned(), source(kind, &corpora.join(kind))])
        .collect();
    let build: Vec<&str> = std::iter::once("build").chain(sources.iter().map(String::as_str)).collect();
    place.run(&build).ends(0);
    let mut wrong = Vec::new();
    for recording in &listed.recording {
        let file = corpora.join(&recording.file).display().to_string();
        let mut arguments = vec!["hunt", &file, "--json"];
        for id in recording.fires.iter().chain(&recording.silent) {
            arguments.extend(["--rule", id]);
        }
        let report = place.run(&arguments).ends(0).json();
        let rules = report["rules"].as_array().unwrap();
        let hits: BTreeMap<&str, u64> =
            rules.iter().map(|rule| (rule["id"].as_str().unwrap(), rule["hits"].as_u64().unwrap())).collect();
        let hits_of = |id: &str| hits.get(id).copied().unwrap_or_default();
        let technique = &recording.technique;
        wrong.extend(
            recording.fires.iter().filter(|id| hits_of(id) == 0).map(|id| format!("{technique}: {id} is silent")),
        );
        wrong.extend(recording.silent.iter().filter(|id| hits_of(id) > 0).map(|id| format!("{technique}: {id} fires")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
