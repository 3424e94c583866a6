/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The catalog could not be read.
    #[error(transparent)]
    Store(#[from] ruleatlas_store::Error),
    /// The file of hits could not be read.
    #[error(transparent)]
    Hits(#[from] ruleatlas_hits::Error),
    /// There is no such thing in the catalog.
    #[error("there is no {what} `{name}` in the catalog{}", hint(near))]
    NotFound {
        /// What was asked for (`technique`, `rule`).
        what: &'static str,
        /// The name as given.
        name: String,
        /// Names that look like it, the nearest first.
        near: Vec<String>,
    },
    /// What was asked cannot be answered with this catalog: why, and what to do.
    #[error("{0}")]
    Unanswerable(String),
}

fn hint(near: &[String]) -> String {
    if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(", ")) }
}
