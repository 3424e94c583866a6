use std::borrow::Cow;

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Without quotes.
    Plain,
    /// In single or double quotes.
    Quoted,
    /// As a `|` or `>` block.
    Block,
}

/// What a node holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// Text, with escapes of quoting resolved and nothing converted.
    Scalar(Cow<'a, str>, Style),
    /// A list.
    Sequence(Vec<Node<'a>>),
    /// Keys and values in the order of the file; each key once.
    Mapping(Vec<(Node<'a>, Node<'a>)>),
}

/// A value and its place in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node<'a> {
    /// What it holds.
    pub value: Value<'a>,
    /// First byte in the text.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// One-based line of the start.
    pub line: u32,
}

impl<'a> Node<'a> {
    /// The scalar's text; `None` for lists and mappings. A null is its text (`null`, `~` or nothing).
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(text, _) => Some(text),
            _ => None,
        }
    }

    /// The scalar's text, unless it is a null.
    #[must_use]
    pub fn text_or_null(&self) -> Option<&str> {
        if self.is_null() { None } else { self.text() }
    }

    /// Whether this is a plain `null`, `~` or nothing.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(text, Style::Plain) if matches!(text.as_ref(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// Whether this is a scalar without quotes.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        matches!(self.value, Value::Scalar(_, Style::Plain))
    }

    /// The boolean that a plain `true` or `false` says.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match &self.value {
            Value::Scalar(text, Style::Plain) if text.eq_ignore_ascii_case("true") => Some(true),
            Value::Scalar(text, Style::Plain) if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }

    /// The list's items; `None` for anything else.
    #[must_use]
    pub fn items(&self) -> Option<&[Node<'a>]> {
        match &self.value {
            Value::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// The list's items, or the node itself where a single value stands for a list; nothing for a null.
    #[must_use]
    pub fn items_or_self(&self) -> &[Node<'a>] {
        match &self.value {
            Value::Sequence(items) => items,
            _ if self.is_null() => &[],
            _ => std::slice::from_ref(self),
        }
    }

    /// The mapping's entries; `None` for anything else.
    #[must_use]
    pub fn entries(&self) -> Option<&[(Node<'a>, Node<'a>)]> {
        match &self.value {
            Value::Mapping(entries) => Some(entries),
            _ => None,
        }
    }

    /// The value of a key of a mapping.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node<'a>> {
        self.entry(key).map(|(_, value)| value)
    }

    /// Key and value of an entry of a mapping.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<(&Node<'a>, &Node<'a>)> {
        self.entries()?.iter().find(|(name, _)| name.text() == Some(key)).map(|(name, value)| (name, value))
    }

    /// The text of a key of a mapping; `None` where it is missing, null or no scalar.
    #[must_use]
    pub fn text_of(&self, key: &str) -> Option<&str> {
        self.get(key)?.text_or_null()
    }

    /// The texts of the list under a key (a single scalar is a list of one); empty where there is none.
    #[must_use]
    pub fn texts_of(&self, key: &str) -> Vec<&str> {
        self.get(key).map_or_else(Vec::new, |node| node.items_or_self().iter().filter_map(Node::text_or_null).collect())
    }
}
