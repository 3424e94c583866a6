//! The page of a technique from a running server, asked for over 50 connections that are kept open.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use ruleatlas_benches::{corpus, http::Connection};
use ruleatlas_catalog::{Loaded, build};
use ruleatlas_model::Vendor;
use ruleatlas_sources::SourceKind;
use ruleatlas_store::{WriteOptions, write};
use ruleatlas_views::Atlas;

/// The allocator of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CONNECTIONS: usize = 50;
const REQUESTS: usize = 400;
const PAGES: [&str; 3] = ["T1071", "T1059", "T1003.001"];

fn main() {
    let (Some(sigma), Some(attack)) = (corpus(SourceKind::Rules(Vendor::Sigma)), corpus(SourceKind::Attack)) else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("catalog.db");
    let sources = Loaded::read(&[sigma, attack], &|_, _, _, _| {}).expect("the corpora can be read");
    let catalog = build(sources, &|_, _, _, _| {}).expect("the catalog can be built");
    write(&path, &catalog, WriteOptions::default()).expect("the catalog can be written");
    let atlas = Atlas::open(&path).expect("the catalog can be read");
    tokio::runtime::Runtime::new().expect("a runtime").block_on(measure(atlas));
}

async fn measure(atlas: Atlas) {
    let (told, port) = tokio::sync::oneshot::channel();
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    let server = tokio::spawn(ruleatlas_web::serve(atlas, address, move |address| {
        let _ = told.send(address);
    }));
    let address = port.await.expect("the server says where it listens");
    for page in PAGES {
        let page = format!("/technique/{page}");
        let first = ask(&mut connect(address).await, &page).await;
        let clients: Vec<_> = (0..CONNECTIONS)
            .map(|_| {
                let page = page.clone();
                tokio::spawn(async move {
                    let mut connection = connect(address).await;
                    let mut times = Vec::with_capacity(REQUESTS);
                    for _ in 0..REQUESTS {
                        times.push(ask(&mut connection, &page).await);
                    }
                    times
                })
            })
            .collect();
        let begun = Instant::now();
        let mut times = Vec::new();
        for client in clients {
            times.extend(client.await.expect("a client"));
        }
        let rate = times.len() as f64 / begun.elapsed().as_secs_f64();
        times.sort_unstable();
        let of = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
        println!(
            "{page} over {CONNECTIONS} connections: first {:.1} ms, p50 {:.2} ms, p99 {:.2} ms (bound 5), {rate:.0} a second",
            first.as_secs_f64() * 1e3,
            of(0.5),
            of(0.99)
        );
    }
    server.abort();
}

async fn connect(address: SocketAddr) -> Connection {
    Connection::open(Ipv4Addr::LOCALHOST, address).await.expect("a connection")
}

/// Asks for a page and reads it whole.
async fn ask(connection: &mut Connection, page: &str) -> Duration {
    let answer = connection.get(page).await.expect("an answer");
    assert_eq!(answer.status, 200, "{page}");
    answer.took
}
