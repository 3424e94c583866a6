//! The commands besides `search`, `where`, `eval` and the aggregations.

use ruleatlas_syntax::Span;

use crate::{
    aggregate::{closing, fields},
    ast::{Bound, Command, DatasetName, Expr, ExprKind, LookupCall, Pipeline, Search},
    error::ErrorKind,
    eval,
    lexer::{Kind, Token},
    parser::{Call, Parser},
    search::{self, unescape, unquoted},
};

/// Commands that begin a search, and may stand there without a pipe.
const GENERATING: [&str; 22] = [
    "search",
    "tstats",
    "mstats",
    "from",
    "datamodel",
    "inputlookup",
    "inputcsv",
    "multisearch",
    "union",
    "makeresults",
    "rest",
    "metadata",
    "metasearch",
    "dbxquery",
    "loadjob",
    "savedsearch",
    "gentimes",
    "eventcount",
    "set",
    "summary",
    "mcatalog",
    "pivot",
];

/// Commands that keep, order, format, reshape or store results. None of them filters by a field's value, and the names
/// they leave mean what they meant before.
const NEUTRAL: &[&str] = &[
    "abstract",
    "addcoltotals",
    "analyzefields",
    "af",
    "collect",
    "correlate",
    "dbxquery",
    "dedup",
    "delete",
    "dump",
    "eventcount",
    "expand",
    "extract",
    "fieldformat",
    "filldown",
    "fillnull",
    "fit",
    "flatten",
    "format",
    "fromjson",
    "gauge",
    "gentimes",
    "head",
    "highlight",
    "history",
    "iconify",
    "inputcsv",
    "inputintelligence",
    "into",
    "kv",
    "kvform",
    "localize",
    "localop",
    "makecontinuous",
    "makejson",
    "makemv",
    "makeresults",
    "mcatalog",
    "mcollect",
    "metadata",
    "meventcollect",
    "multikv",
    "nokv",
    "nomv",
    "noop",
    "outputcsv",
    "outputlookup",
    "outputtelemetry",
    "outputtext",
    "overlap",
    "pivot",
    "reltime",
    "redistribute",
    "replace",
    "require",
    "rest",
    "return",
    "reverse",
    "rtorder",
    "sample",
    "scrub",
    "selfjoin",
    "sendalert",
    "sendemail",
    "sichart",
    "sort",
    "summary",
    "tags",
    "tail",
    "timewrap",
    "tojson",
    "transpose",
    "tscollect",
    "typeahead",
    "typer",
    "uniq",
    "untable",
    "walklex",
    "xmlkv",
    "xmlunescape",
    "xyseries",
    "xpath",
];

/// Whether the command may begin a search.
pub(crate) fn is_generating(name: &str) -> bool {
    GENERATING.contains(&name)
}

/// Reads a command by its name in lower case.
pub(crate) fn parse(parser: &mut Parser<'_>, call: &Call<'_>, name: &str) -> Command {
    let tokens = parser.tokens(call);
    match name {
        "regex" => regex(parser, &tokens),
        "rename" => rename(parser, &tokens),
        "rex" | "erex" => rex(parser, &tokens),
        "spath" => spath(parser, &tokens),
        "lookup" => Command::Lookup(lookup(parser, &tokens)),
        "inputlookup" => input_lookup(parser, &tokens),
        "from" | "datamodel" => dataset(parser, &tokens),
        "join" => join(parser, &tokens),
        "append" | "appendcols" | "appendpipe" | "union" | "multisearch" | "set" | "map" => {
            beside(parser, &tokens, name)
        }
        "foreach" => foreach(parser, &tokens),
        "mvexpand" => match bare(&tokens).first() {
            Some(name) => Command::Expand(parser.name(*name)),
            None => Command::Neutral,
        },
        "transaction" | "transam" => transaction(parser, &tokens),
        "metasearch" => search::parse_tokens(parser, &tokens).map_or(Command::Neutral, Command::Search),
        "iplocation" => ip_location(parser, &tokens),
        "addinfo" => add_info(parser.source.span(call.from, call.end)),
        "bin" | "bucket" | "discretize" => renamed(parser, &tokens),
        "convert" => renamed(parser, &tokens),
        "fillnull" => fill_null(parser, &tokens),
        "fields" | "table" => Command::Fields(kept(parser, &tokens)),
        "savedsearch" | "loadjob" => opaque(parser, call, ErrorKind::SavedSearch),
        _ if computes(name).is_some() => {
            let mut names: Vec<String> =
                computes(name).unwrap_or_default().iter().map(|&name| name.to_owned()).collect();
            names.extend(options(parser, &tokens).filter(|(key, _)| is_output_option(key)).map(|(_, value)| value));
            if let Some(at) = tokens.iter().position(|token| is_word(parser, *token, "as")) {
                names.extend(tokens.get(at + 1).map(|token| parser.name(*token)));
            }
            if matches!(name, "strcat") {
                names.extend(tokens.last().map(|token| parser.name(*token)));
            }
            Command::Compute(names)
        }
        _ if NEUTRAL.contains(&name) => Command::Neutral,
        _ => opaque(parser, call, ErrorKind::UnknownCommand),
    }
}

