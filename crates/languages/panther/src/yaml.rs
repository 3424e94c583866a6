//! The front end of detections that are written in YAML: it sees what a text is, and hands it on.

use ruleatlas_core::{BUDGET, Budget, Context, Frontend, Parsed, Query, Token, TokenKind, clip};
use ruleatlas_model::{Condition, Diagnostic, Language, Node, Span};
use ruleatlas_yaml::{Node as Yaml, Style, Value};

use crate::{correlation, nodes, simple, sql};

/// The front end of simple detections, correlation rules and queries.
#[derive(Clone, Copy, Debug, Default)]
pub struct PantherYaml;

/// How long the text of an opaque part may be, in bytes.
const MAX_OPAQUE: usize = 4 << 10;

/// Where the text of a rule stands, and what was said about it.
pub(crate) struct Report<'q> {
    pub text: &'q str,
    pub base: usize,
    pub diagnostics: Vec<Diagnostic>,
    pub budget: &'q mut Budget,
}

impl Report<'_> {
    pub fn span(&self, node: &Yaml<'_>) -> Span {
        Span::new(node.start, node.end).relative_to(self.base)
    }

    /// Spends what a copy of so many nodes costs; `false` where nothing is left.
    pub fn may_copy(&mut self, nodes: usize) -> bool {
        !self.budget.is_spent() && self.budget.nodes(nodes)
    }

    /// A part of which no more is read, as nothing is left to spend.
    pub fn beyond_budget(&mut self, node: &Yaml<'_>) -> Node {
        let span = self.span(node);
        if let Some(diagnostic) = self.budget.report() {
            self.diagnostics.push(diagnostic.at(span).on_line(node.line));
        }
        Node::opaque(clip(span.of(self.text).unwrap_or_default(), MAX_OPAQUE), BUDGET, span)
    }

    /// A part that is not followed while all around it is understood.
    pub fn unfollowed(&mut self, code: &'static str, message: impl Into<String>, node: &Yaml<'_>) -> Node {
        let span = self.span(node);
        self.diagnostics.push(Diagnostic::warning(code, message).at(span).on_line(node.line));
        Node::opaque(clip(span.of(self.text).unwrap_or_default(), MAX_OPAQUE), code, span)
    }

    /// A part that is not understood, said and kept.
    pub fn broken(&mut self, code: &'static str, message: impl Into<String>, node: &Yaml<'_>) -> Node {
        const MAX_DIAGNOSTICS: usize = 50;
        let span = self.span(node);
        if self.diagnostics.len() < MAX_DIAGNOSTICS {
            self.diagnostics.push(Diagnostic::error(code, message).at(span).on_line(node.line));
        }
        Node::opaque(clip(span.of(self.text).unwrap_or_default(), MAX_OPAQUE), code, span)
    }
}

impl Frontend for PantherYaml {
    fn language(&self) -> Language {
        Language::PantherYaml
    }

    fn read(&self, query: &Query<'_>, context: &dyn Context, budget: &mut Budget) -> Parsed {
        if let Some((tree, base)) = query.tree {
            return document(tree, query, base, context, budget);
        }
        match ruleatlas_yaml::parse(query.text) {
            Ok(parsed) => match parsed.documents.first() {
                Some(tree) => document(tree, query, 0, context, budget),
                None => nothing("The text is empty."),
            },
            Err(error) => {
                let message = format!("The text is no valid YAML: {}.", error.message);
                let diagnostics = vec![Diagnostic::error("YAML syntax", message).on_line(error.line)];
                Parsed { conditions: Vec::new(), diagnostics }
            }
        }
    }

    fn tokens(&self, text: &str) -> Vec<Token> {
        let Ok(parsed) = ruleatlas_yaml::parse(text) else { return Vec::new() };
        let mut tokens = Vec::new();
        for tree in &parsed.documents {
            colour(tree, false, &mut tokens);
        }
        tokens.sort_by_key(|token| (token.span.start, token.span.end));
        let mut end = 0;
        tokens.retain(|token| {
            let fits = token.span.start >= end && token.span.start < token.span.end && token.span.of(text).is_some();
            end = if fits { token.span.end } else { end };
            fits
        });
        tokens
    }
}

