//! A value of a catalog that is not what the schema says: the row that it stands in is named, and all others are served.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail anywhere, in its helpers too"
)]

mod common;

use std::{collections::BTreeSet, fs, path::Path, sync::LazyLock};

use axum::http::StatusCode;
use common::{Site, encoded};
use proptest::{prelude::*, sample::Index};
use ruleatlas_views::Atlas;
use rusqlite::{Connection, types::Value};
use tempfile::TempDir;

/// A catalog of the demo corpus, whose every table has rows, and the ids of its rules.
struct Demo {
    folder: TempDir,
    ids: Vec<String>,
}

static DEMO: LazyLock<Demo> = LazyLock::new(|| {
    let site = Site::demo();
    let folder = tempfile::tempdir().unwrap();
    fs::copy(site.atlas.path(), folder.path().join("catalog.db")).unwrap();
    let ids = site.atlas.index.heads().iter().map(|head| head.id.clone()).collect();
    Demo { folder, ids }
});

/// The tables that hold what rules and their readers need, with their columns. The tables of the full-text search belong
/// to SQLite.
fn cells(connection: &Connection) -> Vec<(String, String)> {
    let sql = "SELECT s.name, c.name FROM sqlite_master s JOIN pragma_table_info(s.name) c \
               WHERE s.type = 'table' AND s.name NOT LIKE 'rule_text%' ORDER BY 1, c.cid";
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

/// Puts a value in a cell, and says which rule the row belonged to.
fn damage(path: &Path, cell: &Index, row: &Index, value: &Value) -> Option<(String, Option<u32>)> {
    let connection = Connection::open(path).unwrap();
    let cells = cells(&connection);
    let (table, column) = cell.get(&cells);
    let count: u32 = connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap();
    if count == 0 {
        return None;
    }
    let key: Vec<String> = {
        let sql = "SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk";
        let mut statement = connection.prepare(sql).unwrap();
        statement.query_map([table], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    };
    let key = if key.is_empty() {
        "rowid".to_owned()
    } else {
        key.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
    };
    let row = row.index(count as usize);
    let place = format!("({key}) IN (SELECT {key} FROM {table} ORDER BY {key} LIMIT 1 OFFSET {row})");
    let has_rule = cells.iter().any(|(other, name)| other == table && name == "rule");
    let rule = has_rule.then(|| {
        connection.query_row(&format!("SELECT rule FROM {table} WHERE {place}"), [], |row| row.get(0)).unwrap()
    });
    // A value that a key or a column refuses changes nothing.
    let sql = format!("UPDATE {table} SET \"{column}\" = ? WHERE {place}");
    connection.execute(&sql, [value]).ok().filter(|changed| *changed > 0)?;
    Some((format!("{table}.{column}"), rule))
}

fn values() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Text("?".to_owned())),
        Just(Value::Text("[{".to_owned())),
        Just(Value::Text(String::new())),
        Just(Value::Blob(vec![0xff, 0xfe, 0])),
        Just(Value::Null),
        Just(Value::Real(f64::MAX)),
        any::<i64>().prop_map(Value::Integer),
        (0..100_i64).prop_map(Value::Integer),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_value_that_cannot_be_read_hides_no_other_rule(
        flips in prop::collection::vec((any::<Index>(), any::<Index>(), values()), 1..4),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("damaged.db");
        fs::copy(DEMO.folder.path().join("catalog.db"), &path).unwrap();
        let mut touched = BTreeSet::new();
        let mut what = Vec::new();
        for (cell, row, value) in &flips {
            if let Some((place, rule)) = damage(&path, cell, row, value) {
                touched.extend(rule);
                // A row may be given to another rule.
                if let (true, Value::Integer(number)) = (place.ends_with(".rule"), value) {
                    touched.extend(u32::try_from(*number).ok());
                }
                what.push(format!("{place} = {value:?}"));
            }
        }
        let is_of_another_version = what.iter().any(|place| place.starts_with("meta."));
        let atlas = match Atlas::open(&path) {
            Ok(atlas) => atlas,
            Err(error) => {
                prop_assert!(is_of_another_version, "{what:?}: {error}");
                return Ok(());
            }
        };
        let whole = (0_u32..).zip(&DEMO.ids).filter(|(number, _)| !touched.contains(number));
        for (_, id) in whole {
            let place = atlas.index.rule(id);
            prop_assert!(place.is_some(), "{what:?}: {id} is gone");
            let entry = atlas.entry(place.unwrap()).map_err(|error| TestCaseError::fail(format!("{what:?}: {error}")))?;
            prop_assert_eq!(&entry.unwrap().rule.id, id);
        }
        prop_assert!(atlas.ledger().is_ok(), "{what:?}");
        atlas.prefetch();
    }
}

