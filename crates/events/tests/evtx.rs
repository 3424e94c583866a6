//! Damaged EVTX files, made from recorded ones: whatever is broken, the rest is read and nothing panics.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail anywhere, in its helpers too")]

use std::path::PathBuf;

use ruleatlas_events::{Reader, Shapes};

const HEADER: usize = 4096;
const CHUNK: usize = 64 * 1024;

/// The recorded files, in the order of their names; none, with a message, without the corpora.
fn recorded() -> Vec<(String, Vec<u8>)> {
    let Some(corpora) = std::env::var_os("RULEATLAS_CORPORA").map(PathBuf::from) else {
        eprintln!("skipped: RULEATLAS_CORPORA names no folder of recorded logs");
        return Vec::new();
    };
    let Ok(files) = Reader::default().files(&corpora.join("logs/evtx-raw-sample")) else {
        eprintln!("skipped: there are no recorded EVTX files");
        return Vec::new();
    };
    let files = files.into_iter().flatten().filter(|path| path.extension().is_some_and(|ending| ending == "evtx"));
    files.map(|path| (path.display().to_string(), std::fs::read(&path).unwrap())).collect()
}

/// Numbers of the records that are read, and what is said of the rest.
fn read(name: &str, bytes: &[u8]) -> (Vec<u64>, Vec<String>) {
    let (mut records, mut problems) = (Vec::new(), Vec::new());
    Reader::default().read_bytes(name, bytes, &mut |item| {
        match item {
            Ok(record) => {
                records.push(record.number);
                Shapes::builtin().events(record.value, None, &mut |_| ());
            }
            Err(problem) => problems.push(problem.to_string()),
        }
        true
    });
    (records, problems)
}

#[test]
fn a_damaged_chunk_is_reported_and_the_others_are_read() {
    for (name, bytes) in recorded() {
        let (whole, problems) = read(&name, &bytes);
        assert!(!whole.is_empty() && problems.is_empty(), "{name}: {problems:?}");
        // The mark of the first chunk.
        let mut damaged = bytes.clone();
        damaged[HEADER..HEADER + 8].fill(b'x');
        let (rest, problems) = read(&name, &damaged);
        assert!(rest.len() < whole.len() && !problems.is_empty(), "{name}: {problems:?}");
        assert!(problems[0].contains("a damaged part"), "{name}: {problems:?}");
        assert!(rest.iter().all(|number| whole.contains(number)), "{name}");
        // The last chunk cut short: the records of those before it are read.
        let chunks = (bytes.len() - HEADER) / CHUNK;
        if chunks > 1 {
            let (rest, problems) = read(&name, &bytes[..HEADER + (chunks - 1) * CHUNK + CHUNK / 2]);
            assert!(!rest.is_empty() && rest.iter().all(|number| whole.contains(number)), "{name}");
            assert!(problems.iter().any(|said| said.contains("ends in the middle of a chunk")), "{name}: {problems:?}");
        }
        let (none, problems) = read(&name, &bytes[..100]);
        assert!(none.is_empty() && problems.len() == 1 && problems[0].contains("not readable as EVTX"), "{problems:?}");
    }
}

#[test]
fn no_damage_makes_the_reader_panic() {
    for (name, bytes) in recorded().into_iter().take(6) {
        let mut place = 0x2545_f491_usize;
        for _ in 0..40 {
            let mut damaged = bytes[..bytes.len().min(HEADER + 2 * CHUNK)].to_vec();
            for _ in 0..8 {
                place = place.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let at = HEADER + (place >> 20) % (damaged.len() - HEADER);
                damaged[at] = (place >> 8) as u8;
            }
            read(&name, &damaged);
        }
    }
}
