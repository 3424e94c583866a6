//! Goes through a script and records what its commands would do.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    EmulatedEvent, Platform, Shell, cmd, decode, effects,
    event::{MAX_EVENTS, Process, Recorder},
    knowledge::{Image, Position, Takes, Wrapper, alias, wrappers},
    posix, powershell,
    words::{Statement, statements},
};

/// Bytes of a script that are looked at.
pub const MAX_SCRIPT_BYTES: usize = 1 << 20;
/// Commands of a script that become events.
pub const MAX_COMMANDS: usize = 2_000;
/// Scripts inside scripts.
const MAX_DEPTH: usize = 8;
/// Bytes that variables may make of a text.
const MAX_EXPANDED_BYTES: usize = 64 << 10;
/// Bytes that all texts of a script may have together, counted each time that one is looked at.
const MAX_WORK_BYTES: usize = 16 << 20;

/// What a test runs.
#[derive(Clone, Copy, Debug)]
pub struct Script<'a> {
    /// Where.
    pub platform: Platform,
    /// By which shell.
    pub shell: Shell,
    /// The commands.
    pub text: &'a str,
}

/// What a script would be recorded as.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct Emulation {
    /// The events, in the order in which they would happen.
    pub events: Vec<EmulatedEvent>,
    /// What was left out, as sentences.
    pub notes: Vec<String>,
}

/// The events of a script.
#[must_use]
pub fn emulate(script: &Script<'_>) -> Emulation {
    let mut text = script.text;
    let mut runner = Runner::new(script.platform);
    if text.len() > MAX_SCRIPT_BYTES {
        let end = (0..=MAX_SCRIPT_BYTES).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
        text = text.get(..end).unwrap_or_default();
        runner.note(format!("the script is longer than {} MiB; the rest is left out", MAX_SCRIPT_BYTES >> 20));
    }
    let starter = runner.starter();
    let shell = runner.shell_process(script.shell, text, &starter);
    runner.script(text, script.shell, &shell, 0);
    if runner.recorder.events.len() >= MAX_EVENTS {
        runner.note(format!("only the first {MAX_EVENTS} events are kept"));
    }
    Emulation { events: runner.recorder.events, notes: runner.notes }
}

/// The events of one command line: its process and what that starts, or the commands of it where it is a line of a shell. Who
/// starts it is unknown.
#[must_use]
pub fn emulate_command_line(text: &str, platform: Platform) -> Emulation {
    let mut runner = Runner::new(platform);
    let shell = if platform == Platform::Windows { Shell::Cmd } else { Shell::Posix };
    let text = text.trim();
    let unknown = Process::unknown(platform);
    let words = runner.argument_words(text, shell);
    let Some((program, _)) = words.split_first() else { return Emulation::default() };
    let split = statements(text, shell, 2);
    let is_of_shell = split.len() > 1 || split.iter().any(|one| one.text != text || !one.inner.is_empty());
    // Behind `cmd /c` and its like an operator is an argument of the one process.
    if is_of_shell && wrappers(Image::of(program, platform).base()).all(|wrapper| wrapper.takes == Takes::Command) {
        runner.script(text, shell, &unknown, 0);
    } else {
        runner.start(program, text, &words, &unknown, 0);
    }
    Emulation { events: runner.recorder.events, notes: runner.notes }
}

pub(crate) struct Runner {
    pub recorder: Recorder,
    /// Variables that scripts set, by lower-case name on Windows.
    variables: BTreeMap<String, String>,
    commands: usize,
    work: usize,
    notes: Vec<String>,
}

impl Runner {
    fn new(platform: Platform) -> Self {
        let (recorder, variables, notes) = (Recorder::new(platform), BTreeMap::new(), Vec::new());
        Self { recorder, variables, commands: 0, work: 0, notes }
    }

    pub fn platform(&self) -> Platform {
        self.recorder.platform
    }

    fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Who runs a test: a person's shell.
    fn starter(&self) -> Process {
        let (name, command_line) = match self.platform() {
            Platform::Windows => ("powershell.exe", "powershell.exe"),
            Platform::Linux => ("bash", "-bash"),
            Platform::Macos => ("zsh", "-zsh"),
        };
        let image = Image::of(name, self.platform());
        Process { image, command_line: command_line.to_owned(), id: 4000 }
    }

