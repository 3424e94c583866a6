//! Scheduled queries: the filters of their SQL, a step for each table that is read.
//!
//! Source: Snowflake's SQL reference (conditional expressions, semi-structured data).

mod expression;
mod place;
mod prepare;

use ruleatlas_model::{Condition, DataSource, Node, SourceKind, Span};
use ruleatlas_yaml::Node as Yaml;
use rustc_hash::FxHashMap;
use sqlparser::{
    ast::{
        Expr, JoinConstraint, JoinOperator, ObjectName, Query, Select, SelectItem, SetExpr, Statement, TableAlias,
        TableFactor,
    },
    dialect::SnowflakeDialect,
    parser::Parser,
};

use crate::{
    nodes,
    yaml::{Report, with_sources},
};

use self::{expression::Lower, place::Places};

/// Steps that a query may have.
const MAX_STEPS: usize = 64;
/// Queries in queries that are read.
const MAX_DEPTH: usize = 32;
/// Bytes of a query.
const MAX_BYTES: usize = 1 << 20;

/// A table that is read, what it is filtered by, and what its columns are called on the way.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub tables: Vec<String>,
    pub alias: String,
    pub node: Node,
    pub absent: bool,
    pub label: String,
    /// Names that were made, in lower case: the column that one stands for, or nothing for something computed.
    pub names: FxHashMap<String, Option<String>>,
}

/// The steps of the query in a YAML scalar.
pub(crate) fn lower(report: &mut Report<'_>, scalar: &Yaml<'_>, whole: Span) -> Vec<Condition> {
    let text = scalar.text().unwrap_or_default();
    let broken =
        |report: &mut Report<'_>, message: String| vec![Condition::new(report.broken("SQL syntax", message, scalar))];
    if text.len() > MAX_BYTES {
        return broken(report, "The query is larger than 1 MiB.".to_owned());
    }
    if prepare::is_too_deep(text) {
        return broken(report, "The query has more operators than are followed.".to_owned());
    }
    let (plain, has_template) = prepare::plain(text);
    let mut rest = Node::always();
    if has_template {
        rest = report.unfollowed("template in a query", "What the query's template makes is not followed.", scalar);
    }
    let statements = match parse(&plain) {
        Ok(statements) => statements,
        // What stands before the fault may be a query by itself.
        Err(error) => match prepare::beginnings(&plain, &error)
            .iter()
            .find_map(|beginning| parse(beginning).ok().filter(|statements| !statements.is_empty()))
        {
            Some(statements) => {
                rest = report.unfollowed(
                    "SQL syntax",
                    format!("The query is not understood as a whole: {error}."),
                    scalar,
                );
                statements
            }
            None => return broken(report, format!("The query is not understood: {error}.")),
        },
    };
    let places = Places::new(text, report.text, whole, scalar);
    let mut walk = Walk {
        lower: Lower::new(report, places),
        tables: FxHashMap::default(),
        side: Vec::new(),
        depth: 0,
        has_pattern: false,
    };
    let mut steps = Vec::new();
    for statement in &statements {
        if let Statement::Query(query) = statement {
            steps.extend(walk.query(query));
        }
    }
    steps.append(&mut walk.side);
    if walk.has_pattern {
        rest = Node::all([rest, report.unfollowed("pattern over rows", "`MATCH_RECOGNIZE` is not followed.", scalar)]);
    }
    if steps.is_empty() {
        return broken(report, "The query reads no table.".to_owned());
    }
    steps.truncate(MAX_STEPS);
    if let Some(first) = steps.first_mut() {
        let node = std::mem::replace(&mut first.node, Node::always());
        first.node = Node::all([node, rest]);
    }
    let several = steps.len() > 1;
    let condition = |step: Step| {
        let mut condition = Condition::new(nodes::tidy(step.node));
        condition.absent = step.absent;
        if several {
            condition.label =
                if step.label.is_empty() { format!("table {}", step.tables.join(", ")) } else { step.label };
        }
        let sources: Vec<DataSource> =
            step.tables.iter().map(|name| DataSource::new(SourceKind::Table, name.as_str())).collect();
        with_sources(condition, &sources)
    };
    steps.into_iter().map(condition).collect()
}

fn parse(text: &str) -> Result<Vec<Statement>, String> {
    Parser::new(&SnowflakeDialect {})
        .with_recursion_limit(64)
        .try_with_sql(text)
        .and_then(|mut parser| parser.parse_statements())
        .map_err(|error| error.to_string())
}

