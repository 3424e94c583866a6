//! What modifiers make of a value before it is compared.
//!
//! `step` (a field of another step of the rule) says that no single event decides; the check itself answers to it.
//!
//! Source for Sigma's: the appendix "Modifiers" of its specification; the others are the predicate model's own.

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// Something that cannot be done, as a reason's phrase.
pub(crate) type Why = &'static str;

/// A predicate's modifiers, read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Modifiers {
    encodings: Vec<Encoding>,
    /// Dashes at the start of words stand for each other.
    pub(crate) windash: bool,
    /// The value is filled in from outside.
    pub(crate) expand: bool,
    /// A term begins with the value.
    pub(crate) prefix: bool,
    /// A term ends with the value.
    pub(crate) suffix: bool,
    /// `^` and `$` match at lines.
    pub(crate) multi_line: bool,
    /// `.` matches a line's end.
    pub(crate) dot_all: bool,
    /// A regular expression describes the whole value.
    pub(crate) anchored: bool,
    /// A regular expression describes the value from its start on.
    pub(crate) anchored_start: bool,
    /// A value that is empty, zero or false counts as none.
    pub(crate) truthy: bool,
    /// A value that is a text and no JSON counts as none.
    pub(crate) json: bool,
    /// For another field's value: it is contained, it begins, it ends the field's.
    pub(crate) contains: bool,
    pub(crate) starts_with: bool,
    pub(crate) ends_with: bool,
}

#[derive(Clone, Copy, Debug)]
enum Encoding {
    Base64,
    Base64Offset,
    Utf16 { little: bool, mark: bool },
}

impl Modifiers {
    /// Reads modifiers; the first one that is not known is the error.
    pub(crate) fn read<'m>(names: impl Iterator<Item = &'m str>) -> Result<Self, &'m str> {
        let mut read = Self::default();
        for name in names {
            let encoding = match name {
                "base64" => Encoding::Base64,
                "base64offset" => Encoding::Base64Offset,
                "utf16le" | "wide" => Encoding::Utf16 { little: true, mark: false },
                "utf16be" => Encoding::Utf16 { little: false, mark: false },
                "utf16" => Encoding::Utf16 { little: true, mark: true },
                _ => {
                    *match name {
                        "windash" => &mut read.windash,
                        "expand" => &mut read.expand,
                        "prefix" => &mut read.prefix,
                        "suffix" => &mut read.suffix,
                        "m" => &mut read.multi_line,
                        "s" => &mut read.dot_all,
                        "anchored" => &mut read.anchored,
                        "anchored_start" => &mut read.anchored_start,
                        "truthy" => &mut read.truthy,
                        "json" => &mut read.json,
                        "contains" => &mut read.contains,
                        "startswith" => &mut read.starts_with,
                        "endswith" => &mut read.ends_with,
                        _ => return Err(name),
                    } = true;
                    continue;
                }
            };
            read.encodings.push(encoding);
        }
        Ok(read)
    }

    /// Whether the value's bytes are encoded.
    pub(crate) fn encode(&self) -> bool {
        !self.encodings.is_empty()
    }

    /// The texts that the value is encoded to, alternatives of each other.
    pub(crate) fn encoded(&self, value: &str) -> Result<Vec<String>, Why> {
        let mut alternatives = vec![value.as_bytes().to_vec()];
        for encoding in &self.encodings {
            let mut encoded = Vec::new();
            for bytes in alternatives {
                match encoding {
                    Encoding::Base64 => encoded.push(STANDARD.encode(bytes).into_bytes()),
                    Encoding::Base64Offset => encoded.extend((0..3).map(|offset| at_offset(&bytes, offset))),
                    Encoding::Utf16 { little, mark } => {
                        let text = String::from_utf8(bytes).map_err(|_| "encoded value is no text")?;
                        encoded.push(utf16(&text, *little, *mark));
                    }
                }
            }
            // Each `base64offset` triples them; nobody writes two.
            if encoded.len() > 9 {
                return Err("value has too many encodings");
            }
            alternatives = encoded;
        }
        alternatives.into_iter().map(|bytes| String::from_utf8(bytes).map_err(|_| "encoded value is no text")).collect()
    }
}

/// The part of the base64 text that is the same whatever stands before and behind, for bytes that begin `offset`
/// bytes after a multiple of three.
fn at_offset(bytes: &[u8], offset: usize) -> Vec<u8> {
    let mut shifted = vec![b' '; offset];
    shifted.extend_from_slice(bytes);
    let encoded = STANDARD.encode(&shifted).into_bytes();
    // Six bits a character: the first whole one, and the last.
    let first = (offset * 8).div_ceil(6);
    let end = shifted.len() * 8 / 6;
    encoded.get(first..end).unwrap_or_default().to_vec()
}

fn utf16(text: &str, little: bool, mark: bool) -> Vec<u8> {
    let units = mark.then_some(0xFEFF).into_iter().chain(text.encode_utf16());
    units.flat_map(|unit: u16| if little { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect()
}
