//! How much a JSON or TOML file may hold, looked at before a parser makes something of it.
//!
//! A file of brackets or commas is made into values many times its own size, and some parsers read a nested value to the
//! end before they refuse it. Counting its punctuation takes no memory.

/// Values that one file may hold.
const MAX_VALUES: usize = 2_000_000;
/// Keys of a TOML file; a key takes more memory than a value of a list.
const MAX_TOML_LINES: usize = 500_000;
/// Tables of a TOML file, those between the parts of a dotted key too: each takes about two kilobytes while it is read.
const MAX_TOML_TABLES: usize = 100_000;
/// How deep lists and tables may nest.
const MAX_DEPTH: usize = 128;

/// Why a file is not read, and the one-based line where it becomes too much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TooMuch {
    pub message: String,
    pub line: u32,
}

/// Looks at a JSON text. It need not be well-formed: the parser says what is wrong with it.
pub(crate) fn json(text: &str) -> Result<(), TooMuch> {
    let mut count = Count::new(text);
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at = match byte {
            b'"' => string_end(bytes, at, b'"', true),
            _ => {
                count.take(*byte, at)?;
                at + 1
            }
        };
    }
    Ok(())
}

/// Looks at a TOML text. It need not be well-formed.
pub(crate) fn toml(text: &str) -> Result<(), TooMuch> {
    let mut count = Count::new(text);
    let (mut lines, mut tables) = (0, 0);
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at = match byte {
            b'"' | b'\'' if bytes.get(at..at + 3).is_some_and(|marks| marks.iter().all(|mark| mark == byte)) => {
                block_end(bytes, at, *byte)
            }
            // A text without its closing quote ends with its line.
            b'"' | b'\'' => string_end(bytes, at, *byte, *byte == b'"'),
            b'#' => bytes[at..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |length| at + length),
            // Each line is a key or a table.
            b'\n' => {
                count.values += 1;
                lines += 1;
                if lines > MAX_TOML_LINES {
                    return Err(count.too_much(format!("more than {MAX_TOML_LINES} lines in one file; split it"), at));
                }
                // A header is a table, or one of a list of tables.
                tables += usize::from(bytes.get(at + 1) == Some(&b'['));
                count.fits(at)?;
                // A bracket that its line leaves open is a list that goes on, or a fault that the parser finds.
                at + 1
            }
            _ => {
                tables += usize::from(matches!(byte, b'{' | b'.'));
                count.take(*byte, at)?;
                at + 1
            }
        };
        if tables > MAX_TOML_TABLES {
            return Err(count.too_much(format!("more than {MAX_TOML_TABLES} tables in one file; split it"), at));
        }
    }
    Ok(())
}

struct Count<'t> {
    text: &'t str,
    values: usize,
    depth: usize,
}

impl<'t> Count<'t> {
    fn new(text: &'t str) -> Self {
        Self { text, values: 0, depth: 0 }
    }

    fn take(&mut self, byte: u8, at: usize) -> Result<(), TooMuch> {
        match byte {
            b'[' | b'{' => {
                self.depth += 1;
                self.values += 1;
            }
            b']' | b'}' => self.depth = self.depth.saturating_sub(1),
            b',' | b'.' => self.values += 1,
            _ => return Ok(()),
        }
        self.fits(at)
    }

    fn fits(&self, at: usize) -> Result<(), TooMuch> {
        let message = match () {
            () if self.depth > MAX_DEPTH => format!("nested deeper than {MAX_DEPTH} levels"),
            () if self.values > MAX_VALUES => format!("more than {MAX_VALUES} values in one file; split it"),
            () => return Ok(()),
        };
        Err(self.too_much(message, at))
    }

    fn too_much(&self, message: String, at: usize) -> TooMuch {
        let lines = self.text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count();
        TooMuch { message, line: u32::try_from(lines).unwrap_or(u32::MAX).saturating_add(1) }
    }
}

/// One past the quote that ends a text, or where its line ends.
fn string_end(bytes: &[u8], start: usize, quote: u8, escapes: bool) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' if escapes => at += 1,
            b'\n' => return at,
            byte if *byte == quote => return at + 1,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

/// One past the three quotes that end a text of several lines; the text's end where they are missing.
fn block_end(bytes: &[u8], start: usize, quote: u8) -> usize {
    let mut at = start + 3;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' if quote == b'"' => at += 1,
            byte if *byte == quote && bytes.get(at..at + 3) == Some(&[quote; 3][..]) => {
                at += 3;
                // Quotes may stand before the closing ones.
                while bytes.get(at) == Some(&quote) {
                    at += 1;
                }
                return at;
            }
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nesting_counts_outside_of_texts_only() {
        let deep = "[".repeat(MAX_DEPTH + 1);
        let line = |result: Result<(), TooMuch>| result.map_err(|fault| fault.line);
        assert_eq!(line(toml(&format!("a = 1\nb = {deep}"))), Err(2));
        assert_eq!(line(json(&format!("\n\n{deep}"))), Err(3));
        for text in [
            format!("a = \"{deep}\""),
            format!("a = '{deep}'"),
            format!("a = \"\"\"\n{deep} \\\"\"\" {deep}\n\"\"\""),
            format!("a = '''\n{deep}\n''''"),
            format!("# {deep}\n"),
            format!("a = \"\\\"{deep}\""),
            "a = []\n".repeat(MAX_DEPTH + 1),
        ] {
            assert_eq!(toml(&text), Ok(()), "{text}");
        }
        assert_eq!(json(&format!("{{\"a\": \"\\\"{deep}\"}}")), Ok(()));
    }

    #[test]
    fn values_of_one_file_are_counted() {
        let many = format!("[{}0]", "0,".repeat(MAX_VALUES + 1));
        assert!(json(&many).is_err_and(|fault| fault.message.contains("more than 2000000 values")));
        assert!(toml(&format!("a = {many}")).is_err());
        assert!(toml(&"a\n".repeat(MAX_TOML_LINES + 1)).is_err_and(|fault| fault.message.contains("lines")));
    }

    #[test]
    fn tables_of_a_toml_file_are_counted_however_they_are_written() {
        let many = MAX_TOML_TABLES + 1;
        for text in [
            "a = 1\n[t]\n".repeat(many),
            "[[t]]\n".repeat(many + 1),
            format!("a{} = 1", ".b".repeat(many)),
            format!("a = [{}]", "{b = 1},".repeat(many)),
        ] {
            assert!(toml(&text).is_err_and(|fault| fault.message.contains("tables")), "{}", &text[..20]);
        }
        assert_eq!(toml(&"[t]\na = 1\n".repeat(1000)), Ok(()));
    }
}
