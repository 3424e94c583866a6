//! Joins and lookups.

use std::rc::Rc;

use ruleatlas_ir::plan::{Expr, JoinKey, KeyJoin, KeyJoinKind, Operation};

use super::Lowering;
use super::rows::Leg;
use super::scope::ScopeRef;
use crate::ast::{self, JoinKind, Relation};

/// How many rows of a table of data are compared with several keys one by one.
const MAX_ROWS: usize = 200;

impl<'a> Lowering<'a, '_> {
    pub(super) fn join(
        &mut self,
        kind: JoinKind,
        lookup: bool,
        right: &'a ast::Expr<'a>,
        on: &'a [ast::Expr<'a>],
        scope: ScopeRef,
    ) -> Operation {
        let kind = match kind {
            JoinKind::InnerUnique | JoinKind::Inner => KeyJoinKind::Inner,
            JoinKind::LeftOuter => KeyJoinKind::Left,
            JoinKind::RightOuter | JoinKind::FullOuter => KeyJoinKind::Outer,
            JoinKind::LeftSemi => KeyJoinKind::LeftSemi,
            JoinKind::RightSemi => KeyJoinKind::RightSemi,
            JoinKind::LeftAnti => KeyJoinKind::LeftAnti,
            JoinKind::RightAnti => KeyJoinKind::RightAnti,
        };
        let pairs = keys(on);
        let rows = if pairs.len() > 1 { self.rows_of_keys(right, &pairs, scope) } else { None };
        let Leg { rows: table, label } = self.leg(right, scope, if lookup { "lookup" } else { "join leg" });
        // Keys are columns.
        let nowhere = self.scopes.block(None);
        let key = |this: &mut Self, (left, right): (&'a ast::Expr<'a>, &'a ast::Expr<'a>)| JoinKey {
            left: this.scalar(left, nowhere),
            right: this.scalar(right, nowhere),
            names: (key_name(left), key_name(right)),
        };
        let keys = pairs.into_iter().map(|pair| key(self, pair)).collect();
        Operation::KeyJoin(Box::new(KeyJoin { right: table, label, kind, keys, rows }))
    }

    /// The values of several keys in each row of a table of data.
    fn rows_of_keys(
        &mut self,
        right: &'a ast::Expr<'a>,
        keys: &[(&'a ast::Expr<'a>, &'a ast::Expr<'a>)],
        scope: ScopeRef,
    ) -> Option<Vec<Vec<Expr>>> {
        let depth = self.naming.len();
        let (_, table, scope) = self.resolve_leg(right, scope);
        self.naming.truncate(depth);
        let ast::ExprKind::Datatable { columns, cells } = &table.kind else { return None };
        let place = |(_, right): &(&'a ast::Expr<'a>, &'a ast::Expr<'a>)| {
            let name = key_name(right)?;
            columns.iter().position(|column| **column == *name)
        };
        let places: Vec<usize> = keys.iter().map(place).collect::<Option<_>>()?;
        let rows = cells.chunks(columns.len().max(1));
        if rows.len() > MAX_ROWS || !self.budget.work(rows.len() * places.len()) {
            return None;
        }
        rows.map(|row| places.iter().map(|place| Some(self.scalar(row.get(*place)?, scope))).collect()).collect()
    }
}

/// The pairs of keys of a join: the left table's expression and the right one's.
fn keys<'a>(on: &'a [ast::Expr<'a>]) -> Vec<(&'a ast::Expr<'a>, &'a ast::Expr<'a>)> {
    let mut pairs = Vec::new();
    for expr in on {
        match &expr.kind {
            ast::ExprKind::And(children) => pairs.extend(keys(children)),
            ast::ExprKind::Compare(comparison, left, right) if comparison.operator == Relation::Equal => {
                let is_left = |expr: &ast::Expr<'_>| match &expr.kind {
                    ast::ExprKind::Member(base, _) | ast::ExprKind::Index(base, _) => base.as_name() == Some("$left"),
                    _ => false,
                };
                if is_left(right) { pairs.push((&**right, &**left)) } else { pairs.push((&**left, &**right)) }
            }
            _ => pairs.push((expr, expr)),
        }
    }
    pairs
}

/// The column that a key names; `$left` and `$right` are off it.
fn key_name(key: &ast::Expr<'_>) -> Option<Rc<str>> {
    match &key.kind {
        ast::ExprKind::Name(name) | ast::ExprKind::Member(_, name) => Some(Rc::from(&**name)),
        ast::ExprKind::Index(_, name) => name.as_string().map(Rc::from),
        _ => None,
    }
}
