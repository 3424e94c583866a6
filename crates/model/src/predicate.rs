use serde::{Deserialize, Serialize};

use crate::{Modifiers, Op, Span, WrittenOp};

/// What a comparison is, as its author wrote it, when the event does not have the field.
///
/// Languages differ: Sigma's `not field: x` holds without the field, SPL's `field!=x` does not, and an SQL-like
/// `where field != x` is neither.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// The comparison, its own negation included, does not hold.
    #[default]
    Fails,
    /// The comparison, its own negation included, holds.
    Holds,
    /// Neither: a null, that stays null under `not` and does not select the event.
    Null,
}

/// A field, compared in some way, with literal values.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Predicate {
    /// The field as written, quoting and optional marks taken off; empty for a keyword or bare term; the
    /// expression's text for a computed comparison.
    pub raw_field: String,
    /// How it is compared, without the operator's own negation.
    pub op: Op,
    /// Whether the operator itself is negated (`!=`, `not in`, `!contains`).
    #[serde(default, skip_serializing_if = "is_false")]
    pub negated: bool,
    /// The literals, alternatives of each other; empty for `is_null` and `is_not_null`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// Whether the language compares this with case.
    #[serde(default, skip_serializing_if = "is_false")]
    pub case_sensitive: bool,
    /// What transforms the value or the match.
    #[serde(default, rename = "modifier", skip_serializing_if = "Modifiers::is_empty")]
    pub modifiers: Modifiers,
    /// What the comparison is when the field is missing.
    #[serde(default, skip_serializing_if = "is_default")]
    pub missing: Missing,
    /// Whether `raw_field` is something computed (a count, a length, a part), and no field.
    #[serde(default, skip_serializing_if = "is_false")]
    pub computed: bool,
    /// Whether an order compares the texts where one side is no number (SPL's `where`); elsewhere such an order does
    /// not hold.
    #[serde(default, skip_serializing_if = "is_false")]
    pub text_order: bool,
    /// Whether `is_null` and `is_not_null` take an empty text for none (Kusto's `isempty`).
    #[serde(default, skip_serializing_if = "is_false")]
    pub empty_is_null: bool,
    /// Whether it only says that the values before an alternative's own are missing (the `a is_null` of
    /// `coalesce(a, b) == v`): it decides for an event, and is counted nowhere.
    #[serde(default, skip_serializing_if = "is_false")]
    pub guard: bool,
    /// The field that `raw_field` was cut out of (`rex`, `grok`, `parse`, …).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub derived_from: Option<String>,
    /// Which stage of its step's pipeline this filters in, counted from 0; `None` where a language has no pipeline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<u32>,
    /// Where it stands in the query.
    pub span: Span,
}

impl Predicate {
    /// A plain comparison: case-insensitive, not negated, failing on a missing field, without a place.
    pub fn new<V: Into<String>>(raw_field: impl Into<String>, op: Op, values: impl IntoIterator<Item = V>) -> Self {
        Self {
            raw_field: raw_field.into(),
            op,
            negated: false,
            values: values.into_iter().map(Into::into).collect(),
            case_sensitive: false,
            modifiers: Modifiers::NONE,
            missing: Missing::Fails,
            computed: false,
            text_order: false,
            empty_is_null: false,
            guard: false,
            derived_from: None,
            stage: None,
            span: Span::default(),
        }
    }

    /// The operator as the author wrote it; see [`Op::written`].
    #[must_use]
    pub fn written_op(&self) -> WrittenOp {
        self.op.written(self.negated)
    }
}

fn is_false(flag: &bool) -> bool {
    !*flag
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
