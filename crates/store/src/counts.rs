//! The tables of what is counted: fields and indicators, and which rule has which.

use ruleatlas_catalog::{Entry, IndexData};
use rusqlite::{Transaction, params};

use crate::{read::Sql, staging_table::StagingTable};

/// Fields and indicators, numbered and counted, and the rules that have them.
pub(crate) fn fill(entries: &[Entry]) -> Sql<StagingTable> {
    const TABLES: [&str; 4] = ["field", "rule_field", "indicator", "rule_indicator"];
    let data = IndexData::without_heads(entries);
    let reach = data.reach(entries);
    StagingTable::fill(&TABLES, |transaction| rows(transaction, &data, &reach))
}

fn rows(transaction: &Transaction<'_>, data: &IndexData, reach: &[(u32, u32)]) -> Sql<()> {
    let mut field = transaction.prepare("INSERT INTO field VALUES (?, ?)")?;
    for (number, name) in (0_u32..).zip(&data.fields) {
        field.execute(params![number, name])?;
    }
    let mut rule_field = transaction.prepare("INSERT INTO rule_field VALUES (?, ?, ?)")?;
    for (rule, field, op) in &data.field_uses {
        rule_field.execute(params![rule, field, op])?;
    }
    let mut indicator = transaction.prepare("INSERT INTO indicator VALUES (?, ?, ?, ?, ?, ?, ?)")?;
    for ((id, (field, row)), (looking, excluding)) in (0_u32..).zip(&data.indicators).zip(reach) {
        indicator.execute(params![
            id,
            field,
            row.op.to_string(),
            row.value,
            row.modifiers.text(),
            looking,
            excluding
        ])?;
    }
    let mut used = transaction.prepare("INSERT INTO rule_indicator VALUES (?, ?, ?, ?)")?;
    for (rule, id, role, grouped) in &data.uses {
        used.execute(params![rule, id, role.name(), grouped])?;
    }
    Ok(())
}
