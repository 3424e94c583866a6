//! Command lines, split into arguments.

/// Arguments that are given of one command line.
const MAX_ARGUMENTS: usize = 1000;

/// The arguments of a command line as Windows programs read theirs
/// ([rules](https://learn.microsoft.com/cpp/c-language/parsing-c-command-line-arguments)): the program's name ends at a blank
/// outside of quotes and knows no escapes; behind it backslashes escape only before a quote, and two quotes within quotes are
/// one.
pub(crate) fn split_windows(line: &str) -> Vec<String> {
    let mut arguments = Vec::new();
    let mut rest = line.trim_start_matches([' ', '\t']).chars().peekable();
    if rest.peek().is_none() {
        return arguments;
    }
    let mut program = String::new();
    let mut in_quotes = false;
    while let Some(character) = rest.next_if(|next| in_quotes || !matches!(next, ' ' | '\t')) {
        match character {
            '"' => in_quotes = !in_quotes,
            _ => program.push(character),
        }
    }
    arguments.push(program);
    while arguments.len() < MAX_ARGUMENTS {
        while rest.next_if(|next| matches!(next, ' ' | '\t')).is_some() {}
        if rest.peek().is_none() {
            break;
        }
        let mut argument = String::new();
        let mut in_quotes = false;
        while let Some(character) = rest.next_if(|next| in_quotes || !matches!(next, ' ' | '\t')) {
            match character {
                '\\' => {
                    let mut count = 1;
                    while rest.next_if_eq(&'\\').is_some() {
                        count += 1;
                    }
                    let is_before_quote = rest.peek() == Some(&'"');
                    let kept = if is_before_quote { count / 2 } else { count };
                    argument.extend(std::iter::repeat_n('\\', kept));
                    if is_before_quote && count % 2 == 1 {
                        argument.extend(rest.next());
                    }
                }
                '"' if in_quotes && rest.next_if_eq(&'"').is_some() => argument.push('"'),
                '"' => in_quotes = !in_quotes,
                _ => argument.push(character),
            }
        }
        arguments.push(argument);
    }
    arguments
}

/// The words of a command line as a POSIX shell reads them, without expanding anything: single quotes keep all, double quotes
/// all but a backslash before `"`, `\`, `$` and a back-tick.
pub(crate) fn split_posix(line: &str) -> Vec<String> {
    let mut arguments = Vec::new();
    let mut rest = line.chars().peekable();
    while arguments.len() < MAX_ARGUMENTS {
        while rest.next_if(|next| next.is_ascii_whitespace()).is_some() {}
        if rest.peek().is_none() {
            break;
        }
        let mut argument = String::new();
        let mut quote = None;
        while let Some(character) = rest.next_if(|next| quote.is_some() || !next.is_ascii_whitespace()) {
            match (character, quote) {
                ('\'', None) => quote = Some('\''),
                ('"', None) => quote = Some('"'),
                ('\'', Some('\'')) | ('"', Some('"')) => quote = None,
                ('\\', None) => argument.extend(rest.next()),
                ('\\', Some('"')) => match rest.next_if(|next| matches!(next, '"' | '\\' | '$' | '`')) {
                    Some(escaped) => argument.push(escaped),
                    None => argument.push('\\'),
                },
                _ => argument.push(character),
            }
        }
        arguments.push(argument);
    }
    arguments
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{split_posix, split_windows};

    #[test]
    fn windows_command_lines_are_split_as_windows_does() {
        for (line, arguments) in [
            ("", vec![]),
            ("probe", vec!["probe"]),
            ("probe -a  b", vec!["probe", "-a", "b"]),
            (r#""C:\Program Files\probe.exe" /c x"#, vec![r"C:\Program Files\probe.exe", "/c", "x"]),
            (r#"C:\Program" "Files\probe.exe y"#, vec![r"C:\Program Files\probe.exe", "y"]),
            (r#"p "a b" c"#, vec!["p", "a b", "c"]),
            (r#"p "ab\"c" "\\" d"#, vec!["p", r#"ab"c"#, r"\", "d"]),
            (r#"p a\\b d"e f"g h"#, vec!["p", r"a\\b", "de fg", "h"]),
            (r#"p a\\\"b c d"#, vec!["p", r#"a\"b"#, "c", "d"]),
            (r#"p a\\\\"b c" d"#, vec!["p", r"a\\b c", "d"]),
            (r#"p a"b"" c d"#, vec!["p", r#"ab" c d"#]),
            (r#"p "" x"#, vec!["p", "", "x"]),
        ] {
            assert_eq!(split_windows(line), arguments, "{line}");
        }
    }

    #[test]
    fn posix_command_lines_are_split_as_a_shell_does() {
        for (line, arguments) in [
            ("", vec![]),
            ("probe -a b", vec!["probe", "-a", "b"]),
            (r#"sh -c "a 'b' \"c\"" d\ e"#, vec!["sh", "-c", r#"a 'b' "c""#, "d e"]),
            (r"sh -c 'a \ b' c''d", vec!["sh", "-c", r"a \ b", "cd"]),
            (r#"x "\n" """#, vec!["x", r"\n", ""]),
        ] {
            assert_eq!(split_posix(line), arguments, "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_command_line_fails(line in ".{0,200}") {
            prop_assert!(split_windows(&line).len() <= 201);
            prop_assert!(split_posix(&line).len() <= 201);
        }

        #[test]
        fn plain_words_stay_what_they_are(words in prop::collection::vec("[a-z0-9/:.=-]{1,8}", 1..8)) {
            let line = words.join(" ");
            prop_assert_eq!(split_windows(&line), words.clone());
            prop_assert_eq!(split_posix(&line), words);
        }
    }
}
