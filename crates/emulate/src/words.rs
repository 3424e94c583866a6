//! Scripts to statements and words, as each shell splits them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Characters of a variable's name.
const MAX_NAME: usize = 256;

/// What runs a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Shell {
    /// `cmd.exe`.
    Cmd,
    /// Windows PowerShell.
    PowerShell,
    /// `sh`, `bash` or `zsh`.
    Posix,
}

/// A command as it stands in a script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Statement {
    /// The text, without redirections.
    pub text: String,
    /// Its words, without the quotes around them.
    pub words: Vec<String>,
    /// Files that its output goes to.
    pub outputs: Vec<String>,
    /// Commands inside: `$(…)`, and what stands in backticks.
    pub inner: Vec<String>,
}

/// The statements of a script, at most `limit`.
pub(crate) fn statements(script: &str, shell: Shell, limit: usize) -> Vec<Statement> {
    let mut splitter = Splitter { shell, found: Vec::new(), current: Current::default(), groups: 0, limit };
    splitter.split(script);
    splitter.found
}

#[derive(Default)]
struct Current {
    statement: Statement,
    word: Option<String>,
    /// Where the text after a redirection goes.
    is_output: bool,
    /// Open brackets inside a word of PowerShell.
    brackets: usize,
}

struct Splitter {
    shell: Shell,
    found: Vec<Statement>,
    current: Current,
    /// Open brackets around commands.
    groups: usize,
    limit: usize,
}

impl Splitter {
    fn split(&mut self, script: &str) {
        let mut rest = script;
        while let Some(character) = rest.chars().next() {
            if self.found.len() >= self.limit {
                return;
            }
            let taken = self.step(rest, character).max(character.len_utf8());
            rest = rest.get(taken..).unwrap_or_default();
        }
        self.end_statement();
    }

    /// Takes what `rest` begins with, and says how many bytes that is.
    fn step(&mut self, rest: &str, first: char) -> usize {
        let escape = match self.shell {
            Shell::Cmd => '^',
            Shell::PowerShell => '`',
            Shell::Posix => '\\',
        };
        if first == escape {
            return self.escaped(rest, escape);
        }
        if self.shell == Shell::PowerShell
            && let Some(taken) = self.here_string(rest)
        {
            return taken;
        }
        if first == '"' || (first == '\'' && self.shell != Shell::Cmd) {
            return self.quoted(rest, first);
        }
        let is_start_of_word = self.current.word.is_none();
        if first == '#' && self.shell != Shell::Cmd && is_start_of_word {
            return rest.find('\n').unwrap_or(rest.len());
        }
        if self.shell == Shell::PowerShell && rest.starts_with("<#") {
            return rest.find("#>").map_or(rest.len(), |end| end + 2);
        }
        if self.shell == Shell::Posix && (rest.starts_with("$(") || first == '`') {
            return self.substitution(rest);
        }
        match first {
            '\n' | '\r' => {
                self.end_statement();
                1
            }
            ' ' | '\t' if self.current.brackets == 0 => {
                self.end_word();
                self.current.statement.text.push(first);
                1
            }
            '>' if self.current.brackets == 0 => self.redirection(rest),
            '<' if self.shell != Shell::PowerShell => {
                self.end_word();
                // What is read is no argument.
                let after = rest.get(1..).unwrap_or_default().trim_start_matches([' ', '<']);
                let word = after.find([' ', '\n', ';', '|', '&']).unwrap_or(after.len());
                rest.len() - after.len() + word
            }
            '(' | '[' if self.shell == Shell::PowerShell => self.bracket(first, 1),
            ')' | ']' if self.shell == Shell::PowerShell && self.current.brackets > 0 => self.bracket(first, -1),
            _ if self.current.brackets > 0 => self.push(first),
            '|' | '&' => {
                // PowerShell's call operator begins a statement, and goes with it.
                if first == '&' && self.shell == Shell::PowerShell && !rest.starts_with("&&") {
                    self.end_statement();
                    return self.push_word("&");
                }
                self.end_statement();
                1
            }
            ';' if self.shell != Shell::Cmd => {
                self.end_statement();
                1
            }
            '(' if self.shell == Shell::Cmd && is_start_of_word && self.is_list_of_for() => self.list_of_for(rest),
            '(' if self.shell != Shell::PowerShell && is_start_of_word => {
                self.groups += 1;
                self.end_statement();
                1
            }
            // `%ProgramFiles(x86)%` closes no group.
            ')' if self.shell != Shell::PowerShell && (self.groups > 0 || is_start_of_word) => {
                self.groups = self.groups.saturating_sub(1);
                self.end_statement();
                1
            }
            '{' | '}' if self.shell == Shell::PowerShell || (self.shell == Shell::Posix && is_start_of_word) => {
                // `${x}` and `{0}` inside a word are part of it.
                if self.current.word.as_deref().is_some_and(|word| word.ends_with('$')) {
                    let close = rest.char_indices().take(MAX_NAME).find(|(_, character)| *character == '}');
                    let end = close.map_or(1, |(end, _)| end + 1);
                    let name = rest.get(..end).unwrap_or_default().to_owned();
                    return self.push_text(&name);
                }
                self.end_statement();
                1
            }
            _ => self.push(first),
        }
    }

