//! A data source administration of DeTT&CT: which data components of ATT&CK are collected, with which products.

use ruleatlas_yaml::Node;

use super::{Error, MAX_ROWS, quoted};
use crate::unique::unique_by;

/// A data component that is collected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// The name (`Process Creation`).
    pub name: String,
    /// The products it comes from, as written.
    pub products: Vec<String>,
    /// The platforms of the systems that it is collected from, as written; empty where the file does not say.
    pub platforms: Vec<String>,
    /// Whether it can be used: it is said to be available for analytics, or a score of its quality is above zero.
    pub available: bool,
    /// The one-based line.
    pub line: u32,
}

pub(super) fn read(text: &str) -> Result<Vec<Component>, Error> {
    let parsed = ruleatlas_yaml::parse(text)
        .map_err(|error| Error::Line { line: error.line, reason: format!("no YAML: {error}") })?;
    let Some(root) = parsed.documents.first() else { return Err(Error::Empty) };
    if let Some((_, kind)) = root.entry("file_type")
        && kind.text() != Some("data-source-administration")
    {
        let reason = format!(
            "a DeTT&CT file of type {}; a data source administration is read",
            quoted(kind.text().unwrap_or_default())
        );
        return Err(Error::Line { line: kind.line, reason });
    }
    let systems = Systems::read(root);
    let sources = root.get("data_sources").and_then(Node::items).unwrap_or_default();
    let mut found = Vec::new();
    for source in sources {
        let Some(name) = source.text_of("data_source_name") else {
            let reason = "a data source without `data_source_name`".to_owned();
            return Err(Error::Line { line: source.line, reason });
        };
        // One entry for each group of systems; older files have a single one.
        let places = source.get("data_source").map_or(std::slice::from_ref(source), Node::items_or_self);
        for place in places {
            if found.len() >= MAX_ROWS {
                return Err(Error::TooLarge);
            }
            let products = place.texts_of("products").into_iter().map(str::to_owned).collect();
            found.push(Component {
                name: name.to_owned(),
                products,
                platforms: systems.platforms(place),
                available: is_available(place),
                line: source.line,
            });
        }
    }
    if found.is_empty() { Err(Error::Empty) } else { Ok(found) }
}

fn is_available(place: &Node<'_>) -> bool {
    let is_said = place.text_of("available_for_data_analytics").is_some_and(|text| text.eq_ignore_ascii_case("true"));
    let scores = place.get("data_quality").and_then(Node::entries).unwrap_or_default();
    is_said || scores.iter().any(|(_, score)| score.text().is_some_and(|score| !matches!(score, "0" | "")))
}

/// The groups of systems that a file names, each with its platforms; and those of the file as a whole, as older files have.
struct Systems<'a> {
    groups: Vec<(&'a str, Vec<&'a str>)>,
    of_file: Vec<&'a str>,
}

impl<'a> Systems<'a> {
    fn read(root: &'a Node<'a>) -> Self {
        let groups = root.get("systems").map(Node::items_or_self).unwrap_or_default();
        let groups = groups.iter().filter_map(|group| {
            let name = group.text_of("applicable_to")?;
            Some((name, group.texts_of("platform")))
        });
        Self { groups: groups.collect(), of_file: root.texts_of("platform") }
    }

    /// The platforms of the groups that an entry applies to. `all` stands for every group.
    fn platforms(&self, place: &Node<'_>) -> Vec<String> {
        let applicable = place.texts_of("applicable_to");
        let is_all = applicable.is_empty() || applicable.iter().any(|name| name.eq_ignore_ascii_case("all"));
        let is_meant = |name: &str| is_all || applicable.iter().any(|wanted| wanted.eq_ignore_ascii_case(name));
        let of_groups = self.groups.iter().filter(|(name, _)| is_meant(name)).flat_map(|(_, platforms)| platforms);
        let platforms: Vec<String> =
            unique_by(of_groups, |platform| **platform).into_iter().map(|&name| name.to_owned()).collect();
        if platforms.is_empty() { self.of_file.iter().map(|&name| name.to_owned()).collect() } else { platforms }
    }
}
