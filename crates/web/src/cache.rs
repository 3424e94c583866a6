use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lru::LruCache;

use crate::answer::{Body, Coding};

/// Bytes that finished bodies may take.
const BOUND: usize = 64 << 20;
/// What an entry costs besides its body.
const OVERHEAD: usize = 256;

/// Finished, compressed bodies; those asked for longest ago go first.
///
/// The key says what is shown, in one spelling: an address with made-up parameters has no key of its own.
#[derive(Debug)]
pub(crate) struct Cache(Mutex<Bodies>);

#[derive(Debug)]
struct Bodies {
    bodies: LruCache<(String, Coding), Arc<Body>>,
    bytes: usize,
}

fn cost(key: &str, body: &Body) -> usize {
    key.len() + body.bytes.len() + OVERHEAD
}

impl Cache {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Bodies { bodies: LruCache::unbounded(), bytes: 0 }))
    }

    fn lock(&self) -> MutexGuard<'_, Bodies> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, key: &(String, Coding)) -> Option<Arc<Body>> {
        self.lock().bodies.get(key).cloned()
    }

    pub(crate) fn put(&self, key: (String, Coding), body: Arc<Body>) {
        let mut kept = self.lock();
        let cost_of_new = cost(&key.0, &body);
        if cost_of_new > BOUND / 8 {
            return;
        }
        kept.bytes += cost_of_new;
        let name = key.0.clone();
        if let Some(replaced) = kept.bodies.put(key, body) {
            kept.bytes -= cost(&name, &replaced);
        }
        while kept.bytes > BOUND {
            let Some(((name, _), oldest)) = kept.bodies.pop_lru() else { break };
            kept.bytes -= cost(&name, &oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(size: usize) -> Arc<Body> {
        Arc::new(Body::new(vec![b'x'; size], "text/plain", Coding::Identity, false))
    }

    #[test]
    fn the_bound_holds_and_the_oldest_goes_first() {
        let cache = Cache::new();
        let key = |n: usize| (format!("page {n}"), Coding::Identity);
        for n in 0..100 {
            cache.put(key(n), body(1 << 20));
        }
        assert!(cache.lock().bytes <= BOUND);
        assert!(cache.get(&key(0)).is_none());
        assert!(cache.get(&key(99)).is_some());
    }

    #[test]
    fn replacing_a_body_counts_it_once() {
        let cache = Cache::new();
        for _ in 0..3 {
            cache.put(("page".to_owned(), Coding::Identity), body(1000));
        }
        assert_eq!(cache.lock().bytes, 1000 + 4 + OVERHEAD);
    }

    #[test]
    fn what_would_crowd_out_the_rest_is_not_kept() {
        let cache = Cache::new();
        cache.put(("large".to_owned(), Coding::Identity), body(BOUND / 4));
        assert_eq!(cache.lock().bytes, 0);
    }
}
