//! Tables of scripts: lists, tables that are read in several places, unions, and what names stand for in them.

use std::rc::Rc;

use ruleatlas_model::{DataSource, SourceKind};

use crate::columns::{Columns, Unpacked};
use crate::compare::Set;
use crate::engine::{Engine, Flow, IN_ORDER};
use crate::plan::{Const, Expr, ExprKind, ListColumn, Listing, Reshaped, Stage};
use crate::semantics::Scripts;
use crate::value::{Listed, Value};
use rustc_hash::FxHashSet;

/// How many times a table with legs is made anew.
const MAX_READINGS: u32 = 16;
/// How much work that may be each time.
const MAX_WORK: u64 = 1000;

/// How often a table was made, and what that costs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Readings {
    has_legs: bool,
    count: u32,
    work: u64,
}

impl<'p> Flow<'p> {
    /// A table of events.
    pub fn of_table(name: &str) -> Self {
        let mut flow = Self::default();
        if !name.is_empty() {
            flow.sources.push(DataSource::new(SourceKind::Table, name));
        }
        flow
    }

    /// A table that holds no events.
    pub fn of_list(names: Rc<[Rc<str>]>) -> Self {
        Self { columns: Columns { list: Some(names), ..Columns::default() }, ..Self::default() }
    }

    /// A value where a table is meant.
    pub fn of_value(value: Value<'p>) -> Self {
        let mut flow = Self::of_list(Rc::from([]));
        flow.columns.set(&Rc::from("print_0"), value);
        flow
    }
}

