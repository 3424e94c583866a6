use maud::{Markup, html};
use ruleatlas_model::ControlKind;
use ruleatlas_views::{Atlas, ColumnSource, CompassRow, CompassView, ControlColumn, Gap};

use super::{
    layout::Page,
    parts::{self, heading, or_dash},
};
use crate::{
    routes::API,
    text::{NAME, clipped, counted, encoded, number},
};

/// Bytes of a name that one can choose, and how many one can choose from; ATT&CK has fewer of both.
const MAX_CHOICE_BYTES: usize = 64;
const MAX_CHOICES: usize = 80;

/// Which rows of a list a page shows, and what it was asked.
pub(crate) struct Listed<'a> {
    /// The first row, from 0.
    pub(crate) offset: usize,
    /// All rows.
    pub(crate) distinct: usize,
    /// What stands behind `?`.
    pub(crate) pairs: &'a [(String, String)],
}

impl Listed<'_> {
    /// The query string with some parameters taken out and others put in.
    pub(super) fn query(&self, without: &[&str], with: &[(&str, &str)]) -> String {
        let kept = self.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let kept = kept.filter(|(name, _)| !without.contains(name) && *name != "offset");
        let pairs: Vec<String> =
            kept.chain(with.iter().copied()).map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
    }

    pub(super) fn has(&self, name: &str, value: &str) -> bool {
        self.pairs.iter().any(|(key, other)| key == name && other == value)
    }

    fn first(&self, name: &str) -> &str {
        self.pairs.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// The end of a list that is longer than the page.
    pub(super) fn rest(&self, address: &str, shown: usize, rows: usize) -> Markup {
        let to = |offset: usize| format!("{address}{}#techniques", self.query(&[], &[("offset", &offset.to_string())]));
        html! {
            @if shown < self.distinct {
                p.more {
                    (number(self.offset as u64 + 1)) "–" (number((self.offset + shown) as u64)) " of " (number(self.distinct as u64))
                    @if self.offset > 0 { " · " a rel="prev" href=(to(self.offset.saturating_sub(rows))) { "Previous" } }
                    @if self.offset + shown < self.distinct { " · " a rel="next" href=(to(self.offset + shown)) { "Next" } }
                }
            }
        }
    }
}

/// Every technique with its resources by source.
pub(crate) fn controls(atlas: &Atlas, view: &CompassView, listed: &Listed<'_>) -> Markup {
    let contents = [
        ("gaps", "Gaps of the corpus", None),
        ("techniques", "Techniques", Some(listed.distinct as u64)),
        ("sources", "Sources", Some(view.columns.len() as u64)),
    ];
    let data = |is_csv| {
        let format = if is_csv { "csv" } else { "json" };
        format!(
            "{API}/controls{}",
            listed.query(&["table", "format", "limit"], &[("table", "techniques"), ("format", format)])
        )
    };
    let body = html! {
        h1 { "Controls, rules and tests" }
        div.sum {
            p {
                b { (number(view.validated_total)) } " of " (number(view.techniques_total))
                " techniques can be validated: they have a detection and a test"
            }
        }
        p.about { a href="/align" { "Threat alignment" } " says where you stand against groups, software and campaigns." }
        section {
            (heading_only("gaps", "Gaps of the corpus"))
            ul.gaps {
                @for gap in &view.gaps {
                    li {
                        a href={ "/controls?gap=" (gap.gap.name()) "#techniques" } { b { (number(gap.techniques)) } }
                        span { "techniques " (gap.gap.title()) }
                    }
                }
            }
        }
        section {
            (heading("techniques", "Techniques", listed.distinct as u64))
            p.about {
                "A row is a technique; a number counts what a source has for it and its sub-techniques, each resource once. "
                em { "Policy" } ", " em { "detection" } " and " em { "test" } " count the sources of that kind that have any; "
                em { "valid" } " is a technique with a detection and a test."
            }
            (filters(atlas, listed))
            p.tools { a href=(data(true)) download="controls.csv" { "CSV" } " · " a href=(data(false)) { "JSON" } }
            @if view.techniques.is_empty() {
                p.empty { "No technique passes all of these filters. " a href="/controls#techniques" { "Clear them" } }
            } @else {
                (table(view, listed))
                (listed.rest("/controls", view.techniques.len(), 100))
            }
        }
        section {
            (heading("sources", "Sources", view.columns.len() as u64))
            p.about { "A row is a source. " em { "Mapped" } " counts its resources that belong to a technique of the loaded ATT&CK version." }
            (sources(&view.columns))
        }
    };
    Page { title: "Controls", asked: "", contents: &contents, body }.render_at("/controls")
}

fn heading_only(place: &str, name: &str) -> Markup {
    html! { h2 id=(place) { a href={ "#" (place) } { (name) } } }
}

/// The version of a source, or that it is not loaded.
pub(super) fn version(column: &ControlColumn) -> String {
    match (&column.version, column.loaded) {
        (_, false) => "not loaded".to_owned(),
        (Some(version), true) => clipped(version, 60),
        (None, true) => "no version stated".to_owned(),
    }
}

fn sources(columns: &[ControlColumn]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Sources" {
            table aria-label="Sources" {
                thead { tr {
                    th.wide scope="col" { "Source" } th scope="col" { "Kind" } th.n scope="col" { "Mapped" } th.n scope="col" { "Of" }
                    th scope="col" { "Version" } th scope="col" { "Licence" }
                } }
                tbody {
                    @for column in columns {
                        tr {
                            td { (column.title) }
                            td { (column.kind) }
                            td.n { (or_dash(column.mapped)) }
                            td.n { (or_dash(column.total)) }
                            td { @if column.loaded { (version(column)) } @else { span.faint { "not loaded" } } }
                            td { @match &column.license { Some(license) => (clipped(license, 40)), None => span.faint { "–" } } }
                        }
                    }
                }
            }
        }
    }
}

