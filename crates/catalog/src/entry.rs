use std::collections::hash_map::Entry as Slot;

use ruleatlas_core::{BUDGET, RoledPredicate, roles};
use ruleatlas_model::{Diagnostic, EventRef, Indicator, Modifiers, Op, Role, Rule, Span, WrittenOp};
use ruleatlas_taxonomy::{Folded, Reader, Taxonomy};
use rustc_hash::FxHashMap;
use serde::Serialize;

/// A rule with what its query was made into.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The rule.
    pub rule: Rule,
    /// Its predicates, in the order of the query.
    pub predicates: Vec<PredicateRow>,
    /// Its indicators and exclusions, each once a role.
    pub indicators: Vec<FoldedRow>,
    /// The telemetry it needs to fire, as [`Reads::needs`](ruleatlas_taxonomy::Reads::needs) has it. A build fills it; of a
    /// catalog on disk it is asked for apart.
    pub needs: Vec<Vec<EventRef>>,
}

/// A predicate as it is exported and stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PredicateRow {
    /// The step, from 0.
    pub step: u32,
    /// The stage of the step's pipeline, from 0.
    pub stage: Option<u32>,
    /// What the predicate does in the rule.
    pub role: Role,
    /// The field as written.
    pub raw_field: String,
    /// The canonical field, or the raw one where the taxonomy does not know it.
    pub field: String,
    /// Whether the taxonomy knows the field.
    pub mapped: bool,
    /// The operator in positive form: with the role it says what the rule demands.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub op: Op,
    /// The operator as the author wrote it (`ne`, `not_in`, `is_null`).
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub written_op: WrittenOp,
    /// Whether a nested or computed comparison is negative in the normal form.
    pub negated: bool,
    /// The literals.
    pub values: Vec<String>,
    /// Whether they compare with case.
    pub case_sensitive: bool,
    /// What transforms value or match.
    #[serde(rename = "modifier")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>))]
    pub modifiers: Modifiers,
    /// Exclusions of one group hold only together.
    pub group: Option<u32>,
    /// The field this one was cut out of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub derived_from: Option<String>,
    /// Where it stands in the query.
    #[cfg_attr(feature = "schema", schema(value_type = [u32; 2]))]
    pub span: Span,
}

impl PredicateRow {
    /// Whether the predicate counts among the fields that rules filter: indicators do, and exclusions whose author
    /// wrote a negative operator.
    #[must_use]
    pub fn counts_for_field(&self) -> bool {
        match self.role {
            Role::Indicator => true,
            Role::Exclusion => self.written_op.is_negative(),
            Role::Nested | Role::Computed => false,
        }
    }

    /// The operator under which it counts there: as written, but a test for presence as what it demands, since
    /// `not isempty(f)` asks for a value.
    #[must_use]
    pub fn field_op(&self) -> WrittenOp {
        if self.op.is_presence() { self.op.into() } else { self.written_op }
    }
}

/// An indicator of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoldedRow {
    /// `indicator` or `exclusion`.
    pub role: Role,
    /// What is counted.
    pub indicator: Indicator,
    /// The value as this rule spells it.
    pub spelling: String,
    /// Whether it is an exclusion that holds only together with others of its group, wherever the rule has it.
    pub grouped: bool,
}

impl Entry {
    /// Resolves and folds the predicates of a rule whose conditions are known.
    #[must_use]
    pub fn new(mut rule: Rule, taxonomy: &Taxonomy) -> Self {
        let placed = roles(&rule.conditions);
        let readers: Vec<Reader<'_>> =
            rule.conditions.iter().map(|step| taxonomy.reader(rule.vendor, &step.sources)).collect();
        let mut predicates = Vec::with_capacity(placed.len());
        let mut indicators: Vec<FoldedRow> = Vec::with_capacity(placed.len());
        let mut seen: FxHashMap<(Role, Indicator), usize> = FxHashMap::default();
        for placed in &placed {
            let Some(reader) = readers.get(placed.step as usize) else { continue };
            predicates.push(row(placed, reader));
            if !matches!(placed.role, Role::Indicator | Role::Exclusion) {
                continue;
            }
            let grouped = placed.group.is_some();
            for Folded { indicator, spelling } in reader.fold(placed) {
                match seen.entry((placed.role, indicator)) {
                    Slot::Occupied(slot) => indicators[*slot.get()].grouped &= grouped,
                    Slot::Vacant(slot) => {
                        let indicator = slot.key().1.clone();
                        slot.insert(indicators.len());
                        indicators.push(FoldedRow { role: placed.role, indicator, spelling, grouped });
                    }
                }
            }
        }
        drop(readers);
        // One of these may be a member of an object for which there was no room.
        let unmapped = |row: &&PredicateRow| !row.mapped && row.role != Role::Computed && row.raw_field.contains('.');
        if let Some(row) = predicates.iter().find(unmapped).filter(|_| !taxonomy.has_room_for_members()) {
            let message = format!(
                "`{}` and fields like it may have no canonical name: the rules that were read name too many members of objects",
                row.raw_field
            );
            rule.diagnostics.push(Diagnostic::warning(BUDGET, message).on_line(rule.line));
        }
        Self { rule, predicates, indicators, needs: Vec::new() }
    }
}

