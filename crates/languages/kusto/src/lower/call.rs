//! Functions that are conditions, and comparisons of functions' results that mean something simpler.

use std::{rc::Rc, sync::LazyLock};

use ruleatlas_core::BUDGET;
use ruleatlas_model::{Missing, Modifier, Node, Op, Predicate, Span};
use rustc_hash::FxHashSet;

use super::condition::Side;
use super::value::{Const, Field, Found, Outer, Rows, Value};
use super::{Lowering, Place};
use crate::ast::{Argument, Comparison, Expr, ExprKind, LiteralKind, Relation};

/// Scalar functions and aggregates of the language, separated by blanks.
const FUNCTIONS: &str = include_str!("functions.txt");

/// The ranges that `ipv4_is_private` knows
/// ([reference](https://learn.microsoft.com/kusto/query/ipv4-is-private-function)).
const PRIVATE: [&str; 3] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"];

/// Whether the language has a scalar function or aggregate of this name.
pub(super) fn is_scalar_function(name: &str) -> bool {
    static KNOWN: LazyLock<FxHashSet<&str>> = LazyLock::new(|| FUNCTIONS.split_ascii_whitespace().collect());
    KNOWN.contains(name)
}

/// Whether a function's result is a condition on its arguments that is read as one.
pub(super) fn is_condition(name: &str) -> bool {
    matches!(
        name,
        "not"
            | "isempty"
            | "isnotempty"
            | "isnull"
            | "isnotnull"
            | "notempty"
            | "notnull"
            | "ipv4_is_private"
            | "ipv4_is_in_range"
            | "ipv4_is_in_any_range"
            | "ipv4_is_match"
            | "ipv6_is_in_range"
            | "ipv6_is_in_any_range"
            | "ipv6_is_match"
            | "set_has_element"
            | "bag_has_key"
            | "has_ipv4"
            | "has_any_ipv4"
            | "has_ipv4_prefix"
            | "has_any_ipv4_prefix"
    )
}

/// What a call asks of one value and some constants.
pub(super) struct Test {
    pub op: Op,
    pub cased: bool,
    pub modifier: Option<Modifier>,
    pub missing: Missing,
}

