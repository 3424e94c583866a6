//! From predicates to indicators: different spellings of one check become one.

use ruleatlas_core::{Pattern, fold_pieces, fold_wildcards};
use ruleatlas_model::{FoldedOp, Indicator, Modifiers, Op, Predicate, fold_case};

use crate::{FieldType, FieldUse, Part};

/// An indicator, and its value as the rule spells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folded {
    /// What is counted, the case of its value folded.
    pub indicator: Indicator,
    /// The same value as written.
    pub spelling: String,
}

/// The indicators of a predicate whose field is `used` and whose operator in positive form is `op`: one a value, in the order
/// of the values; one without a value for `is_null` and `is_not_null`.
pub(crate) fn fold(predicate: &Predicate, op: Op, used: Option<FieldUse<'_>>) -> Vec<Folded> {
    // An unknown field is counted by its raw name in lower case, for fields compare without case.
    let field = used.map_or_else(|| predicate.raw_field.to_lowercase(), |used| used.field.name.clone());
    let folded = |(op, spelling): (FoldedOp, &str)| Folded {
        indicator: Indicator {
            field: field.clone(),
            op,
            value: fold_case(spelling).into_owned(),
            modifiers: predicate.modifiers.clone(),
        },
        spelling: spelling.to_owned(),
    };
    if op.is_presence() {
        return vec![folded((FoldedOp::plain(op), ""))];
    }
    let is_transformed = !predicate.modifiers.is_empty();
    predicate.values.iter().map(|value| folded(fold_value(op, value, used, is_transformed))).collect()
}

fn fold_value<'a>(op: Op, value: &'a str, used: Option<FieldUse<'_>>, is_transformed: bool) -> (FoldedOp, &'a str) {
    match used {
        // A name ends with what its path ends with; all else that is said of the name is not said of the path.
        Some(used) if used.part == Part::Name && op != Op::EndsWith => (FoldedOp::basename(op), value),
        // A value that is transformed before it is compared has its separator transformed too.
        Some(used)
            if used.part == Part::Whole
                && used.field.field_type == FieldType::Path
                && op == Op::EndsWith
                && !is_transformed =>
        {
            match pinned_name(value) {
                Some(name) => (FoldedOp::basename(Op::Eq), name),
                None => (FoldedOp::plain(op), value),
            }
        }
        _ => (FoldedOp::plain(op), value),
    }
}

/// What a check as someone types it may be counted as, the likeliest first.
///
/// `uses` is what the field's name stands for. An operator that is folded already (`basename`) stays what it is. A value
/// with `*` or `?` is also read as a pattern, as rules write it.
pub(crate) fn fold_typed(
    field: &str,
    uses: &[FieldUse<'_>],
    op: FoldedOp,
    value: &str,
    modifiers: &Modifiers,
) -> Vec<Indicator> {
    let mut found: Vec<Indicator> = Vec::new();
    let mut add = |field: &str, (op, value): (FoldedOp, &str)| {
        let value = if op.op.is_presence() { String::new() } else { fold_case(value).into_owned() };
        let indicator = Indicator { field: field.to_owned(), op, value, modifiers: modifiers.clone() };
        if !found.contains(&indicator) {
            found.push(indicator);
        }
    };
    let pattern = match op.op {
        Op::Eq if !op.basename && value.contains(['*', '?']) => Some(fold_wildcards(value, None)),
        Op::Wildcard if !op.basename => Some(fold_pieces(Pattern::read(value).pieces())),
        _ => None,
    };
    let unknown = field.to_lowercase();
    let named: Vec<(&str, Option<FieldUse<'_>>)> = match uses {
        [] => vec![(&unknown, None)],
        uses => uses.iter().map(|used| (used.field.name.as_str(), Some(*used))).collect(),
    };
    for (name, used) in named {
        if op.basename {
            add(name, (op, value));
            continue;
        }
        // A rule's pattern is never recorded as `wildcard` where it means less.
        if op.op != Op::Wildcard {
            add(name, fold_value(op.op, value, used, !modifiers.is_empty()));
        }
        if let Some(pattern) = &pattern {
            add(name, fold_value(pattern.op, &pattern.value, used, !modifiers.is_empty()));
        }
    }
    found
}

/// `cmd.exe` of `\cmd.exe`: what follows one leading separator, when it is a name without another.
fn pinned_name(value: &str) -> Option<&str> {
    let name = value.strip_prefix(['\\', '/'])?;
    (!name.is_empty() && !name.contains(['\\', '/'])).then_some(name)
}
