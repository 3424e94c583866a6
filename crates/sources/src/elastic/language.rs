//! Which of Elastic's languages a text is written in, where nothing beside it says so.

use ruleatlas_model::Language;

/// ES|QL by its first command, EQL by its event category or the word before its steps; `None` where the text could be
/// Kuery or Lucene.
pub(super) fn of_text(text: &str) -> Option<Language> {
    let text = without_comments(text);
    let first = first_word(text);
    let rest = text.get(first.len()..).unwrap_or_default();
    let next = without_comments(rest);
    let is_apart = next.len() < rest.len();
    let is = |word: &str| first.eq_ignore_ascii_case(word);
    if is_apart && (is("from") || is("row") || is("ts")) && !next.starts_with([':', ')']) {
        let word = first_word(next);
        let is_logic = ["and", "or", "where"].iter().any(|logic| word.eq_ignore_ascii_case(logic));
        return (!is_logic).then_some(Language::Esql).or_else(|| of_category(next));
    }
    if (is("sequence") || is("sample") || is("join"))
        && (next.starts_with(['[', '!'])
            || ["by", "with"].iter().any(|word| first_word(next).eq_ignore_ascii_case(word)))
    {
        return Some(Language::Eql);
    }
    match quoted_category(text) {
        Some(rest) => of_category(without_comments(rest)),
        None if first.is_empty() || !is_apart => None,
        None => of_category(next),
    }
}

/// EQL where the word behind an event category is `where`.
fn of_category(next: &str) -> Option<Language> {
    first_word(next).eq_ignore_ascii_case("where").then_some(Language::Eql)
}

/// What stands behind an event category in quotes.
fn quoted_category(text: &str) -> Option<&str> {
    let (_, rest) = text.strip_prefix('"')?.split_once('"')?;
    Some(rest)
}

/// The first word behind white space and comments.
pub(super) fn first_word(text: &str) -> &str {
    let rest = without_comments(text);
    let end = rest.find(|character: char| !character.is_alphanumeric() && character != '_').unwrap_or(rest.len());
    &rest[..end]
}

/// Without the white space and the comments (`// …`, `-- …`, `/* … */`) before the first word.
fn without_comments(text: &str) -> &str {
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    loop {
        let after = match rest.get(..2) {
            Some("//" | "--") => rest.split_once('\n').map(|(_, after)| after),
            Some("/*") => rest.split_once("*/").map(|(_, after)| after),
            _ => return rest,
        };
        rest = after.unwrap_or_default().trim_start();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_says_the_language() {
        for (text, language) in [
            ("process where true", Some(Language::Eql)),
            ("  // of\n any /* x */ where true", Some(Language::Eql)),
            ("\"my category\" where true", Some(Language::Eql)),
            ("sequence by host.id [process where true] [any where true]", Some(Language::Eql)),
            ("sequence\n[process where true]", Some(Language::Eql)),
            ("sample with maxspan=1m [process where true]", Some(Language::Eql)),
            ("from where true", Some(Language::Eql)),
            ("FROM logs-*, metrics | limit 1", Some(Language::Esql)),
            ("-- of\nrow a = 1", Some(Language::Esql)),
            ("ts metrics-*", Some(Language::Esql)),
            ("event.action:start and process.name:(a or b)", None),
            ("from: a", None),
            ("from and to", None),
            ("where", None),
            ("\"a b\" and c", None),
            ("sequence and number", None),
            ("*", None),
            ("", None),
        ] {
            assert_eq!(of_text(text), language, "{text}");
        }
    }
}
