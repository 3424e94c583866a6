use ruleatlas_model::{
    Condition, DataSource, Diagnostic, Language, Level, MAX_CONDITION_DEPTH, MAX_CONDITION_NODES, ParseStatus, Span,
};
use ruleatlas_syntax::Token;
use serde::Serialize;

use crate::{BUDGET, Budget};

/// The text of a query, and what its source knows of it.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// The query as written. All spans point into it.
    pub text: &'a str,
    /// For languages written in YAML: the tree of `text`, where the source has read it already, and the offset in
    /// the tree's file at which `text` begins. Front ends read the text themselves where this is missing.
    pub tree: Option<(&'a ruleatlas_yaml::Node<'a>, usize)>,
    /// What the rule's metadata says it reads (index patterns, log types, a Sigma log source).
    pub sources: &'a [DataSource],
}

impl<'a> Query<'a> {
    /// A query of which nothing but the text is known.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self { text, tree: None, sources: &[] }
    }
}

/// What came of a query.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Parsed {
    /// One condition a step.
    pub conditions: Vec<Condition>,
    /// What is odd, forbidden or not understood.
    pub diagnostics: Vec<Diagnostic>,
}

impl Parsed {
    /// With every condition within the [limits](ruleatlas_model::Node::limit) that all readers share; what is beyond them is opaque, and a
    /// diagnostic says so. `text` is the query's.
    #[must_use]
    pub fn limited(mut self, text: &str) -> Self {
        for condition in &mut self.conditions {
            let Some(excess) = condition.root.limit(text) else { continue };
            let message = format!(
                "{}: at most {MAX_CONDITION_DEPTH} levels and {MAX_CONDITION_NODES} nodes are kept, the rest is not \
                 evaluated; write it as several rules",
                excess.reason
            );
            self.diagnostics.push(Diagnostic::error(excess.reason, message).at(excess.span));
        }
        self
    }

    /// Says of every opaque part that it was not understood, unless something is said of its place already.
    fn report_opaque_parts(&mut self) {
        /// More than these are no help to a reader.
        const MAX_REPORTS: usize = 200;
        // By where they begin, each with the furthest end of those up to it: a broken text has as many as it is long.
        let said = self.diagnostics.iter().filter(|found| found.level != Level::Note).filter_map(|found| found.span);
        let mut said: Vec<Span> = said.collect();
        said.sort_unstable_by_key(|span| span.start);
        let mut furthest = 0;
        for span in &mut said {
            furthest = furthest.max(span.end);
            span.end = furthest;
        }
        let touches = |span: Span| {
            let up_to = said.partition_point(|known| known.start <= span.end);
            up_to.checked_sub(1).and_then(|last| said.get(last)).is_some_and(|known| known.end >= span.start)
        };
        // Where YAML holds a part, its place is a line of the file, and the text that is shown may not have it.
        let has_lines = self.diagnostics.iter().any(|found| found.level != Level::Note && found.line.is_some());
        let mut reports: Vec<Diagnostic> = Vec::new();
        for opaque in self.conditions.iter().flat_map(|condition| condition.root.opaques()) {
            // What is too much is said once for all.
            let is_said = opaque.reason == BUDGET
                || (opaque.span.start == opaque.span.end && has_lines)
                || touches(opaque.span)
                || reports.iter().any(|found| found.span == Some(opaque.span));
            if is_said {
                continue;
            }
            let mut found = Diagnostic::warning("", format!("not understood: {}", opaque.text)).at(opaque.span);
            found.code = opaque.reason.clone().into();
            reports.push(found);
            if reports.len() >= MAX_REPORTS {
                break;
            }
        }
        self.diagnostics.append(&mut reports);
    }

    /// How much was understood; see [`ParseStatus::of`].
    #[must_use]
    pub fn status(&self) -> ParseStatus {
        ParseStatus::of(&self.conditions, &self.diagnostics)
    }
}

/// A front end: one query language.
///
/// Every input gives an answer: no panic, no recursion or memory without bound, no execution.
pub trait Frontend: Sync {
    /// The language.
    fn language(&self) -> Language;

    /// Query text in, conditions and diagnostics out, for what a rule may cost; see [`Limits::RULE`](crate::Limits::RULE).
    fn parse(&self, query: &Query<'_>, context: &dyn Context) -> Parsed {
        self.parse_within(query, context, &mut Budget::default())
    }

