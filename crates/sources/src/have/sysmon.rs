//! A configuration of Sysmon: which event types are filtered, and how.

use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};

use super::{Error, MAX_ROWS, number, quoted};

/// How deep elements may be nested; a configuration needs six.
const MAX_DEPTH: usize = 64;

/// A configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SysmonConfig {
    /// The schema version as written (`4.90`).
    pub schema: String,
    /// The filters of event types, in the order of the file.
    pub filters: Vec<Filter>,
}

/// What happens to an event that a rule of a filter matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnMatch {
    /// It is written, and no other of its type.
    Include,
    /// It is left out, and all others of its type are written.
    Exclude,
}

/// A filter of an event type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// The element (`ProcessCreate`).
    pub element: String,
    /// What a match means.
    pub on_match: OnMatch,
    /// How many conditions it has.
    pub conditions: usize,
    /// Whether an event must match a condition of every field: `groupRelation="and"` of the group that it stands in.
    pub all_fields: bool,
    /// The one-based line.
    pub line: u32,
}

/// Where in the file the reader is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Outside,
    Sysmon,
    EventFiltering,
    RuleGroup,
    Filter,
    Rule,
    Other,
}

struct State<'a> {
    text: &'a str,
    /// How far lines were counted, and how many there are up to there.
    counted: (usize, u64),
    path: Vec<Place>,
    /// Whether the rule group that the reader is in asks for all of its fields.
    all_fields: bool,
    config: SysmonConfig,
}

pub(super) fn read(text: &str) -> Result<SysmonConfig, Error> {
    let mut reader = Reader::from_str(text);
    let config = SysmonConfig { schema: String::new(), filters: Vec::new() };
    let mut state = State { text, counted: (0, 1), path: Vec::new(), all_fields: false, config };
    let mut has_root = false;
    loop {
        let event = reader.read_event();
        let line = state.line(usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX));
        match event {
            Ok(Event::Start(element)) => {
                has_root = true;
                state.open(&element, line)?;
            }
            Ok(Event::Empty(element)) => {
                has_root = true;
                state.open(&element, line)?;
                state.path.pop();
            }
            Ok(Event::End(_)) => {
                state.path.pop();
            }
            Ok(Event::DocType(_)) => return Err(Error::DocumentType(line)),
            Ok(Event::Eof) if !state.path.is_empty() => {
                let reason = "the file ends within an element".to_owned();
                return Err(Error::Xml { line, reason });
            }
            Ok(Event::Eof) if !has_root => return Err(Error::Empty),
            Ok(Event::Eof) => break,
            Ok(_) => {}
            Err(error) => return Err(Error::Xml { line, reason: error.to_string() }),
        }
    }
    if state.config.filters.is_empty() {
        let reason =
            "the configuration filters no event type: it has no `EventFiltering` with an event's element in it";
        return Err(Error::Line { line: 1, reason: reason.to_owned() });
    }
    Ok(state.config)
}

impl State<'_> {
    /// The line of a byte that does not lie before the last one asked for.
    fn line(&mut self, byte: usize) -> u32 {
        let byte = byte.min(self.text.len());
        let (from, lines) = self.counted;
        if let Some(between) = self.text.as_bytes().get(from..byte) {
            self.counted = (byte, lines + between.iter().filter(|byte| **byte == b'\n').count() as u64);
        }
        number(self.counted.1)
    }

    fn open(&mut self, element: &BytesStart<'_>, line: u32) -> Result<(), Error> {
        if self.path.len() >= MAX_DEPTH {
            return Err(Error::TooDeep(line));
        }
        let name = element.local_name().as_ref().to_owned();
        let is = |expected: &str| name.eq_ignore_ascii_case(expected);
        let place = match self.path.last().copied().unwrap_or(Place::Outside) {
            Place::Outside if is("Sysmon") => {
                self.config.schema = schema(element, line)?;
                Place::Sysmon
            }
            Place::Outside => return Err(Error::NotSysmon { line, found: name.chars().take(80).collect() }),
            Place::Sysmon if is("EventFiltering") => Place::EventFiltering,
            Place::EventFiltering if is("RuleGroup") => {
                let relation = attribute(element, "groupRelation").unwrap_or_default();
                self.all_fields = relation.eq_ignore_ascii_case("and");
                Place::RuleGroup
            }
            parent @ (Place::EventFiltering | Place::RuleGroup) => {
                if parent == Place::EventFiltering {
                    self.all_fields = false;
                }
                self.filter(element, name, line)?;
                Place::Filter
            }
            Place::Filter | Place::Rule => {
                let place = if is("Rule") { Place::Rule } else { Place::Other };
                if let (Place::Other, Some(filter)) = (place, self.config.filters.last_mut()) {
                    filter.conditions += 1;
                }
                place
            }
            Place::Sysmon | Place::Other => Place::Other,
        };
        self.path.push(place);
        Ok(())
    }

    fn filter(&mut self, element: &BytesStart<'_>, name: String, line: u32) -> Result<(), Error> {
        let on_match = attribute(element, "onmatch").map(|value| value.to_ascii_lowercase());
        let on_match = match on_match.as_deref() {
            Some("include") => OnMatch::Include,
            Some("exclude") => OnMatch::Exclude,
            other => {
                let found = other.map_or("no `onmatch`".to_owned(), |other| format!("`onmatch` {}", quoted(other)));
                let reason = format!("{} has {found}; it must be `include` or `exclude`", quoted(&name));
                return Err(Error::Line { line, reason });
            }
        };
        if self.config.filters.len() >= MAX_ROWS {
            return Err(Error::TooLarge);
        }
        self.config.filters.push(Filter { element: name, on_match, conditions: 0, all_fields: self.all_fields, line });
        Ok(())
    }
}

/// The schema version: 2 to 4 filter events by such elements.
fn schema(element: &BytesStart<'_>, line: u32) -> Result<String, Error> {
    let version = attribute(element, "schemaversion").unwrap_or_default();
    let version = version.trim();
    let (major, minor) = version.split_once('.').unwrap_or((version, "0"));
    let is_known =
        matches!(major, "2" | "3" | "4") && minor.len() < 4 && minor.bytes().all(|byte| byte.is_ascii_digit());
    if !is_known {
        let found = if version.is_empty() { "none".to_owned() } else { quoted(version) };
        return Err(Error::Schema { line, found });
    }
    Ok(version.to_owned())
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    // Checks would compare every attribute with every other.
    for attribute in element.attributes().with_checks(false).filter_map(Result::ok) {
        if attribute.key.local_name().as_ref().eq_ignore_ascii_case(name) {
            return Some(attribute.value.into_owned());
        }
    }
    None
}
