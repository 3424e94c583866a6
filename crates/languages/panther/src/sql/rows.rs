//! Queries and their parts as plans: which tables are read, and what is asked of their rows.

use std::rc::Rc;

use ruleatlas_ir::plan::{
    Column, Definition, Expr as Planned, ExprKind, Join, JoinKind, Lookup, Operation, Query as PlannedQuery, Stage,
};
use ruleatlas_model::Span;
use sqlparser::ast::{
    Expr, JoinConstraint, JoinOperator, ObjectName, Query, Select, SelectItem, SetExpr, TableAlias, TableFactor,
    TableWithJoins,
};

use super::place::Places;

/// Queries in queries that are read.
const MAX_DEPTH: usize = 32;
/// Why a part that stands deeper is opaque.
pub(super) const TOO_DEEP: &str = "nesting is too deep";

/// Turns queries to plans.
pub(super) struct Lower<'q> {
    /// The rule's text, which places point into.
    pub text: &'q str,
    pub places: Places,
    depth: usize,
    pub expression_depth: usize,
    /// Whether a pattern over rows was met.
    pub has_pattern: bool,
}

impl<'q> Lower<'q> {
    pub fn new(text: &'q str, places: Places) -> Self {
        Self { text, places, depth: 0, expression_depth: 0, has_pattern: false }
    }

    /// The rows of a query; `None` where it reads no table.
    pub fn query(&mut self, query: &Query) -> Option<Planned> {
        if self.depth >= MAX_DEPTH {
            return Some(Planned::opaque(TOO_DEEP, self.places.whole()));
        }
        self.depth += 1;
        let mut definitions = Vec::new();
        for table in query.with.iter().flat_map(|with| &with.cte_tables) {
            if let Some(rows) = self.query(&table.query) {
                definitions.push(Definition { name: Rc::from(table.alias.name.value.as_str()), rows });
            }
        }
        let rows = self.set(&query.body);
        self.depth -= 1;
        let source = rows?;
        if definitions.is_empty() {
            return Some(source);
        }
        let span = source.span;
        Some(Planned::new(ExprKind::Query(Box::new(PlannedQuery { definitions, source, stages: Vec::new() })), span))
    }

    fn set(&mut self, set: &SetExpr) -> Option<Planned> {
        match set {
            SetExpr::Select(select) => self.select(select),
            SetExpr::Query(query) => self.query(query),
            SetExpr::SetOperation { left, right, .. } => {
                if self.depth >= MAX_DEPTH {
                    return Some(Planned::opaque(TOO_DEEP, self.places.whole()));
                }
                self.depth += 1;
                let legs: Vec<Planned> = [left, right].into_iter().filter_map(|side| self.set(side)).collect();
                self.depth -= 1;
                if legs.is_empty() {
                    return None;
                }
                let union = ExprKind::Union { legs, label: Rc::from(""), merges: true };
                Some(Planned::new(union, self.places.whole()))
            }
            _ => None,
        }
    }

    fn select(&mut self, select: &Select) -> Option<Planned> {
        let mut stages = Vec::new();
        let source = self.joined(&select.from, &mut stages)?;
        let mut push = |operation| stages.push(stage(operation, source.span));
        // Snowflake lets a filter use the names of the list that is selected, where the table has no such column.
        let (columns, new): (Vec<_>, Vec<_>) = self.names(select).into_iter().partition(|(_, is_column)| *is_column);
        push(extended(new, source.span));
        for filter in [&select.selection, &select.having, &select.qualify].into_iter().flatten() {
            push(Operation::Filter(self.filter(filter)));
        }
        push(extended(columns, source.span));
        let span = source.span;
        Some(Planned::new(ExprKind::Query(Box::new(PlannedQuery { definitions: Vec::new(), source, stages })), span))
    }

