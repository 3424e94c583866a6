use std::collections::{HashMap, HashSet};

use ruleatlas_core::{BUDGET, Budget, Context};
use ruleatlas_model::{Condition, Diagnostic, Level, Node, Op, Predicate, Span};
use ruleatlas_syntax::ErrorKind as _;
use ruleatlas_yaml::Node as Yaml;

use crate::{
    ast::Expr,
    condition::parse_condition,
    report::{Place, Report},
    rule,
};

/// How many correlations may stand on each other.
const MAX_DEPTH: usize = 16;
/// How many base rules a correlation may have, those of its chained correlations included.
const MAX_RULES: usize = 256;

/// Bytes of a base rule's text that are read for a unit of work, and units that any base rule costs.
const BYTES_PER_WORK: usize = 16;
const WORK_PER_RULE: usize = 16;

/// Where base rules are found: the documents of the same text first, then what the source knows.
pub(crate) struct Library<'d, 'c> {
    /// The documents by id and name, the first of each.
    documents: HashMap<&'d str, &'d Yaml<'d>>,
    text: &'d str,
    context: &'c dyn Context,
}

impl<'d, 'c> Library<'d, 'c> {
    pub(crate) fn new(documents: &'d [Yaml<'d>], text: &'d str, context: &'c dyn Context) -> Self {
        let mut by_name = HashMap::new();
        if documents.iter().any(|document| document.get("correlation").is_some()) {
            for document in documents {
                for name in ["id", "name"].into_iter().filter_map(|key| document.text_of(key)) {
                    by_name.entry(name).or_insert(document);
                }
            }
        }
        Self { documents: by_name, text, context }
    }
}

/// The correlations on the way to a base rule, and how many more rules may follow.
pub(crate) struct Chain<'b> {
    trail: Vec<String>,
    left: usize,
    /// What the rules of the chain may cost together.
    pub budget: &'b mut Budget,
}

impl<'b> Chain<'b> {
    pub(crate) fn new(budget: &'b mut Budget) -> Self {
        Self { trail: Vec::new(), left: MAX_RULES, budget }
    }
}

struct Type {
    name: &'static str,
    /// Whether the correlation compares a number, which its condition must give.
    counts: bool,
    /// Whether the condition names the field that is counted.
    field: bool,
}

const TYPES: [Type; 8] = [
    Type { name: "event_count", counts: true, field: false },
    Type { name: "value_count", counts: true, field: true },
    Type { name: "value_sum", counts: true, field: true },
    Type { name: "value_avg", counts: true, field: true },
    Type { name: "value_percentile", counts: true, field: true },
    Type { name: "value_median", counts: true, field: true },
    Type { name: "temporal", counts: false, field: false },
    Type { name: "temporal_ordered", counts: false, field: false },
];

/// The documents that stand for themselves: all but base rules of correlations in the same text, unless the
/// correlation says `generate`.
pub(crate) fn outermost<'d>(documents: &'d [Yaml<'d>]) -> Vec<&'d Yaml<'d>> {
    if documents.iter().all(|document| document.get("correlation").is_none()) {
        return documents.iter().collect();
    }
    let mut places = HashMap::new();
    for (at, document) in documents.iter().enumerate().rev() {
        for key in ["name", "id"] {
            if let Some(name) = document.text_of(key) {
                places.insert(name, at);
            }
        }
    }
    let mut is_base = vec![false; documents.len()];
    for correlation in documents.iter().filter_map(|document| document.get("correlation")) {
        if correlation.get("generate").and_then(Yaml::as_bool) == Some(true) {
            continue;
        }
        for at in correlation.texts_of("rules").into_iter().filter_map(|name| places.get(name)) {
            is_base[*at] = true;
        }
    }
    let outer: Vec<_> =
        documents.iter().zip(&is_base).filter(|(_, is_base)| !**is_base).map(|(outer, _)| outer).collect();
    // Correlations that all refer to each other: let each say so.
    if outer.is_empty() { documents.iter().collect() } else { outer }
}

