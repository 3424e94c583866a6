//! Old hits taken out of a file.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;

use crate::{Error, HitsReader, file::Unfinished};

/// What was taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pruned {
    /// Hits before.
    pub before: u64,
    /// Hits that were taken out.
    pub removed: u64,
}

/// Takes hits out of a file whose events are more than so many days before `now`, and those whose events have no time. Hosts that
/// only these name are no longer named; the counts stay. The file is written anew, so that nothing of what was taken out is left in
/// it.
///
/// # Errors
/// The file cannot be read or written.
pub fn prune(path: &Path, keep_days: u32, now: Timestamp) -> Result<Pruned, Error> {
    let reader = HitsReader::open(path)?;
    let failed = |source| Error::Database { path: path.to_owned(), source };
    let oldest = now.checked_sub(SignedDuration::from_hours(24 * i64::from(keep_days))).unwrap_or(Timestamp::MIN);
    let unfinished = Unfinished::create(path)?;
    let connection = unfinished.open().map_err(failed)?;
    reader.copy_to(&connection)?;
    let pruned = remove(&connection, &oldest.to_string()).map_err(failed)?;
    connection.execute_batch("VACUUM").map_err(failed)?;
    drop(reader);
    unfinished.finish(connection)?;
    Ok(pruned)
}

/// Times are written as RFC 3339 in UTC, with or without fractions: the seconds compare as they are written.
fn remove(connection: &Connection, oldest: &str) -> Result<Pruned, rusqlite::Error> {
    let count = || connection.query_row("SELECT count(*) FROM hit", [], |row| row.get::<_, i64>(0));
    let before = count()?;
    let oldest = oldest.get(..19).unwrap_or(oldest);
    connection.execute("DELETE FROM hit WHERE time IS NULL OR substr(time, 1, 19) < ?", [oldest])?;
    connection.execute_batch(
        "DELETE FROM hit_event WHERE hit NOT IN (SELECT hit FROM hit);
         DELETE FROM matched WHERE hit NOT IN (SELECT hit FROM hit);
         UPDATE rule SET hosts = (
           SELECT json_group_array(host) FROM (
             SELECT DISTINCT hit.host AS host FROM hit
             WHERE hit.rule = rule.id AND hit.data_set = rule.data_set AND hit.candidate = 0 AND hit.host IS NOT NULL
             ORDER BY hit.host))
         WHERE hosts <> '[]';",
    )?;
    let left = count()?;
    Ok(Pruned { before: crate::natural(before), removed: crate::natural(before - left) })
}
