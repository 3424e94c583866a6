use std::collections::BTreeMap;

use ruleatlas_catalog::{Facet, Filters, RuleId, Scope};
use ruleatlas_model::{ParseStatus, Role, Vendor};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Atlas, Error};

/// Rules that read Windows or Sysmon telemetry, or may, and lead to no event.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct WithoutEvent {
    /// Counted rules that watch Windows, and those of which no platform is known: they may.
    pub windows_rules: u64,
    /// Those of them of which no platform is known.
    pub without_platform: u64,
    /// Those of them without an event, by reason.
    pub reasons: BTreeMap<String, u64>,
    /// Those of them without an event.
    pub rules: Vec<SilentRule>,
}

/// A rule without an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SilentRule {
    /// The id.
    pub id: String,
    /// The title.
    pub title: String,
    /// Who publishes it.
    pub vendor: Vendor,
    /// The source's name and the path in it.
    pub path: String,
    /// Its log sources.
    pub log_sources: Vec<String>,
    /// Why it has none, as a short phrase that groups alike cases.
    pub reason: String,
}

impl Atlas {
    /// The counted rules that read Windows or Sysmon telemetry and have no event, and why.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn without_event(&self) -> Result<WithoutEvent, Error> {
        let windows = Scope::facet(&self.index, Facet::Platform, "windows", &Filters::default());
        // A rule of which no platform is known must not fall out of the measure for that.
        let is_nowhere = |rule: &RuleId| self.index.head(*rule).is_some_and(|head| head.platforms.is_empty());
        let nowhere: Vec<RuleId> =
            Scope::all(&self.index, &Filters::default()).rules.iter().filter(is_nowhere).collect();
        let mut view = WithoutEvent {
            windows_rules: windows.rules.len() + nowhere.len() as u64,
            without_platform: nowhere.len() as u64,
            ..WithoutEvent::default()
        };
        let mut rules: Vec<RuleId> = windows.rules.iter().chain(nowhere).collect();
        rules.sort_unstable();
        for rule in rules {
            let all = std::iter::once(&rule).chain(self.index.variants(rule));
            if all.filter_map(|rule| self.index.head(*rule)).any(|head| !head.events.is_empty()) {
                continue;
            }
            let Some(head) = self.index.head(rule) else { continue };
            let reason = self.why_silent(rule, head.parse)?;
            *view.reasons.entry(reason.clone()).or_default() += 1;
            view.rules.push(SilentRule {
                id: head.id.clone(),
                title: head.title.clone(),
                vendor: head.vendor,
                path: format!("{}/{}", head.source, head.path),
                log_sources: head.log_sources.clone(),
                reason,
            });
        }
        Ok(view)
    }

    fn why_silent(&self, rule: RuleId, parse: ParseStatus) -> Result<String, Error> {
        if parse == ParseStatus::NoQuery {
            return Ok("the rule has no query".to_owned());
        }
        if parse == ParseStatus::Failed {
            return Ok("the query is not understood".to_owned());
        }
        let entry = match self.entry(rule) {
            Err(Error::Store(ruleatlas_store::Error::Rule { .. })) => {
                return Ok("the rule cannot be read in the catalog".to_owned());
            }
            entry => entry?,
        };
        let Some(entry) = entry else { return Ok(String::new()) };
        let ids = ["EventID", "event.code", "event.action", "ActionType"];
        let of_id: Vec<_> = entry.predicates.iter().filter(|row| ids.contains(&row.field.as_str())).collect();
        if let Some(row) = of_id.iter().find(|row| row.role == Role::Indicator) {
            return Ok(format!("the event's id is compared by `{}`, which names none", row.op));
        }
        if !of_id.is_empty() {
            return Ok("the event's id is only excluded or nested".to_owned());
        }
        if entry.rule.log_sources.is_empty() && entry.rule.platforms.is_empty() {
            return Ok("neither a log source nor a platform is known of what it reads".to_owned());
        }
        if entry.rule.log_sources.is_empty() {
            return Ok("no log source is known of what it reads".to_owned());
        }
        Ok(format!("log source {} implies no event, and the rule names none", entry.rule.log_sources.join(", ")))
    }
}
