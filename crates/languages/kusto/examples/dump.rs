//! Dumps.
use ruleatlas_core::{Frontend, NoContext, Query, roles};
fn main() {
    let dir = std::env::args().nth(1).unwrap();
    let mut files: Vec<_> = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    for f in files {
        let t = std::fs::read_to_string(&f).unwrap();
        let p = ruleatlas_kusto::Kusto.parse(&Query::new(&t), &NoContext);
        let n = f.file_name().unwrap().to_string_lossy().replace(".kql", "");
        for c in &p.conditions {
            for s in &c.sources {
                println!("{n}\tSRC\t{}", s.name);
            }
            if c.sources.is_empty() {
                println!("{n}\tNOSRC\t{}", c.label);
            }
        }
        for q in roles(&p.conditions) {
            println!(
                "{n}\t{}\t{}\t{}{}{}\t{}\t{}",
                q.role,
                q.predicate.raw_field.replace('\n', " "),
                if q.predicate.negated { "!" } else { "" },
                q.predicate.op,
                if q.predicate.derived_from.is_some() { "<" } else { "" },
                q.predicate.values.len(),
                q.predicate.values.iter().take(6).cloned().collect::<Vec<_>>().join(" ¦ ").replace(['\n', '\t'], " ")
            );
        }
    }
}
