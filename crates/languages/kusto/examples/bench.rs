//! Bench.
use ruleatlas_core::{Frontend, NoContext, Query};
use std::time::Instant;
fn main() {
    let dir = std::env::args().nth(1).unwrap();
    let mut files: Vec<_> = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    let texts: Vec<_> = files.iter().map(|f| std::fs::read_to_string(f).unwrap()).collect();
    let mut best = vec![f64::MAX; texts.len()];
    for _ in 0..6 {
        let s = Instant::now();
        let n: usize = texts.iter().map(|t| ruleatlas_kusto::lexer::lex(t).len()).sum();
        let a = s.elapsed();
        let s = Instant::now();
        let m: usize = texts.iter().map(|t| ruleatlas_kusto::parser::parse(t).statements.len()).sum();
        let b = s.elapsed();
        let mut each = Vec::new();
        let s = Instant::now();
        for (f, t) in files.iter().zip(&texts) {
            let q = Instant::now();
            std::hint::black_box(ruleatlas_kusto::Kusto.parse(&Query::new(t), &NoContext));
            let i = each.len();
            best[i] = best[i].min(q.elapsed().as_secs_f64());
            each.push((q.elapsed(), f.file_name().unwrap().to_string_lossy().to_string()));
        }
        let c = s.elapsed();
        each.sort();
        each.reverse();
        println!("lex {a:?} ({n}) parse {b:?} ({m}) all {c:?} {:?}", &each[..2]);
    }
    println!("sum of best {:.1} ms", best.iter().sum::<f64>() * 1e3);
}
