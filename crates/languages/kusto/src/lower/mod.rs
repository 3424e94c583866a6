//! Syntax tree in, conditions out.
//!
//! Every pipeline becomes a [`flow::Flow`]: the tables it reads, what its stages ask for, and what each name stands
//! for at that place. The main pipeline, the legs of joins and unions and the sub-queries are steps.
//!
//! # Missing columns
//! Columns of a table always exist; a field that an event does not have is an empty string or a null. Text has no
//! null, so `x != "a"` and `x !has "a"` hold without a value, as `==` and `!=` do between a null and a value; `<` and
//! its kin give null, which selects nothing
//! ([null values](https://learn.microsoft.com/kusto/query/scalar-data-types/null-values)).

mod aggregate;
mod asim;
mod call;
mod compare;
mod condition;
mod constant;
mod flow;
mod graph;
mod join;
mod plugin;
mod scalar;
mod scope;
mod stage;
mod value;

use std::cell::Cell;
use std::rc::Rc;

use ruleatlas_core::{BUDGET, Budget, Parsed};
use ruleatlas_model::{Condition, DataSource, Diagnostic, Node, SourceKind, Span};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::ast::{Expr, ExprKind, Fault, LetValue, Script, Statement};
use crate::lexer::{Kind, Symbol, decode_string, lex};
use flow::Flow;
use scope::{Binding, ScopeRef, Scopes};
use value::{Columns, Owner, Resolved, Value};

/// The conditions of a script, and what is odd about it.
///
/// Names are followed as far as `budget` allows: an expression is a unit of work each time it is read, and a tree node
/// or value counts each time it is copied.
pub(crate) fn lower(script: &Script<'_>, text: &str, budget: &mut Budget) -> Parsed {
    let mut lowering = Lowering {
        text,
        scopes: Scopes::default(),
        steps: Vec::new(),
        legs: FxHashMap::default(),
        scalars: FxHashMap::default(),
        leg_stages: FxHashMap::default(),
        named_flows: FxHashMap::default(),
        naming: Vec::new(),
        reading_let: None,
        absent: false,
        seen: FxHashSet::default(),
        sub_queries: 0,
        owner: Cell::new(Owner::Nobody),
        budget,
        diagnostics: Vec::new(),
    };
    for fault in &script.faults {
        lowering.fault(fault);
    }
    lowering.script(script);
    let conditions: Vec<Condition> = lowering.steps.into_iter().flatten().collect();
    Parsed { conditions, diagnostics: lowering.diagnostics }
}

/// Where an expression stands: the names that `let` bound and the columns.
#[derive(Clone, Copy)]
struct Place<'c, 'a> {
    scope: ScopeRef,
    columns: &'c Columns<'a>,
}

type LegKey = (*const (), ScopeRef, bool);

struct Lowering<'a, 't> {
    text: &'t str,
    scopes: Scopes<'a>,
    steps: Vec<Option<Condition>>,
    /// Legs that are steps already.
    legs: FxHashMap<LegKey, Rc<Flow<'a>>>,
    /// Values of scalar `let`s.
    scalars: FxHashMap<(*const (), ScopeRef), Value<'a>>,
    /// The last stages of joins' legs, by their steps.
    leg_stages: FxHashMap<usize, u32>,
    /// What `as` named.
    named_flows: FxHashMap<String, Rc<Flow<'a>>>,
    /// The `let`s that are being followed, innermost last.
    naming: Vec<Rc<str>>,
    /// The scalar `let` that is being read.
    reading_let: Option<Rc<str>>,
    /// Whether what is read is part of a step that must be absent.
    absent: bool,
    /// The tables' columns that were named so far.
    seen: FxHashSet<Rc<str>>,
    /// How many times a sub-query that is a step was used.
    sub_queries: u32,
    /// The steps that the current condition is about.
    owner: Cell<Owner>,
    budget: &'t mut Budget,
    diagnostics: Vec<Diagnostic>,
}

