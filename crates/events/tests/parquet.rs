//! Parquet files: every type that logs have, damage, and types that are not read.

#![cfg(feature = "parquet")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail anywhere, in its helpers too")]

use std::sync::Arc;

use parquet::{
    basic::Compression,
    data_type::{
        BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArrayType, FloatType, Int32Type,
        Int64Type,
    },
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::parser::parse_message_type,
};
use proptest::prelude::*;
use ruleatlas_events::{CanonicalEvent, ColumnKind, Kinds, ParquetWriter, Reader, Shapes, SortedEvents};
use serde_json::{Value, json};

/// A column: its values, and definition and repetition levels where it has them.
type Column = Box<dyn Fn(&mut parquet::file::writer::SerializedRowGroupWriter<'_, &mut Vec<u8>>)>;

fn column<T: DataType>(values: Vec<T::T>, definition: Option<Vec<i16>>, repetition: Option<Vec<i16>>) -> Column
where
    T::T: Clone,
{
    Box::new(move |group| {
        let mut writer = group.next_column().unwrap().unwrap();
        writer.typed::<T>().write_batch(&values, definition.as_deref(), repetition.as_deref()).unwrap();
        writer.close().unwrap();
    })
}

fn file_with(schema: &str, columns: &[Column], compression: Compression, groups: usize) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let properties = WriterProperties::builder().set_compression(compression).build();
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, Arc::new(properties)).unwrap();
    for _ in 0..groups {
        let mut group = writer.next_row_group().unwrap();
        for column in columns {
            column(&mut group);
        }
        group.close().unwrap();
    }
    writer.close().unwrap();
    bytes
}

fn file(schema: &str, columns: &[Column]) -> Vec<u8> {
    file_with(schema, columns, Compression::UNCOMPRESSED, 1)
}

fn text(value: &str) -> ByteArray {
    ByteArray::from(value)
}

/// The records of a file, and what could not be read.
fn read(bytes: &[u8]) -> (Vec<Value>, Vec<String>) {
    let (mut records, mut problems) = (Vec::new(), Vec::new());
    Reader::default().read_bytes("a.parquet", bytes, &mut |item| {
        match item {
            Ok(record) => records.push(record.value),
            Err(problem) => problems.push(problem.to_string()),
        }
        true
    });
    (records, problems)
}

fn only(schema: &str, columns: &[Column]) -> Value {
    let (mut records, problems) = read(&file(schema, columns));
    assert_eq!((records.len(), problems), (1, Vec::new()), "{schema}");
    records.remove(0)
}

