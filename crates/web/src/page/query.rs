//! A query as written, with its predicates marked in place.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use maud::{Markup, html};
use ruleatlas_catalog::{PredicateRow, Token, TokenKind, frontend};
use ruleatlas_model::{Opaque, Rule, Span};
use ruleatlas_views::RuleView;

use crate::text::{clipped, visualize_control_chars};

/// A marked range of the text.
struct Mark<'a> {
    range: Range<usize>,
    class: &'a str,
    /// Whether it held on an event.
    is_held: bool,
    /// The place of the row about it.
    row: Option<usize>,
    title: String,
}

/// For each predicate the first that stands at the same place of the query, as those of one macro or alternative do: the
/// mark there is that one's, and points at all of them.
pub(super) fn places(rows: &[PredicateRow]) -> Vec<usize> {
    let mut first: BTreeMap<(u32, u32), usize> = BTreeMap::new();
    rows.iter().enumerate().map(|(at, row)| *first.entry((row.span.start, row.span.end)).or_insert(at)).collect()
}

/// The query with every predicate underlined in its role's colour and every part that was not understood marked; the
/// words of its language have their own colours.
///
/// Of ranges that lie in each other the shortest decides, so that a list's values stand out of the list.
pub(super) fn query(rule: &Rule, view: &RuleView, opaques: &[&Opaque]) -> Markup {
    marked_query(rule, view, opaques, &[])
}

/// The same with the predicates that held on an event marked, by their places in the rule's list.
pub(super) fn query_with_held(view: &RuleView, held: &[usize]) -> Markup {
    let rule = &view.entry.rule;
    let opaques: Vec<&Opaque> = rule.conditions.iter().flat_map(|condition| condition.root.opaques()).collect();
    marked_query(rule, view, &opaques, held)
}

fn marked_query(rule: &Rule, view: &RuleView, opaques: &[&Opaque], held: &[usize]) -> Markup {
    let text = rule.query.as_str();
    let valid = |span: Span| {
        let part = span.of(text).filter(|part| !part.is_empty())?;
        let start = span.start as usize;
        // White space at the end would be underlined to the end of its line.
        Some(start..start + part.trim_end().len())
    };
    let mut marks: Vec<Mark<'_>> = Vec::new();
    let places = places(&view.entry.predicates);
    let mut same = vec![0_usize; places.len()];
    places.iter().for_each(|place| same[*place] += 1);
    for (row, predicate) in view.entry.predicates.iter().enumerate().filter(|(row, _)| places.get(*row) == Some(row)) {
        if let Some(range) = valid(predicate.span).filter(|range| !range.is_empty()) {
            let reach = match view.predicate_reach.get(row).copied().flatten() {
                None => String::new(),
                Some((least, most)) if least == most => format!(", reach {least}"),
                Some((least, most)) => format!(", reach {least} to {most}"),
            };
            let more = match same[row] {
                0 | 1 => String::new(),
                many => format!(", and {} more", many - 1),
            };
            let title = format!("{}: {} {}{reach}{more}", predicate.role, predicate.field, predicate.op);
            // Several predicates may stand at one place.
            let is_held = held.iter().any(|at| places.get(*at) == Some(&row));
            marks.push(Mark { range, class: predicate.role.name(), is_held, row: Some(row), title });
        }
    }
    for opaque in opaques {
        if let Some(range) = valid(opaque.span).filter(|range| !range.is_empty()) {
            let title = format!("not understood: {}", opaque.reason);
            marks.push(Mark { range, class: "opaque", is_held: false, row: None, title });
        }
    }
    let tokens = frontend(rule.language).tokens(text);
    let coloured = Coloured { text, tokens: &tokens };
    html! {
        pre.query tabindex="0" aria-label="The query as written" {
            code {
                @for (range, mark) in pieces(text.len(), &marks) {
                    @match mark.and_then(|mark| marks.get(mark)) {
                        None => (coloured.part(range)),
                        Some(mark) => (marked(&coloured, range, mark)),
                    }
                }
            }
        }
    }
}

/// A query's text with its language's tokens, which are in order.
struct Coloured<'a> {
    text: &'a str,
    tokens: &'a [Token],
}

