//! What a rule asks of an event, in tests that every language can be asked for.
//!
//! A [`Test`] holds or does not hold, and does not hold without the field: what languages do with a missing field, with a
//! negated operator and with nulls is spelled out around it.

use ruleatlas_core::{Pattern, Piece, write_pattern};
use ruleatlas_evaluate::{dash_alternatives, encoded_values};
use ruleatlas_model::{Missing, Modifier, Modifiers, Node, Op, Predicate, Span};
use ruleatlas_taxonomy::FieldType;

use crate::{
    Refusal, RefusalKind,
    names::{Named, Names},
    regex::Regex,
};

/// Refusals of one rule that are kept.
const MAX_REFUSALS: usize = 20;
/// Values that one value with dashes or an encoding may become.
const MAX_ALTERNATIVES: usize = 64;

/// A condition in which nothing is null.
#[derive(Clone, Debug)]
pub(crate) enum Expr {
    All(Vec<Expr>),
    Any(Vec<Expr>),
    Not(Box<Expr>),
    Test(Box<Test>),
}

/// A comparison that holds if a value of the field is as one of the alternatives says.
#[derive(Clone, Debug)]
pub(crate) struct Test {
    /// The field's name in the target; empty for any field.
    pub field: String,
    pub kind: Kind,
    /// The alternatives: texts, patterns, networks, a number; other fields' names.
    pub values: Vec<String>,
    pub cased: bool,
    /// What Sigma applies to the values itself.
    pub modifiers: Modifiers,
    /// Whether the field holds numbers or truth values, which stand without quotes.
    pub is_bare: bool,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Equal,
    Contains,
    StartsWith,
    EndsWith,
    /// Patterns of `*` and `?` as the predicate model writes them.
    Wildcard,
    Regex(Regex),
    Cidr,
    Order(Op),
    Exists,
    /// A term of the text.
    Term {
        begins: bool,
        ends: bool,
    },
    /// Any field has the text.
    Keyword,
    /// Another field has the same value.
    SameAs,
}

impl Expr {
    pub fn all(parts: Vec<Self>) -> Self {
        let inner = |part| if let Self::All(inner) = part { inner } else { vec![part] };
        let mut parts: Vec<Self> = parts.into_iter().flat_map(inner).collect();
        if parts.len() == 1 { parts.remove(0) } else { Self::All(parts) }
    }

    pub fn any(parts: Vec<Self>) -> Self {
        let inner = |part| if let Self::Any(inner) = part { inner } else { vec![part] };
        let mut parts: Vec<Self> = parts.into_iter().flat_map(inner).collect();
        if parts.len() == 1 { parts.remove(0) } else { Self::Any(parts) }
    }

    pub fn not(self) -> Self {
        match self {
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }

    /// Whether a test below is as asked.
    pub fn has(&self, is_asked: &dyn Fn(&Test) -> bool) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().any(|part| part.has(is_asked)),
            Self::Not(inner) => inner.has(is_asked),
            Self::Test(test) => is_asked(test),
        }
    }
}

/// Makes expressions of conditions for one target.
pub(crate) struct Lowering<'a, 'n, 'r> {
    pub names: &'a mut Names<'n, 'r>,
    /// Whether the target applies Sigma's modifiers itself.
    pub keeps_modifiers: bool,
    pub refusals: Vec<Refusal>,
}