    /// The process of the shell that runs a script.
    fn shell_process(&mut self, shell: Shell, text: &str, starter: &Process) -> Process {
        let text = text.trim();
        let joined = || text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" & ");
        let (name, line, words) = match shell {
            Shell::Cmd => ("cmd.exe", format!("\"cmd.exe\" /c {}", joined()), Vec::new()),
            Shell::PowerShell if self.platform() == Platform::Windows => {
                ("powershell.exe", format!("\"powershell.exe\" & {{{text}}}"), Vec::new())
            }
            Shell::PowerShell => ("pwsh", format!("pwsh -Command {text}"), vec!["pwsh", "-Command", text]),
            Shell::Posix => {
                let name = if self.platform() == Platform::Macos { "zsh" } else { "sh" };
                (name, format!("{name} -c {text}"), vec![name, "-c", text])
            }
        };
        let arguments: Vec<String> = words.into_iter().map(str::to_owned).collect();
        self.recorder.process(Image::of(name, self.platform()), &line, &arguments, starter)
    }

    /// A script that a process runs.
    pub fn script(&mut self, text: &str, shell: Shell, process: &Process, depth: usize) {
        self.work += text.len();
        if depth > MAX_DEPTH || self.work > MAX_WORK_BYTES {
            self.note("commands inside commands are nested too deep, or too long; they are left out".to_owned());
            return;
        }
        if shell == Shell::PowerShell && !text.trim().is_empty() {
            effects::script_block(&mut self.recorder, text);
        }
        let left = MAX_COMMANDS.saturating_sub(self.commands);
        for statement in statements(text, shell, left + 1) {
            if self.commands >= MAX_COMMANDS {
                self.note(format!("only the first {MAX_COMMANDS} commands are looked at"));
                return;
            }
            self.commands += 1;
            for inner in &statement.inner {
                self.script(inner, shell, process, depth + 1);
            }
            match shell {
                Shell::Cmd => cmd::statement(self, statement, process, depth),
                Shell::PowerShell => powershell::statement(self, statement, process, depth),
                Shell::Posix => posix::statement(self, statement, process, depth),
            }
        }
    }

    /// A program that a process starts, and what that starts in turn.
    pub fn start(&mut self, program: &str, command_line: &str, words: &[String], parent: &Process, depth: usize) {
        if program.is_empty() {
            return;
        }
        let image = Image::of(program, self.platform());
        let base = image.base().to_owned();
        let process = self.recorder.process(image, command_line, words, parent);
        let arguments = words.get(1..).unwrap_or_default();
        effects::of_program(&mut self.recorder, &base, arguments, &process);
        for wrapper in wrappers(&base) {
            let Some(inner) = inner_command(wrapper, arguments) else { continue };
            let parent = match &wrapper.parent {
                Some(path) => Process { image: Image::of(path, self.platform()), command_line: path.clone(), id: 900 },
                None => process.clone(),
            };
            self.inner(wrapper.takes, inner, &parent, depth + 1);
            return;
        }
        let is_powershell = matches!(base.to_ascii_lowercase().as_str(), "powershell" | "pwsh");
        if is_powershell {
            // Without an option that says otherwise, what is no option is a command.
            let is_value = |at: usize| {
                at.checked_sub(1)
                    .and_then(|before| arguments.get(before))
                    .is_some_and(|word| powershell::takes_value(word))
            };
            let is_command = |(at, word): (usize, &String)| !word.starts_with(['-', '/']) && !is_value(at);
            if let Some(at) = arguments.iter().enumerate().position(is_command) {
                let script = arguments.get(at..).unwrap_or_default().join(" ");
                return self.script(&script, Shell::PowerShell, &process, depth + 1);
            }
        }
        // What starts another command connects to none of the hosts that it names.
        effects::hosts(&mut self.recorder, command_line, &process);
    }

    fn inner(&mut self, takes: Takes, words: &[String], parent: &Process, depth: usize) {
        let text = words.join(" ");
        match takes {
            Takes::Cmd => self.script(unquoted(&text), Shell::Cmd, parent, depth),
            Takes::PowerShell => self.script(unquoted(&text), Shell::PowerShell, parent, depth),
            Takes::Posix => self.script(&text, Shell::Posix, parent, depth),
            Takes::Encoded => match decode::encoded_command(&text) {
                Some(script) => self.script(&script, Shell::PowerShell, parent, depth),
                None => self.note("an encoded command could not be decoded".to_owned()),
            },
            Takes::Command => {
                if let Some(program) = words.first().filter(|_| depth <= MAX_DEPTH) {
                    self.start(program, &text, words, parent, depth);
                }
            }
        }
    }

    /// Sets a variable of the script.
    pub fn set_variable(&mut self, name: &str, value: &str) {
        if value.len() <= MAX_EXPANDED_BYTES && self.variables.len() < MAX_COMMANDS {
            self.variables.insert(name.to_ascii_lowercase(), value.to_owned());
        }
    }

    /// A variable's value: what the script sets goes before what the platform has.
    pub fn variable(&self, name: &str) -> Option<&str> {
        let own = self.variables.get(&name.to_ascii_lowercase()).map(String::as_str);
        own.or_else(|| crate::knowledge::variable(self.platform(), name))
    }

    /// A text with the variables replaced that `next` finds: where the first one begins and ends, and its name. What a
    /// variable stands for is not looked at again.
    pub fn expand(&self, text: &str, next: fn(&str) -> Option<(usize, usize, &str)>) -> String {
        let mut expanded = String::new();
        let mut rest = text;
        while let Some((start, end, name)) = next(rest) {
            let value = self.variable(name).filter(|value| expanded.len() + value.len() <= MAX_EXPANDED_BYTES);
            expanded.push_str(rest.get(..start).unwrap_or_default());
            expanded.push_str(value.unwrap_or_else(|| rest.get(start..end).unwrap_or_default()));
            rest = rest.get(end..).unwrap_or_default();
        }
        expanded.push_str(rest);
        expanded
    }

    /// The words of one process's command line.
    fn argument_words(&self, text: &str, shell: Shell) -> Vec<String> {
        let mut words = Vec::new();
        let mut word: Option<String> = None;
        let mut quote = None;
        for character in text.chars() {
            match quote {
                Some(open) if character == open => quote = None,
                Some(_) => word.get_or_insert_default().push(character),
                None if character == '"' || (character == '\'' && shell == Shell::Posix) => {
                    quote = Some(character);
                    word.get_or_insert_default();
                }
                None if character.is_whitespace() => words.extend(word.take()),
                None => word.get_or_insert_default().push(character),
            }
        }
        words.extend(word);
        words
    }
}

