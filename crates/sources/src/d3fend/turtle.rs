//! The ontology in Turtle.

use oxrdf::{NamedOrBlankNode, Term as Object};
use oxttl::TurtleParser;

use super::graph::{Graph, Term};

/// Reads the triples; the line and what is wrong with it where the text is no Turtle.
pub(super) fn read(text: &str) -> Result<Graph, (Option<u32>, String)> {
    let mut graph = Graph::default();
    for triple in TurtleParser::new().lenient().for_slice(text.as_bytes()) {
        let triple = triple.map_err(|error| {
            let line = u32::try_from(error.location().start.line.saturating_add(1)).ok();
            (line, format!("it is no Turtle: {}", error.message()))
        })?;
        let subject = match &triple.subject {
            NamedOrBlankNode::NamedNode(name) => Term::Iri(name.as_str()),
            NamedOrBlankNode::BlankNode(node) => Term::Blank(node.as_str()),
        };
        let object = match &triple.object {
            Object::NamedNode(name) => Term::Iri(name.as_str()),
            Object::BlankNode(node) => Term::Blank(node.as_str()),
            Object::Literal(text) => Term::Literal(text.value()),
        };
        if !graph.add(subject, triple.predicate.as_str(), object) {
            return Err((None, "it holds more triples than are read".to_owned()));
        }
    }
    Ok(graph.finish())
}
