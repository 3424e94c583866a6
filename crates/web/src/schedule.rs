//! Runs the work of requests that no kept answer serves: each page once however many ask for it, and clients in turn.
//!
//! Work waits in a queue of its client. A worker that becomes free takes the next piece of the client whose turn it is,
//! so that a client with much work waits behind its own. There is one worker more than processors, and expensive work
//! never takes the last one: a page that is made quickly does not wait for a long line of expensive ones. No client may
//! take every worker either. Work that nobody waits for any more leaves the queue.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    hash::Hash,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::watch;

use crate::client::Client;

/// How long a piece of work is expected to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cost {
    Light,
    Heavy,
}

/// Why work was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The client has too much waiting already, or has waited too long; it may ask again after so many seconds.
    Busy { retry_after: u64 },
    /// The work panicked.
    Failed,
}

/// The bounds of a [`Scheduler`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Pieces of expensive work that run at one time; one more worker is there for cheap work. At least 1.
    pub(crate) heavy: usize,
    /// Pieces of work that wait for one client.
    pub(crate) queued_per_client: usize,
    /// How long one request waits for its work.
    pub(crate) patience: Duration,
}

/// Tells running work whether anybody still waits for it.
#[derive(Debug)]
pub(crate) struct Interest(Arc<AtomicUsize>);

impl Interest {
    /// Of work that nobody asked for, and that is done nevertheless.
    pub(crate) fn always() -> Self {
        Self(Arc::new(AtomicUsize::new(1)))
    }

    pub(crate) fn is_wanted(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

type Job<T> = Box<dyn FnOnce(&Interest) -> T + Send>;

/// Workers that requests share; cheap to clone.
pub(crate) struct Scheduler<K, T>(Arc<Inner<K, T>>);

struct Inner<K, T> {
    bounds: Bounds,
    state: Mutex<State<K, T>>,
}

struct State<K, T> {
    light: Lane,
    heavy: Lane,
    running: HashMap<Client, usize>,
    tasks: HashMap<u64, Task<K, T>>,
    /// The task that makes what a key names.
    by_key: HashMap<K, u64>,
    next_id: u64,
    /// What a piece of work took lately, in seconds.
    mean_seconds: f64,
}

/// Work of one cost: its queues, one a client, and whose turn it is.
#[derive(Default)]
struct Lane {
    running: usize,
    queues: HashMap<Client, VecDeque<u64>>,
    /// The clients that `queues` holds, each once.
    turns: VecDeque<Client>,
}

/// A piece of work, from when it is first asked for until it is done.
struct Task<K, T> {
    key: Option<K>,
    cost: Cost,
    /// `None` once it runs.
    job: Option<Job<T>>,
    /// Requests that wait for it.
    waiting: Arc<AtomicUsize>,
    /// The same by client, while it is queued: it stands in the queues of these.
    queued_for: Vec<(Client, usize)>,
    done: watch::Sender<Option<T>>,
}

/// Work that has a worker.
struct Started<T> {
    id: u64,
    client: Client,
    cost: Cost,
    job: Job<T>,
    interest: Interest,
}

impl<K, T> Clone for Scheduler<K, T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K, T> fmt::Debug for Scheduler<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scheduler").field("bounds", &self.0.bounds).finish_non_exhaustive()
    }
}

impl<K: Clone + Eq + Hash + Send + 'static, T: Clone + Send + Sync + 'static> Scheduler<K, T> {
    pub(crate) fn new(bounds: Bounds) -> Self {
        let state = State {
            light: Lane::default(),
            heavy: Lane::default(),
            running: HashMap::new(),
            tasks: HashMap::new(),
            by_key: HashMap::new(),
            next_id: 0,
            mean_seconds: 0.0,
        };
        let bounds = Bounds { heavy: bounds.heavy.max(1), ..bounds };
        Self(Arc::new(Inner { bounds, state: Mutex::new(state) }))
    }

