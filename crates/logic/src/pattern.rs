//! What one literal of a comparison matches, as a set of texts.

use std::sync::OnceLock;

use ruleatlas_core::{Pattern as Wildcards, Piece, matches_wildcards};
use ruleatlas_evaluate::{Network, Scalar, regex_syntax};
use ruleatlas_model::{Modifier, Op, Predicate, fold_case};

use crate::language::{Language, text_of};

/// A set of texts.
#[derive(Debug)]
pub(crate) struct Pattern {
    pub shape: Shape,
    /// The value; in lower case where case does not count.
    pub text: String,
    /// The value as the rule spells it.
    written: String,
    /// Whether texts compare without case.
    pub folded: bool,
    /// Whether it describes the last part of a path, rather than the path.
    pub is_name: bool,
    /// Of wildcards, their parts.
    pieces: Vec<Piece>,
    language: OnceLock<Option<Language>>,
}

/// How a pattern describes its texts.
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    Exact,
    Prefix,
    Suffix,
    Substring,
    Wildcards,
    Regex(String),
    Network(Network),
    Order(Op, Scalar),
    /// A term of the text.
    Term {
        begins: bool,
        ends: bool,
    },
    /// Every text.
    Anything,
    /// Every text but the empty one.
    Filled,
    /// Something of which only is known that it is the same as itself.
    Verbatim,
    /// Something of which not even that is known.
    Unknown,
}

/// What a comparison of two automata counts as.
const AUTOMATA_WORK: usize = 16;

/// Modifiers of a regular expression that its automaton knows.
const REGEX_MODIFIERS: [Modifier; 4] =
    [Modifier::Anchored, Modifier::AnchoredStart, Modifier::MultiLine, Modifier::DotAll];

impl Pattern {
    fn new(shape: Shape, text: &str, case_sensitive: bool, is_name: bool) -> Self {
        let is_exact_text = !matches!(shape, Shape::Regex(_) | Shape::Verbatim);
        let written = text.to_owned();
        let text = if case_sensitive || !is_exact_text { text.to_owned() } else { fold_case(text).into_owned() };
        let pieces = match shape {
            Shape::Wildcards => Wildcards::read(&text).pieces().to_vec(),
            _ => Vec::new(),
        };
        Self { shape, text, written, folded: !case_sensitive, is_name, pieces, language: OnceLock::new() }
    }

    /// The sets of a predicate's values, alternatives of each other. `on_path` is whether the field is a path, `is_name`
    /// whether the predicate sees its last part only.
    pub fn of(predicate: &Predicate, on_path: bool, is_name: bool) -> Vec<Self> {
        let cased = predicate.case_sensitive;
        if predicate.op.is_presence() {
            let shape = match predicate.modifiers.is_empty() {
                true if predicate.empty_is_null => Shape::Filled,
                true => Shape::Anything,
                false => return vec![Self::verbatim(predicate, "")],
            };
            return vec![Self::new(shape, "", true, false)];
        }
        let read = |value: &String| {
            let value = value.as_str();
            Self::shape(predicate, value).map_or_else(
                || Self::verbatim(predicate, value),
                |shape| match (&shape, pinned_name(value)) {
                    // The end of a path from its last separator on is its name; of a name, it is the whole.
                    (Shape::Suffix, Some(name)) if on_path => Self::new(Shape::Exact, name, cased, true),
                    // A name ends as its path does.
                    (Shape::Suffix, _) => Self::new(shape, value, cased, false),
                    _ => Self::new(shape, value, cased, is_name),
                },
            )
        };
        predicate.values.iter().map(read).collect()
    }

    /// A set of which nothing is known but its text.
    pub fn opaque(text: &str) -> Self {
        Self::new(Shape::Verbatim, text, true, false)
    }

    fn verbatim(predicate: &Predicate, value: &str) -> Self {
        let flags = (predicate.text_order, predicate.computed, &predicate.derived_from);
        let value = if predicate.case_sensitive { value.into() } else { fold_case(value) };
        let text = format!("{}|{}|{flags:?}|{value}", predicate.op, predicate.modifiers);
        Self::new(Shape::Verbatim, &text, predicate.case_sensitive, false)
    }