#[test]
fn values_of_every_type_are_what_json_has_for_them() {
    let int = |kind: &str, value: i32| {
        only(&format!("message m {{ required int32 a {kind}; }}"), &[column::<Int32Type>(vec![value], None, None)])
    };
    let long = |kind: &str, value: i64| {
        only(&format!("message m {{ required int64 a {kind}; }}"), &[column::<Int64Type>(vec![value], None, None)])
    };
    let bytes = |kind: &str, value: &[u8]| {
        only(
            &format!("message m {{ required binary a {kind}; }}"),
            &[column::<ByteArrayType>(vec![value.to_vec().into()], None, None)],
        )
    };
    assert_eq!(int("", -5), json!({"a": -5}));
    assert_eq!(int("(INTEGER(32,false))", -1), json!({"a": 4_294_967_295_u32}));
    assert_eq!(int("(INTEGER(8,true))", -5), json!({"a": -5}));
    assert_eq!(int("(DATE)", 20_455), json!({"a": "2026-01-02"}));
    assert_eq!(int("(DATE)", i32::MAX), json!({"a": i32::MAX}));
    assert_eq!(int("(TIME(MILLIS,true))", 11_045_006), json!({"a": "03:04:05.006"}));
    assert_eq!(int("(DECIMAL(9,2))", -12_345), json!({"a": -123.45}));
    assert_eq!(long("", i64::MIN), json!({"a": i64::MIN}));
    assert_eq!(long("(INTEGER(64,false))", -1), json!({"a": u64::MAX}));
    for unit in [("MILLIS", 1_767_323_045_000), ("MICROS", 1_767_323_045_000_000), ("NANOS", 1_767_323_045_000_000_000)]
    {
        assert_eq!(long(&format!("(TIMESTAMP({},true))", unit.0), unit.1), json!({"a": "2026-01-02T03:04:05Z"}));
        assert_eq!(long(&format!("(TIMESTAMP({},false))", unit.0), unit.1), json!({"a": "2026-01-02T03:04:05"}));
    }
    assert_eq!(long("(TIMESTAMP(MICROS,true))", i64::MAX), json!({"a": i64::MAX}));
    assert_eq!(long("(DECIMAL(18,4))", 12_345), json!({"a": 1.2345}));
    assert_eq!(long("(DECIMAL(18,0))", 12_345), json!({"a": 12_345}));
    assert_eq!(bytes("(UTF8)", "ä".as_bytes()), json!({"a": "ä"}));
    assert_eq!(bytes("(JSON)", b"{}"), json!({"a": "{}"}));
    assert_eq!(
        bytes("", b"a text that older writers do not mark"),
        json!({"a": "a text that older writers do not mark"})
    );
    assert_eq!(bytes("", b"\xff\x00"), json!({"a": "ff00"}));
    assert_eq!(
        bytes("(DECIMAL(38,10))", &12_345_678_901_234_567_890_123_i128.to_be_bytes()),
        json!({"a": "1234567890123.4567890123"})
    );
    let uuid: Vec<u8> = (0..16).collect();
    let fixed = only(
        "message m { required fixed_len_byte_array(16) a (UUID); }",
        &[column::<FixedLenByteArrayType>(vec![ByteArray::from(uuid).into()], None, None)],
    );
    assert_eq!(fixed, json!({"a": "00010203-0405-0607-0809-0a0b0c0d0e0f"}));
    assert_eq!(
        only("message m { required float a; }", &[column::<FloatType>(vec![0.1], None, None)]),
        json!({"a": 0.1})
    );
    assert_eq!(
        only("message m { required double a; }", &[column::<DoubleType>(vec![f64::NAN], None, None)]),
        json!({"a": "NaN"})
    );
    assert_eq!(
        only("message m { required boolean a; }", &[column::<BoolType>(vec![true], None, None)]),
        json!({"a": true})
    );
    assert_eq!(
        only(
            "message m { optional int32 a; optional int32 b; }",
            &[column::<Int32Type>(vec![], Some(vec![0]), None), column::<Int32Type>(vec![1], Some(vec![1]), None)]
        ),
        json!({"b": 1})
    );
}

#[test]
fn groups_lists_and_maps_become_objects_and_arrays() {
    let list = "message m { optional group tags (LIST) { repeated group list { optional binary element (UTF8); } } }";
    let tags = column::<ByteArrayType>(vec![text("a"), text("b")], Some(vec![3, 3]), Some(vec![0, 1]));
    assert_eq!(only(list, &[tags]), json!({"tags": ["a", "b"]}));
    let times = "message m { optional group times (LIST) { repeated group list { optional int64 element (TIMESTAMP(NANOS,true)); } } }";
    let values = column::<Int64Type>(vec![1_767_323_045_000_000_000], Some(vec![3]), Some(vec![0]));
    assert_eq!(only(times, &[values]), json!({"times": ["2026-01-02T03:04:05Z"]}));
    let old = "message m { repeated int32 ports; }";
    assert_eq!(
        only(old, &[column::<Int32Type>(vec![1, 2], Some(vec![1, 1]), Some(vec![0, 1]))]),
        json!({"ports": [1, 2]})
    );
    let map = "message m { optional group tags (MAP) { repeated group key_value { required binary key (UTF8); optional int32 value; } } }";
    let columns = [
        column::<ByteArrayType>(vec![text("k"), text("l")], Some(vec![2, 2]), Some(vec![0, 1])),
        column::<Int32Type>(vec![1, 2], Some(vec![3, 3]), Some(vec![0, 1])),
    ];
    assert_eq!(only(map, &columns), json!({"tags": {"k": 1, "l": 2}}));
    let group = "message m { required group process { required binary name (UTF8); optional group parent { required int64 started (TIMESTAMP(MICROS,true)); } } }";
    let columns = [
        column::<ByteArrayType>(vec![text("a.exe")], None, None),
        column::<Int64Type>(vec![1_767_323_045_000_000], Some(vec![1]), None),
    ];
    assert_eq!(
        only(group, &columns),
        json!({"process": {"name": "a.exe", "parent": {"started": "2026-01-02T03:04:05Z"}}})
    );
}

