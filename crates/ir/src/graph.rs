//! What a pattern asks of the edges and nodes of a graph.
//!
//! The rows before are the edges, and those of other tables the nodes. A part of the condition that is about one variable
//! is asked of that variable's rows: of the edges' step where there is one variable for edges, else in a step of the
//! variable's own. A part about several variables compares rows with each other, and is computed.

use std::rc::Rc;

use ruleatlas_model::Node;

use crate::columns::Columns;
use crate::condition::Side;
use crate::engine::{Engine, Flow, IN_ORDER};
use crate::plan::{Expr, GraphMatch, GraphVariable};
use crate::value::Value;

impl<'p> Engine<'p, '_> {
    /// Reads the tables of a graph's nodes.
    pub fn graph_nodes(&mut self, flow: &mut Flow<'p>, tables: &'p [Expr]) {
        let nodes: Vec<Rc<Flow<'p>>> = tables
            .iter()
            .map(|table| match &table.kind {
                crate::plan::ExprKind::SubQuery { rows, label, .. } => self.leg_of(rows, label, false, true),
                _ => self.leg_of(table, "graph nodes", false, true),
            })
            .collect();
        flow.graph = nodes.into();
    }

    pub fn graph_match(&mut self, flow: &mut Flow<'p>, graph: &'p GraphMatch) {
        let tables = Rc::clone(&flow.graph);
        let mut of_node = Columns::nowhere();
        for table in tables.iter() {
            of_node.joined_as(&table.columns, |_, value| value.clone());
        }
        let (of_edge, of_node) = (Rc::new(flow.columns.clone()), Rc::new(of_node));
        let row = |variable: &GraphVariable| Rc::clone(if variable.is_edge { &of_edge } else { &of_node });
        let mut columns = Columns::nowhere();
        for variable in &graph.variables {
            columns.set(&variable.name, Value::Row(row(variable), None));
        }
        let mut asked: Vec<Vec<Node>> = vec![Vec::new(); graph.variables.len()];
        let mut between: Vec<Node> = Vec::new();
        for part in &graph.parts {
            let names = if part.is_of_edges { &*of_edge } else { &columns };
            let node = self.condition(&part.condition, names, Side::default());
            match part.about.and_then(|at| asked.get_mut(at)) {
                Some(asked) => asked.extend(node),
                None => between.extend(node),
            }
        }
        let has_one_edge = graph.variables.iter().filter(|variable| variable.is_edge).count() == 1;
        for (variable, nodes) in graph.variables.iter().zip(asked) {
            if nodes.is_empty() {
                continue;
            }
            if variable.is_edge && has_one_edge {
                between.extend(nodes);
                continue;
            }
            let slot = self.step_of_variable(flow, variable, nodes, &tables);
            columns.set(&variable.name, Value::Row(row(variable), Some(slot)));
        }
        for node in between {
            flow.push(node);
        }
        flow.columns = columns;
        flow.graph = Rc::from([]);
        self.project(flow, &graph.project);
        flow.columns.sealed &= !graph.project.is_empty();
    }

    /// A step for the rows that a variable stands for.
    fn step_of_variable(
        &mut self,
        flow: &Flow<'p>,
        variable: &GraphVariable,
        asked: Vec<Node>,
        tables: &[Rc<Flow<'p>>],
    ) -> usize {
        let slot = self.reserve(IN_ORDER);
        let mut step = Flow { stage: flow.stage, span: flow.span, ..Flow::default() };
        if variable.is_edge {
            step.nodes = self.copied_conjuncts(&flow.nodes);
            step.sources.clone_from(&flow.sources);
        } else {
            let mut alternatives = Vec::new();
            for table in tables {
                step.add_sources(&table.sources);
                let nodes = self.copied_conjuncts(&table.nodes);
                alternatives.push(Node::all(nodes.into_iter().map(|conjunct| conjunct.node)));
            }
            let stage = step.stage.take();
            step.push(Node::any(alternatives));
            step.stage = stage;
        }
        for node in asked {
            step.push(node);
        }
        let kind = if variable.is_edge { "edge" } else { "node" };
        let label = format!("graph {kind} {}", variable.name);
        let absent = self.absent;
        self.fill(slot, &step, label, absent);
        slot
    }
}
