//! Statements: what they bind, and where they lead.

use std::rc::Rc;

use ruleatlas_core::BUDGET;
use ruleatlas_model::{Node, Span};

use crate::{
    attempt::ANY_CLASS,
    flow::Flow,
    follow::{Follow, Frame, plain_name},
    syntax::{Case, Expr, Kind, Pattern, Shape, Stmt, StmtKind, Text},
    value::{Closure, Env, Field, Item, Value},
};

/// Bytes of a text that a rule puts together.
pub(crate) const MAX_TEXT: usize = 1 << 16;
/// Statements of a block, or rounds of a loop, that lead somewhere: each is one level of the condition.
const MAX_STATEMENTS: usize = 96;

impl Follow<'_> {
    pub(crate) fn block(&mut self, body: &[Stmt], frame: &mut Frame) -> Flow {
        let mut flows = Vec::new();
        if !self.enter() {
            let span = body.first().map_or_else(Span::default, |stmt| stmt.span);
            let value = self.unknown("nesting is too deep", span);
            return Flow::Return(value, span);
        }
        for stmt in body {
            let flow = self.statement(stmt, frame);
            let falls = flow.falls();
            if matches!(flow, Flow::Fall) {
                continue;
            }
            flows.push(flow);
            if flows.len() > MAX_STATEMENTS {
                let value = self.unknown(BUDGET, stmt.span);
                flows.push(Flow::Return(value, stmt.span));
                break;
            }
            if !falls {
                break;
            }
        }
        self.leave();
        flows.into_iter().rev().fold(Flow::Fall, |rest, flow| flow.then(rest))
    }

    pub(crate) fn statement(&mut self, stmt: &Stmt, frame: &mut Frame) -> Flow {
        self.spend(1);
        if self.is_spent() {
            let value = self.unknown(BUDGET, stmt.span);
            return Flow::Return(value, stmt.span);
        }
        if self.tries == 0 {
            return self.statement_of(stmt, frame);
        }
        let outside = std::mem::take(&mut self.thrown);
        let before = frame.env.clone();
        let flow = self.statement_of(stmt, frame);
        let thrown = std::mem::replace(&mut self.thrown, outside);
        self.unless_thrown(thrown, &before, flow, frame)
    }

    fn statement_of(&mut self, stmt: &Stmt, frame: &mut Frame) -> Flow {
        match &stmt.kind {
            StmtKind::Return(value) => {
                let value = value.as_ref().map_or(Value::None, |value| self.expr(value, frame));
                Flow::Return(value, stmt.span_of_value())
            }
            StmtKind::Assign(targets, value) => {
                let value = self.expr(value, frame);
                for target in targets {
                    self.bind(target, value.clone(), frame);
                }
                Flow::Fall
            }
            StmtKind::Augment(target, op, value) => {
                let old = self.expr(target, frame);
                let new = self.expr(value, frame);
                let value = self.binary(*op, &old, &new, stmt.span);
                self.bind(target, value, frame);
                Flow::Fall
            }
            StmtKind::If(test, body, otherwise) => {
                let value = self.expr(test, frame);
                let condition = self.truth(&value, test.span);
                self.branch(
                    condition,
                    frame,
                    |this, frame| this.block(body, frame),
                    |this, frame| this.block(otherwise, frame),
                )
            }
            StmtKind::For(target, iterable, body, otherwise) => {
                let value = self.expr(iterable, frame);
                self.each(target, &value, iterable.span, body, otherwise, frame)
            }
            StmtKind::While(test, body) => {
                let condition = self.opaque("loop that runs until something changes", test.span);
                self.branch(
                    condition,
                    frame,
                    |this, frame| {
                        let (breaks, continues) =
                            (std::mem::take(&mut frame.breaks), std::mem::take(&mut frame.continues));
                        let flow = Flow::Loop(Rc::new(Flow::Round(Rc::new(this.block(body, frame)))));
                        (frame.breaks, frame.continues) = (breaks, continues);
                        flow
                    },
                    |_, _| Flow::Fall,
                )
            }
            StmtKind::Try(parts) => self.attempt(parts, frame, stmt.span),
            StmtKind::With(body) => self.block(body, frame),
            StmtKind::Match(subject, cases) => {
                let value = self.expr(subject, frame);
                self.cases(&value, cases, frame, subject.span)
            }
            StmtKind::Function(function) => {
                let closure =
                    Closure { function: function.clone(), module: frame.module.clone(), captured: frame.env.clone() };
                frame.env.insert(function.name.clone(), Value::Function(Rc::new(closure)));
                Flow::Fall
            }
            StmtKind::Class(name) => {
                let value = self.unknown("class is not followed", stmt.span);
                frame.env.insert(name.clone(), value);
                Flow::Fall
            }
            StmtKind::Import(names) => {
                for (local, module) in names {
                    frame.env.insert(local.clone(), Value::Name(module.clone()));
                }
                Flow::Fall
            }
            StmtKind::ImportFrom(module, names) => {
                for (local, name) in names {
                    let value = self.member(module, name, stmt.span);
                    frame.env.insert(local.clone(), value);
                }
                Flow::Fall
            }
            StmtKind::Global(names) => {
                frame.global_names.extend(names.iter().cloned());
                Flow::Fall
            }
            StmtKind::Expr(expr) => {
                if !self.mutate(expr, frame) {
                    self.expr(expr, frame);
                }
                Flow::Fall
            }
            StmtKind::Raise(class) => {
                let class = class.clone().or_else(|| frame.handled.clone()).unwrap_or_else(|| Text::from(ANY_CLASS));
                if self.tries == 0 {
                    return Flow::Throw(class);
                }
                self.throw_as_written(&class, Node::always());
                Flow::Fall
            }
            StmtKind::Assert(test) => {
                let value = self.expr(test, frame);
                let condition = self.truth(&value, test.span);
                if self.tries == 0 {
                    return Flow::choice(condition, Flow::Fall, Flow::Throw("AssertionError".into()));
                }
                self.throw_as_written("AssertionError", condition.not());
                Flow::Fall
            }
            StmtKind::Break => {
                // What an earlier `continue` of the round took away does not get here.
                let passed: Vec<Node> = frame.continues.iter().map(|(condition, _)| condition.clone().not()).collect();
                passed.iter().for_each(|node| self.spend_nodes(node));
                let reached = Node::all(passed.into_iter().chain(frame.path.iter().cloned()));
                frame.breaks.push((reached, frame.env.clone()));
                Flow::Break
            }
            StmtKind::Continue => {
                frame.continues.push((Node::all(frame.path.iter().cloned()), frame.env.clone()));
                Flow::Continue
            }
            StmtKind::Pass => Flow::Fall,
        }
    }

    /// Both ways of a choice, and the names behind it.
    pub(crate) fn branch(
        &mut self,
        condition: Node,
        frame: &mut Frame,
        then: impl FnOnce(&mut Self, &mut Frame) -> Flow,
        otherwise: impl FnOnce(&mut Self, &mut Frame) -> Flow,
    ) -> Flow {
        match condition.as_constant() {
            Some(true) => return then(self, frame),
            Some(false) => return otherwise(self, frame),
            None => {}
        }
        let before = frame.env.clone();
        frame.path.push(condition.clone());
        let then_flow = then(self, frame);
        frame.path.pop();
        let then_env = std::mem::replace(&mut frame.env, before);
        frame.path.push(condition.clone().not());
        let else_flow = otherwise(self, frame);
        frame.path.pop();
        if then_flow.falls() {
            if else_flow.falls() {
                let else_env = std::mem::take(&mut frame.env);
                frame.env = self.merge(&condition, then_env, else_env);
            } else {
                frame.env = then_env;
            }
        }
        Flow::choice(condition, then_flow, else_flow)
    }

    /// The names behind a choice: those that differ are one or the other.
    pub(crate) fn merge(&mut self, condition: &Node, then: Env, otherwise: Env) -> Env {
        let mut merged = otherwise;
        for (name, value) in then {
            match merged.get_mut(&name) {
                Some(other) if *other == value => {}
                Some(other) => {
                    self.spend_nodes(condition);
                    let old = std::mem::replace(other, Value::None);
                    *other = if self.is_spent() {
                        Value::unknown(BUDGET, "", Span::default())
                    } else {
                        merge_values(condition, value, old)
                    };
                }
                None => {
                    merged.insert(name, value);
                }
            }
        }
        merged
    }

    fn each(
        &mut self,
        target: &Expr,
        iterable: &Value,
        span: Span,
        body: &[Stmt],
        otherwise: &[Stmt],
        frame: &mut Frame,
    ) -> Flow {
        let items = match self.items(iterable, span) {
            Some(items) => items,
            None => {
                let reason = if let Value::Unknown(unknown) = iterable {
                    unknown.reason
                } else {
                    "loop over something that is not known"
                };
                let guard = self.opaque(reason, span);
                vec![Item { guard, value: self.unknown(reason, span), over: None }]
            }
        };
        let outer =
            (std::mem::take(&mut frame.path), std::mem::take(&mut frame.breaks), std::mem::take(&mut frame.continues));
        let mut rounds = Vec::new();
        self.note_empty(items.is_empty(), span);
        for item in items {
            if self.is_spent() {
                break;
            }
            let before = frame.env.clone();
            let always = item.guard.as_constant() == Some(true);
            if !always {
                frame.path.push(item.guard.clone());
            }
            self.bind(target, item.value.clone(), frame);
            let flow = self.block(body, frame);
            frame.path.clear();
            let mut env = flow.falls().then(|| std::mem::take(&mut frame.env));
            for (condition, at_continue) in std::mem::take(&mut frame.continues).into_iter().rev() {
                env = Some(match env {
                    Some(env) => self.merge(&condition, at_continue, env),
                    None => at_continue,
                });
            }
            let round = Flow::Round(Rc::new(flow));
            let round = match item.over {
                Some(list) => Flow::Element(list, Rc::new(round), self.place(span)),
                None => round,
            };
            let round = Flow::choice(item.guard.clone(), round, Flow::Fall);
            let goes_on = round.falls();
            push_round(&mut rounds, round);
            if rounds.len() > MAX_STATEMENTS {
                let value = self.unknown(BUDGET, span);
                rounds.push(Flow::Return(value, span));
                break;
            }
            frame.env = match env {
                Some(env) if always => env,
                Some(env) => self.merge(&item.guard, env, before),
                None => before,
            };
            if !goes_on {
                break;
            }
        }
        let broken = std::mem::take(&mut frame.breaks);
        let rounds = rounds.into_iter().rev().fold(Flow::Fall, |rest, round| round.then(rest));
        let (path, breaks, continues) = outer;
        (frame.path, frame.breaks, frame.continues) = (path, breaks, continues);
        let last = if rounds.falls() { self.block(otherwise, frame) } else { Flow::Fall };
        for (condition, at_break) in broken.into_iter().rev() {
            let env = std::mem::take(&mut frame.env);
            frame.env = self.merge(&condition, at_break, env);
        }
        Flow::Loop(Rc::new(rounds.then(last)))
    }

    fn cases(&mut self, value: &Value, cases: &[Case], frame: &mut Frame, span: Span) -> Flow {
        let Some((case, rest)) = cases.split_first() else { return Flow::Fall };
        let mut condition = self.pattern(value, &case.pattern, frame, span);
        if let Some(guard) = &case.guard {
            let guard_value = self.expr(guard, frame);
            condition = Node::all([condition, self.truth(&guard_value, guard.span)]);
        }
        self.branch(
            condition,
            frame,
            |this, frame| this.block(&case.body, frame),
            |this, frame| this.cases(value, rest, frame, span),
        )
    }

    fn pattern(&mut self, value: &Value, pattern: &Pattern, frame: &mut Frame, span: Span) -> Node {
        match pattern {
            Pattern::Any(name) => {
                if let Some(name) = name {
                    frame.env.insert(name.clone(), value.clone());
                }
                Node::always()
            }
            Pattern::Value(expr) => {
                let wanted = self.expr(expr, frame);
                self.equal(value, &wanted, expr.span)
            }
            Pattern::Or(patterns) => {
                let values: Option<Vec<Value>> = patterns
                    .iter()
                    .map(|pattern| match pattern {
                        Pattern::Value(expr) => Some(self.expr(expr, frame)),
                        _ => None,
                    })
                    .collect();
                if let Some(values) = values {
                    return self.contained(value, &Value::list(Shape::Tuple, values), span);
                }
                let some: Vec<Node> =
                    patterns.iter().map(|pattern| self.pattern(value, pattern, frame, span)).collect();
                Node::any(some)
            }
            Pattern::Other => self.opaque("pattern of a match statement", span),
        }
    }

    /// Binds a target to a value.
    pub(crate) fn bind(&mut self, target: &Expr, value: Value, frame: &mut Frame) {
        match &target.kind {
            Kind::Name(name) => self.bind_name(name, value, frame),
            Kind::Sequence(_, targets) => {
                self.throw_other_length(&value, targets.len(), target.span);
                let tries = std::mem::take(&mut self.tries);
                for (at, target) in targets.iter().enumerate() {
                    let part = match &value {
                        Value::List(_, items) if items.len() == targets.len() => items[at].value.clone(),
                        other => self.index(&other.clone(), &Value::text(&at.to_string()), target.span),
                    };
                    self.bind(target, part, frame);
                }
                self.tries = tries;
            }
            Kind::Subscript(inner, key) => {
                let key = self.expr(key, frame);
                if let Some(name) = plain_name(inner) {
                    let old = self.name(name, frame, inner.span);
                    let new = match &old {
                        Value::Dict(entries) if key.is_constant() => {
                            let mut entries = (**entries).clone();
                            entries.retain(|(known, _)| *known != key);
                            entries.push((key, value));
                            self.container(Value::Dict(Rc::new(entries)), target.span)
                        }
                        _ => self.unknown("dictionary is filled by keys of the event", target.span),
                    };
                    self.bind_name(&name.clone(), new, frame);
                }
            }
            Kind::Starred(inner) => self.bind(inner, value, frame),
            _ => {}
        }
    }

    fn bind_name(&mut self, name: &Text, value: Value, frame: &mut Frame) {
        if !frame.global_names.contains(name) {
            frame.env.insert(name.clone(), value);
            return;
        }
        let old = self.name(name, frame, Span::default());
        let condition = Node::all(frame.path.iter().cloned());
        let key = (std::sync::Arc::as_ptr(&frame.module) as usize, name.clone());
        let value = Value::either(condition, value, old);
        self.globals.insert(key, value);
    }

    /// A call that changes the list or dictionary it is called on.
    fn mutate(&mut self, expr: &Expr, frame: &mut Frame) -> bool {
        let Kind::Call(function, list) = &expr.kind else { return false };
        let Kind::Attribute(target, method) = &function.kind else { return false };
        let Some(name) = plain_name(target) else { return false };
        if !matches!(
            &**method,
            "append" | "add" | "extend" | "update" | "insert" | "remove" | "clear" | "pop" | "setdefault"
        ) {
            return false;
        }
        let old = self.name(name, frame, target.span);
        let arguments = self.arguments(list, frame);
        let first = arguments.positional.first();
        let new = match (&old, &**method, first) {
            (Value::List(shape, items), "append" | "add", Some(value)) => {
                let mut items = (**items).clone();
                // An element for each of a list in the event is there where the loop's round is.
                let over = match value {
                    Value::Field(field) if field.each && field.case == crate::value::Case::Exact => {
                        Some(list_of(field))
                    }
                    _ => None,
                };
                items.push(Item { guard: Node::always(), value: value.clone(), over });
                self.list(*shape, items, expr.span)
            }
            (Value::List(shape, items), "extend" | "update", Some(value)) => match self.items(value, expr.span) {
                Some(more) => {
                    let mut items = (**items).clone();
                    items.extend(more);
                    self.list(*shape, items, expr.span)
                }
                None => self.unknown("list is extended by something that is not known", expr.span),
            },
            (Value::Dict(entries), "update", Some(Value::Dict(more))) => {
                let mut entries = (**entries).clone();
                for (key, value) in more.iter() {
                    entries.retain(|(known, _)| known != key);
                    entries.push((key.clone(), value.clone()));
                }
                self.container(Value::Dict(Rc::new(entries)), expr.span)
            }
            (Value::Unknown(_) | Value::Name(_), ..) => old.clone(),
            _ => self.unknown("list or dictionary is changed", expr.span),
        };
        self.bind_name(&name.clone(), new, frame);
        true
    }
}

