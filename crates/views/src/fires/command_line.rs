//! A command line as the event that starting it would be recorded as.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

/// A platform on which a command line runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CommandPlatform {
    /// Windows: the event is Sysmon's 1.
    #[default]
    Windows,
    /// Linux: the event is a process start of Elastic Defend.
    Linux,
    /// macOS: the same.
    Macos,
}

impl CommandPlatform {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Windows, Self::Linux, Self::Macos];

    /// The name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Windows => "windows",
            Self::Linux => "linux",
            Self::Macos => "macos",
        }
    }

    /// The platform of this name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|platform| platform.name() == name)
    }
}

/// The event of a command line.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct CommandEvent {
    /// The platform.
    pub platform: CommandPlatform,
    /// The values of the event that decide, by the names that the record has.
    #[schema(value_type = utoipa::openapi::Object)]
    pub fields: Map<String, Value>,
    /// Which of them are inferred: the command line does not say them.
    pub inferred: Vec<String>,
    /// The record.
    #[serde(skip)]
    pub record: Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Programs {
    windows: PlatformDefaults,
    linux: PlatformDefaults,
    macos: PlatformDefaults,
    program: Vec<Program>,
}

/// What holds of a platform's other programs.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlatformDefaults {
    folder: String,
    ending: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Program {
    platform: CommandPlatform,
    names: Vec<String>,
    folder: Option<String>,
    original: Option<String>,
}

fn programs() -> &'static Programs {
    static READ: OnceLock<Programs> = OnceLock::new();
    READ.get_or_init(|| toml::from_str(include_str!("../../data/programs.toml")).unwrap_or_default())
}

impl CommandEvent {
    /// The event of a command line.
    #[must_use]
    pub fn new(text: &str, platform: CommandPlatform) -> Self {
        let text = text.trim();
        let first = first_word(text, platform);
        let known = programs();
        let default = match platform {
            CommandPlatform::Windows => &known.windows,
            CommandPlatform::Linux => &known.linux,
            CommandPlatform::Macos => &known.macos,
        };
        let is_path = match platform {
            CommandPlatform::Windows => first.contains(['\\', '/']),
            _ => first.contains('/'),
        };
        let last = first.rsplit(['\\', '/']).next().unwrap_or_default();
        let ending = if last.contains('.') { "" } else { default.ending.as_str() };
        let name = format!("{last}{ending}");
        let is_named = |program: &&Program| {
            program.platform == platform && program.names.iter().any(|known| known.eq_ignore_ascii_case(&name))
        };
        let program = known.program.iter().find(is_named);
        let folder = program.and_then(|program| program.folder.as_deref()).unwrap_or(&default.folder);
        let image = if is_path { format!("{first}{ending}") } else { format!("{folder}{name}") };
        let is_image_inferred = !is_path || !ending.is_empty();
        let original = program.and_then(|program| program.original.clone());
        match platform {
            CommandPlatform::Windows => Self::windows(text, &image, is_image_inferred, original),
            _ => Self::unix(text, platform, &image, is_image_inferred),
        }
    }

    fn windows(text: &str, image: &str, is_image_inferred: bool, original: Option<String>) -> Self {
        let mut fields = Map::new();
        let mut inferred = Vec::new();
        fields.insert("CommandLine".to_owned(), text.into());
        fields.insert("Image".to_owned(), image.into());
        if is_image_inferred {
            inferred.push("Image".to_owned());
        }
        if let Some(original) = original {
            fields.insert("OriginalFileName".to_owned(), original.into());
            inferred.push("OriginalFileName".to_owned());
        }
        let mut record = fields.clone();
        let head = [
            ("EventID", json!(1)),
            ("SourceName", json!("Microsoft-Windows-Sysmon")),
            ("Channel", json!("Microsoft-Windows-Sysmon/Operational")),
        ];
        record.extend(head.map(|(name, value)| (name.to_owned(), value)));
        Self { platform: CommandPlatform::Windows, fields, inferred, record: Value::Object(record) }
    }

    fn unix(text: &str, platform: CommandPlatform, image: &str, is_image_inferred: bool) -> Self {
        let name = image.rsplit('/').next().unwrap_or_default();
        let mut fields = Map::new();
        fields.insert("process.command_line".to_owned(), text.into());
        fields.insert("process.executable".to_owned(), image.into());
        fields.insert("process.name".to_owned(), name.into());
        let inferred = if is_image_inferred { vec!["process.executable".to_owned()] } else { Vec::new() };
        let mut record = fields.clone();
        let head = [
            ("event.kind", json!("event")),
            ("event.category", json!(["process"])),
            ("event.type", json!(["start"])),
            ("event.action", json!("exec")),
            ("event.module", json!("endpoint")),
            ("event.dataset", json!("endpoint.events.process")),
            ("host.os.type", json!(platform.name())),
        ];
        record.extend(head.map(|(name, value)| (name.to_owned(), value)));
        Self { platform, fields, inferred, record: Value::Object(record) }
    }
}

/// The program of a command line, without the quotes around it.
fn first_word(text: &str, platform: CommandPlatform) -> &str {
    let quotes: &[char] = if platform == CommandPlatform::Windows { &['"'] } else { &['"', '\''] };
    if let Some(quote) = text.chars().next().filter(|first| quotes.contains(first)) {
        let inner = text.get(1..).unwrap_or_default();
        return inner.split(quote).next().unwrap_or_default();
    }
    text.split_whitespace().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_programs_is_read() {
        let read: Result<Programs, _> = toml::from_str(include_str!("../../data/programs.toml"));
        assert_eq!(read.map(|programs| programs.program.is_empty()).map_err(|error| error.to_string()), Ok(false));
    }

    #[test]
    fn what_a_command_line_does_not_say_is_marked() {
        use CommandPlatform::{Linux, Macos, Windows};
        let powershell = r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe";
        for (platform, text, field, image, inferred) in [
            (Windows, "powershell -nop", "Image", powershell, true),
            (Windows, "WHOAMI.exe /all", "Image", r"C:\Windows\System32\WHOAMI.exe", true),
            (Windows, "\"C:\\Program Files\\a b\\c.exe\" -x", "Image", r"C:\Program Files\a b\c.exe", false),
            (Windows, r"C:\Tools\probe /x", "Image", r"C:\Tools\probe.exe", true),
            (Linux, "useradd x", "process.executable", "/usr/sbin/useradd", true),
            (Linux, "/opt/x y", "process.executable", "/opt/x", false),
            (Macos, "zsh -c x", "process.executable", "/bin/zsh", true),
            (Windows, "", "Image", r"C:\Windows\System32\.exe", true),
            (Windows, "\"", "Image", r"C:\Windows\System32\.exe", true),
        ] {
            let event = CommandEvent::new(text, platform);
            assert_eq!(event.fields.get(field).and_then(Value::as_str), Some(image), "{text}");
            assert_eq!(event.inferred.iter().any(|name| name == field), inferred, "{text}");
        }
    }
}
