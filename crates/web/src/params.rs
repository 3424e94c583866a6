//! The part of an address behind `?`.

use std::{collections::BTreeSet, fmt::Write as _, str::FromStr};

use ruleatlas_catalog::{Facet, Filters, Index};

use crate::text::encoded;

/// Values of one parameter that are read; the rest of an address made by hand is left out.
const MOST_VALUES: usize = 32;

/// The tables of a guide, which can be asked for whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Table {
    Events,
    Fields,
    Indicators,
    Exclusions,
    Rules,
}

impl Table {
    pub(crate) const ALL: [Self; 5] = [Self::Events, Self::Fields, Self::Indicators, Self::Exclusions, Self::Rules];

    /// Its name in addresses, which is also its place on the page.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Fields => "fields",
            Self::Indicators => "indicators",
            Self::Exclusions => "exclusions",
            Self::Rules => "rules",
        }
    }
}

/// What a technique's page or JSON is asked for besides the technique.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Params {
    pub(crate) filters: Filters,
    /// Leave the rules of sub-techniques out.
    pub(crate) only_itself: bool,
    /// Tables to show whole.
    pub(crate) whole: BTreeSet<Table>,
    /// At most this many rows a table, in JSON.
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
                "all" => params.whole.extend(Table::ALL.into_iter().filter(|table| table.name() == value)),
                "limit" => {
                    let message = || format!("`{value}` is no number of rows");
                    let wrong = |_| WrongParameter { name: "limit".to_owned(), message: message() };
                    let limit = value.parse().map_err(wrong)?;
                    params.limit = Some(limit);
                }
                "from" => params.from = Some(value.clone()),
                _ => {}
            }
        }
        filters.vendors.sort_unstable();
        filters.severities.sort_unstable();
        filters.statuses.sort_unstable();
        filters.parse.sort_unstable();
        filters.platforms.sort_unstable();
        filters.domains.sort_unstable();
        Ok(params)
    }

    /// Whether every name in the filters is one that some rule has, so that there are only so many such pages.
    pub(crate) fn is_known(&self, index: &Index) -> bool {
        let has = |facet, names: &[String]| names.iter().all(|name| index.set(facet, name).is_some());
        has(Facet::Platform, &self.filters.platforms) && has(Facet::Domain, &self.filters.domains)
    }

    /// The same as a query string, with `?` before it where it is not empty.
    pub(crate) fn query(&self) -> String {
        let mut text = String::new();
        let mut add = |name: &str, value: &str| {
            let mark = if text.is_empty() { '?' } else { '&' };
            let _ = write!(text, "{mark}{name}={}", encoded(value, b""));
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
        if self.only_itself {
            add("subtechniques", "no");
        }
        if let Some(from) = &self.from {
            add("from", from);
        }
        if let Some(limit) = self.limit {
            add("limit", &limit.to_string());
        }
        self.whole.iter().for_each(|table| add("all", table.name()));
        text
    }

    /// The query string of the same page with `table` whole.
    pub(crate) fn with_whole(&self, table: Table) -> String {
        let mut other = self.clone();
        other.whole.insert(table);
        other.query()
    }
}

fn add<T: PartialEq>(values: &mut Vec<T>, value: T) {
    if values.len() < MOST_VALUES && !values.contains(&value) {
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
        let query = "?platform=a%26b&severity=high&status=deprecated&parse=full&since=2024-02-29&until=2025-01-01&subtechniques=no&all=fields&all=rules";
        assert_eq!(read(&query[1..]).unwrap().query(), query);
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
