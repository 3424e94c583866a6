//! The part of an address behind `?`.

use std::{collections::BTreeMap, fmt::Write as _, str::FromStr};

use ruleatlas_catalog::{Facet, Filters};
use ruleatlas_model::Role;
pub(crate) use ruleatlas_views::Table;
use ruleatlas_views::{Check, Order, Question};

use crate::text::encoded;

/// Values of one parameter that are read; the rest of an address made by hand is left out.
const MAX_VALUES: usize = 32;

/// The facets that a scope may be asked by, besides the filters, with their names in addresses.
pub(crate) const FACETS: [Facet; 7] =
    [Facet::Technique, Facet::Tactic, Facet::Event, Facet::LogSource, Facet::Source, Facet::Language, Facet::Kind];

/// What a page with a guide is asked besides its own name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Params {
    pub(crate) filters: Filters,
    /// Leave the rules of sub-techniques out.
    pub(crate) only_itself: bool,
    /// Words of titles, or a part of a value.
    pub(crate) text: String,
    /// Facets of a scope, in the order of [`FACETS`].
    pub(crate) facets: Vec<(Facet, Vec<String>)>,
    /// What the rules of a scope must check.
    pub(crate) checks: Vec<Check>,
    /// Tables to show whole, or the page of the whole that is shown, from 1.
    pub(crate) whole: BTreeMap<Table, usize>,
    /// Tables in another order, a table once.
    pub(crate) orders: BTreeMap<Table, Order>,
    /// The one table that is asked for, in JSON or CSV.
    pub(crate) table: Option<Table>,
    /// Whether it is asked for as CSV.
    pub(crate) is_csv: bool,
    /// Where each list begins and how many rows it has at most, in JSON and CSV.
    pub(crate) offset: Option<usize>,
    pub(crate) limit: Option<usize>,
    /// The id, as asked for, that led here.
    pub(crate) from: Option<String>,
}

/// A parameter with a value that it cannot have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WrongParameter {
    pub(crate) name: String,
    pub(crate) message: String,
}

