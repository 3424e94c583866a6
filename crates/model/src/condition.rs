use serde::{Deserialize, Serialize};

use crate::{Predicate, Span};

/// A boolean tree over predicates.
///
/// `All` of nothing holds and `Any` of nothing does not: so constants need no node of their own. As data it is a list of
/// nodes without nesting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// Every child holds.
    All(Vec<Node>),
    /// At least one child holds.
    Any(Vec<Node>),
    /// The child does not hold.
    Not(Box<Node>),
    /// A comparison.
    Predicate(Box<Predicate>),
    /// Something that could not be understood.
    Opaque(Box<Opaque>),
}

/// A part of a query that could not be understood, kept with its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opaque {
    /// The text as written.
    pub text: String,
    /// Why it was not understood, as a short phrase that groups alike cases (`macro is not defined`).
    pub reason: String,
    /// The stage of the pipeline it stands in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<u32>,
    /// Where it stands in the query.
    pub span: Span,
}

impl Node {
    /// The condition that always holds.
    #[must_use]
    pub fn always() -> Self {
        Self::All(Vec::new())
    }

    /// The condition that never holds.
    #[must_use]
    pub fn never() -> Self {
        Self::Any(Vec::new())
    }

    /// A constant.
    #[must_use]
    pub fn constant(value: bool) -> Self {
        if value { Self::always() } else { Self::never() }
    }

    /// Says of everything in the node that it stands in this stage of the pipeline.
    pub fn set_stage(&mut self, stage: u32) {
        match self {
            Self::All(children) | Self::Any(children) => {
                children.iter_mut().for_each(|child| child.set_stage(stage));
            }
            Self::Not(child) => child.set_stage(stage),
            Self::Predicate(predicate) => predicate.stage = Some(stage),
            Self::Opaque(opaque) => opaque.stage = Some(stage),
        }
    }

    /// The constant this node is, if it is one.
    #[must_use]
    pub fn as_constant(&self) -> Option<bool> {
        match self {
            Self::All(children) if children.is_empty() => Some(true),
            Self::Any(children) if children.is_empty() => Some(false),
            _ => None,
        }
    }

    /// Every one of `children`; a single child is itself, constants are folded away.
    pub fn all(children: impl IntoIterator<Item = Self>) -> Self {
        Self::gather(children, true)
    }

    /// At least one of `children`; a single child is itself, constants are folded away.
    pub fn any(children: impl IntoIterator<Item = Self>) -> Self {
        Self::gather(children, false)
    }

    fn gather(children: impl IntoIterator<Item = Self>, neutral: bool) -> Self {
        let mut kept = Vec::new();
        for child in children {
            match child.as_constant() {
                Some(value) if value == neutral => {}
                Some(_) => return child,
                None => kept.push(child),
            }
        }
        match kept.len() {
            0 => Self::constant(neutral),
            1 => kept.remove(0),
            _ if neutral => Self::All(kept),
            _ => Self::Any(kept),
        }
    }

