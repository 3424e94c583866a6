//! Proofs: that one formula holds wherever others do, and that formulas never hold together.

use std::{cell::Cell, sync::Arc};

use crate::pattern::{Pattern, Shape};
use crate::source::Source;

/// A comparison, or that it does not hold.
#[derive(Clone, Debug)]
pub(crate) struct Literal {
    pub source: Arc<Source>,
    /// Whether it stands for the comparison not holding.
    pub complement: bool,
    /// Only this one of the comparison's sets, for one case of a proof.
    pub only: Option<usize>,
}

impl Literal {
    pub fn field(&self) -> &str {
        &self.source.field
    }

    /// Whether it asks for a value in one of its sets, rather than for none.
    pub fn is_positive(&self) -> bool {
        self.source.is_positive != self.complement
    }

    /// Whether it holds when the event does not have the field.
    pub fn holds_if_missing(&self) -> bool {
        self.source.holds_if_missing != self.complement
    }

    pub fn patterns(&self) -> &[Pattern] {
        let all = self.source.patterns.as_slice();
        self.only.and_then(|only| all.get(only)).map_or(all, std::slice::from_ref)
    }

    pub fn negated(&self) -> Self {
        Self { complement: !self.complement, ..self.clone() }
    }
}

/// A condition whose negations are all in its literals.
#[derive(Clone, Debug)]
pub(crate) enum Formula {
    All(Arc<[Formula]>),
    Any(Arc<[Formula]>),
    Literal(Literal),
}

impl Formula {
    pub fn negated(&self) -> Self {
        match self {
            Self::All(children) => Self::Any(children.iter().map(Self::negated).collect()),
            Self::Any(children) => Self::All(children.iter().map(Self::negated).collect()),
            Self::Literal(literal) => Self::Literal(literal.negated()),
        }
    }

    /// Whether one of its literals is about a field of the other's.
    fn shares_field(&self, other: &Self) -> bool {
        match self {
            Self::All(children) | Self::Any(children) => children.iter().any(|child| child.shares_field(other)),
            Self::Literal(literal) => other.has_field(literal.field()),
        }
    }

    fn has_field(&self, field: &str) -> bool {
        match self {
            Self::All(children) | Self::Any(children) => children.iter().any(|child| child.has_field(field)),
            Self::Literal(literal) => literal.field() == field,
        }
    }

    /// Adds the formula to a list that holds as a whole.
    pub fn add_to(&self, list: &mut Vec<Self>) {
        match self {
            Self::All(children) => children.iter().for_each(|child| child.add_to(list)),
            other => list.push(other.clone()),
        }
    }
}

/// What came of looking for a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// There is one.
    Found,
    /// None was found.
    None,
    /// The work that one comparison may cost was done before an end came in sight.
    TooLarge,
}

impl Proof {
    /// Whether there is one.
    #[must_use]
    pub fn is_found(self) -> bool {
        self == Self::Found
    }
}

/// Comparisons of sets that a proof may take.
const MAX_WORK: u32 = 60_000;
/// Alternatives within alternatives of which each case is looked at.
const MAX_CASES_DEPTH: u32 = 6;

/// Counts the work of one proof.
#[derive(Debug)]
pub(crate) struct Prover {
    left: Cell<u32>,
    /// Whether two comparisons exclude each other only under one name of the field: a log may have two fields for what is
    /// one canonical field, with different values.
    by_name: bool,
}

impl Default for Prover {
    fn default() -> Self {
        Self { left: Cell::new(MAX_WORK), by_name: false }
    }
}

impl Prover {
    /// For what is said of one rule alone.
    pub fn of_one_rule() -> Self {
        Self { by_name: true, ..Self::default() }
    }

    fn is_spent(&self) -> bool {
        self.left.get() == 0
    }

    fn spend(&self, work: usize) {
        self.left.set(self.left.get().saturating_sub(u32::try_from(work).unwrap_or(u32::MAX)));
    }

    fn answer(&self, is_found: bool) -> Proof {
        match (is_found, self.is_spent()) {
            (true, _) => Proof::Found,
            (false, true) => Proof::TooLarge,
            (false, false) => Proof::None,
        }
    }

