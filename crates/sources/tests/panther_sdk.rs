//! Panther's Python SDKs: classes and calls as rules.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail anywhere")]

use ruleatlas_model::{Kind, Rule, Severity, Vendor};
use ruleatlas_sources::{Outcome, RawTag, SourceFile, TagPlace, format_of};

type Found = Vec<(Rule, Vec<RawTag>, Vec<String>)>;

fn outcome(path: &str, text: &str) -> (Outcome, Found) {
    let file = SourceFile::from_bytes(path, text.as_bytes().to_vec());
    let mut found = Vec::new();
    let format = format_of(Vendor::Panther, |_, _| false);
    let outcome = format.read(&file, &mut |draft| {
        found.push((draft.rule, draft.tags, draft.sources.into_iter().map(|source| source.name).collect()));
    });
    (outcome, found)
}

const MODULE: &str = r#"from pypanther import LogType, Rule, Severity

COMMON = ["Ours"]


class TrailBase(Rule):
    log_types = [LogType.AWS_CLOUDTRAIL, "Custom.Trail"]
    default_severity = Severity.LOW
    tags = COMMON + ["Trail"]
    reports = {"MITRE ATT&CK": ["TA0005:T1562.8", "T1562"]}

    def rule(self, event):
        return event.get("eventName") == "StopLogging"


class TrailStopped(TrailBase):
    """The trail is stopped."""

    id = "Ours.Trail.Stopped"
    display_name = "Trail " "stopped"
    default_severity = Severity.HIGH
    default_description = """Somebody
    stops it."""
    threshold = 5
    enabled = False


class TrailStoppedAtNight(TrailBase):
    id = "Ours.Trail.Night"
    include_filters = [lambda event: event.get("hour") == 3]
"#;

#[test]
fn classes_are_rules_with_what_they_inherit() {
    let (outcome, found) = outcome("rules/trail.py", MODULE);
    assert_eq!((outcome, found.len()), (Outcome::Rules, 2));
    let (rule, tags, sources) = &found[0];
    assert_eq!((rule.id.as_str(), rule.title.as_str()), ("panther/Ours.Trail.Stopped", "Trail stopped"));
    assert_eq!((rule.severity, rule.kind, rule.line), (Some(Severity::High), Kind::Rule, 16));
    assert_eq!(rule.description, "Somebody\n    stops it.");
    assert_eq!(rule.tags, ["Ours", "Trail"]);
    assert_eq!(*sources, ["AWS.CLOUDTRAIL", "Custom.Trail"]);
    let tags: Vec<(&str, TagPlace)> = tags.iter().map(|tag| (tag.text.as_str(), tag.place)).collect();
    assert_eq!(
        tags,
        [
            ("TA0005:T1562.8", TagPlace::Attack),
            ("T1562", TagPlace::Attack),
            ("Ours", TagPlace::Any),
            ("Trail", TagPlace::Any)
        ]
    );
    assert_eq!(rule.extra.get("enabled"), Some("false".into()));
    assert!(rule.query.contains("class TrailStopped(") && rule.query.contains("class TrailBase("), "{}", rule.query);
    assert!(!rule.query.contains("TrailStoppedAtNight"), "{}", rule.query);
    let (rule, ..) = &found[1];
    assert_eq!((rule.id.as_str(), rule.severity), ("panther/Ours.Trail.Night", Some(Severity::Low)));
    assert!(!rule.query.contains("Ours.Trail.Stopped"), "{}", rule.query);
}

#[test]
fn calls_are_rules() {
    let text = "from panther_sdk import detection\nfrom panther_utils import match_filters\n\ndetection.Rule(\n    \
        rule_id=\"Ours.Post\",\n    name=\"A post\",\n    log_types=[\"Custom.HTTP\"],\n    severity=detection.SeverityInfo,\n    \
        reports={\"MITRE ATT&CK\": [\"TA0001:T1190\"]},\n    filters=[match_filters.deep_equal(path=\"a.b\", value=1)],\n)\n\n\
        detection.Policy(policy_id=\"Ours.Bucket\", resource_types=[\"AWS.S3.Bucket\"], severity=\"High\", filters=[])\n";
    let (outcome, found) = outcome("a.py", text);
    assert_eq!((outcome, found.len()), (Outcome::Rules, 2));
    let (rule, tags, sources) = &found[0];
    assert_eq!((rule.id.as_str(), rule.title.as_str(), rule.line), ("panther/Ours.Post", "A post", 4));
    assert_eq!((rule.severity, sources.as_slice()), (Some(Severity::Informational), &["Custom.HTTP".to_owned()][..]));
    assert_eq!(tags[0].text, "TA0001:T1190");
    assert_eq!((found[1].0.kind, found[1].0.severity), (Kind::Policy, Some(Severity::High)));
}

#[test]
fn other_modules_are_none_and_hostile_ones_are_no_panic() {
    for text in [
        "def rule(event):\n    return True\n",
        "import pypanther\n\ndef helper():\n    pass\n",
        "class Rule:\n    id = \"x\"\n",
        "class Model(Base):\n    id = \"x\"\n",
        "from pypanther import Rule\nclass A(Rule):\n    pass\n",
        "# pypanther\nthis is no Python\n",
        "",
    ] {
        assert!(matches!(outcome("a.py", text), (Outcome::NotARule(_), found) if found.is_empty()), "{text}");
    }
    let head = "from pypanther import Rule, register\n";
    for text in [
        format!("{head}class A(A):\n    id = id\n"),
        format!("{head}class A(B):\n    id = \"a\"\nclass B(A):\n    id = \"b\"\n"),
        format!("{head}class A(Rule):\n    id = {}1{}\n", "[".repeat(5_000), "]".repeat(5_000)),
        format!("{head}class A(Rule):\n    id = \"a\"\n    tags = {}\n", "[] + ".repeat(900) + "[]"),
        format!("{head}class A(Rule):\n    id = \"é\"\n    é = 1\n    def rule(sélf, évent):\n        return self.é\n"),
        format!("{head}class A(Rule):\n    id = \"a\"\n    def rule(self\n"),
        format!("{head}class A(Rule): id = \"a\"; reports = {{1: {{2: [3]}}, **x}}; severity = [1]\n"),
        format!("{head}x = 1\nx = y\ny = x\nclass A(Rule):\n    id = x\n"),
        format!("{head}{}", "class A(Rule):\n    id = \"a\"\n".repeat(3_000)),
    ] {
        let begun = std::time::Instant::now();
        outcome("a.py", &text);
        assert!(begun.elapsed().as_secs() < 20, "{}", text.chars().take(80).collect::<String>());
    }
}
