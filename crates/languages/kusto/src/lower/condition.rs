//! Comparisons, and functions that are conditions.

use ruleatlas_ir::plan::{CaseRule, Comparison, Const, ConstKind, Expr, ExprKind, MissingRule, Operand, Relation};
use ruleatlas_model::Span;

use super::scope::ScopeRef;
use super::{Lowering, at, constant, function, within};
use crate::ast::{self, Argument};

/// The ranges that `ipv4_is_private` knows
/// ([reference](https://learn.microsoft.com/kusto/query/ipv4-is-private-function)).
const PRIVATE: [&str; 3] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"];

/// What an operator asks.
fn comparison(comparison: ast::Comparison) -> Comparison {
    use ast::Relation as Written;
    let relation = match comparison.operator {
        Written::Equal | Written::In => Relation::Equal,
        Written::Less => Relation::Less,
        Written::LessEqual => Relation::LessEqual,
        Written::Greater => Relation::Greater,
        Written::GreaterEqual => Relation::GreaterEqual,
        Written::Has | Written::HasAny | Written::HasAll => Relation::Term,
        Written::HasPrefix => Relation::TermPrefix,
        Written::HasSuffix => Relation::TermSuffix,
        Written::Contains => Relation::Contains,
        Written::StartsWith => Relation::StartsWith,
        Written::EndsWith => Relation::EndsWith,
        Written::Regex => Relation::Regex,
    };
    let case = if comparison.case_sensitive { CaseRule::Exact } else { CaseRule::Ignore };
    Comparison::new(relation, case, MissingRule::EmptyText).negated(comparison.negated)
}

