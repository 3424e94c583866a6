//! Lookups: the lists that their tables are, where the source has them, and their names where not.

use std::rc::Rc;

use ruleatlas_core::{LookupTable, fold_wildcards};
use ruleatlas_model::{Node, Op};
use rustc_hash::FxHashSet;

use super::{
    Lowering, any,
    check::{Check, group},
    compare::computed,
};
use crate::{
    ast::{Command, Pipeline},
    names::{LookupColumn, Scope, Value, captured},
};

/// How many values a list may have to stand in a condition one by one.
const MAX_VALUES: usize = 10_000;
/// How many rows of a lookup of several inputs may stand in a condition.
const MAX_ROWS: usize = 200;

impl Lowering<'_> {
    /// A comparison of a lookup's output: what the inputs must be.
    pub(super) fn compare_lookup(&mut self, column: &LookupColumn, check: &Check) -> Option<Node> {
        let table = self.context.lookup(&column.lookup).filter(|table| column.whole && is_list(table));
        let Some(table) = table else {
            return self.unknown_lookup(column, check);
        };
        let Some(output) = place(table, &column.column) else {
            return self.unknown_lookup(column, check);
        };
        let places: Option<Vec<usize>> = column.inputs.iter().map(|(input, _)| place(table, input)).collect();
        let Some(places) = places.filter(|places| !places.is_empty()) else {
            return self.unknown_lookup(column, check);
        };
        let Some((check, passing, outside)) = chosen_rows(table, output, check) else {
            return self.unknown_lookup(column, check);
        };
        if passing.is_empty() {
            return Some(Node::constant(outside));
        }
        let node = if let ([place], [(_, value)]) = (places.as_slice(), column.inputs.as_slice()) {
            let cells = passing.iter().filter_map(|row| row.get(*place));
            self.cells(table, &column.inputs[0].0, value, cells.map(|cell| cell.trim()), &column.lookup, &check)
        } else if passing.len() <= MAX_ROWS {
            let mut rows = Vec::new();
            for row in passing {
                let mut cells = Vec::new();
                for (place, (input, value)) in places.iter().zip(column.inputs.iter()) {
                    let cell = row.get(*place).map_or("", |cell| cell.trim());
                    cells.push(self.cells(table, input, value, [cell].into_iter(), &column.lookup, &check));
                }
                rows.push(super::all(cells));
            }
            any(rows)
        } else {
            self.named(column, &check)
        };
        if outside { node.map(Node::not) } else { node }
    }

    /// A value that is one of the cells of a column.
    fn cells<'t>(
        &mut self,
        table: &LookupTable,
        column: &str,
        value: &Value,
        cells: impl Iterator<Item = &'t str>,
        lookup: &str,
        check: &Check,
    ) -> Option<Node> {
        let mut seen = FxHashSet::default();
        let cells: Vec<&str> = cells.filter(|cell| !cell.is_empty() && seen.insert(*cell)).collect();
        let listed = |op, values| Check { cased: !table.case_insensitive, ..Check::search(op, values, check.span) };
        if cells.len() > MAX_VALUES || !self.spend(cells.len() / 16) {
            return self.compare(value, &Check::search(Op::InList, vec![lookup.to_owned()], check.span));
        }
        let is_pattern = table.wildcard_columns.iter().any(|name| name.trim() == column.trim());
        let groups = if is_pattern {
            // `?` is no wildcard in a lookup.
            group(cells.iter().map(|cell| fold_stars(cell)))
        } else {
            let op = if cells.len() == 1 { Op::Eq } else { Op::In };
            vec![(op, cells.iter().map(|&cell| cell.to_owned()).collect())]
        };
        let nodes: Vec<_> = groups.into_iter().map(|(op, values)| self.compare(value, &listed(op, values))).collect();
        any(nodes)
    }

    /// A lookup whose table is not at hand: a list known by its name; a number out of it is computed.
    fn unknown_lookup(&mut self, column: &LookupColumn, check: &Check) -> Option<Node> {
        if matches!(check.op, Op::Lt | Op::Lte | Op::Gt | Op::Gte) {
            return Some(computed(&column.column, check));
        }
        let node = self.named(column, check);
        let absent = says_no(check) || (check.op == Op::IsNull) != check.negated;
        if absent { node.map(Node::not) } else { node }
    }

    /// The inputs are in the list of this name.
    fn named(&mut self, column: &LookupColumn, check: &Check) -> Option<Node> {
        let listed = Check::search(Op::InList, vec![column.lookup.clone()], check.span);
        let nodes: Vec<_> = column.inputs.iter().map(|(_, value)| self.compare(value, &listed)).collect();
        super::all(nodes)
    }

    /// `[| inputlookup … | fields …]`: the fields it gives have the values of a row.
    pub(super) fn lookup_list(&mut self, pipeline: &Pipeline, scope: &mut Scope) -> Option<Node> {
        let Some(Command::InputLookup { name, filter, .. }) = pipeline.segments.first().map(|first| &first.command)
        else {
            return None;
        };
        let table = self.context.lookup(name);
        let (columns, whole) = list_columns(pipeline, table, filter.is_some());
        let span = pipeline.span;
        let Some(columns) = columns.filter(|columns| !columns.is_empty()) else {
            return Some(Node::opaque(name, "list of unknown columns", span));
        };
        let check = Check::search(Op::InList, vec![name.clone()], span);
        let mut nodes = Vec::new();
        for (field, column) in &columns {
            // A field of these names stands for its bare value.
            let value = match field.as_str() {
                "search" | "query" => Rc::new(scope.field("")),
                _ => scope.resolve(field),
            };
            let rows = table.filter(|table| whole && columns.len() == 1 && !table.rows.is_empty());
            nodes.push(match rows.and_then(|table| Some((table, place(table, column)?))) {
                Some((table, place)) => {
                    // The values are read as the language of `search` reads them.
                    let cells: Vec<&str> =
                        table.rows.iter().filter_map(|row| row.get(place)).map(|cell| cell.trim()).collect();
                    self.search_cells(&value, &cells, &check)
                }
                None => self.compare(&value, &check),
            });
        }
        super::all(nodes)
    }

    /// `join KEYS [| inputlookup …]`: an inner join keeps events whose keys are in the list, and the list's other columns
    /// are those of the row that was found. Its filters choose rows of the list and no events.
    pub(super) fn join_list(
        &mut self,
        pipeline: &Pipeline,
        label: &str,
        keys: &[String],
        scope: &mut Scope,
    ) -> Option<Node> {
        let Some(Command::InputLookup { name, filter, .. }) = pipeline.segments.first().map(|first| &first.command)
        else {
            return None;
        };
        let table = self.context.lookup(name);
        let (columns, whole) = list_columns(pipeline, table, filter.is_some());
        let inputs: Vec<(String, Rc<Value>)> = keys
            .iter()
            .map(|key| {
                let known = columns.iter().flatten().find(|(field, _)| field == key);
                (known.map_or_else(|| key.clone(), |(_, column)| column.clone()), scope.resolve(key))
            })
            .collect();
        let inputs = Rc::new(inputs);
        let check = Check::search(Op::InList, vec![name.clone()], pipeline.span);
        let mut nodes = Vec::new();
        for (column, value) in inputs.iter() {
            let rows = table.filter(|table| whole && inputs.len() == 1 && is_list(table));
            nodes.push(match rows.and_then(|table| Some((table, place(table, column)?))) {
                Some((table, place)) => {
                    let cells: Vec<&str> =
                        table.rows.iter().filter_map(|row| row.get(place)).map(|cell| cell.trim()).collect();
                    self.search_cells(value, &cells, &check)
                }
                None => self.compare(value, &check),
            });
        }
        for (field, column) in columns.iter().flatten().filter(|(field, _)| !keys.contains(field)) {
            if inputs.is_empty() {
                scope.set_computed(field);
                continue;
            }
            let (lookup, column, inputs) = (name.clone(), column.clone(), Rc::clone(&inputs));
            scope.set(field, Rc::new(Value::Lookup(Rc::new(LookupColumn { lookup, column, inputs, whole }))));
        }
        if columns.is_none() && !inputs.is_empty() {
            scope.add_joined_list(name, inputs, whole);
        }
        if label == "join" || label == "inner join" { super::all(nodes) } else { None }
    }

    fn search_cells(&mut self, value: &Value, cells: &[&str], check: &Check) -> Option<Node> {
        let mut seen = FxHashSet::default();
        let cells: Vec<&str> = cells.iter().copied().filter(|cell| !cell.is_empty() && seen.insert(*cell)).collect();
        if cells.is_empty() || cells.len() > MAX_VALUES || !self.spend(cells.len() / 16) {
            return self.compare(value, check);
        }
        let groups = group(cells.iter().map(|cell| fold_stars(cell)));
        let nodes: Vec<_> = groups
            .into_iter()
            .map(|(op, values)| self.compare(value, &Check::search(op, values, check.span)))
            .collect();
        any(nodes)
    }
}