/// A name that a list of columns makes, in lower case, and the column that it stands for, if it is one.
struct Made {
    name: String,
    column: Option<String>,
    /// Whether a column of the table has the name too.
    is_column: bool,
}

/// Goes through queries and their parts.
struct Walk<'r, 'q> {
    lower: Lower<'r, 'q>,
    /// The steps of common table expressions, by name in lower case.
    tables: FxHashMap<String, Vec<Step>>,
    /// The steps of queries that a condition asks.
    side: Vec<Step>,
    depth: usize,
    /// Whether a pattern over rows was met.
    has_pattern: bool,
}

impl Walk<'_, '_> {
    fn query(&mut self, query: &Query) -> Vec<Step> {
        if self.depth >= MAX_DEPTH {
            return Vec::new();
        }
        self.depth += 1;
        for table in query.with.iter().flat_map(|with| &with.cte_tables) {
            let steps = self.query(&table.query);
            self.tables.insert(table.alias.name.value.to_lowercase(), steps);
        }
        let steps = self.set(&query.body);
        self.depth -= 1;
        steps
    }

    fn set(&mut self, set: &SetExpr) -> Vec<Step> {
        match set {
            SetExpr::Select(select) => self.select(select),
            SetExpr::Query(query) => self.query(query),
            SetExpr::SetOperation { left, right, .. } if self.depth < MAX_DEPTH => {
                self.depth += 1;
                let mut steps = self.set(left);
                steps.extend(self.set(right));
                self.depth -= 1;
                steps
            }
            _ => Vec::new(),
        }
    }

    fn select(&mut self, select: &Select) -> Vec<Step> {
        let mut steps = Vec::new();
        for from in &select.from {
            steps.extend(self.table(&from.relation));
            for join in &from.joins {
                let first = steps.len();
                steps.extend(self.table(&join.relation));
                let (absent, constraint) = constraint(&join.join_operator);
                steps.iter_mut().skip(first).for_each(|step| step.absent |= absent);
                if let Some(JoinConstraint::On(condition)) = constraint {
                    self.filter(condition, &mut steps, true);
                }
            }
        }
        if steps.is_empty() {
            return steps;
        }
        steps.truncate(MAX_STEPS);
        // Snowflake lets a filter use the names of the list that is selected, where the table has no such column.
        let names = self.names(select, &steps);
        let (columns, new): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| name.is_column);
        for step in &mut steps {
            step.names.extend(new.iter().map(|made| (made.name.clone(), made.column.clone())));
        }
        for filter in [&select.selection, &select.having, &select.qualify].into_iter().flatten() {
            self.filter(filter, &mut steps, false);
        }
        for step in &mut steps {
            step.names.extend(columns.iter().map(|made| (made.name.clone(), made.column.clone())));
        }
        steps
    }

    /// The names that a list of columns makes.
    fn names(&mut self, select: &Select, steps: &[Step]) -> Vec<Made> {
        let mut names = Vec::new();
        for item in &select.projection {
            if let SelectItem::ExprWithAlias { expr, alias } = item {
                let column = self.lower.column(expr, steps).map(|column| column.path);
                let name = alias.value.to_lowercase();
                if column.as_ref().is_none_or(|path| path.to_lowercase() != name) {
                    let text = expr.to_string();
                    let is_word = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '$');
                    let is_column = text.split(|letter| !is_word(letter)).any(|word| word.eq_ignore_ascii_case(&name));
                    names.push(Made { name, column, is_column });
                }
            }
        }
        names
    }

    fn table(&mut self, table: &TableFactor) -> Vec<Step> {
        match table {
            TableFactor::Table { name, alias, args: None, .. } => {
                let full = full_name(name);
                let mut steps = match self.tables.get(&full.to_lowercase()) {
                    // What an expression filters is copied wherever it is read.
                    Some(own) if self.lower.may_copy(own) => own.clone(),
                    Some(_) => vec![self.lower.beyond_budget(Step::of(&full))],
                    None => vec![Step::of(&full)],
                };
                rename(&mut steps, alias.as_ref(), &full);
                steps
            }
            TableFactor::Derived { subquery, alias, .. } => {
                let mut steps = self.query(subquery);
                rename(&mut steps, alias.as_ref(), "");
                steps
            }
            TableFactor::NestedJoin { table_with_joins, .. } if self.depth < MAX_DEPTH => {
                self.depth += 1;
                let mut steps = self.table(&table_with_joins.relation);
                for join in &table_with_joins.joins {
                    steps.extend(self.table(&join.relation));
                }
                self.depth -= 1;
                steps
            }
            // A pattern over rows filters a table that is read; the pattern itself is not followed.
            TableFactor::MatchRecognize { table, .. } if self.depth < MAX_DEPTH => {
                self.depth += 1;
                let steps = self.table(table);
                self.depth -= 1;
                self.has_pattern = true;
                steps
            }
            // What a function makes of a row (`flatten`) is no table of its own.
            _ => Vec::new(),
        }
    }

    /// Puts each conjunct of a filter to the step whose columns it names; the first is meant where it names none.
    fn filter(&mut self, filter: &Expr, steps: &mut [Step], is_join: bool) {
        let mut conjuncts = Vec::new();
        conjuncts_of(filter, &mut conjuncts, 0);
        for conjunct in conjuncts {
            if let Some((subquery, absent)) = expression::subquery(conjunct) {
                let mut asked = self.query(subquery);
                for step in &mut asked {
                    step.absent |= absent;
                    step.label = format!("sub-query of {}", step.tables.join(", "));
                }
                self.side.extend(asked);
                self.side.truncate(MAX_STEPS);
                continue;
            }
            let at = expression::qualifier(conjunct)
                .and_then(|name| steps.iter().position(|step| step.alias.eq_ignore_ascii_case(&name)))
                .unwrap_or(0);
            let node = self.lower.condition(conjunct, steps, is_join);
            if let Some(step) = steps.get_mut(at) {
                // Conjuncts stand side by side: a chain of expressions is no tree as deep as it is long.
                step.node = match std::mem::replace(&mut step.node, Node::always()) {
                    Node::All(mut before) if !before.is_empty() && node.as_constant().is_none() => {
                        before.push(node);
                        Node::All(before)
                    }
                    before => Node::all([before, node]),
                };
            }
        }
    }
}