/// A correlation's steps: those of its base rules, in the order of `rules`, and one for what is counted.
///
/// A base rule's predicates stand at the reference to it. The correlation's own condition (`gte: 10`) is a computed
/// comparison in a step of its own behind them, its field being what is counted: `value_count(User) by Computer`.
/// `temporal` types without a condition have no such step. Aliases and grouping compare no field with a literal.
pub(crate) fn lower(
    report: &mut Report<'_>,
    document: &Yaml<'_>,
    (key, correlation): (&Yaml<'_>, &Yaml<'_>),
    library: &Library<'_, '_>,
    chain: &mut Chain<'_>,
) -> Vec<Condition> {
    if correlation.entries().is_none() {
        let node = report.broken("wrong type", "a correlation is a mapping", Place::of_entry(key, correlation));
        return vec![Condition::new(node)];
    }
    chain.trail.push(identity(document));
    let absent = absent_rules(report, correlation);
    let mut steps = Vec::new();
    let references = correlation.get("rules").map_or(&[][..], Yaml::items_or_self);
    if references.is_empty() {
        let node = report.broken("missing rules", "a correlation needs `rules` to correlate", Place::of(key));
        steps.push(Condition::new(node));
    }
    for reference in references {
        let place = Place::of(reference);
        match reference.text_or_null() {
            Some(name) => {
                let first = steps.len();
                base_rule(report, name, place, library, chain, &mut steps);
                if absent.contains(name) {
                    steps.iter_mut().skip(first).for_each(|step| step.absent = true);
                }
            }
            None => {
                let node = report.broken("wrong type", "a base rule is named by its id or name", place);
                steps.push(Condition::new(node));
            }
        }
    }
    steps.extend(counted(report, key, correlation));
    check(report, key, correlation, references);
    chain.trail.pop();
    steps
}

fn identity(document: &Yaml<'_>) -> String {
    let name = document.text_of("id").or_else(|| document.text_of("name"));
    name.map_or_else(|| format!("line {}", document.line), str::to_owned)
}

fn base_rule(
    report: &mut Report<'_>,
    name: &str,
    place: Place,
    library: &Library<'_, '_>,
    chain: &mut Chain<'_>,
    steps: &mut Vec<Condition>,
) {
    let mut refuse = |report: &mut Report<'_>, code, message: String| {
        let mut step = Condition::new(report.broken(code, message, place));
        name.clone_into(&mut step.label);
        steps.push(step);
    };
    let local = library.documents.get(name).copied();
    let referenced = if local.is_none() { library.context.rule(name) } else { None };
    let (id, title) = match (&local, &referenced) {
        (Some(document), _) => (identity(document), document.text_of("title").unwrap_or(name)),
        (None, Some(referenced)) => (referenced.id.to_owned(), referenced.title),
        (None, None) => {
            return refuse(report, "unknown base rule", format!("no rule has the id or name `{name}`"));
        }
    };
    if chain.trail.contains(&id) {
        return refuse(report, "circular correlation", format!("the correlation stands on itself by way of `{name}`"));
    }
    if chain.trail.len() >= MAX_DEPTH || chain.left == 0 {
        let message = format!("more than {MAX_DEPTH} correlations on each other, or {MAX_RULES} base rules");
        return refuse(report, "too many base rules", message);
    }
    chain.left -= 1;
    // A rule of the same text is read already, but is lowered again.
    let length = local.map_or_else(
        || referenced.as_ref().map_or(0, |referenced| referenced.query.text.len()),
        |document| document.end.saturating_sub(document.start),
    );
    if !chain.budget.work(WORK_PER_RULE + length / BYTES_PER_WORK) {
        let limit = chain.budget.report().map(|diagnostic| format!(": {}", diagnostic.message)).unwrap_or_default();
        return refuse(report, BUDGET, format!("the base rules before `{name}` are all that is read{limit}"));
    }
    let parsed = match (local, referenced) {
        (Some(document), _) => {
            let mut own = Report::new(library.text, 0);
            let conditions = rule::rule(&mut own, document, &[], library, chain);
            // The text is the same, so what is said of the base rule stands where it is.
            own.finish().into_iter().for_each(|diagnostic| report.push_once(diagnostic));
            conditions
        }
        (None, Some(referenced)) => {
            let parsed = rule::parse(&referenced.query, library.context, chain);
            for diagnostic in parsed.diagnostics.into_iter().filter(|diagnostic| diagnostic.level == Level::Error) {
                let message = format!("in the base rule `{name}`: {}", diagnostic.message);
                let diagnostic = Diagnostic { message, ..diagnostic };
                report.push(diagnostic.at(report.span(place)).on_line(place.line));
            }
            parsed.conditions
        }
        (None, None) => Vec::new(),
    };
    let span = report.span(place);
    for mut step in parsed {
        pin(&mut step.root, span);
        if step.label.is_empty() {
            title.clone_into(&mut step.label);
        }
        steps.push(step);
    }
}

