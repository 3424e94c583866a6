//! Queries and files of any size, a family for each way in which one can grow.

use std::fmt::Write as _;

use ruleatlas_model::{Language, Vendor};
use ruleatlas_sources::SourceKind;

/// Queries of one shape.
pub struct Queries {
    pub name: &'static str,
    pub language: Language,
    /// The smallest size that is measured; the others are twice and four times that.
    pub size: usize,
    pub text: fn(usize) -> String,
}

/// Files of one shape.
pub struct Files {
    pub name: &'static str,
    pub kind: SourceKind,
    pub size: usize,
    pub files: fn(usize) -> Vec<(String, String)>,
}

/// Families in which what a part stands for is multiplied by how often it is used: what comes of them may grow faster than
/// the text, up to what a rule may cost.
pub const MULTIPLIED: &[&str] = &[
    "sigma selections named by many patterns",
    "sigma a selection named many times",
    "sigma aliases that double",
    "sigma aliases of a long list",
    "sigma merge keys",
    "esql cases that double",
    "esql branches of a case",
    "esql a case in many filters",
    "esql coalesce",
    "spl coalesce that doubles",
    "spl if that doubles",
    "spl a case in many filters",
    "spl macros that double",
    "spl macros with an argument that doubles",
    "spl a lookup's rows",
    "kusto a dynamic list used often",
    "kusto tables that double by joins",
    "kusto functions that double",
    "kusto unions of legs with columns",
    "kusto branches of a case",
    "kusto a case in many filters",
    "kusto as",
    "python a constant used often",
    "python branches that double",
    "python helpers that double",
    "python loops over constants",
    "python comprehensions",
    "panther-yaml sql common tables",
    "panther-yaml sql common tables that double",
    "panther-yaml sql joins",
    "falco lists that double",
    "mql an array in a lambda's place",
    "mql arrays in each other",
    "logscale clauses that give a name",
    "logscale a name in many filters",
    "logscale cases that double",
    "logscale tables of tables",
    "wazuh rules on each other",
    "wazuh rules on all before",
    "yaral the first of many fields",
    // Several rules, of which each costs what is around it.
    "falco a list of many rules",
    "falco a macro of many rules",
    "falco changes of rules in local files",
    "panther rules with one helper",
    "splunk a large macro in many searches",
    "splunk rows of a lookup in many searches",
    "sigma rules of a file with a global part",
    "sigma correlations on correlations of a file",
    "sigma correlations of one rule",
    "elastic rules that share an exception list",
    "splunk saved searches with settings for all",
    "splunk saved searches of one macro",
    "splunk event types of event types",
    "kusto terraform locals named often",
    "kusto terraform locals of locals",
    "kusto bicep parameters named often",
    "panther sdk classes with values of a base",
    "panther rules of a file of one module",
    "spl quoted searches in map",
    "panther-yaml sql case",
];

fn many(count: usize, between: &str, each: impl Fn(usize) -> String) -> String {
    let mut text = String::new();
    for at in 0..count {
        if at > 0 {
            text.push_str(between);
        }
        text.push_str(&each(at));
    }
    text
}

fn lines(count: usize, each: impl Fn(usize) -> String) -> String {
    many(count, "\n", each) + "\n"
}

fn nested(depth: usize, open: &str, middle: &str, close: &str) -> String {
    format!("{}{middle}{}", open.repeat(depth), close.repeat(depth))
}

macro_rules! queries {
    ($($language:ident: { $($name:literal, $size:expr, $text:expr;)* })*) => {
        pub const QUERIES: &[Queries] = &[$($(
            Queries { name: $name, language: Language::$language, size: $size, text: $text },
        )*)*];
    };
}