/// The names that a command computes; a `*` stands for any text.
fn computes(name: &str) -> Option<&'static [&'static str]> {
    Some(match name {
        "accum" | "autoregress" | "strcat" | "trendline" => &[],
        "addtotals" => &["Total"],
        "anomalies" => &["unexpectedness"],
        "anomalousvalue" => &["Anomaly_Score*"],
        "anomalydetection" => &["probable_cause*", "log_event_prob", "max_freq"],
        "apply" | "score" => &[
            "predicted(*",
            "probability(*",
            "IsOutlier*",
            "pred_*",
            "predicted_*",
            "is_suspicious_score",
            "BoundaryRanges*",
            "*_score",
        ],
        "arules" | "associate" => &["Strength", "Support"],
        "cluster" => &["cluster_label", "cluster_count"],
        "counttable" | "ctable" => &["count"],
        "delta" => &["delta(*"],
        "diff" | "fieldsummary" => &["count", "distinct_count"],
        "findtypes" | "typelearner" => &[],
        "kmeans" => &["CLUSTERNUM", "centroid_*"],
        "outlier" => &[],
        "predict" => &["upper95(*", "lower95(*", "prediction(*"],
        "rangemap" => &["range"],
        "relevancy" => &["relevancy"],
        "x11" => &["x11(*"],
        _ => return None,
    })
}

fn is_output_option(key: &str) -> bool {
    matches!(key, "fieldname" | "labelfield" | "countfield" | "cfield" | "field_name")
}

fn is_word(parser: &Parser<'_>, token: Token, word: &str) -> bool {
    token.kind == Kind::Word && parser.text(token).eq_ignore_ascii_case(word)
}

/// The options `key=value`, keys in lower case.
fn options<'a>(parser: &'a Parser<'_>, tokens: &'a [Token]) -> impl Iterator<Item = (String, String)> + 'a {
    tokens.windows(3).filter(|three| three[0].kind == Kind::Word && three[1].kind == Kind::Operator).map(|three| {
        let value = if three[2].kind == Kind::Macro { String::new() } else { parser.name(three[2]) };
        (parser.text(three[0]).to_ascii_lowercase(), value)
    })
}

/// The tokens without options.
fn bare(tokens: &[Token]) -> Vec<Token> {
    let mut bare = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        if token.kind == Kind::Word && tokens.get(at + 1).is_some_and(|next| next.kind == Kind::Operator) {
            at += 3;
        } else {
            bare.push(*token);
            at += 1;
        }
    }
    bare
}

fn opaque(parser: &Parser<'_>, call: &Call<'_>, kind: ErrorKind) -> Command {
    Command::Opaque { text: parser.source.slice(call.from, call.end).to_owned(), kind }
}

fn opaque_tokens(parser: &Parser<'_>, tokens: &[Token], kind: ErrorKind) -> Command {
    let (start, end) = match (tokens.first(), tokens.last()) {
        (Some(first), Some(last)) => (first.start, last.end),
        _ => (0, 0),
    };
    Command::Opaque { text: parser.source.slice(start, end).to_owned(), kind }
}

fn regex(parser: &Parser<'_>, tokens: &[Token]) -> Command {
    let (field, negated, pattern) = match tokens {
        [field, operator, pattern, ..] if operator.kind == Kind::Operator => {
            (parser.name(*field), parser.text(*operator) == "!=", *pattern)
        }
        [pattern, ..] => ("_raw".to_owned(), false, *pattern),
        [] => return opaque_tokens(parser, tokens, ErrorKind::MissingPattern),
    };
    let span = parser.span(tokens);
    Command::Regex { field, negated, pattern: unescape(unquoted(parser.text(pattern), '"')), span }
}

