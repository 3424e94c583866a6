//! What a field's name says of its type, where it matters for what a value means.

use ipnet::IpNet;

/// Fields of type `text` or `match_only_text` in the Elastic Common Schema and in Elastic's Windows integration: a
/// value is looked for as a term or phrase in them, without case.
const TEXT_FIELDS: &[&str] = &[
    "body.content",
    "error.message",
    "message",
    "powershell.command.invocation_details.value",
    "powershell.command.value",
    "powershell.file.script_block_text",
];

/// Whether the field holds analysed text. Elastic's multi-fields of that type end in `.text`.
pub(crate) fn is_text(field: &str) -> bool {
    field.ends_with(".text") || TEXT_FIELDS.contains(&field)
}

/// Whether the field's values compare without case: Elastic's multi-fields with a lower-casing normalizer end in
/// `.caseless`.
pub(crate) fn is_caseless(field: &str) -> bool {
    field.ends_with(".caseless")
}

/// Whether the field says when the event happened; a restriction of it is the rule's time window.
pub(crate) fn is_time(field: &str) -> bool {
    field == "@timestamp"
}

/// Whether `value` is a network that a field of type `ip` is compared with: `ip` and `…_ip` have that type in the
/// Elastic Common Schema and its integrations, while `address` and the like are texts, which may be networks.
pub(crate) fn is_network(field: &str, value: &str) -> bool {
    let name = field.rsplit('.').next().unwrap_or(field);
    (name == "ip" || name.ends_with("_ip")) && value.parse::<IpNet>().is_ok()
}