queries! {
    Sigma: {
        "values of a field", 4_000, |n| format!("s:\n  A:\n{}condition: s\n", lines(n, |i| format!("    - v{i}")));
        "values beyond any budget", 60_000, |n| format!("s:\n  A:\n{}condition: s\n", lines(n, |i| format!("    - v{i}")));
        "values that all must match", 2_000, |n| format!("s:\n  A|contains|all:\n{}condition: s\n", lines(n, |i| format!("    - v{i}")));
        "the same value, all must match", 2_000, |n| format!("s:\n  A|contains|all:\n{}condition: s\n", lines(n, |_| "    - v".to_owned()));
        "wildcards", 2_000, |n| format!("s:\n  A:\n{}condition: s\n", lines(n, |i| format!("    - '*a*b{i}?'")));
        "base64offset and windash", 2_000, |n| format!("s:\n  A|windash|contains:\n{0}  B|base64offset|contains:\n{0}condition: s\n", lines(n, |i| format!("    - ' -v{i}'")));
        "invalid values", 2_000, |n| format!("s:\n  A|re:\n{}condition: s\n", lines(n, |i| format!("    - '(v{i}'")));
        "invalid numbers", 2_000, |n| format!("s:\n  A|gt:\n{}condition: s\n", lines(n, |i| format!("    - v{i}")));
        "keywords", 2_000, |n| format!("s:\n{}condition: s\n", lines(n, |i| format!("  - v{i}")));
        "fields of a selection", 2_000, |n| format!("s:\n{}condition: s\n", lines(n, |i| format!("  F{i}: v")));
        "a long name with many values", 2_000, |n| format!("s:\n  {}:\n{}condition: s\n", "a".repeat(8 * n), lines(n, |i| format!("    - v{i}")));
        "a long value", 20_000, |n| format!("s:\n  A: {}\ncondition: s\n", "x".repeat(n));
        "a long value of stars", 20_000, |n| format!("s:\n  A: 'b{}'\ncondition: s\n", "*a".repeat(n));
        "selections named by 1 of them", 1_000, |n| format!("{}condition: 1 of them\n", lines(n, |i| format!("s{i}:\n  A: v{i}")));
        "selections, each named", 1_000, |n| format!("{}condition: {}\n", lines(n, |i| format!("s{i}:\n  A: v{i}")), many(n, " or ", |i| format!("s{i}")));
        "selections named by many patterns", 100, |n| format!("{}condition: {}\n", lines(n, |i| format!("s{i}:\n  A: v{i}")), many(n, " or ", |_| "1 of s*".to_owned()));
        "a selection named many times", 300, |n| format!("s:\n  A:\n{}condition: {}\n", lines(n, |i| format!("    - v{i}")), many(n, " and ", |_| "s".to_owned()));
        "unknown selections", 1_000, |n| format!("s: {{A: 1}}\ncondition: {}\n", many(n, " or ", |i| format!("t{i}")));
        "unused selections", 1_000, |n| format!("{}condition: s1\n", lines(n, |i| format!("s{i}:\n  A: v{i}")));
        "conditions in a list", 1_000, |n| format!("s: {{A: 1}}\ncondition:\n{}", lines(n, |_| "  - s".to_owned()));
        "parentheses", 2_000, |n| format!("s: {{A: 1}}\ncondition: '{}'\n", nested(n, "(", "s", ")"));
        "stray parentheses", 2_000, |n| format!("s: {{A: 1}}\ncondition: 's {}'\n", ") s ".repeat(n));
        "not not", 2_000, |n| format!("s: {{A: 1}}\ncondition: '{}s'\n", "not ".repeat(n));
        "missing operators", 2_000, |n| format!("s: {{A: 1}}\ncondition: '{}'\n", "s ".repeat(n));
        "lists in lists", 20, |n| format!("s: {}\ncondition: s\n", nested(n, "[", "{A: 1}", "]"));
        "mappings in a list", 1_000, |n| format!("s:\n{}condition: s\n", lines(n, |i| format!("  - A: v{i}\n    B: w")));
        "documents", 500, |n| many(n, "---\n", |i| format!("title: r{i}\nid: r{i}\ndetection: {{s: {{A: v{i}}}, condition: s}}\n"));
        "documents with a global part", 300, |n| format!("action: global\ndetection: {{condition: s}}\n---\n{}", many(n, "---\n", |i| format!("title: r{i}\ndetection: {{s: {{A: v{i}}}}}\n")));
        "a correlation of many rules", 500, |n| format!("{}---\ncorrelation:\n  type: temporal\n  timespan: 1h\n  rules:\n{}", many(n, "---\n", |i| format!("title: r{i}\nname: r{i}\ndetection: {{s: {{A: v{i}}}, condition: s}}\n")), lines(n, |i| format!("    - r{i}")));
        "correlations on correlations", 100, |n| format!("name: c0\ndetection: {{s: {{A: 1}}, condition: s}}\n{}", many(n, "", |i| format!("---\nname: c{}\ncorrelation: {{type: temporal, timespan: 1h, rules: [c{i}, c{i}]}}\n", i + 1)));
        "aliases that double", 10, |n| format!("a0: &a0 [x, x]\n{}s: *a{n}\ncondition: s\n", lines(n, |i| format!("a{}: &a{} [*a{i}, *a{i}]", i + 1, i + 1)));
        "aliases of a long list", 200, |n| format!("s:\n  A: &a\n{}{}condition: s\n", lines(n, |i| format!("    - v{i}")), lines(n, |i| format!("  B{i}: *a")));
        "merge keys", 200, |n| format!("a: &a {{{}}}\n{}condition: 1 of s*\n", many(n, ", ", |i| format!("k{i}: v")), lines(n, |i| format!("s{i}:\n  <<: *a")));
        "duplicate keys", 2_000, |n| format!("s:\n{}condition: s\n", lines(n, |_| "  A: v".to_owned()));
        "comments", 5_000, |n| format!("{}s: {{A: 1}}\ncondition: s\n", lines(n, |i| format!("# {i}")));
    }
    Eql: {
        "terms", 2_000, |n| format!("process where {}", many(n, " or ", |i| format!("a{} == \"v{i}\"", i % 7)));
        "terms of and and or", 2_000, |n| format!("process where {}", many(n, " or ", |i| format!("a == \"v{i}\" and b == {i}")));
        "values of a list", 5_000, |n| format!("process where a in ({})", many(n, ", ", |i| format!("\"v{i}\"")));
        "values compared like", 5_000, |n| format!("process where a like~ ({})", many(n, ", ", |i| format!("\"*v{i}*x\"")));
        "values of different operators", 2_000, |n| format!("process where a : ({})", many(n, ", ", |i| ["\"v\"", "\"*v\"", "\"v*\"", "\"a*b\""][i % 4].to_owned()));
        "a sequence", 500, |n| format!("sequence by x {}", many(n, " ", |i| format!("[process where a == \"v{i}\"]")));
        "a sequence with keys", 300, |n| format!("sequence {}", many(n, " ", |i| format!("[process where a == \"v{i}\"] by {}", many(5, ", ", |k| format!("k{k}")))));
        "parentheses", 2_000, |n| format!("process where {}", nested(n, "(", "a == 1", ")"));
        "and in parentheses", 2_000, |n| format!("process where {}", nested(n, "(a == 1 and ", "b == 2", ")"));
        "not", 2_000, |n| format!("process where {} a == 1", "not ".repeat(n));
        "functions in functions", 2_000, |n| format!("process where {}", nested(n, "length(", "a", ")") + " == 1");
        "arguments of a function", 2_000, |n| format!("process where cidrMatch(a, {})", many(n, ", ", |i| format!("\"10.{}.{}.0/24\"", i / 250 % 250, i % 250)));
        "pipes", 1_000, |n| format!("process where a == 1 {}", many(n, " ", |_| "| unique a".to_owned()));
        "a long string", 20_000, |n| format!("process where a == \"{}\"", "x".repeat(n));
        "a long name", 20_000, |n| format!("process where {} == 1", many(n, ".", |_| "a".to_owned()));
        "sums", 2_000, |n| format!("process where a == {}", many(n, " + ", |_| "1".to_owned()));
        "errors", 2_000, |n| format!("process where {}", many(n, " ", |_| "a ==".to_owned()));
        "unclosed strings", 2_000, |n| many(n, "\n", |_| "process where a == \"x".to_owned());
        "comments", 2_000, |n| format!("process where {}", lines(n, |i| format!("a == {i} or // comment"))) + "b == 1";
        "comments that do not end", 2_000, |n| format!("process where a == 1 {}", "/* ".repeat(n));
    }
    Kuery: {
        "terms", 2_000, |n| many(n, " or ", |i| format!("a{}: v{i}", i % 7));
        "values of a field", 5_000, |n| format!("a: ({})", many(n, " or ", |i| format!("v{i}")));
        "values that all must match", 5_000, |n| format!("a: ({})", many(n, " and ", |i| format!("v{i}")));
        "parentheses", 2_000, |n| nested(n, "(", "a: 1", ")");
        "and in parentheses", 2_000, |n| nested(n, "(a: 1 and ", "b: 2", ")");
        "nested fields", 2_000, |n| nested(n, "a:{ ", "b: 2", " }");
        "not", 2_000, |n| format!("{}a: 1", "not ".repeat(n));
        "words", 5_000, |n| many(n, " ", |i| format!("v{i}"));
        "a long value", 20_000, |n| format!("a: \"{}\"", "x".repeat(n));
        "stars", 20_000, |n| format!("a: b{}", "*a".repeat(n));
        "errors", 2_000, |n| many(n, " ", |_| "a: )".to_owned());
        "unclosed quotes", 2_000, |n| many(n, " ", |i| format!("a{i}: \"x"));
    }
    Lucene: {
        "terms", 2_000, |n| many(n, " OR ", |i| format!("a{}:v{i}", i % 7));
        "terms without operators", 2_000, |n| many(n, " ", |i| format!("a{}:v{i}", i % 7));
        "values of a field", 5_000, |n| format!("a:({})", many(n, " OR ", |i| format!("v{i}")));
        "parentheses", 2_000, |n| nested(n, "(", "a:1", ")");
        "and in parentheses", 2_000, |n| nested(n, "(a:1 AND ", "b:2", ")");
        "not", 2_000, |n| format!("{}a:1", "NOT ".repeat(n));
        "mixed operators", 2_000, |n| many(n, " ", |i| format!("a:v{i} {}", ["AND", "OR", "AND NOT", ""][i % 4])) + " b:1";
        "ranges", 2_000, |n| many(n, " OR ", |i| format!("a:[{i} TO {}]", i + 1));
        "regular expressions", 2_000, |n| many(n, " OR ", |i| format!("a:/v{i}.*/"));
        "slashes that do not end", 2_000, |n| many(n, " ", |i| format!("a{i}:/v"));
        "unclosed quotes", 2_000, |n| many(n, " ", |i| format!("a{i}:\"x"));
        "a long value", 20_000, |n| format!("a:\"{}\"", "x".repeat(n));
        "errors", 2_000, |n| many(n, " ", |_| "a:)".to_owned());
    }
    Esql: {
        "choices of choices in one case", 30, |n| format!("FROM x | EVAL x0 = CASE(a == 1, b, c) {} | EVAL y = TO_LOWER(x{n}) | WHERE z == 1", many(n, " ", |i| format!("| EVAL x{} = CASE(d{i} == 1, x{i}, x{i})", i + 1)));
        "terms", 2_000, |n| format!("FROM logs | WHERE {}", many(n, " OR ", |i| format!("a{} == \"v{i}\"", i % 7)));
        "values of a list", 5_000, |n| format!("FROM logs | WHERE a IN ({})", many(n, ", ", |i| format!("\"v{i}\"")));
        "stages", 1_000, |n| format!("FROM logs {}", many(n, " ", |i| format!("| WHERE a{} == {i}", i % 5)));
        "names from names", 500, |n| format!("FROM logs | EVAL x0 = a {} | WHERE x{n} == 1", many(n, " ", |i| format!("| EVAL x{} = x{i}", i + 1)));
        "names that double", 20, |n| format!("FROM logs | EVAL x0 = a {} | WHERE x{n} == \"b\"", many(n, " ", |i| format!("| EVAL x{} = CONCAT(x{i}, x{i})", i + 1)));
        "cases that double", 20, |n| format!("FROM logs | EVAL x0 = a == 1 {} | WHERE x{n}", many(n, " ", |i| format!("| EVAL x{} = x{i} AND NOT x{i}", i + 1)));
        "branches of a case", 200, |n| format!("FROM logs | EVAL x = CASE({}, \"z\") | WHERE x == \"v3\"", many(n, ", ", |i| format!("a == {i}, \"v{}\"", i % 5)));
        "a case in many filters", 100, |n| format!("FROM logs | EVAL x = CASE({}, \"z\") {}", many(n, ", ", |i| format!("a == {i}, \"v{}\"", i % 5)), many(n, " ", |_| "| WHERE x == \"v3\"".to_owned()));
        "coalesce", 200, |n| format!("FROM logs | EVAL x = COALESCE({}) | WHERE x == \"v\"", many(n, ", ", |i| format!("a{i}")));
        "coalesce in coalesce", 20, |n| format!("FROM logs | EVAL x0 = a {} | WHERE x{n} == \"v\"", many(n, " ", |i| format!("| EVAL x{} = COALESCE(x{i}, x{i})", i + 1)));
        "parentheses", 2_000, |n| format!("FROM logs | WHERE {}", nested(n, "(", "a == 1", ")"));
        "and in parentheses", 2_000, |n| format!("FROM logs | WHERE {}", nested(n, "(a == 1 and ", "b == 2", ")"));
        "not", 2_000, |n| format!("FROM logs | WHERE {}a == 1", "NOT ".repeat(n));
        "indexes", 2_000, |n| format!("FROM {} | WHERE a == 1", many(n, ", ", |i| format!("logs-{i}")));
        "kept names", 2_000, |n| format!("FROM logs | KEEP {} | WHERE a1 == 1", many(n, ", ", |i| format!("a{i}")));
        "renames", 1_000, |n| format!("FROM logs | RENAME {} | WHERE b1 == 1", many(n, ", ", |i| format!("a{i} AS b{i}")));
        "evaluations of a stage", 1_000, |n| format!("FROM logs | EVAL {} | WHERE x1 == 1", many(n, ", ", |i| format!("x{i} = a{i}")));
        "statistics", 500, |n| format!("FROM logs | STATS {} BY u | WHERE c1 > 1", many(n, ", ", |i| format!("c{i} = COUNT(a{i})")));
        "dissect", 200, |n| format!("FROM logs {} | WHERE k1 == \"v\"", many(n, " ", |i| format!("| DISSECT message \"%{{k{i}}} x\"")));
        "kql inside", 1_000, |n| format!("FROM logs | WHERE KQL(\"{}\")", many(n, " or ", |i| format!("a: v{i}")));
        "errors", 1_000, |n| format!("FROM logs {}", many(n, " ", |_| "| WHERE ==".to_owned()));
        "a long string", 20_000, |n| format!("FROM logs | WHERE a == \"{}\"", "x".repeat(n));
        "unclosed comments", 2_000, |n| format!("FROM logs {}", "/* ".repeat(n));
    }
    Spl: {
        "terms", 2_000, |n| format!("index=x {}", many(n, " OR ", |i| format!("a{}=v{i}", i % 7)));
        "terms implied and", 2_000, |n| format!("index=x {}", many(n, " ", |i| format!("a{}=v{i}", i % 7)));
        "values of a list", 5_000, |n| format!("index=x a IN ({})", many(n, ", ", |i| format!("\"v{i}\"")));
        "values with wildcards", 2_000, |n| format!("index=x a IN ({})", many(n, ", ", |i| format!("\"*v{i}*x\"")));
        "parentheses", 2_000, |n| format!("index=x {}", nested(n, "(", "a=1", ")"));
        "and in parentheses", 2_000, |n| format!("index=x {}", nested(n, "(a=1 OR (", "b=2", "))"));
        "not", 2_000, |n| format!("index=x {}a=1", "NOT ".repeat(n));
        "indexes", 200, |n| many(n, " OR ", |i| format!("index=i{i}"));
        "commands", 1_000, |n| format!("index=x {}", many(n, " ", |i| format!("| where a{} = {i}", i % 5)));
        "where terms", 2_000, |n| format!("index=x | where {}", many(n, " OR ", |i| format!("a=\"v{i}\"")));
        "where in", 5_000, |n| format!("index=x | where a IN ({})", many(n, ", ", |i| format!("\"v{i}\"")));
        "names from names", 300, |n| format!("index=x | eval x0=a {} | where x{n}=1", many(n, " ", |i| format!("| eval x{}=x{i}", i + 1)));
        "names that double", 20, |n| format!("index=x | eval x0=a {} | where x{n}=\"b\"", many(n, " ", |i| format!("| eval x{}=x{i}.x{i}", i + 1)));
        "coalesce that doubles", 20, |n| format!("index=x | eval x0=a {} | where x{n}=\"b\"", many(n, " ", |i| format!("| eval x{}=coalesce(x{i}, x{i})", i + 1)));
        "if that doubles", 20, |n| format!("index=x | eval x0=if(a=1, 1, 0) {} | where x{n}=1", many(n, " ", |i| format!("| eval x{}=if(x{i}=1, x{i}, x{i})", i + 1)));
        "choices of choices in one case", 30, |n| format!("index=x | eval x0=if(a=1, b, c) {} | eval y=lower(x{n}) | rex field=y \"(?<k>x+)\" | where z=1", many(n, " ", |i| format!("| eval x{}=if(d{i}=1, x{i}, x{i})", i + 1)));
        "branches of a case", 200, |n| format!("index=x | eval x=case({}) | where x=\"v3\"", many(n, ", ", |i| format!("a={i}, \"v{}\"", i % 5)));
        "a case in many filters", 60, |n| format!("index=x | eval x=case({}) {}", many(n, ", ", |i| format!("a={i}, \"v{}\"", i % 5)), many(n, " ", |_| "| where x=\"v3\"".to_owned()));
        "renames", 500, |n| format!("index=x {} | where b1=1", many(n, " ", |i| format!("| rename a{i} as b{i}")));
        "wildcard renames", 200, |n| format!("index=x {} | where b1=1", many(n, " ", |i| format!("| rename a{i}.* as *")));
        "names through wildcard renames", 60, |n| format!("index=x {} {}", many(n, " ", |i| format!("| rename p{i}.* as *")), many(n, " ", |i| format!("| where b{i}=1")));
        "sub-searches", 500, |n| format!("index=x {}", many(n, " ", |i| format!("[search index=y a={i} | fields u]")));
        "sub-searches in sub-searches", 500, |n| format!("index=x {}", nested(n, "[search index=y ", "a=1", "]"));
        "brackets that do not end", 1_000, |n| format!("index=x {}", "[search a=1 ".repeat(n));
        "appends", 200, |n| format!("index=x {}", many(n, " ", |i| format!("| append [search index=y a={i}]")));
        "joins", 200, |n| format!("index=x {}", many(n, " ", |i| format!("| join u [search index=y a={i}]")));
        "unknown macros", 1_000, |n| format!("index=x {}", many(n, " ", |i| format!("`m{i}`")));
        "back ticks that do not end", 1_000, |n| many(n, " ", |i| format!("\"`\" ` a{i} \"`\""));
        "comments", 1_000, |n| format!("index=x {}", many(n, " ", |i| format!("```c{i}``` a={i}")));
        "a macro called often", 500, |n| format!("index=x {}", many(n, " OR ", |_| "`small`".to_owned()));
        "a large macro", 500, |n| many(n / 100, " ", |_| "`large`".to_owned());
        "macros that double", 8, |n| format!("index=x `d{n}`");
        "macros with an argument that doubles", 8, |n| format!("index=x `e{n}(\"v\")`");
        "quotes that do not end", 1_000, |n| many(n, " ", |i| format!("a{i}=\"x"));
        "statistics", 500, |n| format!("index=x | stats {} by u | where c1>1", many(n, " ", |i| format!("count(a{i}) as c{i}")));
        "statistics after statistics", 200, |n| format!("index=x {} | where c1>1", many(n, " ", |i| format!("| stats values(c{i}) as c{} by u", i + 1)));
        "a lookup's rows", 200, |n| format!("index=x {}", many(n, " ", |_| "| lookup list key as a OUTPUT flag | where flag=\"yes\"".to_owned()));
        "tstats", 1_000, |n| format!("| tstats count from datamodel=Endpoint.Processes where {} by x", many(n, " OR ", |i| format!("Processes.p=v{i}")));
        "rex", 300, |n| format!("index=x {} | where k1=\"v\"", many(n, " ", |i| format!("| rex field=a \"(?<k{i}>x+)\"")));
        "foreach in foreach", 500, |n| format!("index=x {}", nested(n, "| foreach * [ ", "eval a=1", " ]"));
        "templates that do not end", 500, |n| format!("index=x | where {}", "<<".repeat(n));
        "quoted searches in map", 200, |n| format!("index=x {}", many(n, " ", |i| format!("| map search=\"search index=y a={i} `large`\"")));
        "foreach", 200, |n| format!("index=x {}", many(n, " ", |_| "| foreach a* [eval <<FIELD>>=lower('<<FIELD>>')] | where a1=1".to_owned()));
        "a long value", 20_000, |n| format!("index=x a=\"{}\"", "x".repeat(n));
        "like", 500, |n| format!("index=x | where like(a, \"{}\")", "%a_".repeat(n));
        "errors", 1_000, |n| format!("index=x {}", many(n, " ", |_| "| where ==".to_owned()));
    }
    Kusto: {
        "terms", 2_000, |n| format!("T | where {}", many(n, " or ", |i| format!("A{} == \"v{i}\"", i % 7)));
        "values of a list", 5_000, |n| format!("T | where A in ({})", many(n, ", ", |i| format!("\"v{i}\"")));
        "values of a dynamic list", 5_000, |n| format!("let L = dynamic([{}]); T | where A in (L)", many(n, ", ", |i| format!("\"v{i}\"")));
        "a dynamic list used often", 100, |n| format!("let L = dynamic([{}]); T {}", many(n, ", ", |i| format!("\"v{i}\"")), many(n, " ", |_| "| where A in (L)".to_owned()));
        "values with has_any", 5_000, |n| format!("T | where A has_any ({})", many(n, ", ", |i| format!("\"v{i}\"")));
        "values with has_all", 2_000, |n| format!("T | where A has_all ({})", many(n, ", ", |i| format!("\"v{i}\"")));
        "fields of a list", 1_000, |n| format!("T | where \"x\" in ({})", many(n, ", ", |i| format!("A{i}")));
        "fields of a list, has_any", 500, |n| format!("T | where A has_any ({})", many(n, ", ", |i| format!("A{i}")));
        "a set that has computed items", 500, |n| format!("T | where A in ({})", many(n, ", ", |i| format!("strcat(B, \"{i}\")")));
        "stages", 1_000, |n| format!("T\n{}", lines(n, |i| format!("| where A{} == {i}", i % 5)));
        "names from names", 300, |n| format!("T | extend X0 = A {} | where X{n} == 1", many(n, " ", |i| format!("| extend X{} = X{i}", i + 1)));
        "columns", 1_000, |n| format!("T | extend {} | where X1 == 1", many(n, ", ", |i| format!("X{i} = A{i}")));
        "texts that double", 20, |n| format!("let a0 = \"x\"; {} T | where A == a{n}", many(n, " ", |i| format!("let a{} = strcat(a{i}, a{i});", i + 1)));
        "sums of texts that double", 20, |n| format!("let a0 = \"x\"; {} T | where A == a{n}", many(n, " ", |i| format!("let a{} = a{i} + a{i};", i + 1)));
        "lists that double", 14, |n| format!("let a0 = dynamic([\"x\", \"y\"]); {} T | where A in (a{n})", many(n, " ", |i| format!("let a{} = array_concat(a{i}, a{i});", i + 1)));
        "replacements that grow", 12, |n| format!("let a0 = \"xx\"; {} T | where A == a{n}", many(n, " ", |i| format!("let a{} = replace_string(a{i}, \"x\", \"xx\");", i + 1)));
        "tables that double", 10, |n| format!("let T0 = T | where A == 1; {} T{n}", many(n, " ", |i| format!("let T{} = union T{i}, T{i};", i + 1)));
        "tables that double by joins", 10, |n| format!("let T0 = T | where A == 1; {} T{n}", many(n, " ", |i| format!("let T{} = T{i} | join (T{i} | where B == {i}) on X;", i + 1)));
        "conditions that double", 14, |n| format!("T | extend X0 = (A == 1) {} | where X{n}", many(n, " ", |i| format!("| extend X{} = (X{i} and not(X{i}))", i + 1)));
        "functions that double", 12, |n| format!("let f0 = (x:string) {{ x }}; {} T | where f{n}(A) == \"b\"", many(n, " ", |i| format!("let f{} = (x:string) {{ strcat(f{i}(x), f{i}(x)) }};", i + 1)));
        "branches of a case", 60, |n| format!("T | extend X = case({}, \"z\") | where X == \"v3\"", many(n, ", ", |i| format!("A == {i}, \"v{}\"", i % 5)));
        "a case in many filters", 40, |n| format!("T | extend X = case({}, \"z\") {}", many(n, ", ", |i| format!("A == {i}, \"v{}\"", i % 5)), many(n, " ", |_| "| where X == \"v3\"".to_owned()));
        "iff in iff", 60, |n| format!("T | extend X = {} | where X == \"v\"", nested(n, "iff(A == 1, \"v\", ", "\"w\"", ")"));
        "coalesce", 200, |n| format!("T | extend X = coalesce({}) | where X == \"v\"", many(n, ", ", |i| format!("A{i}")));
        "parentheses", 2_000, |n| format!("T | where {}", nested(n, "(", "A == 1", ")"));
        "and in parentheses", 2_000, |n| format!("T | where {}", nested(n, "(A == 1 and ", "B == 2", ")"));
        "unions of tables", 1_000, |n| format!("union {} | where A == 1", many(n, ", ", |i| format!("T{i}")));
        "unions of legs", 200, |n| format!("union {} | where A == 1", many(n, ", ", |i| format!("(T{i} | where B == {i})")));
        "unions of legs with columns", 100, |n| format!("union {} | where C1 == 1", many(n, ", ", |i| format!("(T{i} | extend C{i} = B{i})")));
        "joins", 200, |n| format!("T {} | where A == 1", many(n, " ", |i| format!("| join (U{i} | where B == {i}) on X")));
        "joins with columns", 60, |n| format!("T {} | where A == 1", many(n, " ", |i| format!("| join (U{i} | extend {}) on X", many(10, ", ", |k| format!("C{i}_{k} = D")))));
        "joins in joins", 500, |n| nested(n, "T | join (", "U", ") on X");
        "sub-queries", 200, |n| format!("T {}", many(n, " ", |i| format!("| where A in ((U{i} | where B == {i} | project A))")));
        "lets", 1_000, |n| format!("{}T | where A == L1", lines(n, |i| format!("let L{i} = {i};")));
        "unused lets without semicolons", 500, |n| format!("{}T | where A == L1", lines(n, |i| format!("let L{i} = {i}")));
        "a datatable", 1_000, |n| format!("let L = datatable(x:string, y:string)[{}]; T | where A in (L)", many(n, ", ", |i| format!("\"v{i}\", \"w\"")));
        "a wide datatable", 30, |n| format!("let L = datatable({})[{}]; T | join L on c1", many(n, ", ", |i| format!("c{i}:string")), many(n * 20, ", ", |i| format!("\"v{i}\"")));
        "statistics", 300, |n| format!("T | summarize {} by U | where C1 > 1", many(n, ", ", |i| format!("C{i} = count(A{i})")));
        "projects", 500, |n| format!("T {} | where A == 1", many(n, " ", |_| "| project A, B, C".to_owned()));
        "statements", 500, |n| many(n, ";\n", |i| format!("T | where A == {i}"));
        "broken statements", 500, |n| many(n, "\n", |_| "let = ;".to_owned());
        "open brackets", 2_000, |n| format!("T | where {}", "(".repeat(n));
        "open functions", 500, |n| "let f = (".repeat(n);
        "dynamic in dynamic", 2_000, |n| format!("print dynamic({})", nested(n, "[", "1", "]"));
        "json text", 1_000, |n| format!("let L = parse_json('[{}]'); T | where A in (L)", many(n, ",", |i| format!("\"v{i}\"")));
        "a long string", 20_000, |n| format!("T | where A == \"{}\"", "x".repeat(n));
        "comments", 2_000, |n| format!("T\n{}| where A == 1", lines(n, |i| format!("// {i}")));
        "errors", 1_000, |n| format!("T {}", many(n, " ", |_| "| where ==".to_owned()));
        "mv-expand", 300, |n| format!("T {} | where A == 1", many(n, " ", |i| format!("| mv-expand X{i}")));
        "parse", 300, |n| format!("T {} | where P1 == \"v\"", many(n, " ", |i| format!("| parse A with * \"x\" P{i} \"y\" *")));
        "as", 200, |n| format!("T {} | where A == 1", many(n, " ", |i| format!("| as N{i} | where B == {i}")));
        "search", 1_000, |n| format!("search {}", many(n, " or ", |i| format!("\"v{i}\"")));
        "members", 2_000, |n| format!("T | where A{} == 1", ".b".repeat(n));
        "indexes", 2_000, |n| format!("T | where A{} == 1", "[\"b\"]".repeat(n));
    }
    Python: {
        "terms", 1_000, |n| format!("def rule(event):\n    return {}\n", many(n, " or ", |i| format!("event.get('a{}') == 'v{i}'", i % 7)));
        "values of a list", 5_000, |n| format!("def rule(event):\n    return event.get('a') in [{}]\n", many(n, ", ", |i| format!("'v{i}'")));
        "values of a constant", 5_000, |n| format!("L = {{{}}}\ndef rule(event):\n    return event.get('a') in L\n", many(n, ", ", |i| format!("'v{i}'")));
        "a constant used often", 60, |n| format!("L = {{{}}}\ndef rule(event):\n    return {}\n", many(n, ", ", |i| format!("'v{i}'")), many(n, " or ", |i| format!("event.get('a{i}') in L")));
        "returns", 200, |n| format!("def rule(event):\n{}    return True\n", lines(n, |i| format!("    if event.get('a') == 'v{i}':\n        return False")));
        "branches", 200, |n| format!("def rule(event):\n    x = 0\n{}    return x == 3\n", lines(n, |i| format!("    if event.get('a') == 'v{i}':\n        x = {}", i % 5)));
        "elif", 200, |n| format!("def rule(event):\n    if event.get('a') == 'v':\n        return True\n{}    return False\n", lines(n, |i| format!("    elif event.get('a') == 'v{i}':\n        return False")));
        "branches that double", 10, |n| format!("def rule(event):\n    x = event.get('a')\n{}    return x == 3\n", lines(n, |i| format!("    if event.get('b{i}'):\n        x = x + x")));
        "texts that double", 14, |n| format!("def rule(event):\n    x = 'ab'\n{}    return event.get('a') == x\n", lines(n, |_| "    x = x + x".to_owned()));
        "lists that double", 14, |n| format!("def rule(event):\n    x = ['ab']\n{}    return event.get('a') in x\n", lines(n, |_| "    x = x + x".to_owned()));
        "multiplied texts", 6, |n| format!("def rule(event):\n    x = 'ab'{}\n    return event.get('a') == x\n", " * 10".repeat(n));
        "helpers", 200, |n| format!("{}def rule(event):\n    return h{n}(event)\n", lines(n + 1, |i| format!("def h{i}(event):\n    return {}", if i == 0 { "event.get('a') == 1".to_owned() } else { format!("h{}(event)", i - 1) })));
        "helpers that double", 8, |n| format!("{}def rule(event):\n    return h{n}(event)\n", lines(n + 1, |i| format!("def h{i}(event):\n    return {}", if i == 0 { "event.get('a') == 1".to_owned() } else { format!("h{0}(event) or not h{0}(event)", i - 1) })));
        "helpers that call themselves", 100, |n| format!("def h(event):\n    return h(event) or h(event)\ndef rule(event):\n    return {}\n", many(n, " or ", |_| "h(event)".to_owned()));
        "loops", 60, |n| format!("def rule(event):\n{}    return False\n", lines(n, |i| format!("    for x in event.get('a{i}', []):\n        if x == 'v':\n            return True")));
        "loops over constants", 60, |n| format!("L = [{}]\ndef rule(event):\n    for x in L:\n        for y in L:\n            if event.get(x) == y:\n                return True\n    return False\n", many(n, ", ", |i| format!("'v{i}'")));
        "comprehensions", 20, |n| format!("L = [{}]\nM = [x + y for x in L for y in L]\nN = {{x: y for x in M for y in M}}\ndef rule(event):\n    return event.get('a') in N\n", many(n, ", ", |i| format!("'v{i}'")));
        "any of constants", 300, |n| format!("L = [{}]\ndef rule(event):\n    return any(x in event.get('a', '') for x in L)\n", many(n, ", ", |i| format!("'v{i}'")));
        "a dictionary", 500, |n| format!("D = {{{}}}\ndef rule(event):\n    return D.get(event.get('a')) == 'w3'\n", many(n, ", ", |i| format!("'v{i}': 'w{i}'")));
        "a dictionary with alike values", 500, |n| format!("D = {{{}}}\ndef rule(event):\n    return D.get(event.get('a')) == 'w3'\n", many(n, ", ", |i| format!("'v{i}': 'w{}'", i % 5)));
        "parentheses", 500, |n| format!("def rule(event):\n    return {}\n", nested(n, "(", "event.get('a')", ")"));
        "not", 500, |n| format!("def rule(event):\n    return {}event.get('a')\n", "not ".repeat(n));
        "nested conditions", 30, |n| format!("def rule(event):\n{}    return False\n", many(n, "", |i| format!("{}if event.get('a{i}'):\n", "    ".repeat(i + 1))) + &format!("{}return True\n", "    ".repeat(n + 1)));
        "attributes", 500, |n| format!("def rule(event):\n    return event.get('a'){}\n", ".get('b')".repeat(n));
        "deep get", 500, |n| format!("def rule(event):\n    return event.deep_get({}) == 1\n", many(n, ", ", |i| format!("'a{i}'")));
        "a long string", 20_000, |n| format!("def rule(event):\n    return event.get('a') == '{}'\n", "x".repeat(n));
        "strings side by side", 2_000, |n| format!("def rule(event):\n    return event.get('a') == ({})\n", many(n, " ", |_| "'x'".to_owned()));
        "constants of constants", 500, |n| format!("c0 = 'x'\n{}def rule(event):\n    return event.get('a') == c{n}\n", lines(n, |i| format!("c{} = c{i}", i + 1)));
        "comments", 2_000, |n| format!("{}def rule(event):\n    return event.get('a') == 1\n", lines(n, |i| format!("# {i}")));
        "syntax errors", 500, |n| lines(n, |_| "def rule(".to_owned());
        "modules that import each other", 50, |n| format!("{}def rule(event):\n    return help_0(event)\n", lines(n, |_| "from cycle_a import help_0".to_owned()));
        "unknown calls", 300, |n| format!("def rule(event):\n    return {}\n", many(n, " or ", |i| format!("unknown_{i}(event)")));
    }
    Wazuh: {
        "rules", 500, |n| lines(n, |i| format!("<rule id=\"{i}\" level=\"3\"><match>v{i}</match></rule>"));
        "rules on each other", 60, |n| format!("<rule id=\"0\" level=\"3\"><match>a</match></rule>{}", many(n, "", |i| format!("<rule id=\"{}\" level=\"3\"><if_sid>{i}</if_sid><match>v{i}</match></rule>", i + 1)));
        "rules on all before", 20, |n| many(n, "", |i| format!("<rule id=\"{i}\" level=\"3\"><if_sid>{}</if_sid><match>v{i}</match></rule>", many(i, ",", |j| j.to_string())));
        "alternatives of a match", 5_000, |n| format!("<rule id=\"1\" level=\"3\"><match>{}</match></rule>", many(n, "|", |i| format!("v{i}")));
        "fields", 2_000, |n| format!("<rule id=\"1\" level=\"3\">{}</rule>", many(n, "", |i| format!("<field name=\"f{i}\">v</field>")));
        "elements that do not end", 2_000, |n| "<rule id=\"1\" level=\"3\"><a>".repeat(n);
        "entities", 5_000, |n| format!("<rule id=\"1\" level=\"3\"><match>{}</match></rule>", "&a;".repeat(n));
    }
    YaraL: {
        "statements", 2_000, |n| format!("rule r {{ events: {} condition: $e }}", lines(n, |i| format!("$e.a{}.b = \"v{i}\"", i % 7)));
        "alternatives", 2_000, |n| format!("rule r {{ events: {} condition: $e }}", many(n, " or ", |i| format!("$e.a.b = \"v{i}\"")));
        "parentheses", 2_000, |n| format!("rule r {{ events: {} condition: $e }}", nested(n, "(", "$e.a.b = \"c\"", ")"));
        "not", 2_000, |n| format!("rule r {{ events: {}$e.a.b = \"c\" condition: $e }}", "not ".repeat(n));
        "placeholders of placeholders", 500, |n| format!("rule r {{ events: $p0 = strings.to_lower($e.a.b) {} $p{n} = \"c\" condition: $e }}", many(n, " ", |i| format!("$p{} = strings.to_lower($p{i})", i + 1)));
        "the first of many fields", 60, |n| format!("rule r {{ events: strings.coalesce({}) = \"a\" condition: $e }}", many(n, ", ", |i| format!("$e.a.b{i}")));
        "events", 500, |n| format!("rule r {{ events: {} condition: {} }}", lines(n, |i| format!("$e{i}.a.b = \"c\"")), many(n, " and ", |i| format!("$e{i}")));
        "errors", 2_000, |n| format!("rule r {{ events: {} condition: $e }}", "$e.a.b = ".repeat(n));
    }
    Snowflake: {
        "terms", 500, |n| format!("select * from t where {}", many(n, " or ", |i| format!("a = 'v{i}'")));
        "values of a list", 2_000, |n| format!("select * from t where a in ({})", many(n, ", ", |i| format!("'v{i}'")));
    }
    Falco: {
        "terms", 2_000, |n| many(n, " or ", |i| format!("proc.name = v{i}"));
        "terms of and and or", 2_000, |n| many(n, " or ", |i| format!("proc.name = v{i} and fd.num > {i}"));
        "values of a list", 5_000, |n| format!("proc.name in ({})", many(n, ", ", |i| format!("v{i}")));
        "paths", 2_000, |n| format!("fd.name pmatch ({})", many(n, ", ", |i| format!("/a{i}/*/b")));
        "networks", 2_000, |n| format!("fd.snet in ({})", many(n, ", ", |i| format!("10.{}.{}.0/24", i / 250 % 250, i % 250)));
        "parentheses", 2_000, |n| nested(n, "(", "proc.name = a", ")");
        "and in parentheses", 2_000, |n| nested(n, "(proc.name = a and ", "fd.num = 1", ")");
        "not", 2_000, |n| format!("{}proc.name = a", "not ".repeat(n));
        "transformers", 2_000, |n| nested(n, "tolower(", "proc.name", ")") + " = a";
        "unknown macros", 1_000, |n| many(n, " or ", |i| format!("m{i}"));
        "a long value", 20_000, |n| format!("proc.name = \"{}\"", "x".repeat(n));
        "stars", 20_000, |n| format!("fd.name glob \"b{}\"", "*a".repeat(n));
        "classes of a pattern", 2_000, |n| format!("fd.name glob \"{}\"", "[a-z]".repeat(n));
        "errors", 2_000, |n| many(n, " ", |_| "proc.name =".to_owned());
        "stray parentheses", 2_000, |n| ") ".repeat(n);
        "unclosed quotes", 2_000, |n| many(n, " and ", |_| "proc.name = \"x".to_owned());
    }
    Mql: {
        "terms", 1_000, |n| many(n, " or ", |i| format!("a{} == \"v{i}\"", i % 7));
        "values of a list", 5_000, |n| format!("a in ({})", many(n, ", ", |i| format!("\"v{i}\"")));
        "patterns", 1_000, |n| format!("strings.ilike(a, {})", many(n, ", ", |i| format!("\"*v{i}*\"")));
        "lambdas", 300, |n| many(n, " and ", |i| format!("any(a, .b == {i} and .c != d)"));
        "lambdas in each other", 40, |n| nested(n, "any(.a, .b == 1 and ", ".c == 2", ")");
        "alternatives in a lambda", 500, |n| format!("any(a, {})", many(n, " or ", |i| format!(".b == {i}")));
        "an array in a lambda's place", 60, |n| format!("any([{}], {})", many(n, ", ", |i| format!("\"v{i}\"")), many(n, " or ", |i| format!("strings.icontains(a{i}, .)")));
        "arrays in each other", 4, |n| nested(n, "any([1, 2, 3], a == . or ", "b == ..", ")");
        "filters", 40, |n| format!("any({}, .c == 1)", nested(n, "filter(", "a", ", .b == 1)"));
        "maps", 40, |n| format!("any({}, . == 1)", nested(n, "map(", "a", ", .b)"));
        "calls", 300, |n| many(n, " and ", |i| format!("any(ml.f(a{i}).b, .c == \"v\" and .d)"));
        "calls in each other", 80, |n| format!("{} == 1", nested(n, "ml.f(", "a", ")"));
        "ways to choose", 300, |n| format!("2 of ({})", many(n, ", ", |i| format!("a == {i}")));
        "choices in each other", 20, |n| nested(n, "2 of (a, b, ", "c", ")");
        "a chain of comparisons", 1_000, |n| many(n, " < ", |i| format!("a{i}"));
        "sums", 1_000, |n| format!("{} > 1", many(n, " + ", |i| format!("a{i}")));
        "members", 2_000, |n| format!("a{} == 1", ".b".repeat(n));
        "indexes", 1_000, |n| format!("a{} == 1", "[0]".repeat(n));
        "brackets", 2_000, |n| nested(n, "(", "a == 1", ")");
        "open brackets", 2_000, |n| "(".repeat(n);
        "nots", 2_000, |n| format!("{}a", "not ".repeat(n));
        "errors", 1_000, |n| many(n, " and ", |_| "a ==".to_owned());
        "a long string", 20_000, |n| format!("a == \"{}\"", "x".repeat(n));
        "comments", 2_000, |n| format!("{}a == 1", lines(n, |i| format!("// {i}")));
    }
    Logscale: {
        "terms", 1_000, |n| many(n, " or ", |i| format!("a{}=v{i}", i % 7));
        "pipes", 500, |n| many(n, " | ", |i| format!("a{i}=v{i}"));
        "values of a list", 5_000, |n| format!("in(a, values=[{}])", many(n, ", ", |i| format!("\"v{i}\"")));
        "patterns of a list", 1_000, |n| format!("in(a, values=[{}])", many(n, ", ", |i| format!("\"*v{i}*\"")));
        "networks", 1_000, |n| format!("cidr(a, subnet=[{}])", many(n, ", ", |i| format!("\"10.{}.{}.0/24\"", i / 250 % 250, i % 250)));
        "clauses", 200, |n| format!("case {{ {} }}", many(n, "; ", |i| format!("a={i}")));
        "clauses that give a name", 60, |n| format!("case {{ {} }} | x=v1", many(n, "; ", |i| format!("a={i} | x := v{i}")));
        "a name in many filters", 30, |n| format!("case {{ {} }} | {}", many(n, "; ", |i| format!("a={i} | x := \"v{i}\"")), many(n, " | ", |i| format!("x!=\"v{i}\"")));
        "names that nothing asks for", 300, |n| format!("{}a=1", many(n, "", |i| format!("case {{ a=1 | x{i} := y; * | x{i} := z }} | ")));
        "cases that double", 8, |n| format!("{}x=1", many(n, "", |_| "case { x=1 | x := y; x=2 | x := z; x=3 | x := 4; } | ".to_owned()));
        "choices in each other", 20, |n| format!("x := {} | x=1", nested(n, "if(a == 1, then=2, else=", "3", ")"));
        "assignments", 1_000, |n| format!("{}x{n}=1", many(n, "", |i| format!("x{} := x{i} | ", i + 1)));
        "sums", 500, |n| format!("x := {} | x > 1", many(n, " + ", |i| format!("a{i}")));
        "joins", 60, |n| many(n, " | ", |i| format!("join({{a={i}}}, field=b)"));
        "joins in each other", 40, |n| nested(n, "a=1 | join({", "a=2", "}, field=b)");
        "tables", 60, |n| format!("{}a=1", many(n, "", |i| format!("defineTable(query={{a={i}}}, name=t{i}, include=[a]) | match(t{i}, field=[a]) | ")));
        "tables of tables", 40, |n| format!("defineTable(query={{a=1}}, name=t0) | {}match(t{n}, field=[a])", many(n, "", |i| format!("defineTable(query={{b={i} | match(t{i}, field=[a])}}, name=t{}) | ", i + 1)));
        "groups", 200, |n| many(n, " | ", |i| format!("groupBy([a], function=[count(as=n{i})]) | n{i} > {i}"));
        "groups of an expression", 200, |n| format!("a=/{}/ | g0=1", many(n, "", |i| format!("(?<g{i}>x)")));
        "renames", 500, |n| format!("{}x{n}=1", many(n, "", |i| format!("rename(field=x{}, as=x{i}) | ", i + 1)));
        "free text", 1_000, |n| many(n, " ", |i| format!("word{i}"));
        "brackets", 2_000, |n| nested(n, "(", "a=1", ")");
        "open brackets", 2_000, |n| "(".repeat(n);
        "open cases", 1_000, |n| "case { ".repeat(n);
        "nots", 2_000, |n| format!("{}a=1", "not ".repeat(n));
        "errors", 1_000, |n| many(n, " | ", |_| "a=".to_owned());
        "a long string", 20_000, |n| format!("a=\"{}\"", "x".repeat(n));
        "comments", 2_000, |n| format!("{}a=1", lines(n, |i| format!("// {i}")));
    }
    PantherYaml: {
        "keys of a detection", 1_000, |n| format!("Detection:\n{}", lines(n, |i| format!("  - Key: a{i}\n    Condition: Equals\n    Value: v")));
        "values of a list", 2_000, |n| format!("Detection:\n  - Key: a\n    Condition: IsIn\n    Values:\n{}", lines(n, |i| format!("      - v{i}")));
        "any in all", 30, |n| format!("Detection: {}\n", nested(n, "[{All: ", "[{Key: a, Condition: Equals, Value: 1}]", "}]"));
        "sql terms", 300, |n| format!("Query: |\n  SELECT a FROM t WHERE {}\n", many(n, " OR ", |i| format!("b = 'v{i}'")));
        "sql list", 500, |n| format!("Query: |\n  SELECT a FROM t WHERE b IN ({})\n", many(n, ", ", |i| format!("'v{i}'")));
        "sql parentheses", 100, |n| format!("Query: |\n  SELECT a FROM t WHERE {}\n", nested(n, "(", "b = 1", ")"));
        "sql common tables", 60, |n| format!("Query: |\n  WITH t0 AS (SELECT a FROM t WHERE b = 1){} SELECT a FROM t{n}\n", many(n, "", |i| format!(", t{} AS (SELECT a FROM t{i} WHERE c = {i})", i + 1)));
        "sql common tables that double", 8, |n| format!("Query: |\n  WITH t0 AS (SELECT a FROM t WHERE b = 1){} SELECT a FROM t{n}\n", many(n, "", |i| format!(", t{0} AS (SELECT a FROM t{i} WHERE c = 1 UNION ALL SELECT a FROM t{i} WHERE c = 2)", i + 1)));
        "sql joins", 60, |n| format!("Query: |\n  SELECT a FROM t {} WHERE b = 1\n", many(n, " ", |i| format!("JOIN u{i} ON t.x = u{i}.x AND u{i}.y = {i}")));
        "sql unions", 60, |n| format!("Query: |\n  {}\n", many(n, " UNION ALL ", |i| format!("SELECT a FROM t WHERE b = {i}")));
        "sql case", 60, |n| format!("Query: |\n  SELECT a FROM t WHERE CASE {} ELSE 0 END = 1\n", many(n, " ", |i| format!("WHEN b = {i} THEN {}", i % 3)));
        "sql sub-queries", 60, |n| format!("Query: |\n  {}\n", nested(n, "SELECT a FROM (", "SELECT a FROM t WHERE b = 1", ")"));
        "a correlation", 60, |n| format!("Detection:\n  - Sequence:\n{}", lines(n, |i| format!("      - ID: s{i}\n        RuleID: R{i}")));
    }
}

