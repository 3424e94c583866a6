use std::{io, net::SocketAddr, sync::Arc};

use ruleatlas_views::Atlas;
use tokio::net::TcpListener;

use crate::{
    Error, ServeOptions,
    app::{App, routed},
    reload,
};

/// Serves the site on `addr` until the process is interrupted; requests under way are answered first.
///
/// A catalog that takes the place of the one that is served is shown as soon as it is open; where it cannot be read, the
/// one before is served on.
///
/// `ready` is called once with the address that is listened on, which tells the port where `addr` leaves it open (`:0`).
///
/// # Errors
/// The address cannot be listened on.
pub async fn serve(atlas: Atlas, addr: SocketAddr, ready: impl FnOnce(SocketAddr)) -> Result<(), Error> {
    serve_with(atlas, addr, ServeOptions::default(), ready).await
}

/// The same with options.
///
/// # Errors
/// The address cannot be listened on.
pub async fn serve_with(
    atlas: Atlas,
    addr: SocketAddr,
    options: ServeOptions,
    ready: impl FnOnce(SocketAddr),
) -> Result<(), Error> {
    let listener = TcpListener::bind(addr).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => Error::Taken(addr),
        _ => Error::Listen { address: addr, error },
    })?;
    let app = App::new(Arc::new(atlas));
    let router = routed(Arc::clone(&app), options.clone());
    reload::watch(&app, options.notice);
    ready(listener.local_addr()?);
    Ok(axum::serve(listener, router).with_graceful_shutdown(interrupted()).await?)
}

/// Waits for ctrl-c; where the system has no such signal, for ever.
async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
