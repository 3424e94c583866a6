//! What a pattern means, and that its written form is read back as the same pattern.

use proptest::prelude::*;
use ruleatlas_core::{Folded, Pattern, Piece, fold_pieces, fold_wildcards};
use ruleatlas_model::Op;

#[test]
fn a_pattern_is_the_operator_that_it_means() {
    let cases = [
        ("cmd.exe", Op::Eq, "cmd.exe"),
        ("*cmd.exe", Op::EndsWith, "cmd.exe"),
        ("cmd*", Op::StartsWith, "cmd"),
        ("*cmd*", Op::Contains, "cmd"),
        ("**cmd**", Op::Contains, "cmd"),
        ("*", Op::IsNotNull, ""),
        ("**", Op::IsNotNull, ""),
        ("", Op::Eq, ""),
        ("c*d", Op::Wildcard, "c*d"),
        ("c**d", Op::Wildcard, "c*d"),
        ("?", Op::Wildcard, "?"),
        ("?*", Op::Wildcard, "?*"),
        ("*c?d*", Op::Wildcard, "*c?d*"),
        (r"a\*b", Op::Eq, "a*b"),
        (r"a\*b*", Op::StartsWith, "a*b"),
        (r"a\*b*c", Op::Wildcard, "a[*]b*c"),
        (r"a\?b*c", Op::Wildcard, "a[?]b*c"),
        (r"C:\Temp*", Op::StartsWith, r"C:\Temp"),
        (r"a\\*", Op::StartsWith, r"a\"),
        ("a[*]c", Op::Wildcard, "a[[]*]c"),
        ("a[**]c", Op::Wildcard, "a[[]*]c"),
    ];
    for (text, op, value) in cases {
        assert_eq!(fold_wildcards(text, Some('\\')), Folded { op, value: value.to_owned() }, "{text}");
    }
    assert_eq!(fold_wildcards(r"a\*", None), Folded { op: Op::StartsWith, value: r"a\".to_owned() });
}

fn piece() -> impl Strategy<Value = Piece> {
    prop_oneof![
        Just(Piece::Many),
        Just(Piece::One),
        prop::sample::select(vec!['*', '?', '[', ']', 'a', '\\']).prop_map(Piece::Char),
    ]
}

proptest! {
    #[test]
    fn a_written_wildcard_is_read_back_as_it_was(pieces in prop::collection::vec(piece(), 1..12)) {
        let folded = fold_pieces(&pieces);
        if folded.op == Op::Wildcard {
            let mut expected = pieces;
            expected.dedup_by(|a, b| *a == Piece::Many && *b == Piece::Many);
            let pattern = Pattern::read(&folded.value);
            prop_assert_eq!(pattern.pieces(), expected);
        }
    }
}
