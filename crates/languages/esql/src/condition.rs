//! Boolean expressions to conditions.

use std::rc::Rc;

use ruleatlas_core::{BUDGET, Folded, fold_wildcards};
use ruleatlas_model::{Diagnostic, Missing, Modifier, Node, Op};

use crate::{
    ast::{Comparison, Constant, Expr, Kind, Link},
    pipeline::Lowering,
    subject::{Test, Way, has_unknown_function},
};

impl Lowering<'_> {
    /// The condition of a boolean expression; `None` where it restricts nothing but the time.
    pub fn condition(&mut self, expr: &Link, missing: Missing) -> Option<Node> {
        if !self.spend(1) {
            return Some(self.opaque(BUDGET, expr.span));
        }
        let way = Way { missing, span: expr.span, caseless: false, modifier: None };
        Some(match &expr.kind {
            Kind::All(children) => {
                let nodes: Vec<Node> = children.iter().filter_map(|child| self.condition(child, missing)).collect();
                if nodes.is_empty() && !children.is_empty() {
                    return None;
                }
                Node::all(nodes)
            }
            Kind::Any(children) => {
                let nodes: Vec<Node> = children.iter().filter_map(|child| self.condition(child, missing)).collect();
                if nodes.is_empty() {
                    return None;
                }
                if nodes.len() < children.len() {
                    let message = "A restriction of time is one of several alternatives; it is left out.";
                    self.diagnostics.push(Diagnostic::note("time window in an alternative", message).at(expr.span));
                }
                Node::any(nodes)
            }
            Kind::Not(child) => self.condition(child, missing)?.not(),
            Kind::Compare { op, left, right } => return self.compare(*op, left, right, &way),
            Kind::In { subject, list, negated } => self.is_in(subject, list, *negated, &way),
            Kind::Like { subject, patterns, regex, negated } => self.like(subject, patterns, *regex, *negated, &way),
            Kind::IsNull { subject, negated } => {
                let op = if *negated { Op::IsNotNull } else { Op::IsNull };
                self.test(subject, &Test::presence(op), &way)
            }
            Kind::Constant(Constant::Boolean(value)) => Node::constant(*value),
            Kind::Constant(Constant::Null) => Node::never(),
            Kind::Call { name, arguments } => return self.call(expr, name, arguments, &way),
            Kind::Name(_) | Kind::Field { .. } | Kind::Computed(_) | Kind::Collected { .. } => {
                self.test(expr, &Test::is_true(), &way)
            }
            Kind::InQuery { subject, query, negated } => {
                // Within an alternative the comparison stays visible beside the step.
                self.query(query, *negated);
                let text = self.excerpt(expr.span).split_whitespace().collect::<Vec<_>>().join(" ");
                self.computed(subject, &Test { negated: *negated, ..Test::new(Op::InList, [text]) }, &way)
            }
            Kind::Constant(_) | Kind::List(_) => self.opaque("a value where a condition is meant", expr.span),
            Kind::Broken(reason) => self.opaque(reason, expr.span),
        })
    }

    fn compare(&mut self, op: Comparison, left: &Link, right: &Link, way: &Way) -> Option<Node> {
        let (op, subject, value) = if left.constant().is_some() && right.constant().is_none() {
            (op.turned(), right, left)
        } else {
            (op, left, right)
        };
        let is_order = !matches!(op, Comparison::Eq | Comparison::EqCaseless | Comparison::Ne);
        if is_order && (is_time(subject) && has_no_field(value) || is_time(value) && has_no_field(subject)) {
            return None;
        }
        let way = Way { caseless: way.caseless || op == Comparison::EqCaseless, ..way.clone() };
        let (compared, negated) = op.op();
        Some(match value.constant() {
            // Nothing equals null, nor differs from it.
            Some(Constant::Null) => Node::never(),
            Some(Constant::Duration) => self.compare_expressions(subject, value, compared, negated, &way),
            Some(constant) => self.test(subject, &Test::of_constants(compared, negated, &[constant]), &way),
            None => self.compare_expressions(subject, value, compared, negated, &way),
        })
    }

    /// Two fields, or something that is only known when the query runs.
    fn compare_expressions(&mut self, left: &Link, right: &Link, op: Op, negated: bool, way: &Way) -> Node {
        if let Kind::Broken(reason) = &right.kind {
            return self.opaque(reason, way.span);
        }
        if has_unknown_function(right) {
            return self.opaque("function is not known", way.span);
        }
        if let (Some(_), Some(other), Op::Eq) = (plain_field(left), plain_field(right), op) {
            return self.test(left, &Test { op: Op::FieldRef, negated, ..Test::new(op, [other.to_string()]) }, way);
        }
        let value = self.label(right);
        self.computed(left, &Test { negated, ..Test::new(op, [value]) }, way)
    }

    fn is_in(&mut self, subject: &Link, list: &[Link], negated: bool, way: &Way) -> Node {
        let mut constants = Vec::new();
        let mut others = Vec::new();
        for item in list {
            match &item.kind {
                Kind::Constant(Constant::Null) => {}
                Kind::Constant(constant @ (Constant::Text(_) | Constant::Number(_) | Constant::Boolean(_))) => {
                    constants.push(constant);
                }
                _ => others.push(item),
            }
        }
        let mut alternatives = Vec::new();
        if !constants.is_empty() {
            alternatives.push(self.test(subject, &Test::of_constants(Op::In, negated, &constants), way));
        }
        for item in others {
            let op = if negated { Comparison::Ne } else { Comparison::Eq };
            alternatives.extend(self.compare(op, subject, item, way));
        }
        if negated { Node::all(alternatives) } else { Node::any(alternatives) }
    }

    /// `like` and `rlike` compare the whole value, with case.
    fn like(&mut self, subject: &Link, patterns: &[Link], regex: bool, negated: bool, way: &Way) -> Node {
        let mut tests: Vec<Test> = Vec::new();
        let mut nodes = Vec::new();
        for pattern in patterns {
            let Some(Constant::Text(text)) = pattern.constant() else {
                let value = self.label(pattern);
                let op = if regex { Op::RegexMatch } else { Op::Wildcard };
                nodes.push(self.computed(subject, &Test { negated, ..Test::new(op, [value]) }, way));
                continue;
            };
            let Folded { op, value } = if regex {
                Folded { op: Op::RegexMatch, value: text.to_string() }
            } else {
                fold_wildcards(text, Some('\\'))
            };
            if !regex && matches!(op, Op::Eq) && text.contains('%') {
                let message = "`%` is a plain character in `like`; the wildcards are `*` and `?`.";
                self.diagnostics.push(Diagnostic::warning("`%` in `like`", message).at(pattern.span));
            }
            let values = if op.is_presence() { Vec::new() } else { vec![value] };
            match tests.iter_mut().find(|test| test.op == op) {
                Some(test) => test.values.extend(values),
                None => tests.push(Test { negated, ..Test::new(op, values) }),
            }
        }
        for test in &mut tests {
            if test.op == Op::Eq && test.values.len() > 1 {
                test.op = Op::In;
            }
        }
        nodes.extend(tests.iter().map(|test| self.test(subject, test, way)).collect::<Vec<_>>());
        if negated { Node::all(nodes) } else { Node::any(nodes) }
    }

    /// A function that says yes or no.
    fn call(&mut self, expr: &Link, name: &str, arguments: &[Link], way: &Way) -> Option<Node> {
        let op = match name {
            "starts_with" => Op::StartsWith,
            "ends_with" => Op::EndsWith,
            "contains" => Op::Contains,
            "cidr_match" => Op::CidrMatch,
            "mv_contains" => Op::Eq,
            "match" | "match_phrase" => Op::Match,
            "kql" | "qstr" => return Some(self.embedded(name == "kql", expr, arguments)),
            // The range of `@timestamp` around now.
            "trange" => return None,
            "not" => return self.condition(arguments.first()?, way.missing).map(Node::not),
            _ if Test::looks_through(name) || matches!(name, "case" | "coalesce") => {
                return Some(self.test(expr, &Test::is_true(), way));
            }
            _ => return Some(self.opaque("function is not known", expr.span)),
        };
        let Some((subject, values)) = arguments.split_first() else {
            return Some(self.opaque("function without arguments", expr.span));
        };
        let is_option = |value: &Link| matches!(&value.kind, Kind::Call { name, .. } if &**name == "{}");
        let options = values.iter().filter(|value| is_option(value)).flat_map(|options| options.kind.children());
        let fuzzy = options.filter_map(|name| name.constant()).any(|name| name.text() == "fuzziness");
        let listed: Vec<&Link> = values
            .iter()
            .filter(|value| !is_option(value))
            .flat_map(|value| match &value.kind {
                Kind::List(items) => items.as_slice(),
                _ => std::slice::from_ref(value),
            })
            .collect();
        let constants: Vec<&Constant> = listed.iter().filter_map(|value| value.constant()).collect();
        let mut way = way.clone();
        if op == Op::Match {
            // A full-text search is made in the index: it finds nothing without the field, and its negation does.
            way.missing = Missing::Fails;
            way.caseless = true;
            way.modifier = fuzzy.then_some(Modifier::Fuzzy).or(way.modifier);
        }
        Some(match (constants.len() == listed.len(), listed.as_slice()) {
            (true, _) if op == Op::Eq => {
                // `mv_contains` asks for every value.
                let tests = constants.iter().map(|constant| Test::of_constants(op, false, &[constant]));
                Node::all(
                    tests.collect::<Vec<_>>().iter().map(|test| self.test(subject, test, &way)).collect::<Vec<_>>(),
                )
            }
            (true, _) => self.test(subject, &Test::of_constants(op, false, &constants), &way),
            (false, [value]) => match (plain_field(subject), plain_field(value), op) {
                (Some(_), Some(other), Op::StartsWith | Op::EndsWith | Op::Contains) => {
                    let modifier = match op {
                        Op::StartsWith => Modifier::StartsWith,
                        Op::EndsWith => Modifier::EndsWith,
                        _ => Modifier::Contains,
                    };
                    let way = Way { modifier: Some(modifier), ..way };
                    self.test(subject, &Test::new(Op::FieldRef, [other.to_string()]), &way)
                }
                _ => self.computed(subject, &Test::new(op, [self.label(value)]), &way),
            },
            _ => self.opaque("arguments are no constants", expr.span),
        })
    }
}

