//! Controls, and where one stands against those who threaten.

use ruleatlas_model::{AttackDomain, ThreatKind};
use ruleatlas_views::{AlignRequest, Atlas, Cells, CompassFilters, Gap, ReadLayer};
use utoipa::openapi::{RefOr, Schema, schema::AnyOfBuilder};

use super::{
    Export, Form, Parameter, Route, RouteError, RouteRequest, RouteResponse, Schemas, Values,
    paging::{self, PAGING, Paged, Window},
    parameter::one,
    technique, view,
};
use crate::page;

/// Rows of the tables on the page.
const ROWS: usize = 100;

/// Threats that one page compares.
const MAX_THREATS: usize = 50;

pub(super) const ROUTES: &[Route] = &[
    Route {
        path: "/controls",
        about: "Every technique with its countermeasures, rules and tests by source, and what lacks.",
        parameters: &[&[
            Parameter {
                name: "gap",
                about: "Only techniques that have all of these gaps.",
                values: Values::Words(gaps),
                many: true,
            },
            Parameter {
                name: "tactic",
                about: "Only techniques of this tactic, by id, short name or name.",
                values: Values::Text,
                many: true,
            },
            Parameter {
                name: "platform",
                about: "Only techniques of this platform, as ATT&CK calls it.",
                values: Values::Text,
                many: true,
            },
            one("matrix", "Only techniques of this matrix.", Values::Words(matrices)),
            one(
                "validated",
                "Only techniques that have a detection and a test, or that have not.",
                Values::Words(yes_no),
            ),
            one("sort", "By what the rows are ordered: name, a source, or a score; by id when not said.", Values::Text),
            one("reversed", "The other way round.", Values::Words(yes_no)),
            paging::OFFSET,
            paging::LIMIT,
            one("format", "How the table is written, for programs.", Values::Words(formats)),
            one("table", "The table, for programs: there is one.", Values::Words(tables)),
        ]],
        only: None,
        export: Export::Once,
        view: Some(view::<ruleatlas_views::CompassView>),
        answer: controls,
    },
    Route {
        path: "/technique/{id}/playbook",
        about: "The control playbook of a technique: what to put in place, what detects it, how to test it.",
        parameters: &[],
        only: Some(Form::Json),
        export: Export::Never,
        view: Some(view::<ruleatlas_views::PlaybookView>),
        answer: playbook,
    },
    Route {
        path: "/align",
        about: "Where one stands against groups, software and campaigns. A layer and a file that says what is collected are sent \
                to it by POST; nothing of them is kept.",
        parameters: &[THREATS, PAGING],
        only: None,
        export: Export::Once,
        view: Some(either),
        answer: align,
    },
    Route {
        path: "/align/layer.json",
        about: "The same as a layer of the ATT&CK Navigator, format 4.5.",
        parameters: &[THREATS],
        only: Some(Form::Json),
        export: Export::Never,
        view: Some(view::<ruleatlas_views::Layer>),
        answer: layer,
    },
];

const THREATS: &[Parameter] = &[
    Parameter { name: "group", about: "A group by id, name or alias.", values: Values::Text, many: true },
    Parameter { name: "software", about: "Software by id, name or alias.", values: Values::Text, many: true },
    Parameter { name: "campaign", about: "A campaign by id, name or alias.", values: Values::Text, many: true },
];

/// Without threats the answer is the list of those that there are.
fn either(schemas: &mut Schemas) -> RefOr<Schema> {
    let views = [view::<ruleatlas_views::AlignView>(schemas), view::<Vec<ruleatlas_views::ThreatItem>>(schemas)];
    Schema::AnyOf(views.into_iter().fold(AnyOfBuilder::new(), AnyOfBuilder::item).build()).into()
}

fn gaps() -> Vec<&'static str> {
    Gap::ALL.map(Gap::name).into()
}

const DOMAINS: [AttackDomain; 3] = [AttackDomain::Enterprise, AttackDomain::Mobile, AttackDomain::Ics];

fn matrices() -> Vec<&'static str> {
    DOMAINS.map(AttackDomain::name).into()
}

fn yes_no() -> Vec<&'static str> {
    vec!["yes", "no"]
}

fn formats() -> Vec<&'static str> {
    vec!["json", "csv"]
}

fn tables() -> Vec<&'static str> {
    vec!["techniques"]
}

fn texts(request: &RouteRequest<'_>, name: &str) -> Vec<String> {
    request.pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect()
}