fn nothing(message: &str) -> Parsed {
    Parsed { conditions: Vec::new(), diagnostics: vec![Diagnostic::error("no query", message).at(Span::new(0, 0))] }
}

fn document(tree: &Yaml<'_>, query: &Query<'_>, base: usize, context: &dyn Context, budget: &mut Budget) -> Parsed {
    let mut report = Report { text: query.text, base, diagnostics: Vec::new(), budget };
    let mut conditions = Vec::new();
    let text_key = ["Query", "SnowflakeQuery", "AthenaQuery"].into_iter().find_map(|key| tree.get(key));
    if let Some(detection) = tree.get("Detection") {
        let steps = correlation::steps(detection);
        if steps.is_empty() {
            let node = simple::all(&mut report, detection);
            let filters =
                tree.get("InlineFilters").map_or_else(Node::always, |filters| simple::all(&mut report, filters));
            let mut condition = Condition::new(nodes::tidy(Node::all([node, filters])));
            condition.sources = query.sources.to_vec();
            conditions.push(condition);
        } else {
            conditions = correlation::lower(&mut report, &steps, context);
        }
    } else if let Some(sql_text) = text_key {
        let place = report.span(sql_text);
        conditions = sql::lower(&mut report, sql_text, place);
    } else {
        return nothing("There is neither a detection nor a query.");
    }
    Parsed { conditions, diagnostics: report.diagnostics }
}

/// The inline filters of a rule whose query is a module: conjuncts of it, at the place the module's function has.
pub(crate) fn inline_filters(tree: &Yaml<'_>, place: Span, budget: &mut Budget) -> Option<(Node, Vec<Diagnostic>)> {
    let filters = tree.get("InlineFilters")?;
    let mut report = Report { text: "", base: 0, diagnostics: Vec::new(), budget };
    let mut node = nodes::tidy(simple::all(&mut report, filters));
    at(&mut node, place);
    Some((node, report.diagnostics.into_iter().map(|said| said.at(place)).collect()))
}

/// Moves all of a tree to one place.
pub(crate) fn at(node: &mut Node, place: Span) {
    match node {
        Node::All(children) | Node::Any(children) => children.iter_mut().for_each(|child| at(child, place)),
        Node::Not(child) => at(child, place),
        Node::Predicate(predicate) => predicate.span = place,
        Node::Opaque(opaque) => opaque.span = place,
    }
}

fn colour(node: &Yaml<'_>, in_field: bool, tokens: &mut Vec<Token>) {
    let mut push = |node: &Yaml<'_>, kind| tokens.push(Token { span: Span::new(node.start, node.end), kind });
    match &node.value {
        Value::Mapping(entries) => {
            for (key, value) in entries {
                push_key(key, tokens);
                let name = key.text().unwrap_or_default();
                colour(value, matches!(name, "Key" | "KeyPath" | "DeepKey" | "Match" | "On"), tokens);
            }
        }
        Value::Sequence(items) => items.iter().for_each(|item| colour(item, in_field, tokens)),
        Value::Scalar(_, Style::Block) => push(node, TokenKind::String),
        Value::Scalar(..) if in_field => push(node, TokenKind::Field),
        Value::Scalar(text, Style::Plain) => {
            let number = node.as_bool().is_some() || node.is_null() || text.parse::<f64>().is_ok();
            push(node, if number { TokenKind::Number } else { TokenKind::String });
        }
        Value::Scalar(..) => push(node, TokenKind::String),
    }
}

fn push_key(key: &Yaml<'_>, tokens: &mut Vec<Token>) {
    tokens.push(Token { span: Span::new(key.start, key.end), kind: TokenKind::Keyword });
}
