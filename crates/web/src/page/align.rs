use maud::{Markup, html};
use ruleatlas_model::{Threat, ThreatKind};
use ruleatlas_views::{AlignRow, AlignView, AlignmentStatus};

use super::{
    controls::Listed,
    layout::Page,
    parts::{self, heading, or_dash},
};
use crate::{
    routes::API,
    text::{NAME, clipped, counted, encoded, number, web_address},
};

/// Ids of threats in a row.
const WHO: usize = 6;

/// Who can be chosen.
pub(crate) fn threats(threats: &[Threat]) -> Markup {
    let mut named: Vec<&Threat> =
        threats.iter().filter(|threat| !threat.is_deprecated && !threat.techniques.is_empty()).collect();
    named.sort_by_cached_key(|threat| threat.name.to_lowercase());
    let of = |kind: ThreatKind| named.iter().filter(move |threat| threat.kind == kind);
    let kinds =
        [(ThreatKind::Group, "Groups"), (ThreatKind::Campaign, "Campaigns"), (ThreatKind::Software, "Software")];
    let contents: Vec<(&str, &str, Option<u64>)> =
        kinds.iter().map(|(kind, name)| (kind.name(), *name, Some(of(*kind).count() as u64))).collect();
    let body = html! {
        h1 { "Threat alignment" }
        p.about { "Say who threatens you, and see where rules and tests lack: the techniques that they use, the gaps first." }
        (choose(&[]))
        @if threats.is_empty() {
            p.empty {
                "The catalog holds no groups, software or campaigns. Build it with " code.val { "--source attack=PATH" }
                ", where PATH has ATT&CK’s bundles with them in or beside them."
            }
        }
        @for (kind, name) in kinds {
            @if of(kind).next().is_some() {
                section {
                    (heading(kind.name(), name, of(kind).count() as u64))
                    ul.threats {
                        @for threat in of(kind) {
                            li {
                                a href={ "/align?" (kind) "=" (encoded(&threat.id)) } title=(clipped(&threat.aliases.join(", "), 200)) { (clipped(&threat.name, NAME)) }
                                " " span.count { (number(threat.techniques.len() as u64)) }
                            }
                        }
                    }
                }
            }
        }
    };
    Page { title: "Threat alignment", asked: "", contents: &contents, body }.render()
}

/// The boxes for who threatens; what is chosen already stays.
fn choose(pairs: &[(String, String)]) -> Markup {
    let chosen = |kind: ThreatKind| pairs.iter().filter(move |(name, _)| name == kind.name());
    html! {
        form.filters action="/align" aria-label="Who threatens" {
            @for kind in ThreatKind::ALL {
                @for (name, value) in chosen(*kind) { input type="hidden" name=(name) value=(value); }
                label { "+ " (kind) " " input type="text" name=(kind) placeholder=(example(*kind)) autocomplete="off" spellcheck="false"; }
            }
            button type="submit" { "Add" }
            @if !pairs.is_empty() { a href="/align" { "Clear" } }
        }
        details.files {
            summary { "With files of your own: a layer that says who threatens, or what telemetry you collect" }
            form.filters action="/align" method="post" enctype="multipart/form-data" aria-label="Files of your own" {
                @for kind in ThreatKind::ALL {
                    @for (name, value) in chosen(*kind) { input type="hidden" name=(name) value=(value); }
                }
                label { "Navigator layer, format 4.x " input type="file" name="layer"; }
                label { "Telemetry, as " a href="/coverage" { "coverage" } " takes it " input type="file" name="have"; }
                button type="submit" { "Show" }
            }
            p.about { "They are read for this answer alone, and kept nowhere. Rules that the telemetry cannot feed do not count." }
        }
    }
}

fn example(kind: ThreatKind) -> &'static str {
    match kind {
        ThreatKind::Group => "APT29 or G0016",
        ThreatKind::Software => "Cobalt Strike or S0154",
        ThreatKind::Campaign => "C0022",
    }
}

