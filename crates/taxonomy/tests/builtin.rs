//! The compiled-in tables are sound.

use std::time::Instant;

use ruleatlas_taxonomy::Taxonomy;

#[test]
fn the_compiled_in_tables_load_without_a_fault() {
    let start = Instant::now();
    let taxonomy = Taxonomy::builtin();
    println!("loaded in {:?}", start.elapsed());
    let faults: Vec<String> = taxonomy.faults().iter().map(ToString::to_string).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(taxonomy.fields().count() > 300);
    assert!(taxonomy.log_sources().count() > 100);
    assert!(taxonomy.events_iter().count() > 500);
}
