use std::{
    borrow::Cow,
    cell::{Cell, OnceCell},
    sync::atomic::{AtomicUsize, Ordering},
};

use rayon::prelude::*;
use ruleatlas_core::{BUDGET, Budget, Context, FileBudget, Parsed, Query, clip};
use ruleatlas_model::{Attack, Condition, Diagnostic, FileOutcome, Level, Node, ParseStatus, Span};
use ruleatlas_sources::{
    Content, Draft, Error, Format, Licenses, Origin, Outcome, RawTag, SourceFile, SourceKind, SourceSpec,
    attack::Knowledge, format_of, license_of, looks_like_query, read_files,
};
use ruleatlas_taxonomy::Taxonomy;
use serde::{Deserialize, Serialize};

use crate::{
    Controls, Entry, EventCatalog, FileRecord, UNKNOWN_SOURCE, controls, duplicates, fingerprint, frontend, is_query,
    lookups::RecordingContext, spelling, tags, unit_tests,
};

/// Rules that are read of one file: a rule is some kilobytes, whatever its text is.
const MAX_RULES: usize = 20_000;
/// Data sources of a rule's metadata that are read.
const MAX_SOURCES: usize = 256;
/// Bytes that are kept of the query of a rule that is not read.
const MAX_UNREAD_QUERY: usize = 4 << 10;
/// Bytes of a file that are searched, all its rules together, for the lines of what is said of queries; what is left has
/// the line of its rule.
const MAX_SEARCHED: usize = 256 << 20;

/// A catalog just built.
#[derive(Debug, Default)]
pub struct Catalog {
    /// Where its content comes from.
    pub sources: Vec<SourceInfo>,
    /// Every file of every source.
    pub files: Vec<FileRecord>,
    /// Every rule, ordered by id.
    pub entries: Vec<Entry>,
    /// ATT&CK as loaded; empty where no source holds it.
    pub attack: Attack,
    /// Every event that a dictionary knows or a rule reads.
    pub events: EventCatalog,
    /// Countermeasures, analytics and tests, and who threatens.
    pub controls: Controls,
    /// What was said of sources that hold no rules.
    pub diagnostics: Vec<Diagnostic>,
    /// Stands for the sources' content and the program's version: equal fingerprints, equal catalogs.
    pub fingerprint: String,
}

/// A source as the catalog names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SourceInfo {
    /// The name that its rules carry.
    pub name: String,
    /// What it holds.
    pub kind: SourceKind,
    /// Where it came from.
    pub origin: Origin,
    /// Files on disk.
    pub files: u32,
    /// Rules in them.
    pub rules: u32,
    /// What it gives: rules, or of a source without rules techniques, statements on events, or controls.
    pub items: u32,
}

/// What the build is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Reading files.
    Read,
    /// Parsing rules.
    Parse,
    /// Counting.
    Count,
    /// Writing the file.
    Write,
}

/// Is told what the build is at, which source it works on, how many files are done and how many there are.
pub type Progress<'a> = &'a (dyn Fn(Stage, &str, usize, usize) + Sync);

/// Why a catalog could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A source could not be read at all.
    #[error(transparent)]
    Source(#[from] Error),
    /// There is nothing to build from.
    #[error("no source was named; give at least one, as in `--source sigma=PATH`")]
    NoSource,
}

/// A source whose files were read.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What it is.
    pub spec: SourceSpec,
    /// Its files, ordered by path.
    pub files: Vec<SourceFile>,
}

impl Loaded {
    /// Reads the files of every source.
    ///
    /// # Errors
    /// A folder is missing or cannot be listed, or none is named.
    pub fn read(specs: &[SourceSpec], progress: Progress<'_>) -> Result<Vec<Self>, BuildError> {
        if specs.is_empty() {
            return Err(BuildError::NoSource);
        }
        // What names mean is read meanwhile: the parsing of the first rule would wait for it.
        rayon::spawn(|| {
            let _ = Taxonomy::builtin();
        });
        let done = AtomicUsize::new(0);
        let read = |spec: &SourceSpec| {
            let files = read_files(spec)?;
            progress(Stage::Read, &spec.name, done.fetch_add(1, Ordering::Relaxed) + 1, specs.len());
            Ok(Self { spec: spec.clone(), files })
        };
        specs.par_iter().map(read).collect()
    }
}

