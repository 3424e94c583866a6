//! The tables of countermeasures, analytics, tests and threats.

use ruleatlas_catalog::{ControlSourceInfo, Controls};
use ruleatlas_model::{Basis, Control, ControlLink, ControlSource, Threat};
use rusqlite::{Row, Transaction, params};

use crate::{
    Error, Store,
    read::{Sql, json, word},
    write::json as written,
};

/// That a control belongs to a technique, as counting needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlCount {
    /// The control's place.
    pub control: u32,
    /// Whose it is.
    pub source: ControlSource,
    /// The technique.
    pub technique: String,
    /// Who says so.
    pub basis: Basis,
}

pub(crate) fn write(transaction: &Transaction<'_>, controls: &Controls) -> Result<(), rusqlite::Error> {
    let mut source = transaction.prepare("INSERT INTO control_source VALUES (?, ?, ?, ?, ?)")?;
    for row in &controls.sources {
        source.execute(params![row.source.name(), row.name, row.version, row.total, row.mapped])?;
    }
    let mut control = transaction.prepare("INSERT INTO control VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?;
    for (number, row) in (0_u32..).zip(&controls.controls) {
        let platforms = written(&row.platforms)?;
        let text = (&row.id, &row.name, &row.url, &row.path, &row.description);
        control.execute(params![
            number,
            row.source.name(),
            text.0,
            text.1,
            text.2,
            text.3,
            text.4,
            row.tactic,
            platforms,
            row.executor,
            row.is_elevated,
        ])?;
    }
    let mut script = transaction.prepare("INSERT INTO control_script VALUES (?, ?)")?;
    for (number, text) in
        (0_u32..).zip(&controls.controls).filter_map(|(number, row)| Some((number, row.script.as_ref()?)))
    {
        script.execute(params![number, text])?;
    }
    let mut link = transaction.prepare("INSERT INTO control_technique VALUES (?, ?, ?, ?, ?, ?)")?;
    for row in &controls.links {
        let (resolution, basis) = (row.resolution.name(), row.basis.name());
        link.execute(params![row.control, row.technique, row.cited, resolution, basis, written(&row.how)?])?;
    }
    let mut known = transaction.prepare("INSERT INTO control_known VALUES (?, ?)")?;
    for (source, technique) in &controls.known {
        known.execute(params![source.name(), technique])?;
    }
    let mut threat = transaction.prepare("INSERT INTO threat VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")?;
    for row in &controls.threats {
        threat.execute(params![
            row.id,
            row.kind.name(),
            row.name,
            written(&row.aliases)?,
            row.url,
            row.is_deprecated,
            row.revoked_by,
            written(&row.attributed_to)?,
            written(&row.techniques)?,
        ])?;
    }
    Ok(())
}

impl Store {
    /// The sources of controls.
    ///
    /// # Errors
    /// The file cannot be read or is damaged.
    pub fn control_sources(&self) -> Result<Vec<ControlSourceInfo>, Error> {
        self.readable_rows(
            "control_source",
            "SELECT source, name, version, total, mapped FROM control_source ORDER BY rowid",
            |row| {
                Ok(ControlSourceInfo {
                    source: word(row, 0)?,
                    name: row.get(1)?,
                    version: row.get(2)?,
                    total: row.get(3)?,
                    mapped: row.get(4)?,
                })
            },
        )
    }

    /// Which control belongs to which technique, ordered by technique, then control.
    ///
    /// # Errors
    /// The file cannot be read or is damaged.
    pub fn control_counts(&self) -> Result<Vec<ControlCount>, Error> {
        let sql = "SELECT control, source, technique, basis FROM control_technique JOIN control USING (control) \
                   ORDER BY control_technique.rowid";
        self.readable_rows("control_technique", sql, |row| {
            Ok(ControlCount {
                control: row.get(0)?,
                source: word(row, 1)?,
                technique: row.get(2)?,
                basis: word(row, 3)?,
            })
        })
    }

    /// The techniques that each source names, with or without a control for them.
    ///
    /// # Errors
    /// The file cannot be read or is damaged.
    pub fn known_techniques(&self) -> Result<Vec<(ControlSource, String)>, Error> {
        self.readable_rows("control_known", "SELECT source, technique FROM control_known", |row| {
            Ok((word(row, 0)?, row.get(1)?))
        })
    }

    /// The controls of a technique, in order.
    ///
    /// # Errors
    /// The file cannot be read or is damaged.
    pub fn controls_of(&self, technique: &str) -> Result<Vec<(Control, ControlLink)>, Error> {
        let sql = "SELECT source, id, name, url, path, description, tactic, platforms, executor, elevated, control, \
                   technique, cited, resolution, basis, how FROM control_technique JOIN control USING (control) \
                   WHERE technique = ? ORDER BY control_technique.rowid";
        let collect = || self.connection.prepare_cached(sql)?.query_map([technique], linked)?.collect();
        self.said(collect())
    }

    /// The tests that have commands and belong to a technique or to one of its sub-techniques, or have this id, each once,
    /// with the technique; in the order of techniques.
    ///
    /// # Errors
    /// The file cannot be read or is damaged.
    pub fn scripted_tests(&self, technique_or_id: &str) -> Result<Vec<(Control, ControlLink)>, Error> {
        let sql = "SELECT source, id, name, url, path, description, tactic, platforms, executor, elevated, control, \
                   technique, cited, resolution, basis, how, script \
                   FROM control_script JOIN control USING (control) JOIN control_technique USING (control) \
                   WHERE technique = ?1 OR technique LIKE ?2 OR id = ?3 COLLATE NOCASE \
                   ORDER BY technique, control_technique.rowid";
        let below = format!("{}.%", technique_or_id.to_uppercase().replace(['%', '_'], ""));
        let technique = technique_or_id.to_uppercase();
        let read = |row: &Row<'_>| {
            let (mut control, link) = linked(row)?;
            control.script = row.get(16)?;
            Ok((control, link))
        };
        let collect = || -> Sql<Vec<(Control, ControlLink)>> {
            self.connection.prepare_cached(sql)?.query_map([&technique, &below, technique_or_id], read)?.collect()
        };
        let mut found = self.said(collect())?;
        let mut seen = std::collections::BTreeSet::new();
        found.retain(|(control, _)| seen.insert((control.source, control.id.clone())));
        Ok(found)
    }

    /// Every control with every technique that it belongs to.
    pub(crate) fn all_controls(&self) -> Result<Vec<(Control, ControlLink)>, Error> {
        let sql = "SELECT source, id, name, url, path, description, tactic, platforms, executor, elevated, control, \
                   technique, cited, resolution, basis, how FROM control_technique JOIN control USING (control)";
        self.readable_rows("control_technique", sql, linked)
    }

    /// ATT&CK's groups, software and campaigns, ordered by id.
    ///
    /// # Errors
    /// The file cannot be read or is damaged.
    pub fn threats(&self) -> Result<Vec<Threat>, Error> {
        let sql = "SELECT id, kind, name, aliases, url, deprecated, revoked_by, attributed_to, techniques FROM threat \
                   ORDER BY id";
        self.readable_rows("threat", sql, |row| {
            Ok(Threat {
                id: row.get(0)?,
                kind: word(row, 1)?,
                name: row.get(2)?,
                aliases: json(row, 3)?,
                url: row.get(4)?,
                is_deprecated: row.get(5)?,
                revoked_by: row.get(6)?,
                attributed_to: json(row, 7)?,
                techniques: json(row, 8)?,
            })
        })
    }
}

fn linked(row: &Row<'_>) -> Sql<(Control, ControlLink)> {
    let control = Control {
        source: word(row, 0)?,
        id: row.get(1)?,
        name: row.get(2)?,
        url: row.get(3)?,
        path: row.get(4)?,
        description: row.get(5)?,
        tactic: row.get(6)?,
        platforms: json(row, 7)?,
        executor: row.get(8)?,
        is_elevated: row.get(9)?,
        script: None,
    };
    let link = ControlLink {
        control: row.get(10)?,
        technique: row.get(11)?,
        cited: row.get(12)?,
        resolution: word(row, 13)?,
        basis: word(row, 14)?,
        how: json(row, 15)?,
    };
    Ok((control, link))
}