    fn push(&mut self, character: char) -> usize {
        self.current.word.get_or_insert_default().push(character);
        self.current.statement.text.push(character);
        character.len_utf8()
    }

    fn push_text(&mut self, text: &str) -> usize {
        self.current.word.get_or_insert_default().push_str(text);
        self.current.statement.text.push_str(text);
        text.len()
    }

    fn push_word(&mut self, text: &str) -> usize {
        self.push_text(text);
        self.end_word();
        text.len()
    }

    fn bracket(&mut self, character: char, change: isize) -> usize {
        self.current.brackets = self.current.brackets.saturating_add_signed(change);
        self.push(character)
    }

    fn escaped(&mut self, rest: &str, escape: char) -> usize {
        let mut after = rest.chars().skip(1);
        match after.next() {
            // The line goes on.
            Some('\n') => escape.len_utf8() + 1,
            Some('\r') if after.next() == Some('\n') => escape.len_utf8() + 2,
            Some(next) if self.shell == Shell::Posix || self.shell == Shell::Cmd => {
                let word = self.current.word.get_or_insert_default();
                word.push(next);
                if self.shell == Shell::Posix {
                    self.current.statement.text.push(escape);
                }
                self.current.statement.text.push(next);
                escape.len_utf8() + next.len_utf8()
            }
            Some(next) => {
                self.push(next);
                escape.len_utf8() + next.len_utf8()
            }
            None => escape.len_utf8(),
        }
    }

    fn here_string(&mut self, rest: &str) -> Option<usize> {
        let (open, close) = if rest.starts_with("@'") { ("@'", "\n'@") } else { ("@\"", "\n\"@") };
        let inner = rest.strip_prefix(open)?;
        let end = inner.find(close).unwrap_or(inner.len());
        let text = inner.get(..end)?.to_owned();
        self.push_text(text.trim_start_matches(['\r', '\n']));
        Some((open.len() + end + close.len()).min(rest.len()))
    }

    fn quoted(&mut self, rest: &str, quote: char) -> usize {
        let inner = rest.get(1..).unwrap_or_default();
        let mut value = String::new();
        let mut characters = inner.char_indices().peekable();
        let mut end = inner.len();
        while let Some((at, character)) = characters.next() {
            let next = characters.peek().map(|(_, next)| *next);
            match character {
                '\\' if self.shell == Shell::Posix && quote == '"' && matches!(next, Some('"' | '\\' | '$' | '`')) => {
                    value.extend(next);
                    characters.next();
                }
                '`' if self.shell == Shell::PowerShell && quote == '"' => {
                    value.extend(next);
                    characters.next();
                }
                // A quote of cmd may be escaped by a backslash for the program that reads it.
                '\\' if self.shell == Shell::Cmd && next == Some('"') => {
                    value.push_str("\\\"");
                    characters.next();
                }
                _ if character == quote && self.shell == Shell::PowerShell && next == Some(quote) => {
                    value.push(quote);
                    characters.next();
                }
                '\n' if self.shell == Shell::Cmd => {
                    end = at;
                    break;
                }
                _ if character == quote => {
                    end = at;
                    break;
                }
                _ => value.push(character),
            }
        }
        let is_closed = inner.get(end..).is_some_and(|rest| rest.starts_with(quote));
        let taken = 1 + end + usize::from(is_closed);
        if self.shell == Shell::Posix && quote == '"' {
            self.current.statement.inner.extend(substitutions(&value));
        }
        self.current.word.get_or_insert_default().push_str(&value);
        self.current.statement.text.push_str(rest.get(..taken).unwrap_or_default());
        taken
    }

    /// `$(…)` and backticks: the text is a word, and a script of its own.
    fn substitution(&mut self, rest: &str) -> usize {
        let (start, end) = match rest.strip_prefix('`') {
            Some(inner) => (1, inner.find('`').map(|at| at + 1)),
            None => (2, closing(rest, 2)),
        };
        let end = end.unwrap_or(rest.len());
        let inner = rest.get(start..end).unwrap_or_default().to_owned();
        self.current.statement.inner.push(inner);
        let taken = (end + 1).min(rest.len());
        let whole = rest.get(..taken).unwrap_or(rest).to_owned();
        self.push_text(&whole);
        taken
    }

