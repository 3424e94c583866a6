//! Signals: a build that is told to end leaves nothing behind, and a file that may grow no more is an error like any other.

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
