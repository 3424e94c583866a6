use ruleatlas_core::Budget;
use ruleatlas_model::{Node, Span};
use ruleatlas_syntax::ErrorKind as _;
use ruleatlas_yaml::{Node as Yaml, Style, Value};

use crate::{
    aggregation,
    ast::Expr,
    condition::parse_condition,
    detection::Detections,
    report::{Place, Report},
};

/// A detection's or filter's tree: its condition, with the selections in the place of their names.
pub(crate) fn detection(
    report: &mut Report<'_>,
    entry: (&Yaml<'_>, &Yaml<'_>),
    reserved: &[&str],
    budget: &mut Budget,
) -> Node {
    let place = Place::of(entry.0);
    let Some(mapping) = entry.1.entries() else {
        let message = "selections and a condition must stand here";
        return report.broken("wrong type", message, Place::of_entry(entry.0, entry.1));
    };
    let condition = entry.1.get("condition");
    let mut detections = Detections::new(report, mapping, reserved, budget);
    let node = match condition {
        _ if detections.is_empty() => detections.report.broken("empty detection", "there is no selection", place),
        Some(condition) if !condition.is_null() => conditions(&mut detections, condition),
        _ => without_condition(&mut detections, place),
    };
    detections.finish();
    node
}

/// Without a condition nobody knows what several selections are to each other; a single one still counts.
fn without_condition(detections: &mut Detections<'_, '_, '_>, place: Place) -> Node {
    let broken = detections.report.broken("missing condition", "a detection needs a condition", place);
    match detections.only() {
        Some(at) => Node::all([detections.write(at), broken]),
        None => broken,
    }
}

/// One condition, or a list of which any must hold.
fn conditions(detections: &mut Detections<'_, '_, '_>, condition: &Yaml<'_>) -> Node {
    match &condition.value {
        Value::Scalar(..) => expression(detections, condition),
        Value::Sequence(items) if !items.is_empty() => {
            let mut alternatives = Vec::with_capacity(items.len());
            for item in items {
                alternatives.push(match item.text_or_null() {
                    Some(_) => expression(detections, item),
                    None => detections.report.broken("wrong type", "a condition must be text", Place::of(item)),
                });
            }
            Node::any(alternatives)
        }
        _ => detections.report.broken("wrong type", "a condition must be text or a list", Place::of(condition)),
    }
}

fn expression(detections: &mut Detections<'_, '_, '_>, condition: &Yaml<'_>) -> Node {
    let text = condition.text().unwrap_or_default();
    let located = Located { text, node: condition };
    let read = parse_condition(text);
    for error in read.errors {
        detections.report.error(error.kind.info().label, error.message, located.place(error.span));
    }
    let node = located.node(detections, &read.tree.expr);
    match &read.tree.aggregation {
        Some(found) => aggregation::lower(detections, &located, found, node),
        None => node,
    }
}

/// A condition's text and where it stands.
pub(crate) struct Located<'a> {
    pub text: &'a str,
    node: &'a Yaml<'a>,
}

impl Located<'_> {
    /// Where a part of the text stands; the whole scalar where quoting or folding moved it.
    pub(crate) fn place(&self, span: Span) -> Place {
        let whole = Place::of(self.node);
        let length = whole.end.saturating_sub(whole.start);
        let start = match self.node.value {
            Value::Scalar(_, Style::Plain) if length == self.text.len() => whole.start,
            Value::Scalar(_, Style::Quoted) if length == self.text.len() + 2 => whole.start + 1,
            _ => return whole,
        };
        Place { start: start + span.start as usize, end: start + span.end as usize, line: whole.line }
    }

    fn node(&self, detections: &mut Detections<'_, '_, '_>, expr: &Expr) -> Node {
        match expr {
            Expr::Or(operands) => Node::any(self.nodes(detections, operands)),
            Expr::And(operands) => Node::all(self.nodes(detections, operands)),
            Expr::Not(operand) => self.node(detections, operand).not(),
            Expr::Broken { span, .. } => detections.report.opaque("invalid condition", self.place(*span)),
            Expr::Name { name, span } => {
                if let Some(at) = detections.find(name) {
                    return detections.write(at);
                }
                let hint = match detections.nearly(name) {
                    Some(near) => format!("; is `{near}` meant?"),
                    None => String::new(),
                };
                let message = format!("the condition names `{name}`, and no selection is called so{hint}");
                detections.report.broken("unknown selection", message, self.place(*span))
            }
            Expr::Of { all, pattern, span } => {
                let found = detections.matching(pattern);
                if let Some(node) = detections.beyond_budget(self.place(*span)) {
                    return node;
                }
                if found.is_empty() {
                    let message = format!("no selection's name matches `{pattern}`");
                    return detections.report.broken("pattern matches no selection", message, self.place(*span));
                }
                let mut nodes = Vec::with_capacity(found.len());
                for at in found {
                    nodes.push(detections.write(at));
                }
                if *all { Node::all(nodes) } else { Node::any(nodes) }
            }
        }
    }

    fn nodes(&self, detections: &mut Detections<'_, '_, '_>, operands: &[Expr]) -> Vec<Node> {
        let mut nodes = Vec::with_capacity(operands.len());
        for operand in operands {
            nodes.push(self.node(detections, operand));
        }
        nodes
    }
}
