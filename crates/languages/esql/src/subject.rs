//! A comparison carried to the fields that its subject is made of.

use std::{collections::HashSet, rc::Rc, sync::LazyLock};

use ruleatlas_core::BUDGET;
use ruleatlas_model::{Missing, Modifier, Node, Op, Predicate, Span};

use crate::{
    ast::{Constant, Kind, Link, Lookup},
    pipeline::Lowering,
};

/// What a subject is compared with, and how.
#[derive(Clone, Debug)]
pub(crate) struct Test {
    pub op: Op,
    pub negated: bool,
    pub values: Vec<String>,
    /// Whether the value is filled in from outside.
    pub parameter: bool,
    /// Whether a value is a text, and has a case.
    pub cased: bool,
}

/// What the way from the comparison to a field says of it.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    pub missing: Missing,
    /// Where the comparison stands.
    pub span: Span,
    pub caseless: bool,
    pub modifier: Option<Modifier>,
}

impl Test {
    pub fn new(op: Op, values: impl Into<Vec<String>>) -> Self {
        Self { op, negated: false, values: values.into(), parameter: false, cased: true }
    }

    pub fn presence(op: Op) -> Self {
        Self::new(op, [])
    }

    pub fn is_true() -> Self {
        Self { cased: false, ..Self::new(Op::Eq, ["true".to_owned()]) }
    }

    pub fn of_constants(op: Op, negated: bool, constants: &[&Constant]) -> Self {
        let parameter = constants.iter().any(|constant| matches!(constant, Constant::Parameter(_)));
        let values = constants.iter().map(|constant| constant.text()).collect();
        let cased = parameter || constants.iter().any(|constant| matches!(constant, Constant::Text(_)));
        Self { op, negated, values, parameter, cased }
    }

    /// Functions that do not change what is compared, but for its type, case or the choice among its values.
    pub fn looks_through(function: &str) -> bool {
        matches!(
            function,
            "::" | "to_lower"
                | "to_upper"
                | "to_string"
                | "to_str"
                | "to_text"
                | "to_ip"
                | "to_integer"
                | "to_int"
                | "to_long"
                | "to_double"
                | "to_dbl"
                | "to_boolean"
                | "to_bool"
                | "to_version"
                | "to_ver"
                | "to_unsigned_long"
                | "to_ulong"
                | "to_ul"
                | "to_datetime"
                | "to_dt"
                | "trim"
                | "ltrim"
                | "rtrim"
                | "mv_first"
                | "mv_last"
                | "mv_min"
                | "mv_max"
                | "mv_dedupe"
                | "mv_sort"
                | "url_decode"
        )
    }

    /// Whether a constant is as asked; `None` where that is not decided here.
    fn of_constant(&self, constant: &Constant) -> Option<bool> {
        if self.op.is_presence() {
            return Some((*constant == Constant::Null) == (self.op == Op::IsNull));
        }
        if self.parameter || matches!(constant, Constant::Parameter(_) | Constant::Duration) {
            return None;
        }
        if *constant == Constant::Null {
            return Some(false);
        }
        let text = constant.text();
        let number = |text: &str| text.parse::<f64>().ok();
        let mut values = self.values.iter();
        let holds = match self.op {
            Op::Eq | Op::In => {
                values.any(|value| *value == text || number(value).is_some() && number(value) == number(&text))
            }
            Op::StartsWith => values.any(|value| text.starts_with(value.as_str())),
            Op::EndsWith => values.any(|value| text.ends_with(value.as_str())),
            Op::Contains => values.any(|value| text.contains(value.as_str())),
            Op::Lt | Op::Lte | Op::Gt | Op::Gte => {
                let (left, right) = (number(&text)?, number(self.values.first()?)?);
                match self.op {
                    Op::Lt => left < right,
                    Op::Lte => left <= right,
                    Op::Gt => left > right,
                    _ => left >= right,
                }
            }
            _ => return None,
        };
        Some(holds != self.negated)
    }

    /// For a boolean expression: whether it is to hold.
    fn wants(&self) -> Option<bool> {
        match (self.op, self.values.as_slice()) {
            (Op::Eq | Op::In, [value]) if value == "true" => Some(!self.negated),
            (Op::Eq | Op::In, [value]) if value == "false" => Some(self.negated),
            _ => None,
        }
    }

    fn positive(&self) -> Self {
        Self { negated: false, ..self.clone() }
    }
}

impl Constant {
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) | Self::Number(text) | Self::Parameter(text) => text.to_string(),
            Self::Boolean(value) => value.to_string(),
            Self::Null | Self::Duration => String::new(),
        }
    }
}

