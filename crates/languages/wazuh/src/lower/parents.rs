//! The rules that a rule stands on.

use ruleatlas_core::BUDGET;
use ruleatlas_model::{DataSource, Diagnostic, Level, Node, Span};

use super::{Lowered, Lowering};
use crate::ast::{Element, Rule, names};

/// Rules of a group that are followed: one that is larger is no condition that anyone could read.
const MAX_MEMBERS: usize = 400;

/// Bytes of a rule's text that are read for a unit of work.
const BYTES_PER_WORK: usize = 16;

impl Lowering<'_, '_> {
    /// Adds what the rules demand that a rule stands on.
    pub(super) fn parents(&mut self, rule: &Rule, nodes: &mut Vec<Node>, sources: &mut Vec<DataSource>) {
        let has = |name: &str| rule.element.all(name).next().is_some();
        let stands_on = has("if_sid") || has("if_group");
        for option in &rule.element.children {
            match option.name.as_str() {
                "if_sid" => self.numbered(option, nodes, sources),
                "if_group" => self.group(option, nodes, sources),
                // Where nothing else is named, the event itself must be one of those that are counted.
                "if_matched_sid" if !stands_on => self.numbered(option, nodes, sources),
                "if_matched_group" if !stands_on => self.group(option, nodes, sources),
                _ => {}
            }
        }
    }

    /// Adds that any of the rules holds that an option names.
    fn numbered(&mut self, option: &Element, nodes: &mut Vec<Node>, sources: &mut Vec<DataSource>) {
        let ids = numbers(&self.value(&option.text));
        self.any_of(&ids, option, nodes, sources);
    }

    /// Adds that any of the rules of these numbers holds.
    fn any_of(&mut self, ids: &[String], option: &Element, nodes: &mut Vec<Node>, sources: &mut Vec<DataSource>) {
        let mut alternatives = Vec::new();
        for id in ids {
            if let Some(found) = self.parent(id, option) {
                add(sources, found.sources);
                alternatives.push(found.root);
            }
        }
        match alternatives.is_empty() {
            true if ids.is_empty() => {
                let message = format!("`<{}>` names no rule", option.name);
                nodes.push(self.error("unknown rule", message, option.span));
            }
            _ => nodes.push(Node::any(alternatives)),
        }
    }

    /// Adds that any of the rules of a group holds.
    fn group(&mut self, option: &Element, nodes: &mut Vec<Node>, sources: &mut Vec<DataSource>) {
        let name = self.value(&option.text).trim().to_owned();
        let mut members: Vec<String> = Vec::new();
        for rule in self.rules.values() {
            if rule.all_groups().contains(&name) {
                members.push(rule.id().to_owned());
            }
        }
        members.sort_unstable();
        for (field, id) in self.context.tagged(&name) {
            if field == "rule.id" && !members.iter().any(|known| known == id) {
                members.push(id.to_owned());
            }
        }
        // A rule does not stand on itself, though it may add itself to the group.
        members.retain(|id| !self.trail.contains(id));
        if members.is_empty() {
            nodes.push(self.error("unknown group", format!("no rule is of the group `{name}`"), option.span));
        } else if members.len() > MAX_MEMBERS {
            let message =
                format!("{} rules are of the group `{name}`; up to {MAX_MEMBERS} are followed", members.len());
            nodes.push(self.error("large group", message, option.span));
        } else {
            self.any_of(&members, option, nodes, sources);
        }
    }

    /// What the rule of a number demands.
    fn parent(&mut self, id: &str, option: &Element) -> Option<Lowered> {
        let fault = |lowering: &mut Self, code, message| {
            Some(Lowered { root: lowering.error(code, message, option.span), sources: Vec::new() })
        };
        if self.trail.iter().any(|known| known == id) {
            return fault(self, "rule in itself", format!("the rule {id} stands on itself"));
        }
        let outer = self.place.replace(self.place_of(option.span));
        let found = self.follow(id);
        self.place = outer;
        match found {
            Some(found) => {
                let weight = found.root.walk().take(10_000).count();
                if !self.budget.nodes(weight) {
                    return Some(Lowered { root: self.opaque(BUDGET, option.span), sources: Vec::new() });
                }
                Some(found)
            }
            None => fault(self, "unknown rule", format!("no rule has the number {id}")),
        }
    }

    fn follow(&mut self, id: &str) -> Option<Lowered> {
        if let Some(known) = self.known.get(id) {
            let mut found = known.clone();
            pin(&mut found.root, self.place.unwrap_or_default());
            return Some(found);
        }
        let found = match self.rules.get(id).copied() {
            Some(rule) => self.rule(rule),
            None => {
                let referenced = self.context.rule(id)?;
                let text = referenced.query.text;
                if !self.budget.work(1 + text.len() / BYTES_PER_WORK) {
                    return Some(Lowered { root: self.opaque(BUDGET, Span::default()), sources: Vec::new() });
                }
                let (document, diagnostics) = crate::parse(text);
                for fault in diagnostics.into_iter().filter(|fault| fault.level == Level::Error) {
                    let place = self.place.unwrap_or_default();
                    self.report(
                        Diagnostic::error("invalid rule", format!("the rule {id}: {}", fault.message)).at(place),
                    );
                }
                let rule = document.rules.first()?;
                self.rule(rule)
            }
        };
        // What stands in itself by this way need not by another.
        if !found.root.opaques().any(|opaque| opaque.reason == "rule in itself") {
            self.known.insert(id.to_owned(), found.clone());
        }
        Some(found)
    }
}

/// The numbers of a list.
fn numbers(text: &str) -> Vec<String> {
    names(text).flat_map(|part| part.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).collect()
}

fn add(sources: &mut Vec<DataSource>, more: Vec<DataSource>) {
    for source in more {
        if !sources.contains(&source) {
            sources.push(source);
        }
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