    fn shape(predicate: &Predicate, value: &str) -> Option<Shape> {
        // A list is known by its name alone, and a query may read different parts of it at two places.
        if predicate.op == Op::InList {
            return Some(Shape::Unknown);
        }
        let has_modifier = !predicate.modifiers.is_empty();
        Some(match predicate.op {
            _ if predicate.computed => return None,
            Op::RegexMatch => {
                if predicate.modifiers.iter().any(|modifier| !REGEX_MODIFIERS.contains(&modifier)) {
                    return None;
                }
                Shape::Regex(regex_syntax(value, predicate.case_sensitive, &predicate.modifiers).ok()?)
            }
            Op::Match if value.contains(['*', '?', '[']) => return None,
            Op::Match => match predicate.raw_field.is_empty() {
                true if has_modifier => return None,
                true => Shape::Substring,
                false if !has_modifier => Shape::Term { begins: true, ends: true },
                false if predicate.modifiers.is_only(Modifier::Prefix) => Shape::Term { begins: true, ends: false },
                false if predicate.modifiers.is_only(Modifier::Suffix) => Shape::Term { begins: false, ends: true },
                false => return None,
            },
            _ if has_modifier => return None,
            Op::Eq | Op::In => Shape::Exact,
            Op::Contains => Shape::Substring,
            Op::StartsWith => Shape::Prefix,
            Op::EndsWith => Shape::Suffix,
            Op::Wildcard => Shape::Wildcards,
            Op::CidrMatch => Shape::Network(Network::read(value)?),
            Op::Lt | Op::Lte | Op::Gt | Op::Gte if !predicate.text_order => {
                Shape::Order(predicate.op, Scalar::read_number(value)?)
            }
            _ => return None,
        })
    }

    /// Whether every text of this set is proven to be in `other`.
    pub fn is_within(&self, other: &Self) -> bool {
        use Shape::{Anything, Exact, Filled, Network, Order, Prefix, Substring, Suffix, Term, Unknown, Verbatim};
        match (&self.shape, &other.shape) {
            (_, Anything) => return true,
            (Unknown, _) | (_, Unknown) => return false,
            (Verbatim, _) | (_, Verbatim) => {
                return matches!((&self.shape, &other.shape), (Verbatim, Verbatim))
                    && (self.text == other.text && self.folded == other.folded);
            }
            (Anything, _) => return false,
            (Exact | Prefix | Suffix | Substring | Term { .. }, Filled) => return !self.text.is_empty(),
            (Order(..) | Network(_), Filled) => return true,
            (Filled, _) => return false,
            (Network(one), Network(two)) => return two.covers(one),
            (Order(..), Order(..)) => return order_within(self, other),
            (Exact, Network(network)) => return network.contains(&self.text),
            (Exact, Order(op, limit)) => {
                return Scalar::read_number(&self.text).is_some_and(|value| in_order(*op, &value, limit));
            }
            (Network(_) | Order(..), _) | (_, Network(_) | Order(..)) => return false,
            _ => {}
        }
        // A set without regard to case is in no set with regard to it, but where nothing has case.
        if self.folded && !other.folded && !has_no_case(&self.text) && !matches!(other.shape, Shape::Regex(_)) {
            return false;
        }
        let text = if other.folded { fold_case(&self.text) } else { self.text.as_str().into() };
        let whole = other.text.as_str();
        match (self.is_name, other.is_name) {
            (true, false) => match (&self.shape, &other.shape) {
                (Exact | Suffix, Suffix) => text.ends_with(whole),
                (Exact | Suffix | Prefix | Substring, Substring) => text.contains(whole),
                _ => self.is_within_language(other),
            },
            (false, true) => match (&self.shape, &other.shape) {
                (Exact | Suffix, Exact) => last_part(&text).is_some_and(|name| name == whole),
                (Exact | Suffix, Prefix) => last_part(&text).is_some_and(|name| name.starts_with(whole)),
                (Exact | Suffix, Substring) => last_part(&text).is_some_and(|name| name.contains(whole)),
                _ => self.is_within_language(other),
            },
            _ => match (&self.shape, &other.shape) {
                (Exact, Exact) => *text == *whole,
                (Exact | Prefix, Prefix) => text.starts_with(whole),
                (Exact | Suffix, Suffix) => text.ends_with(whole),
                (Exact | Prefix | Suffix | Substring | Term { .. }, Substring) => text.contains(whole),
                (Term { begins, ends }, Term { begins: other_begins, ends: other_ends }) => {
                    *text == *whole && (*begins || !other_begins) && (*ends || !other_ends)
                }
                (Prefix | Suffix | Substring | Term { .. }, Exact)
                | (Suffix | Substring | Term { .. }, Prefix)
                | (Prefix | Substring | Term { .. }, Suffix) => false,
                _ => self.is_within_language(other),
            },
        }
    }

