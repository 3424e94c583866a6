//! Where what was found stands in the author's text, and how that text is coloured.

use ruleatlas_core::{Context, Frontend, MacroDefinition, NoContext, Query, TokenKind};
use ruleatlas_spl::Spl;

struct OneMacro;

impl Context for OneMacro {
    fn macro_definition(&self, name: &str, arguments: usize) -> Option<MacroDefinition<'_>> {
        let definition = "kind=alert | where level > 3 | search inner=*x*";
        (name == "noisy" && arguments == 0).then_some(MacroDefinition { parameters: &[], definition })
    }
}

fn spans<'t>(text: &'t str, context: &dyn Context) -> Vec<(String, &'t str, u32)> {
    let parsed = Spl.parse(&Query::new(text), context);
    let predicates = parsed.conditions.iter().flat_map(|condition| condition.root.predicates());
    predicates
        .map(|found| (found.raw_field.clone(), found.span.of(text).unwrap_or("?"), found.stage.unwrap_or(99)))
        .collect()
}

fn expect(text: &str, context: &dyn Context, expected: &[(&str, &str, u32)]) {
    let found = spans(text, context);
    let found: Vec<(&str, &str, u32)> =
        found.iter().map(|(field, text, stage)| (field.as_str(), *text, *stage)).collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn a_predicate_stands_where_its_comparison_is_written() {
    expect(
        "a=1  name IN (\"x\", y) NOT (b != \"q r\") | where like(c, \"%z\") AND d>=5 | regex e=\"f\"",
        &NoContext,
        &[
            ("a", "a=1", 0),
            ("name", "name IN (\"x\", y)", 0),
            ("b", "b != \"q r\"", 0),
            ("c", "like(c, \"%z\")", 1),
            ("d", "d>=5", 1),
            ("e", "e=\"f\"", 2),
        ],
    );
}

#[test]
fn what_a_macro_says_stands_at_its_call_and_in_one_stage() {
    expect(
        "é=1 `noisy` | search after=2",
        &OneMacro,
        &[
            ("é", "é=1", 0),
            ("kind", "`noisy`", 0),
            ("level", "`noisy`", 0),
            ("inner", "`noisy`", 0),
            ("after", "after=2", 1),
        ],
    );
}

#[test]
fn a_condition_behind_a_name_stands_where_it_is_written_and_filters_in_its_stage() {
    expect(
        "a=1 | eval hit=if(b=\"x\", 1, 0) | stats count by hit | where hit=1",
        &NoContext,
        &[("a", "a=1", 0), ("b", "b=\"x\"", 3)],
    );
}

#[test]
fn comments_and_searches_in_quotes_keep_their_places() {
    expect(
        "a=1 ```note``` b=2 | map search=\"search c=3\"",
        &NoContext,
        &[("a", "a=1", 0), ("b", "b=2", 0), ("c", "\"search c=3\"", 0)],
    );
}

#[test]
fn the_parts_of_a_search_are_coloured_by_what_they_are() {
    let text = "| tstats count(x) where Image=\"*a*\" AND n > 5 ```why``` `m(1)`";
    let found: Vec<(TokenKind, &str)> = Spl
        .tokens(text)
        .into_iter()
        .filter(|token| token.kind != TokenKind::Operator)
        .map(|token| (token.kind, token.span.of(text).unwrap_or("?")))
        .collect();
    assert_eq!(
        found,
        [
            (TokenKind::Command, "tstats"),
            (TokenKind::Function, "count"),
            (TokenKind::String, "x"),
            (TokenKind::Keyword, "where"),
            (TokenKind::Field, "Image"),
            (TokenKind::String, "\"*a*\""),
            (TokenKind::Keyword, "AND"),
            (TokenKind::Field, "n"),
            (TokenKind::Number, "5"),
            (TokenKind::Comment, "```why```"),
            (TokenKind::Macro, "`m(1)`"),
        ]
    );
}