fn rename(parser: &Parser<'_>, tokens: &[Token]) -> Command {
    let names: Vec<Token> = tokens.iter().copied().filter(|token| token.kind != Kind::Comma).collect();
    let mut pairs = Vec::new();
    let mut at = 0;
    while let [from, word, to] = names.get(at..at + 3).unwrap_or_default() {
        if is_word(parser, *word, "as") {
            pairs.push((parser.name(*from), parser.name(*to)));
            at += 3;
        } else {
            at += 1;
        }
    }
    Command::Rename(pairs)
}

/// The names of the groups of a regular expression.
fn groups(pattern: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in pattern.match_indices("(?") {
        let rest = &pattern[at + 2..];
        let rest = rest.strip_prefix('P').unwrap_or(rest);
        if let Some(rest) = rest.strip_prefix('<').filter(|rest| !rest.starts_with(['=', '!']))
            && let Some((name, _)) = rest.split_once('>')
        {
            names.push(name.to_owned());
        }
    }
    names
}

fn rex(parser: &Parser<'_>, tokens: &[Token]) -> Command {
    let option = |name: &str| options(parser, tokens).find(|(key, _)| key == name).map(|(_, value)| value);
    let from = option("field").unwrap_or_else(|| "_raw".to_owned());
    if option("mode").is_some() {
        return Command::Extract { names: vec![from.clone()], from: Some(from) };
    }
    let pattern: String = bare(tokens).iter().map(|token| unescape(unquoted(parser.text(*token), '"'))).collect();
    let mut names = groups(&pattern);
    names.extend(option("offset_field"));
    names.extend(option("fromfield").and(bare(tokens).first().map(|token| parser.name(*token))));
    Command::Extract { from: Some(from), names }
}

fn spath(parser: &Parser<'_>, tokens: &[Token]) -> Command {
    let option = |name: &str| options(parser, tokens).find(|(key, _)| key == name).map(|(_, value)| value);
    let path = option("path").or_else(|| bare(tokens).first().map(|token| parser.name(*token)));
    let input = option("input").filter(|input| input != "_raw");
    match (input, option("output"), path) {
        (input, Some(name), Some(path)) => Command::Alias { name, input, path },
        // Without an output the field is named by its path.
        (Some(input), None, Some(path)) => Command::Alias { name: path.clone(), input: Some(input), path },
        (Some(from), Some(name), None) => Command::Extract { from: Some(from), names: vec![name] },
        _ => Command::Neutral,
    }
}

fn lookup(parser: &Parser<'_>, tokens: &[Token]) -> LookupCall {
    let tokens: Vec<Token> = bare(tokens).into_iter().filter(|token| token.kind != Kind::Comma).collect();
    let Some((name, rest)) = tokens.split_first() else { return LookupCall::default() };
    let is_output = |token: &Token| is_word(parser, *token, "output") || is_word(parser, *token, "outputnew");
    let end = rest.iter().position(is_output);
    let pairs = |tokens: &[Token]| {
        let mut pairs = Vec::new();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            let column = parser.name(*token);
            let renamed = tokens.get(at + 1).is_some_and(|word| is_word(parser, *word, "as"));
            let name =
                tokens.get(at + 2).filter(|_| renamed).map_or_else(|| column.clone(), |token| parser.name(*token));
            pairs.push((column, name));
            at += if renamed { 3 } else { 1 };
        }
        pairs
    };
    LookupCall {
        name: parser.name(*name),
        inputs: pairs(&rest[..end.unwrap_or(rest.len())]),
        outputs: end.map(|end| pairs(&rest[end + 1..])),
    }
}

fn input_lookup(parser: &mut Parser<'_>, tokens: &[Token]) -> Command {
    let append = options(parser, tokens).any(|(key, value)| key == "append" && !value.starts_with(['f', 'F', '0']));
    let filter = tokens.iter().position(|token| is_word(parser, *token, "where"));
    let name = bare(&tokens[..filter.unwrap_or(tokens.len())]).first().map(|token| parser.name(*token));
    let filter = filter.and_then(|at| search::parse_tokens(parser, &tokens[at + 1..]));
    Command::InputLookup { name: name.unwrap_or_default(), filter, append }
}