impl Params {
    /// Reads the parameters that are known, in one spelling: ordered, each value once, empty ones left out.
    pub(crate) fn read(pairs: &[(String, String)]) -> Result<Self, WrongParameter> {
        let mut params = Self::default();
        let filters = &mut params.filters;
        for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
            match name.as_str() {
                "vendor" => add(&mut filters.vendors, word("vendor", value)?),
                "severity" => add(&mut filters.severities, word("severity", value)?),
                "status" => add(&mut filters.statuses, word("status", value)?),
                "parse" => add(&mut filters.parse, word("parse", value)?),
                "platform" => add(&mut filters.platforms, value.to_lowercase()),
                "domain" => add(&mut filters.domains, value.to_lowercase()),
                "since" => filters.since = Some(word("since", value)?),
                "until" => filters.until = Some(word("until", value)?),
                "subtechniques" => params.only_itself = matches!(value.as_str(), "no" | "0" | "false"),
                "all" => params.whole.extend(whole(value)),
                "sort" => {
                    let order: Order = word("sort", value)?;
                    params.orders.insert(order.table, order);
                }
                "table" => params.table = Some(word("table", value)?),
                "format" => params.is_csv = value == "csv",
                "q" => value.trim().clone_into(&mut params.text),
                "field" => add(&mut params.checks, Check::field(value)),
                "how" => add(&mut params.checks, how(value)?),
                "looks" => add(&mut params.checks, check(value, "looks", Role::Indicator)?),
                "excludes" => add(&mut params.checks, check(value, "excludes", Role::Exclusion)?),
                "offset" => params.offset = Some(count("offset", value)?),
                "limit" => params.limit = Some(count("limit", value)?),
                "from" => params.from = Some(value.clone()),
                _ => {}
            }
            if let Some(facet) = FACETS.into_iter().find(|facet| facet.name() == name) {
                match params.facets.iter_mut().find(|(known, _)| *known == facet) {
                    Some((_, values)) => add(values, value.clone()),
                    None => params.facets.push((facet, vec![value.clone()])),
                }
            }
        }
        params.facets.sort_by_key(|(facet, _)| FACETS.iter().position(|known| known == facet));
        params.checks.sort_by_key(check_pair);
        filters.vendors.sort_unstable();
        filters.severities.sort_unstable();
        filters.statuses.sort_unstable();
        filters.parse.sort_unstable();
        filters.platforms.sort_unstable();
        filters.domains.sort_unstable();
        Ok(params)
    }

    /// The same as a query string, with `?` before it where it is not empty.
    pub(crate) fn query(&self) -> String {
        let mut text = String::new();
        let mut add = |name: &str, value: &str| {
            let mark = if text.is_empty() { '?' } else { '&' };
            let _ = write!(text, "{mark}{name}={}", encoded(value));
        };
        let filters = &self.filters;
        filters.vendors.iter().for_each(|value| add("vendor", value.name()));
        filters.platforms.iter().for_each(|value| add("platform", value));
        filters.domains.iter().for_each(|value| add("domain", value));
        filters.severities.iter().for_each(|value| add("severity", value.name()));
        filters.statuses.iter().for_each(|value| add("status", value.name()));
        filters.parse.iter().for_each(|value| add("parse", value.name()));
        filters.since.iter().for_each(|day| add("since", day.as_str()));
        filters.until.iter().for_each(|day| add("until", day.as_str()));
        for (facet, values) in &self.facets {
            values.iter().for_each(|value| add(facet.name(), value));
        }
        for check in &self.checks {
            let (name, value) = check_pair(check);
            add(name, &value);
        }
        if !self.text.is_empty() {
            add("q", &self.text);
        }
        if self.only_itself {
            add("subtechniques", "no");
        }
        if let Some(from) = &self.from {
            add("from", from);
        }
        for (name, count) in [("offset", self.offset), ("limit", self.limit)] {
            if let Some(count) = count {
                add(name, &count.to_string());
            }
        }
        for (table, page) in &self.whole {
            match page {
                1 => add("all", table.name()),
                page => add("all", &format!("{}.{page}", table.name())),
            }
        }
        self.orders.values().for_each(|order| add("sort", &order.to_string()));
        if let Some(table) = self.table {
            add("table", table.name());
        }
        if self.is_csv {
            add("format", "csv");
        }
        text
    }

    /// The query string of the same page with `table` whole, from a page of it on.
    pub(crate) fn with_whole(&self, table: Table, page: usize) -> String {
        let mut other = self.clone();
        other.whole.insert(table, page);
        other.query()
    }

    /// The query string of the same page with a table in another order.
    pub(crate) fn ordered(&self, order: Order) -> String {
        let mut other = self.clone();
        other.orders.insert(order.table, order);
        // A page of another order is another page.
        other.whole.entry(order.table).and_modify(|page| *page = 1);
        other.query()
    }

    /// The query string for one table of the same page as JSON or CSV, whole.
    pub(crate) fn download(&self, table: Table, is_csv: bool) -> String {
        let orders = self.orders.get(&table).map(|order| (table, *order)).into_iter().collect();
        Self { whole: BTreeMap::new(), from: None, table: Some(table), is_csv, orders, ..self.clone() }.query()
    }

    /// The rules that are asked about.
    pub(crate) fn question(&self) -> Question {
        Question {
            text: self.text.clone(),
            facets: self.facets.clone(),
            only_itself: self.only_itself,
            checks: self.checks.clone(),
            filters: self.filters.clone(),
        }
    }

    /// The parameters that ask a question.
    pub(crate) fn of(question: &Question) -> Self {
        Self {
            text: question.text.clone(),
            facets: question.facets.clone(),
            only_itself: question.only_itself,
            checks: question.checks.clone(),
            filters: question.filters.clone(),
            ..Self::default()
        }
    }
}

/// A table, and the page of it where one is named (`indicators.2`).
fn whole(value: &str) -> Option<(Table, usize)> {
    let (name, page) = value.split_once('.').unwrap_or((value, "1"));
    Some((name.parse().ok()?, page.parse().ok().filter(|page| *page > 0)?))
}

