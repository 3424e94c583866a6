//! `evaluate` and `invoke`: plug-ins and functions that take a table and give one.

use std::borrow::Cow;
use std::rc::Rc;

use ruleatlas_model::{Missing, Node, Op, Span};

use super::call::Test;
use super::flow::Flow;
use super::scope::{Binding, ScopeRef};
use super::stage::auto_name;
use super::value::{Columns, Const, Found, Outer, Unpacked, Value};
use super::{Lowering, Place};
use crate::ast::{Argument, Expr, ExprKind};

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
        flow: &mut Flow<'a>,
        call: &'a Expr<'a>,
        declared: Option<&'a [Cow<'a, str>]>,
        scope: ScopeRef,
    ) {
        let (name, arguments): (&str, &'a [Argument<'a>]) = match &call.kind {
            ExprKind::Call(name, arguments) => (name, arguments),
            ExprKind::Name(name) => (name, &[]),
            _ => ("", &[]),
        };
        match name {
            "bag_unpack" => self.bag_unpack(flow, arguments, declared, scope),
            "ipv4_lookup" | "ipv6_lookup" => self.ip_lookup(flow, arguments, call.span, scope),
            _ if AGGREGATING.contains(&name) => {
                for argument in arguments {
                    let Some(name) = auto_name(&argument.value) else { continue };
                    let value = self.scalar(&argument.value, Place { scope, columns: &flow.columns });
                    flow.columns.known.entry(name.into()).or_insert(value);
                }
                // Without group keys `pivot` keeps all columns but the two it is made of. One that names and values of
                // an event's data are turned into columns by keeps the values.
                let keeps_all = name == "pivot" && arguments.len() < 3;
                let picks = arguments.get(1).is_some_and(|argument| {
                    matches!(&argument.value.kind, ExprKind::Call(name, _) if matches!(&**name, "any" | "take_any"))
                });
                flow.columns.rest_is_computed |= !(picks || keeps_all && flow.columns.open);
                flow.columns.unpacked = Rc::from([]);
                flow.columns.open = true;
            }
            _ if PASSING.contains(&name) => flow.columns.open = true,
            _ => self.unknown_table_function(flow, call.span),
        }
    }

    /// What a function makes of the rows is not known: which it keeps, and which columns they have.
    fn unknown_table_function(&mut self, flow: &mut Flow<'a>, span: Span) {
        flow.columns.open = true;
        flow.push(self.undefined(super::scalar::UNDEFINED, span));
    }

    /// `bag_unpack(bag [, prefix] [, …])`: the members of a bag become columns
    /// ([reference](https://learn.microsoft.com/kusto/query/bag-unpack-plugin)).
    fn bag_unpack(
        &mut self,
        flow: &mut Flow<'a>,
        arguments: &'a [Argument<'a>],
        declared: Option<&'a [Cow<'a, str>]>,
        scope: ScopeRef,
    ) {
        let Some(bag) = arguments.first() else { return };
        let place = Place { scope, columns: &flow.columns };
        let value = self.scalar(&bag.value, place);
        let named = arguments.iter().find(|argument| argument.name.as_deref() == Some("OutputColumnPrefix"));
        let prefix = named.or_else(|| arguments.get(1).filter(|argument| argument.name.is_none()));
        let prefix = match prefix.map(|prefix| self.scalar(&prefix.value, place)) {
            Some(Value::Const(prefix)) => prefix.text,
            _ => Rc::from(""),
        };
        let declared = declared.map(|columns| columns.iter().map(|column| Rc::from(&**column)).collect());
        let earlier = flow.columns.unpacked.iter().cloned();
        flow.columns.unpacked = [Unpacked { bag: value, prefix, declared }].into_iter().chain(earlier).collect();
    }

    /// `ipv4_lookup(table, address, network [, key …] [, return_unmatched])`: rows get the columns of the table's row
    /// whose network their address is in; those without one fall away unless `return_unmatched` is set
    /// ([reference](https://learn.microsoft.com/kusto/query/ipv4-lookup-plugin)).
    fn ip_lookup(&mut self, flow: &mut Flow<'a>, arguments: &'a [Argument<'a>], span: Span, scope: ScopeRef) {
        let place = Place { scope, columns: &flow.columns };
        let mut keeps_unmatched = false;
        let mut positional = Vec::new();
        for argument in arguments {
            let is_flag = argument.name.as_deref() == Some("return_unmatched");
            let flag = match self.scalar(&argument.value, place) {
                Value::Const(constant) => constant.as_bool(),
                _ => None,
            };
            match flag {
                Some(flag) => keeps_unmatched = flag,
                None if is_flag => keeps_unmatched = true,
                None => positional.push(&argument.value),
            }
        }
        let [table, address, network, keys @ ..] = positional.as_slice() else {
            self.unknown_table_function(flow, span);
            return;
        };
        let table_flow = self.leg(table, scope, "lookup", false);
        let list = table_flow.columns.list.clone().filter(|names| !names.is_empty());
        // The networks of a table of events are known to it alone.
        let names = list.unwrap_or_else(|| Rc::from([Rc::from(self.snippet(table.span))]));
        let mut columns = Columns { open: false, ..table_flow.columns.clone() };
        for column in [network].into_iter().chain(keys) {
            if let Some(name) = auto_name(column) {
                columns.known.entry(name.into()).or_insert_with(|| Value::Named(names.clone()));
            }
        }
        let nowhere = self.scopes.block(None);
        let network = self.scalar(network, Place { scope: nowhere, columns: &columns });
        // Other keys must be equal as well: the values of each column are known, and not which belong together.
        let networks = if keys.is_empty() { network.constants() } else { None };
        let found = self.resolved(|this| Some(this.networks(flow, address, networks, &names, scope)));
        let Some(found) = found else { return };
        if !keeps_unmatched {
            flow.push(found.node);
            flow.columns.joined(&columns);
            return;
        }
        let outer = Outer { found: Found::Where(Rc::new(found)), value: Value::Named(names) };
        flow.columns.joined_as(&columns, |_, value| outer.with(value.clone()));
        if table_flow.columns.open {
            flow.columns.looked_up = Some(Rc::new(outer));
        }
    }

    /// The condition that an address is in one of some networks, or in those of lists known by name only.
    fn networks(
        &mut self,
        flow: &Flow<'a>,
        address: &'a Expr<'a>,
        networks: Option<Vec<Const>>,
        names: &[Rc<str>],
        scope: ScopeRef,
    ) -> Node {
        let value = self.scalar(address, Place { scope, columns: &flow.columns });
        let (op, constants) = match networks {
            Some(networks) => (Op::CidrMatch, networks),
            None => (Op::InList, names.iter().map(|name| Const::string(name)).collect()),
        };
        let test = Test { op, cased: false, modifier: None, missing: Missing::Fails };
        self.tested(&value, address.span, &constants, &test, address.span)
            .unwrap_or_else(|| Node::opaque(self.snippet(address.span), "address is not known", address.span))
    }

    pub(super) fn invoke(&mut self, flow: &mut Flow<'a>, call: &'a Expr<'a>, scope: ScopeRef) {
        let (name, arguments): (&str, &'a [Argument<'a>]) = match &call.kind {
            ExprKind::Call(name, arguments) => (name, arguments),
            ExprKind::Name(name) => (name, &[]),
            _ => return self.unknown_table_function(flow, call.span),
        };
        let Some(Binding::Function(function, defined)) = self.scopes.get(scope, name).cloned() else {
            if keeps_every_row(name) {
                flow.columns.open = true;
            } else {
                self.unknown_table_function(flow, call.span);
            }
            return;
        };
        let table = Rc::new(self.copy_flow(flow));
        let columns = flow.columns.clone();
        let block = self.bind_arguments(function, defined, arguments, Some(table), Place { scope, columns: &columns });
        if let Some((expr, inner)) = self.body(function, block) {
            *flow = self.flow(expr, inner);
        }
    }
}
