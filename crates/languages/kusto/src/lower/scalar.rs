//! Expressions: what each is in the plan.

use std::rc::Rc;

use ruleatlas_ir::plan::{Const, Expr, ExprKind};
use ruleatlas_model::Span;

use super::scope::{Binding, ScopeRef};
use super::written::written;
use super::{Lowering, at, beyond, constant, function, within};
use crate::ast::{self, Argument, Json, LiteralKind};

/// How many branches a choice may have.
const MAX_BRANCHES: usize = 64;

impl<'a> Lowering<'a, '_> {
    /// An expression where a value or a condition is wanted.
    pub(super) fn scalar(&mut self, expr: &'a ast::Expr<'a>, scope: ScopeRef) -> Expr {
        if let ast::ExprKind::Literal(literal) = &expr.kind {
            return at(ExprKind::Const(constant::of(literal)), expr.span);
        }
        if !self.enter() {
            return beyond(expr.span);
        }
        let scalar = self.scalar_of(expr, scope);
        self.leave();
        scalar
    }

    fn scalar_of(&mut self, expr: &'a ast::Expr<'a>, scope: ScopeRef) -> Expr {
        let span = expr.span;
        let kind = match &expr.kind {
            ast::ExprKind::Name(name) => return self.name(name, scope, span),
            ast::ExprKind::Literal(literal) => ExprKind::Const(constant::of(literal)),
            ast::ExprKind::Dynamic(json) => return self.json(json, span),
            ast::ExprKind::Star => ExprKind::OwnPath(Rc::from("")),
            ast::ExprKind::Broken(reason) => return Expr::opaque(reason, span),
            ast::ExprKind::Member(base, name) => {
                if matches!(base.as_name(), Some("$left" | "$right")) {
                    return self.name(name, scope, span);
                }
                ExprKind::Member(Box::new(self.scalar(base, scope)), Rc::from(&**name))
            }
            ast::ExprKind::Index(base, index) => {
                if matches!(base.as_name(), Some("$left" | "$right"))
                    && let Some(name) = index.as_string()
                {
                    return self.name(name, scope, span);
                }
                ExprKind::Index(Box::new(self.scalar(base, scope)), Box::new(self.scalar(index, scope)))
            }
            ast::ExprKind::Negative(inner) => {
                let inner = self.scalar(inner, scope);
                ExprKind::Apply(function::NEGATIVE, vec![inner])
            }
            ast::ExprKind::Arithmetic(sign, left, right) => {
                let sides = vec![self.scalar(left, scope), self.scalar(right, scope)];
                ExprKind::Apply(function::arithmetic(*sign), sides)
            }
            ast::ExprKind::And(children) => ExprKind::All(self.scalars(children, scope)),
            ast::ExprKind::Or(children) => ExprKind::Any(self.scalars(children, scope)),
            ast::ExprKind::Compare(comparison, left, right) => {
                return self.compare(*comparison, left, right, span, scope);
            }
            ast::ExprKind::CompareList(comparison, left, items) => {
                return self.compare_list(*comparison, left, items, span, scope);
            }
            ast::ExprKind::Between { value, low, high, negated } => {
                return self.between(value, (low, high), *negated, span, scope);
            }
            ast::ExprKind::Call(name, arguments) => return self.call(expr, name, arguments, scope),
            ast::ExprKind::Pipeline(_)
            | ast::ExprKind::Union(_)
            | ast::ExprKind::Search(_)
            | ast::ExprKind::Print(_)
            | ast::ExprKind::Range(_)
            | ast::ExprKind::Datatable { .. }
            | ast::ExprKind::ExternalData { .. } => return self.sub_query(expr, scope),
        };
        at(kind, span)
    }

    pub(super) fn scalars(&mut self, exprs: &'a [ast::Expr<'a>], scope: ScopeRef) -> Vec<Expr> {
        exprs.iter().map(|expr| self.scalar(expr, scope)).collect()
    }

    fn json(&mut self, json: &'a Json<'a>, span: Span) -> Expr {
        if !self.enter() {
            return beyond(span);
        }
        let kind = match json {
            Json::Scalar(literal) => ExprKind::Const(constant::of(literal)),
            Json::Array(items) => {
                let scalars: Option<Vec<Const>> = items
                    .iter()
                    .map(|item| if let Json::Scalar(literal) = item { Some(constant::of(literal)) } else { None })
                    .collect();
                match scalars {
                    Some(scalars) => ExprKind::Constants(scalars.into()),
                    None => {
                        let members = items.iter().enumerate();
                        let members = members.map(|(place, item)| (place.to_string().into(), self.json(item, span)));
                        ExprKind::Object(members.collect())
                    }
                }
            }
            Json::Bag(entries) => {
                ExprKind::Object(entries.iter().map(|(key, item)| (Rc::from(&**key), self.json(item, span))).collect())
            }
        };
        self.leave();
        at(kind, span)
    }

    /// A sub-query, called by the `let` that is being read.
    fn sub_query(&mut self, expr: &'a ast::Expr<'a>, scope: ScopeRef) -> Expr {
        let name = self.reading_let.clone();
        let what = name.as_ref().map_or_else(|| "sub-query".to_owned(), |name| format!("let {name}"));
        let mut leg = match &name {
            // What is asked of the rows under this name is asked once.
            Some(name) if self.resolves_to_itself(expr, scope) => {
                let rows = ExprKind::Shared(self.table_of(name, expr, scope));
                super::rows::Leg { rows: at(rows, expr.span), label: Rc::from(&*what) }
            }
            _ => self.leg(expr, scope, &what),
        };
        leg.rows.span = expr.span;
        let text = name.or_else(|| expr.as_name().map(Rc::from));
        at(ExprKind::SubQuery { rows: Box::new(leg.rows), label: leg.label, text }, expr.span)
    }

    /// Whether no other name stands for a table.
    fn resolves_to_itself(&mut self, expr: &'a ast::Expr<'a>, scope: ScopeRef) -> bool {
        let depth = self.naming.len();
        let (_, found, _) = self.resolve_leg(expr, scope);
        self.naming.truncate(depth);
        std::ptr::eq(found, expr)
    }

    pub(super) fn name(&mut self, name: &'a str, scope: ScopeRef, span: Span) -> Expr {
        let bound = match self.scopes.get(scope, name) {
            Some(Binding::Expr(expr, inner)) => ExprKind::Shared(self.value_of(name, expr, inner)),
            Some(Binding::Value(Some(local))) => ExprKind::Local(local),
            Some(Binding::Value(None) | Binding::Function(..) | Binding::Rows(_)) => {
                ExprKind::Computed { of: Vec::new(), text: None }
            }
            None => return at(ExprKind::Name(Rc::from(name)), span),
        };
        let bound = at(bound, span);
        // The body of a function of values sees no columns.
        if self.is_in_body { bound } else { at(ExprKind::ColumnOr(Rc::from(name), Box::new(bound)), span) }
    }

    /// What a `let` stands for where a value is wanted, which is read once.
    fn value_of(&mut self, name: &str, expr: &'a ast::Expr<'a>, scope: ScopeRef) -> usize {
        let key = (std::ptr::from_ref(expr).cast(), scope);
        if let Some(value) = self.values.get(&key) {
            return *value;
        }
        self.naming.push(Rc::from(name));
        let outer = self.reading_let.replace(Rc::from(name));
        let value = if self.is_tabular_let(expr, scope) {
            self.sub_query(expr, scope)
        } else {
            let value = self.scalar(expr, scope);
            match &value.kind {
                // Values to be filled in by the reader: the list has a name.
                ExprKind::Constants(list) if list.is_empty() => at(ExprKind::Named(vec![Rc::from(name)]), value.span),
                _ => value,
            }
        };
        self.naming.pop();
        self.reading_let = outer;
        self.shared.push(value);
        let value = self.shared.len() - 1;
        self.values.insert(key, value);
        value
    }

    /// The literal that an expression is, or that a `let` binds its name to.
    pub(super) fn literal(&self, expr: &'a ast::Expr<'a>, scope: ScopeRef) -> Option<&'a ast::Literal<'a>> {
        let expr = match &expr.kind {
            ast::ExprKind::Name(name) => match self.scopes.get(scope, name) {
                Some(Binding::Expr(bound, _)) => bound,
                _ => return None,
            },
            _ => expr,
        };
        if let ast::ExprKind::Literal(literal) = &expr.kind { Some(literal) } else { None }
    }

    fn call(&mut self, expr: &'a ast::Expr<'a>, name: &'a str, arguments: &'a [Argument<'a>], scope: ScopeRef) -> Expr {
        let span = expr.span;
        let computed = || at(ExprKind::Computed { of: Vec::new(), text: None }, span);
        if let Some(Binding::Function(function, defined)) = self.scopes.get(scope, name) {
            if self.is_tabular(expr, scope) {
                return self.sub_query(expr, scope);
            }
            let (bindings, block) = self.bind_arguments(function, defined, arguments, None, scope);
            let Some((result, inner)) = self.body(function, block) else { return computed() };
            let outer = std::mem::replace(&mut self.is_in_body, true);
            let body = self.scalar(result, inner);
            self.is_in_body = outer;
            return within(bindings, body);
        }
        let first = arguments.first().map(|argument| &argument.value);
        match name {
            "now" | "ago" => return at(ExprKind::Now, span),
            "ingestion_time" => return at(ExprKind::Name(Rc::from("_TimeReceived")), span),
            "iff" | "iif" | "if" | "case" => return self.cases(arguments, span, scope),
            "coalesce" => {
                let values = arguments.iter().map(|argument| self.scalar(&argument.value, scope)).collect();
                return at(ExprKind::First(values), span);
            }
            "column_ifexists" | "columnifexists" => {
                return match first.and_then(|first| self.literal(first, scope)) {
                    Some(column) => self.name(&column.text, scope, span),
                    None => computed(),
                };
            }
            "toscalar" => {
                return match first {
                    Some(first) if self.is_tabular_let(first, scope) => {
                        let mut rows = self.sub_query(first, scope);
                        rows.span = span;
                        if let ExprKind::SubQuery { text, .. } = &mut rows.kind {
                            text.get_or_insert_with(|| written(first.span.of(self.text).unwrap_or_default()).into());
                        }
                        rows
                    }
                    Some(first) => self.scalar(first, scope),
                    None => computed(),
                };
            }
            "materialize" | "view" => {
                if let Some(first) = first
                    && self.is_tabular(first, scope)
                {
                    return self.sub_query(first, scope);
                }
            }
            "_GetWatchlist" | "table" => return self.sub_query(expr, scope),
            "extractjson" | "extract_json" => {
                if let [path, source, ..] = arguments
                    && let Some(path) = self.literal(&path.value, scope)
                    && let Some(steps) = constant::json_path(&path.text)
                {
                    let source = self.scalar(&source.value, scope);
                    return steps.iter().fold(source, |value, step| {
                        let value = Box::new(value);
                        at(
                            match step {
                                constant::PathStep::Member(name) => ExprKind::Member(value, Rc::from(*name)),
                                constant::PathStep::Element(index) => ExprKind::Element(value, Rc::from(*index)),
                            },
                            span,
                        )
                    });
                }
            }
            _ => {}
        }
        if let Some(condition) = self.condition_of(name, arguments, span, scope) {
            return condition;
        }
        let values = arguments.iter().map(|argument| self.scalar(&argument.value, scope)).collect();
        at(ExprKind::Apply(function::function(name), values), span)
    }

    /// `iff(c, a, b)`, `case(c1, a, c2, b, …, rest)`.
    fn cases(&mut self, arguments: &'a [Argument<'a>], span: Span, scope: ScopeRef) -> Expr {
        let computed = at(ExprKind::Computed { of: Vec::new(), text: None }, span);
        let Some((rest, pairs)) = arguments.split_last() else { return computed };
        if pairs.len() % 2 != 0 || pairs.len() / 2 > MAX_BRANCHES {
            return computed;
        }
        let mut arms = Vec::with_capacity(pairs.len() / 2);
        for pair in pairs.chunks_exact(2) {
            let [condition, value] = pair else { continue };
            arms.push((self.scalar(&condition.value, scope), self.scalar(&value.value, scope)));
        }
        let otherwise = Some(Box::new(self.scalar(&rest.value, scope)));
        at(ExprKind::Case { arms, otherwise }, span)
    }

    /// A number that an expression is, as far as the text says at once.
    pub(super) fn static_number(&self, expr: &'a ast::Expr<'a>, scope: ScopeRef) -> Option<f64> {
        if let ast::ExprKind::Negative(inner) = &expr.kind {
            return Some(-self.static_number(inner, scope)?);
        }
        let literal = self.literal(expr, scope)?;
        matches!(literal.kind, LiteralKind::Number | LiteralKind::String).then(|| literal.text.parse().ok()).flatten()
    }
}
