//! What modifiers make of a value before it is compared.
//!
//! `step` (a field of another step of the rule) says that no single event decides; the check itself answers to it.
//!
//! Source for Sigma's: the appendix "Modifiers" of its specification; the others are the predicate model's own.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ruleatlas_model::{Modifier, Modifiers, Op, Predicate};

use crate::verdict::UnknownReason;

/// The texts that the values of a predicate are encoded to by its modifiers, at most `most`.
///
/// # Errors
/// Why they cannot be had.
pub fn encoded_values(predicate: &Predicate, most: usize) -> Result<Vec<String>, &'static str> {
    let transforms = Transforms::read(&predicate.modifiers).map_err(Modifier::name)?;
    if transforms.encode() && (transforms.windash || matches!(predicate.op, Op::Wildcard)) {
        return Err(UnknownReason::PatternCannotBeEncoded.as_str());
    }
    let mut values = Vec::with_capacity(predicate.values.len());
    for value in &predicate.values {
        values.extend(transforms.encoded(value).map_err(UnknownReason::as_str)?);
    }
    let is_few = !transforms.encode() || values.len() <= most.max(predicate.values.len());
    if is_few { Ok(values) } else { Err(UnknownReason::TooManyEncodings.as_str()) }
}

/// What a predicate's modifiers say of its comparison.
#[derive(Clone, Debug, Default)]
pub(crate) struct Transforms {
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

impl Transforms {
    /// Reads modifiers; the first one that cannot be evaluated is the error.
    pub(crate) fn read(modifiers: &Modifiers) -> Result<Self, Modifier> {
        let mut read = Self::default();
        for modifier in modifiers.iter() {
            match modifier {
                Modifier::Base64 => read.encodings.push(Encoding::Base64),
                Modifier::Base64Offset => read.encodings.push(Encoding::Base64Offset),
                Modifier::Utf16Le => read.encodings.push(Encoding::Utf16 { little: true, mark: false }),
                Modifier::Utf16Be => read.encodings.push(Encoding::Utf16 { little: false, mark: false }),
                Modifier::Utf16 => read.encodings.push(Encoding::Utf16 { little: true, mark: true }),
                Modifier::Windash => read.windash = true,
                Modifier::Expand => read.expand = true,
                Modifier::Prefix => read.prefix = true,
                Modifier::Suffix => read.suffix = true,
                Modifier::MultiLine => read.multi_line = true,
                Modifier::DotAll => read.dot_all = true,
                Modifier::Anchored => read.anchored = true,
                Modifier::AnchoredStart => read.anchored_start = true,
                Modifier::Truthy => read.truthy = true,
                Modifier::Json => read.json = true,
                Modifier::Contains => read.contains = true,
                Modifier::StartsWith => read.starts_with = true,
                Modifier::EndsWith => read.ends_with = true,
                Modifier::Fuzzy
                | Modifier::Proximity
                | Modifier::Step
                | Modifier::UrlDecode
                | Modifier::Confusables => return Err(modifier),
            }
        }
        Ok(read)
    }

    /// Whether the value's bytes are encoded.
    pub(crate) fn encode(&self) -> bool {
        !self.encodings.is_empty()
    }

    /// The texts that the value is encoded to, alternatives of each other.
    pub(crate) fn encoded(&self, value: &str) -> Result<Vec<String>, UnknownReason> {
        let mut alternatives = vec![value.as_bytes().to_vec()];
        for encoding in &self.encodings {
            let mut encoded = Vec::new();
            for bytes in alternatives {
                match encoding {
                    Encoding::Base64 => encoded.push(STANDARD.encode(bytes).into_bytes()),
                    Encoding::Base64Offset => encoded.extend((0..3).map(|offset| at_offset(&bytes, offset))),
                    Encoding::Utf16 { little, mark } => {
                        let text = String::from_utf8(bytes).map_err(|_| UnknownReason::EncodedValueIsNoText)?;
                        encoded.push(utf16(&text, *little, *mark));
                    }
                }
            }
            // Each `base64offset` triples them; nobody writes two.
            if encoded.len() > 9 {
                return Err(UnknownReason::TooManyEncodings);
            }
            alternatives = encoded;
        }
        let text = |bytes| String::from_utf8(bytes).map_err(|_| UnknownReason::EncodedValueIsNoText);
        alternatives.into_iter().map(text).collect()
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
