//! What Panther's queries have that is no SQL, made so in place: every byte stays where it was.

/// The query with templates and unquoted spans of time taken out, and whether there was a template.
pub(super) fn plain(text: &str) -> (String, bool) {
    let mut plain = text.to_owned();
    for (open, close) in [("{#", "#}"), ("{%", "%}")] {
        let mut from = 0;
        while let Some((start, end)) = between(&plain, from, open, close) {
            blank(&mut plain, start, end, "");
            from = end;
        }
    }
    let mut has_template = false;
    let mut from = 0;
    while let Some((start, end)) = between(&plain, from, "{{", "}}") {
        has_template = true;
        from = end;
        let inner = plain.get(start..end).unwrap_or_default();
        // Blanks of templates before this one are looked through once: their end is behind the last comma.
        let before = plain.get(..start).unwrap_or_default().trim_end();
        // A macro behind the last common table expression reads it: `with t as (…), {{ macro('t') }}`.
        let table = inner.split(['\'', '"']).nth(1).unwrap_or_default().to_owned();
        match before.strip_suffix(',') {
            Some(head) if is_name(&table) => {
                let comma = head.len();
                blank(&mut plain, comma, comma + 1, "");
                blank(&mut plain, start, end, &format!("select * from {table}"));
            }
            _ => blank(&mut plain, start, end, "null"),
        }
    }
    // `p_occurs_since(90m)`: the argument is no expression.
    let mut from = 0;
    while let Some(at) = find(&plain, from, "p_occurs") {
        let Some((open, end)) = between(&plain, at, "(", ")") else { break };
        blank(&mut plain, open + 1, end - 1, "1");
        from = end;
    }
    (plain, has_template)
}

/// Whether a query has more operators than anyone writes: a chain of them is as deep as it is long.
pub(super) fn is_too_deep(text: &str) -> bool {
    const WORDS: usize = 300;
    const SIGNS: usize = 1000;
    let is_chained = |word: &&str| {
        ["and", "or", "union", "intersect", "except", "minus", "join"]
            .iter()
            .any(|other| word.eq_ignore_ascii_case(other))
    };
    let words =
        text.split(|character: char| !character.is_ascii_alphanumeric() && character != '_').filter(is_chained).count();
    let bytes = text.as_bytes();
    let is_sign = |at: usize| match bytes[at] {
        b'+' | b'|' | b'*' | b'/' | b'%' => true,
        b'-' => bytes.get(at + 1) != Some(&b'-') && (at == 0 || bytes[at - 1] != b'-'),
        b':' => bytes.get(at + 1) == Some(&b':'),
        _ => false,
    };
    words > WORDS || (0..bytes.len()).filter(|at| is_sign(*at)).count() > SIGNS
}

/// Beginnings of a query that may be understood where the whole is not, the longest first: what stands before the fault,
/// then what stands before each connective or clause in that. Parentheses that are open are closed.
pub(super) fn beginnings(text: &str, message: &str) -> Vec<String> {
    const MAX_BEGINNINGS: usize = 12;
    const WORDS: [&str; 11] =
        ["and", "or", "where", "on", "group", "order", "having", "qualify", "limit", "union", "join"];
    // A query that ends too early has no place of its fault.
    let before = before_fault(text, message).unwrap_or(text);
    let is_part = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let mut found = vec![closed(before)];
    let mut end = before.len();
    while found.len() < MAX_BEGINNINGS
        && let Some(head) = before.get(..end)
    {
        // The last word of what is left.
        let word_end = head.trim_end_matches(|character| !is_part(character)).len();
        let start = head.get(..word_end).unwrap_or_default().trim_end_matches(is_part).len();
        let word = head.get(start..word_end).unwrap_or_default();
        if word.is_empty() {
            break;
        }
        if WORDS.iter().any(|known| word.eq_ignore_ascii_case(known)) {
            found.push(closed(before.get(..start).unwrap_or_default()));
        }
        end = start;
    }
    found
}

/// A text with the parentheses closed that are open at its end, those in quotes left out.
fn closed(text: &str) -> String {
    let mut open = 0_usize;
    let mut quote: Option<char> = None;
    for character in text.chars() {
        match (quote, character) {
            (Some(mark), _) if character == mark => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(character),
            (None, '(') => open += 1,
            (None, ')') => open = open.saturating_sub(1),
            _ => {}
        }
    }
    format!("{text}{}", ")".repeat(open))
}

/// The text before the place that a parser's message names.
fn before_fault<'t>(text: &'t str, message: &str) -> Option<&'t str> {
    let line: usize = number(message, "Line: ")?;
    let column: usize = number(message, "Column: ")?;
    let start: usize = text.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum();
    let within = text.get(start..)?.char_indices().nth(column.checked_sub(1)?).map(|(at, _)| at)?;
    text.get(..start + within)
}

fn number(message: &str, mark: &str) -> Option<usize> {
    let rest = message.split(mark).nth(1)?;
    let digits = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
    rest.get(..digits)?.parse().ok()
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
}

fn find(text: &str, from: usize, what: &str) -> Option<usize> {
    text.get(from..)?.find(what).map(|at| from + at)
}

/// From the first `open` to behind the `close` that follows it.
fn between(text: &str, from: usize, open: &str, close: &str) -> Option<(usize, usize)> {
    let start = find(text, from, open)?;
    let end = find(text, start + open.len(), close)? + close.len();
    Some((start, end))
}

/// Puts `with` and spaces in place of a part; lines stay. A part too short for it becomes spaces.
fn blank(text: &mut String, start: usize, end: usize, with: &str) {
    let Some(part) = text.get(start..end) else { return };
    let mut made = String::with_capacity(part.len());
    let fits = with.len() <= part.find('\n').unwrap_or(part.len());
    if fits {
        made.push_str(with);
    }
    for byte in part.bytes().skip(made.len()) {
        made.push(if byte == b'\n' { '\n' } else { ' ' });
    }
    text.replace_range(start..end, &made);
}
