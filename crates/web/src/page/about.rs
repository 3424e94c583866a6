use maud::{Markup, html};
use ruleatlas_catalog::SourceInfo;
use ruleatlas_model::Vendor;
use ruleatlas_views::{AboutView, Recording};

use super::layout::Page;
use crate::text::{clipped, number, web_address};

/// What ATT&CK's terms of use ask every copy to carry.
pub(super) const ATTACK_NOTICE: &str = "© 2025 The MITRE Corporation. This work is reproduced and distributed with the \
                                        permission of The MITRE Corporation.";

/// The licence that every copy carries beside it, in ATT&CK's words.
const ATTACK_LICENCE: &str = "The MITRE Corporation (MITRE) hereby grants you a non-exclusive, royalty-free license to use \
    ATT&CK® for research, development, and commercial purposes. Any copy you make for such purposes is authorized provided \
    that you reproduce MITRE's copyright designation and this license in any such copy.";

/// The sources of the catalog.
pub(super) fn sources(sources: &[SourceInfo]) -> Markup {
    // Folders that no version control knows have neither.
    let has_commits = sources.iter().any(|source| source.origin.commit.is_some());
    let has_dates = sources.iter().any(|source| source.origin.date.is_some());
    html! {
        div.scroll tabindex="0" role="region" aria-label="Sources" {
            table aria-label="Sources" {
                thead { tr {
                    th.wide scope="col" { "Source" } th scope="col" { "Kind" } th.n scope="col" { "Files" } th.n scope="col" { "Rules" }
                    @if has_commits { th scope="col" { "Commit" } } @if has_dates { th scope="col" { "Date" } } th scope="col" { "Licence" }
                } }
                tbody {
                    @for source in sources {
                        tr {
                            td.w { @match source.origin.url.as_deref().and_then(web_address) {
                                Some(url) => a rel="noreferrer" href=(url) { (clipped(&source.name, 60)) },
                                None => (clipped(&source.name, 60)),
                            } }
                            td { (source.kind) }
                            td.n { (number(source.files.into())) }
                            td.n { @if source.rules > 0 { (number(source.rules.into())) } @else { span.faint { "–" } } }
                            @if has_commits { td.val { (origin(source.origin.commit.as_deref(), 10)) } }
                            @if has_dates { td { (origin(source.origin.date.as_deref(), 20)) } }
                            td { (origin(source.origin.license.as_deref(), 40)) }
                        }
                    }
                }
            }
        }
    }
}

fn origin(fact: Option<&str>, most: usize) -> Markup {
    html! {
        @match fact {
            Some(fact) => (clipped(fact, most).trim_end_matches('…')),
            None => span.faint { "–" },
        }
    }
}

/// How everything is counted.
pub(crate) fn about(view: &AboutView) -> Markup {
    let contents = [
        ("method", "Method", None),
        ("fields", "Fields", None),
        ("indicators", "Indicators", None),
        ("telling", "Telling", None),
        ("exclusions", "Exclusions", None),
        ("events", "Events", None),
        ("techniques", "Techniques", None),
        ("controls", "Controls and tests", None),
        ("recordings", "Public recordings", None),
        ("sources", "Sources", None),
    ];
    let body = html! {
        h1 { "How it is counted" }
        p.about {
            (number(view.rules.total)) " rules counted of " (number(view.all_rules)) " in the catalog, read by Ruleatlas "
            (view.program) "; " (number(view.indicators)) " distinct indicators, " (number(view.exclusions))
            " distinct exclusions, " (number(view.fields)) " fields, " (number(view.known_fields)) " of them in the table of fields. "
            a href="/ledger" { "What was not understood" } " stands in the parse ledger."
        }
        div.prose {
            h2 #method { "Method" }
            p {
                "A rule’s query is read into conditions, and a condition into predicates: a field, an operator, one or more "
                "values. What could not be read stays in the rule as an opaque part, marked where it stands; everything "
                "around it still counts, and the rule says that it was read in part."
            }
            p {
                "A predicate’s role is read off the condition with every negation moved down to the predicates. What must "
                "be there is an " b { "indicator" } ". What must not be there, outside any alternative of the author’s, is an "
                b { "exclusion" } ". A negation inside an alternative and an exception to an exclusion are " b { "nested" }
                ", a comparison of something computed is " b { "computed" } "; both are shown with the rule and counted nowhere."
            }
            p {
                "Rules that their authors call deprecated or unsupported are in the catalog and outside every count until a "
                "filter asks for them. Two variants of one rule count once."
            }
            h2 #fields { "Fields" }
            p {
                "Vendors name one thing differently. A field stands here under one name, that of the practitioners of its "
                "telemetry; a name that the table of fields does not know stands as its author wrote it. A rule counts once "
                "for a field. Operators are as the author wrote them, so a rule can count for several."
            }
            h2 #indicators { "Indicators and their reach" }
            p {
                "A list of values is as many indicators. Values compare without case, and the spelling that most rules use is "
                "shown. On a path, a check that pins only the last part has the operator " code.val { "basename" }
                ", however it is spelled. A rule counts once for an indicator, however often it checks it. "
                "Corpus reach is the number of counted rules in the whole catalog, of any technique, that look for the same: "
                "a value with many rules here and little reach beyond is telling for this technique."
            }
            h2 #telling { "Telling" }
            p {
                "A page has n of the catalog’s N counted rules; a value is checked by O of them and by r in the whole catalog. "
                "Drawn by lot, E = n · r / N of the page’s rules would check it. The column " em { "telling" } " is 2 to the power of"
            }
            pre.query { "log₂((O + ½) / (E + ½)) − 3.3 · (O + ½)^(−1/2) − 2 · (O + ½)^(−3/2)" }
            p {
                "which is the lower end of the 95 % interval of the information component: at least so many times as often as by "
                "chance. A stroke stands where it is not told from chance. JSON and CSV have the exponent as "
                code.val { "distinctiveness" } ", and E as " code.val { "expected" } ". Fields and exclusions are ranked alike."
            }
            p {
                "Rules of two vendors are as alike as the weight of what both look for, over the geometric mean of what each looks "
                "for alone; a value weighs the logarithm of N / r."
            }
            h2 #exclusions { "Exclusions" }
            p {
                "The same over what rules leave out. An exclusion is grouped when its rule excludes only what has all of "
                "several values together: such a value must not be read alone."
            }
            h2 #events { "Events" }
            p {
                "A rule reads an event when it names the event’s id, or when its log source means that event. Where a rule "
                "does both, it counts as written."
            }
            p {
                "A rule can fire on a set of collected events when of every step of its query one of the events that the step "
                "can read is collected; where the rule writes an id, that very one. It cannot when some step has events and "
                "none of them is collected, and it is not known when nobody knows which events a step reads. Steps that must "
                "be absent, and those that only add to a hit, are not needed."
            }
            h2 #techniques { "Techniques" }
            p {
                "A technique is one of ATT&CK " (clipped(&view.attack_version, 40)) ", the version that is loaded. A tag with an id of another "
                "version leads to it by ATT&CK’s own notes on what revoked what, and by a table of the ids that later versions "
                "brought. The rule’s page shows the tag as written and the way it took."
            }
            h2 #controls { "Controls and tests" }
            p {
                "A countermeasure, analytic or test belongs to a technique " em { "officially" } " when its source maps it to the technique, and is "
                em { "derived" } " when that follows from what the source says: all of D3FEND’s follow from the digital artifacts that technique and "
                "countermeasure both touch. Counted is the technique with its sub-techniques, each resource once; what belongs to the technique above is "
                "shown and not counted. A technique can be validated when there is a detection and a test for it."
            }
        }
        h2 #recordings { "Public recordings" }
        (recordings(view.recordings))
        h2 #sources { "Sources" }
        (sources(&view.sources))
    };
    Page { title: "How it is counted", asked: "", contents: &contents, body }.render_at("/about")
}