    /// The names that a list of columns makes, each with whether the table has a column of that name.
    fn names(&mut self, select: &Select) -> Vec<(Column, bool)> {
        let mut names = Vec::new();
        for item in &select.projection {
            if let SelectItem::ExprWithAlias { expr, alias } = item {
                let text = expr.to_string();
                let is_word = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '$');
                let mut words = text.split(|letter| !is_word(letter));
                let is_column = words.any(|word| word.eq_ignore_ascii_case(&alias.value));
                names.push((Column { name: Rc::from(alias.value.as_str()), value: self.value(expr) }, is_column));
            }
        }
        names
    }

    /// The first of some tables; the others are joined to it by stages.
    fn joined(&mut self, tables: &[TableWithJoins], stages: &mut Vec<Stage>) -> Option<Planned> {
        let mut first: Option<Planned> = None;
        for table in tables {
            let joins = table.joins.iter().map(|join| (&join.relation, Some(&join.join_operator)));
            for (relation, operator) in [(&table.relation, None)].into_iter().chain(joins) {
                let Some(first) = &first else {
                    first = self.table(relation);
                    continue;
                };
                let (kind, on) = operator.map_or((JoinKind::Inner, None), constraint);
                if let (Some((list, names)), Some(JoinConstraint::On(condition))) = (lookup_table(relation), on)
                    && let Some((key, rest)) = key_of(condition, &names)
                {
                    let key = Some(self.value(key));
                    let lookup = Lookup { list, key, names: None, tables: names, kind };
                    stages.push(stage(Operation::Lookup(lookup), first.span));
                    for condition in rest.into_iter().filter(|_| kind == JoinKind::Inner) {
                        let condition = self.condition(condition);
                        stages.push(stage(Operation::Filter(condition), first.span));
                    }
                    continue;
                }
                let Some(rows) = self.table(relation) else { continue };
                let on = match on {
                    Some(JoinConstraint::On(condition)) => Some(self.filter(condition)),
                    _ => None,
                };
                let join = Join { right: rows, label: Rc::from(""), kind, on };
                stages.push(stage(Operation::Join(Box::new(join)), first.span));
            }
        }
        first
    }

    /// A table that is read; `None` for what a function makes of a row (`flatten`).
    fn table(&mut self, table: &TableFactor) -> Option<Planned> {
        let whole = self.places.whole();
        match table {
            TableFactor::Table { name, alias, args: None, .. } => {
                let full = full_name(name);
                let short = full.rsplit('.').next().unwrap_or(&full).to_owned();
                let rows = Planned::new(ExprKind::Table(Rc::from(full)), whole);
                Some(aliased(rows, alias.as_ref(), &[&short]))
            }
            TableFactor::Derived { subquery, alias, .. } => {
                self.query(subquery).map(|rows| aliased(rows, alias.as_ref(), &[]))
            }
            _ if self.depth >= MAX_DEPTH => Some(Planned::opaque(TOO_DEEP, whole)),
            TableFactor::NestedJoin { table_with_joins, .. } => {
                self.depth += 1;
                let mut stages = Vec::new();
                let source = self.joined(std::slice::from_ref(table_with_joins), &mut stages);
                self.depth -= 1;
                let query = PlannedQuery { definitions: Vec::new(), source: source?, stages };
                Some(Planned::new(ExprKind::Query(Box::new(query)), whole))
            }
            // A pattern over rows filters a table that is read; the pattern itself is not followed.
            TableFactor::MatchRecognize { table, .. } => {
                self.depth += 1;
                let rows = self.table(table);
                self.depth -= 1;
                self.has_pattern = true;
                rows
            }
            _ => None,
        }
    }

    /// A filter as the conditions that must all hold, side by side: a chain of them is no tree as deep as it is long.
    fn filter(&mut self, filter: &Expr) -> Planned {
        let mut conjuncts = Vec::new();
        conjuncts_of(filter, &mut conjuncts, 0);
        let span = self.span(filter);
        let conjuncts = conjuncts.into_iter().map(|conjunct| self.condition(conjunct)).collect();
        Planned::new(ExprKind::All(conjuncts), span)
    }
}

fn stage(operation: Operation, span: Span) -> Stage {
    Stage { operation, index: 0, span }
}

/// All columns, and these names for what is made of them.
fn extended(columns: Vec<(Column, bool)>, span: Span) -> Operation {
    let all = Column { name: Rc::from("*"), value: Planned::new(ExprKind::AnyField, span) };
    Operation::Project([all].into_iter().chain(columns.into_iter().map(|(column, _)| column)).collect())
}

