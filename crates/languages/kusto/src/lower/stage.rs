//! Pipelines: what each stage filters and which names it makes.

use std::rc::Rc;

use ruleatlas_ir::plan::{
    Aggregate, CaseRule, Column, Comparison, Expr, ExprKind, MissingRule, Operand, Operation, Output, PatternSyntax,
    Relation, Stage,
};
use ruleatlas_model::{Missing, Modifier, Node, Op, Predicate, Span};

use super::scope::ScopeRef;
use super::{Lowering, at, column, function};
use crate::ast::{self, Named, Operator, ParsePiece, Search};

impl<'a> Lowering<'a, '_> {
    /// The stages of the plan that an operator is; the first is `step` stages behind what is before it.
    pub(super) fn stage(&mut self, stage: &'a ast::Stage<'a>, step: u32, scope: ScopeRef, stages: &mut Vec<Stage>) {
        let mut operations = Vec::new();
        if self.enter() {
            self.operator(&stage.operator, stage.span, scope, &mut operations);
            self.leave();
        } else {
            operations.push(Operation::Filter(super::beyond(stage.span)));
        }
        if operations.is_empty() {
            operations.push(Operation::Sort);
        }
        for (place, operation) in operations.into_iter().enumerate() {
            let index = if place == 0 { step } else { 0 };
            stages.push(Stage { operation, index, span: stage.span });
        }
    }

    fn operator(&mut self, operator: &'a Operator<'a>, span: Span, scope: ScopeRef, into: &mut Vec<Operation>) {
        match operator {
            Operator::Where(condition) => into.push(Operation::Filter(self.filter(condition, scope))),
            Operator::Extend(named) | Operator::ProjectRename(named) => self.extend(named, scope, into),
            Operator::Project(named) | Operator::Distinct(named) => {
                into.push(Operation::Project(self.projected(named, scope)));
            }
            Operator::Summarize { aggregates, by } | Operator::MakeSeries { aggregates, by, .. } => {
                into.push(self.summarize(aggregates, by, scope));
            }
            Operator::Join { kind, right, on, lookup } => into.push(self.join(*kind, *lookup, right, on, scope)),
            Operator::Union(legs) => {
                let legs = self.union_legs(legs, scope);
                into.push(Operation::Union { legs, label: Rc::from("union leg") });
            }
            Operator::MvExpand(items) => into.push(Operation::Expand(self.expanded(items, scope))),
            Operator::MvApply { items, body } => {
                let columns = self.expanded(items, scope);
                let outer = std::mem::replace(&mut self.is_of_one_event, true);
                let mut stages = Vec::new();
                for stage in body {
                    self.stage(stage, 0, scope, &mut stages);
                }
                self.is_of_one_event = outer;
                into.push(Operation::ForEach { columns, stages });
            }
            Operator::Parse { subject, pattern, regex, filters } => {
                let from = self.scalar(subject, scope);
                let demands = filters.then(|| self.parsed(subject, pattern, *regex, span, scope));
                let names = pattern.iter().filter_map(|piece| match piece {
                    ParsePiece::Column(name) => Some(Rc::from(&**name)),
                    _ => None,
                });
                into.push(Operation::Extract { from, names: names.collect(), demands });
            }
            Operator::ParseKv(subject, columns) => {
                let from = self.scalar(subject, scope);
                let names = columns.iter().map(|name| Rc::from(&**name)).collect();
                into.push(Operation::Extract { from, names, demands: None });
            }
            Operator::Evaluate(call, columns) => self.evaluate(call, columns.as_deref(), scope, into),
            Operator::Invoke(call) => self.invoke(call, scope, into),
            Operator::Search(search) => {
                into.extend(self.search(search, scope, 0).map(|stage| stage.operation));
            }
            Operator::As(name) => {
                let table = self.number();
                self.saved.insert(name, table);
                into.push(Operation::Save(table));
            }
            Operator::Count => {
                let kind = Aggregate::Compute(Vec::new());
                let outputs = vec![Output { name: Rc::from("Count"), kind, condition: None }];
                into.push(Operation::Aggregate { outputs, keys: Vec::new(), keeps_rows: false });
            }
            Operator::Partition(body) => {
                for stage in body {
                    self.operator(&stage.operator, stage.span, scope, into);
                }
            }
            Operator::Fork(branches) => {
                let branches = branches.iter().map(|branch| {
                    let mut stages = Vec::new();
                    for stage in branch {
                        self.stage(stage, 1, scope, &mut stages);
                    }
                    stages
                });
                into.push(Operation::Fork { branches: branches.collect(), label: Rc::from("fork branch") });
            }
            Operator::Scan { steps, columns } => {
                // Rows that match a step are given out; what a step's name stands for is the state of the scan.
                let names = steps.iter().map(|(name, _)| name).chain(columns);
                into.push(Operation::Compute(names.map(|name| Rc::from(&**name)).collect()));
                let mut conditions: Vec<Expr> =
                    steps.iter().map(|(_, condition)| self.scalar(condition, scope)).collect();
                match conditions.len() {
                    0 => {}
                    1 => into.extend(conditions.pop().map(Operation::Filter)),
                    _ => into.push(Operation::Filter(at(ExprKind::Any(conditions), span))),
                }
            }
            Operator::Arrange(_) | Operator::Neutral(_) => {}
            Operator::MakeGraph(tables) => into.push(self.make_graph(tables, scope)),
            Operator::GraphMatch { variables, condition, project } => {
                into.push(self.graph_match(variables, condition.as_ref(), project, scope));
            }
            Operator::Partial(operator, reason, rest) => {
                self.operator(operator, span, scope, into);
                into.push(Operation::Filter(Expr::opaque(reason, *rest)));
            }
            Operator::Broken(fault) => {
                self.fault(fault);
                into.push(Operation::Filter(Expr::opaque(fault.code, span)));
            }
        }
    }

    /// A condition of which each part that must hold stands by itself.
    fn filter(&mut self, condition: &'a ast::Expr<'a>, scope: ScopeRef) -> Expr {
        let parts = super::graph::conjuncts(condition);
        let parts: Vec<Expr> = parts.into_iter().map(|part| self.scalar(part, scope)).collect();
        at(ExprKind::All(parts), condition.span)
    }

    fn extend(&mut self, named: &'a [Named<'a>], scope: ScopeRef, into: &mut Vec<Operation>) {
        let mut columns: Vec<Column> = Vec::new();
        for item in named {
            let value = self.scalar(&item.value, scope);
            match item.names.as_slice() {
                [] => columns.extend(auto_name(&item.value).map(|name| column(name, value))),
                [name] => columns.push(column(&**name, value)),
                names => {
                    into.push(Operation::Extend(std::mem::take(&mut columns)));
                    let names = names.iter().map(|name| Rc::from(&**name)).collect();
                    into.push(Operation::Extract { from: value, names, demands: None });
                }
            }
        }
        into.push(Operation::Extend(columns));
    }

    pub(super) fn projected(&mut self, named: &'a [Named<'a>], scope: ScopeRef) -> Vec<Column> {
        let mut columns = Vec::new();
        for item in named {
            if matches!(item.value.kind, ast::ExprKind::Star) {
                columns.push(column("*", at(ExprKind::AnyField, item.value.span)));
                continue;
            }
            let value = self.scalar(&item.value, scope);
            match item.names.as_slice() {
                [] => columns.extend(auto_name(&item.value).map(|name| column(name, value))),
                [name] => columns.push(column(&**name, value)),
                names => {
                    // All of them are what the value is.
                    if !self.budget.work(names.len().saturating_mul(1 + usize::from(item.value.height))) {
                        self.diagnostics.extend(self.budget.report());
                        continue;
                    }
                    columns.extend(names.iter().map(|name| column(&**name, value.clone())));
                }
            }
        }
        columns
    }

    /// Names that an expanded array gives: each is an element of what it was made of.
    fn expanded(&mut self, items: &'a [Named<'a>], scope: ScopeRef) -> Vec<Column> {
        let mut columns = Vec::new();
        for item in items {
            let value = self.scalar(&item.value, scope);
            let name = item.names.first().map(ToString::to_string).or_else(|| auto_name(&item.value));
            columns.extend(name.map(|name| column(name, value)));
        }
        columns
    }

    /// What `parse-where` asks of the text that it takes apart.
    fn parsed(
        &mut self,
        subject: &'a ast::Expr<'a>,
        pattern: &'a [ParsePiece<'a>],
        regex: bool,
        span: Span,
        scope: ScopeRef,
    ) -> Expr {
        if regex {
            return Expr::opaque("pattern of parse-where", span);
        }
        let mut text = String::new();
        for piece in pattern {
            match piece {
                ParsePiece::Star | ParsePiece::Column(_) => text.push('*'),
                ParsePiece::Text(piece) => {
                    for character in piece.chars() {
                        if matches!(character, '*' | '?' | '\\') {
                            text.push('\\');
                        }
                        text.push(character);
                    }
                }
            }
        }
        let relation = Relation::Pattern(PatternSyntax::Stars(Some('\\')));
        let comparison = Comparison::new(relation, CaseRule::Exact, MissingRule::Fails);
        let value = Box::new(self.scalar(subject, scope));
        at(ExprKind::Compare(comparison, value, Operand::One(Box::new(Expr::text(&text, span)))), span)
    }

    /// The stage that a `search` is, this many stages behind what is before it.
    pub(super) fn search(&mut self, search: &'a Search<'a>, scope: ScopeRef, index: u32) -> Option<Stage> {
        let condition = search.condition.as_deref()?;
        let filter = self.searched(condition, search.case_sensitive, scope);
        Some(Stage { operation: Operation::Filter(filter), index, span: condition.span })
    }

    /// The condition of a `search`, in which a text alone is a keyword.
    fn searched(&mut self, expr: &'a ast::Expr<'a>, cased: bool, scope: ScopeRef) -> Expr {
        if !self.enter() {
            return super::beyond(expr.span);
        }
        let span = expr.span;
        let found = match &expr.kind {
            ast::ExprKind::And(children) | ast::ExprKind::Or(children) => {
                let is_or = matches!(expr.kind, ast::ExprKind::Or(_));
                let children = children.iter().map(|child| self.searched(child, cased, scope)).collect();
                at(if is_or { ExprKind::Any(children) } else { ExprKind::All(children) }, span)
            }
            ast::ExprKind::Call(name, arguments) if &**name == "not" && self.scopes.get(scope, name).is_none() => {
                match arguments.first() {
                    Some(first) => at(ExprKind::Not(Box::new(self.searched(&first.value, cased, scope))), span),
                    None => self.scalar(expr, scope),
                }
            }
            _ => match self.keyword_text(expr, scope) {
                Some(text) => at(ExprKind::Condition(Rc::new(keyword(text, cased, span))), span),
                None => self.scalar(expr, scope),
            },
        };
        self.leave();
        found
    }

    /// The text of a keyword: a literal, or a name that a `let` binds to a text.
    fn keyword_text(&self, expr: &'a ast::Expr<'a>, scope: ScopeRef) -> Option<&'a str> {
        match &expr.kind {
            ast::ExprKind::Literal(literal) if literal.kind != ast::LiteralKind::Bool => Some(&literal.text),
            ast::ExprKind::Name(name) => match self.scopes.get(scope, name) {
                Some(super::scope::Binding::Expr(bound, _)) => bound.as_string(),
                _ => None,
            },
            _ => None,
        }
    }
}

/// A keyword that any column may hold.
fn keyword(text: &str, cased: bool, span: Span) -> Node {
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

/// The name that Kusto gives a column without one: that of the field in it, for a path its parts joined by `_`.
pub(super) fn auto_name(expr: &ast::Expr<'_>) -> Option<String> {
    match &expr.kind {
        ast::ExprKind::Name(name) => Some(name.to_string()),
        ast::ExprKind::Member(base, name) => Some(format!("{}_{name}", auto_name(base)?)),
        ast::ExprKind::Index(base, index) => match index.as_string() {
            Some(key) => Some(format!("{}_{key}", auto_name(base)?)),
            None => auto_name(base),
        },
        ast::ExprKind::Call(name, arguments) if function::keeps_name(name) => auto_name(&arguments.first()?.value),
        _ => None,
    }
}
