//! Tables in another order, and as CSV.

use std::{cmp::Ordering, fmt, str::FromStr};

use ruleatlas_catalog::{EventRow, FieldRow, Guide, IndicatorRow};

use crate::{Cells, CsvText, RuleItem};

/// The tables of a guide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Events covered.
    Events,
    /// Fields filtered most.
    Fields,
    /// Top indicator values.
    Indicators,
    /// Exclusions.
    Exclusions,
    /// The rules.
    Rules,
}

impl Table {
    /// Every table, in the order of the page.
    pub const ALL: [Self; 5] = [Self::Events, Self::Fields, Self::Indicators, Self::Exclusions, Self::Rules];

    /// Its name in addresses, which is also its place on the page.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Fields => "fields",
            Self::Indicators => "indicators",
            Self::Exclusions => "exclusions",
            Self::Rules => "rules",
        }
    }

    /// Its columns, in their order; by any of them it can be ordered.
    #[must_use]
    pub fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Events => &["provider", "event_id", "title", "rules", "explicit", "implied"],
            Self::Fields => &["field", "rules", "reach", "expected", "distinctiveness", "how", "samples"],
            Self::Indicators | Self::Exclusions => &[
                "field",
                "op",
                "value",
                "modifier",
                "rules",
                "reach",
                "reach_by_vendor",
                "expected",
                "distinctiveness",
                "grouped",
            ],
            Self::Rules => &["id", "title", "vendor", "severity", "status", "date", "modified", "techniques"],
        }
    }
}

impl FromStr for Table {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|table| table.name() == name)
            .ok_or_else(|| format!("`{name}` is no table; there are {}", Self::ALL.map(Self::name).join(", ")))
    }
}

/// An order of a table's rows, written `indicators.reach`, or `indicators.reach.reversed` for the other way round.
///
/// Numbers begin with the largest, texts with the first of the alphabet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Order {
    /// The table.
    pub table: Table,
    /// The column.
    pub column: &'static str,
    /// Whether it is the other way round.
    pub reversed: bool,
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}{}", self.table.name(), self.column, if self.reversed { ".reversed" } else { "" })
    }
}

impl FromStr for Order {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (text, reversed) = text.strip_suffix(".reversed").map_or((text, false), |rest| (rest, true));
        let (table, column) = text.split_once('.').unwrap_or((text, ""));
        let table: Table = table.parse()?;
        let column = table.columns().iter().copied().find(|known| *known == column).ok_or_else(|| {
            format!("`{column}` is no column of {}; there are {}", table.name(), table.columns().join(", "))
        })?;
        Ok(Self { table, column, reversed })
    }
}

impl Order {
    /// Whether the largest, latest or gravest come first.
    #[must_use]
    pub fn descends(self) -> bool {
        let numbers =
            ["rules", "explicit", "implied", "reach", "reach_by_vendor", "expected", "distinctiveness", "grouped"];
        let besides = ["how", "modifier", "severity", "date", "modified"];
        let from_above = numbers.contains(&self.column) || besides.contains(&self.column);
        from_above != self.reversed
    }

    /// Puts the table's rows in this order. Rows that are equal in it stay as they were.
    pub fn apply(self, guide: &mut Guide, rules: &mut [RuleItem]) {
        let column = self.column;
        match self.table {
            Table::Events => self.sort(&mut guide.events, |a, b| event(column, a, b)),
            Table::Fields => self.sort(&mut guide.fields, |a, b| field(column, a, b)),
            Table::Indicators => self.sort(&mut guide.indicators, |a, b| indicator(column, a, b)),
            Table::Exclusions => self.sort(&mut guide.exclusions, |a, b| indicator(column, a, b)),
            Table::Rules => self.sort(rules, |a, b| rule(column, a, b)),
        }
    }

    /// Puts indicators in this order, whatever the table.
    pub fn apply_to_indicators(self, rows: &mut [IndicatorRow]) {
        self.sort(rows, |a, b| indicator(self.column, a, b));
    }

    fn sort<T>(self, rows: &mut [T], compare: impl Fn(&T, &T) -> Ordering) {
        rows.sort_by(|a, b| if self.reversed { compare(b, a) } else { compare(a, b) });
    }
}

/// Ids that are numbers by number, before those that are words.
fn numeric(a: &str, b: &str) -> Ordering {
    let number = |text: &str| text.parse::<u64>().unwrap_or(u64::MAX);
    number(a).cmp(&number(b)).then_with(|| a.cmp(b))
}

fn letters(a: &str, b: &str) -> Ordering {
    a.to_lowercase().cmp(&b.to_lowercase()).then_with(|| a.cmp(b))
}

fn event(column: &str, a: &EventRow, b: &EventRow) -> Ordering {
    match column {
        "provider" => a.provider.cmp(&b.provider).then_with(|| numeric(&a.event_id, &b.event_id)),
        "event_id" => numeric(&a.event_id, &b.event_id),
        "title" => letters(&a.title, &b.title),
        "explicit" => b.explicit.cmp(&a.explicit),
        "implied" => b.implied.cmp(&a.implied),
        _ => b.rules.cmp(&a.rules),
    }
}

