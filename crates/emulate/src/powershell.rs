//! Commands of PowerShell.

use crate::{
    Platform, Shell, effects,
    event::Process,
    knowledge::{Image, is_builtin},
    run::{Runner, resolved, without_words},
    words::Statement,
};

/// Options of `powershell.exe` that come with a value.
const WITH_VALUE: [&str; 10] = [
    "-configurationname",
    "-custompipename",
    "-encodedarguments",
    "-executionpolicy",
    "-file",
    "-inputformat",
    "-outputformat",
    "-psconsolefile",
    "-version",
    "-windowstyle",
];
/// Their short forms that are no beginning of one alone.
const SHORT_WITH_VALUE: [&str; 3] = ["-ep", "-ex", "-w"];

/// Whether the word behind an option of `powershell.exe` is its value; options may be cut short.
pub(crate) fn takes_value(option: &str) -> bool {
    let option = option.to_ascii_lowercase().replacen('/', "-", 1);
    let is_beginning = |known: &&str| option.len() > 1 && known.starts_with(option.as_str());
    SHORT_WITH_VALUE.contains(&option.as_str()) || WITH_VALUE.iter().any(is_beginning)
}

pub(crate) fn statement(runner: &mut Runner, statement: Statement, process: &Process, depth: usize) {
    let expand = |text: &String| runner.expand(text, next_variable);
    let mut words: Vec<String> = statement.words.iter().map(expand).collect();
    let text = runner.expand(&statement.text, next_variable);
    for output in &statement.outputs {
        let output = runner.expand(output, next_variable);
        effects::file_written(&mut runner.recorder, &output, process);
    }
    if set_variable(runner, &words) {
        // `$x = command …`: what is behind the sign may run something.
        words.drain(..2.min(words.len()));
    }
    let mut skipped = 0;
    while words.get(skipped).is_some_and(|word| is_builtin(Shell::PowerShell, word) || word.starts_with('(')) {
        skipped += 1;
    }
    words.drain(..skipped);
    effects::hosts(&mut runner.recorder, &text, process);
    let is_call = words.first().is_some_and(|word| matches!(word.as_str(), "&" | "."));
    if is_call {
        words.remove(0);
    }
    let Some(first) = words.first().cloned() else { return };
    // As written: a text in quotes is a value unless it is called.
    let before = statement.words.len() - words.len();
    if !is_call && without_words(&statement, before).starts_with(['"', '\'']) {
        return;
    }
    if first.starts_with(['$', '[', '@', '-', '!', '%', '?', '=', '"', '\'']) || first.is_empty() {
        return;
    }
    let command = if is_call { first.as_str() } else { resolved(&first) };
    let rest = words.get(1..).unwrap_or_default();
    match command.to_ascii_lowercase().as_str() {
        "invoke-expression" => {
            let script = argument(rest, &["-command", "-c"], 0).unwrap_or_default().to_owned();
            runner.script(&script, Shell::PowerShell, process, depth + 1);
        }
        "start-process" => {
            let Some(program) = argument(rest, &["-filepath", "-f"], 0).map(str::to_owned) else { return };
            let arguments = argument(rest, &["-argumentlist", "-args", "-a"], 1).unwrap_or_default();
            let arguments = arguments.trim_matches(['(', ')', '@']).replace(['\'', '"'], "").replace(',', " ");
            start(runner, &program, &arguments, process, depth);
        }
        "invoke-wmimethod" | "invoke-cimmethod" => {
            let lower = text.to_ascii_lowercase();
            if lower.contains("win32_process") && lower.contains("create") {
                let line = quoted_after(&text, "CommandLine")
                    .or_else(|| argument(rest, &["-argumentlist"], 9).map(str::to_owned));
                let host = Image::of(r"C:\Windows\System32\wbem\WmiPrvSE.exe", runner.platform());
                let parent = Process { command_line: host.path.clone(), image: host, id: 900 };
                runner.script(&line.unwrap_or_default(), Shell::Cmd, &parent, depth + 1);
            }
        }
        lower if effects::cmdlet(&mut runner.recorder, lower, rest, process) => {}
        lower if is_cmdlet(lower) => {}
        _ => {
            let arguments = runner.expand(&without_words(&statement, before + 1), next_variable);
            start(runner, &first, &arguments, process, depth);
        }
    }
}

