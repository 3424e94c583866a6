//! `stats` and its kin, `tstats` and `mstats`: what they compute, and by which fields.

use crate::{
    ast::{Aggregate, Command, Output},
    lexer::{Kind, Token},
    parser::{Call, Parser},
    search,
};

/// `stats`, `eventstats`, `streamstats`, `chart`, `timechart`, `top`, `rare`, …
pub(crate) fn parse(parser: &Parser<'_>, call: &Call<'_>, name: &str) -> Command {
    let tokens = parser.tokens(call);
    let mut aggregate = match name {
        // The results that differ in one field become one, which has all its values.
        "mvcombine" => {
            let outputs = fields(parser, &tokens).into_iter().map(|field| Output {
                name: field.clone(),
                function: name.to_owned(),
                text: format!("mvcombine({field})"),
                field,
            });
            return Command::Aggregate(Aggregate { outputs: outputs.collect(), by: Vec::new(), keeps: true });
        }
        "top" | "rare" | "sitop" | "sirare" => counted_fields(parser, &tokens),
        _ => read(parser, &tokens),
    };
    match name {
        "eventstats" | "streamstats" => aggregate.keeps = true,
        "timechart" | "sitimechart" => aggregate.by.push("_time".to_owned()),
        _ => {}
    }
    Command::Aggregate(aggregate)
}

/// `tstats` and `mstats`: aggregates, `from datamodel=…`, `where` in the language of `search`, `by`.
pub(crate) fn generate(parser: &mut Parser<'_>, call: &Call<'_>) -> Command {
    let tokens = parser.tokens(call);
    let is_word = |at: usize, word: &str| {
        tokens
            .get(at)
            .is_some_and(|token: &Token| token.kind == Kind::Word && parser.text(*token).eq_ignore_ascii_case(word))
    };
    let mut depth = 0_usize;
    let (mut from, mut filter, mut by) = (None, None, None);
    let mut last_is_operator = false;
    for (at, token) in tokens.iter().enumerate() {
        match token.kind {
            Kind::Open => depth += 1,
            Kind::Close => depth = depth.saturating_sub(1),
            Kind::Word if depth == 0 && !last_is_operator => {
                if is_word(at, "from") && from.is_none() && filter.is_none() {
                    from = Some(at);
                } else if is_word(at, "where") && filter.is_none() {
                    filter = Some(at);
                } else if is_word(at, "by") || is_word(at, "groupby") {
                    by = Some(at);
                }
            }
            _ => {}
        }
        last_is_operator = token.kind == Kind::Operator;
    }
    let end = tokens.len();
    // Clauses come in any order: each ends where the next begins.
    let clause_end =
        |start: usize| [from, filter, by].into_iter().flatten().filter(|at| *at > start).min().unwrap_or(end);
    let head = [from, filter, by].into_iter().flatten().min().unwrap_or(end);
    let mut aggregate = read(parser, &tokens[..head]);
    let models = from.map(|at| models(parser, &tokens[at + 1..clause_end(at)])).unwrap_or_default();
    if let Some(at) = by {
        aggregate.by = fields(parser, &tokens[at + 1..clause_end(at)]);
    }
    let append = (0..head).any(|at| is_word(at, "append") && !is_word(at + 2, "f") && !is_word(at + 2, "false"));
    let filter = filter.map(|at| (at + 1, clause_end(at)));
    let filter = filter.and_then(|(start, end)| search::parse_tokens(parser, &tokens[start..end]));
    Command::Generate { append, models, filter, aggregate, name: call.name.to_ascii_lowercase() }
}

/// `datamodel=Endpoint.Processes`, `datamodel="Endpoint"."Processes"`, `datamodel Endpoint.Processes`.
fn models(parser: &Parser<'_>, tokens: &[Token]) -> Vec<String> {
    let mut name = String::new();
    let mut last_end = None;
    for token in tokens {
        let text = parser.name(*token);
        let touches = last_end.is_none_or(|end| end == token.start) || text.starts_with('.') || name.ends_with('.');
        match token.kind {
            Kind::Word if text.eq_ignore_ascii_case("datamodel") && name.is_empty() => {}
            Kind::Word | Kind::Quoted if touches => {
                name.push_str(text.strip_prefix(':').unwrap_or(&text));
                last_end = Some(token.end);
            }
            Kind::Operator => {}
            _ => break,
        }
    }
    if name.is_empty() { Vec::new() } else { vec![name] }
}

