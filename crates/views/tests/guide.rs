//! A guide's numbers against a count that goes through every rule.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{Built, demo, sigma};
use ruleatlas_catalog::{Entry, Facet, Filters};
use ruleatlas_model::{Indicator, Role, Vendor};
use ruleatlas_views::{Check, Order, Question, RuleRelation, Table, csv};

/// The rules by what they count as: a variant counts together with its rule.
fn units(built: &Built) -> BTreeMap<String, Vec<&Entry>> {
    let ids: BTreeSet<&str> = built.catalog.entries.iter().map(|entry| entry.rule.id.as_str()).collect();
    let mut units: BTreeMap<String, Vec<&Entry>> = BTreeMap::new();
    for entry in &built.catalog.entries {
        let of = entry.rule.variant_of.as_deref().filter(|of| ids.contains(of)).unwrap_or(&entry.rule.id);
        units.entry(of.to_owned()).or_default().push(entry);
    }
    units.retain(|_, entries| entries.iter().any(|entry| entry.rule.is_counted()));
    units
}

fn key(indicator: &Indicator) -> (String, String, String, Option<String>) {
    let Indicator { field, op, value, modifiers } = indicator;
    (field.to_lowercase(), op.to_string(), value.to_lowercase(), modifiers.text())
}

fn has(entries: &[&Entry], indicator: &Indicator, role: Role) -> bool {
    entries.iter().any(|entry| {
        entry.indicators.iter().any(|folded| folded.role == role && key(&folded.indicator) == key(indicator))
    })
}

/// A question with what it means, said once more.
type Meaning = Box<dyn Fn(&[&Entry]) -> bool>;

fn questions() -> Vec<(Question, Meaning)> {
    let any =
        |test: fn(&Entry) -> bool| -> Meaning { Box::new(move |entries| entries.iter().any(|entry| test(entry))) };
    let vendor = Filters { vendors: vec![Vendor::Sigma, Vendor::Splunk], ..Filters::default() };
    let since = Filters { since: Some("2026-01-15".parse().unwrap()), ..Filters::default() };
    let image = Check::field("process.name");
    vec![
        (Question::default(), any(|_| true)),
        (
            Question { filters: vendor, ..Question::default() },
            any(|entry| matches!(entry.rule.vendor, Vendor::Sigma | Vendor::Splunk)),
        ),
        (
            Question::default().with(Facet::Language, "kusto").with(Facet::Language, "eql"),
            any(|entry| matches!(entry.rule.language.name(), "kusto" | "eql")),
        ),
        (
            Question { filters: since, ..Question::default() },
            // The day of the rule itself decides, not that of a variant.
            Box::new(|entries| {
                let own = entries.iter().find(|entry| entry.rule.variant_of.is_none()).unwrap_or(&entries[0]);
                own.rule.modified.as_ref().or(own.rule.date.as_ref()).is_some_and(|day| day.as_str() >= "2026-01-15")
            }),
        ),
        (
            Question::default().checking(image),
            any(|entry| entry.predicates.iter().any(|row| row.field == "Image" && row.counts_for_field())),
        ),
    ]
}

#[test]
fn every_row_is_what_a_naive_count_gives() {
    let built = demo();
    let units = units(&built);
    assert!(units.len() > 40, "{}", units.len());
    for (question, meaning) in questions() {
        let view = built.atlas.rules(&question).unwrap();
        let here: Vec<&Vec<&Entry>> = units.values().filter(|entries| meaning(entries)).collect();
        assert_eq!(view.guide.rules.total, here.len() as u64, "{question:?}");
        assert!(view.guide.rules.total > 3, "{question:?}");
        assert_eq!(view.rule_list.len(), here.len());
        for (rows, role) in [(&view.guide.indicators, Role::Indicator), (&view.guide.exclusions, Role::Exclusion)] {
            for row in rows {
                let count = |entries: &[&Vec<&Entry>]| {
                    entries.iter().filter(|entries| has(entries, &row.indicator, role)).count() as u64
                };
                assert_eq!(row.rules, count(&here), "{question:?} {row:?}");
                assert_eq!(row.reach, count(&units.values().collect::<Vec<_>>()), "{question:?} {row:?}");
                assert_eq!(row.reach_by_vendor.values().sum::<u64>(), row.reach);
            }
        }
        let distinct: BTreeSet<_> = here
            .iter()
            .flat_map(|entries| entries.iter())
            .flat_map(|entry| &entry.indicators)
            .filter(|folded| folded.role == Role::Indicator)
            .map(|folded| key(&folded.indicator))
            .collect();
        assert_eq!(view.guide.indicators_distinct, distinct.len());
        assert_eq!(view.guide.shared.iter().map(|row| row.indicators).sum::<u64>(), distinct.len() as u64);
    }
}

