//! Conditions as data: a list of nodes without nesting, and the limits that writers and readers share.
//!
//! A tree written as nested JSON is as deep as the query it came from, and JSON readers refuse deep documents. So a tree
//! is written as the list of its nodes in prefix order, each with the number of its children:
//!
//! ```
//! use ruleatlas_model::{Condition, Node, Op, Predicate};
//!
//! let check = |field: &str| Node::from(Predicate::new(field, Op::Eq, ["1"]));
//! let condition = Condition::new(Node::all([check("a"), check("b").not()]));
//! let json = serde_json::to_value(&condition)?;
//! assert_eq!(json["nodes"][0], serde_json::json!({ "all": 2 }));
//! assert_eq!(json["nodes"][1]["predicate"]["raw_field"], "a");
//! assert_eq!(json["nodes"][2], serde_json::json!({ "not": 1 }));
//! assert_eq!(json["nodes"][3]["predicate"]["raw_field"], "b");
//! assert_eq!(serde_json::from_value::<Condition>(json)?, condition);
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! Neither direction recurses, so no document can exhaust the stack.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeSeq as _};

use crate::{Node, Opaque, Predicate, Span};

/// Levels of a condition's tree. Everything that walks a tree may recurse so deep in a thread's two megabytes of stack.
pub const MAX_CONDITION_DEPTH: usize = 400;

/// Nodes of a condition's tree.
pub const MAX_CONDITION_NODES: usize = 1 << 18;

/// A node of the list; numbers count the children that follow.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Item<P, O> {
    All(u32),
    Any(u32),
    Not(u32),
    Predicate(P),
    Opaque(O),
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let count = |children: &[Self]| u32::try_from(children.len()).map_err(serde::ser::Error::custom);
        let mut list = serializer.serialize_seq(None)?;
        for node in self.walk() {
            let item: Item<&Predicate, &Opaque> = match node {
                Self::All(children) => Item::All(count(children)?),
                Self::Any(children) => Item::Any(count(children)?),
                Self::Not(_) => Item::Not(1),
                Self::Predicate(predicate) => Item::Predicate(predicate),
                Self::Opaque(opaque) => Item::Opaque(opaque),
            };
            list.serialize_element(&item)?;
        }
        list.end()
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ListVisitor)
    }
}

struct ListVisitor;

impl<'de> de::Visitor<'de> for ListVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list of a condition's nodes")
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            if items.len() == MAX_CONDITION_NODES {
                return Err(de::Error::custom(format_args!("a condition of more than {MAX_CONDITION_NODES} nodes")));
            }
            items.push(item);
        }
        tree(items).map_err(de::Error::custom)
    }
}

/// The tree of a list in prefix order. Read from its end, a node's children are complete when it comes up.
fn tree(items: Vec<Item<Box<Predicate>, Box<Opaque>>>) -> Result<Node, String> {
    let mut complete: Vec<(Node, usize)> = Vec::new();
    for item in items.into_iter().rev() {
        let count = match item {
            Item::All(count) | Item::Any(count) | Item::Not(count) => count,
            Item::Predicate(_) | Item::Opaque(_) => 0,
        };
        let first = usize::try_from(count).ok().and_then(|count| complete.len().checked_sub(count));
        let children = complete.split_off(first.ok_or("a node of a condition lacks children")?);
        let depth = 1 + children.iter().map(|(_, depth)| *depth).max().unwrap_or_default();
        if depth > MAX_CONDITION_DEPTH {
            return Err(format!("a condition nested deeper than {MAX_CONDITION_DEPTH} levels"));
        }
        // What stands first in the list was complete last.
        let mut children = children.into_iter().rev().map(|(child, _)| child);
        let node = match item {
            Item::All(_) => Node::All(children.collect()),
            Item::Any(_) => Node::Any(children.collect()),
            Item::Not(_) => match (children.next(), children.next()) {
                (Some(child), None) => Node::Not(Box::new(child)),
                _ => return Err("a `not` of a condition has one child".to_owned()),
            },
            Item::Predicate(predicate) => Node::Predicate(predicate),
            Item::Opaque(opaque) => Node::Opaque(opaque),
        };
        complete.push((node, depth));
    }
    match (complete.pop(), complete.is_empty()) {
        (Some((root, _)), true) => Ok(root),
        _ => Err("a condition has one root".to_owned()),
    }
}

/// What [`Node::limit`] took away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excess {
    /// Which limit was passed, as the phrase that the opaque parts in its place carry.
    pub reason: &'static str,
    /// Where the first part that was taken away stands in the query.
    pub span: Span,
}

impl Node {
    /// Takes away what is deeper than [`MAX_CONDITION_DEPTH`], or the whole where it has more than
    /// [`MAX_CONDITION_NODES`] nodes: an opaque node stands in the place of each part, with its text from `query`.
    pub fn limit(&mut self, query: &str) -> Option<Excess> {
        if self.walk().nth(MAX_CONDITION_NODES).is_some() {
            return Some(self.give_up(query, "condition is too large"));
        }
        // The deepest nodes that may stay are only reached for where there is one below them.
        if self.depth() <= MAX_CONDITION_DEPTH {
            return None;
        }
        let mut first: Option<Excess> = None;
        let mut open = vec![(self, 1_usize)];
        while let Some((node, depth)) = open.pop() {
            if depth == MAX_CONDITION_DEPTH && !node.children().is_empty() {
                let excess = node.give_up(query, "condition is nested too deep");
                first = first.or(Some(excess));
                continue;
            }
            match node {
                Self::All(children) | Self::Any(children) => {
                    open.extend(children.iter_mut().rev().map(|child| (child, depth + 1)));
                }
                Self::Not(child) => open.push((child.as_mut(), depth + 1)),
                Self::Predicate(_) | Self::Opaque(_) => {}
            }
        }
        first
    }

