//! What the sources of countermeasures, analytics and tests have in common.

use std::borrow::Cow;

use ruleatlas_model::{Basis, Control, ControlSource, Diagnostic};

use crate::{Content, SourceFile, SourceKind, atomic, car, d3fend, stratus};

/// The controls of one source, with technique ids as it cites them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlSet {
    /// Whose they are.
    pub source: ControlSource,
    /// The version or date that the source states itself.
    pub version: Option<String>,
    /// The controls, in the order of their ids.
    pub controls: Vec<Control>,
    /// Which technique each belongs to.
    pub cites: Vec<Cite>,
    /// Every technique that the source names, whether or not it has a control for it. Each once, in order.
    pub known: Vec<String>,
}

/// That a control belongs to a technique, by the id that the source writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cite {
    /// The control's place in its set.
    pub control: u32,
    /// The technique's id as written, in upper case.
    pub technique: String,
    /// Who says so.
    pub basis: Basis,
    /// How it follows, or what the source adds.
    pub how: Vec<String>,
}

impl ControlSet {
    /// A set without controls.
    #[must_use]
    pub fn new(source: ControlSource) -> Self {
        Self { source, version: None, controls: Vec::new(), cites: Vec::new(), known: Vec::new() }
    }

    /// Adds a control and returns its place.
    pub(crate) fn add(&mut self, control: Control) -> u32 {
        self.controls.push(control);
        u32::try_from(self.controls.len() - 1).unwrap_or(u32::MAX)
    }

    /// Says that a control belongs to a technique; a second word on the same adds how.
    pub(crate) fn cite(&mut self, control: u32, technique: &str, basis: Basis, how: Vec<String>) {
        let of_control = |cite: &&mut Cite| cite.control == control && cite.technique == technique;
        let recent = self.cites.iter_mut().rev().take_while(|cite| cite.control == control);
        match recent.filter(|cite| cite.control == control).find(of_control) {
            Some(cite) => {
                cite.basis = cite.basis.min(basis);
                cite.how.extend(how);
            }
            None => self.cites.push(Cite { control, technique: technique.to_owned(), basis, how }),
        }
        self.known.push(technique.to_owned());
    }

    /// Brings what is known in order.
    pub(crate) fn finished(mut self) -> Self {
        self.known.sort_unstable();
        self.known.dedup();
        self
    }
}

/// Reads the controls of a source; none for a kind that holds no controls. What could not be read is said in the
/// diagnostics, one a file.
#[must_use]
pub fn read_controls(kind: SourceKind, files: &[SourceFile]) -> (Vec<ControlSet>, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    let sets = match kind {
        SourceKind::D3fend => vec![d3fend::read(files, &mut diagnostics)],
        SourceKind::Car => car::read(files, &mut diagnostics),
        SourceKind::Atomic => vec![atomic::read(files, &mut diagnostics)],
        SourceKind::Stratus => vec![stratus::read(files, &mut diagnostics)],
        _ => Vec::new(),
    };
    (sets.into_iter().map(ControlSet::finished).collect(), diagnostics)
}

/// The technique id that a text is, in upper case: `T1059`, `T1059.001`.
pub(crate) fn technique_id(text: &str) -> Option<String> {
    let text = text.trim();
    let mut found = crate::attack::technique_ids_in(&text.to_ascii_uppercase());
    (found.len() == 1 && found[0].len() == text.len()).then(|| found.remove(0))
}

/// That a file of a source is left out, and why.
pub(crate) fn left_out(
    kind: SourceKind,
    path: &str,
    line: Option<u32>,
    why: impl Into<Cow<'static, str>>,
) -> Diagnostic {
    let place = line.map(|line| format!(":{line}")).unwrap_or_default();
    let diagnostic = Diagnostic::warning("file left out", format!("{kind}: {path}{place} is left out: {}", why.into()));
    match line {
        Some(line) => diagnostic.on_line(line),
        None => diagnostic,
    }
}

/// What is said of a file that could not be read.
pub(crate) fn unreadable(kind: SourceKind, file: &SourceFile) -> Option<Diagnostic> {
    match &file.content {
        Content::Unreadable(reason, line) => Some(left_out(kind, &file.path, *line, reason.clone())),
        Content::Text(_) | Content::Skipped(_) => None,
    }
}

/// The one document of a YAML file.
pub(crate) fn yaml<'a>(
    kind: SourceKind,
    file: &'a SourceFile,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<ruleatlas_yaml::Node<'a>> {
    diagnostics.extend(unreadable(kind, file));
    let text = file.text()?;
    match ruleatlas_yaml::parse(text) {
        Ok(parsed) => {
            let first = parsed.documents.into_iter().next();
            if first.is_none() {
                diagnostics.push(left_out(kind, &file.path, None, "an empty file"));
            }
            first
        }
        Err(error) => {
            diagnostics.push(left_out(kind, &file.path, None, error.to_string()));
            None
        }
    }
}

/// The texts of a list, or of one scalar in its place.
pub(crate) fn texts<'a>(node: Option<&'a ruleatlas_yaml::Node<'_>>) -> Vec<&'a str> {
    use ruleatlas_yaml::Value;
    match node.map(|node| &node.value) {
        Some(Value::Sequence(items)) => {
            items.iter().filter_map(ruleatlas_yaml::Node::text_or_null).map(str::trim).collect()
        }
        Some(Value::Scalar(..)) => {
            node.and_then(ruleatlas_yaml::Node::text_or_null).map(str::trim).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// The items of a list.
pub(crate) fn items<'a, 'b>(node: Option<&'a ruleatlas_yaml::Node<'b>>) -> &'a [ruleatlas_yaml::Node<'b>] {
    match node.map(|node| &node.value) {
        Some(ruleatlas_yaml::Value::Sequence(items)) => items,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::technique_id;

    #[test]
    fn only_a_technique_id_is_one() {
        for (text, id) in [
            ("T1059", Some("T1059")),
            (" t1059.001 ", Some("T1059.001")),
            ("T1059.A001", None),
            ("T1059 T1003", None),
            ("AML.T0051", None),
            ("", None),
        ] {
            assert_eq!(technique_id(text).as_deref(), id, "{text}");
        }
    }
}
