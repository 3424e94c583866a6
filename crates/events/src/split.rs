//! Cuts a stream of text into JSON values: one a line, one after the other over several lines, or elements of an array.

use std::io::{self, BufRead};

/// A larger record is skipped with a problem.
pub const MAX_RECORD_BYTES: usize = 16 * 1024 * 1024;

const NOT_CLOSED: &str = "a value is not closed";

/// Nesting that a JSON reader takes.
const MAX_DEPTH: usize = 128;

/// A piece of the stream that should be a JSON value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Piece<'a> {
    /// The one-based line on which it begins.
    pub line: u64,
    /// Its text, or why there is none.
    pub text: Result<&'a [u8], &'static str>,
    pub kind: Kind,
}

/// How a piece was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// By its brackets, or because nothing else can follow.
    Value,
    /// A whole line that was not looked into: it is one value in nearly every file with one a line.
    Guess,
    /// Whole lines that were not looked into. Whatever they hold, a value begins behind them: [`Split::Lines`] finds in them
    /// what would have been found here.
    Lines,
}

/// What is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Split {
    /// A file; lines that others can look into are handed on as they are.
    File,
    /// Such lines, from a line on.
    Lines { from: u64 },
}

/// What follows a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// The next piece.
    More,
    /// Nothing more is wanted.
    Stop,
    /// A guessed line is not one value: it is to be looked into.
    NotOneValue,
}

/// A file that is one object with a list of records in it, `{"Records": [{…}, {…}]}`, may be larger than any record: its
/// elements are values of their own.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum ListPlace {
    #[default]
    Outside,
    Inside,
    /// In what follows the list in its object.
    Behind,
}

/// Bytes before a list in its object that are looked at.
const MAX_LIST_HEAD: usize = 128;
/// Bytes of lines that are handed on together, if no line is longer.
const LINES_BYTES: usize = 256 * 1024;

/// Whether a text is the beginning of an object whose first key is one of `keys` and holds a list.
fn begins_list(text: &[u8], keys: &[&str]) -> bool {
    let head = text.strip_prefix(b"{").filter(|_| text.len() <= MAX_LIST_HEAD).map(<[u8]>::trim_ascii_start);
    let Some(head) = head.and_then(|head| head.strip_prefix(b"\"")) else { return false };
    keys.iter().any(|key| {
        let rest = head.strip_prefix(key.as_bytes()).and_then(|rest| rest.strip_prefix(b"\""));
        let rest = rest.map(<[u8]>::trim_ascii_start).and_then(|rest| rest.strip_prefix(b":"));
        rest.is_some_and(|rest| rest.trim_ascii_start() == b"[")
    })
}

fn starts_with_list(text: &[u8], keys: &[&str]) -> bool {
    let head = text.get(..MAX_LIST_HEAD).unwrap_or(text);
    memchr::memchr(b'[', head).is_some_and(|at| begins_list(&head[..=at], keys))
}

/// The length of the lines at the beginning of a text that can be looked into apart from what follows: each begins and ends like
/// an object, and so the next one, which begins like one, cannot be in the middle of a value. An array that begins behind an
/// object on its line is read as far as that line goes.
fn separate_lines(text: &[u8], keys: &[&str]) -> usize {
    let (mut at, mut separate) = (0, 0);
    while let Some(rest) = text.get(at..).filter(|rest| rest.first() == Some(&b'{')) {
        separate = at;
        let Some(length) = memchr::memchr(b'\n', rest) else { break };
        let line = &rest[..length];
        if line.trim_ascii_end().last() != Some(&b'}') || starts_with_list(line, keys) {
            break;
        }
        at += length + 1;
    }
    separate
}

/// The length of the first lines that have at most so many bytes together; at least one line.
fn some_lines(lines: &[u8], most: usize) -> usize {
    match lines.get(..most).and_then(|head| memchr::memrchr(b'\n', head)) {
        Some(at) => at + 1,
        None => memchr::memchr(b'\n', lines).map_or(lines.len(), |at| at + 1),
    }
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
    /// Where it stands in an object that is there for the list in it.
    list: ListPlace,
    /// The last byte of the value that is no white space.
    last: u8,
}

