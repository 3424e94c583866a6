//! `evaluate` and `invoke`: plug-ins and functions that take a table and give one.

use std::borrow::Cow;
use std::rc::Rc;

use ruleatlas_ir::plan::{AddressLookup, Expr, Operation, Reshaped};
use ruleatlas_model::Span;

use super::function::UNDEFINED;
use super::rows::Leg;
use super::scope::{Binding, ScopeRef};
use super::stage::auto_name;
use super::written::written;
use super::{Lowering, column, within};
use crate::ast::{self, Argument, LiteralKind};

/// Functions of Defender that add columns and keep every row, or look a value up
/// ([reference](https://learn.microsoft.com/defender-xdr/advanced-hunting-fileprofile-function)), and of Sentinel that
/// give every row of a table
/// ([reference](https://learn.microsoft.com/azure/sentinel/audit-table-reference)).
const OF_THE_SERVICE: &[&str] =
    &["FileProfile", "SeenBy", "AssignedIPAddresses", "DeviceFromIP", "_SentinelAudit", "_SentinelHealth"];

/// Whether a function of the service takes away no row.
pub(super) fn keeps_every_row(function: &str) -> bool {
    OF_THE_SERVICE.contains(&function)
}

/// Plug-ins whose rows are results of many rows
/// ([reference](https://learn.microsoft.com/kusto/query/evaluate-operator)).
const AGGREGATING: &[&str] = &[
    "active_users_count",
    "activity_counts_metrics",
    "activity_engagement",
    "activity_metrics",
    "autocluster",
    "basket",
    "dcount_intersect",
    "diffpatterns",
    "diffpatterns_text",
    "funnel_sequence",
    "funnel_sequence_completion",
    "new_activity_metrics",
    "pivot",
    "rolling_percentile",
    "sequence_detect",
    "session_count",
    "sliding_window_counts",
];

/// Plug-ins that give the same rows in another form, or rows of another store.
const PASSING: &[&str] = &[
    "ai_embed_text",
    "ai_embeddings",
    "azure_digital_twins_query_request",
    "cosmosdb_sql_request",
    "http_request",
    "http_request_post",
    "infer_storage_schema",
    "infer_storage_schema_with_suggestions",
    "mysql_request",
    "narrow",
    "postgresql_request",
    "preview",
    "schema_merge",
    "sql_request",
];