impl Lowering<'_, '_, '_> {
    /// The expression of a tree; what cannot be had is noted and left out.
    pub fn lower(&mut self, node: &Node, inverted: bool) -> Expr {
        match node {
            Node::All(children) | Node::Any(children) => {
                let parts = children.iter().map(|child| self.lower(child, inverted)).collect();
                if matches!(node, Node::All(_)) == inverted { Expr::any(parts) } else { Expr::all(parts) }
            }
            // A null stays null under `not`, and selects nothing: it is dealt with where it arises.
            Node::Not(child) if inverted || has_null(child) => self.lower(child, !inverted),
            Node::Not(child) => self.lower(child, false).not(),
            Node::Opaque(opaque) => {
                self.refuse(
                    opaque.span,
                    RefusalKind::NotUnderstood,
                    format!("{}: {}", opaque.reason, clipped(&opaque.text)),
                );
                Expr::All(Vec::new())
            }
            Node::Predicate(predicate) => self.predicate(predicate, inverted),
        }
    }

    fn refuse(&mut self, span: Span, kind: RefusalKind, why: String) {
        if self.refusals.len() < MAX_REFUSALS {
            self.refusals.push(Refusal { span: (span.end > span.start).then_some(span), kind, why });
        }
    }

    fn predicate(&mut self, predicate: &Predicate, inverted: bool) -> Expr {
        if let Some((kind, why)) = cannot_convert(predicate) {
            self.refuse(predicate.span, kind, why);
            return Expr::All(Vec::new());
        }
        let named = match self.names.of(predicate) {
            Ok(named) => named,
            Err(why) => {
                self.refuse(predicate.span, RefusalKind::Field, why);
                return Expr::All(Vec::new());
            }
        };
        let is_negative = predicate.negated != inverted;
        let exists = |named: &Named| Expr::Test(Box::new(Test::new(named, Kind::Exists, Vec::new(), predicate)));
        if predicate.op.is_presence() {
            let present = match predicate.empty_is_null {
                true => Test::new(&named, Kind::Wildcard, vec!["?*".to_owned()], predicate),
                false => Test::new(&named, Kind::Exists, Vec::new(), predicate),
            };
            let present = Expr::Test(Box::new(present));
            return if (predicate.op == Op::IsNotNull) == is_negative { present.not() } else { present };
        }
        let test = match self.test(predicate, &named) {
            Ok(test) => test,
            Err((kind, why)) => {
                self.refuse(predicate.span, kind, why);
                return Expr::All(Vec::new());
            }
        };
        if predicate.op == Op::FieldRef && predicate.missing == Missing::Holds {
            // Of two fields one may be missing, and not both.
            let other = predicate.values.first().and_then(|other| self.names.of_name(other).ok());
            let Some(other) = other.filter(|_| predicate.negated) else {
                self.refuse(
                    predicate.span,
                    RefusalKind::Operator,
                    "a comparison of two fields that may be missing".to_owned(),
                );
                return Expr::All(Vec::new());
            };
            let differs = Expr::all(vec![Expr::any(vec![exists(&named), exists(&other)]), test.not()]);
            return if inverted { differs.not() } else { differs };
        }
        let holds_if_missing = match predicate.missing {
            Missing::Null => false,
            Missing::Fails => inverted,
            Missing::Holds => !inverted,
        };
        match (is_negative, holds_if_missing) {
            (false, false) => test,
            (false, true) => Expr::any(vec![test, exists(&named).not()]),
            (true, true) => test.not(),
            // What is no number has no order, and neither the comparison nor its opposite holds.
            (true, false) if is_order(predicate.op) && predicate.missing == Missing::Null => {
                let opposite = Kind::Order(opposite(predicate.op));
                let other = Test::new(&named, opposite, predicate.values.clone(), predicate);
                Expr::all(vec![Expr::Test(Box::new(other)), test.not()])
            }
            (true, false) => {
                let mut parts = vec![exists(&named)];
                if predicate.op == Op::FieldRef
                    && let Some(other) = predicate.values.first().and_then(|other| self.names.of_name(other).ok())
                {
                    parts.push(exists(&other));
                }
                parts.push(test.not());
                Expr::all(parts)
            }
        }
    }

    fn test(&mut self, predicate: &Predicate, named: &Named) -> Result<Expr, (RefusalKind, String)> {
        let unsupported = |what: &str| (RefusalKind::Operator, what.to_owned());
        let mut values = predicate.values.clone();
        let mut modifiers = Modifiers::NONE;
        let is_text_op = matches!(
            predicate.op,
            Op::Eq | Op::In | Op::Contains | Op::StartsWith | Op::EndsWith | Op::Wildcard | Op::Match
        );
        if is_text_op {
            let transforming = |modifier: &Modifier| {
                use Modifier::{Base64, Base64Offset, Utf16, Utf16Be, Utf16Le, Windash};
                matches!(modifier, Base64 | Base64Offset | Utf16 | Utf16Be | Utf16Le | Windash)
            };
            if predicate.modifiers.iter().any(|modifier| transforming(&modifier)) {
                if self.keeps_modifiers && predicate.modifiers.iter().all(|modifier| transforming(&modifier)) {
                    modifiers = predicate.modifiers.clone();
                } else {
                    values = encoded_values(predicate, MAX_ALTERNATIVES)
                        .map_err(|why| (RefusalKind::Operator, format!("the modifiers of its value: {why}")))?;
                    if predicate.modifiers.contains(Modifier::Windash) {
                        values = dash_alternatives(&values, predicate.op == Op::Wildcard, MAX_ALTERNATIVES)
                            .ok_or_else(|| {
                                unsupported("its values have too many dashes that may be written in other ways")
                            })?;
                    }
                }
            }
        }
        let has_wildcard = |value: &String| Pattern::read(value).pieces().iter().any(|p| !matches!(p, Piece::Char(_)));
        let kind = match predicate.op {
            Op::Eq | Op::In => Kind::Equal,
            Op::Contains if predicate.raw_field.is_empty() => {
                let text = |value: &String| write_pattern(&value.chars().map(Piece::Char).collect::<Vec<_>>());
                values = values.iter().map(text).collect();
                Kind::Keyword
            }
            Op::Contains => Kind::Contains,
            Op::StartsWith => Kind::StartsWith,
            Op::EndsWith => Kind::EndsWith,
            Op::Wildcard => Kind::Wildcard,
            Op::Match => {
                let prefix = predicate.modifiers.contains(Modifier::Prefix);
                let suffix = predicate.modifiers.contains(Modifier::Suffix);
                match predicate.raw_field.is_empty() {
                    true if !prefix && !suffix => Kind::Keyword,
                    true => return Err(unsupported("a part of a word that any field may have")),
                    false if values.iter().any(has_wildcard) => {
                        // A pattern is looked for anywhere in the text, a text among its terms.
                        let (patterns, terms): (Vec<String>, Vec<String>) = values.into_iter().partition(has_wildcard);
                        let patterns = patterns.iter().map(|value| format!("*{value}*")).collect();
                        let terms: Vec<String> = terms.iter().map(|value| plain(value)).collect();
                        let kind = Kind::Term { begins: prefix || !suffix, ends: suffix || !prefix };
                        let mut parts = vec![part(Test::new(named, Kind::Wildcard, patterns, predicate), named)?];
                        if !terms.is_empty() {
                            parts.push(part(Test::new(named, kind, terms, predicate), named)?);
                        }
                        return Ok(Expr::any(parts));
                    }
                    false => {
                        values = values.iter().map(|value| plain(value)).collect();
                        Kind::Term { begins: prefix || !suffix, ends: suffix || !prefix }
                    }
                }
            }
            Op::RegexMatch => {
                // Each of several expressions is a test of its own.
                let tests: Result<Vec<Expr>, (RefusalKind, String)> = predicate
                    .values
                    .iter()
                    .map(|value| {
                        let regex = Regex::read(value, predicate.case_sensitive, &predicate.modifiers)
                            .map_err(|why| (RefusalKind::Regex, why))?;
                        let cased = regex.cased;
                        let mut test = Test::new(named, Kind::Regex(regex), Vec::new(), predicate);
                        test.cased = cased;
                        part(test, named)
                    })
                    .collect();
                return tests.map(Expr::any);
            }
            Op::CidrMatch => {
                values = values.iter().map(|value| network(value)).collect();
                Kind::Cidr
            }
            op if is_order(op) => {
                let is_number = |value: &String| value.parse::<f64>().is_ok_and(f64::is_finite);
                if predicate.text_order || values.len() != 1 || !values.iter().all(is_number) {
                    return Err(unsupported("an order of texts"));
                }
                Kind::Order(op)
            }
            Op::FieldRef => {
                if !predicate.modifiers.is_empty() || predicate.values.len() != 1 {
                    return Err(unsupported("a part of another field's value"));
                }
                let other = predicate.values.first().map(String::as_str).unwrap_or_default();
                let other = self.names.of_name(other).map_err(|why| (RefusalKind::Field, why))?;
                if other.is_cut() || named.is_cut() {
                    return Err(unsupported("a comparison with the last part of a path"));
                }
                values = vec![other.name];
                Kind::SameAs
            }
            _ => return Err(unsupported("its operator")),
        };
        let mut test = Test::new(named, kind, values, predicate);
        test.modifiers = modifiers;
        if matches!(test.kind, Kind::Contains | Kind::StartsWith | Kind::EndsWith)
            && test.values.iter().any(String::is_empty)
        {
            // Every text has nothing in it.
            test.kind = Kind::Exists;
            test.values.clear();
        }
        part(test, named)
    }
}