    /// How many levels the tree has.
    #[must_use]
    pub fn depth(&self) -> usize {
        let mut deepest = 0;
        let mut open = vec![(self, 1)];
        while let Some((node, depth)) = open.pop() {
            deepest = deepest.max(depth);
            open.extend(node.children().iter().map(|child| (child, depth + 1)));
        }
        deepest
    }

    /// Puts an opaque node in the place of this one, and takes the tree apart without recursion: its depth is unknown.
    fn give_up(&mut self, query: &str, reason: &'static str) -> Excess {
        let spans = self.walk().filter_map(|node| match node {
            Self::Predicate(predicate) => Some(predicate.span),
            Self::Opaque(opaque) => Some(opaque.span),
            _ => None,
        });
        let span = spans.reduce(Span::to).unwrap_or_default();
        let text = span.of(query).unwrap_or_default();
        let mut open = vec![std::mem::replace(self, Self::opaque(text, reason, span))];
        while let Some(node) = open.pop() {
            match node {
                Self::All(children) | Self::Any(children) => open.extend(children),
                Self::Not(child) => open.push(*child),
                Self::Predicate(_) | Self::Opaque(_) => {}
            }
        }
        Excess { reason, span }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Condition, Op};

    fn check(field: &str) -> Node {
        Node::from(Predicate::new(field, Op::Eq, ["1"]))
    }

    /// `a and not (a or …)`, of so many levels.
    fn nested(levels: usize) -> Node {
        (1..levels).fold(check("a"), |node, level| match level % 3 {
            0 => Node::Not(Box::new(node)),
            1 => Node::All(vec![check("b"), node]),
            _ => Node::Any(vec![node, check("c")]),
        })
    }

    fn read(text: &str) -> Result<Node, serde_json::Error> {
        serde_json::from_str(text)
    }

    #[test]
    fn every_shape_is_read_as_it_was_written() {
        let opaque = Node::opaque("f(x)", "unknown function", Span::new(0, 4));
        for node in [
            Node::always(),
            Node::never(),
            check("a"),
            Node::Not(Box::new(Node::Not(Box::new(check("a"))))),
            Node::All(vec![Node::Any(vec![check("a"), opaque.clone()]), Node::never(), check("b")]),
            Node::Any(vec![Node::All(vec![opaque])]),
            nested(MAX_CONDITION_DEPTH),
        ] {
            let condition = Condition::new(node);
            let text = serde_json::to_string(&condition).unwrap();
            assert_eq!(serde_json::from_str::<Condition>(&text).unwrap(), condition, "{text}");
            // Any other reader of JSON gets along with it as well.
            assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
        }
    }

    #[test]
    fn lists_that_are_no_tree_are_refused() {
        let leaf = serde_json::to_string(&check("a")).unwrap();
        let leaf = leaf.trim_matches(['[', ']']);
        for (text, why) in [
            ("[]".to_owned(), "one root"),
            (format!("[{leaf},{leaf}]"), "one root"),
            (format!("[{{\"all\":1}},{leaf},{leaf}]"), "one root"),
            (format!("[{{\"all\":2}},{leaf}]"), "lacks children"),
            (format!("[{{\"all\":4294967295}},{leaf}]"), "lacks children"),
            (format!("[{{\"not\":2}},{leaf},{leaf}]"), "one child"),
            ("[{\"not\":0}]".to_owned(), "one child"),
            ("[{\"maybe\":1}]".to_owned(), "unknown variant"),
            (format!("[{}]", "[".repeat(200)), ""),
            (format!("[{}{leaf}]", "{\"not\":1},".repeat(MAX_CONDITION_DEPTH)), "deeper than"),
            (format!("[{}{leaf}]", "{\"not\":1},".repeat(MAX_CONDITION_NODES)), "more than"),
        ] {
            let error = read(&text).expect_err(&text[..text.len().min(80)]).to_string();
            assert!(error.contains(why), "{error}");
        }
        assert!(serde_json::from_value::<Node>(json!([{ "all": 0 }])).is_ok());
    }

    #[test]
    fn a_tree_within_the_limits_stays() {
        let mut node = nested(MAX_CONDITION_DEPTH);
        let before = node.clone();
        assert_eq!((node.limit(""), node.depth()), (None, MAX_CONDITION_DEPTH));
        assert_eq!(node, before);
    }

    #[test]
    fn what_is_too_deep_is_opaque_and_the_rest_stays() {
        let mut node = nested(100_000);
        let excess = node.limit("query").unwrap();
        assert_eq!(excess.reason, "condition is nested too deep");
        assert_eq!(node.depth(), MAX_CONDITION_DEPTH);
        assert_eq!(node.opaques().count(), 1);
        assert!(node.predicates().count() > MAX_CONDITION_DEPTH / 2);
        let text = serde_json::to_string(&node).unwrap();
        assert_eq!(read(&text).unwrap(), node);
    }

    #[test]
    fn what_is_too_large_is_opaque() {
        let mut node = Node::Any(vec![check("a"); MAX_CONDITION_NODES]);
        assert_eq!(node.limit("").unwrap().reason, "condition is too large");
        assert!(matches!(node, Node::Opaque(_)));
    }
}
