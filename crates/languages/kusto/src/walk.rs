//! A walk over all nodes of a tree.

use crate::ast::{Expr, ExprKind, LetValue, Named, Operator, Parameter, Script, Search, Stage, Statement};

/// A node of a script.
#[derive(Clone, Copy, Debug)]
pub enum Node<'t, 'a> {
    /// A statement.
    Statement(&'t Statement<'a>),
    /// A stage of a pipeline.
    Stage(&'t Stage<'a>),
    /// An expression.
    Expr(&'t Expr<'a>),
}

impl<'a> Script<'a> {
    /// A script of these statements, without a text.
    #[must_use]
    pub fn new(statements: Vec<Statement<'a>>) -> Self {
        Self { text: "", statements, faults: Vec::new() }
    }

    /// Every statement, stage and expression, each before what it is made of, in the order of the text.
    pub fn walk(&self) -> impl Iterator<Item = Node<'_, 'a>> {
        let mut waiting: Vec<Node<'_, 'a>> = self.statements.iter().rev().map(Node::Statement).collect();
        std::iter::from_fn(move || {
            let node = waiting.pop()?;
            let at = waiting.len();
            match node {
                Node::Statement(statement) => of_statement(statement, &mut waiting),
                Node::Stage(stage) => of_operator(&stage.operator, &mut waiting),
                Node::Expr(expr) => of_expr(expr, &mut waiting),
            }
            waiting.get_mut(at..).unwrap_or_default().reverse();
            Some(node)
        })
    }
}

fn of_statement<'t, 'a>(statement: &'t Statement<'a>, into: &mut Vec<Node<'t, 'a>>) {
    let defaults = |parameters: &'t [Parameter<'a>]| {
        parameters.iter().filter_map(|parameter| parameter.default.as_ref()).map(Node::Expr)
    };
    match statement {
        Statement::Let(binding) => match &binding.value {
            LetValue::Expr(expr) => into.push(Node::Expr(expr)),
            LetValue::Function(function) => {
                into.extend(defaults(&function.parameters));
                into.extend(function.body.iter().map(Node::Statement));
            }
        },
        Statement::Query(expr) => into.push(Node::Expr(expr)),
        Statement::Parameters(parameters) => into.extend(defaults(parameters)),
        Statement::Other(_) | Statement::Broken(_) => {}
    }
}

fn of_operator<'t, 'a>(operator: &'t Operator<'a>, into: &mut Vec<Node<'t, 'a>>) {
    match operator {
        Operator::Where(expr) | Operator::Invoke(expr) | Operator::ParseKv(expr, _) | Operator::Evaluate(expr, _) => {
            into.push(Node::Expr(expr));
        }
        Operator::Extend(list)
        | Operator::Project(list)
        | Operator::Distinct(list)
        | Operator::ProjectRename(list)
        | Operator::MvExpand(list) => named(list, into),
        Operator::Summarize { aggregates, by } => {
            named(aggregates, into);
            named(by, into);
        }
        Operator::MakeSeries { aggregates, on, by } => {
            named(aggregates, into);
            into.extend(on.as_ref().map(Node::Expr));
            named(by, into);
        }
        Operator::Join { right, on, .. } => {
            into.push(Node::Expr(right));
            into.extend(on.iter().map(Node::Expr));
        }
        Operator::Union(exprs) | Operator::MakeGraph(exprs) => into.extend(exprs.iter().map(Node::Expr)),
        Operator::MvApply { items, body } => {
            named(items, into);
            into.extend(body.iter().map(Node::Stage));
        }
        Operator::Parse { subject, .. } => into.push(Node::Expr(subject)),
        Operator::Search(found) => search(found, into),
        Operator::Partition(stages) => into.extend(stages.iter().map(Node::Stage)),
        Operator::Fork(branches) => into.extend(branches.iter().flatten().map(Node::Stage)),
        Operator::Scan { steps, .. } => into.extend(steps.iter().map(|(_, condition)| Node::Expr(condition))),
        Operator::GraphMatch { condition, project, .. } => {
            into.extend(condition.as_ref().map(Node::Expr));
            named(project, into);
        }
        Operator::Partial(inner, ..) => of_operator(inner, into),
        Operator::Arrange(_) | Operator::As(_) | Operator::Count | Operator::Neutral(_) | Operator::Broken(_) => {}
    }
}

fn of_expr<'t, 'a>(expr: &'t Expr<'a>, into: &mut Vec<Node<'t, 'a>>) {
    match &expr.kind {
        ExprKind::Member(base, _) => into.push(Node::Expr(base)),
        ExprKind::Negative(inner) => into.push(Node::Expr(inner)),
        ExprKind::Index(left, right) | ExprKind::Compare(_, left, right) | ExprKind::Arithmetic(_, left, right) => {
            into.extend([Node::Expr(left), Node::Expr(right)]);
        }
        ExprKind::Call(_, arguments) => into.extend(arguments.iter().map(|argument| Node::Expr(&argument.value))),
        ExprKind::And(parts) | ExprKind::Or(parts) | ExprKind::Union(parts) => {
            into.extend(parts.iter().map(Node::Expr));
        }
        ExprKind::CompareList(_, value, list) => {
            into.push(Node::Expr(value));
            into.extend(list.iter().map(Node::Expr));
        }
        ExprKind::Between { value, low, high, .. } => {
            into.extend([Node::Expr(value), Node::Expr(low), Node::Expr(high)]);
        }
        ExprKind::Pipeline(pipeline) => {
            into.push(Node::Expr(&pipeline.source));
            into.extend(pipeline.stages.iter().map(Node::Stage));
        }
        ExprKind::Search(found) => search(found, into),
        ExprKind::Print(list) => named(list, into),
        ExprKind::Datatable { cells, .. } => into.extend(cells.iter().map(Node::Expr)),
        ExprKind::ExternalData { addresses, .. } => into.extend(addresses.iter().map(Node::Expr)),
        ExprKind::Name(_)
        | ExprKind::Literal(_)
        | ExprKind::Dynamic(_)
        | ExprKind::Star
        | ExprKind::Range(_)
        | ExprKind::Broken(_) => {}
    }
}

fn named<'t, 'a>(list: &'t [Named<'a>], into: &mut Vec<Node<'t, 'a>>) {
    into.extend(list.iter().map(|named| Node::Expr(&named.value)));
}

fn search<'t, 'a>(search: &'t Search<'a>, into: &mut Vec<Node<'t, 'a>>) {
    into.extend(search.tables.iter().map(Node::Expr));
    into.extend(search.condition.as_deref().map(Node::Expr));
}
