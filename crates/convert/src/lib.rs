//! Writes a rule in another query language, and proves on events that it means the same.
//!
//! ```
//! use ruleatlas_convert::{Options, Target, convert};
//! use ruleatlas_model::{Condition, Language, Node, Op, ParseStatus, Predicate, Rule, Vendor};
//! use ruleatlas_taxonomy::Taxonomy;
//!
//! let mut rule = Rule::blank(Vendor::Sigma, Language::Sigma, "rule.yml");
//! rule.conditions = vec![Condition::new(Node::from(Predicate::new("Image", Op::EndsWith, ["\\cmd.exe"])))];
//! rule.parse = ParseStatus::Full;
//! let conversion = convert(&rule, Target::Spl, &Options::default(), Taxonomy::builtin()).map_err(|_| "refused")?;
//! assert_eq!(conversion.query, "index=* process_path=\"*\\\\cmd.exe\"");
//! assert!(conversion.proof.events >= 100);
//! # Ok::<(), &str>(())
//! ```
//!
//! Field names go through the canonical fields of `ruleatlas-taxonomy`, and so do the events of the proof: each side sees
//! its own names for them. What is written is read back by our own front end, and both conditions are evaluated on events
//! inside and just outside of every comparison, on combinations of them, without fields and in other case. Where a verdict
//! differs, or something cannot be said in the target, there is no query but the place and the reason. The proof takes a
//! path to have a folder before its name. Rules of several steps, counts, lists that are not part of the rule and parts that
//! were not understood are refused.

mod expr;
mod names;
mod proof;
pub mod quote;
mod regex;
mod sources;
mod target;

use ruleatlas_core::roles;
use ruleatlas_logic::selects_events;
use ruleatlas_model::{Condition, Kind, Language, Node, Op, ParseStatus, Predicate, Rule, Span, fold_case};
use ruleatlas_taxonomy::{Reader, Taxonomy};
use rustc_hash::FxHashMap;
use serde::Serialize;
use utoipa::ToSchema;

pub use proof::{Proof, ProofEvent};
pub use target::Target;

use expr::{Expr, Lowering, clipped};
use names::Names;
use proof::Claim;
use target::Reads;

/// Bytes of a query that is converted.
const MAX_QUERY: usize = 100_000;
/// Comparisons of one rule, and values of all of them.
const MAX_PREDICATES: usize = 1_000;
const MAX_VALUES: usize = 10_000;

/// What the user says of a conversion.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Names of fields in the target, by the rule's name or the canonical one in lower case.
    fields: FxHashMap<String, String>,
}

impl Options {
    /// With names of fields in the target, each by the rule's name for it or by the canonical one.
    #[must_use]
    pub fn with_fields(names: impl IntoIterator<Item = (String, String)>) -> Self {
        let fields = names.into_iter().map(|(from, to)| (fold_case(&from).into_owned(), to)).collect();
        Self { fields }
    }

    /// The same from a TOML file: a line a field, as `CommandLine = "process.command_line"`.
    ///
    /// # Errors
    /// It is no such file.
    pub fn read(text: &str) -> Result<Self, OptionsError> {
        let table: toml::Table = text.parse()?;
        let mut names = Vec::new();
        for (from, to) in table {
            match to {
                toml::Value::String(to) if !to.is_empty() => names.push((from, to)),
                _ => return Err(OptionsError::NoName(from)),
            }
        }
        Ok(Self::with_fields(names))
    }
}

/// What is wrong with a file of names.
#[derive(Debug, thiserror::Error)]
pub enum OptionsError {
    /// It is no TOML.
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    /// A field's name is no text.
    #[error("the name of `{0}` must be a text that is not empty, as in `{0} = \"process.name\"`")]
    NoName(String),
}

/// A rule in another language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Conversion {
    /// The language.
    pub language: Language,
    /// The query; of Sigma a whole rule.
    pub query: String,
    /// What each field became.
    pub fields: Vec<FieldName>,
    /// What else a reader should know.
    pub notes: Vec<String>,
    /// What shows that it says the same.
    pub proof: Proof,
}

