//! Headings of a page: which name what the page is about, and which only say what kind of text stands under them.

/// Words of headings that say what kind of text stands under them (`Detection Query`, `MITRE ATT&CK Technique(s)`,
/// `Hunt Tags`). A heading of nothing else names nothing.
const KIND_WORDS: &str = "about action actions additional advanced alert alerts analytic analytics appendix att&ck \
    attack author authors azure background blind changelog code comment comments contents contributor contributors \
    credit credits data date description detail details detection detections disclaimer documentation example examples \
    explanation false general goal history how hunt hunting hypothesis id idea info information introduction known kql \
    kusto level license licence limitations link links log logs mapping mappings matrix metadata mitigation mitre name \
    note notes objective optional output overview platform platforms positive positives prerequisite prerequisites purpose \
    queries query reading recommendation recommendations reference references related remediation requirement \
    requirements resource resources response result results risk rule rules sample samples schema screenshot \
    screenshots search searches spl splunk severity solution source sources spots status step steps summary tables table tactic tactics tag tags \
    technical technique techniques template test testing title toc triage ttp ttps tuning type update updates usage use used \
    using validation version versions view";

/// Words that join others.
const JOINING_WORDS: &str = "a an and by for from in of on or s the this to with";

/// Products: a heading of one alone says for which a query is.
const PRODUCTS: &str = "365 cloud defender endpoint entra identity m365 mda mde mdi mdo microsoft office sentinel xdr";

/// So many words of kinds and products name something.
const NAMING_WORDS: usize = 4;

/// A heading's depth and text.
pub(super) fn read(line: &str) -> Option<(usize, &str)> {
    let rest = line.trim_start_matches('#');
    let depth = line.len() - rest.len();
    ((1..=6).contains(&depth) && rest.starts_with([' ', '\t'])).then(|| {
        let text = rest.trim().trim_end_matches('#').trim();
        (depth, text.trim_matches(['*', '_']).trim_end_matches(':').trim())
    })
}

/// Whether a heading says what kind of text stands under it, and not what that is about.
pub(super) fn is_generic(heading: &str) -> bool {
    words_of(heading).all(|word| is_among(&word, KIND_WORDS) || is_among(&word, JOINING_WORDS) || is_number(&word))
}

/// Whether a heading can be a page's title: it says more than a kind of text and a product, or so much of both that it
/// names something (`Sentinel - updates of analytic rules`).
pub(super) fn is_title(heading: &str) -> bool {
    let words: Vec<String> = words_of(heading).filter(|word| !is_among(word, JOINING_WORDS)).collect();
    let is_product = |word: &String| is_among(word, PRODUCTS);
    let is_kind = |word: &String| is_among(word, KIND_WORDS) || is_number(word);
    words.iter().any(|word| !is_product(word) && !is_kind(word))
        || (words.len() >= NAMING_WORDS && words.iter().any(is_product) && words.iter().any(is_kind))
}

fn words_of(heading: &str) -> impl Iterator<Item = String> {
    let words = heading.split(|character: char| !character.is_alphanumeric() && character != '&');
    let words = words.map(|word| word.trim_matches('&').to_lowercase()).filter(|word| !word.is_empty());
    // `ATT&amp;CK` is written so in HTML.
    words.map(|word| if word == "att&amp" { "att&ck".to_owned() } else { word }).filter(|word| word != "ck")
}

fn is_among(word: &str, words: &str) -> bool {
    words.split_whitespace().any(|known| known == word)
}

/// Whether a word is a number, or the id of a technique: neither says what a text is about.
fn is_number(word: &str) -> bool {
    let digits = word.strip_prefix('t').filter(|digits| digits.len() == 4).unwrap_or(word);
    digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// A file's name as words: `Night_Logons-of-Guests` is `Night Logons of Guests`.
pub(super) fn words(stem: &str) -> String {
    let stem = stem.replace("%20", " ");
    let has_blanks = stem.contains(char::is_whitespace);
    // Without any mark between them words are told apart by their capitals.
    let is_camel = !stem.contains([' ', '_', '-']);
    let mut words = String::with_capacity(stem.len() + 8);
    let mut was_lower = false;
    for character in stem.chars() {
        match character {
            '_' | '-' if !has_blanks || character == '_' => words.push(' '),
            _ => {
                if is_camel && was_lower && character.is_uppercase() {
                    words.push(' ');
                }
                words.push(character);
            }
        }
        was_lower = character.is_lowercase();
    }
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heading_of_kind_words_names_nothing() {
        for heading in [
            "MITRE ATT&CK Technique(s)",
            "MITRE ATT&amp;CK",
            "Hunt Tags",
            "Query",
            "KQL Query 1:",
            "Description",
            "How to use the query",
            "🔍 Detection",
            "",
        ] {
            assert!(is_generic(heading) && !is_title(heading), "{heading}");
        }
        for heading in [
            "Logons at night",
            "Sentinel - updates of analytic rules",
            "Detect Mimikatz",
            "Query for Cobalt Strike",
            "Ransomware",
        ] {
            assert!(!is_generic(heading) && is_title(heading), "{heading}");
        }
        assert!(!is_generic("Defender XDR") && !is_title("Microsoft Defender XDR") && !is_title("Sentinel query"));
    }

    #[test]
    fn a_file_s_name_is_read_as_words() {
        assert_eq!(words("Night_Logons-of-Guests"), "Night Logons of Guests");
        assert_eq!(words("Logons - at%20night"), "Logons - at night");
        assert_eq!(words("T1059.001_PowerShell"), "T1059.001 PowerShell");
        assert_eq!(words("OddLogonOfGuest"), "Odd Logon Of Guest");
    }
}