#[test]
fn every_count_leads_to_as_many_rules() {
    let built = demo();
    let base = Question::default().with(Facet::Vendor, "sigma");
    let rules = |question: &Question| built.atlas.scope(question).unwrap().rules.len();
    let guide = built.atlas.rules(&base).unwrap().guide;
    for (rows, role) in [(&guide.indicators, Role::Indicator), (&guide.exclusions, Role::Exclusion)] {
        for row in rows {
            assert_eq!(rules(&base.clone().checking(Check::indicator(&row.indicator, role))), row.rules, "{row:?}");
        }
    }
    for row in &guide.fields {
        assert_eq!(rules(&base.clone().checking(Check::field(&row.field))), row.rules, "{row:?}");
        for (how, count) in &row.how {
            let check = Check { how: Some((*how).to_owned()), ..Check::field(&row.field) };
            assert_eq!(rules(&base.clone().checking(check)), *count, "{row:?} {how}");
        }
    }
    for row in &guide.events {
        let event = format!("{}/{}", row.provider, row.event_id);
        assert_eq!(rules(&base.clone().with(Facet::Event, &event)), row.rules, "{event}");
    }
}

#[test]
fn a_field_s_page_counts_as_the_guide_does() {
    let built = demo();
    for filters in [Filters::default(), Filters { vendors: vec![Vendor::Elastic], ..Filters::default() }] {
        let question = Question { filters: filters.clone(), ..Question::default() };
        let guide = built.atlas.rules(&question).unwrap().guide;
        for row in &guide.fields {
            let views = built.atlas.field_in(&row.field, &filters).unwrap();
            let view = views.iter().find(|view| view.field == row.field).unwrap();
            assert_eq!((view.filtered.rules, &view.filtered.how), (row.rules, &row.how), "{}", row.field);
            assert_eq!(view.filtered.by_vendor.values().sum::<u64>(), row.rules);
            let of_field = |rows: &[ruleatlas_catalog::IndicatorRow]| {
                rows.iter().filter(|it| it.indicator.field == row.field).map(|it| it.rules).sum::<u64>()
            };
            assert_eq!(of_field(&view.indicators), of_field(&guide.indicators), "{}", row.field);
            assert_eq!(of_field(&view.exclusions), of_field(&guide.exclusions), "{}", row.field);
        }
    }
}

#[test]
fn what_is_everywhere_sinks_and_what_is_telling_rises() {
    // 300 rules check that a program starts, forty of them name the tool that the technique is about, and one of each
    // technique has a value of its own.
    let rules: Vec<(&str, Vec<String>)> = (0..300)
        .map(|n| {
            let is_here = n < 60;
            let mut items = vec!["event.type: start".to_owned()];
            if is_here && n < 40 || n == 299 {
                items.push("Image|endswith: '\\finger.exe'".to_owned());
            }
            if n % 3 == 0 {
                items.push("OriginalFileName: cmd.exe".to_owned());
            }
            if matches!(n, 7 | 107) {
                items.push(format!("CommandLine|contains: 'only {n}'"));
            }
            (if is_here { "attack.t1071" } else { "attack.t1003" }, items)
        })
        .collect();
    let built = sigma(&rules);
    let question = Question::default().with(Facet::Technique, "T1071");
    let mut view = built.atlas.rules(&question).unwrap();
    assert_eq!(view.guide.rules.total, 60);
    assert_eq!(view.guide.indicators[0].indicator.value, "start", "by use the common value is first");
    "indicators.distinctiveness".parse::<Order>().unwrap().apply(&mut view.guide, &mut view.rule_list);
    let told: Vec<(&str, f64)> = view
        .guide
        .indicators
        .iter()
        .map(|row| (row.indicator.value.as_str(), row.distinctiveness.distinctiveness))
        .collect();
    assert_eq!(told[0].0, "finger.exe", "{told:?}");
    assert!(told[0].1 > 1.5 && told[1..].iter().all(|(_, told)| *told < 0.0), "{told:?}");
    assert_eq!(view.guide.indicators[0].distinctiveness.expected, 8.2);
    "indicators.distinctiveness.reversed".parse::<Order>().unwrap().apply(&mut view.guide, &mut view.rule_list);
    assert_eq!(view.guide.indicators.last().unwrap().indicator.value, "finger.exe");
}

