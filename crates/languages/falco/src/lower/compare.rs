//! Comparisons.

use ruleatlas_core::BUDGET;
use ruleatlas_model::{Modifier, Node, Op, Predicate, Span};

use super::Lowering;
use crate::{
    ast::{Check, Literal, Operand, Operator, Right, Transformer},
    glob::{self, Meaning},
};

/// Fields whose values are networks: an address in one of them is compared with it.
const NETWORKS: [&str; 5] = ["fd.net", "fd.cnet", "fd.snet", "fd.lnet", "fd.rnet"];
/// Fields that always hold a path from the root.
const ABSOLUTE_PATHS: [&str; 5] = ["proc.exepath", "proc.pexepath", "proc.aexepath", "fd.name", "fd.nameraw"];
/// Fields of the Kubernetes audit log that hold a list of values.
const LISTS: [&str; 10] = [
    "ka.req.container.image",
    "ka.req.pod.containers.",
    "ka.req.pod.volumes.",
    "ka.req.pod.fs_group",
    "ka.req.pod.supplemental_groups",
    "ka.req.binding.subjects",
    "ka.req.role.rules",
    "ka.req.service.ports",
    "ka.req.configmap.",
    "jevt.value",
];

/// How a field is compared, its transformers resolved.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    /// As it is.
    None,
    /// In lower or upper case: only a value in that case can be equal.
    Case(Transformer),
    /// The last part of its path.
    BaseName,
    /// In a way that no comparison of the field says.
    Computed,
}

impl Lowering<'_, '_> {
    pub(super) fn check(&mut self, check: &Check) -> Node {
        if !self.budget.work(1) {
            return self.opaque(BUDGET, check.span);
        }
        let change = change_of(&check.left);
        match &check.right {
            Right::Nothing => self.one(check, Op::IsNotNull, Vec::new()),
            Right::Field(right) => self.fields(check, change, right),
            Right::Value(value) if change == Change::Computed => self.computed(check, vec![value.text.clone()]),
            Right::Value(value) => match self.items(std::slice::from_ref(value)) {
                None => self.opaque(BUDGET, check.span),
                Some(items) => self.values(check, change, items),
            },
            Right::List(list) => match self.items(list) {
                None => self.opaque(BUDGET, check.span),
                Some(items) if change == Change::Computed => self.computed(check, items),
                Some(items) => self.values(check, change, items),
            },
        }
    }

    /// The values of a list, with the items of the lists that it names; `None` where they cost too much.
    fn items(&mut self, list: &[Literal]) -> Option<Vec<String>> {
        let mut items = Vec::with_capacity(list.len());
        for literal in list {
            match self.context.lookup(&literal.text).filter(|_| !literal.quoted) {
                Some(table) => {
                    if !self.budget.nodes(table.rows.len()) {
                        return None;
                    }
                    items.extend(table.rows.iter().filter_map(|row| row.first().cloned()));
                }
                None if !self.budget.nodes(1) => return None,
                None => items.push(literal.text.clone()),
            }
        }
        Some(items)
    }

    fn values(&mut self, check: &Check, change: Change, mut items: Vec<String>) -> Node {
        let operator = check.operator;
        if !operator.takes_list() && items.len() != 1 {
            let message = format!("`{}` takes one value, and this is a list of {}", operator.name(), items.len());
            return self.error("list for a value", message, check.span);
        }
        if let Change::Case(transformer) = change {
            let cased = |text: &String| match transformer {
                Transformer::ToUpper => text.to_uppercase() == **text,
                _ => text.to_lowercase() == **text,
            };
            let count = items.len();
            items.retain(cased);
            if items.len() < count {
                let message = format!("a value is not as `{}()` writes it, and never equal", transformer.name());
                self.warn("impossible value", message, check.span);
                if items.is_empty() {
                    return Node::constant(operator == Operator::Ne);
                }
            }
        }
        if change == Change::BaseName {
            return self.base_names(check, items);
        }
        if operator == Operator::In && LISTS.iter().any(|list| check.left.field.starts_with(list)) {
            let message = format!(
                "`{}` holds a list, and all of its values must be among these; any is asked for",
                check.left.field
            );
            self.warn("all values of a list", message, check.span);
        }
        if let Some(constant) = constant(check, &items) {
            return Node::constant(constant);
        }
        if NETWORKS.contains(&check.left.field.as_str()) {
            return self.networks(check, items);
        }
        match operator {
            // No value is in an empty list.
            Operator::In | Operator::Intersects if items.is_empty() => {
                let message = "the list is empty, and nothing is in it".to_owned();
                self.note("empty list", message, check.span);
                Node::never()
            }
            Operator::In | Operator::Intersects => {
                self.one(check, if items.len() == 1 { Op::Eq } else { Op::In }, items)
            }
            Operator::Eq | Operator::Ne => self.one(check, Op::Eq, items),
            Operator::Lt => self.one(check, Op::Lt, items),
            Operator::Lte => self.one(check, Op::Lte, items),
            Operator::Gt => self.one(check, Op::Gt, items),
            Operator::Gte => self.one(check, Op::Gte, items),
            Operator::Contains | Operator::IContains => self.one(check, Op::Contains, items),
            Operator::StartsWith => self.one(check, Op::StartsWith, items),
            Operator::EndsWith => self.one(check, Op::EndsWith, items),
            Operator::BContains => self.bytes(check, Op::Contains, &items),
            Operator::BStartsWith => self.bytes(check, Op::StartsWith, &items),
            Operator::Regex => self.one(check, Op::RegexMatch, items),
            Operator::Glob | Operator::IGlob => match items.first().map(|pattern| glob::whole(pattern)) {
                Some(Meaning::Folded(folded)) if folded.op == Op::IsNotNull => {
                    self.one(check, Op::IsNotNull, Vec::new())
                }
                Some(Meaning::Folded(folded)) => self.one(check, folded.op, vec![folded.value]),
                Some(Meaning::Regex(regex)) => self.one(check, Op::RegexMatch, vec![regex]),
                _ => self.error(
                    "unsupported pattern",
                    "the pattern cannot be said as a comparison".to_owned(),
                    check.span,
                ),
            },
            Operator::PMatch => self.below(check, &items),
            Operator::Exists => self.one(check, Op::IsNotNull, Vec::new()),
        }
    }

