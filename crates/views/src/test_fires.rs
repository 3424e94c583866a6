//! Which rules a test would fire, without running it.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use ruleatlas_emulate::{EmulatedEvent, Emulation, EventKind, Platform, Script, Shell, emulate};
use ruleatlas_events::Record;
use ruleatlas_model::{Control, ControlSource, Vendor};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::{Atlas, Error, FiresError, FiringRule, NearRule, RuleItem, fires::MAX_FIRES_EVENTS};

/// Which tests are asked about.
#[derive(Clone, Debug, Default)]
pub struct TestsRequest {
    /// A technique, of which the sub-techniques' tests belong to it, or the id of one test.
    pub technique_or_id: String,
    /// Only rules of these vendors; none for all.
    pub vendors: Vec<Vendor>,
    /// At most this many tests.
    pub limit: Option<usize>,
}

/// Tests, and the rules that they would fire.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TestsView {
    /// The technique, where one was asked about.
    pub technique: Option<String>,
    /// How many tests there are.
    pub tests_total: u64,
    /// The tests.
    pub tests: Vec<EmulatedTest>,
    /// The events of all of them.
    pub events: Vec<TestEvent>,
    /// The rules that one of them fires, each with the number of tests as its hits.
    pub fires: Vec<FiringRule>,
    /// The rules that one of them would fire if its events had what the texts do not say.
    pub would_fire: Vec<WouldFire>,
    /// Rules of the technique that none of the tests fires; empty for a single test.
    pub not_fired: Vec<RuleItem>,
}

/// A test.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EmulatedTest {
    /// The source.
    pub source: ControlSource,
    /// Its id there.
    pub id: String,
    /// The name.
    pub name: String,
    /// Its page.
    pub url: String,
    /// The technique that it is a test of.
    pub technique: String,
    /// What runs it.
    pub executor: Option<String>,
    /// The platform that the events are of.
    pub platform: Platform,
    /// What its commands would be recorded as.
    pub events: Vec<TestEvent>,
    /// What was left out, as sentences.
    pub notes: Vec<String>,
    /// The rules that fire.
    pub fires: Vec<FiringRule>,
    /// The rules that would fire if the events had what the text does not say.
    pub would_fire: Vec<WouldFire>,
}

/// An event of a test.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct TestEvent {
    /// What it is about.
    pub kind: EventKind,
    /// Its values, by the names that the record has.
    #[schema(value_type = utoipa::openapi::Object)]
    pub fields: Map<String, Value>,
    /// The names of values that the test does not say.
    pub inferred: Vec<&'static str>,
}

/// A rule that would fire if the event had what the text does not say.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct WouldFire {
    /// The rule.
    pub id: String,
    /// Who publishes it.
    pub vendor: Vendor,
    /// Its title.
    pub title: String,
    /// The comparisons that are not decided.
    pub undecided: Vec<crate::FailedCheck>,
}

impl WouldFire {
    /// Of a rule that nearly fires, where all that keeps it from firing is missing in the event.
    fn of(near: NearRule) -> Option<Self> {
        let is_undecided = near.failing.iter().all(|check| check.missing || check.unknown.is_some());
        let NearRule { id, vendor, title, failing, .. } = near;
        is_undecided.then_some(Self { id, vendor, title, undecided: failing })
    }
}

impl Atlas {
    /// Which rules the tests of a technique would fire, or one test.
    ///
    /// # Errors
    /// There is no such test, or the catalog cannot be read.
    pub fn tests(&self, request: &TestsRequest) -> Result<TestsView, FiresError> {
        let wanted = request.technique_or_id.trim();
        let found = self.store().scripted_tests(wanted).map_err(Error::from)?;
        let tests_total = found.len() as u64;
        let is_technique = found.iter().any(|(control, _)| !control.id.eq_ignore_ascii_case(wanted));
        let technique = is_technique.then(|| wanted.to_uppercase());
        let mut tests = Vec::new();
        for (control, link) in found.into_iter().take(request.limit.unwrap_or(usize::MAX)) {
            tests.push(self.emulated_test(control, link.technique, &request.vendors)?);
        }
        let fires = fires_of_all(&tests, technique.as_deref());
        let would_fire = would_fire_of_all(&tests, &fires);
        let not_fired = technique.as_deref().map(|id| self.not_fired(id, &fires, &request.vendors)).unwrap_or_default();
        let events = tests.iter().flat_map(|test| test.events.iter().cloned()).collect();
        Ok(TestsView { technique, tests_total, tests, events, fires, would_fire, not_fired })
    }

    /// Which rules a command line would fire.
    ///
    /// # Errors
    /// It names no program, or the catalog cannot be read.
    pub fn command_line_test(
        &self,
        text: &str,
        platform: Platform,
        vendors: &[Vendor],
    ) -> Result<TestsView, FiresError> {
        let emulation = ruleatlas_emulate::emulate_command_line(text, platform);
        if emulation.events.is_empty() {
            return Err(FiresError::NoEvent(": the command line is empty".to_owned()));
        }
        let (events, _, fires, would_fire) = self.fires_on_emulation(emulation, vendors)?;
        let (technique, tests, not_fired) = (None, Vec::new(), Vec::new());
        Ok(TestsView { technique, tests_total: 0, tests, events, fires, would_fire, not_fired })
    }

