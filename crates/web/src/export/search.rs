//! What a static site is searched by: small JSON files, of which a visitor fetches those that a text needs.
//!
//! `techniques.json`, `fields.json` and `events.json` are whole. Titles of rules and values are cut up by the beginnings
//! of their words: `index.json` says which file has those that begin so, and how many. `assets/static.js` reads them, and
//! ranks as `ruleatlas-views` does.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use ruleatlas_views::{Atlas, Error, words};
use serde_json::{Value, json};

use crate::{
    page,
    text::{clipped, take_chars, visualize_line},
};

/// Counted rules that must check a value before it is among those that are searched; those of a single rule are four of
/// five, and are found by its title.
pub(super) const LEAST_REACH: u64 = 2;
/// Bytes of a value that is searched.
const MAX_VALUE_BYTES: usize = 512;
/// Rules that a value names.
const RULES_OF_VALUE: usize = 3;
/// Rows of one beginning before it is told apart by one letter more.
const MAX_ROWS_PER_PREFIX: usize = 250;
/// Values of one beginning, those with the widest reach.
const MAX_VALUES_PER_PREFIX: usize = 400;
/// Characters of a field's description, and of a title.
const MAX_TEXT_CHARS: usize = 100;
const MAX_TITLE_CHARS: usize = 200;

/// A folder of the search's files, and one of them.
pub(super) const FOLDER: &str = "search";

/// The files of the search, by their names in [`FOLDER`].
///
/// # Errors
/// The catalog cannot be read.
pub(super) fn files(atlas: &Atlas, links: &HashMap<String, String>) -> Result<Vec<(String, Vec<u8>)>, Error> {
    let known = Known(links);
    let techniques: Vec<Value> = (atlas.searchable_techniques().iter())
        .filter_map(|hit| {
            known.row(
                &[&hit.id],
                &page::technique_address(&hit.id),
                vec![json!(hit.id), json!(hit.name), json!(hit.rules)],
            )
        })
        .collect();
    let redirects: BTreeMap<&String, &Vec<String>> =
        atlas.attack.redirects.iter().map(|(id, redirect)| (id, &redirect.to)).collect();
    let fields: Vec<Value> = (atlas.searchable_fields().iter())
        .filter_map(|field| {
            let hit = &field.hit;
            let others: Vec<String> = field.names.iter().skip(1).map(|name| visualize_line(name)).collect();
            let cells = vec![
                json!(visualize_line(&hit.id)),
                json!(clipped(&hit.name, MAX_TEXT_CHARS)),
                json!(hit.rules),
                json!(others),
            ];
            known.row(&[&hit.id], &page::field_address(&hit.id), cells)
        })
        .collect();
    let events: Vec<Value> = (atlas.searchable_events()?.iter())
        .filter_map(|(provider, id, hit)| {
            let address = page::event_address(provider, id)?;
            let cells = [provider, id, &hit.name].map(|text| json!(clipped(text, MAX_TITLE_CHARS)));
            known.row(&[provider, id], &address, cells.into_iter().chain([json!(hit.rules)]).collect())
        })
        .collect();

    let heads = atlas.index.heads();
    let rule = |rule: u32| -> Option<Value> {
        let head = heads.get(rule as usize)?;
        let title = if head.title.trim().is_empty() { &head.id } else { &head.title };
        let cells = vec![json!(visualize_line(&head.id)), json!(clipped(title, MAX_TITLE_CHARS))];
        known.row(&[&head.id], &page::rule_address(&head.id), cells)
    };
    let mut titles = Beginnings::default();
    for number in atlas.searchable_rules() {
        let Some((head, row)) = heads.get(*number as usize).zip(rule(*number)) else { continue };
        titles.add(&clipped(&head.title, MAX_TITLE_CHARS).to_lowercase(), &row);
    }
    let mut values = Beginnings::default();
    for value in atlas.searchable_values(LEAST_REACH) {
        let indicator = value.indicator;
        if indicator.value.is_empty() || indicator.value.len() > MAX_VALUE_BYTES {
            continue;
        }
        let rules: Vec<Value> = atlas.rules_checking(&value).take(RULES_OF_VALUE).filter_map(rule).collect();
        let row = json!([
            visualize_line(&indicator.field),
            indicator.op.to_string(),
            visualize_line(&indicator.value),
            indicator.modifiers.text().as_deref().map(visualize_line),
            value.reach,
            rules,
            u8::from(indicator.op.basename),
        ]);
        values.add(value.text, &row);
    }

    let mut files = vec![
        ("techniques.json".to_owned(), json!({ "rows": techniques, "redirects": redirects }).to_string().into_bytes()),
        ("fields.json".to_owned(), json!({ "rows": fields }).to_string().into_bytes()),
        ("events.json".to_owned(), json!({ "rows": events }).to_string().into_bytes()),
    ];
    let titles = titles.files("rules", usize::MAX, &mut files);
    let values = values.files("values", MAX_VALUES_PER_PREFIX, &mut files);
    // A host may keep files for a while: those of one index are asked for by a mark of their own.
    let mut hasher = blake3::Hasher::new();
    files.iter().for_each(|(_, bytes)| {
        hasher.update(bytes);
    });
    let mark = hasher.finalize().to_hex();
    let index = json!({ "mark": take_chars(&mark, 12), "rules": titles, "values": values });
    files.push(("index.json".to_owned(), index.to_string().into_bytes()));
    Ok(files)
}

