//! The queries of the public Kusto repositories, where `RULEATLAS_CORPORA` says that there are some.

use std::{fs, path::Path};

/// A text that may be a query.
pub struct Found {
    pub place: String,
    pub text: String,
    /// A block that does not say that it is Kusto.
    pub unmarked: bool,
}

/// The texts below a folder.
pub fn walk(folder: &Path, found: &mut Vec<Found>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            walk(&path, found);
            continue;
        }
        let Ok(bytes) = fs::read(&path) else { continue };
        let text = String::from_utf8_lossy(&bytes);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let place = path.display().to_string();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("kql" | "csl" | "txt") => found.push(Found { place, text: text.to_owned(), unmarked: false }),
            Some("yaml" | "yml") => {
                let Ok(parsed) = ruleatlas_yaml::parse(text) else { continue };
                for document in &parsed.documents {
                    if let Some(query) = document.text_of("query") {
                        found.push(Found { place: place.clone(), text: query.to_owned(), unmarked: false });
                    }
                }
            }
            Some("md") => blocks(text, &place, found),
            _ => {}
        }
    }
}

fn blocks(text: &str, place: &str, found: &mut Vec<Found>) {
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(mark) = line.trim_start().strip_prefix("```") else { continue };
        let mark = mark.trim().to_ascii_lowercase();
        let body: Vec<_> = lines.by_ref().take_while(|line| !line.trim_start().starts_with("```")).collect();
        if matches!(mark.as_str(), "" | "kql" | "kusto" | "c#") {
            found.push(Found { place: place.to_owned(), text: body.join("\n"), unmarked: mark.is_empty() });
        }
    }
}
