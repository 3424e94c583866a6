//! What parsers of query languages share: byte spans, results with errors, error codes, patterns, tokens, and a printer
//! that does not recurse.
//!
//! ```
//! use ruleatlas_syntax::{ErrorKind as _, Parsed, Span, SyntaxError, error_kinds};
//!
//! error_kinds! {
//!     /// What can be wrong with a list of words.
//!     pub enum WordError {
//!         EmptyWord = "WRD001", Error, "empty word", example: "a,,b", remedy: "Remove one of the commas.";
//!     }
//! }
//!
//! fn parse(text: &str) -> Parsed<Vec<&str>, WordError> {
//!     let (mut tree, mut errors, mut at) = (Vec::new(), Vec::new(), 0);
//!     for word in text.split(',') {
//!         match word {
//!             "" => errors.push(SyntaxError::new(WordError::EmptyWord, Span::new(at, at), "A word is missing.")),
//!             word => tree.push(word),
//!         }
//!         at += word.len() + 1;
//!     }
//!     Parsed { tree, errors }
//! }
//!
//! let parsed = parse("a,,b");
//! assert_eq!(parsed.tree, ["a", "b"]);
//! assert_eq!(parsed.errors[0].kind.code(), "WRD001");
//! assert_eq!(parsed.errors[0].span, Span::new(2, 2));
//! ```
//!
//! It knows no language.

mod error;
mod parsed;
mod pattern;
mod print;
mod span;
mod token;

pub use error::{ErrorInfo, ErrorKind, Level, SyntaxError};
pub use parsed::Parsed;
pub use pattern::{Piece, read_pieces};
pub use print::{Parts, print, quote, quote_with};
pub use span::Span;
pub use token::{Token, TokenKind};
