//! Regular expressions from one dialect to another.

use regex_syntax::ast::{self, Ast, parse::ParserBuilder};
use ruleatlas_evaluate::regex_syntax as respelled;
use ruleatlas_model::{Modifier, Modifiers};

/// Nesting of an expression that is converted.
const MAX_DEPTH: u32 = 100;

/// A regular expression that is looked for in a value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Regex {
    /// In the syntax of the `regex` crate, without flags and anchors of its modifiers.
    source: String,
    ast: Ast,
    pub cased: bool,
    multi_line: bool,
    dot_all: bool,
    /// Whether it describes the whole value, or the value from its start.
    whole: bool,
    start: bool,
}

/// A dialect in which an expression is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// PCRE, RE2 and what Sigma's converters take: flags stand before the expression.
    Perl,
    /// Lucene: the whole value is described, and there are no anchors and flags.
    Lucene {
        /// Whether the value is in lower case.
        lower: bool,
    },
}

impl Regex {
    /// Reads an expression as a predicate has it.
    pub fn read(value: &str, case_sensitive: bool, modifiers: &Modifiers) -> Result<Self, String> {
        let (mut cased, mut multi_line) = (case_sensitive, modifiers.contains(Modifier::MultiLine));
        let mut dot_all = modifiers.contains(Modifier::DotAll);
        let mut rest = value;
        // Flags at the start hold for all of it.
        if let Some((flags, behind)) = value.strip_prefix("(?").and_then(|inner| inner.split_once(')'))
            && !flags.is_empty()
            && flags.bytes().all(|flag| matches!(flag, b'i' | b'm' | b's'))
        {
            cased &= !flags.contains('i');
            multi_line |= flags.contains('m');
            dot_all |= flags.contains('s');
            rest = behind;
        }
        let source = respelled(rest, true, &Modifiers::NONE).map_err(|modifier| format!("`{modifier}`"))?;
        let parsed = ParserBuilder::new().nest_limit(MAX_DEPTH).build().parse(&source);
        let ast = parsed.map_err(|error| format!("the regular expression is not understood: {}", error.kind()))?;
        if has_flags(&ast) {
            return Err("the regular expression changes its flags within".to_owned());
        }
        Ok(Self {
            source,
            ast,
            cased,
            multi_line,
            dot_all,
            whole: modifiers.contains(Modifier::Anchored),
            start: modifiers.contains(Modifier::AnchoredStart),
        })
    }

    /// The expression of a path whose last part is as this one says; `None` where it may reach over a separator.
    pub fn inside_name(&self, folder: &str, inside: &str) -> Option<Self> {
        if self.multi_line || self.dot_all {
            return None;
        }
        let mut body = String::new();
        let is_whole = self.whole;
        let (parts, begins, ends) = edges(&self.ast);
        for part in parts {
            if !name_syntax(part, inside, &mut body) {
                return None;
            }
        }
        let any = format!("{inside}*");
        let before = if is_whole || begins || self.start { "" } else { &any };
        let behind = if is_whole || ends { "" } else { &any };
        let modifiers = Modifiers::NONE;
        Self::read(&format!("{folder}{before}(?:{body}){behind}$"), self.cased, &modifiers).ok()
    }

    /// The flags that hold for the whole of it, as letters; without the one for case.
    pub fn flags(&self) -> String {
        [(self.multi_line, 'm'), (self.dot_all, 's')]
            .iter()
            .filter_map(|(is_set, flag)| is_set.then_some(*flag))
            .collect()
    }

    /// The expression in a dialect.
    pub fn write(&self, dialect: Dialect) -> Result<String, String> {
        match dialect {
            Dialect::Perl => {
                let trimmed = self.whole && !self.multi_line;
                Ok(match (self.whole, self.start) {
                    (true, _) if trimmed => match self.source.strip_prefix(".*").map(|rest| rest.strip_suffix(".*")) {
                        Some(Some(inner)) if !self.source.ends_with("\\.*") && !has_top_alternation(&self.ast) => {
                            inner.to_owned()
                        }
                        _ => format!("^(?:{})$", self.source),
                    },
                    (true, _) => format!("\\A(?:{})\\z", self.source),
                    (_, true) if self.multi_line => format!("\\A(?:{})", self.source),
                    (_, true) => format!("^(?:{})", self.source),
                    _ => self.source.clone(),
                })
            }
            Dialect::Lucene { lower } => self.lucene(lower),
        }
    }

