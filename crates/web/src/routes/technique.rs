//! Techniques.

use ruleatlas_catalog::Guide;
use ruleatlas_views::{Atlas, RuleItem};

use super::{
    Export, FILTERS, Form, Parameter, Route, RouteError, RouteRequest, RouteResponse, Values,
    paging::{Paged, Totals, Window},
    parameter::one,
    view,
};
use crate::{
    page,
    params::{Params, Table},
    text::encoded,
};

pub(super) const CSV: &str = "text/csv; charset=utf-8";

pub(super) const ROUTES: &[Route] = &[Route {
    path: "/technique/{id}",
    about: "A technique: what its rules read, filter, look for and exclude.",
    parameters: &[FILTERS, FAMILY, TABLES],
    only: None,
    export: Export::Each(ids),
    view: Some(view::<ruleatlas_views::TechniqueView>),
    answer: technique,
}];

/// What a page with a guide's tables may be asked.
pub(super) const TABLES: &[Parameter] = &[
    Parameter {
        name: "all",
        about: "Show this table whole, on the page; `indicators.2` is the second page of one that is long.",
        values: Values::Text,
        many: true,
    },
    Parameter {
        name: "sort",
        about: "Order a table by a column, as in `indicators.distinctiveness`; `.reversed` behind it turns it round.",
        values: Values::Text,
        many: true,
    },
    one("table", "Only this table, in JSON or CSV.", Values::Words(tables)),
    one("format", "How that table is written.", Values::Words(formats)),
    super::paging::OFFSET,
    super::paging::LIMIT,
];

const FAMILY: &[Parameter] = &[
    one(
        "subtechniques",
        "Whether the rules of sub-techniques count; they do unless this says no.",
        Values::Words(yes_or_no),
    ),
    one("from", "The id of another ATT&CK version that led here.", Values::Text),
];

fn tables() -> Vec<&'static str> {
    Table::ALL.map(Table::name).into()
}

fn formats() -> Vec<&'static str> {
    vec!["json", "csv"]
}

fn yes_or_no() -> Vec<&'static str> {
    vec!["yes", "no", "0", "1", "true", "false"]
}

fn ids(atlas: &Atlas) -> Vec<String> {
    atlas.attack.techniques.keys().map(|id| page::technique_address(id)).collect()
}

/// The one table that is asked for, as JSON or CSV, or the part of it.
pub(super) fn one_table(
    params: &Params,
    window: Option<Window>,
    guide: &mut Guide,
    rules: &mut Vec<RuleItem>,
) -> Option<RouteResponse> {
    params.table?;
    let window = window.unwrap_or_default();
    let totals = Totals::from([
        ("events", window.cut(&mut guide.events)),
        ("fields", window.cut(&mut guide.fields)),
        ("indicators", window.cut(&mut guide.indicators)),
        ("exclusions", window.cut(&mut guide.exclusions)),
        ("rule_list", window.cut(rules)),
    ]);
    made_table(params, &totals, guide, rules)
}

/// The one table that is asked for, of which no more than is shown was made.
pub(super) fn made_table(params: &Params, totals: &Totals, guide: &Guide, rules: &[RuleItem]) -> Option<RouteResponse> {
    let table = params.table?;
    let key = if table == Table::Rules { "rule_list" } else { table.name() };
    let total = totals.get(key).copied().unwrap_or_default();
    if params.is_csv {
        return Some(RouteResponse::text(CSV, ruleatlas_views::csv(table, guide, rules).into_bytes()).of(total));
    }
    let made = match table {
        Table::Events => RouteResponse::json(200, &guide.events),
        Table::Fields => RouteResponse::json(200, &guide.fields),
        Table::Indicators => RouteResponse::json(200, &guide.indicators),
        Table::Exclusions => RouteResponse::json(200, &guide.exclusions),
        Table::Rules => RouteResponse::json(200, &rules),
    };
    Some(made.of(total))
}

fn technique(request: &RouteRequest<'_>) -> Result<RouteResponse, RouteError> {
    let atlas = request.atlas;
    let id = request.name(0);
    let params = request.params()?;
    let is_id = atlas.attack.techniques.contains_key(id);
    if request.form == Form::Json {
        let mut view = atlas.technique(id, !params.only_itself, &params.filters)?;
        params.orders.values().for_each(|order| order.apply(&mut view.guide, &mut view.rule_list));
        let window = request.window()?;
        if let Some(made) = one_table(&params, window, &mut view.guide, &mut view.rule_list) {
            return Ok(made);
        }
        return Ok(RouteResponse::json(200, &Paged::new(&mut view, window)));
    }
    if !is_id {
        // An id of another version, another spelling or a name: the page stands under the loaded version's id.
        let technique = atlas.find_technique(id)?;
        let leads_here = atlas.attack.redirects.contains_key(&id.to_ascii_uppercase());
        let params = Params { from: leads_here.then(|| id.to_ascii_uppercase()), ..params };
        return Ok(request.elsewhere(&format!("/technique/{}{}", encoded(&technique.id), params.query())));
    }
    let leads_here = |from: &String| atlas.attack.redirects.get(from).is_some_and(|to| to.to.iter().any(|to| to == id));
    let params = Params { from: params.from.filter(leads_here), ..params };
    Ok(RouteResponse::page(200, page::technique(atlas, id, &params)?))
}