/// A check as a parameter: its name and its value.
pub(crate) fn check_pair(check: &Check) -> (&'static str, String) {
    let Some(op) = check.op else {
        return match &check.how {
            Some(how) => ("how", format!("{} {how}", check.field)),
            None => ("field", check.field.clone()),
        };
    };
    let name = if check.role == Some(Role::Exclusion) { "excludes" } else { "looks" };
    let mut text = format!("{} {op}", check.field);
    if !check.modifiers.is_empty() {
        let _ = write!(text, "|{}", check.modifiers);
    }
    if !op.op.is_presence() {
        let _ = write!(text, " {}", check.value);
    }
    (name, text)
}

/// A field and the operator as authors write it: `CommandLine contains`.
fn how(value: &str) -> Result<Check, WrongParameter> {
    let message = || format!("`{value}` is no field and operator, as in `CommandLine contains`");
    let (field, how) =
        value.rsplit_once(' ').ok_or_else(|| WrongParameter { name: "how".to_owned(), message: message() })?;
    Ok(Check { how: Some(how.to_owned()), ..Check::field(field) })
}

/// An indicator as it is written: `Image basename cmd.exe`, `CommandLine contains|base64offset iex`.
fn check(text: &str, name: &'static str, role: Role) -> Result<Check, WrongParameter> {
    for (at, _) in text.match_indices(' ') {
        let (field, rest) = (&text[..at], &text[at + 1..]);
        let (word, value) = rest.split_once(' ').unwrap_or((rest, ""));
        let (op, modifiers) = word.split_once('|').unwrap_or((word, ""));
        if let (Ok(op), Ok(modifiers), false) = (op.parse(), modifiers.parse(), field.is_empty()) {
            let value = value.to_owned();
            return Ok(Check { op: Some(op), value, modifiers, role: Some(role), ..Check::field(field) });
        }
    }
    let message = format!("`{text}` is no field, operator and value, as in `Image basename cmd.exe`");
    Err(WrongParameter { name: name.to_owned(), message })
}

fn count(name: &str, value: &str) -> Result<usize, WrongParameter> {
    let message = || format!("`{value}` is no number of rows");
    value.parse().map_err(|_| WrongParameter { name: name.to_owned(), message: message() })
}

fn add<T: PartialEq>(values: &mut Vec<T>, value: T) {
    if values.len() < MAX_VALUES && !values.contains(&value) {
        values.push(value);
    }
}

fn word<T: FromStr<Err = String>>(name: &'static str, value: &str) -> Result<T, WrongParameter> {
    value.parse().map_err(|message| WrongParameter { name: name.to_owned(), message })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Params, WrongParameter> {
        Params::read(&crate::routes::Address::new("/technique/T1071", query).pairs)
    }

    #[test]
    fn one_question_has_one_spelling() {
        let spelled = read("vendor=splunk&utm=x&platform=Windows&vendor=sigma&vendor=sigma&domain=").unwrap();
        assert_eq!(spelled.query(), "?vendor=sigma&vendor=splunk&platform=windows");
        assert_eq!(read("vendor=sigma&vendor=splunk&platform=windows").unwrap(), spelled);
        assert_eq!(read("garbage=1&all=nothing").unwrap().query(), "");
    }

    #[test]
    fn a_query_reads_back_as_itself() {
        let query = "?platform=a%26b&severity=high&status=deprecated&parse=full&since=2024-02-29&until=2025-01-01&technique=T1059&\
                     event=Sysmon%2F1&excludes=User%20eq%20&field=Image&how=CommandLine%20contains&looks=Image%20is_null&\
                     looks=odd%20field%20contains%7Cbase64offset%20%20a%20eq%20b%20&q=cmd&subtechniques=no&all=fields&all=rules.3&\
                     sort=indicators.reach.reversed";
        assert_eq!(read(&query[1..]).unwrap().query(), query);
        let check = &read(&query[1..]).unwrap().checks[4];
        assert_eq!((check.field.as_str(), check.value.as_str()), ("odd field", " a eq b "));
    }

    #[test]
    fn a_word_that_is_none_is_said() {
        let wrong = read("vendor=acme").unwrap_err();
        assert_eq!(wrong.name, "vendor");
        assert!(wrong.message.contains("acme") && wrong.message.contains("sigma"), "{}", wrong.message);
        assert_eq!(read("since=2023-02-29").unwrap_err().name, "since");
        assert_eq!(read("limit=-1").unwrap_err().name, "limit");
    }
}
