//! A log file of any format, as text with three endings: each of its records is read by its shape.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ruleatlas_events::{Reader, Shapes};

fuzz_target!(|bytes: &[u8]| {
    for name in ["log", "log.csv", "log.json"] {
        Reader::default().read_bytes(name, bytes, &mut |item| {
            if let Ok(record) = item {
                assert!(record.value.is_object(), "a record is an object");
                Shapes::builtin().events(record.value, None, &mut |_| ());
            }
            true
        });
    }
});
