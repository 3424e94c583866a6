//! The walk over the stages: what each name stands for, and what each filter demands.

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
    rc::Rc,
};

use ruleatlas_core::Budget;
use ruleatlas_model::{Condition, DataSource, Diagnostic, Missing, Node, Opaque, SourceKind, Span};

use crate::{
    Esql,
    ast::{Command, Comparison, Constant, Definition, Expr, Kind, Link, Lookup, Stage},
    parser::named,
};

/// What a pipeline in the place of an index is called.
const SUBQUERY: &str = "subquery";

/// Branches that a `fork` may have; Elasticsearch allows eight.
const MAX_BRANCHES: usize = 64;

pub(crate) struct Lowering<'q> {
    pub text: &'q str,
    pub languages: &'q Esql<'q>,
    /// The pipe segment that is read now, from 0.
    pub stage: u32,
    pub diagnostics: Vec<Diagnostic>,
    names: HashMap<Rc<str>, Link>,
    budget: &'q mut Budget,
    sources: Vec<DataSource>,
    /// Pipelines in the place of an index, each a step of its own.
    legs: Vec<Condition>,
    /// Prefixes of names that are parts of something, with the field it is; the last first.
    prefixes: Vec<(Rc<str>, Link)>,
    /// The last lookup index that was joined, whose columns are not known.
    joined: Option<Rc<Lookup>>,
    /// The events' fields that were named so far.
    named: RefCell<HashSet<Rc<str>>>,
}

impl<'q> Lowering<'q> {
    /// Names that are made of names can stand for far more than was written: for as much as `budget` allows.
    pub fn new(text: &'q str, languages: &'q Esql<'q>, budget: &'q mut Budget) -> Self {
        Self {
            text,
            languages,
            stage: 0,
            diagnostics: Vec::new(),
            names: HashMap::new(),
            budget,
            sources: Vec::new(),
            legs: Vec::new(),
            prefixes: Vec::new(),
            joined: None,
            named: RefCell::new(HashSet::new()),
        }
    }