/// A table whose columns are named by an alias, or else by these names.
fn aliased(rows: Planned, alias: Option<&TableAlias>, names: &[&str]) -> Planned {
    let name = alias.map(|alias| alias.name.value.as_str());
    let names: Vec<Rc<str>> = name.into_iter().chain(names.iter().copied()).map(Rc::from).collect();
    let span = rows.span;
    if names.is_empty() { rows } else { Planned::new(ExprKind::Aliased(Box::new(rows), names), span) }
}

/// The list that a table of Panther's look-ups is, and the names its columns may have before them
/// ([reference](https://docs.panther.com/enrichment)).
fn lookup_table(table: &TableFactor) -> Option<(Rc<str>, Vec<Rc<str>>)> {
    let TableFactor::Table { name, alias, args: None, .. } = table else { return None };
    let full = full_name(name);
    let (schema, _) = full.split_once('.')?;
    let short: Rc<str> = Rc::from(full.rsplit('.').next()?);
    let is_lookup = schema.eq_ignore_ascii_case("panther_lookups");
    let alias = alias.as_ref().map(|alias| Rc::from(alias.name.value.as_str()));
    is_lookup.then(|| (Rc::clone(&short), alias.into_iter().chain([short]).collect()))
}

/// The list whose column a sub-query gives as it is.
pub(super) fn lookup_of(query: &Query) -> Option<String> {
    let SetExpr::Select(select) = query.body.as_ref() else { return None };
    let [table] = select.from.as_slice() else { return None };
    let is_whole = table.joins.is_empty() && select.selection.is_none() && select.having.is_none();
    let (list, _) = lookup_table(&table.relation).filter(|_| is_whole && query.with.is_none())?;
    Some(list.to_string())
}

/// The side of a join's key that is not a column of one of these tables, and the other conditions of the join.
fn key_of<'e>(condition: &'e Expr, tables: &[Rc<str>]) -> Option<(&'e Expr, Vec<&'e Expr>)> {
    let mut conjuncts = Vec::new();
    conjuncts_of(condition, &mut conjuncts, 0);
    let is_of = |expr: &Expr| match expr {
        Expr::CompoundIdentifier(parts) => parts
            .iter()
            .rev()
            .nth(1)
            .is_some_and(|table| tables.iter().any(|name| name.eq_ignore_ascii_case(&table.value))),
        _ => false,
    };
    let key = |conjunct: &&'e Expr| match conjunct {
        Expr::BinaryOp { left, op: sqlparser::ast::BinaryOperator::Eq, right } => match (is_of(left), is_of(right)) {
            (true, false) => Some(right.as_ref()),
            (false, true) => Some(left.as_ref()),
            _ => None,
        },
        _ => None,
    };
    let (at, key) = conjuncts.iter().enumerate().find_map(|(at, conjunct)| Some((at, key(conjunct)?)))?;
    conjuncts.remove(at);
    Some((key, conjuncts))
}

fn full_name(name: &ObjectName) -> String {
    let parts: Vec<&str> = name.0.iter().filter_map(|part| part.as_ident()).map(|part| part.value.as_str()).collect();
    parts.join(".")
}

fn constraint(operator: &JoinOperator) -> (JoinKind, Option<&JoinConstraint>) {
    match operator {
        JoinOperator::Join(it)
        | JoinOperator::Inner(it)
        | JoinOperator::CrossJoin(it)
        | JoinOperator::Semi(it)
        | JoinOperator::LeftSemi(it)
        | JoinOperator::RightSemi(it) => (JoinKind::Inner, Some(it)),
        JoinOperator::Left(it)
        | JoinOperator::LeftOuter(it)
        | JoinOperator::Right(it)
        | JoinOperator::RightOuter(it)
        | JoinOperator::FullOuter(it) => (JoinKind::Outer, Some(it)),
        JoinOperator::Anti(it) | JoinOperator::LeftAnti(it) | JoinOperator::RightAnti(it) => (JoinKind::Anti, Some(it)),
        _ => (JoinKind::Inner, None),
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
