//! The language of `search`: comparisons without case, failing where a field is missing; `NOT` holds there.

use ruleatlas_core::{Folded, Piece, fold_pieces, write_pattern};
use ruleatlas_model::{DataSource, Diagnostic, Node, Op, SourceKind, Span};

use super::{
    Lowering, all, any,
    check::{Check, group, is_cidr},
};
use crate::{
    ast::{CompareOp, Pipeline, Search, SearchValue},
    names::{Scope, Value},
    parser::parse_condition,
};

/// How deep event types may refer to each other.
const MAX_EVENT_TYPES: usize = 8;

impl Lowering<'_> {
    /// The condition, `None` where it only chooses data or time; `positive` where an even number of `NOT`s is above.
    pub(super) fn search(&mut self, search: &Search, scope: &mut Scope, positive: bool) -> Option<Node> {
        match search {
            Search::And(parts) => {
                let parts: Vec<_> = parts.iter().map(|part| self.search(part, scope, positive)).collect();
                all(parts)
            }
            Search::Or(parts) => {
                let nodes: Vec<_> = parts.iter().map(|part| self.search(part, scope, positive)).collect();
                let chooses =
                    nodes.iter().zip(parts).any(|(node, part)| node.is_none() && self.chooses_data(part, scope.step));
                self.alternatives(nodes, chooses)
            }
            Search::Not(inner) => self.search(inner, scope, !positive).map(Node::not),
            Search::Compare { field, op, values, span } => {
                self.search_compare(field, *op, values, *span, scope, positive)
            }
            Search::Term { value } => self.term(value, scope),
            Search::Sub(pipeline) => self.sub_search(pipeline, scope, positive),
            Search::Opaque { text, reason, span } => Some(Node::opaque(text, reason, *span)),
        }
    }

    fn term(&mut self, value: &SearchValue, scope: &Scope) -> Option<Node> {
        if is_token(&value.text()) {
            return None;
        }
        let is_text = |piece: &Piece| *piece != Piece::Many;
        let start = value.pieces.iter().position(is_text)?;
        let end = value.pieces.iter().rposition(is_text)? + 1;
        let mut check = Check::search(Op::Match, vec![write_pattern(&value.pieces[start..end])], value.span);
        check.cased = value.cased;
        if !self.spend(1) {
            return Self::too_large(&value.text(), value.span);
        }
        self.touched.push(scope.step);
        Some(check.predicate("").into())
    }

    fn search_compare(
        &mut self,
        field: &str,
        op: CompareOp,
        values: &[SearchValue],
        span: Span,
        scope: &mut Scope,
        positive: bool,
    ) -> Option<Node> {
        if is_time_modifier(field) && !scope.is_made(field) {
            return None;
        }
        if field == "nodename" {
            self.node_names(values, scope);
            return None;
        }
        // `$field$` in the search of a `map` is the field of the other search: a join key.
        if values.iter().all(|value| is_token(&value.text())) {
            return None;
        }
        if let Some(tagged) = self.tagged(field, op, values, span).filter(|_| !scope.is_made(field)) {
            let negated = op == CompareOp::Ne;
            let node = self.search(&Search::Or(tagged), scope, positive != negated);
            return if negated { node.map(Node::not) } else { node };
        }
        let resolved = scope.resolve(field);
        if let Value::Field { name, derived_from: None, .. } = &*resolved
            && let Some(kind) = self.source_kind(name, scope.step)
        {
            let texts: Vec<_> = values.iter().map(SearchValue::text).collect();
            if let Some(definitions) = self.event_types(kind, op, &texts) {
                return self.defined(definitions, op, span, scope, positive);
            }
            if positive && op == CompareOp::Eq {
                for text in &texts {
                    self.add_source(scope.step, kind, text);
                }
            }
            return None;
        }
        if !matches!(op, CompareOp::Eq | CompareOp::Ne) {
            let values = values.iter().map(SearchValue::text).collect();
            let check = Check::search(Op::Eq, values, span).with_op(op);
            return self.compare(&resolved, &check);
        }
        let mut alternatives = Vec::new();
        for cased in [false, true] {
            let folded = values.iter().filter(|value| value.cased == cased).map(|value| fold(&value.pieces));
            for (operator, texts) in group(folded) {
                let mut check = Check::search(operator, texts, span);
                check.cased = cased;
                alternatives.push(check);
            }
        }
        let negated = op == CompareOp::Ne;
        let nodes: Vec<_> = alternatives
            .into_iter()
            .map(|mut check| {
                check.negated = negated;
                self.compare(&resolved, &check)
            })
            .collect();
        if negated { all(nodes) } else { any(nodes) }
    }

    /// The comparisons that `tag=…` or `tag::field=…` stands for, where the configuration says for all of the tags what
    /// has them.
    fn tagged(&mut self, field: &str, op: CompareOp, values: &[SearchValue], span: Span) -> Option<Vec<Search>> {
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
            comparisons.extend(of_tag.map(|(field, text)| {
                let pieces = text.chars().map(|c| if c == '*' { Piece::Many } else { Piece::Char(c) }).collect();
                let values = vec![SearchValue { pieces, cased: false, span }];
                Search::Compare { field: field.to_owned(), op: CompareOp::Eq, values, span }
            }));
        }
        // An event has a tag with `=`, and lacks it with `!=`, whichever of its fields has it.
        self.spend(comparisons.len()).then_some(comparisons)
    }

    /// The names and definitions of the event types that a comparison asks for, where all of them are known.
    pub(super) fn event_types(
        &self,
        kind: SourceKind,
        op: CompareOp,
        names: &[String],
    ) -> Option<Vec<(String, String)>> {
        if kind != SourceKind::EventType || !matches!(op, CompareOp::Eq | CompareOp::Ne) {
            return None;
        }
        names.iter().map(|name| Some((name.clone(), self.context.event_type(name)?.to_owned()))).collect()
    }

    /// The condition that a comparison with event types stands for: any of their searches, or none of them.
    pub(super) fn defined(
        &mut self,
        definitions: Vec<(String, String)>,
        op: CompareOp,
        span: Span,
        scope: &mut Scope,
        positive: bool,
    ) -> Option<Node> {
        let negated = op == CompareOp::Ne;
        let positive = positive != negated;
        let mut nodes = Vec::new();
        for (name, definition) in definitions {
            let reason = if self.event_types.contains(&name) {
                "event type refers to itself"
            } else if self.event_types.len() >= MAX_EVENT_TYPES {
                "event types are nested too deeply"
            } else if !self.spend(1 + definition.len()) {
                "event types are too large"
            } else {
                let parsed = parse_condition(&definition, span, self.context, &mut self.diagnostics, self.budget);
                self.event_types.push(name);
                nodes.push(parsed.and_then(|search| self.search(&search, scope, positive)));
                self.event_types.pop();
                continue;
            };
            let message = format!("the event type `{name}`: {reason}");
            self.diagnostics.push(Diagnostic::warning(reason, message).at(span));
            nodes.push(Some(Node::opaque(format!("eventtype={name}"), reason, span)));
        }
        let chooses = nodes.iter().any(Option::is_none);
        let node = self.alternatives(nodes, chooses);
        if negated { node.map(Node::not) } else { node }
    }

    /// Any of these; nothing where one of them, `None`, only chooses data.
    fn alternatives(&mut self, nodes: Vec<Option<Node>>, chooses: bool) -> Option<Node> {
        if chooses && nodes.iter().any(Option::is_some) {
            // An event of the chosen data passes without the comparisons beside it.
            for predicate in nodes.iter().flatten().flat_map(Node::predicates) {
                let message = format!("`{}` is an alternative to a choice of data", predicate.raw_field);
                let note = Diagnostic::note("alternative to a choice of data", message);
                self.diagnostics.push(note.at(predicate.span));
            }
            return None;
        }
        any(nodes)
    }

    /// Whether a condition does nothing but choose the data.
    fn chooses_data(&self, search: &Search, step: usize) -> bool {
        match search {
            Search::And(parts) | Search::Or(parts) => parts.iter().all(|part| self.chooses_data(part, step)),
            Search::Not(inner) => self.chooses_data(inner, step),
            Search::Compare { field, .. } => field == "nodename" || self.source_kind(field, step).is_some(),
            Search::Term { .. } | Search::Sub(_) | Search::Opaque { .. } => false,
        }
    }

    /// What chooses the data, and is no predicate. A risk event's `source` is the rule that it comes from.
    pub(super) fn source_kind(&self, field: &str, step: usize) -> Option<SourceKind> {
        let kind = match field {
            "index" => SourceKind::Index,
            "sourcetype" => SourceKind::SourceType,
            "source" => SourceKind::Source,
            "eventtype" => SourceKind::EventType,
            _ => return None,
        };
        let is_risk = |source: &DataSource| {
            source.kind == SourceKind::DataModel && (source.name == "Risk" || source.name.starts_with("Risk."))
        };
        let of_risk =
            kind == SourceKind::Source && self.steps.get(step).is_some_and(|step| step.sources.iter().any(is_risk));
        (!of_risk).then_some(kind)
    }

    /// `nodename` in `tstats` narrows the data model to a dataset.
    fn node_names(&mut self, values: &[SearchValue], scope: &Scope) {
        let is_model = |kind| kind == SourceKind::DataModel;
        let model =
            self.steps.get(scope.step).and_then(|step| step.sources.iter().find(|source| is_model(source.kind)));
        let model = model.map(|source| source.name.split('.').next().unwrap_or_default().to_owned());
        for value in values {
            let text = value.text();
            let dataset = text.rsplit('.').next().unwrap_or_default();
            let name = model.as_ref().map_or_else(|| text.clone(), |model| format!("{model}.{dataset}"));
            self.add_source(scope.step, SourceKind::DataModel, &name);
        }
    }

    /// `[ … ]`: a list where it reads a lookup, a step of its own otherwise.
    pub(super) fn sub_search(&mut self, pipeline: &Pipeline, scope: &mut Scope, positive: bool) -> Option<Node> {
        if super::begins_with_lookup(pipeline) {
            return self.lookup_list(pipeline, scope);
        }
        self.beside(pipeline, "sub-search", !positive);
        None
    }
}

/// What a value of a comparison means: a network, or a pattern.
fn fold(pieces: &[Piece]) -> Folded {
    let text: String = pieces
        .iter()
        .map(|piece| match piece {
            Piece::Char(character) => *character,
            Piece::Many | Piece::One => '*',
        })
        .collect();
    if is_cidr(&text) {
        return Folded { op: Op::CidrMatch, value: text };
    }
    fold_pieces(pieces)
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

/// Whether a text is `$name$`.
pub(super) fn is_token(text: &str) -> bool {
    let inner = text.strip_prefix('$').and_then(|rest| rest.strip_suffix('$'));
    inner.is_some_and(|name| {
        !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'{' | b'}'))
    })
}
