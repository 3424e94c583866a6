use std::cmp::Ordering;

use memchr::memmem::Finder;
use regex::Regex;
use ruleatlas_model::{Op, Predicate, fold_case};
use rustc_hash::FxHashSet;

use crate::{
    event::FieldValue, glob::Glob, modifier::Transforms, network::Network, pattern, scalar::Scalar,
    verdict::UnknownReason,
};

/// A comparison with one literal, or with several whole texts; texts are in lower case unless case counts.
#[derive(Clone, Debug)]
pub(crate) enum Matcher {
    Whole { texts: FxHashSet<String>, scalars: Vec<Scalar> },
    Contains(Needle),
    StartsWith(String),
    EndsWith(String),
    Glob(Glob),
    Term { text: Needle, begins: bool, ends: bool },
    Regex(Regex),
    Network(Network),
    Ordered { op: Op, text: String, number: Option<Scalar>, text_order: bool },
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
    /// What compares with the whole texts `values`.
    pub(crate) fn whole(values: &[String], case_sensitive: bool) -> Self {
        Self::Whole {
            texts: values.iter().map(|value| cased(value, case_sensitive)).collect(),
            scalars: values.iter().filter_map(|value| Scalar::read(value)).collect(),
        }
    }

    /// What compares with `value` as the predicate says; none of the predicate's whole-text, presence and list
    /// operators comes here but with `windash`.
    pub(crate) fn new(predicate: &Predicate, transforms: &Transforms, value: &str) -> Result<Self, UnknownReason> {
        let case_sensitive = predicate.case_sensitive;
        let cased_glob = |glob: Glob| if case_sensitive { glob } else { glob.folded() };
        let dashed = |glob: Glob| if transforms.windash { glob.with_any_dash() } else { glob };
        Ok(match predicate.op {
            Op::RegexMatch => return pattern::compile(value, case_sensitive, transforms).map(Self::Regex),
            Op::CidrMatch => return Network::read(value).map(Self::Network).ok_or(UnknownReason::ValueIsNoNetwork),
            Op::Lt | Op::Lte | Op::Gt | Op::Gte => Self::Ordered {
                op: predicate.op,
                text: cased(value, case_sensitive),
                number: Scalar::read_number(value),
                text_order: predicate.text_order,
            },
            Op::Wildcard => Self::Glob(cased_glob(dashed(Glob::read(value)))),
            Op::Match => {
                let glob = cased_glob(dashed(Glob::read(value)));
                let is_keyword = predicate.raw_field.is_empty();
                let either = transforms.prefix || transforms.suffix;
                match glob.as_plain() {
                    None => Self::Glob(glob.open(true, true)),
                    Some(text) if is_keyword && !either => Self::Contains(Needle::new(text)),
                    Some(text) => Self::Term {
                        text: Needle::new(text),
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
            Op::Contains => Self::Contains(Needle::new(cased(value, case_sensitive))),
            Op::StartsWith => Self::StartsWith(cased(value, case_sensitive)),
            Op::EndsWith => Self::EndsWith(cased(value, case_sensitive)),
            _ => return Err(UnknownReason::OperatorTakesNoLiteral),
        })
    }

    /// Texts without case of which a value must have one inside to match; `None` where nothing is known of that.
    pub(crate) fn needles(&self) -> Option<Vec<String>> {
        let one = |text: &str| (!text.is_empty()).then(|| vec![fold_case(text).into_owned()]);
        match self {
            // A number matches however it is spelled.
            Self::Whole { scalars, .. } if !scalars.is_empty() => None,
            Self::Whole { texts, .. } => {
                let mut needles: Vec<String> = texts.iter().map(|text| fold_case(text).into_owned()).collect();
                needles.sort_unstable();
                (!needles.iter().any(String::is_empty)).then_some(needles)
            }
            Self::Contains(needle) => one(&needle.text),
            Self::StartsWith(text) | Self::EndsWith(text) => one(text),
            Self::Term { text, .. } => one(&text.text),
            Self::Glob(glob) => one(&glob.longest_text()),
            Self::Regex(regex) => pattern::needles(regex),
            Self::Network(_) | Self::Ordered { .. } => None,
        }
    }

    /// Whether a value can be compared at all: a text that is no number has no order with one.
    pub(crate) fn can_compare(&self, value: &FieldValue<'_>) -> bool {
        match self {
            Self::Ordered { number: Some(_), text_order: false, .. } => Scalar::read_number(value.text(true)).is_some(),
            _ => true,
        }
    }

    /// Whether a value is as asked.
    pub(crate) fn matches(&self, value: &FieldValue<'_>, case_sensitive: bool) -> bool {
        let text = || value.text(case_sensitive);
        match self {
            Self::Whole { texts, scalars } => {
                texts.contains(text())
                    || (!scalars.is_empty() && value.scalar().is_some_and(|scalar| scalars.contains(&scalar)))
            }
            Self::Contains(needle) => needle.find(text()).is_some(),
            Self::StartsWith(part) => text().starts_with(part.as_str()),
            Self::EndsWith(part) => text().ends_with(part.as_str()),
            // `?` is one character of the value, whose folding may be several.
            Self::Glob(glob) => glob.matches(value.text(true)),
            Self::Term { text: term, begins, ends } => has_term(text(), term, *begins, *ends),
            // The expression has its own case rule, which lower case would spoil (`[^A-Z]`).
            Self::Regex(regex) => regex.is_match(value.text(true)),
            Self::Network(network) => network.contains(text()),
            Self::Ordered { op, text: literal, number, text_order } => {
                let ordering = match (number, Scalar::read_number(text())) {
                    (Some(number), Some(found)) => found.partial_cmp(number),
                    (Some(_), None) if !text_order => None,
                    _ => Some(text().cmp(literal)),
                };
                ordering.is_some_and(|ordering| match op {
                    Op::Lt => ordering == Ordering::Less,
                    Op::Lte => ordering != Ordering::Greater,
                    Op::Gt => ordering == Ordering::Greater,
                    _ => ordering != Ordering::Less,
                })
            }
        }
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
