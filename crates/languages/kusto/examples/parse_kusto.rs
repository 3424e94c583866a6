//! Reads a query from standard input, says what is wrong with it, and prints its tree and the query as this crate writes
//! it: `echo 'T | where a == 1' | cargo run --example parse_kusto`.

use std::io::Read as _;

fn main() -> std::io::Result<()> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let parsed = ruleatlas_kusto::parse(&text);
    for error in &parsed.errors {
        eprintln!("{error}");
    }
    println!("{:#?}\n{}", parsed.tree.statements, parsed.tree);
    Ok(())
}
