use std::cmp::Ordering;

use memchr::memmem::Finder;
use ruleatlas_model::{Op, Predicate, fold_case};

use crate::{
    event::FieldValue, glob::Glob, modifier::Transforms, network::Network, pattern::Expression, scalar::Scalar,
    verdict::UnknownReason,
};

/// A comparison with one literal, or with several whole texts; texts are in lower case unless case counts.
#[derive(Clone, Debug)]
pub(crate) enum Matcher {
    Whole(Box<WholeTexts>),
    Contains(Box<Needle>),
    StartsWith(Box<str>),
    EndsWith(Box<str>),
    Glob(Glob),
    Term { text: Box<Needle>, begins: bool, ends: bool },
    Regex(Box<Expression>),
    Network(Network),
    Ordered(Box<Order>),
}

/// Whole texts, each with the place of the literal that it is of.
#[derive(Clone, Debug)]
pub(crate) struct WholeTexts {
    /// In order, each once.
    texts: Box<[(Box<str>, u32)]>,
    /// The numbers that some of them spell.
    scalars: Box<[(Scalar, u32)]>,
}

/// A literal that values come before or behind.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    op: Op,
    text: String,
    number: Option<Scalar>,
    text_order: bool,
}

/// What a value must have to match.
#[derive(Clone, Debug)]
pub(crate) enum Need {
    /// This text inside; texts are without case.
    Inside(String),
    /// It is this text.
    Whole(String),
    /// It is this number or boolean, however it is spelled.
    Number(Scalar),
}

/// A text to look for, made ready once for all events.
#[derive(Clone, Debug)]
pub(crate) struct Needle {
    text: String,
    finder: Finder<'static>,
}

impl Needle {
    fn new(text: String) -> Self {
        let finder = Finder::new(text.as_bytes()).into_owned();
        Self { text, finder }
    }

    /// Where it begins in a text. What is found of one text in another begins and ends between characters.
    fn find(&self, text: &str) -> Option<usize> {
        self.finder.find(text.as_bytes())
    }
}

impl Matcher {
    /// What compares with whole texts, each with the place of its literal.
    pub(crate) fn whole(values: &[(String, u32)], case_sensitive: bool) -> Self {
        let cased = |(value, place): &(String, u32)| (cased(value, case_sensitive).into_boxed_str(), *place);
        let mut texts: Vec<(Box<str>, u32)> = values.iter().map(cased).collect();
        texts.sort_unstable();
        // What compares alike is one indicator, whichever literal it is of.
        texts.dedup_by(|one, other| one.0 == other.0);
        let scalars = values.iter().filter_map(|(value, place)| Some((Scalar::read(value)?, *place)));
        Self::Whole(Box::new(WholeTexts { texts: texts.into(), scalars: scalars.collect() }))
    }

    /// What compares with `value` as the predicate says; none of the predicate's whole-text, presence and list
    /// operators comes here but with `windash`.
    pub(crate) fn new(predicate: &Predicate, transforms: &Transforms, value: &str) -> Result<Self, UnknownReason> {
        let case_sensitive = predicate.case_sensitive;
        let cased_glob = |glob: Glob| if case_sensitive { glob } else { glob.folded() };
        let dashed = |glob: Glob| if transforms.windash { glob.with_any_dash() } else { glob };
        Ok(match predicate.op {
            Op::RegexMatch => {
                return Expression::read(value, case_sensitive, transforms).map(|read| Self::Regex(Box::new(read)));
            }
            Op::CidrMatch => return Network::read(value).map(Self::Network).ok_or(UnknownReason::ValueIsNoNetwork),
            Op::Lt | Op::Lte | Op::Gt | Op::Gte => Self::Ordered(Box::new(Order {
                op: predicate.op,
                text: cased(value, case_sensitive),
                number: Scalar::read_number(value),
                text_order: predicate.text_order,
            })),
            Op::Wildcard => Self::Glob(cased_glob(dashed(Glob::read(value)))),
            Op::Match => {
                let glob = cased_glob(dashed(Glob::read(value)));
                let is_keyword = predicate.raw_field.is_empty();
                let either = transforms.prefix || transforms.suffix;
                match glob.as_plain() {
                    None => Self::Glob(glob.open(true, true)),
                    Some(text) if is_keyword && !either => Self::Contains(Box::new(Needle::new(text))),
                    Some(text) => Self::Term {
                        text: Box::new(Needle::new(text)),
                        begins: transforms.prefix || !either,
                        ends: transforms.suffix || !either,
                    },
                }
            }
            op if transforms.windash => {
                let (before, behind) = match op {
                    Op::Contains => (true, true),
                    Op::StartsWith => (false, true),
                    Op::EndsWith => (true, false),
                    _ => (false, false),
                };
                Self::Glob(cased_glob(dashed(Glob::plain(value))).open(before, behind))
            }
            Op::Contains => Self::Contains(Box::new(Needle::new(cased(value, case_sensitive)))),
            Op::StartsWith => Self::StartsWith(cased(value, case_sensitive).into()),
            Op::EndsWith => Self::EndsWith(cased(value, case_sensitive).into()),
            _ => return Err(UnknownReason::OperatorTakesNoLiteral),
        })
    }

