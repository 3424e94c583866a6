//! Makes the numbers of hits on public recordings, on request: `RULEATLAS_CORPORA` names a folder with rules and, in `logs`, the
//! recordings, and `UPDATE_RECORDINGS=1` writes `crates/views/data/recordings`. It runs every rule on every event, which takes
//! minutes in an optimized build and much longer in another.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail anywhere")]

mod support;

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use ruleatlas_hits::HitsReader;
use ruleatlas_views::recorded_hash;
use support::Place;

/// Name, places in the folder of logs, where it is published, and what it is.
const RECORDINGS: [(&str, &[&str], &str, &str); 4] = [
    (
        "EVTX-ATTACK-SAMPLES",
        &["evtx-jsonl/EVTX-ATTACK-SAMPLES.jsonl.gz"],
        "https://github.com/sbousseaden/EVTX-ATTACK-SAMPLES",
        "attacks in a lab, a few events around each",
    ),
    (
        "EVTX-to-MITRE-Attack",
        &["evtx-jsonl/EVTX-to-MITRE-Attack.jsonl.gz"],
        "https://github.com/mdecrevoisier/EVTX-to-MITRE-Attack",
        "attacks in a lab, a few events around each",
    ),
    (
        "hayabusa-sample-evtx",
        &["evtx-jsonl/YamatoSecurity.jsonl.gz"],
        "https://github.com/Yamato-Security/hayabusa-sample-evtx",
        "attacks in a lab",
    ),
    (
        "DeepBlueCLI",
        &["evtx-jsonl/DeepBlueCLI.jsonl.gz"],
        "https://github.com/sans-blue-team/DeepBlueCLI",
        "attacks in a lab, a few events around each",
    ),
];

/// Folders of rules by kind.
const SOURCES: [&str; 12] = [
    "sigma",
    "elastic",
    "splunk",
    "kusto",
    "panther",
    "sublime",
    "yaral",
    "logscale",
    "falco",
    "wazuh",
    "anvilogic",
    "attack",
];

fn corpora() -> Option<PathBuf> {
    std::env::var_os("RULEATLAS_CORPORA").map(PathBuf::from)
}

#[test]
fn hits_on_public_recordings() {
    let (Some(corpora), true) = (corpora(), std::env::var_os("UPDATE_RECORDINGS").is_some()) else {
        println!("left out: the numbers of public recordings are only made on request");
        return;
    };
    let place = Place::new();
    let sources: Vec<String> = SOURCES
        .iter()
        .map(|kind| (kind, corpora.join(kind)))
        .filter(|(_, folder)| folder.is_dir())
        .flat_map(|(kind, folder)| ["--source".to_owned(), format!("{kind}={}", folder.display())])
        .collect();
    let build: Vec<&str> = ["build"].into_iter().chain(sources.iter().map(String::as_str)).collect();
    place.run(&build).ends(0);
    let mut recordings = String::from("name,url,events,asked,hosts,about\n");
    let mut files = Vec::new();
    for (name, paths, url, about) in RECORDINGS {
        let paths: Vec<String> =
            paths.iter().map(|path| corpora.join("logs").join(path).display().to_string()).collect();
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        let file = format!("{name}.db");
        let hunt = ["--data-set", name, "--save", &file, "--no-events", "--json"];
        let report = place.run(&[&["hunt"], &paths[..], &hunt].concat()).ends(0).json();
        let hosts = place.run(&[&["logs"], &paths[..], &["--json"]].concat()).ends(0).json();
        let hosts = hosts["hosts"].as_array().unwrap().len();
        let events = &report["events"];
        writeln!(recordings, "{name},{url},{},{},{hosts},\"{about}\"", events["read"], events["asked"]).unwrap();
        files.push(file);
    }
    let merge: Vec<&str> =
        ["hits", "merge"].into_iter().chain(files.iter().map(String::as_str)).chain(["-o", "all.db"]).collect();
    place.run(&merge).ends(0);
    let reader = HitsReader::open(&place.path("all.db")).unwrap();
    let (report, hosts) = reader.report(None).unwrap();
    let mut rules: Vec<String> = report
        .rules
        .iter()
        .filter(|rule| rule.asked > 0)
        .map(|rule| {
            let hosts = hosts.get(&rule.id).copied().unwrap_or_default();
            // Some ids are paths.
            let id = match rule.id.contains([',', '"']) {
                true => format!("\"{}\"", rule.id.replace('"', "\"\"")),
                false => rule.id.clone(),
            };
            format!("{id},{},{},{},{},{hosts}", rule.asked, rule.hits, rule.candidates, rule.unknown)
        })
        .collect();
    rules.sort();
    let mut values: BTreeMap<(&str, String), (u64, Option<u64>)> = BTreeMap::new();
    for (role, rows) in [("indicator", &report.indicators), ("exclusion", &report.exclusions)] {
        for row in rows {
            let hash = recorded_hash(&row.field, &row.op, &row.value, &row.modifier);
            values.insert((role, hash), (row.events, row.removed));
        }
    }
    let values = values.into_iter().map(|((role, hash), (events, removed))| {
        format!("{role},{hash},{events},{}", removed.map(|removed| removed.to_string()).unwrap_or_default())
    });
    let lines = |head: &str, rows: Vec<String>| format!("{head}\n{}\n", rows.join("\n"));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../views/data/recordings");
    fs::write(folder.join("recordings.csv"), recordings).unwrap();
    fs::write(folder.join("rules.csv"), lines("rule,asked,hits,candidates,unknown,hosts", rules)).unwrap();
    fs::write(folder.join("values.csv"), lines("role,hash,events,removed", values.collect())).unwrap();
}
