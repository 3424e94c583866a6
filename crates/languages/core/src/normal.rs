use ruleatlas_model::{Condition, Node, Op, Opaque, Predicate, Role};
use rustc_hash::FxHashSet;

/// A condition with every `not` pushed down to its leaves.
#[derive(Clone, Debug)]
pub enum Literal<'a> {
    /// Every child holds.
    All(Vec<Literal<'a>>),
    /// At least one child holds; `flipped` when it stands for an `All` of the author's under an odd number of `not`s.
    Any {
        /// The alternatives.
        children: Vec<Literal<'a>>,
        /// Whether De Morgan made it.
        flipped: bool,
    },
    /// A predicate, under an odd number of `not`s when `inverted` (its operator's own negation not counted).
    Predicate {
        /// The predicate.
        predicate: &'a Predicate,
        /// Whether an odd number of `not`s stands above it.
        inverted: bool,
    },
    /// Something not understood.
    Opaque {
        /// The part.
        opaque: &'a Opaque,
        /// Whether an odd number of `not`s stands above it.
        inverted: bool,
    },
}

/// The negation normal form of a tree; a node with one child is its child.
#[must_use]
pub fn normal_form(node: &Node) -> Literal<'_> {
    push_down(node, false)
}

fn push_down(node: &Node, inverted: bool) -> Literal<'_> {
    match node {
        Node::Not(child) => push_down(child, !inverted),
        Node::Predicate(predicate) => Literal::Predicate { predicate, inverted },
        Node::Opaque(opaque) => Literal::Opaque { opaque, inverted },
        Node::All(children) | Node::Any(children) => {
            if let [only] = children.as_slice() {
                return push_down(only, inverted);
            }
            let is_all = matches!(node, Node::All(_));
            let children = children.iter().map(|child| push_down(child, inverted)).collect();
            if is_all == inverted { Literal::Any { children, flipped: inverted } } else { Literal::All(children) }
        }
    }
}

/// A predicate with its place and its part in the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RoledPredicate<'a> {
    /// The predicate.
    pub predicate: &'a Predicate,
    /// The step it belongs to, from 0.
    pub step: u32,
    /// What it does in the rule.
    pub role: Role,
    /// Exclusions of one group hold only together; numbered from 0 within the rule.
    pub group: Option<u32>,
    /// The operator in positive form: `is_not_null` for a `not` of `is_null` outside a group, and the other way round.
    pub counted_op: Op,
    /// Whether the comparison is negative in the normal form, with `counted_op` for its operator.
    pub is_negative: bool,
}

impl RoledPredicate<'_> {
    /// Whether a reader who knows the role must be told that the comparison is negative: a role other than
    /// `indicator` and `exclusion` does not say so itself.
    #[must_use]
    pub fn shows_negation(&self) -> bool {
        self.is_negative && matches!(self.role, Role::Nested | Role::Computed)
    }
}

/// The predicates of a rule with their roles, step by step in the order of the query; one that stands twice at the
/// same place (a named part that the query uses twice) is there once a role.
#[must_use]
pub fn roles(conditions: &[Condition]) -> Vec<RoledPredicate<'_>> {
    let mut walk = Walk { placed: Vec::new(), seen: FxHashSet::default(), groups: 0, step: 0, absent: false };
    for (step, condition) in conditions.iter().enumerate() {
        walk.step = u32::try_from(step).unwrap_or(u32::MAX);
        walk.absent = condition.absent;
        walk.visit(&normal_form(&condition.root), false, None);
    }
    walk.placed
}

fn is_guard(literal: &Literal<'_>) -> bool {
    match literal {
        Literal::Predicate { predicate, .. } => predicate.guard,
        Literal::All(children) | Literal::Any { children, .. } => children.iter().all(is_guard),
        Literal::Opaque { .. } => false,
    }
}

struct Walk<'a> {
    placed: Vec<RoledPredicate<'a>>,
    /// What is placed: thousands of predicates may stand at one place, where a macro's call or a list is.
    seen: FxHashSet<RoledPredicate<'a>>,
    groups: u32,
    step: u32,
    absent: bool,
}

impl<'a> Walk<'a> {
    fn visit(&mut self, literal: &Literal<'a>, in_authors_any: bool, group: Option<u32>) {
        match literal {
            Literal::All(children) => {
                for child in children {
                    self.visit(child, in_authors_any, group);
                }
            }
            Literal::Any { children, flipped } => {
                // What only guards an alternative is no exclusion beside the others.
                let is_group = *flipped && children.iter().filter(|child| !is_guard(child)).count() > 1;
                let group = match (group, is_group) {
                    (None, true) => {
                        self.groups += 1;
                        Some(self.groups - 1)
                    }
                    _ => group,
                };
                for child in children {
                    self.visit(child, in_authors_any || !flipped, group);
                }
            }
            Literal::Predicate { predicate, inverted } => self.place(predicate, *inverted, in_authors_any, group),
            Literal::Opaque { .. } => {}
        }
    }

    fn place(&mut self, predicate: &'a Predicate, inverted: bool, in_authors_any: bool, group: Option<u32>) {
        let mut negative = inverted != predicate.negated;
        let mut counted_op = predicate.op;
        if negative && predicate.op.is_presence() && group.is_none() {
            negative = false;
            counted_op = if predicate.op == Op::IsNull { Op::IsNotNull } else { Op::IsNull };
        }
        let role = match () {
            () if predicate.computed => Role::Computed,
            () if self.absent || predicate.guard => Role::Nested,
            () if !negative && group.is_none() => Role::Indicator,
            () if negative && !in_authors_any => Role::Exclusion,
            () => Role::Nested,
        };
        let group = group.filter(|_| role == Role::Exclusion);
        let placed = RoledPredicate { predicate, step: self.step, role, group, counted_op, is_negative: negative };
        if self.seen.insert(placed) {
            self.placed.push(placed);
        }
    }
}