impl<'a> Lowering<'a, '_> {
    pub(super) fn evaluate(
        &mut self,
        call: &'a ast::Expr<'a>,
        declared: Option<&'a [Cow<'a, str>]>,
        scope: ScopeRef,
        into: &mut Vec<Operation>,
    ) {
        let (name, arguments): (&str, &'a [Argument<'a>]) = match &call.kind {
            ast::ExprKind::Call(name, arguments) => (name, arguments),
            ast::ExprKind::Name(name) => (name, &[]),
            _ => ("", &[]),
        };
        match name {
            "bag_unpack" => into.extend(self.bag_unpack(arguments, declared, scope)),
            "ipv4_lookup" | "ipv6_lookup" => self.ip_lookup(arguments, call.span, scope, into),
            _ if AGGREGATING.contains(&name) => {
                let mut columns = Vec::new();
                for argument in arguments {
                    let Some(name) = auto_name(&argument.value) else { continue };
                    columns.push(column(name, self.scalar(&argument.value, scope)));
                }
                // Without group keys `pivot` keeps all columns but the two it is made of. One that names and values of
                // an event's data are turned into columns by keeps the values.
                let picks = arguments.get(1).is_some_and(|argument| {
                    matches!(&argument.value.kind, ast::ExprKind::Call(name, _) if matches!(&**name, "any" | "take_any"))
                });
                let rest = match (picks, name == "pivot" && arguments.len() < 3) {
                    (true, _) => Reshaped::Kept,
                    (false, true) => Reshaped::IfOpen,
                    (false, false) => Reshaped::Computed,
                };
                into.push(Operation::Reshape { columns, rest });
            }
            _ if PASSING.contains(&name) => into.push(Operation::Open),
            _ => unknown_table_function(call.span, into),
        }
    }

    /// `bag_unpack(bag [, prefix] [, …])`: the members of a bag become columns
    /// ([reference](https://learn.microsoft.com/kusto/query/bag-unpack-plugin)).
    fn bag_unpack(
        &mut self,
        arguments: &'a [Argument<'a>],
        declared: Option<&'a [Cow<'a, str>]>,
        scope: ScopeRef,
    ) -> Option<Operation> {
        let bag = self.scalar(&arguments.first()?.value, scope);
        let named = arguments.iter().find(|argument| argument.name.as_deref() == Some("OutputColumnPrefix"));
        let prefix = named.or_else(|| arguments.get(1).filter(|argument| argument.name.is_none()));
        let prefix = prefix.map(|prefix| self.scalar(&prefix.value, scope));
        let declared = declared.map(|columns| columns.iter().map(|column| Rc::from(&**column)).collect());
        Some(Operation::Unpack { bag, prefix, declared })
    }

    /// `ipv4_lookup(table, address, network [, key …] [, return_unmatched])`: rows get the columns of the table's row
    /// whose network their address is in; those without one fall away unless `return_unmatched` is set
    /// ([reference](https://learn.microsoft.com/kusto/query/ipv4-lookup-plugin)).
    fn ip_lookup(&mut self, arguments: &'a [Argument<'a>], span: Span, scope: ScopeRef, into: &mut Vec<Operation>) {
        let mut keeps_unmatched = false;
        let mut positional = Vec::new();
        for argument in arguments {
            let is_flag = argument.name.as_deref() == Some("return_unmatched");
            let literal = self.literal(&argument.value, scope);
            let flag = literal.and_then(|literal| match (literal.kind, &*literal.text) {
                (LiteralKind::Bool, text) => Some(text == "true"),
                (LiteralKind::Number, "1") => Some(true),
                (LiteralKind::Number, "0") => Some(false),
                _ => None,
            });
            match flag {
                Some(flag) => keeps_unmatched = flag,
                None if is_flag => keeps_unmatched = true,
                None => positional.push(&argument.value),
            }
        }
        let [table, address, network, keys @ ..] = positional.as_slice() else {
            return unknown_table_function(span, into);
        };
        let text = written(table.span.of(self.text).unwrap_or_default()).into();
        let columns = [network].into_iter().chain(keys).filter_map(|column| auto_name(column)).map(Rc::from);
        let columns = columns.collect();
        let address = self.scalar(address, scope);
        let Leg { rows, label } = self.leg(table, scope, "lookup");
        // The network is a column of the other table.
        let nowhere = self.scopes.block(None);
        let network = self.scalar(network, nowhere);
        let has_keys = !keys.is_empty();
        into.push(Operation::AddressLookup(Box::new(AddressLookup {
            table: rows,
            label,
            text,
            address,
            network,
            columns,
            has_keys,
            keeps_unmatched,
        })));
    }

    pub(super) fn invoke(&mut self, call: &'a ast::Expr<'a>, scope: ScopeRef, into: &mut Vec<Operation>) {
        let (name, arguments): (&str, &'a [Argument<'a>]) = match &call.kind {
            ast::ExprKind::Call(name, arguments) => (name, arguments),
            ast::ExprKind::Name(name) => (name, &[]),
            _ => return unknown_table_function(call.span, into),
        };
        let Some(Binding::Function(function, defined)) = self.scopes.get(scope, name) else {
            if keeps_every_row(name) {
                into.push(Operation::Open);
            } else {
                unknown_table_function(call.span, into);
            }
            return;
        };
        let table = self.number();
        let (bindings, block) = self.bind_arguments(function, defined, arguments, Some(table), scope);
        if let Some((expr, inner)) = self.body(function, block) {
            let rows = within(bindings, self.rows(expr, inner));
            into.push(Operation::Invoke { table, rows });
        }
    }
}

/// What a function makes of the rows is not known: which it keeps, and which columns they have.
fn unknown_table_function(span: Span, into: &mut Vec<Operation>) {
    into.push(Operation::Open);
    into.push(Operation::Filter(Expr::opaque(UNDEFINED, span)));
}