fn one(path: &str, text: String) -> Vec<(String, String)> {
    vec![(path.to_owned(), text)]
}

macro_rules! files {
    ($($kind:expr => { $($name:literal, $size:expr, $files:expr;)* })*) => {
        pub const FILES: &[Files] = &[$($(
            Files { name: $name, kind: $kind, size: $size, files: $files },
        )*)*];
    };
}

const TOML_HEAD: &str = "[rule]\nname = \"r\"\nrule_id = \"r\"\ntype = \"query\"\nlanguage = \"kuery\"\n";

files! {
    SourceKind::Rules(Vendor::Sigma) => {
        "rules of a file", 200, |n| one("r.yml", many(n, "---\n", |i| format!("title: r{i}\nid: r{i}\ndetection:\n  s: {{A: v{i}}}\n  condition: s\n")));
        "rules of a file, all with faults", 200, |n| one("r.yml", many(n, "---\n", |i| format!("title: r{i}\ndetection:\n  s: {{A|re: '(v{i}'}}\n  condition: t\n")));
        "rules of a file with a global part", 200, |n| one("r.yml", format!("action: global\ndetection: {{condition: s}}\n---\n{}", many(n, "---\n", |i| format!("title: r{i}\nid: r{i}\ndetection:\n  s: {{A: v{i}}}\n"))));
        "files", 100, |n| (0..n).map(|i| (format!("r{i}.yml"), format!("title: r{i}\nid: r{i}\ndetection:\n  s: {{A: v{i}}}\n  condition: s\n"))).collect();
        "files of one id", 100, |n| (0..n).map(|i| (format!("r{i}.yml"), format!("title: r{i}\nid: r\ndetection:\n  s: {{A: v{i}}}\n  condition: s\n"))).collect();
        "a correlation of many files", 100, |n| (0..n).map(|i| (format!("r{i}.yml"), format!("title: r{i}\nname: r{i}\ndetection:\n  s: {{A: v{i}}}\n  condition: s\n"))).chain([("z.yml".to_owned(), format!("title: c\ncorrelation:\n  type: temporal\n  timespan: 1h\n  rules:\n{}", lines(n, |i| format!("    - r{i}"))))]).collect();
        "correlations on correlations of a file", 15, |n| one("r.yml", format!("name: c0\nid: c0\ndetection: {{s: {{A: 1}}, condition: s}}\n{}", many(n, "", |i| format!("---\nname: c{0}\nid: c{0}\ncorrelation: {{generate: true, type: temporal, timespan: 1h, rules: [c{i}, c{i}]}}\n", i + 1))));
        "correlations of one rule", 30, |n| one("r.yml", format!("name: c\nid: c\ndetection: {{s: {{A: [{}]}}, condition: s}}\n{}", many(10 * n, ", ", |i| format!("v{i}")), many(n, "", |i| format!("---\nname: c{0}\nid: c{0}\ncorrelation: {{type: temporal, timespan: 1h, rules: [c, c]}}\n", i + 1))));
        "rules of a list in JSON", 200, |n| one("r.json", format!("[{}]", many(n, ",\n", |i| format!("{{\"title\": \"r{i}\", \"id\": \"r{i}\", \"detection\": {{\"s\": {{\"A\": \"v{i}\"}}, \"condition\": \"s\"}}}}"))));
        "rules of lines of JSON", 200, |n| one("r.jsonl", lines(n, |i| format!("{{\"title\": \"r{i}\\/\", \"id\": \"r{i}\", \"detection\": {{\"s\": {{\"A\": \"v{i}\"}}, \"condition\": \"s\"}}}}")));
        "rules of one id in a file", 200, |n| one("r.yml", many(n, "---\n", |_| "title: r\nid: r\ndetection:\n  s: {A: v}\n  condition: s\n".to_owned()));
        "tags", 1_000, |n| one("r.yml", format!("title: r\nid: r\ntags:\n{}detection:\n  s: {{A: v}}\n  condition: s\n", lines(n, |i| format!("  - attack.t{}", 1000 + i))));
        "lines of text", 5_000, |n| one("r.yml", "x\n".repeat(n));
        "flow brackets", 5_000, |n| one("r.yml", "[".repeat(n));
        "odd keys", 1_000, |n| one("r.yml", format!("title: r\nid: r\n{}detection:\n  s: {{A: v}}\n  condition: s\n", lines(n, |i| format!("k{i}: v"))));
    }
    SourceKind::Rules(Vendor::Elastic) => {
        "brackets", 20_000, |n| one("r.toml", "[".repeat(n));
        "brackets of a value", 20_000, |n| one("r.toml", format!("{TOML_HEAD}a = {}", "[".repeat(n)));
        "braces of a value", 20_000, |n| one("r.toml", format!("{TOML_HEAD}a = {}", "{a=".repeat(n)));
        "dotted keys", 2_000, |n| one("r.toml", format!("{TOML_HEAD}{} = 1\n", many(n, ".", |_| "a".to_owned())));
        "dotted tables", 2_000, |n| one("r.toml", format!("{TOML_HEAD}[{}]\n", many(n, ".", |_| "a".to_owned())));
        "many values", 20_000, |n| one("r.toml", format!("{TOML_HEAD}a = [{}]\n", many(n, ",", |i| i.to_string())));
        "many keys", 5_000, |n| one("r.toml", format!("{TOML_HEAD}{}", lines(n, |i| format!("k{i} = 1"))));
        "many tables", 2_000, |n| one("r.toml", format!("{TOML_HEAD}{}", lines(n, |i| format!("[t{i}]\na = 1"))));
        "many filters", 300, |n| one("r.toml", format!("{TOML_HEAD}query = \"a: 1\"\n{}", lines(n, |i| format!("[[rule.filters]]\n[rule.filters.query.match_phrase]\na = \"v{i}\""))));
        "a query with faults", 300, |n| one("r.toml", format!("{TOML_HEAD}query = '''\n{}'''\n", lines(n, |_| "a: )".to_owned())));
        "rules of lines of JSON", 200, |n| one("r.ndjson", lines(n, |i| format!("{{\"rule_id\": \"r{i}\", \"name\": \"r{i}\", \"type\": \"query\", \"language\": \"kuery\", \"query\": \"a: v{i}\"}}")));
        "rules that share an exception list", 25, |n| one("r.ndjson", lines(n, |i| format!("{{\"rule_id\": \"r{i}\", \"name\": \"r{i}\", \"type\": \"query\", \"language\": \"kuery\", \"query\": \"a: v{i}\", \"exceptions_list\": [{{\"list_id\": \"l\", \"type\": \"detection\"}}]}}")) + &lines(n, |i| format!("{{\"list_id\": \"l\", \"item_id\": \"i{i}\", \"entries\": [{{\"field\": \"f\", \"operator\": \"included\", \"type\": \"match\", \"value\": \"v{i}\"}}]}}")));
        "threats", 300, |n| one("r.toml", format!("{TOML_HEAD}query = \"a: 1\"\n{}", lines(n, |i| format!("[[rule.threat]]\nframework = \"MITRE ATT&CK\"\n[[rule.threat.technique]]\nid = \"T{}\"\nname = \"x\"", 1000 + i))));
        "errors", 5_000, |n| one("r.toml", "= \n".repeat(n));
    }
    SourceKind::Rules(Vendor::Splunk) => {
        "a large macro in many searches", 50, |n| splunk(&format!("definition: {}\nname: large\n", many(n * 10, " OR ", |i| format!("a=v{i}"))), n, "index=x `large`");
        "macros", 200, |n| splunk("", 1, "index=x `m1`").into_iter().chain((0..n).map(|i| (format!("macros/m{i}.yml"), format!("definition: a=v{i}\nname: m{i}\n")))).collect();
        "rows of a lookup", 1_000, |n| splunk("", 1, "index=x | lookup list key as a OUTPUT flag | where flag=\"yes\"").into_iter().chain([("lookups/list.csv".to_owned(), format!("key,flag\n{}", lines(n, |i| format!("v{i},yes")))), ("lookups/list.yml".to_owned(), "name: list\nfilename: list.csv\nlookup_type: csv\n".to_owned())]).collect();
        "rows of a lookup in many searches", 50, |n| splunk("", n, "index=x | lookup list key as a OUTPUT flag | where flag=\"yes\"").into_iter().chain([("lookups/list.csv".to_owned(), format!("key,flag\n{}", lines(n * 10, |i| format!("v{i},yes")))), ("lookups/list.yml".to_owned(), "name: list\nfilename: list.csv\nlookup_type: csv\n".to_owned())]).collect();
        "saved searches", 500, |n| one("default/savedsearches.conf", lines(n, |i| format!("[s{i}]\nsearch = index=x a=v{i}\ndescription = d{i}")));
        "saved searches with settings for all", 100, |n| one("default/savedsearches.conf", format!("description = {}\n{}", "d".repeat(20 * n), lines(n, |i| format!("[s{i}]\nsearch = index=x a=v{i}"))));
        "saved searches of one macro", 30, |n| vec![("default/macros.conf".to_owned(), format!("[large]\ndefinition = {}\n", many(10 * n, " OR ", |i| format!("a=v{i}")))), ("default/savedsearches.conf".to_owned(), lines(n, |i| format!("[s{i}]\nsearch = index=x `large`")))];
        "event types of event types", 40, |n| vec![("default/eventtypes.conf".to_owned(), lines(n, |i| format!("[e{i}]\nsearch = eventtype=e{} OR eventtype=e{}", i + 1, i + 2))), ("default/savedsearches.conf".to_owned(), lines(n, |i| format!("[s{i}]\nsearch = index=x eventtype=e{i}")))];
        "tags of a search", 1_000, |n| one("detections/r.yml", format!("name: r\nid: r\nsearch: index=x a=1\ntags:\n  mitre_attack_id:\n{}", lines(n, |i| format!("  - T{}", 1_000 + i))));
        "a long search with faults", 300, |n| splunk("", 1, &many(n, " ", |_| "| where ==".to_owned()));
    }
    SourceKind::Rules(Vendor::Kusto) => {
        "fences of a page", 300, |n| one("p.md", format!("# Page\n\n{}", many(n, "\n\n", |i| format!("## H{i}\n\n```kql\nT{i}\n| where A == {i}\n```"))));
        "fences of a page, all with faults", 300, |n| one("p.md", format!("# Page\n\n{}", many(n, "\n\n", |i| format!("## H{i}\n\n```kql\nT{i}\n| where == {i}\n```"))));
        "fences that do not end", 300, |n| one("p.md", "```kql\nT | where A == 1\n~~~\n".repeat(n));
        "headings", 2_000, |n| one("p.md", format!("{}\n```kql\nT | where A == 1\n```\n", lines(n, |i| format!("# H{i}"))));
        "quotes in quotes", 2_000, |n| one("p.md", format!("{}\n", "> ".repeat(n)));
        "lists in lists", 300, |n| one("p.md", many(n, "\n", |i| format!("{}- x", " ".repeat(2 * i))));
        "links", 2_000, |n| one("p.md", "[".repeat(n) + &"](x)".repeat(n));
        "a template", 100, |n| one("t.json", format!("{{\"resources\": [{}]}}", many(n, ",", |i| format!("{{\"type\": \"Microsoft.SecurityInsights/alertRules\", \"name\": \"r{i}\", \"properties\": {{\"displayName\": \"r{i}\", \"query\": \"T | where A == {i}\"}}}}"))));
        "terraform locals named often", 40, |n| one("r.tf", format!("locals {{\n  l = \"{}\"\n}}\n{}", "x".repeat(20 * n), lines(n, |i| format!("resource \"azurerm_sentinel_alert_rule_scheduled\" \"r{i}\" {{\n  name = \"r{i}\"\n  display_name = \"r{i}\"\n  query = \"T | where A == \\\"${{local.l}}\\\"\"\n}}"))));
        "terraform locals of locals", 3, |n| one("r.tf", format!("locals {{\n{}  l9 = \"x\"\n}}\nresource \"azurerm_sentinel_alert_rule_scheduled\" \"r\" {{\n  name = \"r\"\n  query = \"T | where A == 1\"\n  tactics = local.l0\n}}\n", lines(9, |i| format!("  l{i} = [{}]", many(n, ", ", |_| format!("local.l{}", i + 1))))));
        "bicep parameters named often", 40, |n| one("r.bicep", format!("param p string = '{}'\n{}", "x".repeat(20 * n), lines(n, |i| format!("resource r{i} 'Microsoft.SecurityInsights/alertRules@2023-01-01' = {{\n  properties: {{\n    displayName: 'r{i}'\n    query: 'T | where A == \"${{p}}\"'\n  }}\n}}"))));
        "bicep parameters", 500, |n| one("r.bicep", format!("{}{}", lines(n, |i| format!("param p{i} string = 'v{i}'")), lines(n, |i| format!("resource r{i} 'Microsoft.SecurityInsights/alertRules@2023-01-01' = {{\n  properties: {{\n    displayName: 'r{i}'\n    query: 'T | where A == \"${{p{i}}}\"'\n  }}\n}}"))));
        "bicep places that do not end", 500, |n| one("r.bicep", format!("resource r 'Microsoft.SecurityInsights/alertRules@2023-01-01' = {{\n{}", lines(n, |_| "query: '${p".to_owned())));
        "rules of an API whose words the file writes otherwise", 100, |n| one("r.json", format!("[{}]", many(n, ",", |i| format!("{{\"displayName\": \"r{i}\\u0041\", \"severity\": \"high\", \"query\": \"T | where \\u0041 == {i}\"}}"))));
        "json brackets", 20_000, |n| one("t.json", "[".repeat(n));
        "json values", 20_000, |n| one("t.json", format!("[{}]", many(n, ",", |i| i.to_string())));
        "yaml rules", 100, |n| (0..n).map(|i| (format!("r{i}.yaml"), format!("id: r{i}\nname: r{i}\nquery: |\n  T\n  | where A == {i}\n"))).collect();
        "a yaml rule with faults", 300, |n| one("r.yaml", format!("id: r\nname: r\nquery: |\n  T\n{}", lines(n, |_| "  | where ==".to_owned())));
        "query files", 100, |n| (0..n).map(|i| (format!("r{i}.kql"), format!("// r{i}\nT | where A == {i}\n"))).collect();
        "variants of a query", 60, |n| (0..n).map(|i| (format!("d{i}/r.yaml"), format!("id: r{i}\nname: r\nquery: |\n  T\n  | where A == 1 and B == {i}\n"))).collect();
    }
    SourceKind::Rules(Vendor::Wazuh) => {
        "rules of a file", 200, |n| one("r.xml", lines(n, |i| format!("<rule id=\"{i}\" level=\"3\"><match>v{i}</match></rule>")));
        "variables", 200, |n| one("r.xml", format!("{}{}", lines(n, |i| format!("<var name=\"V{i}\">a</var>")), lines(n, |i| format!("<rule id=\"{i}\" level=\"3\"><match>$V{i}</match></rule>"))));
    }
    SourceKind::Rules(Vendor::YaraL) => {
        "rules of a file", 200, |n| one("r.yaral", lines(n, |i| format!("rule r{i} {{ events: $e.a.b = \"v{i}\" condition: $e }}")));
    }
    SourceKind::Rules(Vendor::Falco) => {
        "rules", 200, |n| one("r.yaml", lines(n, |i| format!("- rule: r{i}\n  condition: proc.name = a{i} and evt.type = open\n  tags: [T1059]")));
        "macros, each of the one before", 60, |n| one("r.yaml", format!("- macro: m0\n  condition: proc.name = a\n{}- rule: r\n  condition: m{n}\n", lines(n, |i| format!("- macro: m{}\n  condition: m{i} and proc.pid = {i}", i + 1))));
        "lists, each of the one before", 30, |n| one("r.yaml", format!("- list: l0\n  items: [a]\n{}- rule: r\n  condition: proc.name in (l{n})\n", lines(n, |i| format!("- list: l{}\n  items: [l{i}, b{i}]", i + 1))));
        "lists that double", 3, |n| one("r.yaml", format!("- list: l0\n  items: [a, b]\n{}- rule: r\n  condition: proc.name in (l{n})\n", lines(n, |i| format!("- list: l{}\n  items: [l{i}, l{i}]", i + 1))));
        "a list of many rules", 40, |n| one("r.yaml", format!("- list: l\n  items: [{}]\n{}", many(10 * n, ", ", |i| format!("a{i}")), lines(n, |i| format!("- rule: r{i}\n  condition: proc.name in (l)"))));
        "a macro of many rules", 40, |n| one("r.yaml", format!("- macro: m\n  condition: {}\n{}", many(n, " or ", |i| format!("proc.name = a{i}")), lines(n, |i| format!("- rule: r{i}\n  condition: m"))));
        "exceptions", 200, |n| one("r.yaml", format!("- rule: r\n  condition: proc.name = a\n  exceptions:\n    - name: e\n      fields: [proc.name, fd.name]\n      values:\n{}", lines(n, |i| format!("        - [a{i}, b{i}]"))));
        "changes of a rule", 100, |n| one("r.yaml", format!("- rule: r\n  condition: proc.name = a\n{}", lines(n, |i| format!("- rule: r\n  append: true\n  condition: or proc.name = a{i}"))));
        "changes of rules in local files", 40, |n| (0..n).map(|i| (format!("r{i}.yaml"), format!("- macro: m\n  condition: proc.name = a\n- rule: r{i}\n  condition: m\n"))).chain([("x.local.yaml".to_owned(), lines(n, |i| format!("- macro: m\n  append: true\n  condition: or proc.name = a{i}")))]).collect();
    }
    SourceKind::Rules(Vendor::Panther) => {
        "rules", 60, |n| (0..n).flat_map(|i| [(format!("rules/r{i}.yml"), format!("AnalysisType: rule\nRuleID: R{i}\nFilename: r{i}.py\nLogTypes: [L]\n")), (format!("rules/r{i}.py"), format!("def rule(event):\n    return event.get('a') == {i}\n"))]).collect();
        "rules with one helper", 60, |n| (0..n).flat_map(|i| [(format!("rules/r{i}.yml"), format!("AnalysisType: rule\nRuleID: R{i}\nFilename: r{i}.py\nLogTypes: [L]\n")), (format!("rules/r{i}.py"), "from helper import h\ndef rule(event):\n    return h(event)\n".to_owned())]).chain([("global_helpers/helper.py".to_owned(), format!("def h(event):\n    return event.get('a') in [{}]\n", many(10 * n, ", ", |i| format!("'v{i}'")))), ("global_helpers/helper.yml".to_owned(), "AnalysisType: global\nFilename: helper.py\nGlobalID: helper\n".to_owned())]).collect();
        "sdk classes, each derived from the one before", 60, |n| one("rules/r.py", format!("from pypanther import Rule\n{}", many(n, "", |i| format!("class C{}({}):\n    id = 'c{i}'\n    def rule(self, event):\n        return event.get('a') == {i}\n", i + 1, if i == 0 { "Rule".to_owned() } else { format!("C{i}") }))));
        "sdk classes with values of a base", 20, |n| one("rules/r.py", format!("from pypanther import Rule\nL = [{}]\nclass B(Rule):\n    tags = L\n{}", many(10 * n, ", ", |i| format!("'t{i}'")), many(n, "", |i| format!("class C{i}(B):\n    id = 'c{i}'\n    def rule(self, event):\n        return event.get('a') == {i}\n"))));
        "sdk methods that name each other", 200, |n| one("rules/r.py", format!("from pypanther import Rule\nclass C(Rule):\n    id = 'c'\n    def rule(self, event):\n        return self.m1(event)\n{}", many(n, "", |i| format!("    def m{i}(self, event):\n        return self.m{}(event)\n", i + 1))));
        "rules of a file of one module", 20, |n| vec![("rules/r.yml".to_owned(), many(n, "---\n", |i| format!("AnalysisType: rule\nRuleID: R{i}\nFilename: r.py\nLogTypes: [L]\n"))), ("rules/r.py".to_owned(), format!("def rule(event):\n    return event.get('a') in [{}]\n", many(10 * n, ", ", |i| format!("'v{i}'"))))];
        "unit tests", 200, |n| vec![("rules/r.yml".to_owned(), format!("AnalysisType: rule\nRuleID: R\nFilename: r.py\nLogTypes: [L]\nTests:\n{}", lines(n, |i| format!("  - Name: t{i}\n    ExpectedResult: true\n    Log: {{a: {i}}}")))), ("rules/r.py".to_owned(), "def rule(event):\n    return event.get('a') == 1\n".to_owned())];
    }
    SourceKind::Rules(Vendor::Sublime) => {
        "rules", 100, |n| (0..n).map(|i| (format!("detection-rules/r{i}.yml"), format!("name: r{i}\nid: r{i}\ntype: rule\nsource: |\n  type.inbound\n  and a == {i}\n"))).collect();
        "rules of a file", 100, |n| one("r.yml", many(n, "---\n", |i| format!("name: r{i}\nid: r{i}\ntype: rule\nsource: a == {i}\n")));
        "lists", 1_000, |n| one("r.yml", format!("name: r\nid: r\ntype: rule\nsource: a == 1\ntags: [{}]\nattack_types: [{}]\n", many(n, ", ", |i| format!("t{i}")), many(n, ", ", |i| format!("a{i}"))));
        "authors", 1_000, |n| one("r.yml", format!("name: r\nid: r\ntype: rule\nsource: a == 1\nauthors:\n{}", lines(n, |i| format!("  - name: a{i}"))));
    }
    SourceKind::Rules(Vendor::Logscale) => {
        "queries", 100, |n| (0..n).map(|i| (format!("queries/r{i}.yml"), format!("name: r{i}\nmitre_ids: [T1059]\ntags: [Detection]\ncql: |\n  a=1\n  | b={i}\n"))).collect();
        "queries of a file", 100, |n| one("r.yml", many(n, "---\n", |i| format!("name: r{i}\ncql: a={i}\n")));
        "query files", 100, |n| (0..n).map(|i| (format!("r{i}.cql"), format!("a={i}\n"))).collect();
        "techniques", 200, |n| one("r.yml", format!("name: r\ncql: a=1\nmitre_ids: [{}]\n", many(n, ", ", |i| format!("T{}", 1000 + i))));
    }
    SourceKind::Attack => {
        "techniques", 200, |n| one("enterprise-attack.json", stix(n, n));
        "relationships", 1_000, |n| one("enterprise-attack.json", stix(50, n));
        "brackets", 20_000, |n| one("enterprise-attack.json", "[".repeat(n));
        "values that are not read", 20_000, |n| one("enterprise-attack.json", format!("{{\"type\": \"bundle\", \"objects\": [{{\"type\": \"x\", \"a\": [{}]}}]}}", many(n, ",", |i| i.to_string())));
    }
}