#[test]
fn every_compression_and_dictionaries_are_read() {
    let schema = "message m { required binary ActionType (UTF8); required binary DeviceName (UTF8); }";
    let many = |value: &str| column::<ByteArrayType>(vec![text(value); 5000], None, None);
    for compression in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(parquet::basic::GzipLevel::default()),
        Compression::ZSTD(parquet::basic::ZstdLevel::default()),
        Compression::LZ4_RAW,
        Compression::BROTLI(parquet::basic::BrotliLevel::default()),
    ] {
        let bytes = file_with(schema, &[many("ProcessCreated"), many("host")], compression, 2);
        let (records, problems) = read(&bytes);
        assert_eq!((records.len(), problems), (10_000, Vec::new()), "{compression}");
        assert_eq!(records[9_999], json!({"ActionType": "ProcessCreated", "DeviceName": "host"}));
    }
}

#[test]
fn a_parquet_file_is_read_wherever_it_lies_and_by_its_shape() {
    let schema = "message m { required binary ActionType (UTF8); required binary DeviceName (UTF8); required int64 Timestamp (TIMESTAMP(NANOS,true)); }";
    let columns = [
        column::<ByteArrayType>(vec![text("ProcessCreated")], None, None),
        column::<ByteArrayType>(vec![text("host1")], None, None),
        column::<Int64Type>(vec![1_767_323_045_000_000_000], None, None),
    ];
    let bytes = file(schema, &columns);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.parquet");
    std::fs::write(&path, &bytes).unwrap();
    let mut events = Vec::new();
    let mut take = |item: ruleatlas_events::ReadItem| {
        Shapes::builtin().events(item.unwrap().value, None, &mut |event| events.push(event));
        true
    };
    Reader::default().read_file(&path, &mut take);
    Reader::default().read_stream("-", std::io::Cursor::new(&bytes), &mut take);
    assert_eq!(events.len(), 2);
    for event in events {
        assert_eq!(
            (event.shape.as_deref(), event.event_id.as_deref(), event.host.as_deref()),
            (Some("defender_row"), Some("ProcessCreated"), Some("host1"))
        );
        assert_eq!(event.time.unwrap().to_string(), "2026-01-02T03:04:05Z");
    }
}

#[test]
fn odd_types_and_damage_are_said_and_the_rest_is_read() {
    let interval = "message m { required fixed_len_byte_array(12) span (INTERVAL); required int32 a; }";
    let columns = [
        column::<FixedLenByteArrayType>(vec![ByteArray::from(vec![0; 12]).into()], None, None),
        column::<Int32Type>(vec![1], None, None),
    ];
    let (records, problems) = read(&file(interval, &columns));
    assert_eq!(records, [json!({"a": 1})]);
    assert_eq!(problems, ["a.parquet: the column span is not read: its type is INTERVAL"]);
    let only_odd = "message m { required fixed_len_byte_array(12) span (INTERVAL); }";
    let (records, problems) = read(&file(
        only_odd,
        &[column::<FixedLenByteArrayType>(vec![ByteArray::from(vec![0; 12]).into()], None, None)],
    ));
    assert!(records.is_empty() && problems[1].contains("no column"), "{problems:?}");
    // What calls itself a text and is none ends its row group, since columns would no longer stand on the same row.
    let schema = "message m { required binary a (UTF8); required int32 b; }";
    let columns = [
        column::<ByteArrayType>(vec![text("x"), ByteArray::from(vec![0xff]), text("y")], None, None),
        column::<Int32Type>(vec![1, 2, 3], None, None),
    ];
    let (records, problems) = read(&file_with(schema, &columns, Compression::UNCOMPRESSED, 2));
    assert_eq!(records, [json!({"a": "x", "b": 1}), json!({"a": "x", "b": 1})]);
    assert_eq!(problems.len(), 2);
    assert!(problems[0].contains("record 2:") && problems[1].contains("record 5:"), "{problems:?}");
    let whole =
        file(schema, &[column::<ByteArrayType>(vec![text("x")], None, None), column::<Int32Type>(vec![1], None, None)]);
    for cut in [4, whole.len() / 2, whole.len() - 1] {
        let (records, problems) = read(&whole[..cut]);
        assert!(
            records.is_empty() && problems.len() == 1 && problems[0].contains("not readable as Parquet"),
            "{problems:?}"
        );
    }
}

