//! The form that narrows a page's rules; it works without JavaScript.

use maud::{Markup, html};
use ruleatlas_catalog::{Facet, Filters, Index, Scope};
use ruleatlas_model::Status;

use crate::{
    params::Params,
    text::{clipped, number},
};

/// One thing to filter by.
struct Choice {
    name: &'static str,
    label: &'static str,
    options: Vec<Choosable>,
}

struct Choosable {
    value: String,
    rules: u64,
    is_chosen: bool,
}

/// The form of a page that stands at `address`.
pub(super) struct Form<'a> {
    pub(super) address: &'a str,
    pub(super) params: &'a Params,
    /// The page's rules under some filters. The numbers in the form are those without any.
    pub(super) scope: &'a dyn Fn(&Filters) -> Scope,
    /// What else the page may be asked.
    pub(super) besides: Markup,
    /// Where the page stands without filters, when not at `address`.
    pub(super) clear: Option<&'a str>,
}

pub(super) fn filters(index: &Index, form: &Form<'_>) -> Markup {
    let Form { address, params, scope, besides, clear } = form;
    let counted = scope(&Filters::default());
    // Deprecated rules are counted when asked for, so the form says how many there are.
    let any_status = scope(&Filters { statuses: Status::ALL.to_vec(), ..Filters::default() });
    let filters = &params.filters;
    let names = |names: Vec<&'static str>| names.into_iter().map(str::to_owned).collect::<Vec<_>>();
    let choices = [
        ("vendor", "Vendor", Facet::Vendor, names(filters.vendors.iter().map(|it| it.name()).collect()), &counted),
        ("platform", "Platform", Facet::Platform, filters.platforms.clone(), &counted),
        ("domain", "Domain", Facet::Domain, filters.domains.clone(), &counted),
        (
            "severity",
            "Severity",
            Facet::Severity,
            names(filters.severities.iter().map(|it| it.name()).collect()),
            &counted,
        ),
        ("status", "Status", Facet::Status, names(filters.statuses.iter().map(|it| it.name()).collect()), &any_status),
        ("parse", "Parsed", Facet::Parse, names(filters.parse.iter().map(|it| it.name()).collect()), &counted),
    ];
    let choices: Vec<Choice> = choices
        .into_iter()
        .map(|(name, label, facet, chosen, scope)| Choice {
            name,
            label,
            options: options(index, facet, chosen, scope),
        })
        .filter(|choice| !choice.options.is_empty())
        .collect();
    html! {
        form.filters action=(address) aria-label="Filters" {
            @for choice in &choices { (menu(choice)) }
            (days(filters))
            (besides)
            button type="submit" { "Apply" }
            @if !filters.is_empty() || params.only_itself { a href=(clear.unwrap_or(address)) { "Clear" } }
        }
    }
}

/// The days between which rules were changed.
fn days(filters: &Filters) -> Markup {
    let (since, until) = (filters.since.as_ref(), filters.until.as_ref());
    html! {
        details.menu.chosen[since.or(until).is_some()] name="filter" {
            summary {
                "Changed"
                @if let Some(day) = since { " from " b { (day) } }
                @if let Some(day) = until { " to " b { (day) } }
            }
            fieldset {
                legend.unseen { "Changed, or written where no change is said" }
                label.day { span { "from" } input type="date" name="since" value=[since]; }
                label.day { span { "to" } input type="date" name="until" value=[until]; }
            }
        }
    }
}

fn options(index: &Index, facet: Facet, chosen: Vec<String>, scope: &Scope) -> Vec<Choosable> {
    let mut options: Vec<Choosable> = index
        .values(facet)
        .map(|(value, set)| Choosable {
            value: value.to_owned(),
            rules: set.intersection_len(&scope.rules),
            is_chosen: chosen.iter().any(|other| other == value),
        })
        .filter(|option| option.rules > 0 || option.is_chosen)
        .collect();
    let unknown = chosen.into_iter().filter(|value| index.set(facet, value).is_none());
    options.extend(unknown.map(|value| Choosable { value, rules: 0, is_chosen: true }).collect::<Vec<_>>());
    options.sort_by(|a, b| b.rules.cmp(&a.rules).then_with(|| a.value.cmp(&b.value)));
    options
}

/// A menu of boxes to tick, whose head says what is ticked.
fn menu(choice: &Choice) -> Markup {
    let chosen: Vec<String> =
        choice.options.iter().filter(|option| option.is_chosen).map(|option| clipped(&option.value, 24)).collect();
    html! {
        details.menu.chosen[!chosen.is_empty()] name="filter" {
            summary {
                (choice.label)
                @match chosen.as_slice() {
                    [] => {},
                    [only] => { ": " b { (only) } },
                    many => { ": " b { (many.len()) } },
                }
            }
            fieldset {
                legend.unseen { (choice.label) }
                @for option in &choice.options {
                    label {
                        input type="checkbox" name=(choice.name) value=(crate::text::attr_escape(&option.value)) checked[option.is_chosen];
                        span { (clipped(&option.value, 40)) }
                        span.count { (number(option.rules)) }
                    }
                }
            }
        }
    }
}
