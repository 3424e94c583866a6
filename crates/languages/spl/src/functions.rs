//! The functions of `eval` and `where` ("Evaluation functions", Search Reference) and of aggregations, and what each means.

use ruleatlas_ir::plan::Wrapper;

/// What a function gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Null.
    Null,
    /// A truth value.
    Truth(bool),
    /// A moment that is counted from now, or read of a text.
    Time,
    /// Its first argument, changed at most in its type, its case or the choice among its values.
    Wrapper(Wrapper),
    /// The text of its first argument, changed.
    Changed,
    /// The first argument that is not null.
    First,
    /// All arguments.
    AnyValue,
    /// The second argument where the first holds, and else the third.
    If,
    /// The first value, or null where it equals the second.
    NullIf,
    /// The value behind the first condition that holds.
    Case,
    /// The place of the value that a regular expression matches.
    Find,
    /// The values for which a condition holds.
    Filter,
    /// What stands at a path in a text.
    JsonPath,
    /// A truth value of one of these kinds.
    Test(Test),
    /// Something computed.
    Computed,
    /// The language has no such function.
    Unknown,
}

/// What a function with a truth value asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Test {
    /// Whether its argument is there.
    Presence(bool),
    /// Whether a regular expression matches.
    Regex,
    /// Whether a pattern with `%` and `_` matches.
    Like,
    /// Whether the second argument is in the network that is the first.
    Network,
    /// Whether the first argument is one of the others.
    In,
    /// What type its argument has.
    Type,
}

/// What the function of a name, in lower case, means with so many arguments.
pub(crate) fn meaning(name: &str, arguments: usize) -> Meaning {
    match (name, arguments) {
        ("null", 0) => Meaning::Null,
        ("true", 0) => Meaning::Truth(true),
        ("false", 0) => Meaning::Truth(false),
        ("now" | "time" | "relative_time" | "strptime", _) => Meaning::Time,
        ("lower", 1) => Meaning::Wrapper(Wrapper::Lower),
        ("upper", 1) => Meaning::Wrapper(Wrapper::Upper),
        ("tonumber", 1) => Meaning::Wrapper(Wrapper::Number),
        // Of one value the least and the greatest are that value; the others leave the value, or one of several, as it is.
        ("min" | "max", 1) => Meaning::Wrapper(Wrapper::Same),
        ("trim" | "ltrim" | "rtrim" | "tostring" | "tonumber" | "exact" | "mvdedup" | "mvsort" | "mvindex", 1..) => {
            Meaning::Wrapper(Wrapper::Same)
        }
        ("replace" | "urldecode" | "mvjoin" | "split", 1..) => Meaning::Changed,
        ("coalesce" | "ifnull" | "nvl", _) => Meaning::First,
        ("mvappend", _) => Meaning::AnyValue,
        ("if", 3) => Meaning::If,
        ("nullif", 2) => Meaning::NullIf,
        ("case", _) => Meaning::Case,
        ("mvfind", 2) => Meaning::Find,
        ("mvfilter", 1) => Meaning::Filter,
        ("spath" | "json_extract" | "json_extract_exact", 2) => Meaning::JsonPath,
        ("isnull", _) => Meaning::Test(Test::Presence(false)),
        ("isnotnull", _) => Meaning::Test(Test::Presence(true)),
        ("match", _) => Meaning::Test(Test::Regex),
        ("like", _) => Meaning::Test(Test::Like),
        ("cidrmatch", _) => Meaning::Test(Test::Network),
        ("in", _) => Meaning::Test(Test::In),
        ("isnum" | "isint" | "isstr" | "isbool", _) => Meaning::Test(Test::Type),
        _ if is_known(name) => Meaning::Computed,
        _ => Meaning::Unknown,
    }
}

/// What a function of an aggregation gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Aggregate {
    /// Values of the field as they are.
    pub picks: bool,
    /// All of them.
    pub collects: bool,
    /// A time of the events.
    pub is_time: bool,
}

/// What an aggregation's function of a name, in lower case, gives.
pub(crate) fn aggregate(name: &str) -> Aggregate {
    let collects = matches!(name, "values" | "list");
    let picks = collects || matches!(name, "first" | "last" | "earliest" | "latest" | "mode" | "any" | "min" | "max");
    Aggregate { picks, collects, is_time: matches!(name, "earliest_time" | "latest_time") }
}

/// Functions whose result is computed, and those that [`meaning`] follows.
const COMPUTED: &[&str] = &[
    "abs",
    "acos",
    "acosh",
    "array_to_mv",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "avg",
    "bit_and",
    "bit_not",
    "bit_or",
    "bit_shift_left",
    "bit_shift_right",
    "bit_xor",
    "case",
    "ceil",
    "ceiling",
    "coalesce",
    "commands",
    "cos",
    "cosh",
    "exact",
    "exp",
    "floor",
    "hypot",
    "if",
    "ifnull",
    "ipmask",
    "isarray",
    "isdouble",
    "ismv",
    "isobject",
    "json",
    "json_append",
    "json_array",
    "json_array_to_mv",
    "json_delete",
    "json_entries",
    "json_extend",
    "json_extract",
    "json_extract_exact",
    "json_has_key_exact",
    "json_keys",
    "json_object",
    "json_set",
    "json_set_exact",
    "json_valid",
    "len",
    "ln",
    "log",
    "lookup",
    "lower",
    "ltrim",
    "max",
    "md5",
    "min",
    "mv_to_json_array",
    "mvappend",
    "mvcount",
    "mvdedup",
    "mvfilter",
    "mvfind",
    "mvindex",
    "mvjoin",
    "mvmap",
    "mvrange",
    "mvreverse",
    "mvsort",
    "mvzip",
    "null",
    "nullif",
    "nvl",
    "object_to_array",
    "pi",
    "pow",
    "printf",
    "random",
    "relative_time",
    "replace",
    "round",
    "rtrim",
    "searchmatch",
    "sha1",
    "sha256",
    "sha512",
    "sigfig",
    "sin",
    "sinh",
    "spath",
    "split",
    "sqrt",
    "stdev",
    "strftime",
    "strptime",
    "substr",
    "sum",
    "tan",
    "tanh",
    "toarray",
    "tobool",
    "todouble",
    "toint",
    "tojson",
    "tomv",
    "tonumber",
    "toobject",
    "tostring",
    "trim",
    "typeof",
    "upper",
    "urldecode",
    "validate",
    "var",
];

/// Whether a function, its name in lower case, is one of the language.
fn is_known(name: &str) -> bool {
    COMPUTED.binary_search(&name).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_for_the_search() {
        assert!(COMPUTED.is_sorted());
        assert!(is_known("mvmap") && !is_known("nosuch"));
    }
}
