//! An indicator as a piece of a query in each language, ready to be pasted.
//!
//! A snippet says the same as the indicator: our own front ends fold it back to it. Where a language cannot say it, there
//! is none.

use ruleatlas_convert::quote::{self, is_network, is_plain_name, sigma_escaped, sigma_pieces, yaml, yaml_key};
use ruleatlas_core::{Pattern, Piece};
use ruleatlas_model::{DataSource, Indicator, Language, Modifier, Modifiers, Op, SourceKind, Vendor};
use ruleatlas_taxonomy::{Field, FieldType, Part, Taxonomy};
use serde::Serialize;
use utoipa::ToSchema;

/// What bare terms and keywords are compared with.
const KEYWORD: &str = "keyword";

/// An indicator in one language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Snippet {
    /// The language.
    pub language: Language,
    /// What people call the language.
    pub label: &'static str,
    /// The comparison: an item of a Sigma selection, or a condition to stand in a query.
    pub text: String,
    /// The table whose column the field is, where its name holds there only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
}

/// Writes an indicator in a language; `None` where the language cannot say it.
type Writer = fn(&Check<'_>) -> Option<String>;

/// What writes the snippets of a language; `None` for a language in which none is written.
fn writer(language: Language) -> Option<Writer> {
    match language {
        Language::Sigma => Some(|check| check.sigma()),
        Language::Eql => Some(|check| check.eql()),
        Language::Spl => Some(|check| check.spl()),
        Language::Kusto => Some(|check| check.kql()),
        _ => None,
    }
}

/// The indicator in every language that can say it.
#[must_use]
pub fn snippets(taxonomy: &Taxonomy, indicator: &Indicator) -> Vec<Snippet> {
    Language::ALL.iter().filter_map(|language| snippet_in(taxonomy, indicator, *language, &[])).collect()
}

/// The indicator in one language, as a query over these sources names the field; without any, by a name that means the field
/// everywhere.
#[must_use]
pub fn snippet_in(
    taxonomy: &Taxonomy,
    indicator: &Indicator,
    language: Language,
    sources: &[DataSource],
) -> Option<Snippet> {
    let known = taxonomy.find_fields(&indicator.field);
    let known = known.into_iter().find(|field| field.name.eq_ignore_ascii_case(&indicator.field));
    let write = writer(language)?;
    let info = language.info();
    let names = Names { taxonomy, vendor: info.vendor, vocabularies: info.snippet_vocabularies, sources };
    let check = Check::new(&names, indicator, known)?;
    let text = write(&check)?;
    Some(Snippet { language, label: info.title, text, table: check.table })
}

/// Whose names fields have, and where.
struct Names<'a> {
    taxonomy: &'a Taxonomy,
    vendor: Vendor,
    vocabularies: &'a [&'a str],
    sources: &'a [DataSource],
}

/// An indicator under the name that a vendor has for its field.
struct Check<'a> {
    field: String,
    table: Option<String>,
    op: Op,
    value: String,
    modifiers: &'a Modifiers,
    /// Whether the values are no text, and stand without quotes.
    is_bare: bool,
    is_keyword: bool,
}

impl<'a> Check<'a> {
    fn new(names: &Names<'_>, indicator: &'a Indicator, known: Option<&Field>) -> Option<Self> {
        let (op, is_name) = (indicator.op.op, indicator.op.basename);
        let find = |part| name_of(names, indicator, known, part);
        let is_keyword = indicator.field == KEYWORD;
        let (found, op, value) = if is_keyword {
            (Some((String::new(), None)), op, indicator.value.clone())
        } else if is_name {
            match find(Part::Name) {
                Some(found) => (Some(found), op, indicator.value.clone()),
                // The end of the path, from its last separator on.
                None if op == Op::Eq && !indicator.value.contains(['\\', '/']) && indicator.modifiers.is_empty() => {
                    let separator = if indicator.value.contains('.') { '\\' } else { '/' };
                    (find(Part::Whole), Op::EndsWith, format!("{separator}{}", indicator.value))
                }
                None => (None, op, String::new()),
            }
        } else {
            (find(Part::Whole), op, indicator.value.clone())
        };
        let (field, table) = found?;
        // A part of nothing is anything, and no language says it so.
        if value.is_empty() && !op.is_presence() && op != Op::Eq {
            return None;
        }
        let kind = known.map(|field| field.field_type);
        let is_number = value.parse::<i64>().is_ok_and(|number| number.to_string() == value);
        let is_bare = match kind {
            Some(FieldType::Integer | FieldType::Port) => is_number,
            Some(FieldType::Boolean) => matches!(value.as_str(), "true" | "false"),
            _ => is_number && matches!(op, Op::Lt | Op::Lte | Op::Gt | Op::Gte),
        };
        Some(Self { field, table, op, value, modifiers: &indicator.modifiers, is_bare, is_keyword })
    }

