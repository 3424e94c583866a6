//! Files that are damaged, odd or meant to harm: what is wrong is said with its place, and everything else is read.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail anywhere, in its helpers too")]

use std::{io::Write as _, path::Path};

use ruleatlas_events::{Event, Reader, Shapes};
use serde_json::{Value, json};

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

fn of_file(path: &Path) -> Vec<String> {
    let mut found = Vec::new();
    Reader::default().read_file(path, &mut |item| {
        found.push(item.map_or_else(|problem| problem.to_string(), |record| record.value.to_string()));
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

/// A frame of zstd that holds the bytes as they are.
fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0xa0];
    let length = u32::try_from(bytes.len()).unwrap();
    frame.extend(length.to_le_bytes());
    frame.extend(&((length << 3) | 1).to_le_bytes()[..3]);
    frame.extend(bytes);
    frame
}

/// A frame of zstd that other tools write between those with data.
fn skippable(bytes: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x5a, 0x2a, 0x4d, 0x18];
    frame.extend(u32::try_from(bytes.len()).unwrap().to_le_bytes());
    frame.extend(bytes);
    frame
}

#[test]
fn every_frame_of_zstd_is_read() {
    let frames = [zstd(b"{\"a\":1}\n"), skippable(b"an index"), zstd(b"{\"a\":2}\n{\"a\":"), zstd(b"3}")].concat();
    let all = ["1:{\"a\":1}", "2:{\"a\":2}", "3:{\"a\":3}"];
    assert_eq!(shown("a.zst", &frames), all);
    assert_eq!(shown("a.zst", &[skippable(b"x"), frames.clone()].concat()), all);
    let cut = shown("a.zst", &frames[..frames.len() - 2]);
    assert_eq!(cut[..2], all[..2]);
    assert!(cut[2].contains("reading ended early") && cut[2].contains("zstd"), "{cut:?}");
    assert!(shown("a.zst", &[zstd(b"{\"a\":1}\n"), b"garbage".to_vec()].concat())[1].contains("not readable as zstd"));
}

#[test]
fn a_damaged_archive_gives_what_is_whole() {
    let archive = zip(&[
        ("one.json", b"{\"a\":1}"),
        ("two.json", b"{\"a\":2}\n{\"b\":\"xxxxxxxxxxxxxxxxxxxxxxxxxx\"}"),
        ("three.json", b"{\"a\":3}"),
    ]);
    let place = archive.windows(8).position(|part| part == b"two.json").unwrap() + 12;
    let mut damaged = archive.clone();
    damaged[place] ^= 0xff;
    damaged[place + 1] ^= 0xff;
    let found = shown("a.zip", &damaged);
    assert!(found.first().unwrap() == "1:{\"a\":1}" && found.last().unwrap() == "1:{\"a\":3}", "{found:?}");
    assert!(found.iter().any(|line| line.contains('!')), "{found:?}");
    assert!(shown("a.zip", &archive[..archive.len() / 2])[0].contains("not readable as zip"));
}

#[test]
fn a_line_without_end_takes_no_memory_and_the_next_ones_are_read() {
    let long = "x".repeat(40 * 1024 * 1024);
    assert_eq!(
        shown("b.log", format!("start {{\"a\":1}}\n{long}\nx {{\"a\":2}}\n").as_bytes()),
        ["1:{\"a\":1}", "2!longer than 16 MiB", "3:{\"a\":2}"]
    );
    assert_eq!(
        shown("a.csv", format!("a,b\n1,{long}\n2,y\n").as_bytes()),
        ["2!longer than 16 MiB", "3:{\"a\":\"2\",\"b\":\"y\"}"]
    );
    let event = "<Event><System><EventID>1</EventID></System></Event>";
    let xml = format!("<Events>\n<Event><System><EventID>{long}</EventID></System></Event>\n{event}\n</Events>");
    let found = shown("a.xml", xml.as_bytes());
    assert_eq!(found.len(), 2, "{}", found.len());
    assert_eq!(found[0], "1!an event longer than 4 MiB");
    assert!(found[1].starts_with("3:{\"Event\""), "{}", found[1]);
}

