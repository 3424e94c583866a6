//! `graph-match`: what a pattern asks of edges and nodes.
//!
//! The rows before `make-graph` are the edges, and those of its node tables the nodes. A part of the condition that is
//! about one variable is asked of that variable's rows: of the edges' step where there is one variable for edges, else
//! in a step of the variable's own. A part about several variables compares rows with each other, and is computed.

use std::rc::Rc;

use ruleatlas_model::{Condition, Node, Op};

use super::condition::Side;
use super::flow::Flow;
use super::scope::ScopeRef;
use super::value::{Columns, Value};
use super::{Lowering, Place};
use crate::ast::{Expr, ExprKind, GraphVariable, Named};

/// How many expressions are looked at for the variables of one part of a condition.
const MAX_PARTS: usize = 4096;

impl<'a> Lowering<'a, '_> {
    pub(super) fn graph_match(
        &mut self,
        flow: &mut Flow<'a>,
        variables: &'a [GraphVariable<'a>],
        condition: Option<&'a Expr<'a>>,
        project: &'a [Named<'a>],
        scope: ScopeRef,
    ) {
        let tables = Rc::clone(&flow.nodes_of_graph);
        let mut of_node = Columns::default();
        for table in tables.iter() {
            of_node.joined(&table.columns);
        }
        let (of_edge, of_node) = (Rc::new(flow.columns.clone()), Rc::new(of_node));
        let mut columns = Columns::default();
        for variable in variables {
            let row = if variable.is_edge { Rc::clone(&of_edge) } else { Rc::clone(&of_node) };
            columns.set(&variable.name, Value::Row(row, None));
        }
        let mut asked: Vec<Vec<Node>> = vec![Vec::new(); variables.len()];
        let mut between: Vec<Node> = Vec::new();
        for part in condition.map(conjuncts).unwrap_or_default() {
            let used = variables_of(part, variables);
            let used = match used.as_slice() {
                [used] => used,
                [] => {
                    between.extend(self.condition(part, Place { scope, columns: &columns }, Side::default()));
                    continue;
                }
                _ => {
                    between.push(self.computed(part.span, Op::Eq, false, vec!["true".to_owned()], part.span));
                    continue;
                }
            };
            let node = match &part.kind {
                // `all(edges, condition)`: the names are those of the edges.
                ExprKind::Call(name, arguments) if matches!(&**name, "all" | "any") => match arguments.as_slice() {
                    [_, inner] => {
                        let place = Place { scope, columns: &of_edge };
                        self.condition(&inner.value, place, Side::default())
                    }
                    _ => Some(self.computed(part.span, Op::Eq, false, vec!["true".to_owned()], part.span)),
                },
                _ => self.condition(part, Place { scope, columns: &columns }, Side::default()),
            };
            if let (Some(node), Some(asked)) = (node, asked.get_mut(*used)) {
                asked.push(node);
            }
        }
        let has_one_edge = variables.iter().filter(|variable| variable.is_edge).count() == 1;
        for (variable, nodes) in variables.iter().zip(asked) {
            if nodes.is_empty() {
                continue;
            }
            if variable.is_edge && has_one_edge {
                between.extend(nodes);
                continue;
            }
            let slot = self.step_of_variable(flow, variable, nodes, &tables);
            let row = if variable.is_edge { &of_edge } else { &of_node };
            self.leg_stages.insert(slot, flow.stage);
            columns.set(&variable.name, Value::Row(Rc::clone(row), Some(slot)));
        }
        for node in between {
            flow.push(node);
        }
        flow.columns = columns;
        flow.nodes_of_graph = Rc::from([]);
        self.project(flow, project, scope);
        flow.columns.open |= project.is_empty();
    }

    /// A step for the rows that a variable stands for.
    fn step_of_variable(
        &mut self,
        flow: &Flow<'a>,
        variable: &GraphVariable<'a>,
        asked: Vec<Node>,
        tables: &[Rc<Flow<'a>>],
    ) -> usize {
        let slot = self.reserve();
        let (mut nodes, sources) = if variable.is_edge {
            (self.copied(&flow.nodes), flow.sources.clone())
        } else {
            let mut all = Flow::default();
            let mut alternatives = Vec::new();
            for table in tables {
                all.add_sources(&table.sources);
                alternatives.push(Node::all(self.copied(&table.nodes)));
            }
            let base = Node::any(alternatives);
            (if base.as_constant().is_none() { vec![base] } else { Vec::new() }, all.sources)
        };
        for mut node in asked {
            node.set_stage(flow.stage);
            nodes.push(node);
        }
        let kind = if variable.is_edge { "edge" } else { "node" };
        let label = format!("graph {kind} {}", variable.name);
        let condition = Condition { root: Node::all(nodes), absent: self.absent, label, sources };
        if let Some(step) = self.steps.get_mut(slot) {
            *step = Some(condition);
        }
        slot
    }
}

/// The parts of a condition that must all hold.
pub(super) fn conjuncts<'a>(expr: &'a Expr<'a>) -> Vec<&'a Expr<'a>> {
    match &expr.kind {
        ExprKind::And(children) => children.iter().flat_map(conjuncts).collect(),
        _ => vec![expr],
    }
}

/// The variables that a part of a condition is about, by their places.
fn variables_of(part: &Expr<'_>, variables: &[GraphVariable<'_>]) -> Vec<usize> {
    let mut found = Vec::new();
    let mut stack = vec![part];
    for _ in 0..MAX_PARTS {
        let Some(expr) = stack.pop() else { break };
        match &expr.kind {
            ExprKind::Name(name) => {
                let at = variables.iter().position(|variable| variable.name == *name);
                found.extend(at.filter(|at| !found.contains(at)));
            }
            ExprKind::Member(base, _) | ExprKind::Negative(base) => stack.push(base),
            ExprKind::Index(left, right) | ExprKind::Compare(_, left, right) | ExprKind::Arithmetic(_, left, right) => {
                stack.extend([&**left, &**right]);
            }
            ExprKind::And(children) | ExprKind::Or(children) => stack.extend(children),
            ExprKind::CompareList(_, left, items) => {
                stack.push(left);
                stack.extend(items);
            }
            ExprKind::Between { value, low, high, .. } => stack.extend([&**value, &**low, &**high]),
            ExprKind::Call(_, arguments) => stack.extend(arguments.iter().map(|argument| &argument.value)),
            _ => {}
        }
    }
    found
}
