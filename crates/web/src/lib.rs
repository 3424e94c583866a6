//! Pages, JSON and static files from one set of view functions.
//!
//! [`serve`] answers on an address until it is told to stop; [`router`] is the same without a socket. Every page is made
//! on the server from a view of `ruleatlas-views`, is complete without JavaScript, and asks no other host for anything.
//!
//! ```no_run
//! use ruleatlas_views::Atlas;
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let atlas = Atlas::open("catalog.db".as_ref())?;
//! ruleatlas_web::serve(atlas, ([127, 0, 0, 1], 7071).into(), |at| println!("http://{at}/")).await?;
//! # Ok(())
//! # }
//! ```
//!
//! It parses no query and counts nothing. All text from rules is untrusted here: it is escaped, control characters in it
//! are made visible, and only addresses of `http` and `https` become links.

#[cfg(test)]
extern crate self as ruleatlas_web;

mod answer;
mod app;
mod assets;
mod cache;
mod client;
mod connections;
mod cors;
mod error;
mod export;
mod host;
mod limits;
mod markdown;
mod page;
mod params;
mod reload;
mod routes;
mod schedule;
mod server;
mod stream;
mod text;

pub use app::{ServeOptions, router, router_with};
pub use error::Error;
pub use export::{SiteError, SiteOptions, Written, site};
pub use host::allowed_host;
pub use limits::Limits;
pub use server::{serve, serve_with};
