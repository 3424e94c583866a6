//! What reading one query may cost.
//!
//! Queries are written by strangers, and a short one can stand for a great deal: macros that call macros, `let` after
//! `let` that doubles, a list that is compared in ten thousand places. A [`Budget`] counts what a front end does in
//! units that do not depend on the machine, so that the same query always ends in the same place.

use std::fmt;

use ruleatlas_model::{Condition, Diagnostic, Level, Node, Op, Predicate, Span};

use crate::{Parsed, Query};

/// The code of the diagnostic of a query that costs more than is spent on it, and the reason of what stays opaque.
pub const BUDGET: &str = "budget";

/// How long a query may be, in bytes, unless it is part of a tree that is read already.
const MAX_TEXT: usize = 8 << 20;
/// How many diagnostics of a query are kept.
const MAX_DIAGNOSTICS: usize = 500;
/// How long a diagnostic's message may be, in bytes.
const MAX_MESSAGE: usize = 4 << 10;
/// How long the text of an opaque part may be, in bytes.
const MAX_OPAQUE: usize = 4 << 10;
/// Bytes of text that weigh as much as a node.
const BYTES_PER_NODE: usize = 64;

/// How much may be spent on one query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How deep expressions, sub-queries and calls may stand within each other.
    pub depth: u32,
    /// Steps of reading beyond the first pass over the text: expressions that are followed, tokens of expanded text.
    pub work: u64,
    /// Nodes of the conditions, each value of a predicate being one and each 64 bytes of text.
    pub nodes: u64,
}

impl Limits {
    /// What a rule may cost. The costliest rule of the public corpora needs less than a twentieth.
    pub const RULE: Self = Self { depth: 220, work: 250_000, nodes: 200_000 };
}

/// Work and nodes that a file's rules may cost together, whatever its size is, as many times what one of them may.
const RULES_OF_ANY_FILE: u64 = 4;
/// What each byte of a file adds to that.
const WORK_PER_BYTE: u64 = 4;
const NODES_PER_BYTE: u64 = 1;
/// What the rules of the largest file may cost.
const MAX_FILE: Limits = Limits { depth: Limits::RULE.depth, work: 8_000_000, nodes: 2_000_000 };
/// Bytes of a rule's query that are read for a unit of work of its file.
const BYTES_PER_WORK: usize = 16;

impl Default for Limits {
    fn default() -> Self {
        Self::RULE
    }
}

/// What a budget counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Resource {
    /// [`Limits::depth`].
    Depth,
    /// [`Limits::work`].
    Work,
    /// [`Limits::nodes`].
    Nodes,
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Depth => "depth",
            Self::Work => "work",
            Self::Nodes => "nodes",
        })
    }
}

/// What may still be spent on a query.
///
/// ```
/// use ruleatlas_core::{Budget, Limits, Resource};
///
/// let mut budget = Budget::new(Limits { work: 10, ..Limits::RULE });
/// assert!(budget.work(10) && budget.exhausted().is_none());
/// assert!(!budget.work(1));
/// assert_eq!(budget.exhausted(), Some(Resource::Work));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Budget {
    limits: Limits,
    depth: u32,
    work: u64,
    nodes: u64,
    exhausted: Option<Resource>,
    reported: bool,
    /// What the rules of the file may cost together, where that leaves less than the rule itself may cost.
    file: Option<Limits>,
}

/// What may still be spent on the rules of a file. Each has a [`Budget`], and all of them together cost no more than a
/// multiple of the file's size: rules that refer to each other, or share text, cannot each cost all that one may.
///
/// ```
/// use ruleatlas_core::FileBudget;
///
/// let mut file = FileBudget::for_size(1_000);
/// let mut budget = file.budget_of("a query");
/// assert!(budget.work(10));
/// file.spend(&budget);
/// ```
#[derive(Clone, Debug)]
pub struct FileBudget {
    limits: Limits,
    work: u64,
    nodes: u64,
}

impl FileBudget {
    /// The budget of a file of so many bytes.
    #[must_use]
    pub fn for_size(bytes: usize) -> Self {
        let bytes = bytes as u64;
        let least = |of_rule: u64| of_rule.saturating_mul(RULES_OF_ANY_FILE);
        let work = least(Limits::RULE.work).saturating_add(bytes.saturating_mul(WORK_PER_BYTE)).min(MAX_FILE.work);
        let nodes = least(Limits::RULE.nodes).saturating_add(bytes.saturating_mul(NODES_PER_BYTE)).min(MAX_FILE.nodes);
        Self { limits: Limits { work, nodes, ..MAX_FILE }, work, nodes }
    }

