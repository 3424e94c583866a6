//! Comparisons of a column of a list: what the values that its rows are found by must be.

use std::rc::Rc;

use ruleatlas_core::LookupTable;
use ruleatlas_model::{Node, Span};
use rustc_hash::FxHashSet;

use crate::compare::{Right, Set, alternatives};
use crate::condition::Side;
use crate::engine::Engine;
use crate::fold::fold;
use crate::plan::{CaseRule, Comparison, Const, ConstKind, MissingRule, PatternSyntax, Relation};
use crate::value::{Computed, Looked, Value};

/// How many values a list may have to stand in a condition one by one.
const MAX_VALUES: usize = 10_000;
/// How many rows of a list with several keys may stand in a condition.
const MAX_ROWS: usize = 200;

/// What is asked of a column.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Asked<'c> {
    /// That it compares so with any of these.
    Compared(Comparison, &'c [Const]),
    /// That it is there, or missing.
    Present(bool),
}

impl Asked<'_> {
    /// Whether a cell passes; `None` where that cannot be said.
    fn holds(&self, cell: &str, any_case: bool) -> Option<bool> {
        let (comparison, constants) = match *self {
            Self::Present(present) => return Some(present),
            Self::Compared(comparison, constants) => (comparison, constants),
        };
        let case = if any_case { CaseRule::Ignore } else { comparison.case };
        let single = Comparison { case, ..comparison.negated(false) };
        let cell = Const::new(cell, ConstKind::Text);
        let mut is_open = false;
        for constant in constants {
            match fold(single, &cell, constant) {
                Some(true) => return Some(!comparison.negated),
                Some(false) => {}
                None => is_open = true,
            }
        }
        (!is_open).then_some(comparison.negated)
    }

    /// Whether it looks for what a list says of values that it does not hold: `false`, or anything but `true`.
    fn says_no(&self) -> bool {
        let Self::Compared(comparison, constants) = *self else { return false };
        let words: &[&str] = if comparison.negated { &["true", "yes", "1"] } else { &["false", "no", "0"] };
        let is_such = |constant: &Const| words.iter().any(|word| constant.text.eq_ignore_ascii_case(word));
        comparison.relation.is_equality() && constants.iter().all(is_such)
    }
}

/// The rows that decide what is asked of a column: one of them is the event's, or, where `outside`, none of them is.
struct Chosen<'t> {
    rows: Vec<&'t Vec<String>>,
    outside: bool,
}

