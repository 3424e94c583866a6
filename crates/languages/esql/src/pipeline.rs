//! The walk over the stages: what each name stands for, and what each filter demands.

use std::{collections::HashMap, rc::Rc};

use ruleatlas_model::{Condition, DataSource, Diagnostic, Missing, Node, Opaque, SourceKind, Span};

use crate::{
    Esql,
    ast::{Command, Comparison, Constant, Definition, Expr, Kind, Link, Stage},
    parser::named,
};

/// How much may come of one query: names that are made of names can stand for far more than was written.
const BUDGET: usize = 100_000;

/// Branches that a `fork` may have; Elasticsearch allows eight.
const MAX_BRANCHES: usize = 64;

pub(crate) struct Lowering<'q> {
    pub text: &'q str,
    pub languages: &'q Esql<'q>,
    /// The pipe segment that is read now, from 0.
    pub stage: u32,
    pub diagnostics: Vec<Diagnostic>,
    names: HashMap<Rc<str>, Link>,
    budget: usize,
    sources: Vec<DataSource>,
    /// Pipelines in the place of an index, each a step of its own.
    legs: Vec<Condition>,
    /// By an aggregate's name, which rows it is of.
    aggregates: HashMap<Rc<str>, Rows>,
    /// Rows that a filter on an aggregate demands, each a step of its own.
    demanded: Vec<Condition>,
}

/// Which rows an aggregate is of.
struct Rows {
    condition: Link,
    /// Whether the condition stands behind the aggregate's own `where`.
    explicit: bool,
    stage: u32,
    /// Whether a filter has asked for such rows.
    is_demanded: bool,
}

impl<'q> Lowering<'q> {
    pub fn new(text: &'q str, languages: &'q Esql<'q>) -> Self {
        Self {
            text,
            languages,
            stage: 0,
            diagnostics: Vec::new(),
            names: HashMap::new(),
            budget: text.len().saturating_mul(2).saturating_add(BUDGET),
            sources: Vec::new(),
            legs: Vec::new(),
            aggregates: HashMap::new(),
            demanded: Vec::new(),
        }
    }

    /// The steps of a query: pipelines in the place of an index, then what filters their rows together.
    pub fn run(mut self, stages: &[Stage]) -> (Vec<Condition>, Vec<Diagnostic>) {
        let conjuncts = self.pipeline(stages, None);
        let mut steps = std::mem::take(&mut self.legs);
        if steps.is_empty() || !conjuncts.is_empty() || !self.sources.is_empty() {
            let mut whole = Condition::new(Node::all(conjuncts));
            whole.sources = std::mem::take(&mut self.sources);
            steps.push(whole);
        }
        steps.append(&mut self.demanded);
        let mut idle: Vec<_> = self.aggregates.iter().filter(|(_, rows)| rows.explicit && !rows.is_demanded).collect();
        idle.sort_by_key(|(_, rows)| rows.condition.span);
        for (name, rows) in idle {
            let message = format!("`{name}` aggregates only some rows; its condition selects no event.");
            self.diagnostics.push(Diagnostic::note("condition of an aggregate", message).at(rows.condition.span));
        }
        (steps, self.diagnostics)
    }

