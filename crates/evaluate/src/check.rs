use ruleatlas_model::{Missing, Modifier, Op, Predicate, Span};
use rustc_hash::FxHashSet;

use crate::{
    event::{Carried, Event, Field, FieldValue, KnownField, Resolve},
    matcher::Matcher,
    modifier::Transforms,
    verdict::{Reason, Truth, UnknownReason},
};

/// Pairs of values that a comparison of two fields looks at.
const MAX_PAIRS: usize = 1 << 20;

/// A predicate, ready for events.
#[derive(Clone, Debug)]
pub(crate) struct Check {
    field: Field,
    /// The field it was cut out of.
    origin: Option<(Field, Reason)>,
    negated: bool,
    missing: Missing,
    case_sensitive: bool,
    /// Why it is unknown where the telemetry never has the field.
    blind: Reason,
    /// Whether it only guards an alternative: what the telemetry never has is missing for it.
    guard: bool,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    /// There is a value, or there is none; `truthy` passes over values that are empty, zero or false, `filled` over empty
    /// texts, `json` over texts that are no JSON.
    Present { wanted: bool, truthy: bool, filled: bool, json: bool },
    /// Any of these matches; what cannot be known of the alternatives decides only if none does.
    AnyOf { matchers: Vec<Matcher>, unknown: Vec<Reason> },
    /// The value of another field.
    Other { fields: Vec<Field>, relation: Relation, too_many: Reason },
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
    /// A value of the field that has one of these texts inside, without regard to case.
    Texts(Vec<String>),
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
            Test::Other { fields, .. } => fields.as_slice(),
            _ => &[],
        };
        let origin = self.origin.iter().map(|(origin, _)| origin);
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
            Test::AnyOf { unknown, .. } if !unknown.is_empty() => None,
            Test::AnyOf { matchers, .. } => {
                let needles: Option<Vec<Vec<String>>> = matchers.iter().map(Matcher::needles).collect();
                let needed = needles.map_or(Needed::Value, |needles| Needed::Texts(needles.concat()));
                Some((&self.field, needed))
            }
        }
    }

    /// A predicate's check, or why nothing can be known of it whatever the event.
    pub(crate) fn new(predicate: &Predicate, resolve: Resolve<'_>) -> Result<Self, Reason> {
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
            Some(_) => Field::new(&predicate.raw_field),
            None => Field::resolved(&predicate.raw_field, resolve),
        };
        let origin = predicate.derived_from.as_deref().map(|origin| {
            (Field::resolved(origin, resolve), Reason::new("field is cut out of another", &predicate.raw_field, span))
        });
        let test = match predicate.op {
            Op::IsNull | Op::IsNotNull => Test::Present {
                wanted: predicate.op == Op::IsNotNull,
                truthy: transforms.truthy,
                filled: predicate.empty_is_null,
                json: transforms.json,
            },
            Op::FieldRef => Test::Other {
                fields: predicate.values.iter().map(|name| Field::resolved(name, resolve)).collect(),
                relation: Relation::of(&transforms),
                too_many: Reason::new("too many pairs of values", &predicate.raw_field, span),
            },
            _ => literals(predicate, &transforms, span),
        };
        let Predicate { negated, missing, case_sensitive, guard, .. } = *predicate;
        let blind = Reason::new(Reason::BLIND, &predicate.raw_field, span);
        Ok(Self { field, origin, negated, missing, case_sensitive, blind, guard, test })
    }

    /// What the comparison is for an event; why it is unknown is added to `reasons`.
    pub(crate) fn evaluate<'c>(&'c self, event: &Event<'_>, reasons: &mut Vec<&'c Reason>) -> Truth {
        let values = event.values(&self.field);
        if values.is_empty()
            && let Some((origin, reason)) = &self.origin
            && !event.values(origin).is_empty()
        {
            reasons.push(reason);
            return Truth::Unknown;
        }
        if values.is_empty() && !self.guard && event.is_blind(&self.field) {
            reasons.push(&self.blind);
            return Truth::Unknown;
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
            Test::AnyOf { matchers, unknown } => {
                let matches =
                    |matcher: &Matcher| values.iter().any(|value| matcher.matches(value, self.case_sensitive));
                let can_compare = |matcher: &Matcher| values.iter().any(|value| matcher.can_compare(value));
                match matchers.iter().any(matches) {
                    // As without a value: `toint("-") < 5` is null.
                    false
                        if unknown.is_empty() && self.missing == Missing::Null && !matchers.iter().any(can_compare) =>
                    {
                        return Truth::Null;
                    }
                    false if !unknown.is_empty() => {
                        reasons.extend(unknown);
                        Truth::Unknown
                    }
                    holds => holds.into(),
                }
            }
            Test::Other { fields, relation, too_many } => {
                let others: Vec<_> = fields.iter().flat_map(|field| event.values(field)).collect();
                if others.is_empty() {
                    return self.missing.into();
                }
                if values.len().saturating_mul(others.len()) > MAX_PAIRS {
                    reasons.push(too_many);
                    return Truth::Unknown;
                }
                let related = |value: &&FieldValue<'_>| {
                    others.iter().any(|other| relation.holds(value, other, self.case_sensitive))
                };
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
    for value in &predicate.values {
        let read = match why {
            Some(why) => Err(why),
            None => transforms.encoded(value),
        };
        let compiled = read.and_then(|alternatives| {
            if whole {
                texts.extend(alternatives);
                return Ok(());
            }
            for value in alternatives {
                matchers.push(Matcher::new(predicate, transforms, &value)?);
            }
            Ok(())
        });
        if let Err(why) = compiled {
            unknown.push(Reason::new(why.as_str(), value, span));
        }
    }
    if !texts.is_empty() {
        matchers.push(Matcher::whole(&texts, predicate.case_sensitive));
    }
    Test::AnyOf { matchers, unknown }
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
