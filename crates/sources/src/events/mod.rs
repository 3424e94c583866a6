//! Dictionaries of events: what providers write, under which id, with which title and fields.
//!
//! A folder may hold any of the dictionaries that [`Dictionary`] names, each told by the names of its files; one file of
//! this module reads one of them. [`load`] reads all of a source in parallel and merges what they say of one event,
//! which is its provider and id: of several that say the same kind of thing the one stays that `docs/decisions/event-titles.md`
//! puts first, and every fact keeps who said it.
//!
//! ```
//! use ruleatlas_sources::{SourceFile, events};
//!
//! let table = "Channel,EventID,EventTitle\nMicrosoft-Windows-Sysmon/Operational,1,Process Creation\n";
//! let files = [SourceFile::from_bytes("config/channel_eid_info.txt", table.into())];
//! let (dictionary, said) = events::load(&files, &[], &|name| name.trim_start_matches("Microsoft-Windows-").to_owned());
//! assert!(said.is_empty());
//! assert_eq!((dictionary[0].event.provider.as_str(), dictionary[0].event.event_id.as_str()), ("Sysmon", "1"));
//! ```
//!
//! It does not know which events rules read, nor what fields are called elsewhere.

mod evtx_maps;
mod hayabusa;
mod jscu;
mod linux;
mod macos;
mod merge;
mod messages;
mod microsoft;
mod observed;
mod ossem;
mod samples;
mod sysmon;
mod table;
mod text;

use rayon::prelude::*;
use ruleatlas_model::{Diagnostic, Dictionary, EventDescription, EventEntry, EventRef};

use crate::{Content, SourceFile};

/// Texts longer than this are cut: a page shows them, nobody needs them whole.
const MAX_TEXT_BYTES: usize = 6_000;

/// What a dictionary says of an event. The provider is as the dictionary writes it.
pub(crate) type Row = EventEntry;

/// What a file says.
#[derive(Default)]
struct Read {
    rows: Vec<Row>,
    /// What it says of an audit policy's subcategory, in lower case: how much is to be expected.
    volumes: Vec<(String, EventDescription)>,
    /// Message strings whose parameters are still to be named.
    messages: Vec<messages::Message>,
    /// Titles of an id in a channel.
    of_channel: Vec<hayabusa::OfChannel>,
    faults: Vec<String>,
}

/// Reads the dictionaries among `files` and merges them with `known`, the events of the program's own table.
///
/// `short_name` gives the name by which a provider is known: dictionaries spell it differently. The events are ordered by
/// provider and id. What is said: files that are dictionaries by their names and cannot be read.
#[must_use]
pub fn load<'f>(
    files: impl IntoIterator<Item = &'f SourceFile>,
    known: &[EventEntry],
    short_name: &(dyn Fn(&str) -> String + Sync),
) -> (Vec<EventEntry>, Vec<Diagnostic>) {
    let files: Vec<&SourceFile> = files.into_iter().collect();
    let (entries, diagnostics, _) = load_sources(&[files], known, short_name);
    (entries, diagnostics)
}

/// As [`load`], of the files of several sources, with the number of statements on events that each of them makes.
#[must_use]
pub fn load_sources(
    sources: &[Vec<&SourceFile>],
    known: &[EventEntry],
    short_name: &(dyn Fn(&str) -> String + Sync),
) -> (Vec<EventEntry>, Vec<Diagnostic>, Vec<u32>) {
    // Three thousand files of OSSEM say again what its one file of all ETW events says.
    let numbered =
        |(source, files): (usize, &Vec<_>)| files.iter().map(move |file| (source, *file)).collect::<Vec<_>>();
    let files: Vec<(usize, &SourceFile)> = sources.iter().enumerate().flat_map(numbered).collect();
    let has_all = files.iter().any(|(_, file)| file.path.ends_with(ossem::ALL));
    let is_new = |file: &SourceFile| !has_all || !file.text().is_some_and(|text| ossem::is_bare(&file.path, text));
    let new = files.par_iter().filter(|(_, file)| is_new(file));
    let read: Vec<(usize, &str, Read)> = new.map(|(source, file)| (*source, file.path.as_str(), read(file))).collect();
    let mut counts = vec![0_u32; sources.len()];
    let mut merge = merge::Merge::new(short_name);
    merge.add(known.to_vec());
    let mut diagnostics = Vec::new();
    let (mut volumes, mut messages, mut of_channel) = (Vec::new(), Vec::new(), Vec::new());
    for (source, path, read) in read {
        let count = read.rows.len() + read.volumes.len() + read.messages.len() + read.of_channel.len();
        counts[source] = counts[source].saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
        merge.add(read.rows);
        volumes.extend(read.volumes);
        messages.extend(read.messages);
        of_channel.extend(read.of_channel);
        diagnostics.extend(
            read.faults
                .into_iter()
                .map(|fault| Diagnostic::warning("event dictionary not read", format!("{path}: {fault}"))),
        );
    }
    merge.add_of_channels(of_channel);
    merge.add_messages(messages);
    merge.add_volumes(&volumes);
    (merge.finish(), diagnostics, counts)
}

fn read(file: &SourceFile) -> Read {
    let path = file.path.as_str();
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let extension = file.extension();
    let reader: Option<fn(&str, &str, &mut Read)> = match (extension.as_str(), name) {
        ("jsonl", "observed_events.jsonl") => Some(observed::read),
        ("jsonl", "samples.jsonl") => Some(samples::read),
        ("jsonl", _) if path.ends_with(ossem::ALL) => Some(ossem::read_lines),
        ("yml" | "yaml", _) if name != "README.yml" && folder.ends_with("events") => Some(ossem::read_file),
        ("map", _) => Some(evtx_maps::read),
        ("md", _) if name.starts_with("event-") => Some(microsoft::read_event),
        ("md", _) if name.starts_with("audit-") => Some(microsoft::read_policy),
        ("txt", "channel_eid_info.txt") => Some(hayabusa::read),
        ("tsv", _) => Some(messages::read),
        ("xml", "manifest.xml") => Some(sysmon::read),
        ("json", "WindowsEventIDMapping.json") => Some(jscu::read),
        ("csv", "message-dictionary.csv") => Some(linux::read),
        ("csv", "es_event_types.csv") => Some(macos::read),
        ("csv", _) if file.text().is_some_and(|text| table::is_one(path, text)) => Some(table::read),
        _ => None,
    };
    let mut read = Read::default();
    match (&file.content, reader) {
        (_, None) => {}
        (Content::Text(text), Some(reader)) => reader(path, text.strip_prefix('\u{feff}').unwrap_or(text), &mut read),
        (Content::Unreadable(reason, _) | Content::Skipped(reason), Some(_)) => read.faults.push(reason.clone()),
    }
    read
}

impl Read {
    fn fault(&mut self, message: impl ToString) {
        self.faults.push(message.to_string());
    }
}

/// An event as a dictionary names it.
fn event(provider: &str, id: &str) -> EventRef {
    EventRef { provider: provider.trim().to_owned(), event_id: id.trim().to_owned() }
}

/// What a dictionary says, when it says something: neither nothing nor a word that stands for nothing.
fn told(text: &str, by: Dictionary) -> Option<EventDescription> {
    let text = text.trim();
    let nothing = ["none", "null", "-", "n/a", "tbd"].iter().any(|word| text.eq_ignore_ascii_case(word));
    (!text.is_empty() && !nothing).then(|| EventDescription { text: text::cut(text, MAX_TEXT_BYTES).to_owned(), by })
}