/// A field of a rule, and what it is called in the target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldName {
    /// As the rule writes it.
    pub from: String,
    /// As the target does.
    pub to: String,
    /// The canonical name, where the taxonomy has one.
    pub field: Option<String>,
    /// Whether the target's vocabulary or the user's table has the name; otherwise the rule's own is taken over.
    pub mapped: bool,
}

/// Why a rule, or a part of it, cannot be converted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Refusal {
    /// Where the part stands in the rule's query, in bytes; none where it is about all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<[u32; 2]>)]
    pub span: Option<Span>,
    /// What kind of reason it is.
    pub kind: RefusalKind,
    /// The reason.
    pub why: String,
}

/// Kinds of reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefusalKind {
    /// The rule has several steps, or counts events.
    Stateful,
    /// The rule has no query.
    NoQuery,
    /// A part was not understood.
    NotUnderstood,
    /// The rule is too large.
    TooLarge,
    /// Something is compared that the query computes.
    Computed,
    /// A list is not part of the rule.
    List,
    /// A field has no name in the target.
    Field,
    /// The target has another rule for case.
    Case,
    /// The target has no such operator.
    Operator,
    /// A regular expression cannot be written in the target's dialect.
    Regex,
    /// A condition cannot be evaluated.
    NotEvaluated,
    /// The query is not read back as it was written.
    NotReadBack,
    /// The query says something else.
    Unequal,
}

impl RefusalKind {
    /// The reason in words, for tables.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Stateful => "several steps, or a count",
            Self::NoQuery => "no query",
            Self::NotUnderstood => "not understood",
            Self::TooLarge => "too large",
            Self::Computed => "computed value",
            Self::List => "list outside of the rule",
            Self::Field => "field without a name",
            Self::Case => "case rule",
            Self::Operator => "operator",
            Self::Regex => "regular expression",
            Self::NotEvaluated => "cannot be evaluated",
            Self::NotReadBack => "not read back",
            Self::Unequal => "unequal",
        }
    }
}

/// A rule in another language, before it is proven.
#[derive(Clone, Debug)]
pub struct Written {
    target: Target,
    reads: Reads,
    query: String,
    root: Node,
    uses: Vec<names::Use>,
    dropped: Vec<String>,
}

impl Written {
    /// The query.
    #[must_use]
    pub fn query(&self) -> &str {
        &self.query
    }
}

/// The rule in another language, with the proof that it says the same.
///
/// # Errors
/// Why it cannot be had, with the places in the rule's query.
pub fn convert(
    rule: &Rule,
    target: Target,
    options: &Options,
    taxonomy: &Taxonomy,
) -> Result<Conversion, Vec<Refusal>> {
    let written = write(rule, target, options, taxonomy)?;
    prove(rule, &written, taxonomy)
}

/// The rule in another language, without a proof.
///
/// # Errors
/// Why it cannot be had, with the places in the rule's query.
pub fn write(rule: &Rule, target: Target, options: &Options, taxonomy: &Taxonomy) -> Result<Written, Vec<Refusal>> {
    let condition = convertible(rule)?;
    let reader = taxonomy.reader(rule.vendor, &condition.sources);
    let mut least: Option<Vec<Refusal>> = None;
    for reads in target.reads(rule) {
        match written(rule, condition, &reader, target, &reads, options, taxonomy) {
            Ok(written) => return Ok(written),
            Err(refusals) => {
                if least.as_ref().is_none_or(|known| refusals.len() < known.len()) {
                    least = Some(refusals);
                }
            }
        }
    }
    Err(least.unwrap_or_default())
}