/// Hands every value to `sink` until it wants no more or the text ends.
///
/// A value that is broken, as one that is cut off in the middle of a line, does not take the following ones with it: a line
/// that begins with `{` where no value can stand begins a new one.
///
/// `lists` are keys of objects that are there for the list in them.
pub(crate) fn split(
    input: &mut dyn BufRead,
    lists: &[&str],
    what: Split,
    sink: &mut dyn FnMut(Piece<'_>) -> Next,
) -> io::Result<()> {
    let first = match what {
        Split::File => 1,
        Split::Lines { from } => from,
    };
    let mut state = State { line: first, ..State::default() };
    let mut value: Vec<u8> = Vec::new();
    let mut at_line_start = true;
    loop {
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            break;
        }
        let is_between = |state: &State, value: &Vec<u8>| {
            value.is_empty() && !state.too_long && !state.in_array && state.list == ListPlace::Outside
        };
        if what == Split::File && at_line_start && is_between(&state, &value) {
            let length = separate_lines(buffer, lists);
            let mut lines = &buffer[..length];
            while !lines.is_empty() {
                let (some, rest) = lines.split_at(some_lines(lines, LINES_BYTES));
                if sink(Piece { line: state.line, text: Ok(some), kind: Kind::Lines }) == Next::Stop {
                    return Ok(());
                }
                state.line += memchr::memchr_iter(b'\n', some).count() as u64;
                lines = rest;
            }
            if length > 0 {
                input.consume(length);
                continue;
            }
        }
        // A line that begins with `{` is a value of its own in most files; where it is not, byte after byte decides.
        if at_line_start
            && buffer.first() == Some(&b'{')
            && is_between(&state, &value)
            && !starts_with_list(buffer, lists)
            && let Some(end) = memchr::memchr(b'\n', buffer)
        {
            match sink(Piece { line: state.line, text: Ok(&buffer[..end]), kind: Kind::Guess }) {
                Next::More => {
                    state.line += 1;
                    input.consume(end + 1);
                    continue;
                }
                Next::Stop => return Ok(()),
                Next::NotOneValue => {}
            }
        }
        let mut taken = 0;
        for &byte in buffer {
            if !step(&mut state, &mut value, byte, at_line_start, lists, sink) {
                return Ok(());
            }
            taken += 1;
            at_line_start = byte == b'\n';
            if at_line_start && is_between(&state, &value) {
                break;
            }
        }
        input.consume(taken);
    }
    let is_open = !value.is_empty() || state.too_long;
    if !is_open && state.list != ListPlace::Outside {
        let text = Err("the file ends in the middle of a value");
        sink(Piece { line: state.line, text, kind: Kind::Value });
    } else if is_open {
        let wrong = match what {
            _ if state.depth == 0 && !state.in_string => "",
            Split::File => "the file ends in the middle of a value",
            Split::Lines { .. } => NOT_CLOSED,
        };
        emit(&mut state, &mut value, wrong, sink);
    }
    Ok(())
}