    /// Has `job` done for a client, and gives what it gives.
    ///
    /// Where work of the same key is queued or runs, it waits for that instead. `kept` is asked once more before new
    /// work is queued: work that has just ended may have kept its result. Must be called in a Tokio runtime.
    pub(crate) async fn run(
        &self,
        client: Client,
        key: Option<K>,
        cost: Cost,
        kept: impl FnOnce() -> Option<T>,
        job: impl FnOnce(&Interest) -> T + Send + 'static,
    ) -> Result<T, Refused> {
        let inner = &self.0;
        let (mut done, _waiter) = {
            let mut state = inner.lock();
            let known = key.as_ref().and_then(|key| state.by_key.get(key).copied());
            if known.is_none()
                && let Some(kept) = kept()
            {
                return Ok(kept);
            }
            if known.is_none_or(|id| state.needs_queueing(id, client))
                && state.queued(client) >= inner.bounds.queued_per_client
            {
                return Err(state.busy(client, &inner.bounds));
            }
            let id = known.unwrap_or_else(|| state.add(key, cost, Box::new(job)));
            let done = state.join(id, client);
            inner.start_all(&mut state);
            (done, Waiter { inner: Arc::clone(inner), id, client })
        };
        match tokio::time::timeout(inner.bounds.patience, done.wait_for(Option::is_some)).await {
            Ok(Ok(value)) => value.clone().ok_or(Refused::Failed),
            Ok(Err(_)) => Err(Refused::Failed),
            Err(_) => Err(inner.lock().busy(client, &inner.bounds)),
        }
    }

    /// Pieces of work that wait for a client.
    #[cfg(test)]
    pub(crate) fn queued(&self, client: Client) -> usize {
        self.0.lock().queued(client)
    }
}

/// A request that waits; when it is dropped, as when its connection ends, it waits no more.
struct Waiter<K: Clone + Eq + Hash, T> {
    inner: Arc<Inner<K, T>>,
    id: u64,
    client: Client,
}

impl<K: Clone + Eq + Hash, T> Drop for Waiter<K, T> {
    fn drop(&mut self) {
        // The job may hold the last use of a whole catalog: it is dropped after the lock is released.
        let _dropped = self.inner.lock().leave(self.id, self.client);
    }
}

impl<K, T> Inner<K, T> {
    fn lock(&self) -> MutexGuard<'_, State<K, T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Clone + Eq + Hash + Send + 'static, T: Clone + Send + Sync + 'static> Inner<K, T> {
    /// Starts a worker for everything that may run now.
    fn start_all(self: &Arc<Self>, state: &mut State<K, T>) {
        while let Some(started) = state.start(&self.bounds) {
            let inner = Arc::clone(self);
            tokio::task::spawn_blocking(move || inner.work(started));
        }
    }

    /// Runs work until none is left that may run.
    fn work(self: Arc<Self>, mut started: Started<T>) {
        loop {
            let Started { id, client, cost, job, interest } = started;
            let begun = Instant::now();
            let result = catch_unwind(AssertUnwindSafe(|| job(&interest)));
            let mut state = self.lock();
            state.finish(id, client, cost, begun.elapsed(), result.ok());
            let next = state.start(&self.bounds);
            self.start_all(&mut state);
            drop(state);
            match next {
                Some(next) => started = next,
                None => return,
            }
        }
    }
}

impl<K: Clone + Eq + Hash, T> State<K, T> {
    fn lane(&mut self, cost: Cost) -> &mut Lane {
        match cost {
            Cost::Light => &mut self.light,
            Cost::Heavy => &mut self.heavy,
        }
    }

    fn queued(&self, client: Client) -> usize {
        let length = |lane: &Lane| lane.queues.get(&client).map_or(0, VecDeque::len);
        length(&self.light) + length(&self.heavy)
    }

    fn busy(&self, client: Client, bounds: &Bounds) -> Refused {
        let seconds = self.queued(client) as f64 * self.mean_seconds / bounds.heavy as f64;
        Refused::Busy { retry_after: (seconds.ceil() as u64).clamp(1, 60) }
    }

    /// Whether one more request of a client would make its queue longer.
    fn needs_queueing(&self, id: u64, client: Client) -> bool {
        self.tasks
            .get(&id)
            .is_some_and(|task| task.job.is_some() && !task.queued_for.iter().any(|(known, _)| *known == client))
    }

