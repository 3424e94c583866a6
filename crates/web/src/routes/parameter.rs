use ruleatlas_model::{ParseStatus, Severity, Status, Vendor};

/// What an address may be asked behind its `?`.
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    /// What it does, in a sentence.
    pub(crate) about: &'static str,
    pub(crate) values: Values,
    /// Whether it may be given several times; the values are alternatives.
    pub(crate) many: bool,
}

/// The values that a parameter can have.
#[derive(Clone, Copy)]
pub(crate) enum Values {
    /// Any text.
    Text,
    /// One of some words.
    Words(fn() -> Vec<&'static str>),
    /// A number of rows.
    Count,
    /// A day, `YYYY-MM-DD`.
    Day,
}

fn vendors() -> Vec<&'static str> {
    Vendor::ALL.iter().map(|it| it.name()).collect()
}

fn severities() -> Vec<&'static str> {
    Severity::ALL.iter().map(|it| it.name()).collect()
}

fn statuses() -> Vec<&'static str> {
    Status::ALL.iter().map(|it| it.name()).collect()
}

fn parse_statuses() -> Vec<&'static str> {
    ParseStatus::ALL.iter().map(|it| it.name()).collect()
}

/// A parameter that narrows and may be given several times.
const fn filter(name: &'static str, about: &'static str, values: Values) -> Parameter {
    Parameter { name, about, values, many: true }
}

/// A parameter that is given once.
pub(super) const fn one(name: &'static str, about: &'static str, values: Values) -> Parameter {
    Parameter { name, about, values, many: false }
}

/// The vendors of the rules.
pub(super) const VENDOR: Parameter = filter("vendor", "Only rules of this vendor.", Values::Words(vendors));

/// What narrows the rules of any page that counts some.
pub(crate) const FILTERS: &[Parameter] = &[
    VENDOR,
    filter("platform", "Only rules for this platform.", Values::Text),
    filter("domain", "Only rules of this domain.", Values::Text),
    filter("severity", "Only rules of this severity.", Values::Words(severities)),
    filter(
        "status",
        "Only rules of this status; deprecated and unsupported ones count only when they are asked for.",
        Values::Words(statuses),
    ),
    filter("parse", "Only rules of which so much was understood.", Values::Words(parse_statuses)),
    one("since", "Only rules changed on this day or later, or written then where no change is said.", Values::Day),
    one("until", "Only rules changed on this day or before, or written then where no change is said.", Values::Day),
];
