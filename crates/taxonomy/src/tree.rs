//! Reads the part of TOML that the data files use into a light tree with places.
//!
//! The tables are read at every start of the program. A general TOML tree of them costs several milliseconds from a
//! cold start, most of it memory; this one borrows from the text and costs a fraction. It knows comments, `[[table]]`
//! headers, bare and quoted keys, texts of one line without escapes, whole numbers, `true` and `false`, arrays and
//! inline tables (over several lines, too). A test compares it with the `toml` crate on every data file.

/// A value and the byte at which it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Value<'a> {
    pub at: usize,
    pub kind: Kind<'a>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind<'a> {
    Text(&'a str),
    /// A whole number, as written.
    Integer(&'a str),
    Boolean(bool),
    List(Vec<Value<'a>>),
    Table(Table<'a>),
}

/// Keys with their places, and values, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Table<'a> {
    pub entries: Vec<(Key<'a>, Value<'a>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key<'a> {
    pub at: usize,
    pub name: &'a str,
}

impl<'a> Table<'a> {
    pub fn get(&self, name: &str) -> Option<&Value<'a>> {
        self.entries.iter().find(|(key, _)| key.name == name).map(|(_, value)| value)
    }

    fn insert(&mut self, key: Key<'a>, value: Value<'a>) -> Result<(), Fault> {
        if self.get(key.name).is_some() {
            return Err((key.at, "the key stands here a second time"));
        }
        self.entries.push((key, value));
        Ok(())
    }
}

/// What is wrong with the text, and at which byte.
pub(crate) type Fault = (usize, &'static str);

/// How deep values may nest.
const DEPTH: usize = 16;

/// The tables of a file under the names of their headers, in the order of the file. `[[name]]` appends to a list.
pub(crate) fn parse(text: &str) -> Result<Table<'_>, Fault> {
    let mut parser = Parser { text, at: 0 };
    let mut root = Table::default();
    let mut lists: Vec<(Key<'_>, Vec<Value<'_>>)> = Vec::new();
    let mut current: Option<usize> = None;
    loop {
        parser.skip_blank();
        if parser.at == text.len() {
            break;
        }
        let at = parser.at;
        if parser.eat("[[") {
            let key = parser.key()?;
            if !parser.eat("]]") {
                return Err((parser.at, "a header is [[name]]"));
            }
            let index = lists.iter().position(|(known, _)| known.name == key.name).unwrap_or_else(|| {
                lists.push((key, Vec::new()));
                lists.len() - 1
            });
            lists[index].1.push(Value { at, kind: Kind::Table(Table::default()) });
            current = Some(index);
        } else {
            let (key, value) = parser.entry(0)?;
            match current.and_then(|index| lists[index].1.last_mut()).map(|value| &mut value.kind) {
                Some(Kind::Table(table)) => table.insert(key, value)?,
                _ => root.insert(key, value)?,
            }
        }
        parser.end_of_line()?;
    }
    for (key, values) in lists {
        root.insert(key, Value { at: key.at, kind: Kind::List(values) })?;
    }
    Ok(root)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a [u8] {
        &self.text.as_bytes()[self.at..]
    }

    fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token.as_bytes());
        if found {
            self.at += token.len();
        }
        found
    }

    fn skip_spaces(&mut self) {
        self.at += self.rest().iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    }

    /// Skips white space, ends of lines and comments.
    fn skip_blank(&mut self) {
        loop {
            self.at += self.rest().iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count();
            if self.rest().first() != Some(&b'#') {
                return;
            }
            self.skip_comment();
        }
    }

    fn skip_comment(&mut self) {
        self.at += self.rest().iter().take_while(|byte| **byte != b'\n').count();
    }

    fn end_of_line(&mut self) -> Result<(), Fault> {
        self.skip_spaces();
        if self.rest().first() == Some(&b'#') {
            self.skip_comment();
        }
        match self.rest().first() {
            None | Some(b'\n' | b'\r') => Ok(()),
            Some(_) => Err((self.at, "the line should end here")),
        }
    }

    fn key(&mut self) -> Result<Key<'a>, Fault> {
        let at = self.at;
        if let Some(quote @ (b'"' | b'\'')) = self.rest().first() {
            return Ok(Key { at, name: self.quoted(*quote)? });
        }
        let is_bare = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        self.at += self.rest().iter().take_while(is_bare).count();
        if at == self.at { Err((at, "a key should stand here")) } else { Ok(Key { at, name: &self.text[at..self.at] }) }
    }

    fn entry(&mut self, depth: usize) -> Result<(Key<'a>, Value<'a>), Fault> {
        let key = self.key()?;
        self.skip_spaces();
        if !self.eat("=") {
            return Err((self.at, "`=` should stand here"));
        }
        self.skip_spaces();
        Ok((key, self.value(depth)?))
    }

    fn value(&mut self, depth: usize) -> Result<Value<'a>, Fault> {
        let at = self.at;
        if depth == DEPTH {
            return Err((at, "values nest too deep"));
        }
        let kind = match self.rest().first() {
            Some(quote @ (b'"' | b'\'')) => Kind::Text(self.quoted(*quote)?),
            Some(b'[') => {
                let mut values = Vec::new();
                self.members(b']', |parser| {
                    values.push(parser.value(depth + 1)?);
                    Ok(())
                })?;
                Kind::List(values)
            }
            Some(b'{') => {
                let mut table = Table::default();
                self.members(b'}', |parser| {
                    let (key, value) = parser.entry(depth + 1)?;
                    table.insert(key, value)
                })?;
                Kind::Table(table)
            }
            _ => {
                self.at += self.rest().iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
                match &self.text[at..self.at] {
                    "true" => Kind::Boolean(true),
                    "false" => Kind::Boolean(false),
                    digits if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                        Kind::Integer(digits)
                    }
                    _ => return Err((at, "a text, a whole number, true, false, a list or a table should stand here")),
                }
            }
        };
        Ok(Value { at, kind })
    }

    /// Members with commas between them, up to `close`; a comma may stand before it.
    fn members(&mut self, close: u8, mut read: impl FnMut(&mut Self) -> Result<(), Fault>) -> Result<(), Fault> {
        self.at += 1;
        loop {
            self.skip_blank();
            if self.rest().first() == Some(&close) {
                self.at += 1;
                return Ok(());
            }
            read(self)?;
            self.skip_blank();
            if !self.eat(",") && self.rest().first() != Some(&close) {
                return Err((self.at, "a comma or the end should stand here"));
            }
        }
    }

    fn quoted(&mut self, quote: u8) -> Result<&'a str, Fault> {
        let start = self.at + 1;
        let is_inside = |byte: &&u8| **byte != quote && **byte != b'\n';
        let length = self.text.as_bytes()[start..].iter().take_while(is_inside).count();
        let text = &self.text[start..start + length];
        if self.text.as_bytes().get(start + length) != Some(&quote) {
            return Err((self.at, "the text has no end on its line"));
        }
        if let (b'"', Some(escape)) = (quote, text.find('\\')) {
            return Err((start + escape, "write a text with a backslash between single quotes"));
        }
        self.at = start + length + 1;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, Value, parse};

    fn same(ours: &Value<'_>, theirs: &toml::Value) -> bool {
        match (&ours.kind, theirs) {
            (Kind::Text(text), toml::Value::String(other)) => text == other,
            (Kind::Integer(digits), toml::Value::Integer(other)) => *digits == other.to_string(),
            (Kind::Boolean(value), toml::Value::Boolean(other)) => value == other,
            (Kind::List(values), toml::Value::Array(others)) => {
                values.len() == others.len() && values.iter().zip(others).all(|(one, other)| same(one, other))
            }
            (Kind::Table(table), toml::Value::Table(others)) => {
                table.entries.len() == others.len()
                    && table
                        .entries
                        .iter()
                        .all(|(key, value)| others.get(key.name).is_some_and(|other| same(value, other)))
            }
            _ => false,
        }
    }

    #[test]
    fn the_data_files_read_as_the_toml_crate_reads_them() {
        let files = crate::BUILTIN;
        for file in files.fields.iter().chain([&files.vocabularies, &files.log_sources]) {
            let theirs: toml::Table = file.text.parse().unwrap_or_else(|error| panic!("{}: {error}", file.name));
            let ours = parse(file.text).unwrap_or_else(|fault| panic!("{}: {fault:?}", file.name));
            assert!(same(&Value { at: 0, kind: Kind::Table(ours) }, &theirs.into()), "{}", file.name);
        }
    }

    #[test]
    fn what_it_does_not_know_is_a_fault_at_its_place() {
        let cases = [
            ("a = 1\na = 2", 6, "the key stands here a second time"),
            ("a = \"x\\n\"", 6, "write a text with a backslash between single quotes"),
            ("a = \"x\nb = 1", 4, "the text has no end on its line"),
            ("a = 1.5", 5, "the line should end here"),
            ("a = -1", 4, "a text, a whole number, true, false, a list or a table should stand here"),
            ("a = [1 2]", 7, "a comma or the end should stand here"),
            ("a = { b 1 }", 8, "`=` should stand here"),
            ("[a]", 0, "a key should stand here"),
            ("[[a]", 3, "a header is [[name]]"),
            ("a = [", 5, "a text, a whole number, true, false, a list or a table should stand here"),
        ];
        for (text, at, message) in cases {
            assert_eq!(parse(text).err(), Some((at, message)), "{text}");
        }
        assert!(parse(&format!("a = {}", "[".repeat(100_000))).is_err());
    }

    #[test]
    fn comments_commas_and_line_breaks_stand_where_toml_lets_them() {
        let text = "# head\n[[t]] # header\na = [ # first\n  'x\\y',\n  { b = true, },\n]\n\"c d\" = 5\r\n[[t]]\n";
        let theirs: toml::Table = text.parse().unwrap();
        assert!(same(&Value { at: 0, kind: Kind::Table(parse(text).unwrap()) }, &theirs.into()));
    }
}
