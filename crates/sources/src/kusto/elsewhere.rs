//! Queries that a template takes from a file: `file("q.kql")` of Terraform, `loadTextContent('q.kql')` of Bicep.

use ruleatlas_core::Context;
use rustc_hash::FxHashMap;

use crate::{SourceFile, files::sibling_path};

/// The files of a source that templates take queries from, by path.
pub(super) struct Referenced<'a> {
    texts: FxHashMap<&'a str, &'a str>,
}

impl<'a> Referenced<'a> {
    pub fn of(files: &'a [SourceFile]) -> Self {
        let templates = files.iter().filter(|file| matches!(file.extension().as_str(), "tf" | "bicep"));
        let mut names: Vec<String> = Vec::new();
        for file in templates {
            let text = file.text().unwrap_or_default();
            names.extend(text.lines().filter_map(path).map(|path| sibling_path(&file.path, path)));
        }
        let mut texts = FxHashMap::default();
        if !names.is_empty() {
            let by_path: FxHashMap<&str, &SourceFile> = files.iter().map(|file| (file.path.as_str(), file)).collect();
            let found = names.iter().filter_map(|name| by_path.get(name.as_str()));
            texts.extend(found.filter_map(|file| Some((file.path.as_str(), file.text()?))));
        }
        Self { texts }
    }
}

impl Context for Referenced<'_> {
    fn module(&self, name: &str) -> Option<&str> {
        self.texts.get(name).copied()
    }

    fn is_part(&self, path: &str) -> bool {
        self.texts.contains_key(path)
    }
}

/// The path that an expression, or the first in a line, reads a text from as it is.
pub(super) fn path(text: &str) -> Option<&str> {
    let calls = ["file(", "loadTextContent("];
    let (at, call) = calls.into_iter().filter_map(|call| Some((text.find(call)?, call))).min()?;
    let is_word = |character: char| character.is_ascii_alphanumeric() || character == '_';
    if text.get(..at)?.ends_with(is_word) {
        return None;
    }
    let rest = text.get(at + call.len()..)?.trim_start();
    let quote = rest.chars().next().filter(|first| matches!(first, '"' | '\''))?;
    let (path, _) = rest.get(1..)?.split_once(quote)?;
    let path = path.strip_prefix("${path.module}/").unwrap_or(path);
    (!path.contains("${")).then_some(path)
}
