//! Comparisons of constants, and what patterns mean.

use ruleatlas_core::{Folded, Pattern, Piece, fold_pieces, fold_wildcards, matches_wildcards, read_pieces};
use ruleatlas_model::Op;

use crate::plan::{CaseRule, Comparison, Const, ConstKind, PatternSyntax, Relation};

/// The truth value that a constant stands for.
pub(crate) fn truth_of(constant: &Const) -> Option<bool> {
    let is = |word: &str| constant.text.eq_ignore_ascii_case(word);
    match constant.kind {
        ConstKind::Number if is("1") => Some(true),
        ConstKind::Number if is("0") => Some(false),
        _ if is("true") => Some(true),
        _ if is("false") => Some(false),
        _ => None,
    }
}

/// Whether a regular expression begins with flags of which one says that letters have no case.
pub(crate) fn has_case_flag(pattern: &str) -> bool {
    let flags = pattern.strip_prefix("(?").and_then(|rest| rest.split_once(')'));
    flags.is_some_and(|(flags, _)| flags.contains('i') && flags.bytes().all(|byte| byte.is_ascii_lowercase()))
}

/// What a text must be.
pub(crate) struct Passing<'v> {
    pub op: Op,
    pub values: &'v [String],
    pub cased: bool,
}

/// Whether a text passes; `None` where that cannot be said.
pub(crate) fn passes(asked: &Passing<'_>, text: &str) -> Option<bool> {
    let relation = match asked.op {
        Op::Eq | Op::In => Relation::Equal,
        Op::Contains => Relation::Contains,
        Op::StartsWith => Relation::StartsWith,
        Op::EndsWith => Relation::EndsWith,
        Op::Wildcard => Relation::Pattern(PatternSyntax::Stars(None)),
        Op::Lt => Relation::Less,
        Op::Lte => Relation::LessEqual,
        Op::Gt => Relation::Greater,
        Op::Gte => Relation::GreaterEqual,
        Op::IsNull => return Some(false),
        Op::IsNotNull => return Some(true),
        Op::Match | Op::RegexMatch | Op::CidrMatch | Op::FieldRef | Op::InList => return None,
    };
    let value = if asked.cased { text.to_owned() } else { text.to_lowercase() };
    let mut is_open = false;
    for other in asked.values {
        let other = if asked.cased { other.clone() } else { other.to_lowercase() };
        let holds = match relation {
            // The values of predicates have their own way of escaping.
            Relation::Pattern(_) => Some(matches_pattern(Pattern::read(&other).pieces(), &value)),
            _ => fold_texts(relation, &value, &other),
        };
        match holds {
            Some(true) => return Some(true),
            Some(false) => {}
            None => is_open = true,
        }
    }
    (!is_open).then_some(false)
}

fn matches_pattern(pattern: &[Piece], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let taken = |piece: &Piece, rest: &[char]| {
        let first = rest.first()?;
        let is_as_asked = match piece {
            Piece::Char(character) => character == first,
            Piece::One | Piece::Many => true,
        };
        is_as_asked.then_some(1)
    };
    matches_wildcards(pattern, &text, |piece| *piece == Piece::Many, taken)
}

/// A comparison of two constants; `None` where the text does not tell.
pub(crate) fn fold(comparison: Comparison, left: &Const, right: &Const) -> Option<bool> {
    let is_open = |constant: &Const| matches!(constant.kind, ConstKind::Parameter | ConstKind::Time);
    if is_open(left) || is_open(right) {
        return None;
    }
    if left.kind == ConstKind::Null || right.kind == ConstKind::Null {
        return Some(false);
    }
    let truths = (truth_of(left), truth_of(right));
    let holds = match (truths, comparison.relation) {
        // A truth value and a number that stands for one.
        ((Some(a), Some(b)), Relation::Equal | Relation::Pattern(_))
            if (left.kind == ConstKind::Bool) != (right.kind == ConstKind::Bool) =>
        {
            a == b
        }
        _ if comparison.case == CaseRule::Ignore => {
            fold_texts(comparison.relation, &left.text.to_lowercase(), &right.text.to_lowercase())?
        }
        _ => fold_texts(comparison.relation, &left.text, &right.text)?,
    };
    Some(holds != comparison.negated)
}

/// A comparison of two texts.
fn fold_texts(relation: Relation, a: &str, b: &str) -> Option<bool> {
    let numbers = || Some((a.trim().parse::<f64>().ok()?, b.trim().parse::<f64>().ok()?));
    Some(match relation {
        Relation::Equal => a == b || numbers().is_some_and(|(a, b)| (a - b).abs() < f64::EPSILON),
        Relation::Less => numbers().map(|(a, b)| a < b)?,
        Relation::LessEqual => numbers().map(|(a, b)| a <= b)?,
        Relation::Greater => numbers().map(|(a, b)| a > b)?,
        Relation::GreaterEqual => numbers().map(|(a, b)| a >= b)?,
        Relation::Contains => a.contains(b),
        Relation::StartsWith => a.starts_with(b),
        Relation::EndsWith => a.ends_with(b),
        Relation::Term => {
            let is_boundary = |character: Option<char>| character.is_none_or(|found| !found.is_alphanumeric());
            !b.is_empty()
                && a.match_indices(b).any(|(at, found)| {
                    let before = a.get(..at).and_then(|text| text.chars().next_back());
                    let behind = a.get(at + found.len()..).and_then(|text| text.chars().next());
                    is_boundary(before) && is_boundary(behind)
                })
        }
        Relation::Pattern(syntax) => {
            let Folded { op, value } = fold_pattern(b, syntax);
            match op {
                Op::IsNotNull => true,
                Op::Eq => a == value || numbers().is_some_and(|(a, b)| (a - b).abs() < f64::EPSILON),
                Op::Contains => a.contains(&value),
                Op::StartsWith => a.starts_with(&value),
                Op::EndsWith => a.ends_with(&value),
                Op::Wildcard => matches_pattern(Pattern::read(&value).pieces(), a),
                _ => return None,
            }
        }
        _ => return None,
    })
}

/// What a pattern for the whole value means.
pub(crate) fn fold_pattern(text: &str, syntax: PatternSyntax) -> Folded {
    let escape = match syntax {
        PatternSyntax::Stars(escape) => return fold_wildcards(text, escape),
        PatternSyntax::Star => {
            let is_one = |piece: Piece| if piece == Piece::One { Piece::Char('?') } else { piece };
            let pieces: Vec<Piece> = read_pieces(text, None).into_iter().map(is_one).collect();
            return fold_pieces(&pieces);
        }
        PatternSyntax::Percent(escape) => escape,
    };
    let mut pieces = Vec::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        pieces.push(match character {
            _ if Some(character) == escape => characters.next().map_or(Piece::Char(character), Piece::Char),
            '%' => Piece::Many,
            '_' => Piece::One,
            other => Piece::Char(other),
        });
    }
    fold_pieces(&pieces)
}