/// Adds a loop's round; rounds that return one and the same constant, each under its condition, are one.
fn push_round(rounds: &mut Vec<Flow>, round: Flow) {
    if let Some(Flow::If(condition, then, otherwise)) = rounds.last_mut()
        && let Flow::Return(known, _) = &**then
        && matches!(**otherwise, Flow::Fall)
        && let Some((next, value, _)) = round.only_return()
        && value == known
        && next.as_constant().is_none()
    {
        match condition {
            Node::Any(all) => all.push(next),
            one => {
                let first = std::mem::replace(one, Node::always());
                *one = Node::Any(vec![first, next]);
            }
        }
        return;
    }
    let merged = match round.only_return() {
        Some((condition, value, span)) if condition.as_constant().is_none() => {
            Some(Flow::If(condition, Rc::new(Flow::Return(value.clone(), span)), Rc::new(Flow::Fall)))
        }
        _ => None,
    };
    rounds.push(merged.unwrap_or(round));
}

/// The list that an element or a field of it belongs to, as far as presence is asked for.
fn list_of(field: &Field) -> Rc<Field> {
    Rc::new(field.clone())
}

/// One value under a condition, the other without it. Lists that grew in one branch stay lists.
fn merge_values(condition: &Node, then: Value, otherwise: Value) -> Value {
    if let (Value::List(shape, longer), Value::List(_, shorter)) = (&then, &otherwise)
        && longer.starts_with(shorter)
    {
        return grown(*shape, longer, shorter.len(), condition.clone());
    }
    if let (Value::List(_, shorter), Value::List(shape, longer)) = (&then, &otherwise)
        && longer.starts_with(shorter)
    {
        return grown(*shape, longer, shorter.len(), condition.clone().not());
    }
    Value::either(condition.clone(), then, otherwise)
}

fn grown(shape: Shape, items: &[Item], known: usize, condition: Node) -> Value {
    let mut items = items.to_vec();
    for item in items.iter_mut().skip(known) {
        let guard = std::mem::replace(&mut item.guard, Node::always());
        item.guard = Node::all([condition.clone(), guard]);
    }
    Value::List(shape, Rc::new(items))
}

impl Stmt {
    /// The place of what a `return` returns.
    fn span_of_value(&self) -> Span {
        match &self.kind {
            StmtKind::Return(Some(value)) => value.span,
            _ => self.span,
        }
    }
}
