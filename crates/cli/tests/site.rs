//! The site as files, from the command line.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail anywhere")]

mod support;

use support::Place;

#[test]
fn the_demo_corpus_becomes_a_folder_of_pages() {
    let place = Place::new();
    place.run(&["build", "--demo"]).ends(0);
    place.run(&["site", "--out", "site"]).ends(0).says(&["pages", "files"]);
    for page in
        ["index.html", "matrix/index.html", "technique/T1059/index.html", "ledger/index.html", "api/openapi.json"]
    {
        assert!(place.path("site").join(page).is_file(), "{page}");
    }
    // Once more into the same folder, and never into somebody else's.
    place.run(&["site", "--out", "site", "--base", "/atlas"]).ends(0);
    let page = std::fs::read_to_string(place.path("site/matrix/index.html")).unwrap();
    assert!(page.contains("href=\"/atlas/technique/"));
    place.write("other/thesis.txt", "x");
    place.run(&["site", "--out", "other"]).ends(1).says(&["other", "is not empty"]);
    place.run(&["site", "--out", "site", "--base", "atlas"]).ends(2).says(&["/atlas"]);
    place.run(&["serve", "--cors", "example.org"]).ends(2).says(&["https://example.org"]);
}
