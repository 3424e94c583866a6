use ruleatlas_model::{Missing, Modifier, Op, Predicate, Span};
use rustc_hash::FxHashSet;

use crate::{
    event::{Carried, Event, Field, FieldValue, KnownField, Names, Resolve},
    matcher::{Matcher, Need},
    modifier::Transforms,
    verdict::{Reason, ReasonRef, Truth, UnknownReason},
};

/// Pairs of values that a comparison of two fields looks at.
const MAX_PAIRS: usize = 1 << 20;

/// A predicate, ready for events.
#[derive(Clone, Debug)]
pub(crate) struct Check {
    field: Field,
    /// The field it was cut out of.
    origin: Option<Box<Field>>,
    negated: bool,
    missing: Missing,
    case_sensitive: bool,
    /// Whether it only guards an alternative: what the telemetry never has is missing for it.
    guard: bool,
    /// How many literals it has.
    literals: u32,
    /// Where it stands in the query.
    span: Span,
    test: Test,
}

/// Where reasons are gathered, if anybody asks for them.
pub(crate) type Reasons<'r, 'c> = Option<&'r mut Vec<ReasonRef<'c>>>;

#[derive(Clone, Debug)]
enum Test {
    /// There is a value, or there is none; `truthy` passes over values that are empty, zero or false, `filled` over empty
    /// texts, `json` over texts that are no JSON.
    Present { wanted: bool, truthy: bool, filled: bool, json: bool },
    /// Any of these matches; what cannot be known of the alternatives decides only if none does.
    AnyOf(Box<AnyOf>),
    /// The value of another field.
    Other { fields: Box<[Field]>, relation: Relation },
}

#[derive(Clone, Debug)]
struct AnyOf {
    /// Each with the place of its literal.
    matchers: Box<[(u32, Matcher)]>,
    unknown: Box<[Reason]>,
}

#[derive(Clone, Copy, Debug)]
enum Relation {
    Equals,
    Contains,
    StartsWith,
    EndsWith,
}

/// What an event must have for a comparison to be as wanted.
pub(crate) enum Needed {
    /// A value of the field.
    Value,
    /// A value of the field that has one of these.
    OneOf(Vec<Need>),
}

impl Check {
    /// Whether telemetry can have the field, and it is not one of `common`.
    pub(crate) fn can_read(&self, carried: &dyn Carried, common: &FxHashSet<KnownField>) -> bool {
        let is_common = matches!(&self.field, Field::Known { field, .. } if common.contains(field));
        !is_common && self.is_carried(carried)
    }

    /// Whether telemetry can have the field.
    pub(crate) fn is_carried(&self, carried: &dyn Carried) -> bool {
        match &self.field {
            Field::Any => true,
            Field::Known { field, .. } => carried.carries(*field),
            Field::Named(name) => carried.carries_name(name.folded()),
        }
    }

    /// The known fields that it asks for.
    pub(crate) fn known_fields(&self) -> impl Iterator<Item = KnownField> {
        let others = match &self.test {
            Test::Other { fields, .. } => &**fields,
            _ => &[],
        };
        let origin = self.origin.as_deref();
        std::iter::once(&self.field).chain(origin).chain(others).filter_map(|field| match field {
            Field::Known { field, .. } => Some(*field),
            _ => None,
        })
    }

    /// The field, and what it must have for the comparison to hold, or not to hold where `wanted` is false; `None` where
    /// the comparison can be so, or be unknown, without any.
    pub(crate) fn needed(&self, wanted: bool) -> Option<(&Field, Needed)> {
        // What is missing decides by itself.
        let decides = if wanted { self.missing == Missing::Holds } else { self.missing == Missing::Fails };
        if wanted == self.negated || self.origin.is_some() {
            return None;
        }
        match &self.test {
            Test::Present { wanted: true, .. } => Some((&self.field, Needed::Value)),
            Test::Present { .. } => None,
            _ if decides => None,
            Test::Other { .. } if !wanted || self.missing == Missing::Holds => None,
            Test::Other { .. } => Some((&self.field, Needed::Value)),
            Test::AnyOf(any) if !any.unknown.is_empty() => None,
            Test::AnyOf(any) => {
                let needs: Option<Vec<Vec<Need>>> = any.matchers.iter().map(|(_, matcher)| matcher.needs()).collect();
                let needed = needs.map_or(Needed::Value, |needs| Needed::OneOf(needs.into_iter().flatten().collect()));
                Some((&self.field, needed))
            }
        }
    }