/// Where pages stand.
struct Known<'a>(&'a HashMap<String, String>);

impl Known<'_> {
    /// A row of a thing with a page, the first cells being its name; its link stands behind the cells where the name as
    /// it stands there does not give it.
    fn row(&self, name: &[&str], address: &str, mut cells: Vec<Value>) -> Option<Value> {
        let link = self.0.get(address)?;
        let is_whole = name.iter().zip(&cells).all(|(part, cell)| cell.as_str() == Some(*part));
        if link != address || !is_whole {
            cells.push(json!(link));
        }
        Some(Value::Array(cells))
    }
}

/// Rows by the beginnings of the words in them.
#[derive(Default)]
struct Beginnings(BTreeMap<String, Vec<(String, Arc<str>)>>);

impl Beginnings {
    /// Adds a row under each word of a text in lower case.
    fn add(&mut self, text: &str, row: &Value) {
        let row: Arc<str> = row.to_string().into();
        let beginnings: BTreeSet<&str> = words(text).map(|word| take_chars(word, 3)).collect();
        for beginning in beginnings {
            let rows = self.0.entry(take_chars(beginning, 2).to_owned()).or_default();
            rows.push((beginning.to_owned(), Arc::clone(&row)));
        }
    }

    /// Adds a file for every beginning; gives the beginnings with their numbers of rows, a file's number being its place.
    fn files(self, kind: &str, most: usize, files: &mut Vec<(String, Vec<u8>)>) -> Vec<(String, usize)> {
        let mut cut: BTreeMap<String, Vec<Arc<str>>> = BTreeMap::new();
        for (short, mut rows) in self.0 {
            if rows.len() > MAX_ROWS_PER_PREFIX {
                rows.into_iter().for_each(|(beginning, row)| cut.entry(beginning).or_default().push(row));
            } else {
                // A row with two words that begin so stands there once.
                rows.dedup_by(|a, b| Arc::ptr_eq(&a.1, &b.1));
                cut.insert(short, rows.into_iter().map(|(_, row)| row).collect());
            }
        }
        let mut known = Vec::new();
        for (number, (beginning, rows)) in cut.into_iter().enumerate() {
            let listed: Vec<&str> = rows.iter().take(most).map(AsRef::as_ref).collect();
            files.push((format!("{kind}-{number}.json"), format!("[{}]", listed.join(",\n")).into_bytes()));
            known.push((beginning, rows.len()));
        }
        known
    }
}
