//! Pages, JSON and static files from one set of view functions.
use std::net::SocketAddr;

use ruleatlas_views::Atlas;

/// Serves.
///
/// # Errors
/// The port is taken.
pub async fn serve(_atlas: Atlas, _addr: SocketAddr, _ready: impl FnOnce(SocketAddr)) -> std::io::Result<()> {
    Ok(())
}
