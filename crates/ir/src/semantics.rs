//! What a language says of all its queries alike.

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
}