fn splunk(macro_text: &str, searches: usize, search: &str) -> Vec<(String, String)> {
    let rule = |i: usize| {
        (
            format!("detections/r{i}.yml"),
            format!(
                "name: r{i}\nid: r{i}\nsearch: {}\ntags: {{mitre_attack_id: [T1059]}}\n",
                serde_json::json!(search)
            ),
        )
    };
    (0..searches)
        .map(rule)
        .chain((!macro_text.is_empty()).then(|| ("macros/large.yml".to_owned(), macro_text.to_owned())))
        .collect()
}

fn stix(techniques: usize, relationships: usize) -> String {
    let mut objects = String::new();
    for i in 0..techniques {
        let _ = write!(
            objects,
            "{{\"type\": \"attack-pattern\", \"id\": \"attack-pattern--{i}\", \"name\": \"t{i}\", \"external_references\": [{{\"source_name\": \"mitre-attack\", \"external_id\": \"T{}\"}}]}},",
            1000 + i
        );
    }
    for i in 0..relationships {
        let _ = write!(
            objects,
            "{{\"type\": \"relationship\", \"id\": \"relationship--{i}\", \"relationship_type\": \"revoked-by\", \"source_ref\": \"attack-pattern--{}\", \"target_ref\": \"attack-pattern--{}\"}},",
            i % techniques.max(1),
            (i + 1) % techniques.max(1)
        );
    }
    format!("{{\"type\": \"bundle\", \"objects\": [{}{{\"type\": \"x\"}}]}}", objects)
}
