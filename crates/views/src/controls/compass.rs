use std::{cmp::Reverse, collections::BTreeMap, str::FromStr};

use roaring::RoaringBitmap;
use ruleatlas_model::{AttackDomain, ControlKind, Vendor};
use serde::Serialize;
use utoipa::ToSchema;

use super::control_counts::{ColumnSource, ControlColumn, ControlCounts, family};
use crate::{Atlas, Cells, CsvText, Error};

/// Every technique with what there is of each source.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CompassView {
    /// The version of ATT&CK.
    pub attack_version: String,
    /// The sources, in the order of the columns.
    pub columns: Vec<ControlColumn>,
    /// How many techniques there are before any filter, and how many of them have which gap.
    pub techniques_total: u64,
    /// Techniques that can be validated, before any filter.
    pub validated_total: u64,
    /// The gaps, before any filter.
    pub gaps: Vec<GapCount>,
    /// A row a technique.
    pub techniques: Vec<CompassRow>,
}

/// A gap and how many techniques have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct GapCount {
    /// The gap.
    pub gap: Gap,
    /// Techniques.
    pub techniques: u64,
}

/// A technique with its resources.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct CompassRow {
    /// `T1071`.
    pub technique: String,
    /// The name.
    pub name: String,
    /// The matrix.
    pub domain: AttackDomain,
    /// Tactics' short names.
    pub tactics: Vec<String>,
    /// ATT&CK's platforms.
    pub platforms: Vec<String>,
    /// Its resources by source, those of its sub-techniques too, each once. A source that is not loaded has none.
    pub resources: BTreeMap<&'static str, u64>,
    /// How many sources of policies have any.
    pub policy: u32,
    /// How many sources of detections have any.
    pub detection: u32,
    /// How many sources of tests have any.
    pub test: u32,
    /// Whether there is both a detection and a test.
    pub validated: bool,
    /// What the corpus lacks.
    pub gaps: Vec<Gap>,
}

/// What a corpus lacks for a technique.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Gap {
    /// No rule of any vendor.
    NoRule,
    /// Rules of one vendor only.
    OneVendor,
    /// Rules and no test.
    NoTest,
    /// Tests and no rule.
    TestedOnly,
}

impl Gap {
    /// Every gap.
    pub const ALL: [Self; 4] = [Self::NoRule, Self::OneVendor, Self::NoTest, Self::TestedOnly];

    /// The name in data and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NoRule => "no-rule",
            Self::OneVendor => "one-vendor",
            Self::NoTest => "no-test",
            Self::TestedOnly => "tested-only",
        }
    }

    /// The name in words.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::NoRule => "without any rule",
            Self::OneVendor => "with rules of one vendor only",
            Self::NoTest => "with rules but no test",
            Self::TestedOnly => "with tests but no rule",
        }
    }

    /// The gaps of a technique with so many rules of the vendors, and so many tests.
    fn of(vendors: usize, tests: u64) -> Vec<Self> {
        let has = |gap: &Self| match gap {
            Self::NoRule => vendors == 0,
            Self::OneVendor => vendors == 1,
            Self::NoTest => vendors > 0 && tests == 0,
            Self::TestedOnly => vendors == 0 && tests > 0,
        };
        Self::ALL.into_iter().filter(has).collect()
    }
}

impl FromStr for Gap {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|gap| gap.name() == name);
        known.ok_or_else(|| format!("`{name}` is none of {}", Self::ALL.map(Self::name).join(", ")))
    }
}

/// Which techniques a table of controls shows, and in which order. An empty list narrows nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompassFilters {
    /// Those that have all of these gaps.
    pub gaps: Vec<Gap>,
    /// Those of any of these tactics, by id, short name or name.
    pub tactics: Vec<String>,
    /// Those of any of these platforms, as ATT&CK writes them, in any case.
    pub platforms: Vec<String>,
    /// Those of this matrix.
    pub domain: Option<AttackDomain>,
    /// Those that can be validated, or cannot.
    pub validated: Option<bool>,
    /// The order; by id for `None`.
    pub sort: Option<CompassSort>,
    /// The other way round.
    pub reversed: bool,
}

/// By what a table of controls is ordered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CompassSort {
    /// By name.
    Name,
    /// By how many resources a source has, the most first.
    Source(String),
    /// By a score, the highest first.
    Score(ControlKind),
}

impl FromStr for CompassSort {
    type Err = String;

    /// `name`, the short name of a source, or `policy`, `detection`, `test`.
    fn from_str(name: &str) -> Result<Self, String> {
        if name == "name" {
            return Ok(Self::Name);
        }
        if let Ok(kind) = name.parse() {
            return Ok(Self::Score(kind));
        }
        let is_source = name.parse::<Vendor>().is_ok() || name.parse::<ruleatlas_model::ControlSource>().is_ok();
        is_source.then(|| Self::Source(name.to_owned())).ok_or_else(|| {
            format!("`{name}` is none of technique, name, policy, detection, test, or the short name of a source")
        })
    }
}