    /// Whether `goal` holds wherever all of `known` do.
    pub fn follows(&self, known: &[Formula], goal: &Formula) -> Proof {
        let mut list = Vec::new();
        known.iter().for_each(|formula| formula.add_to(&mut list));
        let is_found = self.entails(&list, goal, 0);
        self.answer(is_found)
    }

    /// Whether all of `known` never hold at once.
    pub fn contradict(&self, known: &[Formula]) -> Proof {
        let mut list = Vec::new();
        known.iter().for_each(|formula| formula.add_to(&mut list));
        let is_found = self.closes(&mut Vec::new(), &list);
        self.answer(is_found)
    }

    fn entails(&self, known: &[Formula], goal: &Formula, depth: u32) -> bool {
        if self.is_spent() {
            return false;
        }
        self.spend(1);
        if let Formula::All(goals) = goal {
            return goals.iter().all(|goal| self.entails(known, goal, depth));
        }
        if known.iter().any(|one| self.one_entails(one, goal)) {
            return true;
        }
        if let Formula::Any(goals) = goal
            && goals.iter().any(|goal| match goal {
                Formula::All(parts) => parts.iter().all(|part| known.iter().any(|one| self.one_entails(one, part))),
                other => known.iter().any(|one| self.one_entails(one, other)),
            })
        {
            return true;
        }
        depth < MAX_CASES_DEPTH && self.entails_in_each_case(known, goal, depth)
    }

    /// Looks at each alternative of one of the formulas.
    fn entails_in_each_case(&self, known: &[Formula], goal: &Formula, depth: u32) -> bool {
        let in_case = |at: usize, case: &Formula| {
            let mut list: Vec<Formula> = known.iter().take(at).cloned().collect();
            case.add_to(&mut list);
            list.extend(known.iter().skip(at + 1).cloned());
            self.literals_contradict(&list) || self.entails(&list, goal, depth + 1)
        };
        // Alternatives first, then the values of a comparison. What is about other fields than the goal decides nothing.
        let alternatives = known.iter().enumerate().find_map(|(at, formula)| match formula {
            Formula::Any(cases) if formula.shares_field(goal) => Some((at, cases)),
            _ => None,
        });
        if let Some((at, cases)) = alternatives {
            return cases.iter().all(|case| in_case(at, case));
        }
        if !matches!(goal, Formula::Any(_)) {
            return false;
        }
        let values = known.iter().enumerate().find_map(|(at, formula)| match formula {
            Formula::Literal(literal)
                if literal.is_positive() && literal.patterns().len() > 1 && goal.has_field(literal.field()) =>
            {
                Some((at, literal))
            }
            _ => None,
        });
        let Some((at, literal)) = values else { return false };
        (0..literal.patterns().len())
            .all(|only| in_case(at, &Formula::Literal(Literal { only: Some(only), ..literal.clone() })))
    }

    fn literals_contradict(&self, known: &[Formula]) -> bool {
        let literals: Vec<&Literal> = known
            .iter()
            .filter_map(|formula| if let Formula::Literal(literal) = formula { Some(literal) } else { None })
            .collect();
        literals
            .iter()
            .enumerate()
            .any(|(at, one)| literals.iter().skip(at + 1).any(|other| self.exclude_each_other(one, other)))
    }

    /// Whether one formula by itself entails another.
    fn one_entails(&self, one: &Formula, goal: &Formula) -> bool {
        if self.is_spent() {
            return false;
        }
        match (one, goal) {
            (_, Formula::All(goals)) => goals.iter().all(|goal| self.one_entails(one, goal)),
            (Formula::Any(cases), _) => !cases.is_empty() && cases.iter().all(|case| self.one_entails(case, goal)),
            (Formula::All(parts), Formula::Any(goals)) => {
                goals.iter().any(|goal| self.one_entails(one, goal))
                    || parts.iter().any(|part| self.one_entails(part, goal))
            }
            (Formula::All(parts), _) => parts.iter().any(|part| self.one_entails(part, goal)),
            (_, Formula::Any(goals)) => goals.iter().any(|goal| self.one_entails(one, goal)),
            (Formula::Literal(one), Formula::Literal(goal)) => self.literal_entails(one, goal),
        }
    }