impl Coloured<'_> {
    /// A part of the text in colours.
    fn part(&self, range: Range<usize>) -> Markup {
        let first = self.tokens.partition_point(|token| token.span.end as usize <= range.start);
        let mut done = range.start;
        let mut pieces: Vec<(Range<usize>, &'static str)> = Vec::new();
        for token in &self.tokens[first..] {
            let (start, end) = ((token.span.start as usize).max(done), (token.span.end as usize).min(range.end));
            if token.span.start as usize >= range.end {
                break;
            }
            let Some(class) = colour(token.kind).filter(|_| start < end) else { continue };
            pieces.push((done..start, ""));
            pieces.push((start..end, class));
            done = end;
        }
        pieces.push((done..range.end, ""));
        html! {
            @for (range, class) in pieces {
                @let text = self.text.get(range).unwrap_or_default();
                @if text.is_empty() {} @else if class.is_empty() { (visualize_control_chars(text)) } @else { span.(class) { (visualize_control_chars(text)) } }
            }
        }
    }
}

/// The class of a kind of token that has a colour.
fn colour(kind: TokenKind) -> Option<&'static str> {
    match kind {
        TokenKind::Keyword | TokenKind::Command => Some("k"),
        TokenKind::String => Some("s"),
        TokenKind::Comment => Some("c"),
        TokenKind::Function => Some("f"),
        TokenKind::Macro => Some("m"),
        TokenKind::Field | TokenKind::Number | TokenKind::Operator => None,
    }
}

/// A marked part, line by line, so that a line's indentation stays plain. Only its first line is a stop of the keyboard.
fn marked(coloured: &Coloured<'_>, range: Range<usize>, mark: &Mark<'_>) -> Markup {
    let title = clipped(&mark.title, 300);
    let text = coloured.text;
    let mut lines: Vec<[usize; 4]> = Vec::new();
    let mut at = range.start;
    for line in text.get(range).unwrap_or_default().split_inclusive('\n') {
        let start = at + (line.len() - line.trim_start().len());
        let end = (at + line.trim_end().len()).max(start);
        lines.push([at, start, end, at + line.len()]);
        at += line.len();
    }
    html! {
        @for (number, [before, start, end, after]) in lines.into_iter().enumerate() {
            (visualize_control_chars(text.get(before..start).unwrap_or_default()))
            @if start < end {
                @match mark.row {
                    Some(row) => a.p.held[mark.is_held].(mark.class) href={ "#p" (row) } data-p=(row) title=(title) tabindex=[(number > 0).then_some("-1")] { (coloured.part(start..end)) },
                    None => mark.opaque title=(title) { (coloured.part(start..end)) },
                }
            }
            (visualize_control_chars(text.get(end..after).unwrap_or_default()))
        }
    }
}

/// The text cut where marks begin and end, each piece with the shortest mark over it.
fn pieces(length: usize, marks: &[Mark<'_>]) -> Vec<(Range<usize>, Option<usize>)> {
    let mut edges: Vec<(usize, bool, usize)> = Vec::with_capacity(marks.len() * 2);
    for (at, mark) in marks.iter().enumerate() {
        edges.push((mark.range.start, true, at));
        edges.push((mark.range.end, false, at));
    }
    edges.sort_unstable();
    let mut over: BTreeSet<(usize, usize)> = BTreeSet::new();
    let mut pieces: Vec<(Range<usize>, Option<usize>)> = Vec::new();
    let mut done = 0;
    let mut push = |range: Range<usize>, mark: Option<usize>| match pieces.last_mut() {
        _ if range.is_empty() => {}
        Some((last, same)) if *same == mark && last.end == range.start => last.end = range.end,
        _ => pieces.push((range, mark)),
    };
    for (position, starts, at) in edges {
        push(done..position, over.first().map(|(_, mark)| *mark));
        done = position;
        let key = (marks[at].range.len(), at);
        if starts {
            over.insert(key);
        } else {
            over.remove(&key);
        }
    }
    push(done..length, None);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(length: usize, ranges: &[Range<usize>]) -> Vec<(Range<usize>, Option<usize>)> {
        let mark = |range: &Range<usize>| Mark {
            range: range.clone(),
            class: "",
            is_held: false,
            row: None,
            title: String::new(),
        };
        pieces(length, &ranges.iter().map(mark).collect::<Vec<_>>())
    }

    #[test]
    fn the_shortest_mark_decides() {
        assert_eq!(
            marked(10, &[1..9, 3..5]),
            [(0..1, None), (1..3, Some(0)), (3..5, Some(1)), (5..9, Some(0)), (9..10, None)]
        );
    }

    #[test]
    fn marks_that_touch_stay_apart() {
        assert_eq!(marked(4, &[0..2, 2..4]), [(0..2, Some(0)), (2..4, Some(1))]);
        assert_eq!(marked(4, &[]), [(0..4, None)]);
        assert_eq!(marked(4, &[0..4, 0..4]), [(0..4, Some(0))]);
    }
}
