//! Conditions of SQL. Comparisons are three-valued: of a missing column they are null.

use ruleatlas_core::{BUDGET, Piece, fold_pieces};
use ruleatlas_model::{Missing, Modifier, Node, Op, Predicate, Span};
use sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, JsonPathElem, Query, Spanned,
    UnaryOperator, Value,
};

use super::{Step, place::Places};
use crate::{nodes::negated, yaml::Report};

/// Expressions in expressions that are read.
const MAX_DEPTH: usize = 128;

pub(super) struct Lower<'r, 'q> {
    report: &'r mut Report<'q>,
    places: Places,
    depth: usize,
}

/// A column, or a path in it.
pub(super) struct Column {
    pub path: String,
    any_case: bool,
}

impl<'r, 'q> Lower<'r, 'q> {
    pub fn new(report: &'r mut Report<'q>, places: Places) -> Self {
        Self { report, places, depth: 0 }
    }

    /// Spends what copies of steps cost; `false` where nothing is left.
    pub fn may_copy(&mut self, steps: &[Step]) -> bool {
        let size = |step: &Step| 1 + step.names.len() + step.node.walk().count();
        self.report.may_copy(steps.iter().map(size).sum())
    }

    /// A step of which no more is read, as nothing is left to spend.
    pub fn beyond_budget(&mut self, mut step: Step) -> Step {
        let whole = self.places.whole();
        if let Some(diagnostic) = self.report.budget.report() {
            self.report.diagnostics.push(diagnostic.at(whole));
        }
        step.node = Node::opaque(step.alias.clone(), BUDGET, whole);
        step
    }

    fn span(&self, expr: &Expr) -> Span {
        self.places.span(expr.span())
    }

    /// What a condition asks of the rows of `steps`.
    pub fn condition(&mut self, expr: &Expr, steps: &[Step], is_join: bool) -> Node {
        if self.depth >= MAX_DEPTH {
            return self.opaque(expr, "nesting is too deep");
        }
        self.depth += 1;
        let node = self.inner(expr, steps, is_join);
        self.depth -= 1;
        node
    }

