//! Hayabusa's table of titles: `channel_eid_info.txt`, by channel and id.

use ruleatlas_model::{Dictionary::Hayabusa, EventDescription};

use super::{Read, told};

/// A title of an id in a channel, whose provider others know.
pub(super) struct OfChannel {
    pub(super) channel: String,
    pub(super) event_id: String,
    pub(super) title: EventDescription,
}

pub(super) fn read(_: &str, text: &str, read: &mut Read) {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let mut broken = 0;
    for row in reader.records() {
        let Ok(row) = row else {
            broken += 1;
            continue;
        };
        let (Some(channel), Some(id), Some(title)) = (row.get(0), row.get(1), row.get(2)) else { continue };
        if let Some(title) = told(title, Hayabusa) {
            let (channel, event_id) = (channel.trim().to_owned(), id.trim().to_owned());
            read.of_channel.push(OfChannel { channel, event_id, title });
        }
    }
    if broken > 0 {
        read.fault(format!("{broken} lines are no CSV"));
    }
}