    /// Whether no text is proven to be in both sets.
    pub fn is_apart_from(&self, other: &Self) -> bool {
        use Shape::{Anything, Exact, Filled, Network, Order, Prefix, Suffix, Unknown, Verbatim};
        let folded = self.folded || other.folded;
        let (one, two) = if folded {
            (fold_case(&self.text), fold_case(&other.text))
        } else {
            (self.text.as_str().into(), other.text.as_str().into())
        };
        match (&self.shape, &other.shape) {
            (Verbatim | Anything | Unknown, _) | (_, Verbatim | Anything | Unknown) => false,
            (Filled, Exact) => other.text.is_empty(),
            (Exact, Filled) => self.text.is_empty(),
            (Filled, _) | (_, Filled) => false,
            (Exact, Exact) if self.is_name == other.is_name => {
                one != two && !matches!((Scalar::read(&one), Scalar::read(&two)), (Some(one), Some(two)) if one == two)
            }
            (Exact, Network(network)) if !self.is_name => !network.contains(&one),
            (Network(network), Exact) if !other.is_name => !network.contains(&two),
            (Network(one), Network(two)) => !one.covers(two) && !two.covers(one),
            (Order(..), Order(..)) => orders_apart(self, other),
            (Exact, Order(op, limit)) => Scalar::read_number(&one).is_none_or(|value| !in_order(*op, &value, limit)),
            (Order(op, limit), Exact) => Scalar::read_number(&two).is_none_or(|value| !in_order(*op, &value, limit)),
            (Order(..) | Network(_), _) | (_, Order(..) | Network(_)) => false,
            (Prefix, Prefix) if self.is_name == other.is_name => !one.starts_with(&*two) && !two.starts_with(&*one),
            (Suffix, Suffix) if self.is_name == other.is_name => !one.ends_with(&*two) && !two.ends_with(&*one),
            (Exact, Prefix) if self.is_name == other.is_name => !one.starts_with(&*two),
            (Prefix, Exact) if self.is_name == other.is_name => !two.starts_with(&*one),
            (Exact, Suffix) if self.is_name == other.is_name => !one.ends_with(&*two),
            (Suffix, Exact) if self.is_name == other.is_name => !two.ends_with(&*one),
            (Exact, Shape::Substring) if self.is_name == other.is_name => !one.contains(&*two),
            (Shape::Substring, Exact) if self.is_name == other.is_name => !two.contains(&*one),
            // The rest always leaves room for both in one text.
            (
                Prefix | Suffix | Shape::Substring | Shape::Term { .. },
                Prefix | Suffix | Shape::Substring | Shape::Term { .. },
            ) if self.is_name == other.is_name => false,
            _ if self.is_name == other.is_name
                && (self.leaves_room_before(other) || other.leaves_room_before(self)) =>
            {
                false
            }
            _ if self.has_sample_in(other) == Some(true) || other.has_sample_in(self) == Some(true) => false,
            _ => match (self.language(), other.language()) {
                (Some(one), Some(two)) => text_of(&[one, two], &[]) == Ok(None),
                _ => false,
            },
        }
    }

    /// Whether a text of this set with one of the other's behind it is in both.
    fn leaves_room_before(&self, other: &Self) -> bool {
        let ends_open = match &self.shape {
            Shape::Prefix | Shape::Substring | Shape::Term { .. } => true,
            Shape::Wildcards => self.pieces.last() == Some(&Piece::Many),
            _ => false,
        };
        let begins_open = match &other.shape {
            Shape::Suffix | Shape::Substring | Shape::Term { .. } => true,
            Shape::Wildcards => other.pieces.first() == Some(&Piece::Many),
            _ => false,
        };
        ends_open && begins_open
    }