#[test]
fn a_table_is_read_as_far_as_its_quotation_marks_go() {
    let table = "a,b\n1,\"x\ny\"\n\n2,\"no end\n3,z\n";
    assert_eq!(
        shown("a.csv", table.as_bytes()),
        ["2:{\"a\":\"1\",\"b\":\"x\\ny\"}", "5!a quotation mark is not closed: from here on the table is not read"]
    );
    assert_eq!(shown("a.csv", b"a,b\n1,\"x \"\"y\"\"\"\n"), ["2:{\"a\":\"1\",\"b\":\"x \\\"y\\\"\"}"]);
    assert_eq!(
        shown("a.csv", b"a\r\n1\r\n2,3\r\n"),
        ["2:{\"a\":\"1\"}", "3!the row has more cells than the header", "3:{\"a\":\"2\"}"]
    );
    assert_eq!(shown("a.tsv", b"a\tb\n1\t2"), ["2:{\"a\":\"1\",\"b\":\"2\"}"]);
    assert_eq!(shown("a.csv", b"a,b\n"), Vec::<String>::new());
}

#[test]
fn logs_of_zeek_are_read_as_its_json_is() {
    let log = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n#open\t2026-01-02-03-04-05\n\
        #fields\tts\tuid\tid.orig_h\tid.resp_p\tlocal\ttunnel_parents\tservice\n#types\ttime\tstring\taddr\tport\tbool\tset[string]\tstring\n\
        1767323045.500000\tC1\t10.0.0.1\t443\tT\ta,b\t-\n1767323046\tC2\t10.0.0.1\n#close\t2026-01-02-03-05-05\n";
    let found = shown("conn.log", log.as_bytes());
    let row: Value = serde_json::from_str(found[0].strip_prefix("9:").unwrap()).unwrap();
    assert_eq!(
        row,
        json!({"_path": "conn", "ts": 1_767_323_045.5, "uid": "C1", "id.orig_h": "10.0.0.1", "id.resp_p": 443, "local": true, "tunnel_parents": ["a", "b"]})
    );
    assert_eq!(found[1..], ["10!a row with another number of cells than `#fields` names"]);
}

#[test]
fn xml_without_events_is_no_log() {
    assert_eq!(shown("a.html", b"<html><p>x</p></html>"), ["0!not a log: the XML holds no `<Event>`"]);
    assert_eq!(shown("a.xml", b"<Events>\n<Event><System>"), ["2!the event is not closed"]);
}

#[test]
fn lines_before_the_first_record_are_counted() {
    let log = format!("{}x {{\"a\":1}}\nend\n", "boot\n".repeat(8));
    let found = shown("a.log", log.as_bytes());
    assert_eq!(found.len(), 8, "{found:?}");
    assert_eq!(found[5..7], ["0!3 more lines before the first record hold none", "9:{\"a\":1}"]);
}

#[test]
fn a_record_may_have_very_many_fields_or_be_nested_very_deeply() {
    let fields: serde_json::Map<String, Value> = (0..100_000).map(|at| (format!("field{at}"), at.into())).collect();
    let text = format!("{}\n{{\"a\":1}}\n", Value::Object(fields));
    let mut events: Vec<Event> = Vec::new();
    let started = std::time::Instant::now();
    Reader::default().read_bytes("a.json", text.as_bytes(), &mut |item| {
        Shapes::builtin().events(item.unwrap().value, None, &mut |event| events.push(event));
        true
    });
    assert_eq!((events.len(), events[0].fields.len()), (2, 100_000));
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    for (open, close) in [("{\"a\":", "}"), ("[", "]")] {
        let deep = format!("{{\"a\":{}1{}}}\n{{\"a\":1}}\n", open.repeat(5000), close.repeat(5000));
        assert_eq!(shown("a.json", deep.as_bytes()), ["1!nested deeper than 128 levels", "2:{\"a\":1}"]);
    }
    let deep = format!("<Event>{}</Event>\n<Event><a/></Event>", "<a>".repeat(5000));
    assert_eq!(shown("a.xml", deep.as_bytes()).len(), 2);
    let wrapped = (0..100).fold(json!({"a": 1}), |inner, _| json!({"result": inner}));
    Shapes::builtin().events(wrapped, None, &mut |event| assert_eq!(event.shape, None));
}

