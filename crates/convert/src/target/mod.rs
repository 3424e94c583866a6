//! The languages that rules are converted to.

mod eql;
mod esql;
mod kuery;
mod kusto;
mod sigma;
mod spl;

use ruleatlas_model::{DataSource, Language, Rule, SourceKind, Span, Vendor};
use ruleatlas_taxonomy::Taxonomy;

use crate::{
    Refusal, RefusalKind,
    expr::{Expr, Test},
    sources::{data_sources, is_exact},
};

/// A language that rules are converted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// Sigma: a whole rule.
    Sigma,
    /// EQL.
    Eql,
    /// Kibana Query Language.
    Kuery,
    /// ES|QL.
    Esql,
    /// SPL.
    Spl,
    /// Kusto.
    Kusto,
}

/// What a query reads, and how it says so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reads {
    /// As the front end sees it.
    pub sources: Vec<DataSource>,
}

impl Target {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Sigma, Self::Eql, Self::Kuery, Self::Esql, Self::Spl, Self::Kusto];

    /// The target that is this language.
    #[must_use]
    pub fn of(language: Language) -> Option<Self> {
        Self::ALL.into_iter().find(|target| target.language() == language)
    }

    /// The language.
    #[must_use]
    pub fn language(self) -> Language {
        match self {
            Self::Sigma => Language::Sigma,
            Self::Eql => Language::Eql,
            Self::Kuery => Language::Kuery,
            Self::Esql => Language::Esql,
            Self::Spl => Language::Spl,
            Self::Kusto => Language::Kusto,
        }
    }

    /// What people call it.
    #[must_use]
    pub fn title(self) -> &'static str {
        self.language().info().title
    }

    pub(crate) fn vendor(self) -> Vendor {
        self.language().info().vendor
    }

    /// The vocabularies that name fields, best first.
    pub(crate) fn vocabularies(self) -> &'static [&'static str] {
        match self {
            Self::Eql | Self::Kuery | Self::Esql => &["ecs"],
            _ => self.language().info().snippet_vocabularies,
        }
    }

    /// What may stand before a name of another vocabulary.
    pub(crate) fn prefixes(self) -> &'static [&'static str] {
        match self {
            Self::Eql | Self::Kuery | Self::Esql => &["winlog.event_data.", "auditd.data.", "kubernetes.audit."],
            _ => &[],
        }
    }

    /// Whether a field may have a second name under which it compares without case, which the language cannot ask for.
    pub(crate) fn has_caseless_names(self) -> bool {
        self == Self::Kuery
    }

    /// Whether fields are what the data has, so that any name may be one: a table of a fixed schema has its columns only.
    pub(crate) fn takes_any_name(self, sources: &[DataSource]) -> bool {
        self != Self::Kusto || sources.iter().all(|source| source.name == ANY_TABLE)
    }

    /// Whether it applies Sigma's modifiers itself.
    pub(crate) fn keeps_modifiers(self) -> bool {
        self == Self::Sigma
    }

    /// What a rule of these log sources reads, the best choice first; at least one.
    pub(crate) fn reads(self, rule: &Rule) -> Vec<Reads> {
        let platforms = rule.platforms.as_slice();
        let of = |kinds: &[SourceKind], is_fit: &dyn Fn(&str) -> bool| -> Vec<Reads> {
            let found = rule.log_sources.iter().flat_map(|name| data_sources(name, platforms, kinds, is_fit));
            found.map(|sources| Reads { sources }).collect()
        };
        let own = |kind, name: &str| Reads { sources: vec![DataSource::new(kind, name)] };
        let mut found = match self {
            Self::Sigma => {
                let mut found = of(&[SourceKind::Product, SourceKind::Category, SourceKind::Service], &is_exact);
                // Several platforms are no product.
                if platforms.len() == 1 || found.is_empty() {
                    let product = platforms.first().map_or("any", String::as_str);
                    found.push(own(SourceKind::Product, product));
                }
                found
            }
            Self::Eql => {
                let mut found = of(&[SourceKind::EventCategory, SourceKind::EventType], &is_exact);
                for reads in &mut found {
                    reads.sources.retain(|source| source.kind == SourceKind::EventCategory);
                }
                found.retain(|reads| !reads.sources.is_empty());
                found.push(own(SourceKind::EventCategory, "any"));
                found
            }
            Self::Kuery => vec![Reads::default()],
            Self::Esql => {
                let mut found = of(&[SourceKind::Index], &|name| name.starts_with("logs-"));
                // Elastic Defend's own events before what other products and jobs make of theirs.
                found.sort_by_key(|reads| !reads.sources.iter().any(|index| index.name.starts_with("logs-endpoint.")));
                found.push(own(SourceKind::Index, "logs-*"));
                found
            }
            Self::Spl => {
                let mut found = of(&[SourceKind::SourceType], &is_exact);
                found.push(own(SourceKind::Index, "*"));
                found
            }
            Self::Kusto => {
                let mut found = of(&[SourceKind::Table], &is_exact);
                found.sort_by_key(|reads| {
                    !reads
                        .sources
                        .iter()
                        .any(|table| table.name.starts_with("Device") || table.name.ends_with("Events"))
                });
                found.dedup();
                found.push(own(SourceKind::Table, ANY_TABLE));
                found
            }
        };
        found.truncate(MAX_READS);
        found
    }

    /// Whether what is read says which events these log sources are, so that the query need not.
    pub(crate) fn says(self, taxonomy: &Taxonomy, reads: &Reads, rule: &Rule) -> bool {
        if rule.log_sources.is_empty() {
            return false;
        }
        let told = taxonomy.describe_sources(&reads.sources);
        let same_sources = rule.log_sources.iter().all(|name| told.log_sources.contains(&name.as_str()))
            && told.log_sources.iter().all(|name| rule.log_sources.iter().any(|own| own == name));
        same_sources && told.platforms.iter().all(|name| rule.platforms.iter().any(|own| own == name))
    }

    /// What a reader has to know of what is read.
    pub(crate) fn reads_note(self, reads: &Reads) -> Option<String> {
        let is_open = reads.sources.iter().any(|source| {
            source.name == ANY_TABLE || source.name == "*" || source.name == "any" || source.name == "logs-*"
        });
        match self {
            Self::Kuery => Some("the data view is chosen outside of the query".to_owned()),
            _ if is_open => {
                Some("no data source of the language is known for what the rule reads: choose one".to_owned())
            }
            _ => None,
        }
    }

    /// The query.
    pub(crate) fn write(self, rule: &Rule, reads: &Reads, expr: &Expr) -> Result<String, Vec<Refusal>> {
        match self {
            Self::Sigma => sigma::write(rule, reads, expr),
            Self::Eql => eql::write(reads, expr),
            Self::Kuery => kuery::write(expr),
            Self::Esql => esql::write(reads, expr),
            Self::Spl => spl::write(reads, expr),
            Self::Kusto => kusto::write(reads, expr),
        }
    }
}