/// `from datamodel:"Web"."Web"`, `from datamodel Risk.All_Risk`, `from inputlookup:x`, `datamodel Web Web search`.
fn dataset(parser: &mut Parser<'_>, tokens: &[Token]) -> Command {
    let end = tokens.iter().position(|token| is_word(parser, *token, "where")).unwrap_or(tokens.len());
    let mut parts: Vec<String> = Vec::new();
    for token in &tokens[..end] {
        match token.kind {
            Kind::Word | Kind::Quoted => {
                let name = parser.name(*token);
                parts.extend(
                    name.split([':', '.'])
                        .filter(|part| !part.is_empty())
                        .map(|part| part.trim_matches('"').to_owned()),
                );
            }
            _ => {}
        }
    }
    let filter = tokens.get(end + 1..).and_then(|rest| search::parse_tokens(parser, rest));
    let kind = parts.first().map(|part| part.to_ascii_lowercase()).unwrap_or_default();
    let name = match kind.as_str() {
        "datamodel" => DatasetName::Model(model(&parts[1..])),
        "inputlookup" | "lookup" => {
            return Command::InputLookup { name: parts[1..].join("."), filter, append: false };
        }
        "savedsearch" => DatasetName::Other(parts[1..].join(".")),
        _ => DatasetName::Model(model(&parts)),
    };
    Command::Dataset { name, filter }
}

/// The data model and its dataset, what follows left out.
fn model(parts: &[String]) -> String {
    let is_mode = |part: &&String| {
        matches!(
            part.as_str(),
            "search" | "flat" | "acceleration_search" | "flat_acceleration_search" | "summariesonly"
        )
    };
    parts.iter().take_while(|part| !is_mode(part)).map(String::as_str).collect::<Vec<_>>().join(".")
}

fn join(parser: &mut Parser<'_>, tokens: &[Token]) -> Command {
    let kind = options(parser, tokens).find(|(key, _)| key == "type").map(|(_, value)| value);
    let keys = fields(parser, tokens);
    let pipelines = pipelines(parser, tokens);
    let label = kind.map_or_else(|| "join".to_owned(), |kind| format!("{kind} join"));
    Command::Beside { label, join: Some(keys), pipelines }
}

fn pipelines(parser: &mut Parser<'_>, tokens: &[Token]) -> Vec<Pipeline> {
    let brackets = tokens.iter().filter(|token| token.kind == Kind::Sub);
    brackets.map(|token| parser.bracket(token.start, token.end)).collect()
}

fn beside(parser: &mut Parser<'_>, tokens: &[Token], name: &str) -> Command {
    let mut found = pipelines(parser, tokens);
    if name == "map" {
        let search =
            tokens.windows(3).find(|three| is_word(parser, three[0], "search") && three[2].kind == Kind::Quoted);
        if let Some(three) = search {
            let pipeline = parser.quoted(three[2]);
            found.push(pipeline);
        }
    }
    Command::Beside { label: name.to_owned(), join: None, pipelines: found }
}

/// `foreach`: the names that its template sets are made of the fields it goes over.
fn foreach(parser: &mut Parser<'_>, tokens: &[Token]) -> Command {
    let mut names = Vec::new();
    for pipeline in pipelines(parser, tokens) {
        for segment in pipeline.segments {
            if let Command::Eval(assignments) = segment.command {
                names.extend(assignments.into_iter().map(|(name, _)| name).filter(|name| !name.contains("<<")));
            }
        }
    }
    let fields = bare(tokens)
        .iter()
        .filter(|token| token.kind == Kind::Word)
        .map(|token| parser.name(*token))
        .collect::<Vec<_>>();
    Command::Foreach { fields: fields.join(" "), names }
}