fn controls(request: &RouteRequest<'_>) -> Result<RouteResponse, RouteError> {
    let matrix = request.first("matrix");
    let sort = request
        .first("sort")
        .map(str::parse)
        .transpose()
        .map_err(|message: String| RouteError::wrong("sort", message))?;
    let filters = CompassFilters {
        gaps: request.words("gap"),
        tactics: texts(request, "tactic"),
        platforms: texts(request, "platform"),
        domain: DOMAINS.into_iter().find(|domain| Some(domain.name()) == matrix),
        validated: request.first("validated").map(|word| word == "yes"),
        sort,
        reversed: request.first("reversed") == Some("yes"),
    };
    let mut view = request.atlas.controls(&filters)?;
    let distinct = view.techniques.len();
    if request.form == Form::Json {
        let paged = Paged::new(&mut view, request.window()?);
        if request.first("format") == Some("csv") {
            return Ok(RouteResponse::text(technique::CSV, view.csv(Cells::Guarded).into_bytes()).of(distinct));
        }
        if request.first("table").is_some() {
            return Ok(RouteResponse::json(200, &view.techniques).of(distinct));
        }
        return Ok(RouteResponse::json(200, &paged));
    }
    let (offset, limit) = (request.count("offset")?.unwrap_or(0), request.count("limit")?);
    Window { offset, limit: Some(limit.unwrap_or(ROWS).clamp(1, 500)) }.cut(&mut view.techniques);
    let listed = page::Listed { offset, distinct, pairs: request.pairs };
    Ok(RouteResponse::page(200, page::controls(request.atlas, &view, &listed)))
}

fn playbook(request: &RouteRequest<'_>) -> Result<RouteResponse, RouteError> {
    Ok(RouteResponse::json(200, &request.atlas.playbook(request.name(0), true)?))
}

/// Files that were sent, and who threatens besides.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    pub(crate) is_json: bool,
    /// Layers with the names of their files.
    pub(crate) layers: Vec<(String, Vec<u8>)>,
    /// What says which telemetry is collected; empty for nothing.
    pub(crate) have: Vec<u8>,
    pub(crate) pairs: Vec<(String, String)>,
}

/// Where one stands, with layers and telemetry of one's own.
pub(crate) fn aligned(atlas: &Atlas, sent: &Sent) -> RouteResponse {
    let form = if sent.is_json { Form::Json } else { Form::Page };
    let answer = || -> Result<RouteResponse, RouteError> {
        let mut request = align_request(&sent.pairs)?;
        for (name, bytes) in sent.layers.iter().take(MAX_THREATS) {
            let mut layers =
                ReadLayer::from_bytes(bytes).map_err(|why| RouteError::wrong("layer", format!("the layer: {why}")))?;
            for layer in layers.iter_mut().filter(|layer| layer.name.trim().is_empty()) {
                layer.name.clone_from(name);
            }
            request.layers.extend(layers);
        }
        if !sent.have.is_empty() {
            let have =
                atlas.have(&sent.have).map_err(|error| RouteError::wrong("have", format!("the telemetry: {error}")))?;
            request.have = Some(have);
        }
        if request.threats.is_empty() && request.layers.is_empty() {
            return Err(RouteError::wrong("layer", "say who threatens: a group, software, a campaign or a layer"));
        }
        let view = atlas.align(&request)?;
        let threats: Vec<(String, String)> =
            sent.pairs.iter().filter(|(name, _)| name.parse::<ThreatKind>().is_ok()).cloned().collect();
        let listed = page::Listed { offset: 0, distinct: view.techniques.len(), pairs: &threats };
        Ok(match form {
            Form::Json => RouteResponse::json(200, &view),
            Form::Page => RouteResponse::page(200, page::align(&view, &listed, usize::MAX)),
        })
    };
    answer().unwrap_or_else(|fault| fault.made(form))
}

fn align_request(pairs: &[(String, String)]) -> Result<AlignRequest, RouteError> {
    let named = |kind: ThreatKind| {
        let of_kind = pairs.iter().filter(move |(name, value)| name == kind.name() && !value.trim().is_empty());
        of_kind.map(move |(_, name)| (kind, name.clone()))
    };
    let threats: Vec<(ThreatKind, String)> = ThreatKind::ALL.iter().flat_map(|kind| named(*kind)).collect();
    if threats.len() > MAX_THREATS {
        return Err(RouteError::wrong("threats", format!("at most {MAX_THREATS} threats are compared on one page")));
    }
    Ok(AlignRequest { threats, ..AlignRequest::default() })
}

fn align(request: &RouteRequest<'_>) -> Result<RouteResponse, RouteError> {
    let align = align_request(request.pairs)?;
    if align.threats.is_empty() {
        let threats = request.atlas.threats()?;
        if let Some(window) = request.window()? {
            let mut listed: Vec<_> = threats.iter().collect();
            let total = window.cut(&mut listed);
            return Ok(RouteResponse::json(200, &listed).of(total));
        }
        return Ok(request.answer(&threats, || page::threats(threats)));
    }
    let mut view = request.atlas.align(&align)?;
    let offset = request.count("offset")?.unwrap_or(0);
    let listed = page::Listed { offset, distinct: view.techniques.len(), pairs: request.pairs };
    request.paged(&mut view, |view| page::align(view, &listed, ROWS))
}

fn layer(request: &RouteRequest<'_>) -> Result<RouteResponse, RouteError> {
    let view = request.atlas.align(&align_request(request.pairs)?)?;
    let domain = view.domains().first().map_or(AttackDomain::Enterprise, |(domain, _)| *domain);
    Ok(RouteResponse::json(200, &view.layer(domain)))
}
