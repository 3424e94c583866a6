//! What silences findings: comments in the rule, and a configuration.

use std::ops::Range;

use globset::{Glob, GlobMatcher};
use ruleatlas_model::Level;
use rustc_hash::FxHashMap;
use serde::Deserialize;

use crate::code::{CODES, code};

/// The words that begin an ignoring comment.
const MARK: &str = "ruleatlas: ignore";

/// A comment that ignores codes.
#[derive(Clone, Debug)]
pub(crate) struct Comment {
    /// Where it stands in the file.
    pub place: Range<usize>,
    codes: Vec<String>,
    has_reason: bool,
}

impl Comment {
    /// The comments of a part of a file.
    pub fn read(text: &str, part: Range<usize>) -> Vec<Self> {
        let content = text.get(part.clone()).unwrap_or_default();
        let mut found = Vec::new();
        for (at, _) in content.match_indices(MARK) {
            let line = content.get(at..).and_then(|rest| rest.lines().next()).unwrap_or_default();
            let line =
                line.trim_end().trim_end_matches("*/").trim_end_matches("```").trim_end_matches("-->").trim_end();
            let mut rest = line.get(MARK.len()..).unwrap_or_default().trim_start();
            let mut codes = Vec::new();
            while let Some(word) = rest.split([' ', ',', '\t', ':']).next().filter(|word| is_code(word)) {
                codes.push(word.to_owned());
                rest = rest.get(word.len()..).unwrap_or_default().trim_start_matches([' ', ',', '\t', ':']);
            }
            let start = part.start + at;
            found.push(Self { place: start..start + line.len(), codes, has_reason: !rest.trim().is_empty() });
        }
        found
    }

    /// What keeps it from ignoring anything.
    pub fn fault(&self) -> Option<String> {
        if self.codes.is_empty() {
            return Some("the comment names no code".to_owned());
        }
        if let Some(unknown) = self.codes.iter().find(|code| !is_known(code)) {
            return Some(format!("there is no code `{unknown}`"));
        }
        (!self.has_reason).then(|| format!("the comment ignores {} without a reason", self.codes.join(", ")))
    }

    /// Whether it silences a code.
    pub fn silences(&self, code: &str) -> bool {
        self.fault().is_none() && self.codes.iter().any(|own| code.starts_with(own.as_str()))
    }
}

/// Whether a word looks like a code or the beginning of one.
fn is_code(word: &str) -> bool {
    word.strip_prefix("RA")
        .is_some_and(|digits| (2..=4).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether a code or the beginning of one is in the table.
fn is_known(word: &str) -> bool {
    CODES.iter().any(|code| code.code.starts_with(word))
}

/// What a configuration file says.
#[derive(Clone, Debug, Default)]
pub struct Config {
    ignored: Vec<Ignored>,
    levels: FxHashMap<String, Option<Level>>,
}

#[derive(Clone, Debug)]
struct Ignored {
    code: String,
    path: Option<GlobMatcher>,
    rule: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigFile {
    #[serde(default)]
    ignore: Vec<IgnoredTable>,
    #[serde(default)]
    level: FxHashMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IgnoredTable {
    code: String,
    path: Option<String>,
    rule: Option<String>,
    reason: String,
}

/// Why a configuration cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// It is no TOML, or has keys or values of another kind.
    #[error("{0}")]
    Toml(String),
    /// It names what does not exist.
    #[error("{0}")]
    Unknown(String),
}

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    /// It is no TOML, or names a code, level or pattern that cannot be.
    pub fn read(text: &str) -> Result<Self, ConfigError> {
        let file: ConfigFile = toml::from_str(text).map_err(|error| ConfigError::Toml(error.to_string()))?;
        let mut config = Self::default();
        for table in file.ignore {
            if !is_code(&table.code) || !is_known(&table.code) {
                return Err(ConfigError::Unknown(format!("there is no code `{}` to ignore", table.code)));
            }
            if table.reason.trim().is_empty() {
                return Err(ConfigError::Unknown(format!("`{}` is ignored without a reason", table.code)));
            }
            let path = table.path.map(|path| Glob::new(&path).map_err(|error| ConfigError::Unknown(error.to_string())));
            let path = path.transpose()?.map(|glob| glob.compile_matcher());
            config.ignored.push(Ignored { code: table.code, path, rule: table.rule });
        }
        for (name, level) in file.level {
            if code(&name).is_none() {
                return Err(ConfigError::Unknown(format!("there is no code `{name}` to give a level")));
            }
            let level = match level.as_str() {
                "off" => None,
                other => Some(read_level(other).ok_or_else(|| {
                    ConfigError::Unknown(format!("`{other}` is no level; the levels are error, warning, note, off"))
                })?),
            };
            config.levels.insert(name, level);
        }
        Ok(config)
    }

    /// The level of a code; none where it is off.
    pub(crate) fn level(&self, code: &str, usual: Level) -> Option<Level> {
        self.levels.get(code).copied().unwrap_or(Some(usual))
    }

    /// Whether a code is ignored in a file or rule.
    pub(crate) fn silences(&self, code: &str, path: &str, rule: &str) -> bool {
        self.ignored.iter().any(|ignored| {
            code.starts_with(&ignored.code)
                && ignored.path.as_ref().is_none_or(|glob| glob.is_match(path))
                && ignored.rule.as_deref().is_none_or(|id| rule == id || rule.rsplit('/').next() == Some(id))
        })
    }
}

/// A level by its name.
#[must_use]
pub fn read_level(name: &str) -> Option<Level> {
    Some(match name {
        "note" => Level::Note,
        "warning" => Level::Warning,
        "error" => Level::Error,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_ignores_codes_with_a_reason() {
        let read = |text: &str| Comment::read(text, 0..text.len());
        let comments = read("a\n# ruleatlas: ignore RA0301, RA06: few hosts\nb");
        assert!(comments[0].silences("RA0301") && comments[0].silences("RA0604") && !comments[0].silences("RA0401"));
        for (text, fault) in [
            ("// ruleatlas: ignore RA0301", "without a reason"),
            ("/* ruleatlas: ignore RA0301 */", "without a reason"),
            ("# ruleatlas: ignore RA9901 because", "no code `RA9901`"),
            ("# ruleatlas: ignore because", "names no code"),
        ] {
            let comments = read(text);
            assert!(comments[0].fault().is_some_and(|said| said.contains(fault)), "{text}");
            assert!(!comments[0].silences("RA0301"));
        }
    }

    #[test]
    fn a_configuration_ignores_and_gives_levels() {
        let config = Config::read(
            "[[ignore]]\ncode = \"RA06\"\npath = \"tests/**\"\nreason = \"copies\"\n[level]\nRA0301 = \"note\"\nRA0401 = \"off\"\n",
        )
        .unwrap();
        assert!(config.silences("RA0601", "tests/a/b.yml", "x") && !config.silences("RA0601", "rules/b.yml", "x"));
        assert_eq!(config.level("RA0301", Level::Warning), Some(Level::Note));
        assert_eq!(config.level("RA0401", Level::Note), None);
        for (text, said) in [
            ("[[ignore]]\ncode = \"RA9\"\nreason = \"x\"", "no code"),
            ("[[ignore]]\ncode = \"RA0301\"\nreason = \" \"", "without a reason"),
            ("[level]\nRA0301 = \"loud\"", "no level"),
            ("levels = 1", "unknown field"),
        ] {
            let error = Config::read(text).unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
