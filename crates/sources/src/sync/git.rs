//! One call of the `git` program.

use std::{
    ffi::OsStr,
    io::{ErrorKind, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use super::{Error, Login, Options, login::without_logins};

/// How much of each of git's outputs is kept, in bytes.
const MAX_OUTPUT: usize = 64 << 10;

/// What a repository's content or the user's settings must not do here.
const SETTINGS: [&str; 8] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    // A link becomes a small file with its target's name, and leads nowhere.
    "core.symlinks=false",
    "submodule.recurse=false",
    "gc.auto=0",
    "maintenance.auto=false",
    // A transfer that stands still ends by itself, also when git was ended and a helper of it was not.
    "http.lowSpeedLimit=1",
    "http.lowSpeedTime=60",
];

/// What a surrounding git command (a hook that runs this program) would leave to ours.
const SURROUNDINGS: [&str; 9] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
];

/// The program and how long it may take.
#[derive(Clone)]
pub(super) struct Git {
    program: PathBuf,
    timeout: Duration,
    /// The login for an address, and the address.
    login: Option<(Login, String)>,
}

impl Git {
    pub(super) fn new(options: &Options) -> Self {
        Self { program: options.git.clone(), timeout: options.timeout, login: None }
    }

    /// That uses a login for an address.
    pub(super) fn with_login(&self, login: Option<&Login>, address: &str) -> Self {
        Self { login: login.map(|login| (login.clone(), address.to_owned())), ..self.clone() }
    }

    /// Runs `git action` and gives what it printed. With a `repository`, the command works on that folder and on no
    /// repository around it.
    pub(super) fn run<A: AsRef<OsStr>>(
        &self,
        repository: Option<&Path>,
        action: &'static str,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<String, Error> {
        let mut command = Command::new(&self.program);
        command.args(SETTINGS.iter().flat_map(|setting| ["-c", setting]));
        if let Some(folder) = repository {
            command.arg("--git-dir").arg(folder.join(".git")).arg("--work-tree").arg(folder).current_dir(folder);
        }
        for name in SURROUNDINGS {
            command.env_remove(name);
        }
        if let Some((login, address)) = &self.login {
            // In the environment, which other users cannot read as they can a command line, and not in the clone's own
            // settings. What the user gives git in the same way stays.
            let given = std::env::var("GIT_CONFIG_COUNT").ok().and_then(|count| count.parse().ok()).unwrap_or(0_u32);
            command
                .env("GIT_CONFIG_COUNT", given.saturating_add(1).to_string())
                .env(format!("GIT_CONFIG_KEY_{given}"), login.setting())
                .env(format!("GIT_CONFIG_VALUE_{given}"), address);
        }
        command
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_ASKPASS", "")
            .env("SSH_ASKPASS", "")
            .env("GIT_ALLOW_PROTOCOL", "https:ssh:file")
            .env("GIT_LFS_SKIP_SMUDGE", "1")
            .env("LC_ALL", "C")
            .arg(action)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let failed = |error: &std::io::Error| Error::Git {
            action,
            said: error.to_string(),
            advice: "check that the program can be run",
        };
        let mut child = command.spawn().map_err(|error| match error.kind() {
            ErrorKind::NotFound => Error::NoGit(self.program.clone()),
            _ => failed(&error),
        })?;
        let (printed, said) = (collect(child.stdout.take()), collect(child.stderr.take()));
        let success = self.wait(&mut child).map_err(|error| failed(&error))?;
        let text = |output: Receiver<Vec<u8>>| {
            // A helper that outlives git may hold the pipe open.
            let bytes = output.recv_timeout(Duration::from_secs(2)).unwrap_or_default();
            String::from_utf8_lossy(&bytes).trim().to_owned()
        };
        match success {
            Some(true) => Ok(text(printed)),
            Some(false) => {
                let said = without_logins(&last_words(&text(said))).into_owned();
                let advice = advice(&said);
                Err(Error::Git { action, said, advice })
            }
            None => Err(Error::Timeout { action, timeout: self.timeout }),
        }
    }

    /// Whether the child succeeded, or `None` when it had to be ended.
    fn wait(&self, child: &mut Child) -> std::io::Result<Option<bool>> {
        let start = Instant::now();
        let mut pause = Duration::from_millis(1);
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(Some(status.success()));
            }
            if start.elapsed() >= self.timeout {
                child.kill()?;
                child.wait()?;
                return Ok(None);
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(50));
        }
    }
}

/// Reads a pipe to its end in a thread of its own, so that git never waits for us, and keeps the last bytes.
fn collect(pipe: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    if let Some(mut pipe) = pipe {
        thread::spawn(move || {
            let (mut kept, mut buffer) = (Vec::new(), vec![0; MAX_OUTPUT]);
            while let Ok(count @ 1..) = pipe.read(&mut buffer) {
                kept.extend_from_slice(&buffer[..count]);
                kept.drain(..kept.len().saturating_sub(MAX_OUTPUT));
            }
            // Nobody listens when the call has ended before.
            let _ = sender.send(kept);
        });
    }
    receiver
}

/// What git said in the end: the lines with `fatal:` and `error:`, or else the last one.
fn last_words(said: &str) -> String {
    let grave = |line: &&str| line.starts_with("fatal:") || line.starts_with("error:") || line.starts_with("remote: ");
    let lines: Vec<&str> = said.lines().filter(grave).take(4).collect();
    if lines.is_empty() { said.lines().next_back().unwrap_or("no reason given").to_owned() } else { lines.join("; ") }
}

/// What to do about a failure.
fn advice(said: &str) -> &'static str {
    let has = |parts: &[&str]| parts.iter().any(|part| said.contains(part));
    if has(&[
        "could not read Username",
        "Authentication failed",
        "Permission denied (publickey",
        "terminal prompts disabled",
    ]) {
        "the address is wrong or asks for a login; check it, or set up a credential helper or an ssh key"
    } else if has(&["Remote branch", "couldn't find remote ref"]) {
        "check the branch in the table of sources"
    } else if has(&["No space left"]) {
        "make room on the disk"
    } else if has(&["not found", "does not exist", "does not appear to be a git repository"]) {
        "check the address in the table of sources"
    } else if has(&["Could not resolve", "unable to access", "Connection", "timed out", "early EOF"]) {
        "check the connection and try again"
    } else if has(&["unknown option", "is not a git command"]) {
        "git 2.35 or later is needed"
    } else {
        "try again, or check the source's entry"
    }
}