    /// The value as a pattern of `*` and, where the language has it, `?`. A wildcard of the value itself goes through
    /// `escape`; `None` where the language has no way to write one.
    fn pattern(&self, has_one: bool, escape: impl Fn(char) -> Option<String>) -> Option<String> {
        let literal: Vec<Piece>;
        let pattern;
        let pieces = if self.op == Op::Wildcard {
            pattern = Pattern::read(&self.value);
            pattern.pieces()
        } else {
            literal = self.value.chars().map(Piece::Char).collect();
            &literal
        };
        let mut text = String::with_capacity(self.value.len() + 2);
        if matches!(self.op, Op::Contains | Op::EndsWith) {
            text.push('*');
        }
        for piece in pieces {
            match piece {
                Piece::Many => text.push('*'),
                Piece::One if has_one => text.push('?'),
                Piece::One => return None,
                Piece::Char(character @ ('*' | '?')) if *character == '*' || has_one => {
                    text.push_str(&escape(*character)?);
                }
                Piece::Char(character) => text.push(*character),
            }
        }
        if matches!(self.op, Op::Contains | Op::StartsWith) {
            text.push('*');
        }
        Some(text)
    }

    fn sigma(&self) -> Option<String> {
        if self.is_keyword {
            let is_plain = matches!(self.op, Op::Match) && self.modifiers.is_empty();
            // A keyword's value is a pattern.
            return is_plain.then(|| format!("- {}", yaml(&sigma_pieces(Pattern::read(&self.value).pieces()))));
        }
        let plain = sigma_escaped(&self.value);
        if matches!(self.op, Op::Lt | Op::Lte | Op::Gt | Op::Gte) && !self.is_bare {
            return None;
        }
        let (modifier, value) = match self.op {
            Op::Eq => ("", plain),
            Op::Contains => ("contains", plain),
            Op::StartsWith => ("startswith", plain),
            Op::EndsWith => ("endswith", plain),
            Op::Wildcard => {
                let pieces = Pattern::read(&self.value);
                ("", sigma_pieces(pieces.pieces()))
            }
            Op::RegexMatch => ("re", self.value.clone()),
            Op::CidrMatch => ("cidr", self.value.clone()),
            Op::Lt => ("lt", self.value.clone()),
            Op::Lte => ("lte", self.value.clone()),
            Op::Gt => ("gt", self.value.clone()),
            Op::Gte => ("gte", self.value.clone()),
            Op::IsNull => return Some(format!("{}: null", yaml_key(&self.field))),
            Op::IsNotNull => return Some(format!("{}: true", yaml_key(&format!("{}|exists", self.field)))),
            _ => return None,
        };
        let is_known = |modifier| {
            matches!(
                modifier,
                Modifier::Windash
                    | Modifier::Base64Offset
                    | Modifier::Base64
                    | Modifier::Utf16Le
                    | Modifier::Utf16
                    | Modifier::Expand
            )
        };
        if !self.modifiers.iter().all(is_known) || (!self.modifiers.is_empty() && self.op == Op::RegexMatch) {
            return None;
        }
        let mut key = self.field.clone();
        for part in self.modifiers.iter().map(Modifier::name).chain([modifier]).filter(|part| !part.is_empty()) {
            key.push('|');
            key.push_str(part);
        }
        Some(format!("{}: {}", yaml_key(&key), if self.is_bare { value } else { yaml(&value) }))
    }

    fn eql(&self) -> Option<String> {
        // EQL's expressions must match the whole value, and only they do.
        let is_anchored = self.modifiers.is_only(Modifier::Anchored) && self.op == Op::RegexMatch;
        if self.is_keyword || (!self.modifiers.is_empty() || self.op == Op::RegexMatch) && !is_anchored {
            return None;
        }
        let field = match is_plain_name(&self.field, ".@_") {
            true => self.field.clone(),
            false => format!("`{}`", self.field),
        };
        let value = quote::escaped(&self.value);
        let pattern = self.pattern(true, |_| None).map(|pattern| quote::escaped(&pattern));
        Some(match self.op {
            Op::Eq if self.is_bare => format!("{field} == {}", self.value),
            Op::Eq => match pattern {
                Some(pattern) => format!("{field} : {pattern}"),
                // Where the value holds wildcards, only `==` takes them as they are.
                None => format!("{field} == {value}"),
            },
            Op::Contains | Op::StartsWith | Op::EndsWith => match pattern {
                Some(pattern) => format!("{field} : {pattern}"),
                None => {
                    let function = match self.op {
                        Op::Contains => "stringContains",
                        Op::StartsWith => "startsWith",
                        _ => "endsWith",
                    };
                    format!("{function}~({field}, {value})")
                }
            },
            Op::Wildcard => format!("{field} : {}", pattern?),
            Op::RegexMatch => format!("{field} regex~ {value}"),
            Op::CidrMatch => format!("cidrMatch({field}, {value})"),
            Op::Lt | Op::Lte | Op::Gt | Op::Gte if self.is_bare => format!("{field} {} {}", sign(self.op), self.value),
            Op::IsNull => format!("{field} == null"),
            Op::IsNotNull => format!("{field} != null"),
            _ => return None,
        })
    }

