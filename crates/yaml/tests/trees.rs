//! What trees hold, and what bad input gets.

#![allow(clippy::expect_used, clippy::panic)]

use proptest::prelude::*;
use ruleatlas_yaml::{Node, Style, Value, parse, parse_lenient};

fn document(text: &str) -> Node<'_> {
    let mut documents = parse(text).expect("YAML").documents;
    assert_eq!(documents.len(), 1, "{text}");
    documents.remove(0)
}

fn under<'a>(text: &'a str, node: &Node<'_>) -> &'a str {
    text.get(node.start..node.end).expect("a span of the text")
}

#[test]
fn spans_of_scalars_in_every_style() {
    let text = "plain: a b # comment\nsingle: 'it''s'\ndouble: \"tab\\t\"\nliteral: |\n  one\n  two\n\nfolded: >-\n  one\n  two\nfew: plain\n  goes on\nempty:\nlast: é\n";
    let tree = document(text);
    for (key, written, value, style, line) in [
        ("plain", "a b", "a b", Style::Plain, 1),
        ("single", "'it''s'", "it's", Style::Quoted, 2),
        ("double", "\"tab\\t\"", "tab\t", Style::Quoted, 3),
        ("few", "plain\n  goes on", "plain goes on", Style::Plain, 11),
        ("last", "é", "é", Style::Plain, 14),
    ] {
        let node = tree.get(key).expect(key);
        assert_eq!((under(text, node), node.text(), node.line), (written, Some(value), line), "{key}");
        assert_eq!(node.value, Value::Scalar(value.into(), style), "{key}");
    }
    for (key, value, last) in [("literal", "one\ntwo\n", "two"), ("folded", "one two", "two")] {
        let node = tree.get(key).expect(key);
        assert_eq!(node.text(), Some(value), "{key}");
        assert!(matches!(node.value, Value::Scalar(_, Style::Block)), "{key}");
        assert!(under(text, node).ends_with(last), "{key}: {:?}", under(text, node));
    }
    assert!(tree.get("empty").expect("empty").is_null());
}

#[test]
fn spans_of_lists_and_mappings_end_with_their_last_entry() {
    let text = "a:\n  - 1\n  - b: 2\n\n# comment\nc: {d: [e, f] }\n";
    let tree = document(text);
    assert_eq!(under(text, tree.get("a").expect("a")), "- 1\n  - b: 2");
    assert_eq!(under(text, tree.get("c").expect("c")), "{d: [e, f] }");
    assert_eq!(under(text, &tree), text.trim_end());
}

#[test]
fn scalars_stay_as_written() {
    for text in ["00429", "0x10", "on", "y", "1e3", "2024-01-02", "12:30:45", ".5", "1_000", "True"] {
        assert_eq!(document(&format!("a: {text}")).text_of("a"), Some(text));
    }
}

#[test]
fn nulls_are_plain_only() {
    let tree = document("[null, ~, Null, NULL, , 'null', nul]".replace(", ,", ", !!null ,").as_str())
        .items()
        .map(|items| items.iter().map(Node::is_null).collect::<Vec<_>>());
    assert_eq!(tree, Some(vec![true, true, true, true, true, false, false]));
}

#[test]
fn byte_order_mark_and_crlf_keep_their_place() {
    let text = "\u{feff}a: 1\r\nb:\r\n  - x\r\n  - y\r\n";
    let tree = document(text);
    assert_eq!(tree.start, 3);
    assert_eq!(under(text, tree.get("a").expect("a")), "1");
    assert_eq!(under(text, tree.get("b").expect("b")), "- x\r\n  - y");
    assert_eq!(tree.get("b").map(|node| node.line), Some(3));
    assert_eq!(tree.texts_of("b"), ["x", "y"]);
}

#[test]
fn a_file_holds_several_documents_and_empty_ones_do_not_count() {
    let text = "---\na: 1\n---\n---\nb: 2\n...\n---\n# nothing\n";
    let documents = parse(text).expect("YAML").documents;
    assert_eq!(documents.len(), 2);
    assert_eq!(documents.iter().map(|tree| tree.line).collect::<Vec<_>>(), [2, 5]);
    assert_eq!(documents[1].text_of("b"), Some("2"));
}

#[test]
fn the_last_of_equal_keys_counts_with_a_warning() {
    for keys in [2, 40] {
        let filler: String = (0..keys).map(|n| format!("k{n}: {n}\n")).collect();
        let text = format!("a: 1\n{filler}a: 2\n");
        let parsed = parse(&text).expect("YAML");
        assert_eq!(parsed.documents[0].text_of("a"), Some("2"));
        assert_eq!(parsed.documents[0].entries().map(<[_]>::len), Some(keys + 1));
        assert_eq!(parsed.warnings.len(), 1);
        assert_eq!(parsed.warnings[0].line as usize, keys + 2);
        assert!(parsed.warnings[0].message.contains("`a`"), "{:?}", parsed.warnings);
    }
}

