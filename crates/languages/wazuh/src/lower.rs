//! From the tree to predicates.

mod compare;
mod frequency;
mod parents;

use ruleatlas_core::{BUDGET, Budget, Context, Parsed, Query};
use ruleatlas_model::{Condition, DataSource, Diagnostic, Node, Op, Predicate, SourceKind, Span};
use rustc_hash::FxHashMap;

use crate::ast::{Document, Element, Rule};
pub use frequency::{Frequency, frequency};

/// How many diagnostics a text can have beside those of its syntax.
const MAX_DIAGNOSTICS: usize = 64;
/// Bytes of a value in which variables are replaced.
const MAX_VALUE: usize = 1 << 20;

/// Options that say nothing of the events.
const METADATA: [&str; 12] = [
    "description",
    "group",
    "mitre",
    "info",
    "options",
    "cve",
    "ignore",
    "check_if_ignored",
    "rule",
    "frequency",
    "timeframe",
    "maxsize",
];

/// The conditions of all rules of a text.
pub(crate) fn lower(query: &Query<'_>, context: &dyn Context, budget: &mut Budget) -> Parsed {
    let (document, mut diagnostics) = crate::parse(query.text);
    if document.rules.is_empty() && diagnostics.is_empty() {
        diagnostics.push(Diagnostic::error("no rule", "the text holds no rule"));
    }
    let mut lowering = Lowering::new(query.text, &document, context, budget);
    let mut conditions = Vec::new();
    for rule in &document.rules {
        let mut found = lowering.rule(rule);
        let mut condition = Condition::new(found.root);
        found.sources.extend(query.sources.iter().cloned());
        for source in found.sources {
            if !condition.sources.contains(&source) {
                condition.sources.push(source);
            }
        }
        if document.rules.len() > 1 {
            condition.label = format!("rule {}", rule.id());
        }
        conditions.push(condition);
        if lowering.budget.is_spent() {
            break;
        }
    }
    diagnostics.append(&mut lowering.diagnostics);
    diagnostics.extend(budget.report());
    Parsed { conditions, diagnostics }
}

/// What a rule, with those that it stands on, asks of an event.
#[derive(Clone, Debug)]
struct Lowered {
    root: Node,
    sources: Vec<DataSource>,
}

struct Lowering<'a, 'b> {
    text: &'a str,
    /// The text's rules by number: the last of them is the one that counts.
    rules: FxHashMap<&'a str, &'a Rule>,
    variables: FxHashMap<&'a str, &'a str>,
    context: &'a dyn Context,
    budget: &'b mut Budget,
    diagnostics: Vec<Diagnostic>,
    /// The numbers of the rules around this one, the outermost first.
    trail: Vec<String>,
    /// Where the outermost rule names what it stands on.
    place: Option<Span>,
    /// Rules that others stand on, by number.
    known: FxHashMap<String, Lowered>,
}

impl<'a, 'b> Lowering<'a, 'b> {
    fn new(text: &'a str, document: &'a Document, context: &'a dyn Context, budget: &'b mut Budget) -> Self {
        Self {
            text,
            rules: document.rules.iter().map(|rule| (rule.id(), rule)).collect(),
            variables: document.variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
            context,
            budget,
            diagnostics: Vec::new(),
            trail: Vec::new(),
            place: None,
            known: FxHashMap::default(),
        }
    }

    fn rule(&mut self, rule: &Rule) -> Lowered {
        if !self.budget.enter() {
            return Lowered { root: self.opaque(BUDGET, rule.element.span), sources: Vec::new() };
        }
        self.trail.push(rule.id().to_owned());
        let mut nodes = Vec::new();
        let mut sources = Vec::new();
        self.parents(rule, &mut nodes, &mut sources);
        self.options(rule, &mut nodes, &mut sources);
        if let Some(count) = frequency(rule) {
            let place = rule.element.children.iter().find(|child| child.name.starts_with("if_matched"));
            let mut predicate = Predicate::new(count.expression(), Op::Gte, [self.value(&count.number)]);
            predicate.computed = true;
            predicate.span = self.place_of(place.map_or(rule.element.span, |place| place.span));
            nodes.push(predicate.into());
        }
        self.trail.pop();
        self.budget.leave();
        Lowered { root: Node::all(nodes), sources }
    }