/// The proof of a query that was written of a rule.
///
/// # Errors
/// It is none: the query says something else, or is not read back.
pub fn prove(rule: &Rule, written: &Written, taxonomy: &Taxonomy) -> Result<Conversion, Vec<Refusal>> {
    let condition = convertible(rule)?;
    let reader = taxonomy.reader(rule.vendor, &condition.sources);
    let claim = Claim {
        vendor: rule.vendor,
        condition,
        root: &written.root,
        reader: &reader,
        taxonomy,
        target: written.target,
        uses: &written.uses,
        query: &written.query,
        separators: separators(&rule.platforms),
    };
    let proof = claim.prove().map_err(|refusal| vec![refusal])?;
    let mut fields: Vec<FieldName> = Vec::new();
    for used in &written.uses {
        let field = FieldName {
            from: used.from.clone(),
            to: used.to.clone(),
            field: used.field.clone(),
            mapped: used.is_mapped,
        };
        if !fields.contains(&field) {
            fields.push(field);
        }
    }
    let mut notes = Vec::new();
    notes.extend(written.dropped.iter().map(|text| format!("said by the log source: {text}")));
    let unmapped: Vec<&str> = fields.iter().filter(|field| !field.mapped).map(|field| field.to.as_str()).collect();
    if !unmapped.is_empty() {
        notes.push(format!(
            "no vocabulary of {} has these names, taken over from the rule: {}",
            written.target.title(),
            unmapped.join(", ")
        ));
    }
    if let Some(note) = written.target.reads_note(&written.reads) {
        notes.push(note);
    }
    if proof.selected == 0 {
        notes.push("no event of the proof is selected: none was found that the rule selects".to_owned());
    }
    Ok(Conversion { language: written.target.language(), query: written.query.clone(), fields, notes, proof })
}

/// The condition of a rule that one event decides.
fn convertible(rule: &Rule) -> Result<&Condition, Vec<Refusal>> {
    let refuse = |kind, why: &str| Err(vec![Refusal { span: None, kind, why: why.to_owned() }]);
    if rule.parse == ParseStatus::NoQuery {
        return refuse(RefusalKind::NoQuery, "the rule has no query");
    }
    if rule.query.len() > MAX_QUERY {
        let span = Some(Span::new(0, rule.query.len()));
        let why = format!("the query has {} bytes, and at most {MAX_QUERY} are converted", rule.query.len());
        return Err(vec![Refusal { span, kind: RefusalKind::TooLarge, why }]);
    }
    let opaque: Vec<Refusal> = rule
        .conditions
        .iter()
        .flat_map(|condition| condition.root.opaques())
        .take(20)
        .map(|opaque| Refusal {
            span: (opaque.span.end > opaque.span.start).then_some(opaque.span),
            kind: RefusalKind::NotUnderstood,
            why: format!("{}: {}", opaque.reason, clipped(&opaque.text)),
        })
        .collect();
    let condition = match rule.conditions.as_slice() {
        _ if rule.kind == Kind::Correlation => {
            return refuse(RefusalKind::Stateful, "the rule correlates the hits of others");
        }
        [] => return refuse(RefusalKind::NotUnderstood, "nothing of the query was understood"),
        [only] if only.absent => return refuse(RefusalKind::Stateful, "the rule asks for what does not happen"),
        [only] => only,
        several => {
            let why = format!("the rule has {} steps, and one event does not decide", several.len());
            return refuse(RefusalKind::Stateful, &why);
        }
    };
    if !opaque.is_empty() {
        return Err(opaque);
    }
    if rule.parse != ParseStatus::Full {
        let said = rule.diagnostics.iter().find(|found| found.level == ruleatlas_model::Level::Error);
        let why = said.map_or("the query is not understood in full", |found| found.message.as_str());
        let span = said.and_then(|found| found.span);
        return Err(vec![Refusal { span, kind: RefusalKind::NotUnderstood, why: why.to_owned() }]);
    }
    let predicates = condition.root.predicates().count();
    let values: usize = condition.root.predicates().map(|predicate| predicate.values.len()).sum();
    if predicates > MAX_PREDICATES || values > MAX_VALUES {
        let span = (!rule.query.is_empty()).then(|| Span::new(0, rule.query.len()));
        let why = format!(
            "the rule has {predicates} comparisons with {values} values, and at most {MAX_PREDICATES} with {MAX_VALUES} are converted"
        );
        return Err(vec![Refusal { span, kind: RefusalKind::TooLarge, why }]);
    }
    if predicates == 0 {
        return refuse(RefusalKind::NoQuery, "the query compares nothing");
    }
    Ok(condition)
}

