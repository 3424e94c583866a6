use std::borrow::Cow;

use ruleatlas_core::{Piece, fold_pieces, read_pieces, write_pattern};
use ruleatlas_model::{Missing, Node, Op, Predicate};
use ruleatlas_yaml::Node as Yaml;

use crate::{
    checks::{CidrFault, cidr_fault, ignores_case, number, regex_fault},
    detection::Detections,
    modifiers::{Kind, Modifiers},
    report::Place,
};

/// Values of one item that are compared in one way.
struct Group {
    op: Op,
    case_sensitive: bool,
    values: Vec<String>,
}

/// What one value asks for.
enum Meaning {
    Compare { op: Op, case_sensitive: bool, value: Option<String> },
    Broken(Node),
}

impl Detections<'_, '_, '_> {
    /// A key with its value or values: `Image|endswith: '\cmd.exe'`.
    pub(crate) fn item(&mut self, key: &Yaml<'_>, value: &Yaml<'_>) -> Node {
        let place = Place::of_entry(key, value);
        let Some(name) = key.text() else {
            return self.report.broken("wrong type", "a detection item's key must be text", place);
        };
        let modifiers = match Modifiers::read(name) {
            Ok(modifiers) => modifiers,
            Err(fault) => return self.report.broken(fault.code, format!("{} (`{name}`)", fault.message), place),
        };
        for odd in &modifiers.odd {
            self.report.warning("odd modifiers", format!("{odd} (`{name}`)"), place);
        }
        if value.entries().is_some() {
            return self.report.broken("wrong type", format!("`{name}` wants a value or a list, not a mapping"), place);
        }
        let values = match value.items() {
            Some([]) => {
                self.report.warning("empty list", format!("`{name}` has an empty list, read as null"), place);
                return self.presence(&modifiers, Op::IsNull, place);
            }
            Some(values) => values,
            None => std::slice::from_ref(value),
        };
        if modifiers.all && values.len() == 1 {
            self.report.warning("`all` on one value", format!("`{name}` has `all` and a single value"), place);
        }
        if modifiers.field.is_empty() {
            return self.keywords(&modifiers, values);
        }
        if let ([only], Kind::Text) = (values, modifiers.kind)
            && only.is_null()
        {
            return self.presence(&modifiers, Op::IsNull, place);
        }
        if modifiers.all { self.every(&modifiers, values, place) } else { self.any(&modifiers, values, place) }
    }

    /// Keywords under one key or in a list: each is a predicate of its own, at its own place.
    pub(crate) fn keywords(&mut self, modifiers: &Modifiers<'_>, values: &[Yaml<'_>]) -> Node {
        let mut nodes = Vec::with_capacity(values.len());
        for value in values {
            let place = Place::of(value);
            if let Some(node) = self.beyond_budget(place) {
                nodes.push(node);
                break;
            }
            let node = match self.meaning(modifiers, value, place) {
                Meaning::Compare { op: Op::IsNull, .. } => {
                    self.report.broken("null keyword", "null needs a field to be looked for in", place)
                }
                Meaning::Compare { op, case_sensitive, value } => {
                    self.predicate(modifiers, Group { op, case_sensitive, values: value.into_iter().collect() }, place)
                }
                Meaning::Broken(node) => node,
            };
            nodes.push(node);
        }
        let node = if modifiers.all { Node::all(nodes) } else { Node::any(nodes) };
        if modifiers.negated { node.not() } else { node }
    }

    /// Any of the values: one predicate for all values of one operator.
    fn any(&mut self, modifiers: &Modifiers<'_>, values: &[Yaml<'_>], place: Place) -> Node {
        let mut groups: Vec<Group> = Vec::with_capacity(1);
        let mut broken = Vec::new();
        for value in values {
            if let Some(node) = self.beyond_budget(place) {
                broken.push(node);
                break;
            }
            match self.meaning(modifiers, value, place) {
                Meaning::Broken(node) => broken.push(node),
                Meaning::Compare { op, case_sensitive, value: text } => {
                    if op == Op::IsNull && values.len() > 1 {
                        let message = "null stands in a list of values; give it a selection of its own";
                        self.report.warning("null in a list", message, Place::of(value));
                    }
                    let group = groups
                        .iter()
                        .position(|group| group.op == op && group.case_sensitive == case_sensitive)
                        .and_then(|at| groups.get_mut(at));
                    match group {
                        Some(group) => group.values.extend(text),
                        None => {
                            let mut list = Vec::with_capacity(values.len());
                            list.extend(text);
                            groups.push(Group { op, case_sensitive, values: list });
                        }
                    }
                }
            }
        }
        let several = groups.len() + broken.len() > 1;
        let nodes = groups
            .into_iter()
            .map(|group| {
                let mut predicate = self.comparison(modifiers, group, place);
                if modifiers.negated {
                    negate(&mut predicate);
                }
                Node::from(predicate)
            })
            .collect::<Vec<_>>();
        let broken = broken.into_iter().map(|node| if modifiers.negated { node.not() } else { node });
        let nodes = nodes.into_iter().chain(broken);
        if modifiers.negated && several { Node::all(nodes) } else { Node::any(nodes) }
    }

    /// Every one of the values: one predicate a value.
    fn every(&mut self, modifiers: &Modifiers<'_>, values: &[Yaml<'_>], place: Place) -> Node {
        let mut nodes = Vec::with_capacity(values.len());
        for value in values {
            if let Some(node) = self.beyond_budget(place) {
                nodes.push(node);
                break;
            }
            nodes.push(match self.meaning(modifiers, value, place) {
                Meaning::Broken(node) => node,
                Meaning::Compare { op, case_sensitive, value } => {
                    let group = Group { op, case_sensitive, values: value.into_iter().collect() };
                    Node::from(self.comparison(modifiers, group, place))
                }
            });
        }
        match (modifiers.negated, nodes.as_mut_slice()) {
            (true, [Node::Predicate(only)]) => {
                negate(only);
                Node::all(nodes)
            }
            (true, _) => Node::all(nodes).not(),
            (false, _) => Node::all(nodes),
        }
    }

    fn presence(&mut self, modifiers: &Modifiers<'_>, op: Op, place: Place) -> Node {
        let group = Group { op, case_sensitive: false, values: Vec::new() };
        let mut predicate = self.comparison(modifiers, group, place);
        predicate.modifiers = ruleatlas_model::Modifiers::NONE;
        predicate.negated = modifiers.negated;
        predicate.into()
    }

    fn predicate(&self, modifiers: &Modifiers<'_>, group: Group, place: Place) -> Node {
        self.comparison(modifiers, group, place).into()
    }

    fn comparison(&self, modifiers: &Modifiers<'_>, group: Group, place: Place) -> Predicate {
        let op = if group.op == Op::Eq && group.values.len() > 1 { Op::In } else { group.op };
        let mut predicate = Predicate::new("", op, group.values);
        predicate.case_sensitive = group.case_sensitive;
        predicate.span = self.report.span(place);
        if !modifiers.kept.is_empty() && !op.is_presence() {
            predicate.modifiers = modifiers.kept.clone();
        }
        match modifiers.time_part {
            Some(part) => {
                predicate.raw_field = format!("{}|{}", modifiers.field, part.name);
                predicate.computed = true;
            }
            None => modifiers.field.clone_into(&mut predicate.raw_field),
        }
        predicate
    }

    fn meaning(&mut self, modifiers: &Modifiers<'_>, value: &Yaml<'_>, item: Place) -> Meaning {
        let place = Place::of(value);
        let Some(text) = value.text() else {
            let message = "a value must be text, a number, a boolean or null";
            return Meaning::Broken(self.report.broken("wrong type", message, place));
        };
        if !self.spend(text.len())
            && let Some(node) = self.beyond_budget(item)
        {
            return Meaning::Broken(node);
        }
        if value.is_null() && modifiers.kind != Kind::Exists {
            if modifiers.kind == Kind::Text && modifiers.time_part.is_none() {
                return Meaning::Compare { op: Op::IsNull, case_sensitive: false, value: None };
            }
            let message = format!("`{}` is compared with null by a modifier that wants a value", modifiers.field);
            return Meaning::Broken(self.report.broken("wrong type", message, item));
        }
        match modifiers.kind {
            Kind::Text if modifiers.time_part.is_some() => self.numeric(modifiers, Op::Eq, value, text, item),
            Kind::Text => self.textual(modifiers, value, text),
            Kind::Compare(op) => self.numeric(modifiers, op, value, text, item),
            Kind::Regex => {
                if let Some(fault) = regex_fault(text) {
                    let message = format!("the regular expression `{text}` is invalid: {fault}");
                    return Meaning::Broken(self.report.broken("invalid regular expression", message, place));
                }
                let case_sensitive = !modifiers.ignore_case && !ignores_case(text);
                Meaning::Compare { op: Op::RegexMatch, case_sensitive, value: Some(text.to_owned()) }
            }
            Kind::Cidr => {
                match cidr_fault(text) {
                    Some(CidrFault::Invalid(fault)) => {
                        let message = format!("`{text}` is no network in CIDR notation: {fault}");
                        return Meaning::Broken(self.report.broken("invalid network", message, place));
                    }
                    Some(CidrFault::HostBits) => {
                        let message = format!("the network `{text}` has bits set behind its prefix");
                        self.report.warning("odd network", message, place);
                    }
                    None => {}
                }
                Meaning::Compare { op: Op::CidrMatch, case_sensitive: false, value: Some(text.to_owned()) }
            }
            Kind::Exists => self.exists(value, text, place),
            Kind::FieldRef => {
                let folded = fold_pieces(&read_pieces(text, Some('\\')));
                if folded.op != Op::Eq {
                    let message = format!("`{text}` is to name a field, and has wildcards");
                    return Meaning::Broken(self.report.broken("wildcard in a field's name", message, place));
                }
                Meaning::Compare { op: Op::FieldRef, case_sensitive: modifiers.cased, value: Some(folded.value) }
            }
        }
    }

    fn exists(&mut self, value: &Yaml<'_>, text: &str, place: Place) -> Meaning {
        let wanted = match text.to_ascii_lowercase().as_str() {
            "true" => true,
            "false" => false,
            _ => {
                let message = format!("`exists` wants true or false, not `{text}`");
                return Meaning::Broken(self.report.broken("wrong type", message, place));
            }
        };
        if !value.is_plain() {
            self.report.warning("wrong type", "`exists` wants a boolean, and this one is in quotes", place);
        }
        let op = if wanted { Op::IsNotNull } else { Op::IsNull };
        Meaning::Compare { op, case_sensitive: false, value: None }
    }

    fn numeric(&mut self, modifiers: &Modifiers<'_>, op: Op, value: &Yaml<'_>, text: &str, item: Place) -> Meaning {
        let Some(number) = number(text) else {
            let message = format!("`{}` is compared as a number, and `{text}` is none", modifiers.field);
            return Meaning::Broken(self.report.broken("not a number", message, item));
        };
        if !value.is_plain() {
            let message = format!("the number `{text}` stands in quotes");
            self.report.warning("wrong type", message, Place::of(value));
        }
        if let Some(part) = modifiers.time_part
            && !(f64::from(part.least)..=f64::from(part.most)).contains(&number)
        {
            self.report.warning("no such time", format!("no {} is {text}", part.name), Place::of(value));
        }
        Meaning::Compare { op, case_sensitive: false, value: Some(text.to_owned()) }
    }

    fn textual(&mut self, modifiers: &Modifiers<'_>, value: &Yaml<'_>, text: &str) -> Meaning {
        let case_sensitive = modifiers.cased;
        let has_wildcard = text.bytes().any(|byte| matches!(byte, b'*' | b'?'));
        let is_keyword = modifiers.field.is_empty() && modifiers.before == modifiers.after;
        let has_wildcard = has_wildcard || (is_keyword && text.contains("[[]"));
        if !has_wildcard && (!text.is_empty() || !(modifiers.before || modifiers.after)) {
            let op = match (modifiers.before, modifiers.after) {
                _ if is_keyword => Op::Match,
                (true, true) => Op::Contains,
                (true, false) => Op::EndsWith,
                (false, true) => Op::StartsWith,
                (false, false) => Op::Eq,
            };
            return Meaning::Compare { op, case_sensitive, value: Some(unescaped(text).into_owned()) };
        }
        let mut pieces = read_pieces(text, Some('\\'));
        if modifiers.base64 && pieces.iter().any(|piece| matches!(piece, Piece::Many | Piece::One)) {
            let message = format!("`{text}` is to be encoded in Base64, and has wildcards");
            return Meaning::Broken(self.report.broken("wildcard in an encoded value", message, Place::of(value)));
        }
        if is_keyword {
            let value = write_pattern(trimmed(&pieces));
            return Meaning::Compare { op: Op::Match, case_sensitive, value: Some(value) };
        }
        if modifiers.before {
            pieces.insert(0, Piece::Many);
        }
        if modifiers.after {
            pieces.push(Piece::Many);
        }
        let folded = fold_pieces(&pieces);
        let value = (!folded.op.is_presence()).then_some(folded.value);
        Meaning::Compare { op: folded.op, case_sensitive, value }
    }
}

/// Turns a comparison round; what has no such field is not that value, so the negation holds without it.
fn negate(predicate: &mut Predicate) {
    predicate.negated = true;
    if !predicate.op.is_presence() {
        predicate.missing = Missing::Holds;
    }
}

/// A text without wildcards, its doubled backslashes made single ones.
fn unescaped(text: &str) -> Cow<'_, str> {
    if text.contains("\\\\") { Cow::Owned(text.replace("\\\\", "\\")) } else { Cow::Borrowed(text) }
}

/// The pieces without the wildcards for any run at both ends.
fn trimmed(pieces: &[Piece]) -> &[Piece] {
    let start = pieces.iter().take_while(|piece| **piece == Piece::Many).count();
    let pieces = pieces.get(start..).unwrap_or_default();
    let end = pieces.iter().rev().take_while(|piece| **piece == Piece::Many).count();
    pieces.get(..pieces.len() - end).unwrap_or_default()
}
