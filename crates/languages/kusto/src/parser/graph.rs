//! The operators that make a graph and match patterns in it.
//!
//! Source: Microsoft's references of
//! [make-graph](https://learn.microsoft.com/kusto/query/make-graph-operator) and
//! [graph-match](https://learn.microsoft.com/kusto/query/graph-match-operator).

use super::{Parse, Parser};
use crate::ast::{GraphVariable, Operator};
use crate::lexer::{Kind, Symbol};

impl<'a> Parser<'a> {
    /// `source --> target [with nodes on id, … | with_node_id=name] [partitioned-by …]`.
    pub(super) fn make_graph(&mut self) -> Parse<Operator<'a>> {
        let mut tables = Vec::new();
        while !self.at_stage_end() && self.word() != "with" {
            self.step();
        }
        if self.eat_word("with") {
            loop {
                tables.push(self.deeper(Self::table_or_expr)?);
                if self.eat_word("on") {
                    self.name("the column of the nodes' ids")?;
                }
                if !self.eat(Symbol::Comma) {
                    break;
                }
            }
        }
        // `partitioned-by column ( … )`.
        self.skip_to_stage_end();
        Ok(Operator::MakeGraph(tables))
    }

    /// `[cycles=…] (a)-[e]->(b)-[f*1..3]-(c), … [where condition] project …`.
    pub(super) fn graph_match(&mut self) -> Parse<Operator<'a>> {
        let mut variables: Vec<GraphVariable<'a>> = Vec::new();
        while !matches!(self.word(), "where" | "project") {
            let token = self.token();
            let is_edge = match token.kind {
                Kind::End | Kind::Symbol(Symbol::Pipe | Symbol::Semicolon | Symbol::CloseBrace) => break,
                Kind::Symbol(Symbol::OpenParen) => Some(false),
                Kind::Symbol(Symbol::OpenBracket) => Some(true),
                _ => None,
            };
            self.step();
            if let (Some(is_edge), Kind::Name) = (is_edge, self.token().kind) {
                let name = self.name("a variable")?;
                if !variables.iter().any(|variable| variable.name == name) {
                    variables.push(GraphVariable { name, is_edge });
                }
            }
        }
        let condition = if self.eat_word("where") { Some(self.condition()?) } else { None };
        let project = if self.eat_word("project") { self.stage_list()? } else { Vec::new() };
        Ok(Operator::GraphMatch { variables, condition, project })
    }
}
