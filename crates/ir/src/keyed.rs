//! Joins by keys, and lookups in lists: which step a column's events are of, and whether a row is there.

use std::rc::Rc;

use ruleatlas_model::{Missing, Node, Span};

use crate::columns::Columns;
use crate::compare::{Right, Set};
use crate::condition::Side;
use crate::engine::{Engine, Flow, IN_ORDER};
use crate::plan::{
    AddressLookup, CaseRule, Comparison, Const, ConstKind, Expr, JoinKey, KeyJoin, KeyJoinKind, MissingRule, Relation,
};
use crate::value::{Found, Listed, Owner, Resolved, Value};

impl<'p> Engine<'p, '_> {
    pub fn key_join(&mut self, flow: &mut Flow<'p>, join: &'p KeyJoin) {
        if matches!(join.kind, KeyJoinKind::RightAnti | KeyJoinKind::RightSemi) {
            return self.right_join(flow, join);
        }
        let absent = join.kind == KeyJoinKind::LeftAnti;
        let named_before = std::mem::take(&mut self.seen);
        let leg = self.leg_of(&join.right, &join.label, absent, true);
        // What the right table is asked for and the left one was not is the right one's.
        let mut only_right = std::mem::replace(&mut self.seen, named_before);
        only_right.retain(|name| !self.seen.contains(name));
        if !self.budget.work(leg.columns.known.len() / 4) {
            return self.report_budget();
        }
        if leg.columns.list.is_some() {
            if matches!(join.kind, KeyJoinKind::Inner | KeyJoinKind::LeftSemi | KeyJoinKind::LeftAnti) {
                self.list_filter(flow, &leg, &join.keys, join.rows.as_deref(), absent);
            }
            if !matches!(join.kind, KeyJoinKind::LeftAnti | KeyJoinKind::LeftSemi) {
                self.add_list_columns(flow, &leg, join);
            }
            return;
        }
        if flow.columns.list.is_some() && flow.sources.is_empty() {
            // Values joined to events: the rows are events from here on.
            flow.columns.list = None;
            flow.nodes.clear();
            flow.columns.sealed = false;
        }
        if !matches!(join.kind, KeyJoinKind::LeftAnti | KeyJoinKind::LeftSemi) {
            let mut names: Vec<&Rc<str>> = only_right.iter().collect();
            names.sort_unstable();
            self.join_columns(flow, &leg, join, &names);
        }
        self.seen.extend(only_right);
    }

    /// The columns of both tables.
    fn join_columns(&mut self, flow: &mut Flow<'p>, leg: &Flow<'p>, join: &'p KeyJoin, only_right: &[&Rc<str>]) {
        // Where every row has both tables' columns, a filter on the right one's is one of its step.
        let slot = leg.leg.filter(|_| join.kind == KeyJoinKind::Inner);
        // Where a row may be without the right one's columns, that they are empty says that its step is absent.
        let outer = leg.leg.filter(|_| join.kind == KeyJoinKind::Left);
        let marked = |value: &Value<'p>| match outer {
            Some(step) => Value::Listed(Rc::new(Listed { found: Found::Step(step), value: value.clone() })),
            None => value.of_step(slot),
        };
        // A name that the left table may have as well is the left one's.
        let left_is_open = !flow.columns.sealed;
        let seen = &self.seen;
        let is_left = |name: &Rc<str>| left_is_open && (outer.is_none() || seen.contains(name));
        flow.columns.joined_as(&leg.columns, |name, value| match value {
            Value::Field(field) if is_left(name) && *field.path == **name => value.clone(),
            _ => marked(value),
        });
        if outer.is_some() {
            if !leg.columns.sealed {
                for name in only_right {
                    flow.columns.known.entry(Rc::clone(name)).or_insert_with(|| marked(&Value::field(name)));
                }
            }
            // The right one's key is not the left one's.
            for key in &join.keys {
                let (Some(own), Some(name)) = &key.names else { continue };
                let value = leg.columns.known.get(name).cloned().unwrap_or_else(|| Value::field(name));
                if own != name {
                    flow.columns.known.insert(Rc::clone(name), marked(&value));
                }
                flow.columns.known.entry(second(name)).or_insert_with(|| marked(&value));
            }
        }
        // A column that both tables have comes from the right one with a `1` behind its name.
        for (name, value) in &leg.columns.known {
            flow.columns.known.entry(second(name)).or_insert_with(|| marked(value));
        }
    }

    /// The rows are those of the right table: it goes on as the main one.
    fn right_join(&mut self, flow: &mut Flow<'p>, join: &'p KeyJoin) {
        let absent = join.kind == KeyJoinKind::RightAnti;
        let slot = self.reserve(IN_ORDER);
        let main = self.flow(&join.right);
        if flow.columns.list.is_none() {
            self.fill(slot, flow, "join leg".to_owned(), absent || self.absent);
            *flow = main;
            return;
        }
        let list = std::mem::replace(flow, main);
        let node = self.list_test(flow, &list, &join.keys, true);
        self.keep_list_filter(flow, node, absent);
    }

    /// Adds a list's columns; those of an outer join are empty where the key is not in the list.
    fn add_list_columns(&mut self, flow: &mut Flow<'p>, list: &Flow<'p>, join: &'p KeyJoin) {
        let mut columns = Columns { sealed: true, ..list.columns.clone() };
        let found = if join.kind == KeyJoinKind::Left {
            self.found(|engine| engine.list_test(flow, list, &join.keys, false))
        } else {
            None
        };
        if let Some(found) = found {
            let names = list.columns.list.clone().unwrap_or_default();
            // The key of a list that has no schema, and a key of both tables with a `1` behind its name.
            for name in join.keys.iter().filter_map(|key| key.names.1.as_ref()) {
                let value = || Value::Named(Rc::clone(&names));
                columns.known.entry(Rc::clone(name)).or_insert_with(value);
                columns.known.entry(second(name)).or_insert_with(value);
            }
            let listed = |value: Value<'p>| Rc::new(Listed { found: Found::Where(Rc::clone(&found)), value });
            for value in columns.known.values_mut() {
                *value = Value::Listed(listed(value.clone()));
            }
            if !list.columns.sealed && !columns.known.is_empty() {
                // A watch list's columns are not known.
                flow.columns.looked_up = Some(listed(Value::Named(names)));
            }
        }
        // What both tables have is the left one's.
        for key in &join.keys {
            if let (Some(left), Some(right)) = &key.names
                && left == right
            {
                columns.known.remove(left);
            }
        }
        flow.columns.joined_as(&columns, |_, value| value.clone());
    }

    /// A condition with the steps that it is about, as what says that a row is there.
    fn found(&mut self, read: impl FnOnce(&mut Self) -> Option<Node>) -> Option<Rc<Resolved>> {
        let outer = std::mem::replace(&mut self.owner, Owner::Nobody);
        let node = read(self);
        let owner = std::mem::replace(&mut self.owner, outer);
        Some(Rc::new(Resolved { node: Some(Rc::new(node?)), owner }))
    }

    /// A join with a list keeps the rows whose key is in it, or those whose key is not.
    fn list_filter(
        &mut self,
        flow: &mut Flow<'p>,
        list: &Flow<'p>,
        keys: &'p [JoinKey],
        rows: Option<&'p [Vec<Expr>]>,
        negated: bool,
    ) {
        let known = rows.and_then(|rows| self.known_rows(rows));
        let node = match known {
            Some(rows) => self.rows_test(flow, &rows, keys),
            None => self.list_test(flow, list, keys, false),
        };
        self.keep_list_filter(flow, node, negated);
    }

    fn keep_list_filter(&mut self, flow: &mut Flow<'p>, node: Option<Node>, negated: bool) {
        let Some(node) = node else { return };
        flow.push(match (negated, node) {
            (true, Node::Predicate(mut predicate)) => {
                predicate.negated = true;
                predicate.missing = Missing::Holds;
                Node::Predicate(predicate)
            }
            (true, node) => node.not(),
            (false, node) => node,
        });
    }

    /// The constants of rows, where all of them are known.
    fn known_rows(&mut self, rows: &'p [Vec<Expr>]) -> Option<Vec<Vec<Const>>> {
        let nowhere = Columns::nowhere();
        let mut known = Vec::with_capacity(rows.len());
        for row in rows {
            let mut constants = Vec::with_capacity(row.len());
            for cell in row {
                let Value::Const(constant) = self.value(cell, &nowhere) else { return None };
                constants.push(constant);
            }
            known.push(constants);
        }
        Some(known)
    }

    /// The condition that the keys have the values of one of some rows; `None` where one of the keys is no field.
    fn rows_test(&mut self, flow: &Flow<'p>, rows: &[Vec<Const>], keys: &'p [JoinKey]) -> Option<Node> {
        let comparison = Comparison::new(Relation::Equal, CaseRule::Exact, MissingRule::Fails);
        let mut alternatives = Vec::new();
        for row in rows {
            let mut all = Vec::new();
            for (key, constant) in keys.iter().zip(row) {
                let value = self.value(&key.left, &flow.columns).bare();
                let span = key.left.span.to(key.right.span);
                let constant = Value::Const(constant.clone());
                let right = Right::Value(&constant, span);
                all.push(self.relate(comparison, &value, key.left.span, &right, span, Side::default())?);
            }
            alternatives.push(Node::all(all));
        }
        let node = Node::any(alternatives);
        node.as_constant().is_none().then_some(node)
    }

    /// The condition that a join's key is in a list; `None` where none of the keys is a field. Which values of several keys
    /// belong together is not known: the list is then known by its name alone. `turned` where the list is the first table.
    fn list_test(&mut self, flow: &Flow<'p>, list: &Flow<'p>, keys: &'p [JoinKey], turned: bool) -> Option<Node> {
        let names = list.columns.list.clone()?;
        let mut nodes = Vec::new();
        for key in keys {
            let (left, right) = if turned { (&key.right, &key.left) } else { (&key.left, &key.right) };
            let value = self.value(left, &flow.columns).bare();
            if matches!(value, Value::Time(_) | Value::Const(_) | Value::List(_) | Value::Named(_) | Value::Rows(_)) {
                continue;
            }
            let column = self.value(right, &list.columns).bare();
            let known =
                column.constants().filter(|constants| keys.len() == 1 || names.is_empty() || constants.len() == 1);
            let span = left.span.to(right.span);
            let set = match known {
                Some(constants) => Set { constants, ..Set::default() },
                None if !names.is_empty() => Set { names: names.to_vec(), ..Set::default() },
                None => continue,
            };
            let relation = if set.names.is_empty() { Relation::Equal } else { Relation::InList };
            let case = if set.names.is_empty() { CaseRule::Exact } else { CaseRule::Ignore };
            let comparison = Comparison::new(relation, case, MissingRule::Fails);
            if matches!(value, Value::Cases(_)) {
                // The conditions that choose a key ask for no event.
                nodes.push(self.computed_set(comparison, &value, left.span, &set, span));
                continue;
            }
            nodes.extend(self.relate(comparison, &value, left.span, &Right::Set(&set), span, Side::default()));
        }
        let node = Node::all(nodes);
        node.as_constant().is_none().then_some(node)
    }

    /// Adds the columns of the row whose network an address is in.
    pub fn address_lookup(&mut self, flow: &mut Flow<'p>, lookup: &'p AddressLookup) {
        let table = self.leg_of(&lookup.table, &lookup.label, false, true);
        if !self.budget.work(table.columns.known.len() / 4) {
            return self.report_budget();
        }
        let list = table.columns.list.clone().filter(|names| !names.is_empty());
        // The networks of a table of events are known to it alone.
        let names = list.unwrap_or_else(|| Rc::from([Rc::clone(&lookup.text)]));
        let mut columns = Columns { sealed: true, ..table.columns.clone() };
        for name in &lookup.columns {
            columns.known.entry(Rc::clone(name)).or_insert_with(|| Value::Named(Rc::clone(&names)));
        }
        // Other keys must be equal as well: the values of each column are known, and not which belong together.
        let networks = if lookup.has_keys { None } else { self.value(&lookup.network, &columns).bare().constants() };
        let Some(found) = self.found(|engine| Some(engine.networks(flow, lookup, networks, &names))) else { return };
        if !lookup.keeps_unmatched {
            if let Some(node) = self.resolved_again(&found) {
                flow.push(node);
            }
            flow.columns.joined_as(&columns, |_, value| value.clone());
            return;
        }
        let listed = |value: Value<'p>| Rc::new(Listed { found: Found::Where(Rc::clone(&found)), value });
        flow.columns.joined_as(&columns, |_, value| Value::Listed(listed(value.clone())));
        if !table.columns.sealed {
            flow.columns.looked_up = Some(listed(Value::Named(names)));
        }
    }

    /// The condition that an address is in one of some networks, or in those of lists known by name only.
    fn networks(
        &mut self,
        flow: &Flow<'p>,
        lookup: &'p AddressLookup,
        networks: Option<Vec<Const>>,
        names: &[Rc<str>],
    ) -> Node {
        let span: Span = lookup.address.span;
        let value = self.value(&lookup.address, &flow.columns);
        let (relation, constants) = match networks {
            Some(networks) => (Relation::Cidr, networks),
            None => (Relation::InList, names.iter().map(|name| Const::new(Rc::clone(name), ConstKind::Text)).collect()),
        };
        let set = Set { constants, ..Set::default() };
        let comparison = Comparison::new(relation, CaseRule::Ignore, MissingRule::Fails);
        self.relate(comparison, &value, span, &Right::Set(&set), span, Side::default())
            .unwrap_or_else(|| self.opaque("address is not known", span))
    }
}

/// The name that a column has whose own name another table's column has.
fn second(name: &str) -> Rc<str> {
    format!("{name}1").into()
}
