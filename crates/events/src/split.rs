//! Cuts a stream of text into JSON values: one a line, one after the other over several lines, or elements of an array.

use std::io::{self, BufRead};

/// A larger record is skipped with a problem.
pub const MAX_RECORD_BYTES: usize = 16 * 1024 * 1024;

/// Nesting that a JSON reader takes.
const MAX_DEPTH: usize = 128;

/// A piece of the stream that should be a JSON value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Piece<'a> {
    /// The one-based line on which it begins.
    pub line: u64,
    /// Its text, or why there is none.
    pub text: Result<&'a [u8], &'static str>,
}

/// Where a splitter stands in the text.
#[derive(Default)]
struct State {
    line: u64,
    /// Brackets that are open inside of the value.
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// The line on which the value begins.
    begin: u64,
    too_long: bool,
    too_deep: bool,
    /// Whether elements of a top-level array are values of their own.
    in_array: bool,
    /// The last byte of the value that is no white space.
    last: u8,
}

/// Hands every value to `sink` until it returns `false` or the text ends.
///
/// A value that is broken, as one that is cut off in the middle of a line, does not take the following ones with it: a line
/// that begins with `{` where no value can stand begins a new one.
pub(crate) fn split(input: &mut dyn BufRead, sink: &mut dyn FnMut(Piece<'_>) -> bool) -> io::Result<()> {
    let mut state = State { line: 1, ..State::default() };
    let mut value: Vec<u8> = Vec::new();
    let mut at_line_start = true;
    loop {
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            break;
        }
        let length = buffer.len();
        for &byte in buffer {
            if !step(&mut state, &mut value, byte, at_line_start, sink) {
                return Ok(());
            }
            at_line_start = byte == b'\n';
        }
        input.consume(length);
    }
    if !value.is_empty() || state.too_long {
        let what = if state.depth > 0 || state.in_string { "the file ends in the middle of a value" } else { "" };
        emit(&mut state, &mut value, what, sink);
    }
    Ok(())
}

fn step(
    state: &mut State,
    value: &mut Vec<u8>,
    byte: u8,
    at_line_start: bool,
    sink: &mut dyn FnMut(Piece<'_>) -> bool,
) -> bool {
    let is_open = !value.is_empty() || state.too_long;
    // A new value where the one before cannot go on.
    if at_line_start && byte == b'{' && is_open {
        let cannot_stand_here = state.in_string || state.too_deep || !matches!(state.last, b',' | b':' | b'[');
        if cannot_stand_here && !emit(state, value, "a value is not closed", sink) {
            return false;
        }
    }
    if byte == b'\n' {
        state.line += 1;
        if state.in_string {
            // No JSON text holds a raw line break.
            let goes_on = emit(state, value, "a text is not closed on its line", sink);
            return goes_on;
        }
    }
    let is_open = !value.is_empty() || state.too_long;
    if !is_open {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b',' => return true,
            b'[' if !state.in_array => {
                state.in_array = true;
                return true;
            }
            b']' if state.in_array => {
                state.in_array = false;
                return true;
            }
            _ => state.begin = state.line,
        }
    } else if state.depth == 0 && !state.in_string {
        // A scalar ends at white space or a comma.
        if matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',') || (byte == b']' && state.in_array) {
            let goes_on = emit(state, value, "", sink);
            if byte == b']' {
                state.in_array = false;
            }
            return goes_on;
        }
    }
    if value.len() < MAX_RECORD_BYTES && !state.too_long {
        value.push(byte);
    } else if !state.too_long {
        state.too_long = true;
        value.clear();
    }
    if !byte.is_ascii_whitespace() {
        state.last = byte;
    }
    if state.in_string {
        match byte {
            _ if state.escaped => state.escaped = false,
            b'\\' => state.escaped = true,
            b'"' => state.in_string = false,
            _ => {}
        }
        return true;
    }
    match byte {
        b'"' => state.in_string = true,
        b'{' | b'[' => {
            state.depth += 1;
            state.too_deep |= state.depth > MAX_DEPTH;
        }
        b'}' | b']' => {
            state.depth = state.depth.saturating_sub(1);
            if state.depth == 0 {
                return emit(state, value, "", sink);
            }
        }
        _ => {}
    }
    true
}

/// Hands the value over, or says what is wrong with it.
fn emit(state: &mut State, value: &mut Vec<u8>, wrong: &'static str, sink: &mut dyn FnMut(Piece<'_>) -> bool) -> bool {
    let text = match () {
        () if state.too_long => Err("longer than 16 MiB"),
        () if state.too_deep => Err("nested deeper than 128 levels"),
        () if !wrong.is_empty() => Err(wrong),
        () => Ok(value.as_slice()),
    };
    let goes_on = sink(Piece { line: state.begin, text });
    value.clear();
    *state = State { line: state.line, begin: state.begin, in_array: state.in_array, ..State::default() };
    goes_on
}

#[cfg(test)]
mod tests {
    use super::split;

    fn shown(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        // A small buffer, so that values lie across its ends.
        let mut input = std::io::BufReader::with_capacity(7, text.as_bytes());
        split(&mut input, &mut |piece| {
            found.push(match piece.text {
                Ok(text) => format!("{}:{}", piece.line, String::from_utf8_lossy(text)),
                Err(why) => format!("{}!{why}", piece.line),
            });
            true
        })
        .unwrap();
        found
    }

    #[test]
    fn values_are_found_however_they_are_laid_out() {
        assert_eq!(shown("{\"a\":1}\n{\"a\":2}\n"), ["1:{\"a\":1}", "2:{\"a\":2}"]);
        assert_eq!(shown("{\n\"a\":{}\n}\n\n{\"b\":[]}"), ["1:{\n\"a\":{}\n}", "5:{\"b\":[]}"]);
        assert_eq!(shown("[{\"a\":1},\n{\"a\":\"]\"}]"), ["1:{\"a\":1}", "2:{\"a\":\"]\"}"]);
        assert_eq!(shown("{\"a\":1}{\"a\":2}"), ["1:{\"a\":1}", "1:{\"a\":2}"]);
        assert_eq!(shown("[]\n"), Vec::<String>::new());
        assert_eq!(shown("[[1],{}]"), ["1:[1]", "1:{}"]);
        assert_eq!(shown("5 \"x y\"\nnull"), ["1:5", "1:\"x y\"", "2:null"]);
        assert_eq!(shown(r#"{"a":"\"}{"}"#), [r#"1:{"a":"\"}{"}"#]);
    }

    #[test]
    fn a_broken_value_leaves_the_next_ones_whole() {
        let cut = ["1!a text is not closed on its line", "2:{\"b\":1}"];
        assert_eq!(shown("{\"a\": \"no end\n{\"b\":1}\n"), cut);
        assert_eq!(shown("{\"a\": 1\n{\"b\":1}\n"), ["1!a value is not closed", "2:{\"b\":1}"]);
        assert_eq!(shown("{\"a\":1}\nnonsense\n{\"b\":1}"), ["1:{\"a\":1}", "2:nonsense", "3:{\"b\":1}"]);
        assert_eq!(shown("{\"a\":1}\n{\"b\":"), ["1:{\"a\":1}", "2!the file ends in the middle of a value"]);
        // A list of objects over several lines is one value.
        assert_eq!(shown("{\"a\":[\n{\"b\":1},\n{\"c\":2}\n]}"), ["1:{\"a\":[\n{\"b\":1},\n{\"c\":2}\n]}"]);
    }
}
