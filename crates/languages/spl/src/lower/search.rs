//! The language of `search`: comparisons without case, failing where a field is missing; `NOT` holds there.

use std::rc::Rc;

use ruleatlas_core::{BUDGET, Piece, write_pattern};
use ruleatlas_ir::plan::{CaseRule, Comparison, Expr, ExprKind, PatternSyntax, Relation};
use ruleatlas_model::{DataSource, Diagnostic, SourceKind, Span};
use ruleatlas_syntax::ErrorKind as _;

use super::{Lowering, compare, in_search, is_token, literal, name, not, nothing, opaque};
use crate::{
    ast::{CompareOp, Pipeline, Search, SearchValue},
    frontend::ContextMacros,
    parser::read_condition,
};

/// How deep event types may refer to each other.
const MAX_EVENT_TYPES: usize = 8;

impl Lowering<'_> {
    pub(super) fn search(&mut self, search: &Search) -> Expr {
        match search {
            Search::And(parts) => {
                let parts: Vec<Expr> = parts.iter().map(|part| self.search(part)).collect();
                let span = whole(&parts);
                Expr::new(ExprKind::All(parts), span)
            }
            Search::Or(parts) => {
                let parts: Vec<Expr> = parts.iter().map(|part| self.search(part)).collect();
                let span = whole(&parts);
                Expr::new(ExprKind::Any(parts), span)
            }
            Search::Not(inner) => not(self.search(inner)),
            Search::Compare { field, op, values, span } => self.search_compare(field, *op, values, *span),
            Search::Term { value } => term(value),
            Search::Sub(pipeline) => self.sub_search(pipeline),
            Search::Opaque { text, kind, span } => opaque(text, kind.title(), *span),
        }
    }

    fn search_compare(&mut self, field: &str, op: CompareOp, values: &[SearchValue], span: Span) -> Expr {
        if field == "nodename" {
            return self.node_names(values, span);
        }
        // `$field$` in the search of a `map` is the field of the other search: a join key.
        if values.iter().all(|value| is_token(&value.text())) {
            return nothing(span);
        }
        let plain = comparison(field, op, values, span);
        let otherwise = if is_time_modifier(field) {
            Some(Expr::new(ExprKind::Window, span))
        } else {
            self.tagged(field, op, values, span).or_else(|| {
                let names: Vec<String> = values.iter().map(SearchValue::text).collect();
                self.event_types(field, op, &names, span)
            })
        };
        let Some(otherwise) = otherwise else { return plain };
        let (made, otherwise) = (Box::new(plain), Box::new(otherwise));
        Expr::new(ExprKind::IfMade { name: Rc::from(field), made, otherwise }, span)
    }

    /// The comparisons that `tag=…` or `tag::field=…` stands for, where the configuration says for all of the tags what
    /// has them.
    fn tagged(&mut self, field: &str, op: CompareOp, values: &[SearchValue], span: Span) -> Option<Expr> {
        let of_field = match field.strip_prefix("tag::") {
            Some(name) => Some(name),
            None if field == "tag" => None,
            None => return None,
        };
        if !matches!(op, CompareOp::Eq | CompareOp::Ne) {
            return None;
        }
        let mut comparisons = Vec::new();
        for value in values {
            let context = self.context;
            let tagged = context.tagged(&value.text());
            let mut of_tag =
                tagged.into_iter().filter(|(name, _)| of_field.is_none_or(|field| field == *name)).peekable();
            of_tag.peek()?;
            for (field, text) in of_tag {
                let pieces = text.chars().map(|c| if c == '*' { Piece::Many } else { Piece::Char(c) }).collect();
                let values = [SearchValue { pieces, directive: None, span }];
                comparisons.push(self.search_compare(field, CompareOp::Eq, &values, span));
            }
        }
        if !self.spend(comparisons.len()) {
            return None;
        }
        // An event has a tag with `=`, and lacks it with `!=`, whichever of its fields has it.
        let any = Expr::new(ExprKind::Any(comparisons), span);
        Some(if op == CompareOp::Ne { not(any) } else { any })
    }

    /// The condition that a comparison with event types stands for, where all of them are known: any of their searches,
    /// or none of them.
    pub(super) fn event_types(&mut self, field: &str, op: CompareOp, names: &[String], span: Span) -> Option<Expr> {
        if field != "eventtype" || !matches!(op, CompareOp::Eq | CompareOp::Ne) {
            return None;
        }
        let context = self.context;
        let definitions: Option<Vec<&str>> = names.iter().map(|name| context.event_type(name)).collect();
        let mut searches = Vec::new();
        for (name, definition) in names.iter().zip(definitions?) {
            searches.push(self.event_type(name, definition, span));
        }
        let any = Expr::new(ExprKind::Any(searches), span);
        Some(if op == CompareOp::Ne { not(any) } else { any })
    }

    fn event_type(&mut self, name: &str, definition: &str, span: Span) -> Expr {
        let reason = if self.event_types.iter().any(|known| known == name) {
            "event type refers to itself"
        } else if self.event_types.len() >= MAX_EVENT_TYPES {
            "event types are nested too deeply"
        } else if !self.spend(1 + definition.len()) {
            "event types are too large"
        } else {
            let mut errors = Vec::new();
            let (parsed, work) = read_condition(definition, span, &ContextMacros(self.context), &mut errors);
            self.budget.work(work);
            self.diagnostics.extend(errors.into_iter().map(Diagnostic::from));
            self.event_types.push(name.to_owned());
            let search = parsed.map_or_else(|| nothing(span), |search| self.search(&search));
            self.event_types.pop();
            return search;
        };
        let message = format!("the event type `{name}`: {reason}");
        self.diagnostics.push(Diagnostic::warning(reason, message).at(span));
        opaque(&format!("eventtype={name}"), reason, span)
    }

    /// `nodename` in `tstats` narrows the data model to a dataset.
    fn node_names(&self, values: &[SearchValue], span: Span) -> Expr {
        let model = self.model.as_deref().map(|model| model.split('.').next().unwrap_or_default());
        let source = |value: &SearchValue| {
            let text = value.text();
            let dataset = text.rsplit('.').next().unwrap_or_default();
            let name = model.map_or_else(|| text.clone(), |model| format!("{model}.{dataset}"));
            DataSource::new(SourceKind::DataModel, name)
        };
        Expr::new(ExprKind::Sources(values.iter().map(source).collect()), span)
    }

    /// `[ … ]`: a list where it reads a lookup, a step of its own otherwise.
    pub(super) fn sub_search(&mut self, pipeline: &Pipeline) -> Expr {
        if super::begins_with_lookup(pipeline) {
            return self.lookup_list(pipeline);
        }
        if !self.begin_step(pipeline.span) {
            return opaque("[…]", BUDGET, pipeline.span);
        }
        let rows = self.rows(pipeline);
        Expr::new(ExprKind::Exists(Box::new(rows), None), pipeline.span)
    }
}

