use std::ops::Range;

use roaring::RoaringBitmap;
use ruleatlas_catalog::{Entry, Index, RuleId};
use ruleatlas_logic::Statement;
use ruleatlas_model::{ParseStatus, Role, Span};
use ruleatlas_taxonomy::Taxonomy;

use crate::{
    finding::{Evidence, Finding},
    locate::{Location, Text},
    silence::Comment,
};

/// A rule that is checked, with its place in its file.
pub(crate) struct Draft<'a> {
    pub entry: Entry,
    /// The statement of each step, in the order of the steps.
    pub statements: Vec<Statement>,
    pub path: &'a str,
    pub text: &'a Text<'a>,
    location: Location,
    /// The part of the file that is the rule's.
    part: Range<usize>,
    pub comments: Vec<Comment>,
    /// The rules of the catalog that are this one.
    pub own: RoaringBitmap,
}

impl<'a> Draft<'a> {
    /// `next` is the line on which the next rule of the file begins.
    pub fn new(
        entry: Entry,
        path: &'a str,
        text: &'a Text<'a>,
        next: Option<u32>,
        index: &Index,
        taxonomy: &Taxonomy,
    ) -> Self {
        let rule = &entry.rule;
        let statements = rule.conditions.iter().map(|step| Statement::new(rule.vendor, step, taxonomy)).collect();
        // Comments stand above the first rule, too.
        let start = if rule.line <= 1 || next.is_none() { 0 } else { text.start_of(rule.line) };
        let start = start.min(text.text.len());
        let end = next.filter(|next| *next > rule.line).map_or(text.text.len(), |next| text.start_of(next)).max(start);
        let location = Location::of(&rule.query, text, start..end);
        let own = index.rule(&rule.id).map(|own| with_variants(index, own)).unwrap_or_default();
        let comments = Comment::read(text.text, start..end);
        Self { entry, statements, path, text, location, part: start..end, comments, own }
    }

    /// The statement, where the rule has one step that has to happen and all of it is understood.
    pub fn only_statement(&self) -> Option<&Statement> {
        match (self.statements.as_slice(), self.entry.rule.conditions.as_slice()) {
            ([statement], [condition]) if !condition.absent && self.entry.rule.parse == ParseStatus::Full => {
                Some(statement)
            }
            _ => None,
        }
    }

    /// Whether its events are of systems whose paths begin with `/`.
    pub fn is_unix(&self) -> bool {
        let platforms = &self.entry.rule.platforms;
        platforms.iter().any(|name| name == "linux" || name == "macos")
            && !platforms.iter().any(|name| name == "windows")
    }

    /// Whether a count, or something else computed of many events, decides.
    pub fn is_computed(&self) -> bool {
        self.entry.predicates.iter().any(|predicate| predicate.role == Role::Computed)
    }

    /// A finding at a place of the query.
    pub fn finding(&self, code: &'static str, span: Span, message: String, help: String) -> Finding {
        let place = self.location.place(span).unwrap_or_else(|| self.text.line(self.entry.rule.line));
        self.finding_at(code, place, message, help)
    }

    /// A finding about the whole rule.
    pub fn finding_of_rule(&self, code: &'static str, message: String, help: String) -> Finding {
        self.finding_at(code, self.text.line(self.entry.rule.line), message, help)
    }

    /// A finding about a text of the rule's file outside of its query.
    pub fn finding_of_text(&self, code: &'static str, words: &str, message: String, help: String) -> Finding {
        let part = self.text.text.get(self.part.clone()).unwrap_or_default();
        let place = part.find(words).map(|at| self.part.start + at..self.part.start + at + words.len());
        self.finding_at(code, place.unwrap_or_else(|| self.text.line(self.entry.rule.line)), message, help)
    }

    pub fn finding_at(&self, code: &'static str, place: Range<usize>, message: String, help: String) -> Finding {
        finding_at(code, self.path, self.text, place, message, help, &self.entry.rule.id)
    }
}

pub(crate) fn finding_at(
    code: &'static str,
    path: &str,
    text: &Text<'_>,
    place: Range<usize>,
    message: String,
    help: String,
    rule: &str,
) -> Finding {
    let (line, column) = text.position(place.start);
    Finding {
        code,
        level: crate::code::code(code).map_or(ruleatlas_model::Level::Warning, |code| code.level),
        file: path.to_owned(),
        line,
        column,
        span: [place.start, place.end],
        message,
        help,
        evidence: Evidence::default(),
        rule: rule.to_owned(),
    }
}

/// A rule of the catalog with those that count as it.
fn with_variants(index: &Index, rule: RuleId) -> RoaringBitmap {
    let unit =
        index.head(rule).and_then(|head| head.variant_of.as_deref()).and_then(|id| index.rule(id)).unwrap_or(rule);
    [rule, unit].into_iter().chain(index.variants(unit).iter().copied()).collect()
}