impl Lowering<'_> {
    /// The condition that `subject` is as `test` asks.
    pub fn test(&mut self, subject: &Link, test: &Test, way: &Way) -> Node {
        if !self.spend(1) {
            return self.opaque(BUDGET, way.span);
        }
        match &subject.kind {
            Kind::Name(name) => self.predicate(name, None, test, way),
            Kind::Field { lookup: Some(lookup), .. } if test.op.is_presence() => self.row_is_found(lookup, test, way),
            Kind::Field { name, derived_from, .. } => self.predicate(name, derived_from.as_deref(), test, way),
            Kind::Constant(constant) => match test.of_constant(constant) {
                Some(holds) => Node::constant(holds),
                None => self.opaque("comparison of constants", way.span),
            },
            Kind::Call { name, arguments } => match (&**name, arguments.as_slice()) {
                ("coalesce", _) => self.coalesce(arguments, test, way),
                ("case", _) => self.case(arguments, test, way),
                ("json_extract", [source, path]) => match json_field(source, path) {
                    Some(field) => self.predicate(&field, None, test, way),
                    None => self.computed(subject, test, way),
                },
                (function, [inner, ..]) if Test::looks_through(function) => {
                    let mut way = way.clone();
                    way.caseless |= matches!(function, "to_lower" | "to_upper");
                    if function == "url_decode" {
                        way.modifier = Some(Modifier::UrlDecode);
                    }
                    self.test(inner, test, &way)
                }
                (
                    "starts_with" | "ends_with" | "contains" | "cidr_match" | "mv_contains" | "match" | "match_phrase"
                    | "kql" | "qstr",
                    _,
                ) => self.boolean(subject, test, way),
                _ => self.computed(subject, test, way),
            },
            Kind::All(_)
            | Kind::Any(_)
            | Kind::Not(_)
            | Kind::Compare { .. }
            | Kind::In { .. }
            | Kind::Like { .. }
            | Kind::InQuery { .. }
            | Kind::IsNull { .. } => self.boolean(subject, test, way),
            Kind::Computed(_) | Kind::Collected { .. } | Kind::List(_) => self.computed(subject, test, way),
            Kind::Broken(reason) => self.opaque(reason, subject.span),
        }
    }

    /// A boolean expression compared with true or false.
    fn boolean(&mut self, subject: &Link, test: &Test, way: &Way) -> Node {
        match test.wants() {
            Some(wanted) => {
                let node = self.condition(subject, way.missing).unwrap_or_else(Node::always);
                if wanted { node } else { node.not() }
            }
            None => self.computed(subject, test, way),
        }
    }

    /// A looked-up column is null where the list has no row for the key.
    fn row_is_found(&mut self, lookup: &Lookup, test: &Test, way: &Way) -> Node {
        let listed = Test { negated: false, cased: false, ..Test::new(Op::InList, [lookup.list.to_string()]) };
        let way = Way { missing: Missing::Fails, ..way.clone() };
        let found = self.predicate(&lookup.key, None, &listed, &way);
        if (test.op == Op::IsNull) == test.negated { found } else { found.not() }
    }

    /// `coalesce(a, b)` is as asked if `a` is, or `a` is missing and `b` is.
    fn coalesce(&mut self, arguments: &[Link], test: &Test, way: &Way) -> Node {
        if test.op.is_presence() {
            let nodes: Vec<Node> = arguments.iter().map(|argument| self.test(argument, test, way)).collect();
            return if test.op == Op::IsNull { Node::all(nodes) } else { Node::any(nodes) };
        }
        let is_null = Test::presence(Op::IsNull);
        let fails = Way { missing: Missing::Fails, ..way.clone() };
        // What is missing is not as asked, and lets the next one decide; a comparison is negated as a whole.
        let passes = Way { missing: if test.negated { Missing::Holds } else { Missing::Fails }, ..way.clone() };
        let mut alternatives = Vec::new();
        let mut empty: Vec<Node> = Vec::new();
        for (at, argument) in arguments.iter().enumerate() {
            let weight: usize = empty.iter().map(|node| node.walk().count()).sum();
            if !self.spend(weight) {
                return self.opaque(BUDGET, way.span);
            }
            let is_last = at + 1 == arguments.len();
            if let Some(constant) = argument.constant() {
                match test.positive().of_constant(constant) {
                    _ if *constant == Constant::Null => continue,
                    Some(false) => {}
                    // That all before it are missing is what is asked for.
                    Some(true) => alternatives.push(Node::all(empty.clone())),
                    None => alternatives.push(self.opaque("comparison of constants", way.span)),
                }
                break;
            }
            let found = self.test(argument, test, if is_last { way } else { &passes });
            let mut parts = empty.clone();
            for part in &mut parts {
                part.for_each_predicate_mut(&mut |predicate| predicate.guard = true);
            }
            parts.push(if test.negated { found.not() } else { found });
            alternatives.push(Node::all(parts));
            if !is_last {
                empty.push(self.test(argument, &is_null, &fails));
            }
        }
        let any = Node::any(alternatives);
        if test.negated { any.not() } else { any }
    }

    /// The conditions of `case(condition, value, …, default)` that lead to a value as asked. A condition that is null
    /// does not lead anywhere, so missing fields fail in it.
    fn case(&mut self, arguments: &[Link], test: &Test, way: &Way) -> Node {
        let mut ways_there = Vec::new();
        // Conditions that lead elsewhere, and come first.
        let mut elsewhere: Vec<Node> = Vec::new();
        let mut weight = 0;
        let pairs = arguments.chunks(2).map(|pair| match pair {
            [condition, value] => (Some(condition), Some(value)),
            [default] => (None, Some(default)),
            _ => (None, None),
        });
        let without_default = arguments.len().is_multiple_of(2).then_some((None, None));
        for (condition, value) in pairs.chain(without_default) {
            let holds = match value {
                Some(value) => value.constant().and_then(|value| test.of_constant(value)),
                None => test.of_constant(&Constant::Null),
            };
            let condition = condition.and_then(|condition| self.condition(condition, Missing::Fails));
            let condition = condition.unwrap_or_else(Node::always);
            if !self.spend(1 + weight) {
                return self.opaque(BUDGET, way.span);
            }
            let reached = match (holds, value) {
                (Some(true), _) => Some(Node::always()),
                (None, Some(value)) => Some(self.test(value, test, way)),
                _ => None,
            };
            if let Some(reached) = reached {
                let before = Node::any(elsewhere.iter().cloned()).not();
                ways_there.push(Node::all([condition.clone(), reached, before]));
            }
            if holds != Some(true) {
                weight += condition.predicates().map(|found| 1 + found.values.len()).sum::<usize>();
                elsewhere.push(condition);
            }
        }
        Node::any(ways_there)
    }

    /// A comparison of something that is no field; of what a function that is not known makes, nothing is known.
    pub fn computed(&mut self, subject: &Link, test: &Test, way: &Way) -> Node {
        if has_unknown_function(subject) {
            return self.opaque("function is not known", way.span);
        }
        let name = self.label(subject);
        match self.predicate(&name, None, test, way) {
            Node::Predicate(mut predicate) => {
                predicate.computed = true;
                Node::Predicate(predicate)
            }
            node => node,
        }
    }

    /// What an expression is called: a name, or its text on one line.
    pub fn label(&self, expr: &Link) -> String {
        match &expr.kind {
            Kind::Computed(name) | Kind::Collected { name, .. } | Kind::Name(name) | Kind::Field { name, .. } => {
                name.to_string()
            }
            _ => self.excerpt(expr.span).split_whitespace().collect::<Vec<_>>().join(" "),
        }
    }

    fn predicate(&mut self, field: &str, derived_from: Option<&str>, test: &Test, way: &Way) -> Node {
        let bytes = field.len() + test.values.iter().map(|value| value.len() + 24).sum::<usize>();
        if !self.spend(bytes / 32) {
            return self.opaque(BUDGET, way.span);
        }
        let mut predicate = Predicate::new(field, test.op, test.values.iter().cloned());
        let is_text = !matches!(test.op, Op::Lt | Op::Lte | Op::Gt | Op::Gte | Op::CidrMatch) && !test.op.is_presence();
        // Elastic's multi-fields of that name hold lower-case values.
        predicate.case_sensitive = test.cased && is_text && !way.caseless && !field.ends_with(".caseless");
        predicate.negated = test.negated;
        predicate.missing = if test.op.is_presence() { Missing::Fails } else { way.missing };
        let anchored = (test.op == Op::RegexMatch).then_some(Modifier::Anchored);
        let modifiers = [way.modifier, anchored, test.parameter.then_some(Modifier::Expand)];
        predicate.modifiers = modifiers.into_iter().flatten().collect();
        predicate.derived_from = derived_from.map(str::to_owned);
        predicate.stage = Some(self.stage);
        predicate.span = way.span;
        predicate.into()
    }
}