fn filters(atlas: &Atlas, listed: &Listed<'_>) -> Markup {
    let mut tactics: Vec<(&str, &str)> = Vec::new();
    for tactic in atlas.attack.tactics.iter().filter(|tactic| !tactic.deprecated) {
        if tactic.short_name.len() <= MAX_CHOICE_BYTES && !tactics.iter().any(|(short, _)| *short == tactic.short_name)
        {
            tactics.push((&tactic.short_name, &tactic.name));
        }
    }
    let mut platforms: Vec<&str> =
        atlas.attack.techniques.values().flat_map(|technique| technique.platforms.iter().map(String::as_str)).collect();
    platforms.retain(|platform| platform.len() <= MAX_CHOICE_BYTES);
    platforms.sort_unstable();
    platforms.dedup();
    platforms.truncate(MAX_CHOICES);
    tactics.truncate(MAX_CHOICES);
    let option = |name: &str, value: &str, label: &str| {
        html! {
            option value=(value) selected[listed.has(name, value)] { (clipped(label, NAME)) }
        }
    };
    html! {
        form.filters action="/controls#techniques" aria-label="Filters" {
            select name="gap" aria-label="Gap" {
                option value="" { "any gap or none" }
                @for gap in Gap::ALL { (option("gap", gap.name(), gap.title())) }
            }
            select name="tactic" aria-label="Tactic" {
                option value="" { "all tactics" }
                @for (short, name) in &tactics { (option("tactic", short, name)) }
            }
            select name="platform" aria-label="Platform" {
                option value="" { "all platforms" }
                @for platform in &platforms { (option("platform", platform, platform)) }
            }
            select name="matrix" aria-label="Matrix" {
                option value="" { "all matrices" }
                @for matrix in ["enterprise", "mobile", "ics"] { (option("matrix", matrix, matrix)) }
            }
            select name="validated" aria-label="Validated" {
                option value="" { "validated or not" }
                (option("validated", "yes", "with detection and test"))
                (option("validated", "no", "without one of them"))
            }
            @for name in ["sort", "reversed"] {
                @if !listed.first(name).is_empty() { input type="hidden" name=(name) value=(listed.first(name)); }
            }
            button type="submit" { "Apply" }
            @if !listed.pairs.is_empty() { a href="/controls#techniques" { "Clear" } }
        }
    }
}

fn table(view: &CompassView, listed: &Listed<'_>) -> Markup {
    let loaded: Vec<&ControlColumn> = view.columns.iter().filter(|column| column.loaded).collect();
    let now = listed.first("sort");
    let is_reversed = listed.has("reversed", "yes");
    let head = |key: &str, label: &str, title: &str, class: &str| {
        let is_now = now == key || (now.is_empty() && key.is_empty());
        let mut with: Vec<(&str, &str)> = Vec::new();
        if !key.is_empty() {
            with.push(("sort", key));
        }
        if is_now && !is_reversed {
            with.push(("reversed", "yes"));
        }
        let address = format!("/controls{}#techniques", listed.query(&["sort", "reversed"], &with));
        // Numbers begin with the largest.
        let is_up = is_reversed == (class == "n");
        let sort = is_now.then_some(if is_up { "ascending" } else { "descending" });
        html! {
            th.(class) scope="col" title=(title) aria-sort=[sort] {
                a href=(address) { (label) @if is_now { span.sorted aria-hidden="true" { @if is_up { "↑" } @else { "↓" } } } }
            }
        }
    };
    html! {
        div.scroll tabindex="0" role="region" aria-label="Techniques" {
            table.compass aria-label="Techniques" {
                thead { tr {
                    (head("", "Technique", "By id", "id"))
                    (head("name", "Name", "By name", "wide"))
                    @for column in &loaded { (head(column.source.name(), column.source.short_title(), column.title, "n")) }
                    (head("policy", "Policy", "Sources of policies that have any", "n"))
                    (head("detection", "Det.", "Sources of detections that have any", "n"))
                    (head("test", "Test", "Sources of tests that have any", "n"))
                    th scope="col" title="With a detection and a test" { "Valid" }
                } }
                tbody { @for row in &view.techniques { (self::row(row, &loaded)) } }
            }
        }
    }
}

fn row(row: &CompassRow, loaded: &[&ControlColumn]) -> Markup {
    let address = parts::technique_address(&row.technique);
    html! {
        tr {
            td { a.val href=(address) { (row.technique) } }
            td.w { (clipped(&row.name, NAME)) }
            @for column in loaded {
                @let count = row.resources.get(column.source.name()).copied().unwrap_or_default();
                td.n {
                    @if count == 0 { (or_dash(0)) }
                    @else { a href={ (address) "#" (place(column)) } title=(counted(count, "resource")) { (number(count)) } }
                }
            }
            @for kind in [ControlKind::Policy, ControlKind::Detection, ControlKind::Test] { td.n { (or_dash(u64::from(row.score(kind)))) } }
            td { @if row.validated { "yes" } @else { span.faint { "no" } } }
        }
    }
}

/// Where a source's resources stand on a technique's page.
pub(super) fn place(column: &ControlColumn) -> String {
    match column.source {
        ColumnSource::Rules(vendor) => format!("rules-{vendor}"),
        ColumnSource::Controls(source) => format!("controls-{source}"),
    }
}
