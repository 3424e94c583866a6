use maud::{Markup, html};
use ruleatlas_catalog::{FoldedRow, PredicateRow, UnitTest};
use ruleatlas_model::{Level, Opaque, ParseStatus, Role, Rule};
use ruleatlas_views::{
    Atlas, MetadataEntry, RuleRelation, RuleView, SharedIndicator, SimilarRule, metadata_entries, recorded_rule,
};

use super::{
    bar, conversion,
    events::provider_address,
    facts::Facts,
    in_logs,
    layout::Page,
    parts::{self, heading},
    query::query,
};
use crate::text::{NAME, clipped, number, paragraph, unwrapped, value, web_address};

/// Predicates, values of one, and list items of a fact that a page shows.
const ROWS: usize = 500;
const VALUES: usize = 30;
const ITEMS: usize = 50;
/// Items of a fact that stand one below the other; more stand in lines.
const MAX_STACKED_ITEMS: usize = 6;

/// A rule: its query as written, with what was read out of it.
pub(crate) fn rule(atlas: &Atlas, view: &RuleView) -> Markup {
    let rule = &view.entry.rule;
    let opaques: Vec<&Opaque> = rule.conditions.iter().flat_map(|condition| condition.root.opaques()).collect();
    let of_role =
        |role| view.entry.indicators.iter().zip(&view.reach).filter(move |(folded, _)| folded.role == role).collect();
    let indicators: Vec<(&FoldedRow, &u64)> = of_role(Role::Indicator);
    let exclusions: Vec<(&FoldedRow, &u64)> = of_role(Role::Exclusion);
    let besides: Vec<MetadataEntry> = metadata_entries(&rule.extra);
    let contents = [
        ("query", "Query", None),
        ("predicates", "Predicates", Some(view.entry.predicates.len() as u64)),
        ("indicators", "Indicators", Some(indicators.len() as u64)),
        ("exclusions", "Exclusions", Some(exclusions.len() as u64)),
        ("similar", "Similar rules", Some(view.similar.len() as u64)),
        ("tests", "Its own tests", Some(view.unit_tests.len() as u64)),
        ("besides", "What else it says", Some(besides.len() as u64)),
    ];
    let logs = view.in_logs.is_some().then_some(("logs", "In your logs", None));
    let recordings = ("recordings", "On public recordings", None);
    let contents: Vec<_> =
        contents.into_iter().chain([recordings]).chain(logs).filter(|(_, _, rows)| *rows != Some(0)).collect();
    let title = parts::title(&rule.title, &rule.id, 300);
    let body = html! {
        h1 { (title) }
        p.under {
            (bar::letter(rule.vendor)) " " a href=(parts::vendor_address(rule.vendor)) { (rule.vendor) }
            @if let Some(severity) = rule.severity { " · " span title="Severity" { (severity) } }
            @if let Some(status) = rule.status { " · " span title="Status" { (status) } }
            @if rule.language.name() != rule.vendor.name() { " · " span title="Language of the query" { (rule.language) } }
            @if rule.parse != ParseStatus::Full { " · " span.mark.opaque { (parsed(rule.parse)) } }
            @if !rule.is_counted() { " · " span.mark { "outside the counts" } }
        }
        div.prose { p.lines { (unwrapped(&paragraph(&rule.description, 6_000))) } }
        div.columns { (facts(atlas, view)) }
        (diagnostics(rule, &opaques))
        div.beside {
          section {
            h2 #query { "Query" }
            @if rule.query.is_empty() { p.empty {
                @if rule.parse == ParseStatus::NoQuery { "The rule has no query." }
                @else { "The rule’s query is not among the files that were read." }
            } }
            @else {
                p.about {
                    "As written. Underlined: " span.p.indicator { "looked for" } ", " span.p.exclusion { "excluded" } ", "
                    span.p.nested { "nested or computed" } "; marked: " mark.opaque { "not understood" } "."
                }
                (query(rule, view, &opaques))
                (conversion::offers(view))
            }
          }
          (predicates(view))
        }
        (folded("indicators", "Indicators", &indicators, "Reach", "indicator"))
        (folded("exclusions", "Exclusions", &exclusions, "In catalog", "exclusion"))
        (similar(&view.similar))
        (unit_tests(&view.unit_tests))
        (said(&besides))
        section #recordings-section {
            h2 #recordings { a href="#recordings" { "On public recordings" } }
            (in_logs::recorded_rule(recorded_rule(&rule.id)))
        }
        (in_logs::rule(&rule.id, view.in_logs.as_ref(), &view.hits, view.hits_saved))
    };
    Page { title: &title, asked: "", contents: &contents, body }.render()
}