    /// The budget of the file's next rule: what any rule may cost, or what is left for all. Its text is spent.
    pub fn budget_of(&mut self, query: &str) -> Budget {
        self.work = self.work.saturating_sub(1 + (query.len() / BYTES_PER_WORK) as u64);
        let limits = Limits {
            work: Limits::RULE.work.min(self.work),
            nodes: Limits::RULE.nodes.min(self.nodes),
            ..Limits::RULE
        };
        Budget { limits, file: (limits != Limits::RULE).then_some(self.limits), ..Budget::default() }
    }

    /// Takes what a rule has cost.
    pub fn spend(&mut self, budget: &Budget) {
        let (work, nodes) = budget.spent();
        self.work = self.work.saturating_sub(work);
        self.nodes = self.nodes.saturating_sub(nodes);
    }
}

impl Budget {
    /// A budget of which nothing is spent.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// The limits it was made with.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Spends work; `false` once more than all of it is spent.
    pub fn work(&mut self, units: usize) -> bool {
        self.work = self.work.saturating_add(units as u64);
        self.within(self.work <= self.limits.work, Resource::Work)
    }

    /// Spends nodes; `false` once more than all of them are spent.
    pub fn nodes(&mut self, count: usize) -> bool {
        self.nodes = self.nodes.saturating_add(count as u64);
        self.within(self.nodes <= self.limits.nodes, Resource::Nodes)
    }

    /// Goes one level deeper, for one unit of work; `false`, and no level deeper, where that is too deep or the work
    /// is spent. Each `true` asks for a [`Budget::leave`].
    pub fn enter(&mut self) -> bool {
        if !self.work(1) || !self.within(self.depth < self.limits.depth, Resource::Depth) {
            return false;
        }
        self.depth += 1;
        true
    }

    /// Comes back from a level.
    pub fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// Work and nodes spent so far.
    #[must_use]
    pub fn spent(&self) -> (u64, u64) {
        (self.work, self.nodes)
    }

    /// Whether work or nodes are spent: what is left of the query is not followed. Too great a depth concerns one place
    /// alone.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.work > self.limits.work || self.nodes > self.limits.nodes
    }

    /// Whether the rules before this one in its file have left nothing for it: its query is not read.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.file.is_some() && (self.limits.work == 0 || self.limits.nodes == 0)
    }

    /// What ran out first.
    #[must_use]
    pub fn exhausted(&self) -> Option<Resource> {
        self.exhausted
    }

    /// The diagnostic that says what ran out; `None` where nothing did, or it was asked for before.
    pub fn report(&mut self) -> Option<Diagnostic> {
        let resource = self.exhausted.filter(|_| !std::mem::replace(&mut self.reported, true))?;
        let Limits { depth, work, nodes } = self.limits;
        let message = match (resource, self.file) {
            (Resource::Work, Some(file)) => format!(
                "the rules of this file together expand to more than {} steps of reading; the rest of this one is not \
                 read; split the file",
                file.work
            ),
            (Resource::Nodes, Some(file)) => format!(
                "the rules of this file together come to more than {} conditions and values; the rest of this one is \
                 not kept; split the file",
                file.nodes
            ),
            (Resource::Depth, _) => format!("the query nests deeper than {depth} levels; what lies deeper is not read"),
            (Resource::Work, None) => {
                format!("the query expands to more than {work} steps of reading; the rest of it is not read")
            }
            (Resource::Nodes, None) => {
                format!("the query comes to more than {nodes} conditions and values; the rest of it is not kept")
            }
        };
        Some(Diagnostic::error(BUDGET, message))
    }

    fn within(&mut self, fits: bool, resource: Resource) -> bool {
        if !fits && self.exhausted.is_none() {
            self.exhausted = Some(resource);
            self.reported = false;
        }
        fits
    }

    /// What is said of a query that is too long to be read, or of whose file nothing more is read.
    pub(crate) fn refuse(&mut self, query: &Query<'_>) -> Option<Parsed> {
        let span = whole(query.text);
        let diagnostic = if query.text.len() > MAX_TEXT && query.tree.is_none() {
            let mebibytes = query.text.len().div_ceil(1 << 20);
            let message = format!("the query is {mebibytes} MiB long; up to {} MiB are read", MAX_TEXT >> 20);
            Diagnostic::error(BUDGET, message)
        } else if self.is_refused() {
            self.within(false, if self.limits.work == 0 { Resource::Work } else { Resource::Nodes });
            self.report()?
        } else {
            return None;
        };
        let mut condition = Condition::new(opaque(query.text, span));
        condition.sources = query.sources.to_vec();
        Some(Parsed { conditions: vec![condition], diagnostics: vec![diagnostic.at(span)] })
    }

    /// Keeps of what a front end gives as much as the limit of nodes allows: the rest becomes opaque. Counting starts
    /// anew, so what the front end spent itself is not spent again.
    pub(crate) fn bound(&mut self, parsed: &mut Parsed, query: &Query<'_>) {
        let limit = self.limits.nodes;
        let mut left = limit;
        let mut is_cut = false;
        let mut kept = 0;
        for condition in &mut parsed.conditions {
            let around = weight_of_sources(condition);
            let Some(rest) = left.checked_sub(around) else { break };
            left = rest;
            kept += 1;
            is_cut |= cut(&mut condition.root, &mut left, query.text);
            if is_cut {
                break;
            }
        }
        if kept < parsed.conditions.len() {
            is_cut = true;
            // A step that is gone without a trace would be a rule that asks for less.
            parsed.conditions.truncate(kept.max(1));
            match parsed.conditions.last_mut() {
                Some(last) if kept == 0 => *last = Condition::new(opaque(query.text, whole(query.text))),
                Some(last) => {
                    let root = std::mem::replace(&mut last.root, Node::always());
                    last.root = Node::all([root, opaque(query.text, whole(query.text))]);
                }
                None => {}
            }
        }
        let (_, nodes) = self.spent();
        self.nodes = nodes.max(limit - left);
        if is_cut {
            self.within(false, Resource::Nodes);
            if let Some(diagnostic) = self.report() {
                parsed.diagnostics.push(diagnostic.at(whole(query.text)));
            }
        }
        bound_diagnostics(&mut parsed.diagnostics);
    }
}

