//! What the commands of a test would be recorded as, without running them.
//!
//! A script is split into the commands that its shell would start; each is an event of a process, and what commands say
//! about registry values, files, services, tasks, accounts and hosts are events too. Records have the fields that Sysmon, the
//! Windows event log, and Elastic's endpoint write. Every record lists the fields that the text does not say.
//!
//! ```
//! use ruleatlas_emulate::{Platform, Script, Shell, emulate};
//!
//! let script = Script { platform: Platform::Windows, shell: Shell::Cmd, text: "reg add HKLM\\Software\\A /v b /d c & whoami /all" };
//! let found = emulate(&script);
//! let lines: Vec<&str> = found.events.iter().filter_map(|event| event.field("CommandLine")).collect();
//! assert!(lines.contains(&"whoami /all"));
//! assert!(found.events.iter().any(|event| event.field("TargetObject") == Some("HKLM\\Software\\A\\b")));
//! ```
//!
//! Nothing is executed, no file is read, and no variable is expanded but those of a default installation and those that the
//! script itself sets. Size, nesting and decoding are bounded; what goes beyond is a note.

mod cmd;
mod decode;
mod effects;
mod event;
mod knowledge;
mod posix;
mod powershell;
mod run;
mod words;

pub use event::{EmulatedEvent, EventKind};
pub use knowledge::Platform;
pub use run::{Emulation, MAX_COMMANDS, MAX_SCRIPT_BYTES, Script, emulate, emulate_command_line};
pub use words::Shell;
