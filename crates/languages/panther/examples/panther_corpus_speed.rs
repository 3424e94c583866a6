//! How long all rule modules of a checkout take: `panther_corpus_speed <folder of panther-analysis>`
//!
//! Files are read before the clock starts. The first round also reads the helper modules, later ones have them in memory;
//! the best of ten rounds is shown beside the first, on one core and on two.

use std::{collections::HashMap, env, fs, path::PathBuf, thread, time::Instant};

use ruleatlas_core::{Context, Frontend, Query};
use ruleatlas_panther::Python;

struct Modules(HashMap<String, String>);

impl Context for Modules {
    fn module(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

fn main() {
    let mut folders: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let (mut rules, mut modules) = (Vec::new(), HashMap::new());
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())) {
            if path.is_dir() {
                folders.push(path);
            } else if let (Some("py"), Ok(text)) =
                (path.extension().and_then(|end| end.to_str()), fs::read_to_string(&path))
            {
                if text.contains("def rule(") || text.contains("def policy(") {
                    rules.push(text);
                } else if let Some(name) = path.file_stem().and_then(|name| name.to_str()) {
                    modules.insert(name.to_owned(), text);
                }
            }
        }
    }
    let modules = Modules(modules);
    let bytes: usize = rules.iter().map(String::len).sum();
    // Each round has texts of its own, as a module that was read before is not read again.
    let round = |number: usize, cores: usize| {
        let texts: Vec<String> = rules.iter().map(|text| format!("{text}\n# {number}\n")).collect();
        let started = Instant::now();
        thread::scope(|scope| {
            for half in texts.chunks(texts.len().div_ceil(cores).max(1)) {
                let modules = &modules;
                scope.spawn(move || {
                    for text in half {
                        Python.parse(&Query::new(text), modules);
                    }
                });
            }
        });
        started.elapsed()
    };
    let first = round(0, 2);
    let one = (1..11).map(|number| round(number, 1)).min().unwrap_or_default();
    let two = (11..21).map(|number| round(number, 2)).min().unwrap_or_default();
    println!(
        "{} modules, {bytes} bytes: first {first:.2?} on two cores, best {one:.2?} on one, {two:.2?} on two",
        rules.len()
    );
}