    fn add(&mut self, key: Option<K>, cost: Cost, job: Job<T>) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        if let Some(key) = &key {
            self.by_key.insert(key.clone(), id);
        }
        let (done, _) = watch::channel(None);
        let waiting = Arc::new(AtomicUsize::new(0));
        self.tasks.insert(id, Task { key, cost, job: Some(job), waiting, queued_for: Vec::new(), done });
        id
    }

    /// Counts one more request that waits for a task; the task stands in the queue of its client.
    fn join(&mut self, id: u64, client: Client) -> watch::Receiver<Option<T>> {
        let Some(task) = self.tasks.get_mut(&id) else { return watch::channel(None).1 };
        task.waiting.fetch_add(1, Ordering::Relaxed);
        let done = task.done.subscribe();
        if task.job.is_some() {
            match task.queued_for.iter_mut().find(|(known, _)| *known == client) {
                Some((_, waiting)) => *waiting += 1,
                None => {
                    task.queued_for.push((client, 1));
                    let cost = task.cost;
                    self.lane(cost).push(client, id);
                }
            }
        }
        done
    }

    /// Counts one request less; a task that nobody waits for and that does not run yet is given back, to be dropped.
    fn leave(&mut self, id: u64, client: Client) -> Option<Task<K, T>> {
        let task = self.tasks.get_mut(&id)?;
        let is_last = task.waiting.fetch_sub(1, Ordering::Relaxed) == 1;
        if task.job.is_none() {
            if is_last {
                // It may stop half done, so that nobody may begin to wait for it.
                self.forget_key(id);
            }
            return None;
        }
        let at = task.queued_for.iter().position(|(known, _)| *known == client)?;
        let waiting = &mut task.queued_for[at].1;
        *waiting -= 1;
        if *waiting > 0 {
            return None;
        }
        task.queued_for.swap_remove(at);
        let (cost, is_unwanted) = (task.cost, task.queued_for.is_empty());
        self.lane(cost).remove(client, id);
        if is_unwanted { self.remove(id) } else { None }
    }

    fn remove(&mut self, id: u64) -> Option<Task<K, T>> {
        self.forget_key(id);
        self.tasks.remove(&id)
    }

    /// Lets the next request for a task's key start a task of its own.
    fn forget_key(&mut self, id: u64) {
        if let Some(task) = self.tasks.get(&id)
            && let Some(key) = &task.key
            && self.by_key.get(key) == Some(&id)
        {
            self.by_key.remove(key);
        }
    }

    /// Takes the next piece of work that may run from its queue.
    fn start(&mut self, bounds: &Bounds) -> Option<Started<T>> {
        if self.light.running + self.heavy.running > bounds.heavy {
            return None;
        }
        // One worker is for cheap work when there is some; the others are for expensive work when there is some.
        let order = if self.light.running == 0 { [Cost::Light, Cost::Heavy] } else { [Cost::Heavy, Cost::Light] };
        let (id, client) = order.into_iter().find_map(|cost| {
            if cost == Cost::Heavy && self.heavy.running >= bounds.heavy {
                return None;
            }
            let lane = if cost == Cost::Light { &mut self.light } else { &mut self.heavy };
            lane.pop(|client| self.running.get(&client).copied().unwrap_or(0) < bounds.heavy)
        })?;
        let task = self.tasks.get_mut(&id)?;
        let (job, cost) = (task.job.take()?, task.cost);
        let interest = Interest(Arc::clone(&task.waiting));
        let others = std::mem::take(&mut task.queued_for);
        let lane = self.lane(cost);
        lane.running += 1;
        others.into_iter().filter(|(other, _)| *other != client).for_each(|(other, _)| lane.remove(other, id));
        *self.running.entry(client).or_default() += 1;
        Some(Started { id, client, cost, job, interest })
    }

    /// Says what became of work; without a value it failed.
    fn finish(&mut self, id: u64, client: Client, cost: Cost, took: Duration, value: Option<T>) {
        self.lane(cost).running -= 1;
        if let Some(running) = self.running.get_mut(&client) {
            *running -= 1;
            if *running == 0 {
                self.running.remove(&client);
            }
        }
        self.mean_seconds += (took.as_secs_f64() - self.mean_seconds) / 8.0;
        // Without a value the sender is dropped, which those who wait see.
        if let Some(task) = self.remove(id)
            && value.is_some()
        {
            task.done.send_replace(value);
        }
    }
}

impl Lane {
    fn push(&mut self, client: Client, id: u64) {
        let turns = &mut self.turns;
        let queue = self.queues.entry(client).or_insert_with(|| {
            turns.push_back(client);
            VecDeque::new()
        });
        queue.push_back(id);
    }

    fn remove(&mut self, client: Client, id: u64) {
        let Some(queue) = self.queues.get_mut(&client) else { return };
        queue.retain(|queued| *queued != id);
        if queue.is_empty() {
            self.queues.remove(&client);
            self.turns.retain(|other| *other != client);
        }
    }