impl<'a> Lowering<'a, '_> {
    fn fault(&mut self, fault: &Fault) {
        let make = if fault.recovered { Diagnostic::warning } else { Diagnostic::error };
        self.diagnostics.push(make(fault.code, fault.message.clone()).at(fault.span));
    }

    fn script(&mut self, script: &'a Script<'a>) {
        let mut scope = self.scopes.block(None);
        let mut queries = 0_u32;
        let total = script.statements.iter().filter(|statement| matches!(statement, Statement::Query(_))).count();
        let mut last_let = None;
        for statement in &script.statements {
            match statement {
                Statement::Let(_) | Statement::Parameters(_) => {
                    scope = self.declare(statement, scope);
                    if let Statement::Let(declared) = statement {
                        last_let = Some(declared);
                    }
                }
                Statement::Query(expr) => {
                    queries += 1;
                    let label = if total > 1 { format!("statement {queries}") } else { String::new() };
                    self.main(expr, scope, label);
                }
                Statement::Other(_) => {}
                Statement::Broken(fault) => self.broken(fault, queries, total),
            }
        }
        if let (0, Some(declared)) = (total, last_let) {
            let warning = "the text ends without a query; its last `let` is read as one";
            self.diagnostics.push(Diagnostic::warning("query is missing", warning).at(declared.span));
            match &declared.value {
                LetValue::Expr(expr) => self.main(expr, scope, format!("let {}", declared.name)),
                LetValue::Function(function) => {
                    let columns = Columns::default();
                    let inner = self.bind_arguments(function, scope, &[], None, Place { scope, columns: &columns });
                    if let Some((expr, inner)) = self.body(function, inner) {
                        self.main(expr, inner, format!("let {}", declared.name));
                    }
                }
            }
        }
    }

    /// A statement that was not understood: an opaque step of its own where nothing else was understood either.
    fn broken(&mut self, fault: &Fault, queries: u32, total: usize) {
        self.fault(fault);
        if queries == 0 && total == 0 && self.steps.is_empty() {
            let text = self.snippet(fault.span);
            self.steps.push(Some(Condition::new(Node::opaque(text, fault.code, fault.span))));
        }
    }

    /// Binds what a statement declares; the place behind it.
    fn declare(&mut self, statement: &'a Statement<'a>, scope: ScopeRef) -> ScopeRef {
        match statement {
            Statement::Let(declared) => {
                let binding = match &declared.value {
                    LetValue::Expr(expr) => Binding::Expr(expr, scope),
                    LetValue::Function(function) => Binding::Function(function, scope),
                };
                self.scopes.bind(scope, &declared.name, binding)
            }
            Statement::Parameters(parameters) => parameters.iter().fold(scope, |scope, parameter| {
                let binding = match &parameter.default {
                    Some(default) => Binding::Expr(default, scope),
                    None => Binding::Value(Value::Computed),
                };
                self.scopes.bind(scope, &parameter.name, binding)
            }),
            Statement::Broken(fault) => {
                self.fault(fault);
                scope
            }
            Statement::Query(_) | Statement::Other(_) => scope,
        }
    }

    /// The main pipeline: the first step of its statement.
    fn main(&mut self, expr: &'a Expr<'a>, scope: ScopeRef, label: String) {
        if matches!(expr.kind, ExprKind::Literal(_)) {
            return;
        }
        let slot = self.reserve();
        let mut flow = self.flow(expr, scope);
        let has_legs = self.steps.get(slot + 1..).is_some_and(|legs| legs.iter().any(Option::is_some));
        if let (Some(names), true, false) = (&flow.columns.list, flow.sources.is_empty(), has_legs) {
            // The rows are of a list: what is read is no telemetry.
            let name = if names.is_empty() { "print" } else { "externaldata" };
            flow.sources.push(DataSource::new(SourceKind::Table, name));
        }
        let says_nothing = flow.is_bare() && (flow.is_union || flow.sources.is_empty());
        if !(has_legs && says_nothing) {
            self.fill(slot, &flow, label, false);
        }
        self.unite_legs(slot + 1);
    }

    /// Drops legs that read and ask for the same as one before them: a `let` that stands in two sub-queries.
    fn unite_legs(&mut self, first: usize) {
        const MOST: usize = 256;
        let Some(legs) = self.steps.get_mut(first..).filter(|legs| legs.len() <= MOST) else { return };
        for at in 1..legs.len() {
            let (before, behind) = legs.split_at_mut(at);
            let Some(leg) = behind.first_mut() else { return };
            let is_known = leg.as_ref().is_some_and(|leg| {
                before
                    .iter()
                    .flatten()
                    .any(|other| other.absent == leg.absent && other.sources == leg.sources && other.root == leg.root)
            });
            if is_known {
                *leg = None;
            }
        }
    }

    fn reserve(&mut self) -> usize {
        self.steps.push(None);
        self.steps.len() - 1
    }

    fn fill(&mut self, slot: usize, flow: &Flow<'a>, label: String, absent: bool) {
        let nodes = self.copied(&flow.nodes);
        let condition = Condition { root: Node::all(nodes), absent, label, sources: flow.sources.clone() };
        if let Some(step) = self.steps.get_mut(slot) {
            *step = Some(condition);
        }
    }

    /// Says that the current condition is about the events of a step, or of the current pipeline.
    fn about(&self, step: Option<usize>) {
        self.owner.set(self.owner.get().and(Owner::One(step)));
    }

    /// A condition with the steps that it is about.
    fn resolved(&mut self, read: impl FnOnce(&mut Self) -> Option<Node>) -> Option<Resolved> {
        let outer = self.owner.replace(Owner::Nobody);
        let node = read(self);
        let owner = self.owner.replace(outer);
        Some(Resolved { node: node?, owner })
    }

    /// The condition that was resolved before; it is asked of the same events.
    fn resolved_again(&mut self, resolved: &Resolved) -> Option<Node> {
        self.owner.set(self.owner.get().and(resolved.owner));
        self.copied(std::slice::from_ref(&resolved.node)).pop()
    }

    /// Copies of nodes, as long as there is room for them.
    fn copied(&mut self, nodes: &[Node]) -> Vec<Node> {
        if !self.has_room(nodes) {
            return vec![Node::opaque("", BUDGET, Span::default())];
        }
        nodes.to_vec()
    }

    /// Counts tree nodes that names lead to; `false` when there have been too many.
    fn has_room(&mut self, nodes: &[Node]) -> bool {
        if !self.budget.is_spent() {
            self.budget.nodes(nodes.iter().map(|node| node.walk().count()).sum());
        }
        self.is_affordable()
    }

    /// Counts the values of a list that a predicate takes; `false` when there have been too many.
    fn has_room_for_values(&mut self, count: usize) -> bool {
        self.budget.nodes(count);
        self.is_affordable()
    }

    /// Counts one more expression; `false` when there have been too many, or it stands too deep.
    fn enter(&mut self) -> bool {
        let enters = !self.budget.is_spent() && self.budget.enter();
        if !enters {
            self.is_affordable();
        }
        enters
    }

    fn leave(&mut self) {
        self.budget.leave();
    }

    /// Whether there is something left to spend; says so once where there is not.
    fn is_affordable(&mut self) -> bool {
        self.diagnostics.extend(self.budget.report());
        !self.budget.is_spent()
    }

    /// The text under a span on one line, without comments, cut to a readable length.
    fn snippet(&self, span: Span) -> String {
        const LONGEST: usize = 240;
        let written = span.of(self.text).unwrap_or_default();
        let cut = |text: &str, length: usize| (0..=length).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let written = if written.len() > 8 * LONGEST {
            &written[..cut(written, 8 * LONGEST)]
        } else {
            without_parentheses(written)
        };
        let tokens = lex(written);
        if let [open, name, close, _] = tokens.as_slice()
            && (open.kind, name.kind) == (Kind::Symbol(Symbol::OpenBracket), Kind::String)
            && close.kind == Kind::Symbol(Symbol::CloseBracket)
        {
            // `['a name']`
            return decode_string(name.text(written)).into_owned();
        }
        let mut text = String::new();
        let mut end = 0;
        for token in tokens {
            if matches!(token.kind, Kind::Comment | Kind::End) {
                continue;
            }
            if token.span.start > end && !text.is_empty() {
                text.push(' ');
            }
            end = token.span.end;
            text.push_str(token.text(written));
            if text.len() > LONGEST {
                text.truncate(cut(&text, LONGEST));
                text.push('…');
                break;
            }
        }
        text
    }
}

/// A text without the parentheses that stand around all of it.
fn without_parentheses(text: &str) -> &str {
    let Some(inner) = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) else { return text };
    let mut open = 1_i32;
    for token in lex(inner) {
        match token.kind {
            Kind::Symbol(Symbol::OpenParen) => open += 1,
            Kind::Symbol(Symbol::CloseParen) => open -= 1,
            _ => {}
        }
        if open == 0 {
            return text;
        }
    }
    without_parentheses(inner.trim())
}