    /// The same for what `budget` has left. What does not fit is opaque, and a diagnostic of the code
    /// [`BUDGET`](crate::BUDGET) says what ran out.
    fn parse_within(&self, query: &Query<'_>, context: &dyn Context, budget: &mut Budget) -> Parsed {
        if let Some(refused) = budget.refuse(query) {
            return refused;
        }
        // The nodes that stay are counted without more recursion than the limit of depth allows; what stands for those that
        // do not may add a level.
        let mut parsed = self.read(query, context, budget).limited(query.text);
        parsed.report_opaque_parts();
        budget.bound(&mut parsed, query);
        parsed.limited(query.text)
    }

    /// What [`Frontend::parse_within`] gives, before it is cut to the budget's limit of nodes: what a front end
    /// implements, and nobody else calls.
    fn read(&self, query: &Query<'_>, context: &dyn Context, budget: &mut Budget) -> Parsed;

    /// Whether a text that nobody marked as a query is one of this language. Most languages cannot tell.
    fn is_query(&self, _text: &str) -> bool {
        false
    }

    /// The text's tokens for colouring, in order and without overlap; gaps are plain.
    fn tokens(&self, _text: &str) -> Vec<Token> {
        Vec::new()
    }
}

/// What stands around a query and a language may ask for: macros, lists, modules, other rules.
///
/// Each method answers `None` where the source has no such thing.
pub trait Context: Send + Sync {
    /// The macro of this name that takes this many arguments.
    fn macro_definition(&self, _name: &str, _arguments: usize) -> Option<MacroDefinition<'_>> {
        None
    }

    /// The search that defines the event type of this name.
    fn event_type(&self, _name: &str) -> Option<&str> {
        None
    }

    /// The fields and values that have this tag: an event has the tag where one of its fields has such a value.
    fn tagged(&self, _tag: &str) -> Vec<(&str, &str)> {
        Vec::new()
    }

    /// The table behind a lookup of this name.
    fn lookup(&self, _name: &str) -> Option<&LookupTable> {
        None
    }

    /// The data model of a log type: what its common names stand for.
    fn data_model(&self, _log_type: &str) -> Option<&DataModel> {
        None
    }

    /// The text of a module that the query's module imports.
    fn module(&self, _name: &str) -> Option<&str> {
        None
    }

    /// What stands around the queries of one file, by its path, where that is another context than the source's.
    fn of_file(&self, _path: &str) -> Option<Box<dyn Context + '_>> {
        None
    }

    /// Whether rules of other files have the text of the file at this path as theirs.
    fn is_part(&self, _path: &str) -> bool {
        false
    }

    /// The rule of this id or name.
    fn rule(&self, _reference: &str) -> Option<Referenced<'_>> {
        None
    }
}

/// A context that knows nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoContext;

impl Context for NoContext {}

/// A macro: text with named parameters (`$name$`).
#[derive(Clone, Copy, Debug)]
pub struct MacroDefinition<'a> {
    /// The parameters' names.
    pub parameters: &'a [String],
    /// The text.
    pub definition: &'a str,
}

/// A lookup's content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LookupTable {
    /// The columns' names.
    pub columns: Vec<String>,
    /// The rows, each as long as `columns`.
    pub rows: Vec<Vec<String>>,
    /// Whether values match without case.
    pub case_insensitive: bool,
    /// Columns whose values are patterns with wildcards.
    pub wildcard_columns: Vec<String>,
    /// What every output is for a value that the table does not hold; it is null where this is `None`.
    pub default_match: Option<String>,
}

/// What the common names of a data model stand for in the events of a log type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataModel {
    /// The names, in the order of the file.
    pub mappings: Vec<DataModelMapping>,
    /// The path of the module that has the methods; empty where there is none.
    pub module: String,
}

impl DataModel {
    /// The mapping of a name.
    #[must_use]
    pub fn mapping(&self, name: &str) -> Option<&DataModelMapping> {
        self.mappings.iter().find(|mapping| mapping.name == name)
    }
}

/// A name of a data model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataModelMapping {
    /// The name.
    pub name: String,
    /// The path of the value in the event; empty where a method gives it.
    pub path: String,
    /// The method of the model's module that gives the value; empty where a path gives it.
    pub method: String,
}

/// A rule that another refers to.
#[derive(Clone, Copy, Debug)]
pub struct Referenced<'a> {
    /// Its id, as its own source writes it.
    pub id: &'a str,
    /// Its title.
    pub title: &'a str,
    /// Its query.
    pub query: Query<'a>,
}