    fn spl(&self) -> Option<String> {
        if !self.modifiers.is_empty() {
            return None;
        }
        if self.is_keyword {
            let is_term = self.op == Op::Match && !self.value.contains('*') && !self.value.is_empty();
            return is_term.then(|| quote::spl(&self.value)).flatten();
        }
        let field = match is_plain_name(&self.field, "._-{}") {
            true => self.field.clone(),
            false => quote::spl(&self.field)?,
        };
        Some(match self.op {
            Op::Eq if self.is_bare => format!("{field}={}", self.value),
            // What looks like a network is read as one.
            Op::Eq if self.value.contains('/') && is_network(&self.value) => return None,
            Op::Eq | Op::Contains | Op::StartsWith | Op::EndsWith | Op::Wildcard => {
                format!("{field}={}", quote::spl(&self.pattern(false, |_| None)?)?)
            }
            Op::RegexMatch => format!("| regex {field}={}", quote::spl_pattern(&self.value)?),
            Op::CidrMatch if is_network(&self.value) => format!("{field}={}", quote::spl(&self.value)?),
            Op::Lt | Op::Lte | Op::Gt | Op::Gte if self.is_bare => format!("{field}{}{}", sign(self.op), self.value),
            Op::IsNull => format!("NOT {field}=*"),
            Op::IsNotNull => format!("{field}=*"),
            _ => return None,
        })
    }

    fn kql(&self) -> Option<String> {
        if self.is_keyword {
            return None;
        }
        let field = match self.field.split('.').all(|part| is_plain_name(part, "_") && !part.is_empty()) {
            true => self.field.clone(),
            false if self.field.contains(['\'', '\\']) => return None,
            false => format!("['{}']", self.field),
        };
        let value = quote::kusto(&self.value);
        let word = match (self.op, self.modifiers) {
            (Op::Match, modifiers) if modifiers.is_only(Modifier::Prefix) => "hasprefix",
            (Op::Match, modifiers) if modifiers.is_only(Modifier::Suffix) => "hassuffix",
            (_, modifiers) if !modifiers.is_empty() => return None,
            (Op::Eq, _) if self.is_bare => return Some(format!("{field} == {}", self.value)),
            (Op::Eq, _) => "=~",
            (Op::Contains, _) => "contains",
            (Op::StartsWith, _) => "startswith",
            (Op::EndsWith, _) => "endswith",
            (Op::Match, _) => "has",
            (Op::RegexMatch, _) => "matches regex",
            (Op::CidrMatch, _) if self.value.contains(':') => {
                return Some(format!("ipv6_is_in_range({field}, {value})"));
            }
            (Op::CidrMatch, _) => return Some(format!("ipv4_is_in_range({field}, {value})")),
            (Op::Lt | Op::Lte | Op::Gt | Op::Gte, _) if self.is_bare => {
                return Some(format!("{field} {} {}", sign(self.op), self.value));
            }
            (Op::IsNull, _) => return Some(format!("isempty({field})")),
            (Op::IsNotNull, _) => return Some(format!("isnotempty({field})")),
            _ => return None,
        };
        Some(format!("{field} {word} {value}"))
    }
}

/// What a vendor calls the field, and the table where that holds; `part` of its value.
fn name_of(
    names: &Names<'_>,
    indicator: &Indicator,
    known: Option<&Field>,
    part: Part,
) -> Option<(String, Option<String>)> {
    let Names { taxonomy, vendor, vocabularies, sources: own } = *names;
    let Some(field) = known else {
        // The table does not know the field: it is called as its author wrote it, if that means nothing else here.
        let is_free = taxonomy.resolve(vendor, &indicator.field, own).is_none();
        return (part == Part::Whole && is_free).then(|| (indicator.field.clone(), None));
    };
    let is_meant = |name: &str, sources: &[DataSource]| {
        let found = taxonomy.resolve(vendor, name, sources);
        found.is_some_and(|found| found.field.name == field.name && found.part == part)
    };
    let rank = |vocabulary: usize| {
        let name = taxonomy.vocabularies().get(vocabulary).map(|vocabulary| vocabulary.name.as_str());
        vocabularies.iter().position(|known| Some(*known) == name).unwrap_or(vocabularies.len())
    };
    let mut aliases: Vec<_> = field.aliases.iter().filter(|alias| alias.part == part).collect();
    aliases.sort_by_key(|alias| rank(alias.vocabulary));
    for alias in aliases {
        if is_meant(&alias.name, own) && (alias.sources.is_empty() || !own.is_empty()) {
            return Some((alias.name.clone(), None));
        }
        for table in alias.sources.iter().filter(|table| vendor == Vendor::Kusto && !table.contains([':', '*'])) {
            if is_meant(&alias.name, &[DataSource::new(SourceKind::Table, table.as_str())]) {
                return Some((alias.name.clone(), Some(table.clone())));
            }
        }
    }
    is_meant(&field.name, own).then(|| (field.name.clone(), None))
}

fn sign(op: Op) -> &'static str {
    match op {
        Op::Lt => "<",
        Op::Lte => "<=",
        Op::Gt => ">",
        _ => ">=",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_has_a_writer_where_its_descriptor_names_vocabularies() {
        for language in Language::ALL {
            assert_eq!(writer(*language).is_some(), !language.info().snippet_vocabularies.is_empty(), "{language}");
        }
    }
}
