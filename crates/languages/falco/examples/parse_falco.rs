//! Reads a query from standard input, says what is wrong with it, and prints its tree and the query as this crate writes
//! it: `cargo run --example parse_falco < query.txt`.

use std::io::Read as _;

fn main() -> std::io::Result<()> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let parsed = ruleatlas_falco::parse(&text);
    for error in &parsed.errors {
        eprintln!("{error}");
    }
    println!("{:#?}\n{}", parsed.tree, parsed.tree);
    Ok(())
}
