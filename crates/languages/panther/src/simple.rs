//! Match expressions of simple detections and inline filters.
//!
//! Source: Panther's "Simple Detection Match Expression Reference".

use ruleatlas_model::{Missing, Modifier, Node, Op, Predicate};
use ruleatlas_yaml::Node as Yaml;

use crate::{
    nodes::{choose, negated},
    yaml::Report,
};

/// Expressions in expressions that are read.
const MAX_DEPTH: usize = 64;

/// Every expression of a list.
pub(crate) fn all(report: &mut Report<'_>, list: &Yaml<'_>) -> Node {
    let all: Vec<Node> = list.items_or_self().iter().map(|item| expression(report, item, "", 0)).collect();
    Node::all(all)
}

fn expression(report: &mut Report<'_>, node: &Yaml<'_>, prefix: &str, depth: usize) -> Node {
    if depth > MAX_DEPTH {
        return report.broken("nesting is too deep", "Expressions are nested more than 64 deep.", node);
    }
    let Some(entries) = node.entries() else {
        return match node.as_bool() {
            Some(value) => Node::constant(value),
            None => report.broken("no match expression", "A match expression is a mapping.", node),
        };
    };
    let combined = entries.iter().find_map(|(key, value)| {
        let name = key.text()?;
        matches!(name, "All" | "Any" | "OnlyOne" | "None").then_some((name, value))
    });
    if let Some((name, list)) = combined {
        let children: Vec<Node> =
            list.items_or_self().iter().map(|item| expression(report, item, prefix, depth + 1)).collect();
        return match name {
            "All" => Node::all(children),
            // Of nothing, any is as good as all.
            "Any" if children.is_empty() => Node::always(),
            "Any" => Node::any(children),
            "None" => Node::any(children).not(),
            _ => only_one(report, children, node),
        };
    }
    if let (Some(condition), Some(values)) = (node.text_of("Condition"), node.get("Values"))
        && values.items_or_self().iter().any(|item| item.entries().is_some())
    {
        return keys_compared(report, node, condition, values, prefix);
    }
    let field = match field(node, prefix) {
        Some(field) => field,
        None => return report.broken("no key", "A match expression needs `Key`, `DeepKey` or `KeyPath`.", node),
    };
    let Some(condition) = node.text_of("Condition") else {
        return report.broken("no condition", "A match expression needs a `Condition`.", node);
    };
    if let Some(list) = node.get("Expressions") {
        let inner: Vec<Node> =
            list.items_or_self().iter().map(|item| expression(report, item, &field, depth + 1)).collect();
        let node_of = |op| Node::from(predicate(report, node, &field, op, Vec::new()));
        let present = node_of(Op::IsNotNull);
        return match condition {
            "AnyElement" => Node::all([present, Node::all(inner)]),
            "NoElement" | "NoneElement" => Node::all([present, Node::all(inner)]).not(),
            "AllElements" | "AllElement" => Node::all(inner),
            _ => report.broken("condition is not known", format!("`{condition}` is no condition for a list."), node),
        };
    }
    scalar(report, node, &field, condition)
}

/// The field that a key specifier names, in dots.
fn field(node: &Yaml<'_>, prefix: &str) -> Option<String> {
    let own = if let Some(list) = node.get("DeepKey") {
        let keys: Vec<&str> = list.items_or_self().iter().filter_map(Yaml::text).collect();
        keys.join(".")
    } else if let Some(path) = node.text_of("KeyPath") {
        path.trim_start_matches("$.").replace("[*]", "")
    } else if let Some(key) = node.text_of("Key") {
        key.to_owned()
    } else if !prefix.is_empty() {
        return Some(prefix.to_owned());
    } else {
        return None;
    };
    Some(if prefix.is_empty() { own } else { format!("{prefix}.{own}") })
}

fn only_one(report: &mut Report<'_>, children: Vec<Node>, node: &Yaml<'_>) -> Node {
    if children.len() > 8 {
        return report.broken("too many alternatives", "Of more than eight expressions one is asked for.", node);
    }
    // Whether none or exactly one of those so far holds, from the last on.
    let (mut one, mut none) = (Node::never(), Node::always());
    for child in children.into_iter().rev() {
        // Both stand in the result more than once, so that one choice within another doubles with each level.
        let copied = child.walk().count() + none.walk().count();
        if !report.may_copy(copied) {
            return report.beyond_budget(node);
        }
        one = choose(child.clone(), none.clone(), one);
        none = Node::all([child.not(), none]);
    }
    one
}

fn predicate(report: &Report<'_>, node: &Yaml<'_>, field: &str, op: Op, values: Vec<String>) -> Predicate {
    let mut predicate = Predicate::new(field, op, values);
    predicate.case_sensitive = !op.is_presence() && op != Op::CidrMatch;
    predicate.span = report.span(node);
    predicate
}