impl<'p> Engine<'p, '_> {
    /// The condition that a comparison of a list's column is.
    pub fn relate_looked(
        &mut self,
        looked: &Rc<Looked<'p>>,
        any_case: bool,
        asked: &Asked<'_>,
        span: Span,
    ) -> Option<Node> {
        if !self.enter() {
            return Some(self.beyond_budget(span));
        }
        let node = self.relate_column(looked, any_case, asked, span);
        self.leave();
        node
    }

    fn relate_column(
        &mut self,
        looked: &Rc<Looked<'p>>,
        any_case: bool,
        asked: &Asked<'_>,
        span: Span,
    ) -> Option<Node> {
        let context = self.context;
        let table = context.lookup(&looked.list).filter(|table| looked.whole && is_list(table));
        let found = table.and_then(|table| {
            let column = place(table, &looked.column)?;
            let places: Option<Vec<usize>> = looked.keys.iter().map(|(key, _)| place(table, key)).collect();
            let places = places.filter(|places| !places.is_empty())?;
            Some((table, places, chosen_rows(table, column, asked, any_case)?))
        });
        let Some((table, places, Chosen { rows, outside })) = found else {
            return self.unknown_list(looked, asked, span);
        };
        if !self.budget.work(table.rows.len() / 16) {
            return Some(self.beyond_budget(span));
        }
        if rows.is_empty() {
            return Some(Node::constant(outside));
        }
        let node = if let ([place], [(column, value)]) = (places.as_slice(), looked.keys.as_slice()) {
            let cells = rows.iter().filter_map(|row| row.get(*place));
            self.cells(table, (column, value), cells.map(|cell| cell.trim()), &looked.list, span)
        } else if rows.len() <= MAX_ROWS {
            let mut nodes = Vec::new();
            for row in rows {
                let mut cells = Vec::new();
                for (place, (column, value)) in places.iter().zip(looked.keys.iter()) {
                    let cell = row.get(*place).map_or("", |cell| cell.trim());
                    cells.extend(self.cells(table, (column, value), [cell].into_iter(), &looked.list, span));
                }
                if !cells.is_empty() {
                    nodes.push(Node::all(cells));
                }
            }
            alternatives(nodes, false)
        } else {
            self.in_list(looked, span)
        };
        if outside { node.map(Node::not) } else { node }
    }

    /// A value that is one of the cells of a column.
    fn cells<'t>(
        &mut self,
        table: &LookupTable,
        (column, value): (&str, &Value<'p>),
        cells: impl Iterator<Item = &'t str>,
        list: &Rc<str>,
        span: Span,
    ) -> Option<Node> {
        let mut seen = FxHashSet::default();
        let cells: Vec<&str> = cells.filter(|cell| !cell.is_empty() && seen.insert(*cell)).collect();
        if cells.len() > MAX_VALUES || !self.spend(cells.len() / 16) {
            return self.found_by(value, list, span);
        }
        let is_pattern = table.wildcard_columns.iter().any(|name| name.trim() == column.trim());
        let relation = if is_pattern { Relation::Pattern(PatternSyntax::Star) } else { Relation::Equal };
        let case = if table.case_insensitive { CaseRule::Ignore } else { CaseRule::Exact };
        let comparison = Comparison::new(relation, case, MissingRule::Fails);
        let constants: Vec<Const> = cells.into_iter().map(|cell| Const::new(cell, ConstKind::Text)).collect();
        self.found_in(value, comparison, constants, span)
    }

    fn found_in(
        &mut self,
        value: &Value<'p>,
        comparison: Comparison,
        mut constants: Vec<Const>,
        span: Span,
    ) -> Option<Node> {
        let side = Side { alternative: true, ..Side::default() };
        match constants.len() {
            0 => None,
            1 => {
                let only = Value::Const(constants.remove(0));
                self.relate(comparison, value, span, &Right::Value(&only, span), span, side)
            }
            _ => {
                let set = Set { constants, ..Set::default() };
                self.relate(comparison, value, span, &Right::Set(&set), span, side)
            }
        }
    }

    fn found_by(&mut self, value: &Value<'p>, list: &Rc<str>, span: Span) -> Option<Node> {
        let comparison = Comparison::new(Relation::InList, CaseRule::Ignore, MissingRule::Fails);
        // Whether a constant is in the list is not known.
        let constant = match value {
            Value::Const(constant) => Some(Value::computed(Rc::clone(&constant.text))),
            _ => None,
        };
        let value = constant.as_ref().unwrap_or(value);
        self.found_in(value, comparison, vec![Const::new(Rc::clone(list), ConstKind::Text)], span)
    }

    /// The values are in the list of this name.
    fn in_list(&mut self, looked: &Looked<'p>, span: Span) -> Option<Node> {
        let mut nodes = Vec::new();
        for (_, value) in looked.keys.iter() {
            nodes.extend(self.found_by(value, &looked.list, span));
        }
        (!nodes.is_empty()).then(|| Node::all(nodes))
    }

    /// A list whose rows are not known is known by its name; a number out of it is computed.
    fn unknown_list(&mut self, looked: &Looked<'p>, asked: &Asked<'_>, span: Span) -> Option<Node> {
        if let Asked::Compared(comparison, constants) = asked
            && comparison.relation.is_order()
        {
            let column = Value::Computed(Computed::new(Rc::clone(&looked.column)));
            let set = Set { constants: constants.to_vec(), ..Set::default() };
            if let [only] = *constants {
                let only = Value::Const(only.clone());
                return self.relate(*comparison, &column, span, &Right::Value(&only, span), span, Side::default());
            }
            return Some(self.computed_set(*comparison, &column, span, &set, span));
        }
        let node = self.in_list(looked, span);
        if asked.says_no() || matches!(asked, Asked::Present(false)) { node.map(Node::not) } else { node }
    }
}

/// The rows that decide what is asked of a column; nothing where a row cannot be decided.
fn chosen_rows<'t>(table: &'t LookupTable, column: usize, asked: &Asked<'_>, any_case: bool) -> Option<Chosen<'t>> {
    let cell = |row: &'t Vec<String>| row.get(column).map_or("", |cell| cell.trim());
    let filled = || table.rows.iter().filter(|row| !cell(row).is_empty());
    let passing = |asked: &Asked<'_>, wanted: bool| {
        let mut rows = Vec::new();
        for row in filled() {
            if asked.holds(cell(row), any_case)? == wanted {
                rows.push(row);
            }
        }
        Some(rows)
    };
    if let Some(default) = &table.default_match {
        // A value outside the table has the default, so what is asked for may be that it is none of some rows.
        let outside = asked.holds(default, any_case)?;
        return Some(Chosen { rows: passing(asked, !outside)?, outside });
    }
    // Nothing is found for a value outside the table.
    if matches!(asked, Asked::Present(false)) {
        return Some(Chosen { rows: passing(&Asked::Present(true), true)?, outside: true });
    }
    let rows = passing(asked, true)?;
    if rows.is_empty() && asked.says_no() {
        // A default that the source does not say: the rule looks for what is not in the list.
        return Some(Chosen { rows: filled().collect(), outside: true });
    }
    Some(Chosen { rows, outside: false })
}

/// Whether a table may stand in a condition value by value.
fn is_list(table: &LookupTable) -> bool {
    (1..=2 * MAX_VALUES).contains(&table.rows.len())
}

/// The place of a column; names are compared without the blanks that files have around them.
fn place(table: &LookupTable, column: &str) -> Option<usize> {
    table.columns.iter().position(|name| name.trim() == column.trim())
}