    /// Whether a text of this set is in the other; none where that is not to be had without an automaton.
    fn has_sample_in(&self, other: &Self) -> Option<bool> {
        if matches!(self.shape, Shape::Regex(_)) || !self.text.is_ascii() || !other.text.is_ascii() {
            return None;
        }
        let text = self.sample()?;
        let text = if self.is_name { format!("C:\\x\\{text}") } else { text };
        let text = if other.folded { fold_case(&text).into_owned() } else { text };
        let text = if other.is_name { last_part(&text)? } else { text.as_str() };
        let whole = other.text.as_str();
        match &other.shape {
            Shape::Exact => Some(text == whole),
            Shape::Prefix => Some(text.starts_with(whole)),
            Shape::Suffix => Some(text.ends_with(whole)),
            Shape::Substring => Some(text.contains(whole)),
            Shape::Wildcards => {
                let characters: Vec<char> = text.chars().collect();
                let taken = |piece: &Piece, rest: &[char]| match (piece, rest.first()) {
                    (Piece::Char(wanted), Some(character)) => (wanted == character).then_some(1),
                    (_, Some(_)) => Some(1),
                    (_, None) => None,
                };
                Some(matches_wildcards(&other.pieces, &characters, |piece| *piece == Piece::Many, taken))
            }
            _ => None,
        }
    }

    /// How much work a comparison with another set is at most, in comparisons of texts.
    pub fn work_with(&self, other: &Self) -> usize {
        let is_dear = |pattern: &Self| matches!(pattern.shape, Shape::Wildcards | Shape::Regex(_) | Shape::Term { .. });
        if is_dear(self) || is_dear(other) { AUTOMATA_WORK } else { 1 }
    }

    fn is_within_language(&self, other: &Self) -> bool {
        if self.has_sample_in(other) == Some(false) {
            return false;
        }
        match (self.language(), other.language()) {
            (Some(one), Some(two)) => text_of(&[one], &[two]) == Ok(None),
            _ => false,
        }
    }

    /// The automaton of the set, made when it is first asked for.
    pub fn language(&self) -> Option<&Language> {
        self.language.get_or_init(|| Language::new(&self.syntax()?)).as_ref()
    }

    /// The set as a regular expression of whole texts, all of ASCII.
    fn syntax(&self) -> Option<String> {
        if !self.text.is_ascii() {
            return None;
        }
        // A name has no separator in it.
        let (any, one) = if self.is_name { ("[^\\\\/]*", "[^\\\\/]") } else { ("(?s:.*)", "(?s:.)") };
        let plain = regex_syntax::escape(&self.text);
        let inner = match &self.shape {
            Shape::Exact => plain,
            Shape::Prefix => format!("{plain}{any}"),
            Shape::Suffix => format!("{any}{plain}"),
            Shape::Substring => format!("{any}{plain}{any}"),
            Shape::Wildcards => {
                let mut written = String::new();
                for piece in &self.pieces {
                    match piece {
                        Piece::Many => written.push_str(any),
                        Piece::One => written.push_str(one),
                        Piece::Char(character) => {
                            written.push_str(&regex_syntax::escape(character.encode_utf8(&mut [0; 4])));
                        }
                    }
                }
                written
            }
            Shape::Term { begins, ends } => {
                let bytes = self.text.as_bytes();
                let is_inner = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
                let before = if *begins && is_inner(bytes.first()) { "(?:(?s:.*)[^0-9A-Za-z])?" } else { any };
                let behind = if *ends && is_inner(bytes.last()) { "(?:[^0-9A-Za-z](?s:.*))?" } else { any };
                format!("{before}{plain}{behind}")
            }
            // It has its own case rule and flags.
            Shape::Regex(syntax) if !self.is_name => return Some(format!("(?s:.*)(?:{syntax})(?s:.*)")),
            Shape::Anything => any.to_owned(),
            Shape::Filled => format!("{one}{any}"),
            Shape::Regex(_) | Shape::Network(_) | Shape::Order(..) | Shape::Verbatim | Shape::Unknown => return None,
        };
        let cased = if self.folded { format!("(?i:{inner})") } else { inner };
        Some(if self.is_name { format!("(?s:.*)[\\\\/]{cased}") } else { cased })
    }

    /// A text that is in the set, if one can be thought of at once.
    pub fn sample(&self) -> Option<String> {
        Some(match &self.shape {
            Shape::Exact | Shape::Prefix | Shape::Suffix | Shape::Substring | Shape::Term { .. } => {
                self.written.clone()
            }
            Shape::Network(network) => network.first().to_string(),
            Shape::Order(op, limit) => number_near(*op, limit, true)?,
            Shape::Wildcards => {
                let fill = |piece: &Piece| match piece {
                    Piece::Many | Piece::One => 'x',
                    Piece::Char(character) => *character,
                };
                Wildcards::read(&self.written).pieces().iter().map(fill).collect()
            }
            Shape::Regex(_) => text_of(&[self.language()?], &[]).ok()??,
            Shape::Anything | Shape::Filled => "x".to_owned(),
            Shape::Verbatim | Shape::Unknown => return None,
        })
    }