    /// The next task of the first client in turn that may run one more.
    fn pop(&mut self, may: impl Fn(Client) -> bool) -> Option<(u64, Client)> {
        let at = self.turns.iter().position(|client| may(*client))?;
        let client = self.turns.remove(at)?;
        let queue = self.queues.get_mut(&client)?;
        let id = queue.pop_front();
        if queue.is_empty() {
            self.queues.remove(&client);
        } else {
            self.turns.push_back(client);
        }
        id.map(|id| (id, client))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    type Numbers = Scheduler<&'static str, u32>;

    const BOUNDS: Bounds = Bounds { heavy: 1, queued_per_client: 4, patience: Duration::from_secs(20) };

    fn client(n: u8) -> Client {
        Client::of([127, 0, 0, n].into())
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
    }

    /// Work that says when it starts and ends when it is let.
    struct Held {
        started: mpsc::Receiver<()>,
        release: mpsc::Sender<()>,
    }

    fn held(value: u32) -> (Held, impl FnOnce(&Interest) -> u32 + Send + 'static) {
        let (start, started) = mpsc::channel();
        let (release, released) = mpsc::channel();
        let job = move |_: &Interest| {
            start.send(()).unwrap();
            let _ = released.recv();
            value
        };
        (Held { started, release }, job)
    }

    /// Lets a scheduler do work in a task of its own.
    fn spawn(
        scheduler: &Numbers,
        client: Client,
        key: Option<&'static str>,
        cost: Cost,
        job: impl FnOnce(&Interest) -> u32 + Send + 'static,
    ) -> tokio::task::JoinHandle<Result<u32, Refused>> {
        let scheduler = scheduler.clone();
        tokio::spawn(async move { scheduler.run(client, key, cost, || None, job).await })
    }

    /// Waits until a client has so much queued.
    async fn queues(scheduler: &Numbers, client: Client, length: usize) {
        while scheduler.queued(client) != length {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    #[test]
    fn what_many_ask_for_is_made_once() {
        let scheduler = Numbers::new(BOUNDS);
        runtime().block_on(async {
            let made = Arc::new(AtomicUsize::new(0));
            let (held, wait) = held(7);
            let first = {
                let made = Arc::clone(&made);
                spawn(&scheduler, client(1), Some("page"), Cost::Light, move |interest| {
                    made.fetch_add(1, Ordering::Relaxed);
                    wait(interest)
                })
            };
            held.started.recv().unwrap();
            let others: Vec<_> = (0..50)
                .map(|n| {
                    let made = Arc::clone(&made);
                    spawn(&scheduler, client(n), Some("page"), Cost::Light, move |_| {
                        made.fetch_add(1, Ordering::Relaxed);
                        8
                    })
                })
                .collect();
            // All of them wait for the work that runs.
            while scheduler.0.lock().tasks.values().next().unwrap().waiting.load(Ordering::Relaxed) < 51 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            held.release.send(()).unwrap();
            for other in others {
                assert_eq!(other.await.unwrap(), Ok(7));
            }
            assert_eq!(first.await.unwrap(), Ok(7));
            assert_eq!(made.load(Ordering::Relaxed), 1);
            assert!(scheduler.0.lock().tasks.is_empty() && scheduler.0.lock().by_key.is_empty());
        });
    }

    #[test]
    fn a_full_queue_refuses_its_own_client_only() {
        let scheduler = Numbers::new(BOUNDS);
        runtime().block_on(async {
            let (held, wait) = held(0);
            let running = spawn(&scheduler, client(1), None, Cost::Heavy, wait);
            held.started.recv().unwrap();
            let queued: Vec<_> = (1..=4).map(|n| spawn(&scheduler, client(1), None, Cost::Heavy, move |_| n)).collect();
            queues(&scheduler, client(1), 4).await;
            let refused = scheduler.run(client(1), None, Cost::Heavy, || None, |_| 9).await;
            assert!(matches!(refused, Err(Refused::Busy { retry_after: 1.. })), "{refused:?}");
            // Another client's cheap work has a worker left, and its expensive work a place.
            assert_eq!(scheduler.run(client(2), None, Cost::Light, || None, |_| 5).await, Ok(5));
            let other = spawn(&scheduler, client(2), None, Cost::Heavy, |_| 6);
            queues(&scheduler, client(2), 1).await;
            held.release.send(()).unwrap();
            assert_eq!(other.await.unwrap(), Ok(6));
            assert_eq!(running.await.unwrap(), Ok(0));
            for (n, queued) in (1..=4).zip(queued) {
                assert_eq!(queued.await.unwrap(), Ok(n));
            }
        });
    }

    #[test]
    fn clients_take_turns() {
        let scheduler = Numbers::new(BOUNDS);
        runtime().block_on(async {
            let (held, wait) = held(0);
            let running = spawn(&scheduler, client(1), None, Cost::Heavy, wait);
            held.started.recv().unwrap();
            let order = Arc::new(Mutex::new(Vec::new()));
            let mut tasks = Vec::new();
            for (n, at, length) in [(1, 1, 1), (1, 2, 2), (1, 3, 3), (2, 1, 1), (3, 1, 1)] {
                let order = Arc::clone(&order);
                tasks.push(spawn(&scheduler, client(n), None, Cost::Heavy, move |_| {
                    order.lock().unwrap().push((n, at));
                    0
                }));
                queues(&scheduler, client(n), length).await;
            }
            held.release.send(()).unwrap();
            running.await.unwrap().unwrap();
            for task in tasks {
                task.await.unwrap().unwrap();
            }
            assert_eq!(*order.lock().unwrap(), [(1, 1), (2, 1), (3, 1), (1, 2), (1, 3)]);
        });
    }

    #[test]
    fn work_that_nobody_waits_for_is_never_done() {
        let scheduler = Numbers::new(BOUNDS);
        runtime().block_on(async {
            let (held, wait) = held(0);
            let running = spawn(&scheduler, client(1), None, Cost::Heavy, wait);
            held.started.recv().unwrap();
            let done = Arc::new(AtomicUsize::new(0));
            let count = |key, n| {
                let done = Arc::clone(&done);
                spawn(&scheduler, client(n), Some(key), Cost::Heavy, move |_| {
                    done.fetch_add(1, Ordering::Relaxed);
                    1
                })
            };
            let (left, kept_by_one, kept_by_other) = (count("left", 1), count("shared", 1), count("shared", 2));
            queues(&scheduler, client(1), 2).await;
            queues(&scheduler, client(2), 1).await;
            left.abort();
            kept_by_one.abort();
            queues(&scheduler, client(1), 0).await;
            assert_eq!(scheduler.queued(client(2)), 1);
            held.release.send(()).unwrap();
            assert_eq!(kept_by_other.await.unwrap(), Ok(1));
            running.await.unwrap().unwrap();
            assert_eq!(done.load(Ordering::Relaxed), 1);
            assert!(scheduler.0.lock().tasks.is_empty());
        });
    }

    #[test]
    fn running_work_knows_that_its_client_has_gone() {
        let scheduler = Numbers::new(BOUNDS);
        runtime().block_on(async {
            let (start, started) = mpsc::channel();
            let (say, said) = mpsc::channel();
            let task = spawn(&scheduler, client(1), None, Cost::Heavy, move |interest| {
                start.send(interest.is_wanted()).unwrap();
                while interest.is_wanted() {
                    std::thread::yield_now();
                }
                say.send(()).unwrap();
                0
            });
            assert!(started.recv().unwrap());
            task.abort();
            said.recv().unwrap();
        });
    }

    #[test]
    fn work_that_was_given_up_is_done_anew_for_the_next() {
        let scheduler = Numbers::new(Bounds { heavy: 2, ..BOUNDS });
        runtime().block_on(async {
            let (held, wait) = held(1);
            let first = spawn(&scheduler, client(1), Some("page"), Cost::Heavy, wait);
            held.started.recv().unwrap();
            first.abort();
            while !scheduler.0.lock().by_key.is_empty() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            assert_eq!(scheduler.run(client(1), Some("page"), Cost::Heavy, || None, |_| 2).await, Ok(2));
            drop(held);
        });
    }

    #[test]
    fn a_panic_fails_those_who_wait_and_nothing_else() {
        let scheduler = Numbers::new(BOUNDS);
        runtime().block_on(async {
            let failed = scheduler.run(client(1), Some("page"), Cost::Light, || None, |_| panic!("on purpose")).await;
            assert_eq!(failed, Err(Refused::Failed));
            assert_eq!(scheduler.run(client(1), Some("page"), Cost::Light, || None, |_| 3).await, Ok(3));
        });
    }

    #[test]
    fn patience_ends() {
        let scheduler = Numbers::new(Bounds { patience: Duration::from_millis(50), ..BOUNDS });
        runtime().block_on(async {
            let (held, wait) = held(0);
            let running = spawn(&scheduler, client(1), None, Cost::Heavy, wait);
            held.started.recv().unwrap();
            let waiting = scheduler.run(client(1), None, Cost::Heavy, || None, |_| 1).await;
            assert!(matches!(waiting, Err(Refused::Busy { .. })), "{waiting:?}");
            assert_eq!(scheduler.queued(client(1)), 0);
            assert!(matches!(running.await.unwrap(), Err(Refused::Busy { .. })));
            drop(held);
        });
    }

    #[test]
    fn what_was_kept_meanwhile_is_not_made_again() {
        let scheduler = Numbers::new(BOUNDS);
        let kept = runtime().block_on(scheduler.run(client(1), Some("page"), Cost::Light, || Some(4), |_| 5));
        assert_eq!(kept, Ok(4));
    }
}
