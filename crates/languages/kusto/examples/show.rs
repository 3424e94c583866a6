//! Shows.
use ruleatlas_core::{Frontend, NoContext, Query, cases::describe};
use std::collections::BTreeMap;
fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let dir = &args[0];
    if !std::path::Path::new(dir).is_dir() {
        for f in &args {
            let t = std::fs::read_to_string(f).unwrap();
            println!("##### {f}\n{t}\n-----");
            let p = ruleatlas_kusto::Kusto.parse(&Query::new(&t), &NoContext);
            println!("{}{:?}\n", describe(&p), p.status());
        }
        return;
    }
    let mut files: Vec<_> = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    let mut st: BTreeMap<String, usize> = BTreeMap::new();
    let mut reasons: BTreeMap<String, (usize, Vec<String>)> = BTreeMap::new();
    let texts: Vec<_> = files
        .iter()
        .map(|f| (f.file_name().unwrap().to_string_lossy().to_string(), std::fs::read_to_string(f).unwrap()))
        .collect();
    let start = std::time::Instant::now();
    let parsed: Vec<_> = texts.iter().map(|(_, t)| ruleatlas_kusto::Kusto.parse(&Query::new(t), &NoContext)).collect();
    println!("{:?}", start.elapsed());
    let (mut preds, mut comp) = (0, 0);
    for ((f, _), p) in texts.iter().zip(&parsed) {
        *st.entry(format!("{:?}", p.status())).or_default() += 1;
        let mut seen = std::collections::BTreeSet::new();
        for c in &p.conditions {
            for o in c.root.opaques() {
                seen.insert(format!("opaque {}", o.reason));
            }
            for q in c.root.predicates() {
                preds += 1;
                comp += usize::from(q.computed);
            }
        }
        for d in &p.diagnostics {
            seen.insert(format!("{:?} {}", d.level, d.code));
        }
        for s in seen {
            let e = reasons.entry(s).or_default();
            e.0 += 1;
            e.1.push(f.clone());
        }
    }
    for ((f, t), p) in texts.iter().zip(&parsed) {
        if format!("{:?}", p.status()) == "Failed" {
            println!(
                "FAILED {f} {:?} :: {}",
                p.diagnostics.iter().map(|d| d.code.to_string()).collect::<Vec<_>>(),
                t.chars().take(90).collect::<String>().replace('\n', "⏎")
            );
        }
    }
    println!("{st:?} predicates {preds} computed {comp}");
    let mut v: Vec<_> = reasons.into_iter().collect();
    v.sort_by_key(|x| std::cmp::Reverse(x.1.0));
    for (r, (n, fs)) in v {
        println!("{n:5} {r}: {}", fs.iter().take(12).map(|s| s.trim_end_matches(".kql")).collect::<Vec<_>>().join(" "));
    }
}