    /// A predicate's check, or why nothing can be known of it whatever the event.
    pub(crate) fn new(predicate: &Predicate, resolve: Resolve<'_>, names: &mut Names) -> Result<Self, Reason> {
        let span = predicate.span;
        if predicate.computed {
            return Err(Reason::new("comparison of something computed", &predicate.raw_field, span));
        }
        if predicate.modifiers.contains(Modifier::Step) {
            return Err(Reason::new("field of another step", &predicate.raw_field, span));
        }
        let transforms = Transforms::read(&predicate.modifiers)
            .map_err(|name| Reason::new(format!("modifier `{name}` is not known"), &predicate.raw_field, span))?;
        // A name that was cut out of another is no field of the event, even if it is called like one.
        let field = match predicate.derived_from {
            Some(_) => Field::new(&predicate.raw_field, names),
            None => Field::resolved(&predicate.raw_field, resolve, names),
        };
        let origin = predicate.derived_from.as_deref().map(|origin| Box::new(Field::resolved(origin, resolve, names)));
        let test = match predicate.op {
            Op::IsNull | Op::IsNotNull => Test::Present {
                wanted: predicate.op == Op::IsNotNull,
                truthy: transforms.truthy,
                filled: predicate.empty_is_null,
                json: transforms.json,
            },
            Op::FieldRef => Test::Other {
                fields: predicate.values.iter().map(|name| Field::resolved(name, resolve, names)).collect(),
                relation: Relation::of(&transforms),
            },
            _ => literals(predicate, &transforms, span),
        };
        let Predicate { negated, missing, case_sensitive, guard, .. } = *predicate;
        let literals = u32::try_from(predicate.values.len()).unwrap_or(u32::MAX);
        Ok(Self { field, origin, negated, missing, case_sensitive, guard, literals, span, test })
    }

    /// It is unknown, for a reason that is about its field.
    fn unknown<'c>(&'c self, why: &'static str, reasons: Reasons<'_, 'c>) -> Truth {
        if let Some(reasons) = reasons {
            reasons.push(ReasonRef { why, text: self.field.written(), span: self.span });
        }
        Truth::Unknown
    }

    /// Of a comparison that holds and is not negated, hands over the places of the literals with which it does; a place may come
    /// more than once, and a comparison without literals has the place 0.
    pub(crate) fn each_literal(&self, event: &Event<'_>, each: &mut dyn FnMut(u32)) {
        let values = event.values(&self.field);
        match &self.test {
            Test::Present { .. } => each(0),
            // What is missing holds with each.
            _ if values.is_empty() => (0..self.literals).for_each(each),
            Test::AnyOf(any) => {
                for value in &values {
                    for (place, matcher) in &any.matchers {
                        matcher.each_match(*place, value, self.case_sensitive, each);
                    }
                }
            }
            Test::Other { fields, relation } => {
                for (place, field) in (0..).zip(fields) {
                    let others = event.values(field);
                    let related = |value: &&FieldValue<'_>| {
                        others.iter().any(|other| relation.holds(value, other, self.case_sensitive))
                    };
                    if values.iter().any(related) {
                        each(place);
                    }
                }
            }
        }
    }

    /// What the comparison is for an event; why it is unknown is added to `reasons`.
    pub(crate) fn evaluate<'c>(&'c self, event: &Event<'_>, reasons: Reasons<'_, 'c>) -> Truth {
        let values = event.values(&self.field);
        if values.is_empty()
            && let Some(origin) = &self.origin
            && !event.values(origin).is_empty()
        {
            return self.unknown("field is cut out of another", reasons);
        }
        if values.is_empty() && !self.guard && event.is_blind(&self.field) {
            return self.unknown(Reason::BLIND, reasons);
        }
        let is_known = matches!(self.field, Field::Known { .. });
        let positive = match &self.test {
            Test::Present { wanted, truthy, filled, json } => {
                let counts = |value: &&FieldValue<'_>| {
                    (!truthy || value.is_truthy())
                        && (!filled || !value.text(true).is_empty())
                        && (!json || value.is_json())
                        && !(is_known && value.is_none_mark())
                };
                let some = values.iter().any(counts);
                Truth::from(some == *wanted)
            }
            _ if values.is_empty() => return self.without_value(event),
            Test::AnyOf(any) => {
                let matches =
                    |matcher: &Matcher| values.iter().any(|value| matcher.matches(value, self.case_sensitive));
                let can_compare = |matcher: &Matcher| values.iter().any(|value| matcher.can_compare(value));
                match any.matchers.iter().any(|(_, matcher)| matches(matcher)) {
                    // As without a value: `toint("-") < 5` is null.
                    false
                        if any.unknown.is_empty()
                            && self.missing == Missing::Null
                            && !any.matchers.iter().any(|(_, matcher)| can_compare(matcher)) =>
                    {
                        return Truth::Null;
                    }
                    false if !any.unknown.is_empty() => {
                        if let Some(reasons) = reasons {
                            reasons.extend(any.unknown.iter().map(ReasonRef::from));
                        }
                        Truth::Unknown
                    }
                    holds => holds.into(),
                }
            }
            Test::Other { fields, relation } => {
                let others: Vec<_> = fields.iter().flat_map(|field| event.values(field)).collect();
                if others.is_empty() {
                    return self.missing.into();
                }
                let related = |value: &&FieldValue<'_>| {
                    others.iter().any(|other| relation.holds(value, other, self.case_sensitive))
                };
                if values.len().saturating_mul(others.len()) > MAX_PAIRS {
                    return self.unknown("too many pairs of values", reasons);
                }
                values.iter().any(related).into()
            }
        };
        if self.negated { !positive } else { positive }
    }

    /// What the comparison as written is when the field is missing.
    fn without_value(&self, event: &Event<'_>) -> Truth {
        if let Test::Other { fields, .. } = &self.test
            && self.missing == Missing::Holds
            && fields.iter().all(|field| event.values(field).is_empty())
        {
            return Truth::Fails;
        }
        self.missing.into()
    }
}

