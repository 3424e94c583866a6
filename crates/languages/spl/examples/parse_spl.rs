//! Reads a search from standard input, says what is wrong with it, and prints its tree and the search as this crate writes
//! it: `echo 'index=a b=1 | where c=2' | cargo run --example parse_spl`.

use std::io::Read as _;

fn main() -> std::io::Result<()> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let parsed = ruleatlas_spl::parse(text.trim());
    for error in &parsed.errors {
        eprintln!("{error}");
    }
    println!("{:#?}\n{}", parsed.tree, parsed.tree);
    Ok(())
}
