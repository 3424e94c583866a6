use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use lru::LruCache;

use crate::answer::{Body, Coding};

/// Bytes that all kept answers may take.
const MAX_BYTES: usize = 96 << 20;
/// Bytes that those may take which were asked for more than once.
const MAX_PROVEN_BYTES: usize = 64 << 20;
/// Bytes of one answer: what is larger would leave no room for others.
const MAX_ENTRY_BYTES: usize = 32 << 20;
/// What an entry costs besides its key and its body.
const OVERHEAD: usize = 512;

/// What is answered: the spelling of an address that stands for all its spellings, and how the body is compressed.
pub(crate) type Key = (String, Coding);

/// A finished answer to an address.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// A body with its status.
    Body(StatusCode, Arc<Body>),
    /// The answer is at another address.
    Redirect(HeaderValue),
    /// It could not be made.
    Failed,
}

impl Answer {
    /// The response to a request with these headers.
    pub(crate) fn respond(&self, headers: &HeaderMap) -> Response {
        match self {
            Self::Body(status, body) => body.respond(*status, headers),
            Self::Redirect(address) => (StatusCode::FOUND, [(header::LOCATION, address.clone())]).into_response(),
            Self::Failed => internal_error(),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Body(_, body) => body.bytes.len(),
            Self::Redirect(address) => address.len(),
            Self::Failed => 0,
        }
    }

    /// Whether the same answer would be made again.
    fn is_lasting(&self) -> bool {
        match self {
            Self::Body(status, _) => !status.is_server_error(),
            Self::Redirect(_) => true,
            Self::Failed => false,
        }
    }
}

pub(crate) fn internal_error() -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, "This page could not be made.\n").into_response()
}

/// Finished, compressed answers, at most [`MAX_BYTES`] of them.
///
/// A new answer is on probation until it is asked for again. When there are too many, those on probation go first, the
/// oldest of them first: a client that asks for every address once pushes out nothing that others use.
#[derive(Debug)]
pub(crate) struct Cache(Mutex<Kept>);

#[derive(Debug)]
struct Kept {
    probation: Segment,
    proven: Segment,
}

/// Answers by when they were last used, and what they cost.
#[derive(Debug)]
struct Segment {
    answers: LruCache<Key, Answer>,
    bytes: usize,
}

fn cost(key: &Key, answer: &Answer) -> usize {
    // The key stands in the table and beside it.
    2 * key.0.len() + answer.len() + OVERHEAD
}

impl Segment {
    fn new() -> Self {
        Self { answers: LruCache::unbounded(), bytes: 0 }
    }

    fn put(&mut self, key: Key, answer: Answer) {
        self.bytes += cost(&key, &answer);
        if let Some((key, replaced)) = self.answers.push(key, answer) {
            self.bytes -= cost(&key, &replaced);
        }
    }

    fn take(&mut self, key: &Key) -> Option<(Key, Answer)> {
        let (key, answer) = self.answers.pop_entry(key)?;
        self.bytes -= cost(&key, &answer);
        Some((key, answer))
    }

    fn take_oldest(&mut self) -> Option<(Key, Answer)> {
        let (key, answer) = self.answers.pop_lru()?;
        self.bytes -= cost(&key, &answer);
        Some((key, answer))
    }
}

impl Cache {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Kept { probation: Segment::new(), proven: Segment::new() }))
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, key: &Key) -> Option<Answer> {
        let mut kept = self.lock();
        if let Some(answer) = kept.proven.answers.get(key) {
            return Some(answer.clone());
        }
        let (key, answer) = kept.probation.take(key)?;
        kept.proven.put(key, answer.clone());
        while kept.proven.bytes > MAX_PROVEN_BYTES {
            let Some((key, oldest)) = kept.proven.take_oldest() else { break };
            kept.probation.put(key, oldest);
        }
        Some(answer)
    }

    /// Keeps an answer that would be made the same again, unless it is too large.
    pub(crate) fn put(&self, key: Key, answer: Answer) {
        if !answer.is_lasting() || cost(&key, &answer) > MAX_ENTRY_BYTES {
            return;
        }
        let mut kept = self.lock();
        kept.proven.take(&key);
        kept.probation.put(key, answer);
        while kept.probation.bytes + kept.proven.bytes > MAX_BYTES {
            if kept.probation.take_oldest().is_none() {
                break;
            }
        }
    }

    #[cfg(test)]
    fn bytes(&self) -> usize {
        let kept = self.lock();
        kept.probation.bytes + kept.proven.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(size: usize) -> Answer {
        Answer::Body(StatusCode::OK, Arc::new(Body::new(vec![b'x'; size], "text/plain", Coding::Identity, false)))
    }

    fn key(n: usize) -> Key {
        (format!("page {n}"), Coding::Identity)
    }

    #[test]
    fn the_bound_holds_and_the_oldest_goes_first() {
        let cache = Cache::new();
        for n in 0..200 {
            cache.put(key(n), answer(1 << 20));
        }
        assert!(cache.bytes() <= MAX_BYTES);
        assert!(cache.get(&key(0)).is_none());
        assert!(cache.get(&key(199)).is_some());
    }

    #[test]
    fn what_is_asked_for_once_pushes_out_nothing_that_is_asked_for_again() {
        let cache = Cache::new();
        cache.put(key(0), answer(1 << 20));
        assert!(cache.get(&key(0)).is_some());
        for n in 1..500 {
            cache.put(key(n), answer(1 << 20));
        }
        assert!(cache.get(&key(0)).is_some());
        assert!(cache.get(&key(1)).is_none());
    }

    #[test]
    fn the_bound_holds_when_everything_is_asked_for_again() {
        let cache = Cache::new();
        for n in 0..300 {
            cache.put(key(n), answer(1 << 20));
            assert!(cache.get(&key(n)).is_some());
        }
        assert!(cache.bytes() <= MAX_BYTES);
        assert!(cache.lock().proven.bytes <= MAX_PROVEN_BYTES);
        assert!(cache.get(&key(299)).is_some());
    }

    #[test]
    fn replacing_an_answer_counts_it_once() {
        let cache = Cache::new();
        for _ in 0..3 {
            cache.put(key(1), answer(1000));
            assert!(cache.get(&key(1)).is_some());
        }
        assert_eq!(cache.bytes(), 1000 + 2 * "page 1".len() + OVERHEAD);
    }

    #[test]
    fn what_would_crowd_out_the_rest_or_failed_is_not_kept() {
        let cache = Cache::new();
        cache.put(key(1), answer(MAX_ENTRY_BYTES));
        cache.put(key(2), Answer::Failed);
        let Answer::Body(_, body) = answer(10) else { panic!() };
        cache.put(key(3), Answer::Body(StatusCode::INTERNAL_SERVER_ERROR, body));
        assert_eq!(cache.bytes(), 0);
    }
}
