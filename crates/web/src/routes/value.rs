//! Fields and the values that are checked in them.

use ruleatlas_model::FoldedOp;
use ruleatlas_views::Atlas;

use super::{Ask, Export, Fault, Form, Made, Parameter, Route, Values, parameter::one};
use crate::page;

pub(super) const ROUTES: &[Route] = &[
    Route {
        path: "/field/{*name}",
        about: "A field: what every vendor calls it, and how it is checked.",
        parameters: &[&[one("all", "Show the tables whole, on the page.", Values::Words(yes))]],
        only: None,
        export: Export::Each(fields),
        answer: field,
    },
    Route {
        path: "/indicator",
        about: "Who checks a value.",
        parameters: &[INDICATOR],
        only: None,
        export: Export::Never,
        answer: indicator,
    },
    Route {
        path: "/snippets",
        about: "A value that rules check, as a piece of a query in Sigma, EQL, SPL and KQL.",
        parameters: &[INDICATOR],
        only: Some(Form::Json),
        export: Export::Never,
        answer: snippets,
    },
];

/// What names an indicator.
const INDICATOR: &[Parameter] = &[
    one("field", "The field, by any vendor's name.", Values::Text),
    one("op", "The folded operator: eq, contains, ends_with, basename and so on.", Values::Text),
    one("value", "The value; for is_null and is_not_null none.", Values::Text),
    one("modifier", "What transforms value or match, such as base64offset.", Values::Text),
];

fn yes() -> Vec<&'static str> {
    vec!["yes"]
}

fn fields(atlas: &Atlas) -> Vec<String> {
    let names = atlas.index.data().fields.iter().filter(|name| !name.is_empty());
    let mut addresses: Vec<String> = names.map(|name| page::field_address(name)).collect();
    addresses.sort_unstable();
    addresses
}

fn field(ask: &Ask<'_>) -> Result<Made, Fault> {
    let name = ask.name(0);
    let views = ask.atlas.field(name)?;
    let is_own_name = views.first().is_some_and(|view| view.field == name);
    let is_whole = ask.first("all").is_some();
    Ok(ask.answer(&views, || page::field(&views, is_whole)).kept_if(is_own_name))
}

/// An indicator as it is asked for.
struct Asked<'a> {
    field: &'a str,
    op: FoldedOp,
    value: &'a str,
    modifier: Option<&'a str>,
}

fn asked<'a>(ask: &'a Ask<'_>) -> Result<Asked<'a>, Fault> {
    let (Some(field), Some(op)) = (ask.first("field"), ask.first("op")) else {
        let message = "An indicator is asked for as `/indicator?field=Image&op=basename&value=cmd.exe`.";
        return Err(Fault::wrong("field", message));
    };
    let op: FoldedOp = op.parse().map_err(|error| Fault::wrong("op", format!("{error}")))?;
    Ok(Asked { field, op, value: ask.first("value").unwrap_or_default(), modifier: ask.first("modifier") })
}

fn indicator(ask: &Ask<'_>) -> Result<Made, Fault> {
    let Asked { field, op, value, modifier } = asked(ask)?;
    let view = ask.atlas.modified_indicator(field, op, value, modifier)?;
    Ok(ask.answer(&view, || page::indicator(&view)))
}

fn snippets(ask: &Ask<'_>) -> Result<Made, Fault> {
    let Asked { field, op, value, modifier } = asked(ask)?;
    Ok(Made::json(200, &ask.atlas.snippets(field, op, value, modifier)?))
}
