//! Pages that only the static site has: its search, and lists of what a server would be asked for.

use ruleatlas_catalog::RuleId;
use ruleatlas_model::Vendor;
use ruleatlas_views::Atlas;

use super::search::{FOLDER, LEAST_REACH};
use crate::page::{self, List};

/// Rules of a page of a list.
const ROWS: usize = 500;

/// The pages, by their addresses.
pub(super) fn pages(atlas: &Atlas) -> Vec<(String, String)> {
    let mut pages = Vec::new();
    let mut lists = Vec::new();
    let mut list = |name: String, address: &str, entries: usize| {
        lists.push(List { name, address: address.to_owned(), entries: entries as u64 });
    };
    list("Techniques, as a matrix".to_owned(), "/matrix", atlas.attack.techniques.len());
    let heads = atlas.index.heads();
    for vendor in Vendor::ALL {
        let mut rules: Vec<RuleId> =
            (0..).zip(heads).filter(|(_, head)| head.vendor == *vendor).map(|(rule, _)| rule).collect();
        if rules.is_empty() {
            continue;
        }
        let title = |rule: &RuleId| heads.get(*rule as usize).map(|head| (head.title.to_lowercase(), head.id.clone()));
        rules.sort_by_cached_key(title);
        let first = format!("/{FOLDER}/rules/{vendor}");
        let chunks: Vec<&[RuleId]> = rules.chunks(ROWS).collect();
        let address = |at: usize| if at == 0 { first.clone() } else { format!("{first}/{}", at + 1) };
        let addresses: Vec<String> = (0..chunks.len()).map(address).collect();
        for (at, chunk) in chunks.iter().enumerate() {
            let page = page::rule_list(atlas, vendor.name(), chunk, &addresses, at);
            pages.push((address(at), page.into_string()));
        }
        list(format!("Rules of {vendor}"), &first, rules.len());
    }
    let fields = atlas.searchable_fields();
    let address = format!("/{FOLDER}/fields");
    list("Fields".to_owned(), &address, fields.len());
    pages.push((address, page::field_list(&fields).into_string()));
    let events = atlas.events_read().map_or(0, |events| events.len());
    list("Events that rules read".to_owned(), "/events", events);
    pages.push((format!("/{FOLDER}"), page::static_search(&lists, LEAST_REACH).into_string()));
    pages
}
