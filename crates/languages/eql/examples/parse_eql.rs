//! Reads a query from standard input, says what is wrong with it, and prints its tree and the query as this crate writes
//! it: `echo 'process where a == 1' | cargo run --example parse_eql`.

use std::io::Read as _;

fn main() -> std::io::Result<()> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let parsed = ruleatlas_eql::parse(&text);
    for error in &parsed.errors {
        eprintln!("{error}");
    }
    if let Some(query) = parsed.tree {
        println!("{query:#?}\n{query}");
    }
    Ok(())
}