/// Builds the catalog of `sources`.
///
/// A rule that cannot be parsed is in it all the same, and says so; a file that cannot be read is in the ledger. The
/// sources are taken, so that their texts are gone before the rules are counted and written.
///
/// A source that gives nothing is no error; [`SourceInfo::items`] says so.
///
/// # Errors
/// There is no source.
pub fn build(sources: Vec<Loaded>, progress: Progress<'_>) -> Result<Catalog, BuildError> {
    if sources.is_empty() {
        return Err(BuildError::NoSource);
    }
    let taxonomy = Taxonomy::builtin();
    let mut catalog = Catalog { fingerprint: fingerprint(&sources), ..Catalog::default() };
    let parsing = Parsing::of(&sources, taxonomy, progress);
    let name = sources.iter().find(|source| source.spec.kind == SourceKind::Attack).map(|source| &source.spec.name);
    let name = name.cloned();
    let mut rest: Vec<(usize, Loaded)> = sources.into_iter().enumerate().collect();
    let mut take = |is_of: fn(SourceKind) -> bool| rest.extract_if(.., |(_, source)| is_of(source.spec.kind)).collect();
    let of_attack: Vec<_> = take(|kind| kind == SourceKind::Attack);
    let of_events: Vec<_> = take(|kind| kind == SourceKind::Events);
    let of_rules: Vec<_> = take(|kind| kind.vendor().is_some());
    let beside = || {
        let attack = || parsing.consume_sources(of_attack, load_attack);
        let events = || parsing.consume_sources(of_events, |sources| EventCatalog::load(sources, taxonomy));
        let controls = || parsing.consume_sources(rest, controls::read);
        rayon::join(attack, || rayon::join(events, controls))
    };
    let (((knowledge, mut used), ((events, mut of_events), (controls, mut of_controls))), ((), of_rules)) =
        rayon::join(beside, || parsing.consume_sources(of_rules, |_| ()));
    let Knowledge { attack, threats, diagnostics } = knowledge;
    // Of several sources of ATT&CK only the first is read.
    let techniques = u32::try_from(attack.techniques.len()).unwrap_or(u32::MAX);
    for (sources, counts) in
        [(&mut used, &vec![techniques]), (&mut of_events, &events.2), (&mut of_controls, &controls.2)]
    {
        sources.iter_mut().zip(counts).for_each(|(source, count)| source.info.items = *count);
    }
    (catalog.attack, catalog.events, catalog.diagnostics) = (attack, events.0, diagnostics);
    catalog.diagnostics.extend(events.1);
    catalog.diagnostics.extend(controls.1);
    catalog.controls = Controls::of(controls.0, &catalog.attack, name.as_deref(), threats, &mut catalog.diagnostics);
    progress(Stage::Count, "", 0, 1);
    let mut used: Vec<ConsumedSource> = [used, of_events, of_controls, of_rules].into_iter().flatten().collect();
    used.sort_unstable_by_key(|source| source.place);
    catalog.take(used);
    order(&mut catalog.entries);
    duplicates::mark_alike(&mut catalog.entries);
    duplicates::settle(&mut catalog.entries);
    spelling::unify_events(&mut catalog.entries);
    catalog.events.complete(&catalog.entries, &catalog.attack, taxonomy);
    Ok(catalog)
}

impl Catalog {
    /// Takes over what the sources hold, their tags led to the techniques of ATT&CK.
    fn take(&mut self, sources: Vec<ConsumedSource>) {
        // A rule is some hundred bytes beside its texts: the lists are as long as they get from the start.
        self.files.reserve_exact(sources.iter().map(|source| source.files.len()).sum());
        self.entries.reserve_exact(sources.iter().map(|source| source.info.rules as usize).sum());
        let attack = &self.attack;
        for mut source in sources {
            source.files.par_iter_mut().for_each(|(_, fresh)| {
                for fresh in fresh {
                    tags::resolve(&mut fresh.entry.rule, &std::mem::take(&mut fresh.tags), attack);
                }
            });
            for (record, fresh) in source.files {
                self.files.push(record);
                self.entries.extend(fresh.into_iter().map(|fresh| fresh.entry));
            }
            self.sources.push(source.info);
        }
    }
}

