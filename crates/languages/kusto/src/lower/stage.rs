//! Pipelines: what each stage filters and which names it makes.

use std::rc::Rc;

use ruleatlas_core::{Piece, fold_pieces};
use ruleatlas_model::{Missing, Modifier, Node, Op, Predicate, Span};

use super::condition::Side;
use super::flow::Flow;
use super::scope::ScopeRef;
use super::value::{Columns, Const, Field, Owner, Value};
use super::{Lowering, Place};
use crate::ast::{Expr, ExprKind, Named, Operator, ParsePiece, Search, Stage};

impl<'a> Lowering<'a, '_> {
    pub(super) fn stage(&mut self, flow: &mut Flow<'a>, stage: &'a Stage<'a>, scope: ScopeRef) {
        self.operator(flow, &stage.operator, stage.span, scope);
    }

    fn operator(&mut self, flow: &mut Flow<'a>, operator: &'a Operator<'a>, span: Span, scope: ScopeRef) {
        match operator {
            Operator::Where(condition) => self.filter(flow, condition, scope),
            Operator::Extend(named) => self.extend(flow, named, scope),
            Operator::Project(named) | Operator::Distinct(named) => self.project(flow, named, scope),
            Operator::ProjectRename(named) => self.extend(flow, named, scope),
            Operator::Summarize { aggregates, by } => self.summarize(flow, aggregates, by, scope),
            Operator::MakeSeries { aggregates, by, .. } => self.summarize(flow, aggregates, by, scope),
            Operator::Join { kind, right, on, lookup } => self.join(flow, *kind, *lookup, right, on, scope),
            Operator::Union(legs) => {
                let left = std::mem::take(flow);
                *flow = self.union(Some(left), legs, scope);
            }
            Operator::MvExpand(items) => self.expand(flow, items, scope),
            Operator::MvApply { items, body } => self.apply(flow, items, body, scope),
            Operator::Parse { subject, pattern, regex, filters } => {
                self.parse_stage(flow, subject, pattern, *regex, *filters, span, scope);
            }
            Operator::ParseKv(subject, columns) => {
                let origin = self.scalar(subject, Place { scope, columns: &flow.columns }).origin();
                for column in columns {
                    flow.columns.set(column, origin.clone().map_or(Value::Computed, Value::Cut));
                }
            }
            Operator::Evaluate(call, columns) => self.evaluate(flow, call, columns.as_deref(), scope),
            Operator::Invoke(call) => self.invoke(flow, call, scope),
            Operator::Search(search) => self.search(flow, search, scope),
            Operator::As(name) => {
                let copy = self.copy_flow(flow);
                self.named_flows.insert(name.to_string(), Rc::new(copy));
            }
            Operator::Count => {
                let list = flow.columns.list.take();
                flow.columns = Columns { open: false, list, ..Columns::default() };
                flow.columns.set("Count", Value::Computed);
            }
            Operator::Partition(body) => {
                for stage in body {
                    self.stage(flow, stage, scope);
                }
            }
            Operator::Fork(branches) => {
                for branch in branches {
                    let slot = self.reserve();
                    let mut leg = self.copy_flow(flow);
                    for stage in branch {
                        leg.stage += 1;
                        self.stage(&mut leg, stage, scope);
                    }
                    self.fill(slot, &leg, "fork branch".to_owned(), self.absent);
                }
            }
            Operator::Scan { steps, columns } => self.scan(flow, steps, columns, scope),
            Operator::Arrange(_) | Operator::Neutral(_) => {}
            Operator::MakeGraph(tables) => {
                let nodes: Vec<_> = tables.iter().map(|table| self.leg(table, scope, "graph nodes", false)).collect();
                flow.nodes_of_graph = nodes.into();
            }
            Operator::GraphMatch { variables, condition, project } => {
                self.graph_match(flow, variables, condition.as_ref(), project, scope);
            }
            Operator::Partial(operator, reason, rest) => {
                self.operator(flow, operator, span, scope);
                flow.push(self.undefined(reason, *rest));
            }
            Operator::Broken(fault) => {
                self.fault(fault);
                flow.push(self.undefined(fault.code, span));
            }
        }
    }

    fn filter(&mut self, flow: &mut Flow<'a>, condition: &'a Expr<'a>, scope: ScopeRef) {
        let before = self.sub_queries;
        let mut nodes = Vec::new();
        for part in super::graph::conjuncts(condition) {
            let place = Place { scope, columns: &flow.columns };
            self.owner.set(Owner::Nobody);
            let node = self.condition(part, place, Side::default());
            nodes.extend(node.map(|node| (node, self.owner.get(), part.span)));
        }
        flow.is_restricted |= self.sub_queries > before;
        // What is filtered is a list of values no longer known as a whole.
        if let Some(list) = flow.columns.list.clone().filter(|list| !list.is_empty()) {
            for value in flow.columns.known.values_mut() {
                if matches!(value, Value::List(_)) {
                    *value = Value::Named(list.clone());
                }
            }
        }
        for (node, owner, span) in nodes {
            self.keep(flow, node, owner, span);
        }
    }

    /// Adds a conjunct to the step whose events it is about: that of a join's right table, where it asks for nothing
    /// else, and the main one otherwise.
    fn keep_in_its_step(&mut self, flow: &mut Flow<'a>, mut node: Node, owner: Owner) {
        let step = match owner {
            Owner::One(step) => step.filter(|_| node.opaques().next().is_none()),
            Owner::Nobody | Owner::Several => None,
        };
        let condition = step.and_then(|step| Some((step, self.steps.get_mut(step)?.as_mut()?)));
        let Some((step, condition)) = condition else { return flow.push(node) };
        let stage = self.leg_stages.get(&step).map_or(0, |stage| stage + 1);
        node.for_each_predicate_mut(&mut |predicate| predicate.stage = Some(stage));
        let root = std::mem::replace(&mut condition.root, Node::always());
        condition.root = Node::all([root, node]);
        // Whoever else uses the leg does not ask for this.
        self.legs.retain(|_, leg| leg.leg != Some(step));
    }

    /// Adds a conjunct, unless it is a constant: a rule whose condition never holds still shows what it asks for.
    fn keep(&mut self, flow: &mut Flow<'a>, node: Node, owner: Owner, span: Span) {
        match node.as_constant() {
            Some(true) => {}
            Some(false) => {
                let message = "with the values in the query this condition never holds";
                let diagnostic = ruleatlas_model::Diagnostic::note("condition never holds", message);
                self.diagnostics.push(diagnostic.at(span));
            }
            None => self.keep_in_its_step(flow, node, owner),
        }
    }

    fn extend(&mut self, flow: &mut Flow<'a>, named: &'a [Named<'a>], scope: ScopeRef) {
        for item in named {
            let value = self.scalar(&item.value, Place { scope, columns: &flow.columns });
            match item.names.as_slice() {
                [] => {
                    if let Some(name) = auto_name(&item.value) {
                        flow.columns.set(&name, value);
                    }
                }
                [name] => flow.columns.set(name, value),
                names => {
                    let part = value.origin().map_or(Value::Computed, Value::Cut);
                    for name in names {
                        flow.columns.set(name, part.clone());
                    }
                }
            }
        }
    }

    pub(super) fn project(&mut self, flow: &mut Flow<'a>, named: &'a [Named<'a>], scope: ScopeRef) {
        let mut columns = Columns { list: flow.columns.list.clone(), ..Columns::default() };
        for item in named {
            if matches!(item.value.kind, ExprKind::Star) {
                columns.joined(&flow.columns);
                columns.open = flow.columns.open;
                continue;
            }
            let value = self.scalar(&item.value, Place { scope, columns: &flow.columns });
            match item.names.as_slice() {
                [] => {
                    if let Some(name) = auto_name(&item.value) {
                        columns.set(&name, value);
                    }
                }
                names => {
                    for name in names {
                        columns.set(name, value.clone());
                    }
                }
            }
        }
        flow.columns = columns;
    }

    /// Names that an expanded array gives: each is an element of what it was made of.
    fn expand(&mut self, flow: &mut Flow<'a>, items: &'a [Named<'a>], scope: ScopeRef) {
        for item in items {
            let value = self.scalar(&item.value, Place { scope, columns: &flow.columns });
            let element = match value {
                Value::List(list) => Value::either(list.iter().cloned().map(Value::Const)),
                Value::Collected(element) => (*element).clone(),
                other => other,
            };
            let name = match item.names.first() {
                Some(name) => Some(name.to_string()),
                None => auto_name(&item.value),
            };
            if let Some(name) = name {
                flow.columns.set(&name, element);
            }
        }
    }

    /// `mv-apply`: the filters of its body are conjuncts, as rows without a matching element fall away.
    fn apply(&mut self, flow: &mut Flow<'a>, items: &'a [Named<'a>], body: &'a [Stage<'a>], scope: ScopeRef) {
        let mut inner = Flow {
            columns: flow.columns.clone(),
            sources: flow.sources.clone(),
            stage: flow.stage,
            is_one_event: true,
            ..Flow::default()
        };
        self.expand(&mut inner, items, scope);
        for stage in body {
            self.stage(&mut inner, stage, scope);
        }
        flow.nodes.append(&mut inner.nodes);
        flow.columns.known.extend(inner.columns.known);
    }

    #[allow(clippy::too_many_arguments)]
    fn parse_stage(
        &mut self,
        flow: &mut Flow<'a>,
        subject: &'a Expr<'a>,
        pattern: &'a [ParsePiece<'a>],
        regex: bool,
        filters: bool,
        span: Span,
        scope: ScopeRef,
    ) {
        let value = self.scalar(subject, Place { scope, columns: &flow.columns });
        let part = match (&value, value.origin()) {
            (_, Some(origin)) => Value::Cut(origin),
            (Value::Named(names), None) => Value::Named(names.clone()),
            _ => Value::Computed,
        };
        for piece in pattern {
            if let ParsePiece::Column(name) = piece {
                flow.columns.set(name, part.clone());
            }
        }
        if !filters {
            return;
        }
        if let (Value::Field(field), false) = (&value, regex) {
            let mut pieces = Vec::new();
            for piece in pattern {
                match piece {
                    ParsePiece::Star | ParsePiece::Column(_) => pieces.push(Piece::Many),
                    ParsePiece::Text(text) => pieces.extend(text.chars().map(Piece::Char)),
                }
            }
            let folded = fold_pieces(&pieces);
            let values = if folded.op == Op::IsNotNull { Vec::new() } else { vec![folded.value] };
            let mut predicate = Predicate::new(&*field.path, folded.op, values);
            predicate.case_sensitive = folded.op != Op::IsNotNull;
            predicate.derived_from = field.from.as_deref().map(str::to_owned);
            predicate.span = span;
            flow.push(predicate.into());
        } else {
            let text = self.snippet(span);
            flow.push(Node::opaque(text, "pattern of parse-where", span));
        }
    }

    pub(super) fn search(&mut self, flow: &mut Flow<'a>, search: &'a Search<'a>, scope: ScopeRef) {
        if let Some(condition) = &search.condition {
            let columns = flow.columns.clone();
            let side = Side { search: true, search_cased: search.case_sensitive, ..Side::default() };
            self.owner.set(Owner::Nobody);
            if let Some(node) = self.condition(condition, Place { scope, columns: &columns }, side) {
                self.keep(flow, node, self.owner.get(), condition.span);
            }
        }
    }

    /// `scan`: rows that match a step are given out; what a step's name stands for is the state of the scan.
    fn scan(
        &mut self,
        flow: &mut Flow<'a>,
        steps: &'a [(std::borrow::Cow<'a, str>, Expr<'a>)],
        declared: &'a [std::borrow::Cow<'a, str>],
        scope: ScopeRef,
    ) {
        for name in steps.iter().map(|(name, _)| name).chain(declared) {
            flow.columns.set(name, Value::Computed);
        }
        let columns = flow.columns.clone();
        let mut nodes = Vec::new();
        for (_, condition) in steps {
            let side = Side { alternative: steps.len() > 1, ..Side::default() };
            match self.condition(condition, Place { scope, columns: &columns }, side) {
                Some(node) => nodes.push(node),
                None => return,
            }
        }
        let node = Node::any(nodes);
        if node.as_constant().is_none() {
            flow.push(node);
        }
    }

    /// A keyword that any column may hold.
    pub(super) fn keyword(text: &str, cased: bool, span: Span) -> Node {
        let inner = text.trim_matches('*');
        let mut predicate = match (text.strip_prefix('*').is_some(), text.strip_suffix('*').is_some()) {
            _ if inner.is_empty() => return Node::always(),
            _ if inner.contains('*') => Predicate::new("", Op::Wildcard, [format!("*{inner}*")]),
            (false, false) => Predicate::new("", Op::Match, [inner]),
            (false, true) => Predicate { modifiers: Modifier::Prefix.into(), ..Predicate::new("", Op::Match, [inner]) },
            (true, false) => Predicate { modifiers: Modifier::Suffix.into(), ..Predicate::new("", Op::Match, [inner]) },
            (true, true) => Predicate::new("", Op::Contains, [inner]),
        };
        predicate.case_sensitive = cased;
        predicate.span = span;
        predicate.missing = Missing::Fails;
        predicate.into()
    }
}

/// The name that Kusto gives a column without one: that of the field in it, for a path its parts joined by `_`.
pub(super) fn auto_name(expr: &Expr<'_>) -> Option<String> {
    match &expr.kind {
        ExprKind::Name(name) => Some(name.to_string()),
        ExprKind::Member(base, name) => Some(format!("{}_{name}", auto_name(base)?)),
        ExprKind::Index(base, index) => match index.as_string() {
            Some(key) => Some(format!("{}_{key}", auto_name(base)?)),
            None => auto_name(base),
        },
        ExprKind::Call(name, arguments) if super::scalar::keeps_name(name) => auto_name(&arguments.first()?.value),
        _ => None,
    }
}

/// A field for a name that nothing defines.
pub(super) fn plain(name: &str) -> Value<'static> {
    Value::Field(Field::new(name))
}

/// A text constant.
pub(super) fn text(text: &str) -> Value<'static> {
    Value::Const(Const::string(text))
}
