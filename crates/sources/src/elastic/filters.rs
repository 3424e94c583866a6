//! Kibana's filters beside a query: conjuncts of it, in the words of Elasticsearch's query DSL.
//!
//! `query`, `exists` and `range` of a filter are read as Kibana hands them to Elasticsearch; `meta.negate` turns a
//! filter round, `meta.disabled` switches it off. What the rest of `meta` says is for the search bar's display.

use super::table::{Data, File, Table, Value};
use ruleatlas_core::{Folded, Piece, fold_pieces};
use ruleatlas_model::{Diagnostic, Modifier, Node, Op, Predicate, Span};

/// Deeper queries are opaque.
const DEPTH_LIMIT: u32 = 32;

/// What all filters demand together; `None` where none is switched on. All parts stand at `place`.
pub(super) fn read(file: File<'_>, filters: &[Value<'_>], place: Span) -> (Option<Node>, Vec<Diagnostic>) {
    let mut reader = Reader { file, place, diagnostics: Vec::new() };
    let nodes: Vec<Node> = filters.iter().filter_map(|filter| reader.filter(filter)).collect();
    ((!nodes.is_empty()).then(|| Node::all(nodes)), reader.diagnostics)
}

struct Reader<'f> {
    file: File<'f>,
    place: Span,
    diagnostics: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn filter(&mut self, value: &Value<'_>) -> Option<Node> {
        let Some(filter) = value.table() else { return Some(self.opaque(value, "filter is no table")) };
        let meta = filter.table("meta");
        let is = |key: &str| meta.and_then(|meta| meta.get(key)?.as_bool()).unwrap_or(false);
        if is("disabled") {
            let line = self.file.line(value.at);
            let message = "a filter beside the query is switched off and demands nothing";
            self.diagnostics.push(Diagnostic::note("filter switched off", message).on_line(line));
            return None;
        }
        let node = match filter.table("query") {
            Some(query) => self.query(query, value, 0),
            // Filters that older versions of Kibana wrote have the clause beside `meta`.
            None => self.query_of(filter, value, |key| !matches!(key, "meta" | "$state"), 0),
        };
        Some(if is("negate") { node.not() } else { node })
    }

    /// A query: a table with one clause by its name; several hold together.
    fn query(&mut self, query: Table<'_, '_>, whole: &Value<'_>, depth: u32) -> Node {
        self.query_of(query, whole, |_| true, depth)
    }

    fn query_of(&mut self, query: Table<'_, '_>, whole: &Value<'_>, is_clause: fn(&str) -> bool, depth: u32) -> Node {
        let clauses: Vec<Node> = query
            .entries()
            .filter(|(name, _)| is_clause(name))
            .map(|(name, body)| self.clause(name, body, depth))
            .collect();
        if clauses.is_empty() { self.opaque(whole, "filter without a query") } else { Node::all(clauses) }
    }

    fn clause(&mut self, name: &str, body: &Value<'_>, depth: u32) -> Node {
        let Some(table) = body.table() else { return self.opaque(body, "clause is no table") };
        if depth > DEPTH_LIMIT {
            return self.opaque(body, "query is nested too deeply");
        }
        match name {
            "match_all" => Node::always(),
            "match_none" => Node::never(),
            "bool" => self.boolean(table, body, depth),
            "exists" => match table.text("field") {
                Some(field) => self.predicate(field, Op::IsNotNull, Vec::new()).into(),
                None => self.opaque(body, "exists without a field"),
            },
            "match_phrase" | "match" | "term" | "terms" | "wildcard" | "prefix" | "regexp" | "range" => {
                let fields: Vec<Node> = table
                    .entries()
                    .filter(|(key, _)| !matches!(*key, "boost" | "_name"))
                    .map(|(field, argument)| self.comparison(name, field, argument))
                    .collect();
                if fields.is_empty() { self.opaque(body, "clause without a field") } else { Node::all(fields) }
            }
            _ => self.opaque(body, "clause of the query DSL is not known"),
        }
    }

    fn boolean(&mut self, table: Table<'_, '_>, body: &Value<'_>, depth: u32) -> Node {
        let mut conjuncts = Vec::new();
        let mut alternatives = Vec::new();
        let mut has_alternatives = false;
        for (occur, value) in table.entries() {
            let queries = value.items().iter();
            let mut nodes: Vec<Node> = Vec::new();
            match occur {
                "must" | "filter" | "must_not" | "should" => nodes.extend(queries.map(|query| match query.table() {
                    Some(table) => self.query(table, query, depth + 1),
                    None => self.opaque(query, "query is no table"),
                })),
                "minimum_should_match" | "boost" | "_name" => continue,
                _ => nodes.push(self.opaque(value, "clause of the query DSL is not known")),
            }
            match occur {
                "must_not" => conjuncts.extend(nodes.into_iter().map(Node::not)),
                "should" => {
                    has_alternatives |= !nodes.is_empty();
                    alternatives = nodes;
                }
                _ => conjuncts.extend(nodes),
            }
        }
        // Beside `must` or `filter`, alternatives only score; alone, one of them has to hold.
        let is_optional = ["must", "filter"].iter().any(|occur| table.get(occur).is_some());
        let least = table.get("minimum_should_match").and_then(Value::scalar);
        if has_alternatives {
            match least.as_deref() {
                Some("1") => conjuncts.push(Node::any(alternatives)),
                Some("0") => {}
                Some(number) if number.parse() == Ok(alternatives.len()) => conjuncts.extend(alternatives),
                Some(_) => conjuncts.push(self.opaque(body, "several alternatives must hold")),
                None if is_optional => {}
                None => conjuncts.push(Node::any(alternatives)),
            }
        }
        Node::all(conjuncts)
    }

    /// One field of a clause: the argument is the value, or a table with the value and how to compare.
    fn comparison(&mut self, clause: &str, field: &str, argument: &Value<'_>) -> Node {
        let options = argument.table();
        if clause == "range" {
            return match options {
                Some(options) => self.range(field, options),
                None => self.opaque(argument, "range is no table"),
            };
        }
        let values: Option<Vec<String>> = match (&argument.data, options) {
            (Data::List(values), _) if clause == "terms" => values.iter().map(Value::scalar).collect(),
            (_, Some(options)) => {
                let value = ["value", "query", clause].into_iter().find_map(|key| options.get(key));
                value.and_then(Value::scalar).map(|value| vec![value])
            }
            (_, None) => argument.scalar().map(|value| vec![value]),
        };
        let Some(values) = values else { return self.opaque(argument, "clause without a value") };
        let Some(value) = values.first() else { return Node::never() };
        let (op, values) = match clause {
            "terms" if values.len() > 1 => (Op::In, values),
            "prefix" => (Op::StartsWith, values),
            // A pattern of Lucene is held against the whole value; `anchored` says that it lacks the anchors.
            "regexp" => (Op::RegexMatch, values),
            "wildcard" => {
                let folded = wildcard(self.file, value, argument, &mut self.diagnostics);
                (folded.op, if folded.op.is_presence() { Vec::new() } else { vec![folded.value] })
            }
            _ => (Op::Eq, values),
        };
        let mut predicate = self.predicate(field, op, values);
        let ignores_case = options.and_then(|options| options.get("case_insensitive")?.as_bool()).unwrap_or(false);
        predicate.case_sensitive = !op.is_presence() && !ignores_case;
        predicate.modifiers = (op == Op::RegexMatch).then_some(Modifier::Anchored).into();
        predicate.into()
    }

    fn range(&self, field: &str, bounds: Table<'_, '_>) -> Node {
        let ops = [("gt", Op::Gt), ("gte", Op::Gte), ("lt", Op::Lt), ("lte", Op::Lte)];
        // A restriction of time is the rule's time window and no predicate.
        if field == "@timestamp" {
            return Node::always();
        }
        Node::all(ops.into_iter().filter_map(|(key, op)| {
            let value = bounds.get(key)?.scalar()?;
            Some(Node::from(self.predicate(field, op, vec![value])))
        }))
    }

    fn predicate(&self, field: &str, op: Op, values: Vec<String>) -> Predicate {
        Predicate { span: self.place, ..Predicate::new(field, op, values) }
    }

    fn opaque(&mut self, value: &Value<'_>, reason: &'static str) -> Node {
        Node::opaque(value.written(self.file), format!("filter: {reason}"), self.place)
    }
}

/// What a pattern of the `wildcard` query means: `*`, `?`, and `\` before any character that stands for itself.
pub(super) fn wildcard(file: File<'_>, text: &str, place: &Value<'_>, diagnostics: &mut Vec<Diagnostic>) -> Folded {
    let mut pieces = Vec::with_capacity(text.len());
    let mut characters = text.chars();
    let mut lost = false;
    while let Some(character) = characters.next() {
        pieces.push(match character {
            '*' => Piece::Many,
            '?' => Piece::One,
            '\\' => match characters.next() {
                Some(escaped) => {
                    lost |= !matches!(escaped, '*' | '?' | '\\');
                    Piece::Char(escaped)
                }
                None => Piece::Char('\\'),
            },
            other => Piece::Char(other),
        });
    }
    if lost {
        let message = "`\\` before a character that needs none is dropped in a `wildcard` filter; write `\\\\` for a \
                       backslash";
        diagnostics.push(Diagnostic::warning("backslash lost in a filter", message).on_line(file.line(place.at)));
    }
    fold_pieces(&pieces)
}
