//! The service with its workers held, so that it is known what waits and what does not.

#[path = "../../tests/common/mod.rs"]
mod common;

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::mpsc,
    time::Duration,
};

use self::common::Site;
use super::*;

fn app(site: &Site) -> Arc<App> {
    App::new(Arc::clone(&site.atlas), Limits { workers: 1, ..Limits::default() })
}

fn client(n: u8) -> Client {
    Client::of([127, 0, 0, n].into())
}

async fn status(app: &Arc<App>, client: Client, path: &str) -> u16 {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let answer = Arc::clone(app).answer(client, Address::new(path, query), HeaderMap::new());
    answer.await.status().as_u16()
}

#[test]
fn kept_answers_are_given_while_every_worker_is_taken() {
    let site = Site::demo();
    let app = app(&site);
    site.wait(async {
        assert_eq!(status(&app, client(1), "/about").await, 200);
        let release = hold_workers(&app).await;
        let waiting = {
            let app = Arc::clone(&app);
            tokio::spawn(async move { status(&app, client(3), "/matrix").await })
        };
        queues(&app, client(3), 1).await;
        for n in 1..=4 {
            assert_eq!(status(&app, client(n), "/about").await, 200);
        }
        assert!(!waiting.is_finished());
        drop(release);
        assert_eq!(waiting.await.unwrap(), 200);
    });
}

#[test]
fn every_answer_that_would_be_the_same_again_is_kept() {
    let site = Site::demo();
    let app = app(&site);
    for (path, expected) in [
        ("/", 200),
        ("/rules", 200),
        ("/rules?q=shell", 200),
        ("/api/v1/rules?limit=5", 200),
        ("/api/v1/rules?table=indicators&format=csv", 200),
        ("/technique/T1059?platform=amiga", 200),
        ("/technique/t1059", 302),
        ("/api/v1/technique/T1059?limit=3&offset=1", 200),
        ("/indicator?field=Image&op=basename&value=cmd.exe", 200),
        ("/api/v1/field/Image?limit=1", 200),
        ("/search?q=cmd", 200),
        ("/events?offset=1", 200),
        ("/controls?offset=1", 200),
        ("/part/rules?technique=T1059", 200),
        ("/nowhere", 404),
        ("/rules?vendor=nobody", 400),
    ] {
        assert_eq!(site.wait(status(&app, client(1), path)), expected, "{path}");
        let (name, query) = path.split_once('?').unwrap_or((path, ""));
        let key = (Address::new(name, query).key(), Coding::Identity);
        assert!(app.snapshot().cache.get(&key).is_some(), "{path}");
    }
}

#[test]
fn another_catalog_has_answers_of_its_own() {
    let site = Site::demo();
    let app = app(&site);
    assert_eq!(site.wait(status(&app, client(1), "/about")), 200);
    app.swap_snapshot(Arc::clone(&site.atlas));
    let key = (Address::new("/about", "").key(), Coding::Identity);
    assert!(app.snapshot().cache.get(&key).is_none());
    assert_ne!(app.snapshot().id, 0);
}

#[test]
fn what_was_slow_waits_among_expensive_work() {
    let site = Site::demo();
    let app = app(&site);
    let kind = ("/rules", Form::Page);
    assert_eq!(app.cost(kind), Cost::Light);
    app.timed(kind, || {
        let begun = Instant::now();
        let before = processor_seconds();
        let spent = || match (before, processor_seconds()) {
            (Some(before), Some(now)) => now - before,
            _ => begun.elapsed().as_secs_f64(),
        };
        while spent() < 2.0 * HEAVY_SECONDS {
            std::hint::spin_loop();
        }
    });
    assert_eq!(app.cost(kind), Cost::Heavy);
    assert_eq!(app.cost(("/rules", Form::Json)), Cost::Heavy, "it is taken to cost the same");
    assert_eq!(app.cost(("/about", Form::Page)), Cost::Light);
    // Where the system says what time a thread had, waiting costs nothing.
    let waiting = ("/about", Form::Page);
    app.timed(waiting, || std::thread::sleep(Duration::from_millis(100)));
    let expected = if processor_seconds().is_some() { Cost::Light } else { Cost::Heavy };
    assert_eq!(app.cost(waiting), expected);
}

/// Holds both workers of an app until what is given back is dropped.
async fn hold_workers(app: &Arc<App>) -> mpsc::Sender<()> {
    let (release, released) = mpsc::channel::<()>();
    let released = Arc::new(Mutex::new(released));
    for (n, cost) in [(101, Cost::Heavy), (102, Cost::Light)] {
        let (app, released) = (Arc::clone(app), Arc::clone(&released));
        let (start, started) = mpsc::channel();
        tokio::spawn(async move {
            let job = move |_: &Interest| {
                start.send(()).unwrap();
                let _ = released.lock().unwrap().recv();
                Answer::Failed
            };
            let _ = app.scheduler.run(client(n), None, cost, || None, job).await;
        });
        started.recv().unwrap();
    }
    release
}

async fn queues(app: &Arc<App>, client: Client, length: usize) {
    while app.scheduler.queued(client) != length {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[test]
fn a_request_whose_connection_ended_leaves_the_queue() {
    let site = Site::demo();
    let app = app(&site);
    site.wait(async {
        let release = hold_workers(&app).await;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = routed(Arc::clone(&app), HostPolicy::new(None, &[], None), None);
        let limits = app.limits.clone();
        let server = tokio::spawn(async move { crate::server::accept(listener, router, &limits).await });
        let ask = |path| {
            let mut stream = TcpStream::connect(address).unwrap();
            write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
            stream
        };
        let gone = ask("/matrix");
        let mut stays = ask("/events");
        queues(&app, client(1), 2).await;
        drop(gone);
        queues(&app, client(1), 1).await;
        drop(release);
        queues(&app, client(1), 0).await;
        let answered = tokio::task::spawn_blocking(move || {
            let mut start = [0; 12];
            stays.read_exact(&mut start).unwrap();
            start
        });
        assert_eq!(&answered.await.unwrap(), b"HTTP/1.1 200");
        let key = |path| (Address::new(path, "").key(), Coding::Identity);
        assert!(app.snapshot().cache.get(&key("/events")).is_some());
        assert!(app.snapshot().cache.get(&key("/matrix")).is_none(), "nobody waited for it");
        server.abort();
    });
}
