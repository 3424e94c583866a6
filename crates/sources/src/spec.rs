use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use ruleatlas_model::Vendor;
use serde::{Deserialize, Serialize};

use crate::Error;

/// What a source holds, and by that how it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
pub enum SourceKind {
    /// Rules of a vendor.
    Rules(Vendor),
    /// ATT&CK STIX bundles.
    Attack,
    /// The D3FEND ontology.
    D3fend,
    /// The Cyber Analytics Repository.
    Car,
    /// Atomic Red Team tests.
    Atomic,
    /// Stratus Red Team techniques.
    Stratus,
    /// Event dictionaries.
    Events,
}

/// The kinds that hold no rules.
const WITHOUT_RULES: [SourceKind; 6] = [
    SourceKind::Attack,
    SourceKind::D3fend,
    SourceKind::Car,
    SourceKind::Atomic,
    SourceKind::Stratus,
    SourceKind::Events,
];

impl SourceKind {
    /// Every kind, the vendors first.
    pub const ALL: [Self; Vendor::ALL.len() + WITHOUT_RULES.len()] = {
        let mut all = [Self::Attack; Vendor::ALL.len() + WITHOUT_RULES.len()];
        let mut at = 0;
        while at < all.len() {
            all[at] = match at.checked_sub(Vendor::ALL.len()) {
                Some(other) => WITHOUT_RULES[other],
                None => Self::Rules(Vendor::ALL[at]),
            };
            at += 1;
        }
        all
    };

    /// The kind's name on the command line and in data.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rules(vendor) => vendor.name(),
            Self::Attack => "attack",
            Self::D3fend => "d3fend",
            Self::Car => "car",
            Self::Atomic => "atomic",
            Self::Stratus => "stratus",
            Self::Events => "events",
        }
    }

    /// Whose rules the source holds.
    #[must_use]
    pub fn vendor(self) -> Option<Vendor> {
        match self {
            Self::Rules(vendor) => Some(vendor),
            Self::Attack | Self::D3fend | Self::Car | Self::Atomic | Self::Stratus | Self::Events => None,
        }
    }

    /// The name a source of this kind goes by when its user gives none: that of the public repository everybody means, as
    /// the table of repositories has it; where it has several, the kind's own.
    #[must_use]
    pub fn usual_name(self) -> &'static str {
        match self {
            Self::Rules(vendor) => vendor.info().source_name,
            Self::Attack => "ATTACK",
            Self::D3fend => "D3FEND",
            Self::Car => "CAR",
            Self::Atomic => "Atomic-Red-Team",
            Self::Stratus => "Stratus-Red-Team",
            Self::Events => "events",
        }
    }
}

#[cfg(feature = "schema")]
impl utoipa::PartialSchema for SourceKind {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::Type::String)
            .enum_values(Some(Self::ALL.map(Self::name)))
            .build()
            .into()
    }
}

#[cfg(feature = "schema")]
impl utoipa::ToSchema for SourceKind {
    fn name() -> std::borrow::Cow<'static, str> {
        "CatalogSourceKind".into()
    }
}

impl From<SourceKind> for &'static str {
    fn from(kind: SourceKind) -> Self {
        kind.name()
    }
}

impl TryFrom<String> for SourceKind {
    type Error = Error;

    fn try_from(name: String) -> Result<Self, Error> {
        name.parse()
    }
}

impl fmt::Display for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for SourceKind {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| Error::Spec { given: name.to_owned(), kinds: Self::ALL.map(Self::name).join(" ") })
    }
}

/// Where a source came from, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Origin {
    /// The repository's address.
    pub url: Option<String>,
    /// The commit.
    pub commit: Option<String>,
    /// The commit's date, `YYYY-MM-DD`.
    pub date: Option<String>,
    /// How a rule's page upstream is addressed, with `{url}`, `{commit}` and `{path}`.
    pub link: Option<String>,
    /// The licence of the source's content.
    pub license: Option<String>,
}

impl Origin {
    /// The page of a file at its commit: `path` is the one inside the repository, with `/`. `None` where address or
    /// commit are not known.
    #[must_use]
    pub fn page(&self, path: &str) -> Option<String> {
        let (url, commit) = (self.url.as_deref()?.trim_end_matches('/'), self.commit.as_deref()?);
        let url = url.strip_suffix(".git").unwrap_or(url);
        let page = match url.strip_prefix("git@").and_then(|address| address.split_once(':')) {
            Some((host, repository)) => format!("https://{host}/{repository}"),
            None => url.to_owned(),
        };
        // In this order, as a path or address may hold braces too.
        let (mut link, mut rest) = (String::new(), self.link.as_deref().unwrap_or(LINK));
        while let Some((before, after)) = rest.split_once('{') {
            link.push_str(before);
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            match name {
                "url" => link.push_str(&page),
                "commit" => link.push_str(commit),
                _ => link.extend(utf8_percent_encode(path, NOT_PLAIN)),
            }
            rest = after;
        }
        Some(link + rest)
    }
}

/// The page of a file at GitHub and its like.
pub(crate) const LINK: &str = "{url}/blob/{commit}/{path}";

/// What is percent-encoded in a path.
const NOT_PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// A source to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceSpec {
    /// What it holds.
    pub kind: SourceKind,
    /// The name that its rules carry.
    pub name: String,
    /// The folder, or a single file.
    pub path: PathBuf,
    /// Where it came from.
    pub origin: Origin,
}

impl SourceSpec {
    /// A source under its usual name.
    #[must_use]
    pub fn new(kind: SourceKind, path: impl AsRef<Path>) -> Self {
        Self { kind, name: kind.usual_name().to_owned(), path: path.as_ref().to_owned(), origin: Origin::default() }
    }
}

impl FromStr for SourceSpec {
    type Err = Error;

    /// Reads `KIND=PATH`.
    fn from_str(given: &str) -> Result<Self, Error> {
        let wrong = || Error::Spec { given: given.to_owned(), kinds: SourceKind::ALL.map(SourceKind::name).join(" ") };
        let (kind, path) = given.split_once('=').ok_or_else(wrong)?;
        if path.is_empty() {
            return Err(wrong());
        }
        Ok(Self::new(kind.parse().map_err(|_| wrong())?, path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_and_a_fetched_repository_of_one_kind_go_by_one_name() {
        let table = crate::sync::table(None).unwrap();
        for kind in SourceKind::ALL {
            let names: Vec<&str> = table
                .iter()
                .filter(|repository| repository.kind == kind)
                .map(|repository| repository.name.as_str())
                .collect();
            if let ([only], true) = (names.as_slice(), kind != SourceKind::Events) {
                assert_eq!(kind.usual_name(), *only);
            }
        }
    }
}