/// What the first source of ATT&CK holds. One without a bundle that can be read gives nothing, like any other source.
fn load_attack(sources: &[Loaded]) -> Knowledge {
    let Some(source) = sources.first() else { return Knowledge::default() };
    ruleatlas_sources::attack::load_all(&source.files, None).unwrap_or_else(|error| Knowledge {
        diagnostics: vec![Diagnostic::error("no ATT&CK", format!("{}: {error}", source.spec.name))],
        ..Knowledge::default()
    })
}

/// A file's record and its rules.
type ParsedFile = (FileRecord, Vec<ParsedRule>);

/// A rule whose tags are still to be resolved.
pub(crate) struct ParsedRule {
    pub entry: Entry,
    tags: Vec<RawTag>,
}

impl ParsedRule {
    /// The rule with its tags led to the techniques of ATT&CK.
    pub fn resolved(mut self, attack: &Attack) -> Entry {
        tags::resolve(&mut self.entry.rule, &self.tags, attack);
        self.entry
    }
}

/// A source whose texts are gone: what it was, and what was in its files.
struct ConsumedSource {
    /// Its place among the sources.
    place: usize,
    info: SourceInfo,
    files: Vec<ParsedFile>,
}

/// The parsing of all files.
struct Parsing<'a> {
    taxonomy: &'a Taxonomy,
    progress: Progress<'a>,
    /// Files.
    done: AtomicUsize,
    total: usize,
}

impl<'a> Parsing<'a> {
    fn of(sources: &[Loaded], taxonomy: &'a Taxonomy, progress: Progress<'a>) -> Self {
        let total = sources.iter().map(|source| source.files.len()).sum();
        Self { taxonomy, progress, done: AtomicUsize::new(0), total }
    }

    /// Reads what `read` finds in the sources of one kind, and the rules in their files; then their texts go, so that
    /// what is read later takes their memory.
    fn consume_sources<T>(
        &self,
        sources: Vec<(usize, Loaded)>,
        read: impl FnOnce(&[Loaded]) -> T,
    ) -> (T, Vec<ConsumedSource>) {
        let (places, sources): (Vec<usize>, Vec<Loaded>) = sources.into_iter().unzip();
        let read = read(&sources);
        let used = places.into_par_iter().zip(sources).map(|(place, source)| {
            let files = self.files(&source);
            let origin = &source.spec.origin;
            let rules: usize = files.iter().map(|(_, fresh)| fresh.len()).sum();
            let info = SourceInfo {
                name: source.spec.name.clone(),
                kind: source.spec.kind,
                origin: Origin {
                    license: origin.license.clone().or_else(|| license_of(&source.files).map(str::to_owned)),
                    ..origin.clone()
                },
                files: u32::try_from(source.files.len()).unwrap_or(u32::MAX),
                rules: u32::try_from(rules).unwrap_or(u32::MAX),
                items: u32::try_from(rules).unwrap_or(u32::MAX),
            };
            ConsumedSource { place, info, files }
        });
        (read, used.collect())
    }

    fn files(&self, source: &Loaded) -> Vec<ParsedFile> {
        let format = source.spec.kind.vendor().map(|vendor| format_of(vendor, is_query));
        let context = format.as_deref().map(|format| format.context(&source.files));
        let licenses = Licenses::of(&source.files);
        let parse = |file: &SourceFile| {
            let license = source.spec.origin.license.as_deref().or_else(|| licenses.at(&file.path));
            let reader = Reader { source: &source.spec.name, license, taxonomy: self.taxonomy };
            let parsed = reader.file(file, format.as_deref(), context.as_deref());
            let count = self.done.fetch_add(1, Ordering::Relaxed) + 1;
            if count.is_multiple_of(64) || count == self.total {
                (self.progress)(Stage::Parse, &source.spec.name, count, self.total);
            }
            parsed
        };
        source.files.par_iter().map(parse).collect()
    }
}

pub(crate) struct Reader<'a> {
    pub source: &'a str,
    pub license: Option<&'a str>,
    pub taxonomy: &'a Taxonomy,
}

