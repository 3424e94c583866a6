fn main() {
    let mut args = std::env::args().skip(1);
    let dir = args.next().unwrap();
    let mut files: Vec<_> = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    let (mut clean, mut total) = (0, 0);
    for f in files {
        let t = std::fs::read_to_string(&f).unwrap();
        let s = ruleatlas_kusto::parser::parse(&t);
        let mut faults: Vec<_> = s.faults.iter().filter(|f| !f.mended).cloned().collect();
        let dbg = format!("{:?}", s.statements);
        total += 1;
        // crude: find Broken
        let broken = dbg.matches("Broken(Fault").count();
        if broken == 0 && faults.is_empty() {
            clean += 1;
        } else {
            let mut rest = dbg.as_str();
            while let Some(at) = rest.find("Broken(Fault") {
                let piece: String = rest[at..].chars().take(230).collect();
                let sp = piece.split("start: ").nth(1).unwrap();
                let st: usize = sp.split(',').next().unwrap().parse().unwrap();
                let ctx: String = t[st.min(t.len())..].chars().take(60).collect();
                println!("{} {} || {}", f.file_name().unwrap().to_string_lossy(), &piece[..], ctx.replace('\n', "⏎"));
                rest = &rest[at + 12..];
            }
            faults.clear();
        }
    }
    println!("{clean}/{total}");
}