impl<'a> Lowering<'a, '_> {
    pub(super) fn compare(
        &mut self,
        operator: ast::Comparison,
        left: &'a ast::Expr<'a>,
        right: &'a ast::Expr<'a>,
        span: Span,
        scope: ScopeRef,
    ) -> Expr {
        let test = self.position_test(operator, left, right, span, scope);
        let left = Box::new(self.scalar(left, scope));
        let right = Box::new(self.scalar(right, scope));
        let compared = at(ExprKind::Compare(comparison(operator), left, Operand::One(right)), span);
        match test {
            Some(test) => at(ExprKind::IfOfField(Box::new(test), Box::new(compared)), span),
            None => compared,
        }
    }

    pub(super) fn compare_list(
        &mut self,
        operator: ast::Comparison,
        left: &'a ast::Expr<'a>,
        items: &'a [ast::Expr<'a>],
        span: Span,
        scope: ScopeRef,
    ) -> Expr {
        let left = Box::new(self.scalar(left, scope));
        let mut values = Vec::new();
        let mut literals: Vec<Const> = Vec::new();
        for item in items {
            if let ast::ExprKind::Literal(literal) = &item.kind {
                literals.push(constant::of(literal));
                continue;
            }
            if !literals.is_empty() {
                values.push(at(ExprKind::Constants(std::mem::take(&mut literals).into()), span));
            }
            values.push(self.scalar(item, scope));
        }
        if !literals.is_empty() {
            values.push(at(ExprKind::Constants(literals.into()), span));
        }
        if values.is_empty() {
            values.push(at(ExprKind::Computed { of: Vec::new(), text: None }, span));
        }
        let operand =
            if operator.operator == ast::Relation::HasAll { Operand::AllOf(values) } else { Operand::AnyOf(values) };
        at(ExprKind::Compare(comparison(operator), left, operand), span)
    }

    pub(super) fn between(
        &mut self,
        value: &'a ast::Expr<'a>,
        (low, high): (&'a ast::Expr<'a>, &'a ast::Expr<'a>),
        negated: bool,
        span: Span,
        scope: ScopeRef,
    ) -> Expr {
        let local = self.number();
        let given = self.scalar(value, scope);
        let bound = |this: &mut Self, relation, bound: &'a ast::Expr<'a>| {
            let comparison = Comparison::new(relation, CaseRule::Ignore, MissingRule::EmptyText);
            let left = Box::new(at(ExprKind::Local(local), value.span));
            let right = Operand::One(Box::new(this.scalar(bound, scope)));
            at(ExprKind::Compare(comparison, left, right), span)
        };
        let bounds = vec![bound(self, Relation::GreaterEqual, low), bound(self, Relation::LessEqual, high)];
        let both = at(ExprKind::All(bounds), span);
        let node = if negated { at(ExprKind::Not(Box::new(both)), span) } else { both };
        within(vec![(local, given)], node)
    }

    /// The condition that a call is, where its result is one on its arguments.
    pub(super) fn condition_of(
        &mut self,
        name: &str,
        arguments: &'a [Argument<'a>],
        span: Span,
        scope: ScopeRef,
    ) -> Option<Expr> {
        let presence = |present, empty_is_null| Some((present, empty_is_null));
        let test = match name {
            "isempty" | "isnull" => presence(false, true),
            "isnotempty" | "isnotnull" | "notempty" | "notnull" => presence(true, true),
            "bag_has_key" => presence(true, false),
            _ => None,
        };
        let relation = match name {
            "ipv4_is_private"
            | "ipv4_is_in_range"
            | "ipv4_is_in_any_range"
            | "ipv4_is_match"
            | "ipv6_is_in_range"
            | "ipv6_is_in_any_range"
            | "ipv6_is_match" => Some(Relation::Cidr),
            "has_ipv4" | "has_any_ipv4" => Some(Relation::Term),
            "has_ipv4_prefix" | "has_any_ipv4_prefix" => Some(Relation::TermPrefix),
            "set_has_element" => Some(Relation::Equal),
            _ => None,
        };
        if test.is_none() && relation.is_none() && name != "not" {
            return None;
        }
        let computed = || Some(at(ExprKind::Computed { of: Vec::new(), text: None }, span));
        let Some((first, rest)) = arguments.split_first() else { return computed() };
        if let ("ipv4_is_match" | "ipv6_is_match", [second, bits @ ..]) = (name, rest)
            && self.literal(&first.value, scope).is_some()
            && self.literal(&second.value, scope).is_none()
        {
            // Which address stands first does not matter.
            return Some(self.network_test(second, first, bits.first(), span, scope));
        }
        if let ("ipv4_is_match" | "ipv6_is_match", [network, bits @ ..]) = (name, rest) {
            return Some(self.network_test(first, network, bits.first(), span, scope));
        }
        let subject = self.scalar(&first.value, scope);
        if name == "not" {
            return Some(at(ExprKind::Not(Box::new(subject)), span));
        }
        if let Some((present, empty_is_null)) = test {
            let of = match (name, rest.first()) {
                ("bag_has_key", Some(key)) => {
                    let key = self.scalar(&key.value, scope);
                    at(ExprKind::Index(Box::new(subject), Box::new(key)), first.value.span)
                }
                ("bag_has_key", None) => return computed(),
                _ => subject,
            };
            let test = at(ExprKind::Presence { of: Box::new(of), present, empty_is_null }, span);
            if name == "bag_has_key" {
                return Some(at(ExprKind::IfOfField(Box::new(test), Box::new(computed()?)), span));
            }
            return Some(test);
        }
        let relation = relation?;
        let missing = if relation == Relation::Cidr { MissingRule::Null } else { MissingRule::Fails };
        let case = if relation == Relation::Equal { CaseRule::Exact } else { CaseRule::Ignore };
        let asked = Comparison::new(relation, case, missing);
        let operand = match (name, rest) {
            ("ipv4_is_private", _) => {
                let ranges: Vec<Const> = PRIVATE.into_iter().map(|range| Const::new(range, ConstKind::Text)).collect();
                Operand::AnyOf(vec![at(ExprKind::Constants(ranges.into()), span)])
            }
            ("set_has_element", [element]) => Operand::One(Box::new(self.scalar(&element.value, scope))),
            (_, []) | ("set_has_element", _) => return computed(),
            (_, rest) => Operand::AnyOf(rest.iter().map(|argument| self.scalar(&argument.value, scope)).collect()),
        };
        let test = at(ExprKind::Compare(asked, Box::new(subject), operand), span);
        if name == "set_has_element" {
            // Of what many rows have it is known by its text.
            return Some(at(ExprKind::IfOfField(Box::new(test), Box::new(computed()?)), span));
        }
        Some(test)
    }

    /// Whether an address is in the network of another, of whose bits so many are compared.
    fn network_test(
        &mut self,
        address: &'a Argument<'a>,
        network: &'a Argument<'a>,
        bits: Option<&'a Argument<'a>>,
        span: Span,
        scope: ScopeRef,
    ) -> Expr {
        let address = Box::new(self.scalar(&address.value, scope));
        let mut network = self.scalar(&network.value, scope);
        if let Some(bits) = bits {
            let place = network.span;
            let bits = self.scalar(&bits.value, scope);
            network = at(ExprKind::Apply(function::NETWORK, vec![network, bits]), place);
        }
        let asked = Comparison::new(Relation::Cidr, CaseRule::Ignore, MissingRule::Null);
        at(ExprKind::Compare(asked, address, Operand::AnyOf(vec![network])), span)
    }

    /// Comparisons of a function's result with a number that are tests of the function's argument:
    /// `indexof(x, "y") >= 0` is `x contains_cs "y"`.
    fn position_test(
        &mut self,
        operator: ast::Comparison,
        left: &'a ast::Expr<'a>,
        right: &'a ast::Expr<'a>,
        span: Span,
        scope: ScopeRef,
    ) -> Option<Expr> {
        use ast::Relation as Written;
        let ast::ExprKind::Call(name, arguments) = &left.kind else { return None };
        let [first, second] = arguments.as_slice() else { return None };
        let name = &**name;
        if !matches!(name, "indexof" | "array_index_of" | "countof" | "ipv4_compare" | "ipv6_compare" | "strcmp")
            || self.scopes.get(scope, name).is_some()
        {
            return None;
        }
        let number = self.static_number(right, scope)?;
        let (relation, negated) = (operator.operator, operator.negated);
        let close = |other: f64| (number - other).abs() < 0.5;
        // Whether the comparison says that something was found.
        let found = match name {
            "indexof" | "array_index_of" => match relation {
                Written::GreaterEqual if close(0.0) => true,
                Written::Greater if close(-1.0) => true,
                Written::Equal if close(-1.0) => negated,
                Written::Less if close(0.0) => false,
                Written::LessEqual if close(-1.0) => false,
                _ => return None,
            },
            "countof" => match relation {
                Written::Greater if close(0.0) => true,
                Written::GreaterEqual if close(1.0) => true,
                Written::Equal if close(0.0) => negated,
                Written::Less if close(1.0) => false,
                Written::LessEqual if close(0.0) => false,
                _ => return None,
            },
            _ if relation == Written::Equal && close(0.0) => !negated,
            _ => return None,
        };
        let relation = if matches!(name, "indexof" | "countof") { Relation::Contains } else { Relation::Equal };
        let case = if name.starts_with("ip") { CaseRule::Ignore } else { CaseRule::Exact };
        let asked = Comparison::new(relation, case, MissingRule::NoMatch).negated(!found);
        let left = Box::new(self.scalar(&first.value, scope));
        let right = Operand::One(Box::new(self.scalar(&second.value, scope)));
        Some(at(ExprKind::Compare(asked, left, right), span))
    }
}