/// Aggregates up to the end, with `by` among them.
fn read(parser: &Parser<'_>, tokens: &[Token]) -> Aggregate {
    let mut aggregate = Aggregate::default();
    let mut at = 0;
    while let Some(token) = tokens.get(at).copied() {
        let text = parser.text(token);
        let follows = |kind| tokens.get(at + 1).is_some_and(|next: &Token| next.kind == kind);
        if token.kind != Kind::Word {
            at += 1;
        } else if follows(Kind::Operator) {
            // An option: `span=1h`, `limit=0`.
            at += 3;
        } else if text.eq_ignore_ascii_case("by") || text.eq_ignore_ascii_case("over") {
            at += 1;
            let next = tokens[at..].iter().position(|token| is_word(parser, *token, "by")).unwrap_or(tokens.len() - at);
            aggregate.by.extend(fields(parser, &tokens[at..at + next]));
            at += next;
        } else if follows(Kind::Open) {
            let close = closing(tokens, at + 1);
            let inner = tokens.get(at + 2..close).unwrap_or_default();
            let field = match inner {
                [only] => parser.name(*only),
                _ => String::new(),
            };
            let end = tokens.get(close).map_or(token.end, |close| close.end);
            let written = parser.source.slice(token.start, end).to_owned();
            let function = if matches!(inner, [_]) || inner.is_empty() { text } else { "eval" };
            at = push(parser, tokens, close + 1, &mut aggregate, function, field, written);
        } else {
            at = push(parser, tokens, at + 1, &mut aggregate, text, String::new(), text.to_owned());
        }
    }
    aggregate
}

/// Adds an output with the name that `as` may give it; returns where it ends.
fn push(
    parser: &Parser<'_>,
    tokens: &[Token],
    at: usize,
    aggregate: &mut Aggregate,
    function: &str,
    field: String,
    text: String,
) -> usize {
    let renamed = tokens.get(at).is_some_and(|token| is_word(parser, *token, "as"));
    let given = if renamed { tokens.get(at + 1).map(|token| parser.name(*token)) } else { None };
    let next = at + 2 * usize::from(given.is_some());
    let name = given.unwrap_or_else(|| text.clone());
    aggregate.outputs.push(Output { name, function: function.to_ascii_lowercase(), field, text });
    next
}

/// The place of the parenthesis that closes the one at `open`, or of the end.
pub(crate) fn closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.kind {
            Kind::Open => depth += 1,
            Kind::Close => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at;
                }
            }
            _ => {}
        }
    }
    tokens.len()
}

fn is_word(parser: &Parser<'_>, token: Token, word: &str) -> bool {
    token.kind == Kind::Word && parser.text(token).eq_ignore_ascii_case(word)
}

/// A list of fields, options among them left out.
pub(crate) fn fields(parser: &Parser<'_>, tokens: &[Token]) -> Vec<String> {
    let mut fields = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let is_option = tokens.get(at + 1).is_some_and(|next| next.kind == Kind::Operator);
        match token.kind {
            Kind::Word if is_option => at += 2,
            Kind::Word | Kind::Quoted | Kind::Single => fields.push(parser.name(*token)),
            _ => {}
        }
        at += 1;
    }
    fields
}

/// `top` and `rare`: the fields stay, `count` and `percent` are new.
fn counted_fields(parser: &Parser<'_>, tokens: &[Token]) -> Aggregate {
    let by = fields(parser, tokens)
        .into_iter()
        .filter(|field| !field.eq_ignore_ascii_case("by") && field.parse::<u32>().is_err())
        .collect();
    let output = |name: &str| Output {
        name: name.to_owned(),
        function: name.to_owned(),
        field: String::new(),
        text: name.to_owned(),
    };
    Aggregate { outputs: vec![output("count"), output("percent")], by, keeps: false }
}
