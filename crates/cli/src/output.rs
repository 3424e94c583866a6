use std::{
    borrow::Cow,
    fmt::{self, Write as _},
    io::{self, IsTerminal as _, Write as _},
};

use serde::Serialize;

/// A call that cannot be right, whatever the catalog holds.
#[derive(Debug)]
pub struct WrongCall(pub String);

impl fmt::Display for WrongCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for WrongCall {}

/// Whether the reader of standard output has gone away.
pub fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe))
}

/// Writes a line to standard error. What it names (files, rules, values) is anybody's text, and shown as [`plain`] has it.
/// Where standard error cannot be written, the work goes on without the line.
pub fn say(line: fmt::Arguments<'_>) {
    let line = format!("{}\n", plain(&line.to_string()));
    let _ = anstream::stderr().write_all(line.as_bytes());
}

/// Writes text to standard output, without colour where that is no terminal.
pub fn text(text: &str) -> anyhow::Result<()> {
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// Writes data to standard output as it is; on a terminal, as [`on_terminal`] has it.
pub fn data(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    let text = if out.is_terminal() { Cow::Owned(on_terminal(text)) } else { Cow::Borrowed(text) };
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// Writes a value as indented JSON.
pub fn json<T: Serialize>(value: &T) -> anyhow::Result<()> {
    let mut out = JsonLines::new();
    out.write(value, serde_json::ser::PrettyFormatter::new())?;
    out.finish()
}

/// JSON on standard output, a value a line. On a terminal the characters that could change it are written as escapes.
pub struct JsonLines {
    out: io::BufWriter<io::StdoutLock<'static>>,
    is_terminal: bool,
}

impl JsonLines {
    /// Takes standard output.
    pub fn new() -> Self {
        let out = io::stdout().lock();
        Self { is_terminal: out.is_terminal(), out: io::BufWriter::new(out) }
    }

    /// Writes a value on a line of its own.
    pub fn line<T: Serialize>(&mut self, value: &T) -> anyhow::Result<()> {
        self.write(value, serde_json::ser::CompactFormatter)
    }

    fn write<T: Serialize>(&mut self, value: &T, formatter: impl serde_json::ser::Formatter) -> anyhow::Result<()> {
        if self.is_terminal {
            let mut text = Vec::new();
            value
                .serialize(&mut serde_json::Serializer::with_formatter(&mut text, formatter))
                .map_err(io::Error::from)?;
            self.out.write_all(escaped(&String::from_utf8_lossy(&text)).as_bytes())?;
        } else {
            value
                .serialize(&mut serde_json::Serializer::with_formatter(&mut self.out, formatter))
                .map_err(io::Error::from)?;
        }
        Ok(self.out.write_all(b"\n")?)
    }

    /// Makes sure that everything was written.
    pub fn finish(mut self) -> anyhow::Result<()> {
        Ok(self.out.flush()?)
    }
}

/// JSON with every harmful character as an escape. JSON has such characters inside of strings only.
fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        if is_harmful(character) {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                let _ = write!(text, "\\u{unit:04x}");
            }
        } else {
            text.push(character);
        }
    }
    text
}

/// Text from a rule as a terminal may show it: control characters, which could change the terminal, are made visible.
pub fn plain(text: &str) -> String {
    text.chars().map(|character| if is_harmful(character) { '\u{fffd}' } else { character }).collect()
}

/// Data as a terminal may show it: as [`plain`] has it, but for the ends of lines, which CSV writes as CR and LF. A CR
/// alone would write over what stands on its line, and is made visible.
fn on_terminal(text: &str) -> String {
    plain(&text.replace("\r\n", "\n"))
}

fn is_harmful(character: char) -> bool {
    let reorders = matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}');
    (character.is_control() && character != '\n') || reorders
}

#[cfg(test)]
mod tests {
    use super::{escaped, on_terminal, plain};

    #[test]
    fn what_could_change_a_terminal_is_an_escape_in_json() {
        let value = "a\u{1b}[31m\u{7f}\u{9b}31m\u{202e}b";
        let json = serde_json::to_string_pretty(&[value]).unwrap();
        let shown = escaped(&json);
        assert_eq!(shown, "[\n  \"a\\u001b[31m\\u007f\\u009b31m\\u202eb\"\n]");
        assert_eq!(serde_json::from_str::<Vec<String>>(&shown).unwrap(), [value]);
    }

    #[test]
    fn the_ends_of_lines_of_csv_are_no_control_characters_on_a_terminal() {
        let text = "a,b\r\n\"one\r\ntwo\",x\ry\r\n";
        assert_eq!(on_terminal(text), "a,b\n\"one\ntwo\",x\u{fffd}y\n");
    }

    #[test]
    fn what_could_change_a_terminal_is_visible_in_text() {
        assert_eq!(plain("a\u{1b}b\r\t\u{85}\u{200f}c\n"), "a\u{fffd}b\u{fffd}\u{fffd}\u{fffd}\u{fffd}c\n");
    }
}
