use crate::{
    Vendor,
    named::{described, named},
};

/// What the program knows of a language beside how to parse it. To add one, see "How to add" in ARCHITECTURE.md.
#[derive(Debug)]
pub struct LanguageInfo {
    /// What people call it.
    pub title: &'static str,
    /// Another name on the command line.
    pub alias: Option<&'static str>,
    /// Endings of files that hold one query of it and nothing else.
    pub extensions: &'static [&'static str],
    /// Whose names a query uses that belongs to no rule.
    pub vendor: Vendor,
    /// Whether a text of it is a file of the vendor's rules, metadata and all.
    pub is_rule_file: bool,
    /// The vocabularies that name the fields of a query that is written for the user, best first; empty for a language in
    /// which none is written.
    pub snippet_vocabularies: &'static [&'static str],
}

described! {
    /// The language of a rule's query.
    Language is LanguageInfo {
        /// Sigma detections.
        Sigma = "sigma" {
            title: "Sigma",
            alias: None,
            extensions: &[],
            vendor: Vendor::Sigma,
            is_rule_file: true,
            snippet_vocabularies: &["sigma", "windows"],
        }
        /// Elastic's Event Query Language.
        Eql = "eql" {
            title: "EQL",
            alias: None,
            extensions: &["eql"],
            vendor: Vendor::Elastic,
            is_rule_file: false,
            snippet_vocabularies: &["ecs"],
        }
        /// Kibana Query Language.
        Kuery = "kuery" {
            title: "Kibana Query Language",
            alias: None,
            extensions: &["kuery"],
            vendor: Vendor::Elastic,
            is_rule_file: false,
            snippet_vocabularies: &[],
        }
        /// Lucene's query-string syntax.
        Lucene = "lucene" {
            title: "Lucene",
            alias: None,
            extensions: &["lucene"],
            vendor: Vendor::Elastic,
            is_rule_file: false,
            snippet_vocabularies: &[],
        }
        /// Elastic's piped language ES|QL.
        Esql = "esql" {
            title: "ES|QL",
            alias: None,
            extensions: &["esql"],
            vendor: Vendor::Elastic,
            is_rule_file: false,
            snippet_vocabularies: &[],
        }
        /// Splunk's Search Processing Language.
        Spl = "spl" {
            title: "SPL",
            alias: None,
            extensions: &["spl"],
            vendor: Vendor::Splunk,
            is_rule_file: false,
            snippet_vocabularies: &["cim", "sigma"],
        }
        /// Kusto Query Language.
        Kusto = "kusto" {
            title: "KQL",
            alias: None,
            extensions: &["kql", "klq", "csl", "kusto", "func"],
            vendor: Vendor::Kusto,
            is_rule_file: false,
            snippet_vocabularies: &["defender", "sentinel", "asim"],
        }
        /// A Python module of Panther.
        Python = "python" {
            title: "Python",
            alias: Some("panther"),
            extensions: &["py"],
            vendor: Vendor::Panther,
            is_rule_file: false,
            snippet_vocabularies: &[],
        }
        /// A Panther detection written in YAML.
        PantherYaml = "panther-yaml" {
            title: "Panther YAML",
            alias: None,
            extensions: &[],
            vendor: Vendor::Panther,
            is_rule_file: false,
            snippet_vocabularies: &[],
        }
        /// The condition of a Falco rule.
        Falco = "falco" {
            title: "Falco",
            alias: None,
            extensions: &[],
            vendor: Vendor::Falco,
            is_rule_file: false,
            snippet_vocabularies: &[],
        }
        /// Wazuh's rules in XML.
        Wazuh = "wazuh" {
            title: "Wazuh",
            alias: None,
            extensions: &[],
            vendor: Vendor::Wazuh,
            is_rule_file: true,
            snippet_vocabularies: &[],
        }
        /// YARA-L 2 of Google SecOps.
        YaraL = "yaral" {
            title: "YARA-L",
            alias: None,
            extensions: &[],
            vendor: Vendor::YaraL,
            is_rule_file: true,
            snippet_vocabularies: &[],
        }
        /// A query in Snowflake's SQL.
        Snowflake = "snowflake" {
            title: "Snowflake SQL",
            alias: Some("sql"),
            extensions: &[],
            vendor: Vendor::Anvilogic,
            is_rule_file: false,
            snippet_vocabularies: &[],
        }
        /// Sublime's Message Query Language.
        Mql = "mql" {
            title: "MQL",
            alias: None,
            extensions: &["mql"],
            vendor: Vendor::Sublime,
            is_rule_file: false,
            snippet_vocabularies: &[],
        }
        /// CrowdStrike's LogScale query language.
        Logscale = "logscale" {
            title: "LogScale",
            alias: Some("cql"),
            extensions: &["cql", "lql"],
            vendor: Vendor::Logscale,
            is_rule_file: false,
            snippet_vocabularies: &[],
        }
    }
}

impl Language {
    /// The language of this name or alias.
    ///
    /// # Errors
    /// There is none; the error names them all.
    pub fn by_name(name: &str) -> Result<Self, String> {
        match Self::ALL.iter().find(|language| language.info().alias == Some(name)) {
            Some(language) => Ok(*language),
            None => name.parse(),
        }
    }

    /// The language of which a file with this ending holds one query.
    #[must_use]
    pub fn of_extension(extension: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|language| language.info().extensions.contains(&extension))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_and_endings_mean_one_language() {
        let mut names = BTreeSet::new();
        let mut endings = BTreeSet::new();
        for language in Language::ALL {
            let info = language.info();
            for name in info.alias.into_iter().chain([language.name()]) {
                assert!(names.insert(name), "{name}");
                assert_eq!(Language::by_name(name), Ok(*language));
            }
            for ending in info.extensions {
                assert!(endings.insert(*ending), "{ending}");
                assert_eq!(Language::of_extension(ending), Some(*language));
            }
        }
        assert!(Language::by_name("acme").is_err_and(|error| error.contains("kusto")));
    }
}