#[test]
fn what_is_written_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.parquet");
    let columns = [
        ("time", ColumnKind::Time),
        ("record", ColumnKind::Number),
        ("Image", ColumnKind::Text),
        ("process.args", ColumnKind::Texts),
        ("raw", ColumnKind::Json),
    ];
    let columns = columns.map(|(name, kind)| (name.to_owned(), kind)).to_vec();
    let mut writer = ParquetWriter::new(std::fs::File::create(&path).unwrap(), columns).unwrap();
    let rows = [
        json!({"time": 1_767_323_045_000_001_i64, "record": 7, "Image": "a.exe", "process.args": ["a", "b"], "raw": {"x": [1]}, "no column": 1}),
        json!({"Image": 5, "process.args": "one"}),
        json!({"process.args": [], "raw": "text"}),
        json!({}),
    ];
    // More rows than a row group has.
    for row in rows.iter().cycle().take(40_000) {
        writer.add(row.as_object().unwrap().clone()).unwrap();
    }
    writer.finish().unwrap();
    let mut read = Vec::new();
    Reader::default().read_file(&path, &mut |item| {
        read.push(item.unwrap().value);
        true
    });
    let expected = [
        json!({"time": "2026-01-02T03:04:05.000001Z", "record": 7, "Image": "a.exe", "process.args": ["a", "b"], "raw": "{\"x\":[1]}"}),
        json!({"Image": "5", "process.args": ["one"]}),
        json!({"process.args": [], "raw": "\"text\""}),
        json!({}),
    ];
    assert_eq!(read.len(), 40_000);
    assert_eq!(read[..4], expected);
    assert_eq!(read[39_996..], expected);
}

/// Every number as its text: columns are texts.
fn as_texts(value: &mut Value) {
    match value {
        Value::Number(number) => *value = number.to_string().into(),
        Value::Array(items) => items.iter_mut().for_each(as_texts),
        _ => {}
    }
}

#[test]
fn a_table_of_events_is_read_as_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.parquet");
    let sysmon = |id: u32, second: u32, data: Value| {
        json!({"Event": {"System": {"Provider": {"#attributes": {"Name": "Microsoft-Windows-Sysmon"}}, "EventID": id,
            "Channel": "Microsoft-Windows-Sysmon/Operational", "Computer": "host1",
            "TimeCreated": {"#attributes": {"SystemTime": format!("2026-01-02T03:04:{second:02}Z")}}}, "EventData": data}})
    };
    let records = [
        sysmon(3, 9, json!({"Image": r"C:\Tools\probe.exe", "DestinationPort": 443})),
        sysmon(1, 5, json!({"Image": r"C:\Tools\probe.exe", "Hashes": "MD5=0", "Strange": 1})),
        sysmon(1, 2, json!({"Image": r"C:\Tools\other.exe", "ProcessId": 7})),
        json!({"eventVersion": "1.08", "eventSource": "s3.amazonaws.com", "eventName": "GetObject", "eventTime": "2026-01-02T03:04:05Z",
            "requestParameters": {"bucketName": ["one", "two"]}}),
        json!({"odd": {"a": [1, 2]}}),
    ];
    let kinds = Kinds::default();
    let (mut written, mut sorted) = (Vec::new(), SortedEvents::default());
    for (number, record) in (1..).zip(records) {
        Shapes::builtin().events(record, None, &mut |event| {
            let event = kinds.canonical_event(&event, "a.jsonl", number);
            sorted.push(event.clone()).unwrap();
            written.push(event);
        });
    }
    sorted.write_parquet(std::fs::File::create(&path).unwrap()).unwrap();
    let mut read = Vec::new();
    Reader::default().read_file(&path, &mut |item| {
        let value = item.unwrap().value;
        let place =
            (value["file"].as_str().unwrap().to_owned(), value["record"].as_u64().unwrap(), value["shape"].clone());
        Shapes::builtin().events(value, None, &mut |event| {
            let event = kinds.canonical_event(&event, &place.0, place.1);
            read.push(CanonicalEvent { shape: place.2.as_str().unwrap().to_owned(), ..event });
        });
        true
    });
    let in_order: Vec<u64> = read.iter().map(|event| event.record).collect();
    assert_eq!(in_order, [5, 4, 3, 2, 1], "by provider, event id and time");
    written.sort_by_key(|event| std::cmp::Reverse(event.record));
    for event in &mut written {
        event.fields.values_mut().for_each(as_texts);
    }
    assert_eq!(read, written);
}

proptest! {
    #[test]
    fn damage_makes_it_neither_panic_nor_hang(places in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let schema = "message m { optional group tags (LIST) { repeated group list { optional binary element (UTF8); } } required int64 t (TIMESTAMP(NANOS,true)); }";
        let columns = [column::<ByteArrayType>(vec![text("a"), text("b")], Some(vec![3, 3]), Some(vec![0, 1])), column::<Int64Type>(vec![5], None, None)];
        let mut bytes = file_with(schema, &columns, Compression::SNAPPY, 2);
        for (place, byte) in places {
            let at = place.index(bytes.len());
            bytes[at] = byte;
        }
        read(&bytes);
    }
}