    fn inner(&mut self, expr: &Expr, steps: &[Step], is_join: bool) -> Node {
        match expr {
            Expr::Nested(inner) => self.condition(inner, steps, is_join),
            Expr::UnaryOp { op: UnaryOperator::Not, expr } => self.condition(expr, steps, is_join).not(),
            Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
                Node::all([self.condition(left, steps, is_join), self.condition(right, steps, is_join)])
            }
            Expr::BinaryOp { left, op: BinaryOperator::Or, right } => {
                Node::any([self.condition(left, steps, is_join), self.condition(right, steps, is_join)])
            }
            Expr::BinaryOp { left, op, right } => self.comparison(expr, left, op, right, steps, is_join),
            Expr::Between { expr: inner, negated: not, low, high } => {
                if is_time(inner) || is_time(low) {
                    return Node::always();
                }
                let low = self.comparison(expr, inner, &BinaryOperator::GtEq, low, steps, false);
                let high = self.comparison(expr, inner, &BinaryOperator::LtEq, high, steps, false);
                turned(Node::all([low, high]), *not)
            }
            Expr::InList { expr: inner, list, negated: not } => {
                let values: Option<Vec<String>> = list.iter().map(literal).collect();
                match (self.column(inner, steps), values) {
                    (Some(column), Some(values)) => turned(self.predicate(expr, &column, Op::In, values), *not),
                    _ => self.computed(expr),
                }
            }
            Expr::Like { expr: inner, pattern, negated: not, escape_char, .. } => {
                self.like(expr, inner, pattern, escape_char.as_deref(), false, *not, steps)
            }
            Expr::ILike { expr: inner, pattern, negated: not, escape_char, .. } => {
                self.like(expr, inner, pattern, escape_char.as_deref(), true, *not, steps)
            }
            Expr::RLike { expr: inner, pattern, negated: not, .. } => {
                match (self.column(inner, steps), literal(pattern)) {
                    (Some(column), Some(pattern)) => {
                        let mut found = self.leaf(expr, &column, Op::RegexMatch, vec![pattern]);
                        found.modifiers = Modifier::Anchored.into();
                        turned(found.into(), *not)
                    }
                    _ => self.computed(expr),
                }
            }
            Expr::IsNull(inner) => self.presence(expr, inner, Op::IsNull, steps),
            Expr::IsNotNull(inner) => self.presence(expr, inner, Op::IsNotNull, steps),
            Expr::IsTrue(inner) => self.condition(inner, steps, is_join),
            Expr::IsFalse(inner) => self.condition(inner, steps, is_join).not(),
            Expr::Function(function) => self.function(expr, function, steps),
            Expr::Value(value) => match &value.value {
                Value::Boolean(value) => Node::constant(*value),
                Value::Number(number, _) => Node::constant(number != "0"),
                _ => self.computed(expr),
            },
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) | Expr::JsonAccess { .. } | Expr::Cast { .. } => {
                match self.column(expr, steps) {
                    Some(column) => self.predicate(expr, &column, Op::Eq, vec!["true".to_owned()]),
                    None => self.computed(expr),
                }
            }
            Expr::Exists { .. } | Expr::InSubquery { .. } => self.opaque(expr, "sub-query among alternatives"),
            _ => self.computed(expr),
        }
    }

    fn comparison(
        &mut self,
        whole: &Expr,
        left: &Expr,
        op: &BinaryOperator,
        right: &Expr,
        steps: &[Step],
        is_join: bool,
    ) -> Node {
        if is_time(left) || is_time(right) {
            return Node::always();
        }
        let (folded, not) = match op {
            BinaryOperator::Eq | BinaryOperator::Spaceship => (Op::Eq, false),
            BinaryOperator::NotEq => (Op::Eq, true),
            BinaryOperator::Lt => (Op::Lt, false),
            BinaryOperator::LtEq => (Op::Lte, false),
            BinaryOperator::Gt => (Op::Gt, false),
            BinaryOperator::GtEq => (Op::Gte, false),
            _ => return self.computed(whole),
        };
        let turned_op = match folded {
            Op::Lt => Op::Gt,
            Op::Lte => Op::Gte,
            Op::Gt => Op::Lt,
            Op::Gte => Op::Lte,
            other => other,
        };
        let (left_value, right_value) = (literal(left), literal(right));
        let (column, op, value) = match (self.column(left, steps), right_value, self.column(right, steps), left_value) {
            (Some(column), Some(value), ..) => (column, folded, value),
            (_, _, Some(column), Some(value)) => (column, turned_op, value),
            // Keys of a join are no predicates.
            (Some(_), None, Some(_), None) if is_join => return Node::always(),
            (Some(column), None, Some(other), None) if folded == Op::Eq => {
                return turned(self.predicate(whole, &column, Op::FieldRef, vec![other.path]), not);
            }
            (None, Some(value), ..) => return self.computed_side(whole, left, folded, value, not),
            (_, _, None, Some(value)) => return self.computed_side(whole, right, turned_op, value, not),
            _ => return self.computed(whole),
        };
        turned(self.predicate(whole, &column, op, vec![value]), not)
    }

    #[allow(clippy::too_many_arguments)]
    fn like(
        &mut self,
        whole: &Expr,
        inner: &Expr,
        pattern: &Expr,
        escape: Option<&Expr>,
        any_case: bool,
        not: bool,
        steps: &[Step],
    ) -> Node {
        let list: Vec<&Expr> = match pattern {
            Expr::Tuple(list) => list.iter().collect(),
            Expr::Nested(one) => vec![one],
            one => vec![one],
        };
        let escape = escape.and_then(literal).and_then(|text| text.chars().next());
        let patterns: Option<Vec<String>> = list.into_iter().map(literal).collect();
        let (Some(mut column), Some(patterns)) = (self.column(inner, steps), patterns) else {
            return self.computed(whole);
        };
        column.any_case |= any_case;
        let some: Vec<Node> = patterns
            .iter()
            .map(|pattern| {
                let folded = fold_pieces(&pieces(pattern, escape));
                let values = if folded.op.is_presence() { Vec::new() } else { vec![folded.value] };
                turned(self.predicate(whole, &column, folded.op, values), not)
            })
            .collect();
        if not { Node::all(some) } else { Node::any(some) }
    }

    fn presence(&mut self, whole: &Expr, inner: &Expr, op: Op, steps: &[Step]) -> Node {
        match self.column(inner, steps) {
            Some(column) => {
                let mut found = self.leaf(whole, &column, op, Vec::new());
                found.missing = Missing::Fails;
                found.into()
            }
            None => self.computed(whole),
        }
    }

    fn function(&mut self, whole: &Expr, function: &Function, steps: &[Step]) -> Node {
        let name = function.name.to_string().to_lowercase();
        if name.starts_with("p_occurs") {
            return Node::always();
        }
        let arguments = arguments(function);
        if let ("array_contains", [field, Expr::Array(list)]) = (name.as_str(), arguments.as_slice()) {
            let values: Option<Vec<String>> = list.elem.iter().map(literal).collect();
            if let (Some(column), Some(values)) = (self.column(field, steps), values) {
                return self.predicate(whole, &column, Op::In, values);
            }
        }
        let (op, first, second) = match (name.as_str(), arguments.as_slice()) {
            ("contains", [field, value]) => (Op::Contains, *field, *value),
            ("startswith", [field, value]) => (Op::StartsWith, *field, *value),
            ("endswith", [field, value]) => (Op::EndsWith, *field, *value),
            ("regexp_like" | "rlike", [field, value, ..]) => (Op::RegexMatch, *field, *value),
            ("array_contains", [value, field]) => (Op::Eq, *field, *value),
            _ => return self.computed(whole),
        };
        match (self.column(first, steps), literal(second)) {
            (Some(column), Some(value)) => {
                let mut found = self.leaf(whole, &column, op, vec![value]);
                if op == Op::RegexMatch {
                    found.modifiers = Modifier::Anchored.into();
                }
                found.into()
            }
            _ => self.computed(whole),
        }
    }

    fn leaf(&self, whole: &Expr, column: &Column, op: Op, values: Vec<String>) -> Predicate {
        let mut predicate = Predicate::new(column.path.clone(), op, values);
        predicate.case_sensitive = !column.any_case && !op.is_presence();
        predicate.missing = Missing::Null;
        predicate.span = self.span(whole);
        predicate
    }

    fn predicate(&mut self, whole: &Expr, column: &Column, op: Op, values: Vec<String>) -> Node {
        self.leaf(whole, column, op, values).into()
    }

    /// An expression as it stands in the query; as it is understood where its place is not known.
    fn text_of(&self, expr: &Expr) -> String {
        let span = self.span(expr);
        // The parser's place of a call may end before its arguments do.
        let is_whole = |text: &&str| {
            let count = |sign: char| text.matches(sign).count();
            span != self.places.whole()
                && count('(') == count(')')
                && (text.contains('(') || !matches!(expr, Expr::Function(_)))
        };
        let written = span.of(self.report.text).filter(is_whole);
        written.map_or_else(|| expr.to_string(), str::to_owned)
    }

    fn computed(&mut self, whole: &Expr) -> Node {
        let span = self.span(whole);
        let mut predicate = Predicate::new(self.text_of(whole), Op::Eq, ["true"]);
        predicate.computed = true;
        predicate.missing = Missing::Null;
        predicate.span = span;
        predicate.into()
    }

    /// `count(*) > 5`: something computed against a literal.
    fn computed_side(&mut self, whole: &Expr, side: &Expr, op: Op, value: String, not: bool) -> Node {
        let mut predicate = Predicate::new(self.text_of(side), op, [value]);
        predicate.computed = true;
        predicate.missing = Missing::Null;
        predicate.span = self.span(whole);
        turned(predicate.into(), not)
    }

    fn opaque(&mut self, whole: &Expr, reason: &'static str) -> Node {
        let span = self.span(whole);
        Node::opaque(span.of(self.report.text).unwrap_or_default(), reason, span)
    }

    /// The column that an expression is, with what does not change the comparison looked through.
    pub fn column(&mut self, expr: &Expr, steps: &[Step]) -> Option<Column> {
        let plain = |path: String| Some(Column { path, any_case: false });
        match expr {
            Expr::Nested(inner) | Expr::Cast { expr: inner, .. } | Expr::Collate { expr: inner, .. } => {
                self.column(inner, steps)
            }
            Expr::Identifier(name) => {
                for step in steps {
                    if let Some(known) = step.names.get(&name.value.to_lowercase()) {
                        return known.clone().and_then(plain);
                    }
                }
                plain(name.value.clone())
            }
            Expr::CompoundIdentifier(parts) => {
                let parts: Vec<&str> = parts.iter().map(|part| part.value.as_str()).collect();
                let (last, before) = parts.split_last()?;
                let is_table = before.last().is_some_and(|name| {
                    steps.iter().any(|step| {
                        step.alias.eq_ignore_ascii_case(name)
                            || step.tables.iter().any(|table| table.eq_ignore_ascii_case(name))
                    })
                });
                if !is_table {
                    return plain(parts.join("."));
                }
                for step in steps {
                    if let Some(known) = step.names.get(&last.to_lowercase()) {
                        return known.clone().and_then(plain);
                    }
                }
                plain((*last).to_owned())
            }
            Expr::JsonAccess { value, path } => {
                let mut column = self.column(value, steps)?;
                for element in &path.path {
                    match element {
                        JsonPathElem::Dot { key, .. } => {
                            column.path.push('.');
                            column.path.push_str(key);
                        }
                        JsonPathElem::Bracket { key } | JsonPathElem::ColonBracket { key } => match literal(key) {
                            Some(index) if index.bytes().all(|byte| byte.is_ascii_digit()) => {
                                column.path.push_str(&format!("[{index}]"));
                            }
                            Some(key) => {
                                column.path.push('.');
                                column.path.push_str(&key);
                            }
                            None => return None,
                        },
                    }
                }
                Some(column)
            }
            Expr::Trim { expr, .. } => self.column(expr, steps),
            Expr::Function(function) => {
                let name = function.name.to_string().to_lowercase();
                let arguments = arguments(function);
                let inner = arguments.first()?;
                match name.as_str() {
                    "lower" | "upper" => self.column(inner, steps).map(|column| Column { any_case: true, ..column }),
                    "to_varchar" | "to_char" | "trim" | "to_number" | "try_to_number" | "parse_json"
                    | "try_parse_json" | "to_variant" => self.column(inner, steps),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

fn turned(node: Node, not: bool) -> Node {
    if not { negated(node) } else { node }
}

/// The characters and wildcards of a `LIKE` pattern.
fn pieces(pattern: &str, escape: Option<char>) -> Vec<Piece> {
    let mut found = Vec::with_capacity(pattern.len());
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        found.push(match character {
            _ if Some(character) == escape => characters.next().map_or(Piece::Char(character), Piece::Char),
            '%' => Piece::Many,
            '_' => Piece::One,
            other => Piece::Char(other),
        });
    }
    found
}

/// The text of a literal.
fn literal(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => literal(inner),
        Expr::Value(value) => match &value.value {
            Value::Number(number, _) => Some(number.clone()),
            Value::Boolean(value) => Some(value.to_string()),
            other => other.clone().into_string(),
        },
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => literal(expr).map(|number| format!("-{number}")),
        Expr::Function(function)
            if matches!(function.name.to_string().to_lowercase().as_str(), "lower" | "upper" | "to_variant") =>
        {
            arguments(function).first().and_then(|inner| literal(inner))
        }
        _ => None,
    }
}

fn arguments(function: &Function) -> Vec<&Expr> {
    let FunctionArguments::List(list) = &function.args else { return Vec::new() };
    list.args
        .iter()
        .filter_map(|argument| match argument {
            FunctionArg::Unnamed(inner)
            | FunctionArg::Named { arg: inner, .. }
            | FunctionArg::ExprNamed { arg: inner, .. } => match inner {
                FunctionArgExpr::Expr(expr) => Some(expr),
                _ => None,
            },
        })
        .collect()
}

/// Whether an expression is about the time of events, which is the rule's window and no predicate.
fn is_time(expr: &Expr) -> bool {
    match expr {
        Expr::Interval(_) => true,
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => is_time(inner),
        Expr::Identifier(name) => is_time_name(&name.value),
        Expr::CompoundIdentifier(parts) => parts.last().is_some_and(|name| is_time_name(&name.value)),
        Expr::BinaryOp { left, right, .. } => is_time(left) || is_time(right),
        Expr::Function(function) => matches!(
            function.name.to_string().to_lowercase().as_str(),
            "current_timestamp"
                | "current_date"
                | "dateadd"
                | "datediff"
                | "timestampdiff"
                | "timestampadd"
                | "sysdate"
                | "getdate"
        ),
        _ => false,
    }
}

fn is_time_name(name: &str) -> bool {
    matches!(name.to_lowercase().as_str(), "p_event_time" | "p_parse_time" | "p_schedule_time" | "current_timestamp")
}

/// The query that a conjunct asks, and whether its answer must be empty.
pub(super) fn subquery(expr: &Expr) -> Option<(&Query, bool)> {
    match expr {
        Expr::InSubquery { subquery, negated, .. } | Expr::Exists { subquery, negated } => Some((subquery, *negated)),
        Expr::Nested(inner) => subquery(inner),
        Expr::UnaryOp { op: UnaryOperator::Not, expr } => subquery(expr).map(|(query, absent)| (query, !absent)),
        _ => None,
    }
}

/// The table alias before the first column of a condition.
pub(super) fn qualifier(expr: &Expr) -> Option<String> {
    match expr {
        Expr::CompoundIdentifier(parts) => {
            parts.len().checked_sub(2).and_then(|at| parts.get(at)).map(|name| name.value.clone())
        }
        Expr::Nested(inner)
        | Expr::Cast { expr: inner, .. }
        | Expr::IsNull(inner)
        | Expr::IsNotNull(inner)
        | Expr::InList { expr: inner, .. }
        | Expr::Like { expr: inner, .. }
        | Expr::ILike { expr: inner, .. }
        | Expr::UnaryOp { expr: inner, .. }
        | Expr::JsonAccess { value: inner, .. } => qualifier(inner),
        Expr::BinaryOp { left, right, .. } => qualifier(left).or_else(|| qualifier(right)),
        Expr::Function(function) => arguments(function).first().and_then(|inner| qualifier(inner)),
        _ => None,
    }
}
