//! Tables of events: CSV with the columns `provider,event,title,description,category,fields,source`.
//!
//! Lines that begin with `#` are comments, the first two columns are needed, `fields` are separated by `;`. Files of the names
//! in `data/event_tables.csv` are the dictionaries that stand there; any other file of these columns is the user's own.

use std::sync::OnceLock;

use ruleatlas_model::{
    Dictionary::{self, OwnTable},
    EventCategory, EventDescription, EventField,
};
use rustc_hash::FxHashMap;

use super::{Read, Row, event, text::plain_markdown, told};

/// The columns that are read; the first two are needed.
const COLUMNS: [&str; 7] = ["provider", "event", "title", "description", "category", "fields", "source"];
/// Bytes of a name: of a provider, an event, a field.
const MAX_NAME: usize = 300;
/// Fields of a row.
const MAX_FIELDS: usize = 1_000;
/// Bytes of what a row says in words.
const MAX_WORDS: usize = 2_000;
/// Bytes of a title that is made of a description.
const MAX_TITLE: usize = 160;
/// Faults of a kind whose lines are named.
const MAX_LINES: usize = 3;

/// Which dictionary a file's name stands for; `None` where its rows are no events that a catalog lacks.
fn named(file: &str) -> Option<Option<Dictionary>> {
    static NAMES: OnceLock<FxHashMap<&'static str, Option<Dictionary>>> = OnceLock::new();
    let names = NAMES.get_or_init(|| {
        let rows = include_str!("../../data/event_tables.csv").lines().skip(1);
        rows.filter_map(|row| {
            let mut columns = row.split(',');
            Some((columns.next()?, columns.next()?.parse().ok()))
        })
        .collect()
    });
    names.get(file).copied()
}

