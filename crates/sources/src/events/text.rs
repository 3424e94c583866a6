//! Small things that several readers do with text.

/// The beginning of a text, at most `bytes` long, cut between characters.
pub(super) fn cut(text: &str, bytes: usize) -> &str {
    let mut end = text.len().min(bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// A text with one space wherever there was any white space.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Markdown without emphasis, links, escapes and entities: `**[SID](/x)** \[Type\]` is `SID [Type]`.
pub(super) fn plain_markdown(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['*', '[', '\\', '&', '`', '<']) {
        let (before, after) = rest.split_at(at);
        plain.push_str(before);
        let link = after
            .strip_prefix('[')
            .and_then(|inside| inside.split_once("]("))
            .filter(|(label, _)| !label.contains(['[', '\n']) && label.len() < 300);
        if let Some((label, behind)) = link {
            plain.push_str(label);
            rest = behind.split_once(')').map_or("", |(_, rest)| rest);
        } else if let Some(behind) = after.strip_prefix('\\') {
            // What is escaped stands as it is.
            let length = behind.chars().next().map_or(0, char::len_utf8);
            plain.push_str(&behind[..length]);
            rest = &behind[length..];
        } else if let Some(behind) = after.strip_prefix("&nbsp;") {
            plain.push(' ');
            rest = behind;
        } else if let Some(behind) = after.strip_prefix("<br>").or_else(|| after.strip_prefix("<br/>")) {
            plain.push(' ');
            rest = behind;
        } else if after.starts_with(['*', '`']) {
            rest = &after[1..];
        } else {
            plain.push_str(&after[..1]);
            rest = &after[1..];
        }
    }
    plain.push_str(rest);
    one_line(&plain)
}

#[cfg(test)]
mod tests {
    use super::{cut, plain_markdown};

    #[test]
    fn markdown_loses_its_marks() {
        let cases = [
            (
                r"**Security ID** \[Type = SID\]**:** SID of [account](x.md).",
                "Security ID [Type = SID]: SID of account.",
            ),
            ("***Subcategory:***&nbsp;[Audit Logon](audit-logon.md)", "Subcategory: Audit Logon"),
            ("a [b] *c", "a [b] c"),
            ("end \\", "end "),
        ];
        for (text, expected) in cases {
            assert_eq!(plain_markdown(text), expected.trim_end(), "{text}");
        }
        assert_eq!(cut("aé", 2), "a");
    }
}
