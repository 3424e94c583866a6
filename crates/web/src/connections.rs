//! The connections that are open, and which of them gives way when there are too many.

use std::{
    collections::HashMap,
    fs, io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use tokio::sync::Notify;

use crate::client::Client;

/// File descriptors that are left for the catalog, the listener and the runtime.
const RESERVED_FILES: u64 = 64;
/// Connections that are allowed however few files the system lets us open.
const MIN_CONNECTIONS: usize = 8;

/// How many connections `wanted` are, at most so many that files are left to open.
pub(crate) fn within_file_limit(wanted: usize) -> usize {
    let Some(files) = file_limit() else { return wanted };
    let left = files - RESERVED_FILES.min(files / 2);
    wanted.min(usize::try_from(left).unwrap_or(usize::MAX)).max(MIN_CONNECTIONS)
}

/// How many files this process may have open, where the system says so.
fn file_limit() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Whether accepting failed because something ran out, so that it only works again after something is closed.
pub(crate) fn is_exhausted(error: &io::Error) -> bool {
    // ENFILE, EMFILE, ENOMEM and ENOBUFS of Linux; WSAEMFILE and WSAENOBUFS of Windows.
    error.kind() == io::ErrorKind::OutOfMemory
        || matches!(error.raw_os_error(), Some(12 | 23 | 24 | 105 | 10_024 | 10_055))
}

/// All connections that are open; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Connections(Arc<Table>);

#[derive(Debug)]
struct Table {
    most: usize,
    most_per_client: usize,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    total: usize,
    next_id: u64,
    clients: HashMap<Client, Vec<Entry>>,
}

#[derive(Clone, Debug)]
struct Entry {
    id: u64,
    state: Arc<Connection>,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Connection {
    /// Requests that are being answered.
    answering: AtomicUsize,
    /// When the last answer was handed over, or the connection opened.
    since: Mutex<Instant>,
    /// Told once it has to close.
    close: Notify,
}

impl Connection {
    /// Says that a request is being answered until the value is dropped.
    pub(crate) fn answering(self: &Arc<Self>) -> Answering {
        self.answering.fetch_add(1, Ordering::Relaxed);
        Answering(Arc::clone(self))
    }

    /// Waits until it has to close.
    pub(crate) async fn told_to_close(&self) {
        self.close.notified().await;
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub(crate) struct Answering(Arc<Connection>);

impl Drop for Answering {
    fn drop(&mut self) {
        *self.0.since.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        self.0.answering.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A place among the connections, given up when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    connections: Connections,
    client: Client,
    id: u64,
    pub(crate) connection: Arc<Connection>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.lock().remove(self.client, self.id);
    }
}

impl Connections {
    pub(crate) fn new(most: usize, most_per_client: usize) -> Self {
        let most = most.max(1);
        Self(Arc::new(Table { most, most_per_client: most_per_client.clamp(1, most), open: Mutex::default() }))
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for one more connection of a client.
    ///
    /// Where it has too many, its own that has been without a request for longest gives way. Where there are too many in
    /// all, one of the client that has most does, if that has more than this one. `None` if none can give way.
    pub(crate) fn admit(&self, client: Client) -> Option<Place> {
        let mut open = self.lock();
        let own = open.clients.get(&client).map_or(0, Vec::len);
        if own >= self.0.most_per_client {
            open.evict(client).then_some(())?;
        } else if open.total >= self.0.most {
            let (largest, count) = open.largest()?;
            let from = if count > own + 1 { largest } else { client };
            open.evict(from).then_some(())?;
        }
        let id = open.next_id;
        open.next_id += 1;
        let connection = Arc::new(Connection {
            answering: AtomicUsize::new(0),
            since: Mutex::new(Instant::now()),
            close: Notify::new(),
        });
        open.clients.entry(client).or_default().push(Entry { id, state: Arc::clone(&connection) });
        open.total += 1;
        Some(Place { connections: self.clone(), client, id, connection })
    }

    /// Closes some connections, each of the client that has most then, as the system has no room for more. Gives how
    /// many: a part of all, so that the next need not wait for room again, and answers find files to open.
    pub(crate) fn make_room(&self) -> usize {
        let mut open = self.lock();
        let wanted = (open.total / 8).max(1);
        (0..wanted).take_while(|_| open.largest().is_some_and(|(client, _)| open.evict(client))).count()
    }

    #[cfg(test)]
    fn total(&self) -> usize {
        self.lock().total
    }
}

impl Open {
    /// The client with most connections, and how many.
    fn largest(&self) -> Option<(Client, usize)> {
        self.clients.iter().map(|(client, entries)| (*client, entries.len())).max_by_key(|(_, count)| *count)
    }

    /// Closes the connection of a client that has been without a request for longest.
    fn evict(&mut self, client: Client) -> bool {
        let entries = self.clients.get(&client).map_or([].as_slice(), Vec::as_slice);
        let idle = entries.iter().filter(|entry| entry.state.answering.load(Ordering::Relaxed) == 0);
        let since = |entry: &&Entry| *entry.state.since.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = idle.min_by_key(since).cloned() else { return false };
        // Its place is free now; its file is closed as soon as its task runs, for which the reserve is there.
        entry.state.close.notify_one();
        self.remove(client, entry.id);
        true
    }

    fn remove(&mut self, client: Client, id: u64) {
        let Some(entries) = self.clients.get_mut(&client) else { return };
        let Some(at) = entries.iter().position(|entry| entry.id == id) else { return };
        entries.swap_remove(at);
        self.total -= 1;
        if entries.is_empty() {
            self.clients.remove(&client);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(n: u8) -> Client {
        Client::of([127, 0, 0, n].into())
    }

    fn is_closing(place: &Place) -> bool {
        use std::{future::Future as _, pin::pin, task::Context};
        let told = pin!(place.connection.told_to_close());
        told.poll(&mut Context::from_waker(std::task::Waker::noop())).is_ready()
    }

    #[test]
    fn a_client_with_too_many_closes_its_own_oldest() {
        let connections = Connections::new(10, 2);
        let places: Vec<Place> = (0..3).filter_map(|_| connections.admit(client(1))).collect();
        assert_eq!((places.len(), connections.total()), (3, 2));
        assert_eq!(places.iter().map(is_closing).collect::<Vec<_>>(), [true, false, false]);
        assert!(connections.admit(client(2)).is_some());
        drop(places);
        assert_eq!(connections.total(), 0);
    }

    #[test]
    fn a_connection_that_is_answered_does_not_give_way() {
        let connections = Connections::new(10, 1);
        let place = connections.admit(client(1)).unwrap();
        let answering = place.connection.answering();
        assert!(connections.admit(client(1)).is_none());
        assert!(connections.admit(client(2)).is_some());
        drop(answering);
        assert!(connections.admit(client(1)).is_some());
        assert!(is_closing(&place));
    }

    #[test]
    fn when_all_are_taken_the_client_with_most_gives_way() {
        let connections = Connections::new(6, 6);
        let many: Vec<Place> = (0..5).filter_map(|_| connections.admit(client(1))).collect();
        let one = connections.admit(client(2)).unwrap();
        let new = connections.admit(client(3)).unwrap();
        assert!(is_closing(&many[0]) && !is_closing(&one) && !is_closing(&new));
        assert_eq!(connections.total(), 6);
        // The client with most takes the place of its own connections only.
        let again = connections.admit(client(1)).unwrap();
        assert!(is_closing(&many[1]) && !is_closing(&one) && !is_closing(&new) && !is_closing(&again));
    }

    #[test]
    fn room_is_made_at_the_client_with_most() {
        let connections = Connections::new(10, 10);
        assert_eq!(connections.make_room(), 0);
        let one = connections.admit(client(2)).unwrap();
        let many: Vec<Place> = (0..2).filter_map(|_| connections.admit(client(1))).collect();
        assert_eq!(connections.make_room(), 1);
        assert!(is_closing(&many[0]) && !is_closing(&one));
    }

    #[test]
    fn few_files_mean_few_connections() {
        assert!(within_file_limit(usize::MAX) >= MIN_CONNECTIONS);
        assert!(is_exhausted(&io::Error::from_raw_os_error(24)));
        assert!(!is_exhausted(&io::Error::from(io::ErrorKind::ConnectionAborted)));
    }
}
