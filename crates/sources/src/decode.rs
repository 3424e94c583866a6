//! Bytes to text: UTF-8, UTF-16 as Windows tools write it, and Windows-1252 where a source is known to hold it.

use std::fmt;

/// How a text is written in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, with or without a byte-order mark.
    #[default]
    Utf8,
    /// UTF-16 with a byte-order mark.
    Utf16,
    /// UTF-16 without a byte-order mark, known by its zeros.
    Utf16Unmarked,
    /// Windows-1252, because the bytes are no UTF-8.
    Windows1252,
}

impl Encoding {
    /// What the bytes were taken for, where they do not say so themselves.
    #[must_use]
    pub fn assumed(self) -> Option<&'static str> {
        match self {
            Self::Utf8 | Self::Utf16 => None,
            Self::Utf16Unmarked => Some("UTF-16"),
            Self::Windows1252 => Some("Windows-1252"),
        }
    }
}

/// A text without its byte-order mark, and how it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The text.
    pub text: String,
    /// Its encoding.
    pub encoding: Encoding,
}

/// Why bytes are no text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotText {
    /// What is wrong and what to do.
    pub reason: &'static str,
    /// The one-based line of the first byte that cannot be read.
    pub line: u32,
    /// Its one-based column, in characters.
    pub column: u32,
}

impl fmt::Display for NotText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

impl std::error::Error for NotText {}

impl NotText {
    /// At the end of what could be read.
    fn behind(read: &str, reason: &'static str) -> Self {
        let one_based = |count: usize| u32::try_from(count).unwrap_or(u32::MAX).saturating_add(1);
        let last = read.rsplit('\n').next().unwrap_or_default();
        Self { reason, line: one_based(read.matches('\n').count()), column: one_based(last.chars().count()) }
    }
}

/// Decodes UTF-8 and UTF-16. UTF-16 is known by its byte-order mark, or without one where nothing else can be meant.
///
/// ```
/// let decoded = ruleatlas_sources::decode(b"\xff\xfea\0".to_vec())?;
/// assert_eq!(decoded.text, "a");
/// assert!(ruleatlas_sources::decode(b"a\n\xe9".to_vec()).is_err_and(|error| error.line == 2));
/// # Ok::<(), ruleatlas_sources::NotText>(())
/// ```
///
/// # Errors
/// The bytes are neither.
pub fn decode(bytes: Vec<u8>) -> Result<Decoded, NotText> {
    let decoded = |text, encoding| Ok(Decoded { text, encoding });
    match bytes.as_slice() {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => {
            return Err(NotText { reason: "UTF-32 text; save the file as UTF-8", line: 1, column: 1 });
        }
        [0xff, 0xfe, rest @ ..] => return decoded(utf16(rest, u16::from_le_bytes)?, Encoding::Utf16),
        [0xfe, 0xff, rest @ ..] => return decoded(utf16(rest, u16::from_be_bytes)?, Encoding::Utf16),
        _ => {}
    }
    if let Some(text) = unmarked_utf16(&bytes) {
        return decoded(text, Encoding::Utf16Unmarked);
    }
    match String::from_utf8(bytes) {
        Ok(mut text) => {
            if text.starts_with('\u{feff}') {
                text.drain(..'\u{feff}'.len_utf8());
            }
            decoded(text, Encoding::Utf8)
        }
        Err(error) => {
            let valid = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
            Err(NotText::behind(&String::from_utf8_lossy(valid), "not UTF-8 text; save the file as UTF-8"))
        }
    }
}

/// [`decode`], and what is neither UTF-8 nor UTF-16 is read as Windows-1252, which nearly every sequence of bytes is: for
/// sources of which one knows that they hold such files.
///
/// # Errors
/// The bytes hold zeros, as binary files do.
pub fn decode_windows(bytes: Vec<u8>) -> Result<Decoded, NotText> {
    let is_single_byte = !bytes.contains(&0) && std::str::from_utf8(&bytes).is_err();
    if !is_single_byte || bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return decode(bytes);
    }
    let text = bytes.iter().map(|byte| windows_1252(*byte)).collect();
    Ok(Decoded { text, encoding: Encoding::Windows1252 })
}

fn units(bytes: &[u8], from: fn([u8; 2]) -> u16) -> impl Iterator<Item = u16> {
    bytes.chunks_exact(2).map(move |pair| match pair {
        [first, second] => from([*first, *second]),
        _ => 0,
    })
}

