use std::borrow::Cow;

use unicase::UniCase;

/// The text without its case: two texts compare without case as what this makes of them does with case.
///
/// This is Unicode's full case folding (`CaseFolding.txt`, statuses C and F), which is the same in all languages of
/// people: `ς` and `Σ` are `σ`, `ß` and `ẞ` are `ss`, `İ` is `i` with a dot above. It makes some characters several.
///
/// ```
/// use ruleatlas_model::fold_case;
///
/// assert_eq!(fold_case("CMD.exe"), "cmd.exe");
/// assert_eq!(fold_case("Straße"), fold_case("STRASSE"));
/// ```
#[must_use]
pub fn fold_case(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return match text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            true => Cow::Owned(text.to_ascii_lowercase()),
            false => Cow::Borrowed(text),
        };
    }
    Cow::Owned(UniCase::unicode(text).to_folded_case())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_differ_in_case_alone_fold_to_one() {
        for (left, right) in [
            ("ΣΑΣ", "σας"),
            ("σας", "σασ"),
            ("İ", "i\u{307}"),
            ("ß", "SS"),
            ("ẞ", "ß"),
            ("ﬁle", "FILE"),
            ("ǅ", "ǆ"),
            ("K", "k"),
            ("ΑΙ", "ᾳ"),
            ("Ꭰ", "ꭰ"),
            ("Ω", "ω"),
        ] {
            assert_eq!(fold_case(left), fold_case(right), "{left} {right}");
        }
        for (left, right) in [("ı", "i"), ("İ", "i"), ("e", "é"), ("", " ")] {
            assert_ne!(fold_case(left), fold_case(right), "{left} {right}");
        }
    }

    #[test]
    fn folding_is_done_once() {
        for character in (0..=0x1_FFFF).filter_map(char::from_u32) {
            let text = character.to_string();
            let folded = fold_case(&text);
            assert_eq!(fold_case(&folded), folded, "{character}");
            let lower: String = character.to_lowercase().collect();
            assert_eq!(fold_case(&lower), folded, "{character} in lower case");
        }
    }
}
