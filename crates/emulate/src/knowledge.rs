//! What is known of platforms, programs and shells: the files in `data`, read once.

use std::{collections::BTreeMap, sync::OnceLock};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Shell;

/// A platform on which commands run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    /// Windows: a process is Sysmon's event 1.
    #[default]
    Windows,
    /// Linux: a process is a start event of Elastic Defend.
    Linux,
    /// macOS: the same.
    Macos,
}

impl Platform {
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
    platform: Platform,
    names: Vec<String>,
    folder: Option<String>,
    original: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shells {
    cmd: ShellWords,
    posix: ShellWords,
    powershell: PowerShellWords,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ShellWords {
    builtins: Vec<String>,
    keywords: Vec<String>,
    variables: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PowerShellWords {
    aliases: BTreeMap<String, String>,
    words: Keywords,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keywords {
    keywords: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wrappers {
    wrapper: Vec<Wrapper>,
}

/// A program that starts what its arguments say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wrapper {
    names: Vec<String>,
    #[serde(default)]
    pub options: Vec<String>,
    pub takes: Takes,
    pub position: Position,
    #[serde(default)]
    pub skip: Vec<String>,
    /// Words before the command, apart from options.
    #[serde(default)]
    pub words: usize,
    pub parent: Option<String>,
}

/// What a wrapper's command is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Takes {
    Cmd,
    #[serde(rename = "powershell")]
    PowerShell,
    Posix,
    Encoded,
    Command,
}

/// Where a wrapper's command is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Position {
    Rest,
    Next,
}

const PROGRAMS: &str = include_str!("../data/programs.toml");
const SHELLS: &str = include_str!("../data/shells.toml");
const WRAPPERS: &str = include_str!("../data/wrappers.toml");

fn programs() -> &'static Programs {
    static READ: OnceLock<Programs> = OnceLock::new();
    READ.get_or_init(|| toml::from_str(PROGRAMS).unwrap_or_default())
}

fn shells() -> &'static Shells {
    static READ: OnceLock<Shells> = OnceLock::new();
    READ.get_or_init(|| toml::from_str(SHELLS).unwrap_or_default())
}

/// A program file, as far as a name or path tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Image {
    /// The whole path.
    pub path: String,
    /// Whether the text does not say it as a whole.
    pub is_inferred: bool,
    /// The name in the file's version resource, where that is known.
    pub original: Option<String>,
}

impl Image {
    /// The file of a program that goes by this name or path.
    pub fn of(name: &str, platform: Platform) -> Self {
        let known = programs();
        let default = match platform {
            Platform::Windows => &known.windows,
            Platform::Linux => &known.linux,
            Platform::Macos => &known.macos,
        };
        let is_windows = platform == Platform::Windows;
        let is_separator = |character: char| character == '/' || (is_windows && character == '\\');
        let is_path = name.contains(is_separator);
        let last = name.rsplit(['\\', '/']).next().unwrap_or_default();
        let ending = if last.contains('.') { "" } else { default.ending.as_str() };
        let file = format!("{last}{ending}");
        let is_named = |program: &&Program| {
            program.platform == platform && program.names.iter().any(|known| known.eq_ignore_ascii_case(&file))
        };
        let program = known.program.iter().find(is_named);
        let folder = program.and_then(|program| program.folder.as_deref()).unwrap_or(&default.folder);
        Self {
            path: if is_path { format!("{name}{ending}") } else { format!("{folder}{file}") },
            is_inferred: !is_path || !ending.is_empty(),
            original: program.and_then(|program| program.original.clone()),
        }
    }

    /// The file's name.
    pub fn name(&self) -> &str {
        self.path.rsplit(['\\', '/']).next().unwrap_or_default()
    }

    /// The file's name without `.exe`.
    pub fn base(&self) -> &str {
        let name = self.name();
        let (base, ending) = name.rsplit_once('.').unwrap_or((name, ""));
        if ending.eq_ignore_ascii_case("exe") { base } else { name }
    }
}

/// The wrappers of a program, by its name without `.exe`.
pub(crate) fn wrappers(name: &str) -> impl Iterator<Item = &'static Wrapper> {
    static READ: OnceLock<Wrappers> = OnceLock::new();
    let all = READ.get_or_init(|| toml::from_str(WRAPPERS).unwrap_or_default());
    let name = name.to_ascii_lowercase();
    all.wrapper.iter().filter(move |wrapper| wrapper.names.contains(&name))
}

fn contains(words: &[String], word: &str) -> bool {
    words.iter().any(|known| known.eq_ignore_ascii_case(word))
}

/// Whether a command is the shell's own.
pub(crate) fn is_builtin(shell: Shell, word: &str) -> bool {
    match shell {
        Shell::Cmd => contains(&shells().cmd.builtins, word),
        Shell::Posix => shells().posix.builtins.iter().any(|known| known == word),
        Shell::PowerShell => contains(&shells().powershell.words.keywords, word),
    }
}

/// Whether a word stands before a command.
pub(crate) fn is_keyword(shell: Shell, word: &str) -> bool {
    match shell {
        Shell::Cmd => contains(&shells().cmd.keywords, word),
        Shell::Posix => shells().posix.keywords.iter().any(|known| known == word),
        Shell::PowerShell => false,
    }
}

/// What an alias of PowerShell stands for.
pub(crate) fn alias(word: &str) -> Option<&'static str> {
    shells().powershell.aliases.get(&word.to_ascii_lowercase()).map(String::as_str)
}

/// The value of a variable on a default installation.
pub(crate) fn variable(platform: Platform, name: &str) -> Option<&'static str> {
    let variables = match platform {
        Platform::Windows => &shells().cmd.variables,
        Platform::Linux | Platform::Macos => &shells().posix.variables,
    };
    variables.get(&name.to_ascii_lowercase()).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_read() {
        toml::from_str::<Programs>(PROGRAMS).unwrap();
        toml::from_str::<Shells>(SHELLS).unwrap();
        toml::from_str::<Wrappers>(WRAPPERS).unwrap();
        for words in [&shells().cmd.variables, &shells().posix.variables, &shells().powershell.aliases] {
            assert!(words.keys().all(|key| key.chars().all(|character| !character.is_ascii_uppercase())));
        }
        assert!(wrappers("CMD").next().is_some());
    }

    #[test]
    fn what_a_name_does_not_say_is_inferred() {
        use Platform::{Linux, Macos, Windows};
        let powershell = r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe";
        for (platform, name, path, inferred) in [
            (Windows, "powershell", powershell, true),
            (Windows, "WHOAMI.exe", r"C:\Windows\System32\WHOAMI.exe", true),
            (Windows, "C:\\Program Files\\a b\\c.exe", r"C:\Program Files\a b\c.exe", false),
            (Windows, r"C:\Tools\probe", r"C:\Tools\probe.exe", true),
            (Linux, "useradd", "/usr/sbin/useradd", true),
            (Linux, "/opt/x", "/opt/x", false),
            (Macos, "zsh", "/bin/zsh", true),
            (Windows, "", r"C:\Windows\System32\.exe", true),
        ] {
            let image = Image::of(name, platform);
            assert_eq!((image.path.as_str(), image.is_inferred), (path, inferred), "{name}");
        }
    }
}