/// The test of a name that holds another part of the field's path than is compared.
fn part(test: Test, named: &Named) -> Result<Expr, (RefusalKind, String)> {
    use crate::names::Cut;
    let refuse = |what: &str| (RefusalKind::Field, format!("`{}` {what}", named.name));
    let is_plain = |value: &String| !value.contains(['\\', '/']);
    let test = match named.cut {
        Cut::None => test,
        Cut::NameOfPath => path_test(test, named.separators)
            .ok_or_else(|| refuse("holds the whole path, and the rule compares its last part"))?,
        Cut::PathOfName => match test.kind {
            Kind::EndsWith => {
                let names: Option<Vec<String>> = test
                    .values
                    .iter()
                    .map(|value| value.strip_prefix(['\\', '/']).map(str::to_owned).filter(is_plain))
                    .collect();
                let values =
                    names.ok_or_else(|| refuse("holds the last part of the path, and the rule compares more"))?;
                Test { kind: Kind::Equal, values, ..test }
            }
            Kind::Exists => test,
            _ => return Err(refuse("holds the last part of the path, and the rule compares all of it")),
        },
    };
    Ok(Expr::Test(Box::new(test)))
}

/// The test of a path that is one of its last part. A path has a folder before its name.
fn path_test(test: Test, separators: &[char]) -> Option<Test> {
    let is_plain = |value: &String| !value.contains(['\\', '/']);
    let folder = if separators.len() > 1 {
        "[\\\\/]"
    } else if separators.contains(&'/') {
        "/"
    } else {
        "\\\\"
    };
    let inside = if separators.len() > 1 {
        "[^\\\\/]"
    } else if separators.contains(&'/') {
        "[^/]"
    } else {
        "[^\\\\]"
    };
    let regex = |test: &Test, before: &str, behind: &str| {
        let bodies: Vec<String> =
            test.values.iter().map(|value| format!("{before}{}{behind}", regex_syntax::escape(value))).collect();
        format!("{folder}(?:{})$", bodies.join("|"))
    };
    let as_regex = |test: Test, source: &str| {
        let regex = Regex::read(source, test.cased, &Modifiers::NONE).ok()?;
        Some(Test { kind: Kind::Regex(regex), values: Vec::new(), ..test })
    };
    let any = format!("{inside}*");
    match &test.kind {
        Kind::Exists => Some(test),
        Kind::Equal if test.modifiers.is_empty() && test.values.iter().all(is_plain) => {
            let ends = |value: &String| {
                separators.iter().map(move |separator| format!("{separator}{value}")).collect::<Vec<_>>()
            };
            let values = test.values.iter().flat_map(ends).collect();
            Some(Test { kind: Kind::EndsWith, values, is_bare: false, ..test })
        }
        Kind::EndsWith if test.values.iter().all(is_plain) => Some(test),
        Kind::Contains if test.modifiers.is_empty() && test.values.iter().all(is_plain) => {
            let source = regex(&test, &any, &any);
            as_regex(test, &source)
        }
        Kind::StartsWith if test.modifiers.is_empty() && test.values.iter().all(is_plain) => {
            let source = regex(&test, "", &any);
            as_regex(test, &source)
        }
        Kind::Wildcard if test.values.iter().all(is_plain) => {
            let bodies: Vec<String> = test
                .values
                .iter()
                .map(|value| {
                    let piece = |piece: &Piece| match piece {
                        Piece::Many => any.clone(),
                        Piece::One => inside.to_owned(),
                        Piece::Char(character) => regex_syntax::escape(character.encode_utf8(&mut [0; 4])),
                    };
                    Pattern::read(value).pieces().iter().map(piece).collect()
                })
                .collect();
            let source = format!("{folder}(?:{})$", bodies.join("|"));
            as_regex(test, &source)
        }
        Kind::Term { begins, ends } if test.values.iter().all(is_plain) => {
            let term = |value: &String| {
                let is_inner = |character: Option<char>| character.is_some_and(char::is_alphanumeric);
                let (begins, ends) =
                    (*begins && is_inner(value.chars().next()), *ends && is_inner(value.chars().next_back()));
                let edge = "[^\\p{L}\\p{N}\\\\/]";
                let before = if begins { format!("(?:{any}{edge})?") } else { any.clone() };
                let behind = if ends { format!("(?:{edge}{any})?") } else { any.clone() };
                format!("{before}{}{behind}", regex_syntax::escape(value))
            };
            let bodies: Vec<String> = test.values.iter().map(term).collect();
            let source = format!("{folder}(?:{})$", bodies.join("|"));
            as_regex(test, &source)
        }
        Kind::Regex(regex) => {
            let inner = regex.inside_name(folder, inside)?;
            Some(Test { kind: Kind::Regex(inner), ..test })
        }
        _ => None,
    }
}

