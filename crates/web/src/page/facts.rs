use maud::{Markup, Render, html};

/// Facts as a list of names and what they are; those without content fall away.
#[derive(Default)]
pub(super) struct Facts(Vec<(&'static str, Markup)>);

impl Facts {
    /// Adds a fact.
    pub(super) fn add(&mut self, name: &'static str, fact: Markup) {
        if !fact.0.trim().is_empty() {
            self.0.push((name, fact));
        }
    }
}

impl Render for Facts {
    fn render(&self) -> Markup {
        html! { dl.facts { @for (name, fact) in &self.0 { div { dt { (name) } dd { (fact) } } } } }
    }
}
