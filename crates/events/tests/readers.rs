//! Files of every format, and files that are broken.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail anywhere, in its helpers too")]

use std::io::Write as _;

use proptest::prelude::*;
use ruleatlas_events::{Reader, Shapes};

/// `line:value` or `line!message` of everything that a file gives.
fn shown(name: &str, bytes: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    Reader::default().read_bytes(name, bytes, &mut |item| {
        found.push(match item {
            Ok(record) => format!("{}:{}", record.line.unwrap_or_default(), record.value),
            Err(problem) => format!("{}!{}", problem.line.unwrap_or_default(), problem.message),
        });
        true
    });
    found
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn compressed_files_are_read() {
    let text = b"{\"a\":1}\n{\"a\":2}\n";
    let expected = ["1:{\"a\":1}", "2:{\"a\":2}"];
    assert_eq!(shown("a.json", text), expected);
    assert_eq!(shown("a.json.gz", &gzip(text)), expected);
    assert_eq!(shown("a.zip", &zip(&[("one.json", b"{\"a\":1}"), ("two.json", b"\n{\"a\":2}")])), expected);
    assert_eq!(shown("a.zip", &zip(&[("a.json.gz", &gzip(text))])), expected);
    let table = gzip(b"a,b\n1,\n2,x\n");
    assert_eq!(shown("t.csv.gz", &table), ["2:{\"a\":\"1\"}", "3:{\"a\":\"2\",\"b\":\"x\"}"]);
}

#[test]
fn utf_16_is_read() {
    for (mark, order) in [([0xff, 0xfe], u16::to_le_bytes as fn(u16) -> [u8; 2]), ([0xfe, 0xff], u16::to_be_bytes)] {
        let mut bytes = mark.to_vec();
        bytes.extend("{\"a\":\"ä\"}\r\n{\"a\":2}".encode_utf16().flat_map(order));
        assert_eq!(shown("a.json", &bytes), ["1:{\"a\":\"ä\"}", "2:{\"a\":2}"]);
    }
    assert_eq!(shown("a.json", b"\xef\xbb\xbf{\"a\":1}"), ["1:{\"a\":1}"]);
}

#[test]
fn what_cannot_be_read_is_said_and_the_rest_goes_on() {
    let truncated = gzip(&b"{\"a\":1}\n".repeat(10_000));
    let found = shown("a.json.gz", &truncated[..truncated.len() / 2]);
    assert!(found.last().unwrap().contains("reading ended early"), "{found:?}");
    assert!(found.len() > 1 && found[0] == "1:{\"a\":1}", "{}", found.len());
    assert_eq!(
        shown("a.json", b"5\n{\"a\":1}\nnull"),
        [
            "1!a number is no event; an event is a JSON object",
            "2:{\"a\":1}",
            "3!null is no event; an event is a JSON object"
        ]
    );
    assert_eq!(shown("a.json", b"{\"a\": x}\n{\"a\":1}"), ["1!not JSON: expected value", "2:{\"a\":1}"]);
    let letter = "Dear reader,\nthis is no log\n".repeat(50);
    assert_eq!(
        shown("a.txt", letter.as_bytes()),
        ["0!not a log: none of its 100 lines holds JSON, XML or an audit record"]
    );
    let mixed = shown("a.log", b"start\nx {\"a\":1}\nend\n");
    assert_eq!(mixed.len(), 3);
    assert_eq!((mixed[0].as_bytes()[0], mixed[1].as_str(), mixed[2].as_bytes()[0]), (b'1', "2:{\"a\":1}", b'3'));
    assert_eq!(shown("a.bin", b"\x00\x01\x02")[0], "1!neither JSON nor XML, and not a table with a header");
    assert!(shown("a.evtx", b"ElfFile\0 and nothing else")[0].contains("not readable as EVTX"));
    assert!(shown("a.zip", b"PK\x03\x04 and nothing else")[0].contains("not readable as zip"));
    assert!(shown("a.zst", b"\x28\xb5\x2f\xfd")[0].contains("not readable as zstd"));
    assert_eq!(shown("a.json", b""), Vec::<String>::new());
    let mut bomb = b"{}".to_vec();
    for _ in 0..6 {
        bomb = gzip(&bomb);
    }
    assert!(shown("a.gz", &bomb)[0].contains("more than 3 archives"));
    let deep = format!("{}\n{{\"a\":1}}", "[".repeat(100_000));
    assert_eq!(shown("a.json", deep.as_bytes()).last().map(String::as_str), Some("2:{\"a\":1}"));
}

#[test]
fn a_record_that_is_too_long_is_skipped() {
    let mut text = b"{\"a\":\"".to_vec();
    text.resize(17 * 1024 * 1024, b'x');
    text.extend_from_slice(b"\"}\n{\"a\":1}\n");
    assert_eq!(shown("a.json", &text), ["1!longer than 16 MiB", "2:{\"a\":1}"]);
}

#[test]
fn a_folder_is_read_in_the_order_of_names() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("sub")).unwrap();
    for name in ["b.json", "a.json", "sub/c.json", ".hidden"] {
        std::fs::write(folder.path().join(name), "{}").unwrap();
    }
    let files = Reader::default().files(folder.path()).unwrap();
    let files = files.into_iter().map(Result::unwrap);
    let names: Vec<_> = files.map(|file| file.strip_prefix(folder.path()).unwrap().display().to_string()).collect();
    assert_eq!(names, ["a.json", "b.json", "sub/c.json"]);
    assert!(Reader::default().files(&folder.path().join("nowhere")).is_err());
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), name in "a\\.(json|csv|evtx|xml|log)") {
        shown(&name, &bytes);
    }

    #[test]
    fn no_bytes_behind_the_mark_of_a_format_make_it_panic(
        mark in prop_oneof![
            Just(&b"\x1f\x8b\x08"[..]), Just(&b"\x28\xb5\x2f\xfd"[..]), Just(&b"\x50\x2a\x4d\x18"[..]), Just(&b"PK\x03\x04"[..]),
            Just(&b"ElfFile\0"[..]), Just(&b"PAR1"[..]), Just(&b"#separator \\x09\n"[..]), Just(&b"\xff\xfe"[..]),
        ],
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        let bytes = [mark, &bytes].concat();
        for name in ["a", "a.csv", "a.tsv"] {
            shown(name, &bytes);
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "[\\[\\]{}\":,a<>/ \\n\\\\EventData=()#]{0,200}") {
        for name in ["a.json", "a.csv", "a.log"] {
            Reader::default().read_bytes(name, text.as_bytes(), &mut |item| {
                if let Ok(record) = item {
                    Shapes::builtin().events(record.value, None, &mut |_| ());
                }
                true
            });
        }
    }

    #[test]
    fn audit_lines_and_events_in_xml_do_not_panic(rest in "[ =\"'a-z0-9A-F:()<>&;/\\x1d]{0,80}") {
        shown("a.log", format!("type=EXECVE msg=audit(1.2:3): {rest}").as_bytes());
        shown("a.xml", format!("<Event><System>{rest}</System></Event>").as_bytes());
        shown("a.xml", format!("<Event {rest}").as_bytes());
    }
}