fn field(column: &str, a: &FieldRow, b: &FieldRow) -> Ordering {
    match column {
        "field" => letters(&a.field, &b.field),
        "reach" => b.reach.cmp(&a.reach),
        "expected" => b.distinctiveness.expected.total_cmp(&a.distinctiveness.expected),
        "distinctiveness" => b.distinctiveness.distinctiveness.total_cmp(&a.distinctiveness.distinctiveness),
        "how" => b.how.len().cmp(&a.how.len()),
        "samples" => a.samples.cmp(&b.samples),
        _ => b.rules.cmp(&a.rules),
    }
}

fn indicator(column: &str, a: &IndicatorRow, b: &IndicatorRow) -> Ordering {
    match column {
        "field" => letters(&a.indicator.field, &b.indicator.field),
        "op" => a.indicator.op.cmp(&b.indicator.op),
        "value" => letters(&a.indicator.value, &b.indicator.value),
        "modifier" => b.indicator.modifiers.cmp(&a.indicator.modifiers),
        "reach" => b.reach.cmp(&a.reach),
        // The more vendors check a value, the less it is one vendor's own.
        "reach_by_vendor" => b.reach_by_vendor.len().cmp(&a.reach_by_vendor.len()).then(b.reach.cmp(&a.reach)),
        "expected" => b.distinctiveness.expected.total_cmp(&a.distinctiveness.expected),
        "distinctiveness" => b.distinctiveness.distinctiveness.total_cmp(&a.distinctiveness.distinctiveness),
        "grouped" => b.grouped.cmp(&a.grouped),
        _ => b.rules.cmp(&a.rules),
    }
}

fn rule(column: &str, a: &RuleItem, b: &RuleItem) -> Ordering {
    match column {
        "title" => letters(&a.title, &b.title),
        "vendor" => a.vendor.cmp(&b.vendor),
        "severity" => b.severity.cmp(&a.severity),
        "status" => a.status.is_none().cmp(&b.status.is_none()).then(a.status.cmp(&b.status)),
        "date" => b.date.cmp(&a.date),
        "modified" => b.modified.cmp(&a.modified),
        "techniques" => a.techniques.cmp(&b.techniques),
        _ => a.id.cmp(&b.id),
    }
}

/// A table's rows as CSV, with a header of the columns' names; see [`CsvText`].
#[must_use]
pub fn csv(table: Table, guide: &Guide, rules: &[RuleItem]) -> String {
    let mut text = CsvText::new(table.columns(), Cells::Guarded);
    match table {
        Table::Events => guide.events.iter().for_each(|row| {
            let counts = [row.rules, row.explicit, row.implied].map(|count| count.to_string());
            let [all, explicit, implied] = &counts;
            text.row([&row.provider, &row.event_id, &row.title, all, explicit, implied].map(String::as_str));
        }),
        Table::Fields => guide.fields.iter().for_each(|row| {
            let told = [row.distinctiveness.expected, row.distinctiveness.distinctiveness].map(|it| it.to_string());
            let (how, samples) = (pairs(&row.how), row.samples.join(" "));
            let cells =
                [&row.field, &row.rules.to_string(), &row.reach.to_string(), &told[0], &told[1], &how, &samples];
            text.row(cells.map(String::as_str));
        }),
        Table::Indicators => guide.indicators.iter().for_each(|row| indicator_row(&mut text, row)),
        Table::Exclusions => guide.exclusions.iter().for_each(|row| indicator_row(&mut text, row)),
        Table::Rules => rules.iter().for_each(|item| {
            let techniques = ruleatlas_model::TechniqueTag::ids(&item.techniques).join(" ");
            let word = |name: Option<&'static str>| name.unwrap_or_default();
            text.row([
                item.id.as_str(),
                &item.title,
                item.vendor.name(),
                word(item.severity.map(|it| it.name())),
                word(item.status.map(|it| it.name())),
                item.date.as_deref().unwrap_or_default(),
                item.modified.as_deref().unwrap_or_default(),
                &techniques,
            ]);
        }),
    }
    text.finish()
}

fn indicator_row(text: &mut CsvText, row: &IndicatorRow) {
    let indicator = &row.indicator;
    let told = [row.distinctiveness.expected, row.distinctiveness.distinctiveness].map(|it| it.to_string());
    let (op, modifier) = (indicator.op.to_string(), indicator.modifiers.to_string());
    let counts = [row.rules, row.reach, row.grouped].map(|count| count.to_string());
    let by_vendor = pairs(&row.reach_by_vendor);
    let cells = [
        &indicator.field,
        &op,
        &indicator.value,
        &modifier,
        &counts[0],
        &counts[1],
        &by_vendor,
        &told[0],
        &told[1],
        &counts[2],
    ];
    text.row(cells.map(String::as_str));
}

/// Counts in one cell: `sigma=12 elastic=3`.
fn pairs(counts: &std::collections::BTreeMap<&'static str, u64>) -> String {
    counts.iter().map(|(name, count)| format!("{name}={count}")).collect::<Vec<_>>().join(" ")
}

/// Rows of indicators as CSV, with the columns of [`Table::Indicators`].
#[must_use]
pub fn indicators_csv(rows: &[IndicatorRow]) -> String {
    let mut text = CsvText::new(Table::Indicators.columns(), Cells::Guarded);
    rows.iter().for_each(|row| indicator_row(&mut text, row));
    text.finish()
}
