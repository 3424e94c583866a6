use ruleatlas_core::Frontend;
use ruleatlas_model::Language;

/// Every front end there is. A new language is one line here.
static FRONTENDS: &[&dyn Frontend] = &[&ruleatlas_sigma::Sigma];

/// Every front end there is.
#[must_use]
pub fn frontends() -> &'static [&'static dyn Frontend] {
    FRONTENDS
}

/// The front end of a language; `None` for a language that no front end reads yet.
#[must_use]
pub fn frontend(language: Language) -> Option<&'static dyn Frontend> {
    FRONTENDS.iter().copied().find(|frontend| frontend.language() == language)
}