    /// Whether a bracket opens what `for … in` goes through.
    fn is_list_of_for(&self) -> bool {
        let words = &self.current.statement.words;
        let is = |word: Option<&String>, name: &str| word.is_some_and(|word| word.eq_ignore_ascii_case(name));
        is(words.last(), "in") && words.iter().any(|word| word.trim_start_matches('@').eq_ignore_ascii_case("for"))
    }

    /// The list that `for` goes through, as one word: it is no command.
    fn list_of_for(&mut self, rest: &str) -> usize {
        let end = rest.find([')', '\n']).map_or(rest.len(), |end| end + 1);
        let list = rest.get(..end).unwrap_or(rest).to_owned();
        self.push_word(&list)
    }

    fn redirection(&mut self, rest: &str) -> usize {
        // `2>` and `*>` say which output.
        if let Some(word) = &self.current.word
            && matches!(word.as_str(), "1" | "2" | "*")
        {
            self.current.word = None;
            let text = &mut self.current.statement.text;
            text.truncate(text.len().saturating_sub(1));
        }
        self.end_word();
        let after = rest.trim_start_matches('>');
        // `>&1` and `&> file`.
        let is_stream = after.starts_with('&');
        let after = after.trim_start_matches(['&', ' ']);
        self.current.is_output = !is_stream;
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        rest.len() - after.len() + if is_stream { digits } else { 0 }
    }

    fn end_word(&mut self) {
        let Some(word) = self.current.word.take() else { return };
        if std::mem::take(&mut self.current.is_output) {
            let text = &mut self.current.statement.text;
            // The name of the file is no argument.
            if let Some(at) = text.rfind(word.as_str()) {
                text.truncate(at);
            }
            self.current.statement.outputs.push(word);
        } else {
            self.current.statement.words.push(word);
        }
    }

    fn end_statement(&mut self) {
        self.end_word();
        let Current { mut statement, .. } = std::mem::take(&mut self.current);
        statement.text = statement.text.trim().to_owned();
        if !statement.words.is_empty() || !statement.inner.is_empty() {
            self.found.push(statement);
        }
    }
}

/// Where the bracket that is open before `from` closes.
fn closing(text: &str, from: usize) -> Option<usize> {
    let mut depth = 1_usize;
    for (at, character) in text.char_indices().skip_while(|(at, _)| *at < from) {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

/// The commands of `$(…)` in a quoted text.
fn substitutions(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("$(") {
        let Some(end) = closing(rest, at + 2) else { break };
        found.extend(rest.get(at + 2..end).map(str::to_owned));
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(script: &str, shell: Shell) -> Vec<Vec<String>> {
        statements(script, shell, 100).into_iter().map(|statement| statement.words).collect()
    }

    #[track_caller]
    fn check(shell: Shell, script: &str, wanted: &[&[&str]]) {
        assert_eq!(words(script, shell), wanted, "{script}");
    }

    #[test]
    fn each_shell_splits_as_it_does() {
        use Shell::{Cmd, Posix, PowerShell};
        check(Cmd, "a /b \"c d\" & e | f && (g)", &[&["a", "/b", "c d"], &["e"], &["f"], &["g"]]);
        check(Cmd, "echo a^&b > c.txt\r\ndir 2>nul", &[&["echo", "a&b"], &["dir"]]);
        check(Cmd, "a ^\r\n b", &[&["a", "b"]]);
        check(
            PowerShell,
            "& 'C:\\a b.exe' -x; Get-A | B \"c`\"d\" # no",
            &[&["&", "C:\\a b.exe", "-x"], &["Get-A"], &["B", "c\"d"]],
        );
        check(PowerShell, "if ($a -eq 1) { whoami /all }", &[&["if", "($a -eq 1)"], &["whoami", "/all"]]);
        check(PowerShell, "a `\n -b", &[&["a", "-b"]]);
        check(PowerShell, "iex (iwr 'http://x/y z')", &[&["iex", "(iwr http://x/y z)"]]);
        check(PowerShell, "a @'\nx; y\n'@", &[&["a", "x; y"]]);
        check(Posix, "A=1 b 'c d' | e; f && g || h &", &[&["A=1", "b", "c d"], &["e"], &["f"], &["g"], &["h"]]);
        check(Posix, "cat /etc/passwd > /tmp/x 2>&1", &[&["cat", "/etc/passwd"]]);
        check(Posix, "echo \"$(id -u)\" `date`", &[&["echo", "$(id -u)", "`date`"]]);
        let found = statements("echo \"$(id -u)\" `date` > out", Posix, 9);
        assert_eq!(found[0].inner, ["id -u", "date"]);
        assert_eq!(found[0].outputs, ["out"]);
        assert_eq!(statements("net user > c:\\a.txt", Cmd, 9)[0].text, "net user");
        assert_eq!(statements(&"a\n".repeat(100), Cmd, 9).len(), 9);
    }
}
