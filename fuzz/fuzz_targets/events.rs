//! Dictionaries of events: the first byte says which.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ruleatlas_sources::{SourceFile, events};

const PATHS: [&str; 11] = [
    "observed_events.jsonl",
    "ossem/all.jsonl",
    "ossem/windows/events/event-1.yml",
    "maps/Security_4688.map",
    "auditing/event-4688.md",
    "auditing/audit-logon.md",
    "channel_eid_info.txt",
    "messages.tsv",
    "manifest.xml",
    "WindowsEventIDMapping.json",
    "message-dictionary.csv",
];

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else { return };
    let path = PATHS[usize::from(*first) % PATHS.len()];
    let file = SourceFile::from_bytes(path, rest.to_vec());
    let _ = events::load([&file], &[], &|provider: &str| provider.to_owned());
});
