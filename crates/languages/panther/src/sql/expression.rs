//! Expressions of SQL as plans. Comparisons are three-valued: of a missing column they are null.

use std::rc::Rc;

use ruleatlas_ir::plan::{
    CaseRule, Comparison, Const, ConstKind, Expr as Planned, ExprKind, MissingRule, Operand, PatternSyntax, Relation,
    Wrapper,
};
use ruleatlas_model::Span;
use sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, JsonPathElem, Spanned,
    UnaryOperator, Value,
};

use super::rows::{Lower, TOO_DEEP, lookup_of};

/// Expressions in expressions that are read.
const MAX_DEPTH: usize = 128;
/// How long a call may be for its end to be looked for, in bytes.
const MAX_CALL: usize = 2000;
/// How many closing parentheses are tried for the end of a call.
const MAX_NESTED: usize = 16;

impl Lower<'_> {
    /// The place of an expression. The parser's may end before the parentheses of a call do.
    pub fn span(&self, expr: &Expr) -> Span {
        let span = self.places.span(expr.span());
        let Some(text) = span.of(self.text).filter(|_| span != self.places.whole()) else { return span };
        let is_call = matches!(expr, Expr::Function(_)) && !text.contains('(');
        if !is_call && open_parentheses(text).is_none_or(|open| open == 0) {
            return span;
        }
        let start = span.start as usize;
        let rest = self.text.get(start..).unwrap_or_default();
        let rest = &rest[..rest.floor_char_boundary(MAX_CALL)];
        let closing = rest.match_indices(')').map(|(at, _)| at + 1).filter(|end| *end > text.len());
        let end = closing
            .take(MAX_NESTED)
            .find(|end| rest.get(..*end).is_some_and(|text| text.contains('(') && is_balanced(text)));
        end.map_or(span, |end| Span::new(start, start + end))
    }

    /// An expression that stands where a condition is meant.
    pub fn condition(&mut self, expr: &Expr) -> Planned {
        if self.expression_depth >= MAX_DEPTH {
            return Planned::opaque(TOO_DEEP, self.span(expr));
        }
        self.expression_depth += 1;
        let kind = self.condition_kind(expr);
        self.expression_depth -= 1;
        match kind {
            Some(kind) => Planned::new(kind, self.span(expr)),
            None => self.value(expr),
        }
    }

    fn condition_kind(&mut self, expr: &Expr) -> Option<ExprKind> {
        Some(match expr {
            Expr::Nested(inner) | Expr::IsTrue(inner) => return Some(self.condition(inner).kind),
            Expr::UnaryOp { op: UnaryOperator::Not, expr: inner } | Expr::IsFalse(inner) => {
                ExprKind::Not(Box::new(self.condition(inner)))
            }
            Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
                ExprKind::All(vec![self.condition(left), self.condition(right)])
            }
            Expr::BinaryOp { left, op: BinaryOperator::Or, right } => {
                ExprKind::Any(vec![self.condition(left), self.condition(right)])
            }
            Expr::BinaryOp { left, op, right } => {
                let (relation, negated) = relation(op)?;
                let right = Operand::One(Box::new(self.value(right)));
                ExprKind::Compare(comparison(relation).negated(negated), Box::new(self.value(left)), right)
            }
            Expr::Between { expr: inner, negated, low, high } => {
                let span = self.span(expr);
                let mut bound = |relation, bound: &Expr| {
                    let right = Operand::One(Box::new(self.value(bound)));
                    let kind = ExprKind::Compare(comparison(relation), Box::new(self.value(inner)), right);
                    Planned::new(kind, span)
                };
                let both = vec![bound(Relation::GreaterEqual, low), bound(Relation::LessEqual, high)];
                let both = ExprKind::All(both);
                if *negated { ExprKind::Not(Box::new(Planned::new(both, span))) } else { both }
            }
            Expr::InList { expr: inner, list, negated } => {
                let list = list.iter().map(|item| self.value(item)).collect();
                self.test(expr, Relation::Equal, inner, Operand::AnyOf(list), *negated)
            }
            Expr::Like { expr: inner, pattern, negated, escape_char, .. } => {
                self.like(expr, inner, pattern, escape_char.as_deref(), CaseRule::ExactField, *negated)
            }
            Expr::ILike { expr: inner, pattern, negated, escape_char, .. } => {
                self.like(expr, inner, pattern, escape_char.as_deref(), CaseRule::Ignore, *negated)
            }
            Expr::RLike { expr: inner, pattern, negated, .. } => {
                let pattern = Operand::One(Box::new(self.value(pattern)));
                self.test(expr, Relation::WholeRegex, inner, pattern, *negated)
            }
            Expr::IsNull(inner) | Expr::IsNotNull(inner) => {
                let present = matches!(expr, Expr::IsNotNull(_));
                ExprKind::Presence { of: Box::new(self.value(inner)), present, empty_is_null: false }
            }
            Expr::Function(function) => return self.test_function(expr, function),
            Expr::InSubquery { expr: inner, subquery, negated } if let Some(list) = lookup_of(subquery) => {
                let list = Operand::One(Box::new(Planned::text(&list, self.span(expr))));
                let comparison =
                    Comparison { case: CaseRule::Ignore, ..comparison(Relation::InList).negated(*negated) };
                let test = ExprKind::Compare(comparison, Box::new(self.value(inner)), list);
                self.called(expr, test)
            }
            Expr::InSubquery { expr: inner, subquery, negated } => {
                let rows = self.query(subquery)?;
                self.test(expr, Relation::Equal, inner, Operand::AnyOf(vec![rows]), *negated)
            }
            Expr::Exists { subquery, negated } => {
                let exists = ExprKind::Exists(Box::new(self.query(subquery)?), None);
                let exists = self.called(&Expr::Exists { subquery: subquery.clone(), negated: false }, exists);
                if *negated { ExprKind::Not(Box::new(Planned::new(exists, self.span(expr)))) } else { exists }
            }
            _ => return None,
        })
    }

    /// A test that is called by its text where it is one of something computed.
    fn test(&mut self, whole: &Expr, relation: Relation, subject: &Expr, right: Operand, negated: bool) -> ExprKind {
        let comparison = comparison(relation).negated(negated);
        let test = ExprKind::Compare(comparison, Box::new(self.value(subject)), right);
        self.called(whole, test)
    }

    fn called(&self, whole: &Expr, test: ExprKind) -> ExprKind {
        let test = Planned::new(test, self.span(whole));
        ExprKind::Called(Box::new(test), self.text_of(whole))
    }

    fn like(
        &mut self,
        whole: &Expr,
        inner: &Expr,
        pattern: &Expr,
        escape: Option<&Expr>,
        case: CaseRule,
        negated: bool,
    ) -> ExprKind {
        let patterns: Vec<&Expr> = match pattern {
            Expr::Tuple(list) => list.iter().collect(),
            Expr::Nested(one) => vec![one],
            one => vec![one],
        };
        let escape = escape.and_then(literal).and_then(|escape| escape.text.chars().next());
        let relation = Relation::Pattern(PatternSyntax::Percent(escape));
        let comparison = Comparison { case, ..comparison(relation).negated(negated) };
        let patterns = patterns.into_iter().map(|pattern| self.value(pattern)).collect();
        let test = ExprKind::Compare(comparison, Box::new(self.value(inner)), Operand::AnyOf(patterns));
        self.called(whole, test)
    }

    /// A function that is true or false; `None` for any other.
    fn test_function(&mut self, whole: &Expr, function: &Function) -> Option<ExprKind> {
        let name = function.name.to_string().to_lowercase();
        if name.starts_with("p_occurs") {
            return Some(ExprKind::Window);
        }
        let arguments = arguments(function);
        let (relation, subject, value) = match (name.as_str(), arguments.as_slice()) {
            ("contains", [field, value]) => (Relation::Contains, *field, *value),
            ("startswith", [field, value]) => (Relation::StartsWith, *field, *value),
            ("endswith", [field, value]) => (Relation::EndsWith, *field, *value),
            ("regexp_like" | "rlike", [field, value, ..]) => (Relation::WholeRegex, *field, *value),
            // A field that is one of a list, or a list that holds a value.
            ("array_contains", [field, Expr::Array(list)]) => {
                let list = list.elem.iter().map(|item| self.value(item)).collect();
                return Some(self.test(whole, Relation::Equal, field, Operand::AnyOf(list), false));
            }
            ("array_contains", [value, field]) => (Relation::Equal, *field, *value),
            _ => return None,
        };
        let value = Operand::One(Box::new(self.value(value)));
        Some(self.test(whole, relation, subject, value, false))
    }

    /// What an expression stands for, with what does not change a comparison looked through.
    pub fn value(&mut self, expr: &Expr) -> Planned {
        if self.expression_depth >= MAX_DEPTH {
            return Planned::opaque(TOO_DEEP, self.span(expr));
        }
        self.expression_depth += 1;
        let kind = self.value_kind(expr);
        self.expression_depth -= 1;
        Planned::new(kind, self.span(expr))
    }

    fn value_kind(&mut self, expr: &Expr) -> ExprKind {
        if let Some(constant) = literal(expr) {
            return ExprKind::Const(constant);
        }
        match expr {
            Expr::Nested(inner)
            | Expr::Cast { expr: inner, .. }
            | Expr::Collate { expr: inner, .. }
            | Expr::Trim { expr: inner, .. } => self.value(inner).kind,
            Expr::Identifier(name) => ExprKind::Name(Rc::from(name.value.as_str())),
            Expr::CompoundIdentifier(parts) => {
                let parts: Vec<&str> = parts.iter().map(|part| part.value.as_str()).collect();
                match parts.as_slice() {
                    [name] => ExprKind::Name(Rc::from(*name)),
                    [before @ .., name] => ExprKind::Qualified(Rc::from(before.join(".")), Rc::from(*name)),
                    [] => self.computed(expr),
                }
            }
            Expr::JsonAccess { value, path } => {
                let mut inner = self.value(value);
                for element in &path.path {
                    let key = match element {
                        JsonPathElem::Dot { key, .. } => Some(Const::new(key.as_str(), ConstKind::Text)),
                        JsonPathElem::Bracket { key } | JsonPathElem::ColonBracket { key } => literal(key),
                    };
                    let Some(key) = key else { return self.computed(expr) };
                    let span = inner.span;
                    let is_index = key.text.bytes().all(|byte| byte.is_ascii_digit());
                    let kind = if is_index && !matches!(element, JsonPathElem::Dot { .. }) {
                        ExprKind::Element(Box::new(inner), key.text)
                    } else {
                        ExprKind::Member(Box::new(inner), key.text)
                    };
                    inner = Planned::new(kind, span);
                }
                inner.kind
            }
            Expr::Interval(_) => ExprKind::Now,
            Expr::BinaryOp { left, op: BinaryOperator::Plus | BinaryOperator::Minus, right } => {
                let moved = ExprKind::Moved(Box::new(self.value(left)), Box::new(self.value(right)));
                self.called(expr, moved)
            }
            Expr::Case { operand, conditions, else_result, .. } => {
                let mut arms = Vec::new();
                for arm in conditions {
                    let condition = match operand {
                        Some(operand) => {
                            let right = Operand::One(Box::new(self.value(&arm.condition)));
                            let left = Box::new(self.value(operand));
                            let equal = ExprKind::Compare(comparison(Relation::Equal), left, right);
                            Planned::new(equal, self.span(&arm.condition))
                        }
                        None => self.condition(&arm.condition),
                    };
                    arms.push((condition, self.value(&arm.result)));
                }
                let otherwise = else_result.as_ref().map(|otherwise| Box::new(self.value(otherwise)));
                ExprKind::Case { arms, otherwise }
            }
            Expr::Subquery(query) => match self.query(query) {
                Some(rows) => rows.kind,
                None => self.computed(expr),
            },
            Expr::Function(function) => self.value_function(expr, function),
            Expr::BinaryOp { .. }
            | Expr::UnaryOp { op: UnaryOperator::Not, .. }
            | Expr::IsTrue(_)
            | Expr::IsFalse(_)
            | Expr::Between { .. }
            | Expr::InList { .. }
            | Expr::Like { .. }
            | Expr::ILike { .. }
            | Expr::RLike { .. }
            | Expr::IsNull(_)
            | Expr::IsNotNull(_)
            | Expr::InSubquery { .. }
            | Expr::Exists { .. } => match self.condition_kind(expr) {
                Some(kind) => kind,
                None => self.computed(expr),
            },
            _ => self.computed(expr),
        }
    }

    fn value_function(&mut self, expr: &Expr, function: &Function) -> ExprKind {
        let name = function.name.to_string().to_lowercase();
        let arguments = arguments(function);
        match (name.as_str(), arguments.as_slice()) {
            ("lower", [inner, ..]) => ExprKind::Wrap(Wrapper::Lower, Box::new(self.value(inner))),
            ("upper", [inner, ..]) => ExprKind::Wrap(Wrapper::Upper, Box::new(self.value(inner))),
            (
                "to_varchar" | "to_char" | "trim" | "to_number" | "try_to_number" | "parse_json" | "try_parse_json"
                | "to_variant",
                [inner, ..],
            ) => ExprKind::Wrap(Wrapper::Same, Box::new(self.value(inner))),
            ("coalesce" | "nvl" | "ifnull", [_, ..]) => {
                ExprKind::First(arguments.iter().map(|argument| self.value(argument)).collect())
            }
            ("zeroifnull", [inner]) => {
                let zero = Planned::new(ExprKind::Const(Const::new("0", ConstKind::Number)), self.span(inner));
                ExprKind::First(vec![self.value(inner), zero])
            }
            ("nullif", [value, other]) => {
                let right = Operand::One(Box::new(self.value(other)));
                let equal = ExprKind::Compare(comparison(Relation::Equal), Box::new(self.value(value)), right);
                let null = Planned::new(ExprKind::Const(Const::null()), self.span(expr));
                ExprKind::Case {
                    arms: vec![(Planned::new(equal, self.span(expr)), null)],
                    otherwise: Some(Box::new(self.value(value))),
                }
            }
            // Paths in a value.
            ("get_path" | "json_extract_path_text", [inner, path]) if let Some(path) = literal(path) => {
                let inner = self.value(inner);
                let members = path.text.split('.').filter(|part| !part.is_empty());
                members
                    .fold(inner, |inner, part| {
                        let span = inner.span;
                        Planned::new(ExprKind::Member(Box::new(inner), Rc::from(part)), span)
                    })
                    .kind
            }
            ("get" | "get_ignore_case" | "object_get", [inner, key]) if let Some(key) = literal(key) => {
                let inner = Box::new(self.value(inner));
                match key.kind {
                    ConstKind::Number => ExprKind::Element(inner, key.text),
                    _ => ExprKind::Member(inner, key.text),
                }
            }
            ("iff", [condition, then, otherwise]) => ExprKind::Case {
                arms: vec![(self.condition(condition), self.value(then))],
                otherwise: Some(Box::new(self.value(otherwise))),
            },
            (
                "current_timestamp" | "current_date" | "dateadd" | "datediff" | "timestampdiff" | "timestampadd"
                | "sysdate" | "getdate",
                _,
            ) => ExprKind::Now,
            _ => match self.test_function(expr, function) {
                Some(kind) => kind,
                None => self.computed(expr),
            },
        }
    }

    fn computed(&self, expr: &Expr) -> ExprKind {
        ExprKind::Computed { of: Vec::new(), text: Some(self.text_of(expr)) }
    }

    /// An expression as it stands in the query; as it is understood where its place is not known.
    fn text_of(&self, expr: &Expr) -> Rc<str> {
        let span = self.span(expr);
        // The parser's place of a sub-query leaves out what stands before it.
        let is_named_before = matches!(expr, Expr::Exists { .. });
        let is_whole = |text: &&str| {
            span != self.places.whole()
                && is_balanced(text)
                && !is_named_before
                && (text.contains('(') || !matches!(expr, Expr::Function(_)))
        };
        match span.of(self.text).filter(is_whole) {
            Some(written) if written.contains('\n') => written.split_whitespace().collect::<Vec<_>>().join(" ").into(),
            Some(written) => Rc::from(written),
            None => expr.to_string().into(),
        }
    }
}

