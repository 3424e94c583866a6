use ruleatlas_core::Frontend;
use ruleatlas_esql::Esql;
use ruleatlas_kuery::{Kuery, Lucene};
use ruleatlas_model::Language;

/// The front end of a language.
#[must_use]
pub fn frontend(language: Language) -> &'static dyn Frontend {
    static ESQL: Esql = Esql::new().with_kuery(&Kuery).with_lucene(&Lucene);
    match language {
        Language::Sigma => &ruleatlas_sigma::Sigma,
        Language::Eql => &ruleatlas_eql::Eql,
        Language::Kuery => &Kuery,
        Language::Lucene => &Lucene,
        Language::Esql => &ESQL,
        Language::Spl => &ruleatlas_spl::Spl,
        Language::Kusto => &ruleatlas_kusto::Kusto,
        Language::Python => &ruleatlas_panther::Python,
        Language::PantherYaml => &ruleatlas_panther::PantherYaml,
        Language::Falco => &ruleatlas_falco::Falco,
        Language::Mql => &ruleatlas_mql::Mql,
        Language::Logscale => &ruleatlas_logscale::Logscale,
        Language::Wazuh => &ruleatlas_wazuh::Wazuh,
        Language::YaraL => &ruleatlas_yaral::YaraL,
        Language::Snowflake => &ruleatlas_panther::Snowflake,
    }
}

/// Whether a text that nobody marked as a query is one of a language.
#[must_use]
pub fn is_query(language: Language, text: &str) -> bool {
    frontend(language).is_query(text)
}

#[cfg(test)]
mod tests {
    use ruleatlas_core::{Budget, Condition, Context, NoContext, Parsed, Query, normal_form, roles};
    use ruleatlas_evaluate::{CompiledRule, Event, evaluate, evaluate_normal};
    use ruleatlas_model::{MAX_CONDITION_DEPTH, Node, Op, ParseStatus, Predicate, Rule, Vendor};
    use ruleatlas_taxonomy::Taxonomy;

    use super::*;
    use crate::Entry;

    /// A language whose conditions are as deep as its text is long.
    struct Deep;

    impl Frontend for Deep {
        fn language(&self) -> Language {
            Language::Sigma
        }

        fn read(&self, query: &Query<'_>, _: &dyn Context, _: &mut Budget) -> Parsed {
            let check = |field: &str| Node::from(Predicate::new(field, Op::Eq, ["1"]));
            let root = query.text.bytes().fold(check("a"), |inner, byte| match byte {
                b'!' => Node::Not(Box::new(inner)),
                b'&' => Node::All(vec![check("b"), inner]),
                _ => Node::Any(vec![inner, check("c")]),
            });
            Parsed { conditions: vec![Condition::new(root)], diagnostics: Vec::new() }
        }
    }

    #[test]
    fn every_language_has_its_own_front_end() {
        for language in Language::ALL {
            assert_eq!(frontend(*language).language(), *language);
        }
    }

    #[test]
    fn everything_behind_a_front_end_can_walk_the_deepest_condition() {
        // The stack of a thread that answers requests, or of one that builds.
        let thread = std::thread::Builder::new().stack_size(2 * 1024 * 1024);
        let walked = thread.spawn(|| {
            let text = "!&!|".repeat(5_000);
            let parsed = Deep.parse(&Query::new(&text), &NoContext);
            assert_eq!(parsed.status(), ParseStatus::Partial, "{:?}", parsed.diagnostics);
            assert_eq!(parsed.diagnostics.len(), 1);
            let conditions = parsed.conditions.clone();
            assert_eq!(conditions, parsed.conditions);
            let root = &conditions[0].root;
            assert_eq!(root.depth(), MAX_CONDITION_DEPTH);
            let json = serde_json::json!({ "a": "1", "b": "1" });
            let event = Event::new(&json);
            assert_eq!(evaluate(root, &event), evaluate_normal(&normal_form(root), &event));
            let _ = CompiledRule::new(&conditions).evaluate(&event);
            assert!(!roles(&conditions).is_empty());
            let rule = Rule { conditions, ..Rule::blank(Vendor::Sigma, Language::Sigma, "rule") };
            let entry = Entry::new(rule, Taxonomy::builtin());
            assert!(!entry.predicates.is_empty());
            format!("{:?}", entry.rule.conditions).len()
        });
        assert!(walked.unwrap().join().unwrap() > 0);
    }
}
