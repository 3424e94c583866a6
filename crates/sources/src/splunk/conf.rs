//! Splunk's configuration files, as its Admin Manual describes them ("Configuration file structure").
//!
//! A file is a list of stanzas, `[name]` on a line of its own, each with settings, `key = value`. A line that begins with
//! `#` is a comment. A value goes on in the next line where its line ends with `\`. Settings before the first stanza, and
//! those of `[default]`, hold for every stanza that does not say otherwise. Names are case-sensitive; a later setting of
//! the same name wins, and stanzas of one name are one.

use rustc_hash::FxHashMap;

/// How many settings may hold for all stanzas, as each stanza has them.
const MAX_DEFAULTS: usize = 32;
/// Bytes that the settings for all stanzas may come to, counted once a stanza.
const MAX_SHARED: usize = 64 << 20;

/// A configuration file.
#[derive(Debug, Default)]
pub(super) struct Conf {
    /// In the order in which their names come first; `default` is not among them.
    pub stanzas: Vec<Stanza>,
    by_name: FxHashMap<String, usize>,
    default: FxHashMap<String, Setting>,
}

/// A stanza.
#[derive(Debug)]
pub(super) struct Stanza {
    pub name: String,
    /// The one-based line of its first head.
    pub line: u32,
    settings: FxHashMap<String, Setting>,
}

/// A setting's value and its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Setting {
    pub value: String,
    pub line: u32,
}

impl Conf {
    /// Reads a file; a line that is neither a stanza, a setting nor a comment is passed over, as Splunk does.
    pub fn read(text: &str) -> Self {
        let mut conf = Self::default();
        // Where settings go: a stanza, or what holds for all.
        let mut open: Option<usize> = None;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut lines = (1_u32..).zip(text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)));
        while let Some((number, line)) = lines.next() {
            let trimmed = line.trim_start();
            if trimmed.is_empty() || trimmed.starts_with('#') {
                continue;
            }
            if let Some(name) = stanza_name(trimmed) {
                open = (name != "default").then(|| {
                    *conf.by_name.entry(name.to_owned()).or_insert_with(|| {
                        let settings = FxHashMap::default();
                        conf.stanzas.push(Stanza { name: name.to_owned(), line: number, settings });
                        conf.stanzas.len() - 1
                    })
                });
                continue;
            }
            let (head, mut goes_on) = continued(trimmed);
            let Some((key, value)) = head.split_once('=') else {
                // What goes on from a line that sets nothing sets nothing either.
                while goes_on {
                    goes_on = lines.next().is_some_and(|(_, line)| continued(line).1);
                }
                continue;
            };
            let mut value = value.trim_start().to_owned();
            while goes_on {
                let Some((_, line)) = lines.next() else { break };
                let (more, goes_further) = continued(line);
                value.push('\n');
                value.push_str(more);
                goes_on = goes_further;
            }
            value.truncate(value.trim_end().len());
            let setting = Setting { value, line: number };
            let settings = match open.and_then(|at| conf.stanzas.get_mut(at)) {
                Some(stanza) => &mut stanza.settings,
                None => &mut conf.default,
            };
            if open.is_some() || settings.len() < MAX_DEFAULTS || settings.contains_key(key.trim_end()) {
                settings.insert(key.trim_end().to_owned(), setting);
            }
        }
        conf
    }

    pub fn stanza(&self, name: &str) -> Option<&Stanza> {
        self.stanzas.get(*self.by_name.get(name)?)
    }
}

impl Stanza {
    /// The stanza's own setting.
    pub fn own(&self, key: &str) -> Option<&Setting> {
        self.settings.get(key)
    }
}

/// The name in `[name]`.
fn stanza_name(line: &str) -> Option<&str> {
    let (name, _) = line.strip_prefix('[')?.rsplit_once(']')?;
    Some(name.trim())
}

/// A line without the mark at its end that says that its value goes on.
fn continued(line: &str) -> (&str, bool) {
    line.strip_suffix('\\').map_or((line, false), |line| (line, true))
}

/// The configuration files of one name in an app, the one that wins first (`local`, then `default`).
#[derive(Debug, Default)]
pub(super) struct Layers<'c> {
    confs: Vec<&'c Conf>,
    /// Whether what holds for all stanzas is too long for each to have it. No stanza has it then.
    is_too_large: bool,
}

impl<'c> Layers<'c> {
    pub fn new(confs: Vec<&'c Conf>) -> Self {
        let defaults = confs.iter().flat_map(|conf| conf.default.values()).map(|setting| setting.value.len());
        let stanzas: usize = confs.iter().map(|conf| conf.stanzas.len()).sum();
        let is_too_large = defaults.sum::<usize>().saturating_mul(stanzas) > MAX_SHARED;
        Self { confs, is_too_large }
    }

    /// Why the stanzas cannot be read.
    pub fn fault(&self) -> Option<String> {
        let message = || {
            format!(
                "the settings that hold for all stanzas come to more than {} MiB, as each stanza has them; split the file",
                MAX_SHARED >> 20
            )
        };
        self.is_too_large.then(message)
    }

    /// What holds for all stanzas, by layer.
    fn defaults(&self) -> impl DoubleEndedIterator<Item = (usize, &'c FxHashMap<String, Setting>)> + ExactSizeIterator {
        let count = if self.is_too_large { 0 } else { self.confs.len() };
        self.confs.iter().take(count).map(|conf| &conf.default).enumerate()
    }

