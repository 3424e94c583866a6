//! How long all EQL queries of a corpus take: `eql_corpus_speed <folder of TOML rules>…`
//!
//! Files are read before the clock starts; the best of 20 rounds on one core is shown.

use std::{env, fs, path::PathBuf, time::Instant};

use ruleatlas_core::{Frontend, NoContext, Query};
use ruleatlas_eql::Eql;

fn main() {
    let mut folders: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let mut queries = Vec::new();
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())) {
            if path.is_dir() {
                folders.push(path);
            } else if let Some(table) = fs::read_to_string(&path).ok().and_then(|text| text.parse::<toml::Table>().ok())
            {
                let rule = table.get("rule");
                let text = |name: &str| rule.and_then(|rule| rule.get(name)).and_then(toml::Value::as_str);
                if text("language") == Some("eql") {
                    queries.extend(text("query").map(str::to_owned));
                }
            }
        }
    }
    let bytes: usize = queries.iter().map(String::len).sum();
    let round = || {
        let started = Instant::now();
        let steps: usize = queries.iter().map(|query| Eql.parse(&Query::new(query), &NoContext).conditions.len()).sum();
        (started.elapsed(), steps)
    };
    let Some((best, steps)) = (0..20).map(|_| round()).min() else { return };
    let seconds = best.as_secs_f64();
    println!(
        "{} queries, {bytes} bytes, {steps} steps: {:.2} ms, {:.0} MB/s",
        queries.len(),
        seconds * 1e3,
        bytes as f64 / seconds / 1e6
    );
}