/// What the fields of a list are called and which column of the lookup each is, as far as that is known; and whether the
/// list has every row of the lookup.
fn list_columns(
    pipeline: &Pipeline,
    table: Option<&LookupTable>,
    is_filtered: bool,
) -> (Option<Vec<(String, String)>>, bool) {
    let mut whole = !is_filtered;
    // What each field of the rows is called, and the column it is.
    let mut columns: Option<Vec<(String, String)>> = table
        .map(|table| table.columns.iter().map(|column| (column.trim().to_owned(), column.trim().to_owned())).collect());
    for segment in pipeline.segments.iter().skip(1) {
        match &segment.command {
            Command::Fields(names) if !names.is_empty() && !names.iter().any(|name| name.contains('*')) => {
                let known = columns.take().unwrap_or_default();
                let origin = |name: &String| {
                    known
                        .iter()
                        .find(|(found, _)| found == name)
                        .map_or_else(|| name.clone(), |(_, column)| column.clone())
                };
                columns = Some(names.iter().map(|name| (name.clone(), origin(name))).collect());
            }
            Command::Rename(pairs) => {
                for (from, to) in pairs {
                    if !from.contains('*') {
                        let known = columns.get_or_insert_default();
                        match known.iter_mut().find(|(name, _)| name == from) {
                            Some((name, _)) => name.clone_from(to),
                            None => known.push((to.clone(), from.clone())),
                        }
                    } else if let Some(known) = &mut columns {
                        for (name, _) in known {
                            if let Some(part) = captured(from, name) {
                                *name = to.replacen('*', part, 1);
                            }
                        }
                    }
                }
            }
            Command::Aggregate(aggregate) => {
                let made = aggregate.by.iter().map(|name| (name.clone(), name.clone()));
                let values = aggregate.outputs.iter().filter(|output| !output.field.is_empty());
                columns = Some(made.chain(values.map(|output| (output.name.clone(), output.field.clone()))).collect());
                whole = false;
            }
            Command::Neutral | Command::Fields(_) => {}
            _ => whole = false,
        }
    }
    (columns, whole)
}

