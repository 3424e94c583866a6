//! Tabular operators.

use ruleatlas_syntax::Parts;

use super::{
    Item, Level, expand_search,
    words::{name, quote, schema},
};
use crate::{
    ast::{Expr, JoinKind, Named, Operator, ParsePiece, Stage},
    lexer::{Kind, Symbol, lex},
    parser::SETTINGS,
};

/// How much of a stage's text is looked at for settings.
const MAX_HEAD: usize = 256;

/// Whether the tree holds all that a stage's text says; its expressions are asked by themselves.
pub(super) fn is_whole(stage: &Stage<'_>, text: &str) -> bool {
    match &stage.operator {
        Operator::Extend(_) => !text.starts_with("serialize"),
        Operator::Where(_)
        | Operator::Project(_)
        | Operator::Distinct(_)
        | Operator::ProjectRename(_)
        | Operator::Summarize { .. }
        | Operator::Join { .. }
        | Operator::Union(_)
        | Operator::As(_) => !has_settings(text),
        Operator::Invoke(_) | Operator::Count => true,
        _ => false,
    }
}

/// Whether settings besides `kind` stand behind an operator's name.
pub(super) fn has_settings(text: &str) -> bool {
    let head = text.get(..text.floor_char_boundary(MAX_HEAD)).unwrap_or(text);
    let tokens: Vec<_> = lex(head).into_iter().filter(|token| token.kind != Kind::Comment).collect();
    let is = |at: usize, symbol: Symbol| tokens.get(at).is_some_and(|token| token.kind == Kind::Symbol(symbol));
    let mut at = 1;
    while is(at, Symbol::Minus) {
        at += 2;
    }
    loop {
        let word = tokens.get(at).filter(|token| token.kind == Kind::Name).map_or("", |token| token.text(head));
        let length = match () {
            () if is(at + 1, Symbol::Assign) => 3,
            () if is(at + 1, Symbol::Dot) && is(at + 3, Symbol::Assign) => 5,
            () => return false,
        };
        if word != "kind" {
            return SETTINGS.contains(&word) || word.starts_with("hint");
        }
        at += length;
    }
}

pub(super) fn expand<'t>(operator: &'t Operator<'t>, parts: &mut Parts<'t, Item<'t>>) {
    let items = |word: &'static str, list: &'t [Named<'t>], parts: &mut Parts<'t, Item<'t>>| {
        parts.text(word);
        if !list.is_empty() {
            parts.text(" ");
            parts.list(list.iter().map(Item::Named), ", ");
        }
    };
    let expr = |word: &'static str, expr: &'t Expr<'t>, parts: &mut Parts<'t, Item<'t>>| {
        parts.text(word);
        parts.node(Item::Expr(expr, Level::Or));
    };
    match operator {
        Operator::Where(condition) => expr("where ", condition, parts),
        Operator::Invoke(call) => expr("invoke ", call, parts),
        Operator::Evaluate(call, columns) => {
            expr("evaluate ", call, parts);
            if let Some(columns) = columns {
                parts.text(format!(" : ({})", schema(columns)));
            }
        }
        Operator::Extend(list) => items("extend", list, parts),
        Operator::Project(list) => items("project", list, parts),
        Operator::Distinct(list) => items("distinct", list, parts),
        Operator::ProjectRename(list) => items("project-rename", list, parts),
        Operator::MvExpand(list) => items("mv-expand", list, parts),
        Operator::Summarize { aggregates, by } => {
            items("summarize", aggregates, parts);
            if !by.is_empty() {
                items(" by", by, parts);
            }
        }
        Operator::MakeSeries { aggregates, on, by } => {
            items("make-series", aggregates, parts);
            if let Some(on) = on {
                expr(" on ", on, parts);
            }
            if !by.is_empty() {
                items(" by", by, parts);
            }
        }
        Operator::Join { kind, lookup, right, on } => {
            parts.text(if *lookup { "lookup " } else { "join " });
            let is_default = *kind == if *lookup { JoinKind::LeftOuter } else { JoinKind::InnerUnique };
            if !is_default {
                parts.text(format!("kind={} ", join_kind(*kind)));
            }
            parts.node(Item::Leg(right));
            if !on.is_empty() {
                parts.text(" on ");
                parts.list(on.iter().map(|key| Item::Expr(key, Level::Or)), ", ");
            }
        }
        Operator::Union(legs) => {
            parts.text("union ");
            parts.list(legs.iter().map(Item::Leg), ", ");
        }
        Operator::MvApply { items: list, body } => {
            items("mv-apply", list, parts);
            parts.text(" on (");
            parts.node(Item::Stages(body));
            parts.text(")");
        }
        Operator::Parse { subject, pattern, regex, filters } => {
            parts.text(if *filters { "parse-where " } else { "parse " });
            if *regex {
                parts.text("kind=regex ");
            }
            parts.node(Item::Expr(subject, Level::Or));
            parts.text(" with");
            for piece in pattern {
                parts.text(match piece {
                    ParsePiece::Star => " *".to_owned(),
                    ParsePiece::Text(text) => format!(" {}", quote(text)),
                    ParsePiece::Column(column) => format!(" {}", name(column)),
                });
            }
        }
        Operator::ParseKv(subject, columns) => {
            expr("parse-kv ", subject, parts);
            parts.text(format!(" as ({})", schema(columns)));
        }
        Operator::Search(search) => expand_search(search, parts),
        Operator::As(table) => parts.text(format!("as {}", name(table))),
        Operator::Count => parts.text("count"),
        Operator::Fork(branches) => {
            parts.text("fork");
            for branch in branches {
                parts.text(" (");
                parts.node(Item::Stages(branch));
                parts.text(")");
            }
        }
        Operator::Partial(inner, ..) => expand(inner, parts),
        Operator::Neutral(text) | Operator::Arrange(text) => parts.text(*text),
        // Only their text says what they do.
        Operator::Partition(_)
        | Operator::Scan { .. }
        | Operator::MakeGraph(_)
        | Operator::GraphMatch { .. }
        | Operator::Broken(_) => parts.text("serialize"),
    }
}

fn join_kind(kind: JoinKind) -> &'static str {
    match kind {
        JoinKind::InnerUnique => "innerunique",
        JoinKind::Inner => "inner",
        JoinKind::LeftOuter => "leftouter",
        JoinKind::RightOuter => "rightouter",
        JoinKind::FullOuter => "fullouter",
        JoinKind::LeftSemi => "leftsemi",
        JoinKind::RightSemi => "rightsemi",
        JoinKind::LeftAnti => "leftanti",
        JoinKind::RightAnti => "rightanti",
    }
}