    /// Texts just outside the set.
    pub fn outside(&self) -> Vec<String> {
        match &self.shape {
            Shape::Exact | Shape::Suffix => vec![format!("{}x", self.written)],
            Shape::Prefix => vec![format!("x{}", self.written)],
            Shape::Substring | Shape::Wildcards | Shape::Term { .. } => {
                let mut characters: Vec<char> = self.written.chars().collect();
                characters.insert(characters.len() / 2, 'x');
                vec![characters.into_iter().collect()]
            }
            Shape::Order(op, limit) => number_near(*op, limit, false).into_iter().collect(),
            Shape::Network(network) => match network.last() {
                std::net::IpAddr::V4(last) => {
                    vec![std::net::Ipv4Addr::from(u32::from(last).wrapping_add(1)).to_string()]
                }
                std::net::IpAddr::V6(last) => {
                    vec![std::net::Ipv6Addr::from(u128::from(last).wrapping_add(1)).to_string()]
                }
            },
            Shape::Regex(_) | Shape::Anything | Shape::Filled | Shape::Verbatim | Shape::Unknown => Vec::new(),
        }
    }
}

/// `cmd.exe` of `\cmd.exe`.
fn pinned_name(value: &str) -> Option<&str> {
    let name = value.strip_prefix(['\\', '/'])?;
    (!name.is_empty() && !name.contains(['\\', '/'])).then_some(name)
}

/// What follows the last separator of a path, if it has one.
#[must_use]
pub fn last_part(path: &str) -> Option<&str> {
    path.rsplit_once(['\\', '/']).map(|(_, name)| name)
}

fn has_no_case(text: &str) -> bool {
    text.chars().all(|character| !character.is_alphabetic())
}

fn in_order(op: Op, value: &Scalar, limit: &Scalar) -> bool {
    use std::cmp::Ordering::{Equal, Greater, Less};
    value.partial_cmp(limit).is_some_and(|ordering| match op {
        Op::Lt => ordering == Less,
        Op::Lte => matches!(ordering, Less | Equal),
        Op::Gt => ordering == Greater,
        _ => matches!(ordering, Greater | Equal),
    })
}

/// Whether the numbers of one order are all in another.
fn order_within(one: &Pattern, two: &Pattern) -> bool {
    let (Shape::Order(op, limit), Shape::Order(other, bound)) = (&one.shape, &two.shape) else { return false };
    let same_way = matches!(op, Op::Lt | Op::Lte) == matches!(other, Op::Lt | Op::Lte);
    // The limit itself belongs to the one and not to the other.
    let is_open = matches!(op, Op::Lte | Op::Gte) && matches!(other, Op::Lt | Op::Gt);
    let inclusive = if matches!(other, Op::Lt | Op::Lte) { Op::Lte } else { Op::Gte };
    same_way && in_order(inclusive, limit, bound) && !(is_open && limit == bound)
}

fn orders_apart(one: &Pattern, two: &Pattern) -> bool {
    let (Shape::Order(op, limit), Shape::Order(other, bound)) = (&one.shape, &two.shape) else { return false };
    let (below, above) = match (op, other) {
        (Op::Lt | Op::Lte, Op::Gt | Op::Gte) => ((*op, limit), (*other, bound)),
        (Op::Gt | Op::Gte, Op::Lt | Op::Lte) => ((*other, bound), (*op, limit)),
        _ => return false,
    };
    let touches = below.0 == Op::Lte && above.0 == Op::Gte;
    in_order(Op::Lt, below.1, above.1) || (below.1 == above.1 && !touches)
}

