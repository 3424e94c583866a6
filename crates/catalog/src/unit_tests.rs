//! The unit tests that rules bring along, against what their conditions say.

use ruleatlas_evaluate::{Event, Verdict, evaluate_rule};
use ruleatlas_model::{Kind, Rule};
use serde::Serialize;
use serde_json::Value;

/// What a rule's condition says of one of its own unit tests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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
    /// Whether the test replaces functions of the module: then the condition, which follows the functions as they
    /// are, may rightly say something else.
    pub mocked: bool,
}

impl UnitTest {
    /// Whether the condition says what the test expects.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.found == Some(self.expected)
    }
}

/// The rule's unit tests, evaluated; empty for a rule that has none with an event.
///
/// Tests are read from the rule's `tests`, as the source left them: `name`, `expected`, `event`, `mocked`, and `udm`
/// with the values of the data model.
#[must_use]
pub fn unit_tests(rule: &Rule) -> Vec<UnitTest> {
    let Some(tests) = rule.extra.get("tests").and_then(Value::as_array) else { return Vec::new() };
    tests.iter().filter_map(|test| unit_test(rule, test)).collect()
}

fn unit_test(rule: &Rule, test: &Value) -> Option<UnitTest> {
    let event = with_all_names(test.get("event")?, test.get("udm"));
    let written = test.get("expected")?;
    let expected = written.as_bool().or_else(|| written.as_str()?.parse().ok())?;
    // The test of a policy says whether the resource is as it should be.
    let expected = expected != (rule.kind == Kind::Policy);
    let (found, reason) = match evaluate_rule(&rule.conditions, &Event::new(&event)) {
        Verdict::Holds => (Some(true), String::new()),
        Verdict::Fails => (Some(false), String::new()),
        Verdict::Unknown(reasons) => (None, reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
    };
    let name = test.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mocked = test.get("mocked").and_then(Value::as_bool).unwrap_or_default();
    Some(UnitTest { name, expected, found, reason, mocked })
}

/// The event with what a data model calls its values, and with texts that are JSON read, as rules read them.
fn with_all_names(event: &Value, udm: Option<&Value>) -> Value {
    let mut event = opened(event, 0);
    if let (Value::Object(fields), Some(Value::Object(udm))) = (&mut event, udm) {
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