impl Test {
    fn new(named: &Named, kind: Kind, values: Vec<String>, predicate: &Predicate) -> Self {
        let is_number = |value: &String| value.parse::<i64>().is_ok_and(|number| number.to_string() == *value);
        let is_bare = match named.field_type {
            Some(FieldType::Integer | FieldType::Port) => values.iter().all(is_number),
            Some(FieldType::Boolean) => values.iter().all(|value| matches!(value.as_str(), "true" | "false")),
            _ => false,
        };
        Self {
            field: named.name.clone(),
            kind,
            values,
            cased: predicate.case_sensitive,
            modifiers: Modifiers::NONE,
            is_bare,
            span: predicate.span,
        }
    }
}

/// Why a comparison can be converted to no language.
fn cannot_convert(predicate: &Predicate) -> Option<(RefusalKind, String)> {
    let text = || clipped(&predicate.raw_field);
    if predicate.computed {
        return Some((RefusalKind::Computed, format!("`{}` is computed by the query", text())));
    }
    if let Some(origin) = &predicate.derived_from {
        return Some((RefusalKind::Computed, format!("`{}` is cut out of `{}` by the query", text(), clipped(origin))));
    }
    if predicate.op == Op::InList {
        let list = predicate.values.first().map(String::as_str).unwrap_or_default();
        return Some((RefusalKind::List, format!("the list `{}` is not part of the rule", clipped(list))));
    }
    let unknown = predicate.modifiers.iter().find(|modifier| {
        use Modifier::{Confusables, Expand, Fuzzy, Json, Proximity, Step, Truthy, UrlDecode};
        matches!(modifier, Confusables | Expand | Fuzzy | Json | Proximity | Step | Truthy | UrlDecode)
    });
    unknown.map(|modifier| (RefusalKind::Operator, format!("`{}` has no counterpart", modifier.name())))
}

/// A network with its length, where the rule names one address.
fn network(value: &str) -> String {
    match value.parse::<std::net::IpAddr>() {
        Ok(address) => format!("{value}/{}", if address.is_ipv4() { 32 } else { 128 }),
        Err(_) => value.to_owned(),
    }
}

fn has_null(node: &Node) -> bool {
    node.predicates().any(|predicate| predicate.missing == Missing::Null && !predicate.op.is_presence())
}

pub(crate) fn is_order(op: Op) -> bool {
    matches!(op, Op::Lt | Op::Lte | Op::Gt | Op::Gte)
}

fn opposite(op: Op) -> Op {
    match op {
        Op::Lt => Op::Gte,
        Op::Lte => Op::Gt,
        Op::Gt => Op::Lte,
        _ => Op::Lt,
    }
}

/// The text of a pattern without wildcards.
pub(crate) fn plain(value: &str) -> String {
    let character = |piece: &Piece| if let Piece::Char(character) = piece { Some(*character) } else { None };
    Pattern::read(value).pieces().iter().filter_map(character).collect()
}

/// The head of a text, for messages.
pub(crate) fn clipped(text: &str) -> String {
    const MAX_SHOWN: usize = 80;
    match text.char_indices().nth(MAX_SHOWN) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}
