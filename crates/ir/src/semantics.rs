//! What a language says of all its queries alike.

use ruleatlas_model::{DataSource, SourceKind};

use crate::plan::MissingRule;

/// The rules of a language that no expression states.
#[derive(Clone, Copy, Debug)]
pub struct Semantics {
    /// What the truth of a field, and the comparison with a sub-query, is where the field is missing.
    pub missing: MissingRule,
    /// Whether names are the same in any case.
    pub names_in_any_case: bool,
    /// Whether a name is the time of the event, so that what compares it is the rule's window.
    pub is_event_time: fn(&str) -> bool,
    /// Whether predicates say which stage of the pipeline they stand in.
    pub has_stages: bool,
    /// What the step of a sub-query is called.
    pub sub_query: &'static str,
    /// Whether something computed is called by the name that it was given, and otherwise by its expression.
    pub computed_by_name: bool,
    /// What it says besides, where its queries are scripts.
    pub scripts: Option<&'static Scripts>,
}

/// What a language says besides whose queries are scripts: names stand for tables, lists and functions of the query, tables
/// are open or have just the columns that stages made, and an empty text is a missing value.
///
/// Something computed is called by what stands where it is compared. Stages are counted along the rows, through every name
/// that stands for a table.
#[derive(Clone, Copy, Debug)]
pub struct Scripts {
    /// Whether a name is never a column of the events, or is none where stages made all columns.
    pub is_computed_name: fn(&str, bool) -> bool,
    /// Whether nearly every table has a column of this name, so that it is no member of an object or column of a list.
    pub is_of_every_table: fn(&str) -> bool,
    /// How a part of the query is called: on one line, cut where it is long.
    pub written: fn(&str) -> String,
}

/// What a language says besides whose filters choose the data, and whose names need not be known one by one.
#[derive(Clone, Copy, Debug)]
pub struct Searches {
    /// What kind of data a field of this name chooses, in events of these sources.
    pub chooses: fn(&str, &[DataSource]) -> Option<SourceKind>,
    /// Whether every event has a field of this name, so that it is no column of a list.
    pub is_of_every_event: fn(&str) -> bool,
    /// The field that is the whole event as text.
    pub event_text: &'static str,
    /// Whether a field has one value, so that a filter rules out branches of a choice.
    pub rules_out_branches: bool,
    /// Whether the comparison of a field with a time is one of the field, and not the rule's window.
    pub fields_are_no_window: bool,
}