impl Reader<'_> {
    pub fn file(
        &self,
        file: &SourceFile,
        format: Option<&dyn Format>,
        context: Option<&dyn Context>,
    ) -> (FileRecord, Vec<ParsedRule>) {
        let mut entries = Vec::new();
        let outcome = match (&file.content, format) {
            (Content::Unreadable(reason, line), _) => Outcome::Unreadable(reason.clone(), *line),
            (Content::Skipped(reason), _) => Outcome::NotARule(Cow::Owned(reason.clone())),
            (Content::Text(_), None) => Outcome::NotARule(Cow::Borrowed("a source without rules")),
            (Content::Text(text), Some(format)) => {
                let context = context.unwrap_or(&ruleatlas_core::NoContext);
                let own = context.of_file(&file.path);
                let context = own.as_deref().unwrap_or(context);
                let lines = Lines::of(text);
                let mut left_out = 0_usize;
                let mut budget = FileBudget::for_size(text.len());
                let outcome = format.read_in(file, context, &mut |mut draft| {
                    draft.rule.diagnostics.extend(assumed_encoding(file));
                    if entries.len() < MAX_RULES {
                        entries.push(self.entry_in(draft, &lines, context, &mut budget));
                    } else {
                        left_out += 1;
                    }
                });
                if let (1.., Some(last)) = (left_out, entries.last_mut()) {
                    let message = format!(
                        "the file holds {left_out} more rules; {MAX_RULES} are read of one file, split it to have the others"
                    );
                    let rule = &mut last.entry.rule;
                    rule.diagnostics.push(Diagnostic::error(BUDGET, message).on_line(rule.line));
                    if rule.parse == ParseStatus::Full {
                        rule.parse = ParseStatus::Partial;
                    }
                }
                outcome
            }
        };
        // A module that a rule names was read with it.
        let is_part = context.is_some_and(|context| context.is_part(&file.path));
        let is_passed_over = format.is_some() && outcome != Outcome::Rules && !is_part;
        let looks_like_query = is_passed_over && looks_like_query(file);
        let (outcome, reason, line) = match outcome {
            Outcome::Rules => (FileOutcome::Rules, None, None),
            Outcome::NotARule(reason) => (FileOutcome::NotARule, Some(reason.into_owned()), None),
            Outcome::Unreadable(reason, line) => (FileOutcome::Unreadable, Some(reason), line),
        };
        let rules = u32::try_from(entries.len()).unwrap_or(u32::MAX);
        let source = self.source.to_owned();
        let record = FileRecord { source, path: file.path.clone(), outcome, reason, line, rules, looks_like_query };
        (record, entries)
    }

    pub fn entry(&self, draft: Draft<'_>, text: &str, context: &dyn Context) -> ParsedRule {
        self.entry_in(draft, &Lines::of(text), context, &mut FileBudget::for_size(text.len()))
    }

    /// The same for one of several rules of a file, for what `file` has left.
    fn entry_in(
        &self,
        draft: Draft<'_>,
        lines: &Lines<'_>,
        context: &dyn Context,
        file: &mut FileBudget,
    ) -> ParsedRule {
        let Draft { mut rule, tags, tree, sources } = draft;
        rule.source = self.source.to_owned();
        rule.license = rule.license.or_else(|| self.license.map(str::to_owned));
        let mut sources = sources;
        if sources.len() > MAX_SOURCES {
            // Every step of a query reads all of them.
            let message = format!("the rule names {} data sources; the first {MAX_SOURCES} are read", sources.len());
            rule.diagnostics.push(Diagnostic::warning(BUDGET, message).on_line(rule.line));
            sources.truncate(MAX_SOURCES);
        }
        // What stands beside the query as a condition: every step is subject to it.
        let beside = std::mem::take(&mut rule.conditions);
        if !rule.query.is_empty() {
            let mut budget = file.budget_of(&rule.query);
            if budget.is_refused() {
                // Rules that are not read may share a text of many megabytes.
                rule.query = clip(&rule.query, MAX_UNREAD_QUERY);
            }
            let query = Query { text: &rule.query, tree, sources: &sources };
            let asked = RecordingContext::of(context);
            let mut parsed = frontend(rule.language).parse_within(&query, &asked, &mut budget);
            add_to_all(&mut parsed, &beside, &mut budget);
            if !beside.is_empty() {
                parsed = parsed.limited(&rule.query);
            }
            rule.parse = parsed.status();
            rule.conditions = parsed.conditions;
            let mut place = Place::new(lines, tree.map(|(_, base)| base), &rule.query, rule.line);
            rule.diagnostics.extend(parsed.diagnostics.into_iter().map(|diagnostic| place.line(diagnostic)));
            // The source may have said that the rule stands for others of its file that are not read.
            let is_short = |said: &Diagnostic| said.code == BUDGET && said.level == Level::Error;
            if rule.parse == ParseStatus::Full && rule.diagnostics.iter().any(is_short) {
                rule.parse = ParseStatus::Partial;
            }
            asked.keep(&mut rule);
            file.spend(&budget);
        }
        unit_tests::complete(&mut rule, &sources, context);
        self.taxonomy.read_sources(rule.vendor, &mut rule.conditions);
        let telemetry = match rule.conditions.as_slice() {
            [] => self.taxonomy.describe_sources(&sources),
            conditions => self.taxonomy.describe(conditions),
        };
        rule.log_sources = telemetry.log_sources.iter().map(ToString::to_string).collect();
        rule.platforms = telemetry.platforms.iter().map(ToString::to_string).collect();
        rule.domains = telemetry.domains.iter().map(ToString::to_string).collect();
        for unknown in self.taxonomy.unknown_sources(&rule.conditions) {
            let message = format!(
                "unknown source: {} `{}`; a row in crates/taxonomy/data/sources makes it known",
                unknown.kind.name(),
                unknown.name
            );
            rule.diagnostics.push(Diagnostic::note(UNKNOWN_SOURCE, message).on_line(rule.line));
        }
        let reads = self.taxonomy.reads(rule.vendor, &rule.conditions);
        rule.events = reads.links;
        let entry = Entry { needs: reads.needs, ..Entry::new(rule, self.taxonomy) };
        ParsedRule { entry, tags }
    }
}

