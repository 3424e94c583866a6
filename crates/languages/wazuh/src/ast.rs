//! The tree of a rules file, as written: variables stand by their names.

use ruleatlas_model::Span;

/// A rules file, or a part of one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// The values of `<var>`, by name, in the order of the file.
    pub variables: Vec<(String, String)>,
    /// The rules, in the order of the file.
    pub rules: Vec<Rule>,
}

/// A `<rule>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The element itself.
    pub element: Element,
    /// The names of the `<group>` around it.
    pub groups: Vec<String>,
}

/// An element of XML.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    /// Its name, in lower case: Wazuh compares names without case.
    pub name: String,
    /// Its attributes, names in lower case.
    pub attributes: Vec<(String, String)>,
    /// Its own text, with the five entities of XML and characters by number resolved, and no others.
    pub text: String,
    /// The elements in it.
    pub children: Vec<Self>,
    /// Where it stands, with its tags.
    pub span: Span,
}

impl Element {
    /// The value of an attribute.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether an attribute says yes.
    #[must_use]
    pub fn says_yes(&self, name: &str) -> bool {
        self.attribute(name).is_some_and(|value| value.trim().eq_ignore_ascii_case("yes"))
    }

    /// The elements of a name in it.
    pub fn all<'e>(&'e self, name: &'e str) -> impl Iterator<Item = &'e Self> {
        self.children.iter().filter(move |child| child.name == name)
    }
}

impl Rule {
    /// The rule's number, as written.
    #[must_use]
    pub fn id(&self) -> &str {
        self.element.attribute("id").unwrap_or_default().trim()
    }

    /// The level of its alerts; `None` where it is no number.
    #[must_use]
    pub fn level(&self) -> Option<u32> {
        self.element.attribute("level")?.trim().parse().ok()
    }

    /// Whether no alert comes of it: other rules stand on it.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        let no_alert = self.element.attribute("noalert").is_some_and(|value| value.trim() != "0");
        self.level() == Some(0) || no_alert
    }

    /// The groups that it belongs to: those around it and its own, each once.
    #[must_use]
    pub fn all_groups(&self) -> Vec<String> {
        let own = self.element.all("group").flat_map(|group| names(&group.text));
        let mut groups: Vec<String> = Vec::new();
        for name in self.groups.iter().cloned().chain(own) {
            if !groups.contains(&name) {
                groups.push(name);
            }
        }
        groups
    }
}

/// The names of a list with commas.
pub(crate) fn names(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned)
}
