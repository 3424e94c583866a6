//! The functions of the language: what each gives for what its arguments stand for.

use std::sync::LazyLock;

use ruleatlas_ir::plan::{Function, Gives};
use rustc_hash::FxHashSet;

use super::constant;

/// Scalar functions and aggregates of the language, separated by blanks.
const FUNCTIONS: &str = include_str!("functions.txt");

/// Why the result of a function that is not in the query is not known.
pub(super) const UNDEFINED: &str = "function is not defined";

/// Functions that do not change what is compared: their first argument is looked through.
const TRANSPARENT: &[&str] = &[
    "tostring",
    "toguid",
    "toint",
    "tolong",
    "todouble",
    "toreal",
    "todecimal",
    "tobool",
    "toboolean",
    "todatetime",
    "totimespan",
    "todynamic",
    "toobject",
    "parse_json",
    "parsejson",
    "parse_xml",
    "dynamic_to_json",
    "materialize",
    "array_sort_asc",
    "array_sort_desc",
    "assert",
    "strip_edges",
    "make_string",
    "ensure_string",
];

/// Functions whose result is cut out of, or made of the text of, one argument.
const CUTTING: &[&str] = &[
    "split",
    "extract",
    "extract_all",
    "extractall",
    "extract_json",
    "extractjson",
    "parse_url",
    "parse_urlquery",
    "parse_path",
    "parse_user_agent",
    "parse_command_line",
    "parse_version",
    "parse_ipv4",
    "parse_ipv4_mask",
    "parse_ipv6",
    "parse_ipv6_mask",
    "parse_csv",
    "replace",
    "replace_string",
    "replace_strings",
    "replace_regex",
    "translate",
    "url_decode",
    "url_encode",
    "base64_decode_tostring",
    "base64_decodestring",
    "base64_decode_toarray",
    "base64_encode_tostring",
    "reverse",
    "geo_info_from_ip_address",
    "bag_keys",
    "array_slice",
    "strcat_array",
    "format_ipv4",
    "format_ipv4_mask",
    "zip",
    "gzip_decompress_from_base64_string",
    "bag_remove_keys",
    "set_difference",
    "set_intersect",
    "array_reverse",
    "punycode_to_string",
    "punycode_domain_to_string",
    "unicode_codepoints_from_string",
    "bag_set_key",
    "bag_zip",
    "treepath",
    "has_any_index",
];

/// Functions that give a time for a time.
const TIME_KEEPING: &[&str] = &[
    "bin",
    "bin_at",
    "floor",
    "startofday",
    "endofday",
    "startofweek",
    "endofweek",
    "startofmonth",
    "endofmonth",
    "startofyear",
    "endofyear",
    "datetime_utc_to_local",
    "datetime_local_to_utc",
    "datetime_add",
];

/// Whether the language has a scalar function or aggregate of this name.
pub(super) fn is_scalar(name: &str) -> bool {
    static KNOWN: LazyLock<FxHashSet<&str>> = LazyLock::new(|| FUNCTIONS.split_ascii_whitespace().collect());
    KNOWN.contains(name)
}

/// Whether a column made by a function without a name keeps its argument's.
pub(super) fn keeps_name(function: &str) -> bool {
    TRANSPARENT.contains(&function) || TIME_KEEPING.contains(&function) || matches!(function, "tolower" | "toupper")
}

/// What a function of this name gives.
pub(super) fn function(name: &str) -> Function {
    let gives = match name {
        _ if TRANSPARENT.contains(&name) => Gives::Argument(0),
        _ if TIME_KEEPING.contains(&name) => Gives::Time,
        "tolower" => Gives::Lower,
        "toupper" => Gives::Upper,
        // What is trimmed stands first, or behind a pattern.
        "trim" | "trim_start" | "trim_end" => Gives::Argument(1),
        "pack_array" => Gives::Collection,
        "strcat" => Gives::Only,
        _ if CUTTING.contains(&name) => Gives::Cut,
        _ if is_scalar(name) => Gives::Computed,
        _ => Gives::Unknown(UNDEFINED),
    };
    Function { fold: constant::fold(name), gives }
}

/// What an operator of arithmetic gives.
pub(super) fn arithmetic(sign: char) -> Function {
    let gives = Gives::Moved { either: sign == '+' };
    Function { fold: Some(constant::arithmetic(sign)), gives }
}

/// What a minus before a value gives.
pub(super) const NEGATIVE: Function = Function { fold: Some(constant::negative), gives: Gives::Computed };

/// An address with the length of a prefix, as a network.
pub(super) const NETWORK: Function = Function { fold: Some(constant::network), gives: Gives::Computed };
