//! Commands of `cmd.exe`.

use crate::{
    Shell, effects,
    event::Process,
    knowledge::{is_builtin, is_keyword},
    run::{Runner, without_words},
    words::Statement,
};

pub(crate) fn statement(runner: &mut Runner, statement: Statement, process: &Process, depth: usize) {
    let expand = |text: &String| runner.expand(text, next_variable);
    let mut words: Vec<String> = statement.words.iter().map(expand).collect();
    let outputs: Vec<String> = statement.outputs.iter().map(expand).collect();
    let mut text = runner.expand(&statement.text, next_variable);
    for output in &outputs {
        effects::file_written(&mut runner.recorder, output, process);
    }
    let expanded = Statement { text: text.clone(), words: words.clone(), outputs, inner: Vec::new() };
    let mut skipped = 0;
    if let Some(first) = words.first_mut().filter(|first| first.starts_with('@')) {
        first.remove(0);
        text = text.trim_start_matches('@').to_owned();
    }
    while words.get(skipped).is_some_and(|word| is_keyword(Shell::Cmd, word)) {
        skipped += 1;
    }
    let first = words.get(skipped).map(|word| word.to_ascii_lowercase()).unwrap_or_default();
    match first.as_str() {
        // `for … in (…) do command` and `if … command`: the command is behind the list and the condition.
        "for" => {
            // `for /f … in ('command')` runs a command for its output.
            let list = words.iter().find(|word| word.starts_with('(')).map(|word| word.trim_matches(['(', ')', ' ']));
            let quoted = list.and_then(|list| list.strip_prefix(['\'', '`'])?.strip_suffix(['\'', '`']));
            if let Some(inner) = quoted.map(str::to_owned) {
                runner.script(&inner, Shell::Cmd, process, depth + 1);
            }
            if let Some(at) = words.iter().position(|word| word.eq_ignore_ascii_case("do")) {
                rest(runner, &expanded, at + 1, process, depth)
            }
        }
        "if" => {
            if let Some(at) = behind_condition(&words, skipped + 1) {
                rest(runner, &expanded, at, process, depth)
            }
        }
        "set" => {
            let line = without_words(&expanded, skipped + 1);
            let line = line.trim_start_matches("/a ").trim_start_matches("/A ").trim_matches('"');
            if let Some((name, value)) = line.split_once('=') {
                runner.set_variable(name.trim(), value);
            }
        }
        "start" => {
            // A quoted first word is the title of a window.
            let is_title = expanded.text.get(5..).is_some_and(|rest| rest.trim_start().starts_with('"'));
            let mut at = skipped + 1 + usize::from(is_title);
            while words.get(at).is_some_and(|word| word.starts_with('/')) {
                at += 1;
            }
            rest(runner, &expanded, at, process, depth)
        }
        "copy" | "move" => effects::copied(&mut runner.recorder, &words, process),
        "del" | "erase" => effects::deleted(&mut runner.recorder, &words, process),
        _ if is_builtin(Shell::Cmd, &first) || first.starts_with(':') => {}
        _ if skipped > 0 => rest(runner, &expanded, skipped, process, depth),
        _ => {
            if let Some(program) = words.first() {
                let program = program.clone();
                runner.start(&program, &text, &words, process, depth);
            }
        }
    }
}

/// What is behind words that belong to the shell.
fn rest(runner: &mut Runner, all: &Statement, words: usize, process: &Process, depth: usize) {
    let text = without_words(all, words);
    if !text.is_empty() {
        runner.script(&text, Shell::Cmd, process, depth + 1);
    }
}

/// Where the command of an `if` begins.
fn behind_condition(words: &[String], mut at: usize) -> Option<usize> {
    while words.get(at).is_some_and(|word| word.eq_ignore_ascii_case("not") || word.eq_ignore_ascii_case("/i")) {
        at += 1;
    }
    let word = words.get(at)?;
    let is = |name: &str| word.eq_ignore_ascii_case(name);
    if is("exist") || is("defined") || is("errorlevel") {
        return Some(at + 2);
    }
    if word.contains("==") {
        return Some(at + 1);
    }
    // `a == b`, `a equ b`
    Some(at + 3)
}

/// `%name%`, and `!name!`.
fn next_variable(text: &str) -> Option<(usize, usize, &str)> {
    let mut from = 0;
    loop {
        let start = from + text.get(from..)?.find(['%', '!'])?;
        let mark = text.get(start..)?.chars().next()?;
        let rest = text.get(start + 1..)?;
        let end = rest.char_indices().take(64).find(|(_, character)| !is_name(*character));
        match end {
            Some((end, character)) if character == mark && end > 0 => {
                return Some((start, start + end + 2, rest.get(..end)?));
            }
            _ => from = start + 1,
        }
    }
}

fn is_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '(' | ')')
}
