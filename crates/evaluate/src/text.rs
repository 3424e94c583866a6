use std::borrow::Cow;

/// A text as it compares without case: Unicode lower case, character by character.
///
/// Every character gives one character, so that `?` counts the same before and after: `İ`, the only one whose lower
/// case is two, stays itself. A word's last sigma is no special case, so that a part of a word stays a part of it.
pub(crate) fn fold(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(text.to_ascii_lowercase())
        } else {
            Cow::Borrowed(text)
        }
    } else {
        Cow::Owned(text.chars().map(fold_char).collect())
    }
}

pub(crate) fn fold_char(character: char) -> char {
    let mut lower = character.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(only), None) => only,
        _ => character,
    }
}
