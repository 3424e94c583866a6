//! Modules and detections, what they become, and what that says of events.

use ruleatlas_core::{Context, Query, Referenced, cases};
use ruleatlas_evaluate::verdict_str;
use ruleatlas_panther::{PantherYaml, Python};

/// A checkout with one helper and one rule.
struct Checkout;

const HELPERS: &str = r#"
ROBOTS = {"ci-bot", "backup"}


def worked(event):
    if event.get("error", "") or event.get("errorMessage", ""):
        return False
    return True
"#;

const CREATED: &str = r#"
def rule(event):
    return event.get("action") == "key.create" and not event.get("temporary")
"#;

impl Context for Checkout {
    fn module(&self, name: &str) -> Option<&str> {
        (name == "team_helpers").then_some(HELPERS)
    }

    fn rule(&self, reference: &str) -> Option<Referenced<'_>> {
        (reference == "Team.Key.Created").then_some(Referenced {
            id: "Team.Key.Created",
            title: "A key was created",
            query: Query::new(CREATED),
        })
    }
}

#[test]
fn python() {
    cases::run(&Python, &Checkout, &verdict_str, format!("{}/cases/python.txt", env!("CARGO_MANIFEST_DIR")));
}

#[test]
fn yaml() {
    cases::run(&PantherYaml, &Checkout, &verdict_str, format!("{}/cases/yaml.txt", env!("CARGO_MANIFEST_DIR")));
}

#[test]
fn sdk() {
    cases::run(&Python, &Checkout, &verdict_str, format!("{}/cases/sdk.txt", env!("CARGO_MANIFEST_DIR")));
}
