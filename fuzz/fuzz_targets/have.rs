//! Any file that says which telemetry is collected.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ruleatlas_sources::have::{TelemetryConfig, read};

fuzz_target!(|bytes: &[u8]| {
    // What is read has lines that the file has.
    let lines = bytes.iter().filter(|byte| **byte == b'\n').count() as u32 + 1;
    match read(bytes) {
        Ok(TelemetryConfig::Sysmon(config)) => config.filters.iter().for_each(|filter| assert!(filter.line <= lines)),
        Ok(TelemetryConfig::List(listed)) => assert!(!listed.is_empty()),
        Ok(TelemetryConfig::AuditPolicy(rows)) => rows.iter().for_each(|row| assert_eq!(row.guid.len(), 36)),
        Ok(TelemetryConfig::DataSources(components)) => assert!(!components.is_empty()),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
