//! The part of Terraform's language (HCL) that resources of rules are written in: blocks, attributes, texts, heredocs,
//! lists and objects. What is computed is kept as written; references to variables and locals with a value in the same
//! file stand for it. Nothing is run.
//!
//! The syntax is that of the [HCL specification](https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md).

use std::{borrow::Cow, cell::Cell};

use ruleatlas_yaml::{Node, Style, Value};
use rustc_hash::FxHashMap;

use crate::tree::{node, text_node};

/// Deeper blocks and values are passed over.
const DEPTH_LIMIT: u32 = 64;
/// How often a reference may name another.
const REFERENCE_LIMIT: u32 = 8;
/// Bytes that values may come to, put in the places that name them.
const MAX_FILLED: usize = 16 << 20;
/// Bytes that a list, an object or a text counts as besides its own.
const BYTES_PER_NODE: usize = 64;

/// A block: `resource "type" "name" { … }`.
pub(super) struct Block {
    pub kind: String,
    pub labels: Vec<String>,
    /// Its attributes, as a mapping.
    pub body: Node<'static>,
}

/// The blocks at the top of a file, and the line from which the rest cannot be read.
pub(super) fn blocks(text: &str) -> (Vec<Block>, Option<u32>) {
    let mut reader = Reader { text, at: 0, line: 1, counted: 0 };
    let mut blocks = Vec::new();
    loop {
        reader.skip_blanks(true);
        if reader.rest().is_empty() {
            return (blocks, None);
        }
        let line = reader.line();
        let Some(Item::Block(block)) = reader.item(0) else { return (blocks, Some(line)) };
        blocks.push(block);
    }
}

/// Values by the reference that means them.
pub(super) struct Values {
    by_reference: FxHashMap<String, Node<'static>>,
    /// Bytes that may still be put in the place of references, a node counted as some.
    left: Cell<usize>,
}

impl Values {
    fn get(&self, reference: &str) -> Option<&Node<'static>> {
        self.by_reference.get(reference).filter(|_| self.left.get() > 0)
    }

    /// Takes bytes from what may be put in the place of references.
    fn spend(&self, bytes: usize) {
        self.left.set(self.left.get().saturating_sub(bytes));
    }

    /// Whether references were left as written, as their values come to too much.
    pub(super) fn fault(&self) -> Option<String> {
        let message = || {
            let limit = MAX_FILLED >> 20;
            format!(
                "the values of variables and locals come to more than {limit} MiB where they are named; the rest of them are not read"
            )
        };
        (self.left.get() == 0).then(message)
    }
}

/// The values of `locals` and the defaults of `variable` blocks.
pub(super) fn values(blocks: &[Block]) -> Values {
    let mut values = FxHashMap::default();
    for block in blocks {
        let entries = block.body.entries().unwrap_or_default();
        let named = entries.iter().filter_map(|(key, value)| Some((key.text()?, value)));
        match (block.kind.as_str(), block.labels.as_slice()) {
            ("locals", _) => {
                values.extend(named.map(|(key, value)| (format!("local.{key}"), value.clone())));
            }
            ("variable", [name]) => {
                let default = named.into_iter().find(|(key, _)| *key == "default");
                values.extend(default.map(|(_, value)| (format!("var.{name}"), value.clone())));
            }
            _ => {}
        }
    }
    Values { by_reference: values, left: Cell::new(MAX_FILLED) }
}