/// The language's functions, separated by blanks; families of one prefix are not listed.
const FUNCTIONS: &str = include_str!("functions.txt");

/// How many parts of an expression are looked at for functions.
const MAX_PARTS: usize = 256;

/// Whether the language has a function of this name; operators count.
fn is_function(name: &str) -> bool {
    static KNOWN: LazyLock<HashSet<&str>> = LazyLock::new(|| FUNCTIONS.split_ascii_whitespace().collect());
    let is_family = ["mv_", "st_", "to_", "v_", "date_"].into_iter().any(|prefix| name.starts_with(prefix));
    let is_operator = !name.starts_with(|first: char| first.is_ascii_alphabetic());
    is_operator || is_family || name.ends_with("_over_time") || KNOWN.contains(name)
}

/// Whether a function that the language does not have stands in an expression, looked for among its first parts.
pub(crate) fn has_unknown_function(expr: &Link) -> bool {
    let mut stack = vec![expr];
    for _ in 0..MAX_PARTS {
        let Some(expr) = stack.pop() else { return false };
        if matches!(&expr.kind, Kind::Call { name, .. } if !is_function(name)) {
            return true;
        }
        stack.extend(expr.kind.children());
    }
    false
}

/// `json_extract(field, "$.a.b")` is the field `field.a.b`; of `_source` it is the event's own `a.b`.
fn json_field(source: &Link, path: &Link) -> Option<Rc<str>> {
    let (Kind::Field { name, .. } | Kind::Name(name), Some(Constant::Text(path))) = (&source.kind, path.constant())
    else {
        return None;
    };
    let path = path.strip_prefix("$.").unwrap_or(path);
    Some(if &**name == "_source" { Rc::from(path) } else { Rc::from(format!("{name}.{path}")) })
}