    fn lucene(&self, lower: bool) -> Result<String, String> {
        if self.multi_line {
            return Err("Lucene's regular expressions do not know lines".to_owned());
        }
        let mut text = String::new();
        if self.whole {
            let mut writer = Lucene { text: &mut text, lower };
            writer.write(&self.ast)?;
            return Ok(text);
        }
        let branches = match &self.ast {
            Ast::Alternation(alternation) => alternation.asts.as_slice(),
            other => std::slice::from_ref(other),
        };
        let mut written = Vec::new();
        for branch in branches {
            let (mut parts, begins, ends) = edges(branch);
            let is_boundary = |part: Option<&&Ast>| {
                part.is_some_and(|part| matches!(part, Ast::Assertion(a) if a.kind == ast::AssertionKind::WordBoundary))
            };
            // The edge of a word at an end of the expression is what stands before or behind it.
            let begins_word = !begins && is_boundary(parts.first()) && parts.get(1).is_some_and(|next| is_word(next));
            if begins_word {
                parts.remove(0);
            }
            let before_last = parts.len().checked_sub(2).and_then(|at| parts.get(at));
            let ends_word = !ends && is_boundary(parts.last()) && before_last.is_some_and(|last| is_word(last));
            if ends_word {
                parts.pop();
            }
            let mut body = String::new();
            let mut writer = Lucene { text: &mut body, lower };
            for part in parts {
                writer.part(part)?;
            }
            let before = match () {
                () if begins || self.start => "",
                () if begins_word => "(.*[^0-9A-Za-z_])?",
                () => ".*",
            };
            let behind = match () {
                () if ends => "",
                () if ends_word => "([^0-9A-Za-z_].*)?",
                () => ".*",
            };
            written.push(format!("{before}{body}{behind}"));
        }
        Ok(written.join("|"))
    }
}

/// The parts of a sequence without the anchors at its ends, and whether there were any.
fn edges(ast: &Ast) -> (Vec<&Ast>, bool, bool) {
    let mut parts: Vec<&Ast> = match ast {
        Ast::Concat(concat) => concat.asts.iter().collect(),
        Ast::Empty(_) => Vec::new(),
        other => vec![other],
    };
    let is_start = |ast: &Ast| matches!(ast, Ast::Assertion(a) if matches!(a.kind, ast::AssertionKind::StartLine | ast::AssertionKind::StartText));
    let is_end = |ast: &Ast| matches!(ast, Ast::Assertion(a) if matches!(a.kind, ast::AssertionKind::EndLine | ast::AssertionKind::EndText));
    let begins = parts.first().is_some_and(|part| is_start(part));
    if begins {
        parts.remove(0);
    }
    let ends = parts.last().is_some_and(|part| is_end(part));
    if ends {
        parts.pop();
    }
    (parts, begins, ends)
}

/// Whether a part is a letter, digit or low line.
fn is_word(ast: &Ast) -> bool {
    match ast {
        Ast::Literal(literal) => literal.c.is_ascii_alphanumeric() || literal.c == '_',
        Ast::ClassPerl(class) => !class.negated && class.kind != ast::ClassPerlKind::Space,
        _ => false,
    }
}

fn has_flags(ast: &Ast) -> bool {
    match ast {
        Ast::Flags(_) => true,
        Ast::Group(group) => group.flags().is_some_and(|flags| !flags.items.is_empty()) || has_flags(&group.ast),
        Ast::Repetition(repetition) => has_flags(&repetition.ast),
        Ast::Alternation(alternation) => alternation.asts.iter().any(has_flags),
        Ast::Concat(concat) => concat.asts.iter().any(has_flags),
        _ => false,
    }
}

fn has_top_alternation(ast: &Ast) -> bool {
    matches!(ast, Ast::Alternation(_))
}