/// A tree with the references that have a value replaced by it, in texts too.
pub(super) fn resolved(tree: &Node<'static>, values: &Values, depth: u32) -> Node<'static> {
    resolved_at(tree, values, depth, 0)
}

/// `references` is how many references lead here: what is not in the place of one costs nothing.
fn resolved_at(tree: &Node<'static>, values: &Values, depth: u32, references: u32) -> Node<'static> {
    if depth > DEPTH_LIMIT {
        return tree.clone();
    }
    if references > 0 {
        values.spend(BYTES_PER_NODE + tree.text().map_or(0, str::len));
    }
    let value = match &tree.value {
        Value::Scalar(text, Style::Plain) => {
            return match values.get(text.as_ref()).filter(|_| references < REFERENCE_LIMIT) {
                Some(value) => Node { line: tree.line, ..resolved_at(value, values, depth + 1, references + 1) },
                None => tree.clone(),
            };
        }
        Value::Scalar(text, style) => Value::Scalar(Cow::Owned(filled(text, values)), *style),
        Value::Sequence(items) => {
            Value::Sequence(items.iter().map(|item| resolved_at(item, values, depth + 1, references)).collect())
        }
        Value::Mapping(entries) => {
            let entry = |(key, value): &(Node<'static>, Node<'static>)| {
                (key.clone(), resolved_at(value, values, depth + 1, references))
            };
            Value::Mapping(entries.iter().map(entry).collect())
        }
    };
    node(value, tree.line)
}

/// A text with `${var.x}` replaced by the scalar it means.
fn filled(text: &str, values: &Values) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (head, tail) = rest.split_at(at);
        filled.push_str(head);
        let Some(end) = tail.find('}') else {
            rest = tail;
            break;
        };
        let name = tail.get(2..end).unwrap_or_default().trim().trim_matches('~').trim();
        match values.get(name).and_then(Node::text) {
            Some(value) => {
                values.spend(1 + value.len());
                filled.push_str(value);
            }
            None => filled.push_str(tail.get(..=end).unwrap_or_default()),
        }
        rest = tail.get(end + 1..).unwrap_or_default();
    }
    filled.push_str(rest);
    filled
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    line: u32,
    /// Up to where lines are counted.
    counted: usize,
}

enum Item {
    Block(Block),
    Attribute(Node<'static>, Node<'static>),
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// The line of what comes next.
    fn line(&mut self) -> u32 {
        if self.at < self.counted {
            return self.line;
        }
        let passed = self.text.get(self.counted..self.at).unwrap_or_default();
        let breaks = u32::try_from(passed.matches('\n').count()).unwrap_or(u32::MAX);
        self.line = self.line.saturating_add(breaks);
        self.counted = self.at;
        self.line
    }

    fn eat(&mut self, mark: &str) -> bool {
        let found = self.rest().starts_with(mark);
        if found {
            self.at += mark.len();
        }
        found
    }

