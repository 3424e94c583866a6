//! Signals: a build that is told to end leaves nothing behind, and a file that may grow no more is an error like any other.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use crate::output;

/// Makes a write beyond the [limit on the size of files](https://man7.org/linux/man-pages/man2/getrlimit.2.html) fail,
/// instead of ending the process without a word.
pub fn fail_large_writes() {
    #[cfg(unix)]
    {
        use signal_hook::{consts::SIGXFSZ, flag};
        // With a handler of any kind the call that writes gets the error; the process did not need one before either.
        let _ = flag::register(SIGXFSZ, unix::FILE_TOO_LARGE.clone());
    }
}

/// Whether a write went beyond that limit.
pub fn was_file_too_large() -> bool {
    #[cfg(unix)]
    return unix::FILE_TOO_LARGE.load(std::sync::atomic::Ordering::Relaxed);
    #[cfg(not(unix))]
    false
}

/// While this lives, `SIGINT` and `SIGTERM` end the process with a word on it, and what was written of a catalog is removed.
pub struct Watch {
    #[cfg(unix)]
    watch: Option<unix::Watch>,
}

impl Watch {
    /// Begins to watch. Where that cannot be, signals do what they did before.
    pub fn begin() -> Self {
        Self {
            #[cfg(unix)]
            watch: unix::Watch::begin().ok(),
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(watch) = self.watch.take() {
            watch.end();
        }
    }
}

/// While this lives, the first `SIGINT` or `SIGTERM` asks the program to finish what it has, and the second one ends it.
pub struct Interrupt {
    flag: Arc<AtomicBool>,
    #[cfg(unix)]
    registered: Vec<signal_hook::SigId>,
}

impl Interrupt {
    /// Begins to watch. Where that cannot be, signals do what they did before.
    pub fn begin() -> Self {
        let flag = Arc::new(AtomicBool::new(false));
        #[cfg(unix)]
        let registered = {
            use signal_hook::{
                consts::{SIGINT, SIGTERM},
                flag,
            };
            let register = |signal| {
                // In this order: the second signal finds the flag set.
                let ends = flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&flag));
                [ends, flag::register(signal, Arc::clone(&flag))]
            };
            [SIGINT, SIGTERM].into_iter().flat_map(register).filter_map(Result::ok).collect()
        };
        Self {
            flag,
            #[cfg(unix)]
            registered,
        }
    }

    /// What a signal sets.
    pub fn flag(&self) -> &AtomicBool {
        &self.flag
    }

    /// Whether a signal came.
    pub fn was_sent(&self) -> bool {
        self.flag.load(Ordering::Relaxed)
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        #[cfg(unix)]
        for id in self.registered.drain(..) {
            signal_hook::low_level::unregister(id);
        }
    }
}

#[cfg(unix)]
mod unix {
    use std::{
        io,
        sync::{Arc, LazyLock, atomic::AtomicBool},
        thread::JoinHandle,
    };

    use signal_hook::{
        consts::{SIGINT, SIGTERM},
        iterator::{Handle, Signals},
        low_level::signal_name,
    };

    use super::output;

    pub static FILE_TOO_LARGE: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

    pub struct Watch {
        handle: Handle,
        thread: JoinHandle<()>,
    }

    impl Watch {
        pub fn begin() -> io::Result<Self> {
            let mut signals = Signals::new([SIGINT, SIGTERM])?;
            let handle = signals.handle();
            let thread = std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
                if let Some(signal) = signals.forever().next() {
                    ruleatlas_store::remove_unfinished();
                    let name = signal_name(signal).unwrap_or("a signal");
                    output::say(format_args!(
                        "ruleatlas: ended by {name}; what was written of a new catalog is removed"
                    ));
                    std::process::exit(128 + signal);
                }
            })?;
            Ok(Self { handle, thread })
        }

        pub fn end(self) {
            self.handle.close();
            let _ = self.thread.join();
        }
    }
}
