//! Syntax tree in, plan out: what ES|QL's commands mean in terms of all languages.

use std::rc::Rc;

use ruleatlas_core::Budget;
use ruleatlas_ir::plan::{
    Aggregate, CaseRule, Column, Comparison, Const, ConstKind, Expr, ExprKind, JoinKind, Lookup, MissingRule, Operand,
    Operation, Output, PatternSyntax, Plan, Query, Relation, Stage, Step, Wrapper,
};
use ruleatlas_ir::{Semantics, resolve};
use ruleatlas_model::{Condition, DataSource, Diagnostic, Modifier, SourceKind, Span};
use ruleatlas_syntax::ErrorKind as _;

use crate::{
    Esql,
    ast::{self, Command, Constant, Definition, Effect, Kind, Link},
    function::{self, Meaning},
};

/// Columns of a list that every row stays without.
fn lookup(list: &Rc<str>, key: Option<Expr>, names: Option<Vec<Rc<str>>>) -> Operation {
    Operation::Lookup(Lookup { list: Rc::clone(list), key, names, tables: Vec::new(), kind: JoinKind::Outer })
}

/// Branches that a `fork` may have; Elasticsearch allows eight.
const MAX_BRANCHES: usize = 64;

/// What ES|QL says of all its queries alike.
///
/// A null makes a comparison null ([null values](https://www.elastic.co/docs/reference/query-languages/esql)), and names
/// have a case.
const SEMANTICS: Semantics = Semantics {
    missing: MissingRule::Null,
    names_in_any_case: false,
    is_event_time: |name| name == "@timestamp",
    has_stages: true,
    sub_query: "in subquery",
    computed_by_name: false,
    scripts: None,
};

/// The conditions of a query.
pub(crate) fn lower(
    stages: &[ast::Stage],
    text: &str,
    languages: &Esql<'_>,
    budget: &mut Budget,
) -> (Vec<Condition>, Vec<Diagnostic>) {
    let mut lowering = Lowering { text, languages, budget, stage: 0, diagnostics: Vec::new() };
    let rows = lowering.query(stages, Span::new(0, text.len()), None);
    let plan = Plan { shared: Vec::new(), steps: vec![Step { label: Rc::from(""), absent: false, rows }] };
    let Lowering { mut diagnostics, budget, .. } = lowering;
    let parsed = resolve(&plan, text, &SEMANTICS, budget);
    diagnostics.extend(parsed.diagnostics);
    (parsed.conditions, diagnostics)
}

pub(crate) struct Lowering<'q> {
    pub text: &'q str,
    pub languages: &'q Esql<'q>,
    pub budget: &'q mut Budget,
    /// The pipe segment that is read now, from 0.
    pub stage: u32,
    pub diagnostics: Vec<Diagnostic>,
}