    /// What a stanza's setting is, and the layer that says so: the first layer's whose stanza has it, else the first
    /// layer's whose default has it.
    pub fn get(&self, stanza: &str, key: &str) -> Option<(usize, &'c Setting)> {
        let own = self.confs.iter().enumerate().find_map(|(at, conf)| Some((at, conf.stanza(stanza)?.own(key)?)));
        own.or_else(|| self.defaults().find_map(|(at, default)| Some((at, default.get(key)?))))
    }

    /// The names of all stanzas, each once: those of the layer that comes last first.
    pub fn names(&self) -> Vec<&'c str> {
        let mut seen = rustc_hash::FxHashSet::default();
        let names = self.confs.iter().rev().flat_map(|conf| &conf.stanzas).map(|stanza| stanza.name.as_str());
        names.filter(|name| seen.insert(*name)).collect()
    }

    /// All settings of a stanza, ordered by name, each with the layer that says so.
    pub fn all(&self, stanza: &str) -> Vec<(&'c str, usize, &'c Setting)> {
        let mut settings: std::collections::BTreeMap<&str, (usize, &Setting)> = std::collections::BTreeMap::new();
        for (at, default) in self.defaults().rev() {
            settings.extend(default.iter().map(|(key, setting)| (key.as_str(), (at, setting))));
        }
        for (at, conf) in self.confs.iter().enumerate().rev() {
            let own = conf.stanza(stanza).into_iter().flat_map(|stanza| &stanza.settings);
            settings.extend(own.map(|(key, setting)| (key.as_str(), (at, setting))));
        }
        settings.into_iter().map(|(key, (layer, setting))| (key, layer, setting)).collect()
    }
}

/// Splunk's reading of a truth value.
pub(super) fn is_true(value: &str) -> bool {
    ["1", "true", "t", "yes", "y", "on", "enabled"].iter().any(|word| value.trim().eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value<'c>(conf: &'c Conf, stanza: &str, key: &str) -> Option<(&'c str, u32)> {
        Layers::new(vec![conf]).get(stanza, key).map(|(_, setting)| (setting.value.as_str(), setting.line))
    }

    #[test]
    fn stanzas_settings_comments_and_continuations() {
        let text = "\u{feff}# a comment\r\nall = 1\r\n[One - Rule]\r\nsearch = index=a \\\r\n  \"b # no comment\" \\\r\n\
                    | stats count\r\n  key=v=w\r\nnothing here\r\n; odd\r\n# search = no\r\n[default]\r\nall = 2\r\n\
                    more = x\r\n[Two [x]]\r\nsearch=\\\r\n| tstats count\r\nempty =\r\n[One - Rule]\r\nkey = last\r\n";
        let conf = Conf::read(text);
        let names: Vec<(&str, u32)> = conf.stanzas.iter().map(|stanza| (stanza.name.as_str(), stanza.line)).collect();
        assert_eq!(names, [("One - Rule", 3), ("Two [x]", 14)]);
        assert_eq!(value(&conf, "One - Rule", "search"), Some(("index=a \n  \"b # no comment\" \n| stats count", 4)));
        assert_eq!(value(&conf, "One - Rule", "key"), Some(("last", 19)));
        assert_eq!(value(&conf, "Two [x]", "search"), Some(("\n| tstats count", 15)));
        assert_eq!(value(&conf, "Two [x]", "empty"), Some(("", 17)));
        assert_eq!(value(&conf, "Two [x]", "all"), Some(("2", 12)));
        assert_eq!(value(&conf, "Two [x]", "more"), Some(("x", 13)));
        assert_eq!(value(&conf, "Two [x]", "Search"), None);
    }

    #[test]
    fn the_local_layer_wins_for_each_setting() {
        let local = Conf::read("[a]\nx = local\n[default]\nz = local default\n");
        let default = Conf::read("y = default\n[a]\nx = shipped\ny = own\nz = own\n");
        let layers = Layers::new(vec![&local, &default]);
        let get = |key: &str| layers.get("a", key).map(|(at, setting)| (at, setting.value.as_str()));
        assert_eq!((get("x"), get("y"), get("z")), (Some((0, "local")), Some((1, "own")), Some((1, "own"))));
        let all = layers.all("a");
        let all: Vec<_> = all.iter().map(|(key, layer, setting)| (*key, *layer, setting.value.as_str())).collect();
        assert_eq!(all, [("x", 0, "local"), ("y", 1, "own"), ("z", 1, "own")]);
    }

    #[test]
    fn settings_for_all_stanzas_are_not_copied_without_end() {
        let stanzas: String = (0..100).map(|at| format!("[s{at}]\nx = {at}\n")).collect();
        let of_length = |length: usize| Conf::read(&format!("search = {}\n{stanzas}", "a".repeat(length)));
        let (fits, too_long) = (of_length(MAX_SHARED / 100), of_length(MAX_SHARED / 100 + 1));
        assert!(Layers::new(vec![&fits]).fault().is_none());
        assert!(Layers::new(vec![&fits]).get("s1", "search").is_some());
        let layers = Layers::new(vec![&too_long]);
        assert!(layers.fault().is_some_and(|fault| fault.contains("more than 64 MiB")));
        assert_eq!((layers.get("s1", "search"), layers.all("s1").len()), (None, 1));
    }

    #[test]
    fn any_text_is_read() {
        for text in ["", "[", "]", "[]\n=\n", "= =\n", "a\\", "a = \\", "[x]\\\ny = 1\\\n", "\\\n\\\n\\", "[a\nb = 1"] {
            Conf::read(text);
        }
        let many = "[a]\nx = 1\n".repeat(100_000);
        assert_eq!(Conf::read(&many).stanzas.len(), 1);
    }
}
