use std::{cmp::Ordering, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::named::named;

named! {
    /// What transforms a predicate's value or match.
    Modifier {
        /// The value is searched for in base64.
        Base64 = "base64",
        /// The value is searched for in base64, at any offset of the encoded text.
        Base64Offset = "base64offset",
        /// The value is encoded as UTF-16, little-endian.
        Utf16Le = "utf16le",
        /// The value is encoded as UTF-16, big-endian.
        Utf16Be = "utf16be",
        /// The value is encoded as UTF-16, little-endian, with a byte-order mark.
        Utf16 = "utf16",
        /// Dashes at the start of words stand for each other.
        Windash = "windash",
        /// The value is a placeholder that is filled in from outside.
        Expand = "expand",
        /// A term begins with the value.
        Prefix = "prefix",
        /// A term ends with the value.
        Suffix = "suffix",
        /// The value matches with some letters changed.
        Fuzzy = "fuzzy",
        /// The words of the value match at some distance from each other.
        Proximity = "proximity",
        /// In a regular expression, `^` and `$` match at lines.
        MultiLine = "m",
        /// In a regular expression, `.` matches the end of a line.
        DotAll = "s",
        /// A regular expression describes the whole value.
        Anchored = "anchored",
        /// A regular expression describes the value from its start.
        AnchoredStart = "anchored_start",
        /// A test for presence counts a value that is empty, zero or false as missing.
        Truthy = "truthy",
        /// A test for presence counts a text that is no JSON as missing.
        Json = "json",
        /// The field's value contains the other field's.
        Contains = "contains",
        /// The field's value starts with the other field's.
        StartsWith = "startswith",
        /// The field's value ends with the other field's.
        EndsWith = "endswith",
        /// The other field is one of another step's event.
        Step = "step",
        /// The field's value is percent-decoded before it is compared.
        UrlDecode = "url_decode",
        /// Characters of the field's value that look like others are replaced before it is compared.
        Confusables = "confusables",
    }
}

/// The modifiers of a predicate in the order in which they apply; mostly none.
///
/// As data and on pages they are one text with `|` between the names (`utf16le|base64offset`), and none is null.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Modifiers(Vec<Modifier>);

impl Modifiers {
    /// No modifier.
    pub const NONE: Self = Self(Vec::new());

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them is this.
    #[must_use]
    pub fn contains(&self, modifier: Modifier) -> bool {
        self.0.contains(&modifier)
    }

    /// Whether this is the only one.
    #[must_use]
    pub fn is_only(&self, modifier: Modifier) -> bool {
        self.0 == [modifier]
    }

    /// Adds one that applies after the others.
    pub fn push(&mut self, modifier: Modifier) {
        self.0.push(modifier);
    }

    /// The modifiers, in order.
    pub fn iter(&self) -> impl Iterator<Item = Modifier> + '_ {
        self.0.iter().copied()
    }

    /// The text; `None` where there is no modifier.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        (!self.is_empty()).then(|| self.to_string())
    }

    /// Bytes of the text.
    #[must_use]
    pub fn text_len(&self) -> usize {
        let names: usize = self.iter().map(|modifier| modifier.name().len()).sum();
        names + self.0.len().saturating_sub(1)
    }

    /// The bytes of the text.
    fn bytes(&self) -> impl Iterator<Item = u8> + '_ {
        self.iter().enumerate().flat_map(|(at, modifier)| {
            let separator = (at > 0).then_some(b'|');
            separator.into_iter().chain(modifier.name().bytes())
        })
    }
}

impl From<Modifier> for Modifiers {
    fn from(modifier: Modifier) -> Self {
        Self(vec![modifier])
    }
}

impl From<Option<Modifier>> for Modifiers {
    fn from(modifier: Option<Modifier>) -> Self {
        modifier.into_iter().collect()
    }
}

impl FromIterator<Modifier> for Modifiers {
    fn from_iter<I: IntoIterator<Item = Modifier>>(modifiers: I) -> Self {
        Self(modifiers.into_iter().collect())
    }
}

impl fmt::Display for Modifiers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, modifier) in self.iter().enumerate() {
            if at > 0 {
                f.write_str("|")?;
            }
            f.write_str(modifier.name())?;
        }
        Ok(())
    }
}

impl FromStr for Modifiers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.split('|').filter(|name| !name.is_empty()).map(str::parse).collect()
    }
}

/// As their texts are ordered.
impl Ord for Modifiers {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bytes().cmp(other.bytes())
    }
}

impl PartialOrd for Modifiers {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Serialize for Modifiers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.is_empty() { serializer.serialize_none() } else { serializer.collect_str(self) }
    }
}

impl<'de> Deserialize<'de> for Modifiers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text: Option<String> = Deserialize::deserialize(deserializer)?;
        text.unwrap_or_default().parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_data_they_are_one_text() {
        let several: Modifiers = [Modifier::Utf16Le, Modifier::Base64Offset].into_iter().collect();
        for (modifiers, text) in [
            (Modifiers::NONE, "null"),
            (Modifier::Windash.into(), "\"windash\""),
            (several, "\"utf16le|base64offset\""),
        ] {
            assert_eq!(serde_json::to_string(&modifiers).unwrap(), text);
            assert_eq!(serde_json::from_str::<Modifiers>(text).unwrap(), modifiers);
            assert_eq!(modifiers.text_len(), modifiers.to_string().len());
        }
        assert!(serde_json::from_str::<Modifiers>("\"windash|acme\"").is_err());
    }

    #[test]
    fn they_are_ordered_as_their_texts() {
        let all = Modifier::ALL;
        let mut modifiers: Vec<Modifiers> = all
            .iter()
            .flat_map(|first| all.iter().map(move |second| [*first, *second].into_iter().collect()))
            .chain(all.iter().map(|only| (*only).into()))
            .chain([Modifiers::NONE])
            .collect();
        modifiers.sort();
        let texts: Vec<String> = modifiers.iter().map(ToString::to_string).collect();
        assert!(texts.is_sorted());
    }
}
