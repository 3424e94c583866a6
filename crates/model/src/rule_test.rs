use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Rule;

/// A unit test that a rule brings: an event, and whether the rule is to select it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleTest {
    /// The name.
    #[serde(default)]
    pub name: String,
    /// Whether the rule is to select the event, as written: mostly a boolean.
    pub expected: Value,
    /// Whether the test replaces functions of the rule's module.
    #[serde(default, skip_serializing_if = "is_false")]
    pub mocked: bool,
    /// What the common names of the event's data model stand for in it.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub udm: Map<String, Value>,
    /// The event, with numbers and booleans as its author wrote them.
    pub event: Value,
    /// Whether the test needs a method of a data model that cannot be followed.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unfollowed: bool,
}

impl RuleTest {
    /// Whether the rule is to select the event; `None` where what is written is neither yes nor no.
    #[must_use]
    pub fn expects(&self) -> Option<bool> {
        self.expected.as_bool().or_else(|| self.expected.as_str()?.parse().ok())
    }
}

impl Rule {
    /// Where [`Extra`](crate::Extra) keeps the unit tests.
    const TESTS: &str = "tests";

    /// The unit tests that the rule brings; one that is not of their form is left out.
    #[must_use]
    pub fn tests(&self) -> Vec<RuleTest> {
        let Some(Value::Array(tests)) = self.extra.get(Self::TESTS) else { return Vec::new() };
        tests.into_iter().filter_map(|test| serde_json::from_value(test).ok()).collect()
    }

    /// Keeps unit tests in the place of those it has.
    pub fn set_tests(&mut self, tests: &[RuleTest]) {
        self.extra.insert(Self::TESTS, tests);
    }
}

fn is_false(flag: &bool) -> bool {
    !*flag
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Language, Vendor};

    #[test]
    fn a_rule_keeps_its_tests() {
        let mut rule = Rule::blank(Vendor::Panther, Language::Python, "a.yml");
        assert!(rule.tests().is_empty());
        let test = RuleTest {
            event: json!({ "a": 1 }),
            expected: json!("true"),
            mocked: false,
            name: "one".to_owned(),
            udm: Map::new(),
            unfollowed: false,
        };
        rule.set_tests(std::slice::from_ref(&test));
        assert_eq!(rule.extra.get("tests"), Some(json!([{ "event": { "a": 1 }, "expected": "true", "name": "one" }])));
        assert_eq!((rule.tests(), test.expects()), (vec![test], Some(true)));
    }
}
