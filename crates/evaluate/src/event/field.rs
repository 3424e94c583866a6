//! What is asked of an event: fields by name or by meaning.

use std::sync::Arc;

use ruleatlas_model::fold_case;
use rustc_hash::FxHashMap;

/// A field by its meaning: a number that stands for the same thing in conditions and events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KnownField {
    /// The number.
    pub id: u32,
    /// Whether the last part of a path is compared, and not all of it.
    pub name_only: bool,
}

/// Whether a value's name is the name asked for, without regard to case.
pub(super) fn is_same_name(written: &str, name: &Name) -> bool {
    if written.is_ascii() { written.eq_ignore_ascii_case(&name.folded) } else { *fold_case(written) == *name.folded }
}

/// What the names of a rule mean: the known field of a name, or none.
pub type Resolve<'r> = &'r dyn Fn(&str) -> Option<KnownField>;

/// A field that is asked for outside of a condition, such as what the events of a sequence share.
#[derive(Clone, Debug)]
pub struct FieldQuery(pub(super) Field);

impl FieldQuery {
    /// The field that a name means.
    #[must_use]
    pub fn new(name: &str, resolve: Resolve<'_>) -> Self {
        Self(Field::resolved(name, resolve, &mut Names::default()))
    }

    /// The known field that it is, if it is one.
    #[must_use]
    pub fn known(&self) -> Option<KnownField> {
        match &self.0 {
            Field::Known { field, .. } => Some(*field),
            _ => None,
        }
    }
}

/// What a predicate asks for.
#[derive(Clone, Debug)]
pub(crate) enum Field {
    /// Any value of the event.
    Any,
    /// A field by its name.
    Named(Arc<Name>),
    /// A field by its meaning; the name is the one that the rule uses.
    Known { field: KnownField, name: Arc<Name> },
}

impl Field {
    pub(crate) fn new(raw: &str, names: &mut Names) -> Self {
        if raw.is_empty() { Self::Any } else { Self::Named(names.get(raw)) }
    }

    /// The field that a name means, if `resolve` knows it.
    pub(crate) fn resolved(raw: &str, resolve: Resolve<'_>, names: &mut Names) -> Self {
        match resolve(raw) {
            Some(field) if !raw.is_empty() => Self::Known { field, name: names.get(raw) },
            _ => Self::new(raw, names),
        }
    }

    /// The name as the rule writes it.
    pub(crate) fn written(&self) -> &str {
        match self {
            Self::Any => "",
            Self::Named(name) | Self::Known { name, .. } => &name.written,
        }
    }
}

/// Names that are kept once, whoever uses them.
#[derive(Debug, Default)]
pub(crate) struct Names(FxHashMap<Box<str>, Arc<Name>>);

impl Names {
    fn get(&mut self, written: &str) -> Arc<Name> {
        if let Some(known) = self.0.get(written) {
            return Arc::clone(known);
        }
        let name = Arc::new(Name::new(written));
        self.0.insert(written.into(), Arc::clone(&name));
        name
    }
}

/// A field's name, ready for being looked up.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    pub(super) written: String,
    /// In lower case; without the marks that say "any element".
    pub(super) folded: String,
    /// The name without `[1]` and `{}`.
    pub(super) without_brackets: Option<Box<Name>>,
}

impl Name {
    /// The name in lower case, without the marks that say "any element".
    pub(crate) fn folded(&self) -> &str {
        &self.folded
    }

    pub(crate) fn new(written: &str) -> Self {
        let folded = fold_case(written).into_owned();
        if !written.contains(['[', '{']) {
            return Self { written: written.to_owned(), folded, without_brackets: None };
        }
        let any = ["{}", "[]", "[*]"].iter().fold(folded, |name, mark| name.replace(mark, ""));
        let plain = Self::new_plain(without_indexes(written).trim_start_matches('.'));
        Self { written: written.to_owned(), folded: any, without_brackets: Some(Box::new(plain)) }
    }

    fn new_plain(written: &str) -> Self {
        Self { written: written.to_owned(), folded: fold_case(written).into_owned(), without_brackets: None }
    }
}

fn without_indexes(name: &str) -> String {
    let mut plain = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(at) = rest.find(['[', '{']) {
        let (before, bracket) = rest.split_at(at);
        plain.push_str(before);
        let mark = bracket.find([']', '}']).map_or("", |end| &bracket[..=end]);
        let is_mark = match mark.get(1..mark.len().saturating_sub(1)) {
            Some("" | "*") => true,
            Some(index) => mark.starts_with('[') && index.bytes().all(|byte| byte.is_ascii_digit()),
            None => false,
        };
        let taken = if is_mark { mark.len() } else { 1 };
        plain.push_str(if is_mark { "" } else { &bracket[..1] });
        rest = &bracket[taken..];
    }
    plain + rest
}
