use std::{net::SocketAddr, path::Path, process::ExitCode};

use anyhow::Context as _;
use ruleatlas_views::Atlas;

use super::build;
use crate::{args::Serve, demo, output, paths, progress::Report};

pub fn run(options: &Serve, db: Option<&Path>) -> anyhow::Result<ExitCode> {
    let path = paths::catalog(db)?;
    serve(Atlas::open(&path)?, options.addr)
}

/// Without a command: serves the catalog, and where there is none builds that of the demo corpus before.
pub fn first_run(db: Option<&Path>) -> anyhow::Result<ExitCode> {
    let path = paths::catalog(db)?;
    if !path.exists() {
        output::say(format_args!("no catalog yet: building the demo corpus; `ruleatlas sync` fetches the public ones"));
        let report = Report::new();
        build::make(demo::sources(), db, &report)?;
    }
    serve(Atlas::open(&path)?, SocketAddr::from(([127, 0, 0, 1], 7071)))
}

fn serve(atlas: Atlas, addr: SocketAddr) -> anyhow::Result<ExitCode> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no server can be started")?;
    runtime.block_on(ruleatlas_web::serve(atlas, addr, |addr| {
        output::say(format_args!("http://{addr}/  (Ctrl-C ends)"));
    }))?;
    Ok(ExitCode::SUCCESS)
}
