use ruleatlas_logic::Sample;
use ruleatlas_model::{Indicator, Level};
use serde::Serialize;

/// Something that is to be said of a draft.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// The stable code, one of [`CODES`](crate::CODES).
    pub code: &'static str,
    /// How severe it is.
    pub level: Level,
    /// The file, as it was named.
    pub file: String,
    /// The one-based line.
    pub line: u32,
    /// The one-based column, in characters.
    pub column: u32,
    /// The place in the file, in bytes.
    pub span: [usize; 2],
    /// What is wrong, in one sentence.
    pub message: String,
    /// What to do, in one sentence.
    pub help: String,
    /// What it rests on.
    pub evidence: Evidence,
    /// The id of the rule in the file.
    pub rule: String,
}

/// What a finding rests on.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Evidence {
    /// Rules of the catalog that show it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
    /// How many rules there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// Of how many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<u64>,
    /// Why it is so.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub derivation: String,
    /// Indicators of the catalog, each with the rules that have it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub indicators: Vec<Suggestion>,
    /// An event that the draft does not select, and did before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bypass: Option<Bypass>,
    /// An event that shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub witness: Option<Witness>,
}

/// An indicator that rules of the catalog have.
#[derive(Clone, Debug, Serialize)]
pub struct Suggestion {
    /// The indicator.
    #[serde(flatten)]
    pub indicator: Indicator,
    /// How many of the compared rules have it.
    pub rules: u64,
    /// How many were compared.
    pub of: u64,
    /// How many of the measured hits an exclusion of it would have removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removed: Option<u64>,
    /// It in the draft's language, ready to be pasted; empty where the language cannot say it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub line: String,
    /// Some of the rules.
    pub examples: Vec<String>,
}

/// Two events that differ in what an attacker chooses: the rule selects the one, and not the other.
#[derive(Clone, Debug, Serialize)]
pub struct Bypass {
    /// The event that is selected.
    pub before: Sample,
    /// The event that the exclusion hides.
    pub after: Sample,
}

/// An event, and what two rules say of it.
#[derive(Clone, Debug, Serialize)]
pub struct Witness {
    /// The event.
    pub event: Sample,
    /// Whether the draft selects it.
    pub draft: bool,
    /// Whether the other rule does; not there where the finding is about the draft alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other: Option<bool>,
}
