//! `make-graph` and `graph-match`: which variables a part of a pattern's condition is about.

use std::rc::Rc;

use ruleatlas_ir::plan::{ExprKind, GraphMatch, GraphPart, GraphVariable, Operation};

use super::rows::Leg;
use super::scope::ScopeRef;
use super::{Lowering, at};
use crate::ast::{self, Named};

/// How many expressions are looked at for the variables of one part of a condition.
const MAX_PARTS: usize = 4096;

impl<'a> Lowering<'a, '_> {
    pub(super) fn make_graph(&mut self, tables: &'a [ast::Expr<'a>], scope: ScopeRef) -> Operation {
        let mut nodes = Vec::with_capacity(tables.len());
        for table in tables {
            let Leg { rows, label } = self.leg(table, scope, "graph nodes");
            nodes.push(at(ExprKind::SubQuery { rows: Box::new(rows), label, text: None }, table.span));
        }
        Operation::Nodes(nodes)
    }

    pub(super) fn graph_match(
        &mut self,
        variables: &'a [ast::GraphVariable<'a>],
        condition: Option<&'a ast::Expr<'a>>,
        project: &'a [Named<'a>],
        scope: ScopeRef,
    ) -> Operation {
        let mut parts = Vec::new();
        for part in condition.map(conjuncts).unwrap_or_default() {
            let used = variables_of(part, variables);
            let about = if let [used] = used.as_slice() { Some(*used) } else { None };
            let mut is_of_edges = false;
            let computed = || at(ExprKind::Computed { of: Vec::new(), text: None }, part.span);
            let condition = match (&part.kind, about) {
                // It compares rows with each other.
                _ if used.len() > 1 => computed(),
                // `all(edges, condition)`: the names are those of the edges.
                (ast::ExprKind::Call(name, arguments), Some(_)) if matches!(&**name, "all" | "any") => {
                    match arguments.as_slice() {
                        [_, inner] => {
                            is_of_edges = true;
                            self.scalar(&inner.value, scope)
                        }
                        _ => computed(),
                    }
                }
                _ => self.scalar(part, scope),
            };
            parts.push(GraphPart { about, is_of_edges, condition });
        }
        let variables = variables
            .iter()
            .map(|variable| GraphVariable { name: Rc::from(&*variable.name), is_edge: variable.is_edge })
            .collect();
        let project = self.projected(project, scope);
        Operation::Match(Box::new(GraphMatch { variables, parts, project }))
    }
}

/// The parts of a condition that must all hold.
pub(super) fn conjuncts<'a>(expr: &'a ast::Expr<'a>) -> Vec<&'a ast::Expr<'a>> {
    match &expr.kind {
        ast::ExprKind::And(children) => children.iter().flat_map(conjuncts).collect(),
        _ => vec![expr],
    }
}

/// The variables that a part of a condition is about, by their places.
fn variables_of(part: &ast::Expr<'_>, variables: &[ast::GraphVariable<'_>]) -> Vec<usize> {
    let mut found = Vec::new();
    let mut stack = vec![part];
    for _ in 0..MAX_PARTS {
        let Some(expr) = stack.pop() else { break };
        match &expr.kind {
            ast::ExprKind::Name(name) => {
                let at = variables.iter().position(|variable| variable.name == *name);
                found.extend(at.filter(|at| !found.contains(at)));
            }
            ast::ExprKind::Member(base, _) | ast::ExprKind::Negative(base) => stack.push(base),
            ast::ExprKind::Index(left, right)
            | ast::ExprKind::Compare(_, left, right)
            | ast::ExprKind::Arithmetic(_, left, right) => {
                stack.extend([&**left, &**right]);
            }
            ast::ExprKind::And(children) | ast::ExprKind::Or(children) => stack.extend(children),
            ast::ExprKind::CompareList(_, left, items) => {
                stack.push(left);
                stack.extend(items);
            }
            ast::ExprKind::Between { value, low, high, .. } => stack.extend([&**value, &**low, &**high]),
            ast::ExprKind::Call(_, arguments) => stack.extend(arguments.iter().map(|argument| &argument.value)),
            _ => {}
        }
    }
    found
}
