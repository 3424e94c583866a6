//! Searches that are the rows of a lookup: the values of its columns, where the source has them, and its name where not.

use std::rc::Rc;

use ruleatlas_core::LookupTable;
use ruleatlas_ir::plan::{Expr, ExprKind, ListRows, Operation, PatternSyntax, Relation};
use ruleatlas_model::Span;
use rustc_hash::FxHashSet;

use super::{Lowering, compare, in_search, literal, name, opaque};
use crate::ast::{Command, Pipeline};

/// How many values a list may have to stand in a condition one by one.
const MAX_VALUES: usize = 10_000;

impl Lowering<'_> {
    /// `[| inputlookup … | fields …]`: the fields it gives have the values of a row.
    pub(super) fn lookup_list(&mut self, pipeline: &Pipeline) -> Expr {
        let span = pipeline.span;
        let Some((list, is_filtered)) = list_of(pipeline) else {
            return opaque("[…]", "list of unknown columns", span);
        };
        let table = self.context.lookup(list);
        let (columns, whole) = list_columns(pipeline, table, is_filtered);
        let Some(columns) = columns.filter(|columns| !columns.is_empty()) else {
            return opaque(list, "list of unknown columns", span);
        };
        let mut nodes = Vec::new();
        for (field, column) in &columns {
            // A field of these names stands for its bare value.
            let value = match field.as_str() {
                "search" | "query" => Expr::new(ExprKind::OwnPath(Rc::from("")), span),
                _ => name(field, span),
            };
            let table = table.filter(|table| whole && columns.len() == 1 && !table.rows.is_empty());
            nodes.push(self.in_column(value, list, table, column, span));
        }
        Expr::new(ExprKind::All(nodes), span)
    }

    /// `join KEYS [| inputlookup …]`: an inner join keeps events whose keys are in the list, and the list's other columns
    /// are those of the row that was found. Its filters choose rows of the list and no events.
    pub(super) fn join_list(&mut self, pipeline: &Pipeline, label: &str, keys: &[String], into: &mut Vec<Operation>) {
        let span = pipeline.span;
        let Some((list, is_filtered)) = list_of(pipeline) else { return };
        let table = self.context.lookup(list);
        let (columns, whole) = list_columns(pipeline, table, is_filtered);
        let column_of = |key: &String| {
            let known = columns.iter().flatten().find(|(field, _)| field == key);
            known.map_or_else(|| key.clone(), |(_, column)| column.clone())
        };
        let mut nodes = Vec::new();
        for key in keys {
            let is_list = |table: &&LookupTable| (1..=2 * MAX_VALUES).contains(&table.rows.len());
            let table = table.filter(|table| whole && keys.len() == 1 && is_list(table));
            nodes.push(self.in_column(name(key, span), list, table, &column_of(key), span));
        }
        if (label == "join" || label == "inner join") && !nodes.is_empty() {
            into.push(Operation::Filter(Expr::new(ExprKind::All(nodes), span)));
        }
        // Of a list without a table, and whose columns are not chosen, more columns than the renamed ones are there.
        let is_chosen = |command: &Command| matches!(command, Command::Fields(_) | Command::Aggregate(_));
        let is_closed = table.is_some() || pipeline.segments.iter().any(|segment| is_chosen(&segment.command));
        let others = columns.as_ref().filter(|_| is_closed).map(|columns| {
            let others = columns.iter().filter(|(field, _)| !keys.contains(field));
            others.map(|(field, column)| (Rc::from(column.as_str()), Rc::from(field.as_str()))).collect::<Vec<_>>()
        });
        match others {
            Some(others) if keys.is_empty() => {
                into.push(Operation::Compute(others.into_iter().map(|(_, field)| field).collect()));
            }
            None if keys.is_empty() => {}
            names => into.push(Operation::Rows(ListRows {
                list: Rc::from(list),
                keys: keys.iter().map(|key| (Rc::from(column_of(key)), name(key, span))).collect(),
                names,
                whole,
                joined: true,
            })),
        }
    }

    /// A value that stands in a column of a list; what the column has is read as the language of `search` reads it.
    fn in_column(&mut self, value: Expr, list: &str, table: Option<&LookupTable>, column: &str, span: Span) -> Expr {
        let place = |table: &LookupTable| table.columns.iter().position(|name| name.trim() == column.trim());
        let cells: Vec<&str> = match table.and_then(|table| Some((table, place(table)?))) {
            Some((table, place)) => {
                let mut seen = FxHashSet::default();
                let cells = table.rows.iter().filter_map(|row| row.get(place)).map(|cell| cell.trim());
                cells.filter(|cell| !cell.is_empty() && seen.insert(*cell)).collect()
            }
            None => Vec::new(),
        };
        if cells.is_empty() || cells.len() > MAX_VALUES || !self.spend(cells.len() / 16) {
            return compare(in_search(Relation::InList), value, vec![Expr::text(list, span)], span);
        }
        let cells = cells.into_iter().map(|cell| literal(cell, span)).collect();
        compare(in_search(Relation::Pattern(PatternSyntax::Star)), value, cells, span)
    }
}

/// The list that a search begins with, and whether it is filtered.
fn list_of(pipeline: &Pipeline) -> Option<(&str, bool)> {
    match &pipeline.segments.first()?.command {
        Command::InputLookup { name, filter, .. } => Some((name, filter.is_some())),
        _ => None,
    }
}

/// What the `*` of a pattern stands for in `name`.
fn captured<'n>(pattern: &str, name: &'n str) -> Option<&'n str> {
    let (before, after) = pattern.split_once('*')?;
    name.strip_prefix(before)?.strip_suffix(after)
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