#[test]
fn tables_come_in_every_order_and_as_csv() {
    let built = demo();
    let view = built.atlas.rules(&Question::default()).unwrap();
    for table in Table::ALL {
        for column in table.columns() {
            let (mut one, mut rules) = (view.guide.clone(), view.rule_list.clone());
            let order: Order = format!("{}.{column}", table.name()).parse().unwrap();
            assert_eq!(order.to_string().parse::<Order>().unwrap(), order);
            order.apply(&mut one, &mut rules);
            let text = csv(table, &one, &rules);
            assert_eq!(text.lines().next().unwrap(), table.columns().join(","));
            let (mut other, mut others) = (one.clone(), rules.clone());
            Order { reversed: true, ..order }.apply(&mut other, &mut others);
            let sorted = |text: &str| text.split("\r\n").map(str::to_owned).collect::<BTreeSet<_>>();
            assert_eq!(sorted(&text), sorted(&csv(table, &other, &others)), "{order}: the rows are the same ones");
        }
    }
    assert!("indicators.colour".parse::<Order>().unwrap_err().contains("reach"));
    assert!("colours.reach".parse::<Order>().is_err());
}

#[test]
fn similar_rules_share_what_they_say_and_have_the_rest_alone() {
    let built = demo();
    let (mut found, mut related) = (0, 0);
    for head in built.atlas.index.heads() {
        let (item, rules) = built.atlas.similar_rules(&head.id, &[], 8).unwrap();
        assert_eq!(item.id, head.id);
        let variants = |id: &str| -> Vec<&Entry> {
            let is_variant = |entry: &&Entry| entry.rule.variant_of.as_deref() == Some(id) || entry.rule.id == id;
            built.catalog.entries.iter().filter(is_variant).collect()
        };
        let own = variants(head.variant_of.as_deref().unwrap_or(&head.id));
        for similar in rules {
            found += 1;
            assert_ne!(similar.rule.id, head.id);
            assert!(similar.similarity > 0.0 && similar.similarity <= 1.0);
            assert!(similar.shared_indicators > 0 || !similar.shared_words.is_empty());
            let theirs = variants(&similar.rule.id);
            for shared in &similar.shared {
                assert!(has(&theirs, &shared.indicator, Role::Indicator), "{shared:?}");
                assert!(has(&own, &shared.indicator, Role::Indicator), "{shared:?}");
            }
            for alone in &similar.only_here {
                assert!(!has(&theirs, &alone.indicator, Role::Indicator), "{alone:?}");
            }
            for alone in &similar.only_there {
                assert!(!has(&own, &alone.indicator, Role::Indicator), "{alone:?}");
            }
            assert!(similar.shared.windows(2).all(|pair| pair[0].reach <= pair[1].reach), "the rarest first");
            assert_eq!(similar.why.is_some(), similar.relation == RuleRelation::Undecided);
            related += usize::from(similar.relation != RuleRelation::Undecided);
            let witness = &similar.witness;
            match similar.relation {
                RuleRelation::Narrower => assert!(witness.only_there.is_some() && witness.only_here.is_none()),
                RuleRelation::Wider => assert!(witness.only_here.is_some() && witness.only_there.is_none()),
                RuleRelation::Overlapping => {
                    assert!(witness.only_here.is_some() && witness.only_there.is_some() && witness.both.is_some());
                }
                _ => {}
            }
        }
    }
    assert!(found > 10 && related > 5, "{found} {related}");
    let elastic = built.atlas.index.heads().iter().find(|head| head.vendor == Vendor::Elastic).unwrap();
    let (_, of_sigma) = built.atlas.similar_rules(&elastic.id, &[Vendor::Sigma], 100).unwrap();
    assert!(of_sigma.iter().all(|similar| similar.rule.vendor == Vendor::Sigma));
}

