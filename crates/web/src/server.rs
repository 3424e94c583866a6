use std::{convert::Infallible, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{Router, body::Body, http::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use ruleatlas_views::Atlas;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tower::ServiceExt as _;

use crate::{
    Error, Limits, ServeOptions,
    app::{App, routed},
    client::Client,
    connections::{self, Connections, Place},
    host::HostPolicy,
    limits, reload,
    stream::KeepUp,
};

/// How long requests under way have to be answered once the server is to end.
const GRACE: Duration = Duration::from_secs(10);
/// How long accepting pauses when the system has no room for one more connection, and none here can give way.
const PAUSE: Duration = Duration::from_millis(100);
/// The same when some are about to close.
const SHORT_PAUSE: Duration = Duration::from_millis(5);

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
    let hosts = HostPolicy::new(Some(addr.ip()), &options.allowed_hosts, options.cors.clone());
    let app = App::new(Arc::new(atlas), options.limits.clone());
    reload::watch(&app, options.notice);
    let router = routed(app, hosts, options.cors);
    ready(listener.local_addr()?);
    accept(listener, router, &options.limits).await;
    Ok(())
}

/// Accepts connections until the process is interrupted, then waits for those with requests under way.
pub(crate) async fn accept(listener: TcpListener, router: Router, limits: &Limits) {
    let most = connections::within_file_limit(limits.connections);
    let connections = Connections::new(most, limits.connections_per_client);
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.head_timeout).max_buf_size(limits::MAX_HEAD);
    let server = Arc::new(Server { http, router, read_period: limits.read_period });
    let (ending, _) = watch::channel(());
    let mut interrupted = pin!(interrupted());
    loop {
        let accepted = tokio::select! {
            () = &mut interrupted => break,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // A connection that ended before it was accepted is no reason to stop, nor is a lack of files or memory.
                if connections::is_exhausted(&error) {
                    let pause = if connections.make_room() > 0 { SHORT_PAUSE } else { PAUSE };
                    tokio::time::sleep(pause).await;
                }
                continue;
            }
        };
        let client = Client::of(peer.ip());
        match connections.admit(client) {
            Some(place) => {
                let (server, ending) = (Arc::clone(&server), ending.subscribe());
                tokio::spawn(async move { server.connected(stream, client, place, ending).await });
            }
            None => refuse(&stream),
        }
    }
    drop(listener);
    ending.send_replace(());
    // Those that do not end in time are cut off with the process.
    let _ = tokio::time::timeout(GRACE, ending.closed()).await;
}

/// Tells a client that it has too many connections, as far as the socket takes it at once.
fn refuse(stream: &TcpStream) {
    const MESSAGE: &str = "Too many connections of your address are open. Try again later.\n";
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\nretry-after: 5\r\n\
         connection: close\r\n\r\n{MESSAGE}",
        MESSAGE.len()
    );
    let _ = stream.try_write(answer.as_bytes());
}

/// What all connections share.
struct Server {
    http: http1::Builder,
    router: Router,
    read_period: Duration,
}

impl Server {
    /// Answers the requests of a connection until it ends, or has to.
    async fn connected(&self, stream: TcpStream, client: Client, place: Place, mut ending: watch::Receiver<()>) {
        // Answers are written whole: waiting for more to send with them only delays the last part.
        let _ = stream.set_nodelay(true);
        let state = &place.connection;
        let service = service_fn(|request: Request<Incoming>| {
            let answering = state.answering();
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(client);
            let response = self.router.clone().oneshot(request);
            async move {
                let response = response.await;
                drop(answering);
                response as Result<_, Infallible>
            }
        });
        let stream = TokioIo::new(KeepUp::new(stream, self.read_period));
        let mut connection = pin!(self.http.serve_connection(stream, service));
        let mut is_ending = false;
        loop {
            tokio::select! {
                // A connection that broke off, or whose client was too slow, ends without a word: there is nobody to tell.
                _ = &mut connection => return,
                () = state.told_to_close() => return,
                _ = ending.changed(), if !is_ending => {
                    is_ending = true;
                    connection.as_mut().graceful_shutdown();
                }
            }
        }
    }
}

/// Waits for ctrl-c; where the system has no such signal, for ever.
async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
