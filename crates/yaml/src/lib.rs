//! YAML as a tree that keeps raw scalar text, quoting style and byte spans.
//!
//! Rules are written in YAML, and what they say must not be changed by reading: `00429` is no number, `on` is no
//! boolean, and every scalar knows where it stands. Anchors, aliases, merge keys and several documents a file are
//! understood; depth and size are bounded, so that no input can exhaust the stack or the memory.
//!
//! ```
//! let parsed = ruleatlas_yaml::parse("detection:\n  Details: 00429\n")?;
//! let details = parsed.documents[0].get("detection").and_then(|detection| detection.get("Details"));
//! assert_eq!(details.and_then(|node| node.text()), Some("00429"));
//! # Ok::<(), ruleatlas_yaml::Error>(())
//! ```
//!
//! It does not convert scalars to types, and it does not write YAML.

mod build;
mod node;
mod repair;

pub use build::{Error, Parsed, Warning, parse};
pub use node::{Node, Style, Value};
pub use repair::{Repaired, parse_lenient};