/// The rows that decide a check of a lookup's output, with the check of their inputs: one of them is the input's, or,
/// where the third part is true, none of them is. Nothing where a row cannot be decided.
fn chosen_rows<'t>(
    table: &'t LookupTable,
    output: usize,
    check: &Check,
) -> Option<(Check, Vec<&'t Vec<String>>, bool)> {
    let cell = |row: &'t Vec<String>| row.get(output).map_or("", |cell| cell.trim());
    let filled = || table.rows.iter().filter(|row| !cell(row).is_empty());
    let passing = |check: &Check, wanted: bool| {
        let mut rows = Vec::new();
        for row in filled() {
            if check.holds(cell(row))? == wanted {
                rows.push(row);
            }
        }
        Some(rows)
    };
    if let Some(default) = &table.default_match {
        // An input outside the table has the default, so what is asked for may be that it is none of some rows.
        let outside = check.holds(default)?;
        return Some((check.clone(), passing(check, !outside)?, outside));
    }
    // Nothing is found for an input outside the table.
    if check.op == Op::IsNull {
        let check = Check { op: Op::IsNotNull, ..check.clone() };
        let rows = passing(&check, true)?;
        return Some((check, rows, true));
    }
    let rows = passing(check, true)?;
    if rows.is_empty() && says_no(check) {
        // A default that the source does not tell: the rule looks for what is not in the list.
        return Some((check.clone(), filled().collect(), true));
    }
    Some((check.clone(), rows, false))
}

/// Whether a check looks for what a lookup says of values that it does not hold: `false`, or anything but `true`.
fn says_no(check: &Check) -> bool {
    let words: &[&str] = if check.negated { &["true", "yes", "1"] } else { &["false", "no", "0"] };
    let is_such = |value: &String| words.contains(&value.to_ascii_lowercase().as_str());
    check.op == Op::Eq && check.values.iter().all(is_such)
}

/// What a text with `*` for wildcards means.
fn fold_stars(text: &str) -> ruleatlas_core::Folded {
    if text.contains('?') {
        let pieces: Vec<_> = ruleatlas_core::read_pieces(text, None)
            .into_iter()
            .map(|piece| if piece == ruleatlas_core::Piece::One { ruleatlas_core::Piece::Char('?') } else { piece })
            .collect();
        return ruleatlas_core::fold_pieces(&pieces);
    }
    fold_wildcards(text, None)
}

/// Whether a table may stand in a condition value by value.
fn is_list(table: &LookupTable) -> bool {
    (1..=2 * MAX_VALUES).contains(&table.rows.len())
}

/// The place of a column; names are compared without the blanks that files have around them.
fn place(table: &LookupTable, column: &str) -> Option<usize> {
    table.columns.iter().position(|name| name.trim() == column.trim())
}