#[test]
fn times_before_1970_or_beyond_every_calendar_are_no_times() {
    for time in [
        json!("0000-00-00T00:00:00Z"),
        json!("99999-01-01T00:00:00Z"),
        json!(-5),
        json!(1e308),
        json!("2026-02-30T00:00:00Z"),
        json!([1]),
        json!({"a": 1}),
    ] {
        let record = json!({"eventVersion": "1", "eventSource": "s", "eventName": "n", "eventTime": time});
        Shapes::builtin().events(record, None, &mut |event| {
            assert_eq!((event.time, event.event_id.as_deref()), (None, Some("n")), "{time}")
        });
    }
}

#[test]
fn archives_of_tar_are_read() {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, text) in [("one.json", "{\"a\":1}"), ("two.csv", "a\n2\n"), ("three.json", "{\"a\":3}")] {
        let mut header = tar::Header::new_ustar();
        header.set_size(text.len() as u64);
        header.set_cksum();
        archive.append_data(&mut header, name, text.as_bytes()).unwrap();
    }
    let archive = archive.into_inner().unwrap();
    let all = ["1:{\"a\":1}", "2:{\"a\":\"2\"}", "1:{\"a\":3}"];
    assert_eq!(shown("a.tar", &archive), all);
    assert_eq!(shown("a.tar.gz", &gzip(&archive)), all);
    let mut damaged = archive.clone();
    damaged[1024 + 150] ^= 0xff;
    let found = shown("a.tar", &damaged);
    assert!(found[0] == all[0] && found[1].contains("the archive ends early"), "{found:?}");
    assert_eq!(shown("a.tar", &archive[..1100])[0], all[0]);
}

#[test]
fn files_of_one_name_in_an_archive_are_all_read() {
    let other_name = |archive: Vec<u8>| {
        // The writer refuses a second file of a name.
        let mut named = archive;
        for at in 0..named.len() - 6 {
            if &named[at..at + 6] == b"b.json" {
                named[at] = b'a';
            }
        }
        named
    };
    let archive = other_name(zip(&[("a.json", b"{\"a\":1}"), ("b.json", b"{\"a\":2}"), ("c.json", b"{\"a\":3}")]));
    let mut found = shown("a.zip", &archive);
    found.sort();
    assert_eq!(found, ["1:{\"a\":1}", "1:{\"a\":2}", "1:{\"a\":3}"]);
    // The first of them says that it is encrypted.
    let mut damaged = archive.clone();
    damaged[6] |= 1;
    let found = shown("a.zip", &damaged);
    assert!(found.len() == 3 && found.iter().any(|said| said.contains("has the same name")), "{found:?}");
    let mut two = tar::Builder::new(Vec::new());
    for text in ["{\"a\":1}", "{\"a\":2}"] {
        let mut header = tar::Header::new_ustar();
        header.set_size(text.len() as u64);
        header.set_cksum();
        two.append_data(&mut header, "a.json", text.as_bytes()).unwrap();
    }
    assert_eq!(shown("a.tar", &two.into_inner().unwrap()), ["1:{\"a\":1}", "1:{\"a\":2}"]);
}