fn scalar(report: &mut Report<'_>, node: &Yaml<'_>, field: &str, condition: &str) -> Node {
    let values: Vec<String> = ["Value", "Values"]
        .into_iter()
        .filter_map(|key| node.get(key))
        .flat_map(|value| value.items_or_self().iter().filter_map(|item| item.text().map(str::to_owned)))
        .collect();
    let (plain, is_negated) = match condition {
        "DoesNotEqual" => ("Equals", true),
        "IDoesNotEqual" => ("IEquals", true),
        "DoesNotContain" => ("Contains", true),
        "IDoesNotContain" => ("IContains", true),
        "DoesNotStartWith" => ("StartsWith", true),
        "DoesNotEndWith" => ("EndsWith", true),
        "IDoesNotStartWith" => ("IStartsWith", true),
        "IDoesNotEndWith" => ("IEndsWith", true),
        "IsNotIn" => ("IsIn", true),
        "IsIPAddressNotInCIDR" => ("IsIPAddressInCIDR", true),
        "CIDRDoesNotMatch" => ("IsIPAddressInCIDR", true),
        other => (other, false),
    };
    let (without_case, plain) = match plain.strip_prefix('I') {
        Some(rest @ ("Equals" | "Contains" | "StartsWith" | "EndsWith" | "In")) => (true, rest),
        _ => (false, plain),
    };
    let op = match plain {
        "Equals" => Op::Eq,
        "Contains" => Op::Contains,
        "StartsWith" => Op::StartsWith,
        "EndsWith" => Op::EndsWith,
        "IsIn" | "In" => Op::In,
        "IsGreaterThan" => Op::Gt,
        "IsGreaterThanOrEquals" => Op::Gte,
        "IsLessThan" => Op::Lt,
        "IsLessThanOrEquals" => Op::Lte,
        "IsIPAddressInCIDR" | "CIDRMatch" => Op::CidrMatch,
        "Matches" | "RegexMatch" => Op::RegexMatch,
        "Exists" | "IsNotNull" => return predicate(report, node, field, Op::IsNotNull, Vec::new()).into(),
        "DoesNotExist" | "IsNull" => return predicate(report, node, field, Op::IsNull, Vec::new()).into(),
        "IsNullOrEmpty" | "IsNotNullOrEmpty" | "HasValue" => {
            let op = if plain == "IsNullOrEmpty" { Op::IsNull } else { Op::IsNotNull };
            let mut found = predicate(report, node, field, op, Vec::new());
            found.modifiers = Modifier::Truthy.into();
            return found.into();
        }
        "IsIPAddress" => {
            let networks = vec!["0.0.0.0/0".to_owned(), "::/0".to_owned()];
            return predicate(report, node, field, Op::CidrMatch, networks).into();
        }
        "IsIPv4Address" => return predicate(report, node, field, Op::CidrMatch, vec!["0.0.0.0/0".to_owned()]).into(),
        "IsIPv6Address" => return predicate(report, node, field, Op::CidrMatch, vec!["::/0".to_owned()]).into(),
        _ => {
            let message = format!("`{condition}` is not among the conditions of match expressions.");
            return report.broken("condition is not known", message, node);
        }
    };
    if values.is_empty() {
        return report.broken("no value", format!("`{condition}` needs a `Value` or `Values`."), node);
    }
    let mut found = predicate(report, node, field, op, values);
    if without_case {
        found.case_sensitive = false;
    }
    found.missing = Missing::Fails;
    if is_negated { negated(found.into()) } else { found.into() }
}

/// Two keys of the event against each other.
fn keys_compared(report: &mut Report<'_>, node: &Yaml<'_>, condition: &str, values: &Yaml<'_>, prefix: &str) -> Node {
    let fields: Vec<String> = values.items_or_self().iter().filter_map(|item| field(item, prefix)).collect();
    let (modifier, is_negated) = match condition {
        "Equals" => (None, false),
        "DoesNotEqual" => (None, true),
        "Contains" => (Some(Modifier::Contains), false),
        "StartsWith" => (Some(Modifier::StartsWith), false),
        "EndsWith" => (Some(Modifier::EndsWith), false),
        _ => return report.broken("condition is not known", format!("`{condition}` compares no two keys."), node),
    };
    let [first, second] = fields.as_slice() else {
        return report.broken("wrong number of keys", "Two keys are compared.", node);
    };
    let mut found = predicate(report, node, first, Op::FieldRef, vec![second.clone()]);
    found.modifiers = modifier.into();
    if is_negated { negated(found.into()) } else { found.into() }
}