#[test]
fn every_column_that_the_index_reads_can_be_damaged_alone() {
    let whole = DEMO.folder.path().join("catalog.db");
    let connection = Connection::open(&whole).unwrap();
    let cells = cells(&connection);
    let read = [
        "rule",
        "rule_technique",
        "rule_tactic",
        "rule_platform",
        "rule_domain",
        "rule_log_source",
        "rule_event",
        "field",
        "rule_field",
        "indicator",
        "rule_indicator",
        "technique",
        "tactic",
        "mitigation",
        "redirect",
        "source",
    ];
    for (table, column) in cells.iter().filter(|(table, _)| read.contains(&table.as_str())) {
        let copy = DEMO.folder.path().join("one.db");
        fs::copy(&whole, &copy).unwrap();
        // A blob is no value of any column.
        let sql = format!(
            "UPDATE {table} SET \"{column}\" = x'fffe00' WHERE \"{column}\" = (SELECT \"{column}\" FROM {table} WHERE \"{column}\" IS NOT NULL LIMIT 1)"
        );
        let changed = Connection::open(&copy).unwrap().execute(&sql, []).unwrap_or_default();
        if changed == 0 {
            continue;
        }
        let atlas = Atlas::open(&copy).unwrap_or_else(|error| panic!("{table}.{column}: {error}"));
        let is_read = !matches!(
            (table.as_str(), column.as_str()),
            ("rule", "counted" | "line")
                | ("indicator", "reach" | "exclusion_reach")
                | ("technique", "name" | "domain" | "parent" | "deprecated")
                | ("mitigation", "name")
                | ("tactic", "short_name" | "name")
        );
        assert_eq!(atlas.count_damaged() > 0, is_read, "{table}.{column}");
        let ledger = atlas.ledger().unwrap();
        assert!(!is_read || ledger.is_catalog_damaged(), "{table}.{column}");
        fs::remove_file(copy).unwrap();
    }
}

#[test]
fn a_rule_whose_row_cannot_be_read_is_named_and_all_others_are_served() {
    let copy = DEMO.folder.path().join("vendor.db");
    fs::copy(DEMO.folder.path().join("catalog.db"), &copy).unwrap();
    let (number, id) = (3, &DEMO.ids[3]);
    let sql = format!("UPDATE rule SET vendor = 'acme' WHERE rule = {number}");
    Connection::open(&copy).unwrap().execute_batch(&sql).unwrap();
    let site = Site::open_at(&copy);
    assert_eq!(site.atlas.index.heads().len(), DEMO.ids.len() - 1);
    assert_eq!(site.atlas.count_damaged(), 1);
    for other in &DEMO.ids {
        for address in [format!("/rule/{}", encoded(other)), format!("/api/v1/rule/{}", encoded(other))] {
            let (status, page) = site.status_and_page(&address);
            let expected = if other == id { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK };
            assert_eq!(status, expected, "{address}");
            assert_eq!(page.contains("cannot be read"), other == id, "{address}");
            assert!(page.contains(other.as_str()), "{address}");
        }
    }
    let faults: Vec<_> = site.atlas.ledger().unwrap().faults.iter().filter(|fault| fault.source == "catalog").collect();
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert_eq!((faults[0].rule.as_ref(), faults[0].path.as_str()), (Some(id), "table rule, row 3"));
    assert!(faults[0].reason.contains("column vendor") && faults[0].reason.contains("acme"), "{}", faults[0].reason);
    assert!(site.page("/ledger").contains("table rule, row 3"));
    // A search by words gives the rules that it gave before, under the numbers that they have in the file.
    let last = DEMO.ids.last().unwrap();
    let title = &site.atlas.index.heads().last().unwrap().title;
    let found = site.page(&format!("/api/v1/search?q={}", encoded(title)));
    assert!(found.contains(last.as_str()), "{found}");
}
