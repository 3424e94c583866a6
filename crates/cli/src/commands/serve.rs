use std::{net::SocketAddr, path::Path, process::ExitCode, sync::Arc};

use anyhow::Context as _;
use ruleatlas_views::{Atlas, LogHits};
use ruleatlas_web::ServeOptions;

use super::{build, open};
use crate::{
    args::Serve,
    demo,
    output::{self, WrongCall},
    paths,
    progress::Report,
    signals,
};

pub fn run(options: &Serve, db: Option<&Path>) -> anyhow::Result<ExitCode> {
    let path = paths::catalog(db)?;
    let cors = options.cors.as_deref().map(origin).transpose()?;
    let allowed_hosts = options.allowed_hosts.iter().map(|name| host(name)).collect::<anyhow::Result<_>>()?;
    let mut atlas = open(&path)?;
    if let Some(hits) = &options.hits {
        atlas = atlas.with_hits(Arc::new(LogHits::open(hits)?)).map_err(|(_, error)| error)?;
        warn(options);
    }
    serve(atlas, options.addr, ServeOptions { cors, allowed_hosts, ..ServeOptions::default() })
}

/// Says who else may read log data.
fn warn(options: &Serve) {
    if !options.addr.ip().to_canonical().is_loopback() {
        output::say(format_args!(
            "warning: hits hold log data, and whoever reaches {} can read them; there is no login. Listen on a loopback address, \
             or put a proxy with a login in front",
            options.addr
        ));
    }
    if let Some(origin) = &options.cors {
        output::say(format_args!("warning: hits hold log data, and scripts of {origin} can read them"));
    }
}

/// An origin as browsers send it, or `*`.
fn origin<T: TryFrom<String>>(text: &str) -> anyhow::Result<T> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let is_host = |host: &str| {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.:[]".contains(&byte);
        !host.is_empty() && host.bytes().all(plain)
    };
    let wrong = || WrongCall(format!("`{text}` is no origin; one is written like https://example.org, or * for any"));
    if text != "*" && !host.is_some_and(is_host) {
        return Err(wrong().into());
    }
    T::try_from(text.to_owned()).map_err(|_| wrong().into())
}

/// A host name or an address that `--allowed-host` gives.
fn host(text: &str) -> anyhow::Result<String> {
    let wrong = || {
        WrongCall(format!("`{text}` is no host name; one is written like atlas.example.org, without scheme and port"))
    };
    Ok(ruleatlas_web::allowed_host(text).ok_or_else(wrong)?)
}

/// Without a command: serves the catalog, and where there is none builds that of the demo corpus before.
pub fn first_run(db: Option<&Path>) -> anyhow::Result<ExitCode> {
    let path = paths::catalog(db)?;
    if !path.exists() {
        output::say(format_args!("no catalog yet: building the demo corpus; `ruleatlas sync` fetches the public ones"));
        let _watch = signals::Watch::begin();
        build::make(demo::sources(), db, &Report::new(), false)?;
    }
    serve(open(&path)?, SocketAddr::from(([127, 0, 0, 1], 7071)), ServeOptions::default())
}

fn serve(atlas: Atlas, addr: SocketAddr, options: ServeOptions) -> anyhow::Result<ExitCode> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no server can be started")?;
    let options = ServeOptions { notice: Some(|sentence| output::say(format_args!("{sentence}"))), ..options };
    runtime.block_on(ruleatlas_web::serve_with(atlas, addr, options, |addr| {
        output::say(format_args!("http://{addr}/  (Ctrl-C ends)"));
    }))?;
    Ok(ExitCode::SUCCESS)
}