impl Comparison {
    /// The comparison with its sides exchanged.
    fn turned(self) -> Self {
        match self {
            Self::Lt => Self::Gt,
            Self::Lte => Self::Gte,
            Self::Gt => Self::Lt,
            Self::Gte => Self::Lte,
            same => same,
        }
    }

    /// The operator, and whether it is negated.
    fn op(self) -> (Op, bool) {
        match self {
            Self::Eq | Self::EqCaseless => (Op::Eq, false),
            Self::Ne => (Op::Eq, true),
            Self::Lt => (Op::Lt, false),
            Self::Lte => (Op::Lte, false),
            Self::Gt => (Op::Gt, false),
            Self::Gte => (Op::Gte, false),
        }
    }
}

/// The field that an expression is, looking through what does not change it.
fn plain_field(expr: &Expr) -> Option<Rc<str>> {
    match &expr.kind {
        Kind::Name(name) | Kind::Field { name, .. } => Some(Rc::clone(name)),
        Kind::Call { name, arguments } if Test::looks_through(name) => plain_field(arguments.first()?),
        _ => None,
    }
}

fn is_time(expr: &Expr) -> bool {
    plain_field(expr).as_deref() == Some("@timestamp")
}

/// Whether the expression is the same for every event.
fn has_no_field(expr: &Expr) -> bool {
    expr.first_field().is_none() && !expr.is_computed()
}
