//! The ids that one ATT&CK version has and another has not.

use std::collections::BTreeMap;

use ruleatlas_model::{Attack, AttackDomain, Diagnostic, Redirect, Resolution};

/// A table of counterparts across ATT&CK versions, read in both directions.
///
/// As a CSV file it has a header with the columns `kind` (`technique` or `tactic`), then two that end in `_id` (the older
/// version's id first; for a tactic its short name or its id), and for each, if known, the name: `old_id` and `old_name`,
/// `v19_id` and `v19_name`. Lines that begin with `#` are comments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Crosswalk {
    pairs: Vec<Pair>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Pair {
    is_tactic: bool,
    sides: [Side; 2],
}

/// An id as one version has it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Side {
    id: String,
    /// Empty when the table does not say.
    name: String,
}

/// Where the columns of a file stand.
struct Columns {
    kind: usize,
    /// The id and, if there is one, the name of each side.
    sides: [(usize, Option<usize>); 2],
}

impl Crosswalk {
    /// The text of the table that is compiled in.
    pub const BUILT_IN: &[u8] = include_bytes!("../../data/crosswalk.csv");

    /// The table that is compiled in.
    #[must_use]
    pub fn built_in() -> Self {
        Self::parse("crosswalk.csv", Self::BUILT_IN, &mut Vec::new())
    }

    /// Reads a table; a row that cannot be understood is left out with a diagnostic that names `file` and the line.
    pub fn parse(file: &str, bytes: &[u8], diagnostics: &mut Vec<Diagnostic>) -> Self {
        let mut complain = |line: u64, what: &str| {
            let message = format!("{file}:{line}: {what}");
            let diagnostic = Diagnostic::warning("crosswalk row left out", message);
            diagnostics.push(diagnostic.on_line(u32::try_from(line).unwrap_or(u32::MAX)));
        };
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        let mut reader =
            csv::ReaderBuilder::new().comment(Some(b'#')).flexible(true).trim(csv::Trim::All).from_reader(bytes);
        let columns = match reader.headers().map(Columns::of) {
            Ok(Some(columns)) => columns,
            Ok(None) => {
                complain(1, "the header needs `kind` and two columns that end in `_id`; nothing of the file is used");
                return Self::default();
            }
            Err(error) => {
                complain(error.position().map_or(1, csv::Position::line), &error.to_string());
                return Self::default();
            }
        };
        let mut pairs = Vec::new();
        for record in reader.records() {
            let record = match record {
                Ok(record) => record,
                Err(error) => {
                    complain(error.position().map_or(1, csv::Position::line), &error.to_string());
                    continue;
                }
            };
            let line = record.position().map_or(1, csv::Position::line);
            match columns.pair(&record) {
                Ok(pair) => pairs.push(pair),
                Err(what) => complain(line, what),
            }
        }
        Self { pairs }
    }

    /// Adds the rows of another table.
    pub fn extend(&mut self, other: Self) {
        for pair in other.pairs {
            let same = |known: &Pair| {
                known.is_tactic == pair.is_tactic && (0..2).all(|side| known.sides[side].id == pair.sides[side].id)
            };
            if !self.pairs.iter().any(same) {
                self.pairs.push(pair);
            }
        }
    }

    /// Adds a redirect to `attack` for every id of the table that the loaded version does not know.
    pub fn apply(&self, attack: &mut Attack) {
        let mut redirects = BTreeMap::new();
        for (unknown, counterparts) in self.counterparts(false, |id| attack.resolve(id).0.is_empty()) {
            let mut to: Vec<String> = counterparts.iter().flat_map(|(_, other)| attack.resolve(&other.id).0).collect();
            to.sort_unstable();
            to.dedup();
            let same_name = |id: &String| {
                attack.techniques.get(id).is_some_and(|loaded| {
                    counterparts.iter().any(|(own, _)| own.name.eq_ignore_ascii_case(&loaded.name))
                })
            };
            if to.len() > 1 && to.iter().any(same_name) {
                to.retain(same_name);
            }
            if !to.is_empty() {
                redirects.insert(unknown.to_owned(), Redirect { to, resolution: Resolution::Crosswalk });
            }
        }
        attack.redirects.extend(redirects);

        // Versions renamed the tactics of Enterprise; Mobile goes its own way under the same names.
        let has_enterprise = attack.tactics.iter().any(|tactic| tactic.domain == AttackDomain::Enterprise);
        let known = |name: &str| {
            let mut tactics =
                attack.tactics.iter().filter(|tactic| !has_enterprise || tactic.domain == AttackDomain::Enterprise);
            tactics.find(|tactic| tactic.short_name == name || tactic.id == name)
        };
        let mut redirects: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (unknown, counterparts) in self.counterparts(true, |name| known(name).is_none()) {
            let mut to: Vec<_> = counterparts.iter().filter_map(|(_, other)| known(&other.id)).collect();
            to.sort_by_key(|tactic| tactic.order);
            to.dedup();
            if !to.is_empty() {
                redirects.insert(unknown.to_owned(), to.iter().map(|tactic| tactic.short_name.clone()).collect());
            }
        }
        attack.tactic_redirects.extend(redirects);
    }