fn row(placed: &RoledPredicate<'_>, reader: &Reader<'_>) -> PredicateRow {
    let predicate = placed.predicate;
    let known = reader.field_of(predicate);
    PredicateRow {
        step: placed.step,
        stage: predicate.stage,
        role: placed.role,
        raw_field: predicate.raw_field.clone(),
        field: known.as_ref().map_or_else(|| predicate.raw_field.clone(), |known| known.field.name.clone()),
        mapped: known.is_some(),
        op: placed.counted_op,
        written_op: predicate.written_op(),
        negated: placed.shows_negation(),
        values: predicate.values.clone(),
        case_sensitive: predicate.case_sensitive,
        modifiers: predicate.modifiers.clone(),
        group: placed.group,
        derived_from: predicate.derived_from.clone(),
        span: predicate.span,
    }
}

#[cfg(test)]
mod tests {
    use ruleatlas_core::{NoContext, Query};
    use ruleatlas_model::{Language, Vendor};

    use super::*;

    /// `role [not] op (written operator)` of each predicate.
    fn shown(language: Language, query: &str) -> Vec<String> {
        let parsed = crate::frontend(language).parse(&Query::new(query), &NoContext);
        let rule = Rule { conditions: parsed.conditions, ..Rule::blank(Vendor::Kusto, language, "a") };
        let rows = Entry::new(rule, Taxonomy::builtin()).predicates;
        let not = |row: &PredicateRow| if row.negated { "not " } else { "" };
        rows.iter().map(|row| format!("{} {}{} ({})", row.role, not(row), row.op, row.written_op)).collect()
    }

    #[test]
    fn the_operator_is_positive_and_the_written_one_stays() {
        let cases = [
            (Language::Kusto, "T | where isempty(A)", "indicator is_null (is_null)"),
            (Language::Kusto, "T | where not(isempty(A))", "indicator is_not_null (is_null)"),
            (Language::Kusto, "T | where isnotempty(A)", "indicator is_not_null (is_not_null)"),
            (Language::Kusto, "T | where A != 1", "exclusion eq (ne)"),
            (Language::Kusto, "T | where not(A != 1)", "indicator eq (ne)"),
            (Language::Kusto, "T | where A !in (1, 2)", "exclusion in (not_in)"),
            (Language::Kusto, "T | where A !contains 'x'", "exclusion contains (contains)"),
            (Language::Kusto, "T | where B == 1 or A != 1", "indicator eq (eq), nested not eq (ne)"),
            (
                Language::Kusto,
                "T | where B == 1 or not(isempty(A))",
                "indicator eq (eq), indicator is_not_null (is_null)",
            ),
            (Language::Eql, "process where not (a == null)", "indicator is_not_null (is_null)"),
            (Language::Eql, "process where a != null", "indicator is_not_null (is_not_null)"),
            (Language::Spl, "search x=1 | where NOT isnull(a)", "indicator eq (eq), indicator is_not_null (is_null)"),
            (Language::Kuery, "x:1 and not a:*", "indicator eq (eq), indicator is_null (is_not_null)"),
            (Language::Esql, "from x | where not (a is null)", "indicator is_not_null (is_null)"),
        ];
        for (language, query, expected) in cases {
            assert_eq!(shown(language, query).join(", "), expected, "{query}");
        }
    }

    #[test]
    fn a_member_for_which_there_is_no_room_is_said() {
        let rule = |field: &str| {
            let query = format!("AuditLogs | where {field} == 'x'");
            let parsed = crate::frontend(Language::Kusto).parse(&Query::new(&query), &NoContext);
            Rule { conditions: parsed.conditions, ..Rule::blank(Vendor::Kusto, Language::Kusto, "a") }
        };
        let taxonomy = Taxonomy::builtin().clone();
        let said = |field: &str| {
            let entry = Entry::new(rule(field), &taxonomy);
            (entry.predicates[0].mapped, entry.rule.diagnostics.len())
        };
        assert_eq!((said("TargetResources.first"), said("no.member")), ((true, 0), (false, 0)));
        let source = [ruleatlas_model::DataSource::new(ruleatlas_model::SourceKind::Table, "AuditLogs")];
        let reader = taxonomy.reader(Vendor::Kusto, &source);
        let is_mapped = |n: u32| {
            let field = format!("TargetResources.m{n}");
            reader.field_of(&ruleatlas_model::Predicate::new(field, ruleatlas_model::Op::Eq, ["x"])).is_some()
        };
        assert!((0..70_000).any(|n| !is_mapped(n)));
        assert_eq!(said("TargetResources.last"), (false, 1));
        assert_eq!((said("TargetResources.first"), said("other")), ((true, 0), (false, 0)));
    }
}