/// What a rule checks, as it stands inside a list of rules.
pub(crate) fn rule_part(view: &RuleView) -> Markup {
    let rule = &view.entry.rule;
    html! {
        (predicate_table(rule, &view.entry.predicates, &view.predicate_reach))
        @if view.entry.predicates.is_empty() { p.empty { "Nothing of it could be read as a comparison." } }
        p.more { a href=(parts::rule_address(&rule.id)) { "The rule with its query" } }
    }
}

fn parsed(status: ParseStatus) -> &'static str {
    match status {
        ParseStatus::Full => "understood in full",
        ParseStatus::Partial => "understood in part",
        ParseStatus::Failed => "not understood",
        ParseStatus::NoQuery => "without a query",
    }
}

fn facts(atlas: &Atlas, view: &RuleView) -> Facts {
    let rule = &view.entry.rule;
    let list = |items: &[String]| html! { (clipped(&items.join(", "), 400)) };
    let mut facts = Facts::default();
    facts.add(if rule.authors.len() == 1 { "Author" } else { "Authors" }, list(&rule.authors));
    facts.add("Licence", html! { @if let Some(license) = &rule.license { (clipped(license, 120)) } });
    let place = format!("{}:{}", clipped(&rule.path, 200), rule.line);
    let file = html! {
        (clipped(&rule.source, 80)) " "
        @match view.upstream.as_deref().and_then(web_address) {
            Some(address) => a.val rel="noreferrer" href=(address) { (place) },
            None => span.val { (place) },
        }
    };
    facts.add("Source", file);
    facts.add("Id", html! { (value(&rule.id, 80, None)) });
    let dates = [rule.date.as_deref(), rule.modified.as_deref()].into_iter().flatten().map(|date| clipped(date, 20));
    facts.add("Dates", html! { (dates.collect::<Vec<_>>().join(", changed ")) });
    facts.add("Techniques", techniques(atlas, rule));
    facts.add("Tactics", parts::tactics(atlas, &rule.tactics));
    facts.add("Log sources", parts::words(&rule.log_sources, parts::log_source_address));
    facts.add("Platforms", parts::words(&rule.platforms, |platform| parts::rules_with("platform", platform)));
    facts.add("Domains", parts::words(&rule.domains, |domain| parts::rules_with("domain", domain)));
    let events = html! {
        @if !rule.events.is_empty() {
            ul.many[rule.events.len() > MAX_STACKED_ITEMS] {
                @for link in rule.events.iter().take(ITEMS) {
                    li {
                        a href=(provider_address(&link.event.provider)) { (clipped(&link.event.provider, 48)) } " "
                        @match parts::event_address(&link.event.provider, &link.event.event_id) {
                            Some(address) => a.val href=(address) { (clipped(&link.event.event_id, 48)) },
                            None => span.val { (clipped(&link.event.event_id, 48)) },
                        }
                        @let title = atlas.index.event_title(&link.event, atlas.taxonomy);
                        @if title != link.event.event_id { " " (clipped(&title, 100)) }
                        " "
                        span.faint title=(clipped(&link.why, 300)) { @if link.explicit { "written" } @else { "implied" } }
                    }
                }
            }
        }
    };
    facts.add("Events", events);
    let variant = html! { @if let Some(other) = &rule.variant_of { a href=(parts::rule_address(other)) { (clipped(other, 120)) } } };
    facts.add("Variant of", variant);
    let variants = html! {
        @if !view.variants.is_empty() {
            ul { @for other in view.variants.iter().take(ITEMS) { li { a href=(parts::rule_address(&other.id)) { (parts::title(&other.title, &other.id, 110)) } } } }
        }
    };
    facts.add("Variants", variants);
    let false_positives = html! {
        @if !rule.false_positives.is_empty() {
            ul { @for text in rule.false_positives.iter().take(ITEMS) { li { (clipped(text, 600)) } } }
        }
    };
    facts.add("False positives", false_positives);
    let references = html! {
        @if !rule.references.is_empty() {
            ul {
                @for reference in rule.references.iter().take(ITEMS) {
                    li { @match web_address(reference) {
                        Some(address) => a rel="noreferrer" href=(address) { (clipped(reference, 90)) },
                        None => (clipped(reference, 90)),
                    } }
                }
            }
        }
    };
    facts.add("References", references);
    facts
}