/// Writes an expression so that it stays within a name; false where it cannot.
fn name_syntax(ast: &Ast, inside: &str, text: &mut String) -> bool {
    match ast {
        Ast::Empty(_) => true,
        Ast::Literal(literal) if matches!(literal.c, '\\' | '/') => false,
        Ast::Literal(literal) => {
            text.push_str(&regex_syntax::escape(literal.c.encode_utf8(&mut [0; 4])));
            true
        }
        Ast::Dot(_) => {
            text.push_str(inside);
            true
        }
        Ast::ClassPerl(class) if !class.negated => {
            text.push_str(&class_perl(class));
            true
        }
        Ast::ClassBracketed(class) if !class.negated => {
            let written = ast.to_string();
            let is_safe = !written.contains('/') && !written.contains("\\\\") && is_narrow(&class.kind);
            text.push_str(&written);
            is_safe
        }
        Ast::Repetition(repetition) => {
            text.push_str("(?:");
            let is_written = name_syntax(&repetition.ast, inside, text);
            text.push(')');
            text.push_str(&operator(&repetition.op.kind));
            is_written
        }
        Ast::Group(group) => {
            text.push_str("(?:");
            let is_written = name_syntax(&group.ast, inside, text);
            text.push(')');
            is_written
        }
        Ast::Alternation(alternation) => alternation.asts.iter().enumerate().all(|(at, branch)| {
            if at > 0 {
                text.push('|');
            }
            name_syntax(branch, inside, text)
        }),
        Ast::Concat(concat) => concat.asts.iter().all(|part| name_syntax(part, inside, text)),
        _ => false,
    }
}

/// Whether a class has no range over a separator, and no class within that is the rest of another.
fn is_narrow(set: &ast::ClassSet) -> bool {
    let item = |item: &ast::ClassSetItem| -> bool {
        match item {
            ast::ClassSetItem::Range(range) => {
                !(range.start.c..=range.end.c).contains(&'\\') && !(range.start.c..=range.end.c).contains(&'/')
            }
            ast::ClassSetItem::Perl(class) => !class.negated,
            ast::ClassSetItem::Literal(_) | ast::ClassSetItem::Empty(_) => true,
            _ => false,
        }
    };
    match set {
        ast::ClassSet::Item(ast::ClassSetItem::Union(union)) => union.items.iter().all(item),
        ast::ClassSet::Item(one) => item(one),
        ast::ClassSet::BinaryOp(_) => false,
    }
}

fn class_perl(class: &ast::ClassPerl) -> String {
    let letter = match class.kind {
        ast::ClassPerlKind::Digit => 'd',
        ast::ClassPerlKind::Space => 's',
        ast::ClassPerlKind::Word => 'w',
    };
    format!("\\{}", if class.negated { letter.to_ascii_uppercase() } else { letter })
}

fn operator(kind: &ast::RepetitionKind) -> String {
    match kind {
        ast::RepetitionKind::ZeroOrOne => "?".to_owned(),
        ast::RepetitionKind::ZeroOrMore => "*".to_owned(),
        ast::RepetitionKind::OneOrMore => "+".to_owned(),
        ast::RepetitionKind::Range(range) => match range {
            ast::RepetitionRange::Exactly(count) => format!("{{{count}}}"),
            ast::RepetitionRange::AtLeast(count) => format!("{{{count},}}"),
            ast::RepetitionRange::Bounded(least, most) => format!("{{{least},{most}}}"),
        },
    }
}

/// Writes for Lucene, whose expressions have operators of their own.
struct Lucene<'t> {
    text: &'t mut String,
    lower: bool,
}

