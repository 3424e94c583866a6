//! A record as JSON, read by the shape that fits and by every shape that is forced on it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ruleatlas_events::Shapes;
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let Ok(record @ Value::Object(_)) = serde_json::from_slice::<Value>(bytes) else { return };
    let shapes = Shapes::builtin();
    for shape in shapes.all() {
        shapes.events(record.clone(), Some(shape), &mut |event| {
            assert_eq!(event.shape.as_deref(), Some(shape.name.as_str()));
        });
    }
    shapes.events(record, None, &mut |_| ());
});
