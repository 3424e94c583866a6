//! The commands of a test: the first byte says where they run and by which shell, the rest is the script.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ruleatlas_emulate::{Platform, Script, Shell, emulate, emulate_command_line};

fuzz_target!(|bytes: &[u8]| {
    let Some((first, text)) = bytes.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let shells = [Shell::Cmd, Shell::PowerShell, Shell::Posix];
    let platform = Platform::ALL[usize::from(*first) % Platform::ALL.len()];
    let shell = shells[usize::from(*first) / Platform::ALL.len() % shells.len()];
    let found = emulate(&Script { platform, shell, text });
    assert!(!found.events.is_empty(), "the shell of the script is an event");
    for event in found.events.iter().chain(&emulate_command_line(text, platform).events) {
        assert!(event.record.is_object() && event.inferred.iter().all(|name| event.fields.contains_key(*name)), "{event:?}");
    }
});