impl Atlas {
    /// Every technique of the loaded ATT&CK version that is not deprecated, with what there is of each source.
    ///
    /// # Errors
    /// The catalog cannot be read, or a tactic is unknown.
    pub fn controls(&self, filters: &CompassFilters) -> Result<CompassView, Error> {
        let board = self.board()?;
        let tactics = filters.tactics.iter().map(|name| Ok(self.find_tactic(name)?.short_name.clone()));
        let tactics = tactics.collect::<Result<Vec<String>, Error>>()?;
        let techniques = self.attack.techniques.values().filter(|technique| !technique.deprecated);
        let mut rows: Vec<CompassRow> =
            techniques.map(|technique| self.compass_row(board, technique, self.index.counted())).collect();
        let gaps = Gap::ALL
            .map(|gap| GapCount { gap, techniques: rows.iter().filter(|row| row.gaps.contains(&gap)).count() as u64 });
        let (techniques_total, validated_total) =
            (rows.len() as u64, rows.iter().filter(|row| row.validated).count() as u64);
        let has = |written: &[String], wanted: &str| written.iter().any(|name| name.eq_ignore_ascii_case(wanted));
        rows.retain(|row| {
            filters.gaps.iter().all(|gap| row.gaps.contains(gap))
                && (tactics.is_empty() || tactics.iter().any(|tactic| row.tactics.contains(tactic)))
                && (filters.platforms.is_empty() || filters.platforms.iter().any(|name| has(&row.platforms, name)))
                && filters.domain.is_none_or(|domain| row.domain == domain)
                && filters.validated.is_none_or(|validated| row.validated == validated)
        });
        match &filters.sort {
            // By id, which they are in; the enterprise matrix first.
            None => rows.sort_by_key(|row| row.domain),
            Some(CompassSort::Name) => rows.sort_by_key(|row| row.name.to_lowercase()),
            Some(CompassSort::Source(source)) => {
                rows.sort_by_key(|row| Reverse(row.resources.get(source.as_str()).copied().unwrap_or_default()));
            }
            Some(CompassSort::Score(kind)) => rows.sort_by_key(|row| Reverse(row.score(*kind))),
        }
        if filters.reversed {
            rows.reverse();
        }
        Ok(CompassView {
            attack_version: self.attack.version.clone(),
            columns: board.columns.clone(),
            techniques_total,
            validated_total,
            gaps: gaps.to_vec(),
            techniques: rows,
        })
    }

    /// The row of a technique, where only rules of `scope` count.
    pub(crate) fn compass_row(
        &self,
        board: &ControlCounts,
        technique: &ruleatlas_model::Technique,
        scope: &RoaringBitmap,
    ) -> CompassRow {
        let rules = self.tagged_with_family(technique) & scope;
        let counts = board.counts(self, family(self, technique).into_iter(), &rules);
        let counted = || board.columns.iter().zip(&counts);
        let score = |kind: ControlKind| {
            let any = counted().filter(|(column, count)| column.kind == kind && **count > 0).count();
            u32::try_from(any).unwrap_or(u32::MAX)
        };
        let is_vendor = |column: &ControlColumn| matches!(column.source, ColumnSource::Rules(_));
        let vendors = counted().filter(|(column, count)| is_vendor(column) && **count > 0).count();
        let tests = counted().filter(|(column, _)| column.kind == ControlKind::Test).map(|(_, count)| *count).sum();
        let (policy, detection, test) =
            (score(ControlKind::Policy), score(ControlKind::Detection), score(ControlKind::Test));
        CompassRow {
            technique: technique.id.clone(),
            name: technique.name.clone(),
            domain: technique.domain,
            tactics: technique.tactics.clone(),
            platforms: technique.platforms.clone(),
            resources: counted()
                .filter(|(column, _)| column.loaded)
                .map(|(column, count)| (column.source.name(), *count))
                .collect(),
            policy,
            detection,
            test,
            validated: detection > 0 && test > 0,
            gaps: Gap::of(vendors, tests),
        }
    }
}

impl CompassView {
    /// The table as CSV, with a header of the columns' names. The cells of a source that is not loaded are empty.
    #[must_use]
    pub fn csv(&self, cells: Cells) -> String {
        let fixed = ["technique", "name", "matrix", "tactics"];
        let scores = ["policy", "detection", "test", "validated", "gaps"];
        let sources = self.columns.iter().map(|column| column.source.name());
        let mut text = CsvText::new(fixed.into_iter().chain(sources).chain(scores), cells);
        for row in &self.techniques {
            let counts = self.columns.iter().map(|column| row.resources.get(column.source.name()));
            let counts: Vec<String> = counts.map(|count| count.map(u64::to_string).unwrap_or_default()).collect();
            let (tactics, scores) =
                (row.tactics.join(" "), [row.policy, row.detection, row.test].map(|it| it.to_string()));
            let gaps = row.gaps.iter().map(|gap| gap.name()).collect::<Vec<_>>().join(" ");
            let first = [row.technique.as_str(), &row.name, row.domain.name(), &tactics];
            let last = [if row.validated { "yes" } else { "no" }, &gaps];
            text.row(first.into_iter().chain(counts.iter().chain(&scores).map(String::as_str)).chain(last));
        }
        text.finish()
    }
}

impl CompassRow {
    /// How many sources of a kind have any.
    #[must_use]
    pub fn score(&self, kind: ControlKind) -> u32 {
        match kind {
            ControlKind::Policy => self.policy,
            ControlKind::Detection => self.detection,
            ControlKind::Test => self.test,
        }
    }

    /// Its resources of a kind.
    #[must_use]
    pub fn of_kind(&self, columns: &[ControlColumn], kind: ControlKind) -> u64 {
        let of_kind = columns.iter().filter(|column| column.kind == kind);
        of_kind.filter_map(|column| self.resources.get(column.source.name())).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::Gap;

    #[test]
    fn gaps_follow_from_rules_and_tests() {
        assert_eq!(Gap::of(0, 0), [Gap::NoRule]);
        assert_eq!(Gap::of(0, 2), [Gap::NoRule, Gap::TestedOnly]);
        assert_eq!(Gap::of(1, 0), [Gap::OneVendor, Gap::NoTest]);
        assert_eq!(Gap::of(1, 1), [Gap::OneVendor]);
        assert_eq!(Gap::of(3, 1), []);
    }
}
