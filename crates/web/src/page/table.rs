//! What tables share: heads that order, what is shown of many rows, and the way to the rows as data.

use std::ops::Range;

use maud::{Markup, html};
use ruleatlas_views::{Order, Table};

use crate::{params::Params, routes::API, text::number};

/// Rows of a table that is asked for whole which one page shows, so that no page is too long to load; of rules a vendor.
fn page_of(table: Table) -> usize {
    match table {
        Table::Rules => 150,
        Table::Fields => 250,
        Table::Events | Table::Indicators | Table::Exclusions => 500,
    }
}

/// A table of a page that stands at `address`.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) table: Table,
    pub(super) address: &'a str,
    pub(super) params: &'a Params,
}

impl Place<'_> {
    /// The head of a column, which orders the table by it; ordered so already, the other way round.
    pub(super) fn head(self, column: &'static str, label: &str, class: &str) -> Markup {
        let now = self.params.orders.get(&self.table).filter(|order| order.column == column);
        let order = Order { table: self.table, column, reversed: now.is_some_and(|order| !order.reversed) };
        let address = format!("{}{}#{}", self.address, self.params.ordered(order), self.table.name());
        let sort = now.map(|order| if order.descends() { "descending" } else { "ascending" });
        html! {
            th.(class) scope="col" aria-sort=[sort] {
                a href=(address) { (label) @if let Some(sort) = sort { span.sorted aria-hidden="true" { @if sort == "ascending" { "↑" } @else { "↓" } } } }
            }
        }
    }

    /// Which rows are shown, of `rows` in all; `most` before the rest is asked for.
    pub(super) fn shown(self, rows: usize, most: usize) -> Range<usize> {
        match self.params.whole.get(&self.table) {
            None => 0..rows.min(most),
            Some(page) => {
                let start = (page - 1).saturating_mul(page_of(self.table)).min(rows);
                start..start.saturating_add(page_of(self.table)).min(rows)
            }
        }
    }

    /// The end of a table that does not show all its rows.
    pub(super) fn rest(self, shown: &Range<usize>, rows: usize, place: &str) -> Markup {
        let to = |page: usize| format!("{}{}#{place}", self.address, self.params.with_whole(self.table, page));
        let page = self.params.whole.get(&self.table).copied();
        html! {
            @if shown.len() < rows {
                p.more {
                    @match page {
                        None => {
                            (number(shown.len() as u64)) " of " (number(rows as u64)) " shown"
                            span.served { " · " a href=(to(1)) { @if rows <= page_of(self.table) { "Show all " (number(rows as u64)) } @else { "Show " (page_of(self.table)) " a page" } } }
                        }
                        Some(page) => {
                            (number(shown.start as u64 + 1)) "–" (number(shown.end as u64)) " of " (number(rows as u64))
                            @if page > 1 { " · " a rel="prev" href=(to(page - 1)) { "Previous" } }
                            @if shown.end < rows { " · " a rel="next" href=(to(page + 1)) { "Next" } }
                        }
                    }
                }
            }
        }
    }

    /// The way to all rows as data, and to the order by what is telling.
    pub(super) fn tools(self, has_telling: bool) -> Markup {
        let data = |is_csv| format!("{API}{}{}", self.address, self.params.download(self.table, is_csv));
        let order = Order { table: self.table, column: "distinctiveness", reversed: false };
        let is_telling = self.params.orders.get(&self.table) == Some(&order);
        let name = self.table.name();
        html! {
            p.tools {
                @if has_telling {
                    @if is_telling {
                        a href={ (self.address) (self.params.ordered(Order { column: "rules", ..order })) "#" (name) } { "Most used first" }
                    } @else {
                        a href={ (self.address) (self.params.ordered(order)) "#" (name) } { "Most telling first" }
                    }
                    " · "
                }
                a href=(data(true)) download={ (name) ".csv" } { "CSV" } " · " a href=(data(false)) { "JSON" }
            }
        }
    }
}