    /// Paths that are among these, or lie below one of them.
    fn below(&mut self, check: &Check, items: &[String]) -> Node {
        let (patterns, plain): (Vec<&String>, Vec<&String>) = items.iter().partition(|item| glob::has_wildcard(item));
        let paths: Vec<String> = plain.iter().map(|path| path.trim_end_matches('/').to_owned()).collect();
        let same: Vec<String> = paths.iter().filter(|path| !path.is_empty()).cloned().collect();
        let below: Vec<String> = paths.iter().map(|path| format!("{path}/")).collect();
        let regexes: Vec<String> = patterns.iter().filter_map(|pattern| glob::prefix(pattern)).collect();
        let is_short = regexes.len() < patterns.len();
        let same_op = if same.len() == 1 { Op::Eq } else { Op::In };
        let mut alternatives = Vec::new();
        for (op, values) in [(same_op, same), (Op::StartsWith, below), (Op::RegexMatch, regexes)] {
            if !values.is_empty() {
                let mut predicate = self.predicate(check, op, values);
                predicate.modifiers = None.into();
                alternatives.push(Node::from(predicate));
            }
        }
        if is_short {
            let message = "a pattern cannot be said as a comparison".to_owned();
            alternatives.push(self.error("unsupported pattern", message, check.span));
        }
        Node::any(alternatives)
    }

    /// The last part of a path, compared with names.
    fn base_names(&mut self, check: &Check, items: Vec<String>) -> Node {
        if !matches!(check.operator, Operator::Eq | Operator::Ne | Operator::In | Operator::Intersects) {
            return self.computed(check, items);
        }
        // A name has no slash.
        let names: Vec<String> = items.into_iter().filter(|name| !name.contains('/') && !name.is_empty()).collect();
        if names.is_empty() {
            return Node::constant(check.operator == Operator::Ne);
        }
        let behind = names.iter().map(|name| format!("/{name}")).collect();
        let ends = Node::from(Predicate { negated: false, ..self.predicate(check, Op::EndsWith, behind) });
        let node = if ABSOLUTE_PATHS.contains(&check.left.field.as_str()) {
            ends
        } else {
            let op = if names.len() == 1 { Op::Eq } else { Op::In };
            Node::any([ends, Predicate { negated: false, ..self.predicate(check, op, names) }.into()])
        };
        if check.operator != Operator::Ne {
            return node;
        }
        // Without the field nothing holds.
        let present = Predicate { negated: false, ..self.predicate(check, Op::IsNotNull, Vec::new()) };
        Node::all([present.into(), node.not()])
    }

    /// Addresses in networks; a value that is no network is an address.
    fn networks(&mut self, check: &Check, items: Vec<String>) -> Node {
        let (networks, addresses): (Vec<String>, Vec<String>) = items.into_iter().partition(|item| item.contains('/'));
        let op = if addresses.len() == 1 { Op::Eq } else { Op::In };
        let sides = [(Op::CidrMatch, networks), (op, addresses)];
        let nodes: Vec<Node> = sides
            .into_iter()
            .filter(|(_, values)| !values.is_empty())
            .map(|(op, values)| {
                let mut predicate = self.predicate(check, op, values);
                predicate.case_sensitive = false;
                predicate.into()
            })
            .collect();
        if check.operator == Operator::Ne { Node::all(nodes) } else { Node::any(nodes) }
    }

