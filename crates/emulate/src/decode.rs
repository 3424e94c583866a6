//! Encoded commands, within bounds.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

/// Bytes that an encoded command may have.
const MAX_ENCODED_BYTES: usize = 1 << 20;

/// The script of PowerShell's `-EncodedCommand`: UTF-16 in base64.
pub(crate) fn encoded_command(text: &str) -> Option<String> {
    if text.len() > MAX_ENCODED_BYTES {
        return None;
    }
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let bytes = GeneralPurpose::new(&alphabet::STANDARD, config).decode(text.trim()).ok()?;
    let units = bytes.chunks_exact(2).filter_map(|pair| Some(u16::from_le_bytes(pair.try_into().ok()?)));
    String::from_utf16(&units.collect::<Vec<u16>>()).ok().filter(|script| !script.is_empty())
}

#[cfg(test)]
mod tests {
    use super::encoded_command;

    #[test]
    fn an_encoded_command_is_utf_16() {
        assert_eq!(encoded_command("dwBoAG8AYQBtAGkA").as_deref(), Some("whoami"));
        for text in ["", "dw", "!!", "AA==", "ANg="] {
            assert_eq!(encoded_command(text), None, "{text}");
        }
    }
}
