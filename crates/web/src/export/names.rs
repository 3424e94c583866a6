//! Which file a page becomes.

use std::collections::BTreeSet;

use crate::text::{decoded, encoded_path};

/// Bytes of a part of a path that every file system takes, with room for an ending.
const MAX_NAME_BYTES: usize = 180;

/// Gives every page a place of its own, also where a file system does not tell case apart.
#[derive(Default)]
pub(super) struct Names(BTreeSet<String>);

impl Names {
    /// The place of a page: parts joined by `/`, nothing for the first page.
    ///
    /// It is the address itself where every file system and every web host can have it so; else the first part of the
    /// address and a hash of the whole. Rules name themselves: nothing of such a name but plain characters gets here.
    pub(super) fn name(&mut self, address: &str) -> String {
        let parts: Vec<String> = address.split('/').skip(1).map(|part| decoded(&part.replace('+', "%2B"))).collect();
        let name = parts.join("/");
        let is_plain = address == "/" || parts.iter().all(|part| is_plain(part));
        // The parts must be those of the address: one with an encoded stroke in it would become two.
        if is_plain && self.0.insert(name.to_ascii_lowercase()) {
            return name;
        }
        let topic = parts.first().filter(|part| self::is_plain(part));
        let hash = blake3::hash(address.as_bytes()).to_hex();
        let name = format!("{}/~{}", topic.map_or("page", String::as_str), &hash[..20]);
        self.0.insert(name.clone());
        name
    }
}

/// Whether every file system and host can have a part of an address as the name of a folder.
fn is_plain(part: &str) -> bool {
    let is_fine = |byte: u8| matches!(byte, b' '..=b'~') && !b"<>:\"/\\|?*%".contains(&byte);
    let lower = part.to_ascii_lowercase();
    let stem = lower.split('.').next().unwrap_or_default();
    let is_device = matches!(stem, "con" | "prn" | "aux" | "nul")
        || (stem.len() == 4
            && (stem.starts_with("com") || stem.starts_with("lpt"))
            && stem.as_bytes()[3].is_ascii_digit());
    !part.is_empty()
        && part.len() <= MAX_NAME_BYTES
        && part.bytes().all(is_fine)
        && !part.starts_with(['.', ' ', '~'])
        && !part.ends_with(['.', ' '])
        && !is_device
        // These would be taken for files of the site itself.
        && lower != "index.html"
        && std::path::Path::new(&lower).extension().is_none_or(|end| end != "json")
}

/// The file of the page at a place.
pub(super) fn page_file(name: &str) -> String {
    match name {
        "" => "index.html".to_owned(),
        // It is a file's name already.
        _ if name.ends_with(".json") => name.to_owned(),
        _ => format!("{name}/index.html"),
    }
}

/// The file of the JSON of the page at a place.
pub(super) fn json_file(name: &str) -> String {
    match name {
        "" => "api/v1/index.json".to_owned(),
        // It is a file's name already.
        _ if name.ends_with(".json") => format!("api/v1/{name}"),
        _ => format!("api/v1/{name}.json"),
    }
}

/// The address of a place or file.
pub(super) fn address(name: &str) -> String {
    format!("/{}", encoded_path(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_the_file_of_its_address_where_it_can_be() {
        let mut names = Names::default();
        for (address, file) in [
            ("/", "index.html"),
            ("/about/notices", "about/notices/index.html"),
            ("/technique/T1071.001", "technique/T1071.001/index.html"),
            ("/rule/sigma/a%230%20b+c", "rule/sigma/a#0 b+c/index.html"),
        ] {
            assert_eq!(page_file(&names.name(address)), file);
        }
        assert_eq!(json_file("technique/T1071.001"), "api/v1/technique/T1071.001.json");
        assert_eq!(super::address("rule/sigma/a#0 b"), "/rule/sigma/a%230%20b");
    }

    #[test]
    fn what_no_file_system_or_host_would_keep_apart_gets_a_hash() {
        let mut names = Names::default();
        assert_eq!(names.name("/field/Image"), "field/Image");
        let mut seen = BTreeSet::from(["field/image".to_owned()]);
        let long = format!("/field/{}", "a".repeat(300));
        for address in [
            "/field/IMAGE",
            "/field/..",
            "/field/%2e%2e%2f%2e%2e%2fetc",
            "/field/%2Fetc%2Fpasswd",
            "/field/..%5C..%5Cx",
            "/field/a%2Fb",
            "/field//b",
            "/field/.git",
            "/field/a.",
            "/field/CON",
            "/field/com1.txt",
            "/field/a%00b",
            "/field/a%0Ab",
            "/field/%C3%A9",
            "/field/a:b",
            "/field/a%25b",
            "/field/index.html",
            "/field/x.JSON",
            "/field/~0123",
            &long,
        ] {
            let name = names.name(address);
            let (topic, hash) = name.split_once('/').unwrap();
            assert_eq!(topic, "field", "{address}");
            assert!(hash.len() == 21 && hash[1..].bytes().all(|byte| byte.is_ascii_hexdigit()), "{address}: {name}");
            assert!(seen.insert(name.to_lowercase()), "{address}");
        }
        assert!(names.name("/../x").starts_with("page/~"));
    }
}