/// Whether a CSV file is a table of events: by its name or by its header.
pub(super) fn is_one(path: &str, text: &str) -> bool {
    let header = text.trim_start_matches('\u{feff}').lines().find(|line| !line.starts_with('#')).unwrap_or_default();
    let names: Vec<String> = header.split(',').map(plain_name).collect();
    // With one of the two columns that are needed and another of ours it is meant for one.
    let has = |wanted: &str| names.iter().any(|name| name == wanted);
    let ours = names.iter().filter(|name| COLUMNS.contains(&name.as_str())).count();
    named(file_name(path)).is_some() || (ours > 1 && (has("provider") || has("event")))
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn plain_name(column: &str) -> String {
    column.trim().trim_matches('"').to_ascii_lowercase()
}

/// Faults of one kind: how many, and the first lines with an example.
#[derive(Default)]
struct Faults {
    kinds: Vec<(&'static str, usize, Vec<String>)>,
}

impl Faults {
    fn add(&mut self, kind: &'static str, line: u64, example: &str) {
        let at = self.kinds.iter().position(|known| known.0 == kind).unwrap_or_else(|| {
            self.kinds.push((kind, 0, Vec::new()));
            self.kinds.len() - 1
        });
        let Some((_, count, lines)) = self.kinds.get_mut(at) else { return };
        *count += 1;
        if lines.len() < MAX_LINES {
            let example: String = example.chars().filter(|c| !c.is_control()).take(60).collect();
            lines.push(if example.is_empty() { format!("line {line}") } else { format!("line {line} `{example}`") });
        }
    }

    fn tell(self, read: &mut Read) {
        for (kind, count, lines) in self.kinds {
            let more = count.saturating_sub(lines.len());
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            read.fault(format!("{kind}: {}{more}", lines.join(", ")));
        }
    }
}

/// What was read of an event in a category, to find rows that say it again or say something else.
struct Seen {
    line: u64,
    row: usize,
}

pub(super) fn read(path: &str, text: &str, read: &mut Read) {
    let by = match named(file_name(path)) {
        Some(Some(dictionary)) => dictionary,
        Some(None) => return,
        None => OwnTable,
    };
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .comment(Some(b'#'))
        .trim(csv::Trim::Headers)
        .from_reader(text.as_bytes());
    let header: Vec<String> = match reader.headers() {
        Ok(header) => header.iter().map(plain_name).collect(),
        Err(error) => return read.fault(error),
    };
    let wanted = COLUMNS.join(",");
    if let Some(twice) = header.iter().find(|name| header.iter().filter(|other| other == name).count() > 1) {
        return read.fault(format!("the column `{twice}` stands in the header twice; a table of events has {wanted}"));
    }
    let place = |name: &str| header.iter().position(|known| known == name);
    let places = COLUMNS.map(place);
    let [Some(_), Some(_), ..] = places else {
        return read.fault(format!("the header lacks `provider` or `event`; a table of events has {wanted}"));
    };
    let unknown: Vec<&str> = header.iter().map(String::as_str).filter(|name| !COLUMNS.contains(name)).collect();
    if !unknown.is_empty() {
        read.fault(format!("columns that are not read: {}; a table of events has {wanted}", unknown.join(", ")));
    }
    let mut faults = Faults::default();
    let mut seen: FxHashMap<(String, String, String), Seen> = FxHashMap::default();
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                faults.add("no CSV", error.position().map_or(0, csv::Position::line), "");
                continue;
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        if record.len() != header.len() {
            faults.add("rows that do not have the columns of the header, left out", line, "");
            continue;
        }
        let [provider, id, title, description, category, fields, _source] =
            places.map(|place| place.and_then(|place| record.get(place)).unwrap_or_default().trim());
        if provider.is_empty() || id.is_empty() {
            faults.add(
                "rows without a provider or an event, left out",
                line,
                if id.is_empty() { provider } else { id },
            );
            continue;
        }
        if !is_name(provider) || !is_name(id) {
            faults.add("rows whose provider or event is too long or has control characters, left out", line, id);
            continue;
        }
        let fields: Vec<&str> = fields.split(';').map(str::trim).filter(|name| !name.is_empty()).collect();
        if fields.len() > MAX_FIELDS {
            faults.add("rows with more than 1,000 fields, left out", line, id);
            continue;
        }
        if let Some(odd) = fields.iter().find(|name| !is_field(name)) {
            faults.add("rows whose fields are no names, left out", line, odd);
            continue;
        }
        let mut row = Row::blank(event(provider, id));
        let words = |text: &str| super::text::cut(&plain_markdown(text), MAX_WORDS).to_owned();
        row.description = told(&words(description), by);
        let from_description = || row.description.as_ref().and_then(|it| told(sentence(&it.text), by));
        row.title = told(&words(title), by).or_else(from_description).or_else(|| told(&in_words(id), by));
        row.categories = told(&words(category), by)
            .map(|name| EventCategory { name: name.text, description: row.description.clone().map(|it| it.text), by })
            .into_iter()
            .collect();
        row.fields = fields
            .into_iter()
            .map(|name| EventField { name: name.to_owned(), kind: None, description: None, sample: None, by })
            .collect();
        let key = (provider.to_lowercase(), id.to_lowercase(), category.to_lowercase());
        if let Some(first) = seen.get(&key) {
            let differs = |a: &Option<EventDescription>, b: &Option<EventDescription>| {
                a.as_ref().zip(b.as_ref()).is_some_and(|(a, b)| a.text != b.text)
            };
            let known = read.rows.get(first.row);
            let is_other = known.is_some_and(|known| {
                differs(&known.title, &row.title) || differs(&known.description, &row.description)
            });
            if is_other {
                let at = format!("{id}; first in line {}", first.line);
                faults.add("rows that say something else of an event than one before, left out", line, &at);
            } else {
                // What the row before it does not say.
                read.rows.push(row);
            }
            continue;
        }
        seen.insert(key, Seen { line, row: read.rows.len() });
        read.rows.push(row);
    }
    faults.tell(read);
}

/// The first sentence of a description, as a title where a row has none; empty where it is too long for one.
fn sentence(text: &str) -> &str {
    let first = text.split_once(". ").map_or(text, |(first, _)| first);
    let first = first.strip_suffix('.').unwrap_or(first);
    if first.len() <= MAX_TITLE { first } else { "" }
}

/// A name of several words in words: `network_zone.rule.disabled` is `Network zone rule disabled`; empty for one word.
fn in_words(name: &str) -> String {
    let mut words = String::with_capacity(name.len());
    for character in name.chars() {
        let is_border = matches!(character, '.' | '_' | '/' | ':' | ' ');
        match (is_border, words.is_empty()) {
            (true, _) if words.is_empty() || words.ends_with(' ') => {}
            (true, _) => words.push(' '),
            (false, true) => words.extend(character.to_uppercase()),
            (false, false) => words.push(character),
        }
    }
    if words.trim_end().contains(' ') { words.trim_end().to_owned() } else { String::new() }
}

fn is_name(text: &str) -> bool {
    text.len() <= MAX_NAME && !text.chars().any(char::is_control)
}

/// Whether a text is a field's name: one word, as a path may be.
fn is_field(name: &str) -> bool {
    is_name(name) && !name.contains(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '(' | ')' | '`' | '"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_names_a_dictionary_or_says_why_not() {
        for row in include_str!("../../data/event_tables.csv").lines().skip(1) {
            let columns: Vec<&str> = row.split(',').collect();
            let [file, dictionary, why_not] = columns[..] else { panic!("{row}") };
            assert!(file.ends_with(".csv"), "{row}");
            assert!(dictionary.parse::<Dictionary>().is_ok() == why_not.is_empty(), "{row}");
        }
    }
}