    /// The steps of a query: pipelines in the place of an index, then what filters their rows together, then those whose
    /// values a filter compares with.
    pub fn run(mut self, stages: &[Stage]) -> (Vec<Condition>, Vec<Diagnostic>) {
        let conjuncts = self.pipeline(stages, None);
        let (mut steps, queries): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.legs).into_iter().partition(|leg| leg.label == SUBQUERY);
        if steps.is_empty() || !conjuncts.is_empty() || !self.sources.is_empty() {
            let mut whole = Condition::new(Node::all(conjuncts));
            whole.sources = std::mem::take(&mut self.sources);
            steps.push(whole);
        }
        steps.extend(queries);
        (steps, self.diagnostics)
    }

    /// What the stages demand; stages of a branch count as the stage that the branch stands in.
    fn pipeline(&mut self, stages: &[Stage], branch_of: Option<u32>) -> Vec<Node> {
        let mut conjuncts = Vec::new();
        // The branches of the last `fork`, and the conjunct that they are.
        let mut forked: Option<(usize, Vec<Node>)> = None;
        for stage in stages {
            self.stage = branch_of.unwrap_or(stage.index);
            match &stage.command {
                Command::From { patterns, pipelines } => self.from(patterns, pipelines),
                Command::Eval(definitions) => {
                    for definition in definitions {
                        let value = self.resolve(&definition.value);
                        self.names.insert(Rc::clone(&definition.name), value);
                    }
                }
                Command::Where(condition) => {
                    let condition = self.resolve(condition);
                    for conjunct in conjuncts_of(&condition) {
                        if let Some((at, branches)) = &mut forked
                            && let Some(selected) = selected_branches(conjunct, branches.len())
                            && let Some(fork) = conjuncts.get_mut(*at)
                        {
                            let mut kept = selected.iter();
                            branches.retain(|_| kept.next() == Some(&true));
                            *fork = Node::any(branches.iter().cloned());
                            forked = None;
                        } else if !self.compare_with_query(conjunct, false) {
                            conjuncts.extend(self.condition(conjunct, Missing::Null));
                        }
                    }
                }
                Command::Stats { aggregates, by, inline } => self.stats(aggregates, by, *inline),
                Command::Rename(pairs) => {
                    for (old, new) in pairs {
                        let value = self.resolve(&named(old, stage.span));
                        self.names.remove(old);
                        self.names.insert(Rc::clone(new), value);
                    }
                }
                Command::Cut { source, names } => self.cut(source, names, stage.span),
                Command::Enrich { policy, on, names } => {
                    let origin = on.as_ref().map(|on| self.resolve(&named(on, stage.span)));
                    let origin = origin.as_ref().and_then(|origin| origin.first_field().cloned());
                    let lookup =
                        origin.as_ref().map(|key| Rc::new(Lookup { list: Rc::clone(policy), key: Rc::clone(key) }));
                    for name in names {
                        let kind =
                            Kind::Field { name: Rc::clone(name), derived_from: origin.clone(), lookup: lookup.clone() };
                        self.names.insert(Rc::clone(name), Expr::new(kind, stage.span));
                    }
                }
                Command::LookupJoin { index, keys } => {
                    let key = keys.iter().find_map(|key| self.resolve(&named(key, stage.span)).first_field().cloned());
                    if let Some(key) = key {
                        self.joined = Some(Rc::new(Lookup { list: Rc::clone(index), key }));
                    }
                }
                Command::Parts { prefix, source } => {
                    let source = self.resolve(source);
                    self.names.retain(|name, _| !has_prefix(name, prefix));
                    self.prefixes.insert(0, (Rc::clone(prefix), source));
                }
                Command::Expand(name) => {
                    if let Some(Kind::Collected { element, .. }) = self.names.get(name).map(|value| &value.kind) {
                        let element = Rc::clone(element);
                        self.names.insert(Rc::clone(name), element);
                    }
                }
                Command::Compute(names) => names.iter().for_each(|name| self.compute(name, stage.span)),
                Command::Fork(branches) => {
                    if let Some(node) = self.fork(branches, stage.span) {
                        if let Node::Any(branches) = &node {
                            forked = Some((conjuncts.len(), branches.clone()));
                        }
                        conjuncts.push(node);
                    }
                    self.compute(&Rc::from("_fork"), stage.span);
                }
                Command::Neutral => {}
                Command::Broken(reason) => conjuncts.push(self.opaque(reason, stage.span)),
            }
        }
        conjuncts
    }

    fn from(&mut self, patterns: &[Rc<str>], pipelines: &[Vec<Stage>]) {
        for leg in pipelines {
            let outer = std::mem::take(&mut self.names);
            let sources = std::mem::take(&mut self.sources);
            let conjuncts = self.pipeline(leg, None);
            let mut condition = Condition::new(Node::all(conjuncts));
            condition.sources = std::mem::replace(&mut self.sources, sources);
            condition.label = SUBQUERY.to_owned();
            self.legs.push(condition);
            self.names.extend(outer);
        }
        self.sources.extend(patterns.iter().map(|pattern| DataSource::new(SourceKind::Index, &**pattern)));
    }

    /// After an aggregation only its own names are left; those it groups by stay what they were.
    fn stats(&mut self, aggregates: &[Definition], by: &[Definition], inline: bool) {
        let groups: Vec<_> = by.iter().map(|group| (Rc::clone(&group.name), self.resolve(&group.value))).collect();
        let values: Vec<_> = aggregates.iter().map(|aggregate| self.aggregated(aggregate)).collect();
        let conditions: Vec<_> = aggregates.iter().map(|aggregate| self.condition_of(aggregate)).collect();
        if !inline {
            self.names.clear();
            self.prefixes.clear();
            self.joined = None;
        }
        self.names.extend(groups);
        for ((aggregate, value), condition) in aggregates.iter().zip(values).zip(conditions) {
            self.names.insert(Rc::clone(&aggregate.name), value);
            if let Some(span) = condition {
                let message =
                    format!("`{}` aggregates only some rows; its condition selects no event.", aggregate.name);
                self.diagnostics.push(Diagnostic::note("condition of an aggregate", message).at(span));
            }
        }
    }

    /// Where the condition stands that says which rows an aggregate is of: behind its `where`, or in a `case` that it
    /// sums or counts.
    fn condition_of(&self, aggregate: &Definition) -> Option<Span> {
        if let Some(filter) = &aggregate.filter {
            return Some(filter.span);
        }
        let Kind::Call { arguments, .. } = &aggregate.value.kind else { return None };
        arguments.iter().map(|argument| self.resolve(argument)).find_map(|argument| match &argument.kind {
            Kind::Call { name, .. } if &**name == "case" => Some(argument.span),
            _ => None,
        })
    }

    /// What an aggregate gives: something computed of many events. `mv_expand` makes one event's value of a list.
    fn aggregated(&self, aggregate: &Definition) -> Link {
        let name = Rc::clone(&aggregate.name);
        let span = aggregate.value.span;
        if let Kind::Call { name: function, arguments } = &aggregate.value.kind
            && let ("values", [only]) = (&**function, arguments.as_slice())
        {
            return Expr::new(Kind::Collected { name, element: self.resolve(only) }, span);
        }
        Expr::new(Kind::Computed(name), span)
    }

    /// `in (from …)` as a step of its own, which must be absent under a `not`; whether the conjunct is one.
    fn compare_with_query(&mut self, conjunct: &Link, inverted: bool) -> bool {
        match &conjunct.kind {
            Kind::Not(inner) => self.compare_with_query(inner, !inverted),
            Kind::InQuery { query, negated, .. } => {
                self.query(query, *negated != inverted);
                true
            }
            _ => false,
        }
    }

    /// Another query whose rows are compared with, as a step.
    pub fn query(&mut self, stages: &[Stage], absent: bool) {
        let mut inner = Lowering::new(self.text, self.languages, &mut *self.budget);
        let conjuncts = inner.pipeline(stages, None);
        self.diagnostics.append(&mut inner.diagnostics);
        let label = "in subquery".to_owned();
        let sources = std::mem::take(&mut inner.sources);
        self.legs.push(Condition { label, sources, absent, ..Condition::new(Node::all(conjuncts)) });
        self.legs.extend(inner.legs.into_iter().map(|leg| Condition { label: "in subquery".to_owned(), ..leg }));
    }

    fn compute(&mut self, name: &Rc<str>, span: Span) {
        self.names.insert(Rc::clone(name), Expr::new(Kind::Computed(Rc::clone(name)), span));
    }

    fn cut(&mut self, source: &Link, names: &[Rc<str>], span: Span) {
        let source = self.resolve(source);
        let origin = source.first_field().cloned();
        for name in names {
            if origin.is_none() && source.is_computed() {
                self.compute(name, span);
            } else {
                let kind = Kind::Field { name: Rc::clone(name), derived_from: origin.clone(), lookup: None };
                self.names.insert(Rc::clone(name), Expr::new(kind, span));
            }
        }
    }

    /// Rows go through every branch, so what one of them lets through is enough.
    fn fork(&mut self, branches: &[Vec<Stage>], span: Span) -> Option<Node> {
        let stage = self.stage;
        if branches.len() > MAX_BRANCHES {
            return Some(self.opaque("too many branches", span));
        }
        let before = self.names.clone();
        let mut after = HashMap::new();
        let mut alternatives = Vec::new();
        for branch in branches {
            self.names.clone_from(&before);
            let conjuncts = self.pipeline(branch, Some(stage));
            alternatives.push(Node::all(conjuncts));
            after.extend(std::mem::take(&mut self.names));
        }
        self.names = after;
        (!alternatives.is_empty()).then(|| Node::any(alternatives))
    }

    /// The expression with every name replaced by what it stands for.
    fn resolve(&self, expr: &Link) -> Link {
        let all = |children: &[Link]| -> Vec<Link> { children.iter().map(|child| self.resolve(child)).collect() };
        let kind = match &expr.kind {
            Kind::Name(name) => match self.names.get(name) {
                Some(value) => return Rc::clone(value),
                None => self.field(name),
            },
            Kind::Field { .. } | Kind::Computed(_) | Kind::Collected { .. } | Kind::Constant(_) | Kind::Broken(_) => {
                return Rc::clone(expr);
            }
            Kind::InQuery { subject, query, negated } => {
                Kind::InQuery { subject: self.resolve(subject), query: Rc::clone(query), negated: *negated }
            }
            Kind::List(children) => Kind::List(all(children)),
            Kind::Call { name, arguments } => Kind::Call { name: Rc::clone(name), arguments: all(arguments) },
            Kind::Not(child) => Kind::Not(self.resolve(child)),
            Kind::All(children) => Kind::All(all(children)),
            Kind::Any(children) => Kind::Any(all(children)),
            Kind::Compare { op, left, right } => {
                Kind::Compare { op: *op, left: self.resolve(left), right: self.resolve(right) }
            }
            Kind::In { subject, list, negated } => {
                Kind::In { subject: self.resolve(subject), list: all(list), negated: *negated }
            }
            Kind::Like { subject, patterns, regex, negated } => {
                Kind::Like { subject: self.resolve(subject), patterns: all(patterns), regex: *regex, negated: *negated }
            }
            Kind::IsNull { subject, negated } => Kind::IsNull { subject: self.resolve(subject), negated: *negated },
        };
        Expr::new(kind, expr.span)
    }

    /// What a name stands for that no command made.
    fn field(&self, name: &Rc<str>) -> Kind {
        if let Some((_, source)) = self.prefixes.iter().find(|(prefix, _)| has_prefix(name, prefix)) {
            return match source.first_field() {
                Some(origin) => {
                    Kind::Field { name: Rc::clone(name), derived_from: Some(Rc::clone(origin)), lookup: None }
                }
                None => Kind::Computed(Rc::clone(name)),
            };
        }
        let is_new = self.named.borrow_mut().insert(Rc::clone(name));
        // A field that was named before the join is the event's own.
        let lookup = self.joined.clone().filter(|_| is_new);
        if lookup.is_some() {
            self.named.borrow_mut().remove(name);
        }
        Kind::Field { name: Rc::clone(name), derived_from: None, lookup }
    }

    /// Spends what may still come of the query; whether it was there.
    pub fn spend(&mut self, cost: usize) -> bool {
        let enough = !self.budget.is_spent() && self.budget.nodes(cost);
        if !enough {
            self.diagnostics.extend(self.budget.report());
        }
        enough
    }

    /// The query's text at a place, cut short where it is long.
    pub fn excerpt(&self, span: Span) -> &'q str {
        let text = span.of(self.text).unwrap_or_default().trim();
        let end = text.char_indices().nth(400).map_or(text.len(), |(at, _)| at);
        text.get(..end).unwrap_or_default()
    }

    /// A part that was not understood, in this stage.
    pub fn opaque(&self, reason: &str, span: Span) -> Node {
        let text = self.excerpt(span).to_owned();
        Node::Opaque(Box::new(Opaque { text, reason: reason.to_owned(), stage: Some(self.stage), span }))
    }
}

