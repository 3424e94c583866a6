//! Regular expressions of Lucene's dialect.

/// The pattern, so written that a search finds what Lucene's match of the whole value finds.
///
/// Lucene anchors a regular expression at both ends; here anchors are written down where they make a difference.
pub(crate) fn anchored(pattern: &str) -> String {
    let open_start = pattern.starts_with(".*") || pattern.starts_with("(.*)");
    let open_end = pattern.ends_with(".*") && !pattern.ends_with("\\.*") || pattern.ends_with("(.*)");
    let start = if open_start { "" } else { "^" };
    let end = if open_end { "" } else { "$" };
    if pattern.contains('|') && !(is_one_group(pattern)) {
        return if open_start && open_end && !splits_at_top(pattern) {
            pattern.to_owned()
        } else {
            format!("^(?:{pattern})$")
        };
    }
    format!("{start}{pattern}{end}")
}

/// Whether an alternation stands outside every group and class.
fn splits_at_top(pattern: &str) -> bool {
    top_level(pattern).any(|(_, character)| character == '|')
}

/// Whether the whole pattern is one group.
fn is_one_group(pattern: &str) -> bool {
    pattern.starts_with('(') && top_level(pattern).map(|(at, _)| at).eq([pattern.len() - 1])
}

/// The characters outside every group and class; of a group only the closing parenthesis.
fn top_level(pattern: &str) -> impl Iterator<Item = (usize, char)> + '_ {
    let (mut depth, mut class, mut escaped) = (0_u32, false, false);
    pattern.char_indices().filter(move |(_, character)| {
        if std::mem::take(&mut escaped) {
            return depth == 0 && !class;
        }
        match character {
            '\\' => escaped = true,
            '[' => class = true,
            ']' => class = false,
            '(' if !class => depth += 1,
            ')' if !class => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && !class
    })
}

#[cfg(test)]
mod tests {
    use super::anchored;

    #[test]
    fn anchors_stand_where_they_matter() {
        for (pattern, expected) in [
            ("abc", "^abc$"),
            (".*abc.*", ".*abc.*"),
            ("abc.*", "^abc.*"),
            (".*abc", ".*abc$"),
            ("abc\\.*", "^abc\\.*$"),
            ("a|b", "^(?:a|b)$"),
            ("(a|b)", "^(a|b)$"),
            ("(a|b)c|d", "^(?:(a|b)c|d)$"),
            (".*(a|b).*", ".*(a|b).*"),
            (".*a|b.*", "^(?:.*a|b.*)$"),
            ("[|]x", "^(?:[|]x)$"),
            ("", "^$"),
        ] {
            assert_eq!(anchored(pattern), expected, "{pattern}");
        }
    }
}