    /// A text of bytes in hexadecimal.
    fn bytes(&mut self, check: &Check, op: Op, items: &[String]) -> Node {
        let digits = items.first().map(String::as_bytes).unwrap_or_default();
        let pairs = digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
        let bytes: Option<Vec<u8>> = if digits.len().is_multiple_of(2) { pairs.collect() } else { None };
        match bytes.and_then(|bytes| String::from_utf8(bytes).ok()) {
            Some(text) => self.one(check, op, vec![text]),
            None => self.error("bytes", "the bytes are no text that a field can hold".to_owned(), check.span),
        }
    }

    /// Two fields.
    fn fields(&mut self, check: &Check, change: Change, right: &Operand) -> Node {
        let same_change = check.left.transformers.as_slice() == right.transformers.as_slice();
        let is_plain = change == Change::None && matches!(right.transformers.as_slice(), [] | [Transformer::Val]);
        let is_cased = same_change && matches!(change, Change::Case(_));
        let modifier = match check.operator {
            Operator::Eq | Operator::Ne | Operator::In | Operator::Intersects => Some(None),
            Operator::Contains | Operator::IContains => Some(Some(Modifier::Contains)),
            Operator::StartsWith => Some(Some(Modifier::StartsWith)),
            Operator::EndsWith => Some(Some(Modifier::EndsWith)),
            _ => None,
        };
        match modifier {
            Some(modifier) if is_plain || is_cased => {
                let mut predicate = self.predicate(check, Op::FieldRef, vec![right.field.clone()]);
                predicate.case_sensitive &= !is_cased;
                predicate.modifiers = modifier.into();
                predicate.into()
            }
            _ => {
                let text = right.span.of(self.text).unwrap_or_default().to_owned();
                self.computed(check, vec![text])
            }
        }
    }

    /// A comparison of what is computed of a field.
    fn computed(&mut self, check: &Check, values: Vec<String>) -> Node {
        let op = match check.operator {
            Operator::Eq | Operator::Ne => Op::Eq,
            Operator::Lt => Op::Lt,
            Operator::Lte => Op::Lte,
            Operator::Gt => Op::Gt,
            Operator::Gte => Op::Gte,
            Operator::In | Operator::Intersects => Op::In,
            Operator::StartsWith | Operator::BStartsWith | Operator::PMatch => Op::StartsWith,
            Operator::EndsWith => Op::EndsWith,
            Operator::Contains | Operator::IContains | Operator::BContains => Op::Contains,
            Operator::Regex => Op::RegexMatch,
            Operator::Glob | Operator::IGlob => Op::Wildcard,
            Operator::Exists => Op::IsNotNull,
        };
        let mut predicate = self.predicate(check, op, values);
        predicate.raw_field = check.left.span.of(self.text).unwrap_or(&check.left.field).to_owned();
        predicate.computed = true;
        predicate.into()
    }

    fn one(&mut self, check: &Check, op: Op, values: Vec<String>) -> Node {
        self.predicate(check, op, values).into()
    }

    fn predicate(&mut self, check: &Check, op: Op, values: Vec<String>) -> Predicate {
        let is_any_case = matches!(check.operator, Operator::IContains | Operator::IGlob)
            || matches!(change_of(&check.left), Change::Case(_));
        let is_text = !matches!(op, Op::Lt | Op::Lte | Op::Gt | Op::Gte | Op::IsNotNull | Op::CidrMatch);
        let mut predicate = Predicate::new(check.left.field.clone(), op, values);
        predicate.negated = check.operator == Operator::Ne;
        predicate.case_sensitive = is_text && !is_any_case;
        if op == Op::RegexMatch {
            predicate.modifiers = Modifier::Anchored.into();
        }
        predicate.span = self.place_of(Span { ..check.span });
        predicate
    }
}

fn change_of(operand: &Operand) -> Change {
    match operand.transformers.as_slice() {
        [] | [Transformer::Val] => Change::None,
        [transformer @ (Transformer::ToLower | Transformer::ToUpper)] => Change::Case(*transformer),
        [Transformer::BaseName] => Change::BaseName,
        _ => Change::Computed,
    }
}

/// What a comparison is that does not depend on the event.
fn constant(check: &Check, items: &[String]) -> Option<bool> {
    let [value] = items else { return None };
    match (check.left.field.as_str(), check.operator, value.as_str()) {
        ("evt.num", Operator::Eq, "0") => Some(false),
        ("evt.num", Operator::Gte, "0" | "1") | ("evt.num", Operator::Gt | Operator::Ne, "0") => Some(true),
        ("evt.dir", Operator::Eq, "<") => Some(true),
        _ => None,
    }
}