/// The parts of a filter that must all hold.
fn conjuncts_of(filter: &Link) -> &[Link] {
    if let Kind::All(children) = &filter.kind { children.as_slice() } else { std::slice::from_ref(filter) }
}

fn has_prefix(name: &str, prefix: &str) -> bool {
    name.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('.'))
}

/// Which of a fork's branches a filter on `_fork` lets through; the first is `fork1`.
fn selected_branches(conjunct: &Link, count: usize) -> Option<Vec<bool>> {
    let is_fork = |link: &Link| matches!(&link.kind, Kind::Computed(name) if &**name == "_fork");
    let (names, negated) = match &conjunct.kind {
        Kind::Compare { op: op @ (Comparison::Eq | Comparison::Ne), left, right } => {
            let (subject, value) = if is_fork(left) { (left, right) } else { (right, left) };
            let value = value.constant().filter(|_| is_fork(subject))?;
            (vec![value.text()], *op == Comparison::Ne)
        }
        Kind::In { subject, list, negated } if is_fork(subject) => {
            let names: Option<Vec<String>> = list.iter().map(|name| name.constant().map(Constant::text)).collect();
            (names?, *negated)
        }
        _ => return None,
    };
    let is_selected = |branch: usize| names.contains(&format!("fork{}", branch + 1)) != negated;
    Some((0..count).map(is_selected).collect())
}
