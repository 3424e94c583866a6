//! The functions of the language. Source: the reference of query functions in LogScale's documentation.

/// What a function does where it is a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    /// Keeps events by a condition.
    Filter,
    /// Makes one row of many.
    Aggregate,
    /// Gives new names or values to fields, one event at a time.
    Value,
    /// Reads, joins or defines other tables.
    Table,
    /// Orders, cuts or shows events.
    Show,
    /// Not known.
    Unknown,
}

const FILTERS: &[&str] = &[
    "array:contains",
    "array:exists",
    "array:regex",
    "cidr",
    "dropevent",
    "in",
    "ioc:lookup",
    "match",
    "matchasarray",
    "hashmatch",
    "regex",
    "test",
    "text:contains",
    "text:endswith",
    "text:startswith",
    "wildcard",
    "sample",
];

const AGGREGATES: &[&str] = &[
    "avg",
    "bucket",
    "callfunction",
    "collect",
    "count",
    "counterasrate",
    "fieldstats",
    "groupby",
    "linreg",
    "max",
    "min",
    "partition",
    "percentage",
    "percentile",
    "range",
    "rare",
    "sankey",
    "selectfrommax",
    "selectfrommin",
    "selectlast",
    "series",
    "session",
    "slidingtimewindow",
    "slidingwindow",
    "stats",
    "stddev",
    "sum",
    "tail",
    "timechart",
    "top",
    "variance",
    "window",
    "worldmap",
    "accumulate",
    "neighbor",
];

const SHOWS: &[&str] = &[
    "drop",
    "fields",
    "fieldset",
    "eventfieldcount",
    "eventinternals",
    "eventsize",
    "head",
    "limit",
    "select",
    "sort",
    "table",
    "transpose",
    "split",
    "copyevent",
    "readfilepreview",
    "explain:asTable",
    "rdns",
    "asn",
    "iplocation",
    "writejson",
    "parsecef",
    "parsecsv",
    "parsefixedwidth",
    "parsehexstring",
    "parseint",
    "parsejson",
    "parseleef",
    "parsetimestamp",
    "parseuri",
    "parseurl",
    "parsexml",
    "kvparse",
    "findtimestamp",
    "xml:prettyprint",
    "json:prettyprint",
    "decodesigned",
    "reverse",
    "dropfield",
];

const TABLES: &[&str] = &["correlate", "createevents", "definetable", "join", "readfile", "selfjoin", "selfjoinfilter"];

const VALUES: &[&str] = &[
    "base64decode",
    "base64encode",
    "bitfield:extractflags",
    "bitfield:extractflagsasarray",
    "bitfield:extractflagsasstring",
    "coalesce",
    "communityid",
    "concat",
    "concatarray",
    "default",
    "duration",
    "end",
    "eval",
    "format",
    "formatduration",
    "formattime",
    "getfield",
    "hash",
    "if",
    "length",
    "lower",
    "lowercase",
    "now",
    "objectarray:eval",
    "objectarray:exists",
    "rename",
    "replace",
    "round",
    "setfield",
    "setfields",
    "settimeinterval",
    "shannonentropy",
    "splitstring",
    "start",
    "stripansicodes",
    "subnet",
    "tokenhash",
    "unit:convert",
    "upper",
    "urldecode",
    "urlencode",
    "text:length",
    "text:positionof",
    "text:substring",
    "text:trim",
    "text:editdistance",
    "text:editdistanceasarray",
    "timechart",
    "wildcardescape",
    "parameter",
    "beta:param",
    "query:param",
];

/// Namespaces whose functions compute values.
const COMPUTING: &[&str] = &[
    "array:",
    "crypto:",
    "geography:",
    "geohash",
    "math:",
    "time:",
    "bitfield:",
    "base64",
    "objectarray:",
    "explain:",
];

/// What a function is, by its name in lower case.
pub(crate) fn function(name: &str) -> Function {
    let is = |list: &[&str]| list.contains(&name);
    match () {
        () if is(FILTERS) => Function::Filter,
        () if is(TABLES) => Function::Table,
        () if is(AGGREGATES) => Function::Aggregate,
        () if is(SHOWS) => Function::Show,
        () if is(VALUES) || COMPUTING.iter().any(|space| name.starts_with(space)) => Function::Value,
        () => Function::Unknown,
    }
}

/// The name of a function's result where the call gives none.
pub(crate) fn default_name(name: &str) -> String {
    match name {
        "splitstring" => "_splitstring".to_owned(),
        "geography:distance" => "_distance".to_owned(),
        _ => format!("_{}", name.rsplit(':').next().unwrap_or(name)),
    }
}