/// The tags as written, and where they lead.
fn techniques(atlas: &Atlas, rule: &Rule) -> Markup {
    html! {
        @if !rule.technique_tags.is_empty() {
            ul.many[rule.technique_tags.len() > MAX_STACKED_ITEMS] {
                @for tag in rule.technique_tags.iter().take(ITEMS) {
                    li {
                        @for id in &tag.techniques {
                            a href=(parts::technique_address(id)) {
                                span.val { (clipped(id, 24)) }
                                @if let Some(technique) = atlas.attack.techniques.get(id) { " " (clipped(&technique.name, NAME)) }
                            } " "
                        }
                        @if let Some(way) = parts::way(tag.resolution) {
                            span.faint { "tagged " span.val { (clipped(&tag.tag, 60)) } ": " (way) }
                        }
                        @if tag.inferred { " " span.faint { "named in the text" } }
                    }
                }
            }
        }
    }
}

/// What is wrong with the rule, and what was not understood.
fn diagnostics(rule: &Rule, opaques: &[&Opaque]) -> Markup {
    html! {
        @if !rule.diagnostics.is_empty() || !opaques.is_empty() {
            ul.diagnostics {
                @for diagnostic in rule.diagnostics.iter().take(ITEMS) {
                    li {
                        b { @match diagnostic.level { Level::Error => "Error", Level::Warning => "Warning", Level::Note => "Note" } }
                        @if let Some(line) = diagnostic.line { " on line " (line) }
                        ": " (clipped(&diagnostic.message, 500))
                    }
                }
                @for opaque in opaques.iter().take(ITEMS) {
                    li { b { "Not understood" } ": " (clipped(&opaque.reason, 200)) ": " (value(&opaque.text, 80, None)) }
                }
            }
        }
    }
}

/// Rules that look for the same, and how they relate to this one.
fn similar(rules: &[SimilarRule]) -> Markup {
    html! {
        @if !rules.is_empty() {
            section #similar-section {
                (heading("similar", "Similar rules", rules.len() as u64))
                p.about {
                    "A row is a rule that looks for the same, each value weighted by how rare it is in the catalog; "
                    em { "alike" } " is the weight of what both look for, over what each looks for on its own. "
                    "Rules of other vendors stand first. "
                    em { "This rule is" } " says what it selects of the events that the other selects, apart from the choice of data, by a proof or by an event that shows it."
                }
                div.scroll {
                    table.similar aria-label="Similar rules" {
                        thead { tr { th scope="col" { span.unseen { "Vendor" } } th scope="col" { "Rule" } th.n scope="col" { "Alike" } th scope="col" { "This rule is" } th.wide scope="col" { "What they share and what each has alone, the rarest first" } } }
                        tbody { @for other in rules { (similar_row(other)) } }
                    }
                }
            }
        }
    }
}

