//! Tables: which events a pipeline reads, and what its stages make of them.

use std::rc::Rc;

use ruleatlas_model::{DataSource, Diagnostic, Node, SourceKind, Span};

use crate::beside::part_of;
use rustc_hash::FxHashMap;

use crate::columns::{Columns, Table};
use crate::condition::Side;
use crate::engine::{BEFORE, Conjunct, Engine, Flow, Fork, IN_ORDER};
use crate::open::Beyond;
use crate::plan::{
    Column, Comparison, Expr, ExprKind, Join, JoinKind, Lookup, Operand, Operation, Query, Relation, Stage,
};
use crate::value::{Field, Found, Listed, Owner, Resolved, Value};

impl<'p> Engine<'p, '_> {
    /// What a tabular expression reads and asks for.
    pub fn flow(&mut self, expr: &'p Expr) -> Flow<'p> {
        if !self.enter() {
            let mut flow = Flow::default();
            flow.push(self.beyond_budget(expr.span));
            return flow;
        }
        let flow = self.flow_of(expr);
        self.leave();
        flow
    }

    fn flow_of(&mut self, expr: &'p Expr) -> Flow<'p> {
        match &expr.kind {
            ExprKind::Query(query) => self.query(query),
            ExprKind::Tables(sources) => Flow { sources: sources.clone(), ..Flow::default() },
            ExprKind::Table(name) => self.table(name),
            ExprKind::Aliased(rows, names) => {
                let mut flow = self.flow(rows);
                flow.columns.tables =
                    vec![Table { names: names.clone(), step: None, is_outer: false, known: None, row: None }];
                flow
            }
            ExprKind::Shared(_)
            | ExprKind::Let(..)
            | ExprKind::SubQuery { .. }
            | ExprKind::SourcesOf(_)
            | ExprKind::Listing(_)
            | ExprKind::NamedTable(..)
            | ExprKind::Saved(_) => self.script_rows(expr),
            ExprKind::Union { .. } if self.semantics.scripts.is_some() => self.script_rows(expr),
            ExprKind::Union { legs, label, merges } => self.union(legs, label, *merges),
            ExprKind::Opaque(reason) => {
                let mut flow = Flow::default();
                flow.push(self.opaque(reason, expr.span));
                flow
            }
            _ if self.semantics.scripts.is_some() => self.script_rows(expr),
            _ => {
                let mut flow = Flow::default();
                flow.push(self.opaque("a value where a table is meant", expr.span));
                flow
            }
        }
    }

    /// The rows of a script's tables; apart, as they would make the levels of all others higher.
    #[inline(never)]
    fn script_rows(&mut self, expr: &'p Expr) -> Flow<'p> {
        match &expr.kind {
            ExprKind::Shared(at) => self.shared_rows(*at),
            ExprKind::Let(bindings, body) => {
                self.bind(bindings, &Columns::nowhere());
                self.flow(body)
            }
            ExprKind::SubQuery { rows, .. } => self.flow(rows),
            ExprKind::SourcesOf(tables) => {
                let mut flow = Flow::default();
                let mut sources = Vec::new();
                for table in tables {
                    sources.extend(self.flow(table).sources);
                }
                flow.add_sources(&sources);
                flow
            }
            ExprKind::Listing(listing) => self.listing(listing),
            ExprKind::NamedTable(name, otherwise) => self.named_table(name, otherwise),
            ExprKind::Saved(table) => self.saved_rows(*table),
            ExprKind::Union { legs, label, .. } if self.semantics.scripts.is_some() => self.union_of(None, legs, label),
            _ => {
                let value = self.value(expr, &Columns::nowhere());
                Flow::of_value(value)
            }
        }
    }

    #[inline(never)]
    fn script_stage(&mut self, flow: &mut Flow<'p>, operation: &'p Operation) {
        match operation {
            Operation::KeyJoin(join) => self.key_join(flow, join),
            Operation::AddressLookup(lookup) => self.address_lookup(flow, lookup),
            Operation::Union { legs, label } => {
                let left = std::mem::take(flow);
                *flow = self.union_of(Some(left), legs, label);
            }
            Operation::ForEach { columns, stages } => self.for_each(flow, columns, stages),
            Operation::Fork { branches, label } => self.copies(flow, branches, label),
            Operation::Save(table) => {
                let copy = self.copied_flow(flow);
                self.saved.insert(*table, Rc::new(copy));
            }
            Operation::Invoke { table, rows } => {
                let copy = self.copied_flow(flow);
                self.saved.insert(*table, Rc::new(copy));
                *flow = self.flow(rows);
            }
            Operation::Unpack { bag, prefix, declared } => {
                self.unpack(flow, bag, prefix.as_ref(), declared.as_ref());
            }
            Operation::Reshape { columns, rest } => self.reshape(flow, columns, *rest),
            Operation::Open => flow.columns.sealed = false,
            Operation::Nodes(tables) => self.graph_nodes(flow, tables),
            Operation::Match(graph) => self.graph_match(flow, graph),
            _ => {}
        }
    }

    fn query(&mut self, query: &'p Query) -> Flow<'p> {
        let outer = self.scope.len();
        self.scope.extend(&query.definitions);
        let mut flow = self.flow(&query.source);
        self.stages(&mut flow, &query.stages);
        self.scope.truncate(outer);
        flow
    }

    pub fn stages(&mut self, flow: &mut Flow<'p>, stages: &'p [Stage]) {
        for stage in stages {
            flow.span = stage.span;
            if self.semantics.scripts.is_some() {
                flow.stage = Some(flow.stage.unwrap_or(0) + stage.index);
                self.stage(flow, stage);
                continue;
            }
            flow.stage = self.semantics.has_stages.then_some(stage.index);
            // What a filter chooses is read by the pipeline that it stands in.
            self.swap_reads(flow);
            self.stage(flow, stage);
            self.swap_reads(flow);
        }
    }

    fn swap_reads(&mut self, flow: &mut Flow<'p>) {
        std::mem::swap(&mut self.reads, &mut flow.sources);
        std::mem::swap(&mut self.known_reads, &mut flow.chosen);
    }

    /// The table that a name stands for.
    fn table(&mut self, name: &Rc<str>) -> Flow<'p> {
        let is_same = |other: &str| {
            if self.semantics.names_in_any_case { other.eq_ignore_ascii_case(name) } else { *other == **name }
        };
        let Some(at) = self.scope.iter().rposition(|definition| is_same(&definition.name)) else {
            let short = name.rsplit('.').next().unwrap_or(name);
            return Flow { sources: vec![DataSource::new(SourceKind::Table, short)], ..Flow::default() };
        };
        let Some(definition) = self.scope.get(at).copied() else { return Flow::default() };
        let key = (std::ptr::from_ref(&definition.rows), self.absent);
        if let Some(flow) = self.defined.get(&key).cloned() {
            return self.read_again(&flow);
        }
        // What it is made of sees the definitions before it.
        let behind = self.scope.split_off(at);
        let mut flow = self.flow(&definition.rows);
        self.scope.extend(behind);
        flow.leg = None;
        let copied = self.copied_conjuncts(&flow.nodes);
        if !self.budget.is_spent() {
            flow.nodes = copied;
            self.defined.insert(key, Rc::new(flow.clone()));
        }
        flow
    }

    pub fn read_again(&mut self, flow: &Flow<'p>) -> Flow<'p> {
        let nodes = self.copied_conjuncts(&flow.nodes);
        let mut columns = if self.budget.work(flow.columns.known.len() / 4) {
            flow.columns.clone()
        } else {
            self.report_budget();
            Columns::default()
        };
        columns.forget_steps();
        Flow {
            nodes,
            sources: flow.sources.clone(),
            chosen: flow.chosen.clone(),
            columns,
            stage: flow.stage,
            span: flow.span,
            is_union: flow.is_union,
            is_restricted: flow.is_restricted,
            leg: None,
            fork: None,
            graph: Rc::clone(&flow.graph),
        }
    }

    /// A table that becomes a step of its own.
    fn leg(&mut self, expr: &'p Expr, label: &str, absent: bool) -> Flow<'p> {
        let absent = absent || self.absent;
        let slot = self.reserve(IN_ORDER);
        let outer = std::mem::replace(&mut self.absent, absent);
        let mut flow = self.flow(expr);
        self.absent = outer;
        flow.leg = None;
        if !(flow.is_bare() && (flow.is_union || flow.sources.is_empty())) {
            self.fill(slot, &flow, label.to_owned(), absent);
            flow.leg = Some(slot);
        }
        flow
    }

    /// The rows of a sub-query that a condition compares with: a step of its own.
    pub fn sub_query(&mut self, expr: &'p Expr, label: &str, absent: bool) {
        // The columns of its tables are none of the outer query's.
        let seen = std::mem::take(&mut self.seen);
        let owner = self.owner;
        self.leg(expr, label, absent);
        self.seen = seen;
        self.owner = owner;
        self.sub_queries += 1;
    }

    /// One table of several. Where it merges them, bare tables are sources of it and others are steps of their own;
    /// otherwise all are.
    fn union(&mut self, legs: &'p [Expr], label: &str, merges: bool) -> Flow<'p> {
        if let ([only], true) = (legs, merges) {
            return self.flow(only);
        }
        let mut flow = Flow::default();
        let mut all_steps = true;
        let mut sources: Vec<DataSource> = Vec::new();
        let mut parts: Vec<Columns<'p>> = Vec::new();
        for expr in legs {
            if matches!(expr.kind, ExprKind::Tables(_)) {
                let leg = self.flow(expr);
                all_steps &= leg.sources.is_empty();
                sources.extend(leg.sources);
                continue;
            }
            let slot = merges.then(|| self.reserve(IN_ORDER));
            let leg = self.flow(expr);
            let is_step = !leg.is_bare() || (!merges && !leg.is_union);
            if is_step {
                let slot = slot.unwrap_or_else(|| self.reserve(BEFORE));
                self.fill(slot, &leg, label.to_owned(), self.absent);
            }
            all_steps &= leg.is_union || is_step;
            if merges {
                sources.extend(leg.sources.iter().cloned());
            }
            parts.push(leg.columns);
        }
        flow.add_sources(&sources);
        flow.is_union = all_steps;
        // Each name of any leg is looked up in every leg.
        let names: usize = parts.iter().map(|part| part.known.len()).sum();
        if self.budget.work(names.saturating_mul(parts.len()) / 4) {
            flow.columns = merged(&parts);
        } else {
            self.report_budget();
        }
        flow
    }

    fn stage(&mut self, flow: &mut Flow<'p>, stage: &'p Stage) {
        match &stage.operation {
            Operation::Filter(condition) => self.filter(flow, condition, false),
            Operation::Read(sources) => sources.iter().for_each(|source| self.choose(source.kind, &source.name)),
            Operation::Begin => flow.columns = Columns::default(),
            Operation::BeginRows => {
                flow.columns = Columns::default();
                flow.columns.open.closed = true;
                flow.columns.open.beyond = Some(Beyond::Rows);
            }
            Operation::AddRows => flow.columns.open.beyond = Some(Beyond::Rows),
            Operation::Extend(columns) => {
                for column in columns {
                    let mut value = self.value(&column.value, &flow.columns);
                    if self.searches.is_some()
                        && let Some((from, step)) = value.changed_from(&column.name)
                    {
                        value = Value::Field(Field { from: Some(from), step, ..Field::new(&column.name) });
                    }
                    self.set(&mut flow.columns, &column.name, value);
                }
            }
            Operation::Project(columns) => self.project(flow, columns),
            Operation::Rename(pairs) => {
                for (old, new) in pairs {
                    if self.searches.is_some() && old.contains('*') {
                        self.rename_all(flow, old, new);
                        continue;
                    }
                    let value = self.name(old, &flow.columns);
                    flow.columns.known.remove(&self.key(old));
                    let new = self.key(new);
                    flow.columns.set(&new, value);
                }
            }
            Operation::Aggregate { outputs, keys, keeps_rows } => self.aggregate(flow, outputs, keys, *keeps_rows),
            Operation::Extract { from, names, demands } => {
                let value = self.value(from, &flow.columns);
                for name in names {
                    flow.columns.set(name, part_of(&value, name));
                }
                if let Some(demands) = demands {
                    self.filter(flow, demands, false);
                }
            }
            Operation::Each { fields, names } => {
                for name in names {
                    if flow.columns.open.closed || fields.is_empty() {
                        flow.columns.compute(name);
                    } else {
                        let field = Field { from: Some(Rc::clone(fields)), ..Field::new(name) };
                        flow.columns.set(name, Value::Field(field));
                    }
                }
            }
            Operation::Parts { prefix, from } => {
                let value = self.value(from, &flow.columns);
                flow.columns.add_parts(prefix, value);
            }
            Operation::Compute(names) => {
                for name in names {
                    if self.searches.is_some() && name.contains('*') {
                        flow.columns.open.compute(name);
                    } else {
                        flow.columns.compute(name);
                    }
                }
            }
            Operation::Group(keys) => self.group(flow, keys),
            Operation::Bound { label, condition } => self.bound(flow, label, condition),
            Operation::Expand(columns) => self.expand(flow, columns),
            Operation::Join(join) => self.join(flow, join),
            Operation::Beside(beside) => self.beside(flow, beside, stage.span),
            Operation::Rows(rows) => self.list_rows(flow, rows),
            Operation::Lookup(lookup) => self.lookup(flow, lookup, stage.span),
            Operation::Branches { branches, selector } => self.branches(flow, branches, selector.as_ref()),
            Operation::KeyJoin(_)
            | Operation::AddressLookup(_)
            | Operation::Union { .. }
            | Operation::ForEach { .. }
            | Operation::Fork { .. }
            | Operation::Save(_)
            | Operation::Invoke { .. }
            | Operation::Unpack { .. }
            | Operation::Reshape { .. }
            | Operation::Open
            | Operation::Nodes(_)
            | Operation::Match(_) => self.script_stage(flow, &stage.operation),
            Operation::Sort => {}
            Operation::Opaque(reason) => {
                let node = self.opaque(reason, stage.span);
                flow.push(node);
            }
        }
    }

    /// Makes each column one of the elements of what it was.
    fn expand(&mut self, flow: &mut Flow<'p>, columns: &'p [Column]) {
        for column in columns {
            let value = self.value(&column.value, &flow.columns);
            let element = match value {
                Value::Collected(_, element) => (*element).clone(),
                Value::List(list) => Value::either(list.iter().cloned().map(Value::Const), &|| Rc::clone(&column.name)),
                other => other,
            };
            flow.columns.set(&column.name, element);
        }
    }

    /// Runs stages over the elements of columns: rows without an element that passes fall away.
    fn for_each(&mut self, flow: &mut Flow<'p>, columns: &'p [Column], stages: &'p [Stage]) {
        if !self.budget.work(flow.columns.known.len() / 4) {
            return self.report_budget();
        }
        let mut inner = Flow {
            columns: flow.columns.clone(),
            sources: flow.sources.clone(),
            stage: flow.stage,
            span: flow.span,
            ..Flow::default()
        };
        self.expand(&mut inner, columns);
        if !self.enter() {
            return flow.push(self.beyond_budget(flow.span));
        }
        self.stages(&mut inner, stages);
        self.leave();
        flow.nodes.append(&mut inner.nodes);
        flow.columns.known.extend(inner.columns.known);
    }

    /// Puts each part of a filter that must hold to the step whose events it is about. Comparisons of two tables'
    /// columns in the condition of a join are its keys.
    fn filter(&mut self, flow: &mut Flow<'p>, condition: &'p Expr, is_join: bool) {
        let conjuncts = match &condition.kind {
            ExprKind::All(children) => children.as_slice(),
            _ => std::slice::from_ref(condition),
        };
        for conjunct in conjuncts {
            if select_branches(flow, conjunct).is_some() || self.is_anti_join(flow, conjunct) {
                continue;
            }
            let before = self.sub_queries;
            self.owner = Owner::Nobody;
            self.is_choice = false;
            let side = Side { is_join, ..Side::default() };
            let node = self.condition(conjunct, &flow.columns, side);
            flow.is_restricted |= self.sub_queries > before;
            if let Some(node) = node {
                if self.semantics.scripts.is_some() && node.as_constant() == Some(false) {
                    let message = "with the values in the query this condition never holds";
                    self.diagnostics.push(Diagnostic::note("condition never holds", message).at(conjunct.span));
                }
                let owner = self.owner;
                self.keep(flow, node, owner);
            }
        }
        // What is filtered is a list of values no longer known as a whole.
        if let Some(list) = flow.columns.list.clone().filter(|list| !list.is_empty()) {
            for value in flow.columns.known.values_mut().filter(|value| matches!(value, Value::List(_))) {
                *value = Value::Named(Rc::clone(&list));
            }
        }
    }

    pub fn project(&mut self, flow: &mut Flow<'p>, items: &'p [Column]) {
        let keeps_all = items.iter().any(|item| matches!(item.value.kind, ExprKind::AnyField));
        let mut made = Vec::new();
        for item in items.iter().filter(|item| !matches!(item.value.kind, ExprKind::AnyField)) {
            made.push((&item.name, self.value(&item.value, &flow.columns)));
        }
        if !keeps_all && self.semantics.scripts.is_some() {
            flow.columns = Columns { list: flow.columns.list.take(), ..Columns::nowhere() };
        } else if !keeps_all {
            flow.columns.known.clear();
        }
        for (name, value) in made {
            self.set(&mut flow.columns, name, value);
        }
    }

    /// Gives a name to a value.
    fn set(&self, columns: &mut Columns<'p>, name: &Rc<str>, value: Value<'p>) {
        let value = match value {
            Value::Computed(_) if self.semantics.computed_by_name => Value::computed(Rc::clone(name)),
            value => value,
        };
        columns.set(&self.key(name), value);
    }

    fn join(&mut self, flow: &mut Flow<'p>, join: &'p Join) {
        let leg = self.leg(&join.right, &join.label, join.kind == JoinKind::Anti);
        if self.budget.work(leg.columns.known.len() / 4) {
            flow.columns.join(&leg.columns, leg.leg, join.kind == JoinKind::Outer);
        } else {
            self.report_budget();
        }
        if let Some(on) = &join.on {
            self.filter(flow, on, true);
        }
    }

    /// Columns of a list are missing where it has no row for the event's key.
    fn lookup(&mut self, flow: &mut Flow<'p>, lookup: &'p Lookup, span: Span) {
        let key = lookup.key.as_ref().and_then(|key| self.value(key, &flow.columns).origin());
        let listed =
            |value: Value<'p>, found: &Rc<Resolved>| Rc::new(Listed { found: Found::Where(Rc::clone(found)), value });
        let found = key.as_ref().map(|key| {
            let mut predicate = ruleatlas_model::Predicate::new(&**key, ruleatlas_model::Op::InList, [&*lookup.list]);
            predicate.span = span;
            Rc::new(Resolved { node: Some(Rc::new(predicate.into())), owner: Owner::One(None) })
        });
        if let Some(node) = found.as_ref().and_then(|found| self.resolved_again(found)) {
            match lookup.kind {
                JoinKind::Outer => {}
                JoinKind::Inner => flow.push(node),
                JoinKind::Anti => flow.push(node.not()),
            }
        }
        let row = found.as_ref().map(|found| listed(Value::field(""), found));
        if !lookup.tables.is_empty() {
            let names = lookup.tables.clone();
            flow.columns.tables.push(Table { names, step: None, is_outer: true, known: None, row });
            return;
        }
        match &lookup.names {
            None => flow.columns.looked_up = row,
            Some(names) => {
                for name in names {
                    let field = Value::Field(Field { from: key.clone(), ..Field::new(name) });
                    let value = match &found {
                        Some(found) => Value::Listed(listed(field, found)),
                        None => Value::computed(Rc::clone(name)),
                    };
                    flow.columns.set(name, value);
                }
            }
        }
    }

    /// Rows go through every branch, so what one of them lets through is enough.
    fn branches(&mut self, flow: &mut Flow<'p>, branches: &'p [Vec<Stage>], selector: Option<&(Rc<str>, Rc<str>)>) {
        let before = std::mem::take(&mut flow.columns);
        let mut alternatives = Vec::new();
        // A name that stands for other things in other branches is known of a row only with its branch.
        let mut counts: FxHashMap<Rc<str>, (usize, bool)> = FxHashMap::default();
        for stages in branches {
            if !self.budget.work(before.known.len() / 4) {
                self.report_budget();
                break;
            }
            let mut branch = Flow { columns: before.clone(), stage: flow.stage, ..Flow::default() };
            self.stages(&mut branch, stages);
            flow.is_restricted |= branch.is_restricted;
            alternatives.push(Node::all(branch.nodes.into_iter().map(|conjunct| conjunct.node)));
            for (name, value) in branch.columns.known {
                let (count, differs) = counts.entry(Rc::clone(&name)).or_default();
                *count += 1;
                *differs |= flow.columns.known.get(&name).is_some_and(|known| !known.is_same(&value));
                flow.columns.known.insert(name, value);
            }
        }
        for (name, (count, differs)) in counts {
            if differs || count != alternatives.len() {
                flow.columns.compute(&name);
            }
        }
        if !alternatives.is_empty() {
            let copies = self.copied(&alternatives);
            flow.fork =
                selector.map(|selector| Fork { selector: selector.clone(), at: flow.nodes.len(), branches: copies });
            let node = Node::any(alternatives);
            flow.nodes.push(Conjunct { node, is_choice: false, span: flow.span });
        }
        if let Some((name, _)) = selector {
            flow.columns.compute(name);
        }
    }
}

/// What names stand for in a union: any of what they stand for in its legs.
fn merged<'p>(parts: &[Columns<'p>]) -> Columns<'p> {
    let mut columns = Columns::default();
    let mut names: Vec<Rc<str>> = parts.iter().flat_map(|part| part.known.keys().cloned()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let values = parts.iter().map(|part| part.known.get(&name).cloned().unwrap_or_else(|| Value::field(&name)));
        let value = Value::either(values, &|| Rc::clone(&name));
        columns.known.insert(name, value);
    }
    columns
}

/// Where a filter asks which branch of the last branching a row comes from: that branching is of these alone.
fn select_branches(flow: &mut Flow<'_>, conjunct: &Expr) -> Option<()> {
    let fork = flow.fork.as_mut()?;
    let (name, value) = &fork.selector;
    let is_selector = |expr: &Expr| matches!(&expr.kind, ExprKind::Name(other) if other == name);
    let constant = |expr: &Expr| match &expr.kind {
        ExprKind::Const(constant) => Some(Rc::clone(&constant.text)),
        _ => None,
    };
    let ExprKind::Compare(Comparison { relation: Relation::Equal, negated, .. }, left, right) = &conjunct.kind else {
        return None;
    };
    let wanted: Vec<Rc<str>> = match right {
        Operand::One(right) if is_selector(left) => vec![constant(right)?],
        Operand::One(right) if is_selector(right) => vec![constant(left)?],
        Operand::AnyOf(items) if is_selector(left) => items.iter().map(constant).collect::<Option<_>>()?,
        _ => return None,
    };
    let is_selected = |number: usize| wanted.iter().any(|wanted| **wanted == *format!("{value}{number}"));
    let kept = fork.branches.iter().enumerate().filter(|(at, _)| is_selected(at + 1) != *negated);
    let node = Node::any(kept.map(|(_, branch)| branch.clone()));
    flow.nodes.get_mut(fork.at)?.node = node;
    flow.fork = None;
    Some(())
}