/// What to say of a file that does not say itself how it is written.
fn assumed_encoding(file: &SourceFile) -> Option<Diagnostic> {
    let name = file.encoding.assumed()?;
    let message = format!("the file is not UTF-8 and has no byte-order mark; it was read as {name}; save it as UTF-8");
    Some(Diagnostic::note("encoding assumed", message).on_line(1))
}

/// Adds conditions to every step, as far as the budget has room for copies of them.
fn add_to_all(parsed: &mut Parsed, conditions: &[Condition], budget: &mut Budget) {
    if conditions.is_empty() {
        return;
    }
    let size = conditions.iter().map(|condition| condition.root.walk().count()).sum();
    for step in &mut parsed.conditions {
        let root = std::mem::replace(&mut step.root, Node::always());
        let more: Vec<Node> = match budget.nodes(size) {
            true => conditions.iter().map(|condition| condition.root.clone()).collect(),
            false => vec![Node::opaque("", BUDGET, Span::default())],
        };
        step.root = Node::all(std::iter::once(root).chain(more));
    }
    parsed.diagnostics.extend(budget.report());
}

/// A file's text, and where its lines begin.
struct Lines<'a> {
    text: &'a str,
    /// The offsets at which lines begin, found when somebody asks.
    starts: OnceCell<Vec<usize>>,
    /// Bytes that may still be searched for words of queries: a file can hold thousands of rules, each with faults.
    search: Cell<usize>,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        Self { text, starts: OnceCell::new(), search: Cell::new(MAX_SEARCHED) }
    }

    fn starts(&self) -> &[usize] {
        self.starts
            .get_or_init(|| std::iter::once(0).chain(self.text.match_indices('\n').map(|(at, _)| at + 1)).collect())
    }

    /// The one-based line of an offset.
    fn at(&self, offset: usize) -> u32 {
        u32::try_from(self.starts().partition_point(|start| *start <= offset)).unwrap_or(u32::MAX)
    }

    /// The offset at which a one-based line begins.
    fn start_of(&self, line: u32) -> usize {
        self.starts().get((line as usize).saturating_sub(1)).copied().unwrap_or(self.text.len())
    }

    /// Takes what a search of so many bytes costs; whether it may be made.
    fn may_search(&self, bytes: usize) -> bool {
        let left = self.search.get().checked_sub(bytes);
        self.search.set(left.unwrap_or_default());
        left.is_some()
    }

    /// The first place of a text from an offset on, or else anywhere.
    fn find(&self, what: &str, from: usize) -> Option<usize> {
        let near = self.text.get(from..)?;
        // A query stands behind the line of its rule, mostly not far.
        let near = near.get(..near.floor_char_boundary(what.len().saturating_mul(2).saturating_add(4096)))?;
        if let Some(at) = near.find(what) {
            return Some(from + at);
        }
        self.text.find(what)
    }
}

