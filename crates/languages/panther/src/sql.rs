//! Scheduled queries: the filters of their SQL, a step for each table that is read.
//!
//! Source: Snowflake's SQL reference (conditional expressions, semi-structured data).

mod expression;
mod place;
mod prepare;
mod rows;

use std::rc::Rc;

use ruleatlas_ir::plan::{Expr as Planned, MissingRule, Plan, Step};
use ruleatlas_ir::{Semantics, resolve};
use ruleatlas_model::{Condition, Node, Span};
use ruleatlas_yaml::Node as Yaml;
use sqlparser::{ast::Statement, dialect::SnowflakeDialect, parser::Parser};

use crate::{nodes, yaml::Report};

use self::{place::Places, rows::Lower};

/// Steps that a query may have.
const MAX_STEPS: usize = 64;
/// Bytes of a query.
const MAX_BYTES: usize = 1 << 20;
/// What the step of a sub-query is called before its tables.
const SUB_QUERY: &str = "sub-query of";

/// What SQL says of all its queries alike: what is compared with null is null, and names have no case.
const SEMANTICS: Semantics = Semantics {
    missing: MissingRule::Null,
    names_in_any_case: true,
    is_event_time: |name| {
        let times = ["p_event_time", "p_parse_time", "p_schedule_time", "current_timestamp"];
        times.iter().any(|time| time.eq_ignore_ascii_case(name))
    },
    has_stages: false,
    sub_query: SUB_QUERY,
    computed_by_name: true,
    scripts: None,
};

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
    let mut lower = Lower::new(report.text, Places::new(text, report.text, whole, scalar));
    let queries = statements.iter().filter_map(|statement| match statement {
        Statement::Query(query) => lower.query(query),
        _ => None,
    });
    let plan = Plan {
        shared: Vec::new(),
        steps: queries.map(|rows: Planned| Step { label: Rc::from(""), absent: false, rows }).collect(),
    };
    if lower.has_pattern {
        rest = Node::all([rest, report.unfollowed("pattern over rows", "`MATCH_RECOGNIZE` is not followed.", scalar)]);
    }
    let parsed = resolve(&plan, report.text, &SEMANTICS, report.budget);
    report.diagnostics.extend(parsed.diagnostics);
    let mut steps = parsed.conditions;
    if steps.is_empty() {
        return broken(report, "The query reads no table.".to_owned());
    }
    steps.truncate(MAX_STEPS);
    if let Some(first) = steps.first_mut() {
        let node = std::mem::replace(&mut first.root, Node::always());
        first.root = Node::all([node, rest]);
    }
    let several = steps.len() > 1;
    for step in &mut steps {
        let root = std::mem::replace(&mut step.root, Node::always());
        step.root = nodes::tidy(root);
        if several {
            let tables: Vec<&str> = step.sources.iter().map(|source| source.name.as_str()).collect();
            let kind = if step.label == SUB_QUERY { SUB_QUERY } else { "table" };
            step.label = format!("{kind} {}", tables.join(", "));
        }
    }
    steps
}

fn parse(text: &str) -> Result<Vec<Statement>, String> {
    Parser::new(&SnowflakeDialect {})
        .with_recursion_limit(64)
        .try_with_sql(text)
        .and_then(|mut parser| parser.parse_statements())
        .map_err(|error| error.to_string())
}
