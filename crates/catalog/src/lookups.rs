//! The tables of lookups that a rule asks for, kept with the rule.

use std::sync::Mutex;

use ruleatlas_core::{Context, DataModel, LookupTable, MacroDefinition, Referenced};
use ruleatlas_model::{Rule, RuleLookup, RuleTable};

/// Rows of a table that are kept with a rule, and bytes of their text.
const MAX_ROWS: usize = 200;
const MAX_BYTES: usize = 16 * 1024;

/// A context that remembers which lookups it was asked for.
pub(crate) struct RecordingContext<'a> {
    inner: &'a dyn Context,
    lookups: Mutex<Vec<String>>,
}

impl<'a> RecordingContext<'a> {
    pub fn of(inner: &'a dyn Context) -> Self {
        Self { inner, lookups: Mutex::default() }
    }

    /// Keeps the lookups that a search asked for with the rule, in the order in which they were asked for.
    pub fn keep(self, rule: &mut Rule) {
        let names = self.lookups.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        if names.is_empty() {
            return;
        }
        let kept = names.into_iter().map(|name| {
            let table = self.inner.lookup(&name).map(first_rows);
            RuleLookup { name, table }
        });
        rule.set_lookups(&kept.collect::<Vec<_>>());
    }
}

impl Context for RecordingContext<'_> {
    fn macro_definition(&self, name: &str, arguments: usize) -> Option<MacroDefinition<'_>> {
        self.inner.macro_definition(name, arguments)
    }

    fn event_type(&self, name: &str) -> Option<&str> {
        self.inner.event_type(name)
    }

    fn tagged(&self, tag: &str) -> Vec<(&str, &str)> {
        self.inner.tagged(tag)
    }

    fn lookup(&self, name: &str) -> Option<&LookupTable> {
        if let Ok(mut names) = self.lookups.lock()
            && !names.iter().any(|known| known == name)
        {
            names.push(name.to_owned());
        }
        self.inner.lookup(name)
    }

    fn data_model(&self, log_type: &str) -> Option<&DataModel> {
        self.inner.data_model(log_type)
    }

    fn module(&self, name: &str) -> Option<&str> {
        self.inner.module(name)
    }

    fn rule(&self, reference: &str) -> Option<Referenced<'_>> {
        self.inner.rule(reference)
    }
}

/// A table with as many of its rows as are kept with a rule.
fn first_rows(table: &LookupTable) -> RuleTable {
    let mut bytes = 0;
    let rows = table.rows.iter().take(MAX_ROWS).take_while(|row| {
        bytes += row.iter().map(String::len).sum::<usize>();
        bytes <= MAX_BYTES
    });
    RuleTable {
        columns: table.columns.clone(),
        row_count: table.rows.len() as u64,
        rows: rows.cloned().collect(),
        case_insensitive: table.case_insensitive,
        wildcard_columns: table.wildcard_columns.clone(),
        default_match: table.default_match.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct One(LookupTable);

    impl Context for One {
        fn lookup(&self, name: &str) -> Option<&LookupTable> {
            (name == "tools").then_some(&self.0)
        }
    }

    #[test]
    fn a_rule_keeps_the_first_rows_of_each_lookup_it_asks_for() {
        let rows = (0..300).map(|row| vec![format!("{row}.exe")]).collect();
        let tools = One(LookupTable { columns: vec!["tool".to_owned()], rows, ..LookupTable::default() });
        let asked = RecordingContext::of(&tools);
        assert!(asked.lookup("tools").is_some() && asked.lookup("gone").is_none() && asked.lookup("tools").is_some());
        let mut rule = Rule::blank(ruleatlas_model::Vendor::Splunk, ruleatlas_model::Language::Spl, "a.yml");
        asked.keep(&mut rule);
        let kept = rule.lookups();
        let [tools, gone] = kept.as_slice() else { panic!("{kept:?}") };
        let table = tools.table.as_ref().unwrap();
        assert_eq!((&*tools.name, table.row_count, table.rows.len()), ("tools", 300, MAX_ROWS));
        assert_eq!(*gone, RuleLookup { name: "gone".to_owned(), table: None });
    }
}