/// A comparison as the language makes it: with case, and null without the field.
fn comparison(relation: Relation) -> Comparison {
    Comparison::new(relation, CaseRule::ExactField, MissingRule::Null)
}

fn relation(op: &BinaryOperator) -> Option<(Relation, bool)> {
    Some(match op {
        BinaryOperator::Eq | BinaryOperator::Spaceship => (Relation::Equal, false),
        BinaryOperator::NotEq => (Relation::Equal, true),
        BinaryOperator::Lt => (Relation::Less, false),
        BinaryOperator::LtEq => (Relation::LessEqual, false),
        BinaryOperator::Gt => (Relation::Greater, false),
        BinaryOperator::GtEq => (Relation::GreaterEqual, false),
        _ => return None,
    })
}

/// How many parentheses are open at the end of a text; `None` where one is closed that is not open.
fn open_parentheses(text: &str) -> Option<usize> {
    let mut open = 0_usize;
    for byte in text.bytes() {
        match byte {
            b'(' => open += 1,
            b')' => open = open.checked_sub(1)?,
            _ => {}
        }
    }
    Some(open)
}

fn is_balanced(text: &str) -> bool {
    open_parentheses(text) == Some(0)
}

/// The constant that an expression is.
fn literal(expr: &Expr) -> Option<Const> {
    match expr {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => literal(inner),
        Expr::Value(value) => Some(match &value.value {
            Value::Number(number, _) => Const::new(number.as_str(), ConstKind::Number),
            Value::Boolean(value) => Const::bool(*value),
            Value::Null => Const::null(),
            other => Const::new(other.clone().into_string()?, ConstKind::Text),
        }),
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => {
            let number = literal(expr)?;
            Some(Const::new(format!("-{}", number.text), number.kind))
        }
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