    /// Passes blanks and comments; line breaks too where they mean nothing.
    fn skip_blanks(&mut self, with_breaks: bool) {
        loop {
            let rest = self.rest();
            let is_blank = |character: char| character.is_whitespace() && (with_breaks || character != '\n');
            let blanks = rest.len() - rest.trim_start_matches(is_blank).len();
            self.at += blanks;
            let rest = self.rest();
            if rest.starts_with('#') || rest.starts_with("//") {
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else if rest.starts_with("/*") {
                self.at += rest.find("*/").map_or(rest.len(), |end| end + 2);
            } else {
                return;
            }
        }
    }

    fn word(&mut self) -> Option<&'t str> {
        let rest = self.rest();
        if !rest.starts_with(|first: char| first.is_alphabetic() || first == '_') {
            return None;
        }
        let end =
            rest.find(|other: char| !other.is_alphanumeric() && !matches!(other, '_' | '-')).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end)
    }

    /// A block or an attribute. `None` where neither stands; what follows cannot be read then.
    fn item(&mut self, depth: u32) -> Option<Item> {
        let line = self.line();
        let name = match self.peek()? {
            '"' => self.quoted()?,
            _ => self.word()?.to_owned(),
        };
        self.skip_blanks(false);
        if self.rest().starts_with("==") {
            return None;
        }
        if self.eat("=") || self.eat(":") {
            self.skip_blanks(true);
            let value = self.value(depth + 1)?;
            return Some(Item::Attribute(text_node(name, line), value));
        }
        let mut labels = Vec::new();
        loop {
            self.skip_blanks(false);
            match self.peek()? {
                '"' => labels.push(self.quoted()?),
                '{' => break,
                _ => labels.push(self.word()?.to_owned()),
            }
        }
        let body = self.body(depth + 1, line)?;
        Some(Item::Block(Block { kind: name, labels, body }))
    }

    /// What stands in braces: attributes and blocks, of which a later one of the same name is kept too.
    fn body(&mut self, depth: u32, line: u32) -> Option<Node<'static>> {
        if depth > DEPTH_LIMIT {
            self.balanced()?;
            return Some(node(Value::Mapping(Vec::new()), line));
        }
        self.eat("{").then_some(())?;
        let mut entries = Vec::new();
        loop {
            self.skip_blanks(true);
            while self.eat(",") {
                self.skip_blanks(true);
            }
            if self.eat("}") {
                return Some(node(Value::Mapping(entries), line));
            }
            let key_line = self.line();
            // `for` expressions and computed keys: the object as a whole is.
            if self.rest().starts_with("for ") || self.rest().starts_with('(') {
                self.pass_bracket()?;
                return Some(node(Value::Mapping(entries), line));
            }
            match self.item(depth)? {
                Item::Attribute(key, value) => entries.push((key, value)),
                Item::Block(block) => entries.push((text_node(block.kind, key_line), block.body)),
            }
        }
    }

    /// An expression: a text, list, object, or what it is written as. Operators behind it make it one of those.
    fn value(&mut self, depth: u32) -> Option<Node<'static>> {
        let line = self.line();
        let from = self.at;
        let value = match self.peek()? {
            '"' => text_node(self.quoted()?, line),
            '<' if self.rest().starts_with("<<") => text_node(self.heredoc()?, line),
            '[' if depth <= DEPTH_LIMIT => self.list(depth, line)?,
            '{' if depth <= DEPTH_LIMIT => self.body(depth, line)?,
            '[' | '{' | '(' => {
                self.balanced()?;
                self.as_written(from, line)
            }
            _ => self.reference(depth, line)?,
        };
        // What is joined by operators, indexed or asked for a part is computed.
        self.skip_blanks(false);
        let is_done = |next: Option<char>| matches!(next, None | Some('\n' | ',' | '}' | ']' | ')'));
        if is_done(self.peek()) {
            return Some(value);
        }
        while !is_done(self.peek()) {
            match self.peek()? {
                '"' => drop(self.quoted()?),
                '(' | '[' | '{' => self.balanced()?,
                other => self.at += other.len_utf8(),
            }
            self.skip_blanks(false);
        }
        Some(self.as_written(from, line))
    }

    fn as_written(&self, from: usize, line: u32) -> Node<'static> {
        let text = self.text.get(from..self.at).unwrap_or_default().trim().to_owned();
        node(Value::Scalar(Cow::Owned(text), Style::Plain), line)
    }

    /// A number, a word, a reference or a call. Calls that leave a text as it is but for blanks, or write an object as
    /// JSON, give what they are called with.
    fn reference(&mut self, depth: u32, line: u32) -> Option<Node<'static>> {
        let from = self.at;
        let rest = self.rest();
        let is_part = |character: char| character.is_alphanumeric() || "_-.*+".contains(character);
        let end = rest.find(|character| !is_part(character)).unwrap_or(rest.len());
        if end == 0 {
            // An operator in front: `!x`, `-1`.
            self.at += self.peek()?.len_utf8();
            return Some(self.as_written(from, line));
        }
        self.at += end;
        let name = rest.get(..end).unwrap_or_default();
        if !self.rest().starts_with('(') {
            return Some(self.as_written(from, line));
        }
        if !["jsonencode", "trimspace", "chomp", "trim", "yamlencode", "tolist", "toset"].contains(&name)
            || depth > DEPTH_LIMIT
        {
            self.balanced()?;
            return Some(self.as_written(from, line));
        }
        self.at += 1;
        self.skip_blanks(true);
        let inner = self.value(depth + 1)?;
        self.pass_bracket()?;
        Some(inner)
    }

    fn list(&mut self, depth: u32, line: u32) -> Option<Node<'static>> {
        let from = self.at;
        self.eat("[").then_some(())?;
        let mut items = Vec::new();
        loop {
            self.skip_blanks(true);
            while self.eat(",") {
                self.skip_blanks(true);
            }
            if self.eat("]") {
                return Some(node(Value::Sequence(items), line));
            }
            if self.rest().starts_with("for ") {
                self.pass_bracket()?;
                return Some(self.as_written(from, line));
            }
            let before = self.at;
            items.push(self.value(depth + 1)?);
            if self.at == before || !matches!(self.peek(), Some(',' | ']' | '\n')) {
                return None;
            }
        }
    }

    /// Passes brackets and what is in them.
    fn balanced(&mut self) -> Option<()> {
        self.at += self.peek()?.len_utf8();
        self.pass_bracket()
    }

    /// Passes everything up to the bracket that closes an open one. Kinds of brackets are not compared.
    fn pass_bracket(&mut self) -> Option<()> {
        let mut depth = 1_u32;
        while depth > 0 {
            self.skip_blanks(true);
            match self.peek()? {
                '"' => drop(self.quoted()?),
                '<' if self.rest().starts_with("<<") => drop(self.heredoc()?),
                other => {
                    self.at += other.len_utf8();
                    match other {
                        '(' | '[' | '{' => depth += 1,
                        ')' | ']' | '}' => depth -= 1,
                        _ => {}
                    }
                }
            }
        }
        Some(())
    }

    /// A text in double quotes. A template in it is kept as written.
    fn quoted(&mut self) -> Option<String> {
        let rest = self.rest().strip_prefix('"')?;
        let mut read = String::new();
        let mut characters = rest.char_indices().peekable();
        // How deep the braces of an open template are.
        let mut template = 0_u32;
        while let Some((at, character)) = characters.next() {
            match character {
                '"' if template == 0 => {
                    self.at += at + 2;
                    return Some(read);
                }
                '{' if template > 0 => template += 1,
                '}' if template > 0 => template -= 1,
                '\\' if template == 0 => {
                    read.push(escaped(&mut characters)?);
                    continue;
                }
                '$' | '%' if template == 0 => {
                    let next = rest.get(at + 1..).unwrap_or_default();
                    if next.starts_with(character) && next.get(1..).is_some_and(|next| next.starts_with('{')) {
                        // `$${` is the text `${`.
                        characters.next();
                    } else if next.starts_with('{') {
                        read.push(character);
                        characters.next();
                        read.push('{');
                        template = 1;
                        continue;
                    }
                }
                _ => {}
            }
            read.push(character);
        }
        None
    }

    /// `<<MARK` or `<<-MARK`, whose lines end before one that is the mark; the latter without their common indentation.
    fn heredoc(&mut self) -> Option<String> {
        let rest = self.rest().strip_prefix("<<")?;
        let (is_indented, rest) = rest.strip_prefix('-').map_or((false, rest), |rest| (true, rest));
        let (head, body) = rest.split_once('\n')?;
        let mark = head.trim().trim_matches('"');
        if mark.is_empty() {
            return None;
        }
        let mut lines: Vec<&str> = Vec::new();
        let mut length = 0;
        let mut is_closed = false;
        for line in body.split_inclusive('\n') {
            if line.trim() == mark {
                // What follows the mark on its line, a line break or a bracket, is next.
                length += line.trim_end().len();
                is_closed = true;
                break;
            }
            length += line.len();
            lines.push(line.trim_end_matches('\n').trim_end_matches('\r'));
        }
        is_closed.then_some(())?;
        self.at += self.rest().len() - body.len() + length;
        let indent = |line: &&str| line.len() - line.trim_start_matches([' ', '\t']).len();
        let common = lines.iter().filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or(0);
        let mut text = String::new();
        for line in lines {
            let line = if is_indented { line.get(common..).unwrap_or_default() } else { line };
            text.push_str(&line.replace("$${", "${").replace("%%{", "%{"));
            text.push('\n');
        }
        Some(text)
    }
}

/// The character that an escape means.
fn escaped(characters: &mut std::iter::Peekable<std::str::CharIndices<'_>>) -> Option<char> {
    let length = match characters.next()?.1 {
        'n' => return Some('\n'),
        'r' => return Some('\r'),
        't' => return Some('\t'),
        'u' => 4,
        'U' => 8,
        other => return Some(other),
    };
    let digits: String = characters.take(length).map(|(_, digit)| digit).collect();
    Some(u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER))
}
