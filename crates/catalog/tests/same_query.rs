//! One query, stated in several languages, asks for the same.
//!
//! What languages differ in by their own rules is left out of the comparison: what a comparison is where the field is
//! missing, whether an empty text is none, and where a predicate stands.

use ruleatlas_catalog::frontend;
use ruleatlas_core::{Literal, NoContext, Parsed, Query, normal_form, roles};
use ruleatlas_evaluate::{Event, evaluate};
use ruleatlas_model::{Condition, Language, Predicate, Role};

/// A meaning, and its statements.
struct Meaning {
    name: &'static str,
    statements: &'static [(Language, &'static str)],
    /// Events that have all fields.
    events: &'static [&'static str],
}

use Language::{Eql, Esql, Kusto, PantherYaml as Sql, Spl};

const MEANINGS: &[Meaning] = &[
    Meaning {
        name: "equality",
        statements: &[
            (Esql, "from t | where a == \"x\""),
            (Sql, "select * from t where a = 'x'"),
            (Kusto, "t | where a == \"x\""),
            (Spl, "index=t | where a=\"x\""),
            (Eql, "any where a == \"x\""),
        ],
        events: &[r#"{"a": "x"}"#, r#"{"a": "X"}"#],
    },
    Meaning {
        name: "difference",
        statements: &[
            (Esql, "from t | where a != \"x\""),
            (Sql, "select * from t where a <> 'x'"),
            (Kusto, "t | where a != \"x\""),
            (Spl, "index=t | where a!=\"x\""),
            (Eql, "any where a != \"x\""),
        ],
        events: &[r#"{"a": "x"}"#, r#"{"a": "y"}"#],
    },
    Meaning {
        name: "a constant on the left of an order",
        statements: &[
            (Esql, "from t | where 5 < n"),
            (Kusto, "t | where 5 < n"),
            (Spl, "index=t | where 5 < n"),
            (Eql, "any where 5 < n"),
        ],
        events: &[r#"{"n": 6}"#, r#"{"n": 5}"#],
    },
    Meaning {
        name: "a list",
        statements: &[
            (Esql, "from t | where a in (\"x\", \"y\")"),
            (Sql, "select * from t where a in ('x', 'y')"),
            (Kusto, "t | where a in (\"x\", \"y\")"),
            (Spl, "index=t | where a in (\"x\", \"y\")"),
            (Eql, "any where a in (\"x\", \"y\")"),
        ],
        events: &[r#"{"a": "y"}"#, r#"{"a": "z"}"#],
    },
    Meaning {
        name: "a negated list",
        statements: &[
            (Esql, "from t | where a not in (\"x\", \"y\")"),
            (Sql, "select * from t where a not in ('x', 'y')"),
            (Kusto, "t | where a !in (\"x\", \"y\")"),
            (Eql, "any where a not in (\"x\", \"y\")"),
        ],
        events: &[r#"{"a": "y"}"#, r#"{"a": "z"}"#],
    },
    Meaning {
        name: "neither of two together",
        statements: &[
            (Esql, "from t | where not (a == \"x\" and b == \"y\")"),
            (Sql, "select * from t where not (a = 'x' and b = 'y')"),
            (Kusto, "t | where not(a == \"x\" and b == \"y\")"),
            (Spl, "index=t | where NOT (a=\"x\" AND b=\"y\")"),
            (Eql, "any where not (a == \"x\" and b == \"y\")"),
        ],
        events: &[r#"{"a": "x", "b": "y"}"#, r#"{"a": "x", "b": "z"}"#],
    },
    Meaning {
        name: "alternatives and a conjunct",
        statements: &[
            (Esql, "from t | where (a == \"x\" or b == \"y\") and c == \"z\""),
            (Sql, "select * from t where (a = 'x' or b = 'y') and c = 'z'"),
            (Kusto, "t | where (a == \"x\" or b == \"y\") and c == \"z\""),
            (Spl, "index=t | where (a=\"x\" OR b=\"y\") AND c=\"z\""),
            (Eql, "any where (a == \"x\" or b == \"y\") and c == \"z\""),
        ],
        events: &[r#"{"a": "x", "b": "q", "c": "z"}"#, r#"{"a": "q", "b": "q", "c": "z"}"#],
    },
    Meaning {
        name: "a filter after a filter",
        statements: &[
            (Esql, "from t | where a == \"x\" | where b == \"y\""),
            (Sql, "select * from (select * from t where a = 'x') where b = 'y'"),
            (Kusto, "t | where a == \"x\" | where b == \"y\""),
            (Spl, "index=t | where a=\"x\" | where b=\"y\""),
        ],
        events: &[r#"{"a": "x", "b": "y"}"#, r#"{"a": "x", "b": "z"}"#],
    },
    Meaning {
        name: "a renamed field",
        statements: &[
            (Esql, "from t | rename a as b | where b == \"x\""),
            (Sql, "with r as (select a as b from t) select * from r where b = 'x'"),
            (Kusto, "t | project-rename b = a | where b == \"x\""),
            (Spl, "index=t | rename a as b | where b=\"x\""),
        ],
        events: &[r#"{"a": "x"}"#, r#"{"a": "y"}"#],
    },
    Meaning {
        name: "a field without its case",
        statements: &[
            (Esql, "from t | eval b = to_lower(a) | where b == \"x\""),
            (Sql, "select lower(a) as b from t where b = 'x'"),
            (Kusto, "t | extend b = tolower(a) | where b == \"x\""),
            (Spl, "index=t | eval b=lower(a) | where b=\"x\""),
        ],
        events: &[r#"{"a": "X"}"#, r#"{"a": "y"}"#],
    },
    Meaning {
        name: "a field in lower case and a text that has upper case",
        statements: &[
            (Esql, "from t | where to_lower(a) == \"X\" or b == \"y\""),
            (Sql, "select * from t where lower(a) = 'X' or b = 'y'"),
            (Kusto, "t | where tolower(a) == \"X\" or b == \"y\""),
            (Spl, "index=t | where lower(a)=\"X\" or b=\"y\""),
        ],
        events: &[r#"{"a": "x", "b": "z"}"#, r#"{"a": "x", "b": "y"}"#],
    },
    Meaning {
        name: "a field in another type",
        statements: &[
            (Esql, "from t | where to_string(a) == \"x\""),
            (Sql, "select * from t where to_varchar(a) = 'x'"),
            (Kusto, "t | where tostring(a) == \"x\""),
            (Spl, "index=t | where tostring(a)=\"x\""),
        ],
        events: &[r#"{"a": "x"}"#, r#"{"a": "y"}"#],
    },
    Meaning {
        name: "a name for a constant",
        statements: &[
            (Esql, "from t | eval k = \"x\" | where a == k"),
            (Sql, "select 'x' as k from t where a = k"),
            (Kusto, "let k = \"x\"; t | where a == k"),
            (Spl, "index=t | eval k=\"x\" | where a=k"),
        ],
        events: &[r#"{"a": "x"}"#, r#"{"a": "y"}"#],
    },
    Meaning {
        name: "a name for a condition",
        statements: &[
            (Esql, "from t | eval f = a == \"x\" | where f and b == \"y\""),
            (Sql, "select a = 'x' as f from t where f and b = 'y'"),
            (Kusto, "t | extend f = a == \"x\" | where f and b == \"y\""),
        ],
        events: &[r#"{"a": "x", "b": "y"}"#, r#"{"a": "q", "b": "y"}"#],
    },
    Meaning {
        name: "the first of two that is there",
        statements: &[
            (Esql, "from t | where coalesce(a, b) == \"x\""),
            (Sql, "select * from t where coalesce(a, b) = 'x'"),
            (Kusto, "t | where coalesce(a, b) == \"x\""),
            (Spl, "index=t | where coalesce(a, b)=\"x\""),
        ],
        events: &[r#"{"a": "x", "b": "y"}"#, r#"{"a": "y", "b": "x"}"#],
    },
    Meaning {
        name: "a constant for a missing field",
        statements: &[
            (Esql, "from t | where coalesce(n, 0) < 100"),
            (Sql, "select * from t where coalesce(n, 0) < 100"),
            (Kusto, "t | where coalesce(n, 0) < 100"),
            (Spl, "index=t | where coalesce(n, 0) < 100"),
        ],
        events: &[r#"{"n": 5}"#, r#"{"n": 500}"#],
    },
    Meaning {
        name: "neither of two is there",
        statements: &[
            (Esql, "from t | where coalesce(a, b) is null"),
            (Sql, "select * from t where coalesce(a, b) is null"),
            (Kusto, "t | where isempty(coalesce(a, b))"),
            (Spl, "index=t | where isnull(coalesce(a, b))"),
        ],
        events: &[r#"{"a": "x", "b": "y"}"#],
    },
    Meaning {
        name: "a case that gives what is asked for",
        statements: &[
            (Esql, "from t | eval k = case(a == \"x\", \"p\", \"q\") | where k == \"p\""),
            (Sql, "select case when a = 'x' then 'p' else 'q' end as k from t where k = 'p'"),
            (Kusto, "t | extend k = iff(a == \"x\", \"p\", \"q\") | where k == \"p\""),
            (Spl, "index=t | eval k=if(a=\"x\", \"p\", \"q\") | where k=\"p\""),
        ],
        events: &[r#"{"a": "x"}"#, r#"{"a": "y"}"#],
    },
    Meaning {
        name: "a case whose default is asked for",
        statements: &[
            (Esql, "from t | eval k = case(a == \"x\", \"p\", \"q\") | where k == \"q\""),
            (Sql, "select iff(a = 'x', 'p', 'q') as k from t where k = 'q'"),
            (Kusto, "t | extend k = iff(a == \"x\", \"p\", \"q\") | where k == \"q\""),
            (Spl, "index=t | eval k=if(a=\"x\", \"p\", \"q\") | where k=\"q\""),
        ],
        events: &[r#"{"a": "x"}"#, r#"{"a": "y"}"#],
    },
    Meaning {
        name: "one of two cases that give the same",
        statements: &[
            (Esql, "from t | where case(a == \"x\", 1, b == \"y\", 1, 0) == 1"),
            (Sql, "select case when a = 'x' then 1 when b = 'y' then 1 else 0 end as k from t where k = 1"),
            (Spl, "index=t | where case(a=\"x\", 1, b=\"y\", 1, true(), 0)=1"),
        ],
        events: &[r#"{"a": "x", "b": "y"}"#, r#"{"a": "q", "b": "y"}"#, r#"{"a": "q", "b": "q"}"#],
    },
    Meaning {
        name: "a count",
        statements: &[
            (Esql, "from t | where a == \"x\" | stats n = count(*) by u | where n > 5 and u != \"r\""),
            (Sql, "select u, count(*) as n from t where a = 'x' group by u having n > 5 and u <> 'r'"),
            (Kusto, "t | where a == \"x\" | summarize n = count() by u | where n > 5 and u != \"r\""),
        ],
        events: &[r#"{"a": "y", "u": "q"}"#],
    },
    Meaning {
        name: "an element of a collection",
        statements: &[
            (Esql, "from t | stats v = values(a) by u | mv_expand v | where v == \"x\""),
            (Kusto, "t | summarize v = make_set(a) by u | mv-expand v | where v == \"x\""),
            (Spl, "index=t | stats values(a) as v by u | mvexpand v | where v=\"x\""),
        ],
        events: &[r#"{"a": "x"}"#, r#"{"a": "y"}"#],
    },
    Meaning {
        name: "a window of time",
        statements: &[
            (Esql, "from t | where @timestamp > now() - 1 day and a == \"x\""),
            (Sql, "select * from t where p_event_time > dateadd(day, -1, current_timestamp) and a = 'x'"),
            (Kusto, "t | where TimeGenerated > ago(1d) and a == \"x\""),
            (Spl, "index=t earliest=-1d | where a=\"x\""),
        ],
        events: &[r#"{"a": "x"}"#, r#"{"a": "y"}"#],
    },
    Meaning {
        name: "a join whose tables are filtered behind it",
        statements: &[
            (Sql, "select * from t join u on t.k = u.k where t.a = 'x' and u.b = 'y'"),
            (Kusto, "t | join kind=inner (u | where b == \"y\") on k | where a == \"x\""),
            (Spl, "index=t | where a=\"x\" | join k [search index=u | where b=\"y\"]"),
        ],
        events: &[],
    },
    Meaning {
        name: "values of another query",
        statements: &[
            (Esql, "from t | where a in (from u | where b == \"y\" | keep a) and c == \"z\""),
            (Sql, "select * from t where a in (select a from u where b = 'y') and c = 'z'"),
            (Kusto, "t | where a in (u | where b == \"y\" | project a) and c == \"z\""),
        ],
        events: &[r#"{"a": "x", "c": "z"}"#, r#"{"a": "x", "c": "y"}"#],
    },
    Meaning {
        name: "values that another query must not have",
        statements: &[
            (Esql, "from t | where not a in (from u | where b == \"y\" | keep a) and c == \"z\""),
            (Sql, "select * from t where not a in (select a from u where b = 'y') and c = 'z'"),
            (Kusto, "t | where a !in (u | where b == \"y\" | project a) and c == \"z\""),
        ],
        events: &[r#"{"a": "x", "c": "z"}"#, r#"{"a": "x", "c": "y"}"#],
    },
    Meaning {
        name: "rows without a partner",
        statements: &[
            (Sql, "select * from t left anti join u on t.k = u.k and u.b = 'y' where t.a = 'x'"),
            (Kusto, "t | where a == \"x\" | join kind=leftanti (u | where b == \"y\") on k"),
            (Esql, "from t | where a == \"x\" and k not in (from u | where b == \"y\" | keep k)"),
        ],
        events: &[r#"{"a": "x"}"#],
    },
    Meaning {
        name: "a union of filtered tables",
        statements: &[
            (Esql, "from (from t | where a == \"x\"), (from u | where b == \"y\")"),
            (Sql, "select * from t where a = 'x' union all select * from u where b = 'y'"),
            (Kusto, "union (t | where a == \"x\"), (u | where b == \"y\")"),
        ],
        events: &[],
    },
    Meaning {
        name: "a path in a text",
        statements: &[
            (Esql, "from t | where json_extract(f, \"p.q\") == \"x\""),
            (Sql, "select * from t where parse_json(f):p.q = 'x'"),
            (Kusto, "t | where tostring(parse_json(f).p.q) == \"x\""),
            (Spl, "index=t | spath input=f path=p.q output=g | where g=\"x\""),
        ],
        events: &[r#"{"f": "{\"p\": {\"q\": \"x\"}}"}"#, r#"{"f": "{\"p\": {\"q\": \"y\"}}"}"#],
    },
    Meaning {
        name: "a name cut out of a text",
        statements: &[
            (Esql, "from t | dissect f \"%{g}:%{}\" | where g == \"x\""),
            (Kusto, "t | parse f with g \":\" * | where g == \"x\""),
            (Spl, "index=t | rex field=f \"(?<g>[^:]+):\" | where g=\"x\""),
        ],
        events: &[],
    },
    Meaning {
        name: "patterns for the ends and the middle",
        statements: &[
            (Esql, "from t | where a like \"x*\" and b like \"*y\" and c like \"*z*\""),
            (Sql, "select * from t where a like 'x%' and b like '%y' and c like '%z%'"),
            (Kusto, "t | where a startswith_cs \"x\" and b endswith_cs \"y\" and c contains_cs \"z\""),
            (Spl, "index=t | where like(a, \"x%\") and like(b, \"%y\") and like(c, \"%z%\")"),
            (Eql, "any where a like \"x*\" and b like \"*y\" and c like \"*z*\""),
        ],
        events: &[r#"{"a": "x1", "b": "1y", "c": "1z1"}"#, r#"{"a": "1x", "b": "1y", "c": "1z1"}"#],
    },
    Meaning {
        name: "a regular expression for the whole value",
        statements: &[
            (Esql, "from t | where a rlike \"x+\""),
            (Sql, "select * from t where rlike(a, 'x+')"),
            (Eql, "any where a regex \"x+\""),
        ],
        events: &[r#"{"a": "xx"}"#, r#"{"a": "xxy"}"#],
    },
    Meaning {
        name: "a network",
        statements: &[
            (Esql, "from t | where cidr_match(a, \"10.0.0.0/8\")"),
            (Kusto, "t | where ipv4_is_in_range(a, \"10.0.0.0/8\")"),
            (Spl, "index=t | where cidrmatch(\"10.0.0.0/8\", a)"),
            (Eql, "any where cidrMatch(a, \"10.0.0.0/8\")"),
        ],
        events: &[r#"{"a": "10.1.2.3"}"#, r#"{"a": "11.1.2.3"}"#],
    },
    Meaning {
        name: "two fields",
        statements: &[
            (Esql, "from t | where a == b"),
            (Sql, "select * from t where a = b"),
            (Kusto, "t | where a == b"),
            (Spl, "index=t | where a=b"),
            (Eql, "any where a == b"),
        ],
        events: &[r#"{"a": "x", "b": "x"}"#, r#"{"a": "x", "b": "y"}"#],
    },
    Meaning {
        name: "between two bounds",
        statements: &[
            (Esql, "from t | where n >= 1 and n <= 5"),
            (Kusto, "t | where n between (1 .. 5)"),
            (Eql, "any where n >= 1 and n <= 5"),
        ],
        events: &[r#"{"n": 5}"#, r#"{"n": 6}"#],
    },
    Meaning {
        name: "a list that has no row for the key",
        statements: &[
            (Esql, "from t | enrich l on k with o | where o is null and a == \"x\""),
            (Spl, "index=t | lookup l k OUTPUT o | where isnull(o) AND a=\"x\""),
            (
                Kusto,
                "t | join kind=leftouter (_GetWatchlist('l') | project k, o) on k | where isempty(o) and a == \"x\"",
            ),
        ],
        events: &[r#"{"k": "1", "a": "y"}"#],
    },
];

/// What each step asks for, in any order.
fn stated(parsed: &Parsed) -> Vec<String> {
    let mut steps: Vec<String> = parsed
        .conditions
        .iter()
        .map(|step| format!("{}{}", if step.absent { "absent " } else { "" }, shape(&normal_form(&step.root))))
        .collect();
    steps.sort();
    steps
}

fn shape(literal: &Literal<'_>) -> String {
    let inner = |children: &[Literal<'_>]| {
        let mut shapes: Vec<String> = Vec::new();
        let mut stack: Vec<&Literal<'_>> = children.iter().collect();
        while let Some(child) = stack.pop() {
            match (literal, child) {
                (Literal::All(_), Literal::All(children)) => stack.extend(children),
                _ => shapes.push(shape(child)),
            }
        }
        shapes.sort();
        shapes
    };
    let one_of = |children: &[Literal<'_>], sign: &str| match inner(children).as_slice() {
        [only] => only.clone(),
        shapes => format!("({})", shapes.join(sign)),
    };
    match literal {
        Literal::All(children) => one_of(children, " and "),
        Literal::Any { children, .. } => one_of(children, " or "),
        Literal::Predicate { predicate, inverted } => comparison(predicate, *inverted),
        Literal::Opaque { opaque, .. } => format!("opaque {}", opaque.reason),
    }
}

fn comparison(predicate: &Predicate, inverted: bool) -> String {
    let negative = predicate.negated != inverted;
    let from = predicate.derived_from.as_ref().map(|from| format!(" from {from}")).unwrap_or_default();
    format!(
        "{}{}{}{from} {} {:?}{}{}{}",
        if negative { "not " } else { "" },
        if predicate.computed { "computed " } else { "" },
        predicate.raw_field,
        predicate.op,
        predicate.values,
        if predicate.case_sensitive && predicate.values.iter().any(|value| value.parse::<f64>().is_err()) {
            " cased"
        } else {
            ""
        },
        predicate.modifiers.text().map(|modifiers| format!(" |{modifiers}")).unwrap_or_default(),
        if predicate.guard { " guard" } else { "" },
    )
}

fn counted(conditions: &[Condition]) -> Vec<(String, Role, &'static str)> {
    let roles = roles(conditions);
    let mut counted: Vec<_> =
        roles.iter().map(|found| (found.predicate.raw_field.clone(), found.role, found.counted_op.name())).collect();
    counted.sort_by_key(|(field, role, op)| (field.clone(), role.to_string(), *op));
    counted
}

fn parse(language: Language, text: &str) -> Parsed {
    let text = match language {
        Sql => format!("Query: |\n  {text}\n"),
        _ => text.to_owned(),
    };
    frontend(language).parse(&Query::new(&text), &NoContext)
}

#[test]
fn one_query_in_several_languages_asks_for_the_same() {
    let mut faults = Vec::new();
    for meaning in MEANINGS {
        assert!(meaning.statements.len() >= 3, "{}", meaning.name);
        let parsed: Vec<_> =
            meaning.statements.iter().map(|(language, text)| (language, parse(*language, text))).collect();
        let (first, expected) = &parsed[0];
        assert!(!counted(&expected.conditions).is_empty(), "{}: nothing is asked for", meaning.name);
        if std::env::var_os("SHOW").is_some() {
            println!("{}: {:?}", meaning.name, stated(expected));
        }
        for (language, found) in &parsed {
            if stated(found) != stated(expected) || counted(&found.conditions) != counted(&expected.conditions) {
                faults.push(format!(
                    "{}:\n  {first}: {:?}\n  {language}: {:?}",
                    meaning.name,
                    stated(expected),
                    stated(found)
                ));
            }
            for text in meaning.events {
                let json = serde_json::from_str(text).unwrap();
                let event = Event::new(&json);
                let verdict = |parsed: &Parsed| evaluate(&parsed.conditions[0].root, &event);
                let (found, expected) = (verdict(found), verdict(expected));
                if found != expected {
                    faults.push(format!("{}: {text}\n  {first}: {expected:?}\n  {language}: {found:?}", meaning.name));
                }
            }
        }
    }
    assert!(MEANINGS.len() >= 25);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
