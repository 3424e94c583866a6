use ruleatlas_model::{Node, Op, Predicate};

use crate::{ast::Aggregation, detection::Detections, lower::Located};

/// `condition | count(field) by group > 5` and `condition | near selection`: version 1 of the specification had them,
/// version 2 has correlations instead.
///
/// An aggregation is kept as a comparison of something computed; `near` is not understood.
pub(crate) fn lower(
    detections: &mut Detections<'_, '_, '_>,
    condition: &Located<'_>,
    aggregation: &Aggregation,
    node: Node,
) -> Node {
    let text = aggregation.text.as_str();
    let place = condition.place(aggregation.span);
    let first = text.split_whitespace().next().unwrap_or_default();
    if first.eq_ignore_ascii_case("near") {
        for word in text.split(|character: char| character.is_whitespace() || matches!(character, '(' | ')')) {
            if let Some(at) = detections.find(word) {
                detections.mark_used(at);
            }
        }
        let message = "`near` is not in the specification any more; a correlation of type temporal says it";
        detections.report.warning("old aggregation", message, place);
        return Node::all([node, detections.report.opaque("near aggregation", place)]);
    }
    let Some((left, op, value)) = comparison(text) else {
        let message = format!("`{text}` is no aggregation");
        return Node::all([node, detections.report.broken("invalid condition", message, place)]);
    };
    let message = "aggregations are not in the specification any more; a correlation rule says it";
    detections.report.warning("old aggregation", message, place);
    let mut predicate = Predicate::new(left, op, [value]);
    predicate.computed = true;
    predicate.span = detections.report.span(place);
    Node::all([node, predicate.into()])
}

/// `count(field) by group > 5` as `count(field) by group`, `gt`, `5`.
fn comparison(text: &str) -> Option<(String, Op, &str)> {
    let at = text.find(['<', '>', '='])?;
    let (left, right) = text.split_at(at);
    let operators = [("<=", Op::Lte), (">=", Op::Gte), ("==", Op::Eq), ("<", Op::Lt), (">", Op::Gt), ("=", Op::Eq)];
    let (op, value) =
        operators.iter().find_map(|(sign, op)| right.strip_prefix(sign).map(|value| (*op, value.trim())))?;
    let (function, rest) = left.split_once('(')?;
    let known = ["count", "min", "max", "avg", "sum"].iter().any(|name| function.trim().eq_ignore_ascii_case(name));
    if !known || value.parse::<f64>().is_err() || !rest.contains(')') {
        return None;
    }
    Some((left.split_whitespace().collect::<Vec<_>>().join(" "), op, value))
}
