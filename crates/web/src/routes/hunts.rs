//! What hunts found in logs.

use ruleatlas_check::{Checker, Config, MeasuredHits};
use ruleatlas_model::EventRef;
use ruleatlas_views::{Atlas, HitView, HuntView, HuntsView, RuleHitsView, RuleItem};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    Export, Form, Parameter, Route, RouteError, RouteRequest, RouteResponse, Values,
    paging::{LIMIT, PAGING},
    parameter::one,
    view,
};
use crate::page;

/// Hits of a rule on one page.
const PAGE: u32 = 100;
/// Hits of a rule by which exclusions are ordered.
const MAX_ADVISED: u32 = 20_000;

pub(super) const ROUTES: &[Route] = &[
    Route {
        path: "/hunts",
        about: "What hunts found in the logs whose hits are served: counts, timeline, rules, what cannot be known, what was not run.",
        parameters: &[PAGING],
        only: None,
        export: Export::Never,
        view: Some(view::<HuntsView>),
        answer: hunts,
    },
    Route {
        path: "/hunt/{*name}",
        about: "The same of one hunt, by the name of its data set.",
        parameters: &[PAGING],
        only: None,
        export: Export::Never,
        view: Some(view::<HuntView>),
        answer: hunt,
    },
    Route {
        path: "/hits/{*rule}",
        about: "The hits of a rule, in the order of the logs.",
        parameters: &[OFFSET, &[LIMIT]],
        only: None,
        export: Export::Never,
        view: Some(view::<RuleHitsView>),
        answer: rule_hits,
    },
    Route {
        path: "/hit/{number}",
        about: "A hit with its event, and what of the rule held.",
        parameters: &[],
        only: None,
        export: Export::Never,
        view: Some(view::<HitView>),
        answer: hit,
    },
    Route {
        path: "/advice/{*rule}",
        about: "Exclusions that rules like this one have, by the hits that they would have removed.",
        parameters: &[],
        only: None,
        export: Export::Never,
        view: Some(view::<AdviceView>),
        answer: advice,
    },
];

const OFFSET: &[Parameter] = &[one("offset", "Where the list begins, from 0.", Values::Count)];

/// Exclusions for a rule.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct AdviceView {
    /// The rule.
    pub(crate) rule: RuleItem,
    /// Its hits that are saved with their events; `null` where none are, so that nothing is measured.
    pub(crate) hits: Option<u64>,
    /// The exclusions, those that would have removed the most hits first.
    pub(crate) exclusions: Vec<Advice>,
}

/// An exclusion that rules like a rule have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Advice {
    /// What is excluded.
    #[serde(flatten)]
    pub(crate) indicator: ruleatlas_model::Indicator,
    /// Hits that it would have removed; `null` where nothing is measured.
    pub(crate) removed: Option<u64>,
    /// Rules like this one that have it.
    pub(crate) rules: u64,
    /// How many rules were looked at.
    pub(crate) of: u64,
    /// It in the rule's own language; empty where the language cannot say it.
    pub(crate) line: String,
    /// Some of the rules that have it.
    pub(crate) examples: Vec<String>,
}

fn hunts(request: &RouteRequest<'_>) -> Result<RouteResponse, RouteError> {
    let mut view = request.atlas.hunts()?;
    request.paged(&mut view, page::hunts)
}

fn hunt(request: &RouteRequest<'_>) -> Result<RouteResponse, RouteError> {
    let name = request.name(0);
    let mut view = request.atlas.hunt(name)?;
    request.paged(&mut view, |view| page::hunt(name, view))
}

fn rule_hits(request: &RouteRequest<'_>) -> Result<RouteResponse, RouteError> {
    let count = |name| Ok::<_, RouteError>(request.count(name)?.map(|count| u32::try_from(count).unwrap_or(u32::MAX)));
    let offset = count("offset")?.unwrap_or_default();
    let limit = count("limit")?.filter(|_| request.form == Form::Json).unwrap_or(PAGE);
    let view = request.atlas.rule_hits(request.name(0), offset, limit)?;
    Ok(request.answer(&view, || page::rule_hits(&view, offset)))
}

fn hit(request: &RouteRequest<'_>) -> Result<RouteResponse, RouteError> {
    let name = request.name(0);
    let missing = || RouteError::Missing { what: "hit", name: name.to_owned(), near: Vec::new() };
    let view = request.atlas.hit(name.parse().map_err(|_| missing())?)?;
    let rule = match &view.rule_item {
        Some(item) => Some(request.atlas.rule(&item.id)?),
        None => None,
    };
    Ok(request.answer(&view, || page::hit(&view, rule.as_ref())))
}

fn advice(request: &RouteRequest<'_>) -> Result<RouteResponse, RouteError> {
    let atlas = request.atlas;
    let view = advised(atlas, request.name(0))?;
    Ok(request.answer(&view, || page::advice(&view)))
}

/// The exclusions that rules like a rule have, with the hits of it that they would have removed.
fn advised(atlas: &Atlas, id: &str) -> Result<AdviceView, RouteError> {
    let missing = || RouteError::Missing { what: "rule", name: id.to_owned(), near: Vec::new() };
    let number = atlas.find_rule(id).ok_or_else(missing)?;
    let rule = atlas.rule_items([number]).into_iter().next().ok_or_else(missing)?;
    let mut measured = MeasuredHits::default();
    let mut count = 0;
    atlas.for_hits_of_rule(&rule.id, MAX_ADVISED, |hit| {
        let event = EventRef { provider: hit.provider, event_id: hit.event_id };
        if !hit.candidate
            && !hit.event.is_empty()
            && measured.add_hit(hit.rule, (hit.file, hit.record), event, &hit.event)
        {
            count += 1;
        }
    })?;
    if let Some(counted) = atlas.rule_in_logs(&rule.id).and_then(|found| found.measured) {
        measured.add_rule(rule.id.clone(), counted.asked, counted.hits);
    }
    let mut checker = Checker::new(atlas, Config::default());
    if count > 0 {
        checker = checker.with_hits(measured);
    }
    let exclusions = checker.exclusions_for(number)?.into_iter().map(|found| Advice {
        indicator: found.indicator,
        removed: found.removed,
        rules: found.rules,
        of: found.of,
        line: found.line,
        examples: found.examples,
    });
    Ok(AdviceView { exclusions: exclusions.collect(), rule, hits: (count > 0).then_some(count) })
}