#[test]
fn merge_keys_fill_in_what_is_missing() {
    let text = "base: &base {a: 1, b: 2}\nother: &other {b: 3, c: 4}\none:\n  <<: *base\n  a: 9\ntwo:\n  <<: [*base, *other]\n'quoted':\n  '<<': 5\n";
    let tree = document(text);
    let one = tree.get("one").expect("one");
    assert_eq!((one.text_of("a"), one.text_of("b")), (Some("9"), Some("2")));
    let two = tree.get("two").expect("two");
    assert_eq!((two.text_of("a"), two.text_of("b"), two.text_of("c")), (Some("1"), Some("2"), Some("4")));
    assert_eq!(tree.get("quoted").and_then(|node| node.text_of("<<")), Some("5"));
    let error = parse("a: &a 1\nb:\n  <<: *a\n").expect_err("no mapping");
    assert!(error.message.contains("merge key"), "{error}");
}

#[test]
fn aliases_stand_where_they_are_written() {
    let text = "a: &x [1, 2]\nb: *x\n";
    let tree = document(text);
    let alias = tree.get("b").expect("b");
    assert_eq!((under(text, alias), alias.line), ("*x", 2));
    assert_eq!(tree.texts_of("b"), ["1", "2"]);
    assert!(parse("a: &x [*x]").is_err());
    assert!(parse("a: *nowhere").is_err());
    assert!(parse("a: &x 1\n---\nb: *x\n").is_err(), "anchors end with their document");
}

#[test]
fn depth_is_bounded_and_says_the_line() {
    for text in ["[".repeat(10_000), "{a: ".repeat(10_000), format!("a:\n{}", "- ".repeat(10_000)), "? ".repeat(10_000)]
    {
        let error = parse(&text).expect_err("too deep");
        assert!(error.line >= 1, "{error}");
    }
    let lines: String = (0..10_000).map(|depth| format!("{}a:\n", " ".repeat(depth % 300))).collect();
    assert!(parse(&lines).is_err());
    assert!(parse(&format!("{}{}", "[".repeat(100), "]".repeat(100))).is_ok());
}

#[test]
fn alias_bombs_are_refused() {
    let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let below = level - 1;
        let aliases = vec![format!("*a{below}"); 10].join(", ");
        laughs.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    let error = parse(&laughs).expect_err("a bomb");
    assert!(error.message.contains("unfolds"), "{error}");
    // One text with an escape, which no copy can borrow, many times over.
    let long = format!("a: &a \"{}\\t\"\nb: [{}]\n", "x".repeat(1_000_000), vec!["*a"; 100_000].join(", "));
    let error = parse(&long).expect_err("a bomb");
    assert!(error.message.contains("unfolds"), "{error}");
}

#[test]
fn many_keys_take_no_quadratic_time() {
    let mut text: String = (0..100_000).map(|n| format!("k{n}: {n}\n")).collect();
    text.push_str("k5: again\n");
    let parsed = parse(&text).expect("YAML");
    assert_eq!(parsed.warnings.len(), 1);
}

#[test]
fn a_quoted_scalar_at_the_first_column_can_be_mended() {
    let text = "a: 'one\ntwo'\nb: \"three\nfour\nfive\"\n";
    assert!(parse(text).is_err());
    let mut repaired = String::new();
    let parsed = parse_lenient(text, &mut repaired).expect("YAML");
    let tree = &parsed.documents[0];
    assert_eq!((tree.text_of("a"), tree.text_of("b")), (Some("one two"), Some("three four five")));
    assert_eq!(repaired, "a: 'one\n two'\nb: \"three\n four\n five\"\n");
    for (text, is_yaml) in [("a: 1", true), ("a: [", false)] {
        let mut repaired = String::new();
        assert_eq!(parse_lenient(text, &mut repaired).is_ok(), is_yaml, "another fault stays");
        assert_eq!(repaired, "");
    }
}

#[test]
fn errors_name_the_line() {
    let error = parse("a: 1\nb: [\nc: }\n").expect_err("no YAML");
    assert!((2..=3).contains(&error.line), "{error}");
}

fn check(node: &Node<'_>, text: &str) {
    assert!(node.start <= node.end && text.get(node.start..node.end).is_some(), "{node:?}");
    for item in node.items().unwrap_or_default() {
        check(item, text);
    }
    for (key, value) in node.entries().unwrap_or_default() {
        check(key, text);
        check(value, text);
    }
}

proptest! {
    #[test]
    fn no_text_panics_and_all_spans_fit(text in "(?s).{0,200}") {
        if let Ok(parsed) = parse(&text) {
            parsed.documents.iter().for_each(|tree| check(tree, &text));
        }
        let _ = parse_lenient(&text, &mut String::new());
    }

    #[test]
    fn no_text_made_of_yaml_panics(parts in prop::collection::vec(prop::sample::select(vec![
        "a", ": ", "- ", "\n", "\n  ", "'", "\"", "|\n", ">\n ", "&x ", "*x", "<<", "{", "}", "[", "]", ", ", "#", " ",
        "---\n", "...\n", "!!str ", "? ", "\u{feff}", "\r\n", "é", "\t", "%YAML 1.2\n", "\\", "\0", "~",
    ]), 0..60)) {
        let text = parts.concat();
        if let Ok(parsed) = parse(&text) {
            parsed.documents.iter().for_each(|tree| check(tree, &text));
        }
        let _ = parse_lenient(&text, &mut String::new());
    }
}
