use std::{io, net::SocketAddr};

/// Why the site cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another program listens there.
    #[error("{0} is taken by another program; stop that one, or name another address, as in `--addr 127.0.0.1:7072`")]
    Taken(SocketAddr),
    /// The system lets nobody listen there.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// Serving broke off.
    #[error("serving broke off: {0}")]
    Serve(#[from] io::Error),
}