/// The query for one choice of data.
fn written(
    rule: &Rule,
    condition: &Condition,
    reader: &Reader<'_>,
    target: Target,
    reads: &Reads,
    options: &Options,
    taxonomy: &Taxonomy,
) -> Result<Written, Vec<Refusal>> {
    let mut names = Names::new(reader, taxonomy, target, &reads.sources, &options.fields, separators(&rule.platforms));
    let (root, dropped) = without_choice(rule, condition, reads, &mut names);
    let mut lowering = Lowering { names: &mut names, keeps_modifiers: target.keeps_modifiers(), refusals: Vec::new() };
    let expr: Expr = lowering.lower(&root, false);
    if !lowering.refusals.is_empty() {
        return Err(lowering.refusals);
    }
    let query = target.write(rule, reads, &expr)?;
    Ok(Written { target, reads: reads.clone(), query, root, uses: names.uses, dropped })
}

/// The condition without what only chooses events that the target's data source is of, where the target has no name for
/// it.
fn without_choice(rule: &Rule, condition: &Condition, reads: &Reads, names: &mut Names<'_, '_>) -> (Node, Vec<String>) {
    let conjuncts = match &condition.root {
        Node::All(children) => children.as_slice(),
        other => std::slice::from_ref(other),
    };
    let says = names.target.says(names.taxonomy, reads, rule);
    let mut dropped = Vec::new();
    let mut kept = Vec::new();
    for conjunct in conjuncts {
        let is_choice = says
            && conjunct.opaques().next().is_none()
            && conjunct.predicates().all(|predicate| {
                let field = names.reader.field_of(predicate).map(|used| used.field.name.as_str());
                field.is_some_and(selects_events)
            });
        let has_names = is_choice && {
            let before = names.uses.len();
            let all = conjunct
                .predicates()
                .all(|predicate| names.of(predicate).is_ok() && names.uses.last().is_none_or(|used| used.is_mapped));
            names.uses.truncate(before);
            names.forget();
            all
        };
        if is_choice && !has_names {
            dropped.push(clipped(&said(conjunct)));
        } else {
            kept.push(conjunct.clone());
        }
    }
    if kept.is_empty() { (condition.root.clone(), Vec::new()) } else { (Node::all(kept), dropped) }
}

/// A condition in a few words.
fn said(node: &Node) -> String {
    let one = |predicate: &Predicate| {
        format!("{} {} {}", predicate.raw_field, predicate.written_op().name(), predicate.values.join(", "))
    };
    node.predicates().map(one).collect::<Vec<_>>().join("; ")
}

/// What parts the folders of a path, by the platforms of a rule.
fn separators(platforms: &[String]) -> &'static [char] {
    let has = |name: &str| platforms.iter().any(|platform| platform == name);
    match (has("windows"), has("linux") || has("macos")) {
        (true, false) => &['\\'],
        (false, true) => &['/'],
        _ => &['\\', '/'],
    }
}

/// Why one event does not decide a rule by itself, whatever it is converted to; `None` where it does.
#[must_use]
pub fn undecidable(rule: &Rule) -> Option<RefusalKind> {
    let placed = roles(&rule.conditions);
    let has = |is_asked: &dyn Fn(&Predicate) -> bool| placed.iter().any(|placed| is_asked(placed.predicate));
    let is_single = rule.conditions.len() == 1 && rule.conditions.iter().all(|condition| !condition.absent);
    match () {
        () if rule.parse == ParseStatus::NoQuery => Some(RefusalKind::NoQuery),
        () if rule.parse != ParseStatus::Full => Some(RefusalKind::NotUnderstood),
        () if rule.kind == Kind::Correlation || !is_single || has(&|predicate| predicate.computed) => {
            Some(RefusalKind::Stateful)
        }
        () if placed.is_empty() => Some(RefusalKind::NoQuery),
        () if has(&|predicate| predicate.op == Op::InList) => Some(RefusalKind::List),
        () => None,
    }
}