/// `transaction`: the fields that its events share, and the conditions of its first and last event, which are a search
/// expression in quotes or parentheses, or `eval(…)` ("transaction", Search Reference).
fn transaction(parser: &mut Parser<'_>, tokens: &[Token]) -> Command {
    let mut conditions = Vec::new();
    let mut fields = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at).copied() {
        if !tokens.get(at + 1).is_some_and(|next| next.kind == Kind::Operator) || token.kind != Kind::Word {
            if matches!(token.kind, Kind::Word | Kind::Quoted | Kind::Single) {
                fields.push(parser.name(token));
            }
            at += 1;
            continue;
        }
        let value = at + 2;
        let is_call = tokens.get(value + 1).is_some_and(|next| next.kind == Kind::Open);
        let kind = tokens.get(value).map(|token| token.kind);
        // The place of the value's last token.
        let end = match kind {
            Some(Kind::Open) => closing(tokens, value),
            Some(Kind::Word) if is_call => closing(tokens, value + 1),
            _ => value,
        };
        at = end + 1;
        let label = match parser.text(token).to_ascii_lowercase().as_str() {
            "startswith" => "transaction start",
            "endswith" => "transaction end",
            _ => continue,
        };
        let Some(first) = tokens.get(value).copied() else { continue };
        let inner_end = tokens.get(end).map_or_else(|| tokens.last().map_or(0, |last| last.end), |close| close.start);
        let found = match first.kind {
            Kind::Open => {
                search::parse_tokens(parser, tokens.get(value + 1..end).unwrap_or_default()).map(Bound::Search)
            }
            Kind::Word if is_call && is_word(parser, first, "eval") => {
                let start = tokens.get(value + 1).map_or(first.end, |open| open.end);
                Some(Bound::Expr(eval::parse(parser, start, inner_end.max(start))))
            }
            Kind::Word if is_call => {
                let text = parser.source.slice(first.start, inner_end).to_owned();
                let span = parser.source.span(first.start, inner_end);
                let kind = ErrorKind::TransactionExpression;
                Some(Bound::Search(Search::Opaque { text, kind, span }))
            }
            Kind::Quoted => parser.quoted_search(first.start, first.end).map(Bound::Search),
            _ => search::parse_tokens(parser, tokens.get(value..=value).unwrap_or_default()).map(Bound::Search),
        };
        conditions.extend(found.map(|condition| (label, condition)));
    }
    Command::Transaction { fields, conditions }
}

fn ip_location(parser: &Parser<'_>, tokens: &[Token]) -> Command {
    let prefix = options(parser, tokens).find(|(key, _)| key == "prefix").map(|(_, value)| value).unwrap_or_default();
    let from = bare(tokens).first().map(|token| parser.name(*token));
    let parts = ["City", "Country", "Region", "Continent", "Timezone", "MetroCode", "lat", "lon"];
    Command::Extract { from, names: parts.iter().map(|part| format!("{prefix}{part}")).collect() }
}

fn add_info(span: Span) -> Command {
    let now = || Expr::new(ExprKind::Call("now".to_owned(), Vec::new()), span);
    let names = ["info_min_time", "info_max_time", "info_search_time"];
    Command::Eval(names.iter().map(|&name| (name.to_owned(), now())).collect())
}

/// The names that `fields` or `table` keeps; none where it takes names away.
fn kept(parser: &Parser<'_>, tokens: &[Token]) -> Vec<String> {
    let names = fields(parser, tokens);
    if names.first().is_some_and(|first| first.starts_with('-')) {
        return Vec::new();
    }
    names.into_iter().filter(|name| name != "+").collect()
}

/// `fillnull value=text a b`: what is null is the text. Without names it fills all fields, and says nothing of one.
fn fill_null(parser: &Parser<'_>, tokens: &[Token]) -> Command {
    let value =
        options(parser, tokens).find(|(key, _)| key == "value").map_or_else(|| "0".to_owned(), |(_, value)| value);
    let span = parser.span(tokens);
    let expr = |kind| Expr::new(kind, span);
    let names = fields(parser, &bare(tokens));
    let filled = names.into_iter().filter(|name| !name.contains('*')).map(|name| {
        let parts = vec![expr(ExprKind::Field(name.clone())), expr(ExprKind::Text(value.clone()))];
        (name, expr(ExprKind::Call("coalesce".to_owned(), parts)))
    });
    Command::Eval(filled.collect())
}

/// `bin x as y`, `convert ctime(x) as y`: the new name is made of the old one.
fn renamed(parser: &Parser<'_>, tokens: &[Token]) -> Command {
    let at = tokens.iter().position(|token| is_word(parser, *token, "as"));
    let Some(at) = at.filter(|at| *at > 0) else { return Command::Neutral };
    let inner = tokens[..at].iter().rev().find(|token| matches!(token.kind, Kind::Word | Kind::Quoted));
    match (inner, tokens.get(at + 1)) {
        (Some(from), Some(name)) => {
            Command::Extract { from: Some(parser.name(*from)), names: vec![parser.name(*name)] }
        }
        _ => Command::Neutral,
    }
}