/// Data sources that are tried.
const MAX_READS: usize = 8;
/// A table that stands for what the reader has.
pub(crate) const ANY_TABLE: &str = "Events";

/// How a language writes conditions: what is common to all that have `and`, `or` and `not`.
pub(crate) trait Writer {
    const AND: &'static str;
    const OR: &'static str;

    /// A test, and whether it needs brackets beside others.
    fn test(&self, test: &Test) -> Result<Text, Refusal>;

    /// A negation.
    fn not(&self, inner: &str) -> String;

    /// A constant.
    fn constant(&self, value: bool) -> Option<String>;

    /// Whether the field is missing; `None` where a test is never null.
    fn missing(&self, _test: &Test) -> Option<String> {
        None
    }

    fn write(&self, expr: &Expr, inverted: bool, refusals: &mut Vec<Refusal>) -> Text {
        match expr {
            Expr::Not(inner) => self.write(inner, !inverted, refusals),
            Expr::All(parts) | Expr::Any(parts) if parts.is_empty() => {
                let value = matches!(expr, Expr::All(_)) != inverted;
                match self.constant(value) {
                    Some(text) => Text::atom(text),
                    None => {
                        let why = format!(
                            "a condition that {} cannot be written",
                            if value { "always holds" } else { "never holds" }
                        );
                        refusals.push(Refusal { span: None, kind: RefusalKind::Operator, why });
                        Text::atom(String::new())
                    }
                }
            }
            // Brackets around the whole read better than a negation of each part.
            Expr::All(_) | Expr::Any(_) if inverted && !expr.has(&|test| self.missing(test).is_some()) => {
                let inner = self.write(expr, false, refusals);
                Text::atom(self.not(&inner.bracketed()))
            }
            Expr::All(parts) | Expr::Any(parts) => {
                let is_all = matches!(expr, Expr::All(_)) != inverted;
                let written: Vec<String> = parts
                    .iter()
                    .map(|part| {
                        let text = self.write(part, inverted, refusals);
                        if text.joins(is_all) || text.is_atom() { text.text } else { text.bracketed() }
                    })
                    .collect();
                let join = if is_all { Self::AND } else { Self::OR };
                Text { text: written.join(join), join: Some(is_all) }
            }
            Expr::Test(test) => match self.test(test) {
                Ok(text) if !inverted => text,
                Ok(text) => {
                    let negated = self.not(&text.bracketed_if_joined());
                    match self.missing(test) {
                        Some(missing) => Text { text: format!("{missing}{}{negated}", Self::OR), join: Some(false) },
                        None => Text::atom(negated),
                    }
                }
                Err(refusal) => {
                    refusals.push(refusal);
                    Text::atom(String::new())
                }
            },
        }
    }

