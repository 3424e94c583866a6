//! The functions of the language and what each means.
//!
//! Source: the reference of ES|QL's functions and operators.

use std::{collections::HashSet, sync::LazyLock};

use ruleatlas_ir::plan::{Relation, Wrapper};
use ruleatlas_model::Modifier;

/// Why a part is opaque that calls a function that the language does not have.
pub(crate) const UNKNOWN: &str = "function is not known";

/// The language's functions, separated by blanks; families of one prefix are not listed.
const FUNCTIONS: &str = include_str!("functions.txt");

/// What a function gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Whether its first argument compares so with the others.
    Test(Relation),
    /// Whether its argument is there.
    Presence(bool),
    /// A query in another language.
    Embedded,
    /// A condition on the time alone.
    Window,
    /// The opposite.
    Not,
    /// Its first argument, changed at most in its type, its case or the choice among its values.
    Wrapper(Wrapper),
    /// The first argument that is no null.
    First,
    /// The value behind the first condition that holds.
    Case,
    /// What stands at a path in a text.
    JsonPath,
    /// A sum or a difference.
    Sum,
    /// Something computed.
    Computed,
    /// The language has no such function.
    Unknown,
}

/// What the function of a name, in lower case, means; operators count as functions.
pub(crate) fn meaning(name: &str) -> Meaning {
    match name {
        "starts_with" => Meaning::Test(Relation::StartsWith),
        "ends_with" => Meaning::Test(Relation::EndsWith),
        "contains" => Meaning::Test(Relation::Contains),
        "cidr_match" => Meaning::Test(Relation::Cidr),
        "mv_contains" => Meaning::Test(Relation::Equal),
        "match" | "match_phrase" => Meaning::Test(Relation::Term),
        "is_null" => Meaning::Presence(false),
        "is_not_null" => Meaning::Presence(true),
        "kql" | "qstr" => Meaning::Embedded,
        // The range of `@timestamp` around now.
        "trange" => Meaning::Window,
        "not" => Meaning::Not,
        "to_lower" => Meaning::Wrapper(Wrapper::Lower),
        "to_upper" => Meaning::Wrapper(Wrapper::Upper),
        "url_decode" => Meaning::Wrapper(Wrapper::Modified(Modifier::UrlDecode)),
        "to_string" | "to_str" | "to_text" | "to_ip" | "to_integer" | "to_int" | "to_long" | "to_double" | "to_dbl"
        | "to_boolean" | "to_bool" | "to_version" | "to_ver" | "to_unsigned_long" | "to_ulong" | "to_ul"
        | "to_datetime" | "to_dt" | "trim" | "ltrim" | "rtrim" | "mv_first" | "mv_last" | "mv_min" | "mv_max"
        | "mv_dedupe" | "mv_sort" => Meaning::Wrapper(Wrapper::Same),
        "coalesce" => Meaning::First,
        "case" => Meaning::Case,
        "json_extract" => Meaning::JsonPath,
        "+" | "-" => Meaning::Sum,
        _ if is_function(name) => Meaning::Computed,
        _ => Meaning::Unknown,
    }
}

/// Whether the language has a function of this name; operators count.
fn is_function(name: &str) -> bool {
    static KNOWN: LazyLock<HashSet<&str>> = LazyLock::new(|| FUNCTIONS.split_ascii_whitespace().collect());
    let is_family = ["mv_", "st_", "to_", "v_", "date_"].into_iter().any(|prefix| name.starts_with(prefix));
    let is_operator = !name.starts_with(|first: char| first.is_ascii_alphabetic());
    is_operator || is_family || name.ends_with("_over_time") || KNOWN.contains(name)
}