/// Where a query stands in its file.
struct Place<'a> {
    lines: &'a Lines<'a>,
    /// The offset at which the query's text begins in it, where the source knows or the text stands there as written.
    base: Option<usize>,
    query: &'a str,
    /// The rule's line.
    line: u32,
}

impl<'a> Place<'a> {
    /// `base` is what the source knows.
    fn new(lines: &'a Lines<'a>, base: Option<usize>, query: &'a str, line: u32) -> Self {
        Self { lines, base, query, line }
    }

    /// With the line in the file, where the diagnostic has a place in the query.
    fn line(&mut self, mut diagnostic: Diagnostic) -> Diagnostic {
        if let (None, Some(span)) = (diagnostic.line, diagnostic.span) {
            diagnostic.line = Some(self.line_of(span).unwrap_or(self.line));
        }
        diagnostic
    }

    /// The line of a span: by its place, where the query's text stands in the file as written; else by the words that
    /// stand there, for files fold and indent queries. `None` where they do not stand in the file.
    fn line_of(&mut self, span: Span) -> Option<u32> {
        let text = self.lines.text;
        let from = self.lines.start_of(self.line);
        if self.base.is_none() && self.lines.may_search(text.len()) {
            self.base = self.lines.find(self.query, from);
        }
        if let Some(base) = self.base {
            return Some(self.lines.at((span.start as usize).saturating_add(base)));
        }
        // The first word may be one that a file writes in another way.
        let start = span.start as usize;
        let line = self.query.get(start..)?.lines().next()?;
        for length in [60, 30, 15, 6] {
            if !self.lines.may_search(text.len() - from + start) {
                return None;
            }
            let words: String = line.chars().take(length).collect();
            let words = words.trim_end();
            let earlier = self.query.get(..start)?.matches(words).count();
            let mut places = text.get(from..)?.match_indices(words);
            // As many of the same stand before it in the file as in the query, but for what stands beside the query.
            if let Some((place, _)) = places.nth(earlier).filter(|_| words.len() > 1) {
                return Some(self.lines.at(from + place));
            }
        }
        None
    }
}

/// Orders by id, and gives the later of two rules with one id its path besides.
fn order(entries: &mut [Entry]) {
    // By cached keys, as a rule is large to move.
    entries.sort_by_cached_key(|Entry { rule, .. }| {
        (rule.id.clone(), !rule.is_counted(), rule.source.clone(), rule.path.clone(), rule.line)
    });
    let mut is_renamed = false;
    let mut first: Option<usize> = None;
    for at in 0..entries.len() {
        let (earlier, rest) = entries.split_at_mut(at);
        let Some(Entry { rule, .. }) = rest.first_mut() else { break };
        match first.and_then(|first| earlier.get(first)).filter(|first| first.rule.id == rule.id) {
            Some(first) => {
                let message = format!("another rule has the id `{}`; this one goes by its path besides", rule.id);
                rule.diagnostics.push(Diagnostic::warning(Diagnostic::DUPLICATE_ID, message).on_line(rule.line));
                if first.rule.source != rule.source {
                    duplicates::mark(rule, &first.rule, "the rule has the same id");
                }
                rule.id = format!("{}@{}", rule.id, rule.path);
                is_renamed = true;
            }
            None => first = Some(at),
        }
    }
    if is_renamed {
        entries.sort_by_cached_key(|entry| entry.rule.id.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_an_indented_query_has_its_line_in_the_file() {
        let text = "name: a\nquery: |\n  T\n  | where x\n  | where x ==\nnote: x\n";
        let query = "T\n| where x\n| where x ==\n";
        let lines = Lines::of(text);
        let mut place = Place::new(&lines, None, query, 1);
        let mut line = |words: &str, nth: usize| {
            let at = query.match_indices(words).nth(nth).map_or(0, |(at, _)| at);
            place.line_of(Span::new(at, query.len()))
        };
        assert_eq!((line("| where x", 0), line("| where x", 1), line("==", 0)), (Some(4), Some(5), Some(5)));
        assert_eq!(Place::new(&lines, None, "U | where y", 1).line_of(Span::new(0, 1)), None);
    }
}