fn similar_row(other: &SimilarRule) -> Markup {
    let relation = match other.relation {
        RuleRelation::Same => "the same",
        RuleRelation::Disjoint => "about other events",
        RuleRelation::Undecided => "not decided",
        other => other.name(),
    };
    let lists = [("Both", &other.shared), ("Only here", &other.only_here), ("Only there", &other.only_there)];
    let witness = &other.witness;
    let events = [
        ("Selected by this rule alone", &witness.only_here),
        ("Selected by the other rule alone", &witness.only_there),
        ("Selected by both", &witness.both),
    ];
    html! {
        tr {
            td { (bar::letter(other.rule.vendor)) }
            td.w { a href=(parts::rule_address(&other.rule.id)) { (parts::title(&other.rule.title, &other.rule.id, 110)) } }
            td.n { (format!("{:.0} %", other.similarity * 100.0)) }
            td title=[other.why] { (relation) }
            td.w {
                @for (what, list) in lists.iter().filter(|(_, list)| !list.is_empty()) {
                    div { span.faint { (what) ": " } (samples(list)) }
                }
                @if !other.shared_words.is_empty() {
                    div { span.faint { "Words of both: " } (clipped(&other.shared_words.join(", "), 200)) }
                }
                @if let Some(why) = other.why { div.faint { (why) } }
                @if events.iter().any(|(_, event)| event.is_some()) {
                    details {
                        summary { "Events that show it" }
                        @for (what, event) in &events {
                            @if let Some(event) = event {
                                p { (what) ":" }
                                ul { @for (field, text) in event.iter().take(ITEMS) { li { (clipped(field, 60)) " = " (value(text, 200, None)) } } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Indicators with their reach.
fn samples(list: &[SharedIndicator]) -> Markup {
    html! {
        span.samples {
            @for shared in list {
                @let link = parts::indicator_address(&shared.indicator);
                span {
                    span.faint { (clipped(&shared.indicator.field, 28)) " " (shared.indicator.op) " " }
                    @if !shared.indicator.op.op.is_presence() { (value(&shared.indicator.value, 40, link.as_deref())) }
                    " " span.count title="Rules of the catalog that look for it" { (number(u64::from(shared.reach))) }
                }
            }
        }
    }
}

/// The unit tests that the rule brings along, against what its condition says.
fn unit_tests(tests: &[UnitTest]) -> Markup {
    let word = |fires: bool| if fires { "fires" } else { "does not fire" };
    html! {
        @if !tests.is_empty() {
            section #tests-section {
                (heading("tests", "Its own tests", tests.len() as u64))
                p.about { "A row is an event that the rule’s authors test it with, what they expect, and what the condition above says of it." }
                div.scroll {
                    table aria-label="Its own tests" {
                        thead { tr { th.wide scope="col" { "Test" } th scope="col" { "Expected" } th scope="col" { "The condition" } } }
                        tbody {
                            @for test in tests.iter().take(ROWS) {
                                tr {
                                    td.w { (clipped(&test.name, 200)) }
                                    td { (word(test.expected)) }
                                    td.w {
                                        @match test.found {
                                            Some(found) => (word(found)),
                                            None => { "cannot be known" @if !test.reason.is_empty() { ": " (clipped(&test.reason, 200)) } }
                                        }
                                        @if test.apart { " " span.faint title="The test replaces functions of the module, or needs a method that is not followed" { "not the same as written" } }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The first line of a text that says something, without the marks of Markdown before it.
fn first_words(told: &MetadataEntry) -> &str {
    let lines = told.lines.iter().flat_map(|line| line.lines());
    lines
        .map(|line| line.trim_start_matches(['#', '>', '*', ' ', '-']))
        .find(|line| !line.is_empty())
        .unwrap_or_default()
}

/// What the metadata holds besides, under its own names.
fn said(besides: &[MetadataEntry]) -> Markup {
    html! {
        @if !besides.is_empty() {
            section #besides-section {
                (heading("besides", "What else it says", besides.len() as u64))
                p.about { "Everything else in the rule’s metadata, as its format names it." }
                dl.facts.besides {
                    @for told in besides.iter().take(ROWS) {
                        div {
                            dt { (clipped(&told.name, 60)) }
                            dd {
                                @if told.is_short() { (clipped(&told.lines[0], 200)) }
                                @else {
                                    details {
                                        summary { (clipped(first_words(told), 100)) }
                                        div.lines { @for line in &told.lines { (paragraph(line, 12_000)) "\n" } }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn predicates(view: &RuleView) -> Markup {
    let (rule, rows) = (&view.entry.rule, &view.entry.predicates);
    html! {
        @if !rows.is_empty() {
            section {
                (heading("predicates", "Predicates", rows.len() as u64))
                p.about {
                    "A row is a comparison as written, in the order of the query. "
                    @if rows.iter().any(|row| row.span.start == row.span.end) { em { "Besides" } " are those that the rule’s metadata adds to the query. " }
                    a href="/about#method" { "What the roles mean" }
                }
                (predicate_table(rule, rows, &view.predicate_reach))
            }
        }
    }
}

fn predicate_table(rule: &Rule, rows: &[PredicateRow], reach: &[Option<(u64, u64)>]) -> Markup {
    let has_steps = rule.conditions.len() > 1;
    let has_stages = rows.iter().any(|row| row.stage.is_some());
    let columns = if has_stages { 6 } else { 5 };
    let places = super::query::places(rows);
    let begins = |at: usize| at == 0 || rows.get(at - 1).map(|row| row.step) != rows.get(at).map(|row| row.step);
    html! {
        @if !rows.is_empty() {
            div.scroll {
                table.predicates aria-label="Predicates" {
                    thead { tr {
                        @if has_stages { th.n scope="col" title="The stage of the pipeline, from 1" { "Stage" } }
                        th scope="col" { "Role" } th scope="col" { "Field" } th scope="col" { "Op" } th.wide scope="col" { "Values" }
                        th.n scope="col" title="Rules of the catalog that check the same; of several values the least and the most" { "Reach" }
                    } }
                    tbody {
                        @for (at, row) in rows.iter().enumerate().take(ROWS) {
                            @if has_steps && begins(at) { tr.step { th scope="rowgroup" colspan=(columns) { (step(rule, row.step)) } } }
                            tr id={ "p" (at) } data-p=[places.get(at)] {
                                @if has_stages { td.n { @match row.stage { Some(stage) => (stage + 1), None => span.faint { "–" } } } }
                                td { span.role.(row.role.name()) { (row.role) } @if row.span.start == row.span.end { " " span.faint title="The rule’s metadata has it, not the query above" { "besides" } } @if let Some(group) = row.group { " " span.faint title="Exclusions of one group hold only together" { "group " (group) } } }
                                td.of { (predicate_field(row)) }
                                td.o { (operator(row)) }
                                td.w { span.samples {
                                    @for text in row.values.iter().take(VALUES) { (value(text, 80, None)) " " }
                                    @if row.values.len() > VALUES { span.faint { "and " (number((row.values.len() - VALUES) as u64)) " more" } }
                                } }
                                td.n { @match reach.get(at).copied().flatten() {
                                    None => span.faint { "–" },
                                    Some((least, most)) if least == most => (number(least)),
                                    Some((least, most)) => { (number(least)) "–" (number(most)) }
                                } }
                            }
                        }
                    }
                }
            }
            @if rows.len() > ROWS { p.more { (number(ROWS as u64)) " of " (number(rows.len() as u64)) " shown" } }
        }
    }
}

/// What a step is, and what it reads.
fn step(rule: &Rule, step: u32) -> Markup {
    let condition = rule.conditions.get(step as usize);
    let label = condition.map_or("", |condition| condition.label.as_str());
    let sources = condition.map_or(&[][..], |condition| condition.sources.as_slice());
    html! {
        "Step " (step + 1)
        @if !label.is_empty() { " · " (clipped(label, 80)) }
        @if condition.is_some_and(|condition| condition.absent) { " · " span.mark { "must not happen" } }
        @if !sources.is_empty() {
            span.faint { " reads " @for source in sources.iter().take(6) { (clipped(&source.name, 60)) " " } @if sources.len() > 6 { "…" } }
        }
    }
}

fn predicate_field(row: &PredicateRow) -> Markup {
    html! {
        @if row.role == Role::Computed { span.val { (clipped(&row.raw_field, 80)) } }
        @else {
            (parts::field(&row.field))
            @if !row.mapped { " " span.faint title="No vendor’s table of fields has it" { "unmapped" } }
            @else if row.raw_field != row.field && !row.raw_field.is_empty() { " " span.faint.val { (clipped(&row.raw_field, 64)) } }
        }
    }
}

fn operator(row: &PredicateRow) -> Markup {
    html! {
        span.op { @if row.negated { "not " } (row.op.name()) }
        @if row.written_op != row.op.into() {
            " " span.faint title="The operator as the author wrote it" { "written " (row.written_op.name()) }
        }
        @if let Some(text) = row.modifiers.text() { " " span.op.faint { "|" (clipped(&text, 40)) } }
        @if row.case_sensitive { " " span.faint title="Compares with case" { "Aa" } }
    }
}

fn folded(place: &str, title: &str, rows: &[(&FoldedRow, &u64)], reach: &str, class: &str) -> Markup {
    html! {
        @if !rows.is_empty() {
            section.(class) {
                (heading(place, title, rows.len() as u64))
                p.about { "A row is what is counted of it: each value once, spellings of the same check made one." }
                div.scroll {
                    table aria-label=(title) {
                        thead { tr {
                            th scope="col" { "Field" } th scope="col" { "Op" } th.wide scope="col" { "Value" } th.n scope="col" { (reach) }
                        } }
                        tbody {
                            @for (row, reach) in rows.iter().take(ROWS) {
                                @let link = parts::indicator_address(&row.indicator);
                                tr {
                                    td { (parts::field(&row.indicator.field)) }
                                    td.o { (parts::operator(row.indicator.op, &row.indicator.modifiers)) }
                                    td.w {
                                        @if row.indicator.op.op.is_presence() { span.faint { "–" } }
                                        @else { (value(&row.spelling, parts::VALUE, link.as_deref())) }
                                        @if row.grouped { " " span.mark.grouped { "grouped" } }
                                    }
                                    td.n { a href=[&link] { (number(**reach)) } }
                                }
                            }
                        }
                    }
                }
                @if rows.len() > ROWS { p.more { (number(ROWS as u64)) " of " (number(rows.len() as u64)) " shown" } }
            }
        }
    }
}