    /// What the stages demand; stages of a branch count as the stage that the branch stands in.
    fn pipeline(&mut self, stages: &[Stage], branch_of: Option<u32>) -> Vec<Node> {
        let mut conjuncts = Vec::new();
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
                    self.demand_rows(&condition);
                    conjuncts.extend(self.condition(&condition, Missing::Null));
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
                Command::Enrich { on, names } => {
                    let origin = on.as_ref().map(|on| self.resolve(&named(on, stage.span)));
                    let origin = origin.as_ref().and_then(|origin| origin.first_field().cloned());
                    for name in names {
                        let kind = Kind::Field { name: Rc::clone(name), derived_from: origin.clone() };
                        self.names.insert(Rc::clone(name), Expr::new(kind, stage.span));
                    }
                }
                Command::Compute(names) => names.iter().for_each(|name| self.compute(name, stage.span)),
                Command::Fork(branches) => conjuncts.extend(self.fork(branches, stage.span)),
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
            condition.label = "subquery".to_owned();
            self.legs.push(condition);
            self.names.extend(outer);
        }
        self.sources.extend(patterns.iter().map(|pattern| DataSource::new(SourceKind::Index, &**pattern)));
    }

    /// After an aggregation only its own names are left; those it groups by stay what they were.
    fn stats(&mut self, aggregates: &[Definition], by: &[Definition], inline: bool) {
        let groups: Vec<_> = by.iter().map(|group| (Rc::clone(&group.name), self.resolve(&group.value))).collect();
        let rows: Vec<_> = aggregates.iter().map(|aggregate| self.rows_of(aggregate)).collect();
        if !inline {
            self.names.clear();
        }
        self.names.extend(groups);
        for (aggregate, rows) in aggregates.iter().zip(rows) {
            match rows {
                Some(rows) => self.aggregates.insert(Rc::clone(&aggregate.name), rows),
                None => self.aggregates.remove(&aggregate.name),
            };
            self.compute(&aggregate.name, aggregate.value.span);
        }
    }

    /// The rows that an aggregate is of: those of its `where`, or of `sum(case(condition, 1, 0))` and its kin.
    fn rows_of(&self, aggregate: &Definition) -> Option<Rows> {
        let rows = |condition, explicit| Rows { condition, explicit, stage: self.stage, is_demanded: false };
        if let Some(filter) = &aggregate.filter {
            return Some(rows(self.resolve(filter), true));
        }
        let Kind::Call { name, arguments } = &aggregate.value.kind else { return None };
        let [only] = arguments.as_slice() else { return None };
        if !["sum", "max", "count", "count_distinct", "values"].contains(&&**name) {
            return None;
        }
        let only = self.resolve(only);
        let Kind::Call { name, arguments } = &only.kind else { return None };
        let (condition, value, rest) = match (&**name, arguments.as_slice()) {
            ("case", [condition, value]) => (condition, value, None),
            ("case", [condition, value, rest]) => (condition, value, Some(rest)),
            _ => return None,
        };
        let is_nothing = |link: &Link| match link.constant() {
            Some(Constant::Number(number)) => number.parse() == Ok(0.0_f64),
            Some(Constant::Null | Constant::Boolean(false)) => true,
            _ => false,
        };
        (rest.is_none_or(is_nothing) && !is_nothing(value)).then(|| rows(Rc::clone(condition), false))
    }

    /// What a filter on aggregates says of the rows behind them: a count that must not be 0 is of rows that are there,
    /// which is a step of its own.
    fn demand_rows(&mut self, filter: &Link) {
        let conjuncts =
            if let Kind::All(children) = &filter.kind { children.as_slice() } else { std::slice::from_ref(filter) };
        for conjunct in conjuncts {
            let Some(name) = demanded(conjunct) else { continue };
            let Some(rows) = self.aggregates.get_mut(&name).filter(|rows| !rows.is_demanded) else { continue };
            rows.is_demanded = true;
            let (condition, stage) = (Rc::clone(&rows.condition), rows.stage);
            let here = std::mem::replace(&mut self.stage, stage);
            let root = self.condition(&condition, Missing::Null);
            self.stage = here;
            if let Some(root) = root.filter(|root| root.as_constant().is_none()) {
                let sources = self.sources.clone();
                self.demanded.push(Condition { label: format!("rows of {name}"), sources, ..Condition::new(root) });
            }
        }
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
                let kind = Kind::Field { name: Rc::clone(name), derived_from: origin.clone() };
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
                None => Kind::Field { name: Rc::clone(name), derived_from: None },
            },
            Kind::Field { .. } | Kind::Computed(_) | Kind::Constant(_) | Kind::Broken(_) => return Rc::clone(expr),
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

    /// Takes `cost` from what may still come of the query; whether it was there.
    pub fn spend(&mut self, cost: usize) -> bool {
        let enough = self.budget >= cost;
        self.budget = self.budget.saturating_sub(cost);
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

/// The aggregate that a comparison demands to be of at least one row.
fn demanded(conjunct: &Link) -> Option<Rc<str>> {
    let name = |link: &Link| if let Kind::Computed(name) = &link.kind { Some(Rc::clone(name)) } else { None };
    match &conjunct.kind {
        Kind::Compare { op, left, right } => {
            let Some(Constant::Number(number)) = right.constant() else { return None };
            let number: f64 = number.parse().ok()?;
            let is_some = match op {
                Comparison::Gt => number >= 0.0,
                Comparison::Gte | Comparison::Eq => number > 0.0,
                Comparison::Ne => number == 0.0,
                _ => false,
            };
            name(left).filter(|_| is_some)
        }
        Kind::IsNull { subject, negated: true } => name(subject),
        _ => None,
    }
}
