//! What a module becomes: `explain <module.py> [<folder of helpers>]`

use std::{collections::HashMap, env, fs};

use ruleatlas_core::{Context, Frontend, Query, roles};
use ruleatlas_panther::Python;

struct Modules(HashMap<String, String>);

impl Context for Modules {
    fn module(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

fn main() {
    let mut arguments = env::args_os().skip(1);
    let Some(text) = arguments.next().and_then(|path| fs::read_to_string(path).ok()) else {
        eprintln!("usage: explain <module.py> [<folder of helpers>]");
        return;
    };
    let mut modules = Modules(HashMap::new());
    for path in arguments.flat_map(fs::read_dir).flatten().filter_map(|entry| Some(entry.ok()?.path())) {
        if let (true, Some(name), Ok(text)) =
            (path.extension().is_some_and(|end| end == "py"), path.file_stem(), fs::read_to_string(&path))
        {
            modules.0.insert(name.to_string_lossy().into_owned(), text);
        }
    }
    let parsed = Python.parse(&Query::new(&text), &modules);
    for placed in roles(&parsed.conditions) {
        let predicate = placed.predicate;
        let not = if predicate.negated { "!" } else { "" };
        println!("{} {} {not}{} {:?}", placed.role, predicate.raw_field, placed.counted_op, predicate.values);
    }
    for said in &parsed.diagnostics {
        println!("{:?}: {}", said.level, said.message);
    }
}
