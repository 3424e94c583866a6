//! The record types of Linux audit: `message-dictionary.csv`.

use ruleatlas_model::Dictionary::LinuxAudit;

use super::{Read, Row, event, told};

pub(super) fn read(_: &str, text: &str, read: &mut Read) {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    for row in reader.records() {
        let Ok(record) = row else { return read.fault("no CSV") };
        // AUDIT_EXECVE,1309,KERN,NORM,Arguments to the execve(2) syscall
        let (Some(name), Some(number), Some(meaning)) = (record.get(0), record.get(1), record.get(4)) else { continue };
        let Some(name) = name.trim().strip_prefix("AUDIT_").filter(|name| !name.is_empty()) else { continue };
        let mut row = Row::blank(event("auditd", name));
        row.title = told(meaning, LinuxAudit);
        row.task = told(&format!("record type {}", number.trim()), LinuxAudit);
        read.rows.push(row);
    }
}
