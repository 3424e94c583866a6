//! Commands of `sh` and its relatives.

use crate::{
    Shell, effects,
    event::Process,
    knowledge::{is_builtin, is_keyword},
    run::{Runner, is_assignment},
    words::Statement,
};

pub(crate) fn statement(runner: &mut Runner, statement: Statement, process: &Process, depth: usize) {
    let mut words: Vec<String> = statement.words.iter().map(|word| runner.expand(word, next_variable)).collect();
    for output in &statement.outputs {
        let output = runner.expand(output, next_variable);
        effects::file_written(&mut runner.recorder, &output, process);
    }
    let mut skipped = 0;
    loop {
        match words.get(skipped) {
            Some(word) if is_assignment(word) => {
                if let Some((name, value)) = word.split_once('=') {
                    runner.set_variable(name, value);
                }
                skipped += 1;
            }
            Some(word) if is_keyword(Shell::Posix, word) => skipped += 1,
            Some(word) if matches!(word.as_str(), "exec" | "command" | "builtin") => skipped += 1,
            _ => break,
        }
    }
    words.drain(..skipped);
    let Some(program) = words.first().cloned() else { return };
    match program.as_str() {
        "export" | "local" | "readonly" | "declare" => {
            for word in words.iter().skip(1) {
                if let Some((name, value)) = word.split_once('=') {
                    runner.set_variable(name, value);
                }
            }
        }
        "eval" => runner.script(&words.get(1..).unwrap_or_default().join(" "), Shell::Posix, process, depth + 1),
        _ if is_builtin(Shell::Posix, &program) || program.ends_with("()") => {}
        // A variable that nobody set: the program is not known.
        _ if program.starts_with('$') || program.starts_with('`') => {}
        _ => {
            let line = words.join(" ");
            runner.start(&program, &line, &words, process, depth);
            if matches!(program.rsplit('/').next(), Some("cp" | "mv" | "install")) {
                effects::copied(&mut runner.recorder, &words, process);
            }
        }
    }
}

/// `$name`, `${name}`, and `~/` at the beginning.
fn next_variable(text: &str) -> Option<(usize, usize, &str)> {
    if text == "~" || text.starts_with("~/") {
        return Some((0, 1, "HOME"));
    }
    let mut from = 0;
    loop {
        let start = from + text.get(from..)?.find('$')?;
        let rest = text.get(start + 1..)?;
        let (open, inner) = match rest.strip_prefix('{') {
            Some(inner) => (1, inner),
            None => (0, rest),
        };
        let is_name = |character: char| character.is_ascii_alphanumeric() || character == '_';
        let end = inner
            .char_indices()
            .take(64)
            .find(|(_, character)| !is_name(*character))
            .map_or(inner.len(), |(end, _)| end);
        let is_closed = open == 0 || inner.get(end..).is_some_and(|rest| rest.starts_with('}'));
        if end > 0 && is_closed {
            return Some((start, start + 1 + end + 2 * open, inner.get(..end)?));
        }
        from = start + 1;
    }
}
