//! A server under load: 30 kinds of page over 50 and 500 connections, and 64 clients that ask for expensive pages while
//! others ask for theirs.
//!
//! `RULEATLAS_DB` names the catalog. The server runs in this process; where `RULEATLAS_SERVER` names an address of this
//! machine (`127.0.0.1:7071`), the one that listens there is measured, and its memory where `RULEATLAS_SERVER_PID` says
//! which process it is. The number of requests is fixed, and none is waited for longer than 30 seconds.

use std::{
    collections::BTreeMap,
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use ruleatlas_benches::http::{Answer, Connection};
use ruleatlas_views::Atlas;

/// The allocator of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// Clients that ask for expensive pages, and how many each.
const SCOPES: (usize, usize) = (64, 2);

/// Pages of every kind; `{rule}` is a rule of the catalog.
const KINDS: [&str; 30] = [
    "/",
    "/rules",
    "/rules?vendor=sigma",
    "/rules?q=powershell",
    "/matrix",
    "/events",
    "/ledger",
    "/controls",
    "/align",
    "/about",
    "/search?q=powershell",
    "/technique/T1071",
    "/technique/T1059?severity=high",
    "/rule/{rule}",
    "/field/Image",
    "/indicator?field=Image&op=basename&value=cmd.exe",
    "/vendor/sigma",
    "/log-source/process_creation",
    "/event/Sysmon/1",
    "/provider/Sysmon",
    "/tactic/TA0011",
    "/part/rules?technique=T1059",
    "/api/v1/rules?limit=50",
    "/api/v1/technique/T1059",
    "/api/v1/indicator?field=Image&op=basename&value=cmd.exe&limit=20",
    "/api/v1/field/Image?limit=20",
    "/api/v1/search?q=powershell",
    "/api/v1/rule/{rule}",
    "/api/v1/matrix/layer.json",
    "/api/openapi.json",
];

fn main() {
    let Some(path) = std::env::var_os("RULEATLAS_DB").map(PathBuf::from) else {
        eprintln!("skipped: RULEATLAS_DB names no catalog");
        return;
    };
    let atlas = Atlas::open(&path).expect("the catalog can be read");
    let rules = atlas.index.heads();
    let rule = rules.get(rules.len() / 2).map(|rule| rule.id.clone()).unwrap_or_default();
    let kinds: Vec<String> = KINDS.iter().map(|kind| kind.replace("{rule}", &rule)).collect();
    let runtime = || tokio::runtime::Runtime::new().expect("a runtime");
    // The server has threads of its own, as it has in the program.
    let server = runtime();
    let (address, process) = match std::env::var("RULEATLAS_SERVER") {
        Ok(address) => {
            let address: SocketAddr = address.parse().expect("RULEATLAS_SERVER is an address like 127.0.0.1:7071");
            assert!(
                address.is_ipv4() && address.ip().is_loopback(),
                "{address} is not an IPv4 address of this machine"
            );
            (address, std::env::var("RULEATLAS_SERVER_PID").ok())
        }
        Err(_) => {
            let (tell, told) = tokio::sync::oneshot::channel();
            server.spawn(ruleatlas_web::serve(atlas, ([127, 0, 0, 1], 0).into(), move |address| {
                let _ = tell.send(address);
            }));
            (server.block_on(told).expect("the server says where it listens"), Some("self".to_owned()))
        }
    };
    runtime().block_on(measure(address, kinds, process.as_deref()));
    server.shutdown_background();
}

async fn measure(address: SocketAddr, kinds: Vec<String>, process: Option<&str>) {
    let kinds: Arc<[String]> = kinds.into();
    let before = memory(process);
    repeated(address, &kinds).await;
    for (connections, requests) in [(50, 200), (500, 30)] {
        let times = all_kinds(address, &kinds, connections, requests).await;
        times.print(&format!("{connections} connections, {} kinds", kinds.len()));
    }
    let own = |n: usize| Ipv4Addr::new(127, 0, 1, u8::try_from(n).unwrap_or(u8::MAX));
    beside_scopes(address, &kinds, "64 connections of one other client", 0, |_| Ipv4Addr::new(127, 0, 0, 2)).await;
    beside_scopes(address, &kinds, "64 other clients", 1, own).await;
    beside_scopes(address, &kinds, "64 connections of the same client", 2, |_| Ipv4Addr::LOCALHOST).await;
    if let (Some(before), Some(after)) = (before, memory(process)) {
        println!("memory: {before:.0} MB before, {after:.0} MB after");
    }
}

/// How long requests took, and how they were answered.
#[derive(Default)]
struct Times {
    took: Vec<Duration>,
    statuses: BTreeMap<u16, usize>,
    broken: usize,
    whole: Duration,
}

impl Times {
    fn add(&mut self, answer: Option<Answer>) {
        match answer {
            Some(answer) => {
                self.took.push(answer.took);
                *self.statuses.entry(answer.status).or_default() += 1;
            }
            None => self.broken += 1,
        }
    }

    fn merge(&mut self, other: Self) {
        self.took.extend(other.took);
        self.broken += other.broken;
        for (status, count) in other.statuses {
            *self.statuses.entry(status).or_default() += count;
        }
    }

    fn print(mut self, name: &str) {
        self.took.sort_unstable();
        let of = |share: f64| {
            let at = (self.took.len().saturating_sub(1) as f64 * share) as usize;
            self.took.get(at).map_or(f64::NAN, |took| took.as_secs_f64() * 1e3)
        };
        let statuses: Vec<String> = self.statuses.iter().map(|(status, count)| format!("{status}: {count}")).collect();
        println!(
            "{name}: p50 {:.1} ms, p90 {:.1} ms, p99 {:.1} ms, longest {:.1} ms; {:.0} a second; {}{}",
            of(0.5),
            of(0.9),
            of(0.99),
            of(1.0),
            self.took.len() as f64 / self.whole.as_secs_f64(),
            statuses.join(", "),
            if self.broken > 0 { format!(", broken off: {}", self.broken) } else { String::new() }
        );
    }
}

/// A client that connects anew where its connection was closed.
struct Reader {
    from: Ipv4Addr,
    to: SocketAddr,
    connection: Option<Connection>,
}

impl Reader {
    fn new(from: Ipv4Addr, to: SocketAddr) -> Self {
        Self { from, to, connection: None }
    }

    async fn get(&mut self, path: &str) -> Option<Answer> {
        let ask = async {
            let mut connection = match self.connection.take() {
                Some(connection) => connection,
                None => Connection::open(self.from, self.to).await?,
            };
            let answer = connection.get(path).await?;
            self.connection = Some(connection);
            Ok::<_, std::io::Error>(answer)
        };
        tokio::time::timeout(PATIENCE, ask).await.ok()?.ok()
    }
}

/// Asks for each page three times, and says which are not answered or slow when repeated.
async fn repeated(address: SocketAddr, kinds: &[String]) {
    let mut reader = Reader::new(Ipv4Addr::LOCALHOST, address);
    let (mut first, mut later) = (Times::default(), Times::default());
    let begun = Instant::now();
    for kind in kinds {
        first.add(reader.get(kind).await);
        let one = reader.get(kind).await;
        let two = reader.get(kind).await;
        if let (Some(one), Some(two)) = (one, two) {
            let took = one.took.min(two.took).as_secs_f64() * 1e3;
            if took > 5.0 || two.status != 200 {
                println!("{kind}: {} in {took:.1} ms when repeated (bound 5)", two.status);
            }
        }
        later.add(one);
        later.add(two);
    }
    (first.whole, later.whole) = (begun.elapsed(), begun.elapsed());
    first.print("the first of each kind");
    later.print("the second and third of each kind");
}

/// All kinds over so many connections of one client, each with so many requests.
async fn all_kinds(address: SocketAddr, kinds: &Arc<[String]>, connections: usize, requests: usize) -> Times {
    let begun = Instant::now();
    let readers: Vec<_> = (0..connections)
        .map(|at| {
            let kinds = Arc::clone(kinds);
            tokio::spawn(async move {
                let (mut reader, mut times) = (Reader::new(Ipv4Addr::LOCALHOST, address), Times::default());
                for n in 0..requests {
                    times.add(reader.get(&kinds[(at + n) % kinds.len()]).await);
                }
                times
            })
        })
        .collect();
    let mut times = Times::default();
    for reader in readers {
        times.merge(reader.await.expect("a reader"));
    }
    times.whole = begun.elapsed();
    times
}

/// Expensive pages that nobody asked for before, over 64 connections; and what another client waits meanwhile, for pages
/// that are kept and for pages that are not.
async fn beside_scopes(
    address: SocketAddr,
    kinds: &Arc<[String]>,
    name: &str,
    round: usize,
    from: impl Fn(usize) -> Ipv4Addr,
) {
    let (is_over, next) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let others: Vec<_> = [true, false]
        .into_iter()
        .map(|is_kept| {
            let (kinds, is_over, next) = (Arc::clone(kinds), Arc::clone(&is_over), Arc::clone(&next));
            tokio::spawn(async move {
                let (mut reader, mut times) = (Reader::new(Ipv4Addr::LOCALHOST, address), Times::default());
                let begun = Instant::now();
                while !is_over.load(Ordering::Relaxed) && times.took.len() < 5_000 {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    let path = if is_kept {
                        kinds[n % kinds.len()].clone()
                    } else {
                        format!("/technique/T1071?since={}", day(1950 + 20 * round, n))
                    };
                    times.add(reader.get(&path).await);
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                times.whole = begun.elapsed();
                times
            })
        })
        .collect();
    let begun = Instant::now();
    let scopes: Vec<_> = (0..SCOPES.0)
        .map(|at| {
            let mut reader = Reader::new(from(at), address);
            tokio::spawn(async move {
                let mut times = Times::default();
                for n in 0..SCOPES.1 {
                    let number = at * SCOPES.1 + n;
                    times.add(reader.get(&format!("/rules?since={}", day(2010 + round, number))).await);
                }
                times
            })
        })
        .collect();
    let mut times = Times::default();
    for scope in scopes {
        times.merge(scope.await.expect("a client"));
    }
    times.whole = begun.elapsed();
    is_over.store(true, Ordering::Relaxed);
    times.print(&format!("{name} ask for {} new sets of rules", SCOPES.0 * SCOPES.1));
    for (what, other) in ["kept pages", "new pages of a technique"].into_iter().zip(others) {
        other.await.expect("a reader").print(&format!("  meanwhile {what}"));
    }
}

/// A day of its own for each number, from a year on.
fn day(year: usize, number: usize) -> String {
    format!("{}-{:02}-{:02}", year + number / 336, number / 28 % 12 + 1, number % 28 + 1)
}

/// Megabytes that a process takes, where the system says so.
fn memory(process: Option<&str>) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{}/status", process?)).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.split_whitespace().next()?.parse::<f64>().ok()? / 1024.0)
}