/// The recordings on which rules were measured.
fn recordings(rows: &[Recording]) -> Markup {
    html! {
        p.about {
            "A row is a public collection of logs. Rules of all vendors were run on it, and the pages of rules and values say how often they "
            "held. These are recordings of attacks in labs: a rule with many hits there is no noisy rule elsewhere, and one without may be. "
            "Rules that were changed since were measured as they were."
        }
        div.scroll tabindex="0" role="region" aria-label="Public recordings" {
            table aria-label="Public recordings" {
                thead { tr { th scope="col" { "Collection" } th.n scope="col" { "Events" } th.n scope="col" { "Asked about" } th.n scope="col" { "Hosts" } th.wide scope="col" { "What it records" } } }
                tbody {
                    @for row in rows {
                        tr {
                            td { @match web_address(&row.url) { Some(url) => a rel="noreferrer" href=(url) { (clipped(&row.name, 60)) }, None => (clipped(&row.name, 60)) } }
                            td.n { (number(row.events)) }
                            td.n { (number(row.asked)) }
                            td.n { (number(row.hosts)) }
                            td.w { (clipped(&row.about, 200)) }
                        }
                    }
                }
            }
        }
    }
}

/// What the sources' licences ask to be said.
pub(crate) fn notices(view: &AboutView) -> Markup {
    let has = |vendor| view.sources.iter().any(|source| source.kind.vendor() == Some(vendor));
    let body = html! {
        h1 { "Notices and licences" }
        div.prose {
            h2 { "MITRE ATT&CK®" }
            p { (ATTACK_NOTICE) }
            blockquote { p { (ATTACK_LICENCE) } }
            p {
                "Names, descriptions, tactics and platforms of techniques are ATT&CK’s, provided as is; ATT&CK and MITRE ATT&CK are "
                "registered trademarks of The MITRE Corporation. "
                a rel="noreferrer" href="https://attack.mitre.org/resources/legal-and-branding/terms-of-use/" { "Terms of use" }
            }
            h2 { "Rules" }
            p {
                "A rule, its query, title and description belong to its authors. Every rule’s page names them as the rule "
                "credits them, with its licence and, where the source’s commit is known, a link to the file."
            }
            @for terms in Vendor::ALL.iter().filter(|vendor| has(**vendor)).filter_map(|vendor| vendor.info().terms.as_ref()) {
                p {
                    (terms.whose) " stand under the "
                    a rel="noreferrer" href=(terms.url) { (terms.license) }
                    ", " (terms.demand)
                }
            }
            @let has_kind = |kind: &str| view.sources.iter().any(|source| source.kind.name() == kind);
            @if ["d3fend", "car", "atomic", "stratus"].into_iter().any(has_kind) {
                h2 { "Countermeasures, analytics and tests" }
                @if has_kind("d3fend") {
                    p { "D3FEND™ and its logo are trademarks of The MITRE Corporation; its ontology stands under the MIT License." }
                }
                @if has_kind("car") {
                    p { "The Cyber Analytics Repository is © 2022 The MITRE Corporation, under the Apache License 2.0." }
                }
                @if has_kind("atomic") {
                    p { "Atomic Red Team is © Red Canary, Inc., under the MIT License." }
                }
                @if has_kind("stratus") {
                    p { "Stratus Red Team is © 2021 to the present Datadog, Inc., under the Apache License 2.0." }
                }
            }
        }
        h2 { "Sources of this catalog" }
        (sources(&view.sources))
    };
    Page { title: "Notices and licences", asked: "", contents: &[], body }.render()
}
