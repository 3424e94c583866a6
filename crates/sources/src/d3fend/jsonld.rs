//! The ontology in JSON-LD, as it is published: one `@context` of prefixes, one `@graph` of nodes.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::graph::{Graph, Term};

/// Reads the triples; the line and what is wrong with it where the text is no JSON-LD of this kind.
pub(super) fn read(text: &str) -> Result<Graph, (Option<u32>, String)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let document: Value = serde_json::from_str(text)
        .map_err(|error| (u32::try_from(error.line()).ok(), format!("it is no JSON: {error}")))?;
    let context = document.get("@context").and_then(Value::as_object);
    let nodes = document.get("@graph").unwrap_or(&document);
    let mut reader = Reader { context, graph: Graph::default(), blanks: 0, is_full: false };
    for node in one_or_many(nodes) {
        if let Value::Object(node) = node {
            reader.node(node);
        }
    }
    if reader.is_full {
        return Err((None, "it holds more triples than are read".to_owned()));
    }
    Ok(reader.graph.finish())
}

struct Reader<'a> {
    context: Option<&'a Map<String, Value>>,
    graph: Graph,
    blanks: usize,
    is_full: bool,
}

/// A node as the object of a triple.
enum Name<'a> {
    Iri(Cow<'a, str>),
    Blank(String),
}

impl Name<'_> {
    fn term(&self) -> Term<'_> {
        match self {
            Name::Iri(name) => Term::Iri(name),
            Name::Blank(name) => Term::Blank(name),
        }
    }
}

impl<'a> Reader<'a> {
    /// Takes a node's triples; as deep as JSON goes, which its parser bounds.
    fn node(&mut self, node: &'a Map<String, Value>) -> Name<'a> {
        let subject = match node.get("@id").and_then(Value::as_str) {
            Some(id) => self.name(id),
            None => {
                self.blanks += 1;
                Name::Blank(format!("own{}", self.blanks))
            }
        };
        for (key, values) in node.iter().filter(|(key, _)| !key.starts_with('@')) {
            let predicate = self.expanded(key);
            for value in one_or_many(values) {
                match value {
                    Value::String(text) => self.add(&subject, &predicate, Term::Literal(text)),
                    Value::Object(inner) => match inner.get("@value") {
                        Some(Value::String(text)) => self.add(&subject, &predicate, Term::Literal(text)),
                        Some(_) => {}
                        None => {
                            let object = self.node(inner);
                            self.add(&subject, &predicate, object.term());
                        }
                    },
                    _ => {}
                }
            }
        }
        subject
    }

    fn add(&mut self, subject: &Name<'_>, predicate: &str, object: Term<'_>) {
        self.is_full |= !self.graph.add(subject.term(), predicate, object);
    }

    fn name(&self, id: &'a str) -> Name<'a> {
        match id.strip_prefix("_:") {
            Some(label) => Name::Blank(label.to_owned()),
            None => Name::Iri(self.expanded(id)),
        }
    }

    /// A name with its prefix written out, as the context has it.
    fn expanded(&self, name: &'a str) -> Cow<'a, str> {
        let known = |prefix: &str| match self.context?.get(prefix)? {
            Value::String(address) => Some(address.as_str()),
            Value::Object(term) => term.get("@id")?.as_str(),
            _ => None,
        };
        if let Some((prefix, rest)) = name.split_once(':')
            && let Some(address) = known(prefix)
        {
            return Cow::Owned(format!("{address}{rest}"));
        }
        Cow::Borrowed(name)
    }
}

fn one_or_many(value: &Value) -> &[Value] {
    match value {
        Value::Array(values) => values,
        value => std::slice::from_ref(value),
    }
}