impl Lucene<'_> {
    fn part(&mut self, ast: &Ast) -> Result<(), String> {
        // An alternation within a sequence stands in brackets.
        if matches!(ast, Ast::Alternation(_)) {
            self.text.push('(');
            self.write(ast)?;
            self.text.push(')');
            return Ok(());
        }
        self.write(ast)
    }

    fn write(&mut self, ast: &Ast) -> Result<(), String> {
        match ast {
            Ast::Empty(_) => {}
            Ast::Literal(literal) => self.literal(literal.c),
            Ast::Dot(_) => self.text.push('.'),
            Ast::ClassPerl(class) => self.text.push_str(&class_perl(class)),
            Ast::ClassBracketed(class) => {
                self.text.push_str(if class.negated { "[^" } else { "[" });
                self.set(&class.kind)?;
                self.text.push(']');
            }
            Ast::Repetition(repetition) => {
                let is_single = matches!(
                    &*repetition.ast,
                    Ast::Literal(_) | Ast::Dot(_) | Ast::ClassPerl(_) | Ast::ClassBracketed(_) | Ast::Group(_)
                );
                if is_single {
                    self.write(&repetition.ast)?;
                } else {
                    self.text.push('(');
                    self.write(&repetition.ast)?;
                    self.text.push(')');
                }
                self.text.push_str(&operator(&repetition.op.kind));
            }
            Ast::Group(group) => {
                self.text.push('(');
                self.write(&group.ast)?;
                self.text.push(')');
            }
            Ast::Alternation(alternation) => {
                for (at, branch) in alternation.asts.iter().enumerate() {
                    if at > 0 {
                        self.text.push('|');
                    }
                    self.write(branch)?;
                }
            }
            Ast::Concat(concat) => {
                for part in &concat.asts {
                    self.part(part)?;
                }
            }
            Ast::Assertion(_) => {
                return Err("Lucene's regular expressions have no anchors and word boundaries within".to_owned());
            }
            Ast::ClassUnicode(_) => return Err("Lucene's regular expressions have no classes of Unicode".to_owned()),
            Ast::Flags(_) => return Err("Lucene's regular expressions have no flags".to_owned()),
        }
        Ok(())
    }

    fn literal(&mut self, character: char) {
        let characters: Vec<char> = if self.lower { character.to_lowercase().collect() } else { vec![character] };
        for character in characters {
            // A backslash before these has a meaning of its own elsewhere.
            if matches!(character, '<' | '>') {
                self.text.extend(['[', character, ']']);
                continue;
            }
            if !character.is_alphanumeric()
                && character.is_ascii()
                && !matches!(character, ' ' | '_' | '-' | ',' | ':' | ';' | '=' | '%' | '!' | '\'' | '`')
            {
                self.text.push('\\');
            }
            self.text.push(character);
        }
    }

    fn in_class(&mut self, character: char) {
        if matches!(character, '\\' | ']' | '[' | '^' | '-' | '"' | '&' | '~' | '@' | '#' | '<' | '>') {
            self.text.push('\\');
        }
        self.text.push(character);
    }

    fn set(&mut self, set: &ast::ClassSet) -> Result<(), String> {
        match set {
            ast::ClassSet::Item(item) => self.item(item),
            ast::ClassSet::BinaryOp(_) => Err("Lucene's classes have no operators".to_owned()),
        }
    }

    fn item(&mut self, item: &ast::ClassSetItem) -> Result<(), String> {
        let lowered =
            |character: char| if self.lower { character.to_lowercase().next().unwrap_or(character) } else { character };
        match item {
            ast::ClassSetItem::Empty(_) => {}
            ast::ClassSetItem::Literal(literal) => {
                let character = lowered(literal.c);
                self.in_class(character);
            }
            ast::ClassSetItem::Range(range) => {
                let (start, end) = (range.start.c, range.end.c);
                let is_plain = !self.lower
                    || (start.is_ascii_uppercase() == end.is_ascii_uppercase()
                        && (start.is_ascii_alphanumeric() && end.is_ascii_alphanumeric())
                        && start.is_ascii_digit() == end.is_ascii_digit());
                if !is_plain {
                    return Err("a range of characters of both cases cannot be compared in lower case".to_owned());
                }
                let (start, end) = (lowered(start), lowered(end));
                self.in_class(start);
                self.text.push('-');
                self.in_class(end);
            }
            ast::ClassSetItem::Perl(class) => self.text.push_str(&class_perl(class)),
            ast::ClassSetItem::Union(union) => {
                for item in &union.items {
                    self.item(item)?;
                }
            }
            ast::ClassSetItem::Ascii(_) | ast::ClassSetItem::Unicode(_) | ast::ClassSetItem::Bracketed(_) => {
                return Err("Lucene's classes have no named classes".to_owned());
            }
        }
        Ok(())
    }
}