    /// The negation; a constant is turned round, a double negation falls away.
    #[must_use]
    #[allow(clippy::should_implement_trait)]
    pub fn not(self) -> Self {
        if let Some(value) = self.as_constant() {
            return Self::constant(!value);
        }
        match self {
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }

    /// An opaque node.
    pub fn opaque(text: impl Into<String>, reason: impl Into<String>, span: Span) -> Self {
        Self::Opaque(Box::new(Opaque { text: text.into(), reason: reason.into(), stage: None, span }))
    }

    /// The direct children.
    #[must_use]
    pub fn children(&self) -> &[Self] {
        match self {
            Self::All(children) | Self::Any(children) => children,
            Self::Not(child) => std::slice::from_ref(child),
            Self::Predicate(_) | Self::Opaque(_) => &[],
        }
    }

    /// This node and all below it, in the order of the query.
    pub fn walk(&self) -> impl Iterator<Item = &Self> {
        let mut stack = vec![self];
        std::iter::from_fn(move || {
            let node = stack.pop()?;
            stack.extend(node.children().iter().rev());
            Some(node)
        })
    }

    /// The predicates, in the order of the query.
    pub fn predicates(&self) -> impl Iterator<Item = &Predicate> {
        self.walk().filter_map(|node| match node {
            Self::Predicate(predicate) => Some(predicate.as_ref()),
            _ => None,
        })
    }

    /// The parts that were not understood, in the order of the query.
    pub fn opaques(&self) -> impl Iterator<Item = &Opaque> {
        self.walk().filter_map(|node| match node {
            Self::Opaque(opaque) => Some(opaque.as_ref()),
            _ => None,
        })
    }

    /// Calls `change` on every predicate.
    pub fn for_each_predicate_mut(&mut self, change: &mut impl FnMut(&mut Predicate)) {
        match self {
            Self::All(children) | Self::Any(children) => {
                for child in children {
                    child.for_each_predicate_mut(change);
                }
            }
            Self::Not(child) => child.for_each_predicate_mut(change),
            Self::Predicate(predicate) => change(predicate),
            Self::Opaque(_) => {}
        }
    }
}

impl From<Predicate> for Node {
    fn from(predicate: Predicate) -> Self {
        Self::Predicate(Box::new(predicate))
    }
}

/// What one step of a rule asks of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// The boolean tree; as data the list of its nodes in prefix order, each with the number of its children.
    #[serde(rename = "nodes")]
    pub root: Node,
    /// Whether the step must *not* happen (EQL `![…]`, an anti-join): its predicates are nested.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub absent: bool,
    /// What the step is in the query, for a reader: `sequence step 2`, `join leg`, `let Suspects`. Empty for the
    /// only step of a rule.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
    /// What the step reads, as the query says it. Field names are resolved in their light.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<DataSource>,
}

impl Condition {
    /// A step with nothing but its tree.
    #[must_use]
    pub fn new(root: Node) -> Self {
        Self { root, absent: false, label: String::new(), sources: Vec::new() }
    }
}

/// Where a query takes its events from, in the words of its language.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DataSource {
    /// What kind of name it is.
    pub kind: SourceKind,
    /// The name as written (`DeviceProcessEvents`, `Endpoint.Processes`, `process`, `logs-endpoint.events.*`).
    pub name: String,
}

impl DataSource {
    /// A named source.
    pub fn new(kind: SourceKind, name: impl Into<String>) -> Self {
        Self { kind, name: name.into() }
    }
}

/// The kinds of names that choose the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// Sigma's log source `product`.
    Product,
    /// Sigma's log source `category`.
    Category,
    /// Sigma's log source `service`.
    Service,
    /// A Kusto or SQL table, or a function that stands for one.
    Table,
    /// A CIM data model, with its dataset (`Endpoint.Processes`).
    DataModel,
    /// An EQL event category (`process`; `any`).
    EventCategory,
    /// An Elastic index pattern or Splunk index.
    Index,
    /// A Splunk source type.
    SourceType,
    /// A Splunk source.
    Source,
    /// A Splunk event type, or what Elastic's events call their type or action.
    EventType,
    /// A Panther log type, or a log that Splunk's detections say they need.
    LogType,
    /// An Elastic integration, or the data set that one writes.
    Integration,
    /// An operating system that the rule says it watches.
    Platform,
    /// A Windows event channel that the query filters by (`Microsoft-Windows-Sysmon/Operational`).
    Channel,
    /// A Splunk macro that could not be resolved: its name may still say which data it chooses.
    Macro,
}

impl SourceKind {
    /// The name in data and messages (`source_type`).
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Category => "category",
            Self::Service => "service",
            Self::Table => "table",
            Self::DataModel => "data_model",
            Self::EventCategory => "event_category",
            Self::Index => "index",
            Self::SourceType => "source_type",
            Self::Source => "source",
            Self::EventType => "event_type",
            Self::LogType => "log_type",
            Self::Integration => "integration",
            Self::Platform => "platform",
            Self::Channel => "channel",
            Self::Macro => "macro",
        }
    }
}
