//! A folder on disk in, documents out: rules with their metadata and query text, and the ATT&CK knowledge base.
//!
//! A [`Format`] knows how one vendor lays out its rules. It is handed the files of a source and gives a [`Draft`] a
//! rule: everything that stands beside the query, the query's text, and what the query's language will ask for. Every
//! file is accounted for: it holds rules, is no rule (and why), or could not be read.
//!
//! ```no_run
//! use ruleatlas_model::Vendor;
//! use ruleatlas_sources::{SourceKind, SourceSpec, read_files};
//!
//! let spec = SourceSpec::new(SourceKind::Rules(Vendor::Sigma), "rules/");
//! let files = read_files(&spec)?;
//! println!("{} files", files.len());
//! # Ok::<(), ruleatlas_sources::Error>(())
//! ```
//!
//! It does not know how queries are parsed.

mod anvilogic;
mod atomic;
pub mod attack;
mod bounds;
mod car;
mod companions;
mod controls;
mod d3fend;
mod decode;
mod draft;
mod elastic;
mod error;
pub mod events;
mod falco;
mod files;
pub mod have;
mod heading;
mod ids;
mod kusto;
mod license;
mod likely;
mod logscale;
mod metadata;
mod package;
mod panther;
mod sigma;
mod spec;
mod splunk;
mod stratus;
mod sublime;
pub mod sync;
mod tree;
mod unique;
mod wazuh;
mod yaral;

use ruleatlas_model::{Language, Vendor};

pub use attack::TagPlace;
pub use companions::companions;
pub use controls::{Cite, ControlSet, read_controls};
pub use decode::{Decoded, Encoding, NotText, decode};
pub use draft::{Draft, Format, Outcome, RawTag};
pub use error::Error;
pub use files::{Content, SourceFile, read_files};
pub use license::{Licenses, license_of};
pub use likely::looks_like_query;
pub use spec::{Origin, SourceKind, SourceSpec};

/// The format of a vendor's rules.
///
/// `is_query` is asked whether a text that nobody marked as a query is one of that language: formats do not know how
/// queries are parsed.
#[must_use]
pub fn format_of(vendor: Vendor, is_query: fn(Language, &str) -> bool) -> Box<dyn Format> {
    match vendor {
        Vendor::Sigma => Box::new(sigma::SigmaRules),
        Vendor::Elastic => Box::new(elastic::ElasticRules),
        Vendor::Splunk => Box::new(splunk::SplunkRules),
        Vendor::Kusto => Box::new(kusto::KustoRules { is_query }),
        Vendor::Panther => Box::new(panther::PantherRules),
        Vendor::Falco => Box::new(falco::FalcoRules),
        Vendor::Sublime => Box::new(sublime::SublimeRules),
        Vendor::Logscale => Box::new(logscale::LogscaleRules),
        Vendor::Wazuh => Box::new(wazuh::WazuhRules),
        Vendor::YaraL => Box::new(yaral::YaraLRules),
        Vendor::Anvilogic => Box::new(anvilogic::AnvilogicRules),
    }
}