#[test]
fn a_compressed_file_has_the_name_that_it_has_on_the_disk() {
    let names = |name: &str, bytes: &[u8]| {
        let mut found = Vec::new();
        Reader::default().read_bytes(name, bytes, &mut |item| {
            found.push(item.map_or_else(|problem| problem.file.to_string(), |record| record.file.to_string()));
            true
        });
        found
    };
    assert_eq!(names("a.json.gz", &gzip(b"{}\nnone")), ["a.json.gz", "a.json.gz"]);
    assert_eq!(names("a.csv.gz.zst", &zstd(&gzip(b"a\n1\n"))), ["a.csv.gz.zst"]);
    assert_eq!(names("a.tar.gz", &gzip(b"none")), ["a.tar.gz"]);
}

#[cfg(unix)]
#[test]
fn what_is_no_regular_file_is_said_and_never_waited_for() {
    use std::os::unix::{
        fs::{PermissionsExt as _, symlink},
        net::UnixListener,
    };
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("a.json"), "{\"a\":1}").unwrap();
    symlink("/dev/zero", at("zero.json")).unwrap();
    symlink(at("a.json"), at("link.json")).unwrap();
    symlink(folder.path(), at("loop")).unwrap();
    symlink(at("gone"), at("dangling")).unwrap();
    let _socket = UnixListener::bind(at("socket")).unwrap();
    let pipe = std::process::Command::new("mkfifo").arg(at("pipe")).status();
    std::fs::create_dir(at("closed")).unwrap();
    std::fs::write(at("closed/b.json"), "{}").unwrap();
    std::fs::set_permissions(at("closed"), std::fs::Permissions::from_mode(0o000)).unwrap();

    let mut read = Vec::new();
    let mut problems = Vec::new();
    for file in Reader::default().files(folder.path()).unwrap() {
        match file {
            Ok(file) => read.push(file.strip_prefix(folder.path()).unwrap().display().to_string()),
            Err(problem) => problems.push(problem.to_string()),
        }
    }
    std::fs::set_permissions(at("closed"), std::fs::Permissions::from_mode(0o700)).unwrap();
    // Root may list every folder.
    read.retain(|name| name != "closed/b.json");
    assert_eq!(read, ["a.json"]);
    for (name, why) in [
        ("zero.json", "symbolic link"),
        ("link.json", "symbolic link"),
        ("loop", "symbolic link"),
        ("dangling", "symbolic link"),
        ("socket", "not a regular file"),
    ] {
        assert!(problems.iter().any(|problem| problem.contains(name) && problem.contains(why)), "{name}: {problems:?}");
    }
    // Named by the user, a link to a file is that file, and a link to a device is not read.
    assert_eq!(of_file(&at("link.json")), ["{\"a\":1}"]);
    assert!(of_file(&at("zero.json"))[0].contains("not a regular file"));
    assert!(of_file(folder.path())[0].contains("a folder"));
    assert!(of_file(&at("dangling"))[0].contains("No such file"));
    if pipe.is_ok_and(|status| status.success()) {
        assert!(problems.iter().any(|problem| problem.contains("pipe") && problem.contains("not a regular file")));
        assert!(of_file(&at("pipe"))[0].contains("not a regular file"));
    }
}

#[test]
fn a_file_is_read_to_the_length_that_it_had() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.json");
    let lines = "{\"a\":1}\n".repeat(100_000);
    std::fs::write(&path, &lines).unwrap();
    let mut records = 0;
    Reader::default().read_file(&path, &mut |item| {
        item.unwrap();
        records += 1;
        if records == 1 {
            std::fs::File::options().append(true).open(&path).unwrap().write_all(lines.as_bytes()).unwrap();
        }
        true
    });
    assert_eq!(records, 100_000);
    let mut problems = Vec::new();
    let mut read = 0;
    Reader::default().read_file(&path, &mut |item| {
        match item {
            Ok(_) => read += 1,
            Err(problem) => problems.push(problem.to_string()),
        }
        if read == 1 {
            std::fs::File::options().write(true).open(&path).unwrap().set_len(8 * 50_000).unwrap();
        }
        true
    });
    assert_eq!(read, 50_000);
    assert!(problems.len() == 1 && problems[0].contains("became shorter"), "{problems:?}");
}