impl<'a> Lowering<'a, '_> {
    /// The condition that a call of one of the functions above is.
    pub(super) fn call_condition(
        &mut self,
        expr: &'a Expr<'a>,
        name: &str,
        arguments: &'a [Argument<'a>],
        place: Place<'_, 'a>,
        side: Side,
    ) -> Option<Node> {
        let Some(first) = arguments.first().map(|argument| &argument.value) else {
            return Some(self.computed(expr.span, Op::Eq, false, vec!["true".to_owned()], expr.span));
        };
        let span = expr.span;
        if name == "not" {
            let side = Side { negative: !side.negative, ..side };
            return self.condition(first, place, side).map(Node::not);
        }
        let value = self.scalar(first, place);
        let plain = Test { op: Op::Eq, cased: false, modifier: None, missing: Missing::Fails };
        match name {
            "isempty" | "isnull" => return self.presence(&value, first.span, true, span, side),
            "isnotempty" | "isnotnull" | "notempty" | "notnull" => {
                return self.presence(&value, first.span, false, span, side);
            }
            "ipv4_is_private" => {
                let ranges = PRIVATE.map(Const::string);
                let test = Test { op: Op::CidrMatch, missing: Missing::Null, ..plain };
                return self.tested(&value, first.span, &ranges, &test, span);
            }
            "bag_has_key" => {
                let key = arguments.get(1).map(|argument| self.scalar(&argument.value, place));
                if let (Value::Field(field), Some(Value::Const(key))) = (&value, key) {
                    self.about(field.step);
                    let path = field.member(&key.text).path;
                    return Some(Predicate { span, ..Predicate::new(&*path, Op::IsNotNull, [] as [&str; 0]) }.into());
                }
                return Some(self.computed(span, Op::Eq, false, vec!["true".to_owned()], span));
            }
            _ => {}
        }
        let value = value.bare();
        let mut rest: Vec<Value<'a>> = Vec::new();
        for argument in arguments.iter().skip(1) {
            let value = self.scalar(&argument.value, place).bare();
            rest.push(match value {
                Value::Rows(rows) => self.listed_rows(&rows, side),
                value => value,
            });
        }
        if name == "set_has_element" {
            let [element] = rest.as_slice() else {
                return Some(self.computed(span, Op::Eq, false, vec!["true".to_owned()], span));
            };
            let test = Test { cased: true, ..plain };
            return match (&value, element) {
                (Value::List(list), Value::Field(_)) => {
                    let element_span = arguments.get(1).map_or(span, |argument| argument.value.span);
                    self.tested(element, element_span, list, &Test { op: Op::In, ..test }, span)
                }
                (Value::Named(names), Value::Field(field)) => Some(self.in_list(field, names, false, span)),
                (Value::Field(_), Value::Const(constant)) => {
                    self.tested(&value, first.span, std::slice::from_ref(constant), &test, span)
                }
                (Value::Field(field), Value::Field(other)) => Some(self.field_ref(field, other, false, false, span)),
                _ => Some(self.computed(span, Op::Eq, false, vec!["true".to_owned()], span)),
            };
        }
        if let (Value::Field(field), Some(Value::Named(names))) = (&value, rest.first()) {
            return Some(self.in_list(field, names, false, span));
        }
        let mut constants = Vec::new();
        let takes_prefix = matches!(name, "ipv4_is_match" | "ipv6_is_match");
        for other in rest.iter().take(if takes_prefix { 1 } else { usize::MAX }) {
            match other.constants() {
                Some(more) => constants.extend(more),
                None => return Some(self.computed(span, Op::Eq, false, vec!["true".to_owned()], span)),
            }
        }
        if takes_prefix
            && let (Some(Value::Const(bits)), [address]) = (rest.get(1), constants.as_mut_slice())
            && !address.text.contains('/')
        {
            *address = Const::string(&format!("{}/{}", address.text, bits.text));
        }
        let test = match name {
            "has_ipv4" | "has_any_ipv4" => Test { op: Op::Match, ..plain },
            "has_ipv4_prefix" | "has_any_ipv4_prefix" => {
                Test { op: Op::Match, modifier: Some(Modifier::Prefix), ..plain }
            }
            _ => Test { op: Op::CidrMatch, missing: Missing::Null, ..plain },
        };
        self.tested(&value, first.span, &constants, &test, span)
    }

    /// The values that a sub-query gives, where it gives a list.
    fn listed_rows(&mut self, rows: &Rows<'a>, side: Side) -> Value<'a> {
        let set = self.rows(rows, side);
        match (set.names.is_empty(), set.constants.is_empty()) {
            (false, _) => Value::Named(set.names.into()),
            (true, false) => Value::List(set.constants.into()),
            (true, true) => Value::Computed,
        }
    }

    /// A test of a value against constants.
    pub(super) fn tested(
        &mut self,
        value: &Value<'a>,
        written: Span,
        constants: &[Const],
        test: &Test,
        span: Span,
    ) -> Option<Node> {
        if !self.has_room_for_values(constants.len()) {
            return Some(Node::opaque(self.snippet(span), BUDGET, span));
        }
        match value {
            Value::Field(field) => {
                self.about(field.step);
                let mut predicate = Predicate::new(&*field.path, test.op, constants.iter().map(|value| &*value.text));
                predicate.case_sensitive = test.cased && !field.one_case;
                predicate.modifiers = test.modifier.into();
                predicate.missing = test.missing;
                predicate.derived_from = field.from.as_deref().map(str::to_owned);
                predicate.span = span;
                Some(predicate.into())
            }
            Value::Either(values) => {
                let nodes: Vec<_> =
                    values.iter().filter_map(|value| self.tested(value, written, constants, test, span)).collect();
                Some(Node::any(nodes))
            }
            Value::First(values) => self.first(values, false, span, Side::default(), &mut |this, value| {
                this.tested(value, written, constants, test, span)
            }),
            Value::Outer(outer) => self.tested(&outer.value, written, constants, test, span),
            Value::Cases(arms, rest) => self.spread(&arms.clone(), &rest.clone(), &mut |this, value| {
                this.tested(value, written, constants, test, span)
            }),
            Value::Unknown(name) => Some(self.undefined(name, span)),
            _ => {
                let values = constants.iter().map(|value| value.text.to_string()).collect();
                Some(self.computed(written, test.op, false, values, span))
            }
        }
    }

    /// `isempty(x)` when `empty`, `isnotempty(x)` otherwise.
    pub(super) fn presence(
        &mut self,
        value: &Value<'a>,
        written: Span,
        empty: bool,
        span: Span,
        side: Side,
    ) -> Option<Node> {
        let op = if empty { Op::IsNull } else { Op::IsNotNull };
        match value {
            Value::Field(field) if field.path.is_empty() => None,
            Value::Field(field) => {
                self.about(field.step);
                let mut predicate = Predicate::new(&*field.path, op, [] as [&str; 0]);
                predicate.derived_from = field.from.as_deref().map(str::to_owned);
                predicate.missing = if empty { Missing::Holds } else { Missing::Fails };
                predicate.empty_is_null = true;
                predicate.span = span;
                Some(predicate.into())
            }
            Value::Const(constant) => {
                let is_empty = constant.text.is_empty() || constant.kind == LiteralKind::Null;
                Some(Node::constant(is_empty == empty))
            }
            Value::List(_) | Value::Json(_) => Some(Node::constant(!empty)),
            Value::Time(_) | Value::Condition(_) => None,
            Value::Outer(outer) => {
                let outer = Rc::clone(outer);
                self.row_is_found(&outer, written, empty, span, side)
            }
            // The first that is not empty: empty when all are.
            Value::Either(values) | Value::First(values) => {
                let nodes: Vec<_> =
                    values.iter().filter_map(|value| self.presence(value, written, empty, span, side)).collect();
                Some(if empty { Node::all(nodes) } else { Node::any(nodes) })
            }
            Value::Cases(arms, rest) => self.spread(&arms.clone(), &rest.clone(), &mut |this, value| {
                this.presence(value, written, empty, span, side)
            }),
            Value::Rows(rows) => {
                self.rows(rows, side);
                Some(self.computed(written, op, false, Vec::new(), span))
            }
            Value::Unknown(name) => Some(self.undefined(name, span)),
            Value::Named(_) | Value::Cut(_) | Value::Collected(_) | Value::Row(..) | Value::Computed => {
                Some(self.computed(written, op, false, Vec::new(), span))
            }
        }
    }

    /// Whether another table's column is empty: whether that table has no row for the event.
    fn row_is_found(&mut self, outer: &Outer<'a>, written: Span, empty: bool, span: Span, side: Side) -> Option<Node> {
        let op = if empty { Op::IsNull } else { Op::IsNotNull };
        match &outer.found {
            Found::Where(found) => {
                let mut node = self.resolved_again(found)?;
                node.for_each_predicate_mut(&mut |predicate| predicate.span = span);
                Some(if empty { node.not() } else { node })
            }
            // The other table's event must be there, or must not, whatever else is asked for.
            Found::Step(slot) if !side.alternative && !side.search => {
                let must_be_absent = empty != side.negative;
                if let Some(step) = self.steps.get_mut(*slot).and_then(Option::as_mut) {
                    step.absent |= must_be_absent;
                    self.sub_queries += 1;
                    return None;
                }
                Some(self.computed(written, op, false, Vec::new(), span))
            }
            Found::Step(_) => Some(self.computed(written, op, false, Vec::new(), span)),
        }
    }

    /// Comparisons of a function's result with a number that are tests of the function's argument:
    /// `indexof(x, "y") >= 0` is `x contains_cs "y"`.
    pub(super) fn position_test(
        &mut self,
        comparison: Comparison,
        left: &'a Expr<'a>,
        right: &Value<'a>,
        place: Place<'_, 'a>,
        span: Span,
    ) -> Option<Node> {
        let ExprKind::Call(name, arguments) = &left.kind else { return None };
        let Value::Const(number) = right else { return None };
        let number = number.as_number().or_else(|| number.text.parse().ok())?;
        let [first, second] = arguments.as_slice() else { return None };
        let (relation, negated) = (comparison.operator, comparison.negated);
        let close = |other: f64| (number - other).abs() < 0.5;
        // Whether the comparison says that something was found.
        let found = match &**name {
            "indexof" | "array_index_of" => match relation {
                Relation::GreaterEqual if close(0.0) => true,
                Relation::Greater if close(-1.0) => true,
                Relation::Equal if close(-1.0) => negated,
                Relation::Less if close(0.0) => false,
                Relation::LessEqual if close(-1.0) => false,
                _ => return None,
            },
            "countof" => match relation {
                Relation::Greater if close(0.0) => true,
                Relation::GreaterEqual if close(1.0) => true,
                Relation::Equal if close(0.0) => negated,
                Relation::Less if close(1.0) => false,
                Relation::LessEqual if close(0.0) => false,
                _ => return None,
            },
            "ipv4_compare" | "ipv6_compare" | "strcmp" if relation == Relation::Equal && close(0.0) => !negated,
            _ => return None,
        };
        let (value, other) = (self.scalar(&first.value, place).bare(), self.scalar(&second.value, place).bare());
        let (field, constants, op) = match (&**name, value, other) {
            ("indexof" | "countof", Value::Field(field), Value::Const(text)) => (field, vec![text], Op::Contains),
            ("array_index_of", Value::Field(field), Value::Const(text)) => (field, vec![text], Op::Eq),
            ("array_index_of", Value::List(list), Value::Field(field)) => (field, list.to_vec(), Op::In),
            ("ipv4_compare" | "ipv6_compare" | "strcmp", Value::Field(field), Value::Const(text)) => {
                (field, vec![text], Op::Eq)
            }
            _ => return None,
        };
        self.about(field.step);
        let mut predicate = Predicate::new(&*field.path, op, constants.iter().map(|value| &*value.text));
        predicate.case_sensitive = !field.one_case && !name.starts_with("ip");
        predicate.derived_from = field.from.as_deref().map(str::to_owned);
        predicate.negated = !found;
        predicate.missing = if found { Missing::Fails } else { Missing::Holds };
        predicate.span = span;
        Some(predicate.into())
    }
}

impl Lowering<'_, '_> {
    /// A comparison of two fields.
    pub(super) fn field_ref(&self, left: &Field, right: &Field, negated: bool, cased: bool, span: Span) -> Node {
        self.about(left.step);
        self.about(right.step);
        let mut predicate = Predicate::new(&*left.path, Op::FieldRef, [&*right.path]);
        predicate.negated = negated;
        predicate.case_sensitive = cased && !(left.one_case && right.one_case);
        predicate.missing = if negated { Missing::Holds } else { Missing::Fails };
        predicate.derived_from = left.from.as_deref().map(str::to_owned);
        predicate.span = span;
        predicate.into()
    }

    /// A comparison of a field with lists that are known by name.
    pub(super) fn in_list(&self, field: &Field, names: &[Rc<str>], negated: bool, span: Span) -> Node {
        self.about(field.step);
        let mut predicate = Predicate::new(&*field.path, Op::InList, names.iter().map(|name| &**name));
        predicate.negated = negated;
        predicate.missing = if negated { Missing::Holds } else { Missing::Fails };
        predicate.derived_from = field.from.as_deref().map(str::to_owned);
        predicate.span = span;
        predicate.into()
    }
}
