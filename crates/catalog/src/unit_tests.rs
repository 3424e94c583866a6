//! The unit tests that rules bring along, against what their conditions say.

use ruleatlas_core::Context;
use ruleatlas_evaluate::{Compiled, Event, Verdict, evaluate_rule};
use ruleatlas_model::{DataSource, Kind, Rule, RuleTest, Vendor};
use ruleatlas_panther::Unified;
use rustc_hash::FxHashMap;
use serde::Serialize;
use serde_json::{Map, Value};

/// What a rule's condition says of one of its own unit tests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct UnitTest {
    /// The test's name.
    pub name: String,
    /// Whether the rule is to fire.
    pub expected: bool,
    /// Whether it does; `None` where that cannot be known.
    pub found: Option<bool>,
    /// Why it cannot be known.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Whether the condition may rightly say something else: the test replaces functions of the module, where the
    /// condition follows them as they are, or it needs a method of a data model that is not followed.
    pub apart: bool,
}

impl UnitTest {
    /// Whether the condition says what the test expects.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.found == Some(self.expected)
    }
}

/// Whether rules of a vendor bring unit tests with events in them.
#[must_use]
pub fn brings_unit_tests(vendor: Vendor) -> bool {
    vendor.info().has_unit_tests
}

/// The rule's unit tests, evaluated; empty for a rule that has none with an event.
#[must_use]
pub fn unit_tests(rule: &Rule) -> Vec<UnitTest> {
    rule.tests().into_iter().filter_map(|test| unit_test(rule, test)).collect()
}

/// What a data model's method returns, each with its condition.
type Alternatives = Vec<(Compiled, Unified)>;

/// Adds to a rule's unit tests what the methods of a data model say of their events, where the rule asks for it.
///
/// This needs the data model's module, which only a build has.
pub(crate) fn complete(rule: &mut Rule, sources: &[DataSource], context: &dyn Context) {
    let mut names: Vec<String> = rule
        .conditions
        .iter()
        .flat_map(|step| step.root.predicates())
        .filter_map(|predicate| predicate.raw_field.strip_prefix("udm:"))
        .map(|path| path.split(['.', '[']).next().unwrap_or(path).to_owned())
        .collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        return;
    }
    let mut tests = rule.tests();
    if tests.is_empty() {
        return;
    }
    let mut methods: FxHashMap<(String, String), Option<Alternatives>> = FxHashMap::default();
    for test in &mut tests {
        let event = opened(&test.event, 0);
        let own = event.get("p_log_type").and_then(Value::as_str);
        let log_types = own.into_iter().chain(sources.iter().map(|source| source.name.as_str()));
        let Some((log_type, model)) = log_types.filter_map(|name| Some((name, context.data_model(name)?))).next()
        else {
            continue;
        };
        let (mut found, mut unfollowed) = (Vec::new(), false);
        for name in &names {
            if test.udm.contains_key(name) {
                continue;
            }
            let Some(method) = model.mapping(name).map(|mapping| &mapping.method).filter(|method| !method.is_empty())
            else {
                continue;
            };
            let key = (log_type.to_owned(), name.clone());
            let alternatives = methods.entry(key).or_insert_with(|| {
                let alternatives = ruleatlas_panther::unified(context.module(&model.module)?, method, context)?;
                Some(alternatives.into_iter().map(|(node, value)| (Compiled::new(&node), value)).collect())
            });
            let facts = Event::new(&event);
            let met = alternatives
                .iter()
                .flatten()
                .map(|(condition, unified)| (condition.evaluate(&facts), unified))
                .find(|(verdict, _)| *verdict != Verdict::Fails);
            let value = match met {
                // Whether this one is meant is not known.
                Some((Verdict::Unknown(_), _)) => {
                    unfollowed = true;
                    None
                }
                Some((_, Unified::Text(text))) => Some(Value::from(text.as_str())),
                Some((_, Unified::Path(path))) => at(&event, path).cloned(),
                Some((_, Unified::Part { path, separator, last })) => {
                    let mut parts =
                        at(&event, path).and_then(Value::as_str).unwrap_or_default().split(separator.as_str());
                    (if *last { parts.last() } else { parts.next() }).map(Value::from)
                }
                Some((_, Unified::Nothing)) => None,
                Some((_, Unified::Unknown)) | None => {
                    unfollowed = true;
                    None
                }
            };
            found.extend(value.map(|value| (name.clone(), value)));
        }
        test.unfollowed |= unfollowed;
        test.udm.extend(found);
    }
    rule.set_tests(&tests);
}

/// The value at a path in dots.
fn at<'e>(event: &'e Value, path: &str) -> Option<&'e Value> {
    path.split('.').try_fold(event, |at, key| at.get(key))
}

fn unit_test(rule: &Rule, test: RuleTest) -> Option<UnitTest> {
    let event = with_all_names(&test.event, &test.udm);
    // The test of a policy says whether the resource is as it should be.
    let expected = test.expects()? != (rule.kind == Kind::Policy);
    let (found, reason) = match evaluate_rule(&rule.conditions, &Event::new(&event)) {
        Verdict::Holds => (Some(true), String::new()),
        Verdict::Fails => (Some(false), String::new()),
        Verdict::Unknown(reasons) => (None, reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
    };
    Some(UnitTest { name: test.name, expected, found, reason, apart: test.mocked || test.unfollowed })
}

/// The event with what a data model calls its values, and with texts that are JSON read, as rules read them.
fn with_all_names(event: &Value, udm: &Map<String, Value>) -> Value {
    let mut event = opened(event, 0);
    if let Value::Object(fields) = &mut event {
        for (name, value) in udm {
            fields.insert(format!("udm:{name}"), opened(value, 0));
        }
    }
    event
}

fn opened(value: &Value, depth: usize) -> Value {
    if depth > 32 {
        return value.clone();
    }
    match value {
        Value::Object(fields) => fields.iter().map(|(key, value)| (key.clone(), opened(value, depth + 1))).collect(),
        Value::Array(items) => items.iter().map(|item| opened(item, depth + 1)).collect(),
        Value::String(text) if text.trim_start().starts_with(['{', '[']) => {
            serde_json::from_str(text).map_or_else(|_| value.clone(), |inner| opened(&inner, depth + 1))
        }
        other => other.clone(),
    }
}