/// Puts all of a tree at one place.
fn pin(node: &mut Node, span: Span) {
    match node {
        Node::All(children) | Node::Any(children) => children.iter_mut().for_each(|child| pin(child, span)),
        Node::Not(child) => pin(child, span),
        Node::Predicate(predicate) => predicate.span = span,
        Node::Opaque(opaque) => opaque.span = span,
    }
}

/// What the correlation counts, as a step of its own.
fn counted(report: &mut Report<'_>, key: &Yaml<'_>, correlation: &Yaml<'_>) -> Option<Condition> {
    let kind = TYPES.iter().find(|kind| correlation.text_of("type") == Some(kind.name));
    let name = kind.map_or("correlation", |kind| kind.name);
    let with = |root| {
        let mut step = Condition::new(root);
        name.clone_into(&mut step.label);
        Some(step)
    };
    let Some((condition_key, condition)) = correlation.entry("condition").filter(|(_, value)| !value.is_null()) else {
        return match kind {
            Some(kind) if kind.counts => {
                let message = format!("a correlation of type {name} needs a condition");
                with(report.broken("missing condition", message, Place::of(key)))
            }
            _ => None,
        };
    };
    let place = Place::of_entry(condition_key, condition);
    let Some(entries) = condition.entries() else {
        // A temporal correlation may say in words which of its rules must match; see `absent_rules`.
        if condition.text().is_some() && kind.is_some_and(|kind| !kind.counts) {
            return None;
        }
        let message = "a correlation's condition is a mapping such as `gte: 10`";
        return with(report.broken("wrong type", message, place));
    };
    let field = counted_field(report, name, correlation, condition);
    if kind.is_some_and(|kind| kind.field) && condition.get("field").is_none() {
        report.warning("missing field", format!("{name} needs the `field` that is counted"), place);
    }
    let mut nodes = Vec::new();
    for (key, value) in entries {
        let (op, negated) = match key.text().unwrap_or_default() {
            "gt" => (Op::Gt, false),
            "gte" => (Op::Gte, false),
            "lt" => (Op::Lt, false),
            "lte" => (Op::Lte, false),
            "eq" => (Op::Eq, false),
            "neq" => (Op::Eq, true),
            "field" | "percentile" => continue,
            other => {
                let message = format!("`{other}` is no comparison of a correlation");
                nodes.push(report.broken("unknown comparison", message, Place::of_entry(key, value)));
                continue;
            }
        };
        let number = value.text().filter(|text| crate::checks::number(text).is_some());
        let Some(number) = number else {
            nodes.push(report.broken("not a number", "what is counted is compared with a number", Place::of(value)));
            continue;
        };
        let mut predicate = Predicate::new(field.as_str(), op, [number]);
        predicate.negated = negated;
        predicate.computed = true;
        predicate.span = report.span(Place::of_entry(key, value));
        nodes.push(predicate.into());
    }
    if nodes.is_empty() {
        nodes.push(report.broken("missing condition", "the condition compares nothing", place));
    }
    with(Node::all(nodes))
}