/// The name that PowerShell knows a command by.
pub(crate) fn resolved(word: &str) -> &str {
    alias(word).unwrap_or(word)
}

/// The words of the command that a wrapper's arguments hold.
fn inner_command<'a>(wrapper: &Wrapper, arguments: &'a [String]) -> Option<&'a [String]> {
    let start = if wrapper.options.is_empty() {
        let mut at = 0;
        let mut words = wrapper.words;
        loop {
            let word = arguments.get(at)?;
            if wrapper.skip.contains(word) {
                at += 2;
            } else if word.starts_with(['-', '\\']) || is_assignment(word) {
                at += 1;
            } else if words > 0 {
                words -= 1;
                at += 1;
            } else {
                break at;
            }
        }
    } else {
        let is_option = |word: &String| wrapper.options.iter().any(|option| option.eq_ignore_ascii_case(word));
        match arguments.iter().position(is_option) {
            Some(at) => at + 1,
            // `cmd /cwhoami`
            None => return None,
        }
    };
    let end = if wrapper.position == Position::Next { start + 1 } else { arguments.len() };
    arguments.get(start..end).filter(|words| !words.is_empty())
}

/// `A=b` before a command.
pub(crate) fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
    })
}

fn unquoted(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text)
}

/// What a statement would be on a command line once words before its command are gone.
pub(crate) fn without_words(statement: &Statement, count: usize) -> String {
    let mut rest = statement.text.as_str();
    for word in statement.words.iter().take(count) {
        let trimmed = rest.trim_start();
        rest = match (trimmed.chars().next(), trimmed.strip_prefix(word.as_str())) {
            (_, Some(after)) => after,
            // A quoted word is longer in the text than by itself.
            (Some(quote @ ('"' | '\'')), None) => {
                let inner = trimmed.get(1..).unwrap_or_default();
                inner.find(quote).and_then(|end| inner.get(end + 1..)).unwrap_or_default()
            }
            (_, None) => trimmed.find(char::is_whitespace).and_then(|end| trimmed.get(end..)).unwrap_or_default(),
        };
    }
    rest.trim_start().to_owned()
}