impl From<Missing> for Truth {
    fn from(missing: Missing) -> Self {
        match missing {
            Missing::Fails => Self::Fails,
            Missing::Holds => Self::Holds,
            Missing::Null => Self::Null,
        }
    }
}

impl Relation {
    fn of(transforms: &Transforms) -> Self {
        match (transforms.contains, transforms.starts_with, transforms.ends_with) {
            (true, _, _) | (_, true, true) => Self::Contains,
            (_, true, _) => Self::StartsWith,
            (_, _, true) => Self::EndsWith,
            _ => Self::Equals,
        }
    }

    fn holds(self, value: &FieldValue<'_>, other: &FieldValue<'_>, case_sensitive: bool) -> bool {
        let (text, part) = (value.text(case_sensitive), other.text(case_sensitive));
        match self {
            Self::Equals => text == part || value.scalar().is_some_and(|scalar| Some(scalar) == other.scalar()),
            Self::Contains => text.contains(part),
            Self::StartsWith => text.starts_with(part),
            Self::EndsWith => text.ends_with(part),
        }
    }
}

fn literals(predicate: &Predicate, transforms: &Transforms, span: Span) -> Test {
    let mut matchers = Vec::new();
    let mut unknown = Vec::new();
    let why = why_unknown(predicate, transforms);
    let whole = predicate.op.is_whole() && !transforms.windash;
    let mut texts = Vec::new();
    for (place, value) in (0..).zip(&predicate.values) {
        let read = match why {
            Some(why) => Err(why),
            None => transforms.encoded(value),
        };
        let compiled = read.and_then(|alternatives| {
            if whole {
                texts.extend(alternatives.into_iter().map(|text| (text, place)));
                return Ok(());
            }
            for value in alternatives {
                matchers.push((place, Matcher::new(predicate, transforms, &value)?));
            }
            Ok(())
        });
        if let Err(why) = compiled {
            unknown.push(Reason::new(why.as_str(), value, span));
        }
    }
    if !texts.is_empty() {
        matchers.push((0, Matcher::whole(&texts, predicate.case_sensitive)));
    }
    Test::AnyOf(Box::new(AnyOf { matchers: matchers.into(), unknown: unknown.into() }))
}

/// Why no literal of the predicate can be compared.
fn why_unknown(predicate: &Predicate, transforms: &Transforms) -> Option<UnknownReason> {
    let is_pattern = matches!(predicate.op, Op::Wildcard | Op::RegexMatch | Op::CidrMatch);
    match () {
        () if predicate.op == Op::InList => Some(UnknownReason::UnknownList),
        () if transforms.expand => Some(UnknownReason::Placeholder),
        () if transforms.encode() && (is_pattern || transforms.windash) => Some(UnknownReason::PatternCannotBeEncoded),
        () if transforms.windash && matches!(predicate.op, Op::RegexMatch | Op::CidrMatch) => {
            Some(UnknownReason::ModifierDoesNotApply)
        }
        () => None,
    }
}