    fn literal_entails(&self, one: &Literal, goal: &Literal) -> bool {
        if one.field() != goal.field() {
            return false;
        }
        if Arc::ptr_eq(&one.source, &goal.source) && one.complement == goal.complement {
            return goal.only.is_none() || one.only == goal.only;
        }
        if one.holds_if_missing() && !goal.holds_if_missing() {
            return false;
        }
        if self.by_name && !one.source.has_name_of(&goal.source) {
            return false;
        }
        match (one.is_positive(), goal.is_positive()) {
            (true, true) => self.all_within(one, goal),
            (false, false) => self.all_within(goal, one),
            // A field that has the one value has no other, unless it holds several.
            (true, false) => !one.source.holds_several && !goal.source.holds_several && self.all_apart(one, goal),
            (false, true) => {
                // It has a value, and every value will do.
                !one.holds_if_missing()
                    && goal.patterns().iter().any(|pattern| matches!(pattern.shape, Shape::Anything))
            }
        }
    }

    /// Whether two comparisons never hold at once.
    pub fn exclude_each_other(&self, one: &Literal, other: &Literal) -> bool {
        if one.field() != other.field() || (one.holds_if_missing() && other.holds_if_missing()) {
            return false;
        }
        let is_other = !one.source.has_name_of(&other.source) || one.source.may_see_another_value(&other.source);
        if self.by_name && is_other {
            return false;
        }
        match (one.is_positive(), other.is_positive()) {
            (true, true) => !one.source.holds_several && !other.source.holds_several && self.all_apart(one, other),
            (true, false) => self.all_within(one, other),
            (false, true) => self.all_within(other, one),
            (false, false) => {
                let needs_missing = |literal: &Literal| {
                    literal.patterns().iter().any(|pattern| matches!(pattern.shape, Shape::Anything))
                };
                needs_missing(one) || needs_missing(other)
            }
        }
    }

    fn all_within(&self, one: &Literal, other: &Literal) -> bool {
        let (inner, outer) = (one.patterns(), other.patterns());
        inner.iter().all(|pattern| {
            if let Some(is_known) = other.knows_exactly(pattern) {
                self.spend(1);
                return is_known;
            }
            outer.iter().any(|around| {
                self.spend(pattern.work_with(around));
                !self.is_spent() && pattern.is_within(around)
            })
        })
    }

    fn all_apart(&self, one: &Literal, other: &Literal) -> bool {
        let others = other.patterns();
        one.patterns().iter().all(|pattern| {
            others.iter().all(|apart| {
                self.spend(pattern.work_with(apart));
                !self.is_spent() && pattern.is_apart_from(apart)
            })
        })
    }

    /// Whether no way through the alternatives of `rest` goes together with `literals`.
    fn closes(&self, literals: &mut Vec<Literal>, rest: &[Formula]) -> bool {
        if self.is_spent() {
            return false;
        }
        self.spend(1);
        let before = literals.len();
        // What has no alternatives is looked at first.
        for formula in rest {
            let Formula::Literal(literal) = formula else { continue };
            if literals.iter().any(|known| self.exclude_each_other(known, literal)) {
                literals.truncate(before);
                return true;
            }
            literals.push(literal.clone());
        }
        let open: Vec<&Formula> = rest.iter().filter(|formula| matches!(formula, Formula::Any(_))).collect();
        let mut in_case = |case: &Formula, others: &[&Formula]| {
            let mut list = Vec::new();
            case.add_to(&mut list);
            list.extend(others.iter().map(|other| (*other).clone()));
            self.closes(literals, &list)
        };
        let mut closes_all = |formula: &Formula, others: &[&Formula]| match formula {
            Formula::Any(cases) => cases.iter().all(|case| in_case(case, others)),
            _ => false,
        };
        // Alternatives none of which goes with what is certain, before any two are looked at together; of those, only
        // what is about the same fields.
        let is_closed = open.iter().any(|formula| closes_all(formula, &[])) || {
            let is_connected = |(at, one): &(usize, &&Formula)| {
                open.iter().enumerate().any(|(other_at, other)| other_at != *at && one.shares_field(other))
            };
            let connected: Vec<&Formula> = open.iter().enumerate().filter(is_connected).map(|(_, one)| *one).collect();
            match connected.as_slice() {
                [first, others @ ..] if !others.is_empty() => closes_all(first, others),
                _ => false,
            }
        };
        literals.truncate(before);
        is_closed
    }
}