    /// What of which a value must have one to match; `None` where nothing is known of that.
    pub(crate) fn needs(&self) -> Option<Vec<Need>> {
        let one = |text: &str| (!text.is_empty()).then(|| vec![Need::Inside(fold_case(text).into_owned())]);
        match self {
            Self::Whole(whole) => {
                let texts = whole.texts.iter().map(|(text, _)| Need::Whole(fold_case(text).into_owned()));
                Some(texts.chain(whole.scalars.iter().map(|(scalar, _)| Need::Number(*scalar))).collect())
            }
            Self::Contains(needle) => one(&needle.text),
            Self::StartsWith(text) | Self::EndsWith(text) => one(text),
            Self::Term { text, .. } => one(&text.text),
            Self::Glob(glob) => one(&glob.longest_text()),
            Self::Regex(expression) => {
                expression.needles().map(|needles| needles.into_iter().map(Need::Inside).collect())
            }
            Self::Network(_) | Self::Ordered(_) => None,
        }
    }

    /// Whether a value can be compared at all: a text that is no number has no order with one.
    pub(crate) fn can_compare(&self, value: &FieldValue<'_>) -> bool {
        match self {
            Self::Ordered(order) if order.number.is_some() && !order.text_order => {
                Scalar::read_number(value.text(true)).is_some()
            }
            _ => true,
        }
    }

    /// Whether a value is as asked.
    pub(crate) fn matches(&self, value: &FieldValue<'_>, case_sensitive: bool) -> bool {
        let text = || value.text(case_sensitive);
        match self {
            Self::Whole(whole) => whole.matching(value, case_sensitive).next().is_some(),
            Self::Contains(needle) => needle.find(text()).is_some(),
            Self::StartsWith(part) => text().starts_with(&**part),
            Self::EndsWith(part) => text().ends_with(&**part),
            // `?` is one character of the value, whose folding may be several.
            Self::Glob(glob) => glob.matches(value.text(true)),
            Self::Term { text: term, begins, ends } => has_term(text(), term, *begins, *ends),
            // The expression has its own case rule, which lower case would spoil (`[^A-Z]`).
            Self::Regex(expression) => expression.is_match(value.text(true), value.text(false)),
            Self::Network(network) => network.contains(text()),
            Self::Ordered(order) => order.holds(text()),
        }
    }

    /// Hands over the places of the literals that a value is as; `place` is that of this one's literal, where it has one.
    pub(crate) fn each_match(
        &self,
        place: u32,
        value: &FieldValue<'_>,
        case_sensitive: bool,
        each: &mut dyn FnMut(u32),
    ) {
        match self {
            Self::Whole(whole) => whole.matching(value, case_sensitive).for_each(each),
            other if other.matches(value, case_sensitive) => each(place),
            _ => {}
        }
    }
}

impl WholeTexts {
    /// The places of the literals that a value is.
    fn matching(&self, value: &FieldValue<'_>, case_sensitive: bool) -> impl Iterator<Item = u32> {
        let text = value.text(case_sensitive);
        let by_text = self.texts.binary_search_by(|(known, _)| (**known).cmp(text)).ok();
        let scalar = if self.scalars.is_empty() { None } else { value.scalar() };
        let by_number = self.scalars.iter().filter(move |(known, _)| scalar == Some(*known));
        by_text
            .and_then(|at| self.texts.get(at))
            .map(|(_, place)| *place)
            .into_iter()
            .chain(by_number.map(|(_, at)| *at))
    }
}

impl Order {
    fn holds(&self, found: &str) -> bool {
        let ordering = match (&self.number, Scalar::read_number(found)) {
            (Some(number), Some(found)) => found.partial_cmp(number),
            (Some(_), None) if !self.text_order => None,
            _ => Some(found.cmp(self.text.as_str())),
        };
        ordering.is_some_and(|ordering| match self.op {
            Op::Lt => ordering == Ordering::Less,
            Op::Lte => ordering != Ordering::Greater,
            Op::Gt => ordering == Ordering::Greater,
            _ => ordering != Ordering::Less,
        })
    }
}

fn cased(value: &str, case_sensitive: bool) -> String {
    if case_sensitive { value.to_owned() } else { fold_case(value).into_owned() }
}

/// Whether `term` stands in `text` without cutting a run of letters and digits in two, where it has to begin or end
/// a term.
fn has_term(text: &str, needle: &Needle, begins: bool, ends: bool) -> bool {
    let term = needle.text.as_str();
    let is_inner = |left: Option<char>, right: Option<char>| {
        left.is_some_and(char::is_alphanumeric) && right.is_some_and(char::is_alphanumeric)
    };
    let (first, last) = (term.chars().next(), term.chars().next_back());
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|rest| needle.find(rest)).map(|at| from + at) {
        let end = at + term.len();
        let cut_before = begins && is_inner(text[..at].chars().next_back(), first);
        let cut_behind = ends && is_inner(last, text[end..].chars().next());
        if !cut_before && !cut_behind {
            return true;
        }
        from = at + text[at..].chars().next().map_or(1, char::len_utf8);
    }
    false
}