/// The place of some conditions together.
fn whole(parts: &[Expr]) -> Span {
    let spans = parts.iter().map(|part| part.span);
    spans.reduce(Span::to).unwrap_or_default()
}

/// A bare term or phrase.
fn term(value: &SearchValue) -> Expr {
    if is_token(&value.text()) {
        return nothing(value.span);
    }
    let is_text = |piece: &Piece| *piece != Piece::Many;
    let start = value.pieces.iter().position(is_text);
    let end = value.pieces.iter().rposition(is_text);
    let (Some(start), Some(end)) = (start, end) else { return nothing(value.span) };
    let text = write_pattern(value.pieces.get(start..=end).unwrap_or_default());
    let case = if value.is_cased() { CaseRule::Exact } else { CaseRule::Ignore };
    let comparison = Comparison { case, ..in_search(Relation::Term) };
    let event = Expr::new(ExprKind::OwnPath(Rc::from("")), value.span);
    compare(comparison, event, vec![Expr::text(&text, value.span)], value.span)
}

/// A comparison of a field with values, as far as they compare alike: with case or without, as a network or a pattern.
fn comparison(field: &str, op: CompareOp, values: &[SearchValue], span: Span) -> Expr {
    let (relation, negated) = op.relation();
    if relation.is_order() {
        let values = values.iter().map(|value| literal(&value.text(), value.span)).collect();
        return compare(Comparison { chooses: true, ..in_search(relation) }, name(field, span), values, span);
    }
    // Those that compare alike, in the order of the first of each.
    let mut groups: Vec<((bool, bool), Vec<Expr>)> = Vec::new();
    for value in values {
        let text = value.text();
        let kind = (value.is_cased(), is_cidr(&text));
        let constant = if value.is_cased() { Expr::text(&text, span) } else { literal(&text, span) };
        match groups.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, group)) => group.push(constant),
            None => groups.push((kind, vec![constant])),
        }
    }
    groups.sort_by_key(|((cased, _), _)| *cased);
    let of_group = |((cased, is_network), values)| {
        let relation = if is_network { Relation::Cidr } else { Relation::Pattern(PatternSyntax::Star) };
        let case = if cased { CaseRule::Exact } else { CaseRule::Ignore };
        let comparison = Comparison { case, chooses: true, ..in_search(relation).negated(negated) };
        compare(comparison, name(field, span), values, span)
    };
    let mut nodes: Vec<Expr> = groups.into_iter().map(of_group).collect();
    match nodes.pop() {
        Some(only) if nodes.is_empty() => only,
        last => {
            nodes.extend(last);
            Expr::new(if negated { ExprKind::All(nodes) } else { ExprKind::Any(nodes) }, span)
        }
    }
}

/// Whether a value is an address with a prefix length, which `search` compares as a network.
fn is_cidr(value: &str) -> bool {
    value.parse::<ipnet::IpNet>().is_ok()
}

/// The time modifiers of `search` ("Time modifiers", Search Reference), and `_time` itself.
fn is_time_modifier(field: &str) -> bool {
    const NAMES: [&str; 12] = [
        "earliest",
        "latest",
        "_index_earliest",
        "_index_latest",
        "_time",
        "_indextime",
        "now",
        "starttime",
        "endtime",
        "starttimeu",
        "endtimeu",
        "timeformat",
    ];
    let is_ago = |field: &str| {
        let (_, unit) = field.split_once("start").or_else(|| field.split_once("end")).unwrap_or(("", field));
        let unit = unit.strip_suffix("ago").unwrap_or_default();
        matches!(unit, "minutes" | "hours" | "days" | "months")
    };
    NAMES.contains(&field) || is_ago(field)
}
