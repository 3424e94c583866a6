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
        // What is there of a chunk that is cut off is read: here all of it but the free space at its end.
        let (rest, problems) = read(&name, &bytes[..bytes.len() - 1]);
        assert_eq!(rest, whole, "{name}");
        assert!(problems.iter().any(|said| said.contains("what is there is read")), "{name}: {problems:?}");
        let (none, problems) = read(&name, &bytes[..100]);
        assert!(none.is_empty() && problems.len() == 1 && problems[0].contains("not readable as EVTX"), "{problems:?}");
    }
}

/// Files of one chunk, and the records in it.
fn single_chunks() -> Vec<(String, Vec<u8>, Vec<u64>)> {
    let single = recorded().into_iter().filter(|(_, bytes)| bytes.len() == HEADER + CHUNK);
    let read = single.map(|(name, bytes)| {
        let records = read(&name, &bytes).0;
        (name, bytes, records)
    });
    read.filter(|(.., records)| records.len() > 1).collect()
}

#[test]
fn records_that_a_chunk_counts_and_that_are_not_read_are_said() {
    const FREE_SPACE: usize = HEADER + 48;
    for (name, bytes, whole) in single_chunks() {
        // Records that lie behind the free space are found by the place of the last record.
        for end in [0_u32, 513, 0x300] {
            let mut damaged = bytes.clone();
            damaged[FREE_SPACE..FREE_SPACE + 4].copy_from_slice(&end.to_le_bytes());
            let (rest, problems) = read(&name, &damaged);
            assert_eq!(rest, whole, "{name}, {end}");
            assert!(problems.len() == 1 && problems[0].contains("is damaged"), "{name}, {end}: {problems:?}");
        }
        // The header says that the first record is the last one.
        let mut damaged = bytes.clone();
        damaged.copy_within(HEADER + 24..HEADER + 32, HEADER + 32);
        let (rest, problems) = read(&name, &damaged);
        assert_eq!(rest, whole[..1], "{name}");
        let expected = format!("1 records are read of the {}", whole.len());
        assert!(problems.len() == 1 && problems[0].contains(&expected), "{name}: {problems:?}");
        // The second half is gone.
        let mut damaged = bytes.clone();
        damaged[HEADER + CHUNK / 64..].fill(0);
        let (rest, problems) = read(&name, &damaged);
        assert!(rest.len() < whole.len() && !problems.is_empty(), "{name}: {problems:?}");
    }
}

#[test]
fn chunks_without_content_are_said_where_there_should_be_some() {
    let with_chunks = |bytes: &[u8], counted: u16, chunks: &[&[u8]]| {
        let mut made = bytes[..HEADER].to_vec();
        made[42..44].copy_from_slice(&counted.to_le_bytes());
        chunks.iter().for_each(|chunk| made.extend(*chunk));
        made
    };
    let blank = [0; CHUNK];
    for (name, bytes, whole) in single_chunks() {
        let chunk = &bytes[HEADER..];
        let (rest, problems) = read(&name, &with_chunks(&bytes, 3, &[chunk, &blank, chunk]));
        assert_eq!(rest.len(), 2 * whole.len(), "{name}");
        assert!(problems.len() == 1 && problems[0].contains("1 chunk behind record"), "{name}: {problems:?}");
        let (_, problems) = read(&name, &with_chunks(&bytes, 3, &[chunk, &blank, &blank]));
        assert!(problems.len() == 1 && problems[0].contains("2 chunks behind record"), "{name}: {problems:?}");
        // A file is made longer than what is written to it.
        let (rest, problems) = read(&name, &with_chunks(&bytes, 1, &[chunk, &blank, &blank]));
        assert!(rest == whole && problems.is_empty(), "{name}: {problems:?}");
        let (rest, problems) = read(&name, &with_chunks(&bytes, 3, &[chunk]));
        assert!(
            rest == whole && problems.len() == 1 && problems[0].contains("2 of the 3 chunks"),
            "{name}: {problems:?}"
        );
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
