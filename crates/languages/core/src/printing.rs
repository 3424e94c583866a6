//! Tests of parsers and printers that all languages share: what is printed is read as the same tree, and every kind of
//! error has an example.

use std::{
    collections::BTreeSet,
    fmt::{Debug, Display, Write as _},
};

use ruleatlas_syntax::ErrorKind;

/// How many faults are shown in full.
const MAX_SHOWN: usize = 12;

/// A tree as a query, and as it is without places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Printed {
    /// The query.
    pub query: String,
    /// The tree's `Debug`, spans left out.
    pub tree: String,
}

impl Printed {
    /// Of a tree.
    pub fn of(tree: &(impl Display + Debug)) -> Self {
        Self { query: tree.to_string(), tree: without_spans(&format!("{tree:?}")) }
    }
}

impl Printed {
    /// Without a field of numbers that follows from the rest of the tree.
    #[must_use]
    pub fn without(mut self, field: &str) -> Self {
        let mut parts = self.tree.split(field);
        let mut kept = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            kept.push_str(part.trim_start_matches([':', ' ']).trim_start_matches(|c: char| c.is_ascii_digit()));
        }
        self.tree = kept;
        self
    }
}

/// The text with what [`Span`](ruleatlas_syntax::Span) prints for itself taken out.
fn without_spans(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut parts = text.split("Span {");
    kept.push_str(parts.next().unwrap_or_default());
    for part in parts {
        kept.push_str("Span");
        kept.push_str(part.split_once('}').map_or(part, |(_, behind)| behind));
    }
    kept
}

/// Reads every text, prints its tree, and reads that again: the two trees are the same but for their places, and are
/// printed alike. `parse` gives nothing for a text with errors, which is passed over where it is one of `texts`.
///
/// It gives back how many texts were compared.
///
/// # Panics
/// Two trees differ, or what was printed has an error: this is a test's body.
#[allow(clippy::panic)]
pub fn round_trip(texts: impl IntoIterator<Item = (String, String)>, parse: impl Fn(&str) -> Option<Printed>) -> usize {
    let (mut compared, mut faults, mut shown) = (0, 0, String::new());
    for (name, text) in texts {
        let Some(first) = parse(&text) else { continue };
        compared += 1;
        let second = parse(&first.query);
        if second.as_ref() == Some(&first) {
            continue;
        }
        faults += 1;
        if faults > MAX_SHOWN {
            continue;
        }
        let difference = match &second {
            None => "what is printed has errors".to_owned(),
            Some(second) if first.tree == second.tree => format!("then\n{}", second.query),
            Some(second) => {
                let same = first.tree.bytes().zip(second.tree.bytes()).take_while(|(one, other)| one == other).count();
                let behind = |tree: &str| {
                    let start = tree.floor_char_boundary(same.saturating_sub(60));
                    tree.get(start..).unwrap_or_default().chars().take(240).collect::<String>()
                };
                format!("- {}\n+ {}", behind(&first.tree), behind(&second.tree))
            }
        };
        let _ = writeln!(shown, "== {name}\n{text}\n-- printed\n{}\n-- {difference}", first.query);
    }
    assert!(faults == 0, "{faults} of {compared} queries are printed as something else:\n{shown}");
    compared
}

/// Every kind of error has a code of its own that begins with `prefix`, and an example that has it. `parse` gives the
/// kinds of a text's errors.
///
/// # Panics
/// One has none: this is a test's body.
#[allow(clippy::panic)]
pub fn error_kinds<K: ErrorKind + PartialEq>(prefix: &str, parse: impl Fn(&str) -> Vec<K>) {
    let codes: BTreeSet<&str> = K::all().iter().map(|kind| kind.code()).collect();
    assert_eq!(codes.len(), K::all().len(), "codes are given twice");
    for kind in K::all() {
        let info = kind.info();
        let number = info.code.strip_prefix(prefix).unwrap_or_default();
        assert!(number.len() == 3 && number.bytes().all(|byte| byte.is_ascii_digit()), "{}", info.code);
        let found = parse(info.example);
        assert!(found.contains(kind), "{}: {:?} has {found:?}", info.code, info.example);
        assert!(!info.title.is_empty() && info.remedy.ends_with('.'), "{}", info.code);
    }
}