#[test]
fn a_search_finds_by_every_name_and_the_best_first() {
    let built = demo();
    let search = |text: &str| built.atlas.search(text, 10).unwrap();
    let value = built.atlas.index.indicators().find(|(_, it)| it.op.basename && it.value.ends_with(".exe")).unwrap().1;
    let by_path = search(&format!("\\{}", value.value));
    assert_eq!(by_path.order.first(), Some(&"indicators"), "{}", value.value);
    assert_eq!(by_path.indicators[0].indicator.value.to_lowercase(), value.value.to_lowercase());
    assert_eq!(search("InitiatingProcessFileName").fields[0].id, "Image");
    assert_eq!(search("process.name").order[0], "fields");
    let rule = &built.catalog.entries[0].rule;
    assert_eq!(search(&rule.id).rules[0].id, rule.id);
    assert_eq!(search(&rule.title).rules[0].title, rule.title);
    assert_eq!(search(&rule.title).order[0], "rules");
    assert!(search("").order.is_empty() && search("no such thing anywhere").order.is_empty());
    // A part of a value, of every indicator that has it and no other.
    let all = built.atlas.search("exe", 100_000).unwrap().indicators;
    let naive = built.atlas.index.indicators().filter(|(_, it)| it.value.to_lowercase().contains("exe")).count();
    assert_eq!(all.len(), naive);
}

#[test]
fn titles_that_fit_better_stand_first_and_a_rare_value_does_not() {
    let built = demo();
    let search = |text: &str| built.atlas.search(text, 50).unwrap();
    for text in ["powershell", "process", "encoded command"] {
        let found = search(text).rules;
        let rank = |title: &str| {
            let title = title.to_lowercase();
            match title.find(text) {
                Some(0) if title.len() == text.len() => 0,
                Some(0) => 1,
                Some(_) => 2,
                None if text.split(' ').all(|word| title.contains(word)) => 3,
                None => 4,
            }
        };
        let ranks: Vec<i32> = found.iter().map(|rule| rank(&rule.title)).collect();
        assert!(ranks.is_sorted() && !ranks.is_empty(), "{text}: {ranks:?}");
        let titles = |rank: i32| found.iter().zip(&ranks).filter(move |(_, other)| **other == rank);
        for rank in 0..3 {
            let counted = |id: &str| built.atlas.index.heads().iter().any(|head| head.id == id && head.is_counted());
            let keys = titles(rank).map(|(rule, _)| (!counted(&rule.id), rule.title.chars().count()));
            let keys: Vec<(bool, usize)> = keys.collect();
            assert!(keys.is_sorted(), "{text}: those that count first, and of these the shorter: {keys:?}");
        }
        let mut ids: Vec<&str> = found.iter().map(|rule| rule.id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), found.len(), "{text}: each once");
    }
    // A value of few rules is not what its letters mean.
    let rare = |text: &str| search(text).indicators.first().is_some_and(|row| row.reach < 3);
    let values = built.atlas.index.indicators().map(|(_, indicator)| indicator.value.to_lowercase());
    let words = values.filter(|value| value.len() > 3 && value.bytes().all(|byte| byte.is_ascii_lowercase()));
    let mut seen = 0;
    for word in words.filter(|word| rare(word)) {
        let found = search(&word);
        let begins = |name: &str| name.to_lowercase().starts_with(&word);
        if found.techniques.iter().any(|hit| begins(&hit.name)) || found.rules.iter().any(|rule| begins(&rule.title)) {
            assert_ne!(found.order[0], "indicators", "{word}");
            seen += 1;
        }
    }
    assert!(seen > 0, "some value begins a name");
}
