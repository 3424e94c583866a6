//! How long a folder of Sigma rules takes: the YAML library's events, our trees, our conditions; best of many rounds.
//!
//! `cargo run --release -p ruleatlas-sigma --example timing -- FOLDER`

use std::{
    error::Error,
    fs,
    hint::black_box,
    path::PathBuf,
    time::{Duration, Instant},
};

use ruleatlas_core::{Frontend, NoContext, Query};
use ruleatlas_sigma::Sigma;

const ROUNDS: usize = 30;

fn main() -> Result<(), Box<dyn Error>> {
    let mut texts = Vec::new();
    let mut folders: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "yml") {
                texts.push(fs::read_to_string(path)?);
            }
        }
    }
    let bytes: usize = texts.iter().map(String::len).sum();
    println!("{} files, {bytes} bytes", texts.len());
    let trees: Vec<_> = texts.iter().filter_map(|text| Some((text, ruleatlas_yaml::parse(text).ok()?))).collect();
    let mut best = [Duration::MAX; 3];
    for _ in 0..ROUNDS {
        // One after the other in each round, so that a busy moment of the machine falls on all of them.
        best[0] = best[0].min(time(|| {
            for text in &texts {
                for event in granit_parser::Parser::new_from_str(text) {
                    let _ = black_box(event);
                }
            }
        }));
        best[1] = best[1].min(time(|| {
            for text in &texts {
                let _ = black_box(ruleatlas_yaml::parse(text));
            }
        }));
        best[2] = best[2].min(time(|| {
            for (text, tree) in &trees {
                for document in &tree.documents {
                    let Some((key, value)) = document.entry("detection") else { continue };
                    let text = text.get(key.start..value.end).unwrap_or_default();
                    let query = Query { text, tree: Some((document, key.start)), sources: &[] };
                    black_box(Sigma.parse(&query, &NoContext));
                }
            }
        }));
    }
    let [events, tree, conditions] = best;
    println!("events      {events:?}");
    println!("trees       {tree:?} ({:.2} of events)", tree.as_secs_f64() / events.as_secs_f64());
    println!("conditions  {conditions:?} ({:.2} of trees)", conditions.as_secs_f64() / tree.as_secs_f64());
    Ok(())
}

fn time(run: impl Fn()) -> Duration {
    let start = Instant::now();
    run();
    start.elapsed()
}
