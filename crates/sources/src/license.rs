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
    Licenses::of(files).at("")
}

/// The licences that licence files name. One holds for its folder and all below it, up to the next: a source may hold
/// several repositories, each in a folder.
#[derive(Clone, Debug, Default)]
pub struct Licenses<'a> {
    /// Folders, and what the licence file in each says.
    by_folder: Vec<(&'a str, Option<&'static str>)>,
}

impl<'a> Licenses<'a> {
    /// Reads the licence files among a source's files.
    #[must_use]
    pub fn of(files: &'a [SourceFile]) -> Self {
        let by_folder = files.iter().filter_map(|file| {
            let (folder, name) = file.path.rsplit_once('/').unwrap_or(("", &file.path));
            let is_license = ["license", "license.txt", "license.md", "copying"]
                .iter()
                .any(|known| name.eq_ignore_ascii_case(known));
            is_license.then(|| (folder, file.text().and_then(named_in)))
        });
        Self { by_folder: by_folder.collect() }
    }

    /// The licence of the file at a path; `None` where no licence file holds for it or nobody knows that licence.
    #[must_use]
    pub fn at(&self, path: &str) -> Option<&'static str> {
        let holds =
            |folder: &str| folder.is_empty() || path.strip_prefix(folder).is_some_and(|inside| inside.starts_with('/'));
        let nearest = self.by_folder.iter().filter(|(folder, _)| holds(folder)).max_by_key(|(folder, _)| folder.len());
        nearest.and_then(|(_, license)| *license)
    }
}

fn named_in(text: &str) -> Option<&'static str> {
    let text: String = text.chars().take(4000).collect();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    PHRASES.iter().find(|(phrase, _)| text.contains(phrase)).map(|(_, license)| *license)
}