    /// The whole condition.
    fn condition(&self, expr: &Expr) -> Result<String, Vec<Refusal>> {
        let mut refusals = Vec::new();
        let text = self.write(expr, false, &mut refusals);
        if refusals.is_empty() { Ok(text.text) } else { Err(refusals) }
    }
}

/// A written condition.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    pub text: String,
    /// Whether it is several parts joined by `and` (true) or `or`.
    pub join: Option<bool>,
}

impl Text {
    pub fn atom(text: String) -> Self {
        Self { text, join: None }
    }

    /// Alternatives, each one test.
    pub fn any(parts: Vec<String>, or: &str) -> Self {
        if parts.len() == 1 {
            return Self::atom(parts.concat());
        }
        Self { text: parts.join(or), join: Some(false) }
    }

    fn is_atom(&self) -> bool {
        self.join.is_none()
    }

    fn joins(&self, is_all: bool) -> bool {
        self.join == Some(is_all)
    }

    fn bracketed(&self) -> String {
        format!("({})", self.text)
    }

    fn bracketed_if_joined(&self) -> String {
        if self.is_atom() { self.text.clone() } else { self.bracketed() }
    }
}

/// Why a test cannot be written.
pub(crate) fn refused(test: &Test, kind: RefusalKind, why: impl Into<String>) -> Refusal {
    let span: Span = test.span;
    Refusal { span: (span.end > span.start).then_some(span), kind, why: why.into() }
}

/// The same, as the operator has no counterpart.
pub(crate) fn no_operator(test: &Test, why: impl Into<String>) -> Refusal {
    refused(test, RefusalKind::Operator, why)
}

/// An expression of Lucene for terms within a text. Words end at letters and digits of ASCII.
pub(crate) fn terms_for_lucene(test: &Test) -> Option<String> {
    let crate::expr::Kind::Term { begins, ends } = test.kind else { return None };
    let term = |value: &String| {
        let is_inner = |character: Option<char>| character.is_some_and(char::is_alphanumeric);
        let before = if begins && is_inner(value.chars().next()) { "(.*[^0-9A-Za-z])?" } else { ".*" };
        let behind = if ends && is_inner(value.chars().next_back()) { "([^0-9A-Za-z].*)?" } else { ".*" };
        format!("{before}{}{behind}", regex_syntax::escape(value))
    };
    Some(test.values.iter().map(term).collect::<Vec<_>>().join("|"))
}

/// A regular expression that says the same as a text operator, for languages that have no other way; in the syntax of
/// the `regex` crate.
pub(crate) fn as_pattern(test: &Test) -> Option<String> {
    use crate::expr::Kind;
    use ruleatlas_core::{Pattern, Piece};
    let escape = |value: &String| regex_syntax::escape(value);
    let bodies = |before: &str, behind: &str| -> Vec<String> {
        test.values.iter().map(|value| format!("{before}{}{behind}", escape(value))).collect()
    };
    let joined = |before: &str, bodies: Vec<String>, behind: &str| match bodies.as_slice() {
        [only] => format!("{before}{only}{behind}"),
        _ if before.is_empty() && behind.is_empty() => bodies.join("|"),
        _ => format!("{before}(?:{}){behind}", bodies.join("|")),
    };
    Some(match &test.kind {
        Kind::Equal => joined("^", bodies("", ""), "$"),
        Kind::Contains => joined("", bodies("", ""), ""),
        Kind::StartsWith => joined("^", bodies("", ""), ""),
        Kind::EndsWith => joined("", bodies("", ""), "$"),
        Kind::Wildcard => {
            let pattern = |value: &String| {
                let read = Pattern::read(value);
                let mut pieces = read.pieces();
                let (mut before, mut behind) = ("^", "$");
                while let [Piece::Many, rest @ ..] = pieces {
                    (pieces, before) = (rest, "");
                }
                while let [rest @ .., Piece::Many] = pieces {
                    (pieces, behind) = (rest, "");
                }
                let piece = |piece: &Piece| match piece {
                    Piece::Many => ".*".to_owned(),
                    Piece::One => ".".to_owned(),
                    Piece::Char(character) => regex_syntax::escape(character.encode_utf8(&mut [0; 4])),
                };
                format!("{before}{}{behind}", pieces.iter().map(piece).collect::<String>())
            };
            test.values.iter().map(pattern).collect::<Vec<_>>().join("|")
        }
        Kind::Term { begins, ends } => {
            let term = |value: &String| {
                let is_inner = |character: Option<char>| character.is_some_and(char::is_alphanumeric);
                let before = if *begins && is_inner(value.chars().next()) { "(?:^|[^\\p{L}\\p{N}])" } else { "" };
                let behind = if *ends && is_inner(value.chars().next_back()) { "(?:[^\\p{L}\\p{N}]|$)" } else { "" };
                format!("{before}{}{behind}", escape(value))
            };
            test.values.iter().map(term).collect::<Vec<_>>().join("|")
        }
        _ => return None,
    })
}