    fn emulated_test(
        &self,
        control: Control,
        technique: String,
        vendors: &[Vendor],
    ) -> Result<EmulatedTest, FiresError> {
        let (platform, shell) = where_it_runs(&control);
        let emulation = match (&control.script, shell) {
            (Some(text), Some(shell)) => emulate(&Script { platform, shell, text }),
            _ => {
                let note = match control.executor.as_deref() {
                    Some("manual") | None => "it is done by hand".to_owned(),
                    Some(executor) => format!("nothing is known of commands of `{executor}`"),
                };
                Emulation { events: Vec::new(), notes: vec![note] }
            }
        };
        let (events, notes, fires, would_fire) = self.fires_on_emulation(emulation, vendors)?;
        let Control { source, id, name, url, executor, .. } = control;
        Ok(EmulatedTest { source, id, name, url, technique, executor, platform, events, notes, fires, would_fire })
    }

    #[expect(clippy::type_complexity, reason = "the parts of two views")]
    fn fires_on_emulation(
        &self,
        emulation: Emulation,
        vendors: &[Vendor],
    ) -> Result<(Vec<TestEvent>, Vec<String>, Vec<FiringRule>, Vec<WouldFire>), FiresError> {
        let Emulation { mut events, mut notes } = emulation;
        if events.len() as u64 > MAX_FIRES_EVENTS {
            events.truncate(usize::try_from(MAX_FIRES_EVENTS).unwrap_or(usize::MAX));
            notes.push(format!("rules are asked about the first {MAX_FIRES_EVENTS} events"));
        }
        if events.is_empty() {
            return Ok((Vec::new(), notes, Vec::new(), Vec::new()));
        }
        let file: std::sync::Arc<str> = "test".into();
        let record = |(number, event): (u64, &EmulatedEvent)| {
            Ok(Record { file: std::sync::Arc::clone(&file), number, line: None, value: event.record.clone() })
        };
        let items: Vec<_> = (1..).zip(&events).map(record).collect();
        let view = self.fires_on(None, None, &items)?;
        let is_asked = |vendor: Vendor| vendors.is_empty() || vendors.contains(&vendor);
        let fires = view.fires.into_iter().filter(|rule| is_asked(rule.vendor)).collect();
        let near = view.near.into_iter().filter(|rule| is_asked(rule.vendor));
        let would_fire = near.filter_map(WouldFire::of).collect();
        let events =
            events.into_iter().map(|EmulatedEvent { kind, fields, inferred, .. }| TestEvent { kind, fields, inferred });
        Ok((events.collect(), notes, fires, would_fire))
    }

    /// The rules of a technique that count and that nothing fires.
    fn not_fired(&self, technique: &str, fires: &[FiringRule], vendors: &[Vendor]) -> Vec<RuleItem> {
        let fired: BTreeSet<&str> = fires.iter().map(|rule| rule.id.as_str()).collect();
        let counted = self.index.counted().iter();
        let heads = counted.filter_map(|rule| Some((rule, self.index.head(rule)?)));
        let left = heads.filter(|(_, head)| {
            (vendors.is_empty() || vendors.contains(&head.vendor))
                && head.techniques().into_iter().any(|id| is_at_or_below(id, technique))
                && !fired.contains(head.id.as_str())
        });
        left.filter_map(|(rule, _)| RuleItem::of(&self.index, rule)).collect()
    }
}

/// Where a test runs, and by which shell; the first of its platforms that is known.
fn where_it_runs(control: &Control) -> (Platform, Option<Shell>) {
    let shell = match control.executor.as_deref().map(str::to_ascii_lowercase).as_deref() {
        Some("command_prompt" | "cmd") => Some(Shell::Cmd),
        Some("powershell" | "pwsh" | "psh") => Some(Shell::PowerShell),
        Some("sh" | "bash" | "zsh") => Some(Shell::Posix),
        _ => None,
    };
    let named = control.platforms.iter().find_map(|name| Platform::of(&name.to_ascii_lowercase()));
    let usual = if shell == Some(Shell::Posix) { Platform::Linux } else { Platform::Windows };
    (named.unwrap_or(usual), shell)
}

/// The rules that tests fire, each with the number of tests as its hits: those of the technique first, then the most
/// severe, then those of the most tests.
fn fires_of_all(tests: &[EmulatedTest], technique: Option<&str>) -> Vec<FiringRule> {
    let mut rules: BTreeMap<&str, FiringRule> = BTreeMap::new();
    for rule in tests.iter().flat_map(|test| &test.fires) {
        let known = rules.entry(&rule.id).or_insert_with(|| FiringRule { hits: 0, events: Vec::new(), ..rule.clone() });
        known.hits += 1;
    }
    let is_of_technique = |rule: &FiringRule| {
        technique.is_some_and(|technique| rule.techniques.iter().any(|id| is_at_or_below(id, technique)))
    };
    let mut rules: Vec<FiringRule> = rules.into_values().collect();
    rules.sort_by_cached_key(|rule| {
        (Reverse(is_of_technique(rule)), Reverse(rule.severity), Reverse(rule.hits), rule.id.clone())
    });
    rules
}

/// Whether a technique is this one or one of its sub-techniques.
fn is_at_or_below(id: &str, technique: &str) -> bool {
    id.strip_prefix(technique).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// The rules that tests would fire and none does, each once.
fn would_fire_of_all(tests: &[EmulatedTest], fires: &[FiringRule]) -> Vec<WouldFire> {
    let fired: BTreeSet<&str> = fires.iter().map(|rule| rule.id.as_str()).collect();
    let mut rules: BTreeMap<&str, &WouldFire> = BTreeMap::new();
    for rule in tests.iter().flat_map(|test| &test.would_fire).filter(|rule| !fired.contains(rule.id.as_str())) {
        rules.entry(&rule.id).or_insert(rule);
    }
    rules.into_values().cloned().collect()
}