impl Step {
    fn of(table: &str) -> Self {
        let name = table.rsplit('.').next().unwrap_or(table);
        Self {
            tables: vec![name.to_owned()],
            alias: name.to_owned(),
            node: Node::always(),
            absent: false,
            label: String::new(),
            names: FxHashMap::default(),
        }
    }
}

fn rename(steps: &mut [Step], alias: Option<&TableAlias>, full: &str) {
    let short = full.rsplit('.').next().unwrap_or(full);
    for step in steps {
        step.alias = alias.map_or(short, |alias| alias.name.value.as_str()).to_owned();
    }
}

fn full_name(name: &ObjectName) -> String {
    let parts: Vec<&str> = name.0.iter().filter_map(|part| part.as_ident()).map(|part| part.value.as_str()).collect();
    parts.join(".")
}

fn constraint(operator: &JoinOperator) -> (bool, Option<&JoinConstraint>) {
    match operator {
        JoinOperator::Join(it)
        | JoinOperator::Inner(it)
        | JoinOperator::Left(it)
        | JoinOperator::LeftOuter(it)
        | JoinOperator::Right(it)
        | JoinOperator::RightOuter(it)
        | JoinOperator::FullOuter(it)
        | JoinOperator::CrossJoin(it)
        | JoinOperator::Semi(it)
        | JoinOperator::LeftSemi(it)
        | JoinOperator::RightSemi(it) => (false, Some(it)),
        JoinOperator::Anti(it) | JoinOperator::LeftAnti(it) | JoinOperator::RightAnti(it) => (true, Some(it)),
        _ => (false, None),
    }
}

fn conjuncts_of<'e>(expr: &'e Expr, into: &mut Vec<&'e Expr>, depth: usize) {
    use sqlparser::ast::BinaryOperator;
    match expr {
        Expr::BinaryOp { left, op: BinaryOperator::And, right } if depth < 512 => {
            conjuncts_of(left, into, depth + 1);
            conjuncts_of(right, into, depth + 1);
        }
        Expr::Nested(inner) if depth < 512 => match inner.as_ref() {
            Expr::BinaryOp { op: BinaryOperator::And, .. } => conjuncts_of(inner, into, depth + 1),
            _ => into.push(expr),
        },
        other => into.push(other),
    }
}
