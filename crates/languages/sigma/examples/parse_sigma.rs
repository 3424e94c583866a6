//! Reads a rule or detection from standard input, says what is wrong with it, and prints its tree and the detection as this
//! crate writes it: `cargo run --example parse_sigma < rule.yml`.

use std::io::Read as _;

fn main() -> std::io::Result<()> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let parsed = ruleatlas_sigma::parse(&text);
    for error in &parsed.errors {
        eprintln!("{error}");
    }
    println!("{:#?}\n{}", parsed.tree, parsed.tree);
    Ok(())
}