/// A program with its arguments, the way PowerShell writes its command line: by its whole path in quotes.
fn start(runner: &mut Runner, program: &str, arguments: &str, process: &Process, depth: usize) {
    let path = Image::of(program, runner.platform()).path;
    let line = match runner.platform() {
        Platform::Windows => format!("\"{path}\" {arguments}"),
        _ => format!("{program} {arguments}"),
    };
    let line = line.trim_end();
    let rest = crate::words::statements(arguments, Shell::Posix, 1).into_iter().next().unwrap_or_default().words;
    // A backslash is no escape on Windows.
    let words = match runner.platform() {
        Platform::Windows => {
            crate::words::statements(&arguments.replace('\\', "\\\\"), Shell::Posix, 1)
                .into_iter()
                .next()
                .unwrap_or_default()
                .words
        }
        _ => rest,
    };
    let words: Vec<String> = std::iter::once(program.to_owned()).chain(words).collect();
    runner.start(program, line, &words, process, depth);
}

/// `Verb-Noun`.
fn is_cmdlet(word: &str) -> bool {
    let Some((verb, noun)) = word.split_once('-') else { return false };
    let is_word = |text: &str| !text.is_empty() && text.chars().all(|character| character.is_ascii_alphanumeric());
    is_word(verb) && is_word(noun)
}

/// The value of a parameter by its name, cut short or whole, or the positional argument of this number.
pub(crate) fn argument<'a>(words: &'a [String], names: &[&str], position: usize) -> Option<&'a str> {
    let is_named = |word: &String| {
        let word = word.to_ascii_lowercase();
        names.iter().any(|name| word == *name || (word.len() > 3 && name.starts_with(word.as_str())))
    };
    if let Some(at) = words.iter().position(is_named) {
        return words.get(at + 1).map(String::as_str);
    }
    let mut free = Vec::new();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        if word.starts_with('-') && word.len() > 1 {
            // A switch has no value; one cannot know which is one, and takes what looks like a value for it.
            at += if words.get(at + 1).is_some_and(|next| !next.starts_with('-')) { 2 } else { 1 };
        } else {
            free.push(word.as_str());
            at += 1;
        }
    }
    free.get(position).copied()
}

/// `$name = value` of a plain value.
fn set_variable(runner: &mut Runner, words: &[String]) -> bool {
    let [name, sign, rest @ ..] = words else { return false };
    let Some(name) = name.strip_prefix('$').filter(|_| sign == "=") else { return false };
    let name = name.strip_prefix("env:").unwrap_or(name);
    if let [value] = rest
        && !value.starts_with(['(', '[', '@', '$'])
    {
        runner.set_variable(name, value);
    }
    true
}

/// The quoted text behind a name.
fn quoted_after(text: &str, name: &str) -> Option<String> {
    let at = text.to_ascii_lowercase().find(&name.to_ascii_lowercase())?;
    let rest = text.get(at + name.len()..)?;
    let open = rest.find(['"', '\''])?;
    let quote = rest.get(open..)?.chars().next()?;
    let inner = rest.get(open + 1..)?;
    Some(inner.get(..inner.find(quote)?)?.to_owned())
}

/// `$env:name`, `${env:name}`, `$name`.
fn next_variable(text: &str) -> Option<(usize, usize, &str)> {
    let mut from = 0;
    loop {
        let start = from + text.get(from..)?.find('$')?;
        let rest = text.get(start + 1..)?;
        let (open, inner) = match rest.strip_prefix('{') {
            Some(inner) => (1, inner),
            None => (0, rest),
        };
        let prefix = if inner.get(..4).is_some_and(|mark| mark.eq_ignore_ascii_case("env:")) { 4 } else { 0 };
        let name = inner.get(prefix..)?;
        let is_name = |character: char| character.is_ascii_alphanumeric() || character == '_';
        let end =
            name.char_indices().take(64).find(|(_, character)| !is_name(*character)).map_or(name.len(), |(end, _)| end);
        let is_closed = open == 0 || name.get(end..).is_some_and(|rest| rest.starts_with('}'));
        if end > 0 && is_closed {
            return Some((start, start + 1 + prefix + end + 2 * open, name.get(..end)?));
        }
        from = start + 1;
    }
}
