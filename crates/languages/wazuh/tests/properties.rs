//! Whatever the text, there is an answer, soon, and it fits the text.

use proptest::prelude::*;
use ruleatlas_core::{Context, LookupTable, MacroDefinition, NoContext, Query, Referenced, cases};
use ruleatlas_wazuh::{Wazuh, frequency, parse, substitute};

/// Pieces that rules files are made of.
const PIECES: &[&str] = &[
    "<group name=\"a,b,\">",
    "</group>",
    "<rule id=\"1\" level=\"5\">",
    "<rule id=2 level='0' frequency=\"4\">",
    "</rule>",
    "<match>",
    "</match>",
    "<regex type=\"pcre2\">",
    "</regex>",
    "<field name=\"a.b\" negate=\"yes\">",
    "</field>",
    "<srcip>",
    "10.0.0.0/8",
    "!",
    "</srcip>",
    "<list field=\"a\" lookup=\"address_match_key\">",
    "</list>",
    "<if_sid>",
    "1, 2",
    "3",
    "</if_sid>",
    "<if_group>a</if_group>",
    "<if_matched_sid>2</if_matched_sid>",
    "<same_field>x,y</same_field>",
    "<if_fts/>",
    "<var name=\"V\">",
    "</var>",
    "$V",
    "$",
    "^",
    "|",
    "\\w+",
    "\\<",
    "\\",
    "(",
    ")",
    "&amp;",
    "&",
    "&#65;",
    "&x;",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<!DOCTYPE a [<!ENTITY x \"y\">]>",
    "<",
    ">",
    "\"",
    "é",
    "\u{81}",
    "\u{3000}",
    "\n",
    " ",
    "a",
];

/// A context in which everything is something.
struct Everything(LookupTable);

impl Context for Everything {
    fn macro_definition(&self, _: &str, _: usize) -> Option<MacroDefinition<'_>> {
        Some(MacroDefinition { parameters: &[], definition: "a|$V|b" })
    }

    fn lookup(&self, _: &str) -> Option<&LookupTable> {
        Some(&self.0)
    }

    fn tagged(&self, _: &str) -> Vec<(&str, &str)> {
        vec![("rule.id", "1"), ("rule.id", "3"), ("rule.id", "4"), ("x", "y")]
    }

    fn rule(&self, id: &str) -> Option<Referenced<'_>> {
        let text = match id.len() % 2 {
            0 => "<rule id=\"3\"><if_sid>4</if_sid><match>x",
            _ => "<group name=\"b\"><rule id=\"4\"><if_group>c</if_group><field name=\"f\">\\d</field></rule></group>",
        };
        Some(Referenced { id: "3", title: "", query: Query::new(text) })
    }
}

fn check(text: &str) {
    cases::places(&Wazuh, text, &NoContext);
    let rows = vec![vec!["10.".to_owned(), "a".to_owned()], vec!["k".to_owned()], Vec::new()];
    cases::places(&Wazuh, text, &Everything(LookupTable { rows, ..LookupTable::default() }));
    let (document, _) = parse(text);
    for rule in &document.rules {
        assert!(rule.element.span.of(text).is_some(), "{rule:?} in {text:?}");
        let _ = (
            rule.id(),
            rule.level(),
            rule.is_silent(),
            rule.all_groups(),
            frequency(rule).map(|count| count.expression()),
        );
    }
    let _ = substitute(text, &|_| Some("x"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text(text in "\\PC{0,80}") {
        check(&text);
        check(&format!("<rule id=\"1\" level=\"1\"><match>{text}</match></rule>"));
        check(&format!("<rule id=\"1\" level=\"1\"><regex>{text}</regex><srcip>{text}</srcip></rule>"));
    }

    #[test]
    fn pieces_of_rules(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..40)) {
        check(&pieces.concat());
    }

    #[test]
    fn a_file_that_breaks_off(cut in 0..220_usize) {
        let text = "<var name=\"V\">a|b</var><group name=\"g,\"><!-- c --><rule id=\"1\" level=\"3\" frequency=\"2\"><if_sid>3</if_sid><regex>^\\w+ $V</regex><mitre><id>T1110</id></mitre></rule></group>";
        check(text.get(..cut.min(text.len())).unwrap_or_default());
    }
}

#[test]
fn large_and_deep_texts_take_no_long_time() {
    let start = std::time::Instant::now();
    let wrapped = |piece: &str| {
        format!("<rule id=\"1\" level=\"1\"><match>{}</match></rule>", piece.repeat(100_000 / piece.len()))
    };
    for piece in [
        "<a>",
        "</a>",
        "<rule id=\"1\">",
        "<rule id=\"1\"><if_sid>1</if_sid></rule>",
        "<group name=\"a\">",
        "<",
        "&",
        "&a;",
        "\\<",
        "<!--",
        "a",
        "$V",
        "<rule id=\"1\" level=\"2\"><match>a</match></rule>",
        "<if_sid>1</if_sid>",
        "<![CDATA[",
    ] {
        let piece_start = std::time::Instant::now();
        check(&piece.repeat(100_000 / piece.len()));
        println!("{piece:?}: {:?}", piece_start.elapsed());
    }
    for piece in ["a|", "|", "\\", "$V", "^", "\\w+", "(", "&lt;"] {
        let piece_start = std::time::Instant::now();
        check(&wrapped(piece));
        println!("in match, {piece:?}: {:?}", piece_start.elapsed());
    }
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}

#[test]
fn tokens_are_coloured() {
    use ruleatlas_core::Frontend as _;
    let text = "<!-- c --><rule id=\"1\"> <match>a\\<b</match></rule>";
    let tokens = Wazuh.tokens(text);
    let shown: Vec<_> =
        tokens.iter().map(|token| format!("{}={:?}", token.span.of(text).unwrap(), token.kind)).collect();
    assert_eq!(
        shown.join(" "),
        "<!-- c -->=Comment <=Operator rule=Keyword id==Field \"1\"=String >=Operator <=Operator match=Keyword >=Operator \
         a=String \\<=String b=String </=Operator match=Keyword >=Operator </=Operator rule=Keyword >=Operator"
    );
}