fn whole(text: &str) -> Span {
    Span::new(0, text.len())
}

/// The opaque node that stands for a part that costs too much.
fn opaque(text: &str, span: Span) -> Node {
    Node::opaque(clip(span.of(text).unwrap_or_default(), MAX_OPAQUE), BUDGET, span)
}

/// What a predicate costs where it is stored, counted and shown: once a value, with the field's name each time.
fn weight(predicate: &Predicate) -> u64 {
    let values: u64 = predicate.values.iter().map(|value| weight_of_value(predicate, value)).sum();
    1 + lumps(name_length(predicate)) + values
}

fn weight_of_value(predicate: &Predicate, value: &str) -> u64 {
    1 + lumps(name_length(predicate) + value.len())
}

fn name_length(predicate: &Predicate) -> usize {
    predicate.raw_field.len() + predicate.modifiers.text_len() + predicate.derived_from.as_ref().map_or(0, String::len)
}

fn lumps(bytes: usize) -> u64 {
    (bytes / BYTES_PER_NODE) as u64
}

/// How many of a predicate's values fit into what is left.
fn values_within(predicate: &Predicate, left: u64) -> usize {
    let Some(mut left) = left.checked_sub(1 + lumps(name_length(predicate))) else { return 0 };
    let fits = |value: &&String| {
        let rest = left.checked_sub(weight_of_value(predicate, value));
        left = rest.unwrap_or_default();
        rest.is_some()
    };
    predicate.values.iter().take_while(fits).count()
}

fn weight_of_sources(condition: &Condition) -> u64 {
    let names = condition.sources.iter().map(|source| 1 + lumps(source.name.len()));
    1 + lumps(condition.label.len()) + names.sum::<u64>()
}