/// What is counted, in the specification's words: `value_count(User) by Computer`.
fn counted_field(report: &mut Report<'_>, name: &str, correlation: &Yaml<'_>, condition: &Yaml<'_>) -> String {
    let mut text = name.to_owned();
    let fields = condition.texts_of("field");
    if !fields.is_empty() {
        text.push('(');
        text.push_str(&fields.join(", "));
        if let Some(percentile) = condition.text_of("percentile") {
            text.push_str(", ");
            text.push_str(percentile);
        }
        text.push(')');
    }
    let groups = correlation.texts_of("group-by");
    if !groups.is_empty() {
        text.push_str(" by ");
        text.push_str(&groups.join(", "));
    }
    if correlation.get("group-by").is_some_and(|groups| groups.entries().is_some()) {
        let place = correlation.get("group-by").map_or(Place::of(correlation), Place::of);
        report.warning("wrong type", "`group-by` is a list of fields", place);
    }
    text
}

/// The base rules that a condition in words (`a and not b`) wants absent.
///
/// The specification knows conditions in words only from pySigma, for the temporal types.
fn absent_rules(report: &mut Report<'_>, correlation: &Yaml<'_>) -> HashSet<String> {
    let Some(condition) = correlation.get("condition") else { return HashSet::new() };
    let Some(text) = condition.text_or_null() else { return HashSet::new() };
    let read = parse_condition(text);
    for error in read.errors {
        report.error(error.kind.info().label, error.message, Place::of(condition));
    }
    let mut absent = HashSet::new();
    let mut has_or = false;
    let mut stack = vec![(&read.tree.expr, false)];
    while let Some((expr, negated)) = stack.pop() {
        match expr {
            Expr::Name { name, .. } if negated => {
                absent.insert(name.clone());
            }
            Expr::Name { .. } => {}
            Expr::Not(inner) => stack.push((inner, !negated)),
            Expr::And(operands) | Expr::Or(operands) => {
                has_or |= matches!(expr, Expr::Or(_)) != negated;
                stack.extend(operands.iter().map(|operand| (operand, negated)));
            }
            Expr::Of { .. } | Expr::Broken { .. } => has_or = true,
        }
    }
    if has_or {
        let message = "the base rules are alternatives in this condition, and stand as steps beside each other";
        report.warning("alternative steps", message, Place::of(condition));
    }
    absent
}

/// Looks over what the specification asks for and no predicate comes of.
fn check(report: &mut Report<'_>, key: &Yaml<'_>, correlation: &Yaml<'_>, references: &[Yaml<'_>]) {
    match correlation.text_of("type") {
        Some(name) if TYPES.iter().any(|kind| kind.name == name) => {}
        Some(name) => {
            let place = correlation.get("type").map_or(Place::of(key), Place::of);
            report.error("unknown correlation type", format!("`{name}` is no type of correlation"), place);
        }
        None => report.error("unknown correlation type", "a correlation needs a type", Place::of(key)),
    }
    match correlation.get("timespan").map(|timespan| (timespan, timespan.text().unwrap_or_default())) {
        None => report.warning("missing timespan", "a correlation needs a timespan", Place::of(key)),
        Some((_, text)) if is_timespan(text) => {}
        Some((node, text)) => {
            let message = format!("`{text}` is no timespan: a number with s, m, h or d behind it");
            report.warning("invalid timespan", message, Place::of(node));
        }
    }
    let Some(aliases) = correlation.get("aliases").filter(|aliases| !aliases.is_null()) else { return };
    let names: HashSet<&str> = references.iter().filter_map(Yaml::text).collect();
    for (alias, fields) in aliases.entries().unwrap_or_default() {
        for (rule, field) in fields.entries().unwrap_or_default() {
            if !rule.text().is_some_and(|rule| names.contains(rule)) {
                let message = format!("the alias names `{}`, which is none of the rules", rule.text().unwrap_or("?"));
                report.warning("unknown base rule", message, Place::of_entry(rule, field));
            }
        }
        if fields.entries().is_none() {
            report.warning("wrong type", "an alias maps rules to fields", Place::of_entry(alias, fields));
        }
    }
    if aliases.entries().is_none() {
        report.warning("wrong type", "`aliases` is a mapping", Place::of(aliases));
    }
}

/// A number and a unit; weeks, months and years are pySigma's.
fn is_timespan(text: &str) -> bool {
    let Some(unit) = text.chars().next_back() else { return false };
    let count = &text[..text.len() - unit.len_utf8()];
    !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit()) && "smhdwMy".contains(unit)
}
