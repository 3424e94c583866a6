//! The description of the API, made from the table of addresses and the types of the views.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use utoipa::{
    ToSchema,
    openapi::{RefOr, Schema},
};

use super::{API, Export, Form, POSTS, Parameter, Post, Route, RouteError, RouteRequest, RouteResponse, Values, table};

/// Schemas by name.
pub(crate) type Schemas = Vec<(String, RefOr<Schema>)>;
/// Gives the schema of a view, and adds those that it is made of.
pub(crate) type View = fn(&mut Schemas) -> RefOr<Schema>;

pub(super) const ROUTES: &[Route] = &[Route {
    path: "/api/openapi.json",
    about: "The description of the API.",
    parameters: &[],
    only: Some(Form::Page),
    export: Export::Once,
    view: None,
    answer: openapi,
}];

/// The schema of a type.
pub(crate) fn view<T: ToSchema>(schemas: &mut Schemas) -> RefOr<Schema> {
    T::schemas(schemas);
    T::schema()
}

fn openapi(_: &RouteRequest<'_>) -> Result<RouteResponse, RouteError> {
    Ok(RouteResponse::json(200, &description()))
}

/// The whole description.
fn description() -> Value {
    let mut schemas: Schemas = Vec::new();
    let mut paths = Map::new();
    for route in table() {
        if let Some(view) = route.view {
            let schema = json!(view(&mut schemas));
            let path = format!("{API}{}", route.path.replace("{*", "{"));
            paths.insert(path, json!({ "get": operation(route, &schema) }));
        }
    }
    for post in &POSTS {
        let schema = json!((post.view)(&mut schemas));
        paths.insert(format!("{API}{}", post.path), json!({ "post": sent(post, &schema) }));
    }
    let mut schemas: BTreeMap<String, Value> =
        schemas.into_iter().map(|(name, schema)| (name, json!(schema))).collect();
    schemas.insert("Error".to_owned(), error());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Ruleatlas",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What the world's detection rules look for. Every page of the site has its JSON under its own \
                            address behind /api/v1. Texts of rules belong to their authors; /about/notices says under \
                            which licences they stand.",
        },
        "paths": paths,
        "components": { "schemas": schemas },
    })
}

/// What an answer that is none looks like.
fn error() -> Value {
    json!({
        "type": "object",
        "description": "Why there is no answer.",
        "required": ["error", "what", "near"],
        "properties": {
            "error": { "type": "string", "description": "What is wrong, in a sentence." },
            "what": { "type": "string", "description": "The parameter, or the kind of thing that is not there." },
            "near": { "type": "array", "items": { "type": "string" }, "description": "Names that look like it." },
        },
    })
}

fn operation(route: &Route, schema: &Value) -> Value {
    let named = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let in_path = named.map(|name| {
        let plain = name.trim_start_matches('*');
        let mut parameter = json!({ "name": plain, "in": "path", "required": true, "schema": { "type": "string" } });
        if plain != name {
            parameter["description"] = json!("A `/` in it stands as it is.");
        }
        parameter
    });
    let asked = || route.parameters.iter().copied().flatten();
    let is_paged = asked().any(|parameter| parameter.name == "offset");
    let counted = is_paged.then(|| with_totals(schema));
    let schema = counted.as_ref().unwrap_or(schema);
    let mut content = json!({ "application/json": { "schema": schema } });
    if asked().any(|parameter| parameter.name == "format") {
        let rows = json!({ "type": "array", "items": { "type": "object" }, "description": "The rows of `table`." });
        content["application/json"]["schema"] = json!({ "anyOf": [schema, rows] });
        content["text/csv"] = json!({ "schema": { "type": "string" } });
    }
    let error = |about: &str| {
        let schema = json!({ "$ref": "#/components/schemas/Error" });
        json!({ "description": about, "content": { "application/json": { "schema": schema } } })
    };
    let etag = json!({
        "description": "Stands for the content; sent back as If-None-Match it gives 304 where nothing changed.",
        "schema": { "type": "string" },
    });
    let mut headers = json!({ "ETag": etag });
    if is_paged {
        headers["X-Total-Count"] = json!({
            "description": "Where the answer is a list itself, or a table by `table`: how many rows there are before offset and limit.",
            "schema": { "type": "integer" },
        });
    }
    json!({
        "summary": route.about,
        "operationId": id(route.path),
        "parameters": in_path.chain(asked().map(parameter)).collect::<Vec<_>>(),
        "responses": {
            "200": { "description": route.about, "headers": headers, "content": content },
            "304": { "description": "The client has it already." },
            "400": error("A parameter is not known, or has a value that it cannot have."),
            "404": error("There is no such thing; names near to it are offered."),
        },
    })
}

/// The operation of an address that is sent something.
fn sent(post: &Post, schema: &Value) -> Value {
    let parameters = post.parameters.iter().copied().flatten().map(parameter);
    let error = json!({ "$ref": "#/components/schemas/Error" });
    json!({
        "summary": post.about,
        "operationId": format!("post_{}", id(post.path)),
        "parameters": parameters.collect::<Vec<_>>(),
        "requestBody": {
            "required": true,
            "description": post.body,
            "content": { "application/octet-stream": {}, "text/plain": { "schema": { "type": "string" } } },
        },
        "responses": {
            "200": { "description": post.about, "content": { "application/json": { "schema": schema } } },
            "400": {
                "description": "What was sent cannot be answered, or a parameter is not known.",
                "content": { "application/json": { "schema": error } },
            },
            "413": { "description": "It is too large." },
        },
    })
}

/// The schema of an answer with lists, of which a part may be asked for.
fn with_totals(schema: &Value) -> Value {
    if let Some(items) = schema.get("items") {
        // What is put together of several has a number of rows each; a plain list has it in a header.
        return json!({ "type": "array", "items": with_totals(items) });
    }
    if let Some(choices) = schema.get("anyOf").and_then(Value::as_array) {
        return json!({ "anyOf": choices.iter().map(with_totals).collect::<Vec<_>>() });
    }
    let totals = json!({
        "type": "object",
        "description": "How many rows each list has before offset and limit, by its key; there where one of them is given.",
        "additionalProperties": { "type": "integer", "minimum": 0 },
    });
    json!({ "allOf": [schema, { "type": "object", "properties": { "totals": totals } }] })
}

fn parameter(parameter: &Parameter) -> Value {
    let one = match parameter.values {
        Values::Text => json!({ "type": "string" }),
        Values::Words(words) => json!({ "type": "string", "enum": words() }),
        Values::Count => json!({ "type": "integer", "minimum": 0 }),
        Values::Day => json!({ "type": "string", "format": "date" }),
    };
    let schema = if parameter.many { json!({ "type": "array", "items": one }) } else { one };
    json!({ "name": parameter.name, "in": "query", "description": parameter.about, "schema": schema })
}

/// A path's name: `log_source` of `/log-source/{name}`.
fn id(path: &str) -> String {
    let words: Vec<&str> =
        path.split(['/', '-', '.']).filter(|part| !part.is_empty() && !part.starts_with('{')).collect();
    if words.is_empty() { "home".to_owned() } else { words.join("_") }
}