/// Takes the weight of a tree from what is left, and makes opaque what does not fit; whether anything did not.
fn cut(node: &mut Node, left: &mut u64, text: &str) -> bool {
    let mut take = |weight: u64| {
        let rest = left.checked_sub(weight);
        *left = rest.unwrap_or(*left);
        rest.is_some()
    };
    match node {
        Node::Predicate(predicate) => {
            let fits = take(weight(predicate));
            if !fits {
                let mut rest = opaque(text, predicate.span);
                if let Some(stage) = predicate.stage {
                    rest.set_stage(stage);
                }
                // The values are alternatives of each other: those that fit stay, beside what is not known.
                let count = values_within(predicate, *left);
                *node = if count == 0 {
                    rest
                } else {
                    let mut first = std::mem::replace(&mut **predicate, Predicate::new("", Op::Eq, [] as [&str; 0]));
                    first.values.truncate(count);
                    if first.negated { Node::all([first.into(), rest]) } else { Node::any([first.into(), rest]) }
                };
                *left = 0;
            }
            !fits
        }
        Node::Opaque(opaque) => {
            if opaque.text.len() > MAX_OPAQUE {
                opaque.text = clip(&opaque.text, MAX_OPAQUE);
            }
            // It is what a part that does not fit becomes, so it always fits; its siblings are what is cut.
            *left = left.saturating_sub(1 + lumps(opaque.text.len()));
            false
        }
        Node::Not(child) => {
            take(1);
            cut(child, left, text)
        }
        Node::All(children) | Node::Any(children) => {
            take(1);
            let mut at = 0;
            while let Some(child) = children.get_mut(at) {
                let is_full = *left == 0;
                if is_full || cut(child, left, text) {
                    // One opaque part stands for all that follow here, and for this one unless a part of it is kept.
                    let rest = children.get(at + usize::from(!is_full)..).unwrap_or_default();
                    let spans = rest.iter().flat_map(Node::walk).filter_map(span_of);
                    let span = spans.reduce(Span::to).unwrap_or_default();
                    if is_full {
                        children.truncate(at);
                        children.push(opaque(text, span));
                    } else if at + 1 < children.len() {
                        children.truncate(at + 1);
                        children.push(opaque(text, span));
                    }
                    *left = 0;
                    return true;
                }
                at += 1;
            }
            false
        }
    }
}

fn span_of(node: &Node) -> Option<Span> {
    match node {
        Node::Predicate(predicate) => Some(predicate.span),
        Node::Opaque(opaque) => Some(opaque.span),
        _ => None,
    }
}

/// Keeps the first diagnostics, and an error where there is one: the parse status follows from it.
fn bound_diagnostics(diagnostics: &mut Vec<Diagnostic>) {
    for diagnostic in diagnostics.iter_mut().take(MAX_DIAGNOSTICS) {
        if diagnostic.message.len() > MAX_MESSAGE {
            diagnostic.message = clip(&diagnostic.message, MAX_MESSAGE);
        }
    }
    if diagnostics.len() <= MAX_DIAGNOSTICS {
        return;
    }
    let is_error = |diagnostic: &Diagnostic| diagnostic.level == Level::Error;
    let more = diagnostics.len() - MAX_DIAGNOSTICS;
    let level = if diagnostics.iter().any(is_error) { Diagnostic::error } else { Diagnostic::warning };
    diagnostics.truncate(MAX_DIAGNOSTICS);
    diagnostics.push(level("too many diagnostics", format!("{more} more diagnostics of this query are left out")));
}

