//! Queries in Kibana's and Lucene's languages inside ES|QL's.

use std::rc::Rc;

use ruleatlas_core::{BUDGET, Frontend, NoContext, Query};
use ruleatlas_ir::plan::{Expr, ExprKind};
use ruleatlas_model::{Node, Span};

use crate::{ast::Link, lexer::unquote_text, lower::Lowering};

impl Lowering<'_> {
    /// The condition of `kql("…")` or `qstr("…")`, its places moved into this query's text.
    pub fn embedded(&mut self, kibana: bool, call: &Link, arguments: &[Link]) -> Expr {
        let language: Option<&dyn Frontend> = if kibana { self.languages.kuery } else { self.languages.lucene };
        let Some(language) = language else {
            return Expr::opaque("embedded query language is not available", call.span);
        };
        let literal = arguments.first().and_then(|argument| {
            let literal = argument.span.of(self.text).filter(|literal| literal.starts_with('"'))?;
            argument.constant().map(|_| (literal, argument.span.start))
        });
        let Some((literal, base)) = literal else {
            return Expr::opaque("embedded query is no text", call.span);
        };
        let (query, places) = unquote_text(literal);
        if self.budget.is_spent() || !self.budget.nodes(query.len() / 16) {
            self.diagnostics.extend(self.budget.report());
            return Expr::opaque(BUDGET, call.span);
        }
        let outer = |span: Span| {
            let place = |at: u32| base + places.get(at as usize).copied().unwrap_or(0);
            Span { start: place(span.start), end: place(span.end) }
        };
        let parsed = language.parse(&Query::new(&query), &NoContext);
        for mut diagnostic in parsed.diagnostics {
            diagnostic.span = diagnostic.span.map(outer);
            self.diagnostics.push(diagnostic);
        }
        let mut nodes: Vec<Node> = parsed.conditions.into_iter().map(|condition| condition.root).collect();
        for node in &mut nodes {
            place(node, self.stage, &outer);
        }
        Expr::new(ExprKind::Condition(Rc::new(Node::all(nodes))), call.span)
    }
}

fn place(node: &mut Node, stage: u32, outer: &impl Fn(Span) -> Span) {
    match node {
        Node::All(children) | Node::Any(children) => children.iter_mut().for_each(|child| place(child, stage, outer)),
        Node::Not(child) => place(child, stage, outer),
        Node::Predicate(predicate) => {
            predicate.span = outer(predicate.span);
            predicate.stage = Some(stage);
        }
        Node::Opaque(opaque) => {
            opaque.span = outer(opaque.span);
            opaque.stage = Some(stage);
        }
    }
}