impl<'p> Engine<'p, '_> {
    /// What a name stands for that no stage made, in a language whose queries are scripts.
    pub fn script_name(&mut self, scripts: &Scripts, name: &Rc<str>, columns: &Columns<'p>) -> Value<'p> {
        if let Some(list) = &columns.list {
            return if list.is_empty() { Value::computed(Rc::from("")) } else { Value::Named(Rc::clone(list)) };
        }
        if (scripts.is_computed_name)(name, columns.sealed) {
            return Value::computed(Rc::from(""));
        }
        let is_own = !columns.sealed && (self.seen.contains(name) || (scripts.is_of_every_table)(name));
        if let Some(value) = columns.unpacked_member(name, is_own) {
            return value;
        }
        if let Some(listed) = columns.looked_up.as_ref().filter(|_| !is_own) {
            return Value::Listed(Rc::new(Listed { found: listed.found.clone(), value: Value::field(name) }));
        }
        if columns.rest_is_computed {
            return Value::computed(Rc::from(""));
        }
        self.seen.insert(Rc::clone(name));
        Value::field(name)
    }

    /// A table that holds no events.
    pub fn listing(&mut self, listing: &'p Listing) -> Flow<'p> {
        let nowhere = Columns::nowhere();
        let mut names: Vec<Rc<str>> = Vec::new();
        for name in &listing.names {
            if let Value::Const(constant) = self.value(name, &nowhere) {
                names.push(constant.text);
            }
        }
        if names.is_empty() {
            names.extend(listing.otherwise.clone());
        }
        let names: Rc<[Rc<str>]> = names.into();
        let mut flow = Flow::of_list(Rc::clone(&names));
        flow.columns.sealed = !listing.is_open;
        for (name, column) in &listing.columns {
            let value = match column {
                ListColumn::Value(value) => self.value(value, &nowhere),
                ListColumn::Named => Value::Named(Rc::clone(&names)),
                ListColumn::Cells(cells) => self.cells_of(cells, &names),
            };
            flow.columns.set(name, value);
        }
        flow
    }

    /// The values of a column of data, or the list's name where they are not known.
    fn cells_of(&mut self, cells: &'p [Expr], names: &Rc<[Rc<str>]>) -> Value<'p> {
        let nowhere = Columns::nowhere();
        let mut values: Vec<Const> = Vec::new();
        let mut all_known = true;
        for cell in cells {
            match self.value(cell, &nowhere).constants() {
                Some(constants) => values.extend(constants),
                None => all_known = false,
            }
        }
        let mut seen = FxHashSet::default();
        values.retain(|value| seen.insert(value.clone()));
        if all_known && !values.is_empty() { Value::List(values.into()) } else { Value::Named(Rc::clone(names)) }
    }

    /// The table of a name that an expression gives.
    pub fn named_table(&mut self, name: &'p Expr, otherwise: &str) -> Flow<'p> {
        match self.value(name, &Columns::nowhere()) {
            Value::Const(constant) => Flow::of_table(&constant.text),
            _ => Flow::of_table(otherwise),
        }
    }

    /// A table that stands in several places.
    pub fn shared_rows(&mut self, at: usize) -> Flow<'p> {
        let Some(expr) = self.plan.shared.get(at) else { return Flow::default() };
        let key = (std::ptr::from_ref(expr), self.absent);
        if let Some(flow) = self.defined.get(&key).cloned() {
            // What is asked of one use's legs is not asked of the other's: tables with legs are made anew, as long as that
            // is little work.
            let readings = self.readings.entry(at).or_default();
            if !(readings.has_legs && readings.count < MAX_READINGS && readings.work < MAX_WORK) {
                return self.read_again(&flow);
            }
            readings.count += 1;
            return self.flow(expr);
        }
        let before = self.budget.spent().0;
        let mut flow = self.flow(expr);
        let work = self.budget.spent().0 - before;
        let has_legs = flow.columns.known.values().any(Value::is_of_step);
        self.readings.insert(at, Readings { has_legs, count: 0, work });
        flow.leg = None;
        let nodes = self.copied_conjuncts(&flow.nodes);
        if !self.budget.is_spent() && self.budget.work(flow.columns.known.len() / 4) {
            let kept = Flow { nodes, ..flow.without_nodes() };
            self.defined.insert(key, Rc::new(kept));
        }
        flow
    }

    /// The rows at a place of a pipeline that other places read.
    pub fn saved_rows(&mut self, table: u32) -> Flow<'p> {
        match self.saved.get(&table).cloned() {
            Some(flow) => self.copied_flow(&flow),
            None => Flow::default(),
        }
    }

    pub fn copied_flow(&mut self, flow: &Flow<'p>) -> Flow<'p> {
        if !self.budget.work(flow.columns.known.len() / 4) {
            self.report_budget();
            return Flow { nodes: Vec::new(), columns: Columns::default(), ..flow.without_nodes() };
        }
        Flow { nodes: self.copied_conjuncts(&flow.nodes), leg: None, ..flow.without_nodes() }
    }

    /// A table that becomes a step of its own unless it holds no events; without filters only where `bare` says so.
    pub fn leg_of(&mut self, expr: &'p Expr, label: &str, absent: bool, bare: bool) -> Rc<Flow<'p>> {
        let absent = absent || self.absent;
        let key = if let ExprKind::Shared(at) = expr.kind { Some((at, absent)) } else { None };
        if let Some(flow) = key.and_then(|key| self.legs.get(&key)).cloned() {
            // What is asked of one use's rows is not asked of the other's.
            return Rc::new(self.copied_flow(&flow));
        }
        let slot = self.reserve(IN_ORDER);
        let outer = std::mem::replace(&mut self.absent, absent);
        let owner = self.owner;
        let mut flow = self.flow(expr);
        self.owner = owner;
        self.absent = outer;
        let is_silent = flow.is_bare() && (flow.is_union || !bare);
        flow.leg = None;
        if flow.columns.list.is_none() && !is_silent {
            self.fill(slot, &flow, label.to_owned(), absent);
            flow.leg = Some(slot).filter(|_| !absent);
        }
        let flow = Rc::new(flow);
        if let Some(key) = key {
            self.legs.insert(key, Rc::clone(&flow));
            self.leg_keys.extend(flow.leg.map(|slot| (slot, key)));
        }
        flow
    }

    /// The values that a sub-query gives: those of a list, or a step of its own.
    pub fn rows_set(&mut self, rows: &'p Expr, absent: bool) -> Set {
        let (inner, label, text) = match &rows.kind {
            ExprKind::SubQuery { rows, label, text } => (&**rows, Rc::clone(label), text.clone()),
            _ => (rows, Rc::from(self.semantics.sub_query), None),
        };
        let flow = self.leg_of(inner, &label, absent, true);
        let mut set = Set::default();
        let Some(list) = &flow.columns.list else {
            set.rows.push(text.unwrap_or_else(|| self.line(rows.span)).to_string());
            self.sub_queries += 1;
            return set;
        };
        match listed(&flow.columns) {
            Some(Value::Named(names)) => set.names.extend(names.iter().cloned()),
            Some(value) => match value.constants() {
                Some(constants) if !constants.is_empty() => set.constants = constants,
                _ => set.names.extend(list.iter().cloned()),
            },
            None => set.names.extend(list.iter().cloned()),
        }
        if set.names.is_empty() && set.constants.is_empty() {
            set.computed.push(self.line(rows.span).to_string());
        }
        set
    }

    /// One table of several. Bare tables are sources of it; others are steps of their own.
    pub fn union_of(&mut self, left: Option<Flow<'p>>, legs: &'p [Expr], label: &str) -> Flow<'p> {
        if let (None, [only]) = (&left, legs) {
            return self.flow(only);
        }
        let mut flow = Flow::default();
        let mut parts: Vec<Columns<'p>> = Vec::new();
        let mut lists: Vec<Rc<str>> = Vec::new();
        let mut sources = Vec::new();
        let mut all_lists = true;
        let mut all_steps = true;
        if let Some(left) = left {
            flow.stage = left.stage;
            flow.span = left.span;
            all_lists = left.columns.list.is_some();
            if left.columns.list.is_none() {
                if !left.is_bare() {
                    let slot = self.reserve(IN_ORDER);
                    self.fill(slot, &left, label.to_owned(), self.absent);
                }
                all_steps &= left.is_union || !left.is_bare();
            }
            lists.extend(left.columns.list.iter().flat_map(|list| list.iter().cloned()));
            sources.extend(left.sources);
            parts.push(left.columns);
        }
        for expr in legs {
            let (rows, label) = match &expr.kind {
                ExprKind::SubQuery { rows, label, .. } => (&**rows, &**label),
                _ => (expr, label),
            };
            let leg = self.leg_of(rows, label, false, false);
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
            flow.columns = united(&parts);
        } else {
            self.report_budget();
        }
        flow.is_union = all_steps && !all_lists;
        if all_lists {
            lists.dedup();
            flow.columns.list = Some(lists.into());
        }
        flow
    }

    /// Branches that each become a step, from the rows at this place.
    pub fn copies(&mut self, flow: &Flow<'p>, branches: &'p [Vec<Stage>], label: &str) {
        for branch in branches {
            if !self.enter() {
                return;
            }
            let slot = self.reserve(IN_ORDER);
            let mut leg = self.copied_flow(flow);
            self.stages(&mut leg, branch);
            self.leave();
            self.fill(slot, &leg, label.to_owned(), self.absent);
        }
    }

    /// Members of an object become columns.
    pub fn unpack(
        &mut self,
        flow: &mut Flow<'p>,
        bag: &'p Expr,
        prefix: Option<&'p Expr>,
        declared: Option<&Rc<[Rc<str>]>>,
    ) {
        let bag = self.value(bag, &flow.columns);
        let prefix = match prefix.map(|prefix| self.value(prefix, &flow.columns)) {
            Some(Value::Const(prefix)) => prefix.text,
            _ => Rc::from(""),
        };
        if !self.budget.work(flow.columns.unpacked.len()) {
            return self.report_budget();
        }
        let unpacked = Unpacked { bag, prefix, declared: declared.cloned() };
        let earlier = flow.columns.unpacked.iter().cloned();
        flow.columns.unpacked = [unpacked].into_iter().chain(earlier).collect();
    }

    /// What names stand for behind a plug-in that makes rows of many.
    pub fn reshape(&mut self, flow: &mut Flow<'p>, columns: &'p [crate::plan::Column], rest: Reshaped) {
        for column in columns {
            let value = self.value(&column.value, &flow.columns);
            flow.columns.known.entry(Rc::clone(&column.name)).or_insert(value);
        }
        flow.columns.rest_is_computed |= match rest {
            Reshaped::Computed => true,
            Reshaped::IfOpen => flow.columns.sealed,
            Reshaped::Kept => false,
        };
        flow.columns.unpacked = Rc::from([]);
        flow.columns.sealed = false;
    }
}

/// The value that a list's first column gives.
fn listed<'v, 'p>(columns: &'v Columns<'p>) -> Option<&'v Value<'p>> {
    if columns.known.len() == 1 {
        return columns.known.values().next();
    }
    // Several columns: lists of one length, of which the first cannot be told.
    columns.known.values().find(|value| matches!(value, Value::Named(_)))
}

/// What names stand for in a union: any of what they stand for in its legs.
fn united<'p>(parts: &[Columns<'p>]) -> Columns<'p> {
    let mut columns = Columns { sealed: parts.iter().all(|part| part.sealed), ..Columns::default() };
    let mut names: Vec<Rc<str>> = parts.iter().flat_map(|part| part.known.keys().cloned()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let values = parts.iter().filter_map(|part| {
            let own = || (!part.sealed && part.list.is_none()).then(|| Value::field(&name));
            part.known.get(&name).cloned().or_else(own)
        });
        let value = Value::either(values, &|| Rc::from(""));
        columns.known.insert(name, value);
    }
    columns
}
