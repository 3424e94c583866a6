//! Joins, lookups and unions: whose legs are steps, and what their columns stand for.

use std::rc::Rc;

use ruleatlas_model::{Missing, Node, Op};

use super::call::Test;
use super::flow::Flow;
use super::scope::{Binding, ScopeRef};
use super::value::{Columns, Const, Found, Outer, Value};
use super::{LegKey, Lowering, Place};
use crate::ast::{Expr, ExprKind, JoinKind, Relation};

impl<'a> Lowering<'a, '_> {
    /// The table of a leg, which becomes a step of its own unless it holds no events.
    pub(super) fn leg(&mut self, expr: &'a Expr<'a>, scope: ScopeRef, what: &str, absent: bool) -> Rc<Flow<'a>> {
        self.leg_with(expr, scope, what, absent, true)
    }

    /// The same, where a table without filters is a step only if `bare` says so.
    fn leg_with(&mut self, expr: &'a Expr<'a>, scope: ScopeRef, what: &str, absent: bool, bare: bool) -> Rc<Flow<'a>> {
        let (expr, scope, label, depth) = self.resolve_leg(expr, scope, what);
        let absent = absent || self.absent;
        let key: LegKey = (std::ptr::from_ref(expr).cast(), scope, absent);
        if let Some(flow) = self.legs.get(&key) {
            // What is asked of one use's rows is not asked of the other's.
            let flow = Rc::new(Flow { leg: None, ..(**flow).clone() });
            self.naming.truncate(depth);
            return flow;
        }
        let slot = self.reserve();
        let outer = std::mem::replace(&mut self.absent, absent);
        let owner = self.owner.get();
        let mut flow = self.flow(expr, scope);
        self.owner.set(owner);
        self.absent = outer;
        self.naming.truncate(depth);
        let is_silent = flow.is_bare() && (flow.is_union || !bare);
        flow.leg = None;
        if flow.columns.list.is_none() && !is_silent {
            self.fill(slot, &flow, label, absent);
            flow.leg = Some(slot).filter(|_| !absent);
        }
        let flow = Rc::new(flow);
        self.legs.insert(key, flow.clone());
        flow
    }

    /// The expression that a leg's name is bound to, and what the step is called; names are pushed for lists, and
    /// the number of those before is given back.
    fn resolve_leg(
        &mut self,
        expr: &'a Expr<'a>,
        scope: ScopeRef,
        what: &str,
    ) -> (&'a Expr<'a>, ScopeRef, String, usize) {
        let depth = self.naming.len();
        let (mut expr, mut scope) = (expr, scope);
        let mut label = what.to_owned();
        for _ in 0..16 {
            match &expr.kind {
                ExprKind::Call(name, arguments) if &**name == "materialize" => match arguments.first() {
                    Some(argument) => expr = &argument.value,
                    None => break,
                },
                ExprKind::Name(name) => match self.scopes.get(scope, name) {
                    Some(Binding::Expr(bound, inner)) => {
                        label = format!("let {name}");
                        (expr, scope) = (bound, *inner);
                        self.naming.push(Rc::from(&**name));
                    }
                    _ => break,
                },
                ExprKind::Call(name, arguments) if arguments.is_empty() => match self.scopes.get(scope, name) {
                    Some(Binding::Expr(bound, inner)) => {
                        label = format!("let {name}");
                        (expr, scope) = (bound, *inner);
                        self.naming.push(Rc::from(&**name));
                    }
                    _ => break,
                },
                _ => break,
            }
        }
        (expr, scope, label, depth)
    }

    pub(super) fn join(
        &mut self,
        flow: &mut Flow<'a>,
        kind: JoinKind,
        lookup: bool,
        right: &'a Expr<'a>,
        on: &'a [Expr<'a>],
        scope: ScopeRef,
    ) {
        let what = if lookup { "lookup" } else { "join leg" };
        if matches!(kind, JoinKind::RightAnti | JoinKind::RightSemi) {
            // The rows are those of the right table: it goes on as the main one.
            let absent = kind == JoinKind::RightAnti;
            let slot = self.reserve();
            let main = self.flow(right, scope);
            if flow.columns.list.is_none() {
                self.fill(slot, flow, "join leg".to_owned(), absent || self.absent);
            } else {
                let keys: Vec<_> = keys(on).into_iter().map(|(left, right)| (right, left)).collect();
                let list = Rc::new(std::mem::replace(flow, main));
                self.list_filter(flow, &list, &keys, None, absent);
                return;
            }
            *flow = main;
            return;
        }
        let absent = kind == JoinKind::LeftAnti;
        let named_before = std::mem::take(&mut self.seen);
        let leg = self.leg(right, scope, what, absent);
        // What the right table is asked for and the left one was not is the right one's.
        let mut only_right = std::mem::replace(&mut self.seen, named_before);
        only_right.retain(|name| !self.seen.contains(name));
        if leg.columns.list.is_some() {
            if matches!(kind, JoinKind::Inner | JoinKind::InnerUnique | JoinKind::LeftSemi | JoinKind::LeftAnti) {
                let keys = keys(on);
                let rows = if keys.len() > 1 { self.pairs(right, &keys, scope) } else { None };
                self.list_filter(flow, &leg, &keys, rows.as_deref(), absent);
            }
            if kind != JoinKind::LeftAnti && kind != JoinKind::LeftSemi {
                self.add_list_columns(flow, &leg, &keys(on), kind);
            }
            return;
        }
        if flow.columns.list.is_some() && flow.sources.is_empty() {
            // Values joined to events: the rows are events from here on.
            flow.columns.list = None;
            flow.nodes.clear();
            flow.columns.open = true;
        }
        if !matches!(kind, JoinKind::LeftAnti | JoinKind::LeftSemi) {
            // Where every row has both tables' columns, a filter on the right one's is one of its step.
            let slot = leg.leg.filter(|_| matches!(kind, JoinKind::Inner | JoinKind::InnerUnique));
            if let Some(slot) = slot {
                self.leg_stages.insert(slot, leg.stage);
            }
            // Where a row may be without the right one's columns, that they are empty says that its step is absent.
            let outer = leg.leg.filter(|_| kind == JoinKind::LeftOuter);
            let marked = |value: &Value<'a>| match (slot, outer) {
                (Some(slot), _) => value.of_step(slot),
                (None, Some(step)) => Value::Outer(Rc::new(Outer { found: Found::Step(step), value: value.clone() })),
                (None, None) => value.clone(),
            };
            // A name that the left table may have as well is the left one's.
            let left_is_open = flow.columns.open;
            let is_left = |name: &str| left_is_open && (outer.is_none() || self.seen.contains(name));
            flow.columns.joined_as(&leg.columns, |name, value| match value {
                Value::Field(field) if is_left(name) && *field.path == *name => value.clone(),
                _ => marked(value),
            });
            if outer.is_some() {
                if leg.columns.open {
                    for name in &only_right {
                        let value = || marked(&super::stage::plain(name));
                        flow.columns.known.entry(name.clone()).or_insert_with(value);
                    }
                }
                // The right one's key is not the left one's.
                for (left, right) in keys(on) {
                    let (Some(own), Some(name)) = (key_name(left), key_name(right)) else { continue };
                    let value = leg.columns.known.get(name).cloned().unwrap_or_else(|| super::stage::plain(name));
                    if own != name {
                        flow.columns.known.insert(Rc::from(name), marked(&value));
                    }
                    flow.columns.known.entry(format!("{name}1").into()).or_insert_with(|| marked(&value));
                }
            }
            // A column that both tables have comes from the right one with a `1` behind its name.
            for (name, value) in &leg.columns.known {
                let second: Rc<str> = format!("{name}1").into();
                flow.columns.known.entry(second).or_insert_with(|| marked(value));
            }
        }
        self.seen.extend(only_right);
    }

    /// Adds a list's columns; those of an outer join are empty where the key is not in the list.
    fn add_list_columns(
        &mut self,
        flow: &mut Flow<'a>,
        list: &Rc<Flow<'a>>,
        keys: &[(&'a Expr<'a>, &'a Expr<'a>)],
        kind: JoinKind,
    ) {
        let mut columns = Columns { open: false, ..list.columns.clone() };
        if kind == JoinKind::LeftOuter
            && let Some(found) = self.resolved(|this| this.list_test(flow, list, keys))
        {
            let found = Found::Where(Rc::new(found));
            let names = list.columns.list.clone().unwrap_or_default();
            // The key of a list that has no schema, and a key of both tables with a `1` behind its name.
            for (_, right) in keys {
                if let Some(name) = key_name(right) {
                    let value = Value::Named(names.clone());
                    columns.known.entry(Rc::from(name)).or_insert_with(|| value.clone());
                    columns.known.entry(format!("{name}1").into()).or_insert(value);
                }
            }
            for value in columns.known.values_mut() {
                *value = Value::Outer(Rc::new(Outer { found: found.clone(), value: value.clone() }));
            }
        }
        if kind == JoinKind::LeftOuter
            && list.columns.open
            && let Some(Value::Outer(outer)) = columns.known.values().find(|value| matches!(value, Value::Outer(_)))
        {
            // A watch list's columns are not known.
            flow.columns.looked_up = Some(Rc::clone(outer));
        }
        // What both tables have is the left one's.
        let left: Vec<Rc<str>> = keys
            .iter()
            .filter_map(|(left, right)| key_name(left).filter(|name| key_name(right) == Some(*name)).map(Rc::from))
            .collect();
        for name in left {
            columns.known.remove(&name);
        }
        flow.columns.joined(&columns);
    }

    /// A join with a list keeps the rows whose key is in it, or those whose key is not.
    fn list_filter(
        &mut self,
        flow: &mut Flow<'a>,
        list: &Rc<Flow<'a>>,
        keys: &[(&'a Expr<'a>, &'a Expr<'a>)],
        rows: Option<&[Vec<Const>]>,
        negated: bool,
    ) {
        let node = match rows {
            Some(rows) => self.rows_test(flow, rows, keys),
            None => self.list_test(flow, list, keys),
        };
        let Some(node) = node else { return };
        let node = match (negated, node) {
            (true, Node::Predicate(mut predicate)) => {
                predicate.negated = true;
                predicate.missing = Missing::Holds;
                Node::Predicate(predicate)
            }
            (true, node) => node.not(),
            (false, node) => node,
        };
        flow.push(node);
    }

    /// The values of several keys that stand in one row of a table of data, a list of them a row.
    fn pairs(
        &mut self,
        right: &'a Expr<'a>,
        keys: &[(&'a Expr<'a>, &'a Expr<'a>)],
        scope: ScopeRef,
    ) -> Option<Vec<Vec<Const>>> {
        const MAX_ROWS: usize = 200;
        let depth = self.naming.len();
        let (table, scope, ..) = self.resolve_leg(right, scope, "");
        self.naming.truncate(depth);
        let ExprKind::Datatable { columns, cells } = &table.kind else { return None };
        let place = |(_, right): &(&Expr<'a>, &Expr<'a>)| {
            let name = key_name(right)?;
            columns.iter().position(|column| **column == *name)
        };
        let places: Vec<usize> = keys.iter().map(place).collect::<Option<_>>()?;
        let rows = cells.chunks(columns.len().max(1));
        if rows.len() > MAX_ROWS {
            return None;
        }
        let nothing = Columns::default();
        rows.map(|row| {
            let cell = |at: &usize| match self.scalar(row.get(*at)?, Place { scope, columns: &nothing }) {
                Value::Const(constant) => Some(constant),
                _ => None,
            };
            places.iter().map(cell).collect()
        })
        .collect()
    }

    /// The condition that the keys have the values of one of some rows; `None` where one of the keys is no field.
    fn rows_test(
        &mut self,
        flow: &Flow<'a>,
        rows: &[Vec<Const>],
        keys: &[(&'a Expr<'a>, &'a Expr<'a>)],
    ) -> Option<Node> {
        let test = Test { op: Op::Eq, cased: true, modifier: None, missing: Missing::Fails };
        let mut alternatives = Vec::new();
        for row in rows {
            let mut all = Vec::new();
            for ((left, right), constant) in keys.iter().zip(row) {
                let value = self.key(left, &flow.columns);
                let span = left.span.to(right.span);
                all.push(self.tested(&value, left.span, std::slice::from_ref(constant), &test, span)?);
            }
            alternatives.push(Node::all(all));
        }
        let node = Node::any(alternatives);
        node.as_constant().is_none().then_some(node)
    }

    /// The condition that a join's key is in a list; `None` where none of the keys is a field. Which values of several keys
    /// belong together is not known: the list is then known by its name alone.
    fn list_test(
        &mut self,
        flow: &Flow<'a>,
        list: &Rc<Flow<'a>>,
        keys: &[(&'a Expr<'a>, &'a Expr<'a>)],
    ) -> Option<Node> {
        let names = list.columns.list.clone()?;
        let mut nodes = Vec::new();
        for (left, right) in keys {
            let value = self.key(left, &flow.columns);
            if matches!(value, Value::Time(_) | Value::Const(_) | Value::List(_) | Value::Named(_) | Value::Rows(_)) {
                continue;
            }
            let column = self.key(right, &list.columns);
            let known =
                column.constants().filter(|constants| keys.len() == 1 || names.is_empty() || constants.len() == 1);
            let (op, constants) = match known {
                Some(constants) => (Op::In, constants),
                None if !names.is_empty() => (Op::InList, names.iter().map(|name| Const::string(name)).collect()),
                None => continue,
            };
            let span = left.span.to(right.span);
            if matches!(value, Value::Cases(..)) {
                // The conditions that choose a key ask for no event.
                let values = constants.iter().map(|constant| constant.text.to_string()).collect();
                nodes.push(self.computed(left.span, op, false, values, span));
                continue;
            }
            let test = Test { op, cased: op == Op::In, modifier: None, missing: Missing::Fails };
            nodes.extend(self.tested(&value, left.span, &constants, &test, span));
        }
        let node = Node::all(nodes);
        node.as_constant().is_none().then_some(node)
    }

    /// What a join's key stands for; `$left` and `$right` are off already.
    fn key(&mut self, expr: &'a Expr<'a>, columns: &Columns<'a>) -> Value<'a> {
        let nowhere = self.scopes.block(None);
        self.scalar(expr, Place { scope: nowhere, columns }).bare()
    }

    /// One table of several. Bare tables are sources of it; others are steps of their own.
    pub(super) fn union(&mut self, left: Option<Flow<'a>>, legs: &'a [Expr<'a>], scope: ScopeRef) -> Flow<'a> {
        if let (None, [only]) = (&left, legs) {
            return self.flow(only, scope);
        }
        let mut flow = Flow::default();
        let mut parts: Vec<Columns<'a>> = Vec::new();
        let mut lists: Vec<Rc<str>> = Vec::new();
        let mut sources = Vec::new();
        let mut all_lists = true;
        let mut all_steps = true;
        if let Some(left) = left {
            flow.stage = left.stage;
            all_lists = left.columns.list.is_some();
            if left.columns.list.is_none() {
                if !left.is_bare() {
                    let slot = self.reserve();
                    self.fill(slot, &left, "union leg".to_owned(), self.absent);
                }
                all_steps &= left.is_union || !left.is_bare();
            }
            lists.extend(left.columns.list.iter().flat_map(|list| list.iter().cloned()));
            sources.extend(left.sources);
            parts.push(left.columns);
        }
        for expr in legs {
            let leg = self.leg_with(expr, scope, "union leg", false, false);
            sources.extend(leg.sources.iter().cloned());
            if let Some(list) = &leg.columns.list {
                lists.extend(list.iter().cloned());
            } else {
                all_lists = false;
                all_steps &= leg.is_union || !leg.is_bare();
            }
            parts.push(leg.columns.clone());
        }
        flow.add_sources(&sources);
        // Each name of any leg is looked up in every leg.
        let names: usize = parts.iter().map(|part| part.known.len()).sum();
        if self.budget.work(names.saturating_mul(parts.len())) {
            flow.columns = merged(parts);
        } else {
            self.is_affordable();
            flow.columns.open = true;
        }
        flow.is_union = all_steps && !all_lists;
        if all_lists {
            lists.dedup();
            flow.columns.list = Some(lists.into());
        }
        flow
    }
}

/// The pairs of keys of a join: the left table's expression and the right one's.
fn keys<'a>(on: &'a [Expr<'a>]) -> Vec<(&'a Expr<'a>, &'a Expr<'a>)> {
    let mut pairs = Vec::new();
    for expr in on {
        match &expr.kind {
            ExprKind::And(children) => pairs.extend(keys(children)),
            ExprKind::Compare(comparison, left, right) if comparison.operator == Relation::Equal => {
                let is_left = |expr: &Expr<'_>| matches!(&expr.kind, ExprKind::Member(base, _) | ExprKind::Index(base, _) if base.as_name() == Some("$left"));
                if is_left(right) { pairs.push((&**right, &**left)) } else { pairs.push((&**left, &**right)) }
            }
            _ => pairs.push((expr, expr)),
        }
    }
    pairs
}

/// The column that a key names; `$left` and `$right` are off it.
fn key_name<'a>(key: &'a Expr<'a>) -> Option<&'a str> {
    match &key.kind {
        ExprKind::Name(name) | ExprKind::Member(_, name) => Some(name),
        ExprKind::Index(_, name) => name.as_string(),
        _ => None,
    }
}

/// What names stand for in a union: any of what they stand for in its legs.
fn merged<'a>(parts: Vec<Columns<'a>>) -> Columns<'a> {
    let mut columns = Columns { open: parts.iter().any(|part| part.open), ..Columns::default() };
    let mut names: Vec<Rc<str>> = parts.iter().flat_map(|part| part.known.keys().cloned()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let values = parts.iter().filter_map(|part| {
            let raw = || (part.open && part.list.is_none()).then(|| super::stage::plain(&name));
            part.known.get(&name).cloned().or_else(raw)
        });
        let value = Value::either(values);
        columns.known.insert(name, value);
    }
    columns
}