fn utf16(bytes: &[u8], from: fn([u8; 2]) -> u16) -> Result<String, NotText> {
    let mut text = String::with_capacity(bytes.len() / 2);
    for unit in char::decode_utf16(units(bytes, from)) {
        match unit {
            Ok(character) => text.push(character),
            Err(_) => {
                return Err(NotText::behind(&text, "UTF-16 text with half a character in it; save the file as UTF-8"));
            }
        }
    }
    if !bytes.len().is_multiple_of(2) {
        return Err(NotText::behind(&text, "UTF-16 text that ends within a character; save the file as UTF-8"));
    }
    Ok(text)
}

/// UTF-16 without a mark: every zero is the upper half of a unit, at least half of the units have one, and what is read
/// holds no control character.
fn unmarked_utf16(bytes: &[u8]) -> Option<String> {
    let first_zero = bytes.iter().position(|byte| *byte == 0)?;
    if !bytes.len().is_multiple_of(2) {
        return None;
    }
    let is_little = !first_zero.is_multiple_of(2);
    let mut zeros = 0_usize;
    for (at, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == 0) {
        if at.is_multiple_of(2) == is_little {
            return None;
        }
        zeros += 1;
    }
    if zeros < bytes.len().div_ceil(4) {
        return None;
    }
    let text = utf16(bytes, if is_little { u16::from_le_bytes } else { u16::from_be_bytes }).ok()?;
    let is_text = |character: char| !character.is_control() || matches!(character, '\n' | '\r' | '\t');
    text.chars().all(is_text).then_some(text)
}

/// The character of a byte of [Windows-1252](https://encoding.spec.whatwg.org/#windows-1252).
fn windows_1252(byte: u8) -> char {
    const UPPER: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘',
        '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    byte.checked_sub(0x80).and_then(|at| UPPER.get(usize::from(at)).copied()).unwrap_or(char::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "title: Größe 👾\n| where a == \"ж\"\n";

    fn wide(text: &str, to: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(to).collect()
    }

    #[test]
    fn utf16_is_read_with_and_without_its_mark() {
        for to in [u16::to_le_bytes, u16::to_be_bytes] {
            let marked = decode(wide(&format!("\u{feff}{TEXT}"), to));
            assert_eq!(marked, Ok(Decoded { text: TEXT.to_owned(), encoding: Encoding::Utf16 }));
            let unmarked = decode_windows(wide(TEXT, to));
            assert_eq!(unmarked, Ok(Decoded { text: TEXT.to_owned(), encoding: Encoding::Utf16Unmarked }));
        }
        let marked = decode(format!("\u{feff}{TEXT}").into_bytes());
        assert_eq!(marked, Ok(Decoded { text: TEXT.to_owned(), encoding: Encoding::Utf8 }));
        assert_eq!(decode(Vec::new()), Ok(Decoded { text: String::new(), encoding: Encoding::Utf8 }));
    }

    #[test]
    fn what_is_cut_or_binary_is_no_utf16() {
        let mut cut = wide(&format!("\u{feff}a\n{TEXT}"), u16::to_le_bytes);
        cut.pop();
        assert_eq!(decode(cut).map_err(|error| error.line), Err(3));
        // Half of a pair.
        assert_eq!(decode(vec![0xff, 0xfe, b'\n', 0, 0, 0xd8, b'a', 0]).map_err(|error| error.line), Err(2));
        assert!(decode(vec![0xff, 0xfe, 0, 0, b'a', 0, 0, 0]).is_err_and(|error| error.reason.contains("UTF-32")));
        // Zeros in both halves, too few of them, or control characters: not UTF-16.
        for binary in [&b"\x7fELF\0\0\x01\0"[..], b"abcdefgh\0i", b"\x01\0\x02\0"] {
            let encoding = decode(binary.to_vec()).map(|decoded| decoded.encoding);
            assert_ne!(encoding, Ok(Encoding::Utf16Unmarked), "{binary:?}");
        }
        assert_eq!(decode(b"a\nb\xe9".to_vec()).map_err(|error| error.line), Err(2));
    }

    #[test]
    fn windows_1252_is_what_is_no_unicode() {
        let decoded = decode_windows(b"\x93caf\xe9\x94".to_vec());
        assert_eq!(decoded, Ok(Decoded { text: "“café”".to_owned(), encoding: Encoding::Windows1252 }));
        assert_eq!(decode_windows(TEXT.into()).map(|decoded| decoded.encoding), Ok(Encoding::Utf8));
        assert!(decode_windows(vec![0xe9, 0, 0xe9]).is_err());
    }
}