/// The beginning of a text, with `…` behind it where it is longer than `length` bytes.
#[must_use]
pub fn clip(text: &str, length: usize) -> String {
    if text.len() <= length {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(length)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounded(nodes: u64, root: Node) -> Parsed {
        let mut parsed = Parsed { conditions: vec![Condition::new(root)], diagnostics: Vec::new() };
        Budget::new(Limits { nodes, ..Limits::RULE }).bound(&mut parsed, &Query::new("0123456789"));
        parsed
    }

    fn predicate(at: usize, values: usize) -> Node {
        let mut predicate = Predicate::new("a", Op::In, (0..values).map(|value| value.to_string()));
        predicate.span = Span::new(at, at + 1);
        predicate.into()
    }

    #[test]
    fn what_fits_stays_as_it_is() {
        let root = Node::any([predicate(0, 3), Node::all([predicate(1, 2), predicate(2, 1).not()])]);
        let parsed = bounded(100, root.clone());
        assert_eq!(parsed.conditions[0].root, root);
        assert!(parsed.diagnostics.is_empty());
    }

    #[test]
    fn what_does_not_fit_is_opaque_from_there_on() {
        let root = Node::all((0..8).map(|at| predicate(at, 1)));
        let parsed = bounded(9, root);
        let Node::All(children) = &parsed.conditions[0].root else { panic!("{parsed:?}") };
        let opaque: Vec<_> = parsed.conditions[0].root.opaques().collect();
        assert_eq!(children.iter().filter(|child| matches!(child, Node::Predicate(_))).count(), 3);
        assert_eq!((opaque[0].span, opaque[0].reason.as_str()), (Span::new(3, 4), BUDGET));
        assert_eq!(opaque.last().map(|opaque| opaque.span), Some(Span::new(4, 8)));
        assert_eq!((parsed.diagnostics.len(), parsed.diagnostics[0].code.as_ref()), (1, BUDGET));
    }

    #[test]
    fn the_values_that_fit_stay_as_an_alternative_of_what_is_not_known() {
        let parsed = bounded(8, predicate(0, 100));
        let Node::Any(children) = &parsed.conditions[0].root else { panic!("{parsed:?}") };
        let [Node::Predicate(first), Node::Opaque(_)] = children.as_slice() else { panic!("{children:?}") };
        assert_eq!(first.values, ["0", "1", "2", "3", "4", "5"]);
        let Node::Predicate(mut negated) = predicate(0, 100) else { unreachable!() };
        negated.negated = true;
        assert!(matches!(&bounded(8, Node::Predicate(negated)).conditions[0].root, Node::All(_)));
    }

    #[test]
    fn steps_that_do_not_fit_are_not_left_out_without_a_word() {
        let steps = (0..8).map(|at| Condition::new(predicate(at, 2))).collect();
        let mut parsed = Parsed { conditions: steps, diagnostics: Vec::new() };
        let mut budget = Budget::new(Limits { nodes: 9, ..Limits::RULE });
        budget.bound(&mut parsed, &Query::new("0123456789"));
        assert_eq!(budget.exhausted(), Some(Resource::Nodes));
        assert!(parsed.conditions.len() < 4);
        assert!(parsed.conditions.last().is_some_and(|last| last.root.opaques().next().is_some()));
    }

    #[test]
    fn a_query_of_many_megabytes_is_refused() {
        let text = "a".repeat(MAX_TEXT + 1);
        let refused = Budget::default().refuse(&Query::new(&text));
        let refused = refused.unwrap_or_default();
        assert_eq!(refused.diagnostics[0].message, "the query is 9 MiB long; up to 8 MiB are read");
        let opaque: Vec<_> = refused.conditions[0].root.opaques().collect();
        assert_eq!((opaque[0].span, opaque[0].text.len()), (Span::new(0, text.len()), MAX_OPAQUE + "…".len()));
        assert!(Budget::default().refuse(&Query::new(&text[1..])).is_none());
    }

    #[test]
    fn the_rules_of_a_file_cost_no_more_than_a_multiple_of_its_size() {
        let mut file = FileBudget::for_size(100);
        let most = file.limits;
        let text = "a".repeat(1_600);
        let mut spent = 0;
        for rule in 0.. {
            let mut budget = file.budget_of(&text);
            while budget.work(1_000) {}
            spent += budget.limits().work;
            if let Some(refused) = budget.refuse(&Query::new(&text)) {
                assert!(rule > 2 && spent <= most.work, "{rule} {spent}");
                assert_eq!((refused.conditions.len(), refused.diagnostics.len()), (1, 1));
                assert_eq!(budget.exhausted(), Some(Resource::Work));
                break;
            }
            let message = budget.report().map(|diagnostic| diagnostic.message).unwrap_or_default();
            assert_eq!(message.starts_with("the rules of this file"), budget.limits().work < Limits::RULE.work);
            file.spend(&budget);
        }
        assert!(FileBudget::for_size(1 << 20).limits.work > most.work);
        assert_eq!(FileBudget::for_size(usize::MAX).limits, MAX_FILE);
    }

    #[test]
    fn a_name_counts_with_every_value() {
        let name = "n".repeat(64 * 10);
        let predicate = Predicate::new(name, Op::In, (0..10).map(|value| value.to_string()));
        assert_eq!(weight(&predicate), 1 + 10 + 10 * 11);
    }

    #[test]
    fn depth_concerns_one_place_and_is_said_once() {
        let mut budget = Budget::new(Limits { depth: 1, ..Limits::RULE });
        assert!(budget.enter() && !budget.enter());
        assert!(!budget.is_spent());
        budget.leave();
        assert!(budget.enter());
        assert!(budget.report().is_some_and(|diagnostic| diagnostic.message.contains("deeper than 1 levels")));
        assert!(budget.report().is_none());
    }

    #[test]
    fn an_error_among_the_diagnostics_that_are_left_out_is_still_one() {
        let mut diagnostics: Vec<Diagnostic> = (0..MAX_DIAGNOSTICS).map(|_| Diagnostic::note("note", "n")).collect();
        diagnostics.push(Diagnostic::error("error", "e".repeat(MAX_MESSAGE + 9)));
        bound_diagnostics(&mut diagnostics);
        assert_eq!(diagnostics.len(), MAX_DIAGNOSTICS + 1);
        assert!(diagnostics.last().is_some_and(|last| last.level == Level::Error));
    }
}
