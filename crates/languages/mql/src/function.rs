//! The functions of the language: which of them are conditions, and what those ask.
//! Source: the pages on functions in Sublime's documentation.

use ruleatlas_ir::plan::{PatternSyntax, Relation};

/// What a function means for a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Whether its first argument is so with any of the others.
    Test {
        relation: Relation,
        any_case: bool,
    },
    /// Whether some element, or every one, satisfies the condition.
    Any,
    All,
    /// Other arrays of an array's elements.
    Filter,
    Map,
    Distinct,
    Flatten,
    /// The first value that is not missing.
    Coalesce,
    Length,
    /// How many times a text has what the test with this name asks for.
    Count(&'static str),
    /// The matches of a regular expression; whether letters of different case are the same.
    Extract {
        any_case: bool,
    },
    /// The text with characters that look alike made one.
    Confusables,
    /// Computed of its arguments, by a model, a service or from the content of a file.
    Computed,
    /// Not known.
    Unknown,
}

/// Namespaces whose functions compute, ask a service or a model, or open a file.
const COMPUTING: &[&str] = &["ml", "beta", "file", "profile", "network", "html", "hash", "strings", "regex", "script"];

/// Functions without a namespace that compute.
const COMPUTED: &[&str] = &["sum", "keys", "values", "min", "max", "abs", "ratio"];

pub(crate) fn meaning(name: &str) -> Meaning {
    let test = |relation, any_case| Meaning::Test { relation, any_case };
    let glob = Relation::Pattern(PatternSyntax::Stars(None));
    match name {
        "any" => Meaning::Any,
        "all" => Meaning::All,
        "filter" => Meaning::Filter,
        "map" => Meaning::Map,
        "distinct" => Meaning::Distinct,
        "flatten" => Meaning::Flatten,
        "coalesce" => Meaning::Coalesce,
        "length" => Meaning::Length,
        "strings.contains" => test(Relation::Contains, false),
        "strings.icontains" => test(Relation::Contains, true),
        "strings.starts_with" => test(Relation::StartsWith, false),
        "strings.istarts_with" => test(Relation::StartsWith, true),
        "strings.ends_with" => test(Relation::EndsWith, false),
        "strings.iends_with" => test(Relation::EndsWith, true),
        "strings.like" | "like" => test(glob, false),
        "strings.ilike" | "ilike" => test(glob, true),
        "regex.contains" => test(Relation::Regex, false),
        "regex.icontains" => test(Relation::Regex, true),
        "regex.match" => test(Relation::WholeRegex, false),
        "regex.imatch" => test(Relation::WholeRegex, true),
        "beta.ip_in" => test(Relation::Cidr, true),
        "strings.count" => Meaning::Count("strings.contains"),
        "strings.icount" => Meaning::Count("strings.icontains"),
        "regex.count" => Meaning::Count("regex.contains"),
        "regex.icount" => Meaning::Count("regex.icontains"),
        "regex.extract" => Meaning::Extract { any_case: false },
        "regex.iextract" => Meaning::Extract { any_case: true },
        "strings.replace_confusables" => Meaning::Confusables,
        _ => match name.split_once('.') {
            Some((namespace, _)) if COMPUTING.contains(&namespace) => Meaning::Computed,
            None if COMPUTED.contains(&name) => Meaning::Computed,
            _ => Meaning::Unknown,
        },
    }
}

/// The arrays of the message data model: their length is 0 exactly where there is no element.
const ARRAYS: &[&str] = &[
    "attachments",
    "body.ips",
    "body.links",
    "body.current_thread.links",
    "body.previous_threads",
    "headers.domains",
    "headers.hops",
    "headers.ips",
    "headers.references",
    "headers.reply_to",
    "recipients.bcc",
    "recipients.cc",
    "recipients.to",
];

/// Whether a field of the message is an array.
pub(crate) fn is_array(path: &str) -> bool {
    ARRAYS.contains(&path)
}