/// Where one stands.
pub(crate) fn align(view: &AlignView, listed: &Listed<'_>, rows: usize) -> Markup {
    let contents = [
        ("threats", "Threats", Some(view.threats.len() as u64)),
        ("techniques", "Techniques, gaps first", Some(listed.distinct as u64)),
    ];
    let shown = view.techniques.iter().skip(listed.offset).take(rows);
    let stance = |stance: AlignmentStatus| view.stances.get(stance.name()).copied().unwrap_or_default();
    let names: Vec<&str> = view.threats.iter().map(|threat| threat.name.as_str()).collect();
    let body = html! {
        h1 { "Threat alignment" }
        div.sum {
            p {
                b { (number(listed.distinct as u64)) } @if listed.distinct == 1 { " technique: " } @else { " techniques: " }
                @for (at, each) in AlignmentStatus::ALL.into_iter().enumerate() { @if at > 0 { " · " } b { (number(stance(each))) } " " (each.title()) }
            }
        }
        @for note in &view.notes { p.note { (clipped(note, 600)) } }
        (choose(listed.pairs))
        section {
            (heading("threats", "Threats", view.threats.len() as u64))
            div.scroll tabindex="0" role="region" aria-label="Threats" {
                table aria-label="Threats" {
                    thead { tr { th scope="col" { "Id" } th.wide scope="col" { "Name" } th scope="col" { "Kind" } th.n scope="col" { "Techniques" } th scope="col" { span.unseen { "Take away" } } } }
                    tbody {
                        @for threat in &view.threats {
                            tr {
                                td { @match web_address(&threat.url) { Some(url) => a.val rel="noreferrer" href=(url) { (clipped(&threat.id, 40)) }, None => span.val { (clipped(&threat.id, 40)) } } }
                                td.w {
                                    (clipped(&threat.name, NAME))
                                    @if !threat.campaigns.is_empty() {
                                        div.faint {
                                            "Campaigns, which count when they are added: "
                                            @for campaign in &threat.campaigns {
                                                a.val href={ "/align" (listed.query(&[], &[("campaign", campaign)])) } { (clipped(campaign, 20)) } " "
                                            }
                                        }
                                    }
                                }
                                td { (threat.kind) }
                                td.n { (or_dash(threat.techniques)) }
                                td { @if let Some(query) = without(listed.pairs, threat) { a href={ "/align" (query) } { "take away" } } }
                            }
                        }
                    }
                }
            }
        }
        section {
            (heading("techniques", "Techniques, gaps first", listed.distinct as u64))
            p.about {
                "A row is a technique that at least one of them uses, by how many do. " em { "Detections" }
                " counts rules and analytics, " em { "tests" } " and " em { "policies" }
                " the other controls, all with sub-techniques; those that are detected and tested come last."
            }
            p.tools {
                a href={ (API) "/align/layer.json" (listed.query(&[], &[])) } download="alignment-layer.json" { "Layer for the ATT&CK Navigator" }
                " · " a href={ (API) "/align" (listed.query(&[], &[])) } { "JSON" }
            }
            @if view.techniques.is_empty() { p.empty { "ATT&CK names no technique that they use." } }
            @else { (table(shown)) }
            (listed.rest("/align", view.techniques.len().saturating_sub(listed.offset).min(rows), rows))
        }
    };
    let title = format!("Threat alignment: {}", clipped(&names.join(", "), 80));
    Page { title: &title, asked: "", contents: &contents, body }.render()
}

/// The query without a threat; `None` where it was given by another name.
fn without(pairs: &[(String, String)], threat: &ruleatlas_views::ThreatItem) -> Option<String> {
    let is_it = |value: &str| value.eq_ignore_ascii_case(&threat.id) || value.eq_ignore_ascii_case(&threat.name);
    let kept: Vec<String> = pairs
        .iter()
        .filter(|(name, value)| name != "offset" && !is_it(value))
        .map(|(name, value)| format!("{name}={}", encoded(value)))
        .collect();
    let is_given = pairs.iter().any(|(_, value)| is_it(value));
    is_given.then(|| if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) })
}

fn table<'a>(rows: impl Iterator<Item = &'a AlignRow>) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Techniques" {
            table.align aria-label="Techniques" {
                thead { tr {
                    th scope="col" { "Technique" } th.wide scope="col" { "Name" } th.n scope="col" { "Used by" } th scope="col" { "Who" }
                    th.n scope="col" { "Detections" } th.n scope="col" { "Tests" } th.n scope="col" { "Policies" } th scope="col" { "Stands" }
                } }
                tbody {
                    @for row in rows {
                        @let address = parts::technique_address(&row.row.technique);
                        tr {
                            td { a.val href=(address) { (row.row.technique) } }
                            td.w { (clipped(&row.row.name, NAME)) }
                            td.n { (number(row.used_by.len() as u64)) }
                            td title=(clipped(&row.used_by.join(" "), 300)) {
                                span.val.faint { (clipped(&row.used_by.iter().take(WHO).map(String::as_str).collect::<Vec<_>>().join(" "), 120)) }
                                @if row.used_by.len() > WHO { span.faint { " +" (row.used_by.len() - WHO) } }
                            }
                            td.n { @if row.detections > 0 { a href={ (address) "#rules" } title=(counted(row.detections, "detection")) { (number(row.detections)) } } @else { (or_dash(0)) } }
                            td.n { @if row.tests > 0 { a href={ (address) "#controls" } { (number(row.tests)) } } @else { (or_dash(0)) } }
                            td.n { @if row.policies > 0 { a href={ (address) "#controls" } { (number(row.policies)) } } @else { (or_dash(0)) } }
                            td { @if row.stance == AlignmentStatus::Covered { span.faint { (row.stance.title()) } } @else { b { (row.stance.title()) } } }
                        }
                    }
                }
            }
        }
    }
}