fn step(
    state: &mut State,
    value: &mut Vec<u8>,
    byte: u8,
    at_line_start: bool,
    lists: &[&str],
    sink: &mut dyn FnMut(Piece<'_>) -> Next,
) -> bool {
    if state.list == ListPlace::Behind {
        if !(at_line_start && byte == b'{') {
            step_behind(state, byte);
            return true;
        }
        *state = State { line: state.line, ..State::default() };
    }
    let is_open = !value.is_empty() || state.too_long;
    // A new value where the one before cannot go on.
    if at_line_start && byte == b'{' && is_open {
        let cannot_stand_here = state.in_string || state.too_deep || !matches!(state.last, b',' | b':' | b'[');
        if cannot_stand_here && !emit(state, value, NOT_CLOSED, sink) {
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
            b']' if state.list == ListPlace::Inside => {
                (state.list, state.depth) = (ListPlace::Behind, 1);
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
        let is_in_list = state.list == ListPlace::Inside;
        if matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',') || (byte == b']' && (state.in_array || is_in_list)) {
            let goes_on = emit(state, value, "", sink);
            match byte {
                b']' if is_in_list => (state.list, state.depth) = (ListPlace::Behind, 1),
                b']' => state.in_array = false,
                _ => {}
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
        b'[' if state.depth == 1 && state.list == ListPlace::Outside && begins_list(value, lists) => {
            value.clear();
            *state = State { line: state.line, list: ListPlace::Inside, in_array: state.in_array, ..State::default() };
        }
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

/// A byte of what follows a list in its object.
fn step_behind(state: &mut State, byte: u8) {
    match byte {
        b'\n' => state.line += 1,
        _ if state.escaped => state.escaped = false,
        b'\\' if state.in_string => state.escaped = true,
        b'"' => state.in_string = !state.in_string,
        _ if state.in_string => {}
        b'{' | b'[' => state.depth += 1,
        b'}' | b']' => {
            state.depth = state.depth.saturating_sub(1);
            if state.depth == 0 {
                *state = State { line: state.line, in_array: state.in_array, ..State::default() };
            }
        }
        _ => {}
    }
}

/// Hands the value over, or says what is wrong with it.
fn emit(state: &mut State, value: &mut Vec<u8>, wrong: &'static str, sink: &mut dyn FnMut(Piece<'_>) -> Next) -> bool {
    let text = match () {
        () if state.too_long => Err("longer than 16 MiB"),
        () if state.too_deep => Err("nested deeper than 128 levels"),
        () if !wrong.is_empty() => Err(wrong),
        () => Ok(value.as_slice()),
    };
    let goes_on = sink(Piece { line: state.begin, text, kind: Kind::Value }) != Next::Stop;
    value.clear();
    let State { line, begin, in_array, list, .. } = *state;
    *state = State { line, begin, in_array, list, ..State::default() };
    goes_on
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Kind, Next, Piece, Split, separate_lines, some_lines, split};

    /// The pieces, which are the same whether values lie across the ends of the buffer or not.
    fn shown(text: &str) -> Vec<String> {
        let found = shown_with(text, 7);
        assert_eq!(found, shown_with(text, 4096));
        found
    }

    fn shown_with(text: &str, capacity: usize) -> Vec<String> {
        let mut input = std::io::BufReader::with_capacity(capacity, text.as_bytes());
        shown_of(&mut input, Split::File).0
    }

    /// The pieces, and how many of them came in lines that were looked into apart.
    fn shown_of(input: &mut dyn std::io::BufRead, what: Split) -> (Vec<String>, usize) {
        let (mut found, mut apart) = (Vec::new(), 0);
        let show = |piece: Piece<'_>, found: &mut Vec<String>| {
            if piece.kind == Kind::Guess && serde_json::from_slice::<serde_json::Value>(piece.text.unwrap()).is_err() {
                return Next::NotOneValue;
            }
            found.push(match piece.text {
                Ok(text) => format!("{}:{}", piece.line, String::from_utf8_lossy(text).trim_end()),
                Err(why) => format!("{}!{why}", piece.line),
            });
            Next::More
        };
        split(input, &["Records"], what, &mut |piece| {
            if piece.kind != Kind::Lines {
                return show(piece, &mut found);
            }
            let before = found.len();
            let from = Split::Lines { from: piece.line };
            split(&mut piece.text.unwrap(), &["Records"], from, &mut |piece| show(piece, &mut found)).unwrap();
            apart += found.len() - before;
            Next::More
        })
        .unwrap();
        (found, apart)
    }

    #[test]
    fn lines_that_end_and_begin_like_objects_are_looked_into_apart() {
        for (text, length) in [
            ("{\"a\":1}\n{\"a\":2}\n{\"a\"", 16),
            ("{\"a\":1}\r\n{", 9),
            ("{\"a\":1}\n\n{\"a\":2}\n", 0),
            ("{\"a\":1}\n ,\"b\":2}\n", 0),
            ("{\"a\":1}\n{\"a\":\n2}\n", 8),
            ("{\"Records\":[{}]}\n{}", 0),
            ("[{\"a\":1}\n{}", 0),
            ("", 0),
        ] {
            assert_eq!(separate_lines(text.as_bytes(), &["Records"]), length, "{text}");
        }
        assert_eq!((some_lines(b"a\nb\nccc\n", 5), some_lines(b"aaaaaaa\nb\n", 3), some_lines(b"a", 3)), (4, 8, 1));
        let many = "{\"a\":1}\n".repeat(100);
        let (found, apart) = shown_of(&mut many.as_bytes(), Split::File);
        assert_eq!((found.len(), apart), (100, 99));
        assert_eq!(found[99], "100:{\"a\":1}");
    }

    proptest! {
        #[test]
        fn what_is_found_in_lines_does_not_depend_on_who_looks(
            lines in proptest::collection::vec("(\\{\"a\": ?)?([{}\",:1a ]|\\[1\\]){0,6}(\\})?\r?", 0..8),
            capacity in 1..40_usize,
        ) {
            let text = lines.join("\n");
            let whole = shown_of(&mut text.as_bytes(), Split::Lines { from: 1 }).0;
            // Only what the end of the text is called differs.
            let named = |found: Vec<String>| -> Vec<String> {
                found.into_iter().map(|row| row.replace("the file ends in the middle of a value", "a value is not closed")).collect()
            };
            prop_assert_eq!(named(shown_with(&text, 4096)), named(whole.clone()));
            prop_assert_eq!(named(shown_with(&text, capacity)), named(whole));
        }
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
    fn elements_of_a_list_that_is_all_of_an_object_are_values() {
        let pretty =
            "{\n \"Records\" : [\n  {\"a\": [1]},\n  {\"a\": \"]}\"} ],\n \"b\": \"]}\\\"\", \"c\": [{}]\n}\n{\"d\":1}";
        assert_eq!(shown(pretty), ["3:{\"a\": [1]}", "4:{\"a\": \"]}\"}", "7:{\"d\":1}"]);
        assert_eq!(shown("{\"Records\":[]}{\"Records\":[{}]}"), ["1:{}"]);
        assert_eq!(shown("[{\"Records\":[{}]},{\"e\":1}]"), ["1:{}", "1:{\"e\":1}"]);
        assert_eq!(shown("{\"Records\":[5]}"), ["1:5"]);
        // Another key, or another place, is a part of a value.
        for text in ["{\"Other\":[{}]}", "{\"a\":{\"Records\":[{}]}}", "{\"a\":1,\"Records\":[{}]}"] {
            assert_eq!(shown(text), [format!("1:{text}")]);
        }
        let cut = "the file ends in the middle of a value";
        assert_eq!(shown("{\"Records\":[{\"a\":1},"), ["1:{\"a\":1}".to_owned(), format!("1!{cut}")]);
        assert_eq!(shown("{\"Records\":[{\"a\":1}]"), ["1:{\"a\":1}".to_owned(), format!("1!{cut}")]);
        assert_eq!(shown("{\"Records\":[{\"a\":1}]\n{\"b\":1}"), ["1:{\"a\":1}", "2:{\"b\":1}"]);
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