/// A whole number near the limit of an order, inside or just outside.
#[allow(clippy::cast_possible_truncation)]
fn number_near(op: Op, limit: &Scalar, inside: bool) -> Option<String> {
    let number = match limit {
        Scalar::Integer(number) => *number,
        // Rounded towards the inside below.
        Scalar::Real(number) if number.abs() < 1e15 => number.floor() as i128,
        _ => return None,
    };
    let step = match (op, inside) {
        (Op::Lt, true) | (Op::Gte, false) => -1,
        (Op::Gt, true) | (Op::Lte, false) => 1,
        _ => 0,
    };
    let is_whole = matches!(limit, Scalar::Integer(_));
    let rounded = if !is_whole && matches!(op, Op::Gt | Op::Gte) == inside { 1 } else { 0 };
    let step = if is_whole { step } else { rounded };
    Some(number.checked_add(step)?.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(op: Op, value: &str) -> Pattern {
        Pattern::of(&Predicate::new("f", op, [value]), false, false).remove(0)
    }

    #[test]
    fn sets_lie_within_sets() {
        use Op::{CidrMatch, Contains, EndsWith, Eq, Gt, Gte, Lt, Lte, RegexMatch, StartsWith, Wildcard};
        for (one, two, within, apart) in [
            ((Eq, "abc"), (Contains, "B"), true, false),
            ((Eq, "abc"), (Eq, "abd"), false, true),
            ((Eq, "5"), (Eq, "0x5"), false, false),
            ((Contains, "abc"), (Contains, "b"), true, false),
            ((Contains, "b"), (Contains, "abc"), false, false),
            ((StartsWith, "ab"), (StartsWith, "a"), true, false),
            ((StartsWith, "a"), (StartsWith, "b"), false, true),
            ((StartsWith, "a"), (EndsWith, "b"), false, false),
            ((EndsWith, ".exe"), (EndsWith, ".dll"), false, true),
            ((Wildcard, "a*b*c"), (Wildcard, "a*c"), true, false),
            ((Wildcard, "a*c"), (Wildcard, "a*b*c"), false, false),
            ((Wildcard, "a?c"), (Eq, "abbc"), false, true),
            ((RegexMatch, "^ab+$"), (StartsWith, "ab"), true, false),
            ((RegexMatch, "^ab+$"), (StartsWith, "b"), false, true),
            ((RegexMatch, "a(?!b)"), (Contains, "a"), false, false),
            ((CidrMatch, "10.1.0.0/16"), (CidrMatch, "10.0.0.0/8"), true, false),
            ((Eq, "10.1.2.3"), (CidrMatch, "10.0.0.0/8"), true, false),
            ((Eq, "11.1.2.3"), (CidrMatch, "10.0.0.0/8"), false, true),
            ((Lt, "5"), (Lte, "5"), true, false),
            ((Lte, "5"), (Lt, "5"), false, false),
            ((Lt, "5"), (Gte, "5"), false, true),
            ((Lte, "5"), (Gte, "5"), false, false),
            ((Eq, "5"), (Gt, "4"), true, false),
            ((Eq, "x"), (Gt, "4"), false, true),
        ] {
            let (one_, two_) = (pattern(one.0, one.1), pattern(two.0, two.1));
            assert_eq!(one_.is_within(&two_), within, "{one:?} in {two:?}");
            assert_eq!(one_.is_apart_from(&two_), apart, "{one:?} apart from {two:?}");
            assert_eq!(two_.is_apart_from(&one_), apart, "{two:?} apart from {one:?}");
        }
    }

    #[test]
    fn a_name_is_the_last_part_of_its_path() {
        let of = |op, value, is_name| Pattern::of(&Predicate::new("f", op, [value]), true, is_name).remove(0);
        let name = of(Op::Eq, "cmd.exe", true);
        let pinned = of(Op::EndsWith, "\\cmd.exe", false);
        assert!(name.is_within(&pinned) && pinned.is_within(&name));
        let path = of(Op::Eq, "C:\\Windows\\System32\\cmd.exe", false);
        assert!(path.is_within(&name) && !name.is_within(&path));
        assert!(of(Op::EndsWith, "\\system32\\cmd.exe", false).is_within(&name));
        assert!(name.is_within(&of(Op::EndsWith, "d.exe", false)));
        assert!(name.is_within(&of(Op::Wildcard, "*cmd*", true)));
        assert!(of(Op::Eq, "C:\\Windows\\explorer.exe", false).is_apart_from(&name));
    }

    #[test]
    fn case_counts_where_the_language_says_so() {
        let cased = |value: &str| {
            let predicate = Predicate { case_sensitive: true, ..Predicate::new("f", Op::Contains, [value]) };
            Pattern::of(&predicate, false, false).remove(0)
        };
        let folded = pattern(Op::Contains, "abc");
        assert!(cased("ABC").is_within(&folded) && !folded.is_within(&cased("abc")));
        assert!(!cased("ABC").is_within(&cased("abc")));
        assert!(pattern(Op::Contains, "12").is_within(&cased("1")));
    }
}