    /// The ids of the table that are wanted, each with its own side and the other side of its rows.
    fn counterparts(&self, tactics: bool, wanted: impl Fn(&str) -> bool) -> BTreeMap<&str, Vec<(&Side, &Side)>> {
        let mut found: BTreeMap<&str, Vec<(&Side, &Side)>> = BTreeMap::new();
        for pair in self.pairs.iter().filter(|pair| pair.is_tactic == tactics) {
            let [old, new] = &pair.sides;
            for (own, other) in [(old, new), (new, old)] {
                if wanted(&own.id) {
                    found.entry(&own.id).or_default().push((own, other));
                }
            }
        }
        found
    }
}

impl Columns {
    fn of(header: &csv::StringRecord) -> Option<Self> {
        let place = |name: &str| header.iter().position(|column| column.eq_ignore_ascii_case(name));
        let mut ids = header.iter().enumerate().filter_map(|(at, column)| Some((at, column.strip_suffix("_id")?)));
        let mut side = || ids.next().map(|(at, version)| (at, place(&format!("{version}_name"))));
        Some(Self { kind: place("kind")?, sides: [side()?, side()?] })
    }

    fn pair(&self, record: &csv::StringRecord) -> Result<Pair, &'static str> {
        let is_tactic = match record.get(self.kind) {
            Some("technique") => false,
            Some("tactic") => true,
            _ => return Err("the kind must be `technique` or `tactic`"),
        };
        let side = |(id, name): (usize, Option<usize>)| {
            let id = record.get(id).unwrap_or_default();
            let name = name.and_then(|name| record.get(name)).unwrap_or_default();
            let id = if is_tactic { id.to_owned() } else { id.to_ascii_uppercase() };
            (!id.is_empty()).then(|| Side { id, name: name.to_owned() })
        };
        match (side(self.sides[0]), side(self.sides[1])) {
            (Some(old), Some(new)) => Ok(Pair { is_tactic, sides: [old, new] }),
            _ => Err("an id is missing"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_table_has_no_bad_row() {
        let mut diagnostics = Vec::new();
        let bytes = Crosswalk::BUILT_IN;
        let table = Crosswalk::parse("crosswalk.csv", bytes, &mut diagnostics);
        assert_eq!(diagnostics, []);
        let rows = bytes.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"t")).count();
        assert_eq!(table.pairs.len(), rows);
    }

    #[test]
    fn a_bad_row_is_named_and_the_others_stay() {
        let mut diagnostics = Vec::new();
        let text = "kind,v18_id,v19_id,v19_name\ntechnique,t1,T2,Two\nmalware,S1,S2,\ntactic,a,\n";
        let table = Crosswalk::parse("own.csv", text.as_bytes(), &mut diagnostics);
        let found: Vec<_> = diagnostics.iter().map(|diagnostic| diagnostic.message.as_str()).collect();
        assert_eq!(found, ["own.csv:3: the kind must be `technique` or `tactic`", "own.csv:4: an id is missing"]);
        assert_eq!(table.pairs[0].sides[0].id, "T1");
        assert_eq!(table.pairs[0].sides[1].name, "Two");
    }

    #[test]
    fn a_table_without_its_columns_or_not_utf_8_is_named() {
        for (bytes, part) in
            [(&b"a,b\n1,2\n"[..], "own.csv:1: the header"), (&b"kind,a_id,b_id\n\xff,T1,T2\n"[..], "own.csv:2: ")]
        {
            let mut diagnostics = Vec::new();
            assert_eq!(Crosswalk::parse("own.csv", bytes, &mut diagnostics), Crosswalk::default());
            assert!(diagnostics[0].message.starts_with(part), "{diagnostics:?}");
        }
    }
}
