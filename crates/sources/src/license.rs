use crate::SourceFile;

/// What a licence's text says in its first lines, and the licence's identifier.
const PHRASES: [(&str, &str); 8] = [
    ("detection rule license (drl) 1.1", "DRL-1.1"),
    ("elastic license 2.0", "Elastic-2.0"),
    ("apache license", "Apache-2.0"),
    ("mit license", "MIT"),
    ("bsd 3-clause", "BSD-3-Clause"),
    ("gnu affero general public license", "AGPL-3.0"),
    ("gnu general public license", "GPL-3.0"),
    (
        "mitre corporation (mitre) hereby grants you a non-exclusive, royalty-free license to use att&ck",
        "ATT&CK terms of use",
    ),
];

/// The licence that the source's own licence file names; `None` where there is none or nobody knows it.
#[must_use]
pub fn license_of(files: &[SourceFile]) -> Option<&'static str> {
    let is_license = |file: &&SourceFile| {
        let name = file.path.to_ascii_lowercase();
        matches!(name.as_str(), "license" | "license.txt" | "license.md" | "copying")
    };
    let text: String = files.iter().find(is_license)?.text()?.chars().take(4000).collect();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    PHRASES.iter().find(|(phrase, _)| text.contains(phrase)).map(|(_, license)| *license)
}
