//! Searches that stand beside others, groups of events, and columns of lists.

use std::rc::Rc;

use ruleatlas_model::Span;

use crate::columns::Columns;
use crate::condition::Side;
use crate::engine::{Engine, Flow, IN_ORDER};
use crate::open::{Beyond, OpenList, captured};
use crate::plan::{Beside, Expr, ExprKind, ListRows};
use crate::value::{Computed, Cut, Letters, Value};

impl<'p> Engine<'p, '_> {
    /// A search whose rows are added or joined: a step of its own.
    pub fn beside(&mut self, flow: &mut Flow<'p>, beside: &'p Beside, span: Span) {
        if !self.enter() {
            let node = self.beyond_budget(span);
            return flow.push(node);
        }
        let slot = self.reserve(IN_ORDER);
        let mut inner = Flow::default();
        if beside.continues {
            if self.budget.work(flow.columns.known.len() / 4) {
                inner.columns = flow.columns.clone();
            } else {
                self.report_budget();
            }
        }
        let outer = (std::mem::take(&mut self.owner), self.is_choice);
        self.stages(&mut inner, &beside.stages);
        (self.owner, self.is_choice) = outer;
        let reads_events = !inner.nodes.is_empty() || !inner.sources.is_empty();
        if beside.continues && !inner.nodes.is_empty() {
            // It goes on with the events of the pipeline, which `reads` has while a stage of it is read.
            let mut sources = self.reads.clone();
            sources.append(&mut inner.sources);
            inner.sources = sources;
        }
        let absent = self.absent;
        self.fill(slot, &inner, beside.label.to_string(), absent);
        self.make_optional(slot, beside.keys.is_some());
        let beyond = if reads_events { Beyond::Step(slot) } else { Beyond::Rows };
        self.take_over(&mut flow.columns, inner.columns, slot, beside.keys.as_deref(), beyond);
        self.leave();
    }

    /// Takes over the names of a search beside this one, `keys` and names that exist left out.
    ///
    /// Without keys the rows stand below each other: there the fields that this search may have stay its own.
    fn take_over(
        &mut self,
        columns: &mut Columns<'p>,
        other: Columns<'p>,
        slot: usize,
        keys: Option<&[Rc<str>]>,
        beyond: Beyond,
    ) {
        if !self.budget.work(other.known.len() / 4) {
            return self.report_budget();
        }
        let is_closed = columns.open.closed;
        columns.open.take_over(&other.open, beyond);
        let is_own = |value: &Value<'p>| {
            keys.is_none() && !is_closed && (matches!(value, Value::Field(_)) || value.group_step().is_some())
        };
        for (name, value) in other.known {
            let is_key = keys.is_some_and(|keys| keys.contains(&name));
            if !is_key && !is_own(&value) {
                columns.known.entry(name).or_insert_with(|| value.of_step(Some(slot)));
            }
        }
    }

    /// Whether a filter asks that a column is missing which a joined search gives: that must find nothing.
    pub fn is_anti_join(&mut self, flow: &Flow<'p>, conjunct: &'p Expr) -> bool {
        let ExprKind::Presence { of, present: false, .. } = &conjunct.kind else { return false };
        let ExprKind::Name(name) = &of.kind else { return false };
        if self.searches.is_none() {
            return false;
        }
        let value = self.name(name, &flow.columns);
        let step = match &value {
            Value::Field(field) => field.step,
            value => value.group_step().flatten(),
        };
        step.is_some_and(|step| self.is_joined(step) && self.require(step, true))
    }

    /// The first or the last event of each group: a step of its own.
    pub fn bound(&mut self, flow: &Flow<'p>, label: &str, condition: &'p Expr) {
        let slot = self.reserve(IN_ORDER);
        let outer = (self.owner, self.is_choice);
        self.is_choice = false;
        // What it chooses is read by this step.
        let reads = self.reads.clone();
        let node = self.condition(condition, &flow.columns, Side::default());
        let sources = std::mem::replace(&mut self.reads, reads);
        // Whether the pipeline has a source is asked of what it reads again.
        self.known_reads = self.reads.iter().cloned().collect();
        if let Some(node) = node.filter(|node| node.as_constant() != Some(true)) {
            let mut step = Flow { sources, stage: flow.stage, span: flow.span, ..Flow::default() };
            step.push_of(node, self.is_choice);
            let absent = self.absent;
            self.fill(slot, &step, label.to_owned(), absent);
            self.make_optional(slot, false);
        }
        (self.owner, self.is_choice) = outer;
    }

    /// Puts the events of `keys` together: all other names stand for what the group has.
    pub fn group(&mut self, flow: &mut Flow<'p>, keys: &[Rc<str>]) {
        let mut kept = Vec::new();
        for key in keys.iter().filter(|key| !key.contains('*')) {
            kept.push((Rc::clone(key), self.name(key, &flow.columns)));
        }
        if !self.budget.work(flow.columns.known.len() / 4) {
            return self.report_budget();
        }
        let chooses = |name: &str| self.searches.is_some_and(|searches| (searches.chooses)(name, &[]).is_some());
        for (name, value) in &mut flow.columns.known {
            let step = match value {
                Value::Const(_) | Value::Time(_) | Value::Computed(_) | Value::Collected(..) => continue,
                Value::Field(field) => field.step,
                _ => None,
            };
            if !chooses(name) {
                *value = Value::Computed(Computed { is_of_group: true, step, ..Computed::new(Rc::clone(name)) });
            }
        }
        flow.columns.known.extend(kept);
        flow.columns.open.group(&Rc::from("*"), &Rc::from("*"));
    }

    /// Renames all names of a pattern.
    pub fn rename_all(&mut self, flow: &mut Flow<'p>, from: &Rc<str>, to: &Rc<str>) {
        if !self.budget.work(flow.columns.known.len() / 4) {
            return self.report_budget();
        }
        if !flow.columns.open.rename(from, to) {
            return;
        }
        let known = &mut flow.columns.known;
        let matching: Vec<(Rc<str>, Rc<str>)> = known
            .keys()
            .filter_map(|name| Some((Rc::clone(name), to.replacen('*', captured(from, name)?, 1).into())))
            .collect();
        let values: Vec<_> =
            matching.iter().filter_map(|(old, new)| Some((Rc::clone(new), known.remove(old)?))).collect();
        known.extend(values);
    }

    /// Adds columns of a list.
    pub fn list_rows(&mut self, flow: &mut Flow<'p>, rows: &'p ListRows) {
        let mut keys = Vec::new();
        for (column, value) in &rows.keys {
            let key = match (self.value(value, &flow.columns), &value.kind) {
                // What is looked up is its truth value, by its name.
                (Value::Condition(_), ExprKind::Name(name)) => Value::computed(Rc::clone(name)),
                (key, _) => key,
            };
            keys.push((Rc::clone(column), key));
        }
        let keys = Rc::new(keys);
        let Some(names) = &rows.names else {
            let list = OpenList { list: Rc::clone(&rows.list), keys, joined: rows.joined, whole: rows.whole };
            return flow.columns.open.add_list(list);
        };
        for (column, name) in names {
            flow.columns.set(name, Value::looked(&rows.list, column, &keys, rows.whole));
        }
    }
}

/// What an aggregation gives of a value is asked of a group of events, and of none of them.
pub(crate) fn of_group<'p>(value: Value<'p>, text: &Rc<str>, collects: bool) -> Value<'p> {
    let of_group = |step| Value::Computed(Computed { is_of_group: true, step, ..Computed::new(Rc::clone(text)) });
    match value {
        Value::Field(field) if collects => Value::collected(text, Value::Field(field)),
        Value::Field(field) => of_group(field.step),
        collected @ Value::Collected(..) => Value::collected(text, collected),
        value => match value.group_step() {
            Some(step) => of_group(step),
            None => Value::computed(Rc::clone(text)),
        },
    }
}

/// A name that is cut out of a value.
pub(crate) fn part_of<'p>(value: &Value<'p>, name: &Rc<str>) -> Value<'p> {
    if let Some(step) = value.group_step() {
        return Value::Computed(Computed { is_of_group: true, step, ..Computed::new(Rc::clone(name)) });
    }
    if matches!(value, Value::Named(_)) {
        return value.clone();
    }
    match value.origin_with_step() {
        Some((from, step)) => Value::Cut(Cut { from, step, text: None, letters: Letters::AsWritten }),
        None => Value::computed(Rc::clone(name)),
    }
}
