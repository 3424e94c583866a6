//! Any set of rules, and what stands inside other pages.

use super::{
    Export, FILTERS, Form, Parameter, Route, RouteError, RouteRequest, RouteResponse, Values, paging, paging::Paged,
    parameter::one, technique, view,
};
use crate::page;

pub(super) const ROUTES: &[Route] = &[
    Route {
        path: "/rules",
        about: "Any set of rules: what they read, filter, look for and exclude.",
        parameters: &[FILTERS, SCOPE, technique::TABLES],
        only: None,
        export: Export::Never,
        view: Some(view::<ruleatlas_views::ScopeView>),
        answer: scope,
    },
    Route {
        path: "/part/rules",
        about: "The rules of a set as a list that stands inside a page.",
        parameters: &[FILTERS, SCOPE],
        only: Some(Form::Page),
        export: Export::Never,
        view: None,
        answer: scope_part,
    },
    Route {
        path: "/part/rule/{*id}",
        about: "What a rule checks, as it stands inside a list of rules.",
        parameters: &[],
        only: Some(Form::Page),
        export: Export::Never,
        view: None,
        answer: rule_part,
    },
];

/// A parameter that may be given several times.
const fn many(name: &'static str, about: &'static str) -> Parameter {
    Parameter { name, about, values: Values::Text, many: true }
}

/// What a set of rules is asked by, besides the filters. Different ones must all hold.
pub(super) const SCOPE: &[Parameter] = &[
    one("q", "Words of a rule's title, id or description, or a part of a value that it checks.", Values::Text),
    many("technique", "Rules of this technique, by its id in any ATT&CK version; several are alternatives."),
    many("tactic", "Rules of this tactic; several are alternatives."),
    many("event", "Rules that read this event, as in `Sysmon/1`; several are alternatives."),
    many("log_source", "Rules that read this log source; several are alternatives."),
    many("source", "Rules of this source; several are alternatives."),
    many("language", "Rules in this query language; several are alternatives."),
    many("kind", "Rules of this kind, such as hunting; several are alternatives."),
    many("field", "Rules that filter this field, by any vendor's name; all of several."),
    many("how", "Rules that filter a field with an operator as written, as in `CommandLine contains`; all of several."),
    many("looks", "Rules that look for a value, as in `Image basename cmd.exe`; all of several."),
    many("excludes", "Rules that exclude a value, as in `Image basename cmd.exe`; all of several."),
    one("subtechniques", "Whether the rules of sub-techniques count; they do unless this says no.", Values::Text),
];

fn scope(request: &RouteRequest<'_>) -> Result<RouteResponse, RouteError> {
    let params = request.params()?;
    // Of a list in its own order the part that is asked for is all that is made.
    if let Some(window) = request.window()?.filter(|_| params.orders.is_empty()) {
        let view = request.atlas.rules_part(&params.question(), window.part())?;
        let totals = paging::totals(&view.guide);
        return Ok(match technique::made_table(&params, &totals, &view.guide, &view.rule_list) {
            Some(made) => made,
            None => RouteResponse::json(200, &Paged::counted(&view, Some(totals))),
        });
    }
    let mut view = request.atlas.rules(&params.question())?;
    if request.form == Form::Page {
        return Ok(RouteResponse::page(200, page::scope(request.atlas, view, &params)?));
    }
    params.orders.values().for_each(|order| order.apply(&mut view.guide, &mut view.rule_list));
    let window = request.window()?;
    Ok(match technique::one_table(&params, window, &mut view.guide, &mut view.rule_list) {
        Some(made) => made,
        None => RouteResponse::json(200, &Paged::new(&mut view, window)),
    })
}

fn scope_part(request: &RouteRequest<'_>) -> Result<RouteResponse, RouteError> {
    Ok(RouteResponse::page(200, page::scope_part(request.atlas, &request.params()?.question())?))
}

fn rule_part(request: &RouteRequest<'_>) -> Result<RouteResponse, RouteError> {
    let view = request.atlas.rule(request.name(0))?;
    Ok(RouteResponse::page(200, page::rule_part(&view)))
}
