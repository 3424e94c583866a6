//! Reads a query from standard input, says what is wrong with it, and prints its tree and the query as this crate writes
//! it: `echo 'a : (b or c)' | cargo run --example parse_kuery`. With the argument `lucene` it reads a Lucene query string.

use std::io::Read as _;

use ruleatlas_kuery::{ErrorKind, kuery, lucene};
use ruleatlas_syntax::SyntaxError;

fn main() -> std::io::Result<()> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    if std::env::args().nth(1).as_deref() == Some("lucene") {
        let parsed = lucene::parse(&text);
        report(&parsed.errors);
        println!("{:#?}\n{}", parsed.tree, parsed.tree);
    } else {
        let parsed = kuery::parse(&text);
        report(&parsed.errors);
        println!("{:#?}\n{}", parsed.tree, parsed.tree);
    }
    Ok(())
}

fn report(errors: &[SyntaxError<ErrorKind>]) {
    for error in errors {
        eprintln!("{error}");
    }
}
