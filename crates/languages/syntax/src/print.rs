//! Printing without recursion: a tree of any depth takes no more stack than a flat one.

use std::{borrow::Cow, fmt};

/// What a node is made of: texts and further nodes, in their order.
#[derive(Debug)]
pub struct Parts<'a, N> {
    parts: Vec<Part<'a, N>>,
}

#[derive(Debug)]
enum Part<'a, N> {
    Text(Cow<'a, str>),
    Node(N),
}

impl<'a, N> Parts<'a, N> {
    /// A text comes next.
    pub fn text(&mut self, text: impl Into<Cow<'a, str>>) {
        self.parts.push(Part::Text(text.into()));
    }

    /// A node comes next.
    pub fn node(&mut self, node: N) {
        self.parts.push(Part::Node(node));
    }

    /// Nodes come next, with a text between each two.
    pub fn list(&mut self, nodes: impl IntoIterator<Item = N>, between: &'static str) {
        for (at, node) in nodes.into_iter().enumerate() {
            if at > 0 {
                self.text(between);
            }
            self.node(node);
        }
    }

    /// A node comes next, in parentheses where these are needed.
    pub fn grouped(&mut self, node: N, needed: bool) {
        self.parenthesized(needed, |parts| parts.node(node));
    }

    /// What `add` adds comes next, in parentheses where these are needed.
    pub fn parenthesized(&mut self, needed: bool, add: impl FnOnce(&mut Self)) {
        if needed {
            self.text("(");
        }
        add(self);
        if needed {
            self.text(")");
        }
    }
}

/// A text in double quotes, with a backslash before quotes and backslashes, and for line ends and tabs.
///
/// ```
/// assert_eq!(ruleatlas_syntax::quote("a\"\\\n"), r#""a\"\\\n""#);
/// ```
#[must_use]
pub fn quote(text: &str) -> String {
    quote_with(text, |_| None)
}

/// [`quote`], where `escape` says how another character is written that cannot stand for itself.
#[must_use]
pub fn quote_with(text: &str, escape: impl Fn(char) -> Option<String>) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => literal.extend(['\\', character]),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            character => match escape(character) {
                Some(escaped) => literal.push_str(&escaped),
                None => literal.push(character),
            },
        }
    }
    literal.push('"');
    literal
}

/// Writes a tree: `expand` says what a node is made of.
///
/// ```
/// use std::fmt;
///
/// struct Tree(&'static str, Vec<Tree>);
///
/// impl fmt::Display for Tree {
///     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
///         ruleatlas_syntax::print(f, self, |tree, parts| {
///             parts.text(tree.0);
///             parts.text("(");
///             parts.list(&tree.1, ", ");
///             parts.text(")");
///         })
///     }
/// }
///
/// let tree = Tree("a", vec![Tree("b", Vec::new()), Tree("c", Vec::new())]);
/// assert_eq!(tree.to_string(), "a(b(), c())");
/// ```
///
/// # Errors
/// What is written to refuses the text.
pub fn print<'a, N>(to: &mut dyn fmt::Write, root: N, mut expand: impl FnMut(N, &mut Parts<'a, N>)) -> fmt::Result {
    let mut waiting = vec![Part::Node(root)];
    let mut parts = Parts { parts: Vec::new() };
    while let Some(part) = waiting.pop() {
        match part {
            Part::Text(text) => to.write_str(&text)?,
            Part::Node(node) => {
                expand(node, &mut parts);
                waiting.extend(parts.parts.drain(..).rev());
            }
        }
    }
    Ok(())
}