impl Lowering<'_> {
    /// A pipeline; the stages of a branch count as the stage that the branch stands in.
    fn query(&mut self, stages: &[ast::Stage], span: Span, branch_of: Option<u32>) -> Expr {
        let (source, stages) = match stages {
            [ast::Stage { command: Command::From { patterns, pipelines, .. }, span, .. }, rest @ ..] => {
                (self.source(patterns, pipelines, *span), rest)
            }
            _ => (Expr::new(ExprKind::Tables(Vec::new()), span), stages),
        };
        let stages = self.stages(stages, branch_of);
        Expr::new(ExprKind::Query(Box::new(Query { definitions: Vec::new(), source, stages })), span)
    }

    fn source(&mut self, patterns: &[Rc<str>], pipelines: &[Vec<ast::Stage>], span: Span) -> Expr {
        let sources = patterns.iter().map(|pattern| DataSource::new(SourceKind::Index, &**pattern)).collect();
        let tables = Expr::new(ExprKind::Tables(sources), span);
        if pipelines.is_empty() {
            return tables;
        }
        let legs = pipelines.iter().map(|leg| self.query(leg, span, None));
        let legs = [tables].into_iter().chain(legs.collect::<Vec<_>>()).collect();
        Expr::new(ExprKind::Union { legs, label: Rc::from("subquery"), merges: false }, span)
    }

    fn stages(&mut self, stages: &[ast::Stage], branch_of: Option<u32>) -> Vec<Stage> {
        let mut lowered = Vec::with_capacity(stages.len());
        for stage in stages {
            self.stage = branch_of.unwrap_or(stage.index);
            let operation = self.command(stage);
            lowered.push(Stage { operation, index: branch_of.unwrap_or(stage.index), span: stage.span });
        }
        lowered
    }

    fn command(&mut self, stage: &ast::Stage) -> Operation {
        let name = |name: &Rc<str>| Expr::new(ExprKind::Name(Rc::clone(name)), stage.span);
        match &stage.command {
            Command::From { .. } => Operation::Opaque(Rc::from("a source behind the start of the query")),
            Command::Row(definitions) | Command::Eval(definitions) => Operation::Extend(self.columns(definitions)),
            Command::Where(condition) => Operation::Filter(self.condition(condition)),
            Command::Stats { aggregates, by, inline } => Operation::Aggregate {
                outputs: aggregates.iter().map(|aggregate| self.output(aggregate)).collect(),
                keys: self.columns(by),
                keeps_rows: *inline,
            },
            Command::Rename(pairs) => Operation::Rename(pairs.clone()),
            Command::Other { effect, .. } => match effect {
                Effect::Cut { source, names } => {
                    Operation::Extract { from: self.value(source), names: names.clone(), demands: None }
                }
                Effect::Enrich { policy, on, names } => {
                    lookup(policy, on.as_ref().map(name), (!names.is_empty()).then(|| names.clone()))
                }
                Effect::LookupJoin { index, keys } => lookup(index, keys.first().map(name), None),
                Effect::Parts { prefix, source } => {
                    Operation::Parts { prefix: Rc::clone(prefix), from: self.value(source) }
                }
                Effect::Compute(names) => Operation::Compute(names.clone()),
                Effect::Neutral => Operation::Sort,
            },
            Command::Expand(column) => Operation::Expand(vec![Column { name: Rc::clone(column), value: name(column) }]),
            Command::Fork(branches) if branches.len() > MAX_BRANCHES => {
                Operation::Opaque(Rc::from("too many branches"))
            }
            Command::Fork(branches) => {
                let index = self.stage;
                let branches = branches.iter().map(|branch| self.stages(branch, Some(index))).collect();
                Operation::Branches { branches, selector: Some((Rc::from("_fork"), Rc::from("fork"))) }
            }
            Command::Broken { kind, .. } => Operation::Opaque(Rc::from(kind.title())),
        }
    }

    fn columns(&mut self, definitions: &[Definition]) -> Vec<Column> {
        let column =
            |definition: &Definition| Column { name: self.name_of(definition), value: self.value(&definition.value) };
        definitions.iter().map(column).collect()
    }

    /// The name that a definition makes; without one of its own it is the expression's text.
    fn name_of(&self, definition: &Definition) -> Rc<str> {
        match (&definition.name, &definition.value.kind) {
            (Some(name), _) | (None, Kind::Name(name)) => Rc::clone(name),
            _ => Rc::from(definition.value.span.of(self.text).unwrap_or_default()),
        }
    }

    /// An aggregate: computed of many events, but for `values`, which `mv_expand` takes apart again.
    fn output(&mut self, aggregate: &Definition) -> Output {
        let kind = match &aggregate.value.kind {
            Kind::Call { name, arguments } => match (&**name, arguments.as_slice()) {
                ("values", [only]) => Aggregate::Collect(self.value(only)),
                _ => Aggregate::Compute(arguments.iter().map(|argument| self.value(argument)).collect()),
            },
            _ => Aggregate::Compute(Vec::new()),
        };
        let condition = aggregate.filter.as_ref().map(|filter| filter.span);
        Output { name: self.name_of(aggregate), kind, condition }
    }

    /// An expression that stands where a condition is meant.
    fn condition(&mut self, link: &Link) -> Expr {
        let all = |this: &mut Self, children: &[Link]| children.iter().map(|child| this.condition(child)).collect();
        let kind = match &link.kind {
            Kind::All(children) => ExprKind::All(all(self, children)),
            Kind::Any(children) => ExprKind::Any(all(self, children)),
            Kind::Not(child) => ExprKind::Not(Box::new(self.condition(child))),
            // A function of which it is not known when it is true.
            Kind::Call { name, .. } if matches!(function::meaning(name), Meaning::Computed) => {
                ExprKind::Opaque(Rc::from(function::UNKNOWN))
            }
            _ => return self.value(link),
        };
        Expr::new(kind, link.span)
    }

    fn value(&mut self, link: &Link) -> Expr {
        let span = link.span;
        let kind = match &link.kind {
            Kind::Name(name) if name.ends_with(".caseless") => {
                // Elastic's multi-fields of that name hold lower-case values.
                let field = Expr::new(ExprKind::Name(Rc::clone(name)), span);
                ExprKind::Wrap(Wrapper::AnyCase, Box::new(field))
            }
            Kind::Name(name) => ExprKind::Name(Rc::clone(name)),
            Kind::Constant(constant) => match constant {
                Constant::Text(text) => ExprKind::Const(Const::new(Rc::clone(text), ConstKind::Text)),
                Constant::Number(text) => ExprKind::Const(Const::new(Rc::clone(text), ConstKind::Number)),
                Constant::Boolean(value) => ExprKind::Const(Const::bool(*value)),
                Constant::Null => ExprKind::Const(Const::null()),
                Constant::Parameter(name) => ExprKind::Const(Const::new(Rc::clone(name), ConstKind::Parameter)),
                // A duration is no text that a field has.
                Constant::Duration(_) => ExprKind::Computed { of: Vec::new(), text: None },
            },
            Kind::List(items) => ExprKind::List(self.values(items)),
            Kind::Call { name, arguments } => return self.call(link, name, arguments),
            Kind::By { value, .. } => return self.value(value),
            Kind::Cast { operand, .. } if operand.constant().is_some() => return self.value(operand),
            Kind::Cast { operand, .. } => ExprKind::Wrap(Wrapper::Same, Box::new(self.value(operand))),
            Kind::Options { .. } | Kind::Missing => ExprKind::Computed { of: Vec::new(), text: None },
            Kind::All(_) | Kind::Any(_) | Kind::Not(_) => return self.condition(link),
            Kind::Compare { op, left, right } => {
                let (relation, negated, case) = op.relation();
                let comparison = comparison(relation).negated(negated);
                let right = Operand::One(Box::new(self.value(right)));
                ExprKind::Compare(Comparison { case, ..comparison }, Box::new(self.value(left)), right)
            }
            Kind::In { subject, list, negated } => {
                let comparison = comparison(Relation::Equal).negated(*negated);
                ExprKind::Compare(comparison, Box::new(self.value(subject)), Operand::AnyOf(self.values(list)))
            }
            Kind::Like { subject, patterns, regex, negated } => {
                let relation = if *regex {
                    Relation::WholeRegex
                } else {
                    patterns.iter().for_each(|pattern| self.check_pattern(pattern));
                    Relation::Pattern(PatternSyntax::Stars(Some('\\')))
                };
                let comparison = comparison(relation).negated(*negated);
                ExprKind::Compare(comparison, Box::new(self.value(subject)), Operand::AnyOf(self.values(patterns)))
            }
            Kind::InQuery { subject, query, negated } => {
                let comparison = comparison(Relation::Equal).negated(*negated);
                let stage = self.stage;
                let rows = self.query(query, span, None);
                self.stage = stage;
                ExprKind::Compare(comparison, Box::new(self.value(subject)), Operand::AnyOf(vec![rows]))
            }
            Kind::IsNull { subject, negated } => {
                ExprKind::Presence { of: Box::new(self.value(subject)), present: *negated, empty_is_null: false }
            }
            Kind::Broken { .. } => ExprKind::Opaque(Rc::from(link.kind.fault().unwrap_or_default())),
        };
        Expr::new(kind, span)
    }

    fn values(&mut self, links: &[Link]) -> Vec<Expr> {
        links.iter().map(|link| self.value(link)).collect()
    }

    fn call(&mut self, link: &Link, name: &str, arguments: &[Link]) -> Expr {
        let span = link.span;
        let kind = match (function::meaning(name), arguments) {
            (Meaning::Test(relation), [subject, values @ ..]) if !values.is_empty() => {
                return self.test(relation, subject, values, span);
            }
            (Meaning::Test(_) | Meaning::Embedded, []) => ExprKind::Opaque(Rc::from("function without arguments")),
            (Meaning::Embedded, _) => return self.embedded(name == "kql", link, arguments),
            (Meaning::Presence(present), [subject]) => {
                ExprKind::Presence { of: Box::new(self.value(subject)), present, empty_is_null: false }
            }
            (Meaning::Window, _) => ExprKind::Window,
            (Meaning::Not, [condition, ..]) => ExprKind::Not(Box::new(self.condition(condition))),
            (Meaning::Wrapper(wrapper), [inner, ..]) => ExprKind::Wrap(wrapper, Box::new(self.value(inner))),
            (Meaning::First, _) => ExprKind::First(self.values(arguments)),
            (Meaning::Case, _) => {
                let pairs = arguments.chunks_exact(2);
                let otherwise = pairs.remainder().first().map(|otherwise| Box::new(self.value(otherwise)));
                let mut arms = Vec::new();
                for pair in pairs {
                    if let [condition, value] = pair {
                        arms.push((self.condition(condition), self.value(value)));
                    }
                }
                ExprKind::Case { arms, otherwise }
            }
            (Meaning::JsonPath, [source, path]) => match (&source.kind, path.constant()) {
                // The whole event as text.
                (Kind::Name(name), Some(Constant::Text(path))) if &**name == "_source" => {
                    ExprKind::OwnPath(Rc::from(path.strip_prefix("$.").unwrap_or(path)))
                }
                (_, Some(Constant::Text(path))) => {
                    let path = Rc::from(path.strip_prefix("$.").unwrap_or(path));
                    ExprKind::Member(Box::new(self.value(source)), path)
                }
                _ => ExprKind::Computed { of: self.values(arguments), text: None },
            },
            // The sign of a parameter.
            (Meaning::Sum, [only]) if only.constant().is_some() => return self.value(only),
            (Meaning::Sum, [left, right]) => ExprKind::Moved(Box::new(self.value(left)), Box::new(self.value(right))),
            (Meaning::Unknown, _) => ExprKind::Opaque(Rc::from(function::UNKNOWN)),
            _ => ExprKind::Computed { of: self.values(arguments), text: None },
        };
        Expr::new(kind, span)
    }

    /// A function that compares its first argument with the others.
    fn test(&mut self, relation: Relation, subject: &Link, values: &[Link], span: Span) -> Expr {
        let is_option = |value: &&Link| matches!(&value.kind, Kind::Options { .. });
        let has_fuzziness = |value: &Link| matches!(&value.kind, Kind::Options { names, .. } if names.iter().any(|name| &**name == "fuzziness"));
        let is_fuzzy = values.iter().any(has_fuzziness);
        let mut listed = Vec::new();
        for value in values.iter().filter(|value| !is_option(value)) {
            match &value.kind {
                Kind::List(items) => listed.extend(self.values(items)),
                _ => listed.push(self.value(value)),
            }
        }
        let mut comparison = comparison(relation);
        if relation == Relation::Term {
            // A full-text search is made in the index: it finds nothing without the field, and its negation does.
            comparison.missing = MissingRule::Fails;
            comparison.case = CaseRule::Ignore;
            comparison.modifier = is_fuzzy.then_some(Modifier::Fuzzy);
        }
        let right = match listed.len() {
            // `mv_contains` asks for every value.
            _ if relation == Relation::Equal => Operand::AllOf(listed),
            1 => Operand::One(Box::new(listed.remove(0))),
            _ => Operand::AnyOf(listed),
        };
        Expr::new(ExprKind::Compare(comparison, Box::new(self.value(subject)), right), span)
    }

    fn check_pattern(&mut self, pattern: &Link) {
        let Some(Constant::Text(text)) = pattern.constant() else { return };
        if text.contains('%') && !text.contains(['*', '?']) {
            let message = "`%` is a plain character in `like`; the wildcards are `*` and `?`.";
            self.diagnostics.push(Diagnostic::warning("`%` in `like`", message).at(pattern.span));
        }
    }
}

/// A comparison as the language makes it: with case, and null without the field.
fn comparison(relation: Relation) -> Comparison {
    Comparison::new(relation, CaseRule::Exact, MissingRule::Null)
}

impl ast::Comparison {
    /// The operator, whether it is negated, and whether it tells letters of different case apart.
    fn relation(self) -> (Relation, bool, CaseRule) {
        match self {
            Self::Eq => (Relation::Equal, false, CaseRule::Exact),
            Self::EqCaseless => (Relation::Equal, false, CaseRule::Ignore),
            Self::Ne => (Relation::Equal, true, CaseRule::Exact),
            Self::Lt => (Relation::Less, false, CaseRule::Exact),
            Self::Lte => (Relation::LessEqual, false, CaseRule::Exact),
            Self::Gt => (Relation::Greater, false, CaseRule::Exact),
            Self::Gte => (Relation::GreaterEqual, false, CaseRule::Exact),
        }
    }
}
