//! A draft that is sent to be checked.

use ruleatlas_check::{Checker, Config, Finding};
use ruleatlas_model::Language;
use ruleatlas_sources::SourceFile;
use ruleatlas_views::Atlas;

use super::{Export, Form, Parameter, Route, RouteError, RouteRequest, RouteResponse, Values, parameter::one};
use crate::page;

pub(super) const ROUTES: &[Route] = &[Route {
    path: "/check",
    about: "Holds a draft rule against the catalog. The rule is sent to it by POST; nothing of it is kept.",
    parameters: &[LANGUAGE],
    only: Some(Form::Page),
    export: Export::Never,
    view: None,
    answer: form,
}];

const LANGUAGE: &[Parameter] = &[one("language", "The language of the draft.", Values::Words(languages))];

/// The name under which a draft is read that says itself what it is: every format of rules is tried.
const FILE: &str = "draft.yml";

/// The languages that a draft may be in.
pub(crate) fn languages() -> Vec<&'static str> {
    Language::ALL.iter().map(|language| language.name()).collect()
}

fn form(request: &RouteRequest<'_>) -> Result<RouteResponse, RouteError> {
    Ok(RouteResponse::page(200, page::check_form(request.first("language").unwrap_or_default())))
}

/// The findings of a draft.
pub(crate) fn checked(atlas: &Atlas, bytes: &[u8], language: &str, form: Form) -> RouteResponse {
    let language: Option<Language> = match language {
        "" => None,
        name => match name.parse() {
            Ok(language) => Some(language),
            Err(_) => {
                let message = format!("`{name}` is no language; the languages are {}", languages().join(", "));
                return RouteError::Wrong { name: "language".to_owned(), message }.made(form);
            }
        },
    };
    let is_toml = language.is_none() && bytes.split(|byte| *byte == b'\n').any(|line| line.starts_with(b"[rule]"));
    let name = if is_toml { "draft.toml" } else { FILE };
    let file = SourceFile::from_bytes(name, bytes.to_vec());
    let findings: Vec<Finding> = Checker::new(atlas, Config::default()).check(&file, language);
    match form {
        Form::Page => {
            let text = file.text().unwrap_or_default();
            RouteResponse::page(200, page::checked(&findings, text, language.map_or("", Language::name)))
        }
        Form::Json => RouteResponse::json(200, &findings),
    }
}