    /// The options of a rule that say something of an event.
    fn options(&mut self, rule: &Rule, nodes: &mut Vec<Node>, sources: &mut Vec<DataSource>) {
        // Texts of several options of one name are one pattern, read in their order.
        let mut joined: Vec<Element> = Vec::new();
        for option in &rule.element.children {
            if !self.budget.work(1) {
                nodes.push(self.opaque(BUDGET, option.span));
                return;
            }
            let name = option.name.as_str();
            match name {
                _ if METADATA.contains(&name) => {}
                "if_sid" | "if_group" | "if_matched_sid" | "if_matched_group" => {}
                _ if ["same_", "different_", "not_same_", "not_different_"]
                    .iter()
                    .any(|head| name.starts_with(head)) => {}
                "global_frequency" => {}
                "decoded_as" => sources.push(source(&self.value(&option.text))),
                "category" => sources.push(source(&format!("category:{}", self.value(&option.text).trim()))),
                "field" | "srcip" | "dstip" | "list" | "time" | "weekday" => {
                    let node = self.option(option);
                    nodes.push(node);
                }
                _ if compare::dialect_of(name).is_some() => match joined.iter_mut().find(|known| known.name == name) {
                    Some(known) => {
                        known.text.push_str(option.text.trim_matches(['\r', '\n']));
                        known.span = known.span.to(option.span);
                    }
                    None => joined.push(option.clone()),
                },
                "if_fts" => nodes.push(self.computed("event_count before", option)),
                "check_diff" => nodes.push(self.computed("difference to the last output", option)),
                "if_level" | "if_matched_regex" | "compiled_rule" => {
                    let code = match name {
                        "if_level" => "rules of a level",
                        "if_matched_regex" => "alerts by their text",
                        _ => "compiled rule",
                    };
                    let message = format!("`<{name}>` cannot be said as a comparison");
                    let node = self.error(code, message, option.span);
                    nodes.push(node);
                }
                _ => {
                    let node = self.error("unknown option", format!("`<{name}>` is no option of a rule"), option.span);
                    nodes.push(node);
                }
            }
        }
        for option in &joined {
            let node = self.option(option);
            nodes.push(node);
        }
    }

    /// What is asked of events before: none was like this one.
    fn computed(&self, expression: &str, option: &Element) -> Node {
        let mut predicate = Predicate::new(expression, Op::Eq, ["0"]);
        predicate.computed = true;
        predicate.negated = option.name == "check_diff";
        predicate.span = self.place_of(option.span);
        predicate.into()
    }

    /// A text with the values of the variables in it.
    fn value(&mut self, text: &str) -> String {
        let variables = &self.variables;
        let context = self.context;
        let value = substitute(text, &|name| {
            let own = variables.get(name).copied();
            own.or_else(|| context.macro_definition(name, 0).map(|found| found.definition))
        });
        let _ = self.budget.work(value.len() / 64);
        value
    }

    fn place_of(&self, span: Span) -> Span {
        self.place.unwrap_or(span)
    }

    fn opaque(&self, reason: &'static str, span: Span) -> Node {
        let place = self.place_of(span);
        Node::opaque(place.of(self.text).unwrap_or_default().trim(), reason, place)
    }

    /// An opaque part and the diagnostic for it.
    fn error(&mut self, code: &'static str, message: String, span: Span) -> Node {
        self.report(Diagnostic::error(code, message).at(self.place_of(span)));
        self.opaque(code, span)
    }

    fn warn(&mut self, code: &'static str, message: String, span: Span) {
        self.report(Diagnostic::warning(code, message).at(self.place_of(span)));
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        if self.diagnostics.len() < MAX_DIAGNOSTICS && !self.diagnostics.contains(&diagnostic) {
            self.diagnostics.push(diagnostic);
        }
    }
}

/// The events of a decoder or of a category of decoders.
fn source(name: &str) -> DataSource {
    DataSource::new(SourceKind::LogType, format!("wazuh:{}", name.trim()))
}

/// A text with the values of the variables in it, each named behind a dollar sign. Values are not looked into: a variable in
/// the value of a variable stays.
#[must_use]
pub fn substitute<'v>(text: &str, value_of: &dyn Fn(&str) -> Option<&'v str>) -> String {
    let mut said = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, behind) = rest.split_at(at);
        said.push_str(before);
        let name_end = behind
            .get(1..)
            .map_or(0, |name| name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len()));
        let name = behind.get(1..=name_end).unwrap_or_default();
        match value_of(name).filter(|value| !name.is_empty() && said.len() + value.len() <= MAX_VALUE) {
            Some(value) => said.push_str(value),
            None => said.push_str(behind.get(..=name_end).unwrap_or("$")),
        }
        rest = behind.get(name_end + 1..).unwrap_or_default();
    }
    said.push_str(rest);
    said
}
